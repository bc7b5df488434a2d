/* Subscriptions and filters: the answers that were recorded of GoQuorum (live/ws.json), what is told against what is asked
 * for, and clients that do not read; over sessions, and over WebSocket on loopback. */
#include "io/websocket_frame.h"
#include "rpc/events/events.h"
#include "rpc/test/world.h"
#include "rpc/transport/http.h"
#include "rpc/transport/session.h"
#include "tests/support/recordings.h"

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

struct client {
    struct world *world;
    struct rpc_session session;
    json_t *told; /* notifications, in order */
    json_t *answer;
    size_t unread;
    unsigned overruns;
};

static json_t *parse(struct bytes text)
{
    json_error_t error;
    json_t *json = json_loadb((const char *)text.data, text.len, JSON_DECODE_ANY, &error);
    if (!json)
        fail_msg("no JSON: %s", error.text);
    return json;
}

static void on_send(void *context, struct bytes text)
{
    struct client *c = context;
    json_array_append_new(c->told, parse(text));
}

static size_t on_unread(void *context)
{
    struct client *c = context;
    return c->unread;
}

static void on_overrun(void *context)
{
    struct client *c = context;
    c->overruns++;
    rpc_session_release(&c->session);
}

static void client_begin(struct client *c, struct world *world)
{
    *c = (struct client){.world = world, .told = json_array()};
    rpc_session_init(&c->session, world->rpc, rpc_access_parse("eth,net,admin,debug", NULL));
    c->session.context = c;
    c->session.send = on_send;
    c->session.unread = on_unread;
    c->session.overrun = on_overrun;
}

static void client_end(struct client *c)
{
    rpc_session_release(&c->session);
    json_decref(c->told);
}

static void on_answer(void *context, struct buf *answer)
{
    struct client *c = context;
    c->answer = parse(buf_bytes(answer));
}

static json_t *ask(struct client *c, const char *message)
{
    struct buf text = BUF_INIT;
    buf_append_text(&text, message);
    assert_null(rpc_session_ask(&c->session, &text, on_answer, c));
    rpc_session_answered(&c->session);
    return c->answer;
}

/* The result as text, which must be one. */
static void ask_text(struct client *c, char ret_text[80], const char *message)
{
    json_t *answer = ask(c, message);
    const char *text = json_string_value(json_object_get(answer, "result"));
    if (!text)
        fail_msg("%s: %s", message, json_dumps(answer, 0));
    snprintf(ret_text, 80, "%s", text);
    json_decref(answer);
}

static json_t *ask_by_id(struct client *c, const char *method, const char *id)
{
    char message[256];
    snprintf(message, sizeof(message), "{\"id\":1,\"method\":\"%s\",\"params\":[\"%s\"]}", method,
             id);
    json_t *answer = ask(c, message), *result = json_incref(json_object_get(answer, "result"));
    if (!result) {
        result = json_object_get(answer, "error");
        const char *wanted =
            strstr(method, "Filter") ? "filter not found" : "subscription not found";
        assert_string_equal(json_string_value(json_object_get(result, "message")), wanted);
        result = NULL;
    }
    json_decref(answer);
    return result;
}

static uint64_t head_of(struct world *w)
{
    struct chain_head head;
    chain_head(w->chain, &head);
    uint64_t number = head.block->header.number;
    chain_head_release(&head);
    return number;
}

/* --- What was recorded --- */

static json_t *find_recorded(json_t *all, json_t *id)
{
    size_t i;
    json_t *entry;
    json_array_foreach(all, i, entry)
    {
        json_t *got = json_object_get(entry, "got");
        if (got && json_equal(json_object_get(got, "id"), id))
            return got;
    }
    return NULL;
}

