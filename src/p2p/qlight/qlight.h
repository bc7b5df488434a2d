/*
 * QLight: a client that executes all blocks, has one server in place of peers and of a transaction manager, and gets from it,
 * before each block, the private payloads that its private state (psi) is party to (spec section 8; GoQuorum,
 * eth/protocols/qlight, eth/handler_qlight_client.go, eth/handler_qlight_server.go). Beside them the messages are those
 * of eth/65, which the handler of eth sees through here:
 *
 *     both          Status, then the Status of QLight; until both have come and are welcome nothing else
 *     server takes  GetBlockHeaders, GetBlockBodies, TokenUpdate; looks not at what else a client of GoQuorum's may send
 *     server sends  private data before bodies and before each new block; transactions
 *     client takes  those, and answers
 *
 * Everything on the loop's thread.
 */
#ifndef P2P_QLIGHT_QLIGHT_H
#define P2P_QLIGHT_QLIGHT_H

#include "p2p/eth/eth.h"
#include "p2p/qlight/wire.h"
#include "p2p/server.h"

struct p2p_qlight;
struct p2p_qlight_peer;

struct p2p_qlight_options {
    bool server;

    /* --- A server's; the first may be NULL --- */
    /* Whether the client may have the private state that it named, by its token; asked when it comes and every 30 s. Not: `why`
     * is for the log. */
    bool (*authorize)(void *context, struct bytes psi, struct bytes token, struct err_detail *why);
    /* It asks for bodies; to be answered by p2p_qlight_answer or _refuse, now or later, in order; two at most are open. `hashes` is valid during the
     * call. */
    void (*bodies)(void *context, struct p2p_qlight_peer *peer,
                   const struct p2p_eth_hashes *hashes);
    /* It is gone, and `peer` with it. */
    void (*gone)(void *context, struct p2p_qlight_peer *peer);

    /* --- A client's --- */
    const char *psi; /* copied */
    /* Appends the token; empty without one. */
    void (*token)(void *context, struct buf *ret_token);
    /* Private data of blocks that come next. Valid during the call. */
    void (*private_data)(void *context, const struct p2p_qlight_private_data *data);

    void (*report)(void *context, enum p2p_eth_level level, const char *message); /* may be NULL */
    void *context;
};

/* `eth` has the role of this end (p2p_eth_role). ERR_NOMEM. */
int p2p_qlight_new(struct p2p_qlight **ret_qlight, struct p2p_eth *eth,
                   const struct p2p_qlight_options *options, struct io_loop *loop) BASE_NODISCARD;
/* All peers have been closed. NULL is fine. */
void p2p_qlight_free(struct p2p_qlight *qlight);
/* The row for the server's options. */
struct p2p_protocol p2p_qlight_protocol(struct p2p_qlight *qlight);

/* --- Server --- */

/* Clients that are welcome; NULL after the last. */
struct p2p_qlight_peer *p2p_qlight_next(const struct p2p_qlight *qlight,
                                        const struct p2p_qlight_peer *after);
struct bytes p2p_qlight_psi(const struct p2p_qlight_peer *peer);
/* Whether it is still to be told of the private state root after a block: GoQuorum's client ends the connection when it is told twice. From
 * now on it was. */
bool p2p_qlight_tell_root(struct p2p_qlight_peer *peer, const struct hash256 *block);
/* It was not, after all. */
void p2p_qlight_root_untold(struct p2p_qlight_peer *peer, const struct hash256 *block);
/* What was asked for: private data of blocks, as messages one behind the other, and the message with the bodies. */
void p2p_qlight_answer(struct p2p_qlight_peer *peer, struct bytes private_data,
                       struct bytes bodies);
/* It cannot be given, and GoQuorum ends the connection then. */
void p2p_qlight_refuse(struct p2p_qlight_peer *peer, const char *why);
/* The network has a new block: its private data, likewise, and the message NewBlock. Not to one that does not read. */
void p2p_qlight_new_block(struct p2p_qlight_peer *peer, struct bytes private_data,
                          struct bytes new_block);

/* --- Client --- */

/* The server hears of another token. */
void p2p_qlight_set_token(struct p2p_qlight *qlight, struct bytes token);

#endif
