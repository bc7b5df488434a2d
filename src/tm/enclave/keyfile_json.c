#include "tm/enclave/keyfile.h"

#include "base/base64.h"
#include "base/mem.h"
#include "base/quote.h"

#include <jansson.h>

/* Decodes the base64 text of a member into an array of `max` bytes. */
static int read_bytes(uint8_t *ret_data, size_t *ret_len, const json_t *object, const char *name,
                      size_t max, struct err_detail *detail)
{
    const json_t *member = json_object_get(object, name);
    if (!json_is_string(member))
        return err_set(detail, ERR_INPUT, "data.%s: missing, or not text", name);
    struct bytes text = bytes_of(json_string_value(member), json_string_length(member));
    if (text.len > base64_length(max))
        return err_set(detail, ERR_INPUT, "data.%s: longer than %zu bytes", name, max);
    uint8_t room[TM_ENCRYPTOR_PRIVATE_MAX + TM_ENCRYPTOR_MAC + 8];
    size_t len = 0;
    static_assert((int)TM_KEYFILE_MAX_SALT <= (int)TM_ENCRYPTOR_PRIVATE_MAX,
                  "all members fit the room");
    bool good = base64_decode_into(room, &len, text) && len <= max;
    if (good) {
        memcpy(ret_data, room, len);
        *ret_len = len;
    }
    mem_wipe(room, sizeof(room));
    return good ? 0
                : err_set(detail, ERR_INPUT, "data.%s: not base64 of at most %zu bytes", name, max);
}

/* Numbers may stand as text, as in configurations. */
static int read_number(uint32_t *ret_value, const json_t *object, const char *name,
                       struct err_detail *detail)
{
    const json_t *member = json_object_get(object, name);
    json_int_t value = -1;
    if (json_is_integer(member)) {
        value = json_integer_value(member);
    } else if (json_is_string(member)) {
        char *end;
        const char *text = json_string_value(member);
        value = strtoll(text, &end, 10);
        if (*text < '0' || *text > '9' || *end)
            value = -1;
    }
    if (value < 0 || value > UINT32_MAX)
        return err_set(detail, ERR_INPUT, "%s: missing, or not a number of 32 bits", name);
    *ret_value = (uint32_t)value;
    return 0;
}

static int read_options(struct crypto_argon2 *ret_options, bool *ret_says_version,
                        const json_t *object, struct err_detail *detail)
{
    struct crypto_argon2 o = {.version = 0x13};
    const char *variant = json_string_value(json_object_get(object, "variant"));
    if (!variant)
        variant = json_string_value(json_object_get(object, "algorithm"));
    if (!variant || !crypto_argon2_variant_parse(&o.variant, variant))
        return err_set(detail, ERR_INPUT, "variant: missing, or not i, d or id");
    int status = read_number(&o.iterations, object, "iterations", detail);
    if (status == 0)
        status = read_number(&o.memory, object, "memory", detail);
    if (status == 0)
        status = read_number(&o.parallelism, object, "parallelism", detail);
    const json_t *version = json_object_get(object, "version");
    if (status == 0 && version) {
        const char *text = json_string_value(version);
        if (text && strcmp(text, "1.0") == 0)
            o.version = 0x10;
        else if (!text || strcmp(text, "1.3") != 0)
            status = err_set(detail, ERR_INPUT, "version: not \"1.0\" or \"1.3\"");
    }
    if (status == 0)
        status = crypto_argon2_check(&o, detail);
    if (status < 0)
        return status;
    *ret_options = o;
    if (ret_says_version)
        *ret_says_version = version != NULL;
    return 0;
}

static int read_locked(struct tm_keyfile *k, const json_t *data, struct err_detail *detail)
{
    int status = read_bytes(k->nonce, &k->nonce_len, data, "snonce", sizeof(k->nonce), detail);
    if (status == 0)
        status = read_bytes(k->salt, &k->salt_len, data, "asalt", sizeof(k->salt), detail);
    if (status == 0)
        status = read_bytes(k->box, &k->box_len, data, "sbox", sizeof(k->box), detail);
    if (status < 0)
        return status;
    status = read_options(&k->argon2, &k->says_version, json_object_get(data, "aopts"), detail);
    if (status < 0)
        return err_prefix(detail, status, "data.aopts");
    return k->salt_len < 8 ? err_set(detail, ERR_INPUT, "data.asalt: shorter than 8 bytes") : 0;
}

