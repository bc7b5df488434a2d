#include "rpc/trace/run.h"

#include "base/clock.h"
#include "exec/system.h"
#include "privacy/privacy.h"
#include "rpc/access/psi.h"

#include <stdio.h>

enum {
    REEXEC =
        128, /* blocks that the reference would run again for a state that is gone (eth/tracers/api.go) */
};

/* --- What was asked for --- */

/* Go's time.ParseDuration, to milliseconds; 0 for less than one. False, and its complaint in `ret_fault`. */
static bool read_duration(uint64_t *ret_ms, struct bytes text, char *ret_fault, size_t room)
{
    static const struct {
        const char *name;
        double ms;
    } units[] = {{"ns", 1e-6}, {"us", 1e-3}, {"µs", 1e-3},  {"ms", 1},
                 {"s", 1000},  {"m", 60000}, {"h", 3600000}};
    int shown = (int)(text.len < 64 ? text.len : 64);
    const char *whole = (const char *)text.data;
    double total = 0;
    size_t at = text.len && (text.data[0] == '+' || text.data[0] == '-');
    bool minus = at && text.data[0] == '-';
    if (text.len - at == 1 && text.data[at] == '0') {
        *ret_ms = 0;
        return true;
    }
    snprintf(ret_fault, room, "time: invalid duration \"%.*s\"", shown, whole);
    if (at == text.len)
        return false;
    while (at < text.len) {
        double value = 0, place = 1;
        size_t digits = 0, unit = 0, end;
        for (; at < text.len && (unsigned)(text.data[at] - '0') < 10; at++, digits++)
            value = value * 10 + (text.data[at] - '0');
        if (at < text.len && text.data[at] == '.')
            for (at++; at < text.len && (unsigned)(text.data[at] - '0') < 10; at++, digits++)
                value += (text.data[at] - '0') * (place /= 10);
        for (end = at;
             end < text.len && text.data[end] != '.' && (unsigned)(text.data[end] - '0') >= 10;)
            end++;
        struct bytes name = bytes_slice(text, at, end - at);
        while (unit < BASE_COUNT(units) && !bytes_equal(name, bytes_str(units[unit].name)))
            unit++;
        if (digits == 0)
            return false;
        if (name.len == 0)
            snprintf(ret_fault, room, "time: missing unit in duration \"%.*s\"", shown, whole);
        else if (unit == BASE_COUNT(units))
            snprintf(ret_fault, room, "time: unknown unit \"%.*s\" in duration \"%.*s\"",
                     (int)(name.len < 64 ? name.len : 64), (const char *)name.data, shown, whole);
        if (unit == BASE_COUNT(units))
            return false;
        total += value * units[unit].ms;
        at = end;
    }
    ret_fault[0] = '\0';
    *ret_ms = minus ? 0 : total > RPC_TRACE_MS_MAX ? RPC_TRACE_MS_MAX : (uint64_t)total;
    return true;
}

void rpc_trace_options_read(const struct rpc_call *call, struct rpc_trace_options *ret_options,
                            const struct rpc_trace_config *config)
{
    static const struct rpc_trace_config none;
    if (!config)
        config = &none;
    *ret_options = (struct rpc_trace_options){
        .no_memory = config->no_memory,
        .no_stack = config->no_stack,
        .no_storage = config->no_storage,
        .no_return_data = config->no_return_data,
        .debug = config->debug,
        .limit = config->limit > 0 ? (uint64_t)config->limit : 0,
        .tracer = &rpc_tracer_struct,
        .milliseconds = config->has_tracer ? RPC_TRACE_MS : RPC_TRACE_MS_MAX,
        .reexec = config->has_reexec ? config->reexec : REEXEC,
    };
    if (!config->has_tracer)
        return;
    if (config->has_timeout && !read_duration(&ret_options->milliseconds, config->timeout,
                                              ret_options->fault, sizeof(ret_options->fault)))
        return;
    ret_options->tracer = config->tracer.len ? rpc_tracer_find(config->tracer) : NULL;
    if (ret_options->tracer)
        return;
    ret_options->tracer = &rpc_tracer_js;
    ret_options->code = config->tracer;
    ret_options->program = call->backend->tracer_program;
    if (!ret_options->program)
        snprintf(ret_options->fault, sizeof(ret_options->fault),
                 "tracers in JavaScript are not run here, only the built-in ones by their names");
}

/* --- A run --- */

int rpc_trace_run_open(struct rpc_trace_run *run, struct rpc_call *call)
{
    run->call = call;
    run->block = NULL;
    run->no_payload = false;
    run->machine = call->machine;
    run->deadline = base_now_ms() + RPC_TRACE_MS_MAX;
    return rpc_reader_open(call, &run->reader);
}

