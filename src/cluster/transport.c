#include "cluster/transport.h"

#include "base/mem.h"
#include "cluster/transport_priv.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

void cluster_report(struct cluster_transport *t, bool warn, const char *format, ...)
{
    char text[512];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    if (t->options.report)
        t->options.report(t->options.context, warn, text);
}

void cluster_write_headers(struct buf *b, const struct cluster_transport *t)
{
    buf_append_format(b, "User-Agent: quorate\r\n");
    buf_append_format(b, "X-Etcd-Cluster-Id: %" PRIx64 "\r\n", t->options.cluster);
    buf_append_text(b, "X-Min-Cluster-Version: 3.0.0\r\n");
    if (*t->url)
        buf_append_format(b, "X-Peerurls: %s\r\n", t->url);
    buf_append_format(b, "X-Server-From: %" PRIx64 "\r\n", t->options.id);
    buf_append_text(b, "X-Server-Version: 3.3.13\r\nX-Quorate-Pre-Vote: 1\r\n");
}

/* --- What is told later --- */

static void tell_all(void *context)
{
    struct cluster_transport *t = context;
    const struct cluster_transport_options *o = &t->options;
    for (size_t i = 0; i < t->tell_count; i++) {
        if (t->tell[i].what == CLUSTER_TELL_LOST)
            o->unreachable(o->context, t->tell[i].id);
        else
            o->snapshot(o->context, t->tell[i].id, t->tell[i].what == CLUSTER_TELL_ARRIVED);
    }
    t->tell_count = 0;
}

void cluster_tell(struct cluster_transport *t, uint64_t id, int what)
{
    for (size_t i = 0; i < t->tell_count; i++)
        if (t->tell[i].id == id && (int)t->tell[i].what == what)
            return;
    if (t->tell_count < BASE_COUNT(t->tell)) {
        t->tell[t->tell_count].id = id;
        t->tell[t->tell_count++].what = what;
    }
    if (!io_timer_started(&t->soon))
        io_timer_start(&t->soon, 0);
}

/* --- Members --- */

struct cluster_peer *cluster_peer_find(const struct cluster_transport *t, uint64_t id)
{
    struct cluster_peer *p = t->peers;
    while (p && p->id != id)
        p = p->next;
    return p;
}

static struct cluster_peer *add_peer(struct cluster_transport *t, uint64_t id, const char *host,
                                     uint16_t port, bool member)
{
    struct cluster_peer *p = mem_alloc_zeroed(1, sizeof(*p));
    if (!p)
        return NULL;
    p->transport = t;
    p->id = id;
    p->port = port;
    p->member = member;
    snprintf(p->host, sizeof(p->host), "%s", host);
    cluster_readers_init(p);
    p->next = t->peers;
    t->peers = p;
    return p;
}

int cluster_transport_add(struct cluster_transport *t, uint64_t id, const char *host, uint16_t port)
{
    struct cluster_peer *p = cluster_peer_find(t, id);
    if (id == t->options.id || (p && p->member))
        return ERR_OK;
    if (p) { /* it was known by what it asked */
        snprintf(p->host, sizeof(p->host), "%s", host);
        p->port = port;
        p->member = true;
        return ERR_OK;
    }
    return add_peer(t, id, host, port, true) ? ERR_OK : ERR_NOMEM;
}

void cluster_transport_remove(struct cluster_transport *t, uint64_t id)
{
    struct cluster_peer **at = &t->peers;
    while (*at && (*at)->id != id)
        at = &(*at)->next;
    struct cluster_peer *p = *at;
    if (!p)
        return;
    *at = p->next;
    for (size_t i = 0; i < CLUSTER_STREAMS; i++) {
        cluster_reader_close(&p->readers[i]);
        struct cluster_connection *writer = p->writers[i];
        if (writer && writer->stream) {
            io_stream_write(writer->stream, bytes_str("0\r\n\r\n"));
            io_stream_finish(writer->stream, 1000);
            writer->stream = NULL;
        }
        if (writer)
            cluster_connection_free(writer);
    }
    cluster_pipe_close(&p->pipe);
    mem_free(p);
}

