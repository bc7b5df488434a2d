/* How consensus messages travel: to whom, once, and never too early. */
#include "consensus/istanbul/set.h"
#include "p2p/istanbul.h"
#include "p2p/test/recording.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

enum { PEERS = 4, ISTANBUL_WINDOW = 33 };

struct world {
    struct p2p_istanbul *istanbul;
    struct address addresses[PEERS];
    struct istanbul_set set; /* the first three */
    unsigned sent[PEERS], closed[PEERS], received, came, went;
    struct address from;
    unsigned code;
    struct bytes payload;
    /* Handed on at once, as the step machine does. */
    bool forward;
};

struct link {
    struct world *world;
    unsigned index;
};
static struct link links[PEERS];

static int send_to(void *context, unsigned code, struct bytes payload)
{
    struct link *link = context;
    (void)code;
    (void)payload;
    link->world->sent[link->index]++;
    return ERR_OK;
}

static void disconnect(void *context, const char *why)
{
    struct link *link = context;
    assert_string_equal(why, "an empty consensus message");
    link->world->closed[link->index]++;
}

static void on_message(void *context, const struct address *from, unsigned code,
                       struct bytes payload)
{
    struct world *w = context;
    w->received++;
    w->from = *from;
    w->code = code;
    if (w->forward)
        p2p_istanbul_broadcast(w->istanbul, &w->set, from, code, payload);
}

static void on_peer(void *context, const struct address *address, bool gone)
{
    struct world *w = context;
    (void)address;
    *(gone ? &w->went : &w->came) += 1;
}

static void open_world(struct world *w, bool ready)
{
    *w = (struct world){.received = 0};
    const struct p2p_istanbul_options options = {
        .message = on_message,
        .peer = on_peer,
        .context = w,
        .send = send_to,
        .disconnect = disconnect,
    };
    assert_int_equal(p2p_istanbul_new(&w->istanbul, &options), ERR_OK);
    istanbul_set_init(&w->set);
    for (unsigned i = 0; i < PEERS; i++) {
        w->addresses[i].b[0] = (uint8_t)(i + 1);
        links[i] = (struct link){w, i};
        assert_int_equal(p2p_istanbul_opened(w->istanbul, &w->addresses[i], 100, &links[i]),
                         ERR_OK);
        if (i < 3)
            assert_int_equal(istanbul_set_add(&w->set, &w->addresses[i]), ERR_OK);
        if (ready)
            p2p_istanbul_ready(w->istanbul, &w->addresses[i]);
    }
}

static void close_world(struct world *w)
{
    p2p_istanbul_free(w->istanbul);
    istanbul_set_release(&w->set);
}

static void expect_sent(const struct world *w, unsigned a, unsigned b, unsigned c, unsigned d)
{
    assert_int_equal(w->sent[0], a);
    assert_int_equal(w->sent[1], b);
    assert_int_equal(w->sent[2], c);
    assert_int_equal(w->sent[3], d);
}

/* Members of the set only, each once, not where it came from, nothing before Status. */
static void test_broadcast(void **state)
{
    (void)state;
    struct world w;
    open_world(&w, false);
    struct bytes a = bytes_str("a message"), b = bytes_str("b message");
    p2p_istanbul_broadcast(w.istanbul, &w.set, NULL, 0x12, a);
    p2p_istanbul_send(w.istanbul, &w.addresses[0], 0x12, a);
    expect_sent(&w, 0, 0, 0, 0);
    assert_false(p2p_istanbul_has(w.istanbul, &w.addresses[0]));
    for (unsigned i = 0; i < PEERS; i++)
        p2p_istanbul_ready(w.istanbul, &w.addresses[i]);
    assert_int_equal(w.came, PEERS);
    p2p_istanbul_broadcast(w.istanbul, &w.set, NULL, 0x12, a);
    expect_sent(&w, 1, 1, 1, 0);
    p2p_istanbul_broadcast(w.istanbul, &w.set, NULL, 0x12, a);
    expect_sent(&w, 1, 1, 1, 0);
    p2p_istanbul_send(w.istanbul, &w.addresses[1], 0x12, a); /* again: it may have lost it */
    expect_sent(&w, 1, 2, 1, 0);
    p2p_istanbul_broadcast(w.istanbul, &w.set, &w.addresses[2], 0x13, b);
    expect_sent(&w, 2, 3, 1, 0);
    /* A peer that has come back may have forgotten all. */
    p2p_istanbul_closed(w.istanbul, &w.addresses[0], false);
    assert_int_equal(w.went, 1);
    assert_int_equal(p2p_istanbul_opened(w.istanbul, &w.addresses[0], 100, &links[0]), ERR_OK);
    p2p_istanbul_ready(w.istanbul, &w.addresses[0]);
    p2p_istanbul_broadcast(w.istanbul, &w.set, NULL, 0x13, b);
    expect_sent(&w, 3, 3, 2, 0);
    close_world(&w);
}

