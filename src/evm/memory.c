/* What a frame has for itself: gas, memory, and the instructions over them. */
#include "evm/heavy.h"

#include "crypto/keccak.h"

/* Beyond, the square of the words does not fit the gas; geth's limit, too. */
#define MEMORY_MAX ((uint64_t)0x1FFFFFFFE0)

static int64_t memory_price(uint64_t bytes)
{
    int64_t words = evm_words(bytes);
    return words * EVM_GAS_MEMORY_WORD + words * words / EVM_GAS_MEMORY_QUADRATIC;
}

bool evm_memory_cost(const struct evm_frame *f, int64_t *ret_gas, size_t *ret_memory_size,
                     const struct u256 *offset, const struct u256 *size)
{
    *ret_gas = 0;
    *ret_memory_size = f->memory_size;
    if (u256_is_zero(size))
        return true;
    if (!u256_is_u64(offset) || !u256_is_u64(size) || offset->w[0] > MEMORY_MAX ||
        size->w[0] > MEMORY_MAX || offset->w[0] + size->w[0] > MEMORY_MAX)
        return false;
    uint64_t end = offset->w[0] + size->w[0];
    if (end > f->memory_size) {
        *ret_gas = memory_price(end) - memory_price(f->memory_size);
        *ret_memory_size = (size_t)evm_words(end) * 32;
    }
    return true;
}

static int grow_memory(struct evm_frame *f, size_t size)
{
    if (size > f->memory_room) {
        uint8_t *place = evm_space_room(&f->evm->memory, &f->memory_room, size);
        if (!place)
            return ERR_NOMEM;
        if (f->memory_size && place != f->memory)
            memcpy(place, f->memory, f->memory_size);
        f->memory = place;
    }
    evm_space_clear(&f->evm->memory, f->memory + f->memory_size, size - f->memory_size);
    f->memory_size = size;
    return 0;
}

int evm_pay(struct evm_frame *f, int64_t gas, size_t memory_size)
{
    enum evm_status status = gas <= f->gas ? EVM_SUCCESS : EVM_OUT_OF_GAS;
    if (BASE_UNLIKELY(f->evm->tracer != NULL)) {
        int err =
            evm_trace_step(f, f->evm->step_gas - f->gas + gas,
                           memory_size > f->memory_size ? memory_size : f->memory_size, status);
        if (err)
            return err;
    }
    if (status != EVM_SUCCESS)
        return evm_halt(f, status);
    f->gas -= gas;
    return memory_size > f->memory_size ? grow_memory(f, memory_size) : EVM_NEXT;
}

int evm_fail(struct evm_frame *f, enum evm_status status)
{
    int err =
        f->evm->tracer ? evm_trace_step(f, f->evm->step_gas - f->gas, f->memory_size, status) : 0;
    return err ? err : evm_halt(f, status);
}

/* Pays for memory and for `word_gas` per word of `size`, and `more`. */
static int pay_range(struct evm_frame *f, const struct u256 *offset, const struct u256 *size,
                     int64_t word_gas, int64_t more)
{
    int64_t gas;
    size_t memory_size;
    if (!evm_memory_cost(f, &gas, &memory_size, offset, size))
        return evm_fail(f, EVM_OUT_OF_GAS);
    return evm_pay(f, gas + word_gas * evm_words(size->w[0]) + more, memory_size);
}

int evm_op_exp(struct evm_frame *f)
{
    struct u256 *base = f->sp - 1, *exponent = f->sp - 2;
    int64_t gas = (int64_t)f->rules->exp_byte * u256_byte_length(exponent);
    int outcome = evm_pay(f, gas, f->memory_size);
    if (outcome == EVM_NEXT) {
        u256_exp(exponent, base, exponent);
        f->sp--;
    }
    return outcome;
}

int evm_op_keccak256(struct evm_frame *f)
{
    struct u256 *offset = f->sp - 1, *size = f->sp - 2;
    int outcome = pay_range(f, offset, size, EVM_GAS_WORD_KECCAK, 0);
    if (outcome == EVM_NEXT) {
        struct hash256 hash;
        crypto_keccak256(&hash, evm_memory(f, offset, size));
        *size = u256_load(hash.b);
        f->sp--;
    }
    return outcome;
}

static const struct u256 word_size = {{32}}, byte_size = {{1}};

