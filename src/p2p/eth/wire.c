#include "p2p/eth/wire.h"

/* What a body is made of. */
enum shape {
    SHAPE_NONE, /* no message has this code */
    SHAPE_STATUS,
    SHAPE_ANNOUNCES,
    SHAPE_TRANSACTIONS,
    SHAPE_QUERY,
    SHAPE_LISTS,
    SHAPE_STRINGS,
    SHAPE_HASHES,
    SHAPE_NEW_BLOCK,
};

static const struct {
    const char *name;
    enum shape shape;
    bool has_id; /* from eth/66 on */
    size_t most; /* items, where it answers a request of ours */
} messages[P2P_ETH_LENGTH] = {
    [P2P_ETH_STATUS] = {"Status", SHAPE_STATUS, false, 0},
    [P2P_ETH_NEW_BLOCK_HASHES] = {"NewBlockHashes", SHAPE_ANNOUNCES, false, 0},
    [P2P_ETH_TRANSACTIONS] = {"Transactions", SHAPE_TRANSACTIONS, false, 0},
    [P2P_ETH_GET_BLOCK_HEADERS] = {"GetBlockHeaders", SHAPE_QUERY, true, 0},
    [P2P_ETH_BLOCK_HEADERS] = {"BlockHeaders", SHAPE_LISTS, true, P2P_ETH_SERVE_MAX},
    [P2P_ETH_GET_BLOCK_BODIES] = {"GetBlockBodies", SHAPE_HASHES, true, 0},
    [P2P_ETH_BLOCK_BODIES] = {"BlockBodies", SHAPE_LISTS, true, P2P_ETH_SERVE_MAX},
    [P2P_ETH_NEW_BLOCK] = {"NewBlock", SHAPE_NEW_BLOCK, false, 0},
    [P2P_ETH_NEW_POOLED_HASHES] = {"NewPooledTransactionHashes", SHAPE_HASHES, false, 0},
    [P2P_ETH_GET_POOLED_TRANSACTIONS] = {"GetPooledTransactions", SHAPE_HASHES, true, 0},
    [P2P_ETH_POOLED_TRANSACTIONS] = {"PooledTransactions", SHAPE_TRANSACTIONS, true, 0},
    [P2P_ETH_GET_NODE_DATA] = {"GetNodeData", SHAPE_HASHES, true, 0},
    [P2P_ETH_NODE_DATA] = {"NodeData", SHAPE_STRINGS, true, P2P_ETH_SERVE_MAX},
    [P2P_ETH_GET_RECEIPTS] = {"GetReceipts", SHAPE_HASHES, true, 0},
    [P2P_ETH_RECEIPTS] = {"Receipts", SHAPE_LISTS, true, P2P_ETH_SERVE_MAX},
};

enum {
    HASH_ITEM = 33, /* bytes of an encoded hash */
    /* The least bytes of a transaction: a legacy one of nine empty fields has 10. */
    TRANSACTION_SMALLEST = 10,
    ANNOUNCE_SMALLEST = 1 + HASH_ITEM + 1,
};

static bool code_known(uint64_t code)
{
    return code < P2P_ETH_LENGTH && messages[code].shape != SHAPE_NONE;
}

const char *p2p_eth_code_name(uint64_t code)
{
    return code_known(code) ? messages[code].name : "unknown";
}

bool p2p_eth_code_has_id(unsigned version, uint64_t code)
{
    return version >= P2P_ETH_66 && code_known(code) && messages[code].has_id;
}

static void read_status(struct p2p_eth_status *s, struct rlp_reader *r)
{
    rlp_enter(r, "status");
    uint64_t version = rlp_read_u64(r, "protocol version");
    if (version > UINT32_MAX)
        rlp_fail(r, RLP_OVERFLOW, "protocol version");
    s->version = (uint32_t)version;
    s->network = rlp_read_u64(r, "network id");
    s->td = rlp_read_u256(r, "total difficulty");
    s->head = rlp_read_hash(r, "head");
    s->genesis = rlp_read_hash(r, "genesis");
    rlp_enter(r, "fork id");
    rlp_read_fixed(r, s->fork.hash, sizeof(s->fork.hash), "fork hash");
    s->fork.next = rlp_read_u64(r, "next fork");
    rlp_leave(r, "fork id");
    rlp_leave(r, "status");
}

