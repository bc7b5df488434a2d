/* Both ends of TLS over real connections, with certificates made on the spot; and streams inside it. */
#include "base/mem.h"
#include "io/certificate.h"
#include "io/http.h"
#include "io/http_client.h"
#include "io/worker.h"
#include "tests/support/pair.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <openssl/ssl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

enum { LARGE = 3 << 20 };

static struct pair authority, server_pair, client_pair, other; /* `other` is nobody's child */

static int set_up(void **state)
{
    (void)state;
    pair_make(&authority, "authority", NULL, NULL);
    pair_make(&server_pair, "server", "127.0.0.1", &authority);
    pair_make(&client_pair, "client", "client", &authority);
    pair_make(&other, "other", "127.0.0.1", NULL);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    struct pair *pairs[] = {&authority, &server_pair, &client_pair, &other};
    for (size_t i = 0; i < BASE_COUNT(pairs); i++)
        pair_release(pairs[i]);
    return 0;
}

/* --- A server and a client that agree, or not --- */

struct judge {
    const char *wanted; /* the name that is accepted */
    size_t calls;
    bool chain_ok;
    char name[IO_TLS_NAME_MAX];
    uint8_t sha1[IO_TLS_SHA1];
};

static bool by_name(void *context, const struct io_tls_peer *peer, struct err_detail *detail)
{
    struct judge *judge = context;
    judge->calls++;
    judge->chain_ok = peer->chain_ok;
    snprintf(judge->name, sizeof(judge->name), "%s", peer->name);
    memcpy(judge->sha1, peer->sha1, sizeof(judge->sha1));
    if (strcmp(peer->name, judge->wanted) == 0)
        return true;
    (void)err_set(detail, ERR_INPUT, "not on the list: %s", peer->name);
    return false;
}

struct side {
    const struct pair *own; /* NULL: shows nothing */
    bool trusts;            /* knows the authority */
    const char *judge;      /* name that its judge accepts; NULL: no judge */
    enum io_tls_ask ask;
    bool any_host;
    const char *suite; /* the only one of TLS 1.2; NULL: all */
    bool only_12;      /* no TLS 1.3 */
    struct judge judged;
};

static struct io_tls *tls_of(struct side *side, bool server)
{
    struct io_tls_options options = {
        .server = server, .ask = side->ask, .any_host = side->any_host};
    if (side->own) {
        options.certificate = buf_bytes(&side->own->certificate);
        options.key = buf_bytes(&side->own->key);
    }
    static const char *const suites_13[] = {
        "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256", "TLS_AES_128_GCM_SHA256"};
    options.excluded = suites_13;
    options.excluded_count = side->only_12 ? BASE_COUNT(suites_13) : 0;
    options.allowed = &side->suite;
    options.allowed_count = side->suite ? 1 : 0;
    if (side->trusts)
        options.authorities = buf_bytes(&authority.certificate);
    if (side->judge) {
        side->judged.wanted = side->judge;
        options.judge = by_name;
        options.context = &side->judged;
    }
    struct io_tls *tls;
    struct err_detail detail = {""};
    assert_int_equal(io_tls_new(&tls, &options, &detail), 0);
    return tls;
}

static void serve(void *context, struct io_http_request *request)
{
    (void)context;
    struct buf body = BUF_INIT;
    buf_append_bytes(&body, request->body);
    io_http_answer(request, 200, NULL, 0, &body);
}

struct answer {
    bool done;
    enum io_http_fault fault;
    char message[256];
    struct buf body;
};

static void on_done(void *context, const struct io_http_reply *reply)
{
    struct answer *a = context;
    a->done = true;
    a->fault = reply->fault;
    snprintf(a->message, sizeof(a->message), "%s", reply->message);
    buf_append_bytes(&a->body, reply->body);
}

