/* What three real Tesseras sent each other and stored, with their keys: every payload decodes, is encoded again byte for
 * byte, has the hash that was answered, and opens for those who received it. */
#include "base/base64.h"
#include "tests/support/recordings.h"
#include "tm/enclave/enclave.h"
#include "tm/store/source.h"
#include "tm/test/enclave_kit.h"
#include "tmproto/partyinfo.h"

#include <stdio.h>

struct replay {
    struct tm_enclave *enclaves[3];
    size_t pushes, opened, infos, rows, raws, sends;
    struct arena arena;
    json_t *plain; /* hash → payload of a send, both base64 */
    size_t tm;     /* whose database it is */
};

static struct tmproto_payload exact(struct replay *r, struct bytes data)
{
    struct tmproto_payload p;
    struct buf again = BUF_INIT;
    struct err_detail detail = {""};
    if (tmproto_payload_decode(&p, &r->arena, TMPROTO_LEGACY, data, &detail) < 0)
        fail_msg("%s", detail.text);
    tmproto_payload_encode(&again, &p, TMPROTO_LEGACY, TMPROTO_EXTENT_ALL);
    assert_true(bytes_equal(buf_bytes(&again), data));
    assert_int_equal(again.len, tmproto_payload_size(&p));
    buf_release(&again);
    return p;
}

static bool is_hash(const struct tmproto_payload *p, struct bytes hash)
{
    uint8_t made[TMPROTO_HASH_SIZE];
    tmproto_payload_hash(made, p->cipher_text);
    return bytes_equal(hash, bytes_of(made, sizeof(made)));
}

/* The text of a hash as a key of `plain`. */
static void name_of(char ret_text[TMPROTO_HASH_TEXT + 1], struct bytes hash)
{
    base64_encode(ret_text, hash);
    ret_text[TMPROTO_HASH_TEXT] = 0;
}

static void opened_is_sent(struct replay *r, const struct tmproto_payload *p, struct bytes data)
{
    uint8_t made[TMPROTO_HASH_SIZE];
    char name[TMPROTO_HASH_TEXT + 1];
    tmproto_payload_hash(made, p->cipher_text);
    name_of(name, bytes_of(made, sizeof(made)));
    const json_t *text = json_object_get(r->plain, name);
    if (!text)
        return;
    assert_true(bytes_equal(kit_base64(&r->arena, text), data));
    r->sends++;
}

static size_t receiver(const json_t *line)
{
    const char *to = json_string_value(json_object_get(line, "to"));
    const json_t *tm = json_object_get(line, "tm");
    return to ? (size_t)(to[2] - '0') : (size_t)json_integer_value(tm);
}

static void one_push(struct replay *r, const json_t *line)
{
    struct bytes body = kit_base64(&r->arena, json_object_get(line, "body")), data;
    struct bytes answer = kit_base64(&r->arena, json_object_get(line, "answer"));
    struct err_detail detail = {""};
    uint8_t hash[TMPROTO_HASH_SIZE];
    if (json_integer_value(json_object_get(line, "status")) != 201)
        return;
    struct tmproto_payload p = exact(r, body);
    assert_true(base64_decode_exact(hash, sizeof(hash), answer));
    assert_true(is_hash(&p, bytes_of(hash, sizeof(hash))));
    r->pushes++;
    int opened =
        tm_enclave_decrypt_any(r->enclaves[receiver(line)], &data, NULL, &r->arena, &p, &detail);
    assert_int_equal(opened, TM_ENCLAVE_DONE);
    r->opened++;
    opened_is_sent(r, &p, data);
}

static void one_line(const json_t *line, void *context)
{
    struct replay *r = context;
    const char *path = json_string_value(json_object_get(line, "path"));
    const char *method = json_string_value(json_object_get(line, "method"));
    arena_clear(&r->arena);
    if (strcmp(path, "/push") == 0 && strcmp(method, "POST") == 0) {
        one_push(r, line);
    } else if (strcmp(path, "/partyinfo") == 0 && strcmp(method, "POST") == 0 &&
               json_integer_value(json_object_get(line, "status")) == 200) {
        struct bytes body = kit_base64(&r->arena, json_object_get(line, "body"));
        struct tmproto_partyinfo info;
        struct buf again = BUF_INIT;
        assert_int_equal(tmproto_partyinfo_decode(&info, &r->arena, body, NULL), 0);
        tmproto_partyinfo_encode(&again, &info);
        assert_true(bytes_equal(buf_bytes(&again), body));
        buf_release(&again);
        r->infos++;
    }
}

/* Remembers what was sent under which hash. */
static void one_send(const json_t *line, void *context)
{
    struct replay *r = context;
    const char *path = json_string_value(json_object_get(line, "path"));
    int status = (int)json_integer_value(json_object_get(line, "status"));
    arena_clear(&r->arena);
    if (strcmp(path, "/send") != 0 || status != 201)
        return;
    struct bytes body = kit_base64(&r->arena, json_object_get(line, "body"));
    struct bytes answer = kit_base64(&r->arena, json_object_get(line, "answer"));
    json_t *asked = json_loadb((const char *)body.data, body.len, 0, NULL);
    json_t *said = json_loadb((const char *)answer.data, answer.len, 0, NULL);
    assert_non_null(asked);
    assert_non_null(said);
    const char *key = json_string_value(json_object_get(said, "key"));
    json_object_set(r->plain, key, json_object_get(asked, "payload"));
    json_decref(asked);
    json_decref(said);
}

