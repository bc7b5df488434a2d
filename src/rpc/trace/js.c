/* Tracers that the client has written, in JavaScript; they run in a process of their own (tracejs/process.h). */
#include "rpc/trace/trace.h"

#include "evm/opcodes.h"
#include "tracejs/process.h"

#include <stdio.h>

/* Memory of a frame, as the other process has it. */
struct shown {
    struct buf memory;
    bool is_stale; /* its last instruction may have written there */
};

struct js {
    struct tracejs_process *process;
    const struct rpc_trace_step *step; /* the one before which the machine stands; NULL: none */
    bool looks; /* at accounts: then each step is waited for, so that it finds them as they are */
    uint32_t depth;
    struct shown frames[EVM_DEPTH_MAX + 2];
    struct buf message;
};

static void append_word(struct buf *b, const struct u256 *word)
{
    uint8_t *place = buf_extend(b, 32);
    if (place)
        u256_store(place, word);
}

/* --- What it looks up --- */

static int look_at_slot(struct rpc_trace *t, struct state_view *view, const struct address *address,
                        struct bytes key, struct buf *b)
{
    const struct js *js = t->state;
    struct u256 slot = u256_load(key.data), value;
    int status = state_view_load(view, &value, NULL, address, &slot);
    const struct evm_storage_change *change = js->step ? js->step->change : NULL;
    if (status)
        return status;
    if (change && address_equal(address, &js->step->message->recipient)) {
        struct u256 changed = rpc_trace_peek(js->step, 0);
        if (u256_equal(&changed, &slot))
            value = change->current; /* the state has the new one already */
    }
    append_word(b, &value);
    return 0;
}

static int look_at_account(struct rpc_trace *t, enum tracejs_kind kind, struct bytes key,
                           struct buf *b)
{
    const struct state_account *account;
    struct state_view *view;
    struct address address;
    struct bytes code;
    if (key.len < sizeof(address.b))
        return 0;
    memcpy(address.b, key.data, sizeof(address.b));
    key = bytes_slice(key, sizeof(address.b), key.len - sizeof(address.b));
    int status = rpc_trace_view(t, &view, &address);
    if (status == 0 && kind == TRACEJS_LOOK_STATE)
        return key.len == 32 ? look_at_slot(t, view, &address, key, b) : 0;
    if (status == 0)
        status = state_view_account(view, &account, &address);
    if (status)
        return status;
    if (kind == TRACEJS_LOOK_EXISTS)
        buf_append_byte(b, account != NULL);
    if (kind == TRACEJS_LOOK_BALANCE && account)
        append_word(b, &account->balance);
    if (kind == TRACEJS_LOOK_NONCE && account)
        buf_append(b, &account->nonce, sizeof(account->nonce));
    if (kind == TRACEJS_LOOK_CODE) {
        status = state_view_code(view, &code, &address);
        if (status == 0)
            buf_append_bytes(b, code);
    }
    return status;
}

static int look(void *context, enum tracejs_kind kind, struct bytes key, struct buf *ret_answer)
{
    struct rpc_trace *t = context;
    struct js *js = t->state;
    js->looks = true;
    return look_at_account(t, kind, key, ret_answer);
}

/* --- Asking --- */

static int keep_thrown(struct rpc_trace *t, const char *text, const char *in)
{
    char *kept = arena_alloc(&t->arena, strlen(text) + 64);
    if (!kept)
        return ERR_NOMEM;
    snprintf(kept, strlen(text) + 64, *in ? "%s    in server-side tracer function '%s'" : "%s",
             text, in);
    t->failure = kept;
    return ERR_INPUT;
}

static int fail(struct rpc_trace *t, int status)
{
    if (status == ERR_LIMIT)
        t->timed_out = true;
    if (status == ERR_IO)
        t->failure = "the tracer has taken too much memory";
    return status;
}

/* `in` is the function that may throw; "": none. What it throws is the call's error: ERR_INPUT. */
static int ask(struct rpc_trace *t, enum tracejs_kind kind, struct bytes payload, const char *in,
               struct buf *ret_text)
{
    struct js *js = t->state;
    int outcome = tracejs_ask(js->process, kind, payload, ret_text);
    return outcome == TRACEJS_THREW ? keep_thrown(t, buf_text(ret_text), in) : fail(t, outcome);
}

static int begin(struct rpc_trace *t)
{
    struct js *js = t->state;
    struct buf text = BUF_INIT;
    int status = tracejs_start(&js->process, t->options.program, t->deadline / 1000000, look, t);
    if (status == 0)
        status = ask(t, TRACEJS_CODE, t->options.code, "", &text);
    buf_release(&text);
    return status;
}

/* --- Steps --- */

static bool writes_memory(uint8_t op)
{
    switch (op) {
    case EVM_OP_MSTORE:
    case EVM_OP_MSTORE8:
    case EVM_OP_MCOPY:
    case EVM_OP_CALLDATACOPY:
    case EVM_OP_CODECOPY:
    case EVM_OP_EXTCODECOPY:
    case EVM_OP_RETURNDATACOPY:
    case EVM_OP_CALL:
    case EVM_OP_CALLCODE:
    case EVM_OP_DELEGATECALL:
    case EVM_OP_STATICCALL:
        return true;
    default:
        return false;
    }
}

/* Whether accounts may be others once the instruction has run; the frame's end takes back what a failure did. */
static bool changes_accounts(const struct rpc_trace_step *step)
{
    switch (step->op) {
    case EVM_OP_SSTORE:
    case EVM_OP_TSTORE:
    case EVM_OP_CREATE:
    case EVM_OP_CREATE2:
    case EVM_OP_CALL:
    case EVM_OP_CALLCODE:
    case EVM_OP_DELEGATECALL:
    case EVM_OP_STATICCALL:
    case EVM_OP_SELFDESTRUCT:
    case EVM_OP_STOP:
    case EVM_OP_RETURN:
    case EVM_OP_REVERT:
    case EVM_OP_INVALID:
        return true;
    default:
        return step->error != NULL;
    }
}

