#include "launcher/kubeconfig.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <openssl/evp.h>
#include <sys/stat.h>
#include <time.h>
#include <yaml.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "launcher/files.h"

enum { FILE_LIMIT = 64 << 20, LOCK_WAIT_SECONDS = 5 };

static const char EMPTY[] =
    "apiVersion: v1\nclusters: []\ncontexts: []\ncurrent-context: \"\"\nkind: Config\n"
    "preferences: {}\nusers: []\n";

/* A document being edited. Nodes are named by index, as libyaml does: adding one may move them all. */
struct edit {
    yaml_document_t doc;
    yaml_scalar_style_t scalar_style; /* double quotes where the file is JSON */
};

static yaml_node_t *node_at(struct edit *e, int index)
{
    return yaml_document_get_node(&e->doc, index);
}

static int new_scalar(struct edit *e, const char *text)
{
    int node = yaml_document_add_scalar(&e->doc, NULL, (const yaml_char_t *)text, (int)strlen(text),
                                        *text ? e->scalar_style : YAML_DOUBLE_QUOTED_SCALAR_STYLE);
    return node;
}

static int new_mapping(struct edit *e)
{
    return yaml_document_add_mapping(&e->doc, NULL, YAML_ANY_MAPPING_STYLE);
}

static bool scalar_is(struct edit *e, int index, const char *text)
{
    const yaml_node_t *n = node_at(e, index);
    return n && n->type == YAML_SCALAR_NODE &&
           slice_is(slice_make((const char *)n->data.scalar.value, n->data.scalar.length), text);
}

static yaml_node_pair_t *find_pair(struct edit *e, int mapping, const char *key)
{
    const yaml_node_t *n = node_at(e, mapping);
    if (!n || n->type != YAML_MAPPING_NODE)
        return NULL;
    for (yaml_node_pair_t *p = n->data.mapping.pairs.start; p < n->data.mapping.pairs.top; p++) {
        if (scalar_is(e, p->key, key))
            return p;
    }
    return NULL;
}

static int get(struct edit *e, int mapping, const char *key)
{
    const yaml_node_pair_t *p = find_pair(e, mapping, key);
    return p ? p->value : 0;
}

static void put(struct edit *e, int mapping, const char *key, int value)
{
    yaml_node_pair_t *p = find_pair(e, mapping, key);
    if (p)
        p->value = value;
    else
        yaml_document_append_mapping_pair(&e->doc, mapping, new_scalar(e, key), value);
}

static void put_text(struct edit *e, int mapping, const char *key, const char *text)
{
    put(e, mapping, key, new_scalar(e, text));
}

static void put_base64(struct edit *e, int mapping, const char *key, struct slice bytes)
{
    cleanup_free char *text = xmalloc(bytes.len / 3 * 4 + 8);
    EVP_EncodeBlock((unsigned char *)text, (const unsigned char *)bytes.ptr, (int)bytes.len);
    put_text(e, mapping, key, text);
    OPENSSL_cleanse(text, strlen(text));
}

static bool is_null(struct edit *e, int index)
{
    const yaml_node_t *n = node_at(e, index);
    return n && n->type == YAML_SCALAR_NODE && n->data.scalar.style == YAML_PLAIN_SCALAR_STYLE &&
           (scalar_is(e, index, "") || scalar_is(e, index, "null") || scalar_is(e, index, "~"));
}

/* The list of that name at the top, made when it is missing or null; 0 when it is something else. */
static int top_list(struct edit *e, const char *key)
{
    int list = get(e, 1, key);
    if (!list || is_null(e, list)) {
        list = yaml_document_add_sequence(&e->doc, NULL, YAML_ANY_SEQUENCE_STYLE);
        put(e, 1, key, list);
    }
    yaml_node_t *n = node_at(e, list);
    if (n->type != YAML_SEQUENCE_NODE)
        return 0;
    bool empty = n->data.sequence.items.start == n->data.sequence.items.top;
    if (empty && e->scalar_style != YAML_DOUBLE_QUOTED_SCALAR_STYLE)
        n->data.sequence.style = YAML_BLOCK_SEQUENCE_STYLE; /* "[]" grows into lines */
    return list;
}

