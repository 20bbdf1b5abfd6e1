#include "apiserver/authn/sa_claims.h"

#include "base/alloc.h"

enum { LEEWAY_SECONDS = 60 };

/* ---- reading ---- */

static bool read_ref(const json_t *private, const char *name, struct sa_claims *c, enum sa_text at)
{
    const json_t *ref = json_object_get(private, name);
    if (!json_is_object(ref))
        return false;
    c->text[at] = jwt_text(ref, "name");
    c->text[at + 1] = jwt_text(ref, "uid");
    return true;
}

static bool read_bound(const json_t *claims, struct sa_claims *c, const char **ret_why)
{
    const json_t *private = json_object_get(claims, "kubernetes.io");
    if (!json_is_object(private)) {
        *ret_why = "the token says nothing of a service account";
        return false;
    }
    c->text[SA_NAMESPACE] = jwt_text(private, "namespace");
    read_ref(private, "serviceaccount", c, SA_NAME);
    c->has_pod = read_ref(private, "pod", c, SA_POD);
    c->has_secret = read_ref(private, "secret", c, SA_SECRET);
    c->has_node = read_ref(private, "node", c, SA_NODE);
    c->has_webhook = json_object_get(private, "validatingwebhookconfiguration") ||
                     json_object_get(private, "mutatingwebhookconfiguration");
    jwt_seconds(private, "warnafter", &c->warn_after);
    return true;
}

static bool read_legacy(struct arena *arena, const json_t *claims, struct sa_claims *c, const char **ret_why)
{
    static const struct {
        const char *claim, *missing;
        enum sa_text at;
    } rows[] = {
        {"sub", "sub claim is missing", SA_SUBJECT},
        {"kubernetes.io/serviceaccount/namespace", "namespace claim is missing", SA_NAMESPACE},
        {"kubernetes.io/serviceaccount/secret.name", "secretName claim is missing", SA_SECRET},
        {"kubernetes.io/serviceaccount/service-account.name", "serviceAccountName claim is missing", SA_NAME},
        {"kubernetes.io/serviceaccount/service-account.uid", "serviceAccountUID claim is missing", SA_UID},
    };
    c->legacy = c->has_secret = true;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        c->text[rows[i].at] = jwt_text(claims, rows[i].claim);
        if (c->text[rows[i].at].len)
            continue;
        *ret_why = rows[i].missing;
        return false;
    }
    struct slice subject = arena_slicef(arena, "system:serviceaccount:%.*s:%.*s",
                                        SLICE_ARG(c->text[SA_NAMESPACE]), SLICE_ARG(c->text[SA_NAME]));
    if (slice_eq(subject, c->text[SA_SUBJECT]))
        return true;
    *ret_why = "sub claim is invalid";
    return false;
}

bool sa_claims_read(struct arena *arena, const struct jwt *jwt, struct sa_claims *ret, const char **ret_why)
{
    struct slice *audiences;
    *ret = (struct sa_claims){0};
    ret->text[SA_ISSUER] = jwt_text(jwt->claims, "iss");
    ret->text[SA_SUBJECT] = jwt_text(jwt->claims, "sub");
    ret->text[SA_ID] = jwt_text(jwt->claims, "jti");
    jwt_seconds(jwt->claims, "iat", &ret->issued);
    jwt_seconds(jwt->claims, "nbf", &ret->not_before);
    jwt_seconds(jwt->claims, "exp", &ret->expires);
    if (!jwt_texts(arena, json_object_get(jwt->claims, "aud"), &audiences, &ret->audience_count)) {
        *ret_why = "the audience of the token is no text";
        return false;
    }
    ret->audiences = audiences;
    return slice_is(ret->text[SA_ISSUER], SA_LEGACY_ISSUER) ? read_legacy(arena, jwt->claims, ret, ret_why)
                                                            : read_bound(jwt->claims, ret, ret_why);
}

