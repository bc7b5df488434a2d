/* Ports of networks that are started side by side. */
#include "base/file.h"
#include "deploy/local/listen.h"
#include "deploy/local/port.h"
#include "deploy/local/ports.h"
#include "tests/support/port.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

enum { PEERS = 3 };

static uint16_t never_chosen; /* as nobody else can have it while this program does */

/* All have the same ports, as organizations on machines of their own may. */
static const struct deploy_network *make_network(struct arena *arena)
{
    struct buf text = BUF_INIT;
    struct deploy_report report;
    const struct deploy_network *network;
    buf_append_text(&text, "network:\n  type: quorum\n  config:\n    consensus: qbft\n"
                           "    tm_tls: off\n  organizations:\n");
    for (int i = 0; i < PEERS; i++)
        buf_append_format(
            &text,
            "  - organization:\n    name: org%d\n    services:\n      peers:\n"
            "      - peer:\n        name: peer%d\n        lock: false\n"
            "        geth_passphrase: file:pass\n"
            "        p2p:\n          port: 21000\n        rpc:\n          port: 21001\n"
            "        transaction_manager:\n          port: 21002\n",
            i, i);
    deploy_report_init(&report, "network.yaml", arena);
    assert_int_equal(deploy_network_parse(&network, buf_bytes(&text), NULL, &report), ERR_OK);
    buf_release(&text);
    return network;
}

static size_t ports_of(uint16_t ret_ports[PEERS * DEPLOY_PORT_KINDS], struct arena *arena,
                       const char *folder)
{
    struct deploy_site *site;
    struct err_detail detail = {""};
    size_t count = 0;
    assert_int_equal(deploy_site_new(&site, make_network(arena), folder, arena, &detail), ERR_OK);
    for (size_t i = 0; i < site->count; i++)
        count += deploy_ports_of(ret_ports + count, &site->peers[i]);
    /* Once more, under the network's lock: the same. */
    uint16_t again[DEPLOY_PORT_KINDS];
    assert_int_equal(deploy_ports_give(site, arena, &detail), ERR_OK);
    size_t last = deploy_ports_of(again, &site->peers[site->count - 1]);
    assert_memory_equal(again, ret_ports + count - last, last * sizeof(*again));
    return count;
}

/* Another process, until the returned pipe is closed; it has chosen when this returns. */
static pid_t start_other(int *ret_end, uint16_t *ret_ports, size_t *ret_count)
{
    int answer[2], end[2];
    char byte;
    assert_int_equal(pipe(answer), 0);
    assert_int_equal(pipe(end), 0);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        struct arena arena;
        uint16_t ports[PEERS * DEPLOY_PORT_KINDS] = {0};
        close(end[1]);
        arena_init(&arena);
        size_t count = ports_of(ports, &arena, "/nowhere/first");
        bool told = deploy_port_reserve(never_chosen) &&
                    write(answer[1], &count, sizeof(count)) == (ssize_t)sizeof(count) &&
                    write(answer[1], ports, sizeof(ports)) == (ssize_t)sizeof(ports);
        _exit(told && read(end[0], &byte, 1) == 0 ? 0 : 1);
    }
    close(answer[1]);
    close(end[0]);
    assert_int_equal(read(answer[0], ret_count, sizeof(*ret_count)), sizeof(*ret_count));
    size_t size = PEERS * DEPLOY_PORT_KINDS * sizeof(*ret_ports);
    assert_int_equal(read(answer[0], ret_ports, size), size);
    close(answer[0]);
    *ret_end = end[1];
    return pid;
}

static bool is_chosen(uint16_t port)
{
    return port >= 22000;
}

