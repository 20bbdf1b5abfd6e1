/*
 * certs: the cluster's own certificate authority and what it signs, as PEM files in one folder:
 *
 *     ca.crt ca.key                 EC P-256, 10 years
 *     apiserver.crt apiserver.key   server certificate, 1 year, for the names and addresses asked for
 *     admin.crt admin.key           client certificate, 1 year: CN=kubernetes-admin, O=system:masters
 *     front-proxy-ca.crt .key       an authority of its own, 10 years: whoever it vouches for may say who
 * asks front-proxy-client.crt .key   client certificate, 1 year: CN=front-proxy-client, shown to extension
 * API servers sa.key sa.pub                 the key pair that service account tokens are signed with
 *
 * certs_ensure keeps what is fit and makes anew what is missing, ends within 30 days, was signed by another
 * authority, or lacks a name. The authority itself is never replaced while it is good: kubeconfigs hold it.
 * One that is damaged is an error, not a reason to make a new one. Keys are 0600.
 *
 * OpenSSL only. Errors: one sentence that names the file. Single thread.
 * Source: https://kubernetes.io/docs/setup/best-practices/certificates/
 */
#ifndef LAUNCHER_CERTS_H
#define LAUNCHER_CERTS_H

#include <stdint.h>
#include "base/buf.h"
#include "base/error.h"

struct certs_request {
    const char *dir;
    const char *const *names; /* DNS names and addresses in text form, each once; ends with NULL */
    int64_t now;              /* seconds since the epoch */
};

enum {
    CERTS_CA = 1,
    CERTS_SERVER = 2,
    CERTS_ADMIN = 4,
    CERTS_SERVICE_ACCOUNT = 8,
    CERTS_FRONT_PROXY = 16,
    CERTS_ALL = 31,
};

/* *ret_made: which of CERTS_x were made now. */
bool certs_ensure(const struct certs_request *request, unsigned *ret_made, struct error *err);

/* A server certificate that stands for itself, signed by no authority: <dir>/apiserver.crt and .key, kept
 * when they are fit. */
bool certs_ensure_self_signed(const struct certs_request *request, struct error *err);

/* True when text is an IPv4 or IPv6 address; *ret_len is 4 or 16. */
bool certs_parse_address(const char *text, unsigned char address[16], int *ret_len);

#endif
