/*
 * The extensions of private contracts that this node has to do with: watched in the blocks' logs, kept in a file, and what this node
 * does for them without being asked (GoQuorum, extension/backend.go):
 *
 *     an extension begins    it is put on the list; the node whose manager sent the management contract votes for it
 *     all have voted for it  that node shares the contract's state
 *     it is over             it is taken off the list
 *
 * What failed (an account that is locked, a manager that is down) is tried again; what was missed while the node did not run is found
 * when it starts, from the last block that the file names.
 */
#ifndef RPC_EXTENSION_EXTENSION_H
#define RPC_EXTENSION_EXTENSION_H

#include "rpc/rpc.h"

/* Reads the file, whose path is copied, and begins to watch; for a node with a transaction manager. Once. Fails as extension_list_load
 * does. */
int rpc_extension_open(struct rpc *rpc, const char *path, struct err_detail *detail) BASE_NODISCARD;

#endif
