/* AES in counter mode: key files and the frames of the wire protocols. */
#ifndef CRYPTO_AES_H
#define CRYPTO_AES_H

#include "base/bytes.h"
#include "base/error.h"

/* Encrypts or decrypts, which is the same: writes data.len bytes (at most INT_MAX). The key has 16
 * or 32 bytes; `counter` is the first block's, big-endian, and wraps around. `ret_data` may be
 * `data`. ERR_NOMEM. */
int crypto_aes_ctr(uint8_t *ret_data, struct bytes key, const uint8_t counter[16],
                   struct bytes data) BASE_NODISCARD;

/* A counter-mode stream that goes on from call to call: the frames of one direction of a connection. */
struct crypto_aes_stream;
/* As above. ERR_NOMEM. */
int crypto_aes_stream_new(struct crypto_aes_stream **ret_stream, struct bytes key,
                          const uint8_t counter[16]) BASE_NODISCARD;
/* Wipes the key. NULL is fine. */
void crypto_aes_stream_free(struct crypto_aes_stream *stream);
/* Encrypts or decrypts the next data.len bytes (at most INT_MAX). `ret_data` may be data.data. ERR_CRYPTO. */
int crypto_aes_stream_run(struct crypto_aes_stream *stream, uint8_t *ret_data,
                          struct bytes data) BASE_NODISCARD;

/* Single blocks (ECB): what the frame MACs are mixed with. */
struct crypto_aes_block;
int crypto_aes_block_new(struct crypto_aes_block **ret_block, struct bytes key) BASE_NODISCARD;
void crypto_aes_block_free(struct crypto_aes_block *block);
/* Encrypts 16 bytes; `ret_data` may be `data`. ERR_CRYPTO. */
int crypto_aes_block_run(struct crypto_aes_block *block, uint8_t ret_data[16],
                         const uint8_t data[16]) BASE_NODISCARD;

#endif
