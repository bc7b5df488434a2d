/*
 * Catching up with the network: when, with whom, from where; and what goes to the chain.
 *
 *     idle ── a peer is ahead ──▸ ancestor ── the last common block ──▸ run ── all is imported ──▸ idle
 *
 * The peer with the greatest total difficulty is the master: it gives the skeleton, every 192nd header, and answers for
 * whether the blocks are valid. The headers between come from all peers (sync_segments.c), and so do the bodies
 * (sync_bodies.c); both prove themselves by hashes. Nothing is remembered over a restart: what is imported is in the
 * chain, and the next sync begins there.
 */
#include "consensus/istanbul/hash.h"
#include "p2p/eth/eth_priv.h"

static void tell(struct p2p_eth *eth, bool syncing)
{
    if (eth->sync.told == syncing)
        return;
    eth->sync.told = syncing;
    if (eth->backend.syncing)
        eth->backend.syncing(eth->backend.context, syncing);
}

static void head_of(struct p2p_eth *eth, struct p2p_eth_head *ret_head)
{
    eth->backend.head(eth->backend.context, ret_head);
}

struct request *p2p_eth_sync_request(struct p2p_eth_peer *peer, enum purpose purpose,
                                     unsigned answer, uint64_t number, size_t count)
{
    bool served = peer->eth->backend.role == P2P_ETH_IS_SERVED;
    struct request *r =
        p2p_eth_request(peer, purpose, answer, served ? SERVED_TIMEOUT : REQUEST_TIMEOUT);
    if (r) {
        r->round = peer->eth->sync.round;
        r->number = number;
        r->count = count;
    }
    return r;
}

/* --- The end --- */

void p2p_eth_sync_stop(struct p2p_eth *eth, const char *why)
{
    struct sync *s = &eth->sync;
    if (s->state == SYNC_IDLE)
        return;
    if (why && *why)
        p2p_eth_report(eth, P2P_ETH_INFO, "synchronisation ends: %s", why);
    for (size_t i = 0; i < s->segment_count; i++)
        p2p_eth_segment_release(eth, s->segments[i]);
    s->segment_count = 0;
    s->bytes = 0;
    s->state = SYNC_IDLE;
    s->master = NULL;
    s->round++;
    p2p_eth_wake(eth, p2p_eth_now(eth));
    if (why)
        tell(eth, false);
}

void p2p_eth_sync_blame(struct p2p_eth *eth, const char *why)
{
    struct p2p_eth_peer *master = eth->sync.master;
    struct p2p_eth_head head;
    p2p_eth_sync_stop(eth, why);
    if (!master)
        return;
    /* Believed no more than what we have, whether the connection ends or not. */
    head_of(eth, &head);
    master->td = head.td;
    master->seen = 0;
    p2p_eth_penalize(master, 100, why);
}

void p2p_eth_sync_stalled(struct p2p_eth_peer *peer)
{
    struct p2p_eth *eth = peer->eth;
    if (peer->going)
        return;
    peer->rest_until = p2p_eth_now(eth) + SYNC_PAUSE;
    p2p_eth_wake(eth, peer->rest_until);
    if (peer->batch > 1)
        peer->batch /= 2;
    if (++peer->stalls >= STALLS_MAX)
        p2p_eth_drop(peer, P2P_USELESS_PEER, "does not answer");
    else
        p2p_eth_penalize(peer, 25, "does not answer in time");
}

void p2p_eth_sync_unanswered(struct p2p_eth *eth)
{
    struct p2p_eth_peer *master = eth->sync.master;
    p2p_eth_sync_stop(eth, "the peer does not answer");
    if (master)
        p2p_eth_sync_stalled(master);
}

