/* Parameters of traces and of calls on a changed state. */
#include "base/base64.h"
#include "rpc/params/priv.h"
#include "rpc/run/override.h"

#include <stdio.h>
#include <stdlib.h>

/* --- State overrides --- */

/* A key of a map, which Go reads as a text. */
static int read_key(struct rpc_reading *r, uint8_t *ret_bytes, size_t len, const char *type,
                    struct bytes key)
{
    return rpc_param_fixed(r, NULL, ret_bytes, len, type, key);
}

static int read_slots(struct rpc_reading *r, const struct rpc_override_slot **ret_slots,
                      size_t *ret_count, const struct rpc_place *place, struct bytes json)
{
    struct rpc_json_walk walk;
    struct bytes key, value;
    size_t count = 0;
    if (rpc_json_kind(json) != RPC_JSON_OBJECT)
        return rpc_param_wrong_type(r, place, rpc_param_kind(json), "map[common.Hash]common.Hash");
    struct rpc_override_slot *slots =
        arena_alloc(r->arena, (rpc_json_count(json) + 1) * sizeof(*slots));
    if (!slots)
        return ERR_NOMEM;
    rpc_json_walk_begin(&walk, json);
    while (rpc_json_member(&walk, &key, &value)) {
        int status = read_key(r, slots[count].slot.b, 32, "common.Hash", key);
        if (status == 0)
            status = rpc_param_hash(r, place, &slots[count].value, value);
        if (status)
            return status;
        count++;
    }
    *ret_slots = slots;
    *ret_count = count;
    return 0;
}

static int read_override_field(struct rpc_reading *r, struct rpc_override *o, struct bytes key,
                               struct bytes value)
{
    static const struct rpc_place nonce = {"OverrideAccount", "nonce"},
                                  code = {"OverrideAccount", "code"},
                                  balance = {"OverrideAccount", "balance"},
                                  state = {"OverrideAccount", "state"},
                                  diff = {"OverrideAccount", "stateDiff"};
    if (rpc_json_kind(value) == RPC_JSON_NULL)
        return 0;
    if (rpc_json_key_is(key, "nonce")) {
        o->has_nonce = true;
        return rpc_param_u64(r, &nonce, &o->nonce, "hexutil.Uint64", value);
    }
    if (rpc_json_key_is(key, "code")) {
        o->has_code = true;
        return rpc_param_bytes(r, &code, &o->code, value);
    }
    if (rpc_json_key_is(key, "balance")) {
        o->has_balance = true;
        return rpc_param_big(r, &balance, &o->balance, value);
    }
    if (rpc_json_key_is(key, "state")) {
        o->has_state = true;
        return read_slots(r, &o->slots, &o->slot_count, &state, value);
    }
    if (rpc_json_key_is(key, "stateDiff")) {
        o->has_state_diff = true;
        return read_slots(r, &o->diff, &o->diff_count, &diff, value);
    }
    return 0;
}

static int read_override(struct rpc_reading *r, struct rpc_override *o, struct bytes json)
{
    struct rpc_json_walk walk;
    struct bytes key, value;
    int status = 0;
    if (rpc_json_kind(json) == RPC_JSON_NULL)
        return 0;
    if (rpc_json_kind(json) != RPC_JSON_OBJECT)
        return rpc_param_wrong_type(r, NULL, rpc_param_kind(json), "ethapi.OverrideAccount");
    rpc_json_walk_begin(&walk, json);
    while (status == 0 && rpc_json_member(&walk, &key, &value))
        status = read_override_field(r, o, key, value);
    return status;
}

int rpc_param_overrides(struct rpc_reading *r, const struct rpc_override **ret_list,
                        size_t *ret_count, struct bytes json)
{
    struct rpc_json_walk walk;
    struct bytes key, value;
    size_t count = 0;
    *ret_list = NULL;
    *ret_count = 0;
    if (rpc_json_kind(json) == RPC_JSON_NULL)
        return 0;
    if (rpc_json_kind(json) != RPC_JSON_OBJECT)
        return rpc_param_wrong_type(r, NULL, rpc_param_kind(json), "ethapi.StateOverride");
    struct rpc_override *list =
        arena_alloc_zeroed(r->arena, rpc_json_count(json) + 1, sizeof(*list));
    if (!list)
        return ERR_NOMEM;
    rpc_json_walk_begin(&walk, json);
    while (rpc_json_member(&walk, &key, &value)) {
        int status = read_key(r, list[count].address.b, 20, "common.Address", key);
        if (status == 0)
            status = read_override(r, &list[count], value);
        if (status)
            return status;
        count++;
    }
    *ret_list = list;
    *ret_count = count;
    return 0;
}

/* --- Traces --- */

static int read_flag(struct rpc_reading *r, const struct rpc_place *place, bool *ret_flag,
                     struct bytes json)
{
    if (rpc_json_kind(json) != RPC_JSON_BOOL)
        return rpc_param_wrong_type(r, place, rpc_param_kind(json), "bool");
    *ret_flag = json.data[0] == 't';
    return 0;
}

