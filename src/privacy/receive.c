/* What the manager has under a hash, and what it says of it. */
#include "base/base64.h"
#include "privacy/internal.h"

#include <stdio.h>

enum { PATH_MAX_LEN = 512 };

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
    unsigned tries = tm->options.is_light ? 1 : PRIVACY_TRIES;
    return receive(tm, ret_payload, hash, raw, arena, tries, detail);
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
        if (tm->is_impatient)
            return ERR_TIMEOUT;
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

static void set_patience(void *context, bool waits)
{
    struct privacy_tm *tm = context;
    tm->is_impatient = !waits;
}

struct chain_payloads privacy_payloads(struct privacy_tm *tm)
{
    return (struct chain_payloads){.context = tm,
                                   .receive = receive_for_block,
                                   .is_own_vote = privacy_is_own_vote,
                                   .expect = privacy_expect,
                                   .set_patience = set_patience};
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
        return privacy_unsupported(detail);
    transaction_path(path, hash, what);
    const struct privacy_request request = {
        .method = "GET", .path = path, .fields = fields, .field_count = 1};
    return privacy_ask(tm, ret_answer, &request, detail);
}

int privacy_is_sender(struct privacy_tm *tm, bool *ret_sender,
                      const struct chain_payload_hash *hash, struct err_detail *detail)
{
    struct privacy_answer answer;
    if (privacy_cache_sender(tm, ret_sender, hash))
        return 0;
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
