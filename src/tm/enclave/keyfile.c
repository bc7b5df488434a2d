#include "tm/enclave/keyfile.h"

#include "base/base64.h"
#include "base/file.h"
#include "base/mem.h"
#include "crypto/random.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

const struct crypto_argon2 tm_keyfile_argon2_default = {.variant = CRYPTO_ARGON2_I,
                                                        .memory = 1 << 20,
                                                        .iterations = 10,
                                                        .parallelism = 4,
                                                        .version = 0x13};

enum { LOCK_KEY = 32, SALT = 16 };

int tm_keyfile_open(struct crypto_secret **ret_private, const struct tm_encryptor *e,
                    const struct tm_keyfile *k, struct bytes password, struct err_detail *detail)
{
    if (!k->locked) {
        int status = crypto_secret_copy(ret_private, bytes_of(k->box, k->box_len));
        return status < 0 ? err_set(detail, status, "%s", err_text(status)) : TM_KEYFILE_OPEN;
    }
    if (password.len == 0)
        return TM_KEYFILE_NEEDS_PASSWORD;
    if (k->box_len < TM_ENCRYPTOR_MAC)
        return TM_KEYFILE_WRONG_PASSWORD;
    struct crypto_secret *private_key;
    uint8_t key[LOCK_KEY];
    int status = crypto_secret_new(&private_key, k->box_len - TM_ENCRYPTOR_MAC);
    if (status < 0)
        return err_set(detail, status, "%s", err_text(status));
    status = crypto_argon2_derive(key, sizeof(key), &k->argon2, password,
                                  bytes_of(k->salt, k->salt_len));
    if (status == 0)
        status = tm_encryptor_open(e, private_key->data, bytes_of(k->box, k->box_len),
                                   bytes_of(k->nonce, k->nonce_len), bytes_of(key, sizeof(key)));
    mem_wipe(key, sizeof(key));
    if (status == 1) {
        *ret_private = private_key;
        return TM_KEYFILE_OPEN;
    }
    crypto_secret_free(private_key);
    if (status == ERR_NOMEM)
        return err_set(detail, status, "opening the key takes %u KiB of memory, which is not there",
                       k->argon2.memory);
    return status < 0 ? err_set(detail, status, "%s", err_text(status)) : TM_KEYFILE_WRONG_PASSWORD;
}

/* Makes the content of a file from a private key: unlocked when the password is empty, else locked with `options`.
 * ERR_NOMEM, ERR_IO, ERR_CRYPTO, ERR_LIMIT. */
static int seal(struct tm_keyfile *ret_keyfile, const struct tm_encryptor *e,
                struct bytes private_key, struct bytes password,
                const struct crypto_argon2 *options, struct err_detail *detail)
{
    struct tm_keyfile k = {.locked = password.len > 0, .argon2 = *options};
    uint8_t key[LOCK_KEY];
    int status = 0;
    if (private_key.len > TM_ENCRYPTOR_PRIVATE_MAX || password.len > TM_KEYFILE_MAX_PASSWORD)
        return err_set(detail, ERR_LIMIT, "the key or the password is too long");
    k.box_len = private_key.len + (k.locked ? TM_ENCRYPTOR_MAC : 0);
    if (!k.locked) {
        memcpy(k.box, private_key.data, private_key.len);
    } else {
        k.salt_len = SALT;
        k.nonce_len = e->nonce_len;
        status = crypto_argon2_check(options, detail);
        if (status == 0)
            status = crypto_random(k.salt, k.salt_len);
        if (status == 0)
            status = crypto_random(k.nonce, k.nonce_len);
        if (status == 0)
            status = crypto_argon2_derive(key, sizeof(key), options, password,
                                          bytes_of(k.salt, k.salt_len));
        if (status == 0)
            status = tm_encryptor_seal(e, k.box, private_key, bytes_of(k.nonce, k.nonce_len),
                                       bytes_of(key, sizeof(key)));
        mem_wipe(key, sizeof(key));
    }
    if (status == 0)
        *ret_keyfile = k;
    else if (status != ERR_INPUT && status != ERR_LIMIT)
        err_set(detail, status, "%s", err_text(status));
    mem_wipe(&k, sizeof(k));
    return status;
}

/* Makes a file that is not there yet. */
static int write_new(const char *path, struct bytes content, mode_t mode, struct err_detail *detail)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
    if (fd < 0)
        return err_set(detail, err_from_errno(errno), "%s: %s", path, strerror(errno));
    int status = 0;
    for (size_t done = 0; status == 0 && done < content.len;) {
        ssize_t n = write(fd, content.data + done, content.len - done);
        if (n < 0 && errno != EINTR)
            status = err_set(detail, err_from_errno(errno), "%s: %s", path, strerror(errno));
        done += n > 0 ? (size_t)n : 0;
    }
    if (status == 0 && fsync(fd) < 0)
        status = err_set(detail, err_from_errno(errno), "%s: %s", path, strerror(errno));
    close(fd);
    if (status < 0)
        unlink(path);
    return status;
}

