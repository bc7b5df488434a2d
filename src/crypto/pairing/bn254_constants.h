/* The constants of BN254 (alt_bn128).
 * Written by constants.py, which says where each comes from. */
#ifndef CRYPTO_PAIRING_BN254_CONSTANTS_H
#define CRYPTO_PAIRING_BN254_CONSTANTS_H

/* clang-format off */
#define FP_LIMBS      4
#define FP_ADX(name)  name##_adx_4
#define FP2_XI_REAL   9
#define FP_INVERSE    0x87d20782e4866389u /* -1/p mod 2^64 */

#include "crypto/pairing/elements.h"

/* p */
static const struct fp FP_P = {{0x3c208c16d87cfd47, 0x97816a916871ca8d, 0xb85045b68181585d, 0x30644e72e131a029}};
/* 2^(64 n) mod p: 1 */
static const struct fp FP_ONE = {{0xd35d438dc58f0d9d, 0x0a78eb28f5c70b3d, 0x666ea36f7879462c, 0x0e0a77c19a07df2f}};
/* 2^(128 n) mod p */
static const struct fp FP_SQUARED_R = {{0xf32cfc5b538afa89, 0xb5e71911d44501fb, 0x47ab1eff0a417ff6, 0x06d89f71cab8351f}};
/* 2^(192 n) mod p */
static const struct fp FP_CUBED_R = {{0xb1cd6dafda1530df, 0x62f210e6a7283db6, 0xef7f0b0c0ada0afb, 0x20fd6e902d592544}};
/* (p + 1) / 4, as it stands */
static const struct fp FP_EXPONENT_ROOT = {{0x4f082305b61f3f52, 0x65e05aa45a1c72a3, 0x6e14116da0605617, 0x0c19139cb84c680a}};
/* r, the order of the groups */
static const struct u256 FR_ORDER = {{0x43e1f593f0000001, 0x2833e84879b97091, 0xb85045b68181585d, 0x30644e72e131a029}};
/* 1 */
static const struct fp2 FP2_ONE = {{{0xd35d438dc58f0d9d, 0x0a78eb28f5c70b3d, 0x666ea36f7879462c, 0x0e0a77c19a07df2f}}, {{0x0000000000000000, 0x0000000000000000, 0x0000000000000000, 0x0000000000000000}}};
/* xi^(i (p - 1) / 6) */
static const struct fp2 FP2_FROBENIUS[6] = {
    {{{0xd35d438dc58f0d9d, 0x0a78eb28f5c70b3d, 0x666ea36f7879462c, 0x0e0a77c19a07df2f}}, {{0x0000000000000000, 0x0000000000000000, 0x0000000000000000, 0x0000000000000000}}},
    {{{0xaf9ba69633144907, 0xca6b1d7387afb78a, 0x11bded5ef08a2087, 0x02f34d751a1f3a7c}}, {{0xa222ae234c492d72, 0xd00f02a4565de15b, 0xdc2ff3a253dfc926, 0x10a75716b3899551}}},
    {{{0xb5773b104563ab30, 0x347f91c8a9aa6454, 0x7a007127242e0991, 0x1956bcd8118214ec}}, {{0x6e849f1ea0aa4757, 0xaa1c7b6d89f89141, 0xb6e713cdfae0ca3a, 0x26694fbb4e82ebc3}}},
    {{{0xe4bbdd0c2936b629, 0xbb30f162e133bacb, 0x31a9d1b6f9645366, 0x253570bea500f8dd}}, {{0xa1d77ce45ffe77c7, 0x07affd117826d1db, 0x6d16bd27bb7edc6b, 0x2c87200285defecc}}},
    {{{0x7361d77f843abe92, 0xa5bb2bd3273411fb, 0x9c941f314b3e2399, 0x15df9cddbb9fd3ec}}, {{0x5dddfd154bd8c949, 0x62cb29a5a4445b60, 0x37bc870a0c7dd2b9, 0x24830a9d3171f0fd}}},
    {{{0xc970692f41690fe7, 0xe240342127694b0b, 0x32bee66b83c459e8, 0x12aabced0ab08841}}, {{0x0d485d2340aebfa9, 0x05193418ab2fcc57, 0xd3b0a40b8a4910f5, 0x2f21ebb535d2925a}}},
};
/* b */
static const struct fp G1_B = {{0x7a17caa950ad28d7, 0x1f6ac17ae15521b9, 0x334bea4e696bd284, 0x2a1f6744ce179d8e}};
/* b / xi, of the twist */
static const struct fp2 G2_B = {{{0x3bf938e377b802a8, 0x020b1b273633535d, 0x26b7edf049755260, 0x2514c6324384a86d}}, {{0x38e7ecccd1dcff67, 0x65f0b37d93ce0d3e, 0xd749d0dd22ac00aa, 0x0141b9ce4a688d4d}}};
/* x, the curve's parameter, in signed binary */
static const int8_t BN254_X_DIGITS[63] = {1, 0, 0, 0, 1, 0, 1, 0, 0, -1, 0, 1, 0, 1, 0, -1, 0, 0, 1, 0, 1, 0, -1, 0, -1, 0, -1, 0, 1, 0, 0, 0, 1, 0, 0, 1, 0, 1, 0, 1, 0, -1, 0, 1, 0, 0, 1, 0, 0, 0, 0, 1, 0, 1, 0, 0, 0, 0, -1, 0, 0, 0, 1};
/* 6 x + 2, in signed binary */
static const int8_t BN254_ATE_DIGITS[66] = {1, 0, -1, 0, 1, 0, 0, 0, -1, 0, -1, 0, 0, 0, -1, 0, 1, 0, -1, 0, 0, -1, 0, 0, 0, 0, 0, 1, 0, 0, -1, 0, 1, 0, 0, -1, 0, 0, 0, 0, -1, 0, 1, 0, 0, 0, -1, 0, -1, 0, 0, 1, 0, 0, 0, -1, 0, 0, -1, 0, 1, 0, 1, 0, 0, 0};
/* x */
#define BN254_X 4965661367192848881u
/* a cube root of 1 */
static const struct fp G1_BETA = {{0x71930c11d782e155, 0xa6bb947cffbe3323, 0xaa303344d4741444, 0x2c3b3f0d26594943}};
/* first vector (a1, b1), mod 2^256 */
static const struct u256 GLV_A1 = {{0x89d3256894d213e3, 0x0000000000000000, 0x0000000000000000, 0x0000000000000000}};
/* b1, mod 2^256 */
static const struct u256 GLV_B1 = {{0x7dee441482b0eed8, 0x90b27db71147a603, 0xffffffffffffffff, 0xffffffffffffffff}};
/* second vector (a2, b2), mod 2^256 */
static const struct u256 GLV_A2 = {{0x0be4e1541221250b, 0x6f4d8248eeb859fd, 0x0000000000000000, 0x0000000000000000}};
/* b2, mod 2^256 */
static const struct u256 GLV_B2 = {{0x89d3256894d213e3, 0x0000000000000000, 0x0000000000000000, 0x0000000000000000}};
/* 2^256 b2 / r, mod 2^256 */
static const struct u256 GLV_G1 = {{0xd91d232ec7e0b3d7, 0x0000000000000002, 0x0000000000000000, 0x0000000000000000}};
/* -2^256 b1 / r, mod 2^256 */
static const struct u256 GLV_G2 = {{0x7a7bd9d4391eb18d, 0x4ccef014a773d2cf, 0x0000000000000002, 0x0000000000000000}};
/* clang-format on */

#endif
