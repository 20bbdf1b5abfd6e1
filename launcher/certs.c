#include "launcher/certs.h"

#include <arpa/inet.h>
#include <errno.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <string.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "launcher/files.h"

enum { DAY = 86400, CA_DAYS = 3650, LEAF_DAYS = 365, RENEW_DAYS = 30, BACKDATE = 300, FILE_LIMIT = 1 << 20 };

DEFINE_CLEANUP(cleanup_key_fn, EVP_PKEY *, EVP_PKEY_free)
DEFINE_CLEANUP(cleanup_x509_fn, X509 *, X509_free)
DEFINE_CLEANUP(cleanup_bio_fn, BIO *, BIO_free)
#define cleanup_key  CLEANUP(cleanup_key_fn)
#define cleanup_x509 CLEANUP(cleanup_x509_fn)
#define cleanup_bio  CLEANUP(cleanup_bio_fn)

struct authority {
    X509 *cert;
    EVP_PKEY *key;
};

/* What a certificate says; the pure part of making one. */
struct leaf {
    const char *file; /* "apiserver" */
    const char *common_name;
    const char *organization;
    const char *usage;
    const char *const *names; /* NULL for none */
};

static bool openssl_error(struct error *err, const char *what)
{
    char text[160];
    ERR_error_string_n(ERR_get_error(), text, sizeof text);
    ERR_clear_error();
    return error_set(err, REASON_INTERNAL, "%s: %s", what, text);
}

bool certs_parse_address(const char *text, unsigned char address[16], int *ret_len)
{
    if (inet_pton(AF_INET, text, address) == 1) {
        *ret_len = 4;
        return true;
    }
    if (inet_pton(AF_INET6, text, address) == 1) {
        *ret_len = 16;
        return true;
    }
    return false;
}

static bool write_pem(const char *path, BIO *bio, mode_t mode, struct error *err)
{
    char *data;
    long len = BIO_get_mem_data(bio, &data);
    return files_replace(path, slice_make(data, (size_t)len), mode, err);
}

static bool save_key(const char *dir, const char *name, EVP_PKEY *key, struct error *err)
{
    cleanup_free char *path = xasprintf("%s/%s.key", dir, name);
    cleanup_bio BIO *bio = BIO_new(BIO_s_secmem());
    if (!bio || !PEM_write_bio_PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL))
        return openssl_error(err, "cannot write a key");
    return write_pem(path, bio, 0600, err);
}

static bool save_cert(const char *dir, const char *name, X509 *cert, struct error *err)
{
    cleanup_free char *path = xasprintf("%s/%s.crt", dir, name);
    cleanup_bio BIO *bio = BIO_new(BIO_s_mem());
    if (!bio || !PEM_write_bio_X509(bio, cert))
        return openssl_error(err, "cannot write a certificate");
    return write_pem(path, bio, 0644, err);
}

/* The file as a BIO; NULL without an error when there is no such file. */
static BIO *open_pem(const char *path, struct buf *bytes, struct error *err)
{
    bool found;
    if (!files_read(path, FILE_LIMIT, bytes, &found, err) || !found)
        return NULL;
    return BIO_new_mem_buf(bytes->data ? bytes->data : "", (int)bytes->len);
}

static X509 *load_cert(const char *dir, const char *name, struct error *err)
{
    cleanup_free char *path = xasprintf("%s/%s.crt", dir, name);
    cleanup_buf struct buf bytes = BUF_INIT(FILE_LIMIT);
    cleanup_bio BIO *bio = open_pem(path, &bytes, err);
    X509 *cert = bio ? PEM_read_bio_X509(bio, NULL, NULL, NULL) : NULL;
    ERR_clear_error();
    if (bio && !cert)
        error_set(err, REASON_INTERNAL, "%s holds no certificate", path);
    return cert;
}

