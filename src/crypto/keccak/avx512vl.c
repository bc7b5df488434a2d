/* Four states side by side, for x86-64 with AVX-512's instructions on 256 bits: rotation and ternary logic in one each. All
 * four cost what a single one does (an Intel Xeon with AMX-FP16: 204 ns), so two inputs are enough. */
#if defined(__x86_64__)
#    include <immintrin.h>

#    define LANE_TARGET __attribute__((target("avx2,avx512f,avx512vl")))
#    define FOUR        crypto_keccak_avx512vl
#    define FOUR_NAME   "avx512vl"
#    define FOUR_LEAST  2

#    define lane_xor3(a, b, c) _mm256_ternarylogic_epi64(a, b, c, 0x96)
#    define lane_rotate(a, by) _mm256_rol_epi64(a, by)
#    define lane_chi(a, b, c)  _mm256_ternarylogic_epi64(a, b, c, 0xd2)

#    include "crypto/keccak/four.inc"
#endif
