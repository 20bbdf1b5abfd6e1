#include "apiserver/zip.h"

#include <zlib.h>

#include "base/alloc.h"

enum { FAST = 1, GZIP_WINDOW = 15 + 16 };

struct zip {
    z_stream z;
};

struct zip *zip_new(void)
{
    struct zip *zip = xcalloc(1, sizeof *zip);
    if (deflateInit2(&zip->z, FAST, Z_DEFLATED, GZIP_WINDOW, 8, Z_DEFAULT_STRATEGY) != Z_OK)
        abort(); /* only for lack of memory: base/alloc.h */
    return zip;
}

void zip_add(struct zip *zip, struct buf *bytes, bool last)
{
    struct buf out = BUF_INIT(bytes->max);
    zip->z.next_in = (Bytef *)bytes->data;
    zip->z.avail_in = (uInt)bytes->len;
    int flush = last ? Z_FINISH : Z_SYNC_FLUSH;
    do {
        size_t room = bytes->len / 2 + 1024;
        zip->z.next_out = (Bytef *)buf_reserve(&out, room);
        zip->z.avail_out = (uInt)room;
        deflate(&zip->z, flush);
        out.len += room - zip->z.avail_out;
    } while (zip->z.avail_out == 0);
    buf_release(bytes);
    *bytes = out;
}

void zip_free(struct zip *zip)
{
    if (!zip)
        return;
    deflateEnd(&zip->z);
    free(zip);
}