static void test_recorded(void **state)
{
    (void)state;
    struct world w;
    struct client c;
    size_t i, compared = 0;
    recordings_require("live");
    json_t *entry, *all = recordings_json("live", "ws.json");
    world_begin(&w, "qbft");
    client_begin(&c, &w);
    json_array_foreach(all, i, entry)
    {
        json_t *sent = json_object_get(entry, "sent"), *id = json_object_get(sent, "id");
        if (!json_is_object(sent) || json_integer_value(id) == 22) /* a transaction of that chain */
            continue;
        char *message = json_dumps(sent, 0);
        json_t *answer = ask(&c, message), *theirs = find_recorded(all, id);
        const char *text = json_string_value(json_object_get(answer, "result"));
        if (text && json_integer_value(id) < 20) /* an id: both are random */
            assert_true(strncmp(text, "0x", 2) == 0 && strlen(text) <= 34);
        else if (!json_equal(answer, theirs))
            fail_msg("%s: %s", message, json_dumps(answer, 0));
        compared++;
        json_decref(answer);
        free(message);
    }
    assert_int_equal(compared, 10);
    /* A head has the fields of theirs, in any order. */
    rpc_tell_head(w.rpc, 5, 1, 1);
    json_t *ours = json_array_get(c.told, 0), *theirs = NULL;
    json_array_foreach(all, i, entry)
    {
        json_t *params = json_object_get(json_object_get(entry, "got"), "params");
        json_t *result = json_object_get(params, "result");
        if (json_object_get(result, "parentHash"))
            theirs = result;
    }
    ours = json_object_get(json_object_get(ours, "params"), "result");
    assert_non_null(theirs);
    assert_int_equal(json_object_size(ours), json_object_size(theirs));
    const char *key;
    json_object_foreach(theirs, key, entry)
    {
        assert_non_null(json_object_get(ours, key));
    }
    client_end(&c);
    json_decref(all);
    world_end(&w);
}

/* --- What is told is what can be asked for --- */

static void test_filters(void **state)
{
    (void)state;
    struct world w;
    struct client c;
    char blocks[80], logs[80], some[80], message[300];
    world_begin(&w, "qbft");
    client_begin(&c, &w);
    uint64_t head = head_of(&w);
    ask_text(&c, blocks, "{\"id\":1,\"method\":\"eth_newBlockFilter\"}");
    ask_text(&c, logs, "{\"id\":1,\"method\":\"eth_newFilter\",\"params\":[{}]}");
    ask_text(&c, some,
             "{\"id\":1,\"method\":\"eth_newFilter\",\"params\":[{\"fromBlock\":\"0x0\","
             "\"toBlock\":\"0x1e\"}]}");
    rpc_tell_head(w.rpc, head, head, 1);
    json_t *got = ask_by_id(&c, "eth_getFilterChanges", blocks);
    assert_int_equal(json_array_size(got), head);
    for (uint64_t number = 1; number <= head; number += 7) {
        snprintf(message, sizeof(message),
                 "{\"id\":1,\"method\":\"eth_getHeaderByNumber\",\"params\":[\"0x%llx\"]}",
                 (unsigned long long)number);
        json_t *answer = ask(&c, message);
        assert_string_equal(
            json_string_value(json_array_get(got, number - 1)),
            json_string_value(json_object_get(json_object_get(answer, "result"), "hash")));
        json_decref(answer);
    }
    json_decref(got);
    got = ask_by_id(&c, "eth_getFilterChanges", blocks);
    assert_int_equal(json_array_size(got), 0);
    json_decref(got);

    json_t *answer = ask(&c, "{\"id\":1,\"method\":\"eth_getLogs\",\"params\":[{\"fromBlock\":"
                             "\"0x1\"}]}");
    json_t *asked = json_object_get(answer, "result");
    assert_true(json_array_size(asked) > 10);
    got = ask_by_id(&c, "eth_getFilterChanges", logs);
    assert_true(json_equal(got, asked));
    json_decref(got);
    got = ask_by_id(&c, "eth_getFilterChanges", some);
    json_t *again = ask_by_id(&c, "eth_getFilterLogs", some);
    assert_true(json_equal(got, again) && json_array_size(got) < json_array_size(asked));
    json_decref(got);
    json_decref(again);
    json_decref(answer);

    assert_null(ask_by_id(&c, "eth_getFilterLogs", blocks));
    got = ask_by_id(&c, "eth_uninstallFilter", blocks);
    assert_true(json_is_true(got));
    json_decref(got);
    got = ask_by_id(&c, "eth_uninstallFilter", blocks);
    assert_true(json_is_false(got));
    json_decref(got);
    assert_null(ask_by_id(&c, "eth_getFilterChanges", blocks));
    client_end(&c);
    world_end(&w);
}

static json_t *results_of(const struct client *c)
{
    json_t *all = json_array();
    for (size_t i = 0; i < json_array_size(c->told); i++)
        json_array_append(
            all, json_object_get(json_object_get(json_array_get(c->told, i), "params"), "result"));
    return all;
}

