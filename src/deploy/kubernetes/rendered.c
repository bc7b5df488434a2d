#include "deploy/kubernetes/rendered.h"

#include "base/file.h"
#include "base/hex.h"
#include "base/mem.h"
#include "crypto/hash.h"
#include "deploy/local/site.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    FILE_MAX_BYTES = 16 << 20,
    FOLDER_MAX = 500, /* bytes of its path: with a file's, DEPLOY_PATH_MAX holds both */
    DIGEST_TEXT = 2 * sizeof(struct hash256) + 1,
};

struct record {
    const char *folder;
    json_t *files;   /* {path: digest}, secrets too */
    json_t *writing; /* of the run that is under way, or was interrupted */
};

enum state { ABSENT, OWN, CHANGED };

static int no_memory(struct err_detail *detail)
{
    return err_set(detail, ERR_NOMEM, "out of memory");
}

static void path_of(char *ret, const char *folder, const char *path)
{
    deploy_path(ret, "%.500s/%s", folder, path);
}

static void digest_of(char ret[DIGEST_TEXT], struct bytes content)
{
    struct hash256 hash;
    crypto_sha256(&hash, content);
    hex_encode(ret, bytes_of(hash.b, sizeof(hash.b)));
    ret[DIGEST_TEXT - 1] = 0;
}

/* --- Paths of a record, which may have come from anywhere --- */

static bool is_good_path(const char *path)
{
    size_t length = strlen(path);
    if (length == 0 || length >= DEPLOY_FILES_PATH_MAX)
        return false;
    for (const char *part = path; part; part = strchr(part, '/') ? strchr(part, '/') + 1 : NULL) {
        size_t size = strcspn(part, "/");
        if (size == 0 || (size <= 2 && strncmp(part, "..", size) == 0))
            return false;
    }
    return true;
}

/* "<org>/secrets/<name>": NULL or the name. */
static const char *secret_name(const char *path)
{
    const char *slash = strchr(path, '/');
    return slash && strncmp(slash, "/secrets/", 9) == 0 ? slash + 9 : NULL;
}

/* The record beside a secret. */
static void beside(char *ret, const char *folder, const char *path)
{
    deploy_path(ret, "%.500s/%.*s%s", folder, (int)(secret_name(path) - path), path,
                DEPLOY_RENDERED_RECORD);
}

/* --- Reading the record --- */

/* NULL with ERR_OK: there is none. */
static int read_json(json_t **ret, const char *path, struct err_detail *detail)
{
    struct buf text = BUF_INIT;
    *ret = NULL;
    if (access(path, F_OK) != 0)
        return ERR_OK;
    int status = file_read(path, FILE_MAX_BYTES, &text, detail);
    if (status == ERR_OK)
        *ret = json_loadb((const char *)text.data, text.len, 0, NULL);
    buf_release(&text);
    if (status == ERR_OK && !json_is_object(*ret))
        status = err_set(detail, ERR_CORRUPT,
                         "%s is damaged; without it, files of peers that went stay", path);
    return status;
}

/* Takes the rows of one of the record's two lists; a secret's digest is beside it. */
static int take_rows(json_t *to, const json_t *rows, const char *field, const char *folder,
                     struct err_detail *detail)
{
    const char *path;
    json_t *digest;
    int status = ERR_OK;
    json_object_foreach((json_t *)rows, path, digest)
    {
        char place[DEPLOY_PATH_MAX];
        json_t *secrets = NULL;
        if (status != ERR_OK)
            break;
        if (!is_good_path(path))
            return err_set(detail, ERR_CORRUPT,
                           "%s/" DEPLOY_RENDERED_RECORD " names \"%.80s\", which is no path "
                           "below it; without that file, files of peers that went stay",
                           folder, path);
        if (secret_name(path)) {
            beside(place, folder, path);
            status = read_json(&secrets, place, detail);
            digest = json_object_get(json_object_get(secrets, field), secret_name(path));
        }
        /* One whose digest got lost has none that fits: it counts as changed. */
        if (status == ERR_OK && json_object_set_new(to, path,
                                                    json_string(digest && json_is_string(digest)
                                                                    ? json_string_value(digest)
                                                                    : "")) != 0)
            status = no_memory(detail);
        json_decref(secrets);
    }
    return status;
}

