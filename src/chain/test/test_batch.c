/*
 * Blocks that share a durable commit: whatever the batches, the store is the same to the byte; a failure at any write leaves
 * the end of a batch, whole; a block that is refused keeps those before it.
 */
#include "base/file.h"
#include "chain/chain_priv.h"
#include "chain/import_priv.h"
#include "chain/test/maker.h"
#include "state/state.h"
#include "store/fault.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

enum { BLOCKS = 12, BAD = 8, PRIVATE_EVERY = 5 };

enum kind { QBFT, IBFT, CLIQUE, KINDS };

struct world {
    struct maker m;
    struct chain_block *blocks[BLOCKS]; /* from number 1 on */
    struct chain_block *bad;            /* in place of number BAD */
};

/* What the manager does while a block must not wait for it, as blocks before it would. */
enum manager {
    WAITS,   /* it cannot be told: no batch is open when it is asked */
    ANSWERS, /* it answers at once */
    SILENT,  /* it does not: the block is begun again, alone */
    MANAGERS
};

/* A chain that imports, and what is seen of it. */
struct peer {
    struct chain *chain;
    struct store *store;
    struct chain_payloads payloads;
    enum manager manager;
    bool is_patient;
    uint64_t heads, asked, refused;
    uint64_t ends[BLOCKS]; /* heads that were durable */
    size_t end_count;
};

/* A contract of one zero byte: PUSH1 1, PUSH1 0, RETURN. Whoever is patient may wait for long: no batch is open. */
static int receive(void *context, struct chain_payload *ret, const struct chain_payload_hash *hash,
                   struct arena *arena)
{
    static const uint8_t code[] = {0x60, 1, 0x60, 0, 0xf3};
    struct peer *p = context;
    (void)hash;
    (void)arena;
    assert_int_equal(p->is_patient, p->chain->batch.count == 0);
    if (!p->is_patient && p->manager == SILENT) {
        p->refused++;
        return ERR_TIMEOUT;
    }
    p->asked++;
    *ret = (struct chain_payload){
        .is_party = true, .data = bytes_of(code, sizeof(code)), .flag = CHAIN_STANDARD_PRIVATE};
    return 0;
}

static void set_patience(void *context, bool waits)
{
    struct peer *p = context;
    assert_int_not_equal(p->is_patient, waits);
    p->is_patient = waits;
}

/* Each in its order, and durable. */
static void on_head(void *context, const struct chain_event *event)
{
    struct peer *p = context;
    struct chain_reader reader;
    struct buf receipts = BUF_INIT;
    uint64_t number = event->block->header.number;
    p->heads++;
    assert_int_equal(number, p->heads);
    maker_must(chain_reader_open(&reader, p->chain), "reader", NULL);
    maker_must(chain_reader_receipts_rlp(&reader, &receipts, number), "receipts", &reader.detail);
    assert_int_equal(receipts.len, event->receipts.len);
    assert_memory_equal(receipts.data, event->receipts.data, receipts.len);
    assert_true(event->changed_count > 0 || event->block->body->body.transaction_count == 0);
    chain_reader_close(&reader);
    buf_release(&receipts);
}

static int open_peer_with(struct peer *p, const struct world *w, struct store *store, bool archive,
                          size_t batch, enum manager manager, struct err_detail *detail)
{
    struct chain_head head;
    *p = (struct peer){.store = store, .manager = manager, .is_patient = true};
    p->payloads = (struct chain_payloads){
        .context = p, .receive = receive, .set_patience = manager == WAITS ? NULL : set_patience};
    const struct chain_options options = {.store = store,
                                          .genesis = buf_bytes(&w->m.genesis),
                                          .archive = archive,
                                          .keep_states = 3,
                                          .payloads = &p->payloads};
    int err = chain_open(&p->chain, &options, detail);
    if (err)
        return err;
    p->chain->batch.limits =
        (struct chain_batch_limits){batch, SIZE_MAX, UINT64_MAX, UINT64_MAX / 2};
    chain_on_head(p->chain, on_head, p);
    chain_head(p->chain, &head);
    p->heads = head.block->header.number;
    chain_head_release(&head);
    return 0;
}

static int open_peer(struct peer *p, const struct world *w, struct store *store, bool archive,
                     size_t batch, struct err_detail *detail)
{
    return open_peer_with(p, w, store, archive, batch, WAITS, detail);
}

static struct store *memory(void)
{
    struct store *store;
    maker_must(store_memory_new(&store, chain_tables, CHAIN_TABLES), "store", NULL);
    return store;
}

/* --- The chain --- */

