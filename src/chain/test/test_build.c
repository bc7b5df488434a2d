/* Blocks made here: built, checked, agreed on, committed. */
#include "base/hex.h"
#include "chain/test/built.h"
#include "chain/test/maker.h"
#include "consensus/istanbul/extra.h"
#include "consensus/istanbul/set.h"
#include "state/state.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

/* --- A chain by either engine --- */

struct events {
    uint64_t heads, changed;
    struct u256 td;
};

static void count_event(void *context, const struct chain_event *event)
{
    struct events *events = context;
    events->heads++;
    events->changed += event->changed_count;
    events->td = event->total_difficulty;
    assert_true(event->receipts.len > 0);
}

/* Of how many transactions permissioning was asked, by whether their block was agreed on. */
struct asked {
    unsigned agreed, open;
};

static int count_asked(void *context, bool *ret_allowed, bool agreed,
                       const struct exec_block *block, struct state_view *view,
                       const struct eth_transaction *tx, const struct address *sender)
{
    struct asked *asked = context;
    (void)block, (void)view, (void)tx, (void)sender;
    if (agreed)
        asked->agreed++;
    else
        asked->open++;
    *ret_allowed = true;
    return 0;
}

/* A second chain checks the first block as a proposal, and takes all of them as they are. */
static void expect_taken_elsewhere(const struct maker *m, struct chain *chain, size_t count)
{
    struct store *store;
    struct chain *other = built_open_memory(m, &store, false, 0);
    struct chain_reader reader;
    struct chain_block *blocks[12];
    enum chain_verdict verdict;
    struct err_detail why = {""};
    size_t taken;
    struct asked asked = {0};
    const struct chain_permission gate = {&asked, count_asked};
    assert_true(count <= BASE_COUNT(blocks));
    maker_must(chain_reader_open(&reader, chain), "reader", NULL);
    for (size_t i = 0; i < count; i++)
        maker_must(chain_reader_block(&reader, &blocks[i], i + 1), "block", &reader.detail);
    chain_reader_close(&reader);
    chain_set_permission(other, &gate);
    maker_must(chain_execute(other, &verdict, &why, blocks[0], CHAIN_CHECK_NO_SEALS), "execute",
               &why);
    assert_int_equal(verdict, CHAIN_VALID);
    maker_must(chain_import(other, &verdict, &taken, &why, blocks, count), "import", &why);
    assert_int_equal(verdict, CHAIN_VALID);
    assert_int_equal(built_head_number(other), count);
    size_t each = blocks[0]->body->body.transaction_count;
    assert_int_equal(asked.open, each);
    assert_int_equal(asked.agreed, (count - 1) * each);
    for (size_t i = 0; i < count; i++)
        chain_block_unref(blocks[i]);
    chain_free(other);
    store_free(store);
}

static void run_engine(bool is_qbft)
{
    struct maker m;
    struct store *store;
    struct events events = {0};
    struct asked asked = {0};
    const struct chain_permission gate = {&asked, count_asked};
    maker_init(&m, is_qbft, 4, 8, 7, "", "");
    struct chain *chain = built_open_memory(&m, &store, true, 0);
    chain_on_head(chain, count_event, &events);
    chain_set_permission(chain, &gate);
    for (size_t i = 0; i < 6; i++) {
        enum chain_verdict verdict;
        struct err_detail why = {""};
        struct chain_block *block = maker_build(&m, chain, i % 4, 20);
        struct chain_block *sealed = maker_seal(&m, block, (uint32_t)i);
        assert_int_equal(block->body->body.transaction_count, 20);
        assert_true(hash256_equal(&block->hash, &sealed->hash));
        /* As a proposal it is fine; as a block it lacks its seals. */
        maker_must(chain_execute(chain, &verdict, &why, block, CHAIN_CHECK_NO_SEALS), "execute",
                   &why);
        assert_int_equal(verdict, CHAIN_VALID);
        built_expect(chain, block, CHAIN_BAD_SEALS, "zero committed seals");
        built_expect(chain, sealed, CHAIN_VALID, "");
        built_expect(chain, sealed, CHAIN_KNOWN, "already known");
        chain_block_unref(block);
        chain_block_unref(sealed);
    }
    assert_int_equal(events.heads, 6);
    assert_true(events.changed > 6);
    struct u256 td = u256_from(7);
    assert_true(u256_equal(&events.td, &td));
    assert_int_equal(asked.open, 120);
    assert_int_equal(asked.agreed, 0);

    expect_taken_elsewhere(&m, chain, 6);
    chain_free(chain);
    store_free(store);
    maker_release(&m);
}

