#include "tm/test/store_cases.h"

static void same_payload(const struct tm_store_payload *a, const struct tm_store_payload *b)
{
    assert_true(bytes_equal(a->hash, b->hash));
    assert_true(bytes_equal(a->data, b->data));
    assert_int_equal(a->codec, b->codec);
}

void store_cases_payloads(struct kit *k)
{
    struct arena arena;
    arena_init(&arena);
    struct tm_store_payload p = kit_payload(&arena, 1, 100), q = kit_payload(&arena, 2, 100),
                            large = kit_payload(&arena, 3, 300000);
    assert_int_equal(kit_wait(k, tm_store_get(k->store, p.hash, kit_answer, k)), TM_STORE_ABSENT);
    assert_int_equal(kit_wait(k, tm_store_put(k->store, &p, NULL, 0, kit_answer, k)),
                     TM_STORE_DONE);
    assert_int_equal(kit_wait(k, tm_store_put(k->store, &p, NULL, 0, kit_answer, k)),
                     TM_STORE_EXISTS);
    assert_int_equal(kit_wait(k, tm_store_get(k->store, p.hash, kit_answer, k)), TM_STORE_DONE);
    assert_int_equal(k->count, 1);
    same_payload(&k->payloads[0], &p);
    assert_true(k->payloads[0].timestamp > 1700000000000);

    /* a longer one than 64 KiB */
    assert_int_equal(kit_wait(k, tm_store_put(k->store, &large, NULL, 0, kit_answer, k)), 0);
    assert_int_equal(kit_wait(k, tm_store_get(k->store, large.hash, kit_answer, k)), 0);
    same_payload(&k->payloads[0], &large);

    /* replaced only from what it is */
    struct tm_store_payload changed = {p.hash, TMPROTO_LEGACY, q.data, 0};
    assert_int_equal(kit_wait(k, tm_store_replace(k->store, &changed, q.data, kit_answer, k)),
                     TM_STORE_CHANGED);
    assert_int_equal(kit_wait(k, tm_store_replace(k->store, &changed, p.data, kit_answer, k)),
                     TM_STORE_DONE);
    assert_int_equal(kit_wait(k, tm_store_replace(k->store, &q, p.data, kit_answer, k)),
                     TM_STORE_ABSENT);
    assert_int_equal(kit_wait(k, tm_store_get(k->store, p.hash, kit_answer, k)), 0);
    same_payload(&k->payloads[0], &changed);

    struct bytes hashes[3] = {p.hash, q.hash, large.hash};
    assert_int_equal(
        kit_wait(k, tm_store_get_many(k->store, (struct tmproto_list){hashes, 3}, kit_answer, k)),
        0);
    assert_int_equal(k->count, 2);
    assert_int_equal(kit_wait(k, tm_store_count(k->store, kit_answer, k)), 0);
    assert_int_equal(k->count, 2);
    assert_int_equal(kit_wait(k, tm_store_delete(k->store, p.hash, kit_answer, k)), TM_STORE_DONE);
    assert_int_equal(kit_wait(k, tm_store_delete(k->store, p.hash, kit_answer, k)),
                     TM_STORE_ABSENT);
    assert_int_equal(kit_wait(k, tm_store_delete(k->store, large.hash, kit_answer, k)), 0);

    /* pages */
    for (uint64_t n = 0; n < 25; n++) {
        struct tm_store_payload row = kit_payload(&arena, 100 + n, 50);
        assert_int_equal(kit_wait(k, tm_store_put(k->store, &row, NULL, 0, kit_answer, k)), 0);
    }
    uint8_t after[TMPROTO_HASH_SIZE];
    size_t seen = 0, pages = 0;
    do {
        struct bytes from = bytes_of(after, seen ? sizeof(after) : 0);
        assert_int_equal(kit_wait(k, tm_store_page(k->store, from, 10, kit_answer, k)), 0);
        for (size_t i = 0; i < k->count; i++) {
            assert_true(seen == 0 || bytes_compare(k->payloads[i].hash, bytes_of(after, 64)) > 0);
            memcpy(after, k->payloads[i].hash.data, sizeof(after));
            seen++;
        }
        pages++;
    } while (k->more);
    assert_int_equal(seen, 25);
    assert_int_equal(pages, 3);
    for (uint64_t n = 0; n < 25; n++) {
        struct tm_store_payload row = kit_payload(&arena, 100 + n, 50);
        assert_int_equal(kit_wait(k, tm_store_delete(k->store, row.hash, kit_answer, k)), 0);
    }
    arena_release(&arena);
}

