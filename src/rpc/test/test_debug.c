/* What no recording shows: blocks that were refused, what a transaction paid, servers that are started and stopped. */
#include "base/hex.h"
#include "crypto/secp256k1.h"
#include "rpc/backend/servers.h"
#include "rpc/json/encode.h"
#include "rpc/test/world.h"
#include "tests/support/fixtures.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static json_t *ask(struct world *w, const char *method, const char *params)
{
    char message[1400];
    snprintf(message, sizeof(message), "{\"id\":1,\"method\":\"%s\",\"params\":%s}", method,
             params);
    return world_ask(w, rpc_access_all(), message);
}

static const char *error_of(const json_t *answer)
{
    return json_string_value(json_object_get(json_object_get(answer, "error"), "message"));
}

/* --vm.calltimeout: one that hashes until its gas has gone is ended. */
static void test_call_timeout(void **state)
{
    (void)state;
    struct world w;
    world_begin(&w, "qbft");
    w.backend.call_timeout_ms = 1;
    w.backend.gas_cap = 0;
    json_t *answer = ask(&w, "eth_call", "[{\"data\":\"0x5b60206000205060005600\"},\"latest\"]");
    assert_string_equal(error_of(answer), "execution aborted (timeout = 0s)");
    json_decref(answer);
    w.backend.call_timeout_ms = 0;
    answer = ask(&w, "eth_call",
                 "[{\"data\":\"0x5b60206000205060005600\",\"gas\":\"0x10000\"},\"latest\"]");
    assert_string_equal(error_of(answer), "out of gas");
    json_decref(answer);
    world_end(&w);
}

