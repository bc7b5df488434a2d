/* kubectl, helm and git, run to their end. Secrets go through standard input, never through arguments or the environment. */
#ifndef DEPLOY_KUBERNETES_TOOL_H
#define DEPLOY_KUBERNETES_TOOL_H

#include "base/buf.h"

enum {
    DEPLOY_TOOL_OUTPUT_MAX = 16 << 20, /* bytes: a list of a large cluster's objects */
    DEPLOY_TOOL_ARGUMENTS_MAX = 48,
};

struct deploy_tool {
    const char *arguments[DEPLOY_TOOL_ARGUMENTS_MAX +
                          1]; /* the first is looked up in PATH; ended by NULL */
    struct bytes input;
};

/* Runs it with this process's environment. What it prints on standard output is appended to `output` (NULL: dropped). An exit code that
 * is not 0 is ERR_IO with the end of what it printed on standard error, unless `ret_code` takes it. ERR_NOTFOUND (no such program), ERR_LIMIT, ERR_NOMEM. */
int deploy_tool_run(const struct deploy_tool *tool, struct buf *output, int *ret_code,
                    struct err_detail *detail) BASE_NODISCARD;

/* Appends arguments up to a NULL. */
void deploy_tool_add(struct deploy_tool *tool, ...);

#endif
