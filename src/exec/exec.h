/*
 * `exec` executes transactions: it joins the machine (evm) and the accounts (state) by the rules of
 * the protocol (Yellow Paper, section 6, and the EIPs of each fork).
 *
 * Read this file, then transition.c, the order of events in a transaction, and host.c, what the
 * machine sees of the accounts. system.h has what happens in a block outside of transactions,
 * trace_struct.h the log of each instruction.
 *
 *     exec_new(&x);
 *     exec_begin_block(x, &block, view, NULL);
 *     exec_transaction(x, &result, &why, &tx, &sender, 0);        again and again
 *     state_update_init(&u, view, …);                             see state/update.h
 */
#ifndef EXEC_EXEC_H
#define EXEC_EXEC_H

#include "base/error.h"
#include "base/fork.h"
#include "base/types.h"
#include "base/u256.h"
#include "eth/receipt.h"
#include "eth/transaction.h"
#include "evm/evm.h"
#include "state/view.h"

struct exec;

/*
 * Why a transaction cannot stand in a block. An outcome of the protocol: nothing has changed, and
 * a block that has it is invalid. The texts begin as geth's do. X(NAME, "text")
 */
#define EXEC_VERDICT_LIST(X)                                                                       \
    X(VALID, "valid")                                                                              \
    X(NONCE_TOO_HIGH, "nonce too high")                                                            \
    X(NONCE_TOO_LOW, "nonce too low")                                                              \
    X(NONCE_MAX, "nonce has max value")                                                            \
    X(GAS_LIMIT_TOO_HIGH, "transaction gas limit too high")                                        \
    X(SENDER_NOT_EOA, "sender not an eoa")                                                         \
    X(TIP_ABOVE_FEE_CAP, "max priority fee per gas higher than max fee per gas")                   \
    X(FEE_CAP_TOO_LOW, "max fee per gas less than block base fee")                                 \
    X(TYPE_NOT_SUPPORTED, "transaction type not supported")                                        \
    X(BLOB_CREATION, "blob transaction of type create")                                            \
    X(NO_BLOBS, "blob transaction missing blob hashes")                                            \
    X(TOO_MANY_BLOBS, "blob transaction has too many blobs")                                       \
    X(BLOB_VERSION, "blob has invalid hash version")                                               \
    X(BLOB_FEE_CAP_TOO_LOW, "max fee per blob gas less than block blob gas fee")                   \
    X(SET_CODE_CREATION, "EIP-7702 transaction cannot be used to create contract")                 \
    X(NO_AUTHORIZATIONS, "EIP-7702 transaction with empty auth list")                              \
    X(INITCODE_TOO_LARGE, "max initcode size exceeded")                                            \
    X(GAS_LIMIT_REACHED, "gas limit reached")                                                      \
    X(BLOB_GAS_LIMIT_REACHED, "blob gas limit reached")                                            \
    X(INSUFFICIENT_FUNDS, "insufficient funds for gas * price + value")                            \
    X(INTRINSIC_GAS, "intrinsic gas too low")                                                      \
    X(FLOOR_GAS, "insufficient gas for floor data gas cost")                                       \
    X(REFUSED, "refused") /* by a hook, which says why */

enum exec_verdict {
#define X(name, text) EXEC_##name,
    EXEC_VERDICT_LIST(X)
#undef X
};

const char *exec_verdict_text(enum exec_verdict verdict);

/* What transactions of a block see of it, and the rules that hold in it. */
struct exec_block {
    enum fork fork;
    uint64_t number;
    uint64_t timestamp;
    uint64_t gas_limit;
    struct address coinbase; /* COINBASE; gets the fees unless a hook says otherwise */
    struct u256 prev_randao; /* difficulty before Paris */
    struct u256 chain_id;
    struct u256 base_fee;      /* wei per gas; 0 before London */
    struct u256 blob_base_fee; /* wei per blob gas; 0 before Cancun */
    uint64_t max_blob_gas;     /* of all transactions together; 0 before Cancun */

    /* Bytes of a contract's code and of init code; 0 = the fork's own: 24576 from Spurious Dragon
     * on (EIP-170), 49152 from Shanghai on (EIP-3860). */
    size_t max_code_size, max_initcode_size;
    /* GoQuorum: a transfer of nothing leaves both accounts untouched. */
    bool skip_empty_transfers;
    /* Receipts before Byzantium have the state root after each transaction. It takes time; without
     * it their `post_state` is zero. */
    bool post_states;

    /* Hash of one of the 256 blocks before this one; NULL: of none (zero). */
    int (*block_hash)(void *context, uint64_t number, struct hash256 *ret_hash);
    void *block_hash_context;
};

/* How a transaction is going to run. exec fills it in; a hook may change it. */
struct exec_run {
    struct state_view *view;  /* accounts of the message; nonce and fees stay on the block's */
    struct state_view *notes; /* a further one that is rolled back with the message; NULL: none */
    struct bytes input;       /* call data or init code */
    bool nothing;             /* run no message at all; the outcome is success */
    bool intrinsic_only;      /* only intrinsic gas is paid, whatever the message uses */
    bool free;                /* nothing is paid */
    bool hide_gas;            /* receipt and block count 0 gas */
    bool keep_nonce;          /* of a creation without a message: nonce not counted */
    bool unsettled;           /* nothing comes back of what was prepaid, and nobody gets it */
    bool discard;             /* of the block's view nothing stays; `view` is another one */
    struct address fee_recipient;
};

