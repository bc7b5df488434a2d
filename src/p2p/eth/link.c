#include "p2p/eth/link.h"

static int send_message(void *link, unsigned code, struct bytes payload)
{
    struct p2p_eth_link *l = link;
    return p2p_peer_send(l->peer, l->protocol, code, payload);
}

static size_t queued(void *link)
{
    return p2p_peer_queued(((struct p2p_eth_link *)link)->peer);
}

static void disconnect(void *link, enum p2p_reason reason, const char *why)
{
    p2p_eth_link_drop(link, reason, why);
}

static void penalize(void *link, unsigned points, const char *why)
{
    p2p_peer_penalize(((struct p2p_eth_link *)link)->peer, points, why);
}

static void pause_reading(void *link)
{
    p2p_peer_pause(((struct p2p_eth_link *)link)->peer);
}

static void resume_reading(void *link)
{
    p2p_peer_resume(((struct p2p_eth_link *)link)->peer);
}

static const struct p2p_eth_transport transport = {
    .send = send_message,
    .queued = queued,
    .disconnect = disconnect,
    .penalize = penalize,
    .pause = pause_reading,
    .resume = resume_reading,
};

bool p2p_eth_link_open(struct p2p_eth_link *link, unsigned version)
{
    link->eth_peer = p2p_eth_opened(link->eth, &transport, link, p2p_peer_id(link->peer), version);
    if (!link->eth_peer)
        p2p_peer_disconnect(link->peer, P2P_TOO_MANY_PEERS);
    return link->eth_peer != NULL;
}

void p2p_eth_link_message(struct p2p_eth_link *link, unsigned code, struct bytes payload)
{
    if (link->eth_peer)
        p2p_eth_message(link->eth, link->eth_peer, code, payload);
}

void p2p_eth_link_drained(struct p2p_eth_link *link)
{
    if (link->eth_peer)
        p2p_eth_drained(link->eth, link->eth_peer);
}

void p2p_eth_link_close(struct p2p_eth_link *link)
{
    if (link->eth_peer)
        p2p_eth_closed(link->eth, link->eth_peer);
    link->eth_peer = NULL;
}

void p2p_eth_link_drop(struct p2p_eth_link *link, enum p2p_reason reason, const char *why)
{
    struct err_detail detail;
    err_set(&detail, 0, "peer %s is disconnected: %s", p2p_peer_name(link->peer), why);
    if (link->report)
        link->report(link->context, P2P_ETH_DEBUG, detail.text);
    p2p_peer_disconnect(link->peer, reason);
}
