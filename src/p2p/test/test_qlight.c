/* QLight: its messages as GoQuorum writes them, a client that catches up with its server over a real connection, and who is sent away. */
#include "base/hex.h"
#include "base/mem.h"
#include "p2p/eth/eth_priv.h"
#include "p2p/qlight/qlight.h"
#include "p2p/test/eth_net.h"
#include "p2p/test/server_net.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

/* --- Messages; the encodings are GoQuorum's (rlp.EncodeToBytes of its structures) --- */

static const char client_status[] = "d5418087707269766174658a62656172657220616263";
static const char server_status[] = "c441018080";
static const char token_update[] = "cb8a6265617265722078797a";

static struct buf unhex(const char *text)
{
    struct buf b = BUF_INIT;
    assert_int_equal(hex_decode(text, &b), ERR_OK);
    return b;
}

static void status_round_trip(const char *hex, bool server, const char *psi, const char *token)
{
    struct p2p_qlight_status s;
    struct buf message = unhex(hex), again = BUF_INIT;
    assert_int_equal(p2p_qlight_read_status(&s, buf_bytes(&message), NULL), ERR_OK);
    assert_int_equal(s.version, 65);
    assert_int_equal(s.server, server);
    assert_true(bytes_equal(s.psi, bytes_str(psi)));
    assert_true(bytes_equal(s.token, bytes_str(token)));
    p2p_qlight_write_status(&again, &s);
    assert_true(bytes_equal(buf_bytes(&again), buf_bytes(&message)));
    buf_release(&again);
    buf_release(&message);
}

static void statuses(void **state)
{
    (void)state;
    struct bytes token;
    struct buf message = unhex(token_update), again = BUF_INIT;
    status_round_trip(client_status, false, "private", "bearer abc");
    status_round_trip(server_status, true, "", "");
    assert_int_equal(p2p_qlight_read_token(&token, buf_bytes(&message), NULL), ERR_OK);
    assert_true(bytes_equal(token, bytes_str("bearer xyz")));
    p2p_qlight_write_token(&again, token);
    assert_true(bytes_equal(buf_bytes(&again), buf_bytes(&message)));
    buf_release(&again);
    buf_release(&message);
}

static const char private_data[] =
    "f901e2f901dfa011111111111111111111111111111111111111111111111111111111111111118770726976"
    "617465a056e81f171bcc55a6ff8345e692c0f86e5b48e01b996cadc001622fb5e363b421f90192f86db84000"
    "0000000000000000000000000000000000000000000000000000000000000000000000000000000000000000"
    "00000000000000000000000000000000010203826080e6c0a000000000000000000000000000000000000000"
    "0000000000000000000000000080c080c001f90120b840000000000000000000000000000000000000000000"
    "00000000000000000000000000000000000000000000000000000000000000000000000000000000000908b8"
    "416c6f6e676572207468616e2066696674792d666976652062797465732c20736f207468617420746865206c"
    "656e6774682068617320697473206f776e2062797465f898f842b84000000000000000000000000000000000"
    "0000000000000000000000000000000000000000000000000000000000000000000000000000000000000000"
    "00010203a0000000000000000000000000000000000000000000000000000000000000002203ee61ac42554c"
    "6552384a79555768697575434d552f484c41305135707a6b59542b63484949335a4b42657933426f3d73c16d"
    "80";

static void data_of_a_block(void **state)
{
    (void)state;
    struct p2p_qlight_private_data data;
    struct arena arena;
    struct buf message = unhex(private_data), again = BUF_INIT;
    arena_init(&arena);
    assert_int_equal(p2p_qlight_read_private_data(&data, &arena, buf_bytes(&message), NULL),
                     ERR_OK);
    assert_int_equal(data.count, 1);
    const struct p2p_qlight_block *block = &data.blocks[0];
    assert_int_equal(block->hash.b[31], 0x11);
    assert_int_equal(block->root.b[0], 0x56);
    assert_true(bytes_equal(block->psi, bytes_str("private")));
    assert_int_equal(block->count, 2);
    const struct p2p_qlight_payload *first = &block->payloads[0], *second = first + 1;
    assert_true(first->is_sender && first->payload.is_party && !second->is_sender);
    assert_int_equal(first->hash.b[63], 3);
    assert_int_equal(first->payload.data.len, 2);
    assert_int_equal(second->payload.flag, CHAIN_STATE_VALIDATION);
    assert_int_equal(second->payload.affected_count, 1);
    assert_memory_equal(&second->payload.affected[0], &first->hash, sizeof(first->hash));
    assert_int_equal(second->payload.exec_hash.b[31], 0x22);
    assert_int_equal(second->payload.managed_count, 2);
    assert_true(bytes_equal(second->payload.sender, bytes_str("s")));
    assert_int_equal(second->mandatory_count, 1);
    p2p_qlight_write_private_data(&again, block);
    assert_true(bytes_equal(buf_bytes(&again), buf_bytes(&message)));
    buf_release(&again);
    buf_release(&message);
    arena_release(&arena);
}

