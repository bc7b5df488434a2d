/* The rules of the pool one by one, and what GoQuorum's pool answered when it was asked. */
#include "chain/test/pool_support.h"
#include "tests/support/fixtures.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

struct setting {
    struct chain_pool_options options;
    struct chain_pool_rules rules;
    struct pool_world world;
    struct chain_pool *pool;
};

static void begin(struct setting *s)
{
    pool_test_init(&s->options, &s->rules, &s->world);
    s->pool = NULL;
}

static void start(struct setting *s)
{
    assert_int_equal(chain_pool_new(&s->pool, &s->options, &s->rules), ERR_OK);
}

static void end(struct setting *s)
{
    pool_world_forget(&s->world);
    chain_pool_free(s->pool);
}

static void expect(struct setting *s, struct pool_test_tx tx, bool local, const char *text)
{
    enum chain_pool_status status = pool_test_add(s->pool, pool_test_make(tx), local);
    assert_string_equal(chain_pool_status_text(status), text);
}

static void expect_counts(struct setting *s, size_t pending, size_t queued)
{
    struct chain_pool_stats stats;
    chain_pool_stats(s->pool, &stats);
    assert_int_equal(stats.pending, pending);
    assert_int_equal(stats.queued, queued);
}

/* --- Admission --- */

static void texts_of_a_network_without_prices(void **state)
{
    (void)state;
    struct setting s;
    begin(&s);
    s.world.nonces[1] = 5;
    s.world.balances[2] = 10;
    s.rules.gas_limit = 1000000;
    start(&s);
    expect(&s, (struct pool_test_tx){.data_size = 70000}, false, "oversized data");
    expect(&s, (struct pool_test_tx){.gas = 1000001}, false, "exceeds block gas limit");
    expect(&s, (struct pool_test_tx){.price = 1}, true, "Gas price not 0");
    const char *no_value = "ether value is not supported for private transactions";
    expect(&s, (struct pool_test_tx){.is_private = true}, true, no_value);
    expect(&s, (struct pool_test_tx){.is_private = true, .data_size = 8, .value = 1}, true,
           no_value);
    expect(&s, (struct pool_test_tx){.is_private = true, .data_size = 8, .gas = 50000}, true, "ok");
    expect(&s, (struct pool_test_tx){.account = 1, .nonce = 4}, false, "nonce too low");
    expect(&s, (struct pool_test_tx){.account = 1, .nonce = 5}, false, "ok");
    expect(&s, (struct pool_test_tx){.account = 1, .nonce = 5}, false, "already known");
    expect(&s, (struct pool_test_tx){.account = 1, .nonce = 5, .value = 1}, false,
           "replacement transaction underpriced");
    expect(&s, (struct pool_test_tx){.account = 2, .value = 11}, false,
           "insufficient funds for gas * price + value");
    expect(&s, (struct pool_test_tx){.account = 3, .gas = 20999}, false, "intrinsic gas too low");
    struct chain_tx *unknown = pool_test_make((struct pool_test_tx){.account = 4});
    unknown->tx.sender_known = false;
    assert_int_equal(pool_test_add(s.pool, unknown, true), CHAIN_POOL_INVALID_SENDER);
    expect_counts(&s, 2, 0);
    end(&s);
}

static void the_order_of_the_checks(void **state)
{
    (void)state;
    struct setting s;
    begin(&s);
    s.world.nonces[0] = 5;
    s.world.balances[0] = 1;
    s.rules.gas_limit = 1000000;
    start(&s);
    /* Everything is wrong with it; one fault less each time. */
    struct pool_test_tx tx = {.data_size = 70000, .gas = 1000001, .price = 1, .value = 9};
    expect(&s, tx, false, "oversized data");
    tx.data_size = 100;
    expect(&s, tx, false, "exceeds block gas limit");
    tx.gas = 20000;
    tx.is_private = true;
    expect(&s, tx, false, "Gas price not 0");
    tx.price = 0;
    expect(&s, tx, false, "ether value is not supported for private transactions");
    tx.is_private = false;
    expect(&s, tx, false, "nonce too low");
    tx.nonce = 5;
    expect(&s, tx, false, "insufficient funds for gas * price + value");
    tx.value = 0;
    expect(&s, tx, false, "intrinsic gas too low");
    tx.gas = 30000;
    expect(&s, tx, false, "ok");
    end(&s);
}

