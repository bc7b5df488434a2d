/* Commit, reopen, history, pruning, and every failure of the store on the way. */
#include "base/mem.h"
#include "state/test/twin.h"
#include "store/fault.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

enum { OTHER_TABLE, FIRST_TABLE, VERSIONS = 60 };
static const struct state_instance private_state = {1};

/* A chain: what each version was, and the store that has it. */
struct chain {
    struct store *store;
    struct state_db db;
    struct state_view *view;
    struct twin now, versions[VERSIONS];
    uint64_t version; /* of `now`; versions start at 0 */
    bool for_good;
    uint64_t random;
};

static struct store *new_store(void)
{
    struct store_table tables[FIRST_TABLE + STATE_TABLES] = {{"other", STORE_KEY_BYTES}};
    struct store *memory, *fault;
    memcpy(tables + FIRST_TABLE, state_tables, sizeof(state_tables));
    assert_int_equal(store_memory_new(&memory, tables, BASE_COUNT(tables)), 0);
    assert_int_equal(store_fault_new(&fault, memory), 0);
    return fault;
}

static void chain_start(struct chain *c, bool archive, uint64_t seed)
{
    *c = (struct chain){.store = new_store(), .random = seed * 0x9e3779b97f4a7c15u | 1};
    assert_int_equal(state_db_open(&c->db, c->store, FIRST_TABLE, archive, NULL), 0);
    assert_int_equal(state_view_new(&c->view, NULL), 0);
}

static void chain_stop(struct chain *c)
{
    state_view_free(c->view);
    store_free(c->store);
}

/* Some transactions, on the view and on the twin. */
static int run_block(struct chain *c, struct twin *twin)
{
    int err = 0;
    for (int tx = 0; tx < 4 && !err; tx++) {
        for (int i = 0; i < 12 && !err; i++)
            err = twin_step(twin, c->view, &c->for_good, &c->random);
        if (err)
            break;
        bool delete_empty = twin_random(&c->random) % 2;
        twin_end_transaction(twin, &c->for_good, delete_empty);
        state_view_end_transaction(c->view, delete_empty);
        c->for_good = false;
    }
    return err;
}

/* Writes the view's changes as the version. */
static int commit(struct chain *c, struct state_update *update, uint64_t version)
{
    struct state_commit commit;
    struct store_txn *txn;
    int err = store_begin_write(&txn, c->store, NULL);
    if (err)
        return err;
    err = state_commit_begin(&commit, &c->db, txn, version, NULL, NULL);
    if (!err) {
        err = state_update_commit(update, &commit);
        if (!err)
            err = state_commit_end(&commit);
        if (err)
            state_commit_release(&commit);
    }
    if (err) {
        store_abort(txn);
        return err;
    }
    return store_commit(txn);
}

static int make_block(struct chain *c, struct state_instance instance, struct twin *twin,
                      struct hash256 *ret_root, uint64_t version)
{
    struct state_reader reader;
    struct state_update update;
    struct store_txn *txn;
    int err = store_begin_read(&txn, c->store, NULL);
    if (err)
        return err;
    err = state_reader_open(&reader, &c->db, txn, instance);
    if (!err) {
        state_view_reset(c->view, &reader);
        err = run_block(c, twin);
    }
    if (!err)
        err = state_update_init(&update, c->view, NULL);
    if (!err) {
        err = state_update_root(&update, ret_root);
        if (!err)
            err = commit(c, &update, version);
        state_update_release(&update);
    }
    store_abort(txn);
    return err;
}

static void grow(struct chain *c, size_t versions)
{
    for (size_t i = 0; i < versions; i++) {
        struct hash256 root, expected;
        assert_int_equal(make_block(c, state_public(), &c->now, &root, c->version), 0);
        expected = twin_root(&c->now);
        assert_true(hash256_equal(&root, &expected));
        c->versions[c->version++] = c->now;
    }
}

static void compare_version(struct chain *c, uint64_t version)
{
    struct state_reader reader;
    struct store_txn *txn;
    assert_int_equal(store_begin_read(&txn, c->store, NULL), 0);
    assert_int_equal(state_reader_open_at(&reader, &c->db, txn, state_public(), version), 0);
    twin_compare_reader(&c->versions[version], &reader);
    store_abort(txn);
}

