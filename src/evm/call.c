/* Frames, and the instructions that make them: CREATE*, CALL*. */
#include "evm/heavy.h"

enum { STACK_BYTES = (EVM_STACK_MAX + EVM_STACK_SPARE) * sizeof(struct u256) };

static bool is_create(enum evm_call_kind kind)
{
    return kind == EVM_CREATE || kind == EVM_CREATE2;
}

static int trace_enter(struct evm *evm, const struct evm_message *message, struct bytes code)
{
    const struct evm_tracer *tracer = evm->tracer;
    return tracer && tracer->enter ? tracer->enter(tracer->context, message, code) : 0;
}

static int trace_leave(struct evm *evm, const struct evm_message *message,
                       const struct evm_result *result)
{
    const struct evm_tracer *tracer = evm->tracer;
    return tracer && tracer->leave ? tracer->leave(tracer->context, message, result) : 0;
}

/* A message whose outcome is known without running code. */
static int trace_done(struct evm *evm, const struct evm_message *message,
                      const struct evm_result *result)
{
    int err = trace_enter(evm, message, bytes_none());
    return err ? err : trace_leave(evm, message, result);
}

/*
 * The spaces' tops stand at the beginning of the running frame and of its memory: it may still
 * grow. Only when a frame is put above it what it has is taken, which the marks undo.
 */
static struct evm_frame *place_frame(struct evm *evm)
{
    struct evm_frame *parent = evm->top;
    struct evm_space_mark frames_before = evm->frames.top, memory_before = evm->memory.top;
    if (parent) {
        size_t words = (size_t)(parent->sp - parent->stack);
        evm_space_take(&evm->frames, sizeof(*parent) + words * sizeof(struct u256));
        evm_space_take(&evm->memory, parent->memory_size);
    }
    size_t room;
    struct evm_frame *f = evm_space_room(&evm->frames, &room, sizeof(*f) + STACK_BYTES);
    if (!f)
        return NULL;
    f->frames_before = frames_before;
    f->memory_before = memory_before;
    f->parent = parent;
    return f;
}

static void remove_frame(struct evm *evm, struct evm_frame *f)
{
    evm_space_rewind(&evm->frames, f->frames_before);
    evm_space_rewind(&evm->memory, f->memory_before);
    evm->top = f->parent;
}

static void start_frame(struct evm *evm, struct evm_frame *f, const struct evm_entry *entry)
{
    f->stack = f->sp = (struct u256 *)(f + 1);
    f->gas = f->message.gas;
    f->memory = NULL;
    f->memory_size = f->memory_room = 0;
    f->code = entry->code.data;
    f->code_size = entry->code.len;
    f->code_hash = entry->code_hash;
    f->pc = 0;
    f->analysis = f->resume = NULL;
    f->evm = evm;
    f->rules = evm->rules;
    f->refund = f->refund_at_start = f->parent ? f->parent->refund : 0;
    f->status = EVM_SUCCESS;
    f->output = bytes_none();
    f->analyses_before = arena_mark(&evm->analyses);
    evm->return_data = bytes_none();
    evm->top = f;
}

int evm_frame_push(struct evm *evm, const struct evm_message *message, struct evm_result *ret_done)
{
    struct evm_frame *f = place_frame(evm);
    if (!f)
        return ERR_NOMEM;
    f->message = *message;
    struct evm_entry entry;
    int err = evm->ops->enter(evm->host, &f->message, &entry);
    if (err)
        return err;
    if (entry.action == EVM_ENTER_DONE) {
        remove_frame(evm, f);
        err = trace_done(evm, &f->message, &entry.result);
        *ret_done = entry.result;
        return err ? err : EVM_NEXT;
    }
    start_frame(evm, f, &entry);
    err = trace_enter(evm, &f->message, entry.code);
    if (is_create(f->message.kind)) /* init code runs without call data */
        f->message.input = bytes_none();
    return err ? err : EVM_ENTERED;
}

