/* The prices that the protocol sets: base fee (EIP-1559) and blob fee (EIP-4844, 7691, 7918). */
#ifndef ETH_FEE_H
#define ETH_FEE_H

#include "base/fork.h"
#include "base/u256.h"

#define ETH_INITIAL_BASE_FEE UINT64_C(1000000000) /* wei; of the first London block */

/* The base fee after a block with these values. `gas_limit` is at least 2. */
struct u256 eth_next_base_fee(const struct u256 *base_fee, uint64_t gas_used, uint64_t gas_limit);

/* How many blobs a block aims at and may have, and how fast the price moves. */
struct eth_blob_schedule {
    uint32_t target; /* blobs */
    uint32_t max;    /* blobs */
    uint64_t update_fraction;
    bool has_reserve_price; /* EIP-7918 */
};

/* Of the fork: Cancun (EIP-4844), Prague (EIP-7691), Osaka (EIP-7918). NULL before Cancun. A chain
 * may have its own. */
const struct eth_blob_schedule *eth_blob_schedule(enum fork fork);

/* factor * e^(numerator / denominator), by EIP-4844's integer series; 2^256 - 1 when the series has
 * a sum over 256 bits, more than there is ether. `denominator` is not 0 and below 2^32. */
struct u256 eth_fake_exponential(uint64_t factor, uint64_t numerator, uint64_t denominator);

/* Wei per blob gas in a block whose header has this excess. */
struct u256 eth_blob_base_fee(const struct eth_blob_schedule *schedule, uint64_t excess_blob_gas);

/* The excess of the block after a parent with these values; the schedule is the new block's. */
uint64_t eth_excess_blob_gas(const struct eth_blob_schedule *schedule, uint64_t parent_excess,
                             uint64_t parent_used, const struct u256 *parent_base_fee);

#endif
