/* Connections: Status, requests and their time, and where each message goes. */
#include "base/mem.h"
#include "consensus/istanbul/hash.h"
#include "p2p/eth/eth_priv.h"

#include <stdarg.h>
#include <stdio.h>

uint64_t p2p_eth_now(struct p2p_eth *eth)
{
    return eth->backend.now(eth->backend.context);
}

void p2p_eth_wake(struct p2p_eth *eth, uint64_t at)
{
    if (at >= eth->wake_at)
        return;
    eth->wake_at = at;
    eth->backend.wake(eth->backend.context, at);
}

void p2p_eth_report(struct p2p_eth *eth, enum p2p_eth_level level, const char *format, ...)
{
    if (!eth->backend.report)
        return;
    char text[512];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    eth->backend.report(eth->backend.context, level, text);
}

void p2p_eth_drop(struct p2p_eth_peer *peer, enum p2p_reason reason, const char *format, ...)
{
    if (peer->going)
        return;
    char text[512];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    peer->going = true;
    peer->transport->disconnect(peer->link, reason, text);
}

void p2p_eth_penalize(struct p2p_eth_peer *peer, unsigned points, const char *why)
{
    if (!peer->going)
        peer->transport->penalize(peer->link, points, why);
}

void p2p_eth_send_out(struct p2p_eth_peer *peer, unsigned code)
{
    struct buf *b = &peer->eth->out;
    int status = buf_status(b);
    if (status == ERR_OK && !peer->going)
        status = peer->transport->send(peer->link, code, buf_bytes(b));
    if (status != ERR_OK)
        p2p_eth_report(peer->eth, P2P_ETH_WARN, "a %s message could not be sent: %s",
                       p2p_eth_code_name(code), err_text(status));
}

/* --- Requests --- */

struct request *p2p_eth_request(struct p2p_eth_peer *peer, enum purpose purpose, unsigned answer,
                                uint64_t timeout)
{
    struct p2p_eth *eth = peer->eth;
    /* Announcements leave room for what matters more. */
    size_t last = purpose == FOR_FETCH_HEADER ? REQUESTS / 2 : REQUESTS;
    for (size_t i = 0; i < last; i++) {
        struct request *r = &peer->requests[i];
        if (r->purpose != FOR_NOTHING)
            continue;
        *r = (struct request){.purpose = purpose, .answer = answer, .order = eth->order++};
        r->id = eth->backend.draw(eth->backend.context);
        r->deadline = p2p_eth_now(eth) + timeout;
        p2p_eth_wake(eth, r->deadline);
        return r;
    }
    return NULL;
}

bool p2p_eth_is_asked(const struct p2p_eth_peer *peer, enum purpose purpose)
{
    for (size_t i = 0; i < REQUESTS; i++)
        if (peer->requests[i].purpose == purpose)
            return true;
    return false;
}

void p2p_eth_ask_headers(struct p2p_eth_peer *peer, struct request *request,
                         const struct p2p_eth_query *query)
{
    struct p2p_eth_message m = {
        .code = P2P_ETH_GET_BLOCK_HEADERS, .id = request->id, .query = *query};
    buf_clear(&peer->eth->out);
    p2p_eth_encode(&peer->eth->out, peer->version, &m);
    p2p_eth_send_out(peer, P2P_ETH_GET_BLOCK_HEADERS);
}

void p2p_eth_ask_hashes(struct p2p_eth_peer *peer, struct request *request, unsigned code,
                        const struct hash256 *hashes, size_t count)
{
    struct buf *b = &peer->eth->out;
    buf_clear(b);
    struct p2p_eth_open open = p2p_eth_begin(b, peer->version, code, request->id);
    for (size_t i = 0; i < count; i++)
        rlp_write_hash(b, &hashes[i]);
    p2p_eth_end(b, peer->version, code, open);
    p2p_eth_send_out(peer, code);
}

/* --- Blocks that a peer must have --- */

/* One after the other, so that a slot is free. A peer whose chain is shorter answers nothing, and stays. */
static void ask_authorized(struct p2p_eth_peer *peer)
{
    const struct p2p_eth_backend *backend = &peer->eth->backend;
    struct request *r;
    if (peer->authorized >= backend->authorized_count || peer->going)
        return;
    r = p2p_eth_request(peer, FOR_AUTHORIZED, P2P_ETH_BLOCK_HEADERS, REQUEST_TIMEOUT);
    if (!r)
        return;
    r->number = backend->authorized[peer->authorized].number;
    r->hash = backend->authorized[peer->authorized++].hash;
    const struct p2p_eth_query query = {.number = r->number, .amount = 1};
    p2p_eth_ask_headers(peer, r, &query);
}

