#include "p2p/server.h"

#include "base/mem.h"
#include "crypto/random.h"
#include "p2p/server_internal.h"

#include <stdarg.h>
#include <stdio.h>

void p2p_report(struct p2p_server *server, enum p2p_report level, const char *format, ...)
{
    char message[512];
    va_list args;
    if (!server->options.report)
        return;
    va_start(args, format);
    vsnprintf(message, sizeof(message), format, args);
    va_end(args);
    server->options.report(server->options.context, level, message);
}

/* splitmix64; what it decides are waiting times. */
uint64_t p2p_server_random(struct p2p_server *server)
{
    uint64_t z = server->random += 0x9e3779b97f4a7c15;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return z ^ z >> 31;
}

/* ---- memories ---- */

bool p2p_memory_has(struct p2p_memory *memory, const struct hash256 *id, uint64_t now)
{
    for (size_t i = 0; i < memory->count; i++) {
        if (memory->entries[i].until > now && hash256_equal(&memory->entries[i].id, id))
            return true;
    }
    return false;
}

void p2p_memory_add(struct p2p_memory *memory, const struct hash256 *id, uint64_t until,
                    uint64_t now)
{
    size_t at = 0, soonest = 0;
    for (; at < memory->count; at++) {
        if (memory->entries[at].until <= now || hash256_equal(&memory->entries[at].id, id))
            break;
        if (memory->entries[at].until < memory->entries[soonest].until)
            soonest = at;
    }
    if (at == P2P_HISTORY_MAX)
        at = soonest;
    else if (at == memory->count)
        memory->count++;
    memory->entries[at].id = *id;
    memory->entries[at].until = until;
}

/* ---- trusted nodes ---- */

bool p2p_server_trusts(const struct p2p_server *server, const struct hash256 *id)
{
    for (size_t i = 0; i < server->trusted_count; i++) {
        if (hash256_equal(&server->trusted[i], id))
            return true;
    }
    return false;
}

static void mark_trusted(struct p2p_server *server, const struct hash256 *id, bool trusted)
{
    for (struct p2p_peer *peer = server->connections; peer; peer = peer->next) {
        if (hash256_equal(&peer->node.id, id))
            peer->trusted = trusted;
    }
}

int p2p_server_add_trusted(struct p2p_server *server, const struct p2p_enode *node)
{
    if (p2p_server_trusts(server, &node->id))
        return 0;
    if (MEM_RESERVE(server->trusted, server->trusted_capacity, server->trusted_count + 1, 8))
        return ERR_NOMEM;
    server->trusted[server->trusted_count++] = node->id;
    mark_trusted(server, &node->id, true);
    return 0;
}

void p2p_server_remove_trusted(struct p2p_server *server, const struct p2p_enode *node)
{
    for (size_t i = 0; i < server->trusted_count; i++) {
        if (hash256_equal(&server->trusted[i], &node->id)) {
            server->trusted[i] = server->trusted[--server->trusted_count];
            break;
        }
    }
    mark_trusted(server, &node->id, false);
}

int p2p_server_add_peer(struct p2p_server *server, const struct p2p_enode *node)
{
    int status = p2p_dial_add(server, node);
    if (status == 0)
        p2p_dial_run(server);
    return status;
}

void p2p_server_remove_peer(struct p2p_server *server, const struct p2p_enode *node)
{
    p2p_dial_remove(server, &node->id);
    for (struct p2p_peer *peer = server->connections; peer; peer = peer->next) {
        if (hash256_equal(&peer->node.id, &node->id))
            p2p_peer_end(peer, P2P_REQUESTED, false, "removed");
    }
}

/* ---- who may come in ---- */

static unsigned count_inbound(const struct p2p_server *server)
{
    unsigned count = 0;
    for (size_t i = 0; i < server->peer_count; i++)
        count += server->peers[i]->inbound;
    return count;
}

/*
 * Two nodes that dial each other at the same moment must agree on which connection lives, or both go: it is the one that
 * the node with the greater id has dialled. One that has not even reached the other side gives way to one that has.
 */
static bool gives_way(const struct p2p_server *server, const struct p2p_peer *outbound)
{
    return outbound->state == P2P_CONNECTING ||
           memcmp(outbound->node.id.b, server->id.b, sizeof(server->id.b)) > 0;
}

/* A node that dials this one anew has no connection any more, whatever it looks like from here: its machine lost power, or
 * the line broke. Not so when something still comes in over the old one: then two nodes have the same key. */
static bool is_stale(const struct p2p_peer *peer)
{
    uint64_t now = io_loop_now(peer->server->loop);
    return peer->state == P2P_OPEN && now - peer->opened_at >= P2P_STALE_AGE &&
           now - peer->read_at >= P2P_STALE_SILENCE;
}

