/*
 * The text that H2's SCRIPT writes (1.4 and 2.x). Of all statements these matter:
 *
 *   CREATE … TABLE "PUBLIC"."NAME"( "COLUMN" TYPE …, … );
 *   INSERT INTO "PUBLIC"."NAME" [( "COLUMN", … )] VALUES ( value, … ), ( … );
 *
 * Values are X'hex', numbers, 'text' and NULL. INSERT names no columns as a rule: their order is that of CREATE TABLE,
 * which differs between Tessera's own scripts and tables that were made by autoCreateTables.
 */
#include "tm/store/source.h"

#include <stdio.h>
#include <strings.h>

enum { COLUMNS_MAX = 16, NAME_MAX_LEN = 64, TABLES_MAX = 3 };

struct table {
    char columns[COLUMNS_MAX][NAME_MAX_LEN];
    size_t count;
};

static const char *const table_names[TABLES_MAX] = {
    [TM_SOURCE_PAYLOAD] = "ENCRYPTED_TRANSACTION",
    [TM_SOURCE_RAW] = "ENCRYPTED_RAW_TRANSACTION",
    [TM_SOURCE_GROUP] = "PRIVACY_GROUP",
};

struct parser {
    const struct tm_source *source;
    const uint8_t *at, *end, *begin;
    struct arena arena; /* of one row */
    struct table tables[TABLES_MAX];
    uint64_t announced, rows; /* of the three tables */
    int status;
    struct err_detail *detail;
};

struct value {
    bool null;
    struct bytes bytes; /* of X'' and of text */
    uint64_t number;
};

static size_t line_of(const struct parser *p)
{
    size_t line = 1;
    for (const uint8_t *at = p->begin; at < p->at; at++)
        line += *at == '\n';
    return line;
}

static void fail(struct parser *p, int status, const char *what)
{
    if (p->status == 0)
        p->status = err_set(p->detail, status, "line %zu: %s", line_of(p), what);
    p->at = p->end;
}

/* White space, and comments, which end with their line. */
static void skip_blank(struct parser *p)
{
    while (p->at < p->end) {
        if (*p->at == ' ' || *p->at == '\t' || *p->at == '\n' || *p->at == '\r') {
            p->at++;
        } else if (*p->at == '-' && p->end - p->at > 1 && p->at[1] == '-') {
            while (p->at < p->end && *p->at != '\n')
                p->at++;
        } else {
            break;
        }
    }
}

static bool take_char(struct parser *p, char wanted)
{
    skip_blank(p);
    if (p->at == p->end || *p->at != (uint8_t)wanted)
        return false;
    p->at++;
    return true;
}

