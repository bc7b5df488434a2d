/* The flags and the configuration file of QLight: GoQuorum's words, and what a light client is besides. */
#include "node/config/config.h"
#include "node/config/file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#define KEY                                                                                        \
    "41102de81fc17b028e34c5ab509b25facd8ca8bb7dfa7f3b1957f976fdfe8464"                             \
    "c1b414faf3afe767baf90599da5042e584f6ecfeceebe9d025be899f84dc46c7"
#define SERVER_NODE "enode://" KEY "@127.0.0.1:30305"
#define CLIENT                                                                                     \
    "--qlight.client --qlight.client.serverNode " SERVER_NODE                                      \
    " --qlight.client.serverNodeRPC http://x "

static struct node_config config;
static struct err_detail detail;

static int parse(const char *line)
{
    static char copy[1024];
    char *words[32];
    int count = 0;
    size_t kept;
    snprintf(copy, sizeof(copy), "%s", line);
    for (char *rest = copy, *word; (word = strsep(&rest, " "));)
        words[count++] = word;
    return node_config_parse(&config, &kept, count, words, &detail);
}

static void warn(void *context, const char *message)
{
    (void)context;
    fail_msg("warned: %s", message);
}

static int check(const char *line)
{
    node_config_defaults(&config);
    assert_int_equal(parse(line), ERR_OK);
    return node_config_check(&config, warn, NULL, &detail);
}

static void test_defaults(void **state)
{
    (void)state;
    const struct node_light_config *light = &config.light;
    assert_int_equal(check("--mine"), ERR_OK);
    assert_false(light->server || light->client || light->server_permissioning ||
                 light->token_enabled || light->rpc_tls || light->tls);
    assert_int_equal(light->server_port, 30305);
    assert_int_equal(light->server_maxpeers, 10);
    assert_int_equal(light->tls_clientauth, 0);
    assert_string_equal(light->server_prefix, "qlight");
    assert_string_equal(light->client_psi, "private");
    assert_string_equal(light->token_management, "client-security-plugin");
    const char *const empty[] = {
        light->server_netrestrict, light->token_value,     light->rpc_tls_cacert,
        light->rpc_tls_cert,       light->rpc_tls_key,     light->server_node,
        light->server_node_rpc,    light->tls_cert,        light->tls_key,
        light->tls_cacerts,        light->tls_ciphersuites};
    for (size_t i = 0; i < BASE_COUNT(empty); i++)
        assert_string_equal(empty[i], "");
}

static void test_refusals(void **state)
{
    (void)state;
    static const char *const rows[][2] = {
        {"--qlight.client", "Please specify the 'qlight.client.serverNode' when running a qlight "
                            "client."},
        {"--qlight.client --qlight.client.serverNode " SERVER_NODE,
         "Please specify the 'qlight.client.serverNodeRPC' when running a qlight client."},
        {CLIENT "--mine", "QLight clients do not support mining"},
        {CLIENT "--syncmode fast", "Only the 'full' syncmode is supported for the qlight client."},
        {CLIENT "--qlight.server",
         "--qlight.server and --qlight.client exclude each other: a light client does not have "
         "what it would have to serve"},
        {"--qlight.client --qlight.client.serverNodeRPC x --qlight.client.serverNode "
         "enode://12@a:5",
         "--qlight.client.serverNode: invalid public key (wrong length, want 128 hex chars)"},
        {"--qlight.client --qlight.client.serverNodeRPC x --qlight.client.serverNode " KEY,
         "--qlight.client.serverNode: where the server is must be said: enode://KEY@HOST:PORT"},
        {CLIENT "--qlight.tls",
         "QLight tls flag is set but no client certificate authorities has been provided"},
        {"--qlight.client.token.management foo",
         "Invalid value specified 'foo' for flag 'qlight.client.token.management'."},
        {"--qlight.client.token.management=",
         "Invalid value specified '' for flag 'qlight.client.token.management'."},
        {"--qlight.client.rpc.tls.cert a",
         "'qlight.client.rpc.tls.cert' specified without specifying 'qlight.client.rpc.tls.key'"},
        {"--qlight.client.rpc.tls.key a",
         "'qlight.client.rpc.tls.key' specified without specifying 'qlight.client.rpc.tls.cert'"},
        {"--qlight.server --qlight.tls",
         "QLight TLS is enabled but no server certificate has been provided"},
        {"--qlight.server --qlight.tls --qlight.tls.cert a",
         "QLight TLS is enabled but no server key has been provided"},
        {"--qlight.server --qlight.server.p2p.netrestrict foo",
         "Option \"qlight.server.p2p.netrestrict\": invalid CIDR address: foo"},
        {"--qlight.server --qlight.server.p2p.port 65536",
         "--qlight.server.p2p.port 65536 is no port: it must be at most 65535"},
    };
    for (size_t i = 0; i < BASE_COUNT(rows); i++) {
        assert_int_equal(check(rows[i][0]), ERR_USAGE);
        assert_string_equal(detail.text, rows[i][1]);
    }
}

