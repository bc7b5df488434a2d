/*
 * Sums of a few short multiples, interleaved over one chain of doublings (Straus), each scalar in
 * non-adjacent form of width 4 over a table of the odd multiples. Included once for each group,
 * after curve.h.
 */

#ifndef CRYPTO_PAIRING_STRAUS_H
#    define CRYPTO_PAIRING_STRAUS_H

/* STRAUS_ODD odd multiples: 1, 3, 5, 7. STRAUS_TERMS: a batch of terms, endomorphisms included. */
enum { STRAUS_ODD = 4, STRAUS_TERMS = 32, STRAUS_DIGITS = 130 };

/* A scalar below 2^128 in magnitude. */
struct short_scalar {
    uint64_t w[2];
    bool negative;
};

struct straus_digits {
    int8_t digit[STRAUS_DIGITS]; /* 0, or odd and at most 7 in magnitude; the lowest first */
    int count;
};

static inline void straus_recode(struct straus_digits *r, const struct short_scalar *k)
{
    u256_wide value = (u256_wide)k->w[1] << 64 | k->w[0];
    bool carry = false; /* of value 2^128 */
    r->count = 0;
    for (int i = 0; value || carry; i++) {
        int digit = 0;
        if (value & 1) {
            digit = (int)(value & 15);
            if (digit > 8)
                digit -= 16;
            u256_wide before = value;
            value -= (u256_wide)digit; /* a negative digit adds */
            carry = carry || (digit < 0 && value < before);
        }
        r->digit[i] = (int8_t)(k->negative ? -digit : digit);
        r->count = i + 1;
        value = value >> 1 | (u256_wide)carry << 127;
        carry = false;
    }
}

#endif

struct CURVE(table) {
    struct CURVE(affine) odd[STRAUS_ODD];
};

/* The tables of `count` points (at most STRAUS_TERMS), none of which is infinity, with one
 * inversion for all. The points are of large prime order, so no odd multiple is infinity. */
PAIRING_FUNCTION void CURVE(fill_tables)(struct CURVE(table) * tables,
                                         const struct CURVE(affine) * points, int count)
{
    struct CURVE(point) multiples[STRAUS_TERMS * (STRAUS_ODD - 1)];
    CURVE_FIELD products[STRAUS_TERMS * (STRAUS_ODD - 1)], t = CURVE_ONE;
    int n = 0;
    for (int i = 0; i < count; i++) {
        struct CURVE(point) twice, sum;
        CURVE(from_affine)(&sum, &points[i]);
        CURVE(double)(&twice, &sum);
        for (int j = 1; j < STRAUS_ODD; j++, n++) {
            if (j == 1)
                CURVE(add_affine)(&sum, &twice, &points[i]);
            else
                CURVE(add)(&sum, &sum, &twice);
            multiples[n] = sum;
            products[n] = t;
            FIELD(mul)(&t, &t, &sum.z);
        }
    }
    FIELD(inverse)(&t, &t);
    for (int i = count - 1; i >= 0; i--) {
        tables[i].odd[0] = points[i];
        for (int j = STRAUS_ODD - 1; j > 0; j--) {
            CURVE_FIELD z_inverse;
            n--;
            FIELD(mul)(&z_inverse, &t, &products[n]);
            FIELD(mul)(&t, &t, &multiples[n].z);
            CURVE(scale)(&tables[i].odd[j], &multiples[n], &z_inverse);
        }
    }
}

/* r = the sum of scalar_i times the point of table_i. */
PAIRING_FUNCTION void CURVE(straus)(struct CURVE(point) * r, const struct CURVE(table) * tables,
                                    const struct short_scalar *scalars, int count)
{
    struct straus_digits digits[STRAUS_TERMS];
    int longest = 0;
    for (int i = 0; i < count; i++) {
        straus_recode(&digits[i], &scalars[i]);
        longest = digits[i].count > longest ? digits[i].count : longest;
    }
    CURVE(set_infinity)(r);
    for (int bit = longest - 1; bit >= 0; bit--) {
        CURVE(double)(r, r);
        for (int i = 0; i < count; i++) {
            int digit = bit < digits[i].count ? digits[i].digit[bit] : 0;
            if (digit > 0) {
                CURVE(add_affine)(r, r, &tables[i].odd[digit / 2]);
            } else if (digit < 0) {
                struct CURVE(affine) negative;
                CURVE(affine_neg)(&negative, &tables[i].odd[-digit / 2]);
                CURVE(add_affine)(r, r, &negative);
            }
        }
    }
}