static void release_secret(struct buf *b)
{
    if (b->data)
        mem_wipe(b->data, b->capacity);
    buf_release(b);
}

/* A pair's two texts. */
static int make_pair(struct buf *public_text, struct buf *private_text,
                     const struct tm_encryptor *e, struct bytes password,
                     const struct crypto_argon2 *options, struct err_detail *detail)
{
    struct buf public_key = BUF_INIT, private_key = BUF_INIT;
    struct tm_keyfile keyfile;
    int status =
        buf_reserve(&private_key, TM_ENCRYPTOR_PRIVATE_MAX); /* never moved, never left behind */
    if (status == 0)
        status = tm_encryptor_generate(e, &public_key, &private_key);
    if (status < 0)
        err_set(detail, status, "%s", err_text(status));
    else
        status = seal(&keyfile, e, buf_bytes(&private_key), password, options, detail);
    if (status == 0) {
        base64_append(public_text, buf_bytes(&public_key));
        status = buf_reserve(private_text, 4 * sizeof(keyfile.box));
        tm_keyfile_format(private_text, &keyfile);
        if (status == 0)
            status = buf_status(public_text) ? buf_status(public_text) : buf_status(private_text);
        if (status < 0)
            err_set(detail, status, "%s", err_text(status));
        mem_wipe(&keyfile, sizeof(keyfile));
    }
    release_secret(&private_key);
    buf_release(&public_key);
    return status;
}

int tm_keyfile_generate(struct buf *ret_public, const struct tm_encryptor *e, const char *path,
                        struct bytes password, const struct crypto_argon2 *options,
                        struct err_detail *detail)
{
    struct buf public_text = BUF_INIT, private_text = BUF_INIT, public_path = BUF_INIT,
               private_path = BUF_INIT;
    buf_append_format(&public_path, "%s.pub", path);
    buf_append_format(&private_path, "%s.key", path);
    const char *pub = buf_text(&public_path), *key = buf_text(&private_path);
    int status = buf_status(&public_path) ? buf_status(&public_path) : buf_status(&private_path);
    if (status < 0)
        err_set(detail, status, "%s", err_text(status));
    else if (access(pub, F_OK) == 0 || access(key, F_OK) == 0) /* before the slow part */
        status = err_set(detail, ERR_EXISTS, "%s: exists already", access(pub, F_OK) ? key : pub);
    else
        status = make_pair(&public_text, &private_text, e, password, options, detail);
    if (status == 0)
        status = write_new(pub, buf_bytes(&public_text), 0644, detail);
    if (status == 0) {
        status = write_new(key, buf_bytes(&private_text), 0600, detail);
        if (status < 0)
            unlink(pub);
    }
    if (status == 0 && ret_public)
        buf_append_bytes(ret_public, buf_bytes(&public_text));
    release_secret(&private_text);
    buf_release(&public_text);
    buf_release(&public_path);
    buf_release(&private_path);
    return status;
}

int tm_keyfile_update(const struct tm_encryptor *e, const char *path, struct bytes old_password,
                      struct bytes new_password, const struct crypto_argon2 *options,
                      struct err_detail *detail)
{
    struct buf text = BUF_INIT;
    struct tm_keyfile keyfile;
    struct crypto_secret *private_key = NULL;
    int result = buf_reserve(&text, TM_KEYFILE_MAX_TEXT + 1);
    if (result < 0)
        return err_set(detail, result, "%s", err_text(result));
    result = file_read(path, TM_KEYFILE_MAX_TEXT, &text, detail);
    if (result == 0) {
        result = tm_keyfile_parse(&keyfile, buf_bytes(&text), detail);
        if (result < 0)
            err_prefix(detail, result, "%s", path);
    }
    if (result == 0)
        result = tm_keyfile_open(&private_key, e, &keyfile, old_password, detail);
    if (result == TM_KEYFILE_OPEN && private_key) {
        int status =
            seal(&keyfile, e, crypto_secret_bytes(private_key), new_password, options, detail);
        mem_wipe(text.data, text.capacity);
        buf_clear(&text);
        if (status == 0) {
            tm_keyfile_format(&text, &keyfile);
            status = buf_status(&text);
            if (status < 0)
                err_set(detail, status, "%s", err_text(status));
        }
        if (status == 0)
            status = file_write_private(path, buf_bytes(&text), detail);
        result = status < 0 ? status : TM_KEYFILE_OPEN;
    }
    mem_wipe(&keyfile, sizeof(keyfile));
    crypto_secret_free(private_key);
    release_secret(&text);
    return result;
}
