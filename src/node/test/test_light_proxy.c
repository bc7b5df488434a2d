/* A client's JSON-RPC to its server: what goes over each transport, what comes back, and what is said when nothing does; tokens. */
#include "node/light/answer.h"
#include "node/light/proxy.h"
#include "node/light/remote.h"

#include "io/http.h"
#include "io/websocket_frame.h"
#include "io/worker.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

enum { WORKERS = 4, PATIENCE_MS = 60000 };

/* --- A server of HTTP, and workers that ask it --- */

struct world {
    struct io_loop *loop;
    struct io_http_server *server;
    struct io_worker *workers[WORKERS];
    struct node_light_token *token;
    struct node_light_proxy *proxy;
    const char *answer; /* NULL: none, ever */
    unsigned status;
    struct io_http_request *kept;
    size_t requests;
    char last[2048]; /* fields and body of the last request */
    char url[64];
};

struct question {
    struct world *world;
    const char *method, *params;
    struct arena arena;
    struct rpc_proxied answer;
    struct err_detail detail;
    int status;
    bool done;
};

static void serve(void *context, struct io_http_request *request)
{
    static const char *const shown[] = {"content-type", "quorum-psi", "authorization"};
    struct world *w = context;
    struct buf body = BUF_INIT, last = BUF_INIT;
    w->requests++;
    for (size_t i = 0; i < BASE_COUNT(shown); i++)
        for (size_t k = 0; k < request->head.field_count; k++)
            if (io_http_same_name(request->head.fields[k].name, shown[i])) {
                buf_append_format(&last, "%s=", shown[i]);
                buf_append_bytes(&last, request->head.fields[k].value);
                buf_append_text(&last, ";");
            }
    buf_append_bytes(&last, request->path);
    buf_append_text(&last, " ");
    buf_append_bytes(&last, request->body);
    snprintf(w->last, sizeof(w->last), "%s", buf_text(&last));
    buf_release(&last);
    if (!w->answer) {
        w->kept = request;
        return;
    }
    buf_append_text(&body, w->answer);
    io_http_answer(request, w->status, NULL, 0, &body);
}

static struct node_light_proxy *proxy_to(const char *url, struct node_light_token *token,
                                         uint64_t timeout_ms)
{
    struct node_light_proxy *proxy = NULL;
    struct err_detail detail = {""};
    const struct node_light_proxy_options options = {
        .url = url, .psi = "PS1", .token = token, .timeout_ms = timeout_ms};
    if (node_light_proxy_new(&proxy, &options, &detail))
        fail_msg("%s", detail.text);
    return proxy;
}

static void begin(struct world *w, const char *token, uint64_t timeout_ms)
{
    struct err_detail detail = {""};
    const struct io_http_options options = {.context = w,
                                            .request = serve,
                                            .body_max = 1 << 20,
                                            .connections_max = 100,
                                            .read_ms = PATIENCE_MS,
                                            .write_ms = PATIENCE_MS,
                                            .idle_ms = PATIENCE_MS};
    *w = (struct world){.status = 200};
    assert_int_equal(io_loop_new(&w->loop), 0);
    assert_int_equal(io_http_new(&w->server, w->loop, &options), 0);
    assert_int_equal(io_http_listen_tcp(w->server, "127.0.0.1", 0, &detail), 0);
    snprintf(w->url, sizeof(w->url), "HTTP://127.0.0.1:%u/rpc", io_http_address(w->server)->port);
    for (size_t i = 0; i < WORKERS; i++)
        assert_int_equal(io_worker_new(&w->workers[i], w->loop), 0);
    if (token)
        assert_int_equal(node_light_token_new(&w->token, token, &detail), 0);
    w->proxy = proxy_to(w->url, w->token, timeout_ms);
}

static void end(struct world *w)
{
    for (size_t i = 0; i < WORKERS; i++)
        io_worker_free(w->workers[i]);
    node_light_proxy_free(w->proxy);
    node_light_token_free(w->token);
    io_http_free(w->server);
    if (w->kept)
        io_http_answer_text(w->kept, 200, "too late");
    io_loop_free(w->loop);
}

static void work(void *context)
{
    struct question *q = context;
    q->status = node_light_proxy_call(q->world->proxy, &q->answer, q->method, bytes_str(q->params),
                                      &q->arena, &q->detail);
}

static void worked(void *context)
{
    struct question *q = context;
    q->done = true;
}

