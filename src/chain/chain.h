/*
 * The chain: blocks, their execution and their state, kept in one store.
 *
 *     chain_open                 opens or makes the store, checks genesis, finds the head
 *     chain_reader_…             headers, bodies, receipts, transactions, states: from any thread
 *     chain_build, chain_execute the block after the head: made, or checked; results are kept
 *     chain_commit               one durable commit: the new head
 *     chain_import, chain_export many blocks, several to a durable commit
 *
 * Beside it: config/ (what a chain is: genesis, forks, transitions), pool/ (transactions that wait), engine/ (what each consensus
 * wants of headers), private/ (the private side of execution).
 *
 * Threads: what changes or executes (build, execute, commit, import, set_head, prune) is called by
 * one thread at a time. chain_head and the readers may be used by all at any time.
 */
#ifndef CHAIN_CHAIN_H
#define CHAIN_CHAIN_H

#include "chain/block.h"
#include "chain/config/config.h"
#include "chain/config/genesis.h"
#include "chain/engine/engine.h"
#include "chain/pool/pool.h"
#include "chain/private/private.h"
#include "consensus/istanbul/set.h"
#include "eth/receipt.h"
#include "exec/exec.h"
#include "state/db.h"
#include "store/store.h"

struct chain;
struct istanbul_set;
struct istanbul_snapshot;
struct clique_snapshot;

/* --- Life --- */

struct chain_options {
    const char *path;     /* folder of the store; NULL with `store` */
    struct store *store;  /* one that has chain_tables; borrowed; tests */
    enum store_sync sync; /* STORE_SYNC_COMMIT unless there is a reason */
    struct bytes genesis; /* the file's content; none: the store has one */
    bool archive;         /* keep every state; false: --gcmode full */
    bool revert_reasons;  /* keep with receipts what transactions reverted with */
    uint64_t keep_states; /* without archive: states of that many blocks; 0 = 128 */
    struct chain_overrides overrides;
    struct pool *pool;                /* for recovery; borrowed; NULL: none */
    uint64_t (*clock)(void *context); /* seconds of wall time; NULL: the system's */
    void *clock_context;
    /* Privacy and permissioning; NULL: a node without a transaction manager. */
    const struct exec_hooks *hooks;
    /* The transaction manager; borrowed. NULL: a node without one, which is party to nothing. */
    const struct chain_payloads *payloads;
};

/* What a store must have. */
enum { CHAIN_TABLES = STATE_TABLES + 10 };
extern const struct store_table chain_tables[CHAIN_TABLES];

/*
 * Opens the chain; with a genesis makes it, or checks that it is the same and may go on under the
 * new configuration, which then replaces the stored one. ERR_NOTFOUND (no chain and no genesis),
 * ERR_INPUT (bad or incompatible genesis, GoQuorum's message), ERR_CORRUPT, and those of
 * store_lmdb_new. `detail` names thing and remedy. A store made without `archive` and opened with it
 * keeps its states from then on; one made with it stays an archive.
 */
int chain_open(struct chain **ret_chain, const struct chain_options *options,
               struct err_detail *detail) BASE_NODISCARD;
/* NULL is fine. No reader may be open. */
void chain_free(struct chain *chain);

/* Permissioning by contracts: whether a transaction may stand in a block that is made or checked. */
struct chain_permission {
    void *context;
    /* On the thread that executes, between two transactions; `view` is the state before this one, and is as it was
     * afterwards. `agreed`: the block is the network's already; else one that is being made, or a proposal. Returns 0 or a
     * failure of this machine. */
    int (*allows)(void *context, bool *ret_allowed, bool agreed, const struct exec_block *block,
                  struct state_view *view, const struct eth_transaction *tx,
                  const struct address *sender);
};

/* Borrowed; NULL: all may, as at first. Before anything is executed. */
void chain_set_permission(struct chain *chain, const struct chain_permission *permission);

/* The tenants of the transaction manager, where the genesis file says isMPS: without them such a node executes nothing private.
 * Borrowed. Before anything is executed. */
void chain_set_psis(struct chain *chain, const struct chain_psis *psis);

/* What another node, which is trusted with private payloads (a QLight server), has for its private state after a block. */
struct chain_private_roots {
    void *context;
    /* On the thread that executes. False: it did not say. */
    bool (*find)(void *context, struct hash256 *ret_root, const struct hash256 *block);
};

/* A block after which the private state is another is refused (CHAIN_PRIVATE_STATE). Borrowed; NULL: none is, as at first. Before
 * anything is executed. */
void chain_set_private_roots(struct chain *chain, const struct chain_private_roots *roots);

