/*
 * The configuration of a chain as GoQuorum's genesis JSON has it (spec §1; params/config.go,
 * consensus/istanbul/config.go): read once, asked everywhere by block number.
 *
 * Beyond GoQuorum's own keys these switch later forks on, all absent by default (docs/forks.md):
 * londonBlock, shanghaiTime, cancunTime, pragueTime, osakaTime, zeroBaseFee, and `fork` in an entry
 * of `transitions`.
 */
#ifndef CHAIN_CONFIG_CONFIG_H
#define CHAIN_CONFIG_CONFIG_H

#include "base/arena.h"
#include "base/buf.h"
#include "consensus/istanbul/config.h"
#include "eth/config.h"

enum {
    /* Entries of `transitions` and `maxCodeSizeConfig`, and addresses of a validator list: far more
     * than any network has, and little memory. */
    CHAIN_TRANSITIONS_MAX = 4096,
    CHAIN_CONFIG_VALIDATORS_MAX = 4096,
};

enum chain_engine_kind {
    CHAIN_ENGINE_FAKE, /* none: in the place of Raft */
    CHAIN_ENGINE_CLIQUE,
    CHAIN_ENGINE_ISTANBUL, /* IBFT and QBFT */
};

/* Integer-block keys of the top level, in the order of Go's struct: what compatibility, order and
 * fork id go by. X(NAME, "key", in the fork id) */
#define CHAIN_BLOCK_KEY_LIST(X)                                                                    \
    X(HOMESTEAD, "homesteadBlock", true)                                                           \
    X(DAO, "daoForkBlock", true)                                                                   \
    X(EIP150, "eip150Block", true)                                                                 \
    X(EIP155, "eip155Block", true)                                                                 \
    X(EIP158, "eip158Block", true)                                                                 \
    X(BYZANTIUM, "byzantiumBlock", true)                                                           \
    X(CONSTANTINOPLE, "constantinopleBlock", true)                                                 \
    X(PETERSBURG, "petersburgBlock", true)                                                         \
    X(ISTANBUL, "istanbulBlock", true)                                                             \
    X(MUIR_GLACIER, "muirGlacierBlock", true)                                                      \
    X(BERLIN, "berlinBlock", true)                                                                 \
    X(LONDON, "londonBlock", true)                                                                 \
    X(YOLO_V3, "yoloV3Block", true)                                                                \
    X(EWASM, "ewasmBlock", true)                                                                   \
    X(CATALYST, "catalystBlock", true)                                                             \
    X(QIP714, "qip714Block", false)                                                                \
    X(MAX_CODE_SIZE_CHANGE, "maxCodeSizeChangeBlock", true)                                        \
    X(PRIVACY_ENHANCEMENTS, "privacyEnhancementsBlock", true)                                      \
    X(PRIVACY_PRECOMPILE, "privacyPrecompileBlock", true)                                          \
    X(ENABLE_GAS_PRICE, "enableGasPriceBlock", true)                                               \
    X(PRIVATE_GAS_FIX, "privateGasFixBlock", true) /* not GoQuorum's */

enum chain_block_key {
#define X(name, key, in_fork_id) CHAIN_BLOCK_##name,
    CHAIN_BLOCK_KEY_LIST(X)
#undef X
        CHAIN_BLOCK_KEYS,
};

/* Forks that begin at a time (seconds). X(NAME, "key", fork) */
#define CHAIN_TIME_KEY_LIST(X)                                                                     \
    X(SHANGHAI, "shanghaiTime", FORK_SHANGHAI)                                                     \
    X(CANCUN, "cancunTime", FORK_CANCUN)                                                           \
    X(PRAGUE, "pragueTime", FORK_PRAGUE)                                                           \
    X(OSAKA, "osakaTime", FORK_OSAKA)

enum chain_time_key {
#define X(name, key, fork) CHAIN_TIME_##name,
    CHAIN_TIME_KEY_LIST(X)
#undef X
        CHAIN_TIME_KEYS,
};

/* An integer that may be absent, as Go's *uint64. */
struct chain_optional {
    bool set;
    uint64_t value;
};

/* One of GoQuorum's three ways to say true, false or nothing. */
enum chain_tristate {
    CHAIN_UNSET,
    CHAIN_FALSE,
    CHAIN_TRUE,
};

/* A 256-bit number of wei, an address or a list of them, that may be absent (or null). */
struct chain_optional_amount {
    bool set;
    struct u256 value;
};

struct chain_optional_address {
    bool set;
    struct address value;
};

struct chain_optional_addresses {
    bool set;
    const struct address *items;
    size_t count;
};

/* A string that may be absent; text in the configuration's arena, NULL = absent. */
typedef const char *chain_text;

struct chain_code_size {
    struct chain_optional block;
    uint64_t size; /* KiB */
};

/* One entry of `transitions`, as it was written (spec §1.5). */
struct chain_transition {
    struct chain_optional block; /* set, once the configuration has been read */
    chain_text algorithm;
    uint64_t epoch_length, block_period;
    struct chain_optional empty_block_period;
    uint64_t request_timeout; /* seconds */
    uint64_t contract_size_limit;
    struct address validator_contract;
    struct chain_optional_addresses validators;
    chain_text validator_selection_mode;
    enum chain_tristate enhanced_permissioning, privacy_enhancements, privacy_precompile;
    enum chain_tristate gas_price, two_f_plus_one;
    uint64_t miner_gas_limit, transaction_size_limit;
    struct chain_optional_amount block_reward;
    chain_text beneficiary_mode;
    struct chain_optional_address mining_beneficiary;
    struct chain_optional max_request_timeout; /* seconds */
    chain_text fork;                           /* Quorate's: a fork from here on */
};

