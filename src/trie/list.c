/*
 * Roots of pairs that are all there, from the definition (Yellow Paper, appendix D): no node is
 * kept, what remains of a subtree is its reference. The leaves of a branch are hashed side by side.
 */
#include "base/buf.h"
#include "crypto/keccak.h"
#include "rlp/rlp.h"
#include "trie/node.h"

struct builder {
    struct buf rlp; /* of the nodes that are being hashed */
};

struct ref {
    uint8_t len;
    uint8_t data[TRIE_REF_SIZE];
};

static unsigned nibble_of(const struct trie_pair *pair, size_t index)
{
    return trie_nibble(pair->key.data, index);
}

static void set_ref(struct ref *ret, struct bytes rlp, const struct hash256 *hash)
{
    ret->len = rlp.len < TRIE_REF_SIZE ? (uint8_t)rlp.len : TRIE_REF_SIZE;
    memcpy(ret->data, rlp.len < TRIE_REF_SIZE ? rlp.data : hash->b, ret->len);
}

static size_t common_prefix(const struct trie_pair *a, const struct trie_pair *b, size_t depth)
{
    size_t end = 2 * (a->key.len < b->key.len ? a->key.len : b->key.len), at = depth;
    while (at < end && nibble_of(a, at) == nibble_of(b, at))
        at++;
    return at - depth;
}

static size_t path_of(uint8_t ret_path[TRIE_PATH_MAX], const struct trie_pair *pair, size_t from,
                      size_t to)
{
    for (size_t i = from; i < to; i++)
        ret_path[i - from] = (uint8_t)nibble_of(pair, i);
    return to - from;
}

/* Appends the RLP of a leaf; returns its size, 0 when out of memory. */
static size_t append_leaf(struct builder *b, const struct trie_pair *pair, size_t depth)
{
    uint8_t path[TRIE_PATH_MAX];
    struct trie_node leaf = {.kind = TRIE_LEAF, .path = path, .value = pair->value};
    leaf.path_len = (uint8_t)path_of(path, pair, depth, 2 * pair->key.len);
    size_t size = trie_rlp_size(&leaf);
    uint8_t *at = buf_extend(&b->rlp, size);
    if (!at)
        return 0;
    trie_rlp_put(at, &leaf);
    return size;
}

/* Hashes leaves: their references into ret_refs. */
static int hash_leaves(struct builder *b, struct ref *const *ret_refs,
                       const struct trie_pair *const *pairs, size_t count, size_t depth)
{
    struct bytes rlp[16];
    struct hash256 hashes[16];
    size_t sizes[16], at = 0;
    buf_clear(&b->rlp);
    for (size_t i = 0; i < count; i++) {
        sizes[i] = append_leaf(b, pairs[i], depth);
        if (sizes[i] == 0)
            return ERR_NOMEM;
    }
    for (size_t i = 0; i < count; at += sizes[i++])
        rlp[i] = bytes_of(b->rlp.data + at, sizes[i]);
    crypto_keccak256_many(hashes, rlp, count);
    for (size_t i = 0; i < count; i++)
        set_ref(ret_refs[i], rlp[i], &hashes[i]);
    return ERR_OK;
}

/* The reference of a branch with these children, and of the extension before it. */
static int hash_branch(struct builder *b, struct ref *ret, const struct ref refs[16],
                       struct bytes value, const uint8_t *path, size_t path_len)
{
    struct trie_slot slots[16];
    struct trie_node branch = {.kind = TRIE_BRANCH, .value = value, .slots = slots};
    struct hash256 hash;
    for (unsigned nibble = 0, count = 0; nibble < 16; nibble++) {
        if (refs[nibble].len == 0)
            continue;
        branch.mask |= (uint16_t)(1u << nibble);
        slots[count].ref_len = refs[nibble].len;
        memcpy(slots[count++].ref, refs[nibble].data, refs[nibble].len);
    }
    buf_clear(&b->rlp);
    size_t size = trie_rlp_size(&branch);
    uint8_t *rlp = buf_extend(&b->rlp, size);
    if (!rlp)
        return ERR_NOMEM;
    trie_rlp_put(rlp, &branch);
    crypto_keccak256(&hash, bytes_of(rlp, size));
    set_ref(ret, bytes_of(rlp, size), &hash);
    if (path_len) {
        uint8_t extension[TRIE_RLP_EXTENSION_MAX];
        size = trie_rlp_extension(extension, path, path_len, ret->data, ret->len);
        crypto_keccak256(&hash, bytes_of(extension, size));
        set_ref(ret, bytes_of(extension, size), &hash);
    }
    return ERR_OK;
}

