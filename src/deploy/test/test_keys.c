/* The embedded store of secrets, and the key material in it. */
#include "deploy/keys/keys.h"
#include "deploy/secrets/file.h"

#include "base/file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

struct place {
    char folder[32];
    char store[64];
    char key[64];
    char lock[72];
};

static struct place place;

static int make_place(void **state)
{
    (void)state;
    snprintf(place.folder, sizeof(place.folder), "/tmp/test_keys_XXXXXX");
    if (!mkdtemp(place.folder))
        return -1;
    snprintf(place.store, sizeof(place.store), "%s/secrets", place.folder);
    snprintf(place.key, sizeof(place.key), "%s/secrets.key", place.folder);
    snprintf(place.lock, sizeof(place.lock), "%s/secrets.lock", place.folder);
    return 0;
}

static int remove_place(void **state)
{
    (void)state;
    unlink(place.store);
    unlink(place.key);
    unlink(place.lock);
    return rmdir(place.folder);
}

static struct deploy_secrets open_with_key(void)
{
    struct deploy_secrets secrets;
    struct err_detail detail = {""};
    const struct deploy_secrets_key key = {.key_file = place.key};
    if (deploy_secrets_file_open(&secrets, place.store, &key, &detail) != ERR_OK)
        fail_msg("%s", detail.text);
    return secrets;
}

static void what_is_written_is_read(void **state)
{
    (void)state;
    struct err_detail detail;
    struct deploy_secrets secrets = open_with_key();
    json_t *fields = json_pack("{s:s}", "nodekey", "first"), *read = NULL, *paths = NULL;
    assert_int_equal(deploy_secrets_read(&secrets, &read, "a/b", &detail), ERR_NOTFOUND);
    assert_int_equal(deploy_secrets_write(&secrets, "a/b", fields, &detail), ERR_OK);
    json_object_set_new(fields, "nodekey", json_string("second"));
    assert_int_equal(deploy_secrets_write(&secrets, "a/b", fields, &detail), ERR_OK);
    deploy_secrets_close(&secrets);

    secrets = open_with_key();
    assert_int_equal(deploy_secrets_read(&secrets, &read, "a/b", &detail), ERR_OK);
    assert_true(json_equal(read, fields));
    assert_int_equal(deploy_secrets_list(&secrets, &paths, &detail), ERR_OK);
    assert_int_equal(json_array_size(paths), 1);
    const char *text;
    assert_int_equal(deploy_secrets_field(&text, read, "a/b", "nodekey", &detail), ERR_OK);
    assert_string_equal(text, "second");
    assert_int_equal(deploy_secrets_field(&text, read, "a/b", "keystore", &detail), ERR_CORRUPT);
    assert_non_null(strstr(detail.text, "the secret a/b has no keystore"));
    deploy_secrets_drop(read);
    json_decref(fields);
    json_decref(paths);
    deploy_secrets_close(&secrets);
}

static void nothing_shows_in_the_file(void **state)
{
    (void)state;
    struct err_detail detail;
    struct stat info;
    struct deploy_secrets secrets = open_with_key();
    json_t *fields = json_pack("{s:s}", "nodekey", "plain-to-see");
    assert_int_equal(deploy_secrets_write(&secrets, "a", fields, &detail), ERR_OK);
    json_decref(fields);
    deploy_secrets_close(&secrets);
    struct buf file = BUF_INIT;
    assert_int_equal(file_read(place.store, 65536, &file, &detail), ERR_OK);
    assert_null(memmem(file.data, file.len, "plain", 5));
    assert_null(memmem(file.data, file.len, "nodekey", 7));
    assert_int_equal(stat(place.store, &info), 0);
    assert_int_equal(info.st_mode & 0777, 0600);
    assert_int_equal(stat(place.key, &info), 0);
    assert_int_equal(info.st_mode & 0777, 0600);
    buf_release(&file);
}

static void one_process_at_a_time(void **state)
{
    (void)state;
    struct err_detail detail;
    struct deploy_secrets secrets = open_with_key(), other;
    const struct deploy_secrets_key key = {.key_file = place.key};
    assert_int_equal(deploy_secrets_file_open(&other, place.store, &key, &detail), ERR_BUSY);
    assert_non_null(strstr(detail.text, "in use by another quorate"));
    deploy_secrets_close(&secrets);
}

