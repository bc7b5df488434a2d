/* The data directory: whose files win, who may use it, what becomes of the node's key. */
#include "node/datadir.h"

#include "base/file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <cmocka.h>

static char root[64];
static struct err_detail detail;

static int make_root(void **state)
{
    (void)state;
    snprintf(root, sizeof(root), "/tmp/quorate-datadir-XXXXXX");
    return mkdtemp(root) ? 0 : -1;
}

static int remove_root(void **state)
{
    (void)state;
    return file_remove_folder(root, NULL);
}

static const char *in_root(const char *name)
{
    static char path[128];
    snprintf(path, sizeof(path), "%s/%s", root, name);
    return path;
}

static void test_lock(void **state)
{
    (void)state;
    struct node_datadir dir, second;
    struct stat st;
    assert_int_equal(node_datadir_open(&dir, in_root("new/deeper/"), &detail), ERR_OK);
    assert_int_equal(stat(in_root("new/deeper/geth/LOCK"), &st), 0);
    assert_int_equal(stat(in_root("new/deeper"), &st), 0);
    assert_int_equal(st.st_mode & 0777, 0700);
    assert_int_equal(node_datadir_open(&second, in_root("new/deeper"), &detail), ERR_BUSY);
    assert_non_null(strstr(detail.text, "datadir already used by another process"));
    node_datadir_close(&dir);
    assert_int_equal(node_datadir_open(&second, in_root("new/deeper"), &detail), ERR_OK);
    node_datadir_close(&second);
    assert_int_equal(file_write(in_root("file"), bytes_str("x"), &detail), ERR_OK);
    assert_int_equal(node_datadir_open(&dir, in_root("file"), &detail), ERR_IO);
    assert_non_null(strstr(detail.text, "not a directory"));
}

static void test_paths(void **state)
{
    (void)state;
    struct node_datadir dir;
    char path[NODE_PATH_MAX];
    assert_int_equal(node_datadir_open(&dir, root, &detail), ERR_OK);
    assert_int_equal(node_datadir_path(&dir, path, "static-nodes.json", &detail), ERR_OK);
    assert_string_equal(path, in_root("geth/static-nodes.json"));
    assert_int_equal(file_write(in_root("static-nodes.json"), bytes_str("[]"), &detail), ERR_OK);
    assert_int_equal(node_datadir_path(&dir, path, "static-nodes.json", &detail), ERR_OK);
    assert_string_equal(path, in_root("static-nodes.json"));
    assert_int_equal(node_datadir_ipc_path(&dir, path, "geth.ipc", &detail), ERR_OK);
    assert_string_equal(path, in_root("geth.ipc"));
    assert_int_equal(node_datadir_ipc_path(&dir, path, "/run/x.ipc", &detail), ERR_OK);
    assert_string_equal(path, "/run/x.ipc");
    char longer[200];
    memset(longer, 'a', sizeof(longer));
    longer[0] = '/';
    longer[199] = 0;
    assert_int_equal(node_datadir_ipc_path(&dir, path, longer, &detail), ERR_LIMIT);
    assert_non_null(strstr(detail.text, "--ipcpath"));
    node_datadir_close(&dir);
}

static void test_key(void **state)
{
    (void)state;
    struct node_datadir dir;
    struct node_config config;
    struct crypto_private_key made, read;
    struct stat st;
    node_config_defaults(&config);
    assert_int_equal(node_datadir_open(&dir, in_root("key"), &detail), ERR_OK);
    assert_int_equal(node_key_load(&made, &dir, &config, &detail), ERR_OK);
    assert_int_equal(stat(in_root("key/geth/nodekey"), &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_int_equal(st.st_size, 64);
    assert_int_equal(node_key_load(&read, &dir, &config, &detail), ERR_OK);
    assert_memory_equal(made.b, read.b, 32);
    config.nodekeyhex = "0x12";
    assert_int_equal(node_key_load(&read, &dir, &config, &detail), ERR_INPUT);
    assert_non_null(strstr(detail.text, "nodekeyhex"));
    config.nodekeyhex = "0000000000000000000000000000000000000000000000000000000000000000";
    assert_int_equal(node_key_load(&read, &dir, &config, &detail), ERR_INPUT);
    assert_non_null(strstr(detail.text, "no private key"));
    config.nodekeyhex = "";
    config.nodekey = in_root("nowhere");
    assert_int_equal(node_key_load(&read, &dir, &config, &detail), ERR_NOTFOUND);
    config.nodekey = "";
    /* A damaged key is never replaced by a new one. */
    assert_int_equal(file_write(in_root("key/geth/nodekey"), bytes_str("rubbish\n"), &detail),
                     ERR_OK);
    assert_int_equal(node_key_load(&read, &dir, &config, &detail), ERR_INPUT);
    /* One in the data directory itself wins. */
    assert_int_equal(
        file_write(
            in_root("key/nodekey"),
            bytes_str("1be3b50b31734be48452c29d714941ba165ef0cbf3ccea8ca16c45e3d8d45fb0\r\n"),
            &detail),
        ERR_OK);
    assert_int_equal(node_key_load(&read, &dir, &config, &detail), ERR_OK);
    assert_int_equal(read.b[0], 0x1b);
    node_datadir_close(&dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lock),
        cmocka_unit_test(test_paths),
        cmocka_unit_test(test_key),
    };
    return cmocka_run_group_tests(tests, make_root, remove_root);
}
