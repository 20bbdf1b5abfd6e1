/*
 * A stand-in for the API server in tests of the launcher: it takes the same flags, serves TLS, says READY,
 * and answers every request. Files in its data folder make it fail: `fail` (its content is the last sentence,
 * exit 1), `hang` (never ready), `unready` (answers 500), `chatty` (a line on stderr per request).
 */
#include <arpa/inet.h>
#include <openssl/ssl.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "base/flags.h"

static struct options {
    const char *data_dir, *listen, *cert, *key, *client_ca, *ignored, *services, *node_ports, *log_level;
    int64_t ready_fd, loops;
    bool no_sync, ignored_switch;
} o = {.ready_fd = -1};

static void on_term(int signal)
{
    _exit(0);
}

static bool has(const char *name)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", o.data_dir, name);
    return access(path, F_OK) == 0;
}

static void fail_if_asked(void)
{
    char path[4096], text[512];
    snprintf(path, sizeof path, "%s/fail", o.data_dir);
    FILE *in = fopen(path, "re");
    if (!in)
        return;
    size_t n = fread(text, 1, sizeof text, in);
    fprintf(stderr, "%.*s\n", (int)n, text);
    exit(1);
}

static int serve_socket(uint16_t *port)
{
    int on = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof at;
    at.sin_port = htons((uint16_t)atoi(strrchr(o.listen, ':') + 1));
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(fd, (struct sockaddr *)&at, sizeof at) != 0 || listen(fd, 16) != 0) {
        perror("cannot listen");
        exit(1);
    }
    getsockname(fd, (struct sockaddr *)&at, &len);
    *port = ntohs(at.sin_port);
    return fd;
}

static SSL_CTX *context(void)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
    if (SSL_CTX_use_certificate_chain_file(ctx, o.cert) != 1 ||
        SSL_CTX_use_PrivateKey_file(ctx, o.key, SSL_FILETYPE_PEM) != 1 ||
        SSL_CTX_load_verify_file(ctx, o.client_ca) != 1) {
        fprintf(stderr, "cannot read the certificates\n");
        exit(1);
    }
    SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
    return ctx;
}

static void answer(SSL_CTX *ctx, int fd)
{
    char request[4096];
    SSL *ssl = SSL_new(ctx);
    SSL_set_fd(ssl, fd);
    if (SSL_accept(ssl) == 1 && SSL_read(ssl, request, sizeof request) > 0) {
        const char *text = has("unready") ? "HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\n\r\n"
                                          : "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
        SSL_write(ssl, text, (int)strlen(text));
        if (has("chatty"))
            fprintf(stderr, "answered a request\n");
    }
    SSL_free(ssl);
    close(fd);
}

int main(int argc, char **argv)
{
    cleanup_error struct error err = ERROR_INIT;
    const struct flag flags[] = {{"data-dir", FLAG_STRING, &o.data_dir, "DIR", ""},
                                 {"listen", FLAG_STRING, &o.listen, "HOST:PORT", ""},
                                 {"tls-cert-file", FLAG_STRING, &o.cert, "FILE", ""},
                                 {"tls-private-key-file", FLAG_STRING, &o.key, "FILE", ""},
                                 {"client-ca-file", FLAG_STRING, &o.client_ca, "FILE", ""},
                                 {"requestheader-client-ca-file", FLAG_STRING, &o.ignored, "TEXT", ""},
                                 {"requestheader-allowed-names", FLAG_STRING, &o.ignored, "TEXT", ""},
                                 {"requestheader-username-headers", FLAG_STRING, &o.ignored, "TEXT", ""},
                                 {"requestheader-uid-headers", FLAG_STRING, &o.ignored, "TEXT", ""},
                                 {"requestheader-group-headers", FLAG_STRING, &o.ignored, "TEXT", ""},
                                 {"requestheader-extra-headers-prefix", FLAG_STRING, &o.ignored, "TEXT", ""},
                                 {"proxy-client-cert-file", FLAG_STRING, &o.ignored, "TEXT", ""},
                                 {"proxy-client-key-file", FLAG_STRING, &o.ignored, "TEXT", ""},
                                 {"service-account-key-file", FLAG_STRING, &o.ignored, "FILE", ""},
                                 {"service-account-signing-key-file", FLAG_STRING, &o.ignored, "FILE", ""},
                                 {"enable-bootstrap-token-auth", FLAG_BOOL, &o.ignored_switch, NULL, ""},
                                 {"service-cluster-ip-range", FLAG_STRING, &o.services, "CIDR", ""},
                                 {"service-node-port-range", FLAG_STRING, &o.node_ports, "RANGE", ""},
                                 {"log-level", FLAG_STRING, &o.log_level, "LEVEL", ""},
                                 {"ready-fd", FLAG_INT, &o.ready_fd, "N", ""},
                                 {"loops", FLAG_INT, &o.loops, "N", ""},
                                 {"no-sync", FLAG_BOOL, &o.no_sync, NULL, ""},
                                 {0}};
    const struct flag_set set = {"coxswain-apiserver", "[flags]", "A stand-in.", flags};
    if (flags_parse(&set, argc, argv, NULL, &err) != FLAGS_OK) {
        fprintf(stderr, "%s\n", err.message);
        return 1;
    }
    signal(SIGTERM, on_term);
    signal(SIGPIPE, SIG_IGN);
    fail_if_asked();
    uint16_t port;
    int fd = serve_socket(&port);
    SSL_CTX *ctx = context();
    while (has("hang"))
        pause();
    fprintf(stderr, "serving with log level %s, loops %d, no-sync %d\n", o.log_level ? o.log_level : "-",
            (int)o.loops, o.no_sync);
    dprintf((int)o.ready_fd, "READY %u\n", port);
    close((int)o.ready_fd);
    for (int client; (client = accept4(fd, NULL, NULL, SOCK_CLOEXEC)) >= 0;)
        answer(ctx, client);
    return 1;
}
