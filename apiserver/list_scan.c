#include "apiserver/list_scan.h"

#include <jansson.h>
#include <openssl/evp.h>

#include "apiserver/status.h"
#include "base/clock.h"
#include "storage/header.h"

enum { WAIT_SECONDS = 3 };

/* ---- selectors on headers ---- */

struct header_view {
    const struct schema_resource *resource;
    struct slice key, header;
};

static bool header_view_label(const void *arg, struct slice key, struct slice *ret_value)
{
    return header_label(((const struct header_view *)arg)->header, key, ret_value);
}

static struct slice header_view_field(const void *arg, int index)
{
    const struct header_view *view = arg;
    if (index == SELECTOR_FIELD_NAME)
        return object_key_name(view->key);
    if (index == SELECTOR_FIELD_NAMESPACE)
        return object_key_namespace(view->resource, view->key);
    return header_field(view->header, (unsigned)index);
}

bool list_scan_matches_header(const struct selector *selector, const struct schema_resource *resource,
                              struct slice key, struct slice header)
{
    static const struct selector_source source = {header_view_label, header_view_field};
    struct header_view view = {resource, key, header};
    return selector_is_empty(selector) || selector_matches(selector, &source, &view);
}

/* ---- continue tokens ---- */

static const char token_version[] = "meta.k8s.io/v1";

enum { LATEST = -1 }; /* as a token's revision: go on with what is there then */

static struct slice base64url(struct arena *arena, struct slice text)
{
    char *out = arena_bytes(arena, (text.len + 2) / 3 * 4 + 1);
    int n = EVP_EncodeBlock((unsigned char *)out, (const unsigned char *)text.ptr, (int)text.len);
    while (n > 0 && out[n - 1] == '=')
        n--;
    for (int i = 0; i < n; i++)
        out[i] = (char)(out[i] == '+' ? '-' : out[i] == '/' ? '_' : out[i]);
    return slice_make(out, (size_t)n);
}

static int base64url_digit(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    return c == '-' ? 62 : c == '_' ? 63 : -1;
}

/* False with the offset of the first bad byte (the length, for a length that cannot be). */
static bool from_base64url(struct arena *arena, struct slice text, struct slice *ret, size_t *ret_bad)
{
    char *out = arena_bytes(arena, text.len + 1);
    size_t n = 0;
    unsigned bits = 0, have = 0;
    for (size_t i = 0; i < text.len; i++) {
        int digit = base64url_digit(text.ptr[i]);
        *ret_bad = i;
        if (digit < 0)
            return false;
        bits = bits << 6 | (unsigned)digit;
        have += 6;
        if (have >= 8) {
            have -= 8;
            out[n++] = (char)(bits >> have & 0xff);
        }
    }
    *ret_bad = text.len / 4 * 4;
    *ret = slice_make(out, n);
    return text.len % 4 != 1;
}

static bool bad_token(struct error *err, const char *why)
{
    return error_set(err, REASON_BAD_REQUEST, "invalid continue token: continue key is not valid: %s", why);
}

static bool token_parse(struct list_scan *scan)
{
    struct request *req = scan->req;
    struct slice text;
    size_t bad;
    if (!from_base64url(req->arena, scan->options.continue_token, &text, &bad))
        return bad_token(&req->err, arena_printf(req->arena, "illegal base64 data at input byte %zu", bad));
    json_t *token = json_loadb(text.ptr, text.len, 0, NULL);
    const char *version = json_string_value(json_object_get(token, "v"));
    const char *start = json_string_value(json_object_get(token, "start"));
    json_int_t revision = json_integer_value(json_object_get(token, "rv"));
    bool ok = false;
    if (!token)
        bad_token(&req->err, "it is not JSON");
    else if (!version || strcmp(version, token_version) != 0)
        bad_token(&req->err, arena_printf(req->arena, "server does not recognize this encoded version %s",
                                          version ? version : ""));
    else if (!start || !*start || strstr(start, ".."))
        bad_token(&req->err, "it says not where to go on");
    else if (revision == 0 || revision < LATEST)
        bad_token(&req->err, "its revision is not valid");
    else
        ok = true;
    if (ok) {
        scan->next = arena_slicef(req->arena, "%.*s%s", SLICE_ARG(scan->prefix), start);
        scan->revision = revision == LATEST ? 0 : (uint64_t)revision;
        json_t *left = json_object_get(token, "left");
        scan->left = left ? json_integer_value(left) : -1;
    }
    json_decref(token);
    return ok;
}

