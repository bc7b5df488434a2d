#include "cluster/log.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

static char folder[] = "/tmp/cluster-log-XXXXXX", path[64];
static struct err_detail why;

static int setup(void **state)
{
    (void)state;
    memcpy(folder + sizeof(folder) - 7, "XXXXXX", 6);
    snprintf(path, sizeof(path), "%s/log", mkdtemp(folder));
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    unlink(path);
    return rmdir(folder);
}

static struct cluster_log *open_log(uint64_t id)
{
    struct cluster_log *log;
    int status = cluster_log_open(&log, path, id, &why);
    if (status != ERR_OK)
        fail_msg("%s", why.text);
    return log;
}

static void write_entries(struct cluster_log *log, uint64_t term, uint64_t first, size_t count)
{
    struct raft_entry entries[16];
    for (size_t i = 0; i < count; i++)
        entries[i] =
            (struct raft_entry){.term = term, .index = first + i, .data = bytes_str("some block")};
    struct raft_ready r = {
        .has_hard = true, .hard = {term, 2, first - 1}, .entries = entries, .entry_count = count};
    assert_int_equal(cluster_log_write(log, &r, &why), ERR_OK);
}

static void comes_back(void **state)
{
    uint64_t nodes[] = {1, 2, 3};
    const struct raft_snapshot s = {
        .index = 6, .term = 2, .data = bytes_str("state"), .conf = {nodes, NULL, 3, 0}};
    (void)state;
    struct cluster_log *log = open_log(3);
    assert_true(cluster_log_content(log)->fresh);
    cluster_log_forget(log);
    write_entries(log, 1, 1, 8);
    write_entries(log, 2, 5, 6); /* 5 … 8 of term 1 are replaced */
    assert_int_equal(cluster_log_snapshot(log, &s, &why), ERR_OK);
    struct cluster_log *second;
    assert_int_equal(cluster_log_open(&second, path, 3, &why), ERR_BUSY);
    cluster_log_close(log);

    log = open_log(3);
    const struct cluster_log_content *c = cluster_log_content(log);
    assert_false(c->fresh);
    assert_int_equal(c->hard.term, 2);
    assert_int_equal(c->hard.commit, 4);
    assert_int_equal(c->snapshot->index, 6);
    assert_int_equal(c->snapshot->conf.node_count, 3);
    assert_int_equal(c->entry_count, 4);
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(c->entries[i].index, 7 + i);
        assert_int_equal(c->entries[i].term, 2);
        assert_true(bytes_equal(c->entries[i].data, bytes_str("some block")));
    }
    cluster_log_close(log);
    assert_int_equal(cluster_log_open(&log, path, 4, &why), ERR_EXISTS);
    assert_non_null(strstr(why.text, "another raft id"));
}

static void read_all(struct buf *b)
{
    uint8_t *room = buf_extend(b, 1 << 16);
    FILE *f = fopen(path, "rb");
    b->len = fread(room, 1, 1 << 16, f);
    fclose(f);
}

static void put_back(const struct buf *b, size_t len)
{
    FILE *f = fopen(path, "wb");
    assert_int_equal(fwrite(b->data, 1, len, f), len);
    fclose(f);
}

/* A process that ends at any byte of a write leaves what was durable before; nothing that was finished is lost. */
static void any_end(void **state)
{
    struct buf all = BUF_INIT;
    (void)state;
    struct cluster_log *log = open_log(3);
    write_entries(log, 1, 1, 3);
    uint64_t before = cluster_log_size(log);
    write_entries(log, 1, 4, 2);
    cluster_log_close(log);
    read_all(&all);
    for (size_t len = (size_t)before; len <= all.len; len++) {
        put_back(&all, len);
        log = open_log(3);
        const struct cluster_log_content *c = cluster_log_content(log);
        assert_true(c->entry_count >= 3 && c->entry_count <= 5);
        assert_int_equal(c->entry_count == 5 && c->hard.commit == 3, len == all.len);
        uint64_t next = c->entry_count + 1;
        write_entries(log, 2, next, 1); /* it goes on behind the end */
        cluster_log_close(log);
        log = open_log(3);
        assert_int_equal(cluster_log_content(log)->entry_count, next);
        cluster_log_close(log);
    }
    buf_release(&all);
}

/* A byte that changed among sound records is damage, and told with place and remedy. */
static void any_damage(void **state)
{
    struct buf all = BUF_INIT;
    struct cluster_log *log = open_log(3);
    (void)state;
    write_entries(log, 1, 1, 3);
    cluster_log_close(log);
    read_all(&all);
    size_t last = all.len - (9 + 24);
    for (size_t at = 0; at < last; at++) {
        all.data[at] ^= 0x41;
        put_back(&all, all.len);
        int status = cluster_log_open(&log, path, 3, &why);
        assert_int_equal(status, ERR_CORRUPT);
        assert_non_null(strstr(why.text, "--raftjoinexisting"));
        all.data[at] ^= 0x41;
    }
    buf_release(&all);
}

/* It never grows without bound. */
static void stays_small(void **state)
{
    static uint8_t block[64 * 1024];
    struct cluster_log *log = open_log(3);
    (void)state;
    for (uint64_t i = 1; i <= 320; i++) {
        struct raft_entry e = {.term = 1, .index = i, .data = bytes_of(block, sizeof(block))};
        struct raft_ready r = {.entries = &e, .entry_count = 1};
        assert_int_equal(cluster_log_write(log, &r, &why), ERR_OK);
        const struct raft_snapshot s = {.index = i - 1, .term = 1, .data = bytes_str("s")};
        if (i % 20 == 0)
            assert_int_equal(cluster_log_snapshot(log, &s, &why), ERR_OK);
        assert_true(cluster_log_size(log) < CLUSTER_LOG_SMALL + 21 * (sizeof(block) + 64));
    }
    cluster_log_close(log);
    log = open_log(3);
    assert_int_equal(cluster_log_content(log)->snapshot->index, 319);
    assert_int_equal(cluster_log_content(log)->entry_count, 1);
    cluster_log_close(log);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(comes_back, setup, teardown),
        cmocka_unit_test_setup_teardown(any_end, setup, teardown),
        cmocka_unit_test_setup_teardown(any_damage, setup, teardown),
        cmocka_unit_test_setup_teardown(stays_small, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
