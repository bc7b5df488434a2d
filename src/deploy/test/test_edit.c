/* Changes of a network file, in the layouts that people write. */
#include "deploy/network/edit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

/* Lists as deep as their keys, a comment inside, a field below the list, no newline at the end. */
static const char flat[] = "network:\n"
                           "  type: quorum\n"
                           "  version: 24.4.1\n"
                           "  organizations:\n"
                           "  - organization:\n"
                           "    name: one\n"
                           "    services:\n"
                           "      peers:\n"
                           "      - peer:\n"
                           "        name: a\n"
                           "\n"
                           "# a word\n"
                           "        type: validator  # votes\n"
                           "      - peer:\n"
                           "        name: b\n"
                           "    external_url_suffix: x.example.com\n"
                           "  - organization:\n"
                           "    name: two\n"
                           "    services:\n"
                           "      peers:\n"
                           "      - peer:\n"
                           "        name: c\n"
                           "        type: validator\n"
                           "  config:\n"
                           "    consensus: qbft\n"
                           "    transaction_manager: none";

struct file {
    struct arena arena;
    struct deploy_report report;
    const struct deploy_network *network;
};

static void read_file(struct file *f, struct bytes text)
{
    const enum deploy_target target = DEPLOY_LOCAL;
    struct buf b = BUF_INIT;
    arena_init(&f->arena);
    deploy_report_init(&f->report, "file", &f->arena);
    assert_int_equal(deploy_network_parse(&f->network, text, &target, &f->report), 0);
    deploy_report_print(&b, &f->report, false);
    if (deploy_report_count(&f->report, DEPLOY_ERROR))
        fail_msg("%s\n%s", buf_text(&b), (const char *)text.data);
    buf_release(&b);
}

static void names_of(char *ret_text, size_t size, const struct deploy_network *network)
{
    struct deploy_peer_at at;
    size_t n = 0;
    ret_text[0] = 0;
    for (size_t i = 0; deploy_peer_at(&at, network, i); i++)
        n += (size_t)snprintf(ret_text + n, size - n, "%s/%s%s ", at.organization->name.text,
                              at.peer->name.text,
                              at.peer->type.value == DEPLOY_VALIDATOR ? "*" : "");
}

static void assert_peers(struct buf *text, const char *wanted)
{
    struct file f;
    char names[256];
    assert_int_equal(buf_status(text), 0);
    read_file(&f, buf_bytes(text));
    names_of(names, sizeof(names), f.network);
    assert_string_equal(names, wanted);
    /* What was not asked for stays. */
    assert_non_null(strstr(buf_text(text), "    transaction_manager: none"));
    arena_release(&f.arena);
    buf_release(text);
}

static void peers_and_organizations_are_put_in(void **state)
{
    (void)state;
    struct file f;
    struct err_detail detail;
    struct buf b = BUF_INIT;
    struct bytes text = bytes_str(flat);
    read_file(&f, text);
    deploy_edit_add_organization(&b, text, f.network, "three", true);
    assert_non_null(strstr(buf_text(&b), "# a word"));
    assert_non_null(strstr(buf_text(&b), "  - organization:\n    name: three\n"));
    assert_peers(&b, "one/a* one/b* two/c* three/three* ");
    assert_int_equal(deploy_edit_add_peer(&b, text, f.network, &f.network->organizations.items[0],
                                          &(const struct deploy_edit_peer){.name = "d"}, &detail),
                     0);
    assert_peers(&b, "one/a* one/b* one/d two/c* ");
    assert_int_equal(deploy_edit_add_peer(
                         &b, text, f.network, &f.network->organizations.items[1],
                         &(const struct deploy_edit_peer){.name = "d", .validator = true}, &detail),
                     0);
    assert_peers(&b, "one/a* one/b* two/c* two/d* ");
    arena_release(&f.arena);
}

static void peers_are_taken_out_and_types_altered(void **state)
{
    (void)state;
    struct file f;
    struct err_detail detail;
    struct buf b = BUF_INIT;
    struct bytes text = bytes_str(flat);
    read_file(&f, text);
    const struct deploy_peer *a = &f.network->organizations.items[0].services->peers.items[0];
    const struct deploy_peer *second = &f.network->organizations.items[0].services->peers.items[1];
    const struct deploy_peer *c = &f.network->organizations.items[1].services->peers.items[0];
    assert_int_equal(deploy_edit_remove_peer(&b, text, f.network, a, &detail), 0);
    assert_peers(&b, "one/b* two/c* ");
    assert_int_equal(deploy_edit_remove_peer(&b, text, f.network, second, &detail), 0);
    assert_non_null(strstr(buf_text(&b), "external_url_suffix"));
    assert_peers(&b, "one/a* two/c* ");
    assert_int_equal(deploy_edit_remove_peer(&b, text, f.network, c, &detail), 0);
    assert_peers(&b, "one/a* one/b* ");
    deploy_edit_set_type(&b, text, a, false);
    assert_non_null(strstr(buf_text(&b), "type: non-validator  # votes\n"));
    assert_peers(&b, "one/a one/b* two/c* ");
    deploy_edit_set_type(&b, text, second, false);
    assert_peers(&b, "one/a* one/b two/c* ");
    arena_release(&f.arena);
}

