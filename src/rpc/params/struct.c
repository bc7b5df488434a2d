/* Parameters that are objects: calls and transactions, filters of logs. */
#include "rpc/params/priv.h"

#include <stddef.h>
#include <stdio.h>

/* --- Transactions --- */

static int read_keys(struct rpc_reading *r, struct eth_access *entry, struct bytes json)
{
    static const struct rpc_place place = {"AccessTuple", "storageKeys"};
    struct rpc_json_walk walk;
    struct bytes value;
    if (rpc_json_kind(json) != RPC_JSON_ARRAY)
        return rpc_param_wrong_type(r, &place, rpc_param_kind(json), "[]common.Hash");
    /* A key takes 66 characters of the request at least, so an upper bound is near. */
    struct hash256 *keys = arena_alloc(r->arena, (json.len / 66 + 1) * sizeof(*keys));
    size_t count = 0;
    if (!keys)
        return ERR_NOMEM;
    rpc_json_walk_begin(&walk, json);
    while (rpc_json_element(&walk, &value)) {
        struct hash256 key;
        int status = rpc_param_hash(r, &place, &key, value);
        if (status)
            return status;
        keys[count++] = key;
    }
    entry->keys = keys;
    entry->key_count = count;
    return 0;
}

static int read_access_entry(struct rpc_reading *r, struct eth_access *entry, struct bytes json)
{
    static const struct rpc_place place = {"AccessTuple", "address"};
    struct rpc_json_walk walk;
    struct bytes key, value;
    bool has_address = false, has_keys = false;
    if (rpc_json_kind(json) == RPC_JSON_NULL)
        json = bytes_str("{}");
    if (rpc_json_kind(json) != RPC_JSON_OBJECT)
        return rpc_param_wrong_type(r, NULL, rpc_param_kind(json), "types.AccessTuple");
    rpc_json_walk_begin(&walk, json);
    int status = 0;
    while (status == 0 && rpc_json_member(&walk, &key, &value)) {
        bool is_given = rpc_json_kind(value) != RPC_JSON_NULL;
        if (rpc_json_key_is(key, "address")) {
            has_address = is_given;
            if (is_given)
                status = rpc_param_fixed(r, &place, entry->address.b, sizeof(entry->address.b),
                                         "common.Address", value);
        } else if (rpc_json_key_is(key, "storageKeys")) {
            has_keys = is_given;
            if (is_given)
                status = read_keys(r, entry, value);
        }
    }
    if (status)
        return status;
    if (!has_address)
        return rpc_param_wrong(r, "missing required field 'address' for AccessTuple");
    return has_keys ? 0
                    : rpc_param_wrong(r, "missing required field 'storageKeys' for AccessTuple");
}

static int read_access_list(struct rpc_reading *r, const struct rpc_place *place,
                            struct rpc_transaction *tx, struct bytes json)
{
    struct rpc_json_walk walk;
    struct bytes value;
    if (rpc_json_kind(json) != RPC_JSON_ARRAY)
        return rpc_param_wrong_type(r, place, rpc_param_kind(json), "types.AccessList");
    struct eth_access *list = arena_alloc_zeroed(r->arena, rpc_json_count(json) + 1, sizeof(*list));
    size_t count = 0;
    if (!list)
        return ERR_NOMEM;
    rpc_json_walk_begin(&walk, json);
    while (rpc_json_element(&walk, &value)) {
        int status = read_access_entry(r, &list[count++], value);
        if (status)
            return status;
    }
    tx->access_list = list;
    tx->access_count = count;
    return 0;
}

/* --- Authorizations: as later geth reads types.SetCodeAuthorization --- */

