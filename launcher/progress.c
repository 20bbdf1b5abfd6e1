#include "launcher/progress.h"

#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"

#define CLEAR_LINE "\r\033[K"

void progress_init(struct progress *progress)
{
    const char *term = getenv("TERM");
    *progress = (struct progress){.terminal = isatty(STDOUT_FILENO) && term && strcmp(term, "dumb") != 0,
                                  .started = clock_mono_nanos()};
}

static double millis_since(int64_t then)
{
    return (double)(clock_mono_nanos() - then) / 1e6;
}

double progress_total_millis(const struct progress *progress)
{
    return millis_since(progress->started);
}

static void __attribute__((format(printf, 3, 0)))
line(const struct progress *p, const char *mark, const char *fmt, va_list args)
{
    if (p->terminal)
        printf(CLEAR_LINE "%s ", mark);
    vprintf(fmt, args);
}

void progress_step(struct progress *progress, const char *fmt, ...)
{
    progress->step_started = clock_mono_nanos();
    progress->open = true;
    if (!progress->terminal)
        return;
    va_list args;
    va_start(args, fmt);
    line(progress, "…", fmt, args);
    va_end(args);
    fflush(stdout);
}

static void end_line(const struct progress *p, double millis)
{
    if (millis >= 0 && p->terminal)
        printf(" \033[2m(%.0f ms)\033[0m", millis);
    else if (millis >= 0)
        printf(" (%.0f ms)", millis);
    putchar('\n');
    fflush(stdout);
}

void progress_done(struct progress *progress, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    line(progress, "\033[32m✓\033[0m", fmt, args);
    va_end(args);
    end_line(progress, progress->open ? millis_since(progress->step_started) : -1);
    progress->open = false;
}

void progress_failed(struct progress *progress)
{
    if (progress->open && progress->terminal) {
        fputs("\r\033[31m✗\033[0m\n", stdout);
        fflush(stdout);
    }
    progress->open = false;
}

void progress_note(struct progress *progress, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    line(progress, " ", fmt, args);
    va_end(args);
    end_line(progress, -1);
}

int progress_problem(const struct error *err)
{
    fflush(stdout);
    fprintf(stderr, "coxswain: %s\n", err->message);
    return 1;
}
