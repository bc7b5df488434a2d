/*
 * The transaction pool: what waits to get into a block.
 *
 * Who may come in, who must go, and what they are told follows GoQuorum (core/tx_pool.go), where it
 * does not make the pool collapse; rules.c has the rules of admission in their order, pool.c
 * the structure:
 *
 *     account ── tree of its transactions by nonce
 *                  nonce of the state ▸ n … n + pending - 1   executable ("pending")
 *                                       all above             waiting for a gap to close ("queued")
 *
 * An account's transactions are in one tree; which of them are executable is two numbers, so that a
 * demotion costs nothing. Accounts that can give a transaction to a block stand in a heap by price,
 * those that may lose one when there is no room in another: a new head costs time by what it
 * changed, a block by what it takes, an eviction O(log n), whatever else waits.
 *
 * What is kept is bounded, local transactions included, and its size known (chain_pool_stats). With
 * no room left a transaction is refused ("txpool is full") unless it pays more than another, or its
 * sender has fewer waiting than another's. chain_pool_pressure says how near that is, so that peers
 * and clients can be slowed down before.
 *
 * Signatures are recovered by the caller, in batches on another thread. All functions belong to one
 * thread (the loop's) but chain_pool_get and chain_pool_find, which any thread may call. The pool
 * has no clock: `now` is any monotonic time in milliseconds.
 */
#ifndef CHAIN_POOL_POOL_H
#define CHAIN_POOL_POOL_H

#include "base/error.h"
#include "base/types.h"
#include "base/u256.h"
#include "chain/tx.h"
#include "eth/transaction.h"

struct chain_pool;

/* What became of a transaction, with the texts that clients know. X(NAME, "text") */
#define CHAIN_POOL_STATUS_LIST(X)                                                                  \
    X(OK, "ok")                                                                                    \
    X(ALREADY_KNOWN, "already known")                                                              \
    X(TYPE_NOT_SUPPORTED, "transaction type not supported")                                        \
    X(TOO_LARGE, "oversized data")                                                                 \
    X(GAS_LIMIT, "exceeds block gas limit")                                                        \
    X(INVALID_SENDER, "invalid sender")                                                            \
    X(GAS_PRICE, "Gas price not 0")                                                                \
    X(ETHER_VALUE, "ether value is not supported for private transactions")                        \
    X(NOT_PERMITTED, "account does not have permission for the transaction")                       \
    X(UNDERPRICED, "transaction underpriced")                                                      \
    X(NONCE_TOO_LOW, "nonce too low")                                                              \
    X(INSUFFICIENT_FUNDS, "insufficient funds for gas * price + value")                            \
    X(INTRINSIC_GAS, "intrinsic gas too low")                                                      \
    X(REPLACE_UNDERPRICED, "replacement transaction underpriced")                                  \
    X(FULL, "txpool is full")                                                                      \
    /* From London, Shanghai, Prague and Osaka on, and a nonce that no block accepts. */           \
    X(NONCE_MAX, "nonce has max value")                                                            \
    X(PRIORITY_ABOVE_FEE, "max priority fee per gas higher than max fee per gas")                  \
    X(INITCODE_TOO_LARGE, "max initcode size exceeded")                                            \
    X(FLOOR_GAS, "insufficient gas for floor data gas cost")                                       \
    X(GAS_ABOVE_CAP, "transaction gas limit too high")                                             \
    X(MALFORMED, "transaction is malformed for its type")

enum chain_pool_status {
#define X(name, text) CHAIN_POOL_##name,
    CHAIN_POOL_STATUS_LIST(X)
#undef X
};

enum { CHAIN_POOL_STATUSES = CHAIN_POOL_MALFORMED + 1 };

const char *chain_pool_status_text(enum chain_pool_status status);

/* What holds for the transactions of the next block, as the head says. */
struct chain_pool_rules {
    struct eth_rules eth;   /* of the next block; max_size (bytes) as of the head, 0 = any */
    uint64_t gas_limit;     /* the head's */
    bool is_quorum;         /* ChainConfig.IsQuorum */
    bool gas_price_enabled; /* at the head; without is_quorum of no account */
    struct u256 base_fee;   /* of the next block, 0 before London */
};

