/* Why a call does not begin whose sender has not what it costs. */
#ifndef RPC_RUN_FUNDS_H
#define RPC_RUN_FUNDS_H

#include "rpc/run/simulate.h"

/* After a run: verdict and text in the reference's order and words, where the rules are older than London. 0 or a failure. */
int rpc_funds_explain(struct rpc_simulation *s) BASE_NODISCARD;

#endif
