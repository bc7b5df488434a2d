/*
 * The record of what each version replaced, and deleting it.
 *
 * The record of a version in the table of stale nodes is a sequence of pieces, one per batch: how
 * many nodes were replaced and their numbers, then the same for nodes dropped with all below them.
 * Each number is written as its difference to the one before, zigzag, seven bits a byte.
 */
#include "trie/node.h"

#include <stdlib.h>

static void write_varint(struct buf *b, uint64_t number)
{
    for (; number >= 0x80; number >>= 7)
        buf_append_byte(b, (uint8_t)(number | 0x80));
    buf_append_byte(b, (uint8_t)number);
}

static bool read_varint(struct bytes *rest, uint64_t *ret_number)
{
    uint64_t number = 0;
    for (unsigned shift = 0; rest->len && shift < 64; shift += 7) {
        uint8_t byte = *rest->data;
        *rest = bytes_slice(*rest, 1, rest->len - 1);
        number |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80) {
            *ret_number = number;
            return true;
        }
    }
    return false;
}

static void write_ids(struct buf *b, const struct trie_ids *ids)
{
    uint64_t previous = 0;
    write_varint(b, ids->count);
    for (size_t i = 0; i < ids->count; i++) {
        uint64_t step = ids->ids[i] - previous;
        write_varint(b, step << 1 ^ (uint64_t)((int64_t)step >> 63));
        previous = ids->ids[i];
    }
}

/* Appends the ids to `ids`, in the arena. ERR_CORRUPT, ERR_NOMEM. */
static int read_ids(struct bytes *rest, struct trie_ids *ids, struct arena *arena)
{
    uint64_t count, step, previous = 0;
    if (!read_varint(rest, &count) || count > rest->len)
        return ERR_CORRUPT;
    for (; count > 0; count--) {
        if (!read_varint(rest, &step))
            return ERR_CORRUPT;
        previous += step >> 1 ^ -(step & 1);
        if (trie_ids_add(ids, arena, previous) != ERR_OK)
            return ERR_NOMEM;
    }
    return ERR_OK;
}

int trie_stale_write(struct trie_batch *batch)
{
    struct bytes old = bytes_none();
    int status = store_get_id(batch->txn, &old, batch->stale, batch->version);
    if (status != ERR_OK && status != ERR_NOTFOUND)
        return status;
    buf_clear(&batch->record);
    buf_append_bytes(&batch->record, old);
    write_ids(&batch->record, &batch->replaced);
    write_ids(&batch->record, &batch->dropped);
    if (buf_status(&batch->record) != ERR_OK)
        return err_set(batch->detail, ERR_NOMEM, "out of memory");
    return store_put_id(batch->txn, batch->stale, batch->version, buf_bytes(&batch->record),
                        STORE_PUT);
}

struct pruning {
    struct store_txn *txn;
    unsigned nodes, stale;
    uint64_t deleted;
    struct arena arena; /* of one version */
    struct trie_ids replaced, dropped, open;
    struct err_detail *detail;
};

static int no_memory(struct pruning *p)
{
    return err_set(p->detail, ERR_NOMEM, "out of memory");
}

static int compare_ids(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

static int delete_node(struct pruning *p, uint64_t id)
{
    int status = store_delete_id(p->txn, p->nodes, id);
    if (status == ERR_NOTFOUND)
        return err_set(p->detail, ERR_CORRUPT, "trie node %llu, to be pruned, is not in the store",
                       (unsigned long long)id);
    p->deleted += status == ERR_OK;
    return status;
}

/* Deletes a node and all below it. `open` holds what is still to be visited. */
static int delete_below(struct pruning *p, uint64_t root)
{
    p->open.count = 0;
    int status = trie_ids_add(&p->open, &p->arena, root);
    while (status == ERR_OK && p->open.count) {
        struct trie_record r;
        struct bytes data;
        uint64_t id = p->open.ids[--p->open.count];
        status = store_get_id(p->txn, &data, p->nodes, id);
        if (status == ERR_NOTFOUND || (status == ERR_OK && !trie_record_parse(&r, data)))
            return err_set(p->detail, ERR_CORRUPT, "trie node %llu, to be pruned, is %s",
                           (unsigned long long)id, status ? "not in the store" : "damaged");
        for (unsigned nibble = 16; nibble-- > 0 && status == ERR_OK;)
            if (r.mask >> nibble & 1)
                status = trie_ids_add(&p->open, &p->arena, trie_record_child_id(&r, nibble));
        if (status == ERR_OK)
            status = delete_node(p, id);
    }
    return status == ERR_NOMEM ? no_memory(p) : status;
}

static int read_stale(struct pruning *p, uint64_t version, struct bytes record)
{
    int status = ERR_OK;
    while (record.len && status == ERR_OK) {
        status = read_ids(&record, &p->replaced, &p->arena);
        if (status == ERR_OK)
            status = read_ids(&record, &p->dropped, &p->arena);
    }
    if (status == ERR_CORRUPT)
        return err_set(p->detail, status, "the record of nodes replaced in version %llu is damaged",
                       (unsigned long long)version);
    return status == ERR_NOMEM ? no_memory(p) : status;
}

/* In the order of numbers, which is the order on disk. */
static int prune_version(struct pruning *p, uint64_t version, struct bytes record)
{
    p->replaced = p->dropped = p->open = (struct trie_ids){0};
    arena_clear(&p->arena);
    int status = read_stale(p, version, record);
    if (p->replaced.count)
        qsort(p->replaced.ids, p->replaced.count, sizeof(*p->replaced.ids), compare_ids);
    for (size_t i = 0; i < p->replaced.count && status == ERR_OK; i++)
        status = delete_node(p, p->replaced.ids[i]);
    for (size_t i = 0; i < p->dropped.count && status == ERR_OK; i++)
        status = delete_below(p, p->dropped.ids[i]);
    if (status == ERR_OK)
        status = store_delete_id(p->txn, p->stale, version);
    return status;
}

/* The oldest version with a record. */
static int oldest(struct pruning *p, uint64_t *ret_version, struct bytes *ret_record)
{
    struct store_cursor *cursor;
    struct bytes key;
    int status = store_cursor_new(&cursor, p->txn, p->stale);
    if (status != ERR_OK)
        return status;
    status = store_cursor_first(cursor, &key, ret_record);
    if (status == ERR_OK)
        *ret_version = store_id_of_key(key);
    store_cursor_free(cursor);
    return status;
}

int trie_prune(struct store_txn *txn, uint64_t *ret_deleted, bool *ret_more, unsigned nodes,
               unsigned stale, uint64_t keep_from, uint64_t max_nodes, struct err_detail *detail)
{
    struct pruning p = {.txn = txn, .nodes = nodes, .stale = stale, .detail = detail};
    bool more = false;
    int status;
    arena_init(&p.arena);
    do {
        uint64_t version;
        struct bytes record;
        status = oldest(&p, &version, &record);
        more = status == ERR_OK && version <= keep_from;
        if (!more || (max_nodes && p.deleted >= max_nodes))
            break;
        status = prune_version(&p, version, record);
    } while (status == ERR_OK);
    arena_release(&p.arena);
    if (status != ERR_OK && status != ERR_NOTFOUND)
        return status;
    *ret_deleted = p.deleted;
    *ret_more = more;
    return ERR_OK;
}
