#include "crypto/keccak.h"

#include "crypto/keccak/internal.h"

const uint64_t crypto_keccak_round_constants[24] = {
    0x0000000000000001, 0x0000000000008082, 0x800000000000808a, 0x8000000080008000,
    0x000000000000808b, 0x0000000080000001, 0x8000000080008081, 0x8000000000008009,
    0x000000000000008a, 0x0000000000000088, 0x0000000080008009, 0x000000008000000a,
    0x000000008000808b, 0x800000000000008b, 0x8000000000008089, 0x8000000000008003,
    0x8000000000008002, 0x8000000000000080, 0x000000000000800a, 0x800000008000000a,
    0x8000000080008081, 0x8000000000008080, 0x0000000080000001, 0x8000000080008008,
};

const struct hash256 crypto_keccak256_empty = {{0xc5, 0xd2, 0x46, 0x01, 0x86, 0xf7, 0x23, 0x3c,
                                                0x92, 0x7e, 0x7d, 0xb2, 0xdc, 0xc7, 0x03, 0xc0,
                                                0xe5, 0x00, 0xb6, 0x53, 0xca, 0x82, 0x27, 0x3b,
                                                0x7b, 0xfa, 0xd8, 0x04, 0x5d, 0x85, 0xa4, 0x70}};

/*
 * Of the permutations for one state, `bmi2` is the best on the processors measured (AMD Zen 5, an Intel Xeon with AMX-FP16): one
 * lane to a vector register with AVX-512 comes out the same on both, a row of five lanes to a register a third slower.
 * Side by side the vectors win by far.
 */
size_t crypto_keccak_singles(const struct crypto_keccak_single *ret[CRYPTO_KECCAK_SINGLES])
{
    size_t count = 0;
#if defined(__x86_64__)
    if (__builtin_cpu_supports("bmi") && __builtin_cpu_supports("bmi2"))
        ret[count++] = &crypto_keccak_bmi2;
#endif
    ret[count++] = &crypto_keccak_scalar;
    return count;
}

size_t crypto_keccak_wides(const struct crypto_keccak_wide *ret[CRYPTO_KECCAK_WIDES])
{
    size_t count = 0;
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx512f"))
        ret[count++] = &crypto_keccak_avx512;
    if (__builtin_cpu_supports("avx512vl"))
        ret[count++] = &crypto_keccak_avx512vl;
    if (__builtin_cpu_supports("avx2"))
        ret[count++] = &crypto_keccak_avx2;
#endif
    (void)ret;
    return count;
}

/* Right before `choose` has run, too. */
static const struct crypto_keccak_single *single = &crypto_keccak_scalar;
static const struct crypto_keccak_wide *wides[CRYPTO_KECCAK_WIDES];
static size_t wide_count;

__attribute__((constructor)) static void choose(void)
{
    const struct crypto_keccak_single *singles[CRYPTO_KECCAK_SINGLES];
#if defined(__x86_64__)
    __builtin_cpu_init();
#endif
    (void)crypto_keccak_singles(singles); /* at least one */
    single = singles[0];
    wide_count = crypto_keccak_wides(wides);
}

const struct crypto_keccak_wide *crypto_keccak_wide_for(size_t count)
{
    for (size_t i = 0; i < wide_count; i++)
        if (count >= wides[i]->least)
            return wides[i];
    return NULL;
}

const char *crypto_keccak_implementation(void)
{
    return single->name;
}

void crypto_keccak_f1600(uint64_t state[25])
{
    single->permute(state);
}

static void absorb_block(uint64_t state[25], const uint8_t *block)
{
    for (size_t i = 0; i < CRYPTO_KECCAK256_RATE / 8; i++) {
        uint64_t lane;
        memcpy(&lane, block + 8 * i, 8);
        state[i] ^= lane;
    }
}

/* What is left of the input, shorter than a block, and the padding. */
static void absorb_last(uint64_t state[25], const uint8_t *rest, size_t len)
{
    uint8_t block[CRYPTO_KECCAK256_RATE] = {0};
    if (len)
        memcpy(block, rest, len);
    block[len] = 0x01;
    block[sizeof(block) - 1] |= 0x80;
    absorb_block(state, block);
}

static void sponge(uint64_t state[25], struct bytes data)
{
    while (data.len >= CRYPTO_KECCAK256_RATE) {
        absorb_block(state, data.data);
        crypto_keccak_f1600(state);
        data = bytes_slice(data, CRYPTO_KECCAK256_RATE, data.len - CRYPTO_KECCAK256_RATE);
    }
    absorb_last(state, data.data, data.len);
    crypto_keccak_f1600(state);
}

const struct crypto_keccak_sponge crypto_keccak256_sponge = {CRYPTO_KECCAK256_RATE, 32, 0x01};

void crypto_keccak256(struct hash256 *ret_hash, struct bytes data)
{
    if (data.len < CRYPTO_KECCAK256_RATE) {
        single->hash_short(ret_hash, data.data, data.len);
        return;
    }
    uint64_t state[25] = {0};
    sponge(state, data);
    memcpy(ret_hash->b, state, sizeof(ret_hash->b));
}

void crypto_keccak256_many(struct hash256 *ret_hashes, const struct bytes *inputs, size_t count)
{
    const struct crypto_keccak_wide *wide = crypto_keccak_wide_for(count);
    if (wide) {
        crypto_keccak_many_with(wide, &crypto_keccak256_sponge, (uint8_t *)ret_hashes, inputs,
                                count);
        return;
    }
    for (size_t i = 0; i < count; i++)
        crypto_keccak256(&ret_hashes[i], inputs[i]);
}

void crypto_keccak256_init(struct crypto_keccak256 *k)
{
    *k = (struct crypto_keccak256){0};
}

void crypto_keccak256_update(struct crypto_keccak256 *k, struct bytes data)
{
    uint8_t *sponge_bytes = (uint8_t *)k->state;
    if (k->used) {
        size_t open = CRYPTO_KECCAK256_RATE - k->used;
        size_t n = data.len < open ? data.len : open;
        for (size_t i = 0; i < n; i++)
            sponge_bytes[k->used + i] ^= data.data[i];
        k->used += n;
        data = bytes_slice(data, n, data.len - n);
        if (k->used < CRYPTO_KECCAK256_RATE)
            return;
        crypto_keccak_f1600(k->state);
        k->used = 0;
    }
    while (data.len >= CRYPTO_KECCAK256_RATE) {
        absorb_block(k->state, data.data);
        crypto_keccak_f1600(k->state);
        data = bytes_slice(data, CRYPTO_KECCAK256_RATE, data.len - CRYPTO_KECCAK256_RATE);
    }
    for (size_t i = 0; i < data.len; i++)
        sponge_bytes[i] ^= data.data[i];
    k->used = data.len;
}

void crypto_keccak256_final(struct crypto_keccak256 *k, struct hash256 *ret_hash)
{
    uint8_t *sponge_bytes = (uint8_t *)k->state;
    sponge_bytes[k->used] ^= 0x01;
    sponge_bytes[CRYPTO_KECCAK256_RATE - 1] ^= 0x80;
    crypto_keccak_f1600(k->state);
    memcpy(ret_hash->b, k->state, sizeof(ret_hash->b));
}