static void texts_of_a_network_with_prices(void **state)
{
    (void)state;
    struct setting s;
    begin(&s);
    s.options.price_limit = 100;
    s.rules.gas_price_enabled = true;
    s.world.balances[1] = 21000 * 100;
    start(&s);
    expect(&s, (struct pool_test_tx){.price = 99}, false, "transaction underpriced");
    expect(&s, (struct pool_test_tx){.price = 99}, true, "ok"); /* its sender is local now */
    expect(&s, (struct pool_test_tx){.nonce = 1, .price = 1}, false, "ok");
    expect(&s, (struct pool_test_tx){.account = 1, .price = 100, .value = 1}, false,
           "insufficient funds for gas * price + value");
    expect(&s, (struct pool_test_tx){.account = 1, .price = 100}, false, "ok");
    expect(&s, (struct pool_test_tx){.account = 2, .price = 100}, false, "ok");
    expect(&s, (struct pool_test_tx){.account = 2, .price = 109}, false,
           "replacement transaction underpriced");
    expect(&s, (struct pool_test_tx){.account = 2, .price = 110}, false, "ok");
    /* Small prices: ten percent more of 1 is still 1, and one more it must be. */
    expect(&s, (struct pool_test_tx){.nonce = 1, .price = 1, .value = 1}, true,
           "replacement transaction underpriced");
    expect(&s, (struct pool_test_tx){.nonce = 1, .price = 2}, true, "ok");
    expect_counts(&s, 4, 0);
    end(&s);
}

static bool forbid(void *context, const struct chain_tx *tx)
{
    (void)context;
    return tx->tx.nonce != 7;
}

static void permissions_are_asked(void **state)
{
    (void)state;
    struct setting s;
    begin(&s);
    s.options.permitted = forbid;
    start(&s);
    expect(&s, (struct pool_test_tx){.nonce = 7}, true,
           "account does not have permission for the transaction");
    expect(&s, (struct pool_test_tx){.nonce = 6}, true, "ok");
    end(&s);
}

static void a_state_that_cannot_be_read_is_an_error(void **state)
{
    (void)state;
    struct setting s;
    begin(&s);
    start(&s);
    s.world.fails = ERR_IO;
    struct chain_tx *tx = pool_test_make((struct pool_test_tx){0});
    enum chain_pool_status status;
    assert_int_equal(chain_pool_add(s.pool, &tx, 1, true, 1, &status), ERR_IO);
    assert_int_equal(status, CHAIN_POOL_FULL);
    chain_tx_unref(tx);
    s.world.fails = ERR_OK;
    expect(&s, (struct pool_test_tx){0}, true, "ok");
    end(&s);
}

/* --- Promotion --- */

static void a_gap_closes(void **state)
{
    (void)state;
    struct setting s;
    begin(&s);
    start(&s);
    expect(&s, (struct pool_test_tx){.nonce = 2}, false, "ok");
    expect(&s, (struct pool_test_tx){.nonce = 1}, false, "ok");
    expect_counts(&s, 0, 2);
    assert_int_equal(s.world.told_count, 0);
    expect(&s, (struct pool_test_tx){.nonce = 0}, false, "ok");
    expect_counts(&s, 3, 0);
    assert_int_equal(s.world.told_count, 3);
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(s.world.told[i]->tx.nonce, i);
    assert_int_equal(chain_pool_place(s.pool, &s.world.told[2]->hash), CHAIN_POOL_PENDING);
    end(&s);
}

static void the_order_of_a_batch_does_not_matter(void **state)
{
    (void)state;
    enum { COUNT = 500 };
    struct setting s;
    begin(&s);
    start(&s);
    struct chain_tx *txs[COUNT];
    enum chain_pool_status statuses[COUNT];
    for (size_t i = 0; i < COUNT; i++)
        txs[i] = pool_test_make((struct pool_test_tx){.nonce = COUNT - 1 - i});
    assert_int_equal(chain_pool_add(s.pool, txs, COUNT, false, 1, statuses), ERR_OK);
    for (size_t i = 0; i < COUNT; i++) {
        assert_int_equal(statuses[i], CHAIN_POOL_OK);
        chain_tx_unref(txs[i]);
    }
    expect_counts(&s, COUNT, 0);
    end(&s);
}

