/* Heads of HTTP requests, and bodies in chunks. */
#include "io/http_head.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

/* --- Heads --- */

static enum io_http_verdict read_head(struct io_http_head *ret_head, const char *text)
{
    return io_http_head_read(ret_head, bytes_str(text));
}

static void test_head(void **state)
{
    (void)state;
    struct io_http_head h;
    const char *text =
        "POST /rpc?a=b HTTP/1.1\r\nHost: localhost:8545\r\nContent-Type:\tapplication/json \r\n"
        "content-length: 17\r\nExpect: 100-continue\r\n\r\n";
    assert_int_equal(io_http_head_length(bytes_str(text), 0), strlen(text));
    for (size_t i = 0; i < strlen(text); i++)
        assert_int_equal(io_http_head_length(bytes_of(text, i), i ? i - 1 : 0), 0);
    assert_int_equal(read_head(&h, text), IO_HTTP_OK);
    assert_true(bytes_equal(h.method, bytes_str("POST")));
    assert_true(bytes_equal(h.target, bytes_str("/rpc?a=b")));
    assert_int_equal(h.field_count, 4);
    assert_true(
        bytes_equal(*io_http_head_field(&h, "CONTENT-TYPE"), bytes_str("application/json")));
    assert_null(io_http_head_field(&h, "origin"));
    assert_true(h.has_length && h.body_length == 17 && h.keep_alive && h.expects_continue &&
                !h.chunked);

    assert_int_equal(read_head(&h, "GET / HTTP/1.0\n\n"), IO_HTTP_OK);
    assert_true(!h.keep_alive && !h.has_length && h.minor == 0);
    assert_int_equal(read_head(&h, "GET / HTTP/1.0\r\nConnection: foo, Keep-Alive\r\n\r\n"),
                     IO_HTTP_OK);
    assert_true(h.keep_alive);
    assert_int_equal(read_head(&h, "GET / HTTP/1.1\r\nhost: a\r\nConnection: close\r\n\r\n"),
                     IO_HTTP_OK);
    assert_false(h.keep_alive);
    assert_int_equal(
        read_head(&h, "POST / HTTP/1.1\r\nhost: a\r\nTransfer-Encoding: chunked\r\n\r\n"),
        IO_HTTP_OK);
    assert_true(h.chunked);
}

static void test_bad_heads(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum io_http_verdict verdict;
    } heads[] = {
        {"GET /\r\n\r\n", IO_HTTP_BAD},
        {"GET  / HTTP/1.1\r\nhost: a\r\n\r\n", IO_HTTP_BAD},
        {"GET / HTTP/1.1 \r\nhost: a\r\n\r\n", IO_HTTP_BAD},
        {"G(T / HTTP/1.1\r\nhost: a\r\n\r\n", IO_HTTP_BAD},
        {"GET / HTTP/2.0\r\nhost: a\r\n\r\n", IO_HTTP_BAD_VERSION},
        {"GET / HTTP/1.2\r\nhost: a\r\n\r\n", IO_HTTP_BAD_VERSION},
        {"GET / http/1.1\r\nhost: a\r\n\r\n", IO_HTTP_BAD},
        {"GET / HTTP/1.1\r\n\r\n", IO_HTTP_NO_HOST},
        {"GET / HTTP/1.1\r\nhost: a\r\nHost: b\r\n\r\n", IO_HTTP_NO_HOST},
        {"GET / HTTP/1.1\r\nhost : a\r\n\r\n", IO_HTTP_BAD},
        {"GET / HTTP/1.1\r\nhost: a\r\n folded\r\n\r\n", IO_HTTP_BAD},
        {"GET / HTTP/1.1\r\nhost: a\r\nno colon\r\n\r\n", IO_HTTP_BAD},
        {"GET / HTTP/1.1\r\nhost: a\r\nx: \x01\r\n\r\n", IO_HTTP_BAD},
        {"GET / HTTP/1.1\r\nhost: a\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n",
         IO_HTTP_BAD_LENGTH},
        {"GET / HTTP/1.1\r\nhost: a\r\ncontent-length: -1\r\n\r\n", IO_HTTP_BAD_LENGTH},
        {"GET / HTTP/1.1\r\nhost: a\r\ncontent-length: 1, 1\r\n\r\n", IO_HTTP_BAD_LENGTH},
        {"GET / HTTP/1.1\r\nhost: a\r\ncontent-length: 9999999999999999999\r\n\r\n",
         IO_HTTP_BAD_LENGTH},
        {"GET / HTTP/1.1\r\nhost: a\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\n",
         IO_HTTP_BAD_LENGTH},
        {"GET / HTTP/1.0\r\ntransfer-encoding: chunked\r\n\r\n", IO_HTTP_BAD_LENGTH},
        {"GET / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: gzip, chunked\r\n\r\n",
         IO_HTTP_BAD_ENCODING},
        {"GET / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\ntransfer-encoding: "
         "chunked\r\n\r\n",
         IO_HTTP_BAD_ENCODING},
    };
    for (size_t i = 0; i < BASE_COUNT(heads); i++) {
        struct io_http_head h;
        if (read_head(&h, heads[i].text) != heads[i].verdict)
            fail_msg("%s: not %s", heads[i].text, io_http_verdict_text(heads[i].verdict));
    }
}

