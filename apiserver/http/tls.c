#include "apiserver/http/internal.h"

#include <errno.h>
#include <netdb.h>
#include <openssl/err.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <time.h>

#include "base/clock.h"

DEFINE_CLEANUP(cleanup_tls_fn, struct tls *, tls_unref)

/* ---- the context ---- */

static int select_protocol(SSL *ssl, const unsigned char **out, unsigned char *out_len,
                           const unsigned char *in, unsigned in_len, void *arg)
{
    bool http1_only = arg != NULL;
    static const struct slice ours[] = {SLICE("h2"), SLICE("http/1.1")};
    for (size_t i = http1_only; i < 2; i++)
        for (unsigned at = 0; at < in_len; at += 1 + in[at])
            if (at + 1 + in[at] <= in_len &&
                slice_eq(slice_make((const char *)in + at + 1, in[at]), ours[i])) {
                *out = in + at + 1;
                *out_len = in[at];
                return SSL_TLSEXT_ERR_OK;
            }
    return SSL_TLSEXT_ERR_ALERT_FATAL;
}

/* The connection is h2o's socket data; the socket, data of the BIO that h2o gave to the SSL. h2o shows the
 * SSL nowhere else, and this is the only place that relies on it (tls_test.c would fail). */
static void on_info(const SSL *ssl, int where, int ret)
{
    if (!(where & SSL_CB_HANDSHAKE_DONE))
        return;
    h2o_socket_t *sock = BIO_get_data(SSL_get_rbio(ssl));
    struct conn *conn = sock->data;
    conn->ssl = (SSL *)ssl;
}

/* Looks at the client's chain without refusing it: who is not known is anonymous, and the layers above answer
 * 401. */
static int verify_leniently(X509_STORE_CTX *store, void *arg)
{
    X509_verify_cert(store);
    return 1;
}

static bool certificate_error(struct error *err, const char *what, const char *path)
{
    int saved = errno;
    unsigned long code = ERR_peek_last_error();
    if (ERR_GET_LIB(code) == ERR_LIB_SYS || ERR_GET_REASON(ERR_peek_error()) == ERR_R_SYS_LIB ||
        access(path, R_OK) != 0) {
        errno = access(path, R_OK) != 0 ? errno : saved;
        error_set(err, REASON_INTERNAL, "cannot read the %s %s: %s; check the path and its permissions", what,
                  path, strerror(errno));
    } else {
        error_set(err, REASON_INTERNAL, "the %s %s is not usable PEM (%s); replace it", what, path,
                  ERR_reason_error_string(code) ? ERR_reason_error_string(code) : "no certificate found");
    }
    ERR_clear_error();
    return false;
}

static int64_t asn1_seconds(const ASN1_TIME *time)
{
    struct tm tm;
    return ASN1_TIME_to_tm(time, &tm) == 1 ? (int64_t)timegm(&tm) : 0;
}

static bool check_period(SSL_CTX *ctx, const char *path, struct error *err)
{
    X509 *cert = SSL_CTX_get0_certificate(ctx);
    int64_t now = clock_now_seconds();
    int64_t from = asn1_seconds(X509_get0_notBefore(cert)), until = asn1_seconds(X509_get0_notAfter(cert));
    char text[CLOCK_TEXT];
    if (now > until)
        return error_set(err, REASON_INTERNAL,
                         "the server certificate %s expired at %.*s; renew it and start again", path,
                         SLICE_ARG(clock_format_seconds(until, text)));
    if (now < from)
        return error_set(err, REASON_INTERNAL,
                         "the server certificate %s is not valid before %.*s; check this machine's clock",
                         path, SLICE_ARG(clock_format_seconds(from, text)));
    return true;
}

static bool load_pair(SSL_CTX *ctx, const struct http_config *config, struct error *err)
{
    ERR_clear_error();
    if (SSL_CTX_use_certificate_chain_file(ctx, config->cert_file) != 1)
        return certificate_error(err, "server certificate", config->cert_file);
    if (SSL_CTX_use_PrivateKey_file(ctx, config->key_file, SSL_FILETYPE_PEM) != 1 &&
        ERR_GET_REASON(ERR_peek_last_error()) != X509_R_KEY_VALUES_MISMATCH &&
        ERR_GET_REASON(ERR_peek_last_error()) != X509_R_KEY_TYPE_MISMATCH)
        return certificate_error(err, "server key", config->key_file);
    if (SSL_CTX_check_private_key(ctx) != 1) {
        ERR_clear_error();
        return error_set(
            err, REASON_INTERNAL,
            "the key %s does not belong to the certificate %s; name the two that were made together",
            config->key_file, config->cert_file);
    }
    return check_period(ctx, config->cert_file, err);
}

