/* What a backup (backup.h) has, put back: into a folder without a network, or beside the other peers of its network. */
#ifndef DEPLOY_BACKUP_RESTORE_H
#define DEPLOY_BACKUP_RESTORE_H

#include "deploy/local/site.h"

/* Whether any of the peers' data is there already: ERR_EXISTS names it; ERR_NOTFOUND: the site has no such peer. */
int deploy_restore_check(const struct deploy_site *site, const json_t *peers,
                         struct err_detail *detail) BASE_NODISCARD;

/* Puts every secret of `from` into `to` where it is not there yet. ERR_EXISTS when another is there: then nothing is written. */
int deploy_restore_secrets(const struct deploy_secrets *to, const struct deploy_secrets *from,
                           struct err_detail *detail) BASE_NODISCARD;

/* Ends the programs of these peers, if a supervisor runs them; `up` begins them again. ERR_IO when they do not end. */
int deploy_restore_stop(const struct deploy_site *site, const json_t *peers,
                        struct err_detail *detail) BASE_NODISCARD;

/* Moves the peers' data from the folder that the archive was extracted to. */
int deploy_restore_place(const struct deploy_site *site, const json_t *peers, const char *stage,
                         struct err_detail *detail) BASE_NODISCARD;

#endif
