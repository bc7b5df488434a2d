/* The store on SQLite and in memory: what every product does alike, urls, older tables, failures. */
#include "tm/store/backup.h"
#include "tm/test/store_cases.h"

#include "base/mem.h"

#include <sqlite3.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static void all_cases(const char *url, bool durable)
{
    struct kit k;
    kit_open(&k, &(struct tm_store_options){.url = url});
    store_cases_payloads(&k);
    store_cases_raws(&k);
    store_cases_groups(&k);
    store_cases_staging(&k);
    store_cases_names(&k);
    store_cases_deliveries(&k);
    store_cases_together(&k, durable);
    kit_close(&k);
}

static void in_memory(void **unused)
{
    (void)unused;
    all_cases("memory", false);
    all_cases("jdbc:h2:mem:test", false);
}

static void sqlite_file(void **unused)
{
    (void)unused;
    char folder[64], url[128];
    struct kit k;
    struct arena arena;
    kit_folder_make(folder);
    snprintf(url, sizeof(url), "jdbc:sqlite:%s/db", folder);
    all_cases(url, true);
    /* it is there again */
    arena_init(&arena);
    struct tm_store_payload p = kit_payload(&arena, 1000, 1500);
    kit_open(&k, &(struct tm_store_options){.url = url});
    assert_non_null(strstr(tm_store_description(k.store), "SQLite"));
    assert_int_equal(kit_wait(&k, tm_store_get(k.store, p.hash, kit_answer, &k)), 0);
    assert_true(bytes_equal(k.payloads[0].data, p.data));
    kit_close(&k);
    arena_release(&arena);
    kit_folder_remove(folder);
}

/* What was answered before is in it, what came later is not; nothing is overwritten. */
static void copied_while_open(void **unused)
{
    (void)unused;
    char folder[64], url[128], copy[96], copy_url[128];
    struct kit k;
    struct arena arena;
    struct err_detail detail = {""};
    struct stat st;
    kit_folder_make(folder);
    snprintf(url, sizeof(url), "jdbc:sqlite:%s/db", folder);
    snprintf(copy, sizeof(copy), "%s/copy", folder);
    snprintf(copy_url, sizeof(copy_url), "jdbc:sqlite:%s", copy);
    const struct tm_store_options from = {.url = url};
    arena_init(&arena);
    struct tm_store_payload a = kit_payload(&arena, 1, 100000), b = kit_payload(&arena, 2, 10);
    assert_int_equal(tm_store_backup(&from, copy, &detail), ERR_NOTFOUND);
    kit_open(&k, &from);
    assert_int_equal(kit_wait(&k, tm_store_put(k.store, &a, NULL, 0, kit_answer, &k)), 0);
    if (tm_store_backup(&from, copy, &detail) < 0)
        fail_msg("%s", detail.text);
    assert_int_equal(kit_wait(&k, tm_store_put(k.store, &b, NULL, 0, kit_answer, &k)), 0);
    assert_int_equal(tm_store_backup(&from, copy, &detail), ERR_EXISTS);
    kit_close(&k);
    assert_int_equal(stat(copy, &st), 0);
    assert_int_equal(st.st_mode & 077, 0);
    kit_open(&k, &(struct tm_store_options){.url = copy_url});
    assert_int_equal(kit_wait(&k, tm_store_get(k.store, a.hash, kit_answer, &k)), 0);
    assert_true(bytes_equal(k.payloads[0].data, a.data));
    assert_int_equal(kit_wait(&k, tm_store_count(k.store, kit_answer, &k)), 0);
    assert_int_equal(k.count, 1);
    kit_close(&k);
    const struct tm_store_options memory = {.url = "memory"};
    assert_int_equal(tm_store_backup(&memory, "/nowhere/x", &detail), ERR_UNSUPPORTED);
    arena_release(&arena);
    kit_folder_remove(folder);
}

static void make_by_hand(const char *path, const char *sql)
{
    sqlite3 *db;
    char *error = NULL;
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    if (sqlite3_exec(db, sql, NULL, NULL, &error) != SQLITE_OK)
        fail_msg("%s", error);
    sqlite3_close(db);
}

