/*
 * Notes: what the node of one party tells the node of another over the managers' channel, sealed like a payload for the other's
 * key and never stored. The receiving node fetches what is under a topic; what nobody fetches goes after a minute. Tessera has
 * nothing of the kind: a manager that answers 404 takes no notes. (The audit of private states is made of them.)
 */
#include "tm/api/request.h"

#include "base/base64.h"
#include "base/mem.h"

enum { EXPIRE_MS = 60000, TOPIC_MAX = 64 };

struct tm_note {
    struct tm_note *next;
    uint64_t until;
    char topic[TOPIC_MAX + 1];
    struct bytes from, to, text; /* in `data` */
    uint8_t data[];
};

/* --- The box --- */

static void take_out(struct tm_api *api, struct tm_note **at)
{
    struct tm_note *note = *at;
    *at = note->next;
    api->note_count--;
    mem_free(note);
}

static void expire(struct tm_api *api)
{
    uint64_t now = io_loop_now(api->options.loop);
    for (struct tm_note **at = &api->notes; *at;)
        if ((*at)->until <= now)
            take_out(api, at);
        else
            at = &(*at)->next;
}

void tm_notes_free(struct tm_api *api)
{
    while (api->notes)
        take_out(api, &api->notes);
}

static struct bytes put(uint8_t **at, struct bytes bytes)
{
    uint8_t *to = *at;
    memcpy(to, bytes.data, bytes.len);
    *at += bytes.len;
    return bytes_of(to, bytes.len);
}

static bool is_topic(struct bytes topic)
{
    for (size_t i = 0; i < topic.len; i++) {
        uint8_t c = topic.data[i];
        if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') && c != '-' && c != '.')
            return false;
    }
    return topic.len > 0 && topic.len <= TOPIC_MAX;
}

/* Whoever sends too much fills its own share alone; those of whom no manager told (as after a start) have half of the room.
 * ERR_LIMIT, ERR_NOMEM. */
static int keep(struct tm_api *api, struct bytes from, struct bytes to, struct bytes topic,
                struct bytes text)
{
    size_t of_sender = 0;
    bool known = tm_enclave_has_key(api->options.enclave, from) ||
                 tm_network_find(api->options.network, from);
    struct tm_note **end = &api->notes;
    expire(api);
    for (; *end; end = &(*end)->next)
        of_sender += bytes_equal((*end)->from, from);
    if (api->note_count >= (known ? TM_API_NOTES_MAX : TM_API_NOTES_MAX / 2) ||
        of_sender >= TM_API_NOTES_OF_ONE_MAX)
        return ERR_LIMIT;
    struct tm_note *note = mem_alloc(sizeof(*note) + from.len + to.len + text.len);
    if (!note)
        return ERR_NOMEM;
    uint8_t *at = note->data;
    *note = (struct tm_note){.until = io_loop_now(api->options.loop) + EXPIRE_MS};
    memcpy(note->topic, topic.data, topic.len);
    note->from = put(&at, from);
    note->to = put(&at, to);
    note->text = put(&at, text);
    *end = note;
    api->note_count++;
    return 0;
}

static void answer_kept(struct tm_request *request, int status)
{
    if (status == ERR_LIMIT)
        tm_fail(request, 503, "too many notes wait to be fetched");
    else if (status < 0)
        tm_fail_error(request, status, NULL);
    else
        tm_answer(request, 200, NULL, NULL);
}

/* --- From another manager --- */

static void take_note(struct tm_request *request, const struct tmproto_payload *payload,
                      struct bytes data)
{
    struct tm_api *api = request->api;
    const uint8_t *end = data.len ? memchr(data.data, 0, data.len) : NULL;
    struct bytes topic = end ? bytes_of(data.data, (size_t)(end - data.data)) : bytes_none();
    if (!is_topic(topic))
        tm_fail(request, 400, "the note has no topic");
    else if (data.len - topic.len - 1 > TM_API_NOTE_MAX)
        tm_fail(request, 413, "a note has at most %d bytes", TM_API_NOTE_MAX);
    else
        answer_kept(request, keep(api, payload->sender, payload->recipients.items[0], topic,
                                  bytes_slice(data, topic.len + 1, data.len - topic.len - 1)));
}

void tm_post_note(struct tm_request *request)
{
    struct tmproto_payload payload;
    struct err_detail detail = {""};
    struct bytes data;
    int status = tmproto_payload_decode(&payload, &request->arena, TMPROTO_LEGACY,
                                        request->http->body, &detail);
    if (status == ERR_NOMEM) {
        tm_fail_error(request, status, NULL);
        return;
    }
    if (status < 0 || payload.recipients.count != 1) {
        tm_fail(request, 400, "%s", status < 0 ? detail.text : "a note has one recipient");
        return;
    }
    struct bytes key = payload.recipients.items[0];
    int outcome = tm_enclave_decrypt(request->api->options.enclave, &data, &request->arena,
                                     &payload, key, &detail);
    if (outcome < 0)
        tm_fail_error(request, outcome, detail.text);
    else if (outcome == TM_ENCLAVE_NOT_OURS)
        tm_fail_named(request, 404, "Public key ", key,
                      " not found when searching for private key");
    else if (outcome != TM_ENCLAVE_DONE)
        tm_fail(request, 400, "the note does not open with that key");
    else
        take_note(request, &payload, data);
}

/* --- From the node --- */

struct noting {
    struct tm_request *request;
    struct bytes from, to, topic, text;
    struct tm_push push;
};