static yaml_node_item_t *find_item(struct edit *e, int list, const char *name)
{
    const yaml_node_t *n = node_at(e, list);
    if (!n || n->type != YAML_SEQUENCE_NODE)
        return NULL;
    for (yaml_node_item_t *i = n->data.sequence.items.start; i < n->data.sequence.items.top; i++) {
        if (scalar_is(e, get(e, *i, "name"), name))
            return i;
    }
    return NULL;
}

/* The `inner` mapping of the list's item of that name ("cluster" in clusters), made when missing. With
 * `fresh` an old one is replaced. 0 when the list is no list. */
static int named_entry(struct edit *e, const char *list_key, const char *inner, const char *name, bool fresh)
{
    int list = top_list(e, list_key);
    if (!list)
        return 0;
    yaml_node_item_t *found = find_item(e, list, name);
    int item = found ? *found : 0;
    if (!item) {
        item = new_mapping(e);
        put(e, item, inner, new_mapping(e));
        put_text(e, item, "name", name);
        yaml_document_append_sequence_item(&e->doc, list, item);
    }
    const yaml_node_t *old = node_at(e, get(e, item, inner));
    if (fresh || !old || old->type != YAML_MAPPING_NODE)
        put(e, item, inner, new_mapping(e));
    return get(e, item, inner);
}

static bool not_a_list(struct error *err, const char *key)
{
    return error_set(err, REASON_BAD_REQUEST, "not a kubeconfig: \"%s\" is not a list", key);
}

static bool apply_entry(struct edit *e, const struct kubeconfig_entry *entry, struct error *err)
{
    int cluster = named_entry(e, "clusters", "cluster", entry->name, true);
    if (!cluster)
        return not_a_list(err, "clusters");
    put_base64(e, cluster, "certificate-authority-data", entry->ca_pem);
    put_text(e, cluster, "server", entry->server);

    int context = named_entry(e, "contexts", "context", entry->name, false);
    if (!context)
        return not_a_list(err, "contexts");
    put_text(e, context, "cluster", entry->name);
    put_text(e, context, "user", entry->name);

    int user = named_entry(e, "users", "user", entry->name, true);
    if (!user)
        return not_a_list(err, "users");
    put_base64(e, user, "client-certificate-data", entry->cert_pem);
    put_base64(e, user, "client-key-data", entry->key_pem);

    put_text(e, 1, "current-context", entry->name);
    return true;
}

static void remove_item(struct edit *e, const char *list_key, const char *name)
{
    int list = get(e, 1, list_key);
    yaml_node_item_t *item = list ? find_item(e, list, name) : NULL;
    if (!item)
        return;
    yaml_node_t *n = node_at(e, list);
    memmove(item, item + 1, (size_t)(n->data.sequence.items.top - item - 1) * sizeof *item);
    n->data.sequence.items.top--;
}

static bool load_one(yaml_parser_t *parser, struct edit *e, struct error *err)
{
    if (!yaml_parser_load(parser, &e->doc))
        return error_set(err, REASON_BAD_REQUEST, "not a kubeconfig: line %zu: %s",
                         parser->problem_mark.line + 1, parser->problem ? parser->problem : "not YAML");
    const yaml_node_t *root = yaml_document_get_root_node(&e->doc);
    if (!root || root->type != YAML_MAPPING_NODE) {
        yaml_document_delete(&e->doc);
        return error_set(err, REASON_BAD_REQUEST, "not a kubeconfig: the file is not a mapping");
    }
    yaml_document_t second;
    bool more = !yaml_parser_load(parser, &second) || yaml_document_get_root_node(&second);
    yaml_document_delete(&second);
    if (more) {
        yaml_document_delete(&e->doc);
        return error_set(err, REASON_BAD_REQUEST, "not a kubeconfig: more than one document");
    }
    bool json = root->data.mapping.style == YAML_FLOW_MAPPING_STYLE;
    e->scalar_style = json ? YAML_DOUBLE_QUOTED_SCALAR_STYLE : YAML_ANY_SCALAR_STYLE;
    return true;
}

static bool blank(struct slice text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (!strchr(" \t\r\n", text.ptr[i]))
            return false;
    }
    return true;
}

static bool load(struct slice text, struct edit *e, struct error *err)
{
    if (blank(text))
        text = SLICE(EMPTY);
    yaml_parser_t parser;
    if (!yaml_parser_initialize(&parser))
        return error_set(err, REASON_INTERNAL, "out of memory");
    yaml_parser_set_input_string(&parser, (const unsigned char *)text.ptr, text.len);
    bool ok = load_one(&parser, e, err);
    yaml_parser_delete(&parser);
    return ok;
}