static int open_passphrase(const char *passphrase, struct err_detail *detail)
{
    struct deploy_secrets secrets;
    const struct deploy_secrets_key key = {.passphrase = bytes_str(passphrase)};
    int status = deploy_secrets_file_open(&secrets, place.store, &key, detail);
    if (status == ERR_OK)
        deploy_secrets_close(&secrets);
    return status;
}

static void passphrases(void **state)
{
    (void)state;
    struct err_detail detail;
    assert_int_equal(open_passphrase("right", &detail), ERR_OK);
    assert_int_equal(open_passphrase("right", &detail), ERR_OK);
    assert_int_equal(open_passphrase("wrong", &detail), ERR_USAGE);
    assert_non_null(strstr(detail.text, "a wrong passphrase or key file"));
    struct deploy_secrets secrets;
    const struct deploy_secrets_key key = {.key_file = place.key};
    assert_int_equal(deploy_secrets_file_open(&secrets, place.store, &key, &detail), ERR_USAGE);
    assert_non_null(strstr(detail.text, "opens with a passphrase, not with a key file"));
}

static void every_flipped_byte_is_noticed(void **state)
{
    (void)state;
    struct err_detail detail;
    struct deploy_secrets secrets = open_with_key();
    deploy_secrets_close(&secrets);
    struct buf file = BUF_INIT;
    const struct deploy_secrets_key key = {.key_file = place.key};
    assert_int_equal(file_read(place.store, 65536, &file, &detail), ERR_OK);
    for (size_t i = 0; i < file.len; i++) {
        file.data[i] ^= 1;
        assert_int_equal(file_write_private(place.store, buf_bytes(&file), &detail), ERR_OK);
        assert_int_not_equal(deploy_secrets_file_open(&secrets, place.store, &key, &detail),
                             ERR_OK);
        assert_non_null(strstr(detail.text, place.store));
        file.data[i] ^= 1;
    }
    buf_release(&file);
}

static void key_files(void **state)
{
    (void)state;
    struct err_detail detail;
    struct deploy_secrets secrets = open_with_key();
    deploy_secrets_close(&secrets);
    const struct deploy_secrets_key key = {.key_file = place.key};
    assert_int_equal(chmod(place.key, 0644), 0);
    assert_int_equal(deploy_secrets_file_open(&secrets, place.store, &key, &detail), ERR_USAGE);
    assert_non_null(strstr(detail.text, "chmod 600"));
    assert_int_equal(file_write_private(place.key, bytes_str("abc\n"), &detail), ERR_OK);
    assert_int_equal(deploy_secrets_file_open(&secrets, place.store, &key, &detail), ERR_INPUT);
    assert_int_equal(unlink(place.key), 0); /* the store is there, so no new key is made */
    assert_int_equal(deploy_secrets_file_open(&secrets, place.store, &key, &detail), ERR_NOTFOUND);
}

static struct deploy_organization organization = {.name = {.text = "carrier"}};
static struct deploy_peer peer = {.name = {.text = "node"}};
static const struct deploy_owner owner = {
    .organization = &organization, .peer = &peer, .has_tm = true};

static void keys_are_made_once(void **state)
{
    (void)state;
    struct err_detail detail = {""};
    struct deploy_identity first, again;
    bool made = false;
    struct deploy_secrets secrets = open_with_key();
    int status = deploy_keys_ensure(&first, &made, &secrets, &owner, &detail);
    if (status != ERR_OK)
        fail_msg("%s", detail.text);
    assert_true(made);
    deploy_secrets_close(&secrets);
    secrets = open_with_key();
    status = deploy_keys_ensure(&again, &made, &secrets, &owner, &detail);
    assert_int_equal(status, ERR_OK);
    assert_false(made);
    assert_memory_equal(&first, &again, sizeof(first));
    assert_int_equal(strlen(first.tm_public), 44);
    json_t *fields = NULL;
    assert_int_equal(
        deploy_secrets_read(&secrets, &fields, "secret/carrier-quo/crypto/node/quorum", &detail),
        ERR_OK);
    assert_int_equal(json_object_size(fields), 5);
    deploy_secrets_drop(fields);
    deploy_secrets_close(&secrets);
}

