/*
 * Single blocks near the head (GoQuorum, eth/fetcher/block_fetcher.go): those that peers send wait for their parent, those
 * that they announce are asked for when they have not come by themselves for a while. A block that is not valid costs its
 * sender the connection.
 *
 * Other than there, a block is passed on once it has been imported, not after its header alone; an import takes a few
 * milliseconds, and nothing bad is ever passed on.
 */
#include "base/mem.h"
#include "consensus/istanbul/hash.h"
#include "p2p/eth/eth_priv.h"

static struct fetch *find(struct fetcher *f, const struct hash256 *hash)
{
    for (size_t i = 0; i < f->count; i++)
        if (hash256_equal(&f->items[i].hash, hash))
            return &f->items[i];
    return NULL;
}

static struct fetch *add(struct fetcher *f, const struct hash256 *hash, uint64_t number)
{
    if (MEM_RESERVE(f->items, f->capacity, f->count + 1, 16))
        return NULL;
    struct fetch *e = &f->items[f->count++];
    *e = (struct fetch){.hash = *hash, .number = number};
    buf_init(&e->header);
    return e;
}

static bool holds_block(const struct fetch *e)
{
    return e->state == FETCH_QUEUED || e->state == FETCH_IMPORT;
}

static void count_peer(const struct fetch *e, struct p2p_eth_peer *peer, int by)
{
    unsigned *n = holds_block(e) ? &peer->queued : &peer->announced;
    *n = (unsigned)((int)*n + by);
}

static void release_block(struct fetcher *f, struct fetch *e)
{
    f->bytes -= e->size;
    e->size = 0;
    chain_block_unref(e->block);
    e->block = NULL;
}

static void forget(struct fetcher *f, struct fetch *e)
{
    for (size_t i = 0; i < e->peer_count; i++)
        count_peer(e, e->peers[i], -1);
    release_block(f, e);
    buf_release(&e->header);
    *e = f->items[--f->count];
}

static void add_peer(struct fetch *e, struct p2p_eth_peer *peer)
{
    for (size_t i = 0; i < e->peer_count; i++)
        if (e->peers[i] == peer)
            return;
    if (e->peer_count == FETCH_PEERS)
        return;
    e->peers[e->peer_count++] = peer;
    count_peer(e, peer, 1);
}

static void drop_first_peer(struct fetch *e)
{
    count_peer(e, e->peers[0], -1);
    memmove(e->peers, e->peers + 1, --e->peer_count * sizeof(e->peers[0]));
}

static void head_of(struct p2p_eth *eth, struct p2p_eth_head *ret_head)
{
    eth->backend.head(eth->backend.context, ret_head);
}

static bool is_near(uint64_t number, uint64_t head)
{
    return number + FETCH_BEHIND >= head && number <= head + FETCH_AHEAD;
}

static bool has_block(struct p2p_eth *eth, const struct hash256 *hash)
{
    uint64_t number;
    return eth->backend.number_of(eth->backend.context, hash, &number) == ERR_OK;
}

/* --- Announced --- */

void p2p_eth_fetch_announced(struct p2p_eth_peer *peer, const struct p2p_eth_announce *items,
                             size_t count)
{
    struct p2p_eth *eth = peer->eth;
    struct fetcher *f = &eth->fetcher;
    struct p2p_eth_head head;
    head_of(eth, &head);
    for (size_t i = 0; i < count; i++) {
        const struct p2p_eth_announce *a = &items[i];
        if (has_block(eth, &a->hash))
            continue;
        if (a->number > peer->seen)
            peer->seen = a->number;
        if (!is_near(a->number, head.number) || peer->announced >= FETCH_ANNOUNCES)
            continue;
        struct fetch *e = find(f, &a->hash);
        if (!e) {
            if (f->count >= FETCH_TOTAL || !(e = add(f, &a->hash, a->number)))
                continue;
            e->due = p2p_eth_now(eth) + FETCH_DELAY;
            p2p_eth_wake(eth, e->due);
        }
        if (!holds_block(e))
            add_peer(e, peer);
    }
    p2p_eth_sync_check(eth);
}

