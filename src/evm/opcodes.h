/*
 * Every instruction from Frontier to Osaka, one a row (Yellow Paper, appendix H, and the EIPs that
 * gas.c names).
 *
 * X(name, value, taken, left, fork, gas, kind)
 *   taken, left  words that must be on the stack, and that stand in their place afterwards
 *   fork         the first one that knows the instruction
 *   gas          its fixed gas in that fork; later changes are in gas.c
 *   kind         FIXED: the fixed gas is all. DYNAMIC: it charges more itself (heavy.h)
 */
#ifndef EVM_OPCODES_H
#define EVM_OPCODES_H

// clang-format off
#define EVM_OPCODE_LIST(X)                                                                         \
    X(STOP, 0x00, 0, 0, FRONTIER, 0, FIXED)                                                        \
    X(ADD, 0x01, 2, 1, FRONTIER, 3, FIXED)                                                         \
    X(MUL, 0x02, 2, 1, FRONTIER, 5, FIXED)                                                         \
    X(SUB, 0x03, 2, 1, FRONTIER, 3, FIXED)                                                         \
    X(DIV, 0x04, 2, 1, FRONTIER, 5, FIXED)                                                         \
    X(SDIV, 0x05, 2, 1, FRONTIER, 5, FIXED)                                                        \
    X(MOD, 0x06, 2, 1, FRONTIER, 5, FIXED)                                                         \
    X(SMOD, 0x07, 2, 1, FRONTIER, 5, FIXED)                                                        \
    X(ADDMOD, 0x08, 3, 1, FRONTIER, 8, FIXED)                                                      \
    X(MULMOD, 0x09, 3, 1, FRONTIER, 8, FIXED)                                                      \
    X(EXP, 0x0a, 2, 1, FRONTIER, 10, DYNAMIC)                                                      \
    X(SIGNEXTEND, 0x0b, 2, 1, FRONTIER, 5, FIXED)                                                  \
    X(LT, 0x10, 2, 1, FRONTIER, 3, FIXED)                                                          \
    X(GT, 0x11, 2, 1, FRONTIER, 3, FIXED)                                                          \
    X(SLT, 0x12, 2, 1, FRONTIER, 3, FIXED)                                                         \
    X(SGT, 0x13, 2, 1, FRONTIER, 3, FIXED)                                                         \
    X(EQ, 0x14, 2, 1, FRONTIER, 3, FIXED)                                                          \
    X(ISZERO, 0x15, 1, 1, FRONTIER, 3, FIXED)                                                      \
    X(AND, 0x16, 2, 1, FRONTIER, 3, FIXED)                                                         \
    X(OR, 0x17, 2, 1, FRONTIER, 3, FIXED)                                                          \
    X(XOR, 0x18, 2, 1, FRONTIER, 3, FIXED)                                                         \
    X(NOT, 0x19, 1, 1, FRONTIER, 3, FIXED)                                                         \
    X(BYTE, 0x1a, 2, 1, FRONTIER, 3, FIXED)                                                        \
    X(SHL, 0x1b, 2, 1, CONSTANTINOPLE, 3, FIXED)                                                   \
    X(SHR, 0x1c, 2, 1, CONSTANTINOPLE, 3, FIXED)                                                   \
    X(SAR, 0x1d, 2, 1, CONSTANTINOPLE, 3, FIXED)                                                   \
    X(CLZ, 0x1e, 1, 1, OSAKA, 5, FIXED)                                                            \
    X(KECCAK256, 0x20, 2, 1, FRONTIER, 30, DYNAMIC)                                                \
    X(ADDRESS, 0x30, 0, 1, FRONTIER, 2, FIXED)                                                     \
    X(BALANCE, 0x31, 1, 1, FRONTIER, 20, DYNAMIC)                                                  \
    X(ORIGIN, 0x32, 0, 1, FRONTIER, 2, FIXED)                                                      \
    X(CALLER, 0x33, 0, 1, FRONTIER, 2, FIXED)                                                      \
    X(CALLVALUE, 0x34, 0, 1, FRONTIER, 2, FIXED)                                                   \
    X(CALLDATALOAD, 0x35, 1, 1, FRONTIER, 3, FIXED)                                                \
    X(CALLDATASIZE, 0x36, 0, 1, FRONTIER, 2, FIXED)                                                \
    X(CALLDATACOPY, 0x37, 3, 0, FRONTIER, 3, DYNAMIC)                                              \
    X(CODESIZE, 0x38, 0, 1, FRONTIER, 2, FIXED)                                                    \
    X(CODECOPY, 0x39, 3, 0, FRONTIER, 3, DYNAMIC)                                                  \
    X(GASPRICE, 0x3a, 0, 1, FRONTIER, 2, FIXED)                                                    \
    X(EXTCODESIZE, 0x3b, 1, 1, FRONTIER, 20, DYNAMIC)                                              \
    X(EXTCODECOPY, 0x3c, 4, 0, FRONTIER, 20, DYNAMIC)                                              \
    X(RETURNDATASIZE, 0x3d, 0, 1, BYZANTIUM, 2, FIXED)                                             \
    X(RETURNDATACOPY, 0x3e, 3, 0, BYZANTIUM, 3, DYNAMIC)                                           \
    X(EXTCODEHASH, 0x3f, 1, 1, CONSTANTINOPLE, 400, DYNAMIC)                                       \
    X(BLOCKHASH, 0x40, 1, 1, FRONTIER, 20, FIXED)                                                  \
    X(COINBASE, 0x41, 0, 1, FRONTIER, 2, FIXED)                                                    \
    X(TIMESTAMP, 0x42, 0, 1, FRONTIER, 2, FIXED)                                                   \
    X(NUMBER, 0x43, 0, 1, FRONTIER, 2, FIXED)                                                      \
    X(PREVRANDAO, 0x44, 0, 1, FRONTIER, 2, FIXED)                                                  \
    X(GASLIMIT, 0x45, 0, 1, FRONTIER, 2, FIXED)                                                    \
    X(CHAINID, 0x46, 0, 1, ISTANBUL, 2, FIXED)                                                     \
    X(SELFBALANCE, 0x47, 0, 1, ISTANBUL, 5, FIXED)                                                 \
    X(BASEFEE, 0x48, 0, 1, LONDON, 2, FIXED)                                                       \
    X(BLOBHASH, 0x49, 1, 1, CANCUN, 3, FIXED)                                                      \
    X(BLOBBASEFEE, 0x4a, 0, 1, CANCUN, 2, FIXED)                                                   \
    X(POP, 0x50, 1, 0, FRONTIER, 2, FIXED)                                                         \
    X(MLOAD, 0x51, 1, 1, FRONTIER, 3, DYNAMIC)                                                     \
    X(MSTORE, 0x52, 2, 0, FRONTIER, 3, DYNAMIC)                                                    \
    X(MSTORE8, 0x53, 2, 0, FRONTIER, 3, DYNAMIC)                                                   \
    X(SLOAD, 0x54, 1, 1, FRONTIER, 50, DYNAMIC)                                                    \
    X(SSTORE, 0x55, 2, 0, FRONTIER, 0, DYNAMIC)                                                    \
    X(JUMP, 0x56, 1, 0, FRONTIER, 8, FIXED)                                                        \
    X(JUMPI, 0x57, 2, 0, FRONTIER, 10, FIXED)                                                      \
    X(PC, 0x58, 0, 1, FRONTIER, 2, FIXED)                                                          \
    X(MSIZE, 0x59, 0, 1, FRONTIER, 2, FIXED)                                                       \
    X(GAS, 0x5a, 0, 1, FRONTIER, 2, FIXED)                                                         \
    X(JUMPDEST, 0x5b, 0, 0, FRONTIER, 1, FIXED)                                                    \
    X(TLOAD, 0x5c, 1, 1, CANCUN, 100, FIXED)                                                       \
    X(TSTORE, 0x5d, 2, 0, CANCUN, 100, FIXED)                                                      \
    X(MCOPY, 0x5e, 3, 0, CANCUN, 3, DYNAMIC)                                                       \
    X(PUSH0, 0x5f, 0, 1, SHANGHAI, 2, FIXED)                                                       \
    X(PUSH1, 0x60, 0, 1, FRONTIER, 3, FIXED)                                                       \
    X(PUSH2, 0x61, 0, 1, FRONTIER, 3, FIXED)                                                       \
    X(PUSH3, 0x62, 0, 1, FRONTIER, 3, FIXED)                                                       \
    X(PUSH4, 0x63, 0, 1, FRONTIER, 3, FIXED)                                                       \
    X(PUSH5, 0x64, 0, 1, FRONTIER, 3, FIXED)                                                       \
    X(PUSH6, 0x65, 0, 1, FRONTIER, 3, FIXED)                                                       \
    X(PUSH7, 0x66, 0, 1, FRONTIER, 3, FIXED)                                                       \
    X(PUSH8, 0x67, 0, 1, FRONTIER, 3, FIXED)                                                       \
    X(PUSH9, 0x68, 0, 1, FRONTIER, 3, FIXED)                                                       \
    X(PUSH10, 0x69, 0, 1, FRONTIER, 3, FIXED)                                                      \
    X(PUSH11, 0x6a, 0, 1, FRONTIER, 3, FIXED)                                                      \
    X(PUSH12, 0x6b, 0, 1, FRONTIER, 3, FIXED)                                                      \
    X(PUSH13, 0x6c, 0, 1, FRONTIER, 3, FIXED)                                                      \
    X(PUSH14, 0x6d, 0, 1, FRONTIER, 3, FIXED)                                                      \
    X(PUSH15, 0x6e, 0, 1, FRONTIER, 3, FIXED)                                                      \
    X(PUSH16, 0x6f, 0, 1, FRONTIER, 3, FIXED)                                                      \
    X(PUSH17, 0x70, 0, 1, FRONTIER, 3, FIXED)                                                      \
    X(PUSH18, 0x71, 0, 1, FRONTIER, 3, FIXED)                                                      \
    X(PUSH19, 0x72, 0, 1, FRONTIER, 3, FIXED)                                                      \
    X(PUSH20, 0x73, 0, 1, FRONTIER, 3, FIXED)                                                      \
    X(PUSH21, 0x74, 0, 1, FRONTIER, 3, FIXED)                                                      \
    X(PUSH22, 0x75, 0, 1, FRONTIER, 3, FIXED)                                                      \
    X(PUSH23, 0x76, 0, 1, FRONTIER, 3, FIXED)                                                      \
    X(PUSH24, 0x77, 0, 1, FRONTIER, 3, FIXED)                                                      \
    X(PUSH25, 0x78, 0, 1, FRONTIER, 3, FIXED)                                                      \
    X(PUSH26, 0x79, 0, 1, FRONTIER, 3, FIXED)                                                      \
    X(PUSH27, 0x7a, 0, 1, FRONTIER, 3, FIXED)                                                      \
    X(PUSH28, 0x7b, 0, 1, FRONTIER, 3, FIXED)                                                      \
    X(PUSH29, 0x7c, 0, 1, FRONTIER, 3, FIXED)                                                      \
    X(PUSH30, 0x7d, 0, 1, FRONTIER, 3, FIXED)                                                      \
    X(PUSH31, 0x7e, 0, 1, FRONTIER, 3, FIXED)                                                      \
    X(PUSH32, 0x7f, 0, 1, FRONTIER, 3, FIXED)                                                      \
    X(DUP1, 0x80, 1, 2, FRONTIER, 3, FIXED)                                                        \
    X(DUP2, 0x81, 2, 3, FRONTIER, 3, FIXED)                                                        \
    X(DUP3, 0x82, 3, 4, FRONTIER, 3, FIXED)                                                        \
    X(DUP4, 0x83, 4, 5, FRONTIER, 3, FIXED)                                                        \
    X(DUP5, 0x84, 5, 6, FRONTIER, 3, FIXED)                                                        \
    X(DUP6, 0x85, 6, 7, FRONTIER, 3, FIXED)                                                        \
    X(DUP7, 0x86, 7, 8, FRONTIER, 3, FIXED)                                                        \
    X(DUP8, 0x87, 8, 9, FRONTIER, 3, FIXED)                                                        \
    X(DUP9, 0x88, 9, 10, FRONTIER, 3, FIXED)                                                       \
    X(DUP10, 0x89, 10, 11, FRONTIER, 3, FIXED)                                                     \
    X(DUP11, 0x8a, 11, 12, FRONTIER, 3, FIXED)                                                     \
    X(DUP12, 0x8b, 12, 13, FRONTIER, 3, FIXED)                                                     \
    X(DUP13, 0x8c, 13, 14, FRONTIER, 3, FIXED)                                                     \
    X(DUP14, 0x8d, 14, 15, FRONTIER, 3, FIXED)                                                     \
    X(DUP15, 0x8e, 15, 16, FRONTIER, 3, FIXED)                                                     \
    X(DUP16, 0x8f, 16, 17, FRONTIER, 3, FIXED)                                                     \
    X(SWAP1, 0x90, 2, 2, FRONTIER, 3, FIXED)                                                       \
    X(SWAP2, 0x91, 3, 3, FRONTIER, 3, FIXED)                                                       \
    X(SWAP3, 0x92, 4, 4, FRONTIER, 3, FIXED)                                                       \
    X(SWAP4, 0x93, 5, 5, FRONTIER, 3, FIXED)                                                       \
    X(SWAP5, 0x94, 6, 6, FRONTIER, 3, FIXED)                                                       \
    X(SWAP6, 0x95, 7, 7, FRONTIER, 3, FIXED)                                                       \
    X(SWAP7, 0x96, 8, 8, FRONTIER, 3, FIXED)                                                       \
    X(SWAP8, 0x97, 9, 9, FRONTIER, 3, FIXED)                                                       \
    X(SWAP9, 0x98, 10, 10, FRONTIER, 3, FIXED)                                                     \
    X(SWAP10, 0x99, 11, 11, FRONTIER, 3, FIXED)                                                    \
    X(SWAP11, 0x9a, 12, 12, FRONTIER, 3, FIXED)                                                    \
    X(SWAP12, 0x9b, 13, 13, FRONTIER, 3, FIXED)                                                    \
    X(SWAP13, 0x9c, 14, 14, FRONTIER, 3, FIXED)                                                    \
    X(SWAP14, 0x9d, 15, 15, FRONTIER, 3, FIXED)                                                    \
    X(SWAP15, 0x9e, 16, 16, FRONTIER, 3, FIXED)                                                    \
    X(SWAP16, 0x9f, 17, 17, FRONTIER, 3, FIXED)                                                    \
    X(LOG0, 0xa0, 2, 0, FRONTIER, 375, DYNAMIC)                                                    \
    X(LOG1, 0xa1, 3, 0, FRONTIER, 750, DYNAMIC)                                                    \
    X(LOG2, 0xa2, 4, 0, FRONTIER, 1125, DYNAMIC)                                                   \
    X(LOG3, 0xa3, 5, 0, FRONTIER, 1500, DYNAMIC)                                                   \
    X(LOG4, 0xa4, 6, 0, FRONTIER, 1875, DYNAMIC)                                                   \
    X(CREATE, 0xf0, 3, 1, FRONTIER, 32000, DYNAMIC)                                                \
    X(CALL, 0xf1, 7, 1, FRONTIER, 40, DYNAMIC)                                                     \
    X(CALLCODE, 0xf2, 7, 1, FRONTIER, 40, DYNAMIC)                                                 \
    X(RETURN, 0xf3, 2, 0, FRONTIER, 0, DYNAMIC)                                                    \
    X(DELEGATECALL, 0xf4, 6, 1, HOMESTEAD, 40, DYNAMIC)                                            \
    X(CREATE2, 0xf5, 4, 1, CONSTANTINOPLE, 32000, DYNAMIC)                                         \
    X(STATICCALL, 0xfa, 6, 1, BYZANTIUM, 40, DYNAMIC)                                              \
    X(REVERT, 0xfd, 2, 0, BYZANTIUM, 0, DYNAMIC)                                                   \
    X(INVALID, 0xfe, 0, 0, FRONTIER, 0, FIXED)                                                     \
    X(SELFDESTRUCT, 0xff, 1, 0, FRONTIER, 0, DYNAMIC)

// clang-format on

enum evm_opcode {
#define X(name, value, taken, left, fork, gas, kind) EVM_OP_##name = value,
    EVM_OPCODE_LIST(X)
#undef X
};

/* "ADD"; NULL when no fork has such an instruction. */
const char *evm_opcode_name(unsigned char op);
/* The fork that has brought it; of none that there is, the first. */
enum fork evm_opcode_fork(unsigned char op);

/* Whether a GAS before `next` only hands the gas on: the instruction there is a call, whose first operand it is. */
static inline bool evm_is_gas_for_call(const uint8_t *code, size_t code_size, size_t next)
{
    if (next >= code_size)
        return false;
    uint8_t op = code[next];
    return op == EVM_OP_CALL || op == EVM_OP_CALLCODE || op == EVM_OP_DELEGATECALL ||
           op == EVM_OP_STATICCALL;
}

#endif
