/*
 * shown: a structure as upstream prints it as a bad value: the JSON of its internal Go types, which have no
 * JSON names of their own
 * ({"Type":"Odd","RollingUpdate":null}): names in capitals, every field written, unset ones as null or zero.
 * Types of meta.v1 keep their JSON form, and an embedded ObjectMeta is written in place. Clients see these
 * texts in the causes of a 422. Pure; any thread. The text lives in the arena.
 */
#ifndef APISERVER_KINDS_SHOWN_H
#define APISERVER_KINDS_SHOWN_H

#include "openapi/value.h"

/* "null" for an absent value. */
const char *shown_record(struct arena *arena, const struct value *v);
/* A list of records or strings: "[...]", "null" when absent. */
const char *shown_list(struct arena *arena, const struct value *list);

#endif
