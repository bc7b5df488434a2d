/* Blocks and transactions that come from one peer and go to it, and what the two know of each other. */
#include "base/mem.h"
#include "p2p/eth/known.h"
#include "p2p/test/eth_net.h"
#include "p2p/test/eth_world.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

/* --- Blocks --- */

static void give_block(struct net_link *link, const struct chain_block *block, uint64_t td)
{
    struct buf b = BUF_INIT;
    struct p2p_eth_open open = p2p_eth_begin(&b, P2P_ETH_66, P2P_ETH_NEW_BLOCK, 0);
    chain_block_write(&b, block);
    rlp_write_u64(&b, td);
    p2p_eth_end(&b, P2P_ETH_66, P2P_ETH_NEW_BLOCK, open);
    net_give(link, P2P_ETH_NEW_BLOCK, buf_bytes(&b));
    buf_release(&b);
}

/* A block made here: the whole of it to the root of those that lack it, its hash to the others, to each once. */
static void test_gossip_block(void **state)
{
    (void)state;
    struct world w;
    world_open(&w, 10, 5);
    struct net_link *links[9] = {w.link};
    for (size_t i = 1; i < 9; i++)
        links[i] = net_connect(&w.net, w.node, NULL, i % 2 ? P2P_ETH_66 : P2P_ETH_65);
    for (size_t i = 0; i < 9; i++) {
        struct p2p_eth_status status = world_own_status(links[i]);
        world_give_status(links[i], &status);
        assert_false(links[i]->closing);
    }
    give_block(links[3], w.chain[5], 6); /* it has it */
    net_settle(&w.net);
    assert_int_equal(w.node->count, 6);
    size_t whole = 0, hashes = 0;
    for (size_t i = 0; i < 9; i++) {
        assert_int_equal(
            links[i]->codes[P2P_ETH_NEW_BLOCK] + links[i]->codes[P2P_ETH_NEW_BLOCK_HASHES], i != 3);
        whole += links[i]->codes[P2P_ETH_NEW_BLOCK];
        hashes += links[i]->codes[P2P_ETH_NEW_BLOCK_HASHES];
    }
    assert_int_equal(whole, 2); /* of 8 */
    assert_int_equal(hashes, 6);
    net_extend(w.node, w.chain[6]);
    whole = 0;
    for (size_t i = 0; i < 9; i++)
        whole += links[i]->codes[P2P_ETH_NEW_BLOCK];
    assert_int_equal(whole, 2 + 3); /* of 9 */
    world_close(&w);
}

/* Out of order, twice, too far ahead, and one that is not valid. */
static void test_fetch(void **state)
{
    (void)state;
    struct world w;
    world_open(&w, 60, 5);
    world_shake_hands(w.link);
    give_block(w.link, w.chain[7], 1);
    give_block(w.link, w.chain[6], 1);
    give_block(w.link, w.chain[6], 1);
    net_settle(&w.net);
    assert_int_equal(w.node->imports, 0);
    give_block(w.link, w.chain[5], 1);
    net_settle(&w.net);
    assert_int_equal(w.node->count, 8);
    assert_int_equal(w.node->imports, 3);
    give_block(w.link, w.chain[7 + 33], 1); /* beyond the window: not kept */
    give_block(w.link, w.chain[6], 1);      /* known */
    net_settle(&w.net);
    assert_int_equal(w.node->imports, 3);
    assert_int_equal(w.link->points, 0);
    w.node->bad_number = 8;
    give_block(w.link, w.chain[8], 1);
    net_settle(&w.net);
    assert_int_equal(w.node->count, 8);
    assert_true(w.link->closing);
    assert_string_equal(w.link->why, "refused");
    world_close(&w);
}

static void announce(struct net_link *link, const struct chain_block *block)
{
    struct p2p_eth_announce item = {block->hash, block->header.number};
    struct p2p_eth_message m = {.code = P2P_ETH_NEW_BLOCK_HASHES};
    m.announces.items = &item;
    m.announces.count = 1;
    world_give(link, &m);
}

