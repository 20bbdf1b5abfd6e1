#include "apiserver/kinds/pod_parts.h"

/* Where a pod may run: affinity, tolerations, spreading. */

static void check_requirement(struct causes *c, const struct path *at, const struct value *requirement,
                              bool any_value)
{
    const struct value *op = AT(requirement, NodeSelectorRequirement, operator);
    const struct value *values = AT(requirement, NodeSelectorRequirement, values);
    if (value_is(op, "In") || value_is(op, "NotIn")) {
        if (!value_count(values))
            causes_required(c, PATH(at, "values"), "must be specified when `operator` is 'In' or 'NotIn'");
    } else if (value_is(op, "Exists") || value_is(op, "DoesNotExist")) {
        if (value_count(values))
            causes_forbidden(c, PATH(at, "values"),
                             "may not be specified when `operator` is 'Exists' or 'DoesNotExist'");
    } else if (value_is(op, "Gt") || value_is(op, "Lt")) {
        if (value_count(values) != 1)
            causes_required(c, PATH(at, "values"), "must be one value when `operator` is 'Lt' or 'Gt'");
    } else {
        causes_invalid_text(c, PATH(at, "operator"), value_text(op), "not a valid selector operator");
    }
    check_name(c, PATH(at, "key"), TEXT(requirement, NodeSelectorRequirement, key), name_check_qualified);
    for (size_t i = 0; i < value_count(values) && !any_value; i++)
        check_name(c, PATH_I(PATH(at, "values"), i), value_text(value_item(values, i)),
                   name_check_label_value);
}

static void check_field_requirement(struct causes *c, const struct path *at, const struct value *requirement)
{
    const struct value *op = AT(requirement, NodeSelectorRequirement, operator);
    const struct value *values = AT(requirement, NodeSelectorRequirement, values);
    struct slice key = TEXT(requirement, NodeSelectorRequirement, key);
    if (!value_is(op, "In") && !value_is(op, "NotIn"))
        causes_invalid_text(c, PATH(at, "operator"), value_text(op), "not a valid selector operator");
    else if (value_count(values) != 1)
        causes_required(c, PATH(at, "values"),
                        "must be only one value when `operator` is 'In' or 'NotIn' for fields");
    if (!slice_is(key, "metadata.name")) {
        causes_invalid_text(c, PATH(at, "key"), key, "not a valid field selector key");
        return;
    }
    for (size_t i = 0; i < value_count(values); i++)
        check_name(c, PATH_I(PATH(at, "values"), i), value_text(value_item(values, i)), name_check_subdomain);
}

static void check_term(struct causes *c, const struct path *at, const struct value *term, bool any_value)
{
    const struct value *expressions = AT(term, NodeSelectorTerm, matchExpressions);
    const struct value *fields = AT(term, NodeSelectorTerm, matchFields);
    for (size_t i = 0; i < value_count(expressions); i++)
        check_requirement(c, PATH_I(PATH(at, "matchExpressions"), i), value_item(expressions, i), any_value);
    for (size_t i = 0; i < value_count(fields); i++)
        check_field_requirement(c, PATH_I(PATH(at, "matchFields"), i), value_item(fields, i));
}

void check_node_selector_term(struct causes *c, const struct path *at, const struct value *term)
{
    check_term(c, at, term, false);
}

static void check_selector(struct causes *c, const struct path *at, const struct value *selector,
                           bool any_value)
{
    const struct value *terms = AT(selector, NodeSelector, nodeSelectorTerms);
    if (!value_count(terms))
        causes_required(c, PATH(at, "nodeSelectorTerms"), "must have at least one node selector term");
    for (size_t i = 0; i < value_count(terms); i++)
        check_term(c, PATH_I(PATH(at, "nodeSelectorTerms"), i), value_item(terms, i), any_value);
}

void check_node_selector(struct causes *c, const struct path *at, const struct value *selector)
{
    check_selector(c, at, selector, false);
}

static void check_weight(struct causes *c, const struct path *at, int64_t weight)
{
    if (weight <= 0 || weight > 100)
        causes_invalid_int(c, PATH(at, "weight"), weight, "must be in the range 1-100");
}

