/* Tries in a store: reopening, archive, pruning, links, faults. */
#include "base/file.h"
#include "base/mem.h"
#include "trie/node.h"
#include "trie/test/support.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

struct fixture {
    struct store *store;
    char path[64];
};

static int setup_memory(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    *state = f;
    if (store_memory_new(&f->store, support_tables, TABLES) != ERR_OK)
        return -1;
    return store_fault_new(&f->store, f->store);
}

static int setup_lmdb(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    struct store_lmdb_options options = {.sync = STORE_SYNC_NONE};
    snprintf(f->path, sizeof(f->path), "/tmp/quorate-trie-XXXXXX");
    *state = f;
    if (!mkdtemp(f->path))
        return -1;
    return store_lmdb_new(&f->store, f->path, support_tables, TABLES, &options, NULL);
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    store_free(f->store);
    if (f->path[0])
        assert_int_equal(file_remove_folder(f->path, NULL), ERR_OK);
    free(f);
    return 0;
}

static struct store *store_from(void **state)
{
    return ((struct fixture *)*state)->store;
}

static struct store_txn *begin_read(struct store *store)
{
    struct store_txn *txn;
    assert_int_equal(store_begin_read(&txn, store, NULL), ERR_OK);
    return txn;
}

/* One version of one trie, from its root on: changes, hash, commit. */
static int commit_version(struct store *store, struct trie_root *root, uint64_t version,
                          const struct trie_item *items, size_t count, struct err_detail *detail)
{
    struct arena arena;
    struct store_txn *txn;
    struct trie t;
    struct trie_batch batch;
    struct trie_root new_root;
    struct hash256 hash;
    int status = store_begin_write(&txn, store, detail);
    if (status != ERR_OK)
        return status;
    arena_init(&arena);
    trie_init(&t, &arena, TRIE_PLAIN, txn, TABLE_NODES, root, detail);
    status = trie_update(&t, items, count);
    if (status == ERR_OK)
        status = trie_hash(&t, &hash);
    if (status == ERR_OK) {
        status = trie_batch_begin(&batch, txn, TABLE_NODES, TABLE_STALE, version, detail);
        if (status == ERR_OK) {
            status = trie_commit(&t, &new_root, &batch);
            if (status == ERR_OK)
                status = trie_batch_end(&batch);
            else
                trie_batch_release(&batch);
        }
    }
    arena_release(&arena);
    if (status != ERR_OK) {
        store_abort(txn);
        return status;
    }
    status = store_commit(txn);
    if (status == ERR_OK)
        *root = new_root;
    return status;
}

struct listing {
    const struct twin *twin;
    size_t index;
};

static int expect_pair(void *context, struct bytes key, struct bytes value, uint64_t link)
{
    struct listing *l = context;
    (void)link;
    assert_true(l->index < l->twin->count);
    assert_true(bytes_equal(key, twin_key(l->twin, l->index)));
    assert_true(bytes_equal(value, twin_value(l->twin, l->index)));
    l->index++;
    return 0;
}

/* Whether the root has exactly the twin's content, by every way of reading. */
static void expect_content(struct store *store, const struct trie_root *root,
                           const struct twin *twin)
{
    struct store_txn *txn = begin_read(store);
    struct arena arena;
    struct trie t;
    struct hash256 expected, hash;
    struct listing listing = {.twin = twin};
    struct bytes value;
    uint64_t nodes;
    static uint8_t seen[SUPPORT_IDS_MAX];
    arena_init(&arena);
    trie_init(&t, &arena, TRIE_PLAIN, txn, TABLE_NODES, root, NULL);
    twin_root(&expected, twin);
    assert_int_equal(trie_hash(&t, &hash), ERR_OK);
    assert_true(hash256_equal(&hash, &expected));
    assert_int_equal(trie_walk(&t, bytes_none(), TRIE_ASCENDING, expect_pair, &listing), 0);
    assert_int_equal(listing.index, twin->count);
    for (size_t i = 0; i < twin->count; i++) {
        struct trie_proof proof;
        assert_int_equal(trie_get(&t, &value, NULL, twin_key(twin, i)), ERR_OK);
        assert_true(bytes_equal(value, twin_value(twin, i)));
        assert_int_equal(trie_prove(&t, &proof, &arena, twin_key(twin, i)), ERR_OK);
        assert_int_equal(
            trie_verify(&value, &expected, twin_key(twin, i), proof.nodes, proof.count),
            TRIE_PRESENT);
        assert_true(bytes_equal(value, twin_value(twin, i)));
    }
    assert_int_equal(trie_get(&t, &value, NULL, bytes_str("no such")), ERR_NOTFOUND);
    assert_int_equal(trie_check(&t, &nodes), ERR_OK);
    memset(seen, 0, sizeof(seen));
    assert_int_equal(support_mark(txn, root->id, seen, false), nodes);
    arena_release(&arena);
    store_abort(txn);
}

