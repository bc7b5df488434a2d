#include "deploy/kubernetes/values.h"

#include "base/base64.h"
#include "base/hex.h"

#include <stdio.h>

#define ROOT "/etc/quorum/qdata"

static const char *const consensus_words[] = {"raft", "ibft", "qbft"};
static const char *const trust_words[] = {"WHITELIST", "CA_OR_TOFU", "CA", "TOFU"};
static const char *const small_trust_words[] = {"whitelist", "ca-or-tofu", "ca", "tofu"};

static json_t *number(uint64_t value)
{
    return json_integer((json_int_t)value);
}

static bool is_strict(const struct deploy_cluster *cluster)
{
    return cluster->network->config->tm_tls.value == DEPLOY_TLS_STRICT;
}

static bool is_tessera(const struct deploy_cluster *cluster)
{
    return cluster->network->config->transaction_manager.value == DEPLOY_TESSERA;
}

static uint64_t tm_port(const struct deploy_cluster *cluster, const struct deploy_peer *peer)
{
    return deploy_cluster_port(peer->tm, is_tessera(cluster) ? DEPLOY_PORT_TESSERA
                                                             : DEPLOY_PORT_CONSTELLATION);
}

static json_t *images(const struct deploy_cluster *cluster, const struct deploy_cluster_peer *peer)
{
    json_t *v = json_pack("{s:s, s:s}", "node", cluster->image, "alpineutils", cluster->image);
    if (!peer->has_tm)
        return v;
    if (!is_tessera(cluster)) {
        json_object_set_new(v, "constellation", json_string(cluster->image));
        return v;
    }
    json_object_set_new(v, "tessera", json_string(cluster->image));
    json_object_set_new(v, "busybox", json_string(cluster->image));
    if (cluster->options->database_image)
        json_object_set_new(v, "mysql", json_string(cluster->options->database_image));
    return v;
}

static json_t *ports(const struct deploy_cluster *cluster, const struct deploy_cluster_peer *peer)
{
    const struct deploy_peer *p = peer->peer;
    json_t *v = json_object();
    json_object_set_new(v, "rpc", number(deploy_cluster_port(p->rpc, DEPLOY_PORT_RPC)));
    json_object_set_new(v, "raft", number(deploy_cluster_port(p->raft, DEPLOY_PORT_RAFT)));
    if (peer->has_tm)
        json_object_set_new(v, is_tessera(cluster) ? "tm" : "constellation",
                            number(tm_port(cluster, p)));
    json_object_set_new(v, "quorum", number(deploy_cluster_port(p->p2p, DEPLOY_PORT_P2P)));
    if (peer->has_tm && is_tessera(cluster))
        json_object_set_new(v, "db", number(deploy_cluster_port(p->db, DEPLOY_PORT_DATABASE)));
    return v;
}

static bool has_registry_secret(const struct deploy_docker *docker)
{
    return docker && docker->username.text && docker->password.text;
}

static json_t *node(const struct deploy_cluster *cluster, const struct deploy_cluster_peer *peer)
{
    const struct deploy_peer *p = peer->peer;
    const struct deploy_config *config = cluster->network->config;
    bool tessera = peer->has_tm && is_tessera(cluster);
    const char *provider = peer->organization->cloud_provider.text;
    bool minikube = tessera && provider && strcmp(provider, "minikube") == 0;
    json_t *v = json_object();
    json_object_set_new(v, "name", json_string(p->name.text));
    json_object_set_new(v, "status",
                        json_string(peer->founder && !peer->raft_id ? "default" : "additional"));
    if (peer->raft_id)
        json_object_set_new(v, "peer_id", number(peer->raft_id));
    json_object_set_new(v, "consensus", json_string(consensus_words[config->consensus.value]));
    if (p->subject.text)
        json_object_set_new(v, "subject", json_string(p->subject.text));
    char id[2 * sizeof(peer->identity.node.b) + 1] = {0};
    hex_encode(id, bytes_of(peer->identity.node.b, sizeof(peer->identity.node.b)));
    json_object_set_new(v, "enode", json_string(id));
    json_object_set_new(v, "mountPath", json_string(ROOT));
    /* Constellation's chart spells it so. */
    json_object_set_new(
        v, peer->has_tm && !tessera ? "imagepullsecret" : "imagePullSecret",
        json_string(has_registry_secret(cluster->network->docker) ? DEPLOY_REGISTRY_SECRET : ""));
    json_object_set_new(v, "keystore", json_string("keystore_1"));
    json_object_set_new(v, "servicetype", json_string(minikube ? "NodePort" : "ClusterIP"));
    json_object_set_new(v, "lock", json_boolean(p->lock.value));
    json_object_set_new(v, "ports", ports(cluster, peer));
    if (tessera) {
        json_object_set_new(v, "dbname", json_string("demodb"));
        json_object_set_new(v, "mysqluser", json_string("demouser"));
    }
    if (config->network_id.given)
        json_object_set_new(v, "networkid", number(config->network_id.value));
    if (config->consensus.value != DEPLOY_RAFT)
        json_object_set_new(v, "mine", json_boolean(peer->validator));
    return v;
}

