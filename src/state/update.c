/* The difference of a view: collected, hashed. */
#include "state/update.h"

#include "crypto/keccak.h"
#include "state/db_priv.h"
#include "state/view_priv.h"

#include <stdlib.h>

/* Both kinds of changes begin with their key. */
static int by_key(const void *a, const void *b)
{
    return memcmp(a, b, sizeof(struct hash256));
}

/* Keccak-256 of `count` inputs of one size, into the first member of records of `stride` bytes. */
static int hash_keys(struct arena *arena, void *records, size_t stride, const uint8_t *inputs,
                     size_t input_size, size_t count)
{
    struct arena_mark mark = arena_mark(arena);
    struct bytes *spans = arena_alloc(arena, count * sizeof(*spans));
    struct hash256 *hashes = arena_alloc(arena, count * sizeof(*hashes));
    if (!spans || !hashes)
        return ERR_NOMEM;
    for (size_t i = 0; i < count; i++)
        spans[i] = bytes_of(inputs + i * input_size, input_size);
    crypto_keccak256_many(hashes, spans, count);
    for (size_t i = 0; i < count; i++)
        memcpy((uint8_t *)records + i * stride, &hashes[i], sizeof(hashes[i]));
    arena_rewind(arena, mark);
    return 0;
}

static int collect_slots(struct state_update *u, struct state_account_change *change,
                         const uint32_t *indexes, size_t count)
{
    if (count == 0)
        return 0;
    struct state_slot_change *slots = arena_alloc(&u->arena, count * sizeof(*slots));
    struct arena_mark mark = arena_mark(&u->arena);
    uint8_t *numbers = arena_alloc(&u->arena, count * 32);
    if (!slots || !numbers)
        return ERR_NOMEM;
    for (size_t i = 0; i < count; i++) {
        slots[i].slot = state_slot_key_at(u->view, indexes[i])->slot;
        slots[i].value = state_slot_at(u->view, indexes[i])->current;
        u256_store(numbers + 32 * i, &slots[i].slot);
    }
    int err = hash_keys(&u->arena, slots, sizeof(*slots), numbers, 32, count);
    arena_rewind(&u->arena, mark);
    qsort(slots, count, sizeof(*slots), by_key);
    change->slots = slots;
    change->slot_count = count;
    return err;
}

static int collect_account(struct state_update *u, struct state_account_change *ret_change,
                           const struct state_groups *groups, size_t index)
{
    const struct state_entry *a = state_entry_at(u->view, index);
    *ret_change = (struct state_account_change){
        .existed = a->existed,
        .exists = a->exists,
        .wiped = a->generation > 0,
        .account = a->account,
        .old_storage = a->old_storage,
        .old_storage_id = a->old_storage_id,
    };
    memcpy(&ret_change->address, map_key_at(&u->view->accounts, index), sizeof(struct address));
    if (!a->exists)
        return 0;
    uint32_t from = groups->start[index];
    return collect_slots(u, ret_change, groups->slots + from, groups->start[index + 1] - from);
}

static bool is_changed(const struct state_entry *a)
{
    return a->changed && (a->exists || a->existed);
}

static int collect_accounts(struct state_update *u)
{
    const struct state_view *v = u->view;
    size_t count = 0, all = map_count(&v->accounts);
    for (size_t i = 0; i < all; i++)
        count += is_changed(state_entry_at(v, i));
    u->accounts = arena_alloc(&u->arena, count * sizeof(*u->accounts));
    struct state_groups groups;
    if (!u->accounts)
        return ERR_NOMEM;
    int err = state_view_group(v, &groups, &u->arena, STATE_CHANGED);
    for (size_t i = 0; i < all && !err; i++)
        if (is_changed(state_entry_at(v, i)))
            err = collect_account(u, &u->accounts[u->account_count++], &groups, i);
    struct arena_mark mark = arena_mark(&u->arena);
    struct address *addresses = arena_alloc(&u->arena, count * sizeof(*addresses));
    if (err || !addresses)
        return err ? err : ERR_NOMEM;
    for (size_t i = 0; i < count; i++)
        addresses[i] = u->accounts[i].address;
    err = hash_keys(&u->arena, u->accounts, sizeof(*u->accounts), addresses->b, sizeof(*addresses),
                    count);
    arena_rewind(&u->arena, mark);
    qsort(u->accounts, count, sizeof(*u->accounts), by_key);
    return err;
}

