/*
 * Random operations against a pool that does everything the slow way: one array an account, all
 * sums and all orders from scratch. Outcomes, contents, events, and the order for a block must be
 * the same.
 */
#include "chain/test/pool_support.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

enum { ACCOUNTS = 8, MOST = 256, BATCH = 12, ANY_ORDER = 1000 };

struct model_tx {
    struct chain_tx *tx;
    uint64_t sequence;
    bool announced;
    enum chain_pool_status *status;
};

struct model_account {
    struct model_tx txs[MOST];
    size_t count, pending;
    uint64_t nonce, balance;
    bool local, marked;
    uint64_t beat, waiting; /* place in the list of who waits, 0 = not in it */
};

struct model {
    struct chain_pool_options options;
    struct chain_pool_rules rules;
    uint64_t price_limit;
    struct model_account accounts[ACCOUNTS];
    uint64_t sequence, waiting, now;
    struct chain_tx *told[4096];
    size_t told_count;
};

static uint64_t random_state;

static uint64_t below(uint64_t n)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return (random_state >> 11) % n;
}

static uint64_t price_of(const struct model_tx *t)
{
    return t->tx->tx.max_fee.w[0];
}

static uint64_t cost_of(const struct chain_tx *tx)
{
    return tx->tx.value.w[0] + tx->tx.gas_limit * tx->tx.max_fee.w[0];
}

static size_t queued_of(const struct model_account *a)
{
    return a->count - a->pending;
}

static size_t sum(const struct model *m, bool pending)
{
    size_t total = 0;
    for (size_t i = 0; i < ACCOUNTS; i++)
        if (!m->accounts[i].local)
            total += pending ? m->accounts[i].pending : queued_of(&m->accounts[i]);
    return total;
}

static void place(struct model *m, struct model_account *a)
{
    bool waits = !a->local && queued_of(a) > 0;
    if (waits && !a->waiting) {
        a->waiting = ++m->waiting;
        a->beat = m->now;
    } else if (!waits) {
        a->waiting = 0;
    }
}

static void drop(struct model_account *a, size_t i)
{
    uint64_t place = a->txs[i].tx->tx.nonce - a->nonce;
    if (place < a->pending)
        a->pending = place;
    chain_tx_unref(a->txs[i].tx);
    memmove(&a->txs[i], &a->txs[i + 1], (a->count - i - 1) * sizeof(a->txs[0]));
    a->count--;
}

static void evict(struct model_account *a, size_t i)
{
    if (a->txs[i].status)
        *a->txs[i].status = CHAIN_POOL_FULL;
    drop(a, i);
}

static size_t cheapest(const struct model_account *a)
{
    size_t best = 0;
    for (size_t i = 1; i < a->count; i++)
        if (price_of(&a->txs[i]) <= price_of(&a->txs[best]))
            best = i;
    return best;
}

static bool loses_before(const struct model_account *a, const struct model_account *b)
{
    const struct model_tx *x = &a->txs[cheapest(a)], *y = &b->txs[cheapest(b)];
    if (price_of(x) != price_of(y))
        return price_of(x) < price_of(y);
    return a->count != b->count ? a->count > b->count : x->sequence > y->sequence;
}

static struct model_account *loser(struct model *m)
{
    struct model_account *worst = NULL;
    for (size_t i = 0; i < ACCOUNTS; i++) {
        struct model_account *a = &m->accounts[i];
        if (a->count && !a->local && (!worst || loses_before(a, worst)))
            worst = a;
    }
    return worst;
}

static bool prices_matter(const struct model *m)
{
    return !m->rules.is_quorum || m->rules.gas_price_enabled;
}

static size_t total(const struct model *m)
{
    size_t count = 0;
    for (size_t i = 0; i < ACCOUNTS; i++)
        count += m->accounts[i].count;
    return count;
}

static enum chain_pool_status admit(struct model *m, struct model_account *a, bool local,
                                    uint64_t price)
{
    while (total(m) >= m->options.max_transactions ||
           (!local &&
            sum(m, true) + sum(m, false) + 1 > m->options.global_slots + m->options.global_queue)) {
        struct model_account *worst = loser(m);
        if (!worst)
            return CHAIN_POOL_FULL;
        size_t victim = cheapest(worst);
        if (!local && price <= price_of(&worst->txs[victim])) {
            if (prices_matter(m))
                return CHAIN_POOL_UNDERPRICED;
            if (price != price_of(&worst->txs[victim]) || worst->count <= a->count + 1 ||
                worst->count <= m->options.account_slots)
                return CHAIN_POOL_FULL;
        }
        evict(worst, victim);
        place(m, worst);
    }
    return CHAIN_POOL_OK;
}

