/*
 * network.yaml of the Blockchain Automation Framework 0.8.1 to Bevel 1.1, as one model.
 *
 *     schema.h     the table of fields: reading, the JSON schema for editors and the documentation come from it
 *     network.h    this file: what was read
 *     read.c       file → model, field by field;  check_*.c  what fields demand of each other
 *
 * Every value keeps its place in the file, so that whoever finds a fault later can point at it.
 */
#ifndef DEPLOY_NETWORK_NETWORK_H
#define DEPLOY_NETWORK_NETWORK_H

#include "deploy/report.h"

struct deploy_text {
    const char *text; /* NULL: not given */
    struct deploy_place place;
};

struct deploy_number {
    uint64_t value; /* the field's default when not given */
    bool given;
    struct deploy_place place;
};

/* One of a field's words: its index in the schema's list. */
struct deploy_choice {
    int value; /* -1: not given and without default */
    bool given;
    struct deploy_place place;
};

struct deploy_switch {
    bool value;
    bool given;
    struct deploy_place place;
};

struct deploy_texts {
    struct deploy_text *items;
    size_t count;
    bool is_list; /* written as a list, not as one text */
    struct deploy_place place;
};

enum deploy_consensus { DEPLOY_RAFT, DEPLOY_IBFT, DEPLOY_QBFT };
enum deploy_tm { DEPLOY_TESSERA, DEPLOY_CONSTELLATION, DEPLOY_TM_NONE };
enum deploy_tm_tls { DEPLOY_TLS_STRICT, DEPLOY_TLS_OFF };
enum deploy_tm_trust {
    DEPLOY_TRUST_WHITELIST,
    DEPLOY_TRUST_CA_OR_TOFU,
    DEPLOY_TRUST_CA,
    DEPLOY_TRUST_TOFU
};
enum deploy_peer_type { DEPLOY_VALIDATOR, DEPLOY_MEMBER, DEPLOY_NON_VALIDATOR };
enum deploy_database { DEPLOY_SQLITE, DEPLOY_MYSQL };

struct deploy_env {
    struct deploy_text type;
    struct deploy_text proxy;
    struct deploy_text proxy_namespace;
    struct deploy_text proxy_class;
    struct deploy_texts
        ambassador_ports;           /* words of "a,b,c", or of the object form: see check_ports.c */
    struct deploy_number port_from; /* ambassadorPorts.portRange */
    struct deploy_number port_to;
    struct deploy_texts source_ranges;
    struct deploy_number retry_count;
    struct deploy_text external_dns;
};

struct deploy_docker {
    struct deploy_text url;
    struct deploy_text username;
    struct deploy_text password;
};

struct deploy_bootnode {
    struct deploy_text name;
    struct deploy_text url;
    struct deploy_number rpcport;
    struct deploy_number nodeid;
};

struct deploy_config {
    struct deploy_choice consensus; /* enum deploy_consensus */
    struct deploy_text subject;
    struct deploy_choice transaction_manager; /* enum deploy_tm */
    struct deploy_text tm_version;
    struct deploy_choice tm_tls;   /* enum deploy_tm_tls */
    struct deploy_choice tm_trust; /* enum deploy_tm_trust */
    struct deploy_texts tm_nodes;
    struct deploy_text staticnodes;
    struct deploy_text genesis;
    struct deploy_number chain_id;
    struct deploy_number
        network_id; /* not given: the chain id of the genesis; on clusters the chart's */
    struct deploy_number
        block_period; /* seconds; milliseconds for raft's minting are the node's own flag */
    struct deploy_choice database;    /* enum deploy_database */
    struct deploy_bootnode *bootnode; /* NULL: not given */
};

struct deploy_port {
    struct deploy_number port;
    struct deploy_number ambassador;
    struct deploy_number clientport; /* of a transaction manager: Tessera's Q2T over TCP */
};

struct deploy_peer {
    struct deploy_place place;
    struct deploy_text name;
    struct deploy_text subject;
    struct deploy_choice type; /* enum deploy_peer_type */
    struct deploy_text geth_passphrase;
    struct deploy_switch lock; /* true where the file does not say exactly false */
    struct deploy_text bootnode;
    struct deploy_port *p2p;
    struct deploy_port *rpc;
    struct deploy_port *ws;
    struct deploy_port *raft;
    struct deploy_port *tm;
    struct deploy_port *db;
    struct deploy_port *metrics;
};

struct deploy_peers {
    struct deploy_peer *items;
    size_t count;
    struct deploy_place place;
};

struct deploy_services {
    struct deploy_peers validators; /* Bevel 1.1: nodes without a transaction manager */
    struct deploy_peers peers;
};

struct deploy_aws {
    struct deploy_text access_key;
    struct deploy_text secret_key;
    struct deploy_text region;
};

struct deploy_k8s {
    struct deploy_place place;
    struct deploy_text context;
    struct deploy_text config_file;
    struct deploy_text region;
};

struct deploy_vault {
    struct deploy_place place;
    struct deploy_text url;
    struct deploy_text root_token;
    struct deploy_text secret_path;
    struct deploy_text type;
    struct deploy_switch allow_plain_http;
};

struct deploy_gitops {
    struct deploy_place place;
    struct deploy_text git_protocol;
    struct deploy_text git_url;
    struct deploy_text branch;
    struct deploy_text release_dir;
    struct deploy_text chart_source;
    struct deploy_text git_repo;
    struct deploy_text username;
    struct deploy_text password;
    struct deploy_text email;
    struct deploy_text private_key;
};

struct deploy_organization {
    struct deploy_place place;
    struct deploy_text name;
    struct deploy_text type;
    struct deploy_text org_status;
    struct deploy_text external_url_suffix;
    struct deploy_text cloud_provider;
    struct deploy_switch external; /* others run it: known by its bundle (deploy/keys/bundle.h) */
    struct deploy_aws *aws;
    struct deploy_k8s *k8s;
    struct deploy_vault *vault;
    struct deploy_gitops *gitops;
    struct deploy_services *services;
};

struct deploy_organizations {
    struct deploy_organization *items;
    size_t count;
    struct deploy_place place;
};

struct deploy_network {
    struct deploy_text type;
    struct deploy_text version;
    struct deploy_env *env;
    struct deploy_docker *docker;
    struct deploy_config *config;
    struct deploy_organizations organizations;
};

/* One peer with where it stands: for walking all of them. */
struct deploy_peer_at {
    const struct deploy_organization *organization;
    const struct deploy_peer *peer;
    bool has_tm;   /* false for the items of `validators` */
    char path[96]; /* "network.organizations[0].services.peers[1]" */
    size_t organization_index;
};

/* Validators of an organization first, then its peers, in the order of the file. `index` from 0 up; false at the end. */
bool deploy_peer_at(struct deploy_peer_at *ret, const struct deploy_network *network, size_t index);

/* What the network is to be brought up on: fields that only a cluster needs may be missing, or still be placeholders,
 * on one machine. */
enum deploy_target { DEPLOY_LOCAL, DEPLOY_KUBERNETES };

/* The target a file is written for: a cluster when any organization has `k8s`. */
enum deploy_target deploy_network_target(const struct deploy_network *network);

/*
 * Reads and checks a file. All problems go to `report`; ret_network is set when the file could be read as a network at
 * all, even with problems, and must not be acted upon unless the report has no error. The model lives in the report's
 * arena. `target` may be NULL: the file's own. ERR_NOMEM.
 */
int deploy_network_parse(const struct deploy_network **ret_network, struct bytes content,
                         const enum deploy_target *target,
                         struct deploy_report *report) BASE_NODISCARD;

#endif
