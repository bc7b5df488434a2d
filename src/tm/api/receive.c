/* Reading, and deleting: what is stored under a hash, opened with an own key. */
#include "tm/api/request.h"

#include "base/base64.h"

enum what { WHOLE, BYTES, IS_SENDER, PARTICIPANTS, MANDATORY };

struct reading {
    struct tm_request *request;
    enum what what;
    struct bytes hash;
    struct bytes to;
    bool is_raw;
};

static void not_found(struct reading *r)
{
    tm_fail_named(r->request, 404, r->is_raw ? "Raw Message with hash " : "Message with hash ",
                  r->hash, " was not found");
}

/* --- Answers --- */

static void answer_payload(struct reading *r, struct bytes data,
                           const struct tmproto_payload *payload, struct tmproto_list managed)
{
    struct tm_request *request = r->request;
    struct buf body = BUF_INIT;
    if (r->what == BYTES) {
        buf_append_bytes(&body, data);
        tm_answer(request, 200, "application/octet-stream", &body);
        return;
    }
    buf_append_text(&body, "{\"payload\":\"");
    base64_append(&body, data);
    buf_append_text(&body, "\",\"affectedContractTransactions\":[");
    for (size_t i = 0; i < payload->affected_count; i++) {
        buf_append_text(&body, i ? ",\"" : "\"");
        base64_append(&body, payload->affected[i].hash);
        buf_append_byte(&body, '"');
    }
    buf_append_text(&body, "],\"execHash\":");
    tm_write_text(&body, payload->exec_hash);
    buf_append_format(&body, ",\"privacyFlag\":%d", (int)payload->privacy);
    if (payload->group.len) {
        buf_append_text(&body, ",\"privacyGroupId\":\"");
        base64_append(&body, payload->group);
        buf_append_byte(&body, '"');
    }
    if (request->media != TMPROTO_MEDIA_JSON) {
        buf_append_text(&body, ",\"managedParties\":");
        tm_write_list(&body, managed);
        buf_append_text(&body, ",\"senderKey\":\"");
        base64_append(&body, payload->sender);
        buf_append_byte(&body, '"');
    }
    buf_append_byte(&body, '}');
    tm_answer_json(request, 200, &body);
}

static void answer_list(struct tm_request *request, struct tmproto_list list)
{
    struct buf text = BUF_INIT;
    for (size_t i = 0; i < list.count; i++) {
        buf_append_text(&text, i ? "," : "");
        base64_append(&text, list.items[i]);
    }
    tm_answer(request, 200, "text/plain", &text);
}

static void open_payload(struct reading *r, const struct tmproto_payload *payload)
{
    struct tm_request *request = r->request;
    struct tm_enclave *enclave = request->api->options.enclave;
    struct err_detail detail = {""};
    struct bytes data, key = r->to;
    if (r->to.len && !tm_enclave_has_key(enclave, r->to))
        r->to = bytes_none(); /* without effect in the reference, when it is none of ours */
    int outcome =
        r->to.len ? tm_enclave_decrypt(enclave, &data, &request->arena, payload, r->to, &detail)
                  : tm_enclave_decrypt_any(enclave, &data, &key, &request->arena, payload, &detail);
    if (outcome < 0) {
        tm_fail_error(request, outcome, detail.text);
    } else if (outcome == TM_ENCLAVE_NOT_OURS) {
        tm_fail_named(request, 404, "Public key ", r->to,
                      " not found when searching for private key");
    } else if (outcome != TM_ENCLAVE_DONE) {
        tm_fail_named(request, 404,
                      "No suitable recipient keys found to decrypt payload for : ", r->hash, "");
    } else {
        struct tmproto_list managed = tm_own_among(request, payload->recipients, bytes_none());
        if (payload->recipients.count == 0)
            managed = tm_list_add(&request->arena, managed, key);
        answer_payload(r, data, payload, managed);
    }
}

