/*
 * What queries can be about, for whoever asks that (GraphQL, chapter 4): the tables themselves.
 *
 *   __Type         a text such as "[Log!]!" (struct bytes)
 *   __Field, …     the row of the table
 */
#include "rpc/graphql/things.h"
#include "rpc/json/json.h"

static struct bytes *type_text(struct gql_run *run, struct bytes text)
{
    struct bytes *copy = rpc_gql_alloc(run, 1, sizeof(*copy));
    if (copy)
        *copy = text;
    return copy;
}

static int give_type(struct gql_run *run, struct gql_result *ret, const char *text)
{
    return gql_object(ret, type_text(run, bytes_str(text)));
}

/* Names and texts of the tables have nothing that JSON escapes but quotes. */
static int give_text(struct gql_run *run, struct gql_result *ret, const char *text)
{
    struct buf json = BUF_INIT;
    if (!text)
        return gql_null(ret);
    rpc_json_write_string(&json, bytes_str(text));
    return gql_json(ret, rpc_gql_keep(run, &json));
}

/* Every nth row of a table as an object. */
static int give_rows(struct gql_run *run, struct gql_result *ret, const void *rows, size_t size,
                     size_t count)
{
    int status = rpc_gql_list(run, ret, count);
    for (size_t i = 0; status == 0 && i < count; i++)
        status = gql_object(&ret->items[i], (char *)(uintptr_t)rows + i * size);
    return status;
}

/* A resolver that gives a member of the table's row. */
#define GIVES(function, give, row, member)                                                         \
    static int function(struct gql_run *run, const struct gql_asked *asked,                        \
                        struct gql_result *ret)                                                    \
    {                                                                                              \
        return give(run, ret, ((const struct row *)asked->object)->member);                        \
    }

static int no(struct gql_run *run, const struct gql_asked *asked, struct gql_result *ret)
{
    (void)run;
    (void)asked;
    return gql_json(ret, bytes_str("false"));
}

static int null(struct gql_run *run, const struct gql_asked *asked, struct gql_result *ret)
{
    (void)run;
    (void)asked;
    return gql_null(ret);
}

/* --- __Type --- */

static const char *const type_kinds[] = {"SCALAR", "OBJECT",       "INTERFACE", "UNION",
                                         "ENUM",   "INPUT_OBJECT", "LIST",      "NON_NULL"};

/* The named type; NULL: it is a list, or not null. */
static const struct gql_type *named(const struct gql_asked *asked)
{
    return rpc_gql_type(*(const struct bytes *)asked->object);
}

static int type_kind(struct gql_run *run, const struct gql_asked *asked, struct gql_result *ret)
{
    static const size_t places[] = {
        [GQL_TYPE_SCALAR] = 0, [GQL_TYPE_OBJECT] = 1, [GQL_TYPE_ENUM] = 4, [GQL_TYPE_INPUT] = 5};
    const struct gql_type *type = named(asked);
    struct bytes text = *(const struct bytes *)asked->object;
    return give_text(run, ret,
                     type                    ? type_kinds[places[type->kind]]
                     : gql_is_non_null(text) ? "NON_NULL"
                                             : "LIST");
}

static int type_name(struct gql_run *run, const struct gql_asked *asked, struct gql_result *ret)
{
    const struct gql_type *type = named(asked);
    return give_text(run, ret, type ? type->name : NULL);
}

static int type_description(struct gql_run *run, const struct gql_asked *asked,
                            struct gql_result *ret)
{
    const struct gql_type *type = named(asked);
    return give_text(run, ret, type ? type->text : NULL);
}

static int type_fields(struct gql_run *run, const struct gql_asked *asked, struct gql_result *ret)
{
    const struct gql_type *type = named(asked);
    return type && type->kind == GQL_TYPE_OBJECT
               ? give_rows(run, ret, type->fields, sizeof(*type->fields), type->field_count)
               : gql_null(ret);
}

static int type_interfaces(struct gql_run *run, const struct gql_asked *asked,
                           struct gql_result *ret)
{
    const struct gql_type *type = named(asked);
    return type && type->kind == GQL_TYPE_OBJECT ? rpc_gql_list(run, ret, 0) : gql_null(ret);
}

static int type_inputs(struct gql_run *run, const struct gql_asked *asked, struct gql_result *ret)
{
    const struct gql_type *type = named(asked);
    return type && type->kind == GQL_TYPE_INPUT
               ? give_rows(run, ret, type->inputs, sizeof(*type->inputs), type->input_count)
               : gql_null(ret);
}

