/*
 * eth: sending private transactions (GoQuorum, internal/ethapi/api.go: checkAndHandlePrivateTransaction, simulateExecutionForPE).
 * On the worker: checks, simulation, and the request to the transaction manager; what then goes on the chain is the hash that it gave,
 * whichever of `data` and `input` held the payload.
 */
#include "crypto/address.h"
#include "eth/transaction.h"
#include "privacy/privacy.h"
#include "rpc/access/psi.h"
#include "rpc/json/encode.h"
#include "rpc/methods/async.h"
#include "rpc/methods/methods.h"
#include "rpc/methods/private.h"
#include "rpc/run/simulate.h"

static int fail(struct rpc_call *call, int status, const struct err_detail *detail)
{
    return status == PRIVACY_FAILED ? rpc_fail(call, RPC_CODE_ERROR, "%s", detail->text) : status;
}

/* --- Checks, in the reference's order --- */

static int check_flag(struct rpc_call *call, const struct rpc_private *p, bool enhanced)
{
    if (p->flag > CHAIN_STATE_VALIDATION)
        return rpc_fail(call, RPC_CODE_ERROR, "invalid privacy flag");
    if (!enhanced && p->flag != CHAIN_STANDARD_PRIVATE)
        return rpc_fail(call, RPC_CODE_ERROR,
                        "PrivacyEnhancements are disabled. Can only accept transactions with "
                        "PrivacyFlag=0(StandardPrivate).");
    if (p->flag == CHAIN_MANDATORY_RECIPIENTS && p->mandatory_for.count == 0)
        return rpc_fail(call, RPC_CODE_ERROR,
                        "missing mandatory recipients data. if no mandatory recipients required "
                        "consider using PrivacyFlag=1(PartyProtection)");
    if (p->flag != CHAIN_MANDATORY_RECIPIENTS && p->mandatory_for.count)
        return rpc_fail(call, RPC_CODE_ERROR,
                        "privacy metadata invalid. mandatory recipients are only applicable for "
                        "PrivacyFlag=2(MandatoryRecipients)");
    return 0;
}

static int check_contract(struct rpc_simulation *s, const struct rpc_private *p)
{
    struct state_account account;
    struct state_reader state = s->state;
    struct bytes code = bytes_none();
    bool exists;
    if (!s->args->has_to || p->flag == CHAIN_STANDARD_PRIVATE)
        return 0;
    int status = state_reader_account(&state, &account, &exists, &s->args->to);
    if (status == 0)
        status = rpc_prefer_private(s->call, &s->reader, &state, &account, &exists, s->number,
                                    &s->args->to);
    if (status == 0 && exists)
        status = state_reader_code(&state, &code, &account.code_hash);
    if (status)
        return rpc_reader_fail(s->call, &s->reader, status);
    return code.len ? 0 : rpc_fail(s->call, RPC_CODE_ERROR, "contract not found. cannot transact");
}

/* --- Simulation --- */

static int add_creation(struct privacy_send *in, struct chain_payload_hash *list,
                        const struct chain_payload_hash *creation)
{
    for (size_t i = 0; i < in->affected_count; i++)
        if (memcmp(&list[i], creation, sizeof(*creation)) == 0)
            return 0;
    list[in->affected_count++] = *creation;
    return 0;
}

static int collect(struct rpc_simulation *s, const struct chain_simulation *found, bool dual,
                   struct privacy_send *in)
{
    struct chain_payload_hash *list =
        arena_alloc(s->call->arena, (found->count + 1) * sizeof(*list));
    if (!list)
        return ERR_NOMEM;
    in->affected = list;
    for (size_t i = 0; i < found->count; i++) {
        const struct chain_affected *a = &found->affected[i];
        char text[CRYPTO_ADDRESS_TEXT];
        bool none =
            a->status == CHAIN_METADATA_NONE || (a->status == CHAIN_METADATA_NO_ACCOUNT && !dual);
        if (a->created)
            continue;
        crypto_address_checksum(text, &a->address);
        if (none && in->flag != CHAIN_STANDARD_PRIVATE)
            return rpc_fail(s->call, RPC_CODE_ERROR,
                            "PrivacyMetadata not found: %s: no account extra data found", text);
        if (a->status != CHAIN_METADATA_FOUND)
            continue;
        if (a->metadata.flag != in->flag)
            return rpc_fail(s->call, RPC_CODE_ERROR,
                            "sent privacy flag doesn't match all affected contract flags");
        int status = add_creation(in, list, &a->metadata.creation);
        if (status)
            return status;
    }
    if (in->flag != CHAIN_STATE_VALIDATION)
        return 0;
    if (!found->has_root)
        return rpc_fail(s->call, RPC_CODE_ERROR,
                        "no state found for a contract of the transaction");
    in->exec_hash = found->root;
    return 0;
}

