#include "apiserver/outgoing/internal.h"

#include <ctype.h>
#include <strings.h>

#include "base/alloc.h"
#include "base/clock.h"

enum { MAX_HEADERS = 200 };

/* ---- the request ---- */

/* What would end the line it stands in, and so begin another header or the body. */
static bool has_control(struct slice text)
{
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.ptr[i];
        if ((c < 0x20 && c != '\t') || c == 0x7f)
            return true;
    }
    return false;
}

static bool is_token(struct slice text)
{
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.ptr[i];
        if (!isalnum(c) && !strchr("!#$%&'*+-.^_`|~", c))
            return false;
    }
    return text.len > 0;
}

bool transfer_check_headers(const struct outgoing_request *request, struct error *err)
{
    for (size_t i = 0; i < request->header_count; i++) {
        const struct http_header *h = &request->headers[i];
        if (!is_token(h->name) || has_control(h->value))
            return error_set(err, REASON_BAD_REQUEST, "header \"%.*s\" cannot be sent", SLICE_ARG(h->name));
    }
    return true;
}

static bool add_header(struct outgoing_transfer *t, struct slice name, struct slice value)
{
    /* libcurl drops "Name:", which would bring back a header of its own; ";" sends it empty */
    char *line = value.len ? arena_printf(t->arena, "%.*s: %.*s", SLICE_ARG(name), SLICE_ARG(value))
                           : arena_printf(t->arena, "%.*s;", SLICE_ARG(name));
    struct curl_slist *list = lib.curl_slist_append(t->headers, line);
    if (list)
        t->headers = list;
    return list != NULL;
}

/* Headers that libcurl would add by itself. */
static void drop_default(struct outgoing_transfer *t, const struct outgoing_request *request,
                         const char *name)
{
    for (size_t i = 0; i < request->header_count; i++) {
        struct slice given = request->headers[i].name;
        if (given.len == strlen(name) && strncasecmp(given.ptr, name, given.len) == 0)
            return;
    }
    struct curl_slist *list = lib.curl_slist_append(t->headers, arena_printf(t->arena, "%s:", name));
    if (list)
        t->headers = list;
}

static bool set_headers(struct outgoing_transfer *t, const struct outgoing_request *request,
                        struct error *err)
{
    if (!transfer_check_headers(request, err))
        return false;
    for (size_t i = 0; i < request->header_count; i++)
        if (!add_header(t, request->headers[i].name, request->headers[i].value))
            return error_set(err, REASON_INTERNAL, "no memory for the headers");
    drop_default(t, request, "Accept");
    drop_default(t, request, "Content-Type");
    drop_default(t, request, "Expect");
    lib.curl_easy_setopt(t->easy, CURLOPT_HTTPHEADER, t->headers);
    return true;
}

static void set_blob(CURL *easy, CURLoption option, struct slice bytes)
{
    struct curl_blob blob = {(void *)bytes.ptr, bytes.len, CURL_BLOB_COPY};
    if (bytes.len)
        lib.curl_easy_setopt(easy, option, &blob);
}

static void set_tls(CURL *easy, const struct outgoing_tls *tls)
{
    set_blob(easy, CURLOPT_CAINFO_BLOB, tls->ca);
    if (tls->ca.len) { /* these alone, not the machine's beside them */
        lib.curl_easy_setopt(easy, CURLOPT_CAINFO, NULL);
        lib.curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);
    }
    set_blob(easy, CURLOPT_SSLCERT_BLOB, tls->cert);
    set_blob(easy, CURLOPT_SSLKEY_BLOB, tls->key);
    if (tls->insecure) {
        lib.curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 0L);
        lib.curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 0L);
    }
    lib.curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
}

static void set_method(CURL *easy, const struct outgoing_request *request)
{
    if (strcmp(request->method, "HEAD") == 0)
        lib.curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
    else if (request->body.len) {
        lib.curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->body.len);
        lib.curl_easy_setopt(easy, CURLOPT_POSTFIELDS, request->body.ptr);
    } else if (strcmp(request->method, "POST") == 0 || strcmp(request->method, "PUT") == 0 ||
               strcmp(request->method, "PATCH") == 0) {
        lib.curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)0);
        lib.curl_easy_setopt(easy, CURLOPT_POSTFIELDS, ""); /* Content-Length: 0 */
    }
    lib.curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, request->method);
}

/* ---- the answer ---- */

static struct slice trim(struct slice text)
{
    while (text.len && (text.ptr[0] == ' ' || text.ptr[0] == '\t'))
        text = slice_from(text, 1);
    while (text.len && strchr(" \t\r\n", text.ptr[text.len - 1]))
        text.len--;
    return text;
}

static bool parse_status(struct outgoing_transfer *t, struct slice line)
{
    long space = slice_find(line, ' ');
    struct slice code = space < 0 ? (struct slice){0} : trim(slice_from(line, (size_t)space + 1));
    int status = 0;
    for (size_t i = 0; i < 3; i++) {
        if (code.len < 3 || !isdigit((unsigned char)code.ptr[i]))
            return false;
        status = status * 10 + code.ptr[i] - '0';
    }
    t->head = (struct outgoing_head){.status = status, .content_length = -1, .headers = t->head.headers};
    return status >= 100 && (code.len == 3 || code.ptr[3] == ' ');
}

