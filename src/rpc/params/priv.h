/* Inside of params: what reading a parameter needs, and its parts. */
#ifndef RPC_PARAMS_PRIV_H
#define RPC_PARAMS_PRIV_H

#include "rpc/json/json.h"
#include "rpc/method.h"

/* Where a value stands, for messages: a parameter, or a field of a struct. */
struct rpc_place {
    const char *record; /* "CallArgs"; NULL: not in a struct */
    const char *field;
};

struct rpc_reading {
    struct arena *arena;
    char message[1024]; /* when RPC_FAILED */
};

/* All return 0, RPC_FAILED with the message set, or ERR_NOMEM. `place` may be NULL. */

int rpc_param_wrong(struct rpc_reading *r, const char *format, ...) BASE_PRINTF(2, 3);
/* Go's UnmarshalTypeError: what there is, and the type that was wanted. */
int rpc_param_wrong_type(struct rpc_reading *r, const struct rpc_place *place, const char *value,
                         const char *type);
/* The name of a JSON value in such a message. */
const char *rpc_param_kind(struct bytes json);
bool rpc_param_is_string(struct bytes json);

/* value.c: numbers, bytes, blocks, as hexutil and rpc.BlockNumber have them. */
int rpc_param_nibble(uint8_t c); /* -1: no digit */
/* The digits of a hex text; NULL, or what is wrong with it. */
const char *rpc_param_check_hex(struct bytes *ret_digits, struct bytes text);
bool rpc_param_decode_hex(uint8_t *ret_bytes, struct bytes digits);
/* A quantity of at most max_digits digits, from 0x on. NULL, or what is wrong with it. */
const char *rpc_param_quantity(struct u256 *ret_value, struct bytes text, size_t max_digits,
                               const char *too_large);
int rpc_param_fixed(struct rpc_reading *r, const struct rpc_place *place, uint8_t *ret_bytes,
                    size_t len, const char *type, struct bytes json);
int rpc_param_hash(struct rpc_reading *r, const struct rpc_place *place, struct hash256 *ret_hash,
                   struct bytes json);
int rpc_param_bytes(struct rpc_reading *r, const struct rpc_place *place, struct bytes *ret_bytes,
                    struct bytes json);
int rpc_param_u64(struct rpc_reading *r, const struct rpc_place *place, uint64_t *ret_value,
                  const char *type, struct bytes json);
int rpc_param_big(struct rpc_reading *r, const struct rpc_place *place, struct u256 *ret_value,
                  struct bytes json);
int rpc_param_block(struct rpc_reading *r, struct rpc_block_id *ret_block, struct bytes json);
int rpc_param_block_or_hash(struct rpc_reading *r, struct rpc_block_id *ret_block,
                            struct bytes json);

/* struct.c: objects. */
int rpc_param_transaction(struct rpc_reading *r, struct rpc_transaction **ret_tx,
                          enum rpc_type type, struct bytes json);
/* A list of EIP-7702's: chainId, address, nonce, yParity (or v), r, s. In the reading's arena. */
struct eth_authorization;
int rpc_param_authorizations(struct rpc_reading *r, const struct eth_authorization **ret_list,
                             size_t *ret_count, struct bytes json);
int rpc_param_filter(struct rpc_reading *r, struct rpc_filter **ret_filter, struct bytes json);

/* Decimal (params.c): NUMBER, NATURAL, NUMBER8, NUMBER16. */
int rpc_param_number(struct rpc_reading *r, uint64_t *ret_number, enum rpc_type type,
                     struct bytes json);
/* Decimal, with a sign. */
int rpc_param_integer(struct rpc_reading *r, const struct rpc_place *place, int64_t *ret_value,
                      const char *type, struct bytes json);

/* trace.c: how to trace, and changes of the state before. */
int rpc_param_trace(struct rpc_reading *r, struct rpc_trace_config **ret_config, enum rpc_type type,
                    struct bytes json);
int rpc_param_overrides(struct rpc_reading *r, const struct rpc_override **ret_list,
                        size_t *ret_count, struct bytes json);
int rpc_param_base64(struct rpc_reading *r, struct bytes *ret_bytes, struct bytes json);
int rpc_param_rewards(struct rpc_reading *r, const double **ret_list, size_t *ret_count,
                      struct bytes json);

#endif