static enum p2p_reason check_duplicate(struct p2p_server *server, struct p2p_peer *peer)
{
    bool first_check = peer->state != P2P_WAIT_HELLO;
    for (struct p2p_peer *other = server->connections; other; other = other->next) {
        if (other == peer || !hash256_equal(&other->node.id, &peer->node.id))
            continue;
        if (first_check && peer->inbound && is_stale(other)) {
            p2p_peer_drop(other, "the node has come again");
            continue;
        }
        if (other->state == P2P_OPEN || (other->state == P2P_ENDED && other->opened))
            return P2P_ALREADY_CONNECTED;
        if (first_check && peer->inbound && !other->inbound && other->state != P2P_ENDED) {
            if (!gives_way(server, other))
                return P2P_ALREADY_CONNECTED;
            p2p_peer_drop(other, "the node has dialled this one at the same time");
        }
    }
    return P2P_REQUESTED;
}

enum p2p_reason p2p_server_admit(struct p2p_server *server, struct p2p_peer *peer)
{
    uint64_t now = io_loop_now(server->loop);
    peer->trusted = p2p_server_trusts(server, &peer->node.id);
    if (!peer->trusted) {
        if (p2p_memory_has(&server->banned, &peer->node.id, now))
            return P2P_USELESS_PEER;
        if (server->peer_count >= server->options.max_peers)
            return P2P_TOO_MANY_PEERS;
        if (peer->inbound &&
            count_inbound(server) >= server->options.max_peers - server->max_dialed)
            return P2P_TOO_MANY_PEERS;
    }
    if (hash256_equal(&peer->node.id, &server->id))
        return P2P_SELF;
    return check_duplicate(server, peer);
}

int p2p_server_opened(struct p2p_server *server, struct p2p_peer *peer)
{
    if (MEM_RESERVE(server->peers, server->peer_capacity, server->peer_count + 1, 16))
        return ERR_NOMEM;
    server->peers[server->peer_count++] = peer;
    return 0;
}

void p2p_server_gone(struct p2p_server *server, struct p2p_peer *peer)
{
    *peer->back = peer->next;
    if (peer->next)
        peer->next->back = peer->back;
    for (size_t i = 0; i < server->peer_count; i++) {
        if (server->peers[i] == peer) {
            server->peers[i] = server->peers[--server->peer_count];
            break;
        }
    }
    p2p_dial_gone(server, peer);
}

/* How readily a connection gives way to another that waits for its place; 0: not at all. Whoever says nothing goes first, whoever has shown its key,
 * which costs something, last. */
static int gives_place(const struct p2p_peer *peer, uint64_t now)
{
    uint64_t age = now - peer->accepted_at;
    if (peer->inbound && peer->state == P2P_WAIT_AUTH && age >= P2P_GIVE_WAY)
        return peer->end == 0 ? 3 : 2;
    return peer->inbound && peer->state == P2P_WAIT_HELLO && !peer->trusted &&
           age >= P2P_GIVE_WAY_HELLO;
}

/* Connections that only take places keep no validator out: one that does not go on with its handshake gives way, the oldest of them. False: all go
 * on, or are too young. */
static bool make_room(struct p2p_server *server, uint64_t now)
{
    struct p2p_peer *first = NULL;
    int most = 0;
    for (struct p2p_peer *peer = server->connections; peer; peer = peer->next) {
        int gives = gives_place(peer, now);
        if (gives > most || (gives && gives == most && peer->accepted_at < first->accepted_at)) {
            first = peer;
            most = gives;
        }
    }
    if (first)
        p2p_peer_drop(first, "others wait for its place, and it does not go on");
    return first != NULL;
}

static void on_accept(void *context, struct io_stream *stream)
{
    struct p2p_server *server = context;
    const struct io_address *from = io_stream_peer(stream);
    uint64_t now = io_loop_now(server->loop);
    unsigned pending = 0;
    char text[IO_ADDRESS_TEXT];
    io_address_format(text, from);
    for (const struct p2p_peer *peer = server->connections; peer; peer = peer->next)
        pending += peer->inbound && peer->state < P2P_OPEN;
    if (pending >= server->max_pending && !make_room(server, now)) {
        p2p_report(server, P2P_REPORT_DEBUG, "connection from %s refused: %u are in handshake",
                   text, pending);
        return;
    }
    if (!io_address_is_lan(from)) {
        struct hash256 ip = {{from->ip_len}};
        memcpy(ip.b + 1, from->ip, sizeof(from->ip));
        if (p2p_memory_has(&server->inbound_ips, &ip, now)) {
            p2p_report(server, P2P_REPORT_DEBUG, "connection from %s refused: too many attempts",
                       text);
            return;
        }
        p2p_memory_add(&server->inbound_ips, &ip, now + P2P_INBOUND_THROTTLE, now);
    }
    p2p_peer_accept(server, stream);
}

