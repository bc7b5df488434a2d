#include "io/tls.h"

#include "base/buf.h"
#include "base/mem.h"
#include "io/tls_internal.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/pkcs12.h>
#include <stdio.h>

/* --- Judging --- */

/* The common name; "" when there is none, or one that is no text. */
static void common_name(char ret_name[IO_TLS_NAME_MAX], X509 *certificate)
{
    ret_name[0] = 0;
    X509_NAME *subject = X509_get_subject_name(certificate);
    int at = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
    if (at < 0)
        return;
    uint8_t *text = NULL;
    int len =
        ASN1_STRING_to_UTF8(&text, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at)));
    if (len > 0 && len < IO_TLS_NAME_MAX && !memchr(text, 0, (size_t)len)) {
        memcpy(ret_name, text, (size_t)len);
        ret_name[len] = 0;
    }
    OPENSSL_free(text);
}

static bool judge(const struct io_tls *tls, X509 *certificate, const char *host,
                  const char *chain_fault, struct err_detail *detail)
{
    char name[IO_TLS_NAME_MAX];
    common_name(name, certificate);
    struct io_tls_peer peer = {.name = name,
                               .host = host,
                               .chain_ok = chain_fault == NULL,
                               .chain_fault = chain_fault ? chain_fault : ""};
    uint8_t *der = NULL;
    int len = i2d_X509(certificate, &der);
    unsigned sha1_len = 0, sha512_len = 0;
    bool known = len > 0 && X509_digest(certificate, EVP_sha1(), peer.sha1, &sha1_len) == 1 &&
                 X509_digest(certificate, EVP_sha512(), peer.sha512, &sha512_len) == 1;
    peer.certificate = bytes_of(der, len > 0 ? (size_t)len : 0);
    bool accepted = known && (tls->judge ? tls->judge(tls->context, &peer, detail) : peer.chain_ok);
    if (!tls->judge && !accepted)
        (void)err_set(detail, ERR_INPUT, "the certificate of %s is not trusted: %s",
                      name[0] ? name : "the other side", peer.chain_fault);
    OPENSSL_free(der);
    return accepted;
}

/* In place of OpenSSL's own verification. */
static int verify(X509_STORE_CTX *store, void *argument)
{
    struct io_tls_check *check = argument;
    struct err_detail local = {""};
    struct err_detail *detail = check->shared ? &local : &check->detail;
    int status = X509_verify_cert(store);
    int fault = X509_STORE_CTX_get_error(store);
    X509 *certificate = X509_STORE_CTX_get0_cert(store);
    const char *text = status > 0 ? NULL : X509_verify_cert_error_string(fault);
    if (!certificate || !judge(check->tls, certificate, check->host, text, detail)) {
        if (fault == X509_V_OK)
            X509_STORE_CTX_set_error(store, X509_V_ERR_APPLICATION_VERIFICATION);
        return 0;
    }
    X509_STORE_CTX_set_error(store, X509_V_OK);
    return 1;
}

/* --- Reading what an end shows and trusts --- */

/* Without it OpenSSL would ask at the terminal. */
static int password_of(char *ret_text, int size, int writing, void *argument)
{
    (void)writing;
    const char *password = argument;
    size_t len = password ? strlen(password) : 0;
    if (len >= (size_t)size)
        return -1;
    memcpy(ret_text, password ? password : "", len);
    return (int)len;
}

static const char *last_error(void)
{
    unsigned long code = ERR_peek_last_error();
    const char *text = code ? ERR_reason_error_string(code) : NULL;
    return text ? text : "unknown reason";
}

