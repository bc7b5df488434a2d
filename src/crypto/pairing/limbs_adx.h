/*
 * The products and reductions of limbs.h for 4 and 6 limbs, in x86-64 assembly: mulx leaves the
 * flags alone, and adcx and adox keep two chains of carries apart, so that the low and the high
 * halves of a row of products are added side by side. Compilers cannot keep two chains alive.
 *
 * Processors with ADX have BMI2 as well; limbs_cpu_has_adx tells.
 */
#ifndef CRYPTO_PAIRING_LIMBS_ADX_H
#define CRYPTO_PAIRING_LIMBS_ADX_H

#include "crypto/pairing/limbs.h"

/* The address sanitizer takes registers that the six-limb product needs, and sees nothing of what
 * assembly does: its builds run the portable twins. */
#if defined(__x86_64__) && !defined(PAIRING_SANITIZED)
#    define LIMBS_HAVE_ADX 1

BASE_ALWAYS_INLINE bool limbs_cpu_has_adx(void)
{
    return __builtin_cpu_supports("adx");
}

/* The statements are volatile and clobber memory: what they read and write through pointers is not
 * among their operands, which would cost registers that six limbs do not leave. */

/* clang-format off */

/* Operands by name: ptr is a register with an address; the multiplier is in rdx; lo is scratch. */

/* t += rdx * ptr[j], for limb t with the high half of the limb below in `hi`, then in `hi`. */
#define ADX_STEP(ptr, j, t, hi)                                                                    \
    "adcx %[" #hi "], %[" #t "]\n\t"                                                               \
    "mulx " #j "*8(%[" #ptr "]), %[lo], %[" #hi "]\n\t"                                            \
    "adox %[lo], %[" #t "]\n\t"
#define ADX_FIRST(ptr, t, hi)                                                                      \
    "xor %k[lo], %k[lo]\n\t"                                                                       \
    "mulx (%[" #ptr "]), %[lo], %[" #hi "]\n\t"                                                    \
    "adox %[lo], %[" #t "]\n\t"

/* A row of products added to limbs t0, t1, ...; `hi` is the limb above, both carries pending. */
#define ADX_ROW_4(ptr, t0, t1, t2, t3, hi)                                                         \
    ADX_FIRST(ptr, t0, hi) ADX_STEP(ptr, 1, t1, hi) ADX_STEP(ptr, 2, t2, hi)                       \
    ADX_STEP(ptr, 3, t3, hi)
#define ADX_ROW_6(ptr, t0, t1, t2, t3, t4, t5, hi)                                                 \
    ADX_ROW_4(ptr, t0, t1, t2, t3, hi) ADX_STEP(ptr, 4, t4, hi) ADX_STEP(ptr, 5, t5, hi)

/* The pending carries into `hi`; or `hi` and the carries into a limb that is there. */
#define ADX_CARRY(hi)                                                                              \
    "mov $0, %k[lo]\n\t"                                                                           \
    "adcx %[lo], %[" #hi "]\n\t"                                                                   \
    "adox %[lo], %[" #hi "]\n\t"
#define ADX_CARRY_INTO(hi, top)                                                                    \
    "mov $0, %k[lo]\n\t"                                                                           \
    "adcx %[" #hi "], %[" #top "]\n\t"                                                             \
    "adox %[lo], %[" #top "]\n\t"

/* A row of products that starts a sum. */
#define ADX_START_STEP(add, j, t, next)                                                            \
    "mulx " #j "*8(%[a]), %[lo], %[" #next "]\n\t" #add " %[lo], %[" #t "]\n\t"
#define ADX_START_4(t0, t1, t2, t3, t4)                                                            \
    "mulx (%[a]), %[" #t0 "], %[" #t1 "]\n\t"                                                      \
    ADX_START_STEP(add, 1, t1, t2) ADX_START_STEP(adc, 2, t2, t3) ADX_START_STEP(adc, 3, t3, t4)   \
    "adc $0, %[" #t4 "]\n\t"
#define ADX_START_6(t0, t1, t2, t3, t4, t5, t6)                                                    \
    "mulx (%[a]), %[" #t0 "], %[" #t1 "]\n\t"                                                      \
    ADX_START_STEP(add, 1, t1, t2) ADX_START_STEP(adc, 2, t2, t3) ADX_START_STEP(adc, 3, t3, t4)   \
    ADX_START_STEP(adc, 4, t4, t5) ADX_START_STEP(adc, 5, t5, t6)                                  \
    "adc $0, %[" #t6 "]\n\t"

