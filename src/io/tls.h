/*
 * TLS 1.2 and 1.3 over OpenSSL: what an end shows of itself and whom it trusts, for servers (stream.h, http.h)
 * and for clients (http_client.h, stream.h).
 */
#ifndef IO_TLS_H
#define IO_TLS_H

#include "base/bytes.h"
#include "base/error.h"

struct io_tls;

enum {
    IO_TLS_NAME_MAX = 256, /* of a common name; RFC 5280 allows 64 characters */
    IO_TLS_SHA1 = 20,
    IO_TLS_SHA512 = 64,
    IO_TLS_CHAIN_MAX = 10,          /* certificates that a peer may send */
    IO_TLS_AUTHORITIES_MAX = 10000, /* in one option */
};

/* Who stands at the other end, for a judge. Valid during the call. */
struct io_tls_peer {
    struct bytes certificate;      /* DER */
    const char *name;              /* the common name of its subject, "" when there is none */
    const char *host;              /* whom the client dialled; NULL at a server */
    bool chain_ok;                 /* leads to one of the authorities, all of it valid now */
    const char *chain_fault;       /* why it does not; "" */
    uint8_t sha1[IO_TLS_SHA1];     /* of the certificate */
    uint8_t sha512[IO_TLS_SHA512]; /* of the certificate */
};

/* Whether to go on with this peer. Called in the handshake, on its thread: the loop's for servers and
 * io_http_call and io_connect_tls, the caller's for io_http_caller. A refusal may be explained in `detail`. */
typedef bool io_tls_judge_fn(void *context, const struct io_tls_peer *peer,
                             struct err_detail *detail);

enum io_tls_ask {
    IO_TLS_ASK_NONE,
    IO_TLS_ASK_WANTED,   /* a client without a certificate is served all the same */
    IO_TLS_ASK_REQUIRED, /* its handshake fails */
};

struct io_tls_options {
    bool server;
    /* PEM: the own certificate, and behind it those between it and its authority. None: a client shows none. */
    struct bytes certificate;
    struct bytes key; /* PEM, PKCS#8 or PKCS#1 or SEC1, encrypted or not */
    /* In place of both: PKCS#12 with one key and its chain. */
    struct bytes pkcs12;
    const char *password;     /* of key or pkcs12; NULL: none */
    struct bytes authorities; /* PEM, any number of certificates, one behind the other */
    bool system_authorities;  /* those of the machine as well */
    enum io_tls_ask ask;      /* server: of the client */
    bool any_host;       /* client: the name in the certificate may be another than was dialled */
    const char *ciphers; /* OpenSSL's list for TLS 1.2; NULL: OpenSSL's default */
    /* Cipher suites of either version that are left out, by the names of the standard, which Java uses too
     * ("TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"); those that OpenSSL does not have are left out anyway. */
    const char *const *excluded;
    size_t excluded_count;
    /* Those of TLS 1.2 that are taken, the first is liked best, by the same names; those of TLS 1.3 are taken all the
     * same. None: `ciphers` says. Names that OpenSSL does not have are left out; ERR_INPUT when nothing is left. */
    const char *const *allowed;
    size_t allowed_count;
    /* Decides; NULL: `chain_ok` does. A server calls it only with a certificate. */
    io_tls_judge_fn *judge;
    void *context;
};

/* Everything is copied. ERR_INPUT (a certificate, key or list that cannot be read, a key of another certificate, a
 * wrong password: `detail` says which), ERR_CRYPTO, ERR_NOMEM. Any thread; what it makes may be used by many. */
int io_tls_new(struct io_tls **ret_tls, const struct io_tls_options *options,
               struct err_detail *detail) BASE_NODISCARD;
/* One more owner; returns `tls`. NULL is fine in both. Any thread. */
struct io_tls *io_tls_keep(struct io_tls *tls);
/* One owner less; freed after the last. */
void io_tls_free(struct io_tls *tls);

#endif
