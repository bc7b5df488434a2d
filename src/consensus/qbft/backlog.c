/* Messages that come too early: bounded for each signer and over all. */
#include "base/mem.h"
#include "consensus/qbft/state.h"

/* Nearer first. */
static int compare(const struct qbft_stored *a, const struct qbft_stored *b)
{
    if (a->m.number != b->m.number)
        return a->m.number < b->m.number ? -1 : 1;
    if (a->m.round != b->m.round)
        return a->m.round < b->m.round ? -1 : 1;
    return (a->m.code > b->m.code) - (a->m.code < b->m.code);
}

static void drop(struct qbft *q, size_t i)
{
    struct qbft_stored *s = q->backlog[i];
    q->backlog_bytes -= s->payload.len;
    q->backlog_count--;
    memmove(&q->backlog[i], &q->backlog[i + 1], (q->backlog_count - i) * sizeof(*q->backlog));
    qbft_stored_unref(s);
}

/*
 * Makes room among the signer's messages by giving up one of them: of a lower height, since this node synchronises past it,
 * else of the highest round. False when that is the new one.
 */
static bool make_room(struct qbft *q, const struct qbft_stored *s)
{
    size_t count = 0, nearest = 0, farthest = 0;
    for (size_t i = 0; i < q->backlog_count; i++) {
        const struct qbft_stored *other = q->backlog[i];
        if (!address_equal(&other->signer, &s->signer))
            continue;
        if (other->m.code == s->m.code && compare(other, s) == 0)
            return false; /* one of a kind */
        if (!count || compare(other, q->backlog[farthest]) > 0)
            farthest = i;
        if (!count++ || compare(other, q->backlog[nearest]) < 0)
            nearest = i;
    }
    bool full = q->backlog_bytes + s->payload.len > QBFT_BACKLOG_BYTES;
    if (count < QBFT_BACKLOG_PER_SIGNER && !full)
        return true;
    if (!count)
        return false;
    bool higher = q->backlog[nearest]->m.number < s->m.number;
    if (!higher && compare(q->backlog[farthest], s) <= 0)
        return false;
    drop(q, higher ? nearest : farthest);
    return q->backlog_bytes + s->payload.len <= QBFT_BACKLOG_BYTES;
}

void qbft_backlog_add(struct qbft *q, struct qbft_stored *s)
{
    if (!make_room(q, s))
        return;
    if (MEM_RESERVE(q->backlog, q->backlog_capacity, q->backlog_count + 1, 16)) {
        qbft_nomem(q);
        return;
    }
    q->backlog[q->backlog_count++] = qbft_stored_ref(s);
    q->backlog_bytes += s->payload.len;
}

static bool is_early(const struct qbft *q, const struct qbft_stored *s)
{
    if (s->m.number != q->number)
        return s->m.number > q->number;
    return s->m.code == CONSENSUS_QBFT_PREPARE && s->m.round > q->round;
}

void qbft_backlog_drain(struct qbft *q)
{
    /* Handling one may begin a round, and with it drain the rest: so the search begins anew each time. */
    while (q->phase != QBFT_IDLE && !q->status) {
        size_t next = q->backlog_count;
        for (size_t i = 0; i < q->backlog_count; i++) {
            if (!is_early(q, q->backlog[i]) &&
                (next == q->backlog_count || compare(q->backlog[i], q->backlog[next]) < 0))
                next = i;
        }
        if (next == q->backlog_count)
            return;
        struct qbft_stored *s = qbft_stored_ref(q->backlog[next]);
        drop(q, next);
        if (s->m.number == q->number && istanbul_set_has(&q->set, &s->signer))
            qbft_handle(q, s, &s->signer); /* who has it, surely */
        qbft_stored_unref(s);
    }
}

void qbft_backlog_release(struct qbft *q)
{
    while (q->backlog_count)
        drop(q, q->backlog_count - 1);
    mem_free(q->backlog);
}
