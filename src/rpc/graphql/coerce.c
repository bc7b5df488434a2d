/* Values as their types have them, with the messages of go-ethereum's types (hexutil, common). */
#include "base/decimal.h"
#include "base/hex.h"
#include "rpc/graphql/plan.h"
#include "rpc/params/priv.h"

#include <inttypes.h>
#include <stdio.h>

struct coercion {
    const struct gql_input *input;
    const struct gql_value *variables;
    struct arena *arena;
    struct err_detail *detail;
};

/* What Go calls the value's type. */
static const char *go_type(const struct gql_value *value)
{
    switch (value->kind) {
    case GQL_INT:
        return value->at.line ? "int32" : "float64"; /* JSON's */
    case GQL_FLOAT:
        return "float64";
    case GQL_WORD:
        return "bool";
    case GQL_LIST:
        return "[]interface {}";
    case GQL_OBJECT:
        return "map[string]interface {}";
    default:
        return "string";
    }
}

static int set_text(struct coercion *c, struct gql_value *value, const char *text)
{
    value->characters = arena_copy(c->arena, bytes_str(text));
    return value->characters.data ? 0 : ERR_NOMEM;
}

static int read_decimal(struct coercion *c, struct gql_value *value, struct bytes text, int64_t min,
                        int64_t max)
{
    bool negative = text.len > 0 && text.data[0] == '-';
    struct bytes digits = negative ? bytes_slice(text, 1, text.len - 1) : text;
    struct u256 magnitude;
    if (!decimal_parse_u256(&magnitude, digits))
        return err_set(c->detail, ERR_INPUT, "strconv.ParseInt: parsing \"%.*s\": invalid syntax",
                       GQL_TEXT(text));
    uint64_t limit = negative ? (uint64_t)-(min + 1) + 1 : (uint64_t)max;
    if (!u256_is_u64(&magnitude) || magnitude.w[0] > limit)
        return err_set(c->detail, ERR_INPUT,
                       "strconv.ParseInt: parsing \"%.*s\": value out of range", GQL_TEXT(text));
    value->number = negative ? (int64_t)(0 - magnitude.w[0]) : (int64_t)magnitude.w[0];
    return 0;
}

static int read_quantity(struct coercion *c, struct gql_value *value, struct bytes text,
                         size_t digits_max, const char *too_large)
{
    struct u256 number;
    char digits[2 + 64 + 1];
    const char *why = rpc_param_quantity(&number, text, digits_max, too_large);
    if (why)
        return err_set(c->detail, ERR_INPUT, "%s", why);
    value->number = (int64_t)number.w[0];
    hex_format_u256(digits, &number);
    return set_text(c, value, digits);
}

/* A Long is decimal text in GoQuorum's own arguments and hexadecimal in those that it has from JSON-RPC; numbers may stand in both. */
static int read_long(struct coercion *c, struct gql_value *value, const struct gql_value *from)
{
    char text[32];
    int status;
    if (from->kind == GQL_STRING && c->input->hex)
        return read_quantity(c, value, from->characters, 16, "hex number > 64 bits");
    if (from->kind != GQL_STRING && from->kind != GQL_INT)
        return err_set(c->detail, ERR_INPUT, "unexpected type %s for Long", go_type(from));
    status = read_decimal(c, value, from->kind == GQL_STRING ? from->characters : from->text,
                          INT64_MIN, INT64_MAX);
    if (status)
        return status;
    snprintf(text, sizeof(text), "0x%" PRIx64, (uint64_t)value->number);
    return set_text(c, value, text);
}

static int read_big(struct coercion *c, struct gql_value *value, const struct gql_value *from)
{
    struct u256 number;
    char digits[2 + 64 + 1];
    if (from->kind == GQL_STRING)
        return read_quantity(c, value, from->characters, 64, "hex number > 256 bits");
    if (from->kind != GQL_INT)
        return err_set(c->detail, ERR_INPUT, "unexpected type %s for BigInt", go_type(from));
    if (!decimal_parse_u256(&number, from->text))
        return err_set(c->detail, ERR_INPUT, "BigInt must be from 0 to 2^256 - 1: %.*s",
                       GQL_TEXT(from->text));
    hex_format_u256(digits, &number);
    return set_text(c, value, digits);
}

/* `size` 0: any. `name` is Go's. */
static int read_bytes(struct coercion *c, struct gql_value *value, const struct gql_value *from,
                      size_t size, const char *name)
{
    struct bytes digits;
    if (from->kind != GQL_STRING)
        return err_set(c->detail, ERR_INPUT, "unexpected type %s for %s", go_type(from), name);
    const char *why = from->characters.len == 0 && size == 0
                          ? "empty hex string"
                          : rpc_param_check_hex(&digits, from->characters);
    if (why)
        return err_set(c->detail, ERR_INPUT, "%s", why);
    if (size && digits.len != 2 * size)
        return err_set(c->detail, ERR_INPUT, "hex string has length %zu, want %zu for %s",
                       digits.len, 2 * size, name);
    for (size_t i = 0; i < digits.len; i++)
        if (rpc_param_nibble(digits.data[i]) < 0)
            return err_set(c->detail, ERR_INPUT, "invalid hex string");
    value->characters = from->characters;
    return 0;
}

