#include "consensus/raft/stream.h"

#include <inttypes.h>

enum { LINK_HEARTBEAT, APP_ENTRIES, APP, NUMBER_SIZE = 8 };

static void put_u64(struct buf *b, uint64_t value)
{
    uint64_t be = __builtin_bswap64(value);
    buf_append(b, &be, sizeof(be));
}

static uint64_t get_u64(const uint8_t *from)
{
    uint64_t be;
    memcpy(&be, from, sizeof(be));
    return __builtin_bswap64(be);
}

/* --- Writing --- */

static void write_entries(struct raft_stream *s, struct buf *b, const struct raft_message *m)
{
    buf_append_byte(b, APP_ENTRIES);
    put_u64(b, m->entry_count);
    for (size_t i = 0; i < m->entry_count; i++) {
        put_u64(b, raft_entry_size(&m->entries[i]));
        raft_entry_write(b, &m->entries[i]);
    }
    put_u64(b, m->commit);
    s->index += m->entry_count;
}

static void track(struct raft_stream *s, const struct raft_message *m)
{
    s->term = m->term;
    s->index = m->entry_count ? m->entries[m->entry_count - 1].index : m->index;
}

void raft_stream_write(struct raft_stream *s, struct buf *b, const struct raft_message *m)
{
    if (s->kind == RAFT_STREAM_MSGAPP && s->index == m->index && s->term == m->log_term &&
        m->log_term == m->term) {
        write_entries(s, b, m);
        return;
    }
    if (s->kind == RAFT_STREAM_MSGAPP)
        buf_append_byte(b, APP);
    put_u64(b, raft_message_size(m));
    raft_message_write(b, m);
    if (s->kind == RAFT_STREAM_MSGAPP)
        track(s, m);
}

void raft_stream_write_heartbeat(struct raft_stream *s, struct buf *b)
{
    const struct raft_message heartbeat = {.type = RAFT_HEARTBEAT};
    if (s->kind == RAFT_STREAM_MSGAPP)
        buf_append_byte(b, LINK_HEARTBEAT);
    else
        raft_stream_write(s, b, &heartbeat);
}

/* --- Reading --- */

struct frame {
    struct bytes in;
    size_t at;
    size_t wanted; /* not 0: so many bytes of the input are needed, and there are fewer */
};

static bool have(struct frame *f, uint64_t more)
{
    if (more <= f->in.len - f->at)
        return true;
    f->wanted = f->at + (size_t)more;
    return false;
}

/* A length or a count. False: more is needed. */
static bool take_u64(struct frame *f, uint64_t *ret)
{
    if (!have(f, NUMBER_SIZE))
        return false;
    *ret = get_u64(f->in.data + f->at);
    f->at += NUMBER_SIZE;
    return true;
}

static int too_large(struct err_detail *detail, uint64_t size)
{
    return err_set(detail, ERR_LIMIT, "raft stream: a frame of %" PRIu64 " bytes", size);
}

static int read_full(struct frame *f, struct raft_message *m, struct arena *arena,
                     struct err_detail *detail)
{
    uint64_t size;
    if (!take_u64(f, &size))
        return ERR_OK;
    if (size > RAFT_MESSAGE_MAX)
        return too_large(detail, size);
    if (!have(f, size))
        return ERR_OK;
    struct bytes body = bytes_slice(f->in, f->at, (size_t)size);
    f->at += (size_t)size;
    return raft_message_decode(m, arena, body, detail);
}

/* Where the short append ends, before anything is allocated for it. */
static int measure_entries(struct frame f, size_t *ret_wanted, uint64_t count,
                           struct err_detail *detail)
{
    for (uint64_t i = 0; i < count; i++) {
        uint64_t size;
        if (!take_u64(&f, &size))
            break;
        if (size > RAFT_MESSAGE_MAX || f.at + size > RAFT_MESSAGE_MAX)
            return too_large(detail, f.at + size);
        if (!have(&f, size + NUMBER_SIZE))
            break;
        f.at += (size_t)size;
    }
    if (!f.wanted && count == 0)
        (void)have(&f, NUMBER_SIZE);
    *ret_wanted = f.wanted;
    return ERR_OK;
}

static int read_entries(struct raft_stream *s, struct frame *f, struct raft_message *m,
                        struct arena *arena, struct err_detail *detail)
{
    uint64_t count = 0, size = 0;
    if (!take_u64(f, &count))
        return ERR_OK;
    if (count > RAFT_ENTRIES_MAX)
        return err_set(detail, ERR_LIMIT, "raft stream: an append of %" PRIu64 " entries", count);
    int status = measure_entries(*f, &f->wanted, count, detail);
    if (status != ERR_OK || f->wanted)
        return status;
    *m = (struct raft_message){.type = RAFT_APP,
                               .from = s->remote,
                               .to = s->local,
                               .term = s->term,
                               .log_term = s->term,
                               .index = s->index,
                               .entry_count = (size_t)count};
    if (count)
        m->entries = arena_alloc_zeroed(arena, (size_t)count, sizeof(*m->entries));
    if (count && !m->entries)
        return err_set(detail, ERR_NOMEM, "%s", err_text(ERR_NOMEM));
    for (size_t i = 0; i < count && status == ERR_OK; i++) {
        (void)take_u64(f, &size);
        status = raft_entry_decode(&m->entries[i], bytes_slice(f->in, f->at, (size_t)size), detail);
        f->at += (size_t)size;
    }
    (void)take_u64(f, &m->commit);
    return status;
}

static int read_msgapp(struct raft_stream *s, struct frame *f, struct raft_message *m,
                       bool *ret_heartbeat, struct arena *arena, struct err_detail *detail)
{
    uint8_t type = f->in.data[f->at++];
    int status;
    *ret_heartbeat = type == LINK_HEARTBEAT;
    if (type == LINK_HEARTBEAT)
        return ERR_OK;
    if (type == APP_ENTRIES) {
        status = read_entries(s, f, m, arena, detail);
        if (status == ERR_OK && !f->wanted)
            s->index += m->entry_count;
        return status;
    }
    if (type != APP)
        return err_set(detail, ERR_INPUT, "raft stream: a frame of type %u", type);
    status = read_full(f, m, arena, detail);
    if (status == ERR_OK && !f->wanted)
        track(s, m);
    return status;
}

int raft_stream_read(struct raft_stream *s, struct raft_message *ret_message, bool *ret_heartbeat,
                     size_t *ret_used, size_t *ret_wanted, struct arena *arena, struct bytes input,
                     struct err_detail *detail)
{
    struct frame f = {.in = input};
    struct raft_message m = {0};
    bool heartbeat = false;
    int status = ERR_OK;
    if (!have(&f, 1))
        status = ERR_OK;
    else if (s->kind == RAFT_STREAM_MSGAPP)
        status = read_msgapp(s, &f, &m, &heartbeat, arena, detail);
    else
        status = read_full(&f, &m, arena, detail);
    if (status != ERR_OK)
        return status;
    *ret_used = f.wanted ? 0 : f.at;
    *ret_wanted = f.wanted;
    if (f.wanted)
        return ERR_OK;
    if (s->kind == RAFT_STREAM_MESSAGE)
        heartbeat = m.type == RAFT_HEARTBEAT && m.from == 0 && m.to == 0;
    *ret_heartbeat = heartbeat;
    *ret_message = m;
    return ERR_OK;
}