void store_cases_raws(struct kit *k)
{
    struct tm_store_raw raw = {.hash = bytes_str("hash"),
                               .cipher_text = bytes_str("cipher text"),
                               .encrypted_key = bytes_str("key"),
                               .nonce = bytes_str("nonce"),
                               .sender = bytes_str("sender")};
    assert_int_equal(kit_wait(k, tm_store_get_raw(k->store, raw.hash, kit_answer, k)),
                     TM_STORE_ABSENT);
    assert_int_equal(kit_wait(k, tm_store_put_raw(k->store, &raw, kit_answer, k)), TM_STORE_DONE);
    assert_int_equal(kit_wait(k, tm_store_put_raw(k->store, &raw, kit_answer, k)), TM_STORE_EXISTS);
    assert_int_equal(kit_wait(k, tm_store_get_raw(k->store, raw.hash, kit_answer, k)), 0);
    assert_true(bytes_equal(k->raws[0].hash, raw.hash));
    assert_true(bytes_equal(k->raws[0].cipher_text, raw.cipher_text));
    assert_true(bytes_equal(k->raws[0].encrypted_key, raw.encrypted_key));
    assert_true(bytes_equal(k->raws[0].nonce, raw.nonce));
    assert_true(bytes_equal(k->raws[0].sender, raw.sender));
}

void store_cases_groups(struct kit *k)
{
    struct tm_store_group a = {bytes_str("id a"), bytes_str("look"), bytes_str("one"), 0},
                          b = {bytes_str("id b"), bytes_str("look"), bytes_str("two"), 0},
                          c = {bytes_str("id c"), bytes_str("other"), bytes_str("three"), 0};
    assert_int_equal(kit_wait(k, tm_store_put_group(k->store, &a, kit_answer, k)), 0);
    assert_int_equal(kit_wait(k, tm_store_put_group(k->store, &b, kit_answer, k)), 0);
    assert_int_equal(kit_wait(k, tm_store_put_group(k->store, &c, kit_answer, k)), 0);
    assert_int_equal(kit_wait(k, tm_store_find_groups(k->store, bytes_str("look"), kit_answer, k)),
                     0);
    assert_int_equal(k->count, 2);
    assert_int_equal(kit_wait(k, tm_store_find_groups(k->store, bytes_none(), kit_answer, k)), 0);
    assert_int_equal(k->count, 3);
    a.data = bytes_str("new");
    assert_int_equal(kit_wait(k, tm_store_put_group(k->store, &a, kit_answer, k)), 0);
    assert_int_equal(kit_wait(k, tm_store_get_group(k->store, a.id, kit_answer, k)), 0);
    assert_true(bytes_equal(k->groups[0].data, a.data));
    assert_int_equal(kit_wait(k, tm_store_get_group(k->store, bytes_str("none"), kit_answer, k)),
                     TM_STORE_ABSENT);
}

/* One builds on two, two on three, three on what is not there; a copy of three. */
void store_cases_staging(struct kit *k)
{
    static const char *const hashes[] = {"hash one", "hash two", "hash three", "hash three"};
    struct bytes affected[4] = {bytes_str("hash two"), bytes_str("hash three"),
                                bytes_str("elsewhere"), bytes_str("elsewhere")};
    struct tm_store_staged rows[4];
    for (size_t i = 0; i < 4; i++)
        rows[i] = (struct tm_store_staged){.hash = bytes_str(hashes[i]),
                                           .data = bytes_str(hashes[3 - i]),
                                           .privacy = TMPROTO_PARTY_PROTECTION,
                                           .affected = {&affected[i], 1}};
    assert_int_equal(kit_wait(k, tm_store_stage(k->store, rows, 4, kit_answer, k)), 0);
    assert_int_equal(kit_wait(k, tm_store_staged_count(k->store, false, kit_answer, k)), 0);
    assert_int_equal(k->count, 4);
    static const size_t steps[] = {2, 1, 1, 0};
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(kit_wait(k, tm_store_stage_step(k->store, i + 1, 10000, kit_answer, k)),
                         0);
        assert_int_equal(k->count, steps[i]);
    }
    assert_int_equal(kit_wait(k, tm_store_staged_count(k->store, true, kit_answer, k)), 0);
    assert_int_equal(k->count, 0);
    assert_int_equal(kit_wait(k, tm_store_staged_page(k->store, NULL, 3, kit_answer, k)), 0);
    assert_int_equal(k->count, 3);
    assert_true(k->more);
    assert_true(bytes_equal(k->staged[0].hash, bytes_str("hash three")));
    assert_true(bytes_equal(k->staged[1].hash, bytes_str("hash three")));
    assert_true(bytes_equal(k->staged[2].hash, bytes_str("hash two")));
    assert_int_equal(k->staged[2].stage, 2);
    assert_int_equal(k->staged[2].privacy, TMPROTO_PARTY_PROTECTION);
    assert_true(bytes_equal(k->staged[2].data, bytes_str("hash three")));
    struct tm_store_staged last = k->staged[2];
    assert_int_equal(kit_wait(k, tm_store_staged_page(k->store, &last, 3, kit_answer, k)), 0);
    assert_int_equal(k->count, 1);
    assert_false(k->more);
    assert_true(bytes_equal(k->staged[0].hash, bytes_str("hash one")));
    assert_int_equal(kit_wait(k, tm_store_staged_clear(k->store, kit_answer, k)), 0);
    assert_int_equal(kit_wait(k, tm_store_staged_count(k->store, false, kit_answer, k)), 0);
    assert_int_equal(k->count, 0);
}