static int write_to_buf(void *data, unsigned char *bytes, size_t len)
{
    struct buf *out = data;
    buf_put(out, bytes, len);
    return !out->failed;
}

/* Writes the document and frees it. */
static bool dump(struct edit *e, struct buf *out, struct error *err)
{
    yaml_emitter_t emitter;
    if (!yaml_emitter_initialize(&emitter)) {
        yaml_document_delete(&e->doc);
        return error_set(err, REASON_INTERNAL, "out of memory");
    }
    yaml_emitter_set_output(&emitter, write_to_buf, out);
    yaml_emitter_set_unicode(&emitter, 1);
    yaml_emitter_set_width(&emitter, -1);
    yaml_emitter_set_indent(&emitter, 2);
    bool ok =
        yaml_emitter_open(&emitter) && yaml_emitter_dump(&emitter, &e->doc) && yaml_emitter_close(&emitter);
    yaml_emitter_delete(&emitter);
    return ok || error_set(err, REASON_INTERNAL, "cannot write the kubeconfig as YAML");
}

bool kubeconfig_merge(struct slice text, const struct kubeconfig_entry *entry, struct buf *ret_text,
                      struct error *err)
{
    struct edit e;
    if (!load(text, &e, err))
        return false;
    if (!apply_entry(&e, entry, err)) {
        yaml_document_delete(&e.doc);
        return false;
    }
    return dump(&e, ret_text, err);
}

bool kubeconfig_remove(struct slice text, const char *name, struct buf *ret_text, struct error *err)
{
    struct edit e;
    if (!load(text, &e, err))
        return false;
    remove_item(&e, "clusters", name);
    remove_item(&e, "contexts", name);
    remove_item(&e, "users", name);
    if (scalar_is(&e, get(&e, 1, "current-context"), name))
        put_text(&e, 1, "current-context", "");
    return dump(&e, ret_text, err);
}

/* kubectl's protocol: whoever makes FILE.lock may write FILE. */
static bool take_lock(const char *lock, struct error *err)
{
    int64_t deadline = clock_mono_nanos() + LOCK_WAIT_SECONDS * INT64_C(1000000000);
    for (;;) {
        int fd = open(lock, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0600);
        if (fd >= 0) {
            close(fd);
            return true;
        }
        if (errno != EEXIST)
            return error_errno(err, "cannot write %s", lock);
        if (clock_mono_nanos() > deadline)
            return error_set(err, REASON_CONFLICT,
                             "%s is there: another program writes the kubeconfig; remove it if none does",
                             lock);
        nanosleep(&(struct timespec){.tv_nsec = 10 * 1000 * 1000}, NULL);
    }
}

static bool edit_locked(const char *path, const struct kubeconfig_entry *entry, const char *remove_name,
                        struct error *err)
{
    cleanup_buf struct buf old = BUF_INIT(FILE_LIMIT);
    cleanup_buf struct buf new = BUF_INIT(FILE_LIMIT);
    bool found;
    if (!files_read(path, FILE_LIMIT, &old, &found, err))
        return false;
    if (!entry && !found)
        return true;
    if (!(entry ? kubeconfig_merge(buf_slice(&old), entry, &new, err)
                : kubeconfig_remove(buf_slice(&old), remove_name, &new, err)))
        return error_wrap(err, "%s", path);
    if (found && slice_eq(buf_slice(&old), buf_slice(&new))) {
        chmod(path, 0600);
        return true;
    }
    return files_replace(path, buf_slice(&new), 0600, err);
}

static bool edit_file(const char *path, const struct kubeconfig_entry *entry, const char *remove_name,
                      struct error *err)
{
    cleanup_free char *lock = xasprintf("%s.lock", path);
    if (!take_lock(lock, err))
        return false;
    bool ok = edit_locked(path, entry, remove_name, err);
    unlink(lock);
    return ok;
}

bool kubeconfig_update_file(const char *path, const struct kubeconfig_entry *entry, struct error *err)
{
    cleanup_free char *copy = xstrdup(path);
    return files_make_dir(dirname(copy), err) && edit_file(path, entry, NULL, err);
}

bool kubeconfig_remove_from_file(const char *path, const char *name, struct error *err)
{
    return access(path, F_OK) != 0 || edit_file(path, NULL, name, err);
}
