/*
 * A state in memory with a machine to run transactions in it: what statetest, t8n and run share. One a
 * thread; reused from case to case, so that a hundred thousand small states cost no setting up.
 */
#ifndef EVMTOOL_WORLD_H
#define EVMTOOL_WORLD_H

#include "evmtool/alloc.h"
#include "evmtool/env.h"
#include "exec/exec.h"
#include "exec/trace_struct.h"

#include <stdio.h>

struct evmtool_world {
    struct exec *exec;
    struct state_view *view;
    struct exec_block block;
    uint64_t excess_blob_gas; /* of the block, from Cancun on */
    struct exec_trace trace;
};

typedef int evmtool_block_hash_fn(void *context, uint64_t number, struct hash256 *ret_hash);

/* ERR_NOMEM. */
int evmtool_world_new(struct evmtool_world **ret_world) BASE_NODISCARD;
/* NULL is fine. */
void evmtool_world_free(struct evmtool_world *world);

/* Forgets everything and takes these accounts, settled: none is counted as touched. */
int evmtool_world_load(struct evmtool_world *world,
                       const struct evmtool_alloc *alloc) BASE_NODISCARD;

/* Starts a block in `world->block` from the env of a file. What a fork needs and the env lacks is filled
 * in as geth's tools do (base fee of 10 wei, …), or is ERR_INPUT with the field's name. */
int evmtool_world_begin_block(struct evmtool_world *world, enum fork fork,
                              const struct u256 *chain_id, const struct evmtool_env *env,
                              evmtool_block_hash_fn *block_hash, void *block_hash_context,
                              struct err_detail *detail) BASE_NODISCARD;

/* BLOCKHASH where there is no chain: the hash of block n is that of n's decimal text, as the authors of
 * the published state tests agreed. */
evmtool_block_hash_fn evmtool_world_hash_of_number;

/* Writes each instruction to `stream` as an EIP-3155 line, until it is called with NULL. */
void evmtool_world_trace(struct evmtool_world *world, FILE *stream,
                         const struct exec_trace_options *options);

/* The state root as it is now; between transactions. */
int evmtool_world_root(struct evmtool_world *world, struct hash256 *ret_root,
                       struct err_detail *detail) BASE_NODISCARD;

/* The accounts as a JSON object, as "alloc" has them. NULL when out of memory. */
json_t *evmtool_world_dump(struct evmtool_world *world, struct arena *arena) BASE_NODISCARD;

#endif
