/*
 * Sending: who gets it, whether it may be sent, sealing, pushing to all at once, and then one durable write. Nothing is
 * written before every recipient has it, and no database transaction is open while it waits for them; a copy that a peer
 * keeps of a send that failed later is harmless, as its hash was told to nobody.
 */
#include "tm/api/request.h"

#include "base/base64.h"

#include <stdio.h>

enum kind { SEND, SEND_RAW, SIGNED, SIGNED_RAW, CREATE };

struct sending {
    struct tm_request *request;
    enum kind kind;
    struct bytes data, sender, group, raw_hash;
    struct tmproto_list to, affected_hashes, recipients;
    struct tm_enclave_metadata metadata;
    struct tm_enclave_raw raw;
    struct tmproto_payload payload;
    struct bytes hash; /* none: made as it is stored, while it is not needed before */
    struct tm_push *pushes;
    size_t push_count, left;
    struct tm_store_delivery *deliveries;
    size_t delivery_count;
};

static void seal(struct sending *s);
static void load_raw(struct sending *s);

/* --- The end --- */

static void answer_json(struct sending *s)
{
    struct tm_request *request = s->request;
    struct buf body = BUF_INIT;
    buf_append_text(&body, "{\"key\":\"");
    base64_append(&body, s->hash);
    buf_append_byte(&body, '"');
    if (request->media != TMPROTO_MEDIA_JSON) {
        buf_append_text(&body, ",\"managedParties\":");
        tm_write_list(&body, tm_own_among(request, s->payload.recipients, s->payload.sender));
        buf_append_text(&body, ",\"senderKey\":\"");
        base64_append(&body, s->payload.sender);
        buf_append_byte(&body, '"');
    }
    if (request->api->options.config->queued) {
        struct tmproto_list has = {NULL, 0}, waits = {NULL, 0};
        for (size_t i = 0; i < s->push_count; i++) {
            bool reached = s->pushes[i].status != 0;
            struct tmproto_list *list = reached ? &has : &waits;
            *list = tm_list_add(&request->arena, *list, s->pushes[i].recipient);
        }
        buf_append_text(&body, ",\"delivered\":");
        tm_write_list(&body, has);
        buf_append_text(&body, ",\"queued\":");
        tm_write_list(&body, waits);
    }
    buf_append_byte(&body, '}');
    tm_answer_at(request, 201, s->hash, tmproto_media_type(request->media), &body);
}

static void answer(struct sending *s)
{
    if (s->kind == SEND || s->kind == SIGNED) {
        answer_json(s);
        return;
    }
    struct buf body = BUF_INIT;
    base64_append(&body, s->hash);
    tm_answer_at(s->request, 200, s->hash, "text/plain", &body);
}

static void on_stored(void *context, const struct tm_store_answer *a)
{
    struct sending *s = context;
    s->request->api->deliveries += a->status == TM_STORE_DONE ? s->delivery_count : 0;
    if (s->delivery_count)
        tm_deliver_queued(s->request->api);
    s->hash = a->hash;
    if (a->status < 0)
        tm_fail_error(s->request, a->status, a->message);
    else if (a->status == TM_STORE_EXISTS)
        tm_fail_named(s->request, 409, "Transaction with hash ", s->hash, " has been sent already");
    else
        answer(s);
}

static void store(struct sending *s)
{
    struct buf encoded = BUF_INIT;
    tmproto_payload_encode(&encoded, &s->payload, TMPROTO_LEGACY, TMPROTO_EXTENT_ALL);
    struct tm_store_payload row = {
        .hash = s->hash, .codec = TMPROTO_LEGACY, .data = buf_bytes(&encoded)};
    int status = buf_status(&encoded);
    if (status == 0)
        status = tm_store_put(s->request->api->options.store, &row, s->deliveries,
                              s->delivery_count, on_stored, s);
    buf_release(&encoded);
    if (status < 0)
        tm_fail_error(s->request, status, NULL);
}

/* --- Pushing --- */

static void queue(struct sending *s, const struct tm_push *push)
{
    struct tm_api *api = s->request->api;
    uint64_t now = io_loop_wall_ms(api->options.loop);
    s->deliveries[s->delivery_count++] = (struct tm_store_delivery){.hash = s->hash,
                                                                    .recipient = push->recipient,
                                                                    .created = now,
                                                                    .next_try = now + 1000,
                                                                    .attempts = 1};
}

