/*
 * The precompiled contracts one by one: what each does with its input, once paid for. The
 * mathematics is in crypto; here are the layouts and the rules of what counts as valid.
 */
#ifndef EVM_PRECOMPILE_INTERNAL_H
#define EVM_PRECOMPILE_INTERNAL_H

#include "evm/precompile/precompile.h"

/* Appends the output; *ret_status is EVM_SUCCESS before and says afterwards what is wrong with an
 * input that the contract fails on. Returns 0 or an error of this machine; one of `output` need not
 * be reported. */
typedef int evm_precompile(struct bytes input, struct buf *output, enum evm_status *ret_status);

evm_precompile evm_precompile_ecrecover; /* Yellow Paper, appendix E */
evm_precompile evm_precompile_sha256;
evm_precompile evm_precompile_ripemd160;
evm_precompile evm_precompile_identity;
evm_precompile evm_precompile_modexp; /* EIP-198; price EIP-2565, EIP-7883 */
evm_precompile
    evm_precompile_modexp_bounded;     /* the same on numbers of at most 1024 bytes: EIP-7823 */
evm_precompile evm_precompile_blake2f; /* EIP-152 */
evm_precompile evm_precompile_p256;    /* EIP-7951 */
evm_precompile evm_precompile_bn254_add, evm_precompile_bn254_mul; /* EIP-196; EIP-1108 */
evm_precompile evm_precompile_bn254_pairing;                       /* EIP-197; EIP-1108 */
evm_precompile evm_precompile_point_evaluation;                    /* EIP-4844 */
/* EIP-2537 */
evm_precompile evm_precompile_g1_add, evm_precompile_g1_msm, evm_precompile_g2_add,
    evm_precompile_g2_msm, evm_precompile_bls_pairing, evm_precompile_map_to_g1,
    evm_precompile_map_to_g2;

uint64_t evm_modexp_gas(enum fork fork, struct bytes input);
uint64_t evm_blake2f_gas(enum fork fork, struct bytes input);
uint64_t evm_g1_msm_gas(enum fork fork, struct bytes input);
uint64_t evm_g2_msm_gas(enum fork fork, struct bytes input);

/* `len` bytes of the input from `from` on, zeros standing for what lies behind its end. */
void evm_input_padded(uint8_t *ret, size_t len, struct bytes input, size_t from);

#endif
