#include "apiserver/kinds/access.h"
#include "apiserver/kinds/text_set.h"

bool text_is_one_of(struct slice text, const char *const *list)
{
    for (; *list; list++)
        if (slice_is(text, *list))
            return true;
    return false;
}

bool list_has_text(const struct value *list, const char *text)
{
    for (VALUE_EACH(item, list))
        if (value_is(item, text))
            return true;
    return false;
}

void check_unique_texts(struct causes *c, const struct path *at, const struct value *list)
{
    struct text_set seen = TEXT_SET(c->arena);

    for (size_t i = 0; i < value_count(list); i++) {
        struct slice text = value_text(value_item(list, i));
        if (!text_set_add(&seen, text))
            causes_duplicate(c, PATH_I(at, i), text);
    }
}

const struct kind *const kinds_access[] = {&kind_roles,
                                           &kind_rolebindings,
                                           &kind_clusterroles,
                                           &kind_clusterrolebindings,
                                           &kind_certificatesigningrequests,
                                           &kind_clustertrustbundles,
                                           &kind_flowschemas,
                                           &kind_prioritylevelconfigurations,
                                           NULL};
