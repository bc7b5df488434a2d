/* From the machine's events to geth's (core/vm/interpreter.go, evm.go). */
#include "rpc/trace/trace.h"

#include "base/clock.h"
#include "base/mem.h"
#include "evm/opcodes.h"

#include <stdio.h>

const struct rpc_tracer *rpc_tracer_find(struct bytes name)
{
    static const struct rpc_tracer *const tracers[] = {
        &rpc_tracer_struct,  &rpc_tracer_call,    &rpc_tracer_prestate, &rpc_tracer_4byte,
        &rpc_tracer_noop,    &rpc_tracer_opcount, &rpc_tracer_unigram,  &rpc_tracer_bigram,
        &rpc_tracer_trigram, &rpc_tracer_evmdis};
    for (size_t i = 0; i < BASE_COUNT(tracers); i++)
        if (bytes_equal(name, bytes_str(tracers[i]->name)))
            return tracers[i];
    return NULL;
}

/* --- What tracers ask --- */

struct u256 rpc_trace_peek(const struct rpc_trace_step *step, size_t index)
{
    return index < step->stack_size ? step->stack[step->stack_size - 1 - index] : u256_from(0);
}

int rpc_trace_memory(struct rpc_trace *t, struct bytes *ret, const struct rpc_trace_step *step,
                     const struct u256 *offset, const struct u256 *size)
{
    *ret = bytes_of("", 0);
    if (!u256_is_u64(offset) || !u256_is_u64(size) || size->w[0] == 0 ||
        offset->w[0] > step->memory_size || size->w[0] > step->memory_size - offset->w[0])
        return 0;
    size_t from = offset->w[0], len = size->w[0];
    uint8_t *copy = arena_alloc_zeroed(&t->arena, len, 1);
    if (!copy)
        return ERR_NOMEM;
    if (from < step->memory.len) {
        size_t there = step->memory.len - from;
        memcpy(copy, step->memory.data + from, there < len ? there : len);
    }
    *ret = bytes_of(copy, len);
    return 0;
}

struct address rpc_trace_address(const struct u256 *word)
{
    uint8_t be[32];
    struct address a;
    u256_store(be, word);
    memcpy(a.b, be + 12, sizeof(a.b));
    return a;
}

bool rpc_trace_is_precompile(const struct address *address)
{
    static const uint8_t zeros[19];
    return memcmp(address->b, zeros, sizeof(zeros)) == 0 && address->b[19] >= 1 &&
           address->b[19] <= 9;
}

const char *rpc_trace_op_name(char ret_unknown[32], const struct rpc_trace *t, uint8_t op)
{
    static const char *const unreal[] = {"PUSH", "DUP", "SWAP"}; /* geth's names of 0xb0 to 0xb2 */
    const char *name = evm_opcode_name(op);
    enum fork fork = evm_opcode_fork(op);
    if (op == EVM_OP_KECCAK256)
        return "SHA3";
    if (op == EVM_OP_PREVRANDAO)
        return "DIFFICULTY";
    if (name && op != EVM_OP_INVALID && (fork <= FORK_BERLIN || fork <= t->fork))
        return name;
    if (op >= 0xb0 && op - 0xb0u < BASE_COUNT(unreal))
        return unreal[op - 0xb0u];
    snprintf(ret_unknown, 32, "opcode 0x%x not defined", op);
    return ret_unknown;
}

void rpc_trace_write_time(struct buf *b, uint64_t ns)
{
    static const struct {
        uint64_t ns;
        const char *name;
    } units[] = {{1000000000, "s"}, {1000000, "ms"}, {1000, "µs"}};
    char text[48] = "0s";
    for (size_t i = 0; ns && i < BASE_COUNT(units); i++) {
        snprintf(text, sizeof(text), "%lluns", (unsigned long long)ns);
        if (ns < units[i].ns)
            continue;
        snprintf(text, sizeof(text), "%.*f%s",
                 i == 0   ? 9
                 : i == 1 ? 6
                          : 3,
                 (double)ns / (double)units[i].ns, units[i].name);
        break;
    }
    if (strchr(text, '.')) { /* without zeros at the end of the fraction */
        size_t unit = strcspn(text, "mµs"), end = unit;
        while (text[end - 1] == '0' || text[end - 1] == '.')
            if (text[--end] == '.')
                break;
        memmove(text + end, text + unit, strlen(text + unit) + 1);
    }
    buf_append_text(b, text);
}

