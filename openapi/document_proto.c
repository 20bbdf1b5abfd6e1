/*
 * The v2 document as protobuf: openapi.v2.Document of gnostic, whose messages mirror the JSON object by
 * object. Each message is a table from JSON key to number and kind of content; keys that begin with "x-"
 * become vendor extensions, whose value is YAML text (JSON is YAML).
 */
#include "openapi/document.h"

#include <jansson.h>

#include "openapi/protobuf_wire.h"

enum content {
    TEXT,
    TEXTS, /* repeated */
    FLAG,
    NUMBER, /* double */
    WHOLE,  /* int64 */
    ANY,    /* message Any: YAML text */
    ANYS,   /* repeated */
    MESSAGE,
    MESSAGES,   /* repeated */
    MAP,        /* message of repeated {name, value} pairs; the value is the sub message */
    TYPE_ITEM,  /* message of repeated text, from one text or a list */
    ITEMS,      /* message of repeated Schema, from one schema or a list */
    OR_BOOLEAN, /* oneof schema = 1, boolean = 2 */
};

struct member {
    const char *key;
    unsigned number;
    enum content content;
    const struct message *message;
};

struct message {
    const struct member *members; /* ends with key NULL */
    unsigned extensions;          /* number of the vendor extensions, or 0 */
    unsigned pairs;               /* of a map: number of the pairs, 1 unless given */
    /* Some are wrapped in oneofs: writes the whole content instead of the table. */
    void (*write)(struct buf *out, json_t *value);
};

/* ---- wire ---- */

static void put_text(struct buf *out, unsigned number, json_t *text)
{
    if (json_is_string(text))
        wire_put_bytes(out, number, slice_make(json_string_value(text), json_string_length(text)));
}

static void put_double(struct buf *out, unsigned number, double d)
{
    wire_put_tag(out, number, WIRE_FIXED64);
    buf_put(out, &d, sizeof d); /* little endian, as all machines this runs on */
}

static void put_any(struct buf *out, unsigned number, json_t *value)
{
    char *yaml = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
    size_t start = wire_open(out, number);
    wire_put_bytes(out, 2, slice_str(yaml ? yaml : "null"));
    wire_close(out, start);
    free(yaml);
}

/* ---- messages ---- */

static void put_content(struct buf *out, const struct message *message, json_t *value);

static void put_message(struct buf *out, unsigned number, const struct message *message, json_t *value)
{
    size_t start = wire_open(out, number);
    put_content(out, message, value);
    wire_close(out, start);
}

static void put_type_item(struct buf *out, unsigned number, json_t *value)
{
    size_t start = wire_open(out, number), i;
    json_t *item;
    put_text(out, 1, value);
    json_array_foreach(value, i, item) put_text(out, 1, item);
    wire_close(out, start);
}

static void put_items(struct buf *out, const struct member *m, json_t *value)
{
    size_t start = wire_open(out, m->number), i;
    json_t *item;
    if (json_is_object(value))
        put_message(out, 1, m->message, value);
    json_array_foreach(value, i, item) put_message(out, 1, m->message, item);
    wire_close(out, start);
}

static void put_or_boolean(struct buf *out, const struct member *m, json_t *value)
{
    size_t start = wire_open(out, m->number);
    if (json_is_object(value)) {
        put_message(out, 1, m->message, value);
    } else {
        wire_put_varint(out, 2 << 3);
        wire_put_varint(out, json_is_true(value));
    }
    wire_close(out, start);
}

static void put_pair(struct buf *out, unsigned number, const char *key, const struct message *message,
                     json_t *value)
{
    size_t start = wire_open(out, number);
    wire_put_bytes(out, 1, slice_str(key));
    if (message)
        put_message(out, 2, message, value);
    else
        put_any(out, 2, value);
    wire_close(out, start);
}

static void put_map(struct buf *out, const struct member *m, json_t *value)
{
    size_t start = wire_open(out, m->number);
    const char *key;
    json_t *item;
    json_object_foreach(value, key, item)
        put_pair(out, m->message->pairs ? m->message->pairs : 1, key, m->message, item);
    wire_close(out, start);
}

