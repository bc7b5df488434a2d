#include "accounts/accounts.h"

#include "accounts/internal.h"
#include "base/file.h"
#include "base/hex.h"
#include "base/mem.h"
#include "crypto/random.h"

#include <stdio.h>

const char *accounts_result_text(enum accounts_result result)
{
    static const char *const texts[] = {
#define X(name, text) [ACCOUNTS_##name] = text,
        ACCOUNTS_RESULT_LIST(X)
#undef X
    };
    return texts[result];
}

int accounts_new(struct accounts **ret_accounts, const char *folder,
                 enum crypto_keystore_strength strength)
{
    if (strlen(folder) > ACCOUNTS_PATH_MAX - 300)
        return ERR_LIMIT;
    struct accounts *accounts = mem_alloc_zeroed(1, sizeof(*accounts));
    if (!accounts)
        return ERR_NOMEM;
    pthread_mutex_init(&accounts->lock, NULL);
    accounts->strength = strength;
    snprintf(accounts->folder, sizeof(accounts->folder), "%s", folder);
    *ret_accounts = accounts;
    return ERR_OK;
}

void accounts_free(struct accounts *accounts)
{
    if (!accounts)
        return;
    accounts_drop_keys(accounts, NULL, UINT64_MAX);
    accounts_forget_files(accounts);
    pthread_mutex_destroy(&accounts->lock);
    mem_free(accounts);
}

/* --- Which there are --- */

int accounts_each(struct accounts *accounts,
                  void (*fn)(void *context, const struct accounts_entry *entry), void *context)
{
    char path[ACCOUNTS_PATH_MAX];
    pthread_mutex_lock(&accounts->lock);
    int status = accounts_scan(accounts);
    for (size_t i = 0; status == ERR_OK && i < accounts->count; i++) {
        const struct accounts_file *file = &accounts->files[i];
        if (!file->has_address)
            continue;
        accounts_path(accounts, path, file->name);
        struct accounts_entry entry = {file->address, path,
                                       accounts_find_key(accounts, &file->address, 0) != NULL};
        fn(context, &entry);
    }
    pthread_mutex_unlock(&accounts->lock);
    return status;
}

struct lookup {
    const struct address *address;
    uint64_t index, at;
    struct address found;
    bool is_found;
};

static void match_address(void *context, const struct accounts_entry *entry)
{
    struct lookup *l = context;
    l->is_found = l->is_found || address_equal(&entry->address, l->address);
}

static void match_index(void *context, const struct accounts_entry *entry)
{
    struct lookup *l = context;
    if (l->at++ == l->index) {
        l->found = entry->address;
        l->is_found = true;
    }
}

bool accounts_has(struct accounts *accounts, const struct address *address)
{
    struct lookup l = {.address = address};
    return accounts_each(accounts, match_address, &l) == ERR_OK && l.is_found;
}

bool accounts_at(struct accounts *accounts, struct address *ret_address, uint64_t index)
{
    struct lookup l = {.index = index};
    if (accounts_each(accounts, match_index, &l) != ERR_OK || !l.is_found)
        return false;
    *ret_address = l.found;
    return true;
}

int accounts_explain_unknown(struct accounts *accounts, struct err_detail *detail)
{
    size_t count = 0;
    char path[ACCOUNTS_PATH_MAX] = "";
    pthread_mutex_lock(&accounts->lock);
    int status = accounts_scan(accounts);
    for (size_t i = 0; i < accounts->count; i++)
        if (!accounts->files[i].has_address && count++ == 0)
            accounts_path(accounts, path, accounts->files[i].name);
    pthread_mutex_unlock(&accounts->lock);
    const char *text = accounts_result_text(ACCOUNTS_UNKNOWN);
    if (status != ERR_OK)
        return err_set(detail, ACCOUNTS_UNKNOWN, "%s; the folder %s cannot be read", text,
                       accounts->folder);
    return count ? err_set(detail, ACCOUNTS_UNKNOWN, "%s; no key can be read from %s%s", text, path,
                           count > 1 ? " and others" : "")
                 : err_set(detail, ACCOUNTS_UNKNOWN, "%s", text);
}

/* --- Files of one account --- */