struct naming {
    struct kit *k;
    uint8_t hash[TMPROTO_HASH_SIZE];
};

static void on_named(void *context, const struct tm_store_answer *answer)
{
    struct naming *n = context;
    assert_int_equal(answer->status, TM_STORE_DONE);
    assert_int_equal(answer->hash.len, sizeof(n->hash));
    memcpy(n->hash, answer->hash.data, sizeof(n->hash));
    n->k->waiting--;
}

/* Of various lengths, none among them: an encoding whose hash nobody has made. */
static struct tm_store_payload unnamed_payload(struct arena *arena, uint64_t n, struct buf *encoded)
{
    struct tmproto_payload p = {.sender = bytes_str("sender"),
                                .cipher_text = kit_payload(arena, n, 500 * n).data,
                                .nonce = bytes_str("nonce")};
    buf_clear(encoded);
    tmproto_payload_encode(encoded, &p, TMPROTO_LEGACY, TMPROTO_EXTENT_ALL);
    assert_int_equal(buf_status(encoded), 0);
    return (struct tm_store_payload){.codec = TMPROTO_LEGACY, .data = buf_bytes(encoded)};
}

void store_cases_names(struct kit *k)
{
    enum { COUNT = 40 };
    static struct naming names[COUNT];
    struct buf encoded = BUF_INIT;
    struct arena arena;
    arena_init(&arena);
    for (uint64_t n = 0; n < COUNT; n++) {
        struct tm_store_payload p = unnamed_payload(&arena, n, &encoded);
        struct tm_store_delivery wait = {.recipient = bytes_str("carol"), .next_try = 5 + n};
        names[n] = (struct naming){.k = k};
        assert_int_equal(tm_store_put(k->store, &p, &wait, n == 7, on_named, &names[n]), 0);
        k->waiting++;
    }
    while (k->waiting)
        io_loop_turn(k->loop, true);
    for (uint64_t n = 0; n < COUNT; n++) {
        uint8_t hash[TMPROTO_HASH_SIZE];
        struct tm_store_payload p = unnamed_payload(&arena, n, &encoded);
        tmproto_payload_hash(hash, kit_payload(&arena, n, 500 * n).data);
        assert_memory_equal(names[n].hash, hash, sizeof(hash));
        p.hash = bytes_of(hash, sizeof(hash));
        assert_int_equal(kit_wait(k, tm_store_get(k->store, p.hash, kit_answer, k)), 0);
        same_payload(&k->payloads[0], &p);
        if (n == 7) {
            assert_int_equal(kit_wait(k, tm_store_deliveries(k->store, 20, 10, kit_answer, k)), 0);
            assert_int_equal(k->count, 1);
            assert_true(bytes_equal(k->deliveries[0].hash, p.hash));
        }
        assert_int_equal(kit_wait(k, tm_store_delete(k->store, p.hash, kit_answer, k)), 0);
    }
    /* what has no cipher text, or is in another encoding, has no name either */
    struct tm_store_payload bad = unnamed_payload(&arena, 1, &encoded);
    bad.data.len = 100;
    assert_int_equal(tm_store_put(k->store, &bad, NULL, 0, kit_answer, k), ERR_INPUT);
    bad = unnamed_payload(&arena, 1, &encoded);
    bad.codec = TMPROTO_CBOR;
    assert_int_equal(tm_store_put(k->store, &bad, NULL, 0, kit_answer, k), ERR_INPUT);
    buf_release(&encoded);
    arena_release(&arena);
}

