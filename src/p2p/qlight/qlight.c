#include "p2p/qlight/qlight.h"

#include "base/mem.h"
#include "io/timer.h"
#include "p2p/eth/known.h"
#include "p2p/eth/link.h"

#include <stdio.h>

enum {
    AGAIN_MS = 30000,  /* between two looks at tokens (PeriodicAuthCheck) */
    STATUS_MAX = 1024, /* bytes of eth's Status that wait for QLight's; it has about 100 */
    TOLD_MAX = 8192,   /* blocks; GoQuorum's client remembers those of the last five minutes */
    TOLD_MS = 5 * 60 * 1000,
    WAITS_MAX =
        2, /* answers that a client waits for, and is not listened to, so that its end is not seen */
    FORMER_MAX = 16, /* clients; a server has 10 */
    QUEUE_MAX =
        8
        << 20 /* bytes that wait for a client before new blocks pass it by; it asks for them when it reads again */
};

static const char capability[] = "qlight";

struct p2p_qlight_peer {
    struct p2p_qlight *qlight;
    struct p2p_qlight_peer *next;
    struct p2p_eth_link link;
    bool greeted;                /* both Status are welcome */
    unsigned waits;              /* for so many answers */
    struct buf status;           /* eth's, until the other has come */
    char psi[CHAIN_PSI_MAX + 1]; /* of a client */
    struct buf token;            /* likewise */
    struct p2p_known told;       /* blocks whose private state root it was told */
};

/* What a client that is gone was told: it may come again, with gaps, and know it still. */
struct former {
    struct hash256 id;
    struct p2p_known told;
    uint64_t until; /* by the loop's clock; 0: nobody's */
};

struct p2p_qlight {
    struct io_loop *loop;
    struct p2p_eth *eth;
    struct p2p_qlight_options options;
    char psi[CHAIN_PSI_MAX + 1];
    struct p2p_qlight_peer *peers;
    struct former former[FORMER_MAX];
    struct io_timer again;
    struct arena arena; /* of the message under way */
    struct buf out;     /* the message that is being written */
};

static void report(const struct p2p_qlight_peer *peer, enum p2p_eth_level level, const char *what,
                   const char *why)
{
    const struct p2p_qlight_options *o = &peer->qlight->options;
    struct err_detail text;
    err_set(&text, 0, "%s: %s", what, why);
    if (o->report)
        o->report(o->context, level, text.text);
}

static void drop(struct p2p_qlight_peer *peer, enum p2p_reason reason, const char *why)
{
    p2p_eth_link_drop(&peer->link, reason, why);
}

static int send_out(struct p2p_qlight_peer *peer, unsigned code)
{
    struct buf *b = &peer->qlight->out;
    int status = buf_status(b);
    return status == ERR_OK ? p2p_peer_send(peer->link.peer, capability, code, buf_bytes(b))
                            : status;
}

/* --- Greeting --- */

static void send_status(struct p2p_qlight_peer *peer)
{
    struct p2p_qlight *q = peer->qlight;
    struct buf token = BUF_INIT;
    if (!q->options.server && q->options.token)
        q->options.token(q->options.context, &token);
    const struct p2p_qlight_status status = {.version = P2P_QLIGHT_65,
                                             .server = q->options.server,
                                             .psi = bytes_str(q->psi),
                                             .token = buf_bytes(&token)};
    buf_clear(&q->out);
    p2p_qlight_write_status(&q->out, &status);
    if (send_out(peer, P2P_QLIGHT_STATUS) != ERR_OK)
        drop(peer, P2P_SUBPROTOCOL_ERROR, "QLight's Status could not be sent");
    mem_wipe(q->out.data, q->out.len);
    mem_wipe(token.data, token.len);
    buf_release(&token);
}

