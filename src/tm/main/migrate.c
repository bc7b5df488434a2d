/* quorate-tm migrate: payloads from another manager's storage into the configuration's database. */
#include "tm/store/migrate.h"

#include "base/file.h"
#include "tm/main/main.h"

#include <stdio.h>
#include <unistd.h>

static void show(void *context, const struct tm_migrate_progress *p)
{
    (void)context;
    printf(
        "%llu of %llu: %llu stored, %llu present, %llu foreign, %llu damaged, %llu in conflict\n",
        (unsigned long long)p->seen, (unsigned long long)p->total, (unsigned long long)p->stored,
        (unsigned long long)p->present, (unsigned long long)p->foreign,
        (unsigned long long)p->damaged, (unsigned long long)p->conflict);
    fflush(stdout);
}

static void complain(void *context, const char *text)
{
    (void)context;
    fprintf(stderr, "%s\n", text);
}

enum { OPTIONS = 4 };

struct given {
    const char *from, *config_path, *username, *password_file;
};

static void write_rows(struct options_row *rows, struct given *g)
{
    const struct options_row all[OPTIONS] = {
        {"from", "SOURCE", OPTIONS_TEXT, &g->from,
         "where the payloads are: see docs/tm-storage.md"},
        {"configfile", "FILE", OPTIONS_TEXT, &g->config_path, "configuration of this manager"},
        {"from-username", "NAME", OPTIONS_TEXT, &g->username, "of the source's database"},
        {"from-password-file", "FILE", OPTIONS_TEXT, &g->password_file, "its password, one line"},
    };
    memcpy(rows, all, sizeof(all));
}

void tm_migrate_page(struct buf *b, options_page_fn *page)
{
    static const struct options_command command = {
        "migrate", "", "take over the payloads of another manager's storage",
        "Each payload is checked. A migration that was broken off goes on where it was when the "
        "command is given again."};
    struct given given;
    struct options_row rows[OPTIONS];
    write_rows(rows, &given);
    page(b, "quorate-tm", &command, rows, OPTIONS);
}

int tm_load_any_config(struct tm_config *ret_config, const char *path, struct err_detail *detail)
{
    struct buf text = BUF_INIT;
    int status = file_read(path, TM_CONFIG_MAX_TEXT, &text, detail);
    size_t from = 0;
    while (from < text.len && text.data[from] <= ' ')
        from++;
    bool json = from < text.len && text.data[from] == '{';
    buf_release(&text);
    if (status < 0)
        return status;
    return json ? tm_config_load(ret_config, path, NULL, tm_ask_password, detail)
                : tm_config_constellation(ret_config, path, 0, NULL, detail);
}

int tm_migrate_command(int argc, char **argv)
{
    struct given given = {NULL, NULL, NULL, NULL};
    struct options_row rows[OPTIONS];
    write_rows(rows, &given);
    struct err_detail detail = {""};
    struct tm_config config;
    struct tm_enclave *enclave = NULL;
    struct buf password = BUF_INIT;
    size_t rest;
    int status = options_parse(&rest, argc, argv, rows, BASE_COUNT(rows), &detail);
    if (status == 0 && (!given.from || !given.config_path || rest > 1))
        status = err_set(&detail, ERR_USAGE,
                         "usage: quorate-tm migrate --from SOURCE --configfile FILE");
    if (status < 0) {
        fprintf(stderr, "%s\n", detail.text);
        return TM_EXIT_USAGE;
    }
    if (tm_load_any_config(&config, given.config_path, &detail) < 0) {
        fprintf(stderr, "%s\n", detail.text);
        return TM_EXIT_CONFIG;
    }
    status = given.password_file ? file_read(given.password_file, 4096, &password, &detail) : 0;
    while (password.len && password.data[password.len - 1] == '\n')
        password.len--;
    if (status == 0)
        status = tm_load_enclave(&enclave, &config, &detail);
    struct tm_migrate_progress progress;
    struct tm_migrate_options options = {.from = given.from,
                                         .from_username = given.username,
                                         .from_password =
                                             given.password_file ? buf_text(&password) : NULL,
                                         .to = {.url = config.jdbc_url,
                                                .username = config.jdbc_username,
                                                .password = config.jdbc_password,
                                                .create_tables = config.create_tables},
                                         .enclave = enclave,
                                         .progress = show,
                                         .complain = complain};
    if (status == 0)
        status = tm_migrate(&progress, &options, &detail);
    if (status < 0)
        fprintf(stderr, "%s\n", detail.text[0] ? detail.text : err_text(status));
    tm_enclave_free(enclave);
    if (password.data)
        explicit_bzero(password.data, password.capacity);
    buf_release(&password);
    tm_config_release(&config);
    return status < 0 ? TM_EXIT_OTHER : progress.damaged || progress.conflict ? 1 : TM_EXIT_OK;
}
