#include "state/test/twin.h"

#include "crypto/keccak.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

struct address twin_address(unsigned account)
{
    struct address a = {{[19] = (uint8_t)(account + 1)}};
    if (account > 3)
        a.b[0] = (uint8_t)(0x11 * account);
    return a;
}

struct u256 twin_slot_number(unsigned slot)
{
    return (struct u256){{slot, 0, 0, slot == 3 ? UINT64_MAX : 0}};
}

struct bytes twin_code(unsigned code)
{
    static const char *const codes[TWIN_CODES] = {"", "\x60\x01", "a longer code of some bytes"};
    return bytes_str(codes[code]);
}

uint64_t twin_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state >> 11;
}

static bool is_empty(const struct twin_account *a)
{
    return a->nonce == 0 && u256_is_zero(&a->balance) && a->code == 0;
}

static void touch(struct twin_account *a)
{
    a->exists = a->touched = true;
}

/* --- Steps --- */

struct step {
    struct twin_account *account;
    struct twin_slot *slot_at;
    struct state_view *view;
    struct address address;
    struct u256 slot, amount;
    unsigned code;
    bool mark; /* ask for cold */
    bool *for_good;
};

static int do_balance(struct step *s)
{
    int err = state_view_set_balance(s->view, &s->address, &s->amount);
    if (err)
        return err;
    touch(s->account);
    s->account->balance = s->amount;
    return 0;
}

static int do_add(struct step *s)
{
    int err = state_view_add_balance(s->view, &s->address, &s->amount);
    if (err)
        return err;
    touch(s->account);
    u256_add(&s->account->balance, &s->account->balance, &s->amount);
    return 0;
}

static int do_sub(struct step *s)
{
    if (u256_less(&s->account->balance, &s->amount))
        s->amount = s->account->balance;
    int err = state_view_sub_balance(s->view, &s->address, &s->amount);
    if (err || u256_is_zero(&s->amount))
        return err;
    touch(s->account);
    u256_sub(&s->account->balance, &s->account->balance, &s->amount);
    return 0;
}

static int do_nonce(struct step *s)
{
    int err = state_view_set_nonce(s->view, &s->address, s->amount.w[0]);
    if (err)
        return err;
    touch(s->account);
    s->account->nonce = s->amount.w[0];
    return 0;
}

static int do_code(struct step *s)
{
    int err = state_view_set_code(s->view, &s->address, twin_code(s->code));
    if (err)
        return err;
    touch(s->account);
    s->account->code = s->code;
    return 0;
}

static int do_touch(struct step *s)
{
    struct address ripemd = twin_address(2);
    bool for_good = address_equal(&s->address, &ripemd);
    int err = state_view_touch(s->view, &s->address, for_good);
    if (err)
        return err;
    touch(s->account);
    *s->for_good |= for_good;
    return 0;
}

static int do_created(struct step *s)
{
    int err = state_view_mark_created(s->view, &s->address);
    if (!err)
        s->account->created = true;
    return err;
}

static int do_destructed(struct step *s)
{
    bool first;
    int err = state_view_mark_destructed(s->view, &first, &s->address);
    if (err)
        return err;
    assert_int_equal(first, !s->account->destructed);
    touch(s->account);
    s->account->destructed = true;
    return 0;
}

static int do_load(struct step *s)
{
    struct u256 value;
    bool cold;
    int err = state_view_load(s->view, &value, s->mark ? &cold : NULL, &s->address, &s->slot);
    if (err)
        return err;
    assert_true(u256_equal(&value, &s->slot_at->value));
    if (s->mark)
        assert_int_equal(cold, !s->slot_at->warm);
    s->slot_at->warm |= s->mark;
    return 0;
}

static int do_store(struct step *s)
{
    struct u256 original, current;
    bool cold;
    int err = state_view_store(s->view, &original, &current, s->mark ? &cold : NULL, &s->address,
                               &s->slot, &s->amount);
    if (err)
        return err;
    assert_true(u256_equal(&original, &s->slot_at->original));
    assert_true(u256_equal(&current, &s->slot_at->value));
    if (s->mark)
        assert_int_equal(cold, !s->slot_at->warm);
    s->slot_at->warm |= s->mark;
    if (!u256_equal(&current, &s->amount))
        touch(s->account);
    s->slot_at->value = s->amount;
    return 0;
}

static int do_transient(struct step *s)
{
    int err = state_view_store_transient(s->view, &s->address, &s->slot, &s->amount);
    if (!err)
        s->slot_at->transient = s->amount;
    return err;
}

static int do_access(struct step *s)
{
    bool cold;
    int err = s->mark ? state_view_access_account(s->view, &cold, &s->address)
                      : state_view_access_slot(s->view, &cold, &s->address, &s->slot);
    if (err)
        return err;
    bool *warm = s->mark ? &s->account->warm : &s->slot_at->warm;
    assert_int_equal(cold, !*warm);
    *warm = true;
    return 0;
}

int twin_step(struct twin *twin, struct state_view *view, bool *for_good, uint64_t *random)
{
    static int (*const steps[])(struct step *) = {
        do_balance, do_add,        do_sub,   do_nonce, do_code,  do_touch,     do_load,
        do_created, do_destructed, do_store, do_store, do_store, do_transient, do_access};
    unsigned account = (unsigned)(twin_random(random) % TWIN_ACCOUNTS);
    unsigned slot = (unsigned)(twin_random(random) % TWIN_SLOTS);
    uint64_t amount = twin_random(random) % 3;
    struct step s = {.account = &twin->accounts[account],
                     .slot_at = &twin->accounts[account].slots[slot],
                     .view = view,
                     .address = twin_address(account),
                     .slot = twin_slot_number(slot),
                     .amount = u256_from(amount == 2 ? twin_random(random) : amount),
                     .code = (unsigned)(twin_random(random) % TWIN_CODES),
                     .mark = twin_random(random) % 2,
                     .for_good = for_good};
    size_t which = twin_random(random) % (BASE_COUNT(steps) + 1);
    if (which < BASE_COUNT(steps))
        return steps[which](&s);
    struct hash256 topics[2] = {{{1}}, {{2}}};
    int err = state_view_add_log(view, &s.address, topics, 2, twin_code(s.code));
    if (!err)
        twin->log_count++;
    return err;
}

