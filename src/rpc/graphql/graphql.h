/*
 * GraphQL over the chain, as GoQuorum answers it at /graphql (graphql/graphql.go): one type of request beside those of JSON-RPC, with the same rights,
 * private states and limits.
 *
 *   lexer.c, parse.c                  from text to a tree
 *   schema.c                          what types there are; each type's fields are in the file of its subject
 *   check.c, check_value.c            whether the tree makes sense for the types
 *   plan.c, coerce.c                  what is to be done: fields without fragments, arguments read
 *   run.c                             from there to the answer
 *   block.c, transaction.c, log.c, account.c, call.c, query.c   what each field is
 *   introspect.c                      the types themselves
 *   page.c                            a page for browsers
 *   request.c                         from a body to an answer, in the rounds of a method
 */
#ifndef RPC_GRAPHQL_GRAPHQL_H
#define RPC_GRAPHQL_GRAPHQL_H

#include "rpc/method.h"

/* Not of the table: nobody calls it by its name. Its argument is the body, JSON with `query`, `operationName` and `variables`. */
extern const struct rpc_method rpc_gql_method;

/* A page for browsers, in which to ask: HTML. */
extern const char rpc_gql_page[];

#endif
