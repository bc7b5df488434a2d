/*
 * Transactions of the node's own accounts: filled in, signed, sent (GoQuorum, internal/ethapi/api.go, SendTxArgs and
 * who uses it).
 *
 *   quick   on the loop: is the account here, is what must be given given
 *   work    on the worker: what is missing (the price, the gas by an estimate), the key by its password
 *   run     on the loop: the nonce, the signature, the pool
 *
 * The nonce comes last, on the loop, where nothing can come in between: two requests at once get two nonces.
 */
#include "accounts/accounts.h"
#include "base/mem.h"
#include "chain/pool/pool.h"
#include "crypto/secret.h"
#include "rpc/json/json.h"
#include "rpc/methods/methods.h"
#include "rpc/methods/private.h"
#include "rpc/run/lookup.h"

static struct rpc_transaction *args_of(const struct rpc_call *call)
{
    return call->args[0].transaction;
}

/* --- quick --- */

static int find_account(struct rpc_call *call)
{
    struct accounts *accounts = call->backend->accounts;
    if (accounts && accounts_has(accounts, &args_of(call)->from))
        return RPC_LATER;
    return rpc_fail(call, RPC_CODE_ERROR, "unknown account");
}

static int require_all(struct rpc_call *call)
{
    const struct rpc_transaction *args = args_of(call);
    const char *missing = !args->has_gas                               ? "gas"
                          : !args->has_gas_price && !args->has_max_fee ? "gasPrice"
                          : !args->has_nonce                           ? "nonce"
                                                                       : NULL;
    return missing ? rpc_fail(call, RPC_CODE_ERROR, "%s not specified", missing) : RPC_LATER;
}

static int require_nonce(struct rpc_call *call)
{
    return args_of(call)->has_nonce
               ? RPC_LATER
               : rpc_fail(call, RPC_CODE_ERROR, "missing transaction nonce in transaction spec");
}

/* --- work --- */

/* The fees of a chain with base fees, as later geth fills them in: type 2 unless a gas price is given. Before London, and for
 * private transactions, whose form is the old one, these fields say nothing, as in the reference. */
static int set_fees(struct rpc_call *call)
{
    struct rpc_transaction *args = args_of(call);
    struct chain_head head;
    chain_head(call->backend->chain, &head);
    struct eth_header header = head.block->header;
    chain_head_release(&head);
    if (header.tail < ETH_HEADER_BASE_FEE || args->private.is_given)
        return 0;
    if (args->has_authorizations)
        return rpc_fail(call, RPC_CODE_ERROR,
                        "authorizationList is not filled in or signed here: send it signed");
    if (args->has_gas_price && (args->has_max_fee || args->has_max_tip))
        return rpc_fail(call, RPC_CODE_ERROR,
                        "both gasPrice and (maxFeePerGas or maxPriorityFeePerGas) specified");
    if (args->has_gas_price)
        return 0;
    struct u256 price = u256_from(rpc_suggested_price(call->backend)), twice;
    if (!args->has_max_tip && !u256_sub_checked(&args->max_tip, &price, &header.base_fee))
        args->max_tip = u256_from(0);
    if (!args->has_max_fee) {
        u256_add(&twice, &header.base_fee, &header.base_fee);
        u256_add(&args->max_fee, &args->max_tip, &twice);
    }
    if (!args->has_max_tip && u256_compare(&args->max_fee, &args->max_tip) < 0)
        args->max_tip = args->max_fee;
    if (u256_compare(&args->max_fee, &args->max_tip) < 0)
        return rpc_fail(call, RPC_CODE_ERROR, "maxFeePerGas is below maxPriorityFeePerGas");
    args->pays_base_fee = true;
    args->gas_price = args->max_fee;
    args->has_gas_price = true;
    return 0;
}

int rpc_check_data(struct rpc_call *call, const struct rpc_transaction *args)
{
    if (args->has_data && args->has_input && !bytes_equal(args->data, args->other))
        return rpc_fail(
            call, RPC_CODE_ERROR,
            "both \"data\" and \"input\" are set and not equal. Please use \"input\" to "
            "pass transaction call data");
    if (!args->has_to && args->data.len == 0)
        return rpc_fail(call, RPC_CODE_ERROR, "contract creation without any data provided");
    return 0;
}

