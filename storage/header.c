#include "storage/header.h"

enum { VERSION = 1, FIXED = 4 };

static void put_u16(struct buf *out, size_t n)
{
    buf_putc(out, (char)(n >> 8));
    buf_putc(out, (char)n);
}

void header_put(struct buf *out, const struct header *header)
{
    buf_putc(out, VERSION);
    buf_putc(out, (char)header->flags);
    put_u16(out, header->body);
    buf_putc(out, (char)header->field_count);
    for (unsigned i = 0; i < header->field_count; i++) {
        put_u16(out, header->fields[i].len);
        buf_put_slice(out, header->fields[i]);
    }
    put_u16(out, header->label_count);
    for (unsigned i = 0; i < header->label_count; i++) {
        const struct header_label *label = &header->labels[i];
        /* A label key is a prefix of at most 253, a slash and a name of at most 63: its length needs the
         * escape below. */
        size_t len = label->key.len;
        buf_putc(out, (char)(len < 255 ? len : 255));
        if (len >= 255)
            put_u16(out, len);
        put_u16(out, label->value.len);
        buf_put_slice(out, label->key);
        buf_put_slice(out, label->value);
    }
}

static const unsigned char *bytes_of(struct slice s)
{
    return (const unsigned char *)s.ptr;
}

static bool is_header(struct slice header)
{
    return header.len > FIXED && header.ptr[0] == VERSION;
}

uint8_t header_flags(struct slice header)
{
    return is_header(header) ? bytes_of(header)[1] : 0;
}

uint16_t header_body(struct slice header)
{
    return is_header(header) ? (uint16_t)(bytes_of(header)[2] << 8 | bytes_of(header)[3]) : 0;
}

static bool take_u8(struct slice *rest, size_t *ret)
{
    if (rest->len < 1)
        return false;
    *ret = bytes_of(*rest)[0];
    *rest = slice_from(*rest, 1);
    return true;
}

static bool take_u16(struct slice *rest, size_t *ret)
{
    if (rest->len < 2)
        return false;
    *ret = (size_t)bytes_of(*rest)[0] << 8 | bytes_of(*rest)[1];
    *rest = slice_from(*rest, 2);
    return true;
}

static bool take_bytes(struct slice *rest, size_t len, struct slice *ret)
{
    if (rest->len < len)
        return false;
    *ret = slice_make(rest->ptr, len);
    *rest = slice_from(*rest, len);
    return true;
}

static bool take_field(struct slice *rest, struct slice *ret)
{
    size_t len;
    return take_u16(rest, &len) && take_bytes(rest, len, ret);
}

static bool take_label(struct slice *rest, struct slice *ret_key, struct slice *ret_value)
{
    size_t key_len, value_len;
    if (!take_u8(rest, &key_len) || (key_len == 255 && !take_u16(rest, &key_len)))
        return false;
    return take_u16(rest, &value_len) && take_bytes(rest, key_len, ret_key) &&
           take_bytes(rest, value_len, ret_value);
}

struct slice header_field(struct slice header, unsigned index)
{
    struct slice rest = slice_from(header, FIXED), field;
    size_t count;
    if (!is_header(header) || !take_u8(&rest, &count) || index >= count)
        return SLICE("");
    for (unsigned i = 0; take_field(&rest, &field); i++) {
        if (i == index)
            return field;
    }
    return SLICE("");
}

bool header_label(struct slice header, struct slice key, struct slice *ret_value)
{
    struct slice rest = slice_from(header, FIXED), found, value;
    size_t count;
    if (!is_header(header) || !take_u8(&rest, &count))
        return false;
    while (count--) {
        if (!take_field(&rest, &found))
            return false;
    }
    if (!take_u16(&rest, &count))
        return false;
    while (count-- && take_label(&rest, &found, &value)) {
        int order = slice_cmp(found, key);
        if (order > 0)
            return false;
        if (order == 0) {
            *ret_value = value;
            return true;
        }
    }
    return false;
}
