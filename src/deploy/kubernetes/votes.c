/* Who agrees on a network of clusters: votes of IBFT and QBFT, the members of a Raft cluster; asked of the nodes by the
 * console in their pods. */
#include "base/clock.h"
#include "base/hex.h"
#include "deploy/kubernetes/kubectl.h"
#include "deploy/kubernetes/target.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum {
    LOOK_MICROSECONDS = 500000,
    ADDRESS_TEXT = 2 * sizeof(struct address) + 3,
    ID_TEXT = 2 * sizeof(struct crypto_public_key) + 1,
    EXPRESSION_MAX = 1024,
};

static void address_text(char ret[ADDRESS_TEXT], const struct deploy_cluster_peer *peer)
{
    memcpy(ret, "0x", 3);
    hex_encode(ret + 2,
               bytes_of(peer->identity.node_address.b, sizeof(peer->identity.node_address.b)));
    ret[ADDRESS_TEXT - 1] = 0;
}

static bool is_raft(const struct deploy_cluster *cluster)
{
    return cluster->network->config->consensus.value == DEPLOY_RAFT;
}

static bool is_ours(const struct deploy_cluster_peer *peer)
{
    return !peer->organization->external.value;
}

/* The first of our other nodes that answers; where all others are somebody else's, the node itself. */
static int ask_others(struct buf *ret_text, const struct deploy_cluster *cluster, size_t but,
                      const char *expression, struct err_detail *detail)
{
    int status = ERR_NOTFOUND;
    for (size_t i = 0; status != ERR_OK && i < cluster->count; i++)
        if (i != but && is_ours(&cluster->peers[i])) {
            buf_clear(ret_text);
            status = deploy_kubectl_console(ret_text, &cluster->peers[i], expression, detail);
        }
    if (status == ERR_NOTFOUND)
        status = deploy_kubectl_console(ret_text, &cluster->peers[but], expression, detail);
    return status == ERR_OK
               ? ERR_OK
               : err_prefix(detail, ERR_IO, "no node of ours answers; the last one said");
}

/* --- IBFT, QBFT --- */

#define VALIDATORS "istanbul.getValidators()"

static bool lists(struct buf *validators, const struct deploy_cluster_peer *peer)
{
    char address[ADDRESS_TEXT];
    address_text(address, peer);
    return strcasestr(buf_text(validators), address) != NULL;
}

static int is_in(bool *ret, const struct deploy_cluster *cluster, size_t index,
                 struct err_detail *detail)
{
    struct buf text = BUF_INIT;
    int status = ask_others(&text, cluster, index, VALIDATORS, detail);
    if (status == ERR_OK)
        *ret = lists(&text, &cluster->peers[index]);
    buf_release(&text);
    return status;
}

/* Every validator of ours that answers does it; how many did. One that is down must not keep the others from voting. */
static size_t tell_validators(const struct deploy_cluster *cluster, const char *expression)
{
    size_t count = 0;
    for (size_t i = 0; i < cluster->count; i++) {
        struct buf text = BUF_INIT;
        if (cluster->peers[i].validator && is_ours(&cluster->peers[i]))
            count += deploy_kubectl_console(&text, &cluster->peers[i], expression, NULL) == ERR_OK;
        buf_release(&text);
    }
    return count;
}

static int await_votes(const struct deploy_cluster *cluster, size_t index, bool in, size_t votes,
                       uint64_t seconds, struct err_detail *detail)
{
    double limit = base_now_seconds() + (double)seconds;
    for (;;) {
        bool is = !in;
        int status = is_in(&is, cluster, index, detail);
        if (status != ERR_OK || is == in)
            return status;
        if (base_now_seconds() > limit)
            return err_set(detail, ERR_IO,
                           "%s is %s after %llu s: %zu validators of this file voted, and more "
                           "than half of all must",
                           cluster->peers[index].name, in ? "not in" : "still in",
                           (unsigned long long)seconds, votes);
        usleep(LOOK_MICROSECONDS);
    }
}

