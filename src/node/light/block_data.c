#include "node/light/block_data.h"

#include "base/clock.h"
#include "p2p/eth/wire.h"
#include "p2p/qlight/wire.h"

enum {
    /* Bytes of payloads that go into one message; one alone is never over its limit, which is that of transactions, too. */
    MESSAGE_SOFT = 4 << 20,
};

/* The messages of a block, as they are put together. */
struct gathering {
    const struct node_light_view *view;
    const struct chain_psi *psi; /* NULL: the only one */
    struct arena arena;
    struct buf *messages;
    struct p2p_qlight_block block;
    struct p2p_qlight_payload *payloads;
    size_t capacity, bytes;
    struct err_detail *detail;
};

static int flush(struct gathering *g)
{
    if (g->block.count == 0)
        return 0;
    g->block.payloads = g->payloads;
    p2p_qlight_write_private_data(g->messages, &g->block);
    g->block.count = 0;
    g->block.root =
        (struct hash256){{0}}; /* once: GoQuorum's client takes a second one for an error */
    g->bytes = 0;
    return buf_status(g->messages);
}

static int add(struct gathering *g, const struct p2p_qlight_payload *payload)
{
    int err = 0;
    if (g->bytes > 0 && g->bytes + payload->payload.data.len > MESSAGE_SOFT)
        err = flush(g);
    if (!err && g->block.count == g->capacity) {
        size_t capacity = g->capacity ? 2 * g->capacity : 16;
        struct p2p_qlight_payload *more = arena_alloc(&g->arena, capacity * sizeof(*more));
        if (!more)
            return ERR_NOMEM;
        if (g->block.count)
            memcpy(more, g->payloads, g->block.count * sizeof(*more));
        g->payloads = more;
        g->capacity = capacity;
    }
    if (!err) {
        g->payloads[g->block.count++] = *payload;
        g->bytes += payload->payload.data.len;
    }
    return err;
}

static bool concerns(const struct chain_psi *psi, const struct chain_payload *payload)
{
    for (size_t i = 0; i < payload->managed_count; i++)
        if (chain_psi_has(psi, payload->managed_parties[i]))
            return true;
    return false;
}

/* Of the parties those that are of the private state; where there is one, nobody is looked up, and none are named. */
static int keep_members(struct gathering *g, struct chain_payload *payload)
{
    struct bytes *kept = arena_alloc(&g->arena, (payload->managed_count + 1) * sizeof(*kept));
    size_t count = 0;
    if (!kept)
        return ERR_NOMEM;
    for (size_t i = 0; g->psi && i < payload->managed_count; i++)
        if (chain_psi_has(g->psi, payload->managed_parties[i]))
            kept[count++] = payload->managed_parties[i];
    payload->managed_parties = kept;
    payload->managed_count = count;
    return 0;
}

/* The payload that a transaction's data names. *ret_payload: what it is to whoever is party to it. */
static int take(struct gathering *g, struct chain_payload *ret_payload, struct bytes data)
{
    struct p2p_qlight_payload item = {.hash = chain_payload_hash_of(data)};
    int err = privacy_receive(g->view->tm, ret_payload, &item.hash, false, &g->arena, g->detail);
    if (err || !ret_payload->is_party || (g->psi && !concerns(g->psi, ret_payload)))
        return err;
    item.payload = *ret_payload;
    if (g->psi)
        item.is_sender = chain_psi_has(g->psi, item.payload.sender);
    else
        err = privacy_is_sender(g->view->tm, &item.is_sender, &item.hash, g->detail);
    if (!err)
        err = keep_members(g, &item.payload);
    return err ? err : add(g, &item);
}

/* A marker's payload is a private transaction, which has one, too. */
static int take_marker(struct gathering *g, struct bytes data)
{
    struct eth_transaction inner;
    struct chain_payload payload, unused;
    int err = take(g, &payload, data), parse_err = 0;
    if (err || !payload.is_party ||
        !chain_private_parse(&inner, &g->arena, payload.data, &parse_err))
        return err ? err : parse_err;
    return eth_transaction_is_private(&inner) ? take(g, &unused, inner.data) : 0;
}