static struct slice make_token(const struct list_scan *scan, json_int_t revision, int64_t left)
{
    json_t *token = json_pack("{s:s,s:I,s:s%}", "v", token_version, "rv", revision, "start",
                              scan->next.ptr + scan->prefix.len, scan->next.len - scan->prefix.len);
    if (left >= 0)
        json_object_set_new(token, "left", json_integer(left));
    char *text = json_dumps(token, JSON_COMPACT);
    json_decref(token);
    struct slice encoded = base64url(scan->req->arena, slice_str(text));
    free(text);
    return encoded;
}

struct slice list_scan_token(const struct list_scan *scan)
{
    if (scan->done)
        return slice_make("", 0);
    return make_token(scan, (json_int_t)scan->revision, list_scan_remaining(scan));
}

/* ---- which revision ---- */

bool list_scan_waits(struct request *req)
{
    struct slice version = query_get(&req->query, "resourceVersion");
    uint64_t n = 0;
    for (size_t i = 0; i < version.len && i < 20; i++)
        n = n * 10 + (uint64_t)(version.ptr[i] - '0');
    return n > store_revision(req->server->store);
}

static bool expired(struct error *err)
{
    return error_set(err, REASON_EXPIRED, "The resourceVersion for the provided list is too old.");
}

/* The error carries a token for the rest as it is now: for clients that prefer that to starting anew. */
static bool expired_token(const struct list_scan *scan)
{
    struct error *err = &scan->req->err;
    error_set(err, REASON_EXPIRED,
              "The revision that this list began at has been compacted. Start the list again without the "
              "continue parameter, or go on with the "
              "continue token in this response: then the rest is as it is now, and what was changed "
              "meanwhile may be in it.");
    err->continue_token = arena_strdup(err->arena, make_token(scan, LATEST, -1));
    return false;
}

static bool choose_revision(struct list_scan *scan)
{
    const struct list_options *o = &scan->options;
    struct store *store = scan->req->server->store;
    struct error *err = &scan->req->err;
    if (o->continue_token.len) {
        if (o->version)
            return error_set(err, REASON_BAD_REQUEST,
                             "specifying resource version is not allowed when using continue");
        if (!token_parse(scan))
            return false;
        uint64_t newest = store_revision(store);
        return scan->revision <= newest || status_version_too_large(err, scan->revision, newest);
    }
    if (!o->version)
        return true;
    if (!store_wait(store, o->version, clock_mono_nanos() + WAIT_SECONDS * 1000000000LL))
        return status_version_too_large(err, o->version, store_revision(store));
    if (o->match == MATCH_EXACT || (o->match == MATCH_UNSET && o->limit > 0 && !o->watch)) {
        if (o->version < store_compacted(store))
            return expired(err);
        scan->revision = o->version;
    }
    return true;
}

/* A revision that is no number is a server error to those who get or watch, as upstream has it, but a bad
 * request to those who list. */
static bool bad_version(struct request *req)
{
    if (req->err.code != 500)
        return false;
    const char *why = req->err.message;
    error_clear(&req->err);
    return error_set(&req->err, REASON_BAD_REQUEST, "invalid resource version: %s", why);
}

