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
BASE_ALWAYS_INLINE bool subtract_product(uint64_t *u, const uint64_t *v, int n, uint64_t q)
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

BASE_ALWAYS_INLINE void add_back(uint64_t *u, const uint64_t *v, int n)
{
    unsigned char carry = 0;
    for (int i = 0; i < n; i++)
        u[i] = u256_limb_add(u[i], v[i], &carry);
    u[n] += carry;
}

/* One digit of the quotient: the estimate from the top limbs, at most two too high (Knuth 4.3.1,
 * D3). */
BASE_ALWAYS_INLINE uint64_t estimate_digit(const uint64_t *u, const uint64_t *v, int n)
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

BASE_ALWAYS_INLINE uint64_t shift_limbs_left(uint64_t *w, int n, unsigned bits)
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

BASE_ALWAYS_INLINE void shift_limbs_right(uint64_t *w, int n, unsigned bits)
{
    if (bits == 0)
        return;
    for (int i = 0; i < n; i++)
        w[i] = w[i] >> bits | (i + 1 < n ? w[i + 1] << (64 - bits) : 0);
}

/*
 * Schoolbook division, Knuth's algorithm D in base 2^64.
 * u: m limbs and room for one more, becomes the remainder (n limbs). v: n >= 2 limbs, top one not
 * 0, is normalised in place. q: m - n + 1 limbs. Inlined, for the compiler to know n.
 */
BASE_ALWAYS_INLINE void div_by_limbs(uint64_t *q, uint64_t *u, int m, uint64_t *v, int n)
{
    unsigned bits = (unsigned)__builtin_clzll(v[n - 1]);
    shift_limbs_left(v, n, bits);
    u[m] = shift_limbs_left(u, m, bits);
    for (int j = m - n; j >= 0; j--) {
        uint64_t digit = estimate_digit(u + j, v, n);
        if (BASE_UNLIKELY(subtract_product(u + j, v, n, digit))) {
            do {
                digit--;
                add_back(u + j, v, n);
            } while ((int64_t)u[j + n] < 0);
        }
        q[j] = digit;
    }
    shift_limbs_right(u, n, bits);
}

static void div_long(uint64_t *q, uint64_t *u, int m, uint64_t *v, int n)
{
    switch (n) {
    case 2:
        div_by_limbs(q, u, m, v, 2);
        break;
    case 3:
        div_by_limbs(q, u, m, v, 3);
        break;
    default:
        div_by_limbs(q, u, m, v, 4);
    }
}

/* r = u mod m, u having `limbs` limbs and room for one more. */
static void reduce(struct u256 *r, uint64_t *u, int limbs, const struct u256 *m)
{
    int n = limb_count(m->w, 4), count = limb_count(u, limbs);
    struct u256 v = *m, remainder = {{0}};
    if (count < n) {
        for (int i = 0; i < count; i++)
            remainder.w[i] = u[i];
    } else if (n == 1) {
        remainder.w[0] = div_by_limb(u, count, v.w[0]);
    } else {
        uint64_t q[9];
        div_long(q, u, count, v.w, n);
        for (int i = 0; i < n; i++)
            remainder.w[i] = u[i];
    }
    *r = remainder;
}

/* One limb of a division by one limb, with the rest of the limbs above. */
static uint64_t div_step(uint64_t limb, uint64_t d, uint64_t *rest)
{
    if (*rest == 0 && limb < d) {
        *rest = limb;
        return 0;
    }
    return div_2by1(*rest, limb, d, rest);
}

static void divmod_by_limb(struct u256 *q, struct u256 *r, const struct u256 *a, uint64_t d)
{
    uint64_t rest = 0;
    uint64_t q3 = div_step(a->w[3], d, &rest), q2 = div_step(a->w[2], d, &rest);
    uint64_t q1 = div_step(a->w[1], d, &rest), q0 = div_step(a->w[0], d, &rest);
    *q = (struct u256){{q0, q1, q2, q3}};
    *r = u256_from(rest);
}

static void divmod_by_limbs(struct u256 *q, struct u256 *r, const struct u256 *a,
                            const struct u256 *b)
{
    int m = limb_count(a->w, 4), n = limb_count(b->w, 4);
    uint64_t u[5] = {a->w[0], a->w[1], a->w[2], a->w[3]};
    struct u256 v = *b, quotient = {{0}}, rest = {{0}};
    div_long(quotient.w, u, m, v.w, n);
    for (int i = 0; i < n; i++)
        rest.w[i] = u[i];
    *q = u256_read(&quotient);
    *r = u256_read(&rest);
}

void u256_divmod(struct u256 *ret_q, struct u256 *ret_r, const struct u256 *a, const struct u256 *b)
{
    struct u256 dividend = u256_read(a), divisor = u256_read(b), q = {{0}}, r = {{0}};
    if (u256_is_u64(&divisor)) {
        if (divisor.w[0])
            divmod_by_limb(&q, &r, &dividend, divisor.w[0]);
    } else if (u256_less(&dividend, &divisor)) {
        r = dividend;
    } else {
        divmod_by_limbs(&q, &r, &dividend, &divisor);
    }
    if (ret_q)
        *ret_q = q;
    if (ret_r)
        *ret_r = r;
}

/* The value or its negation. */
static struct u256 negate_if(bool negative, struct u256 a)
{
    if (negative)
        u256_negate(&a, &a);
    return a;
}

static struct u256 magnitude(const struct u256 *a)
{
    return negate_if(u256_is_negative(a), u256_read(a));
}

void u256_div_signed(struct u256 *r, const struct u256 *a, const struct u256 *b)
{
    bool negative = u256_is_negative(a) != u256_is_negative(b);
    struct u256 x = magnitude(a), y = magnitude(b), q;
    u256_divmod(&q, NULL, &x, &y);
    *r = negate_if(negative, q);
}

