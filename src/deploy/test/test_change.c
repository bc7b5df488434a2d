/* Key material that takes the place of what is there. */
#include "deploy/keys/change.h"
#include "deploy/secrets/file.h"

#include "crypto/keystore.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

static char folder[32], store[64], key_path[64], lock[80];
static struct deploy_secrets secrets;
static struct deploy_organization organization = {.name = {.text = "carrier"}};
static struct deploy_peer peer = {.name = {.text = "node"}};
static const struct deploy_owner owner = {
    .organization = &organization, .peer = &peer, .has_tm = true};

static const char quorum[] = "secret/carrier-quo/crypto/node/quorum";
static const char transaction[] = "secret/carrier-quo/crypto/node/transaction";
static const char certs[] = "secret/carrier-quo/crypto/node/certs";
static const char authority[] = "secret/carrier-quo/authority";

static int open_store(void **state)
{
    (void)state;
    struct err_detail detail;
    const struct deploy_secrets_key key = {.key_file = key_path};
    snprintf(folder, sizeof(folder), "/tmp/test_change_XXXXXX");
    if (!mkdtemp(folder))
        return -1;
    snprintf(store, sizeof(store), "%s/secrets", folder);
    snprintf(key_path, sizeof(key_path), "%s/secrets.key", folder);
    snprintf(lock, sizeof(lock), "%s/secrets.lock", folder);
    return deploy_secrets_file_open(&secrets, store, &key, &detail);
}

static int close_store(void **state)
{
    (void)state;
    deploy_secrets_close(&secrets);
    unlink(store);
    unlink(key_path);
    unlink(lock);
    return rmdir(folder);
}

static void ensure(struct deploy_identity *ret_identity)
{
    struct err_detail detail;
    if (deploy_keys_ensure(ret_identity, NULL, &secrets, &owner, &detail) != ERR_OK)
        fail_msg("%s", detail.text);
}

static json_t *read_secret(const char *path)
{
    struct err_detail detail;
    json_t *fields = NULL;
    if (deploy_secrets_read(&secrets, &fields, path, &detail) != ERR_OK)
        fail_msg("%s", detail.text);
    return fields;
}

static uint64_t versions_of(const char *path)
{
    struct err_detail detail;
    uint64_t count = 0;
    assert_int_equal(deploy_secrets_versions(&secrets, &count, path, &detail), ERR_OK);
    return count;
}

static void rotate(enum deploy_material material)
{
    struct err_detail detail;
    if (deploy_keys_change(&secrets, &owner, material, NULL, true, &detail) != ERR_OK)
        fail_msg("%s", detail.text);
}

static void refuse(enum deploy_material material, const struct deploy_import *import, int code,
                   const char *text)
{
    struct err_detail detail = {""};
    assert_int_equal(deploy_keys_change(&secrets, &owner, material, import, true, &detail), code);
    if (!strstr(detail.text, text))
        fail_msg("'%s' is not in '%s'", text, detail.text);
}

static void words(void **state)
{
    (void)state;
    for (int i = 0; i < DEPLOY_MATERIALS; i++)
        assert_int_equal(deploy_material_of(deploy_material_word((enum deploy_material)i)), i);
    assert_int_equal(deploy_material_of("nothing"), -1);
}

static void nothing_to_rotate(void **state)
{
    (void)state;
    for (int i = 0; i < DEPLOY_MATERIALS; i++)
        refuse((enum deploy_material)i, NULL, ERR_NOTFOUND, "`quorate up` makes what is missing");
}

