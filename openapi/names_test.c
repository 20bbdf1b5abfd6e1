#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "openapi/names.h"

struct name_case {
    const char *(*check)(struct slice s);
    const char *text;
    const char *faults[4]; /* how each begins, in order; none: the text is good */
};

#define L10 "aaaaaaaaaa"
#define L63 L10 L10 L10 L10 L10 L10 "aaa"

static const struct name_case cases[] = {
    {name_check_label, "a"},
    {name_check_label, "123-abc"},
    {name_check_label, L63},
    {name_check_label, L63 "a", {"must be no more than 63 bytes"}},
    {name_check_label, "a.b", {"must not contain dots"}},
    {name_check_label, "", {"an RFC 1123 label"}},
    {name_check_label, "-a", {"an RFC 1123 label"}},
    {name_check_label, "a-", {"an RFC 1123 label"}},
    {name_check_label, "A", {"an RFC 1123 label"}},
    {name_check_label, "Z" L63, {"must be no more than 63 bytes", "an RFC 1123 label"}},
    {name_check_label_1035, "a1"},
    {name_check_label_1035, "1a", {"an RFC 1035 label"}},
    {name_check_subdomain, "a.b-c.1"},
    {name_check_subdomain, L63 "a." L63}, /* its labels have no limit of their own */
    {name_check_subdomain, "a..b", {"an RFC 1123 subdomain"}},
    {name_check_subdomain, ".a", {"an RFC 1123 subdomain"}},
    {name_check_subdomain, "a.", {"an RFC 1123 subdomain"}},
    {name_check_subdomain, "a_b", {"an RFC 1123 subdomain"}},
    {name_check_subdomain_with_underscore, "_a.b_c"},
    {name_check_subdomain_with_underscore, "__a", {"must be labels"}},
    {name_check_wildcard_subdomain, "*.example.com"},
    {name_check_wildcard_subdomain, "*", {"must be '*.'"}},
    {name_check_wildcard_subdomain, "a.b", {"must be '*.'"}},
    {name_check_path_segment, "system:node"},
    {name_check_path_segment, "..", {"may not be '..'"}},
    {name_check_path_segment, "a/b%c", {"may not contain '/'", "may not contain '%'"}},
    {name_check_qualified, "a"},
    {name_check_qualified, "example.com/A_b.c"},
    {name_check_qualified, "", {"name part must be non-empty", "name part holds only"}},
    {name_check_qualified, "/a", {"prefix part must be non-empty"}},
    {name_check_qualified, "a/", {"name part must be non-empty", "name part holds only"}},
    {name_check_qualified, "a/b/c", {"must be a name with at most one prefix"}},
    {name_check_qualified, "Example/a", {"prefix part is no"}},
    {name_check_qualified, "B!/a!", {"prefix part is no", "name part holds only"}},
    {name_check_label_value, ""},
    {name_check_label_value, "A.b_c-1"},
    {name_check_label_value, "-a", {"a label's value"}},
    {name_check_config_key, "a.b_C-1"},
    {name_check_config_key, "...", {"must not start with '..'"}},
    {name_check_config_key, ".", {"must not be '.'"}},
    {name_check_config_key, "..", {"must not be '..'"}},
    {name_check_config_key, "a b", {"a key holds only"}},
    {name_check_env_var, "1 !a"},
    {name_check_env_var, "", {"environment variable name must be non-empty"}},
    {name_check_env_var, "A=B", {"a name of an environment variable"}},
    {name_check_env_var, "\xc3\xa4", {"a name of an environment variable"}},
    {name_check_c_identifier, "_a1"},
    {name_check_c_identifier, "1a", {"a C identifier"}},
    {name_check_port_name, "http-2"},
    {name_check_port_name, "123", {"must hold at least one letter"}},
    {name_check_port_name, "A--b-", {"must hold only", "must not hold two", "must not begin or end"}},
    {name_check_port_name, "aaaaaaaaaaaaaaaa", {"must be no more than 15 characters"}},
    {name_check_http_header, "X-Y"},
    {name_check_http_header, "X Y", {"a header's name"}},
    {name_check_ip, "10.0.0.1"},
    {name_check_ip, "2001:db8::1"},
    {name_check_ip, "10.0.0.01", {"must be a valid IP address"}},
    {name_check_ip, "::ffff:10.0.0.1", {"must not be an IPv4-mapped"}},
    {name_check_ip, "fe80::1%eth0", {"must be a valid IP address"}},
    {name_check_cidr, "10.0.0.0/8"},
    {name_check_cidr, "10.0.0.0/33", {"must be a valid CIDR"}},
    {name_check_cidr, "10.0.0.0/08", {"must be a valid CIDR"}},
    {name_check_cidr, "2001:db8::/128"},
    {name_check_cidr, "10.0.0.0", {"must be a valid CIDR"}},
    {name_check_dns1123_prefix, "a-"},
    {name_check_dns1123_prefix, "-", {"an RFC 1123 subdomain"}},
};

static void test_names(void **state)
{
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *have[NAME_MAX_FAULTS];
        struct slice text = slice_str(cases[i].text);
        size_t count = name_faults(text, cases[i].check, have), wanted = 0;
        while (wanted < 4 && cases[i].faults[wanted])
            wanted++;
        if (count != wanted)
            fail_msg("\"%s\" (case %zu): want %zu faults, have %zu (%s)", cases[i].text, i, wanted, count,
                     count ? have[0] : "");
        for (size_t j = 0; j < count; j++) {
            if (strncmp(have[j], cases[i].faults[j], strlen(cases[i].faults[j])) != 0)
                fail_msg("\"%s\": want %s, have %s", cases[i].text, cases[i].faults[j], have[j]);
        }
        const char *first = cases[i].check(text);
        if ((first != NULL) != (count > 0) || (first && strcmp(first, have[0]) != 0))
            fail_msg("\"%s\": the first fault is %s, alone it is %s", cases[i].text, count ? have[0] : "none",
                     first ? first : "none");
    }
}

static void test_names_are_bounded_by_their_length(void **state)
{
    /* Slices end where they say, not at a NUL. */
    assert_null(name_check_label(slice_make("abc_", 3)));
    assert_non_null(name_check_label(slice_make("a\0c", 3)));
    assert_non_null(name_check_ip(slice_make("1.1.1.1\0", 8)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_names),
                                       cmocka_unit_test(test_names_are_bounded_by_their_length)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