/* All but the nonce (setDefaults). */
static int set_defaults(struct rpc_call *call)
{
    static const struct rpc_block_id pending = {.kind = RPC_AT_PENDING};
    struct rpc_transaction *args = args_of(call);
    int status = set_fees(call);
    if (status)
        return status;
    if (!args->has_gas_price) {
        args->gas_price = u256_from(rpc_suggested_price(call->backend));
        args->has_gas_price = true;
    }
    args->has_value = true;
    status = rpc_check_data(call, args);
    if (status || args->has_gas)
        return status;
    status = rpc_estimate_gas(call, &args->gas, args, &pending);
    args->has_gas = status == 0;
    return status;
}

/* price * gas in ether against --rpc.txfeecap; in floating point, as the reference does. */
static int check_fee(struct rpc_call *call, const struct u256 *price, uint64_t gas)
{
    double cap = call->backend->tx_fee_cap, ether = 0;
    for (int i = 3; i >= 0; i--)
        ether = ether * 18446744073709551616.0 + (double)price->w[i];
    ether = ether * (double)gas / 1e18;
    if (cap == 0 || ether <= cap)
        return 0;
    return rpc_fail(call, RPC_CODE_ERROR,
                    "tx fee (%.2f ether) exceeds the configured cap (%.2f ether)", ether, cap);
}

static int check_fee_of(struct rpc_call *call)
{
    return check_fee(call, &args_of(call)->gas_price, args_of(call)->gas);
}

/* The call's key, or that of the account when it is unlocked. */
static int require_key(struct rpc_call *call)
{
    struct accounts *accounts = call->backend->accounts;
    int status = call->state ? ACCOUNTS_OK
                 : accounts  ? (int)accounts_can_sign(accounts, &args_of(call)->from, call->now)
                             : ACCOUNTS_UNKNOWN;
    if (status == ACCOUNTS_OK)
        return 0;
    return rpc_fail(call, RPC_CODE_ERROR, "%s",
                    status == ACCOUNTS_UNKNOWN ? "unknown account" : accounts_result_text(status));
}

/* The payload of a private one goes to its parties: when it is known that the transaction can be signed. */
static int defaults_and_payload(struct rpc_call *call)
{
    struct rpc_transaction *args = args_of(call);
    struct privacy_send payload;
    int status = set_defaults(call);
    if (status || !args->private.is_given)
        return status;
    status = rpc_private_prepare(call, args, &payload);
    if (status == 0)
        status = require_key(call);
    return status ? status : rpc_private_deliver(call, args, &payload);
}

/* Or to the transaction manager alone. */

static int defaults_and_store(struct rpc_call *call)
{
    int status = set_defaults(call);
    return status || !args_of(call)->private.is_given ? status
                                                      : rpc_private_store(call, args_of(call));
}

static int defaults_and_fee(struct rpc_call *call)
{
    int status = set_defaults(call);
    return status ? status : check_fee_of(call);
}

/* The key, by the password that stands second; for `run`, which frees it. */
static int open_key(struct rpc_call *call)
{
    struct crypto_private_key key;
    struct crypto_secret *secret = NULL;
    struct err_detail detail = {""};
    struct bytes password = call->args[1].bytes;
    int status = call->backend->accounts ? accounts_open(call->backend->accounts, &key,
                                                         &args_of(call)->from, password, &detail)
                                         : ACCOUNTS_UNKNOWN;
    mem_wipe((void *)(uintptr_t)password.data, password.len);
    if (status == ACCOUNTS_OK)
        status = crypto_secret_copy(&secret, bytes_of(key.b, sizeof(key.b)));
    if (status == ERR_OK || secret)
        mem_wipe(&key, sizeof(key));
    if (status == ERR_OK)
        call->state = secret;
    else if (status != ERR_NOMEM)
        status = rpc_fail(call, RPC_CODE_ERROR, "%s",
                          status == ACCOUNTS_UNKNOWN ? "unknown account" : detail.text);
    return status;
}

