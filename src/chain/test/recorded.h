/* What tests on recorded chains share. */
#ifndef CHAIN_TEST_RECORDED_H
#define CHAIN_TEST_RECORDED_H

#include "chain/chain.h"

/* The networks whose public chain is recorded. */
extern const char *const recorded_networks[];
extern const size_t recorded_network_count;

/* A chain in memory from the recorded genesis, with recorded time far ahead. The store is
 * *ret_store's to free after the chain. */
struct chain *recorded_open(const char *network, bool archive, struct store **ret_store);

/* The blocks of chain.rlp.gz, decoded; the array and its references are the caller's. */
struct chain_block **recorded_blocks(const char *network, size_t *ret_count);
void recorded_free(struct chain_block **blocks, size_t count);

/* Fails the test with the message unless the call went well. */
void expect_ok(int err, const struct err_detail *detail);

#endif
