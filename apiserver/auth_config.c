#include "apiserver/auth_config.h"

#include "base/alloc.h"

struct auth_config auth_config = {
    .anonymous = true,
    .authorization_modes = "Node,RBAC",
    .oidc_username_claim = "sub",
    .sa_extend_expiration = true,
};

static bool add(const struct flag *flag, const char *text, struct error *err)
{
    struct auth_list *list = flag->value;
    if (list->count == AUTH_LIST_MAX)
        return error_set(err, REASON_BAD_REQUEST, "--%s is given more than %d times", flag->name,
                         AUTH_LIST_MAX);
    list->items[list->count++] = text;
    return true;
}

/* The pieces live as long as the program. */
static bool add_pieces(const struct flag *flag, const char *text, struct error *err)
{
    struct slice rest = slice_str(text), piece;
    while (slice_split(&rest, ',', &piece))
        if (piece.len && !add(flag, slice_strdup(piece), err))
            return false;
    return true;
}

static bool set_seconds(const struct flag *flag, const char *text, struct error *err)
{
    /* A Go duration of hours, minutes and seconds: "24h", "1h30m", "3600s". */
    int64_t total = 0, n = 0;
    bool digit = false, unit = false;
    for (const char *p = text; *p; p++) {
        int64_t seconds = *p == 'h' ? 3600 : *p == 'm' ? 60 : *p == 's' ? 1 : 0;
        if (*p >= '0' && *p <= '9' && n < 100000000) {
            n = n * 10 + (*p - '0');
            digit = true;
        } else if (digit && seconds) {
            total += n * seconds;
            n = 0;
            digit = false;
            unit = true;
        } else {
            return error_set(err, REASON_BAD_REQUEST, "--%s is a duration such as 24h or 1h30m, not \"%s\"",
                             flag->name, text);
        }
    }
    if (digit || (!unit && strcmp(text, "0") != 0))
        return error_set(err, REASON_BAD_REQUEST, "--%s is a duration such as 24h or 1h30m, not \"%s\"",
                         flag->name, text);
    *(int64_t *)flag->value = total;
    return true;
}

const struct flag auth_flags[] = {
    {"anonymous-auth", FLAG_BOOL, &auth_config.anonymous, NULL,
     "let requests without a credential go on as system:anonymous (else 401 outside the health paths)"},
    {"authorization-mode", FLAG_STRING, &auth_config.authorization_modes, "MODES",
     "who decides what a user may do, in order: Node, RBAC, AlwaysAllow, AlwaysDeny"},
    {"enable-admission-plugins", FLAG_STRING, &auth_config.enable_plugins, "LIST",
     "admission plugins that run beside the usual"},
    {"disable-admission-plugins", FLAG_STRING, &auth_config.disable_plugins, "LIST",
     "admission plugins that do not"},
    {"token-auth-file", FLAG_STRING, &auth_config.token_file, "FILE",
     "tokens with their users: token,user,uid,\"group,group\""},
    {"enable-bootstrap-token-auth", FLAG_BOOL, &auth_config.bootstrap_tokens, NULL,
     "believe the tokens in kube-system's secrets of type bootstrap.kubernetes.io/token"},
    {"service-account-key-file", FLAG_STRING, &auth_config.sa_key_files, "FILE",
     "key (PEM) that tokens of service accounts are checked with; may be given several times", .set = add},
    {"service-account-signing-key-file", FLAG_STRING, &auth_config.sa_signing_key_file, "FILE",
     "private key (PEM) that they are signed with"},
    {"service-account-issuer", FLAG_STRING, &auth_config.sa_issuers, "URL",
     "their issuer; given several times, the first signs and all are believed", .set = add},
    {"service-account-jwks-uri", FLAG_STRING, &auth_config.sa_jwks_uri, "URL", "where others find the keys"},
    {"service-account-max-token-expiration", FLAG_STRING, &auth_config.sa_max_seconds, "DURATION",
     "how long a token may be valid at most", .set = set_seconds},
    {"service-account-extend-token-expiration", FLAG_BOOL, &auth_config.sa_extend_expiration, NULL,
     "tokens that pods mount stay valid for a year, with a mark from the hour that was asked for on"},
    {"api-audiences", FLAG_STRING, &auth_config.api_audiences, "LIST",
     "who tokens must be meant for; default: the issuers", .set = add_pieces},
    {"oidc-issuer-url", FLAG_STRING, &auth_config.oidc_issuer, "URL",
     "OpenID issuer whose tokens are believed; https"},
    {"oidc-client-id", FLAG_STRING, &auth_config.oidc_client_id, "ID", "who its tokens must be for"},
    {"oidc-ca-file", FLAG_STRING, &auth_config.oidc_ca_file, "FILE",
     "CA of its server; default: the system's"},
    {"oidc-username-claim", FLAG_STRING, &auth_config.oidc_username_claim, "CLAIM", "names the user"},
    {"oidc-username-prefix", FLAG_STRING, &auth_config.oidc_username_prefix, "TEXT",
     "goes before the name; - is nothing; default: the issuer and # (nothing before an email)"},
    {"oidc-groups-claim", FLAG_STRING, &auth_config.oidc_groups_claim, "CLAIM", "names the groups"},
    {"oidc-groups-prefix", FLAG_STRING, &auth_config.oidc_groups_prefix, "TEXT", "goes before each"},
    {"oidc-required-claim", FLAG_STRING, &auth_config.oidc_required, "CLAIM=VALUE", "must be in the token",
     .set = add},
    {"requestheader-client-ca-file", FLAG_STRING, &auth_config.proxy_ca_file, "FILE",
     "CA of the proxies that say in headers who a request is from"},
    {"requestheader-allowed-names", FLAG_STRING, &auth_config.proxy_names, "LIST",
     "common names of these proxies' certificates; default: any", .set = add_pieces},
    {"requestheader-username-headers", FLAG_STRING, &auth_config.proxy_user_headers, "LIST",
     "headers with the user's name", .set = add_pieces},
    {"requestheader-uid-headers", FLAG_STRING, &auth_config.proxy_uid_headers, "LIST",
     "headers with the user's uid", .set = add_pieces},
    {"requestheader-group-headers", FLAG_STRING, &auth_config.proxy_group_headers, "LIST",
     "headers with the user's groups", .set = add_pieces},
    {"requestheader-extra-headers-prefix", FLAG_STRING, &auth_config.proxy_extra_prefixes, "LIST",
     "what headers with more about the user begin with", .set = add_pieces},
    {0},
};