static void test_subscriptions(void **state)
{
    (void)state;
    struct world w;
    struct client c, other;
    char heads[80], logs[80];
    world_begin(&w, "qbft");
    client_begin(&c, &w);
    client_begin(&other, &w);
    ask_text(&c, heads, "{\"id\":1,\"method\":\"eth_subscribe\",\"params\":[\"newHeads\"]}");
    ask_text(&c, logs, "{\"id\":1,\"method\":\"eth_subscribe\",\"params\":[\"logs\",{}]}");
    rpc_tell_head(w.rpc, 3, 3, 1);
    size_t told = json_array_size(c.told);
    assert_true(told >= 3);
    assert_int_equal(json_array_size(other.told), 0);
    /* An id is its connection's. */
    assert_null(ask_by_id(&other, "eth_unsubscribe", heads));
    json_decref(ask_by_id(&c, "eth_unsubscribe", heads));
    json_decref(ask_by_id(&c, "eth_unsubscribe", logs));
    rpc_tell_head(w.rpc, 5, 2, 1);
    assert_int_equal(json_array_size(c.told), told);
    /* What happens while an answer is under way comes behind it. */
    ask_text(&c, heads, "{\"id\":1,\"method\":\"eth_subscribe\",\"params\":[\"newHeads\"]}");
    c.session.asking++;
    rpc_tell_head(w.rpc, 7, 2, 1);
    assert_int_equal(json_array_size(c.told), told);
    rpc_session_answered(&c.session);
    assert_int_equal(json_array_size(c.told), told + 2);
    /* Peers and synchronisation. */
    struct hash256 id = {{0xab}};
    ask_text(&c, logs, "{\"id\":1,\"method\":\"admin_subscribe\",\"params\":[\"peerEvents\"]}");
    struct io_address local, remote;
    assert_true(io_address_parse_ip(&local, "127.0.0.1"));
    assert_true(io_address_parse_ip(&remote, "10.0.0.9"));
    local.port = 40000;
    remote.port = 21000;
    rpc_tell_peer(w.rpc, &id, &local, &remote, NULL);
    rpc_tell_peer(w.rpc, &id, &local, &remote, "too many peers");
    json_t *params = json_object_get(json_array_get(c.told, told + 2), "params");
    assert_string_equal(
        json_string_value(json_object_get(json_object_get(params, "result"), "type")), "add");
    /* Over HTTP there is nobody to tell. */
    json_t *answer = world_ask(&w, rpc_access_parse("eth", NULL),
                               "{\"id\":1,\"method\":\"eth_subscribe\",\"params\":[\"newHeads\"]}");
    assert_string_equal(
        json_string_value(json_object_get(json_object_get(answer, "error"), "message")),
        "notifications not supported");
    json_decref(answer);
    client_end(&c);
    client_end(&other);
    world_end(&w);
}

/* Each log goes to those alone whose topics it has, in their places: as eth_getLogs finds them. */
static void test_topics(void **state)
{
    (void)state;
    struct world w;
    struct client c;
    char filter[80], message[800];
    world_begin(&w, "qbft");
    client_begin(&c, &w);
    json_t *all =
        ask(&c, "{\"id\":1,\"method\":\"eth_getLogs\",\"params\":[{\"fromBlock\":\"0x1\"}]}");
    json_t *log, *logs = json_object_get(all, "result");
    size_t i, compared = 0, found = 0, missed = 0;
    json_array_foreach(logs, i, log)
    {
        json_t *topics = json_object_get(log, "topics");
        size_t place = i % 4;
        if (place >= json_array_size(topics))
            continue;
        const char *topic = json_string_value(json_array_get(topics, place));
        static const char *const before[] = {"", "null,", "null,null,", "null,[],null,"};
        static const char other[] =
            "0x1111111111111111111111111111111111111111111111111111111111111111";
        char criteria[300];
        snprintf(criteria, sizeof(criteria), "\"topics\":[%s[\"%s\",\"%s\"]]", before[place], other,
                 topic);
        snprintf(message, sizeof(message),
                 "{\"id\":1,\"method\":\"eth_newFilter\",\"params\":[{%s}]}", criteria);
        ask_text(&c, filter, message);
        rpc_tell_head(w.rpc, head_of(&w), head_of(&w), 1);
        json_t *told = ask_by_id(&c, "eth_getFilterChanges", filter);
        snprintf(message, sizeof(message),
                 "{\"id\":1,\"method\":\"eth_getLogs\",\"params\":[{\"fromBlock\":\"0x1\",%s}]}",
                 criteria);
        json_t *answer = ask(&c, message), *wanted = json_object_get(answer, "result");
        assert_true(json_equal(told, wanted));
        assert_true(json_array_size(wanted) > 0);
        found += json_array_size(wanted);
        missed += json_array_size(logs) - json_array_size(wanted);
        compared++;
        json_decref(told);
        json_decref(answer);
        json_decref(ask_by_id(&c, "eth_uninstallFilter", filter));
    }
    assert_true(compared > 5 && found > compared && missed > 0);
    json_decref(all);
    client_end(&c);
    world_end(&w);
}

