/*
 * commit: how a write meets the store. In one of two ways:
 *
 *   on a worker   it waits for the store and goes on (straight-line code).
 *   on its loop   (req->on_loop) nothing may wait: the transaction is submitted, the functions on the way
 * return STORE_PENDING or false up to the verb, and the verb's answer is made when the commit is durable. All
 * writes of one commit come back to a loop together, so that a write costs no switch of threads of its own.
 *
 * A write starts on the loop if it is small and nobody on its way could wait (commit_starts_on_loop).
 * Whatever then turns out to be more than a moment's work (commit_leave_loop), and what the store did not
 * take or refused, is run again from the start on a worker: nothing was written by then. So only the way that
 * everything goes well exists twice, and conflicts, second tries and errors of the store are straight-line
 * code alone.
 *
 * What a verb keeps until its answer lives in the request's arena, not on the stack.
 */
#ifndef APISERVER_COMMIT_H
#define APISERVER_COMMIT_H

#include "apiserver/write.h"

/* For the dispatcher: may this write start on the loop? */
bool commit_starts_on_loop(const struct request *req);
/* Runs the verb there, or on a worker. */
void commit_run(struct request *req, void (*verb)(struct request *req));

/* On the loop: what follows takes too long for it. Sets that the verb runs again; returns false. On a worker:
 * true. */
bool commit_leave_loop(struct request *req);

/* The ops of a write with those of its charge and its allocation before the last one, which is the object's
 * own. NULL: req->err is set. */
const struct store_op *commit_ops(struct request *req, const struct value *object, const struct store_op *ops,
                                  size_t *count);

/* Writes ops; on success object has its new version and ret what is to be answered. *ret_result is set unless
 * it fails or is pending. */
enum store_outcome commit_write(struct request *req, struct value *object, const struct store_op *ops,
                                size_t count, struct written *ret, struct store_txn_result *ret_result);

/* The end of a verb: answer(req, arg) now or when the write is durable, or the failure, or the run on a
 * worker. */
void commit_answer(struct request *req, bool ok, void (*answer)(struct request *req, void *arg), void *arg);

#endif
