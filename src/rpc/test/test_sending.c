/* Transactions sent, waiting in the pool and asked for, with the work on threads of their own as in the node. */
#include "base/file.h"
#include "base/hex.h"
#include "crypto/secp256k1.h"
#include "rpc/method.h"
#include "rpc/test/world.h"
#include "tests/support/recordings.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <unistd.h>

#include <cmocka.h>

struct sender {
    struct crypto_private_key key;
    char address[64]; /* checksummed */
    uint64_t nonce;   /* of the state */
};

static struct world w;
static struct sender sender;

/* --- Asking --- */

struct asked {
    struct buf answer;
    bool done;
};

static void take(void *context, struct buf *answer)
{
    struct asked *a = context;
    a->answer = *answer;
    buf_init(answer);
    a->done = true;
}

/* The answer, which may come from a worker. Freed by json_decref. */
static json_t *ask(const char *format, ...) BASE_PRINTF(1, 2);

static json_t *ask(const char *format, ...)
{
    struct buf message = BUF_INIT;
    struct asked asked = {BUF_INIT, false};
    char text[4096];
    va_list list;
    va_start(list, format);
    vsnprintf(text, sizeof(text), format, list);
    va_end(list);
    buf_append_format(&message, "{\"id\":1,%s}", text);
    rpc_ask(w.rpc, rpc_access_all(), &message, take, &asked);
    while (!asked.done)
        io_loop_turn(w.backend.loop, true);
    json_t *json = json_loadb((const char *)asked.answer.data, asked.answer.len, 0, NULL);
    assert_non_null(json);
    buf_release(&asked.answer);
    return json;
}

/* A part of the result, by its keys with '/' between; NULL when it is not there. */
static const json_t *part(const json_t *answer, const char *path)
{
    const json_t *at = json_object_get(answer, "result");
    while (at && *path) {
        char key[80];
        size_t len = strcspn(path, "/");
        snprintf(key, sizeof(key), "%.*s", (int)len, path);
        at = json_object_get(at, key);
        path += len + (path[len] != 0);
    }
    return at;
}

static void check_text(const json_t *answer, const char *path, const char *wanted)
{
    const char *text = json_string_value(part(answer, path));
    if (!text || strcmp(text, wanted) != 0)
        fail_msg("%s: %s", path, json_dumps(answer, 0));
}

static void check_error(json_t *answer, const char *wanted)
{
    const char *text =
        json_string_value(json_object_get(json_object_get(answer, "error"), "message"));
    if (!text || strcmp(text, wanted) != 0)
        fail_msg("not \"%s\": %s", wanted, json_dumps(answer, 0));
    json_decref(answer);
}

/* --- Signing --- */

static void sign(struct buf *ret_hex, uint64_t nonce, uint64_t value)
{
    struct eth_transaction tx = {.type = ETH_LEGACY,
                                 .nonce = nonce,
                                 .gas_limit = 21000,
                                 .value = u256_from(value),
                                 .chain_id = u256_from(1337)};
    struct hash256 digest;
    struct crypto_signature signature;
    struct buf raw = BUF_INIT;
    memset(tx.to.b, 0x77, sizeof(tx.to.b));
    assert_int_equal(eth_transaction_signing_hash(&tx, ETH_SIGN_PROTECTED, &digest), 0);
    assert_true(crypto_ecdsa_sign(&signature, &digest, &sender.key));
    eth_transaction_set_signature(&tx, ETH_SIGN_PROTECTED, signature.rs, signature.recovery_id);
    eth_transaction_encode(&raw, &tx);
    buf_clear(ret_hex);
    hex_append(ret_hex, buf_bytes(&raw));
    buf_release(&raw);
}

