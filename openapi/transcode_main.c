/*
 * coxswain-transcode: objects between JSON and protobuf, for tests from outside. Reads frames on standard
 * input and answers each on standard output, until the input ends. A frame is one byte, the length of the
 * rest as four bytes (the first the highest), and the rest:
 *
 *   'e' JSON      -> 'e' the object in its protobuf envelope
 *   'd' envelope  -> 'd' the object as JSON
 *   otherwise     -> '!' what was wrong
 *
 *     coxswain-transcode --cost FILE    JSON of an object: how long encoding takes, as JSON and as protobuf
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "openapi/protobuf.h"

enum { MAX_FRAME = 64 << 20 };

static const struct schema_type *type_of(struct slice api_version, struct slice kind, struct error *err)
{
    const struct schema_type *type = schema_find_object_type(api_version, kind);
    if (!type)
        error_set(err, REASON_BAD_REQUEST, "no kind \"%.*s\" in \"%.*s\"", SLICE_ARG(kind),
                  SLICE_ARG(api_version));
    return type;
}

static bool encode(struct arena *arena, struct slice json, struct buf *out, struct error *err)
{
    struct slice api_version, kind;
    const struct schema_type *type;
    return decode_type_meta(arena, json, &api_version, &kind, err) &&
           (type = type_of(api_version, kind, err)) &&
           encode_protobuf_object(out, arena, type, api_version, kind, json, err);
}

static bool decode(struct arena *arena, struct slice envelope, struct buf *out, struct error *err)
{
    struct slice api_version, kind, message;
    const struct schema_type *type;
    struct value object;
    if (!protobuf_open_envelope(envelope, &api_version, &kind, &message, err) ||
        !(type = type_of(api_version, kind, err)) || !decode_protobuf(arena, type, message, &object, err))
        return false;
    *value_get_mut(&object, SLICE("kind")) = value_of_string(kind);
    *value_get_mut(&object, SLICE("apiVersion")) = value_of_string(api_version);
    encode_json_type(out, type, &object);
    return true;
}

static bool read_frame(int *ret_op, struct buf *in)
{
    unsigned char head[5];
    if (fread(head, 1, sizeof head, stdin) != sizeof head)
        return false;
    size_t len = (size_t)head[1] << 24 | (size_t)head[2] << 16 | (size_t)head[3] << 8 | head[4];
    buf_clear(in);
    *ret_op = head[0];
    if (len > MAX_FRAME || !buf_reserve(in, len) || fread(in->data, 1, len, stdin) != len)
        return false;
    in->len = len;
    return true;
}

static void write_frame(int op, struct slice s)
{
    unsigned char head[5] = {(unsigned char)op, (unsigned char)(s.len >> 24), (unsigned char)(s.len >> 16),
                             (unsigned char)(s.len >> 8), (unsigned char)s.len};
    fwrite(head, 1, sizeof head, stdout);
    fwrite(s.ptr, 1, s.len, stdout);
    fflush(stdout);
}

static void answer(int op, struct slice in)
{
    cleanup_arena struct arena *arena = arena_new();
    cleanup_buf struct buf out = BUF_INIT(BUF_UNLIMITED);
    struct error err;
    error_init(&err, arena);
    bool ok = op == 'e' ? encode(arena, in, &out, &err) : decode(arena, in, &out, &err);
    write_frame(ok ? op : '!', ok ? buf_slice(&out) : slice_str(err.message));
}

/* ---- cost ---- */

static int64_t best_of(struct slice json, const struct schema_type *type, const struct value *tree)
{
    enum { ROUNDS = 20, TIMES = 1000 };
    int64_t best = INT64_MAX;
    cleanup_arena struct arena *arena = arena_new();
    cleanup_buf struct buf out = BUF_INIT(BUF_UNLIMITED);
    for (int round = 0; round < ROUNDS; round++) {
        int64_t start = clock_mono_nanos();
        for (int i = 0; i < TIMES; i++) {
            buf_clear(&out);
            if (tree)
                encode_json_type(&out, type, tree);
            else
                encode_protobuf(&out, arena, type, json, NULL);
        }
        int64_t took = (clock_mono_nanos() - start) / TIMES;
        best = took < best ? took : best;
    }
    return best;
}

static int cost(const char *path)
{
    cleanup_arena struct arena *arena = arena_new();
    cleanup_buf struct buf text = BUF_INIT(MAX_FRAME), json = BUF_INIT(BUF_UNLIMITED),
                           out = BUF_INIT(BUF_UNLIMITED);
    cleanup_file FILE *file = fopen(path, "r");
    struct slice api_version, kind;
    struct value tree;
    struct error err;
    error_init(&err, arena);
    for (size_t n = 1; file && n && buf_reserve(&text, 1 << 16); text.len += n)
        n = fread(text.data + text.len, 1, 1 << 16, file);
    const struct schema_type *type = NULL;
    if (!decode_type_meta(arena, buf_slice(&text), &api_version, &kind, &err) ||
        !(type = type_of(api_version, kind, &err)) ||
        !decode_json(arena, type, buf_slice(&text), &tree, NULL, &err)) {
        fprintf(stderr, "%s: %s\n", path, err.message);
        return 1;
    }
    encode_json_type(&json, type, &tree);
    encode_protobuf_object(&out, arena, type, api_version, kind, buf_slice(&json), &err);
    printf("%zu bytes of JSON from a tree: %lld ns\n", json.len, (long long)best_of(SLICE(""), type, &tree));
    printf("%zu bytes of protobuf from JSON: %lld ns\n", out.len,
           (long long)best_of(buf_slice(&json), type, NULL));
    return 0;
}

int main(int argc, char **argv)
{
    cleanup_buf struct buf in = BUF_INIT(MAX_FRAME + 1);
    int op;
    if (argc == 3 && strcmp(argv[1], "--cost") == 0)
        return cost(argv[2]);
    while (read_frame(&op, &in))
        answer(op, buf_slice(&in));
    return 0;
}
