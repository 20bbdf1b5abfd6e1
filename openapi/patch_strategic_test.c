/* Strategic merge patches on built-in types. Documents are written with ' for ". */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "openapi/patch.h"
#include "openapi/patch_parts.h"

#define DEPLOYMENT "io.k8s.api.apps.v1.Deployment"
#define SERVICE    "io.k8s.api.core.v1.Service"
#define CONFIG_MAP "io.k8s.api.core.v1.ConfigMap"
#define PDB        "io.k8s.api.policy.v1.PodDisruptionBudget"
#define POD        "io.k8s.api.core.v1.Pod"

struct strategic_case {
    const char *claim, *type, *doc, *patch, *want; /* want NULL: refused */
    int code;
    const char *message;
};

static const struct strategic_case merges[] = {
    {"fields are merged, null clears, a zero is a value", DEPLOYMENT, "{'spec':{'replicas':2,'paused':true}}",
     "{'spec':{'replicas':0,'paused':null,'minReadySeconds':null}}", "{'spec':{'replicas':0}}"},
    {"list items merge by key, others are added", POD,
     "{'spec':{'containers':[{'name':'a','image':'1'},{'name':'b','image':'1'}]}}",
     "{'spec':{'containers':[{'name':'b','image':'2'},{'name':'c','image':'3'}]}}",
     "{'spec':{'containers':[{'name':'a','image':'1'},{'name':'b','image':'2'},{'name':'c','image':'3'}]}}"},
    {"the worked example of patch_lists.h", POD,
     "{'spec':{'containers':[{'name':'a'},{'name':'b'},{'name':'c'},{'name':'d'}]}}",
     "{'spec':{'containers':[{'name':'d'},{'name':'b'},{'name':'x'}]}}",
     "{'spec':{'containers':[{'name':'a'},{'name':'c'},{'name':'d'},{'name':'b'},{'name':'x'}]}}"},
    {"ports merge by containerPort", POD,
     "{'spec':{'containers':[{'name':'a','ports':[{'containerPort':80,'name':'h'}]}]}}",
     "{'spec':{'containers':[{'name':'a','ports':[{'containerPort':80,'name':'w'},{'containerPort':8080}]}]}"
     "}",
     "{'spec':{'containers':[{'name':'a','ports':[{'containerPort':80,'name':'w'},{'containerPort':8080}]}]}"
     "}"},
    {"a list without merge strategy is replaced", POD, "{'spec':{'tolerations':[{'key':'a'},{'key':'b'}]}}",
     "{'spec':{'tolerations':[{'key':'c'}]}}", "{'spec':{'tolerations':[{'key':'c'}]}}"},
    {"a set of scalars is united, the patch's order first", CONFIG_MAP,
     "{'metadata':{'finalizers':['x/a','x/b']}}", "{'metadata':{'finalizers':['x/c','x/a']}}",
     "{'metadata':{'finalizers':['x/c','x/a','x/b']}}"},
    {"an empty list adds nothing to a merged one", CONFIG_MAP, "{'metadata':{'finalizers':['x/a']}}",
     "{'metadata':{'finalizers':[]}}", "{'metadata':{'finalizers':['x/a']}}"},
    {"an object of another kind is taken as it is, without nulls", SERVICE, "{'spec':{'selector':null}}",
     "{'spec':{'selector':{'a':'b','c':null}}}", "{'spec':{'selector':{'a':'b'}}}"},
    {"maps of texts merge", CONFIG_MAP, "{'data':{'a':'1','b':'2'}}", "{'data':{'b':null,'c':'3'}}",
     "{'data':{'a':'1','c':'3'}}"},
    {"a field with strategy replace is no merge", PDB, "{'spec':{'selector':{'matchLabels':{'a':'1'}}}}",
     "{'spec':{'selector':{'matchLabels':{'b':'2'}}}}", "{'spec':{'selector':{'matchLabels':{'b':'2'}}}}"},
    {"null is no patch", CONFIG_MAP, "{'data':{'a':'1'}}", "null", "{'data':{'a':'1'}}"},
};

