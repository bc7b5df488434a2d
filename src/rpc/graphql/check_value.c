/* Values: whether they fit where they stand. */
#include "base/decimal.h"
#include "rpc/graphql/check.h"

void rpc_gql_append_value(struct buf *b, const struct gql_value *value)
{
    if (value->kind != GQL_LIST && value->kind != GQL_OBJECT) {
        if (value->kind == GQL_VARIABLE)
            buf_append_byte(b, '$');
        buf_append_bytes(b, value->text);
        return;
    }
    buf_append_byte(b, value->kind == GQL_LIST ? '[' : '{');
    for (const struct gql_value *item = value->first; item; item = item->next) {
        if (item != value->first)
            buf_append_text(b, ", ");
        if (value->kind == GQL_OBJECT) {
            buf_append_bytes(b, item->key);
            buf_append_text(b, ": ");
        }
        rpc_gql_append_value(b, item);
    }
    buf_append_byte(b, value->kind == GQL_LIST ? ']' : '}');
}

struct gql_variable *rpc_gql_variable(const struct gql_operation *operation, struct bytes name)
{
    struct gql_variable *variable = operation ? operation->variables : NULL;
    while (variable && !bytes_equal(variable->name.text, name))
        variable = variable->next;
    return variable;
}

const struct gql_value *rpc_gql_member(const struct gql_value *first, struct bytes name)
{
    while (first && !bytes_equal(first->key, name))
        first = first->next;
    return first;
}

/* --- Variables --- */

/* Whether a value of a type may stand where another is wanted. */
static bool is_usable(struct bytes type, struct bytes wanted)
{
    if (gql_is_non_null(wanted) && !gql_is_non_null(type))
        return false;
    type = gql_nullable(type);
    wanted = gql_nullable(wanted);
    if (gql_is_list(type) && gql_is_list(wanted))
        return is_usable(gql_element(type), gql_element(wanted));
    return bytes_equal(type, wanted);
}

static void check_use(struct gql_check *check, const struct gql_value *value, struct bytes wanted)
{
    const struct gql_variable *variable = rpc_gql_variable(check->operation, value->text);
    if (!variable)
        return;
    /* With a preset it is never null. */
    bool preset = variable->preset && !gql_is_non_null(variable->type);
    if (is_usable(variable->type, preset ? gql_nullable(wanted) : wanted))
        return;
    rpc_gql_error_at(check->errors, variable->at, value->at,
                     "Variable \"$%.*s\" of type \"%.*s%s\" used in position expecting type "
                     "\"%.*s\".",
                     GQL_TEXT(value->text), GQL_TEXT(variable->type), preset ? "!" : "",
                     GQL_TEXT(wanted));
}

void rpc_gql_check_given(struct gql_check *check, const struct gql_variable *variable,
                         const struct gql_value *given, struct bytes type)
{
    bool is_null = !given || given->kind == GQL_NULL;
    struct bytes nullable = gql_nullable(type);
    const struct gql_type *named = rpc_gql_type(nullable);
    if (is_null && gql_is_non_null(type)) {
        rpc_gql_error_at(
            check->errors, variable->at, GQL_NOWHERE,
            "Variable \"%.*s\" has invalid value null.\nExpected type \"%.*s\", found null.",
            GQL_TEXT(variable->name.text), GQL_TEXT(type));
    } else if (!is_null && gql_is_list(nullable)) {
        if (given->kind != GQL_LIST)
            rpc_gql_check_given(check, variable, given, gql_element(nullable));
        else
            for (const struct gql_value *item = given->first; item; item = item->next)
                rpc_gql_check_given(check, variable, item, gql_element(nullable));
    } else if (!is_null && named && named->kind == GQL_TYPE_INPUT) {
        if (given->kind != GQL_OBJECT)
            rpc_gql_error_at(
                check->errors, variable->at, GQL_NOWHERE,
                "Variable \"%.*s\" has an invalid value.\nExpected type \"%.*s\", found no object.",
                GQL_TEXT(variable->name.text), GQL_TEXT(nullable));
        for (size_t i = 0; given->kind == GQL_OBJECT && i < named->input_count; i++)
            rpc_gql_check_given(check, variable,
                                rpc_gql_member(given->first, bytes_str(named->inputs[i].name)),
                                bytes_str(named->inputs[i].type));
    }
}

/* --- Literals --- */

static void check_members(struct gql_check *check, const struct gql_value *object)
{
    for (const struct gql_value *member = object->first; member; member = member->next) {
        const struct gql_value *first = rpc_gql_member(object->first, member->key);
        if (first != member)
            rpc_gql_error_at(check->errors, first->key_at, member->key_at,
                             "There can be only one input field named \"%.*s\".",
                             GQL_TEXT(member->key));
        rpc_gql_check_literal(check, member);
    }
}