static int gather(struct gathering *g, const struct chain_block *block)
{
    const struct eth_body *body = &block->body->body;
    int err = 0;
    for (size_t i = 0; i < body->transaction_count && !err; i++) {
        const struct eth_transaction *tx = &body->transactions[i];
        struct chain_payload unused;
        if (g->view->unwanted && atomic_load(g->view->unwanted))
            err = ERR_BUSY;
        else if (chain_is_marker(tx))
            err = take_marker(g, tx->data);
        else if (eth_transaction_is_private(tx))
            err = take(g, &unused, tx->data);
    }
    return err ? err : flush(g);
}

/* The private state after a block. Zero: it is not kept any more, as in the reference; or another block has taken this one's place since it
 * was the head, and with the number would be found that one's state. */
static struct hash256 root_after(struct chain_reader *reader, const struct chain_block *block,
                                 struct bytes psi)
{
    const struct hash256 unknown = {{0}};
    struct hash256 canonical, root;
    uint64_t number = block->header.number;
    bool found = chain_reader_hash(reader, &canonical, number) == 0 &&
                 hash256_equal(&canonical, &block->hash) &&
                 chain_reader_private_root(reader, &root, psi, number) == 0;
    return found ? root : unknown;
}

int node_light_block_data(struct buf *messages, struct chain_reader *reader,
                          const struct chain_block *block, const struct node_light_view *view,
                          bool tell_root, struct err_detail *detail)
{
    struct gathering g = {.view = view,
                          .messages = messages,
                          .block = {.hash = block->hash, .psi = view->psi},
                          .detail = detail};
    if (!view->tm)
        return 0;
    if (view->psis && !(g.psi = chain_psi_of(view->psis, view->psi)))
        return err_set(detail, ERR_NOTFOUND, "unable to find private state for context psi %.*s",
                       (int)view->psi.len, (const char *)view->psi.data);
    if (tell_root)
        g.block.root = root_after(reader, block, view->psi);
    arena_init(&g.arena);
    int err = gather(&g, block);
    arena_release(&g.arena);
    return err;
}

/* *ret_found: it is of the chain. */
static int add_body(struct buf *private_data, struct buf *message, struct chain_reader *reader,
                    const struct hash256 *hash, const struct node_light_view *view, bool tell_root,
                    bool *ret_found, struct err_detail *detail)
{
    uint64_t number;
    struct chain_block *block;
    int err = chain_reader_number(reader, &number, hash);
    if (!err)
        err = chain_reader_block(reader, &block, number);
    *ret_found = !err;
    if (err == ERR_NOTFOUND)
        return 0;
    if (err)
        return err_set(detail, err, "%s", reader->detail.text);
    err = node_light_block_data(private_data, reader, block, view, tell_root, detail);
    size_t list = rlp_begin(message);
    rlp_write_raw(message, block->body->rlp);
    rlp_end_list(message, list);
    chain_block_unref(block);
    return err;
}

int node_light_bodies(struct buf *private_data, struct buf *message, size_t *ret_count,
                      struct chain_reader *reader, const struct node_light_bodies *asked,
                      const struct node_light_view *view, struct err_detail *detail)
{
    struct p2p_eth_open open = p2p_eth_begin(message, P2P_ETH_65, P2P_ETH_BLOCK_BODIES, 0);
    bool any = false;
    int err = 0;
    *ret_count = 0;
    for (size_t i = 0; i < asked->count && !err; i++) {
        bool found, goes_on = message->len + private_data->len < asked->bytes_soft &&
                              base_now_ms() < asked->until;
        if (any && !goes_on)
            break;
        err = add_body(private_data, message, reader, &asked->hashes[i], view, asked->tell_root[i],
                       &found, detail);
        any |= found;
        ++*ret_count;
    }
    p2p_eth_end(message, P2P_ETH_65, P2P_ETH_BLOCK_BODIES, open);
    return err ? err : buf_status(message);
}