static int read_record(struct record *ret, bool *ret_there, const char *folder,
                       struct err_detail *detail)
{
    char path[DEPLOY_PATH_MAX];
    json_t *all = NULL;
    *ret = (struct record){folder, json_object(), json_object()};
    path_of(path, folder, DEPLOY_RENDERED_RECORD);
    int status = ret->files && ret->writing ? read_json(&all, path, detail) : no_memory(detail);
    *ret_there = all != NULL;
    if (status == ERR_OK)
        status = take_rows(ret->files, json_object_get(all, "files"), "files", folder, detail);
    if (status == ERR_OK)
        status =
            take_rows(ret->writing, json_object_get(all, "writing"), "writing", folder, detail);
    json_decref(all);
    return status;
}

static void release_record(struct record *record)
{
    json_decref(record->files);
    json_decref(record->writing);
}

/* --- Writing it --- */

static int write_json(const char *path, const json_t *value, bool secret, struct err_detail *detail)
{
    char *text = json_dumps(value, JSON_INDENT(2) | JSON_SORT_KEYS);
    int status = !text    ? no_memory(detail)
                 : secret ? file_write_private(path, bytes_str(text), detail)
                          : file_write(path, bytes_str(text), detail);
    free(text); /* from malloc, by jansson */
    return status;
}

/* Splits a list: what may be seen, and {record beside secrets: {field: {name: digest}}}. */
static int split(json_t *seen, json_t *hidden, const json_t *rows, const char *field,
                 const char *folder)
{
    const char *path;
    json_t *digest;
    json_object_foreach((json_t *)rows, path, digest)
    {
        char place[DEPLOY_PATH_MAX];
        const char *name = secret_name(path);
        if (json_object_set(seen, path, name ? json_null() : digest) != 0)
            return ERR_NOMEM;
        if (!name)
            continue;
        beside(place, folder, path);
        if (!json_object_get(hidden, place) &&
            json_object_set_new(hidden, place, json_pack("{s:{}, s:{}}", "files", "writing")) != 0)
            return ERR_NOMEM;
        if (json_object_set(json_object_get(json_object_get(hidden, place), field), name, digest))
            return ERR_NOMEM;
    }
    return ERR_OK;
}

static int write_hidden(json_t *hidden, struct err_detail *detail)
{
    const char *place;
    json_t *value;
    json_object_foreach(hidden, place, value)
    {
        char path[DEPLOY_PATH_MAX];
        snprintf(path, sizeof(path), "%s", place);
        *strrchr(path, '/') = 0;
        int status = file_make_folders(path, 0700, detail);
        if (status == ERR_OK)
            status = write_json(place, value, true, detail);
        if (status != ERR_OK)
            return status;
    }
    return ERR_OK;
}

/* What is beside secrets is written first: what the record names is known there. */
static int write_record(const struct record *record, struct err_detail *detail)
{
    char path[DEPLOY_PATH_MAX];
    json_t *all = json_pack("{s:{}, s:{}}", "files", "writing"), *hidden = json_object();
    json_t *files = json_object_get(all, "files"), *writing = json_object_get(all, "writing");
    int status = all && hidden ? ERR_OK : ERR_NOMEM;
    if (status == ERR_OK)
        status = split(files, hidden, record->files, "files", record->folder);
    if (status == ERR_OK)
        status = split(writing, hidden, record->writing, "writing", record->folder);
    if (status != ERR_OK)
        status = no_memory(detail);
    if (status == ERR_OK && json_object_size(writing) == 0)
        json_object_del(all, "writing");
    path_of(path, record->folder, DEPLOY_RENDERED_RECORD);
    if (status == ERR_OK)
        status = write_hidden(hidden, detail);
    if (status == ERR_OK)
        status = write_json(path, all, false, detail);
    json_decref(hidden);
    json_decref(all);
    return status;
}

/* --- What is on the disk --- */

static bool is_digest(const json_t *rows, const char *path, const char *digest)
{
    const char *known = json_string_value(json_object_get(rows, path));
    return known && strcmp(known, digest) == 0;
}

/* `*ret_same`: it holds `wanted` already, as hidden as it should be; NULL: nothing is wanted. */
static int look(enum state *ret_state, bool *ret_same, const struct record *record,
                const char *path, const struct deploy_file *wanted, struct err_detail *detail)
{
    char place[DEPLOY_PATH_MAX], digest[DIGEST_TEXT];
    struct stat info;
    struct buf text = BUF_INIT;
    int status = ERR_OK;
    path_of(place, record->folder, path);
    *ret_state = ABSENT;
    *ret_same = false;
    if (lstat(place, &info) != 0)
        return errno == ENOENT || errno == ENOTDIR
                   ? ERR_OK
                   : err_set(detail, ERR_IO, "cannot look at %s: %s", place, strerror(errno));
    if (S_ISDIR(info.st_mode))
        return err_set(detail, ERR_EXISTS,
                       "%s is a folder, and a file is to be written there; move it away", place);
    *ret_state = CHANGED;
    if (S_ISREG(info.st_mode))
        status = file_read(place, FILE_MAX_BYTES, &text, detail);
    if (S_ISREG(info.st_mode) && status == ERR_OK) {
        digest_of(digest, buf_bytes(&text));
        if (is_digest(record->files, path, digest) || is_digest(record->writing, path, digest))
            *ret_state = OWN;
        *ret_same = wanted && bytes_equal(buf_bytes(&text), buf_bytes(&wanted->content)) &&
                    !(wanted->secret && (info.st_mode & 077));
        if (wanted && bytes_equal(buf_bytes(&text), buf_bytes(&wanted->content)))
            *ret_state = OWN; /* whoever wrote it */
    }
    mem_wipe(text.data, text.capacity);
    buf_release(&text);
    return status;
}

