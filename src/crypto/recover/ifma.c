/*
 * Recovery with eight lanes of AVX-512 IFMA. For a signature (r, s) of the hash z, with R the point whose x is r,
 *
 *     key = u1 * G + u2 * R,   u1 = -z / r,   u2 = s / r   (modulo n)
 *
 * Each factor is split in two halves of 128 bits by the endomorphism (x, y) -> (beta * x, y), so that 128 doublings
 * serve four sums (Strauss). G and its image have tables of 128 multiples, made once; R and its image tables of 8, made
 * affine by one inversion for the whole chunk. All lanes go the same way: windows are fixed, digits signed, and a digit
 * of zero is an addition whose result is not taken. The sum begins at an arbitrary point instead of infinity, which is
 * taken off at the end, so that no lane needs the cases that the formulas do not cover; one that meets them by
 * chance or by intention shows it by Z = 0 and is left to the plain function.
 */
#if defined(__x86_64__)
#    include "crypto/recover/lanes_point.h"
#    include "crypto/recover/order.h"
#    include "crypto/recover/recover.h"

#    include <pthread.h>

enum {
    GROUPS = CRYPTO_RECOVER_CHUNK / LANES,
    OWN_MULTIPLES = 8,     /* of R: windows of 4 bits */
    FIXED_MULTIPLES = 128, /* of G: windows of 8 bits */
    OWN_LIMBS = 3 * LIMBS, /* x, y, and the image's x */
    FIXED_LIMBS = 2 * LIMBS,
};

static const uint64_t beta[LIMBS] = {0x96c28719501ee, 0x7512f58995c13, 0xc3434e99cf049,
                                     0x7106e64479ea, 0x7ae96a2b657c};
static const uint64_t one[LIMBS] = {1}, seven[LIMBS] = {7};

/* --- Tables that are the same for all --- */

static pthread_once_t tables_once = PTHREAD_ONCE_INIT;
/* Multiples 1 … 128 of G, and of its image; entry 0 is never taken. */
static uint64_t fixed_table[2][FIXED_MULTIPLES + 1][FIXED_LIMBS];
static uint64_t start_x[LIMBS], start_y[LIMBS]; /* where sums begin */
static uint64_t end_x[LIMBS], end_y[LIMBS];     /* 2^128 times that: to be taken off */

static void limbs_of(uint64_t ret[LIMBS], const uint8_t bytes[32])
{
    uint64_t w[4];
    for (int i = 0; i < 4; i++) {
        memcpy(&w[i], bytes + 8 * (3 - i), sizeof(w[i]));
        w[i] = __builtin_bswap64(w[i]);
    }
    ret[0] = w[0] & LIMB_MASK;
    ret[1] = (w[0] >> 52 | w[1] << 12) & LIMB_MASK;
    ret[2] = (w[1] >> 40 | w[2] << 24) & LIMB_MASK;
    ret[3] = (w[2] >> 28 | w[3] << 36) & LIMB_MASK;
    ret[4] = w[3] >> 16;
}

static void bytes_of_limbs(uint8_t ret[32], const uint64_t limbs[LIMBS])
{
    const uint64_t w[4] = {
        limbs[0] | limbs[1] << 52,
        limbs[1] >> 12 | limbs[2] << 40,
        limbs[2] >> 24 | limbs[3] << 28,
        limbs[3] >> 36 | limbs[4] << 16,
    };
    for (int i = 0; i < 4; i++) {
        uint64_t swapped = __builtin_bswap64(w[i]);
        memcpy(ret + 8 * (3 - i), &swapped, sizeof(swapped));
    }
}

static void multiple_of_g(uint64_t ret_x[LIMBS], uint64_t ret_y[LIMBS],
                          const struct crypto_private_key *factor)
{
    struct crypto_public_key point;
    bool valid = crypto_public_key_of(&point, factor);
    assert(valid);
    (void)valid;
    limbs_of(ret_x, point.b);
    limbs_of(ret_y, point.b + 32);
}

static struct crypto_private_key bytes_of_order(const struct crypto_order *a)
{
    struct crypto_private_key key;
    for (int i = 0; i < 4; i++) {
        uint64_t swapped = __builtin_bswap64(a->w[i]);
        memcpy(key.b + 8 * (3 - i), &swapped, sizeof(swapped));
    }
    return key;
}

