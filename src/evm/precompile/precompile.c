#include "evm/precompile/internal.h"

/* What a contract costs: `base`, and `each` per `unit` bytes of input. */
struct price {
    uint32_t base;
    uint32_t each;
    uint32_t unit;
    bool whole_units; /* a part of a unit is free; else it counts as one */
};

struct precompile {
    uint16_t number; /* the address as a number */
    enum fork since;
    struct price price;
    /* Instead of `price`: gas that follows from the input; UINT64_MAX when there is no end to it.
     */
    uint64_t (*gas)(enum fork fork, struct bytes input);
    evm_precompile *run;
};

/* By address; of rows with the same one the last that the fork has reached counts. */
static const struct precompile precompiles[] = {
    {0x01, FORK_FRONTIER, {3000}, NULL, evm_precompile_ecrecover},
    {0x02, FORK_FRONTIER, {60, 12, 32}, NULL, evm_precompile_sha256},
    {0x03, FORK_FRONTIER, {600, 120, 32}, NULL, evm_precompile_ripemd160},
    {0x04, FORK_FRONTIER, {15, 3, 32}, NULL, evm_precompile_identity},
    {0x05, FORK_BYZANTIUM, {0}, evm_modexp_gas, evm_precompile_modexp},
    {0x05, FORK_OSAKA, {0}, evm_modexp_gas, evm_precompile_modexp_bounded},
    {0x06, FORK_BYZANTIUM, {500}, NULL, evm_precompile_bn254_add},
    {0x06, FORK_ISTANBUL, {150}, NULL, evm_precompile_bn254_add},
    {0x07, FORK_BYZANTIUM, {40000}, NULL, evm_precompile_bn254_mul},
    {0x07, FORK_ISTANBUL, {6000}, NULL, evm_precompile_bn254_mul},
    {0x08, FORK_BYZANTIUM, {100000, 80000, 192, true}, NULL, evm_precompile_bn254_pairing},
    {0x08, FORK_ISTANBUL, {45000, 34000, 192, true}, NULL, evm_precompile_bn254_pairing},
    {0x09, FORK_ISTANBUL, {0}, evm_blake2f_gas, evm_precompile_blake2f},
    {0x0a, FORK_CANCUN, {50000}, NULL, evm_precompile_point_evaluation},
    {0x0b, FORK_PRAGUE, {375}, NULL, evm_precompile_g1_add},
    {0x0c, FORK_PRAGUE, {0}, evm_g1_msm_gas, evm_precompile_g1_msm},
    {0x0d, FORK_PRAGUE, {600}, NULL, evm_precompile_g2_add},
    {0x0e, FORK_PRAGUE, {0}, evm_g2_msm_gas, evm_precompile_g2_msm},
    {0x0f, FORK_PRAGUE, {37700, 32600, 384, true}, NULL, evm_precompile_bls_pairing},
    {0x10, FORK_PRAGUE, {5500}, NULL, evm_precompile_map_to_g1},
    {0x11, FORK_PRAGUE, {23800}, NULL, evm_precompile_map_to_g2},
    {0x100, FORK_OSAKA, {6900}, NULL, evm_precompile_p256},
};

static unsigned number_of(const struct address *a)
{
    static const uint8_t zeros[sizeof(a->b) - 2];
    if (memcmp(a->b, zeros, sizeof(zeros)) != 0)
        return 0;
    return (unsigned)a->b[18] << 8 | a->b[19];
}

static const struct precompile *find(enum fork fork, const struct address *a)
{
    const struct precompile *found = NULL;
    unsigned number = number_of(a);
    if (number == 0)
        return NULL;
    for (size_t i = 0; i < BASE_COUNT(precompiles) && precompiles[i].number <= number; i++)
        if (precompiles[i].number == number && precompiles[i].since <= fork)
            found = &precompiles[i];
    return found;
}

bool evm_is_precompile(enum fork fork, const struct address *a)
{
    return find(fork, a) != NULL;
}

static uint64_t gas_of(const struct precompile *p, enum fork fork, struct bytes input)
{
    if (p->gas)
        return p->gas(fork, input);
    uint64_t units = 0;
    if (p->price.unit)
        units = (input.len + (p->price.whole_units ? 0 : p->price.unit - 1)) / p->price.unit;
    return p->price.base + units * p->price.each;
}

int evm_precompile_run(enum fork fork, const struct address *a, struct bytes input, int64_t gas,
                       struct buf *output, struct evm_result *ret_result)
{
    const struct precompile *p = find(fork, a);
    assert(p);
    uint64_t cost = gas_of(p, fork, input);
    buf_clear(output);
    if (cost > (uint64_t)gas) {
        *ret_result = (struct evm_result){.status = EVM_OUT_OF_GAS};
        return 0;
    }
    struct evm_result result = {.status = EVM_SUCCESS};
    int err = p->run(input, output, &result.status);
    if (!err)
        err = buf_status(output);
    if (err)
        return err;
    if (result.status == EVM_SUCCESS) {
        result.gas_left = gas - (int64_t)cost;
        result.output = buf_bytes(output);
    }
    *ret_result = result;
    return 0;
}