/* Hashes for who asks as GoQuorum's clients do, whole transactions for who wants them. */
static void test_transactions(void **state)
{
    (void)state;
    struct world w;
    struct client c;
    char id[80], message[200];
    struct chain_reader reader;
    struct chain_block *block = NULL;
    world_begin(&w, "qbft");
    client_begin(&c, &w);
    assert_int_equal(chain_reader_open(&reader, w.chain), 0);
    for (uint64_t number = 1; !block || block->body->body.transaction_count == 0; number++) {
        chain_block_unref(block);
        assert_int_equal(chain_reader_block(&reader, &block, number), 0);
    }
    chain_reader_close(&reader);
    struct chain_tx *tx;
    enum eth_tx_status status;
    struct chain_rules rules = chain_config_rules(chain_configuration(w.chain), 1, 1);
    assert_int_equal(chain_tx_decode(&tx, block->body->body.transactions[0].encoded, true, 0, NULL),
                     0);
    assert_int_equal(chain_txs_recover(&tx, &status, 1, &rules.transactions, NULL), 0);
    ask_text(&c, id,
             "{\"id\":1,\"method\":\"eth_subscribe\",\"params\":[\"newPendingTransactions\"]}");
    rpc_tell_transactions(w.rpc, &tx, 1);
    json_decref(ask_by_id(&c, "eth_unsubscribe", id));
    ask_text(
        &c, id,
        "{\"id\":1,\"method\":\"eth_subscribe\",\"params\":[\"newPendingTransactions\",true]}");
    rpc_tell_transactions(w.rpc, &tx, 1);
    assert_int_equal(json_array_size(c.told), 2);
    json_t *told = results_of(&c), *full = json_array_get(told, 1);
    const char *hash = json_string_value(json_array_get(told, 0));
    snprintf(message, sizeof(message),
             "{\"id\":1,\"method\":\"eth_getTransactionByHash\",\"params\":[\"%s\"]}", hash);
    json_t *answer = ask(&c, message), *mined = json_object_get(answer, "result");
    static const char *const position[] = {"blockHash", "blockNumber", "transactionIndex"};
    for (size_t i = 0; i < BASE_COUNT(position); i++) { /* not mined yet */
        assert_true(json_is_null(json_object_get(full, position[i])));
        json_object_set_new(mined, position[i], json_null());
    }
    assert_true(json_equal(full, mined));
    json_decref(answer);
    json_decref(told);
    chain_tx_unref(tx);
    chain_block_unref(block);
    client_end(&c);
    world_end(&w);
}

/* What a peer event says, as node/api.go sends it. */
static void test_peers(void **state)
{
    (void)state;
    struct world w;
    struct client c;
    char id[80];
    struct hash256 peer = {{0xab}};
    struct io_address local, remote;
    world_begin_empty(&w);
    client_begin(&c, &w);
    assert_true(io_address_parse_ip(&local, "127.0.0.1"));
    assert_true(io_address_parse_ip(&remote, "10.0.0.9"));
    local.port = 40000;
    remote.port = 21000;
    ask_text(&c, id, "{\"id\":1,\"method\":\"admin_subscribe\",\"params\":[\"peerEvents\"]}");
    rpc_tell_peer(w.rpc, &peer, &local, &remote, NULL);
    rpc_tell_peer(w.rpc, &peer, &local, &remote, "too many peers");
    static const char *const wanted[] = {
        "{\"type\":\"add\",\"peer\":"
        "\"ab00000000000000000000000000000000000000000000000000000000000000"
        "\",\"local\":\"127.0.0.1:40000\",\"remote\":\"10.0.0.9:21000\"}",
        "{\"type\":\"drop\",\"peer\":"
        "\"ab00000000000000000000000000000000000000000000000000000000000000"
        "\",\"error\":\"too many "
        "peers\",\"local\":\"127.0.0.1:40000\",\"remote\":\"10.0.0.9:21000\"}"};
    assert_int_equal(json_array_size(c.told), BASE_COUNT(wanted));
    for (size_t i = 0; i < BASE_COUNT(wanted); i++) {
        json_t *params = json_object_get(json_array_get(c.told, i), "params");
        char *text = json_dumps(json_object_get(params, "result"), JSON_COMPACT);
        assert_string_equal(text, wanted[i]);
        free(text);
        assert_string_equal(json_string_value(json_object_get(json_array_get(c.told, i), "method")),
                            "admin_subscription");
    }
    client_end(&c);
    world_end(&w);
}

