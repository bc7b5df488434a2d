/* The headers of a sync: the skeleton from the master, the segments between from all peers. */
#include "base/mem.h"
#include "consensus/istanbul/hash.h"
#include "p2p/eth/eth_priv.h"

void p2p_eth_segment_release(struct p2p_eth *eth, struct segment *segment)
{
    (void)eth;
    for (size_t i = 0; i < SEGMENT; i++) {
        buf_release(&segment->slots[i].header);
        chain_block_unref(segment->slots[i].block);
    }
    mem_free(segment);
}

static struct segment *add_segment(struct sync *s, size_t count)
{
    struct segment *segment = mem_alloc_zeroed(1, sizeof(*segment));
    if (!segment)
        return NULL;
    segment->first = s->next;
    segment->count = count;
    segment->parent = s->next_parent;
    s->segments[s->segment_count++] = segment;
    return segment;
}

/* --- Skeleton --- */

static void ask_skeleton(struct p2p_eth *eth)
{
    struct sync *s = &eth->sync;
    size_t amount = SEGMENTS - s->segment_count;
    if (s->ended || s->skeleton_asked || amount < 2 || s->next > UINT64_MAX - SEGMENT)
        return;
    if (s->segment_count > 0 && !s->segments[s->segment_count - 1]->has_last)
        return; /* it ends with this one, or goes on behind it */
    amount = amount - 1 < SKELETON_MAX ? amount - 1 : SKELETON_MAX;
    uint64_t number = s->next + SEGMENT - 1;
    struct request *r =
        p2p_eth_sync_request(s->master, FOR_SKELETON, P2P_ETH_BLOCK_HEADERS, number, amount);
    if (!r)
        return;
    s->skeleton_asked = true;
    struct p2p_eth_query query = {.number = number, .amount = amount, .skip = SEGMENT - 1};
    p2p_eth_ask_headers(s->master, r, &query);
}

void p2p_eth_skeleton_answered(struct p2p_eth_peer *peer, const struct request *request,
                               const struct p2p_eth_message *m)
{
    struct p2p_eth *eth = peer->eth;
    struct sync *s = &eth->sync;
    s->skeleton_asked = false;
    if (!m) {
        p2p_eth_sync_unanswered(eth);
        return;
    }
    if (m->list.count > request->count) {
        p2p_eth_sync_blame(eth, "more headers than were asked for");
        return;
    }
    for (size_t i = 0; i < m->list.count; i++) {
        struct eth_header header;
        struct hash256 hash;
        struct segment *segment;
        if (eth_header_decode(&header, m->list.items[i], NULL) != ERR_OK ||
            header.number != s->next + SEGMENT - 1 ||
            istanbul_block_hash(&header, &hash) != ERR_OK) {
            p2p_eth_sync_blame(eth, "not the headers that were asked for");
            return;
        }
        if (!(segment = add_segment(s, SEGMENT)))
            return;
        segment->has_last = true;
        segment->last = hash;
        s->next += SEGMENT;
        s->next_parent = hash;
    }
    /* The rest, less than a segment, unless the master grows that fast. */
    if (m->list.count < request->count)
        (void)add_segment(s, SEGMENT);
    if (s->highest < s->next - 1)
        s->highest = s->next - 1;
}

/* --- Segments --- */

static bool may_ask(const struct p2p_eth_peer *peer, uint64_t now)
{
    return peer->ready && !peer->going && now >= peer->rest_until &&
           !p2p_eth_is_asked(peer, FOR_SEGMENT);
}

static void ask_segment(struct p2p_eth_peer *peer, struct segment *segment)
{
    struct request *r = p2p_eth_sync_request(peer, FOR_SEGMENT, P2P_ETH_BLOCK_HEADERS,
                                             segment->first, segment->count);
    if (!r)
        return;
    segment->state = SEGMENT_ASKED;
    struct p2p_eth_query query = {.number = segment->first, .amount = segment->count};
    p2p_eth_ask_headers(peer, r, &query);
}

void p2p_eth_segments_ask(struct p2p_eth *eth)
{
    struct sync *s = &eth->sync;
    uint64_t now = p2p_eth_now(eth);
    ask_skeleton(eth);
    for (size_t i = 0; i < s->segment_count; i++) {
        struct segment *segment = s->segments[i];
        if (segment->state != SEGMENT_NEEDED)
            continue;
        struct p2p_eth_peer *peer = s->master;
        if (segment->has_last)
            for (peer = eth->peers; peer && !may_ask(peer, now);)
                peer = peer->next;
        if (peer && may_ask(peer, now))
            ask_segment(peer, segment);
    }
}