/* The built block with another state root. */
static struct chain_block *tamper(const struct chain_block *block)
{
    struct buf rlp = BUF_INIT;
    struct chain_block *bad;
    struct err_detail detail = {""};
    chain_block_write(&rlp, block);
    uint8_t *at = memmem(rlp.data, rlp.len, block->header.state_root.b, 32);
    assert_non_null(at);
    at[0] ^= 1;
    maker_must(chain_block_decode(&bad, buf_bytes(&rlp), &detail), "decode", &detail);
    buf_release(&rlp);
    return bad;
}

static void make_block(struct world *w, struct chain *chain, uint64_t number)
{
    static const uint8_t hash[CHAIN_PAYLOAD_HASH] = {1};
    enum chain_verdict verdict;
    struct err_detail why = {""};
    if (number % PRIVATE_EVERY == 0)
        w->m.first = maker_transaction(&w->m, 0, NULL, 0, 0, bytes_of(hash, sizeof(hash)), true);
    struct chain_block *built = maker_build(&w->m, chain, 0, number % 3);
    struct chain_block *sealed = maker_seal(&w->m, built, 0);
    maker_must(chain_commit(chain, &verdict, &why, sealed), "commit", &why);
    assert_int_equal(verdict, CHAIN_VALID);
    if (number == BAD && !w->m.is_clique) {
        struct chain_block *bad = tamper(built);
        w->bad = maker_seal(&w->m, bad, 0);
        chain_block_unref(bad);
    }
    w->blocks[number - 1] = sealed;
    chain_block_unref(built);
}

static void make_world(struct world *w, enum kind kind)
{
    struct peer p;
    struct err_detail detail = {""};
    *w = (struct world){.bad = NULL};
    if (kind == CLIQUE)
        maker_init_clique(&w->m, 1, 4, 41);
    else
        maker_init(&w->m, kind == QBFT, 2, 4, 43, "", "");
    maker_must(open_peer(&p, w, memory(), true, 1, &detail), "open", &detail);
    for (uint64_t number = 1; number <= BLOCKS; number++)
        make_block(w, p.chain, number);
    assert_true(p.asked >= BLOCKS / PRIVATE_EVERY);
    chain_free(p.chain);
    store_free(p.store);
}

static void end_world(struct world *w)
{
    for (size_t i = 0; i < BLOCKS; i++)
        chain_block_unref(w->blocks[i]);
    chain_block_unref(w->bad);
    maker_release(&w->m);
}

/* --- Importing --- */

struct given {
    const struct world *w;
    struct peer *peer;
    size_t at;
    bool refuse; /* the bad one in its place */
};

static int next_given(void *context, struct chain_block **ret_block, struct err_detail *detail)
{
    struct given *g = context;
    (void)detail;
    if (g->at == BLOCKS)
        return 0;
    bool bad = g->refuse && g->at + 1 == BAD;
    *ret_block = chain_block_ref(bad ? g->w->bad : g->w->blocks[g->at]);
    g->at++;
    return 0;
}

static bool on_progress(void *context, const struct chain_progress *progress)
{
    struct peer *p = ((struct given *)context)->peer;
    struct chain_head head;
    chain_head(p->chain, &head);
    assert_int_equal(head.block->header.number, p->heads);
    assert_int_equal(progress->blocks, progress->head);
    if (progress->known < progress->blocks) {
        assert_int_equal(progress->head, p->heads);
        p->ends[p->end_count++] = progress->head;
    }
    chain_head_release(&head);
    return true;
}

static int import(struct peer *p, const struct world *w, bool refuse,
                  enum chain_verdict *ret_verdict, struct chain_progress *ret_progress,
                  struct err_detail *detail)
{
    struct given given = {.w = w, .peer = p, .refuse = refuse};
    const struct chain_source source = {next_given, on_progress, &given};
    *ret_progress = (struct chain_progress){0};
    p->end_count = 0;
    int err = chain_import_source(p->chain, ret_verdict, ret_progress, detail, &source);
    assert_null(p->chain->batch.txn);
    assert_int_equal(p->chain->batch.count, 0);
    assert_true(p->is_patient);
    return err;
}

static void import_all(struct peer *p, const struct world *w)
{
    enum chain_verdict verdict;
    struct chain_progress progress;
    struct err_detail detail = {""};
    maker_must(import(p, w, false, &verdict, &progress, &detail), "import", &detail);
    assert_int_equal(verdict, CHAIN_VALID);
    assert_int_equal(progress.blocks, BLOCKS);
    assert_int_equal(progress.head, BLOCKS);
    assert_int_equal(p->heads, BLOCKS);
}

static void close_peer(struct peer *p)
{
    chain_free(p->chain);
    store_free(p->store);
}

