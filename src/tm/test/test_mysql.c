/* The store on a real MariaDB server, which the test starts itself: the cases of every product, Tessera's own tables with
 * their BLOB, a server that is killed under load, one that stays away. */
#include "tm/test/mysql_server.h"
#include "tm/test/store_cases.h"

#include <stdio.h>
#include <stdlib.h>

static struct mysql_server server;
static bool made;

static void need_server(void)
{
    mysql_server_require();
    if (!made)
        mysql_server_make(&server);
    made = true;
}

static int teardown(void **unused)
{
    (void)unused;
    if (made)
        mysql_server_remove(&server);
    return 0;
}

static void all_cases(void **unused)
{
    (void)unused;
    struct kit k;
    char url[128];
    need_server();
    mysql_server_run(&server, "CREATE DATABASE cases");
    mysql_server_url(&server, url, "cases");
    kit_open(&k, &(struct tm_store_options){.url = url, .username = "root", .create_tables = true});
    assert_non_null(strstr(tm_store_description(k.store), "MariaDB"));
    store_cases_payloads(&k);
    store_cases_raws(&k);
    store_cases_groups(&k);
    store_cases_staging(&k);
    store_cases_names(&k);
    store_cases_deliveries(&k);
    store_cases_together(&k, true);
    kit_close(&k);
}

/* Tessera's own script (ddls/create-table/mysql-ddl.sql) and a row of it. */
static void make_tessera(const char *database)
{
    char sql[1024];
    snprintf(sql, sizeof(sql), "CREATE DATABASE %s", database);
    mysql_server_run(&server, sql);
    snprintf(sql, sizeof(sql),
             "CREATE TABLE %s.ENCRYPTED_TRANSACTION (ENCODED_PAYLOAD BLOB NOT NULL, HASH "
             "VARBINARY(100) NOT NULL, TIMESTAMP BIGINT, PRIMARY KEY (HASH))",
             database);
    mysql_server_run(&server, sql);
    snprintf(
        sql, sizeof(sql),
        "CREATE TABLE %s.ENCRYPTED_RAW_TRANSACTION (ENCRYPTED_KEY BLOB NOT NULL, "
        "ENCRYPTED_PAYLOAD BLOB NOT NULL, NONCE BLOB NOT NULL, SENDER BLOB NOT NULL, TIMESTAMP "
        "BIGINT, HASH VARBINARY(100) NOT NULL, PRIMARY KEY (HASH))",
        database);
    mysql_server_run(&server, sql);
    snprintf(sql, sizeof(sql), "INSERT INTO %s.ENCRYPTED_TRANSACTION VALUES (x'0102', x'aabb', 5)",
             database);
    mysql_server_run(&server, sql);
}

