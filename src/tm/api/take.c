/*
 * Taking what another manager pushes (spec 7.4): it is stored as it came when it is new; of what is known already, a
 * further box is added. What one of our own keys sent comes back in a resend, and is built again as a sender keeps it.
 */
#include "tm/api/request.h"

#include "base/base64.h"

enum { ATTEMPTS_MAX = 8 }; /* of storing, while others change the same payload */

struct taking {
    struct tm_request *request;
    struct tmproto_payload payload;
    uint8_t hash[TMPROTO_HASH_SIZE];
    bool named; /* `hash` is made: at the latest as it is stored */
    struct tmproto_list affected_hashes;
    struct tm_enclave_affected *known;
    size_t known_count;
    struct buf old; /* what `replace` expects */
    unsigned attempts;
};

static void look(struct taking *t);

static struct bytes hash_of(struct taking *t)
{
    if (!t->named)
        tmproto_payload_hash(t->hash, t->payload.cipher_text);
    t->named = true;
    return bytes_of(t->hash, sizeof(t->hash));
}

/* T takes the answer's type from Accept; the text is the hash and nothing else, as Constellation hands it on. */
static void accept(struct taking *t)
{
    buf_release(&t->old);
    struct buf body = BUF_INIT;
    base64_append(&body, hash_of(t));
    tm_answer(t->request, 201, "text/plain", &body);
}

static void refuse(struct taking *t, unsigned status, const char *text)
{
    buf_release(&t->old);
    tm_fail(t->request, status, "%s", text);
}

static void fail(struct taking *t, int status, const char *message)
{
    buf_release(&t->old);
    tm_fail_error(t->request, status, message);
}

/* --- Storing --- */

static void on_stored(void *context, const struct tm_store_answer *a)
{
    struct taking *t = context;
    if (!t->named && a->hash.len == sizeof(t->hash)) {
        memcpy(t->hash, a->hash.data, sizeof(t->hash));
        t->named = true;
    }
    if (a->status < 0)
        fail(t, a->status, a->message);
    else if (a->status == TM_STORE_DONE)
        accept(t);
    else if (++t->attempts == ATTEMPTS_MAX)
        fail(t, ERR_BUSY, "the payload is being changed by others");
    else
        look(t); /* somebody else was faster */
}

static void write(struct taking *t, const struct tmproto_payload *payload, bool is_new)
{
    struct buf data = BUF_INIT;
    tmproto_payload_encode(&data, payload, TMPROTO_LEGACY, TMPROTO_EXTENT_ALL);
    struct tm_store_payload row = {.hash = is_new && !t->named ? bytes_none() : hash_of(t),
                                   .codec = TMPROTO_LEGACY,
                                   .data = buf_bytes(&data)};
    struct tm_store *store = t->request->api->options.store;
    int status = buf_status(&data);
    if (status == 0)
        status = is_new ? tm_store_put(store, &row, NULL, 0, on_stored, t)
                        : tm_store_replace(store, &row, buf_bytes(&t->old), on_stored, t);
    buf_release(&data);
    if (status < 0)
        fail(t, status, NULL);
}

static struct tmproto_list insert(struct arena *arena, struct tmproto_list list, size_t at,
                                  struct bytes item)
{
    struct bytes *items = arena_alloc(arena, (list.count + 1) * sizeof(*items));
    if (!items)
        return (struct tmproto_list){NULL, 0};
    for (size_t i = 0; i < at; i++)
        items[i] = list.items[i];
    items[at] = item;
    for (size_t i = at; i < list.count; i++)
        items[i + 1] = list.items[i];
    return (struct tmproto_list){items, list.count + 1};
}

/* --- What we know already --- */

static bool same_affected(const struct tmproto_payload *a, const struct tmproto_payload *b)
{
    if (a->affected_count != b->affected_count)
        return false;
    for (size_t i = 0; i < a->affected_count; i++) {
        size_t j = 0;
        while (j < b->affected_count && !bytes_equal(a->affected[i].hash, b->affected[j].hash))
            j++;
        if (j == b->affected_count ||
            !bytes_equal(a->affected[i].security_hash, b->affected[j].security_hash))
            return false;
    }
    return true;
}