/* What is other than the process has it: from the first such byte to the last. */
static void compare_memory(struct shown *shown, struct tracejs_step *s, struct bytes memory)
{
    struct bytes had = buf_bytes(&shown->memory);
    size_t common = had.len < memory.len ? had.len : memory.len, from = 0, to = memory.len;
    if (!shown->is_stale && had.len == memory.len)
        return;
    while (from < common && had.data[from] == memory.data[from])
        from++;
    while (to > from && to <= common && had.data[to - 1] == memory.data[to - 1])
        to--;
    s->patch_at = from;
    s->patch_len = (uint32_t)(to - from);
    buf_clear(&shown->memory);
    buf_append_bytes(&shown->memory, memory);
}

static void fill_step(struct rpc_trace *t, struct tracejs_step *s,
                      const struct rpc_trace_step *step)
{
    struct js *js = t->state;
    struct shown *shown = &js->frames[step->depth];
    char unknown[32];
    *s = (struct tracejs_step){
        .pc = step->pc,
        .gas = step->gas,
        .cost = step->cost,
        .refund = step->refund,
        .memory_size = step->memory_size,
        .depth = step->depth,
        .stack_size = (uint32_t)step->stack_size,
        .op = step->op,
        .has_error = step->error != NULL,
        .waits = js->looks || changes_accounts(step),
        .is_new_frame = step->depth > js->depth,
        .caller = step->message->sender,
        .address = step->message->recipient,
    };
    u256_store(s->value, &step->message->value);
    snprintf(s->op_name, sizeof(s->op_name), "%s", rpc_trace_op_name(unknown, t, step->op));
    if (step->error)
        snprintf(s->error, sizeof(s->error), "%s", step->error);
    if (s->is_new_frame) {
        s->input_len = (uint32_t)step->message->input.len;
        buf_clear(&shown->memory);
    }
    compare_memory(shown, s, step->memory);
    shown->is_stale = writes_memory(step->op);
    js->depth = step->depth;
}

static int on_step(struct rpc_trace *t, const struct rpc_trace_step *step)
{
    struct js *js = t->state;
    struct tracejs_step s;
    struct buf text = BUF_INIT, *b = &js->message;
    fill_step(t, &s, step);
    buf_clear(b);
    buf_append(b, &s, sizeof(s));
    for (size_t i = step->stack_size; i > 0; i--)
        append_word(b, &step->stack[i - 1]);
    buf_append_bytes(b, bytes_slice(step->memory, s.patch_at, s.patch_len));
    if (s.is_new_frame)
        buf_append_bytes(b, step->message->input);
    int status = buf_status(b);
    if (status)
        return status;
    js->step = step;
    status = s.waits ? ask(t, TRACEJS_STEP, buf_bytes(b), "step", &text)
                     : fail(t, tracejs_push(js->process, TRACEJS_STEP, buf_bytes(b)));
    js->step = NULL;
    buf_release(&text);
    return status;
}

static int on_fault(struct rpc_trace *t, const struct rpc_trace_step *step)
{
    const struct js *js = t->state;
    return fail(t, tracejs_push(js->process, TRACEJS_FAULT, bytes_str(step->error)));
}

/* --- The result --- */

static void append_context(struct buf *b, const struct rpc_trace_outcome *o)
{
    struct buf time = BUF_INIT;
    struct tracejs_context c = {
        .is_creation = o->is_creation,
        .has_error = o->error != NULL,
        .from = o->from,
        .to = o->to,
        .gas = o->gas,
        .gas_used = o->gas_used,
        .intrinsic_gas = o->intrinsic_gas,
        .block = o->block,
        .input_len = o->input.len,
        .output_len = o->output.len,
    };
    u256_store(c.value, &o->value);
    u256_store(c.gas_price, &o->gas_price);
    rpc_trace_write_time(&time, o->nanoseconds);
    snprintf(c.time, sizeof(c.time), "%s", buf_text(&time));
    buf_release(&time);
    if (o->error)
        snprintf(c.error, sizeof(c.error), "%s", o->error);
    buf_append(b, &c, sizeof(c));
    buf_append_bytes(b, o->input);
    buf_append_bytes(b, o->output);
}

static int result(struct rpc_trace *t, struct buf *b)
{
    const struct js *js = t->state;
    struct buf context = BUF_INIT, text = BUF_INIT;
    append_context(&context, &t->outcome);
    int status = buf_status(&context);
    if (status == 0)
        status = ask(t, TRACEJS_RESULT, buf_bytes(&context), "result", &text);
    const char *thrown = tracejs_thrown(js->process);
    if (status == 0 && thrown)
        status = keep_thrown(t, thrown, "");
    if (status == 0)
        buf_append_bytes(b, buf_bytes(&text));
    buf_release(&context);
    buf_release(&text);
    return status ? status : buf_status(b);
}

static void release(struct rpc_trace *t)
{
    struct js *js = t->state;
    tracejs_end(js->process);
    buf_release(&js->message);
    for (size_t i = 0; i < BASE_COUNT(js->frames); i++)
        buf_release(&js->frames[i].memory);
}

const struct rpc_tracer rpc_tracer_js = {
    .name = "",
    .size = sizeof(struct js),
    .begin = begin,
    .step = on_step,
    .fault = on_fault,
    .result = result,
    .release = release,
};