static void all_pushed(struct sending *s)
{
    bool queued = s->request->api->options.config->queued;
    for (size_t i = 0; i < s->push_count; i++) {
        struct tm_push *push = &s->pushes[i];
        if (push->status == 200 || push->status == 201)
            continue;
        if (push->status != 0) {
            tm_fail(s->request, 500, "Unable to push payload to recipient url %s", push->url);
            return;
        }
        if (!queued) {
            tm_fail(s->request, 410, "Connection error while communicating with %s", push->url);
            return;
        }
        queue(s, push);
    }
    store(s);
}

static void on_pushed(void *context, struct tm_push *push)
{
    struct sending *s = context;
    (void)push;
    if (--s->left == 0)
        all_pushed(s);
}

/* Before the request is answered: with it goes its arena, and what was prepared in there. */
static void drop_pushes(struct sending *s)
{
    for (size_t i = 0; i < s->push_count; i++)
        buf_release(&s->pushes[i].body);
    s->push_count = 0;
}

/* Finds the manager of each recipient that is not ours, and encodes for it. False: answered, and `s` is gone. */
static bool prepare_pushes(struct sending *s, bool *ret_cbor)
{
    struct tm_api *api = s->request->api;
    for (size_t i = 0; i < s->payload.recipients.count; i++) {
        struct bytes key = s->payload.recipients.items[i];
        if (tm_enclave_has_key(api->options.enclave, key))
            continue;
        struct tm_push *push = &s->pushes[s->push_count];
        *push = (struct tm_push){.api = api,
                                 .node = tm_network_find(api->options.network, key),
                                 .recipient = key,
                                 .done = on_pushed,
                                 .context = s,
                                 .arena = &s->request->arena};
        if (!push->node) {
            drop_pushes(s);
            tm_fail_named(s->request, 404, "Recipient not found for key: ", key, "");
            return false;
        }
        const char *why;
        int status;
        if (!tm_push_encode(push, &s->payload, &ret_cbor[s->push_count], &why, &status)) {
            buf_release(&push->body);
            drop_pushes(s);
            if (status < 0)
                tm_fail_error(s->request, status, NULL);
            else
                tm_fail_named(s->request, 403, why, key, "");
            return false;
        }
        s->push_count++;
    }
    return true;
}

static void push(struct sending *s)
{
    struct tm_api *api = s->request->api;
    size_t count = s->payload.recipients.count;
    s->pushes = arena_alloc_zeroed(&s->request->arena, count + 1, sizeof(*s->pushes));
    s->deliveries = arena_alloc_zeroed(&s->request->arena, count + 1, sizeof(*s->deliveries));
    bool *cbor = arena_alloc_zeroed(&s->request->arena, count + 1, sizeof(*cbor));
    if (!s->pushes || !s->deliveries || !cbor) {
        tm_fail_error(s->request, ERR_NOMEM, NULL);
        return;
    }
    if (!prepare_pushes(s, cbor))
        return;
    s->left =
        s->push_count + 1; /* this function's own, so that nothing ends before all have begun */
    for (size_t i = 0; i < s->push_count; i++) {
        int status = tm_push_begin(&s->pushes[i], "push", TMPROTO_MEDIA_OCTETS, cbor[i],
                                   api->options.push_ms);
        if (status < 0)
            s->left--; /* counts as not reached */
    }
    on_pushed(s, NULL);
}

/* --- Sealing --- */

static void answer_created(struct sending *s)
{
    const struct tmproto_payload *p = &s->payload;
    struct buf body = BUF_INIT;
    buf_append_text(&body, "{\"senderKey\":\"");
    base64_append(&body, p->sender);
    buf_append_text(&body, "\",\"cipherText\":\"");
    base64_append(&body, p->cipher_text);
    buf_append_text(&body, "\",\"cipherTextNonce\":\"");
    base64_append(&body, p->nonce);
    buf_append_text(&body, "\",\"recipientBoxes\":");
    tm_write_list(&body, p->boxes);
    buf_append_text(&body, ",\"recipientNonce\":\"");
    base64_append(&body, p->recipient_nonce);
    buf_append_text(&body, "\",\"recipientKeys\":");
    tm_write_list(&body, p->recipients);
    buf_append_format(&body, ",\"privacyMode\":%d,\"affectedContractTransactions\":{",
                      (int)p->privacy);
    for (size_t i = 0; i < p->affected_count; i++) {
        buf_append_text(&body, i ? ",\"" : "\"");
        base64_append(&body, p->affected[i].hash);
        buf_append_text(&body, "\":\"");
        base64_append(&body, p->affected[i].security_hash);
        buf_append_byte(&body, '"');
    }
    buf_append_text(&body, "},\"execHash\":");
    tm_write_text(&body, p->exec_hash);
    buf_append_byte(&body, '}');
    tm_answer_json(s->request, 200, &body);
}

