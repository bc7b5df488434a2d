/* Genesis files and configurations: GoQuorum's parsing quirks, refusals, served form, schedules, fork
 * ids, and whether a chain may go on under another configuration. */
#include "base/hex.h"
#include "chain/config/forkid.h"
#include "chain/config/genesis.h"
#include "tests/support/recordings.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

static struct chain_config *config_of(const char *json)
{
    struct chain_config *config;
    struct err_detail detail = {""};
    if (chain_config_new(&config, bytes_str(json), true, NULL, &detail))
        fail_msg("%s: %s", json, detail.text);
    return config;
}

/* --- Served form --- */

struct served {
    const struct chain_config *config;
    size_t compared;
};

static void compare_served(const json_t *params, const json_t *result, void *context)
{
    struct served *served = context;
    struct buf b = BUF_INIT;
    (void)params;
    const json_t *protocols = json_object_get(result, "protocols");
    const json_t *wanted = json_object_get(json_object_get(protocols, "eth"), "config");
    char *text = json_dumps(wanted, JSON_COMPACT);
    assert_non_null(text);
    chain_config_write(&b, served->config);
    assert_string_equal(buf_text(&b), text);
    free(text);
    buf_release(&b);
    served->compared++;
}

static void test_served(void **state)
{
    (void)state;
    static const char *const networks[] = {"qbft", "ibft-to-qbft", "ibft-order", "qbft-order"};
    for (size_t i = 0; i < sizeof(networks) / sizeof(networks[0]); i++) {
        struct buf json = BUF_INIT;
        struct chain_genesis *genesis;
        struct err_detail detail = {""};
        recordings_require(networks[i]);
        recordings_read(networks[i], "genesis.json", &json);
        if (chain_genesis_new(&genesis, buf_bytes(&json), NULL, &detail))
            fail_msg("%s", detail.text);
        struct served served = {genesis->config, 0};
        recordings_answers(networks[i], "admin_nodeInfo", compare_served, &served);
        assert_true(served.compared > 0);
        chain_genesis_free(genesis);
        buf_release(&json);
    }
}

