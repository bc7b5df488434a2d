/* Catching up, in a network of handlers: honest peers, and those that lie, stall, or have bad blocks. */
#include "p2p/test/eth_net.h"
#include "tests/support/recordings.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

enum { LONG = 2500 };

static bool same_head(const struct net_node *a, const struct net_node *b)
{
    return a->count == b->count &&
           hash256_equal(&a->blocks[a->count - 1]->hash, &b->blocks[b->count - 1]->hash);
}

static void expect_synced(struct net_node *node, const struct net_node *with)
{
    if (!same_head(node, with))
        fail_msg("at %zu of %zu; %s", node->count, with->count, node->log);
    struct p2p_eth_progress progress;
    p2p_eth_progress(node->eth, &progress);
    assert_false(progress.syncing);
    assert_int_equal(progress.current, with->count - 1);
}

/* --- Recorded chains --- */

struct recorded_chain {
    struct chain_block *blocks[1024];
    size_t count;
};

static void add_block(struct bytes block, void *context)
{
    struct recorded_chain *r = context;
    assert_true(r->count < BASE_COUNT(r->blocks));
    assert_int_equal(chain_block_decode(&r->blocks[r->count++], block, NULL), ERR_OK);
}

static void sync_recorded(const char *network, unsigned version)
{
    struct recorded_chain r = {.count = 0};
    recordings_require(network);
    recordings_blocks(network, add_block, &r);
    assert_true(r.count > 10);
    assert_int_equal(r.blocks[0]->header.number, 0);
    struct net net;
    net_init(&net);
    struct net_node *full = net_add(&net, r.blocks, r.count);
    struct net_node *fresh = net_add(&net, r.blocks, 1);
    net_connect(&net, fresh, full, version);
    net_settle(&net);
    expect_synced(fresh, full);
    for (size_t i = 0; i < r.count; i++) {
        struct buf a = BUF_INIT, b = BUF_INIT;
        chain_block_write(&a, full->blocks[i]);
        chain_block_write(&b, fresh->blocks[i]);
        assert_true(bytes_equal(buf_bytes(&a), buf_bytes(&b)));
        buf_release(&a);
        buf_release(&b);
    }
    net_release(&net);
    for (size_t i = 0; i < r.count; i++)
        chain_block_unref(r.blocks[i]);
}

static void test_recorded(void **state)
{
    (void)state;
    sync_recorded("qbft", P2P_ETH_66);
    sync_recorded("ibft-to-qbft", P2P_ETH_66);
    sync_recorded("qbft", P2P_ETH_65);
}

/* --- Long chains of several segments --- */

struct world {
    struct net net;
    struct chain_block **chain;
    struct net_node *fresh;
};

static void set_up(struct world *w)
{
    net_init(&w->net);
    w->chain = net_make_chain(LONG, 3, LONG, 0);
    w->fresh = net_add(&w->net, w->chain, 1);
}

static void tear_down(struct world *w)
{
    net_release(&w->net);
    net_free_blocks(w->chain, LONG);
}

static void test_long(void **state)
{
    (void)state;
    struct world w;
    set_up(&w);
    struct net_node *full = net_add(&w.net, w.chain, LONG);
    struct net_link *link = net_connect(&w.net, w.fresh, full, P2P_ETH_66);
    net_settle(&w.net);
    expect_synced(w.fresh, full);
    assert_int_equal(w.fresh->syncing_changes, 2);
    assert_int_equal(link->points, 0);
    assert_string_equal(w.fresh->log, "synchronised: 2499 blocks, head 2499\n");
    /* Nothing more is asked. */
    size_t sent = link->sent;
    net_pass(&w.net, 60000);
    assert_int_equal(link->sent, sent);
    tear_down(&w);
}

/* Lengths around the size of a segment and of a skeleton; from the middle, too: a restart. */
static void test_lengths(void **state)
{
    (void)state;
    static const size_t lengths[] = {2, 3, 191, 192, 193, 194, 384, 385, 386, 1536, 1537, 1538};
    static const size_t starts[] = {1, 2, 100, 192, 193};
    struct chain_block **chain = net_make_chain(LONG, 7, LONG, 0);
    for (size_t i = 0; i < BASE_COUNT(lengths); i++)
        for (size_t k = 0; k < BASE_COUNT(starts); k++) {
            if (starts[k] >= lengths[i])
                continue;
            struct net net;
            net_init(&net);
            struct net_node *full = net_add(&net, chain, lengths[i]);
            struct net_node *fresh = net_add(&net, chain, starts[k]);
            net_connect(&net, fresh, full, P2P_ETH_66);
            net_settle(&net);
            expect_synced(fresh, full);
            net_release(&net);
        }
    net_free_blocks(chain, LONG);
}

