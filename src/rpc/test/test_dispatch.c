/* Messages and batches, and HTTP and IPC as such: what was recorded of GoQuorum (http.json), and what a hostile client does. */
#include "rpc/method.h"
#include "rpc/test/world.h"
#include "rpc/transport/http.h"
#include "rpc/transport/ipc.h"
#include "tests/support/recordings.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

/* --- Messages --- */

static void check(struct world *w, const char *message, const char *wanted)
{
    json_t *answer = world_ask(w, rpc_access_parse("net,web3,eth", NULL), message);
    json_t *theirs = wanted ? json_loads(wanted, JSON_DECODE_ANY, NULL) : NULL;
    if (wanted ? !json_equal(answer, theirs) : answer != NULL)
        fail_msg("%s: %s", message, json_dumps(answer, JSON_ENCODE_ANY));
    json_decref(answer);
    json_decref(theirs);
}

#define ERROR(id, code, text)                                                                      \
    "{\"jsonrpc\":\"2.0\",\"id\":" id ",\"error\":{\"code\":" code ",\"message\":\"" text "\"}}"
#define VERSION(id) "{\"jsonrpc\":\"2.0\",\"id\":" id ",\"result\":\"1337\"}"

static void test_messages(void **state)
{
    (void)state;
    struct world w;
    world_begin_empty(&w);
    check(&w, "  ", NULL);
    check(&w, "[]", ERROR("null", "-32600", "empty batch"));
    check(&w, "{\"id\":1,\"method\":\"net_version\"} trailing", VERSION("1"));
    check(&w, "{\"ID\":\"x\",\"Method\":\"net_version\",\"PARAMS\":null}", VERSION("\"x\""));
    check(&w, "{\"id\":1.50,\"method\":\"net_version\"}", VERSION("1.50"));
    check(&w, "{\"id\":1,\"id\":2,\"method\":\"net_version\"}", VERSION("2"));
    check(&w, "{\"id\":1,\"method\":5}", ERROR("1", "-32600", "invalid request"));
    check(&w, "{\"id\":1,\"result\":5}", NULL);
    check(&w, "{\"method\":\"eth_subscription\",\"params\":{}}", NULL);
    check(&w, "{\"id\":[1],\"method\":\"net_version\"}",
          ERROR("null", "-32600", "invalid request"));
    check(&w, "{\"id\":1,\"method\":\"admin_peers\"}",
          ERROR("1", "-32601", "the method admin_peers does not exist/is not available"));
    check(&w, "{\"id\":1,\"method\":\"net_\\u0076ersion\"}", VERSION("1"));
    check(&w, "{\"id\":1,\"method\":\"a<b_\\\"\"}",
          ERROR("1", "-32601", "the method a<b_\\\" does not exist/is not available"));
    check(&w, "{\"id\":1,\"method\":\"net_version\",\"params\":[1]}",
          ERROR("1", "-32602", "too many arguments, want at most 0"));
    check(&w, "{\"id\":1,\"method\":\"web3_sha3\",\"params\":[\"0x\"]}",
          "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":"
          "\"0xc5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470\"}");
    check(&w, "[{\"method\":\"net_version\"},{\"id\":1,\"method\":\"net_version\"},17]",
          "[" VERSION("1") "," ERROR("null", "-32600", "invalid request") "]");
    world_end(&w);
}

