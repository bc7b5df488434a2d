#include "base/mem.h"
#include "p2p/server_internal.h"

struct p2p_static *p2p_dial_find(struct p2p_server *server, const struct hash256 *id)
{
    for (size_t i = 0; i < server->static_count; i++) {
        if (hash256_equal(&server->statics[i].node.id, id))
            return &server->statics[i];
    }
    return NULL;
}

int p2p_dial_add(struct p2p_server *server, const struct p2p_enode *node)
{
    struct p2p_static *known = p2p_dial_find(server, &node->id);
    if (known) { /* perhaps with another address */
        known->node = *node;
        return 0;
    }
    if (MEM_RESERVE(server->statics, server->static_capacity, server->static_count + 1, 8))
        return ERR_NOMEM;
    server->statics[server->static_count++] =
        (struct p2p_static){.node = *node, .due = io_loop_now(server->loop)};
    return 0;
}

void p2p_dial_remove(struct p2p_server *server, const struct hash256 *id)
{
    struct p2p_static *known = p2p_dial_find(server, id);
    if (known)
        *known = server->statics[--server->static_count];
}

/* There is a connection to the node, or one on its way, or one that has ended and is not cleared away yet: p2p_dial_gone
 * says then when the node's turn comes. Where several end at once, the first that is cleared away would else dial the
 * others on the spot. */
bool p2p_dial_connected(const struct p2p_server *server, const struct hash256 *id)
{
    for (const struct p2p_peer *peer = server->connections; peer; peer = peer->next) {
        if (hash256_equal(&peer->node.id, id))
            return true;
    }
    return false;
}

static unsigned dialling(const struct p2p_server *server)
{
    unsigned count = 0;
    for (const struct p2p_peer *peer = server->connections; peer; peer = peer->next)
        count += !peer->inbound && peer->state < P2P_OPEN;
    return count;
}

/* Waits longer after each failure. A fifth more or less keeps two nodes that dial each other out of step. */
static void postpone(struct p2p_server *server, struct p2p_static *node)
{
    uint64_t wait = P2P_REDIAL_FIRST;
    for (unsigned i = 1; i < node->failures && wait < P2P_REDIAL_MAX; i++)
        wait *= 2;
    wait = wait < P2P_REDIAL_MAX ? wait : P2P_REDIAL_MAX;
    wait = wait * 4 / 5 + p2p_server_random(server) % (wait * 2 / 5);
    node->due = io_loop_now(server->loop) + wait;
}

static void dial(struct p2p_server *server, struct p2p_static *node)
{
    if (hash256_equal(&node->node.id, &server->id) || p2p_enode_incomplete(&node->node) ||
        node->node.tcp == 0) {
        node->due = UINT64_MAX; /* cannot be dialled */
        return;
    }
    bool full = server->peer_count >= server->options.max_peers &&
                !p2p_server_trusts(server, &node->node.id);
    int status = full ? ERR_LIMIT : p2p_peer_dial(server, &node->node, true);
    if (status < 0) {
        node->failures++;
        postpone(server, node);
    }
}

void p2p_dial_run(struct p2p_server *server)
{
    uint64_t now = io_loop_now(server->loop), next = UINT64_MAX;
    unsigned pending = dialling(server);
    if (!server->running || server->options.no_dial)
        return;
    for (size_t i = 0; i < server->static_count; i++) {
        struct p2p_static *node = &server->statics[i];
        if (p2p_dial_connected(server, &node->node.id))
            continue; /* p2p_dial_gone sets the time */
        if (node->due <= now && pending < server->max_pending) {
            dial(server, node);
            pending++;
        }
        if (!p2p_dial_connected(server, &node->node.id) && node->due < next)
            next = node->due;
    }
    if (next == UINT64_MAX)
        io_timer_stop(&server->dial_timer);
    else
        io_timer_start(&server->dial_timer, next > now ? next - now : P2P_REDIAL_FIRST);
}

void p2p_dial_on_timer(void *context)
{
    p2p_dial_run(context);
}

void p2p_dial_gone(struct p2p_server *server, const struct p2p_peer *peer)
{
    struct p2p_static *node = p2p_dial_find(server, &peer->node.id);
    if (!node || p2p_dial_connected(server, &peer->node.id))
        return;
    if (peer->opened && io_loop_now(server->loop) - peer->opened_at >= P2P_SETTLED)
        node->failures = 1;
    else
        node->failures++;
    postpone(server, node);
    p2p_dial_run(server);
}
