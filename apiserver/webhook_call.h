/*
 * webhook_call: questions to webhooks over HTTPS, all at once, each with its own limit of time. Where a
 * clientConfig leads (a URL or a Service) is found here, for admission and for the conversion of custom
 * resources alike. Worker threads.
 */
#ifndef APISERVER_WEBHOOK_CALL_H
#define APISERVER_WEBHOOK_CALL_H

#include "admission/admission.h"
#include "apiserver/server.h"

enum { WEBHOOK_MAX_ANSWER = 64 << 20 };

void webhook_call_all(struct server *server, struct arena *arena, struct admission_call *calls, size_t count);

#endif
