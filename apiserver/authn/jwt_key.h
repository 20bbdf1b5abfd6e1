/*
 * jwt_key: keys that tokens are signed and checked with: RSA of 2048 bits and more, and EC on P-256, P-384
 * and P-521; from PEM files or from JSON web keys. A key's id, when none is given, is the SHA-256 of its
 * public part (SubjectPublicKeyInfo) in base64url, as upstream names the keys of service accounts. Ownership:
 * jwt_keys owns all its keys. Threads: read-only after loading, any. Source: RFC 7517, RFC 7518.
 */
#ifndef APISERVER_AUTHN_JWT_KEY_H
#define APISERVER_AUTHN_JWT_KEY_H

#include <jansson.h>
#include <openssl/evp.h>

#include "base/buf.h"
#include "base/error.h"

enum jwt_algorithm {
    JWT_NONE,
    JWT_RS256,
    JWT_RS384,
    JWT_RS512,
    JWT_PS256,
    JWT_PS384,
    JWT_PS512,
    JWT_ES256,
    JWT_ES384,
    JWT_ES512,
};

struct jwt_key {
    EVP_PKEY *pkey;
    char *id;
    enum jwt_algorithm algorithm; /* what it signs with */
};

struct jwt_keys {
    struct jwt_key *items;
    size_t count, capacity;
};

void jwt_keys_release(struct jwt_keys *keys);
/* All keys of a PEM file: private, public, or of certificates; no key twice. Errors name the file. */
bool jwt_keys_load(struct jwt_keys *keys, const char *path, struct error *err);
/* {"keys":[...]}: those that can check signatures and are of a kind we know; others are left out. False: not
 * such a document. */
bool jwt_keys_parse(struct jwt_keys *keys, const json_t *document);
/* {"keys":[...]} of the public parts. */
void jwt_keys_print(struct buf *out, const struct jwt_keys *keys);

const char *jwt_algorithm_name(enum jwt_algorithm algorithm);
/* JWT_NONE for all that is not in the list above. */
enum jwt_algorithm jwt_algorithm_parse(const char *name);
/* May the key be used with that algorithm? */
bool jwt_key_fits(const struct jwt_key *key, enum jwt_algorithm algorithm);

#endif
