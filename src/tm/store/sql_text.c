/* What is asked, as text. The tables are Tessera's, and so are names and orders of columns; two of them (PAYLOAD_CODEC) are
 * there from 22.1 on. QUORATE_DELIVERY is ours. */
#include "tm/store/sql_priv.h"

#include <stdio.h>

#define CODEC       "@" /* ", PAYLOAD_CODEC" where the table has it */
#define CODEC_VALUE "%" /* ", ?" likewise */
#define CODEC_SET   "^" /* ", PAYLOAD_CODEC = ?" likewise */

static const char *const statements[TM_SQL_SLOTS] = {
    [TM_SQL_PUT] = "INSERT INTO ENCRYPTED_TRANSACTION (ENCODED_PAYLOAD, HASH, TIMESTAMP" CODEC
                   ") VALUES (?, ?, ?" CODEC_VALUE ")",
    [TM_SQL_PUT_DELIVERY] =
        "INSERT INTO QUORATE_DELIVERY (HASH, RECIPIENT, CREATED, NEXT_TRY, ATTEMPTS) "
        "VALUES (?, ?, ?, ?, ?)",
    [TM_SQL_GET] = "SELECT HASH, ENCODED_PAYLOAD, TIMESTAMP" CODEC
                   " FROM ENCRYPTED_TRANSACTION WHERE HASH = ?",
    [TM_SQL_PAGE] = "SELECT HASH, ENCODED_PAYLOAD, TIMESTAMP" CODEC
                    " FROM ENCRYPTED_TRANSACTION WHERE HASH > ? ORDER BY HASH LIMIT ?",
    [TM_SQL_COUNT] = "SELECT COUNT(*) FROM ENCRYPTED_TRANSACTION",
    [TM_SQL_REPLACE] = "UPDATE ENCRYPTED_TRANSACTION SET ENCODED_PAYLOAD = ?" CODEC_SET
                       " WHERE HASH = ? AND ENCODED_PAYLOAD = ?",
    [TM_SQL_DELETE] = "DELETE FROM ENCRYPTED_TRANSACTION WHERE HASH = ?",
    [TM_SQL_DELETE_DELIVERIES] = "DELETE FROM QUORATE_DELIVERY WHERE HASH = ?",
    [TM_SQL_PUT_RAW] =
        "INSERT INTO ENCRYPTED_RAW_TRANSACTION (ENCRYPTED_KEY, ENCRYPTED_PAYLOAD, NONCE, "
        "SENDER, TIMESTAMP, HASH) VALUES (?, ?, ?, ?, ?, ?)",
    [TM_SQL_GET_RAW] =
        "SELECT ENCRYPTED_KEY, ENCRYPTED_PAYLOAD, NONCE, SENDER, TIMESTAMP, HASH FROM "
        "ENCRYPTED_RAW_TRANSACTION WHERE HASH = ?",
    [TM_SQL_PAGE_RAW] =
        "SELECT ENCRYPTED_KEY, ENCRYPTED_PAYLOAD, NONCE, SENDER, TIMESTAMP, HASH FROM "
        "ENCRYPTED_RAW_TRANSACTION WHERE HASH > ? ORDER BY HASH LIMIT ?",
    [TM_SQL_PUT_GROUP] =
        "INSERT INTO PRIVACY_GROUP (ID, LOOKUP_ID, DATA, TIMESTAMP) VALUES (?, ?, ?, ?)",
    [TM_SQL_UPDATE_GROUP] =
        "UPDATE PRIVACY_GROUP SET LOOKUP_ID = ?, DATA = ?, TIMESTAMP = ? WHERE ID = ?",
    [TM_SQL_GET_GROUP] = "SELECT ID, LOOKUP_ID, DATA, TIMESTAMP FROM PRIVACY_GROUP WHERE ID = ?",
    [TM_SQL_FIND_GROUPS] =
        "SELECT ID, LOOKUP_ID, DATA, TIMESTAMP FROM PRIVACY_GROUP WHERE LOOKUP_ID = ? "
        "ORDER BY ID",
    [TM_SQL_ALL_GROUPS] = "SELECT ID, LOOKUP_ID, DATA, TIMESTAMP FROM PRIVACY_GROUP ORDER BY ID",
    [TM_SQL_STAGE] = "INSERT INTO ST_TRANSACTION (ID, HASH, PAYLOAD, PRIVACY_MODE, TIMESTAMP, "
                     "VALIDATION_STAGE" CODEC ") VALUES (?, ?, ?, ?, ?, NULL" CODEC_VALUE ")",
    [TM_SQL_STAGE_AFFECTED] =
        "INSERT INTO ST_AFFECTED_TRANSACTION (ID, AFFECTED_HASH, TXN_ID) VALUES (?, ?, ?)",
    [TM_SQL_STAGE_MAX] = "SELECT COALESCE(MAX(ID), 0) FROM ST_TRANSACTION",
    [TM_SQL_STAGE_MAX_AFFECTED] = "SELECT COALESCE(MAX(ID), 0) FROM ST_AFFECTED_TRANSACTION",
    /* an affected hash holds a row back while any row of that hash, of this step too, is without an earlier stage */
    [TM_SQL_STAGE_READY] =
        "SELECT T.ID FROM ST_TRANSACTION T WHERE T.VALIDATION_STAGE IS NULL AND NOT EXISTS (SELECT "
        "1 FROM ST_AFFECTED_TRANSACTION A JOIN ST_TRANSACTION O ON O.HASH = A.AFFECTED_HASH WHERE "
        "A.TXN_ID = T.ID AND O.VALIDATION_STAGE IS NULL) ORDER BY T.ID LIMIT ?",
    [TM_SQL_STAGE_SET] = "UPDATE ST_TRANSACTION SET VALIDATION_STAGE = ? WHERE ID = ?",
    [TM_SQL_STAGED_PAGE] =
        "SELECT ID, HASH, PAYLOAD, PRIVACY_MODE, TIMESTAMP, VALIDATION_STAGE" CODEC
        " FROM ST_TRANSACTION WHERE VALIDATION_STAGE > ? OR (VALIDATION_STAGE = ? AND (HASH > ? OR "
        "(HASH = ? AND ID > ?))) ORDER BY VALIDATION_STAGE, HASH, ID LIMIT ?",
    [TM_SQL_STAGED_COUNT] = "SELECT COUNT(*) FROM ST_TRANSACTION",
    [TM_SQL_STAGED_COUNT_OPEN] =
        "SELECT COUNT(*) FROM ST_TRANSACTION WHERE VALIDATION_STAGE IS NULL",
    [TM_SQL_STAGED_CLEAR_AFFECTED] = "DELETE FROM ST_AFFECTED_TRANSACTION",
    [TM_SQL_STAGED_CLEAR] = "DELETE FROM ST_TRANSACTION",
    [TM_SQL_DELIVERIES] =
        "SELECT HASH, RECIPIENT, CREATED, NEXT_TRY, ATTEMPTS FROM QUORATE_DELIVERY "
        "WHERE NEXT_TRY <= ? OR NEXT_TRY > ? ORDER BY NEXT_TRY LIMIT ?",
    [TM_SQL_POSTPONE] =
        "UPDATE QUORATE_DELIVERY SET NEXT_TRY = ?, ATTEMPTS = ? WHERE HASH = ? AND RECIPIENT = ?",
    [TM_SQL_DELIVERED] = "DELETE FROM QUORATE_DELIVERY WHERE HASH = ? AND RECIPIENT = ?",
};

