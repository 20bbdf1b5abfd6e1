/* Schemas of custom resources: what is kept, pruned, defaulted and found wrong. */
#include "openapi/custom.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "openapi/decode.h"
#include "openapi/default.h"
#include "openapi/gen/apiextensions_v1.h"

static const char schema_json[] =
    "{'type':'object','properties':{'spec':{'type':'object','required':['size'],'properties':{"
    "'size':{'type':'integer','minimum':1,'maximum':9},'name':{'type':'string','default':'x','pattern':'^[a-"
    "z]+$'},"
    "'color':{'type':'string','enum':['red','green']},'maybe':{'type':'string','nullable':true},"
    "'free':{'type':'object','x-kubernetes-preserve-unknown-fields':true},"
    "'port':{'x-kubernetes-int-or-string':true},'ip':{'type':'string','format':'ipv4'},"
    "'labels':{'type':'object','additionalProperties':{'type':'string'}},"
    "'one':{'type':'object','oneOf':[{'required':['a']},{'required':['b']}],'properties':{'a':{'type':'"
    "string'},"
    "'b':{'type':'string'}}},"
    "'keyed':{'type':'array','x-kubernetes-list-type':'map','x-kubernetes-list-map-keys':['k'],'items':{'"
    "type':"
    "'object','properties':{'k':{'type':'string'},'v':{'type':'integer','default':5,'maximum':7}}}}}}}}";

static struct slice quoted(struct arena *arena, const char *text)
{
    char *copy = arena_strdup(arena, slice_str(text));
    for (char *p = copy; *p; p++)
        *p = *p == '\'' ? '"' : *p;
    return slice_str(copy);
}

static const struct schema *compile(struct arena *arena)
{
    struct value schema;
    assert_true(decode_json(arena, &apiextensions_v1_JSONSchemaProps, quoted(arena, schema_json), &schema,
                            NULL, NULL));
    return custom_compile(arena, &schema, "Thing");
}

static struct value object_of(struct arena *arena, const struct schema *schema, const char *spec,
                              struct decode_findings *findings)
{
    struct value v;
    const char *text =
        arena_printf(arena, "{'apiVersion':'a.b/v1','kind':'Thing','metadata':{'name':'n'},'spec':%s}", spec);
    assert_true(decode_json(arena, schema->type, quoted(arena, text), &v, findings, NULL));
    default_object(arena, &v);
    return v;
}

static void test_kept_and_pruned(void **state)
{
    static const struct {
        const char *given, *wanted, *unknown;
    } cases[] = {
        {"{'size':0}", "{'name':'x','size':0}", NULL},
        {"{'size':1,'labels':{},'keyed':[]}", "{'keyed':[],'labels':{},'name':'x','size':1}", NULL},
        {"{'maybe':null,'name':null}", "{'maybe':null,'name':'x'}", NULL},
        {"{'size':null}", "{'name':'x'}", NULL},
        {"{'labels':{'a':null,'b':'c'}}", "{'labels':{'b':'c'},'name':'x'}", NULL},
        {"{'no':1}", "{'name':'x'}", "unknown field \"spec.no\""},
        {"{'free':{'b':[null,{}],'a':1.5}}", "{'free':{'a':1.5,'b':[null,{}]},'name':'x'}", NULL},
        {"{'keyed':[{'k':'a'},{'k':'b','v':0}]}", "{'keyed':[{'k':'a','v':5},{'k':'b','v':0}],'name':'x'}",
         NULL},
        {"{'size':'text','color':{'a':1}}", "{'color':{'a':1},'name':'x','size':'text'}", NULL},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        cleanup_arena struct arena *arena = arena_new();
        const struct schema *schema = compile(arena);
        struct decode_findings findings = {.arena = arena};
        struct value v = object_of(arena, schema, cases[i].given, &findings);
        cleanup_buf struct buf out = BUF_INIT(BUF_UNLIMITED);
        encode_json_type(&out, schema->type, &v);
        const char *wanted =
            arena_printf(arena, "{'apiVersion':'a.b/v1','kind':'Thing','metadata':{'name':'n'},'spec':%s}",
                         cases[i].wanted);
        assert_string_equal(buf_cstr(&out), quoted(arena, wanted).ptr);
        assert_int_equal(findings.count, cases[i].unknown ? 1 : 0);
        if (cases[i].unknown)
            assert_string_equal(findings.items[0], cases[i].unknown);
    }
}

