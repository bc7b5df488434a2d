#include "trie/test/support.h"

#include "trie/node.h"

#include <stdlib.h>

const struct store_table support_tables[TABLES] = {
    [TABLE_NODES] = {"nodes", STORE_KEY_U64},
    [TABLE_STALE] = {"stale", STORE_KEY_U64},
};

uint64_t support_random(uint64_t *state)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return *state >> 33;
}

struct bytes support_key(uint64_t *random, uint8_t memory[TWIN_KEY_MAX])
{
    bool is_long = support_random(random) % 2;
    size_t len = is_long ? 32 : support_random(random) % 5;
    memset(memory, 0, TWIN_KEY_MAX);
    for (size_t i = 0; i < len; i++)
        memory[i] = (uint8_t)(i < 3 ? support_random(random) % 3 * 0x11 : i);
    if (is_long) {
        memory[20] = (uint8_t)(support_random(random) % 4);
        memory[31] = (uint8_t)(support_random(random) % 4 << 4);
    }
    return bytes_of(memory, len);
}

struct bytes support_value(uint64_t *random, uint8_t memory[TWIN_VALUE_MAX])
{
    static const size_t sizes[] = {0, 0, 1, 1, 2, 5, 20, 31, 32, 33, 70, 120, TWIN_VALUE_MAX};
    size_t len = sizes[support_random(random) % BASE_COUNT(sizes)];
    for (size_t i = 0; i < len; i++)
        memory[i] = (uint8_t)support_random(random);
    return bytes_of(memory, len);
}

static int compare_items(const void *a, const void *b)
{
    return bytes_compare(((const struct trie_item *)a)->key, ((const struct trie_item *)b)->key);
}

void support_changes(struct support_batch *batch, struct twin *twin, uint64_t *random, size_t count)
{
    batch->count = 0;
    for (size_t i = 0; i < count && batch->count < SUPPORT_ITEMS_MAX; i++) {
        size_t n = batch->count, at = 0;
        struct bytes key = support_key(random, batch->keys[n]);
        while (at < n && !bytes_equal(batch->items[at].key, key))
            at++;
        if (at < n)
            continue;
        batch->items[n] =
            (struct trie_item){.key = key, .value = support_value(random, batch->values[n])};
        twin_put(twin, key, batch->items[n].value);
        batch->count++;
    }
    qsort(batch->items, batch->count, sizeof(batch->items[0]), compare_items);
}

size_t support_mark(struct store_txn *txn, uint64_t id, uint8_t *seen, bool links)
{
    struct bytes data;
    struct trie_record r;
    if (id == 0)
        return 0;
    if (id >= SUPPORT_IDS_MAX || store_get_id(txn, &data, TABLE_NODES, id) != ERR_OK ||
        !trie_record_parse(&r, data))
        abort();
    size_t count = !seen[id];
    seen[id] = 1;
    for (unsigned nibble = 0; nibble < 16; nibble++)
        count += support_mark(txn, trie_record_child_id(&r, nibble), seen, links);
    return count + (links ? support_mark(txn, r.link, seen, links) : 0);
}
