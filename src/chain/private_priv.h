/* Inside of chain: the private side of execution, as run.c, commit.c and private_*.c share it. */
#ifndef CHAIN_PRIVATE_PRIV_H
#define CHAIN_PRIVATE_PRIV_H

#include "base/base64.h"
#include "chain/chain_priv.h"
#include "chain/private.h"

/* The instance of notes about private accounts. */
static inline struct state_instance chain_private_notes(void)
{
    return (struct state_instance){2};
}

/* Views of the running block, when something is private in it. */
int chain_private_open(struct chain_private *p) BASE_NODISCARD;
/* They let go of the store; the memory stays. */
void chain_private_close(struct chain_private *p);

/* A node without a manager. */
void chain_private_keep_out(struct chain_environment *env, const struct eth_transaction *tx,
                            struct exec_run *run);

/* The hooks of exec, called by the environment's. */
int chain_private_before(struct chain_private *p, const struct eth_transaction *tx,
                         struct exec_run *run, enum exec_verdict *verdict,
                         struct err_detail *why) BASE_NODISCARD;
int chain_private_view_of(struct chain_private *p, struct state_view **ret_view,
                          struct state_view *current, const struct address *address) BASE_NODISCARD;
int chain_private_entered(struct chain_private *p,
                          const struct evm_message *message) BASE_NODISCARD;
int chain_private_ran(struct chain_private *p, struct exec_run *run,
                      struct evm_result *outcome) BASE_NODISCARD;
/* What is at 0x7a (private_marker.c). */
int chain_private_marker(struct chain_private *p, const struct evm_message *message,
                         struct evm_result *result) BASE_NODISCARD;
/* Joins it to an environment's hooks (run.c). */
void chain_environment_set_private(struct chain_environment *env, struct chain_private *p);

int chain_private_metadata(struct chain_private *p, enum chain_metadata_status *ret_status,
                           struct chain_metadata *ret_metadata,
                           const struct address *address) BASE_NODISCARD;
int chain_private_note(struct chain_private *p, const struct address *address,
                       const struct chain_metadata *metadata) BASE_NODISCARD;

/* Does what the logs of a private transaction say about shared states (private_extension.c). Between transactions. */
int chain_private_extend(struct chain_private *p, const struct eth_receipt *receipt) BASE_NODISCARD;

/* Storage of receipts (private_receipts.c). */

/* Keeps what of a transaction only parties know, when there is something. */
int chain_private_keep(struct chain_private *p, uint32_t index,
                       const struct exec_result *outcome) BASE_NODISCARD;
int chain_private_write(struct store_txn *txn, const struct chain_private *p,
                        uint64_t number) BASE_NODISCARD;

#endif
