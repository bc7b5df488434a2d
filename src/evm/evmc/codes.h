/*
 * EVMC gives code without its hash. Hashing it would cost more than running short code does, so the
 * codes seen lately are kept as copies, each with a name of its own making: comparing a code with
 * its copy is cheap, and the machine's cache of analysed codes only needs equal names for equal
 * codes.
 */
#ifndef EVM_EVMC_CODES_H
#define EVM_EVMC_CODES_H

#include "base/types.h"

enum {
    EVMC_CODES = 64,
    /* Longer codes are not kept. Deployed code has at most 24576 bytes (EIP-170); twice that leaves
     * room for tests of forks before. */
    EVMC_CODE_SIZE_MAX = 48 << 10,
};

struct evmc_codes {
    struct evmc_code {
        const uint8_t *place; /* where the client had it */
        size_t len;
        uint8_t *copy;
        uint64_t name;
    } codes[EVMC_CODES];
    uint64_t names; /* given so far */
};

/* Gives the code's name, a number in place of a hash. False when it has none: it is too long, or
 * there is no memory for a copy. */
bool evmc_codes_identify(struct evmc_codes *c, struct hash256 *ret_id, struct bytes code);
void evmc_codes_release(struct evmc_codes *c);

#endif
