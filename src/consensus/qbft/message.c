#include "consensus/qbft/message.h"

#include "crypto/keccak.h"
#include "rlp/rlp.h"

enum {
    /* Least encoded sizes: two lists, two numbers, digest and empty signature; [[0, 0, []], ""]. */
    PREPARE_SMALLEST = 1 + 1 + 2 + 33 + 1,
    ROUND_CHANGE_SMALLEST = 1 + 1 + 3 + 1,
};

/* ---- decoding ---- */

static void read_view(struct rlp_reader *r, uint64_t *ret_number, uint64_t *ret_round)
{
    *ret_number = rlp_read_u64(r, "number");
    *ret_round = rlp_read_u64(r, "round");
    if (*ret_round > UINT32_MAX) /* a header holds 32 bits of it */
        rlp_fail(r, RLP_OVERFLOW, "round");
}

static struct qbft_prepare read_prepare(struct rlp_reader *r)
{
    struct qbft_prepare p = {0};
    rlp_enter(r, "PREPARE");
    rlp_enter(r, "PREPARE's payload");
    read_view(r, &p.number, &p.round);
    p.digest = rlp_read_hash(r, "digest");
    rlp_leave(r, "PREPARE's payload");
    p.signature = rlp_read_bytes(r, "signature");
    rlp_leave(r, "PREPARE");
    return p;
}

/* A digest of zeros is the same as nothing prepared: so the reference encodes it when it checks the signature. */
static struct qbft_round_change read_round_change(struct rlp_reader *r)
{
    struct qbft_round_change c = {0};
    rlp_enter(r, "ROUND-CHANGE's first item");
    rlp_enter(r, "ROUND-CHANGE's payload");
    read_view(r, &c.number, &c.round);
    rlp_enter(r, "prepared");
    if (rlp_more(r)) {
        c.prepared_round = rlp_read_u64(r, "prepared round");
        if (c.prepared_round > UINT32_MAX)
            rlp_fail(r, RLP_OVERFLOW, "prepared round");
        c.prepared_digest = rlp_read_hash(r, "prepared digest");
        c.prepared = !hash256_is_zero(&c.prepared_digest);
        if (!c.prepared)
            c.prepared_round = 0;
    }
    rlp_leave(r, "prepared");
    rlp_leave(r, "ROUND-CHANGE's payload");
    c.signature = rlp_read_bytes(r, "signature");
    rlp_leave(r, "ROUND-CHANGE's first item");
    return c;
}

static int read_prepares(struct qbft_message *m, struct arena *arena, struct rlp_reader *r)
{
    rlp_enter(r, "PREPAREs");
    size_t count = rlp_count(r, PREPARE_SMALLEST, "PREPARE");
    struct qbft_prepare *prepares = arena_alloc_zeroed(arena, count, sizeof(*prepares));
    if (count && !prepares)
        return ERR_NOMEM;
    for (size_t i = 0; i < count && rlp_ok(r); i++)
        prepares[i] = read_prepare(r);
    rlp_leave(r, "PREPAREs");
    m->prepares = prepares;
    m->prepare_count = count;
    return 0;
}

static int read_round_changes(struct qbft_message *m, struct arena *arena, struct rlp_reader *r)
{
    rlp_enter(r, "ROUND-CHANGEs");
    size_t count = rlp_count(r, ROUND_CHANGE_SMALLEST, "ROUND-CHANGE");
    struct qbft_round_change *changes = arena_alloc_zeroed(arena, count, sizeof(*changes));
    if (count && !changes)
        return ERR_NOMEM;
    for (size_t i = 0; i < count && rlp_ok(r); i++)
        changes[i] = read_round_change(r);
    rlp_leave(r, "ROUND-CHANGEs");
    m->round_changes = changes;
    m->round_change_count = count;
    return 0;
}

static int decode_pre_prepare(struct qbft_message *m, struct arena *arena, struct rlp_reader *r)
{
    rlp_enter(r, "message");
    rlp_enter(r, "signed payload");
    rlp_enter(r, "payload");
    read_view(r, &m->number, &m->round);
    if (rlp_peek(r) != RLP_LIST)
        rlp_fail(r, RLP_NOT_LIST, "block");
    m->block = rlp_read_raw(r, "block");
    rlp_leave(r, "payload");
    m->signature = rlp_read_bytes(r, "signature");
    rlp_leave(r, "signed payload");
    rlp_enter(r, "justification");
    int status = read_round_changes(m, arena, r);
    if (!status)
        status = read_prepares(m, arena, r);
    rlp_leave(r, "justification");
    rlp_leave(r, "message");
    return status;
}

