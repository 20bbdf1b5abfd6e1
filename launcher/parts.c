#include "launcher/parts.h"

#include <inttypes.h>
#include <unistd.h>

#include "base/arena.h"
#include "launcher/supervise.h"

struct words {
    struct arena *arena;
    char **items;
    size_t count, capacity;
};

static void add_word(struct words *w, const char *text)
{
    char **slot = arena_push(w->arena, &w->items, &w->count, &w->capacity, sizeof *w->items);
    *slot = text ? arena_strdup(w->arena, slice_str(text)) : NULL;
}

static void add_flag(struct words *w, const char *name, const char *value)
{
    add_word(w, name);
    add_word(w, value);
}

static char **apiserver_arguments(const struct cluster *cluster, const struct part_options *o,
                                  struct arena *arena)
{
    struct words w = {.arena = arena};
    bool v6 = strchr(o->listen.host, ':') != NULL;
    add_flag(&w, "--data-dir", cluster->store_dir);
    add_flag(&w, "--listen",
             arena_printf(arena, "%s%s%s:%u", v6 ? "[" : "", o->listen.host, v6 ? "]" : "", o->listen.port));
    add_flag(&w, "--tls-cert-file", cluster_pki(cluster, "apiserver.crt"));
    add_flag(&w, "--tls-private-key-file", cluster_pki(cluster, "apiserver.key"));
    add_flag(&w, "--client-ca-file", cluster_pki(cluster, "ca.crt"));
    add_flag(&w, "--service-account-key-file", cluster_pki(cluster, "sa.pub"));
    add_flag(&w, "--service-account-signing-key-file", cluster_pki(cluster, "sa.key"));
    add_word(&w, "--enable-bootstrap-token-auth");
    add_flag(&w, "--requestheader-client-ca-file", cluster_pki(cluster, "front-proxy-ca.crt"));
    add_flag(&w, "--requestheader-allowed-names", "front-proxy-client");
    add_flag(&w, "--requestheader-username-headers", "X-Remote-User");
    add_flag(&w, "--requestheader-uid-headers", "X-Remote-Uid");
    add_flag(&w, "--requestheader-group-headers", "X-Remote-Group");
    add_flag(&w, "--requestheader-extra-headers-prefix", "X-Remote-Extra-");
    add_flag(&w, "--proxy-client-cert-file", cluster_pki(cluster, "front-proxy-client.crt"));
    add_flag(&w, "--proxy-client-key-file", cluster_pki(cluster, "front-proxy-client.key"));
    add_flag(&w, "--service-cluster-ip-range", o->service_range);
    if (o->node_ports)
        add_flag(&w, "--service-node-port-range", o->node_ports);
    if (o->log_level)
        add_flag(&w, "--log-level", o->log_level);
    if (o->loops)
        add_flag(&w, "--loops", arena_printf(arena, "%" PRId64, o->loops));
    if (o->no_sync)
        add_word(&w, "--no-sync");
    add_flag(&w, "--ready-fd", arena_printf(arena, "%d", SUPERVISE_READY_FD));
    add_word(&w, NULL);
    return w.items;
}

static const struct part_spec known[] = {
    {"apiserver", "coxswain-apiserver", apiserver_arguments},
};

enum { KNOWN = sizeof known / sizeof *known };

static char *program_path(const struct part_spec *spec, const char *program_dir, struct arena *arena)
{
    return arena_printf(arena, "%s/%s", program_dir, spec->program);
}

static bool is_asked_for(const char *list, const char *name)
{
    struct slice rest = slice_str(list), part;
    while (slice_split(&rest, ',', &part)) {
        if (slice_is(part, name))
            return true;
    }
    return false;
}

static bool check_names(const char *list, struct arena *arena, struct error *err)
{
    const char *names = "";
    for (size_t i = 0; i < KNOWN; i++)
        names = arena_printf(arena, "%s%s%s", names, i ? ", " : "", known[i].name);
    struct slice rest = slice_str(list), part;
    while (slice_split(&rest, ',', &part)) {
        bool found = false;
        for (size_t i = 0; i < KNOWN && !found; i++)
            found = slice_is(part, known[i].name);
        if (!found)
            return error_set(err, REASON_BAD_REQUEST,
                             "\"%.*s\" in --parts is not a part of Coxswain; the parts are: %s",
                             SLICE_ARG(part), names);
    }
    return true;
}

bool parts_choose(const char *list, const char *program_dir, struct arena *arena,
                  const struct part_spec *ret_specs[PARTS_KNOWN_MAX], size_t *ret_count, struct error *err)
{
    _Static_assert((int)KNOWN <= (int)PARTS_KNOWN_MAX, "room for every part");
    size_t count = 0;
    if (list && !check_names(list, arena, err))
        return false;
    for (size_t i = 0; i < KNOWN; i++) {
        if (list && !is_asked_for(list, known[i].name))
            continue;
        const char *path = program_path(&known[i], program_dir, arena);
        if (access(path, X_OK) == 0)
            ret_specs[count++] = &known[i];
        else if (list || i == 0)
            return error_set(err, REASON_NOT_FOUND,
                             "%s is missing: build it with script/up, or reinstall Coxswain", path);
    }
    *ret_count = count;
    return true;
}

char **parts_command(const struct part_spec *spec, const char *program_dir, const struct cluster *cluster,
                     const struct part_options *options, struct arena *arena)
{
    struct words w = {.arena = arena};
    add_word(&w, program_path(spec, program_dir, arena));
    for (char **a = spec->arguments(cluster, options, arena); *a; a++)
        add_word(&w, *a);
    add_word(&w, NULL);
    return w.items;
}