/* `ibft` and `qbft` (spec §1.4). */
struct chain_bft {
    bool set;
    bool has_common; /* any of the fields up to the contract: GoQuorum crashes without */
    uint64_t epoch_length, block_period;
    struct chain_optional empty_block_period;
    uint64_t request_timeout; /* seconds */
    uint64_t policy;
    struct chain_optional ceil_2n_by_3;
    struct address validator_contract;
    /* qbft only */
    struct chain_optional_amount block_reward;
    chain_text beneficiary_mode;
    struct chain_optional_address mining_beneficiary;
    chain_text validator_selection_mode;
    struct chain_optional_addresses validators;
    struct chain_optional max_request_timeout; /* seconds */
};

struct chain_clique {
    bool set;
    uint64_t period;         /* seconds */
    uint64_t epoch;          /* blocks */
    uint64_t allowed_future; /* seconds */
};

/* The old key `istanbul`. */
struct chain_istanbul {
    bool set;
    uint64_t epoch, policy;
    struct chain_optional ceil_2n_by_3, test_qbft;
};

struct chain_config {
    /* As it was written. */
    struct chain_optional_amount chain_id;
    struct chain_optional blocks[CHAIN_BLOCK_KEYS];
    struct chain_optional times[CHAIN_TIME_KEYS];
    bool zero_base_fee;
    bool dao_support;
    struct hash256 eip150_hash;
    bool has_ethash;
    struct chain_clique clique;
    struct chain_istanbul istanbul_key;
    struct chain_bft ibft, qbft;
    const struct chain_transition *transitions;
    size_t transition_count;
    enum chain_tristate is_quorum_key;              /* absent is true in a file given to `init` */
    uint64_t transaction_size_limit, max_code_size; /* KiB */
    const struct chain_code_size *code_sizes;
    size_t code_size_count;
    bool is_mps;

    /* What follows from it. */
    bool is_quorum;
    enum chain_engine_kind engine;
    struct eth_config eth;
    struct istanbul_config istanbul; /* of an Istanbul engine */

    struct arena arena;
};

/* What comes from the command line and stands in none of the keys (spec §1.4). 0 = the default. */
struct chain_overrides {
    uint64_t istanbul_block_period;    /* s; --istanbul.blockperiod, for the key `istanbul` */
    uint64_t istanbul_request_timeout; /* ms; --istanbul.requesttimeout, likewise */
    uint64_t allowed_future_time;      /* s; --allowedfutureblocktime, for `istanbul` and clique */
};

/*
 * Reads the object under `config` by Go's rules: keys match whatever their case, null is absent,
 * numbers are bare integers. `is_quorum_default` is what a missing isQuorum means. ERR_INPUT (the
 * message names the key), ERR_LIMIT, ERR_NOMEM. `overrides` and `detail` may be NULL.
 */
int chain_config_new(struct chain_config **ret_config, struct bytes json, bool is_quorum_default,
                     const struct chain_overrides *overrides,
                     struct err_detail *detail) BASE_NODISCARD;
/* NULL is fine. */
void chain_config_free(struct chain_config *config);

/* Appends the JSON object as GoQuorum serves and stores it (spec §1.2). */
void chain_config_write(struct buf *b, const struct chain_config *config);

/* The rules of `geth init` (spec §1.6), in its words. ERR_INPUT. */
int chain_config_check_init(const struct chain_config *config, struct bytes genesis_extra,
                            struct err_detail *detail) BASE_NODISCARD;
/* Those of the first commit and of every start. ERR_INPUT. */
int chain_config_check(const struct chain_config *config, struct err_detail *detail) BASE_NODISCARD;
/* Those of a start with this network id; `raft`: --raft was given. ERR_INPUT. */
int chain_config_check_start(const struct chain_config *config, uint64_t network_id, bool raft,
                             struct err_detail *detail) BASE_NODISCARD;
/* Whether a chain that has reached `head` may go on under `next`. ERR_INPUT, with GoQuorum's
 * message: what differs, both values, and the block to go back to. */
int chain_config_compatible(const struct chain_config *stored, const struct chain_config *next,
                            uint64_t head, struct err_detail *detail) BASE_NODISCARD;

/* What holds in a block. */
struct chain_rules {
    enum fork fork;
    struct eth_rules transactions; /* for recovery and checks */
    bool is_quorum;
    bool gas_price;            /* prices above 0 are allowed, and charged */
    bool privacy_enhancements; /* party protection, private state validation */
    bool privacy_precompile;   /* marker transactions */
    bool private_gas_fix;      /* parties and others pay the same for a private transaction */
    bool permissions;          /* qip714 */
    size_t max_code_size;      /* bytes */
    size_t max_transaction;    /* bytes; the pool's limit (spec §1.5, a) */
    bool base_fee;             /* London: the header has one; */
    bool zero_base_fee;        /* … and it is 0 */
};

struct chain_rules chain_config_rules(const struct chain_config *config, uint64_t number,
                                      uint64_t timestamp);

/* The least gas limit that a miner sets for the block after `parent`: 700000000 or a transition's
 * miner.gaslimit. */
uint64_t chain_config_min_gas_limit(const struct chain_config *config, uint64_t parent);

/* To whom fees and rewards of a block go. ERR_INPUT: GoQuorum's "BeneficiaryMode must be
 * coinbase|fixed", which makes every transaction fail. */
int chain_config_reward_account(const struct chain_config *config, uint64_t number,
                                const struct address *coinbase,
                                struct address *ret_account) BASE_NODISCARD;
struct u256 chain_config_block_reward(const struct chain_config *config, uint64_t number);

#endif
