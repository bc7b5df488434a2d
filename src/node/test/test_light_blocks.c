/* What a server of light clients says of a block's private transactions, and what a client makes of it: with a recorded network, whose
 * managers' payloads and private states are known. */
#include "node/light/block_data.h"
#include "node/light/client.h"

#include "base/hex.h"
#include "tests/support/recorded_tm.h"
#include "tests/support/recordings.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

enum { BLOCKS_MAX = 200 };

struct world {
    struct recorded_tm *manager;
    struct privacy_tm *tm;
    struct chain_payloads payloads;
    struct store *store;
    struct chain *chain;
    struct chain_block *blocks[BLOCKS_MAX];
    size_t count;
    size_t asked; /* the manager */
    uint64_t now;
    struct arena arena;
    struct err_detail detail;
};

static int exchange(void *context, struct privacy_answer *ret_answer,
                    const struct privacy_request *request, struct err_detail *detail)
{
    struct world *w = context;
    w->asked++;
    if (strstr(request->path, "/isSender")) {
        ret_answer->status = 200;
        buf_append_text(&ret_answer->body, "false");
        return 0;
    }
    if (recorded_tm_answer(w->manager, request->method, request->path, request->body,
                           &ret_answer->status, &ret_answer->body))
        return 0;
    return err_set(detail, PRIVACY_FAILED, "not recorded: %s", request->path);
}

static uint64_t clock_ms(void *context)
{
    const struct world *w = context;
    return w->now;
}

static void keep_block(const json_t *params, const json_t *result, void *context)
{
    struct world *w = context;
    struct buf rlp = BUF_INIT;
    (void)params;
    assert_true(w->count < BLOCKS_MAX);
    assert_int_equal(hex_decode(json_string_value(result), &rlp), 0);
    assert_int_equal(chain_block_decode(&w->blocks[w->count++], buf_bytes(&rlp), NULL), 0);
    buf_release(&rlp);
}

/* A node of the network, with all its blocks. */
static void begin(struct world *w)
{
    const struct privacy_options manager = {
        .exchange = exchange, .exchange_context = w, .clock_ms = clock_ms, .context = w};
    struct buf genesis = BUF_INIT;
    enum chain_verdict verdict;
    *w = (struct world){.manager = recorded_tm_open("private", 0)};
    arena_init(&w->arena);
    assert_int_equal(privacy_new(&w->tm, &manager), 0);
    if (privacy_open(w->tm, &w->detail))
        fail_msg("%s", w->detail.text);
    w->payloads = privacy_payloads(w->tm);
    recordings_answers("private", "debug_getBlockRlp", keep_block, w);
    recordings_read("private", "genesis.json", &genesis);
    assert_int_equal(store_memory_new(&w->store, chain_tables, CHAIN_TABLES), 0);
    const struct chain_options options = {.store = w->store,
                                          .genesis = buf_bytes(&genesis),
                                          .archive = true,
                                          .payloads = &w->payloads};
    if (chain_open(&w->chain, &options, &w->detail))
        fail_msg("%s", w->detail.text);
    buf_release(&genesis);
    for (size_t i = 1; i < w->count; i++)
        if (chain_commit(w->chain, &verdict, &w->detail, w->blocks[i]) || verdict != CHAIN_VALID)
            fail_msg("block %zu: %s", i, w->detail.text);
}

static void end(struct world *w)
{
    for (size_t i = 0; i < w->count; i++)
        chain_block_unref(w->blocks[i]);
    chain_free(w->chain);
    store_free(w->store);
    privacy_free(w->tm);
    recorded_tm_close(w->manager);
    arena_release(&w->arena);
}

/* --- The server --- */

/* What is said of a block, at most one message here. False: nothing. */
static bool data_of(struct world *w, const struct chain_block *block, bool tell_root,
                    struct p2p_qlight_block *ret_data)
{
    const struct node_light_view view = {.tm = w->tm, .psi = bytes_str("private")};
    struct p2p_qlight_private_data data;
    struct chain_reader reader;
    struct buf messages = BUF_INIT;
    assert_int_equal(chain_reader_open(&reader, w->chain), 0);
    if (node_light_block_data(&messages, &reader, block, &view, tell_root, &w->detail))
        fail_msg("%s", w->detail.text);
    chain_reader_close(&reader);
    struct bytes kept = arena_copy(&w->arena, buf_bytes(&messages));
    buf_release(&messages);
    if (!kept.len)
        return false;
    if (p2p_qlight_read_private_data(&data, &w->arena, kept, &w->detail))
        fail_msg("%s", w->detail.text);
    assert_int_equal(data.count, 1);
    *ret_data = data.blocks[0];
    return true;
}

static void test_roots(void **state)
{
    struct world w;
    struct p2p_qlight_block data;
    static const struct hash256 unknown;
    size_t told = 0;
    (void)state;
    recordings_require("private");
    begin(&w);
    for (size_t i = 1; i < w.count; i++) {
        struct chain_reader reader;
        struct hash256 root;
        if (!data_of(&w, w.blocks[i], true, &data))
            continue;
        assert_int_equal(chain_reader_open(&reader, w.chain), 0);
        assert_int_equal(chain_reader_private_root(&reader, &root, bytes_none(), i), 0);
        chain_reader_close(&reader);
        assert_true(hash256_equal(&data.root, &root));
        assert_true(hash256_equal(&data.hash, &w.blocks[i]->hash));
        told++;
        assert_true(data_of(&w, w.blocks[i], false, &data));
        assert_true(hash256_equal(&data.root, &unknown));

        /* A block that another one has taken the place of since then: its private state is not that one's. */
        w.blocks[i]->hash.b[0] ^= 1;
        assert_true(data_of(&w, w.blocks[i], true, &data));
        assert_true(hash256_equal(&data.root, &unknown));
        w.blocks[i]->hash.b[0] ^= 1;
    }
    assert_true(told > 10);
    end(&w);
}

