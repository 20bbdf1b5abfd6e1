/* The OpenAPI documents: every reference is defined, every operation has a name of its own, all three forms
 * agree. */
#include "openapi/document.h"

#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

static struct discovery_list all(void)
{
    static const struct schema_group_version *items[64];
    for (unsigned i = 0; i < schema_group_version_count; i++)
        items[i] = &schema_group_versions[i];
    return (struct discovery_list){items, schema_group_version_count};
}

static json_t *parse(struct slice text)
{
    json_error_t err;
    json_t *json = json_loadb(text.ptr, text.len, JSON_REJECT_DUPLICATES, &err);
    if (!json)
        fail_msg("%s at %d", err.text, err.position);
    return json;
}

static json_t *parse_blob(struct blob *blob)
{
    assert_non_null(blob);
    json_t *json = parse(blob_slice(blob));
    blob_unref(blob);
    return json;
}

/* Fails if a $ref below leads nowhere; returns how many there are. */
static size_t check_refs(json_t *node, const char *prefix, json_t *definitions)
{
    size_t count = 0, i;
    const char *key;
    json_t *item;
    json_array_foreach(node, i, item) count += check_refs(item, prefix, definitions);
    json_object_foreach(node, key, item)
    {
        const char *ref = strcmp(key, "$ref") == 0 ? json_string_value(item) : NULL;
        if (!ref) {
            count += check_refs(item, prefix, definitions);
            continue;
        }
        if (strncmp(ref, prefix, strlen(prefix)) != 0 || !json_object_get(definitions, ref + strlen(prefix)))
            fail_msg("%s leads nowhere", ref);
        count++;
    }
    return count;
}

static void check_operation_ids(json_t *paths, json_t *seen)
{
    const char *path, *method;
    json_t *item, *operation;
    json_object_foreach(paths, path, item) json_object_foreach(item, method, operation)
    {
        const char *id = json_string_value(json_object_get(operation, "operationId"));
        if (strcmp(method, "parameters") == 0)
            continue;
        if (!id || json_object_get(seen, id))
            fail_msg("%s %s: operationId %s is missing or not the only one", method, path, id ? id : "");
        json_object_set_new(seen, id, json_true());
    }
}

static void hash_of(void *arg, struct slice key, char ret_hash[DOCUMENT_HASH_SIZE])
{
    cleanup_blob struct blob *blob = document_v3(*(struct discovery_list *)arg, key);
    document_hash(blob_slice(blob), ret_hash);
}

static void test_v3(void **state)
{
    struct discovery_list list = all();
    json_t *index = parse_blob(document_v3_index(list, hash_of, &list)), *entry, *seen = json_object();
    const char *key;
    json_object_foreach(json_object_get(index, "paths"), key, entry)
    {
        char hash[DOCUMENT_HASH_SIZE];
        cleanup_blob struct blob *blob = document_v3(list, slice_str(key));
        assert_non_null(blob);
        document_hash(blob_slice(blob), hash);
        const char *url = json_string_value(json_object_get(entry, "serverRelativeURL"));
        assert_non_null(strstr(url, hash));
        json_t *doc = parse(blob_slice(blob));
        check_refs(doc, "#/components/schemas/",
                   json_object_get(json_object_get(doc, "components"), "schemas"));
        assert_true(json_object_size(json_object_get(doc, "paths")) > 0);
        check_operation_ids(json_object_get(doc, "paths"), seen);
        json_decref(doc);
    }
    assert_true(json_object_size(seen) > 800);
    json_decref(seen);
    json_decref(index);
}

static void test_v3_unknown_keys(void **state)
{
    static const char *const keys[] = {
        "", "api/v2", "apis/", "apis/apps/v9", "apis/nothing", "apis/apps/v1/x", "versio", "apis/app"};
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        if (document_v3(all(), slice_str(keys[i])))
            fail_msg("there is a document of \"%s\"", keys[i]);
}

