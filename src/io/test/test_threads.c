/* Mailboxes, loops with threads of their own, and HTTP servers of several threads that share one port. */
#include "io/http.h"
#include "io/http_client.h"
#include "io/mailbox.h"
#include "io/test/client.h"
#include "io/thread.h"
#include "tests/support/pair.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

/* --- Mailboxes --- */

enum { SENDERS = 3, LETTERS = 2000 };

struct letter {
    struct io_mail mail;
    unsigned sender, number;
};

struct post_office {
    struct io_mailbox *box;
    unsigned next[SENDERS]; /* number that is due of each */
    unsigned got;
    atomic_uint begun;
};

static void on_letter(void *context, struct io_mail *mail)
{
    struct post_office *office = context;
    struct letter *letter = (struct letter *)(void *)mail;
    assert_int_equal(letter->number, office->next[letter->sender]++);
    office->got++;
    free(letter);
}

static void *send_all(void *context)
{
    struct post_office *office = context;
    unsigned sender = atomic_fetch_add(&office->begun, 1);
    for (unsigned i = 0; i < LETTERS; i++) {
        struct letter *letter = malloc(sizeof(*letter));
        if (!letter)
            abort();
        *letter = (struct letter){.sender = sender, .number = i};
        io_mailbox_send(office->box, &letter->mail);
    }
    return NULL;
}

static void begin_sending(struct post_office *office, pthread_t threads[SENDERS])
{
    for (size_t i = 0; i < SENDERS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, send_all, office), 0);
}

static void end_sending(pthread_t threads[SENDERS])
{
    for (size_t i = 0; i < SENDERS; i++)
        pthread_join(threads[i], NULL);
}

static void test_mailbox(void **state)
{
    (void)state;
    struct post_office office = {0};
    struct io_loop *loop;
    pthread_t threads[SENDERS];
    assert_int_equal(io_loop_new(&loop), 0);
    assert_int_equal(io_mailbox_new(&office.box, loop, on_letter, &office), 0);
    begin_sending(&office, threads);
    while (office.got < SENDERS * LETTERS)
        io_loop_turn(loop, true);
    end_sending(threads);
    /* What is on its way at the end comes as well. */
    office = (struct post_office){.box = office.box};
    begin_sending(&office, threads);
    end_sending(threads);
    assert_int_equal(office.got, 0);
    io_mailbox_free(office.box);
    assert_int_equal(office.got, SENDERS * LETTERS);
    io_loop_free(loop);
}

/* Each frees the other's mailbox in its own letter: the second finds nothing of what was freed. */
struct rival {
    struct io_mailbox *own, *other;
    unsigned got;
};

static void on_rival(void *context, struct io_mail *mail)
{
    struct rival *rival = context;
    (void)mail;
    rival->got++;
    if (rival->other) {
        struct io_mailbox *other = rival->other;
        rival->other = NULL;
        io_mailbox_free(other);
    }
}

static void test_mailbox_freed_by_another(void **state)
{
    (void)state;
    struct io_loop *loop;
    struct rival a = {0}, b = {0};
    struct io_mail to_a, to_b;
    assert_int_equal(io_loop_new(&loop), 0);
    assert_int_equal(io_mailbox_new(&a.own, loop, on_rival, &a), 0);
    assert_int_equal(io_mailbox_new(&b.own, loop, on_rival, &b), 0);
    a.other = b.own;
    io_mailbox_send(a.own, &to_a);
    io_mailbox_send(b.own, &to_b);
    io_loop_turn(loop, true);
    assert_int_equal(a.got, 1);
    assert_int_equal(b.got, 1);
    io_mailbox_free(a.own);
    io_loop_free(loop);
}

/* --- Threads --- */

struct seen {
    pthread_t thread;
    unsigned calls;
};

static void see(void *context)
{
    struct seen *seen = context;
    seen->thread = pthread_self();
    seen->calls++;
}

static void test_thread(void **state)
{
    (void)state;
    struct io_thread *thread;
    struct seen called = {.calls = 0}, posted = {.calls = 0};
    assert_int_equal(io_thread_new(&thread, "test"), 0);
    io_thread_call(thread, see, &called);
    io_thread_call(thread, see, &called);
    assert_int_equal(called.calls, 2);
    assert_false(pthread_equal(called.thread, pthread_self()));
    for (int i = 0; i < 100; i++)
        assert_int_equal(io_loop_post(io_thread_loop(thread), see, &posted), 0);
    io_thread_free(thread);
    assert_int_equal(posted.calls, 100);
    io_thread_free(NULL);
}

/* --- Servers that share --- */

enum { THREADS = 2, REQUESTS = 40 };

struct server {
    struct io_loop *loop;
    struct io_http_server *http;
    struct io_http_server *listening; /* where "/main" is served; NULL: here */
    struct io_thread *thread;
    atomic_uint requests;
};

struct servers {
    struct io_loop *loop;
    struct server main, others[THREADS];
    size_t connections_max;
};