/* The manager is not asked for whoever has gone. */
static void test_unwanted(void **state)
{
    struct world w;
    atomic_bool unwanted = true;
    struct node_light_view view = {.psi = bytes_str("private"), .unwanted = &unwanted};
    struct chain_reader reader;
    struct buf messages = BUF_INIT;
    (void)state;
    recordings_require("private");
    begin(&w);
    view.tm = w.tm;
    w.now += PRIVACY_CACHE_MS + 1;
    w.asked = 0;
    assert_int_equal(chain_reader_open(&reader, w.chain), 0);
    for (size_t i = 1; i < w.count; i++)
        if (w.blocks[i]->body->body.transaction_count)
            assert_int_equal(
                node_light_block_data(&messages, &reader, w.blocks[i], &view, true, &w.detail),
                ERR_BUSY);
    chain_reader_close(&reader);
    assert_int_equal(w.asked, 0);
    assert_int_equal(messages.len, 0);
    end(&w);
}

/* How many bodies, and how many messages of private data with them. */
static void ask_bodies(struct world *w, size_t bytes_soft, uint64_t until, size_t *ret_bodies,
                       size_t *ret_data)
{
    struct hash256 hashes[BLOCKS_MAX] = {{{1}}}; /* the first is nobody's */
    bool tell_root[BLOCKS_MAX] = {false};
    const struct node_light_view view = {.tm = w->tm, .psi = bytes_str("private")};
    const struct node_light_bodies asked = {hashes, tell_root, w->count, bytes_soft, until};
    struct buf data = BUF_INIT, message = BUF_INIT;
    struct p2p_eth_message m;
    struct chain_reader reader;
    struct rlp_reader r;
    size_t looked_at;
    for (size_t i = 1; i < w->count; i++)
        hashes[i] = w->blocks[i]->hash;
    assert_int_equal(chain_reader_open(&reader, w->chain), 0);
    if (node_light_bodies(&data, &message, &looked_at, &reader, &asked, &view, &w->detail))
        fail_msg("%s", w->detail.text);
    chain_reader_close(&reader);
    assert_int_equal(p2p_eth_decode(&m, &w->arena, P2P_ETH_65, P2P_ETH_BLOCK_BODIES,
                                    buf_bytes(&message), &w->detail),
                     0);
    *ret_bodies = m.list.count;
    assert_int_equal(looked_at, m.list.count + 1);
    *ret_data = 0;
    rlp_reader_init(&r, buf_bytes(&data));
    for (; rlp_more(&r); ++*ret_data)
        rlp_read_raw(&r, "private data");
    buf_release(&data);
    buf_release(&message);
}

/* What costs too much is left out, but for one body: who asks would take an answer without any for the end of the chain. */
static void test_bodies(void **state)
{
    struct world w;
    size_t bodies, data, all;
    (void)state;
    recordings_require("private");
    begin(&w);
    ask_bodies(&w, SIZE_MAX, UINT64_MAX, &bodies, &all);
    assert_int_equal(bodies, w.count - 1);
    assert_true(all > 10);
    ask_bodies(&w, SIZE_MAX, 0, &bodies, &data);
    assert_int_equal(bodies, 1);
    ask_bodies(&w, 1, UINT64_MAX, &bodies, &data);
    assert_int_equal(bodies, 1);
    ask_bodies(&w, 20000, UINT64_MAX, &bodies, &data);
    assert_true(bodies > 1 && bodies < w.count - 1 && data > 0 && data < all);
    end(&w);
}

/* --- The client --- */

/* What a chain asks for. */
static bool is_party(struct world *w, const struct chain_payload_hash *hash)
{
    struct chain_payload payload;
    if (privacy_receive(w->tm, &payload, hash, false, &w->arena, &w->detail))
        fail_msg("%s", w->detail.text);
    return payload.is_party;
}

/* As many payloads as a sync may have under way come before a block is executed, later than any of them is remembered for. */
static void test_many_given(void **state)
{
    enum { PAYLOADS = 200000 };
    struct world w;
    struct p2p_qlight_block data;
    struct node_light_client *client;
    struct p2p_qlight_payload other = {.payload = {.is_party = true}};
    size_t i = 1;
    (void)state;
    recordings_require("private");
    begin(&w);
    while (!data_of(&w, w.blocks[i], true, &data))
        i++;
    assert_int_equal(node_light_client_new(&client, w.chain, w.tm, "private", NULL), 0);
    const struct p2p_qlight_options options = node_light_client_options(client);
    const struct p2p_qlight_private_data first = {&data, 1};
    options.private_data(options.context, &first);
    for (uint32_t k = 0; k < PAYLOADS; k++) {
        const struct p2p_qlight_block block = {
            .psi = bytes_str("private"), .payloads = &other, .count = 1};
        const struct p2p_qlight_private_data more = {&block, 1};
        memcpy(other.hash.b + 1, &k, sizeof(k));
        options.private_data(options.context, &more);
    }
    w.now += PRIVACY_CACHE_MS + 1;
    w.asked = 0;
    node_light_client_blocks(client, &w.blocks[i], 1);
    assert_true(is_party(&w, &data.payloads[0].hash));
    assert_int_equal(w.asked, 1);
    node_light_client_free(client);
    end(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_roots),
        cmocka_unit_test(test_unwanted),
        cmocka_unit_test(test_bodies),
        cmocka_unit_test(test_many_given),
    };
    return cmocka_run_group_tests_name("light_blocks", tests, NULL, NULL);
}
