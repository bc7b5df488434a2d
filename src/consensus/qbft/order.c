/*
 * Whose turn it is, and who is there.
 *
 * GoQuorum validators disagree about the order of proposers once some of them were restarted (istanbul/set.h). So a
 * proposal is accepted from the proposer of a round by either order, and this node proposes by the order that can have
 * a quorum: who does not vote for, or does not make, a proposal in a round where the orders differ seems to follow the other
 * one, until he votes for one by this order, or connects anew. When neither order can be sure of a quorum, rounds with odd
 * numbers go by text.
 */
#include "consensus/qbft/state.h"

enum {
    /* Validators of all sets that were ever seen: those who connect are few. 40 bytes each. */
    PEERS_MAX = 4 * ISTANBUL_SET_MAX,
};

static struct qbft_peer *peer_of(struct qbft *q, const struct address *address)
{
    return map_get(&q->peers, address);
}

struct qbft_peer *qbft_peer_add(struct qbft *q, const struct address *address)
{
    struct qbft_peer *peer = map_get(&q->peers, address);
    if (peer || map_count(&q->peers) >= PEERS_MAX)
        return peer;
    peer = map_put(&q->peers, address, NULL);
    if (!peer)
        qbft_nomem(q);
    return peer;
}

const struct address *qbft_proposer(const struct qbft *q, enum istanbul_order order, uint64_t round)
{
    return istanbul_set_proposer(&q->set, order, q->params.policy, &q->last_proposer, round);
}

static bool is_self(const struct qbft *q, const struct address *address)
{
    return address_equal(address, &q->options.self);
}

bool qbft_is_there(struct qbft *q, size_t member)
{
    if (member == q->self)
        return true;
    const struct qbft_peer *peer = peer_of(q, &q->set.members[member]);
    if (!peer)
        return false;
    /* Not every network is a full mesh: who is heard through others is there too. But what is heard at one height alone may
     * be what others kept of one who is gone. */
    return peer->connected ||
           (peer->first_heard < peer->last_heard && peer->last_heard + 1 >= q->number);
}

static bool refuses(struct qbft *q, const struct address *address, enum istanbul_order order)
{
    const struct qbft_peer *peer = peer_of(q, address);
    return peer && !is_self(q, address) && peer->refuses[order];
}

/* Who waits in this round is there too. */
static bool takes_part(struct qbft *q, size_t member)
{
    const struct qbft_stored *s = q->members[member].round_change;
    return qbft_is_there(q, member) || (s && s->m.round == q->round);
}

/* Whether the proposer by that order is there and proposes by it. */
static bool is_viable(struct qbft *q, enum istanbul_order order)
{
    const struct address *proposer = qbft_proposer(q, order, q->round);
    return takes_part(q, (size_t)istanbul_set_index(&q->set, proposer)) &&
           !refuses(q, proposer, order);
}

static bool has_support(struct qbft *q, enum istanbul_order order)
{
    size_t count = 0;
    for (size_t i = 0; i < q->set.count; i++)
        count += takes_part(q, i) && !refuses(q, &q->set.members[i], order);
    return count >= q->checker.quorum;
}

static bool orders_differ(const struct qbft *q)
{
    return !address_equal(qbft_proposer(q, ISTANBUL_BY_BYTES, q->round),
                          qbft_proposer(q, ISTANBUL_BY_TEXT, q->round));
}

enum istanbul_order qbft_order(struct qbft *q)
{
    if (!orders_differ(q) || (is_viable(q, ISTANBUL_BY_BYTES) && has_support(q, ISTANBUL_BY_BYTES)))
        return ISTANBUL_BY_BYTES;
    if (is_viable(q, ISTANBUL_BY_TEXT) && (has_support(q, ISTANBUL_BY_TEXT) || q->round % 2 == 1))
        return ISTANBUL_BY_TEXT;
    return ISTANBUL_BY_BYTES;
}

bool qbft_own_turn(struct qbft *q)
{
    return is_self(q, qbft_proposer(q, qbft_order(q), q->round));
}

bool qbft_proposer_is_there(struct qbft *q)
{
    const struct address *proposer = qbft_proposer(q, qbft_order(q), q->round);
    size_t member = (size_t)istanbul_set_index(&q->set, proposer);
    return takes_part(q, member) && q->members[member].round <= q->round;
}

/* The order by which `proposer` proposes in the current round; only where the orders differ. */
static enum istanbul_order order_of(const struct qbft *q, const struct address *proposer)
{
    return address_equal(proposer, qbft_proposer(q, ISTANBUL_BY_BYTES, q->round))
               ? ISTANBUL_BY_BYTES
               : ISTANBUL_BY_TEXT;
}

void qbft_note_order(struct qbft *q, const struct address *member, const struct address *proposer)
{
    struct qbft_peer *peer = peer_of(q, member);
    if (!peer || !orders_differ(q))
        return;
    peer->refuses[order_of(q, proposer)] = false;
}

/* Whether the member had its chance in this round. */
static bool had_chance(struct qbft *q, size_t member)
{
    const struct qbft_stored *s = q->members[member].round_change;
    return member != q->self && qbft_is_there(q, member) &&
           (q->round == 0 || (s && s->m.round == q->round));
}

static bool note_refusal(struct qbft *q, const struct address *member, enum istanbul_order order)
{
    struct qbft_peer *peer = peer_of(q, member);
    if (!peer || peer->refuses[order] ||
        !had_chance(q, (size_t)istanbul_set_index(&q->set, member)))
        return false;
    peer->refuses[order] = true;
    return true;
}

bool qbft_note_silent(struct qbft *q)
{
    bool learned = false;
    if (!orders_differ(q) || q->checking)
        return false;
    if (q->proposal_message) {
        enum istanbul_order order = order_of(q, &q->proposal_message->signer);
        for (size_t i = 0; i < q->set.count; i++) {
            if (!q->members[i].prepare)
                learned |= note_refusal(q, &q->set.members[i], order);
        }
    } else if (q->round == 0 || q->quorum_waits) {
        enum istanbul_order order = qbft_order(q);
        learned = note_refusal(q, qbft_proposer(q, order, q->round), order);
    }
    return learned;
}
