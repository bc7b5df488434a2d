/*
 * The curve BLS12-381: the precompiled contracts 0x0b to 0x11 (EIP-2537).
 *
 * Layouts are the EIP's: a field element is 64 bytes, big endian, of which the first 16 are zero;
 * an element of Fp2 is its real part, then its imaginary part; a point is x then y; the point at
 * infinity is all zeros; a scalar is 32 bytes, any value. An input is invalid when its length is
 * none of the operation's (empty included), when padding is not zero or an element is not below the
 * modulus, when a point is not on its curve, and, for the multi-scalar multiplications and the
 * pairing alone, when a point is not in the subgroup of order r.
 *
 * Nothing here is constant in time: contracts have no secrets.
 *
 * Functions that allocate return 0 or ERR_NOMEM and report validity in *ret_valid; the result is
 * written only when the input is valid. How long an input may be, its gas says; memory grows in
 * proportion to it.
 */
#ifndef CRYPTO_BLS12_381_H
#define CRYPTO_BLS12_381_H

#include "base/bytes.h"
#include "base/error.h"

enum {
    CRYPTO_BLS12_381_FP_SIZE = 64,
    CRYPTO_BLS12_381_G1_SIZE = 128,
    CRYPTO_BLS12_381_G2_SIZE = 256,
    CRYPTO_BLS12_381_G1_TERM_SIZE = 160, /* point and scalar */
    CRYPTO_BLS12_381_G2_TERM_SIZE = 288,
    CRYPTO_BLS12_381_PAIR_SIZE = 384, /* G1 point and G2 point */
};

/* ret = P + Q. False when the input is invalid. */
bool crypto_bls12_381_g1_add(uint8_t ret[128], const uint8_t in[256]) BASE_NODISCARD;
bool crypto_bls12_381_g2_add(uint8_t ret[256], const uint8_t in[512]) BASE_NODISCARD;

/* ret = the sum of s_i P_i over one or more terms of a point and a scalar. */
int crypto_bls12_381_g1_msm(uint8_t ret[128], bool *ret_valid, struct bytes in) BASE_NODISCARD;
int crypto_bls12_381_g2_msm(uint8_t ret[256], bool *ret_valid, struct bytes in) BASE_NODISCARD;

/* Whether the product of e(P_i, Q_i) is one, over one or more pairs. False when the input is
 * invalid. */
bool crypto_bls12_381_pairing(bool *ret_one, struct bytes in) BASE_NODISCARD;

/* The map of a field element to the curve's subgroup (RFC 9380, sections 6.6.3 and 7, with the
 * suites of section 8.8: simplified SWU, isogeny, cofactor cleared). False when the input is
 * invalid. */
bool crypto_bls12_381_map_fp_to_g1(uint8_t ret[128], const uint8_t in[64]) BASE_NODISCARD;
bool crypto_bls12_381_map_fp2_to_g2(uint8_t ret[256], const uint8_t in[128]) BASE_NODISCARD;

#endif
