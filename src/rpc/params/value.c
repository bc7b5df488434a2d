/* Numbers, bytes and blocks, read as go-ethereum's hexutil and rpc packages read them, with their messages. */
#include "rpc/params/priv.h"

#include <stdarg.h>
#include <stdio.h>

int rpc_param_wrong(struct rpc_reading *r, const char *format, ...)
{
    va_list list;
    va_start(list, format);
    vsnprintf(r->message, sizeof(r->message), format, list);
    va_end(list);
    return RPC_FAILED;
}

/* Go's UnmarshalTypeError. */
int rpc_param_wrong_type(struct rpc_reading *r, const struct rpc_place *place, const char *value,
                         const char *type)
{
    if (place && place->record)
        return rpc_param_wrong(r, "json: cannot unmarshal %s into Go struct field %s.%s of type %s",
                               value, place->record, place->field, type);
    return rpc_param_wrong(r, "json: cannot unmarshal %s into Go value of type %s", value, type);
}

/* The name of a JSON value in such a message: numbers stand there with their digits when the target is one. */
const char *rpc_param_kind(struct bytes json)
{
    return rpc_json_kind_name(rpc_json_kind(json));
}

bool rpc_param_is_string(struct bytes json)
{
    return json.len >= 2 && json.data[0] == '"';
}

/* What stands between the quotes, escapes left alone, as hexutil sees it. */
static struct bytes inside(struct bytes json)
{
    return bytes_slice(json, 1, json.len - 2);
}

static bool has_prefix(struct bytes text)
{
    return text.len >= 2 && text.data[0] == '0' && (text.data[1] | 0x20) == 'x';
}

