/*
 * fault: the LMDB calls that can fail, with a hook before each, so that tests fail the i-th one (style:
 * failure is injected, not awaited). The hook is NULL outside tests; it returns 0 to let the call happen, or
 * the code it is to fail with.
 */
#ifndef STORAGE_LMDB_FAULT_H
#define STORAGE_LMDB_FAULT_H

#include <lmdb.h>
#include <stddef.h>

/* Set while no store is open. call is "begin", "get", "put", "del" or "commit"; only the writer's calls are
 * asked about. */
extern int (*lmdb_fault)(const char *call);

static inline int fault_at(const char *call)
{
    return __builtin_expect(lmdb_fault != NULL, 0) ? lmdb_fault(call) : 0;
}

static inline int fault_begin(MDB_env *env, MDB_txn **ret)
{
    int rc = fault_at("begin");
    return rc ? rc : mdb_txn_begin(env, NULL, 0, ret);
}

static inline int fault_get(MDB_txn *txn, MDB_dbi dbi, MDB_val *key, MDB_val *value)
{
    int rc = fault_at("get");
    return rc ? rc : mdb_get(txn, dbi, key, value);
}

static inline int fault_put(MDB_txn *txn, MDB_dbi dbi, MDB_val *key, MDB_val *value, unsigned flags)
{
    int rc = fault_at("put");
    return rc ? rc : mdb_put(txn, dbi, key, value, flags);
}

static inline int fault_del(MDB_txn *txn, MDB_dbi dbi, MDB_val *key)
{
    int rc = fault_at("del");
    return rc ? rc : mdb_del(txn, dbi, key, NULL);
}

/* Ends txn in every case. */
static inline int fault_commit(MDB_txn *txn)
{
    int rc = fault_at("commit");
    if (!rc)
        return mdb_txn_commit(txn);
    mdb_txn_abort(txn);
    return rc;
}

#endif
