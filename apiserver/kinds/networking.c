#include "apiserver/kinds/service.h"

const struct kind *const kinds_networking[] = {
    &kind_services,        &kind_endpoints,   &kind_endpointslices, &kind_ingresses, &kind_ingressclasses,
    &kind_networkpolicies, &kind_ipaddresses, &kind_servicecidrs,   &kind_leases,    NULL,
};
