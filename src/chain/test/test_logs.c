/* Logs of many blocks: what the rows of bits say is what each block's own bloom says. */
#include "chain/chain_priv.h"
#include "chain/test/maker.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

enum {
    BLOCKS = 2 * CHAIN_SECTION + 100,
    PLACES_MAX = 16,
};

/* Logs with its input as the only topic: PUSH1 0, CALLDATALOAD, PUSH1 0, PUSH1 0, LOG1. */
static const char logger[] = "\"0000000000000000000000000000000000000a11\":{\"balance\":\"0\","
                             "\"code\":\"0x60003560006000a100\"},";
static const struct address logger_address = {{[18] = 0x0a, [19] = 0x11}};

struct world {
    struct maker maker;
    struct store *store;
    struct chain *chain;
    struct hash256 topic;
    /* Records: of a block without logs, and of one with a log. */
    struct buf quiet, none, header, body, receipts;
};

static struct chain_tx *next(void *context)
{
    struct chain_tx **tx = context, *given = *tx;
    return given;
}

static void taken(void *context, struct chain_tx *tx, enum chain_offer offer, const char *why)
{
    (void)tx;
    (void)why;
    assert_int_equal(offer, CHAIN_OFFER_TAKEN);
    *(struct chain_tx **)context = NULL;
}

/* Block 1, with the log. */
static void make_block(struct world *w)
{
    struct chain_tx *tx = maker_transaction(&w->maker, 0, &logger_address, 0, 0,
                                            bytes_of(w->topic.b, sizeof(w->topic.b)), false);
    struct chain_tx *offered = tx;
    const struct chain_build in = {.prepare = {.coinbase = w->maker.validators[0].address},
                                   .next = next,
                                   .offered = taken,
                                   .context = &offered};
    struct chain_block *block;
    struct err_detail why = {""};
    enum chain_verdict verdict;
    maker_must(chain_build(w->chain, &block, &in, &why), "build", &why);
    struct chain_block *sealed = maker_seal(&w->maker, block, 0);
    maker_must(chain_commit(w->chain, &verdict, &why, sealed), "commit", &why);
    assert_int_equal(verdict, CHAIN_VALID);
    chain_block_unref(sealed);
    chain_block_unref(block);
    chain_tx_unref(tx);
}

static void copy(struct store_txn *txn, struct buf *ret, unsigned table, uint64_t number)
{
    struct bytes record;
    assert_int_equal(store_get_id(txn, &record, table, number), 0);
    buf_append_bytes(ret, record);
}

/* Puts a block at `number`: the one with the log, or the one without. Its hash has the number, and `branch`. */
static void put(struct world *w, struct store_txn *txn, uint64_t number, bool has_log,
                uint8_t branch)
{
    struct buf *header = has_log ? &w->header : &w->quiet;
    const struct buf *receipts = has_log ? &w->receipts : &w->none;
    memcpy(header->data, &number, sizeof(number));
    header->data[sizeof(number)] = branch;
    assert_int_equal(store_put_id(txn, CHAIN_HEADERS, number, buf_bytes(header), STORE_PUT), 0);
    assert_int_equal(store_put_id(txn, CHAIN_BODIES, number, buf_bytes(&w->body), STORE_PUT), 0);
    assert_int_equal(store_put_id(txn, CHAIN_RECEIPTS, number, buf_bytes(receipts), STORE_PUT), 0);
}

static bool is_place(const uint64_t *places, uint64_t number)
{
    bool is = false;
    for (size_t i = 0; places[i]; i++)
        is |= places[i] == number;
    return is;
}

static void fill(struct world *w, const uint64_t *places, uint8_t branch)
{
    struct store_txn *txn;
    assert_int_equal(store_begin_write(&txn, w->store, NULL), 0);
    for (uint64_t number = 1; number <= BLOCKS; number++)
        put(w, txn, number, is_place(places, number), branch);
    assert_int_equal(store_commit(txn), 0);
}

static void begin(struct world *w)
{
    struct store_txn *txn;
    struct err_detail detail = {""};
    *w = (struct world){.topic = {{[0] = 0x70, [31] = 1}}};
    maker_init(&w->maker, true, 1, 2, 17, "", logger);
    maker_must(store_memory_new(&w->store, chain_tables, CHAIN_TABLES), "store", NULL);
    const struct chain_options options = {
        .store = w->store, .genesis = buf_bytes(&w->maker.genesis), .archive = true};
    maker_must(chain_open(&w->chain, &options, &detail), "open", &detail);
    make_block(w);
    assert_int_equal(store_begin_read(&txn, w->store, NULL), 0);
    copy(txn, &w->quiet, CHAIN_HEADERS, 0);
    copy(txn, &w->none, CHAIN_RECEIPTS, 0);
    copy(txn, &w->header, CHAIN_HEADERS, 1);
    copy(txn, &w->body, CHAIN_BODIES, 1);
    copy(txn, &w->receipts, CHAIN_RECEIPTS, 1);
    store_abort(txn);
}

