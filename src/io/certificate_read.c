/* Certificates that are there: what they say, and whether they fit together. */
#include "io/certificate.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>

static int no_password(char *ret_text, int size, int writing, void *argument)
{
    (void)ret_text, (void)size, (void)writing, (void)argument;
    return 0;
}

/* The certificates of a PEM text, in order; NULL when there is none, or one that cannot be read. */
static STACK_OF(X509) * read_chain(struct bytes pem)
{
    STACK_OF(X509) *chain = sk_X509_new_null();
    BIO *bio = BIO_new_mem_buf(pem.data, (int)pem.len);
    X509 *certificate;
    while (chain && bio && (certificate = PEM_read_bio_X509(bio, NULL, no_password, NULL)))
        if (sk_X509_push(chain, certificate) <= 0)
            X509_free(certificate);
    BIO_free(bio);
    ERR_clear_error();
    if (sk_X509_num(chain) <= 0) {
        sk_X509_pop_free(chain, X509_free);
        return NULL;
    }
    return chain;
}

static int64_t seconds_of(const ASN1_TIME *time)
{
    int days = 0, seconds = 0;
    ASN1_TIME *epoch = ASN1_TIME_set(NULL, 0);
    if (epoch)
        (void)ASN1_TIME_diff(&days, &seconds, epoch, time);
    ASN1_TIME_free(epoch);
    return (int64_t)days * 86400 + seconds;
}

static void read_hosts(struct io_certificate *info, X509 *certificate)
{
    GENERAL_NAMES *names = X509_get_ext_d2i(certificate, NID_subject_alt_name, NULL, NULL);
    size_t at = 0;
    for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
        int type;
        char text[256] = "";
        const ASN1_STRING *value = GENERAL_NAME_get0_value(sk_GENERAL_NAME_value(names, i), &type);
        const uint8_t *data = value ? ASN1_STRING_get0_data(value) : NULL;
        int length = value ? ASN1_STRING_length(value) : 0;
        if (type == GEN_DNS)
            snprintf(text, sizeof(text), "%.*s", length < 255 ? length : 255, (const char *)data);
        else if (type == GEN_IPADD && length == 4)
            snprintf(text, sizeof(text), "%u.%u.%u.%u", data[0], data[1], data[2], data[3]);
        else
            continue;
        int n = snprintf(info->hosts + at, sizeof(info->hosts) - at, "%s%s", at ? ", " : "", text);
        if (n < 0 || (size_t)n >= sizeof(info->hosts) - at)
            break;
        at += (size_t)n;
    }
    sk_GENERAL_NAME_pop_free(names, GENERAL_NAME_free);
}

static bool read_subject(struct io_certificate *info, X509 *certificate)
{
    BIO *bio = BIO_new(BIO_s_mem());
    char *text = NULL;
    unsigned long form =
        XN_FLAG_SEP_COMMA_PLUS | XN_FLAG_FN_SN | (ASN1_STRFLGS_RFC2253 & ~ASN1_STRFLGS_ESC_MSB);
    bool good = bio && X509_NAME_print_ex(bio, X509_get_subject_name(certificate), 0, form) >= 0;
    long length = good ? BIO_get_mem_data(bio, &text) : 0;
    size_t max = sizeof(info->subject) - 1, at = 0;
    for (long i = 0; i < length && at < max; i++)
        info->subject[at++] = text[i];
    info->subject[at] = 0;
    BIO_free(bio);
    return good;
}

int io_certificate_read(struct io_certificate *ret, struct bytes pem, struct err_detail *detail)
{
    struct io_certificate info = {.name = ""};
    STACK_OF(X509) *chain = read_chain(pem);
    if (!chain)
        return err_set(detail, ERR_INPUT, "is no certificate in PEM");
    X509 *certificate = sk_X509_value(chain, 0);
    (void)X509_NAME_get_text_by_NID(X509_get_subject_name(certificate), NID_commonName, info.name,
                                    sizeof(info.name));
    info.from = seconds_of(X509_get0_notBefore(certificate));
    info.until = seconds_of(X509_get0_notAfter(certificate));
    info.authority = X509_check_ca(certificate) == 1;
    read_hosts(&info, certificate);
    bool good = read_subject(&info, certificate) &&
                X509_digest(certificate, EVP_sha1(), info.sha1, NULL) == 1 &&
                X509_digest(certificate, EVP_sha256(), info.sha256, NULL) == 1;
    sk_X509_pop_free(chain, X509_free);
    ERR_clear_error();
    if (!good)
        return err_set(detail, ERR_CRYPTO, "a certificate could not be read");
    *ret = info;
    return 0;
}

static int check_key(X509 *certificate, struct bytes pem, struct err_detail *detail)
{
    BIO *bio = BIO_new_mem_buf(pem.data, (int)pem.len);
    EVP_PKEY *key = bio ? PEM_read_bio_PrivateKey(bio, NULL, no_password, NULL) : NULL;
    int status = 0;
    if (!key)
        status = err_set(detail, ERR_INPUT, "the key cannot be read, or is encrypted");
    else if (X509_check_private_key(certificate, key) != 1)
        status = err_set(detail, ERR_INPUT, "the key is not that of the certificate");
    EVP_PKEY_free(key);
    BIO_free(bio);
    return status;
}

static int check_chain(STACK_OF(X509) * chain, struct bytes authority, struct err_detail *detail)
{
    STACK_OF(X509) *roots = read_chain(authority);
    X509_STORE *store = X509_STORE_new();
    X509_STORE_CTX *context = X509_STORE_CTX_new();
    bool good = roots && store && context;
    for (int i = 0; good && i < sk_X509_num(roots); i++)
        good = X509_STORE_add_cert(store, sk_X509_value(roots, i)) == 1;
    good = good && X509_STORE_CTX_init(context, store, sk_X509_value(chain, 0), chain) == 1;
    if (good)
        X509_STORE_CTX_set_flags(context, X509_V_FLAG_NO_CHECK_TIME);
    int status = 0;
    if (!roots)
        status = err_set(detail, ERR_INPUT, "the authority's certificate cannot be read");
    else if (!good)
        status = err_set(detail, ERR_CRYPTO, "a chain of certificates could not be looked at");
    else if (X509_verify_cert(context) != 1)
        status = err_set(detail, ERR_INPUT, "the certificate does not lead to the authority: %s",
                         X509_verify_cert_error_string(X509_STORE_CTX_get_error(context)));
    X509_STORE_CTX_free(context);
    X509_STORE_free(store);
    sk_X509_pop_free(roots, X509_free);
    return status;
}

int io_certificate_check(struct bytes chain, struct bytes key, struct bytes authority,
                         struct err_detail *detail)
{
    STACK_OF(X509) *certificates = read_chain(chain);
    if (!certificates)
        return err_set(detail, ERR_INPUT, "is no certificate in PEM");
    int status = check_key(sk_X509_value(certificates, 0), key, detail);
    if (status == 0 && authority.len)
        status = check_chain(certificates, authority, detail);
    sk_X509_pop_free(certificates, X509_free);
    ERR_clear_error();
    return status;
}
