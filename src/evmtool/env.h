/* The block that a state test or a transition runs in. */
#ifndef EVMTOOL_ENV_H
#define EVMTOOL_ENV_H

#include "evmtool/json.h"

/* A value that the file may leave out. */
struct evmtool_maybe_u256 {
    bool present;
    struct u256 value;
};

struct evmtool_maybe_u64 {
    bool present;
    uint64_t value;
};

struct evmtool_maybe_hash {
    bool present;
    struct hash256 value;
};

/* Fields named "current…" and "parent…" of the env object of state tests and of geth's t8n. */
struct evmtool_env {
    struct address coinbase;
    uint64_t number;
    uint64_t timestamp;
    uint64_t gas_limit;
    struct evmtool_maybe_u256 difficulty;
    struct evmtool_maybe_hash random;
    struct evmtool_maybe_u256 base_fee;
    struct evmtool_maybe_u64 excess_blob_gas;
    struct evmtool_maybe_hash beacon_root; /* parentBeaconBlockRoot */

    struct evmtool_maybe_u256 parent_difficulty;
    struct evmtool_maybe_u64 parent_timestamp;
    struct evmtool_maybe_hash parent_uncle_hash;
    struct evmtool_maybe_u256 parent_base_fee;
    struct evmtool_maybe_u64 parent_gas_used;
    struct evmtool_maybe_u64 parent_gas_limit;
    struct evmtool_maybe_u64 parent_excess_blob_gas;
    struct evmtool_maybe_u64 parent_blob_gas_used;
};

/* ERR_INPUT names the field. */
int evmtool_env_read(struct evmtool_env *ret_env, const json_t *object,
                     struct err_detail *detail) BASE_NODISCARD;

#endif
