/* Node URLs and lists. */
#include "base/file.h"
#include "p2p/node_list.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#define KEY                                                                                        \
    "1dd9d65c4552b5eb43d5ad55a2ee3f56c6cbc1c64a5c8d659f51fcd51bace24351232b8d7821617d2b29b54b81cd" \
    "efb9b3e9c37d7fd5f63270bcc9e1a6f6a439"

/* A URL and how it is printed again, or why it is refused (geth's texts; its tests have the same URLs). */
static const struct {
    const char *url, *printed, *error;
} rows[] = {
    {KEY, "enode://" KEY, NULL},
    {"enode://" KEY, "enode://" KEY, NULL},
    {"ENODE://" KEY "@127.0.0.1:30303", "enode://" KEY "@127.0.0.1:30303", NULL},
    {"enode://" KEY "@127.0.0.1:30303", "enode://" KEY "@127.0.0.1:30303", NULL},
    {"enode://" KEY "@[::]:52150", "enode://" KEY "@[::]:52150", NULL},
    {"enode://" KEY "@[2001:db8:3c4d:15::abcd:ef12]:52150",
     "enode://" KEY "@[2001:db8:3c4d:15::abcd:ef12]:52150", NULL},
    {"enode://" KEY "@127.0.0.1:52150?discport=22334",
     "enode://" KEY "@127.0.0.1:52150?discport=22334", NULL},
    {"enode://" KEY "@127.0.0.1:52150?discport=52150", "enode://" KEY "@127.0.0.1:52150", NULL},
    {"enode://" KEY "@127.0.0.1:21000?discport=0&raftport=50400",
     "enode://" KEY "@127.0.0.1:21000?discport=0&raftport=50400", NULL},
    {"enode://" KEY "@127.0.0.1:21000?raftport=50400&discport=0",
     "enode://" KEY "@127.0.0.1:21000?discport=0&raftport=50400", NULL},
    {"enode://" KEY "@node1.org-1.svc.cluster.local:21000?discport=0&raftport=50400",
     "enode://" KEY "@node1.org-1.svc.cluster.local:21000?discport=0&raftport=50400", NULL},
    {"enode://" KEY "@localhost:21000/?discport=%30#x",
     "enode://" KEY "@localhost:21000?discport=0", NULL},
    {"enode://" KEY "@127.0.0.1:21000?raftport=", "enode://" KEY "@127.0.0.1:21000", NULL},
    {"", NULL, "invalid URL scheme, want \"enode\""},
    {"http://foobar", NULL, "invalid URL scheme, want \"enode\""},
    {"enr:-abc", NULL, "invalid URL scheme, want \"enode\""},
    {"01010101", NULL, "invalid public key (wrong length, want 128 hex chars)"},
    {"enode://01010101", NULL, "invalid public key (wrong length, want 128 hex chars)"},
    {"enode://0101010", NULL, "invalid public key (encoding/hex: odd length hex string)"},
    {"enode://01010101@123.124.125.126:3", NULL,
     "invalid public key (wrong length, want 128 hex chars)"},
    {"enode://xyz@127.0.0.1:3", NULL,
     "invalid public key (encoding/hex: invalid byte: U+0078 'x')"},
    {"enode://" KEY "1@127.0.0.1:3", NULL,
     "invalid public key (encoding/hex: odd length hex string)"},
    {"enode://" KEY ":pw@127.0.0.1:3", NULL,
     "invalid public key (encoding/hex: invalid byte: U+003A ':')"},
    {"enode://"
     "000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000"
     "00000000000000000000000000000000000@1.2.3.4:5",
     NULL, "invalid public key (invalid secp256k1 public key)"},
    {"enode://127.0.0.1:30303", NULL, "does not contain node ID"},
    {"enode://@127.0.0.1:3", NULL, "invalid public key (wrong length, want 128 hex chars)"},
    {"enode://" KEY "@127.0.0.1", NULL, "invalid port"},
    {"enode://" KEY "@127.0.0.1:", NULL, "invalid port"},
    {"enode://" KEY "@127.0.0.1:65536", NULL, "invalid port"},
    {"enode://" KEY "@127.0.0.1:3?discport=foo", NULL, "invalid discport in query"},
    {"enode://" KEY "@127.0.0.1:3?discport=65536", NULL, "invalid discport in query"},
    {"enode://" KEY "@127.0.0.1:3?raftport=foo", NULL, "invalid raftport in query"},
    {"enode://" KEY "@:3?raftport=4", NULL, "empty hostname in raft url"},
    {"enode://" KEY "@:3", NULL, "lookup : no such host"},
    {"enode://" KEY "@a b:3", NULL,
     "parse \"enode://" KEY "@a b:3\": invalid character in host name"},
    {"enode://" KEY "@127.0.0.1:foo", NULL,
     "parse \"enode://" KEY "@127.0.0.1:foo\": invalid port \":foo\" after host"},
    {"enode://" KEY "@[::1:3", NULL, "parse \"enode://" KEY "@[::1:3\": missing ']' in host"},
    {"enode://" KEY "@[foo]:3", NULL, "lookup foo: no such host"},
};

