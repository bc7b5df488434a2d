/*
 * What the files of the server share:
 *
 *   server.c   options, life, admission, lists of nodes, what others ask about
 *   dial.c     whom to call, and when
 *   discover.c the discovery machine on a socket, and calls to whom it finds
 *   peer.c     one connection from its first byte to its last
 *   message.c  what is sent and received once both sides have said Hello
 */
#ifndef P2P_SERVER_INTERNAL_H
#define P2P_SERVER_INTERNAL_H

#include "io/stream.h"
#include "io/timer.h"
#include "io/udp.h"
#include "p2p/discv4/discovery.h"
#include "p2p/discv4/record.h"
#include "p2p/rlpx/frames.h"
#include "p2p/rlpx/hello.h"
#include "p2p/server.h"

enum {
    /* Milliseconds; geth's values, but for the ticks that they are checked at. */
    P2P_DIAL_TIMEOUT = 15000,
    P2P_HANDSHAKE_TIMEOUT = 5000, /* for each of the two handshakes */
    P2P_PING_AFTER = 15000,
    P2P_IDLE_TIMEOUT = 30000,  /* nothing read */
    P2P_WRITE_TIMEOUT = 20000, /* nothing written, though there is something */
    P2P_TICK = 5000,
    P2P_FINISH_TIMEOUT = 1000, /* for a Disconnect to go out */
    P2P_INBOUND_THROTTLE = 30000,
    P2P_REDIAL_FIRST = 1000,
    P2P_REDIAL_MAX = 30000,
    P2P_DYNAMIC_DIAL = 4000,   /* nodes that discovery has found are tried so often, */
    P2P_DYNAMIC_AGAIN = 35000, /* each of them */
    P2P_DYNAMIC_AT_ONCE = 4,
    P2P_BOOT_MAX = 32,
    P2P_SETTLED = 10000, /* a connection that lasted so long was a good one */
    P2P_BAN = 60000,
    P2P_STALE_AGE =
        5000, /* a connection so old and so silent gives way to a new one of the same node */
    P2P_STALE_SILENCE = 2000,

    P2P_MAX_PENDING = 50, /* connections in handshake, each way */
    P2P_GIVE_WAY = 200,   /* milliseconds for the first bytes, where others wait for the place */
    P2P_GIVE_WAY_HELLO = 1500, /* and until its Hello */
    P2P_HISTORY_MAX = 1024,    /* addresses and nodes that are remembered; the oldest go */

    /* What a peer may let pile up by not reading, beyond which the connection ends: some large answers. */
    P2P_QUEUE_MAX = 64 << 20,
    /* Pings are answered only while less than this waits to go out (CVE-2023-40591: answers without bound). */
    P2P_PONG_QUEUE = 16 << 10,
    P2P_READ_BUFFER = 16 << 10, /* of a connection, when no larger frame is under way */
    P2P_SCRATCH_KEEP = 1 << 20,
    P2P_SCORE_LIMIT = 100,
    P2P_SCORE_HALF_LIFE = 60000,
};

enum p2p_peer_state {
    P2P_CONNECTING, /* outgoing, no stream yet */
    P2P_WAIT_AUTH,
    P2P_WAIT_ACK,
    P2P_WAIT_HELLO,
    P2P_OPEN,
    P2P_ENDED, /* waits for its `closed` callbacks */
};

struct p2p_peer {
    struct p2p_server *server;
    struct p2p_peer *next, **back; /* in server->connections */
    struct io_stream *stream;
    enum p2p_peer_state state;
    bool inbound, trusted, is_static, opened;
    struct p2p_enode node;
    struct address address;
    struct io_address remote, local;

    struct p2p_handshake handshake; /* until frames are there */
    bool handshaking, framed;
    struct p2p_frames in, out;

    uint8_t *buffer; /* bytes begin … end are not worked off */
    size_t capacity, begin, end;
    bool have_head;
    size_t body; /* of the frame under way */
    unsigned paused;
    bool working; /* a message is being handed out */

    struct p2p_hello *hello;
    char (*capability_texts)[P2P_CAPABILITY_NAME_MAX + 16];
    struct p2p_window windows[P2P_MAX_PROTOCOLS];
    void *data[P2P_MAX_PROTOCOLS];
    size_t window_count;

    struct io_timer timer; /* the handshake's end, then ticks */
    struct io_timer kick;  /* next turn: goes on working, or tells of the end */
    uint64_t accepted_at, opened_at, tick_at, read_at, ping_at, write_at;
    uint64_t written, progress; /* bytes queued ever; of them gone at write_at */

    enum p2p_reason reason; /* of the end */
    bool by_peer;
    bool hung_up; /* the other side has closed it, without a reason */
    char why[160];
    unsigned score;
    uint64_t score_at;
};