static void a_head_asks_the_state_nothing(void **state)
{
    (void)state;
    struct setting s;
    begin(&s);
    start(&s);
    for (uint64_t nonce = 0; nonce < 10; nonce++)
        expect(&s, (struct pool_test_tx){.nonce = nonce}, false, "ok");
    assert_int_equal(s.world.asked, 1);
    struct chain_pool_account changed = {pool_test_address(0), 4, u256_from(100)};
    struct chain_pool_head head = {.rules = s.rules, .changed = &changed, .changed_count = 1};
    assert_int_equal(chain_pool_head(s.pool, &head, 2), ERR_OK);
    expect_counts(&s, 6, 0);
    changed.nonce = 10;
    assert_int_equal(chain_pool_head(s.pool, &head, 3), ERR_OK);
    expect_counts(&s, 0, 0);
    /* The account has nothing left, and is still known. */
    expect(&s, (struct pool_test_tx){.nonce = 9}, false, "nonce too low");
    expect(&s, (struct pool_test_tx){.nonce = 10, .value = 101}, false,
           "insufficient funds for gas * price + value");
    expect(&s, (struct pool_test_tx){.nonce = 10}, false, "ok");
    assert_int_equal(s.world.asked, 1);
    assert_int_equal(s.world.told_count, 11);
    end(&s);
}

static void prices_that_are_switched_off(void **state)
{
    (void)state;
    struct setting s;
    begin(&s);
    s.rules.gas_price_enabled = true;
    start(&s);
    expect(&s, (struct pool_test_tx){.nonce = 0}, true, "ok");
    expect(&s, (struct pool_test_tx){.nonce = 1, .price = 5}, true, "ok");
    expect(&s, (struct pool_test_tx){.nonce = 2}, true, "ok");
    struct chain_pool_head head = {.rules = s.rules};
    head.rules.gas_price_enabled = false;
    assert_int_equal(chain_pool_head(s.pool, &head, 2), ERR_OK);
    expect_counts(&s, 1, 1);
    end(&s);
}

/* --- Limits --- */

static void a_full_pool_stands_still(void **state)
{
    (void)state;
    struct setting s;
    begin(&s);
    s.options.account_slots = 4;
    s.options.global_slots = 20;
    s.options.global_queue = 4;
    start(&s);
    for (uint64_t nonce = 0; nonce < 20; nonce++)
        expect(&s, (struct pool_test_tx){.nonce = nonce}, false, "ok");
    assert_int_equal(chain_pool_pressure(s.pool, false), 1000);
    assert_int_equal(chain_pool_pressure(s.pool, true), 0);
    for (size_t i = 0; i < 10; i++)
        expect(&s, (struct pool_test_tx){.nonce = 20, .value = i}, false, "txpool is full");
    expect_counts(&s, 20, 0);
    /* Others get their share of what one has, and nobody is thrown out for nothing. */
    for (uint64_t nonce = 0; nonce <= 10; nonce++)
        expect(&s, (struct pool_test_tx){.account = 1, .nonce = nonce}, false,
               nonce < 10 ? "ok" : "txpool is full");
    expect_counts(&s, 20, 0);
    struct address first = pool_test_address(0);
    uint64_t nonce;
    assert_int_equal(chain_pool_nonce(s.pool, &first, &nonce), ERR_OK);
    assert_int_equal(nonce, 10);
    /* What local clients send has room of its own. */
    for (nonce = 0; nonce < 100; nonce++)
        expect(&s, (struct pool_test_tx){.account = 2, .nonce = nonce}, true, "ok");
    expect_counts(&s, 120, 0);
    end(&s);
}

static void local_ones_are_bounded_too(void **state)
{
    (void)state;
    struct setting s;
    begin(&s);
    s.options.max_transactions = 10;
    start(&s);
    expect(&s, (struct pool_test_tx){.account = 1}, false, "ok");
    for (uint64_t nonce = 0; nonce < 10; nonce++)
        expect(&s, (struct pool_test_tx){.nonce = nonce}, true, "ok");
    struct address remote = pool_test_address(1);
    uint64_t next;
    assert_int_equal(chain_pool_nonce(s.pool, &remote, &next), ERR_OK);
    assert_int_equal(next, 0); /* had to go */
    expect(&s, (struct pool_test_tx){.nonce = 10}, true, "txpool is full");
    assert_int_equal(chain_pool_pressure(s.pool, true), 1000);
    end(&s);
}