static size_t find(const struct model_account *a, uint64_t nonce)
{
    size_t i = 0;
    while (i < a->count && a->txs[i].tx->tx.nonce < nonce)
        i++;
    return i;
}

static bool is_known(const struct model *m, const struct chain_tx *tx)
{
    for (size_t i = 0; i < ACCOUNTS; i++)
        for (size_t k = 0; k < m->accounts[i].count; k++)
            if (hash256_equal(&m->accounts[i].txs[k].tx->hash, &tx->hash))
                return true;
    return false;
}

static enum chain_pool_status check(struct model *m, const struct chain_tx *tx, bool local,
                                    const struct model_account *a)
{
    if (tx->tx.gas_limit > m->rules.gas_limit)
        return CHAIN_POOL_GAS_LIMIT;
    if (!prices_matter(m) && tx->tx.max_fee.w[0])
        return CHAIN_POOL_GAS_PRICE;
    if (prices_matter(m) && !local && tx->tx.max_fee.w[0] < m->price_limit)
        return CHAIN_POOL_UNDERPRICED;
    if (tx->tx.nonce < a->nonce)
        return CHAIN_POOL_NONCE_TOO_LOW;
    if (a->balance < cost_of(tx))
        return CHAIN_POOL_INSUFFICIENT_FUNDS;
    return tx->tx.gas_limit < 21000 ? CHAIN_POOL_INTRINSIC_GAS : CHAIN_POOL_OK;
}

static enum chain_pool_status model_add(struct model *m, struct chain_tx *tx, bool local,
                                        enum chain_pool_status *slot)
{
    struct model_account *a = &m->accounts[pool_test_account(&tx->tx.sender)];
    bool exempt = local || a->local;
    if (is_known(m, tx))
        return CHAIN_POOL_ALREADY_KNOWN;
    enum chain_pool_status status = check(m, tx, exempt, a);
    if (status != CHAIN_POOL_OK)
        return status;
    uint64_t sequence = m->sequence++, price = tx->tx.max_fee.w[0];
    size_t at = find(a, tx->tx.nonce);
    bool replaces = at < a->count && a->txs[at].tx->tx.nonce == tx->tx.nonce;
    if (replaces) {
        uint64_t old = price_of(&a->txs[at]);
        if (price <= old || price < old * 110 / 100)
            return CHAIN_POOL_REPLACE_UNDERPRICED;
        chain_tx_unref(a->txs[at].tx);
    } else {
        if ((status = admit(m, a, exempt, price)) != CHAIN_POOL_OK)
            return status;
        at = find(a, tx->tx.nonce);
        assert_in_range(a->count, 0, MOST - 2);
        memmove(&a->txs[at + 1], &a->txs[at], (a->count - at) * sizeof(a->txs[0]));
        a->count++;
    }
    a->txs[at] = (struct model_tx){chain_tx_ref(tx), sequence, false, slot};
    a->marked = true;
    place(m, a);
    a->local |= local;
    place(m, a);
    if (replaces && at < a->pending) {
        a->txs[at].announced = true;
        m->told[m->told_count++] = chain_tx_ref(tx);
    }
    return CHAIN_POOL_OK;
}

static void settle(struct model *m)
{
    for (size_t i = 0; i < ACCOUNTS; i++) {
        struct model_account *a = &m->accounts[i];
        size_t before = a->pending;
        if (!a->marked)
            continue;
        while (a->pending < a->count && a->txs[a->pending].tx->tx.nonce == a->nonce + a->pending)
            a->pending++;
        if (a->pending > before) {
            a->beat = m->now;
            a->waiting = 0;
        }
        while (!a->local && queued_of(a) > m->options.account_queue)
            evict(a, a->count - 1);
    }
}

/* Marked accounts are settled in the order in which they were marked; so are their places among
 * those who wait. */