static json_t *vault(const struct deploy_cluster *cluster, const struct deploy_cluster_peer *peer)
{
    char path[DEPLOY_SECRETS_PATH_MAX + 1], mount[DEPLOY_CLUSTER_NAME_MAX];
    deploy_secret_path(path, peer->organization, peer->peer, DEPLOY_SECRET_QUORUM);
    *strrchr(path, '/') = 0;
    deploy_name_auth_mount(mount, peer->organization);
    json_t *v = json_pack("{s:s, s:s, s:s, s:s}", "address", peer->organization->vault->url.text,
                          "secretprefix", path, "serviceaccountname", DEPLOY_ACCOUNT_PODS,
                          "keyname", "quorum");
    if (peer->has_tm)
        json_object_set_new(v, "tm_keyname", json_string("transaction"));
    json_object_set_new(v, "role", json_string(DEPLOY_VAULT_ROLE));
    json_object_set_new(v, "authpath", json_string(mount));
    if (peer->organization->vault->allow_plain_http.value)
        json_object_set_new(v, "allowPlainHttp", json_true());
    if (deploy_cluster_certified(cluster, peer) && deploy_cluster_trusts_authorities(cluster)) {
        char mark[DEPLOY_CERTIFICATE_MARK];
        deploy_cluster_certificate_mark(mark, peer);
        json_object_set_new(v, "certsname", json_string("certs"));
        json_object_set_new(v, "certsmark", json_string(mark));
    }
    return v;
}

/* Of all organizations: whose certificates a manager trusts. NULL where it makes its own on first use. */
static json_t *authorities(const struct deploy_cluster *cluster)
{
    if (!deploy_cluster_trusts_authorities(cluster))
        return NULL;
    json_t *list = json_array();
    for (size_t i = 0; i < cluster->network->organizations.count; i++)
        if (cluster->authorities[i].len)
            json_array_append_new(list, json_string(buf_text(&cluster->authorities[i])));
    return list;
}

static json_t *own_url(const struct deploy_cluster *cluster, const struct deploy_cluster_peer *peer,
                       const char *end)
{
    struct deploy_cluster_address address;
    deploy_cluster_address(&address, cluster, peer, peer->peer->tm, tm_port(cluster, peer->peer));
    return json_sprintf("%s://%s:%llu%s", is_strict(cluster) ? "https" : "http", address.host,
                        (unsigned long long)address.port, end);
}

static json_t *tessera(const struct deploy_cluster *cluster, const struct deploy_cluster_peer *peer)
{
    const struct deploy_config *config = cluster->network->config;
    json_t *others = json_array();
    for (size_t i = 0; i < config->tm_nodes.count; i++)
        json_array_append_new(others, json_pack("{s:s}", "url", config->tm_nodes.items[i].text));
    json_t *v = json_object();
    json_object_set_new(v, "dburl",
                        json_sprintf("jdbc:mysql://%s:%llu/demodb", peer->peer->name.text,
                                     (unsigned long long)deploy_cluster_port(
                                         peer->peer->db, DEPLOY_PORT_DATABASE)));
    json_object_set_new(v, "dbusername", json_string("demouser"));
    json_object_set_new(v, "url", own_url(cluster, peer, ""));
    json_object_set_new(v, "othernodes", others);
    json_object_set_new(v, "tls", json_string(is_strict(cluster) ? "STRICT" : "OFF"));
    json_object_set_new(v, "trust", json_string(trust_words[config->tm_trust.value]));
    if (deploy_cluster_trusts_authorities(cluster))
        json_object_set_new(v, "authorities", authorities(cluster));
    return v;
}

