/* Where the manager is: the environment, its file, the flags; and what is refused. */
#include "base/file.h"
#include "privacy/config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

static void parse(struct privacy_config *config, const char *text)
{
    struct err_detail detail = {""};
    privacy_config_init(config);
    if (privacy_config_parse(config, bytes_str(text), "tm.toml", &detail))
        fail_msg("%s", detail.text);
}

static void test_file(void **state)
{
    struct privacy_config c;
    (void)state;
    parse(&c, "# manager\nhttpUrl = \"https://tm:9101\"\r\ntimeout=7\nDialTimeout = 0 # none\n"
              "tlsMode = 'strict'\ntlsRootCA = \"a.pem,b.pem\"\ntlsInsecureSkipVerify = true\n");
    assert_string_equal(c.url, "https://tm:9101");
    assert_int_equal(c.timeout_s, 7);
    assert_int_equal(c.dial_timeout_s, 0);
    assert_int_equal(c.idle_timeout_s, 10);
    assert_true(c.tls && c.insecure_skip_verify && c.used);
    assert_string_equal(c.root_ca, "a.pem,b.pem");
    assert_int_equal(privacy_config_check(&c, NULL), 0);
}

static void refuses(const char *text, const char *message)
{
    struct privacy_config c;
    struct err_detail detail = {""};
    privacy_config_init(&c);
    int err = privacy_config_parse(&c, bytes_str(text), "tm.toml", &detail);
    if (!err)
        err = privacy_config_check(&c, &detail);
    assert_int_equal(err, ERR_INPUT);
    assert_non_null(strstr(detail.text, message));
}

static void test_refused(void **state)
{
    (void)state;
    refuses("socket = \"a\"\nhttpUrl = \"http://b\"\n", "cannot both be specified");
    refuses("timeout = 3\n", "either Socket or HTTP connection must be specified");
    refuses("socket = \"a\"\ntlsMode = \"strict\"\n",
            "TLS is not supported over unix domain socket");
    refuses("httpUrl = \"http://b\"\ntlsMode = \"strict\"\n", "HTTPS url is not specified");
    refuses("httpUrl = \"https://b\"\ntlsMode = \"strict\"\ntlsClientKey = \"k\"\n",
            "both clientCert and clientKey");
    refuses("httpUrl = \"https://b\"\ntlsMode = \"maybe\"\n", "must be either OFF or STRICT");
    refuses("httpUrl \"x\"\n", "line 1: expected key = value");
    refuses("\ncolour = 1\n", "line 2: field corresponding to `colour' is not defined");
    refuses("timeout = \"soon\"\n", "is no number");
}

static void test_environment(void **state)
{
    struct privacy_config c;
    struct err_detail detail = {""};
    char folder[] = "/tmp/privacy-config-XXXXXX";
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    (void)state;
    privacy_config_init(&c);
    assert_int_equal(privacy_config_read(&c, NULL, &detail), 0);
    assert_int_equal(privacy_config_read(&c, "IGNORE", &detail), 0);
    assert_false(c.used);
    assert_int_equal(privacy_config_read(&c, "/nowhere/tm.ipc", &detail), ERR_INPUT);
    assert_non_null(strstr(detail.text, "unable to check whether connection details"));

    assert_non_null(mkdtemp(folder));
    snprintf(address.sun_path, sizeof(address.sun_path), "%s/tm.ipc", folder);
    int s = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_int_equal(bind(s, (struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(privacy_config_read(&c, address.sun_path, &detail), 0);
    assert_string_equal(c.socket, address.sun_path);
    assert_int_equal(privacy_config_check(&c, NULL), 0);
    close(s);
    unlink(address.sun_path);

    char file[64];
    snprintf(file, sizeof(file), "%s/tm.toml", folder);
    assert_int_equal(file_write(file, bytes_str("httpUrl = \"http://tm\"\n"), &detail), 0);
    privacy_config_init(&c);
    assert_int_equal(privacy_config_read(&c, file, &detail), 0);
    assert_string_equal(c.url, "http://tm");
    assert_int_equal(privacy_config_flag(&c, "url", "http://other", &detail), 0);
    assert_int_equal(privacy_config_flag(&c, "http.idletimeout", "3", &detail), 0);
    assert_string_equal(c.url, "http://other");
    assert_int_equal(c.idle_timeout_s, 3);
    unlink(file);
    rmdir(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_file),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_environment),
    };
    return cmocka_run_group_tests_name("config", tests, NULL, NULL);
}
