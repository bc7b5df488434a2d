/* Who dials this member: streams that it is to write, messages that are posted, probes. */
#include "base/hex.h"
#include "base/mem.h"
#include "cluster/transport_priv.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static const struct io_stream_ops ops;

void cluster_connection_free(struct cluster_connection *c)
{
    if (c->peer && c->peer->writers[c->codec.kind] == c)
        c->peer->writers[c->codec.kind] = NULL;
    if (c->stream)
        io_stream_close(c->stream);
    *c->back = c->next;
    if (c->next)
        c->next->back = c->back;
    c->transport->connection_count--;
    buf_release(&c->in);
    mem_free(c);
}

void cluster_accept(void *context, struct io_stream *stream)
{
    struct cluster_transport *t = context;
    struct cluster_connection *c;
    if (t->connection_count >= CLUSTER_CONNECTIONS_MAX)
        return; /* closed by the listener */
    c = mem_alloc_zeroed(1, sizeof(*c));
    if (!c)
        return;
    c->transport = t;
    c->stream = stream;
    c->back = &t->connections;
    c->next = t->connections;
    if (c->next)
        c->next->back = &c->next;
    t->connections = c;
    t->connection_count++;
    io_stream_accept(stream, &ops, c);
}

/* --- Answers --- */

static void answer(struct cluster_connection *c, const char *line, const char *type,
                   const char *more, const char *body)
{
    char text[1024];
    snprintf(text, sizeof(text), "HTTP/1.1 %s\r\n%s%s%s%sContent-Length: %zu\r\n\r\n%s", line,
             type ? "Content-Type: " : "", type ? type : "", type ? "\r\n" : "", more, strlen(body),
             body);
    io_stream_write(c->stream, bytes_str(text));
}

static void common(const struct cluster_transport *t, char *ret, size_t size)
{
    snprintf(ret, size,
             "X-Etcd-Cluster-Id: %" PRIx64 "\r\nX-Server-Version: 3.3.13\r\n"
             "X-Quorate-Pre-Vote: 1\r\n",
             t->options.cluster);
}

static void refuse(struct cluster_connection *c, const char *line, const char *body)
{
    char more[160], text[128];
    common(c->transport, more, sizeof(more));
    snprintf(text, sizeof(text), "%s\n", body);
    answer(c, line, "text/plain; charset=utf-8", more, text);
}

/* --- What every request says of itself --- */

static uint64_t hex_field(const struct io_http_head *head, const char *name)
{
    const struct bytes *value = io_http_head_field(head, name);
    char text[17];
    if (!value || value->len == 0 || value->len >= sizeof(text))
        return 0;
    memcpy(text, value->data, value->len);
    text[value->len] = 0;
    return strtoull(text, NULL, 16);
}

/* major.minor as one number; 0 for none, which rafthttp takes as too old. */
static unsigned version_field(const struct io_http_head *head, const char *name)
{
    const struct bytes *value = io_http_head_field(head, name);
    unsigned major = 0, minor = 0;
    char text[32] = "";
    if (value && value->len < sizeof(text))
        memcpy(text, value->data, value->len);
    return sscanf(text, "%u.%u", &major, &minor) == 2 && major < 1000 && minor < 1000
               ? major * 1000 + minor
               : 0;
}

/* NULL: it may go on. */
static const char *incompatible(const struct cluster_transport *t, const struct io_http_head *head)
{
    if (version_field(head, "X-Server-Version") < 3000 ||
        version_field(head, "X-Min-Cluster-Version") > 3003)
        return "incompatible version";
    return hex_field(head, "X-Etcd-Cluster-ID") == t->options.cluster ? NULL
                                                                      : "cluster ID mismatch";
}

static void learn(struct cluster_transport *t, const struct io_http_head *head)
{
    const struct bytes *urls = io_http_head_field(head, "X-PeerURLs");
    char url[CLUSTER_URL_MAX];
    uint64_t from = hex_field(head, "X-Server-From");
    struct cluster_peer *p = cluster_peer_find(t, from);
    if (p && io_http_head_field(head, "X-Quorate-Pre-Vote"))
        p->pre_vote = true;
    if (!urls || urls->len >= sizeof(url) || t->options.is_removed(t->options.context, from))
        return;
    memcpy(url, urls->data, urls->len);
    url[urls->len] = 0;
    cluster_peer_learn(t, from, url);
}

