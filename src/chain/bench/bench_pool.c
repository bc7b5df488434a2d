/*
 * The pool with ever more waiting: adding, taking for a block, a new head, and what one transaction
 * takes in memory. The time per transaction should stay about the same.
 */
#include "base/clock.h"
#include "chain/pool/pool.h"

#include <stdio.h>
#include <stdlib.h>

enum { SENDERS = 1000, BLOCK = 1000 };

static void require(bool holds)
{
    if (!holds) {
        fprintf(stderr, "bench_pool: failed\n");
        exit(1);
    }
}

static struct address sender_of(size_t i)
{
    return (struct address){.b = {[0] = 0xbe, [18] = (uint8_t)(i >> 8), [19] = (uint8_t)i}};
}

static int account(void *context, const struct address *address,
                   struct chain_pool_account *ret_account)
{
    (void)context;
    *ret_account = (struct chain_pool_account){*address, 0, u256_from(1000000000)};
    return ERR_OK;
}

static struct chain_tx *make(size_t i)
{
    struct eth_transaction tx = {
        .nonce = i / SENDERS,
        .gas_limit = 21000,
        .value = u256_from(1),
        .to = {.b = {1}},
        .v = u256_from(2 * 1337 + 35),
        .r = {{i % SENDERS + 1, 1, 1, 1}},
        .s = {{1, 1, 1, 1}},
    };
    struct buf b = BUF_INIT;
    struct chain_tx *made;
    eth_transaction_encode(&b, &tx);
    require(chain_tx_decode(&made, buf_bytes(&b), true, 0, NULL) == ERR_OK);
    buf_release(&b);
    made->tx.sender = sender_of(i % SENDERS);
    made->tx.sender_known = true;
    return made;
}

static struct chain_pool *make_pool(const struct chain_pool_rules *rules)
{
    struct chain_pool_options options;
    struct chain_pool *pool;
    chain_pool_options_init(&options);
    options.account = account;
    options.global_slots = options.global_queue = options.account_queue = 1000000;
    options.max_transactions = 2000000;
    options.max_bytes = (size_t)4 << 30;
    require(chain_pool_new(&pool, &options, rules) == ERR_OK);
    return pool;
}

/* Seconds for one block: take, and the head that follows. */
static void drain_block(struct chain_pool *pool, const struct chain_pool_rules *rules,
                        uint64_t *nonces, double *take, double *head)
{
    struct chain_pool_account changed[SENDERS];
    struct chain_pool_batch batch;
    struct chain_tx *tx;
    double start = base_now_seconds();
    require(chain_pool_take(pool, BLOCK, &batch) == ERR_OK && batch.count == BLOCK);
    *take += base_now_seconds() - start;
    while ((tx = chain_pool_batch_next(&batch)))
        nonces[(size_t)tx->tx.sender.b[18] << 8 | tx->tx.sender.b[19]]++;
    chain_pool_batch_release(&batch);
    for (size_t i = 0; i < SENDERS; i++)
        changed[i] = (struct chain_pool_account){sender_of(i), nonces[i], u256_from(1000000000)};
    struct chain_pool_head next = {.rules = *rules, .changed = changed, .changed_count = SENDERS};
    start = base_now_seconds();
    require(chain_pool_head(pool, &next, 1) == ERR_OK);
    *head += base_now_seconds() - start;
}

static void measure(size_t waiting)
{
    const struct chain_pool_rules rules = {
        .eth = {.fork = FORK_BERLIN, .chain_id = {{1337}}, .is_quorum = true},
        .gas_limit = 30000000,
        .is_quorum = true,
    };
    struct chain_pool *pool = make_pool(&rules);
    struct chain_tx **txs = calloc(waiting, sizeof(struct chain_tx *));
    enum chain_pool_status *statuses = calloc(waiting, sizeof(*statuses));
    uint64_t nonces[SENDERS] = {0};
    double take = 0, head = 0;
    require(txs && statuses);
    for (size_t i = 0; i < waiting; i++)
        txs[i] = make(i);
    double start = base_now_seconds();
    for (size_t i = 0; i < waiting; i += 100)
        require(chain_pool_add(pool, txs + i, 100, false, 1, statuses + i) == ERR_OK);
    double add = base_now_seconds() - start;
    for (size_t i = 0; i < waiting; i++) {
        require(statuses[i] == CHAIN_POOL_OK);
        chain_tx_unref(txs[i]);
    }
    struct chain_pool_stats stats;
    chain_pool_stats(pool, &stats);
    size_t blocks = waiting / BLOCK < 10 ? waiting / BLOCK : 10;
    for (size_t i = 0; i < blocks; i++)
        drain_block(pool, &rules, nonces, &take, &head);
    double done = (double)(blocks * BLOCK) / 1e6;
    printf("%7zu waiting   add %5.2f us   take %5.2f us   head %5.2f us   %4zu bytes each\n",
           waiting, add / (double)waiting * 1e6, take / done, head / done, stats.bytes / waiting);
    chain_pool_free(pool);
    free(txs);
    free(statuses);
}

int main(void)
{
    static const size_t sizes[] = {1000, 10000, 50000, 200000};
    for (size_t i = 0; i < BASE_COUNT(sizes); i++)
        measure(sizes[i]);
    return 0;
}
