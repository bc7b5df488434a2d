/*
 * The hashes beside Keccak: SHA-256 and RIPEMD-160 (precompiles 2 and 3), the BLAKE2b compression
 * function (precompile 9), and the keyed and stretched forms of SHA-256 that key files and wire
 * protocols use.
 *
 * All functions are safe to call from any thread and cannot fail.
 */
#ifndef CRYPTO_HASH_H
#define CRYPTO_HASH_H

#include "base/types.h"

void crypto_sha256(struct hash256 *ret_hash, struct bytes data);
void crypto_ripemd160(uint8_t ret_hash[20], struct bytes data);

/* HMAC (RFC 2104) with SHA-256. */
void crypto_hmac_sha256(struct hash256 *ret_mac, struct bytes key, struct bytes data);
/* Of `a` followed by `b`. */
void crypto_hmac_sha256_pair(struct hash256 *ret_mac, struct bytes key, struct bytes a,
                             struct bytes b);

/* PBKDF2 (RFC 8018, section 5.2) with HMAC-SHA-256; writes `len` bytes. The time is proportional to
 * `iterations` (at least 1) times len / 32 rounded up: bounds are the caller's. */
void crypto_pbkdf2_sha256(uint8_t *ret_key, size_t len, struct bytes password, struct bytes salt,
                          uint32_t iterations);

/* The function F of BLAKE2b (RFC 7693, section 3.2) with a free number of rounds, as in EIP-152:
 * mixes the message block `m` and the offset counter `t` into `h`. Nothing is byte-swapped: all
 * words are little-endian in EIP-152 too. `final` is the last-block flag. */
void crypto_blake2f(uint64_t h[8], const uint64_t m[16], const uint64_t t[2], bool final,
                    uint32_t rounds);
/* Its plain twin. */
void crypto_blake2f_plain(uint64_t h[8], const uint64_t m[16], const uint64_t t[2], bool final,
                          uint32_t rounds);

#endif
