/*
 * rule: one x-kubernetes-validations rule (or its messageExpression) at a node of a schema.
 *
 *     struct cel_rule rule;
 *     if (!cel_rule_compile(arena, &(struct cel_rule_source){.text = text, .schema = node, .root = true},
 * &rule, err))
 *         ... err->message is upstream's text behind "Invalid value: ": "compilation failed: ERROR:
 * <input>:1:3: ..." if (!rule.program) ...                     // an empty rule: nothing to do rule.max_cost:
 * compare with CEL_RULE_ESTIMATE_LIMIT after multiplying by how often the node can occur
 * (rule.max_cardinality is what upstream takes for nodes below unbounded lists and maps)
 *
 *     // for every value of the node; old NULL: there was none. A rule that uses oldSelf is to be skipped
 * then, unless it is optional. struct cel_value v = cel_rule_evaluate(&rule, scratch, self, old, limit,
 * &cost); CEL_BOOL true: fine. false: it fails. CEL_ERROR: cel_text(&v); flags & CEL_STOPPED: the budget is
 * used up.
 *
 * Limits per object: CEL_RUNTIME_BUDGET less what rules before have cost; a single one at most
 * CEL_PER_CALL_LIMIT.
 *
 * The schema (struct schema and what hangs from it) must outlive the rule. How a structural schema is told
 * here: type object with properties is SCHEMA_RECORD (also without any, when unknown fields are preserved);
 * additionalProperties SCHEMA_MAP; array SCHEMA_LIST; integer SCHEMA_INT64 or INT32; number SCHEMA_FLOAT64;
 * x-kubernetes-int-or-string SCHEMA_INT_OR_STRING; a node without a type SCHEMA_ANY, which expressions cannot
 * see. Formats (byte, date, date-time, duration) are rules->format of a SCHEMA_STRING; sizes are
 * rules->max_length, enums rules->enums; FIELD_REQUIRED and default_json count for sizes; list_type and
 * list_keys for == and +; `embedded` makes a node a resource of its own (apiVersion, kind, metadata.name and
 * metadata.generateName are always there). Values: cel_of_tree() reads VALUE_RECORD by the record's type, and
 * VALUE_ABSENT as a field that is not set.
 *
 * Source:
 * https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/#validation-rules
 */
#ifndef CEL_RULE_H
#define CEL_RULE_H

#include "cel/cel.h"

enum cel_rule_use { CEL_RULE_VALIDATION, CEL_RULE_MESSAGE };

struct cel_rule_source {
    struct slice text;
    const struct schema *schema; /* of self */
    bool root;                   /* self is a whole resource */
    bool optional_old_self;
    enum cel_rule_use use; /* MESSAGE: the result is a string */
};

struct cel_rule {
    const struct cel_program *program; /* NULL: the text is empty */
    const struct schema *schema;
    bool uses_old_self, optional_old_self;
    uint64_t max_cost;        /* of one evaluation */
    uint64_t max_cardinality; /* how many such values the largest request has room for */
};

/* false: *err (REASON_INVALID) has the text. The program lives in the arena. */
bool cel_rule_compile(struct arena *arena, const struct cel_rule_source *source, struct cel_rule *ret,
                      struct error *err);

/* limit 0: CEL_PER_CALL_LIMIT. *ret_cost (if not NULL): what it cost. The result lives in scratch and in the
 * values. */
struct cel_value cel_rule_evaluate(const struct cel_rule *rule, struct arena *scratch,
                                   const struct value *self, const struct value *old, uint64_t limit,
                                   uint64_t *ret_cost);

/* Upstream's sentence about an estimate that is too high; name: "estimated rule cost", "estimated
 * messageExpression cost" or "x-kubernetes-validations estimated rule cost total for entire OpenAPIv3
 * schema". */
struct slice cel_cost_message(struct arena *arena, const char *name, uint64_t cost, uint64_t limit);

#endif
