/*
 * log: structured lines on stderr (or a file the supervisor gives as stderr), one JSON-free line each:
 *
 *     2026-11-24T03:26:01.123456Z INFO apiserver request user="admin" verb=create code=201 ms=0.412
 *
 * Values are quoted when they hold a space, a quote, or a control character, so that no client can forge a
 * line. Never pass a secret: no token, key, or body. Any thread; a line is one write(2).
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <stdint.h>
#include "base/slice.h"

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR, LOG_OFF };

void log_set_level(enum log_level level);
bool log_level_parse(const char *name, enum log_level *ret_level);
/* The part's name in every line ("apiserver"); a string that lives as long as the process. */
void log_set_part(const char *part);
bool log_enabled(enum log_level level);

struct log_field {
    const char *key;
    enum { LOG_END, LOG_STR, LOG_INT, LOG_MS } type;
    struct slice s;
    int64_t n; /* LOG_MS: nanoseconds, shown as milliseconds */
};

#define LOG_S(k, v) ((struct log_field){(k), LOG_STR, .s = slice_str(v)})
#define LOG_V(k, v) ((struct log_field){(k), LOG_STR, .s = (v)})
#define LOG_N(k, v) ((struct log_field){(k), LOG_INT, .n = (int64_t)(v)})
#define LOG_T(k, v) ((struct log_field){(k), LOG_MS, .n = (int64_t)(v)})

/* fields ends with a field of type LOG_END (all zero). */
void log_write(enum log_level level, const char *message, const struct log_field *fields);

#define log_at(level, message, ...)                                                                          \
    do {                                                                                                     \
        if (log_enabled(level))                                                                              \
            log_write(level, message, (const struct log_field[]){__VA_ARGS__ __VA_OPT__(, ){0}});            \
    } while (0)
#define log_debug(message, ...) log_at(LOG_DEBUG, message, __VA_ARGS__)
#define log_info(message, ...)  log_at(LOG_INFO, message, __VA_ARGS__)
#define log_warn(message, ...)  log_at(LOG_WARN, message, __VA_ARGS__)
#define log_error(message, ...) log_at(LOG_ERROR, message, __VA_ARGS__)

#endif
