/*
 * Signatures over secp256k1: who sent a transaction (Yellow Paper, appendix F), and the key
 * agreement of the wire protocols. Built on libsecp256k1; whatever touches a private key runs in
 * constant time, with a context that is blinded once with randomness of the system.
 *
 * All functions are safe to call from any thread; none allocates.
 */
#ifndef CRYPTO_SECP256K1_H
#define CRYPTO_SECP256K1_H

#include "base/types.h"

/* A point of the curve, x then y, big-endian: the uncompressed form of SEC 1 without its 0x04. */
struct crypto_public_key {
    uint8_t b[64];
};

/* Big-endian; valid when 0 < key < the group's order. The owner wipes it (mem_wipe). */
struct crypto_private_key {
    uint8_t b[32];
};

struct crypto_signature {
    uint8_t rs[64];      /* r then s, big-endian */
    uint8_t recovery_id; /* 0 … 3: bit 0 is the parity of the nonce point's y, bit 1 says that its x
                            was over the order (never seen in practice) */
};

/* Whether a key is in the valid range. */
bool crypto_private_key_valid(const struct crypto_private_key *key);

/* False when the private key is not valid. */
bool crypto_public_key_of(struct crypto_public_key *ret_public,
                          const struct crypto_private_key *key) BASE_NODISCARD;

/* SEC 1, section 2.3.4: 33 bytes (compressed), 65 (0x04 first), or the bare 64. False when the
 * length is another one or this is no point of the curve. */
bool crypto_public_key_parse(struct crypto_public_key *ret_public,
                             struct bytes text) BASE_NODISCARD;
/* The 33-byte form. `key` must be a point of the curve, as all functions here return them. */
void crypto_public_key_compress(uint8_t ret_text[33], const struct crypto_public_key *key);

/* The last 20 bytes of the key's Keccak-256 (Yellow Paper, appendix F). */
void crypto_address_of(struct address *ret_address, const struct crypto_public_key *key);

/* Deterministic (RFC 6979), with s in the lower half of the order (EIP-2). False when the private
 * key is not valid. */
bool crypto_ecdsa_sign(struct crypto_signature *ret_signature, const struct hash256 *hash,
                       const struct crypto_private_key *key) BASE_NODISCARD;

/* The key that made the signature. `rs` is r then s, big-endian. False, as a protocol outcome, when
 * there is none: r or s is 0 or not below the order, the recovery id is over 3, or r is the x of no
 * point. A high s is accepted, as the precompile of address 1 must; EIP-2's rule is the caller's.
 */
bool crypto_recover(struct crypto_public_key *ret_public, const struct hash256 *hash,
                    const uint8_t rs[64], unsigned recovery_id) BASE_NODISCARD;
/* The same, giving the address. */
bool crypto_ecrecover(struct address *ret_address, const struct hash256 *hash, const uint8_t rs[64],
                      unsigned recovery_id) BASE_NODISCARD;

/* Whether `rs` is a signature of `hash` by `key`. A high s is refused, as geth does. */
bool crypto_ecdsa_verify(const struct crypto_public_key *key, const struct hash256 *hash,
                         const uint8_t rs[64]) BASE_NODISCARD;

/* The x coordinate of key * public, big-endian, not hashed (SEC 1, section 3.3.1): input to a key
 * derivation, and secret. False when either key is not valid. */
bool crypto_ecdh(uint8_t ret_x[32], const struct crypto_public_key *public_key,
                 const struct crypto_private_key *key) BASE_NODISCARD;

#endif
