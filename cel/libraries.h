/*
 * libraries: which tables of functions there are, and which Kubernetes v1.37 enables. Private to cel/.
 */
#ifndef CEL_LIBRARIES_H
#define CEL_LIBRARIES_H

#include "cel/env.h"

extern const struct cel_library *const cel_libraries_kubernetes[];
extern const size_t cel_libraries_kubernetes_count;

#endif
