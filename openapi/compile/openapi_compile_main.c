/*
 * openapi-compile OUT FILE... : turns the descriptions of the API (the files of openapi/api) into C tables
 * (openapi/schema.h) in the folder OUT. Runs at build time. Exit code 1 after faults, which stand on standard
 * error as file:line: message.
 */
#include "model.h"

int main(int argc, char **argv)
{
    if (argc < 3) {
        fprintf(stderr, "usage: openapi-compile OUT FILE...\n");
        return 2;
    }
    struct model model;
    model_init(&model);
    for (int i = 2; i < argc; i++)
        model_load(&model, argv[i]);
    if (!model.faults)
        model_resolve(&model);
    bool ok = !model.faults;
    for (size_t i = 0; ok && i < model.package_count; i++)
        ok = emit_package(&model, model.packages[i], argv[1]);
    ok = ok && emit_resources(&model, argv[1]) && emit_hooks(&model, argv[1]);
    model_release(&model);
    return ok ? 0 : 1;
}
