/* The formats of answers; what the terminal remembers and waits for. */
#include "console/terminal.h"
#include "console/wire.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static struct console_http http;
static struct buf body;

static enum console_wire read_text(const char *text, bool closed)
{
    buf_clear(&body);
    return console_http_read(&http, &body, bytes_str(text), closed);
}

static void test_http(void **state)
{
    (void)state;
    static const char whole[] = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}HTTP";
    assert_int_equal(read_text(whole, false), CONSOLE_WIRE_DONE);
    assert_int_equal(http.status, 200);
    assert_string_equal(http.reason, "OK");
    assert_true(http.keep_alive);
    assert_int_equal(http.used, sizeof(whole) - 5);
    assert_string_equal(buf_text(&body), "{}");
    assert_int_equal(read_text("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n{}", false),
                     CONSOLE_WIRE_MORE);
    assert_int_equal(read_text("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n{}", true),
                     CONSOLE_WIRE_BAD);
    assert_int_equal(read_text("HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n{}", false),
                     CONSOLE_WIRE_BAD);
    assert_int_equal(
        read_text("HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n", false),
        CONSOLE_WIRE_BAD);
    assert_int_equal(read_text("SSH-2.0-OpenSSH\r\n", false), CONSOLE_WIRE_BAD);
    /* chunks, with a trailer; not complete one byte before */
    static const char chunks[] = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                                 "3\r\nabc\r\n2;x=y\r\nde\r\n0\r\nA: b\r\n\r\n";
    assert_int_equal(read_text(chunks, false), CONSOLE_WIRE_DONE);
    assert_string_equal(buf_text(&body), "abcde");
    buf_clear(&body);
    for (size_t len = 0; len < sizeof(chunks) - 1; len++) {
        assert_int_equal(console_http_read(&http, &body, bytes_of(chunks, len), false),
                         CONSOLE_WIRE_MORE);
        assert_int_equal(body.len, 0);
    }
    /* until the end of the connection */
    assert_int_equal(read_text("HTTP/1.0 403 Forbidden\r\n\r\nno", false), CONSOLE_WIRE_MORE);
    assert_int_equal(read_text("HTTP/1.0 403 Forbidden\r\n\r\nno", true), CONSOLE_WIRE_DONE);
    assert_string_equal(buf_text(&body), "no");
    assert_false(http.keep_alive);
    buf_release(&body);
}

