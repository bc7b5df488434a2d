/* Marker transactions: the private transaction inside of a public one to 0x7a
 * (core/vm/contracts_quorum.go, core/state_processor.go ApplyInnerTransaction). */
#include "chain/private/priv.h"

#include "base/hex.h"

#include <jansson.h>

/* --- The payload --- */

/* The value of a key in any case, as Go's decoder finds it. */
static const char *text_of(json_t *object, const char *name)
{
    return json_string_value(json_object_get(object, name));
}

/* A quantity as Go's hexutil reads it: 0x, no leading zeros. */
static bool read_quantity(struct u256 *ret_value, const char *text)
{
    if (!text || text[0] != '0' || (text[1] | 0x20) != 'x' || text[2] == '\0')
        return false;
    const char *digits = text + 2;
    size_t len = strlen(digits);
    uint8_t bytes[32] = {0};
    if (len > 64 || (digits[0] == '0' && len > 1))
        return false;
    char padded[65];
    memset(padded, '0', 64);
    memcpy(padded + 64 - len, digits, len);
    padded[64] = '\0';
    if (!hex_decode_exact(padded, bytes, sizeof(bytes)))
        return false;
    *ret_value = u256_load(bytes);
    return true;
}

static bool read_number(uint64_t *ret_value, const char *text)
{
    struct u256 value;
    if (!read_quantity(&value, text) || !u256_is_u64(&value))
        return false;
    *ret_value = value.w[0];
    return true;
}

static bool read_to(struct eth_transaction *tx, json_t *to)
{
    tx->is_creation = !to || json_is_null(to);
    if (tx->is_creation)
        return true;
    return json_is_string(to) &&
           hex_decode_exact(json_string_value(to), tx->to.b, sizeof(tx->to.b));
}

static bool read_input(struct eth_transaction *tx, struct arena *arena, const char *text,
                       int *ret_err)
{
    struct buf decoded = BUF_INIT;
    bool good = text && hex_decode(text, &decoded) == 0;
    if (good) {
        tx->data = arena_copy(arena, buf_bytes(&decoded));
        if (!tx->data.data && tx->data.len)
            *ret_err = ERR_NOMEM;
    }
    buf_release(&decoded);
    return good && !*ret_err;
}

static bool read_transaction(struct eth_transaction *tx, struct arena *arena, json_t *json,
                             int *ret_err)
{
    uint64_t type = 0;
    json_t *said = json_object_get(json, "type");
    if (said && (!read_number(&type, json_string_value(said)) || type != 0))
        return false;
    *tx = (struct eth_transaction){.type = ETH_LEGACY};
    bool good =
        read_number(&tx->nonce, text_of(json, "nonce")) &&
        read_quantity(&tx->max_fee, text_of(json, "gasPrice")) &&
        read_number(&tx->gas_limit, text_of(json, "gas")) &&
        read_quantity(&tx->value, text_of(json, "value")) &&
        read_quantity(&tx->v, text_of(json, "v")) && read_quantity(&tx->r, text_of(json, "r")) &&
        read_quantity(&tx->s, text_of(json, "s")) && read_to(tx, json_object_get(json, "to")) &&
        read_input(tx, arena, text_of(json, "input"), ret_err);
    tx->max_priority_fee = tx->max_fee;
    return good;
}

bool chain_private_parse(struct eth_transaction *ret_tx, struct arena *arena, struct bytes json,
                         int *ret_err)
{
    json_error_t error;
    *ret_err = 0;
    json_t *parsed = json_loadb((const char *)json.data, json.len,
                                JSON_DISABLE_EOF_CHECK | JSON_REJECT_DUPLICATES, &error);
    if (!parsed)
        return false;
    bool good = json_is_object(parsed) && read_transaction(ret_tx, arena, parsed, ret_err);
    json_decref(parsed);
    return good;
}

/* --- Its run --- */

static int set_nonce(struct chain_private *p, const struct address *sender, uint64_t nonce)
{
    return state_view_set_nonce(p->block_view, sender, nonce);
}

/* Runs it under the marker's nonce, and leaves that as the marker made it. */
static int run_inner(struct chain_private *p, const struct eth_transaction *tx)
{
    const struct state_account *account;
    struct exec_result result = {0};
    struct err_detail why = {""};
    const struct eth_transaction *outer = p->tx;
    int err = p->inner ? 0 : exec_new(&p->inner);
    if (!err)
        err = state_view_account(p->block_view, &account, &tx->sender);
    if (err || !account || account->nonce == 0)
        return err;
    uint64_t nonce = account->nonce;
    err = set_nonce(p, &tx->sender, nonce - 1);
    if (err)
        return err;
    p->is_inner = true;
    exec_begin_block(p->inner, &p->environment->block, p->block_view, &p->environment->hooks);
    evm_set_tracer(exec_machine(p->inner), p->tracer);
    err = exec_transaction(p->inner, &result, &why, tx, &tx->sender, 0);
    evm_set_tracer(exec_machine(p->inner), NULL);
    p->is_inner = p->is_private = false;
    p->tx = outer;
    if (!err)
        err = set_nonce(p, &tx->sender, nonce);
    if (!err && result.verdict == EXEC_VALID) {
        p->has_inner_receipt = true;
        p->inner_receipt = result.has_other_receipt ? result.other_receipt : result.receipt;
    }
    return err;
}

/* For each state that is party to it, and for no other (ApplyTransactionOnMPS). */
static int run_in_states(struct chain_private *p, const struct eth_transaction *tx)
{
    struct chain_payload_hash hash = chain_payload_hash_of(tx->data);
    int err = chain_private_find_parties(p, &hash);
    for (size_t i = 0; i < p->other_count && !err; i++) {
        struct chain_private_side *side = &p->others[i];
        if (!side->is_party)
            continue;
        chain_private_use(p, side);
        p->is_given = true;
        p->has_inner_receipt = false;
        err = chain_private_open(p);
        if (!err)
            err = run_inner(p, tx);
        if (!err && p->has_inner_receipt) {
            err = chain_private_extend(p, &p->inner_receipt);
            chain_private_append(p, p->index, true, &p->inner_receipt, side->psi->name);
        }
    }
    p->has_inner_receipt = p->is_given = false;
    chain_private_use(p, &p->own);
    return err;
}

static int fetch_and_run(struct chain_private *p)
{
    struct chain_payload_hash hash = chain_payload_hash_of(p->tx->data);
    struct chain_payload payload = {.is_party = false};
    struct eth_transaction tx;
    enum eth_tx_status status = ETH_TX_OK;
    int err = 0;
    if (!chain_payload_hash_is_zero(&hash))
        err = chain_private_receive(p, &payload, &hash);
    if (err || !payload.is_party || !chain_private_parse(&tx, &p->arena, payload.data, &err))
        return err;
    if (!eth_transaction_is_private(&tx) || tx.nonce != p->tx->nonce)
        return 0;
    err = eth_transaction_recover(&tx, &status, &p->environment->rules.transactions);
    if (err || status != ETH_TX_OK || !address_equal(&tx.sender, &p->tx->sender))
        return err;
    if (p->psis)
        return run_in_states(p, &tx);
    err = chain_private_open(p);
    return err ? err : run_inner(p, &tx);
}

int chain_private_marker(struct chain_private *p, const struct evm_message *message,
                         struct evm_result *result)
{
    *result = (struct evm_result){.status = EVM_SUCCESS, .gas_left = message->gas};
    bool marker = p->payloads && message->depth == 0 && !p->is_private && !p->is_inner && p->tx &&
                  chain_is_marker(p->tx);
    return marker ? fetch_and_run(p) : 0;
}
