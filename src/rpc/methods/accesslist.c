/*
 * eth_createAccessList: what a transaction touches (GoQuorum, internal/ethapi, AccessList, and core/vm/access_list_tracer.go).
 * The reference's own crashes under Quorum's rules; this is what its code says.
 */
#include "base/map.h"
#include "eth/address.h"
#include "evm/opcodes.h"
#include "evm/precompile/precompile.h"
#include "rpc/methods/methods.h"
#include "rpc/methods/private.h"
#include "rpc/run/simulate.h"
#include "rpc/trace/trace.h"

enum {
    ROUNDS_MAX = 64,       /* runs until the list stays the same; two or three, as a rule */
    ENTRIES_MAX = 1 << 16, /* addresses and slots */
};

struct slot_key {
    struct address address;
    uint8_t slot[32];
};

/* A list as it grows; both maps keep the order in which they were touched. */
struct list {
    struct map addresses; /* -> nothing */
    struct map slots;     /* slot_key -> nothing */
    struct address from, to;
    enum fork fork;
};

static void init(struct list *l, const struct address *from, const struct address *to,
                 enum fork fork)
{
    *l = (struct list){.from = *from, .to = *to, .fork = fork};
    map_init(&l->addresses, sizeof(struct address), 1);
    map_init(&l->slots, sizeof(struct slot_key), 1);
}

static void release(struct list *l)
{
    map_release(&l->addresses);
    map_release(&l->slots);
}

static int add(const struct list *l, struct map *map, const void *key)
{
    if (map_count(&l->addresses) + map_count(&l->slots) >= ENTRIES_MAX)
        return ERR_LIMIT;
    return map_put(map, key, NULL) ? 0 : ERR_NOMEM;
}

/* Sender, recipient and precompiled contracts are warm without a list. */
static int add_address(struct list *l, const struct address *address)
{
    if (address_equal(address, &l->from) || address_equal(address, &l->to) ||
        evm_is_precompile(l->fork, address))
        return 0;
    return add(l, &l->addresses, address);
}

static int add_slot(struct list *l, const struct address *address, const uint8_t slot[32])
{
    struct slot_key key = {.address = *address};
    memcpy(key.slot, slot, sizeof(key.slot));
    int status = add(l, &l->addresses, address);
    return status ? status : add(l, &l->slots, &key);
}

static int on_step(void *context, const struct evm_step *step)
{
    struct list *l = context;
    const struct u256 *top = step->stack + step->stack_size;
    struct address address;
    uint8_t slot[32];
    switch (step->op) {
    case EVM_OP_SLOAD:
    case EVM_OP_SSTORE:
        if (step->stack_size < 1)
            return 0;
        u256_store(slot, &top[-1]);
        return add_slot(l, &step->message->recipient, slot);
    case EVM_OP_EXTCODECOPY:
    case EVM_OP_EXTCODEHASH:
    case EVM_OP_EXTCODESIZE:
    case EVM_OP_BALANCE:
    case EVM_OP_SELFDESTRUCT:
        if (step->stack_size < 1)
            return 0;
        address = rpc_trace_address(&top[-1]);
        return add_address(l, &address);
    case EVM_OP_CALL:
    case EVM_OP_CALLCODE:
    case EVM_OP_DELEGATECALL:
    case EVM_OP_STATICCALL:
        if (step->stack_size < 5)
            return 0;
        address = rpc_trace_address(&top[-2]);
        return add_address(l, &address);
    default:
        return 0;
    }
}

/* As a call's argument, in the call's arena. */
static int to_entries(const struct list *l, struct rpc_transaction *args, struct arena *arena)
{
    size_t count = map_count(&l->addresses), slots = map_count(&l->slots);
    struct eth_access *entries = arena_alloc(arena, (count + 1) * sizeof(*entries));
    if (!entries)
        return ERR_NOMEM;
    for (size_t i = 0; i < count; i++) {
        const struct address *address = map_key_at(&l->addresses, i);
        size_t own = 0;
        for (size_t k = 0; k < slots; k++) {
            const struct slot_key *key = map_key_at(&l->slots, k);
            own += address_equal(&key->address, address);
        }
        struct hash256 *keys = arena_alloc(arena, (own + 1) * sizeof(*keys));
        if (!keys)
            return ERR_NOMEM;
        entries[i] = (struct eth_access){*address, keys, own};
        for (size_t k = 0; k < slots; k++) {
            const struct slot_key *key = map_key_at(&l->slots, k);
            if (address_equal(&key->address, address))
                memcpy((keys++)->b, key->slot, 32);
        }
    }
    args->access_list = entries;
    args->access_count = count;
    args->has_access_list = true;
    return 0;
}

static int from_entries(struct list *l, const struct rpc_transaction *args)
{
    int status = 0;
    for (size_t i = 0; i < args->access_count && status == 0; i++) {
        const struct eth_access *entry = &args->access_list[i];
        status = add_address(l, &entry->address);
        for (size_t k = 0; k < entry->key_count && status == 0; k++)
            status = add_slot(l, &entry->address, entry->keys[k].b);
    }
    return status;
}

