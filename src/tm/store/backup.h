/* A copy of a transaction manager's database in one SQLite file, while the manager runs. */
#ifndef TM_STORE_BACKUP_H
#define TM_STORE_BACKUP_H

#include "tm/store/store.h"

/*
 * Writes all payloads, raw payloads and privacy groups of the database into a new file `to` (mode 0600): of SQLite, as they were at one
 * moment, with what waits for delivery; of MySQL, row by row, where rows never change. From such a file `migrate --from jdbc:sqlite:…`
 * fills any database. ERR_EXISTS when `to` is there; ERR_NOTFOUND, ERR_UNSUPPORTED (a database in memory), ERR_IO, ERR_NOSPACE,
 * ERR_CORRUPT, ERR_NOMEM; then `to` is not.
 */
int tm_store_backup(const struct tm_store_options *from, const char *to,
                    struct err_detail *detail) BASE_NODISCARD;

#endif
