/*
 * represent: objects, which everything here makes as JSON, in the form that goes to the client where that is
 * not JSON or has something around it: protobuf, and the events of a watch. Pure; any thread. Source:
 * https://kubernetes.io/docs/reference/using-api/api-concepts/#alternate-representations-of-resources
 */
#ifndef APISERVER_REPRESENT_H
#define APISERVER_REPRESENT_H

#include "apiserver/negotiate.h"
#include "base/buf.h"

/* Appends the object in its protobuf envelope; what it is, it says itself. False: REASON_NOT_ACCEPTABLE, it
 * has no such form, or REASON_INTERNAL. */
bool represent_protobuf(struct buf *out, struct arena *arena, struct slice json, struct error *err);

/*
 * Appends one event of a watch with that object: a line {"type":...,"object":...}, or a frame: four bytes of
 * length, the first the highest, and a message of meta.k8s.io/v1 WatchEvent that holds the object's envelope.
 * False: the object has no such form; nothing was appended.
 */
bool represent_event(struct buf *out, enum media media, const char *type, struct slice json);

#endif