/* Numbers that Go makes negative: the latest block, the pending one, and none. */
static void test_block_rlp(void **state)
{
    (void)state;
    struct world w;
    char number[40];
    world_begin(&w, "qbft");
    json_t *head = ask(&w, "eth_blockNumber", "[]");
    snprintf(number, sizeof(number), "[%llu]",
             strtoull(json_string_value(json_object_get(head, "result")), NULL, 16));
    json_t *wanted = ask(&w, "debug_getBlockRlp", number);
    assert_true(json_is_string(json_object_get(wanted, "result")));
    json_t *latest = ask(&w, "debug_getBlockRlp", "[18446744073709551615]");
    json_t *pending = ask(&w, "debug_getBlockRlp", "[18446744073709551614]");
    json_t *none = ask(&w, "debug_getBlockRlp", "[18446744073709551612]");
    assert_true(json_equal(latest, wanted));
    assert_true(json_equal(pending, wanted));
    assert_string_equal(error_of(none), "block #18446744073709551612 not found");
    json_decref(head);
    json_decref(wanted);
    json_decref(latest);
    json_decref(pending);
    json_decref(none);
    world_end(&w);
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

/* --- Fees and authorizations of calls --- */

/* At ..11 code that returns the gas price, at ..22 code that returns 42, at ..33 code that looks at a slot; `from` has 2^64 wei. */
static const char prague_genesis[] =
    "{\"config\":{\"chainId\":10,\"isQuorum\":true,\"homesteadBlock\":0,\"eip150Block\":0,"
    "\"eip155Block\":0,\"eip158Block\":0,\"byzantiumBlock\":0,\"constantinopleBlock\":0,"
    "\"petersburgBlock\":0,\"istanbulBlock\":0,\"berlinBlock\":0,\"londonBlock\":0,"
    "\"shanghaiTime\":0,"
    "\"cancunTime\":0,\"pragueTime\":0,\"enableGasPriceBlock\":0},\"gasLimit\":\"0x1000000\","
    "\"difficulty\":\"0x1\","
    "\"baseFeePerGas\":\"0x7\",\"alloc\":{"
    "\"0x1111111111111111111111111111111111111111\":{\"balance\":\"0\",\"code\":"
    "\"0x3a60005260206000f3\"},"
    "\"0x2222222222222222222222222222222222222222\":{\"balance\":\"0\",\"code\":"
    "\"0x602a60005260206000f3\"},"
    "\"0x3333333333333333333333333333333333333333\":{\"balance\":\"0\",\"code\":"
    "\"0x60055460005260206000f3\"},"
    "\"0x4444444444444444444444444444444444444444\":{\"balance\":\"0x10000000000000000\"}}}";

static void begin_prague(struct world *w)
{
    struct err_detail detail = {{0}};
    *w = (struct world){0};
    assert_int_equal(store_memory_new(&w->store, chain_tables, CHAIN_TABLES), 0);
    struct chain_options options = {
        .store = w->store, .genesis = bytes_str(prague_genesis), .archive = true};
    if (chain_open(&w->chain, &options, &detail))
        fail_msg("%s", detail.text);
    assert_int_equal(io_loop_new(&w->backend.loop), 0);
    w->backend.chain = w->chain;
    w->backend.client_version = w->client_version;
    w->backend.gas_cap = 10000000;
    assert_int_equal(rpc_new(&w->rpc, &w->backend), 0);
}

/* The answer to a call with these fields besides `from`, as text: its result, or the error's message. */
static void expect_call(struct world *w, const char *method, const char *fields, const char *wanted)
{
    char params[1200];
    snprintf(params, sizeof(params),
             "[{\"from\":\"0x4444444444444444444444444444444444444444\",%s},\"latest\"]", fields);
    json_t *answer = ask(w, method, params), *result = json_object_get(answer, "result");
    char *text = result ? json_dumps(result, JSON_ENCODE_ANY | JSON_COMPACT) : NULL;
    const char *is = text ? text : error_of(answer);
    if (!strstr(is, wanted))
        fail_msg("%s %s: %s, wanted %s", method, fields, is, wanted);
    free(text);
    json_decref(answer);
}

#define TO(digits) "\"to\":\"0x" digits digits digits digits digits digits digits digits "\""

static void test_fees(void **state)
{
    (void)state;
    static const char price[] = TO("11111"), slot[] = TO("33333");
    static const struct {
        const char *method, *to, *fees, *wanted;
    } cases[] = {
        /* The base fee of the first block is 1 gwei, 0x3b9aca00. */
        {"eth_call", price, "\"gasPrice\":\"0x3b9aca09\"", "3b9aca09\""},
        {"eth_call", price, "\"gas\":\"0x10000\"", "0000\""},
        {"eth_call", price, "\"maxFeePerGas\":\"0x77359400\",\"maxPriorityFeePerGas\":\"0x2\"",
         "3b9aca02\""},
        {"eth_call", price, "\"maxFeePerGas\":\"0x3b9aca01\",\"maxPriorityFeePerGas\":\"0x2\"",
         "3b9aca01\""},
        {"eth_call", price, "\"maxFeePerGas\":\"0x77359400\"", "3b9aca00\""},
        {"eth_call", price, "\"maxFeePerGas\":\"0x3\"", "max fee per gas less than block base fee"},
        {"eth_call", price, "\"maxPriorityFeePerGas\":\"0x3\"",
         "max priority fee per gas higher than max fee per gas"},
        {"eth_call", price, "\"gasPrice\":\"0x9\",\"maxFeePerGas\":\"0x9\"",
         "both gasPrice and (maxFeePerGas or maxPriorityFeePerGas) specified"},
        {"eth_call", price, "\"maxFeePerGas\":\"0x10000000000000\"", "insufficient funds for gas"},
        {"eth_estimateGas", price,
         "\"maxFeePerGas\":\"0x77359400\",\"maxPriorityFeePerGas\":\"0x2\"", "0x5"},
        {"eth_estimateGas", price, "\"maxFeePerGas\":\"0x10000000000000\"",
         "gas required exceeds allowance (4096)"},
        {"eth_createAccessList", slot, "\"maxFeePerGas\":\"0x77359400\"",
         "\"storageKeys\":["
         "\"0x0000000000000000000000000000000000000000000000000000000000000005\"]"},
    };
    struct world w;
    begin_prague(&w);
    for (size_t i = 0; i < BASE_COUNT(cases); i++) {
        char fields[400];
        snprintf(fields, sizeof(fields), "%s,%s", cases[i].to, cases[i].fees);
        expect_call(&w, cases[i].method, fields, cases[i].wanted);
    }
    world_end(&w);
}

/* Of a list that is said twice the last is meant, as in Go, and nothing is left of the first. */
static void test_repeated_lists(void **state)
{
    (void)state;
#define KEYS    "\"storageKeys\":[\"0x%064d\"]"
#define ADDRESS "\"address\":\"0x5555555555555555555555555555555555555555\""
    char fields[800], wanted[200];
    snprintf(fields, sizeof(fields),
             TO("11111") ",\"accessList\":[{" ADDRESS "," KEYS "}]"
                         ",\"accessList\":[{" ADDRESS "," KEYS "," KEYS "}]",
             1, 2, 3);
    snprintf(wanted, sizeof(wanted), "{\"accessList\":[{" ADDRESS "," KEYS "}],\"gasUsed\":", 3);
#undef KEYS
#undef ADDRESS
    struct world w;
    begin_prague(&w);
    expect_call(&w, "eth_createAccessList", fields, wanted);
    world_end(&w);
}

/* Before London: first the price of the gas, in numbers of any size, then the gas, then the value, as GoQuorum says it. */
static void test_funds(void **state)
{
    (void)state;
    fixtures_require("recordings/qbft", "recordings of GoQuorum");
#define FUNDS                                                                                      \
    "insufficient funds for gas * price + value: address "                                         \
    "0x4444444444444444444444444444444444444444 have 0 want "
    static const char
        value[] = TO("11111") ",\"value\":\"0x1\"",
        low[] = TO("11111") ",\"value\":\"0x1\",\"gas\":\"0x1\"",
        price[] = TO("11111") ",\"value\":\"0x1\",\"gasPrice\":\"0x2\",\"gas\":\"0x5208\"",
        high[] = TO("11111") ",\"gas\":\"0x5208\",\"gasPrice\":\"0x"
                             "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff\"";
    static const struct {
        const char *fields, *wanted;
    } rows[] = {
        {value,
         "insufficient funds for transfer: address 0x4444444444444444444444444444444444444444"},
        {low, "intrinsic gas too low: have 1, want 21000"},
        {price, FUNDS "42000"},
        {high, FUNDS
         "2431633873983640103894990685182446064918669677978451844828609264166175722438635000"}};
    struct world w;
    world_begin(&w, "qbft");
    for (size_t i = 0; i < BASE_COUNT(rows); i++) {
        char wanted[300];
        snprintf(wanted, sizeof(wanted), "tracing failed: %s", rows[i].wanted);
        expect_call(&w, "debug_traceCall", rows[i].fields, wanted);
        snprintf(wanted, sizeof(wanted), "err: %s (supplied gas ", rows[i].wanted);
        expect_call(&w, "eth_call", rows[i].fields, wanted);
    }
    world_end(&w);
#undef FUNDS
}

/* Instructions of later forks have names where the chain has come to them; GoQuorum has none for them. */
static void test_later_instructions(void **state)
{
    (void)state;
    struct world w;
    world_begin(&w, "qbft");
    json_t *answer = ask(&w, "eth_call", "[{\"data\":\"0x5e\"},\"latest\"]");
    assert_string_equal(error_of(answer), "invalid opcode: opcode 0x5e not defined");
    json_decref(answer);
    /* And names for what there never was. */
    answer = ask(&w, "eth_call", "[{\"data\":\"0xb2\"},\"latest\"]");
    assert_string_equal(error_of(answer), "invalid opcode: SWAP");
    json_decref(answer);
    answer = ask(&w, "eth_call", "[{\"data\":\"0xb3\"},\"latest\"]");
    assert_string_equal(error_of(answer), "invalid opcode: opcode 0xb3 not defined");
    json_decref(answer);
    answer = ask(&w, "eth_call", "[{\"data\":\"0x1b\"},\"latest\"]");
    assert_string_equal(error_of(answer), "stack underflow (0 <=> 2)");
    json_decref(answer);
    world_end(&w);
    begin_prague(&w);
    expect_call(&w, "debug_traceCall", "\"data\":\"0x5f\"", "\"op\":\"PUSH0\"");
    world_end(&w);
}

/* What an account signs: for this call it has the code of ..22. */
static void authorize(char ret_json[500], struct address *ret_authority, const char *parity)
{
    struct crypto_private_key key = {{[31] = 7}};
    struct crypto_public_key public_key;
    struct eth_authorization a = {.chain_id = u256_from(10)};
    struct hash256 hash;
    struct crypto_signature signature;
    char r[65] = {0}, s[65] = {0};
    memset(a.address.b, 0x22, sizeof(a.address.b));
    eth_authorization_signing_hash(&a, &hash);
    assert_true(crypto_public_key_of(&public_key, &key));
    crypto_address_of(ret_authority, &public_key);
    assert_true(crypto_ecdsa_sign(&signature, &hash, &key));
    hex_encode(r, bytes_of(signature.rs, 32));
    hex_encode(s, bytes_of(signature.rs + 32, 32));
    const char *from_r = r + strspn(r, "0"), *from_s = s + strspn(s, "0");
    snprintf(ret_json, 500,
             "\"authorizationList\":[{\"chainId\":\"0xa\",\"address\":"
             "\"0x2222222222222222222222222222222222222222\",\"nonce\":\"0x0\",\"%s\":\"0x%x\","
             "\"r\":\"0x%s\",\"s\":\"0x%s\"}]",
             parity, signature.recovery_id, from_r, from_s);
}

static void test_authorizations(void **state)
{
    (void)state;
    static const char *const parities[] = {"yParity", "v"};
    struct world w;
    struct address authority;
    char list[500], fields[800], digits[41] = {0};
    begin_prague(&w);
    for (size_t i = 0; i < BASE_COUNT(parities); i++) {
        authorize(list, &authority, parities[i]);
        hex_encode(digits, bytes_of(authority.b, sizeof(authority.b)));
        snprintf(fields, sizeof(fields), "\"to\":\"0x%s\",%s", digits, list);
        expect_call(&w, "eth_call", fields, "002a\"");
        expect_call(&w, "eth_estimateGas", fields, "0x");
    }
    snprintf(fields, sizeof(fields), "\"to\":\"0x%s\"", digits);
    expect_call(&w, "eth_call", fields, "\"0x\"");
    expect_call(&w, "eth_call", TO("11111") ",\"authorizationList\":[{\"chainId\":\"0xa\"}]",
                "invalid argument 0: missing required field 'address' in SetCodeAuthorization");
    expect_call(&w, "eth_call", TO("11111") ",\"authorizationList\":7",
                "invalid argument 0: json: cannot unmarshal number into Go");
    expect_call(&w, "eth_call", TO("11111") ",\"authorizationList\":[]", "EIP-7702");
    world_end(&w);
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
        cmocka_unit_test(test_bad_blocks),     cmocka_unit_test(test_block_rlp),
        cmocka_unit_test(test_call_timeout),   cmocka_unit_test(test_effective_gas_price),
        cmocka_unit_test(test_fees),           cmocka_unit_test(test_repeated_lists),
        cmocka_unit_test(test_funds),          cmocka_unit_test(test_later_instructions),
        cmocka_unit_test(test_authorizations), cmocka_unit_test(test_servers),
    };
    return cmocka_run_group_tests_name("debug", tests, NULL, NULL);
}