/* Clients are told the names, believed if the store leads to one of the file's certificates. */
static bool load_ca(SSL_CTX *ctx, X509_STORE *store, const char *what, const char *path, struct error *err)
{
    STACK_OF(X509_NAME) *before = SSL_CTX_get_client_CA_list(ctx);
    STACK_OF(X509_NAME) *names = before ? SSL_dup_CA_list(before) : sk_X509_NAME_new_null();
    if (SSL_add_file_cert_subjects_to_stack(names, path) != 1 || X509_STORE_load_file(store, path) != 1) {
        sk_X509_NAME_pop_free(names, X509_NAME_free);
        return certificate_error(err, what, path);
    }
    SSL_CTX_set_client_CA_list(ctx, names);
    X509_STORE_set_flags(store, X509_V_FLAG_PARTIAL_CHAIN); /* an intermediate may be the anchor */
    SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
    SSL_CTX_set_cert_verify_callback(ctx, verify_leniently, NULL);
    return true;
}

/* A store of its own: who may speak for others is not therefore somebody, and the other way round. */
static bool load_proxy_ca(struct tls *tls, const char *path, struct error *err)
{
    tls->proxy_ca = X509_STORE_new();
    SSL_CTX_set_app_data(tls->ctx, tls->proxy_ca);
    return load_ca(tls->ctx, tls->proxy_ca, "CA of proxies", path, err);
}

struct tls *tls_new(const struct http_config *config, struct error *err)
{
    CLEANUP(cleanup_tls_fn) struct tls *tls = xcalloc(1, sizeof *tls);
    atomic_init(&tls->refs, 1);
    SSL_CTX *ctx = tls->ctx = SSL_CTX_new(TLS_server_method());
    if (!ctx) {
        error_set(err, REASON_INTERNAL, "cannot set up TLS");
        return NULL;
    }
    SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION);
    SSL_CTX_set_cipher_list(ctx, "ECDHE+AESGCM:ECDHE+CHACHA20");
    SSL_CTX_set_ciphersuites(ctx,
                             "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256");
    /* No resumption at all: a resumed session would keep the verdict on a client certificate that has expired
     * or whose CA has been withdrawn since; and Go clients and kubectl do not resume. */
    SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_num_tickets(ctx, 0);
    SSL_CTX_set_options(ctx, SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
                                 SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_IGNORE_UNEXPECTED_EOF);
    SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS); /* an idle connection keeps none */
    SSL_CTX_set_info_callback(ctx, on_info);
    SSL_CTX_set_alpn_select_cb(ctx, select_protocol, config->http1_only ? ctx : NULL);
    if (!load_pair(ctx, config, err))
        return NULL;
    if (config->client_ca_file &&
        !load_ca(ctx, SSL_CTX_get_cert_store(ctx), "client CA", config->client_ca_file, err))
        return NULL;
    if (config->proxy_ca_file && !load_proxy_ca(tls, config->proxy_ca_file, err))
        return NULL;
    return steal(&tls);
}

struct tls *tls_ref(struct tls *tls)
{
    if (tls)
        atomic_fetch_add(&tls->refs, 1);
    return tls;
}

void tls_unref(struct tls *tls)
{
    if (!tls || atomic_fetch_sub(&tls->refs, 1) != 1)
        return;
    SSL_CTX_free(tls->ctx);
    X509_STORE_free(tls->proxy_ca);
    free(tls);
}

/* ---- the peer ---- */

static void format_address(struct peer *peer, h2o_socket_t *sock)
{
    struct sockaddr_storage address;
    char host[NI_MAXHOST], port[NI_MAXSERV];
    socklen_t len = h2o_socket_getpeername(sock, (struct sockaddr *)&address);
    int n = 0;
    if (len && getnameinfo((struct sockaddr *)&address, len, host, sizeof host, port, sizeof port,
                           NI_NUMERICHOST | NI_NUMERICSERV) == 0)
        n = snprintf(peer->address, sizeof peer->address, address.ss_family == AF_INET6 ? "[%s]:%s" : "%s:%s",
                     host, port);
    peer->info.address = slice_make(peer->address, n < (int)sizeof peer->address ? (size_t)n : 0);
}

