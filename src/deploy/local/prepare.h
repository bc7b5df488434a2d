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
};

/* The programs beside this one (in the folder of /proc/self/exe). ERR_NOTFOUND, naming the file. */
int deploy_programs_find(struct deploy_programs *ret_programs, bool needs_tm,
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

/* One of the programs of a peer, as the supervisor runs it. */
struct deploy_process {
    char name[96];               /* "carrier/carrier node" */
    char log[DEPLOY_PATH_MAX];   /* its standard output and error go there */
    char ready[DEPLOY_PATH_MAX]; /* a unix socket that can be connected to once it serves */
    char after[96];              /* the process that must be ready before it begins, or "" */
    struct buf arguments;        /* the program and its arguments, each ended by a zero byte */
};

/* The processes of a peer: its transaction manager, if any, then its node. `ret` holds two; each is released by the
 * caller (buf_release of `arguments`). Returns their number. */
size_t deploy_peer_processes(struct deploy_process ret[2], const struct deploy_site *site,
                             size_t index, const struct deploy_programs *programs);

#endif
