/* The manager's side of an enclave that is a process of its own: each function is a message and waits for its answer. */
#include "tm/enclave/remote.h"

#include "base/clock.h"
#include "base/mem.h"
#include "tm/enclave/enclave_priv.h"
#include "tm/enclave/remote_wire.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

struct tm_enclave_remote {
    struct sockaddr_un address;
    int fd; /* -1 when not connected */
    struct buf request, answer;
};

static int lost(struct tm_enclave_remote *r, struct err_detail *detail, const char *what)
{
    if (r->fd >= 0)
        close(r->fd);
    r->fd = -1;
    return err_set(detail, ERR_IO, "the enclave at %s: %s", r->address.sun_path, what);
}

/* Waits until the socket can be read from or written to. */
static bool wait_for(struct tm_enclave_remote *r, short events, uint64_t deadline)
{
    for (;;) {
        uint64_t now = base_now_ms();
        struct pollfd p = {.fd = r->fd, .events = events};
        int n = now < deadline ? poll(&p, 1, (int)(deadline - now)) : 0;
        if (n > 0)
            return true;
        if (n == 0 || errno != EINTR)
            return false;
    }
}

static int send_all(struct tm_enclave_remote *r, struct bytes data, uint64_t deadline,
                    struct err_detail *detail)
{
    while (data.len) {
        ssize_t n = send(r->fd, data.data, data.len, MSG_NOSIGNAL);
        if (n > 0)
            data = bytes_slice(data, (size_t)n, data.len - (size_t)n);
        else if (n < 0 && errno != EAGAIN && errno != EINTR)
            return lost(r, detail, strerror(errno));
        else if (!wait_for(r, POLLOUT, deadline))
            return lost(r, detail, "does not take the request");
    }
    return 0;
}

static int receive(struct tm_enclave_remote *r, uint8_t *ret_data, size_t len, uint64_t deadline,
                   struct err_detail *detail)
{
    while (len) {
        ssize_t n = recv(r->fd, ret_data, len, 0);
        if (n > 0) {
            ret_data += n;
            len -= (size_t)n;
        } else if (n == 0) {
            return lost(r, detail, "has closed the connection");
        } else if (errno != EAGAIN && errno != EINTR) {
            return lost(r, detail, strerror(errno));
        } else if (!wait_for(r, POLLIN, deadline)) {
            return lost(r, detail, "does not answer");
        }
    }
    return 0;
}

/* Sends r->request and takes r->answer, on a connection that is there. */
static int exchange(struct tm_enclave_remote *r, struct err_detail *detail)
{
    uint8_t head[4];
    uint64_t deadline = base_now_ms() + TM_ENCLAVE_TIMEOUT_MS;
    struct buf length = BUF_INIT;
    tm_wire_write_u32(&length, (uint32_t)r->request.len);
    int status = buf_status(&length) ? buf_status(&length) : buf_status(&r->request);
    if (status == 0 && r->request.len > TM_ENCLAVE_MESSAGE_MAX)
        status = ERR_LIMIT;
    if (status == 0) {
        status = send_all(r, buf_bytes(&length), deadline, detail);
        if (status == 0)
            status = send_all(r, buf_bytes(&r->request), deadline, detail);
    } else {
        err_set(detail, status, "%s", err_text(status));
    }
    buf_release(&length);
    if (status == 0)
        status = receive(r, head, sizeof(head), deadline, detail);
    if (status < 0)
        return status;
    size_t len = (size_t)head[0] << 24 | (size_t)head[1] << 16 | (size_t)head[2] << 8 | head[3];
    buf_clear(&r->answer);
    if (len > TM_ENCLAVE_MESSAGE_MAX)
        return lost(r, detail, "answers with a message that is too long");
    uint8_t *room = buf_extend(&r->answer, len);
    if (!room && len) {
        (void)lost(r, detail,
                   "no memory for the answer"); /* what is on its way cannot be left there */
        return ERR_NOMEM;
    }
    return receive(r, room, len, deadline, detail);
}

static int open_socket(struct tm_enclave_remote *r, struct err_detail *detail)
{
    r->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (r->fd < 0 || connect(r->fd, (struct sockaddr *)&r->address, sizeof(r->address)) < 0)
        return lost(r, detail, strerror(errno));
    return 0;
}

/* The head of an answer: its result, with its message. What is returned stays in *w. */
static int read_result(struct tm_enclave_remote *r, struct tm_wire *w, struct arena *arena,
                       struct err_detail *detail)
{
    *w = (struct tm_wire){buf_bytes(&r->answer), arena, 0};
    int status = (int)tm_wire_read_u32(w);
    struct bytes message = tm_wire_read(w);
    if (w->status || status >= TM_ENCLAVE_OUTCOMES)
        return lost(r, detail, "answers with bytes that are no answer");
    if (status < 0)
        err_set(detail, status, "%.*s", (int)(message.len < 500 ? message.len : 500),
                (const char *)message.data);
    return status;
}