static EVP_PKEY *load_key(const char *dir, const char *name, struct error *err)
{
    cleanup_free char *path = xasprintf("%s/%s.key", dir, name);
    cleanup_buf struct buf bytes = BUF_INIT(FILE_LIMIT);
    cleanup_bio BIO *bio = open_pem(path, &bytes, err);
    EVP_PKEY *key = bio ? PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL) : NULL;
    ERR_clear_error();
    if (bio && !key)
        error_set(err, REASON_INTERNAL, "%s holds no private key", path);
    OPENSSL_cleanse(bytes.data, bytes.len);
    return key;
}

static bool add_extension(X509 *cert, X509 *issuer, int nid, const char *value)
{
    X509V3_CTX context;
    X509V3_set_ctx(&context, issuer, cert, NULL, NULL, 0);
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
    bool ok = extension && X509_add_ext(cert, extension, -1);
    X509_EXTENSION_free(extension);
    return ok;
}

static bool push_name(GENERAL_NAMES *all, const char *name)
{
    unsigned char address[16];
    int len = 0;
    bool ip = certs_parse_address(name, address, &len);
    ASN1_STRING *value = ip ? ASN1_OCTET_STRING_new() : ASN1_IA5STRING_new();
    GENERAL_NAME *general = GENERAL_NAME_new();
    if (value && general &&
        ASN1_STRING_set(value, ip ? (const void *)address : name, ip ? len : (int)strlen(name))) {
        GENERAL_NAME_set0_value(general, ip ? GEN_IPADD : GEN_DNS, value);
        if (sk_GENERAL_NAME_push(all, general))
            return true;
        value = NULL; /* owned by general now */
    }
    ASN1_STRING_free(value);
    GENERAL_NAME_free(general);
    return false;
}

static bool add_alt_names(X509 *cert, const char *const *names)
{
    GENERAL_NAMES *all = sk_GENERAL_NAME_new_null();
    bool ok = all != NULL;
    for (; ok && *names; names++)
        ok = push_name(all, *names);
    ok = ok && X509_add1_ext_i2d(cert, NID_subject_alt_name, all, 0, 0) == 1;
    GENERAL_NAMES_free(all);
    return ok;
}

static bool set_serial(X509 *cert)
{
    BIGNUM *serial = BN_new();
    /* 127 bits: positive in DER whatever the first byte is */
    bool ok = serial && BN_rand(serial, 127, BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ANY) &&
              BN_to_ASN1_INTEGER(serial, X509_get_serialNumber(cert));
    BN_free(serial);
    return ok;
}

static bool add_subject(X509 *cert, const char *common_name, const char *organization)
{
    X509_NAME *subject = X509_get_subject_name(cert);
    if (organization && !X509_NAME_add_entry_by_txt(subject, "O", MBSTRING_UTF8,
                                                    (const unsigned char *)organization, -1, -1, 0))
        return false;
    return X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8, (const unsigned char *)common_name, -1,
                                      -1, 0);
}

/* Version, serial, times, subject, key: what an authority and a leaf have in common. */
static X509 *start_cert(EVP_PKEY *key, const char *common_name, const char *organization, int64_t now,
                        int days)
{
    cleanup_x509 X509 *cert = X509_new();
    time_t from = (time_t)now - BACKDATE, to = (time_t)now + (time_t)days * DAY;
    if (!cert || !X509_set_version(cert, X509_VERSION_3) || !set_serial(cert) ||
        !ASN1_TIME_set(X509_getm_notBefore(cert), from) || !ASN1_TIME_set(X509_getm_notAfter(cert), to) ||
        !add_subject(cert, common_name, organization) || !X509_set_pubkey(cert, key))
        return NULL;
    return steal(&cert);
}

static bool make_authority(const char *dir, const char *file, int64_t now, struct authority *ca,
                           struct error *err)
{
    cleanup_key EVP_PKEY *key = EVP_EC_gen("P-256");
    /* The time in the name tells this authority from an earlier one of the same folder in people's trust
     * stores. */
    cleanup_free char *name = xasprintf("coxswain-%s@%lld", file, (long long)now);
    cleanup_x509 X509 *cert = key ? start_cert(key, name, NULL, now, CA_DAYS) : NULL;
    if (!cert || !X509_set_issuer_name(cert, X509_get_subject_name(cert)) ||
        !add_extension(cert, cert, NID_basic_constraints, "critical,CA:TRUE") ||
        !add_extension(cert, cert, NID_key_usage, "critical,digitalSignature,keyEncipherment,keyCertSign") ||
        !add_extension(cert, cert, NID_subject_key_identifier, "hash") || !X509_sign(cert, key, EVP_sha256()))
        return openssl_error(err, "cannot make the certificate authority");
    if (!save_key(dir, file, key, err) || !save_cert(dir, file, cert, err))
        return false;
    ca->cert = steal(&cert);
    ca->key = steal(&key);
    return true;
}

