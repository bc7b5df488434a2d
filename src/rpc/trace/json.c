/* A line of JSON for every instruction: what debug_standardTrace… writes into files (core/vm/logger_json.go). */
#include "rpc/json/json.h"
#include "base/hex.h"
#include "rpc/json/encode.h"
#include "rpc/trace/trace.h"

struct lines {
    struct buf buf;
};

static int begin(struct rpc_trace *t)
{
    struct lines *lines = t->state;
    buf_init(&lines->buf);
    return 0;
}

static void release(struct rpc_trace *t)
{
    struct lines *lines = t->state;
    buf_release(&lines->buf);
}

static void write_memory(struct buf *b, const struct rpc_trace_step *step)
{
    buf_append_text(b, ",\"memory\":\"0x");
    uint8_t *to = buf_extend(b, 2 * step->memory_size);
    if (to) {
        memset(to, '0', 2 * step->memory_size);
        hex_encode((char *)to, step->memory);
    }
    buf_append_byte(b, '"');
}

static int step(struct rpc_trace *t, const struct rpc_trace_step *step)
{
    struct lines *lines = t->state;
    struct buf *b = &lines->buf;
    char unknown[32];
    buf_append_format(b, "{\"pc\":%llu,\"op\":%u,\"gas\":\"0x%llx\",\"gasCost\":\"0x%llx\"",
                      (unsigned long long)step->pc, step->op, (unsigned long long)step->gas,
                      (unsigned long long)step->cost);
    if (t->options.no_memory)
        buf_append_text(b, ",\"memory\":\"0x\"");
    else
        write_memory(b, step);
    buf_append_format(b, ",\"memSize\":%zu,\"stack\":", step->memory_size);
    buf_append_text(b, t->options.no_stack ? "null" : "[");
    for (size_t i = 0; !t->options.no_stack && i < step->stack_size; i++) {
        rpc_item(b);
        rpc_write_big(b, &step->stack[i]);
    }
    buf_append_text(b, t->options.no_stack ? "" : "]");
    buf_append_text(b, ",\"returnStack\":null,\"returnData\":");
    rpc_write_bytes(b, t->options.no_return_data ? bytes_of("", 0) : step->return_data);
    buf_append_format(b, ",\"depth\":%u,\"refund\":%llu,\"opName\":\"%s\",\"error\":", step->depth,
                      (unsigned long long)step->refund, rpc_trace_op_name(unknown, t, step->op));
    rpc_json_write_string(b, bytes_str(step->error ? step->error : ""));
    buf_append_text(b, "}\n");
    return b->len > RPC_TRACE_SIZE_MAX ? ERR_LIMIT : buf_status(b);
}

/* Of a failure geth writes the end twice, first with the error. */
static int result(struct rpc_trace *t, struct buf *b)
{
    struct lines *lines = t->state;
    const struct rpc_trace_outcome *o = &t->outcome;
    buf_append_bytes(b, buf_bytes(&lines->buf));
    for (int i = o->error ? 0 : 1; o->started && i < 2; i++) {
        buf_append_text(b, "{\"output\":\"");
        uint8_t *to = buf_extend(b, 2 * o->output.len);
        if (to)
            hex_encode((char *)to, o->output);
        buf_append_format(b, "\",\"gasUsed\":\"0x%llx\",\"time\":%llu",
                          (unsigned long long)o->gas_used, (unsigned long long)o->nanoseconds);
        if (i == 0) {
            rpc_key(b, "error");
            rpc_json_write_string(b, bytes_str(o->error));
        }
        buf_append_text(b, "}\n");
    }
    return buf_status(b);
}

const struct rpc_tracer rpc_tracer_json = {
    .name = "json",
    .size = sizeof(struct lines),
    .begin = begin,
    .step = step,
    .result = result,
    .release = release,
};
