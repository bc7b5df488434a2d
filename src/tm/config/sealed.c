/*
 * ENC(...) of Tessera's configurations, as Jasypt's standard string encryptor makes it: base64 of 8 bytes of salt and a DES-CBC
 * text with PKCS#5 padding. Key and IV are the halves of MD5, 1,000 times over, of secret and salt. (PKCS#5 v1, "PBEWithMD5AndDES".)
 * What that protects is little, but it is what is met.
 */
#include "base/base64.h"
#include "base/file.h"
#include "base/mem.h"
#include "tm/config/config_priv.h"

#include <openssl/evp.h>
#include <stdlib.h>

enum { SALT = 8, BLOCK = 8, MD5 = 16, ROUNDS = 1000, SECRET_MAX = 1024 };

static const char prefix[] = "ENC(";

bool tm_is_sealed(const char *text)
{
    size_t len = text ? strlen(text) : 0;
    return len > sizeof(prefix) - 1 && strncmp(text, prefix, sizeof(prefix) - 1) == 0 &&
           text[len - 1] == ')';
}

static bool digest(uint8_t ret_digest[MD5], struct bytes a, struct bytes b)
{
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    bool ok = context && EVP_DigestInit_ex(context, EVP_md5(), NULL) == 1 &&
              EVP_DigestUpdate(context, a.data, a.len) == 1 &&
              EVP_DigestUpdate(context, b.data, b.len) == 1 &&
              EVP_DigestFinal_ex(context, ret_digest, NULL) == 1;
    EVP_MD_CTX_free(context);
    return ok;
}

/* DES is triple DES with three times the same key, which OpenSSL keeps among what it serves without asking. */
static bool decrypt(struct buf *ret_plain, struct bytes sealed, const uint8_t derived[MD5])
{
    uint8_t key[3 * BLOCK];
    for (size_t i = 0; i < sizeof(key); i++)
        key[i] = derived[i % BLOCK];
    EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
    uint8_t *room = buf_extend(ret_plain, sealed.len + BLOCK);
    int len = 0, rest = 0;
    bool ok = context && room &&
              EVP_DecryptInit_ex(context, EVP_des_ede3_cbc(), NULL, key, derived + BLOCK) == 1 &&
              EVP_DecryptUpdate(context, room, &len, sealed.data, (int)sealed.len) == 1 &&
              EVP_DecryptFinal_ex(context, room + len, &rest) == 1;
    EVP_CIPHER_CTX_free(context);
    mem_wipe(key, sizeof(key));
    if (ok)
        ret_plain->len = (size_t)(len + rest);
    return ok;
}

int tm_open_sealed(struct buf *ret_plain, const char *text, struct bytes secret,
                   struct err_detail *detail)
{
    struct buf sealed = BUF_INIT;
    uint8_t derived[MD5] = {0};
    assert(tm_is_sealed(text));
    struct bytes inner = bytes_of(text + sizeof(prefix) - 1, strlen(text) - sizeof(prefix));
    int status = base64_decode(&sealed, inner);
    if (status == 0 && (sealed.len < SALT + BLOCK || (sealed.len - SALT) % BLOCK))
        status = ERR_INPUT;
    bool good = status == 0 && digest(derived, secret, bytes_of(sealed.data, SALT));
    for (int i = 1; good && i < ROUNDS; i++)
        good = digest(derived, bytes_of(derived, MD5), bytes_none());
    buf_clear(ret_plain);
    if (good)
        good = decrypt(ret_plain, bytes_of(sealed.data + SALT, sealed.len - SALT), derived) &&
               !memchr(ret_plain->data, 0, ret_plain->len);
    mem_wipe(derived, sizeof(derived));
    buf_release(&sealed);
    if (status == ERR_NOMEM)
        return err_set(detail, status, "out of memory");
    return good ? 0
                : err_set(detail, ERR_INPUT, "ENC(...) does not open: another secret, or damaged");
}

/* The file that TESSERA_CONFIG_SECRET names, without blanks around; without such a file, what the operator says. */
static int read_secret(struct buf *ret_secret, tm_config_ask_fn *ask, struct err_detail *detail)
{
    const char *path = getenv("TESSERA_CONFIG_SECRET");
    int status = path && path[0] ? file_read(path, SECRET_MAX, ret_secret, detail) : ERR_NOTFOUND;
    if (status == ERR_NOTFOUND && ask)
        status = ask(ret_secret, "Please enter the secret/password used to decrypt config value\n");
    if (status == ERR_NOTFOUND || (status == 0 && ret_secret->len == 0))
        return err_set(detail, ERR_USAGE,
                       "configuration: jdbc has ENC(...): let TESSERA_CONFIG_SECRET name the file "
                       "with its secret");
    uint8_t *d = ret_secret->data;
    size_t from = 0, len = ret_secret->len;
    while (status == 0 && len && d[len - 1] <= ' ')
        len--;
    while (from < len && d[from] <= ' ')
        from++;
    if (status == 0 && len > from)
        memmove(d, d + from, len - from);
    ret_secret->len = len - from;
    return status;
}

int tm_config_open_sealed(struct tm_config *config, tm_config_ask_fn *ask,
                          struct err_detail *detail)
{
    const char **const texts[] = {&config->jdbc_url, &config->jdbc_username,
                                  &config->jdbc_password};
    struct buf secret = BUF_INIT, plain = BUF_INIT;
    bool read = false;
    int status = 0;
    for (size_t i = 0; status == 0 && i < BASE_COUNT(texts); i++) {
        if (!tm_is_sealed(*texts[i]))
            continue;
        if (!read)
            status = read_secret(&secret, ask, detail);
        read = true;
        if (status == 0)
            status = tm_open_sealed(&plain, *texts[i], buf_bytes(&secret), detail);
        if (status == 0 && !(*texts[i] = tm_copy_text(config, buf_text(&plain))))
            status = err_set(detail, ERR_NOMEM, "out of memory");
        if (plain.data)
            mem_wipe(plain.data, plain.capacity);
    }
    if (secret.data)
        mem_wipe(secret.data, secret.capacity);
    buf_release(&secret);
    buf_release(&plain);
    return status;
}
