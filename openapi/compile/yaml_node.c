#include "yaml_node.h"

#include <errno.h>

yaml_node_t *node_at(struct source *source, int index)
{
    return yaml_document_get_node(&source->document, index);
}

const char *node_text(struct source *source, yaml_node_t *node)
{
    if (node->type == YAML_SCALAR_NODE)
        return (const char *)node->data.scalar.value;
    model_fault(source, node, "expected a text");
    return "";
}

bool node_bool(struct source *source, yaml_node_t *node)
{
    const char *s = node_text(source, node);
    if (strcmp(s, "true") != 0 && strcmp(s, "false") != 0)
        model_fault(source, node, "expected true or false, not \"%s\"", s);
    return strcmp(s, "true") == 0;
}

int64_t node_int(struct source *source, yaml_node_t *node, int64_t min, int64_t max)
{
    const char *s = node_text(source, node);
    char *end;
    errno = 0;
    long long n = strtoll(s, &end, 10);
    if (errno || end == s || *end || n < min || n > max) {
        model_fault(source, node, "expected a whole number from %lld to %lld, not \"%s\"", (long long)min,
                    (long long)max, s);
        return min;
    }
    return n;
}

double node_number(struct source *source, yaml_node_t *node)
{
    const char *s = node_text(source, node);
    char *end;
    double d = strtod(s, &end);
    if (end == s || *end)
        model_fault(source, node, "expected a number, not \"%s\"", s);
    return d;
}

const char **node_texts(struct source *source, yaml_node_t *node)
{
    if (node->type != YAML_SEQUENCE_NODE) {
        model_fault(source, node, "expected a list");
        return NULL;
    }
    size_t count = (size_t)(node->data.sequence.items.top - node->data.sequence.items.start);
    const char **texts = arena_zalloc(source->model->arena, (count + 1) * sizeof *texts);
    for (size_t i = 0; i < count; i++)
        texts[i] = node_text(source, node_at(source, node->data.sequence.items.start[i]));
    return texts;
}

bool node_pair(struct source *source, yaml_node_t *map, size_t i, const char **ret_key,
               yaml_node_t **ret_value)
{
    if (map->type != YAML_MAPPING_NODE) {
        if (i == 0)
            model_fault(source, map, "expected a mapping");
        return false;
    }
    yaml_node_pair_t *pair = map->data.mapping.pairs.start + i;
    if (pair >= map->data.mapping.pairs.top)
        return false;
    *ret_key = node_text(source, node_at(source, pair->key));
    *ret_value = node_at(source, pair->value);
    return true;
}

void node_keys(struct source *source, yaml_node_t *map, const char *what, const struct node_key *keys,
               size_t count, void *into)
{
    uint64_t seen = 0;
    const char *key;
    yaml_node_t *value;
    for (size_t i = 0; node_pair(source, map, i, &key, &value); i++) {
        size_t k = 0;
        while (k < count && strcmp(keys[k].name, key) != 0)
            k++;
        if (k == count) {
            model_fault(source, value, "%s has no key \"%s\"", what, key);
            continue;
        }
        if (seen & (UINT64_C(1) << k))
            model_fault(source, value, "key \"%s\" stands twice", key);
        seen |= UINT64_C(1) << k;
        keys[k].read(source, value, into);
    }
}
