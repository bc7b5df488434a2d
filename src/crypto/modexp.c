#include "crypto/modexp.h"

#include "base/mem.h"

#include <gmp.h>

static_assert(sizeof(mp_limb_t) == 8, "limbs are words");

static struct bytes without_leading_zeros(struct bytes number)
{
    size_t zeros = 0;
    while (zeros < number.len && number.data[zeros] == 0)
        zeros++;
    return bytes_slice(number, zeros, number.len - zeros);
}

static size_t limbs_of(struct bytes number)
{
    return (number.len + 7) / 8;
}

/* Reads `number` into limbs_of(number) limbs, and makes `ret` a view of them. Returns the limb
 * after. */
static mp_limb_t *view_number(mpz_t ret, mp_limb_t *limbs, struct bytes number)
{
    size_t count = limbs_of(number), left = number.len;
    for (size_t i = 0; i < count; i++) {
        uint64_t word = 0;
        size_t n = left < 8 ? left : 8;
        memcpy((uint8_t *)&word + 8 - n, number.data + left - n, n);
        limbs[i] = __builtin_bswap64(word);
        left -= n;
    }
    mpz_roinit_n(ret, limbs, (mp_size_t)count);
    return limbs + count;
}

static void write_number(uint8_t *ret, size_t len, const mpz_t number)
{
    size_t used = (mpz_sizeinbase(number, 2) + 7) / 8; /* 1 for zero, of which export writes 0 */
    assert(used <= len);
    memset(ret, 0, len);
    mpz_export(ret + len - used, NULL, 1, 1, 1, 0, number);
}

/* GMP ends the process when it cannot allocate, so what it will need at most is asked for first.
 * It keeps a table of at most 512 powers (fewer when the exponent is short: less than one for four
 * bits) and some products, each as long as the modulus; the base once more while it is reduced. */
static int check_memory(struct bytes base, struct bytes exponent, struct bytes modulus)
{
    size_t powers = 2 * exponent.len < 512 ? 2 * exponent.len : 512;
    void *trial = mem_alloc(modulus.len * (powers + 32) + 4 * base.len + 4096);
    if (!trial)
        return ERR_NOMEM;
    mem_free(trial);
    return ERR_OK;
}

int crypto_modexp(uint8_t *ret_result, struct bytes base, struct bytes exponent,
                  struct bytes modulus)
{
    size_t result_len = modulus.len;
    if (base.len > CRYPTO_MODEXP_MAX_MODULUS || modulus.len > CRYPTO_MODEXP_MAX_MODULUS ||
        exponent.len > CRYPTO_MODEXP_MAX_EXPONENT)
        return ERR_LIMIT;
    base = without_leading_zeros(base);
    exponent = without_leading_zeros(exponent);
    modulus = without_leading_zeros(modulus);
    if (modulus.len == 0) {
        if (result_len)
            memset(ret_result, 0, result_len);
        return ERR_OK;
    }

    mp_limb_t few[64], *limbs = few;
    size_t count = limbs_of(base) + limbs_of(exponent) + limbs_of(modulus);
    int status = check_memory(base, exponent, modulus);
    if (status)
        return status;
    if (count > BASE_COUNT(few)) {
        limbs = mem_alloc(count * sizeof(*limbs));
        if (!limbs)
            return ERR_NOMEM;
    }
    mpz_t b, e, m, result;
    view_number(m, view_number(e, view_number(b, limbs, base), exponent), modulus);
    mpz_init(result);
    mpz_powm(result, b, e, m);
    write_number(ret_result, result_len, result);
    mpz_clear(result);
    if (limbs != few)
        mem_free(limbs);
    return ERR_OK;
}
