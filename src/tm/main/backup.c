/* quorate-tm backup: a copy of the configuration's database in one file. */
#include "tm/store/backup.h"

#include "tm/main/main.h"

#include <stdio.h>

enum { OPTIONS = 2 };

struct given {
    const char *config_path, *to;
};

static void write_rows(struct options_row *rows, struct given *g)
{
    const struct options_row all[OPTIONS] = {
        {"configfile", "FILE", OPTIONS_TEXT, &g->config_path, "configuration of the manager"},
        {"to", "FILE", OPTIONS_TEXT, &g->to, "the SQLite file to make"},
    };
    memcpy(rows, all, sizeof(all));
}

void tm_backup_page(struct buf *b, options_page_fn *page)
{
    static const struct options_command command = {
        "backup", "", "copy the database into one file, while the manager runs",
        "Any database is filled again from the file by migrate --from jdbc:sqlite:FILE."};
    struct given given;
    struct options_row rows[OPTIONS];
    write_rows(rows, &given);
    page(b, "quorate-tm", &command, rows, OPTIONS);
}

int tm_backup_command(int argc, char **argv)
{
    struct given given = {NULL, NULL};
    struct options_row rows[OPTIONS];
    write_rows(rows, &given);
    struct err_detail detail = {""};
    struct tm_config config;
    size_t rest;
    int status = options_parse(&rest, argc, argv, rows, BASE_COUNT(rows), &detail);
    if (status == 0 && (!given.config_path || !given.to || rest > 1))
        status =
            err_set(&detail, ERR_USAGE, "usage: quorate-tm backup --configfile FILE --to FILE");
    if (status < 0) {
        fprintf(stderr, "%s\n", detail.text);
        return TM_EXIT_USAGE;
    }
    if (tm_load_any_config(&config, given.config_path, &detail) < 0) {
        fprintf(stderr, "%s\n", detail.text);
        return TM_EXIT_CONFIG;
    }
    const struct tm_store_options from = {
        .url = config.jdbc_url, .username = config.jdbc_username, .password = config.jdbc_password};
    status = tm_store_backup(&from, given.to, &detail);
    if (status < 0)
        fprintf(stderr, "%s\n", detail.text[0] ? detail.text : err_text(status));
    tm_config_release(&config);
    return status < 0 ? TM_EXIT_OTHER : TM_EXIT_OK;
}
