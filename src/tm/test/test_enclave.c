/* The enclave: what it seals opens again, for whom it should and nobody else; records of every age; both encryptors. */
#include "base/hex.h"
#include "base/mem.h"
#include "crypto/ecdh.h"
#include "tm/enclave/enclave.h"
#include "tm/test/enclave_kit.h"

static const struct tm_enclave_metadata plain;

static struct bytes key_of(const struct tm_enclave *enclave, size_t n)
{
    return tm_enclave_keys(enclave).items[n];
}

static void opens(struct tm_enclave *enclave, const struct tmproto_payload *p, struct bytes key,
                  const char *text)
{
    struct bytes data, found;
    struct arena arena;
    struct err_detail detail = {""};
    arena_init(&arena);
    assert_int_equal(tm_enclave_decrypt(enclave, &data, &arena, p, key, &detail), TM_ENCLAVE_DONE);
    assert_true(bytes_equal(data, bytes_str(text)));
    assert_int_equal(tm_enclave_decrypt_any(enclave, &data, &found, &arena, p, &detail),
                     TM_ENCLAVE_DONE);
    assert_true(bytes_equal(data, bytes_str(text)));
    arena_release(&arena);
}

static int outcome(struct tm_enclave *enclave, const struct tmproto_payload *p, struct bytes key)
{
    struct bytes data;
    struct arena arena;
    arena_init(&arena);
    int status = tm_enclave_decrypt(enclave, &data, &arena, p, key, NULL);
    arena_release(&arena);
    return status;
}

static void standard_private(void **unused)
{
    (void)unused;
    struct tm_enclave *alice = kit_enclave(2), *bob = kit_enclave(1), *carol = kit_enclave(1);
    struct tmproto_payload p, sent;
    struct arena arena;
    struct bytes found, data, box;
    arena_init(&arena);
    struct bytes parties[2] = {key_of(bob, 0), key_of(alice, 0)};
    assert_int_equal(tm_enclave_encrypt(alice, &p, &arena, bytes_str("hello"), key_of(alice, 0),
                                        (struct tmproto_list){parties, 2}, &plain, NULL),
                     TM_ENCLAVE_DONE);
    assert_int_equal(p.cipher_text.len, 5 + 16);
    assert_int_equal(p.nonce.len, 24);
    assert_int_equal(p.recipient_nonce.len, 24);
    assert_int_equal(p.boxes.count, 2);
    assert_int_equal(p.boxes.items[0].len, 48);
    opens(alice, &p, key_of(alice, 0), "hello");
    assert_int_equal(outcome(alice, &p, key_of(alice, 1)), TM_ENCLAVE_NOT_LISTED);
    assert_int_equal(outcome(alice, &p, key_of(bob, 0)), TM_ENCLAVE_NOT_OURS);
    assert_int_equal(tmproto_payload_for(&sent, &arena, &p, key_of(bob, 0)), 0);
    opens(bob, &sent, key_of(bob, 0), "hello");
    sent.recipients.count = 0; /* as Constellation and early Tesseras send it */
    opens(bob, &sent, key_of(bob, 0), "hello");
    assert_int_equal(tm_enclave_decrypt_any(carol, &data, NULL, &arena, &sent, NULL),
                     TM_ENCLAVE_NOT_OPENED);
    assert_int_equal(tm_enclave_find_key(bob, &found, &sent, 0, NULL), TM_ENCLAVE_DONE);
    assert_true(bytes_equal(found, key_of(bob, 0)));
    assert_int_equal(tm_enclave_find_key(bob, &found, &sent, 1, NULL), TM_ENCLAVE_MALFORMED);
    assert_int_equal(tm_enclave_find_key(carol, &found, &sent, 0, NULL), TM_ENCLAVE_NOT_OPENED);

    /* one more party, later */
    assert_int_equal(tm_enclave_new_box(alice, &box, &arena, &p, key_of(carol, 0), NULL), 0);
    struct bytes carols = key_of(carol, 0);
    sent.boxes = (struct tmproto_list){&box, 1};
    sent.recipients = (struct tmproto_list){&carols, 1};
    opens(carol, &sent, carols, "hello");
    assert_int_equal(tm_enclave_new_box(bob, &box, &arena, &p, carols, NULL), TM_ENCLAVE_NOT_OURS);

    /* a record whose sender made no box for itself */
    struct tmproto_payload old = p;
    old.boxes.count = old.recipients.count = 1;
    opens(alice, &old, key_of(alice, 0), "hello");
    tm_enclave_free(alice);
    tm_enclave_free(bob);
    tm_enclave_free(carol);
    arena_release(&arena);
}

