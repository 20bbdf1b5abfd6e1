#include <stdlib.h>

#include "base/alloc.h"
#include "storage/lmdb/counts.h"
#include "storage/lmdb/record.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What parses must write back to the same bytes; what does not must only be refused. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice bytes = {(const char *)data, size};
    struct log_record record;
    struct latest latest;
    struct counts counts;
    uint64_t revision;
    if (log_record_parse(bytes, &record) && log_record_size(&record) == size) {
        cleanup_free char *again = xmalloc(size);
        log_record_write(&record, again);
        if (memcmp(again, data, size) != 0)
            abort();
    }
    if (latest_parse(bytes, &latest) && latest_size(&latest) != size)
        abort();
    counts_init(&counts);
    counts_parse(&counts, bytes, &revision);
    counts_release(&counts);
    return 0;
}
