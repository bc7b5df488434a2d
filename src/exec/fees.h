/* Prices that follow from the parent block. */
#ifndef EXEC_FEES_H
#define EXEC_FEES_H

#include "base/fork.h"
#include "base/u256.h"

/* EIP-1559: the base fee after a parent with this base fee, gas limit and gas used. The first
 * London block has 1,000,000,000 wei instead. */
struct u256 exec_next_base_fee(const struct u256 *base_fee, uint64_t gas_limit, uint64_t gas_used);

/* Blobs by fork: EIP-4844, EIP-7691 (Prague). A network with other figures (EIP-7840) passes its
 * own. */
struct exec_blob_schedule {
    uint64_t target, max; /* blobs a block */
    uint64_t fraction;    /* BLOB_BASE_FEE_UPDATE_FRACTION */
};

struct exec_blob_schedule exec_blob_schedule(enum fork fork);

/* Wei per blob gas at this excess: e^(excess / fraction), by EIP-4844's series. */
struct u256 exec_blob_base_fee(const struct exec_blob_schedule *schedule, uint64_t excess);

/* The excess after a parent with these figures; EIP-7918 (Osaka) bounds it by the parent's base
 * fee. */
uint64_t exec_next_excess_blob_gas(enum fork fork, const struct exec_blob_schedule *schedule,
                                   uint64_t parent_excess, uint64_t parent_used,
                                   const struct u256 *parent_base_fee);

#endif
