#include "crypto/secret.h"

#include "base/mem.h"

#include <sodium.h>

int crypto_secret_new(struct crypto_secret **ret_secret, size_t len)
{
    struct crypto_secret *secret = mem_alloc(sizeof(*secret));
    if (!secret)
        return ERR_NOMEM;
    /* libsodium must have looked at the machine first; it does so once */
    secret->data = sodium_init() < 0 ? NULL : sodium_malloc(len);
    secret->len = len;
    if (!secret->data) {
        mem_free(secret);
        return ERR_NOMEM;
    }
    mem_wipe(secret->data, len);
    *ret_secret = secret;
    return 0;
}

int crypto_secret_copy(struct crypto_secret **ret_secret, struct bytes data)
{
    struct crypto_secret *secret;
    int status = crypto_secret_new(&secret, data.len);
    if (status < 0)
        return status;
    if (data.len)
        memcpy(secret->data, data.data, data.len);
    *ret_secret = secret;
    return 0;
}

void crypto_secret_free(struct crypto_secret *secret)
{
    if (!secret)
        return;
    sodium_free(secret->data);
    mem_free(secret);
}