static void finish(struct p2p_eth *eth)
{
    struct sync *s = &eth->sync;
    struct p2p_eth_peer *master = s->master;
    struct p2p_eth_head head;
    uint64_t imported = s->imported;
    head_of(eth, &head);
    if (imported == 0) {
        bool lies = u256_compare(&master->td, &head.td) > 0 && !master->supposed;
        p2p_eth_sync_stop(eth, "the peer has no more blocks");
        if (lies)
            p2p_eth_penalize(master, 50, "claims a longer chain than it has");
    } else {
        p2p_eth_report(eth, P2P_ETH_INFO, "synchronised: %llu blocks, head %llu",
                       (unsigned long long)imported, (unsigned long long)head.number);
        p2p_eth_sync_stop(eth, "");
        p2p_eth_gossip_hash(eth, &head.hash, head.number);
    }
    /* It has given all that it has. */
    if (u256_compare(&master->td, &head.td) > 0)
        master->td = head.td;
    master->seen = 0;
    master->supposed = false;
    eth->accepting = true;
    p2p_eth_sync_check(eth);
}

/* --- The chain --- */

static void drop_imported(struct p2p_eth *eth, size_t count)
{
    struct sync *s = &eth->sync;
    for (; count > 0; count--, s->import_next++) {
        struct slot *slot = p2p_eth_slot(s, s->import_next);
        if (slot->block)
            s->bytes -= chain_block_size(slot->block);
        chain_block_unref(slot->block);
        slot->block = NULL;
        struct segment *first = s->segments[0];
        if (s->import_next + 1 < first->first + first->count)
            continue;
        p2p_eth_segment_release(eth, first);
        memmove(s->segments, s->segments + 1, --s->segment_count * sizeof(s->segments[0]));
    }
}

/* A block that is refused for its time again after a second: one of the clocks is wrong, and a quorum has agreed with
 * the other one. */
static void tell_future(struct p2p_eth *eth, uint64_t number)
{
    struct sync *s = &eth->sync;
    s->future_tries = s->future == number ? s->future_tries + 1 : 1;
    s->future = number;
    if (s->future_tries % SYNC_FUTURE_TOLD == 2)
        p2p_eth_report(
            eth, P2P_ETH_WARN,
            "the time of block %llu, which a peer has, is ahead of this machine's clock: set "
            "the clock (by NTP), blocks wait for it",
            (unsigned long long)number);
}

static void imported(void *context, const struct p2p_eth_imported *result)
{
    struct p2p_eth *eth = context;
    struct sync *s = &eth->sync;
    size_t given = s->importing;
    s->importing = 0;
    if (s->state != SYNC_RUN)
        return; /* given up in the meantime; a new one waited for this */
    s->imported += result->count;
    if (result->count == given) {
        drop_imported(eth, given);
        p2p_eth_sync_work(eth);
        return;
    }
    uint64_t number = s->import_next + result->count;
    if (result->status != ERR_OK) {
        p2p_eth_report(eth, P2P_ETH_WARN, "block %llu could not be imported: %s: %s",
                       (unsigned long long)number, err_text(result->status), result->why.text);
        s->again_at = p2p_eth_now(eth) + SYNC_PAUSE;
        p2p_eth_sync_stop(eth, "a failure of this machine");
    } else if (result->verdict == CHAIN_FUTURE) {
        s->again_at = p2p_eth_now(eth) + SYNC_GRACE;
        tell_future(eth, number);
        p2p_eth_sync_stop(eth, "the next block is from the future");
    } else {
        p2p_eth_report(eth, P2P_ETH_WARN, "a peer has a bad block %llu: %s",
                       (unsigned long long)number, result->why.text);
        p2p_eth_sync_blame(eth, "a bad block");
    }
}

/* A block of a header and an empty body, which nobody was asked for. */
static int make_empty(struct slot *slot)
{
    struct bytes body =
        slot->has_withdrawals ? bytes_of("\xc3\xc0\xc0\xc0", 4) : bytes_of("\xc2\xc0\xc0", 3);
    int status = chain_block_join(&slot->block, buf_bytes(&slot->header), body, NULL);
    buf_release(&slot->header);
    return status;
}

