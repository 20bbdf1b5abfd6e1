/*
 * libraries: which tables of functions there are, and which Kubernetes v1.37 enables. Private to cel/.
 */
#ifndef CEL_LIBRARIES_H
#define CEL_LIBRARIES_H

#include "cel/env.h"

extern const struct cel_library cel_lib_operators, cel_lib_arithmetic, cel_lib_convert, cel_lib_text,
    cel_lib_time, cel_lib_optional, cel_lib_comprehensions, cel_lib_lists, cel_lib_strings, cel_lib_printf,
    cel_lib_url, cel_lib_network, cel_lib_quantity, cel_lib_semver, cel_lib_format, cel_lib_authorizer,
    cel_lib_jsonpatch;

extern const struct cel_library *const cel_libraries_kubernetes[];
extern const size_t cel_libraries_kubernetes_count;
/* The same with what patches need: the last of the list. */
extern const struct cel_library *const cel_libraries_mutation[];
extern const size_t cel_libraries_mutation_count;

#endif
