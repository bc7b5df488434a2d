/* Key files: known answers, those of the recorded -keygen, writing, changing passwords, what is refused. */
#include "base/base64.h"
#include "base/file.h"
#include "tests/support/recordings.h"
#include "tm/enclave/keyfile.h"
#include "tm/test/store_kit.h"

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static struct tm_encryptor nacl;

static int setup(void **unused)
{
    (void)unused;
    tm_encryptor_init_nacl(&nacl);
    return 0;
}

static void opens(const char *text, const char *password, const char *private_key)
{
    struct tm_keyfile k;
    struct crypto_secret *secret;
    struct err_detail detail = {""};
    uint8_t wanted[32];
    assert_true(base64_decode_exact(wanted, 32, bytes_str(private_key)));
    if (tm_keyfile_parse(&k, bytes_str(text), &detail) < 0)
        fail_msg("%s", detail.text);
    assert_int_equal(tm_keyfile_open(&secret, &nacl, &k, bytes_str(password), &detail),
                     TM_KEYFILE_OPEN);
    assert_true(bytes_equal(crypto_secret_bytes(secret), bytes_of(wanted, 32)));
    crypto_secret_free(secret);
    if (k.locked) {
        assert_int_equal(tm_keyfile_open(&secret, &nacl, &k, bytes_str("wrong"), &detail),
                         TM_KEYFILE_WRONG_PASSWORD);
        assert_int_equal(tm_keyfile_open(&secret, &nacl, &k, bytes_none(), &detail),
                         TM_KEYFILE_NEEDS_PASSWORD);
    }
}

static void known_answers(void **unused)
{
    (void)unused;
    opens("{\"type\":\"argon2sbox\",\"data\":{\"snonce\":\"LJ7QUiZ0kD/mPf/aHvCEQKDhlUucZM0s\","
          "\"asalt\":\"I5bvdFhNpr8hlknzOHIO7Q3S5Ubs9ucUdVneghrebZQ=\","
          "\"sbox\":\"iHJAfcpWWE5PsvwZRwr5gCtwMKu7xXZAAPCVRGfx06l/I5QgXs0V/czOqYsMxoEG\","
          "\"aopts\":{\"variant\":\"i\",\"memory\":8192,\"iterations\":2,\"parallelism\":2}}}",
          "foo", "nKSPWPSyEWw/Pjg4gGczvNjm39z/h1MG0KXPjcXOgjs=");
    /* as Constellation writes it, with a version; numbers may stand as text */
    opens("{\"data\":{\"aopts\":{\"variant\":\"id\",\"memory\":\"1024\",\"iterations\":2,"
          "\"parallelism\":1,\"version\":\"1.3\"},\"snonce\":\"AAECAwQFBgcICQoLDA0ODxAREhMUFRYX\","
          "\"asalt\":\"AAECAwQFBgcICQoLDA0ODw==\","
          "\"sbox\":\"a3sxXjlm+t2U44+t+xSbV1Xj6CB3zH8cUFkSeo7jobTVBPn/6/f9CINgaSOtdjF/\"},"
          "\"type\":\"argon2sbox\"}",
          "correct horse", "AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA=");
    opens("{\"type\":\"unlocked\",\"data\":{\"bytes\":"
          "\"yAWAJjwPqUtNVlqGjSrBmr1/iIkghuOh1803Yzx9jLM=\"},\"more\":1}",
          "", "yAWAJjwPqUtNVlqGjSrBmr1/iIkghuOh1803Yzx9jLM=");
}

