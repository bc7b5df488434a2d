/* Life of a view, its accounts and codes. */
#include "base/mem.h"
#include "crypto/keccak.h"
#include "state/view_priv.h"

#define NO_INDEX UINT32_MAX

int state_view_new(struct state_view **ret_view, const struct state_reader *reader)
{
    struct state_view *v = mem_alloc_zeroed(1, sizeof(*v));
    if (!v)
        return ERR_NOMEM;
    map_init(&v->accounts, sizeof(struct address), sizeof(struct state_entry));
    map_init(&v->slots, sizeof(struct state_slot_key), sizeof(struct state_slot));
    map_init(&v->transient, sizeof(struct state_slot_key), sizeof(struct u256));
    map_init(&v->codes, sizeof(struct hash256), sizeof(struct state_code));
    arena_init(&v->arena);
    state_view_reset(v, reader);
    *ret_view = v;
    return 0;
}

void state_view_free(struct state_view *v)
{
    if (!v)
        return;
    map_release(&v->accounts);
    map_release(&v->slots);
    map_release(&v->transient);
    map_release(&v->codes);
    mem_free(v->journal);
    mem_free(v->logs);
    arena_release(&v->arena);
    mem_free(v);
}

void state_empty_map(struct map *m)
{
    if (m->capacity > 64 * (m->count + 16))
        map_release(m);
    else
        map_clear(m);
}

void state_view_reset(struct state_view *v, const struct state_reader *reader)
{
    v->has_reader = reader != NULL;
    if (reader)
        v->reader = *reader;
    state_empty_map(&v->accounts);
    state_empty_map(&v->slots);
    state_empty_map(&v->transient);
    state_empty_map(&v->codes);
    v->transaction = 1;
    v->journal_count = 0;
    v->log_count = 0;
    v->touched_for_good = 0;
    v->last_index = NO_INDEX;
    arena_clear(&v->arena);
}

int state_view_find(struct state_view *v, uint32_t *ret_index, const struct address *address)
{
    if (v->last_index != NO_INDEX && address_equal(&v->last, address)) {
        *ret_index = v->last_index;
        return 0;
    }
    bool added;
    struct state_entry *a = map_put(&v->accounts, address, &added);
    if (!a)
        return ERR_NOMEM;
    if (added)
        state_account_init(&a->account);
    v->last = *address;
    v->last_index = (uint32_t)(((uint8_t *)a - v->accounts.value_offset - v->accounts.entries) /
                               v->accounts.stride);
    *ret_index = v->last_index;
    return 0;
}

static int load(struct state_view *v, struct state_entry *a, const struct address *address)
{
    if (v->has_reader) {
        struct state_account account;
        int err = state_reader_account(&v->reader, &account, &a->existed, address);
        if (err)
            return err;
        a->exists = a->existed;
        a->account = account;
        a->old_storage = account.storage;
        a->old_storage_id = account.storage_id;
    }
    a->loaded = true;
    return 0;
}

int state_view_get(struct state_view *v, uint32_t *ret_index, const struct address *address)
{
    int err = state_view_find(v, ret_index, address);
    if (err)
        return err;
    struct state_entry *a = state_entry_at(v, *ret_index);
    return a->loaded ? 0 : load(v, a, address);
}

uint8_t *state_view_marks(struct state_view *v, uint32_t account)
{
    struct state_entry *a = state_entry_at(v, account);
    if (a->transaction != v->transaction) {
        a->transaction = v->transaction;
        a->marks = 0;
    }
    return &a->marks;
}

void state_view_make(struct state_view *v, uint32_t account)
{
    struct state_entry *a = state_entry_at(v, account);
    if (a->exists)
        return;
    state_view_record(v, STATE_CHANGE_MADE, account);
    a->exists = true;
}

int state_view_account(struct state_view *v, const struct state_account **ret_account,
                       const struct address *address)
{
    uint32_t index;
    int err = state_view_get(v, &index, address);
    if (err)
        return err;
    const struct state_entry *a = state_entry_at(v, index);
    *ret_account = a->exists ? &a->account : NULL;
    return 0;
}

/* --- Code --- */

static int find_code(struct state_view *v, struct bytes *ret_code, const struct hash256 *hash)
{
    bool added;
    struct state_code *code = map_put(&v->codes, hash, &added);
    if (!code)
        return ERR_NOMEM;
    if (added) {
        int err = v->has_reader ? state_reader_code(&v->reader, &code->code, hash) : ERR_CORRUPT;
        if (err) {
            map_truncate(&v->codes, map_count(&v->codes) - 1);
            return err;
        }
    }
    *ret_code = code->code;
    return 0;
}

int state_view_code(struct state_view *v, struct bytes *ret_code, const struct address *address)
{
    uint32_t index;
    int err = state_view_get(v, &index, address);
    if (err)
        return err;
    struct state_entry *a = state_entry_at(v, index);
    if (!a->has_code) {
        struct bytes code = bytes_none();
        if (!hash256_equal(&a->account.code_hash, &crypto_keccak256_empty))
            err = find_code(v, &code, &a->account.code_hash);
        if (err)
            return err;
        a->code = code;
        a->has_code = true;
    }
    *ret_code = a->code;
    return 0;
}

