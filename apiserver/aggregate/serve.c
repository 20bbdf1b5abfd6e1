#include "apiserver/aggregate/internal.h"
#include "apiserver/catalogue.h"
#include "apiserver/forward.h"
#include "base/random.h"

/* Discovery is asked for by every client at its start: a server that is slow with it must not stop them for
 * long. */
enum { DISCOVERY_MILLIS = 5000, HEAD_MILLIS = 60000 };

bool aggregate_serve(struct request *req, struct slice group, struct slice version)
{
    if (!atomic_load_explicit(&req->server->has_extension_servers, memory_order_relaxed))
        return false;
    const struct schema_group_version *gv =
        catalogue_find_group_version(request_catalogue(req), group, version);
    const struct remote_api *api = gv ? gv->remote : NULL;
    if (!api)
        return false;
    if (!api->available || !api->place_count) {
        request_send_text(req, 503, "text/plain; charset=utf-8", blob_static(SLICE("service unavailable\n")));
        return true;
    }
    bool watches = strcmp(req->info.verb, "watch") == 0;
    const struct forward_target target = {
        .origin = api->origin,
        .connect_to = api->places[random_below((uint32_t)api->place_count)],
        .tls = api->tls,
        .segments = req->http->segments,
        .segment_count = req->http->segment_count,
        .tells_user = true,
        .refuses_redirects = true,
        .total_millis = req->info.is_resource ? 0 : DISCOVERY_MILLIS,
        .head_millis = watches ? 0 : HEAD_MILLIS,
    };
    forward_request(req, &target);
    return true;
}