static void urls(void **state)
{
    (void)state;
    for (size_t i = 0; i < BASE_COUNT(rows); i++) {
        struct p2p_enode enode, again;
        struct err_detail detail = {""};
        char text[P2P_ENODE_TEXT];
        int status = p2p_enode_parse(&enode, rows[i].url, &detail);
        if (rows[i].error) {
            assert_int_equal(status, ERR_INPUT);
            assert_string_equal(detail.text, rows[i].error);
            continue;
        }
        assert_int_equal(status, 0);
        p2p_enode_format(text, &enode);
        assert_string_equal(text, rows[i].printed);
        assert_int_equal(p2p_enode_parse(&again, text, &detail), 0);
        assert_memory_equal(&again, &enode, sizeof(enode));
    }
    struct p2p_enode enode;
    struct err_detail detail;
    char longest[3000];
    memset(longest, 'a', sizeof(longest));
    longest[sizeof(longest) - 1] = 0;
    assert_int_equal(p2p_enode_parse(&enode, longest, &detail), ERR_INPUT);
    char url[1000];
    snprintf(url, sizeof(url), "enode://" KEY "@%.254s:1", longest);
    assert_int_equal(p2p_enode_parse(&enode, url, &detail), ERR_INPUT);
    snprintf(url, sizeof(url), "enode://" KEY "@%.253s:65535?discport=65534&raftport=65533",
             longest);
    assert_int_equal(p2p_enode_parse(&enode, url, &detail), 0);
    char text[P2P_ENODE_TEXT];
    p2p_enode_format(text, &enode);
    assert_string_equal(text, url); /* the longest text fits */
}

/* Recorded: the network's fourth node key and its address. */
static void parts(void **state)
{
    (void)state;
    struct p2p_enode enode;
    struct address address;
    struct err_detail detail;
    static const uint8_t wanted[20] = {0x1f, 0x22, 0x04, 0x6e, 0xcb, 0x1a, 0x6b, 0xd3, 0x34, 0x5a,
                                       0xcc, 0xb5, 0x55, 0x8a, 0x66, 0x2f, 0xb8, 0x3f, 0x30, 0x08};
    assert_int_equal(
        p2p_enode_parse(
            &enode,
            "enode://86874ab4d1769e4eb3faeba483cad930d1d84177d81852613ae787937716ea9cfccae58422"
            "c4910f714c344cc1f0a7c5701935f5dd6e25228e72af65df187852@localhost:30303",
            &detail),
        0);
    p2p_enode_address(&address, &enode);
    assert_memory_equal(address.b, wanted, 20);
    assert_string_equal(enode.host, "localhost");
    assert_false(p2p_enode_incomplete(&enode));
}

/* ---- lists ---- */

static char folder[64];
static unsigned told;
static char last_told[1024];

static void tell(void *context, const char *message)
{
    (void)context;
    told++;
    snprintf(last_told, sizeof(last_told), "%s", message);
}

static void put(const char *name, const char *content)
{
    char path[256];
    struct err_detail detail;
    snprintf(path, sizeof(path), "%s/%s", folder, name);
    if (content)
        assert_int_equal(file_write(path, bytes_str(content), &detail), 0);
    else
        unlink(path);
}

static int make_folder(void **state)
{
    (void)state;
    snprintf(folder, sizeof(folder), "/tmp/node-list-XXXXXX");
    return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
    (void)state;
    put("static-nodes.json", NULL);
    put("permissioned-nodes.json", NULL);
    put("disallowed-nodes.json", NULL);
    put("light-permissioned-nodes.json", NULL);
    put("light-disallowed-nodes.json", NULL);
    return rmdir(folder);
}

