/*
 * JKS, big-endian (a length is 4 bytes unless said otherwise):
 *
 *     FE ED FE ED   version (1, 2)   number of entries
 *     entry:     tag (1 key, 2 certificate)   alias (2 bytes of length)   milliseconds (8 bytes)
 *     of a key:  length, EncryptedPrivateKeyInfo (DER)   number of certificates, each as in tag 2
 *     tag 2:     type (2 bytes of length; version 2 alone)   length, certificate (DER)
 *     end:       SHA-1 of: password in UTF-16, "Mighty Aphrodite", all that stands before
 *
 * The key is behind Sun's own protector: 20 bytes of salt, the PKCS#8 key xored with SHA-1(password, previous 20 bytes) …,
 * beginning with the salt, then SHA-1(password, key).
 */
#include "io/keystore.h"

#include "base/mem.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/pkcs12.h>
#include <openssl/provider.h>

enum { DIGEST = 20 /* of SHA-1 */, TAG_KEY = 1, TAG_CERTIFICATE = 2 };

static const uint8_t magic[4] = {0xfe, 0xed, 0xfe, 0xed};
/* 1.3.6.1.4.1.42.2.17.1.1 */
static const uint8_t protector[] = {0x2b, 0x06, 0x01, 0x04, 0x01, 0x2a, 0x02, 0x11, 0x01, 0x01};

/* --- PEM --- */

static int take_bio(struct buf *b, BIO *bio)
{
    char *text;
    long len = BIO_get_mem_data(bio, &text);
    buf_append(b, text, (size_t)len);
    return buf_status(b);
}

static int append_certificate(struct buf *b, X509 *certificate)
{
    BIO *bio = BIO_new(BIO_s_mem());
    int status = bio && PEM_write_bio_X509(bio, certificate) == 1 ? take_bio(b, bio) : ERR_NOMEM;
    BIO_free(bio);
    return status;
}

static int append_key(struct buf *b, EVP_PKEY *key)
{
    BIO *bio = BIO_new(BIO_s_secmem());
    int status = bio && PEM_write_bio_PKCS8PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL) == 1
                     ? take_bio(b, bio)
                     : ERR_NOMEM;
    BIO_free(bio);
    return status;
}

static const char *last_error(void)
{
    unsigned long code = ERR_peek_last_error();
    const char *text = code ? ERR_reason_error_string(code) : NULL;
    return text ? text : "unknown reason";
}

/* --- Reading JKS --- */

struct reader {
    struct bytes left;
    bool bad; /* it ended too early */
};

static struct bytes take(struct reader *r, size_t len)
{
    if (len > r->left.len) {
        r->bad = true;
        r->left = bytes_none();
        return bytes_none();
    }
    struct bytes taken = bytes_slice(r->left, 0, len);
    r->left = bytes_slice(r->left, len, r->left.len - len);
    return taken;
}

static uint32_t take_number(struct reader *r, size_t len)
{
    struct bytes b = take(r, len);
    uint32_t n = 0;
    for (size_t i = 0; i < b.len; i++)
        n = n << 8 | b.data[i];
    return n;
}

/* The password in UTF-16, as Java hashes it. Bytes of UTF-8 beyond ASCII are refused: no tool writes such stores. */
static int wide(struct buf *ret_wide, const char *password, struct err_detail *detail)
{
    for (const char *p = password ? password : ""; *p; p++) {
        if ((uint8_t)*p >= 0x80)
            return err_set(detail, ERR_UNSUPPORTED,
                           "the password of a Java store must be ASCII here");
        buf_append_byte(ret_wide, 0);
        buf_append_byte(ret_wide, (uint8_t)*p);
    }
    return buf_status(ret_wide);
}

static bool sha1_of(uint8_t ret_digest[DIGEST], struct bytes a, struct bytes b, struct bytes c)
{
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    bool ok = context && EVP_DigestInit_ex(context, EVP_sha1(), NULL) == 1 &&
              EVP_DigestUpdate(context, a.data, a.len) == 1 &&
              EVP_DigestUpdate(context, b.data, b.len) == 1 &&
              EVP_DigestUpdate(context, c.data, c.len) == 1 &&
              EVP_DigestFinal_ex(context, ret_digest, NULL) == 1;
    EVP_MD_CTX_free(context);
    return ok;
}

