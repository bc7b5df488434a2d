#include "deploy/network/starter.h"

static const char *const consensus_words[] = {"raft", "ibft", "qbft"};
static const char *const manager_words[] = {"tessera", "constellation", "none"};

enum {
    P2P_PUBLISHED = 15010, /* BAF's numbers: ten a peer, in the order p2p, rpc, TM, raft */
    PUBLISHED_STEP = 10,
};

static void append_ports(struct buf *b, const struct deploy_starter *starter)
{
    buf_append_text(b, "    ambassadorPorts: \"");
    for (size_t i = 0; i < starter->count; i++)
        for (int j = 0; j < 4; j++)
            buf_append_format(b, "%s%zu", i || j ? "," : "",
                              P2P_PUBLISHED + PUBLISHED_STEP * i + (size_t)j);
    buf_append_text(b, "\"   # opened by the proxy of each cluster\n");
}

static void append_environment(struct buf *b, const struct deploy_starter *starter)
{
    buf_append_text(b, "  env:\n"
                       "    type: \"dev\"                 # name of the environment\n"
                       "    proxy: ambassador\n");
    append_ports(b, starter);
    buf_append_text(b, "    retry_count: 20             # tries of each wait\n"
                       "    external_dns: enabled\n"
                       "  docker:                       # where the images come from\n"
                       "    url: \"index.docker.io/hyperledgerlabs\"\n"
                       "    username: \"docker_username\"\n"
                       "    password: env:DOCKER_PASSWORD\n");
}

static void append_config(struct buf *b, const struct deploy_starter *starter)
{
    buf_append_format(
        b,
        "  config:\n"
        "    consensus: %s             # raft, ibft or qbft\n"
        "    transaction_manager: %s  # tessera, constellation or none\n"
        "    tm_tls: \"%s\"               # strict or off, between transaction managers\n"
        "    tm_trust: \"tofu\"            # whitelist, ca-or-tofu, ca or tofu\n",
        consensus_words[starter->consensus], manager_words[starter->transaction_manager],
        starter->cluster ? "strict" : "off");
    if (starter->consensus != DEPLOY_RAFT)
        buf_append_text(b, "    block_period: 1             # seconds\n");
    if (!starter->cluster || starter->transaction_manager == DEPLOY_TM_NONE)
        return;
    buf_append_text(b, "    tm_nodes:                   # the transaction managers' public URLs\n");
    for (size_t i = 0; i < starter->count; i++) {
        bool tessera = starter->transaction_manager == DEPLOY_TESSERA;
        if (tessera)
            buf_append_format(b, "      - \"https://%s.quorum.example.com:8443\"\n",
                              starter->organizations[i]);
        else if (i == 0)
            buf_append_format(b, "      - \"https://%s.quorum.example.com:15012/\"\n",
                              starter->organizations[i]);
    }
}

static void append_cluster(struct buf *b)
{
    buf_append_text(b, "      external_url_suffix: quorum.example.com # DNS suffix of the nodes\n"
                       "      cloud_provider: minikube  # aws, azure, gcp or minikube\n"
                       "      k8s:\n"
                       "        context: \"cluster_context\"\n"
                       "        config_file: \"cluster_config\"\n"
                       "      vault:\n"
                       "        url: \"vault_addr\"\n"
                       "        root_token: env:VAULT_TOKEN # a reference, never the token itself\n"
                       "        secret_path: \"secret\"\n");
}

static void append_peer(struct buf *b, const struct deploy_starter *starter, size_t index)
{
    buf_append_format(b,
                      "      services:\n"
                      "        peers:\n"
                      "        - peer:\n"
                      "          name: %s\n"
                      "          subject: \"O=%s,OU=%s,L=51.50/-0.13/London,C=GB\"\n"
                      "          type: validator       # or non-validator\n"
                      "          lock: true            # false keeps the node's account unlocked\n",
                      starter->organizations[index], starter->organizations[index],
                      starter->organizations[index]);
    size_t published = P2P_PUBLISHED + PUBLISHED_STEP * index;
    bool tessera = starter->transaction_manager == DEPLOY_TESSERA;
    const struct {
        const char *name;
        size_t port, ambassador;
        bool there;
    } ports[] = {
        {"p2p", 21000, published, true},
        {"rpc", 8546, published + 1, true},
        {"transaction_manager", tessera ? 8443 : 9001, tessera ? 8443 : published + 2,
         starter->transaction_manager != DEPLOY_TM_NONE},
        {"raft", 50401, published + 3, starter->consensus == DEPLOY_RAFT},
    };
    for (size_t i = 0; i < BASE_COUNT(ports); i++) {
        if (!ports[i].there)
            continue;
        buf_append_format(b, "          %s:\n            port: %zu\n", ports[i].name,
                          ports[i].port);
        if (starter->cluster)
            buf_append_format(b, "            ambassador: %zu\n", ports[i].ambassador);
    }
    if (starter->cluster && tessera)
        buf_append_text(b, "          db:\n            port: 3306\n");
}

void deploy_starter_format(struct buf *b, const struct deploy_starter *starter)
{
    assert(starter->count >= 1 && starter->count <= DEPLOY_STARTER_ORGANIZATIONS_MAX);
    buf_append_text(b,
                    "# A Quorum network. `quorate check` says what is wrong with this file, "
                    "`quorate schema` what it can say.\n"
                    "network:\n"
                    "  type: quorum\n"
                    "  version: 24.4.1               # of GoQuorum, whose place the nodes take\n");
    if (starter->cluster)
        append_environment(b, starter);
    append_config(b, starter);
    buf_append_text(b,
                    "  organizations:                # their order is that of the static nodes\n");
    for (size_t i = 0; i < starter->count; i++) {
        buf_append_format(b, "    - organization:\n      name: %s\n", starter->organizations[i]);
        if (starter->cluster)
            append_cluster(b);
        append_peer(b, starter, i);
    }
}
