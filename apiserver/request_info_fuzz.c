/* Any path and query: never a crash, and slices stay within the input. */
#include "apiserver/negotiate.h"
#include "apiserver/request_info.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    cleanup_arena struct arena *arena = arena_new();
    struct slice all = slice_make((const char *)data, size), path, segments[64];
    struct slice rest = all, parts;
    struct request_info info;
    struct accept accept;
    struct query query;
    size_t n = 0;
    slice_split(&rest, '?', &path);
    query_parse(arena, rest.ptr ? rest : SLICE(""), &query);
    for (parts = path; n < 64 && slice_split(&parts, '/', &segments[n]);)
        n++;
    request_info_parse(arena, SLICE("GET"), path, segments, n, &query, &info);
    negotiate_accept(all, OFFER_TABLE | OFFER_PARTIAL, &accept, NULL);
    accepts_gzip(all);
    return 0;
}
