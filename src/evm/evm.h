/*
 * The Ethereum virtual machine: bytecode in, outcome out.
 *
 * The machine knows code, gas, stack and memory; accounts exist for it only behind `struct
 * evm_host_ops`. Public and private state, tracing and tests are different hosts, not different
 * machines.
 *
 * Calls between contracts do not recurse in C: the machine keeps its own stack of frames. For a new
 * frame it asks the host to `enter` (checkpoint, transfer, find the code), runs it, and tells the
 * host to `leave` (commit or roll back; at a creation, store the code).
 *
 * Read first: this header, then exec/host.c for a complete host.
 */
#ifndef EVM_EVM_H
#define EVM_EVM_H

#include "base/error.h"
#include "base/fork.h"
#include "base/types.h"
#include "base/u256.h"

enum {
    EVM_DEPTH_MAX = 1024, /* Yellow Paper 9.4: frames below the first */
    EVM_STACK_MAX = 1024, /* Yellow Paper 9.1: words on the stack */
    EVM_TOPICS_MAX = 4,
};

/*
 * Outcomes that the protocol defines. A failure of this machine is never one of these: functions
 * return it as a negative error (base/error.h), and then no outcome exists. The texts are geth's;
 * those from "invalid input length" on are of precompiled contracts. X(name, text)
 */
#define EVM_STATUS_LIST(X)                                                                         \
    X(EVM_SUCCESS, "success")                                                                      \
    X(EVM_REVERT, "execution reverted")                                                            \
    X(EVM_OUT_OF_GAS, "out of gas")                                                                \
    X(EVM_UNDEFINED_INSTRUCTION, "invalid opcode")                                                 \
    X(EVM_INVALID_INSTRUCTION, "invalid opcode: INVALID")                                          \
    X(EVM_STACK_UNDERFLOW, "stack underflow")                                                      \
    X(EVM_STACK_OVERFLOW, "stack limit reached 1024")                                              \
    X(EVM_BAD_JUMP_DESTINATION, "invalid jump destination")                                        \
    X(EVM_RETURN_DATA_OUT_OF_BOUNDS, "return data out of bounds")                                  \
    X(EVM_WRITE_PROTECTION, "write protection")                                                    \
    X(EVM_CALL_DEPTH_EXCEEDED, "max call depth exceeded")                                          \
    X(EVM_INSUFFICIENT_BALANCE, "insufficient balance for transfer")                               \
    X(EVM_NONCE_OVERFLOW, "nonce uint64 overflow")                                                 \
    X(EVM_ADDRESS_COLLISION, "contract address collision")                                         \
    X(EVM_CODE_STORE_OUT_OF_GAS, "contract creation code storage out of gas")                      \
    X(EVM_CODE_SIZE_EXCEEDED, "max code size exceeded")                                            \
    X(EVM_INITCODE_SIZE_EXCEEDED, "max initcode size exceeded")                                    \
    X(EVM_INVALID_CODE_PREFIX, "invalid code: must not begin with 0xef")                           \
    X(EVM_INVALID_INPUT_LENGTH, "invalid input length")                                            \
    X(EVM_INVALID_FINAL_FLAG, "invalid final flag")                                                \
    X(EVM_BAD_PAIRING_SIZE, "bad elliptic curve pairing size")                                     \
    X(EVM_COORDINATE_EXCEEDS_MODULUS, "bn256: coordinate exceeds modulus")                         \
    X(EVM_COORDINATE_EQUALS_MODULUS, "bn256: coordinate equals modulus")                           \
    X(EVM_MALFORMED_POINT, "bn256: malformed point")                                               \
    X(EVM_MISMATCHED_VERSION, "mismatched versioned hash")                                         \
    X(EVM_INVALID_KZG_PROOF, "error verifying kzg proof")                                          \
    X(EVM_PRECOMPILE_FAILURE, "precompiled contract failed")

enum evm_status {
#define X(name, text) name,
    EVM_STATUS_LIST(X)
#undef X
};

const char *evm_status_text(enum evm_status status);

enum evm_call_kind {
    EVM_CALL,
    EVM_CALLCODE,
    EVM_DELEGATECALL,
    EVM_STATICCALL,
    EVM_CREATE,
    EVM_CREATE2,
};

