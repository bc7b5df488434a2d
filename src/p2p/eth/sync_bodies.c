/* The bodies of a sync, from all peers at once, each as many as it has shown to manage. */
#include "base/mem.h"
#include "p2p/eth/eth_priv.h"

struct slot *p2p_eth_slot(struct sync *sync, uint64_t number)
{
    for (size_t i = 0; i < sync->segment_count; i++) {
        struct segment *segment = sync->segments[i];
        if (number >= segment->first && number - segment->first < segment->count)
            return segment->state == SEGMENT_FILLED ? &segment->slots[number - segment->first]
                                                    : NULL;
    }
    return NULL;
}

/* Takes the next slots that need a body. `urgent`: only the one that the chain waits for. */
static size_t gather(struct sync *s, size_t most, bool urgent, struct hash256 *ret_hashes,
                     uint64_t *ret_first)
{
    size_t count = 0;
    for (size_t i = 0; i < s->segment_count && count < most; i++) {
        struct segment *segment = s->segments[i];
        for (size_t k = 0; segment->state == SEGMENT_FILLED && k < segment->count && count < most;
             k++) {
            struct slot *slot = &segment->slots[k];
            if (urgent && segment->first + k > s->import_next + s->importing)
                return count;
            if (slot->state != SLOT_NEEDED)
                continue;
            slot->state = SLOT_ASKED;
            if (count == 0)
                *ret_first = segment->first + k;
            ret_hashes[count++] = slot->hash;
        }
    }
    return count;
}

/* The slot of a hash, at `number` or behind. */
static struct slot *find_asked(struct sync *s, uint64_t number, const struct hash256 *hash)
{
    for (size_t i = 0; i < s->segment_count; i++) {
        struct segment *segment = s->segments[i];
        if (segment->state != SEGMENT_FILLED || segment->first + segment->count <= number)
            continue;
        for (size_t k = 0; k < segment->count; k++)
            if (segment->slots[k].state == SLOT_ASKED &&
                hash256_equal(&segment->slots[k].hash, hash))
                return &segment->slots[k];
    }
    return NULL;
}

static void give_back(struct sync *s, uint64_t first, const struct hash256 *hashes, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct slot *slot = find_asked(s, first, &hashes[i]);
        if (slot)
            slot->state = SLOT_NEEDED;
    }
}

static void ask_peer(struct p2p_eth_peer *peer)
{
    struct sync *s = &peer->eth->sync;
    struct hash256 *hashes = mem_alloc(peer->batch * sizeof(*hashes));
    if (!hashes)
        return;
    uint64_t first = 0;
    bool urgent = s->bytes >= SYNC_BYTES_MAX;
    size_t count = gather(s, peer->batch, urgent, hashes, &first);
    struct request *r =
        count == 0 ? NULL
                   : p2p_eth_sync_request(peer, FOR_BODIES, P2P_ETH_BLOCK_BODIES, first, count);
    if (!r) {
        give_back(s, first, hashes, count);
        mem_free(hashes);
        return;
    }
    r->hashes = hashes;
    p2p_eth_ask_hashes(peer, r, P2P_ETH_GET_BLOCK_BODIES, hashes, count);
}

void p2p_eth_bodies_ask(struct p2p_eth *eth)
{
    uint64_t now = p2p_eth_now(eth);
    for (struct p2p_eth_peer *peer = eth->peers; peer; peer = peer->next)
        if (peer->ready && !peer->going && now >= peer->rest_until &&
            !p2p_eth_is_asked(peer, FOR_BODIES))
            ask_peer(peer);
}

static bool is_body_of(const struct chain_block *block, const struct slot *slot)
{
    const struct chain_body *body = block->body;
    return hash256_equal(&body->transactions_root, &slot->transactions_root) &&
           hash256_equal(&body->uncles_hash, &slot->uncles_hash) && chain_block_matches(block);
}

/* Gives the bodies to the slots, in order; some may be missing. *ret_taken: how many. False: there is one that nobody
 * asked for. */
static bool take(struct sync *s, const struct request *request, const struct p2p_eth_message *m,
                 size_t *ret_taken)
{
    size_t at = 0;
    *ret_taken = 0;
    for (size_t i = 0; i < m->list.count; i++) {
        bool found = false;
        for (; at < request->count && !found; at++) {
            struct slot *slot = find_asked(s, request->number, &request->hashes[at]);
            struct chain_block *block;
            if (!slot)
                continue;
            int status = chain_block_join(&block, buf_bytes(&slot->header), m->list.items[i], NULL);
            if (status != ERR_OK)
                return status == ERR_NOMEM;
            found = is_body_of(block, slot);
            if (!found) {
                chain_block_unref(block);
                continue;
            }
            slot->block = block;
            slot->state = SLOT_DONE;
            buf_release(&slot->header);
            s->bytes += chain_block_size(block);
            ++*ret_taken;
        }
        if (!found)
            return false;
    }
    return true;
}

void p2p_eth_bodies_answered(struct p2p_eth_peer *peer, const struct request *request,
                             const struct p2p_eth_message *m)
{
    struct p2p_eth *eth = peer->eth;
    struct sync *s = &eth->sync;
    size_t taken = 0;
    bool sound = !m || take(s, request, m, &taken);
    give_back(s, request->number, request->hashes, request->count);
    if (!m) {
        p2p_eth_sync_stalled(peer);
    } else if (!sound) {
        p2p_eth_penalize(peer, 100, "a body that was not asked for");
        peer->rest_until = p2p_eth_now(eth) + SYNC_PAUSE;
    } else if (taken == 0 && peer == s->master) {
        p2p_eth_sync_stalled(peer); /* it has them, it said */
    } else if (taken == 0) {
        peer->rest_until = p2p_eth_now(eth) + SYNC_PAUSE; /* it is behind, perhaps */
        p2p_eth_wake(eth, peer->rest_until);
    } else if (taken == request->count) {
        peer->batch = 2 * peer->batch < BODIES_MAX ? 2 * peer->batch : BODIES_MAX;
    } else {
        peer->batch = (unsigned)taken;
    }
}
