#include "dropin/small_http.h"

#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <stdint.h>
#include <sys/socket.h>

#include "base/arena.h"
#include "base/clock.h"
#include "launcher/addresses.h"

enum { LISTENERS_MAX = 8, ENDS_MAX = 4, CONNECTIONS_MAX = 64, HEAD_MAX = 8 << 10, SECONDS_MAX = 5 };

struct connection {
    int fd;
    int64_t deadline;
    struct buf head;
};

struct server {
    const struct small_answer *answers;
    int listeners[LISTENERS_MAX];
    size_t listener_count;
    struct connection connections[CONNECTIONS_MAX];
    size_t connection_count;
};

/* ---- one answer ---- */

static const struct small_answer *find_answer(const struct small_answer *answers, struct slice target)
{
    long query = slice_find(target, '?');
    if (query >= 0)
        target.len = (size_t)query;
    for (; answers->path; answers++) {
        if (slice_is(target, answers->path))
            return answers;
    }
    return NULL;
}

bool small_http_answer(struct slice received, const struct small_answer *answers, struct buf *ret_answer)
{
    if (!memmem(received.ptr, received.len, "\r\n\r\n", 4))
        return false;
    struct slice method = {0}, target = {0}, body = SLICE("404 page not found\n");
    struct slice rest = slice_make(received.ptr, (size_t)slice_find(received, '\r'));
    const char *status = "404 Not Found";
    slice_split(&rest, ' ', &method);
    slice_split(&rest, ' ', &target);
    bool head = slice_is(method, "HEAD");
    if (!rest.ptr || !slice_starts(rest, SLICE("HTTP/1."))) {
        status = "400 Bad Request";
        body = SLICE("");
    } else if (!head && !slice_is(method, "GET")) {
        status = "405 Method Not Allowed";
        body = SLICE("");
    } else {
        const struct small_answer *answer = find_answer(answers, target);
        if (answer) {
            status = "200 OK";
            body = answer->body;
        }
    }
    buf_printf(ret_answer,
               "HTTP/1.1 %s\r\nContent-Type: %s\r\nContent-Length: %zu\r\nConnection: close\r\n\r\n", status,
               slice_starts(body, SLICE("{")) ? "application/json" : "text/plain; charset=utf-8", body.len);
    if (!head)
        buf_put_slice(ret_answer, body);
    return true;
}

/* ---- connections ---- */

static void close_connection(struct server *server, size_t i)
{
    close(server->connections[i].fd);
    buf_release(&server->connections[i].head);
    server->connections[i] = server->connections[--server->connection_count];
}

static void accept_one(struct server *server, int listener)
{
    int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (fd < 0)
        return;
    server->connections[server->connection_count++] =
        (struct connection){fd, clock_mono_nanos() + SECONDS_MAX * INT64_C(1000000000), BUF_INIT(HEAD_MAX)};
}

/* True when the connection is to be closed. */
static bool read_some(struct server *server, struct connection *c)
{
    char *to = buf_reserve(&c->head, 1024);
    ssize_t n = to ? read(c->fd, to, 1024) : 0;
    if (n <= 0)
        return n == 0 || (errno != EAGAIN && errno != EINTR);
    c->head.len += (size_t)n;
    cleanup_buf struct buf answer = BUF_INIT(BUF_UNLIMITED);
    if (!small_http_answer(buf_slice(&c->head), server->answers, &answer))
        return false;
    /* a fresh socket takes these few bytes at once */
    (void)!send(c->fd, answer.data, answer.len, MSG_NOSIGNAL);
    shutdown(c->fd, SHUT_WR);
    return true;
}

/* ---- listening ---- */

static bool listen_at(struct server *server, struct slice url, struct error *err)
{
    struct address address;
    cleanup_arena struct arena *arena = arena_new();
    if (!slice_starts(url, SLICE("http://")))
        return error_set(err, REASON_BAD_REQUEST, "\"%.*s\" is not an http:// URL", SLICE_ARG(url));
    if (server->listener_count == LISTENERS_MAX)
        return error_set(err, REASON_BAD_REQUEST, "more than %d URLs to listen at", LISTENERS_MAX);
    struct slice where = slice_from(url, strlen("http://"));
    if (slice_ends(where, SLICE("/")))
        where.len--;
    if (!address_parse(arena_strdup(arena, where), &address, err))
        return false;
    int fd = address_listen(&address);
    if (fd < 0)
        return error_errno(err, "cannot listen at %.*s", SLICE_ARG(url));
    server->listeners[server->listener_count++] = fd;
    return true;
}

static bool listen_everywhere(struct server *server, const char *urls, struct error *err)
{
    struct slice rest = slice_str(urls), url;
    while (slice_split(&rest, ',', &url)) {
        if (!listen_at(server, url, err))
            return false;
    }
    return true;
}

/* ---- the loop ---- */

/* What to wait for, in this order: ends, listeners (none while there is no room), connections. */
static size_t gather(const struct server *server, const int *ends, size_t end_count, struct pollfd *polls)
{
    size_t n = 0;
    for (size_t i = 0; i < end_count; i++)
        polls[n++] = (struct pollfd){ends[i], POLLIN, 0};
    for (size_t i = 0; i < server->listener_count; i++)
        polls[n++] = (struct pollfd){server->connection_count < CONNECTIONS_MAX ? server->listeners[i] : -1,
                                     POLLIN, 0};
    for (size_t i = 0; i < server->connection_count; i++)
        polls[n++] = (struct pollfd){server->connections[i].fd, POLLIN, 0};
    return n;
}

static void serve_connections(struct server *server, const struct pollfd *polls)
{
    int64_t now = clock_mono_nanos();
    for (size_t i = server->connection_count; i-- > 0;) {
        bool over = server->connections[i].deadline < now;
        if (over || (polls[i].revents && read_some(server, &server->connections[i])))
            close_connection(server, i);
    }
}

static void serve(struct server *server, const int *ends, size_t end_count)
{
    struct pollfd polls[ENDS_MAX + LISTENERS_MAX + CONNECTIONS_MAX];
    for (;;) {
        size_t n = gather(server, ends, end_count, polls);
        if (poll(polls, n, server->connection_count ? 1000 : -1) < 0)
            continue;
        for (size_t i = 0; i < end_count; i++) {
            if (polls[i].revents)
                return;
        }
        serve_connections(server, polls + end_count + server->listener_count);
        for (size_t i = 0; i < server->listener_count; i++) {
            if (polls[end_count + i].revents && server->connection_count < CONNECTIONS_MAX)
                accept_one(server, server->listeners[i]);
        }
    }
}

bool small_http_serve(const char *urls, const struct small_answer *answers, const int *ends, size_t end_count,
                      struct error *err)
{
    struct server server = {.answers = answers};
    bool ok = listen_everywhere(&server, urls, err);
    if (ok)
        serve(&server, ends, end_count);
    while (server.connection_count)
        close_connection(&server, 0);
    for (size_t i = 0; i < server.listener_count; i++)
        close(server.listeners[i]);
    return ok;
}