static void lists(void **state)
{
    (void)state;
    struct p2p_node_list list;
    struct err_detail detail;
    char path[256];
    snprintf(path, sizeof(path), "%s/static-nodes.json", folder);
    assert_int_equal(p2p_node_list_read(&list, path, tell, NULL, &detail), ERR_NOTFOUND);
    put("static-nodes.json",
        "[\"enode://" KEY "@127.0.0.1:30303\", \"\", \"enode://wrong@x:1\", \"" KEY "\"]");
    told = 0;
    assert_int_equal(p2p_node_list_read(&list, path, tell, NULL, &detail), 0);
    assert_int_equal(list.count, 2);
    assert_int_equal(list.left_out, 2);
    assert_int_equal(list.nodes[0].tcp, 30303);
    assert_int_equal(told, 1);
    assert_non_null(
        strstr(last_told, "static-nodes.json: Node URL enode://wrong@x:1: invalid public key"));
    p2p_node_list_release(&list);
    put("static-nodes.json", "[]");
    assert_int_equal(p2p_node_list_read(&list, path, NULL, NULL, &detail), 0);
    assert_int_equal(list.count, 0);
    p2p_node_list_release(&list);
    put("static-nodes.json", "[\n\"a\",\n}");
    assert_int_equal(p2p_node_list_read(&list, path, NULL, NULL, &detail), ERR_INPUT);
    assert_non_null(strstr(detail.text, "static-nodes.json: line 3, column 1: "));
    put("static-nodes.json", "{}");
    assert_int_equal(p2p_node_list_read(&list, path, NULL, NULL, &detail), ERR_INPUT);
    put("static-nodes.json", "[7]");
    assert_int_equal(p2p_node_list_read(&list, path, NULL, NULL, &detail), ERR_INPUT);
    assert_non_null(strstr(detail.text, "entry 1 is no string"));
}

static void permissions(void **state)
{
    (void)state;
    struct p2p_enode node;
    struct err_detail detail;
    assert_int_equal(p2p_enode_parse(&node, KEY, &detail), 0);
    static const char listed[] = "[\"enode://" KEY "@192.0.2.1:1?raftport=2\"]";
    static const struct {
        const char *permissioned, *disallowed;
        enum p2p_permission wanted;
    } cases[] = {
        {NULL, NULL, P2P_NO_PERMISSION_FILE},
        {"nonsense", NULL, P2P_NO_PERMISSION_FILE},
        {"[]", NULL, P2P_NOT_LISTED},
        {listed, NULL, P2P_PERMITTED},
        {listed, "[]", P2P_PERMITTED},
        {listed, listed, P2P_DISALLOWED},
        {listed, "nonsense", P2P_DISALLOWED_UNREADABLE},
        {listed, "[\"zz\"]", P2P_DISALLOWED_UNREADABLE},
        {listed, "[\"\"]", P2P_DISALLOWED_UNREADABLE},
        {listed, "[\"zz\", \"" KEY "\"]", P2P_DISALLOWED},
        {"[\"zz\", \"\", \"" KEY "\"]", "[]", P2P_PERMITTED},
    };
    for (size_t i = 0; i < BASE_COUNT(cases); i++) {
        put("permissioned-nodes.json", cases[i].permissioned);
        put("disallowed-nodes.json", cases[i].disallowed);
        assert_int_equal(p2p_permission_by_files(folder, &node.key), cases[i].wanted);
        assert_int_equal(p2p_permission_by_files_of(folder, "light", &node.key),
                         P2P_NO_PERMISSION_FILE);
    }
    put("permissioned-nodes.json", "[]");
    for (size_t i = 0; i < BASE_COUNT(cases); i++) {
        put("light-permissioned-nodes.json", cases[i].permissioned);
        put("light-disallowed-nodes.json", cases[i].disallowed);
        assert_int_equal(p2p_permission_by_files_of(folder, "light", &node.key), cases[i].wanted);
    }
    assert_int_equal(p2p_permission_by_files(folder, &node.key), P2P_NOT_LISTED);
    assert_string_equal(p2p_permission_text(P2P_DISALLOWED), "in disallowed-nodes.json");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(urls),
        cmocka_unit_test(parts),
        cmocka_unit_test_setup_teardown(lists, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(permissions, make_folder, remove_folder),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