/* What kubectl explain shows of a field. */
static void test_v3_property(void **state)
{
    json_t *doc = parse_blob(document_v3(all(), SLICE("apis/apps/v1"))), *type, *property;
    json_t *schemas = json_object_get(json_object_get(doc, "components"), "schemas");
    type = json_object_get(schemas, "io.k8s.api.core.v1.ContainerPort");
    property = json_object_get(json_object_get(type, "properties"), "protocol");
    assert_string_equal(json_string_value(json_object_get(property, "default")), "TCP");
    assert_int_equal(json_array_size(json_object_get(property, "enum")), 3);
    assert_string_equal(json_string_value(json_array_get(json_object_get(type, "required"), 0)),
                        "containerPort");
    /* A default that the server sets without announcing it is not shown. */
    type = json_object_get(schemas, "io.k8s.api.apps.v1.DeploymentSpec");
    property = json_object_get(json_object_get(type, "properties"), "replicas");
    assert_null(json_object_get(property, "default"));
    assert_string_equal(json_string_value(json_object_get(property, "format")), "int32");
    json_decref(doc);
}

/* ---- protobuf ---- */

static uint64_t take_varint(struct slice *rest)
{
    uint64_t n = 0;
    for (unsigned shift = 0; rest->len && shift < 64; shift += 7) {
        unsigned char c = (unsigned char)*rest->ptr;
        *rest = slice_from(*rest, 1);
        n |= (uint64_t)(c & 0x7f) << shift;
        if (!(c & 0x80))
            return n;
    }
    fail_msg("a varint has no end");
    return 0;
}

/* The n-th (from 0) length-delimited field of the number; len 0 and ptr NULL if there is none. */
static struct slice take_field(struct slice message, unsigned number, size_t n)
{
    while (message.len) {
        uint64_t key = take_varint(&message), length;
        switch (key & 7) {
        case 0:
            take_varint(&message);
            continue;
        case 1:
            message = slice_from(message, 8);
            continue;
        case 2:
            length = take_varint(&message);
            assert_true(length <= message.len);
            if (key >> 3 == number && n-- == 0)
                return slice_make(message.ptr, length);
            message = slice_from(message, length);
            continue;
        default:
            fail_msg("wire type %d", (int)(key & 7));
        }
    }
    return (struct slice){NULL, 0};
}

static void test_v2(void **state)
{
    cleanup_blob struct blob *blob = document_v2(all());
    json_t *doc = parse(blob_slice(blob)), *definitions = json_object_get(doc, "definitions"),
           *seen = json_object();
    assert_true(check_refs(doc, "#/definitions/", definitions) > schema_type_count);
    check_operation_ids(json_object_get(doc, "paths"), seen);
    json_decref(seen);

    struct error err = ERROR_INIT;
    cleanup_blob struct blob *message = document_v2_protobuf(blob_slice(blob), &err);
    assert_non_null(message);
    assert_true(slice_is(take_field(blob_slice(message), 1, 0), "2.0"));
    struct slice all_definitions = take_field(blob_slice(message), 9, 0), pair;
    size_t count = 0;
    const char *name;
    json_t *definition;
    json_object_foreach(definitions, name, definition)
    {
        pair = take_field(all_definitions, 1, count++);
        assert_true(slice_is(take_field(pair, 1, 0), name));
        struct slice schema = take_field(pair, 2, 0), properties = take_field(schema, 25, 0);
        assert_true(slice_is(take_field(schema, 4, 0),
                             json_string_value(json_object_get(definition, "description"))));
        size_t given = json_object_size(json_object_get(definition, "properties"));
        assert_true(given == 0 || take_field(properties, 1, given - 1).ptr);
        assert_null(take_field(properties, 1, given).ptr);
    }
    assert_null(take_field(all_definitions, 1, count).ptr);
    json_decref(doc);
}

static void test_v2_protobuf_of_nonsense(void **state)
{
    static const char *const texts[] = {"", "[]", "{", "nonsense"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct error err = ERROR_INIT;
        assert_null(document_v2_protobuf(slice_str(texts[i]), &err));
        assert_true(error_is_set(&err));
        error_release(&err);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_v3),
        cmocka_unit_test(test_v3_unknown_keys),
        cmocka_unit_test(test_v3_property),
        cmocka_unit_test(test_v2),
        cmocka_unit_test(test_v2_protobuf_of_nonsense),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