static int vote(const struct deploy_cluster *cluster, size_t index, bool in, uint64_t seconds,
                struct err_detail *detail)
{
    char address[ADDRESS_TEXT], expression[EXPRESSION_MAX];
    bool is = !in;
    address_text(address, &cluster->peers[index]);
    int status = is_in(&is, cluster, index, detail);
    if (status != ERR_OK || is == in)
        return status;
    snprintf(expression, sizeof(expression), "istanbul.propose(\"%s\", %s)", address,
             in ? "true" : "false");
    size_t votes = tell_validators(cluster, expression);
    status = await_votes(cluster, index, in, votes, seconds, detail);
    /* Else they would vote so again when somebody else has changed it. */
    snprintf(expression, sizeof(expression), "istanbul.discard(\"%s\")", address);
    (void)tell_validators(cluster, expression);
    return status;
}

static size_t count_of(const char *text, const char *what)
{
    size_t count = 0;
    for (const char *at = text; (at = strstr(at, what)); at += strlen(what))
        count++;
    return count;
}

/* Of those that stay, two thirds must run. Others' nodes cannot be asked, and are taken to run. */
static int may_vote_out(const struct deploy_cluster *cluster, size_t index, bool *ret_in,
                        struct err_detail *detail)
{
    struct buf validators = BUF_INIT, down = BUF_INIT;
    size_t away = 0;
    int status = ask_others(&validators, cluster, index, VALIDATORS, detail);
    *ret_in = status == ERR_OK && lists(&validators, &cluster->peers[index]);
    for (size_t i = 0; *ret_in && i < cluster->count; i++) {
        const struct deploy_cluster_peer *peer = &cluster->peers[i];
        struct buf answer = BUF_INIT;
        if (i != index && is_ours(peer) && lists(&validators, peer) &&
            deploy_kubectl_console(&answer, peer, "eth.blockNumber", NULL) != ERR_OK) {
            buf_append_format(&down, "%s%s", down.len ? ", " : "", peer->name);
            away++;
        }
        buf_release(&answer);
    }
    size_t stay = *ret_in ? count_of(buf_text(&validators), "0x") - 1 : 0;
    size_t needed = (2 * stay + 2) / 3;
    if (*ret_in && stay == 0)
        status = err_set(detail, ERR_USAGE,
                         "%s is the only validator; `quorate promote` another one first",
                         cluster->peers[index].name);
    else if (*ret_in && stay - away < needed)
        status = err_set(detail, ERR_USAGE,
                         "without %s, %zu of the %zu validators that stay must run, and %s %s not: "
                         "the network would stand still",
                         cluster->peers[index].name, needed, stay, buf_text(&down),
                         away == 1 ? "does" : "do");
    buf_release(&validators);
    buf_release(&down);
    return status;
}

/* --- Raft --- */

struct membership {
    unsigned long long id;     /* 0: no member */
    unsigned long long voters; /* others that vote */
    unsigned long long active; /* and are connected */
};

static int ask_membership(struct membership *ret, const struct deploy_cluster *cluster,
                          size_t index, struct err_detail *detail)
{
    const struct crypto_public_key *node = &cluster->peers[index].identity.node;
    char id[ID_TEXT], expression[EXPRESSION_MAX];
    struct buf text = BUF_INIT;
    hex_encode(id, bytes_of(node->b, sizeof(node->b)));
    id[ID_TEXT - 1] = 0;
    snprintf(expression, sizeof(expression),
             "(function(){var d=\"%s\",r=[0,0,0];raft.cluster.forEach(function(m){"
             "if(m.nodeId==d)r[0]=m.raftId;else if(m.role!=\"learner\"){r[1]++;"
             "if(m.nodeActive)r[2]++}});return r})()",
             id);
    int status = ask_others(&text, cluster, index, expression, detail);
    if (status == ERR_OK &&
        sscanf(buf_text(&text), "[%llu, %llu, %llu]", &ret->id, &ret->voters, &ret->active) != 3)
        status = err_set(detail, ERR_INPUT, "raft.cluster says %.200s", buf_text(&text));
    buf_release(&text);
    return status;
}

