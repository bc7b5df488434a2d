/* What log.c and log_format.c share. */
#ifndef NODE_LOG_PRIV_H
#define NODE_LOG_PRIV_H

/* "../src/node/raft.c", as the compiler has it, is "node/raft.c" there. */
const char *node_log_short_name(const char *file);

#endif