#define ADX_LOAD_B(i)   "mov " #i "*8(%[b]), %%rdx\n\t"
#define ADX_STORE(i, t) "mov %[" #t "], " #i "*8(%[r])\n\t"
/* The multiple of p that clears limb t. */
#define ADX_QUOTIENT(t) "mov %[inverse], %%rdx\n\timul %[" #t "], %%rdx\n\t"

/* t = t - p unless that is negative; the s are scratch. */
#define ADX_SUB(sub, j, t, s)                                                                      \
    "mov %[" #t "], %[" #s "]\n\t" #sub " " #j "*8(%[p]), %[" #s "]\n\t"
#define ADX_SELECT(t, s) "cmovnc %[" #s "], %[" #t "]\n\t"
#define ADX_REDUCE_4(t0, t1, t2, t3, s0, s1, s2, s3)                                               \
    ADX_SUB(sub, 0, t0, s0) ADX_SUB(sbb, 1, t1, s1) ADX_SUB(sbb, 2, t2, s2)                        \
    ADX_SUB(sbb, 3, t3, s3)                                                                        \
    ADX_SELECT(t0, s0) ADX_SELECT(t1, s1) ADX_SELECT(t2, s2) ADX_SELECT(t3, s3)
#define ADX_REDUCE_6(t0, t1, t2, t3, t4, t5, s0, s1, s2, s3, s4, s5)                               \
    ADX_SUB(sub, 0, t0, s0) ADX_SUB(sbb, 1, t1, s1) ADX_SUB(sbb, 2, t2, s2)                        \
    ADX_SUB(sbb, 3, t3, s3) ADX_SUB(sbb, 4, t4, s4) ADX_SUB(sbb, 5, t5, s5)                        \
    ADX_SELECT(t0, s0) ADX_SELECT(t1, s1) ADX_SELECT(t2, s2) ADX_SELECT(t3, s3)                    \
    ADX_SELECT(t4, s4) ADX_SELECT(t5, s5)

/* One round of a Montgomery product: t += a b[i], then t = (t + m p) / 2^64. `top` comes free and
 * holds the new highest limb after; t0 is free after. */
#define ADX_ROUND_4(i, t0, t1, t2, t3, top)                                                        \
    ADX_LOAD_B(i) ADX_ROW_4(a, t0, t1, t2, t3, top) ADX_CARRY(top)                                 \
    ADX_FOLD_4(t0, t1, t2, t3, top)
#define ADX_FOLD_4(t0, t1, t2, t3, top)                                                            \
    ADX_QUOTIENT(t0) ADX_ROW_4(p, t0, t1, t2, t3, hi) ADX_CARRY_INTO(hi, top)
#define ADX_ROUND_6(i, t0, t1, t2, t3, t4, t5, top)                                                \
    ADX_LOAD_B(i) ADX_ROW_6(a, t0, t1, t2, t3, t4, t5, top) ADX_CARRY(top)                         \
    ADX_FOLD_6(t0, t1, t2, t3, t4, t5, top)
#define ADX_FOLD_6(t0, t1, t2, t3, t4, t5, top)                                                    \
    ADX_QUOTIENT(t0) ADX_ROW_6(p, t0, t1, t2, t3, t4, t5, hi) ADX_CARRY_INTO(hi, top)

/* One row of a plain product: its lowest limb is final. */
#define ADX_PRODUCT_4(i, t0, t1, t2, t3, top)                                                      \
    ADX_LOAD_B(i) ADX_ROW_4(a, t0, t1, t2, t3, top) ADX_CARRY(top) ADX_STORE(i, t0)
#define ADX_PRODUCT_6(i, t0, t1, t2, t3, t4, t5, top)                                              \
    ADX_LOAD_B(i) ADX_ROW_6(a, t0, t1, t2, t3, t4, t5, top) ADX_CARRY(top) ADX_STORE(i, t0)

/* One round of a reduction of what is there: `top` comes free. */
#define ADX_SHIFT_4(t0, t1, t2, t3, top)                                                           \
    ADX_QUOTIENT(t0) ADX_ROW_4(p, t0, t1, t2, t3, top) ADX_CARRY(top)
#define ADX_SHIFT_6(t0, t1, t2, t3, t4, t5, top)                                                   \
    ADX_QUOTIENT(t0) ADX_ROW_6(p, t0, t1, t2, t3, t4, t5, top) ADX_CARRY(top)

#define ADX_ADD_HIGH(add, i, t) #add " " #i "*8(%[a]), %[" #t "]\n\t"
/* clang-format on */