static int read_text(struct rpc_reading *r, const struct rpc_place *place, struct bytes *ret_text,
                     struct bytes json)
{
    if (!rpc_param_is_string(json))
        return rpc_param_wrong_type(r, place, rpc_param_kind(json), "string");
    *ret_text = rpc_json_string(json, r->arena);
    return ret_text->data ? 0 : ERR_NOMEM;
}

/* A chain configuration: whether it has the one override that there is. */
static int read_chain_overrides(struct rpc_reading *r, struct rpc_trace_config *config,
                                struct bytes json)
{
    static const struct rpc_place place = {"ChainConfig", "berlinBlock"};
    struct rpc_json_walk walk;
    struct bytes key, value;
    int64_t number = 0;
    if (rpc_json_kind(json) != RPC_JSON_OBJECT)
        return rpc_param_wrong_type(r, NULL, rpc_param_kind(json), "params.ChainConfig");
    rpc_json_walk_begin(&walk, json);
    while (rpc_json_member(&walk, &key, &value)) {
        if (!rpc_json_key_is(key, "berlinBlock") || rpc_json_kind(value) == RPC_JSON_NULL)
            continue;
        int status = rpc_param_integer(r, &place, &number, "*big.Int", value);
        if (status)
            return status;
        config->has_berlin = number >= 0;
    }
    return 0;
}

static int read_trace_field(struct rpc_reading *r, struct rpc_trace_config *config,
                            const char *record, enum rpc_type type, struct bytes key,
                            struct bytes value)
{
    static const struct {
        const char *name;
        size_t offset;
    } flags[] = {{"LogConfig.DisableMemory", offsetof(struct rpc_trace_config, no_memory)},
                 {"LogConfig.DisableStack", offsetof(struct rpc_trace_config, no_stack)},
                 {"LogConfig.DisableStorage", offsetof(struct rpc_trace_config, no_storage)},
                 {"LogConfig.DisableReturnData", offsetof(struct rpc_trace_config, no_return_data)},
                 {"LogConfig.Debug", offsetof(struct rpc_trace_config, debug)}};
    for (size_t i = 0; i < BASE_COUNT(flags); i++) {
        struct rpc_place place = {record, flags[i].name};
        if (rpc_json_key_is(key, flags[i].name + strlen("LogConfig.")))
            return read_flag(r, &place, (bool *)((char *)config + flags[i].offset), value);
    }
    bool file = type == RPC_TRACE_FILE;
    struct rpc_place tracer = {record, "Tracer"}, timeout = {record, "Timeout"},
                     limit = {record, "LogConfig.Limit"}, reexec = {record, "Reexec"},
                     hash = {record, "TxHash"};
    if (rpc_json_key_is(key, "Limit"))
        return rpc_param_integer(r, &limit, &config->limit, "int", value);
    if (rpc_json_key_is(key, "Reexec")) {
        int64_t number;
        int status = rpc_param_integer(r, &reexec, &number, "uint64", value);
        if (status == 0 && number < 0) {
            char text[32];
            snprintf(text, sizeof(text), "number %lld", (long long)number);
            return rpc_param_wrong_type(r, &reexec, text, "uint64");
        }
        config->has_reexec = true;
        config->reexec = status == 0 ? (uint64_t)number : 0;
        return status;
    }
    if (rpc_json_key_is(key, "overrides"))
        return read_chain_overrides(r, config, value);
    if (!file && rpc_json_key_is(key, "Tracer")) {
        config->has_tracer = true;
        return read_text(r, &tracer, &config->tracer, value);
    }
    if (!file && rpc_json_key_is(key, "Timeout")) {
        config->has_timeout = true;
        return read_text(r, &timeout, &config->timeout, value);
    }
    if (file && rpc_json_key_is(key, "TxHash")) {
        config->has_transaction = true;
        return rpc_param_hash(r, &hash, &config->transaction, value);
    }
    if (type == RPC_TRACE_CALL && rpc_json_key_is(key, "StateOverrides"))
        return rpc_param_overrides(r, &config->overrides, &config->override_count, value);
    return 0;
}

/* Null takes back what is a pointer in Go; flags and the limit stay. */
static void forget_trace_field(struct rpc_trace_config *config, struct bytes key)
{
    if (rpc_json_key_is(key, "Tracer")) {
        config->has_tracer = false;
        config->tracer = bytes_none();
    } else if (rpc_json_key_is(key, "Timeout")) {
        config->has_timeout = false;
        config->timeout = bytes_none();
    } else if (rpc_json_key_is(key, "Reexec")) {
        config->has_reexec = false;
    } else if (rpc_json_key_is(key, "StateOverrides")) {
        config->overrides = NULL;
        config->override_count = 0;
    }
}

