/* eth: calls without a transaction (GoQuorum, internal/ethapi, DoCall and DoEstimateGas). */
#include "rpc/dispatch/head.h"
#include "rpc/methods/methods.h"
#include "rpc/methods/private.h"
#include "rpc/run/simulate.h"
#include "rpc/trace/trace.h"

#include <stdio.h>

enum {
    PLAIN_GAS = 21000, /* of a transfer, the least that a transaction takes */
    /* What a private transaction's data is at least: 64 bytes, the hash of its payload. */
    PRIVATE_DATA = 64,
    DESCRIBE_MS = 2000, /* for the second run of a call that failed */
};

/* The error of a call that could not begin. */
static int refuse(struct rpc_simulation *s, uint64_t gas)
{
    if (s->gas_cap && gas > s->gas_cap)
        gas = s->gas_cap;
    return rpc_fail(s->call, RPC_CODE_ERROR, "err: %s (supplied gas %llu)",
                    s->why.text[0] ? s->why.text : exec_verdict_text(s->result.verdict),
                    (unsigned long long)gas);
}

/* --- Reverts --- */

static bool word_u64(uint64_t *ret_value, struct bytes data, size_t at)
{
    if (at > data.len || data.len - at < 32)
        return false;
    uint64_t value = 0;
    for (size_t i = 0; i < 32; i++) {
        if (i < 24 && data.data[at + i])
            return false;
        value = value << 8 | data.data[at + i];
    }
    *ret_value = value;
    return true;
}

/* The text of Error(string); false when the output is something else. */
static bool revert_reason(struct bytes *ret_reason, struct bytes output)
{
    static const uint8_t selector[4] = {0x08, 0xc3, 0x79, 0xa0};
    uint64_t offset, len;
    if (output.len < 4 || memcmp(output.data, selector, 4) != 0)
        return false;
    struct bytes data = bytes_slice(output, 4, output.len - 4);
    if (!word_u64(&offset, data, 0) || offset > data.len || !word_u64(&len, data, offset) ||
        len > data.len - offset - 32)
        return false;
    *ret_reason = bytes_slice(data, offset + 32, len);
    return true;
}

static int fail_reverted(struct rpc_simulation *s)
{
    struct bytes reason;
    bool said = revert_reason(&reason, s->result.output);
    int status =
        said ? rpc_fail(s->call, RPC_CODE_REVERTED, "execution reverted: %.*s",
                        (int)(reason.len < 900 ? reason.len : 900), (const char *)reason.data)
             : rpc_fail(s->call, RPC_CODE_REVERTED, "execution reverted");
    s->call->data = arena_copy(s->call->arena, s->result.output);
    return status;
}

/* What was wrong with which instruction, as geth says it: found by a second run, which is looked at. */
static int fail_at_instruction(struct rpc_simulation *s)
{
    const struct rpc_trace_options options = {.tracer = &rpc_tracer_noop,
                                              .milliseconds = DESCRIBE_MS};
    const char *text = evm_status_text(s->result.status);
    struct rpc_trace *t = arena_alloc(s->call->arena, sizeof(*t));
    int status = t ? rpc_simulation_reset(s) : ERR_NOMEM;
    if (status)
        return status;
    status = rpc_trace_begin(t, &options, s->machine->view, s->environment.block.fork);
    if (status == 0) {
        s->tracer = &t->events;
        t->private = s->call->backend->privacy ? &s->machine->private : NULL;
        int again = rpc_simulation_run(s, s->tx.gas_limit);
        s->tracer = NULL;
        /* One that did not come as far, by the time it took, has nothing to say. */
        status =
            rpc_fail(s->call, RPC_CODE_ERROR, "%s", again == 0 && t->error[0] ? t->error : text);
    }
    rpc_trace_release(t);
    return status;
}

int rpc_call_failed(struct rpc_simulation *s)
{
    enum evm_status status = s->result.status;
    if (status == EVM_REVERT && s->result.output.len > 0)
        return fail_reverted(s);
    if (status == EVM_UNDEFINED_INSTRUCTION || status == EVM_INVALID_INSTRUCTION ||
        status == EVM_STACK_UNDERFLOW || status == EVM_STACK_OVERFLOW)
        return fail_at_instruction(s);
    return rpc_fail(s->call, RPC_CODE_ERROR, "%s", evm_status_text(s->result.status));
}

int rpc_call_result(struct rpc_simulation *s)
{
    if (s->result.status != EVM_SUCCESS)
        return rpc_call_failed(s);
    rpc_write_bytes(s->call->out, s->result.output);
    return 0;
}

/* --- eth_call --- */

/* The time as Go writes a duration: 5s, 1m30s, 1h0m0s. */
static int fail_timeout(struct rpc_call *call, uint64_t ms)
{
    unsigned long long seconds = ms / 1000, hours = seconds / 3600, minutes = seconds / 60 % 60;
    char text[64];
    if (hours)
        snprintf(text, sizeof(text), "%lluh%llum%llus", hours, minutes, seconds % 60);
    else if (minutes)
        snprintf(text, sizeof(text), "%llum%llus", minutes, seconds % 60);
    else
        snprintf(text, sizeof(text), "%llus", seconds);
    return rpc_fail(call, RPC_CODE_ERROR, "execution aborted (timeout = %s)", text);
}

int rpc_call_once(struct rpc_simulation *s)
{
    uint64_t gas = rpc_simulation_gas(s);
    s->timeout_ms = s->call->backend->call_timeout_ms;
    int status = rpc_simulation_run(s, gas);
    if (status == ERR_TIMEOUT)
        return fail_timeout(s->call, s->timeout_ms);
    if (status)
        return status;
    return s->result.verdict == EXEC_VALID ? 0 : refuse(s, gas);
}