static void bytes_are_bounded(void **state)
{
    (void)state;
    struct setting s;
    begin(&s);
    s.options.max_bytes = 100000;
    start(&s);
    struct pool_test_tx tx = {.data_size = 30000, .gas = 1000000};
    struct chain_pool_stats stats;
    for (tx.nonce = 0; tx.nonce < 3; tx.nonce++)
        expect(&s, tx, true, "ok");
    expect(&s, tx, true, "txpool is full");
    chain_pool_stats(s.pool, &stats);
    assert_in_range(stats.bytes, 90000, 110000);
    end(&s);
}

static void the_better_paid_come_in(void **state)
{
    (void)state;
    struct setting s;
    begin(&s);
    s.rules.gas_price_enabled = true;
    s.options.global_slots = 4;
    s.options.global_queue = 1;
    start(&s);
    for (size_t i = 0; i < 5; i++)
        expect(&s, (struct pool_test_tx){.account = i, .price = 10 + i}, false, "ok");
    expect(&s, (struct pool_test_tx){.account = 6, .price = 10}, false, "transaction underpriced");
    expect(&s, (struct pool_test_tx){.account = 6, .price = 11}, false, "ok");
    struct address loser = pool_test_address(0);
    uint64_t nonce;
    assert_int_equal(chain_pool_nonce(s.pool, &loser, &nonce), ERR_OK);
    assert_int_equal(nonce, 0);
    struct u256 price = u256_from(13);
    assert_true(chain_pool_set_price_limit(s.pool, &price));
    expect_counts(&s, 2, 0);
    end(&s);
}

static void the_queue_of_one_account(void **state)
{
    (void)state;
    struct setting s;
    begin(&s);
    s.options.account_queue = 3;
    start(&s);
    for (uint64_t nonce = 1; nonce < 4; nonce++)
        expect(&s, (struct pool_test_tx){.nonce = nonce}, false, "ok");
    expect(&s, (struct pool_test_tx){.nonce = 4}, false, "txpool is full");
    expect(&s, (struct pool_test_tx){.nonce = 4}, true, "ok"); /* local: no limit */
    expect(&s, (struct pool_test_tx){.nonce = 5}, false, "ok");
    expect_counts(&s, 0, 5);
    end(&s);
}

static void idle_queues_expire(void **state)
{
    (void)state;
    struct setting s;
    begin(&s);
    s.options.lifetime = 1000;
    start(&s);
    expect(&s, (struct pool_test_tx){.account = 0, .nonce = 1}, false, "ok");
    expect(&s, (struct pool_test_tx){.account = 1, .nonce = 1}, true, "ok");
    expect(&s, (struct pool_test_tx){.account = 2, .nonce = 0}, false, "ok");
    chain_pool_expire(s.pool, 1001);
    expect_counts(&s, 1, 2);
    chain_pool_expire(s.pool, 1002);
    expect_counts(&s, 1, 1);
    end(&s);
}

/* --- For blocks --- */

static void a_batch_passes_over_a_sender(void **state)
{
    (void)state;
    struct setting s;
    begin(&s);
    start(&s);
    for (uint64_t nonce = 0; nonce < 3; nonce++)
        for (size_t i = 0; i < 3; i++)
            expect(&s, (struct pool_test_tx){.account = i, .nonce = nonce}, i == 2, "ok");
    struct chain_pool_batch batch;
    struct chain_tx *tx;
    assert_int_equal(chain_pool_take(s.pool, 100, &batch), ERR_OK);
    assert_int_equal(batch.count, 9);
    char order[64] = "";
    while ((tx = chain_pool_batch_next(&batch))) {
        size_t len = strlen(order), account = pool_test_account(&tx->tx.sender);
        snprintf(order + len, sizeof(order) - len, "%zu.%d ", account, (int)tx->tx.nonce);
        if (account == 0 && tx->tx.nonce == 1)
            chain_pool_batch_skip_sender(&batch);
    }
    assert_string_equal(order, "2.0 2.1 2.2 0.0 1.0 0.1 1.1 1.2 ");
    chain_pool_batch_release(&batch);
    end(&s);
}

static void many_are_found_by_hash(void **state)
{
    (void)state;
    struct setting s;
    begin(&s);
    start(&s);
    struct hash256 hashes[300] = {0};
    struct chain_tx *found[300];
    for (size_t i = 0; i < 300; i += 2) {
        struct chain_tx *tx = pool_test_make((struct pool_test_tx){.nonce = i / 2});
        hashes[i] = tx->hash;
        assert_int_equal(pool_test_add(s.pool, tx, false), CHAIN_POOL_OK);
        assert_true(chain_pool_has(s.pool, &hashes[i]));
    }
    assert_int_equal(chain_pool_find(s.pool, hashes, 300, found), 150);
    for (size_t i = 0; i < 300; i++) {
        assert_int_equal(found[i] != NULL, i % 2 == 0);
        chain_tx_unref(found[i]);
    }
    end(&s);
}

