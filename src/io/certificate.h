/* X.509 certificates made here: for servers and clients that have none yet, and for small authorities. */
#ifndef IO_CERTIFICATE_H
#define IO_CERTIFICATE_H

#include "base/buf.h"

#include <stdbool.h>
#include <stdint.h>

enum {
    IO_CERTIFICATE_HOSTS_MAX = 64,
    IO_CERTIFICATE_NAME_MAX = 64,     /* bytes of a common name (RFC 5280, ub-common-name) */
    IO_CERTIFICATE_SUBJECT_MAX = 512, /* bytes of a whole name, as text */
};

struct io_certificate_options {
    const char *name; /* common name of the subject, 1 to 64 bytes; not read with `subject` */
    const char *
        subject; /* the whole name: "CN=Root,OU=DLT,O=DLT,L=London,C=GB"; NULL: the common name alone */
    const char *const *hosts; /* alternative names: IPs as such, all others as DNS names */
    size_t host_count;
    unsigned days;     /* valid from an hour ago for so long */
    unsigned rsa_bits; /* 2048 to 8192; 0: a key on the curve P-256 */
    bool authority;    /* may sign others */
    /* Who signs, in PEM; none: the new key itself. */
    struct bytes issuer_certificate, issuer_key;
};

/* Appends the certificate and its key (PKCS#8, not encrypted) in PEM. Signed with SHA-256, with SHA-512 by RSA
 * keys, as Tessera does. ERR_INPUT (a name too long, an issuer that cannot be read), ERR_CRYPTO, ERR_NOMEM. */
int io_certificate_new(struct buf *ret_certificate, struct buf *ret_key,
                       const struct io_certificate_options *options,
                       struct err_detail *detail) BASE_NODISCARD;

/* What a certificate says. */
struct io_certificate {
    char name[IO_CERTIFICATE_NAME_MAX + 1];   /* common name; "" when there is none */
    char subject[IO_CERTIFICATE_SUBJECT_MAX]; /* "CN=…,O=…", cut to fit */
    char hosts[4096];    /* alternative names, a comma and a space between two, cut to fit */
    int64_t from, until; /* seconds of Unix time */
    uint8_t sha1[20], sha256[32]; /* of its DER form */
    bool authority;
};

/* The first certificate of a PEM text. ERR_INPUT, ERR_CRYPTO. */
int io_certificate_read(struct io_certificate *ret, struct bytes pem,
                        struct err_detail *detail) BASE_NODISCARD;

/* That `key` is the first certificate's of `chain`, and that the chain leads to `authority` (none: is not looked at),
 * whatever the time. All in PEM. ERR_INPUT says what does not fit. */
int io_certificate_check(struct bytes chain, struct bytes key, struct bytes authority,
                         struct err_detail *detail) BASE_NODISCARD;

#endif