static int read_file(struct tm_keyfile *k, const json_t *root, struct err_detail *detail)
{
    const char *type = json_string_value(json_object_get(root, "type"));
    const json_t *data = json_object_get(root, "data");
    if (!type)
        return err_set(detail, ERR_INPUT, "type: missing, or not text");
    if (!json_is_object(data))
        return err_set(detail, ERR_INPUT, "data: missing, or not an object");
    k->locked = strcmp(type, "argon2sbox") == 0;
    if (!k->locked && strcmp(type, "unlocked") != 0)
        return err_set(detail, ERR_UNSUPPORTED,
                       "type: \"%s\" is not known, only unlocked and argon2sbox", type);
    return k->locked
               ? read_locked(k, data, detail)
               : read_bytes(k->box, &k->box_len, data, "bytes", TM_ENCRYPTOR_PRIVATE_MAX, detail);
}

/* The parsed text; NULL with *ret_status set. */
static json_t *load(int *ret_status, struct bytes text, struct err_detail *detail)
{
    json_error_t error;
    if (text.len > TM_KEYFILE_MAX_TEXT) {
        *ret_status = err_set(detail, ERR_LIMIT, "more than %d bytes", TM_KEYFILE_MAX_TEXT);
        return NULL;
    }
    json_t *root = json_loadb(text.len ? (const char *)text.data : "", text.len, 0, &error);
    if (root)
        return root;
    *ret_status = json_error_code(&error) == json_error_out_of_memory
                      ? err_set(detail, ERR_NOMEM, "out of memory")
                      : err_set(detail, ERR_INPUT, "not JSON: line %d, column %d: %s", error.line,
                                error.column, quote_cut(error.text));
    return NULL;
}

int tm_keyfile_parse(struct tm_keyfile *ret_keyfile, struct bytes text, struct err_detail *detail)
{
    struct tm_keyfile keyfile = {0};
    int status;
    json_t *root = load(&status, text, detail);
    if (!root)
        return status;
    status = read_file(&keyfile, root, detail);
    json_decref(root);
    if (status == 0)
        *ret_keyfile = keyfile;
    mem_wipe(&keyfile, sizeof(keyfile));
    return status;
}

int tm_keyfile_parse_options(struct crypto_argon2 *ret_options, struct bytes text,
                             struct err_detail *detail)
{
    int status;
    json_t *root = load(&status, text, detail);
    if (!root)
        return status;
    status = read_options(ret_options, NULL, root, detail);
    json_decref(root);
    return status;
}

static void write_bytes(struct buf *text, const char *name, const uint8_t *data, size_t len,
                        const char *end)
{
    buf_append_format(text, "      \"%s\" : \"", name);
    base64_append(text, bytes_of(data, len));
    buf_append_format(text, "\"%s\n", end);
}

void tm_keyfile_format(struct buf *text, const struct tm_keyfile *k)
{
    buf_append_format(text, "{\n   \"type\" : \"%s\",\n   \"data\" : {\n",
                      k->locked ? "argon2sbox" : "unlocked");
    if (!k->locked) {
        write_bytes(text, "bytes", k->box, k->box_len, "");
    } else {
        const struct crypto_argon2 *o = &k->argon2;
        write_bytes(text, "snonce", k->nonce, k->nonce_len, ",");
        write_bytes(text, "asalt", k->salt, k->salt_len, ",");
        write_bytes(text, "sbox", k->box, k->box_len, ",");
        buf_append_format(text,
                          "      \"aopts\" : {\n         \"variant\" : \"%s\",\n"
                          "         \"iterations\" : %u,\n         \"memory\" : %u,\n"
                          "         \"parallelism\" : %u",
                          crypto_argon2_variant_name(o->variant), o->iterations, o->memory,
                          o->parallelism);
        if (k->says_version)
            buf_append_format(text, ",\n         \"version\" : \"%s\"",
                              o->version == 0x10 ? "1.0" : "1.3");
        buf_append_text(text, "\n      }\n");
    }
    buf_append_text(text, "   }\n}");
}