static void ask_header(struct p2p_eth_peer *peer, struct fetch *e, struct request *r)
{
    struct p2p_eth_query query = {.by_hash = true, .hash = e->hash, .amount = 1};
    r->hash = e->hash;
    e->state = FETCH_HEADER;
    p2p_eth_ask_headers(peer, r, &query);
}

/* Asks the next of its announcers. An entry without any is forgotten (false). */
static bool ask(struct p2p_eth *eth, struct fetch *e)
{
    while (e->peer_count > 0) {
        struct p2p_eth_peer *peer = e->peers[0];
        struct request *r = peer->going ? NULL
                                        : p2p_eth_request(peer, FOR_FETCH_HEADER,
                                                          P2P_ETH_BLOCK_HEADERS, FETCH_TIMEOUT);
        if (r) {
            ask_header(peer, e, r);
            return true;
        }
        drop_first_peer(e);
    }
    (void)eth;
    return false;
}

/* --- Complete blocks --- */

/* The block of an entry is there. False: there is no room for it. */
static bool queue(struct p2p_eth *eth, struct fetch *e, struct p2p_eth_peer *from,
                  struct chain_block *block)
{
    struct fetcher *f = &eth->fetcher;
    size_t size = chain_block_size(block);
    if (from->queued >= FETCH_BLOCKS || f->bytes + size > FETCH_BYTES_MAX)
        return false;
    while (e->peer_count > 0)
        drop_first_peer(e);
    buf_release(&e->header);
    e->state = FETCH_QUEUED;
    e->block = chain_block_ref(block);
    e->size = size;
    f->bytes += size;
    e->due = p2p_eth_now(eth) + 2 * FETCH_TIMEOUT; /* its parent should come by then */
    add_peer(e, from);
    return true;
}

/* Reads the header of a block in a message, and its hash. NULL: fine; otherwise why not. */
static const char *read_header(struct eth_header *ret_header, struct hash256 *ret_hash,
                               struct bytes block)
{
    struct rlp_reader r;
    rlp_reader_init(&r, block);
    rlp_enter(&r, "block");
    struct bytes raw = rlp_read_raw(&r, "header");
    if (!rlp_ok(&r) || eth_header_decode(ret_header, raw, NULL) != ERR_OK)
        return "malformed header";
    /* GoQuorum's sanity checks (core/types/block.go). */
    if (u256_bit_length(&ret_header->difficulty) > P2P_ETH_DIFFICULTY_BITS)
        return "too large block difficulty";
    if (ret_header->extra.len > P2P_ETH_EXTRA_MAX)
        return "too large block extradata";
    if (istanbul_block_hash(ret_header, ret_hash) != ERR_OK)
        return "out of memory";
    return NULL;
}

/* The peer has the parent of what it sends, at least (GoQuorum, handleBlockBroadcast). */
static void raise_peer(struct p2p_eth_peer *peer, const struct eth_header *header,
                       const struct u256 *td)
{
    if (header->number > peer->seen)
        peer->seen = header->number;
    if (u256_compare(td, &header->difficulty) < 0)
        return;
    struct u256 parent_td = *td;
    u256_sub(&parent_td, td, &header->difficulty);
    if (u256_compare(&parent_td, &peer->td) > 0) {
        peer->td = parent_td;
        peer->head = header->parent_hash;
    }
}

static void take_block(struct p2p_eth_peer *peer, const struct hash256 *hash, uint64_t number,
                       struct bytes rlp)
{
    struct p2p_eth *eth = peer->eth;
    struct fetcher *f = &eth->fetcher;
    struct chain_block *block;
    struct err_detail detail = {""};
    int status = chain_block_decode(&block, rlp, &detail);
    if (status == ERR_NOMEM)
        return;
    if (status != ERR_OK) {
        p2p_eth_drop(peer, P2P_SUBPROTOCOL_ERROR, "invalid message: NewBlock: %s", detail.text);
        return;
    }
    struct fetch *e = find(f, hash);
    bool is_new = !e;
    /* A body that is not the header's: GoQuorum only warns. */
    if (!chain_block_matches(block))
        p2p_eth_penalize(peer, 20, "a block whose body is not its header's");
    else if (e || (f->count < FETCH_TOTAL && (e = add(f, hash, number)))) {
        if (!queue(eth, e, peer, block) && is_new)
            forget(f, e);
    }
    chain_block_unref(block);
}