static int defaults_and_key(struct rpc_call *call)
{
    int status = set_defaults(call);
    return status ? status : open_key(call);
}

static int payload_and_key(struct rpc_call *call)
{
    struct rpc_transaction *args = args_of(call);
    struct privacy_send payload;
    int status = set_defaults(call);
    if (status == 0 && args->private.is_given)
        status = rpc_private_prepare(call, args, &payload);
    if (status == 0)
        status = open_key(call);
    if (status || !args->private.is_given)
        return status;
    status = rpc_private_deliver(call, args, &payload);
    if (status) {
        crypto_secret_free(call->state);
        call->state = NULL;
    }
    return status;
}

static int fee_and_key(struct rpc_call *call)
{
    int status = check_fee_of(call);
    if (status == 0)
        status = find_account(call);
    return status == RPC_LATER ? defaults_and_key(call) : status;
}

/* --- run --- */

static int take_nonce(struct rpc_call *call)
{
    struct rpc_transaction *args = args_of(call);
    if (args->has_nonce)
        return 0;
    if (rpc_is_held(call, &args->from))
        return RPC_WAIT;
    args->has_nonce = true;
    return chain_pool_nonce(call->backend->pool, &args->from, &args->nonce);
}

/* The transaction that the filled arguments say, not signed. It borrows from them. */
static struct eth_transaction transaction_of(const struct rpc_call *call)
{
    const struct rpc_transaction *args = args_of(call);
    struct eth_transaction tx = {
        .type = args->pays_base_fee     ? ETH_DYNAMIC_FEE
                : args->has_access_list ? ETH_ACCESS_LIST
                                        : ETH_LEGACY,
        .is_creation = !args->has_to,
        .to = args->to,
        .nonce = args->nonce,
        .gas_limit = args->gas,
        .value = args->value,
        .data = args->data,
        .max_fee = args->gas_price,
        .max_priority_fee = args->pays_base_fee ? args->max_tip : args->gas_price,
        .access_list = args->access_list,
        .access_count = args->access_count,
    };
    if (tx.type != ETH_LEGACY)
        tx.chain_id = args->has_chain_id
                          ? args->chain_id
                          : chain_configuration(call->backend->chain)->chain_id.value;
    return tx;
}

static struct chain_rules rules_at_head(const struct rpc_call *call)
{
    struct chain_head head;
    chain_head(call->backend->chain, &head);
    struct chain_rules rules =
        chain_config_rules(chain_configuration(call->backend->chain), head.block->header.number,
                           head.block->header.timestamp);
    chain_head_release(&head);
    return rules;
}

/* How the chain's transactions are signed from the head on. */
static enum eth_signing signing(const struct rpc_call *call, struct eth_rules *ret_rules)
{
    *ret_rules = rules_at_head(call).transactions;
    return ret_rules->fork >= FORK_SPURIOUS ? ETH_SIGN_PROTECTED : ETH_SIGN_PLAIN;
}

/* The reference signs every type that it knows from EIP-155 on: what the chain takes is asked when it is sent. */
static int set_chain_id(struct rpc_call *call, struct eth_transaction *tx, enum eth_signing how,
                        const struct u256 *own)
{
    if (tx->type != ETH_LEGACY && how == ETH_SIGN_PLAIN)
        return rpc_fail(call, RPC_CODE_ERROR, "transaction type not supported");
    if (tx->type != ETH_LEGACY && !u256_is_zero(&tx->chain_id) &&
        u256_compare(&tx->chain_id, own) != 0)
        return rpc_fail(call, RPC_CODE_ERROR, "invalid chain id for signer");
    if (how == ETH_SIGN_PROTECTED)
        tx->chain_id = *own;
    return 0;
}