static int decode_round_change(struct qbft_message *m, struct arena *arena, struct rlp_reader *r)
{
    int status = 0;
    rlp_enter(r, "message");
    struct qbft_round_change c = read_round_change(r);
    m->number = c.number;
    m->round = c.round;
    m->prepared = c.prepared;
    m->prepared_round = c.prepared_round;
    m->digest = c.prepared_digest;
    m->signature = c.signature;
    struct bytes block = rlp_read_raw(r, "block");
    if (block.len > 1) {
        if (block.data[0] < 0xc0)
            rlp_fail(r, RLP_NOT_LIST, "block");
        m->block = block;
    } else if (rlp_ok(r) && block.data[0] != 0xc0 && block.data[0] != 0x80) {
        rlp_fail(r, RLP_NOT_LIST, "block");
    }
    if (rlp_peek(r) == RLP_STRING) {
        if (rlp_read_bytes(r, "PREPAREs").len)
            rlp_fail(r, RLP_NOT_LIST, "PREPAREs");
    } else {
        status = read_prepares(m, arena, r);
    }
    rlp_leave(r, "message");
    return status;
}

static void decode_vote(struct qbft_message *m, struct rlp_reader *r)
{
    rlp_enter(r, "message");
    rlp_enter(r, "payload");
    read_view(r, &m->number, &m->round);
    m->digest = rlp_read_hash(r, "digest");
    if (m->code == CONSENSUS_QBFT_COMMIT)
        m->seal = rlp_read_bytes(r, "seal");
    rlp_leave(r, "payload");
    m->signature = rlp_read_bytes(r, "signature");
    rlp_leave(r, "message");
}

static const char *code_name(unsigned code)
{
    switch (code) {
    case CONSENSUS_QBFT_PRE_PREPARE:
        return "PRE-PREPARE";
    case CONSENSUS_QBFT_PREPARE:
        return "PREPARE";
    case CONSENSUS_QBFT_COMMIT:
        return "COMMIT";
    case CONSENSUS_QBFT_ROUND_CHANGE:
        return "ROUND-CHANGE";
    default:
        return NULL;
    }
}

int qbft_message_decode(struct qbft_message *ret_message, struct arena *arena, unsigned code,
                        struct bytes payload, struct err_detail *detail)
{
    if (!code_name(code))
        return err_set(detail, ERR_INPUT, "message code 0x%x is not one of QBFT's", code);
    if (payload.len > CONSENSUS_PAYLOAD_MAX)
        return err_set(detail, ERR_INPUT, "%s: %zu bytes are too many", code_name(code),
                       payload.len);
    struct qbft_message m = {.code = (enum consensus_code)code};
    struct rlp_reader r;
    rlp_reader_init(&r, payload);
    int status = 0;
    if (code == CONSENSUS_QBFT_PRE_PREPARE)
        status = decode_pre_prepare(&m, arena, &r);
    else if (code == CONSENSUS_QBFT_ROUND_CHANGE)
        status = decode_round_change(&m, arena, &r);
    else
        decode_vote(&m, &r);
    if (status)
        return err_set(detail, status, "%s: out of memory", code_name(code));
    status = rlp_finish(&r, detail, code_name(code));
    if (!status)
        *ret_message = m;
    return status;
}

/* ---- encoding ---- */

static void write_prepare(struct buf *b, const struct qbft_prepare *p)
{
    size_t message = rlp_begin(b);
    size_t payload = rlp_begin(b);
    rlp_write_u64(b, p->number);
    rlp_write_u64(b, p->round);
    rlp_write_hash(b, &p->digest);
    rlp_end_list(b, payload);
    rlp_write_bytes(b, p->signature);
    rlp_end_list(b, message);
}

static void write_round_change(struct buf *b, const struct qbft_round_change *c)
{
    size_t message = rlp_begin(b);
    size_t payload = rlp_begin(b);
    rlp_write_u64(b, c->number);
    rlp_write_u64(b, c->round);
    size_t prepared = rlp_begin(b);
    if (c->prepared) {
        rlp_write_u64(b, c->prepared_round);
        rlp_write_hash(b, &c->prepared_digest);
    }
    rlp_end_list(b, prepared);
    rlp_end_list(b, payload);
    rlp_write_bytes(b, c->signature);
    rlp_end_list(b, message);
}

static void write_prepares(struct buf *b, const struct qbft_message *m)
{
    size_t list = rlp_begin(b);
    for (size_t i = 0; i < m->prepare_count; i++)
        write_prepare(b, &m->prepares[i]);
    rlp_end_list(b, list);
}

static void write_pre_prepare(struct buf *b, const struct qbft_message *m)
{
    size_t message = rlp_begin(b);
    size_t outer = rlp_begin(b);
    size_t payload = rlp_begin(b);
    rlp_write_u64(b, m->number);
    rlp_write_u64(b, m->round);
    rlp_write_raw(b, m->block);
    rlp_end_list(b, payload);
    rlp_write_bytes(b, m->signature);
    rlp_end_list(b, outer);
    size_t justification = rlp_begin(b);
    size_t changes = rlp_begin(b);
    for (size_t i = 0; i < m->round_change_count; i++)
        write_round_change(b, &m->round_changes[i]);
    rlp_end_list(b, changes);
    write_prepares(b, m);
    rlp_end_list(b, justification);
    rlp_end_list(b, message);
}