static const struct strategic_case directives[] = {
    {"$patch: replace of a map", CONFIG_MAP, "{'data':{'a':'1'}}", "{'data':{'$patch':'replace','b':'2'}}",
     "{'data':{'b':'2'}}"},
    {"$patch: delete of a map", CONFIG_MAP, "{'data':{'a':'1'}}", "{'data':{'$patch':'delete'}}",
     "{'data':{}}"},
    {"$patch: delete of what is not there", CONFIG_MAP, "{}", "{'data':{'$patch':'delete'}}", "{}"},
    {"$patch: delete of an item", POD, "{'spec':{'containers':[{'name':'a'},{'name':'b'},{'name':'a'}]}}",
     "{'spec':{'containers':[{'name':'a','$patch':'delete'}]}}", "{'spec':{'containers':[{'name':'b'}]}}"},
    {"$patch: replace of a list", POD, "{'spec':{'containers':[{'name':'a'}]}}",
     "{'spec':{'containers':[{'$patch':'replace'},{'name':'z'}]}}", "{'spec':{'containers':[{'name':'z'}]}}"},
    {"directives in a new list are left out", POD, "{'spec':{}}",
     "{'spec':{'containers':[{'name':'a','$patch':'delete'},{'name':'b'}]}}",
     "{'spec':{'containers':[{'name':'b'}]}}"},
    {"$deleteFromPrimitiveList", CONFIG_MAP, "{'metadata':{'finalizers':['x/a','x/b','x/c']}}",
     "{'metadata':{'$deleteFromPrimitiveList/finalizers':['x/a','x/z']}}",
     "{'metadata':{'finalizers':['x/b','x/c']}}"},
    {"$retainKeys clears what it does not name", DEPLOYMENT,
     "{'spec':{'strategy':{'type':'RollingUpdate','rollingUpdate':{'maxSurge':1}}}}",
     "{'spec':{'strategy':{'$retainKeys':['type'],'type':'Recreate'}}}",
     "{'spec':{'strategy':{'type':'Recreate'}}}"},
    {"$retainKeys in an item", POD, "{'spec':{'volumes':[{'name':'v','emptyDir':{}}]}}",
     "{'spec':{'volumes':[{'name':'v','$retainKeys':['name','hostPath'],'hostPath':{'path':'/h'}}]}}",
     "{'spec':{'volumes':[{'name':'v','hostPath':{'path':'/h'}}]}}"},
    {"$setElementOrder orders, and keeps what only the server has in its place", POD,
     "{'spec':{'containers':[{'name':'one'},{'name':'two'}]}}",
     "{'spec':{'$setElementOrder/"
     "containers':[{'name':'two'},{'name':'mid'},{'name':'one'}],'containers':[{'name':'mid'}]}}",
     "{'spec':{'containers':[{'name':'two'},{'name':'mid'},{'name':'one'}]}}"},
    {"$setElementOrder alone", POD, "{'spec':{'containers':[{'name':'a'},{'name':'b'},{'name':'server'}]}}",
     "{'spec':{'$setElementOrder/containers':[{'name':'b'},{'name':'a'}]}}",
     "{'spec':{'containers':[{'name':'b'},{'name':'a'},{'name':'server'}]}}"},
    {"an added item takes the place of a deleted one", POD,
     "{'spec':{'containers':[{'name':'d'},{'name':'c'},{'name':'e'}]}}",
     "{'spec':{'containers':[{'name':'e','$patch':'delete'},{'name':'b'}],"
     "'$setElementOrder/containers':[{'name':'d'},{'name':'b'}]}}",
     "{'spec':{'containers':[{'name':'d'},{'name':'c'},{'name':'b'}]}}"},
    {"$setElementOrder of a set", CONFIG_MAP, "{'metadata':{'finalizers':['x/b','x/c']}}",
     "{'metadata':{'$setElementOrder/finalizers':['x/c','x/b'],'finalizers':[]}}",
     "{'metadata':{'finalizers':['x/c','x/b']}}"},
    {"an empty $setElementOrder names nothing", SERVICE, "{'spec':{'ports':[{'port':4},{'port':3}]}}",
     "{'spec':{'$setElementOrder/ports':[],'ports':[{'port':2}]}}",
     "{'spec':{'ports':[{'port':4},{'port':3},{'port':2}]}}"},
    {"$setElementOrder of a list that is nowhere", POD, "{}",
     "{'metadata':{'$setElementOrder/finalizers':['x/a']}}",
     "{'metadata':{'$setElementOrder/finalizers':['x/a']}}"},
};

