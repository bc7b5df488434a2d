#include "eth/fee.h"

#include "eth/transaction.h"

enum {
    ELASTICITY = 2,             /* EIP-1559: the gas limit is this many times the target */
    BASE_FEE_MAX_CHANGE = 8,    /* EIP-1559: at most an eighth per block */
    MIN_BLOB_BASE_FEE = 1,      /* EIP-4844, wei */
    BLOB_RESERVE_GAS = 1 << 13, /* EIP-7918: execution gas that a blob is worth at least */
};

struct u256 eth_next_base_fee(const struct u256 *base_fee, uint64_t gas_used, uint64_t gas_limit)
{
    uint64_t target = gas_limit / ELASTICITY;
    if (gas_used == target)
        return *base_fee;
    bool rises = gas_used > target;
    const struct u256 distance = u256_from(rises ? gas_used - target : target - gas_used);
    const struct u256 divisor = u256_from(target), eighth = u256_from(BASE_FEE_MAX_CHANGE);
    struct u256 change, next;
    u256_mul(&change, base_fee, &distance);
    u256_divmod(&change, NULL, &change, &divisor);
    u256_divmod(&change, NULL, &change, &eighth);
    if (rises) {
        if (u256_is_zero(&change))
            change = u256_from(1);
        u256_add(&next, base_fee, &change);
    } else {
        u256_sub(&next, base_fee, &change);
    }
    return next;
}

const struct eth_blob_schedule *eth_blob_schedule(enum fork fork)
{
    static const struct eth_blob_schedule cancun = {3, 6, 3338477, false};
    static const struct eth_blob_schedule prague = {6, 9, 5007716, false};
    static const struct eth_blob_schedule osaka = {6, 9, 5007716, true};
    if (fork >= FORK_OSAKA)
        return &osaka;
    if (fork >= FORK_PRAGUE)
        return &prague;
    return fork >= FORK_CANCUN ? &cancun : NULL;
}

/* *a = *a * n / d over an unbounded product; false when the result does not fit. */
static bool scale(struct u256 *a, uint64_t n, const struct u256 *d)
{
    const struct u256 factor = u256_from(n);
    struct u256 quotient, rest;
    u256_divmod(&quotient, &rest, a, d);
    u256_mul(&rest, &rest, &factor); /* below d * 2^64, and d is small */
    u256_divmod(&rest, NULL, &rest, d);
    return u256_mul_checked(&quotient, &quotient, &factor) && u256_add_checked(a, &quotient, &rest);
}

struct u256 eth_fake_exponential(uint64_t factor, uint64_t numerator, uint64_t denominator)
{
    static const struct u256 most = {{UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX}};
    const struct u256 divisor = u256_from(denominator), start = u256_from(factor);
    struct u256 sum = {{0}}, term;
    u256_mul(&term, &start, &divisor);
    for (uint64_t i = 1; !u256_is_zero(&term); i++) {
        const struct u256 index = u256_from(i);
        struct u256 step;
        u256_mul(&step, &divisor, &index);
        if (!u256_add_checked(&sum, &sum, &term) || !scale(&term, numerator, &step))
            return most;
    }
    u256_divmod(&sum, NULL, &sum, &divisor);
    return sum;
}

struct u256 eth_blob_base_fee(const struct eth_blob_schedule *schedule, uint64_t excess_blob_gas)
{
    return eth_fake_exponential(MIN_BLOB_BASE_FEE, excess_blob_gas, schedule->update_fraction);
}

uint64_t eth_excess_blob_gas(const struct eth_blob_schedule *schedule, uint64_t parent_excess,
                             uint64_t parent_used, const struct u256 *parent_base_fee)
{
    uint64_t target = (uint64_t)schedule->target * ETH_BLOB_GAS;
    uint64_t sum;
    if (__builtin_add_overflow(parent_excess, parent_used, &sum))
        sum = UINT64_MAX;
    if (sum < target)
        return 0;
    if (schedule->has_reserve_price) {
        const struct u256 reserve = u256_from(BLOB_RESERVE_GAS), blob = u256_from(ETH_BLOB_GAS);
        struct u256 execution, price = eth_blob_base_fee(schedule, parent_excess);
        bool execution_fits = u256_mul_checked(&execution, &reserve, parent_base_fee);
        bool price_fits = u256_mul_checked(&price, &price, &blob);
        if (price_fits && (!execution_fits || u256_less(&price, &execution))) {
            uint64_t grown = parent_used * (schedule->max - schedule->target) / schedule->max;
            return parent_excess + grown;
        }
    }
    return sum - target;
}
