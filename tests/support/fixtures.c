#include "fixtures.h"

#include "base/hex.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <cmocka.h>

enum { PATH_LENGTH = 4096 };

static bool is_folder(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

const char *fixtures_folder(void)
{
    const char *named = getenv("QUORATE_FIXTURES");
    const char *folder = named && *named ? named : SOURCE_ROOT "/../shared/fixtures";
    return is_folder(folder) ? folder : NULL;
}

static void join(char ret[PATH_LENGTH], const char *a, const char *b)
{
    if (snprintf(ret, PATH_LENGTH, "%s/%s", a, b) >= PATH_LENGTH)
        fail_msg("path too long: %s/%s", a, b);
}

void fixtures_require(const char *subfolder, const char *public_source)
{
    char path[PATH_LENGTH];
    const char *folder = fixtures_folder();
    if (folder) {
        join(path, folder, subfolder);
        struct stat st;
        if (stat(path, &st) == 0)
            return;
    }
    print_message("skipped: no %s under %s; it is part of %s (set QUORATE_FIXTURES)\n", subfolder,
                  folder ? folder : SOURCE_ROOT "/../shared/fixtures", public_source);
    skip();
}

static size_t each(const char *path, void (*fn)(const char *, void *), void *context)
{
    if (!is_folder(path)) {
        size_t len = strlen(path);
        if (len < 5 || strcmp(path + len - 5, ".json") != 0)
            return 0;
        fn(path, context);
        return 1;
    }
    struct dirent **entries;
    int n = scandir(path, &entries, NULL, alphasort);
    if (n < 0)
        fail_msg("cannot read %s", path);
    size_t count = 0;
    for (int i = 0; i < n; i++) {
        if (entries[i]->d_name[0] != '.') {
            char below[PATH_LENGTH];
            join(below, path, entries[i]->d_name);
            count += each(below, fn, context);
        }
        free(entries[i]);
    }
    free(entries);
    return count;
}

size_t fixtures_each(const char *subfolder, void (*fn)(const char *, void *), void *context)
{
    char path[PATH_LENGTH];
    join(path, fixtures_folder(), subfolder);
    return each(path, fn, context);
}

size_t fixtures_each_own(const char *subfolder, void (*fn)(const char *, void *), void *context)
{
    char path[PATH_LENGTH];
    join(path, SOURCE_ROOT, subfolder);
    return each(path, fn, context);
}

void fixtures_own_path(char *ret_path, size_t size, const char *name)
{
    int len = snprintf(ret_path, size, "%s/%s", SOURCE_ROOT, name);
    assert_true(len > 0 && (size_t)len < size);
}

json_t *fixtures_json(const char *path)
{
    json_error_t error;
    json_t *json = json_load_file(path, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &error);
    if (!json)
        fail_msg("%s:%d: %s", path, error.line, error.text);
    return json;
}

bool fixtures_hex(const json_t *object, const char *key, struct buf *b)
{
    const char *text = json_string_value(json_object_get(object, key));
    buf_clear(b);
    if (!text)
        return false;
    if (hex_decode(text, b) != ERR_OK)
        fail_msg("%s is not hexadecimal: %s", key, text);
    return true;
}
