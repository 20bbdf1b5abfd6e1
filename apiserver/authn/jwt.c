#include "apiserver/authn/jwt.h"

#include <openssl/bn.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/rsa.h>

#include "base/alloc.h"

enum { LEEWAY_SECONDS = 60, MAX_SIGNATURE = 2048, MAX_EC_PART = 66 };

DEFINE_CLEANUP(cleanup_md_fn, EVP_MD_CTX *, EVP_MD_CTX_free)
DEFINE_CLEANUP(cleanup_sig_fn, ECDSA_SIG *, ECDSA_SIG_free)

/* ---- base64url ---- */

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

static int digit(unsigned char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    return c == '-' ? 62 : c == '_' ? 63 : -1;
}

bool base64url_decode(struct arena *arena, struct slice text, struct slice *ret)
{
    char *out = arena_bytes(arena, text.len / 4 * 3 + 3);
    size_t n = 0;
    uint32_t bits = 0;
    unsigned have = 0;
    if (text.len % 4 == 1)
        return false;
    for (size_t i = 0; i < text.len; i++) {
        int d = digit((unsigned char)text.ptr[i]);
        if (d < 0)
            return false;
        bits = bits << 6 | (uint32_t)d;
        have += 6;
        if (have >= 8) {
            have -= 8;
            out[n++] = (char)(bits >> have & 255);
        }
    }
    if (bits & ((1u << have) - 1)) /* left-over bits are zero, or one text has several forms */
        return false;
    *ret = slice_make(out, n);
    return true;
}

struct slice base64url_encode(struct arena *arena, struct slice bytes)
{
    char *out = arena_bytes(arena, bytes.len / 3 * 4 + 5);
    size_t n = 0;
    for (size_t i = 0; i < bytes.len; i += 3) {
        size_t left = bytes.len - i;
        uint32_t v = (uint32_t)(unsigned char)bytes.ptr[i] << 16;
        v |= left > 1 ? (uint32_t)(unsigned char)bytes.ptr[i + 1] << 8 : 0;
        v |= left > 2 ? (unsigned char)bytes.ptr[i + 2] : 0;
        for (size_t d = 0; d < (left > 2 ? 4 : left + 1); d++)
            out[n++] = alphabet[v >> (18 - 6 * d) & 63];
    }
    out[n] = 0;
    return slice_make(out, n);
}

/* ---- claims ---- */

struct slice jwt_text(const json_t *object, const char *name)
{
    const json_t *value = json_object_get(object, name);
    return json_is_string(value) ? slice_make(json_string_value(value), json_string_length(value))
                                 : SLICE("");
}

bool jwt_seconds(const json_t *object, const char *name, int64_t *ret)
{
    const json_t *value = json_object_get(object, name);
    if (!json_is_number(value))
        return false;
    double d = json_number_value(value);
    if (!(d >= -9e15 && d <= 9e15))
        return false;
    *ret = json_is_integer(value) ? json_integer_value(value) : (int64_t)d;
    return true;
}

bool jwt_texts(struct arena *arena, const json_t *value, struct slice **ret, size_t *ret_count)
{
    size_t count = json_is_array(value) ? json_array_size(value) : json_is_string(value);
    *ret = arena_alloc(arena, (count + 1) * sizeof **ret);
    *ret_count = 0;
    for (size_t i = 0; i < count; i++) {
        const json_t *item = json_is_array(value) ? json_array_get(value, i) : value;
        if (!json_is_string(item))
            return false;
        (*ret)[(*ret_count)++] = slice_make(json_string_value(item), json_string_length(item));
    }
    return !value || json_is_array(value) || json_is_string(value);
}

enum jwt_time jwt_check_times(const json_t *claims, int64_t now)
{
    int64_t at;
    if (jwt_seconds(claims, "nbf", &at) && now + LEEWAY_SECONDS < at)
        return JWT_NOT_YET;
    if (jwt_seconds(claims, "exp", &at) && now - LEEWAY_SECONDS > at)
        return JWT_EXPIRED;
    if (jwt_seconds(claims, "iat", &at) && now + LEEWAY_SECONDS < at)
        return JWT_FROM_THE_FUTURE;
    return JWT_TIME_OK;
}

/* ---- parsing ---- */

static void free_json(void *json)
{
    json_decref(json);
}

static json_t *parse_part(struct arena *arena, struct slice part)
{
    struct slice text;
    if (!base64url_decode(arena, part, &text))
        return NULL;
    json_t *json = json_loadb(text.ptr, text.len, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, NULL);
    if (!json)
        return NULL;
    arena_on_free(arena, free_json, json);
    return json_is_object(json) ? json : NULL;
}

bool jwt_parse(struct arena *arena, struct slice token, struct jwt *ret)
{
    struct slice rest = token, header, payload, signature;
    if (token.len > JWT_MAX_BYTES || !slice_split(&rest, '.', &header) ||
        !slice_split(&rest, '.', &payload) || !slice_split(&rest, '.', &signature) || rest.ptr)
        return false;
    json_t *head = parse_part(arena, header);
    if (!head || json_object_get(head, "crit"))
        return false;
    *ret = (struct jwt){
        .signed_part = slice_make(token.ptr, header.len + 1 + payload.len),
        .algorithm = jwt_algorithm_parse(json_string_value(json_object_get(head, "alg"))),
        .key_id = jwt_text(head, "kid"),
        .claims = parse_part(arena, payload),
    };
    return ret->algorithm != JWT_NONE && ret->claims && base64url_decode(arena, signature, &ret->signature) &&
           ret->signature.len > 0 && ret->signature.len <= MAX_SIGNATURE;
}