static void start(struct world *w, struct question *q, size_t worker)
{
    *q = (struct question){.world = w, .method = "eth_some", .params = "[\"0x1\",{\"a\":1.50}]"};
    arena_init(&q->arena);
    assert_int_equal(io_worker_run(w->workers[worker], work, worked, q), 0);
}

/* The answer is in q's arena. */
static void ask(struct world *w, struct question *q)
{
    start(w, q, 0);
    while (!q->done)
        io_loop_turn(w->loop, true);
}

static void check(struct bytes got, const char *wanted)
{
    if (!bytes_equal(got, bytes_str(wanted)))
        fail_msg("%.*s, not %s", (int)got.len, (const char *)got.data, wanted);
}

static void test_http(void **state)
{
    (void)state;
    struct world w;
    struct question q;
    begin(&w, "bearer abc", 0);
    w.answer = "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"Payload\":\"0x12\", \"n\":1e3}}\n";
    ask(&w, &q);
    assert_int_equal(q.status, 0);
    assert_false(q.answer.is_error);
    check(q.answer.result, "{\"Payload\":\"0x12\", \"n\":1e3}");
    assert_string_equal(w.last,
                        "content-type=application/json;quorum-psi=PS1;authorization=bearer abc;"
                        "/rpc {\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"eth_some\",\"params\":"
                        "[\"0x1\",{\"a\":1.50}]}");
    arena_release(&q.arena);

    w.answer = "{\"id\":1,\"result\":null}";
    assert_int_equal(node_light_token_set(w.token, bytes_none(), NULL), 0);
    ask(&w, &q);
    assert_int_equal(q.status, 0);
    check(q.answer.result, "null");
    assert_null(strstr(w.last, "authorization"));
    assert_non_null(strstr(w.last, "\"id\":2,"));
    arena_release(&q.arena);

    w.answer =
        "{\"id\":1,\"error\":{\"code\":3,\"message\":\"execution reverted: \\u003c\",\"data\":"
        "\"0x08c3\"}}";
    ask(&w, &q);
    assert_int_equal(q.status, 0);
    assert_true(q.answer.is_error);
    assert_int_equal(q.answer.code, 3);
    check(q.answer.message, "execution reverted: <");
    check(q.answer.data, "\"0x08c3\"");
    arena_release(&q.arena);
    end(&w);
}

/* An error of JSON-RPC counts by any status of HTTP; what is none names the place and the remedy. */
static void test_refused(void **state)
{
    (void)state;
    static const struct {
        unsigned status;
        const char *answer, *wanted;
    } cases[] = {
        {401, "missing token", "status 401: missing token (is the token good?"},
        {403, "", "status 403:  (is the token good?"},
        {502, "<html>\nbad\x1b gateway", "status 502 and no JSON-RPC: <html> bad  gateway (is --"},
        {200, "[{\"id\":1,\"result\":1}]", "no JSON-RPC: [{"},
        {200, "{\"id\":1}", "no JSON-RPC: {"},
        {200, "{\"id\":1,\"result\":", "no JSON-RPC: {"},
        {200, "", "no JSON-RPC:  (is --qlight.client.serverNodeRPC the URL of a node?)"},
    };
    struct world w;
    struct question q;
    begin(&w, "bearer abc", 0);
    for (size_t i = 0; i < BASE_COUNT(cases); i++) {
        w.status = cases[i].status;
        w.answer = cases[i].answer;
        ask(&w, &q);
        assert_int_equal(q.status, ERR_INPUT);
        if (!strstr(q.detail.text, cases[i].wanted) || !strstr(q.detail.text, "http://127.0.0.1:"))
            fail_msg("%s, not %s", q.detail.text, cases[i].wanted);
        assert_null(strstr(q.detail.text, "abc"));
        assert_null(strstr(q.detail.text, "/rpc"));
        arena_release(&q.arena);
    }
    w.status = 403;
    w.answer = "{\"id\":null,\"error\":{\"code\":-32001,\"message\":\"access denied\"}}";
    ask(&w, &q);
    assert_int_equal(q.status, 0);
    assert_true(q.answer.is_error);
    assert_int_equal(q.answer.code, -32001);
    arena_release(&q.arena);
    end(&w);
}

