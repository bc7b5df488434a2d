/* From a network file that has been read to a network that makes blocks: what `up` does, and what begins with it. */
#ifndef DEPLOY_COMMANDS_BRING_H
#define DEPLOY_COMMANDS_BRING_H

#include "deploy/commands/context.h"

enum { DEPLOY_WAIT_SECONDS = 60 };

struct deploy_bring {
    const char *passphrase_file; /* of the store of secrets; NULL: its key file */
    uint64_t wait_seconds;       /* for blocks of all */
};

/* Makes what is missing, starts what does not run, takes over what the file has changed, and waits until every peer has
 * blocks and knows another. Tells each step on standard output. Failures as deploy_prepare; ERR_UNSUPPORTED (the file
 * asks for what one machine cannot give: nothing was touched), ERR_IO (no blocks in time). */
int deploy_bring_up(struct deploy_context *context, const struct deploy_bring *options,
                    struct err_detail *detail) BASE_NODISCARD;

/* Seconds of a clock that only goes on. */
double deploy_now(void);

#endif
