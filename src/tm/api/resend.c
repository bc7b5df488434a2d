/*
 * Giving back what another manager lost (spec 4.4, 4.5): one payload in the answer, or all of a key, pushed one by one
 * or in batches to the manager that now announces it.
 */
#include "tm/api/request.h"

#include "base/base64.h"
#include "base/mem.h"

enum { PAGE = TM_API_PUSHES_MAX };

struct walk {
    struct tm_request *request;
    struct bytes key;
    struct tm_network_node node; /* the parts that are used, copied */
    const char *url;
    size_t batch_max; /* 0: payload by payload */
    uint8_t after[TM_STORE_HASH_MAX];
    size_t after_len;
    bool more;
    struct arena page; /* of one page's payloads */
    struct tm_push *pushes;
    size_t push_count, left;
    uint64_t total;
    struct buf batch;
    size_t in_batch;
    bool failed; /* no more of it */
    uint64_t
        refused; /* single payloads: Tessera refuses those that it still has, and needs the others */
};

static void next_page(struct walk *w);

static void end(struct walk *w)
{
    struct tm_request *request = w->request;
    arena_release(&w->page);
    buf_release(&w->batch);
    if (w->failed || w->refused) {
        tm_fail(request, 500, "Unable to push payload%s to recipient %s",
                w->batch_max ? " batch" : "", w->url);
        return;
    }
    struct buf body = BUF_INIT;
    if (w->batch_max) {
        buf_append_format(&body, "{\"total\":%llu}", (unsigned long long)w->total);
        tm_answer_json(request, 200, &body);
    } else {
        tm_answer(request, 200, NULL, NULL);
    }
}

/* --- Copies for the key --- */

/* What the holder of `key` gets of a payload: stripped for it, or, when it sent it, a copy for each own recipient. */
static void copies(struct walk *w, const struct tmproto_payload *p,
                   void (*give)(struct walk *w, const struct tmproto_payload *copy))
{
    struct tm_enclave *enclave = w->request->api->options.enclave;
    struct tmproto_payload copy;
    struct err_detail detail;
    if (!bytes_equal(p->sender, w->key)) {
        if (tm_enclave_has_key(enclave, p->sender) &&
            tmproto_list_find(p->recipients, w->key) != SIZE_MAX &&
            tmproto_payload_for(&copy, &w->page, p, w->key) == 0)
            give(w, &copy);
        return;
    }
    for (size_t i = 0; i < p->boxes.count; i++) {
        struct bytes own = i < p->recipients.count ? p->recipients.items[i] : bytes_none();
        if (own.len == 0 && tm_enclave_find_key(enclave, &own, p, i, &detail) != TM_ENCLAVE_DONE)
            continue;
        if (!tm_enclave_has_key(enclave, own))
            continue;
        struct bytes *items = arena_alloc(&w->page, 2 * sizeof(*items));
        if (!items) {
            w->failed = true;
            return;
        }
        items[0] = own;
        items[1] = p->boxes.items[i];
        copy = *p;
        if (p->privacy != TMPROTO_PRIVATE_STATE_VALIDATION)
            copy.recipients = (struct tmproto_list){items, 1};
        copy.boxes = (struct tmproto_list){items + 1, 1};
        give(w, &copy);
    }
}

/* --- Payload by payload --- */

static void on_pushed(void *context, struct tm_push *push)
{
    struct walk *w = context;
    if (push && push->status != 200 && push->status != 201) {
        if (push->status == 0 || w->batch_max)
            w->failed = true;
        else
            w->refused++;
    }
    if (--w->left > 0)
        return;
    if (w->failed || !w->more)
        end(w);
    else
        next_page(w);
}

static void push_one(struct walk *w, const struct tmproto_payload *copy)
{
    if (w->push_count == PAGE * 4u) {
        w->failed = true;
        return;
    }
    struct tm_push *push = &w->pushes[w->push_count];
    *push = (struct tm_push){
        .api = w->request->api, .url = w->url, .done = on_pushed, .context = w, .arena = &w->page};
    tmproto_payload_encode(&push->body, copy, TMPROTO_LEGACY, TMPROTO_EXTENT_ALL);
    w->left++;
    if (buf_status(&push->body) || tm_push_begin(push, "push", TMPROTO_MEDIA_OCTETS, false,
                                                 w->request->api->options.push_ms) < 0) {
        buf_release(&push->body);
        w->left--;
        w->failed = true;
        return;
    }
    w->push_count++;
    w->total++;
}

/* --- In batches --- */

static void flush_batch(struct walk *w)
{
    if (w->in_batch == 0 || w->failed)
        return;
    struct tm_push *push = arena_alloc_zeroed(&w->page, 1, sizeof(*push));
    if (!push) {
        w->failed = true;
        return;
    }
    *push = (struct tm_push){
        .api = w->request->api, .url = w->url, .done = on_pushed, .context = w, .arena = &w->page};
    buf_append_text(&w->batch, "]}");
    push->body = w->batch;
    buf_init(&w->batch);
    w->in_batch = 0;
    w->left++;
    if (buf_status(&push->body) || tm_push_begin(push, "pushBatch", TMPROTO_MEDIA_JSON, false,
                                                 w->request->api->options.push_ms) < 0) {
        buf_release(&push->body);
        w->left--;
        w->failed = true;
    }
}

