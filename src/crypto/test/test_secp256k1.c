#include "crypto/secp256k1.h"

#include "base/mem.h"
#include "base/pool.h"
#include "crypto/aes.h"
#include "crypto/hash.h"
#include "crypto/keccak.h"
#include "crypto/test/support.h"
#include "tests/support/fixtures.h"

#include <stdatomic.h>
#include <stdio.h>

static const char *const order = "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141";

static json_t *suite(const char *name)
{
    char path[4096];
    snprintf(path, sizeof(path), "ethereum-tests/BasicTests/%s", name);
    fixtures_require(path, "github.com/ethereum/tests");
    snprintf(path, sizeof(path), "%s/ethereum-tests/BasicTests/%s", fixtures_folder(), name);
    return fixtures_json(path);
}

/* Seed, private key, address. The suite's "signatures of the empty string" belong to no known hash of
 * it, and other clients leave them out as well; here its keys sign it anew. */
static void key_address_suite(void **unused)
{
    (void)unused;
    json_t *cases = suite("keyaddrtest.json"), *each;
    size_t i;
    assert_int_equal(json_array_size(cases), 2);
    json_array_foreach(cases, i, each)
    {
        struct buf key = BUF_INIT, expected = BUF_INIT;
        assert_true(fixtures_hex(each, "key", &key));
        assert_true(fixtures_hex(each, "addr", &expected));
        struct hash256 seed;
        crypto_keccak256(&seed, bytes_str(json_string_value(json_object_get(each, "seed"))));
        assert_memory_equal(seed.b, key.data, 32);

        struct crypto_private_key private_key;
        struct crypto_public_key public_key;
        struct address address;
        memcpy(private_key.b, key.data, 32);
        assert_true(crypto_public_key_of(&public_key, &private_key));
        crypto_address_of(&address, &public_key);
        assert_memory_equal(address.b, expected.data, 20);

        struct crypto_signature signature;
        assert_true(crypto_ecdsa_sign(&signature, &crypto_keccak256_empty, &private_key));
        memset(&address, 0, sizeof(address));
        assert_true(crypto_ecrecover(&address, &crypto_keccak256_empty, signature.rs,
                                     signature.recovery_id));
        assert_memory_equal(address.b, expected.data, 20);
        buf_release(&key);
        buf_release(&expected);
    }
    json_decref(cases);
}

/* The suite's message is 0x04, the sender's point, IV, ciphertext, MAC, with the keys of NIST SP
 * 800-56 (one step of SHA-256) out of the shared x. */
static void open_ecies(const struct buf *key, const struct buf *message, const struct buf *payload)
{
    struct crypto_private_key private_key;
    struct crypto_public_key sender;
    uint8_t derivation[4 + 32] = {0, 0, 0, 1};
    struct hash256 keys, mac_key, mac;
    memcpy(private_key.b, key->data, 32);
    assert_true(crypto_public_key_parse(&sender, bytes_of(message->data, 65)));
    assert_true(crypto_ecdh(derivation + 4, &sender, &private_key));
    crypto_sha256(&keys, bytes_of(derivation, sizeof(derivation)));
    crypto_sha256(&mac_key, bytes_of(keys.b + 16, 16));

    struct bytes iv_and_text = bytes_slice(buf_bytes(message), 65, message->len - 65 - 32);
    crypto_hmac_sha256(&mac, bytes_of(mac_key.b, 32), iv_and_text);
    assert_memory_equal(mac.b, message->data + message->len - 32, 32);
    struct bytes text = bytes_slice(iv_and_text, 16, iv_and_text.len - 16);
    assert_int_equal(text.len, payload->len);
    uint8_t *plain = mem_alloc(text.len);
    assert_non_null(plain);
    assert_int_equal(crypto_aes_ctr(plain, bytes_of(keys.b, 16), iv_and_text.data, text), ERR_OK);
    assert_memory_equal(plain, payload->data, payload->len);
    mem_free(plain);
}