/* All tests share one world. */
static void begin(void)
{
    recordings_require("qbft");
    if (w.rpc)
        return;
    world_begin(&w, "qbft");
    assert_int_equal(io_worker_new(&w.backend.workers[0], w.backend.loop), 0);
    assert_int_equal(io_worker_new(&w.backend.light, w.backend.loop), 0);
    json_t *about = recordings_json("qbft", "network.json");
    const json_t *account = json_array_get(json_object_get(about, "accounts"), 0);
    snprintf(sender.address, sizeof(sender.address), "%s",
             json_string_value(json_object_get(account, "address")));
    assert_true(
        hex_decode_exact(json_string_value(json_object_get(account, "key")), sender.key.b, 32));
    json_decref(about);
}

static int end(void **state)
{
    (void)state;
    if (!w.rpc)
        return 0;
    io_worker_free(w.backend.workers[0]);
    io_worker_free(w.backend.light);
    world_end(&w);
    return 0;
}

/* --- Tests --- */

static void test_send(void **state)
{
    (void)state;
    begin();
    struct buf raw = BUF_INIT;
    char hash[80], path[160];
    uint64_t nonce;
    json_t *answer = ask("\"method\":\"eth_getTransactionCount\",\"params\":[\"%s\",\"latest\"]",
                         sender.address);
    assert_true(hex_u64(json_string_value(part(answer, "")), &nonce));
    json_decref(answer);

    sign(&raw, nonce, 5);
    answer = ask("\"method\":\"eth_sendRawTransaction\",\"params\":[\"%s\"]", buf_text(&raw));
    assert_non_null(part(answer, ""));
    snprintf(hash, sizeof(hash), "%s", json_string_value(part(answer, "")));
    json_decref(answer);
    check_error(ask("\"method\":\"eth_sendRawTransaction\",\"params\":[\"%s\"]", buf_text(&raw)),
                "already known");

    answer = ask("\"method\":\"eth_getTransactionByHash\",\"params\":[\"%s\"]", hash);
    assert_true(json_is_null(part(answer, "blockHash")) &&
                json_is_null(part(answer, "transactionIndex")));
    check_text(answer, "value", "0x5");
    check_text(answer, "hash", hash);
    json_decref(answer);
    answer = ask("\"method\":\"eth_getRawTransactionByHash\",\"params\":[\"%s\"]", hash);
    check_text(answer, "", buf_text(&raw));
    json_decref(answer);
    answer = ask("\"method\":\"eth_getTransactionReceipt\",\"params\":[\"%s\"]", hash);
    assert_true(json_is_null(part(answer, "")));
    json_decref(answer);

    /* A gap of one: the second waits. */
    sign(&raw, nonce + 2, 6);
    json_decref(ask("\"method\":\"eth_sendRawTransaction\",\"params\":[\"%s\"]", buf_text(&raw)));
    answer = ask("\"method\":\"txpool_status\"");
    check_text(answer, "pending", "0x1");
    check_text(answer, "queued", "0x1");
    json_decref(answer);
    answer = ask("\"method\":\"txpool_content\"");
    snprintf(path, sizeof(path), "pending/%s/%llu/hash", sender.address, (unsigned long long)nonce);
    check_text(answer, path, hash);
    snprintf(path, sizeof(path), "queued/%s/%llu/value", sender.address,
             (unsigned long long)nonce + 2);
    check_text(answer, path, "0x6");
    json_decref(answer);
    answer = ask("\"method\":\"txpool_inspect\"");
    snprintf(path, sizeof(path), "queued/%s/%llu", sender.address, (unsigned long long)nonce + 2);
    check_text(answer, path,
               "0x7777777777777777777777777777777777777777: 6 wei + 21000 gas \u00d7 0 wei");
    json_decref(answer);
    answer = ask("\"method\":\"eth_getTransactionCount\",\"params\":[\"%s\",\"pending\"]",
                 sender.address);
    snprintf(path, sizeof(path), "0x%llx", (unsigned long long)nonce + 1);
    check_text(answer, "", path);
    json_decref(answer);
    buf_release(&raw);
}