static void test_parameters(void **state)
{
    (void)state;
    static const struct {
        const char *method, *params, *text;
    } cases[] = {
        {"eth_getBalance", "[]", "missing value for required argument 0"},
        {"eth_getBalance", "[\"0x1111111111111111111111111111111111111111\"]",
         "missing value for required argument 1"},
        {"eth_getBalance", "{}", "non-array args"},
        {"eth_getBalance", "[17]",
         "invalid argument 0: json: cannot unmarshal non-string into Go value of type "
         "common.Address"},
        {"eth_getBalance", "[\"0x1\"]",
         "invalid argument 0: json: cannot unmarshal hex string of odd length into Go value of "
         "type "
         "common.Address"},
        {"eth_getBalance", "[\"0xzz11111111111111111111111111111111111111\"]",
         "invalid argument 0: json: cannot unmarshal invalid hex string into Go value of type "
         "common.Address"},
        {"eth_getBalance", "[\"0x1111111111111111111111111111111111111111\",17]",
         "invalid argument 1: json: cannot unmarshal number into Go value of type string"},
        {"eth_getBalance", "[\"0x1111111111111111111111111111111111111111\",\"0x\"]",
         "invalid argument 1: hex string \\\"0x\\\""},
        {"eth_getBalance", "[\"0x1111111111111111111111111111111111111111\",\"\"]",
         "invalid argument 1: empty hex string"},
        {"eth_getBalance",
         "[\"0x1111111111111111111111111111111111111111\",\"0x8000000000000000\"]",
         "invalid argument 1: blocknumber too high"},
        {"eth_getBalance",
         "[\"0x1111111111111111111111111111111111111111\",{\"blockNumber\":\"0x1\",\"blockHash\":"
         "\"0x2222222222222222222222222222222222222222222222222222222222222222\"}]",
         "invalid argument 1: cannot specify both BlockHash and BlockNumber, choose one or the "
         "other"},
        {"eth_getBlockByNumber", "[1,false]", "invalid argument 0: hex string without 0x prefix"},
        {"eth_getBlockByNumber", "[\"0x10000000000000000\",false]",
         "invalid argument 0: hex number > 64 bits"},
        {"eth_getBlockByNumber", "[\"0x10000000000000000 \",false]",
         "invalid argument 0: hex number > 64 bits"},
        {"eth_getBlockByNumber", "[\"0x1000000000000000 0\",false]",
         "invalid argument 0: invalid hex string"},
        {"eth_getBlockByNumber", "[\"0x8000000000000000\",false]",
         "invalid argument 0: block number larger than int64"},
        {"eth_getBlockByNumber", "[\"0xg\",false]", "invalid argument 0: invalid hex string"},
        {"eth_getBlockByNumber", "[\"0x1\",\"yes\"]",
         "invalid argument 1: json: cannot unmarshal string into Go value of type bool"},
        {"eth_call", "[{\"gas\":\"0x01\"},\"latest\"]",
         "invalid argument 0: json: cannot unmarshal hex number with leading zero digits into Go "
         "struct "
         "field CallArgs.gas of type hexutil.Uint64"},
        {"eth_call", "[{\"to\":\"0x12\"},\"latest\"]",
         "invalid argument 0: hex string has length 2, want 40 for common.Address"},
        {"eth_call",
         "[{\"accessList\":[{\"address\":\"0x1111111111111111111111111111111111111111\"}]}]",
         "invalid argument 0: missing required field 'storageKeys' for AccessTuple"},
        {"eth_getLogs", "[{\"address\":[\"0x1\"]}]",
         "invalid argument 0: invalid address at index 0: hex string of odd length"},
        {"eth_getLogs", "[{\"address\":[5]}]", "invalid argument 0: non-string address at index 0"},
        {"eth_getLogs", "[{\"address\":5}]", "invalid argument 0: invalid addresses in query"},
        {"eth_getLogs", "[{\"topics\":[\"0x12\"]}]",
         "invalid argument 0: hex has invalid length 1 after decoding; expected 32 for topic"},
        {"eth_getLogs", "[{\"topics\":[5]}]", "invalid argument 0: invalid topic(s)"},
        {"eth_getLogs",
         "[{\"fromBlock\":\"0x1\",\"blockHash\":"
         "\"0x2222222222222222222222222222222222222222222222222222222222222222\"}]",
         "invalid argument 0: cannot specify both BlockHash and FromBlock/ToBlock, choose one or "
         "the other"},
        {"web3_sha3", "[\"0xabc\"]",
         "invalid argument 0: json: cannot unmarshal hex string of odd length into Go value of "
         "type "
         "hexutil.Bytes"},
    };
    struct world w;
    world_begin_empty(&w);
    for (size_t i = 0; i < BASE_COUNT(cases); i++) {
        struct buf message = BUF_INIT, wanted = BUF_INIT;
        buf_append_format(&message, "{\"id\":1,\"method\":\"%s\",\"params\":%s}", cases[i].method,
                          cases[i].params);
        buf_append_format(&wanted, ERROR("1", "-32602", "%s"), cases[i].text);
        check(&w, buf_text(&message), buf_text(&wanted));
        buf_release(&message);
        buf_release(&wanted);
    }
    world_end(&w);
}

