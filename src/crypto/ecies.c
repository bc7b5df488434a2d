#include "crypto/ecies.h"

#include "base/mem.h"
#include "crypto/aes.h"
#include "crypto/hash.h"

enum { POINT = 65, IV = 16, MAC = 32 };

struct keys {
    uint8_t encryption[16];
    struct hash256 mac;
};

/* The concatenation KDF of NIST SP 800-56A with SHA-256 gives both keys in its first round. */
static bool derive(struct keys *ret_keys, const struct crypto_public_key *public_key,
                   const struct crypto_private_key *key)
{
    uint8_t input[4 + 32] = {0, 0, 0, 1};
    struct hash256 both;
    if (!crypto_ecdh(input + 4, public_key, key))
        return false;
    crypto_sha256(&both, bytes_of(input, sizeof(input)));
    memcpy(ret_keys->encryption, both.b, 16);
    crypto_sha256(&ret_keys->mac, bytes_of(both.b + 16, 16));
    mem_wipe(input, sizeof(input));
    mem_wipe(&both, sizeof(both));
    return true;
}

int crypto_ecies_seal(struct buf *out, const struct crypto_public_key *to,
                      const struct crypto_private_key *ephemeral, const uint8_t iv[16],
                      struct bytes message, struct bytes mac_data)
{
    struct crypto_public_key ephemeral_public;
    struct keys keys;
    if (message.len > CRYPTO_ECIES_MAX)
        return ERR_LIMIT;
    if (!crypto_public_key_of(&ephemeral_public, ephemeral) || !derive(&keys, to, ephemeral))
        return ERR_INPUT;
    size_t before = out->len;
    uint8_t *at = buf_extend(out, CRYPTO_ECIES_OVERHEAD + message.len);
    int status = at ? 0 : ERR_NOMEM;
    if (at) {
        uint8_t *text = at + POINT + IV;
        at[0] = 4;
        memcpy(at + 1, ephemeral_public.b, 64);
        memcpy(at + POINT, iv, IV);
        status = crypto_aes_ctr(text, bytes_of(keys.encryption, 16), iv, message);
        if (status < 0) {
            out->len = before;
        } else {
            struct hash256 mac;
            crypto_hmac_sha256_pair(&mac, bytes_of(keys.mac.b, 32),
                                    bytes_of(at + POINT, IV + message.len), mac_data);
            memcpy(text + message.len, mac.b, MAC);
        }
    }
    mem_wipe(&keys, sizeof(keys));
    return status;
}

int crypto_ecies_open(struct bytes *ret_message, uint8_t *packet, size_t len,
                      const struct crypto_private_key *key, struct bytes mac_data)
{
    struct crypto_public_key ephemeral;
    struct keys keys;
    struct hash256 mac;
    if (len <= CRYPTO_ECIES_OVERHEAD || len > CRYPTO_ECIES_OVERHEAD + CRYPTO_ECIES_MAX)
        return CRYPTO_ECIES_SHORT;
    if (packet[0] != 4 || !crypto_public_key_parse(&ephemeral, bytes_of(packet, POINT)))
        return CRYPTO_ECIES_BAD_POINT;
    if (!derive(&keys, &ephemeral, key))
        return ERR_INPUT;
    uint8_t *text = packet + POINT + IV;
    size_t text_len = len - CRYPTO_ECIES_OVERHEAD;
    crypto_hmac_sha256_pair(&mac, bytes_of(keys.mac.b, 32), bytes_of(packet + POINT, IV + text_len),
                            mac_data);
    int status = CRYPTO_ECIES_BAD_MAC;
    if (mem_equal_secret(mac.b, text + text_len, MAC))
        status = crypto_aes_ctr(text, bytes_of(keys.encryption, 16), packet + POINT,
                                bytes_of(text, text_len));
    mem_wipe(&keys, sizeof(keys));
    if (status == CRYPTO_ECIES_OPEN)
        *ret_message = bytes_of(text, text_len);
    return status;
}
