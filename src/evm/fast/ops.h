/*
 * The instructions of translated code (fast.h), one handler each.
 *
 * Operands come in kinds, a letter each:
 *   s  a word on the stack, or in the spare room above it
 *   k  a constant below 2^64
 *   c  any constant
 *   a  the accumulator: the result of the latest instruction that had one
 * An instruction that has a result comes in two forms: it writes it to the stack, or (_n) keeps it
 * in the accumulator only.
 */
#ifndef EVM_FAST_OPS_H
#define EVM_FAST_OPS_H

// clang-format off

/* Two operands, not both constant. The first was on top of the stack. */
#define EVM_FAST_PAIRS(M, op)                                                                      \
    M(op, s, s) M(op, s, k) M(op, s, c) M(op, s, a) M(op, k, s) M(op, k, a)                        \
    M(op, c, s) M(op, c, a) M(op, a, s) M(op, a, k) M(op, a, c) M(op, a, a)

/* One operand. */
#define EVM_FAST_SINGLES(M, op) M(op, s) M(op, k) M(op, a)

/* Pairs. */
#define EVM_FAST_BINARY(M) M(add) M(sub) M(mul) M(and) M(or) M(xor) M(shl) M(shr)

/* Pairs, and singles, whose result is a truth value. A third form (_j) jumps when it is true. GT is
 * LT with its operands exchanged. */
#define EVM_FAST_COMPARE(M) M(lt) M(ge) M(slt) M(sge) M(eq) M(ne)
#define EVM_FAST_TEST(M)    M(zero) M(nonzero)

/* Singles. */
#define EVM_FAST_UNARY(M) M(complement) M(mload) M(calldataload) M(blobhash)

/* No operand; and those that give the constant behind them. */
#define EVM_FAST_NULLARY(M)                                                                        \
    M(address) M(origin) M(caller) M(callvalue) M(calldatasize) M(gasprice) M(returndatasize)      \
    M(coinbase) M(timestamp) M(number) M(prevrandao) M(gaslimit) M(chainid) M(basefee)             \
    M(blobbasefee) M(msize) M(gas) M(gas_seen)
#define EVM_FAST_CONSTANT(M) M(const_k) M(const_c)

/* One to three operands of the kinds s and c, told apart at run time: the lowest bit of an offset
 * says that it counts from the instruction, not from the stack pointer. Behind the operands stands
 * the instruction's length in words, then the constants. */
#define EVM_FAST_GENERAL(M)                                                                        \
    M(div) M(sdiv) M(mod) M(smod) M(addmod) M(mulmod) M(exp) M(signextend) M(byte) M(sar) M(clz)

/* Pairs without result: offset in memory, value. */
#define EVM_FAST_STORE(M) M(mstore) M(mstore8)

/*
 * Without result.
 *   move, keep      operand a, or the accumulator, to the result's place
 *   put_k, put_c    the constant there; the accumulator stays
 *   block           checks gas and stack of what follows
 *   fall, goto      on to the next block, or to a target
 *   jump_s, jump_a  to a destination in an operand
 *   jumpi           to the destination in a, if b
 *   inner           a function of heavy.h, with its operands below a
 *   heavy           a function of heavy.h that ends the block
 */
#define EVM_FAST_CONTROL(M)                                                                        \
    M(move) M(keep) M(put_k) M(put_c) M(inner)                                                  \
    M(block) M(fall) M(goto) M(jump_s) M(jump_a) M(jumpi) M(heavy)                                 \
    M(stop) M(undefined) M(invalid) M(bad_jump) M(untranslated)

/* Every handler's name, in an order that translate.c relies on: pairs and singles as above, the
 * forms of each together. */
#define EVM_FAST_PAIR_FORMS(op, x, y)    X(op##_##x##y) X(op##_##x##y##_n)
#define EVM_FAST_SINGLE_FORMS(op, x)     X(op##_##x) X(op##_##x##_n)
#define EVM_FAST_COMPARE_FORMS(op, x, y) X(op##_##x##y) X(op##_##x##y##_n) X(op##_##x##y##_j)
#define EVM_FAST_TEST_FORMS(op, x)       X(op##_##x) X(op##_##x##_n) X(op##_##x##_j)
#define EVM_FAST_STORE_FORMS(op, x, y)   X(op##_##x##y)
#define EVM_FAST_PLAIN_FORMS(op)         X(op) X(op##_n)

#define EVM_FAST_LIST_BINARY(op)  EVM_FAST_PAIRS(EVM_FAST_PAIR_FORMS, op)
#define EVM_FAST_LIST_COMPARE(op) EVM_FAST_PAIRS(EVM_FAST_COMPARE_FORMS, op)
#define EVM_FAST_LIST_STORE(op)   EVM_FAST_PAIRS(EVM_FAST_STORE_FORMS, op)
#define EVM_FAST_LIST_TEST(op)    EVM_FAST_SINGLES(EVM_FAST_TEST_FORMS, op)
#define EVM_FAST_LIST_UNARY(op)   EVM_FAST_SINGLES(EVM_FAST_SINGLE_FORMS, op)

#define EVM_FAST_LIST                                                                              \
    EVM_FAST_BINARY(EVM_FAST_LIST_BINARY)                                                          \
    EVM_FAST_COMPARE(EVM_FAST_LIST_COMPARE)                                                        \
    EVM_FAST_STORE(EVM_FAST_LIST_STORE)                                                            \
    EVM_FAST_TEST(EVM_FAST_LIST_TEST)                                                              \
    EVM_FAST_UNARY(EVM_FAST_LIST_UNARY)                                                            \
    EVM_FAST_NULLARY(EVM_FAST_PLAIN_FORMS)                                                         \
    EVM_FAST_CONSTANT(EVM_FAST_PLAIN_FORMS)                                                        \
    EVM_FAST_GENERAL(EVM_FAST_PLAIN_FORMS)                                                         \
    EVM_FAST_CONTROL(X)

// clang-format on

enum evm_fast_op {
#define X(name) EVM_FAST_##name,
    EVM_FAST_LIST
#undef X
        EVM_FAST_COUNT
};

#endif