static void test_too_many_fields(void **state)
{
    (void)state;
    struct buf b = BUF_INIT;
    struct io_http_head h;
    buf_append_text(&b, "GET / HTTP/1.1\r\nhost: a\r\n");
    for (int i = 0; i < IO_HTTP_FIELDS_MAX; i++)
        buf_append_text(&b, "x: y\r\n");
    buf_append_text(&b, "\r\n");
    assert_int_equal(io_http_head_read(&h, buf_bytes(&b)), IO_HTTP_TOO_LARGE);
    buf_release(&b);
}

/* --- Chunks --- */

/* Feeds in pieces of `piece` bytes. */
static enum io_http_verdict feed(const char *text, struct buf *body, size_t piece, size_t max,
                                 size_t *ret_used)
{
    struct io_http_chunks chunks;
    enum io_http_verdict verdict = IO_HTTP_MORE;
    size_t at = 0, len = strlen(text);
    io_http_chunks_init(&chunks);
    buf_clear(body);
    while (verdict == IO_HTTP_MORE && at < len) {
        size_t used, take = len - at < piece ? len - at : piece;
        verdict = io_http_chunks_feed(&chunks, body, &used, bytes_of(text + at, take), max);
        at += used;
    }
    *ret_used = at;
    return verdict;
}

static void test_chunks(void **state)
{
    (void)state;
    static const char text[] =
        "4\r\nWiki\r\n5;x=y\r\npedia\r\nE\r\n in\r\n\r\nchunks.\r\n0\r\nTrailer: x\r\n\r\nNEXT";
    struct buf body = BUF_INIT;
    size_t used;
    for (size_t piece = 1; piece < sizeof(text); piece++) {
        assert_int_equal(feed(text, &body, piece, 100, &used), IO_HTTP_OK);
        assert_string_equal(buf_text(&body), "Wikipedia in\r\n\r\nchunks.");
        assert_string_equal(text + used, "NEXT");
    }
    assert_int_equal(feed(text, &body, 7, 22, &used), IO_HTTP_TOO_LARGE);
    assert_int_equal(feed(text, &body, 7, 23, &used), IO_HTTP_OK);
    assert_int_equal(feed("0\r\n\r\n", &body, 1, 0, &used), IO_HTTP_OK);
    assert_int_equal(feed("\r\n", &body, 1, 9, &used), IO_HTTP_BAD);
    assert_int_equal(feed("g\r\n", &body, 1, 9, &used), IO_HTTP_BAD);
    assert_int_equal(feed("1x\r\n", &body, 1, 9, &used), IO_HTTP_BAD);
    assert_int_equal(feed("1\r\nab", &body, 1, 9, &used), IO_HTTP_BAD);
    assert_int_equal(feed("ffffffffffffffff\r\n", &body, 1, 9, &used), IO_HTTP_BAD);
    assert_int_equal(feed("1\r\na\r\r\n", &body, 1, 9, &used), IO_HTTP_BAD);
    assert_int_equal(feed("1\r\na\r\n", &body, 3, 9, &used), IO_HTTP_MORE);
    buf_release(&body);
}

/* A body of single bytes is one; with four kilobytes beside each of them it is not read on and on. */
static void test_tiny_chunks(void **state)
{
    (void)state;
    enum { COUNT = 5000 };
    struct buf text = BUF_INIT, body = BUF_INIT;
    size_t used;
    for (size_t i = 0; i < COUNT; i++)
        buf_append_text(&text, "1\r\nx\r\n");
    buf_append_text(&text, "0\r\n\r\n");
    assert_int_equal(feed(buf_text(&text), &body, 1000, COUNT, &used), IO_HTTP_OK);
    assert_int_equal(body.len, COUNT);
    buf_clear(&text);
    for (size_t i = 0; i < 100; i++) {
        buf_append_text(&text, "1;");
        memset(buf_extend(&text, 4000), 'y', 4000);
        buf_append_text(&text, "\r\nx\r\n");
    }
    assert_int_equal(feed(buf_text(&text), &body, 1000, COUNT, &used), IO_HTTP_BAD);
    assert_true(body.len < 20);
    buf_release(&text);
    buf_release(&body);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_head),
        cmocka_unit_test(test_bad_heads),
        cmocka_unit_test(test_too_many_fields),
        cmocka_unit_test(test_chunks),
        cmocka_unit_test(test_tiny_chunks),
    };
    return cmocka_run_group_tests_name("http_head", tests, NULL, NULL);
}
