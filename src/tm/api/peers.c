/* Party information: told each interval, heard, answered; and proofs that announced keys are held. */
#include "tm/api/request.h"

#include "base/base64.h"
#include "base/mem.h"
#include "crypto/random.h"

#include <stdio.h>

enum { UUID_TEXT = 36 };

/* --- Telling --- */

struct telling {
    struct tm_push push;
    struct arena arena;
};

/* Constellation, and Tessera before 0.10, answer with what they know of others. */
static void hear_answer(struct tm_api *api, struct bytes answer)
{
    struct arena arena;
    struct tmproto_partyinfo info;
    struct err_detail detail;
    arena_init(&arena);
    if (answer.len && tmproto_partyinfo_decode(&info, &arena, answer, &detail) == 0 &&
        (info.key_count > 0 || info.parties.count > 0)) {
        int merged = tm_network_merge(api->options.network, &info);
        (void)merged; /* without memory for it they will say it again */
    }
    arena_release(&arena);
}

static void on_told(void *context, struct tm_push *push)
{
    struct telling *t = context;
    struct tm_api *api = push->api;
    if (push->status == 200)
        hear_answer(api, push->answer);
    arena_release(&t->arena);
    mem_free(t);
    api->busy--;
}

static int tell(struct tm_api *api, const struct tm_network_node *node)
{
    struct telling *t = mem_alloc_zeroed(1, sizeof(*t));
    if (!t)
        return ERR_NOMEM;
    arena_init(&t->arena);
    t->push = (struct tm_push){
        .api = api, .node = node, .done = on_told, .context = t, .arena = &t->arena};
    tm_network_tell(api->options.network, &t->push.body, api->options.config->constellation);
    int status = buf_status(&t->push.body);
    if (status == 0)
        status =
            tm_push_begin(&t->push, "partyinfo", TMPROTO_MEDIA_OCTETS, true, api->options.info_ms);
    if (status < 0) {
        buf_release(&t->push.body);
        arena_release(&t->arena);
        mem_free(t);
        return status;
    }
    api->busy++;
    return 0;
}

void tm_round(void *context)
{
    struct tm_api *api = context;
    const struct tm_network_node *node;
    tm_network_begin_round(api->options.network);
    while ((node = tm_network_due(api->options.network)))
        if (tell(api, node) < 0)
            break;
    /* The first rounds follow each other fast: a network that is brought up is whole within a second. */
    uint64_t pause = api->round_ms < api->next_round_ms ? api->round_ms : api->next_round_ms;
    api->next_round_ms = pause * 2;
    io_timer_start(&api->round, pause);
}

/* --- Hearing --- */

struct hearing {
    struct tm_request *request;
    struct tmproto_partyinfo info;
    tmproto_versions versions;
    struct tmproto_party_key *keys; /* that are announced for the sender's URL */
    struct tm_push *proofs;
    char (*uuids)[UUID_TEXT + 1];
    size_t count, left;
};

static void take(struct hearing *h, bool validated)
{
    struct tm_request *request = h->request;
    struct tm_network *network = request->api->options.network;
    char url[TMPROTO_URL_MAX + 2];
    const struct tm_network_node *node =
        tm_network_normal_url(h->info.url, url) ? tm_network_node_of(network, url) : NULL;
    bool known = node && node->heard && !node->unreachable;
    int verdict = tm_network_receive(network, &h->info, h->versions);
    struct buf body = BUF_INIT;
    if (verdict < 0) {
        tm_fail_error(request, verdict, NULL);
        return;
    }
    switch ((enum tm_network_verdict)verdict) {
    case TM_NETWORK_TAKEN:
        node = known ? NULL : tm_network_node_of(network, url);
        if (node && request->api->started && !request->api->draining)
            (void)tell(request->api,
                       node); /* it has just come up: it need not wait for our round */
        if (!validated) {
            const struct tmproto_partyinfo own = {.url = bytes_str(tm_network_url(network))};
            if (request->api->options.config->constellation)
                tm_network_tell(network, &body, true);
            else
                tmproto_partyinfo_encode(&body, &own);
        }
        tm_answer(request, 200, "application/octet-stream", &body);
        break;
    case TM_NETWORK_STRANGER:
        tm_fail(request, 403, "%s is not a known peer", tm_text(&request->arena, h->info.url));
        break;
    case TM_NETWORK_BAD_URL:
        tm_fail(request, 400, "the party's URL must be http://host:port/ or https://host:port/");
        break;
    case TM_NETWORK_FULL:
        tm_fail(request, 503, "more parties or keys than this manager keeps");
        break;
    }
}

