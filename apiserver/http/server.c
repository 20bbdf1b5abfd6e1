#include "apiserver/http/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include "base/log.h"

/* ---- configuration ---- */

static const char *dup_text(const char *s)
{
    return s ? xstrdup(s) : NULL;
}

static void set_defaults(struct http_config *c)
{
    c->loops = c->loops ? c->loops : (unsigned)sysconf(_SC_NPROCESSORS_ONLN);
    c->max_body = c->max_body ? c->max_body : 3 * 1024 * 1024;
    c->max_head = c->max_head ? c->max_head : 64 * 1024;
    c->max_connections = c->max_connections ? c->max_connections : 20000;
    c->max_streams = c->max_streams ? c->max_streams : 1000;
    c->max_jobs_per_connection = c->max_jobs_per_connection ? c->max_jobs_per_connection : 1000;
    c->max_body_bytes_per_connection =
        c->max_body_bytes_per_connection ? c->max_body_bytes_per_connection : 16 * 1024 * 1024;
    c->idle_seconds = c->idle_seconds ? c->idle_seconds : 300;
    c->head_seconds = c->head_seconds ? c->head_seconds : 30;
    c->send_seconds = c->send_seconds ? c->send_seconds : 60;
}

static void copy_config(struct http_config *to, const struct http_config *from)
{
    *to = *from;
    to->address = dup_text(from->address);
    to->cert_file = dup_text(from->cert_file);
    to->key_file = dup_text(from->key_file);
    to->client_ca_file = dup_text(from->client_ca_file);
    to->proxy_ca_file = dup_text(from->proxy_ca_file);
    set_defaults(to);
}

/* As many descriptors as the system lets us have; a part of them is left to the store and the rest of the
 * process. */
static unsigned connection_limit(unsigned wanted)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return wanted;
    if (limit.rlim_cur < limit.rlim_max && limit.rlim_cur < (rlim_t)wanted + 256) {
        limit.rlim_cur = limit.rlim_max < (rlim_t)wanted + 256 ? limit.rlim_max : (rlim_t)wanted + 256;
        setrlimit(RLIMIT_NOFILE, &limit);
        getrlimit(RLIMIT_NOFILE, &limit);
    }
    rlim_t reserve = limit.rlim_cur / 4 < 256 ? limit.rlim_cur / 4 : 256;
    rlim_t room = limit.rlim_cur - reserve;
    return room < wanted ? (unsigned)room : wanted;
}

/* ---- listening ---- */

static bool split_address(const char *address, char *host, size_t size, const char **ret_port)
{
    const char *colon = strrchr(address, ':');
    if (!colon)
        return false;
    size_t len = (size_t)(colon - address);
    if (len >= 2 && address[0] == '[' && address[len - 1] == ']')
        address++, len -= 2;
    if (len >= size)
        return false;
    memcpy(host, address, len);
    host[len] = '\0';
    *ret_port = colon + 1;
    return true;
}

static int bind_one(const struct addrinfo *ai)
{
    int on = 1;
    cleanup_fd int fd = socket(ai->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return -1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(fd, ai->ai_addr, ai->ai_addrlen) != 0 || listen(fd, 4096) != 0)
        return -1;
    int bound = fd;
    fd = -1;
    return bound;
}

static bool bind_error(const char *address, struct error *err)
{
    if (errno == EADDRINUSE)
        return error_set(err, REASON_INTERNAL,
                         "address %s is in use; stop the process that listens there or choose another port",
                         address);
    if (errno == EACCES)
        return error_set(err, REASON_INTERNAL, "may not listen on %s: %s; choose a port above 1023", address,
                         strerror(errno));
    return error_set(err, REASON_INTERNAL, "cannot listen on %s: %s; name an address of this machine",
                     address, strerror(errno));
}

