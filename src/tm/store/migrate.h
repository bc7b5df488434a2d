/*
 * Brings payloads from another manager's storage into ours, one by one, each checked: it decodes, its hash is its name,
 * and one of our keys opens it. What is there already is passed over, so that a migration that was broken off goes on.
 * The source is only read.
 *
 *   jdbc:sqlite:… jdbc:mysql:…     a Tessera database, read as it is
 *   FILE.sql                       the output of H2's SCRIPT (docs/tm-storage.md has the steps)
 *   dir:P, sqlite:P                Constellation's storages
 *   bdb:P                          the output of `db_dump P/payload.db`
 */
#ifndef TM_STORE_MIGRATE_H
#define TM_STORE_MIGRATE_H

#include "tm/enclave/enclave.h"
#include "tm/store/store.h"

struct tm_migrate_progress {
    uint64_t total;    /* rows of the source, 0 = not known */
    uint64_t seen;     /* rows read */
    uint64_t stored;   /* put into our store */
    uint64_t present;  /* were there already, with the same content */
    uint64_t raws;     /* raw payloads among `stored` and `present` */
    uint64_t groups;   /* privacy groups, likewise */
    uint64_t foreign;  /* stored, but no key of ours opens it */
    uint64_t damaged;  /* refused: does not decode, or is not what its name says */
    uint64_t conflict; /* refused: ours has other content under that name */
};

struct tm_migrate_options {
    const char *from; /* as above */
    const char *from_username, *from_password;
    struct tm_store_options to;
    struct tm_enclave *enclave; /* our keys; NULL leaves opening out */
    /* Every so many rows, and at the end. May be NULL. */
    void (*progress)(void *context, const struct tm_migrate_progress *progress);
    /* Names each row that was refused or is foreign. May be NULL. */
    void (*complain)(void *context, const char *text);
    void *context;
    /* Asked between rows: true breaks off. May be NULL. */
    bool (*stop)(void *context);
};

/* Blocks until done. 0 also when rows were refused: *ret_progress tells. ERR_INPUT, ERR_NOTFOUND, ERR_UNSUPPORTED,
 * ERR_IO, ERR_NOSPACE, ERR_NOMEM, ERR_BUSY (broken off by `stop`). Rows that were committed stay. */
int tm_migrate(struct tm_migrate_progress *ret_progress, const struct tm_migrate_options *options,
               struct err_detail *detail) BASE_NODISCARD;

#endif
