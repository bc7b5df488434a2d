/* Sender recovery: signature to address, on one thread and over all processors, beside the bare
 * call of libsecp256k1 (signature to point, without hashing it). */
#include "base/pool.h"
#include "crypto/bench/measure.h"
#include "crypto/keccak.h"
#include "crypto/recover_many.h"
#include "crypto/secp256k1.h"

#include <secp256k1_recovery.h>

enum { SIGNATURES = 512 };

struct work {
    struct hash256 hashes[SIGNATURES];
    struct crypto_signature signatures[SIGNATURES];
    struct address addresses[SIGNATURES];
    struct crypto_recover items[SIGNATURES];
    bool ok[SIGNATURES];
    struct pool *pool;
    bool failed;
};

static void recover_bare(struct work *w, size_t i)
{
    secp256k1_ecdsa_recoverable_signature signature;
    secp256k1_pubkey key;
    const struct crypto_signature *s = &w->signatures[i];
    if (!secp256k1_ecdsa_recoverable_signature_parse_compact(secp256k1_context_static, &signature,
                                                             s->rs, s->recovery_id) ||
        !secp256k1_ecdsa_recover(secp256k1_context_static, &key, &signature, w->hashes[i].b))
        w->failed = true;
}

static void recover_one(void *context, size_t i, unsigned worker)
{
    (void)worker;
    struct work *w = context;
    if (!crypto_ecrecover(&w->addresses[i], &w->hashes[i], w->signatures[i].rs,
                          w->signatures[i].recovery_id))
        w->failed = true;
}

static void run_bare(void *context)
{
    for (size_t i = 0; i < SIGNATURES; i++)
        recover_bare(context, i);
}

static void run_one_thread(void *context)
{
    pool_run(NULL, SIGNATURES, recover_one, context);
}

static void run_all_threads(void *context)
{
    pool_run(((struct work *)context)->pool, SIGNATURES, recover_one, context);
}

static void run_chunk(void *context, size_t i, unsigned worker)
{
    (void)worker;
    struct work *w = context;
    size_t at = i * CRYPTO_RECOVER_CHUNK;
    crypto_ecrecover_many(&w->addresses[at], &w->ok[at], &w->items[at], CRYPTO_RECOVER_CHUNK);
}

static void run_chunks(void *context)
{
    pool_run(NULL, SIGNATURES / CRYPTO_RECOVER_CHUNK, run_chunk, context);
}

static void run_eights(void *context)
{
    struct work *w = context;
    for (size_t at = 0; at < SIGNATURES; at += 8)
        crypto_ecrecover_many(&w->addresses[at], &w->ok[at], &w->items[at], 8);
}

static void run_chunks_all_threads(void *context)
{
    struct work *w = context;
    pool_run(w->pool, SIGNATURES / CRYPTO_RECOVER_CHUNK, run_chunk, w);
}

int main(void)
{
    static struct work w;
    struct crypto_private_key key = {{1}};
    for (size_t i = 0; i < SIGNATURES; i++) {
        crypto_keccak256(&w.hashes[i], bytes_of(&i, sizeof(i)));
        if (!crypto_ecdsa_sign(&w.signatures[i], &w.hashes[i], &key))
            return 1;
        w.items[i] = (struct crypto_recover){.hash = w.hashes[i],
                                             .recovery_id = w.signatures[i].recovery_id};
        memcpy(w.items[i].rs, w.signatures[i].rs, sizeof(w.items[i].rs));
    }
    if (pool_new(&w.pool, 0) != ERR_OK)
        return 1;
    double reference = measure(run_bare, &w, SIGNATURES);
    char by[32];
    measure_print("recover a sender", "libsecp256k1, bare", reference, 0);
    measure_print("recover a sender", "crypto_ecrecover", measure(run_one_thread, &w, SIGNATURES),
                  reference);
    snprintf(by, sizeof(by), "pool of %u", pool_workers(w.pool));
    measure_print("recover a sender", by, measure(run_all_threads, &w, SIGNATURES), reference);
    snprintf(by, sizeof(by), "%s, by 8", crypto_recover_implementation());
    measure_print("recover a sender", by, measure(run_eights, &w, SIGNATURES), reference);
    snprintf(by, sizeof(by), "%s, by %d", crypto_recover_implementation(), CRYPTO_RECOVER_CHUNK);
    measure_print("recover a sender", by, measure(run_chunks, &w, SIGNATURES), reference);
    snprintf(by, sizeof(by), "%s, pool of %u", crypto_recover_implementation(),
             pool_workers(w.pool));
    measure_print("recover a sender", by, measure(run_chunks_all_threads, &w, SIGNATURES),
                  reference);
    pool_free(w.pool);
    for (size_t i = 0; i < SIGNATURES; i++)
        w.failed |= !w.ok[i];
    return w.failed;
}