static void crypto_suite(void **unused)
{
    (void)unused;
    json_t *cases = suite("crypto.json"), *each;
    const char *name;
    assert_int_equal(json_object_size(cases), 2);
    json_object_foreach(cases, name, each)
    {
        const char *type = json_string_value(json_object_get(each, "decryption_type"));
        struct buf key = BUF_INIT, message = BUF_INIT, payload = BUF_INIT;
        assert_true(fixtures_hex(each, "key", &key) && key.len == 32);
        assert_true(fixtures_hex(each, "cipher", &message));
        assert_true(fixtures_hex(each, "payload", &payload));
        if (strcmp(type, "aes_ctr") == 0) {
            static const uint8_t zero[16];
            assert_int_equal(
                crypto_aes_ctr(message.data, buf_bytes(&key), zero, buf_bytes(&message)), ERR_OK);
            assert_true(bytes_equal(buf_bytes(&message), buf_bytes(&payload)));
        } else {
            assert_string_equal(type, "ecies_sec1_altered");
            open_ecies(&key, &message, &payload);
        }
        buf_release(&key);
        buf_release(&message);
        buf_release(&payload);
    }
    json_decref(cases);
}

static struct crypto_private_key key_of(const char *digits)
{
    struct crypto_private_key key;
    take_hex(key.b, 32, digits);
    return key;
}

static void key_range(void **unused)
{
    (void)unused;
    struct crypto_public_key public_key;
    struct crypto_signature signature;
    struct hash256 hash = {{1}};
    uint8_t x[32];
    struct crypto_private_key zero = {{0}}, one = {{0}}, end = key_of(order), last = end, over;
    one.b[31] = 1;
    last.b[31]--;
    memset(over.b, 0xff, 32);
    assert_true(crypto_public_key_of(&public_key, &one));
    const struct crypto_private_key *bad[] = {&zero, &end, &over}, *good[] = {&one, &last};
    for (size_t i = 0; i < BASE_COUNT(bad); i++) {
        struct crypto_public_key untouched = {{0xee}};
        assert_false(crypto_private_key_valid(bad[i]));
        assert_false(crypto_public_key_of(&untouched, bad[i]));
        assert_int_equal(untouched.b[0], 0xee);
        assert_false(crypto_ecdsa_sign(&signature, &hash, bad[i]));
        assert_false(crypto_ecdh(x, &public_key, bad[i]));
    }
    for (size_t i = 0; i < BASE_COUNT(good); i++) {
        assert_true(crypto_private_key_valid(good[i]));
        assert_true(crypto_ecdsa_sign(&signature, &hash, good[i]));
    }
}

/* The deterministic nonce: the widely published vectors for this curve with SHA-256. */
static void deterministic_signatures(void **unused)
{
    (void)unused;
    static const struct {
        const char *key, *text, *rs;
    } vectors[] = {
        {"0000000000000000000000000000000000000000000000000000000000000001", "Satoshi Nakamoto",
         "934b1ea10a4b3c1757e2b0c017d0b6143ce3c9a7e6a4a49860d7a6ab210ee3d8"
         "2442ce9d2b916064108014783e923ec36b49743e2ffa1c4496f01a512aafd9e5"},
        {"0000000000000000000000000000000000000000000000000000000000000001",
         "All those moments will be lost in time, like tears in rain. Time to die...",
         "8600dbd41e348fe5c9465ab92d23e3db8b98b873beecd930736488696438cb6b"
         "547fe64427496db33bf66019dacbf0039c04199abb0122918601db38a72cfc21"},
    };
    for (size_t i = 0; i < BASE_COUNT(vectors); i++) {
        struct crypto_private_key key = key_of(vectors[i].key);
        struct crypto_signature signature;
        struct hash256 hash;
        crypto_sha256(&hash, bytes_str(vectors[i].text));
        assert_true(crypto_ecdsa_sign(&signature, &hash, &key));
        expect_hex(signature.rs, 64, vectors[i].rs);
    }
}

/* s becomes the order less s. */
static void negate_s(uint8_t rs[64])
{
    uint8_t end[32];
    int borrow = 0;
    take_hex(end, 32, order);
    for (int i = 31; i >= 0; i--) {
        int digit = end[i] - rs[32 + i] - borrow;
        borrow = digit < 0;
        rs[32 + i] = (uint8_t)digit;
    }
}