static void check_node_affinity(struct pod_check *p, const struct path *at, const struct value *affinity)
{
    const struct value *required = AT(affinity, NodeAffinity, requiredDuringSchedulingIgnoredDuringExecution);
    const struct value *preferred =
        AT(affinity, NodeAffinity, preferredDuringSchedulingIgnoredDuringExecution);
    if (value_is_set(required))
        check_selector(p->c, PATH(at, "requiredDuringSchedulingIgnoredDuringExecution"), required,
                       p->any_node_value);
    for (size_t i = 0; i < value_count(preferred); i++) {
        const struct value *term = value_item(preferred, i);
        const struct path *item = PATH_I(PATH(at, "preferredDuringSchedulingIgnoredDuringExecution"), i);
        check_weight(p->c, item, value_int(AT(term, PreferredSchedulingTerm, weight), 0));
        check_term(p->c, PATH(item, "preference"), AT(term, PreferredSchedulingTerm, preference), true);
    }
}

static void check_key_list(struct causes *c, const struct path *at, const struct value *keys,
                           const struct value *selector)
{
    if (value_count(keys) && !value_is_set(selector)) {
        causes_forbidden(c, at, "must not be specified when labelSelector is not set");
        return;
    }
    for (size_t i = 0; i < value_count(keys); i++)
        check_name(c, PATH_I(at, i), value_text(value_item(keys, i)), name_check_qualified);
}

void check_match_label_keys(struct causes *c, const struct path *at, const struct value *keys,
                            const struct value *mismatch, const struct value *selector)
{
    struct text_set selected = TEXT_SET(c->arena), wanted = TEXT_SET(c->arena), unwanted = TEXT_SET(c->arena);
    check_key_list(c, PATH(at, "matchLabelKeys"), keys, selector);
    check_key_list(c, PATH(at, "mismatchLabelKeys"), mismatch, selector);
    for (size_t i = 0; i < value_count(keys); i++)
        text_set_put(&wanted, value_text(value_item(keys, i)), i);
    for (VALUE_EACH_ENTRY(label, value_at(selector, meta_v1_LabelSelector_matchLabels)))
        text_set_add(&selected, label->key);
    /* A pod's selector already has the expressions that were made of these keys: only a second one of the
     * same key tells that the key was there before. */
    for (VALUE_EACH(expression, value_at(selector, meta_v1_LabelSelector_matchExpressions))) {
        struct slice key = value_text(value_at(expression, meta_v1_LabelSelectorRequirement_key));
        if (!text_set_add(&selected, key) && text_set_has(&wanted, key))
            causes_invalid_text(c, PATH_I(at, (size_t)text_set_index(&wanted, key)), key,
                                "exists in both matchLabelKeys and labelSelector");
    }
    for (VALUE_EACH(other, mismatch))
        text_set_add(&unwanted, value_text(other));
    for (size_t i = 0; i < value_count(keys); i++) {
        struct slice key = value_text(value_item(keys, i));
        if (text_set_has(&unwanted, key))
            causes_invalid_text(c, PATH_I(PATH(at, "matchLabelKeys"), i), key,
                                "exists in both matchLabelKeys and mismatchLabelKeys");
    }
}

static void check_pod_term(struct pod_check *p, const struct path *at, const struct value *term)
{
    const struct value *selector = AT(term, PodAffinityTerm, labelSelector);
    struct slice topology = TEXT(term, PodAffinityTerm, topologyKey);
    check_label_selector_values(p->c, PATH(at, "labelSelector"), selector, p->any_selector_value);
    check_label_selector_values(p->c, PATH(at, "namespaceSelector"),
                                AT(term, PodAffinityTerm, namespaceSelector), p->any_selector_value);
    for (VALUE_EACH(name, AT(term, PodAffinityTerm, namespaces)))
        check_name(p->c, PATH(at, "namespace"), value_text(name), name_check_label);
    check_match_label_keys(p->c, at, AT(term, PodAffinityTerm, matchLabelKeys),
                           AT(term, PodAffinityTerm, mismatchLabelKeys), selector);
    if (!topology.len)
        causes_required(p->c, PATH(at, "topologyKey"), "can not be empty");
    check_name(p->c, PATH(at, "topologyKey"), topology, name_check_qualified);
}

static void check_pod_terms(struct pod_check *p, const struct path *at, const struct value *required,
                            const struct value *preferred)
{
    for (size_t i = 0; i < value_count(required); i++)
        check_pod_term(p, PATH_I(PATH(at, "requiredDuringSchedulingIgnoredDuringExecution"), i),
                       value_item(required, i));
    for (size_t i = 0; i < value_count(preferred); i++) {
        const struct value *term = value_item(preferred, i);
        const struct path *item = PATH_I(PATH(at, "preferredDuringSchedulingIgnoredDuringExecution"), i);
        check_weight(p->c, item, value_int(AT(term, WeightedPodAffinityTerm, weight), 0));
        check_pod_term(p, PATH(item, "podAffinityTerm"), AT(term, WeightedPodAffinityTerm, podAffinityTerm));
    }
}

