#include "consensus/raft/message.h"

/* --- Reading: a cursor that the first fault poisons --- */

enum wire { WIRE_VARINT, WIRE_64, WIRE_BYTES, WIRE_32 = 5 };

struct reader {
    struct bytes in;
    size_t at;
    const char *what; /* the message that is read */
    const char *fault;
    struct err_detail *detail;
    int status;
};

static void fail(struct reader *r, int status, const char *fault)
{
    if (r->status == ERR_OK)
        r->status = err_set(r->detail, status, "%s at byte %zu: %s", r->what, r->at, fault);
}

static uint64_t read_varint(struct reader *r)
{
    uint64_t value = 0;
    for (unsigned shift = 0; shift < 70; shift += 7) {
        if (r->at == r->in.len) {
            fail(r, ERR_INPUT, "it ends within a number");
            return 0;
        }
        uint8_t byte = r->in.data[r->at++];
        if (shift == 63 && byte > 1)
            break;
        value |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80)
            return value;
    }
    fail(r, ERR_INPUT, "a number of more than 64 bits");
    return 0;
}

static struct bytes read_bytes(struct reader *r)
{
    uint64_t len = read_varint(r);
    if (r->status == ERR_OK && len > r->in.len - r->at)
        fail(r, ERR_INPUT, "a field is longer than what holds it");
    if (r->status != ERR_OK)
        return bytes_none();
    struct bytes span = bytes_slice(r->in, r->at, (size_t)len);
    r->at += (size_t)len;
    if (!span.data)
        span.data = (const uint8_t *)""; /* it is there, and empty */
    return span;
}

/* The next field's number, 0 at the end or after a fault. */
static uint64_t next_field(struct reader *r, unsigned *ret_wire)
{
    if (r->status != ERR_OK || r->at == r->in.len)
        return 0;
    uint64_t key = read_varint(r);
    *ret_wire = key & 7;
    if (r->status == ERR_OK && (key >> 3 == 0 || key >> 3 > 0x1fffffff))
        fail(r, ERR_INPUT, "a field without a number");
    return r->status == ERR_OK ? key >> 3 : 0;
}

static void skip(struct reader *r, unsigned wire)
{
    size_t fixed = wire == WIRE_64 ? 8 : 4;
    if (wire == WIRE_VARINT) {
        (void)read_varint(r);
    } else if (wire == WIRE_BYTES) {
        (void)read_bytes(r);
    } else if (wire != WIRE_64 && wire != WIRE_32) {
        fail(r, ERR_INPUT, "a field of an unknown kind");
    } else if (fixed > r->in.len - r->at) {
        fail(r, ERR_INPUT, "it ends within a field");
    } else {
        r->at += fixed;
    }
}

/* A field of the kind it must have, or a fault. */
static uint64_t take_number(struct reader *r, unsigned wire)
{
    if (wire == WIRE_VARINT)
        return read_varint(r);
    fail(r, ERR_INPUT, "a field of the wrong kind");
    return 0;
}

static struct bytes take_bytes(struct reader *r, unsigned wire)
{
    if (wire == WIRE_BYTES)
        return read_bytes(r);
    fail(r, ERR_INPUT, "a field of the wrong kind");
    return bytes_none();
}

static struct reader reader_of(struct bytes in, const char *what, struct err_detail *detail)
{
    return (struct reader){.in = in, .what = what, .detail = detail};
}

/* --- The messages --- */

int raft_entry_decode(struct raft_entry *ret_entry, struct bytes input, struct err_detail *detail)
{
    struct reader r = reader_of(input, "raft entry", detail);
    struct raft_entry e = {0};
    unsigned wire;
    for (uint64_t field; (field = next_field(&r, &wire)) != 0;) {
        if (field == 1)
            e.type = take_number(&r, wire);
        else if (field == 2)
            e.term = take_number(&r, wire);
        else if (field == 3)
            e.index = take_number(&r, wire);
        else if (field == 4)
            e.data = take_bytes(&r, wire);
        else
            skip(&r, wire);
    }
    if (r.status == ERR_OK)
        *ret_entry = e;
    return r.status;
}

int raft_conf_change_decode(struct raft_conf_change *ret_change, struct bytes input,
                            struct err_detail *detail)
{
    struct reader r = reader_of(input, "raft configuration change", detail);
    struct raft_conf_change c = {0};
    unsigned wire;
    for (uint64_t field; (field = next_field(&r, &wire)) != 0;) {
        if (field == 1)
            c.id = take_number(&r, wire);
        else if (field == 2)
            c.type = take_number(&r, wire);
        else if (field == 3)
            c.node = take_number(&r, wire);
        else if (field == 4)
            c.context = take_bytes(&r, wire);
        else
            skip(&r, wire);
    }
    if (r.status == ERR_OK)
        *ret_change = c;
    return r.status;
}

