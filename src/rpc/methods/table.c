#include "chain/chain.h"
#include "rpc/methods/methods.h"

const struct rpc_method_list *const rpc_method_lists[] = {
    &rpc_methods_block,         &rpc_methods_transaction, &rpc_methods_state,
    &rpc_methods_call,          &rpc_methods_logs,        &rpc_methods_node,
    &rpc_methods_network,       &rpc_methods_istanbul,    &rpc_methods_raft,
    &rpc_methods_debug,         &rpc_methods_trace,       &rpc_methods_accesslist,
    &rpc_methods_dump,          &rpc_methods_account,     &rpc_methods_send,
    &rpc_methods_miner,         &rpc_methods_chain,       &rpc_methods_runtime,
    &rpc_methods_fee,           &rpc_methods_clique,      &rpc_methods_private,
    &rpc_methods_sendprivate,   &rpc_methods_subscribe,   &rpc_methods_permission,
    &rpc_methods_servers,       &rpc_methods_extension,   &rpc_methods_modified,
    &rpc_methods_storage_range, &rpc_methods_light,
};
const size_t rpc_method_list_count = BASE_COUNT(rpc_method_lists);

uint32_t rpc_available(const struct rpc_backend *backend)
{
    /* Namespaces of an engine are there with the engine alone. */
    static const struct {
        const char *name;
        bool always;
        enum chain_engine_kind engine;
    } rules[] = {
        {"admin", true, 0},
        {"debug", true, 0},
        {"eth", true, 0},
        {"miner", true, 0},
        {"net", true, 0},
        {"personal", true, 0},
        {"rpc", true, 0},
        {"txpool", true, 0},
        {"web3", true, 0},
        {"istanbul", false, CHAIN_ENGINE_ISTANBUL},
        {"clique", false, CHAIN_ENGINE_CLIQUE},
    };
    size_t count;
    const char *const *names = rpc_namespaces(&count);
    uint32_t bits = 0;
    for (size_t i = 0; i < BASE_COUNT(rules); i++) {
        bool there =
            rules[i].always ||
            (backend->chain && chain_configuration(backend->chain)->engine == rules[i].engine);
        for (size_t k = 0; there && k < count; k++)
            if (strcmp(names[k], rules[i].name) == 0)
                bits |= 1u << k;
    }
    for (size_t k = 0; backend->raft && k < count; k++)
        if (strcmp(names[k], "raft") == 0)
            bits |= 1u << k;
    for (size_t k = 0; backend->permission && k < count; k++)
        if (strcmp(names[k], "quorumPermission") == 0)
            bits |= 1u << k;
    for (size_t k = 0; backend->privacy && k < count; k++)
        if (strcmp(names[k], "quorumExtension") == 0)
            bits |= 1u << k;
    for (size_t k = 0; backend->light_token && k < count; k++)
        if (strcmp(names[k], "qlight") == 0)
            bits |= 1u << k;
    return bits;
}
