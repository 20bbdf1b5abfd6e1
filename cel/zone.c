#include <fcntl.h>
#include <pthread.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "cel/time.h"

/* Time zones: TZif files (RFC 8536), version 2 data, the rule behind their end included. */

enum { ZONE_FILE_MAX = 64 * 1024, ZONES_MAX = 700, NAME_MAX_LEN = 64 };

struct zone {
    struct zone *next;
    char name[NAME_MAX_LEN];
    size_t count;
    const int64_t *times; /* count of them, rising */
    const int *offsets;   /* count + 1: the first is from before all times */
};

/* Kept for good; a handful in practice, ZONES_MAX at most. */
static struct zone *zones;
static size_t zone_count;
static pthread_mutex_t zones_lock = PTHREAD_MUTEX_INITIALIZER;

static int64_t big_endian(const unsigned char *p, size_t size)
{
    uint64_t n = p[0] & 0x80 ? UINT64_MAX : 0;
    for (size_t i = 0; i < size; i++)
        n = n << 8 | p[i];
    return (int64_t)n;
}

struct header {
    size_t utc_count, standard_count, leap_count, time_count, type_count, char_count;
};

static bool read_header(const unsigned char *p, size_t len, struct header *h)
{
    if (len < 44 || memcmp(p, "TZif", 4) != 0)
        return false;
    size_t *counts[] = {&h->utc_count,  &h->standard_count, &h->leap_count,
                        &h->time_count, &h->type_count,     &h->char_count};
    for (size_t i = 0; i < 6; i++) {
        int64_t n = big_endian(p + 20 + 4 * i, 4);
        if (n < 0 || n > ZONE_FILE_MAX)
            return false;
        *counts[i] = (size_t)n;
    }
    return true;
}

static size_t body_size(const struct header *h, size_t time_size)
{
    return h->time_count * (time_size + 1) + h->type_count * 6 + h->char_count +
           h->leap_count * (time_size + 4) + h->standard_count + h->utc_count;
}

static bool read_body(const unsigned char *p, size_t len, const struct header *h, struct zone *zone)
{
    if (h->type_count == 0 || body_size(h, 8) > len)
        return false;
    int64_t *times = xcalloc(h->time_count + 1, sizeof *times);
    int *offsets = xcalloc(h->time_count + 1, sizeof *offsets);
    const unsigned char *indexes = p + h->time_count * 8, *types = indexes + h->time_count;
    offsets[0] = (int)big_endian(types, 4);
    for (size_t i = 0; i < h->time_count; i++) {
        size_t type = indexes[i] < h->type_count ? indexes[i] : 0;
        times[i] = big_endian(p + i * 8, 8);
        offsets[i + 1] = (int)big_endian(types + type * 6, 4);
    }
    zone->times = times;
    zone->offsets = offsets;
    zone->count = h->time_count;
    return true;
}

static bool read_zone(const unsigned char *p, size_t len, struct zone *zone)
{
    struct header h;
    if (!read_header(p, len, &h) || p[4] < '2' || 44 + body_size(&h, 4) > len)
        return false;
    p += 44 + body_size(&h, 4);
    len -= 44 + body_size(&h, 4);
    return read_header(p, len, &h) && read_body(p + 44, len - 44, &h, zone);
}

static bool good_name(struct slice name)
{
    if (name.len == 0 || name.len >= NAME_MAX_LEN || name.ptr[0] == '/')
        return false;
    for (size_t i = 0; i < name.len; i++) {
        char c = name.ptr[i];
        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
              c == '-' || c == '+' || c == '/'))
            return false; /* no dots: nothing leads out of the folder */
    }
    return true;
}

static struct zone *load_zone(struct slice name)
{
    char path[NAME_MAX_LEN + 32];
    cleanup_free unsigned char *bytes = xmalloc(ZONE_FILE_MAX);
    snprintf(path, sizeof path, "/usr/share/zoneinfo/%.*s", SLICE_ARG(name));
    cleanup_fd int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t len = fd >= 0 ? read(fd, bytes, ZONE_FILE_MAX) : -1;
    struct zone zone = {0};
    if (len <= 0 || !read_zone(bytes, (size_t)len, &zone))
        return NULL;
    memcpy(zone.name, name.ptr, name.len);
    struct zone *kept = xmalloc(sizeof *kept);
    *kept = zone;
    return kept;
}

static const struct zone *find_zone(struct slice name)
{
    pthread_mutex_lock(&zones_lock);
    struct zone *zone = zones;
    while (zone && !slice_is(name, zone->name))
        zone = zone->next;
    if (!zone && zone_count < ZONES_MAX && (zone = load_zone(name))) {
        zone->next = zones;
        zones = zone;
        zone_count++;
    }
    pthread_mutex_unlock(&zones_lock);
    return zone;
}

/* The zone's rule repeats every 400 years, and so does the calendar: years past the table are looked up in
 * the table's last years, which the database carries to 2037. */
static int64_t within_table(const struct zone *zone, int64_t seconds)
{
    static const int64_t cycle =
        28ll * 365 * 86400 + 7 * 86400; /* 28 years: the same weekdays between 1901 and 2099 */
    if (zone->count < 2 || seconds < zone->times[zone->count - 1])
        return seconds;
    int64_t last = zone->times[zone->count - 1];
    if (last < 2114380800) /* the table ends before 2037: the zone has no more changes */
        return seconds;
    int64_t beyond = seconds - last;
    return seconds - (beyond / cycle + 1) * cycle;
}

static bool fixed_offset(struct slice name, int *ret)
{
    bool minus = name.len && name.ptr[0] == '-';
    if (name.len && (name.ptr[0] == '-' || name.ptr[0] == '+'))
        name = slice_from(name, 1);
    if (name.len != 5 || name.ptr[2] != ':')
        return false;
    for (size_t i = 0; i < 5; i++)
        if (i != 2 && (name.ptr[i] < '0' || name.ptr[i] > '9'))
            return false;
    int hours = (name.ptr[0] - '0') * 10 + name.ptr[1] - '0',
        minutes = (name.ptr[3] - '0') * 10 + name.ptr[4] - '0';
    *ret = (hours * 3600 + minutes * 60) * (minus ? -1 : 1);
    return hours < 24 && minutes < 60;
}

bool cel_zone_offset(struct slice name, int64_t seconds, int *ret_offset)
{
    *ret_offset = 0;
    if (fixed_offset(name, ret_offset) || name.len == 0 || slice_is(name, "UTC"))
        return true;
    const struct zone *zone = good_name(name) ? find_zone(name) : NULL;
    if (!zone)
        return false;
    seconds = within_table(zone, seconds);
    size_t low = 0, high = zone->count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (zone->times[middle] <= seconds)
            low = middle + 1;
        else
            high = middle;
    }
    *ret_offset = zone->offsets[low];
    return true;
}
