/* The messages of eth/65 and eth/66: recorded ones byte for byte, and what is refused. */
#include "base/hex.h"
#include "chain/config/forkid.h"
#include "chain/config/genesis.h"
#include "eth/block.h"
#include "eth/receipt.h"
#include "p2p/eth/wire.h"
#include "p2p/test/recording.h"
#include "tests/support/recordings.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

enum { ETH_WINDOW = 16 };

static struct buf unhex(const char *text)
{
    struct buf b = BUF_INIT;
    assert_int_equal(hex_decode(text, &b), ERR_OK);
    return b;
}

static void expect_round_trip(unsigned version, uint64_t code, struct bytes payload)
{
    struct arena arena;
    arena_init(&arena);
    struct p2p_eth_message m;
    struct err_detail detail = {""};
    if (p2p_eth_decode(&m, &arena, version, code, payload, &detail) != ERR_OK)
        fail_msg("%s", detail.text);
    struct buf b = BUF_INIT;
    p2p_eth_encode(&b, version, &m);
    assert_int_equal(buf_status(&b), ERR_OK);
    assert_true(bytes_equal(buf_bytes(&b), payload));
    buf_release(&b);
    arena_release(&arena);
}

static size_t round_trips(const char *name)
{
    struct recording r;
    recording_load(&r, name);
    size_t seen = 0;
    for (size_t i = 0; i < r.count; i++) {
        if (r.messages[i].code < ETH_WINDOW || r.messages[i].code >= ETH_WINDOW + P2P_ETH_LENGTH)
            continue;
        expect_round_trip(P2P_ETH_66, r.messages[i].code - ETH_WINDOW,
                          buf_bytes(&r.messages[i].payload));
        seen++;
    }
    recording_free(&r);
    return seen;
}

static void test_recorded(void **state)
{
    (void)state;
    assert_int_equal(round_trips("wire-qbft"), 32);
    assert_int_equal(round_trips("wire-ibft"), 41);
}

/* What the messages carry is decoded by the libraries that own it, and written back the same. */
static void expect_contents(const struct p2p_eth_message *m, struct arena *arena)
{
    struct buf b = BUF_INIT;
    for (size_t i = 0; i < m->list.count; i++) {
        struct bytes item = m->list.items[i];
        struct rlp_reader r;
        rlp_reader_init(&r, item);
        buf_clear(&b);
        if (m->code == P2P_ETH_BLOCK_HEADERS) {
            struct eth_header header;
            assert_int_equal(eth_header_decode(&header, item, NULL), ERR_OK);
            eth_header_write(&b, &header);
        } else if (m->code == P2P_ETH_BLOCK_BODIES) {
            struct eth_body body;
            assert_int_equal(eth_body_read(&body, arena, &r, NULL), ERR_OK);
            eth_body_write(&b, &body);
        } else if (m->code == P2P_ETH_TRANSACTIONS) {
            struct eth_transaction tx;
            assert_int_equal(eth_transaction_read(&tx, arena, &r, NULL), ERR_OK);
            eth_transaction_write(&b, &tx);
        } else {
            continue;
        }
        assert_true(bytes_equal(buf_bytes(&b), item));
    }
    buf_release(&b);
}

static void test_recorded_contents(void **state)
{
    (void)state;
    static const char *const names[] = {"wire-qbft", "wire-ibft"};
    static const uint64_t codes[] = {P2P_ETH_BLOCK_HEADERS, P2P_ETH_BLOCK_BODIES,
                                     P2P_ETH_TRANSACTIONS};
    for (size_t n = 0; n < BASE_COUNT(names); n++) {
        struct recording r;
        recording_load(&r, names[n]);
        struct arena arena;
        arena_init(&arena);
        for (size_t c = 0; c < BASE_COUNT(codes); c++) {
            struct p2p_eth_message m;
            struct bytes payload = recording_find(&r, false, ETH_WINDOW + codes[c]);
            assert_int_equal(p2p_eth_decode(&m, &arena, P2P_ETH_66, codes[c], payload, NULL),
                             ERR_OK);
            assert_true(m.list.count > 0);
            expect_contents(&m, &arena);
        }
        arena_release(&arena);
        recording_free(&r);
    }
}

