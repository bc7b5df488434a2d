/* A folder that is rendered into again follows the network, and nothing of a person's is lost. */
#include "base/file.h"
#include "deploy/kubernetes/rendered.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static char top[40], folder[64];

static int make_place(void **state)
{
    (void)state;
    snprintf(top, sizeof(top), "/tmp/test_rendered_XXXXXX");
    if (!mkdtemp(top))
        return -1;
    snprintf(folder, sizeof(folder), "%s/out", top);
    return 0;
}

static int remove_place(void **state)
{
    (void)state;
    return file_remove_folder(top, NULL) == ERR_OK ? 0 : -1;
}

static void put(const char *path, const char *text)
{
    char place[256];
    struct err_detail detail = {""};
    snprintf(place, sizeof(place), "%s/%s", folder, path);
    if (file_write(place, bytes_str(text), &detail) != ERR_OK)
        fail_msg("%s", detail.text);
}

static void assert_holds(const char *path, const char *text)
{
    char place[256];
    struct buf content = BUF_INIT;
    snprintf(place, sizeof(place), "%s/%s", folder, path);
    if (!text) {
        assert_int_not_equal(access(place, F_OK), 0);
        return;
    }
    assert_int_equal(file_read(place, 4096, &content, NULL), ERR_OK);
    assert_string_equal(buf_text(&content), text);
    buf_release(&content);
}

/* `words`: pairs of path and text, ended by NULL. */
static struct deploy_files files_of(const char *const *words)
{
    struct deploy_files files = DEPLOY_FILES_INIT;
    for (; *words; words += 2)
        assert_int_equal(deploy_files_add(&files, "", words[0], bytes_str(words[1]),
                                          strstr(words[0], "/secrets/") != NULL, NULL),
                         ERR_OK);
    return files;
}

struct outcome {
    size_t written, replaced, removed, kept, unchanged;
    bool unknown;
};

static int render(struct outcome *ret, const char *const *words, bool overwrite,
                  struct err_detail *detail)
{
    struct deploy_rendered rendered;
    struct deploy_files files = files_of(words);
    int status = deploy_rendered_apply(&rendered, &files, folder, overwrite, detail);
    *ret = (struct outcome){json_array_size(rendered.written),
                            json_array_size(rendered.replaced),
                            json_array_size(rendered.removed),
                            json_array_size(rendered.kept),
                            rendered.unchanged,
                            rendered.unknown};
    deploy_rendered_release(&rendered);
    deploy_files_release(&files);
    return status;
}

static void assert_renders(const char *const *words, bool overwrite, struct outcome wanted)
{
    struct err_detail detail = {""};
    struct outcome is;
    if (render(&is, words, overwrite, &detail) != ERR_OK)
        fail_msg("%s", detail.text);
    assert_int_equal(is.written, wanted.written);
    assert_int_equal(is.replaced, wanted.replaced);
    assert_int_equal(is.removed, wanted.removed);
    assert_int_equal(is.kept, wanted.kept);
    assert_int_equal(is.unchanged, wanted.unchanged);
    assert_int_equal(is.unknown, wanted.unknown);
}

static const char *const two[] = {"genesis.json",
                                  "0",
                                  "a/values/a.yaml",
                                  "1",
                                  "a/secrets/r.yaml",
                                  "s",
                                  "b/values/b.yaml",
                                  "2",
                                  "b/secrets/r.yaml",
                                  "t",
                                  NULL};
static const char *const one[] = {
    "genesis.json", "0", "a/values/a.yaml", "1", "a/secrets/r.yaml", "s", NULL};

static void files_of_who_went_go(void **state)
{
    (void)state;
    struct stat info;
    char place[128];
    assert_renders(two, false, (struct outcome){.written = 5});
    assert_renders(two, false, (struct outcome){.unchanged = 5});
    snprintf(place, sizeof(place), "%s/b/secrets/" DEPLOY_RENDERED_RECORD, folder);
    assert_int_equal(stat(place, &info), 0);
    assert_int_equal(info.st_mode & 0777, 0600);
    assert_renders(one, false, (struct outcome){.removed = 2, .unchanged = 3});
    assert_holds("b", NULL); /* with its folders */
    assert_holds("a/secrets/r.yaml", "s");
    assert_renders(two, false, (struct outcome){.written = 2, .unchanged = 3});
}

/* A secret's hash is not in the record that goes into git. */
static void hashes_of_secrets_are_hidden(void **state)
{
    (void)state;
    char place[128];
    struct buf text = BUF_INIT;
    assert_renders(one, false, (struct outcome){.written = 3});
    snprintf(place, sizeof(place), "%s/" DEPLOY_RENDERED_RECORD, folder);
    assert_int_equal(file_read(place, 4096, &text, NULL), ERR_OK);
    assert_non_null(strstr(buf_text(&text), "\"a/secrets/r.yaml\": null"));
    /* SHA-256 of "1", and not of "s" */
    assert_non_null(strstr(buf_text(&text), "6b86b273ff34fce1"));
    assert_null(strstr(buf_text(&text), "043a718774c572bd"));
    buf_release(&text);
}

