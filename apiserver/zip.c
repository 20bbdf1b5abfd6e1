#include "apiserver/zip.h"

#include <isa-l/igzip_lib.h>

#include "base/alloc.h"

struct zip {
    struct isal_zstream z;
    uint8_t level[ISAL_DEF_LVL1_DEFAULT];
};

struct zip *zip_new(void)
{
    struct zip *zip = xmalloc(sizeof *zip);
    isal_deflate_init(&zip->z);
    zip->z.gzip_flag = IGZIP_GZIP;
    zip->z.level = 1;
    zip->z.level_buf = zip->level;
    zip->z.level_buf_size = sizeof zip->level;
    return zip;
}

void zip_add(struct zip *zip, struct buf *bytes, bool last)
{
    struct buf out = BUF_INIT(bytes->max);
    zip->z.next_in = (uint8_t *)bytes->data;
    zip->z.avail_in = (uint32_t)bytes->len;
    zip->z.end_of_stream = last;
    zip->z.flush = last ? NO_FLUSH : SYNC_FLUSH;
    do {
        size_t room = bytes->len / 4 + 1024;
        zip->z.next_out = (uint8_t *)buf_reserve(&out, room);
        zip->z.avail_out = (uint32_t)room;
        isal_deflate(&zip->z);
        out.len += room - zip->z.avail_out;
    } while (zip->z.avail_out == 0);
    buf_release(bytes);
    *bytes = out;
}

void zip_free(struct zip *zip)
{
    free(zip);
}
