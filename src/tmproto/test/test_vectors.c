/* Known answers for every encoding, made from the algorithms by another implementation (spec, 2.6 and 4.1), and what is
 * refused. Keys: A = 01..20, B = 21..40; master key 60..7f; nonces 00..17 and 40..57; payload "hello quorate". */
#include "base/base64.h"
#include "base/hex.h"
#include "base/mem.h"
#include "crypto/hash.h"
#include "crypto/nacl.h"
#include "crypto/sha3.h"
#include "tmproto/media.h"
#include "tmproto/partyinfo.h"
#include "tmproto/payload.h"
#include "tmproto/version.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
// cmocka comes last, it needs those
#include <cmocka.h>

static struct {
    uint8_t a[32], b[32], a_pub[32], b_pub[32], shared[32], self[32], master[32], nonce[24],
        recipient_nonce[24], cipher_text[29], box_b[48], box_a[48], hash[64], security_hash[64];
} v;

static void ramp(uint8_t *ret, size_t len, uint8_t from)
{
    for (size_t i = 0; i < len; i++)
        ret[i] = (uint8_t)(from + i);
}

static int setup(void **unused)
{
    (void)unused;
    ramp(v.a, 32, 1);
    ramp(v.b, 32, 0x21);
    ramp(v.master, 32, 0x60);
    ramp(v.nonce, 24, 0);
    ramp(v.recipient_nonce, 24, 0x40);
    crypto_nacl_public(v.a_pub, v.a);
    crypto_nacl_public(v.b_pub, v.b);
    assert_true(crypto_nacl_shared(v.shared, v.b_pub, v.a));
    assert_true(crypto_nacl_shared(v.self, v.a_pub, v.a));
    crypto_nacl_seal(v.cipher_text, bytes_str("hello quorate"), v.nonce, v.master);
    crypto_nacl_seal(v.box_b, bytes_of(v.master, 32), v.recipient_nonce, v.shared);
    crypto_nacl_seal(v.box_a, bytes_of(v.master, 32), v.recipient_nonce, v.self);
    tmproto_payload_hash(v.hash, bytes_of(v.cipher_text, sizeof(v.cipher_text)));
    struct bytes ct = bytes_of(v.cipher_text, sizeof(v.cipher_text));
    struct bytes parts[] = {ct, ct, bytes_of(v.master, 32)};
    crypto_sha3_512(v.security_hash, parts, 3);
    return 0;
}

static void is_base64(const void *data, size_t len, const char *text)
{
    struct buf b = BUF_INIT;
    base64_append(&b, bytes_of(data, len));
    assert_string_equal(buf_text(&b), text);
    buf_release(&b);
}

static void is_hex(const void *data, size_t len, const char *text)
{
    char digits[256] = "";
    hex_encode(digits, bytes_of(data, len));
    assert_string_equal(digits, text);
}

static void primitives(void **unused)
{
    (void)unused;
    struct hash256 orion;
    is_base64(v.a_pub, 32, "B6N8vBQgk8i3VdwbEOhstCY3StFqqFPtC9/AsrhtHHw=");
    is_base64(v.b_pub, 32, "WGmv9FBUlzLLqu1eXfmzCm2jHLDldCutWtShp2jxpns=");
    is_hex(v.shared, 32, "ec88f6e13b22bf9f04d480e0d8525c08ac7e2f48e212742bcbcafa104a74b08d");
    is_hex(v.cipher_text, 29, "b90d8945e5348665b5cd84bdeb033e480ffef59004950956b3ce516870");
    is_hex(
        v.box_b, 48,
        "70a94ecbdaae661814def9dfa4ae9d38ab9eef27d6ed9942adca1674638441a7ae27143d0eec03bfa2ca90785"
        "2e599a7");
    is_hex(
        v.box_a, 48,
        "9e7e72ddd633652642732dd095ac5f5c0130d109db06a5de3f30e4139da252b7af3db69d8096ccff7cc026c27"
        "a32e394");
    is_base64(
        v.hash, 64,
        "0GUHJNU7GMBEYt1HpmAQ6pc+zcNUlmbo2fN1ubUK2xXd379XX50IQV5yOUxYC8C2ggmQPvX7CwCR4hcRZNFjrQ==");
    crypto_sha512_256(&orion, bytes_of(v.cipher_text, 29));
    is_base64(orion.b, 32, "80ee0x1Ybiac6Gwv313PepP8aNrnNCANgePYQ7c8gYk=");
}