static void batch_one(struct walk *w, const struct tmproto_payload *copy)
{
    struct buf data = BUF_INIT;
    tmproto_payload_encode(&data, copy, TMPROTO_LEGACY, TMPROTO_EXTENT_ALL);
    buf_append_text(&w->batch, w->in_batch ? ",\"" : "{\"encodedPayloads\":[\"");
    base64_append(&w->batch, buf_bytes(&data));
    buf_append_byte(&w->batch, '"');
    w->failed |= buf_status(&data) || buf_status(&w->batch);
    buf_release(&data);
    w->in_batch++;
    w->total++;
    if (w->in_batch == w->batch_max || w->batch.len > TMPROTO_PAYLOAD_MAX)
        flush_batch(w);
}

/* --- Pages --- */

static void on_page(void *context, const struct tm_store_answer *a)
{
    struct walk *w = context;
    struct err_detail detail;
    if (a->status < 0) {
        w->failed = true;
        end(w);
        return;
    }
    w->more = a->more && a->count > 0;
    w->left = 1;
    for (size_t i = 0; i < a->count && !w->failed; i++) {
        struct tmproto_payload p;
        w->after_len = a->payloads[i].hash.len;
        memcpy(w->after, a->payloads[i].hash.data, w->after_len);
        if (tm_decode_stored(&w->page, &p, &a->payloads[i], &detail) < 0) {
            tm_log(w->request->api, TM_LOG_WARN, "a stored payload is damaged: %s", detail.text);
            continue;
        }
        if (w->batch_max)
            copies(w, &p, batch_one);
        else if (p.privacy == TMPROTO_STANDARD_PRIVATE)
            copies(w, &p, push_one);
    }
    if (w->batch_max && !w->more)
        flush_batch(w);
    on_pushed(w, NULL);
}

static void next_page(struct walk *w)
{
    arena_clear(&w->page);
    w->push_count = 0;
    w->pushes = arena_alloc_zeroed(&w->page, PAGE * 4u, sizeof(*w->pushes));
    int status = w->pushes ? tm_store_page(w->request->api->options.store,
                                           bytes_of(w->after, w->after_len), PAGE, on_page, w)
                           : ERR_NOMEM;
    if (status < 0) {
        w->failed = true;
        end(w);
    }
}

static void begin_walk(struct tm_request *request, struct bytes key, size_t batch_max)
{
    struct walk *w = arena_alloc_zeroed(&request->arena, 1, sizeof(*w));
    const struct tm_network_node *node = tm_network_find(request->api->options.network, key);
    if (!w) {
        tm_fail_error(request, ERR_NOMEM, NULL);
        return;
    }
    if (tm_enclave_has_key(request->api->options.enclave, key)) {
        w->request = request; /* what is ours we have */
        w->batch_max = batch_max;
        end(w);
        return;
    }
    if (!node) {
        tm_fail_named(request, 404, "Recipient not found for key: ", key, "");
        return;
    }
    w->request = request;
    w->key = key;
    w->url = tm_text(&request->arena, bytes_str(node->url));
    w->batch_max = batch_max;
    arena_init_limited(&w->page, TM_API_MEMORY_MAX);
    next_page(w);
}

/* --- One payload --- */

struct single {
    struct tm_request *request;
    struct bytes key, hash;
};

static void answer_single(struct tm_request *request, const struct tmproto_payload *payload)
{
    struct buf body = BUF_INIT;
    tmproto_payload_encode(&body, payload, TMPROTO_LEGACY, TMPROTO_EXTENT_ALL);
    tm_answer(request, 200, "text/plain", &body);
}

/* With the own key that each box was made for, as a sender keeps them. */
static void answer_sender(struct single *s, const struct tmproto_payload *p)
{
    struct tmproto_payload copy = *p;
    struct err_detail detail;
    for (size_t i = p->recipients.count; i < p->boxes.count; i++) {
        struct bytes own;
        if (tm_enclave_find_key(s->request->api->options.enclave, &own, p, i, &detail) ==
            TM_ENCLAVE_DONE)
            copy.recipients = tm_list_add(&s->request->arena, copy.recipients, own);
    }
    answer_single(s->request, &copy);
}

