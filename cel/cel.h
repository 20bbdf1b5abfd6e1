/*
 * cel: the Common Expression Language as Kubernetes speaks it, for validation rules of custom resources and
 * for admission policies. Pure: texts and values in, values out; no I/O, no globals that change, bounded time
 * and memory.
 *
 *     const struct cel_env *env = cel_env_kubernetes();                       // every library, shared, any
 * thread struct cel_variable self = {"self", cel_type_of_schema(arena, schema, "selfType", CEL_SCHEMA_ROOT)};
 *     const struct cel_program *p = cel_compile(arena, env, &(struct cel_source){.text = rule, .variables =
 * &self, .variable_count = 1}, err);
 *
 *     struct cel_value vars[] = {cel_of_tree(scratch, object, schema)};                // in the order of the
 * variables struct cel_run run = {.arena = scratch, .variables = vars, .cost_limit = CEL_PER_CALL_LIMIT};
 *     struct cel_value v = cel_evaluate(p, &run);                              // CEL_ERROR: cel_text(&v)
 * says why
 *
 * cel/rule.h puts this together for x-kubernetes-validations.
 *
 * A program and all that belongs to it live in the arena it was compiled into and never change: any number of
 * threads may evaluate it at once, each with a run and an arena of its own. Values made by a run live in the
 * run's arena; values of trees (openapi/value.h) are views: nothing is converted that no expression looks at,
 * so the tree must outlive the result.
 *
 * Errors of compilation are REASON_INVALID with cel-go's text: one paragraph a finding, each with the line
 * and a mark below it. Errors of evaluation are values, as the language has it: they travel through an
 * expression until && || or a macro absorbs them. Running past the cost limit or the deadline is not
 * absorbed.
 *
 * Source: https://github.com/google/cel-spec/blob/master/doc/langdef.md,
 * https://kubernetes.io/docs/reference/using-api/cel/
 */
#ifndef CEL_CEL_H
#define CEL_CEL_H

#include "base/arena.h"
#include "base/error.h"
#include "openapi/value.h"

/* Upstream's published limits (k8s.io/apiserver/pkg/apis/cel). */
#define CEL_PER_CALL_LIMIT           1000000u
#define CEL_RUNTIME_BUDGET           10000000u /* of one object's rules, or of one policy */
#define CEL_MATCH_CONDITIONS_BUDGET  2500000u
#define CEL_RULE_ESTIMATE_LIMIT      10000000u  /* what one rule's estimate may be */
#define CEL_SCHEMA_ESTIMATE_LIMIT    100000000u /* what all rules of one definition may be together */
#define CEL_MESSAGE_EXPRESSION_LIMIT (5 * 1024) /* bytes that a messageExpression may make */

/* ---- types ---- */

enum cel_kind {
    CEL_ERROR,
    CEL_NULL,
    CEL_BOOL,
    CEL_INT,
    CEL_UINT,
    CEL_DOUBLE,
    CEL_STRING,
    CEL_BYTES,
    CEL_TIMESTAMP,
    CEL_DURATION,
    CEL_TYPE,
    CEL_LIST,
    CEL_MAP,
    CEL_OBJECT, /* fields with declared types: a record of a schema, or one made by an expression */
    CEL_OPTIONAL,
    CEL_OPAQUE, /* an IP address, a quantity, ... */
    CEL_DYN,    /* of types only */
    CEL_PARAM   /* of types only */
};

struct cel_type {
    uint8_t kind;  /* enum cel_kind */
    bool generic;  /* holds a type parameter somewhere */
    bool nullable; /* a wrapper type: null too */
    bool root;     /* OBJECT: a resource; apiVersion, kind, metadata.name and metadata.generateName are always
                      there */
    bool meta;     /* OBJECT: the metadata of such a resource: these two fields alone */
    uint8_t param_count;
    uint16_t index; /* PARAM */
    const char *name;
    const struct cel_type *params[2];
    const struct schema *schema;     /* what the type was made of, or NULL */
    const struct cel_record *record; /* OBJECT without a schema */
};

