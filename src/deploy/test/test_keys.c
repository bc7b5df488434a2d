/* The embedded store of secrets, and the key material in it. */
#include "deploy/keys/keys.h"
#include "deploy/secrets/file.h"

#include "base/file.h"
#include "base/hex.h"
#include "base/mem.h"

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

static void keys_are_made_once(void **state)
{
    (void)state;
    struct err_detail detail = {""};
    struct deploy_identity first, again;
    bool made = false;
    struct deploy_secrets secrets = open_with_key();
    int status = deploy_keys_ensure(&first, &made, &secrets, &organization, &peer, true, &detail);
    if (status != ERR_OK)
        fail_msg("%s", detail.text);
    assert_true(made);
    deploy_secrets_close(&secrets);
    secrets = open_with_key();
    status = deploy_keys_ensure(&again, &made, &secrets, &organization, &peer, true, &detail);
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

static void wrong_material_is_never_replaced(void **state)
{
    (void)state;
    struct err_detail detail;
    struct deploy_identity identity;
    struct deploy_secrets secrets = open_with_key();
    assert_int_equal(
        deploy_keys_ensure(&identity, NULL, &secrets, &organization, &peer, true, &detail), ERR_OK);
    json_t *fields = NULL;
    const char *path = "secret/carrier-quo/crypto/node/transaction";
    assert_int_equal(deploy_secrets_read(&secrets, &fields, path, &detail), ERR_OK);
    json_object_set_new(fields, "tm.pub",
                        json_string("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="));
    assert_int_equal(deploy_secrets_write(&secrets, path, fields, &detail), ERR_OK);
    assert_int_equal(
        deploy_keys_ensure(&identity, NULL, &secrets, &organization, &peer, true, &detail),
        ERR_CORRUPT);
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
        TEST(wrong_material_is_never_replaced),
        TEST(references),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