/* A call or creation, top level or nested. Spans live as long as the frame that makes the call. */
struct evm_message {
    enum evm_call_kind kind;
    bool is_static;        /* state must not change */
    uint32_t depth;        /* 0 for the transaction's own */
    int64_t gas;           /* gas handed over, >= 0 */
    struct address sender; /* CALLER */
    /* ADDRESS, whose storage is used; for creations set by the host in enter. */
    struct address recipient;
    /* Whose code runs; differs from recipient in CALLCODE and DELEGATECALL. */
    struct address code_address;
    struct u256 value;   /* CALLVALUE; transferred unless DELEGATECALL (or STATICCALL, then 0) */
    struct bytes input;  /* call data, or init code of a creation */
    struct hash256 salt; /* CREATE2 */
};

struct evm_result {
    enum evm_status status;
    int64_t gas_left;       /* 0 after any exceptional halt */
    int64_t gas_refund;     /* of this frame and the successful ones below it; 0 unless success */
    struct bytes output;    /* RETURN or REVERT data; owned by the machine, valid until its next
                               execution (top level) or next call of the frame (nested) */
    struct address created; /* set by the host at a successful creation */
};

/* What the host found for a message. */
struct evm_entry {
    enum { EVM_ENTER_RUN, EVM_ENTER_DONE } action;
    /* EVM_ENTER_RUN: run this code. `code` and `code_hash` stay valid until leave. `code_hash` may
     * be NULL (init code): then nothing about the code is cached. `message.recipient` must be
     * final. */
    struct bytes code;
    const struct hash256 *code_hash;
    /* EVM_ENTER_DONE: the outcome is here already (precompile, empty account, refused creation, an
     * EVMC host that ran the call); leave is not called. `result.output` stays valid until the next
     * enter. */
    struct evm_result result;
};

/* What a storage write does to the slot, from its original, current and new value (EIP-2200's
 * names; forks without net metering look only at zero or not zero of current and new). */
struct evm_storage_change {
    struct u256 original; /* at the start of the transaction */
    struct u256 current;  /* before this write */
};

/* The block and transaction as opcodes see them. */
struct evm_context {
    struct address origin;
    struct u256 gas_price; /* effective */
    struct address coinbase;
    uint64_t number;
    uint64_t timestamp;
    uint64_t gas_limit;
    struct u256 prev_randao; /* DIFFICULTY before Paris */
    struct u256 chain_id;
    struct u256 base_fee;
    struct u256 blob_base_fee;
    const struct hash256 *blob_hashes;
    size_t blob_hash_count;
};

/*
 * The accounts. Every function returns 0, or a negative error when this machine failed: the
 * execution then ends at once with that error and no outcome. Functions with `ret_cold` mark the
 * account or slot as accessed (EIP-2929) and say whether it was cold before; before Berlin they may
 * say anything.
 */
struct evm_host_ops {
    /* EIP-161 "not empty" from Spurious Dragon on, "exists" before: the host knows the fork. */
    int (*account_exists)(void *host, const struct address *a, bool *ret_exists);
    int (*access_account)(void *host, const struct address *a, bool *ret_cold);
    int (*get_balance)(void *host, const struct address *a, struct u256 *ret_balance);
    /* The account's code as EXTCODE* see it. Bytes stay valid until the next call of the host. */
    int (*get_code)(void *host, const struct address *a, struct bytes *ret_code);
    int (*get_code_size)(void *host, const struct address *a, size_t *ret_size);
    /* Zero for an account that does not exist (EIP-1052). */
    int (*get_code_hash)(void *host, const struct address *a, struct hash256 *ret_hash);
    /* EIP-7702: whether the account's code is a delegation, and to whom (for the gas of CALL*). */
    int (*get_delegation)(void *host, const struct address *a, bool *ret_delegated,
                          struct address *ret_target);
    int (*get_storage)(void *host, const struct address *a, const struct u256 *key,
                       struct u256 *ret_value, bool *ret_cold);
    /* Writes and tells what was there; gas is the machine's matter. */
    int (*set_storage)(void *host, const struct address *a, const struct u256 *key,
                       const struct u256 *value, struct evm_storage_change *ret_change,
                       bool *ret_cold);
    int (*get_transient)(void *host, const struct address *a, const struct u256 *key,
                         struct u256 *ret_value);
    int (*set_transient)(void *host, const struct address *a, const struct u256 *key,
                         const struct u256 *value);
    /* ret_first: not yet destroyed in this transaction (refund before London). */
    int (*selfdestruct)(void *host, const struct address *a, const struct address *beneficiary,
                        bool *ret_first);
    int (*emit_log)(void *host, const struct address *a, const struct hash256 *topics,
                    size_t topic_count, struct bytes data);
    /* Called only for the 256 blocks before the current one. */
    int (*get_block_hash)(void *host, uint64_t number, struct hash256 *ret_hash);

