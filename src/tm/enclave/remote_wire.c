#include "tm/enclave/remote_wire.h"

static void poison(struct tm_wire *w, int status)
{
    if (w->status == 0)
        w->status = status;
    w->left = bytes_none();
}

uint32_t tm_wire_read_u32(struct tm_wire *w)
{
    uint32_t n;
    if (w->left.len < sizeof(n)) {
        poison(w, ERR_INPUT);
        return 0;
    }
    memcpy(&n, w->left.data, sizeof(n));
    w->left = bytes_slice(w->left, sizeof(n), w->left.len - sizeof(n));
    return __builtin_bswap32(n);
}

struct bytes tm_wire_read(struct tm_wire *w)
{
    uint32_t len = tm_wire_read_u32(w);
    if (len > w->left.len) {
        poison(w, ERR_INPUT);
        return bytes_none();
    }
    struct bytes data = bytes_slice(w->left, 0, len);
    w->left = bytes_slice(w->left, len, w->left.len - len);
    return data;
}

/* A count of things of at least `least` bytes, and room for them. */
static void *read_room(struct tm_wire *w, size_t *ret_count, size_t least, size_t size)
{
    size_t count = tm_wire_read_u32(w);
    if (count > w->left.len / least)
        poison(w, ERR_INPUT);
    void *room = w->status == 0 && count ? arena_alloc(w->arena, count * size) : NULL;
    if (w->status == 0 && count && !room)
        poison(w, ERR_NOMEM);
    *ret_count = room ? count : 0;
    return room;
}

struct tmproto_list tm_wire_read_list(struct tm_wire *w)
{
    size_t count;
    struct bytes *items = read_room(w, &count, 4, sizeof(*items));
    for (size_t i = 0; i < count; i++)
        items[i] = tm_wire_read(w);
    return (struct tmproto_list){items, count};
}

struct tmproto_payload tm_wire_read_payload(struct tm_wire *w)
{
    struct tmproto_payload payload = {0};
    struct bytes data = tm_wire_read(w);
    int status = w->status ? w->status
                           : tmproto_payload_decode(&payload, w->arena, TMPROTO_LEGACY, data, NULL);
    if (status)
        poison(w, status);
    return payload;
}

struct tm_enclave_raw tm_wire_read_raw(struct tm_wire *w)
{
    struct tm_enclave_raw raw;
    raw.cipher_text = tm_wire_read(w);
    raw.encrypted_key = tm_wire_read(w);
    raw.nonce = tm_wire_read(w);
    raw.sender = tm_wire_read(w);
    return raw;
}

/* A list of affected transactions; *ret_count of them. */
static const struct tm_enclave_affected *read_affected(struct tm_wire *w, size_t *ret_count)
{
    struct tm_enclave_affected *list = read_room(w, ret_count, 8, sizeof(*list));
    struct tmproto_payload *payloads =
        *ret_count ? arena_alloc(w->arena, *ret_count * sizeof(*payloads)) : NULL;
    if (*ret_count && !payloads) {
        poison(w, ERR_NOMEM);
        *ret_count = 0;
    }
    for (size_t i = 0; i < *ret_count; i++) {
        list[i].hash = tm_wire_read(w);
        payloads[i] = tm_wire_read_payload(w);
        list[i].payload = &payloads[i];
    }
    return list;
}

static struct tm_enclave_metadata read_metadata(struct tm_wire *w)
{
    struct tm_enclave_metadata m = {.privacy = tmproto_privacy_from(tm_wire_read_u32(w))};
    m.affected = read_affected(w, &m.affected_count);
    m.exec_hash = tm_wire_read(w);
    m.mandatory = tm_wire_read_list(w);
    m.group = tm_wire_read(w);
    return m;
}

void tm_wire_write_u32(struct buf *b, uint32_t n)
{
    n = __builtin_bswap32(n);
    buf_append(b, &n, sizeof(n));
}

void tm_wire_write(struct buf *b, struct bytes data)
{
    assert(data.len <= UINT32_MAX);
    tm_wire_write_u32(b, (uint32_t)data.len);
    buf_append_bytes(b, data);
}

void tm_wire_write_list(struct buf *b, struct tmproto_list list)
{
    tm_wire_write_u32(b, (uint32_t)list.count);
    for (size_t i = 0; i < list.count; i++)
        tm_wire_write(b, list.items[i]);
}

