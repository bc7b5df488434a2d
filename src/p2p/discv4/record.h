/*
 * Node records (EIP-778): what a node says of itself, signed, with a number that grows.
 *
 *     record = [signature, seq, key, value, key, value, …]    keys ascending, at most 300 bytes
 *     identity scheme "v4": signature = r || s over Keccak-256 of [seq, key, value, …]
 */
#ifndef P2P_DISCV4_RECORD_H
#define P2P_DISCV4_RECORD_H

#include "base/buf.h"
#include "p2p/enode.h"

enum {
    P2P_RECORD_MAX = 300,
    P2P_RECORD_TEXT =
        4 + (P2P_RECORD_MAX + 2) / 3 * 4 + 1, /* "enr:" and base64 with its end mark */
};

struct p2p_record {
    uint64_t sequence;
    struct p2p_enode node;
    struct bytes
        eth; /* RLP of the value of "eth", the fork id; within the input; empty when there is none */
};

enum p2p_record_status {
    P2P_RECORD_OK,
    P2P_RECORD_TOO_BIG,        /* record bigger than 300 bytes */
    P2P_RECORD_MALFORMED,      /* record is malformed */
    P2P_RECORD_NOT_SORTED,     /* record key/value pairs are not sorted by key, or twice the same */
    P2P_RECORD_UNKNOWN_SCHEME, /* record has an unknown identity scheme */
    P2P_RECORD_BAD_KEY,        /* record has an invalid public key */
    P2P_RECORD_BAD_SIGNATURE,  /* invalid signature on node record */
};

/* Reads and verifies. */
enum p2p_record_status p2p_record_decode(struct p2p_record *ret_record, struct bytes input);
/* Appends the record of a node: its IP and ports where it has them, and `eth` where it is not empty. `key` is the node's.
 * ERR_INPUT (key not valid), ERR_LIMIT (`eth` too long), ERR_NOMEM. */
int p2p_record_encode(struct buf *out, const struct p2p_record *record,
                      const struct crypto_private_key *key) BASE_NODISCARD;
/* "enr:…" (base64 without padding, RFC 4648 §5), of a record of at most P2P_RECORD_MAX bytes. */
void p2p_record_format(char ret_text[P2P_RECORD_TEXT], struct bytes record);

#endif
