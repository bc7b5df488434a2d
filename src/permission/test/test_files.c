/* The files of nodes change as the contracts say, to the byte as Go writes them. */
#include "base/file.h"
#include "permission/files.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#define ONE "enode://01@127.0.0.1:1?discport=0"
#define TWO "enode://02@127.0.0.1:2?discport=0&raftport=3"

static char folder[] = "/tmp/quorate-permission-XXXXXX";

static void path_of(char path[256], const char *name)
{
    snprintf(path, 256, "%s/%s", folder, name);
}

static void put(const char *name, const char *text)
{
    char path[256];
    path_of(path, name);
    if (text)
        assert_int_equal(file_write(path, bytes_str(text), NULL), 0);
    else
        unlink(path);
}

static void has(const char *name, const char *wanted)
{
    char path[256];
    struct buf text = BUF_INIT;
    path_of(path, name);
    int status = file_read(path, PERMISSION_FILE_MAX, &text, NULL);
    if (wanted)
        assert_string_equal(buf_text(&text), wanted);
    else
        assert_int_equal(status, ERR_NOTFOUND);
    buf_release(&text);
}

static int change(enum permission_node_change what, const char *url)
{
    struct err_detail detail = {""};
    int status = permission_files_change(folder, what, url, &detail);
    assert_true(status == ERR_OK || detail.text[0]);
    return status;
}

static void nodes_go_through_their_files(void **state)
{
    (void)state;
    put("permissioned-nodes.json", "[\n  \"" ONE "\"\n]\n");
    assert_int_equal(change(PERMISSION_NODE_ADD, TWO), 0);
    has("permissioned-nodes.json",
        "[\"" ONE "\",\"enode://02@127.0.0.1:2?discport=0\\u0026raftport=3\"]");
    assert_int_equal(change(PERMISSION_NODE_ADD, TWO), 0); /* once is enough */
    has("disallowed-nodes.json", NULL);
    assert_int_equal(change(PERMISSION_NODE_REMOVE, ONE), 0);
    assert_int_equal(change(PERMISSION_NODE_BLACKLIST, TWO), 0);
    has("permissioned-nodes.json", "[]");
    has("disallowed-nodes.json", "[\"enode://02@127.0.0.1:2?discport=0\\u0026raftport=3\"]");
    assert_int_equal(change(PERMISSION_NODE_RECOVER, TWO), 0);
    has("disallowed-nodes.json", "[]");
    has("permissioned-nodes.json", "[\"enode://02@127.0.0.1:2?discport=0\\u0026raftport=3\"]");
    assert_int_equal(change(PERMISSION_NO_CHANGE, ONE), 0);
}

static void files_that_are_wrong_are_named(void **state)
{
    (void)state;
    put("permissioned-nodes.json", "{}");
    assert_int_equal(change(PERMISSION_NODE_ADD, ONE), ERR_INPUT);
    put("permissioned-nodes.json", "[1]");
    assert_int_equal(change(PERMISSION_NODE_REMOVE, ONE), ERR_INPUT);
    has("permissioned-nodes.json", "[1]");
    put("permissioned-nodes.json", NULL);
    assert_int_equal(change(PERMISSION_NODE_ADD, ONE), ERR_NOTFOUND);
    /* A node that is blacklisted is disallowed all the same. */
    put("disallowed-nodes.json", NULL);
    assert_int_equal(change(PERMISSION_NODE_BLACKLIST, ONE), ERR_NOTFOUND);
    has("disallowed-nodes.json", "[\"" ONE "\"]");
}

static int make(void **state)
{
    (void)state;
    return mkdtemp(folder) ? 0 : -1;
}

static int clear(void **state)
{
    (void)state;
    put("permissioned-nodes.json", NULL);
    put("disallowed-nodes.json", NULL);
    return rmdir(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nodes_go_through_their_files),
        cmocka_unit_test(files_that_are_wrong_are_named),
    };
    return cmocka_run_group_tests(tests, make, clear);
}
