/* Tables for people. */
#ifndef DEPLOY_COMMANDS_TABLE_H
#define DEPLOY_COMMANDS_TABLE_H

#include "deploy/local/site.h"

/* Columns as wide as their widest cell, two spaces between. */
struct deploy_table {
    const char *const *titles;
    size_t columns;
    struct buf cells; /* texts, each ended by a zero byte, row after row */
    size_t count;     /* of cells */
};

void deploy_table_init(struct deploy_table *table, const char *const *titles, size_t columns);
void deploy_table_cell(struct deploy_table *table, const char *format, ...) BASE_PRINTF(2, 3);
/* Appends the lines, and releases the table. */
void deploy_table_finish(struct buf *b, struct deploy_table *table);

/* What a user needs to use a network: peers, roles, URLs, accounts, keys. To standard output. */
void deploy_table_summary(const struct deploy_site *site);

#endif
