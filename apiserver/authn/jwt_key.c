#include "apiserver/authn/jwt_key.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>
#include <openssl/sha.h>
#include <openssl/x509.h>

#include "apiserver/authn/jwt.h"
#include "base/alloc.h"

enum { MAX_KEYS = 256, MIN_RSA_BITS = 2048, MAX_RSA_BITS = 16384, MAX_NUMBER = 2048 };

DEFINE_CLEANUP(cleanup_bio_fn, BIO *, BIO_free_all)
DEFINE_CLEANUP(cleanup_bn_fn, BIGNUM *, BN_free)
DEFINE_CLEANUP(cleanup_build_fn, OSSL_PARAM_BLD *, OSSL_PARAM_BLD_free)
DEFINE_CLEANUP(cleanup_params_fn, OSSL_PARAM *, OSSL_PARAM_free)
DEFINE_CLEANUP(cleanup_ctx_fn, EVP_PKEY_CTX *, EVP_PKEY_CTX_free)

static const struct {
    const char *jwk, *openssl;
    enum jwt_algorithm algorithm;
    size_t bytes;
} curves[] = {
    {"P-256", "prime256v1", JWT_ES256, 32},
    {"P-384", "secp384r1", JWT_ES384, 48},
    {"P-521", "secp521r1", JWT_ES512, 66},
};

enum { CURVES = sizeof curves / sizeof *curves };

static const char *const names[] = {"",      "RS256", "RS384", "RS512", "PS256",
                                    "PS384", "PS512", "ES256", "ES384", "ES512"};

const char *jwt_algorithm_name(enum jwt_algorithm algorithm)
{
    return names[algorithm];
}

enum jwt_algorithm jwt_algorithm_parse(const char *name)
{
    for (size_t i = 1; name && i < sizeof names / sizeof *names; i++)
        if (strcmp(name, names[i]) == 0)
            return (enum jwt_algorithm)i;
    return JWT_NONE;
}

static size_t curve_of(const EVP_PKEY *pkey)
{
    char name[64];
    size_t len;
    for (size_t i = 0; i < CURVES; i++)
        if (EVP_PKEY_get_utf8_string_param(pkey, OSSL_PKEY_PARAM_GROUP_NAME, name, sizeof name, &len) == 1 &&
            strcmp(name, curves[i].openssl) == 0)
            return i;
    return CURVES;
}

bool jwt_key_fits(const struct jwt_key *key, enum jwt_algorithm algorithm)
{
    if (algorithm == JWT_NONE)
        return false;
    if (EVP_PKEY_is_a(key->pkey, "RSA"))
        return algorithm <= JWT_PS512;
    size_t curve = curve_of(key->pkey);
    return curve < CURVES && curves[curve].algorithm == algorithm;
}

/* ---- adding ---- */

void jwt_keys_release(struct jwt_keys *keys)
{
    for (size_t i = 0; i < keys->count; i++) {
        EVP_PKEY_free(keys->items[i].pkey);
        free(keys->items[i].id);
    }
    free(keys->items);
    *keys = (struct jwt_keys){0};
}

static char *id_of(EVP_PKEY *pkey)
{
    cleanup_arena struct arena *arena = arena_new();
    unsigned char *der = NULL, digest[SHA256_DIGEST_LENGTH];
    int len = i2d_PUBKEY(pkey, &der);
    if (len <= 0)
        return xstrdup("");
    SHA256(der, (size_t)len, digest);
    OPENSSL_free(der);
    return slice_strdup(base64url_encode(arena, slice_make((char *)digest, sizeof digest)));
}

/* Takes the key over. False: of no kind, or too small, or too many. */
static bool add(struct jwt_keys *keys, EVP_PKEY *pkey, const char *id)
{
    cleanup_free char *text = id ? xstrdup(id) : id_of(pkey);
    size_t curve = curve_of(pkey);
    bool rsa = EVP_PKEY_is_a(pkey, "RSA") && EVP_PKEY_get_bits(pkey) >= MIN_RSA_BITS &&
               EVP_PKEY_get_bits(pkey) <= MAX_RSA_BITS;
    bool known = rsa || (EVP_PKEY_is_a(pkey, "EC") && curve < CURVES);
    for (size_t i = 0; known && !id && i < keys->count; i++)
        if (strcmp(keys->items[i].id, text) == 0) {
            EVP_PKEY_free(pkey);
            return true;
        }
    if (!known || keys->count == MAX_KEYS) {
        EVP_PKEY_free(pkey);
        return false;
    }
    if (keys->count == keys->capacity) {
        keys->capacity = keys->capacity ? keys->capacity * 2 : 4;
        keys->items = xrealloc(keys->items, keys->capacity * sizeof *keys->items);
    }
    keys->items[keys->count++] =
        (struct jwt_key){pkey, steal(&text), rsa ? JWT_RS256 : curves[curve].algorithm};
    return true;
}

