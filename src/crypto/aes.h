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

#endif
