#include "launcher/supervise.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "base/alloc.h"
#include "base/clock.h"

enum {
    PARTS_MAX = 16,
    FDS_PER_PART = 3,
    STOP_SECONDS = 30,
    LOG_MAX = 10 << 20,
    LOG_KEEP = 3,
    PIPE_SIZE = 1 << 20
};

#define SECOND      INT64_C(1000000000)
#define FIRST_DELAY (SECOND / 10)
#define LAST_DELAY  (10 * SECOND)
#define SETTLED     (60 * SECOND)
#define NO_DEADLINE INT64_MAX

struct supervisor {
    struct part parts[PARTS_MAX];
    size_t count;
    int signal_fd;
    sigset_t old_mask;
    unsigned signals; /* asked to stop, how often */
    part_changed_fn changed;
    void *arg;
};

int64_t supervise_backoff_nanos(unsigned deaths)
{
    int64_t delay = FIRST_DELAY;
    for (; deaths > 0 && delay < LAST_DELAY; deaths--)
        delay *= 2;
    return delay < LAST_DELAY ? delay : LAST_DELAY;
}

struct supervisor *supervisor_new(part_changed_fn changed, void *arg, struct error *err)
{
    struct supervisor *sup = xcalloc(1, sizeof *sup);
    sigset_t mask;
    sigemptyset(&mask);
    sigaddset(&mask, SIGTERM);
    sigaddset(&mask, SIGINT);
    sigaddset(&mask, SIGHUP);
    sigprocmask(SIG_BLOCK, &mask, &sup->old_mask);
    sup->signal_fd = signalfd(-1, &mask, SFD_CLOEXEC | SFD_NONBLOCK);
    sup->changed = changed;
    sup->arg = arg;
    if (sup->signal_fd < 0) {
        error_errno(err, "cannot watch for signals");
        supervisor_free(sup);
        return NULL;
    }
    return sup;
}