static void end(struct world *w)
{
    chain_free(w->chain);
    store_free(w->store);
    maker_release(&w->maker);
    buf_release(&w->quiet);
    buf_release(&w->none);
    buf_release(&w->header);
    buf_release(&w->body);
    buf_release(&w->receipts);
}

struct found {
    uint64_t numbers[PLACES_MAX];
    size_t count;
};

static int note(void *context, const struct chain_log *log)
{
    struct found *found = context;
    assert_true(found->count < PLACES_MAX);
    assert_int_equal(log->log->topic_count, 1);
    found->numbers[found->count++] = log->number;
    return 0;
}

/* The logs of the range, which are those of `places` in it when the filter fits them. */
static void check(struct world *w, const uint64_t *places, struct chain_log_filter filter,
                  bool fits)
{
    struct chain_reader reader;
    struct found found = {.count = 0};
    size_t at = 0;
    assert_int_equal(chain_reader_open(&reader, w->chain), 0);
    assert_int_equal(chain_reader_logs(&reader, &filter, note, &found), 0);
    chain_reader_close(&reader);
    for (size_t i = 0; fits && places[i]; i++)
        if (places[i] >= filter.from && places[i] <= filter.to) {
            assert_true(at < found.count);
            assert_int_equal(found.numbers[at++], places[i]);
        }
    assert_int_equal(found.count, at);
}

static void check_ranges(struct world *w, const uint64_t *places)
{
    static const uint64_t ranges[][2] = {
        {0, BLOCKS},  {0, 4095},       {4096, 8191}, {5, 4094},      {6, 4096},
        {1000, 5000}, {4000, 4200},    {8191, 8192}, {8192, BLOCKS}, {100, 9999},
        {9000, 9999}, {0, UINT64_MAX}, {7, 7},
    };
    static const struct address nobody = {{1}};
    static const struct hash256 other = {{2}};
    const struct address both[2] = {nobody, logger_address};
    for (size_t i = 0; i < BASE_COUNT(ranges); i++) {
        struct chain_log_filter filter = {.from = ranges[i][0], .to = ranges[i][1]};
        check(w, places, filter, true);
        filter.addresses = &nobody;
        filter.address_count = 1;
        check(w, places, filter, false);
        filter.addresses = both;
        filter.address_count = 2;
        check(w, places, filter, true);
        filter.topic_count = 1;
        filter.topics[0].topics = &w->topic;
        filter.topics[0].count = 1;
        check(w, places, filter, true);
        filter.topics[0].topics = &other;
        check(w, places, filter, false);
        filter.topics[0].count = 0;
        check(w, places, filter, true);
    }
}

static void test_sections(void **state)
{
    (void)state;
    static const uint64_t places[] = {1, 5, 64, 4000, 4095, 4096, 5000, 8191, 8192, BLOCKS, 0};
    static const uint64_t moved[] = {2, 63, 4095, 4097, 8190, 8193, 0};
    struct world w;
    begin(&w);
    fill(&w, places, 1);
    check_ranges(&w, places);
    check_ranges(&w, places); /* by rows that are there */
    fill(&w, moved, 2);       /* another branch: other hashes */
    check_ranges(&w, moved);
    end(&w);
}

/* A damaged header is told, and nothing of the section is kept. */
static void test_damage(void **state)
{
    (void)state;
    static const uint64_t places[] = {5, 0};
    struct world w;
    struct store_txn *txn;
    struct chain_reader reader;
    struct found found = {.count = 0};
    const struct chain_log_filter filter = {.from = 0, .to = BLOCKS};
    begin(&w);
    fill(&w, places, 1);
    assert_int_equal(store_begin_write(&txn, w.store, NULL), 0);
    assert_int_equal(
        store_put_id(txn, CHAIN_HEADERS, 100, bytes_slice(buf_bytes(&w.quiet), 0, 200), STORE_PUT),
        0);
    assert_int_equal(store_commit(txn), 0);
    assert_int_equal(chain_reader_open(&reader, w.chain), 0);
    assert_int_equal(chain_reader_logs(&reader, &filter, note, &found), ERR_CORRUPT);
    assert_non_null(strstr(reader.detail.text, "stored block 100"));
    chain_reader_close(&reader);
    fill(&w, places, 1);
    check(&w, places, filter, true);
    end(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sections),
        cmocka_unit_test(test_damage),
    };
    return cmocka_run_group_tests_name("logs", tests, NULL, NULL);
}
