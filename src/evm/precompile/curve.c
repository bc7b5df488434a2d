/* The precompiled contracts over pairing-friendly curves. The layouts are those of crypto. */
#include "evm/precompile/internal.h"

#include "base/u256.h"
#include "crypto/bls12_381.h"
#include "crypto/bn254.h"
#include "crypto/hash.h"
#include "crypto/kzg.h"

static void append_bool(struct buf *output, bool value)
{
    uint8_t word[32] = {[31] = value};
    buf_append(output, word, sizeof(word));
}

/* alt_bn128: inputs that are too short are padded, too long ones cut. */

enum { POINT_SIZE = 64, TWIST_SIZE = CRYPTO_BN254_PAIR_SIZE - POINT_SIZE };

/* The field's modulus (EIP-196). */
static const uint8_t modulus[32] = {
    0x30, 0x64, 0x4e, 0x72, 0xe1, 0x31, 0xa0, 0x29, 0xb8, 0x50, 0x45, 0xb6, 0x81, 0x81, 0x58, 0x5d,
    0x97, 0x81, 0x6a, 0x91, 0x68, 0x71, 0xca, 0x8d, 0x3c, 0x20, 0x8c, 0x16, 0xd8, 0x7c, 0xfd, 0x47};

/* What geth names first when it refuses a point: a coordinate, in their order, or where it lies. */
static enum evm_status coordinates_status(const uint8_t *point, size_t size)
{
    for (size_t at = 0; at < size; at += sizeof(modulus)) {
        int order = memcmp(point + at, modulus, sizeof(modulus));
        if (order > 0)
            return EVM_COORDINATE_EXCEEDS_MODULUS;
        if (order == 0)
            return EVM_COORDINATE_EQUALS_MODULUS;
    }
    return EVM_MALFORMED_POINT;
}

/* Of the points of an addition or a multiplication that was refused. */
static enum evm_status point_status(const uint8_t *points, size_t count)
{
    uint8_t sum[POINT_SIZE], alone[2 * POINT_SIZE] = {0};
    for (; count > 1; count--, points += POINT_SIZE) {
        memcpy(alone, points, POINT_SIZE);
        if (!crypto_bn254_add(sum, alone))
            break;
    }
    return coordinates_status(points, POINT_SIZE);
}

/* Of the pairs of a pairing that was refused: each point is tried beside one at infinity. */
static enum evm_status pairing_status(struct bytes input)
{
    if (input.len % CRYPTO_BN254_PAIR_SIZE != 0)
        return EVM_BAD_PAIRING_SIZE;
    for (const uint8_t *pair = input.data; pair < input.data + input.len;
         pair += CRYPTO_BN254_PAIR_SIZE) {
        uint8_t alone[CRYPTO_BN254_PAIR_SIZE] = {0};
        bool one;
        memcpy(alone, pair, POINT_SIZE);
        if (!crypto_bn254_pairing(&one, bytes_of(alone, sizeof(alone))))
            return coordinates_status(pair, POINT_SIZE);
        memset(alone, 0, POINT_SIZE);
        memcpy(alone + POINT_SIZE, pair + POINT_SIZE, TWIST_SIZE);
        if (!crypto_bn254_pairing(&one, bytes_of(alone, sizeof(alone))))
            return coordinates_status(pair + POINT_SIZE, TWIST_SIZE);
    }
    return EVM_MALFORMED_POINT;
}

/* An operation from bytes of one length to bytes of another. */
typedef bool fixed_operation(uint8_t *ret, const uint8_t *in);

static int run_bn254(fixed_operation *operation, struct bytes input, size_t input_size,
                     size_t points, struct buf *output, enum evm_status *ret_status)
{
    uint8_t in[2 * POINT_SIZE], point[POINT_SIZE];
    evm_input_padded(in, input_size, input, 0);
    if (operation(point, in))
        buf_append(output, point, sizeof(point));
    else
        *ret_status = point_status(in, points);
    return 0;
}

int evm_precompile_bn254_add(struct bytes input, struct buf *output, enum evm_status *ret_status)
{
    return run_bn254(crypto_bn254_add, input, 2 * POINT_SIZE, 2, output, ret_status);
}

int evm_precompile_bn254_mul(struct bytes input, struct buf *output, enum evm_status *ret_status)
{
    return run_bn254(crypto_bn254_mul, input, POINT_SIZE + 32, 1, output, ret_status);
}

