/*
 * Constellation's storages. A value is the payload in its legacy encoding with the recipients behind it, which is the
 * beginning of Tessera's: it is taken as it is.
 *
 *   dir:P      P/payloads/<base32 of the hash>, 104 characters with padding
 *   sqlite:P   payload(key TEXT: base64 of the hash, bytes BLOB)
 *   bdb:P      Berkeley DB, by what `db_dump` prints of it: a header up to HEADER=END, then a line for each key (base64
 *              of the hash) and for each value, up to DATA=END; a blank, then hexadecimal (format=bytevalue), or text
 *              with \hh where it is no letter (format=print)
 */
#include "base/base64.h"
#include "base/file.h"
#include "tm/store/source.h"
#include "tm/store/sql.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>

enum { BASE32_TEXT = 104 };

static bool base32_decode(uint8_t ret_hash[TMPROTO_HASH_SIZE], const char *text)
{
    size_t len = strlen(text), at = 0, bits = 0;
    uint32_t left = 0;
    if (len != BASE32_TEXT || strcmp(text + BASE32_TEXT - 1, "=") != 0)
        return false;
    for (size_t i = 0; i < BASE32_TEXT - 1; i++) {
        char c = text[i];
        if (!((c >= 'A' && c <= 'Z') || (c >= '2' && c <= '7')))
            return false;
        left = left << 5 | (uint32_t)(c <= '7' ? c - '2' + 26 : c - 'A');
        bits += 5;
        if (bits >= 8 && at < TMPROTO_HASH_SIZE) {
            bits -= 8;
            ret_hash[at++] = (uint8_t)(left >> bits);
        }
    }
    return at == TMPROTO_HASH_SIZE;
}

static int hand_on(const struct tm_source *source, struct bytes hash, struct bytes data,
                   const char *trouble, struct err_detail *detail)
{
    struct tm_source_row row = {
        .kind = TM_SOURCE_PAYLOAD, .payload = {.hash = hash, .data = data}, .trouble = trouble};
    return source->row(source->context, &row, detail);
}

static int read_payload_file(const struct tm_source *source, const char *folder, const char *name,
                             struct buf *content, struct err_detail *detail)
{
    char path[4096];
    uint8_t hash[TMPROTO_HASH_SIZE];
    if (!base32_decode(hash, name))
        return 0; /* a .tmp that was being written, or nothing of Constellation's */
    int n = snprintf(path, sizeof(path), "%s/%s", folder, name);
    if (n < 0 || (size_t)n >= sizeof(path))
        return err_set(detail, ERR_INPUT, "%s: the path is too long", folder);
    buf_clear(content);
    int status = file_read(path, TMPROTO_PAYLOAD_MAX, content, detail);
    if (status == ERR_LIMIT)
        return hand_on(source, bytes_of(hash, sizeof(hash)), bytes_none(), "it is too long",
                       detail);
    return status < 0
               ? status
               : hand_on(source, bytes_of(hash, sizeof(hash)), buf_bytes(content), NULL, detail);
}

int tm_source_read_folder(const struct tm_source *source, const char *path,
                          struct err_detail *detail)
{
    char folder[4096];
    struct buf content = BUF_INIT;
    struct dirent *entry;
    uint64_t total = 0;
    int n = snprintf(folder, sizeof(folder), "%s/payloads", path);
    if (n < 0 || (size_t)n >= sizeof(folder))
        return err_set(detail, ERR_INPUT, "%s: the path is too long", path);
    DIR *files = opendir(folder);
    if (!files)
        return err_set(detail, err_from_errno(errno), "%s: %s", folder, strerror(errno));
    while ((entry = readdir(files)))
        total += strlen(entry->d_name) == BASE32_TEXT;
    if (source->total)
        source->total(source->context, total);
    rewinddir(files);
    int status = 0;
    while (status == 0 && (entry = readdir(files)))
        status = read_payload_file(source, folder, entry->d_name, &content, detail);
    closedir(files);
    buf_release(&content);
    return status;
}

struct sqlite_reader {
    const struct tm_source *source;
    struct err_detail *detail;
    uint64_t number;
    int status;
};

static int key_row(void *context, const struct tm_sql_value *v, size_t count)
{
    struct sqlite_reader *r = context;
    uint8_t hash[BASE64_EXACT_MAX];
    size_t len = 0;
    (void)count;
    bool good = base64_room(v[0].b.len) <= sizeof(hash) && base64_decode_into(hash, &len, v[0].b);
    r->status = hand_on(r->source, bytes_of(hash, len), v[1].b,
                        good ? NULL : "its key is not base64", r->detail);
    return r->status < 0 ? 1 : 0;
}

static int count_row(void *context, const struct tm_sql_value *v, size_t count)
{
    struct sqlite_reader *r = context;
    (void)count;
    r->number = (uint64_t)v[0].n;
    return 0;
}

