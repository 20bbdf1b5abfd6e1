#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <unistd.h>

#include "apiserver/authn/sa_claims.h"

static struct jwt_key make_key(EVP_PKEY *pkey, enum jwt_algorithm algorithm)
{
    assert_non_null(pkey);
    return (struct jwt_key){.pkey = pkey, .id = (char *)"the-key", .algorithm = algorithm};
}

static struct slice sign(struct arena *arena, const struct jwt_key *key, const char *payload)
{
    struct slice token;
    assert_true(jwt_sign(arena, key, slice_str(payload), &token));
    return token;
}

static void signs_and_verifies(void **state)
{
    (void)state;
    cleanup_arena struct arena *arena = arena_new();
    struct jwt_key keys[] = {
        make_key(EVP_EC_gen("P-256"), JWT_ES256), make_key(EVP_EC_gen("P-384"), JWT_ES384),
        make_key(EVP_EC_gen("P-521"), JWT_ES512), make_key(EVP_RSA_gen(2048), JWT_RS256),
        make_key(EVP_EC_gen("P-256"), JWT_ES256),
    };
    enum { N = sizeof keys / sizeof *keys };
    for (size_t i = 0; i < N; i++) {
        struct slice token = sign(arena, &keys[i], "{\"iss\":\"me\",\"aud\":\"a\"}");
        struct jwt jwt;
        assert_true(jwt_parse(arena, token, &jwt));
        assert_true(slice_is(jwt.key_id, "the-key"));
        for (size_t k = 0; k < N; k++)
            assert_int_equal(jwt_verify(&jwt, &keys[k]), i == k);
        /* One bit of the payload, and one of the signature. */
        for (size_t at = 5; at < token.len; at += token.len / 3) {
            char *changed = arena_strdup(arena, token);
            changed[at] = changed[at] == 'A' ? 'B' : 'A';
            assert_false(jwt_parse(arena, slice_make(changed, token.len), &jwt) &&
                         jwt_verify(&jwt, &keys[i]));
        }
    }
    for (size_t i = 0; i < N; i++)
        EVP_PKEY_free(keys[i].pkey);
}

static struct slice part(struct arena *arena, const char *json)
{
    return base64url_encode(arena, slice_str(json));
}

/* What attackers send instead of a signature. */
static void forgeries_fail(void **state)
{
    (void)state;
    cleanup_arena struct arena *arena = arena_new();
    struct jwt_key key = make_key(EVP_EC_gen("P-256"), JWT_ES256),
                   rsa = make_key(EVP_RSA_gen(2048), JWT_RS256);
    static const char *const headers[] = {
        "{\"alg\":\"none\"}",
        "{\"alg\":\"None\"}",
        "{\"alg\":\"\"}",
        "{}",
        "{\"alg\":\"HS256\"}",
        "{\"alg\":[\"ES256\"]}",
        "{\"alg\":\"ES256\",\"crit\":[\"x\"]}",
        "{\"alg\":\"ES256\",\"alg\":\"none\"}",
    };
    struct jwt jwt;
    struct slice body = part(arena, "{\"iss\":\"me\"}");
    for (size_t i = 0; i < sizeof headers / sizeof *headers; i++)
        for (int with = 0; with < 2; with++) {
            struct slice token = arena_slicef(arena, "%.*s.%.*s.%s", SLICE_ARG(part(arena, headers[i])),
                                              SLICE_ARG(body), with ? "AAAA" : "");
            if (jwt_parse(arena, token, &jwt))
                fail_msg("taken: %s", headers[i]);
        }
    /* The right key, and a header that names another algorithm. */
    static const char *const swapped[] = {"ES384", "ES512", "RS256", "PS256"};
    for (size_t i = 0; i < sizeof swapped / sizeof *swapped; i++) {
        struct slice good = sign(arena, &key, "{\"iss\":\"me\"}"), rest = good, piece, signature;
        slice_split(&rest, '.', &piece);
        slice_split(&rest, '.', &piece);
        signature = rest;
        struct slice head = part(arena, arena_printf(arena, "{\"alg\":\"%s\"}", swapped[i]));
        struct slice token =
            arena_slicef(arena, "%.*s.%.*s.%.*s", SLICE_ARG(head), SLICE_ARG(piece), SLICE_ARG(signature));
        assert_true(jwt_parse(arena, token, &jwt));
        assert_false(jwt_verify(&jwt, &key));
        assert_false(jwt_verify(&jwt, &rsa));
    }
    EVP_PKEY_free(key.pkey);
    EVP_PKEY_free(rsa.pkey);
}