/* The fields of an object type that no schema describes. */
struct cel_record {
    const char *name;
    const struct cel_variable *fields;
    size_t count;
};

extern const struct cel_type cel_type_dyn, cel_type_null, cel_type_bool, cel_type_int, cel_type_uint,
    cel_type_double, cel_type_string, cel_type_bytes, cel_type_timestamp, cel_type_duration,
    cel_type_list_dyn, cel_type_map_dyn, cel_type_authorizer, cel_type_resource_check;

const struct cel_type *cel_type_list(struct arena *arena, const struct cel_type *elem);
const struct cel_type *cel_type_map(struct arena *arena, const struct cel_type *key,
                                    const struct cel_type *elem);
const struct cel_type *cel_type_optional(struct arena *arena, const struct cel_type *elem);
const struct cel_type *cel_type_of_record(struct arena *arena, const struct cel_record *record);

enum { CEL_SCHEMA_ROOT = 1 /* a whole resource, embedded ones too */ };
/* What upstream declares for a structural schema; `name` is of the object types in messages. NULL: a schema
 * that is not exposed to expressions (any JSON without a type). */
const struct cel_type *cel_type_of_schema(struct arena *arena, const struct schema *schema, const char *name,
                                          unsigned flags);
/* "list(int)", as messages name types. */
struct slice cel_type_print(struct arena *arena, const struct cel_type *type);

/* A field's name as an identifier ("a-b" is "a__dash__b", a reserved word "__in__"); false: expressions
 * cannot name it. */
bool cel_escape(struct arena *arena, struct slice name, struct slice *ret);
/* The reverse; false when `name` is no escaped name. */
bool cel_unescape(struct arena *arena, struct slice name, struct slice *ret);

/* ---- values ---- */

enum {
    CEL_TREE = 1,    /* LIST, MAP, OBJECT: a view of a value tree */
    CEL_STOPPED = 2, /* ERROR: the budget or the time is used up; nothing absorbs it */
};

struct cel_value { /* 24 bytes; all of it may be copied */
    uint8_t kind;  /* enum cel_kind */
    uint8_t flags;
    uint32_t len; /* STRING, BYTES, ERROR: bytes; LIST, MAP: count; TIMESTAMP: nanoseconds */
    union {
        bool b;
        int64_t i; /* INT; TIMESTAMP: seconds since 1970; DURATION: nanoseconds */
        uint64_t u;
        double d;
        const char *s; /* STRING, BYTES, ERROR (its message) */
        const struct cel_type *type;
        struct cel_items *items; /* LIST */
        struct cel_map *map;
        const struct cel_value *some; /* OPTIONAL; NULL: none */
        const struct cel_opaque *opaque;
        const struct value *tree;        /* CEL_TREE */
        const struct cel_fields *fields; /* OBJECT made by an expression */
    };
    const struct schema *schema; /* CEL_TREE: how to read what is in it; NULL: as plain JSON */
};

