#include "crypto/address.h"
#include "crypto/aes.h"
#include "crypto/test/support.h"

/* The addresses of EIP-55: all capitals, all small, mixed. */
static void checksummed_addresses(void **unused)
{
    (void)unused;
    static const char *const texts[] = {
        "0x52908400098527886E0F7030069857D2E4169EE7", "0x8617E340B3D01FA5F11F306F4090FD50E238070D",
        "0xde709f2102306220921060314715629080e2fb77", "0x27b1fdb04752bbc536007a920d24acb045561c26",
        "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed", "0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359",
        "0xdbF03B407c01E7cD3CBea99509d93f8DDDC8C6FB", "0xD1220A0cf47c7B9Be7A2E6BA89F429762e7b9aDb",
    };
    for (size_t i = 0; i < BASE_COUNT(texts); i++) {
        struct address address;
        char text[CRYPTO_ADDRESS_TEXT];
        take_hex(address.b, 20, texts[i]);
        crypto_address_checksum(text, &address);
        assert_string_equal(text, texts[i]);
    }
}

/* NIST SP 800-38A, F.5.1 and F.5.5; and a counter that wraps around. */
static void counter_mode(void **unused)
{
    (void)unused;
    uint8_t key[32], counter[16], text[32], plain[32];
    take_hex(counter, 16, "f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff");
    take_hex(plain, 32, "6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51");
    take_hex(key, 16, "2b7e151628aed2a6abf7158809cf4f3c");
    assert_int_equal(crypto_aes_ctr(text, bytes_of(key, 16), counter, bytes_of(plain, 32)), ERR_OK);
    expect_hex(text, 32, "874d6191b620e3261bef6864990db6ce9806f66b7970fdff8617187bb9fffdff");
    assert_int_equal(crypto_aes_ctr(text, bytes_of(key, 16), counter, bytes_of(text, 32)), ERR_OK);
    assert_memory_equal(text, plain, 32);
    take_hex(key, 32, "603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4");
    assert_int_equal(crypto_aes_ctr(text, bytes_of(key, 32), counter, bytes_of(plain, 31)), ERR_OK);
    expect_hex(text, 31, "601ec313775789a5b7a7f504bbf3d228f443e3ca4d62b59aca84e990cacaf5");

    uint8_t zeros[32] = {0}, wrapped[32], first[16];
    memset(counter, 0xff, 16);
    assert_int_equal(crypto_aes_ctr(wrapped, bytes_of(key, 32), counter, bytes_of(zeros, 32)),
                     ERR_OK);
    memset(counter, 0, 16);
    assert_int_equal(crypto_aes_ctr(first, bytes_of(key, 32), counter, bytes_of(zeros, 16)),
                     ERR_OK);
    assert_memory_equal(wrapped + 16, first, 16);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(checksummed_addresses),
        cmocka_unit_test(counter_mode),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
