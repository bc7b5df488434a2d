/* `quorate logs`: what a peer's programs have written last. */
#include "deploy/commands/context.h"

#include <stdio.h>
#include <unistd.h>

enum { LINES_MAX = 100000, READ_BACK = 1 << 20 };

static const char *data = DEPLOY_DATA_DEFAULT;
static bool tm_only, db_only, follow;
static uint64_t lines = 50;

static const struct options_row rows[] = {
    {"data", "FOLDER", OPTIONS_TEXT, &data,
     "where the network lives (default " DEPLOY_DATA_DEFAULT ")"},
    {"tm", NULL, OPTIONS_SWITCH, &tm_only, "of the transaction manager instead of the node"},
    {"db", NULL, OPTIONS_SWITCH, &db_only, "of its database server"},
    {"lines", "NUMBER", OPTIONS_NUMBER, &lines, "how many (default 50)"},
    {"follow", NULL, OPTIONS_SWITCH, &follow, "go on as more is written, until Ctrl-C"},
};

/* Moves to where the last lines begin, looking back at most a megabyte. */
static void seek_back(FILE *file)
{
    static char back[READ_BACK];
    fseek(file, 0, SEEK_END);
    long size = ftell(file), from = size > READ_BACK ? size - READ_BACK : 0;
    fseek(file, from, SEEK_SET);
    size_t n = fread(back, 1, sizeof(back), file), at = n;
    for (uint64_t left = lines + 1; at > 0 && left > 0; at--)
        left -= back[at - 1] == '\n' && at != n;
    fseek(file, from + (long)(at ? at + 1 : 0), SEEK_SET);
}

static void print_on(FILE *file)
{
    char part[4096];
    do {
        for (size_t n; (n = fread(part, 1, sizeof(part), file)) > 0;)
            fwrite(part, 1, n, stdout);
        fflush(stdout);
        clearerr(file);
        if (follow)
            usleep(200000);
    } while (follow);
}

static int show(const char *name, struct err_detail *detail)
{
    struct deploy_context context;
    char path[DEPLOY_PATH_MAX + 32];
    int status = deploy_context_reopen(&context, data, detail);
    const struct deploy_site_peer *peer = NULL;
    if (status == ERR_OK)
        status = deploy_context_peer(&peer, &context, name, detail);
    if (status == ERR_OK)
        snprintf(path, sizeof(path), "%s/logs/%s.log", peer->folder,
                 db_only   ? "db"
                 : tm_only ? "tm"
                           : "node");
    FILE *file = status == ERR_OK ? fopen(path, "r") : NULL;
    if (status == ERR_OK && !file)
        status = err_set(detail, ERR_NOTFOUND, "%s is not there: it has never run", path);
    if (file) {
        seek_back(file);
        print_on(file);
        fclose(file);
    }
    deploy_context_release(&context);
    return status;
}

static int run(size_t argc, char **argv)
{
    struct err_detail detail = {""};
    int status;
    if (argc != 1)
        status = err_set(&detail, ERR_USAGE, "logs takes one peer: quorate logs carrier");
    else if (tm_only && db_only)
        status = err_set(&detail, ERR_USAGE, "--tm and --db exclude each other");
    else if (lines > LINES_MAX)
        status = err_set(&detail, ERR_USAGE, "--lines takes at most %d", LINES_MAX);
    else
        status = show(argv[0], &detail);
    return deploy_end(status, &detail);
}

const struct commands_command deploy_logs = {
    .text = {"logs", "PEER", "print the last lines of a peer's log",
             "A peer is named organization/peer, or by its own name where that is unique."},
    .rows = rows,
    .row_count = BASE_COUNT(rows),
    .run = run,
};
