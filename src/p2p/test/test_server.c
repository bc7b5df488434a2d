/* Servers that talk to each other over real sockets on loopback. */
#include "base/mem.h"
#include "crypto/random.h"
#include "p2p/server_internal.h"
#include "p2p/test/server_net.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

static void two_nodes_talk(void **state)
{
    (void)state;
    struct node a, b;
    node_prepare(&a);
    node_prepare(&b);
    node_start(&b);
    node_start(&a);
    assert_int_equal(p2p_server_add_peer(a.server, &b.enode), 0);
    until(a.opened == 2 && b.opened == 2);
    assert_int_equal(a.asked, 1);
    assert_int_equal(b.asked, 1);
    assert_int_equal(p2p_server_peer_count(a.server), 1);
    assert_ptr_equal(p2p_server_peer(a.server, 0), a.peer);
    assert_ptr_equal(p2p_server_find(a.server, &b.enode.id), a.peer);
    assert_null(p2p_server_find(a.server, &a.enode.id));
    assert_int_equal(p2p_peer_version(a.peer, "eth"), 66);
    assert_int_equal(p2p_peer_version(a.peer, "istanbul"), 100);
    assert_int_equal(p2p_peer_version(a.peer, "snap"), 0);
    assert_string_equal(p2p_peer_name(a.peer), "test/v1");
    assert_string_equal(p2p_peer_capability(a.peer, 0), "eth/65");
    assert_string_equal(p2p_peer_capability(a.peer, 2), "istanbul/100");
    assert_null(p2p_peer_capability(a.peer, 3));
    assert_true(p2p_peer_static(a.peer) && !p2p_peer_inbound(a.peer) && p2p_peer_inbound(b.peer));
    assert_true(io_address_equal(p2p_peer_remote(a.peer), p2p_peer_local(b.peer)));
    p2p_peer_set_data(a.peer, "eth", &a);
    assert_ptr_equal(p2p_peer_data(a.peer, "eth"), &a);
    assert_null(p2p_peer_data(a.peer, "istanbul"));

    buf_clear(&b.log);
    assert_int_equal(p2p_peer_send(a.peer, "eth", 0, bytes_str("first")), 0);
    assert_int_equal(p2p_peer_send(a.peer, "istanbul", 21, bytes_str("last")), 0);
    assert_int_equal(p2p_peer_send(a.peer, "eth", 16, bytes_none()), 0);
    assert_int_equal(p2p_peer_send(a.peer, "eth", 17, bytes_none()), ERR_USAGE);
    assert_int_equal(p2p_peer_send(a.peer, "snap", 0, bytes_none()), ERR_USAGE);
    until(b.received == 9);
    assert_string_equal(buf_text(&b.log), " 0:first 21:last 16:");

    /* The largest message, incompressible, while the other side talks as well. */
    struct buf big = BUF_INIT;
    assert_int_equal(crypto_random(buf_extend(&big, P2P_MESSAGE_MAX), P2P_MESSAGE_MAX), 0);
    assert_int_equal(p2p_peer_send(a.peer, "eth", 1, buf_bytes(&big)), 0);
    assert_true(p2p_peer_queued(a.peer) > P2P_MESSAGE_MAX);
    buf_append_byte(&big, 0);
    assert_int_equal(p2p_peer_send(a.peer, "eth", 1, buf_bytes(&big)), ERR_LIMIT);
    for (int i = 0; i < 1000; i++)
        assert_int_equal(p2p_peer_send(b.peer, "istanbul", 1, bytes_str("small")), 0);
    until(b.received == 9 + P2P_MESSAGE_MAX && a.received == 5000);
    buf_release(&big);

    p2p_peer_disconnect(a.peer, P2P_USELESS_PEER);
    assert_int_equal(a.closed, 0); /* in the next turn */
    assert_int_equal(p2p_peer_send(a.peer, "eth", 0, bytes_str("too late")), 0);
    assert_null(p2p_server_find(a.server, &b.enode.id));
    until(a.closed == 2 && b.closed == 2);
    assert_int_equal(b.last_reason, P2P_USELESS_PEER);
    assert_true(b.last_by_peer && !a.last_by_peer);
    assert_int_equal(p2p_server_peer_count(b.server), 0);
    node_stop(&a);
    node_stop(&b);
}

