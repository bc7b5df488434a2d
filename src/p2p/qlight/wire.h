/*
 * The messages that QLight has beside those of eth/65, read and written; pure (spec section 8; GoQuorum,
 * eth/protocols/qlight/protocol.go, qlight/types.go).
 *
 *     code  message            body
 *     11    Status             [version, server, psi, token]
 *     12    TokenUpdate        [token]
 *     13    BlockPrivateData   [[block hash, psi, private state root, [payload ...]] ...]
 *
 *     payload                  [hash, data, extra, is sender]
 *     extra                    [[affected hash ...], execution hash, flag, [managed party ...], sender,
 *                               [mandatory recipient ...]]
 */
#ifndef P2P_QLIGHT_WIRE_H
#define P2P_QLIGHT_WIRE_H

#include "base/arena.h"
#include "base/error.h"
#include "chain/private/private.h"
#include "rlp/rlp.h"

enum {
    P2P_QLIGHT_65 = 65,
    P2P_QLIGHT_LENGTH = 20, /* codes */
    P2P_QLIGHT_MESSAGE_MAX = 10 << 20,
    P2P_QLIGHT_TOKEN_MAX = 16 << 10, /* bytes; the reference has the message's limit */
};

enum p2p_qlight_code {
    P2P_QLIGHT_STATUS = 0x11,
    P2P_QLIGHT_TOKEN_UPDATE = 0x12,
    P2P_QLIGHT_PRIVATE_DATA = 0x13,
};

struct p2p_qlight_status {
    uint32_t version;
    bool server;
    struct bytes
        psi; /* of a client: whose private state it wants; not empty, at most CHAIN_PSI_MAX */
    struct bytes token; /* of a client: what would be in Authorization; may be empty */
};

/* A payload that the server is party to. */
struct p2p_qlight_payload {
    struct chain_payload_hash hash;
    struct chain_payload payload; /* is_party */
    const struct bytes *mandatory;
    size_t mandatory_count;
    bool is_sender;
};

/* What of a block a private state has. */
struct p2p_qlight_block {
    struct hash256 hash;
    struct bytes psi;
    struct hash256 root; /* of the private state after it; zero: the server does not know */
    const struct p2p_qlight_payload *payloads;
    size_t count;
};

struct p2p_qlight_private_data {
    const struct p2p_qlight_block *blocks;
    size_t count;
};

/*
 * Each reads a payload that is exactly one such message. Borrows it; arrays are in `arena`, in proportion to it. ERR_INPUT
 * (names the field, byte and cause), ERR_NOMEM. `detail` may be NULL.
 */
int p2p_qlight_read_status(struct p2p_qlight_status *ret_status, struct bytes payload,
                           struct err_detail *detail) BASE_NODISCARD;
int p2p_qlight_read_token(struct bytes *ret_token, struct bytes payload,
                          struct err_detail *detail) BASE_NODISCARD;
int p2p_qlight_read_private_data(struct p2p_qlight_private_data *ret_data, struct arena *arena,
                                 struct bytes payload, struct err_detail *detail) BASE_NODISCARD;

/* Append the message; private data of one block. Failures: buf_status(b). */
void p2p_qlight_write_status(struct buf *b, const struct p2p_qlight_status *status);
void p2p_qlight_write_token(struct buf *b, struct bytes token);
void p2p_qlight_write_private_data(struct buf *b, const struct p2p_qlight_block *block);

#endif