/* The PKCS#8 key out of what the protector made; `plain` has the room. */
static int open_protected(uint8_t *plain, struct bytes data, struct bytes password)
{
    size_t len = data.len - 2 * DIGEST;
    uint8_t digest[DIGEST];
    memcpy(digest, data.data, DIGEST);
    for (size_t i = 0; i < len; i++) {
        if (i % DIGEST == 0 && !sha1_of(digest, password, bytes_of(digest, DIGEST), bytes_none()))
            return ERR_CRYPTO;
        plain[i] = data.data[DIGEST + i] ^ digest[i % DIGEST];
    }
    if (!sha1_of(digest, password, bytes_of(plain, len), bytes_none()))
        return ERR_CRYPTO;
    return memcmp(digest, data.data + DIGEST + len, DIGEST) == 0 ? 0 : ERR_INPUT;
}

static int read_key(struct buf *ret_key, struct bytes data, struct bytes password,
                    struct err_detail *detail)
{
    const uint8_t *at = data.data;
    X509_SIG *sealed = d2i_X509_SIG(NULL, &at, (long)data.len);
    const X509_ALGOR *algorithm = NULL;
    const ASN1_OCTET_STRING *text = NULL;
    if (!sealed)
        return err_set(detail, ERR_INPUT, "a key of the store is damaged");
    X509_SIG_get0(sealed, &algorithm, &text);
    const ASN1_OBJECT *name;
    X509_ALGOR_get0(&name, NULL, NULL, algorithm);
    int len = ASN1_STRING_length(text), status = 0;
    if (OBJ_length(name) != sizeof(protector) ||
        memcmp(OBJ_get0_data(name), protector, sizeof(protector)) != 0)
        status = err_set(detail, ERR_UNSUPPORTED, "the store's key is protected by another means");
    else if (len <= 2 * DIGEST)
        status = err_set(detail, ERR_INPUT, "a key of the store is damaged");
    uint8_t *plain = status == 0 ? mem_alloc((size_t)len) : NULL;
    if (status == 0 && !plain)
        status = err_set(detail, ERR_NOMEM, "out of memory");
    EVP_PKEY *key = NULL;
    if (status == 0 &&
        open_protected(plain, bytes_of(ASN1_STRING_get0_data(text), (size_t)len), password) != 0)
        status = err_set(detail, ERR_INPUT, "the key has another password than the store");
    if (status == 0) {
        at = plain;
        key = d2i_AutoPrivateKey(NULL, &at, len - 2 * DIGEST);
        status = key ? append_key(ret_key, key)
                     : err_set(detail, ERR_INPUT, "the key cannot be read: %s", last_error());
    }
    EVP_PKEY_free(key);
    if (plain)
        mem_wipe(plain, (size_t)len);
    mem_free(plain);
    X509_SIG_free(sealed);
    return status;
}

static int read_certificate(struct reader *r, uint32_t version, struct buf *to, struct buf *to_too,
                            struct err_detail *detail)
{
    if (version == 2)
        (void)take(r, take_number(r, 2));
    struct bytes der = take(r, take_number(r, 4));
    const uint8_t *at = der.data;
    X509 *certificate = der.len ? d2i_X509(NULL, &at, (long)der.len) : NULL;
    if (!certificate)
        return err_set(detail, ERR_INPUT, "a certificate of the store is damaged");
    int status = to ? append_certificate(to, certificate) : 0;
    if (status == 0 && to_too)
        status = append_certificate(to_too, certificate);
    X509_free(certificate);
    return status;
}