static void bad_shapes_are_no_tokens(void **state)
{
    (void)state;
    cleanup_arena struct arena *arena = arena_new();
    static const char *const bad[] = {
        "",
        ".",
        "..",
        "...",
        "a.b.c",
        "a.b",
        "e30.e30.",
        "e30.e30.AA.",
        "eyJhbGciOiJFUzI1NiJ9.e30.AA==",
        "eyJhbGciOiJFUzI1NiJ9.W10.AAAA", /* the payload is a list */
        "eyJhbGciOiJFUzI1NiJ9.e31.AAAA", /* left-over bits */
        "{\"payload\":\"\"}",
    };
    struct jwt jwt;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (jwt_parse(arena, slice_str(bad[i]), &jwt))
            fail_msg("taken: %s", bad[i]);
    char *million = arena_bytes(arena, 1000000);
    memset(million, 'A', 1000000);
    million[10] = million[20] = '.';
    assert_false(jwt_parse(arena, slice_make(million, 1000000), &jwt));
}

static void keys_come_from_files_and_documents(void **state)
{
    (void)state;
    char path[] = "/tmp/coxswain-jwt-XXXXXX";
    int fd = mkstemp(path);
    FILE *file = fdopen(fd, "w");
    EVP_PKEY *ec = EVP_EC_gen("P-256"), *rsa = EVP_RSA_gen(2048);
    PEM_write_PrivateKey(file, ec, NULL, NULL, 0, NULL, NULL);
    PEM_write_PUBKEY(file, rsa);
    PEM_write_PUBKEY(file, ec); /* once more */
    fclose(file);
    struct jwt_keys keys = {0}, read_back = {0};
    cleanup_error struct error err = ERROR_INIT;
    assert_true(jwt_keys_load(&keys, path, &err));
    assert_int_equal(keys.count, 2);
    struct buf out = BUF_INIT(100000);
    jwt_keys_print(&out, &keys);
    json_t *document = json_loadb(out.data, out.len, 0, NULL);
    assert_non_null(document);
    assert_true(jwt_keys_parse(&read_back, document));
    assert_int_equal(read_back.count, 2);
    cleanup_arena struct arena *arena = arena_new();
    for (size_t i = 0; i < 2; i++) {
        struct jwt jwt;
        struct jwt_key signer = {i ? rsa : ec, keys.items[i].id, keys.items[i].algorithm};
        assert_string_equal(keys.items[i].id, read_back.items[i].id);
        assert_int_equal(strlen(keys.items[i].id), 43);
        assert_true(jwt_parse(arena, sign(arena, &signer, "{}"), &jwt));
        assert_true(jwt_verify(&jwt, &read_back.items[i]));
    }
    json_decref(document);
    buf_release(&out);
    assert_false(jwt_keys_load(&keys, "/nonexistent", &err));
    error_clear(&err);
    file = fopen(path, "w");
    fputs("no key\n", file);
    fclose(file);
    assert_false(jwt_keys_load(&keys, path, &err));
    unlink(path);
    jwt_keys_release(&keys);
    jwt_keys_release(&read_back);
    EVP_PKEY_free(ec);
    EVP_PKEY_free(rsa);
}

