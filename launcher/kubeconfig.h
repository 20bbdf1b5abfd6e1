/*
 * kubeconfig: puts one cluster, user and context of the same name into a kubeconfig and makes it the current
 * context; all else in the file keeps its values, order, quoting and anchors (comments are not kept, as with
 * `kubectl config`). A namespace that somebody set in our context stays. A JSON kubeconfig stays JSON.
 *
 * kubeconfig_merge and kubeconfig_remove are pure: text in, text out. Errors: one sentence, the file is left
 * as it was. Any thread. Source: https://kubernetes.io/docs/reference/config-api/kubeconfig.v1/
 */
#ifndef LAUNCHER_KUBECONFIG_H
#define LAUNCHER_KUBECONFIG_H

#include "base/buf.h"
#include "base/error.h"

struct kubeconfig_entry {
    const char *name;
    const char *server; /* "https://127.0.0.1:6443" */
    struct slice ca_pem, cert_pem, key_pem;
};

/* text: the file's present content, empty for a new one. */
bool kubeconfig_merge(struct slice text, const struct kubeconfig_entry *entry, struct buf *ret_text,
                      struct error *err);
/* Takes the three entries out; the current context becomes "" when it was ours. */
bool kubeconfig_remove(struct slice text, const char *name, struct buf *ret_text, struct error *err);

/* Merge into the file, 0600, in one step, under the same FILE.lock that kubectl takes. Not written when
 * nothing changes. */
bool kubeconfig_update_file(const char *path, const struct kubeconfig_entry *entry, struct error *err);
/* Remove from the file; no file is no error. */
bool kubeconfig_remove_from_file(const char *path, const char *name, struct error *err);

#endif
