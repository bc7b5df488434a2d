/*
 * The fast interpreter: code is translated, block by block as it is reached, from stack code to
 * instructions that name their operands, and these run.
 *
 * A block begins at a valid destination, behind a JUMPI or behind an instruction that depends on the
 * exact gas, and is entered at its beginning only. Gas and stack bounds of the whole block are
 * checked there once. Within it the translation knows for each stack position where the value is, so
 * PUSH, DUP, SWAP, POP and JUMPDEST cost nothing at run time; what remains are operations like
 * "word 3 = word 1 + constant". At the block's end every value lies where the EVM has it.
 *
 * When the check at the beginning fails, the plain interpreter runs the frame's last steps from
 * there, so that the failure is exactly its.
 *
 * Read first: this header (the form of translated code), then translate.c (how it is made), fast.c
 * (how it runs), analysis.h (how it is kept). docs/decisions/0002-interpreter.md has the reasons.
 */
#ifndef EVM_FAST_FAST_H
#define EVM_FAST_FAST_H

#include "evm/heavy.h"

struct evm_analysis;
struct evm_fast;

/* Owned by a machine: the analyses, and scratch room of the translation. ERR_NOMEM. */
int evm_fast_new(struct evm_fast **ret_fast) BASE_NODISCARD;
/* NULL is fine. */
void evm_fast_free(struct evm_fast *fast);

/*
 * Translated code is a sequence of 64-bit words. An instruction is its handler, its operands, then
 * its constants: `k` is one word (a value below 2^64), `c` four (any). Offsets are bytes from the
 * block's stack pointer, the top word on entry being at -32. Results also stay in the accumulator
 * (registers), where the next instruction finds them.
 *
 * A block begins with three words: the handler `block`, its cost and its bounds.
 */
union evm_word {
    const void *handler;
    struct {
        int16_t result; /* control instructions: what the stack pointer changes by */
        int16_t a;      /* the word that was on top */
        int16_t b;
        int16_t c;
    };
    uint64_t k;
    struct {
        int32_t gas;
        uint32_t pc;
    };
    struct {
        uint32_t height; /* bytes that must be on the stack */
        uint32_t spread; /* by how much there may be more, so that all fits */
    };
    const struct evm_target *target;
    evm_heavy *heavy;
};

static_assert(sizeof(union evm_word) == 8, "constants follow each other without gaps");

enum {
    EVM_BLOCK_WORDS = 3,  /* handler, cost, bounds */
    EVM_OPERAND_WORDS = 2 /* handler, operands */
};

/* A place in the code that can be jumped to. */
struct evm_target {
    const union evm_word *block; /* evm_fast_untranslated until it was reached */
    uint32_t pc;
};

/* What fast.c gives to the translation. Static. */
struct evm_fast_code {
    const void *const *handlers;         /* by enum evm_fast_op (ops.h) */
    const union evm_word *untranslated;  /* a block that translates the target it was entered by */
    const struct evm_target *bad_target; /* ends the frame with EVM_BAD_JUMP_DESTINATION */
};

const struct evm_fast_code *evm_fast_code(void);

#endif
