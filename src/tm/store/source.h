/* Where a migration reads from: every source hands its rows, one by one, to a function. Not for other folders. */
#ifndef TM_STORE_SOURCE_H
#define TM_STORE_SOURCE_H

#include "tm/store/request.h"

enum tm_source_kind { TM_SOURCE_PAYLOAD, TM_SOURCE_RAW, TM_SOURCE_GROUP };

/* Spans live during the call that brings the row. */
struct tm_source_row {
    enum tm_source_kind kind;
    struct tm_store_payload payload;
    struct tm_store_raw raw;
    struct tm_store_group group;
    const char *
        trouble; /* the row cannot be read: what is wrong with it; all else is empty but, perhaps, the hash */
};

/* 0 to go on; a failure ends the reading and is returned. */
typedef int tm_source_fn(void *context, const struct tm_source_row *row, struct err_detail *detail);

/* How many rows are to come, when the source knows. */
typedef void tm_source_total_fn(void *context, uint64_t total);

struct tm_source {
    tm_source_fn *row;
    tm_source_total_fn *total;
    void *context;
};

/* Reads all of `from` (migrate.h). ERR_INPUT, ERR_NOTFOUND, ERR_UNSUPPORTED, ERR_IO, ERR_NOMEM, ERR_CORRUPT. */
int tm_source_read(const struct tm_source *source, const char *from, const char *username,
                   const char *password, struct err_detail *detail) BASE_NODISCARD;

/* h2.c: the text of H2's SCRIPT. Pure. */
int tm_source_read_h2(const struct tm_source *source, struct bytes text,
                      struct err_detail *detail) BASE_NODISCARD;
/* constellation.c. `text`: what db_dump prints. Pure. */
int tm_source_read_dump(const struct tm_source *source, struct bytes text,
                        struct err_detail *detail) BASE_NODISCARD;
int tm_source_read_folder(const struct tm_source *source, const char *path,
                          struct err_detail *detail) BASE_NODISCARD;
/* *ret_found: whether it is Constellation's; if not, nothing is read. */
int tm_source_read_constellation_sqlite(const struct tm_source *source, bool *ret_found,
                                        const char *path, struct err_detail *detail) BASE_NODISCARD;

#endif
