/* Every byte between the raft ports of a live GoQuorum cluster, decoded and encoded again, and played to our machine in the
 * place of its members: where the protocol leaves no choice it says what they said. */
#include "consensus/raft/machine.h"
#include "consensus/test/raft_wire.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

static void every_byte(void **state)
{
    struct raft_wire wire;
    size_t types[RAFT_MESSAGE_TYPES] = {0};
    (void)state;
    raft_wire_read(&wire, "wire-raft");
    for (size_t i = 0; i < wire.count; i++)
        types[wire.messages[i].message.type]++;
    print_message("%zu requests, %zu frames (%zu link heartbeats, %zu short appends), %zu posted\n",
                  wire.requests, wire.frames, wire.heartbeats, wire.short_appends, wire.posts);
    assert_true(wire.requests > 50 && wire.frames > 100 && wire.short_appends > 0);
    assert_true(types[RAFT_APP] && types[RAFT_APP_RESP] && types[RAFT_VOTE] &&
                types[RAFT_VOTE_RESP] && types[RAFT_SNAP] && types[RAFT_HEARTBEAT] &&
                types[RAFT_HEARTBEAT_RESP]);
    raft_wire_release(&wire);
}

/* --- A member played again --- */

enum { ANSWERS_MAX = 2048 };

struct answers {
    struct raft_message list[ANSWERS_MAX];
    size_t count;
};

struct play {
    struct raft_machine *machine;
    struct answers ours;
};

static bool is_compared(uint64_t type)
{
    return type == RAFT_APP_RESP || type == RAFT_VOTE_RESP || type == RAFT_HEARTBEAT_RESP;
}

static void apply(struct play *p, const struct raft_entry *e)
{
    struct raft_conf_change change;
    if (e->type == RAFT_ENTRY_CONF_CHANGE) {
        assert_int_equal(raft_conf_change_decode(&change, e->data, NULL), ERR_OK);
        assert_int_equal(raft_machine_apply_conf(p->machine, e->index, &change), ERR_OK);
    }
    raft_machine_applied(p->machine, e->index);
}

static void carry_out(struct play *p)
{
    struct raft_ready ready;
    bool any;
    for (;;) {
        assert_int_equal(raft_machine_ready(p->machine, &ready, &any), ERR_OK);
        if (!any)
            break;
        for (size_t i = 0; i < ready.message_count; i++)
            if (is_compared(ready.messages[i].message.type)) {
                assert_true(p->ours.count < ANSWERS_MAX);
                p->ours.list[p->ours.count++] = ready.messages[i].message;
            }
        raft_machine_advance(p->machine, &ready);
        for (size_t i = 0; i < ready.committed_count; i++)
            apply(p, &ready.committed[i]);
        raft_ready_release(&ready);
    }
    raft_ready_release(&ready);
}

static void begin(struct play *p, uint64_t id, bool joins)
{
    struct raft_options options = {.id = id, .seed = 1};
    static const struct raft_member members[] = {{1, {NULL, 0}}, {2, {NULL, 0}}, {3, {NULL, 0}}};
    assert_int_equal(raft_machine_new(&p->machine, &options, NULL), ERR_OK);
    if (!joins)
        assert_int_equal(raft_machine_bootstrap(p->machine, members, 3), ERR_OK);
    carry_out(p);
}

/* The next answer of that kind to that member at or behind *at. */
static const struct raft_message *next_of(const struct answers *a, size_t *at, uint64_t type,
                                          uint64_t to)
{
    while (*at < a->count && (a->list[*at].type != type || a->list[*at].to != to))
        (*at)++;
    return *at < a->count ? &a->list[(*at)++] : NULL;
}

/* Streams may overtake each other, so each kind to each member is compared by itself. */
static size_t compare(const struct answers *ours, const struct answers *theirs)
{
    static const uint64_t types[] = {RAFT_APP_RESP, RAFT_VOTE_RESP, RAFT_HEARTBEAT_RESP};
    size_t compared = 0;
    for (size_t k = 0; k < 3; k++) {
        for (uint64_t to = 1; to <= 4; to++) {
            size_t at = 0, theirs_at = 0;
            const struct raft_message *want;
            while ((want = next_of(theirs, &theirs_at, types[k], to)) != NULL) {
                const struct raft_message *have = next_of(ours, &at, types[k], to);
                assert_non_null(have);
                assert_int_equal(have->term, want->term);
                assert_int_equal(have->index, want->index);
                assert_int_equal(have->reject, want->reject);
                assert_int_equal(have->reject_hint, want->reject_hint);
                compared++;
            }
        }
    }
    return compared;
}

static void play_member(uint64_t id, bool joins, double until, size_t least)
{
    static struct play p;
    static struct answers theirs;
    struct raft_wire wire;
    p = (struct play){0};
    theirs.count = 0;
    raft_wire_read(&wire, "wire-raft");
    begin(&p, id, joins);
    for (size_t i = 0; i < wire.count && wire.messages[i].t < until; i++) {
        const struct raft_message *m = &wire.messages[i].message;
        if (m->from == id && is_compared(m->type))
            theirs.list[theirs.count++] = *m;
        if (m->to != id)
            continue;
        assert_int_equal(raft_machine_receive(p.machine, m), ERR_OK);
        carry_out(&p);
    }
    size_t compared = compare(&p.ours, &theirs);
    print_message("member %u: %zu answers as recorded\n", (unsigned)id, compared);
    assert_true(compared >= least);
    raft_machine_free(p.machine);
    raft_wire_release(&wire);
}

static void a_follower(void **state)
{
    (void)state;
    play_member(1, false, 1e9, 60);
}

static void a_member_that_joins(void **state)
{
    (void)state;
    play_member(4, true, 1e9, 10);
}

static void the_next_leader_until_then(void **state)
{
    (void)state;
    play_member(2, false, 2.232, 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_byte),
        cmocka_unit_test(a_follower),
        cmocka_unit_test(a_member_that_joins),
        cmocka_unit_test(the_next_leader_until_then),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