struct chain_pool_account {
    struct address address;
    uint64_t nonce;
    struct u256 balance;
};

enum {
    /* GoQuorum counts a transaction as one per 32 KiB begun (txSlotSize). */
    CHAIN_POOL_SLOT = 32 * 1024,
};

struct chain_pool_options {
    uint64_t price_limit;         /* wei per gas that a remote transaction must offer */
    unsigned price_bump;          /* percent that a replacement must offer more */
    uint64_t account_slots;       /* executable ones that an account keeps whatever others do */
    uint64_t global_slots;        /* executable ones of all remote accounts */
    uint64_t account_queue;       /* waiting for a gap, of one remote account */
    uint64_t global_queue;        /* of all remote accounts */
    uint64_t lifetime;            /* ms that an idle account may wait for a gap to close */
    bool no_locals;               /* treat what clients send like what peers send */
    const struct address *locals; /* senders that are local from the start; copied */
    size_t local_count;

    /* The bound of everything, local transactions included: GoQuorum has none for those. */
    size_t max_transactions;
    size_t max_bytes;

    /* Nonce and balance of an account at the head; both 0 when there is none. Called for senders
     * that the pool has not seen lately. ERR_*. */
    int (*account)(void *context, const struct address *address,
                   struct chain_pool_account *ret_account);
    /* Whether the sender may do this (permissioning); NULL: all may. */
    bool (*permitted)(void *context, const struct chain_tx *tx);
    /* These can be executed now and could not before, each account's in order of nonce: for
     * gossip, filters and the miner. Called at the end of an add or head; must not call the
     * pool's changing functions. The array is valid during the call. May be NULL. */
    void (*executable)(void *context, struct chain_tx *const *txs, size_t count);
    void *context;
};

/* GoQuorum's defaults (DefaultTxPoolConfig), and 256 MiB in 262,144 transactions at most. */
void chain_pool_options_init(struct chain_pool_options *ret_options);

/* Options out of range are set right as GoQuorum does (sanitize): 0 becomes the default. `rules` as
 * in chain_pool_head. ERR_NOMEM. */
int chain_pool_new(struct chain_pool **ret_pool, const struct chain_pool_options *options,
                   const struct chain_pool_rules *rules) BASE_NODISCARD;
void chain_pool_free(struct chain_pool *pool);

/*
 * Adds transactions whose sender is recovered (INVALID_SENDER otherwise); the pool takes its own
 * references. `local`: a client of this node sent them, so that their senders are exempt from the
 * limits for remote ones and what they send is journalled. A batch is taken as a whole: its order
 * within an account does not matter. ret_statuses[i] is for txs[i]. On a failure of this machine
 * (ERR_NOMEM, or what `account` returned) the transactions that have not been added have the status
 * FULL.
 */
int chain_pool_add(struct chain_pool *pool, struct chain_tx *const *txs, size_t count, bool local,
                   uint64_t now, enum chain_pool_status *ret_statuses) BASE_NODISCARD;

/* A new head. */
struct chain_pool_head {
    struct chain_pool_rules rules;
    /* Every account whose nonce or balance is not what it was at the last head, with what it is
     * now; others may be among them. */
    const struct chain_pool_account *changed;
    size_t changed_count;
    bool forget; /* or: all may have changed, ask again (a head that went back, a jump) */
};

/* Drops what is done or can no longer be paid, promotes and demotes. What a reorganisation took
 * out of the chain is given back by chain_pool_add afterwards. ERR_*: the head counts all the
 * same, and what could not be looked up is dropped. */
int chain_pool_head(struct chain_pool *pool, const struct chain_pool_head *head,
                    uint64_t now) BASE_NODISCARD;

/* The remote accounts that were idle for `lifetime` lose what waits for a gap. Once a minute or
 * so. */