/* Calls of a batch that go to different threads are answered in their order. */
static void test_batch_on_workers(void **state)
{
    (void)state;
    begin();
    static const char *const methods[] = {
        "\"method\":\"eth_blockNumber\"",
        "\"method\":\"eth_getBlockByNumber\",\"params\":[\"0x1c\",true]",
        "\"method\":\"eth_getBlockByNumber\",\"params\":[\"0x1c\",true]",
        "\"method\":\"eth_sendRawTransaction\",\"params\":[\"0x\"]",
        "\"method\":\"eth_getLogs\",\"params\":[{\"fromBlock\":\"0x0\"}]",
        "\"method\":\"net_version\"",
    };
    struct buf message = BUF_INIT;
    for (size_t i = 0; i < BASE_COUNT(methods); i++)
        buf_append_format(&message, "%c{\"id\":%zu,%s}", i ? ',' : '[', i, methods[i]);
    buf_append_text(&message, "]");
    struct asked asked = {BUF_INIT, false};
    assert_non_null(rpc_ask(w.rpc, rpc_access_all(), &message, take, &asked));
    while (!asked.done)
        io_loop_turn(w.backend.loop, true);
    json_t *all = json_loadb((const char *)asked.answer.data, asked.answer.len, 0, NULL);
    assert_int_equal(json_array_size(all), BASE_COUNT(methods));
    for (size_t i = 0; i < BASE_COUNT(methods); i++) {
        const json_t *one = json_array_get(all, i);
        assert_int_equal(json_integer_value(json_object_get(one, "id")), i);
        assert_true((json_object_get(one, "error") != NULL) == (i == 3));
    }
    assert_true(json_equal(json_object_get(json_array_get(all, 1), "result"),
                           json_object_get(json_array_get(all, 2), "result")));
    json_decref(all);
    buf_release(&asked.answer);
}

static json_t *ask_all(struct buf *message)
{
    struct asked asked = {BUF_INIT, false};
    (void)rpc_ask(w.rpc, rpc_access_all(), message, take, &asked);
    while (!asked.done)
        io_loop_turn(w.backend.loop, true);
    json_t *all = json_loadb((const char *)asked.answer.data, asked.answer.len, 0, NULL);
    buf_release(&asked.answer);
    assert_non_null(all);
    return all;
}

enum { BATCH = 100 };

/* What stands at a place of the batch: others among good ones, so that looking ahead meets all of them. */
enum element { GOOD, TWICE, MALFORMED, NO_TRANSACTION, OTHER_METHOD };

static enum element element_at(size_t i)
{
    static const enum element kinds[] = {GOOD, GOOD,           TWICE, GOOD,         MALFORMED,
                                         GOOD, NO_TRANSACTION, GOOD,  OTHER_METHOD, GOOD};
    return kinds[i % BASE_COUNT(kinds)];
}

/* Transactions of a batch have their senders recovered together; each is answered as if it stood alone. */
static void test_batch_of_transactions(void **state)
{
    (void)state;
    begin();
    struct buf message = BUF_INIT, raw = BUF_INIT;
    uint64_t nonce = 1000; /* beside those of the other tests */
    for (size_t i = 0; i < BATCH; i++) {
        static const char *const others[] = {
            [MALFORMED] = "\"method\":\"eth_sendRawTransaction\",\"params\":[\"0xc0\"]",
            [NO_TRANSACTION] = "\"method\":\"eth_sendRawTransaction\",\"params\":[7]",
            [OTHER_METHOD] = "\"method\":\"eth_blockNumber\"",
        };
        enum element kind = element_at(i);
        if (kind == GOOD)
            sign(&raw, nonce++, i);
        buf_append_format(&message, "%c{\"id\":%zu,", i ? ',' : '[', i);
        if (kind == GOOD || kind == TWICE)
            buf_append_format(&message,
                              "\"method\":\"eth_sendRawTransaction\",\"params\":[\"%s\"]}",
                              buf_text(&raw));
        else
            buf_append_format(&message, "%s}", others[kind]);
    }
    buf_append_text(&message, "]");
    json_t *all = ask_all(&message);
    assert_int_equal(json_array_size(all), BATCH);
    for (size_t i = 0; i < BATCH; i++) {
        static const char *const errors[] = {
            [TWICE] = "already known",
            [MALFORMED] = "rlp: too few elements for types.LegacyTx",
            [NO_TRANSACTION] =
                "invalid argument 0: json: cannot unmarshal non-string into Go value "
                "of type hexutil.Bytes",
        };
        enum element kind = element_at(i);
        json_t *one = json_incref(json_array_get(all, i));
        if (kind == TWICE || kind == MALFORMED || kind == NO_TRANSACTION) {
            check_error(one, errors[kind]);
            continue;
        }
        assert_non_null(part(one, ""));
        if (kind == GOOD) {
            json_t *found = ask("\"method\":\"eth_getTransactionByHash\",\"params\":[\"%s\"]",
                                json_string_value(part(one, "")));
            char value[24];
            snprintf(value, sizeof(value), "0x%zx", i);
            check_text(found, "value", value);
            /* In small letters there, checksummed here. */
            assert_int_equal(strcasecmp(json_string_value(part(found, "from")), sender.address), 0);
            json_decref(found);
        }
        json_decref(one);
    }
    json_decref(all);
    buf_release(&raw);
}