/* --- What GoQuorum answered --- */

static struct chain_tx *recorded_tx(const json_t *exchange)
{
    const json_t *params = json_object_get(exchange, "params");
    json_t *holder = json_pack("{s:O}", "raw", json_array_get(params, 0));
    struct buf raw = BUF_INIT;
    struct err_detail detail;
    struct chain_tx *tx;
    assert_true(fixtures_hex(holder, "raw", &raw));
    assert_int_equal(chain_tx_decode(&tx, buf_bytes(&raw), true, 0, &detail), ERR_OK);
    struct eth_rules rules = {.fork = FORK_BERLIN, .chain_id = u256_from(1337), .is_quorum = true};
    enum eth_tx_status status;
    assert_int_equal(chain_txs_recover(&tx, &status, 1, &rules, NULL), ERR_OK);
    assert_int_equal(status, ETH_TX_OK);
    json_decref(holder);
    buf_release(&raw);
    return tx;
}

static int recorded_account(void *context, const struct address *address,
                            struct chain_pool_account *ret_account)
{
    (void)context;
    ret_account->address = *address;
    ret_account->nonce = 3; /* as eth_getTransactionCount says in the recording */
    ret_account->balance = u256_from(1000000000);
    return ERR_OK;
}

static void recorded_exchange(struct chain_pool *pool, const json_t *exchange, size_t *count)
{
    const char *tag = json_string_value(json_object_get(exchange, "tag"));
    const char *method = json_string_value(json_object_get(exchange, "method"));
    const json_t *error = json_object_get(exchange, "error");
    if (!tag || strcmp(method, "eth_sendRawTransaction") != 0)
        return;
    enum chain_pool_status status = pool_test_add(pool, recorded_tx(exchange), true);
    assert_string_equal(chain_pool_status_text(status),
                        error ? json_string_value(json_object_get(error, "message")) : "ok");
    ++*count;
}

/* Gap, duplicate, replacement at the same price. */
static void recorded_answers(void **state)
{
    (void)state;
    struct setting s;
    char path[4096], *line = NULL;
    size_t size = 0, count = 0;
    fixtures_require("recordings/live", "recordings of GoQuorum v24.4.1");
    snprintf(path, sizeof(path), "%s/recordings/live/live.jsonl", fixtures_folder());
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    begin(&s);
    s.options.account = recorded_account;
    s.rules.gas_limit = 3758096384;
    start(&s);
    while (getline(&line, &size, file) > 0) {
        json_t *exchange = json_loads(line, 0, NULL);
        assert_non_null(exchange);
        recorded_exchange(s.pool, exchange, &count);
        json_decref(exchange);
    }
    free(line); /* from malloc */
    fclose(file);
    assert_int_equal(count, 3);
    expect_counts(&s, 0, 1); /* as txpool_status says */
    end(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(texts_of_a_network_without_prices),
        cmocka_unit_test(the_order_of_the_checks),
        cmocka_unit_test(texts_of_a_network_with_prices),
        cmocka_unit_test(permissions_are_asked),
        cmocka_unit_test(a_state_that_cannot_be_read_is_an_error),
        cmocka_unit_test(a_gap_closes),
        cmocka_unit_test(the_order_of_a_batch_does_not_matter),
        cmocka_unit_test(a_head_asks_the_state_nothing),
        cmocka_unit_test(prices_that_are_switched_off),
        cmocka_unit_test(a_full_pool_stands_still),
        cmocka_unit_test(local_ones_are_bounded_too),
        cmocka_unit_test(bytes_are_bounded),
        cmocka_unit_test(the_better_paid_come_in),
        cmocka_unit_test(the_queue_of_one_account),
        cmocka_unit_test(idle_queues_expire),
        cmocka_unit_test(a_batch_passes_over_a_sender),
        cmocka_unit_test(many_are_found_by_hash),
        cmocka_unit_test(recorded_answers),
    };
    return cmocka_run_group_tests_name("pool", tests, NULL, NULL);
}