static json_t *constellation(const struct deploy_cluster *cluster,
                             const struct deploy_cluster_peer *peer)
{
    const struct deploy_config *config = cluster->network->config;
    json_t *others = json_array();
    for (size_t i = 0; i < config->tm_nodes.count; i++)
        json_array_append_new(others, json_string(config->tm_nodes.items[i].text));
    json_t *v = json_object();
    json_object_set_new(v, "url", own_url(cluster, peer, "/"));
    json_object_set_new(v, "storage", json_string("bdb:" ROOT "/database"));
    json_object_set_new(v, "tls", json_string(is_strict(cluster) ? "strict" : "off"));
    json_object_set_new(v, "othernodes", others);
    json_object_set_new(v, "trust", json_string(small_trust_words[config->tm_trust.value]));
    if (deploy_cluster_trusts_authorities(cluster))
        json_object_set_new(v, "authorities", authorities(cluster));
    return v;
}

static uint64_t published(const struct deploy_port *port, uint64_t otherwise)
{
    return port && port->ambassador.given ? port->ambassador.value
                                          : deploy_cluster_port(port, otherwise);
}

/* HAProxy's ingress passes TLS through when it is told so; source ranges are given to where they restrict something. */
static void set_provider(json_t *v, const struct deploy_env *env)
{
    const char *word = env && env->proxy.text ? env->proxy.text : "ambassador";
    const char *class = env && env->proxy_class.text ? env->proxy_class.text : NULL;
    bool haproxy = strcmp(word, "haproxy") == 0, gateway = strcmp(word, "gateway") == 0;
    bool ingress = haproxy || strcmp(word, "ingress") == 0;
    json_object_set_new(v, "provider", json_string(ingress ? "ingress" : word));
    if (ingress && (class || haproxy)) {
        json_t *i = json_pack("{s:s}", "className", class ? class : "haproxy");
        if (haproxy)
            json_object_set_new(i, "annotations",
                                json_pack("{s:s}", "haproxy.org/ssl-passthrough", "true"));
        json_object_set_new(v, "ingress", i);
    }
    if (gateway && class)
        json_object_set_new(v, "gateway", json_pack("{s:s}", "className", class));
    if (!ingress || !env->source_ranges.count)
        return;
    json_t *ranges = json_array();
    for (size_t i = 0; i < env->source_ranges.count; i++)
        json_array_append_new(ranges, json_string(env->source_ranges.items[i].text));
    json_object_set_new(v, "sourceRanges", ranges);
}

static json_t *proxy(const struct deploy_cluster *cluster, const struct deploy_cluster_peer *peer)
{
    const struct deploy_peer *p = peer->peer;
    json_t *v = json_object();
    set_provider(v, cluster->network->env);
    if (peer->has_tm && is_tessera(cluster)) {
        struct deploy_cluster_address address;
        deploy_cluster_address(&address, cluster, peer, p->tm, DEPLOY_PORT_TESSERA);
        json_object_set_new(v, "external_url", json_string(address.host));
        json_object_set_new(v, "portTM", number(published(p->tm, DEPLOY_PORT_TESSERA)));
    } else {
        json_object_set_new(v, "external_url_suffix",
                            json_string(peer->organization->external_url_suffix.text));
        if (peer->has_tm)
            json_object_set_new(v, "portConst",
                                number(published(p->tm, DEPLOY_PORT_CONSTELLATION)));
    }
    json_object_set_new(v, "rpcport", number(published(p->rpc, DEPLOY_PORT_RPC)));
    json_object_set_new(v, "quorumport", number(published(p->p2p, DEPLOY_PORT_P2P)));
    if (cluster->network->config->consensus.value == DEPLOY_RAFT)
        json_object_set_new(v, "portRaft", number(published(p->raft, DEPLOY_PORT_RAFT)));
    return v;
}

