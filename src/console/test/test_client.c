/* Endpoints, and what is said of servers that do not answer as they should; what the terminal remembers and waits for. */
#include "console/client.h"
#include "console/json_end.h"
#include "console/terminal.h"

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

static void test_json(void **state)
{
    (void)state;
    struct console_scan scan = {0};
    static const char text[] = " {\"a\":\"}\\\"\",\"b\":[{}]}\n{";
    assert_int_equal(console_json_end(&scan, bytes_of(text, 10)), CONSOLE_JSON_MORE);
    assert_int_equal(console_json_end(&scan, bytes_str(text)), CONSOLE_JSON_DONE);
    assert_int_equal(scan.at, sizeof(text) - 3);
    scan = (struct console_scan){0};
    assert_int_equal(console_json_end(&scan, bytes_str("nonsense")), CONSOLE_JSON_BAD);
    scan = (struct console_scan){0};
    assert_int_equal(console_json_end(&scan, bytes_str("]")), CONSOLE_JSON_BAD);
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
        {"ws://127.0.0.1:1", "dial tcp 127.0.0.1:1: connect: connection refused", ERR_IO},
        {"wss://[::1]:1/x", "dial tcp ::1:1: connect: ", ERR_IO},
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

/* --- Servers --- */

/* Takes one connection after the other, reads something, says its answer, and closes when the client does, or at once. */
struct server {
    int listener;
    const char *answer;
    bool hangs_up;
    char asked[1024]; /* the last one's beginning */
    char endpoint[128], path[64];
    pthread_t thread;
};

static void *serve(void *context)
{
    struct server *s = context;
    char rest[4096];
    int fd;
    while ((fd = accept(s->listener, NULL, NULL)) >= 0) {
        ssize_t len = recv(fd, s->asked, sizeof(s->asked) - 1, 0);
        s->asked[len > 0 ? len : 0] = 0;
        (void)!send(fd, s->answer, strlen(s->answer), MSG_NOSIGNAL);
        while (!s->hangs_up && recv(fd, rest, sizeof(rest), 0) > 0)
            ;
        close(fd);
    }
    return NULL;
}

static void begin(struct server *s, const char *scheme, const char *answer, bool hangs_up)
{
    struct sockaddr_in web = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct sockaddr_un local = {.sun_family = AF_UNIX};
    socklen_t len = sizeof(web);
    *s = (struct server){.answer = answer, .hangs_up = hangs_up};
    snprintf(s->path, sizeof(s->path), "/tmp/test_console_%d.ipc", getpid());
    snprintf(local.sun_path, sizeof(local.sun_path), "%s", s->path);
    s->listener = socket(*scheme ? AF_INET : AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (*scheme) {
        assert_int_equal(bind(s->listener, (const struct sockaddr *)&web, sizeof(web)), 0);
        assert_int_equal(getsockname(s->listener, (struct sockaddr *)&web, &len), 0);
        snprintf(s->endpoint, sizeof(s->endpoint), "%sme:it@127.0.0.1:%u/x", scheme,
                 ntohs(web.sin_port));
    } else {
        assert_int_equal(bind(s->listener, (const struct sockaddr *)&local, sizeof(local)), 0);
        snprintf(s->endpoint, sizeof(s->endpoint), "%s", s->path);
    }
    assert_int_equal(listen(s->listener, 4), 0);
    assert_int_equal(pthread_create(&s->thread, NULL, serve, s), 0);
}

static void end(struct server *s)
{
    shutdown(s->listener, SHUT_RDWR);
    pthread_join(s->thread, NULL);
    close(s->listener);
    unlink(s->path);
}

/* Asks once; ERR_… of the connection or the question. */
static int ask(const struct server *s, struct buf *ret_answer, struct err_detail *detail)
{
    struct console_client *client = NULL;
    const struct console_client_options options = {
        .endpoint = s->endpoint, .timeout_ms = 100, .answer_max = 1 << 20};
    int status = console_client_new(&client, &options, detail);
    if (status == ERR_OK)
        status = console_client_ask(client, ret_answer, bytes_str("{}"), detail);
    console_client_free(client);
    return status;
}

static const char http_200[] = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}";
static const char http_401[] = "HTTP/1.1 401 Unauthorized\r\nContent-Length: 2\r\n\r\nno";

static void test_servers(void **state)
{
    (void)state;
    static char large[(1 << 20) + 100];
    memset(large, ' ', sizeof(large) - 1);
    static const struct {
        const char *scheme, *answer, *says;
        bool hangs_up;
        int status;
    } cases[] = {
        {"http://", http_200, "{}", false, ERR_OK},
        {"http://", http_401, "401 Unauthorized: no", false, ERR_INPUT},
        {"http://", "SSH-2.0-OpenSSH\r\n\r\n", "does not answer with HTTP", true, ERR_INPUT},
        {"http://", "", "Post \"http://me:***@127.0.0.1:", true, ERR_IO},
        {"http://", "", "did not answer within 100 ms", false, ERR_TIMEOUT},
        {"ws://", http_401, "websocket: bad handshake (HTTP status 401 Unauthorized)", false,
         ERR_IO},
        {"ws://", "SSH-2.0-OpenSSH\r\n\r\n", "the answer is no HTTP", false, ERR_IO},
        {"ws://", "", "did not answer within 100 ms", false, ERR_TIMEOUT},
        {"", " [1]\n", "[1]", false, ERR_OK},
        {"", "hello", "does not answer with JSON", false, ERR_INPUT},
        {"", "{\"a\":", "did not answer within 100 ms", false, ERR_TIMEOUT},
        {"", "{\"a\":", " is lost", true, ERR_IO},
        {"", large, "the answer is larger than 1 MiB", false, ERR_LIMIT},
    };
    for (size_t i = 0; i < BASE_COUNT(cases); i++) {
        struct server s;
        struct buf answer = BUF_INIT;
        struct err_detail detail = {""};
        begin(&s, cases[i].scheme, cases[i].answer, cases[i].hangs_up);
        int status = ask(&s, &answer, &detail);
        end(&s);
        const char *said = status == ERR_OK ? buf_text(&answer) : detail.text;
        if (status != cases[i].status || !strstr(said, cases[i].says))
            fail_msg("%s with \"%.30s\": %d, %s", cases[i].scheme, cases[i].answer, status, said);
        if (*cases[i].scheme)
            assert_non_null(strstr(s.asked, "\r\nAuthorization: Basic bWU6aXQ=\r\n"));
        buf_release(&answer);
    }
}

/* A connection that was lost is made again for the next question. */
static void test_again(void **state)
{
    (void)state;
    struct server s;
    struct buf answer = BUF_INIT;
    struct err_detail detail = {""};
    struct console_client *client = NULL;
    begin(&s, "", "{}", true);
    const struct console_client_options options = {.endpoint = s.endpoint};
    assert_int_equal(console_client_new(&client, &options, &detail), 0);
    for (int i = 0; i < 10; i++) {
        int status = console_client_ask(client, &answer, bytes_str("[]"), &detail);
        if (status == ERR_IO) /* it ended while it was asked; what was asked is not repeated */
            status = console_client_ask(client, &answer, bytes_str("[]"), &detail);
        assert_int_equal(status, ERR_OK);
    }
    assert_string_equal(buf_text(&answer), "{}{}{}{}{}{}{}{}{}{}");
    console_client_free(client);
    buf_release(&answer);
    end(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_json),      cmocka_unit_test(test_lines),
        cmocka_unit_test(test_endpoints), cmocka_unit_test(test_shown),
        cmocka_unit_test(test_servers),   cmocka_unit_test(test_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
