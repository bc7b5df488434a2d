/* RLP of nodes: the only place that knows how they are hashed. */
#include "rlp/rlp.h"
#include "trie/node.h"

/* Hex-prefix encoding of a path, 1 + len / 2 bytes (Yellow Paper, appendix C). */
static size_t hex_prefix(uint8_t ret[TRIE_KEY_MAX + 1], const uint8_t *path, size_t path_len,
                         bool leaf)
{
    bool odd = path_len & 1;
    ret[0] = (uint8_t)((leaf ? 0x20 : 0) | (odd ? 0x10 | path[0] : 0));
    for (size_t i = odd, at = 1; i < path_len; i += 2)
        ret[at++] = (uint8_t)(path[i] << 4 | path[i + 1]);
    return 1 + path_len / 2;
}

/* A reference as it stands within a parent: RLP of the hash, or the embedded node. */
static uint8_t *put_ref(uint8_t *at, const uint8_t *ref, size_t ref_len)
{
    if (ref_len == TRIE_REF_SIZE)
        *at++ = 0x80 + TRIE_REF_SIZE;
    memcpy(at, ref, ref_len);
    return at + ref_len;
}

static size_t ref_size(size_t ref_len)
{
    return ref_len == TRIE_REF_SIZE ? 1 + TRIE_REF_SIZE : ref_len;
}

/* The hex prefix of a leaf is below 0x80, so alone it stands for itself. */
static size_t path_size(size_t path_len)
{
    size_t len = 1 + path_len / 2;
    return len == 1 ? 1 : rlp_size_header(len) + len;
}

static size_t content_size(const struct trie_node *n)
{
    if (n->kind == TRIE_LEAF)
        return path_size(n->path_len) + rlp_size_bytes(n->value);
    unsigned count = (unsigned)__builtin_popcount(n->mask);
    size_t size = 16 - count + rlp_size_bytes(n->value);
    for (unsigned i = 0; i < count; i++)
        size += ref_size(n->slots[i].ref_len);
    return size;
}

size_t trie_rlp_size(const struct trie_node *n)
{
    return rlp_size_list(content_size(n));
}

uint8_t *trie_rlp_put(uint8_t *at, const struct trie_node *n)
{
    at = rlp_put_list_header(at, content_size(n));
    if (n->kind == TRIE_LEAF) {
        uint8_t prefix[TRIE_KEY_MAX + 1];
        size_t len = hex_prefix(prefix, n->path, n->path_len, true);
        at = rlp_put_bytes(at, bytes_of(prefix, len));
    } else {
        const struct trie_slot *slot = n->slots;
        for (unsigned nibble = 0; nibble < 16; nibble++) {
            if (n->mask >> nibble & 1) {
                at = put_ref(at, slot->ref, slot->ref_len);
                slot++;
            } else {
                *at++ = 0x80;
            }
        }
    }
    return rlp_put_bytes(at, n->value);
}

size_t trie_rlp_extension(uint8_t ret_rlp[TRIE_RLP_EXTENSION_MAX], const uint8_t *path,
                          size_t path_len, const uint8_t *ref, size_t ref_len)
{
    uint8_t prefix[TRIE_KEY_MAX + 1];
    size_t len = hex_prefix(prefix, path, path_len, false);
    uint8_t *at = rlp_put_list_header(ret_rlp, path_size(path_len) + ref_size(ref_len));
    at = rlp_put_bytes(at, bytes_of(prefix, len));
    at = put_ref(at, ref, ref_len);
    return (size_t)(at - ret_rlp);
}