/* Signs with the call's key, or with the account's when it is unlocked. */
static int sign(struct rpc_call *call, struct eth_transaction *tx, bool is_private)
{
    const struct crypto_secret *secret = call->state;
    struct crypto_signature signature;
    struct eth_rules rules;
    struct hash256 hash;
    enum eth_signing how = signing(call, &rules);
    int status = require_key(call);
    if (status)
        return status;
    if (is_private) {
        if (tx->type != ETH_LEGACY)
            return rpc_fail(call, RPC_CODE_ERROR, "transaction type not supported");
        how = ETH_SIGN_PRIVATE;
    }
    status = set_chain_id(call, tx, how, &rules.chain_id);
    if (status == 0)
        status = eth_transaction_signing_hash(tx, how, &hash);
    if (status)
        return status;
    if (secret)
        status = crypto_ecdsa_sign(&signature, &hash, (const void *)secret->data) ? 0 : ERR_CRYPTO;
    else
        status = accounts_sign(call->backend->accounts, &signature, &args_of(call)->from, &hash,
                               call->now);
    if (status > 0) /* locked by another thread meanwhile */
        return rpc_fail(call, RPC_CODE_ERROR, "%s", accounts_result_text(status));
    if (status == 0)
        eth_transaction_set_signature(tx, how, signature.rs, signature.recovery_id);
    return status;
}

static int submit(struct rpc_call *call, const struct eth_transaction *tx)
{
    struct chain_tx *pooled = NULL;
    struct err_detail detail = {""};
    struct buf encoded = BUF_INIT;
    enum chain_pool_status outcome = CHAIN_POOL_OK;
    if (tx->type == ETH_LEGACY && u256_is_u64(&tx->v) && tx->v.w[0] <= 28 &&
        !call->backend->allow_unprotected)
        return rpc_fail(call, RPC_CODE_ERROR,
                        "only replay-protected (EIP-155) transactions allowed over RPC");
    if (tx->type != ETH_LEGACY && rules_at_head(call).transactions.fork < FORK_BERLIN)
        return rpc_fail(call, RPC_CODE_ERROR, "transaction type not supported");
    eth_transaction_encode(&encoded, tx);
    int status = buf_status(&encoded);
    if (status == 0)
        status = chain_tx_decode(&pooled, buf_bytes(&encoded),
                                 chain_configuration(call->backend->chain)->is_quorum, call->now,
                                 &detail);
    buf_release(&encoded);
    if (status)
        return status == ERR_NOMEM ? status : rpc_fail(call, RPC_CODE_ERROR, "%s", detail.text);
    pooled->tx.sender = args_of(call)->from; /* whose key has just signed it */
    pooled->tx.sender_known = true;
    if (!rpc_may_send_here(call, &pooled->tx.sender)) {
        chain_tx_unref(pooled);
        return RPC_FAILED;
    }
    status = chain_pool_add(call->backend->pool, &pooled, 1, true, io_loop_now(call->backend->loop),
                            &outcome);
    if (status == 0 && outcome != CHAIN_POOL_OK)
        status = rpc_fail(call, RPC_CODE_ERROR, "%s", chain_pool_status_text(outcome));
    if (status == 0)
        rpc_write_hash(call->out, &pooled->hash);
    chain_tx_unref(pooled);
    return status;
}

/* {raw, tx} */
static int write_filled(struct rpc_call *call, const struct eth_transaction *tx)
{
    struct buf *b = call->out, encoded = BUF_INIT;
    struct hash256 hash;
    int status = eth_transaction_hash(tx, &hash);
    eth_transaction_encode(&encoded, tx);
    if (status == 0)
        status = buf_status(&encoded);
    buf_append_byte(b, '{');
    rpc_put_bytes(b, "raw", buf_bytes(&encoded));
    rpc_key(b, "tx");
    rpc_write_signed(b, tx, &hash);
    buf_append_byte(b, '}');
    buf_release(&encoded);
    return status;
}

static void forget_key(struct rpc_call *call)
{
    crypto_secret_free(call->state);
    call->state = NULL;
}

static int make_signed(struct rpc_call *call, struct eth_transaction *ret_tx)
{
    int status = take_nonce(call);
    if (status)
        return status;
    *ret_tx = transaction_of(call);
    return sign(call, ret_tx, args_of(call)->private.is_given);
}

