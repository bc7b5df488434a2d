#include "p2p/test/server_net.h"

#include "crypto/random.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

struct io_loop *loop;

int loop_new(void **state)
{
    (void)state;
    return io_loop_new(&loop);
}

int loop_free(void **state)
{
    (void)state;
    io_loop_free(loop);
    return 0;
}

static void on_opened(void *context, struct p2p_peer *peer)
{
    struct node *node = context;
    node->peer = peer;
    node->opened++;
    buf_append_text(&node->log, "+");
}

static void on_message(void *context, struct p2p_peer *peer, unsigned code, struct bytes payload)
{
    struct node *node = context;
    assert_ptr_equal(peer, node->peer);
    node->received += payload.len;
    buf_append_format(&node->log, " %u:%.*s", code, payload.len < 20 ? (int)payload.len : 0,
                      payload.len ? (const char *)payload.data : "");
}

static void on_closed(void *context, struct p2p_peer *peer, enum p2p_reason reason, bool by_peer)
{
    struct node *node = context;
    node->closed++;
    node->last_reason = reason;
    node->last_by_peer = by_peer;
    if (node->peer == peer)
        node->peer = NULL;
    buf_append_format(&node->log, " -%d", (int)reason);
}

static const struct p2p_protocol_ops ops = {
    .opened = on_opened, .message = on_message, .closed = on_closed};

static void on_peer(void *context, const struct p2p_peer *peer, const char *why)
{
    struct node *node = context;
    (void)peer;
    node->why = why;
}

static bool permit(void *context, const struct p2p_enode *other, bool outgoing)
{
    struct node *node = context;
    (void)outgoing;
    assert_false(p2p_enode_incomplete(other));
    node->asked++;
    return !node->refuse;
}

static void report(void *context, enum p2p_report level, const char *message)
{
    struct node *node = context;
    (void)level;
    if (node->report_off)
        return;
    buf_append_format(&node->reports, "%s\n", message);
}

void node_prepare(struct node *node)
{
    *node = (struct node){0};
    node->protocols[0] = (struct p2p_protocol){"istanbul", 100, 22, P2P_MESSAGE_MAX, &ops, node};
    node->protocols[1] = (struct p2p_protocol){"eth", 65, 17, P2P_MESSAGE_MAX, &ops, node};
    node->protocols[2] = (struct p2p_protocol){"eth", 66, 17, P2P_MESSAGE_MAX, &ops, node};
    node->options = (struct p2p_server_options){
        .loop = loop,
        .name = "test/v1",
        .listen = true,
        .listen_host = "127.0.0.1",
        .max_peers = 50,
        .permit = permit,
        .report = report,
        .peer = on_peer,
        .context = node,
        .protocols = node->protocols,
        .protocol_count = 3,
    };
    assert_int_equal(crypto_private_key_new(&node->options.key), 0);
}

void node_start(struct node *node)
{
    struct err_detail detail;
    assert_int_equal(p2p_server_new(&node->server, &node->options, &detail), 0);
    assert_int_equal(p2p_server_start(node->server, &detail), 0);
    p2p_server_self(node->server, &node->enode);
}

void node_start_to(struct node *node, const struct node *other)
{
    node->options.static_nodes = &other->enode;
    node->options.static_count = 1;
    node_start(node);
}

void node_stop(struct node *node)
{
    p2p_server_free(node->server);
    assert_int_equal(node->opened, node->closed);
    buf_release(&node->log);
    buf_release(&node->reports);
}

bool node_reported(struct node *node, const char *text)
{
    return strstr(buf_text(&node->reports), text) != NULL;
}
