/* The cluster that peer 0 of a recorded Raft network was asked for, behind raft_cluster, raft_role and raft_leader. */
#ifndef RPC_TEST_WORLD_RAFT_H
#define RPC_TEST_WORLD_RAFT_H

#include "rpc/backend/raft.h"

/* Valid until the next call; fails the running test when the recording has no cluster. */
const struct rpc_raft *world_raft(const char *network);

#endif
