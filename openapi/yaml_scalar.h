/*
 * yaml_scalar: what a plain YAML scalar means, by the rules of YAML 1.1 as go-yaml v2 (and so
 * sigs.k8s.io/yaml) has them: yes/on/y are booleans, 0x and 0o and leading zeros are integers, ~ is null.
 * Inside of the YAML conversions. Pure; any thread.
 */
#ifndef OPENAPI_YAML_SCALAR_H
#define OPENAPI_YAML_SCALAR_H

#include <stdint.h>
#include "base/slice.h"

enum yaml_meaning {
    YAML_IS_STRING,
    YAML_IS_NULL,
    YAML_IS_BOOL,
    YAML_IS_INT,
    YAML_IS_UINT,
    YAML_IS_FLOAT,
    YAML_IS_TIME
};

struct yaml_resolved {
    enum yaml_meaning meaning;
    union {
        bool b;
        int64_t i;
        uint64_t u;
        double f; /* may be an infinity or not a number */
    };
};

/* An unquoted scalar without a tag. A time stays a string for readers; writers quote it. */
struct yaml_resolved yaml_resolve(struct slice text);
/* Would another reader take it for a number to the base of 60? Writers quote it. */
bool yaml_is_base60(struct slice text);

#endif