static int simulate(struct rpc_simulation *s, struct privacy_send *in)
{
    struct chain_private *p = &s->machine->private;
    struct chain_simulation found = {.count = 0};
    uint64_t gas =
        s->args->gas + eth_transaction_intrinsic_gas(&s->tx, s->environment.block.fork).gas;
    s->gas_cap = 0;
    s->tx.max_fee = s->tx.max_priority_fee = u256_from(0);
    if (s->environment.block.gas_limit < gas)
        s->environment.block.gas_limit = gas;
    p->simulation = &found;
    p->simulation_arena = s->call->arena;
    int status = rpc_simulation_run(s, gas);
    p->simulation = NULL;
    if (status)
        return status;
    if (s->result.verdict != EXEC_VALID)
        return rpc_fail(s->call, RPC_CODE_ERROR, "%s",
                        *s->why.text ? s->why.text : exec_verdict_text(s->result.verdict));
    if (s->result.status != EVM_SUCCESS && in->flag != CHAIN_STANDARD_PRIVATE)
        return rpc_call_failed(s);
    return collect(s, &found, p->is_dual, in);
}

/* Fills in what the transaction touches, by a run on the newest state; `in` NULL: nothing is run. */
static int examine(struct rpc_call *call, const struct rpc_transaction *args,
                   const struct rpc_private *p, struct bytes payload, struct privacy_send *in)
{
    static const struct rpc_block_id latest = {.kind = RPC_AT_LATEST};
    struct rpc_simulation s;
    int status = rpc_simulation_begin(&s, call, args, &latest);
    if (status)
        return status;
    bool enhanced = s.environment.rules.privacy_enhancements;
    status = check_flag(call, p, enhanced);
    if (status == 0 && payload.len) {
        status = check_contract(&s, p);
        if (status == 0 && !call->backend->privacy)
            status = rpc_fail(call, RPC_CODE_ERROR, "private transaction manager is not in use");
        if (status == 0 && in && enhanced)
            status = simulate(&s, in);
    }
    if (in && !enhanced)
        in->flag = CHAIN_STANDARD_PRIVATE;
    rpc_simulation_end(&s);
    return status;
}

static struct privacy_send request_of(const struct rpc_private *p, struct bytes payload)
{
    return (struct privacy_send){.payload = payload,
                                 .from = p->from,
                                 .to = p->for_,
                                 .flag = p->flag,
                                 .mandatory = p->mandatory_for};
}

static int replace_data(struct rpc_call *call, struct rpc_transaction *args,
                        const struct chain_payload_hash *hash)
{
    args->data = arena_copy(call->arena, bytes_of(hash->b, sizeof(hash->b)));
    args->other = args->data;
    return args->data.data ? 0 : ERR_NOMEM;
}

int rpc_private_prepare(struct rpc_call *call, struct rpc_transaction *args,
                        struct privacy_send *ret_payload)
{
    int status = rpc_psi_check_send(call, &args->private.from, &args->from, false);
    *ret_payload = request_of(&args->private, args->data);
    return status ? status : examine(call, args, &args->private, args->data, ret_payload);
}

