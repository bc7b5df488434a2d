/*
 * What a peer that was restored (deploy/backup) needs before its node executes blocks that came after its backup: payloads that only
 * the other managers have. A mark in its folder says so; where its payloads belong into another database than the file of the
 * backup, they lie in tm/restored.db.
 *
 * Its manager and node are left out of what the supervisor runs until that is done, while the others (and its own database server) run.
 */
#ifndef DEPLOY_LOCAL_RECOVER_H
#define DEPLOY_LOCAL_RECOVER_H

#include "deploy/local/prepare.h"

#define DEPLOY_RECOVER_MARK     "restored"
#define DEPLOY_RECOVER_PAYLOADS "restored.db"

/* Whether a backup's payloads go into another database than a file of Tessera's tables. */
bool deploy_recover_needs_filling(const struct deploy_site *site,
                                  const struct deploy_site_peer *peer);

/* Whether a peer has the mark; whether any has. */
bool deploy_recover_is_marked(const struct deploy_site_peer *peer);
bool deploy_recover_wanted(const struct deploy_site *site);

/* Writes processes.json without the manager and node of peers that have it. ERR_IO, ERR_NOSPACE, ERR_NOMEM. */
int deploy_recover_hold_back(const struct deploy_site *site, const struct deploy_programs *programs,
                             struct err_detail *detail) BASE_NODISCARD;

/* Once the others run: fills the database, asks the other managers for payloads, takes the mark away, and writes processes.json as it is to be.
 * A step is told of each peer. ERR_INPUT: a program failed, and the mark stays. */
int deploy_recover_run(const struct deploy_site *site, const struct deploy_programs *programs,
                       deploy_step_fn *step, void *context,
                       struct err_detail *detail) BASE_NODISCARD;

#endif
