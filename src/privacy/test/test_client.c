/*
 * The client against what Tessera was recorded to answer: its requests are GoQuorum's byte for byte (a request that was
 * not recorded has no answer), over a scripted exchange and over a real socket.
 */
#include "base/base64.h"
#include "privacy/config.h"
#include "tests/support/recorded_tm.h"
#include "tests/support/recordings.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

struct world {
    struct recorded_tm *recorded;
    struct privacy_tm *tm;
    unsigned asked, down; /* `down`: so many exchanges go wrong from now on */
    unsigned unreachable, back, given_up;
    uint64_t now;
};

static int exchange(void *context, struct privacy_answer *ret_answer,
                    const struct privacy_request *request, struct err_detail *detail)
{
    struct world *w = context;
    w->asked++;
    if (w->down) {
        w->down--;
        return err_set(detail, PRIVACY_FAILED, "connection refused");
    }
    if (!recorded_tm_answer(w->recorded, request->method, request->path, request->body,
                            &ret_answer->status, &ret_answer->body))
        return err_set(detail, PRIVACY_FAILED, "not recorded: %s %s %.*s", request->method,
                       request->path, (int)(request->body.len < 200 ? request->body.len : 200),
                       (const char *)request->body.data);
    return 0;
}

static uint64_t clock_ms(void *context)
{
    const struct world *w = context;
    return w->now;
}

static void event(void *context, enum privacy_event what, const char *text)
{
    struct world *w = context;
    (void)text;
    w->unreachable += what == PRIVACY_UNREACHABLE;
    w->back += what == PRIVACY_BACK;
    w->given_up += what == PRIVACY_GIVEN_UP;
}

static void begin(struct world *w, bool exit_on_failure)
{
    struct err_detail detail = {""};
    *w = (struct world){.recorded = recorded_tm_open("private", 0)};
    const struct privacy_options options = {.exchange = exchange,
                                            .exchange_context = w,
                                            .clock_ms = clock_ms,
                                            .event = event,
                                            .context = w,
                                            .exit_on_failure = exit_on_failure};
    assert_int_equal(privacy_new(&w->tm, &options), 0);
    if (privacy_open(w->tm, &detail))
        fail_msg("%s", detail.text);
}

static void end(struct world *w)
{
    privacy_free(w->tm);
    recorded_tm_close(w->recorded);
}

static void test_handshake(void **state)
{
    struct world w;
    (void)state;
    recordings_require("private");
    begin(&w, false);
    assert_true(privacy_is_tessera(w.tm));
    assert_true(privacy_has(w.tm, PRIVACY_ENHANCEMENTS));
    assert_false(privacy_has(w.tm, PRIVACY_MULTITENANCY) || privacy_has(w.tm, PRIVACY_MANDATORY));
    struct err_detail detail = {""};
    w.down = 1;
    assert_int_equal(privacy_open(w.tm, &detail), PRIVACY_FAILED);
    assert_string_equal(detail.text, "unable to connect to private tx manager due to: unable to "
                                     "submit request (method:GET,path:/upcheck). Cause: connection "
                                     "refused");
    end(&w);
}

/* --- Tenants --- */

static void check_groups(const char *json, const char *wanted)
{
    struct chain_psis psis;
    struct err_detail detail = {""};
    struct arena arena;
    arena_init(&arena);
    assert_int_equal(privacy_parse_groups(&psis, bytes_str(json), &arena, &detail), PRIVACY_FAILED);
    if (!strstr(detail.text, wanted))
        fail_msg("%s: %s", json, detail.text);
    arena_release(&arena);
}

