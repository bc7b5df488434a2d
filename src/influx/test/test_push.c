/* Pushing to a server of this program's own. */
#include "base/mem.h"
#include "influx/push.h"
#include "io/http.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

enum { EVERY_MS = 5 };

struct world {
    struct io_loop *loop;
    struct io_http_server *server;
    struct influx_push *push;
    struct io_http_request *kept; /* not answered */
    char url[128];
    unsigned status; /* to answer with; 0: not at all */
    const char *says;
    size_t requests, written;
    struct buf seen; /* of the last request: method, path, query, authorization, body */
    struct buf told;
    bool writes;
};

static void serve(void *context, struct io_http_request *request)
{
    struct world *w = context;
    const struct bytes *authorization = io_http_head_field(&request->head, "authorization");
    w->requests++;
    buf_clear(&w->seen);
    buf_append_bytes(&w->seen, request->head.method);
    buf_append_byte(&w->seen, ' ');
    buf_append_bytes(&w->seen, request->path);
    buf_append_byte(&w->seen, '?');
    buf_append_bytes(&w->seen, request->query);
    buf_append_byte(&w->seen, ' ');
    if (authorization)
        buf_append_bytes(&w->seen, *authorization);
    buf_append_byte(&w->seen, ' ');
    buf_append_bytes(&w->seen, request->body);
    static const struct io_http_field elsewhere = {"Location", "/elsewhere"};
    struct buf body = BUF_INIT;
    buf_append_text(&body, w->says);
    if (w->status)
        io_http_answer(request, w->status, &elsewhere, w->status / 100 == 3, &body);
    else
        w->kept = request;
    buf_release(&body);
}

static void write_lines(void *context, struct buf *b)
{
    struct world *w = context;
    w->written++;
    if (w->writes)
        buf_append_text(b, "m v=1i\n");
}

static void tell(void *context, bool well, const char *endpoint, const char *why)
{
    struct world *w = context;
    assert_non_null(strstr(endpoint, "://127.0.0.1:"));
    assert_null(strchr(endpoint, '@'));
    buf_append_format(&w->told, "<%s%s>", well ? "well" : "", why);
}

static void begin(struct world *w)
{
    struct err_detail detail;
    *w = (struct world){.status = 204, .says = "", .writes = true};
    assert_int_equal(io_loop_new(&w->loop), 0);
    struct io_http_options options = {.context = w,
                                      .request = serve,
                                      .body_max = 1 << 20,
                                      .connections_max = 10,
                                      .read_ms = 60000,
                                      .write_ms = 60000,
                                      .idle_ms = 60000};
    assert_int_equal(io_http_new(&w->server, w->loop, &options), 0);
    assert_int_equal(io_http_listen_tcp(w->server, "127.0.0.1", 0, &detail), 0);
}

static void start(struct world *w, const char *before, const char *behind, const char *username)
{
    struct err_detail detail = {""};
    snprintf(w->url, sizeof(w->url), "http://%s127.0.0.1:%u%s", before,
             io_http_address(w->server)->port, behind);
    const struct influx_push_options options = {.endpoint = w->url,
                                                .database = "my db&",
                                                .username = username,
                                                .password = "s3cret",
                                                .query = "&rp=",
                                                .every_ms = EVERY_MS,
                                                .write = write_lines,
                                                .tell = tell,
                                                .context = w};
    assert_int_equal(influx_push_start(&w->push, w->loop, &options, &detail), 0);
}

static void end(struct world *w)
{
    influx_push_stop(w->push);
    if (w->kept)
        io_http_answer_text(w->kept, 204, "");
    io_http_free(w->server);
    io_loop_free(w->loop);
    buf_release(&w->seen);
    buf_release(&w->told);
}

static void until_requests(struct world *w, size_t more)
{
    size_t wanted = w->requests + more;
    while (w->requests < wanted)
        io_loop_turn(w->loop, true);
}

static void test_requests(void **state)
{
    (void)state;
    static const struct {
        const char *before, *behind, *username, *seen;
    } rows[] = {
        {"", "", "me", "POST /write?db=my%20db%26&rp= Basic bWU6czNjcmV0 m v=1i\n"},
        {"", "/", "", "POST /write?db=my%20db%26&rp=  m v=1i\n"},
        {"", "/in/flux//", NULL, "POST /in/flux/write?db=my%20db%26&rp=  m v=1i\n"},
        {"", "/x?u=1#f", "", "POST /x/write?db=my%20db%26&rp=&u=1  m v=1i\n"},
        {"", "?u=1", "", "POST /write?db=my%20db%26&rp=&u=1  m v=1i\n"},
        {"a%40b:c%3Ad%@", "", "", /* a@b:c:d% */
         "POST /write?db=my%20db%26&rp= Basic YUBiOmM6ZCU= m v=1i\n"},
        {"a:b@", "", "me", "POST /write?db=my%20db%26&rp= Basic bWU6czNjcmV0 m v=1i\n"},
    };
    for (size_t i = 0; i < BASE_COUNT(rows); i++) {
        struct world w;
        begin(&w);
        start(&w, rows[i].before, rows[i].behind, rows[i].username);
        until_requests(&w, 2);
        assert_string_equal(buf_text(&w.seen), rows[i].seen);
        assert_string_equal(buf_text(&w.told), "<well>"); /* once */
        end(&w);
    }
}