static int read_entry(struct io_keystore *store, struct reader *r, uint32_t version,
                      struct bytes password, struct err_detail *detail)
{
    uint32_t tag = take_number(r, 4);
    (void)take(r, take_number(r, 2)); /* alias */
    (void)take(r, 8);                 /* when it was made */
    if (tag == TAG_CERTIFICATE)
        return read_certificate(r, version, &store->trusted, NULL, detail);
    if (tag != TAG_KEY)
        return err_set(detail, ERR_UNSUPPORTED, "the store has an entry of kind %u", tag);
    struct bytes sealed = take(r, take_number(r, 4));
    uint32_t count = take_number(r, 4);
    if (r->bad || count > IO_KEYSTORE_CHAIN_MAX)
        return err_set(detail, ERR_INPUT, "the store is damaged");
    bool first = store->key.len == 0;
    int status = first ? read_key(&store->key, sealed, password, detail) : 0;
    for (uint32_t i = 0; status == 0 && i < count; i++)
        status = read_certificate(r, version, first ? &store->certificate : NULL,
                                  i == 0 ? &store->trusted : NULL, detail);
    return status;
}

static int read_jks(struct io_keystore *store, struct bytes data, struct bytes password,
                    struct err_detail *detail)
{
    static const char salt[] = "Mighty Aphrodite";
    uint8_t digest[DIGEST];
    if (data.len < 12 + DIGEST)
        return err_set(detail, ERR_INPUT, "the store is cut off");
    struct reader r = {bytes_slice(data, 0, data.len - DIGEST), false};
    if (!sha1_of(digest, password, bytes_of(salt, sizeof(salt) - 1), r.left))
        return err_set(detail, ERR_CRYPTO, "SHA-1 fails");
    if (memcmp(digest, data.data + r.left.len, DIGEST) != 0)
        return err_set(detail, ERR_INPUT, "the store's password is wrong, or it is damaged");
    (void)take(&r, sizeof(magic));
    uint32_t version = take_number(&r, 4), count = take_number(&r, 4);
    if (version != 1 && version != 2)
        return err_set(detail, ERR_UNSUPPORTED, "a Java store of version %u", version);
    if (count > IO_KEYSTORE_ENTRIES_MAX)
        return err_set(detail, ERR_LIMIT, "the store has more than %d entries",
                       IO_KEYSTORE_ENTRIES_MAX);
    int status = 0;
    for (uint32_t i = 0; status == 0 && i < count; i++)
        status = read_entry(store, &r, version, password, detail);
    return status == 0 && r.bad ? err_set(detail, ERR_INPUT, "the store is damaged") : status;
}

/* --- PKCS#12 --- */

/* Older releases of Java seal certificates with RC2, which OpenSSL keeps among its `legacy` algorithms. */
struct algorithms {
    OSSL_LIB_CTX *context;
    OSSL_PROVIDER *all, *old; /* without `old`, what needs it is refused */
};

static bool algorithms_init(struct algorithms *a)
{
    a->context = OSSL_LIB_CTX_new();
    a->all = a->context ? OSSL_PROVIDER_load(a->context, "default") : NULL;
    a->old = a->context ? OSSL_PROVIDER_load(a->context, "legacy") : NULL;
    return a->all != NULL;
}

static void algorithms_release(struct algorithms *a)
{
    if (a->old)
        OSSL_PROVIDER_unload(a->old);
    if (a->all)
        OSSL_PROVIDER_unload(a->all);
    OSSL_LIB_CTX_free(a->context);
}

static int keep_pkcs12(struct io_keystore *store, EVP_PKEY *key, X509 *certificate,
                       STACK_OF(X509) * others)
{
    int status = key ? append_key(&store->key, key) : 0;
    if (status == 0 && certificate)
        status = append_certificate(&store->certificate, certificate);
    if (status == 0 && certificate)
        status = append_certificate(&store->trusted, certificate);
    for (int i = 0; status == 0 && i < sk_X509_num(others); i++) /* of NULL it is -1 */
        status = append_certificate(key ? &store->certificate : &store->trusted,
                                    sk_X509_value(others, i));
    return status;
}

