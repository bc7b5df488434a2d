/* Configurations in the shapes of all versions, overrides, and what is wrong with others. */
#include "base/file.h"
#include "tm/config/config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#define SERVERS                                                                                    \
    "\"serverConfigs\":[{\"app\":\"P2P\",\"serverAddress\":\"http://a:1\"},"                       \
    "{\"app\":\"Q2T\",\"serverAddress\":\"unix:/q\"}]"
#define REST                                                                                       \
    "\"jdbc\":{\"url\":\"jdbc:sqlite:x\"},\"peer\":[{\"url\":\"http://b:1/\"}],"                   \
    "\"keys\":{\"keyData\":[{\"privateKeyPath\":\"k\",\"publicKeyPath\":\"p\"}]}"

static int parse(struct tm_config *config, const char *text, const char *override,
                 struct err_detail *detail)
{
    struct tm_overrides overrides = {&override, override ? 1 : 0};
    return tm_config_parse(config, bytes_str(text), &overrides, detail);
}

static void test_shapes(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "{" SERVERS "," REST "}",
        "{\"server\":{\"hostName\":\"http://a\",\"port\":1},\"unixSocketFile\":\"/q\"," REST "}",
        "{\"serverConfigs\":[{\"app\":\"P2P\",\"enabled\":\"true\",\"serverSocket\":{\"type\":"
        "\"INET\",\"hostName\":"
        "\"http://"
        "a\",\"port\":1}},{\"app\":\"Q2T\",\"serverSocket\":{\"type\":\"UNIX\",\"path\":\"unix:/"
        "q\"},"
        "\"communicationType\":\"UNIX_SOCKET\"}]," REST "}",
    };
    for (size_t i = 0; i < BASE_COUNT(texts); i++) {
        struct tm_config config;
        struct err_detail detail = {""};
        assert_int_equal(parse(&config, texts[i], NULL, &detail), 0);
        assert_int_equal(config.server_count, 2);
        assert_string_equal(tm_config_server_of(&config, TM_APP_P2P)->address, "http://a:1");
        assert_string_equal(tm_config_server_of(&config, TM_APP_Q2T)->address, "unix:/q");
        assert_string_equal(config.peers.items[0], "http://b:1/");
        assert_string_equal(config.keys[0].private_path, "k");
        assert_int_equal(config.notes.count, 0);
        tm_config_release(&config);
    }
}

static void test_overrides(void **state)
{
    (void)state;
    struct tm_config config;
    struct err_detail detail = {""};
    assert_int_equal(parse(&config, "{" SERVERS "," REST "}", "peer[1].url=http://c:1", &detail),
                     0);
    assert_int_equal(config.peers.count, 2);
    assert_string_equal(config.peers.items[1], "http://c:1");
    tm_config_release(&config);
    assert_int_equal(parse(&config, "{" SERVERS "," REST "}",
                           "features.enablePrivacyEnhancements=true", &detail),
                     0);
    assert_true(config.enhanced_privacy);
    tm_config_release(&config);
    static const char *const bad[] = {"peer[7].url=x",   "jdbc",       "=x",
                                      "jdbc.url.more=x", "peer.url=x", "[0]=x"};
    for (size_t i = 0; i < BASE_COUNT(bad); i++)
        assert_int_equal(parse(&config, "{" SERVERS "," REST "}", bad[i], &detail), ERR_USAGE);
}

static void test_faults(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int status;
        const char *word; /* of the message */
    } rows[] = {
        {"{", ERR_INPUT, "line 1"},
        {"[]", ERR_INPUT, "object"},
        {"{" REST "}", ERR_USAGE, "P2P"},
        {"{" SERVERS "}", ERR_USAGE, "jdbc.url"},
        {"{" SERVERS "," REST ",\"mode\":\"orion\"}", ERR_UNSUPPORTED, "mode"},
        {"{" SERVERS "," REST ",\"useWhiteList\":\"yes\"}", ERR_USAGE, "useWhiteList"},
        {"{" SERVERS "," REST ",\"delivery\":\"later\"}", ERR_USAGE, "delivery"},
        {"{\"serverConfigs\":[{\"app\":\"P2P\",\"serverAddress\":\"http://"
         "0.0.0.0:1\"},{\"app\":\"Q2T\","
         "\"serverAddress\":\"unix:/q\"}]," REST "}",
         ERR_USAGE, "bindingAddress"},
        {"{\"serverConfigs\":[{\"app\":\"P2P\",\"serverAddress\":\"https://"
         "a:1\",\"sslConfig\":{\"tls\":\"STRICT\"}},"
         "{\"app\":\"Q2T\",\"serverAddress\":\"unix:/q\"}]," REST "}",
         ERR_USAGE, "serverTrustMode"},
    };
    for (size_t i = 0; i < BASE_COUNT(rows); i++) {
        struct tm_config config;
        struct err_detail detail = {""};
        assert_int_equal(parse(&config, rows[i].text, NULL, &detail), rows[i].status);
        assert_non_null(strstr(detail.text, rows[i].word));
    }
}

