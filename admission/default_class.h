/* default_class: the class object that is marked as default by an annotation; the newest of several, then the
 * first by name. */
#ifndef ADMISSION_DEFAULT_CLASS_H
#define ADMISSION_DEFAULT_CLASS_H

#include "admission/admission.h"

/* The name, or empty when no class is marked. */
struct slice default_class_name(struct admission_request *req, const struct schema_resource *classes,
                                const char *annotation);

#endif