static void test_groups(void **state)
{
    (void)state;
    struct chain_psis psis;
    struct err_detail detail = {""};
    struct arena arena;
    arena_init(&arena);
    assert_int_equal(
        privacy_parse_groups(
            &psis,
            bytes_str(
                "[{\"type\":\"RESIDENT\",\"name\":\"x\",\"privacyGroupId\":\"b25l\",\"members\":"
                "[\"K1\",\"K2\"]},{\"type\":\"LEGACY\",\"name\":\"y\",\"privacyGroupId\":\"AAA=\","
                "\"members\":[\"K1\"]}]"),
            &arena, &detail),
        0);
    assert_int_equal(psis.count, 2);
    assert_ptr_equal(chain_psi_of(&psis, bytes_str("one")), &psis.list[0]);
    assert_ptr_equal(chain_psi_of(&psis, bytes_str("AAA=")), &psis.list[1]);
    assert_null(chain_psi_of(&psis, bytes_str("x")));
    assert_ptr_equal(chain_psi_of_member(&psis, bytes_str("K2")), &psis.list[0]);
    assert_false(chain_psi_has(&psis.list[1], bytes_str("K1")));
    arena_release(&arena);
    check_groups("{}", "it is no list");
    check_groups("[", "Cause: ");
    check_groups("[{\"type\":\"RESIDENT\",\"privacyGroupId\":\"*\"}]", "is no base64");
    check_groups("[{\"type\":\"RESIDENT\",\"privacyGroupId\":\"\"}]", "1 to 128 are supported");
    check_groups(
        "[{\"name\":\"a\",\"privacyGroupId\":\"p\"},{\"name\":\"b\",\"privacyGroupId\":\"p\"}]",
        "privacy groups id clash id=p existing.Name=a duplicate.Name=b");
    check_groups(
        "[{\"type\":\"RESIDENT\",\"name\":\"a\",\"privacyGroupId\":\"YQ==\",\"members\":[\"K\"]},"
        "{\"type\":\"RESIDENT\",\"name\":\"b\",\"privacyGroupId\":\"Yg==\",\"members\":[\"K\"]}]",
        "same address is part of two different groups: address=K existing.Name=a duplicate.Name=b");
}

/* --- Requests that the reference made --- */

static struct bytes text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text ? bytes_str(text) : bytes_none();
}

static struct bytes decode(const json_t *object, const char *key, struct arena *arena)
{
    struct buf b = BUF_INIT;
    assert_int_equal(base64_decode(&b, text_of(object, key)), 0);
    struct bytes kept = arena_copy(arena, buf_bytes(&b));
    buf_release(&b);
    return kept;
}

static struct privacy_keys keys_of(const json_t *list, struct arena *arena)
{
    struct privacy_keys keys = {.is_null = json_is_null(list) || !list};
    struct bytes *texts = arena_alloc(arena, (json_array_size(list) + 1) * sizeof(*texts));
    for (size_t i = 0; i < json_array_size(list); i++)
        texts[i] = bytes_str(json_string_value(json_array_get(list, i)));
    keys.keys = texts;
    keys.count = json_array_size(list);
    return keys;
}

static void fill(struct privacy_send *in, const json_t *body, struct arena *arena)
{
    const json_t *affected = json_object_get(body, "affectedContractTransactions");
    struct chain_payload_hash *hashes =
        arena_alloc(arena, (json_array_size(affected) + 1) * sizeof(*hashes));
    *in = (struct privacy_send){
        .from = text_of(body, "from"),
        .to = keys_of(json_object_get(body, "to"), arena),
        .affected = hashes,
        .affected_count = json_array_size(affected),
        .flag = (uint64_t)json_integer_value(json_object_get(body, "privacyFlag")),
        .mandatory = keys_of(json_object_get(body, "mandatoryRecipients"), arena)};
    if (json_object_get(body, "payload"))
        in->payload = decode(body, "payload", arena);
    for (size_t i = 0; i < in->affected_count; i++)
        assert_true(base64_decode_exact(hashes[i].b, 64,
                                        bytes_str(json_string_value(json_array_get(affected, i)))));
    if (json_object_get(body, "execHash"))
        assert_true(base64_decode_exact(in->exec_hash.b, 32, text_of(body, "execHash")));
}

struct replay {
    struct world world;
    unsigned sent, refused;
};

