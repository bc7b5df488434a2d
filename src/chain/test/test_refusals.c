/* Blocks that are refused, each with its reason. */
#include "chain/test/built.h"
#include "chain/test/maker.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

/* The block with a header changed by `change`, its seals as they were. */
static struct chain_block *changed(const struct chain_block *block,
                                   void (*change)(struct eth_header *header))
{
    struct eth_header header = block->header;
    struct buf rlp = BUF_INIT, body = BUF_INIT;
    struct chain_block *made;
    struct err_detail detail = {""};
    change(&header);
    eth_header_write(&rlp, &header);
    chain_body_write(&body, block->body);
    maker_must(chain_block_join(&made, buf_bytes(&rlp), buf_bytes(&body), &detail), "join",
               &detail);
    buf_release(&rlp);
    buf_release(&body);
    return made;
}

/* The same, sealed again. */
static struct chain_block *altered(struct maker *m, const struct chain_block *block,
                                   void (*change)(struct eth_header *header))
{
    struct chain_block *made = changed(block, change);
    struct chain_block *sealed = maker_seal(m, made, 0);
    chain_block_unref(made);
    return sealed;
}

static void gas_used(struct eth_header *h)
{
    h->gas_used++;
}

static void state_root_of(struct eth_header *h)
{
    h->state_root.b[5] ^= 1;
}

static void receipts_root(struct eth_header *h)
{
    h->receipts_root.b[5] ^= 1;
}

static void bloom(struct eth_header *h)
{
    h->bloom.b[7] ^= 1;
}

static void transactions_root(struct eth_header *h)
{
    h->transactions_root.b[5] ^= 1;
}

static void too_soon(struct eth_header *h)
{
    h->timestamp--;
}

static void future(struct eth_header *h)
{
    h->timestamp = UINT64_C(9000000000);
}

static void other_parent(struct eth_header *h)
{
    h->parent_hash.b[0] ^= 1;
}

static void far_ahead(struct eth_header *h)
{
    h->number += 7;
}

static void stranger(struct eth_header *h)
{
    h->coinbase.b[3] ^= 1;
}

static void heavy(struct eth_header *h)
{
    h->difficulty = u256_from(2);
}

static void mixed(struct eth_header *h)
{
    h->mix_hash.b[0] ^= 1;
}

static void with_base_fee(struct eth_header *h)
{
    h->tail = ETH_HEADER_BASE_FEE;
}

/* Those whose refusal is for ever are kept, each once. */
static void expect_kept(struct chain *chain, size_t wanted)
{
    struct chain_block *blocks[CHAIN_BAD_MAX];
    struct chain_reader reader;
    size_t count;
    assert_int_equal(chain_reader_open(&reader, chain), 0);
    assert_int_equal(chain_reader_bad_blocks(&reader, blocks, &count), 0);
    assert_int_equal(count, wanted);
    for (size_t i = 0; i < count; i++) {
        for (size_t k = 0; k < i; k++)
            assert_false(hash256_equal(&blocks[i]->hash, &blocks[k]->hash));
        assert_true(i == 0 || blocks[i]->header.number <= blocks[i - 1]->header.number);
    }
    while (count)
        chain_block_unref(blocks[--count]);
    chain_reader_close(&reader);
}

static void test_refusals(void **state)
{
    (void)state;
    static const struct {
        void (*change)(struct eth_header *header);
        enum chain_verdict verdict;
        const char *text;
    } cases[] = {
        {gas_used, CHAIN_BAD_RESULT, "invalid gas used (remote: 63001 local: 63000)"},
        {state_root_of, CHAIN_BAD_RESULT, "invalid merkle root (remote: "},
        {receipts_root, CHAIN_BAD_RESULT, "invalid receipt root hash (remote: "},
        {bloom, CHAIN_BAD_RESULT, "invalid bloom"},
        {transactions_root, CHAIN_BAD_BODY, "transaction root hash mismatch: have "},
        {too_soon, CHAIN_BAD_HEADER, "invalid timestamp"},
        {future, CHAIN_FUTURE, "block in the future"},
        {other_parent, CHAIN_SIDE_CHAIN, "allows no other block"},
        {far_ahead, CHAIN_UNKNOWN_PARENT, "unknown ancestor"},
        {stranger, CHAIN_BAD_HEADER, "unauthorized"},
        {heavy, CHAIN_BAD_HEADER, "invalid difficulty"},
        {with_base_fee, CHAIN_BAD_HEADER, "fields of later forks"},
    };
    const size_t lasting = 9; /* of these */
    struct maker m;
    struct store *store;
    maker_init(&m, true, 4, 4, 11, "", "");
    struct chain *chain = built_open_memory(&m, &store, true, 0);
    maker_extend(&m, chain, 5);
    struct chain_block *good = maker_build(&m, chain, 1, 3);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct chain_block *bad = altered(&m, good, cases[i].change);
        built_expect(chain, bad, cases[i].verdict, cases[i].text);
        built_expect(chain, bad, cases[i].verdict, cases[i].text);
        chain_block_unref(bad);
    }
    expect_kept(chain, lasting);
    /* Without Istanbul's mark the hash is another one and nothing can be sealed. */
    struct chain_block *unmarked = changed(good, mixed);
    built_expect(chain, unmarked, CHAIN_BAD_HEADER, "invalid Istanbul mix digest");
    chain_block_unref(unmarked);
    struct chain_block *sealed = maker_seal(&m, good, 0);
    built_expect(chain, sealed, CHAIN_VALID, "");
    chain_block_unref(good);
    chain_block_unref(sealed);
    chain_free(chain);
    store_free(store);
    maker_release(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_refusals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