static struct tmproto_payload payload(size_t boxes, bool keys)
{
    static struct bytes box_list[2], key_list[2];
    box_list[0] = bytes_of(v.box_b, 48);
    box_list[1] = bytes_of(v.box_a, 48);
    key_list[0] = bytes_of(v.b_pub, 32);
    key_list[1] = bytes_of(v.a_pub, 32);
    return (struct tmproto_payload){.sender = bytes_of(v.a_pub, 32),
                                    .cipher_text = bytes_of(v.cipher_text, 29),
                                    .nonce = bytes_of(v.nonce, 24),
                                    .boxes = {box_list, boxes},
                                    .recipient_nonce = bytes_of(v.recipient_nonce, 24),
                                    .recipients = {key_list, keys ? boxes : 0}};
}

/* Encodes, compares length and SHA-256, decodes, and encodes again to the same. */
static void is_encoding(const struct tmproto_payload *p, enum tmproto_codec codec,
                        enum tmproto_extent extent, size_t len, const char *sha256)
{
    struct buf b = BUF_INIT, again = BUF_INIT;
    struct tmproto_payload decoded;
    struct arena arena;
    struct hash256 hash;
    struct err_detail detail = {""};
    arena_init(&arena);
    tmproto_payload_encode(&b, p, codec, extent);
    assert_int_equal(b.len, len);
    crypto_sha256(&hash, buf_bytes(&b));
    is_hex(hash.b, 32, sha256);
    assert_int_equal(tmproto_payload_decode(&decoded, &arena, codec, buf_bytes(&b), &detail), 0);
    tmproto_payload_encode(&again, &decoded, codec, extent);
    assert_true(bytes_equal(buf_bytes(&b), buf_bytes(&again)));
    if (codec == TMPROTO_LEGACY && extent == TMPROTO_EXTENT_ALL)
        assert_int_equal(tmproto_payload_size(p), len);
    buf_release(&b);
    buf_release(&again);
    arena_release(&arena);
}

static void encodings(void **unused)
{
    (void)unused;
    struct tmproto_payload p = payload(1, false);
    is_encoding(&p, TMPROTO_LEGACY, TMPROTO_EXTENT_BOXES, 205,
                "b3ca555f3c107e44f702d04df8145ebd140175f8260ae43cf82b68b1f3e232c6");
    is_encoding(&p, TMPROTO_LEGACY, TMPROTO_EXTENT_RECIPIENTS, 213,
                "f5cb562cab84a8093e2bc60188704ce74b6467ef3e298abc2b688f29a106c035");
    p = payload(1, true);
    is_encoding(&p, TMPROTO_LEGACY, TMPROTO_EXTENT_ALL, 270,
                "bbef31cbf8a6b3780f0c09e0b27d22c562c4571981deb3b61b3fb03a9547e9f3");
    is_encoding(&p, TMPROTO_CBOR, TMPROTO_EXTENT_ALL, 332,
                "49c24b78c1676baea44f26b5b6a64c7eda4095c1f1a9938b8b5e7b725b8dd4e7");
    p = payload(2, true);
    is_encoding(&p, TMPROTO_LEGACY, TMPROTO_EXTENT_ALL, 366,
                "a3835d7abd874d0693f086b35c546c97c455c1b92ff3815a04db1e56632699e0");
    struct tmproto_affected affected = {bytes_of(v.hash, 64), bytes_of(v.security_hash, 64)};
    struct bytes box = bytes_of(v.box_b, 48);
    p.boxes = (struct tmproto_list){&box, 1};
    p.privacy = TMPROTO_PRIVATE_STATE_VALIDATION;
    p.affected = &affected;
    p.affected_count = 1;
    p.exec_hash = bytes_str("0xabc");
    is_encoding(&p, TMPROTO_LEGACY, TMPROTO_EXTENT_ALL, 467,
                "909140b6e8214737670bccf8846a6c594eba10c221040abf8490459491828f18");
    p = payload(1, true);
    p.privacy = TMPROTO_MANDATORY_RECIPIENTS;
    p.mandatory = p.recipients;
    p.group = bytes_str("group");
    is_encoding(&p, TMPROTO_LEGACY, TMPROTO_EXTENT_ALL, 331,
                "177297b6785a0172f876e52868ecb0f0bb46669ebe1bf56eb172fb2cff4ffb23");
}