static uint64_t stored_nodes(struct store *store)
{
    struct store_txn *txn = begin_read(store);
    uint64_t count;
    struct bytes counter;
    assert_int_equal(store_count(txn, &count, TABLE_NODES), ERR_OK);
    if (store_get_id(txn, &counter, TABLE_NODES, TRIE_COUNTER_ID) == ERR_OK)
        count--;
    store_abort(txn);
    return count;
}

static int prune(struct store *store, uint64_t keep_from, uint64_t max_nodes, bool *ret_more,
                 struct err_detail *detail)
{
    struct store_txn *txn;
    uint64_t deleted, before = 0, after = 0;
    int status = store_begin_write(&txn, store, detail);
    if (status != ERR_OK)
        return status;
    status = store_count(txn, &before, TABLE_NODES);
    if (status == ERR_OK)
        status = trie_prune(txn, &deleted, ret_more, TABLE_NODES, TABLE_STALE, keep_from, max_nodes,
                            detail);
    if (status == ERR_OK)
        status = store_count(txn, &after, TABLE_NODES);
    if (status != ERR_OK) {
        store_abort(txn);
        return status;
    }
    assert_int_equal(before - deleted, after);
    return store_commit(txn);
}

/* Many versions; all stay readable until pruned, and then exactly the nodes that the kept ones
 * reach are left. */
static void archive_and_pruning(void **state)
{
    enum { VERSIONS = 40 };
    struct store *store = store_from(state);
    static struct twin twins[VERSIONS + 1];
    static uint8_t seen[SUPPORT_IDS_MAX];
    struct trie_root roots[VERSIONS + 1] = {trie_empty_root()};
    struct support_batch batch;
    uint64_t random = 11;
    twins[0].count = 0;
    for (uint64_t v = 1; v <= VERSIONS; v++) {
        twins[v] = twins[v - 1];
        roots[v] = roots[v - 1];
        support_changes(&batch, &twins[v], &random, support_random(&random) % 50);
        assert_int_equal(commit_version(store, &roots[v], v, batch.items, batch.count, NULL),
                         ERR_OK);
    }
    for (uint64_t v = 0; v <= VERSIONS; v++)
        expect_content(store, &roots[v], &twins[v]);

    for (uint64_t keep_from = 0; keep_from <= VERSIONS; keep_from += 1 + keep_from / 4) {
        bool more = true;
        for (int calls = 0; more; calls++) {
            assert_int_equal(prune(store, keep_from, 20, &more, NULL), ERR_OK);
            assert_in_range(calls, 0, 100);
        }
        size_t reachable = 0;
        struct store_txn *txn = begin_read(store);
        memset(seen, 0, sizeof(seen));
        for (uint64_t v = keep_from; v <= VERSIONS; v++)
            reachable += support_mark(txn, roots[v].id, seen, false);
        store_abort(txn);
        assert_int_equal(stored_nodes(store), reachable);
        for (uint64_t v = keep_from; v <= VERSIONS; v++)
            expect_content(store, &roots[v], &twins[v]);
    }
    bool more;
    assert_int_equal(prune(store, VERSIONS, 0, &more, NULL), ERR_OK);
    expect_content(store, &roots[VERSIONS], &twins[VERSIONS]);

    /* an old root is gone, and says so */
    struct store_txn *txn = begin_read(store);
    struct arena arena;
    struct trie t;
    struct err_detail detail;
    uint64_t nodes;
    arena_init(&arena);
    trie_init(&t, &arena, TRIE_PLAIN, txn, TABLE_NODES, &roots[1], &detail);
    assert_int_equal(trie_check(&t, &nodes), ERR_CORRUPT);
    assert_non_null(strstr(detail.text, "is not in the store (pruned or lost)"));
    arena_release(&arena);
    store_abort(txn);

    /* numbers are not used twice, even when everything is gone */
    struct trie_root last = roots[VERSIONS], cleared = last;
    struct trie_item deletions[TWIN_PAIRS_MAX];
    for (size_t i = 0; i < twins[VERSIONS].count; i++)
        deletions[i] = (struct trie_item){.key = twin_key(&twins[VERSIONS], i)};
    assert_int_equal(
        commit_version(store, &cleared, VERSIONS + 1, deletions, twins[VERSIONS].count, NULL),
        ERR_OK);
    assert_true(cleared.id == 0 && hash256_equal(&cleared.hash, &trie_empty_hash));
    assert_int_equal(prune(store, VERSIONS + 1, 0, &more, NULL), ERR_OK);
    assert_int_equal(stored_nodes(store), 0);
    struct trie_item one = {.key = bytes_str("k"), .value = bytes_str("v")};
    assert_int_equal(commit_version(store, &cleared, VERSIONS + 2, &one, 1, NULL), ERR_OK);
    assert_true(cleared.id > last.id);
}