static void test_batch_limit(void **state)
{
    (void)state;
    struct world w;
    struct buf b = BUF_INIT;
    world_begin_empty(&w);
    for (int i = 0; i < RPC_BATCH_MAX; i++)
        buf_append_format(&b, "%c{\"id\":%d,\"method\":\"net_version\"}", i ? ',' : '[', i);
    buf_append_text(&b, "]");
    json_t *answer = world_ask(&w, rpc_access_all(), buf_text(&b));
    assert_int_equal(json_array_size(answer), RPC_BATCH_MAX);
    assert_int_equal(json_integer_value(json_object_get(json_array_get(answer, 999), "id")), 999);
    json_decref(answer);
    b.len--;
    buf_append_text(&b, ",1]");
    check(&w, buf_text(&b), ERROR("null", "-32600", "batch too large"));
    buf_release(&b);
    world_end(&w);
}

/* The table itself: names in known namespaces, once each; something to run; optional parameters last. */
static void test_table(void **state)
{
    (void)state;
    size_t count;
    const char *const *namespaces = rpc_namespaces(&count);
    for (size_t i = 0; i < rpc_method_list_count; i++)
        for (size_t k = 0; k < rpc_method_lists[i]->count; k++) {
            const struct rpc_method *method = &rpc_method_lists[i]->methods[k];
            bool known = false, optional = false;
            for (size_t n = 0; n < count; n++)
                known |= strncmp(method->name, namespaces[n], strlen(namespaces[n])) == 0 &&
                         method->name[strlen(namespaces[n])] == '_';
            assert_true(known && method->result && (method->quick || method->run || method->work));
            for (size_t p = 0; p < RPC_PARAMS_MAX && method->params[p].type != RPC_NONE; p++) {
                assert_true(method->params[p].name && (!optional || method->params[p].optional));
                optional |= method->params[p].optional;
            }
            for (size_t j = 0; j <= i; j++)
                for (size_t l = 0; l < (j == i ? k : rpc_method_lists[j]->count); l++)
                    assert_string_not_equal(method->name, rpc_method_lists[j]->methods[l].name);
        }
}

static void test_access(void **state)
{
    (void)state;
    struct buf unknown = BUF_INIT;
    struct rpc_access access = rpc_access_parse("eth, net,shh,web3 ,db,", &unknown);
    assert_string_equal(buf_text(&unknown), "shh,db");
    struct world w;
    world_begin_empty(&w);
    json_t *answer = world_ask(&w, access, "{\"id\":1,\"method\":\"rpc_modules\"}");
    json_t *wanted =
        json_pack("{s:s,s:s,s:s,s:s}", "eth", "1.0", "net", "1.0", "rpc", "1.0", "web3", "1.0");
    assert_true(json_equal(json_object_get(answer, "result"), wanted));
    json_decref(answer);
    json_decref(wanted);
    buf_release(&unknown);
    world_end(&w);
}

/* --- Transports --- */

struct client {
    struct io_stream *stream;
    struct buf got;
    bool closed;
};

static void client_read(void *context, struct io_stream *stream, struct bytes data)
{
    (void)stream;
    struct client *c = context;
    buf_append_bytes(&c->got, data);
}

static void client_closed(void *context, struct io_stream *stream, int status, const char *message)
{
    (void)stream;
    (void)status;
    (void)message;
    struct client *c = context;
    c->closed = true;
    c->stream = NULL;
}

static const struct io_stream_ops client_ops = {.read = client_read, .closed = client_closed};

static void start_http(struct world *w, struct rpc_http **ret_http, const char *vhosts,
                       const char *cors)
{
    struct err_detail detail = {{0}};
    struct rpc_http_options options = {.host = "127.0.0.1",
                                       .prefix = "",
                                       .vhosts = vhosts,
                                       .cors = cors,
                                       .access = rpc_access_parse("net,web3,eth", NULL)};
    if (rpc_http_start(ret_http, w->rpc, &options, &detail))
        fail_msg("%s", detail.text);
}