static void all_proved(struct hearing *h)
{
    size_t kept = 0;
    for (size_t i = 0; i < h->count; i++) {
        const struct tm_push *proof = &h->proofs[i];
        bool held =
            proof->status == 200 && bytes_equal(proof->answer, bytes_of(h->uuids[i], UUID_TEXT));
        if (held)
            h->keys[kept++] = h->keys[i];
        else
            tm_log(h->request->api, TM_LOG_WARN, "%.*s does not hold a key that it announces",
                   (int)(h->info.url.len < 200 ? h->info.url.len : 200),
                   (const char *)h->info.url.data);
    }
    if (h->count > 0 && kept == 0) {
        tm_fail(h->request, 500, "none of the announced keys could be validated");
        return;
    }
    h->info.keys = h->keys;
    h->info.key_count = kept;
    take(h, true);
}

static void on_proof(void *context, struct tm_push *push)
{
    struct hearing *h = context;
    (void)push;
    if (--h->left == 0)
        all_proved(h);
}

static void make_uuid(char ret_text[UUID_TEXT + 1])
{
    uint8_t r[16];
    if (crypto_random(r, sizeof(r)) < 0)
        memset(r, 0, sizeof(r));
    r[6] = (uint8_t)((r[6] & 0x0f) | 0x40);
    r[8] = (uint8_t)((r[8] & 0x3f) | 0x80);
    snprintf(ret_text, UUID_TEXT + 1,
             "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", r[0], r[1],
             r[2], r[3], r[4], r[5], r[6], r[7], r[8], r[9], r[10], r[11], r[12], r[13], r[14],
             r[15]);
}

/* A random text for the holder of the key alone, which its manager shall answer. */
static int begin_proof(struct hearing *h, size_t i, const char *url)
{
    struct tm_api *api = h->request->api;
    struct arena *arena = &h->request->arena;
    struct tmproto_payload payload;
    struct err_detail detail;
    struct tm_enclave_metadata none = {.privacy = TMPROTO_STANDARD_PRIVATE};
    struct tm_push *proof = &h->proofs[i];
    make_uuid(h->uuids[i]);
    *proof =
        (struct tm_push){.api = api, .url = url, .done = on_proof, .context = h, .arena = arena};
    int outcome =
        tm_enclave_encrypt(api->options.enclave, &payload, arena, bytes_of(h->uuids[i], UUID_TEXT),
                           tm_enclave_default_key(api->options.enclave),
                           (struct tmproto_list){&h->keys[i].key, 1}, &none, &detail);
    if (outcome != TM_ENCLAVE_DONE)
        return ERR_INPUT;
    tmproto_payload_encode(&proof->body, &payload, TMPROTO_LEGACY, TMPROTO_EXTENT_ALL);
    return buf_status(&proof->body)
               ? ERR_NOMEM
               : tm_push_begin(proof, "partyinfo/validate", TMPROTO_MEDIA_OCTETS, true,
                               api->options.info_ms);
}

static void validate(struct hearing *h)
{
    struct arena *arena = &h->request->arena;
    char url[TMPROTO_URL_MAX + 2], at[TMPROTO_URL_MAX + 2];
    if (!tm_network_normal_url(h->info.url, url)) {
        take(h, true);
        return;
    }
    size_t most =
        h->info.key_count < TM_API_VALIDATIONS_MAX ? h->info.key_count : TM_API_VALIDATIONS_MAX;
    h->keys = arena_alloc_zeroed(arena, most + 1, sizeof(*h->keys));
    h->proofs = arena_alloc_zeroed(arena, most + 1, sizeof(*h->proofs));
    h->uuids = arena_alloc_zeroed(arena, most + 1, sizeof(*h->uuids));
    if (!h->keys || !h->proofs || !h->uuids) {
        tm_fail_error(h->request, ERR_NOMEM, NULL);
        return;
    }
    for (size_t i = 0; i < h->info.key_count && h->count < most; i++)
        if (tm_network_normal_url(h->info.keys[i].url, at) && strcmp(at, url) == 0)
            h->keys[h->count++] = h->info.keys[i];
    const char *copy = tm_text(arena, bytes_str(url));
    h->left = h->count + 1;
    for (size_t i = 0; i < h->count; i++)
        if (begin_proof(h, i, copy) < 0)
            h->left--;
    on_proof(h, NULL);
}

