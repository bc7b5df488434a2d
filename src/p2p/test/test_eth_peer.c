/* One peer: Status, answers and their bounds, recorded conversations. */
#include "base/mem.h"
#include "p2p/test/eth_net.h"
#include "p2p/test/eth_world.h"
#include "p2p/test/recording.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

/* --- Status --- */

static void change_network(struct p2p_eth_status *s)
{
    s->network = 1;
}
static void change_version(struct p2p_eth_status *s)
{
    s->version = 65;
}
static void change_version_99(struct p2p_eth_status *s)
{
    s->version = 99;
}
static void change_genesis(struct p2p_eth_status *s)
{
    memset(s->genesis.b, 0xab, sizeof(s->genesis.b));
}
static void change_fork(struct p2p_eth_status *s)
{
    s->fork.next = 7;
}
static void change_td(struct p2p_eth_status *s)
{
    s->td = (struct u256){{0, UINT64_C(1) << 36, 0, 0}};
}
static void change_td_fitting(struct p2p_eth_status *s)
{
    s->td = (struct u256){{0, UINT64_C(1) << 35, 0, 0}};
}
static void change_all(struct p2p_eth_status *s)
{
    change_td(s);
    change_fork(s);
    change_genesis(s);
    s->version = 7;
    s->network = 2;
}

static const struct {
    void (*change)(struct p2p_eth_status *s);
    const char *why; /* NULL: welcome */
} statuses[] = {
    {change_network, "network ID mismatch: 1 (!= 1337)"},
    {change_version, "protocol version mismatch: 65 (!= 66)"},
    {change_version_99, NULL},
    {change_genesis, "genesis mismatch: abababab... is not our block 0"},
    {change_fork, "fork ID rejected: local incompatible or needs update"},
    {change_td, "too large total difficulty: bitlen 101"},
    {change_td_fitting, NULL},
    {change_all, "network ID mismatch: 2 (!= 1337)"}, /* the first rule that is broken */
};

static void test_status(void **state)
{
    (void)state;
    struct world w;
    world_open(&w, 5, 3);
    for (size_t i = 0; i < BASE_COUNT(statuses); i++) {
        struct net_link *link = net_connect(&w.net, w.node, NULL, P2P_ETH_66);
        struct p2p_eth_status status = world_own_status(link);
        assert_int_equal(status.version, 66);
        assert_int_equal(status.network, 1337);
        assert_int_equal(status.td.w[0], 3);
        statuses[i].change(&status);
        world_give_status(link, &status);
        assert_int_equal(link->closing, statuses[i].why != NULL);
        if (statuses[i].why) {
            assert_int_equal(link->reason, P2P_SUBPROTOCOL_ERROR);
            assert_string_equal(link->why, statuses[i].why);
        }
        net_close(link);
    }
    world_close(&w);
}

static void test_status_order(void **state)
{
    (void)state;
    struct world w;
    world_open(&w, 5, 3);
    /* Something before it. */
    world_give_hex(w.link, P2P_ETH_GET_BLOCK_HEADERS, "c601c4800a8080");
    assert_true(w.link->closing);
    assert_string_equal(w.link->why, "no status message: first msg has code 3 (!= 0)");
    assert_int_equal(w.link->codes[P2P_ETH_BLOCK_HEADERS], 0);
    /* Not at all, in 5 s. */
    struct net_link *link = net_connect(&w.net, w.node, NULL, P2P_ETH_66);
    net_pass(&w.net, 4999);
    assert_false(link->closing);
    w.net.now += 1;
    net_settle(&w.net);
    assert_int_equal(link->reason, P2P_READ_TIMEOUT);
    /* Twice. */
    link = net_connect(&w.net, w.node, NULL, P2P_ETH_66);
    world_shake_hands(link);
    assert_int_equal(w.node->ready, 1);
    struct p2p_eth_status status = world_own_status(link);
    world_give_status(link, &status);
    assert_string_equal(link->why, "a second Status");
    world_close(&w);
}

