/*
 * document_writer: what the makers of OpenAPI v3 and v2 documents share. A writer collects the types that its
 * text refers to, so that the definitions come last and are complete. Internal to openapi/document*.c; one
 * thread at a time.
 */
#ifndef OPENAPI_DOCUMENT_WRITER_H
#define OPENAPI_DOCUMENT_WRITER_H

#include "openapi/document.h"

enum document_form { DOCUMENT_V3, DOCUMENT_V2 };

struct document_writer {
    enum document_form form;
    struct discovery_list list;
    const struct schema_group_version *group_version; /* v3: whose document it is, or NULL */
    struct arena *arena;
    struct buf out;
    const struct schema_type **types; /* referred to so far; the first `written` are followed */
    size_t type_count, type_capacity;
    const struct schema_type **slots; /* hash set of them */
    size_t slot_count;
};

void document_writer_init(struct document_writer *w, enum document_form form, struct discovery_list list);
void document_writer_release(struct document_writer *w);
/* Notes a type as referred to. */
void document_need(struct document_writer *w, const struct schema_type *type);
/* `"$ref":"#/definitions/<name>"`, and notes the type. */
void document_put_ref(struct document_writer *w, const struct schema_type *type);
/* `"key":"text"` with JSON escapes. */
void document_put_member(struct document_writer *w, const char *key, const char *text);
/* All types referred to, and those they refer to, as `"name":{...},...`, sorted by name. */
void document_put_definitions(struct document_writer *w);

/* The version of the API that documents name. */
#define DOCUMENT_API_VERSION "1.37.2"

/* The members of `paths` of a group-version. */
void document_put_group_version_paths(struct document_writer *w, const struct schema_group_version *gv);

/* Opens `"path":{`, after a comma if needed. */
void document_open_path(struct document_writer *w, const char *path);

/* All group-versions that upstream has types for, served or not: options and watch events name them all. Ends
 * with version NULL. */
struct document_group_version {
    const char *group, *version;
};
extern const struct document_group_version document_known_group_versions[];

/* Types that documents refer to besides those of the resources. */
extern const struct schema_type document_patch_type;

#endif
