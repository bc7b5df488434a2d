#include "crypto/keccak.h"

#include "base/hex.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void expect_hash(const struct hash256 *actual, const char *expected)
{
    char text[65] = {0};
    hex_encode(text, bytes_of(actual->b, 32));
    assert_string_equal(text, expected);
}

/* Published values: the empty string and a short text (Yellow Paper, appendix; Ethereum wiki), and
 * EIP-55's address. */
static void known_answers(void **state)
{
    (void)state;
    struct hash256 hash;
    crypto_keccak256(&hash, bytes_none());
    expect_hash(&hash, "c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470");
    assert_true(hash256_equal(&hash, &crypto_keccak256_empty));
    crypto_keccak256(&hash, bytes_str("abc"));
    expect_hash(&hash, "4e03657aea45a94fc7d47ba826c8d667c0d1e6e33a64a036ec44f58fa12d6c45");
    crypto_keccak256(&hash, bytes_str("transfer(address,uint256)"));
    expect_hash(&hash, "a9059cbb2ab09eb219583f4a59a5d0623ade346d962bcd4e46b11da047c9049b");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_answers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
