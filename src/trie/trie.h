/*
 * Merkle Patricia tries (Yellow Paper, appendix D) over a store, and in memory.
 *
 * Read this file, then docs/decisions/0003-trie-node-ids.md for how nodes are kept: each stored
 * node has a number that only grows and is never used twice, and refers to its children by their
 * hash (for the root) and by their number (to find them). Nodes never change, so every root that
 * was ever committed stays readable until it is pruned. node.h has the layout of a stored node,
 * update.c the algorithm that everything else stands on.
 *
 * A `struct trie` is a view of one trie at one root that takes changes in memory. It computes the
 * new root without writing anything; a commit appends the new nodes to the store. Use:
 *
 *     trie_init(&t, &arena, TRIE_PLAIN, txn, NODES, &old_root, &detail);
 *     trie_update(&t, items, n);             changed keys, sorted
 *     trie_hash(&t, &hash);                  compare with the header, build a proposal …
 *     trie_batch_begin(&batch, write_txn, NODES, STALE, block_number, &detail);
 *     trie_commit(&t, &new_root, &batch);    and other tries of the same block
 *     trie_batch_end(&batch);
 *     store_commit(write_txn);
 */
#ifndef TRIE_TRIE_H
#define TRIE_TRIE_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/error.h"
#include "base/types.h"
#include "store/store.h"

struct trie_node;

enum {
    /* Bytes. Consensus tries use 32 (hashes) and at most 9 (RLP of an index); the rest is room for
     * plain tries, as long as a count of half-bytes fits into a byte. It bounds the depth of
     * recursion: two levels a byte. */
    TRIE_KEY_MAX = 127,
};
#define TRIE_VALUE_MAX ((size_t)1 << 28) /* bytes; far above any transaction or receipt */

/* keccak256(RLP of the empty string), the root of an empty trie. */
extern const struct hash256 trie_empty_hash;

/* A committed root. Number 0 is the empty trie. */
struct trie_root {
    struct hash256 hash;
    uint64_t id;
};

static inline struct trie_root trie_empty_root(void)
{
    return (struct trie_root){trie_empty_hash, 0};
}

/* Where a node hangs: in a branch, or at the root. */
struct trie_slot {
    struct trie_node *node; /* in memory, or NULL */
    uint64_t id;            /* in the store, 0 = not (yet) */
    uint8_t ref_len;        /* 0 = none yet, below 32 = the node's RLP itself, 32 = its hash */
    uint8_t ref[32];
};

struct trie_ids {
    uint64_t *ids; /* in the trie's arena */
    size_t count, capacity;
};

enum trie_kind {
    TRIE_PLAIN,
    TRIE_SECURE, /* get, put, delete, link and prove replace the key by its Keccak-256 */
};

struct trie {
    struct arena *arena;
    struct store_txn *txn; /* NULL: a trie in memory only */
    unsigned nodes;        /* table of nodes */
    enum trie_kind kind;
    int status; /* 0, or the failure that made the trie unusable */
    struct err_detail *detail;
    struct trie_slot root;
    struct hash256 hash;   /* of the root, valid when root.ref_len is not 0 or the trie is empty */
    struct trie_ids stale; /* stored nodes that the changes replaced */
    struct trie_ids stale_below; /* the same with all that hangs below them */
};

/*
 * Views the trie at `root` (NULL = empty) in table `nodes` (with STORE_KEY_U64) as `txn` sees it;
 * nothing is read yet. Without a transaction the trie lives in memory only and starts empty. All
 * memory comes from `arena`, so there is nothing to release; the trie ends when the arena is
 * cleared. `detail` may be NULL, otherwise it lives as long and receives the message of a failure
 * that the trie finds; the store leaves its own with the transaction.
 */
void trie_init(struct trie *t, struct arena *arena, enum trie_kind kind, struct store_txn *txn,
               unsigned nodes, const struct trie_root *root, struct err_detail *detail);

/*
 * Failures of all that follows: ERR_NOMEM, ERR_CORRUPT (a stored node is damaged or missing, as
 * after pruning; the message has its number), ERR_LIMIT (key or value too long) and those of
 * store_get. After a failure (ERR_NOTFOUND is none) the trie refuses everything with the same code:
 * start again with trie_init.
 */