/* The one file of an address. `path` is written for OK alone. */
static int find_path(struct accounts *accounts, const struct address *address,
                     char ret_path[ACCOUNTS_PATH_MAX], struct err_detail *detail)
{
    struct buf names = BUF_INIT;
    size_t count = 0;
    pthread_mutex_lock(&accounts->lock);
    int status = accounts_scan(accounts);
    for (size_t i = 0; status == ERR_OK && i < accounts->count; i++) {
        char path[ACCOUNTS_PATH_MAX];
        const struct accounts_file *file = &accounts->files[i];
        if (!file->has_address || !address_equal(&file->address, address))
            continue;
        accounts_path(accounts, path, file->name);
        if (count++ == 0)
            memcpy(ret_path, path, sizeof(path));
        buf_append_format(&names, "%s%s", count > 1 ? "," : "", path);
    }
    pthread_mutex_unlock(&accounts->lock);
    if (status != ERR_OK)
        err_set(detail, status, "%s: %s", accounts->folder, err_text(status));
    else if (count == 0)
        status = err_set(detail, ACCOUNTS_UNKNOWN, "%s", accounts_result_text(ACCOUNTS_UNKNOWN));
    else if (count > 1)
        status = err_set(detail, ACCOUNTS_AMBIGUOUS, "multiple keys match address (%s)",
                         buf_text(&names));
    buf_release(&names);
    return status;
}

static int open_file(struct crypto_private_key *ret_key, const char *path, struct bytes password,
                     struct err_detail *detail)
{
    struct crypto_keystore keystore;
    struct buf text = BUF_INIT;
    struct err_detail why = {""};
    int status = file_read_regular(path, CRYPTO_KEYSTORE_MAX_TEXT, &text, &why);
    if (status == ERR_OK)
        status = crypto_keystore_parse(&keystore, buf_bytes(&text), &why);
    buf_release(&text);
    if (status == ERR_OK)
        status = crypto_keystore_open(ret_key, &keystore, password, &why);
    if (status == CRYPTO_KEYSTORE_WRONG_PASSWORD)
        return err_set(detail, ACCOUNTS_WRONG_PASSWORD, "%s",
                       accounts_result_text(ACCOUNTS_WRONG_PASSWORD));
    if (status == ERR_NOMEM)
        return err_set(detail, status, "%s: %s", path, err_text(status));
    return status == ERR_OK ? ACCOUNTS_OK
                            : err_set(detail, ACCOUNTS_UNREADABLE, "%s: %s", path, why.text);
}

int accounts_open(struct accounts *accounts, struct crypto_private_key *ret_key,
                  const struct address *address, struct bytes password, struct err_detail *detail)
{
    char path[ACCOUNTS_PATH_MAX];
    int status = find_path(accounts, address, path, detail);
    return status == ACCOUNTS_OK ? open_file(ret_key, path, password, detail) : status;
}

static int write_file(struct accounts *accounts, const char *path,
                      const struct crypto_private_key *key, struct bytes password,
                      struct err_detail *detail)
{
    struct crypto_keystore keystore;
    struct buf text = BUF_INIT;
    int status = crypto_keystore_seal(&keystore, key, password, accounts->strength, detail);
    if (status == ERR_OK)
        status = file_make_folders(accounts->folder, 0700, detail);
    if (status == ERR_OK) {
        crypto_keystore_format(&text, &keystore);
        status = buf_status(&text);
    }
    if (status == ERR_OK)
        status = file_write_private(path, buf_bytes(&text), detail);
    buf_release(&text);
    return status;
}

/* UTC--2026-11-22T21-56-27.542895773Z--a3fb866150b17604f78c8609562a8ca1493ad8dd (accounts/keystore/key.go). */
static void name_file(char ret_name[128], const struct address *address)
{
    struct timespec now;
    struct tm tm;
    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &tm);
    size_t len = strftime(ret_name, 64, "UTC--%Y-%m-%dT%H-%M-%S", &tm);
    len += (size_t)snprintf(ret_name + len, 64, ".%09ldZ--", now.tv_nsec);
    hex_encode(ret_name + len, bytes_of(address->b, sizeof(address->b)));
    ret_name[len + 40] = 0;
}

static int write_new(struct accounts *accounts, struct address *ret_address,
                     char ret_path[ACCOUNTS_PATH_MAX], const struct crypto_private_key *key,
                     struct bytes password, struct err_detail *detail)
{
    char name[128], path[ACCOUNTS_PATH_MAX];
    struct crypto_public_key public_key;
    if (!crypto_public_key_of(&public_key, key))
        return err_set(detail, ERR_INPUT, "this is no private key");
    crypto_address_of(ret_address, &public_key);
    name_file(name, ret_address);
    accounts_path(accounts, path, name);
    int status = write_file(accounts, path, key, password, detail);
    if (status == ERR_OK && ret_path)
        memcpy(ret_path, path, sizeof(path));
    return status;
}

int accounts_create(struct accounts *accounts, struct address *ret_address,
                    char ret_path[ACCOUNTS_PATH_MAX], struct bytes password,
                    struct err_detail *detail)
{
    struct crypto_private_key key;
    int status = crypto_private_key_new(&key);
    if (status != ERR_OK)
        return err_set(detail, status, "the system gives no randomness");
    status = write_new(accounts, ret_address, ret_path, &key, password, detail);
    mem_wipe(&key, sizeof(key));
    return status;
}

