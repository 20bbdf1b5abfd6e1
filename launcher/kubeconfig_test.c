#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "launcher/files.h"
#include "launcher/kubeconfig.h"

static const struct kubeconfig_entry ENTRY = {
    "coxswain", "https://127.0.0.1:6443", {"CA", 2}, {"CERT", 4}, {"KEY", 3}};

#define OURS_CLUSTER                                                                                         \
    "- cluster:\n    certificate-authority-data: Q0E=\n    server: https://127.0.0.1:6443\n  name: "         \
    "coxswain\n"
#define OURS_CONTEXT "- context:\n    cluster: coxswain\n    user: coxswain\n  name: coxswain\n"
#define OURS_USER                                                                                            \
    "- name: coxswain\n  user:\n    client-certificate-data: Q0VSVA==\n    client-key-data: S0VZ\n"
#define NEW_USER                                                                                             \
    "- user:\n    client-certificate-data: Q0VSVA==\n    client-key-data: S0VZ\n  name: coxswain\n"

static const struct {
    const char *claim, *before, *after;
} merges[] = {
    {"a new file", "",
     "apiVersion: v1\nclusters:\n" OURS_CLUSTER "contexts:\n" OURS_CONTEXT
     "current-context: coxswain\nkind: Config\npreferences: {}\nusers:\n" NEW_USER},
    {"nulls, as `kubectl config view` writes them",
     "apiVersion: v1\nclusters: null\ncontexts: ~\nkind: Config\nusers:\n",
     "apiVersion: v1\nclusters:\n" OURS_CLUSTER "contexts:\n" OURS_CONTEXT "kind: Config\nusers:\n" NEW_USER
     "current-context: coxswain\n"},
    {"others stay as they are, in their order and quotes; unknown keys too",
     "kind: Config\napiVersion: v1\nclusters:\n- name: \"prod\"\n  cluster: {server: 'https://prod', "
     "x-extra: [1, 2]}\n"
     "contexts:\n- name: prod\n  context:\n    cluster: prod\n    user: me\n    namespace: \"007\"\n"
     "users:\n- name: me\n  user:\n    token: 'yes'\n    exec:\n      args:\n      - |-\n        two\n       "
     " lines\n"
     "current-context: prod\nextensions: []\n",
     "kind: Config\napiVersion: v1\nclusters:\n- name: \"prod\"\n  cluster: {server: 'https://prod', "
     "x-extra: [1, 2]}\n" OURS_CLUSTER "contexts:\n- name: prod\n  context:\n    cluster: prod\n    user: "
     "me\n    namespace: \"007\"\n" OURS_CONTEXT
     "users:\n- name: me\n  user:\n    token: 'yes'\n    exec:\n      args:\n      - |-\n        two\n"
     "        lines\n" NEW_USER "current-context: coxswain\nextensions: []\n"},
    {"ours is replaced in its place; its namespace stays",
     "apiVersion: v1\nclusters:\n- cluster:\n    server: https://old\n    proxy-url: http://p\n  name: "
     "coxswain\n"
     "- cluster:\n    server: https://b\n  name: b\n"
     "contexts:\n- context:\n    cluster: old\n    namespace: team\n    user: old\n  name: coxswain\n"
     "current-context: b\nkind: Config\nusers:\n- name: coxswain\n  user:\n    token: old\n",
     "apiVersion: v1\nclusters:\n" OURS_CLUSTER "- cluster:\n    server: https://b\n  name: b\n"
     "contexts:\n- context:\n    cluster: coxswain\n    namespace: team\n    user: coxswain\n  name: "
     "coxswain\n"
     "current-context: coxswain\nkind: Config\nusers:\n" OURS_USER},
    {"JSON stays JSON",
     "{\"apiVersion\": \"v1\", \"kind\": \"Config\", \"clusters\": [], \"contexts\": [], \"users\": []}\n",
     "{\"apiVersion\": \"v1\", \"kind\": \"Config\", \"clusters\": [{\"cluster\": "
     "{\"certificate-authority-data\": "
     "\"Q0E=\", \"server\": \"https://127.0.0.1:6443\"}, \"name\": \"coxswain\"}], \"contexts\": "
     "[{\"context\": "
     "{\"cluster\": \"coxswain\", \"user\": \"coxswain\"}, \"name\": \"coxswain\"}], \"users\": [{\"user\": "
     "{\"client-certificate-data\": \"Q0VSVA==\", \"client-key-data\": \"S0VZ\"}, \"name\": \"coxswain\"}], "
     "\"current-context\": \"coxswain\"}\n"},
    {"anchors stay",
     "clusters:\n- name: a\n  cluster: &c\n    server: s\n- name: b\n  cluster: *c\ncontexts: []\nusers: "
     "[]\n",
     "clusters:\n- name: a\n  cluster: &id001\n    server: s\n- name: b\n  cluster: *id001\n" OURS_CLUSTER
     "contexts:\n" OURS_CONTEXT "users:\n" NEW_USER "current-context: coxswain\n"},
};

static void merge_table(void **state)
{
    for (size_t i = 0; i < sizeof merges / sizeof *merges; i++) {
        cleanup_error struct error err = ERROR_INIT;
        cleanup_buf struct buf out = BUF_INIT(1 << 20);
        if (!kubeconfig_merge(slice_str(merges[i].before), &ENTRY, &out, &err))
            fail_msg("%s: %s", merges[i].claim, err.message);
        if (!slice_is(buf_slice(&out), merges[i].after))
            fail_msg("%s:\ngot:\n%s\nwant:\n%s", merges[i].claim, buf_cstr(&out), merges[i].after);
    }
}