/* What is written is read again as the same. */
static void test_round_trip(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "{\"chainId\":10,\"homesteadBlock\":0,\"daoForkBlock\":1,\"daoForkSupport\":true,"
        "\"eip150Block\":2,\"eip150Hash\":"
        "\"0x00000000000000000000000000000000000000000000000000000000000000ab\",\"eip155Block\":3,"
        "\"eip158Block\":3,\"byzantiumBlock\":4,\"constantinopleBlock\":5,\"petersburgBlock\":5,"
        "\"istanbulBlock\":6,\"muirGlacierBlock\":6,\"berlinBlock\":7,\"londonBlock\":8,"
        "\"yoloV3Block\":9,\"ewasmBlock\":9,\"catalystBlock\":10,\"shanghaiTime\":11,"
        "\"cancunTime\":12,\"pragueTime\":13,\"osakaTime\":14,\"zeroBaseFee\":true,\"ethash\":{},"
        "\"clique\":{\"period\":1,\"epoch\":2,\"allowedFutureBlockTime\":0},\"isQuorum\":false,"
        "\"txnSizeLimit\":32,\"maxCodeSize\":24,\"qip714Block\":7,\"maxCodeSizeChangeBlock\":8,"
        "\"privacyEnhancementsBlock\":9,\"isMPS\":true,\"privacyPrecompileBlock\":10,"
        "\"enableGasPriceBlock\":11,\"privateGasFixBlock\":12}",
        "{\"chainId\":null,\"eip150Hash\":"
        "\"0x0000000000000000000000000000000000000000000000000000000000000000\",\"istanbul\":{"
        "\"epoch\":1,\"policy\":1,\"ceil2Nby3Block\":0,\"testQBFTBlock\":5},\"isQuorum\":true,"
        "\"txnSizeLimit\":0,\"maxCodeSize\":0,\"isMPS\":false}",
        "{\"chainId\":10,\"eip150Hash\":"
        "\"0x0000000000000000000000000000000000000000000000000000000000000000\",\"qbft\":{"
        "\"epochlength\":1,\"blockperiodseconds\":2,\"emptyblockperiodseconds\":3,"
        "\"requesttimeoutseconds\":4,\"policy\":1,\"ceil2Nby3Block\":5,"
        "\"validatorcontractaddress\":"
        "\"0x00000000000000000000000000000000000000aa\",\"blockReward\":\"0x10\","
        "\"beneficiaryMode\":"
        "\"fixed\",\"miningBeneficiary\":\"0x00000000000000000000000000000000000000bb\","
        "\"validatorselectionmode\":\"contract\",\"validators\":["
        "\"0x00000000000000000000000000000000000000cc\","
        "\"0x00000000000000000000000000000000000000dd\"]"
        ",\"maxRequestTimeoutSeconds\":6},\"transitions\":[{\"block\":7,\"algorithm\":\"qbft\","
        "\"epochlength\":1,\"blockperiodseconds\":2,\"emptyblockperiodseconds\":0,"
        "\"requesttimeoutseconds\":3,\"contractsizelimit\":30,\"validatorcontractaddress\":"
        "\"0x00000000000000000000000000000000000000aa\",\"validators\":[],"
        "\"validatorselectionmode\":"
        "\"contract\",\"enhancedPermissioningEnabled\":true,\"privacyEnhancementsEnabled\":false,"
        "\"privacyPrecompileEnabled\":true,\"gasPriceEnabled\":true,\"miner.gaslimit\":8,"
        "\"2FPlus1Enabled\":false,\"transactionSizeLimit\":33,\"blockReward\":\"0x0\","
        "\"beneficiaryMode\":\"\",\"miningBeneficiary\":"
        "\"0x00000000000000000000000000000000000000bb\",\"maxRequestTimeoutSeconds\":9,\"fork\":"
        "\"london\"}],\"isQuorum\":true,\"txnSizeLimit\":64,\"maxCodeSize\":0,"
        "\"maxCodeSizeConfig\":["
        "{\"block\":0,\"size\":30},{\"block\":5,\"size\":128}],\"isMPS\":false}",
    };
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct buf b = BUF_INIT;
        struct chain_config *config = config_of(texts[i]);
        chain_config_write(&b, config);
        assert_string_equal(buf_text(&b), texts[i]);
        chain_config_free(config);
        buf_release(&b);
    }
}

/* --- Genesis files --- */

#define REST ", \"difficulty\": \"0x1\", \"gasLimit\": \"100\", \"alloc\": {}"

static void test_genesis_quirks(void **state)
{
    (void)state;
    static const char text[] =
        "{\"CONFIG\": {\"ChainID\": 10, \"homesteadblock\": null, \"unknown\": {\"a\": 1}},"
        " \"Nonce\": \"16\", \"TIMESTAMP\": \"\", \"gasLimit\": \"0\", \"difficulty\": \"0x0200\","
        " \"extradata\": \"0x0102\", \"mixhash\": "
        "\"0x1100000000000000000000000000000000000000000000000000000000000022\","
        " \"Coinbase\": \"0x00000000000000000000000000000000000000aB\","
        " \"alloc\": {\"00000000000000000000000000000000000000FF\": {\"balance\": \"1000\"},"
        " \"0x0000000000000000000000000000000000000001\": {\"Balance\": \"0x10\", \"nonce\": "
        "\"0x7\","
        " \"code\": \"0x6001\", \"storage\": {\"0x01\": \"0x02\", \"ff\": \"0102\"}}}} trailing";
    struct chain_genesis *g;
    struct err_detail detail = {""};
    if (chain_genesis_new(&g, bytes_str(text), NULL, &detail))
        fail_msg("%s", detail.text);
    assert_true(g->config->is_quorum); /* absent is true */
    assert_false(g->config->blocks[CHAIN_BLOCK_HOMESTEAD].set);
    assert_int_equal(g->config->chain_id.value.w[0], 10);
    assert_int_equal(g->header.gas_limit, 800000000);
    assert_int_equal(g->header.timestamp, 0);
    assert_int_equal(g->header.nonce[7], 16);
    assert_int_equal(g->header.difficulty.w[0], 0x200);
    assert_int_equal(g->header.extra.len, 2);
    assert_int_equal(g->header.mix_hash.b[31], 0x22);
    assert_int_equal(g->header.coinbase.b[19], 0xab);
    assert_int_equal(g->account_count, 2);
    assert_int_equal(g->accounts[0].nonce, 7);
    assert_int_equal(g->accounts[0].balance.w[0], 16);
    assert_int_equal(g->accounts[0].code.len, 2);
    assert_int_equal(g->accounts[0].slot_count, 2);
    assert_int_equal(g->accounts[0].slots[1].slot.w[0], 0xff);
    assert_int_equal(g->accounts[0].slots[1].value.w[0], 0x102);
    assert_int_equal(g->accounts[1].balance.w[0], 1000);
    chain_genesis_free(g);
}

