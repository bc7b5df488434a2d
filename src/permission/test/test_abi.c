/* Calls and results, against the layout that Solidity's specification gives. */
#include "base/hex.h"
#include "permission/abi.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#define WORD(digits) "00000000000000000000000000000000000000000000000000000000000000" digits

/* The selector is the one of GoQuorum's binding. */
static void a_call_is_encoded(void **state)
{
    struct permission_value values[3] = {{.text = bytes_str("ORG")}, {.text = bytes_none()}};
    struct buf b = BUF_INIT, wanted = BUF_INIT;
    (void)state;
    memset(values[2].address.b, 0x11, 20);
    permission_abi_call(&b, "addOrg(string,string,address)", values);
    assert_int_equal(
        hex_decode("8f362a3e" WORD("60")
                       WORD("a0") "000000000000000000000000111111111111111111111111111111111111111"
                                  "1" WORD("03") "4f52470000000000000000000000000000000000000000000"
                                                 "000000000000000" WORD("00"),
                   &wanted),
        0);
    assert_int_equal(b.len, wanted.len);
    assert_memory_equal(b.data, wanted.data, b.len);
    buf_release(&b);
    buf_release(&wanted);
}

static void values_come_back(void **state)
{
    static const char signature[] = "f(address,string,string,uint256,bool)";
    struct permission_value in[5] = {{.text = bytes_none()}}, out[PERMISSION_VALUES_MAX];
    struct buf b = BUF_INIT;
    (void)state;
    in[0].address.b[19] = 7;
    in[1].text = bytes_str("a text that is longer than one word of the ABI");
    in[2].text = bytes_str("");
    in[3].number = u256_from(UINT64_MAX);
    in[4].number = u256_from(1);
    permission_abi_encode(&b, signature, in);
    assert_int_equal(permission_abi_count(signature), 5);
    assert_true(permission_abi_decode(out, signature, buf_bytes(&b)));
    assert_true(address_equal(&in[0].address, &out[0].address));
    assert_true(bytes_equal(in[1].text, out[1].text));
    assert_int_equal(out[2].text.len, 0);
    assert_true(u256_equal(&in[3].number, &out[3].number));
    assert_true(u256_equal(&in[4].number, &out[4].number));
    /* The last text is empty: only its length stands at the end. */
    for (size_t len = 0; len < b.len; len++)
        assert_false(permission_abi_decode(out, signature, bytes_of(b.data, len)));
    buf_release(&b);
}

static void wrong_offsets_are_refused(void **state)
{
    struct permission_value out[PERMISSION_VALUES_MAX];
    uint8_t data[64] = {0};
    (void)state;
    data[31] = 32;
    assert_true(permission_abi_decode(out, "f(string)", bytes_of(data, 64)));
    data[63] = 1; /* one byte that is not there */
    assert_false(permission_abi_decode(out, "f(string)", bytes_of(data, 64)));
    data[31] = 33;
    assert_false(permission_abi_decode(out, "f(string)", bytes_of(data, 64)));
    data[0] = 0x80;
    assert_false(permission_abi_decode(out, "f(string)", bytes_of(data, 64)));
    assert_false(permission_abi_decode(out, "f(string)", bytes_of(data, 31)));
}

/* The first topics of GoQuorum's contracts (their generated bindings). */
static void topics(void **state)
{
    static const struct {
        const char *signature, *topic;
    } cases[] = {
        {"AccountAccessModified(address,string,string,bool,uint256)",
         "68e62a03aeb0a125c2fc869eed72f2fca473680987bdd680c093a534e17cc776"},
        {"OrgApproved(string,string,string,uint256,uint256)",
         "d705723a50859c9cc1d3953e10b8b9478820e7a62927ad3215897ed87b20591c"},
        {"RoleCreated(string,string,uint256,bool,bool)",
         "efa5bc1bedbee25b04b00855c15a0c180ecb4a2440d4d08296e49561655e2b1c"},
        {"NodeApproved(string,string)",
         "0413ce00d5de406d9939003416263a7530eaeb13f9d281c8baeba1601def960d"},
        {"NodeApproved(string,string,uint16,uint16,string)",
         "9394c836a3325586270659f6aa3b9f835abca9afe7fec5abfc69760bb12bce0d"},
        {"NodeRecoveryCompleted(string,string,uint16,uint16,string)",
         "60aac8c36efdaabf125dc9ec2124bde8b3ceafe5c8b4fc8063fc4ac9017eb0be"},
    };
    (void)state;
    for (size_t i = 0; i < BASE_COUNT(cases); i++) {
        struct hash256 topic, wanted;
        permission_abi_topic(&topic, cases[i].signature);
        assert_true(hex_decode_exact(cases[i].topic, wanted.b, 32));
        assert_true(hash256_equal(&topic, &wanted));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_call_is_encoded),
        cmocka_unit_test(values_come_back),
        cmocka_unit_test(wrong_offsets_are_refused),
        cmocka_unit_test(topics),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