static void test_several(void **state)
{
    (void)state;
    struct world w;
    set_up(&w);
    struct net_link *links[4];
    struct net_node *full = NULL;
    for (size_t i = 0; i < 4; i++) {
        full = net_add(&w.net, w.chain, LONG);
        links[i] = net_connect(&w.net, w.fresh, full, i % 2 ? P2P_ETH_65 : P2P_ETH_66);
    }
    net_settle(&w.net);
    expect_synced(w.fresh, full);
    for (size_t i = 0; i < 4; i++) { /* all had their share */
        assert_true(links[i]->codes[P2P_ETH_GET_BLOCK_HEADERS] > 0);
        assert_true(links[i]->codes[P2P_ETH_GET_BLOCK_BODIES] > 0);
        assert_int_equal(links[i]->points, 0);
    }
    tear_down(&w);
}

/* A peer that is behind has nothing to give, and is not punished for it. */
static void test_some_behind(void **state)
{
    (void)state;
    struct world w;
    set_up(&w);
    struct net_node *behind = net_add(&w.net, w.chain, 50);
    struct net_node *full = net_add(&w.net, w.chain, LONG);
    struct net_link *a = net_connect(&w.net, w.fresh, behind, P2P_ETH_66);
    net_connect(&w.net, w.fresh, full, P2P_ETH_66);
    net_pass(&w.net, 20000);
    expect_synced(w.fresh, full);
    assert_false(a->closing);
    tear_down(&w);
}

/* --- Bad peers --- */

static bool drop_bodies(struct net_link *link, unsigned *code, struct buf *payload)
{
    (void)link;
    (void)payload;
    return *code != P2P_ETH_BLOCK_BODIES;
}

static bool drop_headers(struct net_link *link, unsigned *code, struct buf *payload)
{
    (void)link;
    (void)payload;
    return *code != P2P_ETH_BLOCK_HEADERS;
}

/* Of each answer the last byte of the last header or body is another. */
static bool change_headers(struct net_link *link, unsigned *code, struct buf *payload)
{
    (void)link;
    if (*code == P2P_ETH_BLOCK_HEADERS && payload->len > 600)
        payload->data[payload->len - 1] ^= 1;
    return true;
}

static bool change_bodies(struct net_link *link, unsigned *code, struct buf *payload)
{
    (void)link;
    if (*code == P2P_ETH_BLOCK_BODIES && payload->len > 40)
        payload->data[payload->len - 3] ^= 2;
    return true;
}

static const struct {
    const char *name;
    bool (*tamper)(struct net_link *link, unsigned *code, struct buf *payload);
    const char *why;
} bad_peers[] = {
    {"stalls with bodies", drop_bodies, "does not answer"},
    {"stalls with headers", drop_headers, "does not answer"},
    {"lies about headers", change_headers, NULL},
    {"lies about bodies", change_bodies, "a body that was not asked for"},
};

/* Among honest peers, and as the one with the greatest total difficulty, which is believed first. */
static void test_bad_peers(void **state)
{
    (void)state;
    for (size_t i = 0; i < BASE_COUNT(bad_peers); i++)
        for (int is_master = 0; is_master < 2; is_master++) {
            struct world w;
            set_up(&w);
            struct net_node *full = net_add(&w.net, w.chain, LONG - 1);
            struct net_node *bad = net_add(&w.net, w.chain, is_master ? LONG : LONG - 1);
            struct net_link *honest = NULL;
            if (!is_master)
                honest = net_connect(&w.net, w.fresh, full, P2P_ETH_66);
            struct net_link *link = net_connect(&w.net, w.fresh, bad, P2P_ETH_66);
            link->other->tamper = bad_peers[i].tamper;
            if (is_master)
                honest = net_connect(&w.net, w.fresh, full, P2P_ETH_66);
            net_pass(&w.net, 120000);
            if (!same_head(w.fresh, full))
                fail_msg("%s (%s): at %zu of %zu; %u points, %s; %s", bad_peers[i].name,
                         is_master ? "master" : "other", w.fresh->count, full->count, link->points,
                         link->why, w.fresh->log);
            if (honest->closing)
                fail_msg("%s (%s): the honest one went: %s", bad_peers[i].name,
                         is_master ? "master" : "other", honest->why);
            assert_true(link->closing || link->points > 0);
            if (bad_peers[i].why && link->closing && !is_master)
                assert_string_equal(link->why, bad_peers[i].why);
            tear_down(&w);
        }
}

static void claim_more(struct buf *payload)
{
    const unsigned code = P2P_ETH_STATUS;
    struct arena arena;
    struct p2p_eth_message m;
    arena_init(&arena);
    assert_int_equal(p2p_eth_decode(&m, &arena, P2P_ETH_66, code, buf_bytes(payload), NULL),
                     ERR_OK);
    m.status.td = u256_from(1000000);
    buf_clear(payload);
    p2p_eth_encode(payload, P2P_ETH_66, &m);
    arena_release(&arena);
}

