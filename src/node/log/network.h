/* What p2p reports, for the log: callbacks of its options, which need no context. */
#ifndef NODE_LOG_NETWORK_H
#define NODE_LOG_NETWORK_H

#include "p2p/eth/backend.h"
#include "p2p/server.h"

void node_log_server(void *context, enum p2p_report level, const char *message);
void node_log_eth(void *context, enum p2p_eth_level level, const char *message);
void node_log_qlight(void *context, enum p2p_eth_level level, const char *message);

#endif
