/* For every processor. */
#define LANE_TARGET
#define SINGLE      crypto_keccak_scalar
#define SINGLE_NAME "scalar"

#include "crypto/keccak/single.inc"