void chain_pool_expire(struct chain_pool *pool, uint64_t now);

/* miner_setGasPrice: the least price for remote transactions; drops what is below. Without
 * effect (false) when gas prices are not enabled. */
bool chain_pool_set_price_limit(struct chain_pool *pool, const struct u256 *price);

/* --- Looking --- */

/* Any thread: a reference of the caller's (chain_tx_unref), or NULL. */
struct chain_tx *chain_pool_get(struct chain_pool *pool, const struct hash256 *hash);
/* Any thread: the same for many; ret_txs[i] is NULL where there is none. Returns how many there
 * are. */
size_t chain_pool_find(struct chain_pool *pool, const struct hash256 *hashes, size_t count,
                       struct chain_tx **ret_txs);
bool chain_pool_has(const struct chain_pool *pool, const struct hash256 *hash);

enum chain_pool_place {
    CHAIN_POOL_UNKNOWN,
    CHAIN_POOL_QUEUED,
    CHAIN_POOL_PENDING,
};
enum chain_pool_place chain_pool_place(const struct chain_pool *pool, const struct hash256 *hash);

/* The next nonce of an account after all of its executable transactions (eth_getTransactionCount of
 * "pending"). ERR_*. */
int chain_pool_nonce(struct chain_pool *pool, const struct address *address,
                     uint64_t *ret_nonce) BASE_NODISCARD;
bool chain_pool_is_local(const struct chain_pool *pool, const struct address *address);

struct chain_pool_stats {
    size_t pending, queued; /* transactions */
    size_t local;           /* of them */
    size_t accounts;        /* with transactions */
    size_t bytes;           /* all memory of the pool and its transactions */
    size_t slots;           /* that they fill, of CHAIN_POOL_SLOT bytes */
    /* Since the start. */
    uint64_t evicted;                      /* lost their place to others or to age */
    uint64_t replaced;                     /* by one with the same nonce */
    uint64_t answers[CHAIN_POOL_STATUSES]; /* to those that were to be added */
};
void chain_pool_stats(const struct chain_pool *pool, struct chain_pool_stats *ret_stats);

/* How full the pool is, 0 … 1000, where 1000 means that the next remote transaction can come in
 * only in place of another. `local`: the same for a local one. Peers should be read slower, and
 * their transactions not be recovered at all, from CHAIN_POOL_PRESSURE_HIGH on. */
unsigned chain_pool_pressure(const struct chain_pool *pool, bool local);
enum { CHAIN_POOL_PRESSURE_HIGH = 950 };

/*
 * Walks the accounts that have transactions, in no order, each with its transactions in order of
 * nonce, of which the first `pending` are executable. For txpool_content and _inspect. `visit`
 * returns false to end. Borrowed during the call.
 */
typedef bool chain_pool_visit_fn(void *context, const struct address *sender,
                                 struct chain_tx *const *txs, size_t count, size_t pending);
int chain_pool_visit(struct chain_pool *pool, chain_pool_visit_fn *visit,
                     void *context) BASE_NODISCARD;
/* The same for one account. */
int chain_pool_visit_account(struct chain_pool *pool, const struct address *sender,
                             chain_pool_visit_fn *visit, void *context) BASE_NODISCARD;

/* --- Block building --- */

/*
 * The best executable transactions, in the order in which a block takes them: local senders first,
 * then by price, then by arrival; an account's always by nonce. They stay in the pool; the batch
 * keeps references, so that another thread can go through it.
 */
struct chain_pool_batch {
    struct chain_tx **txs;
    uint32_t *senders; /* of each, numbered from 0 within the batch */
    bool *skipped;     /* by number of sender */
    size_t count, at;
    uint32_t sender_count;
};

/* At most `max_count` transactions. Takes O(k log k) for k of them. ERR_NOMEM. */
int chain_pool_take(struct chain_pool *pool, size_t max_count,
                    struct chain_pool_batch *ret_batch) BASE_NODISCARD;
