/* prestateTracer: the accounts and slots that a transaction needs, as they were before it. */
#include "rpc/trace/trace.h"

#include "base/map.h"
#include "crypto/keccak.h"
#include "eth/address.h"
#include "evm/opcodes.h"
#include "rpc/json/encode.h"

struct account {
    struct u256 balance;
    uint64_t nonce;
    struct bytes code;
};

struct slot_key {
    struct address account;
    uint8_t slot[32];
};

struct prestate {
    struct map accounts; /* address -> struct account */
    struct map slots;    /* slot_key -> u256 */
};

static int begin(struct rpc_trace *t)
{
    struct prestate *p = t->state;
    map_init(&p->accounts, sizeof(struct address), sizeof(struct account));
    map_init(&p->slots, sizeof(struct slot_key), sizeof(struct u256));
    return 0;
}

static void release(struct rpc_trace *t)
{
    struct prestate *p = t->state;
    map_release(&p->accounts);
    map_release(&p->slots);
}

static int add_account(struct rpc_trace *t, const struct address *address)
{
    struct prestate *p = t->state;
    const struct state_account *now;
    struct account account = {.nonce = 0};
    struct bytes code;
    if (map_get(&p->accounts, address))
        return 0;
    struct state_view *view;
    int status = rpc_trace_view(t, &view, address);
    if (status == 0)
        status = state_view_account(view, &now, address);
    if (status)
        return status;
    if (now) {
        account.balance = now->balance;
        account.nonce = now->nonce;
    }
    status = state_view_code(view, &code, address);
    if (status)
        return status;
    account.code = arena_copy(&t->arena, code);
    if (code.len && !account.code.data)
        return ERR_NOMEM;
    struct account *kept = map_put(&p->accounts, address, NULL);
    if (!kept)
        return ERR_NOMEM;
    *kept = account;
    return 0;
}

static int add_slot(struct rpc_trace *t, const struct rpc_trace_step *step)
{
    const struct address *address = &step->message->recipient;
    const struct u256 slot = rpc_trace_peek(step, 0);
    struct prestate *p = t->state;
    struct slot_key key = {.account = *address};
    struct u256 value;
    bool added;
    u256_store(key.slot, &slot);
    if (map_get(&p->slots, &key))
        return 0;
    struct state_view *view;
    int status = rpc_trace_view(t, &view, address);
    if (status == 0)
        status = state_view_load(view, &value, NULL, address, &slot);
    if (status)
        return status;
    if (step->change) /* the state has the new one already */
        value = step->change->current;
    struct u256 *kept = map_put(&p->slots, &key, &added);
    if (!kept)
        return ERR_NOMEM;
    *kept = value;
    return 0;
}

static int add_operand(struct rpc_trace *t, const struct rpc_trace_step *step, size_t index)
{
    struct u256 word = rpc_trace_peek(step, index);
    struct address address = rpc_trace_address(&word);
    return add_account(t, &address);
}

static int add_creation(struct rpc_trace *t, const struct rpc_trace_step *step)
{
    const struct address *from = &step->message->recipient;
    const struct state_account *account;
    struct address made;
    if (step->op == EVM_OP_CREATE) {
        struct state_view *view;
        int status = rpc_trace_view(t, &view, from);
        if (status == 0)
            status = state_view_account(view, &account, from);
        if (status)
            return status;
        eth_create_address(&made, from, account ? account->nonce : 0);
        return add_account(t, &made);
    }
    struct u256 offset = rpc_trace_peek(step, 1), size = rpc_trace_peek(step, 2);
    struct u256 salt_word = rpc_trace_peek(step, 3);
    struct hash256 salt, hash;
    struct bytes code;
    int status = rpc_trace_memory(t, &code, step, &offset, &size);
    if (status)
        return status;
    u256_store(salt.b, &salt_word);
    crypto_keccak256(&hash, code);
    eth_create2_address(&made, from, &salt, &hash);
    return add_account(t, &made);
}

