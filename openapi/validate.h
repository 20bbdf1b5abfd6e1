/*
 * validate: the declarative rules of a schema (schema_rules and FIELD_REQUIRED) on a tree. For custom types
 * these are most of validation; built-in kinds call it for the parts where upstream's checks are declarative
 * too, since their other checks have an order and words of their own (apiserver/kinds).
 *
 * Findings, in the order of the fields: `Required value`, `Unsupported value`, `Invalid value` with the bound
 * or the pattern, `Too long`, `Too many`. Children of an absent value are not looked at.
 *
 * Patterns are Go's syntax as far as POSIX extended expressions can say it (classes \d \w \s, groups
 * (?:...)); one that uses more (lazy repeats, flags, \b, \p) is not checked.
 *
 * Pure; any thread. Memory: the causes' arena.
 */
#ifndef OPENAPI_VALIDATE_H
#define OPENAPI_VALIDATE_H

#include "openapi/causes.h"

/* record: a VALUE_RECORD of the type, or absent. at: its path, NULL at the root. */
void validate_schema(struct causes *c, const struct path *at, const struct schema_type *type,
                     const struct value *record);
/* The same for one value, with its own rules. */
void validate_node(struct causes *c, const struct path *at, const struct schema *schema,
                   const struct value *v);

enum validate_match { VALIDATE_MATCHES, VALIDATE_DIFFERS, VALIDATE_NOT_CHECKED };
/* Does the pattern occur in the text? */
enum validate_match validate_pattern(struct arena *arena, const char *pattern, struct slice text);

#endif
