#include "apiserver/http/fuzzing.h"

/* The input is what follows the connection preface and an empty SETTINGS frame. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char preface[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0";
    if (!fuzz_server)
        fuzz_start();
    fuzz_send(preface, sizeof preface - 1, data, size);
    return 0;
}
