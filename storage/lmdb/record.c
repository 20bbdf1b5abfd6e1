#include "storage/lmdb/record.h"

enum { FORMAT = 1, FLAG_TOMBSTONE = 1 };

void place_put(struct place place, char out[LOG_KEY])
{
    put_be64(out, place.revision);
    put_be32(out + 8, place.op);
}

bool place_parse(struct slice key, struct place *ret)
{
    if (key.len != LOG_KEY)
        return false;
    *ret = (struct place){get_be64(key.ptr), get_be32(key.ptr + 8)};
    return true;
}

static size_t author_len(struct slice s)
{
    return s.len < AUTHOR_MAX ? s.len : AUTHOR_MAX;
}

size_t log_record_size(const struct log_record *r)
{
    return LOG_FIXED + author_len(r->author.user) + author_len(r->author.agent) +
           author_len(r->author.manager) + author_len(r->author.request_id) + r->key.len + r->header.len +
           r->value.len;
}

static char *put_bytes(char *out, struct slice s)
{
    if (s.len)
        memcpy(out, s.ptr, s.len);
    return out + s.len;
}

static void put_be16(char *out, size_t n)
{
    out[0] = (char)(n >> 8);
    out[1] = (char)n;
}

static size_t get_be16(const char *in)
{
    return (size_t)(unsigned char)in[0] << 8 | (unsigned char)in[1];
}

void log_record_write(const struct log_record *r, char *out)
{
    const struct slice author[4] = {r->author.user, r->author.agent, r->author.manager, r->author.request_id};
    out[0] = FORMAT;
    out[1] = (char)r->change;
    put_be16(out + 2, r->key.len);
    put_be32(out + 4, (uint32_t)r->header.len);
    put_be64(out + 8, r->prev.revision);
    put_be32(out + 16, r->prev.op);
    put_be64(out + 20, r->create_revision);
    char *at = out + LOG_FIXED;
    for (size_t i = 0; i < 4; i++) {
        struct slice cut = {author[i].ptr, author_len(author[i])};
        put_be16(out + 28 + 2 * i, cut.len);
        at = put_bytes(at, cut);
    }
    bool one_run = r->key.ptr + r->key.len == r->header.ptr && r->header.ptr + r->header.len == r->value.ptr;
    if (one_run) {
        put_bytes(at, slice_make(r->key.ptr, r->key.len + r->header.len + r->value.len));
    } else {
        at = put_bytes(at, r->key);
        at = put_bytes(at, r->header);
        put_bytes(at, r->value);
    }
}

static bool take(struct slice *rest, size_t len, struct slice *ret)
{
    if (rest->len < len)
        return false;
    *ret = slice_make(rest->ptr, len);
    *rest = slice_from(*rest, len);
    return true;
}

bool log_record_parse(struct slice bytes, struct log_record *ret)
{
    if (bytes.len < LOG_FIXED || bytes.ptr[0] != FORMAT || bytes.ptr[1] < STORE_CREATED ||
        bytes.ptr[1] > STORE_DELETED)
        return false;
    const char *p = bytes.ptr;
    struct log_record r = {
        .change = (enum store_change)p[1],
        .prev = {get_be64(p + 8), get_be32(p + 16)},
        .create_revision = get_be64(p + 20),
    };
    struct slice rest = slice_from(bytes, LOG_FIXED);
    bool whole = take(&rest, get_be16(p + 28), &r.author.user) &&
                 take(&rest, get_be16(p + 30), &r.author.agent) &&
                 take(&rest, get_be16(p + 32), &r.author.manager) &&
                 take(&rest, get_be16(p + 34), &r.author.request_id) &&
                 take(&rest, get_be16(p + 2), &r.key) && take(&rest, get_be32(p + 4), &r.header);
    if (!whole)
        return false;
    r.value = rest;
    *ret = r;
    return true;
}

size_t latest_size(const struct latest *latest)
{
    return LATEST_FIXED + latest->header.len;
}

void latest_write(const struct latest *latest, char *out)
{
    out[0] = FORMAT;
    out[1] = latest->tombstone ? FLAG_TOMBSTONE : 0;
    put_be32(out + 2, latest->place.op);
    put_be64(out + 6, latest->place.revision);
    put_be64(out + 14, latest->create_revision);
    put_bytes(out + LATEST_FIXED, latest->header);
}

bool latest_parse(struct slice bytes, struct latest *ret)
{
    if (bytes.len < LATEST_FIXED || bytes.ptr[0] != FORMAT)
        return false;
    const char *p = bytes.ptr;
    *ret = (struct latest){
        .place = {get_be64(p + 6), get_be32(p + 2)},
        .create_revision = get_be64(p + 14),
        .tombstone = p[1] & FLAG_TOMBSTONE,
        .header = slice_from(bytes, LATEST_FIXED),
    };
    return true;
}