/* What the pool would refuse is refused here, before anybody else has the payload. */
int rpc_private_deliver(struct rpc_call *call, struct rpc_transaction *args,
                        const struct privacy_send *payload)
{
    struct chain_payload_hash hash;
    struct err_detail detail = {""};
    if (args->has_access_list)
        return rpc_fail(call, RPC_CODE_ERROR, "transaction type not supported");
    if (args->data.len == 0 || !u256_is_zero(&args->value))
        return rpc_fail(call, RPC_CODE_ERROR,
                        "ether value is not supported for private transactions");
    int status = fail(call, privacy_send(call->backend->privacy, &hash, payload, &detail), &detail);
    return status ? status : replace_data(call, args, &hash);
}

int rpc_private_send(struct rpc_call *call, struct rpc_transaction *args)
{
    struct privacy_send payload;
    int status = rpc_private_prepare(call, args, &payload);
    return status ? status : rpc_private_deliver(call, args, &payload);
}

int rpc_private_store(struct rpc_call *call, struct rpc_transaction *args)
{
    struct chain_payload_hash hash;
    struct err_detail detail = {""};
    int status = rpc_psi_check_send(call, &args->private.from, &args->from, false);
    if (status == 0)
        status = examine(call, args, &args->private, args->data, NULL);
    if (status || args->data.len == 0)
        return status;
    status = fail(
        call,
        privacy_store_raw(call->backend->privacy, &hash, args->data, args->private.from, &detail),
        &detail);
    return status ? status : replace_data(call, args, &hash);
}

int rpc_private_distribute(struct rpc_call *call, struct chain_payload_hash *ret_hash,
                           const struct eth_transaction *tx, struct bytes from,
                           const struct privacy_keys *to, bool newline)
{
    struct buf json = BUF_INIT;
    struct hash256 hash;
    struct err_detail detail = {""};
    int status = eth_transaction_hash(tx, &hash);
    rpc_write_signed(&json, tx, &hash);
    if (newline)
        buf_append_byte(&json, '\n');
    if (status == 0)
        status = buf_status(&json);
    if (status == 0) {
        const struct privacy_send in = {
            .payload = buf_bytes(&json), .from = from, .to = *to, .mandatory = {.is_null = true}};
        status = fail(call, privacy_send(call->backend->privacy, ret_hash, &in, &detail), &detail);
    }
    buf_release(&json);
    return status;
}

/* --- Signed elsewhere --- */

/* Where there are several private states: the key that the payload was stored with is that of the one it is sent from. */
static int check_raw_from(struct rpc_call *call, const struct rpc_transaction *wanted,
                          struct bytes stored, const struct address *sender)
{
    struct bytes given = wanted->private.from;
    if (call->backend->psis && given.len && !bytes_equal(given, stored))
        return rpc_fail(call, RPC_CODE_ERROR,
                        "The PrivateFrom address retrieved from the privacy manager does not match "
                        "private PrivateFrom (%.*s) specified in transaction arguments.",
                        (int)(given.len < 512 ? given.len : 512), (const char *)given.data);
    /* An unknown key is nobody's: the state's first must not take its place. */
    struct bytes from = stored.len ? stored : bytes_str("?");
    return rpc_psi_check_send(call, &from, sender, true);
}

/* `ret_from`: the key that the raw payload was stored with. */
static int distribute(struct rpc_call *call, const struct eth_transaction *tx,
                      struct bytes *ret_from)
{
    const struct rpc_transaction *wanted = call->args[1].transaction;
    struct chain_payload_hash hash = chain_payload_hash_of(tx->data);
    struct chain_payload raw;
    struct err_detail detail = {""};
    if (!wanted || !wanted->private.is_given)
        return rpc_fail(call, RPC_CODE_ERROR, "transaction is not private");
    if (!call->backend->privacy)
        return rpc_fail(call, RPC_CODE_ERROR, "private transaction manager is not in use");
    if (tx->data.len == 0 || !u256_is_zero(&tx->value))
        return rpc_fail(call, RPC_CODE_ERROR,
                        "ether value is not supported for private transactions");
    int status =
        fail(call, privacy_receive(call->backend->privacy, &raw, &hash, true, call->arena, &detail),
             &detail);
    if (status)
        return status;
    *ret_from = raw.is_party ? raw.sender : bytes_none();
    status = check_raw_from(call, wanted, *ret_from, &tx->sender);
    if (status)
        return status;
    const struct rpc_transaction args = {.has_from = true,
                                         .from = tx->sender,
                                         .has_to = !tx->is_creation,
                                         .to = tx->to,
                                         .has_gas = true,
                                         .gas = tx->gas_limit,
                                         .has_data = true,
                                         .data = raw.is_party ? raw.data : bytes_none()};
    struct privacy_send in = request_of(&wanted->private, args.data);
    status = examine(call, &args, &wanted->private, tx->data, &in);
    if (status)
        return status;
    return fail(call, privacy_send_signed(call->backend->privacy, &hash, &in, &detail), &detail);
}