static void close_fd(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

void supervisor_free(struct supervisor *sup)
{
    for (size_t i = 0; i < sup->count; i++) {
        struct part *p = &sup->parts[i];
        assert(p->pid == 0);
        close_fd(&p->log_fd);
        close_fd(&p->ready_fd);
        logfile_release(&p->log);
    }
    close_fd(&sup->signal_fd);
    sigprocmask(SIG_SETMASK, &sup->old_mask, NULL);
    free(sup);
}

bool supervisor_add(struct supervisor *sup, const char *name, char *const *argv, const char *log_path,
                    struct error *err)
{
    assert(sup->count < PARTS_MAX);
    struct part *p = &sup->parts[sup->count];
    *p = (struct part){.name = name, .argv = argv, .pidfd = -1, .log_fd = -1, .ready_fd = -1};
    if (!logfile_init(&p->log, log_path, LOG_MAX, LOG_KEEP, err))
        return false;
    sup->count++;
    return true;
}

size_t supervisor_count(const struct supervisor *sup)
{
    return sup->count;
}

struct part *supervisor_part(struct supervisor *sup, size_t i)
{
    return &sup->parts[i];
}

static void set_state(struct supervisor *sup, struct part *p, enum part_state state, const char *detail)
{
    static const unsigned char legal[] = {
        [PART_DOWN] = 1 << PART_STARTING,
        [PART_STARTING] = 1 << PART_READY | 1 << PART_WAITING | 1 << PART_STOPPING | 1 << PART_DOWN,
        [PART_READY] = 1 << PART_WAITING | 1 << PART_STOPPING | 1 << PART_DOWN,
        [PART_WAITING] = 1 << PART_STARTING | 1 << PART_DOWN,
        [PART_STOPPING] = 1 << PART_DOWN,
    };
    assert(legal[p->state] & 1 << state);
    p->state = state;
    if (sup->changed)
        sup->changed(sup->arg, p, detail);
}

/* In the child: only async-signal-safe calls. */
static void __attribute__((noreturn))
run_child(const struct supervisor *sup, const struct part *p, pid_t parent, int log, int ready)
{
    setpgid(0, 0);
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (getppid() != parent)
        _exit(1); /* it died before the line above */
    sigprocmask(SIG_SETMASK, &sup->old_mask, NULL);
    signal(SIGPIPE, SIG_DFL);
    int null = open("/dev/null", O_RDONLY);
    dup2(null, 0);
    dup2(log, 1);
    dup2(log, 2);
    if (ready == SUPERVISE_READY_FD)
        fcntl(ready, F_SETFD, 0);
    else
        dup2(ready, SUPERVISE_READY_FD);
    syscall(SYS_close_range, SUPERVISE_READY_FD + 1, ~0U, 0);
    execv(p->argv[0], p->argv);
    dprintf(2, "cannot run %s: %s\n", p->argv[0], strerror(errno));
    _exit(127);
}

/* The write ends must not be 0 to 2 or the ready descriptor's number, which run_child fills: true as the
 * launcher keeps 0 to 2 open; the log's write end is moved when it is the ready number. */
static bool make_pipes(int log[2], int ready[2])
{
    log[0] = log[1] = ready[0] = ready[1] = -1;
    if (pipe2(log, O_CLOEXEC) != 0 || pipe2(ready, O_CLOEXEC) != 0)
        return false;
    if (log[1] == SUPERVISE_READY_FD) {
        int moved = fcntl(log[1], F_DUPFD_CLOEXEC, SUPERVISE_READY_FD + 1);
        if (moved < 0)
            return false;
        close(log[1]);
        log[1] = moved;
    }
    fcntl(log[1], F_SETPIPE_SZ, PIPE_SIZE); /* more room is a kindness to the part, not a need */
    return fcntl(log[0], F_SETFL, O_NONBLOCK) == 0 && fcntl(ready[0], F_SETFL, O_NONBLOCK) == 0;
}

static bool spawn(struct supervisor *sup, struct part *p, struct error *err)
{
    int log[2], ready[2];
    pid_t self = getpid(), pid = -1;
    bool ok = make_pipes(log, ready);
    if (ok)
        pid = fork();
    if (pid == 0)
        run_child(sup, p, self, log[1], ready[1]);
    int pidfd = pid > 0 ? (int)syscall(SYS_pidfd_open, pid, 0) : -1;
    int why = errno;
    close_fd(&log[1]);
    close_fd(&ready[1]);
    if (pidfd < 0) {
        if (pid > 0) {
            kill(pid, SIGKILL);
            waitpid(pid, NULL, 0);
        }
        close_fd(&log[0]);
        close_fd(&ready[0]);
        errno = why;
        return error_errno(err, "cannot start %s", p->name);
    }
    close_fd(&p->log_fd);
    close_fd(&p->ready_fd);
    p->pid = pid;
    p->pidfd = pidfd;
    p->log_fd = log[0];
    p->ready_fd = ready[0];
    p->ready_len = 0;
    p->started_at = clock_now_seconds();
    p->started_mono = clock_mono_nanos();
    logfile_forget(&p->log);
    set_state(sup, p, PART_STARTING, NULL);
    return true;
}

static void read_log(struct part *p)
{
    char bytes[65536];
    /* No more than the pipe holds at a time: a part that logs without end must not keep us from the others.
     */
    for (int i = 0; i < PIPE_SIZE / (int)sizeof bytes; i++) {
        ssize_t n = read(p->log_fd, bytes, sizeof bytes);
        if (n > 0) {
            logfile_write(&p->log, slice_make(bytes, (size_t)n));
            continue;
        }
        if (n < 0 && errno == EINTR)
            continue;
        if (n == 0 || errno != EAGAIN)
            close_fd(&p->log_fd);
        return;
    }
}

static void read_ready(struct supervisor *sup, struct part *p)
{
    size_t room = sizeof p->ready_text - 1 - p->ready_len;
    ssize_t n = room ? read(p->ready_fd, p->ready_text + p->ready_len, room) : 0;
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n <= 0) {
        close_fd(&p->ready_fd);
        return;
    }
    p->ready_len += (size_t)n;
    p->ready_text[p->ready_len] = '\0';
    unsigned port;
    if (!strchr(p->ready_text, '\n'))
        return;
    close_fd(&p->ready_fd);
    if (p->state == PART_STARTING && sscanf(p->ready_text, "READY %u", &port) == 1 && port <= 65535) {
        p->port = (uint16_t)port;
        set_state(sup, p, PART_READY, NULL);
    }
}