const struct chain_config *chain_configuration(const struct chain *chain);
const struct chain_block *chain_genesis_of(const struct chain *chain); /* block 0 */
/* Whether states of all blocks are kept. */
bool chain_is_archive(const struct chain *chain);

/* --- Head --- */

/* A snapshot. `block` is held: chain_head_release. */
struct chain_head {
    struct chain_block *block;
    struct u256 total_difficulty;
};

void chain_head(struct chain *chain, struct chain_head *ret_head);
static inline void chain_head_release(struct chain_head *head)
{
    chain_block_unref(head->block);
}

/* What a commit did. All borrowed for the call. */
struct chain_event {
    struct chain_block *block; /* the new head; chain_block_ref to keep it */
    struct u256 total_difficulty;
    /* Its receipts, a list in the form of messages (eth_receipt_read). */
    struct bytes receipts;
    /* Accounts that the block changed, as they are now. */
    const struct chain_pool_account *changed;
    size_t changed_count;
    /* Blocks that are no longer part of the chain, highest first: a reorganisation. */
    struct chain_block *const *removed;
    size_t removed_count;
    struct chain_reader
        *before; /* what it was before that: their receipts; NULL: none is removed */
};

/* Called on the committing thread for each block, in order, once it is durable; blocks after it may be, too. `fn` NULL takes it
 * away. */
void chain_on_head(struct chain *chain, void (*fn)(void *context, const struct chain_event *event),
                   void *context);

/* --- Reading --- */

/* A snapshot of the store. Not for longer than a request: old pages stay in use. */
struct chain_reader {
    struct chain *chain;
    struct store_txn *txn;
    struct err_detail detail; /* the message of what fails */
    bool is_lent;             /* inside: the transaction is another's */
};

/* ERR_NOMEM, ERR_BUSY (too many readers), ERR_IO. Stays where it is (not to be copied). */
int chain_reader_open(struct chain_reader *ret_reader, struct chain *chain) BASE_NODISCARD;
void chain_reader_close(struct chain_reader *reader);

/* All give ERR_NOTFOUND for what is not there, ERR_CORRUPT, ERR_NOMEM, ERR_IO. Spans are valid
 * until the reader is closed. Only blocks of the canonical chain are found. */
int chain_reader_head(struct chain_reader *reader, uint64_t *ret_number,
                      struct hash256 *ret_hash) BASE_NODISCARD;
int chain_reader_hash(struct chain_reader *reader, struct hash256 *ret_hash,
                      uint64_t number) BASE_NODISCARD;
int chain_reader_number(struct chain_reader *reader, uint64_t *ret_number,
                        const struct hash256 *hash) BASE_NODISCARD;
/* The header's encoding; its body's, [transactions, uncles, (withdrawals)] without the list around.
 */
int chain_reader_header_rlp(struct chain_reader *reader, struct bytes *ret_rlp,
                            uint64_t number) BASE_NODISCARD;
int chain_reader_body_rlp(struct chain_reader *reader, struct bytes *ret_rlp,
                          uint64_t number) BASE_NODISCARD;
/* Appends its receipts as a list in the form of messages (eth_receipt_read): with their blooms, which
 * are not stored. */
int chain_reader_receipts_rlp(struct chain_reader *reader, struct buf *b,
                              uint64_t number) BASE_NODISCARD;
/* `extra` borrows the store. */
int chain_reader_header(struct chain_reader *reader, struct eth_header *ret_header,
                        uint64_t number) BASE_NODISCARD;
/* A block of its own; one reference is the caller's. */
int chain_reader_block(struct chain_reader *reader, struct chain_block **ret_block,
                       uint64_t number) BASE_NODISCARD;
/* Sum of difficulties up to the block. */
int chain_reader_total_difficulty(struct chain_reader *reader, struct u256 *ret_td,
                                  uint64_t number) BASE_NODISCARD;
/* Receipts decoded, in `arena`. */
int chain_reader_receipts(struct chain_reader *reader, struct eth_receipt **ret_receipts,
                          size_t *ret_count, struct arena *arena, uint64_t number) BASE_NODISCARD;
/* One of them, and what the ones before it used and logged; the others are not decoded. */
int chain_reader_receipt(struct chain_reader *reader, struct eth_receipt *ret_receipt,
                         uint64_t *ret_gas_before, uint64_t *ret_logs_before, struct arena *arena,
                         uint64_t number, uint64_t index) BASE_NODISCARD;
/* Where a transaction stands. */
int chain_reader_transaction(struct chain_reader *reader, uint64_t *ret_number, uint32_t *ret_index,
                             const struct hash256 *hash) BASE_NODISCARD;
/* The public state after block `number`. ERR_NOTFOUND: pruned, or no such block. */
int chain_reader_state(struct chain_reader *reader, struct state_reader *ret_state,
                       uint64_t number) BASE_NODISCARD;

