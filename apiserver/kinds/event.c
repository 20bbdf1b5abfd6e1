#include "apiserver/kinds/core.h"

#include <ctype.h>

#include "openapi/gen/events_v1.h"
#include "openapi/table.h"

/*
 * Events come as core.v1 and as events.k8s.io/v1, whose fields are the same with other names. The core group
 * lets pass what it always has; the other group is strict, and says field names of the core group in its
 * findings, as upstream does.
 */

enum field {
    METADATA,
    ABOUT,
    REASON,
    MESSAGE,
    SOURCE,
    FIRST,
    LAST,
    COUNT,
    TYPE,
    TIME,
    SERIES,
    ACTION,
    RELATED,
    REPORTER,
    INSTANCE,
    FIELDS
};

static const unsigned core_fields[FIELDS] = {
    [METADATA] = core_v1_Event_metadata,
    [ABOUT] = core_v1_Event_involvedObject,
    [REASON] = core_v1_Event_reason,
    [MESSAGE] = core_v1_Event_message,
    [SOURCE] = core_v1_Event_source,
    [FIRST] = core_v1_Event_firstTimestamp,
    [LAST] = core_v1_Event_lastTimestamp,
    [COUNT] = core_v1_Event_count,
    [TYPE] = core_v1_Event_type,
    [TIME] = core_v1_Event_eventTime,
    [SERIES] = core_v1_Event_series,
    [ACTION] = core_v1_Event_action,
    [RELATED] = core_v1_Event_related,
    [REPORTER] = core_v1_Event_reportingComponent,
    [INSTANCE] = core_v1_Event_reportingInstance,
};

static const unsigned group_fields[FIELDS] = {
    [METADATA] = events_v1_Event_metadata,
    [ABOUT] = events_v1_Event_regarding,
    [REASON] = events_v1_Event_reason,
    [MESSAGE] = events_v1_Event_note,
    [SOURCE] = events_v1_Event_deprecatedSource,
    [FIRST] = events_v1_Event_deprecatedFirstTimestamp,
    [LAST] = events_v1_Event_deprecatedLastTimestamp,
    [COUNT] = events_v1_Event_deprecatedCount,
    [TYPE] = events_v1_Event_type,
    [TIME] = events_v1_Event_eventTime,
    [SERIES] = events_v1_Event_series,
    [ACTION] = events_v1_Event_action,
    [RELATED] = events_v1_Event_related,
    [REPORTER] = events_v1_Event_reportingController,
    [INSTANCE] = events_v1_Event_reportingInstance,
};

/* Both groups' series are laid out alike. */
_Static_assert((int)core_v1_EventSeries_count == (int)events_v1_EventSeries_count &&
                   (int)core_v1_EventSeries_lastObservedTime == (int)events_v1_EventSeries_lastObservedTime,
               "one code reads the series of both groups");

static const struct value *get(const struct value *event, enum field field)
{
    bool core = event->kind != VALUE_RECORD || event->record->type == &core_v1_Event;
    return value_at(event, (core ? core_fields : group_fields)[field]);
}

static struct slice text(const struct value *event, enum field field)
{
    return value_text(get(event, field));
}

static void check_at_most(struct causes *c, const char *name, const struct value *v, size_t most)
{
    if (value_text(v).len > most)
        causes_invalid_text(c, PATH(NULL, name), SLICE(""), "can have at most %zu characters", most);
}

static void check_short(struct causes *c, const char *name, const struct value *v)
{
    if (!value_text(v).len)
        causes_required(c, PATH(NULL, name), "");
    check_at_most(c, name, v, 128);
}

static void check_namespace(struct causes *c, const struct value *event, bool dated)
{
    struct slice own = value_text(value_at(get(event, METADATA), meta_v1_ObjectMeta_namespace));
    struct slice about = TEXT(get(event, ABOUT), ObjectReference, namespace);
    /* Of an object without a namespace they live in "default"; newer ones may be in "kube-system" as well. */
    bool home = slice_is(own, "default") || (dated ? slice_is(own, "kube-system") : own.len == 0);
    bool good = about.len ? dated || slice_eq(own, about) : home;
    if (!good)
        causes_invalid_text(c, PATH(PATH(NULL, "involvedObject"), "namespace"), about,
                            "does not match event.namespace");
}

static void check_loosely(struct kind_request *req, const struct value *event)
{
    struct causes *c = req->causes;
    const char *reporter = req->resource->group[0] ? "reportingController" : "reportingComponent";
    bool dated = text(event, TIME).len > 0;
    check_namespace(c, event, dated);
    if (!dated)
        return;
    struct slice by = text(event, REPORTER);
    if (!by.len)
        causes_required(c, PATH(NULL, reporter), "");
    check_name(c, PATH(NULL, reporter), by, name_check_qualified);
    check_short(c, "reportingInstance", get(event, INSTANCE));
    check_short(c, "action", get(event, ACTION));
    check_short(c, "reason", get(event, REASON));
    check_at_most(c, "message", get(event, MESSAGE), 1024);
}

static void check_series(struct causes *c, const struct value *series)
{
    if (!value_is_set(series))
        return;
    if (value_int(AT(series, EventSeries, count), 0) < 2)
        causes_invalid_text(c, PATH(NULL, "series.count"), SLICE(""), "should be at least 2");
    if (!TEXT(series, EventSeries, lastObservedTime).len)
        causes_required(c, PATH(NULL, "series.lastObservedTime"), "");
}

