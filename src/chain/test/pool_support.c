#include "chain/test/pool_support.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

struct address pool_test_address(size_t account)
{
    return (struct address){.b = {[0] = 0xac, [19] = (uint8_t)(account + 1)}};
}

size_t pool_test_account(const struct address *address)
{
    assert_in_range(address->b[19], 1, POOL_TEST_ACCOUNTS);
    return address->b[19] - 1;
}

struct chain_tx *pool_test_make(struct pool_test_tx in)
{
    static const uint8_t zeros[256 * 1024];
    struct eth_transaction tx = {
        .nonce = in.nonce,
        .gas_limit = in.gas ? in.gas : 21000,
        .value = u256_from(in.value),
        .max_fee = u256_from(in.price),
        .max_priority_fee = u256_from(in.price),
        .to = {.b = {1}},
        .data = bytes_of(zeros, in.data_size),
        .v = u256_from(in.is_private ? 37 : 2 * 1337 + 35),
        .r = u256_from(in.account + 1),
        .s = u256_from(1),
    };
    struct buf b = BUF_INIT;
    eth_transaction_encode(&b, &tx);
    struct chain_tx *made;
    struct err_detail detail;
    assert_int_equal(chain_tx_decode(&made, buf_bytes(&b), true, 0, &detail), ERR_OK);
    buf_release(&b);
    made->tx.sender = pool_test_address(in.account);
    made->tx.sender_known = true;
    return made;
}

static int ask(void *context, const struct address *address, struct chain_pool_account *ret_account)
{
    struct pool_world *world = context;
    size_t i = pool_test_account(address);
    world->asked++;
    ret_account->nonce = world->nonces[i];
    ret_account->balance = u256_from(world->balances[i]);
    return world->fails;
}

static void tell(void *context, struct chain_tx *const *txs, size_t count)
{
    struct pool_world *world = context;
    for (size_t i = 0; i < count; i++) {
        assert_in_range(world->told_count, 0, BASE_COUNT(world->told) - 1);
        world->told[world->told_count++] = chain_tx_ref(txs[i]);
    }
}

void pool_world_forget(struct pool_world *world)
{
    for (size_t i = 0; i < world->told_count; i++)
        chain_tx_unref(world->told[i]);
    world->told_count = 0;
}

void pool_test_init(struct chain_pool_options *options, struct chain_pool_rules *rules,
                    struct pool_world *world)
{
    memset(world, 0, sizeof(*world));
    for (size_t i = 0; i < POOL_TEST_ACCOUNTS; i++)
        world->balances[i] = 1000000000000;
    chain_pool_options_init(options);
    options->account = ask;
    options->executable = tell;
    options->context = world;
    *rules = (struct chain_pool_rules){
        .eth = {.fork = FORK_BERLIN,
                .chain_id = u256_from(1337),
                .is_quorum = true,
                .max_size = 64 * 1024},
        .gas_limit = 30000000,
        .is_quorum = true,
    };
}

enum chain_pool_status pool_test_add(struct chain_pool *pool, struct chain_tx *tx, bool local)
{
    enum chain_pool_status status;
    assert_int_equal(chain_pool_add(pool, &tx, 1, local, 1, &status), ERR_OK);
    chain_tx_unref(tx);
    return status;
}