static void compare_newest(struct chain *c, const struct twin *twin)
{
    struct state_reader reader;
    struct store_txn *txn;
    assert_int_equal(store_begin_read(&txn, c->store, NULL), 0);
    assert_int_equal(state_reader_open(&reader, &c->db, txn, state_public()), 0);
    assert_true(reader.newest);
    twin_compare_reader(twin, &reader);
    struct hash256 root = twin_root(twin);
    assert_true(hash256_equal(&reader.root.hash, &root));
    store_abort(txn);
}

/* What must hold inside: every node is there, the flat tables have what the tries have, and
 * nothing else but slots that wait for pruning. */
static int count_slot(void *context, struct bytes key, struct bytes value, uint64_t link)
{
    (void)key, (void)value, (void)link;
    ++*(uint64_t *)context;
    return 0;
}

struct census {
    struct chain *chain;
    struct store_txn *txn;
    uint64_t accounts, slots, nodes;
};

static int count_account(void *context, struct bytes key, struct bytes value, uint64_t link)
{
    struct census *census = context;
    struct state_account account;
    struct arena arena;
    struct trie storage;
    uint64_t nodes;
    (void)key;
    census->accounts++;
    int err = state_account_decode(&account, value);
    if (err)
        return err;
    account.storage.id = link;
    arena_init(&arena);
    trie_init(&storage, &arena, TRIE_PLAIN, census->txn, FIRST_TABLE + STATE_NODES,
              &account.storage, NULL);
    err = trie_check(&storage, &nodes);
    census->nodes += err ? 0 : nodes;
    if (!err)
        err = trie_walk(&storage, bytes_none(), TRIE_ASCENDING, count_slot, &census->slots);
    arena_release(&arena);
    return err;
}

/* `pruned`: of wiped storages; `alone`: of all older versions, too. */
static void check_store(struct chain *c, bool pruned, bool alone)
{
    struct census census = {.chain = c};
    struct state_reader reader;
    struct arena arena;
    struct trie accounts;
    uint64_t nodes, stored, flat_accounts, flat_slots;
    assert_int_equal(store_begin_read(&census.txn, c->store, NULL), 0);
    assert_int_equal(state_reader_open(&reader, &c->db, census.txn, state_public()), 0);
    arena_init(&arena);
    trie_init(&accounts, &arena, TRIE_PLAIN, census.txn, FIRST_TABLE + STATE_NODES, &reader.root,
              NULL);
    assert_int_equal(trie_check(&accounts, &nodes), 0);
    assert_int_equal(trie_walk(&accounts, bytes_none(), TRIE_ASCENDING, count_account, &census), 0);
    assert_int_equal(store_count(census.txn, &flat_accounts, FIRST_TABLE + STATE_ACCOUNTS), 0);
    assert_int_equal(store_count(census.txn, &flat_slots, FIRST_TABLE + STATE_SLOTS), 0);
    assert_int_equal(flat_accounts, census.accounts);
    if (pruned)
        assert_int_equal(flat_slots, census.slots);
    else
        assert_true(flat_slots >= census.slots);
    assert_int_equal(store_count(census.txn, &stored, FIRST_TABLE + STATE_NODES), 0);
    nodes += census.nodes + 1; /* and one with the next number */
    if (alone)
        assert_int_equal(stored, nodes);
    else
        assert_true(stored >= nodes);
    arena_release(&arena);
    store_abort(census.txn);
}

static void prune(struct chain *c, uint64_t keep_from, uint64_t max_entries)
{
    bool more = true;
    for (int rounds = 0; more; rounds++) {
        struct store_txn *txn;
        assert_true(rounds < 10000);
        assert_int_equal(store_begin_write(&txn, c->store, NULL), 0);
        assert_int_equal(state_prune(&c->db, txn, &more, keep_from, max_entries, NULL), 0);
        assert_int_equal(store_commit(txn), 0);
    }
}

/* --- Tests --- */

