#include "apiserver/outgoing/library.h"

#include <dlfcn.h>
#include <pthread.h>

struct library lib;

static const char *problem; /* why it is not there */

static bool find(void *handle, const char *name, void *ret_function)
{
    void *symbol = dlsym(handle, name);
    if (symbol)
        memcpy(ret_function, &symbol, sizeof symbol);
    else
        problem = dlerror();
    return symbol != NULL;
}

static void load(void)
{
    void *handle = dlopen("libcurl.so.4", RTLD_NOW | RTLD_LOCAL); /* for as long as the process lives */
    if (!handle) {
        problem = dlerror();
        return;
    }
    bool ok = true;
#define LIBRARY_FIND(name) ok = ok && find(handle, #name, &lib.name);
    LIBRARY_FUNCTIONS(LIBRARY_FIND)
#undef LIBRARY_FIND
    if (ok && lib.curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
        problem = "it cannot be initialised";
}

bool library_load(struct error *err)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, load);
    return !problem || error_set(err, REASON_SERVICE_UNAVAILABLE, "libcurl cannot be loaded: %s", problem);
}