/* --- GET /raft/stream/… --- */

static void begin_stream(struct cluster_connection *c, struct cluster_peer *p,
                         enum raft_stream_kind kind)
{
    char more[160], text[256];
    struct cluster_connection *old = p->writers[kind];
    if (old)
        cluster_connection_free(old);
    common(c->transport, more, sizeof(more));
    snprintf(text, sizeof(text), "HTTP/1.1 200 OK\r\n%sTransfer-Encoding: chunked\r\n\r\n", more);
    io_stream_write(c->stream, bytes_str(text));
    c->peer = p;
    c->codec =
        (struct raft_stream){.kind = kind, .local = c->transport->options.id, .remote = p->id};
    p->writers[kind] = c;
}

static void ask_stream(struct cluster_connection *c, const struct io_http_head *head,
                       struct bytes path)
{
    struct cluster_transport *t = c->transport;
    static const char msgapp[] = "/raft/stream/msgapp/", message[] = "/raft/stream/message/";
    bool app = path.len > sizeof(msgapp) - 1 && memcmp(path.data, msgapp, sizeof(msgapp) - 1) == 0;
    uint64_t from = hex_field(head, "X-Server-From");
    const char *why = incompatible(t, head);
    if (!app &&
        (path.len <= sizeof(message) - 1 || memcmp(path.data, message, sizeof(message) - 1) != 0)) {
        refuse(c, "404 Not Found", "invalid path");
        return;
    }
    if (!io_http_same_name(head->method, "GET")) {
        refuse(c, "405 Method Not Allowed", "Method Not Allowed");
        return;
    }
    if (why) {
        refuse(c, "412 Precondition Failed", why);
        return;
    }
    if (t->options.is_removed(t->options.context, from)) {
        char more[160];
        common(t, more, sizeof(more));
        answer(c, "410 Gone", NULL, more, "");
        return;
    }
    learn(t, head);
    struct cluster_peer *p = cluster_peer_find(t, from);
    if (!p || !p->member)
        refuse(c, "404 Not Found", "error sender not found");
    else if (hex_field(head, "X-Raft-To") != t->options.id)
        refuse(c, "412 Precondition Failed", "to field mismatch");
    else
        begin_stream(c, p, app ? RAFT_STREAM_MSGAPP : RAFT_STREAM_MESSAGE);
}

void cluster_writer_send(struct cluster_connection *c, const struct raft_message *m)
{
    struct buf frame = BUF_INIT, chunk = BUF_INIT;
    struct raft_stream before = c->codec;
    if (m)
        raft_stream_write(&c->codec, &frame, m);
    else
        raft_stream_write_heartbeat(&c->codec, &frame);
    buf_append_format(&chunk, "%zx\r\n", frame.len);
    buf_append_bytes(&chunk, buf_bytes(&frame));
    buf_append_text(&chunk, "\r\n");
    bool full = io_stream_queued(c->stream) + chunk.len > CLUSTER_QUEUE_BYTES;
    if (full || buf_status(&frame) != ERR_OK || buf_status(&chunk) != ERR_OK) {
        c->codec = before;
        if (m)
            cluster_tell(c->transport, m->to, CLUSTER_TELL_LOST);
    } else {
        io_stream_write_buf(c->stream, &chunk);
    }
    buf_release(&chunk);
    buf_release(&frame);
}

/* --- POST /raft --- */