static void each_is_new(void **state)
{
    (void)state;
    struct deploy_identity a, b;
    ensure(&a);
    for (int i = 0; i < DEPLOY_MATERIALS; i++)
        rotate((enum deploy_material)i);
    rotate(DEPLOY_CERTIFICATE); /* by the new authority */
    ensure(&b);
    assert_memory_not_equal(&a.node, &b.node, sizeof(a.node));
    assert_memory_not_equal(&a.account, &b.account, sizeof(a.account));
    assert_string_not_equal(a.tm_public, b.tm_public);
    assert_string_not_equal(a.certificate_sha1, b.certificate_sha1);
    assert_string_not_equal(a.authority_sha1, b.authority_sha1);
    assert_string_equal(a.certificate_name, b.certificate_name);
    for (int i = 0; i < DEPLOY_SECRET_KINDS; i++)
        assert_true(a.marks[i] != b.marks[i]);
    assert_true(a.database_mark != b.database_mark);
    assert_int_equal(b.former_accounts, 1);
    assert_int_equal(b.former_tm, 1);
    assert_int_equal(versions_of(quorum), 5);
    assert_int_equal(versions_of(transaction), 2);
    assert_int_equal(versions_of(certs), 3);
    assert_int_equal(versions_of(authority), 2);
}

static void open_with(const json_t *fields, const char *name, int result)
{
    struct crypto_keystore keystore;
    struct crypto_private_key key;
    struct err_detail detail;
    const char *text = json_string_value(json_object_get(fields, name));
    const char *passphrase = json_string_value(json_object_get(fields, "gethpassword"));
    assert_int_equal(crypto_keystore_parse(&keystore, bytes_str(text), &detail), ERR_OK);
    assert_int_equal(crypto_keystore_open(&key, &keystore, bytes_str(passphrase), &detail), result);
}

/* A passphrase is of all accounts, the former ones too. */
static void one_passphrase(void **state)
{
    (void)state;
    struct deploy_identity identity;
    ensure(&identity);
    rotate(DEPLOY_ACCOUNT);
    rotate(DEPLOY_PASSPHRASE);
    json_t *fields = read_secret(quorum);
    open_with(fields, "keystore", CRYPTO_KEYSTORE_OPEN);
    open_with(fields, "keystore.1", CRYPTO_KEYSTORE_OPEN);
    json_object_set_new(fields, "gethpassword", json_string("another"));
    open_with(fields, "keystore.1", CRYPTO_KEYSTORE_WRONG_PASSWORD);
    json_decref(fields);
}

/* The former pair stays whole. */
static void former_pairs(void **state)
{
    (void)state;
    struct deploy_identity first, second, third;
    ensure(&first);
    rotate(DEPLOY_TM);
    ensure(&second);
    rotate(DEPLOY_TM);
    ensure(&third);
    json_t *fields = read_secret(transaction);
    assert_int_equal(json_object_size(fields), 6);
    assert_string_equal(json_string_value(json_object_get(fields, "tm.pub.1")), first.tm_public);
    assert_string_equal(json_string_value(json_object_get(fields, "tm.pub.2")), second.tm_public);
    assert_string_equal(json_string_value(json_object_get(fields, "tm.pub")), third.tm_public);
    assert_non_null(json_object_get(fields, "tm.key.1"));
    json_decref(fields);
}

static struct deploy_import content(const char *text)
{
    return (struct deploy_import){.content = bytes_str(text)};
}