int evm_frame_pop(struct evm *evm, struct evm_result *ret_result)
{
    struct evm_frame *f = evm->top;
    struct evm_result result = {.status = f->status};
    if (f->status == EVM_SUCCESS || f->status == EVM_REVERT) {
        result.gas_left = f->gas;
        result.output = f->output;
    }
    if (f->status == EVM_SUCCESS)
        result.gas_refund = f->refund - f->refund_at_start;
    int err = evm->ops->leave(evm->host, &f->message, &result);
    if (err)
        return err;
    buf_clear(&evm->output);
    buf_append_bytes(&evm->output, result.output);
    if (buf_status(&evm->output))
        return buf_status(&evm->output);
    result.output = buf_bytes(&evm->output);
    err = trace_leave(evm, &f->message, &result);
    if (err)
        return err;
    arena_rewind(&evm->analyses, f->analyses_before);
    remove_frame(evm, f);
    *ret_result = result;
    return 0;
}

static bool has_output(enum evm_status status)
{
    return status == EVM_SUCCESS || status == EVM_REVERT;
}

static void receive_create(struct evm_frame *f, const struct evm_result *result)
{
    bool reverted = result->status == EVM_REVERT; /* EIP-211: only then there is return data */
    f->evm->return_data = reverted ? result->output : bytes_none();
    *f->sp++ =
        result->status == EVM_SUCCESS ? evm_word_from_address(&result->created) : u256_from(0);
}

static void receive_call(struct evm_frame *f, size_t offset, size_t size,
                         const struct evm_result *result)
{
    struct bytes output = has_output(result->status) ? result->output : bytes_none();
    f->evm->return_data = output;
    size_t n = output.len < size ? output.len : size;
    if (n)
        memcpy(f->memory + offset, output.data, n);
    *f->sp++ = u256_from(result->status == EVM_SUCCESS);
}

void evm_frame_receive(struct evm_frame *f, enum evm_call_kind kind, size_t return_offset,
                       size_t return_size, const struct evm_result *result)
{
    f->evm->gas_seen |= result->status != EVM_SUCCESS && result->status != EVM_REVERT;
    f->gas += result->gas_left;
    f->refund += result->gas_refund;
    if (is_create(kind))
        receive_create(f, result);
    else
        receive_call(f, return_offset, return_size, result);
}

/* Depth and balance: a message that fails here returns its gas, and the host never hears of it. */
static int refuse(struct evm_frame *f, const struct evm_message *message,
                  enum evm_status *ret_status)
{
    *ret_status = EVM_SUCCESS;
    if (message->depth > EVM_DEPTH_MAX) {
        *ret_status = EVM_CALL_DEPTH_EXCEEDED;
        return 0;
    }
    if (u256_is_zero(&message->value) || message->kind == EVM_DELEGATECALL)
        return 0;
    struct u256 balance;
    int err = f->evm->ops->get_balance(f->evm->host, &f->message.recipient, &balance);
    if (err)
        return err;
    if (u256_less(&balance, &message->value))
        *ret_status = EVM_INSUFFICIENT_BALANCE;
    return 0;
}

/* Sends a message from the frame, all paid for and its operands taken. */
static int send(struct evm_frame *f, const struct evm_message *message, size_t return_offset,
                size_t return_size)
{
    struct evm *evm = f->evm;
    struct evm_result result = {.gas_left = message->gas};
    int outcome = refuse(f, message, &result.status);
    if (outcome)
        return outcome;
    if (result.status != EVM_SUCCESS)
        outcome = trace_done(evm, message, &result);
    else
        outcome = evm_frame_push(evm, message, &result);
    if (outcome == EVM_ENTERED) {
        evm->top->return_offset = return_offset;
        evm->top->return_size = return_size;
    } else if (outcome == EVM_NEXT) {
        evm_frame_receive(f, message->kind, return_offset, return_size, &result);
    }
    return outcome;
}

static struct evm_message new_message(const struct evm_frame *f, enum evm_call_kind kind)
{
    return (struct evm_message){.kind = kind,
                                .is_static = f->message.is_static,
                                .depth = f->message.depth + 1,
                                .sender = f->message.recipient};
}

/* Memory and, where the fork wants it, a price per word of init code (EIP-3860) and of hashing it
 * (EIP-1014). EVM_SUCCESS, or why the frame ends. */
