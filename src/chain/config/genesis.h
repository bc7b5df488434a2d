/*
 * The genesis file: GoQuorum's JSON with its parsing quirks (spec §1.2; core/genesis.go), and the
 * block 0 that follows from it.
 */
#ifndef CHAIN_CONFIG_GENESIS_H
#define CHAIN_CONFIG_GENESIS_H

#include "chain/block.h"
#include "chain/config/config.h"

enum {
    /* Bytes of a genesis file: ten million accounts of 100 bytes are a gigabyte; such a file is not
     * written as JSON. */
    CHAIN_GENESIS_SIZE_MAX = 1 << 30,
};

struct chain_genesis_slot {
    struct u256 slot, value;
};

struct chain_genesis_account {
    struct address address;
    struct u256 balance;
    uint64_t nonce;
    struct bytes code;
    const struct chain_genesis_slot *slots;
    size_t slot_count;
};

struct chain_genesis {
    struct chain_config *config;                  /* owned */
    struct eth_header header;                     /* complete but for the state root */
    const struct chain_genesis_account *accounts; /* each address once, sorted */
    size_t account_count;
    struct arena arena;
};

/* Reads a genesis file. ERR_INPUT (the message names the key), ERR_LIMIT, ERR_NOMEM. */
int chain_genesis_new(struct chain_genesis **ret_genesis, struct bytes json,
                      const struct chain_overrides *overrides,
                      struct err_detail *detail) BASE_NODISCARD;
/* NULL is fine. */
void chain_genesis_free(struct chain_genesis *genesis);

/* Block 0: computes the state root. ERR_NOMEM. */
int chain_genesis_block(const struct chain_genesis *genesis, struct chain_block **ret_block,
                        struct err_detail *detail) BASE_NODISCARD;

#endif