/* Without a Disconnect the other side has heard no reason. */
static void ends_are_told(void **state)
{
    (void)state;
    static const struct {
        enum p2p_reason reason;
        const char *told;
    } rows[] = {{P2P_QUITTING, "client quitting"}, {P2P_NETWORK_ERROR, "EOF"}};
    for (size_t i = 0; i < BASE_COUNT(rows); i++) {
        struct node a, b;
        node_prepare(&a);
        node_prepare(&b);
        node_start(&b);
        node_start(&a);
        assert_int_equal(p2p_server_add_peer(a.server, &b.enode), 0);
        until(a.opened == 2 && b.opened == 2);
        assert_null(b.why);
        p2p_peer_disconnect(a.peer, rows[i].reason);
        until(a.closed == 2 && b.closed == 2);
        assert_string_equal(a.why, p2p_reason_text(rows[i].reason));
        assert_string_equal(b.why, rows[i].told);
        node_stop(&a);
        node_stop(&b);
    }
}

static void pausing_holds_back(void **state)
{
    (void)state;
    struct node a, b;
    node_prepare(&a);
    node_prepare(&b);
    node_start(&b);
    node_start_to(&a, &b);
    until(a.opened == 2 && b.opened == 2);
    p2p_peer_pause(b.peer);
    p2p_peer_pause(b.peer);
    for (int i = 0; i < 100; i++)
        p2p_peer_send(a.peer, "eth", 1, bytes_str("held"));
    until_flushed(p2p_peer_queued(a.peer) == 0);
    p2p_peer_resume(b.peer);
    for (int i = 0; i < 20; i++)
        io_loop_turn(loop, false);
    assert_int_equal(b.received, 0);
    p2p_peer_resume(b.peer);
    until(b.received == 400);
    node_stop(&a);
    until(b.closed == 2);
    assert_int_equal(b.last_reason, P2P_QUITTING);
    node_stop(&b);
}

/* Connections that must not come about: what either side gets to know of it. */
static void refusals(void **state)
{
    (void)state;
    struct node a, b;
    /* No permission: a bare end before Hello. */
    node_prepare(&a);
    node_prepare(&b);
    b.refuse = true;
    node_start(&b);
    node_start_to(&a, &b);
    until(node_reported(&a, "peer gone") && node_reported(&b, "peer gone"));
    assert_true(node_reported(&b, "permission denied"));
    assert_false(node_reported(&a, "by peer"));
    node_stop(&a);
    node_stop(&b);

    /* Too many, each with its Disconnect. */
    node_prepare(&a);
    node_prepare(&b);
    b.options.max_peers = 0;
    node_start(&b);
    node_start_to(&a, &b);
    until(node_reported(&a, "too many peers (by peer)"));
    /* A trusted node may come nevertheless. */
    assert_int_equal(p2p_server_add_trusted(b.server, &a.enode), 0);
    until(a.opened == 2 && b.opened == 2);
    assert_true(p2p_peer_trusted(b.peer));
    p2p_server_remove_trusted(b.server, &a.enode);
    assert_false(p2p_peer_trusted(b.peer));
    p2p_server_remove_peer(a.server, &b.enode);
    until(a.closed == 2 && b.closed == 2);
    assert_int_equal(b.last_reason, P2P_REQUESTED);
    node_stop(&a);
    node_stop(&b);

    /* Nothing in common. */
    node_prepare(&a);
    node_prepare(&b);
    b.protocols[0].version = 1;
    b.protocols[1].version = 1;
    b.protocols[2].version = 2;
    node_start(&b);
    node_start_to(&a, &b);
    until(node_reported(&a, "useless peer") && node_reported(&b, "useless peer"));
    node_stop(&a);
    node_stop(&b);

    /* Another key than the one that was dialled: the other side cannot even read what is sent. */
    node_prepare(&a);
    node_prepare(&b);
    node_start(&b);
    node_start(&a);
    struct p2p_enode wrong = b.enode;
    struct p2p_enode itself = a.enode;
    p2p_enode_make(&wrong, &a.enode.key, &b.enode.ip, b.enode.tcp, 0);
    struct crypto_private_key other;
    struct crypto_public_key other_public;
    assert_int_equal(crypto_private_key_new(&other), 0);
    assert_true(crypto_public_key_of(&other_public, &other));
    p2p_enode_make(&wrong, &other_public, &b.enode.ip, b.enode.tcp, 0);
    assert_int_equal(p2p_server_add_peer(a.server, &wrong), 0);
    assert_int_equal(p2p_server_add_peer(a.server, &itself), 0); /* never dialled */
    until(node_reported(&b, p2p_handshake_text(P2P_HANDSHAKE_BAD_PACKET)));
    assert_int_equal(a.opened + b.opened, 0);
    node_stop(&a);
    node_stop(&b);
}

