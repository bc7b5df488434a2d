#include "crypto/aes.h"

#include <openssl/evp.h>

int crypto_aes_ctr(uint8_t *ret_data, struct bytes key, const uint8_t counter[16],
                   struct bytes data)
{
    assert((key.len == 16 || key.len == 32) && data.len <= INT_MAX);
    EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
    int len = 0;
    bool done = context &&
                EVP_EncryptInit_ex(context, key.len == 16 ? EVP_aes_128_ctr() : EVP_aes_256_ctr(),
                                   NULL, key.data, counter) &&
                EVP_EncryptUpdate(context, ret_data, &len, data.data, (int)data.len);
    EVP_CIPHER_CTX_free(context); /* wipes the key */
    return done ? ERR_OK : ERR_NOMEM;
}