static void merge(struct taking *t, const struct tmproto_payload *stored)
{
    struct arena *arena = &t->request->arena;
    const struct tmproto_payload *in = &t->payload;
    struct tmproto_payload out = *stored;
    if (!bytes_equal(in->cipher_text, stored->cipher_text) ||
        !bytes_equal(in->nonce, stored->nonce) ||
        !bytes_equal(in->recipient_nonce, stored->recipient_nonce) ||
        !bytes_equal(in->sender, stored->sender) || in->privacy != stored->privacy ||
        !bytes_equal(in->exec_hash, stored->exec_hash) || !same_affected(in, stored)) {
        refuse(t, 500, "Invalid existing transaction");
        return;
    }
    if (tmproto_list_find(stored->boxes, in->boxes.items[0]) != SIZE_MAX) {
        accept(t);
        return;
    }
    out.boxes = insert(arena, stored->boxes, 0, in->boxes.items[0]);
    if (in->privacy == TMPROTO_PRIVATE_STATE_VALIDATION) {
        size_t at = in->recipients.count
                        ? tmproto_list_find(stored->recipients, in->recipients.items[0])
                        : SIZE_MAX;
        if (at == SIZE_MAX) {
            refuse(t, 500, "expected recipient not found");
            return;
        }
        struct bytes *items = arena_alloc(arena, stored->recipients.count * sizeof(*items));
        size_t count = 0;
        if (items)
            items[count++] = in->recipients.items[0];
        for (size_t i = 0; items && i < stored->recipients.count; i++)
            if (i != at)
                items[count++] = stored->recipients.items[i];
        out.recipients = (struct tmproto_list){items, count};
    } else if (in->recipients.count) {
        out.recipients = insert(arena, stored->recipients, 0, in->recipients.items[0]);
    }
    if (out.boxes.count == 0 || (stored->recipients.count && !out.recipients.items))
        fail(t, ERR_NOMEM, NULL);
    else
        write(t, &out, false);
}

/* --- What we sent ourselves --- */

/* Whether it opens with its sender's key, as the box made for its first recipient. */
static int open_own(struct taking *t, struct bytes *ret_data, const struct tmproto_payload *payload)
{
    struct err_detail detail;
    struct tmproto_payload plain = *payload;
    if (payload->privacy == TMPROTO_PRIVATE_STATE_VALIDATION) {
        plain.privacy = TMPROTO_STANDARD_PRIVATE;
        plain.exec_hash = bytes_none();
        plain.recipients.count = 1;
        plain.boxes.count = 1;
    }
    return tm_enclave_decrypt(t->request->api->options.enclave, ret_data, &t->request->arena,
                              &plain, payload->sender, &detail);
}

static void rebuild_new(struct taking *t)
{
    struct arena *arena = &t->request->arena;
    struct tm_enclave *enclave = t->request->api->options.enclave;
    struct tmproto_payload out = t->payload;
    struct err_detail detail = {""};
    out.recipients = tm_list_add(arena, out.recipients, out.sender);
    while (out.boxes.count < out.recipients.count) {
        struct bytes box;
        int outcome = tm_enclave_new_box(enclave, &box, arena, &t->payload,
                                         out.recipients.items[out.boxes.count], &detail);
        if (outcome < 0) {
            fail(t, outcome, detail.text);
            return;
        }
        if (outcome != TM_ENCLAVE_DONE) {
            refuse(t, 500, "Invalid payload provided");
            return;
        }
        out.boxes = insert(arena, out.boxes, out.boxes.count, box);
        if (!out.boxes.items) {
            fail(t, ERR_NOMEM, NULL);
            return;
        }
    }
    write(t, &out, true);
}

static void rebuild_known(struct taking *t, const struct tmproto_payload *stored)
{
    const struct tmproto_payload *in = &t->payload;
    if (tmproto_list_find(stored->boxes, in->boxes.items[0]) != SIZE_MAX ||
        in->recipients.count == 0 ||
        tmproto_list_find(stored->recipients, in->recipients.items[0]) != SIZE_MAX) {
        accept(t);
        return;
    }
    struct bytes a, b;
    if (!bytes_equal(in->cipher_text, stored->cipher_text) ||
        open_own(t, &a, in) != TM_ENCLAVE_DONE || open_own(t, &b, stored) != TM_ENCLAVE_DONE ||
        !bytes_equal(a, b)) {
        refuse(t, 500, "Invalid payload provided");
        return;
    }
    struct tmproto_payload out = *stored;
    out.recipients = insert(&t->request->arena, stored->recipients, stored->recipients.count,
                            in->recipients.items[0]);
    out.boxes = insert(&t->request->arena, stored->boxes, stored->boxes.count, in->boxes.items[0]);
    if (!out.recipients.items || !out.boxes.items)
        fail(t, ERR_NOMEM, NULL);
    else
        write(t, &out, false);
}