void qbft_message_write(struct buf *b, const struct qbft_message *m)
{
    if (m->code == CONSENSUS_QBFT_PRE_PREPARE) {
        write_pre_prepare(b, m);
        return;
    }
    size_t message = rlp_begin(b);
    if (m->code == CONSENSUS_QBFT_ROUND_CHANGE) {
        struct qbft_round_change c = qbft_round_change_of(m);
        write_round_change(b, &c);
        if (m->block.len)
            rlp_write_raw(b, m->block);
        else
            rlp_end_list(b, rlp_begin(b));
        write_prepares(b, m);
    } else {
        size_t payload = rlp_begin(b);
        rlp_write_u64(b, m->number);
        rlp_write_u64(b, m->round);
        rlp_write_hash(b, &m->digest);
        if (m->code == CONSENSUS_QBFT_COMMIT)
            rlp_write_bytes(b, m->seal);
        rlp_end_list(b, payload);
        rlp_write_bytes(b, m->signature);
    }
    rlp_end_list(b, message);
}

/* ---- what is signed ---- */

/* keccak(RLP [code, [number, round, items]]), with the items in two pieces, so that a block is not copied. */
static void digest_of(unsigned code, uint64_t number, uint64_t round, struct bytes items,
                      struct bytes more, struct hash256 *ret_digest)
{
    size_t inner = rlp_size_u64(number) + rlp_size_u64(round) + items.len + more.len;
    uint8_t head[2 * RLP_HEADER_MAX + 3 * RLP_HEADER_MAX];
    uint8_t *at = rlp_put_list_header(head, rlp_size_u64(code) + rlp_size_list(inner));
    at = rlp_put_u64(at, code);
    at = rlp_put_list_header(at, inner);
    at = rlp_put_u64(at, number);
    at = rlp_put_u64(at, round);
    struct crypto_keccak256 k;
    crypto_keccak256_init(&k);
    crypto_keccak256_update(&k, bytes_of(head, (size_t)(at - head)));
    crypto_keccak256_update(&k, items);
    crypto_keccak256_update(&k, more);
    crypto_keccak256_final(&k, ret_digest);
}

void qbft_prepare_digest(const struct qbft_prepare *p, struct hash256 *ret_digest)
{
    uint8_t item[33];
    rlp_put_hash(item, &p->digest);
    digest_of(CONSENSUS_QBFT_PREPARE, p->number, p->round, bytes_of(item, sizeof(item)),
              bytes_none(), ret_digest);
}

void qbft_round_change_digest(const struct qbft_round_change *c, struct hash256 *ret_digest)
{
    uint8_t item[RLP_HEADER_MAX + RLP_HEADER_MAX + 33];
    uint8_t *at = rlp_put_list_header(item, c->prepared ? rlp_size_u64(c->prepared_round) + 33 : 0);
    if (c->prepared) {
        at = rlp_put_u64(at, c->prepared_round);
        at = rlp_put_hash(at, &c->prepared_digest);
    }
    digest_of(CONSENSUS_QBFT_ROUND_CHANGE, c->number, c->round, bytes_of(item, (size_t)(at - item)),
              bytes_none(), ret_digest);
}

static void commit_digest(const struct qbft_message *m, struct hash256 *ret_digest)
{
    uint8_t items[33 + RLP_HEADER_MAX];
    uint8_t *at = rlp_put_hash(items, &m->digest);
    if (!(m->seal.len == 1 && m->seal.data[0] < 0x80))
        at = rlp_put_string_header(at, m->seal.len);
    digest_of(CONSENSUS_QBFT_COMMIT, m->number, m->round, bytes_of(items, (size_t)(at - items)),
              m->seal, ret_digest);
}

void qbft_message_digest(const struct qbft_message *m, struct hash256 *ret_digest)
{
    switch (m->code) {
    case CONSENSUS_QBFT_PRE_PREPARE:
        digest_of(m->code, m->number, m->round, m->block, bytes_none(), ret_digest);
        break;
    case CONSENSUS_QBFT_PREPARE: {
        struct qbft_prepare p = qbft_prepare_of(m);
        qbft_prepare_digest(&p, ret_digest);
        break;
    }
    case CONSENSUS_QBFT_COMMIT:
        commit_digest(m, ret_digest);
        break;
    case CONSENSUS_QBFT_ROUND_CHANGE: {
        struct qbft_round_change c = qbft_round_change_of(m);
        qbft_round_change_digest(&c, ret_digest);
        break;
    }
    case CONSENSUS_IBFT:
        assert(!"no QBFT message");
    }
}

struct qbft_prepare qbft_prepare_of(const struct qbft_message *m)
{
    return (struct qbft_prepare){m->number, m->round, m->digest, m->signature};
}

struct qbft_round_change qbft_round_change_of(const struct qbft_message *m)
{
    return (struct qbft_round_change){m->number,         m->round,  m->prepared,
                                      m->prepared_round, m->digest, m->signature};
}