static int type_values(struct gql_run *run, const struct gql_asked *asked, struct gql_result *ret)
{
    const struct gql_type *type = named(asked);
    return type && type->kind == GQL_TYPE_ENUM
               ? give_rows(run, ret, type->values, sizeof(*type->values), type->value_count)
               : gql_null(ret);
}

static int type_inner(struct gql_run *run, const struct gql_asked *asked, struct gql_result *ret)
{
    struct bytes text = *(const struct bytes *)asked->object;
    if (named(asked))
        return gql_null(ret);
    return gql_object(
        ret, type_text(run, gql_is_non_null(text) ? gql_nullable(text) : gql_element(text)));
}

static const struct gql_input deprecated[] = {
    {"includeDeprecated", "Boolean", "Whether those too that should not be used any more.",
     .preset = "false"}};

static const struct gql_field type_members[] = {
    {"kind", "__TypeKind!", "What kind of type.", type_kind},
    {"name", "String", "Its name; none of a list, or of what is never null.", type_name},
    {"description", "String", "What it is.", type_description},
    {"fields", "[__Field!]", "Of an object.", type_fields, NULL, GQL_INPUTS(deprecated)},
    {"interfaces", "[__Type!]", "Of an object: none here.", type_interfaces},
    {"possibleTypes", "[__Type!]", "Of an interface: there is none here.", null},
    {"enumValues", "[__EnumValue!]", "Of an enumeration.", type_values, NULL,
     GQL_INPUTS(deprecated)},
    {"inputFields", "[__InputValue!]", "Of an input.", type_inputs},
    {"ofType", "__Type", "Of what a list is, or what is never null.", type_inner},
};
const struct gql_type rpc_gql_meta_type = {
    .name = "__Type", .text = "A type.", .kind = GQL_TYPE_OBJECT, GQL_FIELDS(type_members)};

const struct gql_type rpc_gql_meta_type_kind = {.name = "__TypeKind",
                                                .text = "The kinds of types.",
                                                .kind = GQL_TYPE_ENUM,
                                                .values = type_kinds,
                                                .value_count = BASE_COUNT(type_kinds)};

/* --- __Field --- */

GIVES(field_name, give_text, gql_field, name)
GIVES(field_description, give_text, gql_field, text)
GIVES(field_type, give_type, gql_field, type)

static int field_args(struct gql_run *run, const struct gql_asked *asked, struct gql_result *ret)
{
    const struct gql_field *field = asked->object;
    return give_rows(run, ret, field->inputs, sizeof(*field->inputs), field->input_count);
}

static const struct gql_field field_members[] = {
    {"name", "String!", "Its name.", field_name},
    {"description", "String", "What it is.", field_description},
    {"args", "[__InputValue!]!", "Its arguments.", field_args},
    {"type", "__Type!", "Its type.", field_type},
    {"isDeprecated", "Boolean!", "Whether it should not be used any more.", no},
    {"deprecationReason", "String", "Why not.", null},
};
const struct gql_type rpc_gql_meta_field = {
    .name = "__Field", .text = "A field.", .kind = GQL_TYPE_OBJECT, GQL_FIELDS(field_members)};

/* --- __InputValue --- */

GIVES(input_name, give_text, gql_input, name)
GIVES(input_description, give_text, gql_input, text)
GIVES(input_type, give_type, gql_input, type)
GIVES(input_preset, give_text, gql_input, preset)

static const struct gql_field input_members[] = {
    {"name", "String!", "Its name.", input_name},
    {"description", "String", "What it is.", input_description},
    {"type", "__Type!", "Its type.", input_type},
    {"defaultValue", "String", "What it is when it is not given.", input_preset},
};
const struct gql_type rpc_gql_meta_input_value = {.name = "__InputValue",
                                                  .text = "An argument, or a member of an input.",
                                                  .kind = GQL_TYPE_OBJECT,
                                                  GQL_FIELDS(input_members)};

/* --- __EnumValue --- */

static int value_name(struct gql_run *run, const struct gql_asked *asked, struct gql_result *ret)
{
    return give_text(run, ret, *(const char *const *)asked->object);
}

static const struct gql_field value_members[] = {
    {"name", "String!", "Its name.", value_name},
    {"description", "String", "What it is.", null},
    {"isDeprecated", "Boolean!", "Whether it should not be used any more.", no},
    {"deprecationReason", "String", "Why not.", null},
};
const struct gql_type rpc_gql_meta_enum_value = {.name = "__EnumValue",
                                                 .text = "A value of an enumeration.",
                                                 .kind = GQL_TYPE_OBJECT,
                                                 GQL_FIELDS(value_members)};

/* --- __Directive --- */

GIVES(directive_name, give_text, gql_directive_type, name)
GIVES(directive_description, give_text, gql_directive_type, text)

