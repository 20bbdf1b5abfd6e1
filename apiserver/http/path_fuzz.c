#include <stdint.h>
#include <stdlib.h>

#include "apiserver/http/path.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    cleanup_arena struct arena *arena = arena_new();
    const struct slice *segments;
    size_t count, total = 0;
    if (!path_parse(arena, slice_make((const char *)data, size), &segments, &count))
        return 0;
    for (size_t i = 0; i < count; i++) {
        if (slice_is(segments[i], ".") || slice_is(segments[i], "..") ||
            (segments[i].len && memchr(segments[i].ptr, '\0', segments[i].len)))
            abort();
        total += segments[i].len + 1;
    }
    if (total > size) /* decoding never makes a path longer */
        abort();
    return 0;
}
