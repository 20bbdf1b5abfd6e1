#include "openapi/version_order.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

struct parsed {
    int stability; /* 0: none of the three */
    unsigned long major, minor;
};

/* Digits without a leading zero; *at moves past them. 0: none. */
static unsigned long number(const char **at)
{
    if (**at < '1' || **at > '9')
        return 0;
    char *end;
    unsigned long n = strtoul(*at, &end, 10);
    *at = end;
    return n;
}

static struct parsed parse(const char *s)
{
    struct parsed p = {0};
    const struct parsed none = {0};
    if (*s++ != 'v' || !(p.major = number(&s)))
        return none;
    if (!*s) {
        p.stability = 3;
        return p;
    }
    bool beta = strncmp(s, "beta", 4) == 0, alpha = strncmp(s, "alpha", 5) == 0;
    if (!beta && !alpha)
        return none;
    s += beta ? 4 : 5;
    p.stability = beta ? 2 : 1;
    p.minor = number(&s);
    return p.minor && !*s ? p : none;
}

int version_order(const char *a, const char *b)
{
    struct parsed x = parse(a), y = parse(b);
    if (x.stability != y.stability)
        return x.stability > y.stability ? -1 : 1;
    if (x.stability == 0)
        return strcmp(a, b);
    if (x.major != y.major)
        return x.major > y.major ? -1 : 1;
    return x.minor == y.minor ? 0 : x.minor > y.minor ? -1 : 1;
}
