#include "crypto/keystore.h"

#include "base/mem.h"
#include "crypto/aes.h"
#include "crypto/hash.h"
#include "crypto/keccak.h"
#include "crypto/random.h"

#include <sodium/core.h>
#include <sodium/crypto_pwhash_scryptsalsa208sha256.h>

enum { CIPHER_KEY = 16, DERIVED = 32 };

/* The first 16 bytes encrypt, the second 16 authenticate. */
struct derived {
    uint8_t b[DERIVED];
};

static int derive(struct derived *ret, const struct crypto_keystore *k, struct bytes password)
{
    if (k->kdf == CRYPTO_KEYSTORE_PBKDF2) {
        crypto_pbkdf2_sha256(ret->b, DERIVED, password, bytes_of(k->salt, k->salt_len),
                             k->iterations);
        return ERR_OK;
    }
    /* The parameters are in range, so only memory can be missing. sodium_init chooses the fast
     * code; it may be called often, from any thread. Even an empty password must be somewhere. */
    if (sodium_init() < 0 || crypto_pwhash_scryptsalsa208sha256_ll(
                                 password.len ? password.data : k->salt, password.len, k->salt,
                                 k->salt_len, k->n, k->r, k->p, ret->b, DERIVED) != 0)
        return ERR_NOMEM;
    return ERR_OK;
}

static struct hash256 mac_of(const struct derived *derived, const struct crypto_keystore *k)
{
    struct crypto_keccak256 hash;
    struct hash256 mac;
    crypto_keccak256_init(&hash);
    crypto_keccak256_update(&hash, bytes_of(derived->b + CIPHER_KEY, DERIVED - CIPHER_KEY));
    crypto_keccak256_update(&hash, bytes_of(k->ciphertext, k->ciphertext_len));
    crypto_keccak256_final(&hash, &mac);
    mem_wipe(&hash, sizeof(hash));
    return mac;
}

/* Whether `key` is what the file promises. */
static int check_key(const struct crypto_private_key *key, const struct crypto_keystore *k,
                     struct err_detail *detail)
{
    struct crypto_public_key public_key;
    struct address address;
    if (!crypto_public_key_of(&public_key, key))
        return err_set(detail, ERR_CORRUPT, "key file: the content is not a private key");
    crypto_address_of(&address, &public_key);
    if (k->has_address && !address_equal(&address, &k->address))
        return err_set(detail, ERR_CORRUPT, "key file: the key is not that of the address");
    return ERR_OK;
}

static int decrypt(struct crypto_private_key *ret_key, const struct crypto_keystore *k,
                   const struct derived *derived, struct err_detail *detail)
{
    struct crypto_private_key key = {{0}};
    int status =
        crypto_aes_ctr(key.b + sizeof(key.b) - k->ciphertext_len, bytes_of(derived->b, CIPHER_KEY),
                       k->iv, bytes_of(k->ciphertext, k->ciphertext_len));
    if (status)
        err_set(detail, status, "key file: %s", err_text(status));
    else
        status = check_key(&key, k, detail);
    if (status == ERR_OK)
        *ret_key = key;
    mem_wipe(&key, sizeof(key));
    return status;
}

int crypto_keystore_open(struct crypto_private_key *ret_key, const struct crypto_keystore *keystore,
                         struct bytes password, struct err_detail *detail)
{
    struct derived derived;
    int status = derive(&derived, keystore, password);
    if (status)
        return err_set(detail, status, "key file: no memory for scrypt with n = %u, r = %u",
                       keystore->n, keystore->r);
    struct hash256 mac = mac_of(&derived, keystore);
    if (mem_equal_secret(mac.b, keystore->mac.b, sizeof(mac.b)))
        status = decrypt(ret_key, keystore, &derived, detail);
    else
        status = CRYPTO_KEYSTORE_WRONG_PASSWORD;
    mem_wipe(&derived, sizeof(derived));
    return status;
}

static bool fill_random(void *ret_data, size_t len)
{
    return crypto_random(ret_data, len) == 0;
}

static const struct {
    uint32_t n, r, p;
} strengths[] = {
    [CRYPTO_KEYSTORE_STANDARD] = {1 << 18, 8, 1},
    [CRYPTO_KEYSTORE_LIGHT] = {1 << 12, 8, 6},
};

/* All but what depends on the password. */
static int prepare(struct crypto_keystore *k, const struct crypto_private_key *key,
                   enum crypto_keystore_strength strength, struct err_detail *detail)
{
    struct crypto_public_key public_key;
    if (!crypto_public_key_of(&public_key, key))
        return err_set(detail, ERR_INPUT, "key file: not a private key");
    *k = (struct crypto_keystore){
        .has_address = true,
        .kdf = CRYPTO_KEYSTORE_SCRYPT,
        .n = strengths[strength].n,
        .r = strengths[strength].r,
        .p = strengths[strength].p,
        .salt_len = 32,
        .ciphertext_len = sizeof(key->b),
    };
    crypto_address_of(&k->address, &public_key);
    if (!fill_random(k->salt, k->salt_len) || !fill_random(k->iv, sizeof(k->iv)) ||
        !fill_random(k->id, sizeof(k->id)))
        return err_set(detail, ERR_IO, "key file: the system gives no randomness");
    k->id[6] = (k->id[6] & 0x0f) | 0x40; /* RFC 4122, section 4.4: version 4, */
    k->id[8] = (k->id[8] & 0x3f) | 0x80; /* of the variant described there */
    return ERR_OK;
}

int crypto_keystore_seal(struct crypto_keystore *ret_keystore, const struct crypto_private_key *key,
                         struct bytes password, enum crypto_keystore_strength strength,
                         struct err_detail *detail)
{
    struct crypto_keystore k;
    struct derived derived;
    int status = prepare(&k, key, strength, detail);
    if (status)
        return status;
    status = derive(&derived, &k, password);
    if (!status)
        status = crypto_aes_ctr(k.ciphertext, bytes_of(derived.b, CIPHER_KEY), k.iv,
                                bytes_of(key->b, sizeof(key->b)));
    if (status) {
        err_set(detail, status, "key file: %s", err_text(status));
    } else {
        k.mac = mac_of(&derived, &k);
        *ret_keystore = k;
    }
    mem_wipe(&derived, sizeof(derived));
    return status;
}
