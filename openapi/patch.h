/*
 * patch: the three patch formats as pure functions on free trees (SCHEMA_ANY): an object and a patch in, a
 * new tree out, which the caller decodes to the type (decode_value). Neither schema rules nor storage are
 * looked at here.
 *
 *  - PATCH_JSON       RFC 6902, with the liberties that clients of Kubernetes know: negative indexes count
 * from the end, `replace` of an absent key adds it, `add` without a value adds null.
 *  - PATCH_MERGE_JSON RFC 7386; nulls inside new objects are left out, also below lists.
 *  - PATCH_STRATEGIC  merge guided by the type: lists with a merge key or merge strategy are merged by key,
 * others replaced; directives $patch, $retainKeys, $setElementOrder/<list>, $deleteFromPrimitiveList/<list>.
 *
 * Invariants: the current tree is not changed; the result shares strings with it and with the patch's text,
 * so both must live as long as the result. No result is nested deeper than DECODE_MAX_DEPTH. All memory comes
 * from the arena.
 *
 * Errors: REASON_BAD_REQUEST for a patch that is no JSON, of the wrong shape or with a directive of the wrong
 * shape; REASON_INVALID (one fixed sentence) for a JSON patch that does not apply; REASON_TOO_LARGE for more
 * than PATCH_MAX_OPERATIONS; REASON_UNKNOWN with code 500 for strategic patches that contradict the type, as
 * upstream answers them.
 *
 * Any thread. Source: RFC 6902, RFC 6901, RFC 7386;
 * kubernetes.io/docs/tasks/manage-kubernetes-objects/update-api-object-kubectl-patch;
 * sig-architecture/api-conventions.md (strategic merge patch); sig-cli
 * preserve-order-in-strategic-merge-patch.
 */
#ifndef OPENAPI_PATCH_H
#define OPENAPI_PATCH_H

#include "openapi/decode.h"

enum patch_type { PATCH_JSON, PATCH_MERGE_JSON, PATCH_STRATEGIC };

enum {
    PATCH_MAX_OPERATIONS = 10000,
    PATCH_MAX_COPY_BYTES = 3 << 20, /* what all `copy` operations of a patch may add, as JSON text */
};

/* `type` guides PATCH_STRATEGIC and is not looked at by the others. */
bool patch_apply(struct arena *arena, enum patch_type patch, const struct schema_type *type,
                 const struct value *current_tree, struct slice patch_body, struct value *ret_tree,
                 struct error *err);

/* The same, and reports what strict field validation finds in the patch itself: `duplicate field "spec.x"`,
 * `json patch unknown field "[0].foo"`. */
bool patch_apply_strict(struct arena *arena, enum patch_type patch, const struct schema_type *type,
                        const struct value *current_tree, struct slice patch_body, struct value *ret_tree,
                        struct decode_findings *findings, struct error *err);

/* Fills *err for a patch whose result is not an object of the type: one cause on the field "patch" that shows
 * the result (strategic: the patch) and `why`. Returns false. */
bool patch_reject(struct arena *arena, enum patch_type patch, const struct value *result_tree,
                  struct slice patch_body, const char *why, struct error *err);

#endif