void tm_post_partyinfo(struct tm_request *request)
{
    struct hearing *h = arena_alloc_zeroed(&request->arena, 1, sizeof(*h));
    struct err_detail detail = {""};
    if (!h) {
        tm_fail_error(request, ERR_NOMEM, NULL);
        return;
    }
    h->request = request;
    struct bytes body = request->http->body;
    int status = body.len > TMPROTO_PARTYINFO_MAX
                     ? ERR_LIMIT
                     : tmproto_partyinfo_decode(&h->info, &request->arena, body, &detail);
    if (status < 0) {
        tm_fail_unread(request, status, detail.text);
        return;
    }
    for (size_t i = 0; i < request->http->head.field_count; i++)
        if (io_http_same_name(request->http->head.fields[i].name, TMPROTO_VERSION_HEADER))
            h->versions = tmproto_versions_parse(h->versions, request->http->head.fields[i].value);
    if (request->api->options.config->validate_keys && !request->api->options.config->constellation)
        validate(h);
    else
        take(h, false);
}

static void write_key(struct buf *b, struct bytes key, const char *url, const char **comma)
{
    buf_append_format(b, "%s{\"key\":\"", *comma);
    base64_append(b, key);
    buf_append_text(b, "\",\"url\":");
    tm_write_text(b, bytes_str(url));
    buf_append_byte(b, '}');
    *comma = ",";
}

void tm_get_partyinfo(struct tm_request *request)
{
    struct tm_network *network = request->api->options.network;
    struct tmproto_list own = tm_enclave_keys(request->api->options.enclave);
    const char *url = tm_network_url(network), *comma = "";
    struct buf body = BUF_INIT;
    buf_append_text(&body, "{\"url\":");
    tm_write_text(&body, bytes_str(url));
    buf_append_text(&body, ",\"peers\":[{\"url\":");
    tm_write_text(&body, bytes_str(url));
    buf_append_byte(&body, '}');
    for (size_t i = 0; i < tm_network_count(network); i++) {
        if (!tm_network_at(network, i)->heard && !tm_network_at(network, i)->configured)
            continue;
        buf_append_text(&body, ",{\"url\":");
        tm_write_text(&body, bytes_str(tm_network_at(network, i)->url));
        buf_append_byte(&body, '}');
    }
    buf_append_text(&body, "],\"keys\":[");
    for (size_t i = 0; i < own.count; i++)
        write_key(&body, own.items[i], url, &comma);
    for (size_t i = 0; i < tm_network_count(network); i++) {
        const struct tm_network_node *node = tm_network_at(network, i);
        for (size_t j = 0; j < node->keys.count; j++)
            write_key(&body, node->keys.items[j], node->url, &comma);
    }
    buf_append_text(&body, "]}");
    tm_answer_json(request, 200, &body);
}

/* --- Proving --- */

/* As Java reads one: five groups of hexadecimal digits. Nothing else that was sealed for us is ever told. */
static bool is_uuid(struct bytes text)
{
    size_t groups = 1, digits = 0;
    for (size_t i = 0; i < text.len; i++) {
        uint8_t c = text.data[i];
        bool hex = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
        if (!hex && (c != '-' || digits == 0))
            return false;
        digits = hex ? digits + 1 : 0;
        groups += !hex;
    }
    return groups == 5 && digits > 0 && text.len <= UUID_TEXT;
}

void tm_post_validate(struct tm_request *request)
{
    struct tmproto_payload payload;
    struct err_detail detail = {""};
    struct bytes data;
    int status = tmproto_payload_decode(&payload, &request->arena, TMPROTO_LEGACY,
                                        request->http->body, &detail);
    if (status < 0) {
        tm_fail_unread(request, status, detail.text);
        return;
    }
    if (payload.recipients.count == 0) {
        tm_fail(request, 400, "the payload names no recipient");
        return;
    }
    int outcome = tm_enclave_decrypt(request->api->options.enclave, &data, &request->arena,
                                     &payload, payload.recipients.items[0], &detail);
    if (outcome < 0)
        tm_fail_error(request, outcome, detail.text);
    else if (outcome == TM_ENCLAVE_NOT_OURS)
        tm_fail_named(request, 404, "Public key ", payload.recipients.items[0],
                      " not found when searching for private key");
    else if (outcome != TM_ENCLAVE_DONE)
        tm_fail(request, 400, "the payload does not open with that key");
    else if (!is_uuid(data))
        tm_fail(request, 400, "the payload is no UUID");
    else
        tm_answer_text(request, 200, data);
}