/* Takes over keys that are new. Those that were there stay: pointers to them are out. */
static int take_keys(struct tm_enclave *enclave, struct tm_wire *w, struct err_detail *detail)
{
    const struct tm_encryptor *e = &enclave->encryptor;
    bool same = tm_wire_read_u32(w) == (uint32_t)e->kind;
    same &= tm_wire_read_u32(w) == (uint32_t)e->curve;
    same &= tm_wire_read_u32(w) == e->nonce_len;
    same &= tm_wire_read_u32(w) == e->shared_len;
    struct tmproto_list keys = tm_wire_read_list(w), forwarding = tm_wire_read_list(w);
    if (w->status)
        return lost(enclave->remote, detail, "answers with bytes that are no answer");
    if (!same)
        return lost(enclave->remote, detail, "is configured for another encryptor");
    int status = 0;
    for (size_t i = 0; status == 0 && i < keys.count; i++)
        if (!tm_enclave_has_key(enclave, keys.items[i]))
            status = tm_enclave_append_key(enclave, keys.items[i], NULL);
    for (size_t i = 0; status == 0 && i < forwarding.count; i++)
        if (tmproto_list_find(tm_enclave_forwarding(enclave), forwarding.items[i]) == SIZE_MAX)
            status = tm_enclave_append_forwarding(enclave, forwarding.items[i]);
    return status < 0 ? tm_enclave_fail(detail, status) : 0;
}

static int say_hello(struct tm_enclave *enclave, struct err_detail *detail)
{
    struct tm_enclave_remote *r = enclave->remote;
    struct buf waiting = r->request; /* the call that made us connect */
    struct arena arena;
    struct tm_wire w;
    arena_init(&arena);
    r->request = (struct buf)BUF_INIT;
    buf_append_byte(&r->request, TM_ENCLAVE_CALL_HELLO);
    int status = exchange(r, detail);
    if (status == 0)
        status = read_result(r, &w, &arena, detail);
    if (status == 0)
        status = take_keys(enclave, &w, detail);
    buf_release(&r->request);
    r->request = waiting;
    arena_release(&arena);
    return status;
}

/* Sends the request that has been written and reads the result of its answer. A connection that turns out to be lost is
 * made once more: every function may be asked twice. */
static int call(struct tm_enclave *enclave, struct tm_wire *w, struct arena *arena,
                struct err_detail *detail)
{
    struct tm_enclave_remote *r = enclave->remote;
    bool fresh = r->fd < 0;
    int status = 0;
    for (;;) {
        if (r->fd < 0) {
            status = open_socket(r, detail);
            if (status == 0)
                status = say_hello(enclave, detail);
        }
        if (status == 0)
            status = exchange(r, detail);
        if (status != ERR_IO || fresh)
            break;
        fresh = true;
        status = 0;
    }
    return status < 0 ? status : read_result(r, w, arena, detail);
}

static struct buf *start(struct tm_enclave *enclave, enum tm_enclave_call which)
{
    struct buf *b = &enclave->remote->request;
    buf_clear(b);
    buf_append_byte(b, (uint8_t)which);
    return b;
}

/* The end of a call whose result was read: answers are copied, they outlive the connection's buffer. */
static int finish(struct tm_enclave *enclave, const struct tm_wire *w, int status,
                  struct err_detail *detail)
{
    if (status >= 0 && w->status == ERR_NOMEM)
        return tm_enclave_fail(detail, ERR_NOMEM);
    if (status >= 0 && w->status)
        return lost(enclave->remote, detail, "answers with bytes that are no answer");
    return status;
}

/* Makes what is left of an answer the arena's own. */
static void keep(struct tm_wire *w)
{
    struct bytes copy = arena_copy(w->arena, w->left);
    if (!copy.data && w->left.len)
        w->status = ERR_NOMEM;
    w->left = copy;
}

static int take_payload(struct tm_enclave *enclave, struct tmproto_payload *ret_payload,
                        struct arena *arena, struct err_detail *detail)
{
    struct tm_wire w = {.status = 0};
    struct tmproto_payload payload = {0};
    int status = call(enclave, &w, arena, detail);
    if (status != TM_ENCLAVE_DONE && status != TM_ENCLAVE_BAD_KEY)
        return status;
    keep(&w);
    if (w.status == 0 && status == TM_ENCLAVE_BAD_KEY) {
        struct bytes *key = arena_alloc(arena, sizeof(*key));
        if (key) {
            *key = tm_wire_read(&w);
            ret_payload->recipients = (struct tmproto_list){key, 1};
        } else {
            w.status = ERR_NOMEM;
        }
    } else if (w.status == 0) {
        payload = tm_wire_read_payload(&w);
        if (w.status == 0)
            *ret_payload = payload;
    }
    return finish(enclave, &w, status, detail);
}

