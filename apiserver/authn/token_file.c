#include "apiserver/authn/token_file.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/sha.h>
#include <stdio.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/hmap.h"

enum { MAX_FILE = 16 << 20, MAX_FIELDS = 64 };

struct line {
    struct hmap_node node; /* by the token's digest */
    struct slice token;
    struct user user;
};

struct token_file {
    struct arena *arena;
    struct hmap map;
};

/* ---- CSV: a record, quotes doubled inside quotes ---- */

struct csv {
    struct arena *arena;
    struct slice rest;
    unsigned line;
};

static bool read_quoted(struct csv *csv, struct slice *ret)
{
    char *out = arena_bytes(csv->arena, csv->rest.len);
    size_t n = 0, i = 1;
    for (; i < csv->rest.len; i++) {
        char c = csv->rest.ptr[i];
        csv->line += c == '\n';
        if (c != '"') {
            out[n++] = c;
        } else if (i + 1 < csv->rest.len && csv->rest.ptr[i + 1] == '"') {
            out[n++] = c;
            i++;
        } else {
            break;
        }
    }
    if (i == csv->rest.len)
        return false;
    csv->rest = slice_from(csv->rest, i + 1);
    *ret = slice_make(out, n);
    return true;
}

static struct slice read_plain(struct csv *csv)
{
    size_t n = 0;
    while (n < csv->rest.len && csv->rest.ptr[n] != ',' && csv->rest.ptr[n] != '\n')
        n++;
    struct slice field = slice_make(csv->rest.ptr, n);
    csv->rest = slice_from(csv->rest, n);
    if (field.len && field.ptr[field.len - 1] == '\r')
        field.len--;
    return field;
}

static void skip_spaces(struct csv *csv)
{
    while (csv->rest.len && (*csv->rest.ptr == ' ' || *csv->rest.ptr == '\t'))
        csv->rest = slice_from(csv->rest, 1);
}

/* The fields of the next line; false: it is broken. */
static bool read_record(struct csv *csv, struct slice fields[MAX_FIELDS], size_t *ret_count)
{
    *ret_count = 0;
    for (;;) {
        if (*ret_count == MAX_FIELDS)
            return false;
        skip_spaces(csv);
        if (csv->rest.len && *csv->rest.ptr == '"') {
            if (!read_quoted(csv, &fields[(*ret_count)++]))
                return false;
            if (csv->rest.len && *csv->rest.ptr == '\r')
                csv->rest = slice_from(csv->rest, 1);
        } else {
            fields[(*ret_count)++] = read_plain(csv);
        }
        char end = csv->rest.len ? *csv->rest.ptr : '\n';
        csv->rest = slice_from(csv->rest, 1);
        csv->line += end == '\n';
        if (end != ',')
            return end == '\n';
    }
}

/* ---- the file ---- */

static struct hmap_key key_of(const unsigned char digest[SHA256_DIGEST_LENGTH])
{
    return (struct hmap_key){0, slice_make((const char *)digest, SHA256_DIGEST_LENGTH), SLICE("")};
}

static void add(struct token_file *file, const struct slice *fields, size_t count)
{
    struct line *line = arena_zalloc(file->arena, sizeof *line);
    unsigned char *digest = arena_alloc(file->arena, SHA256_DIGEST_LENGTH);
    SHA256((const unsigned char *)fields[0].ptr, fields[0].len, digest);
    line->token = fields[0];
    line->user.name = fields[1];
    line->user.uid = fields[2];
    size_t capacity = 0;
    struct slice rest = count > 3 ? fields[3] : (struct slice){0}, group, *groups = NULL;
    while (slice_split(&rest, ',', &group)) {
        while (group.len && *group.ptr == ' ')
            group = slice_from(group, 1);
        if (group.len)
            *(struct slice *)arena_push(file->arena, &groups, &line->user.group_count, &capacity,
                                        sizeof *groups) = group;
    }
    line->user.groups = groups;
    line->node.key = key_of(digest);
    hmap_remove(&file->map, line->node.key); /* of a token given twice the last line counts */
    hmap_insert(&file->map, &line->node);
}

struct token_file *token_file_parse(struct slice text, const char *path, struct error *err)
{
    struct token_file *file = xcalloc(1, sizeof *file);
    file->arena = arena_new();
    struct csv csv = {file->arena, arena_dup(file->arena, text), 1};
    while (csv.rest.len) {
        struct slice fields[MAX_FIELDS];
        size_t count;
        unsigned at = csv.line;
        bool ok = read_record(&csv, fields, &count);
        if (ok && count == 1 && !fields[0].len)
            continue; /* an empty line */
        if (!ok || count < 3 || !fields[1].len || !fields[0].len) {
            error_set(err, REASON_INTERNAL,
                      "%s, line %u: token,user,uid and perhaps \"group,group\" are wanted", path, at);
            token_file_free(file);
            return NULL;
        }
        add(file, fields, count);
    }
    return file;
}

struct token_file *token_file_load(const char *path, struct error *err)
{
    cleanup_file FILE *in = fopen(path, "re");
    cleanup_buf struct buf text = BUF_INIT(MAX_FILE);
    char *at;
    size_t n;
    if (!in) {
        error_set(err, REASON_INTERNAL, "the token file %s cannot be read: %s", path, strerror(errno));
        return NULL;
    }
    while ((at = buf_reserve(&text, 4096)) && (n = fread(at, 1, 4096, in)) > 0)
        text.len += n;
    struct token_file *file = NULL;
    if (text.failed || ferror(in))
        error_set(err, REASON_INTERNAL, "the token file %s cannot be read, or is larger than %d MiB", path,
                  MAX_FILE >> 20);
    else
        file = token_file_parse(buf_slice(&text), path, err);
    if (text.data)
        OPENSSL_cleanse(text.data, text.len);
    return file;
}

void token_file_free(struct token_file *file)
{
    if (!file)
        return;
    free(file->map.buckets); /* the lines are the arena's */
    arena_free(file->arena);
    free(file);
}

const struct user *token_file_find(const struct token_file *file, struct slice token)
{
    unsigned char digest[SHA256_DIGEST_LENGTH];
    SHA256((const unsigned char *)token.ptr, token.len, digest);
    const struct line *line = (const struct line *)hmap_find(&file->map, key_of(digest));
    return line && line->token.len == token.len && CRYPTO_memcmp(line->token.ptr, token.ptr, token.len) == 0
               ? &line->user
               : NULL;
}