static void test_history(void **unused)
{
    (void)unused;
    struct chain c;
    for (uint64_t seed = 1; seed <= 6; seed++) {
        chain_start(&c, seed % 2, seed);
        grow(&c, VERSIONS);
        for (uint64_t v = 0; v < VERSIONS; v++)
            compare_version(&c, v);
        compare_newest(&c, &c.now);
        check_store(&c, false, false);

        /* And again, by whoever opens it next. */
        assert_int_equal(state_db_open(&c.db, c.store, FIRST_TABLE, seed % 2, NULL), 0);
        compare_version(&c, VERSIONS / 2);
        chain_stop(&c);
    }
}

static void test_pruning(void **unused)
{
    (void)unused;
    struct chain c;
    for (uint64_t max_entries = 0; max_entries <= 3; max_entries++) {
        chain_start(&c, false, 40 + max_entries);
        grow(&c, VERSIONS / 2);
        prune(&c, VERSIONS / 4, max_entries);
        check_store(&c, true, false);
        for (uint64_t v = VERSIONS / 4; v < c.version; v++)
            compare_version(&c, v);
        struct state_reader reader;
        struct store_txn *txn;
        assert_int_equal(store_begin_read(&txn, c.store, NULL), 0);
        assert_int_equal(
            state_reader_open_at(&reader, &c.db, txn, state_public(), VERSIONS / 4 - 1),
            ERR_NOTFOUND);
        store_abort(txn);
        grow(&c, VERSIONS / 2);
        for (uint64_t v = VERSIONS / 4; v < c.version; v++)
            compare_version(&c, v);

        /* All but the newest: as many nodes and roots as a state has that knows no other. */
        prune(&c, c.version, max_entries);
        compare_newest(&c, &c.now);
        uint64_t roots, stale, dead;
        assert_int_equal(store_begin_read(&txn, c.store, NULL), 0);
        assert_int_equal(store_count(txn, &roots, FIRST_TABLE + STATE_ROOTS), 0);
        assert_int_equal(store_count(txn, &stale, FIRST_TABLE + STATE_STALE), 0);
        assert_int_equal(store_count(txn, &dead, FIRST_TABLE + STATE_DEAD), 0);
        store_abort(txn);
        assert_int_equal(roots, 1);
        assert_int_equal(stale, 0);
        assert_int_equal(dead, 0);
        check_store(&c, true, true);
        chain_stop(&c);
    }
}

static void test_archive_keeps_all(void **unused)
{
    (void)unused;
    struct chain c;
    chain_start(&c, true, 9);
    grow(&c, VERSIONS);
    prune(&c, VERSIONS - 1, 0);
    check_store(&c, true, false);
    for (uint64_t v = 0; v < VERSIONS; v++)
        compare_version(&c, v);
    chain_stop(&c);
}

/* One rests while the other goes on. */
static void test_instances(void **unused)
{
    (void)unused;
    struct chain c;
    chain_start(&c, false, 5);
    struct twin public = {0}, private = {0}, old_private;
    struct hash256 root, expected;
    for (uint64_t version = 0; version < 20; version += 2) {
        old_private = private;
        assert_int_equal(make_block(&c, state_public(), &public, &root, version), 0);
        expected = twin_root(&public);
        assert_true(hash256_equal(&root, &expected));
        assert_int_equal(make_block(&c, private_state, &private, &root, version + 1), 0);
        expected = twin_root(&private);
        assert_true(hash256_equal(&root, &expected));
    }
    struct state_reader reader;
    struct store_txn *txn;
    assert_int_equal(store_begin_read(&txn, c.store, NULL), 0);
    assert_int_equal(state_reader_open(&reader, &c.db, txn, private_state), 0);
    twin_compare_reader(&private, &reader);
    assert_int_equal(state_reader_open_at(&reader, &c.db, txn, private_state, 18), 0);
    assert_false(reader.newest);
    twin_compare_reader(&old_private, &reader);
    assert_int_equal(state_reader_open_at(&reader, &c.db, txn, state_public(), 19), 0);
    assert_true(reader.newest); /* nothing has changed since 18 */
    twin_compare_reader(&public, &reader);
    struct twin nothing = {0};
    assert_int_equal(state_reader_open_at(&reader, &c.db, txn, (struct state_instance){7}, 19), 0);
    twin_compare_reader(&nothing, &reader);
    store_abort(txn);
    chain_stop(&c);
}

