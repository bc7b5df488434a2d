/*
 * The transition tool: alloc, env and transactions in; result, alloc and body out, as geth's `evm t8n`.
 *
 *   t8n_input.c    reads the three files (or one object on standard input) into struct evmtool_t8n
 *   t8n_apply.c    executes the block
 *   t8n_result.c   gives the result as JSON
 *   t8n_command.c  options, files, traces
 */
#ifndef EVMTOOL_T8N_H
#define EVMTOOL_T8N_H

#include "eth/block.h"
#include "eth/config.h"
#include "evmtool/world.h"

/* One transaction of the input. */
struct evmtool_t8n_tx {
    struct eth_transaction tx;
    char rejected[128]; /* why it could not even be decoded, "" otherwise */
};

struct evmtool_ommer {
    uint64_t delta; /* how many blocks before this one it should have been */
    struct address address;
};

struct evmtool_block_hash {
    uint64_t number;
    struct hash256 hash;
};

struct evmtool_t8n_env {
    struct evmtool_env block;
    struct evmtool_ommer *ommers;
    size_t ommer_count;
    bool has_withdrawals;
    struct eth_withdrawal *withdrawals;
    size_t withdrawal_count;
    bool has_block_hashes;
    struct evmtool_block_hash *block_hashes;
    size_t block_hash_count;
};

struct evmtool_t8n {
    enum fork fork;
    struct u256 chain_id;
    bool has_reward; /* --state.reward of 0 or more */
    uint64_t reward; /* wei */
    struct evmtool_alloc alloc;
    struct evmtool_t8n_env env;
    struct evmtool_t8n_tx *txs;
    size_t tx_count;
};

/* A transaction that is not in the block. */
struct evmtool_rejected {
    size_t index; /* in the input */
    const char *reason;
};

/* A transaction that is. Everything lives in the arena given to evmtool_t8n_apply. */
struct evmtool_included {
    const struct eth_transaction *tx;
    struct hash256 hash;
    struct eth_receipt receipt;
    uint64_t gas_used;
    uint64_t blob_gas_used;
    bool has_contract;
    struct address contract;
};

enum { EVMTOOL_REQUEST_KINDS = 3 }; /* deposits, withdrawals, consolidations (EIP-7685) */

struct evmtool_t8n_result {
    struct evmtool_included *included;
    size_t included_count;
    struct evmtool_rejected *rejected;
    size_t rejected_count;
    uint64_t gas_used;
    uint64_t blob_gas_used;
    bool has_requests; /* from Prague on */
    struct bytes
        requests[EVMTOOL_REQUEST_KINDS]; /* with the kind before; those of length 1 are empty */
    struct hash256 state_root;
};

/* --- t8n_input.c: ERR_INPUT names the file and the field --- */

int evmtool_t8n_read_env(struct evmtool_t8n_env *ret_env, const json_t *object, struct arena *arena,
                         struct err_detail *detail) BASE_NODISCARD;
/* JSON transactions; unsigned ones with a "secretKey" are signed for `t->chain_id`. */
int evmtool_t8n_read_txs(struct evmtool_t8n *t, const json_t *list, struct arena *arena,
                         struct err_detail *detail) BASE_NODISCARD;
/* A block's list of transactions. One that is no transaction is kept as rejected. */
int evmtool_t8n_read_txs_rlp(struct evmtool_t8n *t, const char *hex, struct arena *arena,
                             struct err_detail *detail) BASE_NODISCARD;
/* What the fork needs of the env, worked out where it follows from the parent's values. */
int evmtool_t8n_complete_env(struct evmtool_t8n *t, struct err_detail *detail) BASE_NODISCARD;

/* --- t8n_apply.c --- */

/* Opens and closes the trace of one transaction (index among the included ones, as geth numbers). */
struct evmtool_t8n_tracing {
    int (*begin)(void *context, struct evmtool_world *world, size_t index,
                 const struct hash256 *hash, struct err_detail *detail);
    void (*end)(void *context, struct evmtool_world *world);
    void *context;
};

/* Executes the block in `world`, which is loaded first. `tracing` may be NULL. */
int evmtool_t8n_apply(struct evmtool_t8n_result *ret_result, struct evmtool_world *world,
                      const struct evmtool_t8n *t, const struct evmtool_t8n_tracing *tracing,
                      struct arena *arena, struct err_detail *detail) BASE_NODISCARD;

/* --- t8n_result.c --- */

/* NULL when out of memory. */
json_t *evmtool_t8n_result_json(const struct evmtool_t8n *t,
                                const struct evmtool_t8n_result *result,
                                const struct evmtool_world *world) BASE_NODISCARD;
/* RLP of the included transactions. */
void evmtool_t8n_body(struct buf *b, const struct evmtool_t8n_result *result);

#endif
