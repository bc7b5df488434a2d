/* What no recording shows: blocks that were refused, what a transaction paid, servers that are started and stopped. */
#include "base/hex.h"
#include "rpc/encode.h"
#include "rpc/servers.h"
#include "rpc/test/world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static json_t *ask(struct world *w, const char *method, const char *params)
{
    char message[512];
    snprintf(message, sizeof(message), "{\"id\":1,\"method\":\"%s\",\"params\":%s}", method,
             params);
    return world_ask(w, rpc_access_all(), message);
}

static const char *error_of(const json_t *answer)
{
    return json_string_value(json_object_get(json_object_get(answer, "error"), "message"));
}

/* --- Blocks that were refused --- */

/* The chain's last block with transactions, taken back, with another state root: its seals are no longer good. */
static struct chain_block *spoil(struct world *w)
{
    struct chain_reader reader;
    struct chain_block *block = NULL, *spoilt;
    struct buf header_rlp = BUF_INIT, body = BUF_INIT;
    struct err_detail detail = {{0}};
    uint64_t number;
    struct hash256 hash;
    assert_int_equal(chain_reader_open(&reader, w->chain), 0);
    assert_int_equal(chain_reader_head(&reader, &number, &hash), 0);
    for (; !block || block->body->body.transaction_count == 0; number--) {
        chain_block_unref(block);
        assert_int_equal(chain_reader_block(&reader, &block, number), 0);
    }
    chain_reader_close(&reader);
    assert_int_equal(chain_set_head(w->chain, block->header.number - 1, &detail), 0);
    struct eth_header header = block->header;
    header.state_root.b[5] ^= 1;
    eth_header_write(&header_rlp, &header);
    chain_body_write(&body, block->body);
    assert_int_equal(chain_block_join(&spoilt, buf_bytes(&header_rlp), buf_bytes(&body), &detail),
                     0);
    buf_release(&header_rlp);
    buf_release(&body);
    chain_block_unref(block);
    return spoilt;
}

static void test_bad_blocks(void **state)
{
    (void)state;
    struct world w;
    enum chain_verdict verdict;
    struct err_detail why = {{0}};
    char hash[67] = "0x", params[100];
    world_begin(&w, "qbft");
    json_t *answer = ask(&w, "debug_getBadBlocks", "[]");
    assert_int_equal(json_array_size(json_object_get(answer, "result")), 0);
    json_decref(answer);
    struct chain_block *block = spoil(&w);
    assert_int_equal(chain_commit(w.chain, &verdict, &why, block), 0);
    assert_int_equal(verdict, CHAIN_BAD_SEALS);

    answer = ask(&w, "debug_getBadBlocks", "[]");
    json_t *bad = json_array_get(json_object_get(answer, "result"), 0);
    hex_encode(hash + 2, bytes_of(block->hash.b, 32));
    assert_string_equal(json_string_value(json_object_get(bad, "hash")), hash);
    json_t *shown = json_object_get(bad, "block");
    assert_string_equal(json_string_value(json_object_get(shown, "hash")), hash);
    json_t *first = json_array_get(json_object_get(shown, "transactions"), 0);
    assert_string_not_equal(json_string_value(json_object_get(first, "from")),
                            "0x0000000000000000000000000000000000000000");
    struct buf rlp = BUF_INIT, wanted = BUF_INIT;
    assert_int_equal(hex_decode(json_string_value(json_object_get(bad, "rlp")) + 2, &rlp), 0);
    chain_block_write(&wanted, block);
    assert_true(bytes_equal(buf_bytes(&rlp), buf_bytes(&wanted)));
    buf_release(&rlp);
    buf_release(&wanted);
    json_decref(answer);

    snprintf(params, sizeof(params), "[\"%s\"]", hash);
    answer = ask(&w, "debug_traceBadBlock", params);
    assert_int_equal(json_array_size(json_object_get(answer, "result")),
                     block->body->body.transaction_count);
    json_decref(answer);
    hash[10] = hash[10] == '0' ? '1' : '0';
    snprintf(params, sizeof(params), "[\"%s\"]", hash);
    answer = ask(&w, "debug_traceBadBlock", params);
    snprintf(params, sizeof(params), "bad block %s not found", hash);
    assert_string_equal(error_of(answer), params);
    json_decref(answer);
    chain_block_unref(block);
    world_end(&w);
}

/* --- effectiveGasPrice --- */

static json_t *receipt_of(const struct eth_transaction *tx, const struct rpc_position *position)
{
    struct eth_receipt receipt = {.success = true};
    struct rpc_receipt r = {
        .receipt = &receipt, .tx = tx, .position = *position, .gas_used = 21000};
    struct buf text = BUF_INIT;
    json_error_t error;
    rpc_write_receipt(&text, &r);
    assert_int_equal(buf_status(&text), 0);
    json_t *json = json_loadb((const char *)text.data, text.len, 0, &error);
    assert_non_null(json);
    buf_release(&text);
    return json;
}