/* Both change in the same version and become durable together. */
static void test_instances_together(void **unused)
{
    (void)unused;
    struct chain c[2]; /* the second one's store is not used */
    struct state_reader readers[2];
    struct state_update updates[2];
    const struct state_instance instances[2] = {state_public(), private_state};
    chain_start(&c[0], false, 31);
    chain_start(&c[1], false, 32);
    for (uint64_t version = 0; version < 10; version++) {
        struct store_txn *read, *write;
        struct state_commit together;
        assert_int_equal(store_begin_read(&read, c->store, NULL), 0);
        assert_int_equal(store_begin_write(&write, c->store, NULL), 0);
        assert_int_equal(state_commit_begin(&together, &c->db, write, version, NULL, NULL), 0);
        for (size_t i = 0; i < 2; i++) {
            assert_int_equal(state_reader_open(&readers[i], &c->db, read, instances[i]), 0);
            twin_compare_reader(&c[i].now, &readers[i]);
            state_view_reset(c[i].view, &readers[i]);
            assert_int_equal(run_block(&c[i], &c[i].now), 0);
            assert_int_equal(state_update_init(&updates[i], c[i].view, NULL), 0);
            assert_int_equal(state_update_commit(&updates[i], &together), 0);
        }
        assert_int_equal(state_commit_end(&together), 0);
        assert_int_equal(store_commit(write), 0);
        for (size_t i = 0; i < 2; i++)
            state_update_release(&updates[i]);
        store_abort(read);
    }
    compare_newest(c, &c->now);
    chain_stop(&c[0]);
    chain_stop(&c[1]);
}

/* Each operation of the store fails once: the version is there as a whole or not at all, and a
 * failed read is never an answer. */
static void test_store_failures(void **unused)
{
    (void)unused;
    struct chain c;
    chain_start(&c, false, 11);
    grow(&c, 8);
    for (enum store_fault fault = 0; fault < STORE_FAULTS; fault++) {
        int err = ERR_IO;
        for (uint64_t n = 1; err; n++) {
            struct twin next = c.now;
            struct hash256 root;
            c.for_good = false;
            uint64_t random = c.random;
            store_fault_set(c.store, fault, n, ERR_IO);
            err = make_block(&c, state_public(), &next, &root, c.version);
            store_fault_set(c.store, fault, 0, 0);
            if (!err || fault == STORE_FAULT_ACK) {
                assert_true(!err || err == ERR_IO);
                compare_newest(&c, &next);
                c.now = c.versions[c.version++] = next;
                break;
            }
            assert_int_equal(err, ERR_IO);
            compare_newest(&c, &c.now);
            c.random = random;
        }
        check_store(&c, false, false);
    }
    grow(&c, 4);
    for (uint64_t v = 0; v < c.version; v++)
        compare_version(&c, v);
    chain_stop(&c);
}

static void test_commit_out_of_memory(void **unused)
{
    (void)unused;
    struct chain c;
    chain_start(&c, false, 12);
    grow(&c, 5);
    int err = ERR_NOMEM;
    for (size_t n = 1; err; n++) {
        struct twin next = c.now;
        struct hash256 root;
        uint64_t random = c.random;
        c.for_good = false;
        state_view_free(c.view);
        assert_int_equal(state_view_new(&c.view, NULL), 0);
        mem_fail_at(n, 1);
        err = make_block(&c, state_public(), &next, &root, c.version);
        mem_fail_at(0, 0);
        if (!err) {
            compare_newest(&c, &next);
            break;
        }
        assert_int_equal(err, ERR_NOMEM);
        compare_newest(&c, &c.now);
        c.random = random;
    }
    check_store(&c, false, false);
    chain_stop(&c);
}

