/* What methods that send share about private transactions. */
#ifndef RPC_METHODS_PRIVATE_H
#define RPC_METHODS_PRIVATE_H

#include "privacy/privacy.h"
#include "rpc/run/simulate.h"

/*
 * A transaction with privateFor, all else filled in, on the worker: RPC_FAILED, ERR_NOMEM.
 *
 *   prepare   checks it, as far as that can be done here, and simulates it
 *   deliver   gives the payload to the transaction manager, which distributes it, and puts the hash in its place
 *   send      both
 *   store     the manager only keeps the payload
 */
int rpc_private_prepare(struct rpc_call *call, struct rpc_transaction *args,
                        struct privacy_send *ret_payload) BASE_NODISCARD;
int rpc_private_deliver(struct rpc_call *call, struct rpc_transaction *args,
                        const struct privacy_send *payload) BASE_NODISCARD;
int rpc_private_send(struct rpc_call *call, struct rpc_transaction *args) BASE_NODISCARD;
int rpc_private_store(struct rpc_call *call, struct rpc_transaction *args) BASE_NODISCARD;

/* What a marker has in it: gives the signed private transaction, as JSON, to the transaction manager, which distributes
 * it. `newline`: the text ends with one, as the reference's does where the node makes the marker. On the worker. */
int rpc_private_distribute(struct rpc_call *call, struct chain_payload_hash *ret_hash,
                           const struct eth_transaction *tx, struct bytes from,
                           const struct privacy_keys *to, bool newline) BASE_NODISCARD;

/* eth_sendRawTransaction's halves (transaction.c): decoding on the worker, into call->state; the pool, on the loop. */
int rpc_raw_decode(struct rpc_call *call) BASE_NODISCARD;
int rpc_raw_submit(struct rpc_call *call) BASE_NODISCARD;

/* The call's error for a simulation whose message failed (call.c). */
int rpc_call_failed(struct rpc_simulation *s);
/* Runs what eth_call was asked for, up to its result, which may be a failure of the machine's. The call's error when it could not begin, or took too long. */
int rpc_call_once(struct rpc_simulation *s);
/* Writes what eth_call gives for a run that was valid; that error when it failed. */
int rpc_call_result(struct rpc_simulation *s);

/* What SendTxArgs.setDefaults says of `data` and `input` (methods_send.c). RPC_FAILED. */
int rpc_check_data(struct rpc_call *call, const struct rpc_transaction *args) BASE_NODISCARD;

/* Signs a filled transaction by the account `from`, which is unlocked, and gives it to the pool; the hash is appended. On the
 * loop (send.c). The call's arguments are no longer there afterwards. */
int rpc_send_as(struct rpc_call *call, struct rpc_transaction *tx) BASE_NODISCARD;

/* The rounds of a method whose `work` has made a private transaction (args[0].transaction, rpc_private_send done): `run`, and for a
 * marker `again_work` and `again_run`. */
int rpc_send_made(struct rpc_call *call) BASE_NODISCARD;
int rpc_send_made_again_work(struct rpc_call *call) BASE_NODISCARD;
int rpc_send_made_again_run(struct rpc_call *call) BASE_NODISCARD;

/* On a permissioned network: whether clients of this node may send for the account; the call's error when not. */
bool rpc_may_send_here(struct rpc_call *call, const struct address *sender);

#endif
