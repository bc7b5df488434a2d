#include "crypto/random.h"
#include "p2p/server_internal.h"

static uint64_t seconds(const struct p2p_server *server)
{
    return io_loop_wall_ms(server->loop) / 1000;
}

static void tick(void *context)
{
    struct p2p_server *server = context;
    uint64_t now = io_loop_now(server->loop);
    io_timer_start(&server->discovery_timer,
                   p2p_discovery_tick(server->discovery, now, seconds(server)));
}

static bool is_permitted(const struct p2p_server *server, const struct io_address *address)
{
    const struct p2p_server_options *o = &server->options;
    return !o->permit_address || o->permit_address(o->context, address);
}

static void on_datagram(void *context, const struct io_address *from, struct bytes data)
{
    struct p2p_server *server = context;
    if (is_permitted(server, from))
        p2p_discovery_receive(server->discovery, from, data, io_loop_now(server->loop),
                              seconds(server));
}

static void send_datagram(void *context, const struct io_address *to, struct bytes packet)
{
    struct p2p_server *server = context;
    if (is_permitted(server, to))
        io_udp_send(server->udp, to, packet);
}

/* Calls to nodes that were found, while there are fewer than there should be. */
static void dial_found(void *context)
{
    struct p2p_server *server = context;
    struct p2p_enode found[P2P_DYNAMIC_AT_ONCE];
    uint64_t now = io_loop_now(server->loop);
    unsigned dialed = 0;
    io_timer_start(&server->dynamic_timer, P2P_DYNAMIC_DIAL);
    for (const struct p2p_peer *peer = server->connections; peer; peer = peer->next)
        dialed += !peer->inbound && peer->state != P2P_ENDED;
    if (dialed >= server->max_dialed || server->peer_count >= server->options.max_peers)
        return;
    size_t count = p2p_discovery_candidates(server->discovery, found, BASE_COUNT(found));
    for (size_t i = 0; i < count && dialed < server->max_dialed; i++) {
        if (p2p_dial_connected(server, &found[i].id) ||
            p2p_memory_has(&server->dialed, &found[i].id, now))
            continue;
        p2p_memory_add(&server->dialed, &found[i].id, now + P2P_DYNAMIC_AGAIN, now);
        if (p2p_peer_dial(server, &found[i], false) < 0)
            return;
        dialed++;
    }
}

static void on_resolved(void *context, int status, const struct io_address *address,
                        const char *message)
{
    struct p2p_boot *boot = context;
    boot->resolve = NULL;
    if (status < 0) {
        p2p_report(boot->server, P2P_REPORT_WARN, "boot node: %s", message);
        return;
    }
    boot->node.ip = *address;
    p2p_discovery_add_boot(boot->server->discovery, &boot->node);
    io_timer_start(&boot->server->discovery_timer, 0);
}

int p2p_discover_start(struct p2p_server *server, struct err_detail *detail)
{
    struct p2p_discovery_options options = {
        .key = server->options.key, .send = send_datagram, .context = server};
    uint16_t port = server->listener ? server->address.port : server->options.port;
    int status = io_udp_open(&server->udp, server->loop, server->listen_host, port, on_datagram,
                             server, detail);
    if (status < 0)
        return status;
    p2p_server_self(server, &options.self);
    status = crypto_random(&options.seed, sizeof(options.seed));
    if (status == 0)
        status = p2p_discovery_new(&server->discovery, &options);
    if (status < 0) {
        io_udp_close(server->udp);
        server->udp = NULL;
        return err_set(detail, status, "discovery: %s", err_text(status));
    }
    for (size_t i = 0; i < server->boot_count; i++) {
        struct p2p_boot *boot = &server->boot[i];
        if (boot->node.host[0]) {
            if (io_resolve(&boot->resolve, server->loop, boot->node.host, on_resolved, boot) < 0)
                p2p_report(server, P2P_REPORT_WARN, "boot node: %s cannot be looked up",
                           boot->node.host);
        } else {
            p2p_discovery_add_boot(server->discovery, &boot->node);
        }
    }
    io_timer_init(&server->discovery_timer, server->loop, tick, server);
    io_timer_init(&server->dynamic_timer, server->loop, dial_found, server);
    io_timer_start(&server->discovery_timer, 0);
    if (!server->options.no_dial)
        io_timer_start(&server->dynamic_timer, P2P_DYNAMIC_DIAL / 4);
    return 0;
}

void p2p_discover_stop(struct p2p_server *server)
{
    if (!server->discovery)
        return;
    for (size_t i = 0; i < server->boot_count; i++)
        io_resolve_cancel(server->boot[i].resolve);
    io_timer_stop(&server->discovery_timer);
    io_timer_stop(&server->dynamic_timer);
    io_udp_close(server->udp);
    p2p_discovery_free(server->discovery);
    server->discovery = NULL;
}
