#include "cel/libraries.h"

const struct cel_library *const cel_libraries_kubernetes[] = {
    &cel_lib_operators, &cel_lib_arithmetic, &cel_lib_convert,        &cel_lib_text,
    &cel_lib_time,      &cel_lib_optional,   &cel_lib_comprehensions,
};
const size_t cel_libraries_kubernetes_count =
    sizeof cel_libraries_kubernetes / sizeof *cel_libraries_kubernetes;
