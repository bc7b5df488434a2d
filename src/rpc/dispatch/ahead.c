#include "rpc/dispatch/ahead.h"

#include "base/hex.h"

void rpc_ahead_release(struct rpc_ahead *ahead)
{
    while (ahead->at < ahead->count)
        chain_tx_unref(ahead->txs[ahead->at++]);
}

struct chain_tx *rpc_ahead_take(struct rpc_ahead *ahead, struct bytes encoded)
{
    size_t found = ahead->at;
    while (found < ahead->count && !bytes_equal(ahead->txs[found]->tx.encoded, encoded))
        found++;
    if (found == ahead->count)
        return NULL;
    while (ahead->at < found) /* their turn is over: they were refused for something else */
        chain_tx_unref(ahead->txs[ahead->at++]);
    return ahead->txs[ahead->at++];
}

/* The parameter of an eth_sendRawTransaction; none when the message is another. */
static struct bytes read_parameter(struct bytes message, struct arena *arena)
{
    struct rpc_json_walk walk;
    struct bytes key, value, parameter, digits = bytes_none();
    bool sends = false;
    if (rpc_json_kind(message) != RPC_JSON_OBJECT)
        return bytes_none();
    rpc_json_walk_begin(&walk, message);
    while (rpc_json_member(&walk, &key, &value)) {
        enum rpc_json_kind kind = rpc_json_kind(value);
        if (rpc_json_key_is(key, "method") && kind == RPC_JSON_STRING) {
            sends = bytes_equal(value, bytes_str("\"eth_sendRawTransaction\""));
        } else if (rpc_json_key_is(key, "params") && kind == RPC_JSON_ARRAY) {
            struct rpc_json_walk params;
            rpc_json_walk_begin(&params, value);
            digits =
                rpc_json_element(&params, &parameter) && rpc_json_kind(parameter) == RPC_JSON_STRING
                    ? parameter
                    : bytes_none();
        }
    }
    return sends && digits.len ? rpc_json_string(digits, arena) : bytes_none();
}

/* NULL when there is nothing in it that can be decoded. */
static struct chain_tx *read_message(struct bytes message, struct arena *arena, bool is_quorum,
                                     uint64_t arrival)
{
    struct buf encoded = BUF_INIT, text = BUF_INIT;
    struct chain_tx *tx = NULL;
    struct bytes digits = read_parameter(message, arena);
    if (digits.len) {
        buf_append_bytes(&text, digits);
        buf_append_byte(&text, 0);
        if (buf_status(&text) == ERR_OK && strlen((const char *)text.data) == digits.len &&
            hex_decode((const char *)text.data, &encoded) == ERR_OK && encoded.len &&
            chain_tx_decode(&tx, buf_bytes(&encoded), is_quorum, arrival, NULL) != ERR_OK)
            tx = NULL;
    }
    buf_release(&encoded);
    buf_release(&text);
    return tx;
}

int rpc_ahead_recover(struct rpc_ahead *ahead, struct chain_tx *tx, const struct eth_rules *rules,
                      bool is_quorum, uint64_t arrival)
{
    struct chain_tx *together[ETH_RECOVER_CHUNK] = {tx};
    enum eth_tx_status statuses[ETH_RECOVER_CHUNK]; /* the pool finds who has no sender */
    struct arena arena;
    struct bytes message;
    size_t count = 1;
    /* One look is used up before the next, so that a batch is looked at twice at most. */
    if (!ahead || ahead->at < ahead->count)
        return chain_txs_recover(together, statuses, 1, rules, NULL);
    struct rpc_json_walk rest = ahead->rest;
    arena_init(&arena);
    for (size_t i = 1; i < ETH_RECOVER_CHUNK && rpc_json_element(&rest, &message); i++) {
        struct chain_tx *next = read_message(message, &arena, is_quorum, arrival);
        if (next)
            together[count++] = next;
        arena_clear(&arena);
    }
    arena_release(&arena);
    int status = chain_txs_recover(together, statuses, count, rules, NULL);
    ahead->at = 0;
    ahead->count = count - 1;
    for (size_t i = 1; i < count; i++)
        ahead->txs[i - 1] = together[i];
    if (status != ERR_OK)
        rpc_ahead_release(ahead);
    return status;
}
