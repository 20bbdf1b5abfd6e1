#include <stdarg.h>
#include <stdlib.h>
#include "openapi/label_selector.h"
#include "openapi/names.h"
#include "apiserver/kinds/workload.h"
#include "base/buf.h"
#include "base/clock.h"
#include "openapi/gen/core_v1.h"
#include "openapi/gen/meta_v1.h"

enum { CELL_MAX = 1 << 20 };

const char *field_name(const struct value *record, unsigned field)
{
    return record->kind == VALUE_RECORD ? record->record->type->fields[field].name : "";
}

void check_count(struct causes *c, const struct path *at, const struct value *record, unsigned field)
{
    const struct value *v = value_at(record, field);
    if (v->kind == VALUE_INT && v->i < 0)
        check_non_negative(c, PATH(at, field_name(record, field)), v->i);
}

void check_count_at_most(struct causes *c, const struct path *at, const struct value *record, unsigned field,
                         int64_t limit, const char *message)
{
    int64_t n = value_int(value_at(record, field), 0);
    if (n > limit && record->kind == VALUE_RECORD)
        causes_invalid_int(c, PATH(at, field_name(record, field)), n, "%s", message);
}

void check_not_decremented(struct causes *c, const struct path *at, const struct value *now,
                           const struct value *old, unsigned field)
{
    const struct value *before = value_at(old, field), *after = value_at(now, field);
    if (value_is_set(before) && (!value_is_set(after) || after->i < before->i))
        causes_invalid_int(c, PATH(at, field_name(old, field)), value_int(after, 0), "cannot be decremented");
}

static bool percentage(const struct value *v, int64_t *ret)
{
    struct slice s = value_text(v);
    if (v->kind != VALUE_STRING || s.len < 2 || s.ptr[s.len - 1] != '%')
        return false;
    int64_t n = 0;
    for (size_t i = 0; i + 1 < s.len; i++) {
        if (s.ptr[i] < '0' || s.ptr[i] > '9')
            return false;
        n = n > INT32_MAX ? n : n * 10 + (s.ptr[i] - '0');
    }
    *ret = n;
    return true;
}

void check_int_or_percent(struct causes *c, const struct path *at, const struct value *v)
{
    int64_t n;
    if (v->kind == VALUE_INT)
        check_non_negative(c, at, v->i);
    else if (v->kind == VALUE_STRING && !percentage(v, &n))
        causes_invalid(
            c, at, v,
            "must be digits followed by '%%', such as '25%%' (regex used for validation is '[0-9]+%%')");
}

void check_at_most_100_percent(struct causes *c, const struct path *at, const struct value *v)
{
    int64_t n;
    if (percentage(v, &n) && n > 100)
        causes_invalid(c, at, v, "must not be greater than 100%%");
}

int64_t int_or_percent(const struct value *v)
{
    int64_t n;
    if (percentage(v, &n))
        return n;
    if (v->kind != VALUE_STRING)
        return value_int(v, 0);
    /* As Go's Atoi: a whole number or nothing. */
    struct slice s = value_text(v);
    char text[16], *end;
    if (s.len == 0 || s.len >= sizeof text)
        return 0;
    memcpy(text, s.ptr, s.len);
    text[s.len] = 0;
    n = strtol(text, &end, 10);
    return *end ? 0 : n;
}

void causes_invalid_bare(struct causes *c, const struct path *at, const char *detail)
{
    cleanup_buf struct buf field = BUF_INIT(4096);
    path_print(&field, at);
    struct cause *cause = arena_push(c->arena, &c->items, &c->count, &c->capacity, sizeof *cause);
    cause->reason = "FieldValueInvalid";
    cause->field = arena_strdup(c->arena, buf_slice(&field));
    cause->message = arena_printf(c->arena, "Invalid value: %s", detail);
}

void check_selects_template(struct causes *c, const struct path *template_at, const struct value *selector,
                            const struct value *template)
{
    const struct value *labels =
        value_at(value_at(template, core_v1_PodTemplateSpec_metadata), meta_v1_ObjectMeta_labels);
    struct path metadata = path_field(template_at, "metadata");
    if (!label_selector_matches(selector, labels))
        causes_invalid(c, PATH(&metadata, "labels"), labels, "`selector` does not match template `labels`");
}

void check_template_runs_always(struct causes *c, const struct path *template_at,
                                const struct value *template, const char *who)
{
    static const char *const always[] = {"Always", NULL};
    const struct value *spec = value_at(template, core_v1_PodTemplateSpec_spec);
    const struct value *policy = value_at(spec, core_v1_PodSpec_restartPolicy);
    struct path at = path_field(template_at, "spec");
    if (!value_is(policy, "Always"))
        causes_not_supported(c, PATH(&at, "restartPolicy"), value_text(policy), always);
    if (value_is_set(value_at(spec, core_v1_PodSpec_activeDeadlineSeconds)))
        causes_forbidden(c, PATH(&at, "activeDeadlineSeconds"),
                         "activeDeadlineSeconds in %s is not Supported", who);
}

static bool is_url_path(struct slice s)
{
    for (size_t i = 0; i < s.len; i++) {
        char ch = s.ptr[i];
        bool alphanumeric = (ch >= 'a' && ch <= 'z') || (ch >= 'A' && ch <= 'Z') || (ch >= '0' && ch <= '9');
        if (!alphanumeric && (!ch || !strchr("/-._~%!$&'()*+,;=:", ch)))
            return false;
    }
    return s.len > 0;
}

