/* Recovery of many at once: the answers of crypto_ecrecover, in every case. */
#include "crypto/recover_many.h"

#include "crypto/keccak.h"
#include "crypto/secp256k1.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static const uint8_t order[32] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
                                  0xff, 0xff, 0xff, 0xff, 0xfe, 0xba, 0xae, 0xdc, 0xe6, 0xaf, 0x48,
                                  0xa0, 0x3b, 0xbf, 0xd2, 0x5e, 0x8c, 0xd0, 0x36, 0x41, 0x41};

/* A stream of bytes from a seed: Keccak of a counter. */
static void fill(uint8_t *ret, size_t len, uint64_t seed)
{
    for (size_t at = 0; at < len; at += 32) {
        uint64_t words[2] = {seed, at};
        struct hash256 hash;
        crypto_keccak256(&hash, bytes_of(words, sizeof(words)));
        memcpy(ret + at, hash.b, len - at < 32 ? len - at : 32);
    }
}

static void must_agree(const struct crypto_recover *items, size_t count)
{
    struct address *many = calloc(count + 1, sizeof(*many)); /* from malloc */
    bool *ok = calloc(count + 1, sizeof(*ok));               /* from malloc */
    crypto_ecrecover_many(many, ok, items, count);
    for (size_t i = 0; i < count; i++) {
        struct address one = {{0}};
        bool one_ok = crypto_ecrecover(&one, &items[i].hash, items[i].rs, items[i].recovery_id);
        if (one_ok != ok[i] || !address_equal(&one, &many[i]))
            fail_msg("item %zu of %zu: %d, expected %d", i, count, ok[i], one_ok);
    }
    free(many); /* from malloc */
    free(ok);   /* from malloc */
}

static void sign(struct crypto_recover *item, uint64_t seed)
{
    struct crypto_private_key key;
    struct crypto_signature signature;
    fill(key.b, sizeof(key.b), 2 * seed);
    fill(item->hash.b, sizeof(item->hash.b), 2 * seed + 1);
    assert_true(crypto_ecdsa_sign(&signature, &item->hash, &key));
    memcpy(item->rs, signature.rs, sizeof(item->rs));
    item->recovery_id = signature.recovery_id;
}

enum { MANY = 1000 };

static void signatures_of_many_keys(void **state)
{
    (void)state;
    static struct crypto_recover items[MANY];
    for (size_t i = 0; i < MANY; i++)
        sign(&items[i], i);
    must_agree(items, MANY);
}

static void every_count(void **state)
{
    (void)state;
    struct crypto_recover items[70];
    for (size_t i = 0; i < BASE_COUNT(items); i++)
        sign(&items[i], 5000 + i);
    for (size_t count = 0; count <= BASE_COUNT(items); count++)
        must_agree(items, count);
}

/* r, s and the hash at random: half of them have no key. */
static void numbers_at_random(void **state)
{
    (void)state;
    static struct crypto_recover items[MANY];
    for (size_t i = 0; i < MANY; i++) {
        fill((uint8_t *)&items[i].hash, 32, 20000 + i);
        fill(items[i].rs, 64, 30000 + i);
        items[i].recovery_id = items[i].hash.b[0] % 6;
    }
    must_agree(items, MANY);
}

/* order + add, in 32 bytes (add from -16 to 15). */
static void near_order(uint8_t ret[32], int add)
{
    memcpy(ret, order, 32);
    ret[31] = (uint8_t)(ret[31] + add);
}

static void edge_number(uint8_t ret[32], unsigned kind)
{
    memset(ret, 0, 32);
    if (kind < 8)
        ret[31] = (uint8_t)kind;
    else if (kind < 16)
        near_order(ret, (int)kind - 12);
    else if (kind < 20)
        memset(ret, 0xff, kind - 15u); /* high bytes */
    else if (kind < 24)
        memset(ret + 16, 0xff, kind - 8u); /* 2^96 - 1 … 2^128 - 1 */
    else if (kind < 28)
        ret[31 - (kind - 24) * 8] = 0x80;
    else
        memset(ret, 0xff, 32);
}

enum { EDGES = 29 };

static void numbers_at_the_edges(void **state)
{
    (void)state;
    static struct crypto_recover items[EDGES * EDGES];
    for (unsigned id = 0; id < 5; id++) {
        for (unsigned hash = 0; hash < EDGES; hash += 4) {
            for (unsigned i = 0; i < EDGES * EDGES; i++) {
                edge_number(items[i].hash.b, hash);
                edge_number(items[i].rs, i / EDGES);
                edge_number(items[i].rs + 32, i % EDGES);
                items[i].recovery_id = id;
            }
            must_agree(items, BASE_COUNT(items));
        }
    }
}

/* R = k * G for small k, and s chosen so that sums meet themselves, their negatives and infinity. */
static void sums_that_meet(void **state)
{
    (void)state;
    static struct crypto_recover items[64 * 16];
    for (unsigned i = 0; i < BASE_COUNT(items); i++) {
        struct crypto_private_key k = {{0}};
        struct crypto_public_key point;
        k.b[31] = (uint8_t)(1 + i % 16);
        assert_true(crypto_public_key_of(&point, &k));
        memcpy(items[i].rs, point.b, 32);
        memset(items[i].rs + 32, 0, 32);
        items[i].rs[63] = (uint8_t)(1 + i / 16 % 8);
        items[i].recovery_id = point.b[63] & 1u;
        /* z = s * k makes u1 * G + u2 * R infinity; and numbers beside it. */
        memset(items[i].hash.b, 0, 32);
        unsigned z = (1 + i % 16) * (1 + i / 16 % 8) + i / 128;
        items[i].hash.b[30] = (uint8_t)(z >> 8);
        items[i].hash.b[31] = (uint8_t)z;
    }
    must_agree(items, BASE_COUNT(items));
}

static void spoilt_ones_among_good_ones(void **state)
{
    (void)state;
    struct crypto_recover items[40];
    for (size_t spoilt = 0; spoilt < BASE_COUNT(items); spoilt++) {
        for (size_t i = 0; i < BASE_COUNT(items); i++)
            sign(&items[i], 9000 + i);
        memset(items[spoilt].rs + (spoilt % 2 ? 0 : 32), spoilt % 3 ? 0 : 0xff, 32);
        must_agree(items, BASE_COUNT(items));
    }
}

int main(void)
{
    print_message("implementation: %s\n", crypto_recover_implementation());
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(signatures_of_many_keys), cmocka_unit_test(every_count),
        cmocka_unit_test(numbers_at_random),       cmocka_unit_test(numbers_at_the_edges),
        cmocka_unit_test(sums_that_meet),          cmocka_unit_test(spoilt_ones_among_good_ones),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
