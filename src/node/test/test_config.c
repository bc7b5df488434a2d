/* Command lines as geth reads them, and lines of the log as geth writes them. */
#include "node/config/config.h"
#include "node/config/file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

enum { WORDS_MAX = 16 };

static struct node_config config;
static struct err_detail detail;
static char *words[WORDS_MAX];
static size_t word_count;
static unsigned warnings;
static char last_warning[256];

static int parse(const char *line)
{
    static char copy[512];
    int count = 0;
    snprintf(copy, sizeof(copy), "%s", line);
    for (char *rest = copy, *word; (word = strsep(&rest, " "));)
        words[count++] = word;
    node_config_defaults(&config);
    return node_config_parse(&config, &word_count, count, words, &detail);
}

static void warn(void *context, const char *message)
{
    (void)context;
    warnings++;
    snprintf(last_warning, sizeof(last_warning), "%s", message);
}

static int check(const char *line)
{
    warnings = 0;
    assert_int_equal(parse(line), ERR_OK);
    return node_config_check(&config, warn, NULL, &detail);
}

static void test_defaults(void **state)
{
    (void)state;
    setenv("HOME", "/home/someone", 1);
    assert_int_equal(check("--mine"), ERR_OK);
    assert_int_equal(warnings, 0);
    assert_true(config.mine);
    assert_string_equal(config.datadir, "/home/someone/.ethereum");
    assert_int_equal(config.port, 30303);
    assert_int_equal(config.maxpeers, 50);
    assert_int_equal(config.gaslimit, 800000000);
    assert_int_equal(config.pool_lifetime_ms, 3 * 3600 * 1000);
    assert_string_equal(config.http_addr, "localhost");
    assert_int_equal(config.verbosity, 3);
}

static void test_forms(void **state)
{
    (void)state;
    assert_int_equal(parse("-datadir /d init --port=7 genesis.json --http  --mine=false "
                           "--bootnodes  -http.port 0x10"),
                     ERR_OK);
    assert_int_equal(word_count, 2);
    assert_string_equal(words[0], "init");
    assert_string_equal(words[1], "genesis.json");
    assert_string_equal(config.datadir, "/d");
    assert_string_equal(config.bootnodes, "");
    assert_int_equal(config.port, 7);
    assert_int_equal(config.http_port, 16);
    assert_true(config.http);
    assert_false(config.mine);
    assert_int_equal(
        parse("--port 1 --port 2 --txpool.lifetime 1h30m --txpool.rejournal 1.5s -- --x"), ERR_OK);
    assert_int_equal(config.port, 2);
    assert_int_equal(config.pool_lifetime_ms, 5400000);
    assert_int_equal(config.pool_rejournal_ms, 1500);
    assert_string_equal(words[0], "--x");
    assert_true(node_config_given(&config, "port"));
    assert_false(node_config_given(&config, "mine"));
}

static void test_refusals(void **state)
{
    (void)state;
    static const char *const rows[][2] = {
        {"--nosuchflag", "flag provided but not defined: -nosuchflag"},
        {"--http.port abc", "invalid value \"abc\" for flag -http.port: parse error"},
        {"--port -1", "invalid value \"-1\" for flag -port: parse error"},
        {"--syncmode nothing",
         "invalid value \"nothing\" for flag -syncmode: unknown sync mode \"nothing\", want "
         "\"full\", \"fast\" or \"light\""},
        {"--port", "flag needs an argument: -port"},
        {"--mine=maybe", "invalid boolean value \"maybe\" for -mine: parse error"},
        {"--txpool.lifetime 3", "invalid value \"3\" for flag -txpool.lifetime: parse error"},
        {"--txpool.lifetime -3s", "invalid value \"-3s\" for flag -txpool.lifetime: parse error"},
        {"---port", "bad flag syntax: ---port"},
    };
    for (size_t i = 0; i < BASE_COUNT(rows); i++) {
        assert_int_equal(parse(rows[i][0]), ERR_USAGE);
        assert_string_equal(detail.text, rows[i][1]);
    }
}

