#include "deploy/secrets/file.h"

#include "base/file.h"
#include "base/hex.h"
#include "base/mem.h"
#include "crypto/argon2.h"
#include "crypto/nacl.h"
#include "crypto/random.h"
#include "crypto/secret.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    SALT = 16,
    HEADER_MAX = 512, /* characters of line 1 */
    FORMAT = 1,
    KEY_DIGITS = 2 * CRYPTO_NACL_KEY,
};

/* Half a second on a small machine; the file of a whole network is worth it. */
static const struct crypto_argon2 derivation = {
    .variant = CRYPTO_ARGON2_ID,
    .memory = 256 * 1024,
    .iterations = 3,
    .parallelism = 2,
    .version = 0x13,
};

struct file_store {
    const char *path;
    struct crypto_secret *key;
    char header[HEADER_MAX]; /* line 1, without its end */
    json_t *secrets;         /* path → array of versions */
    int lock;
};

/* --- The key --- */

static int read_key_file(struct file_store *store, const char *path, struct err_detail *detail)
{
    struct stat info;
    struct buf text = BUF_INIT;
    if (stat(path, &info) == 0 && (info.st_mode & 077))
        return err_set(detail, ERR_USAGE, "%s can be read by others; chmod 600 %s", path, path);
    if (access(path, F_OK) != 0)
        return err_set(detail, ERR_NOTFOUND,
                       "%s is not there, and nothing else opens the store of secrets beside it; "
                       "put the key file back",
                       path);
    int status = file_read(path, 4096, &text, detail);
    if (status == ERR_OK) {
        size_t length = strcspn(buf_text(&text), "\r\n");
        text.data[length] = 0;
        if (length != KEY_DIGITS ||
            !hex_decode_exact((const char *)text.data, store->key->data, CRYPTO_NACL_KEY))
            status = err_set(detail, ERR_INPUT, "%s: a key has 64 hexadecimal digits", path);
    }
    mem_wipe(text.data, text.len);
    buf_release(&text);
    return status;
}

static int make_key_file(struct file_store *store, const char *path, struct err_detail *detail)
{
    char text[KEY_DIGITS + 1];
    int status = crypto_random(store->key->data, CRYPTO_NACL_KEY);
    if (status != ERR_OK)
        return err_set(detail, status, "the machine gives no randomness");
    hex_encode(text, crypto_secret_bytes(store->key));
    text[KEY_DIGITS] = '\n';
    status = file_write_private(path, bytes_of(text, sizeof(text)), detail);
    mem_wipe(text, sizeof(text));
    return status;
}

static int derive_key(struct file_store *store, const json_t *header, struct bytes passphrase,
                      struct err_detail *detail)
{
    struct crypto_argon2 options = derivation;
    uint8_t salt[SALT];
    const char *salt_text = json_string_value(json_object_get(header, "salt"));
    options.memory = (uint32_t)json_integer_value(json_object_get(header, "memory"));
    options.iterations = (uint32_t)json_integer_value(json_object_get(header, "iterations"));
    options.parallelism = (uint32_t)json_integer_value(json_object_get(header, "parallelism"));
    if (!salt_text || !hex_decode_exact(salt_text, salt, sizeof(salt)))
        return err_set(detail, ERR_CORRUPT, "%s: its first line has no salt", store->path);
    int status = crypto_argon2_check(&options, detail);
    if (status != ERR_OK)
        return err_prefix(detail, ERR_CORRUPT, "%s", store->path);
    status = crypto_argon2_derive(store->key->data, CRYPTO_NACL_KEY, &options, passphrase,
                                  bytes_of(salt, sizeof(salt)));
    return status == ERR_OK ? ERR_OK : err_set(detail, status, "%s: no key from it", store->path);
}

/* --- The file --- */

static int new_header(struct file_store *store, bool passphrase, struct err_detail *detail)
{
    uint8_t salt[SALT];
    char salt_text[2 * SALT + 1] = {0};
    if (!passphrase) {
        snprintf(store->header, sizeof(store->header), "{\"quorate-secrets\":%d,\"kdf\":\"key\"}",
                 FORMAT);
        return ERR_OK;
    }
    int status = crypto_random(salt, sizeof(salt));
    if (status != ERR_OK)
        return err_set(detail, status, "the machine gives no randomness");
    hex_encode(salt_text, bytes_of(salt, sizeof(salt)));
    snprintf(store->header, sizeof(store->header),
             "{\"quorate-secrets\":%d,\"kdf\":\"argon2id\",\"memory\":%u,\"iterations\":%u,"
             "\"parallelism\":%u,\"salt\":\"%s\"}",
             FORMAT, derivation.memory, derivation.iterations, derivation.parallelism, salt_text);
    return ERR_OK;
}