static void test_refusals(void **unused)
{
    (void)unused;
    struct chain c;
    struct err_detail detail = {""};
    struct state_db db;
    uint64_t head;
    chain_start(&c, false, 3);
    struct store_txn *txn;
    assert_int_equal(store_begin_read(&txn, c.store, NULL), 0);
    assert_int_equal(state_db_head(&c.db, txn, &head), ERR_NOTFOUND);
    store_abort(txn);
    grow(&c, 3);

    assert_int_equal(state_db_open(&db, c.store, FIRST_TABLE, true, &detail), ERR_UNSUPPORTED);
    assert_string_equal(detail.text, "state: the store was made without archive");

    struct state_commit commit;
    assert_int_equal(store_begin_write(&txn, c.store, NULL), 0);
    assert_int_equal(state_commit_begin(&commit, &c.db, txn, 2, NULL, &detail), ERR_USAGE);
    assert_string_equal(detail.text, "state: version 2 cannot be written, the newest is 2");
    store_abort(txn);

    /* Changes of an old version. */
    struct state_reader reader;
    struct state_update update;
    assert_int_equal(store_begin_read(&txn, c.store, NULL), 0);
    assert_int_equal(state_db_head(&c.db, txn, &head), 0);
    assert_int_equal(head, 2);
    assert_int_equal(state_reader_open_at(&reader, &c.db, txn, state_public(), 3), ERR_NOTFOUND);
    assert_int_equal(state_reader_open_at(&reader, &c.db, txn, state_public(), 1), 0);
    state_view_reset(c.view, &reader);
    struct twin old = c.versions[1];
    assert_int_equal(run_block(&c, &old), 0);
    assert_int_equal(state_update_init(&update, c.view, &detail), 0);
    struct hash256 root, expected = twin_root(&old);
    assert_int_equal(state_update_root(&update, &root), 0);
    assert_true(hash256_equal(&root, &expected)); /* as a what-if it is fine */
    struct store_txn *write;
    assert_int_equal(store_begin_write(&write, c.store, NULL), 0);
    assert_int_equal(state_commit_begin(&commit, &c.db, write, 3, NULL, &detail), 0);
    assert_int_equal(state_update_commit(&update, &commit), ERR_USAGE);
    assert_string_equal(detail.text, "state: the changes do not start from the newest version");
    state_commit_release(&commit);
    store_abort(write);
    state_update_release(&update);
    store_abort(txn);
    chain_stop(&c);
}

/* Entries that this program cannot have written. */
static void test_damage(void **unused)
{
    (void)unused;
    struct chain c;
    chain_start(&c, false, 21);
    grow(&c, 6);
    struct store_txn *txn;
    struct store_cursor *cursor;
    struct bytes key;
    uint8_t first[64];
    assert_int_equal(store_begin_write(&txn, c.store, NULL), 0);
    assert_int_equal(store_cursor_new(&cursor, txn, FIRST_TABLE + STATE_ACCOUNTS), 0);
    assert_int_equal(store_cursor_first(cursor, &key, NULL), 0);
    size_t len = key.len;
    memcpy(first, key.data, len);
    store_cursor_free(cursor);
    static const char *const values[] = {"", "\1", "\0\1", "\x90\0", "\0\x21", "\1\0short"};
    static const size_t sizes[] = {0, 1, 2, 2, 2, 7};
    for (size_t i = 0; i < BASE_COUNT(values); i++) {
        struct state_reader reader;
        struct state_account account;
        struct address address;
        bool exists;
        assert_int_equal(store_put(txn, FIRST_TABLE + STATE_ACCOUNTS, bytes_of(first, len),
                                   bytes_of(values[i], sizes[i]), STORE_PUT),
                         0);
        memcpy(&address, first + 4, sizeof(address));
        assert_int_equal(state_reader_open(&reader, &c.db, txn, state_public()), 0);
        assert_int_equal(state_reader_account(&reader, &account, &exists, &address), ERR_CORRUPT);
    }
    struct state_reader reader;
    struct bytes code;
    struct hash256 unknown = {{1}};
    assert_int_equal(state_reader_open(&reader, &c.db, txn, state_public()), 0);
    assert_int_equal(state_reader_code(&reader, &code, &unknown), ERR_CORRUPT);
    store_abort(txn);
    chain_stop(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_history),
        cmocka_unit_test(test_pruning),
        cmocka_unit_test(test_archive_keeps_all),
        cmocka_unit_test(test_instances),
        cmocka_unit_test(test_instances_together),
        cmocka_unit_test(test_store_failures),
        cmocka_unit_test(test_commit_out_of_memory),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_damage),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
