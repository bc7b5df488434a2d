#include "evmtool/json.h"

#include "base/file.h"
#include "base/hex.h"

#include <string.h>

int evmtool_json_load(json_t **ret_json, const char *path, struct err_detail *detail)
{
    struct buf b = BUF_INIT;
    json_error_t error;
    int status = file_read(path, EVMTOOL_JSON_MAX, &b, detail);
    if (status == ERR_OK) {
        json_t *json = json_loadb((const char *)b.data, b.len,
                                  JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &error);
        if (json)
            *ret_json = json;
        else
            status = err_set(detail, ERR_INPUT, "%s:%d:%d: not JSON: %s", path, error.line,
                             error.column, error.text);
    }
    buf_release(&b);
    return status;
}

int evmtool_json_member(const json_t **ret_member, const json_t *object, const char *key,
                        struct err_detail *detail)
{
    const json_t *member = json_object_get(object, key);
    if (!member)
        return err_set(detail, ERR_INPUT, "%s is missing", key);
    *ret_member = member;
    return ERR_OK;
}

/* "not a …: <value>", the value cut to what a line can hold. */
static int refuse(const json_t *value, const char *key, const char *wanted,
                  struct err_detail *detail)
{
    const char *text = json_string_value(value);
    if (!text)
        return err_set(detail, ERR_INPUT, "%s: must be %s", key, wanted);
    return err_set(detail, ERR_INPUT, "%s: must be %s, not \"%.80s\"", key, wanted, text);
}

int evmtool_json_u256(struct u256 *ret_value, const json_t *value, const char *key,
                      struct err_detail *detail)
{
    if (json_is_integer(value) && json_integer_value(value) >= 0) {
        *ret_value = u256_from((uint64_t)json_integer_value(value));
        return ERR_OK;
    }
    const char *text = json_string_value(value);
    if (text && strcmp(text, "0x") == 0) { /* how several tools write zero */
        *ret_value = u256_from(0);
        return ERR_OK;
    }
    if (!text || !hex_u256(text, ret_value))
        return refuse(value, key, "a number of at most 256 bits, 0x… or decimal", detail);
    return ERR_OK;
}

int evmtool_json_u64(uint64_t *ret_value, const json_t *value, const char *key,
                     struct err_detail *detail)
{
    struct u256 wide;
    if (evmtool_json_u256(&wide, value, key, NULL) != ERR_OK || !u256_is_u64(&wide))
        return refuse(value, key, "a number of at most 64 bits, 0x… or decimal", detail);
    *ret_value = wide.w[0];
    return ERR_OK;
}

int evmtool_json_hash(struct hash256 *ret_hash, const json_t *value, const char *key,
                      struct err_detail *detail)
{
    const char *text = json_string_value(value);
    struct hash256 hash;
    if (!text || !hex_decode_exact(text, hash.b, sizeof(hash.b)))
        return refuse(value, key, "32 bytes in hexadecimal", detail);
    *ret_hash = hash;
    return ERR_OK;
}

int evmtool_json_address(struct address *ret_address, const json_t *value, const char *key,
                         struct err_detail *detail)
{
    const char *text = json_string_value(value);
    struct address address;
    if (!text || !hex_decode_exact(text, address.b, sizeof(address.b)))
        return refuse(value, key, "an address: 20 bytes in hexadecimal", detail);
    *ret_address = address;
    return ERR_OK;
}

int evmtool_json_bytes(struct bytes *ret_bytes, const json_t *value, const char *key,
                       struct arena *arena, struct err_detail *detail)
{
    const char *text = json_string_value(value);
    if (!text)
        return refuse(value, key, "bytes in hexadecimal", detail);
    if (text[0] == '0' && (text[1] == 'x' || text[1] == 'X'))
        text += 2;
    size_t len = strlen(text) / 2;
    uint8_t *data = arena_alloc(arena, len);
    if (!data)
        return err_set(detail, ERR_NOMEM, "%s: out of memory", key);
    if (!hex_decode_exact(text, data, len))
        return refuse(value, key, "bytes in hexadecimal", detail);
    *ret_bytes = bytes_of(data, len);
    return ERR_OK;
}

int evmtool_json_need_u256(struct u256 *ret_value, const json_t *object, const char *key,
                           struct err_detail *detail)
{
    const json_t *member = NULL;
    int status = evmtool_json_member(&member, object, key, detail);
    return status ? status : evmtool_json_u256(ret_value, member, key, detail);
}

int evmtool_json_need_u64(uint64_t *ret_value, const json_t *object, const char *key,
                          struct err_detail *detail)
{
    const json_t *member = NULL;
    int status = evmtool_json_member(&member, object, key, detail);
    return status ? status : evmtool_json_u64(ret_value, member, key, detail);
}

/* The member unless it is missing or null. */
static const json_t *optional(bool *ret_present, const json_t *object, const char *key)
{
    const json_t *member = json_object_get(object, key);
    *ret_present = member && !json_is_null(member);
    return *ret_present ? member : NULL;
}

int evmtool_json_may_u256(bool *ret_present, struct u256 *ret_value, const json_t *object,
                          const char *key, struct err_detail *detail)
{
    const json_t *member = optional(ret_present, object, key);
    return member ? evmtool_json_u256(ret_value, member, key, detail) : ERR_OK;
}

int evmtool_json_may_u64(bool *ret_present, uint64_t *ret_value, const json_t *object,
                         const char *key, struct err_detail *detail)
{
    const json_t *member = optional(ret_present, object, key);
    return member ? evmtool_json_u64(ret_value, member, key, detail) : ERR_OK;
}

int evmtool_json_may_hash(bool *ret_present, struct hash256 *ret_hash, const json_t *object,
                          const char *key, struct err_detail *detail)
{
    const json_t *member = optional(ret_present, object, key);
    return member ? evmtool_json_hash(ret_hash, member, key, detail) : ERR_OK;
}

int evmtool_json_may_address(bool *ret_present, struct address *ret_address, const json_t *object,
                             const char *key, struct err_detail *detail)
{
    const json_t *member = optional(ret_present, object, key);
    return member ? evmtool_json_address(ret_address, member, key, detail) : ERR_OK;
}

json_t *evmtool_json_from_bytes(struct bytes data)
{
    struct buf b = BUF_INIT;
    hex_append(&b, data);
    json_t *json = buf_status(&b) ? NULL : json_stringn((const char *)b.data, b.len);
    buf_release(&b);
    return json;
}

json_t *evmtool_json_from_u256(const struct u256 *value)
{
    char text[67];
    hex_format_u256(text, value);
    return json_string(text);
}

json_t *evmtool_json_from_u64(uint64_t value)
{
    struct u256 wide = u256_from(value);
    return evmtool_json_from_u256(&wide);
}