static void test_genesis_refused(void **state)
{
    (void)state;
    static const struct {
        const char *json, *text;
    } cases[] = {
        {"{", "invalid genesis file: line 1, column 1: "},
        {"[]", "invalid genesis file: the file holds no object"},
        {"{\"difficulty\": \"0x1\"}", "genesis has no chain configuration"},
        {"{\"config\": {}, \"difficulty\": \"0x1\", \"alloc\": {}}",
         "missing required field 'gasLimit' for Genesis"},
        {"{\"config\": {}, \"gasLimit\": \"0x1\", \"alloc\": {}}",
         "missing required field 'difficulty' for Genesis"},
        {"{\"config\": {}, \"difficulty\": \"0x1\", \"gasLimit\": \"1\"}",
         "missing required field 'alloc' for Genesis"},
        {"{\"config\": {}, \"nonce\": 0" REST "}", "nonce: a number in quotes is wanted"},
        {"{\"config\": {}, \"timestamp\": \"0x\"" REST "}",
         "timestamp: invalid hex or decimal integer \"0x\""},
        {"{\"config\": {}, \"timestamp\": \"0x10000000000000000\"" REST "}",
         "timestamp: 0x10000000000000000 does not fit into 64 bits"},
        {"{\"config\": {}, \"extraData\": \"00\"" REST "}",
         "extraData: hex string without 0x prefix"},
        {"{\"config\": {}, \"extraData\": \"0x0\"" REST "}", "extraData: not an even number"},
        {"{\"config\": {}, \"mixHash\": \"0x00\"" REST "}",
         "mixHash: not 0x and 64 hexadecimal digits"},
        {"{\"config\": {\"homesteadBlock\": \"0\"}" REST "}",
         "config.homesteadBlock: a whole number without quotes is wanted, not a string"},
        {"{\"config\": {\"homesteadBlock\": 0.5}" REST "}",
         "config.homesteadBlock: a whole number without quotes is wanted, not a fraction"},
        {"{\"config\": {\"homesteadBlock\": -1}" REST "}",
         "config.homesteadBlock: the number is negative"},
        {"{\"config\": {\"qbft\": {}}" REST "}", "config.qbft: none of the keys"},
        {"{\"config\": {\"ibft\": {}}" REST "}", "config.ibft: the object is empty"},
        {"{\"config\": {\"qbft\": {\"epochlength\": 1, \"blockReward\": 5}}" REST "}",
         "config.qbft.blockReward: a number in quotes is wanted, not a number"},
        {"{\"config\": {\"isQuorum\": \"yes\"}" REST "}",
         "config.isQuorum: true or false is wanted, not a string"},
        {"{\"config\": {\"transitions\": [{\"algorithm\": \"qbft\"}]}" REST "}",
         "config.transitions[0]: block number not given in transitions data"},
        {"{\"config\": {\"transitions\": [{\"block\": 1, \"validators\": [\"0x12\"]}]}" REST "}",
         "config.transitions[0].validators: \"0x12\" is not 0x and 40 hexadecimal digits"},
        {"{\"config\": {\"transitions\": [{\"block\": 1, \"fork\": \"moon\"}]}" REST "}",
         "no fork is called \"moon\""},
        {"{\"config\": {}, \"difficulty\": \"1\", \"gasLimit\": \"1\", \"alloc\": {\"0x12\": {}}}",
         "alloc.0x12: not an address of 40 hexadecimal digits"},
        {"{\"config\": {}, \"difficulty\": \"1\", \"gasLimit\": \"1\", \"alloc\": "
         "{\"0x0000000000000000000000000000000000000001\": {\"nonce\": \"1\"}}}",
         "missing required field 'balance' for GenesisAccount"},
        {"{\"config\": {}, \"difficulty\": \"1\", \"gasLimit\": \"1\", \"alloc\": "
         "{\"0x0000000000000000000000000000000000000001\": {\"balance\": \"1\", \"storage\": "
         "{\"0x1\": \"0x1\"}}}}",
         "invalid hex storage key/value \"0x1\""},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct chain_genesis *g;
        struct err_detail detail = {""};
        int err = chain_genesis_new(&g, bytes_str(cases[i].json), NULL, &detail);
        if (err != ERR_INPUT || !strstr(detail.text, cases[i].text))
            fail_msg("%s: %d %s", cases[i].json, err, detail.text);
    }
}