LANES_TARGET static void make_images(void)
{
    struct lanes factor, x;
    lanes_set(&factor, beta);
    for (int i = 1; i <= FIXED_MULTIPLES; i++) {
        uint64_t limb[LANES];
        lanes_set(&x, fixed_table[0][i]);
        lanes_mul(&x, &x, &factor);
        lanes_normalize(&x);
        for (int j = 0; j < LIMBS; j++) {
            _mm512_storeu_si512(limb, x.l[j]);
            fixed_table[1][i][j] = limb[0];
            fixed_table[1][i][LIMBS + j] = fixed_table[0][i][LIMBS + j];
        }
    }
}

static void make_tables(void)
{
    struct crypto_private_key factor = {{0}};
    for (int i = 1; i <= FIXED_MULTIPLES; i++) {
        factor.b[31] = (uint8_t)i;
        multiple_of_g(fixed_table[0][i], fixed_table[0][i] + LIMBS, &factor);
    }
    make_images();
    /* Any number that nobody aims at would do. */
    static const uint8_t word[32] = "where sums of points begin here";
    struct crypto_order begin, end;
    const struct crypto_order shift = {{0, 0, 1, 0}};
    (void)crypto_order_parse(&begin, word);
    crypto_order_mul(&end, &begin, &shift);
    factor = bytes_of_order(&begin);
    multiple_of_g(start_x, start_y, &factor);
    factor = bytes_of_order(&end);
    multiple_of_g(end_x, end_y, &factor);
}

/* --- One chunk --- */

struct group {
    uint64_t r[LIMBS][LANES]; /* x of R, transposed */
    __mmask8 odd;             /* lanes whose R has an odd y */
    __mmask8 on_curve;
    int16_t own[2][CRYPTO_ORDER_WINDOWS_4][LANES];
    int16_t fixed[2][CRYPTO_ORDER_WINDOWS_8][LANES];
    uint64_t table[OWN_MULTIPLES][OWN_LIMBS][LANES];
};

LANES_INLINE void load_lanes(struct lanes *r, const uint64_t limbs[LIMBS][LANES])
{
    for (int i = 0; i < LIMBS; i++)
        r->l[i] = _mm512_loadu_si512(limbs[i]);
}

LANES_INLINE void store_lanes(uint64_t ret[LIMBS][LANES], const struct lanes *a)
{
    for (int i = 0; i < LIMBS; i++)
        _mm512_storeu_si512(ret[i], a->l[i]);
}

/* The point with this x: its y by a square root, with the parity asked for. Lanes whose x is on no point get G. */
LANES_TARGET static void lift(struct group *g, struct lanes *ret_x, struct lanes *ret_y)
{
    struct lanes x, y, square, right;
    load_lanes(&x, g->r);
    lanes_sqr(&right, &x);
    lanes_mul(&right, &right, &x);
    lanes_set(&square, seven);
    lanes_add_limbs(&right, &square);
    lanes_carry(&right);
    lanes_root(&y, &right);
    lanes_sqr(&square, &y);
    lanes_sub_limbs(&right, &square);
    lanes_add_p(&right, 2);
    lanes_carry(&right);
    lanes_normalize(&right);
    g->on_curve = lanes_zero(&right);

    lanes_normalize(&y);
    __mmask8 is_odd = _mm512_test_epi64_mask(y.l[0], lanes_all(1));
    struct lanes other;
    lanes_set(&other, (const uint64_t[LIMBS]){0});
    lanes_sub_limbs(&other, &y);
    lanes_add_p(&other, 1);
    lanes_carry(&other);
    lanes_blend(&y, is_odd ^ g->odd, &other);

    struct lanes base;
    lanes_set(&base, fixed_table[0][1]);
    lanes_blend(&x, (__mmask8)~g->on_curve, &base);
    lanes_set(&base, fixed_table[0][1] + LIMBS);
    lanes_blend(&y, (__mmask8)~g->on_curve, &base);
    *ret_x = x;
    *ret_y = y;
}

