#include "cel/libraries.h"

#define KUBERNETES                                                                                           \
    &cel_lib_operators, &cel_lib_arithmetic, &cel_lib_convert, &cel_lib_text, &cel_lib_time,                 \
        &cel_lib_optional, &cel_lib_comprehensions, &cel_lib_lists, &cel_lib_strings, &cel_lib_printf,       \
        &cel_lib_url, &cel_lib_network, &cel_lib_quantity, &cel_lib_semver, &cel_lib_format,                 \
        &cel_lib_authorizer

const struct cel_library *const cel_libraries_kubernetes[] = {KUBERNETES};
const size_t cel_libraries_kubernetes_count =
    sizeof cel_libraries_kubernetes / sizeof *cel_libraries_kubernetes;

const struct cel_library *const cel_libraries_mutation[] = {KUBERNETES, &cel_lib_jsonpatch};
const size_t cel_libraries_mutation_count = sizeof cel_libraries_mutation / sizeof *cel_libraries_mutation;
