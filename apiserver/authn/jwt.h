/*
 * jwt: signed JSON web tokens in their compact form, read, checked and made. Only public-key signatures:
 * "none" and keyed hashes are no algorithms here, and a signature is checked with the algorithm that the
 * header names only if the key is of that kind, so that none can be passed off as another.
 *
 * Parsing is pure and bounded: JWT_MAX_BYTES, three parts, base64url without padding. What a token claims
 * means nothing before jwt_verify said yes. Errors: none are told apart to clients. Threads: any. Source: RFC
 * 7515, RFC 7518, RFC 7519.
 */
#ifndef APISERVER_AUTHN_JWT_H
#define APISERVER_AUTHN_JWT_H

#include <jansson.h>

#include "apiserver/authn/jwt_key.h"
#include "base/arena.h"

enum { JWT_MAX_BYTES = 64 << 10 };

struct jwt {
    struct slice signed_part, signature; /* signature: decoded */
    enum jwt_algorithm algorithm;
    struct slice key_id; /* of the header, or empty */
    json_t *claims;      /* an object; lives as long as the arena */
};

/* False: not a token of this kind. Views into `token` and the arena. */
bool jwt_parse(struct arena *arena, struct slice token, struct jwt *ret);
bool jwt_verify(const struct jwt *jwt, const struct jwt_key *key);
/* The token of a payload (a JSON object), signed with a private key. False: OpenSSL refused. */
bool jwt_sign(struct arena *arena, const struct jwt_key *key, struct slice payload, struct slice *ret);

/* ---- claims ---- */

/* The text of a claim; empty when it is none. */
struct slice jwt_text(const json_t *object, const char *name);
/* Seconds; a number with a fraction is cut. False: not there, or no number. */
bool jwt_seconds(const json_t *object, const char *name, int64_t *ret);
/* A text, or a list of texts ("aud"). False: something else. */
bool jwt_texts(struct arena *arena, const json_t *value, struct slice **ret, size_t *ret_count);

enum jwt_time { JWT_TIME_OK, JWT_EXPIRED, JWT_NOT_YET, JWT_FROM_THE_FUTURE };
/* exp, nbf and iat, those that are there, with a minute for clocks that differ. */
enum jwt_time jwt_check_times(const json_t *claims, int64_t now);

/* base64url without padding. decode: false when it is not exactly that. */
bool base64url_decode(struct arena *arena, struct slice text, struct slice *ret);
struct slice base64url_encode(struct arena *arena, struct slice bytes);

#endif
