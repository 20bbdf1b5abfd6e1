/*
 * upstream_flags: command lines written for kube-apiserver and etcd. Every flag that the upstream program has
 * is known here and belongs to one of four sorts:
 *
 *     FLAG_OURS     the program reads the value itself
 *     FLAG_PASSED   handed on to coxswain-apiserver under the same name
 *     FLAG_QUIET    has no meaning or no effect here and leaving it out does no harm: a log line
 *     FLAG_REFUSED  would promise something that does not happen: the program ends with a sentence that says
 * why. An empty value, "false" and "0" promise nothing and are taken.
 *
 * A flag that is none of them does not exist upstream either and is an error. `--help` prints all, one a
 * line, because test frameworks look there to see what a version can do.
 *
 * Source: https://kubernetes.io/docs/reference/command-line-tools-reference/kube-apiserver/ ,
 * https://etcd.io/docs/v3.6/op-guide/configuration/ . Start-up only.
 */
#ifndef DROPIN_UPSTREAM_FLAGS_H
#define DROPIN_UPSTREAM_FLAGS_H

#include "base/flags.h"

enum flag_sort { FLAG_OURS, FLAG_PASSED, FLAG_QUIET, FLAG_REFUSED };

/* Flags of one sort that have the same to be said about them. */
struct flag_group {
    enum flag_sort sort;
    bool switches;     /* may stand without a value */
    const char *names; /* with spaces between */
    const char *help;  /* what becomes of them; for FLAG_REFUSED the reason */
};

struct word_list {
    struct arena *arena;
    char **items;
    size_t count, capacity;
};

void word_list_add(struct word_list *list, const char *word);

struct upstream_program {
    const char *program, *description;
    const struct flag *own;          /* FLAG_OURS, in full; ends with a flag without a name */
    const struct flag_group *groups; /* ends with a group without names */
};

/* Parses. Flags to hand on are added to *passed as "--name=value". */
enum flags_result upstream_flags_parse(const struct upstream_program *program, int argc, char **argv,
                                       struct word_list *passed, struct error *err);

#endif
