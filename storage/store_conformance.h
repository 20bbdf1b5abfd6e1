/*
 * store_conformance: the contract of store.h as a suite that any backend runs. A backend's test program gives
 * the callbacks and calls store_conformance_run; each case starts from an empty store. Cases are cmocka
 * tests.
 */
#ifndef STORAGE_STORE_CONFORMANCE_H
#define STORAGE_STORE_CONFORMANCE_H

#include "storage/store.h"

struct store_backend {
    const char *name;
    /* An empty store. Aborts the test when it cannot. */
    struct store *(*open)(void *arg);
    /* Closes store and opens what it kept. */
    struct store *(*reopen)(void *arg, struct store *store);
    /* Closes store and forgets what it kept. */
    void (*discard)(void *arg, struct store *store);
    void *arg;
};

/* Returns the number of cases that failed. One run at a time. */
int store_conformance_run(const struct store_backend *backend);

#endif
