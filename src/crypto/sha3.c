/* FIPS 202: the sponge over Keccak-f[1600] with the padding 0x06 … 0x80. The permutation is keccak.c's, which suits the
 * processor. SHA-512/256 is OpenSSL's; see hash.c about its stream functions. */
#define OPENSSL_SUPPRESS_DEPRECATED

#include "crypto/sha3.h"

#include "crypto/keccak.h"
#include "crypto/keccak/internal.h"

#include <openssl/sha.h>

static void absorb(uint64_t state[25], const struct bytes *parts, size_t count, size_t rate)
{
    uint8_t *lanes = (uint8_t *)state; /* little-endian, as base/compiler.h asserts */
    size_t used = 0;
    for (size_t part = 0; part < count; part++) {
        const uint8_t *at = parts[part].data;
        size_t left = parts[part].len;
        while (left) {
            size_t n = left < rate - used ? left : rate - used, i = 0;
            for (; i + 8 <= n; i += 8) {
                uint64_t a, b;
                memcpy(&a, lanes + used + i, 8);
                memcpy(&b, at + i, 8);
                a ^= b;
                memcpy(lanes + used + i, &a, 8);
            }
            for (; i < n; i++)
                lanes[used + i] ^= at[i];
            used += n;
            at += n;
            left -= n;
            if (used == rate) {
                crypto_keccak_f1600(state);
                used = 0;
            }
        }
    }
    lanes[used] ^= 0x06;
    lanes[rate - 1] ^= 0x80;
    crypto_keccak_f1600(state);
}

void crypto_sha3_512(uint8_t ret_hash[64], const struct bytes *parts, size_t count)
{
    uint64_t state[25] = {0};
    absorb(state, parts, count, CRYPTO_SHA3_512_RATE);
    memcpy(ret_hash, state, 64);
}

const struct crypto_keccak_sponge crypto_sha3_512_sponge = {CRYPTO_SHA3_512_RATE, 64, 0x06};

void crypto_sha3_512_many(uint8_t (*ret_hashes)[64], const struct bytes *inputs, size_t count)
{
    const struct crypto_keccak_wide *wide = crypto_keccak_wide_for(count);
    if (wide) {
        crypto_keccak_many_with(wide, &crypto_sha3_512_sponge, ret_hashes[0], inputs, count);
        return;
    }
    for (size_t i = 0; i < count; i++)
        crypto_sha3_512(ret_hashes[i], &inputs[i], 1);
}

void crypto_sha3_256(uint8_t ret_hash[32], const struct bytes *parts, size_t count)
{
    uint64_t state[25] = {0};
    absorb(state, parts, count, CRYPTO_KECCAK256_RATE);
    memcpy(ret_hash, state, 32);
}

/* SHA-512 from other initial values, which are made as FIPS 180-4, 5.3.6 says: the SHA-512 of the function's name, from
 * its own initial values XOR a5…a5. */
void crypto_sha512_256(struct hash256 *ret_hash, struct bytes data)
{
    SHA512_CTX context;
    uint8_t whole[64];
    SHA512_Init(&context);
    for (size_t i = 0; i < 8; i++)
        context.h[i] ^= 0xa5a5a5a5a5a5a5a5;
    SHA512_Update(&context, "SHA-512/256", 11);
    SHA512_Final(whole, &context);
    SHA512_Init(&context);
    for (size_t i = 0; i < 8; i++) {
        uint64_t word;
        memcpy(&word, whole + 8 * i, 8);
        context.h[i] = __builtin_bswap64(word);
    }
    SHA512_Update(&context, data.data, data.len);
    SHA512_Final(whole, &context);
    memcpy(ret_hash->b, whole, sizeof(ret_hash->b));
}