static void tables_of_tessera(void **unused)
{
    (void)unused;
    struct kit k;
    char url[128];
    struct err_detail detail = {""};
    need_server();
    make_tessera("tessera");
    mysql_server_url(&server, url, "tessera");
    /* a user who may not change the tables: refused, with the statement that helps */
    mysql_server_run(&server, "CREATE USER plain IDENTIFIED BY 'secret'");
    mysql_server_run(&server, "GRANT SELECT, INSERT, UPDATE, DELETE ON tessera.* TO plain");
    struct tm_store_options options = {.url = url, .username = "plain", .password = "secret"};
    assert_int_equal(kit_try_open(&k, &options, &detail), ERR_USAGE);
    assert_non_null(strstr(
        detail.text, "ALTER TABLE ENCRYPTED_TRANSACTION MODIFY ENCODED_PAYLOAD LONGBLOB NOT NULL"));
    options.password = "wrong";
    assert_int_equal(kit_try_open(&k, &options, &detail), ERR_IO);
    assert_non_null(strstr(detail.text, "Access denied"));
    assert_null(strstr(detail.text, "wrong"));
    /* one who may: the columns are made wide, what is there stays */
    options.username = "root";
    options.password = NULL;
    kit_open(&k, &options);
    assert_non_null(strstr(k.notes, "ENCRYPTED_TRANSACTION.ENCODED_PAYLOAD was a blob"));
    assert_non_null(strstr(k.notes, "ENCRYPTED_RAW_TRANSACTION.ENCRYPTED_PAYLOAD was a blob"));
    assert_int_equal(kit_wait(&k, tm_store_get(k.store, bytes_str("\xaa\xbb"), kit_answer, &k)), 0);
    assert_true(bytes_equal(k.payloads[0].data, bytes_str("\x01\x02")));
    assert_int_equal(kit_wait(&k, tm_store_delete(k.store, bytes_str("\xaa\xbb"), kit_answer, &k)),
                     0);
    store_cases_payloads(&k);
    store_cases_raws(&k);
    store_cases_staging(&k);
    store_cases_names(&k);
    store_cases_deliveries(&k);
    kit_close(&k);
    /* now the other may serve it */
    options.username = "plain";
    options.password = "secret";
    kit_open(&k, &options);
    assert_string_equal(k.notes, "");
    store_cases_payloads(&k);
    kit_close(&k);
    /* a database that has not been set up */
    mysql_server_run(&server, "CREATE DATABASE nothing");
    mysql_server_url(&server, url, "nothing");
    options.username = "root";
    options.password = NULL;
    assert_int_equal(kit_try_open(&k, &options, &detail), ERR_NOTFOUND);
    assert_non_null(strstr(detail.text, "autoCreateTables"));
}

enum { WRITES = 3000 };

struct load {
    struct kit *k;
    size_t open, next, failed;
    bool done[WRITES]; /* answered as stored */
};

struct one {
    struct load *load;
    size_t n;
};

static void stored(void *context, const struct tm_store_answer *answer)
{
    struct one *one = context;
    one->load->open--;
    if (answer->status == TM_STORE_DONE)
        one->load->done[one->n] = true;
    else
        one->load->failed++;
    /* never EXISTS: what was in doubt is recognised as ours */
    assert_true(answer->status == TM_STORE_DONE || answer->status == ERR_IO);
    free(one);
}

static void write_some(struct load *l, struct arena *arena, size_t count)
{
    for (size_t i = 0; i < count && l->next < WRITES; i++) {
        struct one *one = malloc(sizeof(*one));
        *one = (struct one){l, l->next};
        struct tm_store_payload p = kit_payload(arena, 50000 + l->next, 1000);
        assert_int_equal(tm_store_put(l->k->store, &p, NULL, 0, stored, one), 0);
        l->next++;
        l->open++;
    }
}

/* The server is killed three times while sends are under way, and comes back: every one is answered as stored, and is. */
static void server_killed(void **unused)
{
    (void)unused;
    struct kit k;
    char url[128];
    static struct load l;
    struct arena arena;
    need_server();
    mysql_server_run(&server, "CREATE DATABASE killed");
    mysql_server_url(&server, url, "killed");
    kit_open(&k, &(struct tm_store_options){
                     .url = url, .username = "root", .create_tables = true, .give_up_ms = 60000});
    arena_init(&arena);
    l = (struct load){.k = &k};
    for (int round = 0; round < 3; round++) {
        write_some(&l, &arena, 500);
        while (l.open > 250) /* in the middle of it */
            io_loop_turn(k.loop, true);
        write_some(&l, &arena, 300);
        mysql_server_kill(&server);
        write_some(&l, &arena, 100);
        mysql_server_start(&server);
        while (l.open)
            io_loop_turn(k.loop, true);
    }
    assert_int_equal(l.failed, 0);
    assert_non_null(strstr(k.notes, "cannot be reached"));
    assert_non_null(strstr(k.notes, "reached again"));
    assert_true(tm_store_available(k.store));
    for (size_t n = 0; n < l.next; n++) {
        struct tm_store_payload p = kit_payload(&arena, 50000 + n, 1000);
        assert_true(l.done[n]);
        assert_int_equal(kit_wait(&k, tm_store_get(k.store, p.hash, kit_answer, &k)), 0);
        assert_true(bytes_equal(k.payloads[0].data, p.data));
    }
    print_message("%zu sends through 3 kills of the server, all stored\n", l.next);
    arena_release(&arena);
    kit_close(&k);
}

