/* Reading network.yaml: what is found wrong, where, and what is made of a right one. */
#include "deploy/network/network.h"
#include "deploy/network/schema.h"

#include "base/file.h"
#include "base/mem.h"
#include "tests/support/fixtures.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

struct reading {
    struct arena arena;
    struct deploy_report report;
    const struct deploy_network *network;
};

static void read_text(struct reading *r, const char *text, const enum deploy_target *target)
{
    arena_init(&r->arena);
    deploy_report_init(&r->report, "network.yaml", &r->arena);
    assert_int_equal(deploy_network_parse(&r->network, bytes_str(text), target, &r->report),
                     ERR_OK);
}

static void finish(struct reading *r)
{
    arena_release(&r->arena);
}

static const char good[] = "network:\n"
                           "  type: quorum\n"
                           "  config:\n"
                           "    consensus: raft\n"
                           "    tm_tls: off\n"
                           "  organizations:\n"
                           "  - organization:\n"
                           "    name: carrier\n"
                           "    services:\n"
                           "      peers:\n"
                           "      - peer:\n"
                           "        name: carrier\n"
                           "        lock: false\n"
                           "        geth_passphrase: file:pass\n"
                           "        p2p:\n"
                           "          port: 21000\n"
                           "        raft:\n"
                           "          port: 50401\n";

static void reads_a_small_network(void **state)
{
    (void)state;
    struct reading r;
    read_text(&r, good, NULL);
    assert_int_equal(r.report.count, 0);
    const struct deploy_network *network = r.network;
    assert_int_equal(deploy_network_target(network), DEPLOY_LOCAL);
    assert_int_equal(network->config->consensus.value, DEPLOY_RAFT);
    assert_int_equal(network->config->tm_tls.value, DEPLOY_TLS_OFF);
    assert_int_equal(network->config->transaction_manager.value, DEPLOY_TESSERA);
    assert_int_equal(network->config->chain_id.value, 10);
    assert_int_equal(network->organizations.count, 1);
    const struct deploy_peer *peer = &network->organizations.items[0].services->peers.items[0];
    assert_string_equal(peer->name.text, "carrier");
    assert_int_equal(peer->name.place.line, 12);
    assert_int_equal(peer->name.place.column, 15);
    assert_false(peer->lock.value);
    assert_int_equal(peer->p2p->port.value, 21000);
    assert_int_equal(peer->type.value, DEPLOY_VALIDATOR);
    assert_null(peer->db);
    finish(&r);
}

/* One line of `good` exchanged for another, and the one message that comes of it. */
struct fault {
    const char *old;
    const char *new;
    const char *message; /* as deploy_report_print writes it, up to the end of its first line */
};

