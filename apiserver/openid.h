/*
 * openid: the two documents by which others can check tokens of service accounts: the issuer's configuration
 * and its keys. Source: https://openid.net/specs/openid-connect-discovery-1_0.html, RFC 7517
 */
#ifndef APISERVER_OPENID_H
#define APISERVER_OPENID_H

#include "apiserver/server.h"

/* NULL: the server has no keys, or its issuer is no https URL. */
struct blob *openid_configuration(struct server *server);
struct blob *openid_keys(struct server *server);

#endif