/* It stays away: calls are answered with a failure in the time set, also at closing; then it is back. */
static void server_away(void **unused)
{
    (void)unused;
    struct kit k;
    char url[128];
    struct arena arena;
    need_server();
    mysql_server_run(&server, "CREATE DATABASE away");
    mysql_server_url(&server, url, "away");
    struct tm_store_options options = {
        .url = url, .username = "root", .create_tables = true, .give_up_ms = 200};
    kit_open(&k, &options);
    arena_init(&arena);
    struct tm_store_payload p = kit_payload(&arena, 1, 1000);
    mysql_server_kill(&server);
    assert_int_equal(kit_wait(&k, tm_store_put(k.store, &p, NULL, 0, kit_answer, &k)), ERR_IO);
    assert_true(k.message[0]);
    assert_int_equal(kit_wait(&k, tm_store_get(k.store, p.hash, kit_answer, &k)), ERR_IO);
    assert_false(tm_store_available(k.store));
    assert_int_equal(tm_store_put(k.store, &p, NULL, 0, kit_answer, &k), 0);
    k.waiting++;
    tm_store_close(k.store);
    assert_int_equal(k.waiting, 0);
    assert_int_equal(k.status, ERR_IO);
    io_loop_free(k.loop);
    arena_release(&k.arena);
    struct err_detail detail = {""};
    assert_int_equal(kit_try_open(&k, &options, &detail), ERR_IO);
    assert_non_null(strstr(detail.text, "127.0.0.1"));
    mysql_server_start(&server);
    kit_open(&k, &options);
    assert_int_equal(kit_wait(&k, tm_store_put(k.store, &p, NULL, 0, kit_answer, &k)), 0);
    kit_close(&k);
    arena_release(&arena);
}

/* It takes no writes for a while, as at a change of the primary: what waits is done when it does again, or given up. */
static void server_read_only(void **unused)
{
    (void)unused;
    struct kit k;
    char url[128];
    struct arena arena;
    need_server();
    mysql_server_run(&server, "CREATE DATABASE quiet");
    mysql_server_run(&server, "CREATE USER app@127.0.0.1");
    mysql_server_run(&server, "GRANT ALL ON quiet.* TO app@127.0.0.1");
    mysql_server_url(&server, url, "quiet");
    struct tm_store_options options = {
        .url = url, .username = "app", .create_tables = true, .give_up_ms = 200};
    arena_init(&arena);
    struct tm_store_payload p = kit_payload(&arena, 1, 1000);
    kit_open(&k, &options);
    mysql_server_run(&server, "SET GLOBAL read_only = 1");
    assert_int_equal(kit_wait(&k, tm_store_put(k.store, &p, NULL, 0, kit_answer, &k)), ERR_IO);
    assert_non_null(strstr(k.message, "read-only"));
    assert_int_equal(kit_wait(&k, tm_store_get(k.store, p.hash, kit_answer, &k)), TM_STORE_ABSENT);
    kit_close(&k);
    options.give_up_ms = 60000;
    kit_open(&k, &options);
    int status = tm_store_put(k.store, &p, NULL, 0, kit_answer, &k);
    mysql_server_run(&server, "SET GLOBAL read_only = 0");
    assert_int_equal(kit_wait(&k, status), TM_STORE_DONE);
    kit_close(&k);
    arena_release(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_cases),        cmocka_unit_test(tables_of_tessera),
        cmocka_unit_test(server_killed),    cmocka_unit_test(server_away),
        cmocka_unit_test(server_read_only),
    };
    return cmocka_run_group_tests_name("tm mysql", tests, NULL, teardown);
}
