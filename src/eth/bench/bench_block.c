/* Decodes and encodes a block of plain transfers as values, and recovers their senders. */
#include "base/clock.h"
#include "base/pool.h"
#include "crypto/secp256k1.h"
#include "eth/block.h"

#include <stdio.h>
#include <stdlib.h>

static void require(bool holds)
{
    if (!holds) {
        fprintf(stderr, "bench_block: failed\n");
        exit(1);
    }
}

static void make_block(struct buf *b, size_t count)
{
    const struct crypto_private_key key = {{[31] = 0x46}};
    struct eth_block block = {.header = {.number = 77, .gas_limit = 30000000}};
    block.body.transactions = calloc(count, sizeof(*block.body.transactions));
    block.body.transaction_count = count;
    require(block.body.transactions);
    for (size_t i = 0; i < count; i++) {
        struct eth_transaction *tx = &block.body.transactions[i];
        tx->nonce = i;
        tx->gas_limit = 21000;
        tx->max_fee = u256_from(1000000000);
        tx->value = u256_from(1000000000000000000);
        tx->to.b[0] = 0x35;
        tx->chain_id = u256_from(1337);
        struct hash256 hash;
        struct crypto_signature signature;
        require(eth_transaction_signing_hash(tx, ETH_SIGN_PROTECTED, &hash) == ERR_OK);
        require(crypto_ecdsa_sign(&signature, &hash, &key));
        eth_transaction_set_signature(tx, ETH_SIGN_PROTECTED, signature.rs, signature.recovery_id);
    }
    eth_block_write(b, &block);
    require(buf_status(b) == ERR_OK);
    free(block.body.transactions);
}

static void measure_senders(struct eth_body *body, struct pool *pool)
{
    const struct eth_rules rules = {.fork = FORK_BERLIN, .chain_id = {{1337}}};
    size_t count = body->transaction_count;
    enum eth_tx_status *statuses = calloc(count, sizeof(*statuses));
    require(statuses);
    double start = base_now_seconds();
    require(eth_transactions_recover(body->transactions, statuses, count, &rules, pool) == ERR_OK);
    double taken = base_now_seconds() - start;
    for (size_t i = 0; i < count; i++)
        require(statuses[i] == ETH_TX_OK);
    printf("      senders on %u threads: %6.2f us each\n", pool ? pool_workers(pool) : 1,
           taken * 1e6 / (double)count);
    for (size_t i = 0; i < count; i++)
        body->transactions[i].sender_known = false;
    free(statuses);
}

static void measure(size_t count, struct pool *pool)
{
    enum { ROUNDS = 40, TRANSFERS_PER_ROUND = 20000 };
    size_t repeat = TRANSFERS_PER_ROUND / count;
    struct buf b = BUF_INIT, again = BUF_INIT;
    make_block(&b, count);
    struct arena arena;
    arena_init(&arena);
    struct eth_block block;
    double best_read = 1e9, best_write = 1e9;
    for (int round = 0; round < ROUNDS; round++) {
        double start = base_now_seconds();
        for (size_t i = 0; i < repeat; i++) {
            arena_clear(&arena);
            require(eth_block_decode(&block, &arena, buf_bytes(&b), NULL) == ERR_OK);
        }
        double read = base_now_seconds();
        for (size_t i = 0; i < repeat; i++) {
            buf_clear(&again);
            eth_block_write(&again, &block);
        }
        double written = base_now_seconds();
        best_read = read - start < best_read ? read - start : best_read;
        best_write = written - read < best_write ? written - read : best_write;
    }
    double scale = 1e9 / (double)(repeat * count);
    printf("%5zu transfers, %7zu bytes: decode %6.1f ns, encode %6.1f ns each\n", count, b.len,
           best_read * scale, best_write * scale);
    measure_senders(&block.body, NULL);
    measure_senders(&block.body, pool);
    arena_release(&arena);
    buf_release(&b);
    buf_release(&again);
}

int main(void)
{
    struct pool *pool;
    require(pool_new(&pool, 0) == ERR_OK);
    measure(200, pool);
    measure(5000, pool);
    pool_free(pool);
    return 0;
}