static void test_qbft(void **state)
{
    (void)state;
    run_engine(true);
}

static void test_ibft(void **state)
{
    (void)state;
    run_engine(false);
}

/* --- Transactions --- */

struct queue {
    struct chain_tx **txs;
    size_t count, at;
    enum chain_offer offers[16];
    char why[16][200];
};

static struct chain_tx *next_queued(void *context)
{
    struct queue *q = context;
    return q->at < q->count ? q->txs[q->at] : NULL;
}

static void note_offer(void *context, struct chain_tx *tx, enum chain_offer offer, const char *why)
{
    struct queue *q = context;
    assert_ptr_equal(tx, q->txs[q->at]);
    q->offers[q->at] = offer;
    snprintf(q->why[q->at], sizeof(q->why[0]), "%s", why ? why : "");
    q->at++;
}

static void test_offers(void **state)
{
    (void)state;
    struct maker m;
    struct store *store;
    static const uint8_t hash_of_payload[64] = {1, 2, 3};
    maker_init(&m, true, 1, 4, 13, "", "");
    struct chain *chain = built_open_memory(&m, &store, true, 0);
    const struct address *to = &m.accounts[3].address;
    struct chain_tx *txs[6];
    struct bytes payload = bytes_of(hash_of_payload, sizeof(hash_of_payload));
    txs[0] = maker_transaction(&m, 0, to, 5, 0, bytes_none(), false);
    txs[1] = maker_transaction(&m, 1, to, 5, 3, bytes_none(), false); /* a price */
    m.nonces[1] = 4;
    txs[2] = maker_transaction(&m, 1, to, 5, 0, bytes_none(), false); /* a gap */
    m.nonces[0] = 0;
    txs[3] = maker_transaction(&m, 0, to, 5, 0, bytes_none(), false); /* again */
    txs[4] = maker_transaction(&m, 2, to, 0, 0, payload, true);
    txs[5] = maker_transaction(&m, 2, NULL, 0, 0, payload, true);
    struct queue q = {.txs = txs, .count = 6};
    const struct chain_build in = {.prepare = {.coinbase = m.validators[0].address},
                                   .next = next_queued,
                                   .offered = note_offer,
                                   .context = &q};
    struct chain_block *block;
    struct err_detail detail = {""};
    maker_must(chain_build(chain, &block, &in, &detail), "build", &detail);
    static const struct {
        enum chain_offer offer;
        const char *why;
    } wanted[6] = {
        {CHAIN_OFFER_TAKEN, ""},
        {CHAIN_OFFER_INVALID, "Gas price not 0"},
        {CHAIN_OFFER_EARLY, "nonce too high"},
        {CHAIN_OFFER_STALE, "nonce too low"},
        {CHAIN_OFFER_TAKEN, ""},
        {CHAIN_OFFER_TAKEN, ""},
    };
    for (size_t i = 0; i < 6; i++) {
        assert_int_equal(q.offers[i], wanted[i].offer);
        assert_memory_equal(q.why[i], wanted[i].why, strlen(wanted[i].why));
    }
    /* Of private transactions the block counts no gas, and their receipts say success. */
    assert_int_equal(block->header.gas_used, 21000);
    struct chain_block *sealed = maker_seal(&m, block, 0);
    built_expect(chain, sealed, CHAIN_VALID, "");
    struct chain_reader reader;
    struct state_reader view;
    struct state_account account;
    struct eth_receipt *receipts;
    struct arena arena;
    size_t count;
    bool exists;
    arena_init(&arena);
    maker_must(chain_reader_open(&reader, chain), "reader", NULL);
    maker_must(chain_reader_receipts(&reader, &receipts, &count, &arena, 1), "receipts", NULL);
    assert_int_equal(count, 3);
    for (size_t i = 0; i < count; i++) {
        assert_true(receipts[i].success);
        assert_int_equal(receipts[i].cumulative_gas, 21000);
    }
    maker_must(chain_reader_state(&reader, &view, 1), "state", NULL);
    maker_must(state_reader_account(&view, &account, &exists, &m.accounts[2].address), "account",
               NULL);
    assert_int_equal(account.nonce, 2);
    chain_reader_close(&reader);
    arena_release(&arena);
    for (size_t i = 0; i < 6; i++)
        chain_tx_unref(txs[i]);
    chain_block_unref(block);
    chain_block_unref(sealed);
    chain_free(chain);
    store_free(store);
    maker_release(&m);
}

