/* Nanoseconds for each hash, by length of input. The reference of the ratios is OpenSSL's SHA3-256:
 * the same permutation, rate and output, another byte of padding. Each hash goes into the next
 * input, as in a chain of dependent operations; `many` has independent inputs by nature. */
#include "crypto/bench/measure.h"
#include "crypto/keccak.h"
#include "crypto/keccak/internal.h"

#include <openssl/evp.h>

enum { HASHES = 4096, LONGEST = 576 };

struct work {
    uint8_t data[HASHES][LONGEST];
    struct bytes inputs[HASHES];
    struct hash256 hashes[HASHES];
    size_t len;
    const struct crypto_keccak_single *single;
    const struct crypto_keccak_wide *wide;
    EVP_MD *sha3;
    EVP_MD_CTX *context;
};

static void run_sha3(void *context)
{
    struct work *w = context;
    for (size_t i = 0; i < HASHES; i++) {
        EVP_DigestInit_ex2(w->context, w->sha3, NULL);
        EVP_DigestUpdate(w->context, w->data[0], w->len);
        EVP_DigestFinal_ex(w->context, w->data[0], NULL);
    }
}

static void run_plain(void *context)
{
    struct work *w = context;
    for (size_t i = 0; i < HASHES; i++)
        crypto_keccak256_plain((struct hash256 *)w->data[0], bytes_of(w->data[0], w->len));
}

static void run_chosen(void *context)
{
    struct work *w = context;
    for (size_t i = 0; i < HASHES; i++)
        crypto_keccak256((struct hash256 *)w->data[0], bytes_of(w->data[0], w->len));
}

static void run_single(void *context)
{
    struct work *w = context;
    for (size_t i = 0; i < HASHES; i++)
        w->single->hash_short((struct hash256 *)w->data[0], w->data[0], w->len);
}

static void run_many(void *context)
{
    struct work *w = context;
    crypto_keccak256_many(w->hashes, w->inputs, HASHES);
}

static void run_wide(void *context)
{
    struct work *w = context;
    crypto_keccak_many_with(w->wide, &crypto_keccak256_sponge, (uint8_t *)w->hashes, w->inputs,
                            HASHES);
}

static void bench_length(struct work *w, size_t len)
{
    char what[32], by[32];
    const struct crypto_keccak_single *singles[CRYPTO_KECCAK_SINGLES];
    const struct crypto_keccak_wide *wides[CRYPTO_KECCAK_WIDES];
    w->len = len;
    for (size_t i = 0; i < HASHES; i++)
        w->inputs[i] = bytes_of(w->data[i], len);
    snprintf(what, sizeof(what), "keccak256 %zu bytes", len);
    double reference = measure(run_sha3, w, HASHES);
    measure_print(what, "OpenSSL SHA3-256", reference, 0);
    measure_print(what, "plain", measure(run_plain, w, HASHES), reference);
    size_t count = len < CRYPTO_KECCAK256_RATE ? crypto_keccak_singles(singles) : 0;
    for (size_t i = 0; i < count; i++) {
        w->single = singles[i];
        measure_print(what, w->single->name, measure(run_single, w, HASHES), reference);
    }
    measure_print(what, "crypto_keccak256", measure(run_chosen, w, HASHES), reference);
    count = crypto_keccak_wides(wides);
    for (size_t i = 0; i < count; i++) {
        w->wide = wides[i];
        snprintf(by, sizeof(by), "many, %s", w->wide->name);
        measure_print(what, by, measure(run_wide, w, HASHES), reference);
    }
    measure_print(what, "crypto_keccak256_many", measure(run_many, w, HASHES), reference);
}

int main(void)
{
    static struct work w;
    static const size_t lengths[] = {32, 64, 136, LONGEST};
    w.sha3 = EVP_MD_fetch(NULL, "SHA3-256", NULL);
    w.context = EVP_MD_CTX_new();
    if (!w.sha3 || !w.context)
        return 1;
    for (size_t i = 0; i < BASE_COUNT(lengths); i++)
        bench_length(&w, lengths[i]);
    EVP_MD_CTX_free(w.context);
    EVP_MD_free(w.sha3);
    return 0;
}