static void check_unset(struct causes *c, const char *name, bool set)
{
    if (set)
        causes_invalid_text(c, PATH(NULL, name), SLICE(""), "needs to be unset");
}

static void check_strictly(struct causes *c, const struct value *event)
{
    struct slice type = text(event, TYPE);
    const struct value *source = get(event, SOURCE);
    check_series(c, get(event, SERIES));
    if (!text(event, TIME).len)
        causes_required(c, PATH(NULL, "eventTime"), "");
    if (!slice_is(type, "Normal") && !slice_is(type, "Warning"))
        causes_invalid_text(c, PATH(NULL, "type"), SLICE(""), "has invalid value: %.*s", SLICE_ARG(type));
    check_unset(c, "firstTimestamp", text(event, FIRST).len > 0);
    check_unset(c, "lastTimestamp", text(event, LAST).len > 0);
    check_unset(c, "count", value_int(get(event, COUNT), 0) != 0);
    check_unset(c, "source", TEXT(source, EventSource, component).len || TEXT(source, EventSource, host).len);
}

static void check_update(struct causes *c, const struct value *event, const struct value *old)
{
    static const struct {
        const char *name;
        enum field field;
    } frozen[] = {{"involvedObject", ABOUT},
                  {"reason", REASON},
                  {"message", MESSAGE},
                  {"source", SOURCE},
                  {"firstTimestamp", FIRST},
                  {"lastTimestamp", LAST},
                  {"count", COUNT},
                  {"reason", REASON},
                  {"type", TYPE},
                  {"eventTime", TIME},
                  {"action", ACTION},
                  {"related", RELATED},
                  {"reportingController", REPORTER},
                  {"reportingInstance", INSTANCE}};
    if (!value_equal(get(event, SERIES), get(old, SERIES)))
        check_series(c, get(event, SERIES));
    for (size_t i = 0; i < sizeof frozen / sizeof *frozen; i++)
        check_immutable(c, PATH(NULL, frozen[i].name), get(event, frozen[i].field),
                        get(old, frozen[i].field));
}

static void validate(struct kind_request *req, const struct value *event, const struct value *old)
{
    check_loosely(req, event);
    if (!req->resource->group[0])
        return;
    if (old)
        check_update(req->causes, event, old);
    else
        check_strictly(req->causes, event);
}

/* ---- the row ---- */

static struct slice trimmed(struct slice s)
{
    while (s.len && isspace((unsigned char)s.ptr[0]))
        s = slice_from(s, 1);
    while (s.len && isspace((unsigned char)s.ptr[s.len - 1]))
        s.len--;
    return s;
}

static struct slice first_of(struct slice a, struct slice b)
{
    return a.len ? a : b;
}

static struct slice target_of(struct arena *arena, const struct value *about)
{
    struct slice name = TEXT(about, ObjectReference, name);
    char *shown = arena_printf(arena, "%.*s%s%.*s", SLICE_ARG(TEXT(about, ObjectReference, kind)),
                               name.len ? "/" : "", SLICE_ARG(name));
    for (size_t i = 0; i < TEXT(about, ObjectReference, kind).len; i++)
        shown[i] = (char)tolower((unsigned char)shown[i]);
    return slice_str(shown);
}

static void row(struct arena *arena, const struct value *event, int64_t now, struct value *cells)
{
    enum { CELL_LAST, CELL_OBJECT = 3, CELL_SUBOBJECT, CELL_SOURCE, CELL_MESSAGE, CELL_FIRST, CELL_COUNT };
    const struct value *about = get(event, ABOUT), *source = get(event, SOURCE);
    const struct value *series = get(event, SERIES);
    const struct value *first = get(event, FIRST), *last = get(event, LAST);
    int64_t count = value_int(get(event, COUNT), 0);
    if (!value_text(first).len)
        first = get(event, TIME);
    if (!value_text(last).len)
        last = first;
    if (value_is_set(series)) {
        last = AT(series, EventSeries, lastObservedTime);
        count = value_int(AT(series, EventSeries, count), 0);
    } else if (count == 0) {
        count = 1; /* newer events that happened once do not count */
    }
    struct slice component = first_of(TEXT(source, EventSource, component), text(event, REPORTER));
    struct slice instance = first_of(TEXT(source, EventSource, host), text(event, INSTANCE));
    cells[CELL_LAST] = table_age(arena, last, now);
    cells[CELL_OBJECT] = value_of_string(target_of(arena, about));
    cells[CELL_SUBOBJECT] = value_of_string(TEXT(about, ObjectReference, fieldPath));
    cells[CELL_SOURCE] = value_of_string(arena_slicef(arena, "%.*s%s%.*s", SLICE_ARG(component),
                                                      instance.len ? ", " : "", SLICE_ARG(instance)));
    cells[CELL_MESSAGE] = value_of_string(trimmed(text(event, MESSAGE)));
    cells[CELL_FIRST] = table_age(arena, first, now);
    cells[CELL_COUNT] = value_of_int(count);
}

const struct kind kind_events = {
    .group = "",
    .resource = "events",
    .creates_on_update = true,
    .validate = validate,
    .row = row,
};

const struct kind kind_events_of_group = {
    .group = "events.k8s.io",
    .resource = "events",
    .creates_on_update = true,
    .validate = validate,
    .row = row,
};