static void two_at_once_choose_others(void **state)
{
    (void)state;
    struct arena arena;
    uint16_t first[PEERS * DEPLOY_PORT_KINDS], second[PEERS * DEPLOY_PORT_KINDS];
    size_t first_count, chosen = 0;
    int end, how, mine = port_take(&never_chosen);
    pid_t other = start_other(&end, first, &first_count);
    arena_init(&arena);
    size_t count = ports_of(second, &arena, "/nowhere/second");
    assert_true(count >= (size_t)PEERS * 2);
    assert_int_equal(count, first_count);
    for (size_t i = 0; i < count; i++) {
        chosen += is_chosen(first[i]);
        for (size_t j = 0; j < count; j++)
            assert_true(!is_chosen(first[i]) || first[i] != second[j]);
    }
    assert_true(chosen >= (PEERS - 1) * 2);
    /* Until it ends: then its ports are as good as others. */
    assert_false(deploy_port_reserve(never_chosen));
    close(end);
    assert_int_equal(waitpid(other, &how, 0), other);
    assert_int_equal(how, 0);
    assert_true(deploy_port_reserve(never_chosen));
    assert_true(deploy_port_reserve(never_chosen));
    close(mine);
    arena_release(&arena);
}

static void who_listens_is_named(void **state)
{
    (void)state;
    char name[DEPLOY_HOLDER_MAX], wanted[64];
    pid_t pid;
    struct err_detail detail = {""};
    uint16_t port;
    int fd = port_take(&port);
    assert_false(deploy_port_holder(name, &pid, port));
    assert_int_equal(listen(fd, 1), 0);
    assert_true(deploy_port_taken(port));
    assert_true(deploy_port_holder(name, &pid, port));
    assert_int_equal(pid, getpid());
    struct arena arena;
    struct deploy_site *site;
    arena_init(&arena);
    assert_int_equal(
        deploy_site_new(&site, make_network(&arena), "/nowhere/third", &arena, &detail), ERR_OK);
    site->peers[0].rpc = port;
    assert_int_equal(deploy_listen_taken(site, &site->peers[0], DEPLOY_PORT_RPC_KIND, &detail),
                     ERR_BUSY);
    snprintf(wanted, sizeof(wanted), "port %u of org0/peer0 is in use by", port);
    assert_non_null(strstr(detail.text, wanted));
    snprintf(wanted, sizeof(wanted), "%s (process %d)", name, (int)getpid());
    assert_non_null(strstr(detail.text, wanted));
    assert_non_null(
        strstr(detail.text, "write another port of its node for JSON-RPC in the network file"));
    assert_non_null(strstr(detail.text, "--new-ports"));
    arena_release(&arena);
    close(fd);
    assert_false(deploy_port_taken(port));
    assert_false(deploy_port_holder(name, &pid, port));
}

static void note(void *context, const char *what, bool made)
{
    struct buf *told = context;
    assert_true(made);
    buf_append_format(told, "%s\n", what);
}

/* Where a Raft member was at first, its cluster's log says. */
static void members_of_a_cluster_stay(void **state)
{
    (void)state;
    struct arena arena;
    struct deploy_site *site;
    struct err_detail detail = {""};
    char folder[] = "/tmp/test_ports_XXXXXX", chain[64];
    arena_init(&arena);
    const struct deploy_network *network = make_network(&arena);
    ((struct deploy_config *)network->config)->consensus.value = DEPLOY_RAFT;
    assert_non_null(mkdtemp(folder));
    assert_int_equal(deploy_site_new(&site, network, folder, &arena, &detail), ERR_OK);
    assert_int_equal(deploy_listen_taken(site, &site->peers[0], DEPLOY_PORT_RAFT_KIND, &detail),
                     ERR_BUSY);
    assert_non_null(strstr(detail.text, "--new-ports")); /* it is not there yet */
    snprintf(chain, sizeof(chain), "%s/org0/peer0", folder);
    assert_int_equal(file_make_folders(chain, 0700, &detail), ERR_OK);
    snprintf(chain, sizeof(chain), "%s/org0/peer0/genesis.json", folder);
    assert_int_equal(file_write(chain, bytes_str("{}"), &detail), ERR_OK);
    assert_int_equal(deploy_listen_taken(site, &site->peers[0], DEPLOY_PORT_RAFT_KIND, &detail),
                     ERR_BUSY);
    assert_non_null(strstr(detail.text, "cannot have another one"));
    assert_int_equal(deploy_listen_taken(site, &site->peers[0], DEPLOY_PORT_TM_KIND, &detail),
                     ERR_BUSY);
    assert_non_null(strstr(detail.text, "--new-ports"));
    assert_int_equal(file_remove_folder(folder, &detail), ERR_OK);
    arena_release(&arena);
}

