#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "launcher/certs.h"
#include "launcher/files.h"

enum { DAY = 86400, LEAVES = CERTS_SERVER | CERTS_ADMIN | CERTS_FRONT_PROXY };
static const int64_t START = 1790000000;
static const char *const NAMES[] = {"localhost", "kubernetes.default.svc", "127.0.0.1", "::1", "10.96.0.1",
                                    NULL};

static int setup(void **state)
{
    char *dir = xstrdup("/tmp/coxswain-certs-XXXXXX");
    *state = mkdtemp(dir);
    return *state ? 0 : -1;
}

static int teardown(void **state)
{
    bool ok = files_remove_tree(*state, NULL);
    free(*state);
    return ok ? 0 : -1;
}

static unsigned ensure(const char *dir, const char *const *names, int64_t now)
{
    cleanup_error struct error err = ERROR_INIT;
    unsigned made = 0;
    const struct certs_request request = {dir, names, now};
    if (!certs_ensure(&request, &made, &err))
        fail_msg("certs_ensure: %s", err.message);
    return made;
}

static X509 *read_cert(const char *dir, const char *name)
{
    cleanup_free char *path = xasprintf("%s/%s.crt", dir, name);
    cleanup_file FILE *in = fopen(path, "re");
    X509 *cert = in ? PEM_read_X509(in, NULL, NULL, NULL) : NULL;
    assert_non_null(cert);
    return cert;
}

static char *read_text(const char *dir, const char *name)
{
    cleanup_free char *path = xasprintf("%s/%s", dir, name);
    struct buf bytes = BUF_INIT(1 << 20);
    bool found = false;
    assert_true(files_read(path, 1 << 20, &bytes, &found, NULL));
    assert_true(found);
    return (char *)buf_cstr(&bytes);
}

static void makes_everything_once(void **state)
{
    assert_int_equal(ensure(*state, NAMES, START), CERTS_ALL);
    assert_int_equal(ensure(*state, NAMES, START + DAY), 0);
}

static void keys_are_private(void **state)
{
    const char *const keys[] = {"ca.key", "apiserver.key",      "admin.key",
                                "sa.key", "front-proxy-ca.key", "front-proxy-client.key"};
    ensure(*state, NAMES, START);
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        cleanup_free char *path = xasprintf("%s/%s", (char *)*state, keys[i]);
        struct stat st;
        assert_int_equal(stat(path, &st), 0);
        assert_int_equal(st.st_mode & 0777, 0600);
    }
}

/* The chain as TLS peers check it: purpose, name or address, time. */
static void verify(const char *dir, const char *name, int purpose, const char *host, const char *ip)
{
    X509 *ca = read_cert(dir, "ca"), *cert = read_cert(dir, name);
    X509_STORE *store = X509_STORE_new();
    X509_STORE_CTX *ctx = X509_STORE_CTX_new();
    X509_STORE_add_cert(store, ca);
    assert_int_equal(X509_STORE_CTX_init(ctx, store, cert, NULL), 1);
    X509_VERIFY_PARAM *param = X509_STORE_CTX_get0_param(ctx);
    X509_VERIFY_PARAM_set_time(param, START);
    X509_VERIFY_PARAM_set_purpose(param, purpose);
    X509_VERIFY_PARAM_set_flags(param, X509_V_FLAG_X509_STRICT);
    if (host)
        X509_VERIFY_PARAM_set1_host(param, host, 0);
    if (ip)
        X509_VERIFY_PARAM_set1_ip_asc(param, ip);
    if (X509_verify_cert(ctx) != 1)
        fail_msg("%s for %s: %s", name, host ? host : ip,
                 X509_verify_cert_error_string(X509_STORE_CTX_get_error(ctx)));
    X509_STORE_CTX_free(ctx);
    X509_STORE_free(store);
    X509_free(cert);
    X509_free(ca);
}

static void peers_accept_them(void **state)
{
    ensure(*state, NAMES, START);
    for (const char *const *n = NAMES; *n; n++) {
        unsigned char address[16];
        int len;
        bool ip = certs_parse_address(*n, address, &len);
        verify(*state, "apiserver", X509_PURPOSE_SSL_SERVER, ip ? NULL : *n, ip ? *n : NULL);
    }
    verify(*state, "admin", X509_PURPOSE_SSL_CLIENT, NULL, NULL);
}

static void says_who_it_is(void **state)
{
    ensure(*state, NAMES, START);
    X509 *cert = read_cert(*state, "admin");
    char name[64];
    X509_NAME_get_text_by_NID(X509_get_subject_name(cert), NID_commonName, name, sizeof name);
    assert_string_equal(name, "kubernetes-admin");
    X509_NAME_get_text_by_NID(X509_get_subject_name(cert), NID_organizationName, name, sizeof name);
    assert_string_equal(name, "system:masters");
    X509_free(cert);
}

