#include "crypto/keccak_internal.h"

#include <string.h>

#define LANE uint64_t
#define LANE_TARGET
#define lane_constant(round) crypto_keccak_round_constants[round]

static inline uint64_t lane_xor(uint64_t a, uint64_t b)
{
    return a ^ b;
}

/* The last two first: theta pairs the same two with five lanes. */
static inline uint64_t lane_xor3(uint64_t a, uint64_t b, uint64_t c)
{
    return a ^ (b ^ c);
}

static inline uint64_t lane_rotate(uint64_t a, unsigned by)
{
    return a << by | a >> (64 - by);
}

static inline uint64_t lane_chi(uint64_t a, uint64_t b, uint64_t c)
{
    return a ^ (~b & c);
}

#include "crypto/keccak_rounds.h"

void crypto_keccak_f1600_scalar(uint64_t state[25])
{
    uint64_t a[25];
    memcpy(a, state, sizeof(a));
    keccak_rounds(a);
    memcpy(state, a, sizeof(a));
}
