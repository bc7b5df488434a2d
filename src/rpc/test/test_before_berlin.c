/* Access lists on a chain that Berlin has not reached: GoQuorum's calls count their gas and warm nothing, it signs them and refuses to send them. */
#include "rpc/test/world.h"
#include "tests/support/fixtures.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define FROM  "0xd41c057fd1c78805aac12b0a94a405c0461a6fbb" /* of the key ..07 */
#define OTHER "0x1111111111111111111111111111111111111111"
#define LIST                                                                                       \
    "\"accessList\":[{\"address\":\"" OTHER "\",\"storageKeys\":["                                 \
    "\"0x0000000000000000000000000000000000000000000000000000000000000005\"]}]"
#define FILLED                                                                                     \
    "\"from\":\"" FROM "\",\"to\":\"" OTHER                                                        \
    "\",\"gas\":\"0xffff\",\"gasPrice\":\"0x0\",\"nonce\":\"0x0\"," LIST

static struct world w;

static json_t *ask(const char *method, const char *params)
{
    char message[1400];
    snprintf(message, sizeof(message), "{\"id\":1,\"method\":\"%s\",\"params\":%s}", method,
             params);
    json_t *answer = world_ask(&w, rpc_access_all(), message);
    assert_non_null(answer);
    return answer;
}

/* The result, or the error's message, has this in it. */
static void expect(const char *method, const char *params, const char *wanted)
{
    json_t *answer = ask(method, params);
    char *text = json_dumps(answer, JSON_COMPACT);
    if (!strstr(text, wanted))
        fail_msg("%s %s: not %s: %s", method, params, wanted, text);
    free(text);
    json_decref(answer);
}

static void test_calls(void **state)
{
    (void)state;
    /* SLOAD of a slot that the list has: 200 before Berlin, 2,100 or 100 after it. */
    static const char code[] = "\"data\":\"0x6005545000\"," LIST;
    char params[600];
    snprintf(params, sizeof(params), "[{\"to\":\"" OTHER "\",%s}]", LIST);
    expect("eth_estimateGas", params, "\"0x62d4\""); /* 21,000 + 2,400 + 1,900 */
    snprintf(params, sizeof(params), "[{\"to\":\"" OTHER "\",\"gas\":\"0x62d3\",%s},\"latest\"]",
             LIST);
    expect("eth_call", params, "intrinsic gas too low: have 25299, want 25300");
    snprintf(params, sizeof(params), "[{%s},\"latest\"]", code);
    expect("eth_call", params, "\"result\":\"0x\"");
    expect("debug_traceCall", params, "\"op\":\"SLOAD\",\"gas\":699942629,\"gasCost\":800");
}

static void test_transactions(void **state)
{
    (void)state;
    expect("eth_fillTransaction", "[{" FILLED "}]", "\"type\":\"0x1\"");
    expect("eth_signTransaction", "[{" FILLED "}]", "\"type\":\"0x1\"");
    expect("personal_signTransaction", "[{" FILLED "},\"pw\"]", "\"type\":\"0x1\"");
    /* No chain id is the chain's. */
    expect("eth_signTransaction", "[{" FILLED ",\"chainId\":\"0x0\"}]", "\"chainId\":\"0x539\"");
    expect("eth_signTransaction", "[{" FILLED ",\"chainId\":\"0x2\"}]",
           "invalid chain id for signer");
    expect("eth_sendTransaction", "[{" FILLED "}]", "transaction type not supported");
    expect("personal_sendTransaction", "[{" FILLED "},\"pw\"]", "transaction type not supported");
}

static int begin(void **state)
{
    (void)state;
    if (!fixtures_folder())
        return 0;
    world_begin_private(&w, "private", 0);
    world_add_accounts(&w);
    expect("personal_importRawKey",
           "[\"0000000000000000000000000000000000000000000000000000000000000007\",\"pw\"]", FROM);
    expect("personal_unlockAccount", "[\"" FROM "\",\"pw\",0]", "true");
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_calls),
        cmocka_unit_test(test_transactions),
    };
    return cmocka_run_group_tests_name("before_berlin", tests, begin, end);
}