struct exec_result;

/*
 * What privacy and permissioning put around a transaction. Every hook may be NULL, and so may the
 * struct; then it costs nothing. Functions that return int give 0 or a failure of this machine.
 */
struct exec_hooks {
    void *context;

    /* Before anything is charged. May refuse (*verdict = EXEC_REFUSED, reason in `why`) or change
     * the run: a private transaction gets its payload and the private view here. */
    int (*before)(void *context, const struct eth_transaction *tx, const struct address *sender,
                  struct exec_run *run, enum exec_verdict *verdict, struct err_detail *why);
    /* After the message, before fees and receipts. May take the message back (by checkpoints of
     * the run's views, taken in `before`), change its outcome, and say how it is settled. */
    int (*ran)(void *context, const struct eth_transaction *tx, struct exec_run *run,
               struct evm_result *outcome);
    /* A message is about to run code, an empty one included; a creation has its account. */
    int (*entered)(void *context, const struct evm_message *message);
    /* After a valid transaction, before its state is settled; the receipt is complete but for a
     * post state. */
    int (*after)(void *context, const struct eth_transaction *tx, const struct address *sender,
                 struct exec_result *result);

    /* With several states: in which the account lives, as seen by code that runs in `current`.
     * A message whose code lives in another state than the transaction's runs read-only. */
    int (*view_of)(void *context, struct state_view **ret_view, struct state_view *current,
                   const struct address *address);

    /* Further precompiled contracts: warm from the start, and asked before the machine's own. Calling
     * one with nothing leaves no trace. */
    const struct address *precompiles;
    size_t precompile_count;
    /* result->output stays valid until the next call. */
    int (*run_precompile)(void *context, const struct evm_message *message,
                          struct evm_result *result);
};

enum exec_flags {
    EXEC_SKIP_NONCE = 1 << 0,    /* do not compare the nonce (eth_call) */
    EXEC_SKIP_EOA = 1 << 1,      /* the sender may have code */
    EXEC_SKIP_BASE_FEE = 1 << 2, /* prices of 0 are fine under any base fee */
    EXEC_SKIP_GAS_CAP = 1 << 3,  /* not bound by EIP-7825's cap */
};

struct exec_result {
    enum exec_verdict verdict; /* anything but EXEC_VALID: the rest is not set */
    enum evm_status status;    /* how the message ended */
    uint64_t gas_used;         /* after refunds; what is paid */
    uint64_t gas_refunded;
    uint64_t blob_gas_used;
    struct u256 gas_price;      /* effective, wei */
    struct bytes output;        /* returned or reverted with; valid until the next execution */
    bool has_contract;          /* the transaction is a creation */
    struct address contract;    /* its address, whether it succeeded or not */
    struct eth_receipt receipt; /* valid until the next block begins or the view is reset */
    /* Of a message on another view than the block's: that one's outcome and logs. `receipt` is then
     * what everybody sees: success, without logs. */
    bool has_other_receipt;
    struct eth_receipt other_receipt;
};

/* ERR_NOMEM. */
int exec_new(struct exec **ret_exec) BASE_NODISCARD;
/* NULL is fine. */
void exec_free(struct exec *x);

/* The machine inside, to set a tracer or to choose the plain interpreter. */
struct evm *exec_machine(struct exec *x);

/* Starts a block: no gas used yet. All are borrowed until the next one begins; `hooks` may be NULL.
 */
void exec_begin_block(struct exec *x, const struct exec_block *block, struct state_view *view,
                      const struct exec_hooks *hooks);

/* Of the transactions so far; the first is what receipts cumulate. */
uint64_t exec_gas_used(const struct exec *x);
uint64_t exec_blob_gas_used(const struct exec *x);
/* Of the block's limit, for further transactions. */
uint64_t exec_gas_left(const struct exec *x);

/*
 * Executes one transaction. `sender` is who signed it, which the caller has found out; the
 * signature is not looked at. `flags` are of enum exec_flags. When it is not valid, ret_result->
 * verdict says why, `why` (unless NULL) in a sentence with the figures, and the view is as it was.
 *
 * Returns 0, or a failure of this machine: then nothing is known about the transaction, the view
 * has a part of it and is to be discarded, and a new block is to be begun.
 */
int exec_transaction(struct exec *x, struct exec_result *ret_result, struct err_detail *why,
                     const struct eth_transaction *tx, const struct address *sender,
                     unsigned flags) BASE_NODISCARD;

/*
 * Runs one message outside of any transaction, its sender being the origin: no validity, no
 * intrinsic gas, no fee. Sender, recipient and coinbase are warm. EVM_INSUFFICIENT_BALANCE when the
 * sender does not have the value. Then settles the state as after a transaction. For tools and
 * simulations. Fails as exec_transaction does.
 */
int exec_message(struct exec *x, struct evm_result *ret_result, const struct evm_message *message,
                 const struct u256 *gas_price) BASE_NODISCARD;

/* The same to ask a contract between transactions: whatever the message does is undone, and the view is as before. On a
 * failure it has a part of it and is to be discarded. */
int exec_ask(struct exec *x, struct evm_result *ret_result,
             const struct evm_message *message) BASE_NODISCARD;

#endif
