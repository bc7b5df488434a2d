/* Peers that leave: the network that `up` has kept is compared with the file. */
#include "base/file.h"
#include "deploy/kubernetes/target.h"
#include "deploy/local/site.h"

#include <stdio.h>
#include <unistd.h>

static bool is_in(const struct deploy_cluster *cluster, const char *name)
{
    for (size_t i = 0; i < cluster->count; i++)
        if (strcmp(cluster->peers[i].name, name) == 0)
            return true;
    return false;
}

static size_t count_leavers(const struct deploy_cluster *before, const struct deploy_cluster *now,
                            size_t *ret_ours)
{
    size_t leave = 0;
    *ret_ours = 0;
    for (size_t i = 0; i < before->count; i++) {
        if (before->peers[i].organization->external.value)
            continue;
        ++*ret_ours;
        leave += !is_in(now, before->peers[i].name);
    }
    return leave;
}

static void tell(struct deploy_changes *changes, const struct deploy_cluster_peer *peer,
                 const char *what, bool look_only)
{
    char text[3 * DEPLOY_CLUSTER_NAME_MAX];
    snprintf(text, sizeof(text), "%s %s", peer->name, what);
    deploy_target_tell(changes, peer->organization->name.text, text, true, look_only);
}

/* Out of the agreement first: a validator that is merely gone would be waited for. */
static int leave(struct deploy_cluster *now, const struct deploy_cluster *before, size_t index,
                 const struct deploy_target_options *options, struct deploy_changes *changes,
                 struct err_detail *detail)
{
    const struct deploy_cluster_peer *peer = &before->peers[index];
    bool raft = before->network->config->consensus.value == DEPLOY_RAFT, in = false;
    char release[DEPLOY_CLUSTER_NAME_MAX];
    uint64_t seconds = options->wait_seconds ? options->wait_seconds : 60;
    deploy_name_release(release, before, peer);
    int status = deploy_target_may_leave(before, index, &in, detail);
    if (status == ERR_OK && in && !options->look_only)
        status = deploy_target_vote(before, index, false, seconds, detail);
    if (status == ERR_OK && in)
        tell(changes, peer, raft ? "removed from the Raft cluster" : "voted out",
             options->look_only);
    if (status == ERR_OK && raft && !options->look_only)
        deploy_cluster_forget_founder(now, peer->name);
    if (status == ERR_OK && !options->look_only)
        status = options->checkout ? deploy_target_push_away(before, index, options, detail)
                                   : deploy_target_uninstall(peer, release, detail);
    if (status == ERR_OK)
        tell(changes, peer, "gone: its release is taken away, claims and secrets stay",
             options->look_only);
    return status == ERR_OK ? ERR_OK : err_prefix(detail, status, "%s leaves", peer->name);
}

/* An organization whose last peer has left keeps its namespace, claims, login and secrets. What the file said of it is
 * kept, so that `down --purge` finds them. */
static int keep_left(const struct deploy_cluster_context *before, const struct deploy_cluster *now,
                     struct err_detail *detail)
{
    const struct deploy_organizations *all = &before->network->organizations;
    char path[DEPLOY_PATH_MAX];
    int status = ERR_OK;
    for (size_t i = 0; status == ERR_OK && i < all->count; i++) {
        const char *name = all->items[i].name.text;
        bool there = all->items[i].external.value;
        for (size_t j = 0; j < now->network->organizations.count; j++)
            there |= strcmp(now->network->organizations.items[j].name.text, name) == 0;
        deploy_path(path, "%.800s/kubernetes/" DEPLOY_TARGET_LEFT "%.60s.yaml", now->options->data,
                    name);
        if (!there)
            status = file_write_private(path, buf_bytes(&before->content), detail);
    }
    return status;
}

static int let_go(struct deploy_cluster *now, struct deploy_cluster *before,
                  const struct deploy_target_options *options, struct deploy_changes *changes,
                  struct err_detail *detail)
{
    int status = deploy_cluster_identify(before, detail);
    for (size_t i = 0; status == ERR_OK && i < before->count; i++)
        if (!before->peers[i].organization->external.value && !is_in(now, before->peers[i].name))
            status = leave(now, before, i, options, changes, detail);
    return status == ERR_OK && !options->look_only ? deploy_cluster_keep(now, detail) : status;
}

/* What `up` has kept; *ret_there: it is there, and can be read. */
static int open_kept(struct deploy_cluster_context *ret, bool *ret_there, char *path,
                     const struct deploy_cluster *now, struct err_detail *detail)
{
    *ret_there = false;
    deploy_path(path, "%.800s/kubernetes/network.yaml", now->options->data);
    if (access(path, F_OK) != 0)
        return ERR_OK;
    int status = deploy_cluster_open(ret, path, now->options, detail);
    *ret_there = status == ERR_OK;
    if (!*ret_there)
        deploy_cluster_close(ret);
    if (status != ERR_INPUT)
        return status;
    /* An older quorate took it; the file of today is what counts. */
    fprintf(stderr, "note: what %s says is not looked at; nobody is taken to have left\n", path);
    return ERR_OK;
}

int deploy_target_same_network(const struct deploy_cluster *now, struct err_detail *detail)
{
    struct deploy_cluster_context before;
    char path[DEPLOY_PATH_MAX];
    bool there = false;
    size_t ours = 0;
    int status = open_kept(&before, &there, path, now, detail);
    if (!there)
        return status;
    if (count_leavers(before.cluster, now, &ours) == ours && ours)
        status = err_set(detail, ERR_EXISTS,
                         "none of the peers of %s is in the file: it is another network's, which "
                         "needs another --data; `quorate down` ends the one that is there",
                         path);
    deploy_cluster_close(&before);
    return status;
}

int deploy_target_leavers(struct deploy_cluster *now, const struct deploy_target_options *options,
                          struct deploy_changes *changes, struct err_detail *detail)
{
    struct deploy_cluster_context before;
    char path[DEPLOY_PATH_MAX];
    bool there = false;
    size_t ours = 0;
    int status = open_kept(&before, &there, path, now, detail);
    if (!there)
        return status;
    bool any = count_leavers(before.cluster, now, &ours) != 0;
    if (any && !options->look_only)
        status = keep_left(&before, now, detail);
    if (any && status == ERR_OK)
        status = let_go(now, before.cluster, options, changes, detail);
    deploy_cluster_close(&before);
    return status;
}
