/*
 * The recorded exchanges about accounts (recordings/live/live.jsonl), played in order: what GoQuorum answered, we
 * answer, addresses of new accounts mapped. The chain is another, so the state that transactions meet is not compared.
 */
#include "rpc/method.h"
#include "rpc/test/world.h"
#include "tests/support/fixtures.h"
#include "tests/support/recordings.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

static struct world w;
static char created[2][43]; /* what personal_newAccount gave here */
static const char *const recorded[2] = {"0xa3fb866150b17604f78c8609562a8ca1493ad8dd",
                                        "0x7f3cf72189fb7e2a8913a947ef36390141757569"};

static void map(char *text)
{
    for (size_t i = 0; i < 2; i++)
        for (char *at = text; created[i][0] && (at = strstr(at, recorded[i]));)
            memcpy(at, created[i], 42);
}

static json_t *ask(const char *method, const char *params)
{
    struct buf message = BUF_INIT;
    buf_append_format(&message, "{\"id\":1,\"method\":\"%s\",\"params\":%s}", method, params);
    json_t *answer = world_ask(&w, rpc_access_all(), buf_text(&message));
    buf_release(&message);
    assert_non_null(answer);
    return answer;
}

/* Whether the recorded exchange can be compared: those that look at folders, the chain or the pool cannot. */
static bool compares(const char *method, const char *tag)
{
    static const char *const methods[] = {
        "personal_listAccounts",
        "eth_accounts",
        "personal_importRawKey",
        "eth_sign",
        "personal_sign",
        "personal_unlockAccount",
        "personal_ecRecover",
        "eth_signTransaction",
        "personal_signTransaction",
        "personal_sendTransaction",
        "personal_lockAccount",
    };
    static const char *const tags[] = {"data and input differ", "empty", "locked again"};
    if (strcmp(method, "personal_sendTransaction") == 0 && !*tag)
        return false;
    for (size_t i = 0; i < BASE_COUNT(methods); i++)
        if (strcmp(method, methods[i]) == 0)
            return true;
    for (size_t i = 0; i < BASE_COUNT(tags); i++)
        if (strcmp(tag, tags[i]) == 0)
            return true;
    return false;
}

static void compare(const json_t *exchange, const char *method)
{
    const json_t *wanted = json_object_get(exchange, "result");
    const char *key = wanted ? "result" : "error";
    char *params = json_dumps(json_object_get(exchange, "params"), JSON_COMPACT);
    char *want = json_dumps(json_object_get(exchange, key), JSON_COMPACT | JSON_ENCODE_ANY);
    map(params);
    map(want);
    json_t *answer = ask(method, params);
    char *have = json_dumps(json_object_get(answer, key), JSON_COMPACT | JSON_ENCODE_ANY);
    if (!have || strcmp(have, want) != 0)
        fail_msg("%s %s:\nwanted %s\nhave   %s", method, params, want,
                 json_dumps(answer, JSON_COMPACT));
    free(params);
    free(want);
    free(have);
    json_decref(answer);
}

/* personal_newAccount: the key is random, so only its form is compared, and the address kept. */
static void create(const json_t *exchange, size_t index)
{
    char *params = json_dumps(json_object_get(exchange, "params"), JSON_COMPACT);
    json_t *answer = ask("personal_newAccount", params);
    const char *address = json_string_value(json_object_get(answer, "result"));
    assert_non_null(address);
    assert_int_equal(strlen(address), 42);
    assert_true(index < 2);
    memcpy(created[index], address, 43);
    free(params);
    json_decref(answer);
    usleep(1000); /* the order of accounts is that of the times in their files' names */
}

static int begin(void **state)
{
    (void)state;
    if (!fixtures_folder())
        return 0;
    world_begin(&w, "qbft");
    world_add_accounts(&w);
    return 0;
}

static int end(void **state)
{
    (void)state;
    if (!fixtures_folder())
        return 0;
    world_end(&w);
    return 0;
}

