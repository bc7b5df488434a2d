/* A state fetched whole, node by node, as a peer does it: every node is found by its hash, and nothing else is. */
#include "chain/nodes.h"
#include "chain/test/recorded.h"
#include "crypto/keccak.h"
#include "rlp/rlp.h"
#include "state/account.h"
#include "tests/support/recordings.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

enum { WANTED_MAX = 1 << 16 };

enum what { ACCOUNTS, SLOTS, CODE };

struct wanted {
    struct hash256 hash;
    enum what what;
};

struct fetch {
    struct chain_reader reader;
    struct chain_nodes nodes;
    struct wanted *stack;
    size_t depth;
    size_t nodes_seen, accounts, slots, codes;
};

static void want(struct fetch *f, const uint8_t *hash, enum what what)
{
    assert_true(f->depth < WANTED_MAX);
    struct wanted *w = &f->stack[f->depth++];
    memcpy(w->hash.b, hash, sizeof(w->hash.b));
    w->what = what;
}

static void look_at_account(struct fetch *f, struct bytes value)
{
    struct state_account account;
    assert_int_equal(state_account_decode(&account, value), 0);
    f->accounts++;
    if (!hash256_equal(&account.storage.hash, &trie_empty_hash))
        want(f, account.storage.hash.b, SLOTS);
    if (!hash256_equal(&account.code_hash, &crypto_keccak256_empty))
        want(f, account.code_hash.b, CODE);
}

/* By the Yellow Paper, not by what the library has for it. */
static void look_at_node(struct fetch *f, struct bytes node, enum what what)
{
    struct rlp_reader r;
    struct bytes items[17];
    size_t count = 0;
    rlp_reader_init(&r, node);
    rlp_enter(&r, NULL);
    for (; rlp_more(&r); count++) {
        assert_true(count < 17);
        /* A list is a node of a few bytes that stands for itself. */
        items[count] = rlp_peek(&r) == RLP_LIST ? (rlp_skip(&r, NULL), bytes_none())
                                                : rlp_read_bytes(&r, NULL);
    }
    rlp_leave(&r, NULL);
    assert_true(rlp_ok(&r));
    if (count == 17) {
        for (size_t i = 0; i < 16; i++)
            if (items[i].len == 32)
                want(f, items[i].data, what);
        return;
    }
    assert_int_equal(count, 2);
    bool is_leaf = items[0].data[0] & 0x20;
    if (!is_leaf)
        want(f, items[1].data, what);
    else if (what == ACCOUNTS)
        look_at_account(f, items[1]);
    else
        f->slots++;
}

static void fetch_one(struct fetch *f, struct wanted w)
{
    struct buf b = BUF_INIT;
    struct hash256 hash;
    assert_int_equal(chain_nodes_get(&f->nodes, &b, &f->reader, &w.hash), 0);
    crypto_keccak256(&hash, buf_bytes(&b));
    assert_true(hash256_equal(&hash, &w.hash));
    f->nodes_seen++;
    if (w.what == CODE)
        f->codes++;
    else
        look_at_node(f, buf_bytes(&b), w.what);
    buf_release(&b);
}

static void fetch_network(const char *network)
{
    struct store *store;
    struct chain *chain = recorded_open(network, true, &store);
    size_t count, done;
    struct chain_block **blocks = recorded_blocks(network, &count);
    enum chain_verdict verdict;
    struct err_detail why = {""};
    expect_ok(chain_import(chain, &verdict, &done, &why, blocks, count), &why);
    struct fetch f = {.stack = calloc(WANTED_MAX, sizeof(struct wanted))};
    assert_int_equal(chain_reader_open(&f.reader, chain), 0);
    struct buf b = BUF_INIT;
    /* Not an ancestor's node, not a code, not a hash of nothing, before the way to it was shown. */
    assert_int_equal(chain_nodes_get(&f.nodes, &b, &f.reader, &blocks[0]->hash), ERR_NOTFOUND);
    want(&f, blocks[count - 1]->header.state_root.b, ACCOUNTS);
    while (f.depth)
        fetch_one(&f, f.stack[--f.depth]);
    assert_true(f.accounts > 0);
    print_message("%s: %zu nodes: %zu accounts, %zu slots, %zu codes\n", network, f.nodes_seen,
                  f.accounts, f.slots, f.codes);
    assert_int_equal(b.len, 0);
    buf_release(&b);
    free(f.stack);
    chain_nodes_release(&f.nodes);
    chain_reader_close(&f.reader);
    recorded_free(blocks, count);
    chain_free(chain);
    store_free(store);
}

static void test_whole_states(void **state)
{
    (void)state;
    for (size_t i = 0; i < recorded_network_count; i++)
        recordings_require(recorded_networks[i]);
    for (size_t i = 0; i < recorded_network_count; i++)
        fetch_network(recorded_networks[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_whole_states)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
