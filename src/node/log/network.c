#include "node/log/network.h"

#include "node/log/log.h"

void node_log_server(void *context, enum p2p_report level, const char *message)
{
    (void)context;
    enum node_log_level at = level == P2P_REPORT_WARN   ? NODE_LOG_WARN
                             : level == P2P_REPORT_INFO ? NODE_LOG_INFO
                                                        : NODE_LOG_DEBUG;
    NODE_LOG_OF("p2p/server.c", at, message);
}

static enum node_log_level level_of(enum p2p_eth_level level)
{
    return level == P2P_ETH_WARN   ? NODE_LOG_WARN
           : level == P2P_ETH_INFO ? NODE_LOG_INFO
                                   : NODE_LOG_DEBUG;
}

void node_log_eth(void *context, enum p2p_eth_level level, const char *message)
{
    (void)context;
    NODE_LOG_OF("p2p/eth/peer.c", level_of(level), message);
}

void node_log_qlight(void *context, enum p2p_eth_level level, const char *message)
{
    (void)context;
    NODE_LOG_OF("p2p/qlight/qlight.c", level_of(level), message);
}
