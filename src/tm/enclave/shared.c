/* Shared keys of pairs, which cost a multiplication on the curve each, kept in locked memory. Two places for each pair,
 * by a hash that outsiders do not know; the older of the two makes room. */
#include "crypto/sha3.h"
#include "tm/enclave/enclave_priv.h"

static void name_of(uint8_t ret_name[32], struct bytes theirs)
{
    if (theirs.len == 32)
        memcpy(ret_name, theirs.data, 32);
    else
        crypto_sha3_256(ret_name, &theirs, 1);
}

static size_t set_of(const struct tm_enclave *enclave, const uint8_t name[32], size_t own)
{
    uint64_t word, hash = enclave->seed ^ own;
    for (size_t i = 0; i < 32; i += 8) {
        memcpy(&word, name + i, 8);
        hash = (hash ^ word) * 0x9e3779b97f4a7c15;
        hash ^= hash >> 29;
    }
    return (size_t)(hash % TM_ENCLAVE_SETS);
}

static void swap(struct tm_enclave *enclave, size_t first)
{
    uint8_t *at = enclave->shared->data + first * TM_ENCRYPTOR_SHARED_MAX;
    for (size_t i = 0; i < TM_ENCRYPTOR_SHARED_MAX; i++) {
        uint8_t byte = at[i];
        at[i] = at[i + TM_ENCRYPTOR_SHARED_MAX];
        at[i + TM_ENCRYPTOR_SHARED_MAX] = byte;
    }
    struct tm_enclave_pair pair = enclave->pairs[first];
    enclave->pairs[first] = enclave->pairs[first + 1];
    enclave->pairs[first + 1] = pair;
}

int tm_enclave_shared(struct tm_enclave *enclave, struct bytes *ret_shared, size_t own,
                      struct bytes theirs, struct err_detail *detail)
{
    uint8_t name[32];
    static_assert(TM_ENCLAVE_WAYS == 2, "the newer one and the older one");
    name_of(name, theirs);
    size_t first = set_of(enclave, name, own) * TM_ENCLAVE_WAYS;
    struct tm_enclave_pair *pairs = &enclave->pairs[first];
    uint8_t *shared = enclave->shared->data + first * TM_ENCRYPTOR_SHARED_MAX;
    *ret_shared = bytes_of(shared, TM_ENCRYPTOR_SHARED_MAX);
    for (size_t way = 0; way < TM_ENCLAVE_WAYS; way++)
        if (pairs[way].own == own + 1 && memcmp(pairs[way].theirs, name, sizeof(name)) == 0) {
            if (way)
                swap(enclave, first);
            return 0;
        }
    swap(enclave, first);
    pairs[0].own = 0; /* until it is made */
    int status = tm_encryptor_shared(&enclave->encryptor, shared, theirs,
                                     crypto_secret_bytes(enclave->private_keys[own]));
    if (status == ERR_INPUT)
        return TM_ENCLAVE_BAD_KEY;
    if (status < 0)
        return tm_enclave_fail(detail, status);
    pairs[0].own = (uint32_t)own + 1;
    memcpy(pairs[0].theirs, name, sizeof(name));
    return 0;
}
