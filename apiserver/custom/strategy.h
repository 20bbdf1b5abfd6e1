/* strategy: what is special about custom resources, one struct kind for all of them (apiserver/kinds/kind.h).
 * Pure. */
#ifndef APISERVER_CUSTOM_STRATEGY_H
#define APISERVER_CUSTOM_STRATEGY_H

#include "apiserver/kinds/kind.h"

extern const struct kind custom_kind;

#endif