void p2p_eth_fetch_block(struct p2p_eth_peer *peer, const struct p2p_eth_message *m)
{
    struct p2p_eth *eth = peer->eth;
    struct eth_header header;
    struct hash256 hash;
    const char *why = read_header(&header, &hash, m->new_block.block);
    if (!why && u256_bit_length(&m->new_block.td) > P2P_ETH_TD_BITS)
        why = "too large block TD";
    if (why) {
        p2p_eth_drop(peer, P2P_SUBPROTOCOL_ERROR, "invalid message: NewBlock: %s", why);
        return;
    }
    p2p_known_add(&peer->blocks, &hash);
    struct p2p_eth_head head;
    head_of(eth, &head);
    const struct fetch *e = find(&eth->fetcher, &hash);
    if (is_near(header.number, head.number) && !has_block(eth, &hash) && !(e && holds_block(e)))
        take_block(peer, &hash, header.number, m->new_block.block);
    raise_peer(peer, &header, &m->new_block.td);
    p2p_eth_fetch_work(eth);
    p2p_eth_sync_check(eth);
}

/* --- Answers --- */

static void complete(struct p2p_eth_peer *peer, struct fetch *e, struct bytes body)
{
    struct p2p_eth *eth = peer->eth;
    struct chain_block *block;
    bool done = false;
    if (chain_block_join(&block, buf_bytes(&e->header), body, NULL) == ERR_OK) {
        done = chain_block_matches(block) && queue(eth, e, peer, block);
        chain_block_unref(block);
    }
    if (!done)
        forget(&eth->fetcher, e);
}

static bool is_empty(const struct eth_header *h)
{
    return hash256_equal(&h->transactions_root, &eth_empty_trie_root) &&
           hash256_equal(&h->uncles_hash, &eth_empty_uncles_hash) &&
           h->tail < ETH_HEADER_WITHDRAWALS_ROOT;
}

static void got_header(struct p2p_eth_peer *peer, struct fetch *e, struct bytes raw)
{
    struct fetcher *f = &peer->eth->fetcher;
    struct eth_header header;
    struct hash256 hash;
    if (eth_header_decode(&header, raw, NULL) != ERR_OK ||
        istanbul_block_hash(&header, &hash) != ERR_OK || !hash256_equal(&hash, &e->hash) ||
        header.number != e->number) {
        p2p_eth_penalize(peer, 50, "not the header that it announced");
        forget(f, e);
        return;
    }
    buf_append_bytes(&e->header, raw);
    if (is_empty(&header)) {
        complete(peer, e, bytes_of("\xc2\xc0\xc0", 3));
        return;
    }
    struct request *r = p2p_eth_request(peer, FOR_FETCH_BODY, P2P_ETH_BLOCK_BODIES, FETCH_TIMEOUT);
    if (!r || buf_status(&e->header) != ERR_OK) {
        if (r)
            r->purpose = FOR_NOTHING;
        forget(f, e);
        return;
    }
    r->hash = e->hash;
    e->state = FETCH_BODY;
    p2p_eth_ask_hashes(peer, r, P2P_ETH_GET_BLOCK_BODIES, &e->hash, 1);
}

void p2p_eth_fetch_answered(struct p2p_eth_peer *peer, const struct request *request,
                            const struct p2p_eth_message *m)
{
    struct p2p_eth *eth = peer->eth;
    struct fetch *e = find(&eth->fetcher, &request->hash);
    enum fetch_state waits = request->purpose == FOR_FETCH_HEADER ? FETCH_HEADER : FETCH_BODY;
    if (!e || e->state != waits || e->peer_count == 0 || e->peers[0] != peer)
        return; /* it has come by itself */
    if (!m || m->list.count != 1) {
        drop_first_peer(e);
        buf_clear(&e->header);
        if (!ask(eth, e))
            forget(&eth->fetcher, e);
        return;
    }
    if (waits == FETCH_HEADER)
        got_header(peer, e, m->list.items[0]);
    else
        complete(peer, e, m->list.items[0]);
    p2p_eth_fetch_work(eth);
}