/* Multiples 1 … 8 of R, Jacobian; `ratios[k]` is by what Z grew from multiple k to the next. */
LANES_TARGET static void multiply_out(struct lanes_point points[OWN_MULTIPLES],
                                      struct lanes ratios[OWN_MULTIPLES - 1], const struct lanes *x,
                                      const struct lanes *y)
{
    struct lanes_point p = {.x = *x, .y = *y};
    lanes_set(&p.z, one);
    points[0] = p;
    lanes_point_double(&p);
    ratios[0] = p.z;
    points[1] = p;
    for (int k = 2; k < OWN_MULTIPLES; k++) {
        lanes_point_add(&p, x, y, 0, 0xff, &ratios[k - 1]);
        points[k] = p;
    }
}

/* All multiples made affine, from the inverse of the last Z; and the x of their images. */
LANES_TARGET static void fill_table(struct group *g, const struct lanes_point points[OWN_MULTIPLES],
                                    const struct lanes ratios[OWN_MULTIPLES - 1],
                                    struct lanes inverse)
{
    struct lanes factor, x, y, square, cube;
    lanes_set(&factor, beta);
    for (int k = OWN_MULTIPLES - 1; k >= 0; k--) {
        lanes_sqr(&square, &inverse);
        lanes_mul(&cube, &square, &inverse);
        lanes_mul(&x, &points[k].x, &square);
        lanes_mul(&y, &points[k].y, &cube);
        store_lanes(g->table[k], &x);
        store_lanes(g->table[k] + LIMBS, &y);
        lanes_mul(&x, &x, &factor);
        store_lanes(g->table[k] + 2 * LIMBS, &x);
        if (k > 0)
            lanes_mul(&inverse, &inverse, &ratios[k - 1]);
    }
}

/* Inverses of `count` numbers without zeros, in place, by one inversion. */
LANES_TARGET static void invert_all(struct lanes *numbers, size_t count)
{
    struct lanes products[GROUPS], inverse, own;
    products[0] = numbers[0];
    for (size_t i = 1; i < count; i++)
        lanes_mul(&products[i], &products[i - 1], &numbers[i]);
    lanes_invert(&inverse, &products[count - 1]);
    for (size_t i = count - 1; i > 0; i--) {
        lanes_mul(&own, &inverse, &products[i - 1]);
        lanes_mul(&inverse, &inverse, &numbers[i]);
        numbers[i] = own;
    }
    numbers[0] = inverse;
}

struct digits {
    __m512i size; /* absolute values */
    __mmask8 negative, nonzero;
};

LANES_INLINE struct digits load_digits(const int16_t digits[LANES])
{
    __m512i value = _mm512_cvtepi16_epi64(_mm_loadu_si128((const __m128i *)(const void *)digits));
    const __m512i zero = _mm512_setzero_si512();
    return (struct digits){
        .size = _mm512_abs_epi64(value),
        .negative = _mm512_cmplt_epi64_mask(value, zero),
        .nonzero = _mm512_test_epi64_mask(value, value),
    };
}

LANES_INLINE void gather(struct lanes *r, const uint64_t *base, __m512i index, int stride)
{
    for (int i = 0; i < LIMBS; i++)
        r->l[i] = _mm512_i64gather_epi64(_mm512_add_epi64(index, lanes_all((uint64_t)(i * stride))),
                                         base, 8);
}

LANES_INLINE void add_own(struct lanes_point *p, const struct group *g, int which, int window)
{
    struct lanes x, y;
    struct digits d = load_digits(g->own[which][window]);
    /* Entry digit - 1, and 0 for a digit of 0, whose sum is not taken. */
    __m512i entry = _mm512_mask_sub_epi64(d.size, d.nonzero, d.size, lanes_all(1));
    __m512i index = _mm512_add_epi64(_mm512_mullo_epi64(entry, lanes_all(OWN_LIMBS * LANES)),
                                     _mm512_setr_epi64(0, 1, 2, 3, 4, 5, 6, 7));
    gather(&x, g->table[0][which ? 2 * LIMBS : 0], index, LANES);
    gather(&y, g->table[0][LIMBS], index, LANES);
    lanes_point_add(p, &x, &y, d.negative, d.nonzero, NULL);
}

LANES_INLINE void add_fixed(struct lanes_point *p, const struct group *g, int which, int window)
{
    struct lanes x, y;
    struct digits d = load_digits(g->fixed[which][window]);
    __m512i index = _mm512_mullo_epi64(d.size, lanes_all(FIXED_LIMBS));
    gather(&x, fixed_table[which][0], index, 1);
    gather(&y, fixed_table[which][0] + LIMBS, index, 1);
    lanes_point_add(p, &x, &y, d.negative, d.nonzero, NULL);
}

