/*
 * What instructions cost and which of them exist, by fork: one row of numbers each, the previous
 * fork's with its changes.
 */
#ifndef EVM_GAS_H
#define EVM_GAS_H

#include "base/compiler.h"
#include "base/fork.h"

#include <stdbool.h>

/* Gas that no fork so far has changed (Yellow Paper, appendix G). */
enum {
    EVM_GAS_WORD_COPY = 3,
    EVM_GAS_WORD_KECCAK = 6,
    EVM_GAS_MEMORY_WORD = 3,
    EVM_GAS_MEMORY_QUADRATIC = 512, /* divisor of the square of the words */
    EVM_GAS_LOG_BYTE = 8,
    EVM_GAS_CALL_VALUE = 9000,
    EVM_GAS_CALL_STIPEND = 2300,
    EVM_GAS_NEW_ACCOUNT = 25000,
    EVM_GAS_DELEGATION_WARM = 100, /* EIP-7702 */
    EVM_GAS_DELEGATION_COLD = 2600,
    EVM_INITCODE_SIZE_MAX = 49152, /* EIP-3860 */
};

/* One instruction under one fork. */
struct evm_instruction {
    int16_t gas;   /* fixed part; -1: the fork does not know the instruction */
    uint8_t taken; /* words it needs on the stack */
    int8_t growth; /* words it leaves minus words it takes */
};

/* SSTORE. Without `net` (forks before Constantinople, and Petersburg) only zero and not zero of the
 * old and new value count; with it, EIP-1283's and EIP-2200's cases. */
struct evm_sstore_gas {
    bool net;
    int16_t sentry; /* fails with this much gas or less (EIP-2200) */
    int16_t cold;   /* added when the slot is cold (EIP-2929) */
    int16_t dirty;  /* no change, or changed before in this transaction */
    int16_t set;    /* first change, from zero */
    int16_t reset;  /* first change, from not zero */
    int16_t clear_refund;
};

struct evm_rules {
    enum fork fork;
    struct evm_sstore_gas sstore;
    int16_t exp_byte;
    int16_t cold_account;            /* added when cold: BALANCE, EXTCODE*, CALL* (EIP-2929) */
    int16_t cold_slot;               /* added when cold: SLOAD */
    int16_t cold_beneficiary;        /* added when cold: SELFDESTRUCT */
    int16_t initcode_word;           /* CREATE, CREATE2; EIP-3860 */
    int16_t selfdestruct_refund;     /* 0 from London on (EIP-3529) */
    uint32_t selfdestruct_new;       /* 0 before Tangerine Whistle (EIP-150) */
    uint32_t initcode_size_max;      /* UINT32_MAX: none */
    bool keep_64th;                  /* calls and creations keep 1/64 back (EIP-150) */
    bool new_account_only_for_value; /* EIP-161 */
    bool call_reads_delegation;      /* EIP-7702 */
    struct evm_instruction op[256];
};

/* The table of a fork. Static, made at the first use; any thread. */
const struct evm_rules *evm_rules(enum fork fork);

#endif