static void on_found(void *context, const struct tm_store_answer *a)
{
    struct taking *t = context;
    struct tm_enclave *enclave = t->request->api->options.enclave;
    bool own = tm_enclave_has_key(enclave, t->payload.sender);
    struct tmproto_payload stored;
    struct err_detail detail = {""};
    if (a->status < 0) {
        fail(t, a->status, a->message);
        return;
    }
    if (a->status == TM_STORE_ABSENT || a->count == 0) {
        if (own)
            rebuild_new(t);
        else
            write(t, &t->payload, true);
        return;
    }
    buf_clear(&t->old);
    buf_append_bytes(&t->old, a->payloads[0].data);
    int status = tm_decode_stored(&t->request->arena, &stored, &a->payloads[0], &detail);
    if (status == 0)
        status = buf_status(&t->old);
    if (status < 0)
        fail(t, status, detail.text);
    else if (own)
        rebuild_known(t, &stored);
    else
        merge(t, &stored);
}

static void look(struct taking *t)
{
    int status = tm_store_get(t->request->api->options.store, hash_of(t), on_found, t);
    if (status < 0)
        fail(t, status, NULL);
}

/* --- Whether it may be taken --- */

static bool contains_all(struct tmproto_list list, struct tmproto_list all)
{
    for (size_t i = 0; i < all.count; i++)
        if (tmproto_list_find(list, all.items[i]) == SIZE_MAX)
            return false;
    return true;
}

/* Keeps of its affected transactions those that prove themselves. False: answered. */
static bool prove(struct taking *t)
{
    struct tm_request *request = t->request;
    struct err_detail detail = {""};
    size_t count = t->payload.affected_count, kept = 0;
    bool *invalid = arena_alloc_zeroed(&request->arena, count + 1, sizeof(*invalid));
    struct tmproto_affected *affected =
        arena_alloc_zeroed(&request->arena, count + 1, sizeof(*affected));
    int status = invalid && affected
                     ? tm_enclave_invalid_hashes(request->api->options.enclave, invalid,
                                                 &t->payload, t->known, t->known_count, &detail)
                     : ERR_NOMEM;
    if (status < 0) {
        fail(t, status, detail.text);
        return false;
    }
    for (size_t i = 0; i < count; i++)
        if (!invalid[i])
            affected[kept++] = t->payload.affected[i];
    if (kept < count && t->payload.privacy == TMPROTO_PRIVATE_STATE_VALIDATION) {
        refuse(t, 403, "Invalid security hashes of affected transactions");
        return false;
    }
    t->payload.affected = affected;
    t->payload.affected_count = kept;
    return true;
}

/* Of somebody else's: one that none of our keys opens would fill the disk for nobody. It is new, nearly always: so it is put
 * at once, and looked for only when it is there already. */
static void take_of_other(struct taking *t)
{
    struct err_detail detail = {""};
    struct bytes key;
    int outcome =
        tm_enclave_find_key(t->request->api->options.enclave, &key, &t->payload, 0, &detail);
    if (outcome < 0)
        fail(t, outcome, detail.text);
    else if (outcome != TM_ENCLAVE_DONE)
        refuse(t, 400, "no key of this manager opens the payload");
    else
        write(t, &t->payload, true);
}

static void judge(struct taking *t)
{
    const struct tmproto_payload *p = &t->payload;
    bool validates = p->privacy == TMPROTO_PRIVATE_STATE_VALIDATION;
    for (size_t i = 0; i < t->known_count; i++) {
        const struct tmproto_payload *k = t->known[i].payload;
        if (k->privacy != p->privacy || !contains_all(p->mandatory, k->mandatory) ||
            (validates && tmproto_list_find(k->recipients, p->sender) == SIZE_MAX)) {
            accept(t); /* and nothing is stored, as in the reference */
            return;
        }
    }
    if (validates && t->known_count != p->affected_count) {
        accept(t);
        return;
    }
    for (size_t i = 0; validates && i < t->known_count; i++) {
        const struct tmproto_payload *k = t->known[i].payload;
        if (!contains_all(k->recipients, p->recipients) ||
            !contains_all(p->recipients, k->recipients)) {
            refuse(t, 403, "Recipients mismatched for an affected transaction");
            return;
        }
    }
    if (p->affected_count && !prove(t))
        return;
    struct bytes data;
    if (!tm_enclave_has_key(t->request->api->options.enclave, p->sender))
        take_of_other(t);
    else if (open_own(t, &data, p) != TM_ENCLAVE_DONE)
        refuse(t, 500, "Invalid payload provided");
    else
        look(t);
}