/* ---- PEM ---- */

static EVP_PKEY *read_block(const char *name, const unsigned char *der, long len)
{
    if (strcmp(name, "CERTIFICATE") == 0) {
        X509 *cert = d2i_X509(NULL, &der, len);
        EVP_PKEY *pkey = cert ? X509_get_pubkey(cert) : NULL;
        X509_free(cert);
        return pkey;
    }
    if (strcmp(name, "PUBLIC KEY") == 0)
        return d2i_PUBKEY(NULL, &der, len);
    if (strcmp(name, "RSA PUBLIC KEY") == 0)
        return d2i_PublicKey(EVP_PKEY_RSA, NULL, &der, len);
    return strstr(name, "PRIVATE KEY") ? d2i_AutoPrivateKey(NULL, &der, len) : NULL;
}

bool jwt_keys_load(struct jwt_keys *keys, const char *path, struct error *err)
{
    CLEANUP(cleanup_bio_fn) BIO *file = BIO_new_file(path, "r");
    size_t blocks = 0;
    char *name, *header;
    unsigned char *der;
    long len;
    if (!file)
        return error_set(err, REASON_INTERNAL, "the key file %s cannot be read: %s", path, strerror(errno));
    while (PEM_read_bio(file, &name, &header, &der, &len) == 1) {
        EVP_PKEY *pkey = read_block(name, der, len);
        bool parameters = strcmp(name, "EC PARAMETERS") == 0;
        bool ok = parameters || (pkey && add(keys, pkey, NULL));
        blocks += !parameters;
        OPENSSL_cleanse(der, (size_t)len);
        OPENSSL_free(name);
        OPENSSL_free(header);
        OPENSSL_free(der);
        if (!ok) {
            ERR_clear_error();
            return error_set(
                err, REASON_INTERNAL,
                "the key file %s holds something that is no RSA key of %d to %d bits and no EC key on P-256, "
                "P-384 or P-521",
                path, MIN_RSA_BITS, MAX_RSA_BITS);
        }
    }
    ERR_clear_error();
    return blocks > 0 || error_set(err, REASON_INTERNAL, "the key file %s holds no key in PEM", path);
}

/* ---- JSON web keys: reading ---- */

static BIGNUM *number_of(struct arena *arena, const json_t *jwk, const char *field)
{
    struct slice bytes;
    if (!base64url_decode(arena, jwt_text(jwk, field), &bytes) || !bytes.len || bytes.len > MAX_NUMBER)
        return NULL;
    return BN_bin2bn((const unsigned char *)bytes.ptr, (int)bytes.len, NULL);
}

static EVP_PKEY *from_params(const char *type, OSSL_PARAM *params)
{
    EVP_PKEY *pkey = NULL;
    CLEANUP(cleanup_ctx_fn) EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
    if (!ctx || !params || EVP_PKEY_fromdata_init(ctx) != 1 ||
        EVP_PKEY_fromdata(ctx, &pkey, EVP_PKEY_PUBLIC_KEY, params) != 1)
        return NULL;
    CLEANUP(cleanup_ctx_fn) EVP_PKEY_CTX *check = EVP_PKEY_CTX_new_from_pkey(NULL, pkey, NULL);
    if (check && EVP_PKEY_public_check(check) == 1)
        return pkey;
    EVP_PKEY_free(pkey);
    return NULL;
}

static EVP_PKEY *read_rsa(struct arena *arena, const json_t *jwk)
{
    CLEANUP(cleanup_bn_fn) BIGNUM *n = number_of(arena, jwk, "n");
    CLEANUP(cleanup_bn_fn) BIGNUM *e = number_of(arena, jwk, "e");
    CLEANUP(cleanup_build_fn) OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
    EVP_PKEY *pkey = NULL;
    if (n && e && BN_num_bits(e) <= 64 && OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_N, n) == 1 &&
        OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_E, e) == 1) {
        CLEANUP(cleanup_params_fn) OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(build);
        pkey = from_params("RSA", params);
    }
    return pkey;
}