/* Only the port that is taken changes; what the file publishes does not. */
static void a_taken_port_is_given_up(void **state)
{
    (void)state;
    struct arena arena;
    struct deploy_site *site;
    struct err_detail detail = {""};
    struct buf told = BUF_INIT;
    bool any = true;
    char wanted[128];
    uint16_t taken, before[PEERS * DEPLOY_PORT_KINDS], after[PEERS * DEPLOY_PORT_KINDS];
    int fd = port_take(&taken);
    arena_init(&arena);
    assert_int_equal(
        deploy_site_new(&site, make_network(&arena), "/nowhere/third", &arena, &detail), ERR_OK);
    assert_int_equal(listen(fd, 1), 0);
    size_t count = 0, now = 0;
    /* As if it had been given before, and another program had come meanwhile. */
    site->peers[1].p2p = taken;
    for (size_t i = 0; i < site->count; i++)
        count += deploy_ports_of(before + count, &site->peers[i]);
    assert_int_equal(deploy_listen_renew(&any, site, &arena, note, &told, &detail), ERR_OK);
    assert_true(any);
    assert_int_not_equal(site->peers[1].p2p, taken);
    assert_int_not_equal(site->peers[1].p2p, 0);
    snprintf(wanted, sizeof(wanted), "of org1/peer1 (of its node for other nodes) in place of %u",
             taken);
    assert_non_null(strstr(buf_text(&told), wanted));
    for (size_t i = 0; i < site->count; i++)
        now += deploy_ports_of(after + now, &site->peers[i]);
    assert_int_equal(now, count);
    for (size_t i = 0; i < count; i++) {
        /* One that another test listens at this moment changes too, and is told. */
        snprintf(wanted, sizeof(wanted), " in place of %u,", before[i]);
        assert_true(before[i] == after[i] || strstr(buf_text(&told), wanted));
        for (size_t j = 0; j < i; j++)
            assert_int_not_equal(after[i], after[j]);
    }
    /* It is not given back. */
    assert_int_equal(deploy_ports_give(site, &arena, &detail), ERR_OK);
    for (size_t i = 0; i < site->count; i++)
        assert_int_not_equal(site->peers[i].p2p, taken);
    buf_release(&told);
    close(fd);
    arena_release(&arena);
}

/* One that nobody asked for and no peer has yet: another program came to listen there, and it is no reason to refuse. */
static void a_chosen_port_follows_what_is_free(void **state)
{
    (void)state;
    struct arena arena;
    struct deploy_site *site;
    struct err_detail detail = {""};
    arena_init(&arena);
    assert_int_equal(
        deploy_site_new(&site, make_network(&arena), "/nowhere/fifth", &arena, &detail), ERR_OK);
    uint16_t taken, rpc = site->peers[1].rpc;
    int fd = port_take(&taken);
    assert_int_equal(listen(fd, 1), 0);
    assert_true(is_chosen(site->peers[1].tm));
    site->peers[1].tm = taken; /* as if it had been free when it was chosen */
    assert_int_equal(deploy_ports_give(site, &arena, &detail), ERR_OK);
    assert_true(is_chosen(site->peers[1].tm));
    assert_int_not_equal(site->peers[1].tm, taken);
    assert_int_equal(site->peers[1].rpc, rpc);
    close(fd);
    arena_release(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_at_once_choose_others),
        cmocka_unit_test(who_listens_is_named),
        cmocka_unit_test(members_of_a_cluster_stay),
        cmocka_unit_test(a_taken_port_is_given_up),
        cmocka_unit_test(a_chosen_port_follows_what_is_free),
    };
    return cmocka_run_group_tests_name("ports", tests, NULL, NULL);
}