static const char *why_it_ended(struct part *p, const siginfo_t *info, char *text, size_t size)
{
    if (info->si_code == CLD_EXITED)
        snprintf(text, size, "ended with code %d", info->si_status);
    else
        snprintf(text, size, "was killed by signal %d (%s)", info->si_status, strsignal(info->si_status));
    const char *last = logfile_last_line(&p->log);
    size_t used = strlen(text);
    if (*last)
        snprintf(text + used, size - used, ": %s", last);
    return text;
}

static void reap(struct supervisor *sup, struct part *p)
{
    siginfo_t info = {0};
    char why[LOGFILE_LINE + 80];
    if (waitid(P_PID, (id_t)p->pid, &info, WEXITED | WNOHANG) != 0 || info.si_pid == 0)
        return;
    if (p->log_fd >= 0)
        read_log(p);
    if (p->ready_fd >= 0)
        read_ready(sup, p);
    p->pid = 0;
    close_fd(&p->pidfd);
    close_fd(&p->ready_fd);
    why_it_ended(p, &info, why, sizeof why);
    if (p->state == PART_STOPPING) {
        set_state(sup, p, PART_DOWN, why);
        return;
    }
    int64_t now = clock_mono_nanos();
    if (now - p->started_mono >= SETTLED)
        p->deaths = 0;
    p->retry_at = now + supervise_backoff_nanos(p->deaths++);
    set_state(sup, p, PART_WAITING, why);
}

static void read_signals(struct supervisor *sup)
{
    struct signalfd_siginfo info;
    while (read(sup->signal_fd, &info, sizeof info) == sizeof info)
        sup->signals++;
}

static int millis_until(int64_t deadline)
{
    if (deadline == NO_DEADLINE)
        return -1;
    int64_t left = deadline - clock_mono_nanos();
    if (left <= 0)
        return 0;
    left = left / 1000000 + 1;
    return left < INT32_MAX ? (int)left : INT32_MAX;
}

/* Waits for the next event (or the deadline) and handles all there are. */
static void pump(struct supervisor *sup, int64_t deadline)
{
    struct pollfd fds[1 + PARTS_MAX * FDS_PER_PART];
    fds[0] = (struct pollfd){sup->signal_fd, POLLIN, 0};
    for (size_t i = 0; i < sup->count; i++) {
        const struct part *p = &sup->parts[i];
        struct pollfd *of_part = &fds[1 + i * FDS_PER_PART];
        of_part[0] = (struct pollfd){p->log_fd, POLLIN, 0}; /* negative ones are left out by poll */
        of_part[1] = (struct pollfd){p->ready_fd, POLLIN, 0};
        of_part[2] = (struct pollfd){p->pidfd, POLLIN, 0};
    }
    if (poll(fds, 1 + sup->count * FDS_PER_PART, millis_until(deadline)) < 0)
        return;
    if (fds[0].revents)
        read_signals(sup);
    for (size_t i = 0; i < sup->count; i++) {
        struct part *p = &sup->parts[i];
        const struct pollfd *of_part = &fds[1 + i * FDS_PER_PART];
        if (of_part[0].revents)
            read_log(p);
        if (of_part[1].revents)
            read_ready(sup, p);
        if (of_part[2].revents)
            reap(sup, p);
    }
}