static int encrypt(struct tm_enclave *enclave, struct tmproto_payload *ret_payload,
                   struct arena *arena, struct bytes data, struct bytes sender,
                   struct tmproto_list recipients, const struct tm_enclave_metadata *metadata,
                   struct err_detail *detail)
{
    struct buf *b = start(enclave, TM_ENCLAVE_CALL_ENCRYPT);
    tm_wire_write(b, data);
    tm_wire_write(b, sender);
    tm_wire_write_list(b, recipients);
    tm_wire_write_metadata(b, metadata);
    return take_payload(enclave, ret_payload, arena, detail);
}

static int encrypt_from_raw(struct tm_enclave *enclave, struct tmproto_payload *ret_payload,
                            struct arena *arena, const struct tm_enclave_raw *raw,
                            struct tmproto_list recipients,
                            const struct tm_enclave_metadata *metadata, struct err_detail *detail)
{
    struct buf *b = start(enclave, TM_ENCLAVE_CALL_ENCRYPT_FROM_RAW);
    tm_wire_write_raw(b, raw);
    tm_wire_write_list(b, recipients);
    tm_wire_write_metadata(b, metadata);
    return take_payload(enclave, ret_payload, arena, detail);
}

static int encrypt_raw(struct tm_enclave *enclave, struct tm_enclave_raw *ret_raw,
                       struct arena *arena, struct bytes data, struct bytes sender,
                       struct err_detail *detail)
{
    struct tm_wire w = {.status = 0};
    struct buf *b = start(enclave, TM_ENCLAVE_CALL_ENCRYPT_RAW);
    tm_wire_write(b, data);
    tm_wire_write(b, sender);
    int status = call(enclave, &w, arena, detail);
    if (status != TM_ENCLAVE_DONE)
        return status;
    keep(&w);
    struct tm_enclave_raw raw = {0};
    if (w.status == 0)
        raw = tm_wire_read_raw(&w);
    if (w.status == 0)
        *ret_raw = raw;
    return finish(enclave, &w, status, detail);
}

/* Sends, and takes the one or two byte strings of the answer. */
static int take_bytes(struct tm_enclave *enclave, struct bytes *ret_first, struct bytes *ret_second,
                      struct arena *arena, struct err_detail *detail)
{
    struct tm_wire w = {.status = 0};
    struct bytes first = bytes_none(), second = bytes_none();
    int status = call(enclave, &w, arena, detail);
    if (status != TM_ENCLAVE_DONE)
        return status;
    keep(&w);
    if (w.status == 0)
        first = tm_wire_read(&w);
    if (w.status == 0 && ret_second)
        second = tm_wire_read(&w);
    if (w.status == 0) {
        *ret_first = first;
        if (ret_second)
            *ret_second = second;
    }
    return finish(enclave, &w, status, detail);
}

static int decrypt_raw(struct tm_enclave *enclave, struct bytes *ret_data, struct arena *arena,
                       const struct tm_enclave_raw *raw, struct err_detail *detail)
{
    tm_wire_write_raw(start(enclave, TM_ENCLAVE_CALL_DECRYPT_RAW), raw);
    return take_bytes(enclave, ret_data, NULL, arena, detail);
}

static int decrypt(struct tm_enclave *enclave, struct bytes *ret_data, struct arena *arena,
                   const struct tmproto_payload *payload, struct bytes key,
                   struct err_detail *detail)
{
    struct buf *b = start(enclave, TM_ENCLAVE_CALL_DECRYPT);
    tm_wire_write_payload(b, payload);
    tm_wire_write(b, key);
    return take_bytes(enclave, ret_data, NULL, arena, detail);
}

/* The enclave's own copy of one of its keys. */
static int own_key(struct tm_enclave *enclave, struct bytes *ret_key, struct bytes key,
                   struct err_detail *detail)
{
    size_t own = tm_enclave_own(enclave, key);
    if (own == SIZE_MAX)
        return lost(enclave->remote, detail, "answers with a key that is none of its own");
    *ret_key = enclave->keys[own];
    return TM_ENCLAVE_DONE;
}