static EVP_PKEY *read_ec(struct arena *arena, const json_t *jwk)
{
    struct slice x, y, curve = jwt_text(jwk, "crv");
    size_t c = 0;
    while (c < CURVES && !slice_is(curve, curves[c].jwk))
        c++;
    if (c == CURVES || !base64url_decode(arena, jwt_text(jwk, "x"), &x) ||
        !base64url_decode(arena, jwt_text(jwk, "y"), &y) || x.len != curves[c].bytes ||
        y.len != curves[c].bytes)
        return NULL;
    unsigned char point[1 + 2 * 66] = {4};
    memcpy(point + 1, x.ptr, x.len);
    memcpy(point + 1 + x.len, y.ptr, y.len);
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, (char *)curves[c].openssl, 0),
        OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, point, 1 + 2 * x.len),
        OSSL_PARAM_construct_end(),
    };
    return from_params("EC", params);
}

bool jwt_keys_parse(struct jwt_keys *keys, const json_t *document)
{
    cleanup_arena struct arena *arena = arena_new();
    const json_t *list = json_object_get(document, "keys");
    if (!json_is_array(list))
        return false;
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *jwk = json_array_get(list, i);
        struct slice type = jwt_text(jwk, "kty"), use = jwt_text(jwk, "use");
        EVP_PKEY *pkey = NULL;
        if (use.len && !slice_is(use, "sig"))
            continue;
        if (slice_is(type, "RSA"))
            pkey = read_rsa(arena, jwk);
        else if (slice_is(type, "EC"))
            pkey = read_ec(arena, jwk);
        const char *id = json_string_value(json_object_get(jwk, "kid"));
        if (pkey)
            add(keys, pkey, id ? id : "");
    }
    ERR_clear_error();
    return true;
}

/* ---- JSON web keys: writing ---- */

/* len 0: as long as the number is. */
static void put_number(struct buf *out, struct arena *arena, const EVP_PKEY *pkey, const char *field,
                       const char *param, size_t len)
{
    BIGNUM *n = NULL;
    if (EVP_PKEY_get_bn_param(pkey, param, &n) != 1)
        return;
    size_t size = len ? len : (size_t)BN_num_bytes(n);
    unsigned char *bytes = arena_alloc(arena, size);
    BN_bn2binpad(n, bytes, (int)size);
    BN_free(n);
    buf_printf(out, ",\"%s\":\"", field);
    buf_put_slice(out, base64url_encode(arena, slice_make((char *)bytes, size)));
    buf_putc(out, '"');
}

static void put_key(struct buf *out, struct arena *arena, const struct jwt_key *key)
{
    bool rsa = key->algorithm == JWT_RS256;
    buf_printf(out, "{\"use\":\"sig\",\"kty\":\"%s\",\"kid\":\"%s\"", rsa ? "RSA" : "EC", key->id);
    if (rsa) {
        buf_puts(out, ",\"alg\":\"RS256\"");
        put_number(out, arena, key->pkey, "n", OSSL_PKEY_PARAM_RSA_N, 0);
        put_number(out, arena, key->pkey, "e", OSSL_PKEY_PARAM_RSA_E, 0);
    } else {
        size_t curve = curve_of(key->pkey);
        buf_printf(out, ",\"crv\":\"%s\",\"alg\":\"%s\"", curves[curve].jwk, names[key->algorithm]);
        put_number(out, arena, key->pkey, "x", OSSL_PKEY_PARAM_EC_PUB_X, curves[curve].bytes);
        put_number(out, arena, key->pkey, "y", OSSL_PKEY_PARAM_EC_PUB_Y, curves[curve].bytes);
    }
    buf_putc(out, '}');
}

void jwt_keys_print(struct buf *out, const struct jwt_keys *keys)
{
    cleanup_arena struct arena *arena = arena_new();
    buf_puts(out, "{\"keys\":[");
    for (size_t i = 0; i < keys->count; i++) {
        buf_puts(out, i ? "," : "");
        put_key(out, arena, &keys->items[i]);
    }
    buf_puts(out, "]}");
}
