/* What every back end must do: the same tests over memory, disk, and disk behind the fault wrapper.
 */
#include "base/file.h"
#include "base/mem.h"
#include "store/fault.h"
#include "store/store.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

enum { NAMES, NUMBERS, TABLES };

static const struct store_table tables[TABLES] = {
    [NAMES] = {"names", STORE_KEY_BYTES},
    [NUMBERS] = {"numbers", STORE_KEY_U64},
};

struct fixture {
    struct store *store;
    char path[64];
};

static int setup_memory(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    *state = f;
    return store_memory_new(&f->store, tables, TABLES);
}

static int setup_lmdb(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    struct store_lmdb_options options = {.sync = STORE_SYNC_NONE};
    snprintf(f->path, sizeof(f->path), "/tmp/quorate-store-XXXXXX");
    *state = f;
    if (!mkdtemp(f->path))
        return -1;
    return store_lmdb_new(&f->store, f->path, tables, TABLES, &options, NULL);
}

static int setup_fault(void **state)
{
    if (setup_memory(state) != 0)
        return -1;
    struct fixture *f = *state;
    return store_fault_new(&f->store, f->store);
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

static struct store_txn *begin_write(struct store *store)
{
    struct store_txn *txn;
    assert_int_equal(store_begin_write(&txn, store, NULL), ERR_OK);
    return txn;
}

static struct store_txn *begin_read(struct store *store)
{
    struct store_txn *txn;
    assert_int_equal(store_begin_read(&txn, store, NULL), ERR_OK);
    return txn;
}

static void put(struct store_txn *txn, const char *key, const char *value)
{
    assert_int_equal(store_put(txn, NAMES, bytes_str(key), bytes_str(value), STORE_PUT), ERR_OK);
}

/* NULL = not there */
static void expect(struct store_txn *txn, const char *key, const char *value)
{
    struct bytes found;
    int status = store_get(txn, &found, NAMES, bytes_str(key));
    assert_int_equal(status, value ? ERR_OK : ERR_NOTFOUND);
    if (value)
        assert_true(bytes_equal(found, bytes_str(value)));
}

static void a_batch_is_visible_as_a_whole(void **state)
{
    struct store *store = store_from(state);
    struct store_txn *txn = begin_write(store);
    put(txn, "a", "1");
    put(txn, "b", "");
    expect(txn, "a", "1");
    struct store_txn *before = begin_read(store);
    assert_int_equal(store_commit(txn), ERR_OK);
    expect(before, "a", NULL);
    struct store_txn *after = begin_read(store);
    expect(after, "a", "1");
    expect(after, "b", "");

    txn = begin_write(store);
    put(txn, "a", "2");
    assert_int_equal(store_delete(txn, NAMES, bytes_str("b")), ERR_OK);
    assert_int_equal(store_delete(txn, NAMES, bytes_str("c")), ERR_NOTFOUND);
    expect(txn, "a", "2");
    expect(txn, "b", NULL);
    store_abort(txn);

    txn = begin_write(store);
    expect(txn, "a", "1");
    assert_int_equal(store_delete(txn, NAMES, bytes_str("b")), ERR_OK);
    assert_int_equal(store_commit(txn), ERR_OK);
    expect(before, "a", NULL);
    expect(after, "b", "");
    store_abort(before);
    store_abort(after);
    store_abort(NULL);
}

static void put_modes(void **state)
{
    struct store_txn *txn = begin_write(store_from(state));
    struct bytes value;
    uint64_t count;
    assert_int_equal(store_put(txn, NAMES, bytes_str("k"), bytes_str("1"), STORE_INSERT), ERR_OK);
    assert_int_equal(store_put(txn, NAMES, bytes_str("k"), bytes_str("2"), STORE_INSERT),
                     ERR_EXISTS);
    store_abort(txn);

    txn = begin_write(store_from(state));
    for (uint64_t id = 1; id < 2000; id += 3)
        assert_int_equal(store_put_id(txn, NUMBERS, id, bytes_of(&id, sizeof(id)), STORE_APPEND),
                         ERR_OK);
    for (uint64_t id = 1; id < 2000; id++) {
        int status = store_get_id(txn, &value, NUMBERS, id);
        assert_int_equal(status, id % 3 == 1 ? ERR_OK : ERR_NOTFOUND);
        if (status == ERR_OK)
            assert_int_equal(store_id_of_key(value), id);
    }
    assert_int_equal(store_put_id(txn, NUMBERS, 2, bytes_str("two"), STORE_PUT), ERR_OK);
    assert_int_equal(store_put_id(txn, NUMBERS, 5000, bytes_str("end"), STORE_APPEND), ERR_OK);
    assert_int_equal(store_delete_id(txn, NUMBERS, 4), ERR_OK);
    assert_int_equal(store_count(txn, &count, NUMBERS), ERR_OK);
    assert_int_equal(count, 668);
    assert_int_equal(store_commit(txn), ERR_OK);
}

static void cursors(void **state)
{
    struct store *store = store_from(state);
    struct store_cursor *cursor;
    struct bytes key, value;
    struct store_txn *txn = begin_write(store);
    assert_int_equal(store_cursor_new(&cursor, txn, NAMES), ERR_OK);
    assert_int_equal(store_cursor_first(cursor, &key, &value), ERR_NOTFOUND);
    assert_int_equal(store_cursor_last(cursor, &key, &value), ERR_NOTFOUND);
    assert_int_equal(store_cursor_seek(cursor, &key, &value, bytes_str("x")), ERR_NOTFOUND);
    store_cursor_free(cursor);
    put(txn, "bb", "2");
    put(txn, "a", "1");
    put(txn, "b", "3");
    put(txn, "c", "4");
    /* 256 sorts before 1 as bytes, but not as a number */
    for (uint64_t id = 1; id <= 300; id++)
        assert_int_equal(store_put_id(txn, NUMBERS, 301 - id, bytes_str("n"), STORE_PUT), ERR_OK);
    assert_int_equal(store_commit(txn), ERR_OK);

    txn = begin_read(store);
    assert_int_equal(store_cursor_new(&cursor, txn, NAMES), ERR_OK);
    static const char *const order[] = {"a", "b", "bb", "c"};
    for (size_t i = 0; i < 4; i++) {
        int status =
            i ? store_cursor_next(cursor, &key, &value) : store_cursor_first(cursor, &key, NULL);
        assert_int_equal(status, ERR_OK);
        assert_true(bytes_equal(key, bytes_str(order[i])));
    }
    assert_true(bytes_equal(value, bytes_str("4")));
    assert_int_equal(store_cursor_next(cursor, &key, &value), ERR_NOTFOUND);
    assert_int_equal(store_cursor_last(cursor, &key, &value), ERR_OK);
    assert_true(bytes_equal(key, bytes_str("c")));
    assert_int_equal(store_cursor_seek(cursor, &key, &value, bytes_str("ba")), ERR_OK);
    assert_true(bytes_equal(key, bytes_str("bb")));
    assert_int_equal(store_cursor_prev(cursor, &key, &value), ERR_OK);
    assert_true(bytes_equal(key, bytes_str("b")));
    assert_int_equal(store_cursor_seek(cursor, &key, &value, bytes_str("a")), ERR_OK);
    assert_int_equal(store_cursor_prev(cursor, &key, &value), ERR_NOTFOUND);
    assert_int_equal(store_cursor_seek(cursor, &key, &value, bytes_str("d")), ERR_NOTFOUND);
    store_cursor_free(cursor);
    store_cursor_free(NULL);

    assert_int_equal(store_cursor_new(&cursor, txn, NUMBERS), ERR_OK);
    for (uint64_t id = 1; id <= 300; id++) {
        int status = id > 1 ? store_cursor_next(cursor, &key, &value)
                            : store_cursor_first(cursor, &key, &value);
        assert_int_equal(status, ERR_OK);
        assert_int_equal(store_id_of_key(key), id);
    }
    store_cursor_free(cursor);
    store_abort(txn);
}

static uint64_t random_state;

static uint64_t random_next(void)
{
    random_state = random_state * 6364136223846793005u + 1442695040888963407u;
    return random_state >> 33;
}

/* The plain twin: an array indexed by the key. 0 = not there. */
enum { MODEL_KEYS = 512 };

struct model {
    uint32_t values[MODEL_KEYS];
};

static void compare_with_model(struct store_txn *txn, const struct model *m)
{
    struct store_cursor *cursor;
    struct bytes key, value;
    assert_int_equal(store_cursor_new(&cursor, txn, NUMBERS), ERR_OK);
    int status = store_cursor_first(cursor, &key, &value);
    uint64_t expected = 0, count;
    for (uint64_t id = 0; id < MODEL_KEYS; id++) {
        if (!m->values[id])
            continue;
        assert_int_equal(status, ERR_OK);
        assert_int_equal(store_id_of_key(key), id);
        assert_int_equal(value.len, 4 + m->values[id] % 100);
        assert_memory_equal(value.data, &m->values[id], 4);
        status = store_cursor_next(cursor, &key, &value);
        expected++;
    }
    assert_int_equal(status, ERR_NOTFOUND);
    store_cursor_free(cursor);
    assert_int_equal(store_count(txn, &count, NUMBERS), ERR_OK);
    assert_int_equal(count, expected);
}

static void random_operations(void **state)
{
    enum { SNAPSHOTS = 4 };
    struct store *store = store_from(state);
    struct model committed = {{0}}, kept[SNAPSHOTS] = {0};
    struct store_txn *readers[SNAPSHOTS] = {NULL};
    random_state = 7;
    for (int round = 0; round < 200; round++) {
        struct model working = committed;
        struct store_txn *txn = begin_write(store);
        for (uint64_t i = random_next() % 60; i-- > 0;) {
            uint64_t id = random_next() % MODEL_KEYS;
            uint8_t data[104] = {0};
            uint32_t value = random_next() % 4 ? (uint32_t)random_next() | 1 : 0;
            memcpy(data, &value, sizeof(value));
            if (value)
                assert_int_equal(
                    store_put_id(txn, NUMBERS, id, bytes_of(data, 4 + value % 100), STORE_PUT),
                    ERR_OK);
            else
                assert_int_equal(store_delete_id(txn, NUMBERS, id),
                                 working.values[id] ? ERR_OK : ERR_NOTFOUND);
            working.values[id] = value;
        }
        compare_with_model(txn, &working);
        if (random_next() % 4) {
            assert_int_equal(store_commit(txn), ERR_OK);
            committed = working;
        } else {
            store_abort(txn);
        }
        size_t slot = random_next() % SNAPSHOTS;
        if (readers[slot])
            compare_with_model(readers[slot], &kept[slot]);
        store_abort(readers[slot]);
        readers[slot] = begin_read(store);
        kept[slot] = committed;
        compare_with_model(readers[slot], &committed);
    }
    for (size_t i = 0; i < SNAPSHOTS; i++)
        store_abort(readers[i]);
}

/* Readers on other threads see one version, whatever the writer does meanwhile. */
static void *read_pairs(void *context)
{
    for (int i = 0; i < 300; i++) {
        struct store_txn *txn;
        struct bytes a, b;
        if (store_begin_read(&txn, context, NULL) != ERR_OK)
            return (void *)1;
        bool same = store_get(txn, &a, NAMES, bytes_str("x")) == ERR_OK &&
                    store_get(txn, &b, NAMES, bytes_str("y")) == ERR_OK && bytes_equal(a, b);
        store_abort(txn);
        if (!same)
            return (void *)2;
    }
    return NULL;
}

static void readers_on_threads(void **state)
{
    struct store *store = store_from(state);
    pthread_t threads[3];
    for (int i = 0; i <= 500; i++) {
        char text[16];
        snprintf(text, sizeof(text), "%d", i);
        struct store_txn *txn = begin_write(store);
        put(txn, "x", text);
        put(txn, "y", text);
        assert_int_equal(store_commit(txn), ERR_OK);
        if (i == 0)
            for (size_t t = 0; t < 3; t++)
                assert_int_equal(pthread_create(&threads[t], NULL, read_pairs, store), 0);
    }
    for (size_t t = 0; t < 3; t++) {
        void *result;
        pthread_join(threads[t], &result);
        assert_null(result);
    }
}

/* Every allocation fails once; a batch that failed left nothing behind. */
static void out_of_memory(void **state)
{
    struct store *store = store_from(state);
    struct store_txn *txn = begin_write(store), *reader;
    for (uint64_t id = 0; id < 40; id++)
        assert_int_equal(store_put_id(txn, NUMBERS, id, bytes_str("old"), STORE_PUT), ERR_OK);
    assert_int_equal(store_commit(txn), ERR_OK);
    for (size_t n = 1;; n++) {
        reader = begin_read(store); /* so that the writer has to copy */
        mem_fail_at(n, 1);
        int status = store_begin_write(&txn, store, NULL);
        if (status == ERR_OK) {
            for (uint64_t id = 0; status == ERR_OK && id < 40; id += 2)
                status = store_put_id(txn, NUMBERS, id, bytes_str("new"), STORE_PUT);
            if (status == ERR_OK)
                status = store_delete_id(txn, NUMBERS, 7);
            if (status == ERR_OK)
                status = store_commit(txn);
            else
                store_abort(txn);
        }
        bool injected = mem_fail_left() == 0;
        mem_fail_at(0, 0);
        store_abort(reader);
        struct bytes value;
        reader = begin_read(store);
        assert_int_equal(store_get_id(reader, &value, NUMBERS, 0), ERR_OK);
        assert_true(bytes_equal(value, bytes_str(status == ERR_OK ? "new" : "old")));
        assert_int_equal(store_get_id(reader, &value, NUMBERS, 7),
                         status == ERR_OK ? ERR_NOTFOUND : ERR_OK);
        store_abort(reader);
        if (!injected) {
            assert_int_equal(status, ERR_OK);
            break;
        }
        assert_int_equal(status, ERR_NOMEM);
    }
}

static int one_batch(struct store *store, const char *value, struct err_detail *detail)
{
    struct store_txn *txn;
    struct bytes found;
    int status = store_begin_write(&txn, store, detail);
    if (status != ERR_OK)
        return status;
    status = store_get(txn, &found, NAMES, bytes_str("a"));
    if (status == ERR_OK || status == ERR_NOTFOUND)
        status = store_put(txn, NAMES, bytes_str("a"), bytes_str(value), STORE_PUT);
    if (status == ERR_OK)
        status = store_put(txn, NAMES, bytes_str("b"), bytes_str(value), STORE_PUT);
    if (status == ERR_OK)
        return store_commit(txn);
    store_abort(txn);
    return status;
}

static void injected_faults(void **state)
{
    struct store *store = store_from(state);
    struct err_detail detail;
    static const struct {
        enum store_fault fault;
        uint64_t n;
        const char *message;
    } cases[] = {
        {STORE_FAULT_BEGIN, 1, "injected fault: begin"},
        {STORE_FAULT_READ, 1, "injected fault: read"},
        {STORE_FAULT_WRITE, 1, "injected fault: write"},
        {STORE_FAULT_WRITE, 2, "injected fault: write"},
        {STORE_FAULT_COMMIT, 1, "injected fault: commit"},
    };
    assert_int_equal(one_batch(store, "old", &detail), ERR_OK);
    for (size_t i = 0; i < BASE_COUNT(cases); i++) {
        store_fault_set(store, cases[i].fault, cases[i].n, ERR_NOSPACE);
        assert_int_equal(one_batch(store, "new", &detail), ERR_NOSPACE);
        assert_memory_equal(detail.text, cases[i].message, strlen(cases[i].message));
        struct store_txn *txn = begin_read(store);
        expect(txn, "a", "old");
        expect(txn, "b", "old");
        store_abort(txn);
    }
    /* the commit took effect, only its answer was lost */
    store_fault_set(store, STORE_FAULT_ACK, 1, ERR_IO);
    assert_int_equal(one_batch(store, "new", &detail), ERR_IO);
    struct store_txn *txn = begin_read(store);
    expect(txn, "a", "new");
    expect(txn, "b", "new");
    store_abort(txn);
    store_fault_set(store, STORE_FAULT_WRITE, 1, ERR_IO);
    store_fault_set(store, STORE_FAULT_WRITE, 0, 0);
    assert_int_equal(one_batch(store, "newer", &detail), ERR_OK);
    assert_int_equal(store_fault_count(store, STORE_FAULT_ACK), 3);
    assert_int_equal(store_sync(store, NULL), ERR_OK);
}

static void new_reports_no_memory(void **state)
{
    (void)state;
    struct store *store, *inner;
    mem_fail_at(1, 1);
    assert_int_equal(store_memory_new(&store, tables, TABLES), ERR_NOMEM);
    assert_int_equal(store_memory_new(&inner, tables, TABLES), ERR_OK);
    mem_fail_at(1, 1);
    assert_int_equal(store_fault_new(&store, inner), ERR_NOMEM);
    mem_fail_at(0, 0);
    store_free(inner);
    store_free(NULL);
}

#define ON(test, backend) {#test " (" #backend ")", test, setup_##backend, teardown, NULL}
#define ON_ALL(test)      ON(test, memory), ON(test, lmdb), ON(test, fault)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_ALL(a_batch_is_visible_as_a_whole),
        ON_ALL(put_modes),
        ON_ALL(cursors),
        ON_ALL(random_operations),
        ON_ALL(readers_on_threads),
        ON_ALL(out_of_memory),
        ON(injected_faults, fault),
        cmocka_unit_test(new_reports_no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