/* An announced block is asked for after a while, from another announcer when the first does not answer. */
static void test_announced(void **state)
{
    (void)state;
    struct world w;
    world_open(&w, 10, 5);
    struct net_node *other = net_add(&w.net, w.chain, 5);
    struct net_link *second = net_connect(&w.net, w.node, other, P2P_ETH_66);
    net_settle(&w.net);
    world_shake_hands(w.link);
    announce(w.link, w.chain[5]);
    net_extend(other, w.chain[5]);
    second->other->codes[P2P_ETH_NEW_BLOCK] = 0;
    net_pass(&w.net, 100);
    assert_int_equal(w.node->count, 6); /* the other has sent it whole, being alone */
    assert_int_equal(w.link->codes[P2P_ETH_GET_BLOCK_HEADERS], 0);
    announce(w.link, w.chain[6]);
    announce(w.link, w.chain[6]);
    net_pass(&w.net, 399);
    assert_int_equal(w.link->codes[P2P_ETH_GET_BLOCK_HEADERS], 0);
    net_pass(&w.net, 1);
    assert_int_equal(w.link->codes[P2P_ETH_GET_BLOCK_HEADERS], 1);
    other->blocks = mem_realloc(other->blocks, 7 * sizeof(struct chain_block *));
    other->blocks[other->count++] = chain_block_ref(w.chain[6]);
    announce(second, w.chain[6]); /* as if it came from it */
    net_pass(&w.net, 5000);
    assert_int_equal(w.node->count, 7);
    assert_int_equal(second->codes[P2P_ETH_GET_BLOCK_HEADERS], 1);
    /* A peer that announces and announces fills its own allowance, nothing else. */
    for (uint64_t i = 0; i < 2000; i++) {
        struct p2p_eth_announce item = {.number = 8};
        memcpy(item.hash.b, &i, sizeof(i));
        struct p2p_eth_message m = {.code = P2P_ETH_NEW_BLOCK_HASHES};
        m.announces.items = &item;
        m.announces.count = 1;
        world_give(w.link, &m);
    }
    size_t before = w.link->codes[P2P_ETH_GET_BLOCK_HEADERS];
    net_pass(&w.net, 400);
    assert_true(w.link->codes[P2P_ETH_GET_BLOCK_HEADERS] - before <= 8);
    net_pass(&w.net, 60000);
    world_close(&w);
}

/* --- Transactions --- */

static void give_txs(struct net_link *link, struct chain_tx *const *txs, size_t count)
{
    struct buf b = BUF_INIT;
    struct p2p_eth_open open = p2p_eth_begin(&b, P2P_ETH_66, P2P_ETH_TRANSACTIONS, 0);
    for (size_t i = 0; i < count; i++)
        chain_tx_write(&b, txs[i]);
    p2p_eth_end(&b, P2P_ETH_66, P2P_ETH_TRANSACTIONS, open);
    net_give(link, P2P_ETH_TRANSACTIONS, buf_bytes(&b));
    buf_release(&b);
}

static void make_txs(struct chain_tx **ret_txs, uint64_t from, size_t count)
{
    for (size_t i = 0; i < count; i++)
        ret_txs[i] = net_make_tx(from + i);
}

static void free_txs(struct chain_tx **txs, size_t count)
{
    for (size_t i = 0; i < count; i++)
        chain_tx_unref(txs[i]);
}

