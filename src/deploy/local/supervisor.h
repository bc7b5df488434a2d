/*
 * The process that runs a network's programs: each after what it needs, again when it ends, all of them stopped in the
 * opposite order. It reads <folder>/processes.json and listens on <folder>/control.sock, one command a line:
 *
 *     status            {"processes": [{name, state, pid, since, restarts}]}, one line of JSON
 *     restart NAME      ends a process, which begins anew
 *     reload            reads processes.json again: what is new begins, what is gone ends, what changed restarts
 *     stop              ends everything, then itself
 *
 * Answers other than JSON are "ok" or "error: <message>".
 */
#ifndef DEPLOY_LOCAL_SUPERVISOR_H
#define DEPLOY_LOCAL_SUPERVISOR_H

#include "base/buf.h"

#include <jansson.h>

enum {
    DEPLOY_BACKOFF_FIRST_MS = 200, /* before a process that ended begins again; doubled each time */
    DEPLOY_BACKOFF_MAX_MS = 10000,
    DEPLOY_BACKOFF_FORGET_MS =
        30000,                 /* of running well, after which the next wait is the first again */
    DEPLOY_STOP_MS = 15000,    /* from SIGTERM to SIGKILL */
    DEPLOY_LOG_MAX = 64 << 20, /* bytes of a log; then it becomes <log>.1 and begins anew */
};

/* Runs until it is stopped. ERR_BUSY (another one runs), ERR_INPUT, ERR_IO, ERR_NOMEM. */
int deploy_supervise(const char *folder, struct err_detail *detail) BASE_NODISCARD;

/* Starts one in the background, in a session of its own, and returns when it listens. ERR_BUSY when one runs already;
 * else as above. */
int deploy_supervisor_start(const char *folder, struct err_detail *detail) BASE_NODISCARD;

/* Sends a command and appends the answer, without its newline. ERR_NOTFOUND when none runs; ERR_USAGE with the
 * message of an answer "error: …"; ERR_IO. */
int deploy_supervisor_ask(struct buf *answer, const char *folder, const char *command,
                          struct err_detail *detail) BASE_NODISCARD;

/* What `status` says of the processes, an array that the caller owns. NULL when it fails (as `ask`, and ERR_IO for an answer
 * that cannot be read), which who only asks what runs may take as nothing. */
int deploy_supervisor_processes(json_t **ret_rows, const char *folder, struct err_detail *detail);

/* Ends the network and waits until its supervisor has ended. ERR_NOTFOUND when none runs; ERR_IO when it does not end
 * in a minute. */
int deploy_supervisor_stop(const char *folder, struct err_detail *detail) BASE_NODISCARD;

#endif