/* Both codecs carry every field. */
static void cbor_carries_all(void **unused)
{
    (void)unused;
    struct tmproto_payload p = payload(2, true), decoded;
    struct tmproto_affected affected = {bytes_of(v.hash, 64), bytes_of(v.security_hash, 64)};
    struct buf b = BUF_INIT;
    struct arena arena;
    arena_init(&arena);
    p.privacy = TMPROTO_MANDATORY_RECIPIENTS;
    p.mandatory = (struct tmproto_list){p.recipients.items, 1};
    p.affected = &affected;
    p.affected_count = 1;
    p.group = bytes_str("group");
    tmproto_payload_encode(&b, &p, TMPROTO_CBOR, TMPROTO_EXTENT_ALL);
    assert_int_equal(tmproto_payload_decode(&decoded, &arena, TMPROTO_CBOR, buf_bytes(&b), NULL),
                     0);
    assert_int_equal(decoded.privacy, p.privacy);
    assert_int_equal(decoded.boxes.count, 2);
    assert_int_equal(decoded.mandatory.count, 1);
    assert_true(bytes_equal(decoded.affected[0].hash, affected.hash));
    assert_true(bytes_equal(decoded.affected[0].security_hash, affected.security_hash));
    assert_true(bytes_equal(decoded.group, p.group));
    /* maps and lists of open length, as Java's library writes them when it is not told a size */
    static const uint8_t open[] = "\xbf\x66sender\x41\x01\x6arecipients\x9f\x41\x02\x41\x03\xff"
                                  "\x68"
                                  "affected\xbf\x64YWE=\x41\x04\xff\xff";
    assert_int_equal(tmproto_payload_decode(&decoded, &arena, TMPROTO_CBOR,
                                            bytes_of(open, sizeof(open) - 1), NULL),
                     0);
    assert_int_equal(decoded.recipients.count, 2);
    assert_true(bytes_equal(decoded.affected[0].hash, bytes_str("aa")));
    arena_release(&arena);
    buf_release(&b);
}

static void refuse(enum tmproto_codec codec, struct bytes data, int wanted, const char *text)
{
    struct tmproto_payload p;
    struct err_detail detail = {""};
    struct arena arena;
    arena_init(&arena);
    int status = tmproto_payload_decode(&p, &arena, codec, data, &detail);
    if (status != wanted || !strstr(detail.text, text))
        fail_msg("%d \"%s\", not \"%s\"", status, detail.text, text);
    arena_release(&arena);
}