/* From London on what a transaction paid for gas: its price, or base fee and tip, at most what it allows (EIP-1559). */
static void test_effective_gas_price(void **state)
{
    (void)state;
    static const struct {
        enum eth_transaction_type type;
        uint64_t max_fee, max_tip, base_fee;
        bool london;
        const char *paid; /* NULL: there is no such field */
    } cases[] = {
        {ETH_LEGACY, 9, 9, 0, false, NULL},        {ETH_LEGACY, 9, 9, 7, true, "0x9"},
        {ETH_LEGACY, 0, 0, 0, true, "0x0"},        {ETH_ACCESS_LIST, 8, 8, 7, true, "0x8"},
        {ETH_DYNAMIC_FEE, 100, 2, 7, true, "0x9"}, {ETH_DYNAMIC_FEE, 8, 2, 7, true, "0x8"},
        {ETH_DYNAMIC_FEE, 7, 2, 7, true, "0x7"},   {ETH_DYNAMIC_FEE, 100, 0, 7, true, "0x7"},
    };
    for (size_t i = 0; i < BASE_COUNT(cases); i++) {
        const struct eth_transaction tx = {.type = cases[i].type,
                                           .sender_known = true,
                                           .max_fee = u256_from(cases[i].max_fee),
                                           .max_priority_fee = u256_from(cases[i].max_tip)};
        const struct rpc_position position = {
            .number = 1, .has_base_fee = cases[i].london, .base_fee = u256_from(cases[i].base_fee)};
        json_t *receipt = receipt_of(&tx, &position);
        const char *paid = json_string_value(json_object_get(receipt, "effectiveGasPrice"));
        if (cases[i].paid ? !paid || strcmp(paid, cases[i].paid) != 0 : paid != NULL)
            fail_msg("case %zu: %s", i, paid ? paid : "none");
        json_decref(receipt);
    }
}

/* --- admin_startHTTP and its kin --- */

struct servers {
    struct rpc_server_wish wish;
    char host[40], origins[40], apis[40], vhosts[40];
    unsigned http, websocket, stops;
};

static void keep(char ret_text[40], const char *text)
{
    snprintf(ret_text, 40, "%s", text ? text : "(none)");
}

static void keep_wish(struct servers *s, const struct rpc_server_wish *wish)
{
    s->wish = *wish;
    keep(s->host, wish->host);
    keep(s->origins, wish->origins);
    keep(s->apis, wish->apis);
    keep(s->vhosts, wish->vhosts);
}

static int start_http(void *context, const struct rpc_server_wish *wish, struct err_detail *detail)
{
    struct servers *s = context;
    keep_wish(s, wish);
    if (s->http++)
        return err_set(detail, ERR_BUSY, "HTTP server already running on here");
    return 0;
}

static int start_websocket(void *context, const struct rpc_server_wish *wish,
                           struct err_detail *detail)
{
    struct servers *s = context;
    (void)detail;
    keep_wish(s, wish);
    s->websocket++;
    return 0;
}

static void stop(void *context)
{
    struct servers *s = context;
    s->stops++;
}

static void expect_true(struct world *w, const char *method, const char *params)
{
    json_t *answer = ask(w, method, params);
    if (!json_is_true(json_object_get(answer, "result")))
        fail_msg("%s %s: %s", method, params, json_dumps(answer, 0));
    json_decref(answer);
}

static void test_servers(void **state)
{
    (void)state;
    struct world w;
    struct servers seen = {.http = 0};
    const struct rpc_servers servers = {&seen, start_http, start_websocket, stop, stop};
    world_begin_empty(&w);
    json_t *answer = ask(&w, "admin_startHTTP", "[]");
    assert_string_equal(error_of(answer), "this node has no servers to start or stop");
    json_decref(answer);
    w.backend.servers = &servers;
    expect_true(&w, "admin_startRPC", "[\"127.0.0.1\",8600,null,\"net,web3\",\"*\"]");
    assert_string_equal(seen.host, "127.0.0.1");
    assert_string_equal(seen.origins, "(none)");
    assert_string_equal(seen.apis, "net,web3");
    assert_string_equal(seen.vhosts, "*");
    assert_true(seen.wish.has_port && seen.wish.port == 8600);
    answer = ask(&w, "admin_startHTTP", "[]");
    assert_string_equal(error_of(answer), "HTTP server already running on here");
    assert_string_equal(seen.host, "(none)");
    assert_false(seen.wish.has_port);
    json_decref(answer);
    answer = ask(&w, "admin_startHTTP", "[null,65536]");
    assert_string_equal(error_of(answer), "listen tcp: address 65536: invalid port");
    json_decref(answer);
    assert_int_equal(seen.http, 2);
    expect_true(&w, "admin_startWS", "[null,null,\"*\",\"eth\"]");
    assert_string_equal(seen.origins, "*");
    assert_int_equal(seen.websocket, 1);
    expect_true(&w, "admin_stopHTTP", "[]");
    expect_true(&w, "admin_stopRPC", "[]");
    expect_true(&w, "admin_stopWS", "[]");
    assert_int_equal(seen.stops, 3);
    world_end(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bad_blocks),
        cmocka_unit_test(test_effective_gas_price),
        cmocka_unit_test(test_servers),
    };
    return cmocka_run_group_tests_name("debug", tests, NULL, NULL);
}
