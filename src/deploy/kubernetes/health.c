/* How well the pods are: waiting for them, a table of them, votes, and what may be wrong. */
#include "base/clock.h"
#include "deploy/commands/table.h"
#include "deploy/json.h"
#include "deploy/kubernetes/kubectl.h"
#include "deploy/kubernetes/target.h"
#include "deploy/secrets/vault.h"

#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum {
    NEAR_BLOCKS = 3, /* a node this far behind the furthest is in sync: blocks come while we ask */
    ASKED_PEERS = 3, /* how many others say where the chain is: each costs a kubectl */
    LOOK_MICROSECONDS = 500000,
};

/* A number that the console prints. */
static bool ask_number(uint64_t *ret, const struct deploy_cluster_peer *peer,
                       const char *expression)
{
    struct buf text = BUF_INIT;
    bool good = deploy_kubectl_console(&text, peer, expression, NULL) == ERR_OK;
    char *end = NULL;
    const char *from = buf_text(&text);
    unsigned long long value = good ? strtoull(from, &end, 10) : 0;
    good = good && end != from && (*end == '\n' || *end == 0);
    if (good)
        *ret = value;
    buf_release(&text);
    return good;
}

/* Both at once: a question costs seconds where a cluster is slow. */
static bool ask_node(uint64_t *ret_height, uint64_t *ret_peers,
                     const struct deploy_cluster_peer *peer)
{
    struct buf text = BUF_INIT;
    unsigned long long height, peers;
    bool good =
        deploy_kubectl_console(&text, peer, "[eth.blockNumber, net.peerCount]", NULL) == ERR_OK &&
        sscanf(buf_text(&text), "[%llu, %llu]", &height, &peers) == 2;
    if (good) {
        *ret_height = height;
        *ret_peers = peers;
    }
    buf_release(&text);
    return good;
}

static int pod_ready(bool *ret, const struct deploy_cluster_peer *peer, struct err_detail *detail)
{
    char namespace[64];
    struct buf text = BUF_INIT;
    deploy_namespace(namespace, sizeof(namespace), peer->organization);
    struct deploy_tool tool = deploy_kubectl(peer->organization);
    deploy_tool_add(&tool, "get", "statefulset", peer->peer->name.text, "--namespace", namespace,
                    "--ignore-not-found", "--output", "json", NULL);
    int status = deploy_tool_run(&tool, &text, NULL, detail);
    json_t *root = text.len ? json_loadb((const char *)text.data, text.len, 0, NULL) : NULL;
    const json_t *s = json_object_get(root, "status");
    const char *current = json_string_value(json_object_get(s, "currentRevision"));
    const char *update = json_string_value(json_object_get(s, "updateRevision"));
    /* Ready, of the newest revision, and that of the set as it is now. */
    *ret =
        json_integer_value(json_object_get(s, "readyReplicas")) >= 1 &&
        json_integer_value(json_object_get(s, "observedGeneration")) >=
            json_integer_value(json_object_get(json_object_get(root, "metadata"), "generation")) &&
        (!current || !update || strcmp(current, update) == 0);
    json_decref(root);
    buf_release(&text);
    return status;
}

/* The height of the furthest of a few others that answer. */
static uint64_t furthest(const struct deploy_cluster *cluster, size_t but)
{
    uint64_t most = 0, height;
    size_t asked = 0;
    for (size_t i = 0; i < cluster->count && asked < ASKED_PEERS; i++) {
        if (i == but || cluster->peers[i].organization->external.value ||
            !ask_number(&height, &cluster->peers[i], "eth.blockNumber"))
            continue;
        most = height > most ? height : most;
        asked++;
    }
    return most;
}

/* The only one of ours begins alone: others' operators may be later. */
static bool others_are_external(const struct deploy_cluster *cluster, size_t index)
{
    for (size_t i = 0; i < cluster->count; i++)
        if (i != index && !cluster->peers[i].organization->external.value)
            return false;
    return true;
}