void chain_pool_batch_release(struct chain_pool_batch *batch);
/* The next one, borrowed until release; NULL at the end. */
struct chain_tx *chain_pool_batch_next(struct chain_pool_batch *batch);
/* The one that came last cannot be used now, nor what its sender has after it. */
void chain_pool_batch_skip_sender(struct chain_pool_batch *batch);

/* --- Journal of local transactions --- */

/*
 * A file as geth's `transactions.rlp`: the transactions as items, one after the other. At the start
 * the program reads it and adds what is in it, then opens it, which writes it anew with what the
 * pool has taken of it. From then on what local senders add is appended, at the end of each add,
 * without a sync. From time to time (`--txpool.rejournal`, or when it is due) it is written anew
 * with what still waits; that has three steps, so that the slow one can be on another thread:
 *
 *     loop     chain_pool_journal_begin
 *     worker   chain_pool_rotation_write
 *     loop     chain_pool_journal_end
 */
struct chain_pool_rotation;

/* Once. ERR_*; the message names the path; the pool goes on without a journal. */
int chain_pool_journal_open(struct chain_pool *pool, const char *path,
                            struct err_detail *detail) BASE_NODISCARD;
/* The first failure to append since the last call, 0 = none; the pool goes on. */
int chain_pool_journal_status(struct chain_pool *pool, struct err_detail *detail) BASE_NODISCARD;
/* Whether so much was appended that it should be written anew before its time, or an append has
 * failed. */
bool chain_pool_journal_due(const struct chain_pool *pool);
/* One at a time; only once the journal is open. ERR_NOMEM. */
int chain_pool_journal_begin(struct chain_pool *pool,
                             struct chain_pool_rotation **ret_rotation) BASE_NODISCARD;
/* Writes the new file beside the old one, and syncs it. */
int chain_pool_rotation_write(struct chain_pool_rotation *rotation,
                              struct err_detail *detail) BASE_NODISCARD;
/* Adds what came since, puts the new file in place of the old one, and frees the rotation. When
 * writing has failed, or was not done, the old file stays. */
int chain_pool_journal_end(struct chain_pool *pool, struct chain_pool_rotation *rotation,
                           struct err_detail *detail) BASE_NODISCARD;

/*
 * Reads a journal. A damaged or cut-off end (a crash) ends it like the end of the file, and is
 * told.
 *
 *     chain_pool_journal_reader_new(&r, path, is_quorum, now, &detail);
 *     while ((rc = chain_pool_journal_read(r, txs, 1024, &n, &detail)) == ERR_OK && n > 0)
 *         recover, chain_pool_add as local, unref
 *     chain_pool_journal_reader_free(r);
 */
struct chain_pool_journal_reader;
/* ERR_NOTFOUND without a file, which is no fault. */
int chain_pool_journal_reader_new(struct chain_pool_journal_reader **ret_reader, const char *path,
                                  bool is_quorum, uint64_t now,
                                  struct err_detail *detail) BASE_NODISCARD;
/* NULL is fine. */
void chain_pool_journal_reader_free(struct chain_pool_journal_reader *reader);
/*
 * The next transactions, at most `max`, references of the caller's; *ret_count 0 at the end. After
 * a sound part ERR_CORRUPT, once: the message has path, byte and cause, and nothing is lost by
 * opening the journal then. ERR_IO and ERR_NOMEM: there may be more in the file, which opening
 * would lose.
 */
int chain_pool_journal_read(struct chain_pool_journal_reader *reader, struct chain_tx **ret_txs,
                            size_t max, size_t *ret_count,
                            struct err_detail *detail) BASE_NODISCARD;
/* The same from memory, at most `max`: *ret_sound is the size of the part that was read.
 * ERR_INPUT at the first fault, with those before it delivered; ERR_UNSUPPORTED, ERR_NOMEM. */
int chain_pool_journal_decode(struct bytes content, bool is_quorum, struct chain_tx **ret_txs,
                              size_t max, size_t *ret_count, size_t *ret_sound,
                              struct err_detail *detail) BASE_NODISCARD;

#endif