/* ---- life ---- */

static int check_options(const struct p2p_server_options *o, struct err_detail *detail)
{
    struct io_address ip;
    if (!crypto_private_key_valid(&o->key))
        return err_set(detail, ERR_INPUT, "node key: not a valid private key");
    if (!o->name || strlen(o->name) > P2P_NAME_MAX)
        return err_set(detail, ERR_INPUT, "client name: at most %d characters", P2P_NAME_MAX);
    if (o->external_ip && !io_address_parse_ip(&ip, o->external_ip))
        return err_set(detail, ERR_INPUT, "external IP \"%s\": not an IP address", o->external_ip);
    if (o->protocol_count > P2P_MAX_PROTOCOLS)
        return err_set(detail, ERR_INPUT, "more than %d capabilities", P2P_MAX_PROTOCOLS);
    for (size_t i = 0; i < o->protocol_count; i++) {
        const struct p2p_protocol *p = &o->protocols[i];
        if (strlen(p->name) > 8 || p->length == 0 || p->max_message > P2P_MESSAGE_MAX ||
            !p->ops->opened || !p->ops->message || !p->ops->closed)
            return err_set(detail, ERR_INPUT, "capability %s/%u is not complete", p->name,
                           p->version);
    }
    return 0;
}

static char *copy_text(const char *text)
{
    size_t size = strlen(text) + 1;
    char *copy = mem_alloc(size);
    if (copy)
        memcpy(copy, text, size);
    return copy;
}

static int listen_to_all(struct p2p_server *server, struct err_detail *detail)
{
    const struct p2p_server_options *o = &server->options;
    int status = o->tls_server ? io_listen_tls(&server->listener, server->loop, server->listen_host,
                                               o->port, o->tls_server, on_accept, server, detail)
                               : io_listen_tcp(&server->listener, server->loop, server->listen_host,
                                               o->port, on_accept, server, detail);
    if (status == 0)
        server->address = *io_listener_address(server->listener);
    return status;
}

static int take_nodes(struct p2p_server *server, const struct p2p_server_options *o)
{
    int status = 0;
    for (size_t i = 0; i < o->static_count && status == 0; i++)
        status = p2p_dial_add(server, &o->static_nodes[i]);
    for (size_t i = 0; i < o->trusted_count && status == 0; i++)
        status = p2p_server_add_trusted(server, &o->trusted_nodes[i]);
    for (size_t i = 0; i < o->boot_count && i < P2P_BOOT_MAX; i++)
        server->boot[server->boot_count++] =
            (struct p2p_boot){.server = server, .node = o->boot_nodes[i]};
    return status;
}

int p2p_server_new(struct p2p_server **ret_server, const struct p2p_server_options *options,
                   struct err_detail *detail)
{
    int status = check_options(options, detail);
    if (status < 0)
        return status;
    struct p2p_server *server = mem_alloc_zeroed(1, sizeof(*server));
    if (!server)
        return err_set(detail, ERR_NOMEM, "out of memory");
    server->options = *options;
    (void)io_tls_keep(options->tls_server);
    (void)io_tls_keep(options->tls_client);
    server->loop = options->loop;
    server->name = copy_text(options->name);
    server->listen_host = copy_text(options->listen_host ? options->listen_host : "");
    server->protocol_count = options->protocol_count;
    for (size_t i = 0; i < options->protocol_count; i++) {
        const struct p2p_protocol *p = &options->protocols[i];
        server->protocols[i] = *p;
        server->offers[i] = (struct p2p_offer){p->name, p->version, p->length};
    }
    unsigned ratio = options->dial_ratio ? options->dial_ratio : 3;
    server->max_pending = options->max_pending ? options->max_pending : P2P_MAX_PENDING;
    server->max_dialed = options->no_dial || !options->max_peers ? 0
                         : options->max_peers / ratio            ? options->max_peers / ratio
                                                                 : 1;
    io_timer_init(&server->dial_timer, server->loop, p2p_dial_on_timer, server);
    bool good =
        crypto_public_key_of(&server->key, &options->key); /* a valid key was asked for above */
    struct p2p_enode self;
    p2p_enode_make(&self, &server->key, NULL, 0, 0);
    server->id = self.id;
    if (!options->external_ip || !io_address_parse_ip(&server->external, options->external_ip))
        server->external = (struct io_address){{127, 0, 0, 1}, 4, 0};
    status =
        !good || !server->name || !server->listen_host ? ERR_NOMEM : take_nodes(server, options);
    if (status == 0)
        status = crypto_random(&server->random, sizeof(server->random));
    if (status < 0) {
        p2p_server_free(server);
        return err_set(detail, status, "p2p server: %s", err_text(status));
    }
    *ret_server = server;
    return 0;
}

