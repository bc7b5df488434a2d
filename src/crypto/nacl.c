#include "crypto/nacl.h"

#include "crypto/random.h"

#include <sodium.h>

static_assert(CRYPTO_NACL_KEY == crypto_secretbox_KEYBYTES &&
                  CRYPTO_NACL_KEY == crypto_box_PUBLICKEYBYTES &&
                  CRYPTO_NACL_KEY == crypto_box_SECRETKEYBYTES &&
                  CRYPTO_NACL_KEY == crypto_box_BEFORENMBYTES &&
                  CRYPTO_NACL_NONCE == crypto_secretbox_NONCEBYTES &&
                  CRYPTO_NACL_MAC == crypto_secretbox_MACBYTES,
              "sizes of NaCl's box");

int crypto_nacl_pair(uint8_t ret_public[CRYPTO_NACL_KEY], uint8_t ret_private[CRYPTO_NACL_KEY])
{
    int status = crypto_random(ret_private, CRYPTO_NACL_KEY);
    if (status == 0)
        crypto_nacl_public(ret_public, ret_private);
    return status;
}

void crypto_nacl_public(uint8_t ret_public[CRYPTO_NACL_KEY],
                        const uint8_t private_key[CRYPTO_NACL_KEY])
{
    int done = crypto_scalarmult_base(ret_public, private_key);
    assert(done == 0);
    (void)done;
}

bool crypto_nacl_shared(uint8_t ret_shared[CRYPTO_NACL_KEY],
                        const uint8_t public_key[CRYPTO_NACL_KEY],
                        const uint8_t private_key[CRYPTO_NACL_KEY])
{
    return crypto_box_beforenm(ret_shared, public_key, private_key) == 0;
}

void crypto_nacl_seal(uint8_t *ret_box, struct bytes data, const uint8_t nonce[CRYPTO_NACL_NONCE],
                      const uint8_t key[CRYPTO_NACL_KEY])
{
    int done = crypto_secretbox_easy(ret_box, data.data, data.len, nonce, key);
    assert(done == 0);
    (void)done;
}

bool crypto_nacl_open(uint8_t *ret_data, struct bytes box, const uint8_t nonce[CRYPTO_NACL_NONCE],
                      const uint8_t key[CRYPTO_NACL_KEY])
{
    return crypto_secretbox_open_easy(ret_data, box.data, box.len, nonce, key) == 0;
}
