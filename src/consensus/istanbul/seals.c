#include "consensus/istanbul/seals.h"

#include "consensus/istanbul/hash.h"
#include "crypto/secp256k1.h"

bool istanbul_recover(struct address *ret_signer, const struct hash256 *digest,
                      struct bytes signature)
{
    return signature.len == ISTANBUL_SEAL_SIZE &&
           crypto_ecrecover(ret_signer, digest, signature.data,
                            signature.data[ISTANBUL_SEAL_SIZE - 1]);
}

int istanbul_author(enum istanbul_engine engine, const struct eth_header *header,
                    struct address *ret_author)
{
    if (engine == ISTANBUL_QBFT) {
        *ret_author = header->coinbase;
        return ISTANBUL_VALID;
    }
    struct istanbul_extra extra;
    if (!istanbul_extra_decode(&extra, ISTANBUL_IBFT, header->extra))
        return ISTANBUL_BAD_EXTRA;
    if (extra.seal.len != ISTANBUL_SEAL_SIZE)
        return ISTANBUL_SEAL_LENGTH;
    if (extra.seal.data[ISTANBUL_SEAL_SIZE - 1] > 3)
        return ISTANBUL_SEAL_RECOVERY_ID;
    struct hash256 digest;
    int status = istanbul_proposer_digest(header, &digest);
    if (status != ERR_OK)
        return status;
    return istanbul_recover(ret_author, &digest, extra.seal) ? ISTANBUL_VALID
                                                             : ISTANBUL_SEAL_RECOVERY;
}

/* What the header's own committed seals sign. ISTANBUL_VALID, ISTANBUL_BAD_EXTRA, ERR_NOMEM. */
static int own_commit_digest(enum istanbul_engine engine, const struct eth_header *header,
                             struct istanbul_extra *ret_extra, struct hash256 *ret_digest)
{
    if (!istanbul_extra_decode(ret_extra, engine, header->extra))
        return ISTANBUL_BAD_EXTRA;
    return istanbul_commit_digest(engine, header, ret_extra->round, ret_digest);
}

int istanbul_committers(enum istanbul_engine engine, const struct eth_header *header,
                        struct buf *ret)
{
    struct istanbul_extra extra;
    struct hash256 digest;
    int status = own_commit_digest(engine, header, &extra, &digest);
    if (status != ISTANBUL_VALID)
        return status;
    struct bytes rest = extra.seals, seal;
    while (istanbul_extra_next_seal(&rest, &seal)) {
        struct address signer;
        if (!istanbul_recover(&signer, &digest, seal))
            return ISTANBUL_BAD_SIGNATURE;
        buf_append(ret, signer.b, sizeof(signer.b));
    }
    return buf_status(ret) == ERR_OK ? ISTANBUL_VALID : buf_status(ret);
}

int istanbul_check_seals(enum istanbul_engine engine, const struct eth_header *header,
                         const struct istanbul_set *validators)
{
    struct istanbul_extra extra;
    struct hash256 digest;
    int status = own_commit_digest(engine, header, &extra, &digest);
    if (status != ISTANBUL_VALID)
        return status;
    if (extra.seal_count == 0)
        return ISTANBUL_NO_SEALS;
    /* More seals than members cannot all be by different ones; it also bounds the work. Each that
     * cannot be recovered would be named first by the reference, which recovers all before it
     * looks at any; the block is refused either way. */
    if (extra.seal_count > validators->count)
        return ISTANBUL_BAD_SEALS;
    struct buf signers = BUF_INIT;
    struct istanbul_set left = ISTANBUL_SET_INIT;
    status = istanbul_committers(engine, header, &signers);
    if (status == ISTANBUL_VALID)
        status = istanbul_set_copy(&left, validators);
    for (size_t i = 0; status == ISTANBUL_VALID && i < extra.seal_count; i++) {
        struct address signer;
        memcpy(signer.b, signers.data + i * sizeof(signer.b), sizeof(signer.b));
        if (!istanbul_set_remove(&left, &signer))
            status = ISTANBUL_BAD_SEALS;
    }
    if (status == ISTANBUL_VALID && extra.seal_count <= istanbul_set_faults(validators))
        status = ISTANBUL_BAD_SEALS;
    istanbul_set_release(&left);
    buf_release(&signers);
    return status;
}

static int read_ibft_vote(const struct eth_header *header, struct address *ret_candidate,
                          bool *ret_authorize)
{
    uint64_t nonce;
    memcpy(&nonce, header->nonce, sizeof(nonce));
    if (nonce != 0 && nonce != UINT64_MAX)
        return ISTANBUL_BAD_VOTE;
    *ret_candidate = header->coinbase;
    *ret_authorize = nonce != 0;
    return ISTANBUL_VALID;
}

int istanbul_read_vote(enum istanbul_engine engine, const struct eth_header *header,
                       struct address *ret_candidate, bool *ret_authorize)
{
    if (engine == ISTANBUL_IBFT)
        return read_ibft_vote(header, ret_candidate, ret_authorize);
    struct istanbul_extra extra = {0};
    /* Extra data that is no more than a vanity has no vote. */
    if (header->extra.len >= ISTANBUL_VANITY_SIZE &&
        !istanbul_extra_decode(&extra, ISTANBUL_QBFT, header->extra))
        return ISTANBUL_BAD_EXTRA;
    if (extra.vote != 0 && extra.vote != 0xff)
        return ISTANBUL_BAD_VOTE;
    *ret_candidate = extra.candidate;
    *ret_authorize = extra.vote == 0xff;
    return ISTANBUL_VALID;
}
