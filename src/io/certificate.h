/* X.509 certificates made here: for servers and clients that have none yet, and for small authorities. */
#ifndef IO_CERTIFICATE_H
#define IO_CERTIFICATE_H

#include "base/buf.h"

#include <stdbool.h>

enum { IO_CERTIFICATE_HOSTS_MAX = 64 };

struct io_certificate_options {
    const char *name;         /* common name of the subject, 1 to 64 bytes */
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

#endif
