/*
 * KZG proofs of point evaluations over BLS12-381: what the precompiled contract 0x0a checks
 * (EIP-4844, "Point evaluation precompile").
 */
#ifndef CRYPTO_KZG_H
#define CRYPTO_KZG_H

#include "base/bytes.h"

/*
 * Whether `proof` shows that the polynomial behind `commitment` has the value `y` at `z`
 * (verify_kzg_proof of the consensus specification, polynomial-commitments.md, under the trusted
 * setup of Ethereum's ceremony). Commitment and proof are compressed G1 points; z and y are big
 * endian. False as well when z or y is not below the group's order, or a point's encoding is not
 * canonical, not on the curve, or not in the subgroup.
 */
bool crypto_kzg_verify_proof(const uint8_t commitment[48], const uint8_t z[32], const uint8_t y[32],
                             const uint8_t proof[48]) BASE_NODISCARD;

#endif
