/*
 * The types that queries are about, as tables: what fields they have, with what arguments, and how each is found. Checking, running, introspection and
 * documentation read the same tables. A type is named by its text, as in the language: "Block", "[Log!]!".
 */
#ifndef RPC_GRAPHQL_SCHEMA_H
#define RPC_GRAPHQL_SCHEMA_H

#include "rpc/graphql/document.h"

enum gql_type_kind { GQL_TYPE_SCALAR, GQL_TYPE_OBJECT, GQL_TYPE_INPUT, GQL_TYPE_ENUM };

/* An argument, or a member of an input type. */
struct gql_input {
    const char *name, *type, *text;
    bool hex; /* a Long whose text is hexadecimal: it is decimal else (GoQuorum has both) */
    const char *preset; /* NULL: none */
};

struct gql_run;
struct gql_result;
struct gql_field;

/* One field that somebody wants to know. */
struct gql_asked {
    const struct gql_field *field;
    void *object; /* that has it: its form is known in the type's file; NULL: a query or mutation */
    const struct gql_value *arguments;
};

/* Finds it. RPC_FAILED with the call's error, or a failure of this machine. */
typedef int gql_resolve_fn(struct gql_run *run, const struct gql_asked *asked,
                           struct gql_result *ret);

struct gql_field {
    const char *name, *type, *text;
    gql_resolve_fn *resolve;
    const char *key; /* for `resolve`: the member or method of JSON-RPC that it is */
    const struct gql_input *inputs;
    size_t input_count;
    bool on_loop; /* of a query or mutation: it must be asked on the loop */
    bool proxied; /* but not of a QLight client, which has its server do it and waits for that */
};

struct gql_type {
    const char *name, *text;
    enum gql_type_kind kind;
    const struct gql_field *fields; /* of an object */
    size_t field_count;
    const struct gql_input *inputs; /* of an input */
    size_t input_count;
    const char *const *values; /* of an enumeration */
    size_t value_count;
};

struct gql_directive_type {
    const char *name, *text;
    const struct gql_input *inputs;
    size_t input_count;
    const char *const *places;
    size_t place_count;
};

/* All types, ascending by name; those of introspection among them. */
extern const struct gql_type *const rpc_gql_types[];
extern const size_t rpc_gql_type_count;
extern const struct gql_directive_type rpc_gql_directives[];
extern const size_t rpc_gql_directive_count;

extern const struct gql_type rpc_gql_query, rpc_gql_mutation;
/* In the files of their subjects; those of introspection in introspect.c. */
extern const struct gql_type rpc_gql_block, rpc_gql_transaction, rpc_gql_account, rpc_gql_log,
    rpc_gql_access_tuple, rpc_gql_call_result, rpc_gql_sync_state, rpc_gql_pending;
extern const struct gql_type rpc_gql_meta_schema, rpc_gql_meta_type, rpc_gql_meta_field,
    rpc_gql_meta_input_value, rpc_gql_meta_enum_value, rpc_gql_meta_directive,
    rpc_gql_meta_directive_location, rpc_gql_meta_type_kind;
/* __schema, __type and __typename, which every query, or every type, has. */
extern const struct gql_field rpc_gql_field_schema, rpc_gql_field_type, rpc_gql_field_typename;

/* By its bare name; NULL: there is none. */
const struct gql_type *rpc_gql_type(struct bytes name);
/* Also __typename, and, of a query, __schema and __type. NULL: there is none, or `type` is NULL. */
const struct gql_field *rpc_gql_field(const struct gql_type *type, struct bytes name);
const struct gql_input *rpc_gql_input(const struct gql_input *list, size_t count,
                                      struct bytes name);
const struct gql_directive_type *rpc_gql_directive_type(struct bytes name);

/* --- Texts of types --- */

static inline bool gql_is_non_null(struct bytes type)
{
    return type.len > 0 && type.data[type.len - 1] == '!';
}

/* Without the "!" at its end. */
static inline struct bytes gql_nullable(struct bytes type)
{
    return gql_is_non_null(type) ? bytes_slice(type, 0, type.len - 1) : type;
}

static inline bool gql_is_list(struct bytes nullable)
{
    return nullable.len > 0 && nullable.data[0] == '[';
}

/* Of a nullable list's elements. */
static inline struct bytes gql_element(struct bytes list)
{
    return bytes_slice(list, 1, list.len - 2);
}

/* The name in it. */
struct bytes rpc_gql_bare(struct bytes type);

#endif