static void expect_refused(struct bytes message, const char *why)
{
    struct p2p_qlight_private_data data;
    struct p2p_qlight_status s;
    struct err_detail detail = {""};
    struct arena arena;
    arena_init(&arena);
    int status = why[0] == '!' ? p2p_qlight_read_status(&s, message, &detail)
                               : p2p_qlight_read_private_data(&data, &arena, message, &detail);
    assert_int_equal(status, ERR_INPUT);
    if (!strstr(detail.text, why + (why[0] == '!')))
        fail_msg("\"%s\" is not in: %s", why, detail.text);
    arena_release(&arena);
}

static void bad_messages(void **state)
{
    (void)state;
    struct buf b = unhex(private_data);
    for (size_t len = 0; len < b.len; len++) /* cut short anywhere */
        expect_refused(bytes_of(b.data, len), "BlockPrivateData");
    buf_release(&b);
    struct p2p_qlight_status s = {.version = 65};
    char psi[CHAIN_PSI_MAX + 2];
    memset(psi, 'p', sizeof(psi));
    s.psi = bytes_of(psi, CHAIN_PSI_MAX + 1);
    p2p_qlight_write_status(&b, &s);
    expect_refused(buf_bytes(&b), "!psi");
    buf_release(&b);
    b = unhex("d64102");
    expect_refused(buf_bytes(&b), "!QLight status");
    buf_release(&b);
}

/* --- A client and its server --- */

enum { BLOCKS = 700, WITH_DATA = 7 };

struct end {
    struct net_node *node;
    struct p2p_qlight *qlight;
    struct node server; /* of connections */
    struct buf log;
    unsigned asked, gone, blocks_with_data;
    bool refuses, tells, is_silent;
    unsigned told; /* roots */
    const char *token;
};

static void on_bodies(void *context, struct p2p_qlight_peer *peer,
                      const struct p2p_eth_hashes *hashes)
{
    struct end *end = context;
    struct buf data = BUF_INIT, bodies = BUF_INIT;
    end->asked++;
    if (end->is_silent)
        return;
    assert_true(bytes_equal(p2p_qlight_psi(peer), bytes_str("private")));
    struct p2p_eth_open open = p2p_eth_begin(&bodies, P2P_ETH_65, P2P_ETH_BLOCK_BODIES, 0);
    for (size_t i = 0; i < hashes->count; i++) {
        struct p2p_qlight_block block = {.hash = p2p_eth_hash_at(hashes, i),
                                         .psi = bytes_str("private")};
        end->told += end->tells && p2p_qlight_tell_root(peer, &block.hash);
        for (size_t k = 0; k < end->node->count; k++)
            if (hash256_equal(&end->node->blocks[k]->hash, &block.hash)) {
                chain_body_write(&bodies, end->node->blocks[k]->body);
                if (k % WITH_DATA == 0)
                    p2p_qlight_write_private_data(&data, &block);
            }
    }
    p2p_eth_end(&bodies, P2P_ETH_65, P2P_ETH_BLOCK_BODIES, open);
    if (end->refuses)
        p2p_qlight_refuse(peer, "the manager is away");
    else
        p2p_qlight_answer(peer, buf_bytes(&data), buf_bytes(&bodies));
    buf_release(&data);
    buf_release(&bodies);
}

static bool authorize(void *context, struct bytes psi, struct bytes token, struct err_detail *why)
{
    const struct end *end = context;
    (void)psi;
    err_set(why, 0, "token expired");
    return bytes_equal(token, bytes_str(end->token));
}

static void on_gone(void *context, struct p2p_qlight_peer *peer)
{
    struct end *end = context;
    (void)peer;
    end->gone++;
}

