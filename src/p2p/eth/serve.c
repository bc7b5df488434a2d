/*
 * Answers to peers (GoQuorum, eth/protocols/eth/handlers.go): what is unknown is left out, and each answer is bounded by
 * items, by bytes and by lookups, whatever was asked for.
 */
#include "p2p/eth/eth_priv.h"

/* An answer that is being put together in eth->out. */
struct reply {
    struct p2p_eth_peer *peer;
    struct buf *b;
    unsigned code;
    struct p2p_eth_open open;
    size_t start, items, lookups;
};

static void begin(struct reply *r, struct p2p_eth_peer *peer, unsigned code, uint64_t id)
{
    *r = (struct reply){.peer = peer, .b = &peer->eth->out, .code = code};
    buf_clear(r->b);
    r->open = p2p_eth_begin(r->b, peer->version, code, id);
    r->start = r->b->len;
}

static bool has_room(const struct reply *r)
{
    return r->b->len - r->start < ANSWER_SOFT && r->items < P2P_ETH_SERVE_MAX &&
           r->lookups < LOOKUPS_MAX && buf_status(r->b) == ERR_OK;
}

/* After something was appended that began at `from`: an item, or too much for a message (then it is taken back). */
static bool keep(struct reply *r, size_t from)
{
    if (r->b->len > P2P_ETH_MESSAGE_MAX - 64 && buf_status(r->b) == ERR_OK) {
        r->b->len = from;
        return false;
    }
    r->items++;
    return true;
}

static void end(struct reply *r)
{
    p2p_eth_end(r->b, r->peer->version, r->code, r->open);
    p2p_eth_send_out(r->peer, r->code);
}

/* Appends a part of a block. False: there is none, or it does not fit. */
static bool add_part(struct reply *r, uint64_t number, enum p2p_eth_part part)
{
    struct p2p_eth_backend *backend = &r->peer->eth->backend;
    size_t from = r->b->len;
    r->lookups++;
    if (backend->read(backend->context, number, part, r->b) != ERR_OK) {
        r->b->len = from;
        return false;
    }
    return keep(r, from);
}

/* The number of the next header of a query; false past either end of what numbers can be. */
static bool advance(uint64_t *number, const struct p2p_eth_query *q)
{
    uint64_t step = q->skip + 1;
    if (step == 0)
        return false; /* skip of 2^64 - 1 */
    if (q->reverse ? *number < step : *number > UINT64_MAX - step)
        return false;
    *number = q->reverse ? *number - step : *number + step;
    return true;
}

static void serve_headers(struct p2p_eth_peer *peer, const struct p2p_eth_message *m)
{
    struct p2p_eth_backend *backend = &peer->eth->backend;
    const struct p2p_eth_query *q = &m->query;
    struct reply r;
    begin(&r, peer, P2P_ETH_BLOCK_HEADERS, m->id);
    uint64_t number = q->number;
    bool more = q->amount > 0;
    if (more && q->by_hash)
        more = backend->number_of(backend->context, &q->hash, &number) == ERR_OK;
    while (more && r.items < q->amount && has_room(&r))
        more = add_part(&r, number, P2P_ETH_HEADER) && advance(&number, q);
    end(&r);
}

static void serve_parts(struct p2p_eth_peer *peer, const struct p2p_eth_message *m, unsigned code,
                        enum p2p_eth_part part)
{
    struct p2p_eth_backend *backend = &peer->eth->backend;
    struct reply r;
    begin(&r, peer, code, m->id);
    for (size_t i = 0; i < m->hashes.count && has_room(&r); i++) {
        struct hash256 hash = p2p_eth_hash_at(&m->hashes, i);
        uint64_t number;
        if (backend->number_of(backend->context, &hash, &number) == ERR_OK)
            add_part(&r, number, part);
        else
            r.lookups++;
    }
    end(&r);
}

static void serve_node_data(struct p2p_eth_peer *peer, const struct p2p_eth_message *m)
{
    struct p2p_eth_backend *backend = &peer->eth->backend;
    struct reply r;
    struct buf node = BUF_INIT;
    begin(&r, peer, P2P_ETH_NODE_DATA, m->id);
    for (size_t i = 0; backend->node_data && i < m->hashes.count && has_room(&r); i++) {
        struct hash256 hash = p2p_eth_hash_at(&m->hashes, i);
        size_t from = r.b->len;
        r.lookups++;
        buf_clear(&node);
        if (backend->node_data(backend->context, &hash, &node) != ERR_OK)
            continue;
        rlp_write_bytes(r.b, buf_bytes(&node));
        keep(&r, from);
    }
    buf_release(&node);
    end(&r);
}

static void serve_transactions(struct p2p_eth_peer *peer, const struct p2p_eth_message *m)
{
    struct p2p_eth_backend *backend = &peer->eth->backend;
    struct reply r;
    begin(&r, peer, P2P_ETH_POOLED_TRANSACTIONS, m->id);
    for (size_t i = 0; i < m->hashes.count && has_room(&r); i++) {
        struct hash256 hash = p2p_eth_hash_at(&m->hashes, i);
        size_t from = r.b->len;
        r.lookups++;
        struct chain_tx *tx = backend->transaction(backend->context, &hash);
        if (!tx)
            continue;
        chain_tx_write(r.b, tx);
        chain_tx_unref(tx);
        if (keep(&r, from))
            p2p_known_add(&peer->transactions, &hash);
    }
    end(&r);
}

void p2p_eth_serve(struct p2p_eth_peer *peer, const struct p2p_eth_message *m)
{
    if (peer->transport->queued(peer->link) > ANSWER_QUEUE_MAX) {
        p2p_eth_drop(peer, P2P_USELESS_PEER, "asks for more than it reads");
        return;
    }
    switch (m->code) {
    case P2P_ETH_GET_BLOCK_HEADERS:
        serve_headers(peer, m);
        break;
    case P2P_ETH_GET_BLOCK_BODIES:
        serve_parts(peer, m, P2P_ETH_BLOCK_BODIES, P2P_ETH_BODY);
        break;
    case P2P_ETH_GET_RECEIPTS:
        serve_parts(peer, m, P2P_ETH_RECEIPTS, P2P_ETH_RECEIPT_LIST);
        break;
    case P2P_ETH_GET_NODE_DATA:
        serve_node_data(peer, m);
        break;
    case P2P_ETH_GET_POOLED_TRANSACTIONS:
        serve_transactions(peer, m);
        break;
    default:
        assert(!"no request");
    }
}