/* "http://host:port", "http://[v6]:port"; the first of a comma list. */
static bool parse_url(const char *url, char *ret_host, size_t size, uint16_t *ret_port)
{
    static const char scheme[] = "http://";
    char *end;
    if (strncmp(url, scheme, sizeof(scheme) - 1) != 0)
        return false;
    url += sizeof(scheme) - 1;
    const char *close = *url == '[' ? strchr(url, ']') : NULL;
    size_t skip = close ? 1 : 0, len = close ? (size_t)(close - url - 1) : strcspn(url, ":/,");
    const char *colon = url + len + 2 * skip;
    if (len == 0 || len >= size || *colon != ':')
        return false;
    unsigned long port = strtoul(colon + 1, &end, 10);
    if (end == colon + 1 || port == 0 || port > UINT16_MAX)
        return false;
    memcpy(ret_host, url + skip, len);
    ret_host[len] = 0;
    *ret_port = (uint16_t)port;
    return true;
}

void cluster_peer_learn(struct cluster_transport *t, uint64_t id, const char *url)
{
    char host[254];
    uint16_t port;
    size_t remotes = 0;
    for (const struct cluster_peer *p = t->peers; p; p = p->next)
        remotes += !p->member;
    if (id == 0 || id == t->options.id || cluster_peer_find(t, id) ||
        remotes >= CLUSTER_REMOTES_MAX || !parse_url(url, host, sizeof(host), &port))
        return;
    (void)add_peer(t, id, host, port, false); /* without memory it is not answered */
}

/* --- Sending --- */

void cluster_transport_send(struct cluster_transport *t, const struct raft_message *m)
{
    struct cluster_peer *p = cluster_peer_find(t, m->to);
    if (!p)
        return;
    enum raft_stream_kind kind = m->type == RAFT_APP ? RAFT_STREAM_MSGAPP : RAFT_STREAM_MESSAGE;
    struct cluster_connection *writer = p->writers[kind];
    /* An append may go by either stream, as in rafthttp, but only one carries it in short. */
    if (m->type == RAFT_SNAP || !writer)
        cluster_pipe_post(&p->pipe, m);
    else
        cluster_writer_send(writer, m);
}

bool cluster_transport_active(const struct cluster_transport *t, uint64_t id)
{
    const struct cluster_peer *p = cluster_peer_find(t, id);
    return p && (p->readers[0].in_body || p->readers[1].in_body);
}

bool cluster_transport_all_pre_vote(const struct cluster_transport *t)
{
    for (const struct cluster_peer *p = t->peers; p; p = p->next)
        if (p->member && !p->pre_vote)
            return false;
    return true;
}

/* --- Life --- */

static void heartbeats(struct cluster_peer *p, uint64_t now)
{
    if (now < p->heartbeat_at)
        return;
    p->heartbeat_at = now + CLUSTER_HEARTBEAT_MS;
    for (size_t i = 0; i < CLUSTER_STREAMS; i++)
        if (p->writers[i])
            cluster_writer_send(p->writers[i], NULL);
}

static void on_timer(void *context)
{
    struct cluster_transport *t = context;
    uint64_t now = io_loop_now(t->options.loop);
    for (struct cluster_peer *p = t->peers; p; p = p->next) {
        for (size_t i = 0; i < CLUSTER_STREAMS; i++)
            cluster_reader_tick(&p->readers[i], now);
        cluster_pipe_tick(&p->pipe, now);
        heartbeats(p, now);
    }
    io_timer_start(&t->timer, CLUSTER_REDIAL_MS / 2);
}

int cluster_transport_new(struct cluster_transport **ret_transport,
                          const struct cluster_transport_options *options)
{
    struct cluster_transport *t = mem_alloc_zeroed(1, sizeof(*t));
    if (!t)
        return ERR_NOMEM;
    t->options = *options;
    arena_init(&t->arena);
    io_timer_init(&t->timer, options->loop, on_timer, t);
    io_timer_init(&t->soon, options->loop, tell_all, t);
    *ret_transport = t;
    return ERR_OK;
}

int cluster_transport_start(struct cluster_transport *t, struct err_detail *detail)
{
    int status = io_listen_tcp(&t->listener, t->options.loop, t->options.host, t->options.port,
                               cluster_accept, t, detail);
    if (status == ERR_OK)
        on_timer(t);
    return status;
}

void cluster_transport_free(struct cluster_transport *t)
{
    if (!t)
        return;
    io_listener_close(t->listener);
    io_timer_stop(&t->timer);
    io_timer_stop(&t->soon);
    while (t->peers)
        cluster_transport_remove(t, t->peers->id);
    while (t->connections)
        cluster_connection_free(t->connections);
    io_timer_stop(&t->soon);
    arena_release(&t->arena);
    mem_free(t);
}

void cluster_transport_set_url(struct cluster_transport *t, const char *url)
{
    snprintf(t->url, sizeof(t->url), "%s", url);
}
