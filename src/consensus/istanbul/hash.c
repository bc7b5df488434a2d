#include "consensus/istanbul/hash.h"

#include "crypto/keccak.h"

/* "ctical byzantine fault tolerance" in ASCII. */
const struct hash256 istanbul_digest = {{0x63, 0x74, 0x69, 0x63, 0x61, 0x6c, 0x20, 0x62,
                                         0x79, 0x7a, 0x61, 0x6e, 0x74, 0x69, 0x6e, 0x65,
                                         0x20, 0x66, 0x61, 0x75, 0x6c, 0x74, 0x20, 0x74,
                                         0x6f, 0x6c, 0x65, 0x72, 0x61, 0x6e, 0x63, 0x65}};

/* The hash of the header with this extra data in place of its own. */
static int hash_with(const struct eth_header *header, const struct istanbul_extra *extra,
                     struct hash256 *ret_hash)
{
    struct buf b = BUF_INIT;
    istanbul_extra_write(&b, extra);
    int status = buf_status(&b);
    if (status == ERR_OK) {
        struct eth_header filtered = *header;
        filtered.extra = buf_bytes(&b);
        status = eth_header_hash(&filtered, ret_hash);
    }
    buf_release(&b);
    return status;
}

int istanbul_block_hash(const struct eth_header *header, struct hash256 *ret_hash)
{
    struct istanbul_extra extra;
    if (!hash256_equal(&header->mix_hash, &istanbul_digest) ||
        (!istanbul_extra_decode(&extra, ISTANBUL_IBFT, header->extra) &&
         !istanbul_extra_decode(&extra, ISTANBUL_QBFT, header->extra)))
        return eth_header_hash(header, ret_hash);
    extra.round = 0;
    extra.seals = bytes_none();
    return hash_with(header, &extra, ret_hash);
}

int istanbul_proposer_digest(const struct eth_header *header, struct hash256 *ret_digest)
{
    struct istanbul_extra extra;
    if (!istanbul_extra_decode(&extra, ISTANBUL_IBFT, header->extra))
        return ERR_INPUT;
    extra.seal = bytes_none();
    extra.seals = bytes_none();
    struct hash256 hash;
    int status = hash_with(header, &extra, &hash);
    if (status == ERR_OK)
        crypto_keccak256(ret_digest, bytes_of(hash.b, sizeof(hash.b)));
    return status;
}

void istanbul_ibft_commit_digest(const struct hash256 *block_hash, struct hash256 *ret_digest)
{
    uint8_t preimage[sizeof(block_hash->b) + 1];
    memcpy(preimage, block_hash->b, sizeof(block_hash->b));
    preimage[sizeof(block_hash->b)] = 2; /* the code of the message COMMIT */
    crypto_keccak256(ret_digest, bytes_of(preimage, sizeof(preimage)));
}

int istanbul_commit_digest(enum istanbul_engine engine, const struct eth_header *header,
                           uint32_t round, struct hash256 *ret_digest)
{
    struct istanbul_extra extra;
    if (!istanbul_extra_decode(&extra, engine, header->extra))
        return ERR_INPUT;
    if (engine == ISTANBUL_IBFT) {
        struct hash256 hash;
        int status = istanbul_block_hash(header, &hash);
        if (status == ERR_OK)
            istanbul_ibft_commit_digest(&hash, ret_digest);
        return status;
    }
    extra.round = round;
    extra.seals = bytes_none();
    return hash_with(header, &extra, ret_digest);
}