const char *sa_claims_check_times(const struct sa_claims *c, int64_t now)
{
    if (c->legacy)
        return NULL;
    if (c->not_before && now + LEEWAY_SECONDS < c->not_before)
        return "service account token is not valid yet";
    if (c->expires && now - LEEWAY_SECONDS > c->expires)
        return "service account token has expired";
    if (c->issued && now + LEEWAY_SECONDS < c->issued)
        return "service account token is issued in the future";
    return NULL;
}

/* ---- writing ---- */

static void put_text(struct buf *out, const char *name, struct slice text)
{
    buf_printf(out, "\"%s\":", name);
    buf_put_json_string(out, text);
}

static void put_ref(struct buf *out, const char *name, const struct sa_claims *c, enum sa_text at)
{
    buf_printf(out, ",\"%s\":{", name);
    put_text(out, "name", c->text[at]);
    if (c->text[at + 1].len) {
        buf_putc(out, ',');
        put_text(out, "uid", c->text[at + 1]);
    }
    buf_putc(out, '}');
}

void sa_claims_write(struct buf *out, const struct sa_claims *c)
{
    buf_puts(out, "{\"aud\":[");
    for (size_t i = 0; i < c->audience_count; i++) {
        buf_puts(out, i ? "," : "");
        buf_put_json_string(out, c->audiences[i]);
    }
    buf_printf(out, "],\"exp\":%lld,\"iat\":%lld,", (long long)c->expires, (long long)c->issued);
    put_text(out, "iss", c->text[SA_ISSUER]);
    buf_putc(out, ',');
    put_text(out, "jti", c->text[SA_ID]);
    buf_puts(out, ",\"kubernetes.io\":{");
    put_text(out, "namespace", c->text[SA_NAMESPACE]);
    if (c->has_node)
        put_ref(out, "node", c, SA_NODE);
    if (c->has_pod)
        put_ref(out, "pod", c, SA_POD);
    if (c->has_secret)
        put_ref(out, "secret", c, SA_SECRET);
    put_ref(out, "serviceaccount", c, SA_NAME);
    if (c->warn_after)
        buf_printf(out, ",\"warnafter\":%lld", (long long)c->warn_after);
    buf_printf(out, "},\"nbf\":%lld,", (long long)c->not_before);
    put_text(out, "sub", c->text[SA_SUBJECT]);
    buf_putc(out, '}');
}

/* ---- copying ---- */

struct sa_claims *sa_claims_pack(const struct sa_claims *from)
{
    size_t bytes = sizeof *from + from->audience_count * sizeof(struct slice);
    for (size_t i = 0; i < SA_TEXTS; i++)
        bytes += from->text[i].len;
    for (size_t i = 0; i < from->audience_count; i++)
        bytes += from->audiences[i].len;
    struct sa_claims *copy = xmalloc(bytes);
    struct slice *audiences = (struct slice *)(copy + 1);
    char *at = (char *)(audiences + from->audience_count);
    *copy = *from;
    copy->audiences = audiences;
    for (size_t i = 0; i < SA_TEXTS + from->audience_count; i++) {
        struct slice text = i < SA_TEXTS ? from->text[i] : from->audiences[i - SA_TEXTS];
        if (text.len)
            memcpy(at, text.ptr, text.len);
        *(i < SA_TEXTS ? &copy->text[i] : &audiences[i - SA_TEXTS]) = slice_make(at, text.len);
        at += text.len;
    }
    return copy;
}

void sa_claims_copy(struct arena *arena, const struct sa_claims *from, struct sa_claims *ret)
{
    struct slice *audiences = arena_alloc(arena, (from->audience_count + 1) * sizeof *audiences);
    *ret = *from;
    for (size_t i = 0; i < SA_TEXTS; i++)
        ret->text[i] = arena_dup(arena, from->text[i]);
    for (size_t i = 0; i < from->audience_count; i++)
        audiences[i] = arena_dup(arena, from->audiences[i]);
    ret->audiences = audiences;
}
