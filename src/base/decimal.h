/* Decimal text of 256-bit numbers. */
#ifndef BASE_DECIMAL_H
#define BASE_DECIMAL_H

#include "base/bytes.h"
#include "base/u256.h"

enum { DECIMAL_U256_MAX = 79 }; /* characters, with the end mark */

/* Digits alone; false when there is none, something else among them, or the number has more than 256 bits. */
bool decimal_parse_u256(struct u256 *ret_value, struct bytes digits) BASE_NODISCARD;
void decimal_format_u256(char ret_text[DECIMAL_U256_MAX], const struct u256 *value);

#endif
