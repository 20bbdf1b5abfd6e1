/* Any bytes as a token: parsing ends, and nothing that was not signed verifies. */
#include <stdlib.h>

#include <openssl/ec.h>

#include "apiserver/authn/jwt.h"
#include "base/clock.h"

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

static struct jwt_key *the_key(void)
{
    static struct jwt_key key;
    if (!key.pkey)
        key = (struct jwt_key){.pkey = EVP_EC_gen("P-256"), .id = (char *)"k", .algorithm = JWT_ES256};
    return &key;
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
    cleanup_arena struct arena *arena = arena_new();
    struct jwt jwt;
    if (jwt_parse(arena, slice_make((const char *)data, size), &jwt)) {
        struct slice *audiences;
        size_t count;
        jwt_check_times(jwt.claims, clock_now_seconds());
        jwt_texts(arena, json_object_get(jwt.claims, "aud"), &audiences, &count);
        if (jwt_verify(&jwt, the_key()))
            abort();
    }
    json_t *document = json_loadb((const char *)data, size, 0, NULL);
    struct jwt_keys keys = {0};
    if (document)
        jwt_keys_parse(&keys, document);
    json_decref(document);
    jwt_keys_release(&keys);
    return 0;
}