static struct answer exchange(struct side *server_side, struct side *client_side, size_t len,
                              const char *host)
{
    struct io_loop *loop;
    struct io_http_server *server;
    struct io_http_client *client;
    struct err_detail detail;
    struct answer a = {.body = BUF_INIT};
    assert_int_equal(io_loop_new(&loop), 0);
    struct io_http_options options = {.request = serve,
                                      .body_max = LARGE,
                                      .connections_max = 10,
                                      .read_ms = 60000,
                                      .write_ms = 60000,
                                      .idle_ms = 60000};
    assert_int_equal(io_http_new(&server, loop, &options), 0);
    struct io_tls *tls = tls_of(server_side, true);
    assert_int_equal(io_http_listen_tls(server, "127.0.0.1", 0, tls, &detail), 0);
    io_tls_free(tls);
    struct io_http_client_options client_options = {
        .connections_max = 2, .host_connections_max = 2, .tls = tls_of(client_side, false)};
    assert_int_equal(io_http_client_new(&client, loop, &client_options), 0);
    io_tls_free(client_options.tls);
    char url[64];
    snprintf(url, sizeof(url), "https://%s:%u/", host, io_http_address(server)->port);
    struct buf body = BUF_INIT;
    memset(buf_extend(&body, len), 'x', len);
    struct io_http_call_options call = {.method = "POST",
                                        .url = url,
                                        .body = buf_bytes(&body),
                                        .has_body = true,
                                        .total_ms = 60000,
                                        .answer_max = LARGE};
    for (int round = 0; round < 2; round++) { /* the second over the kept connection */
        buf_clear(&a.body);
        a.done = false;
        assert_int_equal(io_http_call(NULL, client, &call, on_done, &a), 0);
        while (!a.done)
            io_loop_turn(loop, true);
        if (a.fault == IO_HTTP_FAULT_NONE)
            assert_true(bytes_equal(buf_bytes(&a.body), buf_bytes(&body)));
    }
    buf_release(&body);
    buf_release(&a.body);
    io_http_client_free(client);
    io_http_free(server);
    io_loop_free(loop);
    return a;
}

static void test_agreement(void **state)
{
    (void)state;
    struct side server = {.own = &server_pair};
    struct side client = {.trusts = true};
    assert_int_equal(exchange(&server, &client, 5, "127.0.0.1").fault, IO_HTTP_FAULT_NONE);
    assert_int_equal(exchange(&server, &client, LARGE, "127.0.0.1").fault, IO_HTTP_FAULT_NONE);

    server = (struct side){.own = &server_pair, .trusts = true, .ask = IO_TLS_ASK_REQUIRED};
    client = (struct side){.own = &client_pair, .trusts = true};
    assert_int_equal(exchange(&server, &client, 70000, "127.0.0.1").fault, IO_HTTP_FAULT_NONE);

    /* A judge takes whom the authority does not know; a connection is judged once. */
    server.judge = "other";
    client = (struct side){.own = &other, .judge = "server"};
    assert_int_equal(exchange(&server, &client, 5, "127.0.0.1").fault, IO_HTTP_FAULT_NONE);
    assert_int_equal(server.judged.calls, 1);
    assert_false(server.judged.chain_ok);
    assert_string_equal(server.judged.name, "other");
    assert_int_equal(client.judged.calls, 1);
    assert_string_equal(client.judged.name, "server");

    /* Wanted only: one without a certificate is served, and nobody is judged. */
    server = (struct side){.own = &server_pair, .ask = IO_TLS_ASK_WANTED, .judge = "nobody"};
    client = (struct side){.trusts = true};
    assert_int_equal(exchange(&server, &client, 5, "127.0.0.1").fault, IO_HTTP_FAULT_NONE);
    assert_int_equal(server.judged.calls, 0);
}