/* --- Logs that are taken back --- */

static void on_chain_event(void *context, const struct chain_event *event)
{
    struct rpc_removed **removed = context;
    uint64_t last = event->removed_count ? event->removed[0]->header.number : 0;
    if (event->removed_count)
        rpc_removed_read(removed, event->before, last + 1 - event->removed_count, last);
}

/* After blocks are taken back, who follows logs is told those of them once more, with `removed`; by filters as well, and by
 * criteria; what is read already comes before. */
static void test_removed(void **state)
{
    (void)state;
    struct world w;
    struct client c, elsewhere;
    struct rpc_removed *removed = NULL;
    struct err_detail detail = {{0}};
    char id[80], filter[80], message[200];
    world_begin(&w, "qbft");
    uint64_t head = head_of(&w), to = head > 100 ? head - 100 : 0;
    client_begin(&c, &w);
    client_begin(&elsewhere, &w);
    snprintf(
        message, sizeof(message),
        "{\"id\":1,\"method\":\"eth_getLogs\",\"params\":[{\"fromBlock\":\"0x%llx\",\"toBlock\":"
        "\"latest\"}]}",
        (unsigned long long)to + 1);
    json_t *answer = ask(&c, message), *before = json_object_get(answer, "result"), *log;
    assert_true(json_array_size(before) > 0);
    size_t i;
    json_array_foreach(before, i, log) json_object_set_new(log, "removed", json_true());
    ask_text(&c, id, "{\"id\":1,\"method\":\"eth_subscribe\",\"params\":[\"logs\",{}]}");
    ask_text(&elsewhere, id,
             "{\"id\":1,\"method\":\"eth_subscribe\",\"params\":[\"logs\",{\"address\":"
             "\"0x00000000000000000000000000000000000000ff\"}]}");
    ask_text(&c, filter, "{\"id\":1,\"method\":\"eth_newFilter\",\"params\":[{}]}");
    chain_on_head(w.chain, on_chain_event, &removed);
    if (chain_set_head(w.chain, to, &detail))
        fail_msg("%s", detail.text);
    assert_non_null(removed);
    rpc_tell_removed(w.rpc, removed);
    json_t *told = results_of(&c), *changes = ask_by_id(&c, "eth_getFilterChanges", filter);
    assert_true(json_equal(told, before));
    assert_true(json_equal(changes, before));
    assert_int_equal(json_array_size(elsewhere.told), 0);
    json_decref(told);
    json_decref(changes);
    json_decref(answer);
    client_end(&c);
    client_end(&elsewhere);
    world_end(&w);
}

/* Who does not read is ended, once; the others hear all. */
static void test_overrun(void **state)
{
    (void)state;
    struct world w;
    struct client slow, held, well;
    char id[80];
    const char *message = "{\"id\":1,\"method\":\"eth_subscribe\",\"params\":[\"newHeads\"]}";
    world_begin(&w, "qbft");
    client_begin(&slow, &w);
    client_begin(&held, &w);
    client_begin(&well, &w);
    ask_text(&slow, id, message);
    ask_text(&slow, id, message);
    ask_text(&held, id, message);
    ask_text(&well, id, message);
    slow.unread = RPC_UNREAD_MAX + 1;
    held.session.asking++;
    for (unsigned i = 0; held.overruns == 0 && i < 20000; i++) {
        rpc_tell_head(w.rpc, 30, 30, 1);
        io_loop_turn(w.backend.loop, false);
    }
    assert_int_equal(slow.overruns, 1);
    assert_int_equal(held.overruns, 1);
    assert_int_equal(well.overruns, 0);
    assert_true(json_array_size(well.told) > 30);
    client_end(&well);
    json_decref(slow.told);
    json_decref(held.told);
    world_end(&w);
}