static int directive_places(struct gql_run *run, const struct gql_asked *asked,
                            struct gql_result *ret)
{
    const struct gql_directive_type *directive = asked->object;
    int status = rpc_gql_list(run, ret, directive->place_count);
    for (size_t i = 0; status == 0 && i < directive->place_count; i++)
        status = give_text(run, &ret->items[i], directive->places[i]);
    return status;
}

static int directive_args(struct gql_run *run, const struct gql_asked *asked,
                          struct gql_result *ret)
{
    const struct gql_directive_type *directive = asked->object;
    return give_rows(run, ret, directive->inputs, sizeof(*directive->inputs),
                     directive->input_count);
}

static const struct gql_field directive_members[] = {
    {"name", "String!", "Its name.", directive_name},
    {"description", "String", "What it does.", directive_description},
    {"locations", "[__DirectiveLocation!]!", "Where it may stand.", directive_places},
    {"args", "[__InputValue!]!", "Its arguments.", directive_args},
};
const struct gql_type rpc_gql_meta_directive = {.name = "__Directive",
                                                .text = "What changes how a part is run.",
                                                .kind = GQL_TYPE_OBJECT,
                                                GQL_FIELDS(directive_members)};

static const char *const directive_locations[] = {"QUERY",
                                                  "MUTATION",
                                                  "SUBSCRIPTION",
                                                  "FIELD",
                                                  "FRAGMENT_DEFINITION",
                                                  "FRAGMENT_SPREAD",
                                                  "INLINE_FRAGMENT",
                                                  "SCHEMA",
                                                  "SCALAR",
                                                  "OBJECT",
                                                  "FIELD_DEFINITION",
                                                  "ARGUMENT_DEFINITION",
                                                  "INTERFACE",
                                                  "UNION",
                                                  "ENUM",
                                                  "ENUM_VALUE",
                                                  "INPUT_OBJECT",
                                                  "INPUT_FIELD_DEFINITION"};
const struct gql_type rpc_gql_meta_directive_location = {.name = "__DirectiveLocation",
                                                         .text = "Where a directive may stand.",
                                                         .kind = GQL_TYPE_ENUM,
                                                         .values = directive_locations,
                                                         .value_count =
                                                             BASE_COUNT(directive_locations)};

/* --- __Schema --- */

static int schema_types(struct gql_run *run, const struct gql_asked *asked, struct gql_result *ret)
{
    (void)asked;
    int status = rpc_gql_list(run, ret, rpc_gql_type_count);
    for (size_t i = 0; status == 0 && i < rpc_gql_type_count; i++)
        status = give_type(run, &ret->items[i], rpc_gql_types[i]->name);
    return status;
}

static int schema_root(struct gql_run *run, const struct gql_asked *asked, struct gql_result *ret)
{
    return give_type(run, ret, asked->field->key);
}

static int schema_directives(struct gql_run *run, const struct gql_asked *asked,
                             struct gql_result *ret)
{
    (void)asked;
    return give_rows(run, ret, rpc_gql_directives, sizeof(rpc_gql_directives[0]),
                     rpc_gql_directive_count);
}

static const struct gql_field schema_members[] = {
    {"types", "[__Type!]!", "All types.", schema_types},
    {"queryType", "__Type!", "Where queries begin.", schema_root, "Query"},
    {"mutationType", "__Type", "Where mutations begin.", schema_root, "Mutation"},
    {"subscriptionType", "__Type", "There are no subscriptions.", null},
    {"directives", "[__Directive!]!", "All directives.", schema_directives},
};
const struct gql_type rpc_gql_meta_schema = {
    .name = "__Schema", .text = "The types.", .kind = GQL_TYPE_OBJECT, GQL_FIELDS(schema_members)};

/* --- From where they are asked for --- */

static int schema(struct gql_run *run, const struct gql_asked *asked, struct gql_result *ret)
{
    (void)run;
    (void)asked;
    return gql_object(ret, (void *)(uintptr_t)&rpc_gql_meta_schema);
}

static int type_by_name(struct gql_run *run, const struct gql_asked *asked, struct gql_result *ret)
{
    const struct gql_type *type = rpc_gql_type(gql_given(asked->arguments, "name")->characters);
    return type ? give_type(run, ret, type->name) : gql_null(ret);
}

static const struct gql_input names[] = {{"name", "String!", "Its name.", .preset = NULL}};

const struct gql_field rpc_gql_field_schema = {"__schema", "__Schema!", "The types.", schema};
const struct gql_field rpc_gql_field_type = {"__type",     "__Type", "A type.",
                                             type_by_name, NULL,     GQL_INPUTS(names)};
const struct gql_field rpc_gql_field_typename = {"__typename", "String!", "The type's name.", NULL};