/* Sends a request on a connection of its own and waits for all of the answer. */
static void exchange(struct world *w, const struct rpc_http *http, struct client *c,
                     const char *text)
{
    *c = (struct client){0};
    assert_int_equal(io_connect_tcp(&c->stream, w->backend.loop, "127.0.0.1",
                                    rpc_http_address(http)->port, 0, &client_ops, c),
                     0);
    assert_int_equal(io_stream_write(c->stream, bytes_str(text)), 0);
    while (!c->closed)
        io_loop_turn(w->backend.loop, true);
}

/* The value of a field of an answer; "" when there is none. */
static void answer_field(const char *answer, const char *name, char ret_value[128])
{
    struct buf line = BUF_INIT;
    buf_append_format(&line, "\r\n%s: ", name);
    const char *at = strcasestr(answer, buf_text(&line));
    ret_value[0] = '\0';
    if (at)
        sscanf(at + line.len, "%127[^\r]", ret_value);
    buf_release(&line);
}

static void replay_http(struct world *w, const struct rpc_http *http, const json_t *entry)
{
    const char *method = json_string_value(json_object_get(entry, "method"));
    const char *type = json_string_value(json_object_get(entry, "content_type"));
    const char *body = json_string_value(json_object_get(entry, "body"));
    struct buf request = BUF_INIT;
    buf_append_format(&request, "%s / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n",
                      method);
    if (type)
        buf_append_format(&request, "Content-Type: %s\r\n", type);
    if (body)
        buf_append_format(&request, "Content-Length: %zu\r\n", strlen(body));
    buf_append_format(&request, "\r\n%s", body ? body : "");
    struct client c;
    exchange(w, http, &c, buf_text(&request));
    const char *answer = buf_text(&c.got), *rest = strstr(answer, "\r\n\r\n");
    assert_non_null(rest);
    assert_int_equal(strtol(answer + strlen("HTTP/1.1 "), NULL, 10),
                     json_integer_value(json_object_get(entry, "status")));
    const char *name;
    json_t *value;
    json_object_foreach(json_object_get(entry, "headers"), name, value)
    {
        char ours[128];
        answer_field(answer, name, ours);
        assert_string_equal(ours, json_string_value(value));
    }
    assert_string_equal(rest + 4, json_string_value(json_object_get(entry, "answer")));
    buf_release(&c.got);
    buf_release(&request);
}

static void test_http_recorded(void **state)
{
    (void)state;
    recordings_require("qbft");
    struct world w;
    struct rpc_http *http;
    json_t *all = recordings_json("qbft", "http.json"), *entry;
    size_t index;
    world_begin_empty(&w);
    start_http(&w, &http, "localhost", "");
    json_array_foreach(all, index, entry)
    {
        replay_http(&w, http, entry);
    }
    assert_true(index >= 25);
    json_decref(all);
    rpc_http_stop(http);
    world_end(&w);
}

static void check_http(struct world *w, const struct rpc_http *http, const char *head,
                       const char *wanted)
{
    struct client c;
    struct buf request = BUF_INIT;
    buf_append_format(&request, "%s\r\nConnection: close\r\n\r\n", head);
    exchange(w, http, &c, buf_text(&request));
    if (!strstr(buf_text(&c.got), wanted))
        fail_msg("%s: %s", head, buf_text(&c.got));
    buf_release(&c.got);
    buf_release(&request);
}

