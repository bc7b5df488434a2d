/*
 * Bytecode from words, for tests:
 *
 *   ADD        an instruction
 *   5 0x1f     a number: the shortest PUSH that holds it (0 is PUSH1 0, which every fork knows)
 *   :here      a label: a JUMPDEST
 *   @here      PUSH2 with the place of the label
 *   #60ff      these bytes
 */
#ifndef EVM_TEST_ASM_H
#define EVM_TEST_ASM_H

#include "base/bytes.h"

/* The code, in static memory of the thread: each call takes the next of eight places. A word that
 * is none of the above is a bug of the test and ends it. */
struct bytes evm_asm(const char *text);

#endif
