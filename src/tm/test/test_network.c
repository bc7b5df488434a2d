/* Simulated managers tell a network of themselves, of each other, and lies. */
#include "base/mem.h"
#include "tm/peer/network.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static struct tm_network *make(bool discovery)
{
    static const char *const peers[] = {"http://a:1", "http://me:1/", "http://b:1/"};
    struct tm_network *network;
    struct tm_network_options options = {
        .url = "http://me:1", .peers = peers, .peer_count = 3, .discovery = discovery};
    assert_int_equal(tm_network_new(&network, &options), 0);
    return network;
}

/* `url` announces the keys for itself, and `foreign` for somebody else. */
static int tell(struct tm_network *network, const char *url, const char *keys, const char *foreign,
                const char *party)
{
    struct tmproto_party_key list[16];
    struct bytes parties[1] = {bytes_str(party ? party : "")};
    size_t count = 0;
    for (const char *k = keys; *k; k++)
        list[count++] = (struct tmproto_party_key){bytes_of(k, 1), bytes_str(url)};
    if (foreign)
        list[count++] = (struct tmproto_party_key){bytes_str(foreign), bytes_str("http://x:1/")};
    struct tmproto_partyinfo info = {.url = bytes_str(url),
                                     .keys = list,
                                     .key_count = count,
                                     .parties = {parties, party ? 1 : 0}};
    return tm_network_receive(network, &info, TMPROTO_VERSIONS_ALL);
}

static const char *where(struct tm_network *network, const char *key)
{
    const struct tm_network_node *node = tm_network_find(network, bytes_str(key));
    return node ? node->url : "";
}

static void test_keys(void **state)
{
    (void)state;
    struct tm_network *network = make(true);
    assert_int_equal(tm_network_count(network), 2); /* without itself */
    assert_int_equal(tell(network, "http://a:1", "kl", "z", NULL), TM_NETWORK_TAKEN);
    assert_string_equal(where(network, "k"), "http://a:1/");
    assert_string_equal(where(network, "z"), ""); /* nobody speaks for others */
    assert_int_equal(tell(network, "http://a:1/", "l", NULL, NULL), TM_NETWORK_TAKEN);
    assert_string_equal(where(network, "k"), ""); /* it has given it up */
    /* The same key at another: who is reachable comes first, then who was first. */
    assert_int_equal(tell(network, "http://c:1/", "l", NULL, NULL), TM_NETWORK_TAKEN);
    assert_string_equal(where(network, "l"), "http://a:1/");
    tm_network_called(network, "http://a:1/", false);
    assert_string_equal(where(network, "l"), "http://c:1/");
    tm_network_called(network, "http://c:1/", false);
    assert_string_equal(where(network, "l"), "http://a:1/"); /* out of reach, and still a party */
    assert_true(tm_network_find(network, bytes_str("l"))->unreachable);
    assert_int_equal(tell(network, "ftp://d", "d", NULL, NULL), TM_NETWORK_BAD_URL);
    tm_network_free(network);
}

static void test_no_discovery(void **state)
{
    (void)state;
    struct tm_network *network = make(false);
    assert_int_equal(tell(network, "http://c:1/", "k", NULL, NULL), TM_NETWORK_STRANGER);
    assert_int_equal(tell(network, "http://b:1/", "k", NULL, "http://c:1/"), TM_NETWORK_TAKEN);
    assert_int_equal(tm_network_count(network), 2);
    assert_true(tm_network_allows(network, "b"));
    assert_false(tm_network_allows(network, "c"));
    tm_network_free(network);
}

static void test_rounds(void **state)
{
    (void)state;
    struct tm_network *network = make(true);
    assert_int_equal(tell(network, "http://a:1/", "k", NULL, "http://c:1"), TM_NETWORK_TAKEN);
    size_t calls[3] = {0};
    for (int round = 0; round < 100; round++) {
        const struct tm_network_node *node;
        tm_network_begin_round(network);
        while ((node = tm_network_due(network))) {
            size_t at = (size_t)(node->url[7] - 'a');
            calls[at]++;
            tm_network_called(network, node->url, at == 0);
        }
    }
    assert_int_equal(calls[0], 100);
    assert_true(calls[1] >= 8 && calls[1] < 20); /* with pauses, and without an end */
    assert_int_equal(calls[1], calls[2]);
    tm_network_free(network);
}

static void test_limits(void **state)
{
    (void)state;
    struct tm_network *network = make(true);
    char url[64];
    for (size_t i = 0; i < TM_NETWORK_NODES_MAX - 2; i++) {
        snprintf(url, sizeof(url), "http://n%zu:1/", i);
        assert_int_equal(tm_network_add(network, url), TM_NETWORK_TAKEN);
    }
    assert_int_equal(tm_network_add(network, "http://more:1/"), TM_NETWORK_FULL);
    tm_network_called(network, "http://n7:1/", false);
    assert_int_equal(tm_network_add(network, "http://more:1/"),
                     TM_NETWORK_TAKEN); /* n7 is forgotten */
    assert_null(tm_network_node_of(network, "http://n7:1/"));
    tm_network_free(network);
}

static void test_telling(void **state)
{
    (void)state;
    struct tm_network *network = make(true);
    struct bytes own = bytes_str("o");
    struct buf told = BUF_INIT;
    struct arena arena;
    struct tmproto_partyinfo info;
    struct err_detail detail;
    arena_init(&arena);
    assert_int_equal(tm_network_set_keys(network, (struct tmproto_list){&own, 1}), 0);
    assert_int_equal(tell(network, "http://a:1/", "k", NULL, NULL), TM_NETWORK_TAKEN);
    tm_network_tell(network, &told, false);
    assert_int_equal(tmproto_partyinfo_decode(&info, &arena, buf_bytes(&told), &detail), 0);
    assert_int_equal(info.key_count, 1); /* its own alone */
    assert_int_equal(info.parties.count, 2);
    buf_clear(&told);
    tm_network_tell(network, &told, true);
    assert_int_equal(tmproto_partyinfo_decode(&info, &arena, buf_bytes(&told), &detail), 0);
    assert_int_equal(info.key_count, 2);
    buf_release(&told);
    arena_release(&arena);
    tm_network_free(network);
}

static void test_no_memory(void **state)
{
    (void)state;
    for (size_t n = 1;; n++) {
        static const char *const peers[] = {"http://a:1"};
        struct tm_network *network;
        struct tm_network_options options = {
            .url = "http://me:1", .peers = peers, .peer_count = 1, .discovery = true};
        mem_fail_at(n, 1);
        int status = tm_network_new(&network, &options);
        if (status == 0) {
            status = tell(network, "http://c:1/", "k", NULL, "http://d:1/");
            tm_network_free(network);
        }
        bool failed = mem_fail_left() == 0;
        mem_fail_at(0, 0);
        assert_int_equal(status, failed ? ERR_NOMEM : 0);
        if (!failed)
            break;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_keys),    cmocka_unit_test(test_no_discovery),
        cmocka_unit_test(test_rounds),  cmocka_unit_test(test_limits),
        cmocka_unit_test(test_telling), cmocka_unit_test(test_no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
