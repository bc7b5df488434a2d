#include "exec/trace_struct.h"

#include "base/hex.h"
#include "evm/opcodes.h"

static void append_word(struct buf *b, const struct u256 *word)
{
    char text[67];
    hex_format_u256(text, word);
    buf_append_byte(b, '"');
    buf_append_text(b, text);
    buf_append_byte(b, '"');
}

static void append_hex(struct buf *b, struct bytes data)
{
    uint8_t *at = buf_extend(b, 2 * data.len);
    if (at)
        hex_encode((char *)at, data);
}

static void append_stack(struct buf *b, const struct u256 *stack, size_t size)
{
    buf_append_byte(b, '[');
    for (size_t i = 0; i < size; i++) {
        if (i)
            buf_append_byte(b, ',');
        append_word(b, &stack[i]);
    }
    buf_append_byte(b, ']');
}

static void append_data(struct buf *b, const char *name, struct bytes data)
{
    buf_append_format(b, ",\"%s\":\"0x", name);
    append_hex(b, data);
    buf_append_byte(b, '"');
}

/* geth calls 0x44 by its old name in every fork. */
static void append_name(struct buf *b, unsigned char op)
{
    const char *name = evm_opcode_name(op);
    if (op == EVM_OP_PREVRANDAO)
        buf_append_text(b, "DIFFICULTY");
    else if (name)
        buf_append_text(b, name);
    else
        buf_append_format(b, "opcode 0x%x not defined", op);
}

/* The words that an instruction takes from the stack, and that it leaves there. */
struct arity {
    uint8_t taken, left;
};

static struct arity arity_of(unsigned char op)
{
    static const struct arity arities[256] = {
#define X(name, value, taken, left, fork, gas, kind) [value] = {taken, left},
        EVM_OPCODE_LIST(X)
#undef X
    };
    return arities[op];
}

/* Some errors have figures in geth's words; "<=>" is escaped as its JSON is. */
static void append_error(struct buf *b, const struct exec_trace *trace, enum evm_status status)
{
    struct arity arity = arity_of(trace->last.op);
    buf_append_format(b, ",\"error\":\"%s", evm_status_text(status));
    if (status == EVM_UNDEFINED_INSTRUCTION) {
        buf_append_text(b, ": ");
        append_name(b, trace->last.op);
    } else if (status == EVM_STACK_UNDERFLOW) {
        buf_append_format(b, " (%zu \\u003c=\\u003e %d)", trace->last.stack_size, arity.taken);
    } else if (status == EVM_STACK_OVERFLOW) {
        buf_append_format(b, " (%d)", EVM_STACK_MAX + arity.taken - arity.left);
    }
    buf_append_byte(b, '"');
}

static int write_line(struct exec_trace *trace)
{
    buf_append_text(&trace->line, "}\n");
    if (buf_status(&trace->line))
        return buf_status(&trace->line);
    return trace->write(trace->write_context, buf_bytes(&trace->line));
}

static int write_step(struct exec_trace *trace, const struct evm_step *step)
{
    struct buf *b = &trace->line;
    buf_clear(b);
    buf_append_format(b, "{\"pc\":%llu,\"op\":%u,\"gas\":\"0x%llx\",\"gasCost\":\"0x%llx\"",
                      (unsigned long long)step->pc, step->op, (unsigned long long)step->gas,
                      (unsigned long long)step->gas_cost);
    if (trace->options.memory && step->memory.data)
        append_data(b, "memory", step->memory);
    buf_append_format(b, ",\"memSize\":%zu,\"stack\":", step->memory.len);
    if (trace->options.no_stack)
        buf_append_text(b, "null");
    else
        append_stack(b, step->stack, step->stack_size);
    if (trace->options.return_data && step->return_data.len)
        append_data(b, "returnData", step->return_data);
    buf_append_format(b, ",\"depth\":%u,\"refund\":%lld", step->depth, (long long)step->refund);
    buf_append_text(b, ",\"opName\":\"");
    append_name(b, step->op);
    buf_append_byte(b, '"');
    if (step->status != EVM_SUCCESS)
        append_error(b, trace, step->status);
    return write_line(trace);
}

/* Keeps what write_fault may need; spans are gone by then, but for the stack. */
static int keep_step(struct exec_trace *trace, const struct evm_step *step)
{
    trace->last = *step;
    trace->last.memory.data = NULL;
    trace->last.return_data = trace->last.code = bytes_none();
    if (trace->options.no_stack)
        return 0;
    buf_clear(&trace->stack);
    buf_append(&trace->stack, step->stack, step->stack_size * sizeof(*step->stack));
    return buf_status(&trace->stack);
}