#define INFLUX(config)                                                                             \
    "{\"serverConfigs\":[{\"app\":\"P2P\",\"serverAddress\":\"http://"                             \
    "a:1\",\"influxConfig\":" config "},{\"app\":\"Q2T\",\"serverAddress\":\"unix:/q\"}]," REST    \
    "}"
#define INFLUX_AT(address, every)                                                                  \
    "{\"serverAddress\":\"" address "\",\"dbName\":\"d\",\"pushIntervalInSecs\":" every "}"

static void test_influx(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int status;
        const char *word; /* of the message */
    } rows[] = {
        {INFLUX("{}"), ERR_USAGE, "serverConfigs[0].influxConfig: serverAddress, dbName and"},
        {INFLUX(INFLUX_AT("http://i:1", "null")), ERR_USAGE, "pushIntervalInSecs are expected"},
        {INFLUX(INFLUX_AT("http://i:1", "0")), ERR_USAGE, "pushIntervalInSecs of P2P: 1 to 86400"},
        {INFLUX(INFLUX_AT("http://i:1", "86401")), ERR_USAGE, "1 to 86400 seconds"},
        {INFLUX(INFLUX_AT("http://i:1", "\"a\"")), ERR_USAGE, "a number is expected"},
        {INFLUX(INFLUX_AT("http://i", "1")), ERR_USAGE, "influxConfig.serverAddress of P2P"},
        {INFLUX(INFLUX_AT("unix:/i", "1")), ERR_USAGE, "not unix:/i"},
        {INFLUX(INFLUX_AT("i:1", "1")), ERR_USAGE, "not i:1"},
        {INFLUX(INFLUX_AT("http://0.0.0.0:1", "1")), ERR_USAGE, "0.0.0.0"},
        {INFLUX(INFLUX_AT("https://i:1", "1,\"sslConfig\":{\"tls\":\"ON\"}")), ERR_USAGE,
         "serverConfigs[0].influxConfig.sslConfig: tls"},
        {INFLUX(INFLUX_AT("https://i:1", "1,\"sslConfig\":{\"tls\":\"STRICT\","
                                         "\"sslConfigType\":\"CLIENT_ONLY\"}")),
         ERR_USAGE, "clientTrustMode"},
        {"{\"serverConfigs\":[{\"app\":\"ENCLAVE\",\"serverAddress\":\"unix:/"
         "e\",\"influxConfig\":" INFLUX_AT("http://i:1", "1") "}]," REST "}",
         ERR_UNSUPPORTED, "an enclave counts no requests"},
    };
    struct tm_config config;
    struct err_detail detail = {""};
    for (size_t i = 0; i < BASE_COUNT(rows); i++) {
        assert_int_equal(parse(&config, rows[i].text, NULL, &detail), rows[i].status);
        assert_non_null(strstr(detail.text, rows[i].word));
    }
    const char *good = INFLUX(
        INFLUX_AT("https://i:1/x", "\"15\",\"sslConfig\":{\"tls\":\"STRICT\",\"sslConfigType\":"
                                   "\"CLIENT_ONLY\",\"clientTrustMode\":\"NONE\","
                                   "\"clientAuth\":false}"));
    assert_int_equal(parse(&config, good, NULL, &detail), 0);
    const struct tm_config_server *p2p = tm_config_server_of(&config, TM_APP_P2P);
    assert_true(p2p->has_influx && p2p->influx.tls.strict && !p2p->tls.strict);
    assert_string_equal(p2p->influx.address, "https://i:1/x");
    assert_string_equal(p2p->influx.database, "d");
    assert_int_equal(p2p->influx.every_s, 15);
    assert_false(tm_config_server_of(&config, TM_APP_Q2T)->has_influx);
    tm_config_release(&config);
    /* the older form has one for both servers */
    assert_int_equal(
        parse(&config,
              "{\"server\":{\"hostName\":\"http://a\",\"port\":1,\"influxConfig\":" INFLUX_AT(
                  "http://i:1", "1") "},\"unixSocketFile\":\"/q\"," REST "}",
              NULL, &detail),
        0);
    assert_true(tm_config_server_of(&config, TM_APP_P2P)->has_influx);
    assert_true(tm_config_server_of(&config, TM_APP_Q2T)->has_influx);
    tm_config_release(&config);
}

