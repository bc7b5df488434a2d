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

bool decimal_parse_u256(struct u256 *ret_value, struct bytes digits)
{
    const struct u256 ten = u256_from(10);
    *ret_value = u256_from(0);
    for (size_t i = 0; i < digits.len; i++) {
        struct u256 digit = u256_from((uint64_t)digits.data[i] - '0');
        if (digits.data[i] < '0' || digits.data[i] > '9' ||
            !u256_mul_checked(ret_value, ret_value, &ten) ||
            !u256_add_checked(ret_value, ret_value, &digit))
            return false;
    }
    return digits.len > 0;
}