static void what_a_person_wrote_stays(void **state)
{
    (void)state;
    struct err_detail detail = {""};
    struct outcome is;
    assert_renders(two, false, (struct outcome){.written = 5});
    put("b/values/mine.yaml", "mine");
    put("b/values/b.yaml", "changed");
    assert_renders(one, false, (struct outcome){.removed = 1, .kept = 1, .unchanged = 3});
    assert_holds("b/values/mine.yaml", "mine");
    assert_holds("b/values/b.yaml", "changed");
    assert_renders(one, false, (struct outcome){.kept = 1, .unchanged = 3}); /* said again */
    assert_renders(one, true, (struct outcome){.removed = 1, .unchanged = 3});
    assert_holds("b/values/b.yaml", NULL);
    assert_holds("b/values/mine.yaml", "mine");

    /* One that is still written: refused as a whole. */
    static const char *const other[] = {
        "genesis.json", "9", "a/values/a.yaml", "8", "a/secrets/r.yaml", "s", NULL};
    put("a/values/a.yaml", "changed");
    assert_int_equal(render(&is, other, false, &detail), ERR_EXISTS);
    assert_non_null(strstr(detail.text, "/out/a/values/a.yaml is not as it was rendered"));
    assert_non_null(strstr(detail.text, "--overwrite"));
    assert_holds("genesis.json", "0");
    assert_holds("a/values/a.yaml", "changed");
    assert_renders(other, true, (struct outcome){.written = 2, .replaced = 1, .unchanged = 1});
    assert_holds("a/values/a.yaml", "8");
    put("a/values/a.yaml", "1"); /* the person's change is what comes: no conflict */
    put("genesis.json", "0");
    assert_renders(one, false, (struct outcome){.unchanged = 3});
}

/* Of before there was a record. */
static void a_folder_without_record(void **state)
{
    (void)state;
    struct err_detail detail = {""};
    struct outcome is;
    assert_int_equal(file_make_folders(folder, 0755, NULL), ERR_OK);
    put("genesis.json", "0");
    put("old.yaml", "x");
    assert_renders(one, false, (struct outcome){.written = 2, .unchanged = 1, .unknown = true});
    assert_holds("old.yaml", "x");
    put(DEPLOY_RENDERED_RECORD, "{\"files\"");
    assert_int_equal(render(&is, one, false, &detail), ERR_CORRUPT);
    assert_non_null(strstr(detail.text, "is damaged"));
}

/* Killed after the record and some files were written; then the network changes once more. */
static void an_interrupted_run_is_completed(void **state)
{
    (void)state;
    static const char *const next[] = {
        "genesis.json", "0", "a/values/a.yaml", "5", "a/secrets/r.yaml", "u", NULL};
    assert_renders(two, false, (struct outcome){.written = 5});
    char place[128];
    snprintf(place, sizeof(place), "%s/genesis.json", folder);
    /* What the run would have left: it could not write genesis.json, a folder being in its place. */
    assert_int_equal(unlink(place), 0);
    static const char *const between[] = {"a/values/a.yaml",
                                          "4",
                                          "c/values/c.yaml",
                                          "3",
                                          "a/secrets/r.yaml",
                                          "v",
                                          "genesis.json/x",
                                          "0",
                                          NULL};
    put("genesis.json", "0");
    struct err_detail detail = {""};
    struct outcome is;
    assert_int_equal(render(&is, between, false, &detail), ERR_EXISTS);
    assert_holds("c/values/c.yaml", "3");
    assert_renders(next, false, (struct outcome){.written = 2, .removed = 3, .unchanged = 1});
    assert_holds("c", NULL);
    assert_holds("b", NULL);
    assert_holds("a/secrets/r.yaml", "u");
}

/* A record from anywhere removes nothing outside, and nothing that it does not know. */
static void bad_records(void **state)
{
    (void)state;
    static const char *const paths[] = {"../x", "/etc/x", "a/../../x", "a//x", "", "./x", "a/.."};
    struct err_detail detail = {""};
    struct outcome is;
    char text[256], outside[64];
    assert_renders(one, false, (struct outcome){.written = 3});
    snprintf(outside, sizeof(outside), "%s/x", top);
    assert_int_equal(file_write(outside, bytes_str("1"), NULL), ERR_OK);
    for (size_t i = 0; i < BASE_COUNT(paths); i++) {
        snprintf(text, sizeof(text),
                 "{\"files\": {\"%s\": "
                 "\"6b86b273ff34fce19d6b804eff5a3f5747ada4eaa22f1d49c01e52ddb7875b4b\"}}",
                 paths[i]);
        put(DEPLOY_RENDERED_RECORD, text);
        assert_int_equal(render(&is, one, false, &detail), ERR_CORRUPT);
        assert_int_equal(access(outside, F_OK), 0);
    }
    put("a/mine", "mine");
    put(DEPLOY_RENDERED_RECORD, "{\"files\": {\"a/mine\": 5, \"a/secrets/gone\": null}}");
    assert_renders(one, false, (struct outcome){.unchanged = 3, .kept = 1});
    assert_holds("a/mine", "mine");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(files_of_who_went_go, make_place, remove_place),
        cmocka_unit_test_setup_teardown(hashes_of_secrets_are_hidden, make_place, remove_place),
        cmocka_unit_test_setup_teardown(what_a_person_wrote_stays, make_place, remove_place),
        cmocka_unit_test_setup_teardown(a_folder_without_record, make_place, remove_place),
        cmocka_unit_test_setup_teardown(an_interrupted_run_is_completed, make_place, remove_place),
        cmocka_unit_test_setup_teardown(bad_records, make_place, remove_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