/* What Go's decoder says of the first bytes. */
static void test_malformed(void **state)
{
    (void)state;
    begin();
    static const char *const rows[][2] = {
        {"0x", "empty typed transaction bytes"},
        {"0x01", "EOF"},
        {"0x00", "transaction type not supported"},
        {"0x80", "rlp: expected input list for types.LegacyTx"},
        {"0x0180", "rlp: expected input list for types.AccessListTx"},
        {"0x01c0", "rlp: too few elements for types.AccessListTx"},
        {"0x01c1", "rlp: value size exceeds available input length"},
        {"0x81", "rlp: value size exceeds available input length"},
        {"0x8101", "rlp: expected input list for types.LegacyTx"},
        {"0xb8", "rlp: value size exceeds available input length"},
        {"0xb800", "rlp: non-canonical size information for types.LegacyTx"},
        {"0x01b801", "rlp: non-canonical size information for types.AccessListTx"},
        {"0xbf", "rlp: value size exceeds available input length"},
        {"0xbfffffffffffffffff", "rlp: value size exceeds available input length"},
        {"0xf800", "rlp: non-canonical size information for types.LegacyTx"},
    };
    for (size_t i = 0; i < BASE_COUNT(rows); i++)
        check_error(ask("\"method\":\"eth_sendRawTransaction\",\"params\":[\"%s\"]", rows[i][0]),
                    rows[i][1]);
}

