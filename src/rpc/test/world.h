/* A chain that GoQuorum made and recorded, with a pool, and an rpc over it. */
#ifndef RPC_TEST_WORLD_H
#define RPC_TEST_WORLD_H

#include "chain/chain.h"
#include "chain/pool/pool.h"
#include "privacy/privacy.h"
#include "rpc/rpc.h"
#include "tests/support/recorded_tm.h"

#include <jansson.h>

struct world {
    struct store *store;
    struct chain *chain;
    struct chain_pool *pool;
    struct rpc_backend backend;
    struct rpc *rpc;
    char client_version[128];
    struct recorded_tm *recorded; /* of a private network */
    struct privacy_tm *tm;
    struct chain_payloads payloads;
    size_t asked;
    char accounts_folder[64]; /* "": there are none */
};

/* Imports the blocks that peer 0 of the recording had. Fails the running test when that does not work. */
void world_begin(struct world *w, const char *network);
/* The same for a private network, as its peer `peer` saw it, with the answers of its transaction manager. */
void world_begin_private(struct world *w, const char *network, unsigned peer);
/* An rpc over nothing: no chain, no pool. */
void world_begin_empty(struct world *w);
/* Accounts in a folder of their own, which goes with the world. */
void world_add_accounts(struct world *w);
void world_end(struct world *w);

/* The answer to a message, parsed; NULL when there is none. Freed by json_decref. Messages are asked by turns at the loop's desk and at another. */
json_t *world_ask(struct world *w, struct rpc_access access, const char *message);

#endif