void tm_wire_write_payload(struct buf *b, const struct tmproto_payload *payload)
{
    tm_wire_write_u32(b, (uint32_t)tmproto_payload_size(payload));
    tmproto_payload_encode(b, payload, TMPROTO_LEGACY, TMPROTO_EXTENT_ALL);
}

void tm_wire_write_raw(struct buf *b, const struct tm_enclave_raw *raw)
{
    tm_wire_write(b, raw->cipher_text);
    tm_wire_write(b, raw->encrypted_key);
    tm_wire_write(b, raw->nonce);
    tm_wire_write(b, raw->sender);
}

void tm_wire_write_affected(struct buf *b, const struct tm_enclave_affected *list, size_t count)
{
    tm_wire_write_u32(b, (uint32_t)count);
    for (size_t i = 0; i < count; i++) {
        tm_wire_write(b, list[i].hash);
        tm_wire_write_payload(b, list[i].payload);
    }
}

void tm_wire_write_metadata(struct buf *b, const struct tm_enclave_metadata *m)
{
    tm_wire_write_u32(b, (uint32_t)m->privacy);
    tm_wire_write_affected(b, m->affected, m->affected_count);
    tm_wire_write(b, m->exec_hash);
    tm_wire_write_list(b, m->mandatory);
    tm_wire_write(b, m->group);
}

/* What a function returns, written behind its result. */
struct reply {
    struct buf *answer;
    struct err_detail detail;
};

static int hello(struct tm_enclave *enclave, struct reply *reply)
{
    const struct tm_encryptor *e = tm_enclave_encryptor(enclave);
    tm_wire_write_u32(reply->answer, (uint32_t)e->kind);
    tm_wire_write_u32(reply->answer, (uint32_t)e->curve);
    tm_wire_write_u32(reply->answer, (uint32_t)e->nonce_len);
    tm_wire_write_u32(reply->answer, (uint32_t)e->shared_len);
    tm_wire_write_list(reply->answer, tm_enclave_keys(enclave));
    tm_wire_write_list(reply->answer, tm_enclave_forwarding(enclave));
    return TM_ENCLAVE_DONE;
}

/* The two that make a payload. */
static int seal(struct tm_enclave *enclave, struct reply *reply, struct tm_wire *w, bool from_raw)
{
    struct tmproto_payload payload = {0};
    struct tm_enclave_raw raw = {0};
    struct bytes data = bytes_none(), sender = bytes_none();
    if (from_raw) {
        raw = tm_wire_read_raw(w);
    } else {
        data = tm_wire_read(w);
        sender = tm_wire_read(w);
    }
    struct tmproto_list recipients = tm_wire_read_list(w);
    struct tm_enclave_metadata m = read_metadata(w);
    if (w->status)
        return w->status;
    int status = from_raw ? tm_enclave_encrypt_from_raw(enclave, &payload, w->arena, &raw,
                                                        recipients, &m, &reply->detail)
                          : tm_enclave_encrypt(enclave, &payload, w->arena, data, sender,
                                               recipients, &m, &reply->detail);
    if (status == TM_ENCLAVE_DONE)
        tm_wire_write_payload(reply->answer, &payload);
    else if (status == TM_ENCLAVE_BAD_KEY)
        tm_wire_write(reply->answer, payload.recipients.items[0]);
    return status;
}

static int seal_raw(struct tm_enclave *enclave, struct reply *reply, struct tm_wire *w)
{
    struct tm_enclave_raw raw;
    struct bytes data = tm_wire_read(w), sender = tm_wire_read(w);
    if (w->status)
        return w->status;
    int status = tm_enclave_encrypt_raw(enclave, &raw, w->arena, data, sender, &reply->detail);
    if (status == TM_ENCLAVE_DONE)
        tm_wire_write_raw(reply->answer, &raw);
    return status;
}

static int open_raw(struct tm_enclave *enclave, struct reply *reply, struct tm_wire *w)
{
    struct bytes data;
    struct tm_enclave_raw raw = tm_wire_read_raw(w);
    if (w->status)
        return w->status;
    int status = tm_enclave_decrypt_raw(enclave, &data, w->arena, &raw, &reply->detail);
    if (status == TM_ENCLAVE_DONE)
        tm_wire_write(reply->answer, data);
    return status;
}