/* Through a chain of nodes, each transaction once to each; never back to where it came from. */
static void test_transactions(void **state)
{
    (void)state;
    enum { TXS = 3000 };
    static struct chain_tx *txs[TXS];
    struct world w;
    world_open(&w, 5, 5);
    struct net_node *b = net_add(&w.net, w.chain, 5), *c = net_add(&w.net, w.chain, 5);
    struct net_link *ab = net_connect(&w.net, w.node, b, P2P_ETH_66);
    struct net_link *bc = net_connect(&w.net, b, c, P2P_ETH_65);
    net_settle(&w.net);
    make_txs(txs, 0, TXS);
    world_shake_hands(w.link);
    give_txs(w.link, txs, TXS);
    give_txs(w.link, txs, TXS); /* GoQuorum sends each batch twice */
    net_pass(&w.net, 1000);
    assert_int_equal(w.node->taken, TXS);
    assert_int_equal(b->taken, TXS);
    assert_int_equal(c->taken, TXS);
    assert_int_equal(w.link->codes[P2P_ETH_TRANSACTIONS], 0);
    assert_int_equal(ab->other->codes[P2P_ETH_TRANSACTIONS], 0);
    assert_int_equal(bc->other->codes[P2P_ETH_TRANSACTIONS], 0);
    assert_in_range(ab->codes[P2P_ETH_TRANSACTIONS], 1, 3); /* packs of 100 KiB */
    /* Who comes later is told the hashes, and asks for what it lacks. */
    struct net_node *d = net_add(&w.net, w.chain, 5);
    net_connect(&w.net, d, c, P2P_ETH_66);
    net_pass(&w.net, 10000);
    assert_int_equal(d->taken, TXS);
    free_txs(txs, TXS);
    world_close(&w);
}

/* What a full pool has turned away comes once there is room, though it was sent before. */
static void test_offered_again(void **state)
{
    (void)state;
    enum { TXS = 600 };
    static struct chain_tx *txs[TXS];
    struct hash256 hashes[TXS];
    struct world w;
    world_open(&w, 5, 5);
    struct net_node *b = net_add(&w.net, w.chain, 5);
    struct net_link *ab = net_connect(&w.net, w.node, b, P2P_ETH_66);
    net_settle(&w.net);
    make_txs(txs, 0, TXS);
    world_shake_hands(w.link);
    b->full = true;
    give_txs(w.link, txs, TXS);
    net_pass(&w.net, 1000);
    assert_int_equal(w.node->taken, TXS);
    assert_int_equal(b->taken, 0);
    for (size_t i = 0; i < TXS; i++)
        hashes[i] = txs[i]->hash;
    p2p_eth_offer_again(w.node->eth, hashes, TXS);
    net_pass(&w.net, 1000);
    assert_int_equal(b->taken, 0);
    b->full = false;
    p2p_eth_offer_again(w.node->eth, hashes, TXS);
    net_pass(&w.net, 1000);
    assert_int_equal(b->taken, TXS);
    /* Again: it has them all. */
    unsigned sent = ab->codes[P2P_ETH_POOLED_TRANSACTIONS];
    p2p_eth_offer_again(w.node->eth, hashes, TXS);
    net_pass(&w.net, 1000);
    assert_int_equal(b->taken, TXS);
    assert_int_equal(ab->codes[P2P_ETH_POOLED_TRANSACTIONS], sent);
    free_txs(txs, TXS);
    world_close(&w);
}

static void test_not_synced(void **state)
{
    (void)state;
    struct chain_tx *txs[3];
    struct world w;
    world_open(&w, 5, 3);
    make_txs(txs, 0, 3);
    struct p2p_eth_status status = world_own_status(w.link);
    status.td = u256_from(1000);
    world_give_status(w.link, &status);
    /* It is behind: transactions are not even decoded. */
    give_txs(w.link, txs, 3);
    world_give_hex(w.link, P2P_ETH_TRANSACTIONS, "cbca80808080808080808080");
    net_settle(&w.net);
    assert_false(w.link->closing);
    assert_int_equal(w.node->taken, 0);
    /* This node mines. */
    p2p_eth_accept_transactions(w.node->eth);
    give_txs(w.link, txs, 3);
    assert_int_equal(w.node->taken, 3);
    /* A full pool: nothing is looked at. */
    w.node->full = true;
    struct chain_tx *more[2];
    make_txs(more, 10, 2);
    give_txs(w.link, more, 2);
    assert_int_equal(w.node->taken, 3);
    w.node->full = false;
    give_txs(w.link, more, 2);
    assert_int_equal(w.node->taken, 5);
    free_txs(txs, 3);
    free_txs(more, 2);
    world_close(&w);
}