static int stored_row(void *context, const struct tm_source_row *row, struct err_detail *detail)
{
    struct replay *r = context;
    struct bytes data;
    arena_clear(&r->arena);
    if (row->kind == TM_SOURCE_RAW) {
        struct tm_enclave_raw raw = {row->raw.cipher_text, row->raw.encrypted_key, row->raw.nonce,
                                     row->raw.sender};
        struct tmproto_payload p = {.cipher_text = raw.cipher_text};
        assert_true(is_hash(&p, row->raw.hash));
        assert_int_equal(tm_enclave_decrypt_raw(r->enclaves[r->tm], &data, &r->arena, &raw, detail),
                         0);
        r->raws++;
        return 0;
    }
    struct tmproto_payload p = exact(r, row->payload.data);
    assert_true(is_hash(&p, row->payload.hash));
    assert_true(row->payload.timestamp > 1700000000000);
    assert_int_equal(tm_enclave_decrypt_any(r->enclaves[r->tm], &data, NULL, &r->arena, &p, detail),
                     0);
    opened_is_sent(r, &p, data);
    r->rows++;
    return 0;
}

/* The hashes that a payload's security hashes stand for are checked with the copies in the same database. */
struct library {
    struct replay *r;
    struct arena arena;
    struct tm_enclave_affected known[256];
    struct tmproto_payload payloads[256];
    size_t count, proven;
};

static int collect_row(void *context, const struct tm_source_row *row, struct err_detail *detail)
{
    struct library *l = context;
    if (row->kind != TM_SOURCE_PAYLOAD)
        return 0;
    assert_true(l->count < BASE_COUNT(l->known));
    struct bytes copy = arena_copy(&l->arena, row->payload.data);
    assert_int_equal(
        tmproto_payload_decode(&l->payloads[l->count], &l->arena, TMPROTO_LEGACY, copy, detail), 0);
    l->known[l->count] = (struct tm_enclave_affected){arena_copy(&l->arena, row->payload.hash),
                                                      &l->payloads[l->count]};
    l->count++;
    return 0;
}

static void security_hashes(struct replay *r, struct bytes text, size_t *ret_proven)
{
    static struct library l;
    l = (struct library){.r = r};
    struct err_detail detail = {""};
    bool invalid[64];
    arena_init(&l.arena);
    assert_int_equal(tm_source_read_h2(&(struct tm_source){collect_row, NULL, &l}, text, &detail),
                     0);
    for (size_t i = 0; i < l.count; i++) {
        assert_true(l.payloads[i].affected_count <= BASE_COUNT(invalid));
        assert_int_equal(tm_enclave_invalid_hashes(r->enclaves[r->tm], invalid, &l.payloads[i],
                                                   l.known, l.count, &detail),
                         0);
        for (size_t j = 0; j < l.payloads[i].affected_count; j++) {
            assert_false(invalid[j]);
            (*ret_proven)++;
        }
    }
    arena_release(&l.arena);
}

/* `between`: the wire between managers was recorded too. */
static void replay(const char *network, const char *wire, bool between)
{
    struct replay r = {.plain = json_object()};
    size_t proven = 0;
    recordings_require(network);
    json_t *about = recordings_json(network, "network.json");
    arena_init(&r.arena);
    for (size_t i = 0; i < 3; i++)
        r.enclaves[i] = kit_recorded_enclave(about, i);
    recordings_lines(network, wire, one_send, &r);
    recordings_lines(network, wire, one_line, &r);
    for (r.tm = 0; r.tm < 3; r.tm++) {
        char file[32];
        struct buf text = BUF_INIT;
        struct err_detail detail = {""};
        snprintf(file, sizeof(file), "tessera-%zu.sql", r.tm);
        recordings_read(network, file, &text);
        if (tm_source_read_h2(&(struct tm_source){stored_row, NULL, &r}, buf_bytes(&text),
                              &detail) < 0)
            fail_msg("%s", detail.text);
        security_hashes(&r, buf_bytes(&text), &proven);
        buf_release(&text);
    }
    print_message(
        "%s: %zu pushes (%zu opened), %zu party infos, %zu stored payloads, %zu raw ones; %zu "
        "are what was sent, %zu security hashes\n",
        network, r.pushes, r.opened, r.infos, r.rows, r.raws, r.sends, proven);
    assert_true(r.rows > 10 && r.raws > 0 && r.sends > 10 && proven > 0);
    assert_true(!between || (r.pushes > 20 && r.infos > 20));
    for (size_t i = 0; i < 3; i++)
        tm_enclave_free(r.enclaves[i]);
    json_decref(about);
    json_decref(r.plain);
    arena_release(&r.arena);
}

static void private_network(void **unused)
{
    (void)unused;
    replay("private", "tm-wire.jsonl.gz", true);
}

static void private_marker_network(void **unused)
{
    (void)unused;
    replay("private-marker", "tm-wire.jsonl.gz", true);
}

static void tessera_api(void **unused)
{
    (void)unused;
    replay("tessera-api", "exchanges.jsonl", false);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(private_network),
        cmocka_unit_test(private_marker_network),
        cmocka_unit_test(tessera_api),
    };
    return cmocka_run_group_tests_name("tm replay", tests, NULL, NULL);
}
