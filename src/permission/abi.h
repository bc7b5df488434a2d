/*
 * Arguments and results of contracts (Solidity's contract ABI), as far as the permission contracts use it: string, bytes,
 * address, bool and unsigned integers. The types are read from the function's or event's own signature, so that there is
 * no second description that could differ from it.
 */
#ifndef PERMISSION_ABI_H
#define PERMISSION_ABI_H

#include "base/buf.h"
#include "base/types.h"
#include "base/u256.h"

enum { PERMISSION_VALUES_MAX = 8 }; /* of one call, result or event */

/* One argument; which member counts is the type's. */
struct permission_value {
    struct bytes text;  /* string, bytes */
    struct u256 number; /* uint…, bool (0 or 1) */
    struct address address;
};

/* How many types a signature's parentheses hold: "addOrg(string,string,address)" has 3. */
size_t permission_abi_count(const char *signature);

/* Appends selector and arguments; `values` has as many as the signature. */
void permission_abi_call(struct buf *b, const char *signature,
                         const struct permission_value *values);
/* Appends the arguments alone: results and events, for tests. */
void permission_abi_encode(struct buf *b, const char *signature,
                           const struct permission_value *values);

/* Reads a result or an event's data, by the types in the signature's parentheses. False when it does not fit. Texts
 * borrow `data`. Bytes behind the end are let be, as Solidity does. */
bool permission_abi_decode(struct permission_value ret_values[PERMISSION_VALUES_MAX],
                           const char *signature, struct bytes data);

/* Keccak-256 of the signature: an event's first topic. */
void permission_abi_topic(struct hash256 *ret_topic, const char *signature);

#endif