static const struct fault faults[] = {
    {"consensus: raft", "consensus: poa",
     "network.yaml:4:16: error: network.config.consensus: \"poa\" is not one of its values\n"
     "    choose one of raft, ibft, qbft\n"},
    {"consensus: raft", "consensus: RAFT",
     "network.yaml:4:16: warning: network.config.consensus: \"RAFT\" is read as raft\n"},
    {"tm_tls: off", "tm_tls: False",
     "network.yaml:5:13: warning: network.config.tm_tls: False is read as off\n"},
    {"tm_tls: off", "tm_tsl: off",
     "network.yaml:5:5: warning: network.config.tm_tsl: is no known field\n"
     "    did you mean tm_tls?\n"},
    {"port: 21000", "port: 99999",
     "network.yaml:16:17: error: network.organizations[0].services.peers[0].p2p.port: "
     "is not such a number: \"99999\"\n    write a number from 1 to 65535\n"},
    {"port: 21000", "port: 18446744073709551617",
     "network.yaml:16:17: error: network.organizations[0].services.peers[0].p2p.port: "
     "is not such a number: \"18446744073709551617\"\n"},
    {"port: 21000", "port: [21000]",
     "network.yaml:16:18: error: network.organizations[0].services.peers[0].p2p.port: "
     "must be one value, not a list\n"},
    {"lock: false", "lock: true/false",
     "network.yaml:13:15: error: network.organizations[0].services.peers[0].lock: "
     "still the sample's placeholder \"true/false\"; fill it in\n"},
    {"lock: false", "lock: perhaps",
     "network.yaml:13:15: error: network.organizations[0].services.peers[0].lock: "
     "is neither true nor false: \"perhaps\"\n"},
    {"geth_passphrase: file:pass", "geth_passphrase: 01234",
     "network.yaml:14:26: warning: network.organizations[0].services.peers[0].geth_passphrase: "
     "is an octal number to Ansible, which would change it; taken here as it stands\n"},
    {"geth_passphrase: file:pass", "geth_passphrase: \"{{ vaulted }}\"",
     "network.yaml:14:26: error: network.organizations[0].services.peers[0].geth_passphrase: "
     "has a template expression ({{ }}) in it; values are taken as they stand\n"},
    {"type: quorum", "type: fabric",
     "network.yaml:2:9: error: network.type: is \"fabric\", another platform\n"},
    {"    name: carrier\n    services", "    name: Carrier\n    services",
     "network.yaml:8:11: error: network.organizations[0].name: "
     "\"Carrier\" cannot be part of a host name\n"},
    {"        raft:\n          port: 50401\n", "",
     "network.yaml:11:9: error: network.organizations[0].services.peers[0].raft: "
     "is missing, and the network's consensus is raft\n"},
    {"consensus: raft", "consensus: qbft",
     "network.yaml:4:16: warning: network.config.consensus: 1 validator: "
     "the network stands still when one is away\n"},
    {"        name: carrier\n        lock", "        lock",
     "network.yaml:11:9: error: network.organizations[0].services.peers[0].name: is missing\n"},
    {"      - peer:\n", "      - peer: carrier\n",
     "network.yaml:11:15: error: network.organizations[0].services.peers[0].peer: "
     "opens an item and has nothing behind it\n"},
    {"    tm_tls: off\n", "    tm_tls: off\n    tm_tls: strict\n",
     "network.yaml:6:5: error: tm_tls: stands here for the second time\n"},
    {"    tm_tls: off\n", "   tm_tls: off\n", "network.yaml:"},
    {"    tm_tls: off\n", "    tm_tls: off\n---\n",
     "network.yaml:6:1: error: a second document begins here"},
    {"network:\n", "networks:\n", "error: network: is missing at the top of the file\n"},
    {"    tm_tls: off\n", "    tm_tls: off\n    tm_nodes: carrier:8443\n",
     "network.yaml:6:15: error: network.config.tm_nodes: \"carrier:8443\" is no URL\n"},
    {"    tm_tls: off\n", "    tm_tls: off\n    tm_nodes: [\"https://carrier:8443\"]\n",
     "network.yaml:6:16: warning: network.config.tm_nodes: \"https://carrier:8443\" "
     "does not agree with tm_tls: off\n"},
    {"    tm_tls: off\n",
     "    tm_tls: off\n    transaction_manager: constellation\n    tm_nodes: [\"http://a:1\"]\n",
     "\"http://a:1\" has no / at its end\n"},
    {"    tm_tls: off\n",
     "    tm_tls: off\n    transaction_manager: constellation\n    database: mysql\n",
     "network.yaml:7:15: error: network.config.database: is mysql, and Constellation's dialect has "
     "no such database\n"},
};

static char *exchange(const char *old, const char *new)
{
    const char *at = strstr(good, old);
    assert_non_null(at);
    struct buf b = BUF_INIT;
    buf_append(&b, good, (size_t)(at - good));
    buf_append_text(&b, new);
    buf_append_text(&b, at + strlen(old));
    char *text = strdup(buf_text(&b)); /* from malloc */
    buf_release(&b);
    return text;
}

static void faults_are_named(void **state)
{
    (void)state;
    for (size_t i = 0; i < BASE_COUNT(faults); i++) {
        char *text = exchange(faults[i].old, faults[i].new);
        struct reading r;
        struct buf b = BUF_INIT;
        read_text(&r, text, NULL);
        deploy_report_print(&b, &r.report, false);
        if (!strstr(buf_text(&b), faults[i].message))
            fail_msg("expected: %sprinted:  %s", faults[i].message, buf_text(&b));
        buf_release(&b);
        finish(&r);
        free(text); /* from malloc */
    }
}

