/*
 * One contract in a small world, run on both interpreters: what they do must not differ, whatever
 * the test looks at.
 */
#ifndef EVM_TEST_RUN_H
#define EVM_TEST_RUN_H

#include "evm/test/asm.h"
#include "evm/test/host.h"

/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
/* clang-format on */

struct evm_test {
    struct evm *evm;
    struct evm_test_host host;
    struct evm_message message; /* to the contract; gas and code are set for each run */
    struct evm_result result;   /* of the last run; output valid until the next */
};

/* The contract that runs, with a balance of 1000, and who calls it, with plenty. */
#define EVM_TEST_CONTRACT evm_test_address(0xc0de)
#define EVM_TEST_CALLER   evm_test_address(0xca11)

void evm_test_begin(struct evm_test *t, enum fork fork);
void evm_test_end(struct evm_test *t);

/* Runs code as the contract's. Asserts that both interpreters agree. */
void evm_test_run(struct evm_test *t, struct bytes code, int64_t gas);
/* The same for words of asm.h in a new world, ending it; gives status and gas used. */
enum evm_status evm_test_once(enum fork fork, const char *code, int64_t gas, int64_t *ret_used);

/* The output, which must be one word. */
struct u256 evm_test_output(const struct evm_test *t);

/* Asserts success with these. */
void evm_test_expect(enum fork fork, const char *code, const char *hex_result, int64_t gas_used);
/* Asserts this failure (or revert). */
void evm_test_expect_failure(enum fork fork, const char *code, int64_t gas, enum evm_status status);

/* Calls it on a thread whose C stack has so many bytes; 16 times as many with the address sanitizer,
 * which makes frames larger. */
void evm_test_on_stack(size_t bytes, void (*call)(void));

#endif
