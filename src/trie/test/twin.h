/*
 * The plain twin of the library: a sorted array of pairs, and the root computed from the definition
 * in the Yellow Paper's appendix D, node by node, without thought for speed.
 */
#ifndef TRIE_TEST_TWIN_H
#define TRIE_TEST_TWIN_H

#include "base/buf.h"
#include "base/types.h"

enum { TWIN_PAIRS_MAX = 600, TWIN_KEY_MAX = 40, TWIN_VALUE_MAX = 160 };

struct twin_pair {
    uint8_t key[TWIN_KEY_MAX], value[TWIN_VALUE_MAX];
    size_t key_len, value_len;
};

struct twin {
    struct twin_pair pairs[TWIN_PAIRS_MAX];
    size_t count;
};

/* An empty value deletes. */
void twin_put(struct twin *twin, struct bytes key, struct bytes value);
/* The index of the first pair with this key or a later one. */
size_t twin_find(const struct twin *twin, struct bytes key);
struct bytes twin_key(const struct twin *twin, size_t index);
struct bytes twin_value(const struct twin *twin, size_t index);
/* data NULL when the key is not there. */
struct bytes twin_get(const struct twin *twin, struct bytes key);
void twin_root(struct hash256 *ret_root, const struct twin *twin);

#endif
