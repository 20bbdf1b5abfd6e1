#include "apiserver/kinds/core.h"

#include <openssl/pem.h>
#include <openssl/x509.h>

#include "openapi/decode.h"
#include "openapi/scalar.h"

enum { SIZE_MAX_BYTES = 1024 * 1024 };

static void prepare_update(struct kind_request *req, struct value *object, const struct value *old)
{
    if (!TEXT(object, Secret, type).len)
        *value_mut(object, core_v1_Secret_type) = *AT(old, Secret, type);
}

static struct slice bytes_of(struct arena *arena, const struct value *object, const char *key)
{
    const char *fault;
    struct slice bytes = slice_make("", 0);
    scalar_base64_decode(arena, value_text(value_get(AT(object, Secret, data), slice_str(key))), &bytes,
                         &fault);
    return bytes;
}

static void need_key(struct kind_request *req, const struct value *object, const char *key)
{
    if (!value_is_set(value_get(AT(object, Secret, data), slice_str(key))))
        causes_required(req->causes, PATH_K(PATH(NULL, "data"), slice_str(key)), "");
}

static void check_json(struct kind_request *req, const struct value *object, const char *key)
{
    static const struct schema any = {.kind = SCHEMA_ANY};
    static const struct schema map = {.kind = SCHEMA_MAP, .elem = &any};
    struct error err;
    struct value tree;
    error_init(&err, req->arena);
    if (!value_is_set(value_get(AT(object, Secret, data), slice_str(key))))
        need_key(req, object, key);
    else if (!decode_json_node(req->arena, &map, bytes_of(req->arena, object, key), &tree, NULL, &err))
        causes_invalid_text(req->causes, PATH_K(PATH(NULL, "data"), slice_str(key)),
                            SLICE("<secret contents redacted>"), "%s", err.message);
}

static void check_type(struct kind_request *req, const struct value *object)
{
    static const char account[] = "kubernetes.io/service-account.name";
    const struct value *type = AT(object, Secret, type), *data = AT(object, Secret, data);
    const struct value *annotations = value_at(AT(object, Secret, metadata), meta_v1_ObjectMeta_annotations);
    if (value_is(type, "kubernetes.io/service-account-token")) {
        if (!value_text(value_get(annotations, slice_str(account))).len)
            causes_required(req->causes,
                            PATH_K(PATH(PATH(NULL, "metadata"), "annotations"), slice_str(account)), "");
    } else if (value_is(type, "kubernetes.io/dockercfg")) {
        check_json(req, object, ".dockercfg");
    } else if (value_is(type, "kubernetes.io/dockerconfigjson")) {
        check_json(req, object, ".dockerconfigjson");
    } else if (value_is(type, "kubernetes.io/basic-auth")) {
        if (!value_is_set(value_get(data, SLICE("username"))) &&
            !value_is_set(value_get(data, SLICE("password")))) {
            need_key(req, object, "username");
            need_key(req, object, "password");
        }
    } else if (value_is(type, "kubernetes.io/ssh-auth")) {
        if (!value_text(value_get(data, SLICE("ssh-privatekey"))).len)
            causes_required(req->causes, PATH_K(PATH(NULL, "data"), SLICE("ssh-privatekey")), "");
    } else if (value_is(type, "kubernetes.io/tls")) {
        need_key(req, object, "tls.crt");
        need_key(req, object, "tls.key");
    }
}

static void check_data(struct kind_request *req, const struct value *object)
{
    size_t total = 0;
    for (VALUE_EACH_ENTRY(entry, AT(object, Secret, data))) {
        struct slice text = value_text(&entry->value);
        check_name(req->causes, PATH_K(PATH(NULL, "data"), entry->key), entry->key, name_check_config_key);
        total += text.len / 4 * 3 - (slice_ends(text, SLICE("=="))  ? 2
                                     : slice_ends(text, SLICE("=")) ? 1
                                                                    : 0);
    }
    if (total > SIZE_MAX_BYTES)
        causes_too_long(req->causes, PATH(NULL, "data"), SIZE_MAX_BYTES);
}

/* A pair of key and certificate that do not belong together is stored, with a warning. */
static void warn_tls(struct kind_request *req, const struct value *object)
{
    if (!value_is(AT(object, Secret, type), "kubernetes.io/tls"))
        return;
    struct slice crt = bytes_of(req->arena, object, "tls.crt"), key = bytes_of(req->arena, object, "tls.key");
    BIO *crt_bio = BIO_new_mem_buf(crt.ptr, (int)crt.len), *key_bio = BIO_new_mem_buf(key.ptr, (int)key.len);
    X509 *cert = crt_bio ? PEM_read_bio_X509(crt_bio, NULL, NULL, NULL) : NULL;
    EVP_PKEY *private_key = key_bio ? PEM_read_bio_PrivateKey(key_bio, NULL, NULL, (void *)"") : NULL;
    if (!cert)
        kind_warn(req, "tls: failed to find any PEM data in certificate input");
    else if (!private_key)
        kind_warn(req, "tls: failed to find any PEM data in key input");
    else if (X509_check_private_key(cert, private_key) != 1)
        kind_warn(req, "tls: private key does not match public key");
    X509_free(cert);
    EVP_PKEY_free(private_key);
    BIO_free(crt_bio);
    BIO_free(key_bio);
}

static void validate(struct kind_request *req, const struct value *object, const struct value *old)
{
    struct causes *c = req->causes;
    if (old)
        check_immutable(c, PATH(NULL, "type"), AT(object, Secret, type), AT(old, Secret, type));
    if (old && value_bool(AT(old, Secret, immutable))) {
        if (!value_bool(AT(object, Secret, immutable)))
            causes_forbidden(c, PATH(NULL, "immutable"), "field is immutable when `immutable` is set");
        if (!value_equal(AT(object, Secret, data), AT(old, Secret, data)))
            causes_forbidden(c, PATH(NULL, "data"), "field is immutable when `immutable` is set");
    }
    check_data(req, object);
    check_type(req, object);
    if (!c->count) /* what is refused gets no warnings */
        warn_tls(req, object);
}

static void row(struct arena *arena, const struct value *object, int64_t now, struct value *cells)
{
    cells[2] = value_of_int((int64_t)value_count(AT(object, Secret, data)));
}

const struct kind kind_secrets = {
    .group = "",
    .resource = "secrets",
    .prepare_update = prepare_update,
    .validate = validate,
    .row = row,
};
