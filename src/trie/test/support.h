/* What the tests of the trie share: a source of randomness, stores, and the set of nodes that roots
 * reach. */
#ifndef TRIE_TEST_SUPPORT_H
#define TRIE_TEST_SUPPORT_H

#include "store/fault.h"
#include "trie/test/twin.h"
#include "trie/trie.h"

enum { TABLE_NODES, TABLE_STALE, TABLES };

extern const struct store_table support_tables[TABLES];

uint64_t support_random(uint64_t *state);

/* A key of up to 4 bytes with few different ones (so that they are prefixes of each other), or of
 * 32 bytes with few different beginnings. */
struct bytes support_key(uint64_t *random, uint8_t memory[TWIN_KEY_MAX]);
/* Sometimes empty; around and above the 32 bytes where nodes stop being embedded. */
struct bytes support_value(uint64_t *random, uint8_t memory[TWIN_VALUE_MAX]);

/* Random changes applied to the twin, and as sorted unique items for trie_update. The items point
 * into `memory`. Returns how many. */
enum { SUPPORT_ITEMS_MAX = 64 };
struct support_batch {
    struct trie_item items[SUPPORT_ITEMS_MAX];
    uint8_t keys[SUPPORT_ITEMS_MAX][TWIN_KEY_MAX];
    uint8_t values[SUPPORT_ITEMS_MAX][TWIN_VALUE_MAX];
    size_t count;
};
void support_changes(struct support_batch *batch, struct twin *twin, uint64_t *random,
                     size_t count);

/* Adds the numbers of all nodes below the root to `seen`, indexed by number; with `links`, also
 * those of the tries that links lead to. Returns how many were new. */
enum { SUPPORT_IDS_MAX = 1 << 17 };
size_t support_mark(struct store_txn *txn, uint64_t root_id, uint8_t *seen, bool links);

#endif