void check_affinity(struct pod_check *p, const struct path *at)
{
    const struct value *affinity = AT(p->spec, PodSpec, affinity);
    const struct value *with = AT(affinity, Affinity, podAffinity),
                       *against = AT(affinity, Affinity, podAntiAffinity);
    check_node_affinity(p, PATH(at, "nodeAffinity"), AT(affinity, Affinity, nodeAffinity));
    check_pod_terms(p, PATH(at, "podAffinity"),
                    AT(with, PodAffinity, requiredDuringSchedulingIgnoredDuringExecution),
                    AT(with, PodAffinity, preferredDuringSchedulingIgnoredDuringExecution));
    check_pod_terms(p, PATH(at, "podAntiAffinity"),
                    AT(against, PodAntiAffinity, requiredDuringSchedulingIgnoredDuringExecution),
                    AT(against, PodAntiAffinity, preferredDuringSchedulingIgnoredDuringExecution));
}

/* ---- tolerations ---- */

static bool is_decimal(struct slice s)
{
    if (s.len && s.ptr[0] == '-')
        s = slice_from(s, 1);
    bool good = s.len > 0 && (s.len == 1 || s.ptr[0] != '0');
    for (size_t i = 0; i < s.len; i++)
        good = good && s.ptr[i] >= '0' && s.ptr[i] <= '9';
    return good && s.len <= 19;
}

static void check_toleration_value(struct causes *c, const struct path *at, const struct value *toleration,
                                   bool comparison)
{
    static const char *const operators[] = {"Equal", "Exists", NULL};
    static const char *const all[] = {"Equal", "Exists", "Lt", "Gt", NULL};
    const struct value *op = AT(toleration, Toleration, operator);
    struct slice text = TEXT(toleration, Toleration, value);
    bool compares = value_is(op, "Lt") || value_is(op, "Gt");
    if (!value_text(op).len || value_is(op, "Equal")) {
        const char *why = name_check_label_value(text);
        if (why)
            causes_invalid_text(c, PATH(at, "operator"), text, "%s", why);
    } else if (value_is(op, "Exists")) {
        if (text.len)
            causes_invalid_text(c, PATH(at, "operator"), text,
                                "value must be empty when `operator` is 'Exists'");
    } else if (compares && comparison) {
        if (!is_decimal(text))
            causes_invalid_text(c, PATH(at, "value"), text, "must be a decimal integer");
    } else {
        causes_not_supported(c, PATH(at, "operator"), value_text(op), compares ? all : operators);
    }
}

void check_tolerations_of(struct causes *c, const struct path *at, const struct value *list, bool comparison)
{
    static const char *const effects[] = {"NoSchedule", "PreferNoSchedule", "NoExecute", NULL};
    for (size_t i = 0; i < value_count(list); i++) {
        const struct value *toleration = value_item(list, i);
        const struct path *item = PATH_I(at, i);
        const struct value *op = AT(toleration, Toleration, operator),
                           *effect = AT(toleration, Toleration, effect);
        struct slice key = TEXT(toleration, Toleration, key);
        if (key.len)
            check_name(c, PATH(item, "key"), key, name_check_qualified);
        else if (!value_is(op, "Exists"))
            causes_invalid_text(c, PATH(item, "operator"), value_text(op),
                                "must be Exists when `key` is empty, which means \"all values of all keys\"");
        if (value_is_set(AT(toleration, Toleration, tolerationSeconds)) && !value_is(effect, "NoExecute"))
            causes_invalid_text(c, PATH(item, "effect"), value_text(effect),
                                "must be 'NoExecute' when `tolerationSeconds` is set");
        check_toleration_value(c, item, toleration, comparison);
        check_enum(c, PATH(item, "effect"), effect, effects, false);
    }
}

void check_tolerations(struct causes *c, const struct path *at, const struct value *list)
{
    check_tolerations_of(c, at, list, false);
}

/* ---- spreading ---- */

static void check_inclusion(struct causes *c, const struct path *at, const struct value *policy)
{
    static const char *const policies[] = {"Honor", "Ignore", NULL};
    if (value_is_set(policy) && !value_is(policy, "Honor") && !value_is(policy, "Ignore"))
        causes_not_supported(c, at, value_text(policy), policies);
}