    /* Starts a nested or top-level message; may change message->recipient (creations), never its
     * gas. The machine has checked depth, the caller's balance (nested calls) and static rules, and
     * charged the caller. For creations the host increases the creator's nonce, before its
     * checkpoint. */
    int (*enter)(void *host, struct evm_message *message, struct evm_entry *ret_entry);
    /* Ends a message that ran (of a creation, message->input is empty by now): commits or rolls
     * back. For a successful creation the host checks and stores result->output as code, charging
     * result->gas_left, and may turn the result into a failure. */
    int (*leave)(void *host, const struct evm_message *message, struct evm_result *result);
};

/*
 * What a tracer may hook. With a tracer set, a separate plain interpreter runs, so tracing costs
 * nothing when it is off. Pointers are valid during the call only. Any hook may be NULL. A hook
 * that returns a negative error ends the execution with it.
 */
struct evm_step {
    uint64_t pc;
    uint8_t op;
    int64_t gas;      /* before the instruction */
    int64_t gas_cost; /* of the instruction, with what it passes to a callee */
    int64_t refund;
    uint32_t depth;           /* 1 for the top level, as EIP-3155 counts */
    const struct u256 *stack; /* bottom first */
    size_t stack_size;
    struct bytes memory;
    size_t memory_after; /* its size once the instruction has begun */
    struct bytes return_data;
    struct bytes code;
    const struct evm_message *message;
    /* SSTORE: what was there, since the host has the new value by now; NULL otherwise. */
    const struct evm_storage_change *change;
    enum evm_status status; /* a failure found before the instruction did anything (then the frame's
                               last step), else EVM_SUCCESS; later ones are in `leave` alone */
};

struct evm_tracer {
    void *context;
    int (*enter)(void *context, const struct evm_message *message, struct bytes code);
    int (*step)(void *context, const struct evm_step *step); /* once per instruction, cost known */
    int (*leave)(void *context, const struct evm_message *message, const struct evm_result *result);
};

/* A machine: frame stack, memory, analysis cache. One thread at a time; no re-entrance. */
struct evm;

/* ERR_NOMEM. */
int evm_new(struct evm **ret_evm) BASE_NODISCARD;
/* NULL is fine. */
void evm_free(struct evm *evm);
/* The tracer is borrowed until it is replaced; NULL ends tracing. */
void evm_set_tracer(struct evm *evm, const struct evm_tracer *tracer);
/*
 * From the monotonic time `deadline_ns` on, an execution ends with ERR_TIMEOUT; 0: never. It is looked at by instructions that
 * hash, copy, call or ask the host, not by plain arithmetic, which gas ends within a second. For simulations alone: the
 * outcome of a block must not hang on a clock.
 */
void evm_set_deadline(struct evm *evm, uint64_t deadline_ns);
/* Tests and tools: run on the plain interpreter, the twin of the fast one. */
void evm_set_plain(struct evm *evm, bool plain);

/* Runs a top-level message to its end (enter and leave of the host included). Returns 0 with the
 * outcome, or a negative error with no outcome: then the host's state is undefined and must be
 * discarded. */
int evm_execute(struct evm *evm, enum fork fork, const struct evm_context *context,
                const struct evm_host_ops *ops, void *host, const struct evm_message *message,
                struct evm_result *ret_result) BASE_NODISCARD;

/*
 * Whether the last execution could have gone another way with more gas, though its first frame ended in EVM_SUCCESS or
 * EVM_REVERT: it looked at the gas that was left for anything but to hand it on to a call (the next instruction), or a
 * call or creation inside failed. False: with more gas it does the same, and costs the same.
 */
bool evm_gas_mattered(const struct evm *evm);

#endif