static void check_variable(struct gql_check *check, const struct gql_value *value)
{
    struct gql_variable *variable = rpc_gql_variable(check->operation, value->text);
    const struct gql_operation *operation = check->operation;
    if (variable)
        variable->is_used = true;
    else if (operation && operation->name.text.len)
        rpc_gql_error_at(check->errors, value->at, operation->at,
                         "Variable \"$%.*s\" is not defined by operation \"%.*s\".",
                         GQL_TEXT(value->text), GQL_TEXT(operation->name.text));
    else if (operation)
        rpc_gql_error_at(check->errors, value->at, operation->at,
                         "Variable \"$%.*s\" is not defined.", GQL_TEXT(value->text));
}

void rpc_gql_check_literal(struct gql_check *check, const struct gql_value *value)
{
    if (value->kind == GQL_VARIABLE)
        check_variable(check, value);
    else if (value->kind == GQL_OBJECT)
        check_members(check, value);
    else if (value->kind == GQL_LIST)
        for (const struct gql_value *item = value->first; item; item = item->next)
            rpc_gql_check_literal(check, item);
}

static bool is_int32(struct bytes text)
{
    bool negative = text.len > 0 && text.data[0] == '-';
    struct u256 value;
    struct bytes digits = negative ? bytes_slice(text, 1, text.len - 1) : text;
    return decimal_parse_u256(&value, digits) && u256_is_u64(&value) &&
           value.w[0] <= (uint64_t)INT32_MAX + negative;
}

/* What GoQuorum's library knows of the language's own scalars; those of the chain are read when the query is run. */
static bool scalar_fits(const struct gql_value *value, struct bytes type)
{
    if (gql_is(type, "Int"))
        return value->kind == GQL_INT && is_int32(value->text);
    if (gql_is(type, "Float"))
        return value->kind == GQL_INT || value->kind == GQL_FLOAT;
    if (gql_is(type, "String"))
        return value->kind == GQL_STRING;
    if (gql_is(type, "Boolean"))
        return value->kind == GQL_WORD &&
               (gql_is(value->text, "true") || gql_is(value->text, "false"));
    if (gql_is(type, "ID"))
        return value->kind == GQL_INT || value->kind == GQL_STRING;
    return true;
}

static bool object_fits(struct gql_check *check, const struct gql_value *value,
                        const struct gql_type *type, struct buf *ret_why)
{
    if (value->kind != GQL_OBJECT) {
        buf_append_format(ret_why, "Expected \"%s\", found not an object.", type->name);
        return false;
    }
    for (const struct gql_value *member = value->first; member; member = member->next) {
        const struct gql_input *input = rpc_gql_input(type->inputs, type->input_count, member->key);
        buf_append_format(ret_why, "In field \"%.*s\": ", GQL_TEXT(member->key));
        if (!input)
            buf_append_text(ret_why, "Unknown field.");
        if (!input || !rpc_gql_fits(check, member, bytes_str(input->type), ret_why))
            return false;
        buf_clear(ret_why);
    }
    return true;
}

static bool list_fits(struct gql_check *check, const struct gql_value *value, struct bytes element,
                      struct buf *ret_why)
{
    size_t at = 0;
    for (const struct gql_value *item = value->first; item; item = item->next, at++) {
        size_t before = ret_why->len;
        buf_append_format(ret_why, "In element #%zu: ", at);
        if (!rpc_gql_fits(check, item, element, ret_why))
            return false;
        ret_why->len = before < ret_why->len ? before : ret_why->len;
    }
    return true;
}

bool rpc_gql_fits(struct gql_check *check, const struct gql_value *value, struct bytes type,
                  struct buf *ret_why)
{
    struct bytes nullable = gql_nullable(type);
    const struct gql_type *named = rpc_gql_type(nullable);
    if (value->kind == GQL_VARIABLE) {
        check_use(check, value, type);
        return true;
    }
    if (value->kind == GQL_NULL) {
        if (gql_is_non_null(type))
            buf_append_format(ret_why, "Expected \"%.*s\", found null.", GQL_TEXT(type));
        return !gql_is_non_null(type);
    }
    if (gql_is_list(nullable))
        return value->kind == GQL_LIST ? list_fits(check, value, gql_element(nullable), ret_why)
                                       : rpc_gql_fits(check, value, gql_element(nullable), ret_why);
    if (named && named->kind == GQL_TYPE_INPUT)
        return object_fits(check, value, named, ret_why);
    if (value->kind == GQL_LIST || value->kind == GQL_OBJECT || scalar_fits(value, nullable))
        return true; /* a list where a scalar is wanted is refused when the query is run */
    buf_append_format(ret_why, "Expected type \"%.*s\", found ", GQL_TEXT(nullable));
    rpc_gql_append_value(ret_why, value);
    buf_append_byte(ret_why, '.');
    return false;
}
