/* Accounts: the files that geth wrote, files of our own, unlocking for a time, folders that change. */
#include "accounts/accounts.h"

#include "base/file.h"
#include "base/hex.h"
#include "base/mem.h"
#include "tests/support/fixtures.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <cmocka.h>

static char folder[64];
static struct accounts *accounts;
static struct err_detail detail;

static int begin(void **state)
{
    (void)state;
    snprintf(folder, sizeof(folder), "/tmp/quorate-accounts-XXXXXX");
    if (!mkdtemp(folder))
        return -1;
    return accounts_new(&accounts, folder, CRYPTO_KEYSTORE_LIGHT);
}

static int end(void **state)
{
    (void)state;
    accounts_free(accounts);
    return file_remove_folder(folder, NULL);
}

static struct bytes text(const char *t)
{
    return bytes_str(t);
}

struct seen {
    size_t count;
    struct address first;
    char path[ACCOUNTS_PATH_MAX];
};

static void see(void *context, const struct accounts_entry *entry)
{
    struct seen *seen = context;
    if (seen->count++ == 0) {
        seen->first = entry->address;
        snprintf(seen->path, sizeof(seen->path), "%s", entry->path);
    }
}

static size_t count_of(struct accounts *a)
{
    struct seen seen = {0};
    assert_int_equal(accounts_each(a, see, &seen), ERR_OK);
    return seen.count;
}

static void test_create(void **state)
{
    struct address address, other;
    char path[ACCOUNTS_PATH_MAX], name[128] = "";
    struct stat st;
    (void)state;
    assert_int_equal(count_of(accounts), 0);
    assert_int_equal(accounts_create(accounts, &address, path, text("one"), &detail), ACCOUNTS_OK);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    hex_encode(name, bytes_of(address.b, 20));
    assert_non_null(strstr(path, "/UTC--2"));
    assert_string_equal(path + strlen(path) - 40, name);
    assert_true(accounts_has(accounts, &address));
    assert_true(accounts_at(accounts, &other, 0));
    assert_memory_equal(other.b, address.b, 20);
    assert_false(accounts_at(accounts, &other, 1));
    /* what is not a key, and what editors leave */
    snprintf(path, sizeof(path), "%s/accountPassword", folder);
    assert_int_equal(file_write(path, text("secret"), &detail), ERR_OK);
    snprintf(path, sizeof(path), "%s/key~", folder);
    assert_int_equal(file_write(path, text("{\"address\":\"00\"}"), &detail), ERR_OK);
    assert_int_equal(count_of(accounts), 1);
}

static void test_import_again(void **state)
{
    struct address address, again;
    struct crypto_private_key key = {{[31] = 7}};
    (void)state;
    assert_int_equal(accounts_import(accounts, &address, &key, text(""), &detail), ACCOUNTS_OK);
    assert_int_equal(accounts_import(accounts, &again, &key, text("x"), &detail), ACCOUNTS_THERE);
    assert_memory_equal(again.b, address.b, 20);
    key.b[31] = 0;
    assert_int_equal(accounts_import(accounts, &again, &key, text("x"), &detail), ERR_INPUT);
}

static void count_timed(void *context)
{
    ++*(int *)context;
}

static void test_unlock(void **state)
{
    int timed = 0;
    struct address address, stranger = {{1}}, signer;
    struct hash256 hash = {{9}};
    struct crypto_signature sig;
    (void)state;
    assert_int_equal(accounts_create(accounts, &address, NULL, text("pw"), &detail), ACCOUNTS_OK);
    assert_int_equal(accounts_sign(accounts, &sig, &address, &hash, 0), ACCOUNTS_LOCKED);
    assert_int_equal(accounts_sign(accounts, &sig, &stranger, &hash, 0), ACCOUNTS_UNKNOWN);
    accounts_on_timed(accounts, count_timed, &timed);
    assert_int_equal(accounts_unlock(accounts, &address, text("no"), 1000, 0, &detail),
                     ACCOUNTS_WRONG_PASSWORD);
    assert_string_equal(detail.text, "could not decrypt key with given password");
    assert_int_equal(accounts_unlock(accounts, &stranger, text("pw"), 1000, 0, &detail),
                     ACCOUNTS_UNKNOWN);
    assert_int_equal(accounts_unlock(accounts, &address, text("pw"), 1000, 50, &detail),
                     ACCOUNTS_OK);
    assert_int_equal(accounts_sign(accounts, &sig, &address, &hash, 1049), ACCOUNTS_OK);
    assert_true(crypto_ecrecover(&signer, &hash, sig.rs, sig.recovery_id));
    assert_memory_equal(signer.b, address.b, 20);
    assert_int_equal(accounts_sign(accounts, &sig, &address, &hash, 1050), ACCOUNTS_LOCKED);
    assert_int_equal(timed, 1);
    assert_true(accounts_expire(accounts, 1049));
    assert_false(accounts_expire(accounts, 1050));
    /* for ever, and then no shorter; locking ends it */
    assert_int_equal(accounts_unlock(accounts, &address, text("pw"), 0, 50, &detail), ACCOUNTS_OK);
    assert_int_equal(timed, 1);
    assert_false(accounts_expire(accounts, 50));
    assert_int_equal(accounts_unlock(accounts, &address, text("pw"), 1, 50, &detail), ACCOUNTS_OK);
    assert_int_equal(accounts_sign(accounts, &sig, &address, &hash, 1 << 30), ACCOUNTS_OK);
    accounts_lock(accounts, &address);
    assert_int_equal(accounts_sign(accounts, &sig, &address, &hash, 0), ACCOUNTS_LOCKED);
    assert_int_equal(
        accounts_sign_with_password(accounts, &sig, &address, text("pw"), &hash, &detail),
        ACCOUNTS_OK);
    assert_int_equal(
        accounts_sign_with_password(accounts, &sig, &address, text("pW"), &hash, &detail),
        ACCOUNTS_WRONG_PASSWORD);
}

