#include "crypto/keystore.h"

#include "crypto/aes.h"
#include "crypto/hash.h"
#include "crypto/keccak.h"
#include "crypto/test/support.h"
#include "tests/support/fixtures.h"

#include <stdio.h>

static void parse(struct crypto_keystore *ret, const char *text)
{
    struct err_detail detail = {""};
    if (crypto_keystore_parse(ret, bytes_str(text), &detail) != ERR_OK)
        fail_msg("%s", detail.text);
}

static void expect_same(const struct crypto_keystore *a, const struct crypto_keystore *b)
{
    assert_memory_equal(a, b, sizeof(*a));
}

/* Every file of the suite opens with its password, and with no other. */
static void key_store_suite(void **unused)
{
    (void)unused;
    fixtures_require("ethereum-tests/KeyStoreTests", "github.com/ethereum/tests");
    char path[4096];
    snprintf(path, sizeof(path), "%s/ethereum-tests/KeyStoreTests/basic_tests.json",
             fixtures_folder());
    json_t *cases = fixtures_json(path), *each;
    const char *name;
    assert_int_equal(json_object_size(cases), 5);
    json_object_foreach(cases, name, each)
    {
        struct crypto_keystore k;
        struct crypto_private_key key;
        struct buf expected = BUF_INIT;
        char *text = json_dumps(json_object_get(each, "json"), 0);
        parse(&k, text);
        free(text);
        const char *password = json_string_value(json_object_get(each, "password"));
        assert_int_equal(crypto_keystore_open(&key, &k, bytes_str(password), NULL),
                         CRYPTO_KEYSTORE_OPEN);
        assert_true(fixtures_hex(each, "priv", &expected));
        assert_memory_equal(key.b, expected.data, 32);
        assert_int_equal(crypto_keystore_open(&key, &k, bytes_str("other"), NULL),
                         CRYPTO_KEYSTORE_WRONG_PASSWORD);
        buf_release(&expected);
    }
    json_decref(cases);
}

/* A file with the weakest derivation, so that tests are quick. The content may be any. */
static struct crypto_keystore quick_file(const uint8_t *content, size_t len, const char *password)
{
    struct crypto_keystore k = {.kdf = CRYPTO_KEYSTORE_PBKDF2,
                                .iterations = 1,
                                .salt = {1, 2, 3},
                                .salt_len = 3,
                                .iv = {0xff},
                                .ciphertext_len = len};
    uint8_t derived[32], message[16 + 32];
    crypto_pbkdf2_sha256(derived, 32, bytes_str(password), bytes_of(k.salt, 3), 1);
    assert_int_equal(
        crypto_aes_ctr(k.ciphertext, bytes_of(derived, 16), k.iv, bytes_of(content, len)), ERR_OK);
    memcpy(message, derived + 16, 16);
    memcpy(message + 16, k.ciphertext, len);
    crypto_keccak256(&k.mac, bytes_of(message, 16 + len));
    return k;
}

/* Some writers leave out leading zeros of the key. */
static void short_content(void **unused)
{
    (void)unused;
    uint8_t content[32];
    memset(content, 0x11, sizeof(content));
    for (size_t len = 1; len <= 32; len++) {
        struct crypto_private_key key, expected = {{0}};
        struct crypto_keystore k = quick_file(content, len, "pass");
        memcpy(expected.b + 32 - len, content, len);
        assert_int_equal(crypto_keystore_open(&key, &k, bytes_str("pass"), NULL),
                         CRYPTO_KEYSTORE_OPEN);
        assert_memory_equal(key.b, expected.b, 32);
    }
}

static void damaged_content(void **unused)
{
    (void)unused;
    struct err_detail detail;
    struct crypto_private_key key = {{0xee}};
    uint8_t content[32] = {0};
    struct crypto_keystore k = quick_file(content, 32, "pass");
    assert_int_equal(crypto_keystore_open(&key, &k, bytes_str("pass"), &detail), ERR_CORRUPT);
    assert_string_equal(detail.text, "key file: the content is not a private key");
    memset(content, 0xff, 32); /* over the order */
    k = quick_file(content, 32, "pass");
    assert_int_equal(crypto_keystore_open(&key, &k, bytes_str("pass"), &detail), ERR_CORRUPT);

    content[0] = 1;
    k = quick_file(content, 32, "pass");
    k.has_address = true;
    assert_int_equal(crypto_keystore_open(&key, &k, bytes_str("pass"), &detail), ERR_CORRUPT);
    assert_string_equal(detail.text, "key file: the key is not that of the address");
    k.has_address = false;
    k.mac.b[31] ^= 1;
    assert_int_equal(crypto_keystore_open(&key, &k, bytes_str("pass"), &detail),
                     CRYPTO_KEYSTORE_WRONG_PASSWORD);
    assert_int_equal(key.b[0], 0xee);
}

