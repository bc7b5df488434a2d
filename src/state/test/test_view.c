/* The view against its twin, and what a transaction leaves behind. */
#include "base/mem.h"
#include "crypto/keccak.h"
#include "state/test/twin.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static struct state_view *new_view(void)
{
    struct state_view *view;
    assert_int_equal(state_view_new(&view, NULL), 0);
    return view;
}

/* --- Random journeys --- */

struct journey {
    struct twin now, saved[TWIN_DEPTH];
    size_t checkpoints[TWIN_DEPTH];
    size_t depth;
    bool for_good;
    struct state_view *view;
    uint64_t random;
};

static void checkpoint(struct journey *j)
{
    j->saved[j->depth] = j->now;
    j->checkpoints[j->depth++] = state_view_checkpoint(j->view);
}

static void rollback(struct journey *j)
{
    j->depth = twin_random(&j->random) % j->depth;
    j->now = j->saved[j->depth];
    state_view_rollback(j->view, j->checkpoints[j->depth]);
    if (j->checkpoints[j->depth] == 0)
        j->for_good = false;
}

static void end_transaction(struct journey *j)
{
    bool delete_empty = twin_random(&j->random) % 2;
    twin_end_transaction(&j->now, &j->for_good, delete_empty);
    state_view_end_transaction(j->view, delete_empty);
    j->depth = 0;
    j->for_good = false;
}

static void travel(struct journey *j, int steps)
{
    for (int i = 0; i < steps; i++) {
        uint64_t dice = twin_random(&j->random) % 20;
        if (dice == 0 && j->depth < TWIN_DEPTH)
            checkpoint(j);
        else if (dice == 1 && j->depth)
            rollback(j);
        else if (dice == 2 && twin_random(&j->random) % 4 == 0)
            end_transaction(j);
        else
            assert_int_equal(twin_step(&j->now, j->view, &j->for_good, &j->random), 0);
        if (i % 7 == 0 && state_view_checkpoint(j->view))
            twin_compare(&j->now, j->view);
    }
    end_transaction(j);
    twin_compare(&j->now, j->view);
}

static void test_journeys(void **unused)
{
    (void)unused;
    struct state_view *view = new_view();
    for (uint64_t seed = 1; seed <= 400; seed++) {
        struct journey j = {.view = view, .random = seed * 0x9e3779b97f4a7c15u};
        state_view_reset(view, NULL);
        travel(&j, 300);
    }
    state_view_free(view);
}

/* Every allocation of a journey fails once; the view must be able to go on from the last
 * checkpoint. */
static void test_journeys_out_of_memory(void **unused)
{
    (void)unused;
    bool failed = true;
    for (size_t n = 1; failed; n++) {
        struct journey j = {.view = new_view(), .random = 0x1234567u};
        failed = false;
        for (int i = 0; i < 120; i++) {
            struct twin before = j.now;
            uint64_t random = j.random;
            if (i == 30)
                mem_fail_at(n, 1);
            int err = twin_step(&j.now, j.view, &j.for_good, &j.random);
            if (err) {
                mem_fail_at(0, 0);
                failed = true;
                assert_int_equal(err, ERR_NOMEM);
                j.now = before;
                j.random = random;
                assert_int_equal(twin_step(&j.now, j.view, &j.for_good, &j.random), 0);
            }
        }
        mem_fail_at(0, 0);
        twin_compare(&j.now, j.view);
        end_transaction(&j);
        twin_compare(&j.now, j.view);
        state_view_free(j.view);
    }
}

static void test_new_out_of_memory(void **unused)
{
    (void)unused;
    struct state_view *view = NULL;
    mem_fail_at(1, 1);
    assert_int_equal(state_view_new(&view, NULL), ERR_NOMEM);
    assert_null(view);
    state_view_free(NULL);
}

/* --- Single rules --- */

static const struct address somebody = {{1, 2, 3}};
static const struct address ripemd = {{[19] = 3}};

static bool exists(struct state_view *view, const struct address *address)
{
    const struct state_account *account;
    assert_int_equal(state_view_account(view, &account, address), 0);
    return account != NULL;
}