BASE_ALWAYS_INLINE void limbs_mul_montgomery_adx_4(uint64_t *r, const uint64_t *a,
                                                   const uint64_t *b, const uint64_t *p,
                                                   uint64_t inverse)
{
    uint64_t t0, t1, t2, t3, t4, hi, lo;
    __asm__ volatile(ADX_LOAD_B(0) ADX_START_4(t0, t1, t2, t3, t4) ADX_FOLD_4(t0, t1, t2, t3, t4)
                         ADX_ROUND_4(1, t1, t2, t3, t4, t0) ADX_ROUND_4(2, t2, t3, t4, t0, t1)
                             ADX_ROUND_4(3, t3, t4, t0, t1, t2)
                                 ADX_REDUCE_4(t4, t0, t1, t2, t3, hi, lo, a)
                     : [t0] "=&r"(t0), [t1] "=&r"(t1), [t2] "=&r"(t2), [t3] "=&r"(t3),
                       [t4] "=&r"(t4), [hi] "=&r"(hi), [lo] "=&r"(lo), [a] "+&r"(a)
                     : [b] "r"(b), [p] "r"(p), [inverse] "m"(inverse)
                     : "rdx", "cc", "memory");
    r[0] = t4;
    r[1] = t0;
    r[2] = t1;
    r[3] = t2;
}

BASE_ALWAYS_INLINE void limbs_mul_adx_4(uint64_t *r, const uint64_t *a, const uint64_t *b)
{
    uint64_t t0, t1, t2, t3, t4, lo;
    __asm__ volatile(ADX_LOAD_B(0) ADX_START_4(t0, t1, t2, t3, t4) ADX_STORE(0, t0)
                         ADX_PRODUCT_4(1, t1, t2, t3, t4, t0) ADX_PRODUCT_4(2, t2, t3, t4, t0, t1)
                             ADX_PRODUCT_4(3, t3, t4, t0, t1, t2) ADX_STORE(4, t4) ADX_STORE(5, t0)
                                 ADX_STORE(6, t1) ADX_STORE(7, t2)
                     : [t0] "=&r"(t0), [t1] "=&r"(t1), [t2] "=&r"(t2), [t3] "=&r"(t3),
                       [t4] "=&r"(t4), [lo] "=&r"(lo)
                     : [r] "r"(r), [a] "r"(a), [b] "r"(b)
                     : "rdx", "cc", "memory");
}

BASE_ALWAYS_INLINE void limbs_reduce_montgomery_adx_4(uint64_t *r, const uint64_t *a,
                                                      const uint64_t *p, uint64_t inverse)
{
    uint64_t t0 = a[0], t1 = a[1], t2 = a[2], t3 = a[3], t4, hi, lo;
    __asm__ volatile(ADX_SHIFT_4(t0, t1, t2, t3, t4) ADX_SHIFT_4(t1, t2, t3, t4, t0)
                         ADX_SHIFT_4(t2, t3, t4, t0, t1) ADX_SHIFT_4(t3, t4, t0, t1, t2)
                             ADX_ADD_HIGH(add, 4, t4) ADX_ADD_HIGH(adc, 5, t0)
                                 ADX_ADD_HIGH(adc, 6, t1) ADX_ADD_HIGH(adc, 7, t2)
                                     ADX_REDUCE_4(t4, t0, t1, t2, t3, hi, lo, a)
                     : [t0] "+&r"(t0), [t1] "+&r"(t1), [t2] "+&r"(t2), [t3] "+&r"(t3),
                       [t4] "=&r"(t4), [hi] "=&r"(hi), [lo] "=&r"(lo), [a] "+&r"(a)
                     : [p] "r"(p), [inverse] "m"(inverse)
                     : "rdx", "cc", "memory");
    r[0] = t4;
    r[1] = t0;
    r[2] = t1;
    r[3] = t2;
}

