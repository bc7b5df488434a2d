/*
 * Which private state a request is about (GoQuorum, rpc/security.go, core/multiple_psm.go), where there are several:
 *
 *     HTTP, WebSocket    the field Quorum-PSI (or PSI) of the request, else PSI of its query; of WebSocket the opening one's
 *     IPC                a text as id, "<private state>/<anything>"
 *     an access token    with --multitenancy it must grant the state; one that grants a single one need not name it
 *
 * and "private" when nothing is said.
 */
#ifndef RPC_ACCESS_PSI_H
#define RPC_ACCESS_PSI_H

#include "io/http.h"
#include "rpc/method.h"

/* What an HTTP request names, into `access`. */
void rpc_psi_of_http(struct rpc_access *access, const struct io_http_request *request);
/* What the call names by its id and token, into call->access. RPC_FAILED: the token does not allow it. */
int rpc_psi_begin(struct rpc_call *call) BASE_NODISCARD;

/*
 * By methods that look at a private state, before they do: sets call->psi and, where there are several, call->group. RPC_FAILED:
 * there is none of that name. Any thread.
 */
int rpc_psi(struct rpc_call *call) BASE_NODISCARD;
/* After rpc_psi: whether the state is to see a payload. */
bool rpc_psi_sees(const struct rpc_call *call, const struct chain_payload *payload);

/* A private transaction is about to be sent, from the account that the node signs for, or (`is_raw`) that has signed it: sets or
 * checks whose key it is from, and asks the token. */
int rpc_psi_check_send(struct rpc_call *call, struct bytes *from_key, const struct address *account,
                       bool is_raw) BASE_NODISCARD;

#endif
