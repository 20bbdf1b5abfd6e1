/* certificate_subject: who a signing request (PEM in base64, as CertificateSigningRequests hold it) is to be
 * made for. Pure. */
#ifndef ADMISSION_CERTIFICATE_SUBJECT_H
#define ADMISSION_CERTIFICATE_SUBJECT_H

#include "admission/admission.h"

/* False: not a request that can be read. */
bool certificate_common_name(struct arena *arena, struct slice request, struct slice *ret);
/* Is one of its organizations `name`? */
bool certificate_has_organization(struct arena *arena, struct slice request, const char *name, bool *ret_has);

#endif
