/*
 * record: the bytes of the two tables, written and read. All numbers are big-endian, so that the log's keys
 * sort by revision.
 *
 *   log     key    u64 revision, u32 op                     -- the op's place among the writes of its
 * transaction value  u8 format, u8 change, u16 key length, u32 header length, u64 prev revision, u32 prev op,
 *                  u64 create revision, u16 length of user, agent, manager, request id; then these four, key,
 * header, value latest  key    the record's key value  u8 format, u8 flags, u32 op, u64 revision, u64 create
 * revision, header
 *
 * Worked example (storage/lmdb_test.c runs it). Three transactions: create /registry/x/a; update it and
 * create /registry/x/b; delete a.
 *
 *   log   (1,0) CREATED a prev -      "1"          latest  a -> (3,0) tombstone
 *         (2,0) UPDATED a prev (1,0)  "2"                  b -> (2,1)
 *         (2,1) CREATED b prev -      "2"
 *         (3,0) DELETED a prev (2,0)  "3"
 *
 *   The list now: a is a tombstone, b is at 2 <= 3, so b. The list at 1: a's chain 3, 2, 1 ends at 1 <= 1, so
 * "1"; b's chain ends without a record <= 1, so it did not exist. After compaction to 2, (1,0) is gone
 * because (2,0) superseded it; after compaction to 3, (2,0) is gone because (3,0) superseded it, and (3,0)
 * with a's tombstone because nobody may ask for a time before it. What is left, (2,1), is below the compacted
 * revision but b's latest.
 *
 * Pure; any thread. Parsed slices point into what was parsed. Errors: false for bytes that are not such a
 * record.
 */
#ifndef STORAGE_LMDB_RECORD_H
#define STORAGE_LMDB_RECORD_H

#include "storage/store.h"

enum { LOG_KEY = 12, LOG_FIXED = 36, LATEST_FIXED = 22, AUTHOR_MAX = 256 };

/* Where a record stands in the log; revision 0: nowhere. */
struct place {
    uint64_t revision;
    uint32_t op;
};

void place_put(struct place place, char out[LOG_KEY]);
bool place_parse(struct slice key, struct place *ret);

struct log_record {
    enum store_change change;
    struct place prev; /* of this key, a deletion included */
    uint64_t create_revision;
    struct store_author author;
    struct slice key, header, value;
};

size_t log_record_size(const struct log_record *record);
/* Writes log_record_size() bytes. Key, header and value are copied as one run when they lie so in memory. */
void log_record_write(const struct log_record *record, char *out);
bool log_record_parse(struct slice bytes, struct log_record *ret);

struct latest {
    struct place place;
    uint64_t create_revision;
    bool tombstone;
    struct slice header;
};

size_t latest_size(const struct latest *latest);
void latest_write(const struct latest *latest, char *out);
bool latest_parse(struct slice bytes, struct latest *ret);

/* Big-endian numbers at any address. */
static inline void put_be32(char *out, uint32_t n)
{
    n = __builtin_bswap32(n);
    memcpy(out, &n, sizeof n);
}

static inline void put_be64(char *out, uint64_t n)
{
    n = __builtin_bswap64(n);
    memcpy(out, &n, sizeof n);
}

static inline uint32_t get_be32(const char *in)
{
    uint32_t n;
    memcpy(&n, in, sizeof n);
    return __builtin_bswap32(n);
}

static inline uint64_t get_be64(const char *in)
{
    uint64_t n;
    memcpy(&n, in, sizeof n);
    return __builtin_bswap64(n);
}

#endif