static void on_private_data(void *context, const struct p2p_qlight_private_data *data)
{
    struct end *end = context;
    end->blocks_with_data += (unsigned)data->count;
}

static void add_token(void *context, struct buf *ret_token)
{
    const struct end *end = context;
    buf_append_text(ret_token, end->token);
}

static void on_report(void *context, enum p2p_eth_level level, const char *message)
{
    struct end *end = context;
    (void)level;
    buf_append_format(&end->log, "%s\n", message);
}

static void end_open(struct end *end, struct net *net, struct chain_block *const *blocks,
                     size_t count, bool server)
{
    *end = (struct end){.token = ""};
    const struct p2p_qlight_options options = {.server = server,
                                               .authorize = authorize,
                                               .bodies = on_bodies,
                                               .gone = on_gone,
                                               .psi = "private",
                                               .token = add_token,
                                               .private_data = on_private_data,
                                               .report = on_report,
                                               .context = end};
    net->role = server ? P2P_ETH_SERVES : P2P_ETH_IS_SERVED;
    end->node = net_add(net, blocks, count);
    net->role = P2P_ETH_AMONG_EQUALS;
    assert_int_equal(p2p_qlight_new(&end->qlight, end->node->eth, &options, loop), ERR_OK);
    node_prepare(&end->server);
    end->server.protocols[0] = p2p_qlight_protocol(end->qlight);
    end->server.options.protocol_count = 1;
    end->server.options.peer = NULL;
}

static void end_close(struct end *end)
{
    p2p_server_free(end->server.server);
    buf_release(&end->server.log);
    buf_release(&end->server.reports);
    p2p_qlight_free(end->qlight);
    buf_release(&end->log);
}

#define until_in(net, condition)                                                                   \
    while (!(condition)) {                                                                         \
        net_settle(net);                                                                           \
        io_loop_turn(loop, false);                                                                 \
    }

static void a_client_catches_up_and_follows(void **state)
{
    (void)state;
    struct net net;
    struct end server, client;
    struct chain_block **blocks = net_make_chain(BLOCKS + 1, 1, 0, 0);
    net_init(&net);
    end_open(&server, &net, blocks, BLOCKS, true);
    end_open(&client, &net, blocks, 1, false);
    node_start(&server.server);
    node_start_to(&client.server, &server.server);
    until_in(&net, client.node->count == BLOCKS);
    assert_true(server.asked > 1);
    assert_int_equal(client.blocks_with_data, (BLOCKS - 1) / WITH_DATA);
    assert_int_equal(server.node->imports, 0);

    /* A new block comes by itself, behind what is private in it. */
    struct p2p_qlight_peer *peer = p2p_qlight_next(server.qlight, NULL);
    assert_non_null(peer);
    assert_null(p2p_qlight_next(server.qlight, peer));
    struct buf data = BUF_INIT, message = BUF_INIT;
    const struct p2p_qlight_block block = {.hash = blocks[BLOCKS]->hash,
                                           .psi = bytes_str("private")};
    p2p_qlight_write_private_data(&data, &block);
    p2p_qlight_write_private_data(&data, &block); /* as of a large one, in two messages */
    struct p2p_eth_open open = p2p_eth_begin(&message, P2P_ETH_65, P2P_ETH_NEW_BLOCK, 0);
    chain_block_write(&message, blocks[BLOCKS]);
    rlp_write_u64(&message, BLOCKS + 1);
    p2p_eth_end(&message, P2P_ETH_65, P2P_ETH_NEW_BLOCK, open);
    client.blocks_with_data = 0;
    p2p_qlight_new_block(peer, buf_bytes(&data), buf_bytes(&message));
    until_in(&net, client.node->count == BLOCKS + 1);
    assert_int_equal(client.blocks_with_data, 2);
    buf_release(&data);
    buf_release(&message);

    /* The root is told once; a block that was left out of an answer has its chance again. */
    assert_true(p2p_qlight_tell_root(peer, &blocks[1]->hash));
    assert_false(p2p_qlight_tell_root(peer, &blocks[1]->hash));
    p2p_qlight_root_untold(peer, &blocks[1]->hash);
    assert_true(p2p_qlight_tell_root(peer, &blocks[1]->hash));
    end_close(&client);
    until_in(&net, server.gone == 1);
    end_close(&server);
    net_release(&net);
    net_free_blocks(blocks, BLOCKS + 1);
}