static int decode_and_distribute_from(struct rpc_call *call, struct bytes *ret_from)
{
    int status = rpc_raw_decode(call);
    if (status)
        return status;
    struct chain_tx *tx = call->state;
    status = tx->tx.sender_known ? distribute(call, &tx->tx, ret_from)
                                 : rpc_fail(call, RPC_CODE_ERROR, "invalid sender");
    if (status) {
        call->state = NULL;
        chain_tx_unref(tx);
    }
    return status;
}

static int decode_and_distribute(struct rpc_call *call)
{
    struct bytes from;
    return decode_and_distribute_from(call, &from);
}

/* eth_distributePrivateTransaction alone reads what peers send: a transaction with a type stands in a string there
 * (core/types, Transaction.DecodeRLP). */
static int unwrap(struct rpc_call *call)
{
    struct bytes *raw = &call->args[0].bytes;
    struct rlp_reader r;
    if (raw->len == 0)
        return rpc_fail(call, RPC_CODE_ERROR, "EOF");
    if (raw->data[0] >= 0xc0)
        return 0;
    if (raw->data[0] < 0x80)
        return rpc_fail(call, RPC_CODE_ERROR, "rlp: expected List");
    rlp_reader_init(&r, *raw);
    struct bytes inner = rlp_read_bytes(&r, "transaction");
    if (!rlp_ok(&r))
        return rpc_fail(call, RPC_CODE_ERROR, "rlp: value size exceeds available input length");
    if (inner.len && inner.data[0] > 0x7f)
        return rpc_fail(call, RPC_CODE_ERROR, "transaction type not supported");
    *raw = inner;
    return 0;
}

/* For a marker that is made and signed elsewhere, too: the hash that it carries. */
static int distribute_for_marker(struct rpc_call *call)
{
    struct chain_payload_hash hash;
    struct bytes from;
    int status = unwrap(call);
    if (status == 0)
        status = decode_and_distribute_from(call, &from);
    if (status)
        return status;
    struct chain_tx *tx = call->state;
    call->state = NULL;
    status = rpc_private_distribute(call, &hash, &tx->tx, from,
                                    &call->args[1].transaction->private.for_, false);
    chain_tx_unref(tx);
    if (status == 0)
        rpc_write_bytes(call->out, bytes_of(hash.b, sizeof(hash.b)));
    return status;
}

static const struct rpc_method methods[] = {
    {"eth_sendRawPrivateTransaction",
     {{"transaction", RPC_BYTES}, {"parties", RPC_SEND_RAW}},
     .work = decode_and_distribute,
     .waits = true,
     .run = rpc_raw_submit,
     .proxied = true,
     .result = "hash"},
    {"eth_sendTransactionAsync",
     {{"transaction", RPC_SEND_ASYNC}},
     .quick = rpc_send_behind,
     .proxied = true,
     .result = "hash of zeros; what came of it goes to the object's callbackUrl"},
    {"eth_distributePrivateTransaction",
     {{"transaction", RPC_BYTES}, {"parties", RPC_SEND_RAW}},
     .work = distribute_for_marker,
     .waits = true,
     .proxied = true,
     .result = "hash of the payload, for a marker's data"},
};

const struct rpc_method_list rpc_methods_sendprivate = {methods, BASE_COUNT(methods)};
