/*
 * What a network does under load. Two commands:
 *
 *     nodebench genesis   writes a network's folder: genesis.json, node keys, static-nodes.json
 *     nodebench load      offers transactions at a fixed rate, and measures what becomes of them
 *
 * Senders, node keys and the token are the same in both, made from their numbers.
 */
#ifndef BENCH_NETWORK_NODEBENCH_H
#define BENCH_NETWORK_NODEBENCH_H

#include "base/buf.h"
#include "base/types.h"
#include "crypto/secp256k1.h"

enum {
    CHAIN_ID = 1337,
    NODES_MAX = 64,
    SENDERS_MAX = 1 << 20,
};

/* The token's place in the genesis. */
extern const struct address token_address;

struct crypto_private_key key_of(const char *kind, size_t number);
struct address address_of(const struct crypto_private_key *key);

struct genesis_options {
    const char *folder;
    const char *consensus; /* "qbft" or "ibft" */
    const char *token;     /* file with the token's code as hex */
    uint64_t validators, senders, first_port;
    uint64_t period; /* seconds */
};
int write_genesis(const struct genesis_options *options, struct err_detail *detail) BASE_NODISCARD;

struct load_options {
    const char *urls; /* of the nodes, separated by commas */
    const char *pids; /* of their processes, likewise; "" = no CPU and memory */
    const char *kind; /* "transfer" or "token" */
    uint64_t rate;    /* transactions a second */
    uint64_t seconds; /* for so long */
    uint64_t senders;
    uint64_t batch;       /* transactions a request */
    uint64_t connections; /* to each node */
    uint64_t patience;    /* seconds to wait for the last ones */
    uint64_t lead;        /* how many wait before the clock starts, submitted at full speed */
    bool json;
};
int run_load(const struct load_options *options, struct err_detail *detail) BASE_NODISCARD;

#endif
