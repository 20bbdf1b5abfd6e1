/*
 * counts: how many keys each resource has, by the key's first part "/registry/x/", and each namespace of it,
 * by
 * "/registry/x/ns/": a page of a list tells how many remain without walking over them. Exact after every
 * commit. Written by one thread, read by any.
 */
#ifndef STORAGE_LMDB_COUNTS_H
#define STORAGE_LMDB_COUNTS_H

#include <pthread.h>
#include <stdint.h>
#include "base/buf.h"

struct count {
    struct slice prefix; /* owned; NULL: an empty slot */
    uint64_t keys;
};

struct counts {
    pthread_mutex_t lock;
    struct count *slots; /* open addressing; a power of two */
    size_t used, capacity;
    uint64_t total;
};

void counts_init(struct counts *counts);
void counts_release(struct counts *counts);
void counts_clear(struct counts *counts);
void counts_add(struct counts *counts, struct slice key, int64_t delta);
uint64_t counts_total(struct counts *counts);
/* True when prefix is answered by whole counters: it ends at or before the resource part's end, or with the
 * namespace part. */
bool counts_sum(struct counts *counts, struct slice prefix, uint64_t *ret);

/* "/registry/x/" of "/registry/x/ns/name"; the whole of a key with fewer than three slashes. */
struct slice key_resource(struct slice key);
uint32_t hash_bytes(struct slice s);

/* "/registry/x/ns/" of "/registry/x/ns/name"; empty for a key without a namespace. */
struct slice key_namespace(struct slice key);

/* For the disk: u8 format, u64 revision, then u32 length, prefix, u64 count each. */
void counts_put(struct counts *counts, uint64_t revision, struct buf *out);
bool counts_parse(struct counts *counts, struct slice bytes, uint64_t *ret_revision);

#endif
