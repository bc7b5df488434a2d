#include "crypto/random.h"

#include <errno.h>
#include <sys/random.h>

int crypto_random(void *ret_data, size_t len)
{
    uint8_t *at = ret_data;
    while (len) {
        ssize_t got = getrandom(at, len, 0);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return ERR_IO;
        at += got;
        len -= (size_t)got;
    }
    return 0;
}

int crypto_private_key_new(struct crypto_private_key *ret_key)
{
    struct crypto_private_key key;
    do {
        int status = crypto_random(key.b, sizeof(key.b));
        if (status < 0)
            return status;
    } while (!crypto_private_key_valid(&key));
    *ret_key = key;
    return 0;
}
