#include "base/decimal.h"

#include <string.h>

void decimal_format_u256(char ret_text[DECIMAL_U256_MAX], const struct u256 *value)
{
    char text[DECIMAL_U256_MAX], *at = text + sizeof(text);
    struct u256 left = *value, ten = u256_from(10), quotient, digit;
    *--at = 0;
    do {
        u256_divmod(&quotient, &digit, &left, &ten);
        *--at = (char)('0' + digit.w[0]);
        left = quotient;
    } while (!u256_is_zero(&left));
    memcpy(ret_text, at, (size_t)(text + sizeof(text) - at));
}
