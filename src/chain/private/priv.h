/* Inside of chain: the private side of execution, as run.c, commit.c and private/ share it. */
#ifndef CHAIN_PRIVATE_PRIV_H
#define CHAIN_PRIVATE_PRIV_H

#include "base/base64.h"
#include "chain/chain_priv.h"
#include "chain/private/private.h"

/* Instances of `state`: 1 is the only private state, or the tenant's of the name "private" where it was the only one
 * before; notes about the accounts of an instance are in the next one. */
enum { CHAIN_INSTANCE_PRIVATE = 1, CHAIN_INSTANCE_EMPTY = 3, CHAIN_INSTANCE_TENANTS = 5 };

static inline struct state_instance chain_private_instance(uint32_t number)
{
    return (struct state_instance){number};
}

/* The readers of the states before the running block, `number`; the views wait for a transaction that needs them. */
int chain_private_begin(struct chain_private *p, struct chain *chain, struct store_txn *txn,
                        uint64_t number) BASE_NODISCARD;
/* Views of the side in use, when something is private in the running block. */
int chain_private_open(struct chain_private *p) BASE_NODISCARD;
/* What is run next is run for this side. */
void chain_private_use(struct chain_private *p, struct chain_private_side *side);
/* They let go of the store; the memory stays. */
void chain_private_close(struct chain_private *p);

/* A node without a manager. */
void chain_private_keep_out(struct chain_environment *env, const struct eth_transaction *tx,
                            struct exec_run *run);

/* The hooks of exec, called by the environment's. */
int chain_private_before(struct chain_private *p, const struct eth_transaction *tx,
                         const struct address *sender, struct exec_run *run,
                         enum exec_verdict *verdict, struct err_detail *why) BASE_NODISCARD;
int chain_private_view_of(struct chain_private *p, struct state_view **ret_view,
                          struct state_view *current, const struct address *address) BASE_NODISCARD;
int chain_private_entered(struct chain_private *p,
                          const struct evm_message *message) BASE_NODISCARD;
int chain_private_ran(struct chain_private *p, struct exec_run *run,
                      struct evm_result *outcome) BASE_NODISCARD;
/* What is at 0x7a (marker.c). */
int chain_private_marker(struct chain_private *p, const struct evm_message *message,
                         struct evm_result *result) BASE_NODISCARD;
/* Whether executing the block may wait for the manager. */
bool chain_private_waits(const struct chain *chain, const struct chain_block *block);
/* Before a block: its transactions, or those that are offered to it. Failures are none: what is not expected is asked for in its turn. */
void chain_private_expect(const struct chain_private *p, size_t count,
                          const struct eth_transaction *(*at)(const void *list, size_t index),
                          const void *list);
/* The payload, as whoever looks may see it. */
int chain_private_receive(struct chain_private *p, struct chain_payload *ret_payload,
                          const struct chain_payload_hash *hash) BASE_NODISCARD;
/* Joins it to an environment's hooks (run.c). */
void chain_environment_set_private(struct chain_environment *env, struct chain_private *p);

/* The private state that a request is about, as it was at a block, and its notes (which may be NULL). */
int chain_private_open_at(struct chain_reader *reader, struct state_reader *ret_state,
                          struct state_reader *ret_notes, struct bytes psi,
                          uint64_t number) BASE_NODISCARD;

/* metadata.c */
int chain_private_metadata(struct chain_private *p, enum chain_metadata_status *ret_status,
                           struct chain_metadata *ret_metadata,
                           const struct address *address) BASE_NODISCARD;
int chain_private_note(struct chain_private *p, const struct address *address,
                       const struct chain_metadata *metadata) BASE_NODISCARD;

/* Does what the logs of a private transaction say about shared states (extension.c). Between transactions. */
int chain_private_extend(struct chain_private *p, const struct eth_receipt *receipt) BASE_NODISCARD;

/* Multiple private states (states.c). */

/* Runs a private transaction in each state that is to have it but "empty", where it is run as everybody does, afterwards. `gas_left`,
 * `gas_used`: of the block, before it. */
int chain_private_run_states(struct chain_private *p, enum exec_verdict *ret_verdict,
                             struct err_detail *why, const struct eth_transaction *tx,
                             const struct address *sender, uint64_t gas_left,
                             uint64_t gas_used) BASE_NODISCARD;
/* Finds which sides are party to the payload that p->received becomes. */
int chain_private_find_parties(struct chain_private *p,
                               const struct chain_payload_hash *hash) BASE_NODISCARD;
/* The side's state becomes its own, a copy of "empty"; its views are open. */
int chain_private_branch(struct chain_private *p, struct chain_private_side *side) BASE_NODISCARD;
int chain_private_load_states(struct chain_private *p, struct store_txn *txn,
                              uint64_t number) BASE_NODISCARD;
int chain_private_load_seed(struct chain_private *p, struct store_txn *txn,
                            uint64_t number) BASE_NODISCARD;
int chain_private_write_states(struct store_txn *txn, const struct chain_private *p) BASE_NODISCARD;
/* The records of a chain that had one private state: that one's, and the accounts for "empty" (upgrade.c). */
int chain_private_write_upgrade(struct store_txn *txn, struct bytes seed) BASE_NODISCARD;
/* Which instance a reader of the state at that block looks at. */
int chain_private_find_instance(struct chain_reader *reader, uint32_t *ret_instance,
                                struct bytes psi, uint64_t number) BASE_NODISCARD;

/* Storage of receipts (receipts.c). */

/* `psi`: whose it is; none where there is one state only. */
void chain_private_append(struct chain_private *p, uint32_t index, bool is_inner,
                          const struct eth_receipt *receipt, struct bytes psi);

/* Keeps what of a transaction only parties know, when there is something. */
int chain_private_keep(struct chain_private *p, uint32_t index,
                       const struct exec_result *outcome) BASE_NODISCARD;
int chain_private_write(struct store_txn *txn, const struct chain_private *p,
                        uint64_t number) BASE_NODISCARD;

#endif