static void a_second_merge_changes_nothing(void **state)
{
    for (size_t i = 0; i < sizeof merges / sizeof *merges; i++) {
        cleanup_buf struct buf out = BUF_INIT(1 << 20);
        assert_true(kubeconfig_merge(slice_str(merges[i].after), &ENTRY, &out, NULL));
        if (!slice_is(buf_slice(&out), merges[i].after))
            fail_msg("%s:\ngot:\n%s\nwant:\n%s", merges[i].claim, buf_cstr(&out), merges[i].after);
    }
}

static void refusals(void **state)
{
    const struct {
        const char *text, *want;
    } rows[] = {
        {"- a\n", "not a kubeconfig: the file is not a mapping"},
        {"just words\n", "not a kubeconfig: the file is not a mapping"},
        {"a: [1\n", "not a kubeconfig: line 2: did not find expected ',' or ']'"},
        {"clusters: {}\n", "not a kubeconfig: \"clusters\" is not a list"},
        {"contexts: 7\n", "not a kubeconfig: \"contexts\" is not a list"},
        {"users: word\n", "not a kubeconfig: \"users\" is not a list"},
        {"a: 1\n---\nb: 2\n", "not a kubeconfig: more than one document"},
        {"# nothing but a comment\n", "not a kubeconfig: the file is not a mapping"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        cleanup_error struct error err = ERROR_INIT;
        cleanup_buf struct buf out = BUF_INIT(1 << 20);
        assert_false(kubeconfig_merge(slice_str(rows[i].text), &ENTRY, &out, &err));
        assert_string_equal(err.message, rows[i].want);
    }
}

static void removal_leaves_the_others(void **state)
{
    const char *others =
        "clusters:\n- name: a\n  cluster:\n    server: s\ncontexts: []\ncurrent-context: a\nusers: []\n";
    const char *want =
        "clusters:\n- name: a\n  cluster:\n    server: s\ncontexts: []\ncurrent-context: \"\"\nusers: []\n";
    cleanup_buf struct buf merged = BUF_INIT(1 << 20);
    cleanup_buf struct buf out = BUF_INIT(1 << 20);
    assert_true(kubeconfig_merge(slice_str(others), &ENTRY, &merged, NULL));
    assert_true(kubeconfig_remove(buf_slice(&merged), "coxswain", &out, NULL));
    assert_string_equal(buf_cstr(&out), want);
    cleanup_buf struct buf same = BUF_INIT(1 << 20);
    assert_true(kubeconfig_remove(slice_str(others), "coxswain", &same, NULL));
    assert_string_equal(buf_cstr(&same), others);
}

static int setup(void **state)
{
    *state = mkdtemp(xstrdup("/tmp/coxswain-kubeconfig-XXXXXX"));
    return *state ? 0 : -1;
}

static int teardown(void **state)
{
    bool ok = files_remove_tree(*state, NULL);
    free(*state);
    return ok ? 0 : -1;
}

static ino_t inode(const char *path, unsigned want_mode)
{
    struct stat st;
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, want_mode);
    return st.st_ino;
}

static void the_file_is_private_and_written_once(void **state)
{
    cleanup_free char *path = xasprintf("%s/new/folder/config", (char *)*state);
    assert_true(kubeconfig_update_file(path, &ENTRY, NULL));
    ino_t first = inode(path, 0600);
    chmod(path, 0644);
    assert_true(kubeconfig_update_file(path, &ENTRY, NULL));
    assert_int_equal(inode(path, 0600), first);
    cleanup_free char *lock = xasprintf("%s.lock", path);
    assert_int_not_equal(access(lock, F_OK), 0);
}

static void a_link_stays_a_link(void **state)
{
    cleanup_free char *real = xasprintf("%s/real", (char *)*state);
    cleanup_free char *link = xasprintf("%s/link", (char *)*state);
    assert_true(files_replace(real, SLICE(""), 0600, NULL));
    assert_int_equal(symlink("real", link), 0);
    assert_true(kubeconfig_update_file(link, &ENTRY, NULL));
    struct stat st;
    assert_int_equal(lstat(link, &st), 0);
    assert_true(S_ISLNK(st.st_mode));
    assert_int_equal(stat(real, &st), 0);
    assert_true(st.st_size > 0);
}

static void a_file_that_is_not_ours_to_read_is_left(void **state)
{
    cleanup_free char *path = xasprintf("%s/config", (char *)*state);
    assert_true(files_replace(path, SLICE("users: word\n"), 0640, NULL));
    ino_t first = inode(path, 0640);
    cleanup_error struct error err = ERROR_INIT;
    assert_false(kubeconfig_update_file(path, &ENTRY, &err));
    cleanup_free char *want = xasprintf("%s: not a kubeconfig: \"users\" is not a list", path);
    assert_string_equal(err.message, want);
    assert_int_equal(inode(path, 0640), first);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(merge_table),
        cmocka_unit_test(a_second_merge_changes_nothing),
        cmocka_unit_test(refusals),
        cmocka_unit_test(removal_leaves_the_others),
        cmocka_unit_test_setup_teardown(the_file_is_private_and_written_once, setup, teardown),
        cmocka_unit_test_setup_teardown(a_link_stays_a_link, setup, teardown),
        cmocka_unit_test_setup_teardown(a_file_that_is_not_ours_to_read_is_left, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