static void seal_and_open(void **unused)
{
    (void)unused;
    struct crypto_private_key key = {{0}}, opened;
    struct crypto_keystore sealed, again, parsed;
    struct buf text = BUF_INIT;
    key.b[31] = 1;
    assert_int_equal(
        crypto_keystore_seal(&sealed, &key, bytes_str("pass"), CRYPTO_KEYSTORE_LIGHT, NULL),
        ERR_OK);
    assert_int_equal(sealed.n, 4096);
    assert_int_equal(sealed.p, 6);
    expect_hex(sealed.address.b, 20, "7e5f4552091a69125d5dfcb7b8c2659029395bdf");
    assert_int_equal(sealed.id[6] >> 4, 4);
    assert_int_equal(sealed.id[8] >> 6, 2);
    crypto_keystore_format(&text, &sealed);
    parse(&parsed, buf_text(&text));
    expect_same(&parsed, &sealed);
    assert_int_equal(crypto_keystore_open(&opened, &parsed, bytes_str("pass"), NULL),
                     CRYPTO_KEYSTORE_OPEN);
    assert_memory_equal(opened.b, key.b, 32);
    buf_release(&text);

    assert_int_equal(
        crypto_keystore_seal(&again, &key, bytes_none(), CRYPTO_KEYSTORE_STANDARD, NULL), ERR_OK);
    assert_int_equal(again.n, 262144);
    assert_int_equal(again.p, 1);
    assert_memory_not_equal(again.salt, sealed.salt, 32);
    assert_memory_not_equal(again.iv, sealed.iv, 16);
    assert_memory_not_equal(again.id, sealed.id, 16);
    assert_int_equal(crypto_keystore_open(&opened, &again, bytes_none(), NULL),
                     CRYPTO_KEYSTORE_OPEN);
    assert_memory_equal(opened.b, key.b, 32);

    key.b[31] = 0;
    assert_int_equal(crypto_keystore_seal(&again, &key, bytes_none(), CRYPTO_KEYSTORE_LIGHT, NULL),
                     ERR_INPUT);
}

#define IV     "000102030405060708090a0b0c0d0e0f"
#define MAC    IV IV
#define SCRYPT "{\"dklen\":32,\"n\":2,\"r\":1,\"p\":1,\"salt\":\"aa\"}"
#define PARAMS "\"kdf\":\"scrypt\",\"kdfparams\":" SCRYPT
#define CIPHER                                                                                     \
    "\"cipher\":\"aes-128-ctr\",\"cipherparams\":{\"iv\":\"" IV "\"},\"ciphertext\":\"01\","       \
    "\"mac\":\"" MAC "\","
#define STORE(members, crypto) "{" members "\"version\":3,\"crypto\":{" crypto "}}"
#define KDF(params)            STORE("", CIPHER "\"kdf\":\"scrypt\",\"kdfparams\":{" params "}")
#define PBKDF2(params)         STORE("", CIPHER "\"kdf\":\"pbkdf2\",\"kdfparams\":{" params "}")

static void lenient_reading(void **unused)
{
    (void)unused;
    struct crypto_keystore k, other;
    parse(&k, STORE("", CIPHER PARAMS));
    assert_false(k.has_address);
    assert_int_equal(k.salt_len, 1);
    assert_int_equal(k.ciphertext_len, 1);
    parse(&other, STORE("\"address\":\"\",\"more\":[1],", CIPHER PARAMS));
    expect_same(&other, &k);
    parse(&other, "{\"Version\":3,\"Crypto\":{" CIPHER PARAMS "}}");
    expect_same(&other, &k);
    parse(&k, STORE("\"address\":\"0x7e5f4552091a69125d5dfcb7b8c2659029395bdf\","
                    "\"id\":\"3198bc9c-6672-5ab3-d995-4942343ae5b6\",",
                    CIPHER PARAMS));
    assert_true(k.has_address);
    expect_hex(k.address.b, 20, "7e5f4552091a69125d5dfcb7b8c2659029395bdf");
    expect_hex(k.id, 16, "3198bc9c66725ab3d9954942343ae5b6");
}