enum { CHAIN_BAD_MAX = 10 }; /* badBlockToKeep (core/rawdb) */
/* The blocks that were refused by chain_commit and chain_import: the highest, highest first, 16 MiB at most, as they came;
 * whose senders are not known. The caller's to release. */
int chain_reader_bad_blocks(struct chain_reader *reader,
                            struct chain_block *ret_blocks[CHAIN_BAD_MAX],
                            size_t *ret_count) BASE_NODISCARD;

/* Who made a block (IBFT: by its seal). */
int chain_author(struct chain *chain, struct address *ret_author,
                 const struct eth_header *header) BASE_NODISCARD;

/* The validators that agree on block `number` + 1, in the set's order by bytes; their snapshot,
 * which is made if need be. Istanbul engines only (ERR_UNSUPPORTED). `ret_…` are initialised by
 * the call. */
int chain_validators_after(struct chain_reader *reader, struct istanbul_set *ret_set,
                           uint64_t number) BASE_NODISCARD;
int chain_snapshot(struct chain_reader *reader, struct istanbul_snapshot *ret_snapshot,
                   uint64_t number) BASE_NODISCARD;

/* --- Logs --- */

struct chain_log_filter {
    uint64_t from, to; /* blocks */
    struct bytes psi;  /* beside public logs those of this private state, where there are several */
    const struct address *addresses;
    size_t address_count; /* 0 = any */
    /* For each position the topics that fit; count 0 = any. */
    struct {
        const struct hash256 *topics;
        size_t count;
    } topics[ETH_TOPICS_MAX];
    size_t topic_count; /* positions; a log with fewer topics does not fit */
};

struct chain_log {
    const struct eth_log *log;
    uint64_t number;
    struct hash256 block_hash, transaction_hash;
    uint32_t transaction_index, index; /* index: of the log in its block */
};

/* Calls `found` for each log that fits, in order; it returns 0 to go on, anything else ends the
 * search and is returned. */
int chain_reader_logs(struct chain_reader *reader, const struct chain_log_filter *filter,
                      int (*found)(void *context, const struct chain_log *log),
                      void *context) BASE_NODISCARD;

/* --- The environment of transactions: blocks, calls and traces --- */

/*
 * What exec_begin_block wants for a block with this header: Quorum's rules around transactions are
 * in `hooks` (gas price rule, reward account, public side of private transactions, which the
 * options' hooks may take over). Stays where it is (not to be copied) as long as it is used.
 */
struct chain_environment {
    struct exec_block block;
    struct exec_hooks hooks;
    bool is_call; /* a simulation: prices are not looked at; false after init */

    /* Inside. */
    struct chain_reader *reader; /* for BLOCKHASH */
    const struct exec_hooks *inner;
    struct chain_private *private; /* NULL: nothing private is done or seen */
    struct chain_rules rules;
    struct address reward_account;
    bool has_reward_account;
};

/* `reader` outlives it and shows the blocks before the header's. ERR_INPUT: the header has no
 * author; ERR_NOMEM. */
int chain_environment_init(struct chain_environment *ret_environment, struct chain_reader *reader,
                           const struct eth_header *header) BASE_NODISCARD;
/* The same of a header whose hash is known: the author, whom to find in a seal takes longer than most calls, is
 * remembered by it. */
int chain_environment_init_known(struct chain_environment *ret_environment,
                                 struct chain_reader *reader, const struct eth_header *header,
                                 const struct hash256 *hash) BASE_NODISCARD;

/* --- The next block --- */

/* What became of a transaction that was offered to the builder. */
enum chain_offer {
    CHAIN_OFFER_TAKEN,
    CHAIN_OFFER_NO_ROOM, /* not enough gas or space is left; smaller ones may fit */
    CHAIN_OFFER_STALE,   /* nonce too low: the sender's next one may fit */
    CHAIN_OFFER_EARLY,   /* nonce too high: nor will the sender's next ones */
    CHAIN_OFFER_INVALID, /* cannot stand in this block; nor will the sender's next ones */
};

struct chain_build {
    struct chain_prepare prepare;
    uint64_t gas_floor, gas_ceil; /* --miner.gastarget, --miner.gaslimit; 0 = GoQuorum's defaults */
    size_t max_size;              /* bytes of all transactions; 0 = what a message can hold */
    uint32_t max_transactions;    /* 0 = any number */