static int push_id(uint64_t **ids, size_t *count, struct arena *arena, uint64_t id)
{
    if (*count == RAFT_MEMBERS_MAX)
        return ERR_LIMIT;
    if (!*ids)
        *ids = arena_alloc(arena, RAFT_MEMBERS_MAX * sizeof(uint64_t));
    if (!*ids)
        return ERR_NOMEM;
    (*ids)[(*count)++] = id;
    return ERR_OK;
}

/* One id, or several packed together, which newer encoders write. */
static void read_ids(struct reader *r, uint64_t **ids, size_t *count, struct arena *arena,
                     unsigned wire)
{
    struct reader packed = *r;
    if (wire == WIRE_VARINT) {
        packed.in = bytes_slice(r->in, 0, r->at);
        (void)read_varint(r);
        packed.in.len = r->at;
    } else {
        packed.in = take_bytes(r, wire);
        packed.at = 0;
    }
    while (r->status == ERR_OK && packed.at < packed.in.len) {
        uint64_t id = read_varint(&packed);
        int status = packed.status ? packed.status : push_id(ids, count, arena, id);
        if (status != ERR_OK)
            fail(r, status, status == ERR_LIMIT ? "too many members" : err_text(status));
    }
}

static int decode_conf(struct raft_conf_state *conf, struct arena *arena, struct bytes input,
                       struct err_detail *detail)
{
    struct reader r = reader_of(input, "raft members", detail);
    unsigned wire;
    for (uint64_t field; (field = next_field(&r, &wire)) != 0;) {
        if (field == 1)
            read_ids(&r, &conf->nodes, &conf->node_count, arena, wire);
        else if (field == 2)
            read_ids(&r, &conf->learners, &conf->learner_count, arena, wire);
        else
            skip(&r, wire);
    }
    return r.status;
}

static int decode_metadata(struct raft_snapshot *s, struct arena *arena, struct bytes input,
                           struct err_detail *detail)
{
    struct reader r = reader_of(input, "raft snapshot's metadata", detail);
    unsigned wire;
    for (uint64_t field; (field = next_field(&r, &wire)) != 0;) {
        if (field == 1) {
            struct bytes conf = take_bytes(&r, wire);
            if (r.status == ERR_OK)
                r.status = decode_conf(&s->conf, arena, conf, detail);
        } else if (field == 2) {
            s->index = take_number(&r, wire);
        } else if (field == 3) {
            s->term = take_number(&r, wire);
        } else {
            skip(&r, wire);
        }
    }
    return r.status;
}

int raft_snapshot_decode(struct raft_snapshot *ret_snapshot, struct arena *arena,
                         struct bytes input, struct err_detail *detail)
{
    struct reader r = reader_of(input, "raft snapshot", detail);
    struct raft_snapshot s = {0};
    unsigned wire;
    for (uint64_t field; (field = next_field(&r, &wire)) != 0;) {
        if (field == 1) {
            s.data = take_bytes(&r, wire);
        } else if (field == 2) {
            struct bytes metadata = take_bytes(&r, wire);
            if (r.status == ERR_OK)
                r.status = decode_metadata(&s, arena, metadata, detail);
        } else {
            skip(&r, wire);
        }
    }
    if (r.status == ERR_OK)
        *ret_snapshot = s;
    return r.status;
}

/* How many entries there are: a first walk, so that one array holds them. */
static size_t count_entries(struct bytes input)
{
    struct reader r = reader_of(input, "raft message", NULL);
    size_t count = 0;
    unsigned wire;
    for (uint64_t field; (field = next_field(&r, &wire)) != 0; skip(&r, wire))
        count += field == 7;
    return count;
}

static void read_entry(struct reader *r, struct raft_message *m, struct arena *arena, unsigned wire)
{
    struct bytes span = take_bytes(r, wire);
    if (r->status == ERR_OK && !m->entries) {
        size_t count = count_entries(r->in);
        if (count > RAFT_ENTRIES_MAX)
            fail(r, ERR_LIMIT, "too many entries");
        else
            m->entries = arena_alloc_zeroed(arena, count, sizeof(*m->entries));
        if (r->status == ERR_OK && !m->entries)
            fail(r, ERR_NOMEM, err_text(ERR_NOMEM));
    }
    if (r->status == ERR_OK)
        r->status = raft_entry_decode(&m->entries[m->entry_count++], span, r->detail);
}

static void read_message_field(struct reader *r, struct raft_message *m, struct arena *arena,
                               uint64_t field, unsigned wire)
{
    uint64_t *const numbers[] = {NULL,       &m->type,     &m->to,    &m->from,
                                 &m->term,   &m->log_term, &m->index, NULL,
                                 &m->commit, NULL,         NULL,      &m->reject_hint};
    if (field == 7) {
        read_entry(r, m, arena, wire);
    } else if (field == 9) {
        struct bytes span = take_bytes(r, wire);
        if (r->status == ERR_OK)
            r->status = raft_snapshot_decode(&m->snapshot, arena, span, r->detail);
    } else if (field == 10) {
        m->reject = take_number(r, wire) != 0;
    } else if (field == 12) {
        m->context = take_bytes(r, wire);
    } else if (field < BASE_COUNT(numbers)) {
        *numbers[field] = take_number(r, wire);
    } else {
        skip(r, wire);
    }
}