static void test_failures(void **state)
{
    (void)state;
    struct world w;
    begin(&w);
    start(&w, "", "", "me");
    w.status = 401;
    w.says = "{\"error\":\"no\n\"}\n";
    until_requests(&w, 4);
    w.status = 500;
    w.says = "your s3cret is wrong";
    until_requests(&w, 3);
    w.status = 307; /* goes nowhere else */
    w.says = "Basic bWU6czNjcmV0";
    until_requests(&w, 3);
    assert_non_null(strstr(buf_text(&w.seen), "POST /write?"));
    w.status = 200;
    w.says = "";
    until_requests(&w, 3);
    assert_string_equal(buf_text(&w.told),
                        "<status 401: {\"error\":\"no?\"}><status 500><status 307><well>");
    end(&w);
}

/* While one is not answered there is no other; it ends with the pushing. */
static void test_one_at_a_time(void **state)
{
    (void)state;
    struct world w;
    begin(&w);
    start(&w, "", "", "");
    w.status = 0;
    until_requests(&w, 1);
    uint64_t since = io_loop_now(w.loop);
    while (io_loop_now(w.loop) - since < 10 * EVERY_MS)
        io_loop_turn(w.loop, true);
    assert_int_equal(w.requests, 1);
    assert_int_equal(w.written, 1);
    end(&w);
}

static void test_unreachable(void **state)
{
    (void)state;
    struct world w;
    begin(&w);
    start(&w, "", "", "");
    io_http_free(w.server);
    w.server = NULL;
    while (!w.told.len || w.written < 5)
        io_loop_turn(w.loop, true);
    assert_non_null(strstr(buf_text(&w.told), "cannot connect"));
    assert_null(strchr(buf_text(&w.told) + 1, '<')); /* once */
    end(&w);
}

static void test_nothing_to_say(void **state)
{
    (void)state;
    struct world w;
    begin(&w);
    w.writes = false;
    start(&w, "", "", "");
    while (w.written < 3)
        io_loop_turn(w.loop, true);
    assert_int_equal(w.requests, 0);
    end(&w);
}

static void test_no_endpoint(void **state)
{
    (void)state;
    static const char *const rows[] = {"",        "localhost:8086", "ftp://a:1",
                                       "http://", "http:///x",      "https://a@"};
    for (size_t i = 0; i < BASE_COUNT(rows); i++) {
        struct err_detail detail = {""};
        struct io_loop *loop;
        struct influx_push *push = NULL;
        const struct influx_push_options options = {
            .endpoint = rows[i], .database = "d", .query = "", .every_ms = 1};
        assert_int_equal(io_loop_new(&loop), 0);
        assert_int_equal(influx_push_start(&push, loop, &options, &detail), ERR_INPUT);
        assert_string_equal(detail.text, "http://host:port or https://host:port is expected");
        io_loop_free(loop);
    }
}

static void test_memory(void **state)
{
    (void)state;
    for (size_t n = 1;; n++) {
        struct err_detail detail = {""};
        struct io_loop *loop;
        struct influx_push *push = NULL;
        const struct influx_push_options options = {
            .endpoint = "http://u:p@127.0.0.1:1/x", .database = "d", .query = "", .every_ms = 1000};
        assert_int_equal(io_loop_new(&loop), 0);
        mem_fail_at(n, 1);
        int status = influx_push_start(&push, loop, &options, &detail);
        bool failed = mem_fail_left() == 0;
        mem_fail_at(0, 0);
        assert_int_equal(status, failed ? ERR_NOMEM : ERR_OK);
        influx_push_stop(push);
        io_loop_free(loop);
        if (!failed)
            break;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_requests),       cmocka_unit_test(test_failures),
        cmocka_unit_test(test_one_at_a_time),  cmocka_unit_test(test_unreachable),
        cmocka_unit_test(test_nothing_to_say), cmocka_unit_test(test_no_endpoint),
        cmocka_unit_test(test_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
