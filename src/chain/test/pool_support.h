/* What the tests of the pool share: transactions that need no signatures, and a state in memory. */
#ifndef CHAIN_TEST_POOL_SUPPORT_H
#define CHAIN_TEST_POOL_SUPPORT_H

#include "chain/pool/pool.h"

enum { POOL_TEST_ACCOUNTS = 64 };

/* What the pool is told of the accounts; account i has the address i + 1 in its last byte. */
struct pool_world {
    uint64_t nonces[POOL_TEST_ACCOUNTS];
    uint64_t balances[POOL_TEST_ACCOUNTS];
    size_t asked;
    int fails;                   /* what the callback returns, 0 = the account */
    struct chain_tx *told[4096]; /* by the event, since the last pool_world_forget; references */
    size_t told_count;
};

struct address pool_test_address(size_t account);
size_t pool_test_account(const struct address *address);

struct pool_test_tx {
    size_t account;
    uint64_t nonce;
    uint64_t price, value, gas; /* gas 0 = 21000 */
    size_t data_size;
    bool is_private;
};
/* One reference; the sender is known. */
struct chain_tx *pool_test_make(struct pool_test_tx in);

/* Options with callbacks into `world`, and rules of a chain without gas prices. */
void pool_test_init(struct chain_pool_options *options, struct chain_pool_rules *rules,
                    struct pool_world *world);
void pool_world_forget(struct pool_world *world);

/* Adds one and gives its reference away. */
enum chain_pool_status pool_test_add(struct chain_pool *pool, struct chain_tx *tx, bool local);

#endif