/* A null takes back what stood before it under the same name, as a pointer in Go. */
static void test_nulls(void **state)
{
    (void)state;
    begin();
#define OTHER  "\"0x1111111111111111111111111111111111111111\""
#define FIELDS "\"to\":" OTHER ",\"gas\":\"0x5208\",\"gasPrice\":\"0x0\",\"nonce\":\"0x0\""
#define FILL   "\"method\":\"eth_fillTransaction\",\"params\":[{" FIELDS
#define ZEROS  "\"0x0000000000000000000000000000000000000000000000000000000000000000\""
    static const char *const same[][2] = {
        {FILL ",\"data\":\"0x11\",\"data\":null}]", FILL "}]"},
        {FILL ",\"input\":\"0x11\",\"input\":null}]", FILL "}]"},
        {FILL ",\"data\":\"0x11\",\"input\":\"0x22\",\"input\":null}]",
         FILL ",\"data\":\"0x11\"}]"},
        {FILL ",\"input\":\"0x11\",\"data\":\"0x22\",\"data\":null}]", FILL ",\"data\":\"0x11\"}]"},
        {FILL ",\"value\":\"0x5\",\"value\":null}]", FILL "}]"},
        {FILL ",\"gasPrice\":\"0x5\",\"gasPrice\":null}]", FILL "}]"},
        {FILL ",\"chainId\":\"0x2\",\"chainId\":null,\"accessList\":[]}]",
         FILL ",\"accessList\":[]}]"},
        {FILL ",\"accessList\":[{\"address\":" OTHER ",\"storageKeys\":[]}],\"accessList\":null}]",
         FILL "}]"},
        {FILL ",\"privateFor\":[\"x\"],\"privateFor\":null}]", FILL "}]"},
        {FILL ",\"privateFor\":[],\"mandatoryFor\":[\"x\"],\"mandatoryFor\":null}]",
         FILL ",\"privateFor\":[]}]"},
        {"\"method\":\"eth_getLogs\",\"params\":[{\"blockHash\":" ZEROS
         ",\"blockHash\":null,\"fromBlock\":\"0x0\",\"toBlock\":\"0x9\",\"toBlock\":null,"
         "\"address\":" OTHER ",\"address\":null,\"topics\":[" ZEROS "],\"topics\":null}]",
         "\"method\":\"eth_getLogs\",\"params\":[{\"fromBlock\":\"0x0\"}]"},
        {"\"method\":\"eth_getBalance\",\"params\":[" OTHER ",{\"blockHash\":" ZEROS
         ",\"blockHash\":null,\"blockNumber\":\"0x1\"}]",
         "\"method\":\"eth_getBalance\",\"params\":[" OTHER ",\"0x1\"]"},
        {"\"method\":\"debug_traceCall\",\"params\":[{\"to\":" OTHER
         "},\"latest\",{\"tracer\":\"nope\",\"tracer\":null,\"timeout\":\"x\",\"timeout\":null}]",
         "\"method\":\"debug_traceCall\",\"params\":[{\"to\":" OTHER "},\"latest\",{}]"},
    };
    static const char *const wrong[][2] = {
        {FILL ",\"from\":null}]",
         "invalid argument 0: json: cannot unmarshal non-string into Go struct "
         "field SendTxArgs.from of type common.Address"},
        {FILL ",\"to\":null}]", "contract creation without any data provided"},
        {FILL ",\"accessList\":[null]}]",
         "invalid argument 0: missing required field 'address' for AccessTuple"},
        {FILL ",\"accessList\":[{\"address\":" OTHER ",\"address\":null,\"storageKeys\":[]}]}]",
         "invalid argument 0: missing required field 'address' for AccessTuple"},
        {"\"method\":\"eth_getProof\",\"params\":[" OTHER ",[12],5]",
         "invalid argument 1: json: cannot unmarshal number into Go value of type string"},
        {"\"method\":\"eth_getBalance\",\"params\":[" OTHER
         ",{\"blockNumber\":\"0x1\",\"blockNumber\":null}]",
         "invalid arguments; neither block nor hash specified"},
    };
    for (size_t i = 0; i < BASE_COUNT(same); i++) {
        json_t *one = ask("%s", same[i][0]), *other = ask("%s", same[i][1]);
        if (!part(other, "") || !json_equal(one, other))
            fail_msg("%s: %s", same[i][0], json_dumps(one, 0));
        json_decref(one);
        json_decref(other);
    }
    for (size_t i = 0; i < BASE_COUNT(wrong); i++)
        check_error(ask("%s", wrong[i][0]), wrong[i][1]);
}

/* The file is what `geth export` of the network gave, but for blocks of which it gave other seals. */
static void test_export(void **state)
{
    (void)state;
    begin();
    char folder[] = "/tmp/rpc-export-XXXXXX", path[64];
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof(path), "%s/chain.rlp", folder);
    json_t *answer = ask("\"method\":\"admin_exportChain\",\"params\":[\"%s\"]", path);
    assert_true(json_is_true(part(answer, "")));
    json_decref(answer);
    struct buf ours = BUF_INIT, theirs = BUF_INIT;
    assert_int_equal(file_read(path, 1 << 24, &ours, NULL), 0);
    recordings_read("qbft", "chain.rlp.gz", &theirs);
    assert_int_equal(ours.len, theirs.len);
    check_error(ask("\"method\":\"admin_exportChain\",\"params\":[\"%s\"]", path),
                "location would overwrite an existing file");
    check_error(ask("\"method\":\"admin_exportChain\",\"params\":[\"/nowhere/at/all\"]"),
                "open /nowhere/at/all: no such file or directory");
    check_error(ask("\"method\":\"admin_exportChain\",\"params\":[\"x\",null,5]"),
                "last cannot be specified without first");
    buf_release(&ours);
    buf_release(&theirs);
    unlink(path);
    rmdir(folder);
}

