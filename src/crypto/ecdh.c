#include "crypto/ecdh.h"

#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/objects.h>
#include <openssl/x509.h>

/* A failure of OpenSSL: out of memory when it says so, else ERR_CRYPTO. Empties its queue. */
static int failure(void)
{
    unsigned long code = ERR_peek_error();
    ERR_clear_error();
    return ERR_GET_REASON(code) == ERR_R_MALLOC_FAILURE ? ERR_NOMEM : ERR_CRYPTO;
}

int crypto_ecdh_curve(const char *name)
{
    /* the names of SEC 2 that OpenSSL knows under X9.62's */
    int nid = strcmp(name, "secp256r1") == 0   ? NID_X9_62_prime256v1
              : strcmp(name, "secp192r1") == 0 ? NID_X9_62_prime192v1
                                               : OBJ_sn2nid(name);
    if (nid == NID_undef)
        return 0;
    EC_GROUP *group = EC_GROUP_new_by_curve_name(nid);
    if (!group) {
        ERR_clear_error();
        return 0;
    }
    EC_GROUP_free(group);
    return nid;
}

static bool on_curve(const EVP_PKEY *key, int curve)
{
    char name[64];
    size_t len;
    return EVP_PKEY_is_a(key, "EC") &&
           EVP_PKEY_get_group_name(key, name, sizeof(name), &len) == 1 &&
           (OBJ_sn2nid(name) == curve || OBJ_ln2nid(name) == curve);
}

static EVP_PKEY *read_public(struct bytes der, int curve)
{
    const unsigned char *at = der.data;
    EVP_PKEY *key = der.len > LONG_MAX ? NULL : d2i_PUBKEY(NULL, &at, (long)der.len);
    if (key && (at != der.data + der.len || !on_curve(key, curve))) {
        EVP_PKEY_free(key);
        key = NULL;
    }
    ERR_clear_error();
    return key;
}

static EVP_PKEY *read_private(struct bytes der, int curve)
{
    const unsigned char *at = der.data;
    PKCS8_PRIV_KEY_INFO *info =
        der.len > LONG_MAX ? NULL : d2i_PKCS8_PRIV_KEY_INFO(NULL, &at, (long)der.len);
    EVP_PKEY *key = info && at == der.data + der.len ? EVP_PKCS82PKEY(info) : NULL;
    PKCS8_PRIV_KEY_INFO_free(info);
    if (key && !on_curve(key, curve)) {
        EVP_PKEY_free(key);
        key = NULL;
    }
    ERR_clear_error();
    return key;
}

static int write_public(struct buf *b, EVP_PKEY *key)
{
    int len = i2d_PUBKEY(key, NULL);
    unsigned char *at = len > 0 ? buf_extend(b, (size_t)len) : NULL;
    if (!at)
        return len > 0 ? ERR_NOMEM : failure();
    return i2d_PUBKEY(key, &at) == len ? 0 : failure();
}

static int write_private(struct buf *b, EVP_PKEY *key)
{
    PKCS8_PRIV_KEY_INFO *info = EVP_PKEY2PKCS8(key);
    int len = info ? i2d_PKCS8_PRIV_KEY_INFO(info, NULL) : -1, status = 0;
    unsigned char *at = len > 0 ? buf_extend(b, (size_t)len) : NULL;
    if (!at)
        status = len > 0 ? ERR_NOMEM : failure();
    else if (i2d_PKCS8_PRIV_KEY_INFO(info, &at) != len)
        status = failure();
    PKCS8_PRIV_KEY_INFO_free(info);
    return status;
}

int crypto_ecdh_pair(struct buf *public_key, struct buf *private_key, int curve)
{
    EVP_PKEY *key = EVP_EC_gen(OBJ_nid2sn(curve));
    if (!key)
        return failure();
    int status = write_public(public_key, key);
    if (status == 0)
        status = write_private(private_key, key);
    EVP_PKEY_free(key);
    return status;
}