/* --- Later forks --- */

static void test_forks(void **state)
{
    (void)state;
    static const struct {
        const char *config;
        enum fork first, last; /* of blocks 1 and 6 */
        enum eth_header_tail tail;
        bool priced;
    } cases[] = {
        {"\"londonBlock\": 0,", FORK_LONDON, FORK_LONDON, ETH_HEADER_BASE_FEE, false},
        {"\"londonBlock\": 0, \"enableGasPriceBlock\": 0,", FORK_LONDON, FORK_LONDON,
         ETH_HEADER_BASE_FEE, true},
        {"\"londonBlock\": 0, \"enableGasPriceBlock\": 0, \"zeroBaseFee\": true,", FORK_LONDON,
         FORK_LONDON, ETH_HEADER_BASE_FEE, false},
        {"\"londonBlock\": 3, \"shanghaiTime\": 1600000005,", FORK_BERLIN, FORK_SHANGHAI,
         ETH_HEADER_WITHDRAWALS_ROOT, false},
        {"\"transitions\": [{\"block\": 4, \"fork\": \"cancun\"}],", FORK_BERLIN, FORK_CANCUN,
         ETH_HEADER_BEACON_ROOT, false},
        {"\"transitions\": [{\"block\": 2, \"fork\": \"london\"}, {\"block\": 3, \"fork\": "
         "\"Prague\"}, {\"block\": 5, \"gasPriceEnabled\": true, \"fork\": \"osaka\"}],",
         FORK_BERLIN, FORK_OSAKA, ETH_HEADER_REQUESTS_HASH, true},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct maker m;
        struct store *store;
        maker_init(&m, true, 2, 4, 19 + i, cases[i].config, "");
        struct chain *chain = built_open_memory(&m, &store, true, 0);
        const struct chain_config *config = chain_configuration(chain);
        for (uint64_t number = 1; number <= 6; number++) {
            /* With a base fee a transfer at price 0 is not possible. */
            struct chain_rules rules = chain_config_rules(config, number, 1600000000 + number);
            bool priced = rules.base_fee && !rules.zero_base_fee;
            maker_extend(&m, chain, priced ? 0 : 3);
            assert_int_equal(rules.fork, number < 6 && number > 1 ? rules.fork
                                         : number == 1            ? cases[i].first
                                                                  : cases[i].last);
        }
        struct chain_head head;
        chain_head(chain, &head);
        assert_int_equal(head.block->header.tail, cases[i].tail);
        assert_int_equal(u256_is_zero(&head.block->header.base_fee), !cases[i].priced);
        chain_head_release(&head);
        chain_free(chain);
        store_free(store);
        maker_release(&m);
    }
}

/* --- Clique --- */

static void test_clique(void **state)
{
    (void)state;
    struct maker m;
    struct store *store;
    maker_init_clique(&m, 3, 4, 29);
    struct chain *chain = built_open_memory(&m, &store, true, 0);
    for (size_t i = 0; i < 12; i++) {
        struct chain_block *block = maker_build(&m, chain, i % 3, 2);
        built_expect(chain, block, CHAIN_VALID, "");
        chain_block_unref(block);
    }
    /* The one who has just signed must wait. */
    struct chain_block *again = maker_build(&m, chain, 11 % 3, 0);
    built_expect(chain, again, CHAIN_BAD_HEADER, "recently signed");
    chain_block_unref(again);
    expect_taken_elsewhere(&m, chain, 12);
    chain_free(chain);
    store_free(store);
    maker_release(&m);
}