static void authorized_answered(struct p2p_eth_peer *peer, const struct request *r,
                                const struct p2p_eth_message *m)
{
    struct eth_header header;
    struct hash256 hash;
    if (m && m->list.count > 0) {
        if (eth_header_decode(&header, m->list.items[0], NULL) != ERR_OK ||
            header.number != r->number || istanbul_block_hash(&header, &hash) != ERR_OK) {
            p2p_eth_drop(peer, P2P_SUBPROTOCOL_ERROR, "a header that was not asked for");
            return;
        }
        if (!hash256_equal(&hash, &r->hash)) {
            p2p_eth_drop(peer, P2P_SUBPROTOCOL_ERROR, "whitelist block mismatch: block %llu",
                         (unsigned long long)r->number);
            return;
        }
    }
    ask_authorized(peer);
}

/* `m` NULL: it was not answered. The slot is free when the purpose's function runs, so that it can ask again. */
static void answered(struct p2p_eth_peer *peer, struct request *slot,
                     const struct p2p_eth_message *m)
{
    struct request r = *slot;
    slot->purpose = FOR_NOTHING;
    slot->hashes = NULL;
    switch (r.purpose) {
    case FOR_ANCESTOR:
    case FOR_SKELETON:
    case FOR_SEGMENT:
    case FOR_BODIES:
        p2p_eth_sync_answered(peer, &r, m);
        break;
    case FOR_FETCH_HEADER:
    case FOR_FETCH_BODY:
        p2p_eth_fetch_answered(peer, &r, m);
        break;
    case FOR_TRANSACTIONS:
        p2p_eth_intake_answered(peer, &r, m);
        break;
    case FOR_AUTHORIZED:
        authorized_answered(peer, &r, m);
        break;
    case FOR_NOTHING:
        break;
    }
    mem_free(r.hashes);
}

/* eth/66 names the request; eth/65 answers in order. */
static void answer(struct p2p_eth_peer *peer, const struct p2p_eth_message *m)
{
    struct request *found = NULL;
    bool has_id = p2p_eth_code_has_id(peer->version, m->code);
    for (size_t i = 0; i < REQUESTS; i++) {
        struct request *r = &peer->requests[i];
        if (r->purpose == FOR_NOTHING || r->answer != m->code || (has_id && r->id != m->id))
            continue;
        if (!found || r->order < found->order)
            found = r;
    }
    if (found)
        answered(peer, found, m);
    else /* late, or nobody asked */
        p2p_eth_penalize(peer, 1, "an answer that nobody waits for");
}

/* --- Status --- */

static void send_status(struct p2p_eth_peer *peer)
{
    struct p2p_eth_backend *backend = &peer->eth->backend;
    struct p2p_eth_head head;
    backend->head(backend->context, &head);
    struct p2p_eth_message m = {.code = P2P_ETH_STATUS};
    m.status.version = peer->version;
    m.status.network = backend->network;
    m.status.td = head.td;
    m.status.head = head.hash;
    m.status.genesis = backend->genesis;
    backend->fork_id(backend->context, &m.status.fork);
    buf_clear(&peer->eth->out);
    p2p_eth_encode(&peer->eth->out, peer->version, &m);
    p2p_eth_send_out(peer, P2P_ETH_STATUS);
}

/* In GoQuorum's order (eth/protocols/eth/handshake.go); version 99 is let pass there, too. */
static bool check_status(struct p2p_eth_peer *peer, const struct p2p_eth_status *s)
{
    struct p2p_eth_backend *backend = &peer->eth->backend;
    const enum p2p_reason reason = P2P_SUBPROTOCOL_ERROR;
    const char *why;
    if (s->network != backend->network)
        p2p_eth_drop(peer, reason, "network ID mismatch: %llu (!= %llu)",
                     (unsigned long long)s->network, (unsigned long long)backend->network);
    else if (s->version != peer->version && s->version != 99)
        p2p_eth_drop(peer, reason, "protocol version mismatch: %u (!= %u)", s->version,
                     peer->version);
    else if (!hash256_equal(&s->genesis, &backend->genesis))
        p2p_eth_drop(peer, reason, "genesis mismatch: %02x%02x%02x%02x... is not our block 0",
                     s->genesis.b[0], s->genesis.b[1], s->genesis.b[2], s->genesis.b[3]);
    else if ((why = backend->fork_check(backend->context, &s->fork)))
        p2p_eth_drop(peer, reason, "fork ID rejected: %s", why);
    else if (u256_bit_length(&s->td) > P2P_ETH_TD_BITS)
        p2p_eth_drop(peer, reason, "too large total difficulty: bitlen %u",
                     u256_bit_length(&s->td));
    else
        return true;
    return false;
}