/* A file that -keygen wrote: it opens with its password, has that public key, and is written again byte for byte. */
static void recorded_file(const char *name, const char *password)
{
    char file[64];
    struct buf text = BUF_INIT, again = BUF_INIT, pub = BUF_INIT, made = BUF_INIT;
    struct tm_keyfile k;
    struct crypto_secret *secret;
    struct err_detail detail = {""};
    snprintf(file, sizeof(file), "keys/%s.key", name);
    recordings_read("tessera-command-line", file, &text);
    snprintf(file, sizeof(file), "keys/%s.pub", name);
    recordings_read("tessera-command-line", file, &pub);
    assert_int_equal(tm_keyfile_parse(&k, buf_bytes(&text), &detail), 0);
    tm_keyfile_format(&again, &k);
    assert_string_equal(buf_text(&again), buf_text(&text));
    if (k.argon2.memory > 65536 && getenv("QUORATE_SAMPLE")) {
        print_message("%s: 1 GiB is not taken under QUORATE_SAMPLE\n", name);
    } else {
        assert_int_equal(tm_keyfile_open(&secret, &nacl, &k, bytes_str(password), &detail),
                         TM_KEYFILE_OPEN);
        assert_int_equal(tm_encryptor_public(&nacl, &made, crypto_secret_bytes(secret)), 0);
        buf_clear(&again);
        base64_append(&again, buf_bytes(&made));
        assert_string_equal(buf_text(&again), buf_text(&pub));
        crypto_secret_free(secret);
    }
    buf_release(&text);
    buf_release(&again);
    buf_release(&pub);
    buf_release(&made);
}

static void recorded_files(void **unused)
{
    (void)unused;
    recordings_require("tessera-command-line");
    json_t *passwords = recordings_json("tessera-command-line", "keys/passwords.json");
    const char *name;
    json_t *password;
    assert_true(json_object_size(passwords) >= 5);
    json_object_foreach(passwords, name, password) recorded_file(name, json_string_value(password));
    json_decref(passwords);
}

static const struct crypto_argon2 light = {CRYPTO_ARGON2_ID, 64, 1, 2, 0x13};