static void test_checks(void **state)
{
    (void)state;
    static const char *const rows[][2] = {
        {"--gcmode nothing", "--gcmode must be either 'full' or 'archive'"},
        {"--nodekey a --nodekeyhex b",
         "Options \"nodekey\" and \"nodekeyhex\" are mutually exclusive"},
        {"--port 65536", "--port 65536 is no port: it must be at most 65535"},
        {"--nat extip:1.2.3", "Option nat: invalid IP address"},
        {"--nat wizard", "Option nat: unknown mechanism \"wizard\""},
        {"--raft --exitwhensynced", "raft consensus does not support --exitwhensynced"},
        {"--raft --raftport 65536", "--raftport 65536 is no port: it must be 1 to 65535"},
        {"--raft --raftblocktime 0", "--raftblocktime must be 1 to 3600000 milliseconds"},
        {"--raft --raftjoinexisting 70000", "--raftjoinexisting: a raft id is 65535 at most"},
        {"--ethstats a:b",
         "Failed to register the Ethereum Stats service: invalid netstats url: \"a:***\", should "
         "be nodename:secret@host:port"},
        {"--catalyst",
         "--catalyst (proof of stake integration) is not in this version of quorate-node: "
         "leave it out"},
    };
    for (size_t i = 0; i < BASE_COUNT(rows); i++) {
        assert_int_equal(check(rows[i][0]), ERR_USAGE);
        assert_string_equal(detail.text, rows[i][1]);
    }
    assert_int_equal(check("--raft=false --raftport 1 --nat extip:10.0.0.1 --nousb --cache 4096"),
                     ERR_OK);
    assert_int_equal(warnings, 0);
    assert_int_equal(check("--rpc --rpcport 99"), ERR_OK);
    assert_int_equal(warnings, 2);
    assert_int_equal(config.http_port, 99);
    assert_true(config.http);
    assert_string_equal(
        last_warning,
        "The flag --rpcport is deprecated and will be removed, please use --http.port");
    assert_int_equal(check("--metrics --metrics.influxdb"), ERR_OK);
    assert_int_equal(warnings, 0);
    assert_int_equal(check("--metrics.influxdb"), ERR_OK);
    assert_string_equal(last_warning, "--metrics.influxdb has no effect without --metrics");
    assert_int_equal(check("--ws --wsport 1 --ws.origins a,b"), ERR_OK);
    assert_int_equal(config.ws_port, 1);
    assert_true(config.ws);
    assert_string_equal(config.ws_origins, "a,b");
    assert_int_equal(check("--ws --ws.port 65536"), ERR_USAGE);
    assert_int_equal(check("--graphql=false --ethstats= --whitelist 1=0x00"), ERR_OK);
    assert_string_equal(config.authorizationlist, "1=0x00");
    assert_int_equal(warnings, 1);
}

static const char key_url[] =
    "enode://41102de81fc17b028e34c5ab509b25facd8ca8bb7dfa7f3b1957f976fdfe8464"
    "c1b414faf3afe767baf90599da5042e584f6ecfeceebe9d025be899f84dc46c7@127.0.0.1:30303?discport=0";

/* --config: nodes of the peers' lists, good and wrong; a service that is not here. */
static void test_config_file_nodes(void **state)
{
    (void)state;
    char path[] = "/tmp/quorate-config-XXXXXX", text[1024];
    struct buf shown = BUF_INIT;
    const struct {
        const char *nodes, *why; /* NULL: good */
    } cases[] = {
        {"[]", NULL},
        {key_url, NULL},
        {"[\"enode://12@1.2.3.4:5\"]", "StaticNodes: enode://12@1.2.3.4:5: "},
    };
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    for (size_t i = 0; i < BASE_COUNT(cases); i++) {
        FILE *f = fopen(path, "w");
        fputs("[Node.P2P]\nStaticNodes = ", f);
        if (i == 1)
            fprintf(f, "[\"%s\"]", key_url);
        else
            fputs(cases[i].nodes, f);
        fputs("\n", f);
        fclose(f);
        node_config_defaults(&config);
        int status = node_config_file_read(&config, path, &detail);
        assert_int_equal(status, cases[i].why ? ERR_INPUT : ERR_OK);
        if (cases[i].why)
            assert_non_null(strstr(detail.text, cases[i].why));
        else
            assert_string_equal(config.static_nodes, i == 1 ? key_url : "");
    }
    node_config_defaults(&config);
    config.static_nodes = key_url;
    node_config_file_write(&shown, &config);
    snprintf(text, sizeof(text), "\nStaticNodes = [\"%s\"]\nTrustedNodes = []\n", key_url);
    assert_non_null(strstr(buf_text(&shown), text));
    buf_release(&shown);
    close(fd);
    unlink(path);
}