/* --- Events --- */

static const char *error_text(struct rpc_trace *t, enum evm_status status, uint8_t op,
                              size_t stack_size)
{
    static const struct {
        uint8_t taken, left;
    } arities[256] = {
#define X(name, value, taken, left, fork, gas, kind) [value] = {taken, left},
        EVM_OPCODE_LIST(X)
#undef X
    };
    char name[32];
    switch (status) {
    case EVM_UNDEFINED_INSTRUCTION:
    case EVM_INVALID_INSTRUCTION:
        snprintf(t->error, sizeof(t->error), "invalid opcode: %s", rpc_trace_op_name(name, t, op));
        return t->error;
    case EVM_STACK_UNDERFLOW:
        snprintf(t->error, sizeof(t->error), "stack underflow (%zu <=> %u)", stack_size,
                 arities[op].taken);
        return t->error;
    case EVM_STACK_OVERFLOW:
        snprintf(t->error, sizeof(t->error), "stack limit reached %zu (%u)", stack_size,
                 EVM_STACK_MAX + arities[op].taken - arities[op].left);
        return t->error;
    default:
        return evm_status_text(status);
    }
}

static bool writes(const struct evm_step *step)
{
    switch (step->op) {
    case EVM_OP_SSTORE:
    case EVM_OP_TSTORE:
    case EVM_OP_CREATE:
    case EVM_OP_CREATE2:
    case EVM_OP_SELFDESTRUCT:
    case EVM_OP_LOG0:
    case EVM_OP_LOG1:
    case EVM_OP_LOG2:
    case EVM_OP_LOG3:
    case EVM_OP_LOG4:
        return true;
    case EVM_OP_CALL:
        return step->stack_size >= 3 && !u256_is_zero(&step->stack[step->stack_size - 3]);
    default:
        return false;
    }
}

/* Whether geth finds the failure before it knows the cost: then the cost is that of the instruction before. */
static bool fails_before_cost(enum evm_status status)
{
    return status == EVM_UNDEFINED_INSTRUCTION || status == EVM_INVALID_INSTRUCTION ||
           status == EVM_STACK_UNDERFLOW || status == EVM_STACK_OVERFLOW ||
           status == EVM_WRITE_PROTECTION;
}

static int stop(struct rpc_trace *t)
{
    if (t->steps++ % 1024 == 0 && base_now_ns() > t->deadline)
        t->timed_out = true;
    return t->timed_out ? ERR_LIMIT : 0;
}

/* Only an arena at its limit fails so: everything else that a tracer takes is small. */
static int check_size(struct rpc_trace *t, int status)
{
    if (t->timed_out || t->failure)
        return status;
    if (status == ERR_LIMIT || (status == ERR_NOMEM && t->arena.total > RPC_TRACE_SIZE_MAX / 2))
        t->too_large = true;
    return status;
}

static int on_step(void *context, const struct evm_step *step)
{
    struct rpc_trace *t = context;
    int status = stop(t);
    if (status || step->code.len == 0) /* what has no code has no instructions */
        return status;
    enum evm_status why = step->status;
    if (why == EVM_SUCCESS && step->op == EVM_OP_INVALID)
        why = EVM_INVALID_INSTRUCTION;
    if (step->message->is_static && writes(step) && (why == EVM_SUCCESS || why == EVM_OUT_OF_GAS))
        why = EVM_WRITE_PROTECTION;
    uint64_t *frame_cost = &t->frame_cost[step->depth];
    uint64_t cost = fails_before_cost(why) ? *frame_cost : (uint64_t)step->gas_cost;
    *frame_cost = cost;
    t->last = (struct rpc_trace_step){
        .pc = step->pc,
        .gas = (uint64_t)step->gas,
        .cost = cost,
        .refund = (uint64_t)step->refund,
        .op = step->op,
        .depth = step->depth,
        .stack = step->stack,
        .stack_size = step->stack_size,
        .memory = step->memory,
        .memory_size = why == EVM_SUCCESS ? step->memory_after : step->memory.len,
        .return_data = step->return_data,
        .message = step->message,
        .change = step->change,
        .error = why == EVM_SUCCESS ? NULL : error_text(t, why, step->op, step->stack_size),
    };
    t->last_is_open = why == EVM_SUCCESS;
    status = t->tracer->step ? check_size(t, t->tracer->step(t, &t->last)) : 0;
    t->last.change = NULL; /* gone by the time of a fault, as are these */
    t->last.memory = t->last.return_data = bytes_none();
    t->last.memory_size = 0;
    return status;
}