static void wrong_bytes(void **unused)
{
    (void)unused;
    struct tm_enclave *alice = kit_enclave(1);
    struct tmproto_payload p;
    struct arena arena;
    arena_init(&arena);
    struct bytes self = key_of(alice, 0), bad = bytes_str("zz"), data;
    struct tmproto_list to_self = {&self, 1}, to_bad = {&bad, 1};
    uint8_t small[32] = {
        0}; /* a point of small order: everybody would share the same key with it */
    assert_int_equal(
        tm_enclave_encrypt(alice, &p, &arena, bytes_str("x"), self, to_bad, &plain, NULL),
        TM_ENCLAVE_BAD_KEY);
    assert_true(bytes_equal(p.recipients.items[0], bad));
    bad = bytes_of(small, 32);
    assert_int_equal(
        tm_enclave_encrypt(alice, &p, &arena, bytes_str("x"), self, to_bad, &plain, NULL),
        TM_ENCLAVE_BAD_KEY);
    assert_int_equal(
        tm_enclave_encrypt(alice, &p, &arena, bytes_str("x"), bad, to_self, &plain, NULL),
        TM_ENCLAVE_NOT_OURS);
    assert_int_equal(
        tm_enclave_encrypt(alice, &p, &arena, bytes_str("x"), self, to_self, &plain, NULL), 0);
    /* every field damaged in turn */
    struct tmproto_payload broken = p;
    uint8_t copy[64];
    struct bytes *fields[] = {&broken.cipher_text, &broken.nonce, &broken.recipient_nonce};
    for (size_t i = 0; i < BASE_COUNT(fields); i++) {
        broken = p;
        memcpy(copy, fields[i]->data, fields[i]->len);
        copy[0] ^= 1;
        fields[i]->data = copy;
        assert_int_equal(outcome(alice, &broken, self), TM_ENCLAVE_NOT_OPENED);
        fields[i]->len = 3;
        assert_int_equal(outcome(alice, &broken, self), TM_ENCLAVE_NOT_OPENED);
        fields[i]->len = 0;
        assert_int_equal(outcome(alice, &broken, self), TM_ENCLAVE_NOT_OPENED);
    }
    broken = p;
    struct bytes box = bytes_of(copy, 3);
    broken.boxes.items = &box;
    assert_int_equal(outcome(alice, &broken, self), TM_ENCLAVE_NOT_OPENED);
    broken.boxes.count = 0;
    assert_int_equal(outcome(alice, &broken, self), TM_ENCLAVE_MALFORMED);
    assert_int_equal(tm_enclave_decrypt_any(alice, &data, NULL, &arena, &broken, NULL),
                     TM_ENCLAVE_NOT_OPENED);
    tm_enclave_free(alice);
    arena_release(&arena);
}

static void raw_payloads(void **unused)
{
    (void)unused;
    struct tm_enclave *alice = kit_enclave(1), *bob = kit_enclave(1);
    struct tm_enclave_raw raw;
    struct tmproto_payload p;
    struct arena arena;
    struct bytes data, parties[2] = {key_of(bob, 0), key_of(alice, 0)};
    arena_init(&arena);
    assert_int_equal(
        tm_enclave_encrypt_raw(alice, &raw, &arena, bytes_str("raw"), parties[0], NULL),
        TM_ENCLAVE_NOT_OURS);
    assert_int_equal(
        tm_enclave_encrypt_raw(alice, &raw, &arena, bytes_str("raw"), parties[1], NULL), 0);
    assert_int_equal(tm_enclave_decrypt_raw(alice, &data, &arena, &raw, NULL), 0);
    assert_true(bytes_equal(data, bytes_str("raw")));
    assert_int_equal(tm_enclave_decrypt_raw(bob, &data, &arena, &raw, NULL), TM_ENCLAVE_NOT_OURS);
    assert_int_equal(tm_enclave_encrypt_from_raw(alice, &p, &arena, &raw,
                                                 (struct tmproto_list){parties, 2}, &plain, NULL),
                     0);
    assert_true(bytes_equal(p.cipher_text, raw.cipher_text));
    assert_true(bytes_equal(p.nonce, raw.nonce));
    assert_false(bytes_equal(p.recipient_nonce, raw.nonce));
    opens(alice, &p, parties[1], "raw");
    opens(bob, &p, parties[0], "raw");
    raw.encrypted_key.len--;
    assert_int_equal(tm_enclave_decrypt_raw(alice, &data, &arena, &raw, NULL),
                     TM_ENCLAVE_NOT_OPENED);
    tm_enclave_free(alice);
    tm_enclave_free(bob);
    arena_release(&arena);
}

