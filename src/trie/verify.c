/* Checking a proof: shares nothing with the rest of the library but the definition of a trie. */
#include "crypto/keccak.h"
#include "rlp/rlp.h"
#include "trie/trie.h"

enum { BRANCH_ITEMS = 17, SHORT_ITEMS = 2, HASH_SIZE = 32 };

/* A search that has come as far as `depth` half-bytes of the key. */
struct search {
    struct bytes key;
    size_t depth;
    struct bytes found;  /* the value, when present */
    struct bytes wanted; /* the next node: its hash, or itself when shorter */
};

enum step { PRESENT, ABSENT, GO_ON, BAD };

const char *trie_verdict_text(enum trie_verdict verdict)
{
    switch (verdict) {
#define X(name, text)                                                                              \
    case name:                                                                                     \
        return text;
        TRIE_VERDICT_LIST(X)
#undef X
    }
    return "unknown";
}

static unsigned nibble_at(struct bytes packed, size_t index)
{
    return index & 1 ? packed.data[index / 2] & 15 : packed.data[index / 2] >> 4;
}

static bool is_list(struct bytes item)
{
    return item.data[0] >= 0xc0;
}

/* The content of an item that is a string. */
static struct bytes content(struct bytes item)
{
    struct rlp_reader r;
    rlp_reader_init(&r, item);
    return rlp_read_bytes(&r, NULL);
}

/* A child: none (empty), a hash, or a list below 32 bytes. False when it is something else. */
static bool read_child(struct bytes item, struct bytes *ret_child)
{
    *ret_child = is_list(item) ? item : content(item);
    return is_list(item) ? item.len < HASH_SIZE
                         : ret_child->len == 0 || ret_child->len == HASH_SIZE;
}

static enum step step_branch(struct search *s, const struct bytes items[BRANCH_ITEMS])
{
    struct bytes children[BRANCH_ITEMS - 1];
    for (size_t i = 0; i < BRANCH_ITEMS - 1; i++)
        if (!read_child(items[i], &children[i]))
            return BAD;
    if (is_list(items[BRANCH_ITEMS - 1]))
        return BAD;
    if (s->depth == 2 * s->key.len) {
        s->found = content(items[BRANCH_ITEMS - 1]);
        return s->found.len ? PRESENT : ABSENT;
    }
    s->wanted = children[nibble_at(s->key, s->depth++)];
    return s->wanted.len ? GO_ON : ABSENT;
}

/* A leaf or an extension: hex-prefix path (Yellow Paper, appendix C), then value or child. */
static enum step step_short(struct search *s, const struct bytes items[SHORT_ITEMS])
{
    if (is_list(items[0]))
        return BAD;
    struct bytes prefix = content(items[0]);
    if (prefix.len == 0 || prefix.data[0] >= 0x40)
        return BAD;
    bool is_leaf = prefix.data[0] & 0x20, is_odd = prefix.data[0] & 0x10;
    size_t from = is_odd ? 1 : 2, path_len = 2 * prefix.len - from;
    if ((!is_odd && prefix.data[0] & 0x0f) || (!is_leaf && path_len == 0))
        return BAD;
    if (is_leaf) {
        if (is_list(items[1]) || content(items[1]).len == 0)
            return BAD;
        s->found = content(items[1]);
    } else if (!read_child(items[1], &s->wanted) || s->wanted.len == 0) {
        return BAD;
    }
    size_t left = 2 * s->key.len - s->depth;
    if (is_leaf ? left != path_len : left < path_len)
        return ABSENT;
    for (size_t i = 0; i < path_len; i++)
        if (nibble_at(prefix, from + i) != nibble_at(s->key, s->depth + i))
            return ABSENT;
    s->depth += path_len;
    return is_leaf ? PRESENT : GO_ON;
}

static enum step step(struct search *s, struct bytes node)
{
    struct bytes items[BRANCH_ITEMS];
    struct rlp_reader r;
    size_t count = 0;
    rlp_reader_init(&r, node);
    rlp_enter(&r, NULL);
    while (rlp_more(&r) && count < BRANCH_ITEMS)
        items[count++] = rlp_read_raw(&r, NULL);
    rlp_leave(&r, NULL);
    if (rlp_finish(&r, NULL, NULL) != ERR_OK)
        return BAD;
    return count == BRANCH_ITEMS  ? step_branch(s, items)
           : count == SHORT_ITEMS ? step_short(s, items)
                                  : BAD;
}

static bool has_hash(struct bytes node, struct bytes wanted)
{
    struct hash256 hash;
    crypto_keccak256(&hash, node);
    return bytes_equal(bytes_of(hash.b, sizeof(hash.b)), wanted);
}

/* The empty trie has no node, though its hash is that of an empty string, which some write down. */
static enum trie_verdict verify_empty(const struct bytes *nodes, size_t count)
{
    if (count == 0)
        return TRIE_ABSENT;
    if (nodes[0].len != 1 || nodes[0].data[0] != 0x80)
        return TRIE_PROOF_WRONG_HASH;
    return count == 1 ? TRIE_ABSENT : TRIE_PROOF_SURPLUS;
}

enum trie_verdict trie_verify(struct bytes *ret_value, const struct hash256 *root, struct bytes key,
                              const struct bytes *nodes, size_t count)
{
    if (hash256_equal(root, &trie_empty_hash))
        return verify_empty(nodes, count);
    struct search s = {.key = key, .wanted = bytes_of(root->b, sizeof(root->b))};
    size_t used = 0;
    enum step result = GO_ON;
    while (result == GO_ON) {
        struct bytes node = s.wanted;
        if (node.len == HASH_SIZE) {
            if (used == count)
                return TRIE_PROOF_SHORT;
            node = nodes[used++];
            if (!has_hash(node, s.wanted))
                return TRIE_PROOF_WRONG_HASH;
        }
        result = step(&s, node);
    }
    if (result == BAD)
        return TRIE_PROOF_BAD_NODE;
    if (used < count)
        return TRIE_PROOF_SURPLUS;
    if (result == PRESENT && ret_value)
        *ret_value = s.found;
    return result == PRESENT ? TRIE_PRESENT : TRIE_ABSENT;
}
