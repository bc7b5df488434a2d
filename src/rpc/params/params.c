/* Parameters, read as Go's encoding/json reads them, with its messages. */
#include "rpc/params/priv.h"

#include <stdio.h>

const char *rpc_type_go_name(enum rpc_type type)
{
    static const char *const names[] = {
#define X(name, go, text) go,
        RPC_TYPE_LIST(X)
#undef X
    };
    return names[type];
}

/* --- All types --- */

static int read_text(struct rpc_reading *r, struct bytes *ret_text, enum rpc_type type,
                     struct bytes json)
{
    *ret_text = bytes_str("");
    if (rpc_json_kind(json) == RPC_JSON_NULL)
        return 0;
    if (!rpc_param_is_string(json))
        return rpc_param_wrong_type(r, NULL, rpc_param_kind(json), rpc_type_go_name(type));
    *ret_text = rpc_json_string(json, r->arena);
    return ret_text->data ? 0 : ERR_NOMEM;
}

int rpc_param_number(struct rpc_reading *r, uint64_t *ret_number, enum rpc_type type,
                     struct bytes json)
{
    uint64_t value = 0;
    uint64_t most = type == RPC_NUMBER8    ? UINT8_MAX
                    : type == RPC_NUMBER16 ? UINT16_MAX
                                           : UINT64_MAX;
    *ret_number = 0;
    if (rpc_json_kind(json) == RPC_JSON_NULL)
        return 0;
    if (rpc_json_kind(json) != RPC_JSON_NUMBER)
        return rpc_param_wrong_type(r, NULL, rpc_param_kind(json), rpc_type_go_name(type));
    for (size_t i = 0; i < json.len; i++) {
        unsigned digit = (unsigned)json.data[i] - '0';
        if (digit > 9 || __builtin_mul_overflow(value, 10, &value) ||
            __builtin_add_overflow(value, digit, &value) || value > most) {
            char text[80];
            snprintf(text, sizeof(text), "number %.*s", (int)(json.len < 64 ? json.len : 64),
                     (const char *)json.data);
            return rpc_param_wrong_type(r, NULL, text, rpc_type_go_name(type));
        }
    }
    *ret_number = value;
    return 0;
}

int rpc_param_integer(struct rpc_reading *r, const struct rpc_place *place, int64_t *ret_value,
                      const char *type, struct bytes json)
{
    int64_t value = 0;
    bool minus = json.len && json.data[0] == '-';
    *ret_value = 0;
    if (rpc_json_kind(json) == RPC_JSON_NULL)
        return 0;
    if (rpc_json_kind(json) != RPC_JSON_NUMBER)
        return rpc_param_wrong_type(r, place, rpc_param_kind(json), type);
    for (size_t i = minus; i < json.len; i++) {
        unsigned digit = (unsigned)json.data[i] - '0';
        if (digit > 9 || __builtin_mul_overflow(value, 10, &value) ||
            __builtin_sub_overflow(value, (int64_t)digit, &value) ||
            (!minus && value == INT64_MIN)) {
            char text[80];
            snprintf(text, sizeof(text), "number %.*s", (int)(json.len < 64 ? json.len : 64),
                     (const char *)json.data);
            return rpc_param_wrong_type(r, place, text, type);
        }
    }
    *ret_value = minus ? value : -value;
    return 0;
}

/* Texts, or null in the place of one or of all. */
static int check_texts(struct rpc_reading *r, struct bytes json)
{
    struct rpc_json_walk walk;
    struct bytes value;
    if (rpc_json_kind(json) == RPC_JSON_NULL)
        return 0;
    if (rpc_json_kind(json) != RPC_JSON_ARRAY)
        return rpc_param_wrong_type(r, NULL, rpc_param_kind(json), "[]string");
    rpc_json_walk_begin(&walk, json);
    while (rpc_json_element(&walk, &value))
        if (rpc_json_kind(value) != RPC_JSON_STRING && rpc_json_kind(value) != RPC_JSON_NULL)
            return rpc_param_wrong_type(r, NULL, rpc_param_kind(value), "string");
    return 0;
}