/* Programs begin their last words with their name, which the sentence has already. */
static const char *without_name(const char *line, const char *program)
{
    const char *slash = strrchr(program, '/');
    size_t len = strlen(slash ? slash + 1 : program);
    if (!strncmp(line, slash ? slash + 1 : program, len) && !strncmp(line + len, ": ", 2))
        return line + len + 2;
    return line;
}

/* PART_WAITING after a start that failed means "will not come back": nobody waits for it. */
static bool start_failed(struct supervisor *sup, struct part *p, struct error *err)
{
    const char *last = without_name(logfile_last_line(&p->log), p->argv[0]);
    if (*last)
        error_set(err, REASON_INTERNAL, "%s did not start: %s", p->name, last);
    else
        error_set(err, REASON_INTERNAL, "%s ended before it was ready and did not say why, see %s", p->name,
                  p->log.path);
    set_state(sup, p, PART_DOWN, NULL);
    return false;
}

static bool start_one(struct supervisor *sup, struct part *p, int64_t deadline, struct error *err)
{
    if (!spawn(sup, p, err))
        return false;
    while (p->state == PART_STARTING) {
        pump(sup, deadline);
        if (sup->signals)
            return error_set(err, REASON_INTERNAL, "stopped by a signal before %s was ready", p->name);
        if (p->state == PART_STARTING && clock_mono_nanos() >= deadline)
            return error_set(err, REASON_TIMEOUT, "%s is not ready in time, see %s", p->name, p->log.path);
    }
    return p->state == PART_READY || start_failed(sup, p, err);
}

bool supervisor_start(struct supervisor *sup, int timeout_seconds, struct error *err)
{
    int64_t deadline = clock_mono_nanos() + timeout_seconds * SECOND;
    for (size_t i = 0; i < sup->count; i++) {
        if (!start_one(sup, &sup->parts[i], deadline, err)) {
            supervisor_stop(sup);
            return false;
        }
    }
    return true;
}

/* Starts what is due; the time when the next one is. */
static int64_t restart_due(struct supervisor *sup)
{
    int64_t next = NO_DEADLINE;
    for (size_t i = 0; i < sup->count; i++) {
        struct part *p = &sup->parts[i];
        if (p->state != PART_WAITING)
            continue;
        if (clock_mono_nanos() >= p->retry_at) {
            p->restarts++;
            cleanup_error struct error err = ERROR_INIT;
            if (spawn(sup, p, &err))
                continue;
            p->retry_at = clock_mono_nanos() + supervise_backoff_nanos(p->deaths++);
        }
        next = p->retry_at < next ? p->retry_at : next;
    }
    return next;
}

void supervisor_run(struct supervisor *sup)
{
    while (!sup->signals)
        pump(sup, restart_due(sup));
}

static bool stop_one(struct supervisor *sup, struct part *p)
{
    if (p->state == PART_WAITING) {
        set_state(sup, p, PART_DOWN, NULL);
        return true;
    }
    if (p->pid == 0)
        return true;
    set_state(sup, p, PART_STOPPING, NULL);
    kill(p->pid, SIGTERM); /* ours and not yet waited for: the number cannot be another's */
    unsigned signals = sup->signals;
    int64_t deadline = clock_mono_nanos() + STOP_SECONDS * SECOND;
    bool killed = false;
    while (p->pid) {
        pump(sup, killed ? NO_DEADLINE : deadline);
        if (p->pid && !killed && (sup->signals != signals || clock_mono_nanos() >= deadline)) {
            kill(p->pid, SIGKILL);
            killed = true;
        }
    }
    return !killed;
}

bool supervisor_stop(struct supervisor *sup)
{
    bool clean = true;
    for (size_t i = sup->count; i > 0; i--)
        clean &= stop_one(sup, &sup->parts[i - 1]);
    return clean;
}