int accounts_import(struct accounts *accounts, struct address *ret_address,
                    const struct crypto_private_key *key, struct bytes password,
                    struct err_detail *detail)
{
    struct crypto_public_key public_key;
    if (!crypto_public_key_of(&public_key, key))
        return err_set(detail, ERR_INPUT, "this is no private key");
    crypto_address_of(ret_address, &public_key);
    if (accounts_has(accounts, ret_address))
        return err_set(detail, ACCOUNTS_THERE, "%s", accounts_result_text(ACCOUNTS_THERE));
    return write_new(accounts, ret_address, NULL, key, password, detail);
}

int accounts_update(struct accounts *accounts, const struct address *address, struct bytes old,
                    struct bytes password, struct err_detail *detail)
{
    char path[ACCOUNTS_PATH_MAX];
    struct crypto_private_key key;
    int status = find_path(accounts, address, path, detail);
    if (status == ACCOUNTS_OK)
        status = open_file(&key, path, old, detail);
    if (status != ACCOUNTS_OK)
        return status;
    status = write_file(accounts, path, &key, password, detail);
    mem_wipe(&key, sizeof(key));
    return status;
}

/* --- Unlocking and signing --- */

int accounts_unlock(struct accounts *accounts, const struct address *address, struct bytes password,
                    uint64_t duration, uint64_t now, struct err_detail *detail)
{
    struct crypto_private_key key;
    int status = accounts_open(accounts, &key, address, password, detail);
    if (status != ACCOUNTS_OK)
        return status;
    uint64_t until = 0;
    if (duration && __builtin_add_overflow(now, duration, &until))
        until = 0; /* later than any clock here */
    pthread_mutex_lock(&accounts->lock);
    accounts_drop_keys(accounts, NULL, now);
    status = accounts_keep_key(accounts, address, &key, until);
    pthread_mutex_unlock(&accounts->lock);
    mem_wipe(&key, sizeof(key));
    if (status == ERR_OK && until && accounts->on_timed)
        accounts->on_timed(accounts->on_timed_context);
    return status == ERR_OK ? ACCOUNTS_OK : err_set(detail, status, "%s", err_text(status));
}

void accounts_lock(struct accounts *accounts, const struct address *address)
{
    pthread_mutex_lock(&accounts->lock);
    accounts_drop_keys(accounts, address, 0);
    pthread_mutex_unlock(&accounts->lock);
}

bool accounts_expire(struct accounts *accounts, uint64_t now)
{
    bool timed = false;
    pthread_mutex_lock(&accounts->lock);
    accounts_drop_keys(accounts, NULL, now);
    for (const struct accounts_key *key = accounts->keys; key && !timed; key = key->next)
        timed = key->until != 0;
    pthread_mutex_unlock(&accounts->lock);
    return timed;
}

void accounts_on_timed(struct accounts *accounts, void (*fn)(void *context), void *context)
{
    accounts->on_timed = fn;
    accounts->on_timed_context = context;
}

enum accounts_result accounts_can_sign(struct accounts *accounts, const struct address *address,
                                       uint64_t now)
{
    pthread_mutex_lock(&accounts->lock);
    bool unlocked = accounts_find_key(accounts, address, now) != NULL;
    pthread_mutex_unlock(&accounts->lock);
    if (unlocked)
        return ACCOUNTS_OK;
    return accounts_has(accounts, address) ? ACCOUNTS_LOCKED : ACCOUNTS_UNKNOWN;
}

int accounts_sign(struct accounts *accounts, struct crypto_signature *ret_signature,
                  const struct address *address, const struct hash256 *hash, uint64_t now)
{
    pthread_mutex_lock(&accounts->lock);
    const struct accounts_key *key = accounts_find_key(accounts, address, now);
    bool signed_ =
        key && crypto_ecdsa_sign(ret_signature, hash,
                                 (const struct crypto_private_key *)(const void *)key->key->data);
    pthread_mutex_unlock(&accounts->lock);
    if (signed_)
        return ACCOUNTS_OK;
    return accounts_has(accounts, address) ? ACCOUNTS_LOCKED : ACCOUNTS_UNKNOWN;
}

int accounts_sign_with_password(struct accounts *accounts, struct crypto_signature *ret_signature,
                                const struct address *address, struct bytes password,
                                const struct hash256 *hash, struct err_detail *detail)
{
    struct crypto_private_key key;
    int status = accounts_open(accounts, &key, address, password, detail);
    if (status != ACCOUNTS_OK)
        return status;
    bool signed_ = crypto_ecdsa_sign(ret_signature, hash, &key);
    mem_wipe(&key, sizeof(key));
    return signed_ ? ACCOUNTS_OK
                   : err_set(detail, ERR_CRYPTO, "the key of the account cannot sign");
}
