/* The accounts of a state file: "pre" of a state test, geth's genesis "alloc", the input of t8n. */
#ifndef EVMTOOL_ALLOC_H
#define EVMTOOL_ALLOC_H

#include "evmtool/json.h"

struct evmtool_slot {
    struct u256 key;
    struct u256 value;
};

struct evmtool_account {
    struct address address;
    uint64_t nonce;
    struct u256 balance;
    struct bytes code;
    struct evmtool_slot *slots; /* zero values are left out */
    size_t slot_count;
};

struct evmtool_alloc {
    struct evmtool_account *accounts;
    size_t count;
};

/* Reads { "<address>": { "balance", "nonce"?, "code"?, "storage"? }, … }. Everything lives in the arena.
 * ERR_INPUT names the account and the field; ERR_NOMEM. */
int evmtool_alloc_read(struct evmtool_alloc *ret_alloc, const json_t *object, struct arena *arena,
                       struct err_detail *detail) BASE_NODISCARD;

#endif
