/* Requests to a server of this library: on the loop, and from a thread that waits. */
#include "base/mem.h"
#include "io/http.h"
#include "io/http_client.h"
#include "io/worker.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

enum { ANSWER_MAX = 4 << 20, CONNECTIONS = 4, URL_ROOM = 128 };

struct world {
    struct io_loop *loop;
    struct io_http_server *server;
    struct io_http_client *client;
    struct io_http_request *kept; /* not answered yet */
    size_t requests, connections;
    char url[64];
};

struct answer {
    bool done;
    enum io_http_fault fault;
    unsigned status;
    char field[64];
    char message[256];
    struct buf body;
};

/* "/echo" gives the body back, "/large" a megabyte, "/fields" what fields came, "/wait" nothing. */
static void serve(void *context, struct io_http_request *request)
{
    struct world *w = context;
    w->requests++;
    if (io_http_connections(w->server) > w->connections)
        w->connections = io_http_connections(w->server);
    struct buf body = BUF_INIT;
    static const struct io_http_field fields[] = {{"X-Kind", "echo"}};
    if (bytes_equal(request->path, bytes_str("/wait"))) {
        w->kept = request;
        return;
    }
    if (bytes_equal(request->path, bytes_str("/large"))) {
        memset(buf_extend(&body, 1 << 20), 'x', 1 << 20);
    } else if (bytes_equal(request->path, bytes_str("/fields"))) {
        for (size_t i = 0; i < request->head.field_count; i++) {
            buf_append_bytes(&body, request->head.fields[i].name);
            buf_append_text(&body, "=");
            buf_append_bytes(&body, request->head.fields[i].value);
            buf_append_text(&body, ";");
        }
    } else {
        buf_append_bytes(&body, request->head.method);
        buf_append_text(&body, " ");
        buf_append_bytes(&body, request->body);
    }
    io_http_answer(request, 201, fields, BASE_COUNT(fields), &body);
}

static void begin(struct world *w)
{
    memset(w, 0, sizeof(*w));
    struct err_detail detail;
    assert_int_equal(io_loop_new(&w->loop), 0);
    struct io_http_options options = {.context = w,
                                      .request = serve,
                                      .body_max = 2 << 20,
                                      .connections_max = 100,
                                      .read_ms = 60000,
                                      .write_ms = 60000,
                                      .idle_ms = 60000};
    assert_int_equal(io_http_new(&w->server, w->loop, &options), 0);
    assert_int_equal(io_http_listen_tcp(w->server, "127.0.0.1", 0, &detail), 0);
    snprintf(w->url, sizeof(w->url), "http://127.0.0.1:%u", io_http_address(w->server)->port);
    struct io_http_client_options client = {.connections_max = CONNECTIONS,
                                            .host_connections_max = CONNECTIONS};
    assert_int_equal(io_http_client_new(&w->client, w->loop, &client), 0);
}

static void end(struct world *w)
{
    io_http_client_free(w->client);
    io_http_free(w->server);
    io_loop_free(w->loop);
}

static void note(struct answer *a, const struct io_http_reply *reply)
{
    a->done = true;
    a->fault = reply->fault;
    a->status = reply->status;
    snprintf(a->message, sizeof(a->message), "%s", reply->message);
    const char *field = io_http_reply_field(reply, "x-kind");
    snprintf(a->field, sizeof(a->field), "%s", field ? field : "");
    assert_null(io_http_reply_field(reply, "x-none"));
    buf_clear(&a->body);
    buf_append_bytes(&a->body, reply->body);
}

static void on_done(void *context, const struct io_http_reply *reply)
{
    note(context, reply);
}

static struct io_http_call_options request(const char *url, const char *body)
{
    return (struct io_http_call_options){.method = body ? "POST" : "GET",
                                         .url = url,
                                         .body = body ? bytes_str(body) : bytes_none(),
                                         .has_body = body != NULL,
                                         .total_ms = 60000,
                                         .answer_max = ANSWER_MAX};
}

