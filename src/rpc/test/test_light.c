/* A QLight client's JSON-RPC: what its server is asked in its place, what comes back; the token that is set from outside. */
#include "rpc/backend/proxy.h"
#include "rpc/backend/token.h"
#include "rpc/dispatch/desk.h"
#include "rpc/method.h"
#include "rpc/test/world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

/* GoQuorum's list (internal/ethapi/proxy_api.go, extension/proxy_api.go), and shareState, which is our own. */
static const char *const sent_on[] = {
    "eth_sendTransaction",
    "eth_sendRawTransaction",
    "eth_sendRawPrivateTransaction",
    "eth_fillTransaction",
    "eth_distributePrivateTransaction",
    "eth_resend",
    "eth_sendTransactionAsync",
    "eth_sign",
    "eth_signTransaction",
    "personal_sendTransaction",
    "personal_signTransaction",
    "personal_sign",
    "personal_signAndSendTransaction",
    "quorumExtension_generateExtensionApprovalUuid",
    "quorumExtension_approveExtension",
    "quorumExtension_extendContract",
    "quorumExtension_cancelExtension",
    "quorumExtension_shareState",
};

struct server {
    struct rpc_proxied answer;
    int status;
    unsigned asked;
    char method[64], params[512];
};

static int call(void *context, struct rpc_proxied *ret_answer, const char *method,
                struct bytes params, struct arena *arena, struct err_detail *detail)
{
    struct server *s = context;
    (void)arena;
    s->asked++;
    snprintf(s->method, sizeof(s->method), "%s", method);
    snprintf(s->params, sizeof(s->params), "%.*s", (int)params.len, (const char *)params.data);
    *ret_answer = s->answer;
    return s->status ? err_set(detail, s->status, "the server at x gives no answer") : 0;
}

struct token {
    char value[64];
};

static int set_token(void *context, struct bytes value, struct err_detail *detail)
{
    struct token *t = context;
    if (value.len >= sizeof(t->value))
        return err_set(detail, ERR_INPUT, "the token is too long");
    snprintf(t->value, sizeof(t->value), "%.*s", (int)value.len, (const char *)value.data);
    return 0;
}

static void get_token(void *context, struct buf *ret_value)
{
    const struct token *t = context;
    buf_append_text(ret_value, t->value);
}

/* An empty world with these. */
static void begin(struct world *w, const struct rpc_proxy *proxy,
                  const struct rpc_light_token *token)
{
    world_begin_empty(w);
    rpc_free(w->rpc);
    w->backend.proxy = proxy;
    w->backend.light_token = token;
    assert_int_equal(rpc_new(&w->rpc, &w->backend), 0);
}

static void check(struct world *w, const char *method, const char *params, const char *wanted)
{
    char message[1024];
    snprintf(message, sizeof(message), "{\"id\":1,\"method\":\"%s\",\"params\":%s}", method,
             params);
    json_t *answer = world_ask(w, rpc_access_all(), message);
    json_object_del(answer, "id");
    json_object_del(answer, "jsonrpc");
    char *text = json_dumps(answer, JSON_COMPACT);
    if (strcmp(text, wanted) != 0)
        fail_msg("%s: %s", message, text);
    free(text);
    json_decref(answer);
}

#define ADDRESS "\"0x1111111111111111111111111111111111111111\""

static void test_sent_on(void **state)
{
    (void)state;
    struct server s = {.answer = {.result = bytes_str("{\"raw\":\"0x\", \"n\":[1]}")}};
    const struct rpc_proxy proxy = {&s, call};
    struct world w;
    begin(&w, &proxy, NULL);
    check(&w, "eth_sign", "[" ADDRESS ", \"0x12\"]", "{\"result\":{\"raw\":\"0x\",\"n\":[1]}}");
    assert_string_equal(s.method, "eth_sign");
    assert_string_equal(s.params, "[" ADDRESS ",\"0x12\"]");

    /* What is left out at the end stays so, and what a client writes is not written anew. */
    check(&w, "eth_resend", "[{\"from\":" ADDRESS ", \"nonce\":\"0x1\",\"other\":{}}]",
          "{\"result\":{\"raw\":\"0x\",\"n\":[1]}}");
    assert_string_equal(s.params, "[{\"from\":" ADDRESS ", \"nonce\":\"0x1\",\"other\":{}}]");
    check(&w, "eth_resend", "[{\"from\":" ADDRESS "},null,\"0x5\"]",
          "{\"result\":{\"raw\":\"0x\",\"n\":[1]}}");
    assert_string_equal(s.params, "[{\"from\":" ADDRESS "},null,\"0x5\"]");
    check(&w, "personal_sign", "[\"0x12\"," ADDRESS ",\"pass\\u0077ord\"]",
          "{\"result\":{\"raw\":\"0x\",\"n\":[1]}}");
    assert_string_equal(s.params, "[\"0x12\"," ADDRESS ",\"pass\\u0077ord\"]");
    assert_int_equal(s.asked, 4);

    check(&w, "eth_sign", "[\"0x11\",\"0x12\"]",
          "{\"error\":{\"code\":-32602,\"message\":\"invalid argument 0: hex string has length 2, "
          "want 40 for common.Address\"}}");
    check(&w, "net_version", "[]", "{\"result\":\"1337\"}");
    assert_int_equal(s.asked, 4);
    world_end(&w);
}