static bool goes_into_marker(const struct rpc_call *call)
{
    return args_of(call)->private.is_given && call->backend->make_markers &&
           rules_at_head(call).privacy_precompile;
}

/* To the second round: with the signed transaction, the key, and the account for itself. */
static int keep_for_marker(struct rpc_call *call, const struct eth_transaction *tx)
{
    call->inner = arena_alloc(call->arena, sizeof(*call->inner));
    if (!call->inner)
        return ERR_NOMEM;
    *call->inner = *tx;
    rpc_hold(call, &args_of(call)->from);
    return RPC_LATER;
}

static int send(struct rpc_call *call)
{
    struct eth_transaction tx;
    int status = make_signed(call, &tx);
    if (status == RPC_WAIT)
        return status;
    if (status == 0 && goes_into_marker(call))
        status = keep_for_marker(call, &tx);
    if (status != RPC_LATER)
        forget_key(call);
    if (status == 0)
        status = check_fee_of(call);
    return status ? status : submit(call, &tx);
}

static int distribute_inner_as(struct rpc_call *call, bool newline)
{
    struct chain_payload_hash hash;
    const struct rpc_private *parties = &args_of(call)->private;
    int status =
        rpc_private_distribute(call, &hash, call->inner, parties->from, &parties->for_, newline);
    if (status == 0) {
        args_of(call)->data = arena_copy(call->arena, bytes_of(hash.b, sizeof(hash.b)));
        status = args_of(call)->data.data ? 0 : ERR_NOMEM;
    }
    if (status)
        forget_key(call);
    return status;
}

static int distribute_inner(struct rpc_call *call)
{
    return distribute_inner_as(call, true);
}

/* The marker: public, by the same account under the same nonce. */
static int send_marker(struct rpc_call *call)
{
    const struct eth_transaction *inner = call->inner;
    struct eth_transaction tx = {.type = ETH_LEGACY,
                                 .to = chain_marker_address,
                                 .nonce = inner->nonce,
                                 .value = inner->value,
                                 .data = args_of(call)->data,
                                 .max_fee = inner->max_fee,
                                 .max_priority_fee = inner->max_fee};
    tx.gas_limit = eth_transaction_intrinsic_gas(&tx, rules_at_head(call).transactions.fork).gas;
    int status = sign(call, &tx, false);
    forget_key(call);
    if (status == 0)
        status = check_fee(call, &tx.max_fee, tx.gas_limit);
    return status ? status : submit(call, &tx);
}

int rpc_send_as(struct rpc_call *call, struct rpc_transaction *tx)
{
    call->args[0].transaction = tx;
    return send(call);
}

int rpc_send_made(struct rpc_call *call)
{
    return send(call);
}

int rpc_send_made_again_work(struct rpc_call *call)
{
    return distribute_inner_as(call, false);
}

int rpc_send_made_again_run(struct rpc_call *call)
{
    return send_marker(call);
}

static int sign_only(struct rpc_call *call)
{
    struct eth_transaction tx;
    int status = make_signed(call, &tx);
    forget_key(call);
    return status ? status : write_filled(call, &tx);
}

static int fill(struct rpc_call *call)
{
    int status = take_nonce(call);
    if (status)
        return status;
    struct eth_transaction tx = transaction_of(call);
    if (args_of(call)->private.is_given)
        tx.v = u256_from(37); /* as the reference: private, not signed */
    return write_filled(call, &tx);
}

/* --- eth_resend --- */

struct search {
    struct hash256 wanted; /* what was signed */
    enum eth_signing how;
    bool found;
    int status;
};

static bool look(void *context, const struct address *sender, struct chain_tx *const *txs,
                 size_t count, size_t pending)
{
    struct search *s = context;
    (void)sender;
    (void)count;
    for (size_t i = 0; i < pending && !s->found && s->status == 0; i++) {
        struct hash256 hash;
        s->status = eth_transaction_signing_hash(&txs[i]->tx, s->how, &hash);
        s->found = s->status == 0 && hash256_equal(&hash, &s->wanted);
    }
    return true;
}