static void generate_and_update(void **unused)
{
    (void)unused;
    char folder[64], path[96], file[128];
    struct buf pub = BUF_INIT;
    struct err_detail detail = {""};
    struct stat st;
    kit_folder_make(folder);
    snprintf(path, sizeof(path), "%s/new", folder);
    snprintf(file, sizeof(file), "%s.key", path);
    assert_int_equal(tm_keyfile_generate(&pub, &nacl, path, bytes_str("one"), &light, &detail), 0);
    assert_int_equal(pub.len, 44);
    assert_int_equal(stat(file, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_int_equal(tm_keyfile_generate(NULL, &nacl, path, bytes_none(), &light, &detail),
                     ERR_EXISTS);
    assert_non_null(strstr(detail.text, "/new."));
    assert_int_equal(
        tm_keyfile_update(&nacl, file, bytes_str("two"), bytes_str("x"), &light, &detail),
        TM_KEYFILE_WRONG_PASSWORD);
    assert_int_equal(tm_keyfile_update(&nacl, file, bytes_none(), bytes_str("x"), &light, &detail),
                     TM_KEYFILE_NEEDS_PASSWORD);
    assert_int_equal(
        tm_keyfile_update(&nacl, file, bytes_str("one"), bytes_str("two"), &light, &detail), 0);
    assert_int_equal(
        tm_keyfile_update(&nacl, file, bytes_str("two"), bytes_none(), &light, &detail), 0);
    struct buf text = BUF_INIT, made = BUF_INIT;
    struct tm_keyfile k;
    assert_int_equal(file_read(file, 4096, &text, &detail), 0);
    assert_int_equal(tm_keyfile_parse(&k, buf_bytes(&text), &detail), 0);
    assert_false(k.locked);
    assert_int_equal(tm_encryptor_public(&nacl, &made, bytes_of(k.box, k.box_len)), 0);
    buf_clear(&text);
    base64_append(&text, buf_bytes(&made));
    assert_string_equal(buf_text(&text), buf_text(&pub));
    assert_int_equal(
        tm_keyfile_update(&nacl, "/nowhere.key", bytes_none(), bytes_none(), &light, &detail),
        ERR_NOTFOUND);
    /* a folder that is not there: nothing is left behind */
    snprintf(path, sizeof(path), "%s/no/new", folder);
    assert_int_equal(tm_keyfile_generate(NULL, &nacl, path, bytes_none(), &light, &detail),
                     ERR_NOTFOUND);
    buf_release(&text);
    buf_release(&made);
    buf_release(&pub);
    kit_folder_remove(folder);
}

static void what_is_refused(void **unused)
{
    (void)unused;
    static const struct {
        const char *text;
        int status;
        const char *message;
    } rows[] = {
        {"", ERR_INPUT, "not JSON"},
        {"[]", ERR_INPUT, "type"},
        {"{\"type\":\"x\",\"data\":{}}", ERR_UNSUPPORTED, "\"x\""},
        {"{\"type\":\"unlocked\"}", ERR_INPUT, "data"},
        {"{\"type\":\"unlocked\",\"data\":{\"bytes\":\"*\"}}", ERR_INPUT, "data.bytes"},
        {"{\"type\":\"argon2sbox\",\"data\":{\"snonce\":\"AAAA\",\"asalt\":\"AAAA\",\"sbox\":"
         "\"AAAA\","
         "\"aopts\":{\"variant\":\"i\",\"iterations\":1,\"memory\":8,\"parallelism\":1}}}",
         ERR_INPUT, "data.asalt"},
        {"{\"type\":\"argon2sbox\",\"data\":{\"snonce\":\"AAAA\",\"asalt\":\"AAAAAAAAAAAA\","
         "\"sbox\":\"AAAA\",\"aopts\":{\"variant\":\"x\"}}}",
         ERR_INPUT, "data.aopts: variant"},
        {"{\"type\":\"argon2sbox\",\"data\":{\"snonce\":\"AAAA\",\"asalt\":\"AAAAAAAAAAAA\","
         "\"sbox\":\"AAAA\",\"aopts\":{\"variant\":\"i\",\"iterations\":4000000000,\"memory\":"
         "4194304,"
         "\"parallelism\":4}}}",
         ERR_LIMIT, "iterations"},
        {"{\"type\":\"argon2sbox\",\"data\":{\"snonce\":\"AAAA\",\"asalt\":\"AAAAAAAAAAAA\","
         "\"sbox\":\"AAAA\",\"aopts\":{\"variant\":\"i\",\"iterations\":1,\"memory\":1,"
         "\"parallelism\":4}}}",
         ERR_INPUT, "memory"},
    };
    for (size_t i = 0; i < BASE_COUNT(rows); i++) {
        struct tm_keyfile k;
        struct err_detail detail = {""};
        int status = tm_keyfile_parse(&k, bytes_str(rows[i].text), &detail);
        if (status != rows[i].status || !strstr(detail.text, rows[i].message))
            fail_msg("row %zu: %d \"%s\"", i, status, detail.text);
    }
    /* a key without its JSON, or with a slip in it, is not told to a log */
    static const char *const slips[] = {"SECRETKEY=", "{\"data\":{\"bytes\":\"SECRETKEY=\\q\"}}",
                                        "{\"data\":{\"bytes\":SECRETKEY}}"};
    for (size_t i = 0; i < BASE_COUNT(slips); i++) {
        struct tm_keyfile k;
        struct err_detail detail = {""};
        assert_int_equal(tm_keyfile_parse(&k, bytes_str(slips[i]), &detail), ERR_INPUT);
        if (!strstr(detail.text, "not JSON: line 1") || strstr(detail.text, "SECRET"))
            fail_msg("%zu: %s", i, detail.text);
    }
    struct crypto_argon2 options;
    assert_int_equal(tm_keyfile_parse_options(&options,
                                              bytes_str("{\"variant\": \"id\", \"memory\": 4096, "
                                                        "\"iterations\": 3, \"parallelism\": 2}"),
                                              NULL),
                     0);
    assert_int_equal(options.memory, 4096);
    assert_int_equal(options.variant, CRYPTO_ARGON2_ID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_answers),
        cmocka_unit_test(recorded_files),
        cmocka_unit_test(generate_and_update),
        cmocka_unit_test(what_is_refused),
    };
    return cmocka_run_group_tests_name("tm keyfile", tests, setup, NULL);
}