/* Before labels were merged into the selector of a pod, a key could not be in both at all. */
static void check_old_label_keys(struct causes *c, const struct path *at, const struct value *keys,
                                 const struct value *selector)
{
    struct text_set selected = TEXT_SET(c->arena);
    for (VALUE_EACH_ENTRY(label, value_at(selector, meta_v1_LabelSelector_matchLabels)))
        text_set_add(&selected, label->key);
    for (VALUE_EACH(expression, value_at(selector, meta_v1_LabelSelector_matchExpressions)))
        text_set_add(&selected, value_text(value_at(expression, meta_v1_LabelSelectorRequirement_key)));
    if (value_count(keys) && !value_is_set(selector))
        causes_forbidden(c, at, "must not be specified when labelSelector is not set");
    for (size_t i = 0; i < value_count(keys); i++) {
        struct slice key = value_text(value_item(keys, i));
        check_name(c, PATH_I(at, i), key, name_check_qualified);
        if (text_set_has(&selected, key))
            causes_invalid_text(c, PATH_I(at, i), key, "exists in both matchLabelKeys and labelSelector");
    }
}

static void check_constraint(struct pod_check *p, const struct path *at, const struct value *constraint,
                             bool again)
{
    static const char *const actions[] = {"DoNotSchedule", "ScheduleAnyway", NULL};
    const struct value *domains = AT(constraint, TopologySpreadConstraint, minDomains);
    const struct value *selector = AT(constraint, TopologySpreadConstraint, labelSelector);
    const struct value *keys = AT(constraint, TopologySpreadConstraint, matchLabelKeys);
    struct slice key = TEXT(constraint, TopologySpreadConstraint, topologyKey);
    struct slice action = TEXT(constraint, TopologySpreadConstraint, whenUnsatisfiable);
    check_positive(p->c, PATH(at, "maxSkew"),
                   value_int(AT(constraint, TopologySpreadConstraint, maxSkew), 0));
    if (!key.len)
        causes_required(p->c, PATH(at, "topologyKey"), "can not be empty");
    if (!slice_is(action, "DoNotSchedule") && !slice_is(action, "ScheduleAnyway"))
        causes_not_supported(p->c, PATH(at, "whenUnsatisfiable"), action, actions);
    if (again)
        causes_duplicate(p->c, PATH(at, "{topologyKey, whenUnsatisfiable}"),
                         arena_slicef(p->arena, "{%.*s, %.*s}", SLICE_ARG(key), SLICE_ARG(action)));
    if (value_is_set(domains)) {
        check_positive(p->c, PATH(at, "minDomains"), value_int(domains, 0));
        if (!slice_is(action, "DoNotSchedule"))
            causes_invalid(p->c, PATH(at, "minDomains"), domains, "needs whenUnsatisfiable=DoNotSchedule");
    }
    check_inclusion(p->c, PATH(at, "nodeAffinityPolicy"),
                    AT(constraint, TopologySpreadConstraint, nodeAffinityPolicy));
    check_inclusion(p->c, PATH(at, "nodeTaintsPolicy"),
                    AT(constraint, TopologySpreadConstraint, nodeTaintsPolicy));
    if (p->old_spread_keys)
        check_old_label_keys(p->c, PATH(at, "matchLabelKeys"), keys, selector);
    else
        check_match_label_keys(p->c, at, keys, &value_absent, selector);
    if (!p->any_spread_selector)
        check_label_selector(p->c, PATH(at, "labelSelector"), selector);
}

static struct slice pair_of(struct arena *arena, const struct value *constraint)
{
    return arena_slicef(arena, "%.*s\n%.*s",
                        SLICE_ARG(TEXT(constraint, TopologySpreadConstraint, topologyKey)),
                        SLICE_ARG(TEXT(constraint, TopologySpreadConstraint, whenUnsatisfiable)));
}

void check_spread(struct pod_check *p, const struct path *at)
{
    const struct value *list = AT(p->spec, PodSpec, topologySpreadConstraints);
    size_t count = value_count(list);
    if (!count)
        return;
    /* The earlier of two that are the same is the one that is told. */
    struct text_set later = TEXT_SET(p->arena);
    bool *again = arena_zalloc(p->arena, count);
    for (size_t i = count; i-- > 0;)
        again[i] = !text_set_add(&later, pair_of(p->arena, value_item(list, i)));
    for (size_t i = 0; i < count; i++)
        check_constraint(p, PATH_I(at, i), value_item(list, i), again[i]);
}

bool spread_keys_are_bad(struct arena *arena, const struct value *spec)
{
    struct causes found = {.arena = arena};
    for (VALUE_EACH(constraint, AT(spec, PodSpec, topologySpreadConstraints)))
        check_match_label_keys(&found, NULL, AT(constraint, TopologySpreadConstraint, matchLabelKeys),
                               &value_absent, AT(constraint, TopologySpreadConstraint, labelSelector));
    return found.count > 0;
}
