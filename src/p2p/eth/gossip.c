/*
 * What goes out by itself: transactions, in full to every peer that lacks them, as GoQuorum does it (no square root, no
 * announcements but for what waits when a peer connects); blocks to the square root of the peers that lack them, and their
 * hashes to the others.
 *
 * Of a transaction only its hash waits; it is looked up when its turn comes, so that a slow peer holds nothing back in
 * memory, and what is in a block by then is not sent any more.
 */
#include "base/mem.h"
#include "p2p/eth/eth_priv.h"

/* --- Queues of hashes --- */

void p2p_eth_queue_release(struct hash_queue *q)
{
    mem_free(q->items);
    *q = (struct hash_queue){NULL, 0, 0, 0};
}

static bool queue_grow(struct hash_queue *q, size_t limit)
{
    size_t capacity = q->capacity ? 2 * q->capacity : 64;
    if (capacity > limit)
        capacity = limit;
    struct hash256 *items = mem_alloc(capacity * sizeof(*items));
    if (!items)
        return false;
    for (size_t i = 0; i < q->count; i++)
        items[i] = *p2p_eth_queue_at(q, i);
    mem_free(q->items);
    *q = (struct hash_queue){items, capacity, 0, q->count};
    return true;
}

void p2p_eth_queue_push(struct hash_queue *q, size_t limit, const struct hash256 *hash)
{
    if (q->count == q->capacity && q->capacity < limit)
        (void)queue_grow(q, limit);
    if (q->capacity == 0)
        return;
    if (q->count == q->capacity)
        p2p_eth_queue_drop(q, 1);
    q->count++;
    *p2p_eth_queue_at(q, q->count - 1) = *hash;
}

/* --- Transactions --- */

static bool is_congested(const struct p2p_eth_peer *peer)
{
    return peer->transport->queued(peer->link) > PACK_QUEUE;
}

static void send_pack(struct p2p_eth_peer *peer)
{
    struct p2p_eth_backend *backend = &peer->eth->backend;
    struct buf *b = &peer->eth->out;
    buf_clear(b);
    struct p2p_eth_open open = p2p_eth_begin(b, peer->version, P2P_ETH_TRANSACTIONS, 0);
    size_t empty = b->len, taken = 0;
    for (; taken < peer->out.count && b->len < PACK_SIZE; taken++) {
        struct chain_tx *tx =
            backend->transaction(backend->context, p2p_eth_queue_at(&peer->out, taken));
        if (!tx)
            continue;
        chain_tx_write(b, tx);
        chain_tx_unref(tx);
    }
    p2p_eth_queue_drop(&peer->out, taken);
    bool is_empty = b->len == empty;
    p2p_eth_end(b, peer->version, P2P_ETH_TRANSACTIONS, open);
    if (!is_empty)
        p2p_eth_send_out(peer, P2P_ETH_TRANSACTIONS);
}

static void send_announcement(struct p2p_eth_peer *peer)
{
    struct buf *b = &peer->eth->out;
    buf_clear(b);
    struct p2p_eth_open open = p2p_eth_begin(b, peer->version, P2P_ETH_NEW_POOLED_HASHES, 0);
    size_t taken = 0;
    for (; taken < peer->announce.count && b->len < PACK_SIZE; taken++)
        rlp_write_hash(b, p2p_eth_queue_at(&peer->announce, taken));
    p2p_eth_queue_drop(&peer->announce, taken);
    p2p_eth_end(b, peer->version, P2P_ETH_NEW_POOLED_HASHES, open);
    p2p_eth_send_out(peer, P2P_ETH_NEW_POOLED_HASHES);
    if (peer->announce.count == 0)
        p2p_eth_queue_release(&peer->announce);
}

void p2p_eth_gossip_flush(struct p2p_eth_peer *peer)
{
    uint64_t now = p2p_eth_now(peer->eth);
    while (peer->announce.count > 0 && !is_congested(peer) && !peer->going)
        send_announcement(peer);
    if (peer->out.count == 0)
        return;
    if (now < peer->flushed + PACK_DELAY) {
        p2p_eth_wake(peer->eth, peer->flushed + PACK_DELAY);
        return;
    }
    peer->flushed = now;
    while (peer->out.count > 0 && !is_congested(peer) && !peer->going)
        send_pack(peer);
}