static void test_limits(void **state)
{
    (void)state;
    struct world w;
    struct client c;
    world_begin_empty(&w);
    client_begin(&c, &w);
    const char *message =
        "{\"id\":1,\"method\":\"eth_subscribe\",\"params\":[\"newPendingTransactions\"]}";
    char id[80];
    for (unsigned i = 0; i < RPC_SUBSCRIPTIONS_MAX; i++)
        ask_text(&c, id, message);
    json_t *answer = ask(&c, message);
    assert_non_null(json_object_get(answer, "error"));
    json_decref(answer);
    client_end(&c);
    world_end(&w);
}

/* --- WebSocket --- */

static void put_frame(struct buf *b, const char *text)
{
    uint8_t header[IO_WEBSOCKET_HEADER_MAX];
    size_t len = io_websocket_header(header, IO_WEBSOCKET_TEXT, strlen(text));
    header[1] |= 0x80;
    buf_append(b, header, len);
    buf_append(b, "\0\0\0\0", 4);
    buf_append_text(b, text);
}

/* What a request over WebSocket gives: all that comes until the server closes or has sent `end`. */
static void exchange(const char *path, const char *origin, const char *text, const char *end,
                     struct buf *ret_got)
{
    struct world w;
    struct rpc_http *http;
    struct err_detail detail;
    struct buf b = BUF_INIT;
    world_begin_empty(&w);
    struct rpc_websocket_options websocket = {.origins = "http://app.example",
                                              .access = rpc_access_parse("net,eth", NULL)};
    struct rpc_http_options options = {.host = "127.0.0.1",
                                       .vhosts = "localhost",
                                       .access = rpc_access_parse("net", NULL),
                                       .websocket = &websocket,
                                       .websocket_prefix = "/ws"};
    assert_int_equal(rpc_http_start(&http, w.rpc, &options, &detail), 0);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port = htons(rpc_http_address(http)->port),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof(to)), 0);
    buf_append_format(&b,
                      "GET %s HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                      "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: "
                      "dGhlIHNhbXBsZSBub25jZQ==\r\nOrigin: %s\r\n\r\n",
                      path, origin);
    put_frame(&b, text);
    assert_int_equal(send(fd, b.data, b.len, MSG_NOSIGNAL), (ssize_t)b.len);
    for (;;) {
        char piece[4096];
        ssize_t got = recv(fd, piece, sizeof(piece), MSG_DONTWAIT);
        if (got == 0)
            break;
        if (got > 0)
            buf_append(ret_got, piece, (size_t)got);
        if (end && ret_got->len && strstr(buf_text(ret_got), end))
            break;
        if (got < 0)
            io_loop_turn(w.backend.loop, false);
    }
    close(fd);
    buf_release(&b);
    rpc_http_stop(http);
    for (int i = 0; i < 10; i++)
        io_loop_turn(w.backend.loop, false);
    world_end(&w);
}

static void test_websocket(void **state)
{
    (void)state;
    const char *version = "{\"id\":1,\"method\":\"net_version\"}";
    struct buf got = BUF_INIT;
    exchange("/ws", "http://app.example", version,
             "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":\"1337\"}\n", &got);
    buf_release(&got);
    exchange("/ws/more", "http://APP.example:80", version, "\"1337\"", &got);
    buf_release(&got);
    exchange("/ws", "http://elsewhere", version, "Forbidden\n", &got);
    assert_non_null(strstr(buf_text(&got), "HTTP/1.1 403"));
    buf_release(&got);
    exchange("/other", "http://app.example", version, "Content-Length: 0", &got);
    buf_release(&got);
    /* What is no JSON ends the connection without a word. */
    exchange("/ws", "http://app.example", "{", NULL, &got);
    size_t len = got.len;
    assert_memory_equal(got.data + len - 4, "\r\n\r\n", 4);
    buf_release(&got);
}

/* --- Traces of a chain --- */

static const char *trace_error(struct client *c, const char *params, char ret_text[160])
{
    char message[256];
    snprintf(message, sizeof(message), "{\"id\":1,\"method\":\"debug_subscribe\",\"params\":[%s]}",
             params);
    json_t *answer = ask(c, message);
    const char *text =
        json_string_value(json_object_get(json_object_get(answer, "error"), "message"));
    snprintf(ret_text, 160, "%s", text ? text : "");
    json_decref(answer);
    return ret_text;
}