/*
 * The value of a key and, unless ret_link is NULL, its link. ERR_NOTFOUND. Borrowed: valid until
 * the next change of the trie, and as long as a value of store_get from its transaction.
 */
int trie_get(struct trie *t, struct bytes *ret_value, uint64_t *ret_link,
             struct bytes key) BASE_NODISCARD;

/*
 * A value with its link: a number that is stored beside the value but is no part of the hash. The
 * account trie keeps there the root number of the account's storage trie.
 */
struct trie_item {
    struct bytes key;
    struct bytes value; /* empty: the key is to be deleted */
    uint64_t link;      /* 0 = none */
};

/* Sets one value; an empty one deletes the key. The data is copied. */
int trie_put(struct trie *t, struct bytes key, struct bytes value, uint64_t link) BASE_NODISCARD;
/* Deletes a key; that it is absent is fine. */
int trie_delete(struct trie *t, struct bytes key) BASE_NODISCARD;

/*
 * Sets and deletes many values in one pass, reading and changing each node once. Keys ascend
 * strictly (a bug otherwise) and are taken as they are in either kind of trie: those of a secure
 * trie are hashes already. The data is copied.
 */
int trie_update(struct trie *t, const struct trie_item *items, size_t count) BASE_NODISCARD;

/* Sets the link of a key, whose value stays as it is. ERR_NOTFOUND. */
int trie_link(struct trie *t, struct bytes key, uint64_t link) BASE_NODISCARD;

/* Forgets the whole content in one step, however large. */
int trie_clear(struct trie *t) BASE_NODISCARD;

/* The root's hash. Hashes what changed since the last call, and nothing else. */
int trie_hash(struct trie *t, struct hash256 *ret_hash) BASE_NODISCARD;

/*
 * The writing of one version, usually a block: all its tries share the table of nodes.
 *
 * `stale` names a table with STORE_KEY_U64 that receives, under `version`, the numbers of the nodes
 * that the version replaced, for trie_prune; TRIE_NO_TABLE keeps no such record, which makes an
 * archive for good. Versions of a table with a record form one line: each trie of a version
 * descends from its state in the version before, nothing descends from an older one.
 */
#define TRIE_NO_TABLE UINT32_MAX

struct trie_batch {
    struct store_txn *txn;
    unsigned nodes, stale;
    uint64_t version;
    uint64_t first_id, next_id;
    struct arena arena; /* of the two lists */
    struct buf record;
    struct trie_ids replaced, dropped;
    struct err_detail *detail;
};

/* `txn` writes and outlives the batch, as does `detail` (may be NULL), which gets the message of every failure up to
 * trie_batch_end. ERR_CORRUPT, and those of the store; then there is nothing to release. */
int trie_batch_begin(struct trie_batch *batch, struct store_txn *txn, unsigned nodes,
                     unsigned stale, uint64_t version, struct err_detail *detail) BASE_NODISCARD;
/* Writes the record of replaced nodes and the counter, and releases the batch. */
int trie_batch_end(struct trie_batch *batch) BASE_NODISCARD;
/* Releases it without that; the store transaction is to be aborted. */
void trie_batch_release(struct trie_batch *batch);

/*
 * Appends the new nodes to the store. The trie stays usable at its new root (its nodes stay in
 * memory); to read nodes that others wrote since its transaction began it needs a new one, set in
 * `t->txn`. If the store transaction fails later, the trie is void: trie_init it again.
 */
int trie_commit(struct trie *t, struct trie_root *ret_root,
                struct trie_batch *batch) BASE_NODISCARD;

/*
 * Deletes the nodes that no root of version `keep_from` or later needs, and the records of them.
 * Stops at the end of a version once `max_nodes` nodes are deleted (0 = no limit), so that a large
 * backlog is worked off in small transactions: call again while *ret_more.
 */
int trie_prune(struct store_txn *txn, uint64_t *ret_deleted, bool *ret_more, unsigned nodes,
               unsigned stale, uint64_t keep_from, uint64_t max_nodes,
               struct err_detail *detail) BASE_NODISCARD;

/* Range iteration. Return 0 to go on, anything positive to stop, or a failure. Key and value are
 * valid during the call; the trie must not be changed in it. */
