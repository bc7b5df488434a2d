#include "rpc/graphql/schema.h"

struct bytes rpc_gql_bare(struct bytes type)
{
    for (;;) {
        type = gql_nullable(type);
        if (!gql_is_list(type))
            return type;
        type = gql_element(type);
    }
}

static const struct gql_type scalars[] = {
    {.name = "Address", .text = "20 bytes, hexadecimal with 0x."},
    {.name = "BigInt",
     .text = "A number of up to 256 bits: given as a number, or as text in decimal or hexadecimal "
             "with 0x; "
             "answered in hexadecimal."},
    {.name = "Boolean", .text = "true or false."},
    {.name = "Bytes", .text = "Any number of bytes, hexadecimal with 0x, two digits each."},
    {.name = "Bytes32", .text = "32 bytes, hexadecimal with 0x."},
    {.name = "Float", .text = "A number with a fraction, of double precision."},
    {.name = "ID", .text = "A name that is unique."},
    {.name = "Int", .text = "A number from -2^31 to 2^31 - 1."},
    {.name = "Long", .text = "A number of up to 64 bits."},
    {.name = "String", .text = "Text, in UTF-8."},
};

static const struct gql_input log_filter[] = {
    {"addresses", "[Address!]", "Whose logs; all when there is none.", .preset = NULL},
    {"topics", "[[Bytes32!]!]",
     "For each place the topics that may stand there; any where the list is empty.",
     .preset = NULL},
};

static const struct gql_input range_filter[] = {
    {"fromBlock", "Long", "The first block; the latest when it is not given.", .hex = true},
    {"toBlock", "Long", "The last block; the latest when it is not given.", .hex = true},
    {"addresses", "[Address!]", "Whose logs; all when there is none.", .preset = NULL},
    {"topics", "[[Bytes32!]!]",
     "For each place the topics that may stand there; any where the list is empty.",
     .preset = NULL},
};

static const struct gql_input call_data[] = {
    {"from", "Address", "Who calls.", .preset = NULL},
    {"to", "Address", "Who is called; a contract is made when it is not given.", .preset = NULL},
    {"gas", "Long", "The most gas that it may take.", .hex = true},
    {"gasPrice", "BigInt", "Wei for each unit of gas.", .preset = NULL},
    {"value", "BigInt", "Wei that is sent along.", .preset = NULL},
    {"data", "Bytes", "What the one who is called gets to read.", .preset = NULL},
};

static const struct gql_type inputs[] = {
    {.name = "BlockFilterCriteria",
     .text = "Which logs of a block.",
     .kind = GQL_TYPE_INPUT,
     .inputs = log_filter,
     .input_count = BASE_COUNT(log_filter)},
    {.name = "CallData",
     .text = "A call that no transaction makes.",
     .kind = GQL_TYPE_INPUT,
     .inputs = call_data,
     .input_count = BASE_COUNT(call_data)},
    {.name = "FilterCriteria",
     .text = "Which logs of which blocks.",
     .kind = GQL_TYPE_INPUT,
     .inputs = range_filter,
     .input_count = BASE_COUNT(range_filter)},
};

const struct gql_type *const rpc_gql_types[] = {
    &rpc_gql_access_tuple,
    &rpc_gql_account,
    &scalars[0], /* Address */
    &scalars[1], /* BigInt */
    &rpc_gql_block,
    &inputs[0],  /* BlockFilterCriteria */
    &scalars[2], /* Boolean */
    &scalars[3], /* Bytes */
    &scalars[4], /* Bytes32 */
    &inputs[1],  /* CallData */
    &rpc_gql_call_result,
    &inputs[2],  /* FilterCriteria */
    &scalars[5], /* Float */
    &scalars[6], /* ID */
    &scalars[7], /* Int */
    &rpc_gql_log,
    &scalars[8], /* Long */
    &rpc_gql_mutation,
    &rpc_gql_pending,
    &rpc_gql_query,
    &scalars[9], /* String */
    &rpc_gql_sync_state,
    &rpc_gql_transaction,
    &rpc_gql_meta_directive,
    &rpc_gql_meta_directive_location,
    &rpc_gql_meta_enum_value,
    &rpc_gql_meta_field,
    &rpc_gql_meta_input_value,
    &rpc_gql_meta_schema,
    &rpc_gql_meta_type,
    &rpc_gql_meta_type_kind,
};
const size_t rpc_gql_type_count = BASE_COUNT(rpc_gql_types);

static const struct gql_input condition[] = {{"if", "Boolean!", "Whether.", .preset = NULL}};
static const struct gql_input deprecation[] = {
    {"reason", "String", "Why, and what to use instead.", .preset = "\"No longer supported\""}};
static const char *const selections[] = {"FIELD", "FRAGMENT_SPREAD", "INLINE_FRAGMENT"};
static const char *const definitions[] = {"FIELD_DEFINITION", "ENUM_VALUE"};

const struct gql_directive_type rpc_gql_directives[] = {
    {"deprecated", "What it marks should not be used any more.", deprecation,
     BASE_COUNT(deprecation), definitions, BASE_COUNT(definitions)},
    {"include", "Takes a field or fragment in only when the condition holds.", condition,
     BASE_COUNT(condition), selections, BASE_COUNT(selections)},
    {"skip", "Leaves a field or fragment out when the condition holds.", condition,
     BASE_COUNT(condition), selections, BASE_COUNT(selections)},
};
const size_t rpc_gql_directive_count = BASE_COUNT(rpc_gql_directives);

const struct gql_type *rpc_gql_type(struct bytes name)
{
    for (size_t i = 0; i < rpc_gql_type_count; i++)
        if (gql_is(name, rpc_gql_types[i]->name))
            return rpc_gql_types[i];
    return NULL;
}

const struct gql_field *rpc_gql_field(const struct gql_type *type, struct bytes name)
{
    if (gql_is(name, rpc_gql_field_typename.name))
        return &rpc_gql_field_typename;
    if (gql_is(name, rpc_gql_field_schema.name))
        return &rpc_gql_field_schema;
    if (gql_is(name, rpc_gql_field_type.name))
        return &rpc_gql_field_type;
    for (size_t i = 0; type && i < type->field_count; i++)
        if (gql_is(name, type->fields[i].name))
            return &type->fields[i];
    return NULL;
}

const struct gql_input *rpc_gql_input(const struct gql_input *list, size_t count, struct bytes name)
{
    for (size_t i = 0; i < count; i++)
        if (gql_is(name, list[i].name))
            return &list[i];
    return NULL;
}

const struct gql_directive_type *rpc_gql_directive_type(struct bytes name)
{
    for (size_t i = 0; i < rpc_gql_directive_count; i++)
        if (gql_is(name, rpc_gql_directives[i].name))
            return &rpc_gql_directives[i];
    return NULL;
}
