/*
 * Operations on words, as the fast interpreter computes them: operands in registers, no vectors
 * (a vector load behind four stores of 64 bits waits until these have left the store buffer).
 */
#ifndef EVM_FAST_WORD_H
#define EVM_FAST_WORD_H

#include "evm/frame.h"

/* Keeps the compiler from joining the limbs of a copy into a vector. */
BASE_ALWAYS_INLINE uint64_t evm_word_limb(uint64_t limb)
{
    __asm__("" : "+r"(limb));
    return limb;
}

BASE_ALWAYS_INLINE void evm_word_add(struct u256 *r, const struct u256 *a, const struct u256 *b)
{
    u256_add(r, a, b);
}

BASE_ALWAYS_INLINE void evm_word_sub(struct u256 *r, const struct u256 *a, const struct u256 *b)
{
    u256_sub(r, a, b);
}

BASE_ALWAYS_INLINE void evm_word_mul(struct u256 *r, const struct u256 *a, const struct u256 *b)
{
    if (u256_is_u64(a) && u256_is_u64(b)) {
        u256_wide p = (u256_wide)a->w[0] * b->w[0];
        *r = (struct u256){{(uint64_t)p, (uint64_t)(p >> 64), 0, 0}};
    } else {
        u256_mul(r, a, b);
    }
}

#define EVM_WORD_BITWISE(name, operator)                                                           \
    BASE_ALWAYS_INLINE void evm_word_##name(struct u256 *r, const struct u256 *a,                  \
                                            const struct u256 *b)                                  \
    {                                                                                              \
        for (int i = 0; i < 4; i++)                                                                \
            r->w[i] = evm_word_limb(a->w[i] operator b->w[i]);                                     \
    }
EVM_WORD_BITWISE(and, &)
EVM_WORD_BITWISE(or, |)
EVM_WORD_BITWISE(xor, ^)

BASE_ALWAYS_INLINE unsigned evm_word_shift_of(const struct u256 *a)
{
    return u256_is_u64(a) && a->w[0] < 256 ? (unsigned)a->w[0] : 256;
}

BASE_ALWAYS_INLINE void evm_word_shl(struct u256 *r, const struct u256 *shift, const struct u256 *x)
{
    u256_shift_left(r, x, evm_word_shift_of(shift));
}

BASE_ALWAYS_INLINE void evm_word_shr(struct u256 *r, const struct u256 *shift, const struct u256 *x)
{
    u256_shift_right(r, x, evm_word_shift_of(shift));
}

BASE_ALWAYS_INLINE bool evm_word_lt(const struct u256 *a, const struct u256 *b)
{
    return u256_less(a, b);
}

BASE_ALWAYS_INLINE bool evm_word_ge(const struct u256 *a, const struct u256 *b)
{
    return !u256_less(a, b);
}

BASE_ALWAYS_INLINE bool evm_word_slt(const struct u256 *a, const struct u256 *b)
{
    return u256_less_signed(a, b);
}

BASE_ALWAYS_INLINE bool evm_word_sge(const struct u256 *a, const struct u256 *b)
{
    return !u256_less_signed(a, b);
}

BASE_ALWAYS_INLINE bool evm_word_eq(const struct u256 *a, const struct u256 *b)
{
    return u256_equal(a, b);
}

BASE_ALWAYS_INLINE bool evm_word_ne(const struct u256 *a, const struct u256 *b)
{
    return !u256_equal(a, b);
}

BASE_ALWAYS_INLINE bool evm_word_zero(const struct u256 *a)
{
    return u256_is_zero(a);
}

BASE_ALWAYS_INLINE bool evm_word_nonzero(const struct u256 *a)
{
    return !u256_is_zero(a);
}

/* BYTE: byte `i` from the most significant one. */
static inline void evm_word_byte(struct u256 *r, const struct u256 *i, const struct u256 *x)
{
    uint64_t value = 0;
    if (u256_is_u64(i) && i->w[0] < 32)
        value = x->w[3 - i->w[0] / 8] >> (56 - i->w[0] % 8 * 8) & 0xff;
    *r = u256_from(value);
}

static inline void evm_word_sar(struct u256 *r, const struct u256 *shift, const struct u256 *x)
{
    u256_shift_right_signed(r, x, evm_word_shift_of(shift));
}

/* Whether `size` bytes from `offset` on lie within the memory that is there. */
BASE_ALWAYS_INLINE bool evm_in_memory(const struct evm_frame *f, const struct u256 *offset,
                                      uint64_t size)
{
    return (offset->w[1] | offset->w[2] | offset->w[3] | offset->w[0] >> 32) == 0 &&
           offset->w[0] + size <= f->memory_size;
}

#endif