static int read_authorization(struct rpc_reading *r, struct eth_authorization *a, struct bytes json)
{
    static const char *const names[] = {"chainId", "address", "nonce", "yParity", "r", "s", "v"};
    enum { WANTED = 6 }; /* `v` is what older clients say for yParity */
    bool has[BASE_COUNT(names)] = {false};
    struct rpc_json_walk walk;
    struct bytes key, value;
    if (rpc_json_kind(json) != RPC_JSON_OBJECT)
        return rpc_param_wrong_type(r, NULL, rpc_param_kind(json), "types.SetCodeAuthorization");
    rpc_json_walk_begin(&walk, json);
    int status = 0;
    while (status == 0 && rpc_json_member(&walk, &key, &value)) {
        size_t field = 0;
        while (field < BASE_COUNT(names) && !rpc_json_key_is(key, names[field]))
            field++;
        if (field == BASE_COUNT(names) || rpc_json_kind(value) == RPC_JSON_NULL)
            continue;
        struct rpc_place place = {"SetCodeAuthorization", names[field]};
        struct u256 *const numbers[] = {&a->chain_id, NULL,  NULL,        &a->y_parity,
                                        &a->r,        &a->s, &a->y_parity};
        has[field] = true;
        if (field == 1)
            status = rpc_param_fixed(r, &place, a->address.b, sizeof(a->address.b),
                                     "common.Address", value);
        else if (field == 2)
            status = rpc_param_u64(r, &place, &a->nonce, "hexutil.Uint64", value);
        else
            status = rpc_param_big(r, &place, numbers[field], value);
    }
    has[3] = has[3] || has[6];
    for (size_t i = 0; status == 0 && i < WANTED; i++)
        if (!has[i])
            status =
                rpc_param_wrong(r, "missing required field '%s' in SetCodeAuthorization", names[i]);
    return status;
}