int rpc_param_trace(struct rpc_reading *r, struct rpc_trace_config **ret_config, enum rpc_type type,
                    struct bytes json)
{
    static const char *const records[] = {"TraceConfig", "TraceCallConfig", "StdTraceConfig"};
    struct rpc_trace_config *config = arena_alloc_zeroed(r->arena, 1, sizeof(*config));
    struct rpc_json_walk walk;
    struct bytes key, value;
    int status = 0;
    if (!config)
        return ERR_NOMEM;
    *ret_config = config;
    if (rpc_json_kind(json) == RPC_JSON_NULL)
        return 0;
    if (rpc_json_kind(json) != RPC_JSON_OBJECT)
        return rpc_param_wrong_type(r, NULL, rpc_param_kind(json), rpc_type_go_name(type));
    rpc_json_walk_begin(&walk, json);
    while (status == 0 && rpc_json_member(&walk, &key, &value))
        if (rpc_json_kind(value) == RPC_JSON_NULL)
            forget_trace_field(config, key);
        else
            status = read_trace_field(r, config, records[type - RPC_TRACE], type, key, value);
    return status;
}

/* --- Bytes as encoding/json has them --- */

/* Where Go's decoder says that the text is wrong; -1: nowhere. It passes over line breaks. */
static ptrdiff_t base64_fault(struct bytes text)
{
    ptrdiff_t len = (ptrdiff_t)text.len, at = 0;
    while (at < len) {
        int digits = 0;
        ptrdiff_t first = at;
        for (; digits < 4; at++) {
            if (at == len)
                return digits ? first : -1;
            uint8_t c = text.data[at];
            if (c == '\n' || c == '\r')
                continue;
            if (c == '=')
                break;
            bool digit = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
                         (c >= '0' && c <= '9') || c == '+' || c == '/';
            if (!digit)
                return at;
            digits++;
        }
        if (digits == 4)
            continue;
        if (digits < 2) /* padding too early */
            return at;
        at++;
        if (digits == 2) {
            if (at == len)
                return len;
            if (text.data[at++] != '=')
                return at - 2;
        }
        return at < len ? at : -1;
    }
    return -1;
}

/* Go takes an array of numbers for bytes, too. */
static int read_byte_numbers(struct rpc_reading *r, struct bytes *ret_bytes, struct bytes json)
{
    struct rpc_json_walk walk;
    struct bytes value;
    size_t count = 0;
    uint8_t *bytes = arena_alloc_zeroed(r->arena, rpc_json_count(json) + 1, 1);
    if (!bytes)
        return ERR_NOMEM;
    rpc_json_walk_begin(&walk, json);
    while (rpc_json_element(&walk, &value)) {
        uint64_t number;
        int status = rpc_param_number(r, &number, RPC_NUMBER8, value);
        if (status)
            return status;
        bytes[count++] = (uint8_t)number;
    }
    *ret_bytes = bytes_of(bytes, count);
    return 0;
}

int rpc_param_base64(struct rpc_reading *r, struct bytes *ret_bytes, struct bytes json)
{
    *ret_bytes = bytes_of("", 0);
    if (rpc_json_kind(json) == RPC_JSON_NULL)
        return 0;
    if (rpc_json_kind(json) == RPC_JSON_ARRAY)
        return read_byte_numbers(r, ret_bytes, json);
    if (!rpc_param_is_string(json))
        return rpc_param_wrong_type(r, NULL, rpc_param_kind(json), "[]uint8");
    struct bytes text = rpc_json_string(json, r->arena);
    if (!text.data)
        return ERR_NOMEM;
    ptrdiff_t fault = base64_fault(text);
    if (fault >= 0)
        return rpc_param_wrong(r, "illegal base64 data at input byte %td", fault);
    struct buf decoded = BUF_INIT;
    int status = base64_decode(&decoded, text);
    if (status == 0) {
        *ret_bytes = arena_copy(r->arena, buf_bytes(&decoded));
        status = ret_bytes->data || decoded.len == 0 ? 0 : ERR_NOMEM;
    } else if (status != ERR_NOMEM) {
        status = rpc_param_wrong(r, "illegal base64 data");
    }
    buf_release(&decoded);
    return status;
}

/* --- eth_feeHistory --- */

int rpc_param_rewards(struct rpc_reading *r, const double **ret_list, size_t *ret_count,
                      struct bytes json)
{
    struct rpc_json_walk walk;
    struct bytes value;
    size_t count = 0;
    *ret_list = NULL;
    *ret_count = 0;
    if (rpc_json_kind(json) == RPC_JSON_NULL)
        return 0;
    if (rpc_json_kind(json) != RPC_JSON_ARRAY)
        return rpc_param_wrong_type(r, NULL, rpc_param_kind(json), "[]float64");
    double *list = arena_alloc(r->arena, (json.len / 2 + 1) * sizeof(*list));
    if (!list)
        return ERR_NOMEM;
    rpc_json_walk_begin(&walk, json);
    while (rpc_json_element(&walk, &value)) {
        char text[32] = {0};
        if (rpc_json_kind(value) != RPC_JSON_NUMBER || value.len >= sizeof(text))
            return rpc_param_wrong_type(r, NULL, rpc_param_kind(value), "float64");
        memcpy(text, value.data, value.len);
        list[count++] = strtod(text, NULL);
    }
    *ret_list = list;
    *ret_count = count;
    return 0;
}
