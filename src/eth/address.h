/* Where a new contract is put. */
#ifndef ETH_ADDRESS_H
#define ETH_ADDRESS_H

#include "base/types.h"

/* CREATE and transactions (Yellow Paper 7): keccak256(rlp([sender, nonce])), its last 20 bytes.
 * `nonce` is the sender's before the creation. */
void eth_create_address(struct address *ret_address, const struct address *sender, uint64_t nonce);

/* CREATE2 (EIP-1014): keccak256(ff || sender || salt || keccak256(initcode)), its last 20 bytes. */
void eth_create2_address(struct address *ret_address, const struct address *sender,
                         const struct hash256 *salt, const struct hash256 *initcode_hash);

#endif
