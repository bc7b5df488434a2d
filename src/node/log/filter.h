/*
 * Which lines of the log are written beside the level's: --vmodule, and where a line comes with a stack: --log.backtrace
 * (GoQuorum, log/handler_glog.go). Places are source files, as "node/raft/raft.c". Thread-safe.
 */
#ifndef NODE_LOG_FILTER_H
#define NODE_LOG_FILTER_H

#include "base/error.h"

#include <stdbool.h>

enum {
    NODE_LOG_RULES_MAX = 64,
    NODE_LOG_PATTERN_MAX = 256, /* characters */
};

/* "raft.c=5" a file, "node=4" the files of a folder, "p2p/<star>=5" those below it as well (<star>: *); commas between.
 * Replaces what was; "" takes all away. ERR_INPUT (with the text that GoQuorum has), ERR_LIMIT. */
int node_log_set_vmodule(const char *rules, struct err_detail *detail) BASE_NODISCARD;
/* "raft.c:123": a stack follows each line that is written there. ERR_INPUT. */
int node_log_set_backtrace(const char *place, struct err_detail *detail) BASE_NODISCARD;

/* The highest level that a rule has for the file; 0: none. Costs nothing while there are no rules. */
int node_log_level_of(const char *file);
bool node_log_wants_backtrace(const char *file, unsigned line);

#endif