int deploy_target_await(const struct deploy_cluster *cluster, size_t index, uint64_t seconds,
                        struct err_detail *detail)
{
    const struct deploy_cluster_peer *peer = &cluster->peers[index];
    double limit = base_now_seconds() + (double)seconds;
    for (;;) {
        bool ready = false;
        uint64_t height = 0, peers = 0;
        int status = pod_ready(&ready, peer, detail);
        if (status != ERR_OK)
            return status;
        /* Others first: blocks come while we ask, so that one that is asked later must be as far. */
        uint64_t far = ready ? furthest(cluster, index) : 0;
        bool answers = ready && ask_node(&height, &peers, peer);
        bool alone = peers == 0 && cluster->count > 1 && !others_are_external(cluster, index);
        if (answers && !alone && height + NEAR_BLOCKS >= far)
            return ERR_OK;
        if (base_now_seconds() > limit)
            return err_set(detail, ERR_IO,
                           "%s is not in sync after %llu s: its pod is %s, and its node %s; "
                           "kubectl describe pod %s-0 says more",
                           peer->name, (unsigned long long)seconds, ready ? "ready" : "not ready",
                           answers ? "is behind or alone" : "does not answer",
                           peer->peer->name.text);
        usleep(LOOK_MICROSECONDS);
    }
}

/* --- Status --- */

struct look {
    bool ready, answers;
    uint64_t height, peers;
};

static int look_at(struct look *ret, const struct deploy_cluster_peer *peer,
                   struct err_detail *detail)
{
    *ret = (struct look){0};
    int status = pod_ready(&ret->ready, peer, detail);
    if (status == ERR_OK && ret->ready)
        ret->answers = ask_node(&ret->height, &ret->peers, peer);
    return status;
}

static json_t *row_json(const struct deploy_cluster_peer *peer, const struct look *look)
{
    json_t *row = json_pack("{s:s, s:s, s:s, s:b}", "peer", peer->name, "role",
                            peer->validator ? "validator" : "member", "context",
                            peer->organization->k8s->context.text, "ready", look->ready);
    json_object_set_new(row, "height",
                        look->answers ? json_integer((json_int_t)look->height) : json_null());
    json_object_set_new(row, "peers",
                        look->answers ? json_integer((json_int_t)look->peers) : json_null());
    return row;
}

static void add_row(struct deploy_table *table, const struct deploy_cluster_peer *peer,
                    const struct look *look)
{
    deploy_table_cell(table, "%s", peer->name);
    deploy_table_cell(table, "%s", peer->validator ? "validator" : "member");
    deploy_table_cell(table, "%s", peer->organization->k8s->context.text);
    deploy_table_cell(table, "%s", look->ready ? "ready" : "not ready");
    if (look->answers) {
        deploy_table_cell(table, "%llu", (unsigned long long)look->height);
        deploy_table_cell(table, "%llu", (unsigned long long)look->peers);
    } else {
        deploy_table_cell(table, "-");
        deploy_table_cell(table, "-");
    }
}

int deploy_target_status(const struct deploy_cluster *cluster, bool as_json, bool *ret_well,
                         struct err_detail *detail)
{
    static const char *const titles[] = {"PEER", "ROLE", "CONTEXT", "POD", "HEIGHT", "PEERS"};
    struct deploy_table table;
    struct buf b = BUF_INIT;
    json_t *all = json_array();
    int status = ERR_OK;
    *ret_well = true;
    deploy_table_init(&table, titles, BASE_COUNT(titles));
    for (size_t i = 0; status == ERR_OK && i < cluster->count; i++) {
        struct look look;
        if (cluster->peers[i].organization->external.value)
            continue;
        status = look_at(&look, &cluster->peers[i], detail);
        add_row(&table, &cluster->peers[i], &look);
        json_array_append_new(all, row_json(&cluster->peers[i], &look));
        *ret_well &= look.ready && look.answers;
    }
    deploy_table_finish(&b, &table);
    if (status == ERR_OK && as_json)
        status = deploy_json_print(all, detail);
    else if (status == ERR_OK)
        fputs(buf_text(&b), stdout);
    json_decref(all);
    buf_release(&b);
    return status;
}

/* --- Doctor --- */

static void say(bool *well, bool good, const char *organization, const char *what,
                const struct err_detail *detail)
{
    printf("%-5s %s: %s%s%s\n", good ? "well" : "ILL", organization, what, good ? "" : ": ",
           good ? "" : detail->text);
    *well &= good;
}