/* A change that changes nothing writes nothing. */
static void unchanged_content_is_not_rewritten(void **state)
{
    struct store *store = store_from(state);
    static struct twin twin;
    struct trie_root root = trie_empty_root(), before;
    struct trie_item items[TWIN_PAIRS_MAX + 2];
    struct support_batch batch;
    uint64_t random = 5;
    twin.count = 0;
    support_changes(&batch, &twin, &random, SUPPORT_ITEMS_MAX);
    assert_int_equal(commit_version(store, &root, 1, batch.items, batch.count, NULL), ERR_OK);
    uint64_t nodes = stored_nodes(store);
    /* every value again, and deletions of what is not there: besides, within and behind paths */
    size_t count = 0;
    for (size_t i = 0; i < twin.count; i++)
        items[count++] = (struct trie_item){twin_key(&twin, i), twin_value(&twin, i), 0};
    items[count++] = (struct trie_item){.key = bytes_str("\x99")};
    items[count++] = (struct trie_item){.key = bytes_str("\x99\x99")};
    before = root;
    assert_int_equal(commit_version(store, &root, 2, items, count, NULL), ERR_OK);
    assert_memory_equal(&root, &before, sizeof(root));
    assert_int_equal(stored_nodes(store), nodes);
    for (size_t i = 0; i < 500; i++) {
        uint8_t key[TWIN_KEY_MAX];
        struct trie_item item = {.key = support_key(&random, key)};
        if (twin_get(&twin, item.key).data)
            continue;
        assert_int_equal(commit_version(store, &root, 3, &item, 1, NULL), ERR_OK);
        assert_memory_equal(&root, &before, sizeof(root));
    }
    assert_int_equal(stored_nodes(store), nodes);
}

/* One handle through several versions, its nodes staying in memory. */
static void a_trie_lives_on_after_its_commit(void **state)
{
    struct store *store = store_from(state);
    static struct twin twin;
    struct support_batch changes;
    struct arena arena;
    struct trie t;
    struct trie_root root = trie_empty_root();
    uint64_t random = 21;
    struct store_txn *reader = begin_read(store);
    twin.count = 0;
    arena_init(&arena);
    trie_init(&t, &arena, TRIE_PLAIN, reader, TABLE_NODES, NULL, NULL);
    for (uint64_t version = 1; version < 30; version++) {
        struct trie_batch batch;
        struct store_txn *txn;
        support_changes(&changes, &twin, &random, 10);
        assert_int_equal(trie_update(&t, changes.items, changes.count), ERR_OK);
        assert_int_equal(store_begin_write(&txn, store, NULL), ERR_OK);
        assert_int_equal(trie_batch_begin(&batch, txn, TABLE_NODES, TABLE_STALE, version, NULL),
                         ERR_OK);
        assert_int_equal(trie_commit(&t, &root, &batch), ERR_OK);
        assert_int_equal(trie_batch_end(&batch), ERR_OK);
        assert_int_equal(store_commit(txn), ERR_OK);
        store_abort(reader);
        t.txn = reader = begin_read(store);
        expect_content(store, &root, &twin);
        bool more;
        assert_int_equal(prune(store, version, 0, &more, NULL), ERR_OK);
        uint64_t nodes;
        assert_int_equal(trie_check(&t, &nodes), ERR_OK);
        assert_int_equal(stored_nodes(store), nodes);
    }
    arena_release(&arena);
    store_abort(reader);
}

/* Accounts with storage: tries below the values of a trie. */
enum { ACCOUNTS = 12, SLOTS = 40 };

struct account {
    struct trie_root storage;
    bool exists;
};