/* --- Import --- */

static void imported(void *context, const struct p2p_eth_imported *result)
{
    struct p2p_eth *eth = context;
    struct fetcher *f = &eth->fetcher;
    f->importing = false;
    struct fetch *e = NULL;
    for (size_t i = 0; i < f->count && !e; i++)
        if (f->items[i].state == FETCH_IMPORT)
            e = &f->items[i];
    if (e) {
        bool bad = result->status == ERR_OK && result->count == 0 &&
                   result->verdict > CHAIN_UNKNOWN_PARENT && result->verdict != CHAIN_SIDE_CHAIN;
        if (result->count > 0)
            eth->accepting = true;
        if (bad) {
            p2p_eth_report(eth, P2P_ETH_WARN, "a peer sent a bad block %llu: %s",
                           (unsigned long long)e->number, result->why.text);
            if (e->peer_count > 0)
                p2p_eth_penalize(e->peers[0], 100, result->why.text);
        }
        forget(f, e);
    }
    p2p_eth_fetch_work(eth);
    p2p_eth_sync_work(eth);
}

/* The queued block that comes next, if there is one. What is too old, or known by now, is forgotten. */
static struct fetch *next_import(struct p2p_eth *eth, uint64_t head)
{
    struct fetcher *f = &eth->fetcher;
    uint64_t now = p2p_eth_now(eth);
    for (size_t i = 0; i < f->count;) {
        struct fetch *e = &f->items[i];
        if (e->state == FETCH_IMPORT) {
            i++;
        } else if (has_block(eth, &e->hash) || e->number + FETCH_BEHIND < head ||
                   (e->state == FETCH_QUEUED && now >= e->due)) {
            forget(f, e);
        } else if (e->state == FETCH_QUEUED && e->number <= head + 1) {
            return e;
        } else {
            if (e->state == FETCH_QUEUED)
                p2p_eth_wake(eth, e->due);
            i++;
        }
    }
    return NULL;
}

static void import_next(struct p2p_eth *eth)
{
    struct fetcher *f = &eth->fetcher;
    if (f->importing || eth->sync.state == SYNC_RUN)
        return;
    struct p2p_eth_head head;
    head_of(eth, &head);
    struct fetch *e = next_import(eth, head.number);
    if (!e)
        return;
    struct chain_block *block = e->block;
    e->state = FETCH_IMPORT;
    f->importing = true;
    if (eth->backend.import(eth->backend.context, &block, 1, imported, eth) != ERR_OK) {
        f->importing = false;
        forget(f, e);
    }
}

void p2p_eth_fetch_work(struct p2p_eth *eth)
{
    struct fetcher *f = &eth->fetcher;
    uint64_t now = p2p_eth_now(eth);
    for (size_t i = 0; i < f->count;) {
        struct fetch *e = &f->items[i];
        if (e->state == FETCH_ANNOUNCED) {
            if (has_block(eth, &e->hash) || (now >= e->due && !ask(eth, e))) {
                forget(f, e);
                continue;
            }
            if (e->state == FETCH_ANNOUNCED)
                p2p_eth_wake(eth, e->due);
        }
        i++;
    }
    import_next(eth);
}

void p2p_eth_fetch_peer_gone(struct p2p_eth *eth, struct p2p_eth_peer *peer)
{
    struct fetcher *f = &eth->fetcher;
    for (size_t i = 0; i < f->count;) {
        struct fetch *e = &f->items[i];
        for (size_t p = 0; p < e->peer_count; p++)
            if (e->peers[p] == peer) {
                memmove(e->peers + p, e->peers + p + 1,
                        (--e->peer_count - p) * sizeof(e->peers[0]));
                break;
            }
        if (e->peer_count == 0 && !holds_block(e))
            forget(f, e);
        else
            i++;
    }
}

void p2p_eth_fetch_release(struct p2p_eth *eth)
{
    struct fetcher *f = &eth->fetcher;
    while (f->count > 0)
        forget(f, &f->items[f->count - 1]);
    mem_free(f->items);
    *f = (struct fetcher){NULL, 0, 0, 0, false};
}
