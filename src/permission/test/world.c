#include "permission/test/world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

void world_answering(struct buf *code, struct bytes answer)
{
    unsigned len = (unsigned)answer.len;
    assert_true(answer.len < 0x10000);
    /* CODECOPY(0, 15, len), RETURN(0, len), and the answer */
    buf_append_format(code, "61%04x61000f60003961%04x6000f3", len, len);
    for (size_t i = 0; i < answer.len; i++)
        buf_append_format(code, "%02x", answer.data[i]);
    assert_int_equal(buf_status(code), 0);
}

static void append_genesis(struct buf *genesis, const struct world_contract *contracts,
                           size_t count)
{
    buf_append_text(genesis,
                    "{\"config\":{\"chainId\":1337,\"homesteadBlock\":0,\"eip150Block\":0,"
                    "\"eip155Block\":0,\"eip158Block\":0,\"byzantiumBlock\":0,"
                    "\"constantinopleBlock\":0,\"petersburgBlock\":0,\"istanbulBlock\":0,"
                    "\"isQuorum\":true},\"difficulty\":\"0x1\",\"gasLimit\":\"0xE0000000\","
                    "\"timestamp\":\"0x0\",\"nonce\":\"0x0\",\"alloc\":{");
    for (size_t i = 0; i < count; i++)
        buf_append_format(genesis, "%s\"%040x\":{\"balance\":\"0x0\",\"code\":\"0x%s\"}",
                          i ? "," : "", contracts[i].place, contracts[i].code);
    buf_append_text(genesis, "}}");
    assert_int_equal(buf_status(genesis), 0);
}

static void make_config(struct permission_config *config, bool enhanced)
{
    struct buf json = BUF_INIT;
    struct err_detail detail = {{0}};
    static const char *const keys[] = {"upgrdableAddress", "interfaceAddress", "orgMgrAddress",
                                       "nodeMgrAddress",   "roleMgrAddress",   "accountMgrAddress",
                                       "voterMgrAddress",  "implAddress"};
    buf_append_format(&json, "{\"permissionModel\":\"%s\"", enhanced ? "v2" : "v1");
    for (unsigned i = 0; i < BASE_COUNT(keys); i++)
        buf_append_format(&json, ",\"%s\":\"0x%040x\"", keys[i], 0x41 + i);
    buf_append_text(&json, ",\"nwAdminOrg\":\"NWORG\",\"nwAdminRole\":\"NWADMIN\","
                           "\"orgAdminRole\":\"ORGADMIN\",\"accounts\":["
                           "\"0x0000000000000000000000000000000000000011\"],"
                           "\"subOrgBreadth\":2,\"subOrgDepth\":3}");
    if (permission_config_parse(config, buf_bytes(&json), &detail))
        fail_msg("%s", detail.text);
    buf_release(&json);
}

void world_begin(struct world *w, bool enhanced, const struct world_contract *contracts,
                 size_t count)
{
    struct buf genesis = BUF_INIT;
    struct err_detail detail = {{0}};
    *w = (struct world){.store = NULL};
    append_genesis(&genesis, contracts, count);
    assert_int_equal(store_memory_new(&w->store, chain_tables, CHAIN_TABLES), 0);
    const struct chain_options options = {
        .store = w->store, .genesis = buf_bytes(&genesis), .archive = true};
    if (chain_open(&w->chain, &options, &detail))
        fail_msg("%s", detail.text);
    buf_release(&genesis);
    struct permission_options permission = {.chain = w->chain};
    make_config(&permission.config, enhanced);
    assert_int_equal(permission_new(&w->permission, &permission), 0);
}

void world_end(struct world *w)
{
    permission_free(w->permission);
    chain_free(w->chain);
    store_free(w->store);
}
