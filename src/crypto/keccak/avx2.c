/* Four states side by side, for x86-64 with AVX2. Two of them in use cost as much as two single ones. */
#if defined(__x86_64__)
#    include <immintrin.h>

#    define LANE_TARGET __attribute__((target("avx2")))
#    define FOUR        crypto_keccak_avx2
#    define FOUR_NAME   "avx2"
#    define FOUR_LEAST  3

#    define lane_xor3(a, b, c) _mm256_xor_si256(_mm256_xor_si256(a, b), c)
#    define lane_chi(a, b, c)  _mm256_xor_si256(a, _mm256_andnot_si256(b, c))

LANE_TARGET static inline __attribute__((always_inline)) __m256i lane_rotate(__m256i a, int by)
{
    return _mm256_or_si256(_mm256_slli_epi64(a, by), _mm256_srli_epi64(a, 64 - by));
}

#    include "crypto/keccak/four.inc"
#endif