static void put_member(struct buf *out, const struct member *m, json_t *value)
{
    size_t i;
    json_t *item;
    switch (m->content) {
    case TEXT:
        put_text(out, m->number, value);
        break;
    case FLAG:
    case WHOLE:
        wire_put_varint(out, (uint64_t)m->number << 3);
        wire_put_varint(out, m->content == FLAG ? (uint64_t)json_is_true(value)
                                                : (uint64_t)json_integer_value(value));
        break;
    case NUMBER:
        put_double(out, m->number, json_number_value(value));
        break;
    case ANY:
        put_any(out, m->number, value);
        break;
    case MESSAGE:
        put_message(out, m->number, m->message, value);
        break;
    case MAP:
        put_map(out, m, value);
        break;
    case TYPE_ITEM:
        put_type_item(out, m->number, value);
        break;
    case ITEMS:
        put_items(out, m, value);
        break;
    case OR_BOOLEAN:
        put_or_boolean(out, m, value);
        break;
    case TEXTS:
    case ANYS:
    case MESSAGES:
        json_array_foreach(value, i, item) put_member(out,
                                                      &(struct member){m->key, m->number,
                                                                       m->content == TEXTS  ? TEXT
                                                                       : m->content == ANYS ? ANY
                                                                                            : MESSAGE,
                                                                       m->message},
                                                      item);
        break;
    }
}

static void put_content(struct buf *out, const struct message *message, json_t *value)
{
    const char *key;
    json_t *item;
    if (message->write) {
        message->write(out, value);
        return;
    }
    json_object_foreach(value, key, item)
    {
        const struct member *m = message->members;
        while (m->key && strcmp(m->key, key) != 0)
            m++;
        if (m->key)
            put_member(out, m, item);
        else if (message->extensions && strncmp(key, "x-", 2) == 0)
            put_pair(out, message->extensions, key, NULL, item);
    }
}

/* ---- the messages of OpenAPIv2.proto ---- */

static const struct message schema_message;

static const struct member schema_members[] = {
    {"$ref", 1, TEXT, NULL},
    {"format", 2, TEXT, NULL},
    {"title", 3, TEXT, NULL},
    {"description", 4, TEXT, NULL},
    {"default", 5, ANY, NULL},
    {"multipleOf", 6, NUMBER, NULL},
    {"maximum", 7, NUMBER, NULL},
    {"exclusiveMaximum", 8, FLAG, NULL},
    {"minimum", 9, NUMBER, NULL},
    {"exclusiveMinimum", 10, FLAG, NULL},
    {"maxLength", 11, WHOLE, NULL},
    {"minLength", 12, WHOLE, NULL},
    {"pattern", 13, TEXT, NULL},
    {"maxItems", 14, WHOLE, NULL},
    {"minItems", 15, WHOLE, NULL},
    {"uniqueItems", 16, FLAG, NULL},
    {"maxProperties", 17, WHOLE, NULL},
    {"minProperties", 18, WHOLE, NULL},
    {"required", 19, TEXTS, NULL},
    {"enum", 20, ANYS, NULL},
    {"additionalProperties", 21, OR_BOOLEAN, &schema_message},
    {"type", 22, TYPE_ITEM, NULL},
    {"items", 23, ITEMS, &schema_message},
    {"allOf", 24, MESSAGES, &schema_message},
    {"properties", 25, MAP, &schema_message},
    {"readOnly", 27, FLAG, NULL},
    {"example", 30, ANY, NULL},
    {NULL, 0, 0, NULL},
};
static const struct message schema_message = {.members = schema_members, .extensions = 31};

static const struct member body_members[] = {
    {"description", 1, TEXT, NULL},
    {"name", 2, TEXT, NULL},
    {"in", 3, TEXT, NULL},
    {"required", 4, FLAG, NULL},
    {"schema", 5, MESSAGE, &schema_message},
    {NULL, 0, 0, NULL},
};
static const struct message body_message = {.members = body_members, .extensions = 6};

static const struct member query_members[] = {
    {"required", 1, FLAG, NULL},     {"in", 2, TEXT, NULL},   {"description", 3, TEXT, NULL},
    {"name", 4, TEXT, NULL},         {"type", 6, TEXT, NULL}, {"format", 7, TEXT, NULL},
    {"uniqueItems", 20, FLAG, NULL}, {NULL, 0, 0, NULL},
};
static const struct message query_message = {.members = query_members, .extensions = 23};

static const struct member path_parameter_members[] = {
    {"required", 1, FLAG, NULL},     {"in", 2, TEXT, NULL},   {"description", 3, TEXT, NULL},
    {"name", 4, TEXT, NULL},         {"type", 5, TEXT, NULL}, {"format", 6, TEXT, NULL},
    {"uniqueItems", 19, FLAG, NULL}, {NULL, 0, 0, NULL},
};
static const struct message path_parameter_message = {.members = path_parameter_members, .extensions = 22};