static int keep_code(struct state_view *v, struct bytes *ret_code, const struct hash256 *hash,
                     struct bytes code)
{
    bool added;
    struct state_code *kept = map_put(&v->codes, hash, &added);
    if (!kept)
        return ERR_NOMEM;
    if (added) {
        struct bytes copy = arena_copy(&v->arena, code);
        if (!copy.data) {
            map_truncate(&v->codes, map_count(&v->codes) - 1);
            return ERR_NOMEM;
        }
        *kept = (struct state_code){.code = copy, .fresh = true};
    }
    *ret_code = kept->code;
    return 0;
}

/* What every change of an account begins with: the entry, made to exist, and the journal's record of
 * `kind`, in which the caller puts the old value. On failure nothing has changed. */
static int begin_change(struct state_view *v, struct state_entry **ret_entry,
                        struct state_change **ret_change, enum state_change_kind kind,
                        const struct address *address)
{
    uint32_t index;
    int err = state_view_get(v, &index, address);
    if (!err)
        err = state_view_reserve(v, 2);
    if (err)
        return err;
    state_view_make(v, index);
    *ret_entry = state_entry_at(v, index);
    *ret_change = state_view_record(v, kind, index);
    return 0;
}

int state_view_set_code(struct state_view *v, const struct address *address, struct bytes code)
{
    struct bytes kept = bytes_none();
    struct hash256 hash;
    struct state_entry *a;
    struct state_change *change;
    crypto_keccak256(&hash, code);
    int err = code.len ? keep_code(v, &kept, &hash, code) : 0;
    if (!err)
        err = begin_change(v, &a, &change, STATE_CHANGE_CODE, address);
    if (err)
        return err;
    change->old.hash = a->account.code_hash;
    a->account.code_hash = hash;
    a->code = kept;
    a->has_code = true;
    return 0;
}

/* --- Balance, nonce, touch --- */

int state_view_set_balance(struct state_view *v, const struct address *address,
                           const struct u256 *balance)
{
    struct state_entry *a;
    struct state_change *change;
    int err = begin_change(v, &a, &change, STATE_CHANGE_BALANCE, address);
    if (err)
        return err;
    change->old.value = a->account.balance;
    a->account.balance = *balance;
    return 0;
}

static struct u256 balance_of(const struct state_account *account)
{
    return account ? account->balance : u256_from(0);
}

int state_view_add_balance(struct state_view *v, const struct address *address,
                           const struct u256 *amount)
{
    const struct state_account *account;
    int err = state_view_account(v, &account, address);
    if (err)
        return err;
    struct u256 balance = balance_of(account);
    u256_add(&balance, &balance, amount);
    return state_view_set_balance(v, address, &balance);
}

int state_view_sub_balance(struct state_view *v, const struct address *address,
                           const struct u256 *amount)
{
    const struct state_account *account;
    int err = state_view_account(v, &account, address);
    if (err || u256_is_zero(amount))
        return err;
    struct u256 balance = balance_of(account);
    bool enough = u256_sub_checked(&balance, &balance, amount);
    assert(enough);
    (void)enough;
    return state_view_set_balance(v, address, &balance);
}

int state_view_set_nonce(struct state_view *v, const struct address *address, uint64_t nonce)
{
    struct state_entry *a;
    struct state_change *change;
    int err = begin_change(v, &a, &change, STATE_CHANGE_NONCE, address);
    if (err)
        return err;
    change->old.number = a->account.nonce;
    a->account.nonce = nonce;
    return 0;
}

int state_view_touch(struct state_view *v, const struct address *address, bool for_good)
{
    struct state_entry *a;
    struct state_change *change;
    int err = begin_change(v, &a, &change, STATE_CHANGE_TOUCH, address);
    if (err)
        return err;
    if (for_good)
        v->touched_for_good = change->index + 1;
    return 0;
}

int state_view_revive(struct state_view *v, bool *ret_revived, const struct address *address)
{
    uint32_t index;
    int err = state_view_get(v, &index, address);
    if (!err)
        err = state_view_reserve(v, 1);
    if (err)
        return err;
    struct state_entry *a = state_entry_at(v, index);
    *ret_revived = !a->exists && a->settled_gone;
    if (*ret_revived) {
        state_view_record(v, STATE_CHANGE_REVIVED, index);
        a->exists = true;
    }
    return 0;
}

/* --- Marks --- */

static int add_mark(struct state_view *v, bool *ret_first, const struct address *address,
                    uint8_t mark)
{
    uint32_t index;
    int err = state_view_find(v, &index, address);
    if (!err)
        err = state_view_reserve(v, 1);
    if (err)
        return err;
    uint8_t *marks = state_view_marks(v, index);
    bool first = !(*marks & mark);
    if (first) {
        struct state_change *change = state_view_record(v, STATE_CHANGE_MARKS, index);
        change->old.number = *marks;
        *marks |= mark;
    }
    *ret_first = first;
    return 0;
}

int state_view_access_account(struct state_view *v, bool *ret_cold, const struct address *address)
{
    return add_mark(v, ret_cold, address, STATE_WARM);
}

int state_view_mark_created(struct state_view *v, const struct address *address)
{
    bool first;
    return add_mark(v, &first, address, STATE_CREATED);
}

int state_view_is_created(struct state_view *v, bool *ret_created, const struct address *address)
{
    uint32_t index;
    int err = state_view_find(v, &index, address);
    if (!err)
        *ret_created = *state_view_marks(v, index) & STATE_CREATED;
    return err;
}

int state_view_mark_destructed(struct state_view *v, bool *ret_first, const struct address *address)
{
    int err = state_view_reserve(v, 3);
    if (!err)
        err = state_view_touch(v, address, false);
    return err ? err : add_mark(v, ret_first, address, STATE_DESTRUCTED);
}