static void on_single(void *context, const struct tm_store_answer *a)
{
    struct single *s = context;
    struct tmproto_payload payload, stripped;
    struct err_detail detail = {""};
    if (a->status < 0) {
        tm_fail_error(s->request, a->status, a->message);
        return;
    }
    if (a->status == TM_STORE_ABSENT || a->count == 0) {
        tm_fail_named(s->request, 404, "Message with hash ", s->hash, " was not found");
        return;
    }
    int status = tm_decode_stored(&s->request->arena, &payload, &a->payloads[0], &detail);
    if (status < 0) {
        tm_fail_error(s->request, status, detail.text);
    } else if (payload.privacy != TMPROTO_STANDARD_PRIVATE) {
        tm_fail(s->request, 403, "Cannot resend enhanced privacy transaction in legacy resend");
    } else if (bytes_equal(payload.sender, s->key)) {
        answer_sender(s, &payload);
    } else if (tmproto_payload_for(&stripped, &s->request->arena, &payload, s->key) == 0) {
        answer_single(s->request, &stripped);
    } else {
        tm_fail_named(s->request, 404, "Recipient ", s->key, " is not a recipient of transaction ");
    }
}

void tm_post_resend(struct tm_request *request)
{
    struct bytes type;
    struct single *s = arena_alloc_zeroed(&request->arena, 1, sizeof(*s));
    if (!s) {
        tm_fail_error(request, ERR_NOMEM, NULL);
        return;
    }
    s->request = request;
    if (!tm_json_text(request, &type, "type") || !tm_json_bytes(request, &s->key, "publicKey") ||
        !tm_json_bytes(request, &s->hash, "key"))
        return;
    bool all = bytes_equal(type, bytes_str("ALL"));
    if (!all && !bytes_equal(type, bytes_str("INDIVIDUAL"))) {
        tm_fail(request, 400, "type: ALL or INDIVIDUAL is expected");
    } else if (s->key.len == 0) {
        tm_fail(request, 400, "publicKey: is missing or empty");
    } else if (all) {
        begin_walk(request, s->key, 0);
    } else if (s->hash.len == 0 || s->hash.len > TM_STORE_HASH_MAX) {
        tm_fail(request, 400, "key: the hash, in base64, is expected");
    } else {
        int status = tm_store_get(request->api->options.store, s->hash, on_single, s);
        if (status < 0)
            tm_fail_error(request, status, NULL);
    }
}

void tm_post_resend_batch(struct tm_request *request)
{
    struct bytes key;
    uint64_t size;
    if (!tm_json_bytes(request, &key, "publicKey") || !tm_json_number(request, &size, "batchSize"))
        return;
    if (key.len == 0) {
        tm_fail(request, 400, "publicKey: is missing or empty");
        return;
    }
    begin_walk(request, key, size < 1 || size > TM_API_BATCH_MAX ? TM_API_BATCH_MAX : (size_t)size);
}

/* --- Asking for ours --- */

struct asking {
    struct tm_api *api;
    struct arena arena;
    struct tm_push *pushes;
    size_t count, left, failed;
    tm_api_requested_fn *done;
    void *context;
};

static void on_asked(void *context, struct tm_push *push)
{
    struct asking *a = context;
    if (push && push->status != 200)
        a->failed++;
    if (--a->left > 0)
        return;
    tm_api_requested_fn *done = a->done;
    void *told = a->context;
    size_t failed = a->failed, count = a->count;
    a->api->busy--;
    arena_release(&a->arena);
    mem_free(a);
    done(told, failed, count);
}

static void ask(struct asking *a, const struct tm_network_node *node, struct bytes key)
{
    bool batches = tmproto_versions_have(node->versions, TMPROTO_V2);
    struct tm_push *push = &a->pushes[a->count++];
    const struct tm_config_server *p2p = tm_config_server_of(a->api->options.config, TM_APP_P2P);
    *push = (struct tm_push){
        .api = a->api, .node = node, .done = on_asked, .context = a, .arena = &a->arena};
    buf_append_text(&push->body,
                    batches ? "{\"publicKey\":\"" : "{\"type\":\"ALL\",\"publicKey\":\"");
    base64_append(&push->body, key);
    buf_append_text(&push->body, batches ? "\",\"batchSize\":10000}" : "\"}");
    a->left++;
    if (buf_status(&push->body) || tm_push_begin(push, batches ? "resendBatch" : "resend",
                                                 TMPROTO_MEDIA_JSON, true, p2p->resend_wait) < 0) {
        a->left--;
        a->failed++;
    }
}

int tm_api_request_all(struct tm_api *api, tm_api_requested_fn *done, void *context)
{
    struct tm_network *network = api->options.network;
    struct tmproto_list own = tm_enclave_keys(api->options.enclave);
    struct asking *a = mem_alloc_zeroed(1, sizeof(*a));
    if (!a)
        return ERR_NOMEM;
    arena_init(&a->arena);
    a->api = api;
    a->done = done;
    a->context = context;
    a->pushes = arena_alloc_zeroed(&a->arena, tm_network_count(network) * own.count + 1,
                                   sizeof(*a->pushes));
    if (!a->pushes) {
        arena_release(&a->arena);
        mem_free(a);
        return ERR_NOMEM;
    }
    api->busy++;
    a->left = 1;
    for (size_t i = 0; i < tm_network_count(network); i++) {
        const struct tm_network_node *node = tm_network_at(network, i);
        for (size_t j = 0; node->heard && j < own.count; j++)
            ask(a, node, own.items[j]);
    }
    on_asked(a, NULL);
    return 0;
}
