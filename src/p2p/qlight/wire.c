#include "p2p/qlight/wire.h"

enum {
    PAYLOAD_HASH_ITEM = 2 + CHAIN_PAYLOAD_HASH,
    HASH_ITEM = 33,
    EXTRA_SMALLEST = 1 + 1 + HASH_ITEM + 1 + 1 + 1 + 1,
    PAYLOAD_SMALLEST = 1 + PAYLOAD_HASH_ITEM + 1 + EXTRA_SMALLEST + 1,
    BLOCK_SMALLEST = 1 + HASH_ITEM + 1 + HASH_ITEM + 1,
};

/* --- Status, TokenUpdate --- */

int p2p_qlight_read_status(struct p2p_qlight_status *ret_status, struct bytes payload,
                           struct err_detail *detail)
{
    struct rlp_reader r;
    rlp_reader_init(&r, payload);
    rlp_enter(&r, "QLight status");
    uint64_t version = rlp_read_u64(&r, "protocol version");
    if (version > UINT32_MAX)
        rlp_fail(&r, RLP_OVERFLOW, "protocol version");
    ret_status->version = (uint32_t)version;
    ret_status->server = rlp_read_bool(&r, "server");
    ret_status->psi = rlp_read_bytes(&r, "psi");
    ret_status->token = rlp_read_bytes(&r, "token");
    if (ret_status->psi.len > CHAIN_PSI_MAX)
        rlp_fail(&r, RLP_TOO_MANY_BYTES, "psi");
    if (ret_status->token.len > P2P_QLIGHT_TOKEN_MAX)
        rlp_fail(&r, RLP_TOO_MANY_BYTES, "token");
    rlp_leave(&r, "QLight status");
    return rlp_finish(&r, detail, "QLight status");
}

int p2p_qlight_read_token(struct bytes *ret_token, struct bytes payload, struct err_detail *detail)
{
    struct rlp_reader r;
    rlp_reader_init(&r, payload);
    rlp_enter(&r, "TokenUpdate");
    *ret_token = rlp_read_bytes(&r, "token");
    if (ret_token->len > P2P_QLIGHT_TOKEN_MAX)
        rlp_fail(&r, RLP_TOO_MANY_BYTES, "token");
    rlp_leave(&r, "TokenUpdate");
    return rlp_finish(&r, detail, "TokenUpdate");
}

void p2p_qlight_write_status(struct buf *b, const struct p2p_qlight_status *status)
{
    size_t list = rlp_begin(b);
    rlp_write_u64(b, status->version);
    rlp_write_bool(b, status->server);
    rlp_write_bytes(b, status->psi);
    rlp_write_bytes(b, status->token);
    rlp_end_list(b, list);
}

void p2p_qlight_write_token(struct buf *b, struct bytes token)
{
    size_t list = rlp_begin(b);
    rlp_write_bytes(b, token);
    rlp_end_list(b, list);
}

/* --- BlockPrivateData, read --- */

/* An array of the open list's items, whose number is *ret_count. NULL: *ret_err, or it is empty or faulty. */
static void *array(struct rlp_reader *r, size_t *ret_count, struct arena *arena, size_t smallest,
                   size_t size, const char *name, int *ret_err)
{
    size_t count = rlp_count(r, smallest, name);
    void *list = arena_alloc(arena, (count + 1) * size);
    *ret_count = list ? count : 0;
    if (!list) {
        *ret_err = ERR_NOMEM;
        rlp_fail(r, RLP_EXCESS, name);
    }
    return list;
}

static const struct bytes *read_texts(struct rlp_reader *r, size_t *ret_count, struct arena *arena,
                                      const char *name, int *ret_err)
{
    rlp_enter(r, name);
    struct bytes *list = array(r, ret_count, arena, 1, sizeof(*list), name, ret_err);
    for (size_t i = 0; i < *ret_count; i++)
        list[i] = rlp_read_bytes(r, name);
    rlp_leave(r, name);
    return list;
}

static void read_affected(struct rlp_reader *r, struct chain_payload *payload, struct arena *arena,
                          int *ret_err)
{
    rlp_enter(r, "affected contracts");
    struct chain_payload_hash *list = array(r, &payload->affected_count, arena, PAYLOAD_HASH_ITEM,
                                            sizeof(*list), "affected contracts", ret_err);
    for (size_t i = 0; i < payload->affected_count; i++)
        rlp_read_fixed(r, list[i].b, sizeof(list[i].b), "affected contract");
    payload->affected = list;
    rlp_leave(r, "affected contracts");
}