static void check_chain_trace_ends(struct client *c)
{
    static const char *const wrong[][2] = {
        {"\"traceChain\",\"0x2\",\"0x2\"", "end block (#2) needs to come after start block (#2)"},
        {"\"traceChain\",\"latest\",\"0x2\"",
         "end block (#2) needs to come after start block (#-1)"},
        {"\"traceChain\",\"0x2\",\"0xfffff\"", "block #1048575 not found"},
        {"\"traceChain\",\"0x2\"", "missing value for required argument 2"},
    };
    char id[80], text[160];
    json_array_clear(c->told);
    for (size_t i = 0; i < BASE_COUNT(wrong); i++)
        assert_string_equal(trace_error(c, wrong[i][0], text), wrong[i][1]);
    /* While the client does not read, nothing is traced, and it may leave. */
    c->unread = 8 * 1024 * 1024;
    for (int i = 0; i < 17; i++) {
        const char *message =
            "{\"id\":1,\"method\":\"debug_subscribe\",\"params\":[\"traceChain\",\"0x1\",\"0x5\"]}";
        if (i < 16)
            ask_text(c, id, message);
        else
            assert_string_equal(trace_error(c, "\"traceChain\",\"0x1\",\"0x5\"", text),
                                "16 chains are being traced: wait for one to end");
    }
    assert_int_equal(json_array_size(c->told), 0);
    json_decref(ask_by_id(c, "debug_unsubscribe", id));
    ask_text(
        c, id,
        "{\"id\":1,\"method\":\"debug_subscribe\",\"params\":[\"traceChain\",\"0x1\",\"0x5\"]}");
}

/* What is told is what debug_traceBlockByNumber says, of each block with transactions and of the last. */
static void test_chain_trace(void **state)
{
    (void)state;
    struct world w;
    struct client c;
    char id[80], message[256];
    size_t told = 0;
    world_begin(&w, "qbft");
    client_begin(&c, &w);
    uint64_t head = head_of(&w);
    snprintf(
        message, sizeof(message),
        "{\"id\":1,\"method\":\"debug_subscribe\",\"params\":[\"traceChain\",\"0x1\",\"latest\","
        "{\"tracer\":\"callTracer\"}]}");
    ask_text(&c, id, message);
    for (uint64_t number = 2; number <= head; number++) {
        snprintf(
            message, sizeof(message),
            "{\"id\":1,\"method\":\"debug_traceBlockByNumber\",\"params\":[\"0x%llx\",{\"tracer\":"
            "\"callTracer\"}]}",
            (unsigned long long)number);
        json_t *answer = ask(&c, message), *wanted = json_object_get(answer, "result");
        if (json_array_size(wanted) == 0 && number < head) {
            json_decref(answer);
            continue;
        }
        json_t *params = json_object_get(json_array_get(c.told, told++), "params");
        assert_string_equal(json_string_value(json_object_get(params, "subscription")), id);
        json_t *result = json_object_get(params, "result");
        assert_int_equal(strtoull(json_string_value(json_object_get(result, "block")), NULL, 16),
                         number);
        json_t *traces = json_object_get(result, "traces");
        assert_int_equal(json_array_size(traces), json_array_size(wanted));
        for (size_t i = 0; i < json_array_size(wanted); i++) {
            json_t *a = json_object_get(json_array_get(traces, i), "result");
            json_t *b = json_object_get(json_array_get(wanted, i), "result");
            json_object_del(a, "time");
            json_object_del(b, "time");
            assert_true(a && json_equal(a, b));
        }
        json_decref(answer);
    }
    assert_true(told > 5);
    assert_int_equal(json_array_size(c.told), told);
    json_decref(ask_by_id(&c, "debug_unsubscribe", id));
    check_chain_trace_ends(&c);
    client_end(&c);
    world_end(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_recorded),      cmocka_unit_test(test_filters),
        cmocka_unit_test(test_subscriptions), cmocka_unit_test(test_overrun),
        cmocka_unit_test(test_limits),        cmocka_unit_test(test_websocket),
        cmocka_unit_test(test_topics),        cmocka_unit_test(test_transactions),
        cmocka_unit_test(test_peers),         cmocka_unit_test(test_removed),
        cmocka_unit_test(test_chain_trace),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