static void write_status(struct buf *b, const struct p2p_eth_status *s)
{
    size_t list = rlp_begin(b);
    rlp_write_u64(b, s->version);
    rlp_write_u64(b, s->network);
    rlp_write_u256(b, &s->td);
    rlp_write_hash(b, &s->head);
    rlp_write_hash(b, &s->genesis);
    size_t fork = rlp_begin(b);
    rlp_write_bytes(b, bytes_of(s->fork.hash, sizeof(s->fork.hash)));
    rlp_write_u64(b, s->fork.next);
    rlp_end_list(b, fork);
    rlp_end_list(b, list);
}

/* The origin is a hash when it has 32 bytes, and otherwise a number. */
static void read_query(struct p2p_eth_query *q, struct rlp_reader *r)
{
    rlp_enter(r, "query");
    struct rlp_reader ahead = *r;
    q->by_hash = rlp_read_bytes(&ahead, "origin").len == sizeof(q->hash.b);
    if (q->by_hash)
        q->hash = rlp_read_hash(r, "origin");
    else
        q->number = rlp_read_u64(r, "origin");
    q->amount = rlp_read_u64(r, "amount");
    q->skip = rlp_read_u64(r, "skip");
    q->reverse = rlp_read_bool(r, "reverse");
    rlp_leave(r, "query");
}

static void write_query(struct buf *b, const struct p2p_eth_query *q)
{
    size_t list = rlp_begin(b);
    if (q->by_hash)
        rlp_write_hash(b, &q->hash);
    else
        rlp_write_u64(b, q->number);
    rlp_write_u64(b, q->amount);
    rlp_write_u64(b, q->skip);
    rlp_write_bool(b, q->reverse);
    rlp_end_list(b, list);
}

static void read_hashes(struct p2p_eth_hashes *hashes, struct rlp_reader *r)
{
    struct rlp_reader items;
    rlp_reader_init(&items, rlp_read_list(r, "hashes"));
    hashes->items = items.at;
    hashes->count = 0;
    for (; rlp_more(&items); hashes->count++) {
        struct bytes item = rlp_read_bytes(&items, "hash");
        if (rlp_ok(&items) && item.len != sizeof(struct hash256))
            rlp_fail(&items, RLP_TOO_FEW_BYTES, "hash");
    }
    if (!rlp_ok(&items))
        rlp_fail(r, items.status, "hash");
}

static int read_announces(struct p2p_eth_message *m, struct arena *arena, struct rlp_reader *r)
{
    rlp_enter(r, "announcements");
    size_t count = rlp_count(r, ANNOUNCE_SMALLEST, "announcement");
    struct p2p_eth_announce *items = arena_alloc(arena, (count + 1) * sizeof(*items));
    if (!items)
        return ERR_NOMEM;
    for (size_t i = 0; i < count; i++) {
        rlp_enter(r, "announcement");
        items[i].hash = rlp_read_hash(r, "hash");
        items[i].number = rlp_read_u64(r, "number");
        rlp_leave(r, "announcement");
    }
    rlp_leave(r, "announcements");
    m->announces.items = items;
    m->announces.count = count;
    return ERR_OK;
}

static struct bytes read_item(struct rlp_reader *r, enum shape shape)
{
    if (shape == SHAPE_STRINGS)
        return rlp_read_bytes(r, "item");
    enum rlp_kind kind = rlp_peek(r);
    if (shape == SHAPE_LISTS && kind != RLP_LIST)
        rlp_fail(r, RLP_NOT_LIST, "item");
    return rlp_read_raw(r, "item");
}

static int read_list(struct p2p_eth_message *m, struct arena *arena, struct rlp_reader *r,
                     struct err_detail *detail)
{
    enum shape shape = messages[m->code].shape;
    size_t most = messages[m->code].most;
    rlp_enter(r, "items");
    size_t count = rlp_count(r, shape == SHAPE_TRANSACTIONS ? TRANSACTION_SMALLEST : 1, "item");
    if (most && count > most)
        return err_set(detail, ERR_LIMIT, "%s: %zu items, nobody asks for more than %zu",
                       messages[m->code].name, count, most);
    struct bytes *items = arena_alloc(arena, (count + 1) * sizeof(*items));
    if (!items)
        return ERR_NOMEM;
    for (size_t i = 0; i < count; i++)
        items[i] = read_item(r, shape);
    rlp_leave(r, "items");
    m->list.items = items;
    m->list.count = count;
    return ERR_OK;
}

