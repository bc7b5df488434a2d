#include "base/hex.h"
#include "base/quote.h"
#include "crypto/keystore.h"

#include <jansson.h>
#include <strings.h>

/* A member of the file under the name that messages use, "crypto.kdfparams.n". */
struct place {
    const json_t *object;
    const char *path;
    struct err_detail *detail;
};

/* Names match as in geth, without regard to case; some wallets write "Crypto". */
static json_t *member(const json_t *object, const char *name)
{
    json_t *exact = json_object_get(object, name), *value;
    const char *key;
    if (exact)
        return exact;
    json_object_foreach((json_t *)object, key, value) if (strcasecmp(key, name) == 0) return value;
    return NULL;
}

static int bad(struct place at, const char *name, int code, const char *what)
{
    return err_set(at.detail, code, "key file: %s%s: %s", at.path, name, what);
}

static int take_object(struct place *ret, struct place at, const char *name, const char *path)
{
    const json_t *object = member(at.object, name);
    if (!json_is_object(object))
        return bad(at, name, ERR_INPUT, object ? "not an object" : "missing");
    *ret = (struct place){object, path, at.detail};
    return ERR_OK;
}

static int take_text(const char **ret, struct place at, const char *name)
{
    const json_t *text = member(at.object, name);
    if (!json_is_string(text))
        return bad(at, name, ERR_INPUT, text ? "not a string" : "missing");
    *ret = json_string_value(text);
    return ERR_OK;
}

/* Between 1 and `max`. */
static int take_number(uint32_t *ret, struct place at, const char *name, uint32_t max)
{
    const json_t *number = member(at.object, name);
    if (!json_is_integer(number))
        return bad(at, name, ERR_INPUT, number ? "not a whole number" : "missing");
    if (json_integer_value(number) < 1)
        return bad(at, name, ERR_INPUT, "not positive");
    if (json_integer_value(number) > max)
        return bad(at, name, ERR_LIMIT, "too large");
    *ret = (uint32_t)json_integer_value(number);
    return ERR_OK;
}

/* At most `max` bytes. */
static int take_bytes(uint8_t *ret, size_t *ret_len, size_t max, struct place at, const char *name)
{
    const char *text;
    int status = take_text(&text, at, name);
    if (status)
        return status;
    size_t digits = strlen(text) - (text[0] == '0' && (text[1] | 0x20) == 'x' ? 2 : 0);
    if (digits / 2 > max)
        return bad(at, name, ERR_LIMIT, "too long");
    if (!hex_decode_exact(text, ret, digits / 2))
        return bad(at, name, ERR_INPUT, "not hexadecimal");
    *ret_len = digits / 2;
    return ERR_OK;
}

static int take_exact(uint8_t *ret, size_t len, struct place at, const char *name)
{
    const char *text;
    int status = take_text(&text, at, name);
    if (!status && !hex_decode_exact(text, ret, len))
        status = bad(at, name, ERR_INPUT, "not hexadecimal of the right length");
    return status;
}

static int expect_text(struct place at, const char *name, const char *only)
{
    const char *text;
    int status = take_text(&text, at, name);
    if (!status && strcmp(text, only) != 0)
        status = bad(at, name, ERR_UNSUPPORTED, "not supported");
    return status;
}

static int take_scrypt(struct crypto_keystore *k, struct place at)
{
    const uint32_t max = CRYPTO_KEYSTORE_MAX_SCRYPT_WORK;
    int status = take_number(&k->n, at, "n", max);
    if (!status)
        status = take_number(&k->r, at, "r", max);
    if (!status)
        status = take_number(&k->p, at, "p", max);
    if (status)
        return status;
    /* RFC 7914, section 2: a power of two, over 1. */
    if (k->n < 2 || (k->n & (k->n - 1)) != 0)
        return bad(at, "n", ERR_INPUT, "not a power of two");
    if ((uint64_t)k->n * k->r > max || (uint64_t)k->n * k->r * k->p > max)
        return bad(at, "n", ERR_LIMIT, "n * r * p is too large");
    return ERR_OK;
}

static int take_pbkdf2(struct crypto_keystore *k, struct place at)
{
    int status = expect_text(at, "prf", "hmac-sha256");
    return status ? status : take_number(&k->iterations, at, "c", CRYPTO_KEYSTORE_MAX_PBKDF2_WORK);
}

static int take_kdf(struct crypto_keystore *k, struct place crypto)
{
    const char *name;
    struct place at;
    uint32_t derived_len;
    int status = take_text(&name, crypto, "kdf");
    if (status)
        return status;
    bool scrypt = strcmp(name, "scrypt") == 0;
    if (!scrypt && strcmp(name, "pbkdf2") != 0)
        return bad(crypto, "kdf", ERR_UNSUPPORTED, "neither scrypt nor pbkdf2");
    k->kdf = scrypt ? CRYPTO_KEYSTORE_SCRYPT : CRYPTO_KEYSTORE_PBKDF2;
    status = take_object(&at, crypto, "kdfparams", "crypto.kdfparams.");
    /* Only the first 32 bytes are used, and in both functions a longer output begins with the
     * shorter one. */
    if (!status)
        status = take_number(&derived_len, at, "dklen", INT32_MAX);
    if (!status && derived_len < 32)
        status = bad(at, "dklen", ERR_INPUT, "less than 32");
    if (!status)
        status = take_bytes(k->salt, &k->salt_len, sizeof(k->salt), at, "salt");
    if (!status)
        status = scrypt ? take_scrypt(k, at) : take_pbkdf2(k, at);
    return status;
}