/* ---- signatures ---- */

static const EVP_MD *digest_of(enum jwt_algorithm algorithm)
{
    switch (((unsigned)algorithm - 1) % 3) {
    case 0:
        return EVP_sha256();
    case 1:
        return EVP_sha384();
    default:
        return EVP_sha512();
    }
}

static bool is_elliptic(enum jwt_algorithm algorithm)
{
    return algorithm >= JWT_ES256;
}

static size_t part_bytes(enum jwt_algorithm algorithm)
{
    return algorithm == JWT_ES256 ? 32 : algorithm == JWT_ES384 ? 48 : 66;
}

static bool set_padding(EVP_PKEY_CTX *ctx, enum jwt_algorithm algorithm)
{
    if (algorithm < JWT_PS256 || is_elliptic(algorithm))
        return true;
    return EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PSS_PADDING) == 1 &&
           EVP_PKEY_CTX_set_rsa_pss_saltlen(ctx, RSA_PSS_SALTLEN_DIGEST) == 1;
}

/* The two numbers side by side, as tokens have them, into the DER that OpenSSL takes. NULL: of the wrong
 * length. */
static unsigned char *to_der(enum jwt_algorithm algorithm, struct slice raw, size_t *ret_len)
{
    size_t part = part_bytes(algorithm);
    CLEANUP(cleanup_sig_fn) ECDSA_SIG *sig = ECDSA_SIG_new();
    if (raw.len != 2 * part || !sig)
        return NULL;
    BIGNUM *r = BN_bin2bn((const unsigned char *)raw.ptr, (int)part, NULL);
    BIGNUM *s = BN_bin2bn((const unsigned char *)raw.ptr + part, (int)part, NULL);
    ECDSA_SIG_set0(sig, r, s);
    unsigned char *der = NULL;
    int len = i2d_ECDSA_SIG(sig, &der);
    *ret_len = len > 0 ? (size_t)len : 0;
    return der;
}

bool jwt_verify(const struct jwt *jwt, const struct jwt_key *key)
{
    if (!jwt_key_fits(key, jwt->algorithm))
        return false;
    CLEANUP(cleanup_md_fn) EVP_MD_CTX *md = EVP_MD_CTX_new();
    EVP_PKEY_CTX *ctx = NULL;
    const unsigned char *signature = (const unsigned char *)jwt->signature.ptr;
    size_t len = jwt->signature.len;
    unsigned char *der = NULL;
    if (is_elliptic(jwt->algorithm))
        signature = der = to_der(jwt->algorithm, jwt->signature, &len);
    bool good = signature && md &&
                EVP_DigestVerifyInit(md, &ctx, digest_of(jwt->algorithm), NULL, key->pkey) == 1 &&
                set_padding(ctx, jwt->algorithm) &&
                EVP_DigestVerify(md, signature, len, (const unsigned char *)jwt->signed_part.ptr,
                                 jwt->signed_part.len) == 1;
    OPENSSL_free(der);
    ERR_clear_error();
    return good;
}

static bool from_der(struct arena *arena, enum jwt_algorithm algorithm, const unsigned char *der, size_t len,
                     struct slice *ret)
{
    size_t part = part_bytes(algorithm);
    unsigned char *raw = arena_alloc(arena, 2 * MAX_EC_PART);
    CLEANUP(cleanup_sig_fn) ECDSA_SIG *sig = d2i_ECDSA_SIG(NULL, &der, (long)len);
    if (!sig || BN_bn2binpad(ECDSA_SIG_get0_r(sig), raw, (int)part) < 0 ||
        BN_bn2binpad(ECDSA_SIG_get0_s(sig), raw + part, (int)part) < 0)
        return false;
    *ret = slice_make((char *)raw, 2 * part);
    return true;
}

bool jwt_sign(struct arena *arena, const struct jwt_key *key, struct slice payload, struct slice *ret)
{
    struct slice header =
        arena_slicef(arena, "{\"alg\":\"%s\",\"kid\":\"%s\"}", jwt_algorithm_name(key->algorithm), key->id);
    struct slice head = base64url_encode(arena, header), body = base64url_encode(arena, payload), signature;
    struct slice text = arena_slicef(arena, "%.*s.%.*s", SLICE_ARG(head), SLICE_ARG(body));
    CLEANUP(cleanup_md_fn) EVP_MD_CTX *md = EVP_MD_CTX_new();
    unsigned char bytes[MAX_SIGNATURE];
    size_t len = sizeof bytes;
    bool ok = md && EVP_DigestSignInit(md, NULL, digest_of(key->algorithm), NULL, key->pkey) == 1 &&
              EVP_DigestSign(md, bytes, &len, (const unsigned char *)text.ptr, text.len) == 1;
    ERR_clear_error();
    signature = slice_make((char *)bytes, len);
    if (!ok || (is_elliptic(key->algorithm) && !from_der(arena, key->algorithm, bytes, len, &signature)))
        return false;
    signature = base64url_encode(arena, signature);
    *ret = arena_slicef(arena, "%.*s.%.*s", SLICE_ARG(text), SLICE_ARG(signature));
    return true;
}
