/* DefaultTolerationSeconds: a pod stays on a node that is not ready or unreachable for five minutes, unless
 * it says otherwise. */
#include "admission/admission.h"
#include "openapi/gen/core_v1.h"

enum { SECONDS = 300 };

/* A toleration without a key tolerates every key; without an effect every effect. */
static bool tolerates(const struct value *tolerations, const char *key)
{
    for (VALUE_EACH(toleration, tolerations)) {
        struct slice k = value_text(value_at(toleration, core_v1_Toleration_key));
        struct slice effect = value_text(value_at(toleration, core_v1_Toleration_effect));
        if ((!k.len || slice_is(k, key)) && (!effect.len || slice_is(effect, "NoExecute")))
            return true;
    }
    return false;
}

static void add(struct arena *arena, struct value *tolerations, const char *key)
{
    struct value *toleration = value_append(arena, tolerations);
    *toleration = value_new_record(arena, &core_v1_Toleration);
    *value_mut(toleration, core_v1_Toleration_key) = value_of_cstr(key);
    *value_mut(toleration, core_v1_Toleration_operator) = value_of_cstr("Exists");
    *value_mut(toleration, core_v1_Toleration_effect) = value_of_cstr("NoExecute");
    *value_mut(toleration, core_v1_Toleration_tolerationSeconds) = value_of_int(SECONDS);
}

static bool mutate(struct admission_request *req, struct error *err)
{
    static const char *const keys[] = {"node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"};
    (void)err;
    if (req->subresource.len)
        return true;
    struct value *spec = value_ensure_record(req->arena, req->object, core_v1_Pod_spec);
    struct value *tolerations = value_mut(spec, core_v1_PodSpec_tolerations);
    bool missing[] = {!tolerates(tolerations, keys[0]), !tolerates(tolerations, keys[1])};
    for (int i = 0; i < 2; i++)
        if (missing[i])
            add(req->arena, tolerations, keys[i]);
    return true;
}

const struct admission_plugin admission_default_tolerations = {
    .name = "DefaultTolerationSeconds",
    .operations = ADMISSION_CREATE | ADMISSION_UPDATE,
    .group = "",
    .resource = "pods",
    .mutate = mutate,
    .quick = true,
};
