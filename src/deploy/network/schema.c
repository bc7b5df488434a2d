#include "deploy/network/schema.h"

#include "base/options.h"

#define AT(type, member) offsetof(struct deploy_##type, member)
#define WORDS(...)       ((const char *const[]){__VA_ARGS__, NULL})
#define OBJECT(text, type, place_offset, rows)                                                     \
    {.name = text,                                                                                 \
     .size = sizeof(struct deploy_##type),                                                         \
     .place = place_offset,                                                                        \
     .fields = rows,                                                                               \
     .count = BASE_COUNT(rows)}
#define CLUSTER_OBJECT(text, type, place_offset, rows)                                             \
    {.name = text,                                                                                 \
     .size = sizeof(struct deploy_##type),                                                         \
     .place = place_offset,                                                                        \
     .cluster = true,                                                                              \
     .fields = rows,                                                                               \
     .count = BASE_COUNT(rows)}
#define TEXT(type, member, title, needed, text)                                                    \
    {.name = title,                                                                                \
     .kind = DEPLOY_FIELD_TEXT,                                                                    \
     .need = needed,                                                                               \
     .offset = AT(type, member),                                                                   \
     .help = text}
#define SECRET(type, member, title, needed, text)                                                  \
    {.name = title,                                                                                \
     .kind = DEPLOY_FIELD_TEXT,                                                                    \
     .need = needed,                                                                               \
     .offset = AT(type, member),                                                                   \
     .secret = true,                                                                               \
     .help = text}
#define NUMBER(type, member, title, needed, from, to, text)                                        \
    {.name = title,                                                                                \
     .kind = DEPLOY_FIELD_NUMBER,                                                                  \
     .need = needed,                                                                               \
     .offset = AT(type, member),                                                                   \
     .low = from,                                                                                  \
     .high = to,                                                                                   \
     .help = text}
#define PORT(type, member, title, text) NUMBER(type, member, title, DEPLOY_OPTIONAL, 1, 65535, text)
#define FREE(title, text)                                                                          \
    {.name = title, .kind = DEPLOY_FIELD_FREE, .need = DEPLOY_OPTIONAL, .help = text}
#define MARKER(title)                                                                              \
    {.name = title,                                                                                \
     .kind = DEPLOY_FIELD_MARKER,                                                                  \
     .need = DEPLOY_OPTIONAL,                                                                      \
     .help = "opens an item of the list, with nothing behind it; may be left out"}
#define PART(type, member, title, needed, table, text)                                             \
    {.name = title,                                                                                \
     .kind = DEPLOY_FIELD_OBJECT,                                                                  \
     .need = needed,                                                                               \
     .offset = AT(type, member),                                                                   \
     .object = &(table),                                                                           \
     .help = text}

static const struct deploy_field env_fields[] = {
    TEXT(env, type, "type", DEPLOY_ON_CLUSTER, "name of the environment, [a-z0-9-]{1,15}"),
    TEXT(env, proxy, "proxy", DEPLOY_OPTIONAL,
         "how nodes are reached from outside: ambassador, ingress, gateway, haproxy, none"),
    TEXT(env, proxy_class, "proxy_class", DEPLOY_OPTIONAL,
         "class of the ingresses or gateways, for proxy ingress and gateway"),
    TEXT(env, proxy_namespace, "proxy_namespace", DEPLOY_OPTIONAL, "namespace of the proxy"),
    {.name = "ambassadorPorts",
     .kind = DEPLOY_FIELD_PORTS,
     .need = DEPLOY_OPTIONAL,
     .offset = 0,
     .help = "published TCP ports: \"15010,15011\" or {ports: [...], portRange: {from, to}}"},
    {.name = "loadBalancerSourceRanges",
     .kind = DEPLOY_FIELD_TEXTS,
     .need = DEPLOY_OPTIONAL,
     .offset = AT(env, source_ranges),
     .commas = true,
     .help = "who may connect, as CIDR ranges; default 0.0.0.0/0"},
    NUMBER(env, retry_count, "retry_count", DEPLOY_OPTIONAL, 1, 1000,
           "tries of each wait on a cluster"),
    TEXT(env, external_dns, "external_dns", DEPLOY_OPTIONAL, "enabled or disabled"),
    FREE("labels", "labels for services, claims and deployments"),
};
static const struct deploy_object env_object = CLUSTER_OBJECT("env", env, SIZE_MAX, env_fields);

static const struct deploy_field docker_fields[] = {
    TEXT(docker, url, "url", DEPLOY_ON_CLUSTER, "registry of the images"),
    TEXT(docker, username, "username", DEPLOY_OPTIONAL, "user of the registry"),
    SECRET(docker, password, "password", DEPLOY_OPTIONAL, "password of the registry"),
};
static const struct deploy_object docker_object =
    CLUSTER_OBJECT("docker", docker, SIZE_MAX, docker_fields);

static const struct deploy_field bootnode_fields[] = {
    TEXT(bootnode, name, "name", DEPLOY_OPTIONAL, "name of a live peer"),
    TEXT(bootnode, url, "url", DEPLOY_ALWAYS, "its host"),
    NUMBER(bootnode, rpcport, "rpcport", DEPLOY_ALWAYS, 1, 65535, "its published JSON-RPC port"),
    NUMBER(bootnode, nodeid, "nodeid", DEPLOY_OPTIONAL, 0, 0, "not used; kept for older files"),
};
static const struct deploy_object bootnode_object =
    OBJECT("bootnode", bootnode, SIZE_MAX, bootnode_fields);

static const struct deploy_field config_fields[] = {
    {.name = "consensus",
     .kind = DEPLOY_FIELD_CHOICE,
     .need = DEPLOY_ALWAYS,
     .offset = AT(config, consensus),
     .words = WORDS("raft", "ibft", "qbft"),
     .help = "how the nodes agree on blocks"},
    TEXT(config, subject, "subject", DEPLOY_OPTIONAL,
         "X.500 name of the network's root certificate authority"),
    {.name = "transaction_manager",
     .kind = DEPLOY_FIELD_CHOICE,
     .need = DEPLOY_OPTIONAL,
     .offset = AT(config, transaction_manager),
     .words = WORDS("tessera", "constellation", "none"),
     .value = 1 + DEPLOY_TESSERA,
     .help = "who keeps private payloads"},
    TEXT(config, tm_version, "tm_version", DEPLOY_OPTIONAL,
         "version of the transaction manager whose files and flags are spoken"),
    {.name = "tm_tls",
     .kind = DEPLOY_FIELD_CHOICE,
     .need = DEPLOY_OPTIONAL,
     .offset = AT(config, tm_tls),
     .words = WORDS("strict", "off"),
     .value = 1 + DEPLOY_TLS_STRICT,
     .help = "TLS between transaction managers"},
    {.name = "tm_trust",
     .kind = DEPLOY_FIELD_CHOICE,
     .need = DEPLOY_OPTIONAL,
     .offset = AT(config, tm_trust),
     .words = WORDS("whitelist", "ca-or-tofu", "ca", "tofu"),
     .value = 1 + DEPLOY_TRUST_TOFU,
     .help = "whose certificates are trusted"},
    {.name = "tm_nodes",
     .kind = DEPLOY_FIELD_TEXTS,
     .need = DEPLOY_OPTIONAL,
     .offset = AT(config, tm_nodes),
     .help = "URLs of the transaction managers: all for Tessera, one boot node ending in / for "
             "Constellation"},
    TEXT(config, staticnodes, "staticnodes", DEPLOY_OPTIONAL,
         "absolute path of the static nodes: written for a new network, read for an existing one"),
    TEXT(config, genesis, "genesis", DEPLOY_OPTIONAL,
         "absolute path of the genesis: written for a new network, read for an existing one"),
    {.name = "chain_id",
     .kind = DEPLOY_FIELD_NUMBER,
     .need = DEPLOY_OPTIONAL,
     .offset = AT(config, chain_id),
     .low = 2,
     .high = UINT64_C(0x7fffffffffffffff),
     .value = 1 + 10,
     .help = "chain id of a new genesis; 1 is refused by GoQuorum"},
    {.name = "network_id",
     .kind = DEPLOY_FIELD_NUMBER,
     .need = DEPLOY_OPTIONAL,
     .offset = AT(config, network_id),
     .low = 1,
     .high = UINT64_C(0x7fffffffffffffff),
     .help = "what the nodes of an existing network give to --networkid (their net_version); "
             "default: the chain id of the genesis"},
    {.name = "block_period",
     .kind = DEPLOY_FIELD_NUMBER,
     .need = DEPLOY_OPTIONAL,
     .offset = AT(config, block_period),
     .low = 1,
     .high = 3600,
     .value = 1 + 1,
     .help = "seconds between blocks of IBFT and QBFT (Quorate's own field)"},
    {.name = "database",
     .kind = DEPLOY_FIELD_CHOICE,
     .need = DEPLOY_OPTIONAL,
     .offset = AT(config, database),
     .words = WORDS("sqlite", "mysql"),
     .help = "where transaction managers keep payloads (Quorate's own field): sqlite on one "
             "machine, mysql on a cluster"},
    FREE("accounts", "addresses that get a balance in Bevel 1.1's genesis"),
    PART(config, bootnode, "bootnode", DEPLOY_OPTIONAL, bootnode_object,
         "a live node, when peers are added to an existing network"),
};
static const struct deploy_object config_object = OBJECT("config", config, SIZE_MAX, config_fields);

static const struct deploy_field port_fields[] = {
    PORT(port, port, "port", "port that the program listens on"),
    PORT(port, ambassador, "ambassador", "port that the proxy publishes"),
    PORT(port, clientport, "clientport", "port for the node's own requests"),
};
static const struct deploy_object port_object = OBJECT("port", port, SIZE_MAX, port_fields);

#define PORTS(member, title, text) PART(peer, member, title, DEPLOY_OPTIONAL, port_object, text)

static const struct deploy_field peer_fields[] = {
    MARKER("peer"),
    MARKER("validator"),
    TEXT(peer, name, "name", DEPLOY_ALWAYS, "name of the node: [a-z0-9-]{1,30}"),
    TEXT(peer, subject, "subject", DEPLOY_OPTIONAL,
         "O=..,OU=..,L=lat/long/City,C=..: the node's --identity"),
    {.name = "type",
     .kind = DEPLOY_FIELD_CHOICE,
     .need = DEPLOY_OPTIONAL,
     .offset = AT(peer, type),
     .words = WORDS("validator", "member", "non-validator", "nonvalidator"),
     .value = 1 + DEPLOY_VALIDATOR,
     .help = "whether it makes blocks (IBFT and QBFT)"},
    SECRET(peer, geth_passphrase, "geth_passphrase", DEPLOY_OPTIONAL,
           "passphrase of the node's account; made at random when it is not given"),
    {.name = "lock",
     .kind = DEPLOY_FIELD_SWITCH,
     .need = DEPLOY_OPTIONAL,
     .offset = AT(peer, lock),
     .value = 1 + true,
     .help = "false unlocks the node's account for as long as it runs"},
    TEXT(peer, bootnode, "bootnode", DEPLOY_OPTIONAL, "not used; kept for newer files"),
    PORTS(p2p, "p2p", "RLPx"),
    PORTS(rpc, "rpc", "JSON-RPC over HTTP"),
    PORTS(ws, "ws", "JSON-RPC over WebSocket"),
    PORTS(raft, "raft", "raft's transport, when consensus is raft"),
    PORTS(tm, "transaction_manager", "the transaction manager's public server"),
    PORTS(db, "db", "the transaction manager's database server"),
    PORTS(metrics, "metrics", "metrics for Prometheus"),
    FREE("tm_nodeport", "node port of the transaction manager"),
    FREE("tm_clientport", "older name of transaction_manager.clientport"),
    FREE("cactus_connector", "a connector that is not Quorate's"),
};
static const struct deploy_object peer_object =
    OBJECT("peer", peer, offsetof(struct deploy_peer, place), peer_fields);

static const struct deploy_field services_fields[] = {
    {.name = "validators",
     .kind = DEPLOY_FIELD_OBJECTS,
     .need = DEPLOY_OPTIONAL,
     .offset = AT(services, validators),
     .object = &peer_object,
     .help = "nodes that make blocks and have no transaction manager (Bevel 1.1)"},
    {.name = "peers",
     .kind = DEPLOY_FIELD_OBJECTS,
     .need = DEPLOY_OPTIONAL,
     .offset = AT(services, peers),
     .object = &peer_object,
     .help = "nodes with a transaction manager each"},
};
static const struct deploy_object services_object =
    OBJECT("services", services, SIZE_MAX, services_fields);

static const struct deploy_field aws_fields[] = {
    SECRET(aws, access_key, "access_key", DEPLOY_OPTIONAL, "key of the cloud account"),
    SECRET(aws, secret_key, "secret_key", DEPLOY_OPTIONAL, "secret of the cloud account"),
    TEXT(aws, region, "region", DEPLOY_OPTIONAL, "region"),
    FREE("zone", "zone"),
    FREE("encryption_key", "key that encrypts volumes"),
};
static const struct deploy_object aws_object = CLUSTER_OBJECT("aws", aws, SIZE_MAX, aws_fields);

static const struct deploy_field k8s_fields[] = {
    TEXT(k8s, context, "context", DEPLOY_ALWAYS, "context of the kubeconfig"),
    TEXT(k8s, config_file, "config_file", DEPLOY_ALWAYS, "path of the kubeconfig"),
    TEXT(k8s, region, "region", DEPLOY_OPTIONAL, "region"),
    FREE("cluster_id", "name of the cluster"),
};
static const struct deploy_object k8s_object =
    CLUSTER_OBJECT("k8s", k8s, offsetof(struct deploy_k8s, place), k8s_fields);

static const struct deploy_field vault_fields[] = {
    TEXT(vault, url, "url", DEPLOY_ALWAYS,
         "address of the Vault, as the operator and the pods reach it"),
    SECRET(vault, root_token, "root_token", DEPLOY_OPTIONAL,
           "token; better a reference: env:NAME or file:PATH"),
    TEXT(vault, secret_path, "secret_path", DEPLOY_OPTIONAL, "mount of the key-value engine"),
    TEXT(vault, type, "type", DEPLOY_OPTIONAL, "hashicorp or kubernetes"),
    {.name = "allow_plain_http",
     .kind = DEPLOY_FIELD_SWITCH,
     .need = DEPLOY_OPTIONAL,
     .offset = AT(vault, allow_plain_http),
     .value = 1 + false,
     .help = "true: url may be http:// to another machine, and tokens and keys go in clear"},
};
static const struct deploy_object vault_object =
    CLUSTER_OBJECT("vault", vault, offsetof(struct deploy_vault, place), vault_fields);

static const struct deploy_field gitops_fields[] = {
    TEXT(gitops, git_protocol, "git_protocol", DEPLOY_OPTIONAL, "https or ssh"),
    TEXT(gitops, git_url, "git_url", DEPLOY_ON_CLUSTER, "URL that Flux reads"),
    TEXT(gitops, branch, "branch", DEPLOY_ON_CLUSTER, "branch"),
    TEXT(gitops, release_dir, "release_dir", DEPLOY_ON_CLUSTER, "folder of the release files"),
    TEXT(gitops, chart_source, "chart_source", DEPLOY_ON_CLUSTER, "folder of the charts"),
    TEXT(gitops, git_repo, "git_repo", DEPLOY_ON_CLUSTER,
         "host and path of the repository, without scheme"),
    TEXT(gitops, username, "username", DEPLOY_OPTIONAL, "user who pushes"),
    SECRET(gitops, password, "password", DEPLOY_OPTIONAL, "password or token of that user"),
    TEXT(gitops, email, "email", DEPLOY_OPTIONAL, "address of that user"),
    TEXT(gitops, private_key, "private_key", DEPLOY_OPTIONAL, "path of the key for ssh"),
};
static const struct deploy_object gitops_object =
    CLUSTER_OBJECT("gitops", gitops, offsetof(struct deploy_gitops, place), gitops_fields);

static const struct deploy_field organization_fields[] = {
    MARKER("organization"),
    TEXT(organization, name, "name", DEPLOY_ALWAYS, "name of the organization: [a-z0-9-]{1,30}"),
    TEXT(organization, type, "type", DEPLOY_OPTIONAL, "validator or member (Bevel 1.1)"),
    TEXT(organization, org_status, "org_status", DEPLOY_OPTIONAL, "new or existing (Bevel 1.1)"),
    TEXT(organization, external_url_suffix, "external_url_suffix", DEPLOY_ON_CLUSTER,
         "DNS suffix; differs from cluster to cluster"),
    TEXT(organization, cloud_provider, "cloud_provider", DEPLOY_ON_OWN_CLUSTER,
         "aws, aws-baremetal, azure, gcp or minikube"),
    {.name = "external",
     .kind = DEPLOY_FIELD_SWITCH,
     .need = DEPLOY_OPTIONAL,
     .offset = AT(organization, external),
     .value = 1 + false,
     .help = "true: others run it; its peers are known from its bundle (`quorate bundle`)"},
    PART(organization, aws, "aws", DEPLOY_OPTIONAL, aws_object, "the cloud account, for aws"),
    PART(organization, k8s, "k8s", DEPLOY_ON_OWN_CLUSTER, k8s_object, "the organization's cluster"),
    PART(organization, vault, "vault", DEPLOY_ON_OWN_CLUSTER, vault_object,
         "the organization's Vault"),
    PART(organization, gitops, "gitops", DEPLOY_OPTIONAL, gitops_object,
         "where release files are pushed to"),
    PART(organization, services, "services", DEPLOY_ALWAYS, services_object,
         "the organization's nodes"),
    FREE("unit", "unit of the organization"),
};
static const struct deploy_object organization_object = OBJECT(
    "organization", organization, offsetof(struct deploy_organization, place), organization_fields);

static const struct deploy_field network_fields[] = {
    TEXT(network, type, "type", DEPLOY_ALWAYS, "quorum"),
    TEXT(network, version, "version", DEPLOY_OPTIONAL,
         "version of GoQuorum whose place the nodes take"),
    FREE("frontend", "a switch of the sample application"),
    FREE("permissioning", "permissioned nodes (Bevel 1.1)"),
    PART(network, env, "env", DEPLOY_ON_CLUSTER, env_object, "the environment"),
    PART(network, docker, "docker", DEPLOY_ON_CLUSTER, docker_object, "the registry of the images"),
    PART(network, config, "config", DEPLOY_ALWAYS, config_object, "what all nodes share"),
    {.name = "organizations",
     .kind = DEPLOY_FIELD_OBJECTS,
     .need = DEPLOY_ALWAYS,
     .offset = AT(network, organizations),
     .object = &organization_object,
     .help = "the organizations, in the order of the static nodes"},
};
const struct deploy_object deploy_schema_network =
    OBJECT("network", network, SIZE_MAX, network_fields);

const struct deploy_field *deploy_schema_find(const struct deploy_object *object, const char *name)
{
    for (size_t i = 0; i < object->count; i++)
        if (strcmp(object->fields[i].name, name) == 0)
            return &object->fields[i];
    return NULL;
}

const char *deploy_schema_nearest(const struct deploy_object *object, const char *name)
{
    const char *names[32];
    assert(object->count <= BASE_COUNT(names));
    for (size_t i = 0; i < object->count; i++)
        names[i] = object->fields[i].name;
    return options_nearest(name, names, object->count);
}
