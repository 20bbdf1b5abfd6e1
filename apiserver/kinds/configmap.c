#include "apiserver/kinds/core.h"

enum { SIZE_MAX_BYTES = 1024 * 1024 };

/* The bytes behind base64 with padding. */
static size_t decoded_size(struct slice base64)
{
    size_t padding = 0;
    while (padding < 2 && padding < base64.len && base64.ptr[base64.len - 1 - padding] == '=')
        padding++;
    return base64.len / 4 * 3 - (base64.len ? padding : 0);
}

static void check_data(struct causes *c, const struct value *object)
{
    const struct value *data = AT(object, ConfigMap, data), *binary = AT(object, ConfigMap, binaryData);
    size_t total = 0;
    for (VALUE_EACH_ENTRY(text, data)) {
        const struct path *at = PATH_K(PATH(NULL, "data"), text->key);
        check_name(c, at, text->key, name_check_config_key);
        if (value_is_set(value_get(binary, text->key)))
            causes_invalid_text(c, at, text->key, "is a key of binaryData too");
        total += value_text(&text->value).len;
    }
    for (VALUE_EACH_ENTRY(bytes, binary)) {
        check_name(c, PATH_K(PATH(NULL, "binaryData"), bytes->key), bytes->key, name_check_config_key);
        total += decoded_size(value_text(&bytes->value));
    }
    if (total > SIZE_MAX_BYTES)
        causes_too_long(c, PATH(NULL, "[]"), SIZE_MAX_BYTES); /* the whole object, as upstream prints it */
}

static void check_frozen(struct causes *c, const char *name, const struct value *now, const struct value *old)
{
    if (!value_equal(now, old))
        causes_forbidden(c, PATH(NULL, name), "field is immutable when `immutable` is set");
}

static void validate(struct kind_request *req, const struct value *object, const struct value *old)
{
    if (old && value_bool(AT(old, ConfigMap, immutable))) {
        if (!value_bool(AT(object, ConfigMap, immutable)))
            causes_forbidden(req->causes, PATH(NULL, "immutable"),
                             "field is immutable when `immutable` is set");
        check_frozen(req->causes, "data", AT(object, ConfigMap, data), AT(old, ConfigMap, data));
        check_frozen(req->causes, "binaryData", AT(object, ConfigMap, binaryData),
                     AT(old, ConfigMap, binaryData));
    }
    check_data(req->causes, object);
}

static void row(struct arena *arena, const struct value *object, int64_t now, struct value *cells)
{
    cells[1] = value_of_int(
        (int64_t)(value_count(AT(object, ConfigMap, data)) + value_count(AT(object, ConfigMap, binaryData))));
}

const struct kind kind_configmaps = {.group = "", .resource = "configmaps", .validate = validate, .row = row};
