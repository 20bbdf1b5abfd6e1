/* deletion: taking one object away with the rules of verb_delete.c, for verbs that delete by another name.
 * Worker thread. */
#ifndef APISERVER_DELETION_H
#define APISERVER_DELETION_H

#include "apiserver/write.h"

/* Deletes (or marks) the object that the request names. gone: it is no more. */
bool deletion_run(struct request *req, const struct delete_options *options, struct written *ret,
                  bool *ret_gone);

#endif
