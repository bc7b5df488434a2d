/* One supervised process. */
#ifndef DEPLOY_LOCAL_PROCESS_H
#define DEPLOY_LOCAL_PROCESS_H

#include "io/timer.h"

#include <jansson.h>
#include <sys/types.h>

/* X(NAME, "name for people") */
#define DEPLOY_STATE_LIST(X)                                                                       \
    X(WAITING, "waiting")   /* for the one it needs */                                             \
    X(STARTING, "starting") /* runs, and does not serve yet */                                     \
    X(READY, "ready")                                                                              \
    X(RESTING, "resting")   /* ended by itself; begins again when its time comes */                \
    X(STOPPING, "stopping") /* was told to end */                                                  \
    X(STOPPED, "stopped")

enum deploy_state {
#define X(name, text) DEPLOY_STATE_##name,
    DEPLOY_STATE_LIST(X)
#undef X
};

struct supervisor;

struct deploy_child {
    struct supervisor *supervisor;
    json_t *row; /* of processes.json, referenced: names and arguments point into it */
    const char *name, *log, *ready, *after;
    enum deploy_state state;
    pid_t pid;
    uint64_t since;    /* by the loop's clock: of the state */
    uint64_t backoff;  /* of the next wait */
    unsigned restarts; /* by itself or asked for */
    bool again;        /* begins anew once it has ended (restart) */
    bool gone;         /* no longer in processes.json: forgotten once it has ended */
    struct io_timer timer;
};

/* Starts the program: no standard input, output appended to its log, SIGTERM when the supervisor dies. Returns its
 * process id, or -1 with errno. */
pid_t deploy_child_spawn(const struct deploy_child *child);

/* Whether its socket takes connections. */
bool deploy_child_serves(const struct deploy_child *child);

/* A log that has grown too large is set aside as <log>.1. */
void deploy_child_rotate(const struct deploy_child *child);

const char *deploy_state_name(enum deploy_state state);

#endif
