/*
 * No consensus: headers are taken as they are. It stands where Raft will: Raft agrees on blocks
 * elsewhere, and its headers follow the rules of proof of work without any work (spec §10.2):
 * difficulty by the formula, times in nanoseconds, and the static block reward.
 */
#include "chain/chain_priv.h"
#include "eth/difficulty.h"
#include "exec/system.h"

static int author(struct chain *chain, struct address *ret_author, const struct eth_header *header)
{
    (void)chain;
    *ret_author = header->coinbase;
    return 0;
}

static int check_header(struct chain *chain, struct chain_reader *reader,
                        enum chain_verdict *ret_verdict, struct err_detail *why,
                        const struct eth_header *header, const struct chain_block *parent,
                        uint64_t now, unsigned flags)
{
    (void)chain, (void)reader, (void)why, (void)header, (void)parent, (void)now, (void)flags;
    *ret_verdict = CHAIN_VALID;
    return 0;
}

static int prepare(struct chain *chain, struct chain_reader *reader, struct eth_header *header,
                   struct arena *arena, const struct chain_block *parent,
                   const struct chain_prepare *in, struct err_detail *why)
{
    (void)reader, (void)arena, (void)why;
    const struct eth_difficulty_parent before = {
        parent->header.difficulty, parent->header.timestamp,
        !hash256_equal(&parent->header.uncles_hash, &eth_empty_uncles_hash)};
    uint64_t least = parent->header.timestamp + 1;
    header->coinbase = in->coinbase;
    header->timestamp = in->now < least ? least : in->now;
    header->difficulty =
        eth_difficulty(&chain->config->eth, header->number, header->timestamp, &before);
    header->extra = in->extra;
    return 0;
}

/* In wei: 5, 3 (EIP-649) and 2 (EIP-1234) ether. */
static uint64_t static_reward(enum fork fork)
{
    const uint64_t ether = UINT64_C(1000000000000000000);
    return fork >= FORK_CONSTANTINOPLE ? 2 * ether : fork >= FORK_BYZANTIUM ? 3 * ether : 5 * ether;
}

static int finish(struct chain *chain, struct exec *x, const struct eth_header *header)
{
    struct chain_rules rules = chain_config_rules(chain->config, header->number, header->timestamp);
    if (chain->config->blocks[CHAIN_BLOCK_CATALYST].set &&
        chain->config->blocks[CHAIN_BLOCK_CATALYST].value <= header->number)
        return 0;
    const struct u256 reward = u256_from(static_reward(rules.fork));
    return exec_credit(x, &header->coinbase, &reward);
}

const struct chain_engine_ops chain_engine_fake = {
    .name = "fake",
    .is_final = true,
    .author = author,
    .check_header = check_header,
    .prepare = prepare,
    .finish = finish,
};
