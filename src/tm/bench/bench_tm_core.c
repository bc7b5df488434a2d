/* A send without its HTTP: the sender's enclave seals for itself and one party, the party decodes and stores, then the
 * sender stores; both durably, each in its own database. As many sends at once as there are clients.
 *
 * usage: bench_tm_core [URL-OF-SENDER URL-OF-PARTY [USER]]; without, two SQLite files in the current folder. */
#include "base/clock.h"
#include "base/mem.h"
#include "tm/enclave/enclave.h"
#include "tm/store/store.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

enum { CLIENTS_MAX = 64, SENDS_MAX = 20000 };

struct bench;

struct client {
    struct bench *bench;
    struct arena arena;
    struct tmproto_payload payload;
    struct buf whole, stripped;
    double began;
};

struct bench {
    struct io_loop *loop;
    struct tm_store *sender, *party;
    struct tm_enclave *alice, *bob;
    struct client clients[CLIENTS_MAX];
    struct bytes data;
    size_t started, ended, wanted;
    double *times;
};

static double cpu(void)
{
    struct rusage u;
    getrusage(RUSAGE_SELF, &u);
    return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
           (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

static void need(int status)
{
    if (status == 0)
        return;
    fprintf(stderr, "a call fails: %s\n", err_name(status));
    exit(1);
}

static void begin(struct client *c);

static void sender_stored(void *context, const struct tm_store_answer *answer)
{
    struct client *c = context;
    struct bench *b = c->bench;
    need(answer->status);
    b->times[b->ended++] = base_now_seconds() - c->began;
    if (b->started < b->wanted)
        begin(c);
}

static void party_stored(void *context, const struct tm_store_answer *answer)
{
    struct client *c = context;
    need(answer->status);
    struct tm_store_payload row = {.codec = TMPROTO_LEGACY, .data = buf_bytes(&c->whole)};
    need(tm_store_put(c->bench->sender, &row, NULL, 0, sender_stored, c));
}

/* What the party does with what arrives. */
static void arrive(struct client *c)
{
    struct tmproto_payload p;
    need(tmproto_payload_decode(&p, &c->arena, TMPROTO_LEGACY, buf_bytes(&c->stripped), NULL));
    struct tm_store_payload row = {.codec = TMPROTO_LEGACY, .data = buf_bytes(&c->stripped)};
    need(tm_store_put(c->bench->party, &row, NULL, 0, party_stored, c));
}

static void begin(struct client *c)
{
    static const struct tm_enclave_metadata plain;
    struct bench *b = c->bench;
    struct tmproto_payload stripped;
    struct bytes to[2] = {tm_enclave_default_key(b->bob), tm_enclave_default_key(b->alice)};
    c->began = base_now_seconds();
    b->started++;
    arena_clear(&c->arena);
    buf_clear(&c->whole);
    buf_clear(&c->stripped);
    need(tm_enclave_encrypt(b->alice, &c->payload, &c->arena, b->data, to[1],
                            (struct tmproto_list){to, 2}, &plain, NULL));
    tmproto_payload_encode(&c->whole, &c->payload, TMPROTO_LEGACY, TMPROTO_EXTENT_ALL);
    need(tmproto_payload_for(&stripped, &c->arena, &c->payload, to[0]));
    tmproto_payload_encode(&c->stripped, &stripped, TMPROTO_LEGACY, TMPROTO_EXTENT_ALL);
    need(buf_status(&c->whole));
    arrive(c);
}

static int by_time(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void run(struct bench *b, size_t size, size_t clients, size_t sends)
{
    static uint8_t data[64 << 10];
    b->data = bytes_of(data, size);
    b->started = b->ended = 0;
    b->wanted = sends;
    uint64_t commits = tm_store_commits(b->sender);
    double wall = base_now_seconds(), used = cpu();
    for (size_t i = 0; i < clients; i++)
        begin(&b->clients[i]);
    while (b->ended < b->wanted)
        io_loop_turn(b->loop, true);
    wall = base_now_seconds() - wall;
    used = cpu() - used;
    qsort(b->times, b->ended, sizeof(*b->times), by_time);
    printf("| %zu KiB | %zu | %.0f | %.1f | %.1f | %.3f | %.1f |\n", size >> 10, clients,
           (double)sends / wall, b->times[sends / 2] * 1e3, b->times[sends * 99 / 100] * 1e3,
           used / (double)sends * 1e3,
           (double)sends / (double)(tm_store_commits(b->sender) - commits));
    fflush(stdout);
}

static struct tm_enclave *make_enclave(void)
{
    struct tm_encryptor e;
    struct tm_enclave *enclave;
    struct buf pub = BUF_INIT, priv = BUF_INIT;
    struct crypto_secret *secret;
    tm_encryptor_init_nacl(&e);
    need(tm_enclave_new(&enclave, &e));
    need(tm_encryptor_generate(&e, &pub, &priv));
    need(crypto_secret_copy(&secret, buf_bytes(&priv)));
    need(tm_enclave_add_key(enclave, buf_bytes(&pub), secret, NULL));
    buf_release(&pub);
    buf_release(&priv);
    return enclave;
}

static struct tm_store *open_store(struct bench *b, const char *url, const char *user)
{
    struct tm_store *store;
    struct err_detail detail = {""};
    struct tm_store_options options = {
        .url = url, .username = user, .create_tables = true, .give_up_ms = 60000};
    if (tm_store_open(&store, b->loop, &options, &detail) < 0) {
        fprintf(stderr, "%s\n", detail.text);
        exit(1);
    }
    printf("%s\n", tm_store_description(store));
    return store;
}

static void remove_file(const char *name)
{
    static const char *const ends[] = {"", "-wal", "-shm"};
    char path[64];
    for (size_t i = 0; i < BASE_COUNT(ends); i++) {
        snprintf(path, sizeof(path), "%s%s", name, ends[i]);
        unlink(path);
    }
}

int main(int count, char **arguments)
{
    static struct bench b;
    bool files = count < 3;
    if (files) {
        remove_file("bench-sender.sqlite");
        remove_file("bench-party.sqlite");
    }
    need(io_loop_new(&b.loop));
    b.times = mem_alloc(SENDS_MAX * sizeof(*b.times));
    b.sender = open_store(&b, files ? "sqlite:bench-sender.sqlite" : arguments[1],
                          count > 3 ? arguments[3] : NULL);
    b.party = open_store(&b, files ? "sqlite:bench-party.sqlite" : arguments[2],
                         count > 3 ? arguments[3] : NULL);
    b.alice = make_enclave();
    b.bob = make_enclave();
    for (size_t i = 0; i < CLIENTS_MAX; i++) {
        b.clients[i].bench = &b;
        arena_init(&b.clients[i].arena);
    }
    printf("| payload | at once | sends/s | p50 ms | p99 ms | CPU ms | sends a commit |\n"
           "|---|---|---|---|---|---|---|\n");
    run(&b, 1 << 10, 8, 500); /* warm */
    run(&b, 1 << 10, 1, 500);
    run(&b, 1 << 10, 8, 8000);
    run(&b, 1 << 10, 64, SENDS_MAX);
    run(&b, 64 << 10, 8, 2000);
    run(&b, 64 << 10, 64, 4000);
    tm_store_close(b.sender);
    tm_store_close(b.party);
    io_loop_free(b.loop);
    if (files) {
        remove_file("bench-sender.sqlite");
        remove_file("bench-party.sqlite");
    }
    return 0;
}