/* Without an authority it signs itself. */
static bool make_leaf(const char *dir, const struct leaf *leaf, const struct authority *ca, int64_t now,
                      struct error *err)
{
    cleanup_key EVP_PKEY *key = EVP_EC_gen("P-256");
    cleanup_x509 X509 *cert =
        key ? start_cert(key, leaf->common_name, leaf->organization, now, LEAF_DAYS) : NULL;
    X509 *issuer = ca ? ca->cert : cert;
    if (!cert || !X509_set_issuer_name(cert, X509_get_subject_name(issuer)) ||
        !add_extension(cert, issuer, NID_basic_constraints, "critical,CA:FALSE") ||
        !add_extension(cert, issuer, NID_key_usage, "critical,digitalSignature,keyEncipherment") ||
        !add_extension(cert, issuer, NID_ext_key_usage, leaf->usage) ||
        (ca && !add_extension(cert, issuer, NID_authority_key_identifier, "keyid")) ||
        (leaf->names && !add_alt_names(cert, leaf->names)) ||
        !X509_sign(cert, ca ? ca->key : key, EVP_sha256()))
        return openssl_error(err, "cannot make a certificate");
    /* The key first: a cut between the two leaves a pair that does not fit, which the next run sees and
     * renews. */
    return save_key(dir, leaf->file, key, err) && save_cert(dir, leaf->file, cert, err);
}

static bool ends_before(const X509 *cert, int64_t when)
{
    time_t limit = (time_t)when;
    return X509_cmp_time(X509_get0_notAfter(cert), &limit) < 0;
}

static bool covers(X509 *cert, const char *const *names)
{
    for (; names && *names; names++) {
        unsigned char address[16];
        int len;
        bool ip = certs_parse_address(*names, address, &len);
        int fits = ip ? X509_check_ip(cert, address, (size_t)len, 0)
                      : X509_check_host(cert, *names, 0, X509_CHECK_FLAG_NEVER_CHECK_SUBJECT, NULL);
        if (fits != 1)
            return false;
    }
    return true;
}

/* A leaf that cannot be read or does not fit is simply made anew: it holds nothing that is not in the
 * request. */
static bool leaf_is_fit(const char *dir, const struct leaf *leaf, const struct authority *ca, int64_t now)
{
    cleanup_error struct error ignored = ERROR_INIT;
    cleanup_x509 X509 *cert = load_cert(dir, leaf->file, &ignored);
    cleanup_key EVP_PKEY *key = error_is_set(&ignored) ? NULL : load_key(dir, leaf->file, &ignored);
    bool fit = cert && key && X509_check_private_key(cert, key) &&
               X509_verify(cert, X509_get0_pubkey(ca ? ca->cert : cert)) == 1 &&
               !ends_before(cert, now + (int64_t)RENEW_DAYS * DAY) && covers(cert, leaf->names);
    ERR_clear_error();
    return fit;
}

static bool ensure_authority(const char *dir, const char *file, int64_t now, struct authority *ca,
                             bool *ret_made, struct error *err)
{
    cleanup_x509 X509 *cert = load_cert(dir, file, err);
    if (error_is_set(err))
        return error_wrap(err, "the cluster's certificate authority is damaged, put %s back from a backup",
                          dir);
    cleanup_key EVP_PKEY *key = load_key(dir, file, err);
    if (error_is_set(err))
        return error_wrap(err, "the cluster's certificate authority is damaged, put %s back from a backup",
                          dir);
    if (!cert || ends_before(cert, now + (int64_t)RENEW_DAYS * DAY)) {
        *ret_made = true;
        return make_authority(dir, file, now, ca, err);
    }
    if (!key || !X509_check_private_key(cert, key)) {
        ERR_clear_error();
        return error_set(err, REASON_INTERNAL,
                         "%s/%s.key is missing or does not belong to %s.crt: put it back, or remove the "
                         "folder %s to start "
                         "with new certificates",
                         dir, file, file, dir);
    }
    ca->cert = steal(&cert);
    ca->key = steal(&key);
    return true;
}

