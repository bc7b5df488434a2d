/*
 * References of changed nodes, each computed once, the deepest level first: the nodes of one level
 * do not depend on each other, so their hashes are computed side by side.
 */
#include "crypto/keccak.h"
#include "trie/node.h"

enum { LANES = 64 };

/* Nodes of one level and kind that wait to be hashed. */
struct lanes {
    struct trie *t;
    size_t count;
    size_t used;
    struct trie_slot *slots[LANES];
    struct bytes rlp[LANES];
    struct hash256 hashes[LANES];
    uint8_t memory[LANES * TRIE_RLP_BRANCH_MAX];
};

/* Slots without a reference, by depth; leaves apart, since hashing together wants equal lengths. */
struct levels {
    size_t count;
    struct trie_slot *first[TRIE_DEPTH_MAX][2];
};

static void set_ref(struct trie_slot *slot, struct bytes rlp, const struct hash256 *hash)
{
    slot->ref_len = rlp.len < TRIE_REF_SIZE ? (uint8_t)rlp.len : TRIE_REF_SIZE;
    memcpy(slot->ref, rlp.len < TRIE_REF_SIZE ? rlp.data : hash->b, slot->ref_len);
}

/* Puts the extension around each branch with a path. */
static void hash_extensions(struct lanes *lanes)
{
    size_t count = 0;
    uint8_t *at = lanes->memory;
    static_assert(TRIE_RLP_EXTENSION_MAX <= TRIE_RLP_BRANCH_MAX, "all extensions fit");
    for (size_t i = 0; i < lanes->count; i++) {
        struct trie_slot *slot = lanes->slots[i];
        if (slot->node->kind == TRIE_LEAF || slot->node->path_len == 0)
            continue;
        size_t len = trie_rlp_extension(at, slot->node->path, slot->node->path_len, slot->ref,
                                        slot->ref_len);
        lanes->slots[count] = slot;
        lanes->rlp[count++] = bytes_of(at, len);
        at += len;
    }
    if (count)
        crypto_keccak256_many(lanes->hashes, lanes->rlp, count);
    for (size_t i = 0; i < count; i++)
        set_ref(lanes->slots[i], lanes->rlp[i], &lanes->hashes[i]);
}

static void flush(struct lanes *lanes)
{
    if (lanes->count)
        crypto_keccak256_many(lanes->hashes, lanes->rlp, lanes->count);
    for (size_t i = 0; i < lanes->count; i++)
        set_ref(lanes->slots[i], lanes->rlp[i], &lanes->hashes[i]);
    hash_extensions(lanes);
    lanes->count = lanes->used = 0;
}

/* A node with a value too large for the lanes, alone. */
static int hash_large(struct trie *t, struct trie_slot *slot)
{
    struct arena_mark mark = arena_mark(t->arena);
    int status = trie_hash_node(t, slot->ref, &slot->ref_len, t->arena, slot->node);
    arena_rewind(t->arena, mark);
    return status;
}

static int add(struct lanes *lanes, struct trie_slot *slot)
{
    size_t size = trie_rlp_size(slot->node);
    if (size > sizeof(lanes->memory))
        return hash_large(lanes->t, slot);
    if (lanes->count == LANES || size > sizeof(lanes->memory) - lanes->used)
        flush(lanes);
    uint8_t *at = lanes->memory + lanes->used;
    trie_rlp_put(at, slot->node);
    lanes->slots[lanes->count] = slot;
    lanes->rlp[lanes->count++] = bytes_of(at, size);
    lanes->used += size;
    return ERR_OK;
}

static void collect(struct levels *levels, struct trie_slot *slot, size_t depth)
{
    if (slot->ref_len)
        return;
    struct trie_node *n = slot->node;
    for (; levels->count <= depth; levels->count++)
        levels->first[levels->count][TRIE_LEAF] = levels->first[levels->count][TRIE_BRANCH] = NULL;
    unsigned count = (unsigned)__builtin_popcount(n->mask);
    for (unsigned i = 0; i < count; i++)
        collect(levels, &n->slots[i], depth + 1);
    n->next = levels->first[depth][n->kind];
    levels->first[depth][n->kind] = slot;
}

int trie_hash_slot(struct trie *t, struct trie_slot *slot)
{
    struct levels levels;
    struct lanes lanes;
    levels.count = 0;
    lanes.t = t;
    lanes.count = lanes.used = 0;
    collect(&levels, slot, 0);
    for (size_t depth = levels.count; depth-- > 0;) {
        for (int kind = TRIE_LEAF; kind <= TRIE_BRANCH; kind++) {
            for (struct trie_slot *s = levels.first[depth][kind]; s; s = s->node->next) {
                int status = add(&lanes, s);
                if (status != ERR_OK)
                    return status;
            }
        }
        flush(&lanes);
    }
    return ERR_OK;
}

int trie_hash_node(struct trie *t, uint8_t ret_ref[TRIE_REF_SIZE], uint8_t *ret_ref_len,
                   struct arena *arena, const struct trie_node *n)
{
    size_t size = trie_rlp_size(n);
    struct trie_slot slot = {0};
    struct hash256 hash;
    uint8_t *rlp = arena_alloc(arena, size);
    if (!rlp)
        return trie_fail(t, ERR_NOMEM, "out of memory");
    trie_rlp_put(rlp, n);
    crypto_keccak256(&hash, bytes_of(rlp, size));
    set_ref(&slot, bytes_of(rlp, size), &hash);
    if (n->kind == TRIE_BRANCH && n->path_len) {
        uint8_t extension[TRIE_RLP_EXTENSION_MAX];
        size = trie_rlp_extension(extension, n->path, n->path_len, slot.ref, slot.ref_len);
        crypto_keccak256(&hash, bytes_of(extension, size));
        set_ref(&slot, bytes_of(extension, size), &hash);
    }
    memcpy(ret_ref, slot.ref, slot.ref_len);
    *ret_ref_len = slot.ref_len;
    return ERR_OK;
}
