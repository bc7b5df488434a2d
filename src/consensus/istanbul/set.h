/*
 * A validator set: who may vote on a block, in which order they propose, and how many make a quorum.
 *
 * The order of proposers is a trap of the reference (GoQuorum, consensus/istanbul/validator and backend/snapshot.go):
 * IBFT sorts by the EIP-55 checksummed text, QBFT by the address's bytes, but a QBFT node that was restarted sorts by text
 * too. So a set knows both orders, and whoever asks for a proposer says which.
 */
#ifndef CONSENSUS_ISTANBUL_SET_H
#define CONSENSUS_ISTANBUL_SET_H

#include "base/error.h"
#include "base/types.h"
#include "consensus/istanbul/config.h"

enum {
    /* A round makes N * N messages of about 170 bytes twice over, each with a signature: 4096 would be 33 million. GoQuorum
     * has no limit, and no network a hundredth of this. */
    ISTANBUL_SET_MAX = 4096,
};

enum istanbul_order {
    ISTANBUL_BY_BYTES,
    ISTANBUL_BY_TEXT, /* "0x" and the checksummed hexadecimal digits, compared as ASCII */
};

struct istanbul_set {
    struct address
        *members;      /* ascending by bytes; a contract may name one twice, and it counts twice */
    uint16_t *by_text; /* by_text[i]: index in `members` of the i-th by text */
    size_t count;
    size_t capacity;
};

#define ISTANBUL_SET_INIT {NULL, NULL, 0, 0}

void istanbul_set_init(struct istanbul_set *set);
void istanbul_set_release(struct istanbul_set *set);

/* Replaces the members, in any order, duplicates kept. ERR_LIMIT over ISTANBUL_SET_MAX, ERR_NOMEM; the set is then as
 * it was. `members` may be those of the set itself. */
int istanbul_set_assign(struct istanbul_set *set, const struct address *members,
                        size_t count) BASE_NODISCARD;
int istanbul_set_copy(struct istanbul_set *set, const struct istanbul_set *from) BASE_NODISCARD;
/* Nothing happens when it is a member already. */
int istanbul_set_add(struct istanbul_set *set, const struct address *member) BASE_NODISCARD;
/* Removes one occurrence. False when it is no member. */
bool istanbul_set_remove(struct istanbul_set *set, const struct address *member);

/* Where `address` stands in `members` (the first of equals), or -1. */
int istanbul_set_index(const struct istanbul_set *set, const struct address *address);
static inline bool istanbul_set_has(const struct istanbul_set *set, const struct address *address)
{
    return istanbul_set_index(set, address) >= 0;
}
bool istanbul_set_equal(const struct istanbul_set *a, const struct istanbul_set *b);

/* The member at place `i` of an order; i below count. Valid until the set changes. */
const struct address *istanbul_set_at(const struct istanbul_set *set, enum istanbul_order order,
                                      size_t i);

/*
 * Who proposes in `round` of the block after one that `last` made (the zero address after genesis, and when the author is
 * not known): spec of GoQuorum's roundRobinProposer and stickyProposer. NULL when the set is empty.
 */
const struct address *istanbul_set_proposer(const struct istanbul_set *set,
                                            enum istanbul_order order, enum istanbul_policy policy,
                                            const struct address *last, uint64_t round);

/* ceil(N / 3) - 1: how many may be faulty; 0 for the empty set. */
size_t istanbul_set_faults(const struct istanbul_set *set);
/* 2F + 1 or ceil(2N / 3). */
size_t istanbul_set_quorum(const struct istanbul_set *set, bool two_f_plus_one);

#endif
