#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "apiserver/authn/oidc_claims.h"

static const struct oidc_rules plain = {.issuer = "https://i", .client_id = "me", .username_claim = "sub"};
static const struct oidc_rules mail = {.issuer = "https://i",
                                       .client_id = "me",
                                       .username_claim = "email",
                                       .groups_claim = "groups",
                                       .groups_prefix = "oidc:",
                                       .required = {"hd=corp", "x=y=z"},
                                       .required_count = 2};
static const struct oidc_rules bare = {
    .issuer = "https://i", .client_id = "me", .username_claim = "sub", .username_prefix = "-"};

static void names_the_user(void **state)
{
    static const struct {
        const struct oidc_rules *rules;
        const char *claims, *name, *group; /* name NULL: refused */
    } cases[] = {
        {&plain, "{'iss':'https://i','aud':'me','exp':2000,'sub':'ann'}", "https://i#ann", ""},
        {&bare, "{'iss':'https://i','aud':['you','me'],'exp':2000,'sub':'ann'}", "ann", ""},
        {&plain, "{'iss':'https://j','aud':'me','exp':2000,'sub':'ann'}", NULL, ""},
        {&plain, "{'iss':'https://i','aud':'you','exp':2000,'sub':'ann'}", NULL, ""},
        {&plain, "{'iss':'https://i','exp':2000,'sub':'ann'}", NULL, ""},
        {&plain, "{'iss':'https://i','aud':'me','exp':999,'sub':'ann'}", NULL, ""},
        {&plain, "{'iss':'https://i','aud':'me','sub':'ann'}", NULL, ""},
        {&plain, "{'iss':'https://i','aud':'me','exp':2000,'nbf':1500,'sub':'ann'}", NULL, ""},
        {&plain, "{'iss':'https://i','aud':'me','exp':2000}", NULL, ""},
        {&plain, "{'iss':'https://i','aud':'me','exp':2000,'sub':7}", NULL, ""},
        {&mail,
         "{'iss':'https://i','aud':'me','exp':2000,'email':'a@b','hd':'corp','x':'y=z','groups':['g']}",
         "a@b", "oidc:g"},
        {&mail, "{'iss':'https://i','aud':'me','exp':2000,'email':'a@b','hd':'corp','x':'y=z','groups':'g'}",
         "a@b", "oidc:g"},
        {&mail,
         "{'iss':'https://"
         "i','aud':'me','exp':2000,'email':'a@b','email_verified':false,'hd':'corp','x':'y=z'}",
         NULL, ""},
        {&mail, "{'iss':'https://i','aud':'me','exp':2000,'email':'a@b','hd':'other','x':'y=z'}", NULL, ""},
        {&mail, "{'iss':'https://i','aud':'me','exp':2000,'email':'a@b','hd':'corp'}", NULL, ""},
        {&mail, "{'iss':'https://i','aud':'me','exp':2000,'email':'a@b','hd':'corp','x':'y=z','groups':[7]}",
         NULL, ""},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        cleanup_arena struct arena *arena = arena_new();
        char *text = arena_strdup(arena, slice_str(cases[i].claims));
        for (char *p = text; *p; p++)
            *p = *p == '\'' ? '"' : *p;
        json_t *claims = json_loads(text, 0, NULL);
        struct user user;
        const char *why = NULL;
        bool ok = oidc_claims_user(arena, cases[i].rules, claims, 1000, &user, &why);
        if (ok != (cases[i].name != NULL) || (ok && !slice_is(user.name, cases[i].name)) || (!ok && !why) ||
            (ok && *cases[i].group && (user.group_count != 1 || !slice_is(user.groups[0], cases[i].group))))
            fail_msg("case %zu: given %d %.*s %s", i, ok, SLICE_ARG(user.name), why ? why : "");
        json_decref(claims);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(names_the_user)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