/* What only the other end has to have is not missed; GoQuorum passes over it as well. */
static void test_passes(void **state)
{
    (void)state;
    static const char *const lines[] = {
        "--qlight.tls",
        "--qlight.server.p2p.netrestrict foo",
        "--qlight.client=false",
        "--qlight.server --mine --qlight.tls --qlight.tls.cert a --qlight.tls.key b",
        CLIENT "--qlight.tls --qlight.tls.cacerts a",
        CLIENT "--qlight.client.rpc.tls.cert a --qlight.client.rpc.tls.key b",
    };
    for (size_t i = 0; i < BASE_COUNT(lines); i++)
        assert_int_equal(check(lines[i]), ERR_OK);
}

static void test_client_settles(void **state)
{
    (void)state;
    assert_int_equal(check("--qlight.server --maxpeers 9"), ERR_OK);
    assert_false(node_light_settle(&config));
    assert_int_equal(config.maxpeers, 9);
    assert_int_equal(check(CLIENT "--maxpeers 9"), ERR_OK);
    assert_true(node_light_settle(&config));
    assert_int_equal(config.maxpeers, 1);
    assert_true(config.no_listen);
    assert_string_equal(config.static_nodes, SERVER_NODE);
    struct buf shown = BUF_INIT;
    node_config_file_write(&shown, &config);
    assert_non_null(strstr(buf_text(&shown), "[Node.P2P]\nMaxPeers = 1\n"));
    assert_non_null(strstr(buf_text(&shown), "StaticNodes = [\"" SERVER_NODE "\"]\n"
                                             "TrustedNodes = []\nListenAddr = \"\"\n"));
    assert_null(strstr(buf_text(&shown), "[Node.QP2P]"));
    buf_release(&shown);
}

static int read_file(const char *text)
{
    char path[] = "/tmp/quorate-config-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    close(fd);
    node_config_defaults(&config);
    int status = node_config_file_read(&config, path, &detail);
    unlink(path);
    return status;
}

/* As GoQuorum's dumpconfig prints it, and read again. */
static void test_server_in_file(void **state)
{
    (void)state;
    static const char plain[] = "\n[Node.QP2P]\nMaxPeers = 10\nNoDiscovery = true\n"
                                "BootstrapNodes = []\nStaticNodes = []\nTrustedNodes = []\n"
                                "ListenAddr = \":30305\"\nNoDial = true\nEnableMsgEvents = false\n"
                                "\n[Node.HTTPTimeouts]\n";
    static const char full[] =
        "\n[Node.QP2P]\nMaxPeers = 7\nNoDiscovery = true\n"
        "BootstrapNodes = []\nStaticNodes = []\nTrustedNodes = []\n"
        "NetRestrict = [\"10.0.0.0/8\", \"fd00::/8\"]\nListenAddr = \":44\"\n"
        "NoDial = true\nEnableMsgEvents = false\n"
        "EnableNodePermission = true\n";
    struct buf shown = BUF_INIT;
    assert_int_equal(check("--qlight.server"), ERR_OK);
    node_config_file_write(&shown, &config);
    assert_non_null(strstr(buf_text(&shown), plain));
    assert_int_equal(read_file(full), ERR_OK);
    buf_clear(&shown);
    node_config_file_write(&shown, &config);
    assert_null(strstr(buf_text(&shown), "QP2P"));
    assert_int_equal(parse("--qlight.server"), ERR_OK);
    assert_int_equal(config.light.server_maxpeers, 7);
    assert_int_equal(config.light.server_port, 44);
    assert_true(config.light.server_permissioning);
    assert_string_equal(config.light.server_netrestrict, "10.0.0.0/8,fd00::/8");
    buf_clear(&shown);
    node_config_file_write(&shown, &config);
    assert_non_null(strstr(buf_text(&shown), full));
    buf_release(&shown);
    assert_int_equal(read_file("[Eth]\nQuorumLightServer = true\n"), ERR_INPUT);
    assert_non_null(strstr(detail.text, "field 'QuorumLightServer' is not defined in "
                                        "ethconfig.Config"));
}

/* An empty address means no listener; a port on the command line brings it back. */
static void test_no_listener_in_file(void **state)
{
    (void)state;
    assert_int_equal(read_file("[Node.P2P]\nListenAddr = \"\"\n"), ERR_OK);
    assert_true(config.no_listen);
    assert_int_equal(parse("--port 5"), ERR_OK);
    assert_false(config.no_listen);
    assert_int_equal(config.port, 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_defaults),       cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_passes),         cmocka_unit_test(test_client_settles),
        cmocka_unit_test(test_server_in_file), cmocka_unit_test(test_no_listener_in_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