/* The two tables as Tessera 0.8 to 0.11 makes them, filled; no codec, none of the newer tables. */
static void tables_of_tessera(void **unused)
{
    (void)unused;
    char folder[64], url[128], path[96];
    struct kit k;
    struct arena arena;
    kit_folder_make(folder);
    snprintf(path, sizeof(path), "%s/db", folder);
    snprintf(url, sizeof(url), "sqlite:%s", path);
    make_by_hand(path,
                 "CREATE TABLE ENCRYPTED_TRANSACTION (ENCODED_PAYLOAD BLOB NOT NULL, HASH BLOB "
                 "NOT NULL, TIMESTAMP NUMBER(19), PRIMARY KEY (HASH));"
                 "CREATE TABLE ENCRYPTED_RAW_TRANSACTION (ENCRYPTED_KEY BLOB NOT NULL, "
                 "ENCRYPTED_PAYLOAD BLOB NOT NULL, NONCE BLOB NOT NULL, SENDER BLOB NOT NULL, "
                 "TIMESTAMP NUMBER(19), HASH BLOB NOT NULL, PRIMARY KEY (HASH));"
                 "INSERT INTO ENCRYPTED_TRANSACTION VALUES (x'0102', x'aabb', NULL)");
    kit_open(&k, &(struct tm_store_options){.url = url});
    assert_int_equal(kit_wait(&k, tm_store_get(k.store, bytes_str("\xaa\xbb"), kit_answer, &k)), 0);
    assert_true(bytes_equal(k.payloads[0].data, bytes_str("\x01\x02")));
    assert_int_equal(k.payloads[0].codec, TMPROTO_LEGACY);
    assert_int_equal(k.payloads[0].timestamp, 0);
    /* without the column, CBOR is refused, and spoils nothing for its neighbours */
    arena_init(&arena);
    struct tm_store_payload a = kit_payload(&arena, 1, 10), b = kit_payload(&arena, 2, 10);
    b.codec = TMPROTO_CBOR;
    assert_int_equal(tm_store_put(k.store, &a, NULL, 0, kit_answer, &k), 0);
    k.waiting++;
    assert_int_equal(kit_wait(&k, tm_store_put(k.store, &b, NULL, 0, kit_answer, &k)),
                     ERR_UNSUPPORTED);
    assert_non_null(strstr(k.message, "PAYLOAD_CODEC"));
    assert_int_equal(kit_wait(&k, tm_store_get(k.store, a.hash, kit_answer, &k)), 0);
    assert_int_equal(kit_wait(&k, tm_store_delete(k.store, a.hash, kit_answer, &k)), 0);
    assert_int_equal(kit_wait(&k, tm_store_delete(k.store, bytes_str("\xaa\xbb"), kit_answer, &k)),
                     0);
    store_cases_payloads(&k);
    store_cases_staging(&k);
    kit_close(&k);
    arena_release(&arena);
    kit_folder_remove(folder);
}

static void refused(const char *url, bool create, int wanted, const char *text)
{
    struct kit k;
    struct err_detail detail = {""};
    int status =
        kit_try_open(&k, &(struct tm_store_options){.url = url, .create_tables = create}, &detail);
    if (status >= 0)
        kit_close(&k);
    if (status != wanted || !strstr(detail.text, text))
        fail_msg("%s: %d \"%s\"", url, status, detail.text);
    arena_release(&k.arena);
}

static void what_cannot_be_opened(void **unused)
{
    (void)unused;
    char folder[64], url[128], path[96], sqlite[96];
    kit_folder_make(folder);
    refused("jdbc:postgresql://h/db", true, ERR_UNSUPPORTED, "postgresql");
    refused("jdbc:oracle:thin:x", true, ERR_UNSUPPORTED, "oracle");
    refused("jdbc:mysql://h", true, ERR_INPUT, "jdbc:mysql://HOST");
    refused("jdbc:mysql://h:x/d", true, ERR_INPUT, "port");
    refused("jdbc:mysql://h/d?strange=1", true, ERR_UNSUPPORTED, "strange");
    refused("jdbc:sqlite:", true, ERR_INPUT, "no file");
    refused("jdbc:sqlite:/nowhere/at/all", true, ERR_NOTFOUND,
            "/nowhere/at/all: No such file or directory");
    refused("jdbc:h2:tcp://h/x", true, ERR_UNSUPPORTED, "SCRIPT");

    /* an H2 file in the place */
    snprintf(path, sizeof(path), "%s/db.mv.db", folder);
    snprintf(url, sizeof(url), "jdbc:h2:%s/db;MODE=Oracle", folder);
    FILE *file = fopen(path, "w");
    fclose(file);
    refused(url, true, ERR_UNSUPPORTED, "migrate --from");
    snprintf(sqlite, sizeof(sqlite), "%s/db.sqlite", folder); /* a migration that was broken off */
    make_by_hand(sqlite, "CREATE TABLE X (Y)");
    refused(url, true, ERR_UNSUPPORTED, "move it away");
    unlink(path);

    /* an empty database that is not to be set up; one without times; one that is none */
    snprintf(path, sizeof(path), "%s/empty", folder);
    snprintf(url, sizeof(url), "jdbc:sqlite:%s", path);
    make_by_hand(path, "CREATE TABLE X (Y)");
    refused(url, false, ERR_NOTFOUND, "autoCreateTables");
    make_by_hand(path, "CREATE TABLE ENCRYPTED_TRANSACTION (ENCODED_PAYLOAD BLOB, HASH BLOB)");
    refused(url, true, ERR_USAGE, "ADD TIMESTAMP");
    snprintf(path, sizeof(path), "%s/text", folder);
    snprintf(url, sizeof(url), "jdbc:sqlite:%s", path);
    file = fopen(path, "w");
    for (int i = 0; i < 1000; i++)
        fputs("this is no database\n", file);
    fclose(file);
    refused(url, true, ERR_CORRUPT, "not a database");
    kit_folder_remove(folder);
}

