#include <ctype.h>
#include "apiserver/kinds/shown.h"
#include "base/buf.h"
#include "openapi/decode.h"

enum { TEXT_MAX = 1 << 20 };

/* Go names that are not just the JSON name with a capital. Longest first where one is the start of another.
 */
static const struct {
    const char *json, *go;
} go_names[] = {
    {"serviceAccount", "DeprecatedServiceAccount"},
    {"ttlSecondsAfterFinished", "TTLSecondsAfterFinished"},
    {"fsGroupChangePolicy", "FSGroupChangePolicy"},
    {"seLinuxChangePolicy", "SELinuxChangePolicy"},
    {"gcePersistentDisk", "GCEPersistentDisk"},
    {"awsElasticBlockStore", "AWSElasticBlockStore"},
    {"seLinuxOptions", "SELinuxOptions"},
    {"apiVersion", "APIVersion"},
    {"apiGroup", "APIGroup"},
    {"dnsPolicy", "DNSPolicy"},
    {"dnsConfig", "DNSConfig"},
    {"tcpSocket", "TCPSocket"},
    {"httpGet", "HTTPGet"},
    {"fsGroup", "FSGroup"},
    {"cephfs", "CephFS"},
    {"iscsi", "ISCSI"},
    {"http", "HTTP"},
    {"grpc", "GRPC"},
    {"cidr", "CIDR"},
    {"cidrs", "CIDRs"},
    {"ipBlock", "IPBlock"},
    {"ipMode", "IPMode"},
    {"ipFamilies", "IPFamilies"},
    {"ipFamilyPolicy", "IPFamilyPolicy"},
    {"uid", "UID"},
    {"tty", "TTY"},
    {"tls", "TLS"},
    {"nfs", "NFS"},
    {"rbd", "RBD"},
    {"csi", "CSI"},
    {"url", "URL"},
    {"ip", "IP"},
    {"os", "OS"},
    {"fc", "FC"},
};

/* IntOrString fields that are pointers on the wire but plain values inside: they print 0, not null. */
static bool is_plain_inside(const struct schema_type *type, const struct schema_field *f)
{
    return f->schema.kind == SCHEMA_INT_OR_STRING && (strcmp(type->name, "RollingUpdateDeployment") == 0 ||
                                                      strcmp(type->name, "RollingUpdateDaemonSet") == 0);
}

static void put_name(struct buf *out, const char *json)
{
    for (size_t i = 0; i < sizeof go_names / sizeof *go_names; i++)
        if (strcmp(go_names[i].json, json) == 0) {
            buf_printf(out, "\"%s\":", go_names[i].go);
            return;
        }
    buf_printf(out, "\"%c%s\":", toupper((unsigned char)json[0]), json + 1);
}

static void put_value(struct buf *out, const struct schema *schema, const struct value *v);

/* The members of a meta.v1.ObjectMeta without their braces: Go embeds it. True when anything was written. */
static bool put_embedded(struct buf *out, const struct schema *schema, const struct value *meta)
{
    cleanup_buf struct buf json = BUF_INIT(TEXT_MAX);
    if (!value_is_set(meta))
        return false;
    encode_json(&json, schema, meta);
    struct slice text = buf_slice(&json);
    static const struct slice unset_time = SLICE("\"creationTimestamp\":null");
    text = slice_make(text.ptr + 1, text.len - 2);
    if (slice_ends(text, unset_time))
        text.len -= unset_time.len + (text.len > unset_time.len);
    buf_put_slice(out, text);
    return text.len > 0;
}