static bool fails_in_instruction(enum evm_status status)
{
    return status == EVM_REVERT || status == EVM_BAD_JUMP_DESTINATION ||
           status == EVM_RETURN_DATA_OUT_OF_BOUNDS || status == EVM_WRITE_PROTECTION;
}

uint64_t rpc_trace_intrinsic_gas(const struct rpc_trace *t, bool is_creation, struct bytes input)
{
    const struct eth_transaction plain = {.is_creation = is_creation, .data = input};
    return eth_transaction_intrinsic_gas(&plain, t->fork).gas;
}

static int on_enter(void *context, const struct evm_message *message, struct bytes code)
{
    (void)code;
    struct rpc_trace *t = context;
    struct rpc_trace_outcome *o = &t->outcome;
    t->frame_cost[message->depth + 1] = 0;
    if (message->depth || o->started) /* a marker is told of when what is inside of it has run */
        return 0;
    t->started_at = base_now_ns();
    o->started = true;
    o->is_creation = message->kind == EVM_CREATE;
    o->from = message->sender;
    o->to = message->recipient;
    o->value = message->value;
    o->gas = (uint64_t)message->gas;
    o->intrinsic_gas = rpc_trace_intrinsic_gas(t, o->is_creation, message->input);
    o->input = arena_copy(&t->arena, message->input);
    return o->input.data || message->input.len == 0 ? 0 : check_size(t, ERR_NOMEM);
}

static int on_leave_inside(void *context, const struct evm_message *message,
                           const struct evm_result *result)
{
    struct rpc_trace *t = context;
    struct rpc_trace_outcome *o = &t->outcome;
    int status = 0;
    if (t->last_is_open && t->last.depth == message->depth + 1 &&
        fails_in_instruction(result->status)) {
        t->last.error = error_text(t, result->status, t->last.op, t->last.stack_size);
        if (t->tracer->fault)
            status = check_size(t, t->tracer->fault(t, &t->last));
    }
    t->last_is_open = false;
    if (status || message->depth)
        return status;
    o->gas_used = (uint64_t)(message->gas - result->gas_left);
    o->output = arena_copy(&t->arena, result->output);
    if (!o->output.data && result->output.len)
        return check_size(t, ERR_NOMEM);
    o->failed = result->status != EVM_SUCCESS;
    if (o->failed)
        o->error =
            t->last.error && t->last.depth == 1 ? t->last.error : evm_status_text(result->status);
    o->nanoseconds = base_now_ns() - t->started_at;
    return 0;
}

static int on_leave(void *context, const struct evm_message *message,
                    const struct evm_result *result)
{
    struct rpc_trace *t = context;
    int status = on_leave_inside(t, message, result);
    if (status || message->depth || !t->tracer->end)
        return status;
    return check_size(t, t->tracer->end(t));
}

/* --- Life --- */

int rpc_trace_begin(struct rpc_trace *t, const struct rpc_trace_options *options,
                    struct state_view *view, enum fork fork)
{
    *t = (struct rpc_trace){
        .events = {.context = t, .enter = on_enter, .step = on_step, .leave = on_leave},
        .inside = {.context = t, .enter = on_enter, .step = on_step, .leave = on_leave_inside},
        .options = *options,
        .tracer = options->tracer ? options->tracer : &rpc_tracer_struct,
        .view = view,
        .fork = fork,
    };
    arena_init_limited(&t->arena, RPC_TRACE_SIZE_MAX);
    t->deadline = base_now_ns() + options->milliseconds * 1000000u;
    t->state = mem_alloc_zeroed(1, t->tracer->size + 1);
    if (!t->state)
        return ERR_NOMEM;
    return t->tracer->begin ? t->tracer->begin(t) : 0;
}

void rpc_trace_release(struct rpc_trace *t)
{
    if (t->state && t->tracer->release)
        t->tracer->release(t);
    mem_free(t->state);
    t->state = NULL;
    arena_release(&t->arena);
}

int rpc_trace_view(struct rpc_trace *t, struct state_view **ret_view, const struct address *address)
{
    *ret_view = t->view;
    return t->private ? chain_private_view_now(t->private, ret_view, t->view, address) : 0;
}

const char *rpc_trace_stopped(const struct rpc_trace *t)
{
    return t->timed_out ? "execution timeout" : t->too_large ? "trace too large" : t->failure;
}
