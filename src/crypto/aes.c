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

/* Both are an EVP context under a type of their own. */
static EVP_CIPHER_CTX *new_context(const EVP_CIPHER *cipher, struct bytes key,
                                   const uint8_t *counter)
{
    EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
    if (context && EVP_EncryptInit_ex(context, cipher, NULL, key.data, counter) &&
        EVP_CIPHER_CTX_set_padding(context, 0))
        return context;
    EVP_CIPHER_CTX_free(context);
    return NULL;
}

static int run(EVP_CIPHER_CTX *context, uint8_t *ret_data, struct bytes data)
{
    int len = 0;
    assert(data.len <= INT_MAX);
    return EVP_EncryptUpdate(context, ret_data, &len, data.data, (int)data.len) ? 0 : ERR_CRYPTO;
}

int crypto_aes_stream_new(struct crypto_aes_stream **ret_stream, struct bytes key,
                          const uint8_t counter[16])
{
    assert(key.len == 16 || key.len == 32);
    EVP_CIPHER_CTX *context =
        new_context(key.len == 16 ? EVP_aes_128_ctr() : EVP_aes_256_ctr(), key, counter);
    if (!context)
        return ERR_NOMEM;
    *ret_stream = (struct crypto_aes_stream *)context;
    return 0;
}

void crypto_aes_stream_free(struct crypto_aes_stream *stream)
{
    EVP_CIPHER_CTX_free((EVP_CIPHER_CTX *)stream);
}

int crypto_aes_stream_run(struct crypto_aes_stream *stream, uint8_t *ret_data, struct bytes data)
{
    return run((EVP_CIPHER_CTX *)stream, ret_data, data);
}

int crypto_aes_block_new(struct crypto_aes_block **ret_block, struct bytes key)
{
    assert(key.len == 16 || key.len == 32);
    EVP_CIPHER_CTX *context =
        new_context(key.len == 16 ? EVP_aes_128_ecb() : EVP_aes_256_ecb(), key, NULL);
    if (!context)
        return ERR_NOMEM;
    *ret_block = (struct crypto_aes_block *)context;
    return 0;
}

void crypto_aes_block_free(struct crypto_aes_block *block)
{
    EVP_CIPHER_CTX_free((EVP_CIPHER_CTX *)block);
}

int crypto_aes_block_run(struct crypto_aes_block *block, uint8_t ret_data[16],
                         const uint8_t data[16])
{
    return run((EVP_CIPHER_CTX *)block, ret_data, bytes_of(data, 16));
}