int rpc_param_authorizations(struct rpc_reading *r, const struct eth_authorization **ret_list,
                             size_t *ret_count, struct bytes json)
{
    static const struct rpc_place place = {"CallArgs", "authorizationList"};
    struct rpc_json_walk walk;
    struct bytes value;
    size_t count = 0;
    if (rpc_json_kind(json) != RPC_JSON_ARRAY)
        return rpc_param_wrong_type(r, &place, rpc_param_kind(json),
                                    "[]types.SetCodeAuthorization");
    struct eth_authorization *list =
        arena_alloc_zeroed(r->arena, rpc_json_count(json) + 1, sizeof(*list));
    if (!list)
        return ERR_NOMEM;
    rpc_json_walk_begin(&walk, json);
    while (rpc_json_element(&walk, &value)) {
        int status = read_authorization(r, &list[count++], value);
        if (status)
            return status;
    }
    *ret_list = list;
    *ret_count = count;
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

static int read_texts(struct rpc_reading *r, const struct rpc_place *place,
                      struct privacy_keys *ret_texts, struct bytes json)
{
    struct rpc_json_walk walk;
    struct bytes value;
    size_t count = 0;
    if (rpc_json_kind(json) != RPC_JSON_ARRAY)
        return rpc_param_wrong_type(r, place, rpc_param_kind(json), "[]string");
    struct bytes *texts = arena_alloc_zeroed(r->arena, rpc_json_count(json) + 1, sizeof(*texts));
    if (!texts)
        return ERR_NOMEM;
    rpc_json_walk_begin(&walk, json);
    while (rpc_json_element(&walk, &value)) {
        struct bytes *text = &texts[count++];
        int status = rpc_json_kind(value) == RPC_JSON_NULL ? 0 : read_text(r, place, text, value);
        if (status)
            return status;
    }
    *ret_texts = (struct privacy_keys){texts, count, false};
    return 0;
}

/* Go's names of the structs that hold the fields, in messages. */
struct record {
    const char *plain;   /* NULL: there are none but the private ones */
    const char *private; /* NULL: likewise */
    bool is_call;        /* has neither nonce nor chainId */
};

static const struct record *record_of(enum rpc_type type)
{
    static const struct record call = {"CallArgs", NULL, true},
                               send = {"SendTxArgs", "SendTxArgs.PrivateTxArgs", false},
                               async = {"AsyncSendTxArgs.SendTxArgs",
                                        "AsyncSendTxArgs.SendTxArgs.PrivateTxArgs", false},
                               raw = {NULL, "SendRawTxArgs.PrivateTxArgs", false};
    return type == RPC_CALL         ? &call
           : type == RPC_SEND_ASYNC ? &async
           : type == RPC_SEND_RAW   ? &raw
                                    : &send;
}

static int read_private_field(struct rpc_reading *r, const char *record, struct rpc_private *p,
                              struct bytes key, struct bytes value)
{
    static const char *const names[] = {"privateFrom", "privateFor", "privacyFlag", "mandatoryFor"};
    size_t field = 0;
    int64_t flag = 0;
    while (field < BASE_COUNT(names) && !rpc_json_key_is(key, names[field]))
        field++;
    struct rpc_place place = {record, field < BASE_COUNT(names) ? names[field] : ""};
    int status = 0;
    switch (field) {
    case 0:
        return read_text(r, &place, &p->from, value);
    case 1:
        p->is_given = true;
        return read_texts(r, &place, &p->for_, value);
    case 2:
        status = rpc_param_integer(r, &place, &flag, "engine.PrivacyFlagType", value);
        p->flag = flag < 0 ? UINT64_MAX : (uint64_t)flag;
        return status;
    case 3:
        return read_texts(r, &place, &p->mandatory_for, value);
    default:
        return 0;
    }
}

/* The fields of a transaction, and where they go. Calls have no nonce and no chain of their own. */
static const struct field {
    const char *name;
    enum {
        FIELD_ADDRESS,
        FIELD_U64,
        FIELD_BIG,
        FIELD_DATA,
        FIELD_INPUT,
        FIELD_LIST,
        FIELD_JSON
    } kind;
    bool of_call;
    size_t given, at; /* in struct rpc_transaction */
} fields[] = {
#define FIELD(name, kind, of_call, given, at)                                                      \
    {name, kind, of_call, offsetof(struct rpc_transaction, given),                                 \
     offsetof(struct rpc_transaction, at)}
    FIELD("from", FIELD_ADDRESS, true, has_from, from),
    FIELD("to", FIELD_ADDRESS, true, has_to, to),
    FIELD("gas", FIELD_U64, true, has_gas, gas),
    FIELD("gasPrice", FIELD_BIG, true, has_gas_price, gas_price),
    FIELD("value", FIELD_BIG, true, has_value, value),
    FIELD("nonce", FIELD_U64, false, has_nonce, nonce),
    FIELD("data", FIELD_DATA, true, has_data, data),
    FIELD("input", FIELD_INPUT, true, has_input, data),
    FIELD("chainId", FIELD_BIG, false, has_chain_id, chain_id),
    FIELD("maxFeePerGas", FIELD_BIG, true, has_max_fee, max_fee),
    FIELD("maxPriorityFeePerGas", FIELD_BIG, true, has_max_tip, max_tip),
    FIELD("authorizationList", FIELD_JSON, true, has_authorizations, authorizations),
    FIELD("accessList", FIELD_LIST, true, has_access_list, access_list),
#undef FIELD
};

static int read_transaction_field(struct rpc_reading *r, const struct record *record,
                                  struct rpc_transaction *tx, struct bytes key, struct bytes value)
{
    const struct field *f = fields;
    while (f < fields + BASE_COUNT(fields) && !rpc_json_key_is(key, f->name))
        f++;
    if (f == fields + BASE_COUNT(fields))
        return record->private ? read_private_field(r, record->private, &tx->private, key, value)
                               : 0;
    if (!record->plain || (record->is_call && !f->of_call))
        return 0;
    struct rpc_place place = {record->plain, f->name};
    void *at = (char *)tx + f->at;
    *(bool *)((char *)tx + f->given) = true;
    switch (f->kind) {
    case FIELD_ADDRESS:
        return rpc_param_fixed(r, &place, ((struct address *)at)->b, sizeof(struct address),
                               "common.Address", value);
    case FIELD_U64:
        return rpc_param_u64(r, &place, at, "hexutil.Uint64", value);
    case FIELD_BIG:
        return rpc_param_big(r, &place, at, value);
    case FIELD_DATA:
        return rpc_param_bytes(r, &place, tx->has_input ? &tx->other : &tx->data, value);
    case FIELD_INPUT: /* newer clients send it alone, to calls as well */
        tx->other = tx->has_data ? tx->data : tx->other;
        return rpc_param_bytes(r, &place, &tx->data, value);
    case FIELD_JSON:
        *(struct bytes *)at = value;
        return 0;
    default:
        return read_access_list(r, &place, tx, value);
    }
}

static void forget_private_field(struct rpc_private *p, struct bytes key)
{
    if (rpc_json_key_is(key, "privateFor")) {
        p->is_given = false;
        p->for_ = (struct privacy_keys){.keys = NULL};
    } else if (rpc_json_key_is(key, "mandatoryFor")) {
        p->mandatory_for = (struct privacy_keys){.is_null = true};
    }
}

static void forget_data(struct rpc_transaction *tx, bool is_input)
{
    if (is_input && tx->has_input)
        tx->data = tx->has_data ? tx->other : bytes_none();
    else if (!is_input && !tx->has_input)
        tx->data = bytes_none();
    tx->other = bytes_none();
}

/* Null: as if the field, and those of its name before it, were not there. The sender of a transaction is no pointer in Go, and has to be something. */
static int read_null(struct rpc_reading *r, const struct record *record, struct rpc_transaction *tx,
                     struct bytes key, struct bytes null)
{
    static const size_t sizes[] = {[FIELD_ADDRESS] = sizeof(struct address),
                                   [FIELD_U64] = sizeof(uint64_t),
                                   [FIELD_BIG] = sizeof(struct u256),
                                   [FIELD_JSON] = sizeof(struct bytes)};
    const struct field *f = fields;
    while (f < fields + BASE_COUNT(fields) && !rpc_json_key_is(key, f->name))
        f++;
    if (f == fields + BASE_COUNT(fields))
        forget_private_field(&tx->private, key);
    if (f == fields + BASE_COUNT(fields) || !record->plain || (record->is_call && !f->of_call))
        return 0;
    if (f == fields && !record->is_call) /* "from" */
        return rpc_param_fixed(r, &(struct rpc_place){record->plain, f->name}, tx->from.b,
                               sizeof(tx->from.b), "common.Address", null);
    if (f->kind == FIELD_DATA || f->kind == FIELD_INPUT)
        forget_data(tx, f->kind == FIELD_INPUT);
    else if (f->kind == FIELD_LIST)
        tx->access_count = 0;
    else
        memset((char *)tx + f->at, 0, sizes[f->kind]);
    *(bool *)((char *)tx + f->given) = false;
    return 0;
}

int rpc_param_transaction(struct rpc_reading *r, struct rpc_transaction **ret_tx,
                          enum rpc_type type, struct bytes json)
{
    struct rpc_transaction *tx = arena_alloc_zeroed(r->arena, 1, sizeof(*tx));
    if (!tx)
        return ERR_NOMEM;
    tx->private.mandatory_for.is_null = true;
    *ret_tx = tx;
    if (rpc_json_kind(json) == RPC_JSON_NULL)
        return 0;
    if (rpc_json_kind(json) != RPC_JSON_OBJECT)
        return rpc_param_wrong_type(r, NULL, rpc_param_kind(json), rpc_type_go_name(type));
    struct rpc_json_walk walk;
    struct bytes key, value;
    int status = 0;
    rpc_json_walk_begin(&walk, json);
    while (status == 0 && rpc_json_member(&walk, &key, &value))
        status = rpc_json_kind(value) == RPC_JSON_NULL
                     ? read_null(r, record_of(type), tx, key, value)
                     : read_transaction_field(r, record_of(type), tx, key, value);
    return status;
}

/* --- Filters --- */

/* hexutil.Decode, then a length that must fit. */
static int read_filter_hex(struct rpc_reading *r, uint8_t *ret_bytes, size_t len, const char *what,
                           const char *before, struct bytes json)
{
    struct bytes text = rpc_json_string(json, r->arena), digits = bytes_none();
    if (!text.data)
        return ERR_NOMEM;
    const char *why = text.len == 0 ? "empty hex string" : rpc_param_check_hex(&digits, text);
    for (size_t i = 0; !why && i < digits.len; i++)
        if (rpc_param_nibble(digits.data[i]) < 0)
            why = "invalid hex string";
    if (why)
        return rpc_param_wrong(r, "%s%s", before, why);
    if (digits.len / 2 != len)
        return rpc_param_wrong(r,
                               "%shex has invalid length %zu after decoding; expected %zu for %s",
                               before, digits.len / 2, len, what);
    (void)rpc_param_decode_hex(ret_bytes, digits);
    return 0;
}

static int read_filter_addresses(struct rpc_reading *r, struct rpc_filter *filter,
                                 struct bytes json)
{
    bool one = rpc_param_is_string(json);
    if (!one && rpc_json_kind(json) != RPC_JSON_ARRAY)
        return rpc_param_wrong(r, "invalid addresses in query");
    filter->addresses =
        arena_alloc_zeroed(r->arena, one ? 1 : rpc_json_count(json) + 1, sizeof(struct address));
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
        if (!rpc_param_is_string(value))
            return rpc_param_wrong(r, "non-string address at index %zu", index);
        int status = read_filter_hex(r, filter->addresses[index].b, 20, "address", before, value);
        if (status)
            return status;
    }
    return 0;
}

