/* Recovery: everything that other managers still have for our keys, asked for, staged, put in order, and taken. */
#ifndef TM_MAIN_RECOVER_H
#define TM_MAIN_RECOVER_H

#include "tm/api/api.h"

enum tm_recovery { TM_RECOVERY_SUCCESS = 0, TM_RECOVERY_PARTIAL = 1, TM_RECOVERY_FAILURE = 2 };

/* Runs the loop until done. The API serves P2P, recovering. An enum tm_recovery. */
int tm_recover(struct io_loop *loop, struct tm_api *api, struct tm_store *store,
               void (*log)(void *context, enum tm_log level, const char *text));

#endif
