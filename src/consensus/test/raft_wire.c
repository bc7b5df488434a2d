#include "consensus/test/raft_wire.h"

#include "base/hex.h"
#include "tests/support/fixtures.h"
#include "tests/support/recordings.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

enum { CONNECTIONS_MAX = 512 };

/* One direction of a connection. */
struct side {
    struct buf bytes; /* not read yet */
    struct buf body;  /* of a stream, out of its chunks */
    bool in_stream;
    struct raft_stream in, out;
};

struct connection {
    struct side request, answer;
    uint64_t member, dialer; /* whose raft port; who dialled */
    bool stream_asked;
    enum raft_stream_kind kind;
};

struct player {
    struct raft_wire *wire;
    struct connection *connections;
};

static void drop(struct buf *b, size_t len)
{
    memmove(b->data, b->data + len, b->len - len);
    b->len -= len;
}

static void add(struct raft_wire *w, double t, bool posted, const struct raft_message *m)
{
    assert_true(w->count < RAFT_WIRE_MESSAGES_MAX);
    w->messages[w->count++] = (struct raft_wire_message){t, posted, *m};
}

static void same_bytes(const struct buf *written, struct bytes read)
{
    assert_int_equal(buf_status(written), ERR_OK);
    assert_int_equal(written->len, read.len);
    assert_memory_equal(written->data, read.data, read.len);
}

static struct bytes field_of(struct bytes head, const char *name)
{
    char *found = memmem(head.data, head.len, name, strlen(name));
    if (!found)
        return bytes_none();
    found += strlen(name);
    char *end = strchr(found, '\r');
    return bytes_of(found, (size_t)(end - found));
}

static uint64_t hex_of(struct bytes text)
{
    char copy[17] = "";
    assert_true(text.len < sizeof(copy));
    memcpy(copy, text.data, text.len);
    return strtoull(copy, NULL, 16);
}

/* --- Requests --- */

static size_t head_length(const struct buf *b)
{
    char *end = b->len ? memmem(b->data, b->len, "\r\n\r\n", 4) : NULL;
    return end ? (size_t)((uint8_t *)end - b->data) + 4 : 0;
}

static void posted(struct player *p, double t, struct bytes body)
{
    struct raft_message m;
    struct buf again = BUF_INIT;
    struct err_detail why;
    struct bytes kept = arena_copy(&p->wire->arena, body);
    assert_int_equal(raft_message_decode(&m, &p->wire->arena, kept, &why), ERR_OK);
    raft_message_write(&again, &m);
    same_bytes(&again, body);
    assert_int_equal(raft_message_size(&m), body.len);
    buf_release(&again);
    p->wire->posts++;
    add(p->wire, t, true, &m);
}

static void read_requests(struct player *p, struct connection *c, double t)
{
    struct buf *b = &c->request.bytes;
    for (size_t head; (head = head_length(b)) != 0;) {
        struct bytes h = bytes_of(b->data, head);
        struct bytes length = field_of(h, "Content-Length: ");
        size_t body = length.len ? (size_t)strtoul((const char *)length.data, NULL, 10) : 0;
        if (b->len < head + body)
            return;
        p->wire->requests++;
        if (memcmp(b->data, "POST /raft ", 11) == 0)
            posted(p, t, bytes_of(b->data + head, body));
        c->stream_asked = memcmp(b->data, "GET /raft/stream/", 17) == 0;
        if (c->stream_asked) {
            c->kind =
                b->data[17] == 'm' && b->data[18] == 's' ? RAFT_STREAM_MSGAPP : RAFT_STREAM_MESSAGE;
            c->dialer = hex_of(field_of(h, "X-Server-From: "));
        }
        drop(b, head + body);
    }
}

/* --- Answers --- */