static void import_ready(struct p2p_eth *eth)
{
    struct sync *s = &eth->sync;
    struct chain_block *blocks[IMPORT_BLOCKS];
    size_t count = 0;
    if (s->importing > 0 || eth->fetcher.importing)
        return;
    while (count < IMPORT_BLOCKS) {
        struct slot *slot = p2p_eth_slot(s, s->import_next + count);
        if (!slot || slot->state != SLOT_DONE)
            break;
        if (!slot->block) {
            if (make_empty(slot) != ERR_OK) {
                p2p_eth_sync_blame(eth, "a header that is none");
                return;
            }
            s->bytes += chain_block_size(slot->block);
        }
        blocks[count++] = slot->block;
    }
    if (count == 0)
        return;
    s->importing = count;
    tell(eth, true);
    if (eth->backend.import(eth->backend.context, blocks, count, imported, eth) != ERR_OK) {
        s->importing = 0;
        s->again_at = p2p_eth_now(eth) + SYNC_PAUSE;
        p2p_eth_sync_stop(eth, "out of memory");
    }
}

void p2p_eth_sync_work(struct p2p_eth *eth)
{
    struct sync *s = &eth->sync;
    if (s->state != SYNC_RUN || s->master->going)
        return;
    p2p_eth_segments_ask(eth);
    if (s->state == SYNC_RUN)
        p2p_eth_bodies_ask(eth);
    if (s->state == SYNC_RUN)
        import_ready(eth);
    if (s->state == SYNC_RUN && s->ended && s->segment_count == 0 && s->importing == 0)
        finish(eth);
}

/* --- The beginning --- */

static void run(struct p2p_eth *eth, uint64_t ancestor)
{
    struct sync *s = &eth->sync;
    s->state = SYNC_RUN;
    s->next = s->import_next = ancestor + 1;
    s->start = ancestor;
    if (eth->backend.hash_at(eth->backend.context, ancestor, &s->next_parent) != ERR_OK) {
        s->again_at = p2p_eth_now(eth) + SYNC_PAUSE;
        p2p_eth_sync_stop(eth, "the chain cannot be read");
    }
    p2p_eth_sync_work(eth);
}

static void ask_ancestor(struct p2p_eth *eth, uint64_t number)
{
    struct p2p_eth_peer *master = eth->sync.master;
    struct request *r =
        p2p_eth_sync_request(master, FOR_ANCESTOR, P2P_ETH_BLOCK_HEADERS, number, 1);
    if (!r) {
        eth->sync.again_at = p2p_eth_now(eth) + SYNC_GRACE;
        p2p_eth_sync_stop(eth, "the peer is busy");
        return;
    }
    struct p2p_eth_query query = {.number = number, .amount = 1};
    p2p_eth_ask_headers(master, r, &query);
}

static void ancestor_answered(struct p2p_eth *eth, const struct request *request,
                              const struct p2p_eth_message *m)
{
    struct sync *s = &eth->sync;
    struct eth_header header;
    struct hash256 theirs, ours;
    bool same = false;
    if (m->list.count > 1) {
        p2p_eth_sync_blame(eth, "more headers than were asked for");
        return;
    }
    if (m->list.count == 1) {
        if (eth_header_decode(&header, m->list.items[0], NULL) != ERR_OK ||
            header.number != request->number || istanbul_block_hash(&header, &theirs) != ERR_OK) {
            p2p_eth_sync_blame(eth, "not the header that was asked for");
            return;
        }
        same = eth->backend.hash_at(eth->backend.context, request->number, &ours) == ERR_OK &&
               hash256_equal(&ours, &theirs);
    }
    if (same)
        s->low = request->number;
    else
        s->high = request->number;
    if (s->high - s->low > 1)
        ask_ancestor(eth, s->low + (s->high - s->low) / 2);
    else
        run(eth, s->low);
}

void p2p_eth_sync_answered(struct p2p_eth_peer *peer, const struct request *request,
                           const struct p2p_eth_message *m)
{
    struct p2p_eth *eth = peer->eth;
    struct sync *s = &eth->sync;
    if (s->state == SYNC_IDLE || request->round != s->round)
        return;
    if (m)
        peer->stalls = 0;
    switch (request->purpose) {
    case FOR_ANCESTOR:
        if (m)
            ancestor_answered(eth, request, m);
        else
            p2p_eth_sync_unanswered(eth);
        break;
    case FOR_SKELETON:
        p2p_eth_skeleton_answered(peer, request, m);
        break;
    case FOR_SEGMENT:
        p2p_eth_segment_answered(peer, request, m);
        break;
    default:
        p2p_eth_bodies_answered(peer, request, m);
    }
    p2p_eth_sync_work(eth);
}

