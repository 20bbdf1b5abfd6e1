/* What the kinds about volumes share. */
#include "apiserver/kinds/storage.h"
#include <ctype.h>
#include "openapi/names.h"
#include "apiserver/kinds/workload.h"
#include "openapi/decode.h"

const char *const volume_access_modes[] = {"ReadOnlyMany", "ReadWriteMany", "ReadWriteOnce",
                                           "ReadWriteOncePod", NULL};
const char *const volume_modes[] = {"Block", "Filesystem", NULL};

void check_csi_driver_name(struct causes *c, const struct path *at, struct slice name)
{
    struct slice lower = arena_dup(c->arena, name);
    const char *why;

    if (!name.len) {
        causes_required(c, at, "");
        return;
    }
    if (name.len > 63)
        causes_too_long(c, at, 63);
    for (size_t i = 0; i < lower.len; i++)
        ((char *)lower.ptr)[i] = (char)tolower((unsigned char)lower.ptr[i]);
    why = name_check_subdomain(lower);
    if (why)
        causes_invalid_text(c, at, name, "%s", why);
}

static bool is_access_mode(const struct value *mode)
{
    for (int i = 0; volume_access_modes[i]; i++)
        if (value_is(mode, volume_access_modes[i]))
            return true;
    return false;
}

void check_access_modes(struct causes *c, const struct path *at, const struct value *modes)
{
    bool alone = false, other = false;

    for (VALUE_EACH(mode, modes)) {
        if (!is_access_mode(mode))
            causes_not_supported(c, at, value_text(mode), volume_access_modes);
        else if (value_is(mode, "ReadWriteOncePod"))
            alone = true;
        else
            other = true;
    }
    if (alone && other)
        causes_forbidden(c, at, "may not use ReadWriteOncePod with other access modes");
}

void check_immutable_bare(struct causes *c, const struct path *at, const struct value *now,
                          const struct value *old)
{
    if (!value_equal(now, old))
        causes_invalid_shown(c, at, "null", "field is immutable");
}

void causes_forbidden_diff(struct causes *c, const struct path *at, const char *text, const struct value *now,
                           const struct value *old)
{
    cleanup_buf struct buf diff = BUF_INIT(BUF_UNLIMITED);

    buf_puts(&diff, "@@ -1 +1 @@\n-");
    if (old->kind == VALUE_RECORD)
        encode_json_type(&diff, old->record->type, old);
    buf_puts(&diff, "\n+");
    if (now->kind == VALUE_RECORD)
        encode_json_type(&diff, now->record->type, now);
    buf_putc(&diff, '\n');
    causes_forbidden(c, at, "%s\n%s", text, buf_cstr(&diff));
}

struct slice access_modes_text(struct arena *arena, const struct value *modes)
{
    static const struct {
        const char *mode, *text;
    } texts[] = {{"ReadWriteOnce", "RWO"},
                 {"ReadOnlyMany", "ROX"},
                 {"ReadWriteMany", "RWX"},
                 {"ReadWriteOncePod", "RWOP"}};
    const char *text = "";

    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        bool found = false;
        for (VALUE_EACH(mode, modes))
            found |= value_is(mode, texts[i].mode);
        if (found)
            text = arena_printf(arena, "%s%s%s", text, *text ? "," : "", texts[i].text);
    }
    return slice_str(text);
}

struct slice storage_class_of(const struct value *object)
{
    const struct value *annotation =
        field_of(value_path(object, "metadata.annotations"), "volume.beta.kubernetes.io/storage-class");

    return value_text(value_is_set(annotation) ? annotation : value_path(object, "spec.storageClassName"));
}

struct value cell_or(const struct value *text, const char *absent)
{
    return value_is_set(text) ? *text : cell_cstr(absent);
}
