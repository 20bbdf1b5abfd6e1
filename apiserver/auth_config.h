/*
 * auth_config: the flags that say who is believed and who decides, under upstream's names; one table, which
 * the program joins with its own. Texts point into argv. Source:
 * https://kubernetes.io/docs/reference/command-line-tools-reference/kube-apiserver/
 */
#ifndef APISERVER_AUTH_CONFIG_H
#define APISERVER_AUTH_CONFIG_H

#include "base/flags.h"

enum { AUTH_LIST_MAX = 32 };

struct auth_list { /* of a flag that is given several times, or whose value has commas */
    const char *items[AUTH_LIST_MAX];
    size_t count;
};

struct auth_config {
    bool anonymous;                  /* requests without a credential are system:anonymous, not 401 */
    const char *authorization_modes; /* "Node,RBAC" */
    const char *enable_plugins, *disable_plugins; /* of admission */
    const char *token_file;
    bool bootstrap_tokens;
    struct auth_list sa_key_files, sa_issuers, api_audiences;
    const char *sa_signing_key_file, *sa_jwks_uri;
    bool sa_extend_expiration;
    int64_t sa_max_seconds; /* 0: no limit */
    const char *oidc_issuer, *oidc_client_id, *oidc_ca_file;
    const char *oidc_username_claim, *oidc_username_prefix, *oidc_groups_claim, *oidc_groups_prefix;
    struct auth_list oidc_required;
    const char *proxy_ca_file;
    struct auth_list proxy_names, proxy_user_headers, proxy_uid_headers, proxy_group_headers,
        proxy_extra_prefixes;
};

/* The one the flags write to; with the defaults. */
extern struct auth_config auth_config;
/* Ends with a flag without a name. */
extern const struct flag auth_flags[];

#endif
