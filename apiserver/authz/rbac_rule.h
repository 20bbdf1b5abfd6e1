/*
 * rbac_rule: the rules of a role, compiled into one block of memory, and what they allow. Pure; immutable
 * once compiled; any thread.
 *
 * A rule allows an act when its verbs, groups, resources (and names, if it has any) all have it; "*" stands
 * for anything. "pods/log" is a subresource, "*" + "/scale" that subresource of everything. A rule of
 * non-resource URLs looks at verb and path only; a "*" at a URL's end stands for any rest. Source:
 * https://kubernetes.io/docs/reference/access-authn-authz/rbac/
 */
#ifndef APISERVER_AUTHZ_RBAC_RULE_H
#define APISERVER_AUTHZ_RBAC_RULE_H

#include "apiserver/authz.h"
#include "base/buf.h"
#include "openapi/value.h"

struct texts {
    const struct slice *items;
    uint32_t count;
    bool all; /* has "*" */
};

/* Filters: each text is one of 64 bits, "*" is all of them. A question whose bit is not there need not look
 * further, which settles nearly all rules that do not allow it. */
struct rbac_bits {
    uint64_t verbs, groups, resources;
};

struct rbac_rule {
    struct rbac_bits bits;
    struct texts verbs, groups, resources, names, urls;
};

struct rbac_rules {
    struct rbac_bits bits; /* of any of them */
    uint32_t count;
    struct rbac_rule items[];
};

/* What is asked, made once and put to many rules. */
struct rbac_question {
    const struct authz_attributes *attributes;
    struct slice verb;
    struct rbac_bits bits; /* resources: any of these */
};

/* From the "rules" of a Role or ClusterRole; copies all it keeps. Freed with free(). */
struct rbac_rules *rbac_rules_compile(const struct value *rules);

void rbac_question_init(struct rbac_question *question, const struct authz_attributes *attributes);
bool rbac_rules_allow(const struct rbac_rules *rules, const struct rbac_question *question);

/*
 * Escalation: what may be given away is what is held. Splits each rule into its single grants; *ret_missing
 * gets those that no held rule covers, joined again where they differ in the verb only. False: there are
 * some, or there are more grants than are looked at (*ret_too_many).
 */
struct rbac_rule_list {
    const struct rbac_rule *const *items;
    size_t count;
};
bool rbac_rules_cover(struct arena *arena, const struct rbac_rule_list *held,
                      const struct rbac_rule_list *wanted, struct rbac_rule_list *ret_missing,
                      bool *ret_too_many);
/* {APIGroups:[""], Resources:["pods"], Verbs:["get" "list"]} */
void rbac_rule_print(struct buf *out, const struct rbac_rule *rule);

#endif
