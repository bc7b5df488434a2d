/* The journal: what was there before each change of the running transaction. */
#include "base/mem.h"
#include "state/view_priv.h"

#include <string.h>

int state_view_reserve(struct state_view *v, size_t count)
{
    return MEM_RESERVE(v->journal, v->journal_capacity, v->journal_count + count, 64);
}

struct state_change *state_view_record(struct state_view *v, enum state_change_kind kind,
                                       size_t index)
{
    assert(v->journal_count < v->journal_capacity);
    struct state_change *change = &v->journal[v->journal_count++];
    change->kind = kind;
    change->index = (uint32_t)index;
    return change;
}

size_t state_view_checkpoint(const struct state_view *v)
{
    return v->journal_count;
}

static void undo_slot(struct state_view *v, const struct state_change *change)
{
    struct state_slot *s = state_slot_at(v, change->index);
    struct state_entry *a = state_entry_at(v, state_slot_key_at(v, change->index)->account);
    a->slots_set -= !u256_is_zero(&s->current);
    a->slots_set += !u256_is_zero(&change->old.value);
    s->current = change->old.value;
}

static void undo_account(struct state_view *v, const struct state_change *change)
{
    struct state_entry *a = state_entry_at(v, change->index);
    switch ((enum state_change_kind)change->kind) {
    case STATE_CHANGE_MADE:
    case STATE_CHANGE_REVIVED:
        a->exists = false;
        break;
    case STATE_CHANGE_BALANCE:
        a->account.balance = change->old.value;
        break;
    case STATE_CHANGE_NONCE:
        a->account.nonce = change->old.number;
        break;
    case STATE_CHANGE_CODE:
        a->account.code_hash = change->old.hash;
        a->has_code = false;
        break;
    case STATE_CHANGE_MARKS:
        a->marks = (uint8_t)change->old.number;
        break;
    case STATE_CHANGE_TOUCH:
    case STATE_CHANGE_SLOT:
    case STATE_CHANGE_SLOT_WARM:
    case STATE_CHANGE_TRANSIENT:
    case STATE_CHANGE_LOG:
        break;
    }
}

static void undo(struct state_view *v, const struct state_change *change)
{
    switch ((enum state_change_kind)change->kind) {
    case STATE_CHANGE_SLOT:
        undo_slot(v, change);
        break;
    case STATE_CHANGE_SLOT_WARM:
        state_slot_at(v, change->index)->warm = false;
        break;
    case STATE_CHANGE_TRANSIENT:
        *(struct u256 *)map_value_at(&v->transient, change->index) = change->old.value;
        break;
    case STATE_CHANGE_LOG:
        v->log_count--;
        break;
    case STATE_CHANGE_MADE:
    case STATE_CHANGE_REVIVED:
    case STATE_CHANGE_BALANCE:
    case STATE_CHANGE_NONCE:
    case STATE_CHANGE_CODE:
    case STATE_CHANGE_TOUCH:
    case STATE_CHANGE_MARKS:
        undo_account(v, change);
        break;
    }
}

void state_view_rollback(struct state_view *v, size_t checkpoint)
{
    assert(checkpoint <= v->journal_count);
    while (v->journal_count > checkpoint)
        undo(v, &v->journal[--v->journal_count]);
    if (checkpoint == 0)
        v->touched_for_good = 0;
}

/* --- End of a transaction --- */

static void delete_account(struct state_entry *a)
{
    state_account_init(&a->account);
    a->exists = false;
    a->settled_gone = true;
    a->has_code = false;
    a->generation++;
    a->slots_set = 0;
}

static void settle(struct state_view *v, uint32_t index, bool delete_empty)
{
    uint8_t *marks = state_view_marks(v, index);
    if (*marks & STATE_SETTLED)
        return;
    *marks |= STATE_SETTLED;
    struct state_entry *a = state_entry_at(v, index);
    a->changed = true;
    bool destructed = *marks & STATE_DESTRUCTED;
    if (a->exists && (destructed || (delete_empty && state_account_is_empty(&a->account))))
        delete_account(a);
}

/* Whether the change touches its account: all do but reads and what a transaction forgets. */
static bool touched_account(const struct state_view *v, const struct state_change *change,
                            uint32_t *ret_account)
{
    switch ((enum state_change_kind)change->kind) {
    case STATE_CHANGE_MADE:
    case STATE_CHANGE_BALANCE:
    case STATE_CHANGE_NONCE:
    case STATE_CHANGE_CODE:
    case STATE_CHANGE_TOUCH:
        *ret_account = change->index;
        return true;
    case STATE_CHANGE_SLOT:
        *ret_account = state_slot_key_at(v, change->index)->account;
        return true;
    case STATE_CHANGE_REVIVED:
    case STATE_CHANGE_MARKS:
    case STATE_CHANGE_SLOT_WARM:
    case STATE_CHANGE_TRANSIENT:
    case STATE_CHANGE_LOG:
        break;
    }
    return false;
}

void state_view_end_transaction(struct state_view *v, bool delete_empty)
{
    uint32_t account;
    for (size_t i = 0; i < v->journal_count; i++)
        if (touched_account(v, &v->journal[i], &account))
            settle(v, account, delete_empty);
    if (v->touched_for_good)
        settle(v, v->touched_for_good - 1, delete_empty);
    v->touched_for_good = 0;
    v->journal_count = 0;
    v->log_count = 0;
    v->transaction++;
    if (map_count(&v->transient))
        state_empty_map(&v->transient);
}
