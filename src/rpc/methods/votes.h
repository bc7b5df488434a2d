/* What this node votes for: the same three methods under the names of each engine that has votes (`istanbul_candidates`,
 * `clique_proposals`, …). */
#ifndef RPC_METHODS_VOTES_H
#define RPC_METHODS_VOTES_H

#include "rpc/method.h"

/* {"0x…": true, …} */
int rpc_votes_list(struct rpc_call *call);
/* Arguments: an address, and whether it is to be in. */
int rpc_votes_propose(struct rpc_call *call);
/* Argument: an address. */
int rpc_votes_discard(struct rpc_call *call);

#endif
