#include "crypto/address.h"

#include "base/hex.h"
#include "crypto/keccak.h"

void crypto_address_checksum(char ret_text[CRYPTO_ADDRESS_TEXT], const struct address *address)
{
    char *digits = ret_text + 2;
    struct hash256 hash;
    ret_text[0] = '0';
    ret_text[1] = 'x';
    hex_encode(digits, bytes_of(address->b, sizeof(address->b)));
    digits[40] = 0;
    crypto_keccak256(&hash, bytes_of(digits, 40));
    for (size_t i = 0; i < 40; i++) {
        unsigned nibble = hash.b[i / 2] >> (i % 2 ? 0 : 4) & 15;
        if (digits[i] >= 'a' && nibble >= 8)
            digits[i] = (char)(digits[i] - 'a' + 'A');
    }
}
