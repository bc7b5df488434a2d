/*
 * The language of queries (GraphQL, June 2018): from text to a tree.
 *
 * What GoQuorum's library takes is taken, and its messages are given (graph-gophers/graphql-go 1.3.0): its tokens are those of Go's text/scanner, so
 * that block strings are none and hexadecimal numbers are. Nodes and lists are in the arena; spans are of the query's text, which must outlive them.
 */
#ifndef RPC_GRAPHQL_DOCUMENT_H
#define RPC_GRAPHQL_DOCUMENT_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/error.h"

enum {
    GQL_DEPTH_MAX = 100,   /* levels of sets, lists and objects within each other */
    GQL_SPREADS_MAX = 32,  /* of fragments within fragments */
    GQL_NODES_MAX = 10000, /* fields, values and so on of a document */
};

struct gql_location {
    uint32_t line, column; /* from 1; a column is a character */
};

#define GQL_NOWHERE ((struct gql_location){0, 0})

struct gql_name {
    struct bytes text;
    struct gql_location at;
};

enum gql_kind {
    GQL_NULL,
    GQL_VARIABLE,
    GQL_INT,
    GQL_FLOAT,
    GQL_STRING,
    GQL_WORD, /* true, false, and names of enumerations */
    GQL_LIST,
    GQL_OBJECT,
};

/* A literal, or what a variable was given. */
struct gql_value {
    enum gql_kind kind;
    struct gql_location at;
    struct bytes text; /* as it stands in the query; of a string also the quotes */
    struct bytes
        characters; /* of a string: escapes resolved; of what was coerced (plan.h): as JSON-RPC has it */
    int64_t number;   /* of a Long or an Int that was coerced */
    struct bytes key; /* of a member of an object; its place is key_at */
    struct gql_location key_at;
    struct gql_value *first; /* of a list or an object */
    struct gql_value *next;
};

struct gql_argument {
    struct gql_name name;
    struct gql_value value;
    struct gql_argument *next;
};

struct gql_directive {
    struct gql_name name;
    struct gql_argument *arguments;
    struct gql_directive *next;
};

enum gql_selection_kind { GQL_FIELD, GQL_SPREAD, GQL_INLINE };

struct gql_selection {
    enum gql_selection_kind kind;
    struct gql_location at; /* of a field: its alias */
    struct bytes alias;     /* of a field: its name when there is no other */
    struct gql_name name;   /* of a field or a fragment */
    struct gql_name on;     /* of an inline fragment; len 0 = none */
    struct gql_argument *arguments;
    struct gql_directive *directives;
    struct gql_location set_at;
    struct gql_selection *set; /* NULL: none, or an empty one, which is as good as none */
    struct gql_selection *next;
};

struct gql_variable {
    struct gql_location at;
    struct gql_name name;
    struct bytes type; /* without white space, such as "[Bytes32!]" */
    struct gql_location type_at;
    struct gql_value *preset; /* NULL: none */
    bool is_used;
    struct gql_variable *next;
};

enum gql_operation_kind { GQL_QUERY, GQL_MUTATION, GQL_SUBSCRIPTION };

struct gql_operation {
    enum gql_operation_kind kind;
    struct gql_location at;
    struct gql_name name; /* len 0 = none */
    struct gql_variable *variables;
    struct gql_directive *directives;
    struct gql_selection *set;
    struct gql_operation *next;
};

struct gql_fragment {
    struct gql_location at;
    struct gql_name name, on;
    struct gql_directive *directives;
    struct gql_selection *set;
    bool is_used, is_open, is_closed; /* while a document is checked */
    struct gql_fragment *next;
};

struct gql_document {
    struct gql_operation *operations;
    struct gql_fragment *fragments;
};

/* ERR_INPUT: *ret_at and the detail say what is wrong ("syntax error: …"). ERR_NOMEM. */
int rpc_gql_parse(struct gql_document *ret_document, struct bytes text, struct arena *arena,
                  struct gql_location *ret_at, struct err_detail *detail) BASE_NODISCARD;

/* NULL: there is none of that name. */
struct gql_fragment *rpc_gql_fragment(const struct gql_document *document, struct bytes name);
const struct gql_argument *rpc_gql_argument(const struct gql_argument *list, const char *name);
const struct gql_directive *rpc_gql_directive(const struct gql_directive *list, const char *name);

static inline bool gql_is(struct bytes text, const char *word)
{
    return text.len == strlen(word) && memcmp(text.data, word, text.len) == 0;
}

#endif