static bool same(const struct list *a, const struct list *b)
{
    if (map_count(&a->addresses) != map_count(&b->addresses) ||
        map_count(&a->slots) != map_count(&b->slots))
        return false;
    for (size_t i = 0; i < map_count(&a->addresses); i++)
        if (!map_get(&b->addresses, map_key_at(&a->addresses, i)))
            return false;
    for (size_t i = 0; i < map_count(&a->slots); i++)
        if (!map_get(&b->slots, map_key_at(&a->slots, i)))
            return false;
    return true;
}

static void write_result(struct rpc_call *call, const struct rpc_simulation *s,
                         const struct rpc_transaction *args)
{
    struct buf *out = call->out;
    buf_append_byte(out, '{');
    rpc_key(out, "accessList");
    rpc_write_access_list(out, args->access_list, args->access_count);
    if (s->result.status != EVM_SUCCESS) {
        rpc_key(out, "error");
        buf_append_format(out, "\"%s\"", evm_status_text(s->result.status));
    }
    rpc_put_number(out, "gasUsed", s->result.gas_used);
    buf_append_byte(out, '}');
}

/* One run with a list; *ret_same: it touched what the list has. */
static int run_once(struct rpc_call *call, struct list *before, const struct rpc_block_id *block,
                    const struct rpc_transaction *given, bool *ret_same)
{
    struct rpc_transaction args = *given;
    struct rpc_simulation s;
    struct list touched;
    const struct evm_tracer tracer = {.context = &touched, .step = on_step};
    int status = to_entries(before, &args, call->arena);
    if (status == 0 && !given->has_gas)
        status = rpc_estimate_gas(call, &args.gas, &args, block);
    args.has_gas = true;
    if (status == 0)
        status = rpc_simulation_begin(&s, call, &args, block);
    if (status)
        return status;
    init(&touched, &before->from, &before->to, before->fork);
    status = from_entries(&touched, &args);
    s.tracer = &tracer;
    if (status == 0)
        status = rpc_simulation_run(&s, args.gas);
    if (status == 0 && s.result.verdict != EXEC_VALID)
        status = rpc_fail(call, RPC_CODE_ERROR, "failed to apply transaction: %s",
                          s.why.text[0] ? s.why.text : exec_verdict_text(s.result.verdict));
    if (status == 0) {
        *ret_same = same(&touched, before);
        if (*ret_same)
            write_result(call, &s, &args);
    }
    rpc_simulation_end(&s);
    if (status == 0 && !*ret_same) {
        struct list old = *before;
        *before = touched;
        touched = old;
    }
    release(&touched);
    return status;
}

/* The recipient, or the address that a creation would get; and the block's rules. */
static int prepare(struct rpc_call *call, const struct rpc_block_id *block, struct address *ret_to,
                   enum fork *ret_fork)
{
    const struct rpc_transaction *args = call->args[0].transaction;
    struct rpc_simulation s;
    struct state_account account;
    bool exists;
    int status = rpc_simulation_begin(&s, call, args, block);
    if (status)
        return status;
    *ret_fork = s.environment.block.fork;
    *ret_to = args->to;
    if (!args->has_to) {
        status = state_reader_account(&s.state, &account, &exists, &args->from);
        if (status)
            status = rpc_reader_fail(call, &s.reader, status);
        else
            eth_create_address(ret_to, &args->from, args->has_nonce ? args->nonce : account.nonce);
    }
    rpc_simulation_end(&s);
    return status;
}

static int create_access_list(struct rpc_call *call)
{
    static const struct rpc_block_id latest = {.kind = RPC_AT_LATEST};
    const struct rpc_transaction *args = call->args[0].transaction;
    const struct rpc_block_id *block = call->args[1].given ? &call->args[1].block : &latest;
    struct address to;
    enum fork fork;
    struct list list;
    bool done = false;
    int status = prepare(call, block, &to, &fork);
    if (status == 0)
        status = rpc_check_data(call, args);
    if (status)
        return status;
    init(&list, &args->from, &to, fork);
    status = from_entries(&list, args);
    for (int i = 0; i < ROUNDS_MAX && status == 0 && !done; i++)
        status = run_once(call, &list, block, args, &done);
    release(&list);
    if (status == 0 && !done)
        return rpc_fail(call, RPC_CODE_ERROR, "the access list does not settle in %d runs",
                        ROUNDS_MAX);
    return status == ERR_LIMIT ? rpc_fail(call, RPC_CODE_TOO_LARGE,
                                          "the access list has more than %d entries", ENTRIES_MAX)
                               : status;
}

static const struct rpc_method methods[] = {
    {"eth_createAccessList",
     {{"transaction", RPC_SEND}, {"block", RPC_BLOCK_OR_HASH, true}},
     .work = create_access_list,
     .reads = true,
     .result = "accessList, gasUsed, error"},
};

const struct rpc_method_list rpc_methods_accesslist = {methods, BASE_COUNT(methods)};