/* Every entry of every table. */
static struct buf dump(struct store *store)
{
    struct store_txn *txn;
    struct buf all = BUF_INIT;
    maker_must(store_begin_read(&txn, store, NULL), "read", NULL);
    for (unsigned table = 0; table < CHAIN_TABLES; table++) {
        struct store_cursor *cursor;
        struct bytes key, value;
        maker_must(store_cursor_new(&cursor, txn, table), "cursor", NULL);
        int err = store_cursor_first(cursor, &key, &value);
        for (; !err; err = store_cursor_next(cursor, &key, &value)) {
            buf_append_format(&all, "%u %zu %zu ", table, key.len, value.len);
            buf_append_bytes(&all, key);
            buf_append_bytes(&all, value);
        }
        assert_int_equal(err, ERR_NOTFOUND);
        store_cursor_free(cursor);
    }
    store_abort(txn);
    maker_must(buf_status(&all), "dump", NULL);
    return all;
}

static void expect_same(struct store *store, const struct buf *expected)
{
    struct buf all = dump(store);
    assert_int_equal(all.len, expected->len);
    assert_memory_equal(all.data, expected->data, all.len);
    buf_release(&all);
}

/* The store of a chain whose blocks were each committed alone. A second opening writes the configuration as it is read. */
static struct buf one_by_one(const struct world *w, bool archive, bool reopened)
{
    struct peer p;
    struct err_detail detail = {""};
    enum chain_verdict verdict;
    maker_must(open_peer(&p, w, memory(), archive, 1, &detail), "open", &detail);
    for (size_t i = 0; i < BLOCKS; i++) {
        maker_must(chain_commit(p.chain, &verdict, &detail, w->blocks[i]), "commit", &detail);
        assert_int_equal(verdict, CHAIN_VALID);
    }
    if (reopened) {
        chain_free(p.chain);
        maker_must(open_peer(&p, w, p.store, archive, 1, &detail), "open again", &detail);
    }
    struct buf all = dump(p.store);
    close_peer(&p);
    return all;
}

/* --- The same, whatever the batches --- */

struct disk {
    char folder[64];
};

static struct store *on_disk(struct disk *disk)
{
    struct store *store;
    struct err_detail detail = {""};
    snprintf(disk->folder, sizeof(disk->folder), "/tmp/quorate-batch-XXXXXX");
    assert_non_null(mkdtemp(disk->folder));
    const struct store_lmdb_options options = {.sync = STORE_SYNC_NONE};
    maker_must(store_lmdb_new(&store, disk->folder, chain_tables, CHAIN_TABLES, &options, &detail),
               "store", &detail);
    return store;
}

static void import_in_batches(const struct world *w, struct store *store, bool archive,
                              size_t batch, enum manager manager, const struct buf *expected)
{
    struct peer p;
    struct err_detail detail = {""};
    maker_must(open_peer_with(&p, w, store, archive, batch, manager, &detail), "open", &detail);
    import_all(&p, w);
    assert_int_equal(p.asked, BLOCKS / PRIVATE_EVERY);
    assert_int_equal(p.refused > 0, manager == SILENT && batch > 1);
    /* Full ones, and before each block that waits for the manager. */
    size_t waits = manager == ANSWERS ? 0 : BLOCKS / PRIVATE_EVERY;
    assert_true(batch < PRIVATE_EVERY || p.end_count == waits + 1);
    assert_true(manager != ANSWERS || p.end_count == (BLOCKS + batch - 1) / batch);
    assert_true(batch > 1 || p.end_count == BLOCKS);
    expect_same(store, expected);
    close_peer(&p);
}

static void test_same(void **state)
{
    static const size_t batches[] = {1, 2, 3, CHAIN_BATCH_BLOCKS};
    (void)state;
    for (enum kind kind = QBFT; kind < KINDS; kind++) {
        struct world w;
        make_world(&w, kind);
        for (int archive = 0; archive < 2; archive++) {
            struct buf expected = one_by_one(&w, archive, false);
            for (size_t i = 0; i < BASE_COUNT(batches) * MANAGERS; i++) {
                size_t batch = batches[i / MANAGERS];
                enum manager manager = i % MANAGERS;
                struct disk disk;
                import_in_batches(&w, memory(), archive, batch, manager, &expected);
                import_in_batches(&w, on_disk(&disk), archive, batch, manager, &expected);
                assert_int_equal(file_remove_folder(disk.folder, NULL), ERR_OK);
            }
            buf_release(&expected);
        }
        end_world(&w);
    }
}

/* --- Limits --- */