static void sign_verify_recover(void **unused)
{
    (void)unused;
    uint64_t seed = 8;
    for (int i = 0; i < 50; i++) {
        struct crypto_private_key key;
        struct crypto_public_key public_key, recovered;
        struct crypto_signature signature;
        struct hash256 hash;
        struct address address, expected;
        fill_random(key.b, 32, &seed);
        fill_random(hash.b, 32, &seed);
        assert_true(crypto_public_key_of(&public_key, &key));
        crypto_address_of(&expected, &public_key);
        assert_true(crypto_ecdsa_sign(&signature, &hash, &key));
        assert_true(crypto_ecdsa_verify(&public_key, &hash, signature.rs));
        assert_true(crypto_ecrecover(&address, &hash, signature.rs, signature.recovery_id));
        assert_memory_equal(address.b, expected.b, 20);
        assert_true(crypto_recover(&recovered, &hash, signature.rs, signature.recovery_id ^ 1));
        assert_memory_not_equal(recovered.b, public_key.b, 64);

        /* The other s of the same signature: recovered, not verified. */
        negate_s(signature.rs);
        assert_true(crypto_recover(&recovered, &hash, signature.rs, signature.recovery_id ^ 1));
        assert_memory_equal(recovered.b, public_key.b, 64);
        assert_false(crypto_ecdsa_verify(&public_key, &hash, signature.rs));
        negate_s(signature.rs);

        hash.b[i % 32] ^= 1;
        assert_false(crypto_ecdsa_verify(&public_key, &hash, signature.rs));
    }
}

static void unrecoverable(void **unused)
{
    (void)unused;
    struct crypto_private_key key = {{1}};
    struct crypto_public_key public_key, recovered = {{0xee}};
    struct crypto_signature good, bad;
    struct hash256 hash = {{2}};
    assert_true(crypto_ecdsa_sign(&good, &hash, &key));
    assert_true(crypto_public_key_of(&public_key, &key));
    for (unsigned id = 4; id < 260; id++)
        assert_false(crypto_recover(&recovered, &hash, good.rs, id));
    assert_false(crypto_recover(&recovered, &hash, good.rs, UINT_MAX));
    /* r + order is over the field's prime for all but some r close to 0. */
    assert_false(crypto_recover(&recovered, &hash, good.rs, 2));
    assert_false(crypto_recover(&recovered, &hash, good.rs, 3));
    for (int field = 0; field < 64; field += 32) {
        bad = good;
        memset(bad.rs + field, 0, 32);
        assert_false(crypto_recover(&recovered, &hash, bad.rs, 0));
        assert_false(crypto_ecdsa_verify(&public_key, &hash, bad.rs));
        take_hex(bad.rs + field, 32, order);
        assert_false(crypto_recover(&recovered, &hash, bad.rs, 0));
        assert_false(crypto_ecdsa_verify(&public_key, &hash, bad.rs));
        memset(bad.rs + field, 0xff, 32);
        assert_false(crypto_recover(&recovered, &hash, bad.rs, 1));
    }
    /* r is the x of no point: a published vector of the precompile. */
    take_hex(hash.b, 32, "a8b53bdf3306a35a7103ab5504a0c9b492295564b6202b1942a84ef300107281");
    take_hex(bad.rs, 64,
             "3078356531653033663533636531386237373263636230303933666637316633"
             "6633663563373562373464636233316138356161386238383932623465386211");
    assert_false(crypto_recover(&recovered, &hash, bad.rs, 0));
    assert_int_equal(recovered.b[0], 0xee);
    /* And one that is, from the same list. */
    struct address address;
    take_hex(hash.b, 32, "18c547e4f7b0f325ad1e56f57e26c745b09a3e503d86e00e5255ff7f715d3d1c");
    take_hex(bad.rs, 64,
             "73b1693892219d736caba55bdb67216e485557ea6b6af75f37096c9aa6a5a75f"
             "eeb940b1d03b21e36b0e47e79769f095fe2ab855bd91e3a38756b7d75a9c4549");
    assert_true(crypto_ecrecover(&address, &hash, bad.rs, 1));
    expect_hex(address.b, 20, "a94f5374fce5edbc8e2a8697c15331677e6ebf0b");
}

