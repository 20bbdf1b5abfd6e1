#include <stdlib.h>

#include "storage/header.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The first byte chooses what is asked for, the rest is the header. What is found must lie inside it. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!size)
        return 0;
    struct slice header = {(const char *)data + 1, size - 1}, value;
    struct slice field = header_field(header, data[0]);
    if (field.len && (field.ptr < header.ptr || field.ptr + field.len > header.ptr + header.len))
        abort();
    if (header_label(header, slice_make((const char *)data, size < 8 ? size : 8), &value) && value.len &&
        (value.ptr < header.ptr || value.ptr + value.len > header.ptr + header.len))
        abort();
    (void)header_flags(header);
    (void)header_body(header);
    return 0;
}
