/* Payloads and keys in the JSON of the manager, as GoQuorum writes and reads them. */
#include "base/base64.h"
#include "privacy/internal.h"

#include <jansson.h>
#include <stdio.h>

static bool is_zero(const struct hash256 *hash)
{
    static const struct hash256 zero;
    return hash256_equal(hash, &zero);
}

/* --- Writing --- */

/* As Go's encoder: keys are texts of a client, so anything may stand in them. */
static void write_text(struct buf *b, struct bytes text)
{
    buf_append_byte(b, '"');
    for (size_t i = 0; i < text.len; i++) {
        uint8_t c = text.data[i];
        char escaped[8];
        if (c == '"' || c == '\\')
            snprintf(escaped, sizeof(escaped), "\\%c", c);
        else if (c < 0x20 || c == '<' || c == '>' || c == '&')
            snprintf(escaped, sizeof(escaped), "\\u%04x", c);
        else
            snprintf(escaped, sizeof(escaped), "%c", c);
        buf_append_text(b, escaped);
    }
    buf_append_byte(b, '"');
}

static void write_keys(struct buf *b, const struct privacy_keys *keys)
{
    if (keys->is_null) {
        buf_append_text(b, "null");
        return;
    }
    buf_append_byte(b, '[');
    for (size_t i = 0; i < keys->count; i++) {
        if (i)
            buf_append_byte(b, ',');
        write_text(b, keys->keys[i]);
    }
    buf_append_byte(b, ']');
}

void privacy_write_base64(struct buf *b, const void *data, size_t len)
{
    buf_append_byte(b, '"');
    base64_append(b, bytes_of(data, len));
    buf_append_byte(b, '"');
}

/* What /send, /sendsignedtx and /encodedpayload/create have in common, and the end. */
void privacy_write_rest(struct buf *b, const struct privacy_send *in)
{
    char flag[32];
    buf_append_text(b, "\"to\":");
    write_keys(b, &in->to);
    buf_append_text(b, ",\"affectedContractTransactions\":[");
    for (size_t i = 0; i < in->affected_count; i++) {
        if (i)
            buf_append_byte(b, ',');
        privacy_write_base64(b, in->affected[i].b, sizeof(in->affected[i].b));
    }
    buf_append_byte(b, ']');
    if (!is_zero(&in->exec_hash)) {
        buf_append_text(b, ",\"execHash\":");
        privacy_write_base64(b, in->exec_hash.b, sizeof(in->exec_hash.b));
    }
    snprintf(flag, sizeof(flag), ",\"privacyFlag\":%llu", (unsigned long long)in->flag);
    buf_append_text(b, flag);
    buf_append_text(b, ",\"mandatoryRecipients\":");
    write_keys(b, &in->mandatory);
    buf_append_text(b, "}\n");
}

void privacy_write_payload(struct buf *b, struct bytes payload, struct bytes from)
{
    buf_append_text(b, "{\"payload\":");
    privacy_write_base64(b, payload.data, payload.len);
    if (from.len) {
        buf_append_text(b, ",\"from\":");
        write_text(b, from);
    }
}

/* --- Reading --- */

static bool copy_text(struct bytes *ret, const json_t *value, struct arena *arena, int *ret_err)
{
    *ret = bytes_none();
    if (!value || json_is_null(value))
        return true;
    if (!json_is_string(value))
        return false;
    struct bytes text = bytes_of(json_string_value(value), json_string_length(value));
    *ret = arena_copy(arena, text);
    if (!ret->data && text.len)
        *ret_err = ERR_NOMEM;
    return !*ret_err;
}

static bool decode(struct bytes *ret, const json_t *value, struct arena *arena, int *ret_err)
{
    *ret = bytes_none();
    if (!value || json_is_null(value))
        return true;
    if (!json_is_string(value))
        return false;
    struct bytes text = bytes_of(json_string_value(value), json_string_length(value));
    uint8_t *to = arena_alloc(arena, base64_room(text.len) + 1);
    size_t len;
    if (!to)
        *ret_err = ERR_NOMEM;
    if (!to || !base64_decode_into(to, &len, text))
        return false;
    *ret = bytes_of(to, len);
    return true;
}