static void aliases_do_not_explode(void **state)
{
    (void)state;
    struct buf b = BUF_INIT;
    buf_append_text(&b, "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
    for (int i = 1; i < 12; i++) {
        buf_append_format(&b, "a%d: &a%d [*a%d", i, i, i - 1);
        for (int j = 0; j < 9; j++)
            buf_append_format(&b, ", *a%d", i - 1);
        buf_append_text(&b, "]\n");
    }
    struct reading r;
    read_text(&r, buf_text(&b), NULL);
    assert_null(r.network);
    assert_int_equal(deploy_report_count(&r.report, DEPLOY_ERROR), 1);
    finish(&r);
    buf_release(&b);
}

static void every_allocation_may_fail(void **state)
{
    (void)state;
    for (size_t n = 1;; n++) {
        struct arena arena;
        struct deploy_report report;
        const struct deploy_network *network;
        arena_init(&arena);
        deploy_report_init(&report, "network.yaml", &arena);
        mem_fail_at(n, 1);
        int status = deploy_network_parse(&network, bytes_str(good), NULL, &report);
        size_t left = mem_fail_left();
        mem_fail_at(0, 0);
        arena_release(&arena);
        if (left) {
            assert_int_equal(status, ERR_OK);
            assert_true(n > 1);
            return;
        }
        assert_int_equal(status, ERR_NOMEM);
    }
}

/* --- BAF's samples --- */

static const char source[] = "hyperledger/bevel, tag v0.8.1.0";

static void read_sample(struct reading *r, struct buf *content, const char *name,
                        enum deploy_target target)
{
    char path[512];
    fixtures_require("network-yaml/baf-0.8.1", source);
    snprintf(path, sizeof(path), "%s/network-yaml/baf-0.8.1/%s", fixtures_folder(), name);
    assert_int_equal(file_read(path, DEPLOY_REPORT_MAX * 1024, content, NULL), ERR_OK);
    read_text(r, buf_text(content), &target);
}

static size_t count_text(const struct reading *r, enum deploy_severity severity, const char *text)
{
    size_t count = 0;
    for (size_t i = 0; i < r->report.count; i++)
        count += r->report.problems[i].severity == severity &&
                 strstr(r->report.problems[i].message, text);
    return count;
}

static void sample_raft_on_one_machine(void **state)
{
    (void)state;
    struct reading r;
    struct buf content = BUF_INIT;
    read_sample(&r, &content, "network-quorum.yaml", DEPLOY_LOCAL);
    assert_int_equal(r.network->organizations.count, 4);
    /* Four times lock, and the two paths; the rest is not used on one machine. */
    assert_int_equal(count_text(&r, DEPLOY_ERROR, "placeholder"), 6);
    assert_int_equal(deploy_report_count(&r.report, DEPLOY_ERROR), 6);
    assert_true(count_text(&r, DEPLOY_NOTE, "not used on one machine") > 20);
    assert_int_equal(count_text(&r, DEPLOY_WARNING, "no known field"), 0);
    finish(&r);
    buf_release(&content);
}

static void sample_raft_on_a_cluster(void **state)
{
    (void)state;
    struct reading r;
    struct buf content = BUF_INIT;
    read_sample(&r, &content, "network-quorum.yaml", DEPLOY_KUBERNETES);
    size_t errors = deploy_report_count(&r.report, DEPLOY_ERROR);
    assert_int_equal(count_text(&r, DEPLOY_ERROR, "placeholder"), errors);
    assert_true(errors > 40);
    finish(&r);
    buf_release(&content);
}

static void sample_ibft(void **state)
{
    (void)state;
    struct reading r;
    struct buf content = BUF_INIT;
    read_sample(&r, &content, "network-minikube.yaml", DEPLOY_LOCAL);
    assert_int_equal(r.network->organizations.count, 3);
    assert_int_equal(deploy_report_count(&r.report, DEPLOY_ERROR), 0);
    assert_int_equal(count_text(&r, DEPLOY_WARNING, "3 validators"), 1);
    finish(&r);
    buf_release(&content);
}

static void sample_new_node(void **state)
{
    (void)state;
    struct reading r;
    struct buf content = BUF_INIT;
    read_sample(&r, &content, "network-quorum-newnode.yaml", DEPLOY_LOCAL);
    assert_non_null(r.network->config->bootnode);
    assert_int_equal(r.network->config->bootnode->rpcport.value, 15011);
    assert_int_equal(deploy_report_count(&r.report, DEPLOY_ERROR), 2); /* the two paths */
    finish(&r);
    buf_release(&content);
}

static void schema_is_json(void **state)
{
    (void)state;
    struct buf b = BUF_INIT;
    deploy_schema_json(&b);
    json_error_t error;
    json_t *root = json_loadb((const char *)b.data, b.len, JSON_REJECT_DUPLICATES, &error);
    assert_non_null(root);
    const json_t *network = json_object_get(json_object_get(root, "properties"), "network");
    const json_t *config = json_object_get(json_object_get(network, "properties"), "config");
    const json_t *consensus = json_object_get(json_object_get(config, "properties"), "consensus");
    assert_int_equal(json_array_size(json_object_get(consensus, "enum")), 3);
    json_decref(root);
    buf_release(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_a_small_network),
        cmocka_unit_test(faults_are_named),
        cmocka_unit_test(aliases_do_not_explode),
        cmocka_unit_test(every_allocation_may_fail),
        cmocka_unit_test(sample_raft_on_one_machine),
        cmocka_unit_test(sample_raft_on_a_cluster),
        cmocka_unit_test(sample_ibft),
        cmocka_unit_test(sample_new_node),
        cmocka_unit_test(schema_is_json),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
