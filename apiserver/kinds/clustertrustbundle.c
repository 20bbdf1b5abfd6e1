/* clustertrustbundles: roots to trust. Rules: pkg/apis/certificates/validation,
 * pkg/registry/certificates/clustertrustbundle. */
#include <openssl/x509v3.h>
#include "apiserver/kinds/access.h"
#include "openapi/names.h"
#include "apiserver/kinds/pem.h"
#include "apiserver/kinds/text_set.h"
#include "apiserver/kinds/workload.h"

#define OMITTED "\"<value omitted>\""

enum { BUNDLE_MAX = 1 << 20 };

static const char *trust_anchor_fault(const struct pem_block *block, struct arena *arena,
                                      struct text_set *seen, bool *ret_duplicate)
{
    const unsigned char *p = block->der;

    if (strcmp(block->name, "CERTIFICATE") != 0)
        return "has bad block type";
    if (*block->header)
        return "has PEM block headers";
    X509 *certificate = d2i_X509(NULL, &p, block->len);
    if (!certificate || p != block->der + block->len) {
        X509_free(certificate);
        return "does not parse as X.509";
    }
    bool is_ca =
        (X509_get_extension_flags(certificate) & (EXFLAG_BCONS | EXFLAG_CA)) == (EXFLAG_BCONS | EXFLAG_CA);
    X509_free(certificate);
    if (!is_ca)
        return "does not have the CA bit set";
    *ret_duplicate |=
        !text_set_add(seen, arena_dup(arena, slice_make((const char *)block->der, (size_t)block->len)));
    return NULL;
}

static void check_trust_bundle(struct causes *c, const struct path *at, struct slice pem)
{
    cleanup_bio BIO *bio = pem_open(pem);
    cleanup_pem_block struct pem_block block = {0};
    struct text_set seen = TEXT_SET(c->arena);
    bool duplicate = false;
    size_t before = c->count, good = 0;

    if (pem.len > BUNDLE_MAX) {
        causes_too_long(c, at, BUNDLE_MAX);
        return;
    }
    for (size_t i = 0; pem.len && pem_next(bio, &block); i++) {
        const char *fault = trust_anchor_fault(&block, c->arena, &seen, &duplicate);
        if (fault)
            causes_invalid_shown(c, at, OMITTED, "entry %zu %s", i, fault);
        else
            good++;
    }
    if (c->count != before)
        return;
    if (!good)
        causes_invalid_shown(c, at, OMITTED, "at least one trust anchor must be provided");
    else if (duplicate)
        causes_invalid_shown(c, at, OMITTED, "a trust anchor is there twice");
}

/* A bundle of a signer is named "<signer with ':' for '/'>:<name>". */
static void check_bundle_name(struct causes *c, const struct path *at, struct slice name, struct slice signer)
{
    struct slice prefix = arena_slicef(c->arena, "%.*s:", SLICE_ARG(signer));

    for (size_t i = 0; i < prefix.len; i++)
        if (prefix.ptr[i] == '/')
            ((char *)prefix.ptr)[i] = ':';
    if (!signer.len && slice_find(name, ':') >= 0)
        causes_invalid_text(c, at, name, "the name of a bundle without a signer must not have ':' in it");
    else if (signer.len && !slice_starts(name, prefix))
        causes_invalid_text(c, at, name, "the name of a bundle of this signer must begin with \"%.*s\"",
                            SLICE_ARG(prefix));
    else
        check_name(c, at, slice_from(name, signer.len ? prefix.len : 0), name_check_subdomain);
}

static void validate_bundle(struct kind_request *req, const struct value *object, const struct value *old)
{
    struct causes *c = req->causes;
    const struct value *spec = field_of(object, "spec"),
                       *old_spec = old ? field_of(old, "spec") : &value_absent;
    const struct value *signer = field_of(spec, "signerName");
    struct path at = path_field(NULL, "spec");

    if (!old)
        check_bundle_name(c, PATH(PATH(NULL, "metadata"), "name"), object_name(object), value_text(signer));
    if (value_text(signer).len)
        check_signer_name(c, PATH(&at, "signerName"), value_text(signer));
    if (!old || !value_equal(field_of(spec, "trustBundle"), field_of(old_spec, "trustBundle")))
        check_trust_bundle(c, PATH(&at, "trustBundle"), text_at(spec, "trustBundle"));
    if (old)
        check_immutable(c, PATH(&at, "signerName"), signer, field_of(old_spec, "signerName"));
}

static void row_bundle(struct arena *arena, const struct value *object, int64_t now, struct value *cells)
{
    struct slice signer = text_at(field_of(object, "spec"), "signerName");

    cells[1] = signer.len ? cell_text(signer) : cell_cstr("<none>");
}

const struct kind kind_clustertrustbundles = {.group = "certificates.k8s.io",
                                              .resource = "clustertrustbundles",
                                              .name_rule = NAME_ANY,
                                              .requires_version_on_update = true,
                                              .validate = validate_bundle,
                                              .row = row_bundle};
