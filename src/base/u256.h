/*
 * 256-bit unsigned integers, wrapping like the EVM's words (Yellow Paper, appendix H).
 *
 * Four 64-bit limbs, the least significant first. What contracts do most (add, subtract, compare,
 * shift, multiply) is inline; division and what builds on it is in u256.c, with shortcuts for small
 * operands. Functions take pointers and allow the result to be one of the operands.
 */
#ifndef BASE_U256_H
#define BASE_U256_H

#include "base/bytes.h"

/* The compilers' own names for what <immintrin.h> wraps, whose 60,000 lines nearly every file would have to read otherwise. */
#if defined(__x86_64__) && defined(__clang__)
#    define U256_ADC __builtin_ia32_addcarryx_u64
#    define U256_SBB __builtin_ia32_subborrow_u64
#elif defined(__x86_64__)
#    define U256_ADC __builtin_ia32_addcarryx_u64
#    define U256_SBB __builtin_ia32_sbb_u64
#endif

struct u256 {
    uint64_t w[4];
};

__extension__ typedef unsigned __int128 u256_wide; /* a product of two limbs */

static inline struct u256 u256_from(uint64_t value)
{
    return (struct u256){{value, 0, 0, 0}};
}

/*
 * A copy, limb by limb. Operands were most often written limb by limb a moment ago, and a vector
 * load cannot take its bytes from several stores that are under way: it would wait for them, for
 * longer than the whole operation takes.
 */
BASE_ALWAYS_INLINE struct u256 u256_read(const struct u256 *a)
{
    uint64_t w0 = a->w[0], w1 = a->w[1], w2 = a->w[2], w3 = a->w[3];
    __asm__("" : "+r"(w0), "+r"(w1), "+r"(w2), "+r"(w3));
    return (struct u256){{w0, w1, w2, w3}};
}

static inline bool u256_is_zero(const struct u256 *a)
{
    return (a->w[0] | a->w[1] | a->w[2] | a->w[3]) == 0;
}

/* Whether the value fits into 64 bits; it is then w[0]. */
static inline bool u256_is_u64(const struct u256 *a)
{
    return (a->w[1] | a->w[2] | a->w[3]) == 0;
}

static inline bool u256_equal(const struct u256 *a, const struct u256 *b)
{
    return ((a->w[0] ^ b->w[0]) | (a->w[1] ^ b->w[1]) | (a->w[2] ^ b->w[2]) |
            (a->w[3] ^ b->w[3])) == 0;
}

/* One limb of an addition: a + b + *carry, with the new carry (0 or 1). */
BASE_ALWAYS_INLINE uint64_t u256_limb_add(uint64_t a, uint64_t b, unsigned char *carry)
{
#ifdef U256_ADC
    unsigned long long sum;
    *carry = U256_ADC(*carry, a, b, &sum);
    return sum;
#else
    u256_wide sum = (u256_wide)a + b + *carry;
    *carry = (unsigned char)(sum >> 64);
    return (uint64_t)sum;
#endif
}

/* One limb of a subtraction: a - b - *borrow, with the new borrow (0 or 1). */
BASE_ALWAYS_INLINE uint64_t u256_limb_sub(uint64_t a, uint64_t b, unsigned char *borrow)
{
#ifdef U256_SBB
    unsigned long long difference;
    *borrow = U256_SBB(*borrow, a, b, &difference);
    return difference;
#else
    u256_wide difference = (u256_wide)a - b - *borrow;
    *borrow = (unsigned char)(difference >> 64) & 1;
    return (uint64_t)difference;
#endif
}

/* r = a + b mod 2^256; returns the carry. */
BASE_ALWAYS_INLINE bool u256_add(struct u256 *r, const struct u256 *a, const struct u256 *b)
{
    unsigned char c = 0;
    r->w[0] = u256_limb_add(a->w[0], b->w[0], &c);
    r->w[1] = u256_limb_add(a->w[1], b->w[1], &c);
    r->w[2] = u256_limb_add(a->w[2], b->w[2], &c);
    r->w[3] = u256_limb_add(a->w[3], b->w[3], &c);
    return c;
}

/* r = a - b mod 2^256; returns the borrow, which is a < b. */
BASE_ALWAYS_INLINE bool u256_sub(struct u256 *r, const struct u256 *a, const struct u256 *b)
{
    unsigned char c = 0;
    r->w[0] = u256_limb_sub(a->w[0], b->w[0], &c);
    r->w[1] = u256_limb_sub(a->w[1], b->w[1], &c);
    r->w[2] = u256_limb_sub(a->w[2], b->w[2], &c);
    r->w[3] = u256_limb_sub(a->w[3], b->w[3], &c);
    return c;
}