/* By the token that it has now. */
static bool may_have(struct p2p_qlight_peer *peer)
{
    const struct p2p_qlight_options *o = &peer->qlight->options;
    struct err_detail why = {""};
    if (!o->authorize ||
        o->authorize(o->context, bytes_str(peer->psi), buf_bytes(&peer->token), &why))
        return true;
    report(peer, P2P_ETH_INFO, "a light client is refused", why.text);
    drop(peer, P2P_AUTH_ERROR, why.text);
    return false;
}

/* What the other end says of itself (eth/protocols/qlight/handshake.go and the two RunQPeer). */
static bool check_status(struct p2p_qlight_peer *peer, const struct p2p_qlight_status *s)
{
    const struct p2p_qlight *q = peer->qlight;
    if (!s->server && s->psi.len == 0)
        drop(peer, P2P_SUBPROTOCOL_ERROR, "client connected without specifying PSI");
    else if (s->server && q->options.server)
        drop(peer, P2P_SUBPROTOCOL_ERROR, "connected to a server peer");
    else if (!s->server && !q->options.server)
        drop(peer, P2P_SUBPROTOCOL_ERROR,
             "connected to a non server peer: --qlight.client.serverNode names another client");
    else
        return true;
    return false;
}

static void take_status(struct p2p_qlight_peer *peer, struct bytes payload)
{
    struct p2p_qlight_status s;
    struct err_detail detail = {""};
    if (p2p_qlight_read_status(&s, payload, &detail) != ERR_OK) {
        drop(peer, P2P_SUBPROTOCOL_ERROR, detail.text);
        return;
    }
    if (!check_status(peer, &s))
        return;
    if (peer->qlight->options.server) {
        snprintf(peer->psi, sizeof(peer->psi), "%.*s", (int)s.psi.len, (const char *)s.psi.data);
        buf_append_bytes(&peer->token, s.token);
        if (!may_have(peer))
            return;
    }
    struct p2p_eth_peer_info info;
    p2p_eth_link_message(&peer->link, P2P_ETH_STATUS, buf_bytes(&peer->status));
    buf_release(&peer->status);
    peer->greeted =
        p2p_eth_peer_info(peer->link.eth, p2p_peer_id(peer->link.peer), &info) && info.ready;
    if (peer->greeted && peer->qlight->options.server && peer->qlight->options.authorize &&
        !io_timer_started(&peer->qlight->again))
        io_timer_start(&peer->qlight->again, AGAIN_MS);
}

/* Eth's Status waits for the other one, so that the handler of eth does not begin before that. */
static void greet(struct p2p_qlight_peer *peer, unsigned code, struct bytes payload)
{
    bool first = peer->status.len == 0;
    char why[96];
    if (first && code == P2P_ETH_STATUS && payload.len <= STATUS_MAX) {
        buf_append_bytes(&peer->status, payload);
        if (buf_status(&peer->status) != ERR_OK)
            drop(peer, P2P_TOO_MANY_PEERS, "out of memory");
    } else if (!first && code == P2P_QLIGHT_STATUS) {
        take_status(peer, payload);
    } else {
        snprintf(why, sizeof(why), "no status message: %s msg has code %x (!= %x)",
                 first ? "first" : "second", code,
                 first ? (unsigned)P2P_ETH_STATUS : (unsigned)P2P_QLIGHT_STATUS);
        drop(peer, P2P_SUBPROTOCOL_ERROR, why);
    }
}

/* --- Messages --- */

static void refuse_code(struct p2p_qlight_peer *peer, unsigned code)
{
    char why[64];
    snprintf(why, sizeof(why), "invalid message code: %x", code);
    drop(peer, P2P_SUBPROTOCOL_ERROR, why);
}

static void take_token(struct p2p_qlight_peer *peer, struct bytes payload)
{
    struct bytes token;
    struct err_detail detail = {""};
    if (p2p_qlight_read_token(&token, payload, &detail) != ERR_OK) {
        drop(peer, P2P_SUBPROTOCOL_ERROR, detail.text);
        return;
    }
    mem_wipe(peer->token.data, peer->token.len);
    buf_clear(&peer->token);
    buf_append_bytes(&peer->token, token);
}