int evm_op_mload(struct evm_frame *f)
{
    struct u256 *offset = f->sp - 1;
    int outcome = pay_range(f, offset, &word_size, 0, 0);
    if (outcome == EVM_NEXT)
        *offset = u256_load(f->memory + offset->w[0]);
    return outcome;
}

int evm_op_mstore(struct evm_frame *f)
{
    const struct u256 *offset = f->sp - 1, *value = f->sp - 2;
    int outcome = pay_range(f, offset, &word_size, 0, 0);
    if (outcome == EVM_NEXT) {
        u256_store(f->memory + offset->w[0], value);
        f->sp -= 2;
    }
    return outcome;
}

int evm_op_mstore8(struct evm_frame *f)
{
    const struct u256 *offset = f->sp - 1, *value = f->sp - 2;
    int outcome = pay_range(f, offset, &byte_size, 0, 0);
    if (outcome == EVM_NEXT) {
        f->memory[offset->w[0]] = (uint8_t)value->w[0];
        f->sp -= 2;
    }
    return outcome;
}

/* EIP-5656 */
int evm_op_mcopy(struct evm_frame *f)
{
    const struct u256 *to = f->sp - 1, *from = f->sp - 2, *size = f->sp - 3;
    const struct u256 *further = u256_less(from, to) ? to : from;
    int outcome = pay_range(f, further, size, EVM_GAS_WORD_COPY, 0);
    if (outcome == EVM_NEXT) {
        if (size->w[0])
            memmove(f->memory + to->w[0], f->memory + from->w[0], size->w[0]);
        f->sp -= 3;
    }
    return outcome;
}

void evm_copy_padded(struct evm_frame *f, const struct u256 *to, const struct u256 *from,
                     const struct u256 *size, struct bytes source)
{
    if (size->w[0] == 0)
        return;
    uint8_t *place = f->memory + to->w[0];
    size_t start = u256_is_u64(from) && from->w[0] < source.len ? from->w[0] : source.len;
    size_t n = source.len - start < size->w[0] ? source.len - start : size->w[0];
    if (n)
        memcpy(place, source.data + start, n);
    memset(place + n, 0, size->w[0] - n);
}

int evm_pay_copy(struct evm_frame *f, const struct u256 *to, const struct u256 *size, int64_t more)
{
    return pay_range(f, to, size, EVM_GAS_WORD_COPY, more);
}

static int copy(struct evm_frame *f, struct bytes source)
{
    const struct u256 *to = f->sp - 1, *from = f->sp - 2, *size = f->sp - 3;
    int outcome = evm_pay_copy(f, to, size, 0);
    if (outcome == EVM_NEXT) {
        evm_copy_padded(f, to, from, size, source);
        f->sp -= 3;
    }
    return outcome;
}

int evm_op_calldatacopy(struct evm_frame *f)
{
    return copy(f, f->message.input);
}

int evm_op_codecopy(struct evm_frame *f)
{
    return copy(f, bytes_of(f->code, f->code_size));
}

/* EIP-211: unlike other copies, not beyond the end, not even of nothing. */
int evm_op_returndatacopy(struct evm_frame *f)
{
    const struct u256 *to = f->sp - 1, *from = f->sp - 2, *size = f->sp - 3;
    struct bytes source = f->evm->return_data;
    int outcome = evm_pay_copy(f, to, size, 0);
    if (outcome != EVM_NEXT)
        return outcome;
    if (!u256_is_u64(from) || from->w[0] > source.len || size->w[0] > source.len - from->w[0])
        return evm_halt(f, EVM_RETURN_DATA_OUT_OF_BOUNDS);
    evm_copy_padded(f, to, from, size, source);
    f->sp -= 3;
    return EVM_NEXT;
}

static int end(struct evm_frame *f, enum evm_status status)
{
    const struct u256 *offset = f->sp - 1, *size = f->sp - 2;
    int outcome = pay_range(f, offset, size, 0, 0);
    if (outcome != EVM_NEXT)
        return outcome;
    f->output = evm_memory(f, offset, size);
    f->sp -= 2;
    return evm_halt(f, status);
}

int evm_op_return(struct evm_frame *f)
{
    return end(f, EVM_SUCCESS);
}

int evm_op_revert(struct evm_frame *f)
{
    return end(f, EVM_REVERT);
}