static size_t batches_with(const struct world *w, struct chain_batch_limits limits)
{
    struct peer p;
    struct err_detail detail = {""};
    maker_must(open_peer(&p, w, memory(), false, 1, &detail), "open", &detail);
    p.chain->batch.limits = limits;
    import_all(&p, w);
    close_peer(&p);
    return p.end_count;
}

static void test_limits(void **state)
{
    (void)state;
    const struct chain_batch_limits none = {CHAIN_BATCH_BLOCKS, SIZE_MAX, UINT64_MAX,
                                            UINT64_MAX / 2};
    struct chain_batch_limits bytes = none, gas = none, time = none;
    struct world w;
    make_world(&w, QBFT);
    bytes.bytes = 1;
    gas.gas = 1; /* every third block has none */
    time.milliseconds = 0;
    assert_int_equal(batches_with(&w, none), BLOCKS / PRIVATE_EVERY + 1);
    assert_int_equal(batches_with(&w, bytes), BLOCKS);
    assert_in_range(batches_with(&w, gas), BLOCKS * 2 / 3, BLOCKS - 1);
    assert_int_equal(batches_with(&w, time), BLOCKS);
    end_world(&w);
}

static void forget_bad(struct store *store)
{
    struct store_txn *txn;
    maker_must(store_begin_write(&txn, store, NULL), "write", NULL);
    maker_must(store_delete(txn, CHAIN_INFO, bytes_str("bad")), "delete", NULL);
    maker_must(store_commit(txn), "commit", NULL);
}

/* --- One block, without a thread that runs ahead --- */

static enum chain_verdict import_one(struct peer *p, struct chain_block *block, size_t expected)
{
    enum chain_verdict verdict;
    struct err_detail detail = {""};
    size_t count = 9;
    maker_must(chain_import(p->chain, &verdict, &count, &detail, &block, 1), "import", &detail);
    assert_int_equal(count, expected);
    assert_null(p->chain->batch.txn);
    return verdict;
}

static void test_one(void **state)
{
    (void)state;
    struct world w;
    struct peer p;
    struct err_detail detail = {""};
    make_world(&w, QBFT);
    struct buf expected = one_by_one(&w, true, false);
    maker_must(open_peer(&p, &w, memory(), true, CHAIN_BATCH_BLOCKS, &detail), "open", &detail);
    assert_int_equal(import_one(&p, w.blocks[1], 0), CHAIN_UNKNOWN_PARENT);
    for (size_t i = 0; i < BLOCKS; i++) {
        if (i + 1 == BAD)
            assert_int_equal(import_one(&p, w.bad, 0), CHAIN_BAD_RESULT);
        assert_int_equal(import_one(&p, w.blocks[i], 1), CHAIN_VALID);
        assert_int_equal(import_one(&p, w.blocks[i], 1), CHAIN_VALID); /* it is known */
        assert_int_equal(p.heads, i + 1);
    }
    forget_bad(p.store);
    expect_same(p.store, &expected);
    buf_release(&expected);
    close_peer(&p);
    end_world(&w);
}

/* --- A block that is refused --- */

static void test_refused(void **state)
{
    (void)state;
    struct world w;
    struct peer p;
    struct chain_reader reader;
    struct chain_block *bad[CHAIN_BAD_MAX];
    size_t bad_count;
    enum chain_verdict verdict;
    struct chain_progress progress;
    struct err_detail detail = {""};
    make_world(&w, QBFT);
    struct buf expected = one_by_one(&w, false, false);
    maker_must(open_peer(&p, &w, memory(), false, CHAIN_BATCH_BLOCKS, &detail), "open", &detail);
    assert_int_equal(import(&p, &w, true, &verdict, &progress, &detail), 0);
    assert_int_equal(verdict, CHAIN_BAD_RESULT);
    assert_non_null(strstr(detail.text, "block 8: invalid merkle root"));
    assert_int_equal(progress.blocks, BAD - 1);
    assert_int_equal(p.heads, BAD - 1);
    assert_int_equal(p.ends[p.end_count - 1], BAD - 1);
    maker_must(chain_reader_open(&reader, p.chain), "reader", NULL);
    assert_int_equal(chain_reader_bad_blocks(&reader, bad, &bad_count), 0);
    assert_int_equal(bad_count, 1);
    assert_memory_equal(&bad[0]->hash, &w.bad->hash, 32);
    chain_block_unref(bad[0]);
    chain_reader_close(&reader);
    /* Seven known ones, and the rest; but for the bad block all is as if it had never come. */
    import_all(&p, &w);
    forget_bad(p.store);
    expect_same(p.store, &expected);
    buf_release(&expected);
    close_peer(&p);
    end_world(&w);
}