static void on_head(void *context, struct io_http_request *request)
{
    struct server *server = context;
    if (server->listening && bytes_equal(request->path, bytes_str("/main")))
        if (!io_http_move(request, server->listening))
            abort(); /* no thread of a test's */
}

/* "here" or "main", then the body. */
static void on_request(void *context, struct io_http_request *request)
{
    struct server *server = context;
    struct buf body = BUF_INIT;
    atomic_fetch_add(&server->requests, 1);
    buf_append_text(&body, server->listening ? "here " : "main ");
    buf_append_bytes(&body, request->body);
    io_http_answer(request, 200, NULL, 0, &body);
}

static void make_server(struct server *server, size_t connections_max)
{
    const struct io_http_options options = {.context = server,
                                            .head = on_head,
                                            .request = on_request,
                                            .body_max = 1 << 20,
                                            .connections_max = connections_max,
                                            .read_ms = 60000,
                                            .write_ms = 60000,
                                            .idle_ms = 60000};
    assert_int_equal(io_http_new(&server->http, server->loop, &options), 0);
}

static void make_other(void *context)
{
    make_server(context, 1000);
}

static void free_other(void *context)
{
    struct server *server = context;
    io_http_free(server->http);
}

static uint16_t begin(struct servers *s, size_t connections_max, struct io_tls *tls)
{
    struct io_http_server *others[THREADS];
    struct err_detail detail;
    *s = (struct servers){.loop = NULL};
    assert_int_equal(io_loop_new(&s->loop), 0);
    s->main.loop = s->loop;
    make_server(&s->main, connections_max);
    assert_int_equal(tls ? io_http_listen_tls(s->main.http, "127.0.0.1", 0, tls, &detail)
                         : io_http_listen_tcp(s->main.http, "127.0.0.1", 0, &detail),
                     0);
    for (size_t i = 0; i < THREADS; i++) {
        struct server *server = &s->others[i];
        assert_int_equal(io_thread_new(&server->thread, "http"), 0);
        server->loop = io_thread_loop(server->thread);
        server->listening = s->main.http;
        io_thread_call(server->thread, make_other, server);
        others[i] = server->http;
    }
    assert_int_equal(io_http_share(s->main.http, others, THREADS), 0);
    return io_http_address(s->main.http)->port;
}

static void end(struct servers *s)
{
    for (size_t i = 0; i < THREADS; i++) {
        io_thread_call(s->others[i].thread, free_other, &s->others[i]);
        io_thread_free(s->others[i].thread);
    }
    io_http_free(s->main.http);
    io_loop_free(s->loop);
}

/* Each connection stays where it came, and both threads have their share. */
static void test_shared(void **state)
{
    (void)state;
    struct servers s;
    struct client clients[4];
    uint16_t port = begin(&s, 100, NULL);
    for (size_t i = 0; i < BASE_COUNT(clients); i++)
        client_tcp(&clients[i], s.loop, port);
    for (int round = 0; round < REQUESTS; round++) {
        char text[160], wanted[32];
        snprintf(text, sizeof(text),
                 "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nnumber %02d", round);
        snprintf(wanted, sizeof(wanted), "here number %02d", round);
        for (size_t i = 0; i < BASE_COUNT(clients); i++)
            client_say(&clients[i], text);
        for (size_t i = 0; i < BASE_COUNT(clients); i++)
            client_await(&clients[i], wanted);
    }
    assert_int_equal(io_http_connections(s.main.http), BASE_COUNT(clients));
    for (size_t i = 0; i < THREADS; i++)
        assert_int_equal(atomic_load(&s.others[i].requests),
                         REQUESTS * BASE_COUNT(clients) / THREADS);
    assert_int_equal(atomic_load(&s.main.requests), 0);
    for (size_t i = 0; i < BASE_COUNT(clients); i++)
        client_end(&clients[i]);
    end(&s);
}