/* One to the world's server, its URL in ret_url. */
static struct io_http_call_options request_at(char ret_url[URL_ROOM], const struct world *w,
                                              const char *path, const char *body)
{
    snprintf(ret_url, URL_ROOM, "%s%s", w->url, path);
    return request(ret_url, body);
}

static void call(struct world *w, struct answer *a, const struct io_http_call_options *options)
{
    a->done = false;
    assert_int_equal(io_http_call(NULL, w->client, options, on_done, a), 0);
    assert_false(a->done);
    while (!a->done)
        io_loop_turn(w->loop, true);
}

static void test_calls(void **state)
{
    (void)state;
    struct world w;
    struct answer a = {.body = BUF_INIT};
    begin(&w);
    char url[URL_ROOM];
    snprintf(url, sizeof(url), "%s/echo", w.url);
    static const char *const methods[] = {"POST", "PUT", "DELETE", "GET", "HEAD", "GET", "POST"};
    for (size_t i = 0; i < BASE_COUNT(methods); i++) {
        bool has_body = i == 0 || i == 1 || i == 6;
        struct io_http_call_options options = request(url, has_body ? "hello" : NULL);
        options.method = methods[i];
        call(&w, &a, &options);
        assert_int_equal(a.fault, IO_HTTP_FAULT_NONE);
        assert_int_equal(a.status, 201);
        assert_string_equal(a.field, "echo");
        char expected[32];
        snprintf(expected, sizeof(expected), "%s %s", methods[i], has_body ? "hello" : "");
        assert_string_equal(buf_text(&a.body), strcmp(methods[i], "HEAD") ? expected : "");
    }
    assert_int_equal(w.connections, 1); /* kept */
    struct io_http_call_options options = request_at(url, &w, "/echo", "once");
    options.own_connection = true;
    for (int i = 0; i < 3; i++) {
        call(&w, &a, &options);
        assert_string_equal(buf_text(&a.body), "POST once");
        assert_int_equal(w.connections, 2); /* beside the first, and not kept */
    }
    options = request_at(url, &w, "/fields", "");
    static const struct io_http_field fields[] = {{"Accept", "text/plain"}, {"X-Empty", ""}};
    options.fields = fields;
    options.field_count = BASE_COUNT(fields);
    call(&w, &a, &options);
    snprintf(url, sizeof(url), "Host=%s;Accept=text/plain;X-Empty=;Content-Length=0;", w.url + 7);
    assert_string_equal(buf_text(&a.body), url);
    buf_release(&a.body);
    end(&w);
}

static void test_many(void **state)
{
    (void)state;
    struct world w;
    struct answer answers[100];
    begin(&w);
    char url[URL_ROOM];
    struct io_http_call_options options = request_at(url, &w, "/large", NULL);
    memset(answers, 0, sizeof(answers));
    for (size_t i = 0; i < BASE_COUNT(answers); i++)
        assert_int_equal(io_http_call(NULL, w.client, &options, on_done, &answers[i]), 0);
    assert_int_equal(io_http_client_calls(w.client), BASE_COUNT(answers));
    while (io_http_client_calls(w.client))
        io_loop_turn(w.loop, true);
    for (size_t i = 0; i < BASE_COUNT(answers); i++) {
        assert_int_equal(answers[i].status, 201);
        assert_int_equal(answers[i].body.len, 1 << 20);
        buf_release(&answers[i].body);
    }
    assert_true(w.connections <= CONNECTIONS);
    end(&w);
}