static void take_bodies_query(struct p2p_qlight_peer *peer, struct bytes payload)
{
    struct p2p_qlight *q = peer->qlight;
    struct p2p_eth_message m;
    struct err_detail detail = {""};
    arena_clear(&q->arena);
    if (p2p_eth_decode(&m, &q->arena, P2P_ETH_65, P2P_ETH_GET_BLOCK_BODIES, payload, &detail) !=
        ERR_OK) {
        drop(peer, P2P_SUBPROTOCOL_ERROR, detail.text);
        return;
    }
    if (++peer->waits == WAITS_MAX)
        p2p_peer_pause(peer->link.peer);
    q->options.bodies(q->options.context, peer, &m.hashes);
}

static void serve(struct p2p_qlight_peer *peer, unsigned code, struct bytes payload)
{
    switch (code) {
    case P2P_ETH_GET_BLOCK_HEADERS:
        p2p_eth_link_message(&peer->link, code, payload);
        break;
    case P2P_ETH_GET_BLOCK_BODIES:
        take_bodies_query(peer, payload);
        break;
    case P2P_QLIGHT_TOKEN_UPDATE:
        take_token(peer, payload);
        break;
    case P2P_ETH_NEW_BLOCK_HASHES:
    case P2P_ETH_TRANSACTIONS:
    case P2P_ETH_BLOCK_HEADERS:
        break;
    default:
        refuse_code(peer, code);
    }
}

static void take_private_data(struct p2p_qlight_peer *peer, struct bytes payload)
{
    struct p2p_qlight *q = peer->qlight;
    struct p2p_qlight_private_data data;
    struct err_detail detail = {""};
    arena_clear(&q->arena);
    int status = p2p_qlight_read_private_data(&data, &q->arena, payload, &detail);
    if (status == ERR_OK)
        q->options.private_data(q->options.context, &data);
    else /* what is not taken is asked for by JSON-RPC, unless it is a fault of the server's */
        drop(peer, P2P_SUBPROTOCOL_ERROR,
             status == ERR_NOMEM ? "private data: out of memory" : detail.text);
}

static void be_served(struct p2p_qlight_peer *peer, unsigned code, struct bytes payload)
{
    switch (code) {
    case P2P_ETH_NEW_BLOCK_HASHES:
    case P2P_ETH_TRANSACTIONS:
    case P2P_ETH_BLOCK_HEADERS:
    case P2P_ETH_BLOCK_BODIES:
    case P2P_ETH_NEW_BLOCK:
        p2p_eth_link_message(&peer->link, code, payload);
        break;
    case P2P_ETH_NEW_POOLED_HASHES:
        break; /* a server is not asked for them */
    case P2P_QLIGHT_PRIVATE_DATA:
        take_private_data(peer, payload);
        break;
    default:
        refuse_code(peer, code);
    }
}

/* --- What clients were told --- */

static void forget(struct former *f)
{
    p2p_known_release(&f->told);
    *f = (struct former){.until = 0};
}

static void keep_told(struct p2p_qlight_peer *peer)
{
    struct p2p_qlight *q = peer->qlight;
    struct former *oldest = &q->former[0];
    for (size_t i = 1; i < FORMER_MAX; i++)
        if (q->former[i].until < oldest->until)
            oldest = &q->former[i];
    forget(oldest);
    *oldest = (struct former){.id = *p2p_peer_id(peer->link.peer),
                              .told = peer->told,
                              .until = io_loop_now(q->loop) + TOLD_MS};
    p2p_known_init(&peer->told, TOLD_MAX);
}

static void take_told(struct p2p_qlight_peer *peer)
{
    struct p2p_qlight *q = peer->qlight;
    p2p_known_init(&peer->told, TOLD_MAX);
    for (size_t i = 0; i < FORMER_MAX; i++) {
        struct former *f = &q->former[i];
        if (!hash256_equal(&f->id, p2p_peer_id(peer->link.peer)))
            continue;
        if (io_loop_now(q->loop) < f->until) {
            peer->told = f->told;
            f->told = (struct p2p_known){.limit = 0};
        }
        forget(f);
    }
}

