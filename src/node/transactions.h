/*
 * The pool, joined with chain and disk: what it asks about accounts is answered from the state at the head, at each new
 * head it is told what changed, and local transactions are journalled. (How transactions get into it: p2p/eth/local.h.)
 */
#ifndef NODE_TRANSACTIONS_H
#define NODE_TRANSACTIONS_H

#include "node/chain_thread.h"
#include "node/config/config.h"

struct node_transactions;
struct p2p_local;
struct permission;

struct node_transactions_options {
    struct io_loop *loop;
    struct node_chain *chain;
    struct io_worker *worker; /* writes the journal anew */
    const struct node_config *config;
    const char *journal;           /* path; copied; NULL: none */
    struct permission *permission; /* contracts that decide who may send; NULL: none */
    /* On the loop: these can be executed now and could not before. May be NULL. */
    void (*executable)(void *context, struct chain_tx *const *txs, size_t count);
    void *context;
};

/* Makes the pool. ERR_*. */
int node_transactions_new(struct node_transactions **ret_transactions,
                          const struct node_transactions_options *options,
                          struct err_detail *detail) BASE_NODISCARD;
/* Begins to read the journal, and takes back what reorganisations give, by way of `local`, which has its senders
 * recovered. */
void node_transactions_start(struct node_transactions *t, struct p2p_local *local);
/* `local` goes: nothing is given to it any more. */
void node_transactions_stop(struct node_transactions *t);
/* The worker is idle, the chain's thread has been stopped. NULL is fine. */
void node_transactions_free(struct node_transactions *t);

struct chain_pool *node_transactions_pool(struct node_transactions *t);
/* What holds for transactions in the block after the head. */
struct chain_pool_rules node_transactions_rules(const struct node_transactions *t);

/* The head has moved. */
void node_transactions_head(struct node_transactions *t, const struct node_head *head);

#endif