/* The peer to catch up with, or NULL. *ret_lags: some peer has announced a block that cannot follow our head. */
static struct p2p_eth_peer *best_peer(struct p2p_eth *eth, const struct p2p_eth_head *head,
                                      bool *ret_lags)
{
    struct p2p_eth_peer *best = NULL, *far = NULL;
    for (struct p2p_eth_peer *peer = eth->peers; peer; peer = peer->next) {
        if (!peer->ready || peer->going || p2p_eth_now(eth) < peer->rest_until)
            continue;
        if (u256_compare(&peer->td, &head->td) > 0 &&
            (!best || u256_compare(&peer->td, &best->td) > 0))
            best = peer;
        if (peer->seen > head->number + 1 && (!far || peer->seen > far->seen))
            far = peer;
    }
    *ret_lags = far != NULL;
    return best ? best : far;
}

static uint64_t highest_of(const struct p2p_eth_peer *peer, const struct p2p_eth_head *head)
{
    struct u256 ahead;
    uint64_t highest = head->number + 1;
    /* Istanbul: each block adds 1 to the total difficulty. */
    if (!u256_sub(&ahead, &peer->td, &head->td) && u256_bit_length(&ahead) < 63)
        highest = head->number + ahead.w[0];
    return peer->seen > highest ? peer->seen : highest;
}

static void start(struct p2p_eth *eth, struct p2p_eth_peer *master, const struct p2p_eth_head *head)
{
    struct sync *s = &eth->sync;
    s->state = SYNC_ANCESTOR;
    s->master = master;
    s->low = 0;
    s->high = head->number + 1;
    s->start = head->number;
    s->highest = highest_of(master, head);
    s->skeleton_asked = s->ended = false;
    s->imported = 0;
    if (head->number == 0)
        run(eth, 0);
    else
        ask_ancestor(eth, head->number);
}

void p2p_eth_sync_check(struct p2p_eth *eth)
{
    struct sync *s = &eth->sync;
    uint64_t now = p2p_eth_now(eth);
    if (s->state != SYNC_IDLE || s->importing > 0 || eth->ready_count == 0 ||
        eth->backend.role == P2P_ETH_SERVES)
        return;
    if (now < s->again_at) {
        p2p_eth_wake(eth, s->again_at);
        return;
    }
    struct p2p_eth_head head;
    bool lags;
    head_of(eth, &head);
    struct p2p_eth_peer *peer = best_peer(eth, &head, &lags);
    bool ahead = peer && u256_compare(&peer->td, &head.td) > 0;
    if (!lags)
        s->lag_since = 0;
    else if (s->lag_since == 0)
        s->lag_since = now ? now : 1;
    if (!peer) {
        eth->accepting = true; /* nobody is known to be ahead */
        tell(eth, false);
    } else if (ahead || now >= s->lag_since + SYNC_GRACE) {
        start(eth, peer, &head);
    } else {
        p2p_eth_wake(eth, s->lag_since + SYNC_GRACE);
    }
}

void p2p_eth_look_for_more(struct p2p_eth *eth)
{
    struct p2p_eth_head head;
    const struct u256 one = u256_from(1);
    if (eth->sync.state != SYNC_IDLE)
        return;
    head_of(eth, &head);
    for (struct p2p_eth_peer *peer = eth->peers; peer; peer = peer->next)
        if (u256_compare(&peer->td, &head.td) <= 0) {
            u256_add(&peer->td, &head.td, &one);
            peer->supposed = true;
        }
    p2p_eth_sync_check(eth);
}

void p2p_eth_sync_peer_gone(struct p2p_eth *eth, struct p2p_eth_peer *peer)
{
    if (eth->sync.master != peer)
        return;
    p2p_eth_sync_stop(eth, "the peer is gone");
    p2p_eth_sync_check(eth);
}
