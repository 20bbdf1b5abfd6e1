#include "apiserver/openid.h"

#include "apiserver/auth_config.h"
#include "apiserver/authn.h"
#include "apiserver/authn/jwt_key.h"

static bool is_published(struct server *server)
{
    const char *issuer = authn_issuer(server->authn);
    return authn_public_keys(server->authn)->count && strncmp(issuer, "https://", 8) == 0 &&
           !strpbrk(issuer, "?#");
}

static void put_keys_address(struct buf *out, struct server *server)
{
    const char *given = authn_config(server->authn)->sa_jwks_uri,
               *colon = strrchr(server->config.listen, ':');
    if (given) {
        buf_put_json_string(out, slice_str(given));
        return;
    }
    int host = colon ? (int)(colon - server->config.listen) : (int)strlen(server->config.listen);
    buf_printf(out, "\"https://%.*s:%u/openid/v1/jwks\"", host, server->config.listen,
               http_server_port(server->http));
}

struct blob *openid_configuration(struct server *server)
{
    const struct jwt_keys *keys = authn_public_keys(server->authn);
    struct buf out = BUF_INIT(BUF_UNLIMITED);
    if (!is_published(server))
        return NULL;
    buf_puts(&out, "{\"issuer\":");
    buf_put_json_string(&out, slice_str(authn_issuer(server->authn)));
    buf_puts(&out, ",\"jwks_uri\":");
    put_keys_address(&out, server);
    buf_puts(&out, ",\"response_types_supported\":[\"id_token\"],\"subject_types_supported\":[\"public\"],"
                   "\"id_token_signing_alg_values_supported\":[");
    unsigned seen = 0;
    for (size_t i = 0; i < keys->count; i++) {
        if (seen & 1u << keys->items[i].algorithm)
            continue;
        buf_printf(&out, "%s\"%s\"", seen ? "," : "", jwt_algorithm_name(keys->items[i].algorithm));
        seen |= 1u << keys->items[i].algorithm;
    }
    buf_puts(&out, "]}");
    return blob_from_buf(&out);
}

struct blob *openid_keys(struct server *server)
{
    struct buf out = BUF_INIT(BUF_UNLIMITED);
    if (!is_published(server))
        return NULL;
    jwt_keys_print(&out, authn_public_keys(server->authn));
    return blob_from_buf(&out);
}