static void test_silence(void **state)
{
    (void)state;
    struct world w;
    struct question q;
    begin(&w, NULL, 50);
    ask(&w, &q);
    assert_int_equal(q.status, ERR_TIMEOUT);
    assert_non_null(strstr(q.detail.text, "is --qlight.client.serverNodeRPC right"));
    arena_release(&q.arena);
    end(&w);

    begin(&w, NULL, 0); /* it would be for ever */
    node_light_proxy_stop(w.proxy);
    ask(&w, &q);
    assert_int_equal(q.status, ERR_BUSY);
    assert_int_equal(w.requests, 0);
    arena_release(&q.arena);
    end(&w);

    begin(&w, NULL, 0); /* what is under way is not waited for, either */
    start(&w, &q, 0);
    while (!w.requests)
        io_loop_turn(w.loop, true);
    node_light_proxy_stop(w.proxy);
    while (!q.done)
        io_loop_turn(w.loop, true);
    assert_int_equal(q.status, ERR_BUSY);
    arena_release(&q.arena);
    end(&w);

    begin(&w, NULL, 0);
    io_http_free(w.server);
    w.server = NULL;
    ask(&w, &q);
    assert_int_equal(q.status, ERR_IO);
    assert_non_null(strstr(q.detail.text, "gives no answer"));
    arena_release(&q.arena);
    end(&w);
}

static void test_many(void **state)
{
    (void)state;
    struct world w;
    struct question questions[40];
    begin(&w, "bearer abc", 0);
    w.answer = "{\"result\":\"0x1\"}";
    for (size_t i = 0; i < BASE_COUNT(questions); i++)
        start(&w, &questions[i], i % WORKERS);
    for (size_t i = 0; i < BASE_COUNT(questions); i++)
        while (!questions[i].done)
            io_loop_turn(w.loop, true);
    for (size_t i = 0; i < BASE_COUNT(questions); i++) {
        assert_int_equal(questions[i].status, 0);
        check(questions[i].answer.result, "\"0x1\"");
        arena_release(&questions[i].arena);
    }
    assert_int_equal(w.requests, BASE_COUNT(questions));
    assert_true(io_http_connections(w.server) <= WORKERS);
    end(&w);
}

/* --- WebSocket and IPC: one question of one client --- */

struct one {
    int listener;
    bool is_web, is_silent;
    bool stops; /* it is silent, and the node ends */
    struct node_light_proxy *proxy;
    char head[2048], question[512];
    pthread_t thread;
};

static const char one_answer[] = "{\"jsonrpc\":\"2.0\",\"id\":\"PS1/1\",\"result\":[1]}";

static void put(int fd, const void *data, size_t len)
{
    if (send(fd, data, len, MSG_NOSIGNAL) != (ssize_t)len)
        abort();
}

static void serve_ipc(struct one *one, int fd)
{
    ssize_t len = recv(fd, one->question, sizeof(one->question) - 1, 0);
    if (!one->is_silent && len > 0)
        put(fd, one_answer, strlen(one_answer));
}

static void serve_web(struct one *one, int fd)
{
    char key[32] = "", accept_key[32], text[256];
    uint8_t bytes[1024], header[IO_WEBSOCKET_HEADER_MAX];
    struct io_websocket_reader reader;
    struct buf message = BUF_INIT;
    size_t used;
    if (recv(fd, one->head, sizeof(one->head) - 1, 0) <= 0)
        abort();
    sscanf(strstr(one->head, "Sec-WebSocket-Key: "), "Sec-WebSocket-Key: %31s", key);
    io_websocket_accept(accept_key, key);
    snprintf(text, sizeof(text),
             "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
             "Sec-WebSocket-Accept: %s\r\n\r\n",
             accept_key);
    put(fd, text, strlen(text));
    ssize_t len = recv(fd, bytes, sizeof(bytes), 0);
    io_websocket_reader_init(&reader, true, sizeof(bytes));
    if (len <= 0 || io_websocket_read(&reader, &message, &used, bytes_of(bytes, (size_t)len)) !=
                        IO_WEBSOCKET_MESSAGE)
        abort();
    snprintf(one->question, sizeof(one->question), "%s", buf_text(&message));
    buf_release(&message);
    put(fd, header, io_websocket_header(header, IO_WEBSOCKET_TEXT, strlen(one_answer)));
    put(fd, one_answer, strlen(one_answer));
}