/* Two nodes part after block 2; the branch with more difficulty wins on both. */
static void test_branches(void **state)
{
    (void)state;
    struct maker m;
    struct store *stores[2];
    struct chain *chains[2];
    struct chain_block *made[2][8];
    size_t counts[2] = {3, 5};
    maker_init_clique(&m, 3, 4, 37);
    for (int i = 0; i < 2; i++)
        chains[i] = built_open_memory(&m, &stores[i], i == 0, 0);
    for (size_t n = 0; n < 2; n++) {
        struct chain_block *block = maker_build(&m, chains[0], n, 2);
        built_expect(chains[0], block, CHAIN_VALID, "");
        built_expect(chains[1], block, CHAIN_VALID, "");
        chain_block_unref(block);
    }
    uint64_t nonces[4];
    memcpy(nonces, m.nonces, sizeof(nonces));
    for (size_t side = 0; side < 2; side++) {
        memcpy(m.nonces, nonces, sizeof(nonces));
        for (size_t n = 0; n < counts[side]; n++) {
            made[side][n] = maker_build(&m, chains[side], (2 + n + side * (n % 2)) % 3, 1 + side);
            enum chain_verdict verdict;
            struct err_detail why = {""};
            maker_must(chain_commit(chains[side], &verdict, &why, made[side][n]), "commit", &why);
            if (verdict != CHAIN_VALID) { /* that one signed lately: another does */
                chain_block_unref(made[side][n]);
                made[side][n] = NULL;
                for (size_t signer = 0; signer < 3 && verdict != CHAIN_VALID; signer++) {
                    chain_block_unref(made[side][n]);
                    memcpy(m.nonces, nonces, sizeof(nonces));
                    made[side][n] = maker_build(&m, chains[side], signer, 0);
                    maker_must(chain_commit(chains[side], &verdict, &why, made[side][n]), "commit",
                               &why);
                }
                assert_int_equal(verdict, CHAIN_VALID);
            }
        }
    }
    for (size_t side = 0; side < 2; side++)
        for (size_t n = 0; n < counts[!side]; n++) {
            enum chain_verdict verdict;
            struct err_detail why = {""};
            maker_must(chain_commit(chains[side], &verdict, &why, made[!side][n]), "branch", &why);
            if (verdict != CHAIN_VALID && verdict != CHAIN_KNOWN)
                fail_msg("%s: %s", chain_verdict_text(verdict), why.text);
        }
    struct chain_head heads[2];
    for (int i = 0; i < 2; i++)
        chain_head(chains[i], &heads[i]);
    assert_true(hash256_equal(&heads[0].block->hash, &heads[1].block->hash));
    assert_true(u256_equal(&heads[0].total_difficulty, &heads[1].total_difficulty));
    assert_int_equal(heads[0].block->header.number, 2 + counts[1]);
    for (int i = 0; i < 2; i++) {
        chain_head_release(&heads[i]);
        for (size_t n = 0; n < counts[i]; n++)
            chain_block_unref(made[i][n]);
        chain_free(chains[i]);
        store_free(stores[i]);
    }
    maker_release(&m);
}

/* --- Validators named by a contract --- */

enum { CONTRACT_CODE = 14 };

/* Code that answers any call with a list of addresses, as ABI has it. */
static void append_contract(struct buf *alloc, const struct maker *m, size_t first, size_t count)
{
    uint8_t words[64] = {[31] = 32, [63] = (uint8_t)count};
    uint8_t size[2] = {(uint8_t)((64 + 32 * count) >> 8), (uint8_t)(64 + 32 * count)};
    const uint8_t code[CONTRACT_CODE] = {0x61,    size[0], size[1], 0x60, CONTRACT_CODE,
                                         0x60,    0x00,    0x39,    0x61, size[0],
                                         size[1], 0x60,    0x00,    0xf3};
    struct buf all = BUF_INIT;
    buf_append(&all, code, sizeof(code));
    buf_append(&all, words, sizeof(words));
    for (size_t i = 0; i < count; i++) {
        static const uint8_t zeros[12];
        buf_append(&all, zeros, sizeof(zeros));
        buf_append(&all, m->validators[first + i].address.b, 20);
    }
    buf_append_format(alloc,
                      "\"00000000000000000000000000000000000c%04zx\": {\"balance\": \"0\", "
                      "\"code\": \"",
                      first);
    hex_append(alloc, buf_bytes(&all));
    buf_append_text(alloc, "\"},");
    buf_release(&all);
}

