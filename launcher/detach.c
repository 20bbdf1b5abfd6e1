#include "launcher/detach.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "base/alloc.h"

enum { LOG_MAX = 1 << 20 };

static volatile sig_atomic_t child;

static void pass_on(int signal)
{
    kill(child, SIGTERM);
}

static void __attribute__((noreturn)) wait_for_report(int fd)
{
    unsigned char code = 1;
    struct sigaction action = {.sa_handler = pass_on, .sa_flags = SA_RESTART};
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    /* End of file without a report: the child died; what it had to say is on the terminal. */
    while (read(fd, &code, 1) < 0 && errno == EINTR)
        continue;
    _exit(code);
}

int detach_fork(struct error *err)
{
    int fds[2];
    if (pipe2(fds, O_CLOEXEC) != 0) {
        error_errno(err, "cannot go to the background");
        return -1;
    }
    fflush(NULL);
    pid_t pid = fork();
    if (pid < 0) {
        close(fds[0]);
        close(fds[1]);
        error_errno(err, "cannot go to the background");
        return -1;
    }
    if (pid > 0) {
        child = pid;
        close(fds[1]);
        wait_for_report(fds[0]);
    }
    close(fds[0]);
    setsid();
    return fds[1];
}

void detach_report(int fd, int exit_code)
{
    unsigned char code = (unsigned char)exit_code;
    fflush(NULL);
    ssize_t ignored = write(fd, &code, 1); /* fails when nobody waits any more */
    (void)ignored;
    close(fd);
}

bool detach_from_terminal(const char *log_path, struct error *err)
{
    struct stat st;
    if (stat(log_path, &st) == 0 && st.st_size > LOG_MAX) {
        cleanup_free char *old = xasprintf("%s.1", log_path);
        rename(log_path, old);
    }
    cleanup_fd int log = open(log_path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    cleanup_fd int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (log < 0 || null < 0)
        return error_errno(err, "cannot write %s", log_path);
    fflush(NULL);
    if (dup2(null, STDIN_FILENO) < 0 || dup2(log, STDOUT_FILENO) < 0 || dup2(log, STDERR_FILENO) < 0 ||
        chdir("/") != 0)
        return error_errno(err, "cannot leave the terminal");
    return true;
}