static int save(struct file_store *store, struct err_detail *detail)
{
    struct buf file = BUF_INIT;
    uint8_t nonce[CRYPTO_NACL_NONCE];
    json_t *root = json_pack("{s:s, s:O}", "header", store->header, "secrets", store->secrets);
    char *text = root ? json_dumps(root, JSON_COMPACT) : NULL;
    size_t length = text ? strlen(text) : 0;
    int status = text ? crypto_random(nonce, sizeof(nonce)) : ERR_NOMEM;
    buf_append_format(&file, "%s\n", store->header);
    buf_append(&file, nonce, sizeof(nonce));
    uint8_t *box = buf_extend(&file, length + CRYPTO_NACL_MAC);
    if (status == ERR_OK && !box)
        status = ERR_NOMEM;
    if (status == ERR_OK) {
        crypto_nacl_seal(box, bytes_of(text, length), nonce, store->key->data);
        status = file_write_private(store->path, buf_bytes(&file), detail);
    } else {
        err_set(detail, status, "%s: %s", store->path, err_text(status));
    }
    if (text)
        mem_wipe(text, length);
    free(text); /* from malloc, by jansson */
    json_decref(root);
    buf_release(&file);
    return status;
}

static int damaged(const struct file_store *store, struct err_detail *detail)
{
    return err_set(detail, ERR_CORRUPT, "%s is damaged; restore it from a backup", store->path);
}

/* Takes the plain text apart; the header inside must be the one in clear, which nothing else protects. */
static int take_content(struct file_store *store, struct bytes text, struct err_detail *detail)
{
    json_t *root = json_loadb((const char *)text.data, text.len, JSON_REJECT_DUPLICATES, NULL);
    const char *header = json_string_value(json_object_get(root, "header"));
    json_t *secrets = json_object_get(root, "secrets");
    bool good = header && strcmp(header, store->header) == 0 && json_is_object(secrets);
    if (good)
        store->secrets = json_incref(secrets);
    json_decref(root);
    return good ? ERR_OK : damaged(store, detail);
}

static int open_box(struct file_store *store, struct bytes file, struct err_detail *detail)
{
    if (file.len < CRYPTO_NACL_NONCE + CRYPTO_NACL_MAC)
        return damaged(store, detail);
    struct bytes box = bytes_slice(file, CRYPTO_NACL_NONCE, file.len - CRYPTO_NACL_NONCE);
    size_t length = box.len - CRYPTO_NACL_MAC;
    uint8_t *plain = mem_alloc(length + 1);
    if (!plain)
        return err_set(detail, ERR_NOMEM, "%s: out of memory", store->path);
    int status;
    if (!crypto_nacl_open(plain, box, file.data, store->key->data))
        status = err_set(detail, ERR_USAGE,
                         "%s does not open: a wrong passphrase or key file, "
                         "or a damaged file",
                         store->path);
    else
        status = take_content(store, bytes_of(plain, length), detail);
    mem_wipe(plain, length);
    mem_free(plain);
    return status;
}

/* Line 1 into store->header; what lies behind it is returned. */
static int split_header(struct file_store *store, struct bytes *ret_rest, struct bytes file,
                        struct err_detail *detail)
{
    const uint8_t *end = memchr(file.data, '\n', file.len < HEADER_MAX ? file.len : HEADER_MAX);
    if (!end)
        return err_set(detail, ERR_CORRUPT, "%s is no store of secrets", store->path);
    size_t length = (size_t)(end - file.data);
    memcpy(store->header, file.data, length);
    store->header[length] = 0;
    *ret_rest = bytes_slice(file, length + 1, file.len - length - 1);
    return ERR_OK;
}

static int key_for(struct file_store *store, const struct deploy_secrets_key *key,
                   struct err_detail *detail)
{
    json_t *header = json_loads(store->header, JSON_REJECT_DUPLICATES, NULL);
    const char *kdf = json_string_value(json_object_get(header, "kdf"));
    int status;
    if (json_integer_value(json_object_get(header, "quorate-secrets")) != FORMAT || !kdf)
        status = err_set(detail, ERR_CORRUPT, "%s is no store of secrets of format %d", store->path,
                         FORMAT);
    else if (strcmp(kdf, "key") == 0 && key->key_file)
        status = read_key_file(store, key->key_file, detail);
    else if (strcmp(kdf, "argon2id") == 0 && !key->key_file)
        status = derive_key(store, header, key->passphrase, detail);
    else
        status = err_set(detail, ERR_USAGE, "%s opens with a %s, not with a %s", store->path,
                         key->key_file ? "passphrase" : "key file",
                         key->key_file ? "key file" : "passphrase");
    json_decref(header);
    return status;
}

static int load(struct file_store *store, const struct deploy_secrets_key *key,
                struct err_detail *detail)
{
    struct buf file = BUF_INIT;
    struct bytes rest = bytes_none();
    int status = file_read(store->path, DEPLOY_SECRETS_FILE_MAX, &file, detail);
    if (status == ERR_OK)
        status = split_header(store, &rest, buf_bytes(&file), detail);
    if (status == ERR_OK)
        status = key_for(store, key, detail);
    if (status == ERR_OK)
        status = open_box(store, rest, detail);
    buf_release(&file);
    return status;
}

static int create(struct file_store *store, const struct deploy_secrets_key *key,
                  struct err_detail *detail)
{
    int status = new_header(store, !key->key_file, detail);
    if (status == ERR_OK && key->key_file && access(key->key_file, F_OK) != 0)
        status = make_key_file(store, key->key_file, detail);
    else if (status == ERR_OK)
        status = key_for(store, key, detail);
    store->secrets = json_object();
    return status == ERR_OK ? save(store, detail) : status;
}