static void test_refusals(void **state)
{
    (void)state;
    struct answer a;
    /* The client does not know the authority. */
    struct side server = {.own = &server_pair};
    struct side client = {.trusts = false};
    a = exchange(&server, &client, 5, "127.0.0.1");
    assert_int_equal(a.fault, IO_HTTP_FAULT_TLS);
    assert_non_null(strstr(a.message, "the certificate of server is not trusted"));
    /* It is another's certificate. */
    client.trusts = true;
    a = exchange(&server, &client, 5, "localhost");
    assert_int_equal(a.fault, IO_HTTP_FAULT_TLS);
    client.any_host = true;
    assert_int_equal(exchange(&server, &client, 5, "localhost").fault, IO_HTTP_FAULT_NONE);
    client.any_host = false;
    /* The judge says no, in its words. */
    client.judge = "somebody";
    a = exchange(&server, &client, 5, "127.0.0.1");
    assert_int_equal(a.fault, IO_HTTP_FAULT_TLS);
    assert_string_equal(a.message, "not on the list: server");
    /* The server asks for a certificate: none, an unknown one. In TLS 1.3 the client hears of it with its first read. */
    client = (struct side){.trusts = true};
    server = (struct side){.own = &server_pair, .trusts = true, .ask = IO_TLS_ASK_REQUIRED};
    assert_int_not_equal(exchange(&server, &client, 5, "127.0.0.1").fault, IO_HTTP_FAULT_NONE);
    client.own = &other;
    assert_int_not_equal(exchange(&server, &client, 5, "127.0.0.1").fault, IO_HTTP_FAULT_NONE);
}

/* A list of cipher suites holds for TLS 1.2. */
static void test_allowed(void **state)
{
    (void)state;
    struct side server = {.own = &server_pair, .suite = "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256"};
    struct side client = {.trusts = true, .only_12 = true};
    assert_int_equal(exchange(&server, &client, 5, "127.0.0.1").fault, IO_HTTP_FAULT_NONE);
    client.suite = "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384";
    struct answer a = exchange(&server, &client, 5, "127.0.0.1");
    assert_int_equal(a.fault, IO_HTTP_FAULT_TLS);
}

static void test_bad_options(void **state)
{
    (void)state;
    struct bytes certificate = buf_bytes(&server_pair.certificate);
    struct bytes key = buf_bytes(&server_pair.key);
    static const char *const unknown[] = {"TLS_NO_SUCH_CIPHER"};
    const struct io_tls_options options[] = {
        {.server = true},
        {.certificate = certificate},
        {.certificate = certificate, .key = buf_bytes(&other.key)},
        {.certificate = key, .key = key},
        {.certificate = bytes_str("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"),
         .key = key},
        {.authorities = bytes_str("nothing")},
        {.pkcs12 = bytes_str("nothing")},
        {.server = true, .certificate = certificate, .key = key, .ciphers = "no such cipher"},
        {.allowed = unknown, .allowed_count = 1},
    };
    for (size_t i = 0; i < BASE_COUNT(options); i++) {
        struct io_tls *tls;
        struct err_detail detail = {""};
        int status = io_tls_new(&tls, &options[i], &detail);
        if (status != ERR_INPUT)
            fail_msg("%zu: %s", i, detail.text);
        assert_true(strlen(detail.text) > 0);
    }
}

/* --- Streams --- */

struct end {
    struct io_stream *stream;
    struct buf got;
    bool closed;
    int status;
};

static void on_read(void *context, struct io_stream *stream, struct bytes data)
{
    (void)stream;
    buf_append_bytes(&((struct end *)context)->got, data);
}

static void on_closed(void *context, struct io_stream *stream, int status, const char *message)
{
    (void)stream;
    (void)message;
    struct end *end = context;
    end->closed = true;
    end->status = status;
    end->stream = NULL;
}

static const struct io_stream_ops ops = {.read = on_read, .closed = on_closed};

static void accept_into(void *context, struct io_stream *stream)
{
    ((struct end *)context)->stream = stream;
    io_stream_accept(stream, &ops, context);
}

