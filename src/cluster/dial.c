/* What this member dials: the two streams that it reads from each other member, and posts. */
#include "cluster/transport_priv.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

static const struct io_stream_ops reader_ops, pipe_ops;

/* --- The head of an answer --- */

struct answer {
    unsigned status;
    bool chunked, pre_vote;
    size_t length; /* of the body */
};

static bool has_line(const char *head, const char *line)
{
    size_t len = strlen(line);
    for (const char *at = head; at; at = strchr(at, '\n'), at = at ? at + 1 : NULL)
        if (strncasecmp(at, line, len) == 0)
            return true;
    return false;
}

/* Reads one that is complete; its length, 0: it is not. */
static size_t read_answer(struct buf *in, struct answer *ret)
{
    size_t len = io_http_head_length(buf_bytes(in), 0);
    char head[4096];
    if (!len)
        return 0;
    snprintf(head, sizeof(head), "%.*s", (int)(len < sizeof(head) - 1 ? len : sizeof(head) - 1),
             (const char *)in->data);
    const char *space = strchr(head, ' ');
    const char *length = strcasestr(head, "\nContent-Length:");
    *ret = (struct answer){
        .status = space ? (unsigned)strtoul(space, NULL, 10) : 0,
        .chunked = has_line(head, "Transfer-Encoding: chunked"),
        .pre_vote = has_line(head, "X-Quorate-Pre-Vote:"),
        .length = length ? (size_t)strtoul(length + 16, NULL, 10) : 0,
    };
    return len;
}

static void drop(struct buf *b, size_t len)
{
    if (!len)
        return;
    memmove(b->data, b->data + len, b->len - len);
    b->len -= len;
}

/* --- Streams --- */

void cluster_readers_init(struct cluster_peer *peer)
{
    peer->pipe.peer = peer;
    for (size_t i = 0; i < CLUSTER_STREAMS; i++) {
        peer->readers[i].peer = peer;
        peer->readers[i].kind = (enum raft_stream_kind)i;
    }
}

static void reset_reader(struct cluster_reader *r)
{
    r->stream = NULL;
    r->in_body = false;
    r->wanted = 0;
    buf_release(&r->in);
    buf_release(&r->body);
    r->dial_at = io_loop_now(r->peer->transport->options.loop) + CLUSTER_REDIAL_MS;
}

void cluster_reader_close(struct cluster_reader *r)
{
    io_stream_close(r->stream);
    reset_reader(r);
}

static void dial(struct cluster_reader *r, uint64_t now)
{
    struct cluster_peer *p = r->peer;
    struct cluster_transport *t = p->transport;
    struct buf b = BUF_INIT;
    r->last = now;
    r->dial_at = now + CLUSTER_REDIAL_MS;
    if (io_connect_tcp(&r->stream, t->options.loop, p->host, p->port, CLUSTER_READ_MS, &reader_ops,
                       r) != ERR_OK) {
        r->stream = NULL;
        return;
    }
    buf_append_format(&b, "GET /raft/stream/%s/%" PRIx64 " HTTP/1.1\r\nHost: %s:%u\r\n",
                      r->kind == RAFT_STREAM_MSGAPP ? "msgapp" : "message", t->options.id, p->host,
                      p->port);
    cluster_write_headers(&b, t);
    buf_append_format(&b, "X-Raft-To: %" PRIx64 "\r\n\r\n", p->id);
    io_stream_write_buf(r->stream, &b);
    buf_release(&b);
}

void cluster_reader_tick(struct cluster_reader *r, uint64_t now)
{
    if (r->stream && now - r->last > CLUSTER_READ_MS)
        cluster_reader_close(r);
    if (!r->stream && r->peer->member && !r->peer->gone && now >= r->dial_at)
        dial(r, now);
}

/* 200 begins the body; false: the connection is of no use. */
static bool begin_body(struct cluster_reader *r)
{
    struct cluster_peer *p = r->peer;
    struct answer answer;
    size_t len = read_answer(&r->in, &answer);
    if (!len)
        return r->in.len <= IO_HTTP_HEAD_MAX;
    drop(&r->in, len);
    if (answer.pre_vote)
        p->pre_vote = true;
    if (answer.status == 410) {
        p->gone = true;
        cluster_report(p->transport, true, "member %" PRIu64 " says that this member was removed",
                       p->id);
        p->transport->options.removed(p->transport->options.context, p->id);
        return false;
    }
    if (answer.status == 412)
        cluster_report(p->transport, true, "member %" PRIu64 " refuses this one: %.*s", p->id,
                       (int)r->in.len, (const char *)r->in.data);
    if (answer.status != 200 || !answer.chunked)
        return false;
    r->in_body = true;
    io_http_chunks_init(&r->chunks);
    r->codec =
        (struct raft_stream){.kind = r->kind, .local = p->transport->options.id, .remote = p->id};
    return true;
}

static bool read_frames(struct cluster_reader *r)
{
    struct cluster_transport *t = r->peer->transport;
    size_t at = 0, used = 1;
    struct err_detail why = {""};
    while (used && at < r->body.len && r->body.len - at >= r->wanted) {
        struct raft_message m;
        bool heartbeat;
        arena_clear(&t->arena);
        if (raft_stream_read(&r->codec, &m, &heartbeat, &used, &r->wanted, &t->arena,
                             bytes_of(r->body.data + at, r->body.len - at), &why) != ERR_OK) {
            cluster_report(t, true, "member %" PRIu64 ": %s", r->peer->id, why.text);
            return false;
        }
        at += used;
        if (used && !heartbeat)
            t->options.message(t->options.context, &m);
    }
    drop(&r->body, at);
    if (r->body.len == 0 && r->body.capacity > 1 << 20)
        buf_release(&r->body);
    return true;
}

