#include "node/datadir.h"

#include "base/file.h"
#include "base/hex.h"
#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

enum { KEY_DIGITS = 64, KEY_FILE_MAX = 4096 };

const char *node_system_text(int errnum)
{
    static _Thread_local char text[128];
    snprintf(text, sizeof(text), "%s", strerror(errnum));
    if (text[0] >= 'A' && text[0] <= 'Z' && text[1] >= 'a' && text[1] <= 'z')
        text[0] = (char)(text[0] - 'A' + 'a');
    return text;
}

static int make_folder(const char *path, struct err_detail *detail)
{
    struct stat st;
    if (mkdir(path, 0700) == 0)
        return ERR_OK;
    if (errno == EEXIST && stat(path, &st) == 0 && S_ISDIR(st.st_mode))
        return ERR_OK;
    if (errno == EEXIST)
        return err_set(detail, ERR_IO, "mkdir %s: not a directory", path);
    return err_set(detail, err_from_errno(errno), "mkdir %s: %s", path, node_system_text(errno));
}

/* Every folder on the way. */
static int make_folders(const char *path, struct err_detail *detail)
{
    char part[NODE_PATH_MAX];
    size_t len = strlen(path);
    memcpy(part, path, len + 1);
    for (size_t i = 1; i < len; i++) {
        if (part[i] != '/')
            continue;
        part[i] = 0;
        int status = make_folder(part, detail);
        if (status != ERR_OK)
            return status;
        part[i] = '/';
    }
    return make_folder(part, detail);
}

static int lock(struct node_datadir *dir, struct err_detail *detail)
{
    char path[NODE_PATH_MAX];
    int status = node_datadir_path(dir, path, "LOCK", detail);
    if (status != ERR_OK)
        return status;
    dir->lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    if (dir->lock < 0)
        return err_set(detail, err_from_errno(errno), "open %s: %s", path, node_system_text(errno));
    if (flock(dir->lock, LOCK_EX | LOCK_NB) == 0)
        return ERR_OK;
    close(dir->lock);
    dir->lock = -1;
    if (errno == EWOULDBLOCK)
        return err_set(detail, ERR_BUSY,
                       "datadir already used by another process: %s (stop that one, or choose "
                       "another with --datadir)",
                       dir->root);
    return err_set(detail, ERR_IO, "lock %s: %s", path, node_system_text(errno));
}

int node_datadir_open(struct node_datadir *ret_dir, const char *root, struct err_detail *detail)
{
    char path[NODE_PATH_MAX];
    struct node_datadir dir = {.lock = -1};
    size_t len = strlen(root);
    while (len > 1 && root[len - 1] == '/')
        len--;
    if (len == 0)
        return err_set(detail, ERR_USAGE,
                       "the data directory has no name: give --datadir a folder");
    if (len + 64 > sizeof(dir.root)) /* room for the longest name in it */
        return err_set(detail, ERR_LIMIT, "the name of the data directory is too long (%zu bytes)",
                       len);
    memcpy(dir.root, root, len);
    int status = make_folders(dir.root, detail);
    if (status == ERR_OK)
        status = node_datadir_root_path(&dir, path, "geth", detail);
    if (status == ERR_OK)
        status = make_folder(path, detail);
    if (status == ERR_OK)
        status = lock(&dir, detail);
    if (status == ERR_OK)
        *ret_dir = dir;
    return status;
}

void node_datadir_close(struct node_datadir *dir)
{
    if (dir->lock >= 0)
        close(dir->lock);
    dir->lock = -1;
}

static int join(char ret_path[NODE_PATH_MAX], const char *root, const char *middle,
                const char *name, struct err_detail *detail)
{
    int len = snprintf(ret_path, NODE_PATH_MAX, "%s/%s%s", root, middle, name);
    return len < NODE_PATH_MAX
               ? ERR_OK
               : err_set(detail, ERR_LIMIT, "the path %s/%s%s is too long", root, middle, name);
}

int node_datadir_root_path(const struct node_datadir *dir, char ret_path[NODE_PATH_MAX],
                           const char *name, struct err_detail *detail)
{
    return join(ret_path, dir->root, "", name, detail);
}

int node_datadir_path(const struct node_datadir *dir, char ret_path[NODE_PATH_MAX],
                      const char *name, struct err_detail *detail)
{
    static const char *const old_places[] = {"nodekey", "static-nodes.json", "trusted-nodes.json"};
    for (size_t i = 0; i < BASE_COUNT(old_places); i++) {
        if (strcmp(name, old_places[i]) != 0)
            continue;
        int status = join(ret_path, dir->root, "", name, detail);
        if (status != ERR_OK || file_is_there(ret_path))
            return status;
    }
    return join(ret_path, dir->root, "geth/", name, detail);
}

