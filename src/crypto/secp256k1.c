#include "crypto/secp256k1.h"

#include "base/mem.h"
#include "crypto/keccak.h"

#include <pthread.h>
#include <secp256k1.h>
#include <secp256k1_ecdh.h>
#include <secp256k1_preallocated.h>
#include <secp256k1_recovery.h>
#include <stdalign.h>
#include <sys/random.h>

/* Recovery and verification need no precomputed blinding, so they share the library's constant
 * context; what uses a private key takes the one of signing_context(). */
#define VERIFYING secp256k1_context_static

static secp256k1_context *signing;
static pthread_once_t signing_once = PTHREAD_ONCE_INIT;

/* In static memory: the library aborts the process when its own allocation fails. */
static void make_signing_context(void)
{
    static alignas(max_align_t) uint8_t memory[1024];
    size_t size = secp256k1_context_preallocated_size(SECP256K1_CONTEXT_SIGN);
    assert(size <= sizeof(memory));
    (void)size;
    signing = secp256k1_context_preallocated_create(memory, SECP256K1_CONTEXT_SIGN);

    /* Without randomness signatures are the same and constant-time still; only the additional
     * blinding against power analysis is missing. */
    uint8_t seed[32];
    if (getrandom(seed, sizeof(seed), 0) == (ssize_t)sizeof(seed))
        (void)!secp256k1_context_randomize(signing, seed);
    mem_wipe(seed, sizeof(seed));
}

static const secp256k1_context *signing_context(void)
{
    pthread_once(&signing_once, make_signing_context);
    return signing;
}

static void export_key(struct crypto_public_key *ret_public, const secp256k1_pubkey *key)
{
    uint8_t text[65];
    size_t len = sizeof(text);
    secp256k1_ec_pubkey_serialize(VERIFYING, text, &len, key, SECP256K1_EC_UNCOMPRESSED);
    memcpy(ret_public->b, text + 1, sizeof(ret_public->b));
}

static bool import_key(secp256k1_pubkey *ret_key, const struct crypto_public_key *public_key)
{
    uint8_t text[65] = {0x04};
    memcpy(text + 1, public_key->b, sizeof(public_key->b));
    return secp256k1_ec_pubkey_parse(VERIFYING, ret_key, text, sizeof(text));
}

bool crypto_private_key_valid(const struct crypto_private_key *key)
{
    return secp256k1_ec_seckey_verify(VERIFYING, key->b);
}

bool crypto_public_key_of(struct crypto_public_key *ret_public,
                          const struct crypto_private_key *key)
{
    secp256k1_pubkey point;
    if (!secp256k1_ec_pubkey_create(signing_context(), &point, key->b))
        return false;
    export_key(ret_public, &point);
    return true;
}

bool crypto_public_key_parse(struct crypto_public_key *ret_public, struct bytes text)
{
    secp256k1_pubkey point;
    if (text.len == sizeof(ret_public->b)) {
        struct crypto_public_key bare;
        memcpy(bare.b, text.data, sizeof(bare.b));
        if (!import_key(&point, &bare))
            return false;
    } else {
        /* The library knows the hybrid forms 0x06 and 0x07 too, which nothing here may send. */
        bool known =
            (text.len == 33 && (text.data[0] | 1) == 3) || (text.len == 65 && text.data[0] == 4);
        if (!known || !secp256k1_ec_pubkey_parse(VERIFYING, &point, text.data, text.len))
            return false;
    }
    export_key(ret_public, &point);
    return true;
}

void crypto_public_key_compress(uint8_t ret_text[33], const struct crypto_public_key *key)
{
    ret_text[0] = 2 | (key->b[63] & 1);
    memcpy(ret_text + 1, key->b, 32);
}

void crypto_address_of(struct address *ret_address, const struct crypto_public_key *key)
{
    struct hash256 hash;
    crypto_keccak256(&hash, bytes_of(key->b, sizeof(key->b)));
    memcpy(ret_address->b, hash.b + 12, sizeof(ret_address->b));
}

bool crypto_ecdsa_sign(struct crypto_signature *ret_signature, const struct hash256 *hash,
                       const struct crypto_private_key *key)
{
    secp256k1_ecdsa_recoverable_signature signature;
    if (!secp256k1_ecdsa_sign_recoverable(signing_context(), &signature, hash->b, key->b, NULL,
                                          NULL))
        return false;
    int recovery_id;
    secp256k1_ecdsa_recoverable_signature_serialize_compact(VERIFYING, ret_signature->rs,
                                                            &recovery_id, &signature);
    ret_signature->recovery_id = (uint8_t)recovery_id;
    return true;
}

bool crypto_recover(struct crypto_public_key *ret_public, const struct hash256 *hash,
                    const uint8_t rs[64], unsigned recovery_id)
{
    secp256k1_ecdsa_recoverable_signature signature;
    secp256k1_pubkey point;
    if (recovery_id > 3 ||
        !secp256k1_ecdsa_recoverable_signature_parse_compact(VERIFYING, &signature, rs,
                                                             (int)recovery_id) ||
        !secp256k1_ecdsa_recover(VERIFYING, &point, &signature, hash->b))
        return false;
    export_key(ret_public, &point);
    return true;
}

bool crypto_ecrecover(struct address *ret_address, const struct hash256 *hash, const uint8_t rs[64],
                      unsigned recovery_id)
{
    struct crypto_public_key key;
    if (!crypto_recover(&key, hash, rs, recovery_id))
        return false;
    crypto_address_of(ret_address, &key);
    return true;
}

bool crypto_ecdsa_verify(const struct crypto_public_key *key, const struct hash256 *hash,
                         const uint8_t rs[64])
{
    secp256k1_pubkey point;
    secp256k1_ecdsa_signature signature;
    return import_key(&point, key) &&
           secp256k1_ecdsa_signature_parse_compact(VERIFYING, &signature, rs) &&
           secp256k1_ecdsa_verify(VERIFYING, &signature, hash->b, &point);
}

static int take_x(unsigned char *output, const unsigned char *x, const unsigned char *y, void *data)
{
    (void)y;
    (void)data;
    memcpy(output, x, 32);
    return 1;
}

bool crypto_ecdh(uint8_t ret_x[32], const struct crypto_public_key *public_key,
                 const struct crypto_private_key *key)
{
    secp256k1_pubkey point;
    uint8_t x[32];
    if (!import_key(&point, public_key) ||
        !secp256k1_ecdh(signing_context(), x, &point, key->b, take_x, NULL))
        return false;
    memcpy(ret_x, x, sizeof(x));
    mem_wipe(x, sizeof(x));
    return true;
}
