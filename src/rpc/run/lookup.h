/* What methods look up before they answer: blocks, states, transactions, by what the client named. */
#ifndef RPC_RUN_LOOKUP_H
#define RPC_RUN_LOOKUP_H

#include "chain/chain.h"
#include "rpc/json/encode.h"
#include "rpc/method.h"

/* Opens a reader; failures become the call's error. Returns 0 or RPC_FAILED. To be closed when 0. */
int rpc_reader_open(struct rpc_call *call, struct chain_reader *ret_reader) BASE_NODISCARD;
/* The call's error for a failure of the chain: its message. */
int rpc_reader_fail(struct rpc_call *call, const struct chain_reader *reader, int status);

/* The number of a block, ERR_NOTFOUND when there is none; pending is the head. */
int rpc_find_block(struct chain_reader *reader, uint64_t *ret_number,
                   const struct rpc_block_id *block) BASE_NODISCARD;
/* The number of a block whose state is asked for, and that state; the call's error when there is none:
 * "header not found", … */
int rpc_open_state(struct rpc_call *call, struct chain_reader *reader,
                   struct state_reader *ret_state, uint64_t *ret_number,
                   const struct rpc_block_id *block) BASE_NODISCARD;

/* The blocks that were refused, CHAIN_BAD_MAX at most, each with a reference; the call's error. */
int rpc_bad_blocks(struct rpc_call *call, struct chain_block **ret_blocks,
                   size_t *ret_count) BASE_NODISCARD;

/* One transaction of a block, decoded in the call's arena, sender known. ERR_NOTFOUND: no such index. `raw`, unless
 * NULL, gets its encoding. */
int rpc_read_transaction(struct rpc_call *call, struct chain_reader *reader,
                         struct eth_transaction *ret_tx, uint64_t number,
                         uint64_t index) BASE_NODISCARD;
/* Its encoding alone. */
int rpc_read_raw_transaction(struct chain_reader *reader, struct bytes *ret_raw, uint64_t number,
                             uint64_t index) BASE_NODISCARD;

/* How the chain's transactions at a block are signed. */
struct eth_rules rpc_rules_at(const struct rpc_call *call, uint64_t number, uint64_t timestamp);

/* The gas that a call needs (eth_estimateGas). Writes nothing; 0, RPC_FAILED or ERR_*. On the worker. */
int rpc_estimate_gas(struct rpc_call *call, uint64_t *ret_gas, const struct rpc_transaction *args,
                     const struct rpc_block_id *block) BASE_NODISCARD;
/* What eth_gasPrice says. */
uint64_t rpc_suggested_price(const struct rpc_backend *backend);

/* The logs that this node alone sees of transactions before `index` of their block. */
uint64_t rpc_private_logs_before(const struct chain_private_receipts *receipts, uint64_t index);
/* Puts what this node alone knows of a receipt of `number` into it; *first_log counts private logs, too. */
int rpc_overlay_receipt(struct rpc_call *call, struct chain_reader *reader,
                        struct eth_receipt *receipt, uint64_t *first_log, uint64_t number,
                        uint64_t index) BASE_NODISCARD;
/* The account as this node sees it: its private state's when that has it, and *state is then that one. */
int rpc_prefer_private(struct rpc_call *call, struct chain_reader *reader,
                       struct state_reader *state, struct state_account *account, bool *exists,
                       uint64_t number, const struct address *address) BASE_NODISCARD;

/* The answer "null". */
int rpc_null(struct rpc_call *call);

#endif
