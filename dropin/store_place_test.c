#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include "dropin/small_http.h"
#include "dropin/store_place.h"
#include "launcher/addresses.h"

static void formats_and_reads(void **state)
{
    cleanup_arena struct arena *arena = arena_new();
    const struct store_place place = {"/tmp/with \"quotes\"", true};
    struct store_place got = {0};
    struct slice text = store_place_format(&place, arena);
    assert_string_equal(text.ptr, "{\"dataDir\":\"/tmp/with \\\"quotes\\\"\",\"noSync\":true}");
    assert_true(store_place_parse(text, arena, &got));
    assert_string_equal(got.data_dir, place.data_dir);
    assert_true(got.no_sync);
    const char *const bad[] = {
        "", "{}", "[]", "{\"dataDir\":1}", "{\"dataDir\":\"relative\"}", "{\"dataDir\":\"/a\""};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_false(store_place_parse(slice_str(bad[i]), arena, &got));
}

static void folders_of_prefixes(void **state)
{
    cleanup_arena struct arena *arena = arena_new();
    const struct store_place place = {"/data", false};
    assert_string_equal(store_place_folder(&place, "/registry", arena), "/data/coxswain-registry");
    assert_string_equal(store_place_folder(&place, "a/../b", arena), "/data/coxswain-a_.._b");
    assert_string_equal(store_place_folder(&place, "", arena), "/data/coxswain-");
}

static void refuses_what_is_no_place(void **state)
{
    const struct {
        const char *servers, *want;
    } rows[] = {
        {"https://127.0.0.1:1", "--etcd-servers: \"https://127.0.0.1:1\" is not a URL of the etcd of this "
                                "folder, which speaks plain http://"},
        {"http://127.0.0.1",
         "--etcd-servers: \"127.0.0.1\" is not an address: write HOST:PORT, such as 127.0.0.1:6443"},
        {"http://127.0.0.1:1/", "nothing listens at --etcd-servers http://127.0.0.1:1/: Connection refused"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        cleanup_arena struct arena *arena = arena_new();
        cleanup_error struct error err = ERROR_INIT;
        struct store_place place;
        assert_false(store_place_ask(rows[i].servers, 0, arena, &place, &err));
        assert_string_equal(err.message, rows[i].want);
    }
}

/* A process of its own, as in life; it ends when the pipe is closed. */
static void asks_a_server(const struct small_answer *answers, struct store_place *ret_place, bool want)
{
    cleanup_arena struct arena *arena = arena_new();
    cleanup_error struct error err = ERROR_INIT;
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    const struct address any = {.host = "127.0.0.1"};
    struct sockaddr_in at;
    socklen_t len = sizeof at;
    int probe = address_listen(&any);
    assert_int_equal(getsockname(probe, (struct sockaddr *)&at, &len), 0);
    close(probe);
    char *url = arena_printf(arena, "http://127.0.0.1:%d", ntohs(at.sin_port));
    pid_t child = fork();
    if (child == 0) {
        close(ends[1]);
        _exit(small_http_serve(url, answers, ends, 1, NULL) ? 0 : 1);
    }
    close(ends[0]);
    assert_int_equal(store_place_ask(url, 20, arena, ret_place, &err), want);
    if (!want)
        assert_non_null(strstr(err.message, "is not the etcd of this folder"));
    close(ends[1]);
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    ret_place->data_dir = NULL; /* lived in the arena */
}

static void asks(void **state)
{
    const struct small_answer ours[] = {{STORE_PLACE_PATH, SLICE("{\"dataDir\":\"/d\",\"noSync\":true}")},
                                        {0}};
    const struct small_answer others[] = {{"/health", SLICE("{}")}, {0}};
    struct store_place place = {0};
    asks_a_server(ours, &place, true);
    assert_true(place.no_sync);
    asks_a_server(others, &place, false);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(formats_and_reads),
        cmocka_unit_test(folders_of_prefixes),
        cmocka_unit_test(refuses_what_is_no_place),
        cmocka_unit_test(asks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
