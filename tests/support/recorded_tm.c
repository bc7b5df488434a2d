#include "recorded_tm.h"

#include "base/base64.h"
#include "recordings.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { EXCHANGES_MAX = 4096 };

struct exchange {
    const json_t *line;
    char *body; /* decoded */
    size_t body_len;
    bool given;
};

struct recorded_tm {
    char name[32];    /* "tm0 from its node" */
    json_t *payloads; /* hash -> answer */
    json_t *raw;      /* hash -> what POST /storeraw had */
    json_t *keys;     /* payload -> hash */
    json_t *lines;    /* array that holds what `exchanges` point to */
    struct exchange exchanges[EXCHANGES_MAX];
    size_t count;
};

static json_t *parse(struct bytes text)
{
    json_error_t error;
    return json_loadb((const char *)text.data, text.len, JSON_DISABLE_EOF_CHECK, &error);
}

static json_t *decoded(const json_t *line, const char *key, struct buf *b)
{
    buf_clear(b);
    assert_int_equal(base64_decode(b, bytes_str(json_string_value(json_object_get(line, key)))), 0);
    return parse(buf_bytes(b));
}

static void copy(json_t *to, const json_t *from, const char *key)
{
    json_t *value = json_object_get(from, key);
    if (value)
        json_object_set(to, key, value);
}

/* A payload that the node sent: with what it said of it. */
static void keep_sent(struct recorded_tm *tm, const json_t *request, json_t *payload,
                      const char *hash)
{
    json_t *kept = json_object();
    json_object_set(kept, "payload", payload);
    copy(kept, request, "affectedContractTransactions");
    copy(kept, request, "execHash");
    copy(kept, request, "privacyFlag");
    json_object_set_new(tm->payloads, hash, kept);
}

static void read_post(struct recorded_tm *tm, const char *path, const json_t *request,
                      const json_t *answer)
{
    const char *hash = json_string_value(json_object_get(answer, "key"));
    json_t *payload = json_object_get(request, "payload");
    if (!hash)
        return;
    if (payload)
        json_object_set_new(tm->keys, json_string_value(payload), json_string(hash));
    if (strcmp(path, "/send") == 0)
        keep_sent(tm, request, payload, hash);
    else if (strcmp(path, "/storeraw") == 0)
        json_object_set(tm->raw, hash, payload);
    else if (strcmp(path, "/sendsignedtx") == 0 && json_object_get(tm->raw, hash))
        keep_sent(tm, request, json_object_get(tm->raw, hash), hash);
}

/* "/transaction/<percent-encoded base64>…": the hash. */
static bool hash_of(const char *path, char ret_hash[96])
{
    static const char prefix[] = "/transaction/";
    if (strncmp(path, prefix, sizeof(prefix) - 1) != 0)
        return false;
    size_t len = 0;
    for (const char *p = path + sizeof(prefix) - 1; *p && *p != '?' && *p != '/' && len < 95; p++) {
        unsigned code;
        if (*p == '%' && sscanf(p + 1, "%2x", &code) == 1) {
            ret_hash[len++] = (char)code;
            p += 2;
        } else {
            ret_hash[len++] = *p;
        }
    }
    ret_hash[len] = '\0';
    return true;
}

static void read_get(struct recorded_tm *tm, const char *path, json_t *answer)
{
    char hash[96];
    json_t *payload = json_object_get(answer, "payload");
    if (!payload || !hash_of(path, hash))
        return;
    if (strstr(path, "isRaw=true"))
        json_object_set(tm->raw, hash, payload);
    else
        json_object_set(tm->payloads, hash, answer);
}