static void read_frames(struct player *p, struct connection *c, double t)
{
    struct side *s = &c->answer;
    struct raft_message m;
    struct err_detail why;
    size_t used, wanted;
    bool heartbeat;
    while (s->body.len) {
        struct bytes kept = arena_copy(&p->wire->arena, buf_bytes(&s->body));
        assert_int_equal(
            raft_stream_read(&s->in, &m, &heartbeat, &used, &wanted, &p->wire->arena, kept, &why),
            ERR_OK);
        if (!used)
            return;
        struct buf again = BUF_INIT;
        if (heartbeat)
            raft_stream_write_heartbeat(&s->out, &again);
        else
            raft_stream_write(&s->out, &again, &m);
        same_bytes(&again, bytes_slice(kept, 0, used));
        p->wire->short_appends += c->kind == RAFT_STREAM_MSGAPP && kept.data[0] == 1;
        buf_release(&again);
        p->wire->frames++;
        p->wire->heartbeats += heartbeat;
        if (!heartbeat)
            add(p->wire, t, false, &m);
        drop(&s->body, used);
    }
}

/* Whole chunks only; what a killed member did not finish is not looked at. */
static void read_chunks(struct player *p, struct connection *c, double t)
{
    struct buf *b = &c->answer.bytes;
    char *line;
    while (b->len && (line = memmem(b->data, b->len, "\r\n", 2)) != NULL) {
        size_t head = (size_t)((uint8_t *)line - b->data) + 2;
        size_t size = (size_t)strtoul((const char *)b->data, NULL, 16);
        if (b->len < head + size + 2)
            return;
        buf_append(&c->answer.body, b->data + head, size);
        drop(b, head + size + 2);
        read_frames(p, c, t);
    }
}

static void read_answers(struct player *p, struct connection *c, double t)
{
    struct buf *b = &c->answer.bytes;
    while (!c->answer.in_stream) {
        size_t head = head_length(b);
        if (!head)
            return;
        struct bytes h = bytes_of(b->data, head);
        struct bytes length = field_of(h, "Content-Length: ");
        size_t body = length.len ? (size_t)strtoul((const char *)length.data, NULL, 10) : 0;
        if (b->len < head + body)
            return;
        c->answer.in_stream = c->stream_asked && field_of(h, "Transfer-Encoding: ").len > 0;
        if (c->answer.in_stream)
            c->answer.in = c->answer.out =
                (struct raft_stream){.kind = c->kind, .local = c->dialer, .remote = c->member};
        drop(b, head + body);
    }
    read_chunks(p, c, t);
}

static void on_line(const json_t *line, void *context)
{
    struct player *p = context;
    size_t id = (size_t)json_integer_value(json_object_get(line, "connection"));
    double t = json_real_value(json_object_get(line, "t"));
    bool request = strcmp(json_string_value(json_object_get(line, "dir")), "request") == 0;
    struct buf data = BUF_INIT;
    assert_true(id < CONNECTIONS_MAX);
    struct connection *c = &p->connections[id];
    c->member = (uint64_t)json_integer_value(json_object_get(line, "to_member"));
    fixtures_hex(line, "data", &data);
    buf_append_bytes(request ? &c->request.bytes : &c->answer.bytes, buf_bytes(&data));
    buf_append_byte(request ? &c->request.bytes : &c->answer.bytes, 0); /* an end for strtoul */
    (request ? &c->request.bytes : &c->answer.bytes)->len--;
    buf_release(&data);
    if (request)
        read_requests(p, c, t);
    else
        read_answers(p, c, t);
}

void raft_wire_read(struct raft_wire *wire, const char *network)
{
    struct player p = {wire, calloc(CONNECTIONS_MAX, sizeof(struct connection))};
    recordings_require(network);
    *wire = (struct raft_wire){
        .messages = calloc(RAFT_WIRE_MESSAGES_MAX, sizeof(struct raft_wire_message))};
    arena_init(&wire->arena);
    assert_non_null(p.connections);
    assert_non_null(wire->messages);
    recordings_lines(network, "raft-wire.jsonl", on_line, &p);
    for (size_t i = 0; i < CONNECTIONS_MAX; i++) {
        buf_release(&p.connections[i].request.bytes);
        buf_release(&p.connections[i].answer.bytes);
        buf_release(&p.connections[i].answer.body);
    }
    free(p.connections);
}

void raft_wire_release(struct raft_wire *wire)
{
    arena_release(&wire->arena);
    free(wire->messages);
}
