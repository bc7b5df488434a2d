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
                                          "d", false, &detail),
                     0);
    assert_peers(&b, "one/a* one/b* one/d two/c* ");
    assert_int_equal(deploy_edit_add_peer(&b, text, f.network, &f.network->organizations.items[1],
                                          "d", true, &detail),
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
        cmocka_unit_test(the_last_peer_of_a_network_stays),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
