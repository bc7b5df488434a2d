/* Any bytes as a genesis file: what is accepted has a configuration that is written, and read again as
 * the same; its rules, fork id and block 0 can be had. */
#include "base/fuzz/fuzz.h"
#include "chain/config/forkid.h"
#include "chain/config/genesis.h"

static void check_config(const struct chain_config *config, struct bytes extra)
{
    struct buf first = BUF_INIT, second = BUF_INIT;
    struct chain_config *again;
    struct err_detail detail;
    chain_config_write(&first, config);
    require(chain_config_new(&again, buf_bytes(&first), false, NULL, &detail) == 0);
    chain_config_write(&second, again);
    require(bytes_equal(buf_bytes(&first), buf_bytes(&second)));
    int status = chain_config_check_init(config, extra, &detail);
    require(status == 0 || status == ERR_INPUT);
    status = chain_config_check(config, &detail);
    require(status == 0 || status == ERR_INPUT);
    /* Of itself it is a continuation. */
    require(chain_config_compatible(config, again, 1000, &detail) == 0);
    const struct hash256 genesis = {{1}};
    struct chain_forkid id = chain_forkid(config, &genesis, 5, 5);
    require(chain_forkid_check(config, &genesis, 5, 5, &id) == CHAIN_FORKID_OK);
    struct chain_rules a = chain_config_rules(config, 7, 7), b = chain_config_rules(again, 7, 7);
    require(a.fork == b.fork && a.max_code_size == b.max_code_size && a.gas_price == b.gas_price);
    chain_config_free(again);
    buf_release(&first);
    buf_release(&second);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct chain_genesis *genesis;
    struct err_detail detail = {""};
    int status = chain_genesis_new(&genesis, bytes_of(data, size), NULL, &detail);
    require(status == 0 || (*detail.text && status != ERR_NOMEM));
    if (status)
        return 0;
    check_config(genesis->config, genesis->header.extra);
    struct chain_block *block;
    require(chain_genesis_block(genesis, &block, &detail) == 0);
    chain_block_unref(block);
    chain_genesis_free(genesis);
    return 0;
}
