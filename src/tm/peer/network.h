/*
 * Who is where: the managers of the network, their URLs, keys and versions, as party information tells them. Pure: no
 * clock, no socket; the owner says what came and what failed, and asks whom to call.
 *
 * As Tessera since 0.11: each manager is believed about its own keys alone, and its list of keys replaces the one
 * before. Other than there, a manager that cannot be reached keeps its keys: a send to it fails by saying so, and never
 * as if the party did not exist; and it goes on being called, with pauses.
 */
#ifndef TM_PEER_NETWORK_H
#define TM_PEER_NETWORK_H

#include "tmproto/partyinfo.h"
#include "tmproto/version.h"

enum {
    TM_NETWORK_NODES_MAX = 10000,    /* managers; 2 MB of URLs and keys when all are there */
    TM_NETWORK_NODE_KEYS_MAX = 1024, /* of one manager */
    TM_NETWORK_KEYS_MAX = 65536,     /* of all */
    TM_NETWORK_PAUSE_MAX = 12, /* rounds between calls to one that does not answer: a minute */
};

struct tm_network;

struct tm_network_node {
    const char *url; /* with '/' at its end */
    tmproto_versions versions;
    struct tmproto_list keys;
    bool heard;       /* it has told of itself */
    bool unreachable; /* the last call failed */
    bool configured;  /* in the `peer` list */
};

struct tm_network_options {
    const char *url;          /* own, as others know it */
    const char *const *peers; /* URLs of the configuration */
    size_t peer_count;
    bool discovery; /* false: only configured peers are listened to and called */
};

/* Copies. ERR_NOMEM, ERR_INPUT (a URL that is none), ERR_LIMIT. */
int tm_network_new(struct tm_network **ret_network,
                   const struct tm_network_options *options) BASE_NODISCARD;
void tm_network_free(struct tm_network *network);

const char *tm_network_url(const struct tm_network *network);
/* Own keys, told to others. ERR_NOMEM. */
int tm_network_set_keys(struct tm_network *network, struct tmproto_list keys) BASE_NODISCARD;

enum tm_network_verdict {
    TM_NETWORK_TAKEN,
    TM_NETWORK_STRANGER, /* discovery is off, and it is not configured */
    TM_NETWORK_BAD_URL,  /* nothing that could be called */
    TM_NETWORK_FULL,     /* no room for another manager, or for so many keys */
};

/* A manager tells of itself: its keys at its own URL replace those before; parties are called from the next round on
 * (with discovery). An enum tm_network_verdict, or ERR_NOMEM. */
int tm_network_receive(struct tm_network *network, const struct tmproto_partyinfo *info,
                       tmproto_versions versions) BASE_NODISCARD;
/* What a Constellation (or a Tessera before 0.10) answered: it tells of others too. Taken for managers that have not
 * told of themselves. Likewise. */
int tm_network_merge(struct tm_network *network,
                     const struct tmproto_partyinfo *info) BASE_NODISCARD;

/* One more to call. TM_NETWORK_FULL, ERR_NOMEM. `url` is normal. */
int tm_network_add(struct tm_network *network, const char *url) BASE_NODISCARD;

/* A new round: which are to be called, by tm_network_due until it gives NULL. */
void tm_network_begin_round(struct tm_network *network);
const struct tm_network_node *tm_network_due(struct tm_network *network);
/* How a call to this URL ended. */
void tm_network_called(struct tm_network *network, const char *url, bool reached);

/* Who has the key: one that is reachable before one that is not, the longest known first. NULL: nobody told of it.
 * Borrowed until the next receive, merge or free. Own keys are not found here. */
const struct tm_network_node *tm_network_find(const struct tm_network *network, struct bytes key);
const struct tm_network_node *tm_network_node_of(const struct tm_network *network, const char *url);
size_t tm_network_count(const struct tm_network *network);
const struct tm_network_node *tm_network_at(const struct tm_network *network, size_t index);

/* Appends what is told: own URL and keys, and the URLs of all that have keys; `whole` adds all keys, and the URLs of all
 * others, as Constellation does. Fails as `b`. */
void tm_network_tell(const struct tm_network *network, struct buf *b, bool whole);

/* Whether `host` (an IP or name) is that of a configured peer: the white list. The forms of this machine are equal. */
bool tm_network_allows(const struct tm_network *network, const char *host);

/* Writes the URL with '/' where it has no path; false when it is not http(s)://host…, or too long. */
bool tm_network_normal_url(struct bytes url, char ret_url[TMPROTO_URL_MAX + 2]);

#endif