static void test_frames(void **state)
{
    (void)state;
    struct console_frame frame;
    struct buf b = BUF_INIT;
    static const uint8_t mask[4] = {1, 2, 3, 4};
    assert_int_equal(console_frame_read(&frame, bytes_of("\x81\x02hi", 4)), CONSOLE_WIRE_DONE);
    assert_true(frame.final);
    assert_int_equal(frame.kind, CONSOLE_FRAME_TEXT);
    assert_int_equal(frame.used, 4);
    assert_int_equal(console_frame_read(&frame, bytes_of("\x81\x02h", 3)), CONSOLE_WIRE_MORE);
    assert_int_equal(console_frame_read(&frame, bytes_of("\x81\x82....hi", 8)), CONSOLE_WIRE_BAD);
    assert_int_equal(console_frame_read(&frame, bytes_of("\x89\x7e\x01\x00", 4)), CONSOLE_WIRE_BAD);
    assert_int_equal(
        console_frame_read(&frame, bytes_of("\x81\x7f\x7f\xff\xff\xff\xff\xff\xff\xff", 10)),
        CONSOLE_WIRE_BAD);
    console_frame_write(&b, CONSOLE_FRAME_TEXT, bytes_str("hello"), mask);
    assert_int_equal(b.len, 11);
    assert_memory_equal(b.data, "\x81\x85\x01\x02\x03\x04igohn", 11);
    buf_release(&b);
    /* RFC 6455, section 1.3 */
    char accept[32];
    console_ws_accept(accept, "dGhlIHNhbXBsZSBub25jZQ==");
    assert_string_equal(accept, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
}

static void test_json(void **state)
{
    (void)state;
    struct console_scan scan = {0};
    static const char text[] = " {\"a\":\"}\\\"\",\"b\":[{}]}\n{";
    assert_int_equal(console_json_end(&scan, bytes_of(text, 10)), CONSOLE_WIRE_MORE);
    assert_int_equal(console_json_end(&scan, bytes_str(text)), CONSOLE_WIRE_DONE);
    assert_int_equal(scan.at, sizeof(text) - 3);
    scan = (struct console_scan){0};
    assert_int_equal(console_json_end(&scan, bytes_str("nonsense")), CONSOLE_WIRE_BAD);
    scan = (struct console_scan){0};
    assert_int_equal(console_json_end(&scan, bytes_str("]")), CONSOLE_WIRE_BAD);
}

static void test_lines(void **state)
{
    (void)state;
    assert_int_equal(console_open_brackets(bytes_str("f({a: [1, 2")), 3);
    assert_int_equal(console_open_brackets(bytes_str("'({[' + \"\\\"(\"")), 0);
    assert_int_equal(console_open_brackets(bytes_str("a = }")), -1);
    assert_true(console_may_remember("eth.blockNumber"));
    assert_false(console_may_remember(" eth.blockNumber"));
    assert_false(console_may_remember("personal.unlockAccount(eth.accounts[0], 'x')"));
    assert_false(console_may_remember("var password = 'x'"));
}

static void test_endpoints(void **state)
{
    (void)state;
    static const struct {
        const char *endpoint, *says;
        int status;
    } wrong[] = {
        {"/nowhere/geth.ipc", "dial unix /nowhere/geth.ipc: connect: no such file or directory",
         ERR_IO},
        {"ipc:/nowhere/geth.ipc?PSI=x", "dial unix /nowhere/geth.ipc: connect: ", ERR_IO},
        {"ftp://host", "no known transport for URL scheme \"ftp\"", ERR_USAGE},
        {"http://127.0.0.1:1", "dial tcp 127.0.0.1:1: connect: connection refused", ERR_IO},
        {"ws://", "no host and port", ERR_USAGE},
        {"http://user:pass@127.0.0.1:1", "dial tcp 127.0.0.1:1: connect: connection refused",
         ERR_IO},
        {"http://user%4@127.0.0.1:1", "http://…: the user of the URL cannot be read", ERR_USAGE},
        {"ws://user:secret@", "ws://: no host and port", ERR_USAGE},
    };
    for (size_t i = 0; i < BASE_COUNT(wrong); i++) {
        struct console_client *client = NULL;
        struct console_client_options options = {.endpoint = wrong[i].endpoint};
        struct err_detail detail = {""};
        int status = console_client_new(&client, &options, &detail);
        struct buf answer = BUF_INIT;
        if (status == ERR_OK) /* HTTP connects when it asks */
            status = console_client_ask(client, &answer, bytes_str("{}"), &detail);
        assert_int_equal(status, wrong[i].status);
        assert_non_null(strstr(detail.text, wrong[i].says));
        console_client_free(client);
        buf_release(&answer);
    }
}

static void test_shown(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"http://host:1/x?y", "http://host:1/x?y"},
        {"http://user:pa@ss@host/@", "http://user:***@host/@"},
        {"wss://user@host", "wss://user@host"},
        {"/some/geth.ipc", "/some/geth.ipc"},
    };
    for (size_t i = 0; i < BASE_COUNT(cases); i++) {
        char text[CONSOLE_ENDPOINT_SHOWN];
        console_endpoint_shown(text, cases[i][0]);
        assert_string_equal(text, cases[i][1]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_http),      cmocka_unit_test(test_frames),
        cmocka_unit_test(test_json),      cmocka_unit_test(test_lines),
        cmocka_unit_test(test_endpoints), cmocka_unit_test(test_shown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