/* --- What init and a start refuse --- */

#define CONTRACT "\"0x00000000000000000000000000000000000000aa\""

#define DAO_AT_7 "{\"homesteadBlock\": 0, \"daoForkBlock\": 7, \"daoForkSupport\": true"

static void test_config_refused(void **state)
{
    (void)state;
    static const struct {
        const char *json, *text;
    } init[] = {
        {"{\"maxCodeSize\": 30}", "maxCodeSize & maxCodeSizeChangeBlock deprecated"},
        {"{\"maxCodeSizeConfig\": [{\"block\": 0, \"size\": 200}]}",
         "maxCodeSize data invalid: Genesis max code size must be between 24 and 128"},
        {"{\"maxCodeSizeConfig\": [{\"block\": 5, \"size\": 30}, {\"block\": 4, \"size\": 30}]}",
         "invalid maxCodeSize detail, block order has to be ascending"},
        {"{\"transitions\": [{\"block\": 1, \"algorithm\": \"raft\"}]}",
         "transitions data invalid: transition algorithm is invalid, should be either `ibft` or "
         "`qbft`"},
        {"{\"transitions\": [{\"block\": 1, \"validatorselectionmode\": \"x\"}]}",
         "validator selection mode is invalid"},
        {"{\"istanbul\": {\"testQBFTBlock\": 3}, \"transitions\": [{\"block\": 1, \"algorithm\": "
         "\"QBFT\"}]}",
         "can't use transition algorithm and testQBFTBlock at the same time"},
        {"{\"maxCodeSizeConfig\": [{\"block\": 0, \"size\": 30}], \"transitions\": [{\"block\": 1, "
         "\"contractsizelimit\": 30}]}",
         "can't use transition ContractSizeLimit and MaxCodeSizeConfig at the same time"},
        {"{\"transitions\": [{\"block\": 2}, {\"block\": 1}]}", "block order should be ascending"},
        {"{\"qbft\": {\"policy\": 0}, \"transitions\": [{\"block\": 2, \"algorithm\": \"ibft\"}]}",
         "can't transition from qbft to ibft"},
        {"{\"transitions\": [{\"block\": 2, \"contractsizelimit\": 129}]}",
         "transition contract code size must be between 24 and 128"},
        {"{\"transitions\": [{\"block\": 2, \"validatorcontractaddress\": " CONTRACT "}]}",
         "validator selection mode is missing"},
        {"{\"transitions\": [{\"block\": 2, \"transactionSizeLimit\": 31}]}",
         "genesis transaction size limit must be between 32 and 128"},
        {"{\"transitions\": [{\"block\": 2, \"beneficiaryMode\": \"besu\"}]}",
         "beneficiary mode is not valid"},
        {"{\"qbft\": {\"policy\": 0, \"validatorcontractaddress\": " CONTRACT "}}",
         "cant combine extraData validators and config.qbft.validatorcontractaddress"},
    };
    static const struct {
        const char *json, *text;
    } start[] = {
        {"{\"txnSizeLimit\": 31}", "Genesis transaction size limit must be between 32 and 128"},
        {"{\"eip150Block\": 3}",
         "unsupported fork ordering: homesteadBlock not enabled, but eip150Block enabled at 3"},
        {"{\"homesteadBlock\": 4, \"eip150Block\": 3}",
         "unsupported fork ordering: homesteadBlock enabled at 4, but eip150Block enabled at 3"},
        {"{\"shanghaiTime\": 1}",
         "unsupported fork ordering: londonBlock not enabled, but shanghaiTime enabled at 1"},
        {DAO_AT_7 "}",
         "daoForkSupport: the DAO fork's change of the state in block 7 is not made here"},
    };
    static const char *const taken[] = {
        DAO_AT_7 ", \"eip150Block\": 7, \"eip155Block\": 7, \"eip158Block\": 7}",
        "{\"homesteadBlock\": 0, \"daoForkBlock\": 0, \"daoForkSupport\": true}",
        "{\"homesteadBlock\": 0, \"daoForkBlock\": 7}",
        "{\"daoForkSupport\": true}",
    };
    struct err_detail detail;
    for (size_t i = 0; i < sizeof(init) / sizeof(init[0]); i++) {
        struct chain_config *config = config_of(init[i].json);
        int err = chain_config_check_init(config, bytes_none(), &detail);
        if (err != ERR_INPUT || !strstr(detail.text, init[i].text))
            fail_msg("%s: %d %s", init[i].json, err, detail.text);
        chain_config_free(config);
    }
    for (size_t i = 0; i < sizeof(start) / sizeof(start[0]); i++) {
        struct chain_config *config = config_of(start[i].json);
        int err = chain_config_check(config, &detail);
        if (err != ERR_INPUT || !strstr(detail.text, start[i].text))
            fail_msg("%s: %d %s", start[i].json, err, detail.text);
        chain_config_free(config);
    }
    for (size_t i = 0; i < BASE_COUNT(taken); i++) {
        struct chain_config *config = config_of(taken[i]);
        assert_int_equal(chain_config_check(config, &detail), 0);
        chain_config_free(config);
    }
    struct chain_config *config = config_of("{\"chainId\": 1, \"ibft\": {\"policy\": 0}}");
    assert_int_equal(chain_config_check_start(config, 5, false, &detail), ERR_INPUT);
    assert_string_equal(detail.text, "Cannot have chain id or network id as 1.");
    chain_config_free(config);
    config = config_of("{\"chainId\": 5}");
    assert_int_equal(chain_config_check_start(config, 5, true, &detail), 0);
    assert_int_equal(chain_config_check_start(config, 5, false, &detail), ERR_INPUT);
    assert_memory_equal(detail.text, "Consensus not specified. Exiting!!", 34);
    chain_config_free(config);
}

