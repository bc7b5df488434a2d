#include "crypto/secp256k1.h"

#include "base/hex.h"
#include "tests/support/fixtures.h"

#include <gmp.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "crypto/keccak.h"

static void decimal32(const json_t *object, const char *key, uint8_t ret[32])
{
    mpz_t value;
    assert_int_equal(mpz_init_set_str(value, json_string_value(json_object_get(object, key)), 10),
                     0);
    size_t len = (mpz_sizeinbase(value, 2) + 7) / 8;
    assert_true(len <= 32);
    memset(ret, 0, 32);
    mpz_export(ret + 32 - len, NULL, 1, 1, 1, 0, value);
    mpz_clear(value);
}

/* Private key, address and the signature of the empty string. The suite's signatures were made with
 * random nonces, so they are recovered, not repeated. */
static void key_address_suite(void **state)
{
    (void)state;
    fixtures_require("ethereum-tests/BasicTests/keyaddrtest.json", "github.com/ethereum/tests");
    char path[4096];
    snprintf(path, sizeof(path), "%s/ethereum-tests/BasicTests/keyaddrtest.json",
             fixtures_folder());
    json_t *cases = fixtures_json(path), *each;
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
        struct crypto_public_key public_key, recovered;
        struct address address;
        memcpy(private_key.b, key.data, 32);
        assert_true(crypto_public_key_of(&public_key, &private_key));
        crypto_address_of(&address, &public_key);
        assert_memory_equal(address.b, expected.data, 20);

        const json_t *signature = json_object_get(each, "sig_of_emptystring");
        uint8_t rs[64], v[32];
        decimal32(signature, "r", rs);
        decimal32(signature, "s", rs + 32);
        decimal32(signature, "v", v);
        assert_true(crypto_recover(&recovered, &crypto_keccak256_empty, rs, v[31] - 27u));
        assert_memory_equal(recovered.b, public_key.b, 64);
        assert_true(crypto_ecrecover(&address, &crypto_keccak256_empty, rs, v[31] - 27u));
        assert_memory_equal(address.b, expected.data, 20);
        buf_release(&key);
        buf_release(&expected);
    }
    json_decref(cases);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(key_address_suite),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
