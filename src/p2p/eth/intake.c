/*
 * Transactions that come in. Each is hashed first; what the pool has, or what is being looked at, only tells that the peer
 * knows it. The rest is decoded once and given to the backend, which recovers the senders elsewhere.
 */
#include "base/mem.h"
#include "crypto/keccak.h"
#include "p2p/eth/eth_priv.h"

/* What was given to the backend at once. */
struct batch {
    struct p2p_eth *eth;
    size_t count, bytes;
    struct hash256 hashes[];
};

static void batch_taken(void *context)
{
    struct batch *batch = context;
    struct intake *in = &batch->eth->intake;
    for (size_t i = 0; i < batch->count; i++)
        p2p_known_remove(&in->taken, &batch->hashes[i]);
    in->count -= batch->count;
    in->bytes -= batch->bytes;
    mem_free(batch);
}

/* The form that is hashed: a legacy transaction is its list, others are in a string. */
static bool form_of(struct bytes *ret_form, struct bytes item)
{
    struct rlp_reader r;
    rlp_reader_init(&r, item);
    *ret_form = rlp_peek(&r) == RLP_STRING ? rlp_read_bytes(&r, "transaction")
                                           : rlp_read_raw(&r, "transaction");
    return rlp_finish(&r, NULL, "transaction") == ERR_OK;
}

/* Decodes what is new of a message. False: the peer has sent something that is no transaction. */
static bool collect(struct p2p_eth_peer *peer, const struct p2p_eth_message *m, struct batch *batch,
                    struct chain_tx **txs)
{
    struct p2p_eth *eth = peer->eth;
    struct p2p_eth_backend *backend = &eth->backend;
    struct intake *in = &eth->intake;
    uint64_t now = p2p_eth_now(eth);
    for (size_t i = 0; i < m->list.count; i++) {
        struct bytes form;
        if (!form_of(&form, m->list.items[i]))
            return false;
        struct hash256 hash;
        crypto_keccak256(&hash, form);
        p2p_known_add(&peer->transactions, &hash);
        if (p2p_known_has(&in->taken, &hash) || backend->has_transaction(backend->context, &hash) ||
            in->count + batch->count >= INTAKE_MAX ||
            in->bytes + batch->bytes + form.len > INTAKE_BYTES_MAX)
            continue;
        struct chain_tx *tx;
        int status = chain_tx_decode(&tx, form, backend->is_quorum, now, NULL);
        if (status == ERR_INPUT || status == ERR_LIMIT)
            return false;
        if (status != ERR_OK)
            continue;
        p2p_known_add(&in->taken, &hash);
        batch->bytes += form.len;
        batch->hashes[batch->count] = hash;
        txs[batch->count++] = tx;
    }
    return true;
}

void p2p_eth_intake(struct p2p_eth_peer *peer, const struct p2p_eth_message *m)
{
    struct p2p_eth *eth = peer->eth;
    struct p2p_eth_backend *backend = &eth->backend;
    if (m->list.count == 0 || backend->is_full(backend->context))
        return;
    struct batch *batch = mem_alloc(sizeof(*batch) + m->list.count * sizeof(*batch->hashes));
    struct chain_tx **txs = arena_alloc(&eth->arena, m->list.count * sizeof(struct chain_tx *));
    if (!batch || !txs) {
        mem_free(batch);
        return;
    }
    *batch = (struct batch){.eth = eth};
    bool sound = collect(peer, m, batch, txs);
    eth->intake.count += batch->count;
    eth->intake.bytes += batch->bytes;
    if (batch->count == 0 ||
        backend->take(backend->context, txs, batch->count, batch_taken, batch) != ERR_OK)
        batch_taken(batch);
    if (!sound)
        p2p_eth_drop(peer, P2P_SUBPROTOCOL_ERROR, "invalid message: a transaction in %s",
                     p2p_eth_code_name(m->code));
}

/* --- Announced ones --- */

void p2p_eth_intake_announced(struct p2p_eth_peer *peer, const struct p2p_eth_hashes *hashes)
{
    struct p2p_eth_backend *backend = &peer->eth->backend;
    for (size_t i = 0; i < hashes->count; i++) {
        struct hash256 hash = p2p_eth_hash_at(hashes, i);
        p2p_known_add(&peer->transactions, &hash);
        /* As GoQuorum: what goes over the limit is not remembered. */
        if (peer->wanted.count < WANTED_MAX && !backend->has_transaction(backend->context, &hash))
            p2p_eth_queue_push(&peer->wanted, WANTED_MAX, &hash);
    }
    p2p_eth_intake_ask(peer);
}

/* One request at a time. What another peer was asked for stays in the queue until that one has answered or not. */
void p2p_eth_intake_ask(struct p2p_eth_peer *peer)
{
    struct p2p_eth *eth = peer->eth;
    struct p2p_eth_backend *backend = &eth->backend;
    if (peer->going || peer->wanted.count == 0 || p2p_eth_is_asked(peer, FOR_TRANSACTIONS) ||
        backend->is_full(backend->context))
        return;
    struct hash256 *hashes = mem_alloc(WANTED_BATCH * sizeof(*hashes));
    if (!hashes)
        return;
    size_t count = 0;
    for (size_t left = peer->wanted.count; left > 0 && count < WANTED_BATCH; left--) {
        struct hash256 hash = *p2p_eth_queue_at(&peer->wanted, 0);
        p2p_eth_queue_drop(&peer->wanted, 1);
        if (p2p_known_has(&eth->intake.taken, &hash) ||
            backend->has_transaction(backend->context, &hash))
            continue;
        if (p2p_known_has(&eth->intake.asked, &hash)) {
            p2p_eth_queue_push(&peer->wanted, WANTED_MAX, &hash);
            continue;
        }
        hashes[count++] = hash;
    }
    struct request *r = count > 0 ? p2p_eth_request(peer, FOR_TRANSACTIONS,
                                                    P2P_ETH_POOLED_TRANSACTIONS, FETCH_TIMEOUT)
                                  : NULL;
    if (!r) {
        for (size_t i = 0; i < count; i++)
            p2p_eth_queue_push(&peer->wanted, WANTED_MAX, &hashes[i]);
        if (peer->wanted.count > 0)
            p2p_eth_wake(eth, p2p_eth_now(eth) + 500);
        mem_free(hashes);
        return;
    }
    r->hashes = hashes;
    r->count = count;
    for (size_t i = 0; i < count; i++)
        p2p_known_add(&eth->intake.asked, &hashes[i]);
    p2p_eth_ask_hashes(peer, r, P2P_ETH_GET_POOLED_TRANSACTIONS, hashes, count);
}

void p2p_eth_intake_answered(struct p2p_eth_peer *peer, const struct request *request,
                             const struct p2p_eth_message *m)
{
    for (size_t i = 0; i < request->count; i++)
        p2p_known_remove(&peer->eth->intake.asked, &request->hashes[i]);
    if (!m)
        return;
    if (m->list.count > request->count) {
        p2p_eth_drop(peer, P2P_SUBPROTOCOL_ERROR, "more transactions than were asked for");
        return;
    }
    p2p_eth_intake(peer, m);
    p2p_eth_intake_ask(peer);
}