BASE_ALWAYS_INLINE bool u256_less(const struct u256 *a, const struct u256 *b)
{
    struct u256 difference;
    return u256_sub(&difference, a, b);
}

/* -1, 0, 1 */
static inline int u256_compare(const struct u256 *a, const struct u256 *b)
{
    return u256_less(a, b) ? -1 : u256_less(b, a);
}

/* Whether the value, read as two's complement, is negative. */
static inline bool u256_is_negative(const struct u256 *a)
{
    return a->w[3] >> 63;
}

/* a < b, both read as two's complement. */
static inline bool u256_less_signed(const struct u256 *a, const struct u256 *b)
{
    bool a_negative = u256_is_negative(a), b_negative = u256_is_negative(b);
    return a_negative != b_negative ? a_negative : u256_less(a, b);
}

static inline void u256_negate(struct u256 *r, const struct u256 *a)
{
    static const struct u256 zero;
    u256_sub(r, &zero, a);
}

/* r = a * b mod 2^256 */
BASE_ALWAYS_INLINE void u256_mul(struct u256 *r, const struct u256 *a, const struct u256 *b)
{
    u256_wide p00 = (u256_wide)a->w[0] * b->w[0], p01 = (u256_wide)a->w[0] * b->w[1];
    u256_wide p10 = (u256_wide)a->w[1] * b->w[0], p02 = (u256_wide)a->w[0] * b->w[2];
    u256_wide p11 = (u256_wide)a->w[1] * b->w[1], p20 = (u256_wide)a->w[2] * b->w[0];
    uint64_t top = a->w[0] * b->w[3] + a->w[1] * b->w[2] + a->w[2] * b->w[1] + a->w[3] * b->w[0];

    u256_wide sum1 = (p00 >> 64) + (uint64_t)p01 + (uint64_t)p10;
    u256_wide sum2 =
        (sum1 >> 64) + (p01 >> 64) + (p10 >> 64) + (uint64_t)p02 + (uint64_t)p11 + (uint64_t)p20;
    top += (uint64_t)(sum2 >> 64) + (uint64_t)(p02 >> 64) + (uint64_t)(p11 >> 64) +
           (uint64_t)(p20 >> 64);
    *r = (struct u256){{(uint64_t)p00, (uint64_t)sum1, (uint64_t)sum2, top}};
}

/* The upper limb of high:low << n, and the lower limb of high:low >> n; n below 64. */
BASE_ALWAYS_INLINE uint64_t u256_limb_shift_left(uint64_t high, uint64_t low, unsigned n)
{
    return high << n | low >> 1 >> (63 - n);
}

BASE_ALWAYS_INLINE uint64_t u256_limb_shift_right(uint64_t high, uint64_t low, unsigned n)
{
    return low >> n | high << 1 << (63 - n);
}

/* r = a << n and r = a >> n; n of 256 and more gives 0. */
BASE_ALWAYS_INLINE void u256_shift_left(struct u256 *r, const struct u256 *a, unsigned n)
{
    unsigned bits = n % 64;
    uint64_t w0 = a->w[0] << bits;
    uint64_t w1 = u256_limb_shift_left(a->w[1], a->w[0], bits);
    uint64_t w2 = u256_limb_shift_left(a->w[2], a->w[1], bits);
    uint64_t w3 = u256_limb_shift_left(a->w[3], a->w[2], bits);
    if (n < 64)
        *r = (struct u256){{w0, w1, w2, w3}};
    else if (n < 128)
        *r = (struct u256){{0, w0, w1, w2}};
    else if (n < 192)
        *r = (struct u256){{0, 0, w0, w1}};
    else
        *r = (struct u256){{0, 0, 0, n < 256 ? w0 : 0}};
}

BASE_ALWAYS_INLINE void u256_shift_right(struct u256 *r, const struct u256 *a, unsigned n)
{
    unsigned bits = n % 64;
    uint64_t w0 = u256_limb_shift_right(a->w[1], a->w[0], bits);
    uint64_t w1 = u256_limb_shift_right(a->w[2], a->w[1], bits);
    uint64_t w2 = u256_limb_shift_right(a->w[3], a->w[2], bits);
    uint64_t w3 = a->w[3] >> bits;
    if (n < 64)
        *r = (struct u256){{w0, w1, w2, w3}};
    else if (n < 128)
        *r = (struct u256){{w1, w2, w3, 0}};
    else if (n < 192)
        *r = (struct u256){{w2, w3, 0, 0}};
    else
        *r = (struct u256){{n < 256 ? w3 : 0, 0, 0, 0}};
}

