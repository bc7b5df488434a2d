/* callTracer: the tree of calls. Step by step as geth's tracer in JavaScript does, whose gas figures follow from it. */
#include "rpc/trace/trace.h"

#include "evm/opcodes.h"
#include "rpc/json/encode.h"
#include "rpc/json/json.h"

#include <stdio.h>

enum { CALLS_DEPTH_MAX = EVM_DEPTH_MAX + 2 };

struct frame {
    const char *type;
    struct address from, to;
    bool has_to, has_value, has_gas, has_gas_used, has_output, is_creation;
    struct u256 value, out_offset, out_size;
    struct bytes input, output;
    int64_t gas, gas_used, gas_in, gas_cost;
    char *error; /* NULL: none */
    struct frame *calls, *last_call, *next;
};

struct calls {
    struct frame *stack[CALLS_DEPTH_MAX];
    size_t depth; /* frames on the stack; the first stands for the transaction */
    bool descended;
};

static int begin(struct rpc_trace *t)
{
    struct calls *c = t->state;
    c->stack[0] = arena_alloc_zeroed(&t->arena, 1, sizeof(struct frame));
    c->depth = 1;
    return c->stack[0] ? 0 : ERR_NOMEM;
}

static struct frame *top(const struct calls *c)
{
    return c->stack[c->depth - 1];
}

static void add_call(struct frame *parent, struct frame *call)
{
    if (parent->last_call)
        parent->last_call->next = call;
    else
        parent->calls = call;
    parent->last_call = call;
}

static char *keep_text(struct rpc_trace *t, const char *text)
{
    struct bytes copy = arena_copy(&t->arena, bytes_of(text, strlen(text) + 1));
    return (char *)copy.data;
}

static int set_error(struct rpc_trace *t, struct frame *call, const char *text)
{
    call->error = keep_text(t, text);
    return call->error ? 0 : ERR_NOMEM;
}

static struct frame *new_frame(struct rpc_trace *t, const struct rpc_trace_step *step,
                               const char *type)
{
    struct frame *call = arena_alloc_zeroed(&t->arena, 1, sizeof(*call));
    if (!call)
        return NULL;
    call->type = type;
    call->from = step->message->recipient;
    call->gas_in = (int64_t)step->gas;
    call->gas_cost = (int64_t)step->cost;
    return call;
}

static int push(struct calls *c, struct frame *call)
{
    if (c->depth == CALLS_DEPTH_MAX)
        return ERR_LIMIT;
    c->stack[c->depth++] = call;
    c->descended = true;
    return 0;
}

/* --- Instructions that make frames --- */

static int on_create(struct rpc_trace *t, const struct rpc_trace_step *step)
{
    struct frame *call = new_frame(t, step, step->op == EVM_OP_CREATE ? "CREATE" : "CREATE2");
    if (!call)
        return ERR_NOMEM;
    struct u256 offset = rpc_trace_peek(step, 1), size = rpc_trace_peek(step, 2);
    call->is_creation = true;
    call->has_value = true;
    call->value = rpc_trace_peek(step, 0);
    int status = rpc_trace_memory(t, &call->input, step, &offset, &size);
    return status ? status : push(t->state, call);
}

static int on_selfdestruct(struct rpc_trace *t, const struct rpc_trace_step *step)
{
    struct frame *call = new_frame(t, step, "SELFDESTRUCT");
    const struct state_account *account;
    if (!call)
        return ERR_NOMEM;
    struct u256 beneficiary = rpc_trace_peek(step, 0);
    call->to = rpc_trace_address(&beneficiary);
    call->has_to = call->has_value = true;
    struct state_view *view;
    int status = rpc_trace_view(t, &view, &step->message->recipient);
    if (status == 0)
        status = state_view_account(view, &account, &step->message->recipient);
    if (status)
        return status;
    call->value = account ? account->balance : u256_from(0);
    add_call(top(t->state), call);
    return 0;
}

static int on_call(struct rpc_trace *t, const struct rpc_trace_step *step)
{
    bool valued = step->op == EVM_OP_CALL || step->op == EVM_OP_CALLCODE;
    struct u256 target = rpc_trace_peek(step, 1);
    struct address to = rpc_trace_address(&target);
    if (rpc_trace_is_precompile(&to))
        return 0;
    struct frame *call = new_frame(t, step, evm_opcode_name(step->op));
    if (!call)
        return ERR_NOMEM;
    size_t at = valued ? 3 : 2;
    struct u256 offset = rpc_trace_peek(step, at), size = rpc_trace_peek(step, at + 1);
    call->to = to;
    call->has_to = true;
    call->out_offset = rpc_trace_peek(step, at + 2);
    call->out_size = rpc_trace_peek(step, at + 3);
    call->has_value = valued;
    call->value = rpc_trace_peek(step, 2);
    int status = rpc_trace_memory(t, &call->input, step, &offset, &size);
    return status ? status : push(t->state, call);
}

/* --- Their ends --- */

static int end_creation(struct rpc_trace *t, const struct rpc_trace_step *step, struct frame *call)
{
    struct u256 created = rpc_trace_peek(step, 0);
    call->has_gas_used = true;
    call->gas_used = call->gas_in - call->gas_cost - (int64_t)step->gas;
    if (u256_is_zero(&created))
        return call->error ? 0 : set_error(t, call, "internal failure");
    struct bytes code;
    call->to = rpc_trace_address(&created);
    call->has_to = call->has_output = true;
    struct state_view *view;
    int status = rpc_trace_view(t, &view, &call->to);
    if (status == 0)
        status = state_view_code(view, &code, &call->to);
    if (status)
        return status;
    call->output = arena_copy(&t->arena, code);
    return call->output.data || code.len == 0 ? 0 : ERR_NOMEM;
}

