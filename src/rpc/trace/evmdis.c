/* evmdisTracer: what each instruction left on the stack, call within call. */
#include "rpc/trace/trace.h"

#include "evm/opcodes.h"
#include "rpc/json/encode.h"
#include "rpc/json/json.h"

#include <stdio.h>

struct op {
    uint8_t op;
    bool is_call, named, has_value, has_pc, has_return;
    uint32_t depth;
    uint64_t pc;
    struct u256 *pushed;
    size_t pushed_count;
    struct u256 gas, to, value;
    struct bytes input, returned;
    char *error;
    struct op *ops, *last_op, *parent, *next;
};

struct evmdis {
    struct op *outermost, *frame;
    uint32_t depth; /* frames */
};

/* Words that the reference's table has an instruction push; 0 for those it does not know. */
static size_t pushes(uint8_t op)
{
    if (op >= EVM_OP_DUP1 && op <= EVM_OP_DUP16)
        return (size_t)(op - EVM_OP_DUP1) + 2;
    if (op >= EVM_OP_SWAP1 && op <= EVM_OP_SWAP16)
        return (size_t)(op - EVM_OP_SWAP1) + 2;
    if (op >= EVM_OP_PUSH1 && op <= EVM_OP_PUSH32)
        return 1;
    bool one = (op >= 1 && op <= 11) || (op >= 16 && op <= 26) || op == EVM_OP_KECCAK256 ||
               (op >= 48 && op <= 54) || op == 56 || op == 58 || op == 59 ||
               (op >= 64 && op <= 69) || op == EVM_OP_MLOAD || op == EVM_OP_SLOAD ||
               (op >= 88 && op <= 90) || (op >= EVM_OP_CREATE && op <= EVM_OP_CALLCODE);
    return one;
}

static int begin(struct rpc_trace *t)
{
    struct evmdis *e = t->state;
    e->outermost = e->frame = arena_alloc_zeroed(&t->arena, 1, sizeof(struct op));
    e->depth = 1;
    return e->outermost ? 0 : ERR_NOMEM;
}

static int note_pushed(struct rpc_trace *t, struct op *op, const struct rpc_trace_step *step)
{
    size_t count = pushes(op->op);
    if (op->is_call && op->named)
        count = 0; /* the reference looks those up by name, and finds nothing */
    struct u256 *words = arena_alloc(&t->arena, (op->pushed_count + count + 1) * sizeof(*words));
    if (!words)
        return ERR_NOMEM;
    for (size_t i = 0; i < op->pushed_count; i++)
        words[i] = op->pushed[i];
    for (size_t i = 0; i < count; i++)
        words[op->pushed_count + i] = rpc_trace_peek(step, i);
    op->pushed = words;
    op->pushed_count += count;
    return 0;
}

static int begin_call(struct rpc_trace *t, struct op *op, const struct rpc_trace_step *step)
{
    bool valued = step->op == EVM_OP_CALL || step->op == EVM_OP_CALLCODE;
    struct u256 offset = rpc_trace_peek(step, valued ? 3 : 2);
    struct u256 size = rpc_trace_peek(step, valued ? 4 : 3);
    op->is_call = true;
    op->named = !valued;
    op->has_value = valued;
    op->gas = rpc_trace_peek(step, 0);
    op->to = rpc_trace_peek(step, 1);
    op->value = rpc_trace_peek(step, 2);
    return rpc_trace_memory(t, &op->input, step, &offset, &size);
}

static int describe(struct rpc_trace *t, struct op *op, struct op *frame,
                    const struct rpc_trace_step *step)
{
    struct u256 offset = rpc_trace_peek(step, 0), size = rpc_trace_peek(step, 1);
    switch (step->op) {
    case EVM_OP_CALL:
    case EVM_OP_CALLCODE:
    case EVM_OP_DELEGATECALL:
    case EVM_OP_STATICCALL:
        return begin_call(t, op, step);
    case EVM_OP_RETURN:
        frame->has_return = true;
        return rpc_trace_memory(t, &frame->returned, step, &offset, &size);
    case EVM_OP_STOP:
        frame->has_return = true;
        frame->returned = bytes_of("", 0);
        return 0;
    case EVM_OP_JUMPDEST:
        op->has_pc = true;
        op->pc = step->pc;
        return 0;
    default:
        return 0;
    }
}

