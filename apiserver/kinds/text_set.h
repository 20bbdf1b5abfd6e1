/*
 * text_set: a set of texts in an arena, for finding duplicates in lists that a client made as long as it
 * liked. The texts are not copied. One thread at a time.
 */
#ifndef APISERVER_KINDS_TEXT_SET_H
#define APISERVER_KINDS_TEXT_SET_H

#include "base/arena.h"

struct text_slot {
    struct slice text; /* ptr NULL: free */
    size_t index;
};

struct text_set {
    struct arena *arena;
    struct text_slot *slots; /* open addressing */
    size_t count, mask;
};

#define TEXT_SET(a) ((struct text_set){.arena = (a)})

/* False if it was there already. */
bool text_set_add(struct text_set *set, struct slice text);
bool text_set_has(const struct text_set *set, struct slice text);
/* The same with a number per text; putting it again changes the number. -1: not there. */
void text_set_put(struct text_set *set, struct slice text, size_t index);
long text_set_index(const struct text_set *set, struct slice text);

#endif
