/*
 * Numbers of a fixed few 64-bit limbs, the least significant first, in portable C.
 *
 * `n`, the number of limbs, is a constant wherever these are called, so that every loop unrolls.
 * limbs_mul_montgomery and its kin are the plain twins of limbs_adx.h.
 */
#ifndef CRYPTO_PAIRING_LIMBS_H
#define CRYPTO_PAIRING_LIMBS_H

#include "base/u256.h"

#define LIMBS_MAX 6

#if defined(__SANITIZE_ADDRESS__)
#    define PAIRING_SANITIZED 1
#elif defined(__has_feature)
#    if __has_feature(address_sanitizer)
#        define PAIRING_SANITIZED 1
#    endif
#endif

/* Functions of these headers that are called, not inlined; not every file calls all of them. */
#define PAIRING_FUNCTION static __attribute__((noinline, unused))

/* Those that are inlined, save where every access is checked: compiling would take minutes. */
#ifdef PAIRING_SANITIZED
#    define PAIRING_INLINE PAIRING_FUNCTION
#else
#    define PAIRING_INLINE BASE_ALWAYS_INLINE
#endif

/* r = a + b; the carry. */
BASE_ALWAYS_INLINE unsigned char limbs_add(uint64_t *r, const uint64_t *a, const uint64_t *b, int n)
{
    unsigned char carry = 0;
#pragma GCC unroll 16
    for (int i = 0; i < n; i++)
        r[i] = u256_limb_add(a[i], b[i], &carry);
    return carry;
}

/* r = a - b; the borrow. */
BASE_ALWAYS_INLINE unsigned char limbs_sub(uint64_t *r, const uint64_t *a, const uint64_t *b, int n)
{
    unsigned char borrow = 0;
#pragma GCC unroll 16
    for (int i = 0; i < n; i++)
        r[i] = u256_limb_sub(a[i], b[i], &borrow);
    return borrow;
}

/* r = a - p when that is not negative, else a. */
BASE_ALWAYS_INLINE void limbs_reduce_once(uint64_t *r, const uint64_t *a, const uint64_t *p, int n)
{
    uint64_t d[LIMBS_MAX];
    uint64_t keep = 0 - (uint64_t)limbs_sub(d, a, p, n);
#pragma GCC unroll 16
    for (int i = 0; i < n; i++)
        r[i] = d[i] ^ ((d[i] ^ a[i]) & keep);
}

/* r = a + (p if `condition`, which is 0 or 1). */
BASE_ALWAYS_INLINE void limbs_add_if(uint64_t *r, const uint64_t *a, const uint64_t *p,
                                     unsigned char condition, int n)
{
    uint64_t masked[LIMBS_MAX];
#pragma GCC unroll 16
    for (int i = 0; i < n; i++)
        masked[i] = p[i] & (0 - (uint64_t)condition);
    limbs_add(r, a, masked, n);
}

BASE_ALWAYS_INLINE bool limbs_is_zero(const uint64_t *a, int n)
{
    uint64_t bits = 0;
#pragma GCC unroll 16
    for (int i = 0; i < n; i++)
        bits |= a[i];
    return bits == 0;
}

BASE_ALWAYS_INLINE bool limbs_equal(const uint64_t *a, const uint64_t *b, int n)
{
    uint64_t bits = 0;
#pragma GCC unroll 16
    for (int i = 0; i < n; i++)
        bits |= a[i] ^ b[i];
    return bits == 0;
}

/* a < b */
BASE_ALWAYS_INLINE bool limbs_less(const uint64_t *a, const uint64_t *b, int n)
{
    uint64_t d[LIMBS_MAX];
    return limbs_sub(d, a, b, n);
}

/* a >>= 1, the top bit becoming `carry`. */
BASE_ALWAYS_INLINE void limbs_halve(uint64_t *a, unsigned char carry, int n)
{
#pragma GCC unroll 16
    for (int i = 0; i + 1 < n; i++)
        a[i] = a[i] >> 1 | a[i + 1] << 63;
    a[n - 1] = a[n - 1] >> 1 | (uint64_t)carry << 63;
}