void store_cases_deliveries(struct kit *k)
{
    struct arena arena;
    arena_init(&arena);
    struct tm_store_payload p = kit_payload(&arena, 7, 100);
    struct tm_store_delivery waits[2] = {{p.hash, bytes_str("alice"), 5, 10, 0},
                                         {p.hash, bytes_str("bob"), 5, 20, 0}};
    assert_int_equal(kit_wait(k, tm_store_put(k->store, &p, waits, 2, kit_answer, k)), 0);
    assert_int_equal(kit_wait(k, tm_store_deliveries(k->store, 9, 10, kit_answer, k)), 0);
    assert_int_equal(k->count, 0);
    assert_int_equal(kit_wait(k, tm_store_deliveries(k->store, 20, 10, kit_answer, k)), 0);
    assert_int_equal(k->count, 2);
    assert_true(bytes_equal(k->deliveries[0].recipient, bytes_str("alice")));
    assert_int_equal(k->deliveries[0].created, 5);
    waits[0].next_try = 100;
    waits[0].attempts = 3;
    for (int twice = 0; twice < 2; twice++)
        assert_int_equal(kit_wait(k, tm_store_postpone(k->store, &waits[0], kit_answer, k)), 0);
    assert_int_equal(kit_wait(k, tm_store_deliveries(k->store, 1000, 1, kit_answer, k)), 0);
    assert_true(k->more);
    assert_true(bytes_equal(k->deliveries[0].recipient, bytes_str("bob")));
    assert_int_equal(
        kit_wait(k, tm_store_delivered(k->store, p.hash, bytes_str("bob"), kit_answer, k)), 0);
    assert_int_equal(
        kit_wait(k, tm_store_delivered(k->store, p.hash, bytes_str("bob"), kit_answer, k)),
        TM_STORE_ABSENT);
    assert_int_equal(kit_wait(k, tm_store_deliveries(k->store, 1000, 10, kit_answer, k)), 0);
    assert_int_equal(k->count, 1);
    assert_int_equal(k->deliveries[0].attempts, 3);
    /* one that a clock before its time has put off */
    for (uint64_t late = 0; late < 2; late++) {
        waits[0].next_try = 1000 + TM_STORE_AHEAD_MAX_MS + late;
        assert_int_equal(kit_wait(k, tm_store_postpone(k->store, &waits[0], kit_answer, k)), 0);
        assert_int_equal(kit_wait(k, tm_store_deliveries(k->store, 1000, 10, kit_answer, k)), 0);
        assert_int_equal(k->count, late);
    }
    /* they go with their payload */
    assert_int_equal(kit_wait(k, tm_store_delete(k->store, p.hash, kit_answer, k)), 0);
    assert_int_equal(kit_wait(k, tm_store_deliveries(k->store, 1000, 10, kit_answer, k)), 0);
    assert_int_equal(k->count, 0);
    arena_release(&arena);
}

struct order {
    struct kit *k;
    uint64_t next;
};

struct answer_of {
    struct order *order;
    uint64_t n;
    int wanted;
};

static void in_order(void *context, const struct tm_store_answer *answer)
{
    struct answer_of *a = context;
    assert_int_equal(answer->status, a->wanted);
    assert_int_equal(a->n, a->order->next);
    a->order->next++;
}

void store_cases_together(struct kit *k, bool durable)
{
    enum { CALLS = 300, DOUBLE_EACH = 25 }; /* so that some commits have doubles, and others none */
    static struct answer_of answers[CALLS + CALLS / DOUBLE_EACH];
    struct order order = {k, 0};
    struct arena arena;
    arena_init(&arena);
    uint64_t before = tm_store_commits(k->store), asked = 0;
    for (uint64_t n = 0; n < CALLS; n++) {
        struct tm_store_payload p = kit_payload(&arena, 1000 + n, 1500);
        for (int i = 0; i < (n % DOUBLE_EACH ? 1 : 2); i++, asked++) {
            answers[asked] = (struct answer_of){&order, asked, i ? TM_STORE_EXISTS : TM_STORE_DONE};
            assert_int_equal(tm_store_put(k->store, &p, NULL, 0, in_order, &answers[asked]), 0);
        }
    }
    while (order.next < asked)
        io_loop_turn(k->loop, true);
    /* A commit to memory takes no time, in which others would gather. */
    if (durable)
        assert_true(tm_store_commits(k->store) - before < CALLS);
    assert_int_equal(tm_store_pending(k->store), 0);
    for (uint64_t n = 0; n < CALLS; n++) {
        struct tm_store_payload p = kit_payload(&arena, 1000 + n, 1500);
        assert_int_equal(kit_wait(k, tm_store_get(k->store, p.hash, kit_answer, k)), 0);
        same_payload(&k->payloads[0], &p);
    }
    arena_release(&arena);
}