/* So they have of connections that come one after the other, each when there is no other. */
static void test_turns(void **state)
{
    (void)state;
    enum { TURNS = 3 };
    struct servers s;
    uint16_t port = begin(&s, 100, NULL);
    for (size_t i = 0; i < TURNS * THREADS; i++) {
        struct client c;
        client_tcp(&c, s.loop, port);
        client_say(&c, "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
        client_await(&c, "here");
        client_end(&c);
        while (io_http_connections(s.main.http))
            io_loop_turn(s.loop, false);
    }
    for (size_t i = 0; i < THREADS; i++)
        assert_int_equal(atomic_load(&s.others[i].requests), TURNS);
    end(&s);
}

/* A request that only the listening server has an answer to, with what was sent behind it and with half of its body to come. */
static void test_moved(void **state)
{
    (void)state;
    struct servers s;
    struct client c;
    uint16_t port = begin(&s, 100, NULL);
    client_tcp(&c, s.loop, port);
    const char *text = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nfirst"
                       "POST /main HTTP/1.1\r\nHost: a\r\nContent-Length: 11\r\n\r\nsecond";
    client_say(&c, text);
    client_await(&c, "here first");
    while (atomic_load(&s.others[0].requests) + atomic_load(&s.others[1].requests) < 1)
        io_loop_turn(s.loop, false);
    const char *rest = " half"
                       "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nthird"
                       "POST /main HTTP/1.1\r\nHost: a\r\nContent-Length: 6\r\n\r\nfourth";
    client_say(&c, rest);
    client_await(&c, "main second half");
    client_await(&c, "main third"); /* it stays there */
    client_await(&c, "main fourth");
    assert_int_equal(atomic_load(&s.main.requests), 3);
    assert_int_equal(io_http_connections(s.main.http), 1);
    client_end(&c);
    while (io_http_connections(s.main.http))
        io_loop_turn(s.loop, true);
    end(&s);
}

/* connections_max is for all of them together; those that are left at the end are closed. */
static void test_shared_limit(void **state)
{
    (void)state;
    struct servers s;
    struct client clients[3], late;
    uint16_t port = begin(&s, BASE_COUNT(clients), NULL);
    for (size_t i = 0; i < BASE_COUNT(clients); i++) {
        client_tcp(&clients[i], s.loop, port);
        client_say(&clients[i], "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
        client_await(&clients[i], "here ");
    }
    client_tcp(&late, s.loop, port);
    client_await_close(&late);
    assert_int_equal(late.got.len, 0);
    client_end(&late);
    for (size_t i = 0; i < BASE_COUNT(clients); i++) {
        assert_false(clients[i].closed);
        client_end(&clients[i]);
    }
    end(&s);
}

/* Connections that are on their way to a server when it ends. */
static void test_end_while_arriving(void **state)
{
    (void)state;
    for (int round = 0; round < 20; round++) {
        struct servers s;
        struct client clients[8];
        uint16_t port = begin(&s, 100, NULL);
        for (size_t i = 0; i < BASE_COUNT(clients); i++) {
            client_tcp(&clients[i], s.loop, port);
            client_say(&clients[i], "GET /main HTTP/1.1\r\nHost: a\r\n\r\n");
        }
        for (int turn = 0; turn < round; turn++)
            io_loop_turn(s.loop, false);
        for (size_t i = 0; i < BASE_COUNT(clients); i++)
            client_end(&clients[i]);
        end(&s);
    }
}

/* --- The same inside TLS --- */

struct answers {
    size_t count;
    char texts[2][64];
};

static void on_reply(void *context, const struct io_http_reply *reply)
{
    struct answers *answers = context;
    if (reply->fault)
        fail_msg("%s", reply->message);
    snprintf(answers->texts[answers->count++], sizeof(answers->texts[0]), "%.*s",
             (int)reply->body.len, (const char *)reply->body.data);
}

static void ask(struct servers *s, struct io_http_client *client, uint16_t port, const char *path,
                struct answers *answers)
{
    char url[64];
    size_t before = answers->count;
    snprintf(url, sizeof(url), "https://127.0.0.1:%u%s", port, path);
    const struct io_http_call_options call = {.method = "POST",
                                              .url = url,
                                              .body = bytes_str("inside"),
                                              .has_body = true,
                                              .total_ms = 60000,
                                              .answer_max = 1000};
    assert_int_equal(io_http_call(NULL, client, &call, on_reply, answers), 0);
    while (answers->count == before)
        io_loop_turn(s->loop, true);
}

static void test_shared_tls(void **state)
{
    (void)state;
    struct pair pair;
    struct err_detail detail;
    pair_make(&pair, "server", "127.0.0.1", NULL);
    struct io_tls *tls, *trust;
    const struct io_tls_options own = {
        .certificate = buf_bytes(&pair.certificate), .key = buf_bytes(&pair.key), .server = true};
    const struct io_tls_options other = {.authorities = buf_bytes(&pair.certificate)};
    assert_int_equal(io_tls_new(&tls, &own, &detail), 0);
    assert_int_equal(io_tls_new(&trust, &other, &detail), 0);
    struct servers s;
    struct answers answers = {.count = 0};
    struct io_http_client *client;
    uint16_t port = begin(&s, 100, tls);
    const struct io_http_client_options options = {
        .tls = trust, .connections_max = 1, .host_connections_max = 1};
    assert_int_equal(io_http_client_new(&client, s.loop, &options), 0);
    ask(&s, client, port, "/", &answers);
    ask(&s, client, port, "/main", &answers);
    assert_string_equal(answers.texts[0], "here inside");
    assert_string_equal(answers.texts[1], "main inside");
    io_http_client_free(client);
    end(&s);
    io_tls_free(tls);
    io_tls_free(trust);
    pair_release(&pair);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_mailbox),      cmocka_unit_test(test_mailbox_freed_by_another),
        cmocka_unit_test(test_thread),       cmocka_unit_test(test_shared),
        cmocka_unit_test(test_turns),        cmocka_unit_test(test_moved),
        cmocka_unit_test(test_shared_limit), cmocka_unit_test(test_end_while_arriving),
        cmocka_unit_test(test_shared_tls),
    };
    return cmocka_run_group_tests_name("threads", tests, NULL, NULL);
}