static json_t *storage(const struct deploy_cluster *cluster, const struct deploy_cluster_peer *peer)
{
    char class[DEPLOY_CLUSTER_NAME_MAX];
    deploy_name_storage_class(class, peer->organization);
    json_t *v = json_pack("{s:s, s:s}", "storageclassname", class, "storagesize", "1Gi");
    if (peer->has_tm && is_tessera(cluster))
        json_object_set_new(v, "dbstorage", json_string("1Gi"));
    return v;
}

static json_t *genesis(const struct deploy_cluster *cluster)
{
    struct buf text = BUF_INIT;
    base64_append(&text, buf_bytes(&cluster->genesis));
    json_t *v = json_string(buf_text(&text));
    buf_release(&text);
    return v;
}

int deploy_cluster_values(json_t **ret_values, const struct deploy_cluster *cluster, size_t index,
                          struct err_detail *detail)
{
    char namespace[64];
    const struct deploy_cluster_peer *peer = &cluster->peers[index];
    if (!peer->founder && !peer->raft_id &&
        cluster->network->config->consensus.value == DEPLOY_RAFT)
        return err_set(detail, ERR_NOTFOUND,
                       "%s joins a Raft cluster and has no id there yet; `quorate up` asks a "
                       "running peer for one, or give --raft-id",
                       peer->name);
    deploy_namespace(namespace, sizeof(namespace), peer->organization);
    json_t *v = json_pack("{s:i, s:{s:s}}", "replicaCount", 1, "metadata", "namespace", namespace);
    json_object_set_new(v, "images", images(cluster, peer));
    json_object_set_new(v, "node", node(cluster, peer));
    json_object_set_new(v, "vault", vault(cluster, peer));
    if (peer->has_tm && is_tessera(cluster))
        json_object_set_new(v, "tessera", tessera(cluster, peer));
    else if (peer->has_tm)
        json_object_set_new(v, "constellation", constellation(cluster, peer));
    json_object_set_new(v, "genesis", genesis(cluster));
    json_object_set(v, "staticnodes", cluster->static_nodes);
    json_object_set_new(v, "proxy", proxy(cluster, peer));
    /* The organization's budget is for all its pods (objects.c). */
    json_object_set_new(v, "disruption", json_pack("{s:b}", "enabled", 0));
    if (json_object_set_new(v, "storage", storage(cluster, peer)) != 0) {
        json_decref(v);
        return err_set(detail, ERR_NOMEM, "out of memory");
    }
    *ret_values = v;
    return ERR_OK;
}

json_t *deploy_cluster_helm_release(const struct deploy_cluster *cluster, size_t index,
                                    json_t *values)
{
    const struct deploy_cluster_peer *peer = &cluster->peers[index];
    const struct deploy_gitops *gitops = peer->organization->gitops;
    const struct deploy_env *env = cluster->network->env;
    char release[DEPLOY_CLUSTER_NAME_MAX], source[64], namespace[64];
    deploy_name_release(release, cluster, peer);
    deploy_namespace(namespace, sizeof(namespace), peer->organization);
    snprintf(source, sizeof(source), "flux-%.40s", env && env->type.text ? env->type.text : "dev");
    const char *folder = gitops && gitops->chart_source.text ? gitops->chart_source.text : "charts";
    json_t *chart = json_sprintf("%s/%s", folder, deploy_name_chart(cluster, peer));
    json_t *reference =
        json_pack("{s:s, s:s, s:s}", "kind", "GitRepository", "name", source, "namespace", source);
    json_t *spec = json_pack("{s:s, s:s, s:{s:{s:s, s:o, s:o}}, s:O}", "releaseName", release,
                             "interval", "1m", "chart", "spec", "interval", "1m", "chart", chart,
                             "sourceRef", reference, "values", values);
    return json_pack("{s:s, s:s, s:{s:s, s:s}, s:o}", "apiVersion", "helm.toolkit.fluxcd.io/v2",
                     "kind", "HelmRelease", "metadata", "name", release, "namespace", namespace,
                     "spec", spec);
}