static void test_validation(void **state)
{
    static const struct {
        const char *old, *given, *field, *reason; /* field NULL: nothing wrong */
    } cases[] = {
        {NULL, "{'size':3}", NULL, NULL},
        {NULL, "{'size':3.0}", NULL, NULL},
        {NULL, "{'size':3.5}", "spec.size", "FieldValueTypeInvalid"},
        {NULL, "{'size':'3'}", "spec.size", "FieldValueTypeInvalid"},
        {NULL, "{}", "spec.size", "FieldValueRequired"},
        {NULL, "{'size':0}", "spec.size", "FieldValueInvalid"},
        {NULL, "{'size':10}", "spec.size", "FieldValueInvalid"},
        {NULL, "{'size':1,'name':'A'}", "spec.name", "FieldValueInvalid"},
        {NULL, "{'size':1,'color':'blue'}", "spec.color", "FieldValueNotSupported"},
        {NULL, "{'size':1,'port':'http'}", NULL, NULL},
        {NULL, "{'size':1,'port':true}", "spec.port", "FieldValueTypeInvalid"},
        {NULL, "{'size':1,'ip':'10.0.0.1'}", NULL, NULL},
        {NULL, "{'size':1,'ip':'10.0.0'}", "spec.ip", "FieldValueTypeInvalid"},
        {NULL, "{'size':1,'one':{'a':'x'}}", NULL, NULL},
        {NULL, "{'size':1,'one':{'a':'x','b':'y'}}", "<nil>", "FieldValueInvalid"},
        {NULL, "{'size':1,'keyed':[{'k':'a','v':8}]}", "spec.keyed[0].v", "FieldValueInvalid"},
        {"{'size':0}", "{'size':0,'color':'red'}", NULL, NULL}, /* as it was */
        {"{'size':0}", "{'size':-1}", "spec.size", "FieldValueInvalid"},
        {"{'size':1,'keyed':[{'k':'a','v':8}]}", "{'size':1,'keyed':[{'k':'b'},{'k':'a','v':8}]}", NULL,
         NULL},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        cleanup_arena struct arena *arena = arena_new();
        const struct schema *schema = compile(arena);
        struct causes causes = {.arena = arena};
        struct value old = value_absent, v = object_of(arena, schema, cases[i].given, NULL);
        if (cases[i].old)
            old = object_of(arena, schema, cases[i].old, NULL);
        custom_validate(&causes, NULL, schema, &v, cases[i].old ? &old : NULL);
        if (!cases[i].field && causes.count)
            fail_msg("%s: %s: %s", cases[i].given, causes.items[0].field, causes.items[0].message);
        if (!cases[i].field)
            continue;
        if (!causes.count)
            fail_msg("%s: nothing was found", cases[i].given);
        assert_string_equal(causes.items[0].field, cases[i].field);
        assert_string_equal(causes.items[0].reason, cases[i].reason);
    }
}

static void test_duplicates(void **state)
{
    cleanup_arena struct arena *arena = arena_new();
    const struct schema *schema = compile(arena);
    struct causes causes = {.arena = arena};
    struct value v = object_of(arena, schema, "{'keyed':[{'k':'a'},{'k':'b'},{'k':'a'},{'k':'a'}]}", NULL);
    (void)state;
    custom_validate_lists(&causes, NULL, schema, &v);
    assert_int_equal(causes.count, 1); /* told once, at the second */
    assert_string_equal(causes.items[0].field, "spec.keyed[2]");
    assert_string_equal(causes.items[0].reason, "FieldValueDuplicate");
}

static void test_shallow(void **state)
{
    (void)state;
    for (unsigned i = 0; i < custom_shallow.field_count; i++)
        assert_int_equal(schema_find_field(&custom_shallow, custom_shallow.fields[i].name,
                                           custom_shallow.fields[i].name_len),
                         i);
}

static void test_formats(void **state)
{
    static const struct {
        const char *format, *good, *bad;
    } cases[] = {
        {"date-time", "2026-01-02T03:04:05Z", "2026-01-02"},
        {"date", "2026-01-02", "2026-13-02"},
        {"uuid", "01234567-89ab-cdef-0123-456789abcdef", "0123"},
        {"cidr", "10.0.0.0/8", "10.0.0.0/33"},
        {"mac", "01:23:45:67:89:ab", "01:23:45:67:89"},
        {"email", "a@b.c", "a.b.c"},
        {"uri", "http://a.b/c", "a b"},
        {"byte", "YWJj", "a"},
        {"hostname", "a.example", "-a.example"},
        {"isbn10", "0321751043", "0321751044"},
        {"hexcolor", "#fff", "#ffff"},
        {"rgbcolor", "rgb(1,2,255)", "rgb(1,2,256)"},
        {"duration", "1h5m", "soon"},
        {"k8s-short-name", "a-b", "A"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        if (!custom_format_matches(slice_str(cases[i].format), slice_str(cases[i].good)))
            fail_msg("%s is a %s", cases[i].good, cases[i].format);
        if (custom_format_matches(slice_str(cases[i].format), slice_str(cases[i].bad)))
            fail_msg("%s is no %s", cases[i].bad, cases[i].format);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_kept_and_pruned), cmocka_unit_test(test_validation),
        cmocka_unit_test(test_duplicates),      cmocka_unit_test(test_shallow),
        cmocka_unit_test(test_formats),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