int rpc_param_nibble(uint8_t c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool rpc_param_decode_hex(uint8_t *ret_bytes, struct bytes digits)
{
    for (size_t i = 0; i + 1 < digits.len; i += 2) {
        int high = rpc_param_nibble(digits.data[i]), low = rpc_param_nibble(digits.data[i + 1]);
        if (high < 0 || low < 0)
            return false;
        ret_bytes[i / 2] = (uint8_t)(high << 4 | low);
    }
    return true;
}

/* --- hexutil --- */

/* The digits of a hex text; NULL, or what is rpc_param_wrong with it. */
const char *rpc_param_check_hex(struct bytes *ret_digits, struct bytes text)
{
    *ret_digits = text;
    if (text.len == 0)
        return NULL;
    if (!has_prefix(text))
        return "hex string without 0x prefix";
    *ret_digits = bytes_slice(text, 2, text.len - 2);
    return ret_digits->len % 2 ? "hex string of odd length" : NULL;
}

int rpc_param_fixed(struct rpc_reading *r, const struct rpc_place *place, uint8_t *ret_bytes,
                    size_t len, const char *type, struct bytes json)
{
    struct bytes digits;
    if (!rpc_param_is_string(json))
        return rpc_param_wrong_type(r, place, "non-string", type);
    const char *why = rpc_param_check_hex(&digits, inside(json));
    if (why)
        return rpc_param_wrong_type(r, place, why, type);
    if (digits.len / 2 != len)
        return rpc_param_wrong(r, "hex string has length %zu, want %zu for %s", digits.len, len * 2,
                               type);
    return rpc_param_decode_hex(ret_bytes, digits)
               ? 0
               : rpc_param_wrong_type(r, place, "invalid hex string", type);
}

int rpc_param_bytes(struct rpc_reading *r, const struct rpc_place *place, struct bytes *ret_bytes,
                    struct bytes json)
{
    const char *type = rpc_type_go_name(RPC_BYTES);
    struct bytes digits;
    if (!rpc_param_is_string(json))
        return rpc_param_wrong_type(r, place, "non-string", type);
    const char *why = rpc_param_check_hex(&digits, inside(json));
    if (why)
        return rpc_param_wrong_type(r, place, why, type);
    uint8_t *data = arena_alloc(r->arena, digits.len / 2 + 1);
    if (!data)
        return ERR_NOMEM;
    if (!rpc_param_decode_hex(data, digits))
        return rpc_param_wrong_type(r, place, "invalid hex string", type);
    *ret_bytes = bytes_of(data, digits.len / 2);
    return 0;
}

const char *rpc_param_quantity(struct u256 *ret_value, struct bytes text, size_t max_digits,
                               const char *too_large)
{
    *ret_value = u256_from(0);
    if (text.len == 0)
        return NULL; /* hexutil lets the empty text be 0 */
    if (!has_prefix(text))
        return "hex string without 0x prefix";
    text = bytes_slice(text, 2, text.len - 2);
    if (text.len == 0)
        return "hex string \"0x\"";
    if (text.len > 1 && text.data[0] == '0')
        return "hex number with leading zero digits";
    if (text.len > max_digits)
        return too_large;
    for (size_t i = 0; i < text.len; i++) {
        int digit = rpc_param_nibble(text.data[i]);
        if (digit < 0)
            return "invalid hex string";
        u256_shift_left(ret_value, ret_value, 4);
        ret_value->w[0] |= (uint64_t)digit;
    }
    return NULL;
}

int rpc_param_u64(struct rpc_reading *r, const struct rpc_place *place, uint64_t *ret_value,
                  const char *type, struct bytes json)
{
    struct u256 value;
    if (!rpc_param_is_string(json))
        return rpc_param_wrong_type(r, place, "non-string", type);
    const char *why = rpc_param_quantity(&value, inside(json), 16, "hex number > 64 bits");
    if (why)
        return rpc_param_wrong_type(r, place, why, type);
    *ret_value = value.w[0];
    return 0;
}

int rpc_param_big(struct rpc_reading *r, const struct rpc_place *place, struct u256 *ret_value,
                  struct bytes json)
{
    if (!rpc_param_is_string(json))
        return rpc_param_wrong_type(r, place, "non-string", "*hexutil.Big");
    const char *why = rpc_param_quantity(ret_value, inside(json), 64, "hex number > 256 bits");
    return why ? rpc_param_wrong_type(r, place, why, "*hexutil.Big") : 0;
}

/* --- Blocks --- */

static bool text_is(struct bytes text, const char *word)
{
    return bytes_equal(text, bytes_str(word));
}

static bool read_tag(struct rpc_block_id *ret_block, struct bytes text)
{
    *ret_block = (struct rpc_block_id){.kind = RPC_AT_NUMBER};
    /* Blocks are final as soon as they are there. */
    if (text_is(text, "latest") || text_is(text, "safe") || text_is(text, "finalized"))
        ret_block->kind = RPC_AT_LATEST;
    else if (text_is(text, "pending"))
        ret_block->kind = RPC_AT_PENDING;
    else
        return text_is(text, "earliest");
    return true;
}

/* hexutil.DecodeUint64, which has its own mind about the empty text, and looks at digits as far as the number has room for. */
static int read_block_number(struct rpc_reading *r, struct rpc_block_id *ret_block,
                             struct bytes text, const char *too_large)
{
    enum { LONGEST = 18, LOOKED_AT };
    struct u256 value;
    struct bytes begin = text.len > LOOKED_AT ? bytes_slice(text, 0, LOOKED_AT) : text;
    const char *why = text.len == 0
                          ? "empty hex string"
                          : rpc_param_quantity(&value, begin, SIZE_MAX, "hex number > 64 bits");
    if (!why && text.len > LONGEST)
        why = "hex number > 64 bits";
    if (why)
        return rpc_param_wrong(r, "%s", why);
    if (value.w[0] > INT64_MAX)
        return rpc_param_wrong(r, "%s", too_large);
    *ret_block = (struct rpc_block_id){.kind = RPC_AT_NUMBER, .number = value.w[0]};
    return 0;
}

int rpc_param_block(struct rpc_reading *r, struct rpc_block_id *ret_block, struct bytes json)
{
    struct bytes text = rpc_param_is_string(json) ? inside(json) : json;
    if (read_tag(ret_block, text))
        return 0;
    return read_block_number(r, ret_block, text, "block number larger than int64");
}

int rpc_param_hash(struct rpc_reading *r, const struct rpc_place *place, struct hash256 *ret_hash,
                   struct bytes json)
{
    return rpc_param_fixed(r, place, ret_hash->b, sizeof(ret_hash->b), "common.Hash", json);
}

/* The object form; any fault in it makes Go try it as a string and complain about that. */
static int read_block_object(struct rpc_reading *r, struct rpc_block_id *ret_block,
                             struct bytes json)
{
    struct rpc_json_walk walk;
    struct bytes key, value;
    struct rpc_block_id number = {.kind = RPC_AT_NONE}, hash = {.kind = RPC_AT_NONE};
    bool canonical = false;
    int status = 0;
    rpc_json_walk_begin(&walk, json);
    while (status == 0 && rpc_json_member(&walk, &key, &value)) {
        bool is_null = rpc_json_kind(value) == RPC_JSON_NULL;
        if (rpc_json_key_is(key, "blockNumber") && is_null) {
            number.kind = RPC_AT_NONE;
        } else if (rpc_json_key_is(key, "blockHash") && is_null) {
            hash.kind = RPC_AT_NONE;
        } else if (rpc_json_key_is(key, "blockNumber")) {
            status = rpc_param_block(r, &number, value);
        } else if (rpc_json_key_is(key, "blockHash")) {
            status = rpc_param_hash(r, NULL, &hash.hash, value);
            hash.kind = RPC_AT_HASH;
        } else if (rpc_json_key_is(key, "requireCanonical") && !is_null) {
            status = rpc_json_kind(value) == RPC_JSON_BOOL ? 0 : RPC_FAILED;
            canonical = value.data[0] == 't';
        }
    }
    if (status)
        return rpc_param_wrong_type(r, NULL, "object", "string");
    if (number.kind && hash.kind)
        return rpc_param_wrong(
            r, "cannot specify both BlockHash and BlockNumber, choose one or the other");
    *ret_block = hash.kind ? hash : number;
    ret_block->canonical = canonical;
    return 0;
}

int rpc_param_block_or_hash(struct rpc_reading *r, struct rpc_block_id *ret_block,
                            struct bytes json)
{
    *ret_block = (struct rpc_block_id){.kind = RPC_AT_NONE};
    if (rpc_json_kind(json) == RPC_JSON_NULL)
        return 0;
    if (rpc_json_kind(json) == RPC_JSON_OBJECT)
        return read_block_object(r, ret_block, json);
    if (!rpc_param_is_string(json))
        return rpc_param_wrong_type(r, NULL, rpc_param_kind(json), "string");
    struct bytes text = rpc_json_string(json, r->arena), digits;
    if (!text.data)
        return ERR_NOMEM;
    if (read_tag(ret_block, text))
        return 0;
    if (text.len != 66)
        return read_block_number(r, ret_block, text, "blocknumber too high");
    const char *why = rpc_param_check_hex(&digits, text);
    ret_block->kind = RPC_AT_HASH;
    if (!why && !rpc_param_decode_hex(ret_block->hash.b, digits))
        why = "invalid hex string";
    return why ? rpc_param_wrong(r, "%s", why) : 0;
}
