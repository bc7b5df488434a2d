/* The lists that make the table, one for each namespace or kind of thing. */
#ifndef RPC_METHODS_METHODS_H
#define RPC_METHODS_METHODS_H

#include "rpc/method.h"

extern const struct rpc_method_list rpc_methods_block, rpc_methods_transaction, rpc_methods_state,
    rpc_methods_call, rpc_methods_logs, rpc_methods_node, rpc_methods_network, rpc_methods_istanbul,
    rpc_methods_raft, rpc_methods_debug, rpc_methods_trace, rpc_methods_miner, rpc_methods_chain,
    rpc_methods_runtime, rpc_methods_fee, rpc_methods_clique, rpc_methods_accesslist,
    rpc_methods_dump, rpc_methods_account, rpc_methods_send, rpc_methods_private,
    rpc_methods_sendprivate, rpc_methods_subscribe, rpc_methods_permission, rpc_methods_servers,
    rpc_methods_extension, rpc_methods_modified, rpc_methods_storage_range, rpc_methods_light;

#endif