static void test_http_origin(void **state)
{
    (void)state;
    struct world w;
    struct rpc_http *http;
    world_begin_empty(&w);
    start_http(&w, &http, "localhost,node.example", "http://a.example, http://*.b.example");
    check_http(&w, http, "GET / HTTP/1.1\r\nHost: evil.example", "403 Forbidden");
    check_http(&w, http, "GET / HTTP/1.1\r\nHost: evil.example",
               "\r\n\r\ninvalid host specified\n");
    check_http(&w, http, "GET / HTTP/1.1\r\nHost: node.example:8545", "200 OK");
    check_http(&w, http, "GET / HTTP/1.1\r\nHost: 10.0.0.7:8545", "200 OK");
    check_http(&w, http, "GET / HTTP/1.1\r\nHost: [::1]:8545", "200 OK");
    check_http(&w, http, "HEAD / HTTP/1.1\r\nHost: localhost", "200 OK");
    check_http(&w, http, "GET /other HTTP/1.1\r\nHost: localhost", "404 Not Found");
    static const struct {
        const char *type, *wanted;
    } types[] = {
        {"application/json;", "200 OK"},   {"application/json ; a=b; c=\"d;\\\"e\";", "200 OK"},
        {"application/json;=", "415"},     {"application/json;a=", "415"},
        {"application/json;a=\"b", "415"}, {"application/json;a=b c", "415"},
        {"application/json;;a=b", "415"}};
    for (size_t i = 0; i < BASE_COUNT(types); i++) {
        char head[200];
        snprintf(head, sizeof(head),
                 "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\nContent-Type: %s",
                 types[i].type);
        check_http(&w, http, head, types[i].wanted);
    }
    check_http(&w, http, "GET / HTTP/1.1\r\nHost: localhost\r\nOrigin: http://a.example",
               "Access-Control-Allow-Origin: http://a.example\r\n");
    check_http(&w, http, "GET / HTTP/1.1\r\nHost: localhost\r\nOrigin: http://x.b.example",
               "Access-Control-Allow-Origin: http://x.b.example\r\n");
    check_http(&w, http, "GET / HTTP/1.1\r\nHost: localhost\r\nOrigin: http://c.example",
               "\r\nVary: Origin\r\nDate");
    check_http(
        &w, http,
        "OPTIONS / HTTP/1.1\r\nHost: localhost\r\nOrigin: http://a.example\r\n"
        "Access-Control-Request-Method: POST\r\nAccess-Control-Request-Headers: content-type",
        "Access-Control-Allow-Headers: Content-Type\r\nAccess-Control-Max-Age: 600\r\n");
    /* So large that it is not read to its end: the connection is closed after the answer. */
    check_http(&w, http,
               "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
               "Content-Length: 25242881",
               "content length too large (25242881>5242880)\n");
    rpc_http_stop(http);
    world_end(&w);
}

static void test_ipc(void **state)
{
    (void)state;
    struct world w;
    struct rpc_ipc *ipc;
    struct err_detail detail = {{0}};
    char folder[] = "/tmp/rpc-test-XXXXXX", path[64];
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof(path), "%s/geth.ipc", folder);
    world_begin_empty(&w);
    if (rpc_ipc_start(&ipc, w.rpc, &(struct rpc_ipc_options){.path = path}, &detail))
        fail_msg("%s", detail.text);
    struct client c = {0};
    assert_int_equal(io_connect_unix(&c.stream, w.backend.loop, path, &client_ops, &c), 0);
    /* Values one after the other, in pieces, with and without space between; at last none. */
    static const char text[] =
        "{\"id\":1,\"method\":\"net_version\"}{\"id\":2,\"method\":\"net_version\"}\n"
        "[{\"id\":3,\"method\":\"net_version\"}] {\"method\":\"net_version\"}\n}";
    for (size_t i = 0; i < strlen(text); i += 7) {
        size_t left = strlen(text) - i;
        assert_int_equal(io_stream_write(c.stream, bytes_of(text + i, left < 7 ? left : 7)), 0);
        io_loop_turn(w.backend.loop, false);
    }
    while (!c.closed)
        io_loop_turn(w.backend.loop, true);
    assert_string_equal(buf_text(&c.got),
                        VERSION("1") "\n" VERSION("2") "\n[" VERSION("3") "]\n" ERROR(
                            "null", "-32700", "parse error") "\n");
    buf_release(&c.got);
    rpc_ipc_stop(ipc);
    assert_int_equal(access(path, F_OK), -1);
    rmdir(folder);
    world_end(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_messages),    cmocka_unit_test(test_parameters),
        cmocka_unit_test(test_batch_limit), cmocka_unit_test(test_table),
        cmocka_unit_test(test_access),      cmocka_unit_test(test_http_recorded),
        cmocka_unit_test(test_http_origin), cmocka_unit_test(test_ipc),
    };
    return cmocka_run_group_tests_name("dispatch", tests, NULL, NULL);
}
