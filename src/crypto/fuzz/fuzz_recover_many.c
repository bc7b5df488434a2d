/* Recovery of many at once against recovery one by one. Input: items of 97 bytes (recovery id, hash, r, s); the last
 * may be cut, its rest is zeros. */
#include "base/fuzz/fuzz.h"
#include "crypto/recover_many.h"
#include "crypto/secp256k1.h"

#include <stdlib.h>

enum { ITEM = 97, ITEMS_MAX = 2 * CRYPTO_RECOVER_CHUNK };

static void read_item(struct crypto_recover *item, const uint8_t *data, size_t size)
{
    uint8_t bytes[ITEM] = {0};
    memcpy(bytes, data, size < ITEM ? size : ITEM);
    item->recovery_id = bytes[0] % 5;
    memcpy(item->hash.b, bytes + 1, 32);
    memcpy(item->rs, bytes + 33, 64);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct crypto_recover items[ITEMS_MAX];
    struct address many[ITEMS_MAX], one;
    bool ok[ITEMS_MAX];
    size_t count = 0;
    memset(items, 0, sizeof(items));
    for (size_t at = 0; at < size && count < ITEMS_MAX; at += ITEM)
        read_item(&items[count++], data + at, size - at);
    /* A single item would go the plain way: it stands there as often as lanes are worth. */
    while (size && count < 8) {
        items[count] = items[0];
        count++;
    }
    crypto_ecrecover_many(many, ok, items, count);
    for (size_t i = 0; i < count; i++) {
        bool expected = crypto_ecrecover(&one, &items[i].hash, items[i].rs, items[i].recovery_id);
        if (expected != ok[i] || (expected && !address_equal(&one, &many[i])))
            abort();
    }
    return 0;
}