static void take_post(struct cluster_connection *c, const struct io_http_head *head,
                      struct bytes body)
{
    struct cluster_transport *t = c->transport;
    struct raft_message m;
    struct err_detail why = {""};
    char more[64];
    const char *wrong = incompatible(t, head);
    if (!io_http_same_name(head->method, "POST")) {
        refuse(c, "405 Method Not Allowed", "Method Not Allowed");
        return;
    }
    if (wrong) {
        refuse(c, "412 Precondition Failed", wrong);
        return;
    }
    if (t->options.is_removed(t->options.context, hex_field(head, "X-Server-From"))) {
        refuse(c, "403 Forbidden", "removed member");
        return;
    }
    learn(t, head);
    arena_clear(&t->arena);
    if (raft_message_decode(&m, &t->arena, body, &why) != ERR_OK) {
        refuse(c, "400 Bad Request", "error unmarshalling raft message");
        cluster_report(t, true, "a posted message cannot be read: %s", why.text);
        return;
    }
    t->options.message(t->options.context, &m);
    snprintf(more, sizeof(more), "X-Etcd-Cluster-Id: %" PRIx64 "\r\n", t->options.cluster);
    char text[128];
    snprintf(text, sizeof(text), "HTTP/1.1 204 No Content\r\n%s\r\n", more);
    io_stream_write(c->stream, bytes_str(text));
}

static void answer_probe(struct cluster_connection *c)
{
    struct timespec now;
    struct tm tm;
    char body[96], stamp[48];
    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &tm);
    strftime(stamp, sizeof(stamp), "%Y-%m-%dT%H:%M:%S", &tm);
    snprintf(body, sizeof(body), "{\"OK\":true,\"Now\":\"%s.%09ldZ\"}\n", stamp, now.tv_nsec);
    answer(c, "200 OK", "text/plain; charset=utf-8", "", body);
}

/* --- Requests --- */

static bool path_is(struct bytes path, const char *text)
{
    return bytes_equal(path, bytes_str(text));
}

static void serve(struct cluster_connection *c, const struct io_http_head *head, struct bytes body)
{
    static const char streams[] = "/raft/stream/";
    struct bytes path = head->target;
    if (path_is(path, "/raft"))
        take_post(c, head, body);
    else if (path_is(path, "/raft/probing"))
        answer_probe(c);
    else if (path.len > sizeof(streams) && memcmp(path.data, streams, sizeof(streams) - 1) == 0)
        ask_stream(c, head, path);
    else
        refuse(c, "404 Not Found", "404 page not found");
}

/* One whole request at the beginning of what came; 0: there is none yet. */
static size_t serve_one(struct cluster_connection *c, bool *ret_bad)
{
    static const char go_on[] = "HTTP/1.1 100 Continue\r\n\r\n";
    struct io_http_head head;
    size_t len = io_http_head_length(buf_bytes(&c->in), 0);
    *ret_bad = !len && c->in.len > IO_HTTP_HEAD_MAX;
    if (!len)
        return 0;
    enum io_http_verdict verdict = io_http_head_read(&head, bytes_of(c->in.data, len));
    *ret_bad = verdict != IO_HTTP_OK || head.chunked || head.body_length > RAFT_MESSAGE_MAX;
    if (*ret_bad)
        return 0;
    if (c->in.len - len < head.body_length) {
        if (head.expects_continue && c->in.len == len)
            io_stream_write(c->stream, bytes_str(go_on));
        return 0;
    }
    serve(c, &head, bytes_of(c->in.data + len, (size_t)head.body_length));
    return len + (size_t)head.body_length;
}

static void on_read(void *context, struct io_stream *stream, struct bytes data)
{
    struct cluster_connection *c = context;
    bool bad = false;
    (void)stream;
    if (c->peer)
        return; /* a stream's reader has nothing to say */
    buf_append_bytes(&c->in, data);
    size_t used = 1;
    while (used && c->in.len && !c->peer) {
        used = serve_one(c, &bad);
        memmove(c->in.data, c->in.data + used, c->in.len - used);
        c->in.len -= used;
    }
    if (bad || buf_status(&c->in) != ERR_OK)
        cluster_connection_free(c);
    else if (c->in.len == 0 && c->in.capacity > IO_HTTP_HEAD_MAX)
        buf_release(&c->in);
}

static void on_closed(void *context, struct io_stream *stream, int status, const char *message)
{
    struct cluster_connection *c = context;
    (void)stream, (void)status, (void)message;
    c->stream = NULL;
    if (c->peer)
        cluster_tell(c->transport, c->peer->id, CLUSTER_TELL_LOST);
    cluster_connection_free(c);
}

static const struct io_stream_ops ops = {.read = on_read, .closed = on_closed};
