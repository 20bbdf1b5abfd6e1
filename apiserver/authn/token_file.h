/*
 * token_file: fixed tokens, a line of CSV each: token,user,uid,"group1,group2" (the groups may be left out).
 * Read once, at start. A token's place is found by its SHA-256, and the token itself compared in constant
 * time. Errors name file and line, never a token. Threads: read-only after loading, any. Source:
 * https://kubernetes.io/docs/reference/access-authn-authz/authentication/#static-token-file
 */
#ifndef APISERVER_AUTHN_TOKEN_FILE_H
#define APISERVER_AUTHN_TOKEN_FILE_H

#include "apiserver/user.h"
#include "base/arena.h"
#include "base/error.h"

struct token_file;

struct token_file *token_file_load(const char *path, struct error *err);
/* The same of a text; `path` is for errors. */
struct token_file *token_file_parse(struct slice text, const char *path, struct error *err);
void token_file_free(struct token_file *file);
/* NULL: no such token. Lives as long as the file. */
const struct user *token_file_find(const struct token_file *file, struct slice token);

#endif
