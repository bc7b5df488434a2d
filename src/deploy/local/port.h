/* One port of this machine. */
#ifndef DEPLOY_LOCAL_PORT_H
#define DEPLOY_LOCAL_PORT_H

#include "base/compiler.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* Whether a program listens there. */
bool deploy_port_taken(uint16_t port);

/*
 * Says to every other quorate of this machine (of this network namespace, as ports are; of any user) that the port is going to be
 * listened at, until this process and those that were forked from it have ended: between choosing a port and listening there are
 * seconds. False: another one has said so before. What this process has reserved already it may reserve again. It is no lock: where it
 * cannot be said (too many open files) true is returned, and whoever listens first has the port.
 */
bool deploy_port_reserve(uint16_t port) BASE_NODISCARD;

enum { DEPLOY_HOLDER_MAX = 32 };

/* Who listens there: its name and process id. False when that cannot be known, as of another user's process. */
bool deploy_port_holder(char ret_name[DEPLOY_HOLDER_MAX], pid_t *ret_pid,
                        uint16_t port) BASE_NODISCARD;

#endif