/* A node that is to be connected. */
struct p2p_static {
    struct p2p_enode node;
    uint64_t due; /* by io_loop_now */
    unsigned failures;
};

/* An id (of a node, or made of an IP) until a time. */
struct p2p_memory {
    struct {
        struct hash256 id;
        uint64_t until;
    } entries[P2P_HISTORY_MAX];
    size_t count;
};

struct p2p_server {
    struct p2p_server_options options;
    struct io_loop *loop;
    char *name, *listen_host;
    struct crypto_public_key key;
    struct hash256 id;
    struct io_address external;
    struct p2p_protocol protocols[P2P_MAX_PROTOCOLS];
    struct p2p_offer offers[P2P_MAX_PROTOCOLS];
    size_t protocol_count;

    struct io_listener *listener;
    struct io_address address;
    struct p2p_peer *connections;
    struct p2p_peer **peers; /* those in P2P_OPEN */
    size_t peer_count, peer_capacity;

    struct p2p_static *statics;
    size_t static_count, static_capacity;
    struct hash256 *trusted;
    size_t trusted_count, trusted_capacity;
    struct io_timer dial_timer;
    unsigned max_pending, max_dialed;
    struct p2p_memory inbound_ips, banned, dialed;

    struct p2p_discovery *discovery; /* NULL: off */
    struct io_udp *udp;
    struct io_timer discovery_timer, dynamic_timer;
    struct p2p_boot {
        struct p2p_server *server;
        struct p2p_enode node;
        struct io_resolve *resolve;
    } boot[P2P_BOOT_MAX];
    size_t boot_count;
    char enr[P2P_RECORD_TEXT];
    uint64_t record_sequence; /* 0: there is none yet */
    uint8_t eth_entry[P2P_ETH_ENTRY_MAX];
    size_t eth_entry_len;

    struct buf scratch; /* the message that is being handed out */
    uint64_t random;
    bool running;
    struct p2p_traffic traffic;
};

/* server.c */
void p2p_report(struct p2p_server *server, enum p2p_report level, const char *format, ...)
    BASE_PRINTF(3, 4);
bool p2p_memory_has(struct p2p_memory *memory, const struct hash256 *id, uint64_t now);
void p2p_memory_add(struct p2p_memory *memory, const struct hash256 *id, uint64_t until,
                    uint64_t now);
bool p2p_server_trusts(const struct p2p_server *server, const struct hash256 *id);
uint64_t p2p_server_random(struct p2p_server *server);
/* After the encryption handshake; an outgoing connection to the same node that has to give way is ended inside. Returns
 * P2P_REQUESTED when the peer may come in, or the reason why not. */
enum p2p_reason p2p_server_admit(struct p2p_server *server, struct p2p_peer *peer);
int p2p_server_opened(struct p2p_server *server, struct p2p_peer *peer) BASE_NODISCARD;
/* A connection has ended: it is no longer found. */
void p2p_server_gone(struct p2p_server *server, struct p2p_peer *peer);

/* dial.c */
void p2p_dial_on_timer(void *context);
/* Dials what is due, and sets the timer for what is next. */
void p2p_dial_run(struct p2p_server *server);
void p2p_dial_gone(struct p2p_server *server, const struct p2p_peer *peer);
struct p2p_static *p2p_dial_find(struct p2p_server *server, const struct hash256 *id);
int p2p_dial_add(struct p2p_server *server, const struct p2p_enode *node) BASE_NODISCARD;
void p2p_dial_remove(struct p2p_server *server, const struct hash256 *id);

bool p2p_dial_connected(const struct p2p_server *server, const struct hash256 *id);

/* discover.c */
int p2p_discover_start(struct p2p_server *server, struct err_detail *detail) BASE_NODISCARD;
void p2p_discover_stop(struct p2p_server *server);

/* peer.c */
int p2p_peer_dial(struct p2p_server *server, const struct p2p_enode *node,
                  bool is_static) BASE_NODISCARD;
void p2p_peer_accept(struct p2p_server *server, struct io_stream *stream);
/* Ends it with or without a word to the other side; its callbacks come in the next turn. */
void p2p_peer_end(struct p2p_peer *peer, enum p2p_reason reason, bool by_peer, const char *format,
                  ...) BASE_PRINTF(4, 5);
void p2p_peer_drop(struct p2p_peer *peer, const char *format, ...) BASE_PRINTF(2, 3);
/* Tells of the end, and frees. */
void p2p_peer_settle(struct p2p_peer *peer);

/* message.c */
void p2p_peer_body(struct p2p_peer *peer, struct bytes body);
int p2p_peer_send_base(struct p2p_peer *peer, enum p2p_base_code code, struct bytes payload);
void p2p_peer_tick(struct p2p_peer *peer);

#endif
