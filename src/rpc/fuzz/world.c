/* A node with a chain of one block and a pool, without workers: what is asked is answered at once. */
#include "rpc/fuzz/world.h"

#include "chain/chain.h"
#include "chain/pool/pool.h"

#include <stdlib.h>

static int account(void *context, const struct address *address,
                   struct chain_pool_account *ret_account)
{
    (void)context;
    *ret_account = (struct chain_pool_account){.address = *address};
    return 0;
}

void fuzz_require(bool holds)
{
    if (!holds)
        abort();
}

void fuzz_world_begin(struct rpc_backend *backend)
{
    static const char genesis[] =
        "{\"config\":{\"chainId\":10,\"isQuorum\":true,\"homesteadBlock\":0,\"eip150Block\":0,"
        "\"eip155Block\":0,"
        "\"eip158Block\":0,\"byzantiumBlock\":0,\"constantinopleBlock\":0,\"petersburgBlock\":0,"
        "\"istanbulBlock\":0,\"berlinBlock\":0,\"londonBlock\":0,\"shanghaiTime\":0,"
        "\"cancunTime\":0,\"pragueTime\":0},\"gasLimit\":\"0x100000\",\"difficulty\":\"0x1\","
        "\"alloc\":{"
        "\"0x1111111111111111111111111111111111111111\":{\"balance\":\"0x100\"},"
        "\"0x2222222222222222222222222222222222222222\":{\"balance\":\"0\",\"code\":"
        "\"0x60016000fd\"}}}";
    struct store *store;
    struct chain_pool_options pool_options;
    struct chain_options options = {.genesis = bytes_str(genesis), .archive = true};
    fuzz_require(store_memory_new(&store, chain_tables, CHAIN_TABLES) == 0);
    options.store = store;
    fuzz_require(chain_open(&backend->chain, &options, NULL) == 0);
    struct chain_rules rules = chain_config_rules(chain_configuration(backend->chain), 1, 1);
    struct chain_pool_rules pool_rules = {
        .eth = rules.transactions, .gas_limit = 0x100000, .is_quorum = true};
    chain_pool_options_init(&pool_options);
    pool_options.account = account;
    fuzz_require(chain_pool_new(&backend->pool, &pool_options, &pool_rules) == 0);
    fuzz_require(io_loop_new(&backend->loop) == 0);
    backend->client_version = "fuzz";
    backend->gas_cap = 1000000;
}