LANES_TARGET static void sum_up(struct lanes_point *ret, const struct group *g)
{
    struct lanes_point p;
    struct lanes x, y;
    lanes_set(&p.x, start_x);
    lanes_set(&p.y, start_y);
    lanes_set(&p.z, one);
    for (int window = CRYPTO_ORDER_WINDOWS_4 - 1; window >= 0; window--) {
        for (int i = 0; window < CRYPTO_ORDER_WINDOWS_4 - 1 && i < 4; i++)
            lanes_point_double(&p);
        for (int which = 0; which < 2; which++)
            add_own(&p, g, which, window);
        for (int which = 0; window % 2 == 0 && which < 2; which++)
            add_fixed(&p, g, which, window / 2);
    }
    lanes_set(&x, end_x);
    lanes_set(&y, end_y);
    lanes_point_add(&p, &x, &y, 0xff, 0xff, NULL);
    *ret = p;
}

/* --- From items to lanes and back --- */

/* r and s from 1 to n - 1, and x = r: the one signature in 2^128 whose x is r + n is left to the plain function. */
static enum crypto_recover_outcome read_item(struct crypto_order *ret_r, struct crypto_order *ret_s,
                                             const struct crypto_recover *item)
{
    if (item->recovery_id > 3)
        return CRYPTO_RECOVER_NONE;
    bool valid = crypto_order_parse(ret_r, item->rs) && !crypto_order_is_zero(ret_r);
    valid = crypto_order_parse(ret_s, item->rs + 32) && !crypto_order_is_zero(ret_s) && valid;
    if (!valid)
        return CRYPTO_RECOVER_NONE;
    return item->recovery_id > 1 ? CRYPTO_RECOVER_PLAIN : CRYPTO_RECOVER_KEY;
}

static void set_digits(struct group *g, unsigned lane, const struct crypto_order *u1,
                       const struct crypto_order *u2)
{
    struct crypto_order_halves fixed, own;
    crypto_order_split(&fixed, u1);
    crypto_order_split(&own, u2);
    for (int which = 0; which < 2; which++) {
        crypto_order_digits(&g->own[which][0][lane], LANES, own.magnitude[which],
                            own.negative[which], 4);
        crypto_order_digits(&g->fixed[which][0][lane], LANES, fixed.magnitude[which],
                            fixed.negative[which], 8);
    }
}

/* Outcomes of what cannot go through lanes, and lanes of what can. The others' lanes get harmless numbers. */
static void fill_groups(struct group *groups, uint8_t *ret_outcomes,
                        const struct crypto_recover *items, size_t count)
{
    struct crypto_order r[CRYPTO_RECOVER_CHUNK], s[CRYPTO_RECOVER_CHUNK];
    struct crypto_order scratch[CRYPTO_RECOVER_CHUNK], z, u1, u2;
    size_t lanes = (count + LANES - 1) / LANES * LANES;
    for (size_t i = 0; i < lanes; i++) {
        struct group *g = &groups[i / LANES];
        enum crypto_recover_outcome outcome =
            i < count ? read_item(&r[i], &s[i], &items[i]) : CRYPTO_RECOVER_NONE;
        bool real = outcome == CRYPTO_RECOVER_KEY;
        uint64_t limbs[LIMBS];
        if (real)
            limbs_of(limbs, items[i].rs);
        else
            r[i] = s[i] = (struct crypto_order){{1}};
        for (int j = 0; j < LIMBS; j++)
            g->r[j][i % LANES] = real ? limbs[j] : fixed_table[0][1][j];
        if (real && (items[i].recovery_id & 1))
            g->odd |= (__mmask8)(1u << i % LANES);
        if (i < count)
            ret_outcomes[i] = (uint8_t)outcome;
    }
    crypto_order_invert_all(r, scratch, lanes);
    for (size_t i = 0; i < lanes; i++) {
        z = (struct crypto_order){{1}};
        if (i < count && ret_outcomes[i] == CRYPTO_RECOVER_KEY)
            (void)crypto_order_parse(&z, items[i].hash.b); /* modulo n, as the standard has it */
        crypto_order_mul(&u1, &z, &r[i]);
        crypto_order_negate(&u1, &u1);
        crypto_order_mul(&u2, &s[i], &r[i]);
        set_digits(&groups[i / LANES], i % LANES, &u1, &u2);
    }
}

