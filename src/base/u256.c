#include "base/u256.h"

/* Quotient and remainder of a two-limb number by one limb; high < d, so that the quotient fits. */
static uint64_t div_2by1(uint64_t high, uint64_t low, uint64_t d, uint64_t *ret_remainder)
{
#ifdef __x86_64__
    uint64_t q, r;
    __asm__("divq %4" : "=a"(q), "=d"(r) : "a"(low), "d"(high), "r"(d) : "cc");
    *ret_remainder = r;
    return q;
#else
    u256_wide n = (u256_wide)high << 64 | low;
    *ret_remainder = (uint64_t)(n % d);
    return (uint64_t)(n / d);
#endif
}

static int limb_count(const uint64_t *w, int n)
{
    while (n > 0 && w[n - 1] == 0)
        n--;
    return n;
}

/* Division by one limb, from the top: u (n limbs) becomes the quotient. Returns the remainder. */
static uint64_t div_by_limb(uint64_t *u, int n, uint64_t d)
{
    uint64_t r = 0;
    for (int i = n; i-- > 0;)
        u[i] = div_2by1(r, u[i], d, &r);
    return r;
}

/* u -= q * v over n limbs, u having n + 1; returns whether it went below zero. */
static bool subtract_product(uint64_t *u, const uint64_t *v, int n, uint64_t q)
{
    uint64_t carry = 0;
    unsigned char borrow = 0;
    for (int i = 0; i < n; i++) {
        u256_wide p = (u256_wide)q * v[i] + carry;
        carry = (uint64_t)(p >> 64);
        u[i] = u256_limb_sub(u[i], (uint64_t)p, &borrow);
    }
    u[n] = u256_limb_sub(u[n], carry, &borrow);
    return borrow;
}

static void add_back(uint64_t *u, const uint64_t *v, int n)
{
    unsigned char carry = 0;
    for (int i = 0; i < n; i++)
        u[i] = u256_limb_add(u[i], v[i], &carry);
    u[n] += carry;
}

/* One digit of the quotient: the estimate from the top limbs, at most two too high (Knuth 4.3.1,
 * D3). */
static uint64_t estimate_digit(const uint64_t *u, const uint64_t *v, int n)
{
    if (u[n] >= v[n - 1])
        return UINT64_MAX;
    uint64_t r, q = div_2by1(u[n], u[n - 1], v[n - 1], &r);
    while ((u256_wide)q * v[n - 2] > ((u256_wide)r << 64 | u[n - 2])) {
        q--;
        r += v[n - 1];
        if (r < v[n - 1]) /* carried: r no longer fits, the estimate is good */
            break;
    }
    return q;
}

static uint64_t shift_limbs_left(uint64_t *w, int n, unsigned bits)
{
    if (bits == 0)
        return 0;
    uint64_t carry = 0;
    for (int i = 0; i < n; i++) {
        uint64_t next = w[i] >> (64 - bits);
        w[i] = w[i] << bits | carry;
        carry = next;
    }
    return carry;
}

static void shift_limbs_right(uint64_t *w, int n, unsigned bits)
{
    if (bits == 0)
        return;
    for (int i = 0; i < n; i++)
        w[i] = w[i] >> bits | (i + 1 < n ? w[i + 1] << (64 - bits) : 0);
}

/*
 * Schoolbook division, Knuth's algorithm D in base 2^64.
 * u: m limbs and room for one more, becomes the remainder (n limbs). v: n >= 2 limbs, top one not
 * 0, is normalised in place. q: m - n + 1 limbs.
 */
static void div_long(uint64_t *q, uint64_t *u, int m, uint64_t *v, int n)
{
    unsigned bits = (unsigned)__builtin_clzll(v[n - 1]);
    shift_limbs_left(v, n, bits);
    u[m] = shift_limbs_left(u, m, bits);
    for (int j = m - n; j >= 0; j--) {
        uint64_t digit = estimate_digit(u + j, v, n);
        if (subtract_product(u + j, v, n, digit)) {
            do {
                digit--;
                add_back(u + j, v, n);
            } while ((int64_t)u[j + n] < 0);
        }
        q[j] = digit;
    }
    shift_limbs_right(u, n, bits);
}

/* r = u mod m, u having `limbs` limbs and room for one more. */
static void reduce(struct u256 *r, uint64_t *u, int limbs, const struct u256 *m)
{
    int n = limb_count(m->w, 4), count = limb_count(u, limbs);
    struct u256 v = *m, remainder = {{0}};
    if (count < n) {
        memcpy(remainder.w, u, (size_t)count * 8);
    } else if (n == 1) {
        remainder.w[0] = div_by_limb(u, count, v.w[0]);
    } else {
        uint64_t q[9];
        div_long(q, u, count, v.w, n);
        memcpy(remainder.w, u, (size_t)n * 8);
    }
    *r = remainder;
}

