/*
 * Inside of chain. The tables beside those of state:
 *
 *     headers        number               hash (32), total difficulty (32), header's RLP
 *     bodies         number               transactions, uncles, (withdrawals): items without a list
 *     receipts       number               RLP [[type, status or root, cumulative gas, logs, (revert reason)], …]
 *     numbers        block hash           number (8, big endian)
 *     transactions   transaction hash     number (8), index (4), big endian
 *     snapshots      block hash           of an Istanbul engine or Clique, at checkpoints
 *     side           block hash           total difficulty (32), block's RLP: of other branches
 *     chain          name                 configuration, …
 *     private        number               what of its receipts only parties know
 *                                         (private/receipts.c)
 *     undo           number               what the block's state replaced (state/rewind.c), of the
 *                                         last CHAIN_UNDO_MAX blocks
 *
 * Only the canonical chain stands under numbers. The head is the last header; it and its state are
 * written in one commit, alone or with blocks before it (batch.c).
 */
#ifndef CHAIN_CHAIN_PRIV_H
#define CHAIN_CHAIN_PRIV_H

#include "base/buf.h"
#include "chain/block_priv.h"
#include "chain/chain.h"
#include "chain/config/genesis_priv.h"
#include "chain/logs_priv.h"
#include "chain/private/private.h"
#include "consensus/istanbul/snapshot.h"
#include "state/state.h"

#include <pthread.h>

struct clique_snapshot;

enum chain_table {
    CHAIN_HEADERS = STATE_TABLES,
    CHAIN_BODIES,
    CHAIN_RECEIPTS,
    CHAIN_NUMBERS,
    CHAIN_TRANSACTIONS,
    CHAIN_SNAPSHOTS,
    CHAIN_SIDE,
    CHAIN_INFO,
    CHAIN_UNDO,
    CHAIN_PRIVATE,
};

static_assert(CHAIN_PRIVATE + 1 == CHAIN_TABLES, "one entry for each table");

enum {
    CHAIN_FORMAT = 1,
    CHAIN_KEEP_STATES = 128, /* as GoQuorum's --gcmode full keeps in memory */
    /* Results that wait for their commit: the own candidate (empty and full) and the proposals of
     * some rounds. */
    CHAIN_RESULTS = 8,
    CHAIN_SNAPSHOT_CACHE = 64,
    CHAIN_AUTHOR_CACHE = 64,  /* blocks whose author is remembered */
    CHAIN_UNDO_MAX = 128,     /* blocks that can be taken back */
    CHAIN_HEADER_PREFIX = 64, /* before the RLP of a stored header */
    CHAIN_BATCH_BLOCKS = 256, /* of one commit; as many as one import of a peer's blocks */
};

/* The execution of one block, from its beginning until it is committed or dropped. */
struct chain_result {
    struct chain_reader reader;
    bool is_open; /* the reader is */
    bool agreed;  /* a block that is the network's already */
    struct state_reader state;
    struct state_view *view;
    struct state_update update;
    bool has_update;
    struct chain_private private;
    struct chain_environment environment;
    struct buf message, stored; /* receipts: as a list of messages, as stored */
    struct buf spans;           /* struct chain_span of each receipt in `message` */
    struct eth_bloom bloom;
    uint64_t gas_used;
    struct hash256 hash; /* of the block; zero: none yet */
    struct hash256 state_root, receipts_root;
    uint64_t last_use;
};

struct chain_span {
    size_t from, len;
};

/* A block that is written and not yet committed, and what its listener will be told. */
struct chain_pending {
    struct chain_block *block; /* held */
    struct u256 total_difficulty;
    struct chain_pool_account *changed;
    size_t changed_count;
    struct buf receipts; /* as chain_event has them */
};

/* What ends a batch, once reached. */
struct chain_batch_limits {
    size_t blocks;         /* CHAIN_BATCH_BLOCKS at most */
    size_t bytes;          /* of blocks and receipts */
    uint64_t gas;          /* which bounds the pages that were changed */
    uint64_t milliseconds; /* since its first block */
};

/*
 * Blocks of a run that share one durable commit (batch.c). Its transaction is open as soon as it has a block, and no
 * longer: what is executed next reads through it. Of the chain thread.
 */
