#include "crypto/recover/order.h"

typedef unsigned __int128 wide;

static const uint64_t order[4] = {0xbfd25e8cd0364141, 0xbaaedce6af48a03b, 0xfffffffffffffffe,
                                  0xffffffffffffffff};
/* 2^256 - n */
static const uint64_t complement[3] = {0x402da1732fc9bebf, 0x4551231950b75fc4, 1};

static bool below_order(const uint64_t a[4])
{
    for (int i = 3; i >= 0; i--)
        if (a[i] != order[i])
            return a[i] < order[i];
    return false;
}

/* a += complement, modulo 2^256: a - n for a value not below n. */
static void take_order(uint64_t a[4])
{
    wide carry = 0;
    for (int i = 0; i < 4; i++) {
        carry += (wide)a[i] + (i < 3 ? complement[i] : 0);
        a[i] = (uint64_t)carry;
        carry >>= 64;
    }
}

bool crypto_order_parse(struct crypto_order *ret, const uint8_t bytes[32])
{
    for (int i = 0; i < 4; i++) {
        uint64_t word;
        memcpy(&word, bytes + 8 * (3 - i), sizeof(word));
        ret->w[i] = __builtin_bswap64(word);
    }
    if (below_order(ret->w))
        return true;
    take_order(ret->w);
    return false;
}

bool crypto_order_is_zero(const struct crypto_order *a)
{
    return (a->w[0] | a->w[1] | a->w[2] | a->w[3]) == 0;
}

/* ret[0 … an + bn - 1] = a * b */
static void multiply(uint64_t *ret, const uint64_t *a, int an, const uint64_t *b, int bn)
{
    for (int i = 0; i < an + bn; i++)
        ret[i] = 0;
    for (int i = 0; i < an; i++) {
        wide carry = 0;
        for (int j = 0; j < bn; j++) {
            carry += (wide)a[i] * b[j] + ret[i + j];
            ret[i + j] = (uint64_t)carry;
            carry >>= 64;
        }
        ret[i + bn] = (uint64_t)carry;
    }
}

/* low + high * 2^256 = low + high * (2^256 - n), modulo n. `value` has 4 limbs and `high` more (at most 4), and room
 * for 8 in all; afterwards it has max(high + 3, 4) and one for a carry. */
static void fold(uint64_t value[8], int high)
{
    uint64_t product[7] = {0};
    multiply(product, value + 4, high, complement, 3);
    int count = high + 3 > 4 ? high + 3 : 4;
    wide carry = 0;
    for (int i = 0; i < count; i++) {
        carry += (wide)product[i] + (i < 4 ? value[i] : 0);
        value[i] = (uint64_t)carry;
        carry >>= 64;
    }
    value[count] = (uint64_t)carry;
}

void crypto_order_mul(struct crypto_order *ret, const struct crypto_order *a,
                      const struct crypto_order *b)
{
    uint64_t value[8];
    multiply(value, a->w, 4, b->w, 4);
    fold(value, 4); /* below 2^386: 7 limbs */
    fold(value, 3); /* below 2^260: 5 limbs */
    fold(value, 1); /* below 2^256 + 2^133: 4 limbs and a carry */
    fold(value, 1);
    memcpy(ret->w, value, sizeof(ret->w));
    if (!below_order(ret->w))
        take_order(ret->w);
}

void crypto_order_negate(struct crypto_order *ret, const struct crypto_order *a)
{
    wide borrow = 0;
    bool zero = crypto_order_is_zero(a);
    for (int i = 0; i < 4; i++) {
        wide difference = (wide)order[i] - a->w[i] - borrow;
        ret->w[i] = zero ? 0 : (uint64_t)difference;
        borrow = (difference >> 64) & 1;
    }
}

/* a^(n - 2), in windows of four bits (Fermat). */
static void invert(struct crypto_order *a)
{
    struct crypto_order powers[16], result;
    powers[1] = *a;
    for (int i = 2; i < 16; i++)
        crypto_order_mul(&powers[i], &powers[i - 1], a);
    result = powers[15]; /* the uppermost digit of n - 2 */
    for (int window = 62; window >= 0; window--) {
        uint64_t word = order[window / 16] - (window / 16 == 0 ? 2 : 0);
        unsigned digit = (unsigned)(word >> (4 * (window % 16))) & 15;
        for (int i = 0; i < 4; i++)
            crypto_order_mul(&result, &result, &result);
        if (digit)
            crypto_order_mul(&result, &result, &powers[digit]);
    }
    *a = result;
}