static enum evm_status create_cost(const struct evm_frame *f, enum evm_call_kind kind,
                                   int64_t *ret_gas, size_t *ret_memory_size)
{
    const struct u256 *offset = f->sp - 2, *size = f->sp - 3;
    int64_t gas;
    if (!evm_memory_cost(f, &gas, ret_memory_size, offset, size))
        return EVM_OUT_OF_GAS;
    if (size->w[0] > f->rules->initcode_size_max)
        return EVM_INITCODE_SIZE_EXCEEDED;
    int64_t word = f->rules->initcode_word + (kind == EVM_CREATE2 ? EVM_GAS_WORD_KECCAK : 0);
    *ret_gas = gas + word * evm_words(size->w[0]);
    return EVM_SUCCESS;
}

static int create(struct evm_frame *f, enum evm_call_kind kind)
{
    const struct u256 *top = f->sp - 1; /* value, offset, size, salt */
    if (f->message.is_static)
        return evm_fail(f, EVM_WRITE_PROTECTION);
    int64_t gas;
    size_t memory_size;
    enum evm_status status = create_cost(f, kind, &gas, &memory_size);
    if (status != EVM_SUCCESS)
        return evm_fail(f, status);
    int outcome = evm_pay(f, gas, memory_size);
    if (outcome)
        return outcome;

    struct evm_message message = new_message(f, kind);
    message.value = top[0];
    message.input = evm_memory(f, &top[-1], &top[-2]);
    if (kind == EVM_CREATE2)
        u256_store(message.salt.b, &top[-3]);
    message.gas = f->rules->keep_64th ? f->gas - f->gas / 64 : f->gas;
    f->gas -= message.gas;
    f->sp -= kind == EVM_CREATE2 ? 4 : 3;
    return send(f, &message, 0, 0);
}

int evm_op_create(struct evm_frame *f)
{
    return create(f, EVM_CREATE);
}

int evm_op_create2(struct evm_frame *f)
{
    return create(f, EVM_CREATE2);
}

/* The operands of a CALL*, top first: gas, address, value (some kinds), then these four. */
struct call {
    enum evm_call_kind kind;
    struct address target;
    struct u256 value; /* of the operand; 0 for the kinds without */
    const struct u256 *in_offset, *in_size, *out_offset, *out_size;
    size_t memory_size;
    int64_t cost; /* without what the callee gets */
};

static struct call read_call(const struct evm_frame *f, enum evm_call_kind kind)
{
    bool has_value = kind == EVM_CALL || kind == EVM_CALLCODE;
    const struct u256 *in = f->sp - (has_value ? 4 : 3);
    return (struct call){.kind = kind,
                         .target = evm_word_to_address(f->sp - 2),
                         .value = has_value ? f->sp[-3] : u256_from(0),
                         .in_offset = in,
                         .in_size = in - 1,
                         .out_offset = in - 2,
                         .out_size = in - 3};
}

/*
 * The parts of a call's cost, in the order in which geth charges them: whoever cannot pay a part
 * does not make the host look up the next. EVM_NEXT, EVM_HALTED, or an error.
 */
static int call_memory_cost(struct evm_frame *f, struct call *call)
{
    int64_t in_gas, out_gas;
    size_t in_end, out_end;
    if (!evm_memory_cost(f, &in_gas, &in_end, call->in_offset, call->in_size) ||
        !evm_memory_cost(f, &out_gas, &out_end, call->out_offset, call->out_size))
        return evm_fail(f, EVM_OUT_OF_GAS);
    call->memory_size = in_end > out_end ? in_end : out_end;
    call->cost += in_end > out_end ? in_gas : out_gas;
    if (!u256_is_zero(&call->value))
        call->cost += EVM_GAS_CALL_VALUE;
    return call->cost <= f->gas ? EVM_NEXT : evm_fail(f, EVM_OUT_OF_GAS);
}

static int call_new_account_cost(struct evm_frame *f, struct call *call)
{
    if (call->kind != EVM_CALL)
        return EVM_NEXT;
    if (f->rules->new_account_only_for_value && u256_is_zero(&call->value))
        return EVM_NEXT;
    bool exists;
    int err = f->evm->ops->account_exists(f->evm->host, &call->target, &exists);
    if (err)
        return err;
    call->cost += exists ? 0 : EVM_GAS_NEW_ACCOUNT;
    return call->cost <= f->gas ? EVM_NEXT : evm_fail(f, EVM_OUT_OF_GAS);
}

