#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <sys/stat.h>
#include <time.h>

#include "apiserver/http/testing.h"

/* Certificates are made here, in a folder of this run. */
static char folder[] = "/tmp/http_tls_test.XXXXXX";

struct identity {
    X509 *cert;
    EVP_PKEY *key;
};

static struct identity ca, other_ca;

static const char *file(const char *name)
{
    static char paths[32][256];
    static unsigned next;
    char *path = paths[next++ % 32];
    snprintf(path, sizeof paths[0], "%s/%s", folder, name);
    return path;
}

static void add_extension(X509 *cert, int nid, const char *value)
{
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, NULL, nid, value);
    X509_add_ext(cert, extension, -1);
    X509_EXTENSION_free(extension);
}

/* subject: "CN=a,O=b,O=c"; issuer NULL: self-signed CA; purpose: extended key usage, NULL for none. */
static struct identity make(const char *subject, const struct identity *issuer, const char *purpose,
                            long from, long until)
{
    struct identity id = {X509_new(), EVP_EC_gen("P-256")};
    cleanup_free char *text = xstrdup(subject);
    X509_set_version(id.cert, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(id.cert), 1 + (long)random_below(1 << 30));
    X509_gmtime_adj(X509_getm_notBefore(id.cert), from);
    X509_gmtime_adj(X509_getm_notAfter(id.cert), until);
    X509_set_pubkey(id.cert, id.key);
    char *save;
    for (char *part = strtok_r(text, ",", &save); part; part = strtok_r(NULL, ",", &save)) {
        char *value = strchr(part, '=');
        *value++ = '\0';
        X509_NAME_add_entry_by_txt(X509_get_subject_name(id.cert), part, MBSTRING_UTF8,
                                   (unsigned char *)value, -1, -1, 0);
    }
    X509_set_issuer_name(id.cert, X509_get_subject_name(issuer ? issuer->cert : id.cert));
    add_extension(id.cert, NID_basic_constraints, issuer ? "CA:FALSE" : "critical,CA:TRUE");
    if (purpose)
        add_extension(id.cert, NID_ext_key_usage, purpose);
    X509_sign(id.cert, issuer ? issuer->key : id.key, EVP_sha256());
    return id;
}

static void drop(struct identity *id)
{
    X509_free(id->cert);
    EVP_PKEY_free(id->key);
}

static void save(const struct identity *id, const char *cert, const char *key)
{
    FILE *f = fopen(file(cert), "w");
    PEM_write_X509(f, id->cert);
    fclose(f);
    if (!key)
        return;
    f = fopen(file(key), "w");
    PEM_write_PrivateKey(f, id->key, NULL, NULL, 0, NULL, NULL);
    fclose(f);
}

enum { DAY = 24 * 3600 };

static int group_setup(void **state)
{
    assert_non_null(mkdtemp(folder));
    ca = make("CN=ca", NULL, NULL, -DAY, DAY);
    other_ca = make("CN=ca", NULL, NULL, -DAY, DAY);
    struct identity server = make("CN=localhost", &ca, "serverAuth", -DAY, DAY);
    struct identity late = make("CN=late", &ca, NULL, -DAY, -10),
                    early = make("CN=early", &ca, NULL, DAY, 2 * DAY);
    save(&ca, "ca.pem", NULL);
    save(&server, "cert.pem", "key.pem");
    save(&late, "late.pem", "late-key.pem");
    save(&early, "early.pem", "early-key.pem");
    FILE *f = fopen(file("garbage.pem"), "w");
    fputs("no certificate", f);
    fclose(f);
    drop(&server), drop(&late), drop(&early);
    return 0;
}

static int group_teardown(void **state)
{
    static const char *const names[] = {"ca.pem",       "cert.pem",  "key.pem",       "late.pem",
                                        "late-key.pem", "early.pem", "early-key.pem", "garbage.pem"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        unlink(file(names[i]));
    rmdir(folder);
    drop(&ca), drop(&other_ca);
    return 0;
}

static int setup(void **state)
{
    server_up((struct http_config){
        .cert_file = file("cert.pem"), .key_file = file("key.pem"), .client_ca_file = file("ca.pem")});
    return 0;
}

static int teardown(void **state)
{
    server_down();
    return 0;
}

/* NULL id: anonymous. session: to resume and to keep; may be NULL. */
static struct client tls_open(const struct identity *id, int version, const char *alpn, SSL_SESSION **session)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
    SSL_CTX_set_min_proto_version(ctx, version);
    SSL_CTX_set_max_proto_version(ctx, version);
    if (id) {
        SSL_CTX_use_certificate(ctx, id->cert);
        SSL_CTX_use_PrivateKey(ctx, id->key);
    }
    struct client c = client_open();
    c.ssl = SSL_new(ctx);
    SSL_CTX_free(ctx);
    if (alpn)
        SSL_set_alpn_protos(c.ssl, (const unsigned char *)alpn, (unsigned)strlen(alpn));
    if (session && *session)
        SSL_set_session(c.ssl, *session);
    SSL_set_fd(c.ssl, c.fd);
    if (SSL_connect(c.ssl) != 1) {
        SSL_free(c.ssl);
        c.ssl = NULL;
    }
    return c;
}