static void transactions_go_one_way(void **state)
{
    (void)state;
    struct net net;
    struct end server, client;
    struct chain_block **blocks = net_make_chain(2, 1, 0, 0);
    struct chain_tx *txs[2] = {net_make_tx(0), net_make_tx(1)};
    net_init(&net);
    end_open(&server, &net, blocks, 2, true);
    end_open(&client, &net, blocks, 2, false);
    server.node->pool = mem_alloc(2 * sizeof(struct chain_tx *));
    for (size_t i = 0; i < 2; i++)
        server.node->pool[server.node->pool_count++] = chain_tx_ref(txs[i]);
    node_start(&server.server);
    node_start_to(&client.server, &server.server);
    until_in(&net, p2p_qlight_next(server.qlight, NULL) && p2p_qlight_next(client.qlight, NULL));
    p2p_eth_accept_transactions(client.node->eth);
    p2p_eth_new_transactions(client.node->eth, txs, 2);
    p2p_eth_new_transactions(server.node->eth, txs, 2);
    while (client.node->taken < 2) {
        net_pass(&net, 20);
        io_loop_turn(loop, false);
    }
    assert_int_equal(server.node->takes, 0);
    assert_int_equal(server.gone, 0);
    end_close(&client);
    end_close(&server);
    for (size_t i = 0; i < 2; i++)
        chain_tx_unref(txs[i]);
    net_release(&net);
    net_free_blocks(blocks, 2);
}

static void tokens_are_looked_at(void **state)
{
    (void)state;
    struct net net;
    struct end server, client;
    struct chain_block **blocks = net_make_chain(2, 1, 0, 0);
    net_init(&net);
    end_open(&server, &net, blocks, 2, true);
    end_open(&client, &net, blocks, 1, false);
    server.token = "bearer good";
    client.token = "bearer bad";
    node_start(&server.server);
    node_start_to(&client.server, &server.server);
    until_in(&net,
             server.gone == 1 && node_reported(&client.server, "invalid auth error (by peer)"));
    assert_non_null(strstr(buf_text(&server.log), "a light client is refused: token expired"));
    assert_non_null(strstr(buf_text(&client.log), "--qlight.client.token.value"));
    assert_null(strstr(buf_text(&server.log), "bearer"));
    assert_int_equal(client.node->count, 1);
    client.token = "bearer good";
    until_in(&net, client.node->count == 2); /* it calls again by itself */
    end_close(&client);
    end_close(&server);
    net_release(&net);
    net_free_blocks(blocks, 2);
}

/* As when its manager is away; GoQuorum ends the connection, too. */
static void a_server_that_cannot_answer(void **state)
{
    (void)state;
    struct net net;
    struct end server, client;
    struct chain_block **blocks = net_make_chain(2, 1, 0, 0);
    net_init(&net);
    end_open(&server, &net, blocks, 2, true);
    end_open(&client, &net, blocks, 1, false);
    server.refuses = server.tells = true;
    node_start(&server.server);
    node_start_to(&client.server, &server.server);
    until_in(&net, server.gone == 1);
    assert_non_null(strstr(buf_text(&server.log), "the manager is away"));
    server.refuses = false;
    until_in(&net, client.node->count == 2);
    assert_int_equal(server.asked, 2);
    assert_int_equal(server.told, 1); /* a client that comes again knows it from before */
    end_close(&client);
    end_close(&server);
    net_release(&net);
    net_free_blocks(blocks, 2);
}

/* That a client goes is seen while it waits for an answer: nobody is to work for it then. */
static void a_client_that_does_not_wait(void **state)
{
    (void)state;
    struct net net;
    struct end server, client;
    struct chain_block **blocks = net_make_chain(2, 1, 0, 0);
    net_init(&net);
    end_open(&server, &net, blocks, 2, true);
    end_open(&client, &net, blocks, 1, false);
    server.is_silent = true;
    node_start(&server.server);
    node_start_to(&client.server, &server.server);
    until_in(&net, server.asked == 1);
    end_close(&client);
    until_in(&net, server.gone == 1);
    end_close(&server);
    net_release(&net);
    net_free_blocks(blocks, 2);
}

/* --- Ends that are played --- */

