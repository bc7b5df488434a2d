#include "crypto/keccak.h"
#include "rlp/rlp.h"
#include "trie/node.h"

/* Adds a node that stands for itself in a proof: the root, and those known by their hash. */
static void add(struct trie_proof *proof, const uint8_t *rlp, size_t size, bool is_root)
{
    if (is_root || size >= TRIE_REF_SIZE)
        proof->nodes[proof->count++] = bytes_of(rlp, size);
}

/* The extension before a branch with a path and, if the key follows the path, the branch (or leaf)
 * itself. */
static int add_node(struct trie *t, struct trie_proof *proof, struct arena *arena,
                    const struct trie_node *n, bool is_root, bool follows)
{
    bool extended = n->kind == TRIE_BRANCH && n->path_len;
    size_t size = trie_rlp_size(n);
    uint8_t *rlp = arena_alloc(arena, size);
    uint8_t *extension = extended ? arena_alloc(arena, TRIE_RLP_EXTENSION_MAX) : rlp;
    if (!rlp || !extension)
        return trie_fail(t, ERR_NOMEM, "out of memory");
    trie_rlp_put(rlp, n);
    if (extended) {
        struct hash256 hash;
        bool is_short = size < TRIE_REF_SIZE;
        crypto_keccak256(&hash, bytes_of(rlp, size));
        size_t len = trie_rlp_extension(extension, n->path, n->path_len, is_short ? rlp : hash.b,
                                        is_short ? size : TRIE_REF_SIZE);
        add(proof, extension, len, is_root);
        is_root = false;
    }
    if (follows || !extended)
        add(proof, rlp, size, is_root);
    return ERR_OK;
}

int trie_prove(struct trie *t, struct trie_proof *ret_proof, struct arena *arena, struct bytes key)
{
    struct hash256 hash;
    uint8_t path[TRIE_PATH_MAX];
    struct trie_proof proof = {.count = 0};
    int status = trie_hash(t, &hash);
    key = trie_path_key(t, &hash, key);
    if (status == ERR_OK && key.len > TRIE_KEY_MAX)
        status = err_set(t->detail, ERR_LIMIT, "a trie key of %zu bytes is too long (most: %d)",
                         key.len, TRIE_KEY_MAX);
    if (status != ERR_OK)
        return status;
    size_t path_len = trie_unpack(path, key), depth = 0;
    /* at most an extension and a branch each half-byte, and the leaf */
    proof.nodes = arena_alloc(arena, (path_len + 2) * sizeof(*proof.nodes));
    if (!proof.nodes)
        return trie_fail(t, ERR_NOMEM, "out of memory");
    const struct trie_slot *slot = trie_slot_is_empty(&t->root) ? NULL : &t->root;
    while (slot) {
        struct trie_node *n;
        status = trie_read_node(t, &n, arena, slot);
        if (status != ERR_OK)
            return status;
        bool follows =
            path_len - depth >= n->path_len && memcmp(path + depth, n->path, n->path_len) == 0;
        status = add_node(t, &proof, arena, n, slot == &t->root, follows);
        if (status != ERR_OK)
            return status;
        depth += n->path_len;
        slot = follows && depth < path_len ? trie_child(n, path[depth++]) : NULL;
    }
    *ret_proof = proof;
    return ERR_OK;
}
