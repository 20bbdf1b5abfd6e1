/* Whatever arrives, the answer is either still waited for or a whole one. */
#include <stdlib.h>

#include "dropin/small_http.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct small_answer answers[] = {{"/health", {"{}", 2}}, {0}};
    cleanup_buf struct buf answer = BUF_INIT(BUF_UNLIMITED);
    struct slice bytes = slice_make((const char *)data, size);
    if (small_http_answer(bytes, answers, &answer) && !slice_starts(buf_slice(&answer), SLICE("HTTP/1.1 ")))
        abort();
    return 0;
}