static void on_payload(void *context, const struct tm_store_answer *a)
{
    struct reading *r = context;
    struct tm_request *request = r->request;
    struct tmproto_payload payload;
    struct err_detail detail = {""};
    if (a->status < 0) {
        tm_fail_error(request, a->status, a->message);
        return;
    }
    if (a->status == TM_STORE_ABSENT || a->count == 0) {
        not_found(r);
        return;
    }
    int status = tm_decode_stored(&request->arena, &payload, &a->payloads[0], &detail);
    if (status < 0)
        tm_fail_error(request, status, detail.text);
    else if (r->what == IS_SENDER)
        tm_answer_text(request, 200,
                       bytes_str(tm_enclave_has_key(request->api->options.enclave, payload.sender)
                                     ? "true"
                                     : "false"));
    else if (r->what == PARTICIPANTS)
        answer_list(request, payload.recipients);
    else if (r->what == MANDATORY && payload.privacy != TMPROTO_MANDATORY_RECIPIENTS)
        tm_fail(request, 400,
                "Operation invalid. Transaction found is not a mandatory recipients privacy type");
    else if (r->what == MANDATORY)
        answer_list(request, payload.mandatory);
    else
        open_payload(r, &payload);
}

static void on_raw(void *context, const struct tm_store_answer *a)
{
    struct reading *r = context;
    struct tm_request *request = r->request;
    struct err_detail detail = {""};
    struct bytes data;
    if (a->status < 0) {
        tm_fail_error(request, a->status, a->message);
        return;
    }
    if (a->status == TM_STORE_ABSENT || a->count == 0) {
        not_found(r);
        return;
    }
    struct tm_enclave_raw raw = {.cipher_text = a->raws[0].cipher_text,
                                 .encrypted_key = a->raws[0].encrypted_key,
                                 .nonce = a->raws[0].nonce,
                                 .sender = arena_copy(&request->arena, a->raws[0].sender)};
    int outcome = tm_enclave_decrypt_raw(request->api->options.enclave, &data, &request->arena,
                                         &raw, &detail);
    struct tmproto_payload payload = {.sender = raw.sender};
    if (outcome < 0)
        tm_fail_error(request, outcome, detail.text);
    else if (outcome != TM_ENCLAVE_DONE)
        tm_fail_named(request, 404,
                      "No suitable recipient keys found to decrypt payload for : ", r->hash, "");
    else
        answer_payload(r, data, &payload,
                       tm_list_add(&request->arena, (struct tmproto_list){NULL, 0}, raw.sender));
}

static void read_hash(struct tm_request *request, enum what what, struct bytes hash,
                      struct bytes to, bool is_raw)
{
    struct reading *r = arena_alloc_zeroed(&request->arena, 1, sizeof(*r));
    if (!r) {
        tm_fail_error(request, ERR_NOMEM, NULL);
        return;
    }
    *r = (struct reading){
        .request = request, .what = what, .hash = hash, .to = to, .is_raw = is_raw};
    if (hash.len == 0 || hash.len > TM_STORE_HASH_MAX) {
        not_found(r);
        return;
    }
    struct tm_store *store = request->api->options.store;
    int status = is_raw ? tm_store_get_raw(store, hash, on_raw, r)
                        : tm_store_get(store, hash, on_payload, r);
    if (status < 0)
        tm_fail_error(request, status, NULL);
}

/* The hash of the path. False: answered. */
static bool path_hash(struct tm_request *request, struct bytes *ret_hash)
{
    if (tm_decode(&request->arena, ret_hash, request->param))
        return true;
    tm_fail(request, 400, "hash: base64 is expected");
    return false;
}

void tm_get_transaction(struct tm_request *request)
{
    struct bytes hash, value, to = bytes_none();
    bool is_raw = false;
    if (!path_hash(request, &hash))
        return;
    if (tm_query(request, &value, "to") && value.len && !tm_decode(&request->arena, &to, value)) {
        tm_fail(request, 400, "to: base64 is expected");
        return;
    }
    if (tm_query(request, &value, "isRaw")) {
        is_raw = bytes_equal(value, bytes_str("true"));
        if (!is_raw && !bytes_equal(value, bytes_str("false")) && value.len) {
            tm_fail(request, 400, "isRaw: true or false is expected");
            return;
        }
    }
    read_hash(request, WHOLE, hash, to, is_raw);
}

static void read_part(struct tm_request *request, enum what what)
{
    struct bytes hash;
    if (path_hash(request, &hash))
        read_hash(request, what, hash, bytes_none(), false);
}

void tm_get_sender(struct tm_request *request)
{
    read_part(request, IS_SENDER);
}

void tm_get_participants(struct tm_request *request)
{
    read_part(request, PARTICIPANTS);
}

void tm_get_mandatory(struct tm_request *request)
{
    read_part(request, MANDATORY);
}

void tm_get_receive(struct tm_request *request)
{
    struct bytes hash, to;
    json_t *raw = json_object_get(request->json, "isRaw");
    if (tm_json_bytes(request, &hash, "key") && tm_json_bytes(request, &to, "to"))
        read_hash(request, WHOLE, hash, to, json_is_true(raw));
}

