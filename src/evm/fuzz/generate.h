/*
 * Bytecode from arbitrary bytes, such that it runs: operands are mostly there, offsets mostly
 * small, jumps mostly lead to labels, calls mostly to accounts that exist. The bytes decide
 * everything, so a fuzzer can learn what they do.
 */
#ifndef EVM_FUZZ_GENERATE_H
#define EVM_FUZZ_GENERATE_H

#include "base/bytes.h"

/* Bytes that are read one after the other; behind the end all are 0. */
struct evm_fuzz_input {
    const uint8_t *data;
    size_t len;
};

enum {
    EVM_FUZZ_CONTRACTS = 4,
    EVM_FUZZ_CODE_MAX = 3000,
    /* The contracts' addresses follow each other. */
    EVM_FUZZ_CONTRACT = 0xc0,
};

uint8_t evm_fuzz_byte(struct evm_fuzz_input *in);
uint64_t evm_fuzz_number(struct evm_fuzz_input *in, size_t bytes);

/* Writes code made of at most `budget` bytes of the input; returns its length, at most
 * EVM_FUZZ_CODE_MAX. */
size_t evm_fuzz_code(uint8_t *ret_code, struct evm_fuzz_input *in, size_t budget);

#endif
