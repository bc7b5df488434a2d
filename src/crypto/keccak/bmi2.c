/* For x86-64 with three-operand andn and rorx: a fifth faster than plain instructions, and as fast
 * as AVX-512 can be made for a single state (see keccak.c). */
#if defined(__x86_64__)
#    define LANE_TARGET __attribute__((target("bmi,bmi2")))
#    define SINGLE      crypto_keccak_bmi2
#    define SINGLE_NAME "bmi2"

#    include "crypto/keccak/single.inc"
#endif