static void test_invalid(void **state)
{
    (void)state;
    static const struct {
        unsigned code;
        const char *hex;
    } invalid[] = {
        {P2P_ETH_GET_BLOCK_HEADERS, "c4800a8080"},
        {P2P_ETH_NEW_BLOCK, "c2c001"},
        {P2P_ETH_NEW_BLOCK_HASHES, "c1c0"},
        {0x0b, "c0"},
        {P2P_ETH_BLOCK_HEADERS, "c0"},
        {P2P_ETH_TRANSACTIONS, "cbca80808080808080808080"},
    };
    struct world w;
    world_open(&w, 5, 3);
    for (size_t i = 0; i < BASE_COUNT(invalid); i++) {
        struct net_link *link = net_connect(&w.net, w.node, NULL, P2P_ETH_66);
        world_shake_hands(link);
        world_give_hex(link, invalid[i].code, invalid[i].hex);
        assert_true(link->closing);
        assert_int_equal(link->reason, P2P_SUBPROTOCOL_ERROR);
        assert_memory_equal(link->why, "invalid message: ", 17);
        net_close(link);
    }
    world_close(&w);
}

/* --- Answers --- */

/* The answer of the given code to the last request: its items; the id must be the request's. */
static size_t items_of(struct net_link *link, unsigned code, uint64_t id, struct arena *arena,
                       const struct bytes **ret_items)
{
    struct p2p_eth_message m;
    assert_int_equal(
        p2p_eth_decode(&m, arena, P2P_ETH_66, code, buf_bytes(&link->latest[code]), NULL), ERR_OK);
    assert_int_equal(m.id, id);
    *ret_items = m.list.items;
    return m.list.count;
}

/* What was asked, and the numbers of the headers in the answer: first, step, count. */
static const struct {
    struct p2p_eth_query query;
    int hash_of; /* by hash: of this block; -2: of none */
    uint64_t first, step;
    size_t count;
} queries[] = {
    {{.number = 0, .amount = 3}, -1, 0, 1, 3},
    {{.number = 5, .amount = 3, .skip = 9}, -1, 5, 10, 3},
    {{.number = 5, .amount = 10, .reverse = true}, -1, 5, (uint64_t)-1, 6},
    {{.number = 50, .amount = 10, .skip = 19, .reverse = true}, -1, 50, (uint64_t)-20, 3},
    {{.number = BLOCKS - 2, .amount = 10}, -1, BLOCKS - 2, 1, 2},
    {{.number = BLOCKS, .amount = 10}, -1, 0, 0, 0},
    {{.number = UINT64_MAX, .amount = 10}, -1, 0, 0, 0},
    {{.number = UINT64_MAX, .amount = 10, .reverse = true}, -1, 0, 0, 0},
    {{.by_hash = true, .amount = 4}, 7, 7, 1, 4},
    {{.by_hash = true, .amount = 4, .skip = 2, .reverse = true}, 7, 7, (uint64_t)-3, 3},
    {{.by_hash = true, .amount = 4}, -2, 0, 0, 0},
    /* No more than 1,024, whatever is asked for; a count of 0 is 0 (CVE-2024-32972: it was taken less one). */
    {{.number = 0, .amount = 5000}, -1, 0, 1, 1024},
    {{.number = 0, .amount = UINT64_MAX}, -1, 0, 1, 1024},
    {{.number = 0, .amount = 0}, -1, 0, 0, 0},
    {{.by_hash = true, .amount = 0}, 7, 0, 0, 0},
    /* Steps that wrap around (CVE-2018-12018 and its kind): one header, no second. */
    {{.number = 3, .amount = 5, .skip = UINT64_MAX}, -1, 3, 0, 1},
    {{.number = 3, .amount = 5, .skip = UINT64_MAX - 1}, -1, 3, 0, 1},
    {{.number = 3, .amount = 5, .skip = UINT64_MAX, .reverse = true}, -1, 3, 0, 1},
    {{.by_hash = true, .amount = 5, .skip = UINT64_MAX}, 3, 3, 0, 1},
    {{.by_hash = true, .amount = 5, .skip = UINT64_MAX - 3, .reverse = true}, 3, 3, 0, 1},
};

static void test_headers(void **state)
{
    (void)state;
    struct world w;
    world_open(&w, BLOCKS, BLOCKS);
    world_shake_hands(w.link);
    struct arena arena;
    arena_init(&arena);
    for (size_t i = 0; i < BASE_COUNT(queries); i++) {
        struct p2p_eth_message m = {.code = P2P_ETH_GET_BLOCK_HEADERS, .id = i + 1};
        m.query = queries[i].query;
        if (queries[i].hash_of >= 0)
            m.query.hash = w.chain[queries[i].hash_of]->hash;
        else if (queries[i].hash_of == -2)
            m.query.hash = (struct hash256){{1}};
        world_give(w.link, &m);
        const struct bytes *items;
        size_t count = items_of(w.link, P2P_ETH_BLOCK_HEADERS, i + 1, &arena, &items);
        assert_int_equal(count, queries[i].count);
        uint64_t number = queries[i].first;
        for (size_t k = 0; k < count; k++, number += queries[i].step)
            assert_true(bytes_equal(items[k], w.chain[number]->header_rlp));
    }
    assert_false(w.link->closing);
    arena_release(&arena);
    world_close(&w);
}

