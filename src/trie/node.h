/*
 * Nodes, in memory and in the store. Private to the library.
 *
 * There are two kinds: a leaf, and a branch that carries its path with it. The extension of the
 * Yellow Paper is a branch with a path, so no rule about extensions exists outside of encode.c.
 * A branch has at least two of: children, a value.
 *
 * A stored node ("record") is:
 *
 *     head        1        bit 0: branch; bit 1: a value follows (always in a leaf); bit 2: a link
 *                          follows; bits 4-6: width of a number less 1; others 0
 *     path_len    1        half-bytes
 *     path        ...      two half-bytes a byte, the first one high; the last low one may be 0
 *     link        width    if bit 2
 *   branch only:
 *     mask        2        which of the 16 children there are
 *     embedded    2        which of them have an RLP below 32 bytes
 *     ids         width    of each child, all after one another: a reader finds the one it wants
 *     refs        ...      of each child: 32 bytes of hash, or a length and the RLP
 *   both:
 *     value       ...      the rest
 *
 * Integers are little endian. Every node has a record of its own, whatever the size of its RLP.
 * Number 0 holds no node but the next free number, 8 bytes.
 */
#ifndef TRIE_NODE_H
#define TRIE_NODE_H

#include "trie/trie.h"

enum {
    TRIE_PATH_MAX = 2 * TRIE_KEY_MAX,   /* half-bytes */
    TRIE_DEPTH_MAX = TRIE_PATH_MAX + 1, /* nodes from the root to a leaf */
    TRIE_REF_SIZE = 32,
    TRIE_COUNTER_ID = 0,
};

static_assert(TRIE_PATH_MAX <= UINT8_MAX, "a record keeps the length of a path in a byte");

enum trie_node_kind { TRIE_LEAF, TRIE_BRANCH };

struct trie_node {
    enum trie_node_kind kind;
    uint8_t path_len;
    uint8_t capacity;    /* of `slots` */
    uint16_t mask;       /* which children there are */
    const uint8_t *path; /* half-bytes, one a byte */
    struct bytes value;  /* of the key that ends here; empty = none (branch) */
    uint64_t link;
    struct trie_slot *slots; /* the children there are, in order */
    struct trie_slot *next;  /* while hashing: the next one of its level */
};

/* A record taken apart; points into it. */
struct trie_record {
    enum trie_node_kind kind;
    uint8_t path_len;
    uint8_t width;
    uint16_t mask, embedded;
    const uint8_t *path;
    const uint8_t *ids;
    const uint8_t *refs;
    struct bytes value;
    uint64_t link;
};

static inline unsigned trie_nibble(const uint8_t *packed, size_t index)
{
    return index & 1 ? packed[index / 2] & 15 : packed[index / 2] >> 4;
}

/* Half-bytes of a key, one a byte; returns how many. */
static inline size_t trie_unpack(uint8_t ret_nibbles[TRIE_PATH_MAX], struct bytes key)
{
    for (size_t i = 0; i < key.len; i++) {
        ret_nibbles[2 * i] = key.data[i] >> 4;
        ret_nibbles[2 * i + 1] = key.data[i] & 15;
    }
    return 2 * key.len;
}

static inline bool trie_slot_is_empty(const struct trie_slot *slot)
{
    return !slot->node && slot->id == 0;
}

/* How many children lie before child `nibble`: its index among the slots. */
static inline unsigned trie_rank(uint16_t mask, unsigned nibble)
{
    return (unsigned)__builtin_popcount(mask & ((1u << nibble) - 1));
}

static inline struct trie_slot *trie_child(const struct trie_node *n, unsigned nibble)
{
    return n->mask >> nibble & 1 ? &n->slots[trie_rank(n->mask, nibble)] : NULL;
}

/* Sets the status that all later calls return, and the message. */
int trie_fail(struct trie *t, int code, const char *format, ...) BASE_PRINTF(3, 4);

/* The record of a node, borrowed from the transaction. */
int trie_read_record(struct trie *t, struct trie_record *ret_record, uint64_t id) BASE_NODISCARD;
uint64_t trie_record_child_id(const struct trie_record *r, unsigned nibble);

/* Takes a record apart; false when it is damaged. */
bool trie_record_parse(struct trie_record *ret_record, struct bytes data);
/* Appends the record of a node whose children have numbers and references. */
void trie_record_write(struct buf *b, const struct trie_node *n);

/* NULL when out of memory. The path and the value are not copied. */
struct trie_node *trie_leaf_new(struct arena *arena, const uint8_t *path, size_t path_len,
                                struct bytes value, uint64_t link);
struct trie_node *trie_branch_new(struct arena *arena, const uint8_t *path, size_t path_len);

/* The node of a slot that is not empty: the one in memory, or read from the store into `arena`
 * (the slot is left as it is). */
int trie_read_node(struct trie *t, struct trie_node **ret_node, struct arena *arena,
                   const struct trie_slot *slot) BASE_NODISCARD;

/*
 * RLP of nodes (Yellow Paper, appendix D). The size of the leaf or branch alone, without the
 * extension that a branch with a path has around it; references of children must be known.
 */
size_t trie_rlp_size(const struct trie_node *n);
uint8_t *trie_rlp_put(uint8_t *at, const struct trie_node *n);

enum {
    TRIE_RLP_BRANCH_MAX = 3 + 16 * 33 + 1, /* of a branch without a value */
    TRIE_RLP_EXTENSION_MAX = 2 + 2 + (TRIE_KEY_MAX + 1) + 33,
};
/* The extension around a branch with this reference. Returns its size. */
size_t trie_rlp_extension(uint8_t ret_rlp[TRIE_RLP_EXTENSION_MAX], const uint8_t *path,
                          size_t path_len, const uint8_t *ref, size_t ref_len);

/* Computes the references of all nodes below (and in) the slot that have none. */
int trie_hash_slot(struct trie *t, struct trie_slot *slot) BASE_NODISCARD;
/* The reference of one node whose children have theirs. */
int trie_hash_node(struct trie *t, uint8_t ret_ref[TRIE_REF_SIZE], uint8_t *ret_ref_len,
                   struct arena *arena, const struct trie_node *n) BASE_NODISCARD;

/* Records that the stored node of a slot is replaced, if there is one. */
int trie_unstore(struct trie *t, struct trie_slot *slot) BASE_NODISCARD;
int trie_ids_add(struct trie_ids *ids, struct arena *arena, uint64_t id) BASE_NODISCARD;

/* Writes the record of a batch, behind that of an earlier batch of its version. */
int trie_stale_write(struct trie_batch *batch) BASE_NODISCARD;

/* Secure tries: hashes the key into `hash` and returns that. */
struct bytes trie_path_key(const struct trie *t, struct hash256 *hash, struct bytes key);

#endif
