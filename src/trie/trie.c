#include "trie/trie.h"

#include "crypto/keccak.h"
#include "trie/node.h"

const struct hash256 trie_empty_hash = {{0x56, 0xe8, 0x1f, 0x17, 0x1b, 0xcc, 0x55, 0xa6,
                                         0xff, 0x83, 0x45, 0xe6, 0x92, 0xc0, 0xf8, 0x6e,
                                         0x5b, 0x48, 0xe0, 0x1b, 0x99, 0x6c, 0xad, 0xc0,
                                         0x01, 0x62, 0x2f, 0xb5, 0xe3, 0x63, 0xb4, 0x21}};

void trie_init(struct trie *t, struct arena *arena, enum trie_kind kind, struct store_txn *txn,
               unsigned nodes, const struct trie_root *root, struct err_detail *detail)
{
    *t = (struct trie){.arena = arena, .txn = txn, .nodes = nodes, .kind = kind, .detail = detail};
    t->hash = trie_empty_hash;
    if (!root || root->id == 0)
        return;
    assert(txn);
    t->hash = root->hash;
    t->root.id = root->id;
    t->root.ref_len = TRIE_REF_SIZE;
    memcpy(t->root.ref, root->hash.b, TRIE_REF_SIZE);
}

struct bytes trie_path_key(const struct trie *t, struct hash256 *hash, struct bytes key)
{
    if (t->kind == TRIE_PLAIN)
        return key;
    crypto_keccak256(hash, key);
    return bytes_of(hash->b, sizeof(hash->b));
}

/* Whether the key goes on along the path of a node; if so, depth is moved to its end. */
static bool follows(struct bytes key, size_t *depth, const uint8_t *path, size_t path_len,
                    bool packed)
{
    if (2 * key.len - *depth < path_len)
        return false;
    for (size_t i = 0; i < path_len; i++)
        if (trie_nibble(key.data, *depth + i) != (packed ? trie_nibble(path, i) : path[i]))
            return false;
    *depth += path_len;
    return true;
}

/* From a stored node on, nothing is copied into memory. */
static int get_stored(struct trie *t, struct bytes *ret_value, uint64_t *ret_link, uint64_t id,
                      struct bytes key, size_t depth)
{
    for (;;) {
        struct trie_record r;
        int status = trie_read_record(t, &r, id);
        if (status != ERR_OK)
            return status;
        if (!follows(key, &depth, r.path, r.path_len, true))
            return ERR_NOTFOUND;
        if (depth == 2 * key.len) {
            *ret_value = r.value;
            *ret_link = r.link;
            return r.value.len ? ERR_OK : ERR_NOTFOUND;
        }
        unsigned nibble = trie_nibble(key.data, depth++);
        if (!(r.mask >> nibble & 1))
            return ERR_NOTFOUND;
        id = trie_record_child_id(&r, nibble);
    }
}

int trie_get(struct trie *t, struct bytes *ret_value, uint64_t *ret_link, struct bytes key)
{
    struct hash256 hash;
    uint64_t link;
    size_t depth = 0;
    key = trie_path_key(t, &hash, key);
    if (t->status != ERR_OK)
        return t->status;
    if (!ret_link)
        ret_link = &link;
    const struct trie_slot *slot = &t->root;
    while (slot && slot->node) {
        const struct trie_node *n = slot->node;
        if (!follows(key, &depth, n->path, n->path_len, false))
            return ERR_NOTFOUND;
        if (depth == 2 * key.len) {
            if (n->value.len == 0)
                return ERR_NOTFOUND;
            *ret_value = n->value;
            *ret_link = n->link;
            return ERR_OK;
        }
        slot = trie_child(n, trie_nibble(key.data, depth++));
    }
    if (!slot || trie_slot_is_empty(slot))
        return ERR_NOTFOUND;
    return get_stored(t, ret_value, ret_link, slot->id, key, depth);
}

int trie_put(struct trie *t, struct bytes key, struct bytes value, uint64_t link)
{
    struct hash256 hash;
    struct trie_item item = {trie_path_key(t, &hash, key), value, link};
    return trie_update(t, &item, 1);
}

int trie_delete(struct trie *t, struct bytes key)
{
    return trie_put(t, key, bytes_none(), 0);
}

/* The links on the way down are replaced in the store, but keep their references: a link is no part
 * of them. */
int trie_link(struct trie *t, struct bytes key, uint64_t link)
{
    struct hash256 hash;
    struct bytes value;
    uint64_t old;
    size_t depth = 0;
    int status = trie_get(t, &value, &old, key);
    if (status != ERR_OK || old == link)
        return status;
    key = trie_path_key(t, &hash, key);
    for (struct trie_slot *slot = &t->root;;) {
        status = trie_read_node(t, &slot->node, t->arena, slot);
        if (status == ERR_OK)
            status = trie_unstore(t, slot);
        if (status != ERR_OK)
            return status;
        depth += slot->node->path_len;
        if (depth == 2 * key.len) {
            slot->node->link = link;
            return ERR_OK;
        }
        slot = trie_child(slot->node, trie_nibble(key.data, depth++));
    }
}

/* Nodes that are stored go with all below them; others are asked for their children. */
static int drop(struct trie *t, const struct trie_slot *slot)
{
    if (slot->id)
        return trie_ids_add(&t->stale_below, t->arena, slot->id);
    int status = ERR_OK;
    unsigned count = slot->node ? (unsigned)__builtin_popcount(slot->node->mask) : 0;
    for (unsigned i = 0; i < count && status == ERR_OK; i++)
        status = drop(t, &slot->node->slots[i]);
    return status;
}

int trie_clear(struct trie *t)
{
    if (t->status != ERR_OK)
        return t->status;
    if (drop(t, &t->root) != ERR_OK)
        return trie_fail(t, ERR_NOMEM, "out of memory");
    t->root = (struct trie_slot){0};
    return ERR_OK;
}

int trie_hash(struct trie *t, struct hash256 *ret_hash)
{
    if (t->status != ERR_OK)
        return t->status;
    if (trie_slot_is_empty(&t->root)) {
        t->hash = trie_empty_hash;
    } else if (t->root.ref_len == 0) {
        int status = trie_hash_slot(t, &t->root);
        if (status != ERR_OK)
            return status;
        if (t->root.ref_len == TRIE_REF_SIZE)
            memcpy(t->hash.b, t->root.ref, TRIE_REF_SIZE);
        else
            crypto_keccak256(&t->hash, bytes_of(t->root.ref, t->root.ref_len));
    }
    *ret_hash = t->hash;
    return ERR_OK;
}
