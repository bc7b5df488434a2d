/* Inside of chain: what the files about genesis and configuration share. */
#ifndef CHAIN_CONFIG_PRIV_H
#define CHAIN_CONFIG_PRIV_H

#include "chain/config/config.h"

#include <jansson.h>

/* A JSON text; what follows the first value is not looked at. ERR_INPUT names `what`, line and
 * column. Released by json_decref. */
int chain_json_load(json_t **ret_json, struct bytes text, const char *what,
                    struct err_detail *detail) BASE_NODISCARD;

/* A string with hexadecimal (0x) or decimal digits, up to 256 bits; "" is 0. ERR_INPUT names
 * `path`. */
int chain_json_amount(struct u256 *ret_value, const char *path, const json_t *value,
                      struct err_detail *detail) BASE_NODISCARD;

/* chain_config_new from what is parsed already. */
int chain_config_read(struct chain_config **ret_config, const json_t *json, bool is_quorum_default,
                      const struct chain_overrides *overrides,
                      struct err_detail *detail) BASE_NODISCARD;

/* Fills what follows from the keys: engine, eth, istanbul. ERR_NOMEM. */
int chain_config_derive(struct chain_config *config, const struct chain_overrides *overrides,
                        struct err_detail *detail) BASE_NODISCARD;

#endif
