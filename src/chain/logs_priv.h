/*
 * Searching logs: the blooms of many headers at once. Private to chain.
 *
 * Blocks are looked at in sections of 4,096. Of those that were asked for last the blooms are kept turned around: for each
 * of the 2,048 bits a row with one bit for each block, so that three rows tell which blocks of the section may have a
 * value. A section belongs to the chain whose block is its last; after a reorganisation it is made anew.
 */
#ifndef CHAIN_LOGS_PRIV_H
#define CHAIN_LOGS_PRIV_H

#include "chain/chain.h"
#include "eth/bloom.h"

#include <pthread.h>

enum {
    CHAIN_SECTION = 4096, /* blocks */
    CHAIN_SECTION_WORDS = CHAIN_SECTION / 64,
    CHAIN_SECTIONS_KEPT = 16, /* a megabyte each */
    CHAIN_BLOOM_ROWS = 2048,
};

struct chain_section {
    uint64_t number;                       /* its blocks from number * CHAIN_SECTION on */
    struct hash256 last;                   /* of its last block */
    uint64_t (*rows)[CHAIN_SECTION_WORDS]; /* CHAIN_BLOOM_ROWS of them; NULL: free */
    uint64_t last_use;
};

struct chain_sections {
    pthread_mutex_t lock;
    struct chain_section list[CHAIN_SECTIONS_KEPT];
    uint64_t uses;
};

void chain_sections_init(struct chain_sections *sections);
void chain_sections_release(struct chain_sections *sections);

/* What is looked for: for each of the sets any of its values; a set without values fits all. */
struct chain_bloom_query {
    struct {
        struct eth_bloom_bits *values;
        size_t count;
    } sets[1 + ETH_TOPICS_MAX];
    size_t set_count;
};

/* Whether a block with that bloom may have it. */
bool chain_bloom_fits(const struct eth_bloom *bloom, const struct chain_bloom_query *query);
/* Which blocks of a whole section may have it. ERR_NOTFOUND: the chain does not have all its blocks. */
int chain_section_match(struct chain_reader *reader, uint64_t ret_blocks[CHAIN_SECTION_WORDS],
                        uint64_t number, const struct chain_bloom_query *query) BASE_NODISCARD;

/* The bloom of a stored header. ERR_CORRUPT. */
int chain_header_bloom(struct chain_reader *reader, struct eth_bloom *ret_bloom,
                       struct bytes record, uint64_t number) BASE_NODISCARD;

#endif
