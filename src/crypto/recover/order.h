/* Numbers modulo n, the order of secp256k1's group, in variable time: for public values alone. Four 64-bit limbs, least
 * significant first, always below n. */
#ifndef CRYPTO_RECOVER_ORDER_H
#define CRYPTO_RECOVER_ORDER_H

#include "base/types.h"

struct crypto_order {
    uint64_t w[4];
};

/* 32 bytes, big-endian. False when the value is not below n (the result is then the value less n). */
bool crypto_order_parse(struct crypto_order *ret, const uint8_t bytes[32]);
bool crypto_order_is_zero(const struct crypto_order *a);
void crypto_order_mul(struct crypto_order *ret, const struct crypto_order *a,
                      const struct crypto_order *b);
void crypto_order_negate(struct crypto_order *ret, const struct crypto_order *a);
/* Inverses of `count` numbers, none of them zero, in place (Montgomery's trick: one inversion for all). `scratch` has
 * room for as many. */
void crypto_order_invert_all(struct crypto_order *numbers, struct crypto_order *scratch,
                             size_t count);

enum {
    CRYPTO_ORDER_WINDOWS_4 =
        33, /* digits of half a number in windows of 4 bits, with the last carry */
    CRYPTO_ORDER_WINDOWS_8 = 17,
};

/* k = k1 + k2 * lambda with |k1|, |k2| < 2^128 (GLV, "Faster Point Multiplication on Elliptic Curves with Efficient
 * Endomorphisms", with the lattice basis that is known for this curve). */
struct crypto_order_halves {
    uint64_t magnitude[2][2];
    bool negative[2];
};
void crypto_order_split(struct crypto_order_halves *ret, const struct crypto_order *k);

/* Signed digits of one half, -2^(bits-1) … 2^(bits-1), least significant first: their sum times 2^(bits * i) is the
 * half with its sign. `stride` lies between digits. `bits` is 4 or 8. */
void crypto_order_digits(int16_t *ret, size_t stride, const uint64_t magnitude[2], bool negative,
                         unsigned bits);

#endif