/* Who could open A proves it in B; the other party checks with its own copy of A. */
static void security_hashes(void **unused)
{
    (void)unused;
    struct tm_enclave *alice = kit_enclave(1), *bob = kit_enclave(1), *carol = kit_enclave(1);
    struct tmproto_payload a, at_bob, b, b_at_bob;
    struct arena arena;
    arena_init(&arena);
    struct bytes parties[2] = {key_of(bob, 0), key_of(alice, 0)};
    struct tmproto_list both = {parties, 2};
    struct tm_enclave_metadata m = {.privacy = TMPROTO_PRIVATE_STATE_VALIDATION,
                                    .exec_hash = bytes_str("root")};
    assert_int_equal(
        tm_enclave_encrypt(alice, &a, &arena, bytes_str("A"), parties[1], both, &m, NULL), 0);
    assert_int_equal(tmproto_payload_for(&at_bob, &arena, &a, parties[0]), 0);
    uint8_t hash[64];
    tmproto_payload_hash(hash, a.cipher_text);
    struct tm_enclave_affected list[2] = {{bytes_of(hash, 64), &at_bob},
                                          {bytes_of(hash, 64), &at_bob}};
    m.affected = list;
    m.affected_count = 2; /* twice is once */
    /* bob builds on what he received, alice checks with what she sent */
    assert_int_equal(
        tm_enclave_encrypt(bob, &b, &arena, bytes_str("B"), parties[0], both, &m, NULL), 0);
    assert_int_equal(b.affected_count, 1);
    bool invalid[1];
    struct tm_enclave_affected known = {bytes_of(hash, 64), &a};
    assert_int_equal(tm_enclave_invalid_hashes(alice, invalid, &b, &known, 1, NULL), 0);
    assert_false(invalid[0]);
    assert_int_equal(tm_enclave_invalid_hashes(alice, invalid, &b, NULL, 0, NULL), 0);
    assert_true(invalid[0]);
    assert_int_equal(tm_enclave_invalid_hashes(carol, invalid, &b, &known, 1, NULL), 0);
    assert_true(invalid[0]);
    assert_int_equal(tmproto_payload_for(&b_at_bob, &arena, &b, parties[0]), 0);
    opens(bob, &b_at_bob, parties[0], "B");
    /* carol cannot build on what she cannot open */
    struct bytes carols = key_of(carol, 0);
    assert_int_equal(tm_enclave_encrypt(carol, &b, &arena, bytes_str("C"), carols, both, &m, NULL),
                     TM_ENCLAVE_NOT_OPENED);
    tm_enclave_free(alice);
    tm_enclave_free(bob);
    tm_enclave_free(carol);
    arena_release(&arena);
}

