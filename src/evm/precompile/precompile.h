/*
 * The precompiled contracts, 0x01 to 0x11 and 0x100, by fork.
 */
#ifndef EVM_PRECOMPILE_PRECOMPILE_H
#define EVM_PRECOMPILE_PRECOMPILE_H

#include "base/buf.h"
#include "base/fork.h"
#include "base/types.h"
#include "evm/evm.h"

/* Whether the address is a precompiled contract under the fork. */
bool evm_is_precompile(enum fork fork, const struct address *a) BASE_NODISCARD;

/*
 * Runs one. `a` must be one of the fork's. On EVM_SUCCESS the output stands in `output` (which is
 * cleared first) and ret_result->output borrows it; on failure (EVM_OUT_OF_GAS, or what is wrong
 * with the input) all gas is gone. Returns 0, or ERR_NOMEM / ERR_CRYPTO when this machine failed.
 */
int evm_precompile_run(enum fork fork, const struct address *a, struct bytes input, int64_t gas,
                       struct buf *output, struct evm_result *ret_result) BASE_NODISCARD;

#endif
