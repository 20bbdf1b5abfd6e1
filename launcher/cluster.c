#include "launcher/cluster.h"

#include <jansson.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/arena.h"
#include "launcher/files.h"

enum { STATUS_LIMIT = 1 << 20 };

DEFINE_CLEANUP(cleanup_json_fn, json_t *, json_decref)
#define cleanup_json CLEANUP(cleanup_json_fn)

static const char *default_dir(struct arena *arena)
{
    const char *data = getenv("XDG_DATA_HOME"), *home = getenv("HOME");
    if (data && *data == '/')
        return arena_printf(arena, "%s/coxswain", data);
    if (home && *home == '/')
        return arena_printf(arena, "%s/.local/share/coxswain", home);
    return NULL;
}

/* Absolute, for the supervisor leaves the folder it was started in. */
static const char *absolute(const char *dir, struct arena *arena, struct error *err)
{
    if (*dir == '/')
        return arena_strdup(arena, slice_str(dir));
    cleanup_free char *here = getcwd(NULL, 0);
    if (!here) {
        error_errno(err, "cannot tell the current folder");
        return NULL;
    }
    return arena_printf(arena, "%s/%s", here, dir);
}

bool cluster_init(struct cluster *cluster, const char *dir, struct arena *arena, struct error *err)
{
    if (!dir || !*dir)
        dir = default_dir(arena);
    if (!dir)
        return error_set(err, REASON_BAD_REQUEST,
                         "there is no home folder to keep data in: choose a folder with --data-dir");
    const char *base = absolute(dir, arena, err);
    if (!base)
        return false;
    *cluster = (struct cluster){
        .arena = arena,
        .data_dir = base,
        .pki_dir = arena_printf(arena, "%s/pki", base),
        .store_dir = arena_printf(arena, "%s/store", base),
        .log_dir = arena_printf(arena, "%s/logs", base),
        .run_dir = arena_printf(arena, "%s/run", base),
        .lock = arena_printf(arena, "%s/run/lock", base),
        .state = arena_printf(arena, "%s/run/state.json", base),
        .kubeconfig = arena_printf(arena, "%s/kubeconfig", base),
    };
    return true;
}

const char *cluster_pki(const struct cluster *cluster, const char *file)
{
    return arena_printf(cluster->arena, "%s/%s", cluster->pki_dir, file);
}

const char *cluster_log(const struct cluster *cluster, const char *part)
{
    return arena_printf(cluster->arena, "%s/%s.log", cluster->log_dir, part);
}

static json_t *part_to_json(const struct part_status *p)
{
    return json_pack("{s:s, s:s, s:I, s:I, s:I, s:s*}", "name", p->name, "state", p->state, "pid",
                     (json_int_t)p->pid, "restarts", (json_int_t)p->restarts, "startedAt",
                     (json_int_t)p->started_at, "lastError", p->last_error);
}

bool cluster_status_write(const struct cluster *cluster, const struct cluster_status *s, struct error *err)
{
    cleanup_json json_t *root =
        json_pack("{s:s, s:s*, s:s*, s:s*, s:s*, s:I, s:[]}", "phase", s->phase, "server", s->server,
                  "listen", s->listen, "context", s->context, "kubeconfig", s->kubeconfig, "startedAt",
                  (json_int_t)s->started_at, "parts");
    for (size_t i = 0; i < s->part_count; i++)
        json_array_append_new(json_object_get(root, "parts"), part_to_json(&s->parts[i]));
    cleanup_free char *text = root ? json_dumps(root, JSON_INDENT(2)) : NULL;
    if (!text)
        return error_set(err, REASON_INTERNAL, "cannot write %s: a text is not UTF-8", cluster->state);
    return files_replace_volatile(cluster->state, slice_str(text), 0600, err);
}

static const char *text_of(const json_t *object, const char *key, struct arena *arena)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text ? arena_strdup(arena, slice_str(text)) : NULL;
}

static int64_t number_of(const json_t *object, const char *key)
{
    return json_integer_value(json_object_get(object, key));
}

static struct part_status part_from_json(const json_t *p, struct arena *arena)
{
    const char *name = text_of(p, "name", arena), *state = text_of(p, "state", arena);
    return (struct part_status){
        .name = name ? name : "?",
        .state = state ? state : "?",
        .pid = (pid_t)number_of(p, "pid"),
        .restarts = (unsigned)number_of(p, "restarts"),
        .started_at = number_of(p, "startedAt"),
        .last_error = text_of(p, "lastError", arena),
    };
}

bool cluster_status_read(const struct cluster *cluster, struct cluster_status *ret_status)
{
    cleanup_buf struct buf bytes = BUF_INIT(STATUS_LIMIT);
    cleanup_error struct error ignored = ERROR_INIT;
    bool found;
    if (!files_read(cluster->state, STATUS_LIMIT, &bytes, &found, &ignored) || !found || !bytes.data)
        return false;
    cleanup_json json_t *root = json_loadb(bytes.data, bytes.len, 0, NULL);
    const json_t *parts = json_object_get(root, "parts");
    struct arena *arena = cluster->arena;
    const char *phase = text_of(root, "phase", arena);
    if (!phase)
        return false;
    *ret_status = (struct cluster_status){
        .phase = phase,
        .server = text_of(root, "server", arena),
        .listen = text_of(root, "listen", arena),
        .context = text_of(root, "context", arena),
        .kubeconfig = text_of(root, "kubeconfig", arena),
        .started_at = number_of(root, "startedAt"),
        .part_count = json_array_size(parts),
    };
    ret_status->parts = arena_zalloc(arena, (ret_status->part_count + 1) * sizeof *ret_status->parts);
    for (size_t i = 0; i < ret_status->part_count; i++)
        ret_status->parts[i] = part_from_json(json_array_get(parts, i), arena);
    return true;
}
