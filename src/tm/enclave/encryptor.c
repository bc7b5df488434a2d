#include "tm/enclave/encryptor.h"

#include "base/mem.h"
#include "crypto/ecdh.h"
#include "crypto/nacl.h"
#include "crypto/sha3.h"

#include <stdlib.h>
#include <strings.h>

void tm_encryptor_init_nacl(struct tm_encryptor *e)
{
    *e = (struct tm_encryptor){
        .kind = TM_ENCRYPTOR_NACL, .nonce_len = CRYPTO_NACL_NONCE, .shared_len = CRYPTO_NACL_KEY};
}

static int read_length(size_t *ret_value, const char *name, const char *text, size_t least,
                       size_t most, struct err_detail *detail)
{
    char *end;
    if (!text)
        return 0;
    unsigned long value = strtoul(text, &end, 10);
    if (*text < '0' || *text > '9' || *end || value < least || value > most)
        return err_set(detail, ERR_INPUT, "encryptor.properties.%s: \"%s\" is not %zu to %zu", name,
                       text, least, most);
    *ret_value = value;
    return 0;
}

static int init_ec(struct tm_encryptor *e, const char *symmetric_cipher, const char *elliptic_curve,
                   const char *nonce_length, const char *shared_key_length,
                   struct err_detail *detail)
{
    const char *curve = elliptic_curve ? elliptic_curve : "secp256r1";
    *e = (struct tm_encryptor){.kind = TM_ENCRYPTOR_EC, .nonce_len = 24, .shared_len = 32};
    if (symmetric_cipher && strcmp(symmetric_cipher, "AES/GCM/NoPadding") != 0)
        return err_set(detail, ERR_UNSUPPORTED,
                       "encryptor.properties.symmetricCipher: \"%s\" is not supported, only "
                       "AES/GCM/NoPadding",
                       symmetric_cipher);
    e->curve = crypto_ecdh_curve(curve);
    if (e->curve == 0)
        return err_set(detail, ERR_UNSUPPORTED,
                       "encryptor.properties.ellipticCurve: no curve \"%s\"; known are secp256r1, "
                       "secp384r1, secp521r1, secp256k1",
                       curve);
    int status =
        read_length(&e->nonce_len, "nonceLength", nonce_length, 12, TM_ENCRYPTOR_NONCE_MAX, detail);
    if (status == 0)
        status = read_length(&e->shared_len, "sharedKeyLength", shared_key_length, 16,
                             TM_ENCRYPTOR_SHARED_MAX, detail);
    if (status == 0 && e->shared_len % 8)
        status =
            err_set(detail, ERR_INPUT,
                    "encryptor.properties.sharedKeyLength: AES has keys of 16, 24 or 32 bytes");
    return status;
}

int tm_encryptor_init(struct tm_encryptor *ret_e, const char *type, const char *symmetric_cipher,
                      const char *elliptic_curve, const char *nonce_length,
                      const char *shared_key_length, struct err_detail *detail)
{
    struct tm_encryptor e;
    int status = 0;
    if (!type || strcasecmp(type, "NACL") == 0 || strcasecmp(type, "CUSTOM") == 0)
        tm_encryptor_init_nacl(&e);
    else if (strcasecmp(type, "EC") == 0)
        status =
            init_ec(&e, symmetric_cipher, elliptic_curve, nonce_length, shared_key_length, detail);
    else
        status = err_set(detail, ERR_UNSUPPORTED,
                         "encryptor.type: \"%s\" is not supported, only NACL, EC and CUSTOM", type);
    if (status == 0)
        *ret_e = e;
    return status;
}

int tm_encryptor_generate(const struct tm_encryptor *e, struct buf *public_key,
                          struct buf *private_key)
{
    if (e->kind == TM_ENCRYPTOR_EC)
        return crypto_ecdh_pair(public_key, private_key, e->curve);
    uint8_t *ret_public = buf_extend(public_key, CRYPTO_NACL_KEY);
    uint8_t *ret_private = buf_extend(private_key, CRYPTO_NACL_KEY);
    return ret_public && ret_private ? crypto_nacl_pair(ret_public, ret_private) : ERR_NOMEM;
}

int tm_encryptor_public(const struct tm_encryptor *e, struct buf *public_key,
                        struct bytes private_key)
{
    if (e->kind == TM_ENCRYPTOR_EC)
        return crypto_ecdh_public(public_key, private_key, e->curve);
    if (private_key.len != CRYPTO_NACL_KEY)
        return ERR_INPUT;
    uint8_t *ret_public = buf_extend(public_key, CRYPTO_NACL_KEY);
    if (!ret_public)
        return ERR_NOMEM;
    crypto_nacl_public(ret_public, private_key.data);
    return 0;
}

bool tm_encryptor_is_public(const struct tm_encryptor *e, struct bytes key)
{
    return e->kind == TM_ENCRYPTOR_EC
               ? key.len <= TMPROTO_KEY_MAX && crypto_ecdh_is_public(key, e->curve)
               : key.len == CRYPTO_NACL_KEY;
}

int tm_encryptor_shared(const struct tm_encryptor *e, uint8_t ret_shared[TM_ENCRYPTOR_SHARED_MAX],
                        struct bytes public_key, struct bytes private_key)
{
    if (e->kind == TM_ENCRYPTOR_EC) {
        uint8_t secret[CRYPTO_ECDH_SECRET_MAX];
        size_t len;
        int status = crypto_ecdh_secret(secret, &len, public_key, private_key, e->curve);
        struct bytes part = bytes_of(secret, status == 0 ? len : 0);
        if (status == 0)
            crypto_sha3_256(ret_shared, &part, 1);
        mem_wipe(secret, sizeof(secret));
        return status;
    }
    if (public_key.len != CRYPTO_NACL_KEY || private_key.len != CRYPTO_NACL_KEY)
        return ERR_INPUT;
    return crypto_nacl_shared(ret_shared, public_key.data, private_key.data) ? 0 : ERR_INPUT;
}

int tm_encryptor_seal(const struct tm_encryptor *e, uint8_t *ret_box, struct bytes data,
                      struct bytes nonce, struct bytes key)
{
    if (e->kind == TM_ENCRYPTOR_EC)
        return crypto_gcm_seal(ret_box, data, nonce, key);
    assert(nonce.len == CRYPTO_NACL_NONCE && key.len == CRYPTO_NACL_KEY);
    crypto_nacl_seal(ret_box, data, nonce.data, key.data);
    return 0;
}

int tm_encryptor_open(const struct tm_encryptor *e, uint8_t *ret_data, struct bytes box,
                      struct bytes nonce, struct bytes key)
{
    if (nonce.len != e->nonce_len || box.len < TM_ENCRYPTOR_MAC)
        return 0;
    if (e->kind == TM_ENCRYPTOR_EC)
        return key.len == 16 || key.len == 24 || key.len == 32
                   ? crypto_gcm_open(ret_data, box, nonce, key)
                   : 0;
    return key.len == CRYPTO_NACL_KEY && crypto_nacl_open(ret_data, box, nonce.data, key.data);
}