/* Both dial each other at once: one connection comes of it, the same for both, every time. */
static void both_dial(void **state)
{
    (void)state;
    for (int round = 0; round < 20; round++) {
        struct node a, b;
        node_prepare(&a);
        node_prepare(&b);
        node_start(&a);
        node_start(&b);
        assert_int_equal(p2p_server_add_peer(a.server, &b.enode), 0);
        for (int i = 0; i < round % 5; i++)
            io_loop_turn(loop, false);
        assert_int_equal(p2p_server_add_peer(b.server, &a.enode), 0);
        until(a.opened == 2 && b.opened == 2 && !a.server->connections->next &&
              !b.server->connections->next);
        assert_int_equal(a.closed + b.closed, 0);
        assert_true(io_address_equal(p2p_peer_remote(a.peer), p2p_peer_local(b.peer)));
        node_stop(&a);
        node_stop(&b);
    }
}

/* Two that end in one turn of the loop: neither is dialled again at once. */
static void ends_together(void **state)
{
    (void)state;
    struct node a, b, c;
    node_prepare(&a);
    node_prepare(&b);
    node_prepare(&c);
    node_start(&b);
    node_start(&c);
    struct p2p_enode both[] = {b.enode, c.enode};
    a.options.static_nodes = both;
    a.options.static_count = 2;
    node_start(&a);
    until(a.opened == 4 && b.opened == 2 && c.opened == 2);
    for (struct p2p_peer *peer = a.server->connections; peer; peer = peer->next)
        p2p_peer_disconnect(peer, P2P_REQUESTED);
    until(a.closed == 4);
    for (int i = 0; i < 2; i++) {
        assert_false(p2p_dial_connected(a.server, &both[i].id));
        assert_true(p2p_dial_find(a.server, &both[i].id)->due > io_loop_now(loop));
    }
    node_stop(&a);
    node_stop(&b);
    node_stop(&c);
}

static void penalties(void **state)
{
    (void)state;
    struct node a, b;
    node_prepare(&a);
    node_prepare(&b);
    node_start(&b);
    node_start_to(&a, &b);
    until(a.opened == 2 && b.opened == 2);
    p2p_peer_penalize(b.peer, 60, "an announced block that it does not have");
    assert_int_equal(p2p_server_peer_count(b.server), 1);
    p2p_peer_penalize(b.peer, 60, "again");
    until(a.closed == 2 && b.closed == 2);
    assert_int_equal(a.last_reason, P2P_USELESS_PEER);
    /* It comes again after a second, and is not let in. */
    buf_clear(&a.reports);
    until(node_reported(&a, "useless peer (by peer)"));
    assert_int_equal(b.opened, 2);
    node_stop(&a);
    node_stop(&b);
}

/* Two that know only a third find each other. */
static void discovery_brings_together(void **state)
{
    (void)state;
    struct node boot, a, b;
    struct err_detail detail;
    struct p2p_enode third;
    char text[P2P_ENODE_TEXT];
    node_prepare(&boot);
    /* Discovery alone, as the program bootnode has it. */
    boot.options.discovery = true;
    boot.options.listen = false;
    boot.options.no_dial = true;
    boot.options.max_peers = 0;
    node_start(&boot);
    p2p_enode_format(text, &boot.enode);
    char wanted[64];
    snprintf(wanted, sizeof(wanted), "@127.0.0.1:0?discport=%u", boot.enode.udp);
    assert_non_null(strstr(text, wanted));
    assert_memory_equal(p2p_server_enr(boot.server), "enr:-", 5);
    /* Another value of "eth" is another record, the same value is not. */
    char first[P2P_RECORD_TEXT], second[P2P_RECORD_TEXT];
    static const uint8_t entry[P2P_ETH_ENTRY_MAX + 1] = {0xc7, 0xc6, 0x84, 1, 2, 3, 4, 0x80};
    snprintf(first, sizeof(first), "%s", p2p_server_enr(boot.server));
    assert_int_equal(p2p_server_set_eth_entry(boot.server, bytes_of(entry, 8)), 0);
    snprintf(second, sizeof(second), "%s", p2p_server_enr(boot.server));
    assert_string_not_equal(second, first);
    assert_int_equal(p2p_server_set_eth_entry(boot.server, bytes_of(entry, 8)), 0);
    assert_string_equal(p2p_server_enr(boot.server), second);
    assert_int_equal(p2p_server_set_eth_entry(boot.server, bytes_of(entry, sizeof(entry))),
                     ERR_LIMIT);
    assert_string_equal(p2p_server_enr(boot.server), second);
    /* By its name, which is looked up. */
    char *at = strstr(text, "127.0.0.1");
    snprintf(at, (size_t)(text + sizeof(text) - at), "localhost:0?discport=%u", boot.enode.udp);
    assert_int_equal(p2p_enode_parse(&third, text, &detail), 0);
    node_prepare(&a);
    node_prepare(&b);
    a.options.discovery = b.options.discovery = true;
    a.options.boot_nodes = b.options.boot_nodes = &third;
    a.options.boot_count = b.options.boot_count = 1;
    node_start(&a);
    node_start(&b);
    p2p_enode_format(text, &a.enode);
    assert_null(strchr(text, '?')); /* UDP on the same port */
    until(p2p_server_find(a.server, &b.enode.id) && p2p_server_find(b.server, &a.enode.id));
    node_stop(&a);
    node_stop(&b);
    node_stop(&boot);
}