/* As a shift right of two's complement: the sign fills in. */
void u256_shift_right_signed(struct u256 *r, const struct u256 *a, unsigned n);

/* Number of significant bits, 0 … 256. */
static inline unsigned u256_bit_length(const struct u256 *a)
{
    for (int i = 3; i >= 0; i--)
        if (a->w[i])
            return (unsigned)i * 64 + 64 - (unsigned)__builtin_clzll(a->w[i]);
    return 0;
}

static inline unsigned u256_byte_length(const struct u256 *a)
{
    return (u256_bit_length(a) + 7) / 8;
}

/* ret_q = a / b, ret_r = a mod b; both 0 when b is 0, as the EVM defines. Either may be NULL. */
void u256_divmod(struct u256 *ret_q, struct u256 *ret_r, const struct u256 *a,
                 const struct u256 *b);
/* Two's complement, truncated towards zero (SDIV, SMOD). */
void u256_div_signed(struct u256 *r, const struct u256 *a, const struct u256 *b);
void u256_mod_signed(struct u256 *r, const struct u256 *a, const struct u256 *b);
/* (a + b) mod m and (a * b) mod m over unbounded intermediates; 0 when m is 0. */
void u256_add_mod(struct u256 *r, const struct u256 *a, const struct u256 *b, const struct u256 *m);
void u256_mul_mod(struct u256 *r, const struct u256 *a, const struct u256 *b, const struct u256 *m);
/* A modulus that is used often, with what makes divisions by it fast. Not 0. */
struct u256_modulus {
    struct u256 value;
    struct u256 divisor, reciprocal; /* see u256.c */
    unsigned shift;
};
void u256_modulus_init(struct u256_modulus *ret_modulus, const struct u256 *m);
/* As u256_mul_mod. */
void u256_mul_mod_by(struct u256 *r, const struct u256 *a, const struct u256 *b,
                     const struct u256_modulus *modulus);
/* base ^ exponent mod 2^256 */
void u256_exp(struct u256 *r, const struct u256 *base, const struct u256 *exponent);
/* SIGNEXTEND: copies bit 8 * byte + 7 into all above it; `byte` of 31 and more leaves x as it is.
 */
void u256_sign_extend(struct u256 *r, const struct u256 *byte, const struct u256 *x);

/* Overflow-checked sums for balances: false, and *r untouched, when the result does not fit. */
static inline bool u256_add_checked(struct u256 *r, const struct u256 *a, const struct u256 *b)
{
    struct u256 sum;
    if (u256_add(&sum, a, b))
        return false;
    *r = sum;
    return true;
}

static inline bool u256_sub_checked(struct u256 *r, const struct u256 *a, const struct u256 *b)
{
    struct u256 difference;
    if (u256_sub(&difference, a, b))
        return false;
    *r = difference;
    return true;
}

/* False, and *r as it was, when the product does not fit. */
bool u256_mul_checked(struct u256 *r, const struct u256 *a, const struct u256 *b);

/* 32 bytes, big endian. */
BASE_ALWAYS_INLINE struct u256 u256_load(const void *be32)
{
    uint64_t w[4];
    memcpy(w, be32, sizeof(w));
    return (struct u256){{__builtin_bswap64(w[3]), __builtin_bswap64(w[2]), __builtin_bswap64(w[1]),
                          __builtin_bswap64(w[0])}};
}

BASE_ALWAYS_INLINE void u256_store(void *be32, const struct u256 *a)
{
    uint64_t w[4] = {__builtin_bswap64(a->w[3]), __builtin_bswap64(a->w[2]),
                     __builtin_bswap64(a->w[1]), __builtin_bswap64(a->w[0])};
    memcpy(be32, w, sizeof(w));
}

/* Up to 32 bytes, big endian. */
static inline struct u256 u256_load_short(const void *be, size_t len)
{
    uint8_t padded[32] = {0};
    assert(len <= sizeof(padded));
    if (len)
        memcpy(padded + sizeof(padded) - len, be, len);
    return u256_load(padded);
}

#endif