static void read_payload(struct rlp_reader *r, struct p2p_qlight_payload *p, struct arena *arena,
                         int *ret_err)
{
    p->payload = (struct chain_payload){.is_party = true, .has_lists = true};
    rlp_enter(r, "private transaction");
    rlp_read_fixed(r, p->hash.b, sizeof(p->hash.b), "payload hash");
    p->payload.data = rlp_read_bytes(r, "payload");
    rlp_enter(r, "extra");
    read_affected(r, &p->payload, arena, ret_err);
    p->payload.exec_hash = rlp_read_hash(r, "execution hash");
    p->payload.flag = rlp_read_u64(r, "privacy flag");
    p->payload.managed_parties =
        read_texts(r, &p->payload.managed_count, arena, "managed parties", ret_err);
    p->payload.sender = rlp_read_bytes(r, "sender");
    p->mandatory = read_texts(r, &p->mandatory_count, arena, "mandatory recipients", ret_err);
    rlp_leave(r, "extra");
    p->is_sender = rlp_read_bool(r, "is sender");
    rlp_leave(r, "private transaction");
}

static void read_block(struct rlp_reader *r, struct p2p_qlight_block *block, struct arena *arena,
                       int *ret_err)
{
    rlp_enter(r, "block");
    block->hash = rlp_read_hash(r, "block hash");
    block->psi = rlp_read_bytes(r, "psi");
    block->root = rlp_read_hash(r, "private state root");
    rlp_enter(r, "private transactions");
    struct p2p_qlight_payload *list = array(r, &block->count, arena, PAYLOAD_SMALLEST,
                                            sizeof(*list), "private transactions", ret_err);
    for (size_t i = 0; i < block->count; i++)
        read_payload(r, &list[i], arena, ret_err);
    block->payloads = list;
    rlp_leave(r, "private transactions");
    rlp_leave(r, "block");
}

int p2p_qlight_read_private_data(struct p2p_qlight_private_data *ret_data, struct arena *arena,
                                 struct bytes payload, struct err_detail *detail)
{
    struct rlp_reader r;
    int err = 0;
    rlp_reader_init(&r, payload);
    rlp_enter(&r, "BlockPrivateData");
    struct p2p_qlight_block *list =
        array(&r, &ret_data->count, arena, BLOCK_SMALLEST, sizeof(*list), "BlockPrivateData", &err);
    for (size_t i = 0; i < ret_data->count; i++)
        read_block(&r, &list[i], arena, &err);
    ret_data->blocks = list;
    rlp_leave(&r, "BlockPrivateData");
    int status = rlp_finish(&r, detail, "BlockPrivateData");
    return err ? err : status;
}

/* --- BlockPrivateData, written --- */

static void write_texts(struct buf *b, const struct bytes *texts, size_t count)
{
    size_t list = rlp_begin(b);
    for (size_t i = 0; i < count; i++)
        rlp_write_bytes(b, texts[i]);
    rlp_end_list(b, list);
}

static void write_extra(struct buf *b, const struct p2p_qlight_payload *p)
{
    size_t extra = rlp_begin(b), affected = rlp_begin(b);
    for (size_t i = 0; i < p->payload.affected_count; i++)
        rlp_write_bytes(b, bytes_of(p->payload.affected[i].b, CHAIN_PAYLOAD_HASH));
    rlp_end_list(b, affected);
    rlp_write_hash(b, &p->payload.exec_hash);
    rlp_write_u64(b, p->payload.flag);
    write_texts(b, p->payload.managed_parties, p->payload.managed_count);
    rlp_write_bytes(b, p->payload.sender);
    write_texts(b, p->mandatory, p->mandatory_count);
    rlp_end_list(b, extra);
}

void p2p_qlight_write_private_data(struct buf *b, const struct p2p_qlight_block *block)
{
    size_t message = rlp_begin(b), whole = rlp_begin(b);
    rlp_write_hash(b, &block->hash);
    rlp_write_bytes(b, block->psi);
    rlp_write_hash(b, &block->root);
    size_t list = rlp_begin(b);
    for (size_t i = 0; i < block->count; i++) {
        const struct p2p_qlight_payload *p = &block->payloads[i];
        size_t item = rlp_begin(b);
        rlp_write_bytes(b, bytes_of(p->hash.b, sizeof(p->hash.b)));
        rlp_write_bytes(b, p->payload.data);
        write_extra(b, p);
        rlp_write_bool(b, p->is_sender);
        rlp_end_list(b, item);
    }
    rlp_end_list(b, list);
    rlp_end_list(b, whole);
    rlp_end_list(b, message);
}
