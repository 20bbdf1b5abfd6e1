/* extension: the kinds that change what the API itself is and does: admission, custom resources, aggregation,
 * devices. */
#include "apiserver/kinds/admission_parts.h"
#include "apiserver/kinds/resource.h"

const struct kind *const kinds_extension[] = {&kind_mutatingwebhookconfigurations,
                                              &kind_validatingwebhookconfigurations,
                                              &kind_validatingadmissionpolicies,
                                              &kind_validatingadmissionpolicybindings,
                                              &kind_mutatingadmissionpolicies,
                                              &kind_mutatingadmissionpolicybindings,
                                              &kind_apiservices,
                                              &kind_customresourcedefinitions,
                                              &kind_deviceclasses,
                                              &kind_devicetaintrules,
                                              &kind_resourceclaims,
                                              &kind_resourceclaimtemplates,
                                              &kind_resourceslices,
                                              NULL};