static int step(struct rpc_trace *t, const struct rpc_trace_step *step)
{
    const struct prestate *p = t->state;
    if (map_count(&p->accounts) == 0) {
        int status = add_account(t, &step->message->recipient);
        if (status)
            return status;
    }
    switch (step->op) {
    case EVM_OP_EXTCODECOPY:
    case EVM_OP_EXTCODESIZE:
    case EVM_OP_BALANCE:
        return add_operand(t, step, 0);
    case EVM_OP_CREATE:
    case EVM_OP_CREATE2:
        return add_creation(t, step);
    case EVM_OP_CALL:
    case EVM_OP_CALLCODE:
    case EVM_OP_DELEGATECALL:
    case EVM_OP_STATICCALL:
        return add_operand(t, step, 1);
    case EVM_OP_SSTORE:
    case EVM_OP_SLOAD:
        return add_slot(t, step);
    default:
        return 0;
    }
}

/* Also of a transaction that runs no code, where the reference's tracer fails. */
static int end(struct rpc_trace *t)
{
    int status = add_account(t, &t->outcome.to);
    return status ? status : add_account(t, &t->outcome.from);
}

static struct u256 times(uint64_t gas, const struct u256 *price)
{
    struct u256 wide = u256_from(gas), product;
    u256_mul(&product, &wide, price);
    return product;
}

/* Takes value and fees back. When `end` ran, what is not used of the gas had not been returned yet. */
static void correct(struct rpc_trace *t)
{
    struct prestate *p = t->state;
    const struct rpc_trace_outcome *o = &t->outcome;
    struct account *to = map_get(&p->accounts, &o->to), *from = map_get(&p->accounts, &o->from);
    if (!to || !from)
        return;
    struct u256 to_balance = to->balance, from_balance = from->balance;
    struct u256 fees = times(o->gas_limit - o->transaction_gas, &o->gas_price);
    u256_add(&from_balance, &from_balance, &fees);
    fees = times(o->gas_used + o->intrinsic_gas, &o->gas_price);
    u256_sub(&to->balance, &to_balance, &o->value);
    u256_add(&from->balance, &from_balance, &o->value);
    u256_add(&from->balance, &from->balance, &fees);
    from->nonce--;
}

static void write_account(struct buf *b, const struct prestate *p, size_t index)
{
    const struct address *address = map_key_at(&p->accounts, index);
    const struct account *account = map_value_at(&p->accounts, index);
    rpc_item(b);
    rpc_write_address(b, address);
    buf_append_text(b, ":{");
    rpc_put_big(b, "balance", &account->balance);
    rpc_key(b, "nonce");
    buf_append_format(b, "%llu", (unsigned long long)account->nonce);
    rpc_put_bytes(b, "code", account->code);
    rpc_key(b, "storage");
    buf_append_byte(b, '{');
    for (size_t i = 0; i < map_count(&p->slots); i++) {
        const struct slot_key *key = map_key_at(&p->slots, i);
        uint8_t value[32];
        if (!address_equal(&key->account, address))
            continue;
        u256_store(value, map_value_at(&p->slots, i));
        rpc_item(b);
        rpc_write_bytes(b, bytes_of(key->slot, 32));
        buf_append_byte(b, ':');
        rpc_write_bytes(b, bytes_of(value, 32));
    }
    buf_append_text(b, "}}");
}

static int result(struct rpc_trace *t, struct buf *b)
{
    struct prestate *p = t->state;
    correct(t);
    buf_append_byte(b, '{');
    for (size_t i = 0; i < map_count(&p->accounts); i++) {
        const struct address *address = map_key_at(&p->accounts, i);
        if (t->outcome.is_creation && address_equal(address, &t->outcome.to))
            continue; /* it was not there */
        write_account(b, p, i);
    }
    buf_append_byte(b, '}');
    return buf_status(b);
}

const struct rpc_tracer rpc_tracer_prestate = {
    .name = "prestateTracer",
    .size = sizeof(struct prestate),
    .begin = begin,
    .step = step,
    .end = end,
    .result = result,
    .release = release,
};
