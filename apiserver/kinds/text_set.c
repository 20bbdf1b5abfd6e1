#include "apiserver/kinds/text_set.h"

#include "openapi/schema.h"

static struct text_slot *slot_of(struct text_slot *slots, size_t mask, struct slice text)
{
    size_t i = schema_hash(text.ptr, text.len) & mask;
    while (slots[i].text.ptr && !slice_eq(slots[i].text, text))
        i = (i + 1) & mask;
    return &slots[i];
}

static void grow(struct text_set *set)
{
    size_t mask = set->slots ? set->mask * 2 + 1 : 15;
    struct text_slot *slots = arena_zalloc(set->arena, (mask + 1) * sizeof *slots);
    for (size_t i = 0; set->slots && i <= set->mask; i++) {
        if (set->slots[i].text.ptr)
            *slot_of(slots, mask, set->slots[i].text) = set->slots[i];
    }
    set->slots = slots;
    set->mask = mask;
}

static struct text_slot *make_slot(struct text_set *set, struct slice text, bool *ret_new)
{
    if (!text.ptr)
        text.ptr = "";
    if (!set->slots || set->count * 2 > set->mask)
        grow(set);
    struct text_slot *slot = slot_of(set->slots, set->mask, text);
    *ret_new = !slot->text.ptr;
    if (*ret_new) {
        slot->text = text;
        set->count++;
    }
    return slot;
}

bool text_set_add(struct text_set *set, struct slice text)
{
    bool added;
    make_slot(set, text, &added);
    return added;
}

bool text_set_has(const struct text_set *set, struct slice text)
{
    return text_set_index(set, text) >= 0;
}

void text_set_put(struct text_set *set, struct slice text, size_t index)
{
    bool added;
    make_slot(set, text, &added)->index = index;
}

long text_set_index(const struct text_set *set, struct slice text)
{
    const struct text_slot *slot = set->slots ? slot_of(set->slots, set->mask, text) : NULL;
    return slot && slot->text.ptr ? (long)slot->index : -1;
}
