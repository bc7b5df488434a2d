/* Decimal text of 256-bit numbers. */
#ifndef BASE_DECIMAL_H
#define BASE_DECIMAL_H

#include "base/u256.h"

enum { DECIMAL_U256_MAX = 79 }; /* characters, with the end mark */

void decimal_format_u256(char ret_text[DECIMAL_U256_MAX], const struct u256 *value);

#endif
