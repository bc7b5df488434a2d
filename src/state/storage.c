/* Slots, transient slots and logs of a view. */
#include "base/mem.h"
#include "state/view_priv.h"

static int find_slot(struct state_view *v, uint32_t *ret_index, uint32_t account,
                     const struct u256 *slot)
{
    struct state_slot_key key = {account, state_entry_at(v, account)->generation, *slot};
    struct state_slot *s = map_put(&v->slots, &key, NULL);
    if (!s)
        return ERR_NOMEM;
    if (s->transaction != v->transaction) {
        s->transaction = v->transaction;
        s->original = s->current;
        s->warm = false;
    }
    *ret_index =
        (uint32_t)(((uint8_t *)s - v->slots.value_offset - v->slots.entries) / v->slots.stride);
    return 0;
}

static int load_slot(struct state_view *v, uint32_t account, uint32_t index)
{
    struct state_entry *a = state_entry_at(v, account);
    struct state_slot *s = state_slot_at(v, index);
    if (v->has_reader && a->existed && a->generation == 0) {
        struct u256 value;
        int err =
            state_reader_slot(&v->reader, &value, &a->account, &state_slot_key_at(v, index)->slot);
        if (err)
            return err;
        s->base = s->original = s->current = value;
        a->slots_set += !u256_is_zero(&value);
    }
    s->loaded = true;
    return 0;
}

static int get_slot(struct state_view *v, uint32_t *ret_account, uint32_t *ret_index,
                    const struct address *address, const struct u256 *slot)
{
    int err = state_view_get(v, ret_account, address);
    if (!err)
        err = find_slot(v, ret_index, *ret_account, slot);
    if (err || state_slot_at(v, *ret_index)->loaded)
        return err;
    return load_slot(v, *ret_account, *ret_index);
}

static int warm_up(struct state_view *v, bool *ret_cold, uint32_t index)
{
    bool cold = !state_slot_at(v, index)->warm;
    int err = state_view_reserve(v, 1);
    if (err)
        return err;
    if (cold)
        state_view_record(v, STATE_CHANGE_SLOT_WARM, index);
    state_slot_at(v, index)->warm = true;
    *ret_cold = cold;
    return 0;
}

int state_view_load(struct state_view *v, struct u256 *ret_value, bool *ret_cold,
                    const struct address *address, const struct u256 *slot)
{
    uint32_t account, index;
    int err = get_slot(v, &account, &index, address, slot);
    if (!err && ret_cold)
        err = warm_up(v, ret_cold, index);
    if (!err)
        *ret_value = state_slot_at(v, index)->current;
    return err;
}

int state_view_store(struct state_view *v, struct u256 *ret_original, struct u256 *ret_current,
                     bool *ret_cold, const struct address *address, const struct u256 *slot,
                     const struct u256 *value)
{
    uint32_t account, index;
    int err = get_slot(v, &account, &index, address, slot);
    if (!err)
        err = state_view_reserve(v, 3);
    if (!err && ret_cold)
        err = warm_up(v, ret_cold, index);
    if (err)
        return err;
    struct state_slot *s = state_slot_at(v, index);
    if (ret_original)
        *ret_original = s->original;
    if (ret_current)
        *ret_current = s->current;
    if (u256_equal(&s->current, value))
        return 0;
    state_view_make(v, account);
    struct state_change *change = state_view_record(v, STATE_CHANGE_SLOT, index);
    change->old.value = s->current;
    struct state_entry *a = state_entry_at(v, account);
    a->slots_set -= !u256_is_zero(&s->current);
    a->slots_set += !u256_is_zero(value);
    s->current = *value;
    return 0;
}

int state_view_access_slot(struct state_view *v, bool *ret_cold, const struct address *address,
                           const struct u256 *slot)
{
    uint32_t account, index;
    int err = state_view_find(v, &account, address);
    if (!err)
        err = find_slot(v, &index, account, slot);
    return err ? err : warm_up(v, ret_cold, index);
}

int state_view_has_storage(struct state_view *v, bool *ret_has, const struct address *address)
{
    uint32_t index;
    int err = state_view_get(v, &index, address);
    if (err)
        return err;
    const struct state_entry *a = state_entry_at(v, index);
    *ret_has = a->slots_set > 0 || !hash256_equal(&a->account.storage.hash, &trie_empty_hash);
    return 0;
}

/* --- Transient storage --- */

int state_view_load_transient(struct state_view *v, struct u256 *ret_value,
                              const struct address *address, const struct u256 *slot)
{
    struct state_slot_key key = {.slot = *slot};
    int err = state_view_find(v, &key.account, address);
    if (err)
        return err;
    const struct u256 *value = map_get(&v->transient, &key);
    *ret_value = value ? *value : u256_from(0);
    return 0;
}

int state_view_store_transient(struct state_view *v, const struct address *address,
                               const struct u256 *slot, const struct u256 *value)
{
    struct state_slot_key key = {.slot = *slot};
    int err = state_view_find(v, &key.account, address);
    if (!err)
        err = state_view_reserve(v, 1);
    if (err)
        return err;
    struct u256 *at = map_put(&v->transient, &key, NULL);
    if (!at)
        return ERR_NOMEM;
    size_t index = (size_t)((uint8_t *)at - v->transient.value_offset - v->transient.entries) /
                   v->transient.stride;
    struct state_change *change = state_view_record(v, STATE_CHANGE_TRANSIENT, index);
    change->old.value = *at;
    *at = *value;
    return 0;
}

/* --- Logs --- */

int state_view_add_log(struct state_view *v, const struct address *address,
                       const struct hash256 *topics, size_t topic_count, struct bytes data)
{
    int err = MEM_RESERVE(v->logs, v->log_capacity, v->log_count + 1, 16);
    if (!err)
        err = state_view_reserve(v, 1);
    if (err)
        return err;
    struct arena_mark mark = arena_mark(&v->arena);
    struct bytes kept = arena_copy(&v->arena, bytes_of(topics, topic_count * sizeof(*topics)));
    struct bytes kept_data = arena_copy(&v->arena, data);
    if ((topic_count && !kept.data) || (data.len && !kept_data.data)) {
        arena_rewind(&v->arena, mark);
        return ERR_NOMEM;
    }
    state_view_record(v, STATE_CHANGE_LOG, 0);
    v->logs[v->log_count++] = (struct eth_log){.address = *address,
                                               .topics = (const struct hash256 *)kept.data,
                                               .topic_count = topic_count,
                                               .data = kept_data};
    return 0;
}

const struct eth_log *state_view_logs(const struct state_view *v, size_t *ret_count)
{
    *ret_count = v->log_count;
    return v->logs;
}
