#include "storage/lmdb/counts.h"

#include "base/alloc.h"
#include "storage/lmdb/record.h"

enum { FIRST_CAPACITY = 128, FORMAT = 2 };

struct slice key_resource(struct slice key)
{
    unsigned slashes = 0;
    for (size_t i = 0; i < key.len; i++) {
        if (key.ptr[i] == '/' && ++slashes == 3)
            return slice_make(key.ptr, i + 1);
    }
    return key;
}

struct slice key_namespace(struct slice key)
{
    struct slice resource = key_resource(key), rest = slice_from(key, resource.len);
    long slash = slice_find(rest, '/');
    return slash < 0 ? slice_make(key.ptr, 0) : slice_make(key.ptr, resource.len + (size_t)slash + 1);
}

static bool is_resource(struct slice prefix)
{
    return key_resource(prefix).len == prefix.len;
}

uint32_t hash_bytes(struct slice s)
{
    uint32_t hash = 2166136261u; /* FNV-1a */
    for (size_t i = 0; i < s.len; i++)
        hash = (hash ^ (unsigned char)s.ptr[i]) * 16777619u;
    return hash;
}

void counts_init(struct counts *counts)
{
    *counts = (struct counts){.capacity = FIRST_CAPACITY};
    counts->slots = xcalloc(counts->capacity, sizeof *counts->slots);
    pthread_mutex_init(&counts->lock, NULL);
}

static void forget_all(struct counts *counts)
{
    for (size_t i = 0; i < counts->capacity; i++) {
        free((char *)counts->slots[i].prefix.ptr);
        counts->slots[i] = (struct count){0};
    }
    counts->used = counts->total = 0;
}

void counts_clear(struct counts *counts)
{
    pthread_mutex_lock(&counts->lock);
    forget_all(counts);
    pthread_mutex_unlock(&counts->lock);
}

void counts_release(struct counts *counts)
{
    forget_all(counts);
    free(counts->slots);
    pthread_mutex_destroy(&counts->lock);
}

static struct count *slot_of(struct count *slots, size_t capacity, struct slice prefix)
{
    size_t i = hash_bytes(prefix) & (capacity - 1);
    while (slots[i].prefix.ptr && !slice_eq(slots[i].prefix, prefix))
        i = (i + 1) & (capacity - 1);
    return &slots[i];
}

/* Namespaces come and go: what has no keys left is forgotten here, and the table grows only for the others.
 */
static void make_room(struct counts *counts)
{
    size_t live = 0, capacity = FIRST_CAPACITY;
    for (size_t i = 0; i < counts->capacity; i++)
        live += counts->slots[i].keys > 0;
    while (capacity < 4 * live)
        capacity *= 2;
    struct count *slots = xcalloc(capacity, sizeof *slots);
    for (size_t i = 0; i < counts->capacity; i++) {
        struct count *slot = &counts->slots[i];
        if (slot->keys)
            *slot_of(slots, capacity, slot->prefix) = *slot;
        else
            free((char *)slot->prefix.ptr);
    }
    free(counts->slots);
    counts->slots = slots;
    counts->capacity = capacity;
    counts->used = live;
}

/* With the lock held. */
static void add_to(struct counts *counts, struct slice prefix, int64_t delta)
{
    if (counts->used * 2 >= counts->capacity)
        make_room(counts);
    struct count *slot = slot_of(counts->slots, counts->capacity, prefix);
    if (!slot->prefix.ptr) {
        slot->prefix = slice_make(slice_strdup(prefix), prefix.len);
        counts->used++;
    }
    slot->keys += (uint64_t)delta;
    if (is_resource(prefix))
        counts->total += (uint64_t)delta;
}

void counts_add(struct counts *counts, struct slice key, int64_t delta)
{
    struct slice namespace = key_namespace(key);
    pthread_mutex_lock(&counts->lock);
    add_to(counts, key_resource(key), delta);
    if (namespace.len)
        add_to(counts, namespace, delta);
    pthread_mutex_unlock(&counts->lock);
}

uint64_t counts_total(struct counts *counts)
{
    pthread_mutex_lock(&counts->lock);
    uint64_t total = counts->total;
    pthread_mutex_unlock(&counts->lock);
    return total;
}

static uint64_t sum_starting(const struct counts *counts, struct slice prefix)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < counts->capacity; i++) {
        const struct count *slot = &counts->slots[i];
        if (slot->prefix.ptr && is_resource(slot->prefix) && slice_starts(slot->prefix, prefix))
            sum += slot->keys;
    }
    return sum;
}

bool counts_sum(struct counts *counts, struct slice prefix, uint64_t *ret)
{
    bool resource = is_resource(prefix);
    if (!resource && key_namespace(prefix).len != prefix.len)
        return false;
    bool whole = prefix.len && prefix.ptr[prefix.len - 1] == '/';
    pthread_mutex_lock(&counts->lock);
    const struct count *slot = slot_of(counts->slots, counts->capacity, prefix);
    if (whole && slot->prefix.ptr)
        *ret = slot->keys;
    else
        *ret = resource ? sum_starting(counts, prefix) : 0;
    pthread_mutex_unlock(&counts->lock);
    return true;
}

void counts_put(struct counts *counts, uint64_t revision, struct buf *out)
{
    char number[8];
    put_be64(number, revision);
    buf_putc(out, FORMAT);
    buf_put(out, number, sizeof number);
    pthread_mutex_lock(&counts->lock);
    for (size_t i = 0; i < counts->capacity; i++) {
        const struct count *slot = &counts->slots[i];
        if (!slot->keys)
            continue;
        put_be32(number, (uint32_t)slot->prefix.len);
        buf_put(out, number, 4);
        buf_put_slice(out, slot->prefix);
        put_be64(number, slot->keys);
        buf_put(out, number, sizeof number);
    }
    pthread_mutex_unlock(&counts->lock);
}

bool counts_parse(struct counts *counts, struct slice bytes, uint64_t *ret_revision)
{
    counts_clear(counts);
    if (bytes.len < 9 ||
        bytes.ptr[0] != FORMAT) /* of a store from before namespaces were counted: count again */
        return false;
    uint64_t revision = get_be64(bytes.ptr + 1);
    for (bytes = slice_from(bytes, 9); bytes.len;) {
        size_t len = bytes.len < 4 ? SIZE_MAX : get_be32(bytes.ptr);
        if (len > STORE_MAX_KEY || bytes.len < 4 + len + 8)
            return false;
        pthread_mutex_lock(&counts->lock);
        add_to(counts, slice_make(bytes.ptr + 4, len), (int64_t)get_be64(bytes.ptr + 4 + len));
        pthread_mutex_unlock(&counts->lock);
        bytes = slice_from(bytes, 4 + len + 8);
    }
    *ret_revision = revision;
    return true;
}
