/*
 * guardian: the test framework that started us. When it is killed it cannot stop its control planes, and
 * upstream's stay behind for ever; these end by themselves. Only where KUBEBUILDER_ASSETS is in the
 * environment, which a test run sets and a person who starts a server in the background does not.
 */
#ifndef DROPIN_GUARDIAN_H
#define DROPIN_GUARDIAN_H

#include <sys/types.h>

/* The process to end with; 0: none. */
pid_t guardian_pid(void);
/* A pidfd of it, readable once it has ended; -1: none. */
int guardian_open(void);

#endif
