/* The "transaction" object of a state test: one template, whose data, gas limit and value are lists that the
 * cases choose from by index. */
#ifndef EVMTOOL_TESTTX_H
#define EVMTOOL_TESTTX_H

#include "eth/transaction.h"
#include "evmtool/json.h"

/* Reads into the arena what the indexes choose, and fills in the sender ("sender", or the address of
 * "secretKey"). ERR_INPUT names the field, ERR_NOMEM. */
int evmtool_testtx_read(struct eth_transaction *ret_tx, const json_t *object, size_t data_index,
                        size_t gas_index, size_t value_index, struct arena *arena,
                        struct err_detail *detail) BASE_NODISCARD;

/* An EIP-2930 list in JSON: [ { "address", "storageKeys": […] }, … ]. */
int evmtool_access_list_read(struct eth_transaction *tx, const json_t *list, struct arena *arena,
                             struct err_detail *detail) BASE_NODISCARD;
/* An EIP-7702 list: [ { "chainId", "address", "nonce", "yParity" | "v", "r", "s" }, … ]. */
int evmtool_authorizations_read(struct eth_transaction *tx, const json_t *list, struct arena *arena,
                                struct err_detail *detail) BASE_NODISCARD;
/* [ "0x…", … ], 32 bytes each. */
int evmtool_blob_hashes_read(struct eth_transaction *tx, const json_t *list, struct arena *arena,
                             struct err_detail *detail) BASE_NODISCARD;
/* "to": null, missing or "" make a creation. */
int evmtool_to_read(struct eth_transaction *tx, const json_t *object,
                    struct err_detail *detail) BASE_NODISCARD;

#endif
