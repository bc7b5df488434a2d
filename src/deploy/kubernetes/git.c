/* GitOps: what Flux applies is written into a checkout, committed and pushed by git, with git's own credentials. */
#include "base/clock.h"
#include "deploy/kubernetes/render.h"
#include "deploy/kubernetes/target.h"
#include "deploy/kubernetes/tool.h"
#include "deploy/kubernetes/values.h"
#include "deploy/local/site.h"

#include <stdio.h>
#include <unistd.h>

enum { LOOK_MICROSECONDS = 500000 };

/* "<checkout>/<org>" where there is such a checkout, else the checkout itself. */
static int find_checkout(char *ret, const char *checkout, const char *organization,
                         struct err_detail *detail)
{
    char mark[DEPLOY_PATH_MAX];
    deploy_path(ret, "%.800s/%.60s", checkout, organization);
    deploy_path(mark, "%.900s/.git", ret);
    if (access(mark, F_OK) == 0)
        return ERR_OK;
    deploy_path(ret, "%.800s", checkout);
    deploy_path(mark, "%.900s/.git", ret);
    return access(mark, F_OK) == 0
               ? ERR_OK
               : err_set(detail, ERR_NOTFOUND,
                         "%s is no checkout, nor has it one called %s; clone the organization's "
                         "repository there",
                         checkout, organization);
}

static struct deploy_tool git(const char *folder)
{
    return (struct deploy_tool){.arguments = {"git", "-C", folder}};
}

/* Whether the folder differs from what is committed. */
static int is_changed(bool *ret, const char *folder, const char *below, struct err_detail *detail)
{
    struct buf text = BUF_INIT;
    struct deploy_tool tool = git(folder);
    deploy_tool_add(&tool, "status", "--porcelain", "--", below, NULL);
    int status = deploy_tool_run(&tool, &text, NULL, detail);
    *ret = text.len > 0;
    buf_release(&text);
    return status;
}

/* As the file's user, so that the log says who; signed off as BAF's are. */
static int commit(const char *folder, const struct deploy_organization *organization,
                  struct err_detail *detail)
{
    const struct deploy_gitops *gitops = organization->gitops;
    char name[160], email[320], message[128];
    snprintf(name, sizeof(name), "user.name=%.120s",
             gitops->username.text ? gitops->username.text : "quorate");
    snprintf(email, sizeof(email), "user.email=%.280s",
             gitops->email.text ? gitops->email.text : "quorate@localhost");
    snprintf(message, sizeof(message), "[ci skip] releases of %.60s", organization->name.text);
    struct deploy_tool tool = git(folder);
    deploy_tool_add(&tool, "add", "--all", "--", gitops->release_dir.text, NULL);
    int status = deploy_tool_run(&tool, NULL, NULL, detail);
    tool = git(folder);
    deploy_tool_add(&tool, "-c", name, "-c", email, "commit", "--quiet", "--signoff", "--message",
                    message, "--", gitops->release_dir.text, NULL);
    return status == ERR_OK ? deploy_tool_run(&tool, NULL, NULL, detail) : status;
}

/* Others push there too: theirs is taken first. A key for ssh is named, not read. */
static int push(const char *folder, const struct deploy_gitops *gitops, struct err_detail *detail)
{
    char ssh[DEPLOY_PATH_MAX] = "core.sshCommand=ssh", target[256];
    if (gitops->git_protocol.text && strcmp(gitops->git_protocol.text, "ssh") == 0 &&
        gitops->private_key.text)
        deploy_path(ssh, "core.sshCommand=ssh -o IdentitiesOnly=yes -i '%.800s'",
                    gitops->private_key.text);
    snprintf(target, sizeof(target), "HEAD:refs/heads/%.200s", gitops->branch.text);
    struct deploy_tool tool = git(folder);
    deploy_tool_add(&tool, "-c", ssh, "pull", "--quiet", "--rebase", "origin", gitops->branch.text,
                    NULL);
    int status = deploy_tool_run(&tool, NULL, NULL, detail);
    tool = git(folder);
    deploy_tool_add(&tool, "-c", ssh, "push", "--quiet", "origin", target, NULL);
    return status == ERR_OK ? deploy_tool_run(&tool, NULL, NULL, detail) : status;
}

/* Where an organization's releases are: its checkout, and release_dir in it. */
struct place {
    const struct deploy_organization *organization;
    char folder[DEPLOY_PATH_MAX], below[DEPLOY_PATH_MAX];
};

static int find_place(struct place *ret, const struct deploy_organization *organization,
                      const struct deploy_target_options *options, struct err_detail *detail)
{
    const struct deploy_gitops *gitops = organization->gitops;
    ret->organization = organization;
    if (!gitops || !gitops->release_dir.text || !gitops->branch.text)
        return err_set(detail, ERR_INPUT, "it has no gitops.release_dir and branch to push to");
    int status = find_checkout(ret->folder, options->checkout, organization->name.text, detail);
    if (status == ERR_OK)
        deploy_path(ret->below, "%.600s/%.400s", ret->folder, gitops->release_dir.text);
    return status;
}