static const struct {
    const char *text;
    int status;
    const char *message;
} malformed[] = {
    {"", ERR_INPUT, "key file: line 1: '[' or '{' expected near end of file"},
    {"[]", ERR_INPUT, "key file: not a JSON object"},
    {"{} x", ERR_INPUT, "key file: line 1: end of file expected"},
    {"{}", ERR_INPUT, "key file: version: missing"},
    {"{\"version\":\"1\"}", ERR_UNSUPPORTED, "key file: version: not 3"},
    {"{\"version\":4}", ERR_UNSUPPORTED, "key file: version: not 3"},
    {"{\"version\":3}", ERR_INPUT, "key file: crypto: missing"},
    {"{\"version\":3,\"crypto\":1}", ERR_INPUT, "key file: crypto: not an object"},
    {STORE("\"id\":\"3198bc9c\",", CIPHER PARAMS), ERR_INPUT, "key file: id: not a UUID"},
    {STORE("\"id\":\"0x98bc9c-6672-5ab3-d995-4942343ae5b6\",", CIPHER PARAMS), ERR_INPUT,
     "key file: id: not a UUID"},
    {STORE("\"id\":7,", CIPHER PARAMS), ERR_INPUT, "key file: id: not a string"},
    {STORE("\"address\":\"7e\",", CIPHER PARAMS), ERR_INPUT,
     "key file: address: not hexadecimal of the right length"},
    {STORE("", PARAMS), ERR_INPUT, "key file: crypto.cipher: missing"},
    {STORE("", "\"cipher\":\"aes-256-ctr\"," PARAMS), ERR_UNSUPPORTED,
     "key file: crypto.cipher: not supported"},
    {STORE("", "\"cipher\":\"aes-128-ctr\",\"cipherparams\":{\"iv\":\"00\"}," PARAMS), ERR_INPUT,
     "key file: crypto.cipherparams.iv: not hexadecimal of the right length"},
    {STORE("", CIPHER "\"ciphertext\":\"\"," PARAMS), ERR_INPUT,
     "key file: crypto.ciphertext: empty"},
    {STORE("", CIPHER "\"ciphertext\":\"0g\"," PARAMS), ERR_INPUT,
     "key file: crypto.ciphertext: not hexadecimal"},
    {STORE("", CIPHER "\"ciphertext\":\"" MAC "00\"," PARAMS), ERR_LIMIT,
     "key file: crypto.ciphertext: too long"},
    {STORE("", CIPHER "\"mac\":\"00\"," PARAMS), ERR_INPUT,
     "key file: crypto.mac: not hexadecimal of the right length"},
    {STORE("", CIPHER "\"kdf\":\"argon2id\""), ERR_UNSUPPORTED,
     "key file: crypto.kdf: neither scrypt nor pbkdf2"},
    {STORE("", CIPHER "\"kdf\":\"scrypt\""), ERR_INPUT, "key file: crypto.kdfparams: missing"},
    {KDF("\"dklen\":31,\"n\":2,\"r\":1,\"p\":1,\"salt\":\"\""), ERR_INPUT,
     "key file: crypto.kdfparams.dklen: less than 32"},
    {KDF("\"dklen\":32,\"n\":3,\"r\":1,\"p\":1,\"salt\":\"\""), ERR_INPUT,
     "key file: crypto.kdfparams.n: not a power of two"},
    {KDF("\"dklen\":32,\"n\":1,\"r\":1,\"p\":1,\"salt\":\"\""), ERR_INPUT,
     "key file: crypto.kdfparams.n: not a power of two"},
    {KDF("\"dklen\":32,\"n\":2.0,\"r\":1,\"p\":1,\"salt\":\"\""), ERR_INPUT,
     "key file: crypto.kdfparams.n: not a whole number"},
    {KDF("\"dklen\":32,\"n\":2,\"r\":0,\"p\":1,\"salt\":\"\""), ERR_INPUT,
     "key file: crypto.kdfparams.r: not positive"},
    {KDF("\"dklen\":32,\"n\":2,\"r\":1,\"p\":-1,\"salt\":\"\""), ERR_INPUT,
     "key file: crypto.kdfparams.p: not positive"},
    {KDF("\"dklen\":32,\"n\":16777216,\"r\":1,\"p\":1,\"salt\":\"\""), ERR_LIMIT,
     "key file: crypto.kdfparams.n: too large"},
    {KDF("\"dklen\":32,\"n\":2097152,\"r\":8,\"p\":1,\"salt\":\"\""), ERR_LIMIT,
     "key file: crypto.kdfparams.n: n * r * p is too large"},
    {KDF("\"dklen\":32,\"n\":8388608,\"r\":8388608,\"p\":8388608,\"salt\":\"\""), ERR_LIMIT,
     "key file: crypto.kdfparams.n: n * r * p is too large"},
    {PBKDF2("\"dklen\":32,\"c\":1,\"prf\":\"hmac-sha1\",\"salt\":\"\""), ERR_UNSUPPORTED,
     "key file: crypto.kdfparams.prf: not supported"},
    {PBKDF2("\"dklen\":32,\"c\":0,\"prf\":\"hmac-sha256\",\"salt\":\"\""), ERR_INPUT,
     "key file: crypto.kdfparams.c: not positive"},
    {PBKDF2("\"dklen\":32,\"c\":16777217,\"prf\":\"hmac-sha256\",\"salt\":\"\""), ERR_LIMIT,
     "key file: crypto.kdfparams.c: too large"},
    {PBKDF2("\"dklen\":32,\"c\":1,\"prf\":\"hmac-sha256\",\"salt\":7"), ERR_INPUT,
     "key file: crypto.kdfparams.salt: not a string"},
};

