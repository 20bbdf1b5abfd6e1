#include "dropin/guardian.h"

#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

pid_t guardian_pid(void)
{
    return getenv("KUBEBUILDER_ASSETS") ? getppid() : 0;
}

int guardian_open(void)
{
    pid_t pid = guardian_pid();
    return pid > 0 ? (int)syscall(SYS_pidfd_open, pid, 0) : -1;
}