static bool open_listener(struct http_server *server, struct error *err)
{
    const char *address = server->config.address, *port;
    char host[256];
    struct addrinfo hints = {.ai_flags = AI_PASSIVE, .ai_socktype = SOCK_STREAM}, *list = NULL;
    if (!split_address(address, host, sizeof host, &port) ||
        getaddrinfo(*host ? host : NULL, port, &hints, &list) != 0)
        return error_set(err, REASON_INTERNAL, "%s is not an address to listen on; write host:port", address);
    server->listen_fd = bind_one(list);
    int saved = errno;
    freeaddrinfo(list);
    errno = saved;
    if (server->listen_fd < 0)
        return bind_error(address, err);
    struct sockaddr_storage bound;
    socklen_t len = sizeof bound;
    getsockname(server->listen_fd, (struct sockaddr *)&bound, &len);
    server->port = (unsigned)h2o_socket_getport((struct sockaddr *)&bound);
    return true;
}

/* The least loaded loop gets the connection: a few long-lived HTTP/2 clients are then spread evenly. */
static struct loop *choose_loop(struct http_server *server)
{
    struct loop *best = &server->loops[0];
    for (unsigned i = 1; i < server->loop_count; i++)
        if (atomic_load(&server->loops[i].conn_count) < atomic_load(&best->conn_count))
            best = &server->loops[i];
    return best;
}

struct handover {
    struct loop *loop;
    int fd;
};

static void take_over(void *arg)
{
    struct handover handover = *(struct handover *)arg;
    free(arg);
    if (handover.loop->ev && current_loop == handover.loop && !handover.loop->done) {
        conn_new(handover.loop, handover.fd);
        return;
    }
    close(handover.fd); /* the loop has ended meanwhile */
    atomic_fetch_sub(&handover.loop->conn_count, 1);
    atomic_fetch_sub(&handover.loop->server->connections, 1);
}

static void pause_accept(struct loop *loop)
{
    h2o_socket_read_stop(loop->listener);
    conn_evict_idle(loop);
    timer_arm(&loop->listener_timer, now_millis() + 50);
}

static void on_accept(h2o_socket_t *listener, const char *err)
{
    struct loop *loop = listener->data;
    struct http_server *server = loop->server;
    for (int i = 0; i < 16; i++) {
        if (atomic_load(&server->connections) >= server->connection_limit) {
            pause_accept(loop);
            break;
        }
        int fd = accept4(h2o_socket_get_fd(listener), NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0) {
            /* Out of descriptors (or memory): the listener stays readable, so looking away is all that helps.
             */
            if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED)
                pause_accept(loop);
            break;
        }
        struct loop *target = choose_loop(server);
        atomic_fetch_add(&server->connections, 1);
        atomic_fetch_add(&target->conn_count, 1);
        if (target == loop) {
            conn_new(loop, fd);
            continue;
        }
        struct handover *handover = xmalloc(sizeof *handover);
        *handover = (struct handover){target, fd};
        loop_post_fn(target, take_over, handover);
    }
    loop_end_turn(loop);
}

static void resume_accept(void *arg)
{
    struct loop *loop = arg;
    if (loop->listener && !loop->stopping)
        h2o_socket_read_start(loop->listener, on_accept);
}

void server_listen(struct loop *loop)
{
    if (loop->index != 0)
        return;
    loop->listener_timer.fn = resume_accept;
    loop->listener_timer.arg = loop;
    loop->listener = h2o_evloop_socket_create(loop->ev, loop->server->listen_fd, H2O_SOCKET_FLAG_DONT_READ);
    loop->listener->data = loop;
    resume_accept(loop);
}

void server_unlisten(struct loop *loop)
{
    timer_disarm(&loop->listener_timer);
    if (!loop->listener)
        return;
    h2o_socket_close(loop->listener);
    loop->listener = NULL;
}

/* ---- life ---- */

struct tls *server_tls(struct http_server *server)
{
    pthread_mutex_lock(&server->tls_lock);
    struct tls *tls = tls_ref(server->tls);
    pthread_mutex_unlock(&server->tls_lock);
    return tls;
}