int crypto_ecdh_public(struct buf *public_key, struct bytes private_key, int curve)
{
    EVP_PKEY *key = read_private(private_key, curve);
    if (!key)
        return ERR_INPUT;
    int status = write_public(public_key, key);
    EVP_PKEY_free(key);
    return status;
}

bool crypto_ecdh_is_public(struct bytes key, int curve)
{
    EVP_PKEY *public_key = read_public(key, curve);
    EVP_PKEY_free(public_key);
    return public_key != NULL;
}

int crypto_ecdh_secret(uint8_t ret_secret[CRYPTO_ECDH_SECRET_MAX], size_t *ret_len,
                       struct bytes public_key, struct bytes private_key, int curve)
{
    EVP_PKEY *theirs = read_public(public_key, curve);
    EVP_PKEY *ours = theirs ? read_private(private_key, curve) : NULL;
    EVP_PKEY_CTX *context = ours ? EVP_PKEY_CTX_new(ours, NULL) : NULL;
    size_t len = CRYPTO_ECDH_SECRET_MAX;
    int status = 0;
    if (!ours)
        status = ERR_INPUT;
    else if (!context || EVP_PKEY_derive_init(context) != 1 ||
             EVP_PKEY_derive_set_peer(context, theirs) != 1 ||
             EVP_PKEY_derive(context, ret_secret, &len) != 1)
        status = failure();
    else
        *ret_len = len;
    EVP_PKEY_CTX_free(context);
    EVP_PKEY_free(ours);
    EVP_PKEY_free(theirs);
    return status;
}

static const EVP_CIPHER *cipher_of(size_t key_len)
{
    return key_len == 16   ? EVP_aes_128_gcm()
           : key_len == 24 ? EVP_aes_192_gcm()
                           : EVP_aes_256_gcm();
}

/* A context with key and nonce, NULL when that fails. */
static EVP_CIPHER_CTX *start(struct bytes nonce, struct bytes key, int encrypt)
{
    EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
    assert(key.len == 16 || key.len == 24 || key.len == 32);
    if (!context ||
        EVP_CipherInit_ex(context, cipher_of(key.len), NULL, NULL, NULL, encrypt) != 1 ||
        EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_IVLEN, (int)nonce.len, NULL) != 1 ||
        EVP_CipherInit_ex(context, NULL, NULL, key.data, nonce.data, encrypt) != 1) {
        EVP_CIPHER_CTX_free(context);
        return NULL;
    }
    return context;
}

int crypto_gcm_seal(uint8_t *ret_box, struct bytes data, struct bytes nonce, struct bytes key)
{
    EVP_CIPHER_CTX *context = start(nonce, key, 1);
    int len = 0, rest, status = 0;
    if (data.len > INT_MAX || !context ||
        (data.len && EVP_EncryptUpdate(context, ret_box, &len, data.data, (int)data.len) != 1) ||
        EVP_EncryptFinal_ex(context, ret_box + len, &rest) != 1 ||
        EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, CRYPTO_GCM_TAG, ret_box + data.len) !=
            1)
        status = failure();
    EVP_CIPHER_CTX_free(context);
    return status;
}

int crypto_gcm_open(uint8_t *ret_data, struct bytes box, struct bytes nonce, struct bytes key)
{
    if (box.len < CRYPTO_GCM_TAG || box.len > INT_MAX)
        return 0;
    EVP_CIPHER_CTX *context = start(nonce, key, 0);
    struct bytes data = bytes_slice(box, 0, box.len - CRYPTO_GCM_TAG);
    uint8_t tag[CRYPTO_GCM_TAG], none[16];
    int len = 0, rest, status;
    memcpy(tag, box.data + data.len, sizeof(tag));
    if (!context ||
        (data.len && EVP_DecryptUpdate(context, ret_data, &len, data.data, (int)data.len) != 1) ||
        EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, CRYPTO_GCM_TAG, tag) != 1)
        status = failure();
    else
        status = EVP_DecryptFinal_ex(context, none, &rest) == 1;
    ERR_clear_error();
    EVP_CIPHER_CTX_free(context);
    return status;
}