/* --- Schedules --- */

static void test_rules(void **state)
{
    (void)state;
    struct chain_config *c = config_of(
        "{\"chainId\": 10, \"homesteadBlock\": 0, \"eip150Block\": 0, \"eip155Block\": 0, "
        "\"eip158Block\": 0, \"byzantiumBlock\": 0, \"constantinopleBlock\": 0, "
        "\"istanbulBlock\": 5, \"yoloV3Block\": 8, \"enableGasPriceBlock\": 30, \"txnSizeLimit\": "
        "40, \"maxCodeSizeConfig\": [{\"block\": 0, \"size\": 10}, {\"block\": 6, \"size\": 60}], "
        "\"qbft\": {\"policy\": 1, \"blockReward\": \"5\", \"miningBeneficiary\": " CONTRACT "}, "
        "\"transitions\": [{\"block\": 10, \"gasPriceEnabled\": true, \"transactionSizeLimit\": "
        "50, \"miner.gaslimit\": 123}, {\"block\": 20, \"gasPriceEnabled\": false, \"fork\": "
        "\"London\", \"blockReward\": \"7\", \"beneficiaryMode\": \"validators\"}]}");
    assert_int_equal(c->engine, CHAIN_ENGINE_ISTANBUL);
    assert_int_equal(c->istanbul.policy, ISTANBUL_STICKY);
    struct chain_rules r = chain_config_rules(c, 4, 0);
    assert_int_equal(r.fork, FORK_PETERSBURG); /* follows Constantinople */
    assert_int_equal(r.max_code_size, 24576);  /* never less */
    assert_int_equal(r.max_transaction, 40 * 1024);
    assert_false(r.gas_price);
    assert_int_equal(chain_config_rules(c, 6, 0).max_code_size, 60 * 1024);
    assert_int_equal(chain_config_rules(c, 8, 0).fork, FORK_BERLIN);
    r = chain_config_rules(c, 10, 0);
    assert_true(r.gas_price);
    assert_int_equal(r.max_transaction, 50 * 1024);
    r = chain_config_rules(c, 20, 0);
    assert_false(r.gas_price);
    assert_int_equal(r.max_transaction, 40 * 1024); /* the last transition says 0 */
    assert_int_equal(r.fork, FORK_LONDON);
    assert_true(r.base_fee && r.zero_base_fee);
    r = chain_config_rules(c, 30, 0);
    assert_true(r.gas_price && r.base_fee && !r.zero_base_fee);
    assert_int_equal(chain_config_min_gas_limit(c, 9), 700000000);
    assert_int_equal(chain_config_min_gas_limit(c, 10), 123);
    struct address coinbase = {{1}}, account;
    assert_int_equal(chain_config_reward_account(c, 1, &coinbase, &account), 0);
    assert_int_equal(account.b[19], 0xaa);
    assert_int_equal(chain_config_reward_account(c, 20, &coinbase, &account), 0);
    assert_int_equal(account.b[0], 1);
    assert_int_equal(chain_config_block_reward(c, 19).w[0], 5);
    assert_int_equal(chain_config_block_reward(c, 20).w[0], 7);
    chain_config_free(c);
    c = config_of("{\"qbft\": {\"policy\": 0, \"beneficiaryMode\": \"list\"}}");
    assert_int_equal(chain_config_reward_account(c, 1, &coinbase, &account), ERR_INPUT);
    chain_config_free(c);
    /* Engines that a transition at block 0 names. */
    c = config_of("{\"transitions\": [{\"block\": 0, \"algorithm\": \"ibft\", \"epochlength\": 9}, "
                  "{\"block\": 4, \"algorithm\": \"qbft\"}]}");
    assert_int_equal(c->engine, CHAIN_ENGINE_ISTANBUL);
    assert_int_equal(c->istanbul.epoch, 9);
    assert_int_equal(istanbul_engine_at(&c->istanbul, 3), ISTANBUL_IBFT);
    assert_int_equal(istanbul_engine_at(&c->istanbul, 4), ISTANBUL_QBFT);
    chain_config_free(c);
}