int node_datadir_ipc_path(const struct node_datadir *dir, char ret_path[NODE_PATH_MAX],
                          const char *ipcpath, struct err_detail *detail)
{
    const char *name = *ipcpath ? ipcpath : "geth.ipc";
    int status = strchr(name, '/') ? join(ret_path, "", "", name, detail)
                                   : node_datadir_root_path(dir, ret_path, name, detail);
    if (status == ERR_OK && strchr(name, '/'))
        memmove(ret_path, ret_path + 1, strlen(ret_path));
    if (status == ERR_OK && strlen(ret_path) >= NODE_SOCKET_PATH_MAX)
        return err_set(
            detail, ERR_LIMIT,
            "the path of the unix socket, %s, is longer than the %d bytes that the system "
            "allows: give a shorter one with --ipcpath",
            ret_path, NODE_SOCKET_PATH_MAX - 1);
    return status;
}

/* --- Node key --- */

static int key_decode(struct crypto_private_key *ret_key, const char *digits, size_t len,
                      const char *origin, struct err_detail *detail)
{
    char text[KEY_DIGITS + 1];
    struct crypto_private_key key;
    int status = ERR_OK;
    if (len != KEY_DIGITS)
        return err_set(detail, ERR_INPUT,
                       "%s: a node key is %d hexadecimal digits, this has %zu characters", origin,
                       KEY_DIGITS, len);
    memcpy(text, digits, len);
    text[len] = 0;
    if (!hex_decode_exact(text, key.b, sizeof(key.b)) || text[1] == 'x')
        status = err_set(detail, ERR_INPUT, "%s: a node key is %d hexadecimal digits", origin,
                         KEY_DIGITS);
    else if (!crypto_private_key_valid(&key))
        status =
            err_set(detail, ERR_INPUT, "%s: the number is no private key of secp256k1", origin);
    else
        *ret_key = key;
    mem_wipe(text, sizeof(text));
    mem_wipe(&key, sizeof(key));
    return status;
}

int node_key_read(struct crypto_private_key *ret_key, const char *path, struct err_detail *detail)
{
    struct buf text = BUF_INIT;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return err_set(detail, err_from_errno(errno), "open %s: %s", path, node_system_text(errno));
    close(fd);
    int status = file_read(path, KEY_FILE_MAX, &text, detail);
    size_t len = text.len;
    while (len > 0 && (text.data[len - 1] == '\n' || text.data[len - 1] == '\r'))
        len--;
    if (status == ERR_OK)
        status = key_decode(ret_key, (const char *)text.data, len, path, detail);
    if (text.data)
        mem_wipe(text.data, text.len);
    buf_release(&text);
    return status;
}

static int write_new(const char *path, const char *text, size_t len, struct err_detail *detail)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        return err_set(detail, err_from_errno(errno), "open %s: %s", path, node_system_text(errno));
    ssize_t written = write(fd, text, len);
    int error = written < 0 ? errno : ENOSPC;
    bool good = written == (ssize_t)len && fsync(fd) == 0;
    close(fd);
    if (good)
        return ERR_OK;
    unlink(path);
    return err_set(detail, err_from_errno(error), "write %s: %s", path, node_system_text(error));
}

int node_key_create(struct crypto_private_key *ret_key, const char *path, struct err_detail *detail)
{
    struct crypto_private_key key;
    char text[KEY_DIGITS];
    do {
        if (getrandom(key.b, sizeof(key.b), 0) != (ssize_t)sizeof(key.b))
            return err_set(detail, ERR_IO, "the system gives no random numbers: %s",
                           node_system_text(errno));
    } while (!crypto_private_key_valid(&key));
    hex_encode(text, bytes_of(key.b, sizeof(key.b)));
    int status = write_new(path, text, sizeof(text), detail);
    if (status == ERR_OK)
        *ret_key = key;
    mem_wipe(text, sizeof(text));
    mem_wipe(&key, sizeof(key));
    return status;
}

int node_key_load(struct crypto_private_key *ret_key, const struct node_datadir *dir,
                  const struct node_config *config, struct err_detail *detail)
{
    char path[NODE_PATH_MAX];
    if (*config->nodekeyhex)
        return key_decode(ret_key, config->nodekeyhex, strlen(config->nodekeyhex),
                          "Option \"nodekeyhex\"", detail);
    if (*config->nodekey) {
        int status = node_key_read(ret_key, config->nodekey, detail);
        return status == ERR_OK ? status : err_prefix(detail, status, "Option \"nodekey\"");
    }
    int status = node_datadir_path(dir, path, "nodekey", detail);
    if (status != ERR_OK)
        return status;
    /* A key that cannot be read is never replaced: it is the validator's name. */
    return file_is_there(path) ? node_key_read(ret_key, path, detail)
                               : node_key_create(ret_key, path, detail);
}
