/*
 * QBFT's four messages (GoQuorum, consensus/istanbul/qbft/types), as they travel in the capability istanbul/100:
 *
 *     PRE-PREPARE   [[[number, round, block], signature], [[ROUND-CHANGE's first item, …], [PREPARE, …]]]
 *     PREPARE       [[number, round, digest], signature]
 *     COMMIT        [[number, round, digest, seal], signature]
 *     ROUND-CHANGE  [[[number, round, prepared], signature], block or [], [PREPARE, …]]
 *
 * with prepared = [] or [round, digest]. A digest is the hash of a block. A signature is made over
 * keccak(RLP [code, first inner list]), so nothing says who sent a message but its signature; a seal over the header's
 * commit digest of the round (istanbul_commit_digest).
 *
 * The library's parts: message.h (bytes), certificate.h (who signed, and what a set of messages proves), machine.h one
 * folder up (the interface), state.h (the machine's inside).
 */
#ifndef CONSENSUS_QBFT_MESSAGE_H
#define CONSENSUS_QBFT_MESSAGE_H

#include "base/arena.h"
#include "base/buf.h"
#include "consensus/machine.h"

/* A PREPARE, by itself or within another message. */
struct qbft_prepare {
    uint64_t number;
    uint64_t round;
    struct hash256 digest;
    struct bytes signature; /* of any length; only 65 bytes can be right */
};

/* The signed part of a ROUND-CHANGE. */
struct qbft_round_change {
    uint64_t number;
    uint64_t round;
    bool prepared; /* this and the next two: what the sender has prepared, if anything */
    uint64_t prepared_round;
    struct hash256 prepared_digest;
    struct bytes signature;
};

/* Any message. Spans borrow the input, arrays are in the decoder's arena. */
struct qbft_message {
    enum consensus_code code;
    uint64_t number;
    uint64_t round;
    struct bytes signature;
    struct hash256 digest; /* PREPARE and COMMIT; ROUND-CHANGE: what was prepared, or zero */
    struct bytes seal;     /* COMMIT; of any length */
    struct bytes block;    /* PRE-PREPARE; ROUND-CHANGE: what was prepared, or none. Encoded */
    bool prepared;         /* ROUND-CHANGE: round and digest are there */
    uint64_t prepared_round;
    const struct qbft_round_change *round_changes; /* PRE-PREPARE: why the round was changed */
    size_t round_change_count;
    const struct qbft_prepare
        *prepares; /* PRE-PREPARE: why this block; ROUND-CHANGE: that it was prepared */
    size_t prepare_count;
};

/*
 * Decodes the message of that code which is exactly `payload`. As strict as the reference (which for an absent block or
 * absent PREPAREs also takes the empty string), but numbers and rounds over 64 bits are refused, and rounds over 32 bits,
 * which a header cannot hold. The block is one RLP list, otherwise unseen. Memory: below 10 times the payload.
 * ERR_INPUT with a message, ERR_NOMEM.
 */
int qbft_message_decode(struct qbft_message *ret_message, struct arena *arena, unsigned code,
                        struct bytes payload, struct err_detail *detail) BASE_NODISCARD;

/* Appends the encoding. Failures: buf_status(b). */
void qbft_message_write(struct buf *b, const struct qbft_message *message);

/* What the signature is made over. */
void qbft_message_digest(const struct qbft_message *message, struct hash256 *ret_digest);
void qbft_prepare_digest(const struct qbft_prepare *prepare, struct hash256 *ret_digest);
void qbft_round_change_digest(const struct qbft_round_change *change, struct hash256 *ret_digest);

/* The parts of a message that others quote. */
struct qbft_prepare qbft_prepare_of(const struct qbft_message *message);
struct qbft_round_change qbft_round_change_of(const struct qbft_message *message);

#endif