static void settle_order(struct model *m, const size_t *order, size_t count)
{
    settle(m);
    for (size_t i = 0; i < count; i++)
        place(m, &m->accounts[order[i]]);
    while (sum(m, true) > m->options.global_slots) {
        struct model_account *most = NULL;
        for (size_t i = 0; i < ACCOUNTS; i++) {
            struct model_account *a = &m->accounts[i];
            if (a->local || a->pending <= m->options.account_slots)
                continue;
            if (!most || a->pending > most->pending ||
                (a->pending == most->pending &&
                 a->txs[a->count - 1].sequence > most->txs[most->count - 1].sequence))
                most = a;
        }
        if (!most)
            break;
        evict(most, most->pending - 1);
        place(m, most);
    }
    while (sum(m, false) > m->options.global_queue) {
        struct model_account *last = NULL;
        for (size_t i = 0; i < ACCOUNTS; i++)
            if (m->accounts[i].waiting > (last ? last->waiting : 0))
                last = &m->accounts[i];
        if (!last)
            break;
        evict(last, last->count - 1);
        place(m, last);
    }
    for (size_t i = 0; i < ACCOUNTS; i++) {
        struct model_account *a = &m->accounts[i];
        for (size_t k = 0; k < a->pending && a->marked; k++)
            if (!a->txs[k].announced) {
                a->txs[k].announced = true;
                m->told[m->told_count++] = chain_tx_ref(a->txs[k].tx);
            }
        for (size_t k = 0; k < a->count; k++)
            a->txs[k].status = NULL;
        a->marked = false;
    }
}

static void note(const struct model *m, size_t *order, size_t *count, size_t account)
{
    if (!m->accounts[account].marked)
        return;
    for (size_t i = 0; i < *count; i++)
        if (order[i] == account)
            return;
    order[(*count)++] = account;
}

static void model_update(struct model *m, size_t account, uint64_t nonce, uint64_t balance)
{
    struct model_account *a = &m->accounts[account];
    if (a->nonce == nonce && a->balance == balance)
        return;
    a->marked = a->count > 0;
    while (a->count && a->txs[0].tx->tx.nonce < nonce) {
        chain_tx_unref(a->txs[0].tx);
        memmove(&a->txs[0], &a->txs[1], --a->count * sizeof(a->txs[0]));
    }
    uint64_t end = a->nonce + a->pending;
    a->pending = nonce < a->nonce || end < nonce ? 0 : end - nonce;
    a->nonce = nonce;
    a->balance = balance;
    for (size_t i = 0; i < a->count;)
        if (cost_of(a->txs[i].tx) > balance)
            drop(a, i);
        else
            i++;
    place(m, a);
}

/* --- Comparison --- */

static bool compare_account(void *context, const struct address *sender,
                            struct chain_tx *const *txs, size_t count, size_t pending)
{
    struct model *m = context;
    struct model_account *a = &m->accounts[pool_test_account(sender)];
    assert_int_equal(count, a->count);
    assert_int_equal(pending, a->pending);
    for (size_t i = 0; i < count; i++)
        assert_ptr_equal(txs[i], a->txs[i].tx);
    return true;
}

static int by_pointer(const void *a, const void *b)
{
    const uintptr_t x = *(const uintptr_t *)a, y = *(const uintptr_t *)b;
    return (x > y) - (x < y);
}

static void compare_told(struct model *m, struct pool_world *world)
{
    assert_int_equal(world->told_count, m->told_count);
    qsort(world->told, world->told_count, sizeof(void *), by_pointer);
    qsort(m->told, m->told_count, sizeof(void *), by_pointer);
    for (size_t i = 0; i < m->told_count; i++) {
        assert_ptr_equal(world->told[i], m->told[i]);
        chain_tx_unref(m->told[i]);
    }
    m->told_count = 0;
    pool_world_forget(world);
}