static int commit_and_push(const struct place *place, bool *ret_changed, struct err_detail *detail)
{
    const char *release_dir = place->organization->gitops->release_dir.text;
    int status = is_changed(ret_changed, place->folder, release_dir, detail);
    if (status == ERR_OK && *ret_changed)
        status = commit(place->folder, place->organization, detail);
    if (status == ERR_OK && *ret_changed)
        status = push(place->folder, place->organization->gitops, detail);
    return status;
}

/* Flux looks at the repository now and then: until the cluster has the release as it was pushed. */
static int await_release(const struct deploy_cluster *cluster, size_t index, uint64_t seconds,
                         struct err_detail *detail)
{
    double limit = base_now_seconds() + (double)seconds;
    json_t *values = NULL;
    int status = deploy_cluster_values(&values, cluster, index, detail);
    while (status == ERR_OK) {
        enum deploy_release_state state = DEPLOY_RELEASE_ABSENT;
        status = deploy_target_release_state(&state, cluster, index, values, detail);
        if (status != ERR_OK || state == DEPLOY_RELEASE_SAME)
            break;
        if (base_now_seconds() > limit)
            status =
                err_set(detail, ERR_IO,
                        "its release is pushed, and not on the cluster after %llu s; `flux get "
                        "helmreleases --all-namespaces` says more",
                        (unsigned long long)seconds);
        else
            usleep(LOOK_MICROSECONDS);
    }
    json_decref(values);
    return status;
}

/* One whose file is there already is changed alone: pushed, on the cluster and in sync before the next is. */
static int push_changed(const struct deploy_cluster *cluster, size_t index,
                        const struct place *place, const struct deploy_target_options *options,
                        struct deploy_changes *changes, struct err_detail *detail)
{
    char what[2 * DEPLOY_CLUSTER_NAME_MAX], name[DEPLOY_CLUSTER_NAME_MAX];
    bool changed = false;
    deploy_name_release(name, cluster, &cluster->peers[index]);
    int status = deploy_render_release(cluster, index, place->below, detail);
    if (status == ERR_OK)
        status = commit_and_push(place, &changed, detail);
    if (status == ERR_OK && changed) {
        snprintf(what, sizeof(what), "release %s, changed and pushed", name);
        deploy_target_tell(changes, place->organization->name.text, what, true, false);
        if (options->wait_seconds)
            status = await_release(cluster, index, options->wait_seconds, detail);
        if (status == ERR_OK && options->wait_seconds)
            status = deploy_target_await(cluster, index, options->wait_seconds, detail);
    }
    return status == ERR_OK ? ERR_OK : err_prefix(detail, status, "%s", cluster->peers[index].name);
}

static void release_path(char *ret, const struct deploy_cluster *cluster, size_t index,
                         const struct place *place)
{
    char name[DEPLOY_CLUSTER_NAME_MAX];
    deploy_name_release(name, cluster, &cluster->peers[index]);
    deploy_path(ret, "%.700s/%.60s/%.60s/%.127s.yaml", place->below, place->organization->name.text,
                place->organization->name.text, name);
}

int deploy_target_push(const struct deploy_cluster *cluster, size_t organization_index,
                       const struct deploy_target_options *options, struct deploy_changes *changes,
                       struct err_detail *detail)
{
    const struct deploy_organization *organization =
        &cluster->network->organizations.items[organization_index];
    struct place place;
    bool changed = false, there[DEPLOY_CLUSTER_PEERS_MAX] = {false};
    char path[DEPLOY_PATH_MAX];
    int status = find_place(&place, organization, options, detail);
    if (status != ERR_OK)
        return status;
    if (options->look_only) {
        deploy_path(path, "write its releases into %.800s, and push what differs", place.below);
        deploy_target_tell(changes, organization->name.text, path, true, true);
        return ERR_OK;
    }
    status = deploy_render_plain(cluster, organization_index, place.below, detail);
    for (size_t i = 0; i < cluster->count; i++) {
        if (cluster->peers[i].organization_index != organization_index)
            continue;
        release_path(path, cluster, i, &place);
        there[i] = access(path, F_OK) == 0;
        if (status == ERR_OK && !there[i])
            status = deploy_render_release(cluster, i, place.below, detail);
    }
    if (status == ERR_OK)
        status = commit_and_push(&place, &changed, detail);
    if (status == ERR_OK)
        deploy_target_tell(changes, organization->name.text, "releases, pushed", changed, false);
    for (size_t i = 0; status == ERR_OK && i < cluster->count; i++)
        if (there[i])
            status = push_changed(cluster, i, &place, options, changes, detail);
    return status;
}

int deploy_target_push_away(const struct deploy_cluster *cluster, size_t index,
                            const struct deploy_target_options *options, struct err_detail *detail)
{
    struct place place;
    char path[DEPLOY_PATH_MAX];
    bool changed = false;
    int status = find_place(&place, cluster->peers[index].organization, options, detail);
    if (status != ERR_OK)
        return status;
    release_path(path, cluster, index, &place);
    if (unlink(path) != 0 && access(path, F_OK) == 0)
        return err_set(detail, ERR_IO, "cannot remove %s", path);
    return commit_and_push(&place, &changed, detail);
}