/* Two or more pairs that agree up to `depth`. */
static int hash_pairs(struct builder *b, struct ref *ret, const struct trie_pair *pairs,
                      size_t count, size_t depth)
{
    uint8_t path[TRIE_PATH_MAX];
    struct ref refs[16], *leaf_refs[16];
    const struct trie_pair *leaves[16];
    size_t leaf_count = 0, i = 0, end = depth + common_prefix(&pairs[0], &pairs[count - 1], depth);
    struct bytes value = bytes_none();
    for (size_t nibble = 0; nibble < 16; nibble++)
        refs[nibble].len = 0;
    if (2 * pairs[0].key.len == end)
        value = pairs[i++].value;
    while (i < count) {
        size_t first = i++;
        unsigned nibble = nibble_of(&pairs[first], end);
        while (i < count && nibble_of(&pairs[i], end) == nibble)
            i++;
        int status = ERR_OK;
        if (i - first == 1) {
            leaves[leaf_count] = &pairs[first];
            leaf_refs[leaf_count++] = &refs[nibble];
        } else {
            status = hash_pairs(b, &refs[nibble], &pairs[first], i - first, end + 1);
        }
        if (status != ERR_OK)
            return status;
    }
    int status = hash_leaves(b, leaf_refs, leaves, leaf_count, end + 1);
    size_t path_len = path_of(path, &pairs[0], depth, end);
    return status == ERR_OK ? hash_branch(b, ret, refs, value, path, path_len) : status;
}

static int check_pairs(const struct trie_pair *pairs, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        assert(pairs[i].value.len);
        assert(i == 0 || bytes_compare(pairs[i - 1].key, pairs[i].key) < 0);
        if (pairs[i].key.len > TRIE_KEY_MAX || pairs[i].value.len > TRIE_VALUE_MAX)
            return ERR_LIMIT;
    }
    return ERR_OK;
}

int trie_root_of_pairs(struct hash256 *ret_hash, const struct trie_pair *pairs, size_t count)
{
    struct builder b = {.rlp = BUF_INIT};
    struct ref ref = {0}, *refs[] = {&ref};
    int status = check_pairs(pairs, count);
    if (status == ERR_OK && count == 1)
        status = hash_leaves(&b, refs, &pairs, 1, 0);
    else if (status == ERR_OK && count > 1)
        status = hash_pairs(&b, &ref, pairs, count, 0);
    buf_release(&b.rlp);
    if (status != ERR_OK)
        return status;
    if (count == 0)
        *ret_hash = trie_empty_hash;
    else if (ref.len == TRIE_REF_SIZE)
        memcpy(ret_hash->b, ref.data, TRIE_REF_SIZE);
    else
        crypto_keccak256(ret_hash, bytes_of(ref.data, ref.len));
    return ERR_OK;
}

/* RLP orders the indices 1 … 0x7f (a byte that is itself), 0 (0x80), 0x80 and so on. */
static size_t index_at(size_t position, size_t count)
{
    size_t singles = count < 0x80 ? count : 0x80;
    return position >= singles ? position : position + 1 == singles ? 0 : position + 1;
}

int trie_list_root(struct hash256 *ret_hash, const struct bytes *items, size_t count)
{
    enum { KEY_SIZE = 9 };
    struct arena arena;
    arena_init(&arena);
    struct trie_pair *pairs = arena_alloc(&arena, count * sizeof(*pairs));
    uint8_t *keys = arena_alloc(&arena, count * KEY_SIZE);
    int status = pairs && keys ? ERR_OK : ERR_NOMEM;
    for (size_t i = 0; i < count && status == ERR_OK; i++) {
        size_t index = index_at(i, count);
        const uint8_t *end = rlp_put_u64(keys, index);
        pairs[i] = (struct trie_pair){bytes_of(keys, (size_t)(end - keys)), items[index]};
        keys += KEY_SIZE;
    }
    if (status == ERR_OK)
        status = trie_root_of_pairs(ret_hash, pairs, count);
    arena_release(&arena);
    return status;
}
