/*
 * library: libcurl, loaded when the first request is made. Linked in the usual way it would bring two dozen
 * libraries and four megabytes into every server at its start, most of which never ask anybody anything.
 */
#ifndef APISERVER_OUTGOING_LIBRARY_H
#define APISERVER_OUTGOING_LIBRARY_H

#define CURL_DISABLE_TYPECHECK /* its macros check calls of the functions themselves */
#include <curl/curl.h>

#include "base/error.h"

#define LIBRARY_FUNCTIONS(X)                                                                                 \
    X(curl_global_init)                                                                                      \
    X(curl_easy_init)                                                                                        \
    X(curl_easy_setopt)                                                                                      \
    X(curl_easy_getinfo)                                                                                     \
    X(curl_easy_pause)                                                                                       \
    X(curl_easy_send)                                                                                        \
    X(curl_easy_recv)                                                                                        \
    X(curl_easy_strerror)                                                                                    \
    X(curl_easy_cleanup)                                                                                     \
    X(curl_slist_append)                                                                                     \
    X(curl_slist_free_all)                                                                                   \
    X(curl_multi_init)                                                                                       \
    X(curl_multi_setopt)                                                                                     \
    X(curl_multi_add_handle)                                                                                 \
    X(curl_multi_remove_handle)                                                                              \
    X(curl_multi_perform)                                                                                    \
    X(curl_multi_info_read)                                                                                  \
    X(curl_multi_poll)                                                                                       \
    X(curl_multi_wakeup)                                                                                     \
    X(curl_multi_cleanup)

struct library {
#define LIBRARY_MEMBER(name) __typeof__(&name) name;
    LIBRARY_FUNCTIONS(LIBRARY_MEMBER)
#undef LIBRARY_MEMBER
};

/* Set once library_load has succeeded. */
extern struct library lib;
/* Any thread; after the first time it costs nothing. */
bool library_load(struct error *err);

#endif
