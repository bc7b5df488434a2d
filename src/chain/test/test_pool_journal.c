/* The journal of local transactions: what is written comes back, whatever happened to the file. */
#include "base/file.h"
#include "chain/test/pool_support.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

struct setting {
    struct chain_pool_options options;
    struct chain_pool_rules rules;
    struct pool_world world;
    struct chain_pool *pool;
    char folder[64], path[128];
};

static int begin(void **state)
{
    struct setting *s = calloc(1, sizeof(*s));
    assert_non_null(s);
    snprintf(s->folder, sizeof(s->folder), "/tmp/pool_journal.XXXXXX");
    assert_non_null(mkdtemp(s->folder));
    snprintf(s->path, sizeof(s->path), "%s/transactions.rlp", s->folder);
    pool_test_init(&s->options, &s->rules, &s->world);
    assert_int_equal(chain_pool_new(&s->pool, &s->options, &s->rules), ERR_OK);
    *state = s;
    return 0;
}

static int end(void **state)
{
    struct setting *s = *state;
    pool_world_forget(&s->world);
    chain_pool_free(s->pool);
    unlink(s->path);
    assert_int_equal(rmdir(s->folder), 0); /* nothing else was left */
    free(s);
    return 0;
}

static void open_journal(struct setting *s)
{
    struct err_detail detail;
    assert_int_equal(chain_pool_journal_open(s->pool, s->path, &detail), ERR_OK);
}

static void send(struct setting *s, size_t account, uint64_t nonce, bool local)
{
    struct chain_tx *tx = pool_test_make((struct pool_test_tx){.account = account, .nonce = nonce});
    assert_int_equal(pool_test_add(s->pool, tx, local), CHAIN_POOL_OK);
}

/* The nonces in the file, in order; what the reader says at the end, ERR_OK or a fault. */
static void expect_file(const struct setting *s, const char *nonces, int fault,
                        struct err_detail *detail)
{
    struct chain_pool_journal_reader *reader;
    struct chain_tx *txs[3];
    char got[256] = "";
    size_t count = 1;
    int rc = chain_pool_journal_reader_new(&reader, s->path, true, 0, detail);
    assert_int_equal(rc, ERR_OK);
    while ((rc = chain_pool_journal_read(reader, txs, 3, &count, detail)) == ERR_OK && count)
        for (size_t i = 0; i < count; i++) {
            size_t len = strlen(got);
            snprintf(got + len, sizeof(got) - len, "%d ", (int)txs[i]->tx.nonce);
            chain_tx_unref(txs[i]);
        }
    assert_int_equal(rc, fault);
    assert_string_equal(got, nonces);
    if (fault != ERR_OK) {
        assert_int_equal(chain_pool_journal_read(reader, txs, 3, &count, detail), ERR_OK);
        assert_int_equal(count, 0);
    }
    chain_pool_journal_reader_free(reader);
}

static void local_transactions_are_kept(void **state)
{
    struct setting *s = *state;
    struct err_detail detail;
    send(s, 0, 0, true);
    open_journal(s);
    send(s, 0, 1, true);
    send(s, 1, 5, false); /* remote */
    send(s, 0, 2, false); /* from a local sender by way of a peer */
    send(s, 0, 4, true);
    expect_file(s, "0 1 2 4 ", ERR_OK, &detail);
}

static void written_anew_without_what_is_done(void **state)
{
    struct setting *s = *state;
    struct err_detail detail;
    struct chain_pool_rotation *rotation;
    open_journal(s);
    for (uint64_t nonce = 0; nonce < 8; nonce++)
        send(s, 0, nonce, true);
    struct chain_pool_account changed = {pool_test_address(0), 5, u256_from(1000)};
    struct chain_pool_head head = {.rules = s->rules, .changed = &changed, .changed_count = 1};
    assert_int_equal(chain_pool_head(s->pool, &head, 2), ERR_OK);
    assert_int_equal(chain_pool_journal_begin(s->pool, &rotation), ERR_OK);
    send(s, 0, 8, true);
    assert_int_equal(chain_pool_rotation_write(rotation, &detail), ERR_OK);
    send(s, 0, 9, true);
    expect_file(s, "0 1 2 3 4 5 6 7 8 9 ", ERR_OK, &detail);
    assert_int_equal(chain_pool_journal_end(s->pool, rotation, &detail), ERR_OK);
    send(s, 0, 10, true);
    expect_file(s, "5 6 7 8 9 10 ", ERR_OK, &detail);
    assert_false(chain_pool_journal_due(s->pool));
}