/* EIP-7702: the account that the code is delegated to is accessed, too. */
static int call_delegation_cost(struct evm_frame *f, struct call *call)
{
    if (!f->rules->call_reads_delegation)
        return EVM_NEXT;
    const struct evm *evm = f->evm;
    bool delegated, cold;
    struct address delegate;
    int err = evm->ops->get_delegation(evm->host, &call->target, &delegated, &delegate);
    if (err || !delegated)
        return err;
    err = evm->ops->access_account(evm->host, &delegate, &cold);
    if (err)
        return err;
    call->cost += cold ? EVM_GAS_DELEGATION_COLD : EVM_GAS_DELEGATION_WARM;
    return call->cost <= f->gas ? EVM_NEXT : evm_fail(f, EVM_OUT_OF_GAS);
}

static int call_cost(struct evm_frame *f, struct call *call)
{
    int outcome = evm_access_cost(f, &call->cost, &call->target);
    if (outcome)
        return outcome;
    if (call->cost > f->gas)
        return evm_fail(f, EVM_OUT_OF_GAS);
    outcome = call_memory_cost(f, call);
    if (outcome == EVM_NEXT)
        outcome = call_new_account_cost(f, call);
    if (outcome == EVM_NEXT)
        outcome = call_delegation_cost(f, call);
    return outcome;
}

/* What the callee gets of the gas that remains. False: more is asked for than there is, which only
 * forks before EIP-150 mind. */
static bool callee_gas(const struct evm_frame *f, int64_t *ret_gas, int64_t cost)
{
    const struct u256 *asked = f->sp - 1;
    int64_t available = f->gas - cost;
    int64_t most = f->rules->keep_64th ? available - available / 64 : available;
    bool fits = u256_is_u64(asked) && asked->w[0] <= (uint64_t)most;
    *ret_gas = fits ? (int64_t)asked->w[0] : most;
    return fits || f->rules->keep_64th;
}

static struct evm_message call_message(const struct evm_frame *f, const struct call *call)
{
    struct evm_message message = new_message(f, call->kind);
    message.value = call->value;
    message.code_address = call->target;
    message.recipient = call->target;
    if (call->kind == EVM_CALLCODE || call->kind == EVM_DELEGATECALL)
        message.recipient = f->message.recipient;
    if (call->kind == EVM_DELEGATECALL) {
        message.sender = f->message.sender;
        message.value = f->message.value;
    }
    if (call->kind == EVM_STATICCALL)
        message.is_static = true;
    message.input = evm_memory(f, call->in_offset, call->in_size);
    return message;
}

static int call(struct evm_frame *f, enum evm_call_kind kind)
{
    struct call call = read_call(f, kind);
    if (kind == EVM_CALL && f->message.is_static && !u256_is_zero(&call.value))
        return evm_fail(f, EVM_WRITE_PROTECTION);
    int outcome = call_cost(f, &call);
    if (outcome)
        return outcome;
    int64_t gas;
    if (!callee_gas(f, &gas, call.cost))
        return evm_fail(f, EVM_OUT_OF_GAS);
    outcome = evm_pay(f, call.cost + gas, call.memory_size);
    if (outcome)
        return outcome;

    struct evm_message message = call_message(f, &call);
    message.gas = gas + (u256_is_zero(&call.value) ? 0 : EVM_GAS_CALL_STIPEND);
    size_t out_size = u256_is_u64(call.out_size) ? call.out_size->w[0] : 0;
    size_t out_offset = out_size ? call.out_offset->w[0] : 0;
    f->sp = (struct u256 *)call.out_size;
    return send(f, &message, out_offset, out_size);
}

int evm_op_call(struct evm_frame *f)
{
    return call(f, EVM_CALL);
}

int evm_op_callcode(struct evm_frame *f)
{
    return call(f, EVM_CALLCODE);
}

int evm_op_delegatecall(struct evm_frame *f)
{
    return call(f, EVM_DELEGATECALL);
}

int evm_op_staticcall(struct evm_frame *f)
{
    return call(f, EVM_STATICCALL);
}