static struct bytes account_key(uint8_t memory[32], size_t index)
{
    memset(memory, (int)(index * 37), 32);
    return bytes_of(memory, 32);
}

/* A block: some accounts change some storage, some are destroyed. Returns the new root. */
static void commit_block(struct store *store, struct trie_root *root, struct account *accounts,
                         uint64_t version, uint64_t *random)
{
    struct arena arena;
    struct store_txn *txn;
    struct trie state;
    struct trie_batch batch;
    struct hash256 hash;
    uint8_t key[32], slot_key[32];
    arena_init(&arena);
    assert_int_equal(store_begin_write(&txn, store, NULL), ERR_OK);
    trie_init(&state, &arena, TRIE_PLAIN, txn, TABLE_NODES, root, NULL);
    struct trie *changed[ACCOUNTS] = {NULL};
    for (size_t i = 0; i < ACCOUNTS; i++) {
        uint64_t action = support_random(random) % 4;
        if (action == 0 || (action == 1 && !accounts[i].exists))
            continue;
        struct trie *storage = changed[i] = arena_alloc(&arena, sizeof(*storage));
        trie_init(storage, &arena, TRIE_PLAIN, txn, TABLE_NODES, &accounts[i].storage, NULL);
        for (size_t n = support_random(random) % SLOTS; n-- > 0 && action != 1;) {
            uint64_t value = support_random(random);
            memset(slot_key, (int)(support_random(random) % SLOTS * 7), 32);
            assert_int_equal(trie_put(storage, bytes_of(slot_key, 32),
                                      bytes_of(&value, value % 3 ? sizeof(value) : 0), 0),
                             ERR_OK);
        }
        if (action == 1)
            assert_int_equal(trie_clear(storage), ERR_OK);
        if (action == 3 && support_random(random) % 4 == 0) /* destroyed and made again */
            assert_int_equal(trie_clear(storage), ERR_OK);
        assert_int_equal(trie_hash(storage, &hash), ERR_OK);
        accounts[i].exists = action != 1;
        assert_int_equal(trie_put(&state, account_key(key, i),
                                  bytes_of(&hash, accounts[i].exists ? sizeof(hash) : 0), 0),
                         ERR_OK);
    }
    assert_int_equal(trie_hash(&state, &hash), ERR_OK);
    assert_int_equal(trie_batch_begin(&batch, txn, TABLE_NODES, TABLE_STALE, version, NULL),
                     ERR_OK);
    for (size_t i = 0; i < ACCOUNTS; i++) {
        if (!changed[i])
            continue;
        assert_int_equal(trie_commit(changed[i], &accounts[i].storage, &batch), ERR_OK);
        assert_int_equal(trie_link(&state, account_key(key, i), accounts[i].storage.id),
                         accounts[i].exists ? ERR_OK : ERR_NOTFOUND);
    }
    assert_int_equal(trie_commit(&state, root, &batch), ERR_OK);
    assert_true(hash256_equal(&root->hash, &hash)); /* links are no part of it */
    assert_int_equal(trie_batch_end(&batch), ERR_OK);
    assert_int_equal(store_commit(txn), ERR_OK);
    arena_release(&arena);
}

static int check_storage(void *context, struct bytes key, struct bytes value, uint64_t link)
{
    struct trie *state = context, storage;
    struct arena arena;
    struct trie_root root = {.id = link};
    uint64_t nodes;
    (void)key;
    memcpy(root.hash.b, value.data, sizeof(root.hash.b));
    assert_int_equal(link == 0, hash256_equal(&root.hash, &trie_empty_hash));
    arena_init(&arena);
    trie_init(&storage, &arena, TRIE_PLAIN, state->txn, TABLE_NODES, &root, NULL);
    assert_int_equal(trie_check(&storage, &nodes), ERR_OK);
    arena_release(&arena);
    return 0;
}

