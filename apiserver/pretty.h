/* pretty: JSON text with two-space indents, as Go's json.Indent gives it. Pure; the text must be valid JSON.
 */
#ifndef APISERVER_PRETTY_H
#define APISERVER_PRETTY_H

#include "base/buf.h"

void pretty_json(struct buf *out, struct slice json);

#endif