static void test_update(void **state)
{
    struct address address;
    (void)state;
    assert_int_equal(accounts_create(accounts, &address, NULL, text("old"), &detail), ACCOUNTS_OK);
    assert_int_equal(accounts_update(accounts, &address, text("x"), text("new"), &detail),
                     ACCOUNTS_WRONG_PASSWORD);
    assert_int_equal(accounts_update(accounts, &address, text("old"), text("new"), &detail),
                     ACCOUNTS_OK);
    assert_int_equal(count_of(accounts), 1);
    assert_int_equal(accounts_unlock(accounts, &address, text("old"), 0, 0, &detail),
                     ACCOUNTS_WRONG_PASSWORD);
    assert_int_equal(accounts_unlock(accounts, &address, text("new"), 0, 0, &detail), ACCOUNTS_OK);
}

/* A copy of the file makes the address ambiguous; taking it away again is seen. */
static void test_folder_changes(void **state)
{
    struct address address;
    char path[ACCOUNTS_PATH_MAX], copy[512];
    struct buf content = BUF_INIT;
    (void)state;
    assert_int_equal(accounts_create(accounts, &address, path, text(""), &detail), ACCOUNTS_OK);
    assert_int_equal(count_of(accounts), 1);
    assert_int_equal(file_read(path, 4096, &content, &detail), ERR_OK);
    snprintf(copy, sizeof(copy), "%s/copy", folder);
    assert_int_equal(file_write(copy, buf_bytes(&content), &detail), ERR_OK);
    assert_int_equal(count_of(accounts), 2);
    assert_int_equal(accounts_unlock(accounts, &address, text(""), 0, 0, &detail),
                     ACCOUNTS_AMBIGUOUS);
    assert_non_null(strstr(detail.text, "multiple keys match address ("));
    assert_non_null(strstr(detail.text, "/copy"));
    assert_int_equal(remove(copy), 0);
    assert_int_equal(accounts_unlock(accounts, &address, text(""), 0, 0, &detail), ACCOUNTS_OK);
    assert_int_equal(remove(path), 0);
    assert_int_equal(count_of(accounts), 0);
    buf_release(&content);
}

/* Every allocation fails once: reported, nothing leaks, and the next try goes on. */
static void test_memory(void **state)
{
    struct address address;
    struct hash256 hash = {{9}};
    struct crypto_signature sig;
    (void)state;
    assert_int_equal(accounts_create(accounts, &address, NULL, text("pw"), &detail), ACCOUNTS_OK);
    int status = ERR_NOMEM;
    for (size_t n = 1; status != ACCOUNTS_OK; n++) {
        struct accounts *a = NULL;
        assert_true(n < 200);
        mem_fail_at(n, 1);
        status = accounts_new(&a, folder, CRYPTO_KEYSTORE_LIGHT);
        if (status == ERR_OK)
            status = accounts_unlock(a, &address, text("pw"), 0, 0, &detail);
        bool reached = mem_fail_left() == 0;
        mem_fail_at(0, 0);
        assert_true(status == ACCOUNTS_OK || (reached && status < 0) ||
                    status == ACCOUNTS_UNREADABLE);
        if (status == ACCOUNTS_OK && reached)
            status = ERR_NOMEM; /* something went on without memory; try the next */
        else if (status == ACCOUNTS_OK)
            assert_int_equal(accounts_sign(a, &sig, &address, &hash, 0), ACCOUNTS_OK);
        accounts_free(a);
    }
}

static void check_recorded(const char *path, const char *address_hex, const char *password)
{
    struct accounts *recorded;
    struct address address;
    struct hash256 hash = {{1}};
    struct crypto_signature sig;
    assert_true(hex_decode_exact(address_hex, address.b, 20));
    assert_int_equal(accounts_new(&recorded, path, CRYPTO_KEYSTORE_STANDARD), ERR_OK);
    assert_int_equal(count_of(recorded), 3);
    assert_int_equal(
        accounts_sign_with_password(recorded, &sig, &address, text(password), &hash, &detail),
        ACCOUNTS_OK);
    accounts_free(recorded);
}

/* The files that geth wrote, one for each of its passwords; the order is that of the names. */
static void test_recorded(void **state)
{
    char path[512];
    (void)state;
    fixtures_require("recordings/live/keystore", "recordings of GoQuorum");
    snprintf(path, sizeof(path), "%s/recordings/live/keystore", fixtures_folder());
    check_recorded(path, "a3fb866150b17604f78c8609562a8ca1493ad8dd", "secret one");
    check_recorded(path, "7f3cf72189fb7e2a8913a947ef36390141757569", "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_create, begin, end),
        cmocka_unit_test_setup_teardown(test_import_again, begin, end),
        cmocka_unit_test_setup_teardown(test_unlock, begin, end),
        cmocka_unit_test_setup_teardown(test_update, begin, end),
        cmocka_unit_test_setup_teardown(test_folder_changes, begin, end),
        cmocka_unit_test_setup_teardown(test_memory, begin, end),
        cmocka_unit_test(test_recorded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
