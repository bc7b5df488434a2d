/*
 * Sender recovery of many signatures at once. On processors with AVX-512 IFMA eight signatures share each instruction
 * (recover/ifma.c, several times as fast as one by one); elsewhere, and for the rare ones that the fast path hands
 * back, it is crypto_ecrecover, whose answers it gives in every case.
 */
#ifndef CRYPTO_RECOVER_MANY_H
#define CRYPTO_RECOVER_MANY_H

#include "base/types.h"

struct crypto_recover {
    struct hash256 hash;
    uint8_t rs[64];       /* r then s, big-endian */
    unsigned recovery_id; /* 0 … 3, anything else has no key */
};

/* Signatures that one call handles best: several times the lanes, so that inversions are shared. */
enum { CRYPTO_RECOVER_CHUNK = 32 };

/*
 * For each item whether a key made the signature (ret_ok), and its address. Addresses of items without one are left as
 * they were. No allocation; safe from any thread; needs 64 KiB of stack. What is public may show in its time: none of
 * this is for secrets.
 */
void crypto_ecrecover_many(struct address *ret_addresses, bool *ret_ok,
                           const struct crypto_recover *items, size_t count);

/* "ifma" or "plain". */
const char *crypto_recover_implementation(void);

#endif
