/* From the configuration's keyData to keys in the enclave. */
#include "base/base64.h"
#include "base/file.h"
#include "base/mem.h"
#include "tm/enclave/keyfile.h"
#include "tm/enclave/remote.h"
#include "tm/main/main.h"
#include "tm/main/vault.h"
#include "vault/vault.h"

#include <stdio.h>
#include <termios.h>
#include <unistd.h>

enum { TRIES = 2, FILE_MAX = 64 << 10 };

static void wipe(struct buf *b)
{
    if (b->data)
        mem_wipe(b->data, b->capacity);
    buf_release(b);
}

int tm_ask_password(struct buf *b, const char *prompt)
{
    struct termios old, quiet;
    bool terminal = isatty(STDIN_FILENO) && tcgetattr(STDIN_FILENO, &old) == 0;
    buf_clear(b);
    if (terminal) {
        quiet = old;
        quiet.c_lflag &= ~(tcflag_t)ECHO;
        tcsetattr(STDIN_FILENO, TCSAFLUSH, &quiet);
    }
    fputs(prompt, stdout);
    fflush(stdout);
    int c;
    while ((c = getchar()) != EOF && c != '\n' && b->len < TM_KEYFILE_MAX_PASSWORD)
        buf_append_byte(b, (uint8_t)c);
    if (b->len && b->data[b->len - 1] == '\r')
        b->len--;
    if (terminal) {
        tcsetattr(STDIN_FILENO, TCSAFLUSH, &old);
        putchar('\n');
    }
    return buf_status(b);
}

/* --- Passwords --- */

/* The password of key `index`: of the list, or that line of the file. */
static int password_of(struct buf *ret_password, const struct tm_config *config, size_t index,
                       struct err_detail *detail)
{
    if (index < config->passwords.count) {
        buf_append_text(ret_password, config->passwords.items[index]);
        return buf_status(ret_password);
    }
    if (!config->password_file)
        return 0;
    struct buf text = BUF_INIT;
    int status = file_read(config->password_file, FILE_MAX, &text, detail);
    size_t at = 0;
    for (size_t line = 0; status == 0 && at < text.len && line < index; at++)
        line += text.data[at] == '\n';
    while (status == 0 && at < text.len && text.data[at] != '\n' && text.data[at] != '\r')
        buf_append_byte(ret_password, text.data[at++]);
    wipe(&text);
    return status < 0 ? status : buf_status(ret_password);
}

static int open_keyfile(struct crypto_secret **ret_secret, const struct tm_encryptor *e,
                        struct bytes text, const struct tm_config *config, size_t index,
                        struct err_detail *detail)
{
    struct tm_keyfile file;
    struct buf password = BUF_INIT;
    int status = tm_keyfile_parse(&file, text, detail);
    if (status == 0)
        status = password_of(&password, config, index, detail);
    if (status == 0 && file.locked)
        printf("unlocking key %zu: this takes %u MiB of memory and a moment\n", index,
               file.argon2.memory >> 10);
    if (status == 0)
        status = tm_keyfile_open(ret_secret, e, &file, buf_bytes(&password), detail);
    for (int i = 0; i < TRIES && status > 0 && isatty(STDIN_FILENO); i++) {
        char prompt[64];
        snprintf(prompt, sizeof(prompt), "Password for key[%zu]: ", index);
        status = tm_ask_password(&password, prompt);
        if (status == 0)
            status = tm_keyfile_open(ret_secret, e, &file, buf_bytes(&password), detail);
    }
    if (status > 0)
        status = err_set(detail, ERR_INPUT, "key %zu is locked, and its password is %s", index,
                         status == TM_KEYFILE_NEEDS_PASSWORD
                             ? "missing: give keys.passwordFile, or start at a terminal"
                             : "wrong");
    mem_wipe(&file, sizeof(file));
    wipe(&password);
    return status;
}

static int decode_secret(struct crypto_secret **ret_secret, struct bytes text,
                         struct err_detail *detail)
{
    struct buf bytes = BUF_INIT;
    int status = base64_decode(&bytes, text);
    if (status == 0)
        status = crypto_secret_copy(ret_secret, buf_bytes(&bytes));
    wipe(&bytes);
    return status == ERR_INPUT ? err_set(detail, status, "a private key is not base64") : status;
}

