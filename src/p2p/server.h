/*
 * The server of devp2p connections: listens, dials, makes the handshakes, and hands the messages of each
 * capability to its protocol (devp2p, rlpx.md; node-consensus-and-wire §7.1). Everything happens on the loop's
 * thread.
 *
 *     socket bytes -> rlpx/frames (opened in place) -> snappy -> protocol->ops->message
 *     p2p_peer_send -> snappy -> frame sealed in the stream's queue -> one write a turn
 */
#ifndef P2P_SERVER_H
#define P2P_SERVER_H

#include "base/buf.h"
#include "io/tls.h"
#include "p2p/enode.h"
#include "p2p/reason.h"

struct p2p_server;
struct p2p_peer;
struct p2p_protocol;

enum { P2P_ETH_ENTRY_MAX = 64 }; /* bytes; [[hash of 4 bytes, number]] takes at most 16 */

enum {
    P2P_MAX_PROTOCOLS = 16, /* capabilities that this node offers: eth 2, istanbul 3, and room */
    P2P_NAME_MAX =
        255, /* characters of a capability-independent client name; Hello has 2 KiB in all */
    /* Bytes of a message's payload: geth's limit of eth and istanbul. The frame itself could carry 2^24 - 1. */
    P2P_MESSAGE_MAX = 10 << 20,
};

/* What a capability does. All callbacks come on the loop's thread; `drained` may be NULL. */
struct p2p_protocol_ops {
    /* The handshakes are done and both sides speak the capability; messages may be sent. Protocols of one peer are
     * opened in the order of their names. */
    void (*opened)(void *context, struct p2p_peer *peer);
    /* `code` counts from the capability's own 0 and is below its length; `payload` is RLP as the peer sent it (not
     * validated), at most `max_message` bytes, valid during the call. */
    void (*message)(void *context, struct p2p_peer *peer, unsigned code, struct bytes payload);
    /* Everything queued for the peer has gone to the system. */
    void (*drained)(void *context, struct p2p_peer *peer);
    /* The connection has ended; `by_peer` when the other side gave the reason. `peer` goes when the last of its
     * protocols has been told; nothing can be sent any more. Comes for every `opened`. */
    void (*closed)(void *context, struct p2p_peer *peer, enum p2p_reason reason, bool by_peer);
};

/* Capabilities are sorted by name and version; of each name the highest common version runs. */
struct p2p_protocol {
    const char *name; /* at most 8 letters, "eth" */
    unsigned version;
    unsigned length; /* how many codes */
    size_t
        max_message; /* bytes of a payload, at most P2P_MESSAGE_MAX; longer ones end the connection */
    const struct p2p_protocol_ops *ops;
    void *context;
};

/* What the server tells the program, for its log. */
enum p2p_report {
    P2P_REPORT_DEBUG, /* refused and failed connections; why peers went */
    P2P_REPORT_INFO, /* listening, peers that came and went, TLS of who came that does not come about */
    P2P_REPORT_WARN, /* TLS with a dialled node that does not come about; boot nodes without address */
};

struct p2p_server_options {
    struct io_loop *loop;
    struct crypto_private_key key; /* copied, wiped by free */
    const char *name;              /* of Hello: "GoQuorum-like/v1.2.3/linux-amd64/c17"; copied */

    bool listen;             /* false: outgoing connections only */
    const char *listen_host; /* an IP; "" or NULL for all addresses */
    uint16_t port;           /* 0 takes a free one */
    /* Around RLPx, as QLight has it: of a server for connections that come, of a client for those that are dialled, whose
     * certificates must be of the IP (or the name) in the dialled URL. NULL: none. Kept by references. */
    struct io_tls *tls_server, *tls_client;
    const char
        *external_ip; /* what other nodes see, for the own enode; NULL: 127.0.0.1 until known */

    unsigned max_peers;   /* 0: none at all but trusted and static ones, which trusted may exceed */
    unsigned max_pending; /* connections in handshake, each way; 0 takes 50 */
    unsigned dial_ratio;  /* one in so many of max_peers is dialled by discovery; 0 takes 3 */
    bool no_dial;         /* static nodes are dialled nevertheless unless this is set */
    bool discovery;       /* discv4 on the same port number by UDP */

    const struct p2p_enode *static_nodes, *trusted_nodes, *boot_nodes; /* copied */
    size_t static_count, trusted_count, boot_count;

    const struct p2p_protocol
        *protocols; /* copied, at most P2P_MAX_PROTOCOLS; protocols[i].context must outlive
                                             the server */
    size_t protocol_count;

    /* Asked after the encryption handshake and before Hello, for both directions; false closes the connection
     * without a word, as GoQuorum does. NULL permits all. `node` is what was dialled, or key, IP and port of the
     * incoming connection. */
    bool (*permit)(void *context, const struct p2p_enode *node, bool outgoing);
    /* Asked of each datagram of the discovery, in and out; those of other addresses are dropped. NULL permits all. */
    bool (*permit_address)(void *context, const struct io_address *address);
    /* NULL: nothing is told. */
    void (*report)(void *context, enum p2p_report level, const char *message);
    /* A peer's handshakes are done (`why` NULL), or it is gone, and no longer among p2p_server_peer's. NULL: nothing is
     * told. */
    void (*peer)(void *context, const struct p2p_peer *peer, const char *why);
    void *context; /* of these */
};

/* Checks and copies the options; opens nothing yet. ERR_INPUT (with the option in `detail`), ERR_NOMEM, ERR_IO. */
int p2p_server_new(struct p2p_server **ret_server, const struct p2p_server_options *options,
                   struct err_detail *detail) BASE_NODISCARD;
