/* What a view holds, in order: for the root of a whole state, for dumps and differences. */
#include "crypto/keccak.h"
#include "state/update.h"
#include "state/view_priv.h"

#include <stdlib.h>

static bool selected(const struct state_view *v, size_t index, enum state_select select)
{
    const struct state_slot *s = state_slot_at(v, index);
    const struct state_slot_key *key = state_slot_key_at(v, index);
    if (!s->loaded || state_entry_at(v, key->account)->generation != key->generation)
        return false;
    return select == STATE_SET ? !u256_is_zero(&s->current) : !u256_equal(&s->current, &s->base);
}

/* A counting sort by account. */
int state_view_group(const struct state_view *v, struct state_groups *ret_groups,
                     struct arena *arena, enum state_select select)
{
    size_t accounts = map_count(&v->accounts), slots = map_count(&v->slots), total = 0;
    uint32_t *start = arena_alloc_zeroed(arena, accounts + 2, sizeof(*start));
    if (!start)
        return ERR_NOMEM;
    for (size_t i = 0; i < slots; i++)
        if (selected(v, i, select)) {
            start[state_slot_key_at(v, i)->account + 2]++;
            total++;
        }
    uint32_t *list = arena_alloc(arena, total * sizeof(*list));
    if (!list)
        return ERR_NOMEM;
    for (size_t i = 2; i < accounts + 2; i++)
        start[i] += start[i - 1];
    /* start[i + 1] is where the next slot of account i goes; at the end, where they end. */
    for (size_t i = 0; i < slots; i++)
        if (selected(v, i, select))
            list[start[state_slot_key_at(v, i)->account + 1]++] = (uint32_t)i;
    *ret_groups = (struct state_groups){list, start};
    return 0;
}

/* --- The root of a view without a reader --- */

struct hashed_slot {
    struct hash256 key;
    uint32_t index;
};

struct hashed_account {
    struct hash256 key;
    uint32_t index;
    uint8_t size;
    uint8_t rlp[STATE_ACCOUNT_RLP_MAX];
};

/* Both begin with the key. */
static int by_key(const void *a, const void *b)
{
    return memcmp(a, b, sizeof(struct hash256));
}

static int storage_root(const struct state_view *v, struct hash256 *ret_root, struct arena *arena,
                        const uint32_t *slots, size_t count)
{
    struct hashed_slot *sorted = arena_alloc(arena, count * sizeof(*sorted));
    struct trie_pair *pairs = arena_alloc(arena, count * sizeof(*pairs));
    uint8_t(*values)[STATE_SLOT_RLP_MAX] = arena_alloc(arena, count * sizeof(*values));
    if (!sorted || !pairs || !values)
        return ERR_NOMEM;
    for (size_t i = 0; i < count; i++) {
        uint8_t key[32];
        u256_store(key, &state_slot_key_at(v, slots[i])->slot);
        crypto_keccak256(&sorted[i].key, bytes_of(key, sizeof(key)));
        sorted[i].index = slots[i];
    }
    qsort(sorted, count, sizeof(*sorted), by_key);
    for (size_t i = 0; i < count; i++) {
        size_t size = state_slot_encode(values[i], &state_slot_at(v, sorted[i].index)->current);
        pairs[i] = (struct trie_pair){bytes_of(&sorted[i].key, sizeof(sorted[i].key)),
                                      bytes_of(values[i], size)};
    }
    return trie_root_of_pairs(ret_root, pairs, count);
}

static int hash_account(const struct state_view *v, struct hashed_account *ret_account,
                        struct arena *arena, const struct state_groups *groups, uint32_t index)
{
    struct state_account account = state_entry_at(v, index)->account;
    account.storage = trie_empty_root();
    uint32_t from = groups->start[index], count = groups->start[index + 1] - from;
    struct arena_mark mark = arena_mark(arena);
    int err =
        count ? storage_root(v, &account.storage.hash, arena, groups->slots + from, count) : 0;
    arena_rewind(arena, mark);
    if (err)
        return err;
    ret_account->index = index;
    ret_account->size = (uint8_t)state_account_encode(ret_account->rlp, &account);
    crypto_keccak256(&ret_account->key,
                     bytes_of(map_key_at(&v->accounts, index), sizeof(struct address)));
    return 0;
}