static void a_rotation_that_fails_leaves_the_file(void **state)
{
    struct setting *s = *state;
    struct err_detail detail;
    struct chain_pool_rotation *rotation;
    char in_the_way[160];
    open_journal(s);
    send(s, 0, 0, true);
    snprintf(in_the_way, sizeof(in_the_way), "%s.new", s->path);
    assert_int_equal(mkdir(in_the_way, 0700), 0);
    assert_int_equal(chain_pool_journal_begin(s->pool, &rotation), ERR_OK);
    assert_int_equal(chain_pool_rotation_write(rotation, &detail), ERR_IO);
    assert_non_null(strstr(detail.text, in_the_way));
    assert_int_equal(chain_pool_journal_end(s->pool, rotation, &detail), ERR_IO);
    assert_int_equal(rmdir(in_the_way), 0);
    send(s, 0, 1, true);
    expect_file(s, "0 1 ", ERR_OK, &detail);
}

static void the_place_must_be_there(void **state)
{
    struct setting *s = *state;
    struct err_detail detail;
    char path[160];
    snprintf(path, sizeof(path), "%s/nowhere/transactions.rlp", s->folder);
    assert_int_equal(chain_pool_journal_open(s->pool, path, &detail), ERR_NOTFOUND);
    assert_non_null(strstr(detail.text, path));
    struct chain_pool_journal_reader *reader;
    assert_int_equal(chain_pool_journal_reader_new(&reader, s->path, true, 0, &detail),
                     ERR_NOTFOUND);
    send(s, 0, 0, true); /* goes on */
}

static void a_damaged_end_is_told(void **state)
{
    struct setting *s = *state;
    struct err_detail detail;
    struct buf content = BUF_INIT;
    open_journal(s);
    for (uint64_t nonce = 0; nonce < 4; nonce++)
        send(s, 0, nonce, true);
    assert_int_equal(file_read(s->path, 1 << 20, &content, &detail), ERR_OK);
    size_t one = content.len / 4;
    char where[128];

    struct bytes cut = bytes_slice(buf_bytes(&content), 0, content.len - 1);
    assert_int_equal(file_write(s->path, cut, &detail), ERR_OK);
    expect_file(s, "0 1 2 ", ERR_CORRUPT, &detail);
    snprintf(where, sizeof(where), "at byte %zu: the end of a transaction is missing", 3 * one);
    assert_non_null(strstr(detail.text, where));
    assert_non_null(strstr(detail.text, s->path));

    content.data[2 * one] = 0x01; /* not a list, not an envelope */
    assert_int_equal(file_write(s->path, buf_bytes(&content), &detail), ERR_OK);
    expect_file(s, "0 1 ", ERR_CORRUPT, &detail);
    snprintf(where, sizeof(where), "at byte %zu", 2 * one);
    assert_non_null(strstr(detail.text, where));

    static const uint8_t giant[] = {0xfb, 0xff, 0xff, 0xff, 0xff};
    assert_int_equal(file_write(s->path, bytes_of(giant, sizeof(giant)), &detail), ERR_OK);
    expect_file(s, "", ERR_CORRUPT, &detail);
    buf_release(&content);
}

static void a_large_file_in_pieces(void **state)
{
    struct setting *s = *state;
    struct err_detail detail;
    struct chain_pool_journal_reader *reader;
    struct chain_tx *txs[100];
    size_t count, total = 0;
    struct pool_test_tx tx = {.data_size = 60000, .gas = 2000000};
    open_journal(s);
    for (tx.nonce = 0; tx.nonce < 50; tx.nonce++)
        assert_int_equal(pool_test_add(s->pool, pool_test_make(tx), true), CHAIN_POOL_OK);
    assert_int_equal(chain_pool_journal_reader_new(&reader, s->path, true, 0, &detail), ERR_OK);
    while (chain_pool_journal_read(reader, txs, 7, &count, &detail) == ERR_OK && count)
        for (size_t i = 0; i < count; i++) {
            assert_int_equal(txs[i]->tx.nonce, total++);
            chain_tx_unref(txs[i]);
        }
    assert_int_equal(total, 50);
    chain_pool_journal_reader_free(reader);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(local_transactions_are_kept, begin, end),
        cmocka_unit_test_setup_teardown(written_anew_without_what_is_done, begin, end),
        cmocka_unit_test_setup_teardown(a_rotation_that_fails_leaves_the_file, begin, end),
        cmocka_unit_test_setup_teardown(the_place_must_be_there, begin, end),
        cmocka_unit_test_setup_teardown(a_damaged_end_is_told, begin, end),
        cmocka_unit_test_setup_teardown(a_large_file_in_pieces, begin, end),
    };
    return cmocka_run_group_tests_name("pool_journal", tests, NULL, NULL);
}