BASE_ALWAYS_INLINE void limbs_mul_montgomery_adx_6(uint64_t *r, const uint64_t *a,
                                                   const uint64_t *b, const uint64_t *p,
                                                   uint64_t inverse)
{
    uint64_t t0, t1, t2, t3, t4, t5, t6, hi, lo, d;
    __asm__ volatile(
        ADX_LOAD_B(0) ADX_START_6(t0, t1, t2, t3, t4, t5, t6) ADX_FOLD_6(t0, t1, t2, t3, t4, t5, t6)
            ADX_ROUND_6(1, t1, t2, t3, t4, t5, t6, t0) ADX_ROUND_6(2, t2, t3, t4, t5, t6, t0, t1)
                ADX_ROUND_6(3, t3, t4, t5, t6, t0, t1, t2)
                    ADX_ROUND_6(4, t4, t5, t6, t0, t1, t2, t3)
                        ADX_ROUND_6(5, t5, t6, t0, t1, t2, t3, t4)
                            ADX_REDUCE_6(t6, t0, t1, t2, t3, t4, t5, hi, lo, a, b, d)
        : [t0] "=&r"(t0), [t1] "=&r"(t1), [t2] "=&r"(t2), [t3] "=&r"(t3), [t4] "=&r"(t4),
          [t5] "=&r"(t5), [t6] "=&r"(t6), [hi] "=&r"(hi), [lo] "=&r"(lo), [a] "+&r"(a),
          [b] "+&r"(b), [d] "=&d"(d)
        : [p] "r"(p), [inverse] "m"(inverse)
        : "cc", "memory");
    r[0] = t6;
    r[1] = t0;
    r[2] = t1;
    r[3] = t2;
    r[4] = t3;
    r[5] = t4;
}

BASE_ALWAYS_INLINE void limbs_mul_adx_6(uint64_t *r, const uint64_t *a, const uint64_t *b)
{
    uint64_t t0, t1, t2, t3, t4, t5, t6, lo;
    __asm__ volatile(ADX_LOAD_B(0) ADX_START_6(t0, t1, t2, t3, t4, t5, t6) ADX_STORE(0, t0)
                         ADX_PRODUCT_6(1, t1, t2, t3, t4, t5, t6, t0) ADX_PRODUCT_6(2, t2, t3, t4,
                                                                                    t5, t6, t0, t1)
                             ADX_PRODUCT_6(3, t3, t4, t5, t6, t0, t1, t2)
                                 ADX_PRODUCT_6(4, t4, t5, t6, t0, t1, t2, t3)
                                     ADX_PRODUCT_6(5, t5, t6, t0, t1, t2, t3, t4) ADX_STORE(6, t6)
                                         ADX_STORE(7, t0) ADX_STORE(8, t1) ADX_STORE(9, t2)
                                             ADX_STORE(10, t3) ADX_STORE(11, t4)
                     : [t0] "=&r"(t0), [t1] "=&r"(t1), [t2] "=&r"(t2), [t3] "=&r"(t3),
                       [t4] "=&r"(t4), [t5] "=&r"(t5), [t6] "=&r"(t6), [lo] "=&r"(lo)
                     : [r] "r"(r), [a] "r"(a), [b] "r"(b)
                     : "rdx", "cc", "memory");
}

BASE_ALWAYS_INLINE void limbs_reduce_montgomery_adx_6(uint64_t *r, const uint64_t *a,
                                                      const uint64_t *p, uint64_t inverse)
{
    uint64_t t0 = a[0], t1 = a[1], t2 = a[2], t3 = a[3], t4 = a[4], t5 = a[5], t6, hi, lo, d, s;
    __asm__ volatile(
        ADX_SHIFT_6(t0, t1, t2, t3, t4, t5, t6) ADX_SHIFT_6(t1, t2, t3, t4, t5, t6, t0)
            ADX_SHIFT_6(t2, t3, t4, t5, t6, t0, t1) ADX_SHIFT_6(t3, t4, t5, t6, t0, t1, t2)
                ADX_SHIFT_6(t4, t5, t6, t0, t1, t2, t3) ADX_SHIFT_6(t5, t6, t0, t1, t2, t3, t4)
                    ADX_ADD_HIGH(add, 6, t6) ADX_ADD_HIGH(adc, 7, t0) ADX_ADD_HIGH(adc, 8, t1)
                        ADX_ADD_HIGH(adc, 9, t2) ADX_ADD_HIGH(adc, 10, t3) ADX_ADD_HIGH(adc, 11, t4)
                            ADX_REDUCE_6(t6, t0, t1, t2, t3, t4, t5, hi, lo, a, d, s)
        : [t0] "+&r"(t0), [t1] "+&r"(t1), [t2] "+&r"(t2), [t3] "+&r"(t3), [t4] "+&r"(t4),
          [t5] "+&r"(t5), [t6] "=&r"(t6), [hi] "=&r"(hi), [lo] "=&r"(lo), [a] "+&r"(a),
          [d] "=&d"(d), [s] "=&r"(s)
        : [p] "r"(p), [inverse] "m"(inverse)
        : "cc", "memory");
    r[0] = t6;
    r[1] = t0;
    r[2] = t1;
    r[3] = t2;
    r[4] = t3;
    r[5] = t4;
}

#endif

#endif
