#include "base/arena.h"
#include "base/buf.h"
#include "base/file.h"
#include "base/fork.h"
#include "base/hex.h"
#include "base/map.h"
#include "base/mem.h"
#include "base/percent.h"
#include "base/pool.h"
#include "base/utf8.h"

#include <fcntl.h>
#include <malloc.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#ifdef BASE_SANITIZED
#    include <sanitizer/asan_interface.h>
#endif

static void test_errors(void **unused)
{
    (void)unused;
    assert_string_equal(err_name(ERR_NOSPACE), "ERR_NOSPACE");
    assert_string_equal(err_text(ERR_INPUT), "malformed input");
    assert_string_equal(err_text(12345), "unknown");
    struct err_detail d;
    assert_int_equal(err_set(&d, ERR_INPUT, "nonce %d", 7), ERR_INPUT);
    assert_int_equal(err_prefix(&d, ERR_INPUT, "tx %d", 3), ERR_INPUT);
    assert_string_equal(d.text, "tx 3: nonce 7");
    char longer[2 * sizeof(d.text)];
    memset(longer, 'x', sizeof(longer));
    longer[sizeof(longer) - 1] = 0;
    (void)err_set(&d, ERR_INPUT, "%s", longer);
    (void)err_prefix(&d, ERR_INPUT, "place");
    assert_int_equal(strlen(d.text), sizeof(d.text) - 1);
    assert_memory_equal(d.text, "place: xx", 9);
}

static void test_buf(void **unused)
{
    (void)unused;
    struct buf b = BUF_INIT;
    buf_append_text(&b, "ab");
    buf_append_format(&b, "%d", 1234);
    buf_append_byte(&b, 'z');
    assert_string_equal(buf_text(&b), "ab1234z");
    assert_int_equal(b.len, 7);
    mem_fail_at(1, 1);
    assert_null(buf_extend(&b, 1000));
    buf_append_text(&b, "lost");
    assert_int_equal(buf_status(&b), ERR_NOMEM);
    assert_int_equal(b.len, 7);
    buf_clear(&b);
    assert_int_equal(buf_status(&b), ERR_OK);
    buf_release(&b);
}

static void test_reserve(void **unused)
{
    (void)unused;
    uint64_t *items = NULL;
    size_t capacity = 0;
    for (size_t count = 0; count < 100; count++) {
        assert_int_equal(MEM_RESERVE(items, capacity, count + 1, 3), ERR_OK);
        items[count] = count;
    }
    assert_int_equal(capacity, 192); /* 3, 6, 12, … */
    for (size_t i = 0; i < 100; i++)
        assert_int_equal(items[i], i);
    assert_int_equal(MEM_RESERVE(items, capacity, 1000, 3), ERR_OK);
    assert_int_equal(capacity, 1536);

    uint64_t *const kept = items;
    mem_fail_at(1, 1);
    assert_int_equal(MEM_RESERVE(items, capacity, 1537, 3), ERR_NOMEM);
    assert_int_equal(MEM_RESERVE(items, capacity, SIZE_MAX, 3), ERR_NOMEM);     /* 2^k > SIZE_MAX */
    assert_int_equal(MEM_RESERVE(items, capacity, SIZE_MAX / 4, 3), ERR_NOMEM); /* … in bytes */
    assert_ptr_equal(items, kept);
    assert_int_equal(capacity, 1536);
    mem_free(items);
}

/* Of builds that watch every access. */
static void expect_closed(const uint8_t *at)
{
#ifdef BASE_SANITIZED
    assert_true(__asan_address_is_poisoned(at));
#else
    (void)at;
#endif
}

