/* The order of a type's fields in protobuf: by number, those of embedded messages inside of these. */
#include "model.h"

enum { LEVELS = 3 };

/* The numbers on the way to the field: of the embedded messages, then its own; 0 after the last. */
static void path_of(const struct field *f, uint32_t path[LEVELS + 1])
{
    unsigned n = 0;
    if (f->inlined & 0xffff)
        path[n++] = f->inlined & 0xffff;
    if (f->inlined >> 16)
        path[n++] = f->inlined >> 16;
    path[n++] = f->proto;
    while (n <= LEVELS)
        path[n++] = 0;
}

static int by_path(const void *a, const void *b)
{
    uint32_t x[LEVELS + 1], y[LEVELS + 1];
    path_of(*(const struct field *const *)a, x);
    path_of(*(const struct field *const *)b, y);
    for (int i = 0; i < LEVELS; i++)
        if (x[i] != y[i])
            return x[i] < y[i] ? -1 : 1;
    return 0;
}

static void push_step(struct type *t, int step)
{
    int *slot = arena_push(t->package->source->model->arena, &t->wire, &t->wire_count, &t->wire_capacity,
                           sizeof *slot);
    *slot = step;
}

/* Closes and opens embedded messages until those of `path` are open; *depth of `open` are. */
static void move_to(struct type *t, uint32_t open[LEVELS], unsigned *depth, const uint32_t path[LEVELS + 1])
{
    unsigned same = 0;
    while (same < *depth && path[same] == open[same] && path[same + 1])
        same++;
    for (; *depth > same; --*depth)
        push_step(t, WIRE_END_INLINED);
    for (; path[*depth] && path[*depth + 1]; ++*depth) {
        open[*depth] = path[*depth];
        push_step(t, -(int)path[*depth]);
    }
}

void model_resolve_wire(struct type *t)
{
    const struct field **sorted =
        arena_alloc(t->package->source->model->arena, (t->flat_count + 1) * sizeof *sorted);
    uint32_t open[LEVELS], path[LEVELS + 1] = {0};
    unsigned depth = 0;
    size_t count = 0;
    for (size_t i = 0; i < t->flat_count; i++)
        if (t->flat[i].proto)
            sorted[count++] = &t->flat[i];
    qsort(sorted, count, sizeof *sorted, by_path);
    t->wire_in_order = true;
    for (size_t i = 0; i < count; i++) {
        path_of(sorted[i], path);
        move_to(t, open, &depth, path);
        push_step(t, (int)(sorted[i] - t->flat) + 1);
        if (i && sorted[i] < sorted[i - 1])
            t->wire_in_order = false;
    }
    for (; depth; depth--)
        push_step(t, WIRE_END_INLINED);
}