static void test_faults(void **state)
{
    (void)state;
    struct world w;
    struct answer a = {.body = BUF_INIT};
    begin(&w);
    char url[URL_ROOM];
    struct io_http_call_options options = request("ftp://127.0.0.1/", NULL);
    assert_int_equal(io_http_call(NULL, w.client, &options, on_done, &a), ERR_INPUT);
    assert_int_equal(io_http_client_calls(w.client), 0);

    options = request_at(url, &w, "/large", NULL);
    options.answer_max = (1 << 20) - 1;
    call(&w, &a, &options);
    assert_int_equal(a.fault, IO_HTTP_FAULT_TOO_LARGE);
    assert_int_equal(a.body.len, 0);

    options = request_at(url, &w, "/wait", "x");
    options.total_ms = 500; /* in which it comes to the server */
    call(&w, &a, &options);
    assert_int_equal(a.fault, IO_HTTP_FAULT_TIMEOUT);
    assert_non_null(w.kept);
    io_http_answer_text(w.kept, 200, "late");

    struct io_http_call *under_way;
    w.kept = NULL;
    a.done = false;
    options.total_ms = 0;
    assert_int_equal(io_http_call(&under_way, w.client, &options, on_done, &a), 0);
    while (!w.kept)
        io_loop_turn(w.loop, true);
    io_http_call_cancel(under_way);
    while (w.kept->connection)
        io_loop_turn(w.loop, true);
    assert_false(a.done);
    io_http_answer_text(w.kept, 200, "to nobody");

    /* The server goes in the middle of a call; then nobody is there. */
    w.kept = NULL;
    assert_int_equal(io_http_call(NULL, w.client, &options, on_done, &a), 0);
    while (!w.kept)
        io_loop_turn(w.loop, true);
    io_http_free(w.server);
    w.server = NULL;
    while (!a.done)
        io_loop_turn(w.loop, true);
    assert_int_equal(a.fault, IO_HTTP_FAULT_BROKEN);
    io_http_answer_text(w.kept, 200, "to nobody");
    call(&w, &a, &options);
    assert_int_equal(a.fault, IO_HTTP_FAULT_CONNECT);
    assert_true(strlen(a.message) > 0);
    options.url = "http://no-such-host.invalid/";
    call(&w, &a, &options);
    assert_int_equal(a.fault, IO_HTTP_FAULT_NAME);
    buf_release(&a.body);
    end(&w);
}

/* What stands where no HTTP server does. */
static void say_nonsense(void *context, struct io_stream *stream)
{
    static const struct io_stream_ops ops = {.read = NULL};
    (void)io_stream_write(stream, bytes_str(context));
    io_stream_accept(stream, &ops, NULL);
    io_stream_finish(stream, 1000);
}

static void test_nonsense(void **state)
{
    (void)state;
    static char texts[][64] = {"hello", "HTTP/1.1 abc\r\n\r\n",
                               "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nshort", ""};
    struct world w;
    struct answer a = {.body = BUF_INIT};
    struct err_detail detail;
    begin(&w);
    for (size_t i = 0; i < BASE_COUNT(texts); i++) {
        struct io_listener *listener;
        assert_int_equal(
            io_listen_tcp(&listener, w.loop, "127.0.0.1", 0, say_nonsense, texts[i], &detail), 0);
        char url[URL_ROOM];
        snprintf(url, sizeof(url), "http://127.0.0.1:%u/", io_listener_address(listener)->port);
        struct io_http_call_options options = request(url, NULL);
        call(&w, &a, &options);
        assert_true(a.fault == IO_HTTP_FAULT_MALFORMED || a.fault == IO_HTTP_FAULT_BROKEN);
        io_listener_close(listener);
    }
    buf_release(&a.body);
    end(&w);
}

struct freeing {
    struct world *world;
    bool done;
};

static void free_client(void *context, const struct io_http_reply *reply)
{
    struct freeing *f = context;
    assert_int_equal(reply->fault, IO_HTTP_FAULT_NONE);
    io_http_client_free(f->world->client);
    f->world->client = NULL;
    f->done = true;
}

static void never(void *context, const struct io_http_reply *reply)
{
    (void)context;
    (void)reply;
    fail_msg("a call of a client that was freed has ended");
}

