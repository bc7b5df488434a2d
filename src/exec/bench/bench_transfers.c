/*
 * Blocks of plain transfers over a large state on disk: how long it takes to open, to execute a
 * transfer, to find the new root and to make the block durable, and how much heap that needs.
 *
 *     bench_transfers [accounts [folder]]
 *
 * The folder (default: a new one under $TMPDIR or /tmp) must not exist and is removed in the end.
 * Senders and recipients are random accounts of the state. Of several blocks the quickest counts:
 * other programs only ever add.
 */
#include "base/clock.h"
#include "exec/exec.h"
#include "state/state.h"

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { BUILD_STEP = 20000, TRANSFERS = 1000, BLOCKS = 10, PATH_MAX_SIZE = 4096 };

struct times {
    double execute, root, commit; /* ms */
};

struct bench {
    char folder[PATH_MAX_SIZE];
    struct store *store;
    struct state_db db;
    struct state_view *view;
    struct exec *exec;
    uint64_t accounts, version, random;
    size_t heap; /* most bytes seen */
};

static void must(int err, const char *what, const struct err_detail *detail)
{
    if (err == 0)
        return;
    fprintf(stderr, "%s: %s: %s\n", what, err_text(err), detail ? detail->text : "");
    exit(1);
}

/* In ms. */
static double now(void)
{
    return base_now_seconds() * 1e3;
}

static void watch_heap(struct bench *b)
{
    struct mallinfo2 info = mallinfo2();
    size_t used = info.uordblks + info.hblkhd;
    if (used > b->heap)
        b->heap = used;
}

static uint64_t next_random(struct bench *b)
{
    b->random ^= b->random << 13;
    b->random ^= b->random >> 7;
    b->random ^= b->random << 17;
    return b->random;
}

static struct address address_of(uint64_t number)
{
    struct address a = {{0xac}};
    uint64_t spread = number * UINT64_C(0x9e3779b97f4a7c15);
    memcpy(a.b + 4, &spread, sizeof(spread));
    memcpy(a.b + 12, &number, sizeof(number));
    return a;
}

/* --- Versions --- */

static struct store_txn *open_view(struct bench *b)
{
    struct store_txn *txn;
    struct state_reader reader;
    must(store_begin_read(&txn, b->store, NULL), "read", NULL);
    must(state_reader_open(&reader, &b->db, txn, state_public()), "open the state", NULL);
    state_view_reset(b->view, &reader);
    return txn;
}

static void close_view(struct bench *b, struct store_txn *txn, struct times *times)
{
    struct err_detail detail = {""};
    struct state_update update;
    struct state_commit commit;
    struct store_txn *write;
    struct hash256 root;
    double start = now();
    must(state_update_init(&update, b->view, &detail), "difference", &detail);
    must(state_update_root(&update, &root), "root", &detail);
    double hashed = now();
    must(store_begin_write(&write, b->store, &detail), "write", &detail);
    must(state_commit_begin(&commit, &b->db, write, b->version++, NULL, &detail), "commit",
         &detail);
    must(state_update_commit(&update, &commit), "commit", &detail);
    must(state_commit_end(&commit), "commit", &detail);
    must(store_commit(write), "commit", &detail);
    times->root = hashed - start;
    times->commit = now() - hashed;
    watch_heap(b);
    state_update_release(&update);
    store_abort(txn);
}

static void build(struct bench *b)
{
    const struct u256 ether = u256_from(UINT64_C(1000000000000000000));
    struct times unused;
    for (uint64_t i = 0; i < b->accounts;) {
        struct store_txn *txn = open_view(b);
        for (uint64_t end = i + BUILD_STEP; i < end && i < b->accounts; i++) {
            struct address a = address_of(i);
            must(state_view_set_balance(b->view, &a, &ether), "account", NULL);
        }
        state_view_end_transaction(b->view, true);
        close_view(b, txn, &unused);
    }
}

/* --- Blocks --- */

