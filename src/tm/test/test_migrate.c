/* Migration: the databases of three real Tesseras, Constellation's storages, what is damaged, what is broken off. */
#include "base/base64.h"
#include "base/file.h"
#include "crypto/sha3.h"
#include "tests/support/fixtures.h"
#include "tests/support/recordings.h"
#include "tm/store/backup.h"
#include "tm/store/migrate.h"
#include "tm/test/enclave_kit.h"
#include "tm/test/mysql_server.h"
#include "tm/test/store_kit.h"

#include <sqlite3.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

struct complaints {
    char text[8192];
    size_t rows, stop_at, reports;
};

static void complain(void *context, const char *text)
{
    struct complaints *c = context;
    size_t len = strlen(c->text);
    snprintf(c->text + len, sizeof(c->text) - len, "%s\n", text);
}

static bool stop(void *context)
{
    struct complaints *c = context;
    return c->stop_at && ++c->rows > c->stop_at;
}

static void progress(void *context, const struct tm_migrate_progress *p)
{
    struct complaints *c = context;
    (void)p;
    c->reports++;
}

static int migrate(struct tm_migrate_progress *ret, struct complaints *c, const char *from,
                   const char *to, struct tm_enclave *enclave, struct err_detail *detail)
{
    struct tm_migrate_options options = {.from = from,
                                         .to = {.url = to},
                                         .enclave = enclave,
                                         .complain = complain,
                                         .progress = progress,
                                         .stop = stop,
                                         .context = c};
    c->text[0] = 0;
    c->reports = 0;
    c->rows = 0;
    return tm_migrate(ret, &options, detail);
}

static void good(struct tm_migrate_progress *ret, struct complaints *c, const char *from,
                 const char *to, struct tm_enclave *enclave)
{
    struct err_detail detail = {""};
    if (migrate(ret, c, from, to, enclave, &detail) < 0)
        fail_msg("%s: %s", from, detail.text);
    assert_true(c->reports >= 1);
}

static void write_text(const char *path, struct bytes text)
{
    struct err_detail detail = {""};
    if (file_write(path, text, &detail) < 0)
        fail_msg("%s", detail.text);
}

/* One recorded database: all of it is taken, opened with its keys, and then served; again, it is all there. */
static void one_recording(const char *network, size_t n, uint64_t *payloads)
{
    char folder[64], from[128], to[128], name[32], copy[160];
    struct buf text = BUF_INIT;
    struct tm_migrate_progress p, again, third;
    struct complaints c = {.rows = 0};
    struct kit k;
    json_t *about = recordings_json(network, "network.json");
    struct tm_enclave *enclave = kit_recorded_enclave(about, n);
    kit_folder_make(folder);
    snprintf(name, sizeof(name), "tessera-%zu.sql", n);
    recordings_read(network, name, &text);
    snprintf(from, sizeof(from), "%s/export.sql", folder);
    snprintf(to, sizeof(to), "jdbc:sqlite:%s/new", folder);
    write_text(from, buf_bytes(&text));
    good(&p, &c, from, to, enclave);
    assert_string_equal(c.text, "");
    assert_int_equal(p.total, p.seen);
    assert_int_equal(p.stored, p.seen);
    assert_int_equal(p.damaged + p.foreign + p.conflict + p.present, 0);
    good(&again, &c, from, to, enclave);
    assert_int_equal(again.present, p.seen);
    assert_int_equal(again.stored, 0);
    *payloads += p.seen - p.raws;
    kit_open(&k, &(struct tm_store_options){.url = to});
    assert_int_equal(kit_wait(&k, tm_store_count(k.store, kit_answer, &k)), 0);
    assert_int_equal(k.count, p.seen - p.raws);
    kit_close(&k);
    /* a Tessera database on SQLite is a source as well */
    snprintf(copy, sizeof(copy), "jdbc:sqlite:%s/copy", folder);
    good(&third, &c, to, copy, enclave);
    assert_int_equal(third.stored, p.seen);
    assert_int_equal(third.raws, p.raws);
    /* and an H2 file that still lies in the place of the new database is not in the way */
    snprintf(to, sizeof(to), "%s/h2.mv.db", folder);
    write_text(to, bytes_str("H2"));
    snprintf(to, sizeof(to), "jdbc:h2:%s/h2;MODE=Oracle", folder);
    good(&third, &c, from, to, enclave);
    assert_int_equal(third.stored, p.seen);
    tm_enclave_free(enclave);
    json_decref(about);
    buf_release(&text);
    kit_folder_remove(folder);
}