static int read_body(struct p2p_eth_message *m, struct arena *arena, struct rlp_reader *r,
                     struct err_detail *detail)
{
    switch (messages[m->code].shape) {
    case SHAPE_STATUS:
        read_status(&m->status, r);
        break;
    case SHAPE_ANNOUNCES:
        return read_announces(m, arena, r);
    case SHAPE_QUERY:
        read_query(&m->query, r);
        break;
    case SHAPE_HASHES:
        read_hashes(&m->hashes, r);
        break;
    case SHAPE_NEW_BLOCK:
        rlp_enter(r, "announced block");
        if (rlp_peek(r) == RLP_STRING)
            rlp_fail(r, RLP_NOT_LIST, "block");
        m->new_block.block = rlp_read_raw(r, "block");
        m->new_block.td = rlp_read_u256(r, "total difficulty");
        rlp_leave(r, "announced block");
        break;
    case SHAPE_TRANSACTIONS:
    case SHAPE_LISTS:
    case SHAPE_STRINGS:
        return read_list(m, arena, r, detail);
    case SHAPE_NONE:
        assert(!"a code that is none");
    }
    return ERR_OK;
}

int p2p_eth_decode(struct p2p_eth_message *ret_message, struct arena *arena, unsigned version,
                   uint64_t code, struct bytes payload, struct err_detail *detail)
{
    if (!code_known(code))
        return err_set(detail, ERR_INPUT, "eth/%u has no message with code 0x%02llx", version,
                       (unsigned long long)code);
    const char *name = messages[code].name;
    if (payload.len > P2P_ETH_MESSAGE_MAX)
        return err_set(detail, ERR_LIMIT, "%s: %zu bytes, at most %d", name, payload.len,
                       P2P_ETH_MESSAGE_MAX);
    struct p2p_eth_message m = {.code = code};
    bool has_id = p2p_eth_code_has_id(version, code);
    struct rlp_reader r;
    rlp_reader_init(&r, payload);
    if (has_id) {
        rlp_enter(&r, "message");
        m.id = rlp_read_u64(&r, "request id");
    }
    int status = read_body(&m, arena, &r, detail);
    if (status != ERR_OK)
        return status;
    if (has_id)
        rlp_leave(&r, "message");
    status = rlp_finish(&r, detail, name);
    if (status == ERR_OK)
        *ret_message = m;
    return status;
}

struct p2p_eth_open p2p_eth_begin(struct buf *b, unsigned version, uint64_t code, uint64_t id)
{
    struct p2p_eth_open open = {0, 0};
    if (p2p_eth_code_has_id(version, code)) {
        open.outer = rlp_begin(b);
        rlp_write_u64(b, id);
    }
    open.inner = rlp_begin(b);
    return open;
}

void p2p_eth_end(struct buf *b, unsigned version, uint64_t code, struct p2p_eth_open open)
{
    rlp_end_list(b, open.inner);
    if (p2p_eth_code_has_id(version, code))
        rlp_end_list(b, open.outer);
}

static void write_items(struct buf *b, const struct p2p_eth_message *m)
{
    switch (messages[m->code].shape) {
    case SHAPE_ANNOUNCES:
        for (size_t i = 0; i < m->announces.count; i++) {
            size_t list = rlp_begin(b);
            rlp_write_hash(b, &m->announces.items[i].hash);
            rlp_write_u64(b, m->announces.items[i].number);
            rlp_end_list(b, list);
        }
        break;
    case SHAPE_HASHES:
        rlp_write_raw(b, bytes_of(m->hashes.items, HASH_ITEM * m->hashes.count));
        break;
    case SHAPE_NEW_BLOCK:
        rlp_write_raw(b, m->new_block.block);
        rlp_write_u256(b, &m->new_block.td);
        break;
    case SHAPE_TRANSACTIONS:
    case SHAPE_LISTS:
        for (size_t i = 0; i < m->list.count; i++)
            rlp_write_raw(b, m->list.items[i]);
        break;
    case SHAPE_STRINGS:
        for (size_t i = 0; i < m->list.count; i++)
            rlp_write_bytes(b, m->list.items[i]);
        break;
    case SHAPE_STATUS:
    case SHAPE_QUERY:
    case SHAPE_NONE:
        assert(!"not a list");
    }
}

void p2p_eth_encode(struct buf *b, unsigned version, const struct p2p_eth_message *message)
{
    assert(code_known(message->code));
    enum shape shape = messages[message->code].shape;
    if (shape == SHAPE_STATUS) {
        write_status(b, &message->status);
        return;
    }
    if (shape == SHAPE_QUERY) {
        bool has_id = p2p_eth_code_has_id(version, message->code);
        size_t outer = has_id ? rlp_begin(b) : 0;
        if (has_id)
            rlp_write_u64(b, message->id);
        write_query(b, &message->query);
        if (has_id)
            rlp_end_list(b, outer);
        return;
    }
    struct p2p_eth_open open = p2p_eth_begin(b, version, message->code, message->id);
    write_items(b, message);
    p2p_eth_end(b, version, message->code, open);
}
