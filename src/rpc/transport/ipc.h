/* JSON-RPC over a unix socket, for the node's owner: JSON values one after the other, answered in order, each
 * answer followed by a newline (GoQuorum, rpc/ipc.go). */
#ifndef RPC_TRANSPORT_IPC_H
#define RPC_TRANSPORT_IPC_H

#include "rpc/rpc.h"

struct rpc_ipc;

struct rpc_ipc_options {
    const char *path;
    uint64_t
        write_ms; /* for what is sent to be taken, 0 = 30 s; who has nothing to take may be silent for ever */
};

/* Failures as io_listen_unix, and ERR_NOMEM. All namespaces are open. */
int rpc_ipc_start(struct rpc_ipc **ret_ipc, struct rpc *rpc, const struct rpc_ipc_options *options,
                  struct err_detail *detail) BASE_NODISCARD;
/* Removes the socket. NULL is fine. */
void rpc_ipc_stop(struct rpc_ipc *ipc);

#endif