static const struct strategic_case refusals[] = {
    {"no merge key", POD, "{'spec':{'containers':[{'name':'a'}]}}", "{'spec':{'containers':[{'image':'i'}]}}",
     NULL, 500, "map: map[image:i] does not contain declared merge key: name"},
    {"an unknown directive of an item", POD, "{'spec':{'containers':[{'name':'a'}]}}",
     "{'spec':{'containers':[{'name':'a','$patch':'wild'}]}}", NULL, 500,
     "unknown patch type: wild in map: map[$patch:wild name:a]"},
    {"an unknown directive of a map", CONFIG_MAP, "{'data':{'a':'1'}}",
     "{'data':{'$patch':'merge','x':null}}", NULL, 500,
     "unknown patch type: merge in map: map[$patch:merge x:<nil>]"},
    {"merge is none for items", POD, "{'spec':{'containers':[{'name':'a'}]}}",
     "{'spec':{'containers':[{'name':'a','$patch':'merge'}]}}", NULL, 500,
     "merging lists cannot yet be specified in the patch"},
    {"an item that the order does not name", POD, "{'spec':{'containers':[{'name':'a'}]}}",
     "{'spec':{'$setElementOrder/containers':[{'name':'two'}],'containers':[{'name':'other','image':'x'}]}}",
     NULL, 500,
     "The order in patch list:\n[map[image:x name:other]]\n doesn't match $setElementOrder "
     "list:\n[map[name:two]]\n"},
    {"a key that $retainKeys does not name", DEPLOYMENT, "{'spec':{'strategy':{'type':'Recreate'}}}",
     "{'spec':{'strategy':{'$retainKeys':['typo'],'type':'RollingUpdate'}}}", NULL, 400,
     "invalid patch format of retainKeys"},
    {"$retainKeys is a list", DEPLOYMENT, "{'spec':{'strategy':{}}}",
     "{'spec':{'strategy':{'$retainKeys':'x'}}}", NULL, 400, "invalid patch format of retainKeys"},
    {"a directive without a name", CONFIG_MAP, "{'metadata':{}}",
     "{'metadata':{'$deleteFromPrimitiveList':['x']}}", NULL, 400, "invalid patch format of primitive list"},
    {"an order without a name", CONFIG_MAP, "{'metadata':{}}", "{'metadata':{'$setElementOrder':['x']}}",
     NULL, 400, "invalid patch format of setElementOrder list"},
    {"scalars into a list of maps", POD, "{'spec':{'containers':[{'name':'a'}]}}",
     "{'spec':{'containers':['b']}}", NULL, 500, "list element types are not identical: [[map[name:a]] [b]]"},
    {"lists of lists", CONFIG_MAP, "{'metadata':{'finalizers':[['a']]}}",
     "{'metadata':{'finalizers':[['b']]}}", NULL, 422,
     "the server rejected our request due to an error in our request"},
    {"an order of a field that there is not", CONFIG_MAP, "{'data':{}}", "{'$setElementOrder/nothing':['a']}",
     NULL, 500, "unable to find api field in struct ConfigMap for the json field \"nothing\""},
    {"an order below a map of texts", CONFIG_MAP, "{'data':{}}", "{'data':{'$setElementOrder/x':['a']}}",
     NULL, 500, "merging an object in json but data type is not struct, instead is: map"},
    {"no object", CONFIG_MAP, "{}", "[1]", NULL, 400,
     "json: cannot unmarshal array into Go value of type map[string]interface {}"},
    {"no JSON", CONFIG_MAP, "{}", "{", NULL, 400, "invalid JSON patch"},
};