/* ParametersItem: {parameter = 1: {body = 1 | non body = 2: {query = 3 | path = 4}}}. */
static void write_parameter(struct buf *out, json_t *value)
{
    const char *in = json_string_value(json_object_get(value, "in"));
    size_t parameter = wire_open(out, 1);
    if (in && strcmp(in, "body") == 0) {
        put_message(out, 1, &body_message, value);
    } else {
        bool path = in && strcmp(in, "path") == 0;
        size_t non_body = wire_open(out, 2);
        put_message(out, path ? 4 : 3, path ? &path_parameter_message : &query_message, value);
        wire_close(out, non_body);
    }
    wire_close(out, parameter);
}
static const struct message parameter_message = {.write = write_parameter};

/* SchemaItem: {schema = 1}. */
static void write_schema_item(struct buf *out, json_t *value)
{
    put_message(out, 1, &schema_message, value);
}
static const struct message schema_item_message = {.write = write_schema_item};

static const struct member response_members[] = {
    {"description", 1, TEXT, NULL}, {"schema", 2, MESSAGE, &schema_item_message}, {NULL, 0, 0, NULL}};
static const struct message response_message = {.members = response_members, .extensions = 5};

/* ResponseValue: {response = 1}. */
static void write_response(struct buf *out, json_t *value)
{
    put_message(out, 1, &response_message, value);
}
static const struct message response_value_message = {.write = write_response};

static const struct member operation_members[] = {
    {"tags", 1, TEXTS, NULL},
    {"summary", 2, TEXT, NULL},
    {"description", 3, TEXT, NULL},
    {"operationId", 5, TEXT, NULL},
    {"produces", 6, TEXTS, NULL},
    {"consumes", 7, TEXTS, NULL},
    {"parameters", 8, MESSAGES, &parameter_message},
    {"responses", 9, MAP, &response_value_message},
    {"schemes", 10, TEXTS, NULL},
    {"deprecated", 11, FLAG, NULL},
    {NULL, 0, 0, NULL},
};
static const struct message operation_message = {.members = operation_members, .extensions = 13};

static const struct member path_members[] = {
    {"get", 2, MESSAGE, &operation_message},
    {"put", 3, MESSAGE, &operation_message},
    {"post", 4, MESSAGE, &operation_message},
    {"delete", 5, MESSAGE, &operation_message},
    {"options", 6, MESSAGE, &operation_message},
    {"head", 7, MESSAGE, &operation_message},
    {"patch", 8, MESSAGE, &operation_message},
    {"parameters", 9, MESSAGES, &parameter_message},
    {NULL, 0, 0, NULL},
};
static const struct message path_message = {.members = path_members, .extensions = 10, .pairs = 2};

static const struct member info_members[] = {
    {"title", 1, TEXT, NULL}, {"version", 2, TEXT, NULL}, {"description", 3, TEXT, NULL}, {NULL, 0, 0, NULL}};
static const struct message info_message = {.members = info_members, .extensions = 7};

static const struct member key_members[] = {{"type", 1, TEXT, NULL},
                                            {"name", 2, TEXT, NULL},
                                            {"in", 3, TEXT, NULL},
                                            {"description", 4, TEXT, NULL},
                                            {NULL, 0, 0, NULL}};
static const struct message key_message = {.members = key_members, .extensions = 5};

/* SecurityDefinitionsItem: {api key = 2}, the only kind we have. */
static void write_security(struct buf *out, json_t *value)
{
    put_message(out, 2, &key_message, value);
}
static const struct message security_message = {.write = write_security};

/* SecurityRequirement: repeated {name = 1, value = 2: {value = 1...}}. */
static void write_requirement(struct buf *out, json_t *value)
{
    const char *key;
    json_t *item;
    json_object_foreach(value, key, item)
    {
        size_t start = wire_open(out, 1);
        wire_put_bytes(out, 1, slice_str(key));
        put_type_item(out, 2, item);
        wire_close(out, start);
    }
}
static const struct message requirement_message = {.write = write_requirement};

static const struct member document_members[] = {
    {"swagger", 1, TEXT, NULL},
    {"info", 2, MESSAGE, &info_message},
    {"paths", 8, MAP, &path_message},
    {"definitions", 9, MAP, &schema_message},
    {"security", 12, MESSAGES, &requirement_message},
    {"securityDefinitions", 13, MAP, &security_message},
    {NULL, 0, 0, NULL},
};
static const struct message document_message = {.members = document_members, .extensions = 16};

struct blob *document_v2_protobuf(struct slice json, struct error *err)
{
    json_error_t fault;
    json_t *root = json_loadb(json.ptr, json.len, 0, &fault);
    if (!json_is_object(root)) {
        error_set(err, REASON_INTERNAL, "the OpenAPI document is no JSON object: %s", root ? "" : fault.text);
        json_decref(root);
        return NULL;
    }
    struct buf out = BUF_INIT(1 << 28);
    put_content(&out, &document_message, root);
    json_decref(root);
    return blob_from_buf(&out);
}