static void malformed_files(void **unused)
{
    (void)unused;
    for (size_t i = 0; i < BASE_COUNT(malformed); i++) {
        struct crypto_keystore k = {.n = 77};
        struct err_detail detail = {""};
        int status = crypto_keystore_parse(&k, bytes_str(malformed[i].text), &detail);
        assert_string_equal(detail.text, malformed[i].message);
        assert_int_equal(status, malformed[i].status);
        assert_int_equal(k.n, 77);
    }
}

static void sizes_are_bounded(void **unused)
{
    (void)unused;
    struct crypto_keystore k;
    struct err_detail detail;
    struct buf text = BUF_INIT;
    char *spaces = (char *)buf_extend(&text, CRYPTO_KEYSTORE_MAX_TEXT);
    memset(spaces, ' ', CRYPTO_KEYSTORE_MAX_TEXT);
    memcpy(spaces, STORE("", CIPHER PARAMS), strlen(STORE("", CIPHER PARAMS)));
    assert_int_equal(crypto_keystore_parse(&k, buf_bytes(&text), &detail), ERR_OK);
    buf_append_byte(&text, ' ');
    assert_int_equal(crypto_keystore_parse(&k, buf_bytes(&text), &detail), ERR_LIMIT);
    buf_clear(&text);

    for (int extra = 0; extra < 2; extra++) {
        buf_append_text(&text, "{\"version\":3,\"crypto\":{" CIPHER
                               "\"kdf\":\"scrypt\",\"kdfparams\":{\"dklen\":32,\"n\":2,\"r\":1,"
                               "\"p\":1,\"salt\":\"");
        for (int i = 0; i < CRYPTO_KEYSTORE_MAX_SALT + extra; i++)
            buf_append_text(&text, "5a");
        buf_append_text(&text, "\"}}}");
        assert_int_equal(crypto_keystore_parse(&k, buf_bytes(&text), &detail),
                         extra ? ERR_LIMIT : ERR_OK);
        buf_clear(&text);
    }
    buf_release(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(key_store_suite),   cmocka_unit_test(short_content),
        cmocka_unit_test(damaged_content),   cmocka_unit_test(seal_and_open),
        cmocka_unit_test(lenient_reading),   cmocka_unit_test(malformed_files),
        cmocka_unit_test(sizes_are_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