bool list_scan_begin(struct request *req, bool watch, struct list_scan *ret)
{
    *ret = (struct list_scan){.req = req};
    struct list_options *o = &ret->options;
    if (!list_options_parse(req->arena, &req->query, watch, o, &req->err))
        return watch ? false : bad_version(req);
    if (o->label_selector.len &&
        !selector_parse_labels(req->arena, o->label_selector, &ret->selector, &req->err))
        return false;
    if (o->field_selector.len &&
        !selector_parse_fields(req->arena, req->resource, o->field_selector, &ret->selector, &req->err))
        return false;
    ret->prefix = object_prefix(req->arena, req->storage, req->info.namespace);
    return watch || choose_revision(ret);
}

/* ---- slices ---- */

struct slice_walk {
    struct list_scan *scan;
    size_t left;
    bool stopped;
    bool (*each)(void *arg, const struct store_record *record); /* NULL: skip */
    void *arg;
};

static bool slice_want(void *arg, const struct store_record *record)
{
    struct slice_walk *walk = arg;
    const struct list_scan *scan = walk->scan;
    if (walk->stopped ||
        walk->left == 0) /* full: the next key, match or not, is where the next page begins */
        return true;
    if (!list_scan_matches_header(&scan->selector, scan->req->storage, record->key, record->header))
        return false;
    if (walk->each)
        return true;
    walk->left--;
    walk->scan->matched++;
    return false; /* skipped: its value is not looked at */
}

/* Stops one record too late on purpose: only the next key tells that there may be more, and where it is. */
static bool slice_each(void *arg, const struct store_record *record)
{
    struct slice_walk *walk = arg;
    if (walk->stopped || walk->left == 0) {
        walk->scan->next = arena_dup(walk->scan->req->arena, record->key);
        walk->scan->done = false;
        return false;
    }
    walk->left--;
    walk->scan->matched++;
    walk->stopped = !walk->each(walk->arg, record);
    return true;
}

/* The store counts only the newest state: the number holds if nothing was written meanwhile. */
static int64_t count_now(const struct list_scan *scan)
{
    struct store *store = scan->req->server->store;
    int64_t n = (int64_t)store_count(store, scan->prefix);
    return store_revision(store) == scan->revision ? n : -1;
}

bool list_scan_slice(struct list_scan *scan, size_t max,
                     bool (*each)(void *arg, const struct store_record *record), void *arg)
{
    struct slice_walk walk = {.scan = scan, .left = max, .each = each, .arg = arg};
    struct request *req = scan->req;
    struct slice name;
    cleanup_store_read struct store_read *read =
        store_read_begin(req->server->store, scan->revision, &req->err);
    if (!read) {
        if (req->err.reason != REASON_EXPIRED)
            return false;
        error_clear(&req->err);
        return scan->options.continue_token.len ? expired_token(scan) : expired(&req->err);
    }
    scan->revision = store_read_revision(read);
    scan->done = true;
    if (!scan->options.continue_token.len && !scan->next.len)
        scan->left = count_now(scan);
    /* One object by name is one look-up. */
    if (selector_requires(&scan->selector, SELECTOR_FIELD_NAME, &name) &&
        (req->info.namespace.len || !req->storage->namespaced)) {
        struct store_record record;
        if (name.len &&
            store_get(read, object_key(req->arena, req->storage, req->info.namespace, name), &record) &&
            slice_want(&walk, &record))
            slice_each(&walk, &record);
        return true;
    }
    store_range(read, &(struct store_range){.prefix = scan->prefix,
                                            .from = scan->next,
                                            .want = slice_want,
                                            .each = slice_each,
                                            .arg = &walk});
    return true;
}

bool list_scan_skip(struct list_scan *scan, size_t max)
{
    return list_scan_slice(scan, max, NULL, NULL);
}

int64_t list_scan_remaining(const struct list_scan *scan)
{
    if (scan->done || scan->left < (int64_t)scan->matched || !selector_is_empty(&scan->selector))
        return -1;
    return scan->left - (int64_t)scan->matched;
}