void check_domain_prefixed_path(struct causes *c, const struct path *at, struct slice text)
{
    long slash = slice_find(text, '/');
    if (text.len == 0) {
        causes_required(c, at, "%s", "");
    } else if (slash <= 0 || (size_t)slash + 1 == text.len) {
        causes_invalid_text(c, at, text, "must be a domain-prefixed path (such as \"acme.io/foo\")");
    } else {
        struct slice rest = slice_from(text, (size_t)slash + 1);
        check_name(c, at, slice_make(text.ptr, (size_t)slash), name_check_subdomain);
        if (!is_url_path(rest))
            causes_invalid_text(c, at, rest,
                                "must be a path of a URL (regex used for validation is "
                                "'[A-Za-z0-9/\\-._~%%!$&'()*+,;=:]+')");
    }
}

void warn_name_not_label(struct kind_request *req, const struct value *object)
{
    const char *why = name_check_label(object_name(object));
    if (why)
        kind_warn(req,
                  "metadata.name: this is used in Pod names and hostnames, which can result in surprising "
                  "behavior; a DNS label is "
                  "recommended: [%s]",
                  why);
}

const struct value *object_metadata(const struct value *object)
{
    return value_get(object, SLICE("metadata"));
}

struct slice object_name(const struct value *object)
{
    return value_text(value_at(object_metadata(object), meta_v1_ObjectMeta_name));
}

void set_generation(struct value *object, const struct value *old, bool changed)
{
    struct value *metadata = value_get_mut(object, SLICE("metadata"));
    if (!metadata || metadata->kind != VALUE_RECORD)
        return;
    int64_t before = old ? value_int(value_at(object_metadata(old), meta_v1_ObjectMeta_generation), 0) : 0;
    int64_t generation = old ? before + changed : 1;
    *value_mut(metadata, meta_v1_ObjectMeta_generation) =
        generation ? value_of_int(generation) : value_absent;
}

void set_annotation(struct arena *arena, struct value *object, const char *key, struct slice text)
{
    struct value *metadata = value_get_mut(object, SLICE("metadata"));
    if (!metadata || metadata->kind != VALUE_RECORD)
        return;
    *value_put(arena, value_mut(metadata, meta_v1_ObjectMeta_annotations), slice_str(key)) =
        value_of_string(text);
}

/* ---- cells ---- */

struct value cell_text(struct slice text)
{
    return value_of_string(text);
}

struct value cell_cstr(const char *text)
{
    return value_of_cstr(text);
}

struct value cell_format(struct arena *arena, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    char *text = arena_vprintf(arena, fmt, args);
    va_end(args);
    return value_of_cstr(text);
}

static struct value join_fields(struct arena *arena, const struct value *list, unsigned field)
{
    cleanup_buf struct buf out = BUF_INIT(CELL_MAX);
    for (size_t i = 0; i < value_count(list); i++) {
        if (i)
            buf_putc(&out, ',');
        buf_put_slice(&out, value_text(value_at(value_item(list, i), field)));
    }
    return value_of_string(arena_dup(arena, buf_slice(&out)));
}

struct value cell_container_names(struct arena *arena, const struct value *pod_spec)
{
    return join_fields(arena, value_at(pod_spec, core_v1_PodSpec_containers), core_v1_Container_name);
}

struct value cell_container_images(struct arena *arena, const struct value *pod_spec)
{
    return join_fields(arena, value_at(pod_spec, core_v1_PodSpec_containers), core_v1_Container_image);
}

struct slice join_strings(struct arena *arena, const struct value *list)
{
    cleanup_buf struct buf out = BUF_INIT(CELL_MAX);
    for (size_t i = 0; i < value_count(list); i++) {
        if (i)
            buf_putc(&out, ',');
        buf_put_slice(&out, value_text(value_item(list, i)));
    }
    return arena_dup(arena, buf_slice(&out));
}

static struct slice two_units(struct arena *arena, int64_t big, char big_unit, int64_t small, char small_unit)
{
    if (small == 0)
        return arena_slicef(arena, "%lld%c", (long long)big, big_unit);
    return arena_slicef(arena, "%lld%c%lld%c", (long long)big, big_unit, (long long)small, small_unit);
}

struct slice human_duration(struct arena *arena, int64_t seconds)
{
    int64_t minutes = seconds / 60, hours = seconds / 3600, days = hours / 24, years = days / 365;
    if (seconds < -1)
        return SLICE("<invalid>");
    if (seconds < 0)
        return SLICE("0s");
    if (seconds < 60 * 2)
        return arena_slicef(arena, "%llds", (long long)seconds);
    if (minutes < 10)
        return two_units(arena, minutes, 'm', seconds % 60, 's');
    if (minutes < 60 * 3)
        return arena_slicef(arena, "%lldm", (long long)minutes);
    if (hours < 8)
        return two_units(arena, hours, 'h', minutes % 60, 'm');
    if (hours < 48)
        return arena_slicef(arena, "%lldh", (long long)hours);
    if (hours < 24 * 8)
        return two_units(arena, days, 'd', hours % 24, 'h');
    if (hours < 24 * 365 * 2)
        return arena_slicef(arena, "%lldd", (long long)days);
    if (hours < 24 * 365 * 8)
        return two_units(arena, years, 'y', days % 365, 'd');
    return arena_slicef(arena, "%lldy", (long long)years);
}

int64_t time_seconds(const struct value *time)
{
    int64_t micros;
    return value_is_set(time) && clock_parse(value_text(time), &micros) ? micros / 1000000 : 0;
}

struct value cell_age(struct arena *arena, const struct value *time, int64_t now)
{
    if (!value_is_set(time))
        return cell_cstr("<unknown>");
    return cell_text(human_duration(arena, now - time_seconds(time)));
}