struct cel_value cel_null(void);
struct cel_value cel_bool(bool b);
struct cel_value cel_int(int64_t i);
struct cel_value cel_uint(uint64_t u);
struct cel_value cel_double(double d);
struct cel_value cel_string(struct slice s); /* not copied */
struct cel_value cel_bytes(struct slice s);
struct cel_value cel_timestamp(int64_t seconds, uint32_t nanos);
struct cel_value cel_duration(int64_t nanos);
struct cel_value cel_optional(struct arena *arena, const struct cel_value *some); /* NULL: none */
struct cel_value cel_error(struct arena *arena, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* A view of a tree. With a schema, formats give types (date-time a timestamp, byte bytes) as in rules of
 * custom resources; with NULL it reads as JSON. VALUE_ABSENT reads as null. */
struct cel_value cel_of_tree(struct arena *arena, const struct value *tree, const struct schema *schema);
/* The JSON form, for patches and messages; false: it has none (an opaque value, a key that is no text). */
bool cel_to_tree(struct arena *arena, const struct cel_value *v, struct value *ret);

static inline struct slice cel_text(const struct cel_value *v) /* STRING, BYTES, ERROR; else "" */
{
    return v->kind == CEL_STRING || v->kind == CEL_BYTES || v->kind == CEL_ERROR ? slice_make(v->s, v->len)
                                                                                 : slice_make("", 0);
}

/* ---- compiling ---- */

struct cel_variable {
    const char *name; /* may have dots */
    const struct cel_type *type;
    const struct schema *schema; /* of the first variable: whose limits the cost estimate uses; NULL: nothing
                                    is known of sizes */
};

struct cel_env;

/* The environment of Kubernetes v1.37: all its libraries. Made once. */
const struct cel_env *cel_env_kubernetes(void);
/* The same for expressions that make patches: with jsonpatch.escapeKey(). Object{} and JSONPatch{} are the
 * caller's types (struct cel_source). */
const struct cel_env *cel_env_mutation(void);

enum {
    CEL_UNCHECKED = 1,   /* no type check: everything is decided when it runs */
    CEL_MIXED_LISTS = 2, /* [1, 'a'] is a list of dyn; Kubernetes does not allow that */
};

struct cel_source {
    struct slice text;
    const struct cel_variable *variables;
    size_t variable_count;
    const struct cel_type *const *types; /* objects that Name{...} may make, by their names */
    size_t type_count;
    const char *container; /* the namespace of names, or NULL */
    unsigned flags;
    const struct cel_type *wants; /* the result must have this type; NULL: any */
    const char *wants_message;    /* what the error is when it has not */
};

struct cel_program;

/* NULL with *err set when it does not compile. The text is copied. */
const struct cel_program *cel_compile(struct arena *arena, const struct cel_env *env,
                                      const struct cel_source *source, struct error *err);
const struct cel_type *cel_program_type(const struct cel_program *program);
/* Does the expression mention the variable of this index? */
bool cel_program_uses(const struct cel_program *program, size_t variable);
/* The worst cost that the sizes which schemas allow lead to; UINT64_MAX: unbounded. */
uint64_t cel_program_cost(const struct cel_program *program);
/* The expression, written anew from what was parsed, macros expanded: for tests. */
struct slice cel_program_print(struct arena *arena, const struct cel_program *program);

/* ---- evaluating ---- */

/* What `authorizer` asks. Copies nothing; the strings live as long as the call. */
struct cel_check {
    bool is_resource;
    struct slice path; /* not is_resource */
    struct slice group, resource, subresource, namespace, name, verb;
    struct slice field_selector, label_selector;
    bool has_field_selector, has_label_selector;
    struct slice service_account_namespace, service_account_name; /* or empty: who made the request */
};

struct cel_decision {
    bool allowed;
    struct slice reason;
    struct slice error; /* not empty: the authorizer failed */
};

struct cel_authorizer {
    /* May block; called on the thread that evaluates. */
    struct cel_decision (*check)(void *context, const struct cel_check *check);
};

struct cel_run {
    struct arena *arena;                     /* of results and what leads to them */
    const struct cel_value *variables;       /* in the order in which the program declared them */
    uint64_t cost_limit;                     /* 0: none */
    uint64_t deadline;                       /* clock_monotonic_ns(); 0: none */
    const struct cel_authorizer *authorizer; /* NULL: checks are errors */
    void *authorizer_context;
    uint64_t cost; /* out: what it did cost */
};

struct cel_value cel_evaluate(const struct cel_program *program, struct cel_run *run);
struct cel_value cel_authorizer_value(void); /* what the variable `authorizer` is bound to */
/* What `authorizer.requestResource` is bound to: a check of the request's own resource, without a verb. */
struct cel_value cel_resource_check_value(struct arena *arena, const struct cel_check *check);

bool cel_equal(const struct cel_value *a, const struct cel_value *b);
/* The value as an expression would write it: for messages and tests. */
struct slice cel_print(struct arena *arena, const struct cel_value *v);

#endif
