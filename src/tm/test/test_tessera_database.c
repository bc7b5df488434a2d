/*
 * One database, two programs: a real Tessera fills tables of its own script on a real MariaDB, our store serves them and
 * adds to them, and Tessera serves what we added; then the other way round, on tables that we made.
 *
 * QUORATE_TESSERA=tessera-app.jar (1.0 to 21.x) and QUORATE_TESSERA_DRIVER=mariadb-java-client.jar name what is run; the
 * second may be left to Debian's libmariadb-java. Without them it is skipped.
 */
#include "base/base64.h"
#include "base/file.h"
#include "tests/support/port.h"
#include "tm/enclave/enclave.h"
#include "tm/test/enclave_kit.h"
#include "tm/test/mysql_server.h"
#include "tm/test/store_cases.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PUBLIC_KEY  "/+UuD63zItL1EbjxkKUljMgG8Z1w0AJ8pNOR4iq2yQc="
#define PRIVATE_KEY "yAWAJjwPqUtNVlqGjSrBmr1/iIkghuOh1803Yzx9jLM="

struct tessera {
    struct mysql_server server;
    char config[128], socket[100];
    pid_t pid;
};

static const char *driver(void)
{
    static const char debian[] = "/usr/share/java/mariadb-java-client.jar";
    const char *named = getenv("QUORATE_TESSERA_DRIVER");
    return named && named[0] ? named : access(debian, R_OK) == 0 ? debian : NULL;
}

static void configure(struct tessera *t, const char *database)
{
    struct buf text = BUF_INIT;
    struct err_detail detail = {""};
    unsigned port = port_free();
    snprintf(t->config, sizeof(t->config), "%s/config.json", t->server.folder);
    snprintf(t->socket, sizeof(t->socket), "%s/tm.ipc", t->server.folder);
    buf_append_format(
        &text,
        "{\"useWhiteList\":false,\"jdbc\":{\"username\":\"root\",\"password\":\"\",\"url\":"
        "\"jdbc:mariadb://127.0.0.1:%u/"
        "%s\",\"autoCreateTables\":false},\"serverConfigs\":[{\"app\":"
        "\"Q2T\",\"enabled\":true,\"serverAddress\":\"unix:%s\",\"communicationType\":\"REST\"},"
        "{\"app\":\"P2P\",\"enabled\":true,\"serverAddress\":\"http://127.0.0.1:%u\",\"sslConfig\":"
        "{\"tls\":\"OFF\"},\"communicationType\":\"REST\"}],\"peer\":[{\"url\":"
        "\"http://127.0.0.1:%u\"}],\"keys\":{\"keyData\":[{\"privateKey\":\"" PRIVATE_KEY
        "\",\"publicKey\":\"" PUBLIC_KEY "\"}]},\"alwaysSendTo\":[]}",
        t->server.port, database, t->socket, port, port);
    assert_int_equal(file_write(t->config, buf_bytes(&text), &detail), 0);
    buf_release(&text);
}

/* One exchange; the status, with the body in `answer`. 0 when nobody listens. */
static int http(const struct tessera *t, struct buf *answer, const char *method, const char *path,
                const char *body)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    struct buf request = BUF_INIT;
    int fd = socket(AF_UNIX, SOCK_STREAM, 0), status = 0;
    buf_clear(answer);
    snprintf(address.sun_path, sizeof(address.sun_path), "%s", t->socket);
    buf_append_format(&request,
                      "%s %s HTTP/1.1\r\nHost: c\r\nConnection: close\r\nAccept: */*\r\n"
                      "Content-Type: application/json\r\nContent-Length: %zu\r\n\r\n%s",
                      method, path, strlen(body), body);
    if (connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0 &&
        write(fd, request.data, request.len) == (ssize_t)request.len) {
        char part[4096];
        ssize_t n;
        while ((n = read(fd, part, sizeof(part))) > 0)
            buf_append(answer, part, (size_t)n);
        (void)sscanf(buf_text(answer), "HTTP/1.1 %d", &status);
        const char *rest = strstr(buf_text(answer), "\r\n\r\n");
        if (rest) {
            size_t head = (size_t)(rest + 4 - (const char *)answer->data);
            memmove(answer->data, answer->data + head, answer->len - head);
            answer->len -= head;
        }
    }
    close(fd);
    buf_release(&request);
    return status;
}