/* --- Fork id: the vector of GoQuorum's own code --- */

static void test_forkid(void **state)
{
    (void)state;
    static const struct {
        uint64_t head;
        const char *hash;
        uint64_t next;
    } ids[] = {{0, "4f7ea32a", 100},   {99, "4f7ea32a", 100}, {100, "da836e6c", 200},
               {199, "da836e6c", 200}, {200, "f7311629", 0},  {900, "f7311629", 0}};
    struct chain_config *c =
        config_of("{\"homesteadBlock\": 0, \"berlinBlock\": 0, \"privacyEnhancementsBlock\": 100, "
                  "\"enableGasPriceBlock\": 200, \"qip714Block\": 50}");
    struct hash256 genesis;
    assert_true(hex_decode_exact("22f34fd3088da4cc1739671a8fc5c8dc91e610b6901c9c3ff206376fa2e37f42",
                                 &genesis, 32));
    for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
        struct chain_forkid id = chain_forkid(c, &genesis, ids[i].head, 0);
        uint8_t hash[4];
        assert_true(hex_decode_exact(ids[i].hash, hash, 4));
        assert_memory_equal(id.hash, hash, 4);
        assert_int_equal(id.next, ids[i].next);
    }
    struct chain_forkid first = chain_forkid(c, &genesis, 0, 0);
    struct chain_forkid last = chain_forkid(c, &genesis, 900, 0), other = first;
    assert_int_equal(chain_forkid_check(c, &genesis, 0, 0, &first), CHAIN_FORKID_OK);
    assert_int_equal(chain_forkid_check(c, &genesis, 0, 0, &last), CHAIN_FORKID_OK);
    assert_int_equal(chain_forkid_check(c, &genesis, 900, 0, &first), CHAIN_FORKID_OK);
    assert_int_equal(chain_forkid_check(c, &genesis, 100, 0, &first), CHAIN_FORKID_OK);
    other.next = 0; /* has not heard of what has passed here */
    assert_int_equal(chain_forkid_check(c, &genesis, 900, 0, &other), CHAIN_FORKID_REMOTE_STALE);
    last.next = 300; /* knows of a fork that has passed here unnoticed */
    assert_int_equal(chain_forkid_check(c, &genesis, 900, 0, &last),
                     CHAIN_FORKID_LOCAL_INCOMPATIBLE);
    other.hash[0] ^= 1;
    assert_int_equal(chain_forkid_check(c, &genesis, 0, 0, &other),
                     CHAIN_FORKID_LOCAL_INCOMPATIBLE);
    chain_config_free(c);
}