struct peer *peer_new(h2o_socket_t *sock)
{
    struct peer *peer = xcalloc(1, sizeof *peer);
    atomic_init(&peer->refs, 1);
    format_address(peer, sock);
    return peer;
}

void peer_unref(struct peer *peer)
{
    if (!peer || atomic_fetch_sub_explicit(&peer->refs, 1, memory_order_acq_rel) != 1)
        return;
    arena_free(peer->arena);
    free(peer);
}

static bool within(int64_t from, int64_t until)
{
    int64_t now = clock_now_seconds();
    return now >= from && now <= until;
}

bool peer_valid_now(const struct peer *peer)
{
    return within(peer->not_before, peer->not_after);
}

bool peer_proxy_valid_now(const struct peer *peer)
{
    return within(peer->proxy_not_before, peer->proxy_not_after);
}

static struct slice name_text(struct arena *arena, X509_NAME_ENTRY *entry)
{
    unsigned char *utf8 = NULL;
    int len = ASN1_STRING_to_UTF8(&utf8, X509_NAME_ENTRY_get_data(entry));
    if (len < 0)
        return (struct slice){"", 0};
    struct slice text = arena_dup(arena, slice_make((char *)utf8, (size_t)len));
    OPENSSL_free(utf8);
    return text;
}

/* The last CN is the name, every O a group: as upstream's certificate authenticator reads a subject. */
static void read_subject(struct peer *peer, X509 *cert)
{
    X509_NAME *subject = X509_get_subject_name(cert);
    int count = X509_NAME_entry_count(subject);
    struct slice *organizations = arena_alloc(peer->arena, (size_t)(count + 1) * sizeof *organizations);
    for (int i = 0; i < count; i++) {
        X509_NAME_ENTRY *entry = X509_NAME_get_entry(subject, i);
        int nid = OBJ_obj2nid(X509_NAME_ENTRY_get_object(entry));
        if (nid == NID_commonName)
            peer->info.common_name = name_text(peer->arena, entry);
        else if (nid == NID_organizationName)
            organizations[peer->info.organization_count++] = name_text(peer->arena, entry);
    }
    peer->info.organizations = organizations;
}

/* The time in which all certificates of the chain are valid. */
static void read_period(STACK_OF(X509) * chain, int64_t *ret_from, int64_t *ret_until)
{
    *ret_from = INT64_MIN;
    *ret_until = INT64_MAX;
    for (int i = 0; i < sk_X509_num(chain); i++) {
        X509 *cert = sk_X509_value(chain, i);
        int64_t from = asn1_seconds(X509_get0_notBefore(cert)),
                until = asn1_seconds(X509_get0_notAfter(cert));
        if (from > *ret_from)
            *ret_from = from;
        if (until < *ret_until)
            *ret_until = until;
    }
}

/* The second look at the same chain, with the CA of proxies. */
static bool verify_proxy(struct peer *peer, SSL *ssl, X509 *cert)
{
    X509_STORE *store = SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));
    X509_STORE_CTX *ctx = store ? X509_STORE_CTX_new() : NULL;
    bool good = ctx && X509_STORE_CTX_init(ctx, store, cert, SSL_get_peer_cert_chain(ssl)) == 1 &&
                X509_STORE_CTX_set_default(ctx, "ssl_client") == 1 && X509_verify_cert(ctx) == 1;
    if (good)
        read_period(X509_STORE_CTX_get0_chain(ctx), &peer->proxy_not_before, &peer->proxy_not_after);
    X509_STORE_CTX_free(ctx);
    ERR_clear_error();
    return good;
}

void peer_read_certificate(struct peer *peer, SSL *ssl)
{
    X509 *cert = SSL_get0_peer_certificate(ssl);
    if (!cert)
        return;
    if (!peer->arena)
        peer->arena = arena_new();
    unsigned char *digest = arena_alloc(peer->arena, 32);
    unsigned len = 32;
    if (X509_digest(cert, EVP_sha256(), digest, &len) != 1)
        return;
    peer->info.cert_der_sha256 = slice_make((char *)digest, len);
    peer->info.has_cert = true;
    /* The purpose (client authentication, where the certificate restricts it) is part of the verification. */
    peer->info.verified = SSL_get_verify_result(ssl) == X509_V_OK && SSL_get0_verified_chain(ssl);
    read_subject(peer, cert);
    read_period(SSL_get0_verified_chain(ssl), &peer->not_before, &peer->not_after);
    peer->info.proxy_verified = verify_proxy(peer, ssl, cert);
}