static bool is_staging(enum tm_sql_slot slot)
{
    return slot >= TM_SQL_STAGE && slot <= TM_SQL_STAGED_CLEAR;
}

/* The statement's text, with what depends on the tables. The length. */
static size_t write_text(const struct tm_sql *sql, enum tm_sql_slot slot, char *text, size_t room)
{
    size_t len = 0;
    bool codec = is_staging(slot) ? sql->has_staged_codec : sql->has_codec;
    for (const char *at = statements[slot]; *at; at++) {
        const char *more = *at == *CODEC         ? ", PAYLOAD_CODEC"
                           : *at == *CODEC_VALUE ? ", ?"
                           : *at == *CODEC_SET   ? ", PAYLOAD_CODEC = ?"
                                                 : NULL;
        if (!more)
            text[len++] = *at;
        else if (codec)
            len += (size_t)snprintf(text + len, room - len, "%s", more);
        assert(len < room);
    }
    text[len] = 0;
    return len;
}

int tm_sql_do(struct tm_sql *sql, enum tm_sql_slot slot, const struct tm_sql_params *params,
              tm_sql_row_fn *fn, void *context, uint64_t *ret_changed, struct err_detail *detail)
{
    char text[512];
    write_text(sql, slot, text, sizeof(text));
    return tm_sql_run(sql, (int)slot, text, params, fn, context, ret_changed, detail);
}

int tm_sql_do_puts(struct tm_sql *sql, size_t rows, const struct tm_sql_params *params,
                   struct err_detail *detail)
{
    char text[512];
    assert(rows >= 1 && rows <= TM_SQL_ROWS_MAX);
    size_t len = write_text(sql, TM_SQL_PUT, text, sizeof(text));
    for (size_t i = 1; i < rows; i++)
        len += (size_t)snprintf(text + len, sizeof(text) - len, ", (?, ?, ?%s)",
                                sql->has_codec ? ", ?" : "");
    assert(len < sizeof(text));
    return tm_sql_run(sql, (int)(TM_SQL_PUT_ROWS + rows), text, params, NULL, NULL, NULL, detail);
}
