/*
 * The state root of a block: accounts in an LMDB store on disk, some of them changed, the new root,
 * and everything durable.
 *
 *     bench_state_root [accounts [folder]]
 *
 * The folder (default: a new one under $TMPDIR or /tmp) must not exist and is removed in the end.
 * Each block changes other random accounts; the figures are those of the quickest of several, since
 * other programs only ever add, with the median of the whole behind them.
 */
#include "base/clock.h"
#include "crypto/keccak.h"
#include "rlp/rlp.h"
#include "trie/trie.h"

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { NODES, STALE, TABLES };
enum { BUILD_STEP = 10000, CHANGES_MAX = 10000, BLOCKS = 15, ACCOUNT_SIZE_MAX = 128 };

static const struct store_table tables[TABLES] = {
    [NODES] = {"nodes", STORE_KEY_U64},
    [STALE] = {"stale", STORE_KEY_U64},
};

enum { FOLDER_MAX = 4000, PATH_SIZE = FOLDER_MAX + 16 };

struct block_times {
    double update, hash, commit, total; /* ms */
};

struct bench {
    struct store *store;
    struct trie_root root;
    uint64_t version, random;
    struct hash256 keys[CHANGES_MAX];
    uint8_t values[CHANGES_MAX][ACCOUNT_SIZE_MAX];
    struct trie_item items[CHANGES_MAX];
    size_t heap; /* most bytes seen */
};

static void must(int status, const char *what, const struct err_detail *detail)
{
    if (status == ERR_OK)
        return;
    fprintf(stderr, "%s: %s: %s\n", what, err_text(status), detail->text);
    exit(1);
}

/* In ms. */
static double now(void)
{
    return base_now_seconds() * 1e3;
}

static uint64_t random_next(struct bench *b)
{
    b->random ^= b->random << 13;
    b->random ^= b->random >> 7;
    b->random ^= b->random << 17;
    return b->random;
}

static void note_heap(struct bench *b)
{
    struct mallinfo2 info = mallinfo2();
    if (info.uordblks + info.hblkhd > b->heap)
        b->heap = info.uordblks + info.hblkhd;
}

/* An account without code and storage. */
static struct bytes make_account(struct bench *b, uint8_t *at)
{
    uint64_t nonce = random_next(b) % 100000;
    struct u256 balance = {{random_next(b), random_next(b) % 1000, 0, 0}};
    size_t content =
        rlp_size_u64(nonce) + rlp_size_u256(&balance) + 2 * (1 + sizeof(struct hash256));
    uint8_t *end = rlp_put_list_header(at, content);
    end = rlp_put_u64(end, nonce);
    end = rlp_put_u256(end, &balance);
    end = rlp_put_hash(end, &trie_empty_hash);
    end = rlp_put_hash(end, &crypto_keccak256_empty);
    return bytes_of(at, (size_t)(end - at));
}

static int compare_items(const void *a, const void *b)
{
    return memcmp(((const struct trie_item *)a)->key.data, ((const struct trie_item *)b)->key.data,
                  sizeof(struct hash256));
}

/* Items for the accounts from `first` on, or for random ones of `range`. Returns how many. */
static size_t make_items(struct bench *b, uint64_t first, uint64_t range, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        uint64_t index = range ? random_next(b) % range : first + i;
        crypto_keccak256(&b->keys[i], bytes_of(&index, sizeof(index)));
        b->items[i] = (struct trie_item){.key = bytes_of(b->keys[i].b, sizeof(b->keys[i].b)),
                                         .value = make_account(b, b->values[i])};
    }
    qsort(b->items, count, sizeof(b->items[0]), compare_items);
    size_t unique = 0;
    for (size_t i = 0; i < count; i++)
        if (unique == 0 || compare_items(&b->items[unique - 1], &b->items[i]) != 0)
            b->items[unique++] = b->items[i];
    return unique;
}

