/*
 * What is to be done for an operation: its fields with all fragments in their places, what directives leave out left out, fields of one name in the answer
 * joined, and arguments read.
 */
#ifndef RPC_GRAPHQL_PLAN_H
#define RPC_GRAPHQL_PLAN_H

#include "rpc/graphql/check.h"

enum {
    GQL_PLAN_MAX = 20000, /* fields of a plan: fragments in fragments multiply */
};

struct gql_plan {
    const struct gql_field *field;
    const struct gql_type *type; /* that has the field */
    const struct gql_selection *selection;
    struct bytes alias;
    struct gql_value *arguments; /* members with keys; what was not given, or null, is not there */
    struct gql_plan *set;
    struct gql_result *early; /* found on the loop; NULL: not yet */
    struct gql_plan *next;
};

/* `given`: the variables. What is wrong is appended to the errors: then there is no plan, unless it is about an argument (GoQuorum's library then leaves
 * that field and those behind it out). ERR_NOMEM. */
int rpc_gql_plan(struct gql_plan **ret_plan, struct gql_errors *errors,
                 const struct gql_document *document, const struct gql_operation *operation,
                 const struct gql_value *given, struct arena *arena) BASE_NODISCARD;

/* --- coerce.c --- */

/*
 * Reads a literal or a variable's value as of a type: variables replaced, a single value where a list is wanted made one. Values of scalars have in
 * `characters` what JSON-RPC takes: hexadecimal, or of Long and Int decimal, too, in `number`. *ret_value NULL: null, or not given. ERR_INPUT with a message in
 * GoQuorum's words; ERR_NOMEM.
 */
int rpc_gql_coerce(struct gql_value **ret_value, const struct gql_value *value,
                   const struct gql_input *input, struct bytes type,
                   const struct gql_value *variables, struct arena *arena,
                   struct err_detail *detail) BASE_NODISCARD;

#endif