static void key_texts(void **unused)
{
    (void)unused;
    uint64_t seed = 9;
    for (int i = 0; i < 20; i++) {
        struct crypto_private_key key;
        struct crypto_public_key public_key, parsed;
        uint8_t text[66];
        fill_random(key.b, 32, &seed);
        assert_true(crypto_public_key_of(&public_key, &key));
        crypto_public_key_compress(text, &public_key);
        assert_true(text[0] == 2 || text[0] == 3);
        assert_true(crypto_public_key_parse(&parsed, bytes_of(text, 33)));
        assert_memory_equal(parsed.b, public_key.b, 64);
        assert_false(crypto_public_key_parse(&parsed, bytes_of(text, 32)));
        text[0] = 4;
        assert_false(crypto_public_key_parse(&parsed, bytes_of(text, 33)));

        memcpy(text + 1, public_key.b, 64);
        assert_true(crypto_public_key_parse(&parsed, bytes_of(text, 65)));
        assert_memory_equal(parsed.b, public_key.b, 64);
        assert_true(crypto_public_key_parse(&parsed, bytes_of(text + 1, 64)));
        assert_memory_equal(parsed.b, public_key.b, 64);
        assert_false(crypto_public_key_parse(&parsed, bytes_of(text, 66)));
        text[0] = 6 | (text[64] & 1); /* the hybrid form */
        assert_false(crypto_public_key_parse(&parsed, bytes_of(text, 65)));
        text[64] ^= 1; /* not on the curve any more */
        assert_false(crypto_public_key_parse(&parsed, bytes_of(text + 1, 64)));
        text[0] = 4;
        assert_false(crypto_public_key_parse(&parsed, bytes_of(text, 65)));
    }
    struct crypto_public_key none;
    assert_false(crypto_public_key_parse(&none, bytes_none()));
}

static void key_agreement(void **unused)
{
    (void)unused;
    struct crypto_private_key a = {{0}}, b = {{0}}, product = {{0}};
    struct crypto_public_key public_a, public_b, public_product, no_point = {{1}};
    uint8_t x_ab[32], x_ba[32];
    a.b[31] = 11;
    b.b[31] = 13;
    product.b[31] = 143;
    assert_true(crypto_public_key_of(&public_a, &a));
    assert_true(crypto_public_key_of(&public_b, &b));
    assert_true(crypto_public_key_of(&public_product, &product));
    assert_true(crypto_ecdh(x_ab, &public_a, &b));
    assert_true(crypto_ecdh(x_ba, &public_b, &a));
    assert_memory_equal(x_ab, x_ba, 32);
    assert_memory_equal(x_ab, public_product.b, 32);
    assert_false(crypto_ecdh(x_ab, &no_point, &a));
    assert_false(crypto_ecdsa_verify(&no_point, &(struct hash256){{0}}, public_a.b));
}

static void recover_one(void *context, size_t index, unsigned worker)
{
    (void)worker;
    atomic_int *matches = context;
    struct crypto_private_key key = {{0}};
    struct crypto_public_key public_key, recovered;
    struct crypto_signature signature;
    struct hash256 hash = {{(uint8_t)index}};
    key.b[30] = (uint8_t)index;
    key.b[31] = 1;
    if (crypto_public_key_of(&public_key, &key) && crypto_ecdsa_sign(&signature, &hash, &key) &&
        crypto_recover(&recovered, &hash, signature.rs, signature.recovery_id) &&
        memcmp(&recovered, &public_key, sizeof(recovered)) == 0)
        atomic_fetch_add(matches, 1);
}

static void many_threads(void **unused)
{
    (void)unused;
    struct pool *pool;
    atomic_int matches = 0;
    assert_int_equal(pool_new(&pool, 4), ERR_OK);
    pool_run(pool, 200, recover_one, &matches);
    assert_int_equal(matches, 200);
    pool_free(pool);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(many_threads), /* first: they race for the signing context */
        cmocka_unit_test(key_address_suite),   cmocka_unit_test(crypto_suite),
        cmocka_unit_test(key_range),           cmocka_unit_test(deterministic_signatures),
        cmocka_unit_test(sign_verify_recover), cmocka_unit_test(unrecoverable),
        cmocka_unit_test(key_texts),           cmocka_unit_test(key_agreement),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
