/*
 * The curve alt_bn128 (BN254): the precompiled contracts 0x06, 0x07 and 0x08.
 *
 * Layouts, rules of validity and encodings are those of EIP-196 and EIP-197: numbers are 32 bytes,
 * big endian; a G1 point is x then y; a G2 point is x then y, and of each coordinate the imaginary
 * part comes first; the point at infinity is all zeros. A coordinate that is not below the field's
 * modulus, or a point that is not on its curve (for G2: not in the subgroup of order r), makes the
 * input invalid. Inputs shorter than the layout are padded with zeros by the caller.
 *
 * Nothing here is constant in time: contracts have no secrets. No function allocates.
 */
#ifndef CRYPTO_BN254_H
#define CRYPTO_BN254_H

#include "base/bytes.h"

enum { CRYPTO_BN254_PAIR_SIZE = 192 };

/* ret = P + Q of the two points in `in`. False when one of them is invalid. */
bool crypto_bn254_add(uint8_t ret[64], const uint8_t in[128]) BASE_NODISCARD;

/* ret = s P: a point, then a scalar of any 256 bits. False when the point is invalid. */
bool crypto_bn254_mul(uint8_t ret[64], const uint8_t in[96]) BASE_NODISCARD;

/* Whether the product of e(P_i, Q_i) is one, over pairs of a G1 and a G2 point; an empty input is
 * one. False when the length is no multiple of the pair's size, or a point is invalid. */
bool crypto_bn254_pairing(bool *ret_one, struct bytes in) BASE_NODISCARD;

#endif