static struct slice quoted(struct arena *arena, const char *text)
{
    char *copy = arena_strdup(arena, slice_str(text));

    for (char *p = copy; *p; p++)
        *p = *p == '\'' ? '"' : *p;
    return slice_str(copy);
}

static const char *shown(struct arena *arena, const struct value *v)
{
    cleanup_buf struct buf out = BUF_INIT(BUF_UNLIMITED);

    encode_json(&out, &patch_any, v);
    return arena_strdup(arena, buf_slice(&out));
}

static void check(const struct strategic_case *c)
{
    cleanup_arena struct arena *arena = arena_new();
    cleanup_error struct error err = ERROR_INIT;
    const struct schema_type *type = schema_find_type(c->type);
    struct value doc, got, want;
    bool ok;

    assert_non_null(type);
    assert_true(decode_json_node(arena, &patch_any, quoted(arena, c->doc), &doc, NULL, &err));
    ok = patch_apply(arena, PATCH_STRATEGIC, type, &doc, quoted(arena, c->patch), &got, &err);
    if (ok != (c->want != NULL))
        fail_msg("%s: got %s, want %s", c->claim, ok ? shown(arena, &got) : err.message,
                 c->want ? c->want : c->message);
    if (!ok) {
        if (error_code(&err) != c->code || strcmp(err.message, c->message) != 0)
            fail_msg("%s: got %d %s, want %d %s", c->claim, error_code(&err), err.message, c->code,
                     c->message);
        return;
    }
    assert_true(decode_json_node(arena, &patch_any, quoted(arena, c->want), &want, NULL, &err));
    if (!patch_equal(&got, &want))
        fail_msg("%s: got %s, want %s", c->claim, shown(arena, &got), c->want);
}

#define CHECK_ALL(cases)                                                                                     \
    for (size_t i = 0; i < sizeof(cases) / sizeof *(cases); i++)                                             \
    check(&(cases)[i])

static void strategic_patch_merges(void **state)
{
    CHECK_ALL(merges);
}

static void strategic_patch_obeys_directives(void **state)
{
    CHECK_ALL(directives);
}

static void strategic_patch_refuses(void **state)
{
    CHECK_ALL(refusals);
}

/* Two lists of N items each cost about N, not N times N. */
static void long_lists_are_merged_in_linear_time(void **state)
{
    enum { ITEMS = 20000 };
    cleanup_arena struct arena *arena = arena_new();
    cleanup_error struct error err = ERROR_INIT;
    cleanup_buf struct buf a = BUF_INIT(BUF_UNLIMITED), b = BUF_INIT(BUF_UNLIMITED);
    struct value doc, got;

    for (int i = 0; i < ITEMS; i++) {
        buf_printf(&a, "%s{\"name\":\"a%d\"}", i ? "," : "{\"spec\":{\"containers\":[", i);
        buf_printf(&b, "%s{\"name\":\"b%d\"}", i ? "," : "{\"spec\":{\"containers\":[", i);
    }
    buf_puts(&a, "]}}");
    buf_puts(&b, "]}}");
    assert_true(decode_json_node(arena, &patch_any, buf_slice(&a), &doc, NULL, &err));
    assert_true(patch_apply(arena, PATCH_STRATEGIC, schema_find_type(POD), &doc, buf_slice(&b), &got, &err));
    assert_int_equal(value_count(value_path(&got, "spec.containers")), 2 * ITEMS);
    assert_true(value_is(value_path(value_item(value_path(&got, "spec.containers"), ITEMS), "name"), "a0"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(strategic_patch_merges),
        cmocka_unit_test(strategic_patch_obeys_directives),
        cmocka_unit_test(strategic_patch_refuses),
        cmocka_unit_test(long_lists_are_merged_in_linear_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