/* Each allocation fails once: while a server is made, and while two connect and talk; then all goes on. */
static void out_of_memory(void **state)
{
    (void)state;
    struct node a, b;
    struct err_detail detail;
    node_prepare(&a);
    node_prepare(&b);
    node_start(&b);
    a.options.static_nodes = a.options.trusted_nodes = &b.enode;
    a.options.static_count = a.options.trusted_count = 1;
    size_t failures = 0;
    for (size_t n = 1;; n++, failures++) {
        mem_fail_at(n, 1);
        int status = p2p_server_new(&a.server, &a.options, &detail);
        mem_fail_at(0, 0);
        if (status == 0)
            break;
        assert_int_equal(status, ERR_NOMEM);
    }
    assert_true(failures >= 5);
    p2p_server_free(a.server);

    a.report_off = b.report_off = true; /* logs of the test take memory too */
    for (size_t n = 1; n < 60; n++) {
        unsigned opened = a.opened;
        struct err_detail start_detail;
        assert_int_equal(p2p_server_new(&a.server, &a.options, &detail), 0);
        assert_int_equal(p2p_server_start(a.server, &start_detail), 0);
        mem_fail_at(n, 1);
        for (int i = 0; i < 40; i++)
            io_loop_turn(loop, false);
        mem_fail_at(0, 0);
        /* Unless it has come about in spite of it, it does at the next try. */
        until(a.opened == opened + 2 || a.server->connections == NULL);
        p2p_server_free(a.server);
        assert_int_equal(a.opened, a.closed);
        until(b.opened == b.closed && !b.server->connections);
    }
    assert_true(a.opened > 20);
    a.server = NULL;
    node_stop(&a);
    node_stop(&b);
}

static void wrong_options(void **state)
{
    (void)state;
    struct node a;
    struct p2p_server *server;
    struct err_detail detail;
    node_prepare(&a);
    memset(a.options.key.b, 0, 32);
    assert_int_equal(p2p_server_new(&server, &a.options, &detail), ERR_INPUT);
    assert_string_equal(detail.text, "node key: not a valid private key");
    node_prepare(&a);
    a.options.external_ip = "nowhere";
    assert_int_equal(p2p_server_new(&server, &a.options, &detail), ERR_INPUT);
    assert_string_equal(detail.text, "external IP \"nowhere\": not an IP address");
    node_prepare(&a);
    a.options.external_ip = "10.1.2.3";
    a.options.discovery = false;
    node_start(&a);
    char text[P2P_ENODE_TEXT], wanted[40];
    p2p_enode_format(text, &a.enode);
    snprintf(wanted, sizeof(wanted), "@10.1.2.3:%u?discport=0", p2p_server_address(a.server)->port);
    assert_non_null(strstr(text, wanted));
    struct node b;
    node_prepare(&b);
    b.options.port = a.enode.tcp;
    assert_int_equal(p2p_server_new(&b.server, &b.options, &detail), 0);
    assert_int_equal(p2p_server_start(b.server, &detail), ERR_IO);
    assert_non_null(strstr(detail.text, "address already in use"));
    node_stop(&b);
    node_stop(&a);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, loop_new, loop_free)
    const struct CMUnitTest tests[] = {
        TEST(two_nodes_talk), TEST(ends_are_told), TEST(pausing_holds_back),
        TEST(refusals),       TEST(both_dial),     TEST(ends_together),
        TEST(penalties),      TEST(out_of_memory), TEST(discovery_brings_together),
        TEST(wrong_options),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