static void test_free_inside(void **state)
{
    (void)state;
    struct world w;
    begin(&w);
    struct freeing f = {.world = &w};
    char url[URL_ROOM], wait[URL_ROOM];
    struct io_http_call_options options = request_at(url, &w, "/echo", "x"),
                                waiting = request_at(wait, &w, "/wait", "x");
    assert_int_equal(io_http_call(NULL, w.client, &waiting, never, NULL), 0);
    while (!w.kept)
        io_loop_turn(w.loop, true);
    assert_int_equal(io_http_call(NULL, w.client, &options, free_client, &f), 0);
    while (!f.done)
        io_loop_turn(w.loop, true);
    while (w.kept->connection)
        io_loop_turn(w.loop, true);
    io_http_answer_text(w.kept, 200, "to nobody");
    end(&w);
}

static void test_no_memory(void **state)
{
    (void)state;
    struct world w;
    struct answer a = {.body = BUF_INIT};
    begin(&w);
    char url[URL_ROOM];
    struct io_http_call_options options = request_at(url, &w, "/echo", "x");
    for (size_t n = 1;; n++) {
        struct io_http_client *client;
        struct io_http_client_options client_options = {.connections_max = 1,
                                                        .host_connections_max = 1};
        mem_fail_at(n, 1);
        int status = io_http_client_new(&client, w.loop, &client_options);
        if (status == 0) {
            status = io_http_call(NULL, client, &options, on_done, &a);
            io_http_client_free(client);
        }
        bool failed = mem_fail_left() == 0;
        mem_fail_at(0, 0);
        assert_int_equal(status, failed ? ERR_NOMEM : 0);
        if (!failed)
            break;
    }
    buf_release(&a.body);
    end(&w);
}

/* --- From a thread --- */

struct job {
    const char *path; /* of the socket */
    struct io_http_caller *caller;
    struct answer answers[3];
    bool done;
};

static void work(void *context)
{
    struct job *job = context;
    for (size_t i = 0; i < BASE_COUNT(job->answers); i++) {
        struct io_http_call_options options =
            request(i == 1 ? "http://c/large" : "http://c/echo", i == 2 ? "second" : NULL);
        options.unix_path = job->path;
        struct io_http_reply reply;
        assert_int_equal(io_http_caller_run(&reply, job->caller, &options), 0);
        note(&job->answers[i], &reply);
    }
}

static void worked(void *context)
{
    ((struct job *)context)->done = true;
}

static void test_caller(void **state)
{
    (void)state;
    struct world w;
    begin(&w);
    char folder[] = "/tmp/quorate-client-XXXXXX", path[64];
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof(path), "%s/s", folder);
    struct err_detail detail;
    assert_int_equal(io_http_listen_unix(w.server, path, &detail), 0);
    struct io_worker *worker;
    assert_int_equal(io_worker_new(&worker, w.loop), 0);
    struct job job = {.path = path};
    assert_int_equal(io_http_caller_new(&job.caller, NULL), 0);
    assert_int_equal(io_worker_run(worker, work, worked, &job), 0);
    while (!job.done)
        io_loop_turn(w.loop, true);
    assert_int_equal(w.connections, 1); /* kept */
    assert_string_equal(buf_text(&job.answers[0].body), "GET ");
    assert_int_equal(job.answers[1].body.len, 1 << 20);
    assert_string_equal(buf_text(&job.answers[2].body), "POST second");
    for (size_t i = 0; i < BASE_COUNT(job.answers); i++) {
        assert_int_equal(job.answers[i].status, 201);
        buf_release(&job.answers[i].body);
    }
    io_worker_free(worker);
    io_http_free(w.server);
    w.server = NULL;

    struct io_http_reply reply;
    struct io_http_call_options options = request("http://c/", NULL);
    options.unix_path = path;
    assert_int_equal(io_http_caller_run(&reply, job.caller, &options), 0);
    assert_int_equal(reply.fault, IO_HTTP_FAULT_CONNECT);
    io_http_caller_free(job.caller);
    assert_int_equal(rmdir(folder), 0);
    end(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_calls),       cmocka_unit_test(test_many),
        cmocka_unit_test(test_faults),      cmocka_unit_test(test_nonsense),
        cmocka_unit_test(test_free_inside), cmocka_unit_test(test_no_memory),
        cmocka_unit_test(test_caller),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
