/* The bundle by which others know an organization. */
#include "deploy/keys/bundle.h"
#include "deploy/secrets/file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

static char folder[32], store_path[64], key_path[64], lock_path[72];
static struct deploy_secrets secrets;
static const struct deploy_organization organization = {.name = {.text = "store"}};
static const struct deploy_peer peer = {.name = {.text = "shelf"}};

static int open_store(void **state)
{
    (void)state;
    struct err_detail detail = {""};
    snprintf(folder, sizeof(folder), "/tmp/test_bundle_XXXXXX");
    if (!mkdtemp(folder))
        return -1;
    snprintf(store_path, sizeof(store_path), "%s/secrets", folder);
    snprintf(key_path, sizeof(key_path), "%s/secrets.key", folder);
    snprintf(lock_path, sizeof(lock_path), "%s/secrets.lock", folder);
    const struct deploy_secrets_key key = {.key_file = key_path};
    return deploy_secrets_file_open(&secrets, store_path, &key, &detail) == ERR_OK ? 0 : -1;
}

static int close_store(void **state)
{
    (void)state;
    deploy_secrets_close(&secrets);
    unlink(store_path);
    unlink(key_path);
    unlink(lock_path);
    return rmdir(folder);
}

static void a_bundle_says_who_a_peer_is(void **state)
{
    (void)state;
    struct err_detail detail = {""};
    struct deploy_identity identity, read;
    struct deploy_bundle bundle, again;
    const struct deploy_owner owner = {
        .organization = &organization, .peer = &peer, .has_tm = true};
    assert_int_equal(deploy_keys_ensure(&identity, NULL, &secrets, &owner, &detail), ERR_OK);
    const struct deploy_bundle_peer one = {&peer, &identity};
    assert_int_equal(
        deploy_bundle_make(&bundle, &secrets, &organization, bytes_str("PEM"), &one, 1, &detail),
        ERR_OK);
    char *text = json_dumps(bundle.root, JSON_INDENT(3));
    assert_int_equal(deploy_bundle_parse(&again, bytes_str(text), &detail), ERR_OK);
    assert_string_equal(bundle.fingerprint, again.fingerprint);
    assert_int_equal(strlen(bundle.fingerprint), DEPLOY_FINGERPRINT_TEXT - 1);
    assert_string_equal(deploy_bundle_organization(&again), "store");
    assert_string_equal(deploy_bundle_authority(&again), "PEM");
    assert_true(deploy_bundle_identity(&read, &again, "shelf"));
    assert_memory_equal(&read.node, &identity.node, sizeof(read.node));
    assert_memory_equal(&read.node_address, &identity.node_address, sizeof(read.node_address));
    assert_memory_equal(&read.account, &identity.account, sizeof(read.account));
    assert_string_equal(read.tm_public, identity.tm_public);
    assert_false(deploy_bundle_identity(&read, &again, "other"));
    deploy_bundle_release(&again);
    /* One digit of the account. */
    char *account = strstr(text, "\"account\": \"0x");
    assert_non_null(account);
    account[14] = account[14] == '0' ? '1' : '0';
    assert_int_equal(deploy_bundle_parse(&again, bytes_str(text), &detail), ERR_INPUT);
    assert_non_null(strstr(detail.text, "the signature is not by its node key"));
    free(text);
    deploy_bundle_release(&bundle);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_bundle_says_who_a_peer_is, open_store, close_store),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