static void what_is_refused(void **unused)
{
    (void)unused;
    struct buf b = BUF_INIT;
    struct tmproto_payload p = payload(1, true);
    static const char *const names[] = {"senderKey", "cipherText", "cipherTextNonce",
                                        "recipientBoxes", "recipientNonce"};
    static const size_t fields[] = {0, 40, 77, 109, 173};
    for (size_t i = 0; i < BASE_COUNT(fields); i++) { /* a length that lies, in each field */
        buf_clear(&b);
        tmproto_payload_encode(&b, &p, TMPROTO_LEGACY, TMPROTO_EXTENT_ALL);
        b.data[fields[i]] = 0x7f;
        refuse(TMPROTO_LEGACY, buf_bytes(&b), ERR_INPUT, names[i]);
        b.data[fields[i]] = 0xff;
        refuse(TMPROTO_LEGACY, buf_bytes(&b), ERR_INPUT, names[i]);
    }
    refuse(TMPROTO_LEGACY, bytes_none(), ERR_INPUT, "senderKey");
    p.privacy = TMPROTO_PRIVATE_STATE_VALIDATION;
    buf_clear(&b);
    tmproto_payload_encode(&b, &p, TMPROTO_LEGACY, TMPROTO_EXTENT_ALL);
    refuse(TMPROTO_LEGACY, buf_bytes(&b), ERR_INPUT, "ExecutionHash data is invalid");
    p.privacy = TMPROTO_MANDATORY_RECIPIENTS;
    buf_clear(&b);
    tmproto_payload_encode(&b, &p, TMPROTO_LEGACY, TMPROTO_EXTENT_ALL);
    refuse(TMPROTO_LEGACY, buf_bytes(&b), ERR_INPUT, "Mandatory Recipients");
    p.privacy = TMPROTO_STANDARD_PRIVATE;
    p.mandatory = p.recipients;
    buf_clear(&b);
    tmproto_payload_encode(&b, &p, TMPROTO_CBOR, TMPROTO_EXTENT_ALL);
    refuse(TMPROTO_CBOR, buf_bytes(&b), ERR_INPUT, "Mandatory Recipients");
    refuse(TMPROTO_CBOR, bytes_str("\xa1\x66sender\x61x"), ERR_INPUT, "sender");
    refuse(TMPROTO_CBOR, bytes_str("\xa1\x65where\x41x"), ERR_INPUT, "CBOR");
    refuse(TMPROTO_CBOR, bytes_str("\xa2\x66sender\x41x\x66sender\x41x"), ERR_INPUT, "sender");
    refuse(TMPROTO_CBOR, bytes_str("\xa1\x6arecipients\x9a\x7f\xff\xff\xff"), ERR_INPUT,
           "recipients");
    /* more entries than any payload has, in bytes that could hold them */
    uint8_t *many = mem_alloc_zeroed(1, 1 << 20);
    memcpy(many, "\xa1\x6arecipients\x9a\x00\x02\x00\x00", 17);
    refuse(TMPROTO_CBOR, bytes_of(many, 1 << 20), ERR_LIMIT, "recipients");
    mem_free(many);
    buf_release(&b);
}

static void one_recipient(void **unused)
{
    (void)unused;
    struct tmproto_payload p = payload(2, true), for_a;
    struct arena arena;
    arena_init(&arena);
    assert_int_equal(tmproto_payload_for(&for_a, &arena, &p, bytes_of(v.a_pub, 32)), 0);
    assert_int_equal(for_a.boxes.count, 1);
    assert_true(bytes_equal(for_a.boxes.items[0], bytes_of(v.box_a, 48)));
    assert_int_equal(for_a.recipients.count, 1);
    p.privacy = TMPROTO_PRIVATE_STATE_VALIDATION;
    assert_int_equal(tmproto_payload_for(&for_a, &arena, &p, bytes_of(v.a_pub, 32)), 0);
    assert_int_equal(for_a.boxes.count, 1);
    assert_int_equal(for_a.recipients.count, 2);
    assert_true(bytes_equal(for_a.recipients.items[0], bytes_of(v.a_pub, 32)));
    assert_true(bytes_equal(for_a.recipients.items[1], bytes_of(v.b_pub, 32)));
    assert_int_equal(tmproto_payload_for(&for_a, &arena, &p, bytes_str("nobody")), ERR_NOTFOUND);
    /* a key without a box */
    p.boxes.count = 1;
    assert_int_equal(tmproto_payload_for(&for_a, &arena, &p, bytes_of(v.a_pub, 32)), ERR_NOTFOUND);
    arena_release(&arena);
}

static void party_info(void **unused)
{
    (void)unused;
    struct tmproto_party_key key = {bytes_of(v.a_pub, 32), bytes_str("http://10.0.0.1:9001/")};
    struct bytes party = bytes_str("http://10.0.0.2:9001/");
    struct tmproto_partyinfo info = {key.url, &key, 1, {&party, 1}}, decoded;
    struct err_detail detail = {""};
    struct buf b = BUF_INIT;
    struct arena arena;
    arena_init(&arena);
    tmproto_partyinfo_encode(&b, &info);
    assert_int_equal(b.len, 143);
    assert_memory_equal(b.data, "\0\0\0\0\0\0\0\x15http://10.0.0.1:9001/\0\0\0\0\0\0\0\x01", 37);
    assert_int_equal(tmproto_partyinfo_decode(&decoded, &arena, buf_bytes(&b), &detail), 0);
    assert_int_equal(decoded.key_count, 1);
    assert_true(bytes_equal(decoded.keys[0].key, key.key));
    assert_true(bytes_equal(decoded.keys[0].url, key.url));
    assert_true(bytes_equal(decoded.parties.items[0], party));
    b.data[29] = 0x7f;
    assert_int_equal(tmproto_partyinfo_decode(&decoded, &arena, buf_bytes(&b), &detail), ERR_INPUT);
    assert_non_null(strstr(detail.text, "recipients"));
    b.data[29] = 0;
    b.data[8] = '\n';
    assert_int_equal(tmproto_partyinfo_decode(&decoded, &arena, buf_bytes(&b), &detail), ERR_INPUT);
    assert_non_null(strstr(detail.text, "control characters"));
    arena_release(&arena);
    buf_release(&b);
}