/* What [Metrics] says is what the flags say; and comes out again. */
static void test_config_file_metrics(void **state)
{
    (void)state;
    static const char lines[] = "[Metrics]\nEnabled = true\nHTTP = \"127.0.0.1\"\nPort = 6061\n"
                                "EnableInfluxDB = true\nInfluxDBEndpoint = \"https://i:1\"\n"
                                "InfluxDBDatabase = \"d\"\nInfluxDBUsername = \"\"\n"
                                "InfluxDBPassword = \"p\"\nInfluxDBTags = \"a=b\"\n";
    char path[] = "/tmp/quorate-config-XXXXXX";
    struct buf shown = BUF_INIT;
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, lines, strlen(lines)), strlen(lines));
    node_config_defaults(&config);
    assert_false(config.influxdb);
    assert_string_equal(config.influxdb_endpoint, "http://localhost:8086");
    assert_string_equal(config.influxdb_database, "geth");
    assert_string_equal(config.influxdb_username, "test");
    assert_string_equal(config.influxdb_password, "test");
    assert_string_equal(config.influxdb_tags, "host=localhost");
    node_config_file_write(&shown, &config);
    assert_null(strstr(buf_text(&shown), "EnableInfluxDB"));
    assert_null(strstr(buf_text(&shown), "Enabled"));
    assert_int_equal(node_config_file_read(&config, path, &detail), ERR_OK);
    assert_true(config.metrics && config.influxdb);
    assert_string_equal(config.influxdb_endpoint, "https://i:1");
    assert_string_equal(config.influxdb_username, "");
    buf_clear(&shown);
    node_config_file_write(&shown, &config);
    assert_non_null(strstr(buf_text(&shown), lines));
    buf_release(&shown);
    close(fd);
    unlink(path);
}

/* Go writes and reads lists where flags have commas. */
static void test_config_file_lists(void **state)
{
    (void)state;
    static const char *const lines[] = {"\nHTTPCors = [\"a\", \"b\"]\nHTTPVirtualHosts = [",
                                        "\nWSOrigins = [\"c\"]\nWSModules = [",
                                        "\nGraphQLCors = [\"d\"]\nGraphQLVirtualHosts = [",
                                        "\nNetRestrict = [\"10.0.0.0/8\"]\nListenAddr = "};
    char path[] = "/tmp/quorate-config-XXXXXX";
    struct buf shown = BUF_INIT;
    node_config_defaults(&config);
    node_config_file_write(&shown, &config);
    for (size_t i = 0; i < BASE_COUNT(lines); i++)
        assert_null(strstr(buf_text(&shown), lines[i]));
    assert_int_equal(check("--http.corsdomain a,b --ws.origins c --graphql.corsdomain d "
                           "--netrestrict 10.0.0.0/8"),
                     ERR_OK);
    buf_clear(&shown);
    node_config_file_write(&shown, &config);
    for (size_t i = 0; i < BASE_COUNT(lines); i++)
        assert_non_null(strstr(buf_text(&shown), lines[i]));
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, shown.data, shown.len), (ssize_t)shown.len);
    close(fd);
    node_config_defaults(&config);
    assert_int_equal(node_config_file_read(&config, path, &detail), ERR_OK);
    assert_string_equal(config.http_cors, "a,b");
    assert_string_equal(config.ws_origins, "c");
    assert_string_equal(config.graphql_cors, "d");
    assert_string_equal(config.netrestrict, "10.0.0.0/8");
    unlink(path);
    buf_release(&shown);
}

/* It is shown only where there is one, and read as it is shown. */
static void test_config_file_ethstats(void **state)
{
    (void)state;
    static const char table[] = "\n[Ethstats]\nURL = \"a:b@c:3000\"\n\n[Metrics]\n";
    char path[] = "/tmp/quorate-config-XXXXXX";
    struct buf shown = BUF_INIT;
    node_config_defaults(&config);
    node_config_file_write(&shown, &config);
    assert_null(strstr(buf_text(&shown), "Ethstats"));
    assert_int_equal(check("--ethstats a:b@c:3000"), ERR_OK);
    assert_string_equal(config.ethstats, "a:b@c:3000");
    buf_clear(&shown);
    node_config_file_write(&shown, &config);
    assert_non_null(strstr(buf_text(&shown), table));
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, table, strlen(table)), (ssize_t)strlen(table));
    close(fd);
    node_config_defaults(&config);
    assert_int_equal(node_config_file_read(&config, path, &detail), ERR_OK);
    assert_string_equal(config.ethstats, "a:b@c:3000");
    unlink(path);
    buf_release(&shown);
}

static void test_help_names_every_flag(void **state)
{
    (void)state;
    struct buf help = BUF_INIT, man = BUF_INIT;
    node_config_help(&help, "quorate-node");
    node_config_man(&man);
    assert_non_null(strstr(buf_text(&help), "--allow-insecure-unlock"));
    for (size_t i = 0; i < node_flag_count; i++) {
        assert_non_null(strstr(buf_text(&help), node_flags[i].name));
        assert_true(i / 64 < BASE_COUNT(config.given));
    }
    assert_non_null(strstr(buf_text(&help), "refused: Trace of Go's runtime written to a file\n"));
    assert_non_null(strstr(buf_text(&man), ".SH EXIT STATUS"));
    buf_release(&help);
    buf_release(&man);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_defaults),
        cmocka_unit_test(test_forms),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_checks),
        cmocka_unit_test(test_help_names_every_flag),
        cmocka_unit_test(test_config_file_nodes),
        cmocka_unit_test(test_config_file_metrics),
        cmocka_unit_test(test_config_file_ethstats),
        cmocka_unit_test(test_config_file_lists),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