static void h2_url(void **unused)
{
    (void)unused;
    char folder[64], url[128];
    struct kit k;
    kit_folder_make(folder);
    snprintf(url, sizeof(url), "jdbc:h2:%s/db;MODE=Oracle;TRACE_LEVEL_SYSTEM_OUT=0", folder);
    kit_open(&k, &(struct tm_store_options){.url = url});
    assert_non_null(strstr(k.notes, "SQLite"));
    assert_non_null(strstr(k.notes, "db.sqlite"));
    kit_close(&k);
    kit_folder_remove(folder);
}

/* Another program holds the database for a while: what was asked is done when it lets go; then for too long. */
static void held_by_another(void **unused)
{
    (void)unused;
    char folder[64], url[128], path[96];
    struct kit k;
    struct arena arena;
    sqlite3 *other;
    kit_folder_make(folder);
    snprintf(path, sizeof(path), "%s/db", folder);
    snprintf(url, sizeof(url), "sqlite:%s", path);
    kit_open(&k, &(struct tm_store_options){.url = url, .give_up_ms = 100});
    arena_init(&arena);
    struct tm_store_payload p = kit_payload(&arena, 1, 10);
    assert_int_equal(sqlite3_open(path, &other), SQLITE_OK);
    assert_int_equal(sqlite3_exec(other, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(kit_wait(&k, tm_store_put(k.store, &p, NULL, 0, kit_answer, &k)), ERR_IO);
    assert_non_null(strstr(k.message, "another program"));
    assert_int_equal(sqlite3_exec(other, "COMMIT", NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(other);
    assert_int_equal(kit_wait(&k, tm_store_put(k.store, &p, NULL, 0, kit_answer, &k)), 0);
    kit_close(&k);
    arena_release(&arena);
    kit_folder_remove(folder);
}

static void limits(void **unused)
{
    (void)unused;
    struct kit k;
    uint8_t *much = mem_alloc_zeroed(1, TMPROTO_PAYLOAD_MAX + 1);
    kit_open(&k, &(struct tm_store_options){.url = "memory"});
    struct tm_store_payload p = {bytes_of(much, 64), TMPROTO_LEGACY,
                                 bytes_of(much, TMPROTO_PAYLOAD_MAX + 1), 0};
    assert_int_equal(tm_store_put(k.store, &p, NULL, 0, kit_answer, &k), ERR_LIMIT);
    p.hash = bytes_of(much, TM_STORE_HASH_MAX + 1);
    p.data = bytes_none();
    assert_int_equal(tm_store_put(k.store, &p, NULL, 0, kit_answer, &k), ERR_LIMIT);
    assert_int_equal(tm_store_get(k.store, p.hash, kit_answer, &k), ERR_LIMIT);
    /* the queue is bounded */
    p.hash = bytes_of(much, 64);
    p.data = bytes_of(much, TMPROTO_PAYLOAD_MAX);
    int status = 0;
    size_t taken = 0;
    while (taken < 100 && (status = tm_store_put(k.store, &p, NULL, 0, kit_answer, &k)) == 0) {
        taken++;
        k.waiting++;
    }
    assert_int_equal(status, ERR_BUSY);
    assert_true(taken >= 4);
    while (k.waiting)
        io_loop_turn(k.loop, true);
    kit_close(&k);
    mem_free(much);
}

/* Every allocation of opening and of calls fails once: an error, nothing lost, nothing leaked. */
static void out_of_memory(void **unused)
{
    (void)unused;
    char folder[64], url[128];
    struct arena arena;
    kit_folder_make(folder);
    snprintf(url, sizeof(url), "sqlite:%s/db", folder);
    arena_init(&arena);
    for (size_t n = 1; n < 200; n++) {
        struct kit k;
        struct err_detail detail = {""};
        mem_fail_at(0, 0);
        k = (struct kit){.status = 0};
        arena_init(&k.arena);
        assert_int_equal(io_loop_new(&k.loop), 0);
        struct tm_store_payload p = kit_payload(&arena, n, 100);
        mem_fail_at(n, 1);
        int status =
            tm_store_open(&k.store, k.loop, &(struct tm_store_options){.url = url}, &detail);
        bool opened = status == 0;
        if (opened)
            status = tm_store_put(k.store, &p, NULL, 0, kit_answer, &k);
        bool over = mem_fail_left() > 0;
        mem_fail_at(0, 0);
        if (opened && status == 0)
            assert_int_equal(kit_wait(&k, status), TM_STORE_DONE);
        else
            assert_int_equal(status, ERR_NOMEM);
        if (opened)
            tm_store_close(k.store);
        io_loop_free(k.loop);
        arena_release(&k.arena);
        if (over)
            break;
        assert_true(n < 199);
    }
    arena_release(&arena);
    kit_folder_remove(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(in_memory),
        cmocka_unit_test(sqlite_file),
        cmocka_unit_test(copied_while_open),
        cmocka_unit_test(tables_of_tessera),
        cmocka_unit_test(what_cannot_be_opened),
        cmocka_unit_test(h2_url),
        cmocka_unit_test(held_by_another),
        cmocka_unit_test(limits),
        cmocka_unit_test(out_of_memory),
    };
    return cmocka_run_group_tests_name("tm store", tests, NULL, NULL);
}