static int read_plain(struct coercion *c, struct gql_value *value, const struct gql_value *from,
                      struct bytes type)
{
    if (gql_is(type, "Int") && from->kind == GQL_INT)
        return read_decimal(c, value, from->text, INT32_MIN, INT32_MAX);
    bool good = gql_is(type, "Boolean") ? from->kind == GQL_WORD
                                        : gql_is(type, "String") && from->kind == GQL_STRING;
    return good ? 0
                : err_set(c->detail, ERR_INPUT,
                          "could not unmarshal %.*s (%s) into %s: incompatible type",
                          GQL_TEXT(from->text), go_type(from),
                          gql_is(type, "Int")       ? "int32"
                          : gql_is(type, "Boolean") ? "bool"
                                                    : "string");
}

static int read_scalar(struct coercion *c, struct gql_value *value, const struct gql_value *from,
                       struct bytes type)
{
    if (gql_is(type, "Long"))
        return read_long(c, value, from);
    if (gql_is(type, "BigInt"))
        return read_big(c, value, from);
    if (gql_is(type, "Bytes"))
        return read_bytes(c, value, from, 0, "Bytes");
    if (gql_is(type, "Bytes32"))
        return read_bytes(c, value, from, 32, "Hash");
    if (gql_is(type, "Address"))
        return read_bytes(c, value, from, 20, "Address");
    return read_plain(c, value, from, type);
}

static int coerce(struct coercion *c, struct gql_value **ret_value, const struct gql_value *from,
                  struct bytes type);

static int coerce_list(struct coercion *c, struct gql_value *value, const struct gql_value *from,
                       struct bytes element)
{
    struct gql_value **end = &value->first;
    value->kind = GQL_LIST;
    for (const struct gql_value *item = from->kind == GQL_LIST ? from->first : from; item;
         item = item->next) {
        int status = coerce(c, end, item, element);
        if (status)
            return status;
        if (!*end)
            return err_set(c->detail, ERR_INPUT, "got null for non-null");
        end = &(*end)->next;
        if (from->kind != GQL_LIST)
            break;
    }
    return 0;
}

static int coerce_object(struct coercion *c, struct gql_value *value, const struct gql_value *from,
                         const struct gql_type *type)
{
    struct gql_value **end = &value->first;
    if (from->kind != GQL_OBJECT)
        return err_set(c->detail, ERR_INPUT, "expected \"%s\", found not an object", type->name);
    value->kind = GQL_OBJECT;
    for (size_t i = 0; i < type->input_count; i++) {
        const struct gql_input *input = &type->inputs[i];
        const struct gql_value *member = rpc_gql_member(from->first, bytes_str(input->name));
        struct coercion inner = *c;
        inner.input = input;
        int status = member ? coerce(&inner, end, member, bytes_str(input->type)) : 0;
        if (status)
            return status;
        if (!*end)
            continue;
        (*end)->key = bytes_str(input->name);
        end = &(*end)->next;
    }
    return 0;
}

static int coerce(struct coercion *c, struct gql_value **ret_value, const struct gql_value *from,
                  struct bytes type)
{
    struct bytes nullable = gql_nullable(type);
    const struct gql_type *named = rpc_gql_type(nullable);
    *ret_value = NULL;
    if (from->kind == GQL_VARIABLE)
        from = rpc_gql_member(c->variables, from->text);
    if (!from || from->kind == GQL_NULL)
        return gql_is_non_null(type) ? err_set(c->detail, ERR_INPUT, "got null for non-null") : 0;
    struct gql_value *value = arena_alloc_zeroed(c->arena, 1, sizeof(*value));
    if (!value)
        return ERR_NOMEM;
    value->kind = from->kind;
    value->text = from->text;
    value->characters = from->characters;
    int status = gql_is_list(nullable) ? coerce_list(c, value, from, gql_element(nullable))
                 : named && named->kind == GQL_TYPE_INPUT ? coerce_object(c, value, from, named)
                                                          : read_scalar(c, value, from, nullable);
    if (status == 0)
        *ret_value = value;
    return status;
}

int rpc_gql_coerce(struct gql_value **ret_value, const struct gql_value *value,
                   const struct gql_input *input, struct bytes type,
                   const struct gql_value *variables, struct arena *arena,
                   struct err_detail *detail)
{
    struct coercion c = {input, variables, arena, detail};
    return coerce(&c, ret_value, value, type);
}