/* The node's record, with the next number, here and in the discovery. */
static int renew_record(struct p2p_server *server)
{
    struct p2p_record record = {.sequence = server->record_sequence + 1,
                                .eth = bytes_of(server->eth_entry, server->eth_entry_len)};
    struct buf encoded = BUF_INIT;
    p2p_server_self(server, &record.node);
    int status = p2p_record_encode(&encoded, &record, &server->options.key);
    if (status == 0 && server->discovery)
        status = p2p_discovery_set_record(server->discovery, buf_bytes(&encoded), record.sequence);
    if (status == 0) {
        p2p_record_format(server->enr, buf_bytes(&encoded));
        server->record_sequence = record.sequence;
    }
    buf_release(&encoded);
    return status;
}

int p2p_server_set_eth_entry(struct p2p_server *server, struct bytes value)
{
    uint8_t before[P2P_ETH_ENTRY_MAX];
    size_t before_len = server->eth_entry_len;
    if (value.len > sizeof(server->eth_entry))
        return ERR_LIMIT;
    if (bytes_equal(value, bytes_of(server->eth_entry, before_len)))
        return 0;
    memcpy(before, server->eth_entry, before_len);
    if (value.len)
        memcpy(server->eth_entry, value.data, value.len);
    server->eth_entry_len = value.len;
    int status = server->running ? renew_record(server) : 0;
    if (status < 0) {
        memcpy(server->eth_entry, before, before_len);
        server->eth_entry_len = before_len;
    }
    return status;
}

int p2p_server_start(struct p2p_server *server, struct err_detail *detail)
{
    if (server->options.listen) {
        int status = listen_to_all(server, detail);
        if (status < 0)
            return status;
    }
    if (server->options.discovery) {
        int status = p2p_discover_start(server, detail);
        if (status < 0)
            return status;
    }
    int status = renew_record(server);
    if (status < 0)
        return err_set(detail, status, "node record: %s", err_text(status));
    server->running = true;
    p2p_dial_run(server);
    return 0;
}

void p2p_server_free(struct p2p_server *server)
{
    if (!server)
        return;
    server->running = false;
    p2p_discover_stop(server);
    io_listener_close(server->listener);
    while (server->connections) {
        struct p2p_peer *peer = server->connections;
        p2p_peer_end(peer, P2P_QUITTING, false, "this node ends");
        p2p_peer_settle(peer);
    }
    io_timer_stop(&server->dial_timer);
    buf_release(&server->scratch);
    mem_free(server->peers);
    mem_free(server->statics);
    mem_free(server->trusted);
    mem_free(server->name);
    mem_free(server->listen_host);
    io_tls_free(server->options.tls_server);
    io_tls_free(server->options.tls_client);
    mem_wipe(server, sizeof(*server));
    mem_free(server);
}

/* ---- what others ask ---- */

void p2p_server_self(const struct p2p_server *server, struct p2p_enode *ret_self)
{
    uint16_t udp = server->udp ? io_udp_address(server->udp)->port : 0;
    p2p_enode_make(ret_self, &server->key, &server->external, server->address.port, udp);
}

const struct io_address *p2p_server_address(const struct p2p_server *server)
{
    return &server->address;
}

const char *p2p_server_enr(const struct p2p_server *server)
{
    return server->enr;
}

const char *p2p_server_name(const struct p2p_server *server)
{
    return server->name;
}

bool p2p_server_offers(const struct p2p_server *server, const char *protocol)
{
    for (size_t i = 0; i < server->protocol_count; i++)
        if (strcmp(server->offers[i].name, protocol) == 0)
            return true;
    return false;
}

void p2p_server_traffic(const struct p2p_server *server, struct p2p_traffic *ret_traffic)
{
    *ret_traffic = server->traffic;
}

size_t p2p_server_peer_count(const struct p2p_server *server)
{
    return server->peer_count;
}

struct p2p_peer *p2p_server_peer(const struct p2p_server *server, size_t index)
{
    return index < server->peer_count ? server->peers[index] : NULL;
}

struct p2p_peer *p2p_server_find(const struct p2p_server *server, const struct hash256 *id)
{
    for (size_t i = 0; i < server->peer_count; i++) {
        if (server->peers[i]->state == P2P_OPEN && hash256_equal(&server->peers[i]->node.id, id))
            return server->peers[i];
    }
    return NULL;
}