static void versions_and_media(void **unused)
{
    (void)unused;
    struct buf b = BUF_INIT;
    enum tmproto_media media;
    tmproto_versions set = tmproto_versions_parse(0, bytes_str("v1, v2,9.9"));
    set = tmproto_versions_parse(set, bytes_str("5.0"));
    assert_true(tmproto_versions_have(set, TMPROTO_V2));
    assert_false(tmproto_versions_have(set, TMPROTO_V4));
    tmproto_versions_format(&b, set);
    buf_append_byte(&b, ' ');
    tmproto_versions_format_api(&b, TMPROTO_VERSIONS_ALL);
    assert_string_equal(buf_text(&b),
                        "v1,v2,5.0 [\"1.0\",\"2.0\",\"2.1\",\"3.0\",\"4.0\",\"5.0\"]");
    buf_release(&b);
    assert_true(
        tmproto_media_parse(&media, bytes_str(" Application/vnd.tessera-2.1+JSON ; charset=x")));
    assert_int_equal(media, TMPROTO_MEDIA_JSON_2_1);
    assert_string_equal(tmproto_media_type(media), "application/vnd.tessera-2.1+json");
    assert_false(tmproto_media_parse(&media, bytes_str("application/jso")));
    assert_false(tmproto_media_parse(&media, bytes_none()));
}

static void base64(void **unused)
{
    (void)unused;
    static const char *const good[][2] = {
        {"", ""},           {"Zg==", "f"}, {"Zm8=", "fo"},      {"Zm9v", "foo"},
        {"Zm9vYg", "foob"}, {"Zh==", "f"}, {"Zm9vYmE", "fooba"}};
    static const char *const bad[] = {
        "Z", "Zg=", "Zg=x", "Z===", "====", "Zm9v=", "Zm 9", "Zm9v\n", "_m9v"};
    struct buf b = BUF_INIT;
    uint8_t exact[3];
    for (size_t i = 0; i < BASE_COUNT(good); i++) {
        buf_clear(&b);
        assert_int_equal(base64_decode(&b, bytes_str(good[i][0])), 0);
        assert_string_equal(buf_text(&b), good[i][1]);
    }
    buf_clear(&b);
    for (size_t i = 0; i < BASE_COUNT(bad); i++)
        if (base64_decode(&b, bytes_str(bad[i])) != ERR_INPUT)
            fail_msg("%s was taken", bad[i]);
    assert_int_equal(b.len, 0);
    assert_true(base64_decode_exact(exact, 3, bytes_str("Zm9v")));
    assert_false(base64_decode_exact(exact, 2, bytes_str("Zm9v")));
    assert_false(base64_decode_exact(exact, 3, bytes_str("Zm9vYg==")));
    for (size_t len = 0; len < 100; len++) {
        uint8_t data[100];
        ramp(data, len, (uint8_t)(7 * len));
        struct buf text = BUF_INIT;
        base64_append(&text, bytes_of(data, len));
        buf_clear(&b);
        assert_int_equal(base64_decode(&b, buf_bytes(&text)), 0);
        assert_true(bytes_equal(buf_bytes(&b), bytes_of(data, len)));
        buf_release(&text);
    }
    buf_release(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(primitives),         cmocka_unit_test(encodings),
        cmocka_unit_test(cbor_carries_all),   cmocka_unit_test(what_is_refused),
        cmocka_unit_test(one_recipient),      cmocka_unit_test(party_info),
        cmocka_unit_test(versions_and_media), cmocka_unit_test(base64),
    };
    return cmocka_run_group_tests_name("tmproto", tests, setup, NULL);
}