static void test_arena(void **unused)
{
    (void)unused;
    struct arena a;
    arena_init(&a);
    uint8_t *first = arena_alloc(&a, 10);
    memset(first, 7, 10);
    expect_closed(first + 10);
    struct arena_mark mark = arena_mark(&a);
    uint8_t *second = arena_alloc(&a, 16);
    assert_true(second >= first + 16);
    for (int i = 0; i < 1000; i++) {
        uint8_t *p = arena_alloc(&a, (size_t)i);
        assert_non_null(p);
        assert_int_equal((uintptr_t)p % 16, 0);
        memset(p, i, (size_t)i);
    }
    arena_rewind(&a, mark);
    assert_int_equal(first[9], 7);
    expect_closed(second);
    assert_ptr_equal((uint8_t *)arena_alloc(&a, 16), second);
    arena_clear(&a);
    expect_closed(first);
    arena_release(&a);

    arena_init_limited(&a, 10000);
    assert_non_null(arena_alloc(&a, 9000));
    assert_null(arena_alloc(&a, 9000));
    assert_non_null(arena_alloc(&a, 900));
    arena_release(&a);
}

static void test_map(void **unused)
{
    (void)unused;
    enum { N = 5000 };
    struct map m;
    map_init(&m, 20, sizeof(uint64_t));
    for (uint64_t i = 0; i < N; i++) {
        uint8_t key[20] = {0};
        bool added;
        memcpy(key, &i, sizeof(i));
        uint64_t *value = map_put(&m, key, &added);
        assert_true(added && *value == 0);
        *value = i * 3;
    }
    for (size_t keep = N; keep > 10; keep -= keep / 3) {
        map_truncate(&m, keep);
        for (uint64_t i = 0; i < N; i++) {
            uint8_t key[20] = {0};
            memcpy(key, &i, sizeof(i));
            uint64_t *value = map_get(&m, key);
            if (i < keep)
                assert_true(value && *value == i * 3);
            else
                assert_null(value);
        }
    }
    map_clear(&m);
    assert_int_equal(map_count(&m), 0);
    assert_null(map_get(&m, "01234567890123456789"));
    map_release(&m);

    for (size_t n = 1; n < 4; n++) { /* a failed put leaves the map as it was */
        map_init(&m, 4, 4);
        mem_fail_at(n, 1);
        assert_null(map_put(&m, "abcd", NULL));
        assert_int_equal(map_count(&m), 0);
        assert_non_null(map_put(&m, "abcd", NULL));
        map_release(&m);
    }
}

/* Every length, so that each of the ways to take several bytes at once meets each rest, with every byte. */
static void test_percent(void **unused)
{
    (void)unused;
    struct buf b = BUF_INIT;
    percent_append(&b, bytes_of("aZ09-._~ /+=%\0\xc3", 15), "");
    assert_string_equal(buf_text(&b), "aZ09-._~%20%2F%2B%3D%25%00%C3");
    buf_clear(&b);
    percent_append(&b, bytes_str("a/b c"), "/");
    assert_string_equal(buf_text(&b), "a/b%20c");
    buf_release(&b);
}

static void test_hex_lengths(void **unused)
{
    (void)unused;
    uint8_t data[300];
    char text[602], wanted[602];
    for (size_t i = 0; i < sizeof(data); i++)
        data[i] = (uint8_t)(i * 7);
    for (size_t len = 0; len <= sizeof(data); len++) {
        memset(text, '!', sizeof(text));
        hex_encode(text, bytes_of(data, len));
        for (size_t i = 0; i < len; i++)
            snprintf(wanted + 2 * i, 3, "%02x", data[i]);
        assert_memory_equal(text, wanted, 2 * len);
        assert_int_equal(text[2 * len], '!');
    }
}

