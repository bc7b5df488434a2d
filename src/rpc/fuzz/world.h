/* What the fuzz targets that ask a node share. */
#ifndef RPC_FUZZ_WORLD_H
#define RPC_FUZZ_WORLD_H

#include "rpc/backend/backend.h"

/* Ends the process unless it holds. */
void fuzz_require(bool holds);
/* Fills in chain, pool, loop, version and limit of gas. */
void fuzz_world_begin(struct rpc_backend *backend);

#endif
