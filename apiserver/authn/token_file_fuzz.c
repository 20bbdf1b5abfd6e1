/* Any bytes as a token file. */
#include "apiserver/authn/token_file.h"

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
    cleanup_error struct error err = ERROR_INIT;
    struct token_file *file = token_file_parse(slice_make((const char *)data, size), "f", &err);
    if (file)
        token_file_find(file, SLICE("t1"));
    token_file_free(file);
    return 0;
}
