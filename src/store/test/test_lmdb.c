/* The disk back end's own: opening, locking, damage, limits, and death at any instant. */
#include "base/file.h"
#include "base/mem.h"
#include "store/store.h"

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

enum { NUMBERS, TABLES };

static const struct store_table tables[TABLES] = {[NUMBERS] = {"numbers", STORE_KEY_U64}};
static const struct store_lmdb_options fast = {.sync = STORE_SYNC_NONE};
static const struct store_lmdb_options reading = {.read_only = true};

static int setup(void **state)
{
    char *path = malloc(64);
    snprintf(path, 64, "/tmp/quorate-lmdb-XXXXXX");
    *state = path;
    return mkdtemp(path) ? 0 : -1;
}

static void remove_store(const char *path)
{
    assert_int_equal(file_remove_folder(path, NULL), ERR_OK);
}

static int teardown(void **state)
{
    remove_store(*state);
    free(*state);
    return 0;
}

static struct store *open_store(const char *path)
{
    struct store *store;
    struct err_detail detail = {""};
    int status = store_lmdb_new(&store, path, tables, TABLES, &fast, &detail);
    if (status != ERR_OK)
        fail_msg("%s: %s", err_name(status), detail.text);
    return store;
}

static void expect_failure(const char *path, const struct store_lmdb_options *options, int code,
                           const char *part)
{
    struct store *store = NULL;
    struct err_detail detail = {""};
    assert_int_equal(store_lmdb_new(&store, path, tables, TABLES, options, &detail), code);
    assert_null(store);
    if (!strstr(detail.text, part) || !strstr(detail.text, path))
        fail_msg("\"%s\" lacks \"%s\" or the path", detail.text, part);
}

/* Entries first … last, each with its own number as its value. */
static int add(struct store *store, uint64_t first, uint64_t last, struct err_detail *detail)
{
    struct store_txn *txn;
    int status = store_begin_write(&txn, store, detail);
    if (status != ERR_OK)
        return status;
    for (uint64_t id = first; status == ERR_OK && id <= last; id++) {
        uint64_t value[64] = {id};
        status = store_put_id(txn, NUMBERS, id, bytes_of(value, sizeof(value)), STORE_APPEND);
    }
    if (status == ERR_OK)
        return store_commit(txn);
    store_abort(txn);
    return status;
}

static uint64_t count(struct store *store)
{
    struct store_txn *txn;
    uint64_t entries;
    assert_int_equal(store_begin_read(&txn, store, NULL), ERR_OK);
    assert_int_equal(store_count(txn, &entries, NUMBERS), ERR_OK);
    store_abort(txn);
    return entries;
}

static void reopening(void **state)
{
    const char *path = *state;
    struct store *store = open_store(path), *reader;
    assert_int_equal(add(store, 1, 100, NULL), ERR_OK);
    assert_int_equal(store_sync(store, NULL), ERR_OK);
    expect_failure(path, &fast, ERR_BUSY, "stop it or choose another folder");
    store_free(store);

    store = open_store(path);
    assert_int_equal(count(store), 100);
    store_free(store);
    assert_int_equal(store_lmdb_new(&store, path, tables, TABLES, NULL, NULL), ERR_OK);
    assert_int_equal(add(store, 101, 101, NULL), ERR_OK);
    store_free(store);
    assert_int_equal(store_lmdb_new(&reader, path, tables, TABLES, &reading, NULL), ERR_OK);
    assert_int_equal(count(reader), 101);
    store_free(reader);
}

