#include "dropin/upstream_flags.h"

#include "base/arena.h"
#include "base/log.h"

/* What a `set` of the table needs to know besides its flag: found by the flag's value pointer. */
struct context {
    const struct flag_group *group;
    struct word_list *passed;
};

void word_list_add(struct word_list *list, const char *word)
{
    char **slot = arena_push(list->arena, &list->items, &list->count, &list->capacity, sizeof *list->items);
    *slot = word ? arena_strdup(list->arena, slice_str(word)) : NULL;
}

static bool pass_on(const struct flag *flag, const char *text, struct error *err)
{
    struct word_list *passed = ((struct context *)flag->value)->passed;
    word_list_add(passed, arena_printf(passed->arena, "--%s=%s", flag->name, text));
    return true;
}

static bool say_it_has_no_effect(const struct flag *flag, const char *text, struct error *err)
{
    log_info("flag has no effect here", LOG_S("flag", flag->name), LOG_S("value", text),
             LOG_S("why", flag->help));
    return true;
}

static bool refuse(const struct flag *flag, const char *text, struct error *err)
{
    if (!*text || !strcmp(text, "false") || !strcmp(text, "0"))
        return true;
    return error_set(err, REASON_BAD_REQUEST, "--%s: %s; leave it out", flag->name, flag->help);
}

static bool (*const setters[])(const struct flag *flag, const char *text, struct error *err) = {
    [FLAG_PASSED] = pass_on, [FLAG_QUIET] = say_it_has_no_effect, [FLAG_REFUSED] = refuse};

struct table {
    struct flag *flags;
    size_t count, capacity;
};

static void add_group(struct table *table, const struct flag_group *group, struct word_list *passed)
{
    struct arena *arena = passed->arena;
    struct context *context = arena_zalloc(arena, sizeof *context);
    *context = (struct context){group, passed};
    struct slice rest = slice_str(group->names), name;
    while (slice_split(&rest, ' ', &name)) {
        struct flag *flag = arena_push(arena, &table->flags, &table->count, &table->capacity, sizeof *flag);
        *flag = (struct flag){.name = arena_strdup(arena, name),
                              .type = group->switches ? FLAG_BOOL : FLAG_STRING,
                              .value = context,
                              .arg = group->switches ? NULL : "VALUE",
                              .help = group->help,
                              .set = setters[group->sort]};
    }
}

enum flags_result upstream_flags_parse(const struct upstream_program *program, int argc, char **argv,
                                       struct word_list *passed, struct error *err)
{
    struct table table = {0};
    struct arena *arena = passed->arena;
    for (const struct flag *own = program->own; own->name; own++) {
        struct flag *flag = arena_push(arena, &table.flags, &table.count, &table.capacity, sizeof *flag);
        *flag = *own;
    }
    for (const struct flag_group *group = program->groups; group->names; group++)
        add_group(&table, group, passed);
    arena_push(arena, &table.flags, &table.count, &table.capacity, sizeof *table.flags);
    const struct flag_set set = {program->program, "[flags]", program->description, table.flags};
    return flags_parse(&set, argc, argv, NULL, err);
}