/* What is no TLS at all, a TLS hello that is cut off, and one with an impossible length. */
static void test_nonsense(void **state)
{
    (void)state;
    static const char *const texts[] = {"GET / HTTP/1.1\r\nHost: x\r\n\r\n", "\x16\x03\x01\x01",
                                        "\x16\x03\x01\xff\xff"};
    struct io_loop *loop;
    struct err_detail detail;
    assert_int_equal(io_loop_new(&loop), 0);
    for (size_t i = 0; i < BASE_COUNT(texts); i++) {
        struct end at_server = {.got = BUF_INIT}, at_client = {.got = BUF_INIT};
        struct side server = {.own = &server_pair};
        struct io_tls *tls = tls_of(&server, true);
        struct io_listener *listener;
        assert_int_equal(
            io_listen_tls(&listener, loop, "127.0.0.1", 0, tls, accept_into, &at_server, &detail),
            0);
        io_tls_free(tls);
        assert_int_equal(io_connect_tcp(&at_client.stream, loop, "127.0.0.1",
                                        io_listener_address(listener)->port, 60000, &ops,
                                        &at_client),
                         0);
        (void)io_stream_write(at_client.stream, bytes_str(texts[i]));
        if (i == 1) { /* waits for the rest, until the client goes */
            while (!at_server.stream)
                io_loop_turn(loop, true);
            for (int turn = 0; turn < 10; turn++)
                io_loop_turn(loop, false);
            assert_false(at_server.closed);
            io_stream_close(at_client.stream);
            at_client.closed = true;
        }
        while (!at_server.closed || !at_client.closed)
            io_loop_turn(loop, true);
        if (i != 1)
            assert_int_equal(at_server.status, ERR_IO);
        assert_int_equal(at_server.got.len, 0);
        buf_release(&at_client.got);
        io_listener_close(listener);
    }
    io_loop_free(loop);
}

/* A server that pauses at every piece, and gives its own small room: all comes, in order. */
struct slow {
    struct io_http_server *server;
    struct end end;
    uint8_t room[100];
    size_t reads;
};

static uint8_t *small_room(void *context, struct io_stream *stream, size_t *ret_len)
{
    (void)stream;
    struct slow *slow = context;
    *ret_len = sizeof(slow->room);
    return slow->room;
}

static void slow_read(void *context, struct io_stream *stream, struct bytes data)
{
    struct slow *slow = context;
    assert_ptr_equal(data.data, slow->room);
    buf_append_bytes(&slow->end.got, data);
    slow->reads++;
    io_stream_pause(stream);
}

static void slow_closed(void *context, struct io_stream *stream, int status, const char *message)
{
    on_closed(&((struct slow *)context)->end, stream, status, message);
}

static const struct io_stream_ops slow_ops = {
    .room = small_room, .read = slow_read, .closed = slow_closed};

static void accept_slow(void *context, struct io_stream *stream)
{
    struct slow *slow = context;
    slow->end.stream = stream;
    (void)io_stream_write(stream, bytes_str("HTTP/1.1 200 OK\r\n")); /* waits for the handshake */
    io_stream_accept(stream, &slow_ops, context);
}

struct job {
    struct io_http_caller *caller;
    char url[64];
    struct buf body;
    enum io_http_fault fault;
    bool done;
};

static void work(void *context)
{
    struct job *job = context;
    struct io_http_call_options call = {.method = "POST",
                                        .url = job->url,
                                        .body = buf_bytes(&job->body),
                                        .has_body = true,
                                        .total_ms = 60000,
                                        .answer_max = LARGE};
    struct io_http_reply reply;
    assert_int_equal(io_http_caller_run(&reply, job->caller, &call), 0);
    job->fault = reply.fault;
}

static void worked(void *context)
{
    ((struct job *)context)->done = true;
}

static void test_pauses(void **state)
{
    (void)state;
    struct io_loop *loop;
    struct err_detail detail;
    struct slow slow = {.end = {.got = BUF_INIT}};
    assert_int_equal(io_loop_new(&loop), 0);
    struct side server = {.own = &server_pair}, client = {.trusts = true};
    struct io_tls *tls = tls_of(&server, true);
    struct io_listener *listener;
    assert_int_equal(
        io_listen_tls(&listener, loop, "127.0.0.1", 0, tls, accept_slow, &slow, &detail), 0);
    io_tls_free(tls);
    struct io_worker *worker;
    assert_int_equal(io_worker_new(&worker, loop), 0);
    struct job job = {.body = BUF_INIT};
    tls = tls_of(&client, false);
    assert_int_equal(io_http_caller_new(&job.caller, tls), 0);
    io_tls_free(tls);
    snprintf(job.url, sizeof(job.url), "https://127.0.0.1:%u/",
             io_listener_address(listener)->port);
    memset(buf_extend(&job.body, 100000), 'y', 100000);
    assert_int_equal(io_worker_run(worker, work, worked, &job), 0);
    while (slow.end.got.len < 100000 && !slow.end.closed) {
        io_loop_turn(loop, slow.end.stream == NULL); /* a paused stream wakes nobody */
        if (slow.end.stream)
            io_stream_resume(slow.end.stream);
    }
    assert_false(slow.end.closed);
    assert_true(slow.reads >= 1000);
    size_t from = slow.end.got.len - 100000;
    for (size_t i = from; i < slow.end.got.len; i++)
        assert_int_equal(slow.end.got.data[i], 'y');
    (void)io_stream_write(slow.end.stream, bytes_str("Content-Length: 2\r\n\r\nok"));
    io_stream_finish(slow.end.stream, 1000);
    while (!job.done)
        io_loop_turn(loop, true);
    assert_int_equal(job.fault, IO_HTTP_FAULT_NONE);
    io_worker_free(worker);
    io_http_caller_free(job.caller);
    buf_release(&job.body);
    buf_release(&slow.end.got);
    io_listener_close(listener);
    io_loop_free(loop);
}