void rpc_trace_run_close(struct rpc_trace_run *run)
{
    chain_block_unref(run->block);
    chain_reader_close(&run->reader);
}

int rpc_trace_run_number(struct rpc_trace_run *run, uint64_t number)
{
    struct hash256 hash;
    struct chain_block *block = NULL;
    int status = chain_reader_hash(&run->reader, &hash, number);
    if (status == 0)
        block = rpc_kept_find(rpc_kept_of(run->call->rpc), &hash);
    if (status == 0 && !block)
        status = chain_reader_block(&run->reader, &block, number);
    if (status)
        return rpc_reader_fail(run->call, &run->reader, status);
    return rpc_trace_run_block(run, block);
}

int rpc_trace_run_block(struct rpc_trace_run *run, struct chain_block *block)
{
    const struct eth_header *header = &block->header;
    struct eth_rules rules = rpc_rules_at(run->call, header->number, header->timestamp);
    enum eth_tx_status signature;
    size_t index;
    run->block = block;
    if (header->number == 0)
        return rpc_fail(run->call, RPC_CODE_ERROR, "genesis is not traceable");
    int status = chain_block_recover(block, &signature, &index, &rules, NULL);
    if (status)
        return rpc_reader_fail(run->call, &run->reader, status);
    if (signature != ETH_TX_OK)
        return rpc_fail(run->call, RPC_CODE_ERROR, "transaction %zu: %s", index,
                        eth_tx_status_text(signature));
    return 0;
}

/* The parent must be of the chain. */
static int check_parent(struct rpc_trace_run *run)
{
    const struct eth_header *header = &run->block->header;
    struct hash256 hash;
    char text[65] = {0};
    int status = chain_reader_hash(&run->reader, &hash, header->number - 1);
    if (status == ERR_NOTFOUND)
        return rpc_fail(run->call, RPC_CODE_ERROR, "block #%llu not found",
                        (unsigned long long)(header->number - 1));
    if (status)
        return rpc_reader_fail(run->call, &run->reader, status);
    if (hash256_equal(&hash, &header->parent_hash))
        return 0;
    hex_encode(text, bytes_of(header->parent_hash.b, 32));
    return rpc_fail(run->call, RPC_CODE_ERROR, "block 0x%s not found", text);
}

/* The manager is asked as by any call: a trace does not wait until it is back. */
static int receive(void *context, struct chain_payload *ret_payload,
                   const struct chain_payload_hash *hash, struct arena *arena)
{
    struct rpc_trace_run *run = context;
    struct err_detail detail = {""};
    int status =
        privacy_receive(run->call->backend->privacy, ret_payload, hash, false, arena, &detail);
    if (status != PRIVACY_FAILED)
        return status;
    run->no_payload = true;
    rpc_fail(run->call, RPC_CODE_ERROR, "%s", detail.text);
    return ERR_BUSY;
}

/* The private state behind the parent, where this node is party to transactions. */
static int begin_private(struct rpc_trace_run *run)
{
    int status = rpc_psi(run->call);
    if (status || !run->call->backend->privacy)
        return status;
    run->payloads = (struct chain_payloads){.context = run, .receive = receive};
    run->no_payload = false;
    return chain_private_begin_again(&run->machine->private, &run->environment, &run->reader,
                                     run->machine->view, run->call->group,
                                     run->block->header.number - 1, &run->payloads);
}

static int begin_block(struct rpc_trace_run *run, uint64_t reexec)
{
    const struct eth_header *header = &run->block->header;
    int status = check_parent(run);
    if (status)
        return status;
    status = chain_reader_state(&run->reader, &run->state, header->number - 1);
    if (status == ERR_NOTFOUND)
        return rpc_fail(run->call, RPC_CODE_ERROR,
                        "required historical state unavailable (reexec=%llu)",
                        (unsigned long long)reexec);
    if (status == 0)
        status = chain_environment_init_known(&run->environment, &run->reader, header,
                                              &run->block->hash);
    if (status == 0)
        status = rpc_machine_begin(run->machine, &run->state);
    if (status == 0)
        status = begin_private(run);
    if (status)
        return rpc_reader_fail(run->call, &run->reader, status);
    struct exec *exec = run->machine->exec;
    exec_begin_block(exec, &run->environment.block, run->machine->view, &run->environment.hooks);
    if (run->environment.block.fork >= FORK_PRAGUE)
        status = exec_store_parent_hash(exec, &header->parent_hash);
    return status ? rpc_reader_fail(run->call, &run->reader, status) : 0;
}