static void recordings(void **unused)
{
    (void)unused;
    static const char *const networks[] = {"private", "private-marker", "tessera-api"};
    uint64_t payloads = 0;
    for (size_t i = 0; i < BASE_COUNT(networks); i++)
        recordings_require(networks[i]);
    for (size_t i = 0; i < BASE_COUNT(networks); i++)
        for (size_t n = 0; n < 3; n++)
            one_recording(networks[i], n, &payloads);
    print_message("%llu payloads of 9 databases\n", (unsigned long long)payloads);
}

/* A record as Constellation keeps it: legacy fields with the recipients behind them. */
static void make_record(struct buf *ret, uint8_t ret_hash[64], struct tm_enclave *enclave,
                        const char *data, bool received)
{
    static const struct tm_enclave_metadata plain;
    struct tmproto_payload p;
    struct arena arena;
    arena_init(&arena);
    struct tmproto_list keys = tm_enclave_keys(enclave);
    struct tmproto_list to = {keys.items + 1, 1};
    assert_int_equal(
        tm_enclave_encrypt(enclave, &p, &arena, bytes_str(data), keys.items[0], to, &plain, NULL),
        0);
    tmproto_payload_hash(ret_hash, p.cipher_text);
    if (received)
        p.recipients.count = 0;
    buf_clear(ret);
    tmproto_payload_encode(ret, &p, TMPROTO_LEGACY, TMPROTO_EXTENT_RECIPIENTS);
    arena_release(&arena);
}

static void base32(char ret[105], const uint8_t hash[64])
{
    static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    size_t bits = 0, at = 0;
    uint32_t left = 0;
    for (size_t i = 0; i < 64; i++) {
        left = left << 8 | hash[i];
        for (bits += 8; bits >= 5; bits -= 5)
            ret[at++] = alphabet[left >> (bits - 5) & 31];
    }
    ret[at++] = alphabet[left << (5 - bits) & 31];
    ret[at++] = '=';
    ret[at] = 0;
    assert_int_equal(at, 104);
}

static void append_hex_line(struct buf *b, struct bytes data)
{
    buf_append_text(b, " ");
    for (size_t i = 0; i < data.len; i++)
        buf_append_format(b, "%02x", data.data[i]);
    buf_append_text(b, "\n");
}

static void append_print_line(struct buf *b, struct bytes data)
{
    buf_append_text(b, " ");
    for (size_t i = 0; i < data.len; i++) {
        if (data.data[i] == '\\')
            buf_append_text(b, "\\\\");
        else if (data.data[i] > 32 && data.data[i] < 127)
            buf_append_byte(b, data.data[i]);
        else
            buf_append_format(b, "\\%02x", data.data[i]);
    }
    buf_append_text(b, "\n");
}