void twin_end_transaction(struct twin *twin, const bool *for_good, bool delete_empty)
{
    for (unsigned i = 0; i < TWIN_ACCOUNTS; i++) {
        struct twin_account *a = &twin->accounts[i];
        bool touched = a->touched || (i == 2 && *for_good);
        bool empty = delete_empty && is_empty(a);
        if (a->exists && touched && (a->destructed || empty))
            *a = (struct twin_account){0};
        a->touched = a->warm = a->created = a->destructed = false;
        for (unsigned k = 0; k < TWIN_SLOTS; k++) {
            a->slots[k].original = a->slots[k].value;
            a->slots[k].transient = u256_from(0);
            a->slots[k].warm = false;
        }
    }
    twin->log_count = 0;
}

/* --- Comparing --- */

static void compare_account(const struct twin_account *a, const struct state_account *account,
                            struct bytes code)
{
    assert_int_equal(a->exists, account != NULL);
    assert_true(bytes_equal(code, twin_code(a->code)));
    if (!account)
        return;
    assert_int_equal(a->nonce, account->nonce);
    assert_true(u256_equal(&a->balance, &account->balance));
    struct hash256 hash;
    crypto_keccak256(&hash, code);
    assert_true(hash256_equal(&hash, &account->code_hash));
}

static void compare_slots(const struct twin_account *a, struct state_view *view,
                          const struct address *address)
{
    for (unsigned k = 0; k < TWIN_SLOTS; k++) {
        struct u256 slot = twin_slot_number(k), value, transient;
        assert_int_equal(state_view_load(view, &value, NULL, address, &slot), 0);
        assert_int_equal(state_view_load_transient(view, &transient, address, &slot), 0);
        assert_true(u256_equal(&value, &a->slots[k].value));
        assert_true(u256_equal(&transient, &a->slots[k].transient));
    }
}

static void compare_marks(const struct twin_account *a, struct state_view *view,
                          const struct address *address)
{
    bool flag;
    assert_int_equal(state_view_is_created(view, &flag, address), 0);
    assert_int_equal(flag, a->created);
    assert_int_equal(state_view_access_account(view, &flag, address), 0);
    assert_int_equal(flag, !a->warm);
    for (unsigned k = 0; k < TWIN_SLOTS; k++) {
        struct u256 slot = twin_slot_number(k);
        assert_int_equal(state_view_access_slot(view, &flag, address, &slot), 0);
        assert_int_equal(flag, !a->slots[k].warm);
    }
}

void twin_compare(const struct twin *twin, struct state_view *view)
{
    size_t logs, checkpoint = state_view_checkpoint(view);
    for (unsigned i = 0; i < TWIN_ACCOUNTS; i++) {
        const struct twin_account *a = &twin->accounts[i];
        struct address address = twin_address(i);
        struct bytes code;
        const struct state_account *account;
        assert_int_equal(state_view_code(view, &code, &address), 0);
        assert_int_equal(state_view_account(view, &account, &address), 0);
        compare_account(a, account, code);
        compare_slots(a, view, &address);
        compare_marks(a, view, &address);
    }
    state_view_logs(view, &logs);
    assert_int_equal(logs, twin->log_count);
    state_view_rollback(view, checkpoint);
}

void twin_fill(const struct twin *twin, struct state_view *view)
{
    for (unsigned i = 0; i < TWIN_ACCOUNTS; i++) {
        const struct twin_account *a = &twin->accounts[i];
        struct address address = twin_address(i);
        if (!a->exists)
            continue;
        assert_int_equal(state_view_set_balance(view, &address, &a->balance), 0);
        assert_int_equal(state_view_set_nonce(view, &address, a->nonce), 0);
        assert_int_equal(state_view_set_code(view, &address, twin_code(a->code)), 0);
        for (unsigned k = 0; k < TWIN_SLOTS; k++) {
            struct u256 slot = twin_slot_number(k);
            assert_int_equal(
                state_view_store(view, NULL, NULL, NULL, &address, &slot, &a->slots[k].value), 0);
        }
    }
    state_view_end_transaction(view, false);
}

struct hash256 twin_root(const struct twin *twin)
{
    struct state_view *view;
    struct hash256 root;
    assert_int_equal(state_view_new(&view, NULL), 0);
    twin_fill(twin, view);
    assert_int_equal(state_root(view, &root, NULL), 0);
    state_view_free(view);
    return root;
}

void twin_compare_reader(const struct twin *twin, const struct state_reader *reader)
{
    for (unsigned i = 0; i < TWIN_ACCOUNTS; i++) {
        const struct twin_account *a = &twin->accounts[i];
        struct address address = twin_address(i);
        struct state_account account;
        struct bytes code;
        bool exists;
        assert_int_equal(state_reader_account(reader, &account, &exists, &address), 0);
        assert_int_equal(state_reader_code(reader, &code, &account.code_hash), 0);
        compare_account(a, exists ? &account : NULL, code);
        for (unsigned k = 0; k < TWIN_SLOTS; k++) {
            struct u256 slot = twin_slot_number(k), value;
            assert_int_equal(state_reader_slot(reader, &value, &account, &slot), 0);
            assert_true(u256_equal(&value, &a->slots[k].value));
        }
    }
}
