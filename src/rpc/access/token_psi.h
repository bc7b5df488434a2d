/* Inside of token.c: the scopes about private states. */
#ifndef RPC_ACCESS_TOKEN_PSI_H
#define RPC_ACCESS_TOKEN_PSI_H

#include "base/bytes.h"
#include "base/types.h"

#include <stdbool.h>

struct rpc_token_psi {
    struct bytes psi, query;
};

/* Spans lie in `scope`. False: it is of another kind. */
bool rpc_token_psi_parse(struct rpc_token_psi *ret, struct bytes scope);
bool rpc_token_psi_is(const struct rpc_token_psi *granted, struct bytes psi);
/* Transactions of an account whose key the node has, or (`is_raw`) that its owner has signed. */
bool rpc_token_psi_may_send(const struct rpc_token_psi *granted, const struct address *account,
                            bool is_raw);

#endif