static void links_to_storage(void **state)
{
    enum { VERSIONS = 30 };
    struct store *store = store_from(state);
    struct account accounts[ACCOUNTS];
    struct trie_root roots[VERSIONS + 1] = {trie_empty_root()};
    static uint8_t seen[SUPPORT_IDS_MAX];
    uint64_t random = 9;
    for (size_t i = 0; i < ACCOUNTS; i++)
        accounts[i] = (struct account){.storage = trie_empty_root()};
    for (uint64_t v = 1; v <= VERSIONS; v++) {
        roots[v] = roots[v - 1];
        commit_block(store, &roots[v], accounts, v, &random);
    }
    for (uint64_t keep_from = 0; keep_from <= VERSIONS; keep_from += 5) {
        bool more;
        assert_int_equal(prune(store, keep_from, 0, &more, NULL), ERR_OK);
        assert_false(more);
        struct store_txn *txn = begin_read(store);
        size_t reachable = 0;
        memset(seen, 0, sizeof(seen));
        for (uint64_t v = keep_from; v <= VERSIONS; v++) {
            struct arena arena;
            struct trie t;
            uint64_t nodes;
            arena_init(&arena);
            reachable += support_mark(txn, roots[v].id, seen, true);
            trie_init(&t, &arena, TRIE_PLAIN, txn, TABLE_NODES, &roots[v], NULL);
            assert_int_equal(trie_check(&t, &nodes), ERR_OK);
            assert_int_equal(trie_walk(&t, bytes_none(), TRIE_ASCENDING, check_storage, &t), 0);
            arena_release(&arena);
        }
        store_abort(txn);
        assert_int_equal(stored_nodes(store), reachable);
    }
}

static void an_archive_keeps_no_record(void **state)
{
    struct store_txn *txn;
    struct arena arena;
    struct trie t;
    struct trie_batch batch;
    struct trie_root root = trie_empty_root();
    uint64_t records;
    arena_init(&arena);
    assert_int_equal(store_begin_write(&txn, store_from(state), NULL), ERR_OK);
    trie_init(&t, &arena, TRIE_PLAIN, txn, TABLE_NODES, NULL, NULL);
    for (uint64_t version = 1; version < 4; version++) {
        assert_int_equal(trie_put(&t, bytes_str("k"), bytes_of(&version, 8), 0), ERR_OK);
        assert_int_equal(trie_batch_begin(&batch, txn, TABLE_NODES, TRIE_NO_TABLE, version, NULL),
                         ERR_OK);
        assert_int_equal(trie_commit(&t, &root, &batch), ERR_OK);
        assert_int_equal(trie_batch_end(&batch), ERR_OK);
    }
    assert_int_equal(store_count(txn, &records, TABLE_STALE), ERR_OK);
    assert_int_equal(records, 0);
    assert_int_equal(store_commit(txn), ERR_OK);
    assert_int_equal(stored_nodes(store_from(state)), 3);
    arena_release(&arena);
}

/* Whatever operation of the store fails, the old root is whole, and doing it again works. */
static void faults(void **state)
{
    static const enum store_fault kinds[] = {STORE_FAULT_BEGIN, STORE_FAULT_READ, STORE_FAULT_WRITE,
                                             STORE_FAULT_COMMIT};
    struct store *store = store_from(state);
    static struct twin twin, changed;
    struct trie_root root = trie_empty_root();
    struct support_batch batch;
    uint64_t random = 31, version = 1;
    twin.count = 0;
    support_changes(&batch, &twin, &random, SUPPORT_ITEMS_MAX);
    assert_int_equal(commit_version(store, &root, version, batch.items, batch.count, NULL), ERR_OK);
    for (size_t k = 0; k < BASE_COUNT(kinds); k++) {
        for (uint64_t n = 1;; n++) {
            struct err_detail detail = {""};
            struct trie_root next = root;
            changed = twin;
            support_changes(&batch, &changed, &random, 20);
            store_fault_set(store, kinds[k], n, ERR_NOSPACE);
            int status =
                commit_version(store, &next, version + 1, batch.items, batch.count, &detail);
            store_fault_set(store, kinds[k], 0, 0);
            if (status == ERR_OK) {
                twin = changed;
                root = next;
                version++;
                break;
            }
            assert_int_equal(status, ERR_NOSPACE);
            assert_memory_equal(detail.text, "injected fault", 14);
            expect_content(store, &root, &twin);
            if (n % 3 == 0) {
                assert_int_equal(
                    commit_version(store, &next, version + 1, batch.items, batch.count, NULL),
                    ERR_OK);
                twin = changed;
                root = next;
                version++;
            }
        }
        for (uint64_t n = 1;; n++) {
            bool more;
            store_fault_set(store, kinds[k], n, ERR_IO);
            int status = prune(store, version - 1, 0, &more, NULL);
            store_fault_set(store, kinds[k], 0, 0);
            expect_content(store, &root, &twin);
            if (status == ERR_OK)
                break;
            assert_int_equal(status, ERR_IO);
        }
    }
}

