/*
 * issues: what is wrong with an expression, where. At most a hundred findings are kept; they are shown in the
 * order of their places. The text is cel-go's, since clients and tests compare it: "ERROR: <input>:1:3:
 * message", the line, and a mark below it.
 */
#ifndef CEL_ISSUES_H
#define CEL_ISSUES_H

#include "base/arena.h"

struct cel_issue {
    uint32_t pos; /* byte in the source */
    const char *message;
};

struct cel_issues {
    struct arena *arena;
    struct slice text;
    struct cel_issue *items;
    size_t count, capacity;
};

enum { CEL_ISSUES_MAX = 100 };

void cel_issue_add(struct cel_issues *issues, uint32_t pos, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
struct slice cel_issues_print(struct cel_issues *issues);

#endif
