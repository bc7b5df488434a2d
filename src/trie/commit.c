/* Writing the new nodes of a version. */
#include "trie/node.h"

static int batch_failed(struct trie_batch *batch, int code, const char *text)
{
    return err_set(batch->detail, code, "%s", text);
}

int trie_batch_begin(struct trie_batch *batch, struct store_txn *txn, unsigned nodes,
                     unsigned stale, uint64_t version, struct err_detail *detail)
{
    struct bytes counter;
    uint64_t next_id = TRIE_COUNTER_ID + 1;
    int status = store_get_id(txn, &counter, nodes, TRIE_COUNTER_ID);
    if (status != ERR_OK && status != ERR_NOTFOUND)
        return status;
    if (status == ERR_OK) {
        if (counter.len != sizeof(next_id))
            return err_set(detail, ERR_CORRUPT, "the counter of trie nodes is damaged");
        memcpy(&next_id, counter.data, sizeof(next_id));
    }
    *batch = (struct trie_batch){.txn = txn,
                                 .nodes = nodes,
                                 .stale = stale,
                                 .version = version,
                                 .first_id = next_id,
                                 .next_id = next_id,
                                 .detail = detail};
    arena_init(&batch->arena);
    buf_init(&batch->record);
    return ERR_OK;
}

void trie_batch_release(struct trie_batch *batch)
{
    arena_release(&batch->arena);
    buf_release(&batch->record);
}

/* Children come before their parents, who name them. */
static int store_slot(struct trie_batch *batch, struct trie_slot *slot)
{
    if (slot->id)
        return ERR_OK;
    struct trie_node *n = slot->node;
    unsigned count = (unsigned)__builtin_popcount(n->mask);
    for (unsigned i = 0; i < count; i++) {
        int status = store_slot(batch, &n->slots[i]);
        if (status != ERR_OK)
            return status;
    }
    buf_clear(&batch->record);
    trie_record_write(&batch->record, n);
    if (buf_status(&batch->record) != ERR_OK)
        return batch_failed(batch, ERR_NOMEM, "out of memory");
    int status = store_put_id(batch->txn, batch->nodes, batch->next_id, buf_bytes(&batch->record),
                              STORE_APPEND);
    if (status == ERR_OK)
        slot->id = batch->next_id++;
    return status;
}

static int move_ids(struct trie_batch *batch, struct trie_ids *to, struct trie_ids *from)
{
    for (size_t i = 0; i < from->count; i++)
        if (trie_ids_add(to, &batch->arena, from->ids[i]) != ERR_OK)
            return batch_failed(batch, ERR_NOMEM, "out of memory");
    from->count = 0;
    return ERR_OK;
}

int trie_commit(struct trie *t, struct trie_root *ret_root, struct trie_batch *batch)
{
    struct trie_root root = {.id = 0};
    int status = trie_hash(t, &root.hash);
    if (status == ERR_OK && !trie_slot_is_empty(&t->root))
        status = store_slot(batch, &t->root);
    if (status == ERR_OK)
        status = move_ids(batch, &batch->replaced, &t->stale);
    if (status == ERR_OK)
        status = move_ids(batch, &batch->dropped, &t->stale_below);
    if (status != ERR_OK)
        return t->status = status;
    root.id = t->root.id;
    *ret_root = root;
    return ERR_OK;
}

int trie_batch_end(struct trie_batch *batch)
{
    int status = ERR_OK;
    if (batch->stale != TRIE_NO_TABLE && batch->replaced.count + batch->dropped.count > 0)
        status = trie_stale_write(batch);
    if (status == ERR_OK && batch->next_id != batch->first_id)
        status = store_put_id(batch->txn, batch->nodes, TRIE_COUNTER_ID,
                              bytes_of(&batch->next_id, sizeof(batch->next_id)), STORE_PUT);
    trie_batch_release(batch);
    return status;
}