/* Codes that some account has got; those of creations that were rolled back stay out. */
static int collect_codes(struct state_update *u)
{
    const struct state_view *v = u->view;
    u->codes = arena_alloc(&u->arena, map_count(&v->codes) * sizeof(*u->codes));
    if (!u->codes)
        return ERR_NOMEM;
    for (size_t i = 0; i < u->account_count; i++) {
        const struct state_account_change *change = &u->accounts[i];
        struct state_code *code =
            change->exists ? map_get(&v->codes, &change->account.code_hash) : NULL;
        if (code && code->fresh) {
            u->codes[u->code_count++] =
                (struct state_code_change){change->account.code_hash, code->code};
            code->fresh = false; /* once is enough */
        }
    }
    for (size_t i = 0; i < u->code_count; i++)
        ((struct state_code *)map_get(&v->codes, &u->codes[i].hash))->fresh = true;
    return 0;
}

int state_update_init(struct state_update *ret_update, struct state_view *view,
                      struct err_detail *detail)
{
    assert(view->has_reader && view->journal_count == 0);
    struct state_update *u = ret_update;
    *u = (struct state_update){.view = view, .detail = detail};
    arena_init(&u->arena);
    int err = collect_accounts(u);
    if (!err)
        err = collect_codes(u);
    if (err)
        state_update_release(u);
    return err;
}

void state_update_release(struct state_update *u)
{
    arena_release(&u->arena);
}

/* --- Root --- */

static int fill_storage(struct state_update *u, struct trie *t,
                        const struct state_account_change *change)
{
    struct arena_mark mark = arena_mark(&u->items);
    size_t count = change->slot_count;
    struct trie_item *items = arena_alloc(&u->items, count * sizeof(*items));
    uint8_t(*values)[STATE_SLOT_RLP_MAX] = arena_alloc(&u->items, count * sizeof(*values));
    if (!items || !values)
        return ERR_NOMEM;
    for (size_t i = 0; i < count; i++) {
        const struct state_slot_change *slot = &change->slots[i];
        size_t size = u256_is_zero(&slot->value) ? 0 : state_slot_encode(values[i], &slot->value);
        items[i] = (struct trie_item){.key = bytes_of(&slot->key, sizeof(slot->key)),
                                      .value = bytes_of(values[i], size)};
    }
    int err = trie_update(t, items, count);
    arena_rewind(&u->items, mark);
    return err;
}

/* The storage trie after the changes, when there are any; of a wiped storage, what it was is
 * dropped. */
static int update_storage(struct state_update *u, struct state_account_change *change)
{
    bool drops = change->wiped && change->old_storage.id != 0;
    if (change->slot_count == 0 && !drops)
        return 0;
    const struct state_reader *r = &u->view->reader;
    struct trie *t = arena_alloc(&u->arena, sizeof(*t));
    if (!t)
        return ERR_NOMEM;
    trie_init(t, &u->arena, TRIE_PLAIN, r->txn, state_table(r->db, STATE_NODES),
              &change->old_storage, u->detail);
    change->storage_trie = t;
    int err = drops ? trie_clear(t) : 0;
    if (!err && change->slot_count)
        err = fill_storage(u, t, change);
    return err ? err : trie_hash(t, &change->account.storage.hash);
}

static int update_accounts(struct state_update *u)
{
    size_t count = u->account_count;
    struct trie_item *items = arena_alloc(&u->items, count * sizeof(*items));
    uint8_t(*values)[STATE_ACCOUNT_RLP_MAX] = arena_alloc(&u->items, count * sizeof(*values));
    if (!items || !values)
        return ERR_NOMEM;
    for (size_t i = 0; i < count; i++) {
        const struct state_account_change *change = &u->accounts[i];
        size_t size = change->exists ? state_account_encode(values[i], &change->account) : 0;
        items[i] = (struct trie_item){.key = bytes_of(&change->key, sizeof(change->key)),
                                      .value = bytes_of(values[i], size),
                                      .link = change->exists ? change->account.storage.id : 0};
    }
    const struct state_reader *r = &u->view->reader;
    trie_init(&u->trie, &u->arena, TRIE_PLAIN, r->txn, state_table(r->db, STATE_NODES), &r->root,
              u->detail);
    int err = trie_update(&u->trie, items, count);
    return err ? err : trie_hash(&u->trie, &u->root);
}

int state_update_root(struct state_update *u, struct hash256 *ret_root)
{
    int err = 0;
    if (!u->hashed) {
        arena_init(&u->items);
        for (size_t i = 0; i < u->account_count && !err; i++)
            err = update_storage(u, &u->accounts[i]);
        if (!err)
            err = update_accounts(u);
        arena_release(&u->items);
        u->hashed = !err;
    }
    if (!err)
        *ret_root = u->root;
    return err;
}
