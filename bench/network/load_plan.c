/* The transactions of a load, signed in advance. */
#include "base/pool.h"
#include "eth/transaction.h"
#include "load.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct job {
    struct load *load;
    struct crypto_private_key *keys;
    bool token;
    atomic_int failed;
};

/* transfer(to, 1) */
static void token_call(uint8_t data[68], const struct address *to)
{
    static const uint8_t selector[4] = {0xa9, 0x05, 0x9c, 0xbb};
    memset(data, 0, 68);
    memcpy(data, selector, 4);
    memcpy(data + 16, to->b, 20);
    data[67] = 1;
}

static int make_one(struct job *job, size_t index)
{
    struct load *load = job->load;
    size_t senders = load->options.senders;
    const struct crypto_private_key *key = &job->keys[index % senders];
    struct address to = address_of(&job->keys[(index + 1) % senders]);
    uint8_t data[68];
    struct eth_transaction tx = {
        .nonce = index / senders,
        .gas_limit = job->token ? 70000 : 21000,
        .to = job->token ? token_address : to,
        .value = u256_from(job->token ? 0 : 1),
        .chain_id = u256_from(CHAIN_ID),
    };
    if (job->token) {
        token_call(data, &to);
        tx.data = bytes_of(data, sizeof(data));
    }
    struct hash256 hash;
    struct crypto_signature signature;
    int rc = eth_transaction_signing_hash(&tx, ETH_SIGN_PROTECTED, &hash);
    if (rc != ERR_OK)
        return rc;
    if (!crypto_ecdsa_sign(&signature, &hash, key))
        return ERR_CRYPTO;
    eth_transaction_set_signature(&tx, ETH_SIGN_PROTECTED, signature.rs, signature.recovery_id);
    struct buf b = BUF_INIT;
    eth_transaction_encode(&b, &tx);
    if ((rc = buf_status(&b)) == ERR_OK && (rc = eth_transaction_hash(&tx, &hash)) == ERR_OK) {
        load->txs[index].hash = hash;
        load->txs[index].size = (uint32_t)b.len;
        load->txs[index].raw = b.data; /* kept */
        return ERR_OK;
    }
    buf_release(&b);
    return rc;
}

static void run(void *context, size_t index, unsigned worker)
{
    (void)worker;
    struct job *job = context;
    int rc = make_one(job, index);
    if (rc != ERR_OK)
        job->failed = rc;
}

int plan_load(struct load *load)
{
    const struct load_options *options = &load->options;
    struct pool *pool;
    struct job job = {.load = load, .token = strcmp(options->kind, "token") == 0};
    load->count = options->lead + options->rate * options->seconds;
    load->txs = calloc(load->count, sizeof(*load->txs));
    job.keys = calloc(options->senders, sizeof(*job.keys));
    int rc = load->txs && job.keys ? pool_new(&pool, 0) : ERR_NOMEM;
    if (rc == ERR_OK) {
        for (size_t i = 0; i < options->senders; i++)
            job.keys[i] = key_of("sender", i);
        pool_run(pool, load->count, run, &job);
        pool_free(pool);
        rc = job.failed;
    }
    map_init(&load->by_hash, sizeof(struct hash256), sizeof(size_t));
    for (size_t i = 0; i < load->count && rc == ERR_OK; i++) {
        size_t *index = map_put(&load->by_hash, &load->txs[i].hash, NULL);
        rc = index ? ERR_OK : ERR_NOMEM;
        if (index)
            *index = i;
        load->txs[i].due =
            i < options->lead ? 0 : (double)(i - options->lead) / (double)options->rate;
    }
    free(job.keys);
    return rc;
}
