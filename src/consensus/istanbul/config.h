/*
 * What the Istanbul engines (IBFT and QBFT) are told by genesis: values that hold from block 0, and transitions
 * that change them at a height. Everybody who needs a value asks for it at a block (istanbul_params_at), so that
 * no other place knows of transitions. Rules: GoQuorum's consensus/istanbul/config.go and params/config.go.
 *
 * `consensus` is pure: no clock, no socket, no disk, no thread. Read this file first, then extra.h (what the engines
 * write into a header), hash.h (how a block is hashed), seals.h, set.h, snapshot.h and header_check.h; then
 * consensus/machine.h for the agreement itself.
 */
#ifndef CONSENSUS_ISTANBUL_CONFIG_H
#define CONSENSUS_ISTANBUL_CONFIG_H

#include "base/types.h"
#include "base/u256.h"

#define ISTANBUL_NEVER UINT64_MAX

enum istanbul_engine {
    ISTANBUL_IBFT,
    ISTANBUL_QBFT,
};

enum istanbul_policy {
    ISTANBUL_ROUND_ROBIN,
    ISTANBUL_STICKY,
};

/* Where the validator set comes from. */
enum istanbul_mode {
    ISTANBUL_MODE_UNSET,    /* in a transition: leaves it as it is; as base value: block headers */
    ISTANBUL_MODE_HEADER,   /* "blockheader": genesis, votes in headers, lists in transitions */
    ISTANBUL_MODE_CONTRACT, /* "contract": getValidators() of a contract */
};

/* Who gets block rewards and transaction fees. */
enum istanbul_beneficiary {
    ISTANBUL_BENEFICIARY_UNSET, /* in a transition: leaves it as it is; as base value: the validator */
    ISTANBUL_BENEFICIARY_VALIDATOR, /* the block's author */
    ISTANBUL_BENEFICIARY_FIXED,     /* one account */
    ISTANBUL_BENEFICIARY_OTHER, /* "list", "besu", …: as base value every transaction fails with it
                                       (a quirk of the reference); in a transition it does nothing */
};

/* A change at a height. A field that is 0, UNSET or not `has_…` leaves the value as it was. */
struct istanbul_transition {
    uint64_t block;
    bool has_engine;
    enum istanbul_engine engine;
    uint64_t epoch;
    uint64_t block_period;    /* seconds */
    uint64_t request_timeout; /* seconds */
    bool has_empty_block_period;
    uint64_t empty_block_period; /* seconds */
    bool has_max_request_timeout;
    uint64_t max_request_timeout; /* seconds */
    bool has_two_f_plus_one;
    bool two_f_plus_one;
    enum istanbul_mode mode;
    struct address validator_contract; /* zero: unset */
    const struct address *validators;  /* borrowed */
    size_t validator_count;
    bool has_block_reward;
    struct u256 block_reward; /* wei */
    enum istanbul_beneficiary beneficiary_mode;
    bool has_beneficiary;
    struct address beneficiary;
};

/*
 * The whole configuration. Arrays are borrowed and live as long as the owner of the chain's configuration keeps them;
 * the struct itself may be copied. Transitions ascend by block; the first one that lies ahead ends the search.
 */
struct istanbul_config {
    uint64_t
        qbft_block; /* QBFT from here on: 0 for `qbft`, ISTANBUL_NEVER for `ibft`, testQBFTBlock for
                                     `istanbul`; a transition can begin it too */
    uint64_t epoch; /* blocks; default 30000 */
    uint64_t block_period;        /* seconds; default 5 */
    uint64_t empty_block_period;  /* seconds; 0 = off */
    uint64_t request_timeout_ms;  /* default 10000 */
    uint64_t max_request_timeout; /* seconds; 0 = no cap */
    enum istanbul_policy policy;
    uint64_t
        ceil_2n_by_3_block; /* from here on the quorum is ceil(2N/3), before it 2F+1; default 0 */
    uint64_t allowed_future_time; /* seconds; default 0 */
    enum istanbul_mode mode;
    struct address validator_contract;
    const struct address *validators; /* instead of those in genesis' extra data, when not empty */
    size_t validator_count;
    struct u256 block_reward; /* wei; QBFT only */
    enum istanbul_beneficiary beneficiary_mode;
    bool has_beneficiary; /* without a mode it means ISTANBUL_BENEFICIARY_FIXED */
    struct address beneficiary;
    const struct istanbul_transition *transitions;
    size_t transition_count;
};

/* GoQuorum's defaults: QBFT from block 0, no transitions. */
void istanbul_config_init(struct istanbul_config *config);

/* What holds at one block. */
struct istanbul_params {
    enum istanbul_engine engine;
    uint64_t epoch;
    uint64_t block_period; /* seconds, least distance of this block's time from its parent's */
    uint64_t empty_block_period; /* seconds; 0 = off */
    uint64_t request_timeout_ms;
    uint64_t max_request_timeout_ms; /* 0 = no cap */
    enum istanbul_policy policy;
    bool two_f_plus_one;     /* quorum 2F+1, else ceil(2N/3) */
    enum istanbul_mode mode; /* never UNSET */
    struct address validator_contract;
    struct u256 block_reward;
    enum istanbul_beneficiary beneficiary_mode; /* never UNSET */
    struct address beneficiary;                 /* with FIXED */
};

/* Values at block `number`. Mind whose number: block period, timeouts and quorum are those of the block that is being
 * made; contract and mode are those of the block after which the set is read (number - 1). */
void istanbul_params_at(const struct istanbul_config *config, uint64_t number,
                        struct istanbul_params *ret_params);

/* The engine alone. */
enum istanbul_engine istanbul_engine_at(const struct istanbul_config *config, uint64_t number);

/* The contract that is asked after block `number` for the validators of number + 1: false when the mode there is not
 * "contract", or there is no address. */
bool istanbul_contract_at(const struct istanbul_config *config, uint64_t number,
                          struct address *ret_contract);

/*
 * A list of validators that is put in place after block `number` by the configuration: for 0 the configured validators,
 * else those of a transition at exactly that block, in header mode. NULL and 0 when there is none. The reference looks
 * at the first transition only, unless the node makes blocks; here every transition counts, for all nodes.
 */
const struct address *istanbul_validators_at(const struct istanbul_config *config, uint64_t number,
                                             size_t *ret_count);

#endif