/* Listens and begins to dial. ERR_IO with the address in `detail`. */
int p2p_server_start(struct p2p_server *server, struct err_detail *detail) BASE_NODISCARD;
/* Tells the peers "client quitting" and ends all connections (their `closed` callbacks come inside), then frees.
 * NULL is fine. Not inside one of its callbacks. */
void p2p_server_free(struct p2p_server *server);

/* The node itself, once it has started: IP, TCP port as listened on (0: it does not), UDP port 0 without discovery. */
void p2p_server_self(const struct p2p_server *server, struct p2p_enode *ret_self);
/* Where it listens; unknown (ip_len 0) when it does not. */
const struct io_address *p2p_server_address(const struct p2p_server *server);
/* The value of "eth" in the node's record: RLP, at most P2P_ETH_ENTRY_MAX bytes; copied. Once the server runs, a value that
 * differs makes a record with the next sequence number. ERR_LIMIT, ERR_NOMEM: the last record stays. */
int p2p_server_set_eth_entry(struct p2p_server *server, struct bytes value) BASE_NODISCARD;
/* The node's record (EIP-778) as text, "enr:…", for admin_nodeInfo. As long as the server; changes with the record. */
const char *p2p_server_enr(const struct p2p_server *server);
const char *p2p_server_name(const struct p2p_server *server);
/* Whether it offers any version of the capability. */
bool p2p_server_offers(const struct p2p_server *server, const char *protocol);

/* admin_addPeer, admin_removePeer, admin_addTrustedPeer, admin_removeTrustedPeer. Static nodes are dialled again
 * whenever they are away, first after a second, then more slowly, at most every 30 s. Removing one ends its
 * connection too. Adding again, and removing what is not there, is fine. ERR_NOMEM. */
int p2p_server_add_peer(struct p2p_server *server, const struct p2p_enode *node) BASE_NODISCARD;
void p2p_server_remove_peer(struct p2p_server *server, const struct p2p_enode *node);
int p2p_server_add_trusted(struct p2p_server *server, const struct p2p_enode *node) BASE_NODISCARD;
void p2p_server_remove_trusted(struct p2p_server *server, const struct p2p_enode *node);

/* Since the start. */
struct p2p_traffic {
    uint64_t ingress, egress; /* bytes of connections by TCP, handshakes included */
    uint64_t serves, dials;   /* connections that came, and that were made */
};
void p2p_server_traffic(const struct p2p_server *server, struct p2p_traffic *ret_traffic);

/* Peers whose handshakes are done, in no order; valid until the next turn of the loop. */
size_t p2p_server_peer_count(const struct p2p_server *server);
struct p2p_peer *p2p_server_peer(const struct p2p_server *server, size_t index);
/* By node id. NULL when not connected. */
struct p2p_peer *p2p_server_find(const struct p2p_server *server, const struct hash256 *id);

/*
 * Sends a message; `payload` is its RLP, which is compressed and sealed before this returns. `protocol` may be any
 * version of the capability's name (it runs one). ERR_USAGE when the peer does not speak it or `code` is not below
 * its length, ERR_LIMIT when the payload is over the maximum, ERR_NOMEM. A peer that is going swallows it.
 */
int p2p_peer_send(struct p2p_peer *peer, const char *protocol, unsigned code, struct bytes payload);
/* Bytes that wait to go out: senders of bulk hold back while it is high. */
size_t p2p_peer_queued(const struct p2p_peer *peer);

/* Holds back what the peer sends (all its capabilities) until resumed as often: `message` does not come, and the
 * peer's own sending stops when the system's buffers are full. */
void p2p_peer_pause(struct p2p_peer *peer);
void p2p_peer_resume(struct p2p_peer *peer);

/* Ends the connection: the reason is sent; `closed` comes in the next turn, no `message` any more. */
void p2p_peer_disconnect(struct p2p_peer *peer, enum p2p_reason reason);
/* Counts against the peer what is bad but not a breach; at 100 points (which halve every minute) it is disconnected
 * as useless, and not dialled or let in for a minute unless it is trusted. `why` is for the log. */
void p2p_peer_penalize(struct p2p_peer *peer, unsigned points, const char *why);

/* Whether the peer runs the capability, and in which version (0: it does not). */
unsigned p2p_peer_version(const struct p2p_peer *peer, const char *protocol);
/* A place for the protocol's own object; NULL at first. */
void p2p_peer_set_data(struct p2p_peer *peer, const char *protocol, void *data);
void *p2p_peer_data(const struct p2p_peer *peer, const char *protocol);

/* For admin_peers and logs. Pointers live as long as the peer. */
const struct hash256 *p2p_peer_id(const struct p2p_peer *peer);
const struct address *p2p_peer_address(const struct p2p_peer *peer);
const struct p2p_enode *p2p_peer_node(const struct p2p_peer *peer);
const char *
p2p_peer_name(const struct p2p_peer *peer); /* as the peer calls itself; printable ASCII only */
/* "eth/65", … : all that the peer offered, sorted; the pointer is NULL beyond the last. */
const char *p2p_peer_capability(const struct p2p_peer *peer, size_t index);
const struct io_address *p2p_peer_remote(const struct p2p_peer *peer);
const struct io_address *p2p_peer_local(const struct p2p_peer *peer);
bool p2p_peer_inbound(const struct p2p_peer *peer);
bool p2p_peer_trusted(const struct p2p_peer *peer);
bool p2p_peer_static(const struct p2p_peer *peer);

#endif
