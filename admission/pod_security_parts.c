#include "admission/pod_security_parts.h"

#include "base/buf.h"
#include "openapi/gen/core_v1.h"

const struct value *ps_field(const struct value *v, const char *name)
{
    return value_get(v, slice_str(name));
}

const struct value *ps_security_of(const struct value *container)
{
    return ps_field(container, "securityContext");
}

struct slice ps_name_of(const struct value *named)
{
    return value_text(ps_field(named, "name"));
}

const char *ps_plural(size_t count, const char *one, const char *many)
{
    return count == 1 ? one : many;
}

bool ps_is_one_of(struct slice text, const char *const *allowed)
{
    for (; *allowed; allowed++)
        if (slice_is(text, *allowed))
            return true;
    return false;
}

bool ps_is_true(const struct value *v)
{
    return value_is_set(v) && value_bool(v);
}

bool ps_is_false(const struct value *v)
{
    return value_is_set(v) && !value_bool(v);
}

void ps_blame(struct pod *pod, struct setters *setters, const struct value *container)
{
    texts_add(pod->arena, &setters->containers, ps_name_of(container));
}

/* container "a"; containers "a", "b" */
struct slice ps_containers_text(struct pod *pod, const struct texts *names)
{
    return arena_slicef(pod->arena, "%s %.*s", ps_plural(names->count, "container", "containers"),
                        SLICE_ARG(texts_quote(pod->arena, names)));
}

/* pod and container "a" */
struct texts ps_setter_list(struct pod *pod, const struct setters *setters)
{
    struct texts list = {0};
    if (setters->pod)
        texts_add(pod->arena, &list, SLICE("pod"));
    if (setters->containers.count)
        texts_add(pod->arena, &list, ps_containers_text(pod, &setters->containers));
    return list;
}

struct slice ps_setters_text(struct pod *pod, const struct setters *setters)
{
    struct texts list = ps_setter_list(pod, setters);
    return texts_join(pod->arena, &list, " and ");
}

bool ps_any(const struct setters *setters)
{
    return setters->pod || setters->containers.count;
}

/* Windows says by its own means who a container is: since v1.25 some checks are not asked of such pods. */
bool ps_is_windows(const struct pod *pod)
{
    return pod->minor >= 25 && slice_is(ps_name_of(value_at(pod->spec, core_v1_PodSpec_os)), "windows");
}

/* Root inside a user namespace is nobody outside: since v1.35. */
bool ps_has_user_namespace(const struct pod *pod)
{
    return pod->minor >= 35 && ps_is_false(value_at(pod->spec, core_v1_PodSpec_hostUsers));
}

struct slice ps_assignment(struct pod *pod, struct slice key, struct slice text)
{
    cleanup_buf struct buf out = BUF_INIT(BUF_UNLIMITED);
    buf_put_slice(&out, key);
    buf_putc(&out, '=');
    buf_put_quoted(&out, text);
    return arena_dup(pod->arena, buf_slice(&out));
}

bool ps_adds_forbidden(struct pod *pod, const struct value *container, const char *const *allowed,
                       struct texts *added)
{
    bool bad = false;
    for (VALUE_EACH(capability, ps_field(ps_field(ps_security_of(container), "capabilities"), "add"))) {
        if (!ps_is_one_of(value_text(capability), allowed)) {
            bad = true;
            texts_insert(pod->arena, added, value_text(capability));
        }
    }
    return bad;
}
