/* Calls without a transaction. */
#include "rpc/run/simulate.h"

#include "base/clock.h"
#include "rpc/params/priv.h"
#include "rpc/run/funds.h"
#include "rpc/run/override.h"

/* As GoQuorum reads it; it borrows from the arguments. Before Berlin an access list is paid for and makes nothing warm: messages have no type there. */
static struct eth_transaction transaction_of(const struct rpc_transaction *args, enum fork fork)
{
    return (struct eth_transaction){
        .type = args->has_access_list && fork >= FORK_BERLIN ? ETH_ACCESS_LIST : ETH_LEGACY,
        .is_creation = !args->has_to,
        .to = args->to,
        .value = args->value,
        .data = args->data,
        .max_fee = args->gas_price,
        .max_priority_fee = args->gas_price,
        .access_list = args->access_list,
        .access_count = args->access_count,
    };
}

/* What later forks add, as later geth reads it: EIP-1559's fees from London on, EIP-7702's authorizations from Prague on.
 * Before that these fields say nothing, as in GoQuorum, which does not know them. */
static int take_later_fields(struct rpc_simulation *s)
{
    const struct rpc_transaction *args = s->args;
    struct eth_transaction *tx = &s->tx;
    bool fees = args->has_max_fee || args->has_max_tip;
    if (s->header.tail < ETH_HEADER_BASE_FEE)
        return 0;
    if (fees && args->has_gas_price)
        return rpc_fail(s->call, RPC_CODE_ERROR,
                        "both gasPrice and (maxFeePerGas or maxPriorityFeePerGas) specified");
    if (fees) {
        tx->type = ETH_DYNAMIC_FEE;
        tx->max_fee = args->max_fee;
        tx->max_priority_fee = args->max_tip;
    }
    if (!args->has_authorizations || s->environment.block.fork < FORK_PRAGUE)
        return 0;
    struct rpc_reading reading = {.arena = s->call->arena};
    int status = rpc_param_authorizations(&reading, &tx->authorizations, &tx->authorization_count,
                                          args->authorizations);
    tx->type = ETH_SET_CODE;
    return status == RPC_FAILED
               ? rpc_fail(s->call, RPC_CODE_PARAMS, "invalid argument 0: %s", reading.message)
               : status;
}

int rpc_simulation_prepare(struct rpc_simulation *s, struct rpc_call *call,
                           const struct rpc_transaction *args)
{
    s->call = call;
    s->args = args;
    s->overrides = NULL;
    s->override_count = 0;
    s->tracer = NULL;
    s->timeout_ms = 0;
    s->gas_cap = call->backend->gas_cap;
    s->environment.is_call = true;
    s->tx = transaction_of(args, s->environment.block.fork);
    return take_later_fields(s);
}

int rpc_simulation_begin(struct rpc_simulation *s, struct rpc_call *call,
                         const struct rpc_transaction *args, const struct rpc_block_id *block)
{
    struct hash256 hash;
    s->machine = call->machine;
    int status = rpc_reader_open(call, &s->reader);
    if (status)
        return status;
    status = rpc_open_state(call, &s->reader, &s->state, &s->number, block);
    if (status == 0) {
        status = chain_reader_header(&s->reader, &s->header, s->number);
        if (status == 0)
            status = chain_reader_hash(&s->reader, &hash, s->number);
        if (status == 0)
            status = chain_environment_init_known(&s->environment, &s->reader, &s->header, &hash);
        if (status == 0)
            status = rpc_simulation_prepare(s, call, args);
        if (status && status != RPC_FAILED)
            status = rpc_reader_fail(call, &s->reader, status);
    }
    if (status)
        chain_reader_close(&s->reader);
    return status;
}

void rpc_simulation_end(struct rpc_simulation *s)
{
    chain_reader_close(&s->reader);
}

uint64_t rpc_simulation_gas(const struct rpc_simulation *s)
{
    return s->args->has_gas ? s->args->gas : s->gas_cap ? s->gas_cap : UINT64_MAX / 2;
}

int rpc_simulation_reset(struct rpc_simulation *s)
{
    int status = rpc_machine_begin(s->machine, &s->state);
    if (status)
        return status;
    if (s->call->backend->privacy)
        status = chain_private_begin_call(&s->machine->private, &s->environment, &s->reader,
                                          s->machine->view, s->call->psi, s->number,
                                          s->args->has_to ? &s->args->to : NULL);
    if (status)
        return status;
    exec_begin_block(s->machine->exec, &s->environment.block, s->machine->view,
                     &s->environment.hooks);
    return rpc_override_apply(s->call, s->machine->view, s->overrides, s->override_count);
}

int rpc_simulation_run(struct rpc_simulation *s, uint64_t gas)
{
    int status = rpc_simulation_reset(s);
    if (status)
        return status;
    if (s->gas_cap && gas > s->gas_cap)
        gas = s->gas_cap;
    s->tx.gas_limit = gas;
    /* The reference lets a call have more gas than a block; here a block is the most. */
    if (s->tx.gas_limit > s->environment.block.gas_limit)
        s->tx.gas_limit = s->environment.block.gas_limit;
    s->why.text[0] = '\0';
    struct evm *machine = exec_machine(s->machine->exec);
    evm_set_tracer(machine, s->tracer);
    evm_set_deadline(machine, s->timeout_ms ? base_now_ns() + s->timeout_ms * 1000000u : 0);
    status =
        exec_transaction(s->machine->exec, &s->result, &s->why, &s->tx, &s->args->from,
                         EXEC_SKIP_NONCE | EXEC_SKIP_EOA | EXEC_SKIP_BASE_FEE | EXEC_SKIP_GAS_CAP);
    evm_set_tracer(machine, NULL);
    evm_set_deadline(machine, 0);
    return status ? status : rpc_funds_explain(s);
}
