/* Shared by the files that make what a network needs to run. */
#ifndef DEPLOY_LOCAL_PREPARE_PRIV_H
#define DEPLOY_LOCAL_PREPARE_PRIV_H

#include "deploy/local/prepare.h"

enum { DEPLOY_FILE_MAX = 16 * 1024 * 1024 }; /* bytes: a genesis with many accounts */

struct preparation {
    struct deploy_site *site;
    const struct deploy_programs *programs;
    const struct deploy_secrets *secrets;
    deploy_step_fn *step;
    void *context;
    bool look_only;         /* writes nothing: for a plan */
    bool keys_missing;      /* and so what follows from them is not known yet */
    struct buf genesis;     /* the text of genesis.json */
    struct buf nodes;       /* the text of static-nodes.json */
    struct buf authorities; /* certificates in PEM, once they have been asked for */
};

/* Writes a file that is missing or differs; *ret_written tells of it, also where writing is left out. */
int deploy_write_if_new(const struct preparation *p, bool *ret_written, const char *path,
                        struct bytes content, bool is_private,
                        struct err_detail *detail) BASE_NODISCARD;

/* A peer's secrets where its programs read them: in memory, mode 0400; and the key files of its accounts, encrypted, in its data
 * directory. */
int deploy_material_secrets(struct preparation *p, size_t index,
                            struct err_detail *detail) BASE_NODISCARD;
/* Its configurations, which name those files. */
int deploy_material_configs(struct preparation *p, size_t index, bool *ret_written,
                            struct err_detail *detail) BASE_NODISCARD;

/* A database server's data directory where there is none, and the script that makes database and user, which the server
 * reads at each start. */
int deploy_database_prepare(struct preparation *p, const struct deploy_site_peer *peer,
                            struct err_detail *detail) BASE_NODISCARD;

#endif