static void constellation(void **unused)
{
    (void)unused;
    char folder[64], path[512], name[105], from[256], to[128], key[89];
    struct tm_enclave *enclave = kit_enclave(2);
    struct buf record = BUF_INIT, dumps[2] = {BUF_INIT, BUF_INIT};
    struct tm_migrate_progress p;
    struct complaints c = {.rows = 0};
    uint8_t hash[64];
    sqlite3 *db;
    sqlite3_stmt *insert;
    kit_folder_make(folder);
    snprintf(path, sizeof(path), "%s/payloads", folder);
    assert_int_equal(mkdir(path, 0700), 0);
    snprintf(path, sizeof(path), "%s/constellation.db", folder);
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(
        sqlite3_exec(db,
                     "CREATE TABLE cfg (name TEXT, value TEXT); INSERT INTO cfg VALUES "
                     "('dbVersion', '1'); CREATE TABLE payload (key TEXT PRIMARY KEY, "
                     "bytes BLOB)",
                     NULL, NULL, NULL),
        SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(db, "INSERT INTO payload VALUES (?, ?)", -1, &insert, NULL),
                     SQLITE_OK);
    buf_append_text(&dumps[0], "VERSION=3\nformat=bytevalue\ntype=hash\nHEADER=END\n");
    buf_append_text(&dumps[1], "VERSION=3\nformat=print\ntype=hash\nHEADER=END\n");
    for (size_t i = 0; i < 10; i++) {
        make_record(&record, hash, enclave, "a record \\ of constellation", i & 1);
        base32(name, hash);
        snprintf(path, sizeof(path), "%s/payloads/%s", folder, name);
        write_text(path, buf_bytes(&record));
        base64_encode(key, bytes_of(hash, 64));
        sqlite3_bind_text(insert, 1, key, 88, SQLITE_STATIC);
        sqlite3_bind_blob(insert, 2, record.data, (int)record.len, SQLITE_STATIC);
        assert_int_equal(sqlite3_step(insert), SQLITE_DONE);
        sqlite3_reset(insert);
        append_hex_line(&dumps[0], bytes_of(key, 88));
        append_hex_line(&dumps[0], buf_bytes(&record));
        append_print_line(&dumps[1], bytes_of(key, 88));
        append_print_line(&dumps[1], buf_bytes(&record));
    }
    sqlite3_finalize(insert);
    sqlite3_close(db);
    snprintf(path, sizeof(path), "%s/payloads/half.tmp", folder);
    write_text(path, bytes_str("not yet"));
    snprintf(to, sizeof(to), "sqlite:%s/new", folder);
    snprintf(from, sizeof(from), "dir:%s", folder);
    good(&p, &c, from, to, enclave);
    assert_string_equal(c.text, "");
    assert_int_equal(p.total, 10);
    assert_int_equal(p.stored, 10);
    snprintf(from, sizeof(from), "sqlite:%s/constellation.db", folder);
    good(&p, &c, from, to, enclave);
    assert_int_equal(p.total, 10);
    assert_int_equal(p.present, 10);
    for (size_t i = 0; i < 2; i++) {
        buf_append_text(&dumps[i], "DATA=END\n");
        snprintf(path, sizeof(path), "%s/dump", folder);
        write_text(path, buf_bytes(&dumps[i]));
        snprintf(from, sizeof(from), "bdb:%s/dump", folder);
        good(&p, &c, from, to, enclave);
        assert_int_equal(p.present, 10);
        buf_release(&dumps[i]);
    }
    tm_enclave_free(enclave);
    buf_release(&record);
    kit_folder_remove(folder);
}

