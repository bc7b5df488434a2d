/*
 * From stack code to three-operand code (fast.h). Called when a target is reached for the first time.
 */
#ifndef EVM_FAST_TRANSLATE_H
#define EVM_FAST_TRANSLATE_H

#include "evm/analysis.h"

/* Scratch room; NULL when out of memory. */
struct evm_translator *evm_translator_new(void);
void evm_translator_free(struct evm_translator *t);

/* Makes target->block, of the frame's analysis, the translation of the code from target->pc on.
 * ERR_NOMEM. */
int evm_translate(struct evm_frame *frame, struct evm_target *target) BASE_NODISCARD;

#endif