static bool read_body(struct cluster_reader *r)
{
    size_t used;
    enum io_http_verdict verdict =
        io_http_chunks_feed(&r->chunks, &r->body, &used, buf_bytes(&r->in), RAFT_MESSAGE_MAX + 64);
    drop(&r->in, used);
    if (verdict != IO_HTTP_OK && verdict != IO_HTTP_MORE)
        return false;
    if (buf_status(&r->body) != ERR_OK || !read_frames(r))
        return false;
    return verdict == IO_HTTP_MORE;
}

static void on_reader_read(void *context, struct io_stream *stream, struct bytes data)
{
    struct cluster_reader *r = context;
    (void)stream;
    r->last = io_loop_now(r->peer->transport->options.loop);
    buf_append_bytes(&r->in, data);
    bool good = buf_status(&r->in) == ERR_OK;
    if (good && !r->in_body)
        good = begin_body(r);
    if (good && r->in_body)
        good = read_body(r);
    if (!good)
        cluster_reader_close(r);
}

static void on_reader_closed(void *context, struct io_stream *stream, int status,
                             const char *message)
{
    (void)stream, (void)status, (void)message;
    reset_reader(context);
}

static const struct io_stream_ops reader_ops = {.read = on_reader_read, .closed = on_reader_closed};

/* --- Posts --- */

static void finish_post(struct cluster_pipe *pipe, bool good)
{
    struct cluster_transport *t = pipe->peer->transport;
    uint64_t id = pipe->peer->id;
    if (!pipe->count)
        return;
    if (pipe->queue[0].snapshot)
        cluster_tell(t, id, good ? CLUSTER_TELL_ARRIVED : CLUSTER_TELL_NOT_ARRIVED);
    if (!good)
        cluster_tell(t, id, CLUSTER_TELL_LOST);
    buf_release(&pipe->queue[0].request);
    pipe->count--;
    memmove(pipe->queue, pipe->queue + 1, pipe->count * sizeof(pipe->queue[0]));
}

static void fail_all(struct cluster_pipe *pipe)
{
    pipe->stream = NULL;
    pipe->connected = false;
    buf_release(&pipe->in);
    while (pipe->count)
        finish_post(pipe, false);
}

/* What is queued goes out one at a time; the first dials. */
static void next_post(struct cluster_pipe *pipe)
{
    struct cluster_transport *t = pipe->peer->transport;
    if (!pipe->count)
        return;
    pipe->since = io_loop_now(t->options.loop);
    if (!pipe->stream &&
        io_connect_tcp(&pipe->stream, t->options.loop, pipe->peer->host, pipe->peer->port,
                       CLUSTER_READ_MS, &pipe_ops, pipe) != ERR_OK) {
        pipe->stream = NULL;
        fail_all(pipe);
        return;
    }
    io_stream_write(pipe->stream, buf_bytes(&pipe->queue[0].request));
}

void cluster_pipe_post(struct cluster_pipe *pipe, const struct raft_message *m)
{
    struct cluster_peer *p = pipe->peer;
    bool snapshot = m->type == RAFT_SNAP;
    size_t size = raft_message_size(m);
    if (pipe->count == CLUSTER_QUEUE_POSTS) {
        cluster_tell(p->transport, p->id, CLUSTER_TELL_LOST);
        if (snapshot)
            cluster_tell(p->transport, p->id, CLUSTER_TELL_NOT_ARRIVED);
        return;
    }
    struct cluster_post *post = &pipe->queue[pipe->count++];
    *post = (struct cluster_post){.snapshot = snapshot};
    buf_append_format(&post->request,
                      "POST /raft HTTP/1.1\r\nHost: %s:%u\r\nContent-Length: %zu\r\n"
                      "Content-Type: application/protobuf\r\n",
                      p->host, p->port, size);
    cluster_write_headers(&post->request, p->transport);
    buf_append_text(&post->request, "\r\n");
    raft_message_write(&post->request, m);
    if (buf_status(&post->request) != ERR_OK)
        finish_post(pipe, false);
    else if (pipe->count == 1)
        next_post(pipe);
}

void cluster_pipe_tick(struct cluster_pipe *pipe, uint64_t now)
{
    if (pipe->count && now - pipe->since > CLUSTER_READ_MS)
        cluster_pipe_close(pipe);
}

void cluster_pipe_close(struct cluster_pipe *pipe)
{
    io_stream_close(pipe->stream);
    fail_all(pipe);
}

static void on_pipe_read(void *context, struct io_stream *stream, struct bytes data)
{
    struct cluster_pipe *pipe = context;
    struct answer answer;
    (void)stream;
    buf_append_bytes(&pipe->in, data);
    size_t len = read_answer(&pipe->in, &answer);
    if (buf_status(&pipe->in) != ERR_OK || (!len && pipe->in.len > IO_HTTP_HEAD_MAX) ||
        (len && (answer.length > IO_HTTP_HEAD_MAX || answer.chunked || !pipe->count))) {
        cluster_pipe_close(pipe);
        return;
    }
    if (!len || pipe->in.len < len + answer.length)
        return;
    drop(&pipe->in, len + answer.length);
    finish_post(pipe, answer.status == 204);
    next_post(pipe);
}

static void on_pipe_closed(void *context, struct io_stream *stream, int status, const char *message)
{
    (void)stream, (void)status, (void)message;
    fail_all(context);
}

static const struct io_stream_ops pipe_ops = {.read = on_pipe_read, .closed = on_pipe_closed};