static void read_line(const json_t *line, void *context)
{
    struct recorded_tm *tm = context;
    struct buf body = BUF_INIT, answer = BUF_INIT;
    if (strcmp(json_string_value(json_object_get(line, "to")), tm->name) != 0)
        return;
    const char *method = json_string_value(json_object_get(line, "method"));
    const char *path = json_string_value(json_object_get(line, "path"));
    json_t *request = decoded(line, "body", &body), *reply = decoded(line, "answer", &answer);
    assert_true(tm->count < EXCHANGES_MAX);
    json_array_append(tm->lines, (json_t *)line);
    struct exchange *e = &tm->exchanges[tm->count++];
    *e = (struct exchange){.line = line, .body = malloc(body.len + 1), .body_len = body.len};
    assert_non_null(e->body);
    memcpy(e->body, buf_text(&body), body.len);
    if (strcmp(method, "POST") == 0)
        read_post(tm, path, request, reply);
    else
        read_get(tm, path, reply);
    json_decref(request);
    json_decref(reply);
    buf_release(&body);
    buf_release(&answer);
}

struct recorded_tm *recorded_tm_open(const char *network, unsigned peer)
{
    struct recorded_tm *tm = calloc(1, sizeof(*tm));
    assert_non_null(tm);
    snprintf(tm->name, sizeof(tm->name), "tm%u from its node", peer);
    tm->payloads = json_object();
    tm->raw = json_object();
    tm->keys = json_object();
    tm->lines = json_array();
    recordings_lines(network, "tm-wire.jsonl.gz", read_line, tm);
    assert_true(tm->count > 0);
    return tm;
}

void recorded_tm_close(struct recorded_tm *tm)
{
    for (size_t i = 0; i < tm->count; i++)
        free(tm->exchanges[i].body);
    json_decref(tm->payloads);
    json_decref(tm->raw);
    json_decref(tm->keys);
    json_decref(tm->lines);
    free(tm);
}

const json_t *recorded_tm_payload(const struct recorded_tm *tm, const char *hash)
{
    return json_object_get(tm->payloads, hash);
}

const char *recorded_tm_key(const struct recorded_tm *tm, const char *payload)
{
    return json_string_value(json_object_get(tm->keys, payload));
}

static bool is_wanted(const struct exchange *e, const char *method, const char *path,
                      struct bytes body)
{
    return strcmp(json_string_value(json_object_get(e->line, "method")), method) == 0 &&
           strcmp(json_string_value(json_object_get(e->line, "path")), path) == 0 &&
           e->body_len == body.len && (body.len == 0 || memcmp(e->body, body.data, body.len) == 0);
}

static bool give_payload(struct recorded_tm *tm, const char *path, unsigned *ret_status,
                         struct buf *answer)
{
    char hash[96];
    if (!hash_of(path, hash) || !strchr(path, '?'))
        return false;
    bool raw = strstr(path, "isRaw=true") != NULL;
    const json_t *payload = json_object_get(raw ? tm->raw : tm->payloads, hash);
    *ret_status = payload ? 200 : 404;
    if (!payload)
        return true;
    json_t *whole = raw ? json_pack("{s:O}", "payload", payload) : json_incref((json_t *)payload);
    char *text = json_dumps(whole, JSON_COMPACT);
    buf_append_text(answer, text);
    free(text);
    json_decref(whole);
    return true;
}

bool recorded_tm_answer(struct recorded_tm *tm, const char *method, const char *path,
                        struct bytes body, unsigned *ret_status, struct buf *answer)
{
    struct exchange *last = NULL;
    if (strcmp(method, "GET") == 0 && give_payload(tm, path, ret_status, answer))
        return true;
    for (size_t i = 0; i < tm->count; i++) {
        if (!is_wanted(&tm->exchanges[i], method, path, body))
            continue;
        last = &tm->exchanges[i];
        if (!last->given)
            break;
    }
    if (!last)
        return false;
    last->given = true;
    *ret_status = (unsigned)json_integer_value(json_object_get(last->line, "status"));
    return base64_decode(answer,
                         bytes_str(json_string_value(json_object_get(last->line, "answer")))) == 0;
}