/* The limbs of 8 n bytes, big endian, and back. */
BASE_ALWAYS_INLINE void limbs_load(uint64_t *r, const uint8_t *be, int n)
{
    for (int i = 0; i < n; i++) {
        uint64_t w;
        memcpy(&w, be + 8 * (n - 1 - i), sizeof(w));
        r[i] = __builtin_bswap64(w);
    }
}

BASE_ALWAYS_INLINE void limbs_store(uint8_t *be, const uint64_t *a, int n)
{
    for (int i = 0; i < n; i++) {
        uint64_t w = __builtin_bswap64(a[i]);
        memcpy(be + 8 * (n - 1 - i), &w, sizeof(w));
    }
}

/* a * b + c + d, which never overflows: the low half returned, the high half in *ret_high. */
BASE_ALWAYS_INLINE uint64_t limbs_mac(uint64_t a, uint64_t b, uint64_t c, uint64_t d,
                                      uint64_t *ret_high)
{
    u256_wide t = (u256_wide)a * b + c + d;
    *ret_high = (uint64_t)(t >> 64);
    return (uint64_t)t;
}

/* r (2 n limbs) = a * b. */
BASE_ALWAYS_INLINE void limbs_mul(uint64_t *r, const uint64_t *a, const uint64_t *b, int n)
{
    uint64_t t[2 * LIMBS_MAX] = {0};
#pragma GCC unroll 16
    for (int i = 0; i < n; i++) {
        uint64_t high = 0;
#pragma GCC unroll 16
        for (int j = 0; j < n; j++)
            t[i + j] = limbs_mac(a[j], b[i], t[i + j], high, &high);
        t[i + n] = high;
    }
    memcpy(r, t, 2 * (size_t)n * sizeof(t[0]));
}

/*
 * r = a * b / 2^(64 n) mod p, for a, b < p. `inverse` is -1/p mod 2^64. The top bit of p must be
 * clear: both carries of a round then fit into one limb (the "no carry" form of Montgomery's CIOS).
 */
BASE_ALWAYS_INLINE void limbs_mul_montgomery(uint64_t *r, const uint64_t *a, const uint64_t *b,
                                             const uint64_t *p, uint64_t inverse, int n)
{
    uint64_t t[LIMBS_MAX] = {0};
#pragma GCC unroll 16
    for (int i = 0; i < n; i++) {
        uint64_t high, carry;
        uint64_t low = limbs_mac(a[0], b[i], t[0], 0, &high);
        uint64_t m = low * inverse;
        limbs_mac(m, p[0], low, 0, &carry);
#pragma GCC unroll 16
        for (int j = 1; j < n; j++) {
            low = limbs_mac(a[j], b[i], t[j], high, &high);
            t[j - 1] = limbs_mac(m, p[j], low, carry, &carry);
        }
        t[n - 1] = high + carry;
    }
    limbs_reduce_once(r, t, p, n);
}

/* r = a / 2^(64 n) mod p, for a (2 n limbs) below p * 2^(64 n). */
BASE_ALWAYS_INLINE void limbs_reduce_montgomery(uint64_t *r, const uint64_t *a, const uint64_t *p,
                                                uint64_t inverse, int n)
{
    uint64_t t[2 * LIMBS_MAX];
    memcpy(t, a, 2 * (size_t)n * sizeof(t[0]));
    unsigned char over = 0;
#pragma GCC unroll 16
    for (int i = 0; i < n; i++) {
        uint64_t carry = 0, m = t[i] * inverse;
#pragma GCC unroll 16
        for (int j = 0; j < n; j++)
            t[i + j] = limbs_mac(m, p[j], t[i + j], carry, &carry);
        t[i + n] = u256_limb_add(t[i + n], carry, &over);
    }
    limbs_reduce_once(r, t + n, p, n);
}

#endif