static void keys_that_do_not_fit(void **unused)
{
    (void)unused;
    struct tm_enclave *alice = kit_enclave(1), *bob = kit_enclave(1);
    struct crypto_secret *secret;
    struct err_detail detail = {""};
    assert_int_equal(crypto_secret_copy(&secret, bytes_str("0123456789abcdef0123456789abcdef")), 0);
    assert_int_equal(tm_enclave_add_key(alice, key_of(bob, 0), secret, &detail), ERR_INPUT);
    assert_non_null(strstr(detail.text, "does not belong"));
    assert_int_equal(crypto_secret_copy(&secret, bytes_str("short")), 0);
    assert_int_equal(tm_enclave_add_key(alice, bytes_none(), secret, &detail), ERR_INPUT);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(crypto_secret_copy(&secret, bytes_str("0123456789abcdef0123456789abcdef")),
                         0);
        assert_int_equal(tm_enclave_add_key(alice, bytes_none(), secret, &detail),
                         i ? ERR_EXISTS : 0);
    }
    assert_int_equal(tm_enclave_keys(alice).count, 2);
    assert_int_equal(tm_enclave_add_forwarding(alice, bytes_str("zz"), &detail), ERR_INPUT);
    for (int i = 0; i < 2; i++)
        assert_int_equal(tm_enclave_add_forwarding(alice, key_of(bob, 0), &detail), 0);
    assert_int_equal(tm_enclave_forwarding(alice).count, 1);
    assert_true(bytes_equal(tm_enclave_default_key(alice), key_of(alice, 0)));
    tm_enclave_free(alice);
    tm_enclave_free(bob);
}

/* More pairs than are kept: the answers stay the same. */
static void many_pairs(void **unused)
{
    (void)unused;
    struct tm_enclave *alice = kit_enclave(2);
    struct arena arena;
    arena_init(&arena);
    for (size_t n = 0; n < 3 * TM_ENCLAVE_SHARED_KEPT; n++) {
        uint8_t other[32] = {9};
        struct bytes to[2] = {bytes_of(other, 32), key_of(alice, n & 1)};
        struct tmproto_payload p;
        memcpy(other + 8, &n, sizeof(n));
        arena_clear(&arena);
        assert_int_equal(tm_enclave_encrypt(alice, &p, &arena, bytes_str("many"), to[1],
                                            (struct tmproto_list){to, 2}, &plain, NULL),
                         0);
        if (n % 64 == 0)
            opens(alice, &p, to[1], "many");
    }
    tm_enclave_free(alice);
    arena_release(&arena);
}

