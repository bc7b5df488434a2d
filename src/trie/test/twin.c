#include "trie/test/twin.h"

#include "crypto/keccak.h"
#include "rlp/rlp.h"

#include <stdlib.h>

struct bytes twin_key(const struct twin *twin, size_t index)
{
    return bytes_of(twin->pairs[index].key, twin->pairs[index].key_len);
}

struct bytes twin_value(const struct twin *twin, size_t index)
{
    return bytes_of(twin->pairs[index].value, twin->pairs[index].value_len);
}

size_t twin_find(const struct twin *twin, struct bytes key)
{
    size_t i = 0;
    while (i < twin->count && bytes_compare(twin_key(twin, i), key) < 0)
        i++;
    return i;
}

struct bytes twin_get(const struct twin *twin, struct bytes key)
{
    size_t i = twin_find(twin, key);
    bool there = i < twin->count && bytes_equal(twin_key(twin, i), key);
    return there ? twin_value(twin, i) : bytes_none();
}

void twin_put(struct twin *twin, struct bytes key, struct bytes value)
{
    size_t i = twin_find(twin, key);
    bool there = i < twin->count && bytes_equal(twin_key(twin, i), key);
    struct twin_pair *at = &twin->pairs[i];
    if (there && value.len == 0) {
        memmove(at, at + 1, (twin->count - i - 1) * sizeof(*at));
        twin->count--;
    }
    if (value.len == 0)
        return;
    if (!there) {
        if (twin->count == TWIN_PAIRS_MAX || key.len > TWIN_KEY_MAX || value.len > TWIN_VALUE_MAX)
            abort();
        memmove(at + 1, at, (twin->count - i) * sizeof(*at));
        twin->count++;
        at->key_len = key.len;
        if (key.len)
            memcpy(at->key, key.data, key.len);
    }
    at->value_len = value.len;
    memcpy(at->value, value.data, value.len);
}

static unsigned nibble(const struct twin *twin, size_t pair, size_t index)
{
    uint8_t byte = twin->pairs[pair].key[index / 2];
    return index % 2 ? byte & 15 : byte >> 4;
}

static void write_path(struct buf *b, const struct twin *twin, size_t pair, size_t from, size_t to,
                       bool leaf)
{
    struct buf path = BUF_INIT;
    unsigned flag = leaf ? 2 : 0;
    if ((to - from) % 2)
        buf_append_byte(&path, (uint8_t)((flag + 1) * 16 + nibble(twin, pair, from++)));
    else
        buf_append_byte(&path, (uint8_t)(flag * 16));
    for (; from < to; from += 2)
        buf_append_byte(&path,
                        (uint8_t)(nibble(twin, pair, from) * 16 + nibble(twin, pair, from + 1)));
    rlp_write_bytes(b, buf_bytes(&path));
    buf_release(&path);
}

static void write_node(struct buf *b, const struct twin *twin, size_t first, size_t end,
                       size_t depth);

/* n(J, i): nothing, the node itself, or its hash. */
static void write_child(struct buf *b, const struct twin *twin, size_t first, size_t end,
                        size_t depth)
{
    struct buf node = BUF_INIT;
    if (first == end) {
        rlp_write_bytes(b, bytes_none());
        return;
    }
    write_node(&node, twin, first, end, depth);
    if (node.len < 32) {
        rlp_write_raw(b, buf_bytes(&node));
    } else {
        struct hash256 hash;
        crypto_keccak256(&hash, buf_bytes(&node));
        rlp_write_hash(b, &hash);
    }
    buf_release(&node);
}

/* c(J, i) */
static void write_node(struct buf *b, const struct twin *twin, size_t first, size_t end,
                       size_t depth)
{
    size_t list = rlp_begin(b), length = 2 * twin->pairs[first].key_len, common = depth;
    if (end - first == 1) {
        write_path(b, twin, first, depth, length, true);
        rlp_write_bytes(b, twin_value(twin, first));
        rlp_end_list(b, list);
        return;
    }
    while (common < length && common < 2 * twin->pairs[end - 1].key_len &&
           nibble(twin, first, common) == nibble(twin, end - 1, common))
        common++;
    if (common > depth) {
        write_path(b, twin, first, depth, common, false);
        write_child(b, twin, first, end, common);
        rlp_end_list(b, list);
        return;
    }
    bool has_value = length == depth;
    size_t at = first + has_value;
    for (unsigned n = 0; n < 16; n++) {
        size_t from = at;
        while (at < end && nibble(twin, at, depth) == n)
            at++;
        write_child(b, twin, from, at, depth + 1);
    }
    rlp_write_bytes(b, has_value ? twin_value(twin, first) : bytes_none());
    rlp_end_list(b, list);
}

void twin_root(struct hash256 *ret_root, const struct twin *twin)
{
    struct buf node = BUF_INIT;
    if (twin->count)
        write_node(&node, twin, 0, twin->count, 0);
    else
        rlp_write_bytes(&node, bytes_none());
    crypto_keccak256(ret_root, buf_bytes(&node));
    buf_release(&node);
}