void u256_mod_signed(struct u256 *r, const struct u256 *a, const struct u256 *b)
{
    bool negative = u256_is_negative(a);
    struct u256 x = magnitude(a), y = magnitude(b), rest;
    u256_divmod(NULL, &rest, &x, &y);
    *r = negate_if(negative, rest);
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

/* One limb of a product: a * b + c + *carry, with the new carry. It cannot overflow. */
BASE_ALWAYS_INLINE uint64_t multiply_limb(uint64_t a, uint64_t b, uint64_t c, uint64_t *carry)
{
    u256_wide p = (u256_wide)a * b + c + *carry;
    *carry = (uint64_t)(p >> 64);
    return (uint64_t)p;
}

BASE_ALWAYS_INLINE void multiply_row(uint64_t *sum, uint64_t a, const struct u256 *b)
{
    uint64_t carry = 0;
    sum[0] = multiply_limb(a, b->w[0], sum[0], &carry);
    sum[1] = multiply_limb(a, b->w[1], sum[1], &carry);
    sum[2] = multiply_limb(a, b->w[2], sum[2], &carry);
    sum[3] = multiply_limb(a, b->w[3], sum[3], &carry);
    sum[4] = carry;
}

/* ret = a * b, eight limbs. */
BASE_ALWAYS_INLINE void multiply_full(uint64_t ret[8], const struct u256 *a, const struct u256 *b)
{
    ret[0] = ret[1] = ret[2] = ret[3] = 0;
    multiply_row(ret, a->w[0], b);
    multiply_row(ret + 1, a->w[1], b);
    multiply_row(ret + 2, a->w[2], b);
    multiply_row(ret + 3, a->w[3], b);
}

static bool is_all_ones(const struct u256 *a)
{
    return (a->w[0] & a->w[1] & a->w[2] & a->w[3]) == UINT64_MAX;
}

void u256_mul_mod(struct u256 *r, const struct u256 *a, const struct u256 *b, const struct u256 *m)
{
    if (u256_is_zero(m)) {
        *r = *m;
        return;
    }
    uint64_t u[9];
    multiply_full(u, a, b);
    if (is_all_ones(m)) {
        /* 2^256 is 1: contracts that need a product of 512 bits get its upper half in this way */
        struct u256 low = {{u[0], u[1], u[2], u[3]}}, high = {{u[4], u[5], u[6], u[7]}};
        struct u256 carry = u256_from(u256_add(&low, &low, &high));
        u256_add(&low, &low, &carry);
        *r = is_all_ones(&low) ? u256_from(0) : low;
        return;
    }
    reduce(r, u, 8, m);
}

/*
 * Division by multiplication with a reciprocal (Moeller and Granlund, "Improved division by
 * invariant integers", algorithm 4), its words being of 256 bits: B = 2^256, the divisor d is the
 * modulus shifted left until its top bit is set, and v = floor((B^2 - 1) / d) - B.
 */
void u256_modulus_init(struct u256_modulus *ret_modulus, const struct u256 *m)
{
    ret_modulus->value = *m;
    ret_modulus->shift = 256 - u256_bit_length(m);
    u256_shift_left(&ret_modulus->divisor, m, ret_modulus->shift);

    /* (B^2 - 1 - B d) / d */
    struct u256 d = ret_modulus->divisor;
    uint64_t u[9] = {UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX,
                     ~d.w[0],    ~d.w[1],    ~d.w[2],    ~d.w[3]};
    uint64_t q[5];
    div_long(q, u, 8, d.w, 4);
    ret_modulus->reciprocal = (struct u256){{q[0], q[1], q[2], q[3]}};
}

/* r = (high B + low) mod d; high < d. */
BASE_ALWAYS_INLINE void reduce_by_reciprocal(struct u256 *r, const struct u256 *high,
                                             const struct u256 *low,
                                             const struct u256_modulus *modulus)
{
    const struct u256 *d = &modulus->divisor;
    uint64_t p[8];
    multiply_full(p, &modulus->reciprocal, high);
    struct u256 q0 = {{p[0], p[1], p[2], p[3]}}, q1 = {{p[4], p[5], p[6], p[7]}}, product;
    struct u256 increment = u256_from(1u + u256_add(&q0, &q0, low));
    u256_add(&q1, &q1, high);
    u256_add(&q1, &q1, &increment);
    u256_mul(&product, &q1, d);
    u256_sub(r, low, &product);
    if (u256_less(&q0, r))
        u256_add(r, r, d);
    if (BASE_UNLIKELY(!u256_less(r, d)))
        u256_sub(r, r, d);
}

void u256_mul_mod_by(struct u256 *r, const struct u256 *a, const struct u256 *b,
                     const struct u256_modulus *modulus)
{
    uint64_t p[8];
    multiply_full(p, a, b);
    struct u256 low = {{p[0], p[1], p[2], p[3]}}, high = {{p[4], p[5], p[6], p[7]}};
    if (BASE_UNLIKELY(!u256_less(&high, &modulus->value)))
        u256_divmod(NULL, &high, &high, &modulus->value);
    unsigned shift = modulus->shift;
    if (shift) {
        struct u256 carried;
        u256_shift_right(&carried, &low, 256 - shift);
        u256_shift_left(&low, &low, shift);
        u256_shift_left(&high, &high, shift);
        high = (struct u256){{high.w[0] | carried.w[0], high.w[1] | carried.w[1],
                              high.w[2] | carried.w[2], high.w[3] | carried.w[3]}};
    }
    reduce_by_reciprocal(r, &high, &low, modulus);
    u256_shift_right(r, r, shift);
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
