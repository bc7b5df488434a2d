/*
 * A network on this machine: one folder holds all of it, and every name and port in it follows from the network file.
 *
 *     <folder>/secrets, secrets.key       key material, encrypted (deploy/secrets)
 *     <folder>/genesis.json               made once; never replaced while data of it lives
 *     <folder>/static-nodes.json          enodes in the order of the file
 *     <folder>/static-nodes.elsewhere.json  those of a network of which other peers run elsewhere (nodes.h)
 *     <folder>/founders.json             whom the genesis was made for
 *     <folder>/ports.json                which ports were given
 *     <folder>/processes.json             what the supervisor runs
 *     <folder>/supervisor.pid, .log       the supervisor: it runs as long as the network does
 *     <folder>/<organization>/<peer>/     node/ (a geth data directory), tm/, db/ (of a database server), logs/
 *     /dev/shm/quorate-<uid>-<hash>/      secrets as the programs read them: mode 0400, gone with the machine's power
 *
 * Ports are the published ones of the file where they are unique, since they are what others would connect to; else the
 * listening ones where these are; else ones that nobody listens at, and no other quorate of this machine has chosen meanwhile, are counted
 * up from 22000. They stay once given (ports.json).
 */
#ifndef DEPLOY_LOCAL_SITE_H
#define DEPLOY_LOCAL_SITE_H

#include "deploy/keys/keys.h"
#include "deploy/network/network.h"

enum {
    DEPLOY_PATH_MAX = 1024,
    DEPLOY_PEERS_MAX = 500,       /* of a network on one machine */
    DEPLOY_SOCKET_PATH_MAX = 107, /* bytes of a unix socket's path (unix(7)) */
};

struct deploy_site_peer {
    const struct deploy_organization *organization;
    const struct deploy_peer *peer;
    char name[72]; /* "carrier/carrier": organization and peer */
    char folder[DEPLOY_PATH_MAX];
    char secrets[DEPLOY_PATH_MAX]; /* in memory */
    bool validator;
    bool has_tm;
    bool database; /* its manager has a database server of its own */
    uint16_t p2p, rpc, raft, tm, db;
    uint16_t raft_id;                /* of one that joined a running cluster; 0: a founder */
    struct deploy_identity identity; /* once the keys are there */
};

struct deploy_site {
    const struct deploy_network *network;
    char folder[DEPLOY_PATH_MAX]; /* absolute */
    char memory[DEPLOY_PATH_MAX]; /* under /dev/shm */
    struct deploy_site_peer *peers;
    size_t count;
    uint8_t *given_up; /* ports that no peer is to have, a bit each (ports.h); NULL: none */
};

/* Lays the network out in `folder`, which need not be there; nothing is written. The site lives in `arena`, like the
 * network it borrows. ERR_INPUT (a path too long, too many peers), ERR_EXISTS (no folder), ERR_IO, ERR_NOMEM. */
int deploy_site_new(struct deploy_site **ret_site, const struct deploy_network *network,
                    const char *folder, struct arena *arena,
                    struct err_detail *detail) BASE_NODISCARD;

/* Makes the site's folder (0700) when it is not there. ERR_IO, ERR_NOSPACE. */
int deploy_site_make(const struct deploy_site *site, struct err_detail *detail) BASE_NODISCARD;

/* A path from its parts, which fit: `ret_path` holds DEPLOY_PATH_MAX characters, a site's folder 200 less. */
void deploy_path(char *ret_path, const char *format, ...) BASE_PRINTF(2, 3);

/* "<site's folder>/<name>"; `ret_path` holds DEPLOY_PATH_MAX characters. */
void deploy_site_path(char *ret_path, const struct deploy_site *site, const char *name);

/* "enode://<id>@127.0.0.1:<p2p>?discport=0[&raftport=<raft>]". Appends. */
void deploy_site_enode(struct buf *text, const struct deploy_site *site, size_t index);

/* Whose keys they are, for deploy/keys. */
struct deploy_owner deploy_site_owner(const struct deploy_site *site,
                                      const struct deploy_site_peer *peer);

/* The peer called "organization/peer", or by its peer's name alone where that is unique; NULL. */
const struct deploy_site_peer *deploy_site_find(const struct deploy_site *site, const char *name);

#endif
