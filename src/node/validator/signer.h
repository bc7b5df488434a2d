/*
 * The signer of a Clique chain: makes a block when its turn has come, or, a random while later, when the one whose turn
 * it is does not (GoQuorum, consensus/clique, Seal). There is nothing to agree on: blocks go to the chain's thread and
 * the network as they are. Everything on the loop.
 */
#ifndef NODE_VALIDATOR_SIGNER_H
#define NODE_VALIDATOR_SIGNER_H

#include "node/chain_thread.h"
#include "node/validator/votes.h"

struct node_signer;

struct node_signer_options {
    struct io_loop *loop;
    struct node_chain *chain;
    struct chain_pool *pool;
    struct address self;
    /* Signs with the account's key: r, s, recovery id. Called on the chain's thread. ERR_CRYPTO: it is locked. */
    int (*sign)(void *context, const struct hash256 *digest, uint8_t ret_signature[65]);
    void *sign_context;
    struct bytes extra; /* vanity; copied, at most 32 bytes */
    uint64_t gas_floor, gas_ceil;
};

/* Nothing happens before _start. ERR_NOMEM. */
int node_signer_new(struct node_signer **ret_signer,
                    const struct node_signer_options *options) BASE_NODISCARD;
/* To be called before the chain's thread is freed, and freed behind it, since jobs call back. NULL is fine. */
void node_signer_stop(struct node_signer *signer);
void node_signer_free(struct node_signer *signer);

/* Takes part from the present head on. */
void node_signer_start(struct node_signer *signer);
/* The head has moved. */
void node_signer_head(struct node_signer *signer);
/* While true no block is made; but not for ever: a synchronisation that brings nothing for a while is passed over. */
void node_signer_set_syncing(struct node_signer *signer, bool syncing);
/* miner_stop and miner_start. */
void node_signer_set_mining(struct node_signer *signer, bool mining);
bool node_signer_is_mining(const struct node_signer *signer);
/* Whether the block is one of its own, and how long ago it was built. */
bool node_signer_made(const struct node_signer *signer, const struct hash256 *hash,
                      uint64_t *ret_ms);
/* The vanity of the blocks from now on, at most 32 bytes. */
void node_signer_set_extra(struct node_signer *signer, struct bytes extra);
/* Transactions have come into the pool that can be executed. */
void node_signer_pending(struct node_signer *signer);

/* clique_propose, _discard, _proposals. */
struct node_votes *node_signer_votes(struct node_signer *signer);
const struct address *node_signer_address(const struct node_signer *signer);

#endif