static void test_unknown(void **state)
{
    (void)state;
    struct tm_config config;
    struct err_detail detail = {""};
    assert_int_equal(parse(&config, "{" SERVERS "," REST ",\"alwaysSendTwo\":[]}", NULL, &detail),
                     0);
    assert_int_equal(config.notes.count, 1);
    assert_non_null(strstr(config.notes.items[0], "alwaysSendTo?"));
    tm_config_release(&config);
}

/* The database's password from a file of its own, without its end of line. */
static void test_password_file(void **state)
{
    static const char text[] =
        "{\"jdbc\": {\"url\": \"jdbc:mysql://h/d\", %s\"passwordFile\": \"%s\"}, "
        "\"serverConfigs\": [{\"app\": \"P2P\", \"serverAddress\": \"http://h:1\"}, {\"app\": "
        "\"Q2T\", \"serverAddress\": \"http://h:2\"}], \"keys\": {\"keyData\": "
        "[{\"privateKeyPath\": \"a\", \"publicKeyPath\": \"b\"}]}}";
    char folder[] = "/tmp/tm-config-XXXXXX", config_path[64], password_path[64], json[1024];
    struct tm_config config;
    struct err_detail detail = {""};
    (void)state;
    assert_non_null(mkdtemp(folder));
    snprintf(config_path, sizeof(config_path), "%s/config", folder);
    snprintf(password_path, sizeof(password_path), "%s/password", folder);
    snprintf(json, sizeof(json), text, "", password_path);
    assert_int_equal(file_write(config_path, bytes_str(json), &detail), 0);
    assert_int_equal(tm_config_load(&config, config_path, NULL, NULL, &detail), ERR_NOTFOUND);
    assert_int_equal(file_write(password_path, bytes_str("pass word\n"), &detail), 0);
    assert_int_equal(tm_config_load(&config, config_path, NULL, NULL, &detail), 0);
    assert_string_equal(config.jdbc_password, "pass word");
    tm_config_release(&config);
    snprintf(json, sizeof(json), text, "\"password\": \"x\", ", password_path);
    assert_int_equal(file_write(config_path, bytes_str(json), &detail), 0);
    assert_int_equal(tm_config_load(&config, config_path, NULL, NULL, &detail), ERR_USAGE);
    unlink(config_path);
    unlink(password_path);
    rmdir(folder);
}

