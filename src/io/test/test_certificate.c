/* What certificates say that were made here, and what is said of those that do not fit together. */
#include "io/certificate.h"

#include <setjmp.h>
#include <stdarg.h>
#include <time.h>

#include <cmocka.h>

struct pair {
    struct buf certificate, key;
};

static void make(struct pair *ret, const struct io_certificate_options *options)
{
    struct err_detail detail = {""};
    *ret = (struct pair){BUF_INIT, BUF_INIT};
    if (io_certificate_new(&ret->certificate, &ret->key, options, &detail) != 0)
        fail_msg("%s", detail.text);
}

static void drop(struct pair *pair)
{
    buf_release(&pair->certificate);
    buf_release(&pair->key);
}

static void make_authority(struct pair *ret, const char *subject)
{
    const struct io_certificate_options options = {
        .subject = subject, .days = 100, .authority = true};
    make(ret, &options);
}

static void make_signed(struct pair *ret, const struct pair *authority)
{
    static const char *const hosts[] = {"carrier.example.com", "127.0.0.1"};
    const struct io_certificate_options options = {.name = "carrier",
                                                   .hosts = hosts,
                                                   .host_count = 2,
                                                   .days = 10,
                                                   .issuer_certificate =
                                                       buf_bytes(&authority->certificate),
                                                   .issuer_key = buf_bytes(&authority->key)};
    make(ret, &options);
}

static void what_they_say(void **state)
{
    (void)state;
    struct pair authority, signed_pair;
    struct io_certificate info;
    struct err_detail detail;
    make_authority(&authority, "CN=DLT Root CA,O=A\\, B,C=GB");
    make_signed(&signed_pair, &authority);
    assert_int_equal(io_certificate_read(&info, buf_bytes(&authority.certificate), &detail), 0);
    assert_string_equal(info.name, "DLT Root CA");
    assert_string_equal(info.subject, "CN=DLT Root CA,O=A\\, B,C=GB");
    assert_string_equal(info.hosts, "");
    assert_true(info.authority);
    assert_int_equal(io_certificate_read(&info, buf_bytes(&signed_pair.certificate), &detail), 0);
    assert_string_equal(info.name, "carrier");
    assert_string_equal(info.hosts, "carrier.example.com, 127.0.0.1");
    assert_false(info.authority);
    int64_t days = (info.until - (int64_t)time(NULL) + 3600) / 86400;
    assert_int_equal(days, 10);
    assert_true(info.from < (int64_t)time(NULL));
    assert_int_equal(io_certificate_read(&info, bytes_str("no certificate"), &detail), ERR_INPUT);
    assert_int_equal(io_certificate_read(&info, buf_bytes(&signed_pair.key), &detail), ERR_INPUT);
    drop(&authority);
    drop(&signed_pair);
}

static void what_fits(void **state)
{
    (void)state;
    struct pair authority, other, signed_pair;
    struct err_detail detail;
    /* Of one name, as those of two networks may be. */
    make_authority(&authority, "CN=Root");
    make_authority(&other, "CN=Root");
    make_signed(&signed_pair, &authority);
    struct bytes certificate = buf_bytes(&signed_pair.certificate);
    struct bytes key = buf_bytes(&signed_pair.key), root = buf_bytes(&authority.certificate);
    assert_int_equal(io_certificate_check(certificate, key, root, &detail), 0);
    assert_int_equal(io_certificate_check(root, buf_bytes(&authority.key), root, &detail), 0);
    assert_int_equal(io_certificate_check(certificate, key, bytes_none(), &detail), 0);
    assert_int_equal(io_certificate_check(certificate, key, buf_bytes(&other.certificate), &detail),
                     ERR_INPUT);
    assert_non_null(strstr(detail.text, "does not lead to the authority"));
    assert_int_equal(io_certificate_check(certificate, buf_bytes(&other.key), root, &detail),
                     ERR_INPUT);
    assert_string_equal(detail.text, "the key is not that of the certificate");
    assert_int_equal(io_certificate_check(certificate, bytes_str("x"), root, &detail), ERR_INPUT);
    assert_int_equal(io_certificate_check(bytes_str("x"), key, root, &detail), ERR_INPUT);
    assert_int_equal(io_certificate_check(certificate, key, bytes_str("x"), &detail), ERR_INPUT);
    drop(&authority);
    drop(&other);
    drop(&signed_pair);
}

static void bad_subjects(void **state)
{
    (void)state;
    static const char *const subjects[] = {"no name", "XX=1", "CN="};
    for (size_t i = 0; i < BASE_COUNT(subjects); i++) {
        struct buf certificate = BUF_INIT, key = BUF_INIT;
        struct err_detail detail;
        const struct io_certificate_options options = {.subject = subjects[i], .days = 1};
        assert_int_equal(io_certificate_new(&certificate, &key, &options, &detail), ERR_CRYPTO);
        assert_int_equal(certificate.len, 0);
        buf_release(&certificate);
        buf_release(&key);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_they_say),
        cmocka_unit_test(what_fits),
        cmocka_unit_test(bad_subjects),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