static void out_of_memory(void **state)
{
    struct store *store = store_from(state);
    static struct twin twin, changed;
    struct trie_root root = trie_empty_root();
    struct support_batch batch;
    uint64_t random = 41;
    bool more;
    twin.count = 0;
    support_changes(&batch, &twin, &random, SUPPORT_ITEMS_MAX);
    assert_int_equal(commit_version(store, &root, 1, batch.items, batch.count, NULL), ERR_OK);
    changed = twin;
    support_changes(&batch, &changed, &random, SUPPORT_ITEMS_MAX);
    for (size_t n = 1;; n++) {
        struct trie_root next = root;
        mem_fail_at(n, 1);
        int status = commit_version(store, &next, 2, batch.items, batch.count, NULL);
        bool injected = mem_fail_left() == 0;
        mem_fail_at(0, 0);
        assert_int_equal(status, injected ? ERR_NOMEM : ERR_OK);
        if (!injected) {
            root = next;
            break;
        }
        expect_content(store, &root, &twin);
    }
    expect_content(store, &root, &changed);
    for (size_t n = 1;; n++) {
        mem_fail_at(n, 1);
        int status = prune(store, 2, 0, &more, NULL);
        bool injected = mem_fail_left() == 0;
        mem_fail_at(0, 0);
        assert_int_equal(status, injected ? ERR_NOMEM : ERR_OK);
        if (!injected)
            break;
    }
    expect_content(store, &root, &changed);
}

/* A stored node with any byte changed, or cut, never does harm; a check finds it. */
static void damaged_nodes(void **state)
{
    struct store *store = store_from(state);
    static struct twin twin;
    struct trie_root root = trie_empty_root();
    struct support_batch batch;
    uint64_t random = 51;
    twin.count = 0;
    support_changes(&batch, &twin, &random, 24);
    assert_int_equal(commit_version(store, &root, 1, batch.items, batch.count, NULL), ERR_OK);
    for (uint64_t id = 1; id <= root.id; id++) {
        size_t length = 1;
        for (size_t at = 0; at < 2 * length; at++) {
            struct store_txn *txn;
            struct bytes record;
            struct arena arena;
            struct trie t;
            struct err_detail detail = {""};
            uint8_t data[2048];
            uint64_t nodes;
            assert_int_equal(store_begin_write(&txn, store, NULL), ERR_OK);
            assert_int_equal(store_get_id(txn, &record, TABLE_NODES, id), ERR_OK);
            length = record.len;
            memcpy(data, record.data, length);
            bool cut = at >= length;
            data[at % length] ^= (uint8_t)(1 << at % 8);
            assert_int_equal(store_put_id(txn, TABLE_NODES, id,
                                          bytes_of(data, cut ? at - length : length), STORE_PUT),
                             ERR_OK);
            arena_init(&arena);
            trie_init(&t, &arena, TRIE_PLAIN, txn, TABLE_NODES, &root, &detail);
            int status = trie_check(&t, &nodes);
            assert_true(status == ERR_CORRUPT || (status == ERR_OK && !cut));
            assert_int_equal(*detail.text == 0, status == ERR_OK);
            trie_init(&t, &arena, TRIE_PLAIN, txn, TABLE_NODES, &root, NULL);
            for (size_t i = 0; i < batch.count && t.status == ERR_OK; i++) {
                struct trie_proof proof;
                struct bytes value;
                int found = trie_get(&t, &value, NULL, batch.items[i].key);
                assert_true(found == ERR_OK || found == ERR_NOTFOUND || found == ERR_CORRUPT);
                found = trie_prove(&t, &proof, &arena, batch.items[i].key);
                assert_true(found == ERR_OK || found == ERR_CORRUPT);
                found = trie_delete(&t, batch.items[i].key);
                assert_true(found == ERR_OK || found == ERR_CORRUPT);
            }
            arena_release(&arena);
            store_abort(txn);
        }
    }
}

#define ON(test, backend) {#test " (" #backend ")", test, setup_##backend, teardown, NULL}
#define ON_BOTH(test)     ON(test, memory), ON(test, lmdb)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_BOTH(archive_and_pruning),
        ON_BOTH(unchanged_content_is_not_rewritten),
        ON_BOTH(a_trie_lives_on_after_its_commit),
        ON_BOTH(links_to_storage),
        ON(an_archive_keeps_no_record, memory),
        ON(faults, memory),
        ON(out_of_memory, memory),
        ON(damaged_nodes, memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