static void put_record(struct buf *out, const struct schema_type *type, const struct value *record)
{
    bool any = false;
    buf_putc(out, '{');
    for (unsigned i = 0; i < type->field_count; i++) {
        const struct schema_field *f = &type->fields[i];
        const struct value *v = value_at(record, i);
        if (strcmp(f->name, "kind") == 0 && i == 0)
            continue; /* of an embedded object: cleared inside */
        if (strcmp(f->name, "apiVersion") == 0 && i == 1)
            continue;
        if (strcmp(f->name, "metadata") == 0) {
            cleanup_buf struct buf part = BUF_INIT(TEXT_MAX);
            if (put_embedded(&part, &f->schema, v)) {
                if (any)
                    buf_putc(out, ',');
                buf_put_slice(out, buf_slice(&part));
                any = true;
            }
            continue;
        }
        if (any)
            buf_putc(out, ',');
        any = true;
        put_name(out, f->name);
        if (!value_is_set(v) && is_plain_inside(type, f))
            buf_putc(out, '0');
        else if (!value_is_set(v) && (f->flags & FIELD_POINTER))
            buf_puts(out, "null");
        else
            put_value(out, &f->schema, v);
    }
    buf_putc(out, '}');
}

static void put_items(struct buf *out, const struct schema *elem, const struct value *list)
{
    buf_putc(out, '[');
    for (size_t i = 0; i < value_count(list); i++) {
        if (i)
            buf_putc(out, ',');
        put_value(out, elem, value_item(list, i));
    }
    buf_putc(out, ']');
}

static void put_entries(struct buf *out, const struct schema *elem, const struct value *map)
{
    buf_putc(out, '{');
    for (size_t i = 0; i < value_count(map); i++) {
        if (i)
            buf_putc(out, ',');
        buf_put_json_string(out, value_entry(map, i)->key);
        buf_putc(out, ':');
        put_value(out, elem, &value_entry(map, i)->value);
    }
    buf_putc(out, '}');
}

static void put_zero(struct buf *out, enum schema_kind kind)
{
    switch (kind) {
    case SCHEMA_STRING:
        buf_puts(out, "\"\"");
        return;
    case SCHEMA_INT32:
    case SCHEMA_INT64:
    case SCHEMA_FLOAT64:
    case SCHEMA_INT_OR_STRING:
        buf_putc(out, '0');
        return;
    case SCHEMA_BOOL:
        buf_puts(out, "false");
        return;
    case SCHEMA_QUANTITY:
        buf_puts(out, "\"0\"");
        return;
    default:
        buf_puts(out, "null");
        return;
    }
}

static void put_value(struct buf *out, const struct schema *schema, const struct value *v)
{
    if (schema->kind == SCHEMA_RECORD && strcmp(schema->type->package, "meta_v1") != 0) {
        put_record(out, schema->type, v);
    } else if (!value_is_set(v)) {
        if (schema->kind == SCHEMA_RECORD)
            buf_puts(out, "{}");
        else
            put_zero(out, schema->kind);
    } else if (v->kind == VALUE_LIST && schema->elem) {
        put_items(out, schema->elem, v);
    } else if (v->kind == VALUE_MAP && schema->elem) {
        put_entries(out, schema->elem, v);
    } else {
        encode_json(out, schema, v);
    }
}

const char *shown_record(struct arena *arena, const struct value *v)
{
    cleanup_buf struct buf out = BUF_INIT(TEXT_MAX);
    if (v->kind != VALUE_RECORD)
        return "null";
    put_value(&out, &(struct schema){.kind = SCHEMA_RECORD, .type = v->record->type}, v);
    return arena_strdup(arena, buf_slice(&out));
}

static const struct schema string_schema = {.kind = SCHEMA_STRING};
static const struct schema int_schema = {.kind = SCHEMA_INT64};

const char *shown_list(struct arena *arena, const struct value *list)
{
    cleanup_buf struct buf out = BUF_INIT(TEXT_MAX);
    if (value_count(list) == 0)
        return "null";
    buf_putc(&out, '[');
    for (size_t i = 0; i < value_count(list); i++) {
        const struct value *item = value_item(list, i);
        struct schema record = {.kind = SCHEMA_RECORD,
                                .type = item->kind == VALUE_RECORD ? item->record->type : NULL};
        if (i)
            buf_putc(&out, ',');
        put_value(&out, record.type ? &record : item->kind == VALUE_INT ? &int_schema : &string_schema, item);
    }
    buf_putc(&out, ']');
    return arena_strdup(arena, buf_slice(&out));
}
