/* What the commands on a local network begin with: its file, its layout, its secrets. */
#ifndef DEPLOY_COMMANDS_CONTEXT_H
#define DEPLOY_COMMANDS_CONTEXT_H

#include "deploy/deploy.h"
#include "deploy/local/site.h"
#include "deploy/secrets/file.h"

#define DEPLOY_DATA_DEFAULT "quorate.d"
/* In the site's folder: its secrets are in the vaults that the network file names. */
#define DEPLOY_SECRETS_IN_VAULT "secrets.vault"

struct deploy_context {
    struct arena arena;
    struct buf content; /* of the network file */
    struct deploy_report report;
    const struct deploy_network *network;
    struct deploy_site *site;
};

/* Reads and checks `path`, and lays the network out in `data`. Errors of the file are printed as `check` prints them,
 * and give ERR_INPUT with a short message. Released by deploy_context_release in any case. */
int deploy_context_open(struct deploy_context *ret_context, const char *path, const char *data,
                        struct err_detail *detail) BASE_NODISCARD;
/* The same from the file that `up` left in `data`. ERR_NOTFOUND when there is none. */
int deploy_context_reopen(struct deploy_context *ret_context, const char *data,
                          struct err_detail *detail) BASE_NODISCARD;
/* The peer that a person named; ERR_NOTFOUND. */
int deploy_context_peer(const struct deploy_site_peer **ret_peer,
                        const struct deploy_context *context, const char *name,
                        struct err_detail *detail) BASE_NODISCARD;
void deploy_context_release(struct deploy_context *context);

/* The site's store of secrets: the vaults, or the file; `passphrase_file` may be NULL: the key file. `path` holds DEPLOY_PATH_MAX characters and
 * stays as long as the store. */
int deploy_context_secrets(struct deploy_secrets *ret_secrets, char *path,
                           const struct deploy_site *site, const char *passphrase_file,
                           struct err_detail *detail) BASE_NODISCARD;

/* Appends the first line of a file with a passphrase; the caller wipes it. ERR_INPUT: it is empty; ERR_NOTFOUND, ERR_IO, ERR_NOMEM. */
int deploy_context_passphrase(struct buf *ret_passphrase, const char *path,
                              struct err_detail *detail) BASE_NODISCARD;

/* Reads and checks the keys of all peers of the file into the site; those of peer `make` are made when they are missing. ERR_NOTFOUND names the
 * first that is missing. */
#define DEPLOY_MAKE_NONE SIZE_MAX
int deploy_context_identities(struct deploy_context *context, const char *passphrase_file,
                              size_t make, struct err_detail *detail) BASE_NODISCARD;

/* ERR_NOTFOUND with a message: no network was made in the site's folder. */
int deploy_context_is_made(const struct deploy_context *context,
                           struct err_detail *detail) BASE_NODISCARD;

/* Whether there is a store of secrets already, of either kind. */
bool deploy_context_has_secrets(const struct deploy_site *site);

/* ERR_EXISTS when there is a store in a file. */
int deploy_context_may_use_vault(const struct deploy_site *site,
                                 struct err_detail *detail) BASE_NODISCARD;
/* From now on the site's secrets are in the vaults. ERR_IO. */
int deploy_context_use_vault(const struct deploy_site *site,
                             struct err_detail *detail) BASE_NODISCARD;

#endif