    /* The next transaction, sender known; held by the builder if it is taken. NULL: no more. Called
     * on the building thread. `next` NULL: an empty block. */
    struct chain_tx *(*next)(void *context);
    /* What it is likely to give, in order: so that payloads of private ones are at hand. May be none. */
    struct chain_tx *const *likely;
    size_t likely_count;
    /* What became of it; `why` is NULL or says it. May be NULL. */
    void (*offered)(void *context, struct chain_tx *tx, enum chain_offer offer, const char *why);
    /* Whether to stop now (time is up, the head has moved). May be NULL. */
    bool (*stop)(void *context);
    void *context;

    uint16_t raft_id; /* of a Raft minter, for its seal; 0: none */
    /* Signs the digest with the node's key (V 0/1): IBFT's proposer seal, Clique's, Raft's. Returns 0
     * or an error. */
    int (*sign)(void *context, const struct hash256 *digest, uint8_t ret_signature[65]);
    void *sign_context;
};

/* Builds and seals the block after the head; its result is kept for chain_commit. ERR_… of the
 * machine, of `sign`, ERR_INPUT (configuration that forbids it: beneficiaryMode). */
int chain_build(struct chain *chain, struct chain_block **ret_block, const struct chain_build *in,
                struct err_detail *detail) BASE_NODISCARD;

/*
 * Checks the block after the head: header (flags of chain_check_flags), body, execution. Senders
 * that are missing are recovered here; call chain_block_recover before, on
 * another thread. The result is kept for chain_commit; a block whose result is kept is not executed
 * again.
 */
int chain_execute(struct chain *chain, enum chain_verdict *ret_verdict, struct err_detail *why,
                  struct chain_block *block, unsigned flags) BASE_NODISCARD;

/*
 * Makes the block the head: checks what has not been checked yet (seals, everything), executes
 * unless a result is kept under its hash, writes all in one durable commit, tells the listener. Not
 * executed twice, whatever seals it has. With an engine that is not final a block of another branch
 * is kept, and becomes the head when its total difficulty is greater, or as great in a shorter branch,
 * or in one as long whose last block has the smaller hash (CHAIN_VALID either way).
 */
int chain_commit(struct chain *chain, enum chain_verdict *ret_verdict, struct err_detail *why,
                 struct chain_block *block) BASE_NODISCARD;

/* --- Clique --- */

/* What Clique says of a signer and the block after another. */
struct chain_clique_turn {
    struct istanbul_set signers; /* the caller's to release */
    bool authorized;             /* it is one of them */
    bool recent;                 /* it must let others make blocks first */
    bool in_turn;
    uint64_t period;    /* seconds; 0: blocks are made for transactions only */
    uint64_t wiggle_ms; /* out of turn it waits for a random time below this, beyond the block's */
};

/* After block `number` of the chain. ERR_… with reader->detail; then nothing is to be released. */
int chain_clique_turn(struct chain_reader *reader, struct chain_clique_turn *ret_turn,
                      uint64_t number, const struct address *signer) BASE_NODISCARD;

/* The state of voting after block `number`. Initialised by the call; the caller's to release when 0. */
int chain_clique_snapshot(struct chain_reader *reader, struct clique_snapshot *ret_snapshot,
                          uint64_t number) BASE_NODISCARD;

/* --- Many blocks --- */

/*
 * Commits blocks that follow each other, in order, with senders recovered in advance on all cores;
 * blocks that are known are passed over. Stops at the first that is not valid: *ret_count is the
 * number of those before it, which are in the chain. Blocks share durable commits, up to some
 * hundreds of small ones (docs/decisions/0160); a failure of the store, or a crash, loses all of the commit that
 * was being made or none, and the head is the last of a commit. What has returned is durable.
 */
int chain_import(struct chain *chain, enum chain_verdict *ret_verdict, size_t *ret_count,
                 struct err_detail *why, struct chain_block *const *blocks,
                 size_t count) BASE_NODISCARD;

struct chain_progress {
    uint64_t blocks, transactions, gas, known; /* so far */
    uint64_t head;
};

/* A file as `geth export` writes it: RLP of blocks one after the other, compressed when the name
 * ends in .gz. `progress` (may be NULL) is called after each durable commit, of one block or several; returning false ends the
 * import.
 * ERR_INPUT: the message names file, block and cause. */
int chain_import_file(struct chain *chain, const char *path,
                      bool (*progress)(void *context, const struct chain_progress *progress),
                      void *context, struct err_detail *detail) BASE_NODISCARD;
/* Blocks first … last, as geth writes them; the reverse, byte for byte. */
int chain_export_file(struct chain *chain, const char *path, uint64_t first, uint64_t last,
                      bool append, struct err_detail *detail) BASE_NODISCARD;

/* Goes back to block `number`, durably. ERR_UNSUPPORTED: too far back (the message says how far). */
int chain_set_head(struct chain *chain, uint64_t number, struct err_detail *detail) BASE_NODISCARD;

#endif