/* An undefined instruction counts as begun. */
static int on_step(void *context, const struct evm_step *step)
{
    struct exec_trace *trace = context;
    struct evm_step begun = *step;
    if (begun.status == EVM_UNDEFINED_INSTRUCTION)
        begun.status = EVM_SUCCESS;
    int err = keep_step(trace, &begun);
    return err ? err : write_step(trace, &begun);
}

/* How large the memory is once the instruction has begun. Its operands are paid for, so they are
 * small. */
static size_t memory_in(const struct evm_step *step)
{
    size_t offset, size; /* which operands, the top one being 1 */
    switch (step->op) {
    case EVM_OP_RETURNDATACOPY:
        offset = 1, size = 3;
        break;
    case EVM_OP_CREATE:
    case EVM_OP_CREATE2:
        offset = 2, size = 3;
        break;
    default: /* REVERT, LOG* */
        offset = 1, size = 2;
        break;
    }
    bool reads_memory = step->op >= EVM_OP_LOG0 || step->op == EVM_OP_RETURNDATACOPY;
    if (!reads_memory || step->stack_size < size)
        return step->memory.len;
    const struct u256 *top = step->stack + step->stack_size;
    size_t end =
        top[-(ptrdiff_t)size].w[0] ? top[-(ptrdiff_t)offset].w[0] + top[-(ptrdiff_t)size].w[0] : 0;
    end = (end + 31) / 32 * 32;
    return end > step->memory.len ? end : step->memory.len;
}

/* An instruction that began and then failed, REVERT included, has a second line, with what is left
 * of the stack. */
static int write_fault(struct exec_trace *trace, enum evm_status status)
{
    struct evm_step step = trace->last;
    size_t taken = arity_of(step.op).taken;
    step.status = status;
    step.stack = (const struct u256 *)(const void *)trace->stack.data;
    if (!trace->options.no_stack && step.op != 0xfe)
        step.memory.len = memory_in(&step);
    step.stack_size -= taken < step.stack_size ? taken : step.stack_size;
    return write_step(trace, &step);
}

static bool fails_in_instruction(enum evm_status status)
{
    return status == EVM_REVERT || status == EVM_UNDEFINED_INSTRUCTION ||
           status == EVM_INVALID_INSTRUCTION || status == EVM_BAD_JUMP_DESTINATION ||
           status == EVM_RETURN_DATA_OUT_OF_BOUNDS || status == EVM_WRITE_PROTECTION;
}

static int write_leave(struct exec_trace *trace, struct bytes output, int64_t gas_used,
                       enum evm_status status)
{
    struct buf *b = &trace->line;
    buf_clear(b);
    buf_append_text(b, "{\"output\":\"");
    append_hex(b, output);
    buf_append_format(b, "\",\"gasUsed\":\"0x%llx\"", (unsigned long long)gas_used);
    if (status != EVM_SUCCESS)
        append_error(b, trace, status);
    return write_line(trace);
}

static int on_leave(void *context, const struct evm_message *message,
                    const struct evm_result *result)
{
    struct exec_trace *trace = context;
    bool stepped = trace->last.depth == message->depth + 1 && trace->last.status == EVM_SUCCESS;
    if (stepped && fails_in_instruction(result->status)) {
        int err = write_fault(trace, result->status);
        if (err)
            return err;
    }
    if (stepped && result->status == EVM_SUCCESS && trace->last.op == EVM_OP_SELFDESTRUCT) {
        int err = write_leave(trace, bytes_none(), 0, EVM_SUCCESS); /* its transfer is a message */
        if (err)
            return err;
    }
    trace->last.depth = 0;
    return write_leave(trace, result->output, message->gas - result->gas_left, result->status);
}

void exec_trace_init(struct exec_trace *trace, const struct exec_trace_options *options,
                     int (*write)(void *context, struct bytes line), void *write_context)
{
    *trace = (struct exec_trace){
        .tracer = {.context = trace, .step = on_step, .leave = on_leave},
        .options = *options,
        .write = write,
        .write_context = write_context,
    };
    buf_init(&trace->line);
    buf_init(&trace->stack);
}

void exec_trace_release(struct exec_trace *trace)
{
    buf_release(&trace->line);
    buf_release(&trace->stack);
}
