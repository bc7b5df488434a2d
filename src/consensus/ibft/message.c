#include "consensus/ibft/message.h"

#include "consensus/istanbul/hash.h"
#include "consensus/istanbul/seals.h"
#include "crypto/keccak.h"

static void read_content(struct ibft_message *m, struct rlp_reader *r)
{
    rlp_enter(r, "content");
    rlp_enter(r, "view");
    m->round = rlp_read_u64(r, "round");
    m->sequence = rlp_read_u64(r, "sequence");
    rlp_leave(r, "view");
    if (m->code == IBFT_PRE_PREPARE) {
        if (rlp_peek(r) == RLP_STRING)
            rlp_fail(r, RLP_NOT_LIST, "block");
        m->block = rlp_read_raw(r, "block");
    } else {
        m->digest = rlp_read_hash(r, "digest");
    }
    rlp_leave(r, "content");
}

int ibft_message_decode(struct ibft_message *ret_message, struct bytes payload,
                        struct err_detail *detail)
{
    struct ibft_message m = {0};
    struct rlp_reader r;
    rlp_reader_init(&r, payload);
    struct bytes inner = rlp_read_bytes(&r, "message");
    int status = rlp_finish(&r, detail, "IBFT payload");
    if (status != ERR_OK)
        return status;
    rlp_reader_init(&r, inner);
    rlp_enter(&r, "message");
    uint64_t code = rlp_read_u64(&r, "code");
    if (code >= IBFT_CODES)
        rlp_fail(&r, RLP_OVERFLOW, "code");
    m.code = (enum ibft_code)(code % IBFT_CODES);
    struct bytes content = rlp_read_bytes(&r, "content");
    m.sender = rlp_read_address(&r, "sender");
    m.signature = rlp_read_bytes(&r, "signature");
    m.seal = rlp_read_bytes(&r, "committed seal");
    rlp_leave(&r, "message");
    status = rlp_finish(&r, detail, "IBFT message");
    if (status != ERR_OK)
        return status;
    rlp_reader_init(&r, content);
    read_content(&m, &r);
    status = rlp_finish(&r, detail, "IBFT message's content");
    if (status == ERR_OK)
        *ret_message = m;
    return status;
}

static void write_content(struct buf *b, const struct ibft_message *m)
{
    size_t content = rlp_begin(b);
    size_t view = rlp_begin(b);
    rlp_write_u64(b, m->round);
    rlp_write_u64(b, m->sequence);
    rlp_end_list(b, view);
    if (m->code == IBFT_PRE_PREPARE)
        rlp_write_raw(b, m->block);
    else
        rlp_write_hash(b, &m->digest);
    rlp_end_list(b, content);
}

static void write_message(struct buf *b, const struct ibft_message *m, struct bytes signature)
{
    size_t list = rlp_begin(b);
    rlp_write_u64(b, m->code);
    size_t content = rlp_begin(b);
    write_content(b, m);
    rlp_end_string(b, content);
    rlp_write_address(b, &m->sender);
    rlp_write_bytes(b, signature);
    rlp_write_bytes(b, m->seal);
    rlp_end_list(b, list);
}

void ibft_message_write(struct buf *b, const struct ibft_message *message)
{
    size_t string = rlp_begin(b);
    write_message(b, message, message->signature);
    rlp_end_string(b, string);
}

int ibft_message_digest(const struct ibft_message *message, struct hash256 *ret_digest)
{
    struct buf b = BUF_INIT;
    write_message(&b, message, bytes_none());
    int status = buf_status(&b);
    if (status == ERR_OK)
        crypto_keccak256(ret_digest, buf_bytes(&b));
    buf_release(&b);
    return status;
}

int ibft_message_verify(const struct ibft_message *message)
{
    struct hash256 digest;
    struct address signer;
    int status = ibft_message_digest(message, &digest);
    if (status != ERR_OK)
        return status;
    if (!istanbul_recover(&signer, &digest, message->signature) ||
        !address_equal(&signer, &message->sender))
        return 0;
    if (message->code != IBFT_COMMIT)
        return 1;
    istanbul_ibft_commit_digest(&message->digest, &digest);
    return istanbul_recover(&signer, &digest, message->seal) &&
           address_equal(&signer, &message->sender);
}