/* Others call a peer by its public name, at any time: that there is a record is looked up here, by this machine's resolver. */
static void look_up_names(bool *well, const struct deploy_cluster *cluster,
                          const struct deploy_organization *organization)
{
    for (size_t i = 0; deploy_cluster_has_proxy(cluster) && i < cluster->count; i++) {
        const struct deploy_cluster_peer *peer = &cluster->peers[i];
        struct deploy_cluster_address address;
        struct addrinfo *found = NULL;
        struct err_detail detail = {""};
        char what[3 * DEPLOY_CLUSTER_NAME_MAX];
        if (peer->organization != organization)
            continue;
        deploy_cluster_address(&address, cluster, peer, peer->peer->p2p, 0);
        int code = getaddrinfo(address.host, NULL, NULL, &found);
        if (code == 0)
            freeaddrinfo(found);
        err_set(&detail, ERR_NOTFOUND,
                "%s; create the record *.%.180s, to the address of the cluster's way in",
                gai_strerror(code), organization->external_url_suffix.text);
        snprintf(what, sizeof(what), "%s has an address", address.host);
        say(well, code == 0, organization->name.text, what, &detail);
    }
}

static void look_until(bool *well, const struct deploy_cluster_peer *peer, const char *what,
                       int64_t until)
{
    struct err_detail detail = {""};
    char text[3 * DEPLOY_CLUSTER_NAME_MAX];
    int64_t days = (until - (int64_t)time(NULL)) / 86400;
    bool good = days >= DEPLOY_EXPIRY_DAYS;
    (void)err_set(&detail, ERR_INPUT,
                  until > (int64_t)time(NULL)
                      ? "for %lld days only; `quorate keys rotate %s %s`, then `quorate up`"
                      : "no more, since %lld days; `quorate keys rotate %s %s`, then `quorate up`",
                  (long long)(days > 0 ? days : -days), peer->name, what);
    snprintf(text, sizeof(text), "the %s of %s is good for %d days at least", what, peer->name,
             DEPLOY_EXPIRY_DAYS);
    if (!good)
        snprintf(text, sizeof(text), "the %s of %s is good", what, peer->name);
    say(well, good, peer->organization->name.text, text, &detail);
}

/* Keys and certificates, as the vaults have them. Nothing is made. */
static void look_at_material(bool *well, struct deploy_cluster *cluster)
{
    struct err_detail detail = {""};
    int status = deploy_cluster_material(cluster, true, &detail);
    say(well, status == ERR_OK, "network", "keys are in the vaults and fit together", &detail);
    for (size_t i = 0; status == ERR_OK && i < cluster->count; i++) {
        const struct deploy_cluster_peer *peer = &cluster->peers[i];
        if (peer->organization->external.value || !deploy_cluster_certified(cluster, peer))
            continue;
        look_until(well, peer, "certificate", peer->identity.certificate_until);
        look_until(well, peer, "authority", peer->identity.authority_until);
    }
}

int deploy_target_doctor(struct deploy_cluster *cluster, bool *ret_well, struct err_detail *detail)
{
    *ret_well = true;
    for (size_t i = 0; i < cluster->network->organizations.count; i++) {
        const struct deploy_organization *organization = &cluster->network->organizations.items[i];
        const char *name = organization->name.text;
        if (organization->external.value)
            continue;
        struct err_detail found = {""};
        struct buf server = BUF_INIT, ca = BUF_INIT, text = BUF_INIT;
        struct vault *vault = NULL;
        enum vault_kv kv = VAULT_KV_ASK;
        const char *mount = organization->vault->secret_path.text;
        int status = deploy_kubectl_server(&server, &ca, organization, &found);
        say(ret_well, status == ERR_OK, name, "the kubeconfig leads to a cluster", &found);
        struct deploy_tool tool = deploy_kubectl(organization);
        deploy_tool_add(&tool, "auth", "can-i", "create", "statefulsets.apps", "--all-namespaces",
                        NULL);
        if (status == ERR_OK)
            say(ret_well, deploy_tool_run(&tool, &text, NULL, &found) == ERR_OK, name,
                "the cluster lets us make pods", &found);
        status = deploy_secrets_vault_login(&vault, organization, &found);
        if (status == ERR_OK)
            status = vault_engine(vault, &kv, mount ? mount : "secret", &found);
        say(ret_well, status == ERR_OK, name, "the vault answers and has its engine", &found);
        look_up_names(ret_well, cluster, organization);
        vault_close(vault);
        buf_release(&server);
        buf_release(&ca);
        buf_release(&text);
    }
    look_at_material(ret_well, cluster);
    bool pods = false;
    int status = deploy_target_status(cluster, false, &pods, detail);
    *ret_well &= pods;
    return status;
}