static void *run_one(void *context)
{
    struct one *one = context;
    char rest[64];
    int fd = accept(one->listener, NULL, NULL);
    if (fd < 0)
        abort();
    if (one->stops && recv(fd, rest, sizeof(rest), 0) > 0)
        node_light_proxy_stop(one->proxy);
    else if (one->is_web)
        serve_web(one, fd);
    else
        serve_ipc(one, fd);
    while (recv(fd, rest, sizeof(rest), 0) > 0) /* until the client has gone */
        ;
    close(fd);
    return NULL;
}

static void begin_one(struct one *one, const struct sockaddr *address, socklen_t len)
{
    one->listener = socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(one->listener, address, len), 0);
    assert_int_equal(listen(one->listener, 4), 0);
    assert_int_equal(pthread_create(&one->thread, NULL, run_one, one), 0);
}

static int ask_one(struct one *one, const char *url, struct node_light_token *token,
                   struct rpc_proxied *ret_answer, struct arena *arena, struct err_detail *detail)
{
    struct node_light_proxy *proxy = one->proxy;
    if (!proxy)
        proxy = proxy_to(url, token, one->is_silent ? 50 : 0);
    int status =
        node_light_proxy_call(proxy, ret_answer, "eth_one", bytes_str("[]"), arena, detail);
    pthread_join(one->thread, NULL);
    close(one->listener);
    node_light_proxy_free(proxy);
    return status;
}

static const char one_question[] =
    "{\"jsonrpc\":\"2.0\",\"id\":\"PS1/1\",\"method\":\"eth_one\",\"params\":[]}";

static void test_ipc(void **state)
{
    (void)state;
    struct rpc_proxied answer;
    struct err_detail detail = {""};
    struct arena arena;
    arena_init(&arena);
    for (int silent = 0; silent < 2; silent++) {
        struct one one = {.is_silent = silent};
        struct sockaddr_un address = {.sun_family = AF_UNIX};
        snprintf(address.sun_path, sizeof(address.sun_path), "/tmp/test_light_%d.ipc", getpid());
        begin_one(&one, (const struct sockaddr *)&address, sizeof(address));
        int status = ask_one(&one, address.sun_path, NULL, &answer, &arena, &detail);
        unlink(address.sun_path);
        assert_string_equal(one.question, one_question);
        assert_int_equal(status, silent ? ERR_TIMEOUT : 0);
        if (!silent)
            check(answer.result, "[1]");
    }
    assert_non_null(strstr(detail.text, "did not answer within 50 ms"));
    arena_release(&arena);
}

static void test_web_socket(void **state)
{
    (void)state;
    struct rpc_proxied answer;
    struct err_detail detail = {""};
    struct node_light_token *token;
    struct one one = {.is_web = true};
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_addr = {.s_addr = htonl(INADDR_LOOPBACK)}};
    struct arena arena;
    socklen_t len = sizeof(address);
    char url[64];
    arena_init(&arena);
    begin_one(&one, (const struct sockaddr *)&address, sizeof(address));
    assert_int_equal(getsockname(one.listener, (struct sockaddr *)&address, &len), 0);
    snprintf(url, sizeof(url), "ws://127.0.0.1:%u/x", ntohs(address.sin_port));
    assert_int_equal(node_light_token_new(&token, "bearer abc", &detail), 0);
    int status = ask_one(&one, url, token, &answer, &arena, &detail);
    if (status)
        fail_msg("%s", detail.text);
    check(answer.result, "[1]");
    assert_string_equal(one.question, one_question);
    assert_non_null(strstr(one.head, "\r\nAuthorization: bearer abc\r\n"));
    assert_non_null(strstr(one.head, "\r\nQuorum-PSI: PS1\r\n"));
    node_light_token_free(token);
    arena_release(&arena);
}