typedef int trie_visit_fn(void *context, struct bytes key, struct bytes value, uint64_t link);

enum trie_direction { TRIE_ASCENDING, TRIE_DESCENDING };

/* Calls `fn` for each entry from `from` (included) on, in the order of keys as they are in the
 * trie. Returns what stopped it, or 0 at the end. No node is kept in memory. */
int trie_walk(struct trie *t, struct bytes from, enum trie_direction direction, trie_visit_fn *fn,
              void *context) BASE_NODISCARD;

/*
 * Reads every node below the root from the store and compares its hash with what its parent says;
 * ret_nodes counts them. For checking a store, not for daily work. ERR_CORRUPT names the first bad
 * node. The trie has no uncommitted changes (a bug otherwise).
 */
int trie_check(struct trie *t, uint64_t *ret_nodes) BASE_NODISCARD;

/*
 * The RLP of the nodes from the root towards the key, for its value or its absence, as eth_getProof
 * wants them (EIP-1186): nodes shorter than 32 bytes stand within their parents; empty for an empty
 * trie. Nodes and array live in `arena`. Uncommitted changes count.
 */
struct trie_proof {
    struct bytes *nodes;
    size_t count;
};

/* ERR_LIMIT: a key longer than TRIE_KEY_MAX. ERR_CORRUPT, ERR_NOMEM, and those of the store. */
int trie_prove(struct trie *t, struct trie_proof *ret_proof, struct arena *arena,
               struct bytes key) BASE_NODISCARD;

/*
 * Nodes one by one, as peers ask for them: from a root's reference to those of its children, and so
 * on. A branch with a path is two nodes to them, an extension and, `behind` it, the branch.
 */
struct trie_ref {
    struct hash256 hash;
    uint64_t id;
    bool behind;
};

struct trie_peers_node {
    struct trie_ref children[16]; /* those known by a hash */
    size_t count;
    bool is_leaf;
    struct bytes value; /* of a leaf, in the trie's arena */
    uint64_t link;
};

/* Appends the RLP of a stored node. ERR_CORRUPT: pruned, damaged, or not what has this hash; the trie
 * refuses everything after it, as ever. */
int trie_peers_node(struct trie *t, struct buf *b, struct trie_peers_node *ret_node,
                    const struct trie_ref *ref) BASE_NODISCARD;

/* X(name, text): what a proof shows, or why it shows nothing. */
#define TRIE_VERDICT_LIST(X)                                                                       \
    X(TRIE_PRESENT, "the key has this value")                                                      \
    X(TRIE_ABSENT, "the key is not in the trie")                                                   \
    X(TRIE_PROOF_SHORT, "the proof ends before the key is decided")                                \
    X(TRIE_PROOF_SURPLUS, "the proof goes on after the key is decided")                            \
    X(TRIE_PROOF_WRONG_HASH, "a node does not have the hash that its parent, or the root, names")  \
    X(TRIE_PROOF_BAD_NODE, "a node is not the RLP of a trie node")

enum trie_verdict {
#define X(name, text) name,
    TRIE_VERDICT_LIST(X)
#undef X
};

const char *trie_verdict_text(enum trie_verdict verdict);

/*
 * Checks a proof against a root hash. The key is as in the trie (a secure one's is the hash).
 * ret_value, unless NULL, is set for TRIE_PRESENT and points into the proof. Any bytes may come in;
 * needs no memory. An empty proof shows absence under the hash of the empty trie.
 */
enum trie_verdict trie_verify(struct bytes *ret_value, const struct hash256 *root, struct bytes key,
                              const struct bytes *nodes, size_t count);

/*
 * Roots of what is there as a whole, without a trie. ERR_NOMEM, ERR_LIMIT (key or value too long).
 */
struct trie_pair {
    struct bytes key;
    struct bytes value; /* not empty */
};

/* Keys ascend strictly (a bug otherwise). */
int trie_root_of_pairs(struct hash256 *ret_hash, const struct trie_pair *pairs,
                       size_t count) BASE_NODISCARD;
/* The root of an ordered list: key = RLP of the index. Transactions, receipts, withdrawals. Items
 * are not empty. */
int trie_list_root(struct hash256 *ret_hash, const struct bytes *items,
                   size_t count) BASE_NODISCARD;

#endif
