/*
 * The instructions that do more than compute: memory, accounts, calls. Both interpreters use them.
 *
 * Each is one function on a frame whose sp and gas are in place. The caller has checked the number
 * of words on the stack and charged the fixed gas (gas.h); the function charges the rest, takes its
 * operands, leaves its results and moves sp. Those with kind DYNAMIC in opcodes.h charge through
 * evm_pay, exactly once, before they change anything that a tracer sees.
 *
 * They return enum evm_outcome: EVM_NEXT, EVM_HALTED with the status set, EVM_ENTERED (calls and
 * creations only: a new frame is on top), or a negative error.
 */
#ifndef EVM_HEAVY_H
#define EVM_HEAVY_H

#include "evm/frame.h"

typedef int evm_heavy(struct evm_frame *f);

/* memory.c */
evm_heavy evm_op_exp, evm_op_keccak256;
evm_heavy evm_op_mload, evm_op_mstore, evm_op_mstore8, evm_op_mcopy;
evm_heavy evm_op_calldatacopy, evm_op_codecopy, evm_op_returndatacopy;
evm_heavy evm_op_return, evm_op_revert; /* always EVM_HALTED */

/* account.c */
evm_heavy evm_op_balance, evm_op_selfbalance, evm_op_extcodesize, evm_op_extcodecopy,
    evm_op_extcodehash, evm_op_blockhash;
evm_heavy evm_op_sload, evm_op_sstore, evm_op_tload, evm_op_tstore;
evm_heavy evm_op_log0, evm_op_log1, evm_op_log2, evm_op_log3, evm_op_log4;
evm_heavy evm_op_selfdestruct; /* never EVM_NEXT */

/* call.c */
evm_heavy evm_op_create, evm_op_create2;
evm_heavy evm_op_call, evm_op_callcode, evm_op_delegatecall, evm_op_staticcall;

/* By opcode; NULL for those that an interpreter does itself. */
extern evm_heavy *const evm_heavy_ops[256];

/*
 * The memory that an instruction touches: `size` bytes from `offset`, of any magnitude. Gives the
 * cost of making the memory that large and the size it then has; when it is large enough already,
 * or `size` is 0, that is 0 and its present size. False: more than any gas could pay (out of gas).
 */
bool evm_memory_cost(const struct evm_frame *f, int64_t *ret_gas, size_t *ret_memory_size,
                     const struct u256 *offset, const struct u256 *size);

/* The bytes that operands name, once paid for. Valid until the memory grows. */
static inline struct bytes evm_memory(const struct evm_frame *f, const struct u256 *offset,
                                      const struct u256 *size)
{
    return size->w[0] ? bytes_of(f->memory + offset->w[0], size->w[0]) : bytes_none();
}

/* Adds what the access of a cold account costs (EIP-2929), marking it warm. 0 or an error. */
int evm_access_cost(struct evm_frame *f, int64_t *gas, const struct address *a) BASE_NODISCARD;

/*
 * Charges an instruction's dynamic gas, shows the instruction to the tracer, and makes the memory
 * `memory_size` bytes large (f->memory_size: no change). EVM_NEXT, EVM_HALTED (out of gas), or an
 * error.
 */
int evm_pay(struct evm_frame *f, int64_t gas, size_t memory_size) BASE_NODISCARD;

/* evm_pay for copying `size` bytes to memory at `to`, with `more` gas; and the copying, zeros
 * standing for what lies beyond the end of the source. */
int evm_pay_copy(struct evm_frame *f, const struct u256 *to, const struct u256 *size,
                 int64_t more) BASE_NODISCARD;
void evm_copy_padded(struct evm_frame *f, const struct u256 *to, const struct u256 *from,
                     const struct u256 *size, struct bytes source);

/* In place of evm_pay, when the instruction has failed before: EVM_HALTED, or a tracer's error. */
int evm_fail(struct evm_frame *f, enum evm_status status) BASE_NODISCARD;

/* Shows the running instruction to the tracer, which must be there. 0 or its error (plain.c). */
int evm_trace_step(struct evm_frame *f, int64_t gas_cost, size_t memory_after,
                   enum evm_status status) BASE_NODISCARD;

/*
 * Frames (call.c). Pushing asks the host to enter the message first: EVM_ENTERED with the new frame
 * on top, or EVM_NEXT with the outcome in *ret_done (EVM_ENTER_DONE), or an error. Popping the top
 * frame tells the host to leave and gives the frame's result, whose output is in evm->output; the
 * frame itself may be read until the next push.
 */
int evm_frame_push(struct evm *evm, const struct evm_message *message,
                   struct evm_result *ret_done) BASE_NODISCARD;
int evm_frame_pop(struct evm *evm, struct evm_result *ret_result) BASE_NODISCARD;
/* Gives the result of a call or creation to the frame that made it. */
void evm_frame_receive(struct evm_frame *f, enum evm_call_kind kind, size_t return_offset,
                       size_t return_size, const struct evm_result *result);

#endif
