/* What of a block a QLight client's private state is party to (GoQuorum, qlight/server.go: PrepareBlockPrivateData). */
#ifndef NODE_LIGHT_BLOCK_DATA_H
#define NODE_LIGHT_BLOCK_DATA_H

#include "chain/chain.h"
#include "privacy/privacy.h"

#include <stdatomic.h>

struct node_light_view {
    struct privacy_tm *tm;         /* NULL: there is none, and nothing is private */
    const struct chain_psis *psis; /* NULL: there is one private state */
    struct bytes psi;              /* the client's */
    const atomic_bool *unwanted; /* set by any thread: nobody waits any more; NULL: somebody does */
};

/* Appends messages of QLight, none when it is party to nothing of the block; more than one when they are large. `tell_root`: with the
 * root of the private state, if it is kept. Asks the transaction manager and waits: not for the loop. PRIVACY_FAILED, with GoQuorum's words, when
 * it has no answer; ERR_NOTFOUND: no such private state; ERR_BUSY: unwanted; failures of this machine. */
int node_light_block_data(struct buf *messages, struct chain_reader *reader,
                          const struct chain_block *block, const struct node_light_view *view,
                          bool tell_root, struct err_detail *detail) BASE_NODISCARD;

/* A question for bodies. */
struct node_light_bodies {
    const struct hash256 *hashes; /* of blocks */
    const bool *tell_root;        /* for each */
    size_t count;
    /* Whose bodies are behind either is left out, but never the first: bytes of the answer, and a time by base_now_ms. */
    size_t bytes_soft;
    uint64_t until;
};

/* Appends the message BlockBodies to `message`, and to `private_data` what node_light_block_data says of its blocks. Blocks that are not of the
 * chain are left out. *ret_count: how many were looked at. Failures likewise; the chain's. */
int node_light_bodies(struct buf *private_data, struct buf *message, size_t *ret_count,
                      struct chain_reader *reader, const struct node_light_bodies *asked,
                      const struct node_light_view *view, struct err_detail *detail) BASE_NODISCARD;

#endif