/* The example of the specification, section 15. */
static void test_status(void **state)
{
    (void)state;
    struct buf payload = unhex(
        "f84e4282053906a022f34fd3088da4cc1739671a8fc5c8dc91e610b6901c9c3ff206376fa2e37f42a022f34fd3"
        "088da4cc1739671a8fc5c8dc91e610b6901c9c3ff206376fa2e37f42c6844f7ea32a64");
    struct p2p_eth_message m;
    struct arena arena;
    arena_init(&arena);
    assert_int_equal(
        p2p_eth_decode(&m, &arena, P2P_ETH_66, P2P_ETH_STATUS, buf_bytes(&payload), NULL), ERR_OK);
    assert_int_equal(m.status.version, 66);
    assert_int_equal(m.status.network, 1337);
    assert_int_equal(m.status.td.w[0], 6);
    assert_int_equal(m.status.fork.next, 100);
    assert_memory_equal(m.status.fork.hash, "\x4f\x7e\xa3\x2a", 4);
    expect_round_trip(P2P_ETH_65, P2P_ETH_STATUS, buf_bytes(&payload));
    arena_release(&arena);
    buf_release(&payload);
}

/* GoQuorum's Status, from the genesis file alone. */
static void test_recorded_status(void **state)
{
    (void)state;
    static const char *const names[] = {"wire-qbft", "wire-ibft"};
    for (size_t n = 0; n < BASE_COUNT(names); n++) {
        struct recording r;
        struct p2p_eth_message m;
        struct arena arena;
        struct buf json = BUF_INIT;
        struct chain_genesis *genesis;
        struct chain_block *block;
        recording_load(&r, names[n]);
        arena_init(&arena);
        assert_int_equal(p2p_eth_decode(&m, &arena, P2P_ETH_66, P2P_ETH_STATUS,
                                        recording_find(&r, false, ETH_WINDOW), NULL),
                         ERR_OK);
        recordings_read(names[n], "genesis.json", &json);
        assert_int_equal(chain_genesis_new(&genesis, buf_bytes(&json), NULL, NULL), ERR_OK);
        assert_int_equal(chain_genesis_block(genesis, &block, NULL), ERR_OK);
        assert_int_equal(m.status.version, P2P_ETH_66);
        assert_int_equal(m.status.network, 1337);
        assert_true(hash256_equal(&m.status.genesis, &block->hash));
        uint64_t number = m.status.td.w[0] - block->header.difficulty.w[0];
        struct chain_forkid id = chain_forkid(genesis->config, &block->hash, number, 0);
        assert_memory_equal(id.hash, m.status.fork.hash, sizeof(id.hash));
        assert_int_equal(id.next, m.status.fork.next);
        const struct chain_forkid theirs = {{m.status.fork.hash[0], m.status.fork.hash[1],
                                             m.status.fork.hash[2], m.status.fork.hash[3]},
                                            m.status.fork.next};
        assert_int_equal(chain_forkid_check(genesis->config, &block->hash, 0, 0, &theirs),
                         CHAIN_FORKID_OK);
        chain_block_unref(block);
        chain_genesis_free(genesis);
        buf_release(&json);
        arena_release(&arena);
        recording_free(&r);
    }
}

/* One a line: what it is, in which version, and the payload. All are written back the same. */
static const struct {
    unsigned version;
    uint64_t code;
    const char *payload;
} accepted[] = {
    {65, P2P_ETH_GET_BLOCK_HEADERS, "c4800a8080"},
    {65, P2P_ETH_GET_BLOCK_HEADERS, "cc88ffffffffffffffff808001"},
    {66, P2P_ETH_GET_BLOCK_HEADERS, "c601c4800a8080"},
    {66, P2P_ETH_GET_BLOCK_HEADERS, "ce88ffffffffffffffffc480808080"},
    {65, P2P_ETH_BLOCK_HEADERS, "c0"},
    {66, P2P_ETH_BLOCK_HEADERS, "c280c0"},
    {65, P2P_ETH_BLOCK_BODIES, "c3c2c0c0"},
    {66, P2P_ETH_RECEIPTS, "c304c1c0"},
    {65, P2P_ETH_RECEIPTS, "c1c0"},
    {66, P2P_ETH_NODE_DATA, "c401c28001"},
    {65, P2P_ETH_NODE_DATA, "c101"},
    {65, P2P_ETH_TRANSACTIONS, "c0"},
    {65, P2P_ETH_NEW_BLOCK, "c2c001"},
    {65, P2P_ETH_NEW_POOLED_HASHES, "c0"},
};

