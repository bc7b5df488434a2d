/* Hexadecimal text, as Ethereum writes it. */
#ifndef BASE_HEX_H
#define BASE_HEX_H

#include "base/buf.h"
#include "base/types.h"
#include "base/u256.h"

/* Digits of `data`, lower case, without prefix and end mark: writes 2 * data.len characters. */
void hex_encode(char *ret_text, struct bytes data);
/* Appends "0x" and the digits. */
void hex_append(struct buf *b, struct bytes data);

/* Decodes an even number of digits, with or without 0x, into exactly `len` bytes. False otherwise.
 */
bool hex_decode_exact(const char *text, void *ret_data, size_t len) BASE_NODISCARD;
/* Appends the decoded bytes of an even number of digits, with or without 0x. ERR_INPUT, ERR_NOMEM.
 */
int hex_decode(const char *text, struct buf *b) BASE_NODISCARD;

/* A quantity: "0x" and one or more digits (leading zeros allowed), or decimal digits. False when it
 * is neither, or over 256 (64) bits. */
bool hex_u256(const char *text, struct u256 *ret_value) BASE_NODISCARD;
bool hex_u64(const char *text, uint64_t *ret_value) BASE_NODISCARD;

/* Shortest form: "0x0", "0x1f". `ret_text` holds at least 67 characters. */
void hex_format_u256(char *ret_text, const struct u256 *value);

/* The checksummed text of an address (EIP-55) needs Keccak: see crypto/. */

#endif