/* The order for a block, by looking at all heads again and again. */
static void compare_take(const struct model *m, struct chain_pool *pool)
{
    size_t at[ACCOUNTS] = {0}, max = below(2) ? SIZE_MAX : below(20), taken = 0;
    struct chain_pool_batch batch;
    struct chain_tx *tx;
    assert_int_equal(chain_pool_take(pool, max, &batch), ERR_OK);
    while ((tx = chain_pool_batch_next(&batch))) {
        const struct model_tx *best = NULL;
        size_t who = 0;
        for (size_t i = 0; i < ACCOUNTS; i++) {
            const struct model_account *a = &m->accounts[i];
            const struct model_tx *t = &a->txs[at[i]];
            if (at[i] >= a->pending || price_of(t) < m->rules.base_fee.w[0])
                continue;
            if (best && a->local != m->accounts[who].local) {
                if (m->accounts[who].local)
                    continue;
            } else if (best && (price_of(t) < price_of(best) ||
                                (price_of(t) == price_of(best) && t->sequence > best->sequence))) {
                continue;
            }
            best = t;
            who = i;
        }
        assert_non_null(best);
        assert_ptr_equal(tx, best->tx);
        at[who]++;
        taken++;
    }
    for (size_t i = 0; i < ACCOUNTS && taken < max; i++) {
        const struct model_account *a = &m->accounts[i];
        assert_true(at[i] >= a->pending || price_of(&a->txs[at[i]]) < m->rules.base_fee.w[0]);
    }
    chain_pool_batch_release(&batch);
}

static void compare(struct model *m, struct chain_pool *pool, struct pool_world *world)
{
    struct chain_pool_stats stats;
    size_t count = 0, pending = 0, local = 0, accounts = 0;
    for (size_t i = 0; i < ACCOUNTS; i++) {
        const struct model_account *a = &m->accounts[i];
        count += a->count;
        pending += a->pending;
        local += a->local ? a->count : 0;
        accounts += a->count > 0;
        uint64_t nonce;
        struct address address = pool_test_address(i);
        assert_int_equal(chain_pool_nonce(pool, &address, &nonce), ERR_OK);
        assert_int_equal(nonce, a->nonce + a->pending);
        assert_int_equal(chain_pool_is_local(pool, &address), a->local);
    }
    chain_pool_stats(pool, &stats);
    assert_int_equal(stats.pending, pending);
    assert_int_equal(stats.queued, count - pending);
    assert_int_equal(stats.local, local);
    assert_int_equal(stats.accounts, accounts);
    assert_int_equal(chain_pool_visit(pool, compare_account, m), ERR_OK);
    compare_told(m, world);
    compare_take(m, pool);
}

/* --- Operations --- */

static void add_some(struct model *m, struct chain_pool *pool)
{
    struct chain_tx *txs[BATCH];
    enum chain_pool_status got[BATCH], expected[BATCH];
    size_t count = 1 + below(BATCH), order[ACCOUNTS], marked = 0;
    bool local = below(12) == 0;
    for (size_t i = 0; i < count; i++) {
        size_t account = below(ACCOUNTS);
        const struct model_account *a = &m->accounts[account];
        uint64_t nonce = a->nonce + below(a->count + 4);
        txs[i] = pool_test_make((struct pool_test_tx){
            .account = account,
            .nonce = below(20) == 0 && nonce > 2 ? nonce - 2 : nonce,
            .price = prices_matter(m) ? below(30) : below(40) == 0,
            .value = below(10) == 0 ? below(2000000) : 1 + below(3),
            .gas = below(30) == 0 ? 20000 : 21000 + below(3) * 40000,
        });
    }
    assert_int_equal(chain_pool_add(pool, txs, count, local, m->now, got), ERR_OK);
    for (size_t i = 0; i < count; i++) {
        expected[i] = model_add(m, txs[i], local, &expected[i]);
        note(m, order, &marked, pool_test_account(&txs[i]->tx.sender));
    }
    settle_order(m, order, marked);
    for (size_t i = 0; i < count; i++) {
        assert_string_equal(chain_pool_status_text(got[i]), chain_pool_status_text(expected[i]));
        chain_tx_unref(txs[i]);
    }
}