static void test_hex(void **unused)
{
    (void)unused;
    struct buf b = BUF_INIT;
    assert_int_equal(hex_decode("", &b), ERR_OK);
    assert_int_equal(b.len, 0);
    assert_int_equal(hex_decode("0x00fF", &b), ERR_OK);
    assert_memory_equal(b.data, "\x00\xff", 2);
    assert_int_equal(hex_decode("0x0", &b), ERR_INPUT);
    assert_int_equal(hex_decode("0g", &b), ERR_INPUT);
    assert_int_equal(b.len, 2);
    buf_clear(&b);
    hex_append(&b, bytes_of("\x01\xab", 2));
    assert_string_equal(buf_text(&b), "0x01ab");
    buf_release(&b);

    struct u256 v;
    char text[67];
    assert_true(hex_u256("0x0001f", &v) && v.w[0] == 31);
    assert_true(hex_u256("31", &v) && v.w[0] == 31);
    assert_false(hex_u256("0x", &v) || hex_u256("", &v) || hex_u256("12a", &v));
    const char *top = "0xffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff";
    assert_true(hex_u256(top, &v));
    hex_format_u256(text, &v);
    assert_string_equal(text, top);
    assert_true(hex_u256("115792089237316195423570985008687907853269984665640564039457584007913"
                         "129639935",
                         &v));
    assert_false(hex_u256("115792089237316195423570985008687907853269984665640564039457584007913"
                          "129639936",
                          &v));
    assert_false(
        hex_u256("0x10000000000000000000000000000000000000000000000000000000000000000", &v));
    v = u256_from(0);
    hex_format_u256(text, &v);
    assert_string_equal(text, "0x0");
    uint8_t two[2];
    assert_true(hex_decode_exact("0xabcd", two, 2));
    assert_false(hex_decode_exact("0xabcd1", two, 2) || hex_decode_exact("0xabc", two, 2));
}

static void test_forks(void **unused)
{
    (void)unused;
    enum fork fork;
    assert_true(fork_from_name("EIP158", &fork) && fork == FORK_SPURIOUS);
    assert_true(fork_from_name("merge", &fork) && fork == FORK_PARIS);
    assert_true(fork_from_name("ConstantinopleFix", &fork) && fork == FORK_PETERSBURG);
    assert_false(fork_from_name("EIP15", &fork) || fork_from_name("", &fork));
    for (int i = 0; i < FORK_COUNT; i++)
        assert_true(fork_from_name(fork_name((enum fork)i), &fork) && fork == (enum fork)i);
}

static void count_item(void *context, size_t index, unsigned worker)
{
    assert_true(worker < 3);
    atomic_fetch_add((atomic_size_t *)context, index);
}

static void test_pool(void **unused)
{
    (void)unused;
    struct pool *pool;
    assert_int_equal(pool_new(&pool, 3), ERR_OK);
    for (size_t n = 0; n < 200; n++) {
        atomic_size_t sum = 0;
        pool_run(pool, n, count_item, &sum);
        assert_int_equal(sum, n ? n * (n - 1) / 2 : 0);
    }
    pool_free(pool);
}

static void test_file(void **unused)
{
    (void)unused;
    char folder[] = "/tmp/test_base_XXXXXX";
    assert_non_null(mkdtemp(folder));
    char path[64];
    snprintf(path, sizeof(path), "%s/f", folder);
    struct err_detail detail;
    struct buf b = BUF_INIT;
    assert_int_equal(file_write(path, bytes_str("content"), &detail), ERR_OK);
    assert_int_equal(file_read(path, 7, &b, &detail), ERR_OK);
    assert_string_equal(buf_text(&b), "content");
    assert_int_equal(file_read(path, 6, &b, &detail), ERR_LIMIT);
    unlink(path);
    buf_clear(&b);
    assert_int_equal(file_read(path, 7, &b, &detail), ERR_NOTFOUND);
    assert_non_null(strstr(detail.text, path));
    assert_false(file_is_there(path));
    assert_int_equal(symlink("nowhere", path), 0);
    assert_int_equal(file_read(path, 7, &b, &detail), ERR_IO);
    assert_non_null(strstr(detail.text, path));
    assert_true(file_is_there(path));
    unlink(path);
    rmdir(folder);
    assert_int_equal(file_write(path, bytes_str("content"), &detail), ERR_NOTFOUND);
    buf_release(&b);
}

