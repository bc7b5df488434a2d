/* GitOps: what Flux applies is written into a checkout, committed and pushed by git, with git's own credentials. */
#include "base/file.h"
#include "deploy/kubernetes/render.h"
#include "deploy/kubernetes/target.h"
#include "deploy/kubernetes/tool.h"
#include "deploy/local/site.h"

#include <stdio.h>
#include <unistd.h>

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

int deploy_target_push(const struct deploy_cluster *cluster, size_t index,
                       const struct deploy_target_options *options, size_t *changes,
                       struct err_detail *detail)
{
    const struct deploy_organization *organization = &cluster->network->organizations.items[index];
    const struct deploy_gitops *gitops = organization->gitops;
    char folder[DEPLOY_PATH_MAX], below[DEPLOY_PATH_MAX];
    bool changed = false;
    if (!gitops || !gitops->release_dir.text || !gitops->branch.text)
        return err_set(detail, ERR_INPUT, "it has no gitops.release_dir and branch to push to");
    int status = find_checkout(folder, options->checkout, organization->name.text, detail);
    if (status != ERR_OK)
        return status;
    deploy_path(below, "%.600s/%.400s", folder, gitops->release_dir.text);
    if (options->look_only) {
        printf("would  %s: write its releases into %s, and push them\n", organization->name.text,
               below);
        return ERR_OK;
    }
    status = deploy_render_releases(cluster, index, below, detail);
    if (status == ERR_OK)
        status = is_changed(&changed, folder, gitops->release_dir.text, detail);
    if (status == ERR_OK && changed)
        status = commit(folder, organization, detail);
    if (status == ERR_OK && changed)
        status = push(folder, gitops, detail);
    if (status == ERR_OK)
        deploy_target_tell(changes, organization->name.text, "releases, pushed", changed, false);
    return status;
}