static void refuse_outcome(struct sending *s, int outcome, struct err_detail *detail)
{
    if (outcome < 0)
        tm_fail_error(s->request, outcome, detail->text);
    else if (outcome == TM_ENCLAVE_NOT_OURS)
        tm_fail_named(s->request, 404, "Public key ", s->sender,
                      " not found when searching for private key");
    else if (outcome == TM_ENCLAVE_BAD_KEY)
        tm_fail_named(s->request, 400, "not a public key: ",
                      s->payload.recipients.count ? s->payload.recipients.items[0] : bytes_none(),
                      "");
    else
        tm_fail(s->request, 500, "%s", tm_enclave_outcome_text((enum tm_enclave_outcome)outcome));
}

/* What was kept can be sent once: with new boxes, parties would have to refuse it. */
static void on_first(void *context, const struct tm_store_answer *a)
{
    struct sending *s = context;
    if (a->status < 0)
        tm_fail_error(s->request, a->status, a->message);
    else if (a->status == TM_STORE_DONE && a->count)
        tm_fail_named(s->request, 409, "Transaction with hash ", s->hash, " has been sent already");
    else
        push(s);
}

static void look_for_first(struct sending *s)
{
    uint8_t *hash = arena_alloc(&s->request->arena, TMPROTO_HASH_SIZE);
    int status = hash ? 0 : ERR_NOMEM;
    if (hash) {
        tmproto_payload_hash(hash, s->payload.cipher_text);
        s->hash = bytes_of(hash, TMPROTO_HASH_SIZE);
        status = tm_store_get(s->request->api->options.store, s->hash, on_first, s);
    }
    if (status < 0)
        tm_fail_error(s->request, status, NULL);
}

static void seal(struct sending *s)
{
    struct tm_enclave *enclave = s->request->api->options.enclave;
    struct arena *arena = &s->request->arena;
    struct err_detail detail = {""};
    bool raw = s->kind == SIGNED || s->kind == SIGNED_RAW;
    int outcome = raw ? tm_enclave_encrypt_from_raw(enclave, &s->payload, arena, &s->raw,
                                                    s->recipients, &s->metadata, &detail)
                      : tm_enclave_encrypt(enclave, &s->payload, arena, s->data, s->sender,
                                           s->recipients, &s->metadata, &detail);
    if (outcome != TM_ENCLAVE_DONE) {
        refuse_outcome(s, outcome, &detail);
        return;
    }
    if (s->kind == CREATE)
        answer_created(s);
    else if (raw)
        look_for_first(s);
    else
        push(s);
}

/* --- Whether it may be sent (spec 7.3) --- */

static bool contains_all(struct tmproto_list list, struct tmproto_list all)
{
    for (size_t i = 0; i < all.count; i++)
        if (tmproto_list_find(list, all.items[i]) == SIZE_MAX)
            return false;
    return true;
}

/* Of all of them the recipients first, then the rest, as the reference looks. */
static bool check_affected(struct sending *s)
{
    const struct tm_enclave_metadata *m = &s->metadata;
    bool validates = m->privacy == TMPROTO_PRIVATE_STATE_VALIDATION;
    for (size_t i = 0; validates && i < m->affected_count; i++) {
        struct tmproto_list theirs = m->affected[i].payload->recipients;
        if (contains_all(theirs, s->recipients) && contains_all(s->recipients, theirs))
            continue;
        tm_fail_named(s->request, 403, "Recipients mismatched for Affected Txn ",
                      m->affected[i].hash, "");
        return false;
    }
    for (size_t i = 0; i < m->affected_count; i++) {
        const struct tmproto_payload *a = m->affected[i].payload;
        if (m->privacy == a->privacy && contains_all(m->mandatory, a->mandatory))
            continue;
        tm_fail_named(s->request, 403, "Privacy metadata mismatched with Affected Txn ",
                      m->affected[i].hash, "");
        return false;
    }
    return true;
}

static bool check(struct sending *s)
{
    struct tm_enclave_metadata *m = &s->metadata;
    const char *fault = NULL;
    if (m->privacy != TMPROTO_STANDARD_PRIVATE &&
        !s->request->api->options.config->enhanced_privacy)
        fault = "Enhanced Privacy is not enabled";
    else if (m->privacy == TMPROTO_MANDATORY_RECIPIENTS &&
             !contains_all(s->recipients, m->mandatory))
        fault = "One or more mandatory recipients not included in the participant list";
    if (fault) {
        tm_fail(s->request, 403, "%s", fault);
        return false;
    }
    return check_affected(s);
}

