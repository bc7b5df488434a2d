#include "io/certificate.h"

#include "io/address.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>
#include <stdio.h>

enum {
    HOUR = 3600,
    SERIAL_BYTES = 16, /* random: RFC 5280 allows 20 */
};

struct issuer {
    X509 *certificate; /* NULL: self-signed */
    EVP_PKEY *key;
};

static int no_password(char *ret_text, int size, int writing, void *argument)
{
    (void)ret_text, (void)size, (void)writing, (void)argument;
    return 0;
}

static int read_issuer(struct issuer *ret_issuer, const struct io_certificate_options *options,
                       struct err_detail *detail)
{
    struct bytes c = options->issuer_certificate, k = options->issuer_key;
    *ret_issuer = (struct issuer){NULL, NULL};
    if (c.len == 0 && k.len == 0)
        return 0;
    BIO *bio = BIO_new_mem_buf(c.data, (int)c.len);
    ret_issuer->certificate = bio ? PEM_read_bio_X509(bio, NULL, no_password, NULL) : NULL;
    BIO_free(bio);
    bio = BIO_new_mem_buf(k.data, (int)k.len);
    ret_issuer->key = bio ? PEM_read_bio_PrivateKey(bio, NULL, no_password, NULL) : NULL;
    BIO_free(bio);
    if (!ret_issuer->certificate || !ret_issuer->key)
        return err_set(detail, ERR_INPUT, "the issuer's certificate or key cannot be read");
    if (X509_check_private_key(ret_issuer->certificate, ret_issuer->key) != 1)
        return err_set(detail, ERR_INPUT, "the issuer's key is not that of its certificate");
    return 0;
}

static bool add_extension(X509 *certificate, X509 *issuer, int nid, const char *value)
{
    X509V3_CTX context;
    X509V3_set_ctx_nodb(&context);
    X509V3_set_ctx(&context, issuer, certificate, NULL, NULL, 0);
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
    bool ok = extension && X509_add_ext(certificate, extension, -1) == 1;
    X509_EXTENSION_free(extension);
    return ok;
}

/* Not by OpenSSL's configuration syntax, in which a name with a comma would be two. */
static bool add_hosts(X509 *certificate, const struct io_certificate_options *options)
{
    GENERAL_NAMES *names = sk_GENERAL_NAME_new_null();
    bool ok = names != NULL;
    for (size_t i = 0; ok && i < options->host_count; i++) {
        const char *host = options->hosts[i];
        struct io_address ip;
        bool is_ip = io_address_parse_ip(&ip, host);
        GENERAL_NAME *name = GENERAL_NAME_new();
        ASN1_STRING *value = ASN1_STRING_type_new(is_ip ? V_ASN1_OCTET_STRING : V_ASN1_IA5STRING);
        ok = name && value &&
             ASN1_STRING_set(value, is_ip ? (const void *)ip.ip : (const void *)host,
                             is_ip ? ip.ip_len : (int)strlen(host)) == 1 &&
             sk_GENERAL_NAME_push(names, name) > 0;
        if (ok) {
            GENERAL_NAME_set0_value(name, is_ip ? GEN_IPADD : GEN_DNS, value);
        } else {
            GENERAL_NAME_free(name);
            ASN1_STRING_free(value);
        }
    }
    ok = ok && (options->host_count == 0 ||
                X509_add1_ext_i2d(certificate, NID_subject_alt_name, names, 0, 0) == 1);
    GENERAL_NAMES_free(names);
    return ok;
}

static bool set_serial(X509 *certificate)
{
    uint8_t serial[SERIAL_BYTES];
    if (RAND_bytes(serial, sizeof(serial)) != 1)
        return false;
    serial[0] = (uint8_t)((serial[0] & 0x7f) | 0x40); /* positive, and of full length */
    BIGNUM *number = BN_bin2bn(serial, sizeof(serial), NULL);
    bool ok = number && BN_to_ASN1_INTEGER(number, X509_get_serialNumber(certificate)) != NULL;
    BN_free(number);
    return ok;
}

/* "CN=Root,OU=DLT,…": a comma inside of a value stands behind a backslash. */
static bool add_subject(X509_NAME *name, const char *subject)
{
    char part[IO_CERTIFICATE_SUBJECT_MAX];
    while (*subject) {
        size_t length = 0;
        for (; *subject && *subject != ','; subject++) {
            if (*subject == '\\' && subject[1])
                subject++;
            if (length + 1 >= sizeof(part))
                return false;
            part[length++] = *subject;
        }
        part[length] = 0;
        subject += *subject == ',';
        subject += strspn(subject, " ");
        char *value = strchr(part, '=');
        if (!value)
            return false;
        *value++ = 0;
        if (X509_NAME_add_entry_by_txt(name, part, MBSTRING_UTF8, (const uint8_t *)value, -1, -1,
                                       0) != 1)
            return false;
    }
    return X509_NAME_entry_count(name) > 0;
}

