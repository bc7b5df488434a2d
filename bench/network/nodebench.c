#include "nodebench.h"

#include "base/options.h"

#include <stdio.h>
#include <string.h>

static int parse(int argc, char **argv, const struct options_row *rows, size_t count,
                 struct err_detail *detail)
{
    size_t left;
    int rc = options_parse(&left, argc, argv, rows, count, detail);
    return rc == ERR_OK && left ? err_set(detail, ERR_USAGE, "%s: what is this?", argv[0]) : rc;
}

static int genesis_command(int argc, char **argv, struct err_detail *detail)
{
    struct genesis_options o = {
        .folder = ".",
        .consensus = "qbft",
        .token = "bench/network/token.hex",
        .validators = 4,
        .senders = 200,
        .first_port = 21000,
        .period = 1,
    };
    const struct options_row rows[] = {
        {"folder", "FOLDER", OPTIONS_TEXT, &o.folder, "where to write"},
        {"consensus", "NAME", OPTIONS_TEXT, &o.consensus, "qbft or ibft"},
        {"token", "FILE", OPTIONS_TEXT, &o.token, "code of the token"},
        {"validators", "N", OPTIONS_NUMBER, &o.validators, "number of nodes"},
        {"senders", "N", OPTIONS_NUMBER, &o.senders, "accounts that send"},
        {"port", "N", OPTIONS_NUMBER, &o.first_port, "of the first node"},
        {"period", "SECONDS", OPTIONS_NUMBER, &o.period, "between blocks"},
    };
    int rc = parse(argc, argv, rows, BASE_COUNT(rows), detail);
    return rc == ERR_OK ? write_genesis(&o, detail) : rc;
}

static int load_command(int argc, char **argv, struct err_detail *detail)
{
    struct load_options o = {
        .urls = "",
        .pids = "",
        .kind = "transfer",
        .rate = 1000,
        .seconds = 30,
        .senders = 200,
        .batch = 10,
        .connections = 4,
        .patience = 60,
    };
    const struct options_row rows[] = {
        {"urls", "LIST", OPTIONS_TEXT, &o.urls, "of the nodes"},
        {"pids", "LIST", OPTIONS_TEXT, &o.pids, "of their processes"},
        {"kind", "NAME", OPTIONS_TEXT, &o.kind, "transfer or token"},
        {"rate", "N", OPTIONS_NUMBER, &o.rate, "transactions a second"},
        {"seconds", "N", OPTIONS_NUMBER, &o.seconds, "for so long"},
        {"senders", "N", OPTIONS_NUMBER, &o.senders, "accounts that send"},
        {"batch", "N", OPTIONS_NUMBER, &o.batch, "transactions a request"},
        {"connections", "N", OPTIONS_NUMBER, &o.connections, "to each node"},
        {"patience", "SECONDS", OPTIONS_NUMBER, &o.patience, "to wait for the last ones"},
        {"lead", "N", OPTIONS_NUMBER, &o.lead, "transactions at once at the start"},
        {"json", NULL, OPTIONS_SWITCH, &o.json, "one line of JSON"},
    };
    int rc = parse(argc, argv, rows, BASE_COUNT(rows), detail);
    return rc == ERR_OK ? run_load(&o, detail) : rc;
}

int main(int argc, char **argv)
{
    struct err_detail detail = {.text = "usage: nodebench genesis|load [OPTION ...]"};
    int rc = ERR_USAGE;
    if (argc > 1 && strcmp(argv[1], "genesis") == 0)
        rc = genesis_command(argc - 2, argv + 2, &detail);
    else if (argc > 1 && strcmp(argv[1], "load") == 0)
        rc = load_command(argc - 2, argv + 2, &detail);
    if (rc != ERR_OK)
        fprintf(stderr, "nodebench: %s\n", detail.text);
    return rc == ERR_OK ? 0 : rc == ERR_USAGE ? 2 : 1;
}
