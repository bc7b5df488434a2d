#include "deploy/commands/table.h"

#include "crypto/address.h"

#include <stdarg.h>
#include <stdio.h>

enum { COLUMNS_MAX = 16 };

void deploy_table_init(struct deploy_table *table, const char *const *titles, size_t columns)
{
    assert(columns <= COLUMNS_MAX);
    *table = (struct deploy_table){.titles = titles, .columns = columns, .cells = BUF_INIT};
}

void deploy_table_cell(struct deploy_table *table, const char *format, ...)
{
    char text[256];
    va_list values;
    va_start(values, format);
    vsnprintf(text, sizeof(text), format, values);
    va_end(values);
    buf_append(&table->cells, text, strlen(text) + 1);
    table->count++;
}

static void measure(size_t widths[COLUMNS_MAX], const struct deploy_table *table)
{
    const char *cell = (const char *)table->cells.data;
    for (size_t i = 0; i < table->columns; i++)
        widths[i] = strlen(table->titles[i]);
    for (size_t i = 0; i < table->count; i++, cell += strlen(cell) + 1)
        if (strlen(cell) > widths[i % table->columns])
            widths[i % table->columns] = strlen(cell);
}

static void append_cell(struct buf *b, const struct deploy_table *table, size_t column,
                        const char *text, size_t width)
{
    bool last = column + 1 == table->columns;
    if (last)
        buf_append_format(b, "%s\n", text);
    else
        buf_append_format(b, "%-*s  ", (int)width, text);
}

void deploy_table_finish(struct buf *b, struct deploy_table *table)
{
    size_t widths[COLUMNS_MAX];
    const char *cell = (const char *)table->cells.data;
    if (buf_status(&table->cells) != ERR_OK) {
        b->status = buf_status(&table->cells);
        buf_release(&table->cells);
        return;
    }
    measure(widths, table);
    for (size_t i = 0; i < table->columns; i++)
        append_cell(b, table, i, table->titles[i], widths[i]);
    for (size_t i = 0; i < table->count; i++, cell += strlen(cell) + 1)
        append_cell(b, table, i % table->columns, cell, widths[i % table->columns]);
    buf_release(&table->cells);
}

void deploy_table_summary(const struct deploy_site *site)
{
    static const char *const titles[] = {"PEER", "ROLE", "JSON-RPC", "ACCOUNT",
                                         "TRANSACTION MANAGER KEY"};
    struct deploy_table table;
    struct buf b = BUF_INIT;
    deploy_table_init(&table, titles, BASE_COUNT(titles));
    for (size_t i = 0; i < site->count; i++) {
        const struct deploy_site_peer *peer = &site->peers[i];
        char account[CRYPTO_ADDRESS_TEXT];
        crypto_address_checksum(account, &peer->identity.account);
        bool raft = site->network->config->consensus.value == DEPLOY_RAFT;
        deploy_table_cell(&table, "%s", peer->name);
        deploy_table_cell(&table, "%s", raft || peer->validator ? "validator" : "member");
        deploy_table_cell(&table, "http://127.0.0.1:%u", peer->rpc);
        deploy_table_cell(&table, "%s", account);
        deploy_table_cell(&table, "%s", peer->has_tm ? peer->identity.tm_public : "-");
    }
    deploy_table_finish(&b, &table);
    fputs(buf_text(&b), stdout);
    buf_release(&b);
    fflush(stdout);
}
