/* The precompiled contracts over hashes and signatures. */
#include "evm/precompile/internal.h"

#include "base/u256.h"
#include "crypto/hash.h"
#include "crypto/p256.h"
#include "crypto/secp256k1.h"

void evm_input_padded(uint8_t *ret, size_t len, struct bytes input, size_t from)
{
    size_t there = from < input.len ? input.len - from : 0;
    if (there > len)
        there = len;
    if (there)
        memcpy(ret, input.data + from, there);
    memset(ret + there, 0, len - there);
}

/* hash, v, r, s, 32 bytes each. A signature that recovers nobody gives no output. */
int evm_precompile_ecrecover(struct bytes input, struct buf *output, enum evm_status *ret_status)
{
    (void)ret_status;
    uint8_t in[128], word[32] = {0};
    evm_input_padded(in, sizeof(in), input, 0);
    struct u256 v = u256_load(in + 32);
    struct hash256 hash;
    struct address signer;
    memcpy(hash.b, in, sizeof(hash.b));
    if (!u256_is_u64(&v) || (v.w[0] != 27 && v.w[0] != 28))
        return 0;
    if (!crypto_ecrecover(&signer, &hash, in + 64, (unsigned)v.w[0] - 27))
        return 0;
    memcpy(word + 12, signer.b, sizeof(signer.b));
    buf_append(output, word, sizeof(word));
    return 0;
}

int evm_precompile_sha256(struct bytes input, struct buf *output, enum evm_status *ret_status)
{
    (void)ret_status;
    struct hash256 hash;
    crypto_sha256(&hash, input);
    buf_append(output, hash.b, sizeof(hash.b));
    return 0;
}

int evm_precompile_ripemd160(struct bytes input, struct buf *output, enum evm_status *ret_status)
{
    (void)ret_status;
    uint8_t word[32] = {0};
    crypto_ripemd160(word + 12, input);
    buf_append(output, word, sizeof(word));
    return 0;
}

int evm_precompile_identity(struct bytes input, struct buf *output, enum evm_status *ret_status)
{
    (void)ret_status;
    buf_append_bytes(output, input);
    return 0;
}

/*
 *   0  rounds, 4 bytes, big endian
 *   4  h, 8 words of 8 bytes, little endian
 *  68  m, 16 words
 * 196  t, 2 words
 * 212  final: 0 or 1
 */
enum { BLAKE2F_SIZE = 213 };

uint64_t evm_blake2f_gas(enum fork fork, struct bytes input)
{
    (void)fork;
    if (input.len != BLAKE2F_SIZE)
        return 0; /* it will fail */
    return u256_load_short(input.data, 4).w[0];
}

int evm_precompile_blake2f(struct bytes input, struct buf *output, enum evm_status *ret_status)
{
    if (input.len != BLAKE2F_SIZE)
        *ret_status = EVM_INVALID_INPUT_LENGTH;
    else if (input.data[212] > 1)
        *ret_status = EVM_INVALID_FINAL_FLAG;
    if (*ret_status)
        return 0;
    uint64_t h[8], m[16], t[2];
    memcpy(h, input.data + 4, sizeof(h));
    memcpy(m, input.data + 68, sizeof(m));
    memcpy(t, input.data + 196, sizeof(t));
    crypto_blake2f(h, m, t, input.data[212], (uint32_t)u256_load_short(input.data, 4).w[0]);
    buf_append(output, h, sizeof(h));
    return 0;
}

/* A signature that is not good, and an input of another length, gives no output. */
int evm_precompile_p256(struct bytes input, struct buf *output, enum evm_status *ret_status)
{
    (void)ret_status;
    if (input.len != 160)
        return 0;
    bool good;
    int err = crypto_p256_verify(&good, input.data);
    if (err || !good)
        return err;
    static const uint8_t one[32] = {[31] = 1};
    buf_append(output, one, sizeof(one));
    return 0;
}
