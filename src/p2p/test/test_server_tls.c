/* TLS around RLPx: two nodes talk; with a wrong certificate, or TLS at one end alone, they do not, and say why. */
#include "p2p/test/server_net.h"
#include "tests/support/pair.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static struct pair authority, server_pair, client_pair, elsewhere, foreign;

static int set_up(void **state)
{
    (void)state;
    pair_make(&authority, "authority", NULL, NULL);
    pair_make(&server_pair, "server", "127.0.0.1", &authority);
    pair_make(&client_pair, "client", "client", &authority);
    pair_make(&elsewhere, "elsewhere", "127.0.0.2", &authority);
    pair_make(&foreign, "foreign", "127.0.0.1", NULL);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    struct pair *pairs[] = {&authority, &server_pair, &client_pair, &elsewhere, &foreign};
    for (size_t i = 0; i < BASE_COUNT(pairs); i++)
        pair_release(pairs[i]);
    return 0;
}

static struct io_tls *tls_of(bool server, const struct pair *own, enum io_tls_ask ask)
{
    struct io_tls_options options = {
        .server = server,
        .certificate = own ? buf_bytes(&own->certificate) : bytes_none(),
        .key = own ? buf_bytes(&own->key) : bytes_none(),
        .authorities = buf_bytes(&authority.certificate),
        .ask = ask,
    };
    struct io_tls *tls;
    struct err_detail detail = {""};
    assert_int_equal(io_tls_new(&tls, &options, &detail), 0);
    return tls;
}

/* `a` dials `b`; NULL: plain. The servers keep what they were given. */
static void start(struct node *a, struct node *b, struct io_tls *dial, struct io_tls *listen)
{
    node_prepare(a);
    node_prepare(b);
    a->options.listen = false;
    a->options.tls_client = dial;
    b->options.tls_server = listen;
    node_start(b);
    node_start_to(a, b);
    io_tls_free(dial);
    io_tls_free(listen);
}

static void nodes_talk(void **state)
{
    (void)state;
    struct node a, b;
    start(&a, &b, tls_of(false, &client_pair, IO_TLS_ASK_NONE),
          tls_of(true, &server_pair, IO_TLS_ASK_REQUIRED));
    until(a.opened == 2 && b.opened == 2);
    assert_true(p2p_server_offers(a.server, "eth") && !p2p_server_offers(a.server, "qlight"));
    assert_int_equal(p2p_peer_send(a.peer, "eth", 3, bytes_str("\x83yes")), 0);
    until(b.received == 4);
    assert_int_equal(p2p_peer_send(b.peer, "eth", 4, bytes_str("\x82no")), 0);
    until(a.received == 3);
    assert_false(node_reported(&a, "TLS") || node_reported(&b, "TLS"));
    node_stop(&a);
    node_stop(&b);
}

static void refused(struct io_tls *dial, struct io_tls *listen, const char *dialled_says,
                    const char *listening_says)
{
    struct node a, b;
    start(&a, &b, dial, listen);
    until(node_reported(&a, dialled_says) && node_reported(&b, listening_says));
    assert_int_equal(a.opened + b.opened, 0);
    node_stop(&a);
    node_stop(&b);
}

static void wrong_ends(void **state)
{
    (void)state;
    static const char fails[] = "does not come about: ";
    refused(tls_of(false, NULL, IO_TLS_ASK_NONE), tls_of(true, &foreign, IO_TLS_ASK_NONE),
            "does not come about: the certificate of foreign is not trusted", fails);
    refused(tls_of(false, NULL, IO_TLS_ASK_NONE), tls_of(true, &elsewhere, IO_TLS_ASK_NONE),
            "does not come about: the certificate of elsewhere is not trusted: IP address mismatch",
            fails);
    refused(tls_of(false, NULL, IO_TLS_ASK_NONE), tls_of(true, &server_pair, IO_TLS_ASK_REQUIRED),
            "certificate required", "peer did not return a certificate");
    refused(tls_of(false, &foreign, IO_TLS_ASK_NONE),
            tls_of(true, &server_pair, IO_TLS_ASK_REQUIRED), fails, "certificate verify failed");
    refused(NULL, tls_of(true, &server_pair, IO_TLS_ASK_NONE), "peer gone", fails);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, loop_new, loop_free)
    const struct CMUnitTest tests[] = {TEST(nodes_talk), TEST(wrong_ends)};
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