static void ask_hashes(struct net_link *link, unsigned code, uint64_t id,
                       const struct hash256 *hashes, size_t count)
{
    struct buf b = BUF_INIT;
    struct p2p_eth_open open = p2p_eth_begin(&b, P2P_ETH_66, code, id);
    for (size_t i = 0; i < count; i++)
        rlp_write_hash(&b, &hashes[i]);
    p2p_eth_end(&b, P2P_ETH_66, code, open);
    net_give(link, code, buf_bytes(&b));
    buf_release(&b);
}

static void test_bodies(void **state)
{
    (void)state;
    struct world w;
    world_open(&w, BLOCKS, BLOCKS);
    world_shake_hands(w.link);
    struct arena arena;
    arena_init(&arena);
    struct hash256 *hashes = mem_alloc_zeroed(3000, sizeof(*hashes));
    const struct bytes *items;
    /* Unknown ones are left out, the others come in order. */
    hashes[0] = w.chain[4]->hash;
    hashes[2] = w.chain[2]->hash;
    ask_hashes(w.link, P2P_ETH_GET_BLOCK_BODIES, 9, hashes, 3);
    assert_int_equal(items_of(w.link, P2P_ETH_BLOCK_BODIES, 9, &arena, &items), 2);
    struct buf body = BUF_INIT;
    chain_body_write(&body, w.chain[4]->body);
    assert_true(bytes_equal(items[0], buf_bytes(&body)));
    buf_release(&body);
    /* 1,024 at most; and no more than 2,048 are looked for. */
    for (size_t i = 0; i < 3000; i++)
        hashes[i] = w.chain[i % BLOCKS]->hash;
    ask_hashes(w.link, P2P_ETH_GET_BLOCK_BODIES, 10, hashes, 3000);
    assert_int_equal(items_of(w.link, P2P_ETH_BLOCK_BODIES, 10, &arena, &items), 1024);
    ask_hashes(w.link, P2P_ETH_GET_RECEIPTS, 11, hashes, 3000);
    assert_int_equal(items_of(w.link, P2P_ETH_RECEIPTS, 11, &arena, &items), 1024);
    memset(hashes, 0, 2048 * sizeof(*hashes));
    ask_hashes(w.link, P2P_ETH_GET_BLOCK_BODIES, 12, hashes, 3000);
    assert_int_equal(items_of(w.link, P2P_ETH_BLOCK_BODIES, 12, &arena, &items), 0);
    ask_hashes(w.link, P2P_ETH_GET_NODE_DATA, 13, hashes, 3000);
    assert_int_equal(items_of(w.link, P2P_ETH_NODE_DATA, 13, &arena, &items), 0);
    /* Who asks on and on and does not read is let go. */
    assert_false(w.link->closing);
    w.link->queued = 33 << 20;
    ask_hashes(w.link, P2P_ETH_GET_BLOCK_BODIES, 14, hashes, 1);
    assert_true(w.link->closing);
    assert_int_equal(w.link->reason, P2P_USELESS_PEER);
    mem_free(hashes);
    arena_release(&arena);
    world_close(&w);
}

/* --- Recorded conversations --- */

/* In the place of GoQuorum: the recorder's requests, byte for byte its answers (headers, bodies; the receipts and node
 * data that were asked for are those of genesis: none). */