static bool read_affected(struct chain_payload *p, const json_t *list, struct arena *arena,
                          int *ret_err)
{
    size_t count = json_array_size(list);
    if (list && !json_is_null(list) && !json_is_array(list))
        return false;
    struct chain_payload_hash *affected = arena_alloc(arena, (count + 1) * sizeof(*affected));
    if (!affected) {
        *ret_err = ERR_NOMEM;
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        struct bytes bytes;
        if (!decode(&bytes, json_array_get(list, i), arena, ret_err))
            return false;
        affected[i] = chain_payload_hash_of(bytes);
    }
    p->affected = affected;
    p->affected_count = count;
    return true;
}

static bool read_parties(struct chain_payload *p, const json_t *list, struct arena *arena,
                         int *ret_err)
{
    size_t count = json_array_size(list);
    if (list && !json_is_null(list) && !json_is_array(list))
        return false;
    struct bytes *parties = arena_alloc(arena, (count + 1) * sizeof(*parties));
    if (!parties) {
        *ret_err = ERR_NOMEM;
        return false;
    }
    for (size_t i = 0; i < count; i++)
        if (!copy_text(&parties[i], json_array_get(list, i), arena, ret_err))
            return false;
    p->managed_parties = parties;
    p->managed_count = count;
    return true;
}

static bool read_payload(struct chain_payload *p, const json_t *json, struct arena *arena,
                         int *ret_err)
{
    struct bytes root;
    const json_t *flag = json_object_get(json, "privacyFlag");
    *p = (struct chain_payload){.is_party = true};
    if (!json_is_object(json) || (flag && (!json_is_integer(flag) || json_integer_value(flag) < 0)))
        return false;
    p->flag = (uint64_t)json_integer_value(flag);
    if (!decode(&p->data, json_object_get(json, "payload"), arena, ret_err) ||
        !decode(&root, json_object_get(json, "execHash"), arena, ret_err) ||
        !copy_text(&p->sender, json_object_get(json, "senderKey"), arena, ret_err) ||
        !read_affected(p, json_object_get(json, "affectedContractTransactions"), arena, ret_err) ||
        !read_parties(p, json_object_get(json, "managedParties"), arena, ret_err))
        return false;
    size_t len = root.len < 32 ? root.len : 32;
    if (len)
        memcpy(p->exec_hash.b + 32 - len, root.data + root.len - len, len);
    return true;
}

bool privacy_parse_payload(struct chain_payload *ret_payload, struct bytes json,
                           struct arena *arena, int *ret_err)
{
    json_error_t error;
    *ret_err = 0;
    json_t *parsed = json_loadb((const char *)json.data, json.len, JSON_DISABLE_EOF_CHECK, &error);
    bool good = parsed && read_payload(ret_payload, parsed, arena, ret_err);
    json_decref(parsed);
    return good;
}

/* The `key` of an answer; with a payload, what else it says of it. */
int privacy_read_key(struct chain_payload_hash *ret_hash, const struct privacy_answer *answer,
                     struct chain_payload *said, struct arena *arena, const char *path,
                     struct err_detail *detail)
{
    json_error_t error;
    int err = 0;
    struct bytes key = bytes_none(), body = buf_bytes(&answer->body);
    json_t *json = json_loadb((const char *)body.data, body.len, JSON_DISABLE_EOF_CHECK, &error);
    bool good = json && decode(&key, json_object_get(json, "key"), arena, &err) &&
                copy_text(&said->sender, json_object_get(json, "senderKey"), arena, &err) &&
                read_parties(said, json_object_get(json, "managedParties"), arena, &err);
    json_decref(json);
    if (err)
        return err_set(detail, err, "out of memory");
    if (!good || key.len == 0)
        return err_set(detail, PRIVACY_FAILED,
                       "unable to decode response body for (method:POST,path:%s). Cause: %s", path,
                       json ? "no base64 key" : error.text);
    *ret_hash = chain_payload_hash_of(key);
    return 0;
}