/* A word of letters, digits and '_', or a name in quotes; cut to the room. False when there is none. */
static bool take_word(struct parser *p, char ret_word[NAME_MAX_LEN])
{
    size_t len = 0;
    skip_blank(p);
    bool quoted = p->at < p->end && *p->at == '"';
    p->at += quoted;
    while (p->at < p->end) {
        uint8_t c = *p->at;
        bool letter =
            (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
        if (quoted ? c == '"' : !letter)
            break;
        if (len < NAME_MAX_LEN - 1)
            ret_word[len++] = (char)c;
        p->at++;
    }
    ret_word[len] = 0;
    if (quoted && p->at < p->end)
        p->at++;
    return quoted || len > 0;
}

/* Moves over the rest of a statement, its semicolon included; text in quotes may hold anything. */
static void skip_statement(struct parser *p)
{
    while (p->at < p->end && *p->at != ';') {
        uint8_t c = *p->at++;
        if (c == '\'' || c == '"')
            while (p->at < p->end && *p->at++ != c)
                ;
        else if (c == '-' && p->at < p->end && *p->at == '-')
            while (p->at < p->end && *p->at != '\n')
                p->at++;
    }
    if (p->at < p->end)
        p->at++;
    else
        fail(p, ERR_INPUT, "it ends in the middle of a statement: export it again");
}

/* "PUBLIC"."NAME" or NAME. */
static bool take_table(struct parser *p, char ret_name[NAME_MAX_LEN])
{
    if (!take_word(p, ret_name))
        return false;
    while (p->at < p->end && *p->at == '.') {
        p->at++;
        if (!take_word(p, ret_name))
            return false;
    }
    return true;
}

static size_t table_index(const char *name)
{
    size_t i = 0;
    while (i < TABLES_MAX && strcasecmp(table_names[i], name) != 0)
        i++;
    return i;
}

/* Up to the comma or parenthesis that ends a column. */
static void skip_column(struct parser *p)
{
    for (int depth = 0; p->at < p->end; p->at++) {
        if (*p->at == '(')
            depth++;
        else if ((*p->at == ')' || *p->at == ',') && depth == 0)
            return;
        else if (*p->at == ')')
            depth--;
    }
}

static void take_columns(struct parser *p, struct table *table, bool with_types)
{
    table->count = 0;
    do {
        if (table->count == COLUMNS_MAX || !take_word(p, table->columns[table->count])) {
            fail(p, ERR_INPUT, "the columns of a table are not as H2 writes them");
            return;
        }
        table->count++;
        if (with_types)
            skip_column(p);
    } while (take_char(p, ','));
    if (!take_char(p, ')'))
        fail(p, ERR_INPUT, "the columns of a table do not end");
}

static void read_create(struct parser *p)
{
    char word[NAME_MAX_LEN];
    bool is_table = false;
    /* CREATE [CACHED | MEMORY] TABLE [IF NOT EXISTS] */
    for (int i = 0; i < 2 && !is_table && take_word(p, word); i++)
        is_table = strcasecmp(word, "TABLE") == 0;
    if (is_table && take_table(p, word) && table_index(word) < TABLES_MAX && take_char(p, '('))
        take_columns(p, &p->tables[table_index(word)], true);
}

static bool take_hex(struct parser *p, struct bytes *ret)
{
    const uint8_t *from = p->at, *to = memchr(from, '\'', (size_t)(p->end - from));
    if (!to || (to - from) % 2)
        return false;
    size_t len = (size_t)(to - from) / 2;
    uint8_t *data = arena_alloc(&p->arena, len);
    if (!data) {
        fail(p, ERR_NOMEM, "out of memory");
        return false;
    }
    for (size_t i = 0; i < len; i++) {
        uint8_t byte = 0;
        for (size_t j = 0; j < 2; j++) {
            uint8_t c = from[2 * i + j] | 0x20;
            if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f')))
                return false;
            byte = (uint8_t)(byte << 4 | (c <= '9' ? c - '0' : c - 'a' + 10));
        }
        data[i] = byte;
    }
    *ret = bytes_of(data, len);
    p->at = to + 1;
    return true;
}

static bool take_text(struct parser *p, struct bytes *ret)
{
    const uint8_t *from = p->at;
    size_t len = 0;
    for (const uint8_t *at = from; at < p->end; at++) {
        if (*at != '\'')
            continue;
        if (p->end - at > 1 && at[1] == '\'') {
            at++;
            continue;
        }
        len = (size_t)(at - from);
        uint8_t *data = arena_alloc(&p->arena, len);
        if (!data) {
            fail(p, ERR_NOMEM, "out of memory");
            return false;
        }
        size_t to = 0;
        for (size_t i = 0; i < len; i++) {
            data[to++] = from[i];
            i += from[i] == '\''; /* a quote stands twice */
        }
        *ret = bytes_of(data, to);
        p->at = at + 1;
        return true;
    }
    return false;
}

static bool take_value(struct parser *p, struct value *ret)
{
    *ret = (struct value){.null = false};
    skip_blank(p);
    size_t left = (size_t)(p->end - p->at);
    if (left > 2 && (p->at[0] == 'X' || p->at[0] == 'x') && p->at[1] == '\'') {
        p->at += 2;
        return take_hex(p, &ret->bytes);
    }
    if (left > 1 && p->at[0] == '\'') {
        p->at++;
        return take_text(p, &ret->bytes);
    }
    if (left > 4 && strncasecmp((const char *)p->at, "NULL", 4) == 0) {
        p->at += 4;
        ret->null = true;
        return true;
    }
    bool negative = left && *p->at == '-', any = false;
    p->at += negative;
    for (; p->at < p->end && *p->at >= '0' && *p->at <= '9'; p->at++, any = true)
        ret->number = ret->number * 10 + (uint64_t)(*p->at - '0');
    if (negative)
        ret->number = 0; /* a time before 1970 is none */
    return any;
}

static void set_payload(struct tm_source_row *row, const char *column, const struct value *v)
{
    struct tm_store_payload *to = &row->payload;
    if (strcasecmp(column, "HASH") == 0)
        to->hash = v->bytes;
    else if (strcasecmp(column, "ENCODED_PAYLOAD") == 0)
        to->data = v->bytes;
    else if (strcasecmp(column, "TIMESTAMP") == 0)
        to->timestamp = v->number;
    else if (strcasecmp(column, "PAYLOAD_CODEC") == 0 && !v->null &&
             !tmproto_codec_parse(&to->codec, v->bytes))
        row->trouble = "its PAYLOAD_CODEC is not known";
}

static void set_raw(struct tm_source_row *row, const char *column, const struct value *v)
{
    struct tm_store_raw *to = &row->raw;
    const struct {
        const char *name;
        struct bytes *place;
    } columns[] = {{"HASH", &to->hash},
                   {"ENCRYPTED_PAYLOAD", &to->cipher_text},
                   {"ENCRYPTED_KEY", &to->encrypted_key},
                   {"NONCE", &to->nonce},
                   {"SENDER", &to->sender}};
    for (size_t i = 0; i < BASE_COUNT(columns); i++)
        if (strcasecmp(column, columns[i].name) == 0)
            *columns[i].place = v->bytes;
    if (strcasecmp(column, "TIMESTAMP") == 0)
        to->timestamp = v->number;
}

static void set_group(struct tm_source_row *row, const char *column, const struct value *v)
{
    if (strcasecmp(column, "ID") == 0)
        row->group.id = v->bytes;
    else if (strcasecmp(column, "LOOKUP_ID") == 0)
        row->group.lookup_id = v->bytes;
    else if (strcasecmp(column, "DATA") == 0)
        row->group.data = v->bytes;
    else if (strcasecmp(column, "TIMESTAMP") == 0)
        row->group.timestamp = v->number;
}

/* ( value, … ) */
static void read_row(struct parser *p, enum tm_source_kind kind, const struct table *table)
{
    static void (*const set[])(struct tm_source_row *, const char *,
                               const struct value *) = {[TM_SOURCE_PAYLOAD] = set_payload,
                                                        [TM_SOURCE_RAW] = set_raw,
                                                        [TM_SOURCE_GROUP] = set_group};
    struct tm_source_row row = {.kind = kind};
    struct value value;
    size_t i = 0;
    if (!take_char(p, '(')) {
        fail(p, ERR_INPUT, "a row does not begin with a parenthesis");
        return;
    }
    do {
        if (!take_value(p, &value)) {
            fail(p, ERR_INPUT,
                 "a value that is neither X'…', number, text nor NULL (large objects that "
                 "H2 wrote beside the rows are not supported)");
            return;
        }
        if (i == table->count) {
            fail(p, ERR_INPUT, "a row has more values than its table has columns");
            return;
        }
        set[kind](&row, table->columns[i++], &value);
    } while (take_char(p, ','));
    if (i != table->count || !take_char(p, ')')) {
        fail(p, ERR_INPUT, "a row has another number of values than its table has columns");
        return;
    }
    p->status = p->source->row(p->source->context, &row, p->detail);
    p->rows++;
    arena_clear(&p->arena);
}

static void read_insert(struct parser *p)
{
    char word[NAME_MAX_LEN], name[NAME_MAX_LEN];
    struct table named, *table;
    if (!take_word(p, word) || !take_table(p, name) || table_index(name) == TABLES_MAX)
        return; /* another table: the statement is passed over */
    enum tm_source_kind kind = (enum tm_source_kind)table_index(name);
    table = &p->tables[kind];
    if (take_char(p, '(')) {
        take_columns(p, &named, false);
        table = &named;
    }
    if (p->status == 0 && (!take_word(p, word) || strcasecmp(word, "VALUES") != 0))
        fail(p, ERR_INPUT, "INSERT without VALUES");
    else if (p->status == 0 && table->count == 0)
        fail(p, ERR_INPUT, "rows of a table that was not made before them");
    do {
        if (p->status)
            return;
        read_row(p, kind, table);
    } while (p->status == 0 && take_char(p, ','));
}

static void count_rows(struct parser *p)
{
    /* comments tell: -- 34 +/- SELECT COUNT(*) FROM PUBLIC.ENCRYPTED_TRANSACTION; */
    static const char marks[][64] = {"SELECT COUNT(*) FROM PUBLIC.ENCRYPTED_TRANSACTION;",
                                     "SELECT COUNT(*) FROM PUBLIC.ENCRYPTED_RAW_TRANSACTION;",
                                     "SELECT COUNT(*) FROM PUBLIC.PRIVACY_GROUP;"};
    uint64_t total = 0;
    for (size_t i = 0; i < BASE_COUNT(marks); i++) {
        const uint8_t *mark =
            memmem(p->begin, (size_t)(p->end - p->begin), marks[i], strlen(marks[i]));
        const uint8_t *line = mark;
        while (line && line > p->begin && line[-1] != '\n')
            line--;
        uint64_t rows = 0;
        if (line)
            line += 3; /* "-- ": the mark itself is longer */
        for (; line && line < mark && *line >= '0' && *line <= '9'; line++)
            rows = rows * 10 + (uint64_t)(*line - '0');
        total += rows;
    }
    p->announced = total;
    if (total && p->source->total)
        p->source->total(p->source->context, total);
}

int tm_source_read_h2(const struct tm_source *source, struct bytes text, struct err_detail *detail)
{
    struct parser p = {.source = source,
                       .at = text.data,
                       .begin = text.data,
                       .end = text.len ? text.data + text.len : text.data,
                       .detail = detail};
    char word[NAME_MAX_LEN];
    arena_init(&p.arena);
    if (text.len)
        count_rows(&p);
    while (p.status == 0 && p.at < p.end) {
        skip_blank(&p);
        if (p.at == p.end)
            break;
        if (take_word(&p, word)) {
            if (strcasecmp(word, "CREATE") == 0)
                read_create(&p);
            else if (strcasecmp(word, "INSERT") == 0)
                read_insert(&p);
        }
        skip_statement(&p);
    }
    if (p.status == 0 && p.tables[TM_SOURCE_PAYLOAD].count == 0)
        p.status =
            err_set(detail, ERR_INPUT,
                    "no table ENCRYPTED_TRANSACTION: this is not what H2's SCRIPT writes of a "
                    "Tessera database");
    if (p.status == 0 && p.rows < p.announced)
        p.status =
            err_set(detail, ERR_INPUT,
                    "by its comments %llu rows belong in it, and %llu are there: it was cut off; "
                    "export it again",
                    (unsigned long long)p.announced, (unsigned long long)p.rows);
    arena_release(&p.arena);
    return p.status;
}