static void take_status(struct p2p_eth_peer *peer, const struct p2p_eth_message *m)
{
    struct p2p_eth *eth = peer->eth;
    if (!check_status(peer, &m->status))
        return;
    peer->td = m->status.td;
    peer->head = m->status.head;
    peer->ready = true;
    eth->ready_count++;
    if (eth->backend.ready)
        eth->backend.ready(eth->backend.context, peer->link, false);
    if (peer->going)
        return;
    ask_authorized(peer);
    p2p_eth_gossip_greet(peer);
    p2p_eth_sync_check(eth);
}

/* --- Messages --- */

static void new_hashes(struct p2p_eth_peer *peer, const struct p2p_eth_message *m)
{
    for (size_t i = 0; i < m->announces.count; i++)
        p2p_known_add(&peer->blocks, &m->announces.items[i].hash);
    p2p_eth_fetch_announced(peer, m->announces.items, m->announces.count);
}

static void dispatch(struct p2p_eth_peer *peer, const struct p2p_eth_message *m)
{
    switch (m->code) {
    case P2P_ETH_STATUS:
        p2p_eth_drop(peer, P2P_SUBPROTOCOL_ERROR, "a second Status");
        break;
    case P2P_ETH_NEW_BLOCK_HASHES:
        new_hashes(peer, m);
        break;
    case P2P_ETH_NEW_BLOCK:
        p2p_eth_fetch_block(peer, m);
        break;
    case P2P_ETH_TRANSACTIONS:
        p2p_eth_intake(peer, m);
        break;
    case P2P_ETH_NEW_POOLED_HASHES:
        p2p_eth_intake_announced(peer, &m->hashes);
        break;
    case P2P_ETH_BLOCK_HEADERS:
    case P2P_ETH_BLOCK_BODIES:
    case P2P_ETH_POOLED_TRANSACTIONS:
    case P2P_ETH_NODE_DATA:
    case P2P_ETH_RECEIPTS:
        answer(peer, m);
        break;
    default:
        p2p_eth_serve(peer, m);
    }
}

void p2p_eth_message(struct p2p_eth *eth, struct p2p_eth_peer *peer, unsigned code,
                     struct bytes payload)
{
    if (peer->going)
        return;
    if (!peer->ready && code != P2P_ETH_STATUS) {
        p2p_eth_drop(peer, P2P_SUBPROTOCOL_ERROR, "no status message: first msg has code %x (!= 0)",
                     code);
        return;
    }
    /* GoQuorum does not look into transactions before it is in sync, either. */
    if (!eth->accepting && (code == P2P_ETH_TRANSACTIONS || code == P2P_ETH_NEW_POOLED_HASHES))
        return;
    struct p2p_eth_message m;
    struct err_detail detail = {""};
    arena_clear(&eth->arena);
    int status = p2p_eth_decode(&m, &eth->arena, peer->version, code, payload, &detail);
    if (status == ERR_NOMEM)
        p2p_eth_report(eth, P2P_ETH_WARN, "a %s message is dropped: out of memory",
                       p2p_eth_code_name(code));
    else if (status != ERR_OK)
        p2p_eth_drop(peer, P2P_SUBPROTOCOL_ERROR, "invalid message: %s", detail.text);
    else if (!peer->ready)
        take_status(peer, &m);
    else
        dispatch(peer, &m);
}

/* --- Life --- */

int p2p_eth_new(struct p2p_eth **ret_eth, const struct p2p_eth_backend *backend)
{
    struct p2p_eth *eth = mem_alloc_zeroed(1, sizeof(*eth));
    if (!eth)
        return ERR_NOMEM;
    eth->backend = *backend;
    eth->wake_at = UINT64_MAX;
    arena_init(&eth->arena);
    buf_init(&eth->out);
    p2p_known_init(&eth->intake.taken, 2 * INTAKE_MAX);
    p2p_known_init(&eth->intake.asked, 2 * INTAKE_MAX);
    *ret_eth = eth;
    return ERR_OK;
}

void p2p_eth_free(struct p2p_eth *eth)
{
    if (!eth)
        return;
    assert(!eth->peers);
    p2p_eth_sync_stop(eth, NULL);
    p2p_eth_fetch_release(eth);
    p2p_known_release(&eth->intake.taken);
    p2p_known_release(&eth->intake.asked);
    arena_release(&eth->arena);
    buf_release(&eth->out);
    mem_free(eth);
}