void tm_get_receiveraw(struct tm_request *request)
{
    struct bytes key = tm_header(request, "c11n-key"), to = tm_header(request, "c11n-to");
    struct bytes hash, recipient = bytes_none();
    if (key.len == 0 || !tm_decode(&request->arena, &hash, key))
        tm_fail(request, 400, "c11n-key: the hash, in base64, is expected");
    else if (to.len && !tm_decode(&request->arena, &recipient, to))
        tm_fail(request, 400, "c11n-to: base64 is expected");
    else
        read_hash(request, BYTES, hash, recipient, false);
}

/* --- /encodedpayload/decrypt --- */

static bool read_encoded(struct tm_request *request, struct tmproto_payload *p)
{
    uint64_t mode;
    if (!tm_json_bytes(request, &p->sender, "senderKey") ||
        !tm_json_bytes(request, &p->cipher_text, "cipherText") ||
        !tm_json_bytes(request, &p->nonce, "cipherTextNonce") ||
        !tm_json_list(request, &p->boxes, "recipientBoxes") ||
        !tm_json_bytes(request, &p->recipient_nonce, "recipientNonce") ||
        !tm_json_list(request, &p->recipients, "recipientKeys") ||
        !tm_json_number(request, &mode, "privacyMode") ||
        !tm_json_text(request, &p->exec_hash, "execHash"))
        return false;
    p->privacy = tmproto_privacy_from(mode);
    const struct {
        const char *name;
        struct bytes value;
    } needed[] = {{"senderKey", p->sender},
                  {"cipherText", p->cipher_text},
                  {"cipherTextNonce", p->nonce},
                  {"recipientNonce", p->recipient_nonce}};
    for (size_t i = 0; i < BASE_COUNT(needed); i++) {
        if (needed[i].value.len)
            continue;
        tm_fail(request, 400, "%s: is missing or empty", needed[i].name);
        return false;
    }
    return true;
}

void tm_post_decrypt(struct tm_request *request)
{
    struct tmproto_payload payload = {.privacy = TMPROTO_STANDARD_PRIVATE};
    struct reading *r = arena_alloc_zeroed(&request->arena, 1, sizeof(*r));
    uint8_t *hash = arena_alloc(&request->arena, TMPROTO_HASH_SIZE);
    if (!r || !hash) {
        tm_fail_error(request, ERR_NOMEM, NULL);
        return;
    }
    if (!read_encoded(request, &payload))
        return;
    tmproto_payload_hash(hash, payload.cipher_text);
    *r = (struct reading){.request = request, .hash = bytes_of(hash, TMPROTO_HASH_SIZE)};
    open_payload(r, &payload);
}

/* --- Deleting --- */

struct deleting {
    struct tm_request *request;
    struct bytes hash;
    bool by_path;
};

static void on_deleted(void *context, const struct tm_store_answer *a)
{
    struct deleting *d = context;
    if (a->status < 0)
        tm_fail_error(d->request, a->status, a->message);
    else if (a->status == TM_STORE_ABSENT)
        tm_fail_named(d->request, 404, "Message with hash ", d->hash, " was not found");
    else if (d->by_path)
        tm_answer(d->request, 204, NULL, NULL);
    else
        tm_answer_text(d->request, 200,
                       d->request->api->options.config->constellation
                           ? bytes_none()
                           : bytes_str("Delete successful"));
}

static void delete_hash(struct tm_request *request, struct bytes hash, bool by_path)
{
    struct deleting *d = arena_alloc(&request->arena, sizeof(*d));
    if (!d) {
        tm_fail_error(request, ERR_NOMEM, NULL);
        return;
    }
    *d = (struct deleting){request, hash, by_path};
    if (hash.len == 0 || hash.len > TM_STORE_HASH_MAX) {
        tm_fail_named(request, 404, "Message with hash ", hash, " was not found");
        return;
    }
    int status = tm_store_delete(request->api->options.store, hash, on_deleted, d);
    if (status < 0)
        tm_fail_error(request, status, NULL);
}

void tm_delete_transaction(struct tm_request *request)
{
    struct bytes hash;
    if (path_hash(request, &hash))
        delete_hash(request, hash, true);
}

void tm_post_delete(struct tm_request *request)
{
    struct bytes hash;
    if (tm_json_bytes(request, &hash, "key"))
        delete_hash(request, hash, false);
}