static void test_errors(void **state)
{
    (void)state;
    struct server s = {.answer = {.is_error = true,
                                  .code = 3,
                                  .message = bytes_str("reverted: \"<\""),
                                  .data = bytes_str("{\"a\":[1, 2]}")}};
    const struct rpc_proxy proxy = {&s, call};
    struct world w;
    begin(&w, &proxy, NULL);
    check(&w, "eth_sendRawTransaction", "[\"0x12\"]",
          "{\"error\":{\"code\":3,\"message\":\"reverted: \\\"<\\\"\",\"data\":{\"a\":[1,2]}}}");
    s.answer.data = bytes_none();
    check(&w, "eth_sendRawTransaction", "[\"0x12\"]",
          "{\"error\":{\"code\":3,\"message\":\"reverted: \\\"<\\\"\"}}");
    s.status = ERR_IO;
    check(&w, "eth_sendRawTransaction", "[\"0x12\"]",
          "{\"error\":{\"code\":-32000,\"message\":\"the server at x gives no answer\"}}");
    s.status = ERR_NOMEM;
    check(&w, "eth_sendRawTransaction", "[\"0x12\"]",
          "{\"error\":{\"code\":-32000,\"message\":\"out of memory\"}}");
    world_end(&w);
}

/* The table marks these and no others; a usual node does all of them itself. */
static void test_list(void **state)
{
    (void)state;
    size_t marked = 0;
    for (size_t i = 0; i < rpc_method_list_count; i++) {
        for (size_t k = 0; k < rpc_method_lists[i]->count; k++) {
            const struct rpc_method *method = &rpc_method_lists[i]->methods[k];
            size_t at = 0;
            while (at < BASE_COUNT(sent_on) && strcmp(sent_on[at], method->name) != 0)
                at++;
            if (method->proxied != (at < BASE_COUNT(sent_on)))
                fail_msg("%s", method->name);
            marked += method->proxied;
        }
    }
    assert_int_equal(marked, BASE_COUNT(sent_on));
    struct world w;
    begin(&w, NULL, NULL);
    check(&w, "eth_sendTransaction", "[{\"from\":" ADDRESS "}]",
          "{\"error\":{\"code\":-32000,\"message\":\"unknown account\"}}");
    world_end(&w);
}

static void keep(void *context, struct buf *answer)
{
    buf_append_bytes(context, buf_bytes(answer));
}

static void test_graphql(void **state)
{
    (void)state;
    struct server s = {.answer = {.result = bytes_str("\"0x7b\"")}};
    const struct rpc_proxy proxy = {&s, call};
    struct world w;
    struct buf message = BUF_INIT, answer = BUF_INIT;
    begin(&w, &proxy, NULL);
    buf_append_text(&message,
                    "{\"query\":\"mutation { sendRawTransaction(data: \\\"0x12\\\") }\"}");
    assert_null(rpc_ask_graphql(rpc_main_desk(w.rpc), rpc_access_all(), &message, keep, &answer));
    assert_non_null(strstr(buf_text(&answer), "{\"sendRawTransaction\":\"0x7b\"}"));
    assert_string_equal(s.params, "[\"0x12\"]");
    assert_int_equal(s.asked, 1);
    buf_release(&answer);
    world_end(&w);
}

static void test_token(void **state)
{
    (void)state;
    struct token t = {"first"};
    const struct rpc_light_token token = {&t, set_token, get_token};
    struct world w;
    begin(&w, NULL, &token);
    check(&w, "qlight_getCurrentToken", "[]", "{\"result\":\"first\"}");
    check(&w, "qlight_setCurrentToken", "[\"bearer second\"]", "{\"result\":null}");
    assert_string_equal(t.value, "bearer second");
    check(&w, "qlight_getCurrentToken", "[]", "{\"result\":\"bearer second\"}");
    check(&w, "qlight_setCurrentToken",
          "[\"1234567890123456789012345678901234567890123456789012345678901234\"]",
          "{\"error\":{\"code\":-32000,\"message\":\"the token is too long\"}}");
    check(&w, "qlight_setCurrentToken", "[]",
          "{\"error\":{\"code\":-32602,\"message\":\"missing value for required argument 0\"}}");
    check(&w, "qlight_reloadPlugin", "[]",
          "{\"error\":{\"code\":-32000,\"message\":\"there is no token manager plugin: the token "
          "comes by qlight_setCurrentToken\"}}");
    json_t *answer =
        world_ask(&w, rpc_access_all(), "{\"id\":1,\"method\":\"rpc_modules\",\"params\":[]}");
    assert_non_null(json_object_get(json_object_get(answer, "result"), "qlight"));
    json_decref(answer);
    world_end(&w);

    begin(&w, NULL, NULL);
    check(&w, "qlight_getCurrentToken", "[]",
          "{\"error\":{\"code\":-32601,\"message\":\"the method qlight_getCurrentToken does not "
          "exist/is not available\"}}");
    world_end(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sent_on), cmocka_unit_test(test_errors), cmocka_unit_test(test_list),
        cmocka_unit_test(test_graphql), cmocka_unit_test(test_token),
    };
    return cmocka_run_group_tests_name("light", tests, NULL, NULL);
}