static void expect_validators(struct chain *chain, const struct maker *m, uint64_t number,
                              size_t first, size_t count)
{
    struct chain_reader reader;
    struct istanbul_set set;
    maker_must(chain_reader_open(&reader, chain), "reader", NULL);
    maker_must(chain_validators_after(&reader, &set, number), "validators", &reader.detail);
    chain_reader_close(&reader);
    assert_int_equal(set.count, count);
    for (size_t i = 0; i < count; i++)
        assert_true(istanbul_set_has(&set, &m->validators[first + i].address));
    istanbul_set_release(&set);
}

/* Genesis' own validators 0 … 3; from block 2 on a contract names 0 … 2, from 4 on another 1 … 3. */
static void test_contract(void **state)
{
    (void)state;
    static const char config[] =
        "\"transitions\": [{\"block\": 2, \"validatorselectionmode\": \"contract\", "
        "\"validatorcontractaddress\": \"0x00000000000000000000000000000000000c0000\"}, "
        "{\"block\": 4, \"validatorselectionmode\": \"contract\", \"validatorcontractaddress\": "
        "\"0x00000000000000000000000000000000000c0001\"}, {\"block\": 6, "
        "\"validatorselectionmode\": \"contract\", \"validatorcontractaddress\": "
        "\"0x00000000000000000000000000000000000c0009\"}],";
    struct maker m;
    struct store *store;
    struct buf alloc = BUF_INIT;
    maker_init(&m, true, 4, 4, 31, "", "");
    append_contract(&alloc, &m, 0, 3);
    append_contract(&alloc, &m, 1, 3);
    maker_release(&m);
    maker_init(&m, true, 4, 4, 31, config, buf_text(&alloc));
    struct chain *chain = built_open_memory(&m, &store, true, 0);
    const size_t all = m.validator_count;
    for (uint64_t number = 1; number <= 6; number++) {
        /* The set for a block is read after the one before it. */
        size_t first = number <= 2 ? 0 : number <= 4 ? 0 : 1, count = number <= 2 ? 4 : 3;
        expect_validators(chain, &m, number - 1, first, count);
        struct chain_block *block = maker_build(&m, chain, first, 1);
        struct istanbul_extra extra;
        assert_true(istanbul_extra_decode(&extra, ISTANBUL_QBFT, block->header.extra));
        assert_int_equal(extra.validator_count, number <= 2 ? 4 : 0);
        if (number == 3) { /* the fourth validator is none any more */
            struct chain_block *foreign = maker_seal(&m, block, 0);
            built_expect(chain, foreign, CHAIN_BAD_SEALS, "invalid committed seals");
            chain_block_unref(foreign);
        }
        struct maker sealer = m;
        sealer.validator_count = number <= 2 ? all : first + 3;
        if (first)
            sealer.validators[0] = sealer.validators[--sealer.validator_count];
        struct chain_block *sealed = maker_seal(&sealer, block, 0);
        built_expect(chain, sealed, CHAIN_VALID, "");
        chain_block_unref(block);
        chain_block_unref(sealed);
    }
    /* Where there is no contract, the next block cannot be agreed on; the message says so. */
    struct chain_reader reader;
    struct istanbul_set set;
    maker_must(chain_reader_open(&reader, chain), "reader", NULL);
    assert_int_equal(chain_validators_after(&reader, &set, 6), ERR_INPUT);
    assert_non_null(strstr(reader.detail.text, "getValidators() gave no list of addresses"));
    chain_reader_close(&reader);
    chain_free(chain);
    store_free(store);
    buf_release(&alloc);
    maker_release(&m);
}

/* --- init again --- */

