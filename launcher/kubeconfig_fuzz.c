/* Whatever is in a kubeconfig: no crash, and what a merge wrote can be merged into again without change. */
#include <assert.h>

#include "launcher/kubeconfig.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct kubeconfig_entry entry = {"coxswain", "https://127.0.0.1:6443", SLICE("CA"), SLICE("CERT"),
                                           SLICE("KEY")};
    cleanup_buf struct buf once = BUF_INIT(64 << 20);
    cleanup_buf struct buf twice = BUF_INIT(64 << 20);
    cleanup_error struct error err = ERROR_INIT;
    if (!kubeconfig_merge(slice_make((const char *)data, size), &entry, &once, &err)) {
        assert(error_is_set(&err));
        return 0;
    }
    /* libyaml cannot read back all that it writes (keys longer than 1,024 bytes): then the second merge
     * refuses */
    if (kubeconfig_merge(buf_slice(&once), &entry, &twice, &err))
        assert(slice_eq(buf_slice(&once), buf_slice(&twice)));
    return 0;
}