/* Appends every certificate of a PEM text; how many, or a failure. */
static int read_certificates(STACK_OF(X509) * list, struct bytes pem, struct err_detail *detail)
{
    if (pem.len > INT_MAX)
        return err_set(detail, ERR_LIMIT, "certificates of more than 2 GiB");
    BIO *bio = BIO_new_mem_buf(pem.data, (int)pem.len);
    if (!bio)
        return err_set(detail, ERR_NOMEM, "out of memory");
    int count = 0, status = 0;
    while (status == 0 && count < IO_TLS_AUTHORITIES_MAX) {
        X509 *certificate = PEM_read_bio_X509(bio, NULL, password_of, NULL);
        if (!certificate)
            break;
        if (sk_X509_push(list, certificate) > 0) {
            count++;
        } else {
            X509_free(certificate);
            status = err_set(detail, ERR_NOMEM, "out of memory");
        }
    }
    /* The end of the text is an error like any other to OpenSSL. */
    unsigned long code = ERR_peek_last_error();
    bool at_end = ERR_GET_LIB(code) == ERR_LIB_PEM && ERR_GET_REASON(code) == PEM_R_NO_START_LINE;
    if (status == 0 && code && !at_end)
        status = err_set(detail, ERR_INPUT, "a certificate cannot be read: %s", last_error());
    ERR_clear_error();
    BIO_free(bio);
    return status < 0 ? status : count;
}

static int read_own_pem(struct io_tls *tls, const struct io_tls_options *options,
                        struct err_detail *detail)
{
    if (options->certificate.len == 0 || options->key.len == 0 || options->key.len > INT_MAX)
        return err_set(detail, ERR_INPUT,
                       "a certificate goes with its key, and a key with its certificate");
    int count = read_certificates(tls->chain, options->certificate, detail);
    if (count < 0)
        return count;
    if (count == 0)
        return err_set(detail, ERR_INPUT, "there is no certificate in the PEM text");
    tls->certificate = sk_X509_shift(tls->chain);
    BIO *bio = BIO_new_mem_buf(options->key.data, (int)options->key.len);
    if (!bio)
        return err_set(detail, ERR_NOMEM, "out of memory");
    tls->key =
        PEM_read_bio_PrivateKey(bio, NULL, password_of, (void *)(uintptr_t)options->password);
    BIO_free(bio);
    if (!tls->key)
        return err_set(detail, ERR_INPUT, "the private key cannot be read: %s", last_error());
    return 0;
}

static int read_own_pkcs12(struct io_tls *tls, const struct io_tls_options *options,
                           struct err_detail *detail)
{
    const uint8_t *data = options->pkcs12.data;
    PKCS12 *store = d2i_PKCS12(NULL, &data, (long)options->pkcs12.len);
    if (!store)
        return err_set(detail, ERR_INPUT, "the key store is no PKCS#12: %s", last_error());
    STACK_OF(X509) *chain = NULL;
    int parsed = PKCS12_parse(store, options->password ? options->password : "", &tls->key,
                              &tls->certificate, &chain);
    PKCS12_free(store);
    if (parsed != 1)
        return err_set(detail, ERR_INPUT, "the key store cannot be opened (a wrong password?): %s",
                       last_error());
    while (sk_X509_num(chain) > 0) { /* sk_X509_num(NULL) is -1 */
        X509 *certificate = sk_X509_shift(chain);
        if (sk_X509_push(tls->chain, certificate) <= 0)
            X509_free(certificate);
    }
    sk_X509_free(chain);
    if (!tls->key || !tls->certificate)
        return err_set(detail, ERR_INPUT, "the key store holds no key with a certificate");
    return 0;
}

static int read_own(struct io_tls *tls, const struct io_tls_options *options,
                    struct err_detail *detail)
{
    int status = 0;
    if (options->pkcs12.len)
        status = read_own_pkcs12(tls, options, detail);
    else if (options->certificate.len || options->key.len)
        status = read_own_pem(tls, options, detail);
    else if (options->server)
        status = err_set(detail, ERR_INPUT, "a TLS server needs a certificate and its key");
    if (status == 0 && tls->key && X509_check_private_key(tls->certificate, tls->key) != 1)
        status = err_set(detail, ERR_INPUT, "the private key is not that of the certificate");
    return status;
}

