#include "base/log.h"

#include <stdatomic.h>
#include <strings.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"

static atomic_int threshold = LOG_INFO;
static const char *part_name = "coxswain";
static const char *const level_names[] = {"DEBUG", "INFO", "WARN", "ERROR", "OFF"};

void log_set_level(enum log_level level)
{
    atomic_store_explicit(&threshold, (int)level, memory_order_relaxed);
}

bool log_level_parse(const char *name, enum log_level *ret_level)
{
    for (int i = 0; i <= LOG_OFF; i++) {
        if (strcasecmp(name, level_names[i]) == 0) {
            *ret_level = (enum log_level)i;
            return true;
        }
    }
    return false;
}

void log_set_part(const char *part)
{
    part_name = part;
}

bool log_enabled(enum log_level level)
{
    return (int)level >= atomic_load_explicit(&threshold, memory_order_relaxed);
}

static void put_value(struct buf *line, struct slice s)
{
    bool plain = s.len > 0;
    for (size_t i = 0; plain && i < s.len; i++) {
        unsigned char c = (unsigned char)s.ptr[i];
        plain = c > ' ' && c != '"' && c != '=' && c != '\\' && c != 0x7f;
    }
    if (plain)
        buf_put_slice(line, s);
    else
        buf_put_quoted(line, s);
}

static void put_word(struct buf *line, const char *word)
{
    buf_putc(line, ' ');
    buf_puts(line, word);
}

/* Milliseconds with three decimals. A line is written for each request: by hand, as printf would take longer
 * than all else here. */
static void put_millis(struct buf *line, int64_t nanos)
{
    int64_t micros = nanos < 0 ? 0 : (nanos + 500) / 1000;
    int part = (int)(micros % 1000);
    buf_put_int(line, micros / 1000);
    buf_put(line,
            (char[4]){'.', (char)('0' + part / 100), (char)('0' + part / 10 % 10), (char)('0' + part % 10)},
            4);
}

void log_write(enum log_level level, const char *message, const struct log_field *fields)
{
    cleanup_buf struct buf line = BUF_INIT(16 * 1024);
    char when[CLOCK_TEXT];
    buf_reserve(&line, 512);
    buf_put_slice(&line, clock_format_micros(clock_now_micros(), when));
    put_word(&line, level_names[level]);
    put_word(&line, part_name);
    put_word(&line, message);
    for (; fields->type != LOG_END; fields++) {
        put_word(&line, fields->key);
        buf_putc(&line, '=');
        if (fields->type == LOG_STR)
            put_value(&line, fields->s);
        else if (fields->type == LOG_INT)
            buf_put_int(&line, fields->n);
        else
            put_millis(&line, fields->n);
    }
    line.failed = false; /* an overlong line is cut, not lost */
    if (line.len == line.max)
        line.len--;
    buf_putc(&line, '\n');
    ssize_t ignored = write(STDERR_FILENO, line.data, line.len);
    (void)ignored;
}
