/* Addresses as people read them. */
#ifndef CRYPTO_ADDRESS_H
#define CRYPTO_ADDRESS_H

#include "base/types.h"

enum { CRYPTO_ADDRESS_TEXT = 43 }; /* "0x", 40 digits, end mark */

/* With the checksum of EIP-55 in the case of its letters. */
void crypto_address_checksum(char ret_text[CRYPTO_ADDRESS_TEXT], const struct address *address);

#endif