static int read_authorities(struct io_tls *tls, const struct io_tls_options *options,
                            struct err_detail *detail)
{
    if (options->system_authorities && X509_STORE_set_default_paths(tls->authorities) != 1)
        return err_set(detail, ERR_INPUT, "the machine's authorities cannot be read");
    STACK_OF(X509) *list = sk_X509_new_null();
    if (!list)
        return err_set(detail, ERR_NOMEM, "out of memory");
    int status =
        options->authorities.len ? read_certificates(list, options->authorities, detail) : 1;
    if (status == 0)
        status = err_set(detail, ERR_INPUT, "there is no certificate in the list of authorities");
    for (int i = 0; status > 0 && i < sk_X509_num(list); i++)
        if (X509_STORE_add_cert(tls->authorities, sk_X509_value(list, i)) != 1)
            status = err_set(detail, ERR_NOMEM, "out of memory");
    sk_X509_pop_free(list, X509_free);
    return status < 0 ? status : 0;
}

/* --- Contexts --- */

bool io_tls_apply(const struct io_tls *tls, SSL_CTX *context, struct io_tls_check *check)
{
    if (tls->certificate) {
        if (SSL_CTX_use_certificate(context, tls->certificate) != 1 ||
            SSL_CTX_use_PrivateKey(context, tls->key) != 1 ||
            SSL_CTX_set1_chain(context, tls->chain) != 1)
            return false;
    }
    SSL_CTX_set1_cert_store(context, tls->authorities);
    SSL_CTX_set_cert_verify_callback(context, verify, check);
    SSL_CTX_set_verify_depth(context, IO_TLS_CHAIN_MAX);
    SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION);
    if (SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) != 1)
        return false;
    if (tls->suites &&
        (tls->suites[0] ? SSL_CTX_set_ciphersuites(context, tls->suites)
                        : SSL_CTX_set_max_proto_version(context, TLS1_2_VERSION)) != 1)
        return false;
    return !tls->ciphers || SSL_CTX_set_cipher_list(context, tls->ciphers) == 1;
}

static char *copy_text(const char *text)
{
    size_t size = strlen(text) + 1;
    char *copy = mem_alloc(size);
    if (copy)
        memcpy(copy, text, size);
    return copy;
}

static bool is_excluded(const struct io_tls_options *options, const char *suite)
{
    for (size_t i = 0; i < options->excluded_count; i++)
        if (strcmp(options->excluded[i], suite) == 0)
            return true;
    return false;
}

static int list_allowed(struct buf *list, const struct io_tls_options *options,
                        struct err_detail *detail)
{
    for (size_t i = 0; i < options->allowed_count; i++) {
        const char *name = OPENSSL_cipher_name(options->allowed[i]);
        if (name && name[0] != '(' && strncmp(name, "TLS_", 4) != 0)
            buf_append_format(list, "%s%s", list->len ? ":" : "", name);
    }
    return list->len || buf_status(list) < 0
               ? ERR_OK
               : err_set(detail, ERR_INPUT, "none of the cipher suites of TLS 1.2 is there");
}

