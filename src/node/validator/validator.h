/*
 * The validator: carries out what the consensus machine (consensus/machine.h) asks for, with the chain's thread, the
 * network, the clock and the disk, and tells it what happens. Everything on the loop.
 *
 * A machine runs as long as the engine stays the same; at the transition from IBFT to QBFT it is replaced. While the
 * chain is being synchronised from peers it is told of no head.
 */
#ifndef NODE_VALIDATOR_VALIDATOR_H
#define NODE_VALIDATOR_VALIDATOR_H

#include "crypto/secp256k1.h"
#include "node/chain_thread.h"
#include "node/metrics/figures.h"
#include "node/validator/votes.h"

struct node_validator;

/* How messages reach other validators; they are sent before these return, or dropped. */
struct node_validator_network {
    /* To each connected member of `set`, but `except` (NULL: none). */
    void (*broadcast)(void *context, const struct istanbul_set *set, const struct address *except,
                      unsigned code, struct bytes payload);
    void (*send)(void *context, const struct address *to, unsigned code, struct bytes payload);
    /* Calls fn for the address of each connected peer that speaks istanbul. */
    void (*each_peer)(void *context, void (*fn)(void *fn_context, const struct address *address),
                      void *fn_context);
    void *context;
};

struct node_validator_options {
    struct io_loop *loop;
    struct node_chain *chain;
    struct chain_pool *pool;
    const struct crypto_private_key *key; /* copied */
    const char *record_prefix;            /* record.h */
    struct bytes extra;                   /* vanity; copied, at most 32 bytes */
    uint64_t gas_floor, gas_ceil;
    struct node_figures *figures; /* counted there; NULL: nowhere */
    bool checkpoints;             /* --emitcheckpoints */
    struct node_validator_network network;
};

/* Reads the record. Nothing happens before _start. */
int node_validator_new(struct node_validator **ret_validator,
                       const struct node_validator_options *options,
                       struct err_detail *detail) BASE_NODISCARD;
/* Stops taking part; to be called before the chain's thread is freed, and freed behind it, since jobs call back. */
void node_validator_stop(struct node_validator *validator);
void node_validator_free(struct node_validator *validator);

/* Takes part from the present head on. */
void node_validator_start(struct node_validator *validator);
/* The head has moved. Borrowed for the call. */
void node_validator_head(struct node_validator *validator, const struct node_head *head);
/* While true, and blocks come, nothing is proposed or agreed. */
void node_validator_set_syncing(struct node_validator *validator, bool syncing);
/* miner_stop and miner_start: an idle one takes no part until it is started again. */
void node_validator_set_mining(struct node_validator *validator, bool mining);
bool node_validator_is_mining(const struct node_validator *validator);
/* Whether the block is one of its own, and how long ago it was built. */
bool node_validator_made(const struct node_validator *validator, const struct hash256 *hash,
                         uint64_t *ret_ms);
/* The vanity of the blocks from now on, at most 32 bytes. */
void node_validator_set_extra(struct node_validator *validator, struct bytes extra);
/* Transactions have come into the pool that can be executed. */
void node_validator_pending(struct node_validator *validator);

/* An Istanbul message of a peer, `payload` borrowed for the call; and that a validator's connection came or went. */
void node_validator_message(struct node_validator *validator, const struct address *from,
                            unsigned code, struct bytes payload);
void node_validator_peer(struct node_validator *validator, const struct address *address,
                         bool connected);

/* istanbul_propose, _discard, _candidates. */
struct node_votes *node_validator_votes(struct node_validator *validator);

/* Of the node key: who it is among validators. Borrowed. */
const struct address *node_validator_address(const struct node_validator *validator);

#endif
