/*
 * What must be there before a network can run, made where it is missing and compared where it is there: keys, genesis,
 * static nodes, initialised data directories, configurations, secrets in memory. Done twice, or interrupted and done
 * again, it comes to the same.
 */
#ifndef DEPLOY_LOCAL_PREPARE_H
#define DEPLOY_LOCAL_PREPARE_H

#include "deploy/local/site.h"

#include <jansson.h>

/* Told of each step, for a person: "keys of carrier/carrier", and whether anything had to be made. */
typedef void deploy_step_fn(void *context, const char *what, bool made);

struct deploy_programs {
    char node[DEPLOY_PATH_MAX]; /* quorate-node */
    char tm[DEPLOY_PATH_MAX];   /* quorate-tm */
    /* For database servers; "" when no peer has one: quorate-init, mariadbd, mariadb-install-db. */
    char init[DEPLOY_PATH_MAX], database[DEPLOY_PATH_MAX], database_install[DEPLOY_PATH_MAX];
};

/* The programs that a site needs: ours beside this one (in the folder of /proc/self/exe), MariaDB's on the path. NULL: the
 * node alone. ERR_NOTFOUND, naming the file. */
int deploy_programs_find(struct deploy_programs *ret_programs, const struct deploy_site *site,
                         struct err_detail *detail) BASE_NODISCARD;

/*
 * ERR_EXISTS when the network file asks for another genesis than the one that data lives on; ERR_CORRUPT,
 * ERR_IO, ERR_NOSPACE, ERR_NOMEM, ERR_BUSY with the thing and the remedy in `detail`.
 */
int deploy_prepare(struct deploy_site *site, const struct deploy_programs *programs,
                   const struct deploy_secrets *secrets, deploy_step_fn *step, void *context,
                   struct err_detail *detail) BASE_NODISCARD;

/* The same steps, told and not done: `made` says that deploy_prepare would. `secrets` is NULL while there is no store.
 * *ret_keys_missing: what follows from keys that are to be made is not known yet. Failures as deploy_prepare. */
int deploy_prepare_plan(struct deploy_site *site, const struct deploy_secrets *secrets,
                        bool *ret_keys_missing, deploy_step_fn *step, void *context,
                        struct err_detail *detail) BASE_NODISCARD;

/* What processes.json is to hold; freed by json_decref. The identities of the site are needed. ERR_NOMEM. */
int deploy_prepare_processes(json_t **ret_rows, const struct deploy_site *site,
                             const struct deploy_programs *programs,
                             struct err_detail *detail) BASE_NODISCARD;

enum { DEPLOY_PROCESSES_MAX = 3 }; /* of a peer */

/* One of the programs of a peer, as the supervisor runs it. */
struct deploy_process {
    char name[96];                 /* "carrier/carrier node" */
    char program[DEPLOY_PATH_MAX]; /* what is run; the first argument may be another name for it */
    char log[DEPLOY_PATH_MAX];     /* its standard output and error go there */
    char ready[DEPLOY_PATH_MAX];   /* a unix socket that can be connected to once it serves */
    char after[96];                /* the process that must be ready before it begins, or "" */
    uint64_t mark;        /* of the secrets that it reads: it begins anew when they have changed */
    struct buf arguments; /* each ended by a zero byte */
    struct buf environment; /* "NAME=value" beside this program's own, each ended by a zero byte */
};

/* Appends an argument. */
void deploy_process_add(struct buf *arguments, const char *format, ...) BASE_PRINTF(2, 3);

/* The processes of a peer: its database server, if any, its transaction manager, if any, then its node. Each is released
 * by the caller (buf_release of `arguments` and `environment`). Returns their number. */
size_t deploy_peer_processes(struct deploy_process ret[DEPLOY_PROCESSES_MAX],
                             const struct deploy_site *site, size_t index,
                             const struct deploy_programs *programs);

#endif