static void on_affected(void *context, const struct tm_store_answer *a)
{
    struct taking *t = context;
    struct arena *arena = &t->request->arena;
    struct err_detail detail = {""};
    if (a->status < 0) {
        fail(t, a->status, a->message);
        return;
    }
    t->known = arena_alloc_zeroed(arena, a->count + 1, sizeof(*t->known));
    struct tmproto_payload *payloads = arena_alloc_zeroed(arena, a->count + 1, sizeof(*payloads));
    int status = t->known && payloads ? 0 : ERR_NOMEM;
    for (size_t i = 0; status == 0 && i < a->count; i++) {
        status = tm_decode_stored(arena, &payloads[i], &a->payloads[i], &detail);
        t->known[i] =
            (struct tm_enclave_affected){arena_copy(arena, a->payloads[i].hash), &payloads[i]};
        t->known_count = i + 1;
    }
    if (status < 0)
        fail(t, status, detail.text);
    else
        judge(t);
}

/* Puts a payload that came into the store, by the rules of /push, and answers the request. `payload`
 * lies in its arena. */
static void take(struct tm_request *request, const struct tmproto_payload *payload)
{
    struct tm_api *api = request->api;
    struct taking *t = arena_alloc_zeroed(&request->arena, 1, sizeof(*t));
    size_t count = payload->affected_count;
    struct bytes *hashes = arena_alloc_zeroed(&request->arena, count + 1, sizeof(*hashes));
    if (!t || !hashes) {
        tm_fail_error(request, ERR_NOMEM, NULL);
        return;
    }
    t->request = request;
    t->payload = *payload;
    if (payload->privacy != TMPROTO_STANDARD_PRIVATE && !api->options.config->enhanced_privacy) {
        refuse(t, 403, "Enhanced Privacy is not enabled");
        return;
    }
    if (payload->boxes.count == 0) {
        refuse(t, 400, "the payload has no box");
        return;
    }
    if (count > TM_ENCLAVE_AFFECTED_MAX) {
        refuse(t, 413, "the payload names too many affected transactions");
        return;
    }
    for (size_t i = 0; i < count; i++)
        hashes[i] = payload->affected[i].hash;
    if (count == 0) {
        judge(t);
        return;
    }
    t->affected_hashes = (struct tmproto_list){hashes, count};
    int status = tm_store_get_many(api->options.store, t->affected_hashes, on_affected, t);
    if (status < 0)
        fail(t, status, NULL);
}

/* --- Staging, while recovering --- */

struct staging {
    struct tm_request *request;
    uint8_t hash[TMPROTO_HASH_SIZE];
    bool push; /* answered with the hash */
};

static void on_staged(void *context, const struct tm_store_answer *a)
{
    struct staging *s = context;
    struct buf body = BUF_INIT;
    if (a->status < 0) {
        tm_fail_error(s->request, a->status, a->message);
    } else if (s->push) {
        base64_append(&body, bytes_of(s->hash, sizeof(s->hash)));
        tm_answer(s->request, 201, "text/plain", &body);
    } else {
        tm_answer(s->request, 200, NULL, NULL);
    }
}

static int staged_row(struct arena *arena, struct tm_store_staged *ret_row, struct bytes data,
                      const struct tmproto_payload *payload)
{
    uint8_t *hash = arena_alloc(arena, TMPROTO_HASH_SIZE);
    struct bytes *affected = arena_alloc(arena, (payload->affected_count + 1) * sizeof(*affected));
    if (!hash || !affected)
        return ERR_NOMEM;
    tmproto_payload_hash(hash, payload->cipher_text);
    for (size_t i = 0; i < payload->affected_count; i++)
        affected[i] = payload->affected[i].hash;
    *ret_row = (struct tm_store_staged){.hash = bytes_of(hash, TMPROTO_HASH_SIZE),
                                        .codec = TMPROTO_LEGACY,
                                        .data = data,
                                        .privacy = payload->privacy,
                                        .affected = {affected, payload->affected_count}};
    return 0;
}