static void test_recorded(void **state)
{
    struct buf text = BUF_INIT;
    size_t compared = 0, made = 0;
    (void)state;
    fixtures_require("recordings/live/live.jsonl", "recordings of GoQuorum");
    recordings_read("live", "live.jsonl", &text);
    char *rest = NULL, *all = strdup(buf_text(&text));
    for (char *line = strtok_r(all, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
        json_t *exchange = json_loads(line, 0, NULL);
        const char *method = json_string_value(json_object_get(exchange, "method"));
        const char *tag = json_string_value(json_object_get(exchange, "tag"));
        if (method && strcmp(method, "personal_newAccount") == 0)
            create(exchange, made++);
        else if (method && compares(method, tag ? tag : "")) {
            compare(exchange, method);
            compared++;
        }
        json_decref(exchange);
    }
    free(all);
    buf_release(&text);
    assert_int_equal(made, 2);
    print_message("%zu exchanges about accounts compared\n", compared);
    assert_int_equal(compared, 24);
}

static void check_error(const char *method, const char *params, const char *wanted)
{
    json_t *answer = ask(method, params);
    const char *text =
        json_string_value(json_object_get(json_object_get(answer, "error"), "message"));
    if (!text || strcmp(text, wanted) != 0)
        fail_msg("%s %s: not \"%s\": %s", method, params, wanted, json_dumps(answer, 0));
    json_decref(answer);
}

/* What was not recorded, by the reference's source. */
static void test_refusals(void **state)
{
    (void)state;
    fixtures_require("recordings/live", "recordings of GoQuorum");
    static const char one[] = "0x7777777777777777777777777777777777777777";
    char params[256];
    check_error("personal_importRawKey", "[\"123\",\"\"]", "invalid hex data for private key");
    check_error("personal_importRawKey", "[\"12\",\"\"]", "invalid length, need 256 bits");
    snprintf(params, sizeof(params), "[\"%064d\",\"\"]", 0);
    check_error("personal_importRawKey", params, "invalid private key, zero or negative");
    snprintf(params, sizeof(params), "[\"%s\",\"\"]",
             "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff");
    check_error("personal_importRawKey", params, "invalid private key, >=N");
    snprintf(params, sizeof(params), "[\"%s\",\"\"]", one);
    check_error("personal_unlockAccount", params, "unknown wallet");
    w.backend.unlock_forbidden = true;
    check_error("personal_unlockAccount", params, "account unlock with HTTP access is forbidden");
    w.backend.unlock_forbidden = false;
    snprintf(params, sizeof(params), "[{\"from\":\"%s\"}]", one);
    check_error("eth_sendTransaction", params, "unknown account");
    check_error("eth_resend", params, "missing transaction nonce in transaction spec");
    snprintf(params, sizeof(params), "[\"0x00\",\"%s\",\"\"]", one);
    check_error("personal_sign", params, "unknown account");
    check_error("personal_openWallet", "[\"keystore://nowhere\"]", "unknown wallet");
    w.backend.tx_fee_cap = 1;
    snprintf(params, sizeof(params),
             "[{\"from\":\"%s\",\"to\":\"%s\",\"gas\":\"0x5208\",\"nonce\":\"0x0\",\"gasPrice\":"
             "\"0x10000000000000\"}]",
             one, one);
    check_error("eth_signTransaction", params,
                "tx fee (94.58 ether) exceeds the configured cap (1.00 ether)");
    w.backend.tx_fee_cap = 0;
}

/* In the order in which the reference looks at a transaction; seen at a GoQuorum without a transaction manager. */
static void test_order(void **state)
{
    (void)state;
    fixtures_require("recordings/live", "recordings of GoQuorum");
    static const char nobody[] = "0x7777777777777777777777777777777777777777",
                      locked[] = "authentication needed: password or unlock",
                      no_manager[] = "private transaction manager is not in use";
    const struct {
        const char *method, *from, *fields, *password, *wanted;
    } rows[] = {
        {"personal_signTransaction", nobody, "", ",\"x\"", "gas not specified"},
        {"personal_signTransaction", nobody, ",\"gas\":\"0x1\"", ",\"x\"",
         "gasPrice not specified"},
        {"personal_signTransaction", nobody, ",\"gas\":\"0x1\",\"gasPrice\":\"0x0\"", ",\"x\"",
         "nonce not specified"},
        {"personal_signTransaction", nobody,
         ",\"gas\":\"0x1\",\"gasPrice\":\"0x0\",\"nonce\":\"0x1\"", ",\"x\"", "unknown account"},
        {"eth_sendTransaction", created[0],
         ",\"privateFor\":[],\"privacyFlag\":5,\"data\":\"0x00\"", "", "invalid privacy flag"},
        {"eth_sendTransaction", created[0], ",\"privateFor\":[],\"data\":\"0x00\"", "", no_manager},
        {"eth_sendTransaction", created[0],
         ",\"privateFor\":[],\"to\":\"0x"
         "7777777777777777777777777777777777777777\"",
         "", locked},
        {"eth_sendTransaction", created[0],
         ",\"privateFor\":[],\"accessList\":[],\"to\":\"0x"
         "7777777777777777777777777777777777777777\"",
         "", locked},
        {"personal_sendTransaction", created[0], ",\"privateFor\":[],\"data\":\"0x00\"", ",\"x\"",
         no_manager},
        {"personal_sendTransaction", created[0],
         ",\"privateFor\":[],\"to\":\"0x"
         "7777777777777777777777777777777777777777\"",
         ",\"x\"", "could not decrypt key with given password"},
        {"eth_signTransaction", created[0],
         ",\"privateFor\":[],\"accessList\":[],\"data\":\"0x00\",\"gas\":\"0xffff\",\"gasPrice\":"
         "\"0x0\",\"nonce\":\"0x1\"",
         "", locked},
    };
    char params[512];
    snprintf(params, sizeof(params), "[\"%s\"]", created[0]);
    json_decref(ask("personal_lockAccount", params));
    for (size_t i = 0; i < BASE_COUNT(rows); i++) {
        snprintf(params, sizeof(params), "[{\"from\":\"%s\"%s}%s]", rows[i].from, rows[i].fields,
                 rows[i].password);
        check_error(rows[i].method, params, rows[i].wanted);
    }
    /* What goes to no party is filled in like any other. */
    snprintf(params, sizeof(params), "[{\"from\":\"%s\",\"to\":\"%s\",\"privateFor\":[]}]", nobody,
             nobody);
    json_t *answer = ask("eth_fillTransaction", params);
    const json_t *tx = json_object_get(json_object_get(answer, "result"), "tx");
    assert_string_equal(json_string_value(json_object_get(tx, "v")), "0x25");
    json_decref(answer);
}

/* Filled, sent, sent again at another price: through the pool. */
static void test_resend(void **state)
{
    (void)state;
    fixtures_require("recordings/live", "recordings of GoQuorum");
    char params[512];
    const char *from = created[0];
    snprintf(params, sizeof(params), "[\"%s\",\"secret one\",0]", from);
    json_decref(ask("personal_unlockAccount", params));
    snprintf(params, sizeof(params), "[{\"from\":\"%s\",\"to\":\"%s\",\"gas\":\"0x5208\"}]", from,
             from);
    json_t *answer = ask("eth_sendTransaction", params);
    const char *hash = json_string_value(json_object_get(answer, "result"));
    if (!hash)
        fail_msg("%s", json_dumps(answer, 0));
    json_t *pending_answer = ask("eth_pendingTransactions", "[]");
    json_t *pending = json_object_get(pending_answer, "result");
    assert_int_equal(json_array_size(pending), 1);
    assert_string_equal(json_string_value(json_object_get(json_array_get(pending, 0), "hash")),
                        hash);
    json_decref(pending_answer);
    json_decref(answer);
    /* the next one takes the next nonce */
    answer = ask("eth_fillTransaction", params);
    const json_t *tx = json_object_get(json_object_get(answer, "result"), "tx");
    assert_string_equal(json_string_value(json_object_get(tx, "nonce")), "0x1");
    json_decref(answer);
    snprintf(
        params, sizeof(params),
        "[{\"from\":\"%s\",\"to\":\"%s\",\"nonce\":\"0x0\",\"gas\":\"0x5208\"},null,\"0x6000\"]",
        from, from);
    /* gas prices are off, so a replacement cannot pay more */
    check_error("eth_resend", params, "replacement transaction underpriced");
    snprintf(params, sizeof(params),
             "[{\"from\":\"%s\",\"to\":\"%s\",\"nonce\":\"0x5\",\"gas\":\"0x5208\"}]", from, from);
    answer = ask("eth_resend", params);
    const char *message =
        json_string_value(json_object_get(json_object_get(answer, "error"), "message"));
    assert_non_null(message);
    assert_non_null(strstr(message, "transaction 0x"));
    assert_non_null(strstr(message, " not found"));
    json_decref(answer);
}

/* debug_testSignCliqueBlock: who signs is who is found in the signature. */
static void test_clique_block(void **state)
{
    (void)state;
    fixtures_require("recordings/live", "recordings of GoQuorum");
    char params[128];
    snprintf(params, sizeof(params), "[\"%s\",3]", created[1]);
    check_error("debug_testSignCliqueBlock", params, "authentication needed: password or unlock");
    snprintf(params, sizeof(params), "[\"%s\",3]", created[0]); /* unlocked */
    json_t *answer = ask("debug_testSignCliqueBlock", params);
    const char *signer = json_string_value(json_object_get(answer, "result"));
    assert_non_null(signer);
    assert_string_equal(signer, created[0]);
    json_decref(answer);
    snprintf(params, sizeof(params), "[\"%s\",99999]", created[0]);
    check_error("debug_testSignCliqueBlock", params, "block #99999 not found");
    check_error("debug_testSignCliqueBlock", "[\"0x7777777777777777777777777777777777777777\",3]",
                "unknown account");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_recorded),     cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_order),        cmocka_unit_test(test_resend),
        cmocka_unit_test(test_clique_block),
    };
    return cmocka_run_group_tests_name("accounts", tests, begin, end);
}