static void claims_are_read_as_written(void **state)
{
    (void)state;
    cleanup_arena struct arena *arena = arena_new();
    const struct slice audiences[] = {SLICE("one"), SLICE("two")};
    struct sa_claims claims = {.has_pod = true,
                               .has_node = true,
                               .issued = 1000,
                               .not_before = 1000,
                               .expires = 2000,
                               .warn_after = 1500,
                               .audiences = audiences,
                               .audience_count = 2},
                     read;
    for (int i = 0; i < SA_TEXTS; i++)
        claims.text[i] =
            i == SA_SECRET || i == SA_SECRET_UID ? SLICE("") : arena_slicef(arena, "text \"%d", i);
    struct buf out = BUF_INIT(10000);
    sa_claims_write(&out, &claims);
    struct jwt jwt = {.claims = json_loadb(out.data, out.len, 0, NULL)};
    const char *why = NULL;
    assert_true(sa_claims_read(arena, &jwt, &read, &why));
    struct sa_claims *packed = sa_claims_pack(&read), copy;
    json_decref(jwt.claims);
    sa_claims_copy(arena, packed, &copy);
    free(packed);
    for (int i = 0; i < SA_TEXTS; i++)
        assert_true(slice_eq(copy.text[i], claims.text[i]));
    assert_int_equal(copy.audience_count, 2);
    assert_true(slice_is(copy.audiences[1], "two"));
    assert_true(copy.has_pod && copy.has_node && !copy.has_secret && copy.warn_after == 1500);
    assert_null(sa_claims_check_times(&copy, 2059));
    assert_string_equal(sa_claims_check_times(&copy, 2061), "service account token has expired");
    assert_string_equal(sa_claims_check_times(&copy, 900), "service account token is not valid yet");
    buf_release(&out);
}

static void legacy_claims_need_all_parts(void **state)
{
    (void)state;
    cleanup_arena struct arena *arena = arena_new();
    static const struct {
        const char *payload, *why;
    } cases[] = {
        {"{\"iss\":\"kubernetes/serviceaccount\",\"sub\":\"system:serviceaccount:n:a\",\"kubernetes.io/"
         "serviceaccount/namespace\":\"n\","
         "\"kubernetes.io/serviceaccount/secret.name\":\"s\",\"kubernetes.io/serviceaccount/"
         "service-account.name\":\"a\","
         "\"kubernetes.io/serviceaccount/service-account.uid\":\"u\"}",
         NULL},
        {"{\"iss\":\"kubernetes/serviceaccount\",\"sub\":\"system:serviceaccount:n:b\",\"kubernetes.io/"
         "serviceaccount/namespace\":\"n\","
         "\"kubernetes.io/serviceaccount/secret.name\":\"s\",\"kubernetes.io/serviceaccount/"
         "service-account.name\":\"a\","
         "\"kubernetes.io/serviceaccount/service-account.uid\":\"u\"}",
         "sub claim is invalid"},
        {"{\"iss\":\"kubernetes/serviceaccount\",\"sub\":\"x\"}", "namespace claim is missing"},
        {"{\"iss\":\"other\",\"sub\":\"x\"}", "the token says nothing of a service account"},
        {"{\"iss\":\"other\",\"aud\":{}}", "the audience of the token is no text"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct jwt jwt = {.claims = json_loads(cases[i].payload, 0, NULL)};
        struct sa_claims claims;
        const char *why = NULL;
        bool ok = sa_claims_read(arena, &jwt, &claims, &why);
        assert_int_equal(ok, cases[i].why == NULL);
        if (!ok)
            assert_string_equal(why, cases[i].why);
        json_decref(jwt.claims);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(signs_and_verifies),         cmocka_unit_test(forgeries_fail),
        cmocka_unit_test(bad_shapes_are_no_tokens),   cmocka_unit_test(keys_come_from_files_and_documents),
        cmocka_unit_test(claims_are_read_as_written), cmocka_unit_test(legacy_claims_need_all_parts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
