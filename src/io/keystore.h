/*
 * Java's key and trust stores, as managers on the JVM have them: the old form (JKS), and PKCS#12, which newer releases of
 * Java write under the same names. What is in them comes out as PEM, for tls.h.
 */
#ifndef IO_KEYSTORE_H
#define IO_KEYSTORE_H

#include "base/buf.h"

enum {
    IO_KEYSTORE_MAX = 4 << 20,       /* bytes of a store */
    IO_KEYSTORE_ENTRIES_MAX = 10000, /* and certificates of one chain: IO_KEYSTORE_CHAIN_MAX */
    IO_KEYSTORE_CHAIN_MAX = 32,
    IO_KEYSTORE_PASSWORD_MAX = 1024, /* bytes */
};

struct io_keystore {
    struct buf certificate; /* of the first key, with its chain behind it; empty: no key */
    struct buf key;         /* PKCS#8, not encrypted */
    struct buf
        trusted; /* what Java trusts by this store: trusted entries, and certificates of keys */
};

/* Reads a store of either form; key and store have the same password (NULL is the empty one). ERR_INPUT (neither form,
 * damaged, a wrong password), ERR_LIMIT, ERR_UNSUPPORTED (a key that another provider protects), ERR_CRYPTO, ERR_NOMEM. */
int io_keystore_read(struct io_keystore *ret_store, struct bytes data, const char *password,
                     struct err_detail *detail) BASE_NODISCARD;
/* Overwrites the key. */
void io_keystore_release(struct io_keystore *store);

/* Appends a PKCS#12 store with one key (PEM) and its certificate (PEM), which Java reads whatever its name. ERR_INPUT,
 * ERR_CRYPTO, ERR_NOMEM. */
int io_keystore_write(struct buf *ret_data, struct bytes certificate, struct bytes key,
                      const char *alias, const char *password,
                      struct err_detail *detail) BASE_NODISCARD;

#endif