static bool has_entries(const char *folder)
{
    DIR *entries = opendir(folder);
    const struct dirent *entry;
    bool any = false;
    while (entries && !any && (entry = readdir(entries)))
        any = strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
    if (entries)
        closedir(entries);
    return any;
}

/* --- The steps --- */

static int add_path(json_t *paths, const char *path, struct err_detail *detail)
{
    return json_array_append_new(paths, json_string(path)) == 0 ? ERR_OK : no_memory(detail);
}

/* Which are to be written, and which of these a person has changed or added. */
static int look_at_files(struct deploy_rendered *ret, struct record *record,
                         const struct deploy_files *files, struct err_detail *detail)
{
    int status = ERR_OK;
    for (size_t i = 0; status == ERR_OK && i < files->count; i++) {
        const struct deploy_file *file = &files->items[i];
        enum state state;
        bool same;
        status = look(&state, &same, record, file->path, file, detail);
        if (status == ERR_OK && same)
            ret->unchanged++;
        else if (status == ERR_OK)
            status = add_path(ret->written, file->path, detail);
        if (status == ERR_OK && state == CHANGED)
            status = add_path(ret->replaced, file->path, detail);
    }
    return status;
}

static int look_at_list(struct deploy_rendered *ret, const struct record *record,
                        const json_t *rows, const json_t *but, const struct deploy_files *files,
                        bool overwrite, struct err_detail *detail)
{
    const char *path;
    json_t *digest;
    json_object_foreach((json_t *)rows, path, digest)
    {
        enum state state;
        bool same;
        if (json_object_get(but, path) || deploy_files_find(files, path))
            continue;
        int status = look(&state, &same, record, path, NULL, detail);
        if (status == ERR_EXISTS) /* a folder has come there: a person's */
            status = add_path(ret->kept, path, detail);
        else if (status == ERR_OK && state != ABSENT)
            status = add_path(state == OWN || overwrite ? ret->removed : ret->kept, path, detail);
        if (status != ERR_OK)
            return status;
    }
    return ERR_OK;
}

static int refuse(const struct deploy_rendered *rendered, const char *folder,
                  struct err_detail *detail)
{
    size_t count = json_array_size(rendered->replaced);
    char more[48] = "";
    if (count > 1)
        snprintf(more, sizeof(more), " and %zu more", count - 1);
    return err_set(detail, ERR_EXISTS,
                   "%s/%s%s is not as it was rendered: somebody has written there, and nothing is "
                   "replaced; take the changes into the network file and remove the file, or "
                   "replace what was changed with --overwrite",
                   folder, json_string_value(json_array_get(rendered->replaced, 0)), more);
}

static int set_writing(struct record *record, const struct deploy_files *files,
                       struct err_detail *detail)
{
    for (size_t i = 0; i < files->count; i++) {
        char digest[DIGEST_TEXT];
        digest_of(digest, buf_bytes(&files->items[i].content));
        if (json_object_set_new(record->writing, files->items[i].path, json_string(digest)) != 0)
            return no_memory(detail);
    }
    return ERR_OK;
}

/* With the folders that have become empty, up to that of the rendering. */
static int remove_path(const struct record *record, const char *path, struct err_detail *detail)
{
    char place[DEPLOY_PATH_MAX];
    path_of(place, record->folder, path);
    if (unlink(place) != 0 && errno != ENOENT)
        return err_set(detail, ERR_IO, "cannot remove %s: %s", place, strerror(errno));
    for (char *slash = strrchr(place, '/'); slash && slash > place + strlen(record->folder);
         slash = strrchr(place, '/')) {
        *slash = 0;
        if (rmdir(place) != 0)
            break;
    }
    return ERR_OK;
}