/* Whether the pool has what the arguments say, to be executed. */
static int is_waiting(struct rpc_call *call, const struct eth_transaction *tx, bool *ret_found)
{
    struct eth_rules rules;
    struct eth_transaction wanted = *tx;
    struct search s = {.how = signing(call, &rules)};
    if (tx->type == ETH_LEGACY && s.how == ETH_SIGN_PROTECTED)
        wanted.chain_id = rules.chain_id;
    int status = eth_transaction_signing_hash(&wanted, s.how, &s.wanted);
    if (status == 0)
        status = chain_pool_visit_account(call->backend->pool, &args_of(call)->from, look, &s);
    *ret_found = s.found;
    return status ? status : s.status;
}

enum { PRIVATE_GAS = 90000 };

static int resend_fee(struct rpc_call *call)
{
    struct rpc_transaction *args = args_of(call);
    if (args->private.is_given && !args->has_gas) { /* which is not estimated */
        args->gas = PRIVATE_GAS;
        args->has_gas = true;
    }
    int status = set_defaults(call);
    if (status)
        return status;
    return check_fee(call, call->args[1].given ? &call->args[1].big : &args->gas_price,
                     call->args[2].given ? call->args[2].number : args->gas);
}

static int resend(struct rpc_call *call)
{
    struct rpc_transaction *args = args_of(call);
    struct eth_transaction tx = transaction_of(call);
    bool found = false;
    int status = is_waiting(call, &tx, &found);
    if (status)
        return status;
    if (!found) {
        struct hash256 hash;
        char text[65] = "";
        status = eth_transaction_hash(&tx, &hash);
        hex_encode(text, bytes_of(hash.b, 32));
        return status ? status : rpc_fail(call, RPC_CODE_ERROR, "transaction 0x%s not found", text);
    }
    if (call->args[1].given && !u256_is_zero(&call->args[1].big))
        args->gas_price = call->args[1].big;
    if (u256_compare(&args->gas_price, &args->max_tip) < 0)
        args->max_tip = args->gas_price;
    if (call->args[2].given && call->args[2].number)
        args->gas = call->args[2].number;
    tx = transaction_of(call);
    status = sign(call, &tx, args->private.is_given);
    return status ? status : submit(call, &tx);
}

/* Signed, and for a private one perhaps hidden in a marker. */
#define SENDING     .run = send, .again_work = distribute_inner, .again_run = send_marker
#define TRANSACTION {"transaction", RPC_SEND}
#define PASSWORD    {"password", RPC_TEXT}

static const struct rpc_method methods[] = {
    {"eth_sendTransaction",
     {TRANSACTION},
     .quick = find_account,
     .work = defaults_and_payload,
     .waits = true,
     SENDING,
     .proxied = true,
     .result = "hash"},
    {"eth_signTransaction",
     {TRANSACTION},
     .quick = require_all,
     .work = defaults_and_fee,
     .run = sign_only,
     .proxied = true,
     .result = "raw and tx"},
    {"eth_fillTransaction",
     {TRANSACTION},
     .work = defaults_and_store,
     .waits = true,
     .run = fill,
     .proxied = true,
     .result = "raw and tx, not signed"},
    {"eth_resend",
     {TRANSACTION, {"gasPrice", RPC_BIG, true}, {"gasLimit", RPC_U64, true}},
     .quick = require_nonce,
     .work = resend_fee,
     .run = resend,
     .proxied = true,
     .result = "hash"},
    {"personal_sendTransaction",
     {TRANSACTION, PASSWORD},
     .work = payload_and_key,
     SENDING,
     .proxied = true,
     .result = "hash"},
    {"personal_signAndSendTransaction",
     {TRANSACTION, PASSWORD},
     .work = payload_and_key,
     SENDING,
     .proxied = true,
     .result = "hash"},
    {"personal_signTransaction",
     {TRANSACTION, PASSWORD},
     .quick = require_all,
     .work = fee_and_key,
     .run = sign_only,
     .proxied = true,
     .result = "raw and tx"},
};

const struct rpc_method_list rpc_methods_send = {methods, BASE_COUNT(methods)};
