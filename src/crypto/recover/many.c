#include "crypto/recover_many.h"

#include "crypto/keccak.h"
#include "crypto/recover/recover.h"

enum { WORTH_LANES = 4 }; /* items from which the lanes are quicker, half empty as they are */

static void recover_plain(struct address *ret_addresses, bool *ret_ok,
                          const struct crypto_recover *items, size_t count)
{
    for (size_t i = 0; i < count; i++)
        ret_ok[i] =
            crypto_ecrecover(&ret_addresses[i], &items[i].hash, items[i].rs, items[i].recovery_id);
}

#if defined(__x86_64__)
static bool lanes_here;

__attribute__((constructor)) static void choose(void)
{
    __builtin_cpu_init();
    lanes_here = crypto_recover_ifma_here();
}

static void recover_chunk(struct address *ret_addresses, bool *ret_ok,
                          const struct crypto_recover *items, size_t count)
{
    struct crypto_public_key keys[CRYPTO_RECOVER_CHUNK];
    struct hash256 hashes[CRYPTO_RECOVER_CHUNK];
    struct bytes inputs[CRYPTO_RECOVER_CHUNK];
    uint8_t outcomes[CRYPTO_RECOVER_CHUNK];
    crypto_recover_ifma(keys, outcomes, items, count);
    for (size_t i = 0; i < count; i++)
        inputs[i] = bytes_of(keys[i].b, sizeof(keys[i].b));
    crypto_keccak256_many(hashes, inputs, count);
    for (size_t i = 0; i < count; i++) {
        ret_ok[i] = outcomes[i] == CRYPTO_RECOVER_KEY;
        if (outcomes[i] == CRYPTO_RECOVER_KEY)
            memcpy(ret_addresses[i].b, hashes[i].b + 12, sizeof(ret_addresses[i].b));
        else if (outcomes[i] == CRYPTO_RECOVER_PLAIN)
            recover_plain(&ret_addresses[i], &ret_ok[i], &items[i], 1);
    }
}
#endif

void crypto_ecrecover_many(struct address *ret_addresses, bool *ret_ok,
                           const struct crypto_recover *items, size_t count)
{
#if defined(__x86_64__)
    while (lanes_here && count >= WORTH_LANES) {
        size_t part = count < CRYPTO_RECOVER_CHUNK ? count : CRYPTO_RECOVER_CHUNK;
        recover_chunk(ret_addresses, ret_ok, items, part);
        ret_addresses += part;
        ret_ok += part;
        items += part;
        count -= part;
    }
#endif
    recover_plain(ret_addresses, ret_ok, items, count);
}

const char *crypto_recover_implementation(void)
{
#if defined(__x86_64__)
    if (lanes_here)
        return "ifma";
#endif
    return "plain";
}