/* The four that take a payload and return bytes, or two of them. */
static int of_payload(struct tm_enclave *enclave, struct reply *reply, struct tm_wire *w,
                      enum tm_enclave_call call)
{
    struct bytes first = bytes_none(), second = bytes_none(), argument = bytes_none();
    struct tmproto_payload payload = tm_wire_read_payload(w);
    uint32_t box = 0;
    if (call == TM_ENCLAVE_CALL_FIND_KEY)
        box = tm_wire_read_u32(w);
    else if (call != TM_ENCLAVE_CALL_DECRYPT_ANY)
        argument = tm_wire_read(w);
    if (w->status)
        return w->status;
    int status =
        call == TM_ENCLAVE_CALL_DECRYPT
            ? tm_enclave_decrypt(enclave, &first, w->arena, &payload, argument, &reply->detail)
        : call == TM_ENCLAVE_CALL_DECRYPT_ANY
            ? tm_enclave_decrypt_any(enclave, &first, &second, w->arena, &payload, &reply->detail)
        : call == TM_ENCLAVE_CALL_FIND_KEY
            ? tm_enclave_find_key(enclave, &first, &payload, box, &reply->detail)
            : tm_enclave_new_box(enclave, &first, w->arena, &payload, argument, &reply->detail);
    if (status == TM_ENCLAVE_DONE) {
        tm_wire_write(reply->answer, first);
        tm_wire_write(reply->answer, second);
    }
    return status;
}

static int invalid_hashes(struct tm_enclave *enclave, struct reply *reply, struct tm_wire *w)
{
    size_t count;
    struct tmproto_payload payload = tm_wire_read_payload(w);
    const struct tm_enclave_affected *known = read_affected(w, &count);
    if (w->status)
        return w->status;
    bool *invalid = arena_alloc_zeroed(w->arena, payload.affected_count, sizeof(*invalid));
    if (!invalid)
        return ERR_NOMEM;
    int status =
        tm_enclave_invalid_hashes(enclave, invalid, &payload, known, count, &reply->detail);
    for (size_t i = 0; status == TM_ENCLAVE_DONE && i < payload.affected_count; i++)
        buf_append_byte(reply->answer, invalid[i]);
    return status;
}

static int serve(struct tm_enclave *enclave, struct reply *reply, struct tm_wire *w,
                 enum tm_enclave_call call)
{
    switch (call) {
    case TM_ENCLAVE_CALL_HELLO:
        return hello(enclave, reply);
    case TM_ENCLAVE_CALL_ENCRYPT:
    case TM_ENCLAVE_CALL_ENCRYPT_FROM_RAW:
        return seal(enclave, reply, w, call == TM_ENCLAVE_CALL_ENCRYPT_FROM_RAW);
    case TM_ENCLAVE_CALL_ENCRYPT_RAW:
        return seal_raw(enclave, reply, w);
    case TM_ENCLAVE_CALL_DECRYPT_RAW:
        return open_raw(enclave, reply, w);
    case TM_ENCLAVE_CALL_DECRYPT:
    case TM_ENCLAVE_CALL_DECRYPT_ANY:
    case TM_ENCLAVE_CALL_FIND_KEY:
    case TM_ENCLAVE_CALL_NEW_BOX:
        return of_payload(enclave, reply, w, call);
    case TM_ENCLAVE_CALL_INVALID_HASHES:
        return invalid_hashes(enclave, reply, w);
    }
    return err_set(&reply->detail, ERR_UNSUPPORTED, "no such function of the enclave");
}

int tm_enclave_serve_message(struct tm_enclave *enclave, struct buf *answer, struct bytes request)
{
    struct buf returned = BUF_INIT;
    struct arena arena;
    struct reply reply = {.answer = &returned, .detail = {""}};
    struct tm_wire w = {request, &arena, 0};
    arena_init(&arena);
    enum tm_enclave_call call = (enum tm_enclave_call)(request.len ? request.data[0] : 0);
    if (request.len)
        w.left = bytes_slice(request, 1, request.len - 1);
    int status = serve(enclave, &reply, &w, call);
    if (status >= 0 && buf_status(&returned) < 0)
        status = ERR_NOMEM;
    if (status < 0 && reply.detail.text[0] == 0)
        err_set(&reply.detail, status, "%s", err_text(status));
    tm_wire_write_u32(answer, (uint32_t)status);
    tm_wire_write(answer, bytes_str(reply.detail.text));
    if (status == TM_ENCLAVE_DONE || status == TM_ENCLAVE_BAD_KEY)
        buf_append_bytes(answer, buf_bytes(&returned));
    buf_release(&returned);
    arena_release(&arena);
    return buf_status(answer);
}