int tm_source_read_constellation_sqlite(const struct tm_source *source, bool *ret_found,
                                        const char *path, struct err_detail *detail)
{
    static const struct tm_sql_params none;
    struct tm_store_place place = {.path = (char *)(uintptr_t)path, .read_only = true};
    struct sqlite_reader reader = {source, detail, 0, 0};
    struct tm_sql *sql;
    int status = tm_sqlite_open(&sql, &place, NULL, detail);
    if (status < 0)
        return status;
    status =
        tm_sql_run(sql, TM_SQL_ONCE,
                   "SELECT COUNT(*) FROM sqlite_master WHERE name = 'payload' AND type = 'table'",
                   &none, count_row, &reader, NULL, detail);
    *ret_found = reader.number > 0;
    if (status == 0 && *ret_found) {
        status = tm_sql_run(sql, TM_SQL_ONCE, "SELECT COUNT(*) FROM payload", &none, count_row,
                            &reader, NULL, detail);
        if (status == 0 && source->total)
            source->total(source->context, reader.number);
        if (status == 0)
            status = tm_sql_run(sql, TM_SQL_ONCE, "SELECT key, bytes FROM payload", &none, key_row,
                                &reader, NULL, detail);
        if (status == 0)
            status = reader.status;
    }
    sql->ops->close(sql);
    return status;
}

/* The next line, without its end; false at the end of the text. */
static bool take_line(struct bytes *text, struct bytes *ret_line)
{
    if (text->len == 0)
        return false;
    const uint8_t *end = memchr(text->data, '\n', text->len);
    size_t len = end ? (size_t)(end - text->data) : text->len;
    *ret_line = bytes_slice(*text, 0, len);
    *text = bytes_slice(*text, len + (end ? 1 : 0), text->len - len - (end ? 1 : 0));
    return true;
}

static int digit(uint8_t c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The bytes of a line; false when they are not written as they should be. */
static bool decode_line(struct buf *ret, struct bytes line, bool print)
{
    buf_clear(ret);
    if (line.len == 0 || line.data[0] != ' ')
        return false;
    for (size_t i = 1; i < line.len; i++) {
        uint8_t c = line.data[i];
        bool escaped = !print || c == '\\';
        if (escaped && print && i + 1 < line.len && line.data[i + 1] == '\\') {
            i++; /* a backslash stands twice */
            escaped = false;
        }
        if (escaped) {
            i += print;
            int high = i < line.len ? digit(line.data[i]) : -1;
            int low = i + 1 < line.len ? digit(line.data[i + 1]) : -1;
            if (high < 0 || low < 0)
                return false;
            c = (uint8_t)(high << 4 | low);
            i++;
        }
        buf_append_byte(ret, c);
    }
    return true;
}

static int read_pairs(const struct tm_source *source, struct bytes *text, bool print,
                      struct buf *key, struct buf *value, struct err_detail *detail)
{
    struct bytes line;
    while (take_line(text, &line)) {
        uint8_t hash[BASE64_EXACT_MAX];
        size_t len = 0;
        if (bytes_equal(line, bytes_str("DATA=END")))
            return 0;
        if (!decode_line(key, line, print) || !take_line(text, &line) ||
            !decode_line(value, line, print))
            break;
        if (buf_status(key) < 0 || buf_status(value) < 0)
            return err_set(detail, ERR_NOMEM, "out of memory");
        bool good =
            base64_room(key->len) <= sizeof(hash) && base64_decode_into(hash, &len, buf_bytes(key));
        int status = hand_on(source, bytes_of(hash, len), buf_bytes(value),
                             good ? NULL : "its key is not base64", detail);
        if (status < 0)
            return status;
    }
    return err_set(detail, ERR_INPUT,
                   "not what db_dump prints: its data ends early or is malformed");
}

int tm_source_read_dump(const struct tm_source *source, struct bytes text,
                        struct err_detail *detail)
{
    struct buf key = BUF_INIT, value = BUF_INIT;
    struct bytes line = bytes_none();
    bool print = false, version = false;
    while (take_line(&text, &line) && !bytes_equal(line, bytes_str("HEADER=END"))) {
        version = version || (line.len > 8 && memcmp(line.data, "VERSION=", 8) == 0);
        print = print || bytes_equal(line, bytes_str("format=print"));
    }
    int status =
        version && bytes_equal(line, bytes_str("HEADER=END"))
            ? read_pairs(source, &text, print, &key, &value, detail)
            : err_set(detail, ERR_INPUT,
                      "not what db_dump prints; make it by `db_dump P/payload.db > FILE` and "
                      "give bdb:FILE");
    buf_release(&key);
    buf_release(&value);
    return status;
}
