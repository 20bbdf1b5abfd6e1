/*
 * options: the query parameters of the verbs (ListOptions, DeleteOptions, ...) read and checked as upstream
 * does. Pure. Source: https://kubernetes.io/docs/reference/using-api/api-concepts/
 */
#ifndef APISERVER_OPTIONS_H
#define APISERVER_OPTIONS_H

#include "apiserver/query.h"
#include "base/error.h"
#include "openapi/decode.h"

enum version_match { MATCH_UNSET, MATCH_EXACT, MATCH_NOT_OLDER_THAN };

struct list_options {
    struct slice label_selector, field_selector, continue_token;
    struct slice resource_version; /* as given */
    uint64_t version;              /* its number; 0 when not given or "0" */
    bool version_set;              /* given and not "" */
    enum version_match match;
    int64_t limit;           /* <= 0: none */
    int64_t timeout_seconds; /* < 0: none */
    bool watch, bookmarks, send_initial_events, send_initial_events_set;
    bool include_object_none, include_object_full; /* of tables: includeObject */
};

bool list_options_parse(struct arena *arena, const struct query *query, bool watch, struct list_options *ret,
                        struct error *err);

enum field_validation { FIELDS_WARN, FIELDS_STRICT, FIELDS_IGNORE };

struct write_options {
    bool dry_run;
    enum field_validation validation;
    struct slice manager;
    bool force;
    bool untracked;     /* the write sees to managedFields itself, or they stay as they are */
    bool creates;       /* what is not there is created, whatever the kind says */
    bool names_version; /* an object to be created came with a resourceVersion */
};

/* The two of these that concern one object too. */
bool options_version_parse(const struct query *query, uint64_t *ret, struct error *err);
void options_include_parse(const struct query *query, struct list_options *ret);

/* kind: "CreateOptions" or "UpdateOptions", for the messages. */
bool write_options_parse(struct arena *arena, const struct query *query, const char *kind,
                         struct write_options *ret, struct error *err);
/* Of a patch; who applies must name himself, and only he may force. */
bool patch_options_parse(struct arena *arena, const struct query *query, bool apply,
                         struct write_options *ret, struct error *err);

/* The name of a field manager: not too long, nothing unprintable. */
struct causes;
struct path;
void options_check_manager(struct causes *causes, const struct path *at, struct slice manager);

enum propagation { PROPAGATION_UNSET, PROPAGATION_ORPHAN, PROPAGATION_BACKGROUND, PROPAGATION_FOREGROUND };

struct delete_options {
    bool dry_run;
    int64_t grace_seconds; /* -1: not given */
    enum propagation propagation;
    bool orphan_dependents_set, orphan_dependents;
    struct slice precondition_uid, precondition_version;
    bool has_precondition_uid, has_precondition_version;
};

/* From the query and, if there is one, the body (a DeleteOptions tree of SCHEMA_ANY), which goes first as
 * upstream has it. */
bool delete_options_parse(struct arena *arena, const struct query *query, const struct value *body,
                          struct delete_options *ret, struct error *err);

/* Go's time.ParseDuration for "timeout"; nanoseconds. */
bool duration_parse_go(struct slice text, int64_t *ret_nanos);

#endif