void p2p_eth_new_transactions(struct p2p_eth *eth, struct chain_tx *const *txs, size_t count)
{
    if (eth->backend.role == P2P_ETH_IS_SERVED)
        return;
    for (struct p2p_eth_peer *peer = eth->peers; peer; peer = peer->next) {
        if (!peer->ready || peer->going)
            continue;
        for (size_t i = 0; i < count; i++) {
            if (p2p_known_has(&peer->transactions, &txs[i]->hash))
                continue;
            p2p_known_add(&peer->transactions, &txs[i]->hash);
            p2p_eth_queue_push(&peer->out, OUT_MAX, &txs[i]->hash);
        }
        /* Not within the pool's call, where it must not be looked into. */
        if (peer->out.count > 0)
            p2p_eth_wake(eth, peer->flushed + PACK_DELAY);
    }
}

static void greet_one(void *context, const struct chain_tx *tx)
{
    struct p2p_eth_peer *peer = context;
    p2p_known_add(&peer->transactions, &tx->hash);
    p2p_eth_queue_push(&peer->announce, SIZE_MAX / sizeof(tx->hash), &tx->hash);
}

/* All that waits is announced to a new peer; it asks for what it lacks, which neither end of QLight may. */
void p2p_eth_gossip_greet(struct p2p_eth_peer *peer)
{
    struct p2p_eth_backend *backend = &peer->eth->backend;
    if (backend->role != P2P_ETH_AMONG_EQUALS)
        return;
    backend->each_pending(backend->context, greet_one, peer);
    p2p_eth_gossip_flush(peer);
}

void p2p_eth_offer_again(struct p2p_eth *eth, const struct hash256 *hashes, size_t count)
{
    if (eth->backend.role != P2P_ETH_AMONG_EQUALS)
        return;
    for (struct p2p_eth_peer *peer = eth->peers; peer; peer = peer->next) {
        if (!peer->ready || peer->going || peer->announce.count > 0 || is_congested(peer))
            continue;
        for (size_t i = 0; i < count; i++)
            p2p_eth_queue_push(&peer->announce, OUT_MAX, &hashes[i]);
        p2p_eth_gossip_flush(peer);
    }
}

/* --- Blocks --- */

static bool lacks(const struct p2p_eth_peer *peer, const struct hash256 *hash)
{
    return peer->ready && !peer->going && !p2p_known_has(&peer->blocks, hash);
}

void p2p_eth_gossip_hash(struct p2p_eth *eth, const struct hash256 *hash, uint64_t number)
{
    struct p2p_eth_announce item = {.hash = *hash, .number = number};
    struct p2p_eth_message m = {.code = P2P_ETH_NEW_BLOCK_HASHES};
    m.announces.items = &item;
    m.announces.count = 1;
    if (eth->backend.role != P2P_ETH_AMONG_EQUALS)
        return;
    for (struct p2p_eth_peer *peer = eth->peers; peer; peer = peer->next) {
        if (!lacks(peer, hash))
            continue;
        p2p_known_add(&peer->blocks, hash);
        buf_clear(&eth->out);
        p2p_eth_encode(&eth->out, peer->version, &m);
        p2p_eth_send_out(peer, P2P_ETH_NEW_BLOCK_HASHES);
    }
}

/* How many of the `lacking` get the whole block; the square root, rounded down. */
static size_t root_of(size_t lacking)
{
    size_t root = 0;
    while ((root + 1) * (root + 1) <= lacking)
        root++;
    return root;
}

void p2p_eth_gossip_block(struct p2p_eth *eth, const struct chain_block *block,
                          const struct u256 *td)
{
    size_t lacking = 0;
    if (eth->backend.role != P2P_ETH_AMONG_EQUALS)
        return;
    for (struct p2p_eth_peer *peer = eth->peers; peer; peer = peer->next)
        lacking += lacks(peer, &block->hash);
    if (lacking == 0)
        return;
    size_t whole = root_of(lacking);
    /* Those that get it follow each other among the lacking ones, from a random one on. */
    size_t from = (size_t)(eth->backend.draw(eth->backend.context) % lacking), index = 0;
    struct buf *b = &eth->out;
    buf_clear(b);
    struct p2p_eth_open open = p2p_eth_begin(b, P2P_ETH_66, P2P_ETH_NEW_BLOCK, 0);
    chain_block_write(b, block);
    rlp_write_u256(b, td);
    p2p_eth_end(b, P2P_ETH_66, P2P_ETH_NEW_BLOCK, open);
    for (struct p2p_eth_peer *peer = eth->peers; peer; peer = peer->next) {
        if (!lacks(peer, &block->hash))
            continue;
        if ((index++ + lacking - from) % lacking >= whole)
            continue;
        p2p_eth_send_out(peer, P2P_ETH_NEW_BLOCK);
        p2p_known_add(&peer->blocks, &block->hash);
    }
    p2p_eth_gossip_hash(eth, &block->hash, block->header.number);
}
