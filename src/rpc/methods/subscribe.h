/* `…_subscribe` and `…_unsubscribe`, which dispatch asks for by the method's last part. */
#ifndef RPC_METHODS_SUBSCRIBE_H
#define RPC_METHODS_SUBSCRIBE_H

#include "rpc/method.h"

bool rpc_is_subscription(struct bytes method);
/* Sets call->method to the row for such a method and its parameters, or the error: 0, RPC_FAILED, ERR_NOMEM. */
int rpc_subscription_method(struct rpc_call *call, struct bytes method,
                            struct bytes params) BASE_NODISCARD;
/* Whether a method's namespace is open. */
bool rpc_may_call(const struct rpc *rpc, struct rpc_access access, struct bytes method);
/* `work` of eth_getLogs: by args[0].filter. */
int rpc_get_logs(struct rpc_call *call);

#endif
