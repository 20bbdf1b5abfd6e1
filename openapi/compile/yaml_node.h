/* yaml_node: reading the nodes of a YAML document with faults that name the line. Values live as long as the
 * document. */
#ifndef OPENAPI_COMPILE_YAML_NODE_H
#define OPENAPI_COMPILE_YAML_NODE_H

#include "model.h"

yaml_node_t *node_at(struct source *source, int index);
/* The text of a scalar, or a fault and "". */
const char *node_text(struct source *source, yaml_node_t *node);
bool node_bool(struct source *source, yaml_node_t *node);
/* A whole number within the bounds, or a fault and min. */
int64_t node_int(struct source *source, yaml_node_t *node, int64_t min, int64_t max);
double node_number(struct source *source, yaml_node_t *node);
/* A list of scalars, NULL-terminated. */
const char **node_texts(struct source *source, yaml_node_t *node);

/* Walks a mapping: for (size_t i = 0; node_pair(source, map, i, &key, &value); i++). A fault if it is no
 * mapping. */
bool node_pair(struct source *source, yaml_node_t *map, size_t i, const char **ret_key,
               yaml_node_t **ret_value);

/*
 * A mapping with a fixed set of keys, each with its own reader: unknown and repeated keys are faults.
 */
struct node_key {
    const char *name;
    void (*read)(struct source *source, yaml_node_t *value, void *into);
};
void node_keys(struct source *source, yaml_node_t *map, const char *what, const struct node_key *keys,
               size_t count, void *into);

#endif