/* On clusters a newcomer has ports, and managers are told of it. */
static void newcomers_have_ports_and_managers(void **state)
{
    (void)state;
    static const char text[] =
        "network:\n  type: quorum\n  version: 24.4.1\n"
        "  env: {type: test, proxy: ambassador, ambassadorPorts: \"15010,15011,15013,15014\"}\n"
        "  config:\n    consensus: qbft\n    transaction_manager: tessera\n    tm_tls: strict\n"
        "    tm_trust: ca\n    tm_nodes: [\"https://a.x:8443\", 'https://b.x:8443']  # all\n"
        "  organizations:\n    - organization:\n      name: one\n"
        "      services:\n        peers:\n        - peer:\n          name: a\n"
        "          type: validator\n          p2p: {port: 21000, ambassador: 15010}\n"
        "          rpc: {port: 8546, ambassador: 15011}\n          db: {port: 3306}\n"
        "          transaction_manager: {port: 8443, ambassador: 8443}\n";
    struct file f, g;
    struct err_detail detail;
    struct buf b = BUF_INIT, c = BUF_INIT;
    const struct deploy_edit_peer peer = {.name = "d", .ports = true};
    read_file(&f, bytes_str(text));
    assert_int_equal(deploy_edit_add_peer(&b, bytes_str(text), f.network,
                                          &f.network->organizations.items[0], &peer, &detail),
                     0);
    deploy_edit_add_manager(&c, buf_bytes(&b), f.network, "https://d.x:8443");
    read_file(&g, buf_bytes(&c));
    const struct deploy_peer *d = &g.network->organizations.items[0].services->peers.items[1];
    assert_int_equal(d->p2p->port.value, 21000);
    assert_int_equal(d->p2p->ambassador.value, 15013);
    assert_int_equal(d->rpc->ambassador.value, 15014);
    assert_int_equal(d->tm->ambassador.value, 8443);
    assert_int_equal(d->db->port.value, 3306);
    assert_int_equal(g.network->config->tm_nodes.count, 3);
    assert_string_equal(g.network->config->tm_nodes.items[2].text, "https://d.x:8443");
    buf_release(&b);
    deploy_edit_remove_manager(&b, buf_bytes(&c), g.network, 1);
    assert_non_null(
        strstr(buf_text(&b), "tm_nodes: [\"https://a.x:8443\", \"https://d.x:8443\"]  # all\n"));
    buf_release(&b);
    deploy_edit_remove_manager(&b, buf_bytes(&c), g.network, 2);
    assert_non_null(
        strstr(buf_text(&b), "tm_nodes: [\"https://a.x:8443\", 'https://b.x:8443']  # all\n"));
    buf_release(&b);
    /* No port is left. */
    assert_int_equal(deploy_edit_add_peer(&b, buf_bytes(&c), g.network,
                                          &g.network->organizations.items[0], &peer, &detail),
                     ERR_INPUT);
    buf_release(&b);
    buf_release(&c);
    arena_release(&f.arena);
    arena_release(&g.arena);
}

static void managers_stand_in_lines_too(void **state)
{
    (void)state;
    static const char text[] =
        "network:\n  type: quorum\n  version: 24.4.1\n  organizations:\n    - organization:\n"
        "      name: one\n      services:\n        peers:\n        - peer:\n          name: a\n"
        "          type: validator\n"
        "  config:\n    consensus: qbft\n    transaction_manager: tessera\n    tm_tls: strict\n"
        "    tm_nodes:\n      - \"https://a.x:8443\"\n      - https://b.x:8443 # second\n"
        "    tm_trust: ca\n";
    struct file f, g;
    struct buf b = BUF_INIT, c = BUF_INIT;
    read_file(&f, bytes_str(text));
    deploy_edit_add_manager(&b, bytes_str(text), f.network, "https://d.x:8443");
    assert_non_null(
        strstr(buf_text(&b), "# second\n      - \"https://d.x:8443\"\n    tm_trust: ca\n"));
    read_file(&g, buf_bytes(&b));
    deploy_edit_remove_manager(&c, buf_bytes(&b), g.network, 0);
    assert_non_null(strstr(buf_text(&c), "tm_nodes:\n      - https://b.x:8443 # second\n"));
    buf_release(&b);
    buf_release(&c);
    arena_release(&f.arena);
    arena_release(&g.arena);
}

static void the_last_peer_of_a_network_stays(void **state)
{
    (void)state;
    static const char one[] = "network:\n  type: quorum\n  version: 24.4.1\n  config:\n"
                              "    consensus: qbft\n    transaction_manager: none\n"
                              "  organizations:\n    - organization:\n      name: one\n"
                              "      services:\n        peers:\n        - peer:\n"
                              "          name: a\n          type: validator\n";
    struct file f;
    struct err_detail detail;
    struct buf b = BUF_INIT;
    read_file(&f, bytes_str(one));
    assert_int_equal(deploy_edit_remove_peer(
                         &b, bytes_str(one), f.network,
                         &f.network->organizations.items[0].services->peers.items[0], &detail),
                     ERR_USAGE);
    arena_release(&f.arena);
    buf_release(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(peers_and_organizations_are_put_in),
        cmocka_unit_test(peers_are_taken_out_and_types_altered),
        cmocka_unit_test(newcomers_have_ports_and_managers),
        cmocka_unit_test(managers_stand_in_lines_too),
        cmocka_unit_test(the_last_peer_of_a_network_stays),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
