/* From a network file that has been read to a network that makes blocks: what `up` does, and what begins with it. */
#ifndef DEPLOY_COMMANDS_BRING_H
#define DEPLOY_COMMANDS_BRING_H

#include "deploy/commands/context.h"
#include "deploy/local/prepare.h"

enum { DEPLOY_WAIT_SECONDS = 60 };

struct deploy_bring {
    const char *passphrase_file; /* of the store of secrets; NULL: its key file */
    uint64_t wait_seconds;       /* for blocks of all */
    bool into_vault;             /* a new network's secrets go into the vaults of its file */
    bool new_ports;              /* others in place of those that somebody else has */
};

/* Makes what is missing, starts what does not run, takes over what the file has changed, and waits until every peer has
 * blocks and knows another. Tells each step on standard output. Failures as deploy_prepare; ERR_UNSUPPORTED (the file
 * asks for what one machine cannot give: nothing was touched), ERR_IO (no blocks in time). */
int deploy_bring_up(struct deploy_context *context, const struct deploy_bring *options,
                    struct err_detail *detail) BASE_NODISCARD;

/* Whether this machine can give what the file asks for, and where the programs are. ERR_UNSUPPORTED, ERR_NOTFOUND,
 * ERR_EXISTS (payloads are in another place than it asks for). */
int deploy_bring_check(const struct deploy_context *context, struct deploy_programs *ret_programs,
                       struct err_detail *detail) BASE_NODISCARD;

/* A program of a peer ("node" or "tm") ends and begins anew, and serves. As deploy_supervisor_ask; ERR_IO after `seconds`. */
int deploy_bring_restart(const struct deploy_site *site, const struct deploy_site_peer *peer,
                         const char *program, uint64_t seconds,
                         struct err_detail *detail) BASE_NODISCARD;

#endif
