/* The record of what a validator has signed: the newest comes back, whatever a crash left of the last write. */
#include "node/validator/record.h"

#include "base/file.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static char folder[64], prefix[96];
static struct err_detail detail;

static int make_folder(void **state)
{
    (void)state;
    snprintf(folder, sizeof(folder), "/tmp/quorate-record-XXXXXX");
    if (!mkdtemp(folder))
        return -1;
    snprintf(prefix, sizeof(prefix), "%s/consensus", folder);
    return 0;
}

static int remove_folder(void **state)
{
    (void)state;
    return file_remove_folder(folder, NULL);
}

static void write_record(struct node_record *record, const char *text)
{
    assert_int_equal(node_record_write(record, bytes_str(text), &detail), ERR_OK);
}

/* Opens, compares, closes. */
static void expect_last(const char *text)
{
    struct node_record record;
    struct buf last = BUF_INIT;
    assert_int_equal(node_record_open(&record, prefix, &last, &detail), ERR_OK);
    assert_string_equal(buf_text(&last), text);
    buf_release(&last);
    node_record_close(&record);
}

static void damage(int slot, off_t at)
{
    char path[128];
    snprintf(path, sizeof(path), "%s.%d", prefix, slot);
    int fd = open(path, O_RDWR);
    assert_true(fd >= 0);
    assert_int_equal(pwrite(fd, "\xff\xff", 2, at), 2);
    close(fd);
}

static void test_newest_comes_back(void **state)
{
    (void)state;
    struct node_record record;
    struct buf last = BUF_INIT;
    assert_int_equal(node_record_open(&record, prefix, &last, &detail), ERR_OK);
    assert_int_equal(last.len, 0);
    write_record(&record, "one");
    write_record(&record, "two");
    write_record(&record, "three, which is longer");
    node_record_close(&record);
    expect_last("three, which is longer");
    assert_int_equal(node_record_open(&record, prefix, &last, &detail), ERR_OK);
    write_record(&record, "four");
    node_record_close(&record);
    buf_release(&last);
    expect_last("four");
}

static void test_torn_write(void **state)
{
    (void)state;
    struct node_record record;
    struct buf last = BUF_INIT;
    assert_int_equal(node_record_open(&record, prefix, &last, &detail), ERR_OK);
    buf_release(&last);
    write_record(&record, "before");
    int slot = record.next;
    write_record(&record, "torn by a crash");
    node_record_close(&record);
    damage(slot, 60);
    expect_last("before");
    assert_int_equal(node_record_open(&record, prefix, &last, &detail), ERR_OK);
    buf_release(&last);
    write_record(&record, "after");
    node_record_close(&record);
    expect_last("after");
    damage(0, 20);
    damage(1, 20);
    assert_int_equal(node_record_open(&record, prefix, &last, &detail), ERR_CORRUPT);
    assert_non_null(strstr(detail.text, "remove both files"));
    buf_release(&last);
}

/* A file that somebody emptied or removed is no file that was never written: what was signed is not known. */
static void test_lost_file(void **state)
{
    (void)state;
    for (int lost = 0; lost < 2; lost++) {
        struct node_record record;
        struct buf last = BUF_INIT;
        char path[128];
        snprintf(prefix, sizeof(prefix), "%s/lost%d", folder, lost);
        assert_int_equal(node_record_open(&record, prefix, &last, &detail), ERR_OK);
        write_record(&record, "signed");
        node_record_close(&record);
        snprintf(path, sizeof(path), "%s.%d", prefix, lost);
        assert_int_equal(truncate(path, 0), 0);
        assert_int_equal(node_record_open(&record, prefix, &last, &detail), ERR_CORRUPT);
        assert_non_null(strstr(detail.text, "remove both files"));
        assert_int_equal(unlink(path), 0);
        assert_int_equal(mkfifo(path, 0600), 0);
        assert_int_equal(node_record_open(&record, prefix, &last, &detail), ERR_INPUT);
        assert_non_null(strstr(detail.text, "no regular file"));
        buf_release(&last);
    }
}

static void test_limit(void **state)
{
    (void)state;
    struct node_record record;
    struct buf last = BUF_INIT;
    snprintf(prefix, sizeof(prefix), "%s/large", folder);
    assert_int_equal(node_record_open(&record, prefix, &last, &detail), ERR_OK);
    struct buf large = BUF_INIT;
    assert_non_null(buf_extend(&large, NODE_RECORD_MAX + 1));
    assert_int_equal(node_record_write(&record, buf_bytes(&large), &detail), ERR_LIMIT);
    write_record(&record, "small");
    buf_release(&large);
    buf_release(&last);
    node_record_close(&record);
    expect_last("small");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_newest_comes_back),
        cmocka_unit_test(test_torn_write),
        cmocka_unit_test(test_lost_file),
        cmocka_unit_test(test_limit),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