static void count(void *context, struct buf *answer)
{
    unsigned *answers = context;
    (void)answer;
    ++*answers;
}

/* Askers that go before the worker has done. */
static void test_forgotten(void **state)
{
    (void)state;
    unsigned answers = 0;
    begin();
    for (int i = 0; i < 50; i++) {
        struct buf message = BUF_INIT;
        buf_append_text(
            &message,
            i % 2 ? "{\"id\":1,\"method\":\"eth_getLogs\",\"params\":[{\"fromBlock\":\"0x0\"}]}"
                  : "[{\"id\":1,\"method\":\"eth_sendRawTransaction\",\"params\":[\"0x1234\"]},"
                    "{\"id\":2,\"method\":\"txpool_content\"}]");
        struct rpc_exchange *exchange = rpc_ask(w.rpc, rpc_access_all(), &message, count, &answers);
        assert_non_null(exchange);
        rpc_abandon(exchange);
    }
    json_decref(ask("\"method\":\"eth_getLogs\",\"params\":[{\"fromBlock\":\"0x0\"}]"));
    while (answers < 50)
        io_loop_turn(w.backend.loop, true);
}

struct gate {
    pthread_mutex_t lock;
};

static void wait_for_gate(void *context)
{
    struct gate *gate = context;
    pthread_mutex_lock(&gate->lock);
    pthread_mutex_unlock(&gate->lock);
}

static bool has_member(struct asked *asked, const char *name)
{
    while (!asked->done)
        io_loop_turn(w.backend.loop, true);
    json_t *json = json_loadb((const char *)asked->answer.data, asked->answer.len, 0, NULL);
    bool has = json_object_get(json, name) != NULL;
    json_decref(json);
    buf_release(&asked->answer);
    return has;
}

/* What only reads is left out when nobody waits for it any more; what changes something is done. */
static void test_abandoned(void **state)
{
    (void)state;
    begin();
    static const char *const methods[] = {
        "{\"id\":1,\"method\":\"eth_getLogs\",\"params\":[{\"fromBlock\":\"0x0\"}]}",
        "{\"id\":1,\"method\":\"eth_getLogs\",\"params\":[{\"fromBlock\":\"0x0\"}]}",
        "{\"id\":1,\"method\":\"debug_freeOSMemory\"}",
    };
    struct asked asked[BASE_COUNT(methods)] = {{BUF_INIT, false}};
    struct rpc_exchange *exchanges[BASE_COUNT(methods)];
    struct gate gate = {PTHREAD_MUTEX_INITIALIZER};
    pthread_mutex_lock(&gate.lock); /* the worker is busy until all have been asked */
    assert_int_equal(io_worker_run(w.backend.workers[0], wait_for_gate, NULL, &gate), 0);
    for (size_t i = 0; i < BASE_COUNT(methods); i++) {
        struct buf message = BUF_INIT;
        buf_append_text(&message, methods[i]);
        exchanges[i] = rpc_ask(w.rpc, rpc_access_all(), &message, take, &asked[i]);
        assert_non_null(exchanges[i]);
    }
    rpc_abandon(exchanges[1]);
    rpc_abandon(exchanges[2]);
    pthread_mutex_unlock(&gate.lock);
    assert_true(has_member(&asked[0], "result"));
    assert_true(has_member(&asked[1], "error"));
    assert_true(has_member(&asked[2], "result"));
    pthread_mutex_destroy(&gate.lock);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_send),
        cmocka_unit_test(test_batch_on_workers),
        cmocka_unit_test(test_nulls),
        cmocka_unit_test(test_malformed),
        cmocka_unit_test(test_batch_of_transactions),
        cmocka_unit_test(test_export),
        cmocka_unit_test(test_forgotten),
        cmocka_unit_test(test_abandoned),
    };
    return cmocka_run_group_tests_name("sending", tests, NULL, end);
}
