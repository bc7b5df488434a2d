/* Archives: what goes in comes out, every changed byte is noticed, nothing is written outside. */
#include "base/file.h"
#include "deploy/backup/archive.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

struct place {
    char folder[40], from[64], to[64], archive[64];
};

static struct place place;

static int make_place(void **state)
{
    (void)state;
    snprintf(place.folder, sizeof(place.folder), "/tmp/test_backup_XXXXXX");
    if (!mkdtemp(place.folder))
        return -1;
    snprintf(place.from, sizeof(place.from), "%s/from", place.folder);
    snprintf(place.to, sizeof(place.to), "%s/to", place.folder);
    snprintf(place.archive, sizeof(place.archive), "%s/x.tar", place.folder);
    return mkdir(place.from, 0700) || mkdir(place.to, 0700);
}

static int remove_place(void **state)
{
    (void)state;
    return file_remove_folder(place.folder, NULL) == ERR_OK ? 0 : -1;
}

static void write_file(const char *name, struct bytes content)
{
    char path[512];
    struct err_detail detail = {""};
    snprintf(path, sizeof(path), "%s/%s", place.from, name);
    char *slash = strrchr(path, '/');
    *slash = 0;
    assert_int_equal(file_make_folders(path, 0700, &detail), ERR_OK);
    *slash = '/';
    if (file_write(path, content, &detail) != ERR_OK)
        fail_msg("%s", detail.text);
}

static const char long_name[] =
    "peers/an-organization-with-a-long-name/a-peer-with-a-name-that-is-longer/node/keystore/"
    "UTC--2026-01-01T00-00-00.000000000Z--0123456789abcdef0123456789abcdef01234567";

static void make_archive(void)
{
    struct deploy_archive archive;
    struct err_detail detail = {""};
    static uint8_t large[200000];
    for (size_t i = 0; i < sizeof(large); i++)
        large[i] = (uint8_t)(i * 7 + i / 251);
    write_file("b/large", bytes_of(large, sizeof(large)));
    write_file("b/block", bytes_of(large, DEPLOY_TAR_BLOCK));
    write_file("a", bytes_none());
    write_file(long_name, bytes_str("key"));
    if (deploy_archive_new(&archive, place.archive, &detail) != ERR_OK ||
        deploy_archive_add(&archive, DEPLOY_ARCHIVE_FIRST, bytes_str("{}"), &detail) != ERR_OK ||
        deploy_archive_add_folder(&archive, place.from, &detail) != ERR_OK ||
        deploy_archive_finish(&archive, &detail) != ERR_OK)
        fail_msg("%s", detail.text);
}

static int extract(struct err_detail *detail)
{
    assert_int_equal(file_remove_folder(place.to, NULL), ERR_OK);
    assert_int_equal(mkdir(place.to, 0700), 0);
    return deploy_archive_extract(place.archive, place.to, detail);
}

static void same(const char *name)
{
    char path[512];
    struct buf a = BUF_INIT, b = BUF_INIT;
    struct stat st;
    snprintf(path, sizeof(path), "%s/%s", place.from, name);
    assert_int_equal(file_read(path, 1 << 20, &a, NULL), ERR_OK);
    snprintf(path, sizeof(path), "%s/%s", place.to, name);
    assert_int_equal(file_read(path, 1 << 20, &b, NULL), ERR_OK);
    assert_true(bytes_equal(buf_bytes(&a), buf_bytes(&b)));
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    buf_release(&a);
    buf_release(&b);
}

static void what_goes_in_comes_out(void **state)
{
    (void)state;
    struct err_detail detail = {""};
    struct deploy_archive again;
    make_archive();
    if (extract(&detail) != ERR_OK)
        fail_msg("%s", detail.text);
    same("a");
    same("b/large");
    same("b/block");
    same(long_name);
    assert_int_equal(deploy_archive_new(&again, place.archive, &detail), ERR_EXISTS);
}

static void read_archive(struct buf *content)
{
    assert_int_equal(file_read(place.archive, 1 << 24, content, NULL), ERR_OK);
}

static void spoil(struct bytes content)
{
    assert_int_equal(file_write(place.archive, content, NULL), ERR_OK);
}