/* --- Clients that say their last word first --- */

struct raw {
    struct io_loop *loop;
    int fd;
    SSL_CTX *context;
    SSL *ssl;
};

/* Whether a call of OpenSSL's is to be made again, after a turn of the server's. */
static bool goes_on(struct raw *r, int result)
{
    int fault = SSL_get_error(r->ssl, result);
    if (result > 0 || (fault != SSL_ERROR_WANT_READ && fault != SSL_ERROR_WANT_WRITE))
        return false;
    io_loop_turn(r->loop, false);
    return true;
}

static void raw_connect(struct raw *r, struct io_loop *loop, uint16_t port, int version, int room)
{
    struct sockaddr_in to = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int result;
    *r = (struct raw){.loop = loop, .fd = socket(AF_INET, SOCK_STREAM, 0)};
    if (room)
        assert_int_equal(setsockopt(r->fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof(room)), 0);
    assert_int_equal(connect(r->fd, (const struct sockaddr *)&to, sizeof(to)), 0);
    assert_int_equal(fcntl(r->fd, F_SETFL, O_NONBLOCK), 0);
    r->context = SSL_CTX_new(TLS_client_method());
    assert_int_equal(SSL_CTX_set_max_proto_version(r->context, version), 1);
    r->ssl = SSL_new(r->context);
    assert_int_equal(SSL_set_fd(r->ssl, r->fd), 1);
    do
        result = SSL_connect(r->ssl);
    while (goes_on(r, result));
    assert_int_equal(result, 1);
}

static void raw_end(struct raw *r)
{
    SSL_free(r->ssl);
    SSL_CTX_free(r->context);
    close(r->fd);
}

struct keeper {
    struct io_loop *loop;
    struct io_http_server *http;
    struct io_http_request *kept;
    size_t gone;
};

static void keep(void *context, struct io_http_request *request)
{
    ((struct keeper *)context)->kept = request;
}

static void on_gone(void *context, struct io_http_request *request)
{
    (void)request;
    ((struct keeper *)context)->gone++;
}

static uint16_t keeper_begin(struct keeper *k)
{
    struct err_detail detail;
    struct side side = {.own = &server_pair};
    struct io_tls *tls = tls_of(&side, true);
    const struct io_http_options options = {.context = k,
                                            .request = keep,
                                            .gone = on_gone,
                                            .body_max = LARGE,
                                            .connections_max = 10,
                                            .read_ms = 60000,
                                            .write_ms = 60000,
                                            .idle_ms = 60000,
                                            .half_ms = 60000};
    *k = (struct keeper){.gone = 0};
    assert_int_equal(io_loop_new(&k->loop), 0);
    assert_int_equal(io_http_new(&k->http, k->loop, &options), 0);
    assert_int_equal(io_http_listen_tls(k->http, "127.0.0.1", 0, tls, &detail), 0);
    io_tls_free(tls);
    return io_http_address(k->http)->port;
}

static void keeper_end(struct keeper *k)
{
    io_http_free(k->http);
    io_loop_free(k->loop);
}

static void ask_raw(struct raw *r, struct keeper *k)
{
    static const char text[] = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";
    k->kept = NULL;
    assert_int_equal(SSL_write(r->ssl, text, sizeof(text) - 1), sizeof(text) - 1);
}