static json_t *read_secret(const struct deploy_secrets *secrets, const char *path)
{
    struct err_detail detail;
    json_t *fields = NULL;
    if (deploy_secrets_read(secrets, &fields, path, &detail) != ERR_OK)
        fail_msg("%s", detail.text);
    return fields;
}

/* One authority an organization, outside of what its pods may read; a certificate a peer, for each of its names. */
static void certificates(void **state)
{
    (void)state;
    struct err_detail detail;
    struct deploy_identity first, second;
    struct deploy_organization own = {.name = {.text = "carrier"},
                                      .external_url_suffix = {.text = "example.com"}};
    struct deploy_peer other = {.name = {.text = "other"}};
    const struct deploy_owner one = {
        .organization = &own, .peer = &peer, .subject = "CN=Root,O=DLT", .has_tm = true};
    const struct deploy_owner two = {
        .organization = &own, .peer = &other, .subject = "CN=Root,O=DLT", .has_tm = true};
    struct deploy_secrets secrets = open_with_key();
    assert_int_equal(deploy_keys_ensure(&first, NULL, &secrets, &one, &detail), ERR_OK);
    assert_int_equal(deploy_keys_ensure(&second, NULL, &secrets, &two, &detail), ERR_OK);
    assert_string_equal(first.authority_sha1, second.authority_sha1);
    assert_string_equal(first.certificate_name, "node.example.com");
    assert_string_equal(second.certificate_name, "other.example.com");
    json_t *authority = read_secret(&secrets, "secret/carrier-quo/authority");
    json_t *certs = read_secret(&secrets, "secret/carrier-quo/crypto/node/certs");
    assert_int_equal(json_object_size(authority), 2);
    assert_int_equal(json_object_size(certs), 3);
    assert_null(json_object_get(certs, "rootcakey"));

    struct buf pem = BUF_INIT;
    struct io_certificate info;
    assert_int_equal(deploy_certs_pem(&pem, certs, "certs", "ambassadorcrt", &detail), ERR_OK);
    assert_int_equal(io_certificate_read(&info, buf_bytes(&pem), &detail), ERR_OK);
    assert_string_equal(info.hosts,
                        "node.example.com, carrier.example.com, node.carrier-quo, "
                        "node.carrier-quo.svc.cluster.local, "
                        "node-0.node.carrier-quo.svc.cluster.local, localhost, 127.0.0.1");
    buf_clear(&pem);
    assert_int_equal(deploy_certs_pem(&pem, authority, "authority", "rootcapem", &detail), ERR_OK);
    assert_int_equal(io_certificate_read(&info, buf_bytes(&pem), &detail), ERR_OK);
    assert_string_equal(info.subject, "CN=Root,O=DLT,OU=carrier");
    assert_true(info.authority);
    buf_release(&pem);

    /* Of two peers mixed up. */
    json_t *mixed = read_secret(&secrets, "secret/carrier-quo/crypto/other/certs");
    json_object_set(mixed, "ambassadorkey", json_object_get(certs, "ambassadorkey"));
    assert_int_equal(
        deploy_secrets_write(&secrets, "secret/carrier-quo/crypto/other/certs", mixed, &detail),
        ERR_OK);
    assert_int_equal(deploy_keys_ensure(&second, NULL, &secrets, &two, &detail), ERR_CORRUPT);
    assert_non_null(strstr(detail.text, "other/certs: ambassadorcrt: the key is not that of"));
    json_decref(authority);
    json_decref(certs);
    json_decref(mixed);
    deploy_secrets_close(&secrets);
}