int evm_precompile_bn254_pairing(struct bytes input, struct buf *output,
                                 enum evm_status *ret_status)
{
    bool one = false;
    if (crypto_bn254_pairing(&one, input))
        append_bool(output, one);
    else
        *ret_status = pairing_status(input);
    return 0;
}

/*
 *   0  versioned hash
 *  32  z
 *  64  y
 *  96  commitment
 * 144  proof
 */
int evm_precompile_point_evaluation(struct bytes input, struct buf *output,
                                    enum evm_status *ret_status)
{
    /* FIELD_ELEMENTS_PER_BLOB and BLS_MODULUS of EIP-4844. */
    static const uint8_t answer[64] = {
        [30] = 0x10, [31] = 0x00, [32] = 0x73, 0xed, 0xa7, 0x53, 0x29, 0x9d, 0x7d, 0x48, 0x33, 0x39,
        0xd8,        0x08,        0x09,        0xa1, 0xd8, 0x05, 0x53, 0xbd, 0xa4, 0x02, 0xff, 0xfe,
        0x5b,        0xfe,        0xff,        0xff, 0xff, 0xff, 0x00, 0x00, 0x00, 0x01};
    struct hash256 hash;
    if (input.len != 192) {
        *ret_status = EVM_INVALID_INPUT_LENGTH;
        return 0;
    }
    crypto_sha256(&hash, bytes_slice(input, 96, 48));
    hash.b[0] = 0x01; /* VERSIONED_HASH_VERSION_KZG */
    if (memcmp(hash.b, input.data, sizeof(hash.b)) != 0)
        *ret_status = EVM_MISMATCHED_VERSION;
    else if (!crypto_kzg_verify_proof(input.data + 96, input.data + 32, input.data + 64,
                                      input.data + 144))
        *ret_status = EVM_INVALID_KZG_PROOF;
    else
        buf_append(output, answer, sizeof(answer));
    return 0;
}

/* BLS12-381 (EIP-2537): the length is part of what makes an input valid. */

/* Of a list of terms that was refused. */
static enum evm_status terms_status(struct bytes input, size_t term_size)
{
    bool whole = input.len > 0 && input.len % term_size == 0;
    return whole ? EVM_PRECOMPILE_FAILURE : EVM_INVALID_INPUT_LENGTH;
}

static int run_fixed(fixed_operation *operation, struct bytes input, size_t input_size,
                     struct buf *output, size_t output_size, enum evm_status *ret_status)
{
    uint8_t result[CRYPTO_BLS12_381_G2_SIZE];
    if (input.len != input_size)
        *ret_status = EVM_INVALID_INPUT_LENGTH;
    else if (!operation(result, input.data))
        *ret_status = EVM_PRECOMPILE_FAILURE;
    else
        buf_append(output, result, output_size);
    return 0;
}

int evm_precompile_g1_add(struct bytes input, struct buf *output, enum evm_status *ret_status)
{
    return run_fixed(crypto_bls12_381_g1_add, input, 256, output, CRYPTO_BLS12_381_G1_SIZE,
                     ret_status);
}

int evm_precompile_g2_add(struct bytes input, struct buf *output, enum evm_status *ret_status)
{
    return run_fixed(crypto_bls12_381_g2_add, input, 512, output, CRYPTO_BLS12_381_G2_SIZE,
                     ret_status);
}

int evm_precompile_map_to_g1(struct bytes input, struct buf *output, enum evm_status *ret_status)
{
    return run_fixed(crypto_bls12_381_map_fp_to_g1, input, 64, output, CRYPTO_BLS12_381_G1_SIZE,
                     ret_status);
}

int evm_precompile_map_to_g2(struct bytes input, struct buf *output, enum evm_status *ret_status)
{
    return run_fixed(crypto_bls12_381_map_fp2_to_g2, input, 128, output, CRYPTO_BLS12_381_G2_SIZE,
                     ret_status);
}

typedef int msm_operation(uint8_t *ret, bool *ret_valid, struct bytes input);

static int run_msm(msm_operation *operation, struct bytes input, size_t term_size,
                   struct buf *output, size_t output_size, enum evm_status *ret_status)
{
    uint8_t point[CRYPTO_BLS12_381_G2_SIZE];
    bool valid = false;
    int err = operation(point, &valid, input);
    if (!valid)
        *ret_status = terms_status(input, term_size);
    else if (!err)
        buf_append(output, point, output_size);
    return err;
}

