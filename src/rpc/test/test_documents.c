/* docs/rpc-methods.md and docs/openrpc.json are what the table says. With --write, they are written. */
#include "base/file.h"
#include "rpc/methods/document.h"
#include "tests/support/fixtures.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static bool writing;

static void check(const char *name, int (*document)(struct buf *b))
{
    char path[1024];
    struct buf is = BUF_INIT, wanted = BUF_INIT;
    struct err_detail why = {{0}};
    fixtures_own_path(path, sizeof(path), name);
    assert_int_equal(document(&wanted), 0);
    if (wanted.len && wanted.data[wanted.len - 1] != '\n')
        buf_append_byte(&wanted, '\n');
    if (writing && file_write(path, buf_bytes(&wanted), &why))
        fail_msg("%s: %s", path, why.text);
    assert_int_equal(file_read(path, 1 << 22, &is, NULL), 0);
    if (!bytes_equal(buf_bytes(&is), buf_bytes(&wanted)))
        fail_msg("%s is not what the table says: run test_rpc_rpc_documents --write", path);
    buf_release(&is);
    buf_release(&wanted);
}

static void test_page(void **state)
{
    (void)state;
    check("docs/rpc-methods.md", rpc_document_page);
}

static void test_openrpc(void **state)
{
    (void)state;
    check("docs/openrpc.json", rpc_document_openrpc);
}

/* Each row says what it gives, and names its parameters. */
static void test_rows(void **state)
{
    (void)state;
    for (size_t i = 0; i < rpc_method_list_count; i++) {
        for (size_t k = 0; k < rpc_method_lists[i]->count; k++) {
            const struct rpc_method *method = &rpc_method_lists[i]->methods[k];
            if (!method->result || !(method->quick || method->work || method->run))
                fail_msg("%s: no result or no function", method->name);
            for (size_t p = 0; p < RPC_PARAMS_MAX && method->params[p].type != RPC_NONE; p++)
                assert_non_null(method->params[p].name);
        }
    }
}

int main(int argc, char **argv)
{
    writing = argc > 1 && strcmp(argv[1], "--write") == 0;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_page),
        cmocka_unit_test(test_openrpc),
        cmocka_unit_test(test_rows),
    };
    return cmocka_run_group_tests_name("documents", tests, NULL, NULL);
}