/* Marks tell what has changed, and nothing else. */
static void marks(void **state)
{
    (void)state;
    struct err_detail detail;
    struct deploy_identity before, after;
    const char *path = "secret/carrier-quo/crypto/node/quorum";
    struct deploy_secrets secrets = open_with_key();
    assert_int_equal(deploy_keys_ensure(&before, NULL, &secrets, &owner, &detail), ERR_OK);
    json_t *fields = read_secret(&secrets, path);
    json_object_set_new(fields, "db_password", json_string("another"));
    assert_int_equal(deploy_secrets_write(&secrets, path, fields, &detail), ERR_OK);
    assert_int_equal(deploy_keys_read(&after, &secrets, &owner, &detail), ERR_OK);
    assert_true(before.database_mark != after.database_mark);
    assert_memory_equal(before.marks, after.marks, sizeof(before.marks));
    json_decref(fields);
    deploy_secrets_close(&secrets);
}

static void looking_makes_nothing(void **state)
{
    (void)state;
    struct err_detail detail;
    struct deploy_peer person = {.name = {.text = "node"},
                                 .geth_passphrase = {.text = "env:TEST_KEYS_NOT_THERE"}};
    const struct deploy_owner persons = {.organization = &organization, .peer = &person};
    struct deploy_secrets secrets = open_with_key();
    json_t *paths = NULL;
    bool missing = false;
    assert_int_equal(deploy_keys_check(&missing, &secrets, &owner, &detail), ERR_OK);
    assert_true(missing);
    assert_int_equal(deploy_keys_check(&missing, NULL, &persons, &detail), ERR_NOTFOUND);
    assert_non_null(strstr(detail.text, "TEST_KEYS_NOT_THERE"));
    assert_int_equal(deploy_secrets_list(&secrets, &paths, &detail), ERR_OK);
    assert_int_equal(json_array_size(paths), 0);
    json_decref(paths);
    deploy_secrets_close(&secrets);
}

static void wrong_material_is_never_replaced(void **state)
{
    (void)state;
    struct err_detail detail;
    struct deploy_identity identity;
    struct deploy_secrets secrets = open_with_key();
    assert_int_equal(deploy_keys_ensure(&identity, NULL, &secrets, &owner, &detail), ERR_OK);
    json_t *fields = NULL;
    const char *path = "secret/carrier-quo/crypto/node/transaction";
    assert_int_equal(deploy_secrets_read(&secrets, &fields, path, &detail), ERR_OK);
    json_object_set_new(fields, "tm.pub",
                        json_string("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="));
    assert_int_equal(deploy_secrets_write(&secrets, path, fields, &detail), ERR_OK);
    assert_int_equal(deploy_keys_ensure(&identity, NULL, &secrets, &owner, &detail), ERR_CORRUPT);
    assert_non_null(strstr(detail.text, "tm.key is not the key of tm.pub"));
    deploy_secrets_drop(fields);
    deploy_secrets_close(&secrets);
}

static void references(void **state)
{
    (void)state;
    struct err_detail detail;
    struct buf value = BUF_INIT;
    char text[128];
    setenv("TEST_KEYS_WORD", "from outside", 1);
    assert_int_equal(
        deploy_reference_read(&value, &(struct deploy_text){.text = "env:TEST_KEYS_WORD"}, &detail),
        ERR_OK);
    assert_string_equal(buf_text(&value), "from outside");
    assert_int_equal(
        deploy_reference_read(&value, &(struct deploy_text){.text = "env:TEST_KEYS_NO"}, &detail),
        ERR_NOTFOUND);
    assert_int_equal(file_write_private(place.store, bytes_str("line\nmore\n"), &detail), ERR_OK);
    snprintf(text, sizeof(text), "file:%s", place.store);
    buf_clear(&value);
    assert_int_equal(deploy_reference_read(&value, &(struct deploy_text){.text = text}, &detail),
                     ERR_OK);
    assert_string_equal(buf_text(&value), "line");
    buf_release(&value);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make_place, remove_place)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_is_written_is_read),
        TEST(nothing_shows_in_the_file),
        TEST(one_process_at_a_time),
        TEST(passphrases),
        TEST(every_flipped_byte_is_noticed),
        TEST(key_files),
        TEST(keys_are_made_once),
        TEST(certificates),
        TEST(marks),
        TEST(looking_makes_nothing),
        TEST(wrong_material_is_never_replaced),
        TEST(references),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
