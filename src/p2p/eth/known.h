/* A bounded set of hashes: the newest `limit` / 2 at least, `limit` at most, by the first 8 bytes of each. (Two of one
 * prefix, 2^32 tries by whoever wants to keep his own transactions from spreading, do no other harm.) */
#ifndef P2P_ETH_KNOWN_H
#define P2P_ETH_KNOWN_H

#include "base/types.h"

struct p2p_known_half {
    uint64_t *slots; /* 0 = free */
    size_t mask, count;
};

struct p2p_known {
    struct p2p_known_half now, before;
    size_t limit;
};

void p2p_known_init(struct p2p_known *known, size_t limit);
void p2p_known_release(struct p2p_known *known);
bool p2p_known_has(const struct p2p_known *known, const struct hash256 *hash);
/* Out of memory it is not remembered. */
void p2p_known_add(struct p2p_known *known, const struct hash256 *hash);
void p2p_known_remove(struct p2p_known *known, const struct hash256 *hash);

#endif
