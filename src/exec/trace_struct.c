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

static void append_stack(struct buf *b, const struct evm_step *step)
{
    buf_append_byte(b, '[');
    for (size_t i = 0; i < step->stack_size; i++) {
        if (i)
            buf_append_byte(b, ',');
        append_word(b, &step->stack[i]);
    }
    buf_append_byte(b, ']');
}

static void append_data(struct buf *b, const char *name, struct bytes data)
{
    buf_append_format(b, ",\"%s\":\"0x", name);
    append_hex(b, data);
    buf_append_byte(b, '"');
}

static void append_error(struct buf *b, enum evm_status status)
{
    buf_append_format(b, ",\"error\":\"%s\"", evm_status_text(status));
}

static int write_line(struct exec_trace *trace)
{
    buf_append_text(&trace->line, "}\n");
    if (buf_status(&trace->line))
        return buf_status(&trace->line);
    return trace->write(trace->write_context, buf_bytes(&trace->line));
}

static int on_step(void *context, const struct evm_step *step)
{
    struct exec_trace *trace = context;
    struct buf *b = &trace->line;
    buf_clear(b);
    buf_append_format(b, "{\"pc\":%llu,\"op\":%u,\"gas\":\"0x%llx\",\"gasCost\":\"0x%llx\"",
                      (unsigned long long)step->pc, step->op, (unsigned long long)step->gas,
                      (unsigned long long)step->gas_cost);
    if (trace->options.memory && step->memory.len)
        append_data(b, "memory", step->memory);
    buf_append_format(b, ",\"memSize\":%zu,\"stack\":", step->memory.len);
    if (trace->options.no_stack)
        buf_append_text(b, "null");
    else
        append_stack(b, step);
    if (trace->options.return_data && step->return_data.len)
        append_data(b, "returnData", step->return_data);
    buf_append_format(b, ",\"depth\":%u,\"refund\":%lld,\"opName\":\"%s\"", step->depth,
                      (long long)step->refund, evm_opcode_name(step->op));
    if (step->status != EVM_SUCCESS)
        append_error(b, step->status);
    return write_line(trace);
}

static int on_leave(void *context, const struct evm_message *message,
                    const struct evm_result *result)
{
    struct exec_trace *trace = context;
    struct buf *b = &trace->line;
    if (message->depth != 0)
        return 0;
    buf_clear(b);
    buf_append_text(b, "{\"output\":\"");
    append_hex(b, result->output);
    buf_append_format(b, "\",\"gasUsed\":\"0x%llx\"",
                      (unsigned long long)(message->gas - result->gas_left));
    if (result->status != EVM_SUCCESS)
        append_error(b, result->status);
    return write_line(trace);
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
}

void exec_trace_release(struct exec_trace *trace)
{
    buf_release(&trace->line);
}