struct p2p_eth_peer *p2p_eth_opened(struct p2p_eth *eth, const struct p2p_eth_transport *transport,
                                    void *link, const struct hash256 *id, unsigned version)
{
    struct p2p_eth_peer *peer = mem_alloc_zeroed(1, sizeof(*peer));
    if (!peer)
        return NULL;
    peer->eth = eth;
    peer->transport = transport;
    peer->link = link;
    peer->id = *id;
    peer->version = version;
    peer->batch = BODIES_FIRST;
    p2p_known_init(&peer->transactions, KNOWN_TRANSACTIONS);
    p2p_known_init(&peer->blocks, KNOWN_BLOCKS);
    peer->status_deadline = p2p_eth_now(eth) + STATUS_TIMEOUT;
    peer->next = eth->peers;
    eth->peers = peer;
    p2p_eth_wake(eth, peer->status_deadline);
    send_status(peer);
    return peer;
}

void p2p_eth_closed(struct p2p_eth *eth, struct p2p_eth_peer *peer)
{
    struct p2p_eth_peer **at = &eth->peers;
    while (*at != peer)
        at = &(*at)->next;
    *at = peer->next;
    peer->going = true;
    for (size_t i = 0; i < REQUESTS; i++)
        answered(peer, &peer->requests[i], NULL);
    p2p_eth_fetch_peer_gone(eth, peer);
    p2p_eth_sync_peer_gone(eth, peer);
    if (peer->ready) {
        eth->ready_count--;
        if (eth->backend.ready)
            eth->backend.ready(eth->backend.context, peer->link, true);
    }
    p2p_known_release(&peer->transactions);
    p2p_known_release(&peer->blocks);
    p2p_eth_queue_release(&peer->out);
    p2p_eth_queue_release(&peer->announce);
    p2p_eth_queue_release(&peer->wanted);
    mem_free(peer);
}

/* --- Time --- */

static void peer_tick(struct p2p_eth_peer *peer, uint64_t now)
{
    struct p2p_eth *eth = peer->eth;
    if (peer->going)
        return;
    if (!peer->ready) {
        if (now >= peer->status_deadline)
            p2p_eth_drop(peer, P2P_READ_TIMEOUT, "no Status within %d ms", STATUS_TIMEOUT);
        else
            p2p_eth_wake(eth, peer->status_deadline);
        return;
    }
    for (size_t i = 0; i < REQUESTS; i++) {
        struct request *r = &peer->requests[i];
        if (r->purpose == FOR_NOTHING)
            continue;
        if (now >= r->deadline)
            answered(peer, r, NULL);
        else
            p2p_eth_wake(eth, r->deadline);
    }
    if (now < peer->rest_until)
        p2p_eth_wake(eth, peer->rest_until);
    p2p_eth_gossip_flush(peer);
    p2p_eth_intake_ask(peer);
}

void p2p_eth_tick(struct p2p_eth *eth)
{
    uint64_t now = p2p_eth_now(eth);
    eth->wake_at = UINT64_MAX;
    for (struct p2p_eth_peer *peer = eth->peers; peer; peer = peer->next)
        peer_tick(peer, now);
    p2p_eth_fetch_work(eth);
    p2p_eth_sync_check(eth);
    p2p_eth_sync_work(eth);
}

void p2p_eth_drained(struct p2p_eth *eth, struct p2p_eth_peer *peer)
{
    (void)eth;
    if (peer->ready && !peer->going)
        p2p_eth_gossip_flush(peer);
}

/* --- What happens in the node --- */

void p2p_eth_new_head(struct p2p_eth *eth, struct chain_block *block, const struct u256 *td,
                      bool fresh)
{
    if ((fresh || eth->fetcher.importing) && eth->sync.importing == 0)
        p2p_eth_gossip_block(eth, block, td);
    p2p_eth_fetch_work(eth);
    p2p_eth_wake(eth, p2p_eth_now(eth)); /* the pool may have room for what peers have announced */
}

void p2p_eth_accept_transactions(struct p2p_eth *eth)
{
    eth->accepting = true;
}

/* --- Looking --- */

void p2p_eth_progress(const struct p2p_eth *eth, struct p2p_eth_progress *ret_progress)
{
    const struct sync *s = &eth->sync;
    struct p2p_eth_head head;
    eth->backend.head(eth->backend.context, &head);
    *ret_progress = (struct p2p_eth_progress){
        .syncing = s->told, .start = s->start, .current = head.number, .highest = s->highest};
}

bool p2p_eth_peer_info(const struct p2p_eth *eth, const struct hash256 *id,
                       struct p2p_eth_peer_info *ret_info)
{
    for (const struct p2p_eth_peer *peer = eth->peers; peer; peer = peer->next)
        if (hash256_equal(&peer->id, id)) {
            *ret_info = (struct p2p_eth_peer_info){
                .ready = peer->ready, .version = peer->version, .td = peer->td, .head = peer->head};
            return true;
        }
    return false;
}

size_t p2p_eth_peer_count(const struct p2p_eth *eth)
{
    return eth->ready_count;
}