/* Another process reads while this one writes; one that wants to write is kept out. */
static void other_processes(void **state)
{
    const char *path = *state;
    struct store *store = open_store(path);
    assert_int_equal(add(store, 1, 10, NULL), ERR_OK);
    pid_t child = fork();
    if (child == 0) {
        struct store *mine;
        if (store_lmdb_new(&mine, path, tables, TABLES, &fast, NULL) != ERR_BUSY)
            _exit(1);
        _exit(store_lmdb_new(&mine, path, tables, TABLES, &reading, NULL) == ERR_OK ? 0 : 2);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    store_free(store);
}

static void missing_and_foreign(void **state)
{
    const char *path = *state;
    char name[128];
    snprintf(name, sizeof(name), "%s/a/b", path);
    expect_failure(name, &fast, ERR_NOTFOUND, "cannot make the folder");
    expect_failure(name, &reading, ERR_NOTFOUND, "there is no store");
    expect_failure(path, &reading, ERR_NOTFOUND, "there is no store");

    snprintf(name, sizeof(name), "%s/data.mdb", path);
    FILE *file = fopen(name, "w");
    for (int i = 0; i < 5000; i++)
        fputs("not a store ", file);
    fclose(file);
    expect_failure(path, &fast, ERR_CORRUPT, "not a store");
    expect_failure(name, &fast, ERR_IO, "cannot open the folder");
}

/* Never waited for, and nothing made in the place of a disk that is not mounted. */
static void other_kinds(void **state)
{
    const char *path = *state;
    static const char *const names[] = {"data.mdb", "lock.mdb"};
    char name[128], copy[128];
    struct err_detail detail;
    snprintf(copy, sizeof(copy), "%s/copy", path);
    store_free(open_store(path));
    for (size_t i = 0; i < BASE_COUNT(names); i++) {
        snprintf(name, sizeof(name), "%s/%s", path, names[i]);
        assert_int_equal(unlink(name), 0);
        assert_int_equal(mkfifo(name, 0600), 0);
        expect_failure(path, &fast, ERR_CORRUPT, "is no regular file");
        expect_failure(path, &reading, ERR_CORRUPT, "is no regular file");
        assert_int_equal(store_lmdb_copy(path, copy, &detail), ERR_CORRUPT);
        assert_non_null(strstr(detail.text, names[i]));
        assert_int_equal(unlink(name), 0);
        assert_int_equal(symlink("/nonexistent/elsewhere", name), 0);
        expect_failure(path, &fast, ERR_IO, "is a link to what is not there; mount the disk");
        expect_failure(path, &reading, ERR_IO, name);
        assert_int_equal(store_lmdb_copy(path, copy, &detail), ERR_IO);
        assert_int_equal(unlink(name), 0);
        store_free(open_store(path));
    }
    snprintf(name, sizeof(name), "%s/link", path);
    assert_int_equal(symlink("/nonexistent/elsewhere", name), 0);
    expect_failure(name, &fast, ERR_IO, "link is a link to what is not there; mount the disk");
}

static void other_tables(void **state)
{
    const char *path = *state;
    struct store *store = open_store(path);
    store_free(store);
    static const struct store_table changed[] = {{"numbers", STORE_KEY_BYTES}};
    static const struct store_table missing[] = {{"others", STORE_KEY_BYTES}};
    struct err_detail detail;
    assert_int_equal(store_lmdb_new(&store, path, changed, 1, &fast, &detail), ERR_UNSUPPORTED);
    assert_non_null(strstr(detail.text, "table numbers has keys of another kind"));
    assert_int_equal(store_lmdb_new(&store, path, missing, 1, &reading, &detail), ERR_UNSUPPORTED);
    assert_non_null(strstr(detail.text, "has no table others"));
}

static void full(void **state)
{
    const char *path = *state;
    struct store_lmdb_options small = {.sync = STORE_SYNC_NONE, .map_size = 1 << 20};
    struct store *store;
    struct err_detail detail;
    assert_int_equal(store_lmdb_new(&store, path, tables, TABLES, &small, &detail), ERR_OK);
    assert_int_equal(add(store, 1, 100, &detail), ERR_OK);
    assert_int_equal(add(store, 101, 5000, &detail), ERR_NOSPACE);
    assert_non_null(strstr(detail.text, "raise it"));
    assert_int_equal(count(store), 100);
    store_free(store);
    store = open_store(path); /* with the usual size, it goes on */
    assert_int_equal(add(store, 101, 5000, &detail), ERR_OK);
    store_free(store);
}

/* In a process whose files may not grow beyond 1 MiB: which check failed, or 0. */
static int fill_limited_disk(const char *path)
{
    static const struct rlimit limit = {1 << 20, 1 << 20};
    struct store *store;
    struct err_detail detail = {""};
    signal(SIGXFSZ, SIG_IGN);
    setrlimit(RLIMIT_FSIZE, &limit);
    if (store_lmdb_new(&store, path, tables, TABLES, NULL, &detail) != ERR_OK)
        return 1;
    if (add(store, 1, 100, &detail) != ERR_OK)
        return 2;
    if (add(store, 101, 9000, &detail) != ERR_IO || !strstr(detail.text, path)) /* EFBIG */
        return 3;
    if (count(store) != 100)
        return 4;
    store_free(store);
    return 0;
}

/* A disk that refuses to take more is an error of the machine, and the content is as before. */
static void refusing_disk(void **state)
{
    pid_t child = fork();
    if (child == 0)
        _exit(fill_limited_disk(*state));
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    struct store *store = open_store(*state);
    assert_int_equal(count(store), 100);
    store_free(store);
}

static void lost_end_of_file(void **state)
{
    const char *path = *state;
    char name[128];
    struct store *store = open_store(path);
    for (uint64_t i = 0; i < 20; i++)
        assert_int_equal(add(store, i * 100 + 1, i * 100 + 100, NULL), ERR_OK);
    store_free(store);
    snprintf(name, sizeof(name), "%s/data.mdb", path);
    struct stat st;
    assert_int_equal(stat(name, &st), 0);
    assert_int_equal(truncate(name, 3 * 4096), 0);
    expect_failure(path, &reading, ERR_CORRUPT, "shorter than its content");
    expect_failure(path, &fast, ERR_CORRUPT, "damaged");
    assert_int_equal(truncate(name, st.st_size / 2), 0);
    struct err_detail detail;
    int status = store_lmdb_new(&store, path, tables, TABLES, &fast, &detail);
    if (status == ERR_OK) { /* the roots were in the first half */
        struct store_txn *txn;
        struct bytes value;
        int worst = ERR_OK;
        assert_int_equal(store_begin_read(&txn, store, &detail), ERR_OK);
        for (uint64_t id = 1; id <= 2000; id++) {
            int found = store_get_id(txn, &value, NUMBERS, id);
            worst = found < worst ? found : worst;
        }
        assert_int_not_equal(worst, ERR_OK);
        store_abort(txn);
        store_free(store);
    } else {
        assert_int_equal(status, ERR_CORRUPT);
    }
}

static void too_many_readers(void **state)
{
    struct store_lmdb_options few = {.sync = STORE_SYNC_NONE, .max_readers = 3};
    struct store *store;
    struct store_txn *txns[3], *one_more;
    struct err_detail detail;
    assert_int_equal(store_lmdb_new(&store, *state, tables, TABLES, &few, &detail), ERR_OK);
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(store_begin_read(&txns[i], store, &detail), ERR_OK);
    assert_int_equal(store_begin_read(&one_more, store, &detail), ERR_BUSY);
    assert_non_null(strstr(detail.text, "max_readers"));
    store_abort(txns[0]);
    assert_int_equal(store_begin_read(&txns[0], store, &detail), ERR_OK);
    for (size_t i = 0; i < 3; i++)
        store_abort(txns[i]);
    store_free(store);
}

/* A process that is killed while it writes leaves whole batches, and at least the acknowledged. */
static void killed_while_writing(void **state)
{
    const char *path = *state;
    enum { BATCH = 50, ROUNDS = 5 };
    uint64_t seen = 0;
    for (int round = 0; round < ROUNDS; round++) {
        int pipe_ends[2];
        assert_int_equal(pipe(pipe_ends), 0);
        pid_t child = fork();
        if (child == 0) {
            struct store *store = open_store(path);
            for (uint64_t first = count(store) + 1;; first += BATCH) {
                uint64_t last = first + BATCH - 1;
                if (add(store, first, last, NULL) != ERR_OK)
                    _exit(1);
                if (write(pipe_ends[1], &last, sizeof(last)) != sizeof(last))
                    _exit(1);
            }
        }
        close(pipe_ends[1]);
        uint64_t acknowledged = 0;
        for (int i = 0; i < 3 + 7 * round; i++)
            assert_int_equal(read(pipe_ends[0], &acknowledged, sizeof(acknowledged)),
                             sizeof(acknowledged));
        kill(child, SIGKILL);
        waitpid(child, NULL, 0);
        while (read(pipe_ends[0], &acknowledged, sizeof(acknowledged)) == sizeof(acknowledged))
            ;
        close(pipe_ends[0]);
        struct store *store = open_store(path);
        uint64_t entries = count(store);
        assert_int_equal(entries % BATCH, 0);
        assert_true(entries >= acknowledged && entries > seen);
        seen = entries;
        store_free(store);
    }
}

static void out_of_memory(void **state)
{
    struct store *store;
    for (size_t n = 1;; n++) {
        mem_fail_at(n, 1);
        int status = store_lmdb_new(&store, *state, tables, TABLES, &fast, NULL);
        bool injected = mem_fail_left() == 0;
        mem_fail_at(0, 0);
        if (status == ERR_OK)
            store_free(store);
        if (!injected) {
            assert_int_equal(status, ERR_OK);
            break;
        }
        assert_int_equal(status, ERR_NOMEM);
    }
}

/* Batches of ten, until it is killed. */
static void write_on(const char *path)
{
    struct store *store = open_store(path);
    for (uint64_t first = count(store) + 1;; first += 10)
        if (add(store, first, first + 9, NULL) != ERR_OK)
            _exit(1);
}

/* A copy while another process writes holds whole batches, no fewer than there were, and is as good a store. */
static void copied_while_written(void **state)
{
    const char *path = *state;
    char folder[64], file[96];
    struct err_detail detail = {""};
    uint64_t before = 0;
    struct store *store = open_store(path);
    assert_int_equal(add(store, 1, 1000, NULL), ERR_OK);
    store_free(store);
    pid_t child = fork();
    if (child == 0)
        write_on(path);
    for (int i = 0; i < 10; i++) {
        snprintf(folder, sizeof(folder), "%s-copy", path);
        snprintf(file, sizeof(file), "%s/data.mdb", folder);
        assert_int_equal(mkdir(folder, 0700), 0);
        if (store_lmdb_copy(path, file, &detail) != ERR_OK)
            fail_msg("%s", detail.text);
        assert_int_equal(store_lmdb_copy(path, file, &detail), ERR_EXISTS);
        store = open_store(folder);
        uint64_t entries = count(store);
        assert_true(entries >= before && entries >= 1000);
        assert_int_equal(entries % 10, 0);
        assert_int_equal(add(store, entries + 1, entries + 5, NULL), ERR_OK);
        store_free(store);
        before = entries;
        remove_store(folder);
    }
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
}

static void copy_of_nothing(void **state)
{
    char name[128], to[128];
    struct err_detail detail;
    snprintf(name, sizeof(name), "%s/none", (const char *)*state);
    snprintf(to, sizeof(to), "%s/copy", (const char *)*state);
    assert_int_equal(store_lmdb_copy(name, to, &detail), ERR_NOTFOUND);
    assert_int_not_equal(access(to, F_OK), 0);
    store_free(open_store(*state));
    snprintf(to, sizeof(to), "%s/none/copy", (const char *)*state);
    assert_int_equal(store_lmdb_copy(*state, to, &detail), ERR_NOTFOUND);
}

#define TEST(name) {#name, name, setup, teardown, NULL}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(reopening),
        TEST(other_processes),
        TEST(missing_and_foreign),
        TEST(other_kinds),
        TEST(other_tables),
        TEST(full),
        TEST(refusing_disk),
        TEST(lost_end_of_file),
        TEST(too_many_readers),
        TEST(killed_while_writing),
        TEST(copied_while_written),
        TEST(copy_of_nothing),
        TEST(out_of_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
