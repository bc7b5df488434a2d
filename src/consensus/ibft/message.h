/*
 * The messages of IBFT (GoQuorum, consensus/istanbul/ibft/types). All travel with the code 0x11, as a string that holds
 *
 *     [code, msg, address, signature, committed seal]
 *     msg: PRE-PREPARE [[round, sequence], block]      the others [[round, sequence], digest]
 *
 * The signature is over the same list with an empty string in its place; the committed seal is empty but in a COMMIT.
 */
#ifndef CONSENSUS_IBFT_MESSAGE_H
#define CONSENSUS_IBFT_MESSAGE_H

#include "consensus/istanbul/extra.h"
#include "rlp/rlp.h"

enum ibft_code {
    IBFT_PRE_PREPARE,
    IBFT_PREPARE,
    IBFT_COMMIT,
    IBFT_ROUND_CHANGE,
    IBFT_CODES,
};

struct ibft_message {
    enum ibft_code code;
    uint64_t round, sequence;
    struct hash256 digest; /* of the block; zero in a ROUND-CHANGE; in a PRE-PREPARE not used */
    struct bytes block;    /* PRE-PREPARE: [header, transactions, uncles], not looked into */
    struct address sender; /* as it says; ibft_message_verify asks the signature */
    struct bytes signature;
    struct bytes seal;
};

/* The payload as it lies on the wire. Spans borrow it. ERR_INPUT with a message. */
int ibft_message_decode(struct ibft_message *ret_message, struct bytes payload,
                        struct err_detail *detail) BASE_NODISCARD;

/* Appends the payload: the bytes that were decoded. Failures: buf_status(b). */
void ibft_message_write(struct buf *b, const struct ibft_message *message);

/* What the sender signs. ERR_NOMEM. */
int ibft_message_digest(const struct ibft_message *message,
                        struct hash256 *ret_digest) BASE_NODISCARD;

/* Whether the sender signed it, and in a COMMIT, whether its seal is the sender's for the digest (the reference looks at that
 * only in the finished header). ERR_NOMEM; else 1 or 0. */
int ibft_message_verify(const struct ibft_message *message) BASE_NODISCARD;

#endif