/* --- Another configuration for the same chain --- */

static void test_compatible(void **state)
{
    (void)state;
    static const struct {
        const char *stored, *next;
        uint64_t head;
        const char *text; /* NULL: compatible */
    } cases[] = {
        {"{\"berlinBlock\": 10}", "{\"berlinBlock\": 20}", 5, NULL},
        {"{\"berlinBlock\": 10}", "{\"berlinBlock\": 20}", 15,
         "mismatching Berlin fork block in database (have 10, want 20, rewindto 9)"},
        {"{}", "{\"berlinBlock\": 12}", 15,
         "mismatching Berlin fork block in database (have <nil>, want 12, rewindto 11)"},
        {"{\"homesteadBlock\": 8, \"berlinBlock\": 10}", "{\"homesteadBlock\": 7}", 15,
         "mismatching Homestead fork block in database (have 8, want 7, rewindto 6)"},
        {"{\"constantinopleBlock\": 5}", "{\"constantinopleBlock\": 5, \"petersburgBlock\": 5}", 9,
         NULL},
        {"{\"maxCodeSizeConfig\": [{\"block\": 0, \"size\": 30}]}", "{}", 9,
         "mismatching genesis file missing max code size information in database (have 9, want 9, "
         "rewindto 8)"},
        {"{\"transitions\": [{\"block\": 3, \"blockperiodseconds\": 2}]}",
         "{\"transitions\": [{\"block\": 3, \"blockperiodseconds\": 3}]}", 9,
         "mismatching transitions.BlockPeriodSeconds data incompatible. BlockPeriodSeconds "
         "historical data does not match in database (have 9, want 9, rewindto 8)"},
        {"{\"transitions\": [{\"block\": 3, \"2FPlus1Enabled\": true}]}",
         "{\"transitions\": [{\"block\": 3, \"2FPlus1Enabled\": true}, {\"block\": 20}]}", 9, NULL},
        {"{\"transitions\": [{\"block\": 3}]}",
         "{\"transitions\": [{\"block\": 3}, {\"block\": 4}]}", 9,
         "mismatching transitions data incompatible. updating transitions for past in database "
         "(have 9, want 9, rewindto 8)"},
        {"{\"isMPS\": false}", "{\"isMPS\": true}", 0, NULL},
        {"{\"isMPS\": false}", "{\"isMPS\": true}", 1, "the IsMPS (multiple private states "},
        {"{\"privacyEnhancementsBlock\": 4}", "{\"privacyEnhancementsBlock\": 5}", 9,
         "mismatching Privacy Enhancements fork block in database (have 4, want 5, rewindto 3)"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct chain_config *stored = config_of(cases[i].stored), *next = config_of(cases[i].next);
        struct err_detail detail = {""};
        int err = chain_config_compatible(stored, next, cases[i].head, &detail);
        if (cases[i].text ? err != ERR_INPUT || !strstr(detail.text, cases[i].text) : err != 0)
            fail_msg("%zu: %d %s", i, err, detail.text);
        chain_config_free(stored);
        chain_config_free(next);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_served),         cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_genesis_quirks), cmocka_unit_test(test_genesis_refused),
        cmocka_unit_test(test_config_refused), cmocka_unit_test(test_rules),
        cmocka_unit_test(test_forkid),         cmocka_unit_test(test_compatible),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
