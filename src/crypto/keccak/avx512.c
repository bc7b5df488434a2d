/* Eight states side by side, for x86-64 with AVX-512. */
#if defined(__x86_64__)
#    include "crypto/keccak.h"
#    include "crypto/keccak/internal.h"

#    include <immintrin.h>

#    define LANE                 __m512i
#    define LANE_TARGET          __attribute__((target("avx512f")))
#    define lane_xor(a, b)       _mm512_xor_si512(a, b)
#    define lane_xor3(a, b, c)   _mm512_ternarylogic_epi64(a, b, c, 0x96)
#    define lane_rotate(a, by)   _mm512_rol_epi64(a, by)
#    define lane_chi(a, b, c)    _mm512_ternarylogic_epi64(a, b, c, 0xd2)
#    define lane_constant(round) _mm512_set1_epi64((long long)crypto_keccak_round_constants[round])

#    include "crypto/keccak_rounds.inc"

LANE_TARGET static inline __attribute__((always_inline)) LANE load(const uint8_t *const *blocks,
                                                                   unsigned i)
{
    long long lane[8];
    for (unsigned j = 0; j < 8; j++)
        memcpy(&lane[j], blocks[j] + 8 * i, sizeof(lane[j]));
    return _mm512_setr_epi64(lane[0], lane[1], lane[2], lane[3], lane[4], lane[5], lane[6],
                             lane[7]);
}

/* Blocks of a constant number of words. */
LANE_TARGET static inline __attribute__((always_inline)) void
absorb_words(uint64_t *lanes, const uint8_t *const *blocks, unsigned fresh, unsigned words)
{
    LANE a[25];
    for (unsigned i = 0; i < 25; i++)
        a[i] = _mm512_maskz_load_epi64((__mmask8)~fresh, lanes + 8 * i);
    for (unsigned i = 0; i < words; i++)
        a[i] = _mm512_xor_si512(a[i], load(blocks, i));
    keccak_rounds(a);
    for (unsigned i = 0; i < 25; i++)
        _mm512_store_si512(lanes + 8 * i, a[i]);
}

LANE_TARGET static void absorb_1088(uint64_t *lanes, const uint8_t *const *blocks, unsigned fresh)
{
    absorb_words(lanes, blocks, fresh, CRYPTO_KECCAK256_RATE / 8);
}

LANE_TARGET static void absorb_576(uint64_t *lanes, const uint8_t *const *blocks, unsigned fresh)
{
    absorb_words(lanes, blocks, fresh, CRYPTO_SHA3_512_RATE / 8);
}

const struct crypto_keccak_wide crypto_keccak_avx512 = {
    .name = "avx512",
    .width = 8,
    .least = 5, /* up to four go into half of the width */
    .absorb_1088 = absorb_1088,
    .absorb_576 = absorb_576,
};
#endif
