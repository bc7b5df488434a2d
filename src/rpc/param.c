/* Parameters, read as Go's encoding/json and go-ethereum's hexutil read them, with their messages. */
#include "rpc/json.h"
#include "rpc/method.h"

#include <stdarg.h>
#include <stdio.h>

enum { MESSAGE_MAX = 1024 };

/* Where a value stands, for messages: a parameter, or a field of a struct. */
struct place {
    const char *record; /* "CallArgs"; NULL: not in a struct */
    const char *field;
};

struct reading {
    struct rpc_call *call;
    struct arena *arena;
    char message[MESSAGE_MAX];
};

const char *rpc_type_go_name(enum rpc_type type)
{
    static const char *const names[] = {
#define X(name, go, text) go,
        RPC_TYPE_LIST(X)
#undef X
    };
    return names[type];
}

static int wrong(struct reading *r, const char *format, ...) BASE_PRINTF(2, 3);

static int wrong(struct reading *r, const char *format, ...)
{
    va_list list;
    va_start(list, format);
    vsnprintf(r->message, sizeof(r->message), format, list);
    va_end(list);
    return RPC_FAILED;
}

/* Go's UnmarshalTypeError. */
static int wrong_type(struct reading *r, const struct place *place, const char *value,
                      const char *type)
{
    if (place && place->record)
        return wrong(r, "json: cannot unmarshal %s into Go struct field %s.%s of type %s", value,
                     place->record, place->field, type);
    return wrong(r, "json: cannot unmarshal %s into Go value of type %s", value, type);
}

/* The name of a JSON value in such a message: numbers stand there with their digits when the target is one. */
static const char *kind_text(struct bytes json)
{
    return rpc_json_kind_name(rpc_json_kind(json));
}

static bool is_string(struct bytes json)
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

static int nibble(uint8_t c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool decode_hex(uint8_t *ret_bytes, struct bytes digits)
{
    for (size_t i = 0; i + 1 < digits.len; i += 2) {
        int high = nibble(digits.data[i]), low = nibble(digits.data[i + 1]);
        if (high < 0 || low < 0)
            return false;
        ret_bytes[i / 2] = (uint8_t)(high << 4 | low);
    }
    return true;
}

/* --- hexutil --- */

/* The digits of a hex text; NULL, or what is wrong with it. */
static const char *check_text(struct bytes *ret_digits, struct bytes text)
{
    *ret_digits = text;
    if (text.len == 0)
        return NULL;
    if (!has_prefix(text))
        return "hex string without 0x prefix";
    *ret_digits = bytes_slice(text, 2, text.len - 2);
    return ret_digits->len % 2 ? "hex string of odd length" : NULL;
}

static int read_fixed(struct reading *r, const struct place *place, uint8_t *ret_bytes, size_t len,
                      const char *type, struct bytes json)
{
    struct bytes digits;
    if (!is_string(json))
        return wrong_type(r, place, "non-string", type);
    const char *why = check_text(&digits, inside(json));
    if (why)
        return wrong_type(r, place, why, type);
    if (digits.len / 2 != len)
        return wrong(r, "hex string has length %zu, want %zu for %s", digits.len, len * 2, type);
    return decode_hex(ret_bytes, digits) ? 0 : wrong_type(r, place, "invalid hex string", type);
}

static int read_bytes(struct reading *r, const struct place *place, struct bytes *ret_bytes,
                      struct bytes json)
{
    const char *type = rpc_type_go_name(RPC_BYTES);
    struct bytes digits;
    if (!is_string(json))
        return wrong_type(r, place, "non-string", type);
    const char *why = check_text(&digits, inside(json));
    if (why)
        return wrong_type(r, place, why, type);
    uint8_t *data = arena_alloc(r->arena, digits.len / 2 + 1);
    if (!data)
        return ERR_NOMEM;
    if (!decode_hex(data, digits))
        return wrong_type(r, place, "invalid hex string", type);
    *ret_bytes = bytes_of(data, digits.len / 2);
    return 0;
}

/* A quantity of at most max_digits digits. NULL, or what is wrong with it. */
static const char *read_quantity(struct u256 *ret_value, struct bytes text, size_t max_digits,
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
        int digit = nibble(text.data[i]);
        if (digit < 0)
            return "invalid hex string";
        u256_shift_left(ret_value, ret_value, 4);
        ret_value->w[0] |= (uint64_t)digit;
    }
    return NULL;
}

