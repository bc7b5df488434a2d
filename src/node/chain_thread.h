/*
 * The one thread that changes the chain, seen from the loop: jobs go to it in order, answers come back as callbacks,
 * and after each job that moved the head everybody is told of the new one, with all that they need, looked up there.
 *
 *     loop                                  chain's thread
 *     node_chain_build    ─────────────▸    chain_build
 *     node_chain_check    ─────────────▸    decode, take senders from the pool, recover the rest, chain_execute
 *     node_chain_commit   ─────────────▸    chain_commit
 *     node_chain_import   ─────────────▸    chain_import
 *     node_chain_change   ─────────────▸    what debug_setHead and admin_importChain do
 *     on_head, then the job's callback  ◂── (once a job)
 */
#ifndef NODE_CHAIN_THREAD_H
#define NODE_CHAIN_THREAD_H

#include "chain/chain.h"
#include "chain/pool/pool.h"
#include "consensus/istanbul/set.h"
#include "consensus/machine.h"
#include "io/worker.h"

struct node_chain;

/* The head, and what the next block depends on. Immutable; lives for the call it is given to, and node_chain_head's
 * until the next one. */
struct node_head {
    struct chain_block *block;
    struct u256 total_difficulty;
    /* Istanbul engines only. */
    bool istanbul;
    struct address author; /* zero for block 0 */
    struct istanbul_set validators;
    struct istanbul_params params; /* of the next block */
    /* Accounts whose nonce or balance may have changed since the head before; `all`: any may have. */
    struct chain_pool_account *changed;
    size_t changed_count;
    bool all;
    /* Blocks that are no longer part of the chain, highest first; held. */
    struct chain_block **removed;
    size_t removed_count;
    uint64_t blocks, transactions, gas; /* since the head before */
    uint64_t took_us;                   /* what that took the chain's thread */
    bool fresh; /* agreed on here, or a single block that came: the network should hear of it */
};

struct node_chain_options {
    struct io_loop *loop;
    struct chain *chain;
    struct pool *threads; /* for the recovery of senders; may be NULL */
    /* On the loop: the head has moved. */
    void (*on_head)(void *context, const struct node_head *head);
    /* On the chain's thread: blocks are no longer part of the chain; `event->before` shows them. May be NULL. */
    void (*on_removed)(void *context, const struct chain_event *event);
    void *context;
};

/* Makes the thread and looks the head up (without telling it). ERR_NOMEM, ERR_IO, what the chain returns. */
int node_chain_new(struct node_chain **ret_chain, const struct node_chain_options *options,
                   struct err_detail *detail) BASE_NODISCARD;
/* Waits for what is under way; callbacks still come, inside. From then on no job is taken (ERR_BUSY); the head may still
 * be looked at. NULL is fine. */
void node_chain_stop(struct node_chain *chain);
/* Stops, and frees. NULL is fine. */
void node_chain_free(struct node_chain *chain);

/* Senders are looked up there before they are recovered; given after _new, since the pool needs the head. NULL: none. */
void node_chain_set_pool(struct node_chain *chain, struct chain_pool *pool);
const struct node_head *node_chain_head(const struct node_chain *chain);
struct chain *node_chain_of(const struct node_chain *chain);

/* --- Jobs. ERR_NOMEM and ERR_BUSY: it is not queued, the callback does not come. --- */

struct node_built {
    int status; /* 0 or ERR_…; then the message */
    struct err_detail detail;
    struct chain_block *block; /* the callback's to release */
    struct buf rlp;            /* of the whole block; the callback may take it */
    uint64_t took_us;
    uint32_t transactions, offered;
};

struct node_build {
    struct chain_prepare prepare; /* `extra` is copied */
    uint64_t gas_floor, gas_ceil;
    /* By the loop's clock: no transaction is begun after that; but for so long from when the thread
     * comes to it. On a machine that is busy with full blocks it may come late, and an empty block
     * would only make more wait. */
    uint64_t stop_ms, least_ms;
    struct chain_pool_batch batch; /* taken over, released behind the job */
    uint16_t raft_id;              /* of a Raft minter */
    int (*sign)(void *context, const struct hash256 *digest, uint8_t ret_signature[65]);
    void *sign_context;
};

/* Builds a block on the head; its callback is on the loop. The batch is gone in any case. */
typedef void node_built_fn(void *context, struct node_built *built);
int node_chain_build(struct node_chain *chain, struct node_build *build, node_built_fn *fn,
                     void *context) BASE_NODISCARD;

struct node_checked {
    int status; /* 0 or ERR_… of this machine */
    enum chain_verdict verdict;
    struct err_detail why;
    struct chain_block *block; /* NULL when it cannot be decoded; the callback's to release */
    uint64_t took_us;
};

/* Checks a proposal, which is held until the callback. */
typedef void node_checked_fn(void *context, struct consensus_block *proposal,
                             struct node_checked *checked);
int node_chain_check(struct node_chain *chain, struct consensus_block *proposal,
                     node_checked_fn *fn, void *context) BASE_NODISCARD;

/* Commits `block` (held) with `extra` (copied) in its header, or as it is when there is none. */
typedef void node_committed_fn(void *context, struct chain_block *block,
                               struct node_checked *checked);
int node_chain_commit(struct node_chain *chain, struct chain_block *block, struct bytes extra,
                      node_committed_fn *fn, void *context) BASE_NODISCARD;

struct node_imported {
    int status;
    enum chain_verdict verdict;
    struct err_detail why;
    size_t count; /* blocks that are in the chain now */
};

/* Blocks that follow each other; the array is copied, the blocks are held. */
typedef void node_imported_fn(void *context, const struct node_imported *imported);
int node_chain_import(struct node_chain *chain, struct chain_block *const *blocks, size_t count,
                      node_imported_fn *fn, void *context) BASE_NODISCARD;

/* Anything else that changes the chain: `work` runs on the chain's thread. */
typedef void node_chain_work_fn(void *context, struct chain *chain);
int node_chain_change(struct node_chain *chain, node_chain_work_fn *work,
                      void *context) BASE_NODISCARD;

#endif
