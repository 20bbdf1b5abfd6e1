#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <arpa/inet.h>
#include <string.h>
#include <sys/socket.h>

#include "launcher/addresses.h"

static void parses(void **state)
{
    const struct {
        const char *text, *host;
        uint16_t port;
        const char *url;
    } rows[] = {
        {"127.0.0.1:6443", "127.0.0.1", 6443, "https://127.0.0.1:6443"},
        {"localhost:0", "localhost", 0, "https://localhost:0"},
        {"[::1]:65535", "::1", 65535, "https://[::1]:65535"},
        {":6443", "", 6443, "https://127.0.0.1:6443"},
        {"0.0.0.0:1", "0.0.0.0", 1, "https://127.0.0.1:1"},
        {"[::]:1", "::", 1, "https://[::1]:1"},
    };
    cleanup_arena struct arena *arena = arena_new();
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct address a;
        cleanup_error struct error err = ERROR_INIT;
        if (!address_parse(rows[i].text, &a, &err))
            fail_msg("%s: %s", rows[i].text, err.message);
        assert_string_equal(a.host, rows[i].host);
        assert_int_equal(a.port, rows[i].port);
        assert_string_equal(address_url(&a, arena), rows[i].url);
    }
}

static void refuses(void **state)
{
    const char *const rows[] = {"",        "6443",     "host:",   "host:x",     "host:65536",
                                "host:-1", "::1:6443", "host: 1", "host:000001"};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct address a;
        cleanup_error struct error err = ERROR_INIT;
        if (address_parse(rows[i], &a, &err))
            fail_msg("\"%s\" gave host \"%s\" port %u", rows[i], a.host, a.port);
        assert_non_null(strstr(err.message, "is not an address: write"));
    }
}

static void first_addresses(void **state)
{
    const struct {
        const char *networks, *want; /* NULL: refused */
    } rows[] = {
        {"10.96.0.0/16", "10.96.0.1 "},
        {"10.96.7.9/16", "10.96.0.1 "},
        {"10.0.0.8/29", "10.0.0.9 "},
        {"fd00:10::/108", "fd00:10::1 "},
        {"10.96.0.0/16,fd00::/112", "10.96.0.1 fd00::1 "},
        {"10.96.0.0", NULL},
        {"10.96.0.0/33", NULL},
        {"10.96.0.0/30", NULL},
        {"x/8", NULL},
        {"", NULL},
        {"10.0.0.0/8,10.1.0.0/16,10.2.0.0/16", NULL},
    };
    cleanup_arena struct arena *arena = arena_new();
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const char *texts[2];
        size_t count = 0;
        cleanup_error struct error err = ERROR_INIT;
        bool ok = address_first_of_networks(rows[i].networks, arena, texts, 2, &count, &err);
        const char *got = ok ? "" : NULL;
        for (size_t k = 0; ok && k < count; k++)
            got = arena_printf(arena, "%s%s ", got, texts[k]);
        if ((got == NULL) != (rows[i].want == NULL) || (got && strcmp(got, rows[i].want) != 0))
            fail_msg("%s: got %s, want %s", rows[i].networks, got ? got : "an error",
                     rows[i].want ? rows[i].want : "an error");
    }
}

static bool has(const char *const *names, const char *name)
{
    size_t found = 0;
    for (; *names; names++)
        found += !strcmp(*names, name);
    return found == 1;
}

static void server_names(void **state)
{
    const struct {
        const char *listen, *also;
    } rows[] = {
        {"127.0.0.1:1", "::1"},
        {"192.0.2.7:1", "192.0.2.7"},
        {"api.example:1", "api.example"},
        {"0.0.0.0:1", "127.0.0.1"},
        {"localhost:1", "kubernetes.default.svc.cluster.local"},
    };
    cleanup_arena struct arena *arena = arena_new();
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct address a;
        const char *const *names;
        assert_true(address_parse(rows[i].listen, &a, NULL));
        assert_true(address_server_names(&a, "box", "10.96.0.0/16", arena, &names, NULL));
        const char *const want[] = {"localhost", "kubernetes", "kubernetes.default.svc", "box", "10.96.0.1",
                                    "127.0.0.1", rows[i].also};
        for (size_t k = 0; k < sizeof want / sizeof *want; k++) {
            if (!has(names, want[k]))
                fail_msg("--listen %s: the certificate lacks %s, or has it twice", rows[i].listen, want[k]);
        }
        assert_false(has(names, "0.0.0.0"));
    }
}

static void a_port_in_use(void **state)
{
    cleanup_fd int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof at;
    assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof at), 0);
    assert_int_equal(listen(fd, 1), 0);
    getsockname(fd, (struct sockaddr *)&at, &len);
    struct address a = {"127.0.0.1", ntohs(at.sin_port)};
    cleanup_error struct error err = ERROR_INIT;
    assert_false(address_check_free(&a, &err));
    assert_int_equal(err.reason, REASON_CONFLICT);
    cleanup_arena struct arena *arena = arena_new();
    cleanup_free char *self = NULL;
    assert_true(asprintf(&self, "launcher_addresses_test (process %d)", (int)getpid()) > 0);
    assert_string_equal(address_port_owner(a.port, arena), self);
    close(fd);
    fd = -1;
    assert_true(address_check_free(&a, NULL));
    assert_null(address_port_owner(a.port, arena));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parses),       cmocka_unit_test(refuses),       cmocka_unit_test(first_addresses),
        cmocka_unit_test(server_names), cmocka_unit_test(a_port_in_use),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
