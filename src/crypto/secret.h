/* Memory for keys: locked into RAM where the system allows it, left out of core files, fenced by guard pages, and
 * overwritten when it is freed (libsodium's secure memory). A page each, so for a few long-lived keys. */
#ifndef CRYPTO_SECRET_H
#define CRYPTO_SECRET_H

#include "base/bytes.h"
#include "base/error.h"

struct crypto_secret {
    uint8_t *data;
    size_t len;
};

/* `len` bytes, zeroed. ERR_NOMEM. */
int crypto_secret_new(struct crypto_secret **ret_secret, size_t len) BASE_NODISCARD;
/* A copy of `data`, which the caller wipes. ERR_NOMEM. */
int crypto_secret_copy(struct crypto_secret **ret_secret, struct bytes data) BASE_NODISCARD;
/* NULL is fine. */
void crypto_secret_free(struct crypto_secret *secret);

static inline struct bytes crypto_secret_bytes(const struct crypto_secret *secret)
{
    return bytes_of(secret->data, secret->len);
}

#endif