static void *write_later(void *path)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    ssize_t written = fd < 0 ? -1 : write(fd, "content", 7);
    if (fd >= 0)
        close(fd);
    return written == 7 ? path : NULL;
}

static void test_file_end(void **unused)
{
    (void)unused;
    char path[] = "/tmp/test_base_XXXXXX";
    struct buf b = BUF_INIT;
    struct err_detail detail;
    int fd = mkstemp(path);
    assert_int_equal(write(fd, "0123456789", 10), 10);
    close(fd);
    assert_int_equal(file_read_end(path, 4, &b, &detail), ERR_OK);
    assert_string_equal(buf_text(&b), "6789");
    assert_int_equal(file_read_end(path, 10, &b, &detail), ERR_OK);
    assert_int_equal(file_read_end(path, 100, &b, &detail), ERR_OK);
    assert_string_equal(buf_text(&b), "678901234567890123456789");
    unlink(path);
    assert_int_equal(file_read_end(path, 4, &b, &detail), ERR_NOTFOUND);
    assert_non_null(strstr(detail.text, path));
    buf_release(&b);
}

/* A pipe is read when somebody writes, and waited for no longer than a while; where a file belongs it is refused at once. */
static void test_pipe(void **unused)
{
    (void)unused;
    char folder[] = "/tmp/test_base_XXXXXX", path[64];
    struct err_detail detail;
    struct buf b = BUF_INIT;
    pthread_t writer;
    void *written;
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof(path), "%s/pipe", folder);
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_int_equal(file_read_regular(path, 7, &b, &detail), ERR_INPUT);
    assert_non_null(strstr(detail.text, "no regular file"));
    assert_int_equal(pthread_create(&writer, NULL, write_later, path), 0);
    assert_int_equal(file_read(path, 7, &b, &detail), ERR_OK);
    pthread_join(writer, &written);
    assert_ptr_equal(written, path);
    assert_string_equal(buf_text(&b), "content");
    assert_int_equal(file_read(path, 7, &b, &detail), ERR_IO); /* nobody writes */
    assert_non_null(strstr(detail.text, path));
    unlink(path);
    assert_int_equal(file_read_regular(folder, 7, &b, &detail), ERR_IO);
    rmdir(folder);
    buf_release(&b);
}

static void test_private_file(void **unused)
{
    (void)unused;
    char folder[] = "/tmp/test_base_XXXXXX";
    assert_non_null(mkdtemp(folder));
    char below[64], path[80];
    struct err_detail detail;
    struct stat info;
    snprintf(below, sizeof(below), "%s/a/b", folder);
    snprintf(path, sizeof(path), "%s/f", below);
    assert_int_equal(file_make_folders(below, 0700, &detail), ERR_OK);
    assert_int_equal(file_make_folders(below, 0700, &detail), ERR_OK);
    assert_int_equal(file_write_private(path, bytes_str("content"), &detail), ERR_OK);
    assert_int_equal(stat(path, &info), 0);
    assert_int_equal(info.st_mode & 0777, 0600);
    assert_int_equal(file_make_folders(path, 0700, &detail), ERR_EXISTS);
    assert_non_null(strstr(detail.text, path));
    unlink(path);
    rmdir(below);
    below[strlen(below) - 2] = 0;
    rmdir(below);
    rmdir(folder);
}

static void test_utf8(void **unused)
{
    static const struct {
        const char *text;
        size_t valid;
    } rows[] = {
        {"", 0},
        {"plain", 5},
        {"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80", 9},
        {"a\xc0\x80", 1},        /* overlong */
        {"a\xe0\x9f\xbf", 1},    /* overlong */
        {"\xed\xa0\x80", 0},     /* surrogate */
        {"\xf4\x90\x80\x80", 0}, /* above U+10FFFF */
        {"ab\xe2\x82", 2},       /* cut off */
        {"\xf4\x8f\xbf\xbf", 4},
        {"\xfc\xfc", 0},
        {"x\x80", 1},
    };
    (void)unused;
    for (size_t i = 0; i < BASE_COUNT(rows); i++)
        assert_int_equal(utf8_valid_length(bytes_str(rows[i].text)), rows[i].valid);
}

