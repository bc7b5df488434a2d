/* Accounts that are changed before a call or a trace (GoQuorum, internal/ethapi, StateOverride). */
#ifndef RPC_RUN_OVERRIDE_H
#define RPC_RUN_OVERRIDE_H

#include "rpc/method.h"
#include "state/view.h"

struct rpc_override_slot {
    struct hash256 slot, value;
};

struct rpc_override {
    struct address address;
    bool has_nonce, has_code, has_balance, has_state, has_state_diff;
    uint64_t nonce;
    struct bytes code;
    struct u256 balance;
    const struct rpc_override_slot *slots, *diff; /* all slots; only those */
    size_t slot_count, diff_count;
};

/* Changes the view, which is between transactions. RPC_FAILED, or a failure. */
int rpc_override_apply(struct rpc_call *call, struct state_view *view,
                       const struct rpc_override *list, size_t count) BASE_NODISCARD;

#endif
