#include "trie/node.h"

#include <stdarg.h>
#include <stdio.h>

enum {
    HEAD_BRANCH = 1 << 0,
    HEAD_VALUE = 1 << 1,
    HEAD_LINK = 1 << 2,
    HEAD_UNUSED = 1 << 3 | 1 << 7,
    HEAD_WIDTH_SHIFT = 4,
};

static uint64_t get_number(const uint8_t *at, unsigned width)
{
    uint64_t number = 0;
    memcpy(&number, at, width);
    return number;
}

/* A cursor over a record that stops at its end. */
static const uint8_t *take(struct bytes *rest, size_t len)
{
    if (len > rest->len)
        return NULL;
    const uint8_t *at = rest->data;
    *rest = bytes_slice(*rest, len, rest->len - len);
    return at;
}

static bool parse_children(struct trie_record *r, struct bytes *rest)
{
    const uint8_t *masks = take(rest, 4);
    if (!masks)
        return false;
    memcpy(&r->mask, masks, 2);
    memcpy(&r->embedded, masks + 2, 2);
    unsigned count = (unsigned)__builtin_popcount(r->mask);
    r->ids = take(rest, count * r->width);
    if (!r->ids || (r->embedded & ~r->mask))
        return false;
    r->refs = rest->data;
    if (!r->embedded)
        return take(rest, count * TRIE_REF_SIZE);
    for (unsigned nibble = 0; nibble < 16; nibble++) {
        size_t len = r->mask >> nibble & 1 ? TRIE_REF_SIZE : 0;
        if (r->embedded >> nibble & 1) {
            const uint8_t *stored = take(rest, 1);
            if (!stored || *stored == 0 || *stored >= TRIE_REF_SIZE)
                return false;
            len = *stored;
        }
        if (!take(rest, len))
            return false;
    }
    return true;
}

bool trie_record_parse(struct trie_record *ret_record, struct bytes data)
{
    struct trie_record r = {0};
    const uint8_t *start = take(&data, 2);
    if (!start || (*start & HEAD_UNUSED) || start[1] > TRIE_PATH_MAX)
        return false;
    unsigned head = *start;
    r.kind = head & HEAD_BRANCH ? TRIE_BRANCH : TRIE_LEAF;
    r.width = (uint8_t)(1 + (head >> HEAD_WIDTH_SHIFT));
    r.path_len = start[1];
    r.path = take(&data, (r.path_len + 1u) / 2);
    if (!r.path)
        return false;
    if (head & HEAD_LINK) {
        const uint8_t *link = take(&data, r.width);
        if (!link)
            return false;
        r.link = get_number(link, r.width);
    }
    if (r.kind == TRIE_BRANCH && !parse_children(&r, &data))
        return false;
    if (!(head & HEAD_VALUE) != (data.len == 0) || (r.kind == TRIE_LEAF && data.len == 0))
        return false;
    r.value = data;
    *ret_record = r;
    return true;
}

uint64_t trie_record_child_id(const struct trie_record *r, unsigned nibble)
{
    if (!(r->mask >> nibble & 1))
        return 0;
    return get_number(r->ids + trie_rank(r->mask, nibble) * r->width, r->width);
}

static unsigned number_width(const struct trie_node *n, unsigned count)
{
    uint64_t all = n->link;
    for (unsigned i = 0; i < count; i++)
        all |= n->slots[i].id;
    return all ? (71 - (unsigned)__builtin_clzll(all)) / 8 : 1;
}

static void write_children(struct buf *b, const struct trie_node *n, unsigned count, unsigned width)
{
    uint16_t embedded = 0;
    for (unsigned i = 0, rest = n->mask; i < count; i++, rest &= rest - 1)
        if (n->slots[i].ref_len < TRIE_REF_SIZE)
            embedded |= rest & -rest;
    buf_append(b, &n->mask, 2);
    buf_append(b, &embedded, 2);
    for (unsigned i = 0; i < count; i++)
        buf_append(b, &n->slots[i].id, width);
    for (unsigned i = 0; i < count; i++) {
        if (n->slots[i].ref_len < TRIE_REF_SIZE)
            buf_append_byte(b, n->slots[i].ref_len);
        buf_append(b, n->slots[i].ref, n->slots[i].ref_len);
    }
}

void trie_record_write(struct buf *b, const struct trie_node *n)
{
    unsigned count = (unsigned)__builtin_popcount(n->mask);
    unsigned width = number_width(n, count);
    buf_append_byte(b, (uint8_t)((n->kind == TRIE_BRANCH ? HEAD_BRANCH : 0) |
                                 (n->value.len ? HEAD_VALUE : 0) | (n->link ? HEAD_LINK : 0) |
                                 (width - 1) << HEAD_WIDTH_SHIFT));
    buf_append_byte(b, n->path_len);
    for (unsigned i = 0; i < n->path_len; i += 2)
        buf_append_byte(b, (uint8_t)(n->path[i] << 4 | (i + 1 < n->path_len ? n->path[i + 1] : 0)));
    if (n->link)
        buf_append(b, &n->link, width);
    if (n->kind == TRIE_BRANCH)
        write_children(b, n, count, width);
    buf_append_bytes(b, n->value);
}