static void stage(struct tm_request *request, const struct tm_store_staged *rows, size_t count,
                  bool push)
{
    struct staging *s = arena_alloc_zeroed(&request->arena, 1, sizeof(*s));
    int status = s ? 0 : ERR_NOMEM;
    if (s) {
        s->request = request;
        s->push = push;
        if (push)
            memcpy(s->hash, rows[0].hash.data, sizeof(s->hash));
        status = tm_store_stage(request->api->options.store, rows, count, on_staged, s);
    }
    if (status < 0)
        tm_fail_error(request, status, NULL);
}

void tm_post_push(struct tm_request *request)
{
    struct tmproto_payload payload;
    struct err_detail detail = {""};
    tmproto_versions versions =
        tmproto_versions_parse(0, tm_header(request, TMPROTO_VERSION_HEADER));
    enum tmproto_codec codec =
        tmproto_versions_have(versions, TMPROTO_V5) ? TMPROTO_CBOR : TMPROTO_LEGACY;
    struct bytes body = request->http->body;
    int status = tmproto_payload_decode(&payload, &request->arena, codec, body, &detail);
    if (status < 0) {
        tm_fail_unread(request, status, detail.text);
        return;
    }
    if (!request->api->options.recovering) {
        take(request, &payload);
        return;
    }
    if (payload.privacy != TMPROTO_STANDARD_PRIVATE) {
        tm_fail(request, 403,
                "Transactions with enhanced privacy are not accepted during recovery mode");
        return;
    }
    struct tm_store_staged row;
    struct buf legacy = BUF_INIT;
    tmproto_payload_encode(&legacy, &payload, TMPROTO_LEGACY, TMPROTO_EXTENT_ALL);
    status = buf_status(&legacy);
    if (status == 0)
        status = staged_row(&request->arena, &row, buf_bytes(&legacy), &payload);
    if (status < 0)
        tm_fail_error(request, status, NULL);
    else
        stage(request, &row, 1, true);
    buf_release(&legacy);
}

void tm_post_push_batch(struct tm_request *request)
{
    struct err_detail detail = {""};
    json_t *list = json_object_get(request->json, "encodedPayloads");
    size_t count = json_array_size(list);
    if (!json_is_array(list) || count > TM_API_BATCH_MAX) {
        tm_fail(request, 400, "encodedPayloads: a list of at most %d is expected",
                TM_API_BATCH_MAX);
        return;
    }
    struct tm_store_staged *rows = arena_alloc_zeroed(&request->arena, count + 1, sizeof(*rows));
    for (size_t i = 0; rows && i < count; i++) {
        json_t *value = json_array_get(list, i);
        struct tmproto_payload payload;
        struct bytes data;
        if (!json_is_string(value) ||
            !tm_decode(&request->arena, &data,
                       bytes_of(json_string_value(value), json_string_length(value))) ||
            tmproto_payload_decode(&payload, &request->arena, TMPROTO_LEGACY, data, &detail) < 0) {
            tm_fail(request, 400, "encodedPayloads[%zu]: no payload in base64: %s", i, detail.text);
            return;
        }
        if (staged_row(&request->arena, &rows[i], data, &payload) < 0)
            rows = NULL;
    }
    if (!rows)
        tm_fail_error(request, ERR_NOMEM, NULL);
    else if (count == 0)
        tm_answer(request, 200, NULL, NULL);
    else
        stage(request, rows, count, false);
}

int tm_api_accept(struct tm_api *api, struct bytes data, tm_api_pushed_fn *done, void *context)
{
    struct tm_request *request = tm_request_new(api);
    struct tmproto_payload payload;
    struct err_detail detail = {""};
    if (!request)
        return ERR_NOMEM;
    request->told = done;
    request->told_context = context;
    struct bytes copy = arena_copy(&request->arena, data);
    int status = tmproto_payload_decode(&payload, &request->arena, TMPROTO_LEGACY, copy, &detail);
    if (status < 0)
        tm_fail(request, 400, "%s", detail.text);
    else
        take(request, &payload);
    return 0;
}