/* --- The operations --- */

static int file_read_secret(void *context, json_t **ret_fields, const char *path,
                            struct err_detail *detail)
{
    struct file_store *store = context;
    json_t *versions = json_object_get(store->secrets, path);
    size_t count = json_array_size(versions);
    if (!count)
        return err_set(detail, ERR_NOTFOUND, "%s has no secret %s", store->path, path);
    json_t *copy = json_deep_copy(json_array_get(versions, count - 1));
    if (!copy)
        return err_set(detail, ERR_NOMEM, "%s: out of memory", store->path);
    *ret_fields = copy;
    return ERR_OK;
}

static int file_write_secret(void *context, const char *path, json_t *fields,
                             struct err_detail *detail)
{
    struct file_store *store = context;
    json_t *versions = json_object_get(store->secrets, path);
    if (!versions) {
        versions = json_array();
        if (json_object_set_new(store->secrets, path, versions) != 0)
            return err_set(detail, ERR_NOMEM, "%s: out of memory", store->path);
    }
    if (json_array_append_new(versions, json_deep_copy(fields)) != 0)
        return err_set(detail, ERR_NOMEM, "%s: out of memory", store->path);
    int status = save(store, detail);
    if (status != ERR_OK) /* memory and file stay the same */
        json_array_remove(versions, json_array_size(versions) - 1);
    return status;
}

static int file_versions(void *context, uint64_t *ret_count, const char *path,
                         struct err_detail *detail)
{
    const struct file_store *store = context;
    size_t count = json_array_size(json_object_get(store->secrets, path));
    if (!count)
        return err_set(detail, ERR_NOTFOUND, "%s has no secret %s", store->path, path);
    *ret_count = count;
    return ERR_OK;
}

static int compare_texts(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static int file_list_secrets(void *context, json_t **ret_paths, struct err_detail *detail)
{
    struct file_store *store = context;
    size_t count = 0, total = json_object_size(store->secrets);
    const char **names = mem_alloc_zeroed(total + 1, sizeof(*names));
    json_t *paths = json_array(), *versions;
    const char *name;
    if (!names || !paths) {
        mem_free(names);
        json_decref(paths);
        return err_set(detail, ERR_NOMEM, "%s: out of memory", store->path);
    }
    json_object_foreach(store->secrets, name, versions)
    {
        if (json_array_size(versions))
            names[count++] = name;
    }
    qsort(names, count, sizeof(*names), compare_texts);
    for (size_t i = 0; i < count; i++)
        json_array_append_new(paths, json_string(names[i]));
    mem_free(names);
    *ret_paths = paths;
    return ERR_OK;
}

static void wipe_all(json_t *secrets)
{
    const char *name;
    json_t *versions, *fields;
    size_t i;
    json_object_foreach(secrets, name, versions)
    {
        json_array_foreach(versions, i, fields)
        {
            deploy_secrets_drop(json_incref(fields));
        }
    }
    json_decref(secrets);
}

static void file_close(void *context)
{
    struct file_store *store = context;
    if (store->secrets)
        wipe_all(store->secrets);
    crypto_secret_free(store->key);
    if (store->lock >= 0)
        close(store->lock);
    mem_free(store);
}

static const struct deploy_secrets_ops file_ops = {
    .read = file_read_secret,
    .write = file_write_secret,
    .versions = file_versions,
    .list = file_list_secrets,
    .close = file_close,
};

/* The store's own file is replaced at each writing, so the lock is a file beside it. */
static int take_lock(struct file_store *store, struct err_detail *detail)
{
    char path[4096];
    snprintf(path, sizeof(path), "%s.lock", store->path);
    store->lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (store->lock < 0)
        return err_set(detail, err_from_errno(errno), "cannot open %s: %s", path, strerror(errno));
    if (flock(store->lock, LOCK_EX | LOCK_NB) == 0)
        return ERR_OK;
    return err_set(detail, ERR_BUSY, "%s is in use by another quorate; wait for it to end",
                   store->path);
}

int deploy_secrets_file_open(struct deploy_secrets *ret_secrets, const char *path,
                             const struct deploy_secrets_key *key, struct err_detail *detail)
{
    struct file_store *store = mem_alloc_zeroed(1, sizeof(*store));
    if (!store)
        return err_set(detail, ERR_NOMEM, "%s: out of memory", path);
    store->path = path;
    store->lock = -1;
    int status = crypto_secret_new(&store->key, CRYPTO_NACL_KEY);
    if (status != ERR_OK)
        err_set(detail, status, "%s: no locked memory for its key", path);
    if (status == ERR_OK)
        status = take_lock(store, detail);
    if (status == ERR_OK)
        status = access(path, F_OK) == 0 ? load(store, key, detail) : create(store, key, detail);
    if (status != ERR_OK) {
        file_close(store);
        return status;
    }
    *ret_secrets = (struct deploy_secrets){.ops = &file_ops, .store = store, .name = path};
    return ERR_OK;
}
