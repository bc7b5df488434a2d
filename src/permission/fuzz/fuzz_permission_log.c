/*
 * Events and results of contracts: the first byte chooses the contract, the second the event, the rest is its data. A
 * contract may answer nonsense; the model stays one that can be walked.
 */
#include "base/fuzz/fuzz.h"
#include "permission/abi.h"
#include "permission/events.h"

#include <stdlib.h>

static const char *const signatures[] = {
    "OrgPendingApproval(string,string,string,uint256,uint256)",
    "OrgSuspended(string,string,string,uint256)",
    "RoleCreated(string,string,uint256,bool,bool)",
    "RoleRevoked(string,string)",
    "AccountAccessModified(address,string,string,bool,uint256)",
    "AccountStatusChanged(address,string,uint256)",
    "NodeApproved(string,string)",
    "NodeApproved(string,string,uint16,uint16,string)",
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct permission_config config = {
        .orgs = {{1}}, .roles = {{2}}, .accounts = {{3}}, .nodes = {{4}}};
    struct permission_events *events;
    struct permission_model model;
    struct buf url = BUF_INIT;
    if (size < 3)
        return 0;
    config.enhanced = data[2] & 1;
    if (permission_events_new(&events, &config, data[2] & 2) != ERR_OK)
        return 0;
    permission_model_init(&model);
    for (int round = 0; round < 2; round++) {
        enum permission_node_change change;
        struct hash256 topic;
        struct eth_log log = {
            .address = {{data[0]}},
            .topics = &topic,
            .topic_count = 1,
            .data = bytes_of(data + 3, size - 3),
        };
        permission_abi_topic(&topic, signatures[data[1] % BASE_COUNT(signatures)]);
        int status = permission_take_log(events, &model, &log, &change, &url);
        if (status != ERR_OK && change != PERMISSION_NO_CHANGE)
            abort();
    }
    for (size_t i = 0; i < map_count(&model.accounts); i++)
        (void)permission_access_of(&model, &config, &permission_account_at(&model, i)->address);
    (void)permission_allows_node(&model, "00");
    buf_release(&url);
    permission_model_release(&model);
    permission_events_free(events);
    return 0;
}