int evm_precompile_g1_msm(struct bytes input, struct buf *output, enum evm_status *ret_status)
{
    return run_msm(crypto_bls12_381_g1_msm, input, CRYPTO_BLS12_381_G1_TERM_SIZE, output,
                   CRYPTO_BLS12_381_G1_SIZE, ret_status);
}

int evm_precompile_g2_msm(struct bytes input, struct buf *output, enum evm_status *ret_status)
{
    return run_msm(crypto_bls12_381_g2_msm, input, CRYPTO_BLS12_381_G2_TERM_SIZE, output,
                   CRYPTO_BLS12_381_G2_SIZE, ret_status);
}

int evm_precompile_bls_pairing(struct bytes input, struct buf *output, enum evm_status *ret_status)
{
    bool one = false;
    if (crypto_bls12_381_pairing(&one, input))
        append_bool(output, one);
    else
        *ret_status = terms_status(input, CRYPTO_BLS12_381_PAIR_SIZE);
    return 0;
}

enum { DISCOUNTS = 128 };

/* Thousandths of the price of single multiplications, for 1 … 128 terms; more cost as 128
 * (EIP-2537, "Gas schedule"). */
static const uint16_t g1_discounts[DISCOUNTS] = {
    1000, 949, 848, 797, 764, 750, 738, 728, 719, 712, 705, 698, 692, 687, 682, 677, 673, 669, 665,
    661,  658, 654, 651, 648, 645, 642, 640, 637, 635, 632, 630, 627, 625, 623, 621, 619, 617, 615,
    613,  611, 609, 608, 606, 604, 603, 601, 599, 598, 596, 595, 593, 592, 591, 589, 588, 586, 585,
    584,  582, 581, 580, 579, 577, 576, 575, 574, 573, 572, 570, 569, 568, 567, 566, 565, 564, 563,
    562,  561, 560, 559, 558, 557, 556, 555, 554, 553, 552, 551, 550, 549, 548, 547, 547, 546, 545,
    544,  543, 542, 541, 540, 540, 539, 538, 537, 536, 536, 535, 534, 533, 532, 532, 531, 530, 529,
    528,  528, 527, 526, 525, 525, 524, 523, 522, 522, 521, 520, 520, 519,
};

static const uint16_t g2_discounts[DISCOUNTS] = {
    1000, 1000, 923, 884, 855, 832, 812, 796, 782, 770, 759, 749, 740, 732, 724, 717, 711, 704, 699,
    693,  688,  683, 679, 674, 670, 666, 663, 659, 655, 652, 649, 646, 643, 640, 637, 634, 632, 629,
    627,  624,  622, 620, 618, 615, 613, 611, 609, 607, 606, 604, 602, 600, 598, 597, 595, 593, 592,
    590,  589,  587, 586, 584, 583, 582, 580, 579, 578, 576, 575, 574, 573, 571, 570, 569, 568, 567,
    566,  565,  563, 562, 561, 560, 559, 558, 557, 556, 555, 554, 553, 552, 552, 551, 550, 549, 548,
    547,  546,  545, 545, 544, 543, 542, 541, 541, 540, 539, 538, 537, 537, 536, 535, 535, 534, 533,
    532,  532,  531, 530, 530, 529, 528, 528, 527, 526, 526, 525, 524, 524,
};

static uint64_t msm_gas(struct bytes input, size_t term_size, uint64_t price,
                        const uint16_t discounts[DISCOUNTS])
{
    size_t terms = input.len / term_size;
    if (terms == 0)
        return 0; /* it will fail */
    return terms * price * discounts[(terms < DISCOUNTS ? terms : DISCOUNTS) - 1] / 1000;
}

uint64_t evm_g1_msm_gas(enum fork fork, struct bytes input)
{
    (void)fork;
    return msm_gas(input, CRYPTO_BLS12_381_G1_TERM_SIZE, 12000, g1_discounts);
}

uint64_t evm_g2_msm_gas(enum fork fork, struct bytes input)
{
    (void)fork;
    return msm_gas(input, CRYPTO_BLS12_381_G2_TERM_SIZE, 22500, g2_discounts);
}
