/* Tokens of a query: those of Go's text/scanner, without commas and comments. */
#ifndef RPC_GRAPHQL_LEXER_H
#define RPC_GRAPHQL_LEXER_H

#include "rpc/graphql/document.h"

enum gql_token {
    GQL_TOKEN_END,
    GQL_TOKEN_NAME,
    GQL_TOKEN_INT,
    GQL_TOKEN_FLOAT,
    GQL_TOKEN_STRING,
    GQL_TOKEN_SIGN, /* any other character */
    GQL_TOKEN_BAD,  /* `why` says why */
};

struct gql_lexer {
    struct bytes text;
    size_t next;               /* where the token behind this one may begin */
    struct gql_location place; /* of that */
    enum gql_token token;
    struct bytes span; /* of the token */
    struct gql_location at;
    const char *why;
};

/* The first token is read, too. */
void rpc_gql_lexer_init(struct gql_lexer *lexer, struct bytes text);
void rpc_gql_next(struct gql_lexer *lexer);
static inline bool gql_at_sign(const struct gql_lexer *lexer, char sign)
{
    return lexer->token == GQL_TOKEN_SIGN && lexer->span.len == 1 && lexer->span.data[0] == sign;
}

/* The characters of a string token, escapes resolved as Go's strconv.Unquote does; data NULL when out of memory. An escape that Go does not know makes
 * a token bad before. */
struct bytes rpc_gql_unquote(struct bytes token, struct arena *arena);

#endif
