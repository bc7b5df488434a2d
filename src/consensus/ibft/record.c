/*
 * What must survive a crash: [2, number, round, waiting, voted, vote, lock round, lock's block or "", [vote, …]]. A validator
 * that comes back signs nothing that contradicts it: in this round it votes for nothing else, and nothing at all in lower ones.
 * The votes are the lock's proof, for the others; version 1 had none.
 */
#include "consensus/ibft/state.h"

enum { VERSION = 2, WITHOUT_PROOF = 1 };

/* False when out of memory. */
static bool read_proof(struct ibft_proof *proof, struct rlp_reader *r)
{
    bool there = true;
    rlp_enter(r, "lock's votes");
    while (rlp_more(r) && there) {
        if (proof->count == ISTANBUL_SET_MAX)
            rlp_fail(r, RLP_OVERFLOW, "lock's votes");
        struct bytes vote = rlp_read_bytes(r, "lock's vote");
        there = !rlp_ok(r) || ibft_proof_add(proof, vote);
    }
    rlp_leave(r, "lock's votes");
    return there;
}

int ibft_record_decode(struct ibft_signed *ret_signed, struct bytes bytes,
                       struct err_detail *detail)
{
    struct ibft_signed s = {0};
    bool there = true;
    struct rlp_reader r;
    rlp_reader_init(&r, bytes);
    rlp_enter(&r, "record");
    uint64_t version = rlp_read_u64(&r, "version");
    s.number = rlp_read_u64(&r, "number");
    s.round = rlp_read_u64(&r, "round");
    s.waiting = rlp_read_bool(&r, "waiting");
    s.voted = rlp_read_bool(&r, "voted");
    s.vote = rlp_read_hash(&r, "vote");
    s.lock_round = rlp_read_u64(&r, "lock's round");
    struct bytes lock = rlp_read_bytes(&r, "lock");
    if (version == VERSION)
        there = read_proof(&s.proof, &r);
    rlp_leave(&r, "record");
    int status = rlp_finish(&r, detail, "record of IBFT");
    if (!there)
        status = ERR_NOMEM;
    if (status == ERR_OK && version != VERSION && version != WITHOUT_PROOF)
        status = err_set(detail, ERR_INPUT, "record of IBFT: version %llu is not known",
                         (unsigned long long)version);
    if (status == ERR_OK && lock.len)
        status = consensus_block_new(&s.lock, lock, detail);
    if (status == ERR_OK)
        *ret_signed = s;
    else
        ibft_proof_release(&s.proof);
    return status == ERR_INPUT ? ERR_CORRUPT : status;
}

void ibft_record_write(const struct ibft *m, struct buf *b)
{
    size_t list = rlp_begin(b);
    rlp_write_u64(b, VERSION);
    rlp_write_u64(b, m->number);
    rlp_write_u64(b, m->round);
    rlp_write_bool(b, m->waiting);
    rlp_write_bool(b, m->voted);
    rlp_write_hash(b, &m->vote);
    rlp_write_u64(b, m->lock_round);
    rlp_write_bytes(b, m->lock ? m->lock->rlp : bytes_none());
    size_t proof = rlp_begin(b);
    for (size_t i = 0; i < m->proof.count; i++)
        rlp_write_bytes(b, buf_bytes(&m->proof.votes[i]));
    rlp_end_list(b, proof);
    rlp_end_list(b, list);
}