/* --- Connections --- */

static void on_opened(void *context, struct p2p_peer *connection)
{
    struct p2p_qlight *q = context;
    struct p2p_qlight_peer *peer = mem_alloc_zeroed(1, sizeof(*peer));
    if (!peer) {
        p2p_peer_disconnect(connection, P2P_TOO_MANY_PEERS);
        return;
    }
    peer->qlight = q;
    buf_init(&peer->status);
    buf_init(&peer->token);
    peer->link = (struct p2p_eth_link){.eth = q->eth,
                                       .peer = connection,
                                       .protocol = capability,
                                       .report = q->options.report,
                                       .context = q->options.context};
    take_told(peer);
    peer->next = q->peers;
    q->peers = peer;
    p2p_peer_set_data(connection, capability, peer);
    if (p2p_eth_link_open(&peer->link, P2P_ETH_65))
        send_status(peer);
}

static void on_message(void *context, struct p2p_peer *connection, unsigned code,
                       struct bytes payload)
{
    const struct p2p_qlight *q = context;
    struct p2p_qlight_peer *peer = p2p_peer_data(connection, capability);
    if (!peer)
        return;
    if (!peer->greeted)
        greet(peer, code, payload);
    else if (q->options.server)
        serve(peer, code, payload);
    else
        be_served(peer, code, payload);
}

static void on_drained(void *context, struct p2p_peer *connection)
{
    struct p2p_qlight_peer *peer = p2p_peer_data(connection, capability);
    (void)context;
    if (peer)
        p2p_eth_link_drained(&peer->link);
}

static void on_closed(void *context, struct p2p_peer *connection, enum p2p_reason reason,
                      bool by_peer)
{
    struct p2p_qlight *q = context;
    struct p2p_qlight_peer *peer = p2p_peer_data(connection, capability), **at = &q->peers;
    if (!peer)
        return;
    if (!q->options.server && by_peer && reason == P2P_AUTH_ERROR)
        report(
            peer, P2P_ETH_WARN, "the QLight server refuses this client",
            "its log says why (the token: --qlight.client.token.value, qlight_setCurrentToken; the "
            "private state: --qlight.client.psi)");
    while (*at != peer)
        at = &(*at)->next;
    *at = peer->next;
    p2p_peer_set_data(connection, capability, NULL);
    p2p_eth_link_close(&peer->link);
    if (q->options.gone)
        q->options.gone(q->options.context, peer);
    if (q->options.server && peer->greeted)
        keep_told(peer);
    mem_wipe(peer->token.data, peer->token.len);
    buf_release(&peer->token);
    buf_release(&peer->status);
    p2p_known_release(&peer->told);
    mem_free(peer);
}

static const struct p2p_protocol_ops ops = {
    .opened = on_opened,
    .message = on_message,
    .drained = on_drained,
    .closed = on_closed,
};

/* --- Life --- */

/* A token may have come to its end, or been replaced. */
static void on_again(void *context)
{
    struct p2p_qlight *q = context;
    bool any = false;
    for (struct p2p_qlight_peer *peer = q->peers; peer; peer = peer->next)
        if (peer->greeted && may_have(peer))
            any = true;
    if (any)
        io_timer_start(&q->again, AGAIN_MS);
}

int p2p_qlight_new(struct p2p_qlight **ret_qlight, struct p2p_eth *eth,
                   const struct p2p_qlight_options *options, struct io_loop *loop)
{
    struct p2p_qlight *q = mem_alloc_zeroed(1, sizeof(*q));
    if (!q)
        return ERR_NOMEM;
    q->loop = loop;
    q->eth = eth;
    q->options = *options;
    if (!options->server)
        snprintf(q->psi, sizeof(q->psi), "%s", options->psi);
    io_timer_init(&q->again, loop, on_again, q);
    arena_init(&q->arena);
    buf_init(&q->out);
    *ret_qlight = q;
    return ERR_OK;
}

