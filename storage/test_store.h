/*
 * test_store: a store in a temporary folder, and the few calls that the tests of this folder repeat. Tests
 * only.
 */
#ifndef STORAGE_TEST_STORE_H
#define STORAGE_TEST_STORE_H

#include <stdio.h>
#include <unistd.h>
#include "base/alloc.h"
#include "storage/store.h"

/* A fresh folder's name; the folder does not exist yet. */
static inline struct store_op test_op(const char *key, uint64_t expect, const char *value)
{
    return (struct store_op){.type = STORE_PUT,
                             .key = slice_str(key),
                             .expect = expect,
                             .value = slice_str(value),
                             .splice = SIZE_MAX};
}

static inline void test_dir(char dir[64])
{
    const char *tmp = "/tmp";
    snprintf(dir, 64, "%s/coxswain-store-XXXXXX", tmp);
    if (!mkdtemp(dir) || rmdir(dir) != 0)
        abort();
}

static inline void test_dir_remove(const char *dir)
{
    static const char *const names[] = {"data.mdb", "lock.mdb", "lock"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        cleanup_free char *path = xasprintf("%s/%s", dir, names[i]);
        unlink(path);
    }
    rmdir(dir);
}

static inline struct store *test_open(const char *dir)
{
    cleanup_error struct error err = ERROR_INIT;
    const struct store_lmdb_options options = {.dir = dir, .no_sync = true};
    struct store *store = store_lmdb_open(&options, &err);
    if (!store) {
        fprintf(stderr, "open: %s\n", err.message);
        abort();
    }
    return store;
}

/* The revision of the write; 0 when it did not happen. */
static inline uint64_t test_write(struct store *store, enum store_op_type type, const char *key,
                                  const char *value, uint64_t expect)
{
    struct store_txn_result result = {0};
    const struct store_op op = {
        .type = type, .key = slice_str(key), .expect = expect, .value = slice_str(value), .splice = SIZE_MAX};
    return store_txn(store, &op, 1, NULL, &result, NULL) == STORE_OK ? result.revision : 0;
}

static inline uint64_t test_put(struct store *store, const char *key, const char *value)
{
    return test_write(store, STORE_PUT, key, value, STORE_ANY);
}

static inline uint64_t test_delete(struct store *store, const char *key)
{
    return test_write(store, STORE_DELETE, key, "", STORE_ANY);
}

#endif
