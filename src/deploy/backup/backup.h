/*
 * A backup of peers of this machine, in one archive (archive.h):
 *
 *     quorate-backup.json         {"quorate-backup": 1, "quorate": version, "made": time, "whole": all of the network?, "peers": [name]}
 *     secrets                     the peers' keys, encrypted under a passphrase (secrets/file.h)
 *     site/                       network.yaml, genesis.json, static-nodes.json, founders.json, ports.json
 *     peers/<organization>/<peer>/  node/: a data directory; tm/payloads.db; genesis.json, raft-id: marks of the site
 *
 * The copies of all nodes are made before that of the first transaction manager, so that every payload that any of the chains refers to
 * is there.
 */
#ifndef DEPLOY_BACKUP_BACKUP_H
#define DEPLOY_BACKUP_BACKUP_H

#include "deploy/local/prepare.h"

struct deploy_backup {
    const struct deploy_site *site;
    const struct deploy_programs *programs;
    const struct deploy_secrets *secrets;
    const struct deploy_site_peer *only; /* NULL: all peers */
    struct bytes passphrase;             /* of the keys in the archive */
    const char *path;                    /* of the archive, which must not be there */
    deploy_step_fn *step;                /* told of each peer */
    void *context;
};

/* Writes the archive; *ret_size: its bytes. The network may run. ERR_EXISTS, ERR_UNSUPPORTED, ERR_NOTFOUND, ERR_INPUT (a program
 * failed), ERR_IO, ERR_NOSPACE, ERR_NOMEM; then nothing is left of it. */
int deploy_backup_make(uint64_t *ret_size, const struct deploy_backup *backup,
                       struct err_detail *detail) BASE_NODISCARD;

/* What an archive says of itself. */
struct deploy_backup_info {
    bool whole;
    size_t peer_count;
    json_t *peers; /* names */
};

/* Reads the first file of an archive that was extracted to `folder`; peers are freed by json_decref. ERR_UNSUPPORTED (another
 * format), ERR_CORRUPT, ERR_IO. */
int deploy_backup_read_info(struct deploy_backup_info *ret_info, const char *folder,
                            struct err_detail *detail) BASE_NODISCARD;

#endif
