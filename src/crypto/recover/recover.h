/* Between crypto/recover/many.c and the implementation with lanes. */
#ifndef CRYPTO_RECOVER_RECOVER_H
#define CRYPTO_RECOVER_RECOVER_H

#include "crypto/recover_many.h"
#include "crypto/secp256k1.h"

/* What became of an item. */
enum crypto_recover_outcome {
    CRYPTO_RECOVER_KEY,   /* there is a key, and it was written */
    CRYPTO_RECOVER_NONE,  /* there is none */
    CRYPTO_RECOVER_PLAIN, /* not decided here: the plain function must be asked */
};

#if defined(__x86_64__)
/* Whether this processor has what the next one needs. */
bool crypto_recover_ifma_here(void);
/* At most CRYPTO_RECOVER_CHUNK items. */
void crypto_recover_ifma(struct crypto_public_key *ret_keys, uint8_t *ret_outcomes,
                         const struct crypto_recover *items, size_t count);
#endif

#endif