void p2p_qlight_free(struct p2p_qlight *q)
{
    if (!q)
        return;
    io_timer_stop(&q->again);
    for (size_t i = 0; i < FORMER_MAX; i++)
        forget(&q->former[i]);
    arena_release(&q->arena);
    buf_release(&q->out);
    mem_free(q);
}

struct p2p_protocol p2p_qlight_protocol(struct p2p_qlight *q)
{
    return (struct p2p_protocol){.name = capability,
                                 .version = P2P_QLIGHT_65,
                                 .length = P2P_QLIGHT_LENGTH,
                                 .max_message = P2P_QLIGHT_MESSAGE_MAX,
                                 .ops = &ops,
                                 .context = q};
}

/* --- Server --- */

struct p2p_qlight_peer *p2p_qlight_next(const struct p2p_qlight *q,
                                        const struct p2p_qlight_peer *after)
{
    struct p2p_qlight_peer *peer = after ? after->next : q->peers;
    while (peer && !peer->greeted)
        peer = peer->next;
    return peer;
}

struct bytes p2p_qlight_psi(const struct p2p_qlight_peer *peer)
{
    return bytes_str(peer->psi);
}

bool p2p_qlight_tell_root(struct p2p_qlight_peer *peer, const struct hash256 *block)
{
    bool told = p2p_known_has(&peer->told, block);
    if (!told)
        p2p_known_add(&peer->told, block);
    return !told;
}

void p2p_qlight_root_untold(struct p2p_qlight_peer *peer, const struct hash256 *block)
{
    p2p_known_remove(&peer->told, block);
}

static void send_private_data(struct p2p_qlight_peer *peer, struct bytes messages)
{
    struct rlp_reader r;
    int status = ERR_OK;
    rlp_reader_init(&r, messages);
    while (rlp_more(&r) && status == ERR_OK)
        status = p2p_peer_send(peer->link.peer, capability, P2P_QLIGHT_PRIVATE_DATA,
                               rlp_read_raw(&r, "private data"));
    if (status != ERR_OK)
        drop(peer, P2P_SUBPROTOCOL_ERROR, "private data could not be sent");
}

void p2p_qlight_answer(struct p2p_qlight_peer *peer, struct bytes private_data, struct bytes bodies)
{
    send_private_data(peer, private_data);
    if (p2p_peer_send(peer->link.peer, capability, P2P_ETH_BLOCK_BODIES, bodies) != ERR_OK)
        drop(peer, P2P_SUBPROTOCOL_ERROR, "bodies could not be sent");
    if (peer->waits-- == WAITS_MAX)
        p2p_peer_resume(peer->link.peer);
}

void p2p_qlight_refuse(struct p2p_qlight_peer *peer, const char *why)
{
    drop(peer, P2P_SUBPROTOCOL_ERROR, why);
}

void p2p_qlight_new_block(struct p2p_qlight_peer *peer, struct bytes private_data,
                          struct bytes new_block)
{
    if (p2p_peer_queued(peer->link.peer) > QUEUE_MAX)
        return;
    send_private_data(peer, private_data);
    (void)p2p_peer_send(peer->link.peer, capability, P2P_ETH_NEW_BLOCK, new_block);
}

/* --- Client --- */

void p2p_qlight_set_token(struct p2p_qlight *q, struct bytes token)
{
    for (struct p2p_qlight_peer *peer = q->peers; peer; peer = peer->next) {
        if (!peer->greeted)
            continue;
        buf_clear(&q->out);
        p2p_qlight_write_token(&q->out, token);
        (void)send_out(peer, P2P_QLIGHT_TOKEN_UPDATE);
        mem_wipe(q->out.data, q->out.len);
    }
}