static int decrypt_any(struct tm_enclave *enclave, struct bytes *ret_data, struct bytes *ret_key,
                       struct arena *arena, const struct tmproto_payload *payload,
                       struct err_detail *detail)
{
    struct bytes data, key;
    tm_wire_write_payload(start(enclave, TM_ENCLAVE_CALL_DECRYPT_ANY), payload);
    int status = take_bytes(enclave, &data, &key, arena, detail);
    if (status == TM_ENCLAVE_DONE)
        status = own_key(enclave, ret_key, key, detail);
    if (status == TM_ENCLAVE_DONE)
        *ret_data = data;
    return status;
}

static int find_key(struct tm_enclave *enclave, struct bytes *ret_key,
                    const struct tmproto_payload *payload, size_t box, struct err_detail *detail)
{
    struct bytes key;
    struct arena arena;
    if (box >= payload->boxes.count)
        return TM_ENCLAVE_MALFORMED;
    struct buf *b = start(enclave, TM_ENCLAVE_CALL_FIND_KEY);
    tm_wire_write_payload(b, payload);
    tm_wire_write_u32(b, (uint32_t)box);
    arena_init(&arena);
    int status = take_bytes(enclave, &key, NULL, &arena, detail);
    if (status == TM_ENCLAVE_DONE)
        status = own_key(enclave, ret_key, key, detail);
    arena_release(&arena);
    return status;
}

static int new_box(struct tm_enclave *enclave, struct bytes *ret_box, struct arena *arena,
                   const struct tmproto_payload *payload, struct bytes recipient,
                   struct err_detail *detail)
{
    struct buf *b = start(enclave, TM_ENCLAVE_CALL_NEW_BOX);
    tm_wire_write_payload(b, payload);
    tm_wire_write(b, recipient);
    return take_bytes(enclave, ret_box, NULL, arena, detail);
}

static int invalid_hashes(struct tm_enclave *enclave, bool *ret_invalid,
                          const struct tmproto_payload *payload,
                          const struct tm_enclave_affected *known, size_t known_count,
                          struct err_detail *detail)
{
    struct tm_wire w = {.status = 0};
    struct buf *b = start(enclave, TM_ENCLAVE_CALL_INVALID_HASHES);
    tm_wire_write_payload(b, payload);
    tm_wire_write_affected(b, known, known_count);
    int status = call(enclave, &w, NULL, detail);
    if (status != TM_ENCLAVE_DONE)
        return status;
    if (w.left.len != payload->affected_count)
        return lost(enclave->remote, detail, "answers with bytes that are no answer");
    for (size_t i = 0; i < w.left.len; i++)
        ret_invalid[i] = w.left.data[i] != 0;
    return TM_ENCLAVE_DONE;
}

static int check(struct tm_enclave *enclave, struct err_detail *detail)
{
    struct tm_wire w = {.status = 0};
    struct arena arena;
    arena_init(&arena);
    (void)start(enclave, TM_ENCLAVE_CALL_HELLO);
    int status = call(enclave, &w, &arena, detail);
    if (status == 0)
        status = take_keys(enclave, &w, detail);
    arena_release(&arena);
    return status;
}

static void release(struct tm_enclave *enclave)
{
    struct tm_enclave_remote *r = enclave->remote;
    if (!r)
        return;
    if (r->fd >= 0)
        close(r->fd);
    if (r->request.data)
        mem_wipe(r->request.data, r->request.capacity);
    buf_release(&r->request);
    buf_release(&r->answer);
    mem_free(r);
}

static const struct tm_enclave_ops remote_ops = {
    .encrypt = encrypt,
    .encrypt_raw = encrypt_raw,
    .encrypt_from_raw = encrypt_from_raw,
    .decrypt_raw = decrypt_raw,
    .decrypt = decrypt,
    .decrypt_any = decrypt_any,
    .find_key = find_key,
    .new_box = new_box,
    .invalid_hashes = invalid_hashes,
    .check = check,
    .release = release,
};

int tm_enclave_connect(struct tm_enclave **ret_enclave, const struct tm_encryptor *e,
                       const char *path, struct err_detail *detail)
{
    struct tm_enclave *enclave;
    int status = tm_enclave_make(&enclave, e, &remote_ops);
    if (status < 0)
        return tm_enclave_fail(detail, status);
    struct tm_enclave_remote *r = mem_alloc_zeroed(1, sizeof(*r));
    enclave->remote = r;
    if (!r) {
        status = tm_enclave_fail(detail, ERR_NOMEM);
    } else if (strlen(path) >= sizeof(r->address.sun_path)) {
        r->fd = -1;
        status = err_set(detail, ERR_INPUT, "%s: too long for a socket's path", path);
    } else {
        r->fd = -1;
        r->address.sun_family = AF_UNIX;
        memcpy(r->address.sun_path, path, strlen(path) + 1);
        status = check(enclave, detail);
    }
    if (status < 0)
        tm_enclave_free(enclave);
    else
        *ret_enclave = enclave;
    return status;
}