/* Rows that are not what they say; keys of somebody else; other content under the same name. */
static void what_is_wrong(void **unused)
{
    (void)unused;
    char folder[64], from[128], to[128];
    struct tm_enclave *enclave = kit_enclave(2), *other = kit_enclave(1);
    struct buf record = BUF_INIT, text = BUF_INIT;
    struct tm_migrate_progress p;
    struct complaints c = {.rows = 0};
    struct err_detail detail = {""};
    uint8_t hash[64];
    kit_folder_make(folder);
    snprintf(from, sizeof(from), "%s/x.sql", folder);
    snprintf(to, sizeof(to), "sqlite:%s/new", folder);
    make_record(&record, hash, enclave, "good", false);
    buf_append_text(&text, "CREATE CACHED TABLE \"PUBLIC\".\"ENCRYPTED_TRANSACTION\"(\n \"HASH\" "
                           "LONGVARBINARY NOT NULL,\n \"PAYLOAD_CODEC\" VARCHAR(50),\n "
                           "\"ENCODED_PAYLOAD\" LONGVARBINARY NOT NULL\n);\nINSERT INTO "
                           "\"PUBLIC\".\"ENCRYPTED_TRANSACTION\" VALUES\n");
    size_t rows = text.len;
    for (int row = 0; row < 4; row++) {
        buf_append_text(&text, "(X'");
        for (size_t i = 0; i < 64; i++)
            buf_append_format(&text, "%02x", hash[i] ^ (row == 1));
        buf_append_format(&text, "', '%s', X'", row == 3 ? "STRANGE" : "LEGACY");
        for (size_t i = 0; i < record.len / (row == 2 ? 2 : 1); i++)
            buf_append_format(&text, "%02x", record.data[i]);
        buf_append_text(&text, row == 3 ? "');\n" : "'),\n");
    }
    write_text(from, buf_bytes(&text));
    good(&p, &c, from, to, enclave);
    assert_int_equal(p.seen, 4);
    assert_int_equal(p.stored, 1);
    assert_int_equal(p.damaged, 3);
    assert_non_null(strstr(c.text, "not that of the cipher text"));
    assert_non_null(strstr(c.text, "the length does not fit"));
    assert_non_null(strstr(c.text, "PAYLOAD_CODEC"));
    /* the same with another's keys, into a new one */
    snprintf(to, sizeof(to), "sqlite:%s/other", folder);
    good(&p, &c, from, to, other);
    assert_int_equal(p.foreign, 1);
    assert_int_equal(p.stored, 1);
    assert_non_null(strstr(c.text, "none of the configured keys"));
    /* the same cipher text with a privacy mode behind it is another record */
    text.len = rows;
    buf_append_text(&text, "(X'");
    for (size_t i = 0; i < 64; i++)
        buf_append_format(&text, "%02x", hash[i]);
    buf_append_text(&text, "', NULL, X'");
    for (size_t i = 0; i < record.len; i++)
        buf_append_format(&text, "%02x", record.data[i]);
    buf_append_text(&text, "00000000000000010000000000000000"
                           "00');\n");
    write_text(from, buf_bytes(&text));
    int status = migrate(&p, &c, from, to, NULL, &detail);
    assert_int_equal(status, 0);
    assert_int_equal(p.conflict, 1);
    assert_int_equal(p.stored + p.present, 0);
    assert_non_null(strstr(c.text, "something else is stored"));
    /* a text that is cut off; one that is something else */
    text.len -= 40;
    write_text(from, buf_bytes(&text));
    assert_int_equal(migrate(&p, &c, from, to, NULL, &detail), ERR_INPUT);
    assert_non_null(strstr(detail.text, "line "));
    write_text(from, bytes_str("SELECT 1;"));
    assert_int_equal(migrate(&p, &c, from, to, NULL, &detail), ERR_INPUT);
    assert_non_null(strstr(detail.text, "SCRIPT"));
    static const struct {
        const char *from;
        int status;
    } bad[] = {{"/nowhere/x.sql", ERR_NOTFOUND},
               {"dir:/nowhere", ERR_NOTFOUND},
               {"sqlite:/nowhere/db", ERR_NOTFOUND},
               {"bdb:/nowhere", ERR_NOTFOUND},
               {"bdb:/tmp", ERR_INPUT},
               {"leveldb:/tmp", ERR_UNSUPPORTED},
               {"jdbc:h2:/tmp/x", ERR_UNSUPPORTED},
               {"jdbc:postgresql:x", ERR_UNSUPPORTED}};
    for (size_t i = 0; i < BASE_COUNT(bad); i++) {
        detail.text[0] = 0;
        status = migrate(&p, &c, bad[i].from, to, NULL, &detail);
        if (status != bad[i].status || !detail.text[0])
            fail_msg("%s: %d %s", bad[i].from, status, detail.text);
    }
    tm_enclave_free(enclave);
    tm_enclave_free(other);
    buf_release(&record);
    buf_release(&text);
    kit_folder_remove(folder);
}

/* Broken off in the middle, it goes on from there. */
static void broken_off(void **unused)
{
    (void)unused;
    char folder[64], from[128], to[128];
    struct buf text = BUF_INIT;
    struct tm_migrate_progress p;
    struct complaints c = {.stop_at = 20};
    struct err_detail detail = {""};
    recordings_require("private");
    kit_folder_make(folder);
    recordings_read("private", "tessera-0.sql", &text);
    snprintf(from, sizeof(from), "%s/x.sql", folder);
    snprintf(to, sizeof(to), "sqlite:%s/new", folder);
    write_text(from, buf_bytes(&text));
    assert_int_equal(migrate(&p, &c, from, to, NULL, &detail), ERR_BUSY);
    assert_int_equal(p.stored, 20);
    c.stop_at = 0;
    good(&p, &c, from, to, NULL);
    assert_int_equal(p.present, 20);
    assert_int_equal(p.present + p.stored, p.seen);
    buf_release(&text);
    kit_folder_remove(folder);
}

