#include "launcher/health.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <signal.h>
#include <stdio.h>

#include "base/arena.h"
#include "launcher/certs.h"

enum { WAIT_SECONDS = 2 };

DEFINE_CLEANUP(cleanup_ctx_fn, SSL_CTX *, SSL_CTX_free)
DEFINE_CLEANUP(cleanup_ssl_fn, SSL *, SSL_free)
#define cleanup_ctx CLEANUP(cleanup_ctx_fn)
#define cleanup_ssl CLEANUP(cleanup_ssl_fn)

static bool tls_problem(struct error *err, const char *what, const char *server)
{
    const char *why = ERR_reason_error_string(ERR_peek_last_error());
    error_set(err, REASON_SERVICE_UNAVAILABLE, "%s %s: %s", what, server, why ? why : "no answer");
    ERR_clear_error();
    return false;
}

static SSL_CTX *client_context(const struct cluster *cluster, struct error *err)
{
    cleanup_ctx SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
    if (!ctx || !SSL_CTX_load_verify_file(ctx, cluster_pki(cluster, "ca.crt")) ||
        SSL_CTX_use_certificate_file(ctx, cluster_pki(cluster, "admin.crt"), SSL_FILETYPE_PEM) != 1 ||
        SSL_CTX_use_PrivateKey_file(ctx, cluster_pki(cluster, "admin.key"), SSL_FILETYPE_PEM) != 1) {
        tls_problem(err, "cannot read the certificates in", cluster->pki_dir);
        return NULL;
    }
    SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
    return steal(&ctx);
}

static bool expect_peer(SSL *ssl, const char *host)
{
    unsigned char address[16];
    int len;
    X509_VERIFY_PARAM *param = SSL_get0_param(ssl);
    if (certs_parse_address(host, address, &len))
        return X509_VERIFY_PARAM_set1_ip(param, address, (size_t)len) == 1;
    return SSL_set_tlsext_host_name(ssl, host) == 1 && SSL_set1_host(ssl, host) == 1;
}

static bool answer_is_ok(const char *answer, const char *server, struct error *err)
{
    if (!strncmp(answer, "HTTP/1.1 200", 12))
        return true;
    const char *end = strpbrk(answer, "\r\n");
    return error_set(err, REASON_SERVICE_UNAVAILABLE, "%s is not ready: %.*s", server,
                     end ? (int)(end - answer) : (int)strlen(answer), answer);
}

bool health_ready(const struct cluster *cluster, const char *server_url, struct error *err)
{
    struct address address;
    const char *at = server_url + strlen("https://");
    char answer[512], request[512];
    signal(SIGPIPE, SIG_IGN);
    if (!address_parse(at, &address, err))
        return false;
    cleanup_ctx SSL_CTX *ctx = client_context(cluster, err);
    if (!ctx)
        return false;
    cleanup_fd int fd = address_connect(&address, WAIT_SECONDS);
    if (fd < 0)
        return error_set(err, REASON_SERVICE_UNAVAILABLE, "cannot reach %s: %s", server_url, strerror(errno));
    cleanup_ssl SSL *ssl = SSL_new(ctx);
    if (!ssl || SSL_set_fd(ssl, fd) != 1 || !expect_peer(ssl, address.host) || SSL_connect(ssl) != 1)
        return tls_problem(err, "no secure connection to", server_url);
    int len =
        snprintf(request, sizeof request,
                 "GET /readyz HTTP/1.1\r\nHost: %s\r\nUser-Agent: coxswain\r\nConnection: close\r\n\r\n", at);
    int n = SSL_write(ssl, request, len) == len ? SSL_read(ssl, answer, sizeof answer - 1) : -1;
    if (n <= 0)
        return tls_problem(err, "no answer from", server_url);
    answer[n] = '\0';
    return answer_is_ok(answer, server_url, err);
}