static int read_u64(struct reading *r, const struct place *place, uint64_t *ret_value,
                    const char *type, struct bytes json)
{
    struct u256 value;
    if (!is_string(json))
        return wrong_type(r, place, "non-string", type);
    const char *why = read_quantity(&value, inside(json), 16, "hex number > 64 bits");
    if (why)
        return wrong_type(r, place, why, type);
    *ret_value = value.w[0];
    return 0;
}

static int read_big(struct reading *r, const struct place *place, struct u256 *ret_value,
                    struct bytes json)
{
    if (!is_string(json))
        return wrong_type(r, place, "non-string", "*hexutil.Big");
    const char *why = read_quantity(ret_value, inside(json), 64, "hex number > 256 bits");
    return why ? wrong_type(r, place, why, "*hexutil.Big") : 0;
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

/* hexutil.DecodeUint64, which has its own mind about the empty text. */
static int read_block_number(struct reading *r, struct rpc_block_id *ret_block, struct bytes text,
                             const char *too_large)
{
    struct u256 value;
    const char *why = text.len == 0 ? "empty hex string"
                                    : read_quantity(&value, text, SIZE_MAX, "hex number > 64 bits");
    if (!why && text.len > 18)
        why = "hex number > 64 bits";
    if (why)
        return wrong(r, "%s", why);
    if (value.w[0] > INT64_MAX)
        return wrong(r, "%s", too_large);
    *ret_block = (struct rpc_block_id){.kind = RPC_AT_NUMBER, .number = value.w[0]};
    return 0;
}

static int read_block(struct reading *r, struct rpc_block_id *ret_block, struct bytes json)
{
    struct bytes text = is_string(json) ? inside(json) : json;
    if (read_tag(ret_block, text))
        return 0;
    return read_block_number(r, ret_block, text, "block number larger than int64");
}

static int read_hash(struct reading *r, const struct place *place, struct hash256 *ret_hash,
                     struct bytes json)
{
    return read_fixed(r, place, ret_hash->b, sizeof(ret_hash->b), "common.Hash", json);
}

/* The object form; any fault in it makes Go try it as a string and complain about that. */
static int read_block_object(struct reading *r, struct rpc_block_id *ret_block, struct bytes json)
{
    struct rpc_json_walk walk;
    struct bytes key, value;
    struct rpc_block_id number = {.kind = RPC_AT_NONE}, hash = {.kind = RPC_AT_NONE};
    bool canonical = false;
    int status = 0;
    rpc_json_walk_begin(&walk, json);
    while (status == 0 && rpc_json_member(&walk, &key, &value)) {
        bool is_null = rpc_json_kind(value) == RPC_JSON_NULL;
        if (rpc_json_key_is(key, "blockNumber") && !is_null) {
            status = read_block(r, &number, value);
        } else if (rpc_json_key_is(key, "blockHash") && !is_null) {
            status = read_hash(r, NULL, &hash.hash, value);
            hash.kind = RPC_AT_HASH;
        } else if (rpc_json_key_is(key, "requireCanonical") && !is_null) {
            status = rpc_json_kind(value) == RPC_JSON_BOOL ? 0 : RPC_FAILED;
            canonical = value.data[0] == 't';
        }
    }
    if (status)
        return wrong_type(r, NULL, "object", "string");
    if (number.kind && hash.kind)
        return wrong(r, "cannot specify both BlockHash and BlockNumber, choose one or the other");
    *ret_block = hash.kind ? hash : number;
    ret_block->canonical = canonical;
    return 0;
}

static int read_block_or_hash(struct reading *r, struct rpc_block_id *ret_block, struct bytes json)
{
    *ret_block = (struct rpc_block_id){.kind = RPC_AT_NONE};
    if (rpc_json_kind(json) == RPC_JSON_NULL)
        return 0;
    if (rpc_json_kind(json) == RPC_JSON_OBJECT)
        return read_block_object(r, ret_block, json);
    if (!is_string(json))
        return wrong_type(r, NULL, kind_text(json), "string");
    struct bytes text = rpc_json_string(json, r->arena), digits;
    if (!text.data)
        return ERR_NOMEM;
    if (read_tag(ret_block, text))
        return 0;
    if (text.len != 66)
        return read_block_number(r, ret_block, text, "blocknumber too high");
    const char *why = check_text(&digits, text);
    ret_block->kind = RPC_AT_HASH;
    if (!why && !decode_hex(ret_block->hash.b, digits))
        why = "invalid hex string";
    return why ? wrong(r, "%s", why) : 0;
}

/* --- Transactions --- */

static int read_keys(struct reading *r, struct rpc_access_entry *entry, struct bytes json)
{
    static const struct place place = {"AccessTuple", "storageKeys"};
    struct rpc_json_walk walk;
    struct bytes value;
    if (rpc_json_kind(json) != RPC_JSON_ARRAY)
        return wrong_type(r, &place, kind_text(json), "[]common.Hash");
    /* A key takes 66 characters of the request at least, so an upper bound is near. */
    entry->keys = arena_alloc_zeroed(r->arena, json.len / 66 + 1, sizeof(entry->keys[0]));
    if (!entry->keys)
        return ERR_NOMEM;
    rpc_json_walk_begin(&walk, json);
    while (rpc_json_element(&walk, &value)) {
        struct hash256 key;
        int status = read_hash(r, &place, &key, value);
        if (status)
            return status;
        entry->keys[entry->key_count++] = key;
    }
    return 0;
}

static int read_access_entry(struct reading *r, struct rpc_access_entry *entry, struct bytes json)
{
    static const struct place place = {"AccessTuple", "address"};
    struct rpc_json_walk walk;
    struct bytes key, value;
    bool has_address = false, has_keys = false;
    if (rpc_json_kind(json) != RPC_JSON_OBJECT)
        return wrong_type(r, NULL, kind_text(json), "types.AccessTuple");
    rpc_json_walk_begin(&walk, json);
    int status = 0;
    while (status == 0 && rpc_json_member(&walk, &key, &value)) {
        if (rpc_json_kind(value) == RPC_JSON_NULL)
            continue;
        if (rpc_json_key_is(key, "address")) {
            has_address = true;
            status = read_fixed(r, &place, entry->address.b, sizeof(entry->address.b),
                                "common.Address", value);
        } else if (rpc_json_key_is(key, "storageKeys")) {
            has_keys = true;
            status = read_keys(r, entry, value);
        }
    }
    if (status)
        return status;
    if (!has_address)
        return wrong(r, "missing required field 'address' for AccessTuple");
    return has_keys ? 0 : wrong(r, "missing required field 'storageKeys' for AccessTuple");
}

static int read_access_list(struct reading *r, const struct place *place,
                            struct rpc_transaction *tx, struct bytes json)
{
    struct rpc_json_walk walk;
    struct bytes value;
    if (rpc_json_kind(json) != RPC_JSON_ARRAY)
        return wrong_type(r, place, kind_text(json), "types.AccessList");
    size_t count = 0;
    rpc_json_walk_begin(&walk, json);
    while (rpc_json_element(&walk, &value))
        count++;
    tx->access_list = arena_alloc_zeroed(r->arena, count + 1, sizeof(tx->access_list[0]));
    if (!tx->access_list)
        return ERR_NOMEM;
    rpc_json_walk_begin(&walk, json);
    while (rpc_json_element(&walk, &value)) {
        int status = read_access_entry(r, &tx->access_list[tx->access_count++], value);
        if (status)
            return status;
    }
    return 0;
}

static int read_transaction_field(struct reading *r, const char *record, struct rpc_transaction *tx,
                                  struct bytes key, struct bytes value)
{
    static const char *const names[] = {"from",  "to",   "gas",   "gasPrice",  "value",
                                        "nonce", "data", "input", "accessList"};
    size_t field = 0;
    while (field < BASE_COUNT(names) && !rpc_json_key_is(key, names[field]))
        field++;
    if (field == BASE_COUNT(names))
        return 0;
    struct place place = {record, names[field]};
    switch (field) {
    case 0:
        tx->has_from = true;
        return read_fixed(r, &place, tx->from.b, sizeof(tx->from.b), "common.Address", value);
    case 1:
        tx->has_to = true;
        return read_fixed(r, &place, tx->to.b, sizeof(tx->to.b), "common.Address", value);
    case 2:
        tx->has_gas = true;
        return read_u64(r, &place, &tx->gas, "hexutil.Uint64", value);
    case 3:
        tx->has_gas_price = true;
        return read_big(r, &place, &tx->gas_price, value);
    case 4:
        tx->has_value = true;
        return read_big(r, &place, &tx->value, value);
    case 5:
        tx->has_nonce = true;
        return read_u64(r, &place, &tx->nonce, "hexutil.Uint64", value);
    case 6:
    case 7: /* newer clients send `input` alone, to calls as well */
        tx->has_data = true;
        return read_bytes(r, &place, &tx->data, value);
    default:
        tx->has_access_list = true;
        return read_access_list(r, &place, tx, value);
    }
}

static int read_transaction(struct reading *r, struct rpc_transaction **ret_tx, enum rpc_type type,
                            struct bytes json)
{
    struct rpc_transaction *tx = arena_alloc_zeroed(r->arena, 1, sizeof(*tx));
    if (!tx)
        return ERR_NOMEM;
    *ret_tx = tx;
    if (rpc_json_kind(json) == RPC_JSON_NULL)
        return 0;
    if (rpc_json_kind(json) != RPC_JSON_OBJECT)
        return wrong_type(r, NULL, kind_text(json), rpc_type_go_name(type));
    struct rpc_json_walk walk;
    struct bytes key, value;
    int status = 0;
    rpc_json_walk_begin(&walk, json);
    while (status == 0 && rpc_json_member(&walk, &key, &value))
        if (rpc_json_kind(value) != RPC_JSON_NULL)
            status = read_transaction_field(r, type == RPC_CALL ? "CallArgs" : "SendTxArgs", tx,
                                            key, value);
    return status;
}

/* --- Filters --- */

/* hexutil.Decode, then a length that must fit. */
static int read_filter_hex(struct reading *r, uint8_t *ret_bytes, size_t len, const char *what,
                           const char *before, struct bytes json)
{
    struct bytes text = rpc_json_string(json, r->arena), digits = bytes_none();
    if (!text.data)
        return ERR_NOMEM;
    const char *why = text.len == 0 ? "empty hex string" : check_text(&digits, text);
    for (size_t i = 0; !why && i < digits.len; i++)
        if (nibble(digits.data[i]) < 0)
            why = "invalid hex string";
    if (why)
        return wrong(r, "%s%s", before, why);
    if (digits.len / 2 != len)
        return wrong(r, "%shex has invalid length %zu after decoding; expected %zu for %s", before,
                     digits.len / 2, len, what);
    (void)decode_hex(ret_bytes, digits);
    return 0;
}

static size_t elements(struct bytes json)
{
    struct rpc_json_walk walk;
    struct bytes value;
    size_t count = 0;
    rpc_json_walk_begin(&walk, json);
    while (rpc_json_element(&walk, &value))
        count++;
    return count;
}

static int read_filter_addresses(struct reading *r, struct rpc_filter *filter, struct bytes json)
{
    bool one = is_string(json);
    if (!one && rpc_json_kind(json) != RPC_JSON_ARRAY)
        return wrong(r, "invalid addresses in query");
    filter->addresses =
        arena_alloc_zeroed(r->arena, one ? 1 : elements(json) + 1, sizeof(struct address));
    if (!filter->addresses)
        return ERR_NOMEM;
    if (one) {
        filter->address_count = 1;
        return read_filter_hex(r, filter->addresses[0].b, 20, "address", "invalid address: ", json);
    }
    struct rpc_json_walk walk;
    struct bytes value;
    rpc_json_walk_begin(&walk, json);
    while (rpc_json_element(&walk, &value)) {
        char before[64];
        size_t index = filter->address_count++;
        snprintf(before, sizeof(before), "invalid address at index %zu: ", index);
        if (!is_string(value))
            return wrong(r, "non-string address at index %zu", index);
        int status = read_filter_hex(r, filter->addresses[index].b, 20, "address", before, value);
        if (status)
            return status;
    }
    return 0;
}

static int read_topic(struct reading *r, struct rpc_topics *topics, struct bytes json)
{
    enum rpc_json_kind kind = rpc_json_kind(json);
    if (kind == RPC_JSON_NULL)
        return 0;
    if (kind != RPC_JSON_STRING && kind != RPC_JSON_ARRAY)
        return wrong(r, "invalid topic(s)");
    topics->topics = arena_alloc_zeroed(r->arena, kind == RPC_JSON_ARRAY ? elements(json) + 1 : 1,
                                        sizeof(struct hash256));
    if (!topics->topics)
        return ERR_NOMEM;
    if (kind == RPC_JSON_STRING) {
        topics->count = 1;
        return read_filter_hex(r, topics->topics[0].b, 32, "topic", "", json);
    }
    struct rpc_json_walk walk;
    struct bytes value;
    rpc_json_walk_begin(&walk, json);
    while (rpc_json_element(&walk, &value)) {
        if (rpc_json_kind(value) == RPC_JSON_NULL) { /* one that any topic fits */
            topics->count = 0;
            return 0;
        }
        if (!is_string(value))
            return wrong(r, "invalid topic(s)");
        int status = read_filter_hex(r, topics->topics[topics->count++].b, 32, "topic", "", value);
        if (status)
            return status;
    }
    return 0;
}

static int read_topics(struct reading *r, struct rpc_filter *filter, struct bytes json)
{
    static const struct place place = {"input", "topics"};
    if (rpc_json_kind(json) != RPC_JSON_ARRAY)
        return wrong_type(r, &place, kind_text(json), "[]interface {}");
    filter->topics = arena_alloc_zeroed(r->arena, elements(json) + 1, sizeof(filter->topics[0]));
    if (!filter->topics)
        return ERR_NOMEM;
    struct rpc_json_walk walk;
    struct bytes value;
    rpc_json_walk_begin(&walk, json);
    while (rpc_json_element(&walk, &value)) {
        int status = read_topic(r, &filter->topics[filter->topic_count++], value);
        if (status)
            return status;
    }
    return 0;
}

static int read_filter(struct reading *r, struct rpc_filter **ret_filter, struct bytes json)
{
    static const struct place hash_place = {"input", "blockHash"};
    struct rpc_filter *filter = arena_alloc_zeroed(r->arena, 1, sizeof(*filter));
    struct bytes addresses = bytes_none(), topics = bytes_none(), key, value;
    if (!filter)
        return ERR_NOMEM;
    *ret_filter = filter;
    if (rpc_json_kind(json) == RPC_JSON_NULL)
        return 0;
    if (rpc_json_kind(json) != RPC_JSON_OBJECT)
        return wrong_type(r, NULL, kind_text(json), "filters.input");
    struct rpc_json_walk walk;
    int status = 0;
    rpc_json_walk_begin(&walk, json);
    while (status == 0 && rpc_json_member(&walk, &key, &value)) {
        if (rpc_json_kind(value) == RPC_JSON_NULL)
            continue;
        if (rpc_json_key_is(key, "blockHash")) {
            filter->has_block_hash = true;
            status = read_hash(r, &hash_place, &filter->block_hash, value);
        } else if (rpc_json_key_is(key, "fromBlock")) {
            status = read_block(r, &filter->from, value);
        } else if (rpc_json_key_is(key, "toBlock")) {
            status = read_block(r, &filter->to, value);
        } else if (rpc_json_key_is(key, "address")) {
            addresses = value;
        } else if (rpc_json_key_is(key, "topics")) {
            topics = value;
        }
    }
    if (status == 0 && filter->has_block_hash && (filter->from.kind || filter->to.kind))
        return wrong(
            r, "cannot specify both BlockHash and FromBlock/ToBlock, choose one or the other");
    if (status == 0 && addresses.len)
        status = read_filter_addresses(r, filter, addresses);
    if (status == 0 && topics.len)
        status = read_topics(r, filter, topics);
    return status;
}

/* --- All types --- */

static int read_text(struct reading *r, struct bytes *ret_text, enum rpc_type type,
                     struct bytes json)
{
    *ret_text = bytes_str("");
    if (rpc_json_kind(json) == RPC_JSON_NULL)
        return 0;
    if (!is_string(json))
        return wrong_type(r, NULL, kind_text(json), rpc_type_go_name(type));
    *ret_text = rpc_json_string(json, r->arena);
    return ret_text->data ? 0 : ERR_NOMEM;
}

static int read_number(struct reading *r, uint64_t *ret_number, struct bytes json)
{
    uint64_t value = 0;
    *ret_number = 0;
    if (rpc_json_kind(json) == RPC_JSON_NULL)
        return 0;
    if (rpc_json_kind(json) != RPC_JSON_NUMBER)
        return wrong_type(r, NULL, kind_text(json), "uint64");
    for (size_t i = 0; i < json.len; i++) {
        unsigned digit = (unsigned)json.data[i] - '0';
        if (digit > 9 || __builtin_mul_overflow(value, 10, &value) ||
            __builtin_add_overflow(value, digit, &value)) {
            char text[80];
            snprintf(text, sizeof(text), "number %.*s", (int)(json.len < 64 ? json.len : 64),
                     (const char *)json.data);
            return wrong_type(r, NULL, text, "uint64");
        }
    }
    *ret_number = value;
    return 0;
}

static int read_value(struct reading *r, struct rpc_value *v, enum rpc_type type)
{
    struct bytes json = v->json;
    switch (type) {
    case RPC_ADDRESS:
        return read_fixed(r, NULL, v->address.b, sizeof(v->address.b), "common.Address", json);
    case RPC_HASH:
        return read_hash(r, NULL, &v->hash, json);
    case RPC_BLOCK:
        return read_block(r, &v->block, json);
    case RPC_BLOCK_OR_HASH:
        return read_block_or_hash(r, &v->block, json);
    case RPC_BOOL:
        v->boolean = json.data[0] == 't';
        if (rpc_json_kind(json) == RPC_JSON_BOOL || rpc_json_kind(json) == RPC_JSON_NULL)
            return 0;
        return wrong_type(r, NULL, kind_text(json), "bool");
    case RPC_TEXT:
    case RPC_ID:
        return read_text(r, &v->bytes, type, json);
    case RPC_BYTES:
        return read_bytes(r, NULL, &v->bytes, json);
    case RPC_UINT:
        return read_u64(r, NULL, &v->number, "hexutil.Uint", json);
    case RPC_NUMBER:
        return read_number(r, &v->number, json);
    case RPC_CALL:
    case RPC_SEND:
        return read_transaction(r, &v->transaction, type, json);
    case RPC_FILTER:
        return read_filter(r, &v->filter, json);
    case RPC_TEXTS:
        if (rpc_json_kind(json) == RPC_JSON_ARRAY || rpc_json_kind(json) == RPC_JSON_NULL)
            return 0;
        return wrong_type(r, NULL, kind_text(json), "[]string");
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
    struct reading r = {.call = call, .arena = call->arena};
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