static void answers_as_recorded(const char *name)
{
    struct recording r;
    recording_load(&r, name);
    struct chain_block **blocks = net_decode(r.blocks, r.block_count);
    struct arena arena;
    arena_init(&arena);
    struct p2p_eth_message m;
    assert_int_equal(p2p_eth_decode(&m, &arena, P2P_ETH_66, P2P_ETH_BLOCK_HEADERS,
                                    recording_find(&r, false, 20), NULL),
                     ERR_OK);
    size_t height = m.list.count; /* of its chain at that moment */
    struct net net;
    net_init(&net);
    struct net_node *node = net_add(&net, blocks, height);
    struct net_link *link = net_connect(&net, node, NULL, P2P_ETH_66);
    world_shake_hands(link);
    size_t asked = 0;
    for (size_t i = 0; i < r.count; i++) {
        uint64_t code = r.messages[i].code - ETH_WINDOW;
        if (!r.messages[i].out || r.messages[i].code <= ETH_WINDOW ||
            !p2p_eth_code_has_id(P2P_ETH_66, code))
            continue;
        struct bytes payload = buf_bytes(&r.messages[i].payload), recorded = bytes_none();
        net_give(link, (unsigned)code, payload);
        struct p2p_eth_message request, answer;
        assert_int_equal(p2p_eth_decode(&request, &arena, P2P_ETH_66, code, payload, NULL), ERR_OK);
        for (size_t k = 0; k < r.count; k++) {
            if (r.messages[k].out || r.messages[k].code != r.messages[i].code + 1)
                continue;
            assert_int_equal(p2p_eth_decode(&answer, &arena, P2P_ETH_66, code + 1,
                                            buf_bytes(&r.messages[k].payload), NULL),
                             ERR_OK);
            if (answer.id == request.id)
                recorded = buf_bytes(&r.messages[k].payload);
        }
        assert_true(recorded.len > 0);
        assert_true(bytes_equal(buf_bytes(&link->latest[code + 1]), recorded));
        asked++;
    }
    assert_int_equal(asked, 5);
    net_release(&net);
    net_free_blocks(blocks, r.block_count);
    arena_release(&arena);
    recording_free(&r);
}

/* In the place of the recorder: what GoQuorum sent by itself leads to the recorded chain, with our requests answered from
 * it. */
static void follows_recorded(const char *name)
{
    struct recording r;
    recording_load(&r, name);
    struct chain_block **blocks = net_decode(r.blocks, r.block_count);
    struct net net;
    net_init(&net);
    struct net_node *node = net_add(&net, blocks, 3); /* the first that is announced is 3 */
    struct net_node *theirs = net_add(&net, blocks, r.block_count);
    struct net_link *link = net_connect(&net, node, NULL, P2P_ETH_66);
    world_shake_hands(link);
    for (size_t i = 0; i < r.count; i++) {
        uint64_t code = r.messages[i].code - ETH_WINDOW;
        if (r.messages[i].out || (code != P2P_ETH_NEW_BLOCK && code != P2P_ETH_NEW_BLOCK_HASHES))
            continue;
        size_t headers = link->codes[P2P_ETH_GET_BLOCK_HEADERS];
        size_t bodies = link->codes[P2P_ETH_GET_BLOCK_BODIES];
        net_give(link, (unsigned)code, buf_bytes(&r.messages[i].payload));
        net_pass(&net, 400); /* the block may come by itself first */
        /* Requests are answered by a node that has the chain. */
        struct net_link *oracle = net_connect(&net, theirs, NULL, P2P_ETH_66);
        struct p2p_eth_status status = world_own_status(oracle);
        status.td = u256_from(1);
        world_give_status(oracle, &status);
        if (link->codes[P2P_ETH_GET_BLOCK_HEADERS] > headers) {
            net_give(oracle, P2P_ETH_GET_BLOCK_HEADERS,
                     buf_bytes(&link->latest[P2P_ETH_GET_BLOCK_HEADERS]));
            net_give(link, P2P_ETH_BLOCK_HEADERS,
                     buf_bytes(&oracle->latest[P2P_ETH_BLOCK_HEADERS]));
        }
        if (link->codes[P2P_ETH_GET_BLOCK_BODIES] > bodies) {
            net_give(oracle, P2P_ETH_GET_BLOCK_BODIES,
                     buf_bytes(&link->latest[P2P_ETH_GET_BLOCK_BODIES]));
            net_give(link, P2P_ETH_BLOCK_BODIES, buf_bytes(&oracle->latest[P2P_ETH_BLOCK_BODIES]));
        }
        net_settle(&net);
        net_close(oracle);
        net.link_count -= 2;
        for (size_t c = 0; c < P2P_ETH_LENGTH; c++)
            buf_release(&oracle->latest[c]);
    }
    assert_false(link->closing);
    assert_int_equal(link->points, 0);
    assert_int_equal(node->count, r.block_count);
    net_release(&net);
    net_free_blocks(blocks, r.block_count);
    recording_free(&r);
}

static void test_recorded(void **state)
{
    (void)state;
    answers_as_recorded("wire-qbft");
    answers_as_recorded("wire-ibft");
    follows_recorded("wire-qbft");
    follows_recorded("wire-ibft");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_status),  cmocka_unit_test(test_status_order),
        cmocka_unit_test(test_invalid), cmocka_unit_test(test_headers),
        cmocka_unit_test(test_bodies),  cmocka_unit_test(test_recorded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
