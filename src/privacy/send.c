/* What goes to the manager: payloads, raw ones, and hashes of those that it has. */
#include "base/base64.h"
#include "privacy/internal.h"

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
        err = privacy_read_key(ret_hash, &answer, said, arena, path, detail);
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
        privacy_write_payload(&body, in->payload, in->from);
        buf_append_byte(&body, ',');
        privacy_write_rest(&body, in);
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

int privacy_unsupported(struct err_detail *detail)
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
        return privacy_unsupported(detail);
    arena_init(&arena);
    privacy_write_payload(&body, payload, from);
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
    int err = tm->is_tessera ? check_features(tm, in->flag, detail) : privacy_unsupported(detail);
    if (err)
        return err;
    arena_init(&arena);
    if (privacy_has(tm, PRIVACY_ENHANCEMENTS)) {
        buf_append_text(&body, "{\"hash\":");
        privacy_write_base64(&body, hash->b, sizeof(hash->b));
        buf_append_byte(&body, ',');
        privacy_write_rest(&body, in);
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