/* What the played end sends, and what the real one says as it goes. */
struct breach {
    bool to_server;
    const char *messages[4]; /* "code:hex" */
    const char *why;
};

static void send_text(struct node *played, const char *text, struct bytes eth_status)
{
    unsigned code;
    assert_int_equal(sscanf(text, "%x", &code), 1);
    struct buf payload = unhex(strchr(text, ':') + 1);
    bool own = code == P2P_ETH_STATUS && payload.len == 0;
    assert_int_equal(
        p2p_peer_send(played->peer, "qlight", code, own ? eth_status : buf_bytes(&payload)), 0);
    buf_release(&payload);
}

static void breach(const struct breach *b)
{
    struct net net;
    struct end real;
    struct node played;
    struct chain_block **blocks = net_make_chain(2, 1, 0, 0);
    net_init(&net);
    end_open(&real, &net, blocks, 2, b->to_server);
    node_prepare(&played);
    played.protocols[0].name = "qlight";
    played.protocols[0].version = P2P_QLIGHT_65;
    played.protocols[0].length = P2P_QLIGHT_LENGTH;
    played.options.protocol_count = 1;
    node_start(&played);
    node_start_to(&real.server, &played);
    until_in(&net, played.opened == 1);
    struct buf status = BUF_INIT;
    struct p2p_eth_message m = {.code = P2P_ETH_STATUS,
                                .status = {.version = 65,
                                           .network = 1337,
                                           .td = u256_from(2),
                                           .head = blocks[1]->hash,
                                           .genesis = blocks[0]->hash,
                                           .fork = {.hash = {1, 2, 3, 4}}}};
    p2p_eth_encode(&status, P2P_ETH_65, &m);
    for (size_t i = 0; i < BASE_COUNT(b->messages) && b->messages[i]; i++)
        send_text(&played, b->messages[i], buf_bytes(&status));
    until_in(&net, played.closed == 1);
    if (!strstr(buf_text(&real.log), b->why))
        fail_msg("\"%s\" is not in: %s", b->why, buf_text(&real.log));
    buf_release(&status);
    end_close(&real);
    node_stop(&played);
    net_release(&net);
    net_free_blocks(blocks, 2);
}

static void breaches(void **state)
{
    (void)state;
    static const struct breach all[] = {
        {true, {"11:cb4180877072697661746580"}, "no status message: first msg has code 11"},
        {true, {"0:", "3:c0"}, "no status message: second msg has code 3"},
        {true, {"0:", "11:c441018080"}, "connected to a server peer"},
        {true, {"0:", "11:c441808080"}, "client connected without specifying PSI"},
        {true, {"0:", "11:c0"}, "QLight status"},
        {true, {"0:c0", "11:cb4180877072697661746580"}, "invalid message"},
        {true, {"0:", "11:cb4180877072697661746580", "9:c0"}, "invalid message code: 9"},
        {true, {"0:", "11:cb4180877072697661746580", "12:80"}, "TokenUpdate"},
        {true, {"0:", "11:cb4180877072697661746580", "5:c101"}, "GetBlockBodies"},
        {true, {"0:", "11:cb4180877072697661746580", "13:c0"}, "invalid message code: 13"},
        {false, {"0:", "11:cb4180877072697661746580"}, "connected to a non server peer"},
        {false, {"0:", "11:c441018080", "13:c101"}, "BlockPrivateData"},
        {false, {"0:", "11:c441018080", "3:c0"}, "invalid message code: 3"},
    };
    for (size_t i = 0; i < BASE_COUNT(all); i++)
        breach(&all[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(statuses),
        cmocka_unit_test(data_of_a_block),
        cmocka_unit_test(bad_messages),
        cmocka_unit_test_setup_teardown(a_client_catches_up_and_follows, loop_new, loop_free),
        cmocka_unit_test_setup_teardown(transactions_go_one_way, loop_new, loop_free),
        cmocka_unit_test_setup_teardown(tokens_are_looked_at, loop_new, loop_free),
        cmocka_unit_test_setup_teardown(a_server_that_cannot_answer, loop_new, loop_free),
        cmocka_unit_test_setup_teardown(a_client_that_does_not_wait, loop_new, loop_free),
        cmocka_unit_test_setup_teardown(breaches, loop_new, loop_free),
    };
    return cmocka_run_group_tests_name("p2p qlight", tests, NULL, NULL);
}