/* Its last word ends what it says, and not what it hears; a connection that is cut off has gone. */
static void test_half_closed(void **state)
{
    (void)state;
    static const int versions[] = {TLS1_2_VERSION, TLS1_3_VERSION};
    struct keeper k;
    uint16_t port = keeper_begin(&k);
    for (size_t i = 0; i < BASE_COUNT(versions); i++) {
        struct raw r;
        struct buf body = BUF_INIT;
        char piece[4096];
        int len;
        size_t got = 0;
        raw_connect(&r, k.loop, port, versions[i], 0);
        ask_raw(&r, &k);
        assert_int_equal(SSL_shutdown(r.ssl), 0);
        while (!k.kept)
            io_loop_turn(k.loop, true);
        for (int turn = 0; turn < 10; turn++)
            io_loop_turn(k.loop, false);
        assert_non_null(k.kept->connection);
        memset(buf_extend(&body, LARGE), 'x', LARGE);
        io_http_answer(k.kept, 200, NULL, 0, &body);
        do {
            len = SSL_read(r.ssl, piece, sizeof(piece));
            got += len > 0 ? (size_t)len : 0;
        } while (len > 0 || goes_on(&r, len));
        assert_int_equal(SSL_get_error(r.ssl, len), SSL_ERROR_ZERO_RETURN);
        assert_in_range(got, LARGE, LARGE + 200);
        raw_end(&r);
        assert_int_equal(k.gone, i);
        raw_connect(&r, k.loop, port, versions[i], 0);
        ask_raw(&r, &k);
        while (!k.kept)
            io_loop_turn(k.loop, true);
        raw_end(&r);
        while (k.gone == i)
            io_loop_turn(k.loop, true);
        io_http_answer(k.kept, 200, NULL, 0, NULL);
    }
    keeper_end(&k);
}

/* New keys can be asked for without end, and each time there is something to say; to who does not read it is not kept for ever. */
static void test_new_keys(void **state)
{
    (void)state;
    struct keeper k;
    struct raw r;
    int result;
    uint16_t port = keeper_begin(&k);
    raw_connect(&r, k.loop, port, TLS1_3_VERSION, 4096);
    alarm(120);
    do {
        (void)SSL_key_update(r.ssl, SSL_KEY_UPDATE_REQUESTED);
        do
            result = SSL_do_handshake(r.ssl);
        while (goes_on(&r, result));
    } while (result > 0);
    alarm(0);
    while (io_http_connections(k.http))
        io_loop_turn(k.loop, true);
    raw_end(&r);
    keeper_end(&k);
}

static void test_certificates(void **state)
{
    (void)state;
    struct buf certificate = BUF_INIT, key = BUF_INIT;
    struct err_detail detail = {""};
    static const char *const hosts[] = {"localhost", "node.example", "127.0.0.1", "::1"};
    struct io_certificate_options options = {
        .name = "node", .hosts = hosts, .host_count = 4, .days = 10, .rsa_bits = 2048};
    assert_int_equal(io_certificate_new(&certificate, &key, &options, &detail), 0);
    assert_non_null(strstr(buf_text(&certificate), "BEGIN CERTIFICATE"));
    assert_non_null(strstr(buf_text(&key), "BEGIN PRIVATE KEY"));
    buf_release(&certificate);
    buf_release(&key);
    options.rsa_bits = 1024;
    assert_int_equal(io_certificate_new(&certificate, &key, &options, &detail), ERR_INPUT);
    options.rsa_bits = 0;
    options.name = "";
    assert_int_equal(io_certificate_new(&certificate, &key, &options, &detail), ERR_INPUT);
    options.name = "node";
    options.issuer_certificate = buf_bytes(&authority.certificate);
    options.issuer_key = buf_bytes(&other.key);
    assert_int_equal(io_certificate_new(&certificate, &key, &options, &detail), ERR_INPUT);
    assert_int_equal(certificate.len + key.len, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_agreement),    cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_allowed),      cmocka_unit_test(test_bad_options),
        cmocka_unit_test(test_nonsense),     cmocka_unit_test(test_pauses),
        cmocka_unit_test(test_half_closed),  cmocka_unit_test(test_new_keys),
        cmocka_unit_test(test_certificates),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