LANES_TARGET static void make_own_tables(struct group *groups, size_t count)
{
    struct lanes_point points[GROUPS][OWN_MULTIPLES];
    struct lanes ratios[GROUPS][OWN_MULTIPLES - 1], inverses[GROUPS];
    for (size_t i = 0; i < count; i++) {
        struct lanes x, y;
        lift(&groups[i], &x, &y);
        multiply_out(points[i], ratios[i], &x, &y);
        inverses[i] = points[i][OWN_MULTIPLES - 1].z;
    }
    invert_all(inverses, count);
    for (size_t i = 0; i < count; i++)
        fill_table(&groups[i], points[i], ratios[i], inverses[i]);
}

/* Affine, in bytes. */
LANES_TARGET static void write_keys(struct crypto_public_key *ret_keys, size_t count,
                                    const struct lanes_point *sum, const struct lanes *inverse)
{
    uint64_t limbs[2][LIMBS][LANES];
    struct lanes square, cube, x, y;
    lanes_sqr(&square, inverse);
    lanes_mul(&cube, &square, inverse);
    lanes_mul(&x, &sum->x, &square);
    lanes_mul(&y, &sum->y, &cube);
    lanes_normalize(&x);
    lanes_normalize(&y);
    store_lanes(limbs[0], &x);
    store_lanes(limbs[1], &y);
    for (size_t lane = 0; lane < count; lane++) {
        for (int which = 0; which < 2; which++) {
            uint64_t own[LIMBS];
            for (int j = 0; j < LIMBS; j++)
                own[j] = limbs[which][j][lane];
            bytes_of_limbs(ret_keys[lane].b + 32 * which, own);
        }
    }
}

static void note_outcomes(uint8_t *outcomes, size_t count, __mmask8 on_curve, __mmask8 undecided)
{
    for (size_t lane = 0; lane < count; lane++) {
        if (outcomes[lane] != CRYPTO_RECOVER_KEY)
            continue;
        if (!(on_curve >> lane & 1))
            outcomes[lane] = CRYPTO_RECOVER_NONE;
        else if (undecided >> lane & 1)
            outcomes[lane] = CRYPTO_RECOVER_PLAIN;
    }
}

LANES_TARGET static void recover_groups(struct crypto_public_key *ret_keys, uint8_t *outcomes,
                                        struct group *groups, size_t count)
{
    struct lanes_point sums[GROUPS];
    struct lanes inverses[GROUPS], unit;
    __mmask8 undecided[GROUPS];
    size_t group_count = (count + LANES - 1) / LANES;
    lanes_set(&unit, one);
    make_own_tables(groups, group_count);
    for (size_t i = 0; i < group_count; i++) {
        sum_up(&sums[i], &groups[i]);
        lanes_normalize(&sums[i].z);
        undecided[i] = lanes_zero(&sums[i].z);
        inverses[i] = sums[i].z;
        lanes_blend(&inverses[i], undecided[i], &unit);
    }
    invert_all(inverses, group_count);
    for (size_t i = 0; i < group_count; i++) {
        size_t first = i * LANES, lanes = count - first < LANES ? count - first : LANES;
        write_keys(ret_keys + first, lanes, &sums[i], &inverses[i]);
        note_outcomes(outcomes + first, lanes, groups[i].on_curve, undecided[i]);
    }
}

bool crypto_recover_ifma_here(void)
{
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
           __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512ifma");
}

void crypto_recover_ifma(struct crypto_public_key *ret_keys, uint8_t *ret_outcomes,
                         const struct crypto_recover *items, size_t count)
{
    struct group groups[GROUPS];
    assert(count <= CRYPTO_RECOVER_CHUNK);
    if (count == 0)
        return;
    pthread_once(&tables_once, make_tables);
    for (size_t i = 0; i < GROUPS; i++)
        groups[i].odd = 0;
    fill_groups(groups, ret_outcomes, items, count);
    recover_groups(ret_keys, ret_outcomes, groups, count);
}
#endif
