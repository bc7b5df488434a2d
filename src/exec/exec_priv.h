/* Inside of exec: what its files share. */
#ifndef EXEC_EXEC_PRIV_H
#define EXEC_EXEC_PRIV_H

#include "base/arena.h"
#include "base/buf.h"
#include "exec/exec.h"
#include "state/state.h"

enum {
    EXEC_VIEWS_MAX = 3,        /* the block's, the transaction's own, its notes */
    EXEC_DELEGATION_SIZE = 23, /* EIP-7702: ef0100 and an address */
};

/* What a frame needs when it ends. */
struct exec_frame {
    struct state_view *view; /* of the caller */
    size_t checkpoints[EXEC_VIEWS_MAX];
    struct hash256 code_hash;
};

/* The machine's host is this struct, too. */
struct exec {
    struct evm *evm;
    const struct exec_block *block;
    const struct exec_hooks *hooks; /* never NULL */
    uint64_t gas_used;              /* what receipts cumulate */
    uint64_t gas_taken;             /* of the block's gas limit; differs for private transactions */
    uint64_t blob_gas_used;
    struct evm_context context;
    struct arena arena; /* of the block: logs of receipts */
    struct buf output;  /* of precompiled contracts */

    /* The running message. */
    struct state_view *views[EXEC_VIEWS_MAX]; /* the block's; the transaction's when it has one */
    size_t view_count;
    struct state_view *own;  /* the transaction's: where nothing makes a message read-only */
    struct state_view *view; /* of the running frame */
    bool system_call;
    struct exec_frame frames[EVM_DEPTH_MAX + 1];
};

extern const struct evm_host_ops exec_host_ops;

/* What the transaction will pay at most, and what it has to have. */
struct exec_cost {
    struct u256 gas_price; /* effective */
    struct u256 prepaid;   /* taken before it runs */
    uint64_t blob_gas;
    struct eth_intrinsic_gas intrinsic;
};

/* Everything that makes a transaction invalid (check.c); nothing is changed. */
int exec_check(struct exec *x, enum exec_verdict *ret_verdict, struct exec_cost *ret_cost,
               struct err_detail *why, const struct eth_transaction *tx,
               const struct address *sender, unsigned flags) BASE_NODISCARD;

/* Sets the delegations of a transaction (authorization.c); ret_refund: the gas given back for
 * accounts that existed. */
int exec_authorize(struct exec *x, int64_t *ret_refund,
                   const struct eth_transaction *tx) BASE_NODISCARD;

/* Whether the code is a delegation, and to whom. */
bool exec_delegation(struct bytes code, struct address *ret_target);

/* The view an account lives in, as the running frame sees it. */
int exec_view_of(struct exec *x, struct state_view **ret_view,
                 const struct address *address) BASE_NODISCARD;

/* Starts and ends messages (frames.c). */
int exec_enter(void *host, struct evm_message *message, struct evm_entry *ret_entry);
int exec_leave(void *host, const struct evm_message *message, struct evm_result *result);

/* Whether it is a precompiled contract, of the machine or of a hook. */
bool exec_is_precompile(const struct exec *x, const struct address *address);

#endif