/* Cut off anywhere before the end of its sums, or with any byte of a file changed, it is refused. */
static void damage_is_noticed(void **state)
{
    (void)state;
    struct err_detail detail = {""};
    struct buf whole = BUF_INIT;
    make_archive();
    read_archive(&whole);
    for (size_t length = 0; length + 2 * DEPLOY_TAR_BLOCK + 100 < whole.len; length += 9973) {
        spoil(bytes_of(whole.data, length));
        assert_int_equal(extract(&detail), ERR_CORRUPT);
    }
    for (size_t at = DEPLOY_TAR_BLOCK; at < whole.len - 2 * DEPLOY_TAR_BLOCK; at += 10007) {
        uint8_t kept = whole.data[at];
        whole.data[at] ^= 0x10;
        spoil(buf_bytes(&whole));
        int status = extract(&detail);
        if (status != ERR_CORRUPT && kept != 0) /* zeros behind a file are not its content */
            fail_msg("byte %zu was changed, and not noticed", at);
        whole.data[at] = kept;
    }
    memset(whole.data, 'x', 2 * DEPLOY_TAR_BLOCK);
    spoil(buf_bytes(&whole));
    assert_int_equal(extract(&detail), ERR_CORRUPT);
    assert_non_null(strstr(detail.text, "no tar archive"));
    buf_release(&whole);
}

/* An archive that somebody made with one file of this name, before the sums. */
static int with_name(const char *name, struct err_detail *detail)
{
    struct deploy_archive archive;
    (void)unlink(place.archive);
    assert_int_equal(deploy_archive_new(&archive, place.archive, detail), ERR_OK);
    assert_int_equal(deploy_archive_add(&archive, DEPLOY_ARCHIVE_FIRST, bytes_str("{}"), detail),
                     ERR_OK);
    assert_int_equal(deploy_archive_add(&archive, name, bytes_str("x"), detail), ERR_OK);
    assert_int_equal(deploy_archive_finish(&archive, detail), ERR_OK);
    return extract(detail);
}

static void names_stay_inside(void **state)
{
    (void)state;
    static const char *const bad[] = {"/etc/x", "../x", "a/../../x", "a/..", "..", ".",
                                      "./x",    "a//b", "a/",        "",     "/"};
    static const char *const good[] = {"x", "a/b", "..x", "a/...", ".x", "a/b.c/d"};
    char outside[80];
    struct err_detail detail = {""};
    for (size_t i = 0; i < BASE_COUNT(bad); i++) {
        assert_false(deploy_tar_name_is_safe(bad[i]));
        assert_int_equal(with_name(bad[i], &detail), ERR_CORRUPT);
    }
    snprintf(outside, sizeof(outside), "%s/x", place.folder);
    assert_int_not_equal(access(outside, F_OK), 0);
    for (size_t i = 0; i < BASE_COUNT(good); i++)
        assert_int_equal(with_name(good[i], &detail), ERR_OK);
    /* Twice the same, and a first file that is another. */
    assert_int_equal(with_name(DEPLOY_ARCHIVE_FIRST, &detail), ERR_CORRUPT);
    struct deploy_archive archive;
    (void)unlink(place.archive);
    assert_int_equal(deploy_archive_new(&archive, place.archive, &detail), ERR_OK);
    assert_int_equal(deploy_archive_add(&archive, "x", bytes_str("x"), &detail), ERR_OK);
    assert_int_equal(deploy_archive_finish(&archive, &detail), ERR_OK);
    assert_int_equal(extract(&detail), ERR_CORRUPT);
    assert_non_null(strstr(detail.text, "is no backup of quorate"));
}

static void heads(void **state)
{
    (void)state;
    static const uint64_t sizes[] = {
        0, 1, 511, 512, ((uint64_t)1 << 33) - 1, (uint64_t)1 << 33, DEPLOY_TAR_SIZE_MAX};
    uint8_t block[DEPLOY_TAR_BLOCK];
    struct err_detail detail = {""};
    struct deploy_tar_file file, read;
    bool end;
    for (size_t i = 0; i < BASE_COUNT(sizes); i++) {
        file = (struct deploy_tar_file){.name = "a/b", .size = sizes[i]};
        assert_int_equal(deploy_tar_head(block, &file, 1767225600, &detail), ERR_OK);
        assert_int_equal(deploy_tar_parse(&read, &end, block, &detail), ERR_OK);
        assert_false(end);
        assert_string_equal(read.name, file.name);
        assert_int_equal(read.size, file.size);
    }
    file.size = DEPLOY_TAR_SIZE_MAX + 1;
    assert_int_equal(deploy_tar_head(block, &file, 0, &detail), ERR_OK);
    assert_int_equal(deploy_tar_parse(&read, &end, block, &detail), ERR_CORRUPT);
    memset(file.name, 'x', DEPLOY_TAR_NAME_MAX); /* no slash to split it at */
    file.name[DEPLOY_TAR_NAME_MAX] = 0;
    assert_int_equal(deploy_tar_head(block, &file, 0, &detail), ERR_LIMIT);
}

#define TEST(name) {#name, name, make_place, remove_place, NULL}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_goes_in_comes_out),
        TEST(damage_is_noticed),
        TEST(names_stay_inside),
        TEST(heads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