static struct block_times run_block(struct bench *b, size_t count)
{
    struct err_detail detail = {""};
    struct arena arena;
    struct trie t;
    struct trie_batch batch;
    struct store_txn *reader, *writer;
    struct hash256 hash;
    double start = now();
    arena_init(&arena);
    must(store_begin_read(&reader, b->store, &detail), "begin", &detail);
    trie_init(&t, &arena, TRIE_PLAIN, reader, NODES, &b->root, &detail);
    must(trie_update(&t, b->items, count), "update", &detail);
    double updated = now();
    must(trie_hash(&t, &hash), "hash", &detail);
    double hashed = now();
    store_abort(reader);
    must(store_begin_write(&writer, b->store, &detail), "begin", &detail);
    must(trie_batch_begin(&batch, writer, NODES, STALE, ++b->version, &detail), "batch", &detail);
    must(trie_commit(&t, &b->root, &batch), "commit", &detail);
    note_heap(b);
    must(trie_batch_end(&batch), "batch", &detail);
    must(store_commit(writer), "commit", &detail);
    arena_release(&arena);
    double end = now();
    return (struct block_times){updated - start, hashed - updated, end - hashed, end - start};
}

static int compare_totals(const void *a, const void *b)
{
    double x = ((const struct block_times *)a)->total, y = ((const struct block_times *)b)->total;
    return (x > y) - (x < y);
}

static void run_blocks(struct bench *b, uint64_t accounts, size_t changes)
{
    struct block_times times[BLOCKS];
    size_t count = 0;
    b->heap = 0;
    for (size_t i = 0; i < BLOCKS; i++) {
        count = make_items(b, 0, accounts, changes);
        times[i] = run_block(b, count);
    }
    qsort(times, BLOCKS, sizeof(times[0]), compare_totals);
    struct block_times best = times[0];
    double root = best.update + best.hash;
    printf("%6zu changed: root %.2f ms (read and change %.2f, hash %.2f), commit %.2f ms; "
           "%.2f + %.2f us a key; median of root and commit %.2f ms; heap %.1f MB\n",
           changes, root, best.update, best.hash, best.commit, root * 1e3 / (double)count,
           best.commit * 1e3 / (double)count, times[BLOCKS / 2].total, (double)b->heap / 1e6);
}

static double file_size(const char *folder)
{
    char path[PATH_SIZE];
    struct stat st;
    snprintf(path, sizeof(path), "%s/data.mdb", folder);
    return stat(path, &st) == 0 ? (double)st.st_size / 1e6 : 0;
}

static void open_store(struct bench *b, const char *folder, enum store_sync sync)
{
    struct err_detail detail = {""};
    struct store_lmdb_options options = {.sync = sync};
    must(store_lmdb_new(&b->store, folder, tables, TABLES, &options, &detail), "open", &detail);
}

static void build(struct bench *b, const char *folder, uint64_t accounts)
{
    struct err_detail detail = {""};
    double start = now();
    open_store(b, folder, STORE_SYNC_NONE);
    for (uint64_t first = 0; first < accounts; first += BUILD_STEP) {
        size_t count = accounts - first < BUILD_STEP ? (size_t)(accounts - first) : BUILD_STEP;
        run_block(b, make_items(b, first, 0, count));
    }
    must(store_sync(b->store, &detail), "sync", &detail);
    store_free(b->store);
    double took = now() - start;
    printf("%llu accounts built, %d at a time: %.1f s, %.2f us an account; file %.0f MB\n",
           (unsigned long long)accounts, BUILD_STEP, took / 1e3, took * 1e3 / (double)accounts,
           file_size(folder));
}

static void remove_store(const char *folder)
{
    char path[PATH_SIZE];
    snprintf(path, sizeof(path), "%s/data.mdb", folder);
    unlink(path);
    snprintf(path, sizeof(path), "%s/lock.mdb", folder);
    unlink(path);
    rmdir(folder);
}

int main(int argc, char **argv)
{
    static struct bench b = {.random = 88172645463325252u};
    uint64_t accounts = argc > 1 ? strtoull(argv[1], NULL, 10) : 1000000;
    const char *temporary = getenv("TMPDIR");
    char folder[FOLDER_MAX];
    snprintf(folder, sizeof(folder), "%s/bench-state-root-%d", temporary ? temporary : "/tmp",
             (int)getpid());
    if (argc > 2)
        snprintf(folder, sizeof(folder), "%s", argv[2]);
    b.root = trie_empty_root();
    if (accounts == 0 || access(folder, F_OK) == 0) {
        fprintf(stderr, "usage: bench_state_root [accounts [new folder]]\n");
        return 2;
    }
    build(&b, folder, accounts);
    double start = now();
    open_store(&b, folder, STORE_SYNC_COMMIT);
    printf("opened in %.2f ms\n", now() - start);
    run_blocks(&b, accounts, 1000);
    run_blocks(&b, accounts, 10000);
    store_free(b.store);
    remove_store(folder);
    return 0;
}
