/* Chains in memory whose blocks the test makes. */
#ifndef CHAIN_TEST_BUILT_H
#define CHAIN_TEST_BUILT_H

#include "chain/test/maker.h"

struct chain *built_open_memory(const struct maker *m, struct store **ret_store, bool archive,
                                uint64_t keep);

uint64_t built_head_number(struct chain *chain);

void built_expect(struct chain *chain, struct chain_block *block, enum chain_verdict wanted,
                  const char *text);

#endif