int raft_message_decode(struct raft_message *ret_message, struct arena *arena, struct bytes input,
                        struct err_detail *detail)
{
    struct reader r = reader_of(input, "raft message", detail);
    struct raft_message m = {0};
    unsigned wire;
    for (uint64_t field; (field = next_field(&r, &wire)) != 0;)
        read_message_field(&r, &m, arena, field, wire);
    if (r.status == ERR_OK)
        *ret_message = m;
    return r.status;
}

/* --- Writing --- */

static size_t varint_size(uint64_t value)
{
    size_t size = 1;
    for (; value >= 0x80; value >>= 7)
        size++;
    return size;
}

static void put_varint(struct buf *b, uint64_t value)
{
    for (; value >= 0x80; value >>= 7)
        buf_append_byte(b, (uint8_t)(value | 0x80));
    buf_append_byte(b, (uint8_t)value);
}

static void put_number(struct buf *b, unsigned field, uint64_t value)
{
    put_varint(b, field << 3);
    put_varint(b, value);
}

static void put_head(struct buf *b, unsigned field, size_t len)
{
    put_varint(b, field << 3 | WIRE_BYTES);
    put_varint(b, len);
}

static void put_bytes(struct buf *b, unsigned field, struct bytes data)
{
    if (!data.data)
        return;
    put_head(b, field, data.len);
    buf_append_bytes(b, data);
}

/* Every field number here is below 16: its key is one byte. */
static size_t bytes_size(struct bytes data)
{
    return data.data ? 1 + varint_size(data.len) + data.len : 0;
}

size_t raft_entry_size(const struct raft_entry *e)
{
    return 3 + varint_size(e->type) + varint_size(e->term) + varint_size(e->index) +
           bytes_size(e->data);
}

void raft_entry_write(struct buf *b, const struct raft_entry *e)
{
    put_number(b, 1, e->type);
    put_number(b, 2, e->term);
    put_number(b, 3, e->index);
    put_bytes(b, 4, e->data);
}

void raft_conf_change_write(struct buf *b, const struct raft_conf_change *c)
{
    put_number(b, 1, c->id);
    put_number(b, 2, c->type);
    put_number(b, 3, c->node);
    put_bytes(b, 4, c->context);
}

static size_t conf_size(const struct raft_conf_state *c)
{
    size_t size = c->node_count + c->learner_count;
    for (size_t i = 0; i < c->node_count; i++)
        size += varint_size(c->nodes[i]);
    for (size_t i = 0; i < c->learner_count; i++)
        size += varint_size(c->learners[i]);
    return size;
}

static size_t metadata_size(const struct raft_snapshot *s)
{
    size_t conf = conf_size(&s->conf);
    return 3 + varint_size(conf) + conf + varint_size(s->index) + varint_size(s->term);
}

static size_t snapshot_size(const struct raft_snapshot *s)
{
    size_t metadata = metadata_size(s);
    return bytes_size(s->data) + 1 + varint_size(metadata) + metadata;
}

void raft_snapshot_write(struct buf *b, const struct raft_snapshot *s)
{
    put_bytes(b, 1, s->data);
    put_head(b, 2, metadata_size(s));
    put_head(b, 1, conf_size(&s->conf));
    for (size_t i = 0; i < s->conf.node_count; i++)
        put_number(b, 1, s->conf.nodes[i]);
    for (size_t i = 0; i < s->conf.learner_count; i++)
        put_number(b, 2, s->conf.learners[i]);
    put_number(b, 2, s->index);
    put_number(b, 3, s->term);
}

size_t raft_message_size(const struct raft_message *m)
{
    size_t snapshot = snapshot_size(&m->snapshot);
    size_t size = 10 + varint_size(m->type) + varint_size(m->to) + varint_size(m->from) +
                  varint_size(m->term) + varint_size(m->log_term) + varint_size(m->index) +
                  varint_size(m->commit) + varint_size(snapshot) + snapshot + 1 +
                  varint_size(m->reject_hint) + bytes_size(m->context);
    for (size_t i = 0; i < m->entry_count; i++) {
        size_t entry = raft_entry_size(&m->entries[i]);
        size += 1 + varint_size(entry) + entry;
    }
    return size;
}

void raft_message_write(struct buf *b, const struct raft_message *m)
{
    put_number(b, 1, m->type);
    put_number(b, 2, m->to);
    put_number(b, 3, m->from);
    put_number(b, 4, m->term);
    put_number(b, 5, m->log_term);
    put_number(b, 6, m->index);
    for (size_t i = 0; i < m->entry_count; i++) {
        put_head(b, 7, raft_entry_size(&m->entries[i]));
        raft_entry_write(b, &m->entries[i]);
    }
    put_number(b, 8, m->commit);
    put_head(b, 9, snapshot_size(&m->snapshot));
    raft_snapshot_write(b, &m->snapshot);
    put_number(b, 10, m->reject);
    put_number(b, 11, m->reject_hint);
    put_bytes(b, 12, m->context);
}
