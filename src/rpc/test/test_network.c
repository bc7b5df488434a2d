/* admin_nodeInfo and admin_peers, and the same of the server of QLight clients, as GoQuorum 24.4.1 answers them. */
#include "crypto/random.h"
#include "p2p/server.h"
#include "rpc/test/world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

static unsigned opened;

static void on_opened(void *context, struct p2p_peer *peer)
{
    (void)context;
    (void)peer;
    opened++;
}

static void on_message(void *context, struct p2p_peer *peer, unsigned code, struct bytes payload)
{
    (void)context;
    (void)peer;
    (void)code;
    (void)payload;
}

static void on_closed(void *context, struct p2p_peer *peer, enum p2p_reason reason, bool by_peer)
{
    (void)context;
    (void)peer;
    (void)reason;
    (void)by_peer;
}

static const struct p2p_protocol_ops ops = {
    .opened = on_opened, .message = on_message, .closed = on_closed};
static const struct p2p_protocol qlight[] = {{"qlight", 65, 20, P2P_MESSAGE_MAX, &ops, NULL}},
                                 full[] = {{"eth", 66, 17, P2P_MESSAGE_MAX, &ops, NULL},
                                           {"istanbul", 100, 22, P2P_MESSAGE_MAX, &ops, NULL}};

static struct p2p_server *start(struct io_loop *loop, const struct p2p_protocol *protocols,
                                size_t count, const char *name, const struct p2p_enode *to)
{
    struct p2p_server *server;
    struct err_detail detail;
    struct p2p_server_options options = {
        .loop = loop,
        .name = name,
        .listen = !to,
        .listen_host = "127.0.0.1",
        .max_peers = 5,
        .static_nodes = to,
        .static_count = to ? 1 : 0,
        .protocols = protocols,
        .protocol_count = count,
    };
    assert_int_equal(crypto_private_key_new(&options.key), 0);
    assert_int_equal(p2p_server_new(&server, &options, &detail), 0);
    assert_int_equal(p2p_server_start(server, &detail), 0);
    return server;
}

static bool status_known;

static bool status(void *context, const struct p2p_peer *peer, struct u256 *ret_difficulty,
                   struct hash256 *ret_head)
{
    (void)context;
    (void)peer;
    *ret_difficulty = u256_from(7);
    memset(ret_head->b, 0xab, sizeof(ret_head->b));
    return status_known;
}

static json_t *ask(struct world *w, const char *method)
{
    char message[128];
    snprintf(message, sizeof(message), "{\"id\":1,\"method\":\"%s\"}", method);
    json_t *answer = world_ask(w, rpc_access_all(), message);
    json_t *result = json_incref(json_object_get(answer, "result"));
    assert_non_null(result);
    json_decref(answer);
    return result;
}

static const char *text_of(const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));
    return text ? text : "";
}

static void set(struct world *w, struct p2p_server *server, struct p2p_server *light)
{
    rpc_free(w->rpc);
    w->backend.server = server;
    w->backend.light_server = light;
    w->backend.peer_status = w->backend.light_peer_status = status;
    assert_int_equal(rpc_new(&w->rpc, &w->backend), 0);
}

/* `info` has these protocols, "eth istanbul snap", each but snap with the chain. */
static void check_protocols(const json_t *info, const char *wanted)
{
    char found[64] = "";
    const char *name;
    json_t *value;
    json_object_foreach(json_object_get(info, "protocols"), name, value)
    {
        size_t len = strlen(found);
        snprintf(found + len, sizeof(found) - len, "%s%s", len ? " " : "", name);
        if (strcmp(name, "snap") != 0)
            assert_int_equal(json_integer_value(json_object_get(value, "network")), 1337);
    }
    assert_string_equal(found, wanted);
}

static void test_without(void **state)
{
    (void)state;
    struct world w;
    world_begin(&w, "qbft");
    static const char *const methods[] = {"admin_qpeers", "admin_qnodeInfo"};
    for (size_t i = 0; i < BASE_COUNT(methods); i++) {
        json_t *result = ask(&w, methods[i]);
        assert_true(json_is_null(result));
        json_decref(result);
    }
    world_end(&w);
}

static void check_server(struct world *w, struct p2p_server *light)
{
    json_t *info = ask(w, "admin_nodeInfo"), *light_info = ask(w, "admin_qnodeInfo");
    struct p2p_enode self;
    char text[P2P_ENODE_TEXT];
    p2p_server_self(light, &self);
    p2p_enode_format(text, &self);
    check_protocols(info, "eth istanbul snap");
    assert_true(json_is_object(json_object_get(info, "plugins")));
    check_protocols(light_info, "qlight");
    assert_true(json_is_null(json_object_get(light_info, "plugins")));
    assert_string_equal(text_of(light_info, "name"), "qgeth");
    assert_string_equal(text_of(light_info, "enode"), text);
    assert_string_not_equal(text_of(info, "enode"), text);
    json_decref(info);
    json_decref(light_info);
}

/* The only one of `method`, a light client's or its server's. */
static void check_peer(struct world *w, const char *method, const char *name, bool inbound)
{
    for (int i = 0; i < 2; i++) {
        status_known = i;
        json_t *peers = ask(w, method);
        assert_int_equal(json_array_size(peers), 1);
        const json_t *peer = json_array_get(peers, 0);
        const json_t *protocols = json_object_get(peer, "protocols");
        assert_string_equal(text_of(peer, "name"), name);
        assert_string_equal(json_string_value(json_array_get(json_object_get(peer, "caps"), 0)),
                            "qlight/65");
        assert_int_equal(json_is_true(json_object_get(json_object_get(peer, "network"), "inbound")),
                         inbound);
        assert_int_equal(json_object_size(protocols), 1);
        const json_t *light = json_object_get(protocols, "qlight");
        if (i == 0) {
            assert_string_equal(json_string_value(light), "handshake");
        } else {
            assert_int_equal(json_integer_value(json_object_get(light, "version")), 65);
            assert_int_equal(json_integer_value(json_object_get(light, "difficulty")), 7);
            assert_string_equal(
                text_of(light, "head"),
                "0xabababababababababababababababababababababababababababababababab");
        }
        json_decref(peers);
    }
}

static void check_count(struct world *w, const char *wanted)
{
    json_t *count = ask(w, "net_peerCount");
    assert_string_equal(json_string_value(count), wanted);
    json_decref(count);
}

static void test_both_ends(void **state)
{
    (void)state;
    struct world w;
    struct p2p_enode self;
    world_begin(&w, "qbft");
    struct io_loop *loop = w.backend.loop;
    struct p2p_server *server = start(loop, full, 2, "node", NULL);
    struct p2p_server *light = start(loop, qlight, 1, "qgeth", NULL);
    p2p_server_self(light, &self);
    struct p2p_server *client = start(loop, qlight, 1, "client", &self);
    while (opened < 2)
        io_loop_turn(loop, true);
    set(&w, server, light);
    check_server(&w, light);
    check_peer(&w, "admin_qpeers", "client", true);
    check_count(&w, "0x0"); /* of the other nodes alone */
    set(&w, client, NULL);
    check_peer(&w, "admin_peers", "qgeth", false);
    check_count(&w, "0x1");
    json_t *info = ask(&w, "admin_nodeInfo");
    check_protocols(info, "qlight");
    assert_string_equal(text_of(info, "listenAddr"), "");
    json_decref(info);
    p2p_server_free(client);
    p2p_server_free(light);
    p2p_server_free(server);
    world_end(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_without),
        cmocka_unit_test(test_both_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
