/*
 * flags: the command line of every program, as a table.
 *
 *     static struct options { const char *listen; int64_t loops; bool no_sync; } o = {.listen =
 * "127.0.0.1:6443"}; const struct flag flags[] = {
 *         {"listen", FLAG_STRING, &o.listen, "HOST:PORT", "address to serve on"},
 *         {"loops", FLAG_INT, &o.loops, "N", "event loops, 0 for one per core", .min = 0, .max = 1024},
 *         {"no-sync", FLAG_BOOL, &o.no_sync, NULL, "do not wait for the disk"},
 *         {0}};
 *     const struct flag_set set = {"coxswain-apiserver", "[flags]", "Serves the Kubernetes API.", flags};
 *     switch (flags_parse(&set, argc, argv, NULL, &err)) ...
 *
 * Forms: `--name value`, `--name=value`, `--switch`, `--switch=false`, `--` ends the flags; a name of one
 * letter may have one dash (`-v 2`, `-v=2`). `--help` and `-h` print the table on stdout with the values the
 * variables held before parsing as defaults. A flag given twice: the last one counts, unless it has a `set`
 * of its own.
 *
 * Ownership: strings point into argv. Errors: REASON_BAD_REQUEST with one sentence that names the flag.
 * Start-up only.
 */
#ifndef BASE_FLAGS_H
#define BASE_FLAGS_H

#include <stdint.h>
#include <stdio.h>
#include "base/error.h"

enum flag_type {
    FLAG_BOOL,   /* bool */
    FLAG_STRING, /* const char * */
    FLAG_INT,    /* int64_t, within min and max unless both are 0 */
};

struct flag {
    const char *name;
    enum flag_type type;
    void *value;
    const char *arg;  /* what the value is called in the help text; NULL for FLAG_BOOL */
    const char *help; /* one line */
    int64_t min, max;
    bool *given; /* set when the flag was on the command line; may be NULL */
    /* Called for every time the flag is given, instead of storing: for lists, and for flags that share what
     * is done about them. text is "true" for a switch without a value. NULL: stored. */
    bool (*set)(const struct flag *flag, const char *text, struct error *err);
};

struct flag_set {
    const char *program;      /* "coxswain up" */
    const char *synopsis;     /* "[flags]" */
    const char *description;  /* a sentence or two */
    const struct flag *flags; /* ends with a flag without a name */
};

enum flags_result { FLAGS_OK, FLAGS_HELP, FLAGS_ERROR };

/* argv[0] is skipped. Without ret_rest every argument must belong to a flag; with it, *ret_rest is the index
 * of the first argument that does not (argc if none). FLAGS_HELP: the help text was printed, the program ends
 * with 0. */
enum flags_result flags_parse(const struct flag_set *set, int argc, char **argv, int *ret_rest,
                              struct error *err);
void flags_print_help(const struct flag_set *set, FILE *out);

#endif
