#include "dropin/store_place.h"

#include <errno.h>
#include <jansson.h>
#include <time.h>

#include "base/buf.h"
#include "base/clock.h"
#include "launcher/addresses.h"

enum { ANSWER_LIMIT = 16 << 10, READ_SECONDS = 5, RETRY_MILLIS = 10 };

struct slice store_place_format(const struct store_place *place, struct arena *arena)
{
    cleanup_buf struct buf out = BUF_INIT(ANSWER_LIMIT);
    buf_puts(&out, "{\"dataDir\":");
    buf_put_json_string(&out, slice_str(place->data_dir));
    buf_printf(&out, ",\"noSync\":%s}", place->no_sync ? "true" : "false");
    return arena_dup(arena, buf_slice(&out));
}

bool store_place_parse(struct slice body, struct arena *arena, struct store_place *ret_place)
{
    json_t *root = json_loadb(body.ptr, body.len, 0, NULL);
    const char *dir = json_string_value(json_object_get(root, "dataDir"));
    bool ok = dir && dir[0] == '/';
    if (ok)
        *ret_place = (struct store_place){arena_strdup(arena, slice_str(dir)),
                                          json_is_true(json_object_get(root, "noSync"))};
    json_decref(root);
    return ok;
}

/* The whole answer: the other side closes after it. */
static bool exchange(int fd, const char *request, struct buf *answer)
{
    size_t len = strlen(request);
    if (write(fd, request, len) != (ssize_t)len)
        return false;
    for (;;) {
        char *to = buf_reserve(answer, 4096);
        ssize_t n = to ? read(fd, to, 4096) : -1;
        if (n <= 0)
            return n == 0;
        answer->len += (size_t)n;
    }
}

static bool read_place(struct slice answer, struct arena *arena, struct store_place *ret_place)
{
    const char *body = memmem(answer.ptr, answer.len, "\r\n\r\n", 4);
    if (!slice_starts(answer, SLICE("HTTP/1.1 200 ")) || !body)
        return false;
    return store_place_parse(slice_from(answer, (size_t)(body + 4 - answer.ptr)), arena, ret_place);
}

static int connect_when_there(const struct address *address, int wait_seconds)
{
    int64_t deadline = clock_mono_nanos() + wait_seconds * INT64_C(1000000000);
    for (;;) {
        int fd = address_connect(address, READ_SECONDS);
        if (fd >= 0 || clock_mono_nanos() >= deadline)
            return fd;
        nanosleep(&(struct timespec){.tv_nsec = RETRY_MILLIS * 1000000}, NULL);
    }
}

bool store_place_ask(const char *etcd_servers, int wait_seconds, struct arena *arena,
                     struct store_place *ret_place, struct error *err)
{
    struct slice rest = slice_str(etcd_servers), url = {0};
    struct address address;
    slice_split(&rest, ',', &url);
    if (!slice_starts(url, SLICE("http://")))
        return error_set(
            err, REASON_BAD_REQUEST,
            "--etcd-servers: \"%.*s\" is not a URL of the etcd of this folder, which speaks plain http://",
            SLICE_ARG(url));
    struct slice where = slice_from(url, strlen("http://"));
    if (slice_ends(where, SLICE("/")))
        where.len--;
    if (!address_parse(arena_strdup(arena, where), &address, err))
        return error_wrap(err, "--etcd-servers");
    cleanup_fd int fd = connect_when_there(&address, wait_seconds);
    if (fd < 0)
        return error_set(err, REASON_SERVICE_UNAVAILABLE, "nothing listens at --etcd-servers %.*s: %s",
                         SLICE_ARG(url), strerror(errno));
    cleanup_buf struct buf answer = BUF_INIT(ANSWER_LIMIT);
    const char *request =
        arena_printf(arena, "GET " STORE_PLACE_PATH " HTTP/1.1\r\nHost: %.*s\r\nConnection: close\r\n\r\n",
                     SLICE_ARG(where));
    if (exchange(fd, request, &answer) && read_place(buf_slice(&answer), arena, ret_place))
        return true;
    return error_set(
        err, REASON_SERVICE_UNAVAILABLE,
        "what listens at %.*s is not the etcd of this folder: the API server keeps its objects in a "
        "store of its own and cannot use another etcd",
        SLICE_ARG(url));
}

char *store_place_folder(const struct store_place *place, const char *prefix, struct arena *arena)
{
    char *folder =
        arena_printf(arena, "%s/coxswain-%s", place->data_dir, *prefix == '/' ? prefix + 1 : prefix);
    for (char *p = folder + strlen(place->data_dir) + 1; *p; p++) {
        if (*p == '/')
            *p = '_';
    }
    return folder;
}
