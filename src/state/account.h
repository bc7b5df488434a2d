/* An account as the account trie has it (Yellow Paper 4.1). */
#ifndef STATE_ACCOUNT_H
#define STATE_ACCOUNT_H

#include "base/types.h"
#include "base/u256.h"
#include "trie/trie.h"

#include <stdbool.h>

struct state_account {
    uint64_t nonce;
    struct u256 balance;      /* wei */
    struct hash256 code_hash; /* crypto_keccak256_empty without code */
    struct trie_root storage; /* hash and, in a store, number of the storage trie's root */
    uint64_t storage_id;      /* names its slots in the flat table, 0 = it has none there */
};

enum {
    /* The RLP of the four fields: list header 2, nonce 9, balance 33, two hashes of 33. */
    STATE_ACCOUNT_RLP_MAX = 110,
    /* And of a storage slot's value. */
    STATE_SLOT_RLP_MAX = 33,
};

/* Nonce and balance zero, no code, no storage. */
void state_account_init(struct state_account *account);

/* Empty by EIP-161: nonce and balance zero and no code. Storage does not count. */
bool state_account_is_empty(const struct state_account *account) BASE_PURE;

/* Writes nonce, balance, storage root and code hash as RLP; returns its size. */
size_t state_account_encode(uint8_t ret_rlp[STATE_ACCOUNT_RLP_MAX],
                            const struct state_account *account);
/* The reverse; storage.id and storage_id become 0. ERR_CORRUPT: it comes from a trie, whose
 * content this program wrote. */
int state_account_decode(struct state_account *ret_account, struct bytes rlp) BASE_NODISCARD;

/* A slot's value in a storage trie: RLP of the number without leading zeros. */
size_t state_slot_encode(uint8_t ret_rlp[STATE_SLOT_RLP_MAX], const struct u256 *value);
int state_slot_decode(struct u256 *ret_value, struct bytes rlp) BASE_NODISCARD;

#endif