static void send_again(const json_t *line, void *context)
{
    struct replay *r = context;
    struct arena arena;
    struct privacy_send in;
    struct chain_payload_hash hash;
    struct err_detail detail = {""};
    struct buf body = BUF_INIT;
    const char *path = json_string_value(json_object_get(line, "path"));
    long status = (long)json_integer_value(json_object_get(line, "status"));
    if (strcmp(json_string_value(json_object_get(line, "to")), "tm0 from its node") != 0 ||
        strcmp(json_string_value(json_object_get(line, "method")), "POST") != 0)
        return;
    arena_init(&arena);
    assert_int_equal(base64_decode(&body, text_of(line, "body")), 0);
    json_t *json = json_loadb((const char *)body.data, body.len, JSON_DISABLE_EOF_CHECK, NULL);
    fill(&in, json, &arena);
    int err = -1;
    if (strcmp(path, "/send") == 0) {
        err = privacy_send(r->world.tm, &hash, &in, &detail);
    } else if (strcmp(path, "/storeraw") == 0) {
        err = privacy_store_raw(r->world.tm, &hash, in.payload, in.from, &detail);
    } else if (strcmp(path, "/sendsignedtx") == 0) {
        assert_true(base64_decode_exact(hash.b, 64, text_of(json, "hash")));
        err = privacy_send_signed(r->world.tm, &hash, &in, &detail);
    } else if (strcmp(path, "/encodedpayload/create") == 0) {
        struct buf encoded = BUF_INIT;
        err = privacy_encrypt(r->world.tm, &encoded, &in, &detail);
        assert_true(encoded.len > 100);
        buf_release(&encoded);
    }
    if (status < 300 && err)
        fail_msg("%s: %s", path, detail.text);
    if (status >= 300) {
        char wanted[32];
        snprintf(wanted, sizeof(wanted), "%ld status: ", status);
        assert_int_equal(err, PRIVACY_FAILED);
        assert_memory_equal(detail.text, wanted, strlen(wanted));
        r->refused++;
    }
    r->sent++;
    json_decref(json);
    buf_release(&body);
    arena_release(&arena);
}

static void test_requests(void **state)
{
    static struct replay r;
    (void)state;
    recordings_require("private");
    r = (struct replay){.sent = 0};
    begin(&r.world, false);
    recordings_lines("private", "tm-wire.jsonl.gz", send_again, &r);
    print_message("%u requests as the reference's, %u of them refused\n", r.sent, r.refused);
    assert_true(r.sent > 20 && r.refused >= 3);
    end(&r.world);
}

/* --- Receiving --- */

static const char known[] = "ElYafscbsOvQfd5t1SEm9m84Gta/Mi/lYw+BI99lCmGEN2uRzXwjIAvqPl6D8n4n0c83"
                            "q1oHZaIHcA/vdwWslg==";
static const char foreign[] = "3EdzHeNKNdyWBHiIDb9ljoMG3P1tnsm8sfLb/GrpUT+1pTsynWC2i/T4zCBBJqvpwJ1"
                              "mh+fS3wMoI81360r5Dg==";

static struct chain_payload_hash hash_of(const char *text)
{
    struct chain_payload_hash hash;
    assert_true(base64_decode_exact(hash.b, sizeof(hash.b), bytes_str(text)));
    return hash;
}