void crypto_order_invert_all(struct crypto_order *numbers, struct crypto_order *scratch,
                             size_t count)
{
    if (count == 0)
        return;
    scratch[0] = numbers[0]; /* products of all up to here */
    for (size_t i = 1; i < count; i++)
        crypto_order_mul(&scratch[i], &scratch[i - 1], &numbers[i]);
    struct crypto_order inverse = scratch[count - 1];
    invert(&inverse);
    for (size_t i = count - 1; i > 0; i--) {
        struct crypto_order own;
        crypto_order_mul(&own, &inverse, &scratch[i - 1]);
        crypto_order_mul(&inverse, &inverse, &numbers[i]);
        numbers[i] = own;
    }
    numbers[0] = inverse;
}

/* --- The endomorphism --- */

/* The short basis (a1, b1), (a2, b2) of the lattice of (i, j) with i + j * lambda = 0; b2 = a1. */
static const uint64_t a1[3] = {0xe86c90e49284eb15, 0x3086d221a7d46bcd, 0};
static const uint64_t minus_b1[3] = {0x6f547fa90abfe4c3, 0xe4437ed6010e8828, 0};
static const uint64_t a2[3] = {0x57c1108d9d44cfd8, 0x14ca50f7a8e2f3f6, 1};
/* round(2^384 * b2 / n), round(2^384 * -b1 / n) */
static const uint64_t g1[4] = {0xe893209a45dbb031, 0x3daa8a1471e8ca7f, 0xe86c90e49284eb15,
                               0x3086d221a7d46bcd};
static const uint64_t g2[4] = {0x1571b4ae8ac47f71, 0x221208ac9df506c6, 0x6f547fa90abfe4c4,
                               0xe4437ed6010e8828};

/* round(k * g / 2^384) */
static void scale(uint64_t ret[2], const struct crypto_order *k, const uint64_t g[4])
{
    uint64_t product[8];
    multiply(product, k->w, 4, g, 4);
    wide sum = (wide)product[6] + (product[5] >> 63);
    ret[0] = (uint64_t)sum;
    ret[1] = product[7] + (uint64_t)(sum >> 64);
}

/* sum -= c * a, modulo 2^192: enough for results of 129 bits with sign. */
static void subtract_product(uint64_t sum[3], const uint64_t c[2], const uint64_t a[3])
{
    uint64_t product[5];
    multiply(product, c, 2, a, 3);
    wide borrow = 0;
    for (int i = 0; i < 3; i++) {
        wide difference = (wide)sum[i] - product[i] - borrow;
        sum[i] = (uint64_t)difference;
        borrow = (difference >> 64) & 1;
    }
}

static void negate(uint64_t value[3])
{
    wide carry = 1;
    for (int i = 0; i < 3; i++) {
        carry += (uint64_t)~value[i];
        value[i] = (uint64_t)carry;
        carry >>= 64;
    }
}

static void take_half(struct crypto_order_halves *ret, int which, uint64_t value[3])
{
    ret->negative[which] = value[2] >> 63;
    if (ret->negative[which])
        negate(value);
    ret->magnitude[which][0] = value[0];
    ret->magnitude[which][1] = value[1];
    assert(value[2] == 0);
}

void crypto_order_split(struct crypto_order_halves *ret, const struct crypto_order *k)
{
    uint64_t c1[2], c2[2];
    uint64_t k1[3] = {k->w[0], k->w[1], k->w[2]}, k2[3] = {0, 0, 0};
    scale(c1, k, g1);
    scale(c2, k, g2);
    subtract_product(k1, c1, a1);
    subtract_product(k1, c2, a2);
    subtract_product(
        k2, c1,
        minus_b1); /* k2 = c1 * -b1 - c2 * b2: the first term is taken with the wrong sign */
    negate(k2);
    subtract_product(k2, c2, a1);
    take_half(ret, 0, k1);
    take_half(ret, 1, k2);
}

void crypto_order_digits(int16_t *ret, size_t stride, const uint64_t magnitude[2], bool negative,
                         unsigned bits)
{
    unsigned count = 128 / bits, carry = 0, half = 1u << (bits - 1), mask = (1u << bits) - 1;
    for (unsigned i = 0; i < count; i++) {
        unsigned at = i * bits;
        unsigned digit = ((unsigned)(magnitude[at / 64] >> (at % 64)) & mask) + carry;
        carry = digit >= half;
        int value = (int)digit - (int)(carry << bits);
        ret[i * stride] = (int16_t)(negative ? -value : value);
    }
    ret[count * stride] = (int16_t)(negative ? -(int)carry : (int)carry);
}