static int read_topic(struct rpc_reading *r, struct rpc_topics *topics, struct bytes json)
{
    enum rpc_json_kind kind = rpc_json_kind(json);
    if (kind == RPC_JSON_NULL)
        return 0;
    if (kind != RPC_JSON_STRING && kind != RPC_JSON_ARRAY)
        return rpc_param_wrong(r, "invalid topic(s)");
    topics->topics = arena_alloc_zeroed(
        r->arena, kind == RPC_JSON_ARRAY ? rpc_json_count(json) + 1 : 1, sizeof(struct hash256));
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
        if (!rpc_param_is_string(value))
            return rpc_param_wrong(r, "invalid topic(s)");
        int status = read_filter_hex(r, topics->topics[topics->count++].b, 32, "topic", "", value);
        if (status)
            return status;
    }
    return 0;
}

static int read_topics(struct rpc_reading *r, struct rpc_filter *filter, struct bytes json)
{
    filter->topics =
        arena_alloc_zeroed(r->arena, rpc_json_count(json) + 1, sizeof(filter->topics[0]));
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

/* Null: as if those of its name before it were not there. */
static void forget_criterion(struct rpc_filter *filter, struct bytes key, struct bytes *addresses,
                             struct bytes *topics)
{
    if (rpc_json_key_is(key, "blockHash"))
        filter->has_block_hash = false;
    else if (rpc_json_key_is(key, "fromBlock"))
        filter->from = (struct rpc_block_id){.kind = RPC_AT_NONE};
    else if (rpc_json_key_is(key, "toBlock"))
        filter->to = (struct rpc_block_id){.kind = RPC_AT_NONE};
    else if (rpc_json_key_is(key, "address"))
        *addresses = bytes_none();
    else if (rpc_json_key_is(key, "topics"))
        *topics = bytes_none();
}

int rpc_param_filter(struct rpc_reading *r, struct rpc_filter **ret_filter, struct bytes json)
{
    static const struct rpc_place hash_place = {"input", "blockHash"},
                                  topics_place = {"input", "topics"};
    struct rpc_filter *filter = arena_alloc_zeroed(r->arena, 1, sizeof(*filter));
    struct bytes addresses = bytes_none(), topics = bytes_none(), key, value;
    if (!filter)
        return ERR_NOMEM;
    *ret_filter = filter;
    if (rpc_json_kind(json) == RPC_JSON_NULL)
        return 0;
    if (rpc_json_kind(json) != RPC_JSON_OBJECT)
        return rpc_param_wrong_type(r, NULL, rpc_param_kind(json), "filters.input");
    struct rpc_json_walk walk;
    int status = 0;
    rpc_json_walk_begin(&walk, json);
    while (status == 0 && rpc_json_member(&walk, &key, &value)) {
        if (rpc_json_kind(value) == RPC_JSON_NULL) {
            forget_criterion(filter, key, &addresses, &topics);
        } else if (rpc_json_key_is(key, "blockHash")) {
            filter->has_block_hash = true;
            status = rpc_param_hash(r, &hash_place, &filter->block_hash, value);
        } else if (rpc_json_key_is(key, "fromBlock")) {
            status = rpc_param_block(r, &filter->from, value);
        } else if (rpc_json_key_is(key, "toBlock")) {
            status = rpc_param_block(r, &filter->to, value);
        } else if (rpc_json_key_is(key, "address")) {
            addresses = value;
        } else if (rpc_json_key_is(key, "topics")) {
            topics = value;
            if (rpc_json_kind(value) != RPC_JSON_ARRAY)
                status =
                    rpc_param_wrong_type(r, &topics_place, rpc_param_kind(value), "[]interface {}");
        }
    }
    if (status == 0 && filter->has_block_hash && (filter->from.kind || filter->to.kind))
        return rpc_param_wrong(
            r, "cannot specify both BlockHash and FromBlock/ToBlock, choose one or the other");
    if (status == 0 && addresses.len)
        status = read_filter_addresses(r, filter, addresses);
    if (status == 0 && topics.len)
        status = read_topics(r, filter, topics);
    return status;
}