void u256_divmod(struct u256 *ret_q, struct u256 *ret_r, const struct u256 *a, const struct u256 *b)
{
    struct u256 q = {{0}}, r = {{0}};
    if (u256_is_u64(a) && u256_is_u64(b)) {
        if (b->w[0]) {
            q.w[0] = a->w[0] / b->w[0];
            r.w[0] = a->w[0] % b->w[0];
        }
    } else if (u256_is_zero(b)) {
        /* both stay 0 */
    } else if (u256_less(a, b)) {
        r = *a;
    } else {
        int m = limb_count(a->w, 4), n = limb_count(b->w, 4);
        uint64_t u[5];
        memcpy(u, a->w, sizeof(a->w));
        if (n == 1) {
            r.w[0] = div_by_limb(u, m, b->w[0]);
            memcpy(q.w, u, (size_t)m * 8);
        } else {
            struct u256 v = *b;
            div_long(q.w, u, m, v.w, n);
            memcpy(r.w, u, (size_t)n * 8);
        }
    }
    if (ret_q)
        *ret_q = q;
    if (ret_r)
        *ret_r = r;
}

static struct u256 magnitude(const struct u256 *a)
{
    struct u256 r = *a;
    if (u256_is_negative(a))
        u256_negate(&r, a);
    return r;
}

void u256_div_signed(struct u256 *r, const struct u256 *a, const struct u256 *b)
{
    bool negative = u256_is_negative(a) != u256_is_negative(b);
    struct u256 x = magnitude(a), y = magnitude(b);
    u256_divmod(&x, NULL, &x, &y);
    if (negative)
        u256_negate(&x, &x);
    *r = x;
}

void u256_mod_signed(struct u256 *r, const struct u256 *a, const struct u256 *b)
{
    bool negative = u256_is_negative(a);
    struct u256 x = magnitude(a), y = magnitude(b);
    u256_divmod(NULL, &x, &x, &y);
    if (negative)
        u256_negate(&x, &x);
    *r = x;
}

void u256_add_mod(struct u256 *r, const struct u256 *a, const struct u256 *b, const struct u256 *m)
{
    if (u256_is_zero(m)) {
        *r = *m;
        return;
    }
    if (u256_less(a, m) && u256_less(b, m)) {
        /* what contracts do: both reduced already, so one subtraction is enough */
        struct u256 sum, less;
        bool carry = u256_add(&sum, a, b), borrow = u256_sub(&less, &sum, m);
        *r = carry || !borrow ? less : sum;
        return;
    }
    struct u256 sum;
    bool carry = u256_add(&sum, a, b);
    uint64_t u[6] = {sum.w[0], sum.w[1], sum.w[2], sum.w[3], carry, 0};
    reduce(r, u, 5, m);
}

static void multiply_full(uint64_t ret[8], const struct u256 *a, const struct u256 *b)
{
    memset(ret, 0, 8 * sizeof(ret[0]));
    for (int i = 0; i < 4; i++) {
        uint64_t carry = 0;
        for (int j = 0; j < 4; j++) {
            u256_wide p = (u256_wide)a->w[i] * b->w[j] + ret[i + j] + carry;
            ret[i + j] = (uint64_t)p;
            carry = (uint64_t)(p >> 64);
        }
        ret[i + 4] = carry;
    }
}

void u256_mul_mod(struct u256 *r, const struct u256 *a, const struct u256 *b, const struct u256 *m)
{
    if (u256_is_zero(m)) {
        *r = *m;
        return;
    }
    uint64_t u[9];
    multiply_full(u, a, b);
    reduce(r, u, 8, m);
}

bool u256_mul_checked(struct u256 *r, const struct u256 *a, const struct u256 *b)
{
    uint64_t u[8];
    multiply_full(u, a, b);
    if (u[4] | u[5] | u[6] | u[7])
        return false;
    memcpy(r->w, u, sizeof(r->w));
    return true;
}

void u256_exp(struct u256 *r, const struct u256 *base, const struct u256 *exponent)
{
    struct u256 power = *base, e = *exponent, result = u256_from(1);
    if (u256_equal(&power, &(struct u256){{2}})) {
        u256_shift_left(r, &result, u256_is_u64(&e) && e.w[0] < 256 ? (unsigned)e.w[0] : 256);
        return;
    }
    unsigned bits = u256_bit_length(&e);
    for (unsigned i = 0; i < bits; i++) {
        if (e.w[i / 64] >> (i % 64) & 1)
            u256_mul(&result, &result, &power);
        if (i + 1 < bits)
            u256_mul(&power, &power, &power);
    }
    *r = result;
}

void u256_shift_right_signed(struct u256 *r, const struct u256 *a, unsigned n)
{
    if (!u256_is_negative(a)) {
        u256_shift_right(r, a, n);
        return;
    }
    /* ~(~a >> n) fills with ones */
    struct u256 v = {{~a->w[0], ~a->w[1], ~a->w[2], ~a->w[3]}};
    u256_shift_right(&v, &v, n);
    *r = (struct u256){{~v.w[0], ~v.w[1], ~v.w[2], ~v.w[3]}};
}

void u256_sign_extend(struct u256 *r, const struct u256 *byte, const struct u256 *x)
{
    if (!u256_is_u64(byte) || byte->w[0] >= 31) {
        *r = *x;
        return;
    }
    unsigned bits = 256 - 8 * ((unsigned)byte->w[0] + 1);
    struct u256 v;
    u256_shift_left(&v, x, bits);
    u256_shift_right_signed(r, &v, bits);
}
