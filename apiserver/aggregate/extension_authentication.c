#include "apiserver/aggregate/aggregate.h"

#include "apiserver/auth_config.h"
#include "apiserver/metadata.h"
#include "apiserver/object.h"
#include "base/clock.h"
#include "openapi/gen/core_v1.h"

enum { FILE_MAX = 1 << 20 };

static const char *file_text(struct arena *arena, const char *path, struct error *err)
{
    cleanup_buf struct buf bytes = BUF_INIT(FILE_MAX);
    cleanup_file FILE *in = fopen(path, "re");
    char *to;
    size_t n;
    if (!in) {
        error_errno(err, "cannot read %s", path);
        return NULL;
    }
    while ((to = buf_reserve(&bytes, 4096)) && (n = fread(to, 1, 4096, in)) > 0)
        bytes.len += n;
    return arena_strdup(arena, buf_slice(&bytes));
}

static void put(struct arena *arena, struct value *object, const char *key, const char *text)
{
    *value_put(arena, value_mut(object, core_v1_ConfigMap_data), slice_str(key)) = value_of_cstr(text);
}

/* A list of flags as JSON. */
static const char *as_json(struct arena *arena, const struct auth_list *list)
{
    cleanup_buf struct buf out = BUF_INIT(BUF_UNLIMITED);
    buf_putc(&out, '[');
    for (size_t i = 0; i < list->count; i++) {
        if (i)
            buf_putc(&out, ',');
        buf_put_json_string(&out, slice_str(list->items[i]));
    }
    buf_putc(&out, ']');
    return arena_strdup(arena, buf_slice(&out));
}

static bool fill(struct arena *arena, const struct server_config *config, struct value *object,
                 struct error *err)
{
    const char *text;
    if (config->client_ca_file) {
        if (!(text = file_text(arena, config->client_ca_file, err)))
            return false;
        put(arena, object, "client-ca-file", text);
    }
    const struct auth_config *auth = config->auth;
    if (auth->proxy_ca_file) {
        if (!(text = file_text(arena, auth->proxy_ca_file, err)))
            return false;
        put(arena, object, "requestheader-client-ca-file", text);
        put(arena, object, "requestheader-allowed-names", as_json(arena, &auth->proxy_names));
        put(arena, object, "requestheader-extra-headers-prefix", as_json(arena, &auth->proxy_extra_prefixes));
        put(arena, object, "requestheader-group-headers", as_json(arena, &auth->proxy_group_headers));
        put(arena, object, "requestheader-uid-headers", as_json(arena, &auth->proxy_uid_headers));
        put(arena, object, "requestheader-username-headers", as_json(arena, &auth->proxy_user_headers));
    }
    return true;
}

/* The object there is, or a new one. */
static bool load(struct server *server, struct arena *arena, const struct schema_resource *resource,
                 struct slice key, struct value *ret, uint64_t *ret_revision, struct error *err)
{
    cleanup_store_read struct store_read *read = store_read_begin(server->store, 0, err);
    struct store_record record;
    if (!read)
        return false;
    if (store_get(read, key, &record)) {
        *ret_revision = record.revision;
        return object_decode(arena, resource, record.value, true, ret, err);
    }
    struct slice text = SLICE(
        "{\"metadata\":{\"name\":\"extension-apiserver-authentication\",\"namespace\":\"kube-system\"}}");
    *ret_revision = 0;
    if (!decode_json(arena, resource->type, text, ret, NULL, err))
        return false;
    metadata_fill_create(arena, resource, ret, SLICE("kube-system"), clock_now_seconds());
    return true;
}

bool aggregate_write_authentication(struct server *server, struct error *err)
{
    cleanup_arena struct arena *arena = arena_new();
    const struct schema_resource *resource =
        schema_find_resource(SLICE(""), SLICE("v1"), SLICE("configmaps"));
    struct slice key =
        object_key(arena, resource, SLICE("kube-system"), SLICE("extension-apiserver-authentication"));
    struct value object;
    struct stored stored;
    struct store_txn_result result;
    uint64_t revision;
    if (!server->config.client_ca_file && !server->config.auth->proxy_ca_file)
        return true;
    if (!load(server, arena, resource, key, &object, &revision, err))
        return false;
    struct value before = value_copy(arena, value_at(&object, core_v1_ConfigMap_data), false);
    if (!fill(arena, &server->config, &object, err))
        return false;
    if (revision && value_equal(&before, value_at(&object, core_v1_ConfigMap_data)))
        return true;
    if (!object_encode(arena, resource, &object, &stored, err))
        return false;
    const struct store_author author = {.user = SLICE("system:apiserver"),
                                        .manager = SLICE("kube-apiserver")};
    const struct store_op op = {.type = STORE_PUT,
                                .key = key,
                                .expect = revision,
                                .header = stored.header,
                                .value = stored.value,
                                .splice = stored.splice};
    return store_txn(server->store, &op, 1, &author, &result, err) != STORE_FAILED;
}