/* The text ends where a disk was full: behind a row, or within a statement. What was read is kept, and it is no success. */
static void cut_off(void **unused)
{
    (void)unused;
    char folder[64], from[128], to[128];
    struct buf text = BUF_INIT;
    struct tm_migrate_progress p;
    struct complaints c = {.rows = 0};
    struct err_detail detail = {""};
    recordings_require("private");
    kit_folder_make(folder);
    recordings_read("private", "tessera-0.sql", &text);
    snprintf(from, sizeof(from), "%s/x.sql", folder);
    snprintf(to, sizeof(to), "sqlite:%s/new", folder);
    static const struct {
        const char *behind, *says;
        size_t more; /* bytes of what comes behind it */
    } cuts[] = {{"),\n", "line ", 0},
                {"COUNT(*) FROM PUBLIC.ENCRYPTED_TRANSACTION;", "it was cut off", 0},
                {"COUNT(*) FROM PUBLIC.ENCRYPTED_TRANSACTION;", "line ", 90}};
    for (size_t i = 0; i < BASE_COUNT(cuts); i++) {
        const uint8_t *at = memmem(text.data, text.len, cuts[i].behind, strlen(cuts[i].behind));
        assert_non_null(at);
        size_t len = (size_t)(at - text.data) + strlen(cuts[i].behind) + cuts[i].more;
        write_text(from, bytes_of(text.data, len));
        assert_int_equal(migrate(&p, &c, from, to, NULL, &detail), ERR_INPUT);
        if (!strstr(detail.text, cuts[i].says))
            fail_msg("%zu: %s", i, detail.text);
    }
    write_text(from, buf_bytes(&text));
    good(&p, &c, from, to, NULL);
    assert_int_equal(p.present, 1);
    assert_int_equal(p.present + p.stored, p.seen);
    buf_release(&text);
    kit_folder_remove(folder);
}

/* A server's database in one file, from which another is filled again. */
static void copied_from_a_server(void **unused)
{
    (void)unused;
    char folder[64], from[128], url[128], copy[128], copy_url[160];
    struct mysql_server server;
    struct buf text = BUF_INIT;
    struct tm_migrate_progress p;
    struct err_detail detail = {""};
    recordings_require("private");
    mysql_server_require();
    mysql_server_make(&server);
    kit_folder_make(folder);
    recordings_read("private", "tessera-0.sql", &text);
    snprintf(from, sizeof(from), "%s/x.sql", folder);
    snprintf(copy, sizeof(copy), "%s/copy", folder);
    snprintf(copy_url, sizeof(copy_url), "jdbc:sqlite:%s", copy);
    write_text(from, buf_bytes(&text));
    mysql_server_run(&server, "CREATE DATABASE ours");
    mysql_server_url(&server, url, "ours");
    struct tm_migrate_options in = {.from = from,
                                    .to = {.url = url, .username = "root", .create_tables = true}};
    if (tm_migrate(&p, &in, &detail) < 0)
        fail_msg("%s", detail.text);
    uint64_t stored = p.stored;
    assert_true(stored > 0);
    if (tm_store_backup(&in.to, copy, &detail) < 0)
        fail_msg("%s", detail.text);
    assert_int_equal(tm_store_backup(&in.to, copy, &detail), ERR_EXISTS);
    mysql_server_run(&server, "DELETE FROM ours.ENCRYPTED_TRANSACTION LIMIT 3");
    in.from = copy_url;
    if (tm_migrate(&p, &in, &detail) < 0)
        fail_msg("%s", detail.text);
    assert_int_equal(p.stored, 3);
    assert_int_equal(p.present, stored - 3);
    /* A payload that is not what its name says is no backup's. */
    mysql_server_run(&server,
                     "UPDATE ours.ENCRYPTED_TRANSACTION SET ENCODED_PAYLOAD = 'x' LIMIT 1");
    snprintf(copy, sizeof(copy), "%s/second", folder);
    assert_int_equal(tm_store_backup(&in.to, copy, &detail), ERR_CORRUPT);
    assert_int_not_equal(access(copy, F_OK), 0);
    mysql_server_remove(&server);
    buf_release(&text);
    kit_folder_remove(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(recordings),    cmocka_unit_test(constellation),
        cmocka_unit_test(what_is_wrong), cmocka_unit_test(broken_off),
        cmocka_unit_test(cut_off),       cmocka_unit_test(copied_from_a_server),
    };
    return cmocka_run_group_tests_name("tm migrate", tests, NULL, NULL);
}