static void on_affected(void *context, const struct tm_store_answer *a)
{
    struct sending *s = context;
    struct arena *arena = &s->request->arena;
    size_t count = s->affected_hashes.count;
    struct tm_enclave_affected *affected = arena_alloc_zeroed(arena, count + 1, sizeof(*affected));
    struct tmproto_payload *payloads = arena_alloc_zeroed(arena, count + 1, sizeof(*payloads));
    struct err_detail detail = {""};
    if (a->status < 0 || !affected || !payloads) {
        tm_fail_error(s->request, a->status < 0 ? a->status : ERR_NOMEM, a->message);
        return;
    }
    for (size_t i = 0; i < count; i++) {
        struct bytes hash = s->affected_hashes.items[i];
        size_t at = 0;
        while (at < a->count && !bytes_equal(a->payloads[at].hash, hash))
            at++;
        if (at == a->count) {
            tm_fail_named(s->request, 403, "Unable to find affectedContractTransaction ", hash, "");
            return;
        }
        int status = tm_decode_stored(arena, &payloads[i], &a->payloads[at], &detail);
        if (status < 0) {
            tm_fail_error(s->request, status, detail.text);
            return;
        }
        affected[i] = (struct tm_enclave_affected){hash, &payloads[i]};
    }
    s->metadata.affected = affected;
    s->metadata.affected_count = count;
    if (check(s))
        seal(s);
}

/* Recipients are `to`, then always-send-to and the sender, in the order of the reference; none twice. */
static bool gather(struct sending *s)
{
    struct tmproto_list forwarding = tm_enclave_forwarding(s->request->api->options.enclave);
    size_t most = s->to.count + forwarding.count + 1, count = 0;
    struct bytes *items = arena_alloc(&s->request->arena, most * sizeof(*items));
    if (!items || most > TM_ENCLAVE_RECIPIENTS_MAX) {
        tm_fail_error(s->request, items ? ERR_LIMIT : ERR_NOMEM, NULL);
        return false;
    }
    bool sender_last = s->kind == SIGNED || s->kind == SIGNED_RAW;
    for (size_t i = 0; i < most; i++) {
        size_t j = i - s->to.count; /* of what comes behind `to` */
        struct bytes key = i < s->to.count ? s->to.items[i]
                           : sender_last ? (j < forwarding.count ? forwarding.items[j] : s->sender)
                                         : (j == 0 ? s->sender : forwarding.items[j - 1]);
        if (tmproto_list_find((struct tmproto_list){items, count}, key) == SIZE_MAX)
            items[count++] = key;
    }
    s->recipients = (struct tmproto_list){items, count};
    return true;
}

static void with_sender(struct sending *s)
{
    if (!gather(s))
        return;
    if (s->affected_hashes.count == 0) {
        if (check(s))
            seal(s);
        return;
    }
    int status =
        tm_store_get_many(s->request->api->options.store, s->affected_hashes, on_affected, s);
    if (status < 0)
        tm_fail_error(s->request, status, NULL);
}

/* --- What was kept by /storeraw --- */

static void on_raw(void *context, const struct tm_store_answer *a)
{
    struct sending *s = context;
    struct arena *arena = &s->request->arena;
    if (a->status < 0) {
        tm_fail_error(s->request, a->status, a->message);
    } else if (a->status == TM_STORE_ABSENT || a->count == 0) {
        tm_fail_named(s->request, 404, "Raw Transaction with hash ", s->raw_hash, " was not found");
    } else {
        s->raw =
            (struct tm_enclave_raw){.cipher_text = arena_copy(arena, a->raws[0].cipher_text),
                                    .encrypted_key = arena_copy(arena, a->raws[0].encrypted_key),
                                    .nonce = arena_copy(arena, a->raws[0].nonce),
                                    .sender = arena_copy(arena, a->raws[0].sender)};
        s->sender = s->raw.sender;
        with_sender(s);
    }
}

static void load_raw(struct sending *s)
{
    if (s->kind != SIGNED && s->kind != SIGNED_RAW) {
        if (s->sender.len == 0)
            s->sender = tm_enclave_default_key(s->request->api->options.enclave);
        with_sender(s);
        return;
    }
    int status = tm_store_get_raw(s->request->api->options.store, s->raw_hash, on_raw, s);
    if (status < 0)
        tm_fail_error(s->request, status, NULL);
}

/* --- The beginning --- */

static void on_group(void *context, const struct tm_store_answer *a)
{
    struct sending *s = context;
    struct tmproto_list members;
    if (a->status < 0) {
        tm_fail_error(s->request, a->status, a->message);
        return;
    }
    if (a->status == TM_STORE_ABSENT || a->count == 0 ||
        !tm_group_members(&s->request->arena, &members, a->groups[0].data)) {
        tm_fail_named(s->request, 404, "Privacy group ", s->group, " not found");
        return;
    }
    s->to = members;
    s->metadata.group = s->group;
    load_raw(s);
}