static void test_secrets(void **unused)
{
    (void)unused;
    char a[] = "secret", b[] = "secreT";
    assert_true(mem_equal_secret(a, "secret", 6));
    assert_false(mem_equal_secret(a, b, 6));
    mem_wipe(a, 6);
    assert_memory_equal(a, "\0\0\0\0\0\0", 6);
}

/* What a killed writer left goes; what is being written, and what merely looks alike, stays. */
static void half_written_files_are_swept(void **state)
{
    (void)state;
    static const char *const names[] = {"a.part-dEad01", "b.part-aLive2", "c.part-short", "a",
                                        "d.part-toolong"};
    char folder[] = "/tmp/test_base_XXXXXX", path[64];
    int fds[5];
    assert_non_null(mkdtemp(folder));
    for (size_t i = 0; i < 5; i++) {
        snprintf(path, sizeof(path), "%s/%s", folder, names[i]);
        fds[i] = open(path, O_RDWR | O_CREAT, 0600);
        assert_true(fds[i] >= 0);
    }
    assert_int_equal(flock(fds[1], LOCK_EX), 0);
    file_sweep(folder);
    for (size_t i = 0; i < 5; i++) {
        snprintf(path, sizeof(path), "%s/%s", folder, names[i]);
        assert_int_equal(access(path, F_OK) == 0, i != 0);
        close(fds[i]);
    }
    file_sweep(folder);
    snprintf(path, sizeof(path), "%s/%s", folder, names[1]);
    assert_int_not_equal(access(path, F_OK), 0);
    for (size_t i = 2; i < 5; i++) {
        snprintf(path, sizeof(path), "%s/%s", folder, names[i]);
        assert_int_equal(unlink(path), 0);
    }
    assert_int_equal(rmdir(folder), 0);
    file_sweep(folder); /* none is there */
}

/* Of many pieces every thousandth stays: the memory between them goes back, and is not looked for again. */
static void test_give_back(void **state)
{
    enum { PIECES = 40000, SIZE = 1024, LEAST = 8 << 20 };
    static void *pieces[PIECES];
    (void)state;
    for (int round = 0; round < 2; round++) {
        for (size_t i = 0; i < PIECES; i++) {
            pieces[i] = mem_alloc(SIZE);
            assert_non_null(pieces[i]);
            memset(pieces[i], 1, SIZE);
        }
        assert_false(mem_give_back(LEAST));
        for (size_t i = 0; i < PIECES; i++)
            if (i % 1000 != 999)
                mem_free(pieces[i]);
        bool gone = mem_give_back(LEAST);
#ifdef __GLIBC__
        assert_true(gone || mallinfo2().arena == 0); /* 0: a sanitizer's heap */
#endif
        (void)gone;
        assert_false(mem_give_back(LEAST));
        for (size_t i = 999; i < PIECES; i += 1000)
            mem_free(pieces[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_errors),
        cmocka_unit_test(test_buf),
        cmocka_unit_test(test_reserve),
        cmocka_unit_test(test_arena),
        cmocka_unit_test(test_map),
        cmocka_unit_test(test_hex),
        cmocka_unit_test(test_hex_lengths),
        cmocka_unit_test(test_percent),
        cmocka_unit_test(test_forks),
        cmocka_unit_test(test_pool),
        cmocka_unit_test(test_file),
        cmocka_unit_test(test_file_end),
        cmocka_unit_test(test_pipe),
        cmocka_unit_test(test_secrets),
        cmocka_unit_test(test_private_file),
        cmocka_unit_test(test_utf8),
        cmocka_unit_test(half_written_files_are_swept),
        cmocka_unit_test(test_give_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