static void test_receive(void **state)
{
    (void)state;
    struct world w;
    open_world(&w, true);
    struct bytes a = bytes_str("a message");
    w.forward = true;
    p2p_istanbul_message(w.istanbul, &w.addresses[1], 0x14, a);
    assert_int_equal(w.received, 1);
    assert_int_equal(w.code, 0x14);
    assert_true(address_equal(&w.from, &w.addresses[1]));
    expect_sent(&w, 1, 0, 1, 0);
    p2p_istanbul_message(w.istanbul, &w.addresses[2], 0x14, a); /* again, from another */
    assert_int_equal(w.received, 1);
    expect_sent(&w, 1, 0, 1, 0);
    /* Own messages that come back are not new. */
    struct bytes own = bytes_str("own");
    p2p_istanbul_broadcast(w.istanbul, &w.set, NULL, 0x13, own);
    p2p_istanbul_message(w.istanbul, &w.addresses[1], 0x13, own);
    assert_int_equal(w.received, 1);
    /* Codes that are not of consensus mean nothing; nothing is said about them. */
    p2p_istanbul_message(w.istanbul, &w.addresses[1], 0x10, a);
    p2p_istanbul_message(w.istanbul, &w.addresses[1], 0x07, own);
    assert_int_equal(w.received, 1);
    assert_int_equal(w.closed[1], 0);
    p2p_istanbul_message(w.istanbul, &w.addresses[1], 0x12, bytes_none());
    assert_int_equal(w.closed[1], 1);
    close_world(&w);
}

static void refuse(struct world *w, unsigned i)
{
    p2p_istanbul_closed(w->istanbul, &w->addresses[i], true);
    assert_int_equal(p2p_istanbul_opened(w->istanbul, &w->addresses[i], 100, &links[i]), ERR_OK);
}

/* Who ends the connection over a message is left alone for a while, longer each time, or until it speaks. */
static void test_refused(void **state)
{
    (void)state;
    struct world w;
    open_world(&w, true);
    static const unsigned silences[] = {3, 6, 12, 12};
    for (unsigned time = 0; time < BASE_COUNT(silences); time++) {
        unsigned sent = w.sent[0], came = w.came;
        refuse(&w, 0);
        assert_true(p2p_istanbul_ready(w.istanbul, &w.addresses[0]));
        for (unsigned second = 1; second < silences[time]; second++)
            assert_true(p2p_istanbul_second(w.istanbul));
        p2p_istanbul_broadcast(w.istanbul, &w.set, NULL, 0x12, bytes_of(&time, sizeof(time)));
        assert_int_equal(w.sent[0], sent);
        assert_int_equal(w.came, came);
        assert_false(p2p_istanbul_has(w.istanbul, &w.addresses[0]));
        assert_false(p2p_istanbul_second(w.istanbul));
        assert_int_equal(w.came, came + 1);
        p2p_istanbul_broadcast(w.istanbul, &w.set, NULL, 0x12, bytes_of(&time, sizeof(time)));
        assert_int_equal(w.sent[0], sent + 1);
    }
    refuse(&w, 0);
    assert_true(p2p_istanbul_ready(w.istanbul, &w.addresses[0]));
    p2p_istanbul_message(w.istanbul, &w.addresses[0], 0x14, bytes_str("awake"));
    assert_int_equal(w.received, 1);
    assert_true(p2p_istanbul_has(w.istanbul, &w.addresses[0]));
    assert_false(p2p_istanbul_second(w.istanbul));
    /* That is forgotten. Another end than that, or before anything was sent, was none. */
    p2p_istanbul_closed(w.istanbul, &w.addresses[0], false);
    assert_int_equal(p2p_istanbul_opened(w.istanbul, &w.addresses[0], 100, &links[0]), ERR_OK);
    refuse(&w, 0);
    assert_false(p2p_istanbul_ready(w.istanbul, &w.addresses[0]));
    /* While one is left alone, the others are not. */
    refuse(&w, 1);
    assert_true(p2p_istanbul_ready(w.istanbul, &w.addresses[1]));
    unsigned sent = w.sent[2];
    p2p_istanbul_broadcast(w.istanbul, &w.set, NULL, 0x13, bytes_str("for who listens"));
    assert_int_equal(w.sent[2], sent + 1);
    /* Many are remembered, not all. */
    for (unsigned i = 0; i < 2 * P2P_ISTANBUL_WARY; i++) {
        struct address other = {.b = {0xff, (uint8_t)i}};
        assert_int_equal(p2p_istanbul_opened(w.istanbul, &other, 100, &links[3]), ERR_OK);
        assert_false(p2p_istanbul_ready(w.istanbul, &other));
        p2p_istanbul_closed(w.istanbul, &other, true);
    }
    close_world(&w);
}