struct chain_batch {
    struct store_txn *txn;
    struct err_detail detail; /* the transaction's */
    struct chain_pending blocks[CHAIN_BATCH_BLOCKS];
    size_t count, bytes;
    uint64_t gas, began_ms;
    struct chain_batch_limits limits;
};

struct chain_author_entry {
    struct hash256 hash; /* of the block; zero: none */
    struct address author;
};

struct chain {
    struct store *store;
    bool owns_store;
    struct state_db db;
    struct chain_config *config;
    const struct chain_engine_ops *engine;
    struct pool *pool;
    uint64_t (*clock)(void *context);
    void *clock_context;
    const struct exec_hooks *hooks;
    const struct chain_permission *permission;
    const struct chain_payloads *payloads;
    const struct chain_psis *psis;
    const struct chain_private_roots *private_roots;
    uint64_t keep_states;
    bool revert_reasons;
    struct chain_block *genesis;

    /* Of the chain thread. */
    struct exec *exec;
    struct chain_result *results[CHAIN_RESULTS];
    uint64_t uses;
    struct chain_batch batch;
    void (*on_head)(void *context, const struct chain_event *event);
    void *on_head_context;

    struct chain_sections sections; /* has a lock of its own */

    pthread_mutex_t lock; /* of what follows */
    struct chain_head head;
    struct istanbul_snapshot *snapshots[CHAIN_SNAPSHOT_CACHE];
    size_t next_snapshot;
    struct chain_author_entry authors[CHAIN_AUTHOR_CACHE]; /* by the hash's first byte */
    struct clique_snapshot *clique_snapshot;
};

static inline uint64_t chain_now(const struct chain *chain)
{
    return chain->clock(chain->clock_context);
}

/* --- Execution (run.c) --- */

/* Starts the block after the one that the store's head is, with this header. `author` NULL: by its
 * seal. On failure call chain_result_close. */
int chain_run_begin(struct chain *chain, struct chain_result *result,
                    const struct eth_header *header, const struct address *author,
                    struct err_detail *detail) BASE_NODISCARD;
/* One transaction, and its receipt. */
int chain_run_transaction(struct chain *chain, struct chain_result *result,
                          enum exec_verdict *ret_verdict, struct err_detail *why,
                          const struct eth_transaction *tx,
                          const struct address *sender) BASE_NODISCARD;
/* After the last: rewards, roots. */
int chain_run_end(struct chain *chain, struct chain_result *result, const struct eth_header *header,
                  struct err_detail *detail) BASE_NODISCARD;
/* Forgets what was executed; the memory stays for the next. */
void chain_result_close(struct chain_result *result);
void chain_result_free(struct chain_result *result);

/* A result that is free, or the one that was used longest ago. ERR_NOMEM. */
int chain_result_take(struct chain *chain, struct chain_result **ret_result) BASE_NODISCARD;
/* The one of that block; NULL: none is kept. */
struct chain_result *chain_result_find(struct chain *chain, const struct hash256 *hash);
void chain_results_drop(struct chain *chain);

/* Checks and executes the block after the head, and keeps the result (execute.c). */
int chain_execute_result(struct chain *chain, struct chain_result **ret_result,
                         enum chain_verdict *ret_verdict, struct err_detail *why,
                         struct chain_block *block, unsigned flags) BASE_NODISCARD;

/* --- Storage (commit.c) --- */

/* Writes a block and its result as the new head. */
int chain_write_block(struct chain *chain, struct store_txn *txn, const struct chain_block *block,
                      const struct u256 *total_difficulty, struct chain_result *result,
                      struct err_detail *detail) BASE_NODISCARD;
/* The snapshots of engines after the new block's parent, where they are kept. */
int chain_write_snapshots(struct chain *chain, struct store_txn *txn,
                          const struct chain_block *parent) BASE_NODISCARD;
/* Whether a block with this verdict may belong to another branch. */
bool chain_is_elsewhere(const struct chain *chain, enum chain_verdict verdict);
/* chain_commit of a block that must stand on the head; of one that does not, where the engine allows
 * branches (branch.c). No batch is open. */
int chain_commit_on_head(struct chain *chain, enum chain_verdict *ret_verdict,
                         struct err_detail *why, struct chain_block *block) BASE_NODISCARD;