static void renews_what_does_not_fit(void **state)
{
    const char *const more[] = {"localhost", "other.example", NULL};
    const struct {
        const char *claim;
        const char *const *names;
        int64_t after;
        const char *remove;
        unsigned want;
    } rows[] = {
        {"a fresh set is kept", NAMES, 0, NULL, 0},
        {"334 days in, 31 are left", NAMES, 334 * DAY, NULL, 0},
        {"336 days in, less than 30 are left", NAMES, 336 * DAY, NULL, LEAVES},
        {"long after they ended", NAMES, 2000 * DAY, NULL, LEAVES},
        {"the authority ends too", NAMES, 3640 * DAY, NULL, CERTS_CA | LEAVES},
        {"a new name", more, 0, NULL, CERTS_SERVER},
        {"no server certificate", NAMES, 0, "apiserver.crt", CERTS_SERVER},
        {"no server key", NAMES, 0, "apiserver.key", CERTS_SERVER},
        {"no admin key", NAMES, 0, "admin.key", CERTS_ADMIN},
        {"no public service account key", NAMES, 0, "sa.pub", CERTS_SERVICE_ACCOUNT},
        {"no front proxy's certificate", NAMES, 0, "front-proxy-client.crt", CERTS_FRONT_PROXY},
        {"no front proxy's authority", NAMES, 0, "front-proxy-ca.crt", CERTS_FRONT_PROXY},
        {"no authority", NAMES, 0, "ca.crt", CERTS_CA | CERTS_SERVER | CERTS_ADMIN},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        cleanup_free char *dir = xasprintf("%s/%zu", (char *)*state, i);
        ensure(dir, NAMES, START);
        if (rows[i].remove) {
            cleanup_free char *path = xasprintf("%s/%s", dir, rows[i].remove);
            assert_int_equal(unlink(path), 0);
        }
        unsigned made = ensure(dir, rows[i].names, START + rows[i].after);
        if (made != rows[i].want)
            fail_msg("%s: made %#x, want %#x", rows[i].claim, made, rows[i].want);
        assert_int_equal(ensure(dir, rows[i].names, START + rows[i].after), 0);
    }
}

static void renewal_keeps_the_authority_and_the_account_key(void **state)
{
    ensure(*state, NAMES, START);
    cleanup_free char *ca = read_text(*state, "ca.crt");
    cleanup_free char *sa = read_text(*state, "sa.key");
    cleanup_free char *server = read_text(*state, "apiserver.crt");
    ensure(*state, NAMES, START + 400 * DAY);
    cleanup_free char *ca_after = read_text(*state, "ca.crt");
    cleanup_free char *sa_after = read_text(*state, "sa.key");
    cleanup_free char *server_after = read_text(*state, "apiserver.crt");
    assert_string_equal(ca, ca_after);
    assert_string_equal(sa, sa_after);
    assert_string_not_equal(server, server_after);
}

static void overwrite(const char *dir, const char *name, const char *text)
{
    cleanup_free char *path = xasprintf("%s/%s", dir, name);
    assert_true(files_replace(path, slice_str(text), 0600, NULL));
}

static void a_damaged_authority_is_an_error(void **state)
{
    const struct {
        const char *file, *content, *want;
    } rows[] = {
        {"ca.crt", "garbage", "the cluster's certificate authority is damaged"},
        {"ca.crt", "", "the cluster's certificate authority is damaged"},
        {"ca.key", "garbage", "the cluster's certificate authority is damaged"},
        {"ca.key", NULL, "ca.key is missing or does not belong to ca.crt"},
        {"sa.key", "garbage", "the service account key is damaged"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        cleanup_free char *dir = xasprintf("%s/%zu", (char *)*state, i);
        ensure(dir, NAMES, START);
        cleanup_free char *path = xasprintf("%s/%s", dir, rows[i].file);
        if (rows[i].content)
            overwrite(dir, rows[i].file, rows[i].content);
        else
            unlink(path);
        cleanup_error struct error err = ERROR_INIT;
        unsigned made;
        assert_false(certs_ensure(&(struct certs_request){dir, NAMES, START}, &made, &err));
        if (!strstr(err.message, rows[i].want))
            fail_msg("%s: \"%s\" lacks \"%s\"", rows[i].file, err.message, rows[i].want);
        if (rows[i].content) {
            cleanup_free char *kept = read_text(dir, rows[i].file);
            assert_string_equal(kept, rows[i].content);
        }
    }
}

static void a_damaged_leaf_is_made_anew(void **state)
{
    ensure(*state, NAMES, START);
    overwrite(*state, "apiserver.crt", "garbage");
    overwrite(*state, "admin.key", "garbage");
    assert_int_equal(ensure(*state, NAMES, START), CERTS_SERVER | CERTS_ADMIN);
}

static void a_certificate_that_stands_for_itself(void **state)
{
    cleanup_error struct error err = ERROR_INIT;
    const struct certs_request request = {*state, NAMES, START}, next_day = {*state, NAMES, START + DAY};
    assert_true(certs_ensure_self_signed(&request, &err));
    X509 *cert = read_cert(*state, "apiserver");
    assert_int_equal(X509_verify(cert, X509_get0_pubkey(cert)), 1);
    assert_int_equal(X509_check_host(cert, "localhost", 0, 0, NULL), 1);
    X509_free(cert);
    cleanup_free char *first = read_text(*state, "apiserver.crt");
    assert_true(certs_ensure_self_signed(&next_day, &err));
    cleanup_free char *second = read_text(*state, "apiserver.crt");
    assert_string_equal(first, second);
    cleanup_free char *ca = xasprintf("%s/ca.crt", (char *)*state);
    assert_int_not_equal(access(ca, F_OK), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(makes_everything_once, setup, teardown),
        cmocka_unit_test_setup_teardown(keys_are_private, setup, teardown),
        cmocka_unit_test_setup_teardown(peers_accept_them, setup, teardown),
        cmocka_unit_test_setup_teardown(says_who_it_is, setup, teardown),
        cmocka_unit_test_setup_teardown(renews_what_does_not_fit, setup, teardown),
        cmocka_unit_test_setup_teardown(renewal_keeps_the_authority_and_the_account_key, setup, teardown),
        cmocka_unit_test_setup_teardown(a_damaged_authority_is_an_error, setup, teardown),
        cmocka_unit_test_setup_teardown(a_damaged_leaf_is_made_anew, setup, teardown),
        cmocka_unit_test_setup_teardown(a_certificate_that_stands_for_itself, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