/* The caches are bounded, and keep what is new. */
static void test_caches(void **state)
{
    (void)state;
    struct world w;
    open_world(&w, true);
    for (unsigned i = 0; i < 10 * P2P_ISTANBUL_KNOWN; i++) {
        p2p_istanbul_message(w.istanbul, &w.addresses[1], 0x13, bytes_of(&i, sizeof(i)));
        if (i >= P2P_ISTANBUL_KNOWN - 1) {
            unsigned old = i - (P2P_ISTANBUL_KNOWN - 1);
            p2p_istanbul_message(w.istanbul, &w.addresses[2], 0x13, bytes_of(&old, sizeof(old)));
        }
        assert_int_equal(w.received, i + 1);
    }
    close_world(&w);
}

/* 99 and 64 carry IBFT's code only. */
static void test_old_versions(void **state)
{
    (void)state;
    struct world w;
    open_world(&w, true);
    p2p_istanbul_closed(w.istanbul, &w.addresses[0], false);
    assert_int_equal(p2p_istanbul_opened(w.istanbul, &w.addresses[0], 99, &links[0]), ERR_OK);
    p2p_istanbul_ready(w.istanbul, &w.addresses[0]);
    p2p_istanbul_broadcast(w.istanbul, &w.set, NULL, 0x12, bytes_str("qbft"));
    expect_sent(&w, 0, 1, 1, 0);
    p2p_istanbul_broadcast(w.istanbul, &w.set, NULL, 0x11, bytes_str("ibft"));
    expect_sent(&w, 1, 2, 2, 0);
    close_world(&w);
}

/* What GoQuorum sent: nothing twice, all taken. */
static void test_recorded(void **state)
{
    (void)state;
    static const char *const names[] = {"wire-qbft", "wire-ibft"};
    for (size_t n = 0; n < BASE_COUNT(names); n++) {
        struct recording r;
        struct world w;
        recording_load(&r, names[n]);
        open_world(&w, true);
        unsigned sent = 0;
        for (size_t i = 0; i < r.count; i++) {
            if (r.messages[i].out || r.messages[i].code < ISTANBUL_WINDOW)
                continue;
            sent++;
            p2p_istanbul_message(w.istanbul, &w.addresses[0],
                                 (unsigned)r.messages[i].code - ISTANBUL_WINDOW,
                                 buf_bytes(&r.messages[i].payload));
        }
        assert_true(sent > 100);
        assert_int_equal(w.received, sent);
        close_world(&w);
        recording_free(&r);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_broadcast),    cmocka_unit_test(test_receive),
        cmocka_unit_test(test_refused),      cmocka_unit_test(test_caches),
        cmocka_unit_test(test_old_versions), cmocka_unit_test(test_recorded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
