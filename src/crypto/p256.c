#include "crypto/p256.h"

#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/obj_mac.h>
#include <pthread.h>

/* Made once: it carries the table of multiples of the base point. */
static EC_GROUP *group;
static pthread_once_t group_once = PTHREAD_ONCE_INIT;

static void make_group(void)
{
    group = EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1);
}

struct verification {
    BN_CTX *numbers;
    EC_POINT *key, *sum;
    BIGNUM *hash, *r, *s, *x, *y;
};

static bool in_range(const BIGNUM *number, const BIGNUM *end)
{
    return !BN_is_zero(number) && BN_cmp(number, end) < 0;
}

static bool read_input(struct verification *v, const uint8_t input[160])
{
    BIGNUM **fields[] = {&v->hash, &v->r, &v->s, &v->x, &v->y};
    for (size_t i = 0; i < BASE_COUNT(fields); i++) {
        *fields[i] = BN_CTX_get(v->numbers);
        if (!*fields[i] || !BN_bin2bn(input + 32 * i, 32, *fields[i]))
            return false;
    }
    return true;
}

/* Whether r = ((hash / s) G + (r / s) key).x modulo the order (SEC 1, section 4.1.4). All numbers
 * are in range. False in *ret_done when the library failed. */
static bool equation_holds(struct verification *v, const BIGNUM *order, bool *ret_done)
{
    BN_CTX *numbers = v->numbers;
    BIGNUM *u1 = BN_CTX_get(numbers), *u2 = BN_CTX_get(numbers), *x = BN_CTX_get(numbers);
    *ret_done = x && BN_mod_inverse(v->s, v->s, order, numbers) &&
                BN_mod_mul(u1, v->hash, v->s, order, numbers) &&
                BN_mod_mul(u2, v->r, v->s, order, numbers) &&
                EC_POINT_mul(group, v->sum, u1, v->key, u2, numbers);
    if (!*ret_done || EC_POINT_is_at_infinity(group, v->sum))
        return false;
    *ret_done = EC_POINT_get_affine_coordinates(group, v->sum, x, NULL, numbers) &&
                BN_nnmod(x, x, order, numbers);
    return *ret_done && BN_cmp(x, v->r) == 0;
}

static bool check(struct verification *v, const uint8_t input[160], bool *ret_done)
{
    const BIGNUM *order = EC_GROUP_get0_order(group), *prime = EC_GROUP_get0_field(group);
    *ret_done = read_input(v, input);
    if (!*ret_done || !in_range(v->r, order) || !in_range(v->s, order) ||
        BN_cmp(v->x, prime) >= 0 || BN_cmp(v->y, prime) >= 0)
        return false;
    if (!EC_POINT_set_affine_coordinates(group, v->key, v->x, v->y, v->numbers)) {
        *ret_done = ERR_GET_REASON(ERR_peek_last_error()) == EC_R_POINT_IS_NOT_ON_CURVE;
        return false;
    }
    return equation_holds(v, order, ret_done);
}

int crypto_p256_verify(bool *ret_valid, const uint8_t input[160])
{
    pthread_once(&group_once, make_group);
    if (!group)
        return ERR_CRYPTO;
    struct verification v = {
        .numbers = BN_CTX_new(), .key = EC_POINT_new(group), .sum = EC_POINT_new(group)};
    bool done = false, valid = false;
    ERR_set_mark();
    if (v.numbers && v.key && v.sum) {
        BN_CTX_start(v.numbers);
        valid = check(&v, input, &done);
        BN_CTX_end(v.numbers);
    }
    ERR_pop_to_mark();
    EC_POINT_free(v.sum);
    EC_POINT_free(v.key);
    BN_CTX_free(v.numbers);
    if (!done)
        return ERR_NOMEM;
    *ret_valid = valid;
    return ERR_OK;
}
