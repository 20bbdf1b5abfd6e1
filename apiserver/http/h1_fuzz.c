#include "apiserver/http/fuzzing.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!fuzz_server)
        fuzz_start();
    fuzz_send("", 0, data, size);
    return 0;
}
