/* IBFT's messages: the reference's own bytes, and every frame of a live network. */
#include "base/hex.h"
#include "consensus/ibft/message.h"
#include "consensus/istanbul/hash.h"
#include "consensus/machine.h"
#include "crypto/secp256k1.h"
#include "tests/support/recordings.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

enum { FRAME_IBFT = 0x32 }; /* the capability begins at 33 */

#define A1 "1a642f0e3c3af545e7acbd38b07251b3990914f1"

static void sign(uint8_t ret[65], uint8_t key_byte, const struct hash256 *digest)
{
    struct crypto_private_key key;
    struct crypto_signature signature;
    memset(key.b, key_byte, sizeof(key.b));
    assert_true(crypto_ecdsa_sign(&signature, digest, &key));
    memcpy(ret, signature.rs, 64);
    ret[64] = signature.recovery_id;
}

static void vector(void **state)
{
    (void)state;
    struct ibft_message m = {.code = IBFT_COMMIT, .round = 0, .sequence = 5};
    uint8_t seal[65], signature[65];
    char text[400] = {0};
    assert_true(hex_decode_exact("f94a09385868a7cfdcbfbc3d77c3154925f753a662f1d9caeeb158f0df6ba484",
                                 m.digest.b, 32));
    assert_true(hex_decode_exact(A1, m.sender.b, 20));
    struct hash256 digest;
    istanbul_ibft_commit_digest(&m.digest, &digest);
    sign(seal, 1, &digest);
    m.seal = bytes_of(seal, 65);
    assert_int_equal(ibft_message_digest(&m, &digest), ERR_OK);
    sign(signature, 1, &digest);
    m.signature = bytes_of(signature, 65);
    struct buf b = BUF_INIT;
    ibft_message_write(&b, &m);
    assert_true(2 * b.len < sizeof(text));
    hex_encode(text, buf_bytes(&b));
    assert_string_equal(
        text, "b8c4f8c202a5e4c28005a0f94a09385868a7cfdcbfbc3d77c3154925f753a662f1d9caeeb158f0df6ba4"
              "8494" A1
              "b84186e4834dba80d8848972756b3319d3ffb8681d31c6522548043a6e9f94fada2b02e84fd733decb16"
              "e0e8a10b587893abfe526c1f293df4e9c60096755621bae300"
              "b841448cb1d228c6569804d31b6656136369e78c559565b13cc1a90819dc8ef6692c09d027aee920376c"
              "381e6bc7b27f0941197c2fb0754e99367d41be623ddebdaf01");
    assert_int_equal(ibft_message_verify(&m), 1);
    seal[7] ^= 1; /* signed by the sender, but its seal is not of this block */
    assert_int_equal(ibft_message_digest(&m, &digest), ERR_OK);
    sign(signature, 1, &digest);
    assert_int_equal(ibft_message_verify(&m), 0);
    buf_release(&b);
}

struct frames {
    size_t count[IBFT_CODES];
};

static void on_frame(const json_t *line, void *context)
{
    struct frames *f = context;
    if (json_integer_value(json_object_get(line, "code")) != FRAME_IBFT)
        return;
    struct buf payload = BUF_INIT, again = BUF_INIT;
    struct err_detail detail;
    struct ibft_message m;
    assert_int_equal(hex_decode(json_string_value(json_object_get(line, "rlp")), &payload), ERR_OK);
    if (ibft_message_decode(&m, buf_bytes(&payload), &detail) != ERR_OK)
        fail_msg("%s", detail.text);
    assert_int_equal(ibft_message_verify(&m), 1);
    ibft_message_write(&again, &m);
    assert_true(bytes_equal(buf_bytes(&payload), buf_bytes(&again)));
    f->count[m.code]++;
    if (m.code == IBFT_PRE_PREPARE) {
        struct consensus_block *block;
        assert_int_equal(consensus_block_new(&block, m.block, &detail), ERR_OK);
        assert_int_equal(block->number, m.sequence);
        consensus_block_unref(block);
    }
    /* Another round under the same signature, and another signature. */
    m.round++;
    assert_int_equal(ibft_message_verify(&m), 0);
    m.round--;
    m.signature = bytes_slice(m.signature, 0, 64);
    assert_int_equal(ibft_message_verify(&m), 0);
    buf_release(&payload);
    buf_release(&again);
}

static void frames(void **state)
{
    (void)state;
    recordings_require("wire-ibft");
    struct frames f = {{0}};
    recordings_lines("wire-ibft", "wire.jsonl", on_frame, &f);
    print_message("%zu PRE-PREPARE, %zu PREPARE, %zu COMMIT, %zu ROUND-CHANGE\n",
                  f.count[IBFT_PRE_PREPARE], f.count[IBFT_PREPARE], f.count[IBFT_COMMIT],
                  f.count[IBFT_ROUND_CHANGE]);
    for (size_t i = 0; i < IBFT_CODES; i++)
        assert_true(f.count[i] > 0);
}

static void refused(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"80", "IBFT message: message at byte 0: an item is missing"},
        {"c0", "IBFT payload: message at byte 0: a list where a string belongs"},
        {"9ad90480941a642f0e3c3af545e7acbd38b07251b3990914f18080",
         "IBFT message: code at byte 2: an integer too large"},
        {"9bda0280941a642f0e3c3af545e7acbd38b07251b3990914f1808080",
         "IBFT message: message at byte 26: more items than it must have"},
        {"9ad90280941a642f0e3c3af545e7acbd38b07251b3990914f18080",
         "IBFT message's content: content at byte 0: an item is missing"},
        {"9cdb0282c0c0941a642f0e3c3af545e7acbd38b07251b3990914f18080",
         "IBFT message's content: view at byte 1: an item is missing"},
        {"9fde0285c3c28080c0941a642f0e3c3af545e7acbd38b07251b3990914f18080",
         "IBFT message's content: digest at byte 4: an item is missing"},
        {"9fde8085c4c2808080941a642f0e3c3af545e7acbd38b07251b3990914f18080",
         "IBFT message's content: block at byte 4: a string where a list belongs"},
    };
    for (size_t i = 0; i < BASE_COUNT(cases); i++) {
        struct buf b = BUF_INIT;
        struct ibft_message m;
        struct err_detail detail;
        assert_int_equal(hex_decode(cases[i][0], &b), ERR_OK);
        assert_int_equal(ibft_message_decode(&m, buf_bytes(&b), &detail), ERR_INPUT);
        assert_string_equal(detail.text, cases[i][1]);
        buf_release(&b);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(vector),
        cmocka_unit_test(frames),
        cmocka_unit_test(refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
