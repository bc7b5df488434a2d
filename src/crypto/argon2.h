/* Argon2 (RFC 9106), by libargon2: unlike libsodium's it takes any parallelism, and variant d. */
#ifndef CRYPTO_ARGON2_H
#define CRYPTO_ARGON2_H

#include "base/bytes.h"
#include "base/error.h"

#include <stdbool.h>

enum crypto_argon2_variant { CRYPTO_ARGON2_D, CRYPTO_ARGON2_I, CRYPTO_ARGON2_ID };

struct crypto_argon2 {
    enum crypto_argon2_variant variant;
    uint32_t memory;      /* KiB */
    uint32_t iterations;  /* passes */
    uint32_t parallelism; /* lanes */
    uint32_t version;     /* 0x13, or 0x10 */
};

/* What a file from outside may ask for. */
enum {
    CRYPTO_ARGON2_MEMORY_MAX = 4 << 20, /* KiB: 4 GiB, four times Tessera's default */
    CRYPTO_ARGON2_WORK_MAX =
        64 << 20, /* memory * iterations, 6 times Tessera's default: about a minute */
    CRYPTO_ARGON2_LANES_MAX = 256,
};

/* Whether the parameters are within RFC 9106 and the bounds above; what is not in `detail`. ERR_INPUT, ERR_LIMIT. */
int crypto_argon2_check(const struct crypto_argon2 *options,
                        struct err_detail *detail) BASE_NODISCARD;

/* Writes `len` bytes (at least 4). `options` as checked above; the salt has at least 8 bytes. Runs its lanes on as many
 * threads as the machine has processors. ERR_NOMEM, ERR_INPUT (salt), ERR_CRYPTO. */
int crypto_argon2_derive(uint8_t *ret_key, size_t len, const struct crypto_argon2 *options,
                         struct bytes password, struct bytes salt) BASE_NODISCARD;

/* "i", "d", "id". */
const char *crypto_argon2_variant_name(enum crypto_argon2_variant variant);
bool crypto_argon2_variant_parse(enum crypto_argon2_variant *ret_variant,
                                 const char *name) BASE_NODISCARD;

#endif