/* --- A disk that fails --- */

/* What the store has now is the chain up to a batch's end, whole. */
static void expect_end(const struct peer *p, const struct world *w, const struct peer *clean)
{
    struct chain_reader reader;
    struct chain_head head;
    struct state_reader state;
    chain_head(p->chain, &head);
    uint64_t number = head.block->header.number;
    assert_int_equal(p->heads, number);
    chain_head_release(&head);
    bool is_end = number == 0;
    for (size_t i = 0; i < clean->end_count; i++)
        is_end = is_end || clean->ends[i] == number;
    assert_true(is_end);
    maker_must(chain_reader_open(&reader, p->chain), "reader", NULL);
    for (uint64_t i = 1; i <= number; i++) {
        struct chain_block *block;
        struct buf receipts = BUF_INIT;
        maker_must(chain_reader_block(&reader, &block, i), "block", &reader.detail);
        assert_memory_equal(&block->hash, &w->blocks[i - 1]->hash, 32);
        maker_must(chain_reader_receipts_rlp(&reader, &receipts, i), "receipts", &reader.detail);
        if (i + 3 > number) {
            maker_must(chain_reader_state(&reader, &state, i), "state", &reader.detail);
            assert_memory_equal(&state.root.hash, &block->header.state_root, 32);
        }
        buf_release(&receipts);
        chain_block_unref(block);
    }
    chain_reader_close(&reader);
}

/* The n-th operation fails, and the process ends there: another one opens the store and goes on. False once n is past all
 * operations. */
static bool import_with_fault(const struct world *w, enum store_fault fault, uint64_t n,
                              const struct peer *clean, const struct buf *expected)
{
    enum manager manager = clean->manager;
    struct store *store;
    struct peer p;
    enum chain_verdict verdict;
    struct chain_progress progress;
    struct err_detail detail = {""};
    maker_must(store_fault_new(&store, memory()), "store", NULL);
    maker_must(open_peer_with(&p, w, store, false, 3, manager, &detail), "open", &detail);
    uint64_t before = store_fault_count(store, fault);
    store_fault_set(store, fault, n, ERR_NOSPACE);
    int err = import(&p, w, false, &verdict, &progress, &detail);
    bool happened = store_fault_count(store, fault) - before >= n;
    /* A commit that took effect and said otherwise is none that failed. */
    assert_int_equal(err, happened && fault != STORE_FAULT_ACK ? ERR_NOSPACE : 0);
    if (err)
        assert_non_null(strstr(detail.text, "injected fault"));
    assert_int_equal(progress.head, p.heads);
    expect_end(&p, w, clean);
    chain_free(p.chain);
    store_fault_set(store, fault, 0, 0);
    maker_must(open_peer_with(&p, w, store, false, 3, manager, &detail), "open again", &detail);
    expect_end(&p, w, clean);
    import_all(&p, w);
    expect_same(store, expected);
    close_peer(&p);
    return happened;
}

static void fail_everywhere(const struct world *w, enum manager manager, const struct buf *expected)
{
    static const enum store_fault faults[] = {STORE_FAULT_WRITE, STORE_FAULT_COMMIT,
                                              STORE_FAULT_ACK};
    struct peer clean;
    struct err_detail detail = {""};
    maker_must(open_peer_with(&clean, w, memory(), false, 3, manager, &detail), "open", &detail);
    import_all(&clean, w);
    assert_in_range(clean.end_count, BLOCKS / 3, BLOCKS / 3 + BLOCKS / PRIVATE_EVERY);
    for (size_t i = 0; i < BASE_COUNT(faults); i++) {
        uint64_t n = 1;
        while (import_with_fault(w, faults[i], n, &clean, expected))
            n++;
        print_message("manager %d, kind %d: %llu failures\n", manager, faults[i],
                      (unsigned long long)n - 1);
        assert_true(faults[i] == STORE_FAULT_WRITE ? n > 10 * BLOCKS : n - 1 >= clean.end_count);
    }
    close_peer(&clean);
}

static void test_failing_disk(void **state)
{
    (void)state;
    struct world w;
    make_world(&w, QBFT);
    struct buf expected = one_by_one(&w, false, true);
    for (enum manager manager = WAITS; manager < MANAGERS; manager++)
        fail_everywhere(&w, manager, &expected);
    buf_release(&expected);
    end_world(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_same),         cmocka_unit_test(test_limits),
        cmocka_unit_test(test_one),          cmocka_unit_test(test_refused),
        cmocka_unit_test(test_failing_disk),
    };
    return cmocka_run_group_tests_name("batch", tests, NULL, NULL);
}