static void on_pushed(void *context, struct tm_push *push)
{
    struct noting *n = context;
    if (push->fault != IO_HTTP_FAULT_NONE)
        tm_fail(n->request, 503, "%s cannot be reached: %s", push->url,
                io_http_fault_text(push->fault));
    else if (push->status == 404 || push->status == 405)
        tm_fail(n->request, 501, "%s takes no notes", push->url);
    else if (push->status != 200)
        tm_fail(n->request, 502, "%s refuses: %u %.*s", push->url, push->status,
                (int)(push->answer.len < 200 ? push->answer.len : 200),
                (const char *)push->answer.data);
    else
        tm_answer(n->request, 200, NULL, NULL);
}

static bool seal(struct noting *n)
{
    struct tm_request *request = n->request;
    struct tm_enclave_metadata metadata = {.privacy = TMPROTO_STANDARD_PRIVATE};
    struct tmproto_payload payload;
    struct tmproto_list to = {&n->to, 1};
    struct err_detail detail = {""};
    uint8_t *data = arena_alloc(&request->arena, n->topic.len + 1 + n->text.len);
    if (!data) {
        tm_fail_error(request, ERR_NOMEM, NULL);
        return false;
    }
    memcpy(data, n->topic.data, n->topic.len);
    data[n->topic.len] = 0;
    if (n->text.len)
        memcpy(data + n->topic.len + 1, n->text.data, n->text.len);
    int outcome = tm_enclave_encrypt(request->api->options.enclave, &payload, &request->arena,
                                     bytes_of(data, n->topic.len + 1 + n->text.len), n->from, to,
                                     &metadata, &detail);
    if (outcome == TM_ENCLAVE_DONE) {
        tmproto_payload_encode(&n->push.body, &payload, TMPROTO_LEGACY, TMPROTO_EXTENT_ALL);
        outcome = buf_status(&n->push.body);
    }
    if (outcome < 0)
        tm_fail_error(request, outcome, detail.text);
    else if (outcome == TM_ENCLAVE_NOT_OURS)
        tm_fail_named(request, 404, "Public key ", n->from,
                      " not found when searching for private key");
    else if (outcome != TM_ENCLAVE_DONE)
        tm_fail(request, 400, "%s", tm_enclave_outcome_text((enum tm_enclave_outcome)outcome));
    return outcome == TM_ENCLAVE_DONE;
}

static void send(struct noting *n)
{
    struct tm_request *request = n->request;
    struct tm_api *api = request->api;
    if (tm_enclave_has_key(api->options.enclave, n->to)) {
        answer_kept(request, keep(api, n->from, n->to, n->topic, n->text));
        return;
    }
    const struct tm_network_node *node = tm_network_find(api->options.network, n->to);
    if (!node) {
        tm_fail_named(request, 404, "Recipient not found for key: ", n->to, "");
        return;
    }
    n->push = (struct tm_push){.api = api,
                               .node = node,
                               .recipient = n->to,
                               .done = on_pushed,
                               .context = n,
                               .arena = &request->arena};
    if (!seal(n)) {
        buf_release(&n->push.body);
        return;
    }
    int status = tm_push_begin(&n->push, "note", TMPROTO_MEDIA_OCTETS, false, api->options.push_ms);
    if (status < 0)
        tm_fail_error(request, status, NULL);
}

void tm_post_note_send(struct tm_request *request)
{
    struct noting *n = arena_alloc_zeroed(&request->arena, 1, sizeof(*n));
    struct tm_enclave *enclave = request->api->options.enclave;
    if (!n) {
        tm_fail_error(request, ERR_NOMEM, NULL);
        return;
    }
    n->request = request;
    if (!tm_json_bytes(request, &n->from, "from") || !tm_json_bytes(request, &n->to, "to") ||
        !tm_json_text(request, &n->topic, "topic") || !tm_json_bytes(request, &n->text, "note"))
        return;
    if (n->from.len == 0)
        n->from = tm_enclave_default_key(enclave);
    if (n->to.len == 0)
        tm_fail(request, 400, "to: is missing or empty");
    else if (!is_topic(n->topic))
        tm_fail(request, 400, "topic: 1 to %d of a-z, 0-9, - and . are expected", TOPIC_MAX);
    else if (n->text.len > TM_API_NOTE_MAX)
        tm_fail(request, 413, "note: has at most %d bytes", TM_API_NOTE_MAX);
    else if (!tm_enclave_has_key(enclave, n->from))
        tm_fail_named(request, 404, "Public key ", n->from,
                      " not found when searching for private key");
    else
        send(n);
}

static void write_key(struct buf *b, const char *name, struct bytes value)
{
    buf_append_format(b, "\"%s\":\"", name);
    base64_append(b, value);
    buf_append_byte(b, '"');
}

void tm_get_notes(struct tm_request *request)
{
    struct tm_api *api = request->api;
    struct buf body = BUF_INIT;
    const char *comma = "";
    if (!is_topic(request->param)) {
        tm_fail(request, 400, "the topic has 1 to %d of a-z, 0-9, - and .", TOPIC_MAX);
        return;
    }
    expire(api);
    buf_append_text(&body, "{\"notes\":[");
    for (struct tm_note **at = &api->notes; *at;) {
        struct tm_note *note = *at;
        if (!bytes_equal(bytes_str(note->topic), request->param)) {
            at = &note->next;
            continue;
        }
        buf_append_format(&body, "%s{", comma);
        write_key(&body, "from", note->from);
        buf_append_byte(&body, ',');
        write_key(&body, "to", note->to);
        buf_append_byte(&body, ',');
        write_key(&body, "note", note->text);
        buf_append_byte(&body, '}');
        comma = ",";
        take_out(api, at);
    }
    buf_append_text(&body, "]}");
    tm_answer_json(request, 200, &body);
}