static void what_does_not_fit(void **state)
{
    (void)state;
    struct deploy_identity before, after;
    struct buf pem = BUF_INIT, key = BUF_INIT, root = BUF_INIT;
    struct err_detail detail;
    ensure(&before);
    const uint64_t versions = versions_of(quorum);
    struct deploy_import in = content("01");
    refuse(DEPLOY_NODEKEY, &in, ERR_INPUT, "64 hexadecimal digits");
    in = content("0000000000000000000000000000000000000000000000000000000000000000\n");
    refuse(DEPLOY_NODEKEY, &in, ERR_INPUT, "nodekey is no private key");
    in = content("{}");
    refuse(DEPLOY_ACCOUNT, &in, ERR_INPUT, "");
    refuse(DEPLOY_TM, &in, ERR_INPUT, "neither locked nor unlocked");
    in = content("{\"data\":{\"bytes\":\"AAAA\"}}");
    refuse(DEPLOY_TM, &in, ERR_INPUT, "no key of 32 bytes");
    in = content("\n");
    refuse(DEPLOY_PASSPHRASE, &in, ERR_INPUT, "1 to 1024 bytes");
    refuse(DEPLOY_DATABASE, &in, ERR_INPUT, "1 to 1024 bytes");
    in = content("\xff\xfe\n");
    refuse(DEPLOY_DATABASE, &in, ERR_INPUT, "is no text");
    refuse(DEPLOY_CERTIFICATE, &in, ERR_INPUT, "PEM is expected");
    refuse(DEPLOY_AUTHORITY, &in, ERR_INPUT, "no certificate in PEM");

    /* A leaf in place of an authority; a certificate with another's key, or of another authority. */
    json_t *fields = read_secret(certs), *top = read_secret(authority);
    assert_int_equal(deploy_certs_pem(&pem, fields, certs, "ambassadorcrt", &detail), ERR_OK);
    assert_int_equal(deploy_certs_pem(&key, top, authority, "rootcakey", &detail), ERR_OK);
    in = (struct deploy_import){.content = buf_bytes(&pem), .key = buf_bytes(&key)};
    refuse(DEPLOY_AUTHORITY, &in, ERR_INPUT, "is no authority's certificate");
    refuse(DEPLOY_CERTIFICATE, &in, ERR_INPUT, "the key is not that of the certificate");
    buf_clear(&key);
    assert_int_equal(deploy_certs_pem(&key, fields, certs, "ambassadorkey", &detail), ERR_OK);
    rotate(DEPLOY_AUTHORITY);
    json_decref(top);
    top = read_secret(authority);
    assert_int_equal(deploy_certs_pem(&root, top, authority, "rootcapem", &detail), ERR_OK);
    in.key = buf_bytes(&key);
    in.authority = buf_bytes(&root);
    refuse(DEPLOY_CERTIFICATE, &in, ERR_INPUT, "does not lead to the authority");
    in.authority = bytes_none(); /* the one in its chain */
    assert_int_equal(deploy_keys_change(&secrets, &owner, DEPLOY_CERTIFICATE, &in, true, &detail),
                     ERR_OK);
    ensure(&after);
    assert_int_equal(versions_of(quorum), versions);
    assert_string_equal(before.certificate_sha1, after.certificate_sha1);
    assert_string_equal(before.tm_public, after.tm_public);
    json_decref(fields);
    json_decref(top);
    buf_release(&pem);
    buf_release(&key);
    buf_release(&root);
}

/* The rest of its secret is made around what is brought along. */
static void before_the_first_up(void **state)
{
    (void)state;
    struct deploy_identity identity;
    struct err_detail detail;
    struct deploy_import in =
        content("0101010101010101010101010101010101010101010101010101010101010101\n");
    assert_int_equal(deploy_keys_change(&secrets, &owner, DEPLOY_NODEKEY, &in, false, &detail),
                     ERR_OK);
    /* RFC 7748, section 6.1: Alice's pair. */
    in = content("{\"type\":\"unlocked\",\"data\":{\"bytes\":"
                 "\"dwdtCnMYpX08FsFyUbJmRd9ML4frwJkqsXf7pR25LCo=\"}}");
    assert_int_equal(deploy_keys_change(&secrets, &owner, DEPLOY_TM, &in, false, &detail), ERR_OK);
    ensure(&identity);
    static const uint8_t address[] = {0x1a, 0x64, 0x2f, 0x0e, 0x3c, 0x3a, 0xf5, 0x45, 0xe7, 0xac,
                                      0xbd, 0x38, 0xb0, 0x72, 0x51, 0xb3, 0x99, 0x09, 0x14, 0xf1};
    assert_memory_equal(identity.node_address.b, address, sizeof(address));
    assert_string_equal(identity.tm_public, "hSDwCYkwp1R0i33ctD73Wg2/Og0mOBr066SpjqqbTmo=");
    assert_int_equal(identity.former_tm, 0);
    assert_int_equal(versions_of(quorum), 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_store, close_store)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(words),
        TEST(nothing_to_rotate),
        TEST(each_is_new),
        TEST(one_passphrase),
        TEST(former_pairs),
        TEST(what_does_not_fit),
        TEST(before_the_first_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