static void transfer(struct bench *b)
{
    struct address from = address_of(next_random(b) % b->accounts);
    const struct state_account *account;
    struct exec_result result;
    must(state_view_account(b->view, &account, &from), "sender", NULL);
    struct eth_transaction tx = {.to = address_of(next_random(b) % b->accounts),
                                 .nonce = account->nonce,
                                 .gas_limit = 21000,
                                 .value = u256_from(1)};
    must(exec_transaction(b->exec, &result, NULL, &tx, &from, 0), "transaction", NULL);
    if (result.verdict != EXEC_VALID) {
        fprintf(stderr, "transaction: %s\n", exec_verdict_text(result.verdict));
        exit(1);
    }
}

static struct times run_block(struct bench *b)
{
    const struct exec_block block = {
        .fork = FORK_BERLIN, .number = b->version, .gas_limit = UINT64_C(21000) * TRANSFERS};
    struct times times;
    struct store_txn *txn = open_view(b);
    exec_begin_block(b->exec, &block, b->view, NULL);
    double start = now();
    for (int i = 0; i < TRANSFERS; i++)
        transfer(b);
    times.execute = now() - start;
    watch_heap(b);
    close_view(b, txn, &times);
    return times;
}

static void open_store(struct bench *b, enum store_sync sync)
{
    struct err_detail detail = {""};
    struct store_lmdb_options options = {.sync = sync};
    must(store_lmdb_new(&b->store, b->folder, state_tables, STATE_TABLES, &options, &detail),
         "store", &detail);
    must(state_db_open(&b->db, b->store, 0, false, &detail), "state", &detail);
}

static void remove_folder(const struct bench *b)
{
    char path[PATH_MAX_SIZE + 16];
    static const char *const files[] = {"data.mdb", "lock.mdb"};
    for (size_t i = 0; i < BASE_COUNT(files); i++) {
        snprintf(path, sizeof(path), "%s/%s", b->folder, files[i]);
        unlink(path);
    }
    rmdir(b->folder);
}

static double least(double a, double b)
{
    return a < b ? a : b;
}

int main(int argc, char **argv)
{
    static struct bench b = {.random = 0x2545f4914f6cdd1d};
    const char *base = getenv("TMPDIR");
    b.accounts = argc > 1 ? strtoull(argv[1], NULL, 10) : 1000000;
    if (argc > 2)
        snprintf(b.folder, sizeof(b.folder), "%s", argv[2]);
    else
        snprintf(b.folder, sizeof(b.folder), "%s/quorate-transfers-%d", base ? base : "/tmp",
                 (int)getpid());
    must(state_view_new(&b.view, NULL), "view", NULL);
    must(exec_new(&b.exec), "machine", NULL);
    open_store(&b, STORE_SYNC_NONE);
    build(&b);
    store_free(b.store);
    state_view_free(b.view);
    must(state_view_new(&b.view, NULL), "view", NULL);
    malloc_trim(0);
    b.heap = 0;

    double start = now();
    open_store(&b, STORE_SYNC_COMMIT);
    double opened = now() - start;
    struct times best = run_block(&b);
    for (int i = 1; i < BLOCKS; i++) {
        struct times t = run_block(&b);
        best = (struct times){least(best.execute, t.execute), least(best.root, t.root),
                              least(best.commit, t.commit)};
    }
    printf("%llu accounts, blocks of %d transfers\n", (unsigned long long)b.accounts, TRANSFERS);
    printf("open            %8.2f ms\n", opened);
    printf("execute         %8.2f us a transfer\n", best.execute * 1e3 / TRANSFERS);
    printf("root            %8.2f us a transfer\n", best.root * 1e3 / TRANSFERS);
    printf("durable commit  %8.2f us a transfer\n", best.commit * 1e3 / TRANSFERS);
    printf("most heap       %8.2f MB\n", (double)b.heap / 1e6);
    state_view_free(b.view);
    exec_free(b.exec);
    store_free(b.store);
    remove_folder(&b);
    return 0;
}