static int quick_call(struct rpc_call *call)
{
    if (call->args[2].override.count)
        return RPC_LATER;
    return rpc_head_call(call, call->args[0].transaction, &call->args[1].block);
}

static int eth_call(struct rpc_call *call)
{
    struct rpc_simulation s;
    int status = rpc_simulation_begin(&s, call, call->args[0].transaction, &call->args[1].block);
    if (status)
        return status;
    s.overrides = call->args[2].override.list;
    s.override_count = call->args[2].override.count;
    status = rpc_call_once(&s);
    if (status == 0)
        status = rpc_call_result(&s);
    rpc_simulation_end(&s);
    return status;
}

/* --- eth_estimateGas --- */

/* Gas from which no limit can be too high: the block's, less what the sender cannot pay. */
static int highest(struct rpc_simulation *s, uint64_t *ret_gas)
{
    const struct rpc_transaction *args = s->args;
    uint64_t gas = args->has_gas && args->gas >= PLAIN_GAS ? args->gas : s->header.gas_limit;
    if (!u256_is_zero(&s->tx.max_fee)) { /* gasPrice, where that is given */
        struct state_account account;
        struct u256 left, fundable, rest;
        bool exists;
        int status = state_reader_account(&s->state, &account, &exists, &args->from);
        if (status)
            return status;
        if (args->has_value && !u256_less(&args->value, &account.balance))
            return rpc_fail(s->call, RPC_CODE_ERROR, "insufficient funds for transfer");
        u256_sub(&left, &account.balance, &args->value);
        u256_divmod(&fundable, &rest, &left, &s->tx.max_fee);
        if (u256_is_u64(&fundable) && gas > fundable.w[0])
            gas = fundable.w[0];
    }
    if (s->gas_cap && gas > s->gas_cap)
        gas = s->gas_cap;
    *ret_gas = gas;
    return 0;
}

/* Whether so much gas is enough; one that does not even begin for lack of gas is not. */
static int is_enough(struct rpc_simulation *s, uint64_t gas, bool *ret_enough)
{
    int status = rpc_simulation_run(s, gas);
    if (status)
        return status;
    *ret_enough = s->result.verdict == EXEC_VALID && s->result.status == EVM_SUCCESS;
    if (s->result.verdict != EXEC_VALID && s->result.verdict != EXEC_INTRINSIC_GAS)
        return refuse(s, gas);
    return 0;
}

/* What a private transaction with the same call would pay more for its data: added when the value is said to be 0. */
static uint64_t private_surplus(const struct rpc_simulation *s)
{
    uint8_t data[PRIVATE_DATA];
    struct eth_transaction tx = s->tx;
    memset(data, 0x11, sizeof(data));
    uint64_t public = eth_transaction_intrinsic_gas(&tx, s->environment.block.fork).gas;
    tx.data = bytes_of(data, sizeof(data));
    uint64_t private = eth_transaction_intrinsic_gas(&tx, s->environment.block.fork).gas;
    return s->args->has_value && u256_is_zero(&s->args->value) && private > public
               ? private - public
               : 0;
}

static int search(struct rpc_simulation *s, uint64_t *ret_gas)
{
    uint64_t low = PLAIN_GAS - 1, high = 0, cap;
    bool enough;
    int status = highest(s, &high);
    cap = high;
    while (status == 0 && low + 1 < high) {
        uint64_t middle = low + (high - low) / 2;
        status = is_enough(s, middle, &enough);
        if (status == 0 && enough)
            high = middle;
        else
            low = middle;
    }
    if (status == 0 && high == cap) {
        status = is_enough(s, high, &enough);
        if (status == 0 && !enough && s->result.verdict == EXEC_VALID &&
            s->result.status != EVM_OUT_OF_GAS)
            return rpc_call_failed(s);
        if (status == 0 && !enough)
            return rpc_fail(s->call, RPC_CODE_ERROR, "gas required exceeds allowance (%llu)",
                            (unsigned long long)cap);
    }
    if (status == 0)
        *ret_gas = high + private_surplus(s);
    return status;
}

int rpc_estimate_gas(struct rpc_call *call, uint64_t *ret_gas, const struct rpc_transaction *args,
                     const struct rpc_block_id *block)
{
    struct rpc_simulation s;
    int status = rpc_simulation_begin(&s, call, args, block);
    /* Without a limit the reference looks for the block's first. */
    if (status == RPC_FAILED && !(args->has_gas && args->gas >= PLAIN_GAS) &&
        bytes_equal(call->text, bytes_str("header not found")))
        return rpc_fail(call, RPC_CODE_ERROR, "block not found");
    if (status)
        return status;
    status = search(&s, ret_gas);
    rpc_simulation_end(&s);
    return status;
}

static int estimate(struct rpc_call *call)
{
    static const struct rpc_block_id latest = {.kind = RPC_AT_LATEST};
    uint64_t gas;
    int status = rpc_estimate_gas(call, &gas, call->args[0].transaction,
                                  call->args[1].given ? &call->args[1].block : &latest);
    if (status == 0)
        rpc_write_number(call->out, gas);
    return status;
}

#define CALL {"call", RPC_CALL}

static const struct rpc_method methods[] = {
    {"eth_call",
     {CALL, {"block", RPC_BLOCK_OR_HASH}, {"overrides", RPC_OVERRIDE, true}},
     .quick = quick_call,
     .work = eth_call,
     .reads = true,
     .anywhere = true,
     .result = "bytes, hex"},
    {"eth_estimateGas",
     {CALL, {"block", RPC_BLOCK_OR_HASH, true}},
     .work = estimate,
     .reads = true,
     .result = "gas, hex"},
};

const struct rpc_method_list rpc_methods_call = {methods, BASE_COUNT(methods)};