/* A total difficulty that nothing stands behind: it is asked once, is not believed again, and nobody waits for it. */
static void test_false_difficulty(void **state)
{
    (void)state;
    struct chain_block **chain = net_make_chain(300, 3, LONG, 0);
    struct net net;
    net_init(&net);
    struct net_node *fresh = net_add(&net, chain, 300), *liar = net_add(&net, chain, 300);
    struct net_link *link = net_connect(&net, liar, NULL, P2P_ETH_66);
    struct buf status = BUF_INIT;
    buf_append_bytes(&status, buf_bytes(&link->latest[P2P_ETH_STATUS]));
    claim_more(&status);
    net_close(link);
    struct net_link *played = net_connect(&net, fresh, NULL, P2P_ETH_66);
    net_give(played, P2P_ETH_STATUS, buf_bytes(&status));
    assert_int_equal(played->codes[P2P_ETH_GET_BLOCK_HEADERS], 1);
    struct p2p_eth_progress progress;
    p2p_eth_progress(fresh->eth, &progress);
    assert_false(progress.syncing); /* consensus goes on meanwhile */
    net_pass(&net, 9000); /* it does not answer at all: it may be slow, and is asked again later */
    assert_false(played->closing);
    net_pass(&net, 30000);
    assert_true(played->closing);
    assert_int_equal(fresh->syncing_changes, 0);
    buf_release(&status);
    net_release(&net);
    net_free_blocks(chain, 300);
}

/* The chain refuses a block: what came before stays, its peer goes, and the sync goes on with another one. */
static void test_bad_block(void **state)
{
    (void)state;
    struct world w;
    set_up(&w);
    struct chain_block **forged = net_make_chain(LONG, 3, 700, 5);
    w.fresh->bad_number = 0;
    struct net_node *bad = net_add(&w.net, forged, LONG);
    struct net_link *link = net_connect(&w.net, w.fresh, bad, P2P_ETH_66);
    w.fresh->bad_number = 700;
    net_settle(&w.net);
    assert_true(link->closing);
    assert_int_equal(link->reason, P2P_USELESS_PEER);
    assert_string_equal(link->why, "a bad block");
    assert_int_equal(w.fresh->count, 700);
    assert_non_null(strstr(w.fresh->log, "a peer has a bad block 700: refused"));
    w.fresh->bad_number = 0;
    struct net_node *full = net_add(&w.net, w.chain, LONG);
    net_connect(&w.net, w.fresh, full, P2P_ETH_66);
    net_pass(&w.net, 1000);
    expect_synced(w.fresh, full);
    tear_down(&w);
    net_free_blocks(forged, LONG);
}

/* Another branch than ours: the common block is found, our chain says no. */
static void test_branch(void **state)
{
    (void)state;
    struct chain_block **ours = net_make_chain(1000, 3, 600, 1);
    struct chain_block **theirs = net_make_chain(1200, 3, 600, 2);
    struct net net;
    net_init(&net);
    struct net_node *a = net_add(&net, ours, 1000), *b = net_add(&net, theirs, 1200);
    struct net_link *link = net_connect(&net, a, b, P2P_ETH_66);
    net_settle(&net);
    assert_true(link->closing);
    assert_int_equal(a->count, 1000);
    assert_int_equal(b->count, 1200);
    net_release(&net);
    net_free_blocks(ours, 1000);
    net_free_blocks(theirs, 1200);
}

/* A full disk is nobody's fault, and tried again. */
static void test_own_failure(void **state)
{
    (void)state;
    struct world w;
    set_up(&w);
    struct net_node *full = net_add(&w.net, w.chain, 500);
    w.fresh->import_status = ERR_NOSPACE;
    struct net_link *link = net_connect(&w.net, w.fresh, full, P2P_ETH_66);
    net_pass(&w.net, 3000);
    assert_false(link->closing);
    assert_int_equal(w.fresh->imports, 1);
    w.fresh->import_status = ERR_OK;
    net_pass(&w.net, 3000);
    expect_synced(w.fresh, full);
    tear_down(&w);
}

/* The master goes in the middle; another one is there. */
static void test_master_gone(void **state)
{
    (void)state;
    struct world w;
    set_up(&w);
    struct net_node *full = net_add(&w.net, w.chain, LONG);
    struct net_node *other = net_add(&w.net, w.chain, LONG - 1);
    struct net_link *link = net_connect(&w.net, w.fresh, full, P2P_ETH_66);
    net_connect(&w.net, w.fresh, other, P2P_ETH_66);
    link->other->tamper = drop_bodies;
    net_settle(&w.net);
    net_close(link);
    net_pass(&w.net, 30000);
    expect_synced(w.fresh, other);
    tear_down(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_recorded),         cmocka_unit_test(test_long),
        cmocka_unit_test(test_lengths),          cmocka_unit_test(test_several),
        cmocka_unit_test(test_some_behind),      cmocka_unit_test(test_bad_peers),
        cmocka_unit_test(test_bad_block),        cmocka_unit_test(test_branch),
        cmocka_unit_test(test_own_failure),      cmocka_unit_test(test_master_gone),
        cmocka_unit_test(test_false_difficulty),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
