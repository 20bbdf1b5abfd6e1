/*
 * parts: the programs a cluster is made of: one row each in parts.c. A part exists when its program lies
 * beside the `coxswain` executable.
 */
#ifndef LAUNCHER_PARTS_H
#define LAUNCHER_PARTS_H

#include <stdint.h>
#include "base/error.h"
#include "launcher/cluster.h"

/* What people can set about a part; passed through to it. */
struct part_options {
    struct address listen;
    const char *service_range, *node_ports, *log_level;
    int64_t loops; /* 0: the part decides */
    bool no_sync;
};

struct part_spec {
    const char *name;    /* "apiserver" */
    const char *program; /* "coxswain-apiserver" */
    /* The arguments after the program, on the arena, ending with NULL. */
    char **(*arguments)(const struct cluster *cluster, const struct part_options *options,
                        struct arena *arena);
};

enum { PARTS_KNOWN_MAX = 8 };

/* The parts named in list ("apiserver,scheduler"), or with NULL all whose program exists, in starting order.
 * The first of them serves the API. Errors: a name that is no part, a program that is missing. */
bool parts_choose(const char *list, const char *program_dir, struct arena *arena,
                  const struct part_spec *ret_specs[PARTS_KNOWN_MAX], size_t *ret_count, struct error *err);
/* The whole command line; argv[0] is the program's path. */
char **parts_command(const struct part_spec *spec, const char *program_dir, const struct cluster *cluster,
                     const struct part_options *options, struct arena *arena);

#endif