/* The node ends while a server has accepted a connection, and answers nothing. */
static void test_end(void **state)
{
    (void)state;
    static const char *const schemes[] = {"http", "https", "ws", "wss", NULL};
    struct rpc_proxied answer;
    struct err_detail detail = {""};
    struct arena arena;
    arena_init(&arena);
    for (size_t i = 0; i < BASE_COUNT(schemes); i++) {
        struct one one = {.stops = true};
        struct sockaddr_un local = {.sun_family = AF_UNIX};
        struct sockaddr_in address = {.sin_family = AF_INET,
                                      .sin_addr = {.s_addr = htonl(INADDR_LOOPBACK)}};
        socklen_t len = sizeof(address);
        char url[64];
        snprintf(local.sun_path, sizeof(local.sun_path), "/tmp/test_light_%d.ipc", getpid());
        if (schemes[i])
            begin_one(&one, (const struct sockaddr *)&address, sizeof(address));
        else
            begin_one(&one, (const struct sockaddr *)&local, sizeof(local));
        assert_int_equal(getsockname(one.listener, (struct sockaddr *)&address, &len), 0);
        snprintf(url, sizeof(url), "%s://127.0.0.1:%u", schemes[i] ? schemes[i] : "",
                 ntohs(address.sin_port));
        one.proxy = proxy_to(schemes[i] ? url : local.sun_path, NULL, 0);
        assert_int_equal(ask_one(&one, NULL, NULL, &answer, &arena, &detail), ERR_BUSY);
        unlink(local.sun_path);
        assert_string_equal(detail.text, "the node ends");
    }
    arena_release(&arena);
}

/* --- Without a connection --- */

static void test_urls(void **state)
{
    (void)state;
    static const struct {
        const char *url, *wanted; /* what it is called; or the error */
        bool fails, tls;
    } cases[] = {
        {"http://user:secret@host:80/key?token=x", "http://host:80", false, false},
        {"HTTPS://a@b@[::1]:443#x", "https://[::1]:443", false, true},
        {"wss://host", "wss://host", false, false},
        {"/data/geth.ipc", "/data/geth.ipc", false, false},
        {"ftp://host", "no known transport for URL scheme \"ftp\"", true, false},
        {"http:///x", "names no host", true, false},
        {"http://u@", "names no host", true, false},
        {"", "give a URL", true, false},
        {"http://host\r\nX: y", "control character", true, false},
        {"http://host", "--qlight.client.rpc.tls is for https", true, true},
        {"wss://host", "--qlight.client.rpc.tls is for https", true, true},
    };
    struct io_tls *tls;
    struct err_detail detail = {""};
    const struct io_tls_options options = {.system_authorities = true};
    assert_int_equal(io_tls_new(&tls, &options, &detail), 0);
    for (size_t i = 0; i < BASE_COUNT(cases); i++) {
        struct node_light_proxy *proxy = NULL;
        const struct node_light_proxy_options given = {
            .url = cases[i].url, .psi = "private", .tls = cases[i].tls ? tls : NULL};
        int status = node_light_proxy_new(&proxy, &given, &detail);
        assert_int_equal(status, cases[i].fails ? ERR_INPUT : 0);
        if (!strstr(status ? detail.text : node_light_proxy_name(proxy), cases[i].wanted))
            fail_msg("%s: %s", cases[i].url, detail.text);
        if (!status)
            assert_string_equal(node_light_proxy_name(proxy), cases[i].wanted);
        assert_null(strstr(detail.text, "secret"));
        node_light_proxy_free(proxy);
    }
    io_tls_free(tls);
}

static void test_answers(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int status, code;
        const char *data, *message;
    } cases[] = {
        {"{\"error\":{\"code\":-32601,\"message\":\"m\"}}", 0, -32601, "", "m"},
        {"{\"error\":{\"code\":99999999999,\"message\":\"m\",\"data\":null}}", 0, -32000, "", "m"},
        {"{\"error\":{\"code\":2147483648,\"message\":1,\"data\":{\"a\":[]}}}", 0, -32000,
         "{\"a\":[]}", ""},
        {"{\"error\":{\"code\":1.5}}", 0, -32000, "", ""},
        {"{\"error\":{\"code\":\"-\"}}", 0, -32000, "", ""},
        {"{\"error\":{}}", 0, -32000, "", ""},
        {"{\"error\":\"text\"}", ERR_INPUT, 0, "", ""},
        {"{\"error\":null}", ERR_INPUT, 0, "", ""},
        {"\"result\"", ERR_INPUT, 0, "", ""},
    };
    struct arena arena;
    arena_init(&arena);
    for (size_t i = 0; i < BASE_COUNT(cases); i++) {
        struct rpc_proxied answer;
        assert_int_equal(node_light_answer_read(&answer, bytes_str(cases[i].text), &arena),
                         cases[i].status);
        assert_int_equal(answer.is_error, !cases[i].status);
        assert_int_equal(answer.code, cases[i].code);
        check(answer.data, cases[i].data);
        check(answer.message, cases[i].message);
    }
    arena_release(&arena);
}

