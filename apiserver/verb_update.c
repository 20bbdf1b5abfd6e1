/* update: PUT of a whole object (or one of its subresources that are parts of it). Runs as commit.h says. */
#include "apiserver/commit.h"
#include "apiserver/output.h"

static bool replace(struct request *req, const struct value *current, struct value *ret_new, void *arg)
{
    (void)current;
    const struct value *body = arg;
    *ret_new = value_copy(req->arena, body, false); /* a second try starts from what the client sent */
    return true;
}

static void answer(struct request *req, void *arg)
{
    const struct written *written = arg;
    output_written(req, written->created ? 201 : 200, written);
}

void verb_update(struct request *req)
{
    struct value body;
    struct written *written = arena_zalloc(req->arena, sizeof *written);
    bool ok = output_check_form(req, false) &&
              write_options_parse(req->arena, &req->query, "UpdateOptions", &req->write, &req->err) &&
              write_decode_object(req, &body) && write_check_identity(req, &body) &&
              write_update(req, replace, &body, written);
    commit_answer(req, ok, answer, written);
}