/* The record beside a secret that was, when it has become the only file there. */
static void remove_beside(const struct record *record, const char *path)
{
    char place[DEPLOY_PATH_MAX];
    const char *other;
    json_t *digest;
    size_t length = secret_name(path) ? (size_t)(secret_name(path) - path) : 0;
    if (length == 0)
        return;
    json_object_foreach(record->files, other, digest)
    {
        if (strncmp(other, path, length) == 0)
            return;
    }
    beside(place, record->folder, path);
    (void)unlink(place);
    for (int i = 0; i < 2; i++) { /* <org>/secrets, <org> */
        *strrchr(place, '/') = 0;
        (void)rmdir(place);
    }
}

static int remove_all(const struct deploy_rendered *rendered, const struct record *record,
                      struct err_detail *detail)
{
    size_t i;
    json_t *path;
    int status = ERR_OK;
    json_array_foreach(rendered->removed, i, path)
    {
        if (status == ERR_OK)
            status = remove_path(record, json_string_value(path), detail);
    }
    return status;
}

static int write_all(const struct deploy_rendered *rendered, const struct record *record,
                     const struct deploy_files *files, struct err_detail *detail)
{
    size_t i;
    json_t *path;
    int status = ERR_OK;
    json_array_foreach(rendered->written, i, path)
    {
        if (status == ERR_OK)
            status = deploy_files_write_one(deploy_files_find(files, json_string_value(path)),
                                            record->folder, detail);
    }
    return status;
}

/* What the folder's own files are from now on: those of this rendering, and those that a person has changed. */
static int settle(const struct deploy_rendered *rendered, const struct record *record,
                  const struct deploy_files *files, struct err_detail *detail)
{
    size_t i;
    const char *old;
    json_t *path, *digest;
    struct record now = {record->folder, json_object(), json_object()};
    int failed = !now.files || !now.writing;
    for (size_t j = 0; !failed && j < files->count; j++)
        failed = json_object_set(now.files, files->items[j].path,
                                 json_object_get(record->writing, files->items[j].path));
    json_array_foreach(rendered->kept, i, path)
    {
        digest = json_object_get(record->files, json_string_value(path));
        if (!digest)
            digest = json_object_get(record->writing, json_string_value(path));
        failed = failed || json_object_set(now.files, json_string_value(path), digest);
    }
    int status = failed ? no_memory(detail) : write_record(&now, detail);
    if (status == ERR_OK) {
        json_object_foreach(record->files, old, digest) remove_beside(&now, old);
        json_object_foreach(record->writing, old, digest) remove_beside(&now, old);
    }
    release_record(&now);
    return status;
}

static int apply(const struct deploy_rendered *rendered, struct record *record,
                 const struct deploy_files *files, struct err_detail *detail)
{
    int status = set_writing(record, files, detail);
    if (status == ERR_OK)
        status = file_make_folders(record->folder, 0755, detail);
    if (status == ERR_OK)
        status = write_record(record, detail);
    if (status == ERR_OK)
        status = write_all(rendered, record, files, detail);
    if (status == ERR_OK)
        status = remove_all(rendered, record, detail);
    return status == ERR_OK ? settle(rendered, record, files, detail) : status;
}

int deploy_rendered_apply(struct deploy_rendered *ret, const struct deploy_files *files,
                          const char *folder, bool overwrite, struct err_detail *detail)
{
    struct record record = {0};
    bool there = false;
    *ret = (struct deploy_rendered){.written = json_array(),
                                    .replaced = json_array(),
                                    .removed = json_array(),
                                    .kept = json_array()};
    int status = strlen(folder) > FOLDER_MAX
                     ? err_set(detail, ERR_LIMIT, "the path %.80s… is too long", folder)
                 : ret->written && ret->replaced && ret->removed && ret->kept
                     ? read_record(&record, &there, folder, detail)
                     : no_memory(detail);
    ret->unknown = status == ERR_OK && !there && has_entries(folder);
    if (status == ERR_OK)
        status = look_at_files(ret, &record, files, detail);
    if (status == ERR_OK && json_array_size(ret->replaced) && !overwrite)
        status = refuse(ret, folder, detail);
    if (status == ERR_OK)
        status = look_at_list(ret, &record, record.files, NULL, files, overwrite, detail);
    if (status == ERR_OK)
        status = look_at_list(ret, &record, record.writing, record.files, files, overwrite, detail);
    if (status == ERR_OK)
        status = apply(ret, &record, files, detail);
    release_record(&record);
    return status;
}

void deploy_rendered_release(struct deploy_rendered *rendered)
{
    json_decref(rendered->written);
    json_decref(rendered->replaced);
    json_decref(rendered->removed);
    json_decref(rendered->kept);
}