struct http_server *http_server_new(const struct http_config *config, const struct http_handler *handler,
                                    struct error *err)
{
    struct http_server *server = xcalloc(1, sizeof *server);
    signal(SIGPIPE, SIG_IGN);
    copy_config(&server->config, config);
    server->handler = *handler;
    server->listen_fd = -1;
    pthread_mutex_init(&server->tls_lock, NULL);
    sem_init(&server->ready, 0, 0);
    bool ok = open_listener(server, err);
    if (ok && config->cert_file)
        ok = (server->tls = tls_new(&server->config, err)) != NULL;
    server->connection_limit = connection_limit(server->config.max_connections);
    server->job_limit = 8 * server->config.max_jobs_per_connection;
    server->loops = xcalloc(server->config.loops, sizeof *server->loops);
    for (; ok && server->loop_count < server->config.loops; server->loop_count++)
        ok = loop_init(&server->loops[server->loop_count], server, server->loop_count, err);
    if (ok)
        return server;
    http_server_free(server);
    return NULL;
}

unsigned http_server_port(const struct http_server *server)
{
    return server->port;
}

unsigned http_server_loops(const struct http_server *server)
{
    return server->loop_count;
}

void http_server_start(struct http_server *server)
{
    server->started = server->listener_taken = true; /* loop 0 has it, and closes it */
    for (unsigned i = 0; i < server->loop_count; i++)
        loop_start(&server->loops[i]);
    for (unsigned i = 0; i < server->loop_count; i++)
        while (sem_wait(&server->ready) != 0)
            ; /* interrupted */
}

static void on_grace_over(void *arg)
{
    struct loop *loop = arg;
    for (struct conn *conn = loop->conns, *next; conn; conn = next) {
        next = conn->next;
        conn_abort(conn);
    }
}

/* Order: no new connections, then tell every client, then wait for what runs; what is left is cut off. */
static void stop_loop(void *arg)
{
    struct loop *loop = arg;
    loop->stopping = true;
    server_unlisten(loop);
    for (struct conn *conn = loop->conns, *next; conn; conn = next) {
        next = conn->next;
        conn_stop(conn);
    }
    loop->stop_timer.fn = on_grace_over;
    loop->stop_timer.arg = loop;
    timer_arm(&loop->stop_timer, now_millis() + loop->server->grace_millis);
}

void http_server_stop(struct http_server *server, int64_t grace_seconds)
{
    if (!server->started)
        return;
    server->grace_millis = grace_seconds * 1000;
    for (unsigned i = 0; i < server->loop_count; i++)
        loop_post_fn(&server->loops[i], stop_loop, &server->loops[i]);
    for (unsigned i = 0; i < server->loop_count; i++)
        pthread_join(server->loops[i].thread, NULL);
    server->started = false;
}

void http_server_free(struct http_server *server)
{
    if (!server)
        return;
    http_server_stop(server, 0);
    for (unsigned i = 0; i < server->loop_count; i++)
        loop_release(&server->loops[i]);
    free(server->loops);
    tls_unref(server->tls);
    if (server->listen_fd >= 0 && !server->listener_taken)
        close(server->listen_fd);
    pthread_mutex_destroy(&server->tls_lock);
    sem_destroy(&server->ready);
    free((char *)server->config.address);
    free((char *)server->config.cert_file);
    free((char *)server->config.key_file);
    free((char *)server->config.client_ca_file);
    free((char *)server->config.proxy_ca_file);
    free(server);
}

bool http_server_reload(struct http_server *server, struct error *err)
{
    if (!server->config.cert_file)
        return true;
    struct tls *fresh = tls_new(&server->config, err);
    if (!fresh)
        return false;
    pthread_mutex_lock(&server->tls_lock);
    struct tls *old = server->tls;
    server->tls = fresh;
    pthread_mutex_unlock(&server->tls_lock);
    tls_unref(old);
    return true;
}

void http_server_stats(struct http_server *server, struct http_stats *ret)
{
    struct http_stats stats = {.connections = atomic_load(&server->connections)};
    for (unsigned i = 0; i < server->loop_count; i++) {
        struct loop *loop = &server->loops[i];
        stats.connections_total += atomic_load(&loop->accepted);
        stats.requests_total += atomic_load(&loop->requests);
        stats.refused_total += atomic_load(&loop->refused);
        stats.resets_total += atomic_load(&loop->resets);
        stats.streams_open += atomic_load(&loop->streams);
    }
    *ret = stats;
}
