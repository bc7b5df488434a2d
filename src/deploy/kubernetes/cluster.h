/*
 * A network on Kubernetes: per organization a namespace with its accounts, its login and policy in a Vault, and per peer
 * one Helm release of the charts in `charts/`. Names are those of BAF 0.8.1 (deployment reference, section 0).
 *
 *     cluster.h   this file: the network laid out, with what its files say
 *     objects.h   plain objects of an organization        values.h   a peer's release
 *     access.h    what an organization's Vault is given    render.h   all of it as files
 *     tool.h      kubectl, helm and git                    target.h   up, plan, status, down on real clusters
 *
 * Beside the secrets, `<data>/kubernetes/` keeps what a network must not lose: genesis.json and members.json
 * ({"founders": ["org/peer", …], "raft": {"org/peer": id}, "nodes": {"org/peer": enode's id}}; null is in the place of a founder that a Raft cluster has removed).
 */
#ifndef DEPLOY_KUBERNETES_CLUSTER_H
#define DEPLOY_KUBERNETES_CLUSTER_H

#include "deploy/keys/bundle.h"
#include "deploy/keys/keys.h"
#include "deploy/network/network.h"

enum {
    DEPLOY_CLUSTER_NAME_MAX =
        128, /* bytes of a name with its end mark: two of 30 and fixed parts */
    DEPLOY_CLUSTER_PEERS_MAX = 500,
    DEPLOY_CERTIFICATE_MARK = 17, /* digits that tell certificates apart, with end mark */
};

struct deploy_cluster_options {
    const char *data;            /* folder of the secrets and of kubernetes/ */
    const char *image;           /* of all our programs; NULL: "<docker.url>/quorate:<version>" */
    const char *database_image;  /* NULL: the chart's */
    const char *passphrase_file; /* of the store of secrets; NULL: its key file */
    const char *bundles;         /* folder of other organizations' bundles; NULL: <data>/bundles */
    bool vault;                  /* secrets are read from (and made in) the file's vaults */
};

/* PEM texts of a manager's certificate, as its secret has them. */
struct deploy_cluster_certificate {
    struct buf chain, key;
};

struct deploy_cluster_peer {
    const struct deploy_organization *organization;
    size_t organization_index;
    const struct deploy_peer *peer;
    bool has_tm;
    bool validator;
    bool founder; /* in the genesis; others join */
    uint64_t
        raft_id; /* of one that joined a Raft cluster, or whose place among the static nodes is not it; 0: a founder, or not added yet */
    char name[DEPLOY_CLUSTER_NAME_MAX]; /* "carrier/carrier" */
    struct deploy_identity identity;
    struct deploy_cluster_certificate
        certificate; /* empty without a manager, and of external organizations */
};

struct deploy_cluster {
    const struct deploy_network *network;
    const struct deploy_cluster_options *options;
    struct deploy_cluster_peer *peers;
    size_t count;
    const char *image;
    struct buf *authorities; /* PEM, one an organization; empty without managers */
    struct buf genesis;      /* the text of genesis.json */
    json_t *static_nodes;    /* enodes in the order of the file */
    json_t *founders;  /* names, in the order of their Raft ids; null: one that has left for good */
    json_t *published; /* {name: enode's id} as members.json has it; NULL: none yet */
};

/* Lays out; the cluster lives in `arena` but for what deploy_cluster_release frees. ERR_INPUT (too many peers, no image),
 * ERR_NOMEM. */
int deploy_cluster_new(struct deploy_cluster **ret_cluster, const struct deploy_network *network,
                       const struct deploy_cluster_options *options, struct arena *arena,
                       struct err_detail *detail) BASE_NODISCARD;
void deploy_cluster_release(struct deploy_cluster *cluster);

/*
 * Reads keys (those that are missing are made, unless `read_only`), genesis and static nodes into the cluster. The genesis
 * of a network is kept once made: ERR_EXISTS when the file asks for another one, or a node's key is not the published one.
 * ERR_NOTFOUND (keys that are missing, those of a published node even if keys may be made),
 * ERR_CORRUPT, ERR_BUSY, ERR_IO, ERR_NOMEM.
 */
int deploy_cluster_prepare(struct deploy_cluster *cluster, bool read_only,
                           struct err_detail *detail) BASE_NODISCARD;
/* Who its peers are to the others: by the keys that were published, whatever the vaults have now. Nothing is made. */
int deploy_cluster_identify(struct deploy_cluster *cluster,
                            struct err_detail *detail) BASE_NODISCARD;
bool deploy_cluster_is_published(const struct deploy_cluster *cluster,
                                 const struct deploy_cluster_peer *peer);
