/* Whether a document makes sense for the types that there are (GraphQL, chapter 5), as GoQuorum's library checks it. */
#ifndef RPC_GRAPHQL_CHECK_H
#define RPC_GRAPHQL_CHECK_H

#include "base/buf.h"
#include "rpc/graphql/schema.h"

/* One that is wrong has a list of errors; more than these are not told. */
enum {
    GQL_ERRORS_MAX = 10000,
    GQL_SUGGESTED_MAX = 64, /* bytes of a name for which a better one is looked for */
};

/* Errors as the answer has them: objects with commas between. */
struct gql_errors {
    struct buf list;
    size_t count;
};

/* Appends an error without its end, '}'; false: there are enough of them. */
bool rpc_gql_error_begin(struct gql_errors *errors, struct bytes text);
/* Where it is: up to two places; line 0 = none. */
void rpc_gql_error_at(struct gql_errors *errors, struct gql_location first,
                      struct gql_location second, const char *format, ...) BASE_PRINTF(4, 5);

/* Appends what is wrong. `given`: the variables' values, members with keys. Marks in the document which fragments and variables are used. */
void rpc_gql_check(struct gql_errors *errors, struct gql_document *document,
                   const struct gql_value *given);

/* --- check_value.c --- */

struct gql_check {
    struct gql_errors *errors;
    struct gql_document *document;
    struct gql_operation *operation; /* whose variables are meant; NULL: nobody's */
};

/* Whether the value may stand where the type is wanted; else why not. */
bool rpc_gql_fits(struct gql_check *check, const struct gql_value *value, struct bytes type,
                  struct buf *ret_why);
/* Whether what was given for a variable is null, or a list, an object or neither, where it may be. */
void rpc_gql_check_given(struct gql_check *check, const struct gql_variable *variable,
                         const struct gql_value *given, struct bytes type);
/* Names that stand twice in objects, and variables that nobody has declared. */
void rpc_gql_check_literal(struct gql_check *check, const struct gql_value *value);
/* The value as GraphQL writes it. */
void rpc_gql_append_value(struct buf *b, const struct gql_value *value);
struct gql_variable *rpc_gql_variable(const struct gql_operation *operation, struct bytes name);
/* Of an object; NULL: there is none. */
const struct gql_value *rpc_gql_member(const struct gql_value *first, struct bytes name);

/* For messages: precision and characters of a span, cut at 200. */
#define GQL_TEXT(span) (int)((span).len < 200 ? (span).len : 200), (const char *)(span).data

#endif