static int read_value(struct rpc_reading *r, struct rpc_value *v, enum rpc_type type)
{
    struct bytes json = v->json;
    switch (type) {
    case RPC_ADDRESS:
        return rpc_param_fixed(r, NULL, v->address.b, sizeof(v->address.b), "common.Address", json);
    case RPC_HASH:
        return rpc_param_hash(r, NULL, &v->hash, json);
    case RPC_BLOCK:
        return rpc_param_block(r, &v->block, json);
    case RPC_BLOCK_OR_HASH:
        return rpc_param_block_or_hash(r, &v->block, json);
    case RPC_BOOL:
        v->boolean = json.data[0] == 't';
        if (rpc_json_kind(json) == RPC_JSON_BOOL || rpc_json_kind(json) == RPC_JSON_NULL)
            return 0;
        return rpc_param_wrong_type(r, NULL, rpc_param_kind(json), "bool");
    case RPC_TEXT:
    case RPC_ID:
        return read_text(r, &v->bytes, type, json);
    case RPC_BYTES:
        return rpc_param_bytes(r, NULL, &v->bytes, json);
    case RPC_BASE64:
        return rpc_param_base64(r, &v->bytes, json);
    case RPC_UINT:
        return rpc_param_u64(r, NULL, &v->number, "hexutil.Uint", json);
    case RPC_U64:
        return rpc_param_u64(r, NULL, &v->number, "hexutil.Uint64", json);
    case RPC_BIG:
        return rpc_param_big(r, NULL, &v->big, json);
    case RPC_NUMBER:
    case RPC_NATURAL:
    case RPC_NUMBER8:
    case RPC_NUMBER16:
        return rpc_param_number(r, &v->number, type, json);
    case RPC_CALL:
    case RPC_SEND:
    case RPC_SEND_ASYNC:
    case RPC_SEND_RAW:
        return rpc_param_transaction(r, &v->transaction, type, json);
    case RPC_FILTER:
        return rpc_param_filter(r, &v->filter, json);
    case RPC_TRACE:
    case RPC_TRACE_CALL:
    case RPC_TRACE_FILE:
        return rpc_param_trace(r, &v->trace, type, json);
    case RPC_OVERRIDE:
        return rpc_param_overrides(r, &v->override.list, &v->override.count, json);
    case RPC_REWARDS:
        return rpc_param_rewards(r, &v->rewards.list, &v->rewards.count, json);
    case RPC_INT:
        return rpc_param_integer(r, NULL, &v->integer, "int", json);
    case RPC_TEXTS:
        return check_texts(r, json);
    default:
        return 0;
    }
}

static size_t param_count(const struct rpc_method *method)
{
    size_t count = 0;
    while (count < RPC_PARAMS_MAX && method->params[count].type != RPC_NONE)
        count++;
    return count;
}

static int read_list(struct rpc_call *call, size_t count, size_t *ret_given, struct bytes params)
{
    struct rpc_reading r = {.arena = call->arena};
    struct rpc_json_walk walk;
    struct bytes json;
    size_t i = 0;
    rpc_json_walk_begin(&walk, params);
    for (; rpc_json_element(&walk, &json); i++) {
        if (i >= count)
            return rpc_fail(call, RPC_CODE_PARAMS, "too many arguments, want at most %zu", count);
        const struct rpc_param *param = &call->method->params[i];
        struct rpc_value *v = &call->args[i];
        v->json = json;
        if (param->optional && rpc_json_kind(json) == RPC_JSON_NULL)
            continue;
        int status = read_value(&r, v, param->type);
        if (status == RPC_FAILED)
            return rpc_fail(call, RPC_CODE_PARAMS, "invalid argument %zu: %s", i, r.message);
        if (status)
            return status;
        v->given = true;
    }
    *ret_given = i;
    return 0;
}

int rpc_params_read(struct rpc_call *call, struct bytes params)
{
    size_t count = param_count(call->method), given = 0;
    memset(call->args, 0, sizeof(call->args));
    if (params.len && rpc_json_kind(params) == RPC_JSON_ARRAY) {
        int status = read_list(call, count, &given, params);
        if (status)
            return status;
    } else if (params.len && rpc_json_kind(params) != RPC_JSON_NULL) {
        return rpc_fail(call, RPC_CODE_PARAMS, "non-array args");
    }
    for (size_t i = given; i < count; i++)
        if (!call->method->params[i].optional)
            return rpc_fail(call, RPC_CODE_PARAMS, "missing value for required argument %zu", i);
    return 0;
}
