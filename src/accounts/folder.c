#include "accounts/internal.h"
#include "base/file.h"
#include "base/mem.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

void accounts_path(const struct accounts *accounts, char ret_path[ACCOUNTS_PATH_MAX],
                   const char *name)
{
    /* accounts_new leaves room for a name in the folder's text. */
    snprintf(ret_path, ACCOUNTS_PATH_MAX, "%.*s/%.255s", ACCOUNTS_PATH_MAX - 300, accounts->folder,
             name);
}

void accounts_forget_files(struct accounts *accounts)
{
    for (size_t i = 0; i < accounts->count; i++)
        mem_free(accounts->files[i].name);
    mem_free(accounts->files);
    accounts->files = NULL;
    accounts->count = 0;
}

static int by_name(const void *a, const void *b)
{
    const struct accounts_file *x = a, *y = b;
    return strcmp(x->name, y->name);
}

static bool same_time(const struct timespec *a, const struct timespec *b)
{
    return a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec;
}

/* Whose key a file holds; what is no key file, or says no address, is passed over as geth does. */
static int look_into(const struct accounts *accounts, struct accounts_file *file)
{
    char path[ACCOUNTS_PATH_MAX];
    struct crypto_keystore keystore;
    struct buf text = BUF_INIT;
    accounts_path(accounts, path, file->name);
    int status = file_read_regular(path, CRYPTO_KEYSTORE_MAX_TEXT, &text, NULL);
    if (status == ERR_OK)
        status = crypto_keystore_parse(&keystore, buf_bytes(&text), NULL);
    buf_release(&text);
    file->has_address = status == ERR_OK && keystore.has_address;
    if (file->has_address)
        file->address = keystore.address;
    return status == ERR_NOMEM ? status : ERR_OK;
}

static const struct accounts_file *known(const struct accounts *accounts, const char *name)
{
    struct accounts_file wanted = {.name = (char *)(uintptr_t)name};
    return accounts->count ? bsearch(&wanted, accounts->files, accounts->count,
                                     sizeof(accounts->files[0]), by_name)
                           : NULL;
}

/* Hidden ones, editors' copies, folders (accounts/keystore/account_cache.go, nonKeyFile). */
static bool is_candidate(const struct accounts *accounts, const char *name, struct stat *ret_stat)
{
    char path[ACCOUNTS_PATH_MAX];
    size_t len = strlen(name);
    accounts_path(accounts, path, name);
    return name[0] != '.' && name[len - 1] != '~' && stat(path, ret_stat) == 0 &&
           S_ISREG(ret_stat->st_mode);
}

static int add_file(const struct accounts *accounts, struct accounts *fresh, const char *name)
{
    struct stat st;
    if (!is_candidate(accounts, name, &st) || fresh->count == ACCOUNTS_FILES_MAX)
        return ERR_OK;
    if ((fresh->count & (fresh->count + 1)) == 0) { /* room for 1, 3, 7, … */
        void *files = mem_realloc(fresh->files, (2 * fresh->count + 1) * sizeof(fresh->files[0]));
        if (!files)
            return ERR_NOMEM;
        fresh->files = files;
    }
    struct accounts_file file = {.changed = st.st_mtim};
    const struct accounts_file *before = known(accounts, name);
    size_t size = strlen(name) + 1;
    file.name = mem_alloc(size);
    if (!file.name)
        return ERR_NOMEM;
    memcpy(file.name, name, size);
    int status = ERR_OK;
    if (before && same_time(&before->changed, &file.changed)) {
        file.has_address = before->has_address;
        file.address = before->address;
    } else {
        status = look_into(accounts, &file);
    }
    fresh->files[fresh->count++] = file;
    return status;
}

int accounts_scan(struct accounts *accounts)
{
    struct stat st;
    if (stat(accounts->folder, &st) != 0) {
        accounts_forget_files(accounts);
        accounts->scanned = (struct timespec){0, 0};
        return errno == ENOENT ? ERR_OK : ERR_IO;
    }
    if (same_time(&accounts->scanned, &st.st_mtim))
        return ERR_OK;
    DIR *dir = opendir(accounts->folder);
    if (!dir)
        return errno == ENOMEM ? ERR_NOMEM : ERR_IO;
    struct accounts fresh = {.count = 0};
    const struct dirent *entry;
    int status = ERR_OK;
    while (status == ERR_OK && (entry = readdir(dir)))
        status = add_file(accounts, &fresh, entry->d_name);
    closedir(dir);
    if (status != ERR_OK) {
        accounts_forget_files(&fresh);
        return status;
    }
    if (fresh.count)
        qsort(fresh.files, fresh.count, sizeof(fresh.files[0]), by_name);
    accounts_forget_files(accounts);
    accounts->files = fresh.files;
    accounts->count = fresh.count;
    /* A change within the clock's grain of this reading would look like none: such a folder is read once more. */
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    bool settled = now.tv_sec > st.st_mtim.tv_sec + 1;
    accounts->scanned = settled ? st.st_mtim : (struct timespec){0, 0};
    return ERR_OK;
}