/* An authority's and its certificates' say what they are for; one that signs itself alone is known by its fingerprint. */
static bool add_purpose(X509 *certificate, X509 *signer,
                        const struct io_certificate_options *options)
{
    if (!options->authority && signer == certificate)
        return true;
    return add_extension(certificate, signer, NID_key_usage,
                         options->authority ? "critical,digitalSignature,keyCertSign,cRLSign"
                                            : "critical,digitalSignature,keyEncipherment") &&
           add_extension(certificate, signer, NID_ext_key_usage, "serverAuth,clientAuth") &&
           add_extension(certificate, signer, NID_authority_key_identifier, "keyid:always");
}

static bool fill(X509 *certificate, EVP_PKEY *key, const struct issuer *issuer,
                 const struct io_certificate_options *options)
{
    X509 *signer = issuer->certificate ? issuer->certificate : certificate;
    X509_NAME *name = X509_get_subject_name(certificate);
    return X509_set_version(certificate, X509_VERSION_3) == 1 && set_serial(certificate) &&
           X509_gmtime_adj(X509_getm_notBefore(certificate), -HOUR) &&
           X509_time_adj_ex(X509_getm_notAfter(certificate), (int)options->days, 0, NULL) &&
           X509_set_pubkey(certificate, key) == 1 &&
           (options->subject
                ? add_subject(name, options->subject)
                : X509_NAME_add_entry_by_NID(name, NID_commonName, MBSTRING_UTF8,
                                             (const uint8_t *)options->name, -1, -1, 0) == 1) &&
           X509_set_issuer_name(certificate, X509_get_subject_name(signer)) == 1 &&
           add_hosts(certificate, options) &&
           add_extension(certificate, signer, NID_subject_key_identifier, "hash") &&
           add_extension(certificate, signer, NID_basic_constraints,
                         options->authority ? "critical,CA:TRUE" : "critical,CA:FALSE") &&
           add_purpose(certificate, signer, options);
}

static bool write_pem(struct buf *ret_text, X509 *certificate, EVP_PKEY *key)
{
    BIO *bio = BIO_new(BIO_s_secmem());
    if (!bio)
        return false;
    bool ok = certificate ? PEM_write_bio_X509(bio, certificate) == 1
                          : PEM_write_bio_PKCS8PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL) == 1;
    char *text = NULL;
    long len = ok ? BIO_get_mem_data(bio, &text) : 0;
    if (len > 0)
        buf_append(ret_text, text, (size_t)len);
    BIO_free(bio);
    return len > 0 && buf_status(ret_text) == 0;
}

static EVP_PKEY *make_key(unsigned rsa_bits)
{
    return rsa_bits ? EVP_RSA_gen(rsa_bits) : EVP_EC_gen("P-256");
}

int io_certificate_new(struct buf *ret_certificate, struct buf *ret_key,
                       const struct io_certificate_options *options, struct err_detail *detail)
{
    size_t len = options->subject ? 1 : strlen(options->name);
    if (len == 0 || len > IO_CERTIFICATE_NAME_MAX)
        return err_set(detail, ERR_INPUT, "a certificate's name has 1 to 64 bytes, %s has %zu",
                       options->name, len);
    if (options->rsa_bits && (options->rsa_bits < 2048 || options->rsa_bits > 8192))
        return err_set(detail, ERR_INPUT, "an RSA key has 2048 to 8192 bits, not %u",
                       options->rsa_bits);
    if (options->host_count > IO_CERTIFICATE_HOSTS_MAX)
        return err_set(detail, ERR_LIMIT, "a certificate has at most %d hosts",
                       IO_CERTIFICATE_HOSTS_MAX);
    struct issuer issuer;
    int status = read_issuer(&issuer, options, detail);
    X509 *certificate = status == 0 ? X509_new() : NULL;
    EVP_PKEY *key = status == 0 ? make_key(options->rsa_bits) : NULL;
    if (status == 0) {
        EVP_PKEY *signer = issuer.key ? issuer.key : key;
        bool ok = certificate && key && fill(certificate, key, &issuer, options) &&
                  X509_sign(certificate, signer,
                            EVP_PKEY_is_a(signer, "RSA") ? EVP_sha512() : EVP_sha256()) > 0 &&
                  write_pem(ret_certificate, certificate, NULL) && write_pem(ret_key, NULL, key);
        if (!ok)
            status = err_set(detail, ERR_CRYPTO, "a certificate for %s could not be made",
                             options->subject ? options->subject : options->name);
    }
    ERR_clear_error();
    EVP_PKEY_free(key);
    X509_free(certificate);
    EVP_PKEY_free(issuer.key);
    X509_free(issuer.certificate);
    return status;
}