/* The known answer of ECDH and AES-GCM (spec, EC mode), and the same journey as with NaCl. */
static void elliptic_curves(void **unused)
{
    (void)unused;
    struct tm_encryptor e;
    struct err_detail detail = {""};
    struct buf pub = BUF_INIT, priv = BUF_INIT;
    uint8_t shared[32], nonce[24], box[29];
    char digits[128] = "";
    assert_int_equal(tm_encryptor_init(&e, "EC", NULL, NULL, NULL, NULL, &detail), 0);
    /* PKCS#8 of the scalars 11…11 and 22…22 on P-256 */
    static const char head[] =
        "3041020100301306072a8648ce3d020106082a8648ce3d030107042730250201010420";
    struct buf a = BUF_INIT, b = BUF_INIT;
    assert_int_equal(hex_decode(head, &a), 0);
    assert_int_equal(hex_decode(head, &b), 0);
    memset(buf_extend(&a, 32), 0x11, 32);
    memset(buf_extend(&b, 32), 0x22, 32);
    assert_int_equal(tm_encryptor_public(&e, &pub, buf_bytes(&b)), 0);
    assert_int_equal(pub.len, 91);
    assert_int_equal(tm_encryptor_shared(&e, shared, buf_bytes(&pub), buf_bytes(&a)), 0);
    hex_encode(digits, bytes_of(shared, 32));
    assert_string_equal(digits, "879862c13fe2ce9e880b2596046b045e309b2f7860231b9c0f6c9a7cc2ab37ff");
    for (size_t i = 0; i < 24; i++)
        nonce[i] = (uint8_t)i;
    assert_int_equal(tm_encryptor_seal(&e, box, bytes_str("hello quorate"), bytes_of(nonce, 24),
                                       bytes_of(shared, 32)),
                     0);
    hex_encode(digits, bytes_of(box, 29));
    digits[58] = 0;
    assert_string_equal(digits, "263fc69901c0cbae41d6757eae28e82a60b3d835a1d400664ef784542b");
    buf_release(&a);
    buf_release(&b);
    buf_release(&pub);

    static const char *const curves[] = {NULL, "secp384r1", "secp521r1", "secp256k1"};
    for (size_t i = 0; i < BASE_COUNT(curves); i++) {
        struct tm_enclave *both;
        struct tmproto_payload p;
        struct arena arena;
        arena_init(&arena);
        assert_int_equal(tm_encryptor_init(&e, "ec", "AES/GCM/NoPadding", curves[i],
                                           i ? "12" : NULL, i ? "16" : NULL, &detail),
                         0);
        assert_int_equal(tm_enclave_new(&both, &e), 0);
        for (size_t n = 0; n < 2; n++) {
            struct crypto_secret *secret;
            buf_clear(&pub);
            buf_clear(&priv);
            assert_int_equal(tm_encryptor_generate(&e, &pub, &priv), 0);
            assert_int_equal(crypto_secret_copy(&secret, buf_bytes(&priv)), 0);
            assert_int_equal(tm_enclave_add_key(both, buf_bytes(&pub), secret, &detail), 0);
        }
        struct bytes to[2] = {key_of(both, 0), key_of(both, 1)};
        assert_int_equal(tm_enclave_encrypt(both, &p, &arena, bytes_str("curve"), to[0],
                                            (struct tmproto_list){to, 2}, &plain, &detail),
                         0);
        opens(both, &p, to[0], "curve");
        opens(both, &p, to[1], "curve");
        assert_false(tm_encryptor_is_public(&e, bytes_str("zz")));
        tm_enclave_free(both);
        arena_release(&arena);
    }
    buf_release(&pub);
    buf_release(&priv);
    assert_int_equal(tm_encryptor_init(&e, "EC", "AES/CBC", NULL, NULL, NULL, &detail),
                     ERR_UNSUPPORTED);
    assert_int_equal(tm_encryptor_init(&e, "EC", NULL, "curve0", NULL, NULL, &detail),
                     ERR_UNSUPPORTED);
    assert_int_equal(tm_encryptor_init(&e, "EC", NULL, NULL, "x", NULL, &detail), ERR_INPUT);
    assert_int_equal(tm_encryptor_init(&e, "EC", NULL, NULL, NULL, "17", &detail), ERR_INPUT);
    assert_int_equal(tm_encryptor_init(&e, "RSA", NULL, NULL, NULL, NULL, &detail),
                     ERR_UNSUPPORTED);
    assert_int_equal(tm_encryptor_init(&e, "CUSTOM", NULL, NULL, NULL, NULL, &detail), 0);
    assert_int_equal(e.kind, TM_ENCRYPTOR_NACL);
}

/* Every allocation of a journey fails once: nothing but an error. */
static void out_of_memory(void **unused)
{
    (void)unused;
    struct tm_enclave *alice = kit_enclave(1);
    struct bytes self = key_of(alice, 0), data;
    bool done = false;
    for (size_t n = 1; !done; n++) {
        struct arena arena;
        struct tmproto_payload p;
        struct tm_enclave *other = NULL;
        struct tm_encryptor e;
        tm_encryptor_init_nacl(&e);
        arena_init_limited(&arena, 0);
        mem_fail_at(n, 1);
        int status = tm_enclave_new(&other, &e);
        if (status == 0)
            status = tm_enclave_add_forwarding(other, self, NULL);
        if (status == 0)
            status = tm_enclave_encrypt(alice, &p, &arena, bytes_str("x"), self,
                                        (struct tmproto_list){&self, 1}, &plain, NULL);
        if (status == 0)
            status = tm_enclave_decrypt(alice, &data, &arena, &p, self, NULL);
        done = mem_fail_left() > 0;
        mem_fail_at(0, 0);
        assert_int_equal(status, done ? 0 : ERR_NOMEM);
        tm_enclave_free(other);
        arena_release(&arena);
    }
    tm_enclave_free(alice);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(standard_private),     cmocka_unit_test(wrong_bytes),
        cmocka_unit_test(raw_payloads),         cmocka_unit_test(security_hashes),
        cmocka_unit_test(keys_that_do_not_fit), cmocka_unit_test(many_pairs),
        cmocka_unit_test(elliptic_curves),      cmocka_unit_test(out_of_memory),
    };
    return cmocka_run_group_tests_name("tm enclave", tests, NULL, NULL);
}