/* Values that the reference's own tool (Jasypt 1.9.3, PBEWithMD5AndDES, secret "quince") has sealed. */
static void test_sealed(void **state)
{
    static const char text[] =
        "{\"jdbc\": {\"url\": \"ENC(%s)\", \"username\": \"me\", \"password\": "
        "\"ENC(iT2crACl6kZ7SBmbiWza0sYJPDnzUaef)\"}, \"serverConfigs\": [{\"app\": \"P2P\", "
        "\"serverAddress\": \"http://h:1\"}, {\"app\": \"Q2T\", \"serverAddress\": "
        "\"http://h:2\"}], \"keys\": {\"keyData\": [{\"privateKeyPath\": \"a\", "
        "\"publicKeyPath\": \"b\"}]}}";
    static const struct {
        const char *url, *secret;
        int status;
        const char *word;
    } rows[] = {
        {"n6pTtdDdkgHz3tIOyRI/UU4UZJoT9p0KeNwaIS6hhKw=", " quince\n", 0, NULL},
        {"n6pTtdDdkgHz3tIOyRI/UU4UZJoT9p0KeNwaIS6hhKw=", NULL, ERR_USAGE, "TESSERA_CONFIG_SECRET"},
        {"n6pTtdDdkgHz3tIOyRI/UU4UZJoT9p0KeNwaIS6hhKw=", "quinces", ERR_INPUT, "another secret"},
        {"n6pTtdDdkgHz3tIOyRI/UU4UZJoT9p0KeNwaIS6hhA==", "quince", ERR_INPUT, "damaged"},
        {"AAAA", "quince", ERR_INPUT, "damaged"},
        {"**", "quince", ERR_INPUT, "damaged"},
    };
    char folder[] = "/tmp/tm-config-XXXXXX", config_path[64], secret_path[64], json[1024];
    (void)state;
    assert_non_null(mkdtemp(folder));
    snprintf(config_path, sizeof(config_path), "%s/config", folder);
    snprintf(secret_path, sizeof(secret_path), "%s/secret", folder);
    for (size_t i = 0; i < BASE_COUNT(rows); i++) {
        struct tm_config config;
        struct err_detail detail = {""};
        snprintf(json, sizeof(json), text, rows[i].url);
        assert_int_equal(file_write(config_path, bytes_str(json), &detail), 0);
        if (rows[i].secret)
            assert_int_equal(file_write(secret_path, bytes_str(rows[i].secret), &detail), 0);
        assert_int_equal(rows[i].secret ? setenv("TESSERA_CONFIG_SECRET", secret_path, 1)
                                        : unsetenv("TESSERA_CONFIG_SECRET"),
                         0);
        assert_int_equal(tm_config_load(&config, config_path, NULL, NULL, &detail), rows[i].status);
        if (rows[i].status < 0) {
            assert_non_null(strstr(detail.text, rows[i].word));
            continue;
        }
        assert_string_equal(config.jdbc_url, "jdbc:mysql://db/tm");
        assert_string_equal(config.jdbc_username, "me");
        assert_string_equal(config.jdbc_password, "open sesame");
        tm_config_release(&config);
    }
    unsetenv("TESSERA_CONFIG_SECRET");
    unlink(config_path);
    unlink(secret_path);
    rmdir(folder);
}

static void test_constellation(void **state)
{
    (void)state;
    static const char text[] =
        "# a node\nurl = \"http://127.0.0.1:9001/\"\nport = 9001\nsocket = \"tm.ipc\"\n"
        "othernodes = [\"http://127.0.0.1:9000/\",\n  \"http://127.0.0.1:9002/\"]\n"
        "publickeys = [\"a.pub\"]\nprivatekeys = ['a.key']\ntls = \"off\"\n"
        "storage = \"memory\"\n";
    char path[] = "/tmp/quorate-constellation-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, sizeof(text) - 1), (int)sizeof(text) - 1);
    close(fd);
    struct tm_config config;
    struct err_detail detail = {""};
    char first[] = "--workdir=/w", second[] = "--privatekeys=b.key", wrong[] = "--publickey=x";
    char *arguments[] = {first, second};
    assert_int_equal(tm_config_constellation(&config, path, 2, arguments, &detail), 0);
    assert_true(config.constellation);
    assert_int_equal(config.peers.count, 2);
    assert_string_equal(config.keys[0].private_path, "/w/b.key");
    assert_string_equal(config.jdbc_url, "memory");
    assert_string_equal(tm_config_server_of(&config, TM_APP_Q2T)->address, "unix:/w/tm.ipc");
    assert_string_equal(tm_config_server_of(&config, TM_APP_P2P)->binding, "http://0.0.0.0:9001");
    tm_config_release(&config);
    arguments[0] = wrong;
    assert_int_equal(tm_config_constellation(&config, path, 1, arguments, &detail), ERR_USAGE);
    assert_non_null(strstr(detail.text, "publickeys"));
    unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_shapes),        cmocka_unit_test(test_overrides),
        cmocka_unit_test(test_faults),        cmocka_unit_test(test_influx),
        cmocka_unit_test(test_unknown),       cmocka_unit_test(test_constellation),
        cmocka_unit_test(test_password_file), cmocka_unit_test(test_sealed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