static void test_touched_for_good(void **unused)
{
    (void)unused;
    struct state_view *view = new_view();
    const struct u256 zero = u256_from(0);
    assert_int_equal(state_view_set_balance(view, &ripemd, &zero), 0);
    assert_int_equal(state_view_set_balance(view, &somebody, &zero), 0);
    state_view_end_transaction(view, false);
    assert_true(exists(view, &ripemd) && exists(view, &somebody));

    assert_int_equal(state_view_set_nonce(view, &(struct address){{9}}, 1), 0);
    size_t checkpoint = state_view_checkpoint(view);
    assert_int_equal(state_view_touch(view, &ripemd, true), 0);
    assert_int_equal(state_view_touch(view, &somebody, false), 0);
    state_view_rollback(view, checkpoint);
    state_view_end_transaction(view, true);
    assert_false(exists(view, &ripemd));
    assert_true(exists(view, &somebody));

    /* Not beyond its transaction. */
    assert_int_equal(state_view_set_balance(view, &ripemd, &zero), 0);
    state_view_end_transaction(view, false);
    state_view_end_transaction(view, true);
    assert_true(exists(view, &ripemd));
    state_view_free(view);
}

static void test_has_storage(void **unused)
{
    (void)unused;
    struct state_view *view = new_view();
    const struct u256 zero = u256_from(0), one = u256_from(1);
    bool has, first;
    assert_int_equal(state_view_has_storage(view, &has, &somebody), 0);
    assert_false(has);
    assert_int_equal(state_view_store(view, NULL, NULL, NULL, &somebody, &one, &one), 0);
    size_t checkpoint = state_view_checkpoint(view);
    assert_int_equal(state_view_store(view, NULL, NULL, NULL, &somebody, &one, &zero), 0);
    assert_int_equal(state_view_has_storage(view, &has, &somebody), 0);
    assert_false(has);
    state_view_rollback(view, checkpoint);
    assert_int_equal(state_view_has_storage(view, &has, &somebody), 0);
    assert_true(has);
    assert_int_equal(state_view_mark_destructed(view, &first, &somebody), 0);
    state_view_end_transaction(view, false);
    assert_int_equal(state_view_has_storage(view, &has, &somebody), 0);
    assert_false(has);
    state_view_free(view);
}

static void test_logs(void **unused)
{
    (void)unused;
    struct state_view *view = new_view();
    struct hash256 topics[4] = {{{1}}, {{2}}, {{3}}, {{4}}};
    size_t count;
    for (size_t i = 0; i < 40; i++)
        assert_int_equal(
            state_view_add_log(view, &somebody, topics, i % 5, bytes_of("0123456789", i % 10)), 0);
    const struct eth_log *logs = state_view_logs(view, &count);
    assert_int_equal(count, 40);
    for (size_t i = 0; i < 40; i++) {
        assert_int_equal(logs[i].topic_count, i % 5);
        assert_true(bytes_equal(logs[i].data, bytes_of("0123456789", i % 10)));
        assert_memory_equal(logs[i].topics ? logs[i].topics : topics, topics,
                            i % 5 * sizeof(*topics));
        assert_true(address_equal(&logs[i].address, &somebody));
    }
    state_view_end_transaction(view, true);
    state_view_logs(view, &count);
    assert_int_equal(count, 0);
    state_view_free(view);
}

