/* One account as its trie would have it now, while a transaction is under way. */
#include "crypto/keccak.h"
#include "state/db_priv.h"
#include "state/view_priv.h"

#include <stdlib.h>

struct changed_slot {
    struct hash256 key; /* of its number */
    uint32_t index;
};

static int by_key(const void *a, const void *b)
{
    return memcmp(a, b, sizeof(struct hash256));
}

/* The slots of the account that are not as in the store, sorted. */
static int collect(const struct state_view *v, struct changed_slot **ret_slots, size_t *ret_count,
                   struct arena *arena, uint32_t account)
{
    uint32_t generation = state_entry_at(v, account)->generation;
    size_t all = map_count(&v->slots), count = 0;
    struct changed_slot *slots = NULL;
    for (int pass = 0; pass < 2; pass++) {
        for (size_t i = 0, at = 0; i < all; i++) {
            const struct state_slot_key *key = state_slot_key_at(v, i);
            const struct state_slot *slot = state_slot_at(v, i);
            if (key->account != account || key->generation != generation || !slot->loaded ||
                u256_equal(&slot->current, &slot->base))
                continue;
            if (!slots) {
                count++;
                continue;
            }
            uint8_t number[32];
            u256_store(number, &key->slot);
            crypto_keccak256(&slots[at].key, bytes_of(number, sizeof(number)));
            slots[at++].index = (uint32_t)i;
        }
        if (!slots)
            slots = arena_alloc(arena, (count + 1) * sizeof(*slots));
        if (!slots)
            return ERR_NOMEM;
    }
    qsort(slots, count, sizeof(*slots), by_key);
    *ret_slots = slots;
    *ret_count = count;
    return 0;
}

static int storage_root(struct state_view *v, struct hash256 *ret_root, struct arena *arena,
                        uint32_t account)
{
    const struct state_entry *a = state_entry_at(v, account);
    const struct state_reader *r = &v->reader;
    struct trie_root before = a->generation || !v->has_reader ? trie_empty_root() : a->old_storage;
    struct changed_slot *slots;
    size_t count;
    struct trie trie;
    int err = collect(v, &slots, &count, arena, account);
    if (err || count == 0) {
        *ret_root = before.hash;
        return err;
    }
    struct trie_item *items = arena_alloc(arena, count * sizeof(*items));
    uint8_t(*values)[STATE_SLOT_RLP_MAX] = arena_alloc(arena, count * sizeof(*values));
    if (!items || !values)
        return ERR_NOMEM;
    for (size_t i = 0; i < count; i++) {
        const struct u256 *value = &state_slot_at(v, slots[i].index)->current;
        size_t size = u256_is_zero(value) ? 0 : state_slot_encode(values[i], value);
        items[i] = (struct trie_item){.key = bytes_of(slots[i].key.b, sizeof(slots[i].key.b)),
                                      .value = bytes_of(values[i], size)};
    }
    trie_init(&trie, arena, TRIE_PLAIN, r->txn, v->has_reader ? state_table(r->db, STATE_NODES) : 0,
              &before, NULL);
    err = trie_update(&trie, items, count);
    return err ? err : trie_hash(&trie, ret_root);
}

int state_view_encode(struct state_view *view, uint8_t ret_rlp[STATE_ACCOUNT_RLP_MAX],
                      size_t *ret_size, const struct address *address)
{
    struct arena arena;
    uint32_t index;
    int err = state_view_get(view, &index, address);
    if (err)
        return err;
    *ret_size = 0;
    if (!state_entry_at(view, index)->exists)
        return 0;
    struct state_account account = state_entry_at(view, index)->account;
    arena_init(&arena);
    err = storage_root(view, &account.storage.hash, &arena, index);
    if (!err)
        *ret_size = state_account_encode(ret_rlp, &account);
    arena_release(&arena);
    return err;
}