static struct segment *find_asked(struct sync *s, uint64_t first)
{
    for (size_t i = 0; i < s->segment_count; i++)
        if (s->segments[i]->first == first && s->segments[i]->state == SEGMENT_ASKED)
            return s->segments[i];
    return NULL;
}

static bool fill_slot(struct slot *slot, const struct eth_header *header, struct bytes raw)
{
    slot->transactions_root = header->transactions_root;
    slot->uncles_hash = header->uncles_hash;
    slot->withdrawals_root = header->withdrawals_root;
    slot->has_withdrawals = header->tail >= ETH_HEADER_WITHDRAWALS_ROOT;
    bool is_empty =
        hash256_equal(&slot->transactions_root, &eth_empty_trie_root) &&
        hash256_equal(&slot->uncles_hash, &eth_empty_uncles_hash) &&
        (!slot->has_withdrawals || hash256_equal(&slot->withdrawals_root, &eth_empty_trie_root));
    slot->state = is_empty ? SLOT_DONE : SLOT_NEEDED;
    buf_clear(&slot->header);
    buf_append_bytes(&slot->header, raw);
    return buf_status(&slot->header) == ERR_OK;
}

/* Whether the headers follow each other from the segment's parent on, to its last where that is known. Fills the slots. */
static bool fill(struct segment *segment, const struct p2p_eth_message *m)
{
    struct hash256 parent = segment->parent;
    if (m->list.count > segment->count || (segment->has_last && m->list.count < segment->count))
        return false;
    for (size_t i = 0; i < m->list.count; i++) {
        struct eth_header header;
        struct slot *slot = &segment->slots[i];
        if (eth_header_decode(&header, m->list.items[i], NULL) != ERR_OK ||
            header.number != segment->first + i || !hash256_equal(&header.parent_hash, &parent) ||
            istanbul_block_hash(&header, &slot->hash) != ERR_OK ||
            !fill_slot(slot, &header, m->list.items[i]))
            return false;
        parent = slot->hash;
    }
    return !segment->has_last || hash256_equal(&parent, &segment->last);
}

/* What stands behind the skeleton. The master has no more when it is not a whole segment. */
static void tail_filled(struct p2p_eth *eth, struct segment *segment, size_t count)
{
    struct sync *s = &eth->sync;
    assert(segment == s->segments[s->segment_count - 1]);
    s->ended = count < segment->count;
    segment->count = count;
    if (count == 0) {
        p2p_eth_segment_release(eth, segment);
        s->segment_count--;
        return;
    }
    segment->has_last = true;
    segment->last = segment->slots[count - 1].hash;
    s->next += count;
    s->next_parent = segment->last;
    if (s->highest < s->next - 1)
        s->highest = s->next - 1;
}

void p2p_eth_segment_answered(struct p2p_eth_peer *peer, const struct request *request,
                              const struct p2p_eth_message *m)
{
    struct p2p_eth *eth = peer->eth;
    struct sync *s = &eth->sync;
    struct segment *segment = find_asked(s, request->number);
    if (!segment)
        return;
    segment->state = SEGMENT_NEEDED;
    bool is_master = peer == s->master;
    if (!m) {
        if (is_master && !segment->has_last)
            p2p_eth_sync_unanswered(eth);
        else
            p2p_eth_sync_stalled(peer);
    } else if (m->list.count == 0 && segment->has_last && !is_master) {
        peer->rest_until = p2p_eth_now(eth) + SYNC_PAUSE; /* it is behind us, perhaps */
        p2p_eth_wake(eth, peer->rest_until);
    } else if (fill(segment, m)) {
        segment->state = SEGMENT_FILLED;
        if (!segment->has_last)
            tail_filled(eth, segment, m->list.count);
    } else if (is_master) {
        p2p_eth_sync_blame(eth, "headers that do not follow each other");
    } else {
        p2p_eth_penalize(peer, 100, "headers that do not follow each other");
        peer->rest_until = p2p_eth_now(eth) + SYNC_PAUSE;
    }
}
