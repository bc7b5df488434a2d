#include "rpc/dispatch/head.h"

#include "base/clock.h"
#include "rpc/access/psi.h"
#include "rpc/dispatch/desk.h"
#include "rpc/methods/private.h"

/* --- The snapshot --- */

void rpc_head_drop(struct rpc_head *head)
{
    if (!head->block)
        return;
    chain_reader_close(&head->simulation.reader);
    chain_block_unref(head->block);
    head->block = NULL;
    atomic_store(&head->is_open, false);
    head->has_environment = false;
    memset(head->heavy, 0, sizeof(head->heavy));
}

void rpc_head_release(struct rpc_head *head)
{
    rpc_head_drop(head);
    rpc_machine_release(&head->machine);
}

/* Takes over the reference to `block` when it returns true. */
static bool open_snapshot(struct rpc_head *head, struct chain *chain, struct chain_block *block)
{
    struct rpc_simulation *s = &head->simulation;
    struct hash256 hash;
    /* Before it: who changes the head behind this sees it, and otherwise the snapshot is of the new one. */
    atomic_store(&head->is_open, true);
    if (chain_reader_open(&s->reader, chain)) {
        atomic_store(&head->is_open, false);
        return false;
    }
    int status = chain_reader_head(&s->reader, &s->number, &hash);
    if (status == 0)
        status = chain_reader_state(&s->reader, &s->state, s->number);
    if (status || !hash256_equal(&hash, &block->hash)) { /* else a commit came between the two */
        chain_reader_close(&s->reader);
        atomic_store(&head->is_open, false);
        return false;
    }
    s->machine = &head->machine;
    s->header = block->header;
    head->block = block;
    return true;
}

static bool is_meant(const struct rpc_head *head, const struct rpc_block_id *block)
{
    switch (block->kind) {
    case RPC_AT_LATEST:
    case RPC_AT_PENDING:
        return true;
    case RPC_AT_NUMBER:
        return block->number == head->block->header.number;
    case RPC_AT_HASH:
        return hash256_equal(&block->hash, &head->block->hash);
    default:
        return false;
    }
}

struct rpc_simulation *rpc_head_open(struct rpc_call *call, const struct rpc_block_id *block)
{
    struct rpc_head *head = rpc_head_of(call);
    struct chain_head now;
    if (rpc_psi(call)) /* said again by rpc_open_state */
        return NULL;
    chain_head(call->backend->chain, &now);
    if (head->block != now.block) {
        rpc_head_drop(head);
        if (open_snapshot(head, call->backend->chain, now.block))
            now.block = NULL;
    }
    chain_head_release(&now);
    return head->block && is_meant(head, block) ? &head->simulation : NULL;
}

/* --- Calls --- */

/* Where calls of the same function of an account stand in the table of heavy ones, and as what. */
static uint64_t *heavy_place(struct rpc_head *head, uint64_t *ret_name,
                             const struct rpc_transaction *args)
{
    uint8_t text[sizeof(struct address) + 4] = {0};
    uint64_t name = 14695981039346656037u; /* FNV-1a */
    memcpy(text, args->to.b, sizeof(args->to.b));
    if (args->data.len >= 4)
        memcpy(text + sizeof(args->to.b), args->data.data, 4);
    for (size_t i = 0; i < sizeof(text); i++)
        name = (name ^ text[i]) * 1099511628211u;
    *ret_name = name | 1;
    return &head->heavy[(name >> 32) % RPC_HEAD_HEAVY];
}

/* Whether this turn of the loop has time left. */
static bool begin_time(struct rpc_head *head, const struct rpc_call *call)
{
    const struct io_loop *loop = call->desk->loop;
    uint64_t turn = loop ? io_loop_now(loop) : 0;
    if (turn != head->turn)
        head->spent_ns = 0;
    head->turn = turn;
    if (head->spent_ns >= RPC_HEAD_TURN_US * 1000u)
        return false;
    head->began_ns = base_now_ns();
    return true;
}

static bool is_small(const struct rpc_transaction *args)
{
    return args->has_to && !args->has_access_list && u256_is_zero(&args->gas_price) &&
           !args->has_max_fee && !args->has_max_tip && !args->has_authorizations &&
           args->data.len <= RPC_HEAD_INPUT_MAX;
}

/* Runs it with a small limit; 0 when what came out is what its own limit gives. */
static int try(struct rpc_head *head, struct rpc_call *call, const struct rpc_transaction *args)
{
    struct rpc_simulation *s = &head->simulation;
    int status = 0;
    if (!head->has_environment)
        status = chain_environment_init_known(&s->environment, &s->reader, &s->header,
                                              &head->block->hash);
    if (status)
        return RPC_LATER;
    head->has_environment = true;
    status = rpc_simulation_prepare(s, call, args);
    uint64_t gas = rpc_simulation_gas(s);
    if (status == 0)
        status = rpc_simulation_run(s, gas < RPC_HEAD_GAS ? gas : RPC_HEAD_GAS);
    if (status)
        rpc_head_drop(head); /* with the message of what failed; the worker tells it */
    if (status || s->result.verdict != EXEC_VALID)
        return RPC_LATER;
    bool ended = s->result.status == EVM_SUCCESS || s->result.status == EVM_REVERT;
    if (gas > RPC_HEAD_GAS && (!ended || evm_gas_mattered(exec_machine(head->machine.exec))))
        return RPC_LATER;
    return 0;
}

int rpc_head_call(struct rpc_call *call, const struct rpc_transaction *args,
                  const struct rpc_block_id *block)
{
    struct rpc_head *head = rpc_head_of(call);
    uint64_t name;
    struct rpc_simulation *s = is_small(args) ? rpc_head_open(call, block) : NULL;
    if (!s)
        return RPC_LATER;
    uint64_t *heavy = heavy_place(head, &name, args);
    if (*heavy == name || !begin_time(head, call))
        return RPC_LATER;
    int status = try(head, call, args);
    if (status)
        *heavy = name;
    else
        status = rpc_call_result(s);
    head->spent_ns += base_now_ns() - head->began_ns;
    return status;
}
