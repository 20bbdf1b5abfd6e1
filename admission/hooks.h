/*
 * hooks: the webhooks of all configurations at one moment: an immutable snapshot, counted, made anew when a
 * configuration changes. Order is upstream's: configurations by name, webhooks as they stand in them. Any
 * thread.
 */
#ifndef ADMISSION_HOOKS_H
#define ADMISSION_HOOKS_H

#include <stdatomic.h>
#include "openapi/value.h"

struct admission_hook {
    struct slice configuration;
    const struct value *webhook;               /* a MutatingWebhook or a ValidatingWebhook */
    const struct admission_policy *conditions; /* its matchConditions, compiled (policy.h), or NULL */
};

struct admission_hook_list {
    struct admission_hook *items;
    size_t count, capacity;
};

struct admission_hooks {
    atomic_int refs;
    struct arena *arena;
    struct admission_hook_list mutating, validating;
};

struct admission_hooks *admission_hooks_new(void);
/* The configuration (copied) joins the list; only before the snapshot is shared. */
void admission_hooks_add(struct admission_hooks *hooks, bool mutating, const struct value *configuration);
struct admission_hooks *admission_hooks_ref(struct admission_hooks *hooks);
void admission_hooks_unref(struct admission_hooks *hooks); /* NULL is allowed */

struct admission_request;
struct error;
/* The two phases of a request (webhook.c). ret_changed: a webhook has changed the object. `round` 1 asks
 * those again that want to be asked when others have changed the object after them. */
struct admission_rounds; /* what was asked in the first round; in the request's arena */
bool admission_hooks_mutate(struct admission_request *req, struct admission_rounds **rounds,
                            bool *ret_changed, struct error *err);
bool admission_hooks_validate(struct admission_request *req, struct error *err);

#endif
