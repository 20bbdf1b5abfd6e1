/* texts: lists of texts and how messages print them. In an arena; the texts are not copied. One thread at a
 * time. */
#ifndef ADMISSION_TEXTS_H
#define ADMISSION_TEXTS_H

#include "base/arena.h"

struct texts {
    struct slice *items;
    size_t count, capacity;
};

void texts_add(struct arena *arena, struct texts *texts, struct slice text);
/* Keeps the list sorted and without repetition. */
void texts_insert(struct arena *arena, struct texts *texts, struct slice text);
/* a, b */
struct slice texts_join(struct arena *arena, const struct texts *texts, const char *separator);
/* "a", "b"; the texts as they are. */
struct slice texts_quote(struct arena *arena, const struct texts *texts);

#endif