static int whole_root(struct state_view *v, struct hash256 *ret_root, struct arena *arena)
{
    struct state_groups groups;
    size_t count = 0, all = map_count(&v->accounts);
    struct hashed_account *accounts = arena_alloc(arena, all * sizeof(*accounts));
    struct trie_pair *pairs = arena_alloc(arena, all * sizeof(*pairs));
    if (!accounts || !pairs)
        return ERR_NOMEM;
    int err = state_view_group(v, &groups, arena, STATE_SET);
    for (size_t i = 0; i < all && !err; i++)
        if (state_entry_at(v, i)->exists)
            err = hash_account(v, &accounts[count++], arena, &groups, (uint32_t)i);
    if (err)
        return err;
    qsort(accounts, count, sizeof(*accounts), by_key);
    for (size_t i = 0; i < count; i++)
        pairs[i] = (struct trie_pair){bytes_of(&accounts[i].key, sizeof(accounts[i].key)),
                                      bytes_of(accounts[i].rlp, accounts[i].size)};
    return trie_root_of_pairs(ret_root, pairs, count);
}

static int updated_root(struct state_view *v, struct hash256 *ret_root, struct err_detail *detail)
{
    struct state_update update;
    int err = state_update_init(&update, v, detail);
    if (err)
        return err;
    err = state_update_root(&update, ret_root);
    state_update_release(&update);
    return err;
}

int state_root(struct state_view *v, struct hash256 *ret_root, struct err_detail *detail)
{
    if (v->has_reader)
        return updated_root(v, ret_root, detail);
    struct arena arena;
    arena_init(&arena);
    int err = whole_root(v, ret_root, &arena);
    arena_release(&arena);
    return err;
}

/* --- Dump --- */

static int by_address(const void *a, const void *b)
{
    const struct state_dump_account *x = a, *y = b;
    return memcmp(x->address.b, y->address.b, sizeof(x->address.b));
}

static int by_slot(const void *a, const void *b)
{
    const struct state_dump_slot *x = a, *y = b;
    return u256_compare(&x->slot, &y->slot);
}

static int dump_account(struct state_view *v, struct state_dump_account *ret_account,
                        struct arena *arena, const struct state_groups *groups, size_t index)
{
    struct state_dump_account dump = {.account = state_entry_at(v, index)->account};
    memcpy(&dump.address, map_key_at(&v->accounts, index), sizeof(dump.address));
    int err = state_view_code(v, &dump.code, &dump.address);
    if (err)
        return err;
    const uint32_t *from = groups->slots + groups->start[index];
    dump.slot_count = groups->start[index + 1] - groups->start[index];
    struct state_dump_slot *slots = arena_alloc(arena, dump.slot_count * sizeof(*slots));
    if (!slots)
        return ERR_NOMEM;
    for (size_t i = 0; i < dump.slot_count; i++)
        slots[i] = (struct state_dump_slot){state_slot_key_at(v, from[i])->slot,
                                            state_slot_at(v, from[i])->current};
    qsort(slots, dump.slot_count, sizeof(*slots), by_slot);
    dump.slots = slots;
    *ret_account = dump;
    return 0;
}

int state_view_dump(struct state_view *v, struct state_dump_account **ret_accounts,
                    size_t *ret_count, struct arena *arena)
{
    assert(!v->has_reader);
    struct state_groups groups;
    size_t count = 0, all = map_count(&v->accounts);
    struct state_dump_account *accounts = arena_alloc(arena, all * sizeof(*accounts));
    if (!accounts)
        return ERR_NOMEM;
    int err = state_view_group(v, &groups, arena, STATE_SET);
    for (size_t i = 0; i < all && !err; i++)
        if (state_entry_at(v, i)->exists)
            err = dump_account(v, &accounts[count++], arena, &groups, i);
    if (err)
        return err;
    qsort(accounts, count, sizeof(*accounts), by_address);
    *ret_accounts = accounts;
    *ret_count = count;
    return 0;
}