static int take_cipher(struct crypto_keystore *k, struct place crypto)
{
    struct place at;
    int status = expect_text(crypto, "cipher", "aes-128-ctr");
    if (!status)
        status = take_object(&at, crypto, "cipherparams", "crypto.cipherparams.");
    if (!status)
        status = take_exact(k->iv, sizeof(k->iv), at, "iv");
    if (!status)
        status = take_bytes(k->ciphertext, &k->ciphertext_len, sizeof(k->ciphertext), crypto,
                            "ciphertext");
    if (!status && k->ciphertext_len == 0)
        status = bad(crypto, "ciphertext", ERR_INPUT, "empty");
    if (!status)
        status = take_exact(k->mac.b, sizeof(k->mac.b), crypto, "mac");
    return status;
}

/* 8-4-4-4-12 digits. */
static bool read_uuid(uint8_t ret[16], const char *text)
{
    char digits[33];
    size_t at = 0;
    if (strlen(text) != 36)
        return false;
    for (size_t i = 0; i < 36; i++) {
        bool dash = i == 8 || i == 13 || i == 18 || i == 23;
        if ((text[i] == '-') != dash)
            return false;
        if (!dash)
            digits[at++] = text[i];
    }
    digits[at] = 0;
    /* "0x" would be read as a prefix, and leaves too few digits. */
    return hex_decode_exact(digits, ret, 16);
}

static int take_identity(struct crypto_keystore *k, struct place at)
{
    const char *text;
    int status = ERR_OK;
    if (member(at.object, "id")) {
        status = take_text(&text, at, "id");
        if (!status && !read_uuid(k->id, text))
            status = bad(at, "id", ERR_INPUT, "not a UUID");
    }
    const json_t *address = member(at.object, "address");
    k->has_address = address && !(json_is_string(address) && json_string_length(address) == 0);
    if (!status && k->has_address)
        status = take_exact(k->address.b, sizeof(k->address.b), at, "address");
    return status;
}

static int take_file(struct crypto_keystore *k, const json_t *root, struct err_detail *detail)
{
    struct place at = {root, "", detail}, crypto;
    if (!json_is_object(root))
        return err_set(detail, ERR_INPUT, "key file: not a JSON object");
    const json_t *version = member(root, "version");
    if (!version)
        return bad(at, "version", ERR_INPUT, "missing");
    if (!json_is_integer(version) || json_integer_value(version) != 3)
        return bad(at, "version", ERR_UNSUPPORTED, "not 3");
    int status = take_identity(k, at);
    if (!status)
        status = take_object(&crypto, at, "crypto", "crypto.");
    if (!status)
        status = take_cipher(k, crypto);
    if (!status)
        status = take_kdf(k, crypto);
    return status;
}

int crypto_keystore_parse(struct crypto_keystore *ret_keystore, struct bytes text,
                          struct err_detail *detail)
{
    json_error_t error;
    struct crypto_keystore k = {0};
    if (text.len > CRYPTO_KEYSTORE_MAX_TEXT)
        return err_set(detail, ERR_LIMIT, "key file: %zu bytes are too many", text.len);
    json_t *root = json_loadb(text.len ? (const char *)text.data : "", text.len, 0, &error);
    if (!root && json_error_code(&error) == json_error_out_of_memory)
        return err_set(detail, ERR_NOMEM, "key file: %s", err_text(ERR_NOMEM));
    if (!root)
        return err_set(detail, ERR_INPUT, "key file: line %d: %s", error.line,
                       quote_cut(error.text));
    int status = take_file(&k, root, detail);
    json_decref(root);
    if (status == ERR_OK)
        *ret_keystore = k;
    return status;
}

static void append_hex(struct buf *b, const void *data, size_t len)
{
    char *digits = (char *)buf_extend(b, 2 * len);
    if (digits)
        hex_encode(digits, bytes_of(data, len));
}

static void append_uuid(struct buf *b, const uint8_t id[16])
{
    static const size_t groups[] = {4, 2, 2, 2, 6};
    for (size_t i = 0; i < BASE_COUNT(groups); i++) {
        if (i > 0)
            buf_append_byte(b, '-');
        append_hex(b, id, groups[i]);
        id += groups[i];
    }
}

void crypto_keystore_format(struct buf *text, const struct crypto_keystore *keystore)
{
    const struct crypto_keystore *k = keystore;
    buf_append_text(text, "{");
    if (k->has_address) {
        buf_append_text(text, "\"address\":\"");
        append_hex(text, k->address.b, sizeof(k->address.b));
        buf_append_text(text, "\",");
    }
    buf_append_text(text, "\"crypto\":{\"cipher\":\"aes-128-ctr\",\"ciphertext\":\"");
    append_hex(text, k->ciphertext, k->ciphertext_len);
    buf_append_text(text, "\",\"cipherparams\":{\"iv\":\"");
    append_hex(text, k->iv, sizeof(k->iv));
    if (k->kdf == CRYPTO_KEYSTORE_SCRYPT)
        buf_append_format(text,
                          "\"},\"kdf\":\"scrypt\",\"kdfparams\":{\"dklen\":32,\"n\":%u,\"p\":%u,"
                          "\"r\":%u,\"salt\":\"",
                          k->n, k->p, k->r);
    else
        buf_append_format(text,
                          "\"},\"kdf\":\"pbkdf2\",\"kdfparams\":{\"c\":%u,\"dklen\":32,"
                          "\"prf\":\"hmac-sha256\",\"salt\":\"",
                          k->iterations);
    append_hex(text, k->salt, k->salt_len);
    buf_append_text(text, "\"},\"mac\":\"");
    append_hex(text, k->mac.b, sizeof(k->mac.b));
    buf_append_text(text, "\"},\"id\":\"");
    append_uuid(text, k->id);
    buf_append_text(text, "\",\"version\":3}");
}