static bool parse_length(struct slice text, int64_t *ret)
{
    int64_t n = 0;
    if (!text.len || text.len > 15)
        return false;
    for (size_t i = 0; i < text.len; i++) {
        if (!isdigit((unsigned char)text.ptr[i]))
            return false;
        n = n * 10 + text.ptr[i] - '0';
    }
    *ret = n;
    return true;
}

bool transfer_head_line(struct outgoing_transfer *t, struct slice line)
{
    t->head_bytes += line.len;
    if (t->head_bytes > OUTGOING_MAX_HEAD || t->head.header_count > MAX_HEADERS)
        return false;
    if (slice_starts(line, SLICE("HTTP/")))
        return parse_status(t, line);
    line = trim(line);
    if (!line.len)
        return true;
    long colon = slice_find(line, ':');
    struct slice name = slice_make(line.ptr, colon < 0 ? 0 : (size_t)colon);
    struct slice value = trim(slice_from(line, (size_t)(colon + 1)));
    if (!is_token(name) || has_control(value))
        return false;
    char *lower = arena_strdup(t->arena, name);
    for (char *p = lower; *p; p++)
        *p = (char)tolower((unsigned char)*p);
    struct http_header *header = arena_push(t->arena, (void *)&t->head.headers, &t->head.header_count,
                                            &t->header_capacity, sizeof *header);
    *header = (struct http_header){slice_make(lower, name.len), arena_dup(t->arena, value)};
    if (slice_is(header->name, "content-length"))
        return parse_length(value, &t->head.content_length);
    return true;
}

static size_t on_header(char *bytes, size_t size, size_t count, void *arg)
{
    struct outgoing_transfer *t = arg;
    if (t->head_told) /* trailers: nobody asks for them */
        return size * count;
    t->bad_head = !transfer_head_line(t, slice_make(bytes, size * count));
    return t->bad_head ? 0 : size * count;
}

static size_t on_body(char *bytes, size_t size, size_t count, void *arg)
{
    struct outgoing_transfer *t = arg;
    engine_tell_head(t);
    if (!engine_has_room(t)) {
        t->paused = true;
        return CURL_WRITEFUNC_PAUSE;
    }
    engine_tell_data(t, slice_make(bytes, size * count));
    return size * count;
}

void transfer_finished(struct outgoing_transfer *t, CURLcode code)
{
    cleanup_error struct error err = ERROR_INIT;
    if (code == CURLE_OK) {
        engine_end(t, NULL);
        return;
    }
    if (t->bad_head)
        error_set(&err, REASON_SERVICE_UNAVAILABLE, "the head of the answer cannot be understood");
    else
        error_set(&err, code == CURLE_OPERATION_TIMEDOUT ? REASON_TIMEOUT : REASON_SERVICE_UNAVAILABLE, "%s",
                  *t->problem ? t->problem : lib.curl_easy_strerror(code));
    engine_end(t, &err);
}

/* ---- both ---- */

bool transfer_prepare(struct outgoing_transfer *t, const struct outgoing_request *request, struct error *err)
{
    t->easy = lib.curl_easy_init();
    if (!is_token(slice_str(request->method)) || has_control(slice_str(request->url)))
        return error_set(err, REASON_BAD_REQUEST, "the request line cannot be sent");
    CURL *easy = t->easy;
    lib.curl_easy_setopt(easy, CURLOPT_URL, request->url);
    lib.curl_easy_setopt(easy, CURLOPT_PATH_AS_IS, 1L);
    lib.curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    lib.curl_easy_setopt(easy, CURLOPT_PROXY, "");
    lib.curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    lib.curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    lib.curl_easy_setopt(easy, CURLOPT_PRIVATE, t);
    lib.curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, t->problem);
    lib.curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
    lib.curl_easy_setopt(easy, CURLOPT_HEADERDATA, t);
    lib.curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
    lib.curl_easy_setopt(easy, CURLOPT_WRITEDATA, t);
    lib.curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)request->connect_millis);
    lib.curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)request->total_millis);
    if (request->head_millis)
        t->head_deadline = clock_mono_nanos() + request->head_millis * 1000000;
    if (request->connect_to) {
        t->connect_to = lib.curl_slist_append(NULL, arena_printf(t->arena, "::%s", request->connect_to));
        lib.curl_easy_setopt(easy, CURLOPT_CONNECT_TO, t->connect_to);
    }
    set_tls(easy, &request->tls);
    if (request->upgrade.len)
        return pipe_prepare(t, request, err);
    set_method(easy, request);
    return set_headers(t, request, err);
}

static void free_chunks(struct chunk *chunk)
{
    for (struct chunk *next; chunk; chunk = next) {
        next = chunk->next;
        blob_unref(chunk->bytes);
        free(chunk);
    }
}

void transfer_destroy(struct outgoing_transfer *t)
{
    if (t->easy)
        lib.curl_easy_cleanup(t->easy);
    lib.curl_slist_free_all(t->headers);
    lib.curl_slist_free_all(t->connect_to);
    free_chunks(t->out);
    free_chunks(t->shared.writes);
    buf_release(&t->input);
    arena_free(t->arena);
    free(t);
}