static void test_receive(void **state)
{
    struct world w;
    struct arena arena;
    struct chain_payload payload;
    struct err_detail detail = {""};
    struct chain_payload_hash hash = hash_of(known), other = hash_of(foreign), none = {{0}};
    (void)state;
    recordings_require("private");
    begin(&w, false);
    arena_init(&arena);
    unsigned before = w.asked;
    assert_int_equal(privacy_receive(w.tm, &payload, &hash, false, &arena, &detail), 0);
    assert_true(payload.is_party && payload.data.len > 800);
    assert_int_equal(privacy_receive(w.tm, &payload, &hash, false, &arena, &detail), 0);
    assert_int_equal(w.asked, before + 1); /* the second was kept */
    w.now += PRIVACY_CACHE_MS + 1;
    assert_int_equal(privacy_receive(w.tm, &payload, &hash, false, &arena, &detail), 0);
    assert_int_equal(w.asked, before + 2);
    for (unsigned i = 0; i < 2; i++) { /* that it is no party is not kept */
        assert_int_equal(privacy_receive(w.tm, &payload, &other, false, &arena, &detail), 0);
        assert_false(payload.is_party);
    }
    assert_int_equal(w.asked, before + 4);
    assert_int_equal(privacy_receive(w.tm, &payload, &none, false, &arena, &detail), 0);
    assert_int_equal(w.asked, before + 4);
    assert_false(payload.is_party);
    arena_release(&arena);
    end(&w);
}

/* A block waits; it is never taken for one without this node. */
static void test_down(void **state)
{
    struct world w;
    struct arena arena;
    struct chain_payload payload;
    struct chain_payload_hash hash = hash_of(known);
    (void)state;
    recordings_require("private");
    begin(&w, false);
    arena_init(&arena);
    struct chain_payloads payloads = privacy_payloads(w.tm);
    w.down = 1; /* whoever must not wait is told at once, and nobody else */
    payloads.set_patience(payloads.context, false);
    assert_int_equal(payloads.receive(payloads.context, &payload, &hash, &arena), ERR_TIMEOUT);
    assert_int_equal(w.unreachable, 0);
    payloads.set_patience(payloads.context, true);
    w.down = 1;
    assert_int_equal(payloads.receive(payloads.context, &payload, &hash, &arena), 0);
    assert_true(payload.is_party);
    assert_int_equal(w.unreachable, 1);
    assert_int_equal(w.back, 1);
    w.now += PRIVACY_CACHE_MS + 1;
    w.down = 1000;
    privacy_stop(w.tm); /* the node ends: no answer, and no "not a party" */
    assert_int_equal(payloads.receive(payloads.context, &payload, &hash, &arena), ERR_BUSY);
    arena_release(&arena);
    end(&w);
}

/* --- A real socket --- */

struct server {
    struct recorded_tm *recorded;
    int listener;
    struct privacy_wire *wire;
    pthread_t thread;
    unsigned served;
};

static bool serve_one(struct server *s, int c)
{
    char head[65536], method[16], path[1024];
    size_t len = 0;
    char *body = NULL, *length;
    while (len < sizeof(head) - 1 && !body) {
        ssize_t n = read(c, head + len, sizeof(head) - 1 - len);
        if (n <= 0)
            return false;
        len += (size_t)n;
        head[len] = '\0';
        body = strstr(head, "\r\n\r\n");
    }
    body += 4;
    length = strcasestr(head, "content-length:");
    size_t wanted = length ? strtoul(length + 15, NULL, 10) : 0;
    while ((size_t)(head + len - body) < wanted) {
        ssize_t n = read(c, head + len, sizeof(head) - 1 - len);
        if (n <= 0)
            return false;
        len += (size_t)n;
    }
    struct buf answer = BUF_INIT;
    unsigned status = 500;
    sscanf(head, "%15s %1023s", method, path);
    (void)recorded_tm_answer(s->recorded, method, path, bytes_of(body, wanted), &status, &answer);
    dprintf(c, "HTTP/1.1 %u Text\r\nContent-Length: %zu\r\n\r\n", status, answer.len);
    bool sent =
        write(c, answer.len ? answer.data : (uint8_t *)"", answer.len) == (ssize_t)answer.len;
    buf_release(&answer);
    s->served++;
    return sent;
}

static void *serve(void *context)
{
    struct server *s = context;
    int c = accept(s->listener, NULL, NULL);
    while (c >= 0 && serve_one(s, c))
        ;
    close(c);
    return NULL;
}