static int may_remove(const struct deploy_cluster *cluster, size_t index, bool *ret_in,
                      struct err_detail *detail)
{
    struct membership m = {0};
    int status = ask_membership(&m, cluster, index, detail);
    *ret_in = status == ERR_OK && m.id != 0;
    if (*ret_in && m.active < m.voters / 2 + 1)
        status =
            err_set(detail, ERR_USAGE,
                    "without %s, %llu of the %llu members that stay must run, and %llu do: the "
                    "network would stand still",
                    cluster->peers[index].name, m.voters / 2 + 1, m.voters, m.active);
    return status;
}

static int ask_raft(const struct deploy_cluster *cluster, size_t index, const char *method,
                    struct err_detail *detail)
{
    char expression[EXPRESSION_MAX];
    struct membership m = {0};
    struct buf text = BUF_INIT;
    int status = ask_membership(&m, cluster, index, detail);
    if (status == ERR_OK && m.id) {
        snprintf(expression, sizeof(expression), "raft.%s(%llu)", method, m.id);
        status = ask_others(&text, cluster, index, expression, detail);
    }
    buf_release(&text);
    return status;
}

static int remove_member(const struct deploy_cluster *cluster, size_t index, uint64_t seconds,
                         struct err_detail *detail)
{
    double limit = base_now_seconds() + (double)seconds;
    struct membership m = {0};
    int status = ask_raft(cluster, index, "removePeer", detail);
    while (status == ERR_OK) {
        status = ask_membership(&m, cluster, index, detail);
        if (status != ERR_OK || m.id == 0)
            break;
        if (base_now_seconds() > limit)
            return err_set(detail, ERR_IO, "%s is still a member of the cluster after %llu s",
                           cluster->peers[index].name, (unsigned long long)seconds);
        usleep(LOOK_MICROSECONDS);
    }
    return status;
}

/* The answer is kept before it is used; one that is a member already keeps its id. */
int deploy_target_join_raft(const struct deploy_cluster *cluster, size_t index,
                            struct err_detail *detail)
{
    struct deploy_cluster_peer *peer = &cluster->peers[index];
    const char *enode = json_string_value(json_array_get(
        cluster->static_nodes, json_array_size(cluster->static_nodes) - cluster->count + index));
    struct membership m = {0};
    struct buf expression = BUF_INIT, text = BUF_INIT;
    int status = ask_membership(&m, cluster, index, detail);
    if (status == ERR_OK && !m.id) {
        buf_append_format(&expression, "raft.%s(\"%s\")",
                          peer->peer->type.value == DEPLOY_NON_VALIDATOR ? "addLearner" : "addPeer",
                          enode);
        status = ask_others(&text, cluster, index, buf_text(&expression), detail);
        m.id = status == ERR_OK ? strtoull(buf_text(&text), NULL, 10) : 0;
    }
    if (status == ERR_OK && (m.id == 0 || m.id > UINT16_MAX))
        status = err_set(detail, ERR_INPUT, "the Raft cluster gave no id: %.200s", buf_text(&text));
    if (status == ERR_OK) {
        peer->raft_id = m.id;
        status = deploy_cluster_keep(cluster, detail);
    }
    buf_release(&expression);
    buf_release(&text);
    return status;
}

/* --- Both --- */

int deploy_target_may_leave(const struct deploy_cluster *cluster, size_t index, bool *ret_in,
                            struct err_detail *detail)
{
    *ret_in = false;
    return is_raft(cluster) ? may_remove(cluster, index, ret_in, detail)
                            : may_vote_out(cluster, index, ret_in, detail);
}

int deploy_target_vote(const struct deploy_cluster *cluster, size_t index, bool in,
                       uint64_t wait_seconds, struct err_detail *detail)
{
    if (!is_raft(cluster))
        return vote(cluster, index, in, wait_seconds, detail);
    return in ? ask_raft(cluster, index, "promoteToPeer", detail)
              : remove_member(cluster, index, wait_seconds, detail);
}