/* What is left of the cipher suites: of TLS 1.2 as a list with "!NAME", of TLS 1.3 by name. */
static int choose_ciphers(struct io_tls *tls, const struct io_tls_options *options,
                          struct err_detail *detail)
{
    static const char *const suites[] = {"TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256",
                                         "TLS_AES_128_GCM_SHA256"};
    struct buf list = BUF_INIT, left = BUF_INIT;
    if (!options->ciphers && options->excluded_count == 0 && options->allowed_count == 0)
        return 0;
    if (options->allowed_count) {
        int listed = list_allowed(&list, options, detail);
        if (listed != ERR_OK)
            return listed; /* there is nothing in it */
    } else {
        buf_append_text(&list, options->ciphers ? options->ciphers : "DEFAULT");
    }
    for (size_t i = 0; i < options->excluded_count; i++) {
        const char *name = OPENSSL_cipher_name(options->excluded[i]);
        if (name && name[0] != '(' && strncmp(name, "TLS_", 4) != 0)
            buf_append_format(&list, ":!%s", name);
    }
    for (size_t i = 0; i < BASE_COUNT(suites); i++)
        if (!is_excluded(options, suites[i]))
            buf_append_format(&left, "%s%s", left.len ? ":" : "", suites[i]);
    int status = buf_status(&list) < 0 ? buf_status(&list) : buf_status(&left);
    tls->ciphers = status == 0 ? copy_text(buf_text(&list)) : NULL;
    if (status == 0 && options->excluded_count)
        tls->suites = copy_text(buf_text(&left));
    if (!tls->ciphers || (options->excluded_count && !tls->suites))
        status = err_set(detail, ERR_NOMEM, "out of memory");
    buf_release(&list);
    buf_release(&left);
    return status;
}

static int make_server(struct io_tls *tls, enum io_tls_ask ask, struct err_detail *detail)
{
    SSL_CTX *context = tls->server = SSL_CTX_new(TLS_server_method());
    if (!context)
        return err_set(detail, ERR_NOMEM, "out of memory");
    if (!io_tls_apply(tls, context, &tls->check))
        return err_set(detail, ERR_INPUT, "OpenSSL refuses the certificate, key or ciphers: %s",
                       last_error());
    int mode = ask == IO_TLS_ASK_NONE     ? SSL_VERIFY_NONE
               : ask == IO_TLS_ASK_WANTED ? SSL_VERIFY_PEER
                                          : SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT;
    SSL_CTX_set_verify(context, mode, NULL);
    SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);
    /* A session that is taken up again would not be judged again. */
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_options(context, SSL_OP_NO_TICKET);
    SSL_CTX_set_num_tickets(context, 0);
    return 0;
}

int io_tls_new(struct io_tls **ret_tls, const struct io_tls_options *options,
               struct err_detail *detail)
{
    struct io_tls *tls = mem_alloc_zeroed(1, sizeof(*tls));
    if (!tls)
        return err_set(detail, ERR_NOMEM, "out of memory");
    tls->owners = 1;
    tls->any_host = options->any_host;
    tls->judge = options->judge;
    tls->context = options->context;
    tls->check = (struct io_tls_check){.tls = tls, .shared = true};
    tls->chain = sk_X509_new_null();
    tls->authorities = X509_STORE_new();
    ERR_clear_error();
    int status = choose_ciphers(tls, options, detail);
    if (!tls->chain || !tls->authorities)
        status = err_set(detail, ERR_NOMEM, "out of memory");
    if (status == 0)
        status = read_own(tls, options, detail);
    if (status == 0)
        status = read_authorities(tls, options, detail);
    if (status == 0 && options->server)
        status = make_server(tls, options->ask, detail);
    ERR_clear_error();
    if (status < 0) {
        io_tls_free(tls);
        return status;
    }
    *ret_tls = tls;
    return 0;
}

struct io_tls *io_tls_keep(struct io_tls *tls)
{
    if (tls)
        __atomic_add_fetch(&tls->owners, 1, __ATOMIC_RELAXED);
    return tls;
}

void io_tls_free(struct io_tls *tls)
{
    if (!tls || __atomic_sub_fetch(&tls->owners, 1, __ATOMIC_ACQ_REL) > 0)
        return;
    SSL_CTX_free(tls->server);
    X509_STORE_free(tls->authorities);
    sk_X509_pop_free(tls->chain, X509_free);
    EVP_PKEY_free(tls->key);
    X509_free(tls->certificate);
    mem_free(tls->ciphers);
    mem_free(tls->suites);
    mem_free(tls);
}