static int end_call(struct rpc_trace *t, const struct rpc_trace_step *step, struct frame *call)
{
    struct u256 success = rpc_trace_peek(step, 0);
    if (call->has_gas) {
        call->has_gas_used = true;
        call->gas_used = call->gas_in - call->gas_cost + call->gas - (int64_t)step->gas;
    }
    if (u256_is_zero(&success))
        return call->error ? 0 : set_error(t, call, "internal failure");
    call->has_output = true;
    return rpc_trace_memory(t, &call->output, step, &call->out_offset, &call->out_size);
}

static int on_fault(struct rpc_trace *t, const struct rpc_trace_step *step)
{
    struct calls *c = t->state;
    struct frame *call = top(c);
    if (call->error)
        return 0;
    int status = set_error(t, call, step->error);
    if (call->has_gas) {
        call->gas_used = call->gas;
        call->has_gas_used = true;
    }
    if (c->depth > 1) {
        c->depth--;
        add_call(top(c), call);
    }
    return status;
}

static int on_step(struct rpc_trace *t, const struct rpc_trace_step *step)
{
    struct calls *c = t->state;
    if (step->error)
        return on_fault(t, step);
    switch (step->op) {
    case EVM_OP_CREATE:
    case EVM_OP_CREATE2:
        return on_create(t, step);
    case EVM_OP_SELFDESTRUCT:
        return on_selfdestruct(t, step);
    case EVM_OP_CALL:
    case EVM_OP_CALLCODE:
    case EVM_OP_DELEGATECALL:
    case EVM_OP_STATICCALL:
        return on_call(t, step);
    default:
        break;
    }
    if (c->descended) {
        if (step->depth >= c->depth) {
            top(c)->gas = (int64_t)step->gas;
            top(c)->has_gas = true;
        }
        c->descended = false;
    }
    if (step->op == EVM_OP_REVERT)
        return set_error(t, top(c), "execution reverted");
    if (step->depth != c->depth - 1)
        return 0;
    struct frame *call = top(c);
    c->depth--;
    int status = call->is_creation ? end_creation(t, step, call) : end_call(t, step, call);
    add_call(top(c), call);
    return status;
}

/* --- The answer --- */

/* As JavaScript prints it: below zero with a sign behind the prefix. */
static void write_gas(struct buf *b, const char *key, int64_t gas)
{
    rpc_key(b, key);
    buf_append_format(b, "\"0x%s%llx\"", gas < 0 ? "-" : "",
                      (unsigned long long)(gas < 0 ? -gas : gas));
}

static void write_text(struct buf *b, const char *key, const char *text)
{
    rpc_key(b, key);
    rpc_json_write_string(b, bytes_str(text));
}

static void write_calls(struct buf *b, const struct frame *parent);

/* Nested ones are as deep as the machine's stack at most. */
static void write_frame(struct buf *b, const struct frame *call)
{
    buf_append_byte(b, '{');
    write_text(b, "type", call->type);
    rpc_put_address(b, "from", &call->from);
    if (call->has_to)
        rpc_put_address(b, "to", &call->to);
    if (call->has_value)
        rpc_put_big(b, "value", &call->value);
    if (call->has_gas)
        write_gas(b, "gas", call->gas);
    if (call->has_gas_used)
        write_gas(b, "gasUsed", call->gas_used);
    if (strcmp(call->type, "SELFDESTRUCT") != 0)
        rpc_put_bytes(b, "input", call->input);
    if (call->has_output)
        rpc_put_bytes(b, "output", call->output);
    if (call->error)
        write_text(b, "error", call->error);
    write_calls(b, call);
    buf_append_byte(b, '}');
}

static void write_calls(struct buf *b, const struct frame *parent)
{
    if (!parent->calls)
        return;
    rpc_key(b, "calls");
    buf_append_byte(b, '[');
    for (const struct frame *call = parent->calls; call; call = call->next) {
        rpc_item(b);
        write_frame(b, call);
    }
    buf_append_byte(b, ']');
}

static void write_time(struct buf *b, uint64_t ns)
{
    struct buf text = BUF_INIT;
    rpc_trace_write_time(&text, ns);
    write_text(b, "time", buf_text(&text));
    buf_release(&text);
}

static int result(struct rpc_trace *t, struct buf *b)
{
    const struct calls *c = t->state;
    const struct rpc_trace_outcome *o = &t->outcome;
    const char *error = c->stack[0]->error ? c->stack[0]->error : o->error;
    buf_append_byte(b, '{');
    write_text(b, "type", o->is_creation ? "CREATE" : "CALL");
    rpc_put_address(b, "from", &o->from);
    rpc_put_address(b, "to", &o->to);
    rpc_put_big(b, "value", &o->value);
    write_gas(b, "gas", (int64_t)o->gas);
    write_gas(b, "gasUsed", (int64_t)o->gas_used);
    rpc_put_bytes(b, "input", o->input);
    if (!error || (strcmp(error, "execution reverted") == 0 && o->output.len))
        rpc_put_bytes(b, "output", o->output);
    if (error)
        write_text(b, "error", error);
    write_time(b, o->nanoseconds);
    write_calls(b, c->stack[0]);
    buf_append_byte(b, '}');
    return buf_status(b);
}

const struct rpc_tracer rpc_tracer_call = {
    .name = "callTracer",
    .size = sizeof(struct calls),
    .begin = begin,
    .step = on_step,
    .fault = on_fault,
    .result = result,
};