/* What waits for a slow peer is held back, and bounded. */
static void test_slow_peer(void **state)
{
    (void)state;
    struct chain_tx *txs[5];
    struct world w;
    world_open(&w, 5, 5);
    world_shake_hands(w.link);
    make_txs(txs, 0, 5);
    w.link->queued = 1 << 20;
    w.node->pool = mem_alloc(5 * sizeof(struct chain_tx *));
    for (size_t i = 0; i < 5; i++)
        w.node->pool[w.node->pool_count++] = chain_tx_ref(txs[i]);
    p2p_eth_new_transactions(w.node->eth, txs, 5);
    net_pass(&w.net, 100);
    assert_int_equal(w.link->codes[P2P_ETH_TRANSACTIONS], 0);
    w.link->queued = 0;
    p2p_eth_drained(w.node->eth, w.link->peer);
    net_pass(&w.net, 100);
    assert_int_equal(w.link->codes[P2P_ETH_TRANSACTIONS], 1);
    free_txs(txs, 5);
    world_close(&w);
}

/* --- The set of known hashes --- */

/* --authorizationlist: a peer that has another block there goes; one whose chain does not reach it stays. */
static void test_authorized(void **state)
{
    (void)state;
    enum { HAVE = 20 };
    for (int wrong = 0; wrong < 2; wrong++) {
        struct net net;
        net_init(&net);
        struct chain_block **chain = net_make_chain(HAVE, 2, HAVE, 0);
        struct p2p_eth_authorized list[] = {
            {5, chain[5]->hash}, {HAVE + 7, {{1}}}, {7, chain[7]->hash}};
        list[2].hash.b[3] ^= (uint8_t)wrong;
        struct net_node *peer = net_add(&net, chain, HAVE);
        net.authorized = list;
        net.authorized_count = BASE_COUNT(list);
        struct net_node *node = net_add(&net, chain, HAVE);
        struct net_link *link = net_connect(&net, node, peer, P2P_ETH_66);
        net_pass(&net, 60000);
        assert_int_equal(link->codes[P2P_ETH_GET_BLOCK_HEADERS], BASE_COUNT(list));
        assert_string_equal(link->why, wrong ? "whitelist block mismatch: block 7" : "");
        assert_int_equal(p2p_eth_peer_count(node->eth), !wrong);
        net_release(&net);
        net_free_blocks(chain, HAVE);
    }
}

static void test_known(void **state)
{
    (void)state;
    enum { LIMIT = 1000 };
    struct p2p_known known;
    p2p_known_init(&known, LIMIT);
    struct hash256 hash = {{0}};
    for (uint64_t i = 0; i < 10 * LIMIT; i++) {
        uint64_t key = i * UINT64_C(0x9e3779b97f4a7c15);
        memcpy(hash.b, &key, sizeof(key));
        assert_false(p2p_known_has(&known, &hash));
        p2p_known_add(&known, &hash);
        p2p_known_add(&known, &hash);
        assert_true(p2p_known_has(&known, &hash));
        assert_true(known.now.count + known.before.count <= LIMIT);
        if (i >= LIMIT / 2) { /* the newest half is there, what was removed is not */
            key = (i - LIMIT / 2 + 1) * UINT64_C(0x9e3779b97f4a7c15);
            memcpy(hash.b, &key, sizeof(key));
            assert_int_equal(p2p_known_has(&known, &hash), (i - LIMIT / 2 + 1) % 7 != 0);
        }
        if (i % 7 == 0) {
            key = i * UINT64_C(0x9e3779b97f4a7c15);
            memcpy(hash.b, &key, sizeof(key));
            p2p_known_remove(&known, &hash);
            assert_false(p2p_known_has(&known, &hash));
        }
    }
    p2p_known_release(&known);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_gossip_block),  cmocka_unit_test(test_fetch),
        cmocka_unit_test(test_announced),     cmocka_unit_test(test_transactions),
        cmocka_unit_test(test_offered_again), cmocka_unit_test(test_not_synced),
        cmocka_unit_test(test_slow_peer),     cmocka_unit_test(test_known),
        cmocka_unit_test(test_authorized),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