static const struct {
    unsigned version;
    uint64_t code;
    const char *payload, *why;
} refused[] = {
    {66, 0x0b, "c0", "eth/66 has no message with code 0x0b"},
    {66, 0x11, "c0", "eth/66 has no message with code 0x11"},
    {66, P2P_ETH_STATUS, "", "Status: status at byte 0: an item is missing"},
    {66, P2P_ETH_STATUS, "c0", "Status: protocol version at byte 1: an item is missing"},
    {66, P2P_ETH_STATUS, "c6850100000000",
     "Status: protocol version at byte 7: an integer too large"},
    {65, P2P_ETH_GET_BLOCK_HEADERS, "c601c4800a8080",
     "GetBlockHeaders: amount at byte 2: a list where a string belongs"},
    {66, P2P_ETH_GET_BLOCK_HEADERS, "c4800a8080",
     "GetBlockHeaders: query at byte 2: a string where a list belongs"},
    {66, P2P_ETH_GET_BLOCK_HEADERS, "c701c4800a808080",
     "GetBlockHeaders: message at byte 7: more items than it must have"},
    {65, P2P_ETH_GET_BLOCK_HEADERS, "c4800a8002",
     "GetBlockHeaders: reverse at byte 4: an integer too large"},
    {65, P2P_ETH_GET_BLOCK_HEADERS, "cd8901000000000000000001808080",
     "GetBlockHeaders: origin at byte 1: an integer too large"},
    {65, P2P_ETH_GET_BLOCK_BODIES, "c101",
     "GetBlockBodies: hash at byte 2: fewer bytes than it must have"},
    {65, P2P_ETH_BLOCK_HEADERS, "c180",
     "BlockHeaders: item at byte 1: a string where a list belongs"},
    {65, P2P_ETH_TRANSACTIONS, "c1c0",
     "Transactions: item at byte 1: fewer bytes than it must have"},
    {65, P2P_ETH_NEW_BLOCK, "c28001", "NewBlock: block at byte 1: a string where a list belongs"},
    {65, P2P_ETH_NEW_BLOCK_HASHES, "c1c0",
     "NewBlockHashes: announcement at byte 1: fewer bytes than it must have"},
    {65, P2P_ETH_NODE_DATA, "c1c0", "NodeData: item at byte 1: a list where a string belongs"},
    {65, P2P_ETH_NODE_DATA, "c000", "NodeData: at byte 1: bytes after the end"},
};

static void test_forms(void **state)
{
    (void)state;
    for (size_t i = 0; i < BASE_COUNT(accepted); i++) {
        struct buf payload = unhex(accepted[i].payload);
        expect_round_trip(accepted[i].version, accepted[i].code, buf_bytes(&payload));
        buf_release(&payload);
    }
    struct arena arena;
    arena_init(&arena);
    for (size_t i = 0; i < BASE_COUNT(refused); i++) {
        struct buf payload = unhex(refused[i].payload);
        struct p2p_eth_message m;
        struct err_detail detail = {""};
        assert_int_equal(p2p_eth_decode(&m, &arena, refused[i].version, refused[i].code,
                                        buf_bytes(&payload), &detail),
                         ERR_INPUT);
        assert_string_equal(detail.text, refused[i].why);
        buf_release(&payload);
    }
    arena_release(&arena);
}

/* Sizes: of a message, and of an answer that nobody asked for. */
static void test_limits(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena);
    struct p2p_eth_message m;
    struct buf b = BUF_INIT;
    assert_non_null(buf_extend(&b, P2P_ETH_MESSAGE_MAX + 1));
    assert_int_equal(p2p_eth_decode(&m, &arena, 66, P2P_ETH_TRANSACTIONS, buf_bytes(&b), NULL),
                     ERR_LIMIT);
    buf_clear(&b);
    struct p2p_eth_open open = p2p_eth_begin(&b, 66, P2P_ETH_BLOCK_BODIES, 7);
    for (size_t i = 0; i < P2P_ETH_SERVE_MAX; i++)
        buf_append(&b, "\xc2\xc0\xc0", 3);
    struct buf more = BUF_INIT;
    buf_append_bytes(&more, buf_bytes(&b));
    p2p_eth_end(&b, 66, P2P_ETH_BLOCK_BODIES, open);
    assert_int_equal(p2p_eth_decode(&m, &arena, 66, P2P_ETH_BLOCK_BODIES, buf_bytes(&b), NULL),
                     ERR_OK);
    assert_int_equal(m.list.count, P2P_ETH_SERVE_MAX);
    assert_int_equal(m.id, 7);
    buf_append(&more, "\xc2\xc0\xc0", 3);
    p2p_eth_end(&more, 66, P2P_ETH_BLOCK_BODIES, open);
    struct err_detail detail;
    assert_int_equal(
        p2p_eth_decode(&m, &arena, 66, P2P_ETH_BLOCK_BODIES, buf_bytes(&more), &detail), ERR_LIMIT);
    assert_string_equal(detail.text, "BlockBodies: 1025 items, nobody asks for more than 1024");
    buf_release(&b);
    buf_release(&more);
    arena_release(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_recorded),        cmocka_unit_test(test_recorded_contents),
        cmocka_unit_test(test_recorded_status), cmocka_unit_test(test_status),
        cmocka_unit_test(test_forms),           cmocka_unit_test(test_limits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