int rpc_trace_run_until(struct rpc_trace_run *run, size_t count, uint64_t reexec)
{
    int status = begin_block(run, reexec);
    const struct eth_body *body = &run->block->body->body;
    for (size_t i = 0; i < count && status == 0; i++) {
        const struct eth_transaction *tx = &body->transactions[i];
        struct exec_result result;
        struct err_detail why = {{0}};
        if (base_now_ms() > run->deadline)
            return rpc_fail(run->call, RPC_CODE_ERROR, "execution timeout");
        status = exec_transaction(run->machine->exec, &result, &why, tx, &tx->sender, 0);
        if (status)
            return run->no_payload ? RPC_FAILED : rpc_reader_fail(run->call, &run->reader, status);
        if (result.verdict != EXEC_VALID) {
            char hash[65] = {0};
            hex_encode(hash, bytes_of(run->block->body->hashes[i].b, 32));
            return rpc_fail(run->call, RPC_CODE_ERROR, "transaction 0x%s failed: %s", hash,
                            why.text[0] ? why.text : exec_verdict_text(result.verdict));
        }
    }
    return status;
}

/* --- One transaction --- */

void rpc_trace_describe(struct rpc_trace *t, const struct eth_transaction *tx,
                        const struct address *sender)
{
    struct rpc_trace_outcome *o = &t->outcome;
    o->from = *sender;
    o->to = tx->to;
    o->is_creation = tx->is_creation;
    o->input = tx->data;
    o->value = tx->value;
    o->gas_limit = tx->gas_limit;
    o->intrinsic_gas = rpc_trace_intrinsic_gas(t, tx->is_creation, tx->data);
}

void rpc_trace_settle(struct rpc_trace *t, const struct eth_transaction *tx,
                      const struct exec_result *result)
{
    struct rpc_trace_outcome *o = &t->outcome;
    bool hidden = eth_transaction_is_private(tx);
    o->gas_price = result->gas_price;
    o->transaction_gas = hidden ? 0 : result->gas_used;
    if (hidden && result->has_other_receipt && !o->failed && !result->other_receipt.success) {
        o->failed = true;
        o->error = "verification of contract interaction differs from the one returned by Tessera";
    }
    if (!o->started && tx->is_creation)
        o->to = result->contract;
}

int rpc_trace_fail(struct rpc_call *call, const struct rpc_trace *t,
                   const struct chain_reader *reader, int status)
{
    const char *stopped = rpc_trace_stopped(t);
    if (!stopped)
        return rpc_reader_fail(call, reader, status);
    return rpc_fail(call, t->too_large ? RPC_CODE_TOO_LARGE : RPC_CODE_ERROR, "%s%s", stopped,
                    t->too_large ? ": an answer has 64 MB at most; leave out memory, stack or "
                                   "storage, or set a limit"
                                 : "");
}

int rpc_trace_run_one(struct rpc_trace_run *run, size_t index,
                      const struct rpc_trace_options *options, struct buf *out)
{
    const struct eth_transaction *tx = &run->block->body->body.transactions[index];
    struct rpc_trace_options limited = *options;
    struct rpc_trace *t = &run->trace;
    struct evm *machine = exec_machine(run->machine->exec);
    struct exec_result result;
    struct err_detail why = {{0}};
    uint64_t now = base_now_ms(), left = run->deadline > now ? run->deadline - now : 0;
    if (options->fault[0])
        return rpc_fail(run->call, RPC_CODE_ERROR, "%s", options->fault);
    if (limited.milliseconds > left)
        limited.milliseconds = left;
    int status = rpc_trace_begin(t, &limited, run->machine->view, run->environment.block.fork);
    if (status == 0) {
        t->private = run->call->backend->privacy ? &run->machine->private : NULL;
        rpc_trace_describe(t, tx, &tx->sender);
        t->outcome.block = run->block->header.number;
        evm_set_tracer(machine, &t->events);
        run->machine->private.tracer = &t->inside;
        status = exec_transaction(run->machine->exec, &result, &why, tx, &tx->sender, 0);
        run->machine->private.tracer = NULL;
        evm_set_tracer(machine, NULL);
    }
    if (status == 0 && result.verdict == EXEC_VALID) {
        rpc_trace_settle(t, tx, &result);
        status = t->tracer->result(t, out);
    } else if (status == 0) {
        status = rpc_fail(run->call, RPC_CODE_ERROR, "tracing failed: %s",
                          why.text[0] ? why.text : exec_verdict_text(result.verdict));
    }
    if (status < 0)
        status = run->no_payload ? RPC_FAILED : rpc_trace_fail(run->call, t, &run->reader, status);
    rpc_trace_release(t);
    return status;
}
