/* Single nodes for peers, found by the numbers that their parents have for them. */
#include "crypto/keccak.h"
#include "trie/node.h"

/* The extension before a branch, which stays at the end of `b` with its size. */
static void put_extension(struct buf *b, struct trie_peers_node *ret, const struct trie_node *n,
                          const struct trie_ref *ref, size_t from)
{
    uint8_t extension[TRIE_RLP_EXTENSION_MAX];
    struct bytes branch = bytes_of(b->data + from, b->len - from);
    bool is_short = branch.len < TRIE_REF_SIZE;
    struct hash256 hash;
    crypto_keccak256(&hash, branch);
    size_t len =
        trie_rlp_extension(extension, n->path, n->path_len, is_short ? branch.data : hash.b,
                           is_short ? branch.len : TRIE_REF_SIZE);
    b->len = from;
    buf_append(b, extension, len);
    ret->count = is_short ? 0 : 1;
    ret->children[0] = (struct trie_ref){.hash = hash, .id = ref->id, .behind = true};
}

static void list_children(struct trie_peers_node *ret, const struct trie_node *n)
{
    unsigned count = (unsigned)__builtin_popcount(n->mask);
    for (unsigned i = 0; i < count; i++) {
        const struct trie_slot *slot = &n->slots[i];
        if (slot->ref_len != TRIE_REF_SIZE)
            continue; /* stands within this node */
        struct trie_ref *child = &ret->children[ret->count++];
        *child = (struct trie_ref){.id = slot->id};
        memcpy(child->hash.b, slot->ref, TRIE_REF_SIZE);
    }
}

int trie_peers_node(struct trie *t, struct buf *b, struct trie_peers_node *ret_node,
                    const struct trie_ref *ref)
{
    struct trie_slot slot = {.id = ref->id};
    struct trie_node *n;
    struct trie_peers_node found = {.count = 0};
    size_t from = b->len;
    int status = trie_read_node(t, &n, t->arena, &slot);
    if (status != ERR_OK)
        return status;
    uint8_t *at = buf_extend(b, trie_rlp_size(n));
    if (!at)
        return trie_fail(t, ERR_NOMEM, "out of memory");
    trie_rlp_put(at, n);
    bool extended = n->kind == TRIE_BRANCH && n->path_len && !ref->behind;
    if (extended)
        put_extension(b, &found, n, ref, from);
    else
        list_children(&found, n);
    found.is_leaf = n->kind == TRIE_LEAF;
    found.value = n->value;
    found.link = n->link;
    struct hash256 hash;
    if (buf_status(b) != ERR_OK)
        return trie_fail(t, ERR_NOMEM, "out of memory");
    crypto_keccak256(&hash, bytes_of(b->data + from, b->len - from));
    if (!hash256_equal(&hash, &ref->hash)) {
        b->len = from;
        return trie_fail(t, ERR_CORRUPT, "trie node %llu has another hash than its parent says",
                         (unsigned long long)ref->id);
    }
    *ret_node = found;
    return ERR_OK;
}
