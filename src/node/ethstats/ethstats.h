/*
 * Reports to an ethstats server (--ethstats): the session (session.h) on a WebSocket of the loop, with what chain, pool and
 * network say at the moment. wss:// is tried before ws:// where the flag names neither, as GoQuorum does. Whoever cannot be
 * reached is tried again after ten seconds, for ever; nothing else of the node waits for that.
 */
#ifndef NODE_ETHSTATS_ETHSTATS_H
#define NODE_ETHSTATS_ETHSTATS_H

#include "io/worker.h"
#include "node/chain_thread.h"
#include "node/ethstats/report.h"
#include "rpc/backend/backend.h"

struct node_ethstats;

struct node_ethstats_options {
    struct io_loop *loop;
    struct io_worker *worker; /* reads what a history needs */
    const struct node_chain *chain;
    const struct rpc_backend *backend; /* mining, price of gas, peers; complete before the start */
    const struct p2p_protocol *protocols;
    size_t protocol_count;
};

/* `value` is the flag's, and stays. ERR_USAGE (as node_ethstats_target_read), ERR_NOMEM. */
int node_ethstats_start(struct node_ethstats **ret_ethstats, const char *value,
                        const struct node_ethstats_options *options,
                        struct err_detail *detail) BASE_NODISCARD;
/* Hangs up. NULL is fine. */
void node_ethstats_stop(struct node_ethstats *ethstats);
/* When the worker has gone. NULL is fine. */
void node_ethstats_free(struct node_ethstats *ethstats);

/* The head has moved; transactions can be executed now. NULL is fine. */
void node_ethstats_on_head(struct node_ethstats *ethstats);
void node_ethstats_on_transactions(struct node_ethstats *ethstats);

#endif