int trie_fail(struct trie *t, int code, const char *format, ...)
{
    if (t->detail) {
        va_list args;
        va_start(args, format);
        vsnprintf(t->detail->text, sizeof(t->detail->text), format, args);
        va_end(args);
    }
    return t->status = code;
}

static int damaged(struct trie *t, uint64_t id)
{
    return trie_fail(t, ERR_CORRUPT, "trie node %llu is damaged", (unsigned long long)id);
}

int trie_read_record(struct trie *t, struct trie_record *ret_record, uint64_t id)
{
    struct bytes data;
    assert(t->txn);
    if (id == TRIE_COUNTER_ID)
        return trie_fail(t, ERR_CORRUPT, "a trie node refers to a child without a number");
    int status = store_get_id(t->txn, &data, t->nodes, id);
    if (status == ERR_NOTFOUND)
        return trie_fail(t, ERR_CORRUPT, "trie node %llu is not in the store (pruned or lost)",
                         (unsigned long long)id);
    if (status != ERR_OK)
        return t->status = status;
    if (!trie_record_parse(ret_record, data))
        return damaged(t, id);
    return ERR_OK;
}

struct trie_node *trie_leaf_new(struct arena *arena, const uint8_t *path, size_t path_len,
                                struct bytes value, uint64_t link)
{
    struct trie_node *n = arena_alloc(arena, sizeof(*n));
    if (n)
        *n = (struct trie_node){.kind = TRIE_LEAF,
                                .path = path,
                                .path_len = (uint8_t)path_len,
                                .value = value,
                                .link = link};
    return n;
}

struct trie_node *trie_branch_new(struct arena *arena, const uint8_t *path, size_t path_len)
{
    struct trie_node *n = arena_alloc(arena, sizeof(*n));
    if (n)
        *n = (struct trie_node){.kind = TRIE_BRANCH, .path = path, .path_len = (uint8_t)path_len};
    return n;
}

/* False when a child has no number. */
static bool read_children(struct trie_node *n, const struct trie_record *r)
{
    const uint8_t *id = r->ids, *ref = r->refs;
    struct trie_slot *slot = n->slots;
    for (unsigned rest = r->mask; rest; rest &= rest - 1, slot++, id += r->width) {
        slot->node = NULL;
        slot->id = get_number(id, r->width);
        if (slot->id == TRIE_COUNTER_ID)
            return false;
        slot->ref_len = r->embedded & rest & -rest ? *ref++ : TRIE_REF_SIZE;
        memcpy(slot->ref, ref, slot->ref_len);
        ref += slot->ref_len;
    }
    return true;
}

int trie_read_node(struct trie *t, struct trie_node **ret_node, struct arena *arena,
                   const struct trie_slot *slot)
{
    if (slot->node) {
        *ret_node = slot->node;
        return ERR_OK;
    }
    struct trie_record r;
    int status = trie_read_record(t, &r, slot->id);
    if (status != ERR_OK)
        return status;
    /* one allocation: node, slots, value, path */
    unsigned count = (unsigned)__builtin_popcount(r.mask);
    size_t slots_size = count * sizeof(struct trie_slot);
    struct trie_node *n = arena_alloc(arena, sizeof(*n) + slots_size + r.value.len + r.path_len);
    if (!n)
        return trie_fail(t, ERR_NOMEM, "out of memory");
    uint8_t *value = (uint8_t *)(n + 1) + slots_size, *path = value + r.value.len;
    *n = (struct trie_node){
        .kind = r.kind,
        .path_len = r.path_len,
        .capacity = (uint8_t)count,
        .mask = r.mask,
        .path = path,
        .value = bytes_of(value, r.value.len),
        .link = r.link,
        .slots = (struct trie_slot *)(n + 1),
    };
    for (unsigned i = 0; i < r.path_len; i++)
        path[i] = (uint8_t)trie_nibble(r.path, i);
    if (r.value.len)
        memcpy(value, r.value.data, r.value.len);
    if (!read_children(n, &r))
        return damaged(t, slot->id);
    *ret_node = n;
    return ERR_OK;
}

int trie_ids_add(struct trie_ids *ids, struct arena *arena, uint64_t id)
{
    enum { FIRST_CAPACITY = 16 };
    if (ids->count == ids->capacity) {
        size_t capacity = ids->capacity ? 2 * ids->capacity : FIRST_CAPACITY;
        uint64_t *larger = arena_alloc(arena, capacity * sizeof(*larger));
        if (!larger)
            return ERR_NOMEM;
        if (ids->count)
            memcpy(larger, ids->ids, ids->count * sizeof(*larger));
        ids->ids = larger;
        ids->capacity = capacity;
    }
    ids->ids[ids->count++] = id;
    return ERR_OK;
}

int trie_unstore(struct trie *t, struct trie_slot *slot)
{
    if (slot->id && trie_ids_add(&t->stale, t->arena, slot->id) != ERR_OK)
        return trie_fail(t, ERR_NOMEM, "out of memory");
    slot->id = 0;
    return ERR_OK;
}
