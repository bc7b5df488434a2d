/*
 * How members of a Raft cluster reach each other: etcd's rafthttp, as GoQuorum uses it, over the loop's streams.
 *
 * Each side dials two streams to each other one (GET /raft/stream/msgapp and …/message) and reads in the answers' bodies what
 * the other has to say (consensus/raft/stream.h); snapshots, and whatever finds no stream open, go by POST /raft. The listener
 * answers GET /raft/probing too. Everything on the loop; callbacks never come inside a call, but for those of _start.
 */
#ifndef CLUSTER_TRANSPORT_H
#define CLUSTER_TRANSPORT_H

#include "consensus/raft/message.h"
#include "io/loop.h"

struct cluster_transport;

enum {
    /* rafthttp's figures. */
    CLUSTER_REDIAL_MS = 100,
    CLUSTER_READ_MS = 5000,      /* a stream without any byte for so long is dialled again */
    CLUSTER_HEARTBEAT_MS = 1666, /* of links */
    /* Bytes and messages that wait for one member; what is more is lost, as with a broken link. */
    CLUSTER_QUEUE_BYTES = 64 * 1024 * 1024,
    CLUSTER_QUEUE_POSTS = 64,
    /* Connections that strangers and members may have open. */
    CLUSTER_CONNECTIONS_MAX = 1024,
    /* Members that are known only by what they asked (X-PeerURLs). */
    CLUSTER_REMOTES_MAX = 64,
};

struct cluster_transport_options {
    struct io_loop *loop;
    uint64_t id, cluster;
    const char *host; /* an IP to listen on, "" for all */
    uint16_t port;
    void *context;
    bool (*is_removed)(void *context, uint64_t id);
    void (*message)(void *context, const struct raft_message *message); /* borrowed */
    /* A message to that member was lost; the snapshot to it has arrived, or not. */
    void (*unreachable)(void *context, uint64_t id);
    void (*snapshot)(void *context, uint64_t id, bool arrived);
    /* That member says that this one was removed. */
    void (*removed)(void *context, uint64_t by);
    /* For the log, `warn` or only of interest. May be NULL. */
    void (*report)(void *context, bool warn, const char *text);
};

/* Opens nothing yet. The options' texts and loop outlive it. ERR_NOMEM. */
int cluster_transport_new(struct cluster_transport **ret_transport,
                          const struct cluster_transport_options *options) BASE_NODISCARD;
/* Listens. ERR_IO with the address in the message. */
int cluster_transport_start(struct cluster_transport *transport,
                            struct err_detail *detail) BASE_NODISCARD;
/* NULL is nothing. */
void cluster_transport_free(struct cluster_transport *transport);

/* "http://host:port", told to others in X-PeerURLs; "" at first. */
void cluster_transport_set_url(struct cluster_transport *transport, const char *url);
/* A member; `host` a name or an IP. Adding one that is there changes nothing. ERR_NOMEM. */
int cluster_transport_add(struct cluster_transport *transport, uint64_t id, const char *host,
                          uint16_t port) BASE_NODISCARD;
void cluster_transport_remove(struct cluster_transport *transport, uint64_t id);

/* Sends, or drops and tells so later. */
void cluster_transport_send(struct cluster_transport *transport,
                            const struct raft_message *message);
/* Whether that member can be heard. */
bool cluster_transport_active(const struct cluster_transport *transport, uint64_t id);
/* Whether every other member says, by its headers, that it asks before it stands for election. */
bool cluster_transport_all_pre_vote(const struct cluster_transport *transport);

#endif