static void expect_who(const struct identity *id, int version, const char *expected)
{
    struct client c = tls_open(id, version, "\x08http/1.1", NULL);
    assert_non_null(c.ssl);
    client_puts(&c, "GET /who HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    const char *text = strstr(client_rest(&c), "\r\n\r\n");
    assert_string_equal(text ? text + 4 : "", expected);
    client_close(&c);
}

static void test_identities(void **state)
{
    struct {
        struct identity id;
        const char *expected;
    } cases[] = {
        {{NULL, NULL}, "cert=0 verified=0 cn="},
        {make("O=system:masters,CN=first,CN=admin,O=second", &ca, "clientAuth", -DAY, DAY),
         "cert=1 verified=1 cn=admin o=system:masters o=second"},
        {make("CN=plain", &ca, NULL, -DAY, DAY), "cert=1 verified=1 cn=plain"},
        {make("CN=server", &ca, "serverAuth", -DAY, DAY), "cert=1 verified=0 cn=server"},
        {make("CN=mallory,O=system:masters", &other_ca, "clientAuth", -DAY, DAY),
         "cert=1 verified=0 cn=mallory o=system:masters"},
        {make("CN=old", &ca, "clientAuth", -DAY, -10), "cert=1 verified=0 cn=old"},
        {make("CN=young", &ca, "clientAuth", DAY, 2 * DAY), "cert=1 verified=0 cn=young"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct identity *id = cases[i].id.cert ? &cases[i].id : NULL;
        expect_who(id, TLS1_2_VERSION, cases[i].expected);
        expect_who(id, TLS1_3_VERSION, cases[i].expected);
        drop(&cases[i].id);
    }
}

/* A certificate that runs out on a living connection. */
static void test_expiry_on_a_living_connection(void **state)
{
    struct identity id = make("CN=brief", &ca, "clientAuth", -DAY, 2);
    struct client c = tls_open(&id, TLS1_3_VERSION, NULL, NULL);
    client_puts(&c, "GET /who HTTP/1.1\r\nHost: x\r\n\r\n");
    client_expect(&c, "verified=1 cn=brief");
    int64_t until = clock_now_seconds() + 10;
    do {
        buf_clear(&c.in);
        client_puts(&c, "GET /who HTTP/1.1\r\nHost: x\r\n\r\n");
        client_expect(&c, "cn=brief");
    } while (strstr(client_text(&c), "verified=1") && clock_now_seconds() < until);
    assert_non_null(strstr(client_text(&c), "verified=0 cn=brief"));
    client_close(&c);
    drop(&id);
}

static void test_no_resumption(void **state)
{
    struct identity id = make("CN=alice", &ca, "clientAuth", -DAY, DAY);
    for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
        SSL_SESSION *session = NULL;
        for (int i = 0; i < 2; i++) {
            struct client c = tls_open(&id, version, NULL, &session);
            client_puts(&c, "GET /who HTTP/1.1\r\nHost: x\r\n\r\n");
            client_expect(&c, "verified=1 cn=alice");
            assert_false(SSL_session_reused(c.ssl));
            SSL_SESSION_free(session);
            session = SSL_get1_session(c.ssl);
            client_close(&c);
        }
        SSL_SESSION_free(session);
    }
    drop(&id);
}

static void test_protocols(void **state)
{
    static const struct {
        const char *offer, *chosen; /* NULL: the handshake fails */
    } cases[] = {
        {"\x02h2\x08http/1.1", "h2"}, {"\x08http/1.1\x02h2", "h2"}, {"\x08http/1.1", "http/1.1"}, {NULL, ""},
        {"\x05h2-14", NULL},          {"\x06spdy/3", NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct client c = tls_open(NULL, TLS1_3_VERSION, cases[i].offer, NULL);
        assert_int_equal(c.ssl != NULL, cases[i].chosen != NULL);
        const unsigned char *chosen = (const unsigned char *)"";
        unsigned len = 0;
        if (c.ssl)
            SSL_get0_alpn_selected(c.ssl, &chosen, &len);
        if (cases[i].chosen && !slice_is(slice_make((const char *)chosen, len), cases[i].chosen))
            fail_msg("chose %.*s, not %s", (int)len, chosen, cases[i].chosen);
        client_close(&c);
    }
    struct client c = tls_open(NULL, TLS1_3_VERSION, "\x08http/1.1", NULL);
    client_puts(&c, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"); /* no way around the negotiation */
    assert_non_null(strstr(client_rest(&c), "HTTP/1.1 400"));
    client_close(&c);
}

static void test_big_answer_and_upload(void **state)
{
    struct client c = tls_open(NULL, TLS1_3_VERSION, NULL, NULL);
    client_puts(&c, "GET /big?3000000 HTTP/1.1\r\nHost: x\r\n\r\n");
    while (c.in.len < 3000000)
        assert_true(client_read(&c));
    buf_clear(&c.in);
    client_puts(&c, "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 3000000\r\nConnection: close\r\n\r\n");
    cleanup_blob struct blob *body = filler(3000000);
    assert_true(client_send(&c, body->data, body->len));
    client_rest(&c);
    assert_true(c.in.len > 3000000);
    assert_memory_equal(c.in.data + c.in.len - 3000000, body->data, 3000000);
    client_close(&c);
}

static void test_reload(void **state)
{
    cleanup_error struct error err = ERROR_INIT;
    struct client before = tls_open(NULL, TLS1_3_VERSION, NULL, NULL);
    struct identity fresh = make("CN=fresh", &ca, "serverAuth", -DAY, DAY);
    save(&fresh, "cert.pem", NULL); /* no longer fits the key */
    assert_false(http_server_reload(T.server, &err));
    assert_non_null(strstr(err.message, "does not belong to"));
    error_clear(&err);
    save(&fresh, "cert.pem", "key.pem");
    assert_true(http_server_reload(T.server, &err));
    struct client after = tls_open(NULL, TLS1_3_VERSION, NULL, NULL);
    X509 *cert = SSL_get1_peer_certificate(after.ssl);
    assert_int_equal(X509_cmp(cert, fresh.cert), 0);
    X509_free(cert);
    client_puts(&before, "GET /hello HTTP/1.1\r\nHost: x\r\n\r\n");
    client_expect(&before, "hello");
    client_close(&before);
    client_close(&after);
    drop(&fresh);
}

static void test_errors(void **state)
{
    char busy[64];
    snprintf(busy, sizeof busy, "127.0.0.1:%u", http_server_port(T.server));
    const struct {
        struct http_config config;
        const char *message;
    } cases[] = {
        {{.address = busy}, "is in use; "},
        {{.address = "nonsense"}, "is not an address to listen on; "},
        {{.address = "192.0.2.1:0"}, "cannot listen on 192.0.2.1:0: "},
        {{.cert_file = file("none.pem"), .key_file = file("key.pem")}, "No such file"},
        {{.cert_file = file("garbage.pem"), .key_file = file("key.pem")}, "is not usable PEM"},
        {{.cert_file = file("cert.pem"), .key_file = file("none.pem")}, "No such file"},
        {{.cert_file = file("cert.pem"), .key_file = file("late-key.pem")},
         "does not belong to the certificate"},
        {{.cert_file = file("late.pem"), .key_file = file("late-key.pem")}, "expired at "},
        {{.cert_file = file("early.pem"), .key_file = file("early-key.pem")}, "is not valid before "},
        {{.cert_file = file("cert.pem"), .key_file = file("key.pem"), .client_ca_file = file("garbage.pem")},
         "client CA"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        cleanup_error struct error err = ERROR_INIT;
        struct http_config config = cases[i].config;
        config.address = config.address ? config.address : "127.0.0.1:0";
        assert_null(http_server_new(&config, &(struct http_handler){0}, &err));
        if (!strstr(err.message, cases[i].message))
            fail_msg("expected \"%s\", got \"%s\"", cases[i].message, err.message);
    }
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_identities), TEST(test_expiry_on_a_living_connection), TEST(test_no_resumption),
        TEST(test_protocols),  TEST(test_big_answer_and_upload),         TEST(test_errors),
        TEST(test_reload),
    };
    return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
