/*
 * The precompiled contract 0x05, modular exponentiation (EIP-198). Its input:
 *
 *    0  lengths of base, exponent and modulus, 32 bytes each
 *   96  base, exponent, modulus, one behind the other
 *
 * What lies behind the end of the input reads as zeros.
 */
#include "evm/precompile/internal.h"

#include "base/mem.h"
#include "crypto/modexp.h"

enum {
    HEADER = 96,
    OPERAND_MAX = 1024, /* EIP-7823 */
};

struct operands {
    uint64_t base, exponent, modulus; /* lengths; UINT64_MAX for all that do not fit */
};

static uint64_t length_at(struct bytes input, size_t from)
{
    uint8_t be[32];
    evm_input_padded(be, sizeof(be), input, from);
    struct u256 length = u256_load(be);
    return u256_is_u64(&length) ? length.w[0] : UINT64_MAX;
}

static struct operands read_lengths(struct bytes input)
{
    return (struct operands){length_at(input, 0), length_at(input, 32), length_at(input, 64)};
}

static uint64_t larger(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

static uint64_t saturated(u256_wide value)
{
    return value > UINT64_MAX ? UINT64_MAX : (uint64_t)value;
}

/* What a multiplication of numbers of x bytes is worth. x is at most 2^32 here. */
static uint64_t multiplication(enum fork fork, uint64_t x)
{
    uint64_t words = (x + 7) / 8;
    if (fork >= FORK_OSAKA) /* EIP-7883 */
        return x <= 32 ? 16 : 2 * words * words;
    if (fork >= FORK_BERLIN) /* EIP-2565 */
        return words * words;
    if (x <= 64) /* EIP-198 */
        return x * x;
    if (x <= 1024)
        return x * x / 4 + 96 * x - 3072;
    return x * x / 16 + 480 * x - 199680;
}

/* The bits of the exponent, as far as its first 32 bytes and its length tell; at least 1. */
static uint64_t iterations(enum fork fork, const struct operands *o, struct bytes input)
{
    uint8_t head[32];
    size_t head_len = o->exponent < sizeof(head) ? (size_t)o->exponent : sizeof(head);
    uint64_t count = 0;
    if (o->exponent > sizeof(head))
        count = saturated((u256_wide)(o->exponent - sizeof(head)) * (fork >= FORK_OSAKA ? 16 : 8));
    if (o->base < input.len) { /* else only zeros follow */
        evm_input_padded(head, head_len, input, HEADER + (size_t)o->base);
        struct u256 first = u256_load_short(head, head_len);
        unsigned bits = u256_bit_length(&first);
        count = saturated((u256_wide)count + (bits ? bits - 1 : 0));
    }
    return larger(count, 1);
}

uint64_t evm_modexp_gas(enum fork fork, struct bytes input)
{
    struct operands o = read_lengths(input);
    uint64_t longest = larger(o.base, o.modulus);
    if (longest > UINT32_MAX)
        return UINT64_MAX;
    u256_wide product = (u256_wide)multiplication(fork, longest) * iterations(fork, &o, input);
    if (fork >= FORK_OSAKA)
        return larger(saturated(product), 500);
    if (fork >= FORK_BERLIN)
        return larger(saturated(product / 3), 200);
    return saturated(product / 20);
}

/* The part of the exponent that the input holds. The implied zeros behind it may be far more than
 * this machine has memory for, although their price (8 / 20 gas a byte in EIP-198) can be paid. */
static struct bytes given_exponent(const struct operands *o, struct bytes input)
{
    size_t from = HEADER + (size_t)o->base;
    if (from >= input.len)
        return bytes_none();
    size_t there = input.len - from;
    return bytes_slice(input, from, there < o->exponent ? there : (size_t)o->exponent);
}

/* r = r ^ (256 ^ zeros) mod modulus: what `zeros` bytes of 0 behind an exponent do. */
static int raise_by_zeros(uint8_t *r, uint64_t zeros, struct bytes modulus)
{
    enum { CHUNK = 1 << 20 };
    size_t size = zeros < CHUNK ? (size_t)zeros : CHUNK;
    uint8_t *exponent = mem_alloc_zeroed(size + 1, 1);
    if (!exponent)
        return ERR_NOMEM;
    int err = 0;
    exponent[0] = 1;
    while (!err && zeros) {
        size_t n = zeros < size ? (size_t)zeros : size;
        err = crypto_modexp(r, bytes_of(r, modulus.len), bytes_of(exponent, n + 1), modulus);
        zeros -= n;
    }
    mem_free(exponent);
    return err;
}

/* numbers: base and modulus, padded. */
static int raise(uint8_t *result, const uint8_t *numbers, const struct operands *o,
                 struct bytes exponent)
{
    struct bytes base = bytes_of(numbers, o->base);
    struct bytes modulus = bytes_of(numbers + o->base, o->modulus);
    uint64_t zeros = o->exponent - exponent.len;
    int err = crypto_modexp(result, base, exponent, modulus);
    if (err || zeros == 0 || exponent.len == 0)
        return err;
    return raise_by_zeros(result, zeros, modulus);
}

int evm_precompile_modexp(struct bytes input, struct buf *output, enum evm_status *ret_status)
{
    (void)ret_status;
    struct operands o = read_lengths(input);
    if (o.modulus == 0)
        return 0;
    if (larger(o.base, o.modulus) > CRYPTO_MODEXP_MAX_MODULUS)
        return ERR_LIMIT;
    uint8_t *numbers = mem_alloc((size_t)(o.base + o.modulus));
    if (!numbers)
        return ERR_NOMEM;
    struct bytes exponent = given_exponent(&o, input);
    evm_input_padded(numbers, o.base, input, HEADER);
    if (o.exponent < input.len) /* else the modulus is all implied zeros */
        evm_input_padded(numbers + o.base, o.modulus, input, HEADER + o.base + o.exponent);
    else
        memset(numbers + o.base, 0, o.modulus);
    uint8_t *result = buf_extend(output, (size_t)o.modulus);
    int err = result ? raise(result, numbers, &o, exponent) : ERR_NOMEM;
    mem_free(numbers);
    return err;
}

int evm_precompile_modexp_bounded(struct bytes input, struct buf *output,
                                  enum evm_status *ret_status)
{
    struct operands o = read_lengths(input);
    if (o.base <= OPERAND_MAX && o.exponent <= OPERAND_MAX && o.modulus <= OPERAND_MAX)
        return evm_precompile_modexp(input, output, ret_status);
    *ret_status = EVM_PRECOMPILE_FAILURE;
    return 0;
}