static void move_head(struct model *m, struct chain_pool *pool, struct pool_world *world)
{
    struct chain_pool_account changed[ACCOUNTS];
    struct chain_pool_head head = {.changed = changed};
    size_t order[ACCOUNTS], marked = 0;
    bool any_order = m->options.global_queue >= ANY_ORDER; /* in which accounts are gone through */
    if (any_order && below(4) == 0)
        m->rules.gas_limit = below(3) == 0 ? 50000 : 30000000;
    if (below(8) == 0)
        m->rules.base_fee = u256_from(prices_matter(m) ? below(25) : 0);
    head.rules = m->rules;
    head.forget = any_order && below(10) == 0;
    for (size_t i = 0; i < ACCOUNTS; i++) {
        struct model_account *a = &m->accounts[i];
        if (below(3))
            continue;
        world->nonces[i] = below(15) == 0 ? a->nonce / 2 : a->nonce + below(a->count + 2);
        if (below(3) == 0)
            world->balances[i] = below(4000000);
        changed[head.changed_count++] = (struct chain_pool_account){
            pool_test_address(i), world->nonces[i], u256_from(world->balances[i])};
    }
    assert_int_equal(chain_pool_head(pool, &head, m->now), ERR_OK);
    for (size_t i = 0; i < ACCOUNTS; i++)
        model_update(m, i, world->nonces[i], world->balances[i]);
    for (size_t i = 0; i < ACCOUNTS; i++)
        for (size_t k = m->accounts[i].count; k-- > 0;)
            if (m->accounts[i].txs[k].tx->tx.gas_limit > m->rules.gas_limit) {
                drop(&m->accounts[i], k);
                place(m, &m->accounts[i]);
            }
    for (size_t i = 0; i < ACCOUNTS; i++)
        note(m, order, &marked, i);
    settle_order(m, order, marked);
}

static void let_time_pass(struct model *m, struct chain_pool *pool)
{
    m->now += below(400);
    chain_pool_expire(pool, m->now);
    for (size_t i = 0; i < ACCOUNTS; i++) {
        struct model_account *a = &m->accounts[i];
        if (a->waiting && m->now - a->beat > m->options.lifetime)
            while (queued_of(a))
                evict(a, a->count - 1);
        place(m, a);
    }
}

static void set_price(struct model *m, struct chain_pool *pool)
{
    uint64_t limit = below(20);
    struct u256 price = u256_from(limit);
    assert_int_equal(chain_pool_set_price_limit(pool, &price), prices_matter(m));
    if (!prices_matter(m))
        return;
    m->price_limit = limit;
    struct model_account *worst;
    while ((worst = loser(m)) && price_of(&worst->txs[cheapest(worst)]) < limit) {
        evict(worst, cheapest(worst));
        place(m, worst);
    }
}

static void run(uint64_t seed)
{
    static struct model m;
    struct pool_world world;
    struct chain_pool *pool;
    memset(&m, 0, sizeof(m));
    random_state = seed * 0x9e3779b97f4a7c15u + 1;
    pool_test_init(&m.options, &m.rules, &world);
    m.rules.gas_price_enabled = seed % 2;
    m.options.account_slots = 1 + below(4);
    m.options.global_slots = 4 + below(40);
    m.options.account_queue = 1 + below(6);
    m.options.global_queue = seed % 3 ? 1 + below(20) : ANY_ORDER;
    m.options.lifetime = 500;
    m.options.max_transactions = 30 + below(100);
    m.price_limit = 1;
    for (size_t i = 0; i < ACCOUNTS; i++)
        m.accounts[i].balance = world.balances[i];
    assert_int_equal(chain_pool_new(&pool, &m.options, &m.rules), ERR_OK);
    for (size_t step = 0; step < 400; step++) {
        switch (below(12)) {
        default:
            add_some(&m, pool);
            break;
        case 0:
        case 1:
        case 2:
            move_head(&m, pool, &world);
            break;
        case 3:
            let_time_pass(&m, pool);
            break;
        case 4:
            set_price(&m, pool);
            break;
        }
        compare(&m, pool, &world);
    }
    for (size_t i = 0; i < ACCOUNTS; i++)
        while (m.accounts[i].count)
            drop(&m.accounts[i], 0);
    chain_pool_free(pool);
}

static void same_as_model(void **state)
{
    (void)state;
    const char *only = getenv("POOL_SEED");
    for (uint64_t seed = 1; seed <= 60 && !only; seed++) {
        print_message("seed %llu\r", (unsigned long long)seed);
        run(seed);
    }
    if (only)
        run(strtoull(only, NULL, 10));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(same_as_model)};
    return cmocka_run_group_tests_name("pool_model", tests, NULL, NULL);
}
