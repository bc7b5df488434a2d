/*
 * Where key material lives: named secrets, each a few named fields, with every version kept. Two stores have this
 * interface: one encrypted file (file.h) and HashiCorp Vault (vault.h). Paths and fields are the same in both
 * (deployment reference, section 3): "secret/carrier-quo/crypto/carrier/quorum" has "nodekey", "keystore", …
 *
 * A secret is written whole and at once; what was written survives a crash of the machine.
 */
#ifndef DEPLOY_SECRETS_SECRETS_H
#define DEPLOY_SECRETS_SECRETS_H

#include "base/buf.h"

#include <jansson.h>

enum {
    DEPLOY_SECRETS_PATH_MAX = 255, /* characters of a path */
    DEPLOY_SECRETS_VALUE_MAX =
        65536, /* bytes of a field: certificates and key files have a few KiB */
};

struct deploy_secrets;

struct deploy_secrets_ops {
    int (*read)(void *store, json_t **ret_fields, const char *path, struct err_detail *detail);
    int (*write)(void *store, const char *path, json_t *fields, struct err_detail *detail);
    int (*may_write)(void *store, const char *path, struct err_detail *detail); /* NULL: always */
    int (*versions)(void *store, uint64_t *ret_count, const char *path, struct err_detail *detail);
    int (*list)(void *store, json_t **ret_paths, struct err_detail *detail);
    void (*close)(void *store);
};

struct deploy_secrets {
    const struct deploy_secrets_ops *ops;
    void *store;
    const char *name; /* how messages call it: a path or a URL; borrowed */
};

/* The newest version of a secret: an object of texts, given back by deploy_secrets_drop. ERR_NOTFOUND when there is
 * none at that path; ERR_CORRUPT, ERR_IO, ERR_NOMEM. */
int deploy_secrets_read(const struct deploy_secrets *secrets, json_t **ret_fields, const char *path,
                        struct err_detail *detail) BASE_NODISCARD;

/* One field of it, which must be there and not be empty (ERR_CORRUPT, naming path and field). Valid as long as
 * `fields`. */
int deploy_secrets_field(const char **ret_text, const json_t *fields, const char *path,
                         const char *field, struct err_detail *detail) BASE_NODISCARD;

/* A new version with exactly these fields. `fields` is borrowed. ERR_IO, ERR_NOSPACE, ERR_NOMEM, ERR_LIMIT. */
int deploy_secrets_write(const struct deploy_secrets *secrets, const char *path, json_t *fields,
                         struct err_detail *detail) BASE_NODISCARD;

/* Whether a secret at that path could be written, as far as the store tells: ERR_IO says which right is missing. */
int deploy_secrets_may_write(const struct deploy_secrets *secrets, const char *path,
                             struct err_detail *detail) BASE_NODISCARD;

/* How many versions of a secret have been written. Failures as deploy_secrets_read. */
int deploy_secrets_versions(const struct deploy_secrets *secrets, uint64_t *ret_count,
                            const char *path, struct err_detail *detail) BASE_NODISCARD;

/* All paths, sorted, as an array of texts; freed by json_decref. */
int deploy_secrets_list(const struct deploy_secrets *secrets, json_t **ret_paths,
                        struct err_detail *detail) BASE_NODISCARD;

/* Overwrites the texts, then frees. NULL is fine. */
void deploy_secrets_drop(json_t *fields);

void deploy_secrets_close(struct deploy_secrets *secrets);

#endif
