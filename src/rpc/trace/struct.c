/* The log of every instruction (geth's StructLogger). */
#include "base/hex.h"
#include "base/map.h"
#include "evm/opcodes.h"
#include "rpc/json/encode.h"
#include "rpc/trace/trace.h"

struct slot_key {
    struct address account;
    uint8_t slot[32];
};

struct log {
    struct buf lines;
    uint64_t count;
    struct map
        slots; /* slot_key -> its last known value, in the order in which they were touched */
};

static int begin(struct rpc_trace *t)
{
    struct log *log = t->state;
    buf_init(&log->lines);
    map_init(&log->slots, sizeof(struct slot_key), sizeof(struct u256));
    return 0;
}

static void release(struct rpc_trace *t)
{
    struct log *log = t->state;
    buf_release(&log->lines);
    map_release(&log->slots);
}

static void append_digits(struct buf *b, struct bytes data)
{
    uint8_t *at = buf_extend(b, 2 * data.len);
    if (at)
        hex_encode((char *)at, data);
}

static void append_text(struct buf *b, const uint8_t data[32])
{
    buf_append_byte(b, '"');
    append_digits(b, bytes_of(data, 32));
    buf_append_byte(b, '"');
}

static void append_word(struct buf *b, const struct u256 *word)
{
    uint8_t be[32];
    u256_store(be, word);
    append_text(b, be);
}

static void write_stack(struct buf *b, const struct rpc_trace_step *step)
{
    rpc_key(b, "stack");
    buf_append_byte(b, '[');
    for (size_t i = 0; i < step->stack_size; i++) {
        rpc_item(b);
        append_word(b, &step->stack[i]);
    }
    buf_append_byte(b, ']');
}

static void write_memory(struct buf *b, const struct rpc_trace_step *step)
{
    static const uint8_t zeros[32];
    rpc_key(b, "memory");
    buf_append_byte(b, '[');
    for (size_t i = 0; i < step->memory_size; i += 32) {
        rpc_item(b);
        append_text(b, i < step->memory.len ? step->memory.data + i : zeros);
    }
    buf_append_byte(b, ']');
}

/* Notes what the instruction reads or writes. */
static int note_storage(struct rpc_trace *t, const struct rpc_trace_step *step)
{
    struct log *log = t->state;
    struct slot_key key = {.account = step->message->recipient};
    struct u256 value;
    bool load = step->op == EVM_OP_SLOAD && step->stack_size >= 1;
    bool store = step->op == EVM_OP_SSTORE && step->stack_size >= 2;
    if (!load && !store)
        return 0;
    struct u256 slot = rpc_trace_peek(step, 0);
    u256_store(key.slot, &slot);
    if (load) {
        struct state_view *view;
        int status = rpc_trace_view(t, &view, &key.account);
        if (status == 0)
            status = state_view_load(view, &value, NULL, &key.account, &slot);
        if (status)
            return status;
    } else {
        value = rpc_trace_peek(step, 1);
    }
    struct u256 *kept = map_put(&log->slots, &key, NULL);
    if (!kept)
        return ERR_NOMEM;
    *kept = value;
    return 0;
}

static void write_storage(struct buf *b, const struct log *log, const struct address *account)
{
    rpc_key(b, "storage");
    buf_append_byte(b, '{');
    for (size_t i = 0; i < map_count(&log->slots); i++) {
        const struct slot_key *key = map_key_at(&log->slots, i);
        if (!address_equal(&key->account, account))
            continue;
        rpc_item(b);
        append_text(b, key->slot);
        buf_append_byte(b, ':');
        append_word(b, map_value_at(&log->slots, i));
    }
    buf_append_byte(b, '}');
}

static int step(struct rpc_trace *t, const struct rpc_trace_step *step)
{
    struct log *log = t->state;
    struct buf *b = &log->lines;
    char unknown[32];
    if (t->options.limit && log->count >= t->options.limit)
        return 0;
    int status = t->options.no_storage ? 0 : note_storage(t, step);
    if (status)
        return status;
    if (log->count++)
        buf_append_byte(b, ',');
    buf_append_format(b, "{\"pc\":%llu,\"op\":\"%s\",\"gas\":%llu,\"gasCost\":%llu,\"depth\":%u%s",
                      (unsigned long long)step->pc, rpc_trace_op_name(unknown, t, step->op),
                      (unsigned long long)step->gas, (unsigned long long)step->cost, step->depth,
                      step->error ? ",\"error\":{}" : "");
    if (!t->options.no_stack)
        write_stack(b, step);
    if (!t->options.no_memory)
        write_memory(b, step);
    if (!t->options.no_storage)
        write_storage(b, log, &step->message->recipient);
    buf_append_byte(b, '}');
    if (b->len > RPC_TRACE_SIZE_MAX)
        return ERR_LIMIT;
    return buf_status(b);
}

static int result(struct rpc_trace *t, struct buf *b)
{
    struct log *log = t->state;
    const struct rpc_trace_outcome *o = &t->outcome;
    buf_append_format(b, "{\"gas\":%llu,\"failed\":%s,\"returnValue\":\"",
                      (unsigned long long)o->transaction_gas, o->failed ? "true" : "false");
    if (!o->failed || strcmp(o->error, "execution reverted") == 0)
        append_digits(b, o->output);
    buf_append_text(b, "\",\"structLogs\":[");
    buf_append_bytes(b, buf_bytes(&log->lines));
    buf_append_text(b, "]}");
    return buf_status(b);
}

const struct rpc_tracer rpc_tracer_struct = {
    .name = "",
    .size = sizeof(struct log),
    .begin = begin,
    .step = step,
    .result = result,
    .release = release,
};