static void start(struct tessera *t)
{
    char class_path[1024], log[128];
    struct buf answer = BUF_INIT;
    int status = 0;
    snprintf(class_path, sizeof(class_path), "%s:%s", getenv("QUORATE_TESSERA"), driver());
    snprintf(log, sizeof(log), "%s/tessera.log", t->server.folder);
    unlink(t->socket);
    t->pid = fork();
    assert_true(t->pid >= 0);
    if (t->pid == 0) {
        int fd = open(log, O_WRONLY | O_CREAT | O_APPEND, 0600);
        dup2(fd, 1);
        dup2(fd, 2);
        execlp("java", "java", "-Xmx256M", "-cp", class_path, "com.quorum.tessera.launcher.Main",
               "-configfile", t->config, (char *)NULL);
        _exit(127);
    }
    for (int i = 0; i < 600 && (status = http(t, &answer, "GET", "/upcheck", "")) != 200; i++) {
        assert_int_equal(waitpid(t->pid, NULL, WNOHANG), 0);
        nanosleep(&(struct timespec){0, 200000000}, NULL);
    }
    assert_int_equal(status, 200);
    buf_release(&answer);
}

static void stop(struct tessera *t)
{
    kill(t->pid, SIGKILL);
    assert_int_equal(waitpid(t->pid, NULL, 0), t->pid);
}

/* Sends `len` times 'x' through Tessera; the hash. */
static void send_to(const struct tessera *t, uint8_t ret_hash[64], const char *path, size_t len,
                    int wanted)
{
    struct buf data = BUF_INIT, body = BUF_INIT, answer = BUF_INIT;
    memset(buf_extend(&data, len), 'x', len);
    buf_append_text(&body, "{\"payload\":\"");
    base64_append(&body, buf_bytes(&data));
    buf_append_text(&body, "\"}");
    int status = http(t, &answer, "POST", path, buf_text(&body));
    if (status != wanted)
        fail_msg("%s of %zu bytes: %d %s", path, len, status, buf_text(&answer));
    const char *key = strstr(buf_text(&answer), "\"key\":\"");
    if (key)
        assert_true(base64_decode_exact(ret_hash, 64, bytes_of(key + 7, TMPROTO_HASH_TEXT)));
    buf_release(&data);
    buf_release(&body);
    buf_release(&answer);
}

/* Reads a payload from Tessera and compares it with `len` times 'x'. */
static void receive_from(const struct tessera *t, const uint8_t hash[64], size_t len)
{
    char name[TMPROTO_HASH_TEXT + 1] = "", path[400] = "/transaction/";
    struct buf answer = BUF_INIT, wanted = BUF_INIT, data = BUF_INIT;
    base64_encode(name, bytes_of(hash, 64));
    size_t at = strlen(path);
    for (const char *c = name; *c; c++)
        at += (size_t)snprintf(path + at, sizeof(path) - at,
                               *c == '/'   ? "%%2F"
                               : *c == '+' ? "%%2B"
                               : *c == '=' ? "%%3D"
                                           : "%c",
                               *c);
    int status = http(t, &answer, "GET", path, "");
    if (status != 200)
        fail_msg("%s: %d %s", path, status, buf_text(&answer));
    memset(buf_extend(&data, len), 'x', len);
    base64_append(&wanted, buf_bytes(&data));
    assert_non_null(strstr(buf_text(&answer), buf_text(&wanted)));
    buf_release(&answer);
    buf_release(&wanted);
    buf_release(&data);
}

static void opens(struct kit *k, struct tm_enclave *enclave, const uint8_t hash[64], size_t len)
{
    struct tmproto_payload p;
    struct bytes data;
    struct arena arena;
    struct err_detail detail = {""};
    arena_init(&arena);
    assert_int_equal(kit_wait(k, tm_store_get(k->store, bytes_of(hash, 64), kit_answer, k)), 0);
    assert_int_equal(
        tmproto_payload_decode(&p, &arena, k->payloads[0].codec, k->payloads[0].data, &detail), 0);
    assert_int_equal(tm_enclave_decrypt_any(enclave, &data, NULL, &arena, &p, &detail), 0);
    assert_int_equal(data.len, len);
    arena_release(&arena);
}

static void put(struct kit *k, struct tm_enclave *enclave, uint8_t ret_hash[64], size_t len)
{
    static const struct tm_enclave_metadata plain;
    struct tmproto_payload p;
    struct arena arena;
    struct buf data = BUF_INIT, encoded = BUF_INIT;
    struct bytes self = tm_enclave_default_key(enclave);
    arena_init(&arena);
    memset(buf_extend(&data, len), 'x', len);
    assert_int_equal(tm_enclave_encrypt(enclave, &p, &arena, buf_bytes(&data), self,
                                        (struct tmproto_list){&self, 1}, &plain, NULL),
                     0);
    tmproto_payload_encode(&encoded, &p, TMPROTO_LEGACY, TMPROTO_EXTENT_ALL);
    tmproto_payload_hash(ret_hash, p.cipher_text);
    struct tm_store_payload row = {bytes_of(ret_hash, 64), TMPROTO_LEGACY, buf_bytes(&encoded), 0};
    assert_int_equal(kit_wait(k, tm_store_put(k->store, &row, NULL, 0, kit_answer, k)),
                     TM_STORE_DONE);
    buf_release(&data);
    buf_release(&encoded);
    arena_release(&arena);
}