static void test_dump(void **unused)
{
    (void)unused;
    struct journey j = {.view = new_view(), .random = 77};
    struct state_dump_account *accounts;
    struct arena arena;
    size_t count, expected = 0;
    arena_init(&arena);
    travel(&j, 200);
    assert_int_equal(state_view_dump(j.view, &accounts, &count, &arena), 0);
    for (unsigned i = 0; i < TWIN_ACCOUNTS; i++)
        expected += j.now.accounts[i].exists;
    assert_int_equal(count, expected);
    for (size_t i = 0; i < count; i++) {
        if (i)
            assert_true(memcmp(&accounts[i - 1].address, &accounts[i].address, 20) < 0);
        unsigned k = 0;
        struct address address = twin_address(k);
        while (!address_equal(&address, &accounts[i].address))
            address = twin_address(++k);
        const struct twin_account *a = &j.now.accounts[k];
        size_t slots = 0;
        for (unsigned s = 0; s < TWIN_SLOTS; s++) /* their numbers ascend */
            if (!u256_is_zero(&a->slots[s].value)) {
                struct u256 number = twin_slot_number(s);
                assert_true(u256_equal(&accounts[i].slots[slots].slot, &number));
                assert_true(u256_equal(&accounts[i].slots[slots].value, &a->slots[s].value));
                slots++;
            }
        assert_int_equal(accounts[i].slot_count, slots);
        assert_true(bytes_equal(accounts[i].code, twin_code(a->code)));
        assert_int_equal(accounts[i].account.nonce, a->nonce);
    }
    arena_release(&arena);
    state_view_free(j.view);
}

/* --- Encodings --- */

static void test_account_encoding(void **unused)
{
    (void)unused;
    struct state_account account, decoded;
    state_account_init(&account);
    assert_true(state_account_is_empty(&account));
    account.nonce = UINT64_MAX;
    account.balance = (struct u256){{1, 2, 3, UINT64_MAX}};
    assert_false(state_account_is_empty(&account));
    uint8_t rlp[STATE_ACCOUNT_RLP_MAX];
    size_t size = state_account_encode(rlp, &account);
    assert_int_equal(size, STATE_ACCOUNT_RLP_MAX);
    assert_int_equal(state_account_decode(&decoded, bytes_of(rlp, size)), 0);
    assert_int_equal(decoded.nonce, account.nonce);
    assert_true(u256_equal(&decoded.balance, &account.balance));
    assert_true(hash256_equal(&decoded.code_hash, &account.code_hash));
    assert_true(hash256_equal(&decoded.storage.hash, &account.storage.hash));
    for (size_t i = 0; i < size; i++)
        assert_int_equal(state_account_decode(&decoded, bytes_of(rlp, i)), ERR_CORRUPT);
    struct u256 value = u256_from(0x80), read;
    uint8_t slot[STATE_SLOT_RLP_MAX];
    assert_int_equal(state_slot_encode(slot, &value), 2);
    assert_int_equal(state_slot_decode(&read, bytes_of(slot, 2)), 0);
    assert_true(u256_equal(&read, &value));
    assert_int_equal(state_slot_decode(&read, bytes_of(slot, 1)), ERR_CORRUPT);
}

/* The state of a new main network has known values; these are small enough to know otherwise: no
 * account, and the one of EIP-161's empty account. */
static void test_known_roots(void **unused)
{
    (void)unused;
    struct state_view *view = new_view();
    struct hash256 root;
    assert_int_equal(state_root(view, &root, NULL), 0);
    assert_true(hash256_equal(&root, &trie_empty_hash));

    const struct u256 zero = u256_from(0);
    assert_int_equal(state_view_set_balance(view, &somebody, &zero), 0);
    state_view_end_transaction(view, false);
    assert_int_equal(state_root(view, &root, NULL), 0);
    struct state_account account;
    state_account_init(&account);
    uint8_t rlp[STATE_ACCOUNT_RLP_MAX];
    struct hash256 key, expected;
    crypto_keccak256(&key, bytes_of(&somebody, sizeof(somebody)));
    struct trie_pair pair = {bytes_of(&key, sizeof(key)),
                             bytes_of(rlp, state_account_encode(rlp, &account))};
    assert_int_equal(trie_root_of_pairs(&expected, &pair, 1), 0);
    assert_true(hash256_equal(&root, &expected));
    state_view_end_transaction(view, true); /* not touched again: it stays */
    assert_true(exists(view, &somebody));
    state_view_free(view);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_journeys),
        cmocka_unit_test(test_journeys_out_of_memory),
        cmocka_unit_test(test_new_out_of_memory),
        cmocka_unit_test(test_touched_for_good),
        cmocka_unit_test(test_has_storage),
        cmocka_unit_test(test_logs),
        cmocka_unit_test(test_dump),
        cmocka_unit_test(test_account_encoding),
        cmocka_unit_test(test_known_roots),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
