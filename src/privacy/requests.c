/* The requests, as GoQuorum writes them. */
#include "base/base64.h"
#include "privacy/internal.h"

#include <ctype.h>
#include <jansson.h>
#include <stdio.h>

enum { PATH_MAX_LEN = 512 };

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

static void write_base64(struct buf *b, const void *data, size_t len)
{
    buf_append_byte(b, '"');
    base64_append(b, bytes_of(data, len));
    buf_append_byte(b, '"');
}

/* What /send, /sendsignedtx and /encodedpayload/create have in common, and the end. */
static void write_rest(struct buf *b, const struct privacy_send *in)
{
    char flag[32];
    buf_append_text(b, "\"to\":");
    write_keys(b, &in->to);
    buf_append_text(b, ",\"affectedContractTransactions\":[");
    for (size_t i = 0; i < in->affected_count; i++) {
        if (i)
            buf_append_byte(b, ',');
        write_base64(b, in->affected[i].b, sizeof(in->affected[i].b));
    }
    buf_append_byte(b, ']');
    if (!is_zero(&in->exec_hash)) {
        buf_append_text(b, ",\"execHash\":");
        write_base64(b, in->exec_hash.b, sizeof(in->exec_hash.b));
    }
    snprintf(flag, sizeof(flag), ",\"privacyFlag\":%llu", (unsigned long long)in->flag);
    buf_append_text(b, flag);
    buf_append_text(b, ",\"mandatoryRecipients\":");
    write_keys(b, &in->mandatory);
    buf_append_text(b, "}\n");
}