int chain_commit_branch(struct chain *chain, enum chain_verdict *ret_verdict,
                        struct err_detail *why, struct chain_block *block) BASE_NODISCARD;
void chain_head_set(struct chain *chain, struct chain_block *block,
                    const struct u256 *total_difficulty);

/* --- Several blocks in one commit (batch.c) --- */

void chain_batch_init(struct chain_batch *batch);
/* The block that the next one stands on: the batch's last one, or the head. */
void chain_tip(struct chain *chain, struct chain_head *ret_tip);
/* A reader that shows the tip. With an open batch it reads through its transaction: spans are valid
 * until the next block is added. */
int chain_reader_open_tip(struct chain_reader *ret_reader, struct chain *chain) BASE_NODISCARD;
/* Writes an executed block behind the tip. A failure takes all of the batch away; the message names
 * its blocks. */
int chain_batch_add(struct chain *chain, struct chain_block *block, struct chain_result *result,
                    struct err_detail *why) BASE_NODISCARD;
bool chain_batch_is_full(const struct chain_batch *batch);
/* Makes its blocks durable, all or none, and tells the listener of each, in order. Nothing to do
 * when there are none. */
int chain_batch_commit(struct chain *chain, struct err_detail *why) BASE_NODISCARD;

int chain_put_config(struct store_txn *txn, const struct chain_config *config) BASE_NODISCARD;
int chain_info_get(struct store_txn *txn, struct bytes *ret_value, const char *name) BASE_NODISCARD;
/* Whether a verdict is for ever, and keeps the block for debug_getBadBlocks. */
bool chain_is_bad(enum chain_verdict verdict);
void chain_keep_bad(struct chain *chain, const struct chain_block *block);
int chain_info_put(struct store_txn *txn, const char *name, struct bytes value) BASE_NODISCARD;

static inline void chain_put_u64(uint8_t ret[8], uint64_t value)
{
    uint64_t be = __builtin_bswap64(value);
    memcpy(ret, &be, sizeof(be));
}

static inline uint64_t chain_get_u64(const uint8_t from[8])
{
    uint64_t be;
    memcpy(&be, from, sizeof(be));
    return __builtin_bswap64(be);
}

/* Receipts as they are stored (receipts.c): appends one, `with_reason` with what it reverted with; the rest is read by
 * chain_reader_receipts. */
void chain_receipt_store(struct buf *b, const struct eth_receipt *receipt, bool with_reason);
/* One, and all of a block; without their blooms, which take longer than the rest. */
int chain_receipt_read(struct eth_receipt *receipt, struct arena *arena,
                       struct rlp_reader *r) BASE_NODISCARD;
/* The one at `index`, and gas and logs of those before. ERR_NOTFOUND. */
int chain_receipt_load(struct eth_receipt *ret_receipt, uint64_t *ret_gas_before,
                       uint64_t *ret_logs_before, struct arena *arena, struct bytes stored,
                       uint64_t index, struct err_detail *detail) BASE_NODISCARD;
int chain_receipts_load(struct eth_receipt **ret_receipts, size_t *ret_count, struct arena *arena,
                        struct bytes stored, struct err_detail *detail) BASE_NODISCARD;

/* chain_reader_receipts without blooms. */
int chain_reader_plain_receipts(struct chain_reader *reader, struct eth_receipt **ret_receipts,
                                size_t *ret_count, struct arena *arena,
                                uint64_t number) BASE_NODISCARD;

/* Runs a message on the state after block `number` (call.c): no fees, no nonce. ret_output is in
 * `output`. */
int chain_call(struct chain_reader *reader, enum evm_status *ret_status, struct buf *output,
               uint64_t number, const struct address *to, struct bytes input,
               uint64_t gas) BASE_NODISCARD;

/* Clique's last snapshot, which the chain keeps; writes that of `block` at a checkpoint. */
void chain_clique_free(struct clique_snapshot *snapshot);
int chain_clique_store(struct chain *chain, struct store_txn *txn,
                       const struct chain_block *block) BASE_NODISCARD;

extern const struct chain_engine_ops chain_engine_istanbul, chain_engine_clique, chain_engine_fake;

#endif