static int on_step(struct rpc_trace *t, const struct rpc_trace_step *step)
{
    struct evmdis *e = t->state;
    struct op *frame = e->frame;
    if (step->error) {
        struct bytes copy = arena_copy(&t->arena, bytes_of(step->error, strlen(step->error) + 1));
        frame->error = (char *)copy.data;
        return copy.data ? 0 : ERR_NOMEM;
    }
    if (step->depth != e->depth) {
        for (; e->depth > step->depth && e->frame->parent; e->depth--)
            e->frame = e->frame->parent;
        return 0;
    }
    struct op *op = arena_alloc_zeroed(&t->arena, 1, sizeof(*op));
    if (!op)
        return ERR_NOMEM;
    op->op = step->op;
    op->depth = step->depth;
    int status = frame->last_op ? note_pushed(t, frame->last_op, step) : 0;
    if (status == 0)
        status = describe(t, op, frame, step);
    if (status)
        return status;
    if (frame->last_op)
        frame->last_op->next = op;
    else
        frame->ops = op;
    frame->last_op = op;
    if (op->is_call) {
        op->parent = frame;
        e->frame = op;
        e->depth++;
    }
    return 0;
}

/* --- The answer --- */

/* Bytes as the reference's JavaScript engine prints a buffer: an object with a number for each. */
static void write_buffer(struct buf *b, const char *key, struct bytes data)
{
    rpc_key(b, key);
    buf_append_byte(b, '{');
    for (size_t i = 0; i < data.len; i++)
        buf_append_format(b, "%s\"%zu\":%u", i ? "," : "", i, data.data[i]);
    buf_append_byte(b, '}');
}

static void write_hex(struct buf *b, const struct u256 *word)
{
    char text[67];
    hex_format_u256(text, word);
    buf_append_format(b, "\"%s\"", text + 2);
}

static void write_ops(struct buf *b, const struct op *frame);

static void write_call(struct buf *b, const struct op *op)
{
    rpc_key(b, "gas");
    rpc_write_decimal(b, &op->gas);
    rpc_key(b, "to");
    write_hex(b, &op->to);
    if (op->has_value) {
        rpc_key(b, "value");
        buf_append_byte(b, '"');
        rpc_write_decimal(b, &op->value);
        buf_append_byte(b, '"');
    }
    write_buffer(b, "input", op->input);
    rpc_key(b, "error");
    if (op->error)
        rpc_json_write_string(b, bytes_str(op->error));
    else
        rpc_write_null(b);
    if (op->has_return) {
        write_buffer(b, "return", op->returned);
    } else {
        rpc_key(b, "return");
        rpc_write_null(b);
    }
    rpc_key(b, "ops");
    write_ops(b, op);
}

static void write_op(struct buf *b, const struct op *op)
{
    buf_append_byte(b, '{');
    rpc_key(b, "op");
    if (op->named)
        buf_append_format(b, "\"%s\"", evm_opcode_name(op->op));
    else
        buf_append_format(b, "%u", op->op);
    rpc_key(b, "depth");
    buf_append_format(b, "%u", op->depth);
    rpc_key(b, "result");
    buf_append_byte(b, '[');
    for (size_t i = 0; i < op->pushed_count; i++) {
        rpc_item(b);
        write_hex(b, &op->pushed[i]);
    }
    buf_append_byte(b, ']');
    if (op->is_call)
        write_call(b, op);
    if (op->has_pc) {
        rpc_key(b, "pc");
        buf_append_format(b, "%llu", (unsigned long long)op->pc);
    }
    if (op->op >= EVM_OP_PUSH1 && op->op <= EVM_OP_PUSH32) {
        rpc_key(b, "len");
        buf_append_format(b, "%d", op->op - 0x5e);
    }
    buf_append_byte(b, '}');
}

/* As deep as the machine's frames at most. */
static void write_ops(struct buf *b, const struct op *frame)
{
    buf_append_byte(b, '[');
    for (const struct op *op = frame->ops; op; op = op->next) {
        rpc_item(b);
        write_op(b, op);
    }
    buf_append_byte(b, ']');
}

static int result(struct rpc_trace *t, struct buf *b)
{
    const struct evmdis *e = t->state;
    write_ops(b, e->outermost);
    return buf_status(b);
}

const struct rpc_tracer rpc_tracer_evmdis = {
    .name = "evmdisTracer",
    .size = sizeof(struct evmdis),
    .begin = begin,
    .step = on_step,
    .result = result,
};