static void test_socket(void **state)
{
    struct server server = {.served = 0};
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    struct privacy_config config;
    struct privacy_wire *wire;
    struct privacy_tm *tm;
    struct chain_payload payload;
    struct arena arena;
    struct err_detail detail = {""};
    struct chain_payload_hash hash = hash_of(known);
    char folder[] = "/tmp/privacy-wire-XXXXXX";
    (void)state;
    recordings_require("private");
    server.recorded = recorded_tm_open("private", 0);
    assert_non_null(mkdtemp(folder));
    snprintf(address.sun_path, sizeof(address.sun_path), "%s/tm.ipc", folder);
    server.listener = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_int_equal(bind(server.listener, (struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(listen(server.listener, 4), 0);
    assert_int_equal(pthread_create(&server.thread, NULL, serve, &server), 0);

    privacy_config_init(&config);
    assert_int_equal(privacy_config_read(&config, address.sun_path, &detail), 0);
    assert_int_equal(privacy_wire_new(&wire, &config, &detail), 0);
    const struct privacy_options options = {.exchange = privacy_wire_exchange,
                                            .exchange_context = wire};
    assert_int_equal(privacy_new(&tm, &options), 0);
    if (privacy_open(tm, &detail))
        fail_msg("%s", detail.text);
    arena_init(&arena);
    assert_int_equal(privacy_receive(tm, &payload, &hash, false, &arena, &detail), 0);
    assert_true(payload.is_party);
    arena_release(&arena);
    privacy_free(tm);
    privacy_wire_free(wire);
    close(server.listener);
    pthread_join(server.thread, NULL);
    assert_int_equal(server.served, 4); /* over one connection */
    unlink(address.sun_path);
    rmdir(folder);
    recorded_tm_close(server.recorded);
}

/* The node ends while a manager has accepted a connection, and answers nothing. */
static void *stop_wire(void *context)
{
    struct server *s = context;
    char request[256];
    int c = accept(s->listener, NULL, NULL);
    if (c < 0 || recv(c, request, sizeof(request), 0) <= 0)
        abort();
    privacy_wire_stop(s->wire);
    while (recv(c, request, sizeof(request), 0) > 0)
        ;
    close(c);
    return NULL;
}

static void test_end(void **state)
{
    struct server server = {.served = 0};
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_addr = {.s_addr = htonl(INADDR_LOOPBACK)}};
    socklen_t len = sizeof(address);
    struct privacy_config config;
    struct privacy_answer answer = {.body = BUF_INIT};
    struct err_detail detail = {""};
    char url[64];
    const struct privacy_request request = {.method = "GET", .path = "/upcheck"};
    (void)state;
    server.listener = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(server.listener, (struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(listen(server.listener, 4), 0);
    assert_int_equal(getsockname(server.listener, (struct sockaddr *)&address, &len), 0);
    snprintf(url, sizeof(url), "http://127.0.0.1:%u", ntohs(address.sin_port));
    privacy_config_init(&config);
    assert_int_equal(privacy_config_flag(&config, "url", url, &detail), 0);
    assert_int_equal(privacy_config_flag(&config, "timeout", "60", &detail), 0);
    assert_int_equal(privacy_config_check(&config, &detail), 0);
    assert_int_equal(privacy_wire_new(&server.wire, &config, &detail), 0);
    assert_int_equal(pthread_create(&server.thread, NULL, stop_wire, &server), 0);
    for (int i = 0; i < 2; i++) { /* who waits, and who asks then */
        assert_int_equal(privacy_wire_exchange(server.wire, &answer, &request, &detail),
                         PRIVACY_FAILED);
        assert_string_equal(detail.text, "the node ends");
    }
    pthread_join(server.thread, NULL);
    close(server.listener);
    privacy_wire_free(server.wire);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_handshake), cmocka_unit_test(test_requests),
        cmocka_unit_test(test_receive),   cmocka_unit_test(test_down),
        cmocka_unit_test(test_end),       cmocka_unit_test(test_socket),
        cmocka_unit_test(test_groups),
    };
    return cmocka_run_group_tests_name("client", tests, NULL, NULL);
}
