/*
 * Makes chains: validators with keys agree by themselves, accounts with keys send to each other. For
 * tests and benchmarks; everything follows from `seed`.
 */
#ifndef CHAIN_TEST_MAKER_H
#define CHAIN_TEST_MAKER_H

#include "chain/chain.h"
#include "crypto/secp256k1.h"

enum { MAKER_VALIDATORS_MAX = 8, MAKER_ACCOUNTS_MAX = 64 };

struct maker_key {
    struct crypto_private_key secret;
    struct address address;
};

struct maker {
    struct maker_key validators[MAKER_VALIDATORS_MAX];
    size_t validator_count;
    struct maker_key accounts[MAKER_ACCOUNTS_MAX];
    uint64_t nonces[MAKER_ACCOUNTS_MAX];
    size_t account_count;
    bool is_qbft, is_clique;
    struct buf genesis;     /* JSON */
    struct chain_tx *first; /* offered before the next block's transfers; the block's then */
    uint64_t random;
};

/* Prints what went wrong and exits, unless `err` is 0. */
void maker_must(int err, const char *what, const struct err_detail *detail);

/* `config`: members put into the genesis' config beside those that every chain has, each with a
 * comma behind it; may be "". `alloc`: further accounts, likewise. */
void maker_init(struct maker *m, bool is_qbft, size_t validators, size_t accounts, uint64_t seed,
                const char *config, const char *alloc);
/* A chain of Clique: period 0, the validators are its signers. */
void maker_init_clique(struct maker *m, size_t signers, size_t accounts, uint64_t seed);
void maker_release(struct maker *m);

/* A transfer of 1 wei from an account to another, signed, its sender known. */
struct chain_tx *maker_transfer(struct maker *m);
/* Any legacy transaction of account `from`: `to` NULL creates; `is_private` sets v = 37/38. */
struct chain_tx *maker_transaction(struct maker *m, size_t from, const struct address *to,
                                   uint64_t value, uint64_t gas_price, struct bytes data,
                                   bool is_private);

/* Builds the next block of `chain` by validator `proposer` with `transfers` transfers (unsealed by
 * the others), at the least possible time. */
struct chain_block *maker_build(struct maker *m, struct chain *chain, size_t proposer,
                                size_t transfers);
/* The same block with the seals of all validators, of round `round`. */
struct chain_block *maker_seal(struct maker *m, const struct chain_block *block, uint32_t round);
/* Builds, seals and commits one. */
void maker_extend(struct maker *m, struct chain *chain, size_t transfers);

#endif