static bool ensure_service_account(const char *dir, unsigned *made, struct error *err)
{
    cleanup_key EVP_PKEY *key = load_key(dir, "sa", err);
    if (error_is_set(err))
        return error_wrap(err, "the service account key is damaged");
    cleanup_free char *path = xasprintf("%s/sa.pub", dir);
    if (key && access(path, R_OK) == 0)
        return true;
    if (!key) {
        key = EVP_EC_gen("P-256");
        if (!key)
            return openssl_error(err, "cannot make the service account key");
        if (!save_key(dir, "sa", key, err))
            return false;
    }
    *made |= CERTS_SERVICE_ACCOUNT;
    cleanup_bio BIO *bio = BIO_new(BIO_s_mem());
    if (!bio || !PEM_write_bio_PUBKEY(bio, key))
        return openssl_error(err, "cannot write the service account key");
    return write_pem(path, bio, 0644, err);
}

static bool ensure_leaves(const struct certs_request *request, const struct authority *ca, unsigned *made,
                          struct error *err)
{
    const struct leaf server = {"apiserver", "kube-apiserver", NULL, "serverAuth", request->names};
    const struct leaf admin = {"admin", "kubernetes-admin", "system:masters", "clientAuth", NULL};
    if (!leaf_is_fit(request->dir, &server, ca, request->now)) {
        if (!make_leaf(request->dir, &server, ca, request->now, err))
            return false;
        *made |= CERTS_SERVER;
    }
    if (!leaf_is_fit(request->dir, &admin, ca, request->now)) {
        if (!make_leaf(request->dir, &admin, ca, request->now, err))
            return false;
        *made |= CERTS_ADMIN;
    }
    return true;
}

/* An authority of its own: one that signs users' certificates must not make somebody who speaks for users. */
static bool ensure_front_proxy(const struct certs_request *request, unsigned *made, struct error *err)
{
    const struct leaf client = {"front-proxy-client", "front-proxy-client", NULL, "clientAuth", NULL};
    struct authority ca = {0};
    bool made_ca = false;
    bool ok = ensure_authority(request->dir, "front-proxy-ca", request->now, &ca, &made_ca, err);
    if (ok && (made_ca || !leaf_is_fit(request->dir, &client, &ca, request->now))) {
        ok = make_leaf(request->dir, &client, &ca, request->now, err);
        *made |= CERTS_FRONT_PROXY;
    }
    X509_free(ca.cert);
    EVP_PKEY_free(ca.key);
    return ok;
}

bool certs_ensure(const struct certs_request *request, unsigned *ret_made, struct error *err)
{
    struct authority ca = {0};
    bool made_ca = false;
    bool ok = files_make_dir(request->dir, err) &&
              ensure_authority(request->dir, "ca", request->now, &ca, &made_ca, err);
    unsigned made = made_ca ? CERTS_CA : 0;
    ok = ok && ensure_leaves(request, &ca, &made, err) && ensure_front_proxy(request, &made, err) &&
         ensure_service_account(request->dir, &made, err);
    X509_free(ca.cert);
    EVP_PKEY_free(ca.key);
    if (ok)
        *ret_made = made;
    return ok;
}

bool certs_ensure_self_signed(const struct certs_request *request, struct error *err)
{
    const struct leaf server = {"apiserver", "kube-apiserver", NULL, "serverAuth", request->names};
    return files_make_dir(request->dir, err) && (leaf_is_fit(request->dir, &server, NULL, request->now) ||
                                                 make_leaf(request->dir, &server, NULL, request->now, err));
}