static void heard(void *context, const char *token)
{
    snprintf(context, 64, "%s", token);
}

static void test_token(void **state)
{
    (void)state;
    struct node_light_token *token;
    struct err_detail detail = {""};
    char told[64] = "nothing", long_one[NODE_LIGHT_TOKEN_MAX + 2];
    struct buf value = BUF_INIT;
    assert_int_equal(node_light_token_new(&token, "bearer\nsecret", &detail), ERR_INPUT);
    assert_null(strstr(detail.text, "secret"));
    assert_int_equal(node_light_token_new(&token, "bearer first", &detail), 0);
    node_light_token_watch(token, heard, told);
    assert_string_equal(told, "nothing");
    assert_int_equal(node_light_token_set(token, bytes_str("bearer second"), &detail), 0);
    assert_string_equal(told, "bearer second");
    memset(long_one, 'a', sizeof(long_one));
    assert_int_equal(node_light_token_set(token, bytes_of(long_one, sizeof(long_one) - 1), &detail),
                     ERR_INPUT);
    assert_int_equal(node_light_token_set(token, bytes_str("secr\ret"), &detail), ERR_INPUT);
    assert_null(strstr(detail.text, "secr"));
    assert_string_equal(told, "bearer second");
    node_light_token_get(token, &value);
    assert_string_equal(buf_text(&value), "bearer second");
    buf_clear(&value);
    assert_int_equal(node_light_token_set(token, bytes_of(long_one, NODE_LIGHT_TOKEN_MAX), &detail),
                     0);
    assert_int_equal(node_light_token_set(token, bytes_none(), &detail), 0);
    node_light_token_get(token, &value);
    assert_string_equal(buf_text(&value), "");
    assert_string_equal(told, "");
    buf_release(&value);
    node_light_token_free(token);
}

/* --- As the flags say --- */

static struct node_light_remote *remote_of(const struct node_light_config *config)
{
    struct node_light_remote *remote = NULL;
    struct err_detail detail = {""};
    if (node_light_remote_new(&remote, config, &detail))
        fail_msg("%s", detail.text);
    return remote;
}

static void test_remote(void **state)
{
    (void)state;
    struct err_detail detail = {""};
    struct buf value = BUF_INIT;
    struct node_light_config config = {.client = true,
                                       .client_psi = "private",
                                       .server_node_rpc = "http://u:secret@host:8545/x",
                                       .token_value = "bearer abc",
                                       .token_management = "external",
                                       .rpc_tls_cacert = "",
                                       .rpc_tls_cert = "",
                                       .rpc_tls_key = ""};
    struct node_light_remote *remote = remote_of(&config);
    assert_string_equal(node_light_remote_name(remote), "http://host:8545");
    assert_null(node_light_remote_token(remote));
    assert_null(node_light_remote_methods(remote));
    node_light_remote_free(remote);

    config.token_enabled = true;
    remote = remote_of(&config);
    const struct rpc_light_token *methods = node_light_remote_methods(remote);
    assert_int_equal(methods->set(methods->context, bytes_str("bearer d"), &detail), 0);
    methods->get(methods->context, &value);
    node_light_token_get(node_light_remote_token(remote), &value);
    assert_string_equal(buf_text(&value), "bearer dbearer d");
    buf_release(&value);
    node_light_remote_free(remote);

    static const char *const others[] = {"none", "client-security-plugin"};
    for (size_t i = 0; i < BASE_COUNT(others); i++) {
        config.token_management = others[i];
        remote = remote_of(&config);
        node_light_token_get(node_light_remote_token(remote), &value);
        assert_string_equal(buf_text(&value), "bearer abc");
        assert_null(node_light_remote_methods(remote));
        buf_release(&value);
        node_light_remote_free(remote);
    }
    config.rpc_tls = true;
    assert_int_equal(node_light_remote_new(&remote, &config, &detail), ERR_INPUT);
    assert_non_null(strstr(detail.text, "--qlight.client.rpc.tls is for https"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_http),    cmocka_unit_test(test_refused),
        cmocka_unit_test(test_silence), cmocka_unit_test(test_many),
        cmocka_unit_test(test_ipc),     cmocka_unit_test(test_web_socket),
        cmocka_unit_test(test_end),     cmocka_unit_test(test_urls),
        cmocka_unit_test(test_answers), cmocka_unit_test(test_token),
        cmocka_unit_test(test_remote),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