static void test_init_again(void **state)
{
    (void)state;
    static const struct {
        const char *config;
        uint64_t seed;
        int err;
        const char *text;
    } cases[] = {
        {"\"transitions\": [{\"block\": 9, \"blockperiodseconds\": 2}],", 41, 0, ""},
        {"\"transitions\": [{\"block\": 9, \"blockperiodseconds\": 3}],", 41, 0, ""},
        {"\"transitions\": [{\"block\": 2, \"blockperiodseconds\": 3}],", 41, ERR_INPUT,
         "transitions data incompatible. updating transitions for past"},
        {"", 41, ERR_INPUT, "genesis file missing transitions information"},
        {"", 43, ERR_INPUT, "database contains incompatible genesis (have "},
        {"\"maxCodeSize\": 30,", 41, ERR_INPUT, "maxCodeSize & maxCodeSizeChangeBlock deprecated"},
    };
    struct maker m;
    struct store *store;
    maker_init(&m, true, 2, 4, 41, "", "");
    struct chain *chain = built_open_memory(&m, &store, true, 0);
    for (int i = 0; i < 4; i++)
        maker_extend(&m, chain, 1);
    chain_free(chain);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct maker other;
        struct err_detail detail = {""};
        maker_init(&other, true, 2, 4, cases[i].seed, cases[i].config, "");
        const struct chain_options options = {
            .store = store, .genesis = buf_bytes(&other.genesis), .archive = true};
        int err = chain_open(&chain, &options, &detail);
        if (err != cases[i].err || !strstr(detail.text, cases[i].text))
            fail_msg("%zu: %d %s", i, err, detail.text);
        if (!err) {
            assert_int_equal(chain_configuration(chain)->transitions[0].block_period, 2 + i);
            assert_int_equal(built_head_number(chain), 4);
            chain_free(chain);
        }
        maker_release(&other);
    }
    /* What was refused has changed nothing. */
    const struct chain_options as_it_is = {.store = store, .archive = true};
    maker_must(chain_open(&chain, &as_it_is, NULL), "open", NULL);
    assert_int_equal(chain_configuration(chain)->transitions[0].block_period, 3);
    chain_free(chain);
    store_free(store);
    maker_release(&m);
}

/* --- States that are kept --- */

static void test_pruned(void **state)
{
    (void)state;
    struct maker m;
    struct store *store, *archive_store;
    maker_init(&m, true, 1, 8, 17, "", "");
    struct chain *chain = built_open_memory(&m, &store, false, 4);
    for (int i = 0; i < 40; i++)
        maker_extend(&m, chain, 3);
    struct chain_reader reader;
    struct state_reader view;
    struct err_detail detail = {""};
    maker_must(chain_reader_open(&reader, chain), "reader", NULL);
    for (uint64_t number = 0; number <= 40; number++) {
        struct eth_header header;
        int err = chain_reader_state(&reader, &view, number);
        assert_int_equal(err, number < 36 ? ERR_NOTFOUND : 0);
        maker_must(chain_reader_header(&reader, &header, number), "header", &reader.detail);
        if (!err)
            assert_memory_equal(&header.state_root, &view.root.hash, 32);
    }
    chain_reader_close(&reader);
    /* Opened as an archive it keeps what comes, and what is there. */
    chain_free(chain);
    const struct chain_options as_archive = {.store = store, .archive = true};
    maker_must(chain_open(&chain, &as_archive, &detail), "open", &detail);
    assert_true(chain_is_archive(chain));
    assert_int_equal(built_head_number(chain), 40);
    for (int i = 0; i < 10; i++)
        maker_extend(&m, chain, 3);
    maker_must(chain_reader_open(&reader, chain), "reader", NULL);
    for (uint64_t number = 36; number <= 50; number++)
        maker_must(chain_reader_state(&reader, &view, number), "state", NULL);
    chain_reader_close(&reader);
    chain_free(chain);
    store_free(store);
    maker_release(&m);
    maker_init(&m, true, 1, 8, 17, "", "");
    chain = built_open_memory(&m, &archive_store, true, 0);
    for (int i = 0; i < 6; i++)
        maker_extend(&m, chain, 3);
    maker_must(chain_reader_open(&reader, chain), "reader", NULL);
    for (uint64_t number = 0; number <= 6; number++)
        maker_must(chain_reader_state(&reader, &view, number), "state", NULL);
    chain_reader_close(&reader);
    chain_free(chain);
    store_free(archive_store);
    maker_release(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_qbft),     cmocka_unit_test(test_ibft),
        cmocka_unit_test(test_offers),   cmocka_unit_test(test_forks),
        cmocka_unit_test(test_clique),   cmocka_unit_test(test_branches),
        cmocka_unit_test(test_contract), cmocka_unit_test(test_init_again),
        cmocka_unit_test(test_pruned),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