static int read_public(struct buf *ret_key, struct bytes text, struct err_detail *detail)
{
    while (text.len && (text.data[text.len - 1] == '\n' || text.data[text.len - 1] == '\r' ||
                        text.data[text.len - 1] == ' '))
        text.len--;
    int status = base64_decode(ret_key, text);
    return status == ERR_INPUT ? err_set(detail, status, "a public key is not base64") : status;
}

/* --- One entry --- */

static int load_files(struct crypto_secret **ret_secret, struct buf *ret_public,
                      const struct tm_encryptor *e, const struct tm_config *config, size_t index,
                      struct err_detail *detail)
{
    const struct tm_config_key *key = &config->keys[index];
    struct buf text = BUF_INIT;
    int status = file_read(key->private_path, FILE_MAX, &text, detail);
    if (status == 0)
        status = open_keyfile(ret_secret, e, buf_bytes(&text), config, index, detail);
    if (status < 0)
        (void)err_prefix(detail, status, "%s", key->private_path);
    wipe(&text);
    if (status == 0 && key->public_path) {
        status = file_read(key->public_path, FILE_MAX, &text, detail);
        if (status == 0 && text.len == 0)
            status = err_set(detail, ERR_INPUT,
                             "%s: it is empty; the public key in base64 belongs in it",
                             key->public_path);
        else if (status == 0 && read_public(ret_public, buf_bytes(&text), detail) < 0)
            status = err_prefix(detail, ERR_INPUT, "%s", key->public_path);
        buf_release(&text);
    }
    return status;
}

static int load_key(struct tm_enclave *enclave, const struct tm_encryptor *e,
                    const struct tm_config *config, size_t index, struct vault **vault,
                    struct err_detail *detail)
{
    const struct tm_config_key *key = &config->keys[index];
    struct crypto_secret *secret = NULL;
    struct buf public = BUF_INIT;
    int status = 0;
    if (key->public_key)
        status = read_public(&public, bytes_str(key->public_key), detail);
    if (status < 0) {
    } else if (key->private_key) {
        status = decode_secret(&secret, bytes_str(key->private_key), detail);
    } else if (key->inline_config) {
        status = open_keyfile(&secret, e, bytes_str(key->inline_config), config, index, detail);
    } else if (key->vault_secret) {
        status = tm_vault_key(vault, &secret, &public, &config->vault, key, detail);
    } else {
        status = load_files(&secret, &public, e, config, index, detail);
    }
    if (status == 0)
        status = tm_enclave_add_key(enclave, buf_bytes(&public), secret, detail);
    if (status < 0)
        (void)err_prefix(detail, status, "key %zu", index);
    buf_release(&public);
    return status;
}

int tm_load_enclave(struct tm_enclave **ret_enclave, const struct tm_config *config,
                    struct err_detail *detail)
{
    const struct tm_config_encryptor *c = &config->encryptor;
    struct tm_encryptor e;
    struct tm_enclave *enclave;
    struct vault *vault = NULL;
    int status =
        tm_encryptor_init(&e, c->type ? c->type : "NACL", c->symmetric_cipher, c->elliptic_curve,
                          c->nonce_length, c->shared_key_length, detail);
    if (status < 0)
        return status;
    const struct tm_config_server *apart = tm_config_server_of(config, TM_APP_ENCLAVE);
    if (apart && config->server_count > 1) {
        if (strncmp(apart->address, "unix:", 5) != 0)
            return err_set(detail, ERR_UNSUPPORTED,
                           "ENCLAVE: an enclave apart is served over unix:PATH, not %s",
                           apart->address);
        return tm_enclave_connect(ret_enclave, &e, apart->address + 5, detail);
    }
    status = tm_enclave_new(&enclave, &e);
    if (status < 0)
        return err_set(detail, status, "%s", err_text(status));
    for (size_t i = 0; status == 0 && i < config->key_count; i++)
        status = load_key(enclave, &e, config, i, &vault, detail);
    for (size_t i = 0; status == 0 && i < config->always_send_to.count; i++) {
        struct buf key = BUF_INIT;
        status = read_public(&key, bytes_str(config->always_send_to.items[i]), detail);
        if (status == 0)
            status = tm_enclave_add_forwarding(enclave, buf_bytes(&key), detail);
        buf_release(&key);
    }
    vault_close(vault);
    if (status < 0) {
        tm_enclave_free(enclave);
        return status;
    }
    *ret_enclave = enclave;
    return 0;
}
