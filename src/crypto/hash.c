/* The stream functions of SHA-256 and RIPEMD-160 work on the stack and cannot fail, where EVP looks
 * the algorithm up and allocates for every hash; so they are used although OpenSSL 3 would rather
 * have everybody at EVP. The code behind both is the same. */
#define OPENSSL_SUPPRESS_DEPRECATED

#include "crypto/hash.h"

#include "base/mem.h"

#include <openssl/ripemd.h>
#include <openssl/sha.h>

void crypto_sha256(struct hash256 *ret_hash, struct bytes data)
{
    SHA256_CTX context;
    SHA256_Init(&context);
    SHA256_Update(&context, data.data, data.len);
    SHA256_Final(ret_hash->b, &context);
}

void crypto_ripemd160(uint8_t ret_hash[20], struct bytes data)
{
    RIPEMD160_CTX context;
    RIPEMD160_Init(&context);
    RIPEMD160_Update(&context, data.data, data.len);
    RIPEMD160_Final(ret_hash, &context);
}

/* The two hashes of HMAC after their key blocks; every message under a key starts from copies. */
struct hmac_key {
    SHA256_CTX inner, outer;
};

static void hmac_key_init(struct hmac_key *k, struct bytes key)
{
    uint8_t block[SHA256_CBLOCK] = {0};
    if (key.len > sizeof(block)) {
        struct hash256 hash;
        crypto_sha256(&hash, key);
        memcpy(block, hash.b, sizeof(hash.b));
        mem_wipe(&hash, sizeof(hash));
    } else if (key.len) {
        memcpy(block, key.data, key.len);
    }
    for (size_t i = 0; i < sizeof(block); i++)
        block[i] ^= 0x36;
    SHA256_Init(&k->inner);
    SHA256_Update(&k->inner, block, sizeof(block));
    for (size_t i = 0; i < sizeof(block); i++)
        block[i] ^= 0x36 ^ 0x5c;
    SHA256_Init(&k->outer);
    SHA256_Update(&k->outer, block, sizeof(block));
    mem_wipe(block, sizeof(block));
}

/* Of `a` followed by `b`. */
static void hmac(const struct hmac_key *k, struct hash256 *ret_mac, struct bytes a, struct bytes b)
{
    SHA256_CTX context = k->inner;
    struct hash256 inner;
    SHA256_Update(&context, a.data, a.len);
    SHA256_Update(&context, b.data, b.len);
    SHA256_Final(inner.b, &context);
    context = k->outer;
    SHA256_Update(&context, inner.b, sizeof(inner.b));
    SHA256_Final(ret_mac->b, &context);
}

void crypto_hmac_sha256(struct hash256 *ret_mac, struct bytes key, struct bytes data)
{
    crypto_hmac_sha256_pair(ret_mac, key, data, bytes_none());
}

void crypto_hmac_sha256_pair(struct hash256 *ret_mac, struct bytes key, struct bytes a,
                             struct bytes b)
{
    struct hmac_key k;
    hmac_key_init(&k, key);
    hmac(&k, ret_mac, a, b);
    mem_wipe(&k, sizeof(k));
}

void crypto_pbkdf2_sha256(uint8_t *ret_key, size_t len, struct bytes password, struct bytes salt,
                          uint32_t iterations)
{
    struct hmac_key k;
    struct hash256 mac, sum;
    assert(iterations > 0);
    hmac_key_init(&k, password);
    for (uint32_t block = 1; len > 0; block++) {
        uint32_t number = __builtin_bswap32(block);
        hmac(&k, &mac, salt, bytes_of(&number, sizeof(number)));
        sum = mac;
        for (uint32_t i = 1; i < iterations; i++) {
            hmac(&k, &mac, bytes_of(mac.b, sizeof(mac.b)), bytes_none());
            for (size_t j = 0; j < sizeof(sum.b); j++)
                sum.b[j] ^= mac.b[j];
        }
        size_t n = len < sizeof(sum.b) ? len : sizeof(sum.b);
        memcpy(ret_key, sum.b, n);
        ret_key += n;
        len -= n;
    }
    mem_wipe(&k, sizeof(k));
    mem_wipe(&mac, sizeof(mac));
    mem_wipe(&sum, sizeof(sum));
}
