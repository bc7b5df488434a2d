/*
 * Operations on a stored trie against the plain twin. The input is a program, an operation a byte:
 * its low bits say what to do, the rest (and bytes that follow) with which key and value.
 */
#include "base/fuzz/fuzz.h"
#include "trie/test/support.h"

enum { OPERATIONS_MAX = 100 };

struct machine {
    struct store *store;
    struct store_txn *reader;
    struct arena arena;
    struct trie trie;
    struct trie_root root;
    uint64_t version;
    const uint8_t *at, *end;
};

static struct twin twin, committed;

static unsigned next(struct machine *m)
{
    return m->at < m->end ? *m->at++ : 0;
}

/* Up to 4 bytes out of few, so that keys share beginnings. */
static struct bytes next_key(struct machine *m, uint8_t memory[4])
{
    unsigned choice = next(m);
    for (unsigned i = 0; i < 4; i++)
        memory[i] = (uint8_t)((choice >> (2 * i) & 3) * 0x41);
    return bytes_of(memory, next(m) % 5);
}

static struct bytes next_value(struct machine *m, uint8_t memory[TWIN_VALUE_MAX])
{
    unsigned len = next(m) % TWIN_VALUE_MAX;
    memset(memory, (int)next(m), TWIN_VALUE_MAX);
    return bytes_of(memory, len);
}

static void reopen(struct machine *m, const struct trie_root *root)
{
    store_abort(m->reader);
    arena_clear(&m->arena);
    require(store_begin_read(&m->reader, m->store, NULL) == ERR_OK);
    trie_init(&m->trie, &m->arena, TRIE_PLAIN, m->reader, TABLE_NODES, root, NULL);
}

static void compare(struct machine *m)
{
    struct hash256 hash, expected;
    twin_root(&expected, &twin);
    require(trie_hash(&m->trie, &hash) == ERR_OK && hash256_equal(&hash, &expected));
}

static void commit(struct machine *m, bool keep_handle)
{
    struct store_txn *txn;
    struct trie_batch batch;
    uint64_t nodes, stored, deleted;
    bool more;
    compare(m);
    require(store_begin_write(&txn, m->store, NULL) == ERR_OK);
    require(trie_batch_begin(&batch, txn, TABLE_NODES, TABLE_STALE, ++m->version, NULL) == ERR_OK);
    require(trie_commit(&m->trie, &m->root, &batch) == ERR_OK);
    require(trie_batch_end(&batch) == ERR_OK);
    require(trie_prune(txn, &deleted, &more, TABLE_NODES, TABLE_STALE, m->version, 0, NULL) ==
            ERR_OK);
    require(store_count(txn, &stored, TABLE_NODES) == ERR_OK);
    require(store_commit(txn) == ERR_OK);
    committed = twin;
    if (keep_handle) {
        store_abort(m->reader);
        require(store_begin_read(&m->reader, m->store, NULL) == ERR_OK);
        m->trie.txn = m->reader;
    } else {
        reopen(m, &m->root);
    }
    require(trie_check(&m->trie, &nodes) == ERR_OK);
    require(nodes + (stored > 0) == stored); /* the counter is one entry */
}

static int compare_items(const void *a, const void *b)
{
    return bytes_compare(((const struct trie_item *)a)->key, ((const struct trie_item *)b)->key);
}

static void update(struct machine *m)
{
    enum { MOST = 24 };
    struct trie_item items[MOST];
    uint8_t keys[MOST][4], values[MOST][TWIN_VALUE_MAX];
    size_t count = 0;
    for (unsigned n = next(m) % MOST; n > 0; n--) {
        struct bytes key = next_key(m, keys[count]);
        size_t i = 0;
        while (i < count && !bytes_equal(items[i].key, key))
            i++;
        if (i < count)
            continue;
        items[count] = (struct trie_item){.key = key, .value = next_value(m, values[count])};
        twin_put(&twin, key, items[count].value);
        count++;
    }
    qsort(items, count, sizeof(items[0]), compare_items);
    require(trie_update(&m->trie, items, count) == ERR_OK);
}

static void clear(struct machine *m)
{
    require(trie_clear(&m->trie) == ERR_OK);
    twin.count = 0;
}

static void look_up(struct machine *m)
{
    uint8_t memory[4];
    struct bytes key = next_key(m, memory), value = bytes_none(), expected = twin_get(&twin, key);
    int status = trie_get(&m->trie, &value, NULL, key);
    require(status == (expected.len ? ERR_OK : ERR_NOTFOUND));
    require(bytes_equal(value, expected));
}

static void step(struct machine *m)
{
    uint8_t key_memory[4], value_memory[TWIN_VALUE_MAX];
    struct bytes key;
    switch (next(m) % 10) {
    case 0:
        commit(m, false);
        break;
    case 1:
        commit(m, true);
        break;
    case 2:
        reopen(m, &m->root);
        twin = committed;
        break;
    case 3:
        compare(m);
        break;
    case 4:
        key = next_key(m, key_memory);
        require(trie_delete(&m->trie, key) == ERR_OK);
        twin_put(&twin, key, bytes_none());
        break;
    case 5:
        if (next(m) % 8 == 0)
            clear(m);
        break;
    case 6:
    case 7:
        update(m);
        break;
    case 8:
        look_up(m);
        break;
    default:
        key = next_key(m, key_memory);
        struct bytes value = next_value(m, value_memory);
        require(trie_put(&m->trie, key, value, 0) == ERR_OK);
        twin_put(&twin, key, value);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct machine m = {.at = data, .end = data + size, .root = trie_empty_root()};
    twin.count = committed.count = 0;
    require(store_memory_new(&m.store, support_tables, TABLES) == ERR_OK);
    arena_init(&m.arena);
    reopen(&m, NULL);
    for (int i = 0; i < OPERATIONS_MAX && m.at < m.end; i++)
        step(&m);
    commit(&m, false);
    store_abort(m.reader);
    arena_release(&m.arena);
    store_free(m.store);
    return 0;
}