static void write_payload(struct buf *b, struct bytes payload, struct bytes from)
{
    buf_append_text(b, "{\"payload\":");
    write_base64(b, payload.data, payload.len);
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
static int read_key(struct chain_payload_hash *ret_hash, const struct privacy_answer *answer,
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

/* --- Sending --- */

static int check_features(const struct privacy_tm *tm, uint64_t flag, struct err_detail *detail)
{
    if (flag != CHAIN_STANDARD_PRIVATE && !privacy_has(tm, PRIVACY_ENHANCEMENTS))
        return err_set(detail, PRIVACY_FAILED,
                       "private transaction manager does not support privacy enhancements");
    if (flag == CHAIN_MANDATORY_RECIPIENTS && !privacy_has(tm, PRIVACY_MANDATORY))
        return err_set(detail, PRIVACY_FAILED,
                       "private transaction manager does not support mandatory recipients");
    return 0;
}

static int post(struct privacy_tm *tm, struct chain_payload_hash *ret_hash, const char *path,
                struct buf *body, struct chain_payload *said, struct arena *arena,
                struct err_detail *detail)
{
    struct privacy_answer answer = {.body = BUF_INIT};
    int err = buf_status(body);
    if (!err)
        err = privacy_ask_json(tm, &answer, "POST", path, buf_bytes(body), detail);
    if (!err)
        err = read_key(ret_hash, &answer, said, arena, path, detail);
    buf_release(&answer.body);
    buf_release(body);
    return err;
}

static void describe(struct chain_payload *said, struct bytes payload,
                     const struct privacy_send *in)
{
    said->is_party = true;
    said->data = payload;
    said->flag = in->flag;
    said->affected = in->affected;
    said->affected_count = in->affected_count;
    said->exec_hash = in->exec_hash;
}

static void join_keys(struct buf *b, const struct privacy_keys *keys)
{
    for (size_t i = 0; i < keys->count; i++) {
        if (i)
            buf_append_byte(b, ',');
        buf_append_bytes(b, keys->keys[i]);
    }
    buf_append_byte(b, '\0');
}

/* Constellation, and Tessera before 2.0, say by headers to whom; the answer is the key's base64. */
static int post_plain(struct privacy_tm *tm, struct chain_payload_hash *ret_hash, const char *path,
                      struct bytes body, const struct privacy_send *in, struct err_detail *detail)
{
    struct buf to = BUF_INIT, from = BUF_INIT, key = BUF_INIT;
    struct privacy_answer answer = {.body = BUF_INIT};
    join_keys(&to, &in->to);
    buf_append_bytes(&from, in->from);
    buf_append_byte(&from, '\0');
    const struct privacy_field fields[] = {
        {"User-Agent", "Go-http-client/1.1"},
        {"c11n-to", buf_status(&to) ? "" : (char *)to.data},
        {"Content-Type", "application/octet-stream"},
        {"c11n-from", buf_status(&from) ? "" : (char *)from.data}};
    const struct privacy_request request = {.method = "POST",
                                            .path = path,
                                            .fields = fields,
                                            .field_count = in->from.len ? 4 : 3,
                                            .body = body,
                                            .has_body = true};
    int err = buf_status(&to) ? buf_status(&to) : buf_status(&from);
    if (!err)
        err = privacy_ask(tm, &answer, &request, detail);
    if (!err && base64_decode(&key, buf_bytes(&answer.body)))
        err = err_set(detail, PRIVACY_FAILED, "the transaction manager's answer is no base64 key");
    if (!err)
        *ret_hash = chain_payload_hash_of(buf_bytes(&key));
    buf_release(&to);
    buf_release(&from);
    buf_release(&key);
    buf_release(&answer.body);
    return err;
}

int privacy_send(struct privacy_tm *tm, struct chain_payload_hash *ret_hash,
                 const struct privacy_send *in, struct err_detail *detail)
{
    struct buf body = BUF_INIT;
    struct chain_payload said = {.is_party = true};
    struct arena arena;
    int err = check_features(tm, in->flag, detail);
    if (err)
        return err;
    arena_init(&arena);
    if (tm->is_tessera) {
        write_payload(&body, in->payload, in->from);
        buf_append_byte(&body, ',');
        write_rest(&body, in);
        err = post(tm, ret_hash, "/send", &body, &said, &arena, detail);
    } else {
        err = post_plain(tm, ret_hash, "/sendraw", in->payload, in, detail);
    }
    if (!err) {
        describe(&said, in->payload, in);
        privacy_cache_keep(tm, ret_hash, false, &said);
    }
    arena_release(&arena);
    return err;
}

static int unsupported(struct err_detail *detail)
{
    return err_set(detail, PRIVACY_FAILED,
                   "private transaction manager does not support this operation");
}

int privacy_store_raw(struct privacy_tm *tm, struct chain_payload_hash *ret_hash,
                      struct bytes payload, struct bytes from, struct err_detail *detail)
{
    struct buf body = BUF_INIT;
    struct chain_payload said = {.is_party = true};
    struct arena arena;
    if (!tm->is_tessera)
        return unsupported(detail);
    arena_init(&arena);
    write_payload(&body, payload, from);
    buf_append_text(&body, "}\n");
    int err = post(tm, ret_hash, "/storeraw", &body, &said, &arena, detail);
    if (!err) {
        said = (struct chain_payload){.is_party = true, .data = payload, .sender = from};
        privacy_cache_keep(tm, ret_hash, true, &said);
    }
    arena_release(&arena);
    return err;
}

int privacy_send_signed(struct privacy_tm *tm, const struct chain_payload_hash *hash,
                        const struct privacy_send *in, struct err_detail *detail)
{
    struct buf body = BUF_INIT;
    struct chain_payload said = {.is_party = true}, raw;
    struct chain_payload_hash answered;
    struct arena arena;
    int err = tm->is_tessera ? check_features(tm, in->flag, detail) : unsupported(detail);
    if (err)
        return err;
    arena_init(&arena);
    if (privacy_has(tm, PRIVACY_ENHANCEMENTS)) {
        buf_append_text(&body, "{\"hash\":");
        write_base64(&body, hash->b, sizeof(hash->b));
        buf_append_byte(&body, ',');
        write_rest(&body, in);
        err = post(tm, &answered, "/sendsignedtx", &body, &said, &arena, detail);
    } else {
        err = post_plain(tm, &answered, "/sendsignedtx", bytes_of(hash->b, sizeof(hash->b)), in,
                         detail);
    }
    int ignored;
    if (!err && privacy_cache_find(tm, &raw, &ignored, hash, true, &arena) && !ignored) {
        describe(&said, raw.data, in);
        privacy_cache_keep(tm, hash, false, &said);
        privacy_cache_drop(tm, hash, true);
    }
    arena_release(&arena);
    return err;
}

/* --- Asking --- */

/* url.PathEscape of base64: of its characters only '/' is escaped. */
static void transaction_path(char ret_path[PATH_MAX_LEN], const struct chain_payload_hash *hash,
                             const char *rest)
{
    char text[96] = {0};
    size_t len = 0;
    base64_encode(text, bytes_of(hash->b, sizeof(hash->b)));
    len += (size_t)snprintf(ret_path, PATH_MAX_LEN, "/transaction/");
    for (const char *p = text; *p; p++)
        len += (size_t)snprintf(ret_path + len, PATH_MAX_LEN - len, *p == '/' ? "%%2F" : "%c", *p);
    snprintf(ret_path + len, PATH_MAX_LEN - len, "%s", rest);
}

/* *ret_none: it says that it has nothing under the hash. */
static int receive_json(struct privacy_tm *tm, struct chain_payload *ret_payload, bool *ret_none,
                        const struct chain_payload_hash *hash, bool raw, struct arena *arena,
                        struct err_detail *detail)
{
    char path[PATH_MAX_LEN];
    struct privacy_answer answer;
    transaction_path(path, hash, raw ? "?isRaw=true" : "?isRaw=false");
    int err = privacy_ask_json(tm, &answer, "GET", path, bytes_none(), detail);
    *ret_none = err == PRIVACY_FAILED && answer.status == 404;
    if (*ret_none)
        err = 0;
    else if (!err && !privacy_parse_payload(ret_payload, buf_bytes(&answer.body), arena, &err) &&
             !err)
        err = err_set(detail, PRIVACY_FAILED,
                      "unable to decode response body for (method:GET,path:%s). Cause: it is no "
                      "payload",
                      path);
    buf_release(&answer.body);
    return err;
}

/* Constellation: any status but 200 is "not a party" in the reference; here only those that say so. */
static int receive_plain(struct privacy_tm *tm, struct chain_payload *ret_payload, bool *ret_none,
                         const struct chain_payload_hash *hash, struct arena *arena,
                         struct err_detail *detail)
{
    char key[96] = {0};
    struct privacy_answer answer;
    base64_encode(key, bytes_of(hash->b, sizeof(hash->b)));
    const struct privacy_field fields[] = {{"User-Agent", "Go-http-client/1.1"}, {"c11n-key", key}};
    const struct privacy_request request = {
        .method = "GET", .path = "/receiveraw", .fields = fields, .field_count = 2};
    int err = privacy_ask(tm, &answer, &request, detail);
    *ret_none = err == PRIVACY_FAILED && answer.status >= 400 && answer.status < 500;
    if (*ret_none)
        err = 0;
    if (!err && !*ret_none) {
        *ret_payload = (struct chain_payload){.is_party = true,
                                              .data = arena_copy(arena, buf_bytes(&answer.body))};
        err = ret_payload->data.data || answer.body.len == 0 ? 0 : ERR_NOMEM;
    }
    buf_release(&answer.body);
    return err;
}

static int receive_once(struct privacy_tm *tm, struct chain_payload *ret_payload,
                        const struct chain_payload_hash *hash, bool raw, struct arena *arena,
                        struct err_detail *detail)
{
    bool none = false;
    struct chain_payload payload = {.is_party = false};
    int err = tm->is_tessera ? receive_json(tm, &payload, &none, hash, raw, arena, detail)
                             : receive_plain(tm, &payload, &none, hash, arena, detail);
    if (err)
        return err;
    if (none)
        payload = (struct chain_payload){.is_party = false};
    if (raw)
        payload.flag = payload.affected_count = 0;
    if (payload.is_party)
        privacy_cache_keep(tm, hash, raw, &payload);
    *ret_payload = payload;
    return 0;
}

static int receive(struct privacy_tm *tm, struct chain_payload *ret_payload,
                   const struct chain_payload_hash *hash, bool raw, struct arena *arena,
                   unsigned tries, struct err_detail *detail)
{
    int err = 0;
    *ret_payload = (struct chain_payload){.is_party = false};
    if (chain_payload_hash_is_zero(hash) ||
        privacy_cache_find(tm, ret_payload, &err, hash, raw, arena))
        return err;
    for (unsigned i = 1;; i++) {
        err = receive_once(tm, ret_payload, hash, raw, arena, detail);
        if (err != PRIVACY_FAILED || i >= tries)
            return err;
        if (privacy_pause(tm, PRIVACY_RETRY_MS))
            return err;
    }
}

int privacy_receive(struct privacy_tm *tm, struct chain_payload *ret_payload,
                    const struct chain_payload_hash *hash, bool raw, struct arena *arena,
                    struct err_detail *detail)
{
    return receive(tm, ret_payload, hash, raw, arena, PRIVACY_TRIES, detail);
}

int privacy_receive_once(struct privacy_tm *tm, struct chain_payload *ret_payload,
                         const struct chain_payload_hash *hash, struct arena *arena,
                         struct err_detail *detail)
{
    return receive(tm, ret_payload, hash, false, arena, 1, detail);
}

static void tell(struct privacy_tm *tm, enum privacy_event event, const char *text)
{
    if (tm->options.event)
        tm->options.event(tm->options.context, event, text);
}

/* A manager that does not answer holds the block up; it never makes this node "not a party". */
static int receive_for_block(void *context, struct chain_payload *ret_payload,
                             const struct chain_payload_hash *hash, struct arena *arena)
{
    struct privacy_tm *tm = context;
    struct err_detail detail = {""};
    if (privacy_ahead_is_none(tm, hash)) {
        *ret_payload = (struct chain_payload){.is_party = false};
        return 0;
    }
    for (unsigned failures = 0;;) {
        int err = receive(tm, ret_payload, hash, false, arena, 1, &detail);
        if (!err && failures)
            tell(tm, PRIVACY_BACK, "");
        if (err != PRIVACY_FAILED)
            return err;
        failures++;
        tell(tm, PRIVACY_UNREACHABLE, detail.text);
        if (tm->options.exit_on_failure && failures == PRIVACY_TRIES) {
            tell(tm, PRIVACY_GIVEN_UP, detail.text);
            return ERR_BUSY;
        }
        if (privacy_pause(tm, PRIVACY_RETRY_MS))
            return ERR_BUSY;
    }
}

struct chain_payloads privacy_payloads(struct privacy_tm *tm)
{
    return (struct chain_payloads){tm, receive_for_block, privacy_is_own_vote, privacy_expect};
}

/* A text about a payload: "true", or keys with commas. */
static int ask_text(struct privacy_tm *tm, struct privacy_answer *ret_answer,
                    const struct chain_payload_hash *hash, const char *what,
                    struct err_detail *detail)
{
    static const struct privacy_field fields[] = {{"User-Agent", "Go-http-client/1.1"}};
    char path[PATH_MAX_LEN];
    *ret_answer = (struct privacy_answer){.body = BUF_INIT};
    if (!tm->is_tessera)
        return unsupported(detail);
    transaction_path(path, hash, what);
    const struct privacy_request request = {
        .method = "GET", .path = path, .fields = fields, .field_count = 1};
    return privacy_ask(tm, ret_answer, &request, detail);
}

int privacy_is_sender(struct privacy_tm *tm, bool *ret_sender,
                      const struct chain_payload_hash *hash, struct err_detail *detail)
{
    struct privacy_answer answer;
    int err = ask_text(tm, &answer, hash, "/isSender", detail);
    *ret_sender = !err && bytes_equal(buf_bytes(&answer.body), bytes_str("true"));
    if (err == PRIVACY_FAILED && answer.status == 404)
        err = 0;
    buf_release(&answer.body);
    return err;
}

static int ask_keys(struct privacy_tm *tm, struct privacy_keys *ret_keys,
                    const struct chain_payload_hash *hash, const char *what, struct arena *arena,
                    struct err_detail *detail)
{
    struct privacy_answer answer;
    int err = ask_text(tm, &answer, hash, what, detail);
    struct bytes text = err ? bytes_none() : arena_copy(arena, buf_bytes(&answer.body));
    size_t count = text.len > 0;
    for (size_t i = 0; i < text.len; i++)
        count += text.data[i] == ',';
    struct bytes *keys = arena_alloc(arena, (count + 1) * sizeof(*keys));
    if (!err && (!keys || (!text.data && answer.body.len)))
        err = ERR_NOMEM;
    buf_release(&answer.body);
    if (err)
        return err;
    for (size_t i = 0, at = 0; i < count; i++) {
        size_t from = at;
        while (at < text.len && text.data[at] != ',')
            at++;
        keys[i] = bytes_slice(text, from, at - from);
        at++;
    }
    *ret_keys = (struct privacy_keys){keys, count, false};
    return 0;
}

int privacy_participants(struct privacy_tm *tm, struct privacy_keys *ret_keys,
                         const struct chain_payload_hash *hash, struct arena *arena,
                         struct err_detail *detail)
{
    return ask_keys(tm, ret_keys, hash, "/participants", arena, detail);
}

int privacy_mandatory(struct privacy_tm *tm, struct privacy_keys *ret_keys,
                      const struct chain_payload_hash *hash, struct arena *arena,
                      struct err_detail *detail)
{
    return ask_keys(tm, ret_keys, hash, "/mandatory", arena, detail);
}

/* --- Encoded payloads --- */

static int append(const char *text, size_t len, void *context)
{
    buf_append(context, text, len);
    return 0;
}

int privacy_encrypt(struct privacy_tm *tm, struct buf *json, const struct privacy_send *in,
                    struct err_detail *detail)
{
    static const char *const names[] = {"senderKey",      "cipherText",     "cipherTextNonce",
                                        "recipientBoxes", "recipientNonce", "recipientKeys"};
    struct buf body = BUF_INIT;
    struct privacy_answer answer = {.body = BUF_INIT};
    json_error_t error;
    if (!tm->is_tessera)
        return unsupported(detail);
    write_payload(&body, in->payload, in->from);
    buf_append_byte(&body, ',');
    write_rest(&body, in);
    int err = buf_status(&body);
    if (!err)
        err = privacy_ask_json(tm, &answer, "POST", "/encodedpayload/create", buf_bytes(&body),
                               detail);
    json_t *whole = err ? NULL
                        : json_loadb((const char *)answer.body.data, answer.body.len,
                                     JSON_DISABLE_EOF_CHECK, &error);
    if (!err && !whole)
        err =
            err_set(detail, PRIVACY_FAILED,
                    "unable to decode response body for (method:POST,path:/encodedpayload/create). "
                    "Cause: %s",
                    error.text);
    for (size_t i = 0; i < BASE_COUNT(names) && !err; i++) {
        buf_append_text(json, i ? ",\"" : "{\"");
        buf_append_text(json, names[i]);
        buf_append_text(json, "\":");
        if (json_dump_callback(json_object_get(whole, names[i]), append, json,
                               JSON_COMPACT | JSON_ENCODE_ANY))
            buf_append_text(json, "null");
    }
    if (!err) {
        buf_append_byte(json, '}');
        err = buf_status(json);
    }
    json_decref(whole);
    buf_release(&answer.body);
    buf_release(&body);
    return err;
}

int privacy_decrypt(struct privacy_tm *tm, struct chain_payload *ret_payload, struct bytes json,
                    struct arena *arena, struct err_detail *detail)
{
    struct privacy_answer answer;
    if (!tm->is_tessera)
        return unsupported(detail);
    int err = privacy_ask_json(tm, &answer, "POST", "/encodedpayload/decrypt", json, detail);
    if (!err && !privacy_parse_payload(ret_payload, buf_bytes(&answer.body), arena, &err) && !err)
        err = err_set(
            detail, PRIVACY_FAILED,
            "unable to decode response body for (method:POST,path:/encodedpayload/decrypt). "
            "Cause: it is no payload");
    buf_release(&answer.body);
    return err;
}