/* Its keys and certificates alone, and those of others from their bundles: prepare does it first. */
int deploy_cluster_material(struct deploy_cluster *cluster, bool read_only,
                            struct err_detail *detail) BASE_NODISCARD;
/* The store that its keys are in; `path` holds DEPLOY_PATH_MAX characters and stays as long as the store. Failures as
 * deploy_cluster_prepare. */
int deploy_cluster_store(struct deploy_secrets *ret_secrets, char *path,
                         const struct deploy_cluster *cluster,
                         struct err_detail *detail) BASE_NODISCARD;
/* Whose material a peer's is. */
struct deploy_owner deploy_cluster_owner(const struct deploy_cluster *cluster,
                                         const struct deploy_cluster_peer *peer);
/* The same of one organization, in a cluster that has only its peers; what is missing is made. */
int deploy_cluster_own_material(struct deploy_cluster *cluster, size_t organization_index,
                                struct err_detail *detail) BASE_NODISCARD;
/* The bundle of one of our organizations, whose material is there. */
int deploy_cluster_bundle(struct deploy_bundle *ret_bundle, const struct deploy_cluster *cluster,
                          size_t organization_index, struct err_detail *detail) BASE_NODISCARD;
/* Whether a peer has a certificate: its manager speaks TLS. */
bool deploy_cluster_certified(const struct deploy_cluster *cluster,
                              const struct deploy_cluster_peer *peer);
/* Whether managers trust the organizations' authorities; else they make their certificates themselves, on first use. */
bool deploy_cluster_trusts_authorities(const struct deploy_cluster *cluster);
void deploy_cluster_certificate_release(struct deploy_cluster_certificate *certificate);
/* Changes with the certificate, so that a pod begins again with a new one. */
void deploy_cluster_certificate_mark(char ret[DEPLOY_CERTIFICATE_MARK],
                                     const struct deploy_cluster_peer *peer);
/* Writes members.json: whom the genesis was made for, and the Raft ids. */
int deploy_cluster_keep(const struct deploy_cluster *cluster,
                        struct err_detail *detail) BASE_NODISCARD;
/* A founder that a Raft cluster has removed: should one of its name come, it joins anew. Nothing is written. */
void deploy_cluster_forget_founder(struct deploy_cluster *cluster, const char *name);
/* The peer that a person named, by "organization/peer" or by its name alone where that is unique. ERR_NOTFOUND. */
int deploy_cluster_find(size_t *ret_index, const struct deploy_cluster *cluster, const char *name,
                        struct err_detail *detail) BASE_NODISCARD;

/* --- Names: one function a kind of thing. `ret` holds DEPLOY_CLUSTER_NAME_MAX characters. --- */

#define DEPLOY_ACCOUNT_PODS     "vault-auth"
#define DEPLOY_ACCOUNT_REVIEWER "vault-reviewer"
#define DEPLOY_VAULT_ROLE       "vault-role"
#define DEPLOY_REGISTRY_SECRET  "regcred"

void deploy_name_binding(char *ret, const struct deploy_organization *organization);
void deploy_name_auth_mount(char *ret, const struct deploy_organization *organization);
void deploy_name_policy(char *ret, const struct deploy_organization *organization);
/* "" where the cluster's default class serves. */
void deploy_name_storage_class(char *ret, const struct deploy_organization *organization);
void deploy_name_release(char *ret, const struct deploy_cluster *cluster,
                         const struct deploy_cluster_peer *peer);
const char *deploy_name_chart(const struct deploy_cluster *cluster,
                              const struct deploy_cluster_peer *peer);

/* How others reach a peer: its name and port at the proxy, or in the cluster without one. */
struct deploy_cluster_address {
    char host[2 * DEPLOY_CLUSTER_NAME_MAX];
    uint64_t port;
};
void deploy_cluster_address(struct deploy_cluster_address *ret,
                            const struct deploy_cluster *cluster,
                            const struct deploy_cluster_peer *peer, const struct deploy_port *port,
                            uint64_t otherwise);
bool deploy_cluster_has_proxy(const struct deploy_cluster *cluster);
/* The port that a program listens on, or `otherwise`. */
uint64_t deploy_cluster_port(const struct deploy_port *port, uint64_t otherwise);

/* Ports of BAF's samples, for files that leave them out. */
enum {
    DEPLOY_PORT_P2P = 21000,
    DEPLOY_PORT_RPC = 8546,
    DEPLOY_PORT_RAFT = 50401,
    DEPLOY_PORT_TESSERA = 8443,
    DEPLOY_PORT_CONSTELLATION = 9001,
    DEPLOY_PORT_DATABASE = 3306,
};

#endif