static int read_pkcs12(struct io_keystore *store, struct bytes data, const char *password,
                       struct err_detail *detail)
{
    struct algorithms algorithms;
    PKCS12 *sealed = algorithms_init(&algorithms)
                         ? PKCS12_init_ex(NID_pkcs7_data, algorithms.context, NULL)
                         : NULL;
    const uint8_t *at = data.data;
    EVP_PKEY *key = NULL;
    X509 *certificate = NULL;
    STACK_OF(X509) *others = NULL;
    int status = sealed ? 0 : err_set(detail, ERR_NOMEM, "out of memory");
    if (status == 0 && !d2i_PKCS12(&sealed, &at, (long)data.len)) {
        sealed = NULL; /* freed with the failure */
        status = err_set(detail, ERR_INPUT, "neither a Java key store nor PKCS#12");
    }
    if (status == 0 &&
        PKCS12_parse(sealed, password ? password : "", &key, &certificate, &others) != 1)
        status = err_set(detail, ERR_INPUT, "the store cannot be opened (a wrong password?): %s",
                         last_error());
    if (status == 0)
        status = keep_pkcs12(store, key, certificate, others);
    EVP_PKEY_free(key);
    X509_free(certificate);
    sk_X509_pop_free(others, X509_free);
    PKCS12_free(sealed);
    algorithms_release(&algorithms);
    return status;
}

/* --- Both --- */

void io_keystore_release(struct io_keystore *store)
{
    if (store->key.data)
        mem_wipe(store->key.data, store->key.capacity);
    buf_release(&store->key);
    buf_release(&store->certificate);
    buf_release(&store->trusted);
}

int io_keystore_read(struct io_keystore *ret_store, struct bytes data, const char *password,
                     struct err_detail *detail)
{
    struct io_keystore store = {BUF_INIT, BUF_INIT, BUF_INIT};
    struct buf secret = BUF_INIT;
    int status =
        data.len > IO_KEYSTORE_MAX || (password && strlen(password) > IO_KEYSTORE_PASSWORD_MAX)
            ? err_set(detail, ERR_LIMIT,
                      "a key store of more than 4 MiB, or a password "
                      "of more than 1,024 bytes")
            : 0;
    ERR_clear_error();
    if (status == 0 && data.len >= sizeof(magic) && memcmp(data.data, magic, sizeof(magic)) == 0) {
        status = wide(&secret, password, detail);
        if (status == 0)
            status = read_jks(&store, data, buf_bytes(&secret), detail);
    } else if (status == 0) {
        status = read_pkcs12(&store, data, password, detail);
    }
    ERR_clear_error();
    if (secret.data)
        mem_wipe(secret.data, secret.capacity);
    buf_release(&secret);
    if (status < 0)
        io_keystore_release(&store);
    else
        *ret_store = store;
    return status;
}

int io_keystore_write(struct buf *ret_data, struct bytes certificate, struct bytes key,
                      const char *alias, const char *password, struct err_detail *detail)
{
    BIO *a = BIO_new_mem_buf(certificate.data, (int)certificate.len);
    BIO *b = BIO_new_mem_buf(key.data, (int)key.len);
    X509 *x509 = a ? PEM_read_bio_X509(a, NULL, NULL, (void *)(uintptr_t)"") : NULL;
    EVP_PKEY *pkey = b ? PEM_read_bio_PrivateKey(b, NULL, NULL, (void *)(uintptr_t)"") : NULL;
    PKCS12 *store = x509 && pkey ? PKCS12_create(password ? password : "", alias, pkey, x509, NULL,
                                                 0, 0, 0, 0, 0)
                                 : NULL;
    uint8_t *der = NULL;
    int len = store ? i2d_PKCS12(store, &der) : -1;
    int status = 0;
    if (len > 0)
        buf_append(ret_data, der, (size_t)len);
    else
        status = err_set(detail, x509 && pkey ? ERR_CRYPTO : ERR_INPUT,
                         "the key store cannot be made: %s", last_error());
    ERR_clear_error();
    OPENSSL_free(der);
    PKCS12_free(store);
    EVP_PKEY_free(pkey);
    X509_free(x509);
    BIO_free(a);
    BIO_free(b);
    return status < 0 ? status : buf_status(ret_data);
}
