/* What a backup (backup.h) has, put back: into a folder without a network, or beside the other peers of its network. */
#ifndef DEPLOY_BACKUP_RESTORE_H
#define DEPLOY_BACKUP_RESTORE_H

#include "deploy/local/site.h"

/* In the data folder: what a restore has extracted, and in it the mark that what is there is being moved to its places. With the mark
 * a part of a peer may be there without the others, so that nothing may be started; the same restore goes on from there. */
#define DEPLOY_RESTORE_STAGE ".restore"
#define DEPLOY_RESTORE_MARK  DEPLOY_RESTORE_STAGE "/placing"

/* The mark's content: which archive it is (a hash of its end, where the sums of all members stand). */
int deploy_restore_identify(struct buf *text, const char *archive,
                            struct err_detail *detail) BASE_NODISCARD;
/* *ret_resumed: a restore of this archive was interrupted there while it placed. ERR_EXISTS: one of another archive was. */
int deploy_restore_interrupted(bool *ret_resumed, const char *data, const char *archive,
                               struct err_detail *detail) BASE_NODISCARD;
/* Writes the mark. */
int deploy_restore_begin(const char *data, const char *archive,
                         struct err_detail *detail) BASE_NODISCARD;

/* Whether any of the peers' data is there already: ERR_EXISTS names it; ERR_NOTFOUND: the site has no such peer. `stage` not NULL: that
 * of a restore that goes on; what it has no more was placed by it. */
int deploy_restore_check(const struct deploy_site *site, const json_t *peers, const char *stage,
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