static void begin(struct sending *s)
{
    if (s->group.len == 0) {
        load_raw(s);
        return;
    }
    int status = tm_store_get_group(s->request->api->options.store, s->group, on_group, s);
    if (status < 0)
        tm_fail_error(s->request, status, NULL);
}

static struct sending *make(struct tm_request *request, enum kind kind)
{
    struct sending *s = arena_alloc_zeroed(&request->arena, 1, sizeof(*s));
    if (!s) {
        tm_fail_error(request, ERR_NOMEM, NULL);
        return NULL;
    }
    s->request = request;
    s->kind = kind;
    return s;
}

/* The members that /send, /sendsignedtx and /encodedpayload/create share. False: answered. */
static bool read_common(struct sending *s)
{
    struct tm_request *request = s->request;
    uint64_t flag;
    bool mandatory = request->content == TMPROTO_MEDIA_JSON_4_0;
    if (!tm_json_list(request, &s->to, "to") ||
        !tm_json_list(request, &s->affected_hashes, "affectedContractTransactions") ||
        !tm_json_text(request, &s->metadata.exec_hash, "execHash") ||
        !tm_json_bytes(request, &s->group, "privacyGroupId") ||
        !tm_json_number(request, &flag, "privacyFlag") ||
        (mandatory && !tm_json_list(request, &s->metadata.mandatory, "mandatoryRecipients")))
        return false;
    s->metadata.privacy = tmproto_privacy_from(flag);
    bool validates = s->metadata.privacy == TMPROTO_PRIVATE_STATE_VALIDATION;
    const char *fault = NULL;
    if (validates && s->metadata.exec_hash.len == 0)
        fault = "execHash: is missing, as privacyFlag is 3";
    else if (!mandatory && s->metadata.privacy == TMPROTO_MANDATORY_RECIPIENTS)
        fault = "privacyFlag: 2 needs the media type application/vnd.tessera-4.0+json";
    else if ((s->metadata.privacy == TMPROTO_MANDATORY_RECIPIENTS) !=
             (s->metadata.mandatory.count > 0))
        fault = "mandatoryRecipients: go with privacyFlag 2, and only with it";
    if (!validates)
        s->metadata.exec_hash = bytes_none();
    if (fault)
        tm_fail(request, 400, "%s", fault);
    return !fault;
}

static void send_json(struct tm_request *request, enum kind kind)
{
    struct sending *s = make(request, kind);
    if (!s || !tm_json_bytes(request, &s->data, "payload") ||
        !tm_json_bytes(request, &s->sender, "from") || !read_common(s))
        return;
    if (s->data.len == 0)
        tm_fail(request, 400, "payload: is missing or empty");
    else
        begin(s);
}

void tm_post_send(struct tm_request *request)
{
    send_json(request, SEND);
}

void tm_post_create(struct tm_request *request)
{
    send_json(request, CREATE);
}

void tm_post_sendraw(struct tm_request *request)
{
    struct sending *s = make(request, SEND_RAW);
    if (!s)
        return;
    s->data = request->http->body;
    struct bytes from = tm_header(request, "c11n-from");
    if (from.len && !tm_decode(&request->arena, &s->sender, from))
        tm_fail(request, 400, "c11n-from: base64 is expected");
    else if (!tm_comma_list(request, &s->to, tm_header(request, "c11n-to"), "c11n-to"))
        return;
    else if (s->data.len == 0)
        tm_fail(request, 400, "the payload is empty");
    else
        begin(s);
}

void tm_post_sendsigned(struct tm_request *request)
{
    struct sending *s = make(request, SIGNED);
    if (!s || !tm_json_bytes(request, &s->raw_hash, "hash") || !read_common(s))
        return;
    if (s->raw_hash.len == 0)
        tm_fail(request, 400, "hash: is missing or empty");
    else
        begin(s);
}

void tm_post_sendsigned_raw(struct tm_request *request)
{
    struct sending *s = make(request, SIGNED_RAW);
    if (!s)
        return;
    s->raw_hash = request->http->body;
    if (!tm_comma_list(request, &s->to, tm_header(request, "c11n-to"), "c11n-to"))
        return;
    if (s->raw_hash.len == 0 || s->raw_hash.len > TM_STORE_HASH_MAX)
        tm_fail(request, 400, "the body must be the hash, %d bytes", TMPROTO_HASH_SIZE);
    else
        begin(s);
}