static void raw_opens(struct kit *k, struct tm_enclave *enclave, const uint8_t hash[64], size_t len)
{
    struct bytes data;
    struct arena arena;
    arena_init(&arena);
    assert_int_equal(kit_wait(k, tm_store_get_raw(k->store, bytes_of(hash, 64), kit_answer, k)), 0);
    struct tm_enclave_raw raw = {k->raws[0].cipher_text, k->raws[0].encrypted_key, k->raws[0].nonce,
                                 k->raws[0].sender};
    assert_int_equal(tm_enclave_decrypt_raw(enclave, &data, &arena, &raw, NULL), 0);
    assert_int_equal(data.len, len);
    arena_release(&arena);
}

static void both_ways(void **unused)
{
    (void)unused;
    if (!getenv("QUORATE_TESSERA") || !driver()) {
        print_message("no QUORATE_TESSERA, or no driver for it: skipped\n");
        skip();
    }
    mysql_server_require();
    static struct tessera t;
    struct tm_enclave *enclave = kit_enclave(0);
    struct kit k;
    char url[128];
    uint8_t hashes[3][64], raw[64], none[64], ours[64], later[64];
    kit_add_key(enclave, PUBLIC_KEY, PRIVATE_KEY);
    mysql_server_make(&t.server);

    /* Tessera fills tables of its own script; above 64 KiB it fails on them */
    mysql_server_run(&t.server, "CREATE DATABASE theirs");
    mysql_server_run(
        &t.server, "CREATE TABLE theirs.ENCRYPTED_TRANSACTION (ENCODED_PAYLOAD BLOB NOT NULL, HASH "
                   "VARBINARY(100) NOT NULL, TIMESTAMP BIGINT, PRIMARY KEY (HASH))");
    mysql_server_run(&t.server,
                     "CREATE TABLE theirs.ENCRYPTED_RAW_TRANSACTION (ENCRYPTED_KEY BLOB NOT NULL, "
                     "ENCRYPTED_PAYLOAD BLOB NOT NULL, NONCE BLOB NOT NULL, SENDER BLOB NOT NULL, "
                     "TIMESTAMP BIGINT, HASH VARBINARY(100) NOT NULL, PRIMARY KEY (HASH))");
    configure(&t, "theirs");
    start(&t);
    static const size_t sizes[3] = {10, 1000, 60000};
    for (size_t i = 0; i < 3; i++)
        send_to(&t, hashes[i], "/send", sizes[i], 201);
    send_to(&t, none, "/send", 100000, 500);
    send_to(&t, raw, "/storeraw", 100, 200);
    stop(&t);

    /* we serve them, and add what did not fit before */
    mysql_server_url(&t.server, url, "theirs");
    kit_open(&k, &(struct tm_store_options){.url = url, .username = "root"});
    for (size_t i = 0; i < 3; i++)
        opens(&k, enclave, hashes[i], sizes[i]);
    raw_opens(&k, enclave, raw, 100);
    put(&k, enclave, ours, 100000);
    kit_close(&k);

    /* Tessera serves what was there, and ours, and goes on */
    start(&t);
    for (size_t i = 0; i < 3; i++)
        receive_from(&t, hashes[i], sizes[i]);
    receive_from(&t, ours, 100000);
    send_to(&t, later, "/send", 100000, 201);
    stop(&t);

    /* tables that we made */
    mysql_server_run(&t.server, "CREATE DATABASE ours");
    mysql_server_url(&t.server, url, "ours");
    kit_open(&k, &(struct tm_store_options){.url = url, .username = "root", .create_tables = true});
    put(&k, enclave, ours, 100000);
    kit_close(&k);
    configure(&t, "ours");
    start(&t);
    receive_from(&t, ours, 100000);
    send_to(&t, later, "/send", 70000, 201);
    send_to(&t, raw, "/storeraw", 70000, 200);
    stop(&t);
    kit_open(&k, &(struct tm_store_options){.url = url, .username = "root"});
    opens(&k, enclave, later, 70000);
    raw_opens(&k, enclave, raw, 70000);
    kit_close(&k);
    print_message("a MariaDB database filled by Tessera, served here, and the reverse\n");
    mysql_server_remove(&t.server);
    tm_enclave_free(enclave);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(both_ways)};
    return cmocka_run_group_tests_name("tm tessera database", tests, NULL, NULL);
}
